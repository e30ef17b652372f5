package backends_test

import (
	"slices"
	"testing"

	"sigmac/backends"
	"sigmac/internal/irtest"
	"sigmac/ir"
)

// TestCosts holds the row of a condition by those of its tests, and that conditions of one
// row keep their order.
func TestCosts(t *testing.T) {
	is := func(text string) ir.Expr { return irtest.Match("f", irtest.Pattern(text, false)) }
	a, b, part := is("a"), is("b"), is("*c*")
	null, exists := irtest.Match("f", ir.Null{}), irtest.Match("f", ir.Exists{})
	c := &backends.Costs{Rows: make([]backends.Cost, 5), Not: 3, Of: func(e ir.Expr) int {
		switch e.(ir.Match).Test {
		case ir.Null{}:
			return 4
		case ir.Exists{}:
			return 2
		}
		if shape, _ := e.(ir.Match).Test.(ir.Pattern).Shape(); shape == ir.Exact {
			return 0
		}
		return 1
	}}
	for _, x := range []struct {
		e   ir.Expr
		row int
	}{
		{a, 0}, {part, 1}, {ir.Or{a, part}, 1}, {ir.And{part, a}, 0}, {ir.Not{X: a}, 3}, {ir.Not{X: null}, 2}, {ir.Not{X: exists}, 3},
		{ir.Not{X: ir.Or{a, null}}, 4}, {ir.And{}, 4}, {ir.Or{}, 0},
	} {
		if row := c.Row(x.e); row != x.row {
			t.Errorf("%s: row %d, not %d", x.e, row, x.row)
		}
	}
	var got []string
	sorted, rows := c.Sorted([]ir.Expr{ir.Not{X: b}, part, b, a})
	for i, e := range sorted {
		if got = append(got, e.String()); rows[i] != c.Row(e) {
			t.Errorf("%s: row %d, not %d", e, rows[i], c.Row(e))
		}
	}
	if want := []string{b.String(), a.String(), part.String(), ir.Not{X: b}.String()}; !slices.Equal(got, want) {
		t.Error(got)
	}
}

// TestConditions holds which parts of a query are conditions, and which of them are help.
func TestConditions(t *testing.T) {
	at := func(text string, c *backends.Cost) backends.Doc { return backends.Doc{Text: text, Cost: c} }
	cheap, dear := &backends.Cost{Class: "cheap"}, &backends.Cost{Class: "dear"}
	own := []backends.Doc{at("a", cheap), {Open: "(", Sep: "or", Parts: []backends.Doc{at("b", cheap), at("c", dear)}, Cost: dear}, at("a", cheap)}
	bare := backends.Doc{Sep: "and", Parts: own}
	filter := backends.Doc{Sep: "and", Parts: slices.Insert(slices.Clone(own), 1, at("h", cheap)), Bare: &bare}
	d := backends.Doc{Sep: "|", Parts: []backends.Doc{{Text: "T"}, {Text: "where ", Body: &filter}}}
	want := []backends.Condition{{"a", *cheap, false}, {"h", *cheap, true}, {"b or c", *dear, false}, {"a", *cheap, false}}
	if got := d.Conditions(); !slices.Equal(got, want) {
		t.Error(got)
	}
	for i := range want {
		want[i].Help = false
	}
	if got := d.WithoutHelp().Conditions(); !slices.Equal(got, slices.Delete(want, 1, 2)) {
		t.Error(got)
	}
	if got := (backends.Doc{Head: "x where ", Text: "a", Cost: cheap}).Conditions(); !slices.Equal(got, []backends.Condition{{"a", *cheap, false}}) {
		t.Error(got)
	}
}
