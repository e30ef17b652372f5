package backends

import (
	"encoding/json"
	"math/rand/v2"
	"testing"

	"sigmac/regex"
)

// TestLuceneAskedAgain holds that an answer that is known is that which is found, takes
// the same work, and that expressions are told apart.
func TestLuceneAskedAgain(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	var random func(depth int) *regex.Re
	random = func(depth int) *regex.Re {
		switch n := r.IntN(6); {
		case n == 0 || depth == 0:
			return &regex.Re{Op: regex.OpLiteral, Rune: rune('a' + r.IntN(3)), Fold: r.IntN(2) == 0}
		case n == 1:
			return &regex.Re{Op: regex.OpAny}
		case n == 2:
			return &regex.Re{Op: regex.OpClass, Ranges: []regex.Range{{Lo: 'a', Hi: rune('b' + r.IntN(5))}}}
		case n == 3:
			return &regex.Re{Op: regex.OpRepeat, Min: r.IntN(3), Max: []int{-1, 3, 12}[r.IntN(3)], Subs: []*regex.Re{random(depth - 1)}}
		default:
			subs := make([]*regex.Re, 2+r.IntN(3))
			for i := range subs {
				subs[i] = random(depth - 1)
			}
			return &regex.Re{Op: []regex.Op{regex.OpConcat, regex.OpAlternate}[n-4], Subs: subs}
		}
	}
	known, refusals := map[string]string{}, 0
	for range 3000 {
		re := random(4)
		limit := []int{LuceneWork, 1 << 16, 500}[r.IntN(3)]
		fresh, first, again := limit, limit, limit
		_, want := refused(re, &fresh)
		one, two := LuceneRefuses(re, &first), LuceneRefuses(re, &again)
		if one != want || two != want || fresh >= 0 && (first != fresh || again != fresh) {
			t.Fatalf("%v: %q with %d left, then %q with %d and %q with %d", re, want, fresh, one, first, two, again)
		}
		if want != "" {
			refusals++
		}
		whole, err := json.Marshal(re)
		if err != nil {
			t.Fatal(err)
		}
		key, text := string(appendRe(nil, re)), string(whole)
		if old, ok := known[key]; ok && old != text {
			t.Fatalf("%s and %s have one key", old, text)
		}
		known[key] = text
	}
	if refusals < 50 {
		t.Errorf("only %d are refused", refusals)
	}
	for range 100 {
		asked.keep(string(make([]byte, maxAsked/3)), answer{})
	}
	if asked.size > maxAsked {
		t.Errorf("%d bytes are kept", asked.size)
	}
}

// TestLuceneWords holds that what is taken without making its automaton is not refused
// with it, and grows by nothing.
func TestLuceneWords(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	wide := &regex.Re{Op: regex.OpClass}
	for i := range rune(16) {
		wide.Ranges = append(wide.Ranges, regex.Range{Lo: 0x100 + 0x1000*i, Hi: 0x900 + 0x1000*i})
	}
	character := func() *regex.Re {
		return []*regex.Re{wide, {Op: regex.OpAny}, {Op: regex.OpAnyNotNewline}, regex.Literal('a', true), regex.Literal('ß', true), regex.Literal('a', false)}[r.IntN(6)]
	}
	several := func(n int, of func() *regex.Re) (out []*regex.Re) {
		for range n {
			out = append(out, of())
		}
		return out
	}
	var all []*regex.Re
	for _, n := range []int{1, 2, 5, 500} {
		all = append(all, &regex.Re{Op: regex.OpConcat, Subs: several(n, func() *regex.Re { return wide })},
			&regex.Re{Op: regex.OpConcat, Subs: several(n, character)})
		for _, most := range []int{-1, n, 500} {
			all = append(all, &regex.Re{Op: regex.OpRepeat, Min: n, Max: most, Subs: []*regex.Re{wide}},
				&regex.Re{Op: regex.OpRepeat, Max: most, Subs: []*regex.Re{character()}})
		}
	}
	for range 300 {
		fold := r.IntN(2) == 0
		letter := func() *regex.Re { return regex.Literal([]rune("ab-")[r.IntN(3)], fold) }
		all = append(all, &regex.Re{Op: regex.OpAlternate, Subs: several(1+r.IntN(40), func() *regex.Re {
			word := &regex.Re{Op: regex.OpConcat, Subs: several(r.IntN(12), letter)}
			return []*regex.Re{letter(), word, {Op: regex.OpGroup, Subs: []*regex.Re{word}}}[r.IntN(3)]
		})})
	}
	for _, re := range all {
		work := 16 * LuceneWork
		if growth, why := made(re, &work); !words(re) || growth != 1 || why != "" {
			t.Errorf("words: %t, growth %d, %q of %s", words(re), growth, why, regex.Print(re, regex.PCRE))
		}
	}
	for _, mixed := range [][]*regex.Re{{regex.Literal('a', true), regex.Literal('a', false)}, {regex.Literal('ß', true)}, {{Op: regex.OpAny}}} {
		if re := (&regex.Re{Op: regex.OpAlternate, Subs: mixed}); words(re) {
			t.Errorf("words takes %s", regex.Print(re, regex.PCRE))
		}
	}
}
