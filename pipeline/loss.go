package pipeline

import (
	"slices"
	"strings"

	"sigmac/ir"
)

func (r *run) lose(id string, pos ir.Pos, direction, msg string) {
	r.losses = append(r.losses, Loss{ID: "pipeline/" + id, Direction: direction, Pos: pos, Item: r.item.place(), Msg: msg})
}

// declaration is how the keys of the state begin by which a pipeline declares
// what its mapping loses as a whole: a text, or a mapping with direction and
// message.
const declaration = "loss_"

func (r *run) declared() {
	for _, key := range keys(r.state) {
		name, ok := strings.CutPrefix(key, declaration)
		if !ok {
			continue
		}
		l := Loss{ID: "pipeline/" + name, Pos: r.rule.Source.Pos, Declared: true}
		switch v := r.state[key].(type) {
		case string:
			l.Msg = v
		case map[string]any:
			l.Direction, l.Msg = show(v["direction"]), show(v["message"])
		default:
			continue
		}
		r.losses = append(r.losses, l)
	}
}

// Untested is the loss of a log source that no item of the pipeline was about: the
// query selects events of other log sources too.
const Untested = "logsource/untested"

// A pipeline that has said itself where the events of a rule are sets this state.
const mappedKey, mappedValue = "logsource", "mapped"

// untested records the loss of the log source s unless an item that was about it
// has added a condition, or said where the query looks.
func (r *run) untested(s ir.LogSource) {
	text := s.String()
	if text == "" || r.tested || r.state[mappedKey] == mappedValue {
		return
	}
	r.losses = append(r.losses, Loss{ID: Untested, Direction: "wider", Pos: s.Pos,
		Msg: "no item of the pipeline says where the events of " + text + " are, so those of every log source are looked at"})
}

// loseItems records the items that a detection has lost: the rule gets wider
// where an item was one of several that must hold, narrower where it was one of
// several that may.
func (r *run) loseItems(d ir.Detection, dropped map[ir.Pos]bool) {
	var walk func(e ir.Expr) (lost []ir.Item, all bool)
	group := func(es []ir.Expr, direction string) (lost []ir.Item, all bool) {
		all = true
		for _, x := range es {
			below, gone := walk(x)
			lost, all = append(lost, below...), all && gone
		}
		if all {
			return lost, len(es) > 0
		}
		for _, t := range lost {
			r.lose("drop", t.Span.Start, turn(direction, r.polarity(d.Name)), "the test of "+nameOf(t)+" is dropped")
		}
		return nil, false
	}
	walk = func(e ir.Expr) ([]ir.Item, bool) {
		switch e := e.(type) {
		case ir.And:
			return group(e, "wider")
		case ir.Or:
			return group(e, "narrower")
		case ir.Item:
			if dropped[e.Span.Start] {
				return []ir.Item{e}, true
			}
		}
		return nil, false
	}
	walk(d.Expr)
}

func nameOf(t ir.Item) string {
	if t.Field.Name == "" {
		return "keywords"
	}
	return t.Field.Name
}

// direction is what becomes of the rule where the item t gets wider or
// narrower.
func (r *run) direction(t ir.Item, direction string) string {
	if _, nots := negation(t.X); nots%2 == 1 {
		direction = turn(direction, polarity{negative: true})
	}
	for _, d := range r.rule.Detections {
		found := false
		ir.Visit(d.Expr, func(e ir.Expr, _ bool) bool {
			x, ok := e.(ir.Item)
			found = found || ok && x.Span == t.Span
			return !ok
		})
		if found {
			return turn(direction, r.polarity(d.Name))
		}
	}
	return direction
}

// A polarity says whether something stands under an even or an odd number of
// negations.
type polarity struct{ positive, negative bool }

// polarity is that of a detection in the rule's conditions.
func (r *run) polarity(name string) (p polarity) {
	for _, c := range r.rule.Conditions {
		ir.Visit(c.Expr, func(e ir.Expr, negated bool) bool {
			ref, is := e.(ir.Ref)
			of, _ := e.(ir.Of)
			if is && ref.Name == name || slices.Contains(of.Names, name) {
				p.positive, p.negative = p.positive || !negated, p.negative || negated
			}
			return true
		})
	}
	return p
}

func turn(direction string, p polarity) string {
	switch {
	case p.positive && p.negative:
		return "both"
	case p.negative && direction == "wider":
		return "narrower"
	case p.negative && direction == "narrower":
		return "wider"
	}
	return direction
}
