package backends_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"unicode"

	"sigmac/backends"
	"sigmac/ir"
)

// TestTermsOfPatterns compares the terms of a pattern with those of its regular expression.
func TestTermsOfPatterns(t *testing.T) {
	lexicon := backends.Lexicon{
		Breaks: func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) },
		Common: []string{"windows", "system32"},
	}
	pieces := []string{"Windows", "SYSTEM32", "mimikatz", "a1b2c3", "powershell", "cmd", `\`, ".", " ", "é", "²", "\u2013", "\xff", "\xe2\x82", "123456"}
	r := rand.New(rand.NewPCG(1, 2))
	f := ir.Field{Name: "f", Type: ir.Text}
	found := 0
	for range 20_000 {
		var parts []ir.Part
		for range 1 + r.IntN(6) {
			switch r.IntN(6) {
			case 0:
				parts = append(parts, ir.Part{Kind: ir.AnyRun})
			case 1:
				parts = append(parts, ir.Part{Kind: ir.AnyOne})
			default:
				parts = append(parts, ir.Part{Text: pieces[r.IntN(len(pieces))]})
			}
		}
		p := ir.NewPattern(r.IntN(2) == 0, parts...)
		got := lexicon.Terms(ir.Match{Field: f, Test: p}, f)
		want := lexicon.Terms(ir.Match{Field: f, Test: ir.Regexp{Re: ir.PatternRe(p)}}, f)
		if !slices.Equal(got, want) {
			t.Fatalf("%s: %v, want %v", p, got, want)
		}
		found += len(got)
	}
	if found < 1000 {
		t.Errorf("only %d patterns have terms", found)
	}
}

// TestTermsOfMany holds that a choice of many has none that are worth a look-up, and that the last
// of its parts still counts.
func TestTermsOfMany(t *testing.T) {
	lexicon := backends.Lexicon{Breaks: func(r rune) bool { return r == '.' }}
	f := ir.Field{Name: "f", Type: ir.Text}
	var many ir.Or
	for _, name := range []string{"alpha", "bravo1", "charlie", "delta", "ECHO1", "foxtrot", "golf1"} {
		many = append(many, ir.Match{Field: f, Test: ir.Lit(name)})
	}
	some := slices.Clone(many[:4])
	other := ir.Match{Field: f, Test: ir.Lit("another")}
	if got := lexicon.Terms(some, f); len(got) != 4 {
		t.Errorf("of some: %v", got)
	}
	if got := lexicon.Terms(many, f); got != nil {
		t.Errorf("of many: %v", got)
	}
	if got := lexicon.Terms(append(slices.Clone(some), ir.Match{Field: f, Test: ir.Lit("a.b")}), f); got != nil {
		t.Errorf("of short ones too: %v", got)
	}
	// What is chosen in a conjunction has the longest shortest term, be they too many or not.
	if got := lexicon.Terms(ir.And{many, other}, f); len(got) != 1 || got[0].Text != "another" {
		t.Errorf("of many and one: %v", got)
	}
}
