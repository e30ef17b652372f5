package verify

import (
	"math/rand/v2"
	"slices"
	"testing"

	"sigmac/ir"
)

// TestCells holds that the characters which stand for all others are those that the programs of
// patterns ask for, without their programs.
func TestCells(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	letters := []rune("aAkKsSéÉßſıİiI1_.-\\ \nǅǆΣςσжЖ\u212a😀\u2028")
	for range 2000 {
		var parts []ir.Part
		for range 1 + r.IntN(4) {
			kind := ir.PartKind(r.IntN(3))
			part := ir.Part{Kind: kind}
			if kind == ir.Literal {
				for range 1 + r.IntN(4) {
					part.Text += string(letters[r.IntN(len(letters))])
				}
			}
			parts = append(parts, part)
		}
		p := canonPattern(ir.NewPattern(r.IntN(2) == 0, parts...))
		cells := func(test ir.Test) []rune {
			c := newClaim(sigmaWorld, "")
			f := c.field(ir.Field{Name: "f", Type: ir.Text}, false)
			c.letter(f, "x", &letter{test: test})
			c.prepare(f)
			return f.cells
		}
		if got, want := cells(p), cells(ir.Regexp{Re: ir.PatternRe(p)}); !slices.Equal(got, want) {
			t.Fatalf("%s: %q, not %q", p, got, want)
		}
	}
}

// TestLaterLetters holds that a test which comes to a field after a search is part of the next
// one: that its characters are tried.
func TestLaterLetters(t *testing.T) {
	c := newClaim(sigmaWorld, "")
	budget := DefaultBudget
	is := func(s string) ir.Expr {
		return ir.Match{Field: ir.Field{Name: "f", Type: ir.Text}, Test: ir.NewPattern(true, ir.Part{Kind: ir.AnyRun}, ir.Part{Text: s}, ir.Part{Kind: ir.AnyOne}, ir.Part{Kind: ir.AnyRun})}
	}
	for i, s := range []string{"ab", "é", "жß", "\u2028"} {
		f := c.field(ir.Field{Name: "f", Type: ir.Text}, false)
		n := c.node(is(s), nil)
		if text, found, _ := func() (string, bool, bool) { c.prepare(f); return c.search(f, []int{n.index}, nil, &budget) }(); !found || i > 0 && text == "" {
			t.Errorf("%q: no text has it", s)
		}
	}
}
