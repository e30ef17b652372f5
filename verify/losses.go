package verify

import (
	"slices"
	"strings"
	"sync"

	"sigmac/backends"
	"sigmac/eval"
	"sigmac/ir"
)

// A Loss is a test of the rule that the target answers otherwise, of an event as
// it holds it, than the rule does of the event as its source has it.
type Loss struct {
	ID        string
	Pos       ir.Pos
	Direction string // the query is wider or narrower than the rule for it, or both
	Msg       string
}

// Losses are the losses of a rule, typed and inlined, at a target.
func Losses(b backends.Backend, want *ir.Rule) []Loss {
	var all ir.And
	for _, c := range want.Conditions {
		all = append(all, c.Expr)
	}
	return losses(b, all)
}

func losses(b backends.Backend, e ir.Expr) (out []Loss) {
	type key struct {
		id  string
		pos ir.Pos
	}
	seen := map[key]int{}
	inPlaces(e, false, func(leaf ir.Expr, negated bool) {
		l, ok := lossOf(b, leaf)
		if !ok {
			return
		}
		l.ID = b.Name() + "/" + l.ID
		if negated {
			l.Direction = map[string]string{"wider": "narrower", "narrower": "wider", "both": "both"}[l.Direction]
		}
		k := key{l.ID, l.Pos}
		switch i, again := seen[k]; {
		case !again:
			seen[k] = len(out)
			out = append(out, l)
		case out[i].Direction != l.Direction:
			out[i].Direction = "both"
		}
	})
	return out
}

// inPlaces visits the leaves of e, and says of each whether it stands under an odd
// number of negations.
func inPlaces(e ir.Expr, negated bool, visit func(leaf ir.Expr, negated bool)) {
	switch e := e.(type) {
	case ir.And:
		for _, x := range e {
			inPlaces(x, negated, visit)
		}
	case ir.Or:
		for _, x := range e {
			inPlaces(x, negated, visit)
		}
	case ir.Not:
		inPlaces(e.X, !negated, visit)
	default:
		visit(e, negated)
	}
}

// lossOf is what is lost of a leaf in a place without a negation.
func lossOf(b backends.Backend, leaf ir.Expr) (Loss, bool) {
	switch e := leaf.(type) {
	case ir.Keyword:
		if !b.Caps().Keyword {
			return Loss{}, false
		}
		l := Loss{"keyword", e.Pos, "narrower", "each column is searched by itself: a keyword that spans two is not found"}
		if _, ok := e.Test.(ir.Regexp); ok { // the ends of a column are not those of the event
			l.Direction, l.Msg = "both", "each column is searched by itself, and not the text of the event"
		}
		return l, true
	case ir.Match:
		if direction, told, from := confused(b, e); direction != "" {
			return Loss{lossName(e.Test), e.Pos, direction, list(told, " and ") + " cannot be told from " + list(from, " or ")}, true
		}
	}
	return Loss{}, false
}

// lossName is the last part of a loss's id. Of the states that a target takes for
// missing, only the empty text is a value.
func lossName(t ir.Test) string {
	switch t.(type) {
	case ir.Null:
		return "null"
	case ir.Exists:
		return "exists"
	}
	return "empty"
}

// A situation is the states of the two fields f and g. A test of one field is
// asked with g missing.
type situation [2]backends.State

// confused compares the rule's answer to m in each situation that its source
// knows with the answer to what the target makes of that. Told are the states in
// which these differ, and from those that the target takes for the same.
func confused(b backends.Backend, m ir.Match) (direction string, told, from []backends.State) {
	asked, second := alone(m)
	if eval.Unevaluable(asked) != "" {
		return "", nil, nil // no target that takes states for the same has it
	}
	var all []situation
	in := map[situation]situation{}
	yes, no := map[situation]bool{}, map[situation]bool{} // what the target has, by the rule's answers to what becomes that
	for s := range backends.States {
		x, occurs := b.World(m.Field.Type).In(s)
		for t := range backends.States {
			y, too := t, t == backends.Missing
			if second.Name != "" {
				y, too = b.World(second.Type).In(t)
			}
			if !occurs || !too {
				continue
			}
			p := situation{s, t}
			all, in[p] = append(all, p), situation{x, y}
			if asks(asked, p) {
				yes[in[p]] = true
			} else {
				no[in[p]] = true
			}
		}
	}
	var wider, narrower bool
	var differ, agree [backends.States]bool
	for _, p := range all {
		if !yes[in[p]] || !no[in[p]] {
			continue // the target's answer is that of all which it takes for this
		}
		rule, query := asks(asked, p), asksAt(b, m, second, in[p])
		wider, narrower = wider || query && !rule, narrower || rule && !query
		for k := range p {
			switch {
			case in[p][k] != backends.Missing || k == 1 && second.Name == "":
			case rule == query:
				agree[p[k]] = true
			case p[k] != backends.Missing || p == in[p]:
				differ[p[k]] = true
			}
		}
	}
	for s := range backends.States {
		switch {
		case differ[s]:
			told = append(told, s)
		case agree[s]:
			from = append(from, s)
		}
	}
	switch {
	case wider && narrower:
		direction = "both"
	case wider:
		direction = "wider"
	case narrower:
		direction = "narrower"
	}
	return direction, told, from
}

// alone is m of the fields f and g; second is the field that stands for g, if m has
// a second one.
func alone(m ir.Match) (asked ir.Match, second ir.Field) {
	asked = ir.Match{Field: ir.Field{Name: "f", Type: m.Field.Type}, Test: m.Test}
	if ref, ok := m.Test.(ir.FieldRef); ok {
		name := "f"
		if ref.Other.Name != m.Field.Name {
			second, name = ref.Other, "g"
		}
		ref.Other = ir.Field{Name: name, Type: ref.Other.Type}
		asked.Test = ref
	}
	return asked, second
}

// asks is the rule's answer to asked in a situation.
func asks(asked ir.Match, p situation) bool { return eval.Expr(nil, asked, situations()[p]) }

// situations have an event each. Which value a field has matters to none of the
// tests that a target may answer otherwise: it stands beside one without.
var situations = sync.OnceValue(func() map[situation]eval.Event {
	out := map[situation]eval.Event{}
	for s := range backends.States {
		for t := range backends.States {
			fields := map[string]any{}
			for name, state := range map[string]backends.State{"f": s, "g": t} {
				switch state {
				case backends.Missing:
				case backends.Null:
					fields[name] = nil
				case backends.Several:
					fields[name] = valuesOf(state)
				default:
					if fields[name] = []any{}; len(valuesOf(state)) == 1 {
						fields[name] = valuesOf(state)[0]
					}
				}
			}
			ev, err := eval.NewEvent(fields)
			if err != nil {
				panic("verify: " + err.Error())
			}
			out[situation{s, t}] = ev
		}
	}
	return out
})

func valuesOf(s backends.State) []any {
	switch s {
	case backends.Empty:
		return []any{""}
	case backends.Value, backends.Alien:
		return []any{"x"}
	case backends.Several:
		return []any{"x", "y"}
	}
	return nil
}

// asksAt is the answer to m in a situation of the target, as the proofs of queries
// take it.
func asksAt(b backends.Backend, m ir.Match, second ir.Field, p situation) bool {
	c := newClaim(b.World, b.Caps().KeywordField)
	n := c.node(m, nil)
	values := map[*field][]any{}
	if second.Name != "" {
		values[c.field(second, false)] = valuesOf(p[1])
	}
	values[c.field(m.Field, false)] = valuesOf(p[0])
	return c.truth(n, values)
}

func list(states []backends.State, last string) string {
	var b strings.Builder
	for i, s := range states {
		switch {
		case i > 0 && i == len(states)-1:
			b.WriteString(last)
		case i > 0:
			b.WriteString(", ")
		}
		b.WriteString(s.String())
	}
	return b.String()
}

// doubted are the assumptions about states of which the answers of a rule's tests
// depend, in their places.
func doubted(b backends.Backend, e ir.Expr) (ids []string) {
	inPlaces(e, false, func(leaf ir.Expr, negated bool) {
		m, ok := leaf.(ir.Match)
		if !ok {
			return
		}
		for _, d := range b.World(m.Field.Type).Doubts {
			if !slices.Contains(ids, d.ID) && depends(b, m, negated, d) {
				ids = append(ids, d.ID)
			}
		}
	})
	return ids
}

// depends says whether a test in its place answers otherwise where an assumption
// is false.
func depends(b backends.Backend, m ir.Match, negated bool, d backends.Doubt) bool {
	asked, _ := alone(m)
	if eval.Unevaluable(asked) != "" {
		return true
	}
	fields := map[string]any{}
	if d.As != nil {
		fields["f"], fields["g"] = d.As, d.As
	}
	ev, err := eval.NewEvent(fields)
	if err != nil {
		panic("verify: " + err.Error())
	}
	otherwise := eval.Expr(nil, asked, ev)
	if d.Wider && otherwise == negated {
		return false // an event is missed at most
	}
	if d.State == backends.Value {
		return true // some value has the other answer
	}
	in, occurs := b.World(m.Field.Type).In(d.State)
	return occurs && asks(asked, situation{in, in}) != otherwise
}
