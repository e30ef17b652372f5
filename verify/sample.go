package verify

import (
	"encoding/json"
	"fmt"
	"slices"

	"sigmac/ir"
)

// A Sample is an event made for a rule.
type Sample struct {
	Matches bool
	Test    string // of a near miss: the test in which it differs, `contains of CommandLine`
	Fields  map[string]any
}

// Samples makes up to n events that a rule, typed and inlined, matches, and
// near misses: events that one test keeps from matching. The reason says why
// there are none, if there are none.
func Samples(r *ir.Rule, n, budget int) (out []Sample, reason string) {
	c := newClaim(sigmaWorld, "")
	root := c.node(r.Joined().Conditions[0].Expr, nil)
	// A near miss should have a value that fails, not none.
	for _, f := range c.fields {
		if f.null == 0 && !f.keyword {
			c.letter(f, "null", &letter{null: true})
		}
	}
	first := c.satisfy(root, &budget)
	if first.values == nil {
		if reason = first.reason; reason == "" {
			reason = "no event matches the rule"
		}
		return nil, reason
	}
	seen := map[string]bool{}
	add := func(values map[*field][]any, test string) {
		s := Sample{test == "", test, c.fieldsOf(values)}
		key := fmt.Sprint(s.Fields) // maps print sorted
		if !seen[key] {
			seen[key] = true
			out = append(out, s)
		}
	}
	add(first.values, "")
	letters := node{op: 'l'}
	for i := 1; i < len(c.letters) && len(out) < n; i++ {
		letters.index = i
		for _, l := range []node{letters, negate(letters)} {
			if a := c.satisfy(simple(node{op: '&', subs: []node{root, l}}), &budget); a.values != nil && len(out) < n {
				add(a.values, "")
			}
		}
	}
	// A near miss has the first event's answer to every test but one.
	for i := 1; i < len(c.letters); i++ {
		miss := node{op: '&', subs: []node{negate(root)}}
		for j := 1; j < len(c.letters); j++ {
			l := node{op: 'l', index: j}
			if c.letterTruth(j, first.values) == (i == j) {
				l = negate(l)
			}
			miss.subs = append(miss.subs, l)
		}
		if a := c.satisfy(miss, &budget); a.values != nil {
			add(a.values, constructName(c.letters[i])+" of "+c.letters[i].field.title())
		}
	}
	return out, ""
}

func (f *field) title() string {
	if f.keyword {
		return "the event"
	}
	return f.name
}

// fieldsOf is an event's fields by name.
func (c *claim) fieldsOf(values map[*field][]any) map[string]any {
	out := map[string]any{}
	for _, f := range c.fields {
		name := f.name
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
