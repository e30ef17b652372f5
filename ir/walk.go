package ir

import "slices"

// Parts are what e joins, negates or holds: of And, Or, Not and Item. A leaf has
// none.
func Parts(e Expr) []Expr {
	switch e := e.(type) {
	case And:
		return e
	case Or:
		return e
	case Not:
		return []Expr{e.X}
	case Item:
		return []Expr{e.X}
	}
	return nil
}

// Rewrite is e with other nodes in place of its own, asked for from the top: what f
// returns for a node stands there if f says that it changed it, and nil drops the
// node, with a group that loses all its parts. Else the node's parts are asked. What
// was not changed is shared; changed says whether something was.
func Rewrite(e Expr, f func(Expr) (Expr, bool)) (out Expr, changed bool) {
	if x, changed := f(e); changed {
		return x, true
	}
	switch e := e.(type) {
	case And:
		if es, changed := rewriteAll(e, f); changed && es != nil {
			return And(es), true
		} else if changed {
			return nil, true
		}
	case Or:
		if es, changed := rewriteAll(e, f); changed && es != nil {
			return Or(es), true
		} else if changed {
			return nil, true
		}
	case Not:
		if x, changed := Rewrite(e.X, f); changed && x != nil {
			return Not{x}, true
		} else if changed {
			return nil, true
		}
	case Item:
		if x, changed := Rewrite(e.X, f); changed && x != nil {
			e.X = x
			return e, true
		} else if changed {
			return nil, true
		}
	}
	return e, false
}

// rewriteAll is es rewritten, nil where none is left.
func rewriteAll(es []Expr, f func(Expr) (Expr, bool)) (out []Expr, changed bool) {
	for i, e := range es {
		x, c := Rewrite(e, f)
		if c && !changed {
			out, changed = append(make([]Expr, 0, len(es)), es[:i]...), true
		}
		if changed && x != nil {
			out = append(out, x)
		}
	}
	if len(out) == 0 {
		out = nil
	}
	return out, changed
}

// Rewrite is r with the expressions of its detections and conditions rewritten, by an
// f that drops nothing; r itself if it changed none.
func (r *Rule) Rewrite(f func(Expr) (Expr, bool)) *Rule {
	out := r
	change := func(set func(r *Rule)) {
		if out == r {
			copied := *r
			copied.Detections = append([]Detection(nil), r.Detections...)
			copied.Conditions = append([]Condition(nil), r.Conditions...)
			out = &copied
		}
		set(out)
	}
	for i, d := range r.Detections {
		if x, changed := Rewrite(d.Expr, f); changed {
			change(func(r *Rule) { r.Detections[i].Expr = x })
		}
	}
	for i, c := range r.Conditions {
		if x, changed := Rewrite(c.Expr, f); changed {
			change(func(r *Rule) { r.Conditions[i].Expr = x })
		}
	}
	return out
}

// Visit calls visit for every node of e, from the top, and says of each whether it
// stands under an odd number of negations. The parts of a node are passed over where
// visit says no.
func Visit(e Expr, visit func(e Expr, negated bool) (parts bool)) { visitAll(e, false, visit) }

func visitAll(e Expr, negated bool, visit func(Expr, bool) bool) {
	if !visit(e, negated) {
		return
	}
	if not, ok := e.(Not); ok {
		visitAll(not.X, !negated, visit)
		return
	}
	for _, x := range Parts(e) {
		visitAll(x, negated, visit)
	}
}

// Walk calls visit for every leaf of e.
func Walk(e Expr, visit func(Expr)) {
	switch e := e.(type) {
	case And, Or, Not, Item:
		for _, x := range Parts(e) {
			Walk(x, visit)
		}
	default:
		visit(e)
	}
}

// Walk calls visit for every leaf of r's detections, then of its conditions.
func (r *Rule) Walk(visit func(Expr)) {
	for _, d := range r.Detections {
		Walk(d.Expr, visit)
	}
	for _, c := range r.Conditions {
		Walk(c.Expr, visit)
	}
}

// anyOf is the leaf at e with one of tests, as a group where there are
// several.
func anyOf(e Expr, tests []Test) Expr {
	out := make(Or, len(tests))
	for i, t := range tests {
		switch e := e.(type) {
		case Match:
			out[i] = Match{e.Field, t, e.Pos}
		case Keyword:
			out[i] = Keyword{t, e.Pos}
		}
	}
	if len(out) == 1 {
		return out[0]
	}
	return out
}

func testOf(e Expr) Test {
	switch e := e.(type) {
	case Match:
		return e.Test
	case Keyword:
		return e.Test
	}
	return nil
}

// Named are the detections, or what else its Refs and Ofs are about, that a condition
// names, in its order, each once.
func Named(e Expr) (names []string) {
	add := func(ns ...string) {
		for _, n := range ns {
			if !slices.Contains(names, n) {
				names = append(names, n)
			}
		}
	}
	Walk(e, func(e Expr) {
		switch e := e.(type) {
		case Ref:
			add(e.Name)
		case Of:
			add(e.Names...)
		}
	})
	return names
}
