package backends

import (
	"testing"

	"sigmac/ir"
)

// TestApart has patterns that are a beginning and an end, and those of which a shorter
// text has both.
func TestApart(t *testing.T) {
	run := ir.Part{Kind: ir.AnyRun}
	lit := func(s string) ir.Part { return ir.Part{Text: s} }
	for _, c := range []struct {
		parts []ir.Part
		cased bool
		want  bool
	}{
		{[]ir.Part{lit("ab"), run, lit("cd")}, false, true},
		{[]ir.Part{lit("ab"), run, lit("a")}, false, true},
		{[]ir.Part{lit("ab"), run, lit("b")}, false, false},  // ab
		{[]ir.Part{lit("ab"), run, lit("bc")}, false, false}, // abc
		{[]ir.Part{lit("ab"), run, lit("Bc")}, false, false},
		{[]ir.Part{lit("ab"), run, lit("Bc")}, true, true},
		{[]ir.Part{lit("b"), run, lit("abc")}, false, true}, // a beginning is not within
		{[]ir.Part{lit("a"), run, lit("abc")}, false, false},
		{[]ir.Part{lit("xabc"), run, lit("ab")}, false, true}, // nor is an end
		{[]ir.Part{lit("a"), run, lit("b"), run}, false, false},
		{[]ir.Part{lit("a"), {Kind: ir.AnyOne}, lit("b")}, false, false},
		{[]ir.Part{run, lit("a")}, false, false},
	} {
		p := ir.NewPattern(c.cased, c.parts...)
		begin, end, ok := apart(p)
		if ok != c.want {
			t.Errorf("%s: %s, %s, %t", p, begin, end, ok)
		}
		if a, _ := begin.Shape(); ok && a != ir.Prefix {
			t.Errorf("%s begins with %s", p, begin)
		}
		if a, _ := end.Shape(); ok && a != ir.Suffix {
			t.Errorf("%s ends with %s", p, end)
		}
	}
}

// TestMissing has the tests for a blank text and for any value where a blank text is none.
func TestMissing(t *testing.T) {
	caps := Caps{Pattern: func(ir.Pattern) bool { return true }, BlankIsMissing: true, Single: true}
	match := func(typ ir.Type, test ir.Test) ir.Expr {
		return ir.Match{Field: ir.Field{Name: "f", Type: typ}, Test: test}
	}
	null, number := match(ir.Text, ir.Null{}), match(ir.Numeric, ir.Null{})
	every, value := ir.NewPattern(false, ir.Part{Kind: ir.AnyRun}), match(ir.Text, ir.Lit("x"))
	for _, c := range []struct{ e, want ir.Expr }{
		{match(ir.Text, ir.Lit("")), null},
		{match(ir.Address, ir.Lit("")), match(ir.Address, ir.Null{})},
		{match(ir.Numeric, ir.Lit("")), ir.False},
		{match(ir.Text, every), ir.Not{X: null}},
		{match(ir.Numeric, ir.Exists{}), ir.Not{X: number}},
		{ir.Not{X: match(ir.Text, every)}, null},
		{ir.Or{null, match(ir.Text, ir.Lit("")), ir.Not{X: match(ir.Text, ir.Exists{})}}, null},
		{ir.And{ir.Not{X: match(ir.Text, ir.Lit(""))}, ir.Or{null, value}}, value},
	} {
		legal, refused := Legalize(&ir.Rule{Conditions: []ir.Condition{{Expr: c.e}}}, caps)
		if len(refused) > 0 || !ir.Equal(legal.Conditions[0].Expr, c.want) {
			t.Errorf("%s: got %s, want %s", c.e, legal.Conditions[0].Expr, c.want)
		}
	}
}
