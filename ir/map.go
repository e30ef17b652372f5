package ir

// Map replaces leaves of e, those inside Items too: Match, Keyword, Ref and
// Of. leaf says whether it replaced the one it got; so does Map, and what was
// not changed is shared.
func Map(e Expr, leaf func(Expr) (Expr, bool)) (Expr, bool) {
	switch whole := e.(type) {
	case And:
		if es, changed := mapAll(whole, leaf); changed {
			return And(es), true
		}
	case Or:
		if es, changed := mapAll(whole, leaf); changed {
			return Or(es), true
		}
	case Not:
		if x, changed := Map(whole.X, leaf); changed {
			return Not{x}, true
		}
	case Item:
		if x, changed := Map(whole.X, leaf); changed {
			whole.X = x
			return whole, true
		}
	default:
		return leaf(e)
	}
	return e, false
}

func mapAll(es []Expr, leaf func(Expr) (Expr, bool)) (out []Expr, changed bool) {
	for i, e := range es {
		x, c := Map(e, leaf)
		if c && !changed {
			out, changed = append(make([]Expr, 0, len(es)), es[:i]...), true
		}
		if changed {
			out = append(out, x)
		}
	}
	if !changed {
		return es, false
	}
	return out, true
}

// Map is r with the leaves of its detections and conditions replaced; r itself
// if none was.
func (r *Rule) Map(leaf func(Expr) (Expr, bool)) *Rule {
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
		if x, changed := Map(d.Expr, leaf); changed {
			change(func(r *Rule) { r.Detections[i].Expr = x })
		}
	}
	for i, c := range r.Conditions {
		if x, changed := Map(c.Expr, leaf); changed {
			change(func(r *Rule) { r.Conditions[i].Expr = x })
		}
	}
	return out
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

// Walk calls visit for every leaf of e.
func Walk(e Expr, visit func(Expr)) {
	switch e := e.(type) {
	case And:
		for _, x := range e {
			Walk(x, visit)
		}
	case Or:
		for _, x := range e {
			Walk(x, visit)
		}
	case Not:
		Walk(e.X, visit)
	case Item:
		Walk(e.X, visit)
	default:
		visit(e)
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
