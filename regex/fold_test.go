package regex

import (
	"testing"
	"unicode"
)

// TestLowerFolds holds what is said of lower case against all of Unicode: a letter
// that it decides meets its case variants there, and nothing else but the letters
// that the assumption fold leaves out.
func TestLowerFolds(t *testing.T) {
	meets := map[rune][]rune{}
	for r := rune(0); r <= unicode.MaxRune; r++ {
		switch r {
		case '\u212a', '\u0130': // the Kelvin sign and the dotted İ
		default:
			meets[unicode.ToLower(r)] = append(meets[unicode.ToLower(r)], r)
		}
	}
	decided := 0
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !LowerFolds(string(r)) || 0xD800 <= r && r < 0xE000 {
			continue
		}
		decided++
		if got, want := meets[unicode.ToLower(r)], Cases(r); string(got) != string(want) {
			t.Errorf("%q meets %q, its cases are %q", r, got, want)
		}
	}
	if decided < 1_000_000 {
		t.Errorf("only %d letters are decided", decided)
	}
	for _, s := range []string{"ς", "Σ", "\u0130", "\u212a", "aǅ"} {
		if LowerFolds(s) {
			t.Errorf("lower case decides %q", s)
		}
	}
}
