package ir

// Simplify flattens And and Or, folds constants and double negation, and drops
// what stands twice. Inline has run.
func Simplify(r *Rule) *Rule {
	out := r
	for i, c := range r.Conditions {
		x, changed := simplify(c.Expr)
		if !changed {
			continue
		}
		if out == r {
			copied := *r
			copied.Conditions = append([]Condition(nil), r.Conditions...)
			out = &copied
		}
		out.Conditions[i].Expr = x
	}
	return out
}

func simplify(e Expr) (out Expr, changed bool) {
	switch x := e.(type) {
	case And:
		return ands.simplify(e, x)
	case Or:
		return ors.simplify(e, x)
	case Not:
		inner, changed := simplify(x.X)
		out := Negation(inner)
		_, same := out.(Not)
		if same && !changed {
			return e, false
		}
		return out, true
	}
	return e, false
}

// simplify is e, a group of es.
func (g group) simplify(e Expr, es []Expr) (Expr, bool) {
	parts, changed := g.join(es, simplify)
	out := unique(parts)
	switch {
	case len(out) == 1:
		return out[0], true
	case changed, len(out) < len(parts):
		return g.close(out), true
	}
	return e, false
}
