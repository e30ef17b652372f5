package verify

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"sigmac/backends"
	"sigmac/ir"
)

// A Sample is an event made for a rule.
type Sample struct {
	Matches bool
	Test    string // of a near miss: the test in which it differs, `contains of CommandLine`
	Fields  map[string]any
}

// Samples makes up to n events that a rule, typed and inlined, matches, and
// near misses: events that one test keeps from matching. Supposed is true of all of them. They
// are of the world of a target, or with nil of Sigma itself. The reason says why there are none, if there are none. left
// counts the tests for which no near miss was sought, since the budget was used up.
func Samples(t *backends.Target, r *ir.Rule, supposed ir.Expr, n, budget int) (out []Sample, left int, reason string) {
	c := newClaim(sigmaWorld, "")
	if t != nil {
		c = newClaim(t.World, t.KeywordField())
	}
	return c.samples(r, supposed, n, &budget)
}

func (c *claim) samples(r *ir.Rule, supposed ir.Expr, n int, budget *int) (out []Sample, left int, reason string) {
	root, premise := c.node(r.Joined().Conditions[0].Expr, nil), c.node(supposed, nil)
	// A near miss should have a value that fails, not none.
	for _, f := range c.fields {
		if f.null == 0 && !f.keyword {
			c.letter(f, "null", &letter{null: true})
		}
	}
	first := c.satisfy(simple(node{op: '&', subs: []node{root, premise}}), budget)
	if first.values == nil {
		if reason = first.reason; reason == "" {
			reason = "no event matches the rule"
		}
		return nil, 0, reason
	}
	seen := map[string]bool{}
	add := func(values map[*field][]any, test string) {
		s := Sample{test == "", test, c.fieldsOf(values)}
		key := fmt.Sprint(s.Fields) // maps print sorted
		if *budget -= len(key) / workOfStep; !seen[key] {
			seen[key] = true
			out = append(out, s)
		}
	}
	add(first.values, "")
	needed := map[int]bool{} // letters that every event has, so that asking for them says no more
	if root.op == '&' {
		for _, s := range root.subs {
			needed[s.index] = s.op == 'l'
		}
	}
	letters := node{op: 'l'}
	for i, steps := 1, *budget/2; i < len(c.letters) && len(out) < n && steps > 0; i++ {
		if letters.index = i; needed[i] {
			continue
		}
		had := steps
		for _, l := range []node{letters, negate(letters)} {
			if a := c.satisfy(simple(node{op: '&', subs: []node{root, premise, l}}), &steps); a.values != nil && len(out) < n {
				add(a.values, "")
			}
		}
		*budget -= had - steps
	}
	// A near miss has the first event's answer to every test but one, or else that of some event.
	a, times := c.assign(first.values), map[int]int{}
	root.each(func(i int) { times[i]++ })
	shown := map[int]bool{}
	miss := func(i int, values map[*field][]any) {
		if values == nil {
			return
		}
		add(values, constructName(c.letters[i])+" of "+c.letters[i].field.title())
		shown[i] = true
		for j, is := range root.pivots(c.assign(values)) {
			shown[j] = shown[j] || is && times[j] == 1
		}
	}
	tests, pivots := slices.Sorted(maps.Keys(times)), root.pivots(a)
	for _, i := range tests {
		if pivots[i] && *budget >= 0 {
			*budget -= price(len(c.letters))
			miss(i, c.nearMiss(root, premise, a, i, budget))
		}
	}
	for _, i := range tests {
		switch {
		case shown[i]:
		case *budget < 0:
			left++
		default:
			*budget -= price(len(c.letters))
			miss(i, c.farMiss(root, premise, i, budget))
		}
	}
	return out, left, ""
}

// nearMiss is an event of the premise that n does not match and whose letters are as in a but for
// the i-th, or nil.
func (c *claim) nearMiss(n, premise node, a assignment, i int, budget *int) map[*field][]any {
	a = slices.Clone(a)
	a[i] = !a[i]
	if null := c.letters[i].field.null; a[i] && null != i {
		a[null] = false // what passes a test is there
	}
	if n.under(a) || !premise.under(a) {
		return nil
	}
	all := map[int]bool{}
	want := node{op: '&', subs: []node{negate(n)}}
	for j := 1; j < len(a); j++ {
		l := node{op: 'l', index: j}
		if f := c.letters[j].field; a[j] && f.null > 0 && f.null != j && a[f.null] {
			return nil
		}
		if all[j] = true; !a[j] {
			l = negate(l)
		}
		want.subs = append(want.subs, l)
	}
	values, _, _ := c.event(a, all, budget)
	if values == nil || !c.surely(want, values) {
		return nil
	}
	return values
}

// farMiss is an event of the premise that n does not match, and would if its i-th letter were
// otherwise, or nil.
func (c *claim) farMiss(n, premise node, i int, budget *int) map[*field][]any {
	want := node{op: '&', subs: []node{negate(n), n.flipped(i), premise}}
	if null := c.letters[i].field.null; null > 0 && null != i { // best one that has a value
		there := node{op: '&', subs: append(slices.Clone(want.subs), negate(node{op: 'l', index: null}))}
		if found := c.satisfy(simple(there), budget); found.values != nil || found.reason != "" {
			return found.values
		}
	}
	return c.satisfy(simple(want), budget).values
}

// flipped is n with the opposite of its i-th letter for that letter.
func (n node) flipped(i int) node {
	if n.op == 'l' {
		if n.index == i {
			return negate(n)
		}
		return n
	}
	out := node{op: n.op}
	for _, s := range n.subs {
		out.subs = append(out.subs, s.flipped(i))
	}
	return out
}

// pivots are the letters that may alone make n something else than it is under
// a: those that nothing beside their way up decides, and those that stand in n more
// than once.
func (n node) pivots(a assignment) map[int]bool {
	times, out := map[int]int{}, map[int]bool{}
	n.each(func(i int) { times[i]++ })
	for i, t := range times {
		out[i] = t > 1
	}
	var walk func(n node)
	walk = func(n node) {
		switch {
		case n.op == 'l':
			out[n.index] = true
			return
		case n.op != '!' && n.under(a) != (n.op == '&'): // one part decides, if there is only one
			n.subs = slices.DeleteFunc(slices.Clone(n.subs), func(s node) bool { return s.under(a) == (n.op == '&') })
			if len(n.subs) > 1 {
				return
			}
		}
		for _, s := range n.subs {
			walk(s)
		}
	}
	walk(n)
	return out
}

func (f *field) title() string {
	if f.keyword {
		return "the event"
	}
	return f.column
}

// fieldsOf is an event's fields by name.
func (c *claim) fieldsOf(values map[*field][]any) map[string]any {
	out := map[string]any{}
	for _, f := range c.fields {
		name := f.column
		if f.keyword {
			name = "_raw"
		}
		vs := slices.Clone(values[f])
		for i, v := range vs {
			if n, ok := v.(ir.Number); ok {
				vs[i] = json.Number(n)
			}
		}
		switch len(vs) {
		case 0:
		case 1:
			out[name] = vs[0]
		default:
			out[name] = vs
		}
	}
	return out
}
