package backends

import (
	"fmt"
	"slices"
	"strings"

	"sigmac/ir"
	"sigmac/regex"
)

// Legalize rewrites the conditions of r, which is typed and inlined, into what
// a language with these Caps says natively. What has no exact equivalent is an
// error, each with its place.
func Legalize(r *ir.Rule, c Caps) (*ir.Rule, []*ir.Diagnostic) {
	return (&Decided{Rule: r}).Legalize(c)
}

// A Decided is a Rule to be legalized for several languages, of which some have the first step in
// common.
type Decided struct {
	Rule *ir.Rule
	// Mixed says that in some of them fields have one value at most, and in others several. What is
	// left as it is where they have one then is so in all.
	Mixed bool
	one   *ir.Rule             // decided where fields have one value, if Mixed
	same  bool                 // that is Rule, and so it is where they have several
	rules map[[2]bool]*ir.Rule // by the Caps that the step asks for
}

// first is the Rule without what its rest decides.
func (d *Decided) first(c Caps) *ir.Rule {
	if d.rules == nil {
		d.rules = map[[2]bool]*ir.Rule{}
		if d.Mixed {
			one, whole := ir.Decide(d.Rule, true)
			d.one, d.same = one, whole && one == d.Rule
		}
	}
	by := [2]bool{c.BlankIsMissing, c.Single}
	if r, ok := d.rules[by]; ok {
		return r
	}
	r := d.Rule
	if c.BlankIsMissing {
		if r = r.Rewrite(missing); r != d.Rule {
			r = ir.Simplify(r)
		}
	}
	switch {
	case r == d.Rule && d.same:
	case r == d.Rule && d.Mixed && c.Single:
		r = d.one
	default:
		r, _ = ir.Decide(r, c.Single)
	}
	d.rules[by] = r
	return r
}

// Legalize is the function of that name, of the Rule.
func (d *Decided) Legalize(c Caps) (*ir.Rule, []*ir.Diagnostic) {
	r := d.first(c)
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
		for i, cond := range out.Conditions {
			copied.Conditions[i].Expr = guard(cond.Expr, c.NullFolds)
		}
		out = &copied
	}
	return out, nil
}

// missing has one test for all that say whether a field has a value, where a blank text is
// none: Null, or its negation. A field of another type is never blank.
func missing(e ir.Expr) (ir.Expr, bool) {
	m, ok := e.(ir.Match)
	null := ir.Match{Field: m.Field, Test: ir.Null{}, Pos: m.Pos}
	p, pattern := m.Test.(ir.Pattern)
	shape, text := p.Shape()
	switch {
	case ok && (m.Test == ir.Test(ir.Exists{}) || pattern && shape == ir.Any):
		return ir.Not{X: null}, true
	case pattern && shape == ir.Exact && text == "":
		if m.Field.Type.IsText() || m.Field.Type == ir.Address {
			return null, true
		}
		return ir.False, true
	}
	return e, false
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
		if begin, end, ok := apart(t); ok && l.Pattern(begin) && l.Pattern(end) {
			return ir.And{as(begin), as(end)}, true
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

// apart is a pattern `begin*end` as two, if no text that is too short for it has both:
// none in which the one reaches into the other.
func apart(p ir.Pattern) (begin, end ir.Pattern, ok bool) {
	if len(p.Parts) != 3 || p.Parts[0].Kind != ir.Literal || p.Parts[1].Kind != ir.AnyRun || p.Parts[2].Kind != ir.Literal {
		return begin, end, false
	}
	a, b := []rune(p.Parts[0].Text), []rune(p.Parts[2].Text)
	if !p.Cased {
		a, b = []rune(regex.Fold(p.Parts[0].Text)), []rune(regex.Fold(p.Parts[2].Text))
	}
	for at := max(0, len(a)-len(b)); at < len(a); at++ { // where end begins
		if n := min(len(a)-at, len(b)); slices.Equal(a[at:at+n], b[:n]) {
			return begin, end, false
		}
	}
	return ir.NewPattern(p.Cased, p.Parts[:2]...), ir.NewPattern(p.Cased, p.Parts[1:]...), true
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
