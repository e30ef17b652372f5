package verify

import (
	"encoding/json"
	"slices"

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
	events, reason := Matches(e, 1, budget)
	if len(events) == 0 {
		return nil, reason
	}
	return events[0], ""
}

// Matches is Match for up to n events: each fails a test that one before it
// passes. The budget is for each.
func Matches(e ir.Expr, n, budget int) (events []map[string]any, reason string) {
	return newClaim(sigmaWorld, "").matches(e, nil, n, budget)
}

// MatchesAt is Matches in the world of a target, where no event has the fields
// unmapped.
func MatchesAt(b backends.Backend, e ir.Expr, unmapped []string, n, budget int) (events []map[string]any, reason string) {
	missing := func(name string) bool { return slices.Contains(unmapped, name) }
	return newClaim(b.World, b.Caps().KeywordField).matches(e, missing, n, budget)
}

func (c *claim) matches(e ir.Expr, missing func(string) bool, n, budget int) (events []map[string]any, reason string) {
	root := c.node(e, missing)
	if len(c.letters) > maxLetters {
		return nil, "there are too many different tests"
	}
	goal := root
	for len(events) < n {
		steps := budget
		found := c.satisfy(goal, &steps)
		if found.values == nil {
			if len(events) > 0 {
				return events, ""
			}
			return nil, found.reason
		}
		// Without a text of its own, an event would be searched as JSON.
		for _, f := range c.fields {
			if f.keyword && len(found.values[f]) == 0 {
				found.values[f] = []any{""}
			}
		}
		c.shrink(found.values, func() bool { return c.surely(goal, found.values) })
		events = append(events, c.fieldsOf(found.values))
		passed := node{op: '&'}
		seen := map[int]bool{}
		root.each(func(i int) {
			if !seen[i] && !c.letters[i].null && c.letterTruth(i, found.values) {
				passed.subs = append(passed.subs, node{op: 'l', index: i})
			}
			seen[i] = true
		})
		goal = simple(node{op: '&', subs: []node{goal, negate(simple(passed))}})
	}
	return events, ""
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

// shrink leaves out the fields without which an event is still good. Its text
// stays.
func (c *claim) shrink(values map[*field][]any, good func() bool) {
	for _, f := range c.fields {
		had, ok := values[f]
		if !ok || f.keyword {
			continue
		}
		if delete(values, f); !good() {
			values[f] = had
		}
	}
}
