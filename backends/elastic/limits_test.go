package elastic

import (
	"testing"

	"sigmac/ir"
)

func TestClauses(t *testing.T) {
	or := func(es ...ir.Expr) ir.Expr { return ir.Or(es) }
	for _, c := range []struct {
		e              ir.Expr
		clauses, terms int
	}{
		{ir.True, 0, 0},
		{is("f", "a"), 1, 0},
		{or(is("f", "a"), is("f", "b*"), is("f", "c")), 3, 0},                        // ?f : ("a", "b*", "c")
		{or(is("f", `a\*`), is("f", `b\*`)), 2, 0},                                   // ?f in~ ("a*", "b*")
		{or(cased("f", "a"), cased("f", "b"), cased("f", "c")), 1, 3},                // ?f in ("a", "b", "c")
		{or(num("f", ir.Eq, "1"), num("f", ir.Eq, "2"), num("g", ir.Eq, "2")), 2, 2}, // ?f in (1, 2) or ?g == 2
		{or(num("f", ir.Gt, "1"), num("f", ir.Lt, "2")), 2, 0},                       // ?f > 1 or ?f < 2
		{or(net("f", "10.0.0.0/8"), net("f", "11.0.0.0/8")), 1, 2},                   // cidrMatch(?f, …)
		{or(re(t, "f", "a"), re(t, "f", "b")), 1, 0},                                 // ?f regex (…)
		{not(or(num("f", ir.Eq, "1"), num("f", ir.Eq, "2"))), 1, 2},                  // not ?f in (1, 2)
		{ir.And{is("f", "a"), not(or(is("g", "b"), ir.And{is("h", "c"), is("h", "d")}))}, 4, 0},
	} {
		if got := Clauses("", c.e); got != c.clauses {
			t.Errorf("Clauses(%s) = %d, want %d", c.e, got, c.clauses)
		}
		if got := LongestTerms("", c.e); got != c.terms {
			t.Errorf("LongestTerms(%s) = %d, want %d", c.e, got, c.terms)
		}
	}
}
