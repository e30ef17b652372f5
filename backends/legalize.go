package backends

import (
	"fmt"
	"slices"
	"strings"

	"sigmac/ir"
)

// Legalize rewrites the conditions of r, which is typed and inlined, into what
// a language with these Caps says natively. What has no exact equivalent is an
// error, each with its place.
func Legalize(r *ir.Rule, c Caps) (*ir.Rule, []*ir.Diagnostic) {
	l := &legalizer{Caps: c}
	if c.Refuses != nil {
		for _, c := range r.Conditions {
			l.places(c.Expr, false)
		}
	}
	out := r.Rewrite(l.leaf)
	if len(l.errs) > 0 {
		slices.SortStableFunc(l.errs, func(a, b *ir.Diagnostic) int { return a.Pos.Compare(b.Pos) })
		// A value that several modifiers made of one is refused once.
		return nil, slices.CompactFunc(l.errs, func(a, b *ir.Diagnostic) bool { return *a == *b })
	}
	if c.NullFolds != nil && slices.ContainsFunc(out.Conditions, func(c ir.Condition) bool { return negates(c.Expr) }) {
		copied := *out
		copied.Conditions = slices.Clone(out.Conditions)
		for i := range copied.Conditions {
			copied.Conditions[i].Expr = l.guard(copied.Conditions[i].Expr, false)
		}
		out = &copied
	}
	return out, nil
}

type legalizer struct {
	Caps
	errs []*ir.Diagnostic
}

func (l *legalizer) refuse(at ir.Pos, feature, reason string) (ir.Expr, bool) {
	l.errs = append(l.errs, Unsupported(l.Backend, at, feature, reason))
	return ir.False, true
}

// places asks about every test of e in its place.
func (l *legalizer) places(e ir.Expr, negated bool) {
	switch e := e.(type) {
	case ir.Not:
		l.places(e.X, true)
	case ir.Match:
		if unresolved(e.Test) != "" {
			return // refused as such
		}
		if feature, reason := l.Refuses(e, negated); feature != "" {
			l.refuse(e.Pos, feature, reason)
		}
	default:
		for _, x := range ir.Parts(e) {
			l.places(x, negated)
		}
	}
}

func (l *legalizer) leaf(x ir.Expr) (ir.Expr, bool) {
	switch e := x.(type) {
	case ir.Match:
		if y, changed := l.match(e); changed {
			return y, true
		}
		return x, false
	case ir.Keyword:
		if name := unresolved(e.Test); name != "" {
			return l.refuse(e.Pos, "the unresolved placeholder %"+name+"%", "")
		}
		switch {
		case l.KeywordField != "":
			m := ir.Match{Field: ir.Field{Name: l.KeywordField, Type: ir.Text}, Test: e.Test, Pos: e.Pos}
			if y, changed := l.match(m); changed {
				return y, true
			}
			return m, true
		case !l.Keyword:
			return l.refuse(e.Pos, "a keyword search", "")
		}
		t := e.Test
		if p, ok := t.(ir.Pattern); ok {
			if l.Pattern(p) {
				return x, false
			}
			t = wholeValue(p)
		}
		if lack := l.Regexp(t.(ir.Regexp).Re); lack != "" {
			feature, reason, _ := strings.Cut(lack, ": ")
			return l.refuse(e.Pos, feature, reason)
		}
		return ir.Keyword{Test: t, Pos: e.Pos}, true
	case ir.And, ir.Or, ir.Not, ir.Opaque:
		return x, false
	}
	panic(fmt.Sprintf("backends: %T after Inline", x))
}

// wholeValue is p as a regular expression.
func wholeValue(p ir.Pattern) ir.Regexp {
	return ir.Regexp{Re: ir.PatternRe(p)}
}

func unresolved(t ir.Test) string {
	switch t := t.(type) {
	case ir.Pattern:
		for _, p := range t.Parts {
			if p.Kind == ir.Placeholder {
				return p.Text
			}
		}
	case ir.Regexp:
		if len(t.Placeholders) > 0 {
			return t.Placeholders[0]
		}
	}
	return ""
}

// match rewrites one test; unchanged, it returns nothing.
func (l *legalizer) match(m ir.Match) (ir.Expr, bool) {
	if name := unresolved(m.Test); name != "" {
		return l.refuse(m.Pos, "the unresolved placeholder %"+name+"%", "")
	}
	as := func(t ir.Test) ir.Match { return ir.Match{Field: m.Field, Test: t, Pos: m.Pos} }
	texts := l.Texts == nil || l.Texts(m.Field.Type)
	switch t := m.Test.(type) {
	case ir.Pattern:
		if shape, _ := t.Shape(); shape != ir.Any && !texts {
			return l.refuse(m.Pos, "a text test of a field of type "+m.Field.Type.String(), "")
		}
		if l.Pattern(t) {
			return nil, false
		}
		return l.regexp(as(wholeValue(t)), true)
	case ir.Regexp:
		if !texts {
			return l.refuse(m.Pos, "a regular expression of a field of type "+m.Field.Type.String(), "")
		}
		return l.regexp(m, false)
	case ir.CIDR:
		if m.Field.Type == ir.Address || l.CIDRText {
			return nil, false
		}
		re, ok := ir.CIDRRe(t.Net)
		if !ok {
			return l.refuse(m.Pos, "an IPv6 network on a text field", m.Field.Name+" is a text")
		}
		return l.regexp(as(ir.Regexp{Re: re}), true)
	case ir.Compare:
		if m.Field.Type.IsText() && !l.OrderText {
			return l.refuse(m.Pos, "an ordering on a text field", m.Field.Name+" is a text")
		}
	case ir.FieldRef:
		if !l.FieldRef {
			return l.refuse(m.Pos, "a field reference", "")
		}
	case ir.TimePart:
		feature := "the time modifier " + t.Part
		switch {
		case t.Part == "week":
			return l.refuse(m.Pos, feature, "")
		case l.Moments != nil && !l.Moments(m.Field.Name):
			return l.refuse(m.Pos, feature, "it is not known in which form "+m.Field.Name+" holds a date")
		case l.Moments == nil && m.Field.Type.IsText():
			if re := t.Re(); re != nil {
				return l.regexp(as(ir.Regexp{Re: re}), true)
			}
			return ir.False, true
		case !l.TimePart[t.Part]:
			return l.refuse(m.Pos, feature, "")
		}
	}
	return nil, false
}

// regexp is the Match m of a Regexp, which may be new.
func (l *legalizer) regexp(m ir.Match, isNew bool) (ir.Expr, bool) {
	t := m.Test.(ir.Regexp)
	if lack := l.Regexp(t.Re); lack != "" {
		feature, reason, _ := strings.Cut(lack, ": ")
		return l.refuse(m.Pos, feature, reason)
	}
	if l.BlankIsMissing && t.Re.MatchesEmpty() {
		return ir.And{ir.Match{Field: m.Field, Test: ir.Exists{}, Pos: m.Pos}, m}, true
	}
	if isNew {
		return m, true
	}
	return nil, false
}

// guard asks for the field beside a test that would take the `not` around it
// along when no index maps the field. It is wanted only in a definite place,
// one under a `not`: elsewhere a test that vanishes selects nothing, as a
// missing field does.
func (l *legalizer) guard(e ir.Expr, definite bool) ir.Expr {
	if !definite && !negates(e) {
		return e
	}
	switch e := e.(type) {
	case ir.Not:
		return ir.Not{X: l.guard(e.X, true)}
	case ir.And:
		out := make(ir.And, 0, len(e))
		for _, x := range e {
			y := l.guard(x, definite)
			parts, ok := y.(ir.And)
			if !ok {
				out = append(out, y)
				continue
			}
			// One guard a field is enough.
			for _, p := range parts {
				if g, ok := p.(ir.Match); ok && slices.ContainsFunc(out, func(q ir.Expr) bool { return isGuard(q, g) }) {
					continue
				}
				out = append(out, p)
			}
		}
		return out
	case ir.Or:
		if !definite || slices.ContainsFunc(e, foldsToTrue) {
			out := make(ir.Or, len(e))
			for i, x := range e {
				out[i] = l.guard(x, false)
			}
			return out
		}
		// What vanishes beside what folds to false takes that along.
		var out ir.Or
		groups := map[ir.Field]int{} // of a field's tests, where in out
		for _, x := range e {
			m, ok := x.(ir.Match)
			if !ok || !l.NullFolds(m.Test) {
				out = append(out, l.guard(x, true))
				continue
			}
			at, ok := groups[m.Field]
			if !ok {
				groups[m.Field] = len(out)
				out = append(out, guarded(m, ir.Or{m}))
				continue
			}
			out[at] = guarded(m, append(out[at].(ir.And)[1].(ir.Or), m))
		}
		for _, at := range groups {
			g := out[at].(ir.And)
			if tests := g[1].(ir.Or); len(tests) == 1 {
				g[1] = tests[0]
			}
		}
		if len(out) == 1 {
			return out[0]
		}
		return out
	case ir.Match:
		if definite && l.NullFolds(e.Test) {
			return guarded(e, e)
		}
	}
	return e
}

// negates says whether a `not` stands in e.
func negates(e ir.Expr) bool {
	_, not := e.(ir.Not)
	return not || slices.ContainsFunc(ir.Parts(e), negates)
}

// isGuard says whether both ask for the same field's presence.
func isGuard(e ir.Expr, g ir.Match) bool {
	m, ok := e.(ir.Match)
	return ok && m.Test == (ir.Exists{}) && g.Test == (ir.Exists{}) && m.Field == g.Field
}

func guarded(m ir.Match, e ir.Expr) ir.Expr {
	return ir.And{ir.Match{Field: m.Field, Test: ir.Exists{}, Pos: m.Pos}, e}
}

// foldsToTrue says whether e is true on a field that no index maps: beside it,
// nothing else matters there, and elsewhere it stays.
func foldsToTrue(e ir.Expr) bool {
	m, ok := e.(ir.Match)
	return ok && m.Test == (ir.Null{})
}
