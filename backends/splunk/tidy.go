package splunk

import (
	"slices"

	"sigmac/ir"
)

// tidy is e in a form in which each conjunct that `search` can say stands by itself,
// those that find the fewest events first, and whether a field is there is asked only
// where no other test needs it.
func tidy(e ir.Expr) ir.Expr {
	switch e := e.(type) {
	case ir.And:
		es := make([]ir.Expr, 0, len(e))
		for _, x := range e {
			x = tidy(x)
			if and, ok := x.(ir.And); ok {
				es = append(es, ir.Conjuncts(and)...)
			} else {
				es = append(es, x)
			}
		}
		return conjunction(es)
	case ir.Or:
		es := make([]ir.Expr, len(e))
		for i, x := range e {
			es[i] = tidy(x)
		}
		return ir.Disjunction(es...)
	case ir.Not:
		return negation(tidy(e.X))
	case ir.Match:
		if p, ok := e.Test.(ir.Pattern); ok {
			if shape, _ := p.Shape(); shape == ir.Any {
				return with(e, ir.Exists{})
			}
		}
	}
	return e
}

// conjunction is the And of es, in order.
func conjunction(es []ir.Expr) ir.Expr {
	out := make([]ir.Expr, 0, len(es))
	for _, e := range es {
		m, ok := e.(ir.Match)
		if !ok || m.Test != (ir.Exists{}) || !slices.ContainsFunc(es, func(x ir.Expr) bool { return requires(x, m.Field.Name) }) {
			out = append(out, e)
		}
	}
	out, _ = costs.Sorted(out)
	search, where := partition(out, searchable)
	if len(where) > 0 {
		search = slices.Concat(search, where)
	}
	return ir.Conjunction(search...)
}

// negation is the Not of e, by De Morgan's law one of what `search` can say and one of
// the rest, without what becomes no Not.
func negation(e ir.Expr) ir.Expr {
	switch e := e.(type) {
	case ir.Match:
		switch e.Test {
		case ir.Null{}:
			return with(e, ir.Exists{})
		case ir.Exists{}:
			return with(e, ir.Null{})
		}
	case ir.Or:
		var out, plain, rest []ir.Expr
		for _, x := range e {
			y := negation(x)
			switch not, ok := y.(ir.Not); {
			case !ok:
				out = append(out, y)
			case searchable(not.X):
				plain = append(plain, not.X)
			default:
				rest = append(rest, not.X)
			}
		}
		for _, es := range [][]ir.Expr{plain, rest} {
			if len(es) > 0 {
				out = append(out, ir.Negation(ir.Disjunction(es...)))
			}
		}
		return conjunction(out)
	case ir.And:
		var out []ir.Expr
		for _, x := range e {
			if not, ok := x.(ir.Not); ok {
				out = append(out, not.X)
			}
		}
		if len(out) == len(e) {
			return ir.Disjunction(out...)
		}
	}
	return ir.Negation(e)
}

func with(m ir.Match, t ir.Test) ir.Match { return ir.Match{Field: m.Field, Test: t, Pos: m.Pos} }

// partition are those of es that are so, and the others, in their order.
func partition(es []ir.Expr, are func(ir.Expr) bool) (those, others []ir.Expr) {
	for i, e := range es {
		switch is := are(e); {
		case is && others == nil:
			those = es[: i+1 : i+1]
		case is:
			those = append(those, e)
		case others == nil:
			others = append(make([]ir.Expr, 0, len(es)-i), e)
		default:
			others = append(others, e)
		}
	}
	return those, others
}

// requires says whether only events with a value of f meet e, which says so by
// another test than Exists.
func requires(e ir.Expr, f string) bool {
	of := func(x ir.Expr) bool { return requires(x, f) }
	switch e := e.(type) {
	case ir.And:
		return slices.ContainsFunc(e, of)
	case ir.Or:
		return !slices.ContainsFunc(e, func(x ir.Expr) bool { return !of(x) })
	case ir.Match:
		return e.Field.Name == f && e.Test != (ir.Null{}) && e.Test != (ir.Exists{})
	}
	return false
}

// stars are the parts of a group in `search`, with `f=*` for a test whether f is there
// where another part decides about the empty text, of which it is open
// whether `f=*` takes it.
func stars(es []ir.Expr, decides func(e ir.Expr, f string) bool) []ir.Expr {
	out := es
	set := func(i int, e ir.Expr) {
		if &out[0] == &es[0] {
			out = slices.Clone(es)
		}
		out[i] = e
	}
	for i, e := range es {
		m, _ := e.(ir.Match)
		decided := func() bool {
			return slices.ContainsFunc(es, func(x ir.Expr) bool { return decides(x, m.Field.Name) })
		}
		switch {
		case m.Test == (ir.Null{}) && decided():
			set(i, ir.Not{X: star(m)})
		case m.Test == (ir.Exists{}) && decided():
			set(i, star(m))
		}
	}
	return out
}

// star is `f=*` for the field of m.
func star(m ir.Match) ir.Match { return with(m, ir.NewPattern(false, ir.Part{Kind: ir.AnyRun})) }

// isEmpty says whether e asks for the empty text in f, and leavesEmptyOut whether no event
// with that text alone meets it.
func isEmpty(e ir.Expr, f string) bool {
	m, ok := e.(ir.Match)
	if !ok || m.Field.Name != f {
		return false
	}
	p, ok := m.Test.(ir.Pattern)
	return ok && len(p.Parts) == 0
}

func leavesEmptyOut(e ir.Expr, f string) bool {
	not, ok := e.(ir.Not)
	return ok && slices.ContainsFunc(ir.Disjuncts(not.X), func(x ir.Expr) bool { return isEmpty(x, f) })
}
