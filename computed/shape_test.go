package computed

import (
	"math/rand/v2"
	"slices"
	"testing"

	"sigmac/ir"
	"sigmac/regex"
)

// has says whether a text has the shape, by the matcher of package regex.
func (s shape) has(text string) bool {
	re := regex.Concat(slices.Concat(shape{{Op: regex.OpBeginText}}, s, shape{{Op: regex.OpEndText}})...)
	return re.In([]rune(text))
}

// someShape is a random shape of few letters.
func someShape(r *rand.Rand) (out shape) {
	for range r.IntN(5) {
		out = append(out, []*regex.Re{anyRun, anyRun.Subs[0], regex.Literal('a', true), regex.Literal('b', false), regex.Literal('B', true),
			{Op: regex.OpClass, Ranges: []regex.Range{{Lo: 'a', Hi: 'b'}}}, {Op: regex.OpRepeat, Max: -1, Subs: []*regex.Re{regex.Literal('b', true)}}}[r.IntN(7)])
	}
	return slices.CompactFunc(out, func(a, b *regex.Re) bool { return isAny(a) && isAny(b) })
}

// texts are all of up to four of these letters.
var texts = func() (out []string) {
	out = []string{""}
	for from := 0; len(out[from]) < 4; from++ {
		for _, c := range "aBb" {
			out = append(out, out[from]+string(c))
		}
	}
	return out
}()

// TestShapes holds what follows a beginning, the halves of a shape, and a shape as a test
// against the texts that have it.
func TestShapes(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	passed, unknown := 0, 0
	for range 150 {
		s := someShape(r)
		if again, ok := shapeOf(s.test()); len(s) > 0 && (!ok || !slices.EqualFunc(again, s, func(a, b *regex.Re) bool {
			return regex.Equal(a, b) || slices.Equal(set(a), set(b))
		})) {
			t.Errorf("%s is read as %v", s.test(), again)
		}
		begin := shape{}
		for range r.IntN(3) {
			begin = append(begin, []*regex.Re{regex.Literal('a', true), regex.Literal('b', false), regex.Literal('b', true), {Op: regex.OpClass, Ranges: []regex.Range{{Lo: 'a', Hi: 'b'}}}}[r.IntN(4)])
		}
		rest, known := s.after(begin)
		if !known {
			unknown++
		}
		for _, text := range texts {
			is := s.has(text)
			if is {
				passed++
			}
			if is != (s.empty() && text == "") && text == "" {
				t.Errorf("%v: the empty text is %t", s, is)
			}
			for cut := range len(text) + 1 {
				if known && begin.has(text[:cut]) {
					if got := slices.ContainsFunc(rest, func(s shape) bool { return s.has(text[cut:]) }); got != is {
						t.Errorf("%s after %s: %q is %t, of the whole %t", s.test(), begin.test(), text[cut:], got, is)
					}
				}
				got := slices.ContainsFunc(s.halves(), func(h [2]shape) bool { return h[0].has(text[:cut]) && h[1].has(text[cut:]) })
				if got != is {
					t.Errorf("%s in halves: %q, %q is %t, the whole %t", s.test(), text[:cut], text[cut:], got, is)
				}
			}
		}
	}
	if passed < 1000 || unknown < 3 || unknown > 75 {
		t.Errorf("%d texts passed, %d beginnings are not known", passed, unknown)
	}
}

// TestRename has expressions that are beginnings, and others.
func TestRename(t *testing.T) {
	for _, c := range []struct {
		re   string
		from int
	}{
		{`^AB`, 1}, {`(?i)^A(B|C[0-9])`, 2}, {`\A[ab]`, 1},
		{`AB`, 0}, {`^A*`, 0}, {`^(A|AB)`, 0}, {`^A$`, 0}, {`^A\b`, 0},
	} {
		re, err := ir.ParseRegexp(c.re, regex.Flags{})
		if err != nil {
			t.Fatal(err)
		}
		term, ok := Rename(Column{}, re.Re, nil, "x")
		if ok != (c.from > 0) || ok && len(term.(Renamed).From) != c.from {
			t.Errorf("%s: %v, %t", c.re, term, ok)
		}
	}
}
