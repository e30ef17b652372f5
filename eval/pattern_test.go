package eval

import (
	"encoding/base64"
	"math/rand"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigmac/ir"
)

func TestWindash(t *testing.T) {
	for _, tt := range []struct {
		value string
		at    []int // the characters that may be any dash
	}{
		{"-foo", []int{0}},
		{"/foo", []int{0}},
		{"–foo", []int{0}},
		{"—foo", []int{0}},
		{"―foo", []int{0}},
		{"foo", nil},
		{"a-b", nil},
		{"-a-b", []int{0}},
		{" --foo", []int{2}},
		{`-"x"`, nil},
		{"x -", nil},
		{"-", nil},
		{" -1", []int{1}},
		{`foo\-bar`, []int{4}},
		{" /c:x -y", []int{1, 6}},
		{"é-x", nil},
		{"_-x", nil},
		{"-_", []int{0}},
		{"-é", []int{0}},
		{"*-x", []int{1}},
		{"a*-x", []int{2}},
		{"a?-x", []int{2}},
		{"-*x", nil},
		{"-a -b -c -d -e", []int{0, 3, 6, 9, 12}},
	} {
		p, chars := pattern(tt.value), []rune(tt.value)
		for i := range chars {
			for _, d := range "-/–—―_" {
				changed := slices.Clone(chars)
				changed[i] = d
				want := chars[i] == d || chars[i] == '*' || chars[i] == '?' || slices.Contains(tt.at, i) && d != '_'
				if got := glob(p, true, string(changed)); got != want {
					t.Errorf("%s for %s: %v", string(changed), tt.value, got)
				}
			}
		}
		all := slices.Clone(chars)
		for _, i := range tt.at {
			all[i] = '―'
		}
		if !glob(p, true, string(all)) {
			t.Errorf("%s is not a spelling of %s", string(all), tt.value)
		}
		if glob(p, false, string(all)) && tt.at != nil && tt.value != string(all) {
			t.Errorf("%s is %s without windash", string(all), tt.value)
		}
		ps, err := variants(ir.Windash{X: p})
		inside := strings.ContainsAny(strings.Trim(tt.value, "*"), "*?")
		if bad := inside || len(tt.at) > 4; bad != (err != nil) {
			t.Errorf("%s: %v", tt.value, err)
		} else if n := []int{1, 5, 25, 125, 625, 0}[len(tt.at)]; !bad && len(ps) != n {
			t.Errorf("%s has %d variants, not %d", tt.value, len(ps), n)
		}
		for _, v := range ps {
			if !glob(p, true, v.Literals()) {
				t.Errorf("%s is not a spelling of %s", v, tt.value)
			}
		}
	}
}

func TestEncodings(t *testing.T) {
	wide := func(x ir.Test) ir.Test { return ir.Encode{As: ir.UTF16LE, X: x} }
	b64 := func(x ir.Test) ir.Test { return ir.Encode{As: ir.Base64, X: x} }
	off := func(x ir.Test) ir.Test { return ir.Base64Offset{X: x} }
	dash := func(s string) ir.Test { return ir.Windash{X: pattern(s)} }
	for _, tt := range []struct {
		test ir.Test
		want string // the variants' text; of a long list, some
		n    int
	}{
		{off(pattern("é")), "w6 Op Dq", 3},
		{off(pattern("foo")), "Zm9v Zvb mb2", 3},
		{off(pattern("ab")), "YW Fi hY", 3},
		{off(pattern("http://")), "aHR0cDovL h0dHA6Ly odHRwOi8v", 3},
		{off(wide(pattern("ab"))), "YQBiA EAYg hAGIA", 3},
		{b64(pattern("cmd")), "Y21k", 1},
		{b64(ir.Encode{As: ir.UTF16, X: pattern("cmd")}), "//5jAG0AZAA=", 1},
		{b64(ir.Encode{As: ir.UTF16BE, X: pattern("cmd")}), "AGMAbQBk", 1},
		{b64(wide(pattern("cmd"))), "YwBtAGQA", 1},
		{b64(dash("-a")), "LWE= L2E= 4oCTYQ== 4oCUYQ== 4oCVYQ==", 5},
		{b64(wide(dash("-a"))), "LQBhAA== LwBhAA== EyBhAA== FCBhAA== FSBhAA==", 5},
		{off(dash("-e")), "LW 1l tZ L2 9l vZ", 15},
		{off(wide(dash("-e"))), "LQBlA 0AZQ tAGUA LwBlA", 15},
		{wide(dash("-a")), "-\x00a\x00 /\x00a\x00 \x13\x20a\x00", 5},
		{b64(off(pattern("foo"))), "Wm05dg==", 3},
	} {
		ps, err := variants(tt.test)
		if err != nil || len(ps) != tt.n {
			t.Errorf("%s: %d variants, %v", tt.test, len(ps), err)
			continue
		}
		var texts []string
		for _, p := range ps {
			texts = append(texts, p.Literals())
		}
		for _, want := range strings.Split(strings.ReplaceAll(tt.want, "\x13 ", "\x13_"), " ") {
			want = strings.ReplaceAll(want, "\x13_", "\x13 ")
			if !slices.Contains(texts, want) {
				t.Errorf("%s has no variant %q: %q", tt.test, want, texts)
			}
		}
	}
	for _, tt := range []struct {
		test    ir.Test
		yes, no string
	}{
		{off(pattern("*foo*")), "xxZm9vxx", "xxx"},
		{off(pattern("foo")), "Zm9v", "Zm9vx"},
		{off(pattern("foo*")), "zvbX", "xZvb"},
		{off(dash("*/e*")), "..9L..", "-e"},
		{off(cased("*foo*")), ".Zm9v.", ".zm9v."},
		{ir.Encode{As: ir.UTF16, X: pattern("a")}, "\xff\xfea\x00", "\ufffd\ufffda\x00"},
	} {
		if !someVariant(tt.test, tt.yes) || someVariant(tt.test, tt.no) {
			t.Errorf("%s of %q and %q", tt.test, tt.yes, tt.no)
		}
	}
}

// Wherever a text stands among others, its Base64 holds the variant of its
// offset, and no longer text would do.
func TestOffsets(t *testing.T) {
	rnd := rand.New(rand.NewSource(1))
	text := func(n int) string {
		b := make([]byte, n)
		rnd.Read(b)
		return string(b)
	}
	for range 2000 {
		s := text(2 + rnd.Intn(8))
		vs, err := offsets(s)
		if err != nil {
			t.Fatal(err)
		}
		before, after := text(rnd.Intn(7)), text(rnd.Intn(7))
		if all := base64.StdEncoding.EncodeToString([]byte(before + s + after)); !strings.Contains(all, vs[len(before)%3]) {
			t.Fatalf("%s does not hold %s", all, vs[len(before)%3])
		}
		if ir.Base64Offsets(s) != [3]string(vs) {
			t.Fatalf("%q: %q", s, vs)
		}
	}
}

// TestGlob holds globs against the same written as regular expressions.
func TestGlob(t *testing.T) {
	rnd := rand.New(rand.NewSource(2))
	word := func(n int, letters string) string {
		var b strings.Builder
		for range rnd.Intn(n) {
			b.WriteByte(letters[rnd.Intn(len(letters))])
		}
		return b.String()
	}
	for range 20000 {
		p, s := word(9, "abA**?"), word(10, "abB")
		want := regexp.MustCompile("(?is)^" + strings.NewReplacer("*", ".*", "?", ".").Replace(p) + "$").MatchString(s)
		if got := glob(pattern(p), false, s); got != want {
			t.Fatalf("%s of %s: %v", p, s, got)
		}
	}
}

func TestHostileGlob(t *testing.T) {
	s := strings.Repeat("a", 20000)
	p := pattern(strings.Repeat("*a", 200) + "*b")
	if glob(p, false, s) || !glob(p, false, s+"b") || glob(p, true, s) {
		t.Error("wrong")
	}
}
