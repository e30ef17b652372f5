package computed

import (
	"slices"
	"strings"

	"sigmac/ir"
	"sigmac/regex"
)

// known is what is true of a row.
type known []ir.Expr

// and is k with more that is true. It shares nothing with k.
func (k known) and(es ...ir.Expr) known {
	out := slices.Clip(k)
	for _, e := range es {
		for _, x := range ir.Conjuncts(e) {
			not, ok := x.(ir.Not)
			or, several := not.X.(ir.Or)
			if !ok || !several {
				out = append(out, x)
				continue
			}
			for _, x := range or {
				out = append(out, ir.Negation(x))
			}
		}
	}
	return out
}

// A verdict is whether a predicate is true, as far as that is known.
type verdict int8

const (
	no  verdict = -1
	yes verdict = 1
)

// decide says whether e is true.
func (k known) decide(e ir.Expr) verdict {
	switch e := e.(type) {
	case ir.Not:
		return -k.decide(e.X)
	case ir.And:
		out := yes
		for _, x := range e {
			out = min(out, k.decide(x))
		}
		return out
	case ir.Or:
		if column, values, ok := exact(e); ok {
			if left, ok := k.values(column); ok && !slices.ContainsFunc(left, func(v string) bool { return !slices.Contains(values, v) }) {
				return yes
			}
		}
		out := no
		for _, x := range e {
			out = max(out, k.decide(x))
		}
		return out
	case ir.Match:
		for _, x := range k {
			if ir.Equal(x, e) {
				return yes
			}
		}
		if _, null := e.Test.(ir.Null); null {
			if k.filled(e.Field.Name) {
				return no
			}
			return 0
		}
		if column, values, ok := exact(e); ok {
			left, ok := k.values(column)
			switch {
			case ok && len(left) == 1 && left[0] == values[0]:
				return yes
			case ok && !slices.Contains(left, values[0]), k.excludes(column, values[0]):
				return no
			}
		}
		if s, ok := shapeOf(e.Test); ok && !s.empty() && k.rejects(e.Field.Name, s) {
			return no
		}
	}
	return 0
}

// simplify is e without the parts of which it is known whether they are true.
func (k known) simplify(e ir.Expr) ir.Expr {
	if len(k) == 0 {
		return e
	}
	switch k.decide(e) {
	case yes:
		return ir.True
	case no:
		return ir.False
	}
	parts := func(es []ir.Expr) []ir.Expr {
		out := make([]ir.Expr, len(es))
		for i, x := range es {
			out[i] = k.simplify(x)
		}
		return out
	}
	switch e := e.(type) {
	case ir.And:
		return ir.Conjunction(parts(e)...)
	case ir.Or:
		return ir.Disjunction(parts(e)...)
	case ir.Not:
		return ir.Negation(k.simplify(e.X))
	}
	return e
}

// exact is e as a test of one column for some texts, folded.
func exact(e ir.Expr) (column string, values []string, ok bool) {
	for _, x := range ir.Disjuncts(e) {
		m, ok := x.(ir.Match)
		p, isPattern := m.Test.(ir.Pattern)
		if !ok || !isPattern || p.Cased || column != "" && m.Field.Name != column {
			return "", nil, false
		}
		shape, text := p.Shape()
		if shape != ir.Exact || text == "" {
			return "", nil, false
		}
		column, values = m.Field.Name, append(values, regex.Fold(text))
	}
	return column, values, len(values) > 0
}

// values are the texts that a column may have, folded, if they are few.
func (k known) values(column string) (out []string, ok bool) {
	for _, x := range k {
		if name, values, is := exact(x); is && name == column {
			if ok {
				values = slices.DeleteFunc(values, func(v string) bool { return !slices.Contains(out, v) })
			}
			out, ok = values, true
		}
	}
	return slices.DeleteFunc(out, func(v string) bool { return k.excludes(column, v) }), ok
}

// excludes says whether a column does not have a folded text.
func (k known) excludes(column, text string) bool {
	return slices.ContainsFunc(k, func(x ir.Expr) bool {
		not, ok := x.(ir.Not)
		if !ok {
			return false
		}
		name, values, ok := exact(not.X)
		return ok && name == column && slices.Contains(values, text)
	})
}

// filled says whether a column is not empty.
func (k known) filled(column string) bool {
	return slices.ContainsFunc(k, func(x ir.Expr) bool { return fills(x, column) })
}

// fills says whether e is true of no row without a text in the column.
func fills(e ir.Expr, column string) bool {
	switch e := e.(type) {
	case ir.Match:
		_, null := e.Test.(ir.Null)
		return e.Field.Name == column && !null
	case ir.Not:
		m, ok := e.X.(ir.Match)
		_, null := m.Test.(ir.Null)
		return ok && m.Field.Name == column && null
	case ir.And:
		return slices.ContainsFunc(e, func(x ir.Expr) bool { return fills(x, column) })
	case ir.Or:
		return len(e) > 0 && !slices.ContainsFunc(e, func(x ir.Expr) bool { return !fills(x, column) })
	}
	return false
}

// rejects says whether a column holds no text of a shape.
func (k known) rejects(column string, s shape) bool {
	return slices.ContainsFunc(k, func(x ir.Expr) bool { return rejects(x, column, s) })
}

// rejects says whether e is false of all rows with a text of that shape in the column.
func rejects(e ir.Expr, column string, s shape) bool {
	fold := func(texts []string) []string {
		for i, t := range texts {
			texts[i] = regex.Fold(t)
		}
		return texts
	}
	switch e := e.(type) {
	case ir.Or:
		return len(e) > 0 && !slices.ContainsFunc(e, func(x ir.Expr) bool { return !rejects(x, column, s) })
	case ir.And:
		return slices.ContainsFunc(e, func(x ir.Expr) bool { return rejects(x, column, s) })
	case ir.Match:
		if e.Field.Name != column {
			return false
		}
		if _, null := e.Test.(ir.Null); null {
			return !s.empty()
		}
		p, ok := e.Test.(ir.Pattern)
		if !ok {
			return false
		}
		shape, text := p.Shape()
		switch texts, begins := s.texts(); {
		case begins == 0:
			return shape == ir.Exact && slices.ContainsFunc(fold(texts), func(t string) bool { return !strings.Contains(regex.Fold(text), t) })
		case shape == ir.Prefix:
			t, begin := regex.Fold(text), fold(texts)[0]
			return !strings.HasPrefix(begin, t) && !(strings.HasPrefix(t, begin) && len(s) > len([]rune(begin)))
		case shape == ir.Exact:
			return !strings.HasPrefix(regex.Fold(text), fold(texts)[0])
		}
	case ir.Not:
		m, ok := e.X.(ir.Match)
		if !ok || m.Field.Name != column {
			return false
		}
		if _, null := m.Test.(ir.Null); null {
			return len(s) == 0
		}
		p, ok := m.Test.(ir.Pattern)
		if !ok || p.Cased {
			return false
		}
		shape, text := p.Shape()
		texts, begins := s.texts()
		text = regex.Fold(text)
		switch {
		case shape == ir.Contains:
			return slices.ContainsFunc(fold(texts), func(t string) bool { return strings.Contains(t, text) })
		case shape == ir.Prefix && begins > 0:
			return strings.HasPrefix(fold(texts)[0], text)
		case shape == ir.Exact && begins > 0:
			return len(texts) == 1 && fold(texts)[0] == text && len(s) == len([]rune(text))
		}
	}
	return false
}
