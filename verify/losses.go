package verify

import (
	"iter"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

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
func Losses(b *backends.Target, want *ir.Rule) []Loss {
	var all ir.And
	for _, c := range want.Conditions {
		all = append(all, c.Expr)
	}
	return losses(b, all)
}

func losses(b *backends.Target, e ir.Expr) (out []Loss) {
	seen := map[Loss]int{}
	ir.Visit(e, func(leaf ir.Expr, negated bool) bool {
		l, ok := lossOf(b, leaf)
		if !ok {
			return true
		}
		l.ID = b.Name + "/" + l.ID
		if negated {
			l.Direction = map[string]string{"wider": "narrower", "narrower": "wider", "both": "both"}[l.Direction]
		}
		same := Loss{ID: l.ID, Pos: l.Pos}
		switch i, again := seen[same]; {
		case !again:
			seen[same] = len(out)
			out = append(out, l)
		case out[i].Direction != l.Direction:
			out[i].Direction = "both"
		}
		return true
	})
	return out
}

// lossOf is what is lost of a leaf in a place without a negation.
func lossOf(b *backends.Target, leaf ir.Expr) (Loss, bool) {
	switch e := leaf.(type) {
	case ir.Keyword:
		if !b.Format.Caps.Keyword {
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

// confused compares the rule's answer to m in each situation that a source knows
// with the answer to what the target makes of that. Told are the states in which
// these differ, and from those that the target takes for the same.
func confused(b *backends.Target, m ir.Match) (direction string, told, from []backends.State) {
	asked, second := alone(m)
	if eval.Unevaluable(asked) != "" {
		return "", nil, nil // no target that takes states for the same has it
	}
	var wider, narrower bool
	var differ, agree [backends.States]bool
	for in, group := range together(b, m.Field, second) {
		if !ambiguous(asked, group) || isWhole(b, m.Field) {
			continue // the answer at the target is that to all of them
		}
		query := asksAt(b, m, second, in)
		for _, p := range group {
			rule := asks(asked, p)
			wider, narrower = wider || query && !rule, narrower || rule && !query
			for k := range p {
				switch {
				case in[k] != backends.Missing || k == 1 && second.Name == "":
				case rule == query:
					agree[p[k]] = true
				case p[k] != backends.Missing || p == in:
					differ[p[k]] = true
				}
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

// together yields what the target makes of situations, with all that become it.
func together(b *backends.Target, first, second ir.Field) iter.Seq2[situation, []situation] {
	w, v, seconds := b.World(first.Type), backends.World{}, backends.Missing+1
	if second.Name != "" {
		v, seconds = b.World(second.Type), backends.States
	}
	return func(yield func(situation, []situation) bool) {
		var groups [backends.States][backends.States][]situation
		for s := range backends.States {
			for t := range seconds {
				x, occurs := w.In(s)
				y, too := v.In(t)
				if occurs && too {
					groups[x][y] = append(groups[x][y], situation{s, t})
				}
			}
		}
		for x := range backends.States {
			for y := range seconds {
				if len(groups[x][y]) > 0 && !yield(situation{x, y}, groups[x][y]) {
					return
				}
			}
		}
	}
}

// ambiguous says whether the rule's answers in some situations are not all one.
func ambiguous(asked ir.Match, group []situation) bool {
	if len(group) < 2 {
		return false
	}
	first := asks(asked, group[0])
	return slices.ContainsFunc(group[1:], func(p situation) bool { return asks(asked, p) != first })
}

// isWhole says whether f is the text of the whole event, which every event has.
func isWhole(b *backends.Target, f ir.Field) bool {
	return f.Name != "" && f.Name == b.KeywordField()
}

// alone is m of the fields f and g; second is the field that stands for g, if m has
// a second one.
func alone(m ir.Match) (asked ir.Match, second ir.Field) {
	test := m.Test
	if ref, ok := m.Test.(ir.FieldRef); ok {
		name := "f"
		if ref.Other.Name != m.Field.Name {
			second, name = ref.Other, "g"
		}
		ref.Other = ir.Field{Name: name, Type: ref.Other.Type}
		test = ref
	}
	return ir.Match{Field: ir.Field{Name: "f", Type: m.Field.Type}, Test: test}, second
}

// asks is the rule's answer to asked in a situation.
func asks(asked ir.Match, p situation) bool {
	return !long(asked.Test, valuesOf(p[0])...) && eval.Expr(nil, asked, situations()[p])
}

// long says whether a test is a pattern of more characters than each of some values has, so that
// none passes: most are, and the evaluator need not be asked.
func long(t ir.Test, values ...any) bool {
	p, ok := t.(ir.Pattern)
	least := 0
	for _, q := range p.Parts {
		switch q.Kind {
		case ir.Literal:
			least += utf8.RuneCountInString(q.Text)
		case ir.AnyOne:
			least++
		}
	}
	return ok && !slices.ContainsFunc(values, func(v any) bool {
		s, text := v.(string)
		return !text || utf8.RuneCountInString(s) >= least
	})
}

// situations have an event each. Which value a field has matters to none of the
// tests that a target may answer otherwise: it stands beside one without.
var situations = sync.OnceValue(func() map[situation]eval.Event {
	out := map[situation]eval.Event{}
	for s := range backends.States {
		for t := range backends.States {
			fields := map[string]any{}
			for name, state := range map[string]backends.State{"f": s, "g": t} {
				switch vs := valuesOf(state); {
				case state == backends.Missing:
				case state == backends.Null:
					fields[name] = nil
				case len(vs) == 1:
					fields[name] = vs[0]
				default:
					fields[name] = vs
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
func asksAt(b *backends.Target, m ir.Match, second ir.Field, p situation) bool {
	c := newClaim(b.World, b.KeywordField())
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
func doubted(b *backends.Target, e ir.Expr) (ids []string) {
	ir.Visit(e, func(leaf ir.Expr, negated bool) bool {
		m, ok := leaf.(ir.Match)
		if !ok || isWhole(b, m.Field) {
			return true
		}
		for _, d := range b.World(m.Field.Type).Doubts {
			if !slices.Contains(ids, d.ID) && depends(b, m, negated, d) {
				ids = append(ids, d.ID)
			}
		}
		return true
	})
	return ids
}

// depends says whether a test in its place answers otherwise where an assumption
// is false.
func depends(b *backends.Target, m ir.Match, negated bool, d backends.Doubt) bool {
	asked, _ := alone(m)
	if eval.Unevaluable(asked) != "" {
		return true
	}
	var held []any
	fields := map[string]any{}
	if d.As != nil {
		held, fields["f"], fields["g"] = []any{d.As}, d.As, d.As
	}
	otherwise := false
	if !long(asked.Test, held...) {
		ev, err := eval.NewEvent(fields)
		if err != nil {
			panic("verify: " + err.Error())
		}
		otherwise = eval.Expr(nil, asked, ev)
	}
	if d.Wider && otherwise == negated {
		return false // an event is missed at most
	}
	if d.State == backends.Value {
		return true // some value has the other answer
	}
	in, occurs := b.World(m.Field.Type).In(d.State)
	return occurs && asks(asked, situation{in, in}) != otherwise
}
