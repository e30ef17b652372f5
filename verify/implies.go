package verify

import (
	"encoding/json"
	"maps"
	"slices"

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
	events, reason := newClaim(sigmaWorld, "").matches(e, nil, 1, &steps)
	p.Left -= had - steps
	if len(events) == 0 {
		return nil, reason
	}
	return events[0], ""
}

// Matches is Match for up to n events: each fails a test that one before it
// passes. The budget is for each.
func Matches(e ir.Expr, n, budget int) (events []map[string]any, reason string) {
	return newClaim(sigmaWorld, "").matches(e, nil, n, &budget)
}

// MatchesAt is Matches in the world of a target, where no event has the fields
// unmapped.
func MatchesAt(b *backends.Target, e ir.Expr, unmapped []string, n, budget int) (events []map[string]any, reason string) {
	missing := func(name string) bool { return slices.Contains(unmapped, name) }
	return newClaim(b.World, b.KeywordField()).matches(e, missing, n, &budget)
}

// matches looks for up to n events, each in budget steps; what the last one took is
// taken from the budget.
func (c *claim) matches(e ir.Expr, missing func(string) bool, n int, budget *int) (events []map[string]any, reason string) {
	root := c.node(e, missing)
	if len(c.letters) > maxLetters {
		return nil, "there are too many different tests"
	}
	c.work += len(c.letters) * workOfStep
	goal, each := root, *budget
	for len(events) < n {
		*budget = each
		c.pay(budget)
		found := c.satisfy(goal, budget)
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
		c.shrink(found.values, func(a assignment) bool { return c.surelyUnder(goal, a) })
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
	c.pay(budget)
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
// stays. good is asked about the letters of the event.
func (c *claim) shrink(values map[*field][]any, good func(assignment) bool) {
	a := c.assign(values)
	var refs []int // letters that look at several fields
	for i, l := range c.letters {
		if l == nil {
			continue
		}
		if _, ok := l.test.(ir.FieldRef); ok || l.of != nil {
			refs = append(refs, i)
		}
	}
	for _, f := range c.fields {
		had, ok := values[f]
		if !ok || f.keyword {
			continue
		}
		delete(values, f)
		touched := slices.Concat(f.letters, refs)
		if f.null > 0 {
			touched = append(touched, f.null)
		}
		before, unsure := make([]bool, len(touched)), maps.Clone(c.unsure)
		for j, i := range touched {
			before[j], a[i] = a[i], c.letterTruth(i, values)
		}
		if !good(a) {
			values[f], c.unsure = had, unsure
			for j, i := range touched {
				a[i] = before[j]
			}
		}
	}
}
