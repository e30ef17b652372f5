package ir

import "slices"

// Without is r without the tests that stand at places: what is left of it matches
// nothing that r does not, or with wider all that r does. A place is that of an item or
// of a value. It is nil where a place is of neither, where a detection is used both under
// a `not` and not, and where nothing is left that tells events apart.
func (r *Rule) Without(places []Pos, wider bool) *Rule {
	w := without{places: places, wider: wider, found: map[Pos]bool{}, constant: map[string]bool{}}
	out := *r
	out.Detections, out.Conditions = nil, slices.Clone(r.Conditions)
	for _, d := range r.Detections {
		x, ok := w.detection(r, d)
		if !ok {
			return nil
		}
		switch {
		case IsTrue(x) || IsFalse(x):
			w.constant[d.Name] = IsTrue(x)
		default:
			d.Expr = x
			out.Detections = append(out.Detections, d)
		}
	}
	for i, c := range out.Conditions {
		x := w.condition(c.Expr)
		if IsTrue(x) || IsFalse(x) {
			return nil
		}
		out.Conditions[i].Expr = x
	}
	if len(w.found) < len(places) {
		return nil
	}
	return &out
}

type without struct {
	places   []Pos
	wider    bool
	found    map[Pos]bool
	constant map[string]bool // of the detections that are nothing but what is left out
}

// here says whether something is left out, of what stands at a place.
func (w *without) here(at Pos) bool {
	if !slices.Contains(w.places, at) {
		return false
	}
	w.found[at] = true
	return true
}

// detection is d without its part of what is left out, which depends on whether it
// stands under a `not` in the conditions.
func (w *without) detection(r *Rule, d Detection) (out Expr, ok bool) {
	positive, negative := false, false
	for _, c := range r.Conditions {
		Visit(c.Expr, func(e Expr, negated bool) bool {
			ref, isRef := e.(Ref)
			of, _ := e.(Of)
			if isRef && ref.Name == d.Name || slices.Contains(of.Names, d.Name) {
				positive, negative = positive || !negated, negative || negated
			}
			return true
		})
	}
	before := len(w.found)
	x := w.expr(d.Expr, negative)
	return x, len(w.found) == before || positive != negative
}

// expr is e without what is left out; one that has nothing of it is as it was.
func (w *without) expr(e Expr, negated bool) Expr {
	gone := func() Expr {
		if w.wider != negated {
			return True
		}
		return False
	}
	all := func(es []Expr, join func(...Expr) Expr) Expr {
		before := len(w.found)
		out := make([]Expr, len(es))
		for i, x := range es {
			out[i] = w.expr(x, negated)
		}
		if len(w.found) == before {
			return e
		}
		return join(out...)
	}
	switch x := e.(type) {
	case And:
		return all(x, Conjunction)
	case Or:
		return all(x, Disjunction)
	case Not:
		if y := w.expr(x.X, !negated); !Equal(y, x.X) {
			return Negation(y)
		}
	case Item:
		if w.here(x.Span.Start) {
			return gone()
		}
		y := w.expr(x.X, negated)
		if IsTrue(y) || IsFalse(y) {
			return y
		}
		x.X = y
		return x
	case Match:
		if w.here(x.Pos) {
			return gone()
		}
	case Keyword:
		if w.here(x.Pos) {
			return gone()
		}
	}
	return e
}

// condition is a condition without the detections that are constant.
func (w *without) condition(e Expr) Expr {
	all := func(es []Expr) []Expr {
		out := make([]Expr, len(es))
		for i, x := range es {
			out[i] = w.condition(x)
		}
		return out
	}
	truth := func(name string) (is, constant bool) { is, constant = w.constant[name]; return is, constant }
	switch x := e.(type) {
	case And:
		return Conjunction(all(x)...)
	case Or:
		return Disjunction(all(x)...)
	case Not:
		return Negation(w.condition(x.X))
	case Ref:
		if is, ok := truth(x.Name); ok {
			if is {
				return True
			}
			return False
		}
	case Of:
		var names []string
		for _, name := range x.Names {
			switch is, ok := truth(name); {
			case !ok:
				names = append(names, name)
			case is && !x.All:
				return True
			case !is && x.All:
				return False
			}
		}
		if len(names) == 0 {
			if x.All {
				return True
			}
			return False
		}
		x.Names = names
		return x
	}
	return e
}
