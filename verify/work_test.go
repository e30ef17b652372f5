package verify

import (
	"fmt"
	"strings"
	"testing"

	"sigmac/ir"
)

// shapes are rules of which a part is n times as large.
var shapes = []struct {
	name string
	expr func(n int) ir.Expr
}{
	{"a value that repeats itself", func(n int) ir.Expr { return is("a", "*", strings.Repeat("ab", 20*n), "*") }},
	{"a value that repeats itself, without another", func(n int) ir.Expr {
		return ir.And{is("a", "*", strings.Repeat("ab", 20*n), "*"), ir.Not{X: is("a", "*", "c", "*")}}
	}},
	{"wildcards", func(n int) ir.Expr {
		var parts []string
		for i := range n {
			parts = append(parts, "*", fmt.Sprintf("v%dx", i))
		}
		return is("a", parts...)
	}},
	{"one of many values", func(n int) ir.Expr {
		var or ir.Or
		for i := range n {
			or = append(or, is("a", "*", fmt.Sprintf("v%dx", i), "*"))
		}
		return or
	}},
	{"many values", func(n int) ir.Expr {
		var and ir.And
		for i := range n {
			and = append(and, is("a", "*", fmt.Sprintf("v%dx", i), "*"))
		}
		return and
	}},
	{"none of many values", func(n int) ir.Expr {
		and := ir.And{is("a", "*", "foo", "*")}
		for i := range n {
			and = append(and, ir.Not{X: is("a", "*", fmt.Sprintf("v%dx", i))})
		}
		return and
	}},
	{"many fields", func(n int) ir.Expr {
		var and ir.And
		for i := range n {
			and = append(and, is(fmt.Sprintf("f%d", i), "*", "v", "*"))
		}
		return and
	}},
}

// TestMatchLinear holds that an event for a rule costs steps in proportion to the
// rule's size. Only where all values of a list must stand in one text, each is
// sought in a text that is as long as the list.
func TestMatchLinear(t *testing.T) {
	for _, s := range shapes {
		steps := func(n int) int {
			p := &Purse{Each: DefaultBudget, Left: DefaultBudget}
			if event, reason := p.Match(s.expr(n)); event == nil {
				t.Fatalf("%s: no event: %s", s.name, reason)
			}
			return DefaultBudget - p.Left
		}
		most := 8
		if s.name == "many values" {
			most = 20
		}
		if small, large := steps(400), steps(1600); large > most*small+100 {
			t.Errorf("%s: 400 take %d steps, 1600 take %d", s.name, small, large)
		}
	}
}

// TestSamplesLinear holds the same of near misses, where one says little; of a list
// of which all must match, each is as long as the list, and the budget ends them.
func TestSamplesLinear(t *testing.T) {
	for _, s := range shapes {
		sampled := func(n int) (steps, left int) {
			budget := DefaultBudget
			out, left, reason := newClaim(sigmaWorld, "").samples(&ir.Rule{Conditions: []ir.Condition{{Expr: s.expr(n)}}}, ir.True, 5, &budget)
			if len(out) == 0 {
				t.Fatalf("%s: no event: %s", s.name, reason)
			}
			return DefaultBudget - budget, left
		}
		small, _ := sampled(150)
		large, left := sampled(600)
		product := s.name == "many values" || s.name == "many fields" || s.name == "none of many values"
		if large > DefaultBudget+DefaultBudget/10 || !product && (left > 0 || large > 8*small+100) {
			t.Errorf("%s: 150 take %d steps, 600 take %d, and %d are left", s.name, small, large, left)
		}
	}
	if _, left, _ := Samples(nil, &ir.Rule{Conditions: []ir.Condition{{Expr: shapes[4].expr(400)}}}, ir.True, 1, 20_000); left < 100 {
		t.Errorf("a budget that is too small leaves %d near misses", left)
	}
}

// TestPurse holds that all questions together cost no more than the purse, and one
// of more than it has is left open.
func TestPurse(t *testing.T) {
	p := &Purse{Each: 1000, Left: 5000}
	asked := 0
	for range 10_000 {
		if _, reason := p.Match(shapes[3].expr(100)); reason == spent {
			break
		}
		asked++
	}
	if asked == 0 || asked > 100 || p.Left > 0 {
		t.Errorf("%d questions, %d steps are left", asked, p.Left)
	}
	if _, reason := p.Match(ir.True); reason != spent {
		t.Errorf("an empty purse answers: %q", reason)
	}
}
