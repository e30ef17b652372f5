package verify

import (
	"encoding/json"

	"sigmac/backends"
	"sigmac/ir"
)

// sigmaWorld is that of Sigma itself: no target's events are alike.
func sigmaWorld(ir.Type) backends.World { return backends.World{} }

// Implies says whether every event that a matches is matched by b too, both of
// rules that are typed and inlined: Proved, Refuted with an event that a alone
// matches as its Counterexample, or Agreed where that is not known.
func Implies(a, b ir.Expr, budget int) Result {
	event, reason := Match(ir.And{a, ir.Not{X: b}}, budget)
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
	c := newClaim(sigmaWorld, "")
	root := c.node(e, nil)
	if len(c.letters) > maxLetters {
		return nil, "there are too many different tests"
	}
	found := c.satisfy(root, &budget)
	if found.values == nil {
		return nil, found.reason
	}
	c.shrink(found.values, func() bool { return c.surely(root, found.values) })
	return c.fieldsOf(found.values), ""
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

// shrink leaves out the fields without which an event is still good.
func (c *claim) shrink(values map[*field][]any, good func() bool) {
	for _, f := range c.fields {
		had, ok := values[f]
		if !ok {
			continue
		}
		if delete(values, f); !good() {
			values[f] = had
		}
	}
}
