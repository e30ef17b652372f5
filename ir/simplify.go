package ir

import "strconv"

// Simplify flattens And and Or, folds constants and double negation, and drops
// what stands twice. Inline has run.
func Simplify(r *Rule) *Rule {
	out, changed := *r, false
	out.Conditions = append([]Condition(nil), r.Conditions...)
	for i := range out.Conditions {
		c := &out.Conditions[i]
		x, ok := simplify(c.Expr)
		c.Expr, changed = x, changed || ok
	}
	if !changed {
		return r
	}
	return &out
}

func simplify(e Expr) (out Expr, changed bool) {
	switch e := e.(type) {
	case And:
		return join(e, func(x Expr) ([]Expr, bool) { a, ok := x.(And); return a, ok },
			func(x Expr) bool { o, ok := x.(Or); return ok && len(o) == 0 },
			func(es []Expr) Expr { return And(es) })
	case Or:
		return join(e, func(x Expr) ([]Expr, bool) { o, ok := x.(Or); return o, ok },
			func(x Expr) bool { a, ok := x.(And); return ok && len(a) == 0 },
			func(es []Expr) Expr { return Or(es) })
	case Not:
		x, changed := simplify(e.X)
		switch x := x.(type) {
		case Not:
			return x.X, true
		case And:
			if len(x) == 0 {
				return False, true
			}
		case Or:
			if len(x) == 0 {
				return True, true
			}
		}
		return Not{x}, changed
	}
	return e, false
}

// join simplifies the parts of an And or an Or: same opens a part of that kind,
// decides says that a part decides the whole.
func join(es []Expr, same func(Expr) ([]Expr, bool), decides func(Expr) bool, whole func([]Expr) Expr) (Expr, bool) {
	changed := false
	out := make([]Expr, 0, len(es))
	var seen map[string]bool
	if len(es) > 1 {
		seen = make(map[string]bool, len(es))
	}
	add := func(x Expr) {
		if seen != nil || len(out) > 0 {
			if seen == nil {
				seen = map[string]bool{key(out[0]): true}
			}
			k := key(x)
			if seen[k] {
				changed = true
				return
			}
			seen[k] = true
		}
		out = append(out, x)
	}
	for _, e := range es {
		x, c := simplify(e)
		changed = changed || c
		if decides(x) {
			return x, true
		}
		if parts, ok := same(x); ok {
			changed = true
			for _, p := range parts {
				add(p)
			}
			continue
		}
		add(x)
	}
	if len(out) == 1 {
		return out[0], true
	}
	return whole(out), changed
}

// key is the same for two expressions only if they mean the same; of patterns
// that ignore case, it does too.
func key(e Expr) string {
	m, ok := e.(Match)
	if !ok {
		return e.String()
	}
	p, ok := m.Test.(Pattern)
	if !ok {
		return e.String()
	}
	b := make([]byte, 0, 64)
	b = append(b, m.Field.Name...)
	b = append(b, 0, byte(m.Field.Type))
	if p.Cased {
		b = append(b, 'c')
	}
	for _, q := range p.Parts {
		b = append(b, byte(q.Kind))
		if q.Kind == Literal {
			text := q.Text
			if !p.Cased {
				text = Fold(text)
			}
			b = strconv.AppendQuote(b, text)
		} else {
			b = append(b, q.Text...)
		}
	}
	return string(b)
}
