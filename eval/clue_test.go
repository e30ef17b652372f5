package eval

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"sigmac/regex"
)

// TestRequired holds what is known of a regular expression: its required texts are the ones
// that are expected, and a text in which it matches has one of them, its length, and its run.
func TestRequired(t *testing.T) {
	for _, tc := range []struct {
		re   string
		want []string
		run  int
		has  []string
	}{
		{`abc`, []string{"ABC"}, 0, []string{"xabcx"}},
		{`(?i)aBc`, []string{"ABC"}, 0, []string{"AbC"}},
		{`[aA][bB]c?`, []string{"AB"}, 0, []string{"ab", "Abc"}},
		{`(?:foo|ba[rz])x`, []string{"BARX", "BAZX", "FOOX"}, 0, []string{"foox", "bazx"}},
		{`(?:foo|b*)x`, []string{"X"}, 0, []string{"x", "foox"}},
		{`(?:foo.*|bar)`, []string{"BAR", "FOO"}, 0, []string{"foo", "bar"}},
		{`a+b`, []string{"A"}, 0, []string{"aab"}},
		{`(?:ab){2}c`, []string{"ABABC"}, 0, []string{"ababc"}},
		{`(?:ab){2,3}c`, []string{"ABAB"}, 0, []string{"abababc"}},
		{` [0-7]{7,13}`, nil, 7, []string{" 01234567"}},
		{`x[01]{2,3}`, []string{"X00", "X01", "X10", "X11"}, 2, []string{"x101"}},
		{`\s[a-f0-9]{64}`, nil, 64, []string{"x " + strings.Repeat("af09", 16)}},
		{`(?i)[a-f]{3}é`, nil, 3, []string{"AbFÉ", "xxaaaé"}},
		{`(?i)[\x{212a}]{2}`, nil, 0, []string{"\u212a\u212a"}},
		{`[^a]{3}`, nil, 3, []string{"bbb", "éé\u00ff"}},
		{`.*`, nil, 0, []string{""}},
		{`\bab\b`, []string{"AB"}, 0, []string{"-ab-"}},
		{`^ab$`, []string{"AB"}, 0, []string{"ab"}},
		{`a|`, nil, 0, []string{""}},
	} {
		re, err := regex.Parse(tc.re, regex.Flags{})
		if err != nil {
			t.Fatal(tc.re, err)
		}
		got, run := required(re), longestClass(re)
		if tc.want != nil && !slices.Equal(got, tc.want) || run.length != tc.run {
			t.Errorf("%s requires %q and a run of %d, not %q and %d", tc.re, got, run.length, tc.want, tc.run)
		}
		for _, text := range tc.has {
			if !search(re, text) {
				t.Errorf("%s does not match %q", tc.re, text)
			}
			has := func(s string) bool { return strings.Contains(regex.Fold(text), s) }
			if len(got) > 0 && !slices.ContainsFunc(got, has) || len(text) < shortest(re) || !run.in(text) {
				t.Errorf("%s: %q lacks %q, %d bytes or a run of %d", tc.re, text, got, shortest(re), run.length)
			}
		}
	}
}

// TestWords holds that words are found where they stand, and nowhere else, whatever
// their lengths, their places and the letters beside them.
func TestWords(t *testing.T) {
	letters := []string{"a", "B", "b", "c", "\\", " ", "1", "é", "É", "\u212a", "k", "ß", "\u017f", "{", "["}
	r := rand.New(rand.NewPCG(1, 5))
	text := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteString(letters[r.IntN(len(letters))])
		}
		return b.String()
	}
	hits, common := 0, newCounts(1<<r.IntN(20))
	for range 3000 {
		var w words
		var all []clue
		for i := range 1 + r.IntN(30) {
			c := clue{text: regex.Fold(text(1 + r.IntN(9))), place: place(r.IntN(4)), sure: true}
			all = append(all, c)
			common.add(c.text)
			w.add(c, find{leaf: int32(i), sure: true})
		}
		w.build(common)
		for range 5 {
			s := text(r.IntN(24))
			if r.IntN(2) == 0 {
				s = s[:r.IntN(len(s)+1)] + all[r.IntN(len(all))].text
				s = strings.ToValidUTF8(s, "")
			}
			var got []find
			if w.fit(s) {
				got = w.find(s, nil)
			} else {
				got = w.find(regex.Fold(s), nil)
			}
			for i, c := range all {
				is := map[place]func(s, text string) bool{anywhere: strings.Contains, atStart: strings.HasPrefix, atEnd: strings.HasSuffix,
					whole: func(s, text string) bool { return s == text }}[c.place](regex.Fold(s), c.text)
				if found := slices.ContainsFunc(got, func(f find) bool { return f.leaf == int32(i) }); found != is {
					t.Fatalf("%q at %d is found in %q: %v", c.text, c.place, s, found)
				}
				if is {
					hits++
				}
			}
		}
	}
	if t.Log(hits); hits < 1000 {
		t.Error(hits, "hits")
	}
}
