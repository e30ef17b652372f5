package verify

import (
	"encoding/json"

	"sigmac/backends"
	"sigmac/ir"
)

// sigmaWorld is that of Sigma itself: no target's events are alike.
func sigmaWorld(ir.Type) backends.World { return backends.World{} }

// A Purse bounds the steps of questions: each may take up to Each, all together up
// to Left.
type Purse struct{ Each, Left int }

const spent = "the budget of steps is used up"

// Implies says whether every event that a matches is matched by b too, both of
// rules that are typed and inlined: Proved, Refuted with an event that a alone
// matches as its Counterexample, or Agreed where that is not known.
func Implies(a, b ir.Expr, budget int) Result { return (&Purse{budget, budget}).Implies(a, b) }

// Implies is the function Implies, paid from the purse.
func (p *Purse) Implies(a, b ir.Expr) Result {
	event, reason := p.Match(ir.And{a, ir.Not{X: b}})
	switch {
	case event != nil:
		return Result{Verdict: Refuted, Direction: "narrower", Counterexample: event, RuleMatches: true}
	case reason != "":
		return Result{Verdict: Agreed, Reason: reason}
	}
	return Result{Verdict: Proved}
}

// Match is an event that e matches, of a rule that is typed and inlined, with no
// more fields than it needs. Where it is nil the reason says why it is not known
// whether there is one; without a reason there is none.
func Match(e ir.Expr, budget int) (event map[string]any, reason string) {
	return (&Purse{budget, budget}).Match(e)
}

// Match is the function Match, paid from the purse.
func (p *Purse) Match(e ir.Expr) (event map[string]any, reason string) {
	if p.Left < 0 {
		return nil, spent
	}
	steps := min(p.Each, p.Left)
	had := steps
	event, reason = newClaim(sigmaWorld, "").match(e, &steps)
	p.Left -= had - steps
	return event, reason
}

// Likely is a value that likely passes a test of a field of this type, as an
// event has it: for a first try without a search. ok says whether there is one.
func Likely(t ir.Test, typ ir.Type) (v any, ok bool) {
	l := letter{test: t, field: &field{typ: typ}}
	v, ok = l.likely()
	if n, number := v.(ir.Number); number {
		v = json.Number(n)
	}
	return v, ok
}
