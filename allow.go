package sigmac

import (
	"sigmac/backends"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/verify"
)

// A Difference is how a query may differ from its rule where the target cannot say a
// part of it.
type Difference string

// The differences that can be allowed.
const (
	Exact    Difference = ""         // none
	Narrower Difference = "narrower" // the query may miss events of the rule: one arm of an `or` is left out
	Wider    Difference = "wider"    // it may find others: a part that must hold is left out
)

// A LeftOut is a part of a rule that its query does without.
type LeftOut struct {
	Pos    ir.Pos
	Reason *ir.Diagnostic // why the target, or the pipeline that leads there, cannot hold it
}

// maxLeftOut bounds the parts of a rule that are left out, each of which takes a try.
const maxLeftOut = 64

// relaxed is a refused result without the parts of the rule that are refused, if what is
// left is proved to imply the rule, or with Wider to be implied by it. Its Want is
// that of the rest.
func relaxed(d *parser.Document, m Mapping, refused Result, allow Difference, o Options) (out Result, ok bool) {
	rest := *d
	var left []LeftOut
	for res := refused; len(left) <= maxLeftOut; {
		var places []ir.Pos
		for _, e := range res.Errors {
			if e.Feature == "" {
				return out, false
			}
			places = append(places, e.Pos)
			left = append(left, LeftOut{e.Pos, e})
		}
		if len(places) == 0 {
			if !implied(d.Rule, rest.Rule, allow) {
				return out, false
			}
			res.Document, res.LeftOut, res.Allowed = d, left, allow
			return res, true
		}
		if rest.Rule = rest.Rule.Without(places, allow == Wider); rest.Rule == nil {
			return out, false
		}
		res = newCompilation(&rest, m).result(&rest, m, o)
		res.Choice = refused.Choice
	}
	return out, false
}

// implied says whether it is proved that what is left of a rule implies it, or with
// Wider is implied by it.
func implied(rule, rest *ir.Rule, allow Difference) bool {
	want, err := ir.WantTogether(rest, rule)
	if err != nil {
		return false
	}
	a, b := want.Conditions[0].Expr, want.Conditions[1].Expr
	if allow == Wider {
		a, b = b, a
	}
	return verify.Implies(a, b, verify.DefaultBudget).Verdict == verify.Proved
}

// permitted is res, or where the target refuses the rule and the mapping allows it, what
// remains of the rule.
func (m Mapping) permitted(d *parser.Document, res Result, o Options) Result {
	if len(res.Errors) == 0 || m.Allow == nil {
		return res
	}
	allow := m.Allow(d, m.Target)
	if allow == Exact {
		return res
	}
	if out, ok := relaxed(d, res.Mapping, res, allow, o); ok {
		return out
	}
	return res
}

// An Allowance says how far the query of a document for a target may differ.
type Allowance func(d *parser.Document, t *backends.Target) Difference
