package read

import (
	"sigmac/backends"
	"sigmac/ir"
)

// ReadOptional parses query once, to be read under several choices of unmapped
// fields, or under all of them.
func ReadOptional(query string) (*backends.Optional, error) {
	p, err := Parse(query)
	if err != nil {
		return nil, err
	}
	out := &backends.Optional{Under: p.Query, Any: p.Any}
	out.Names, out.Required = p.mentioned()
	return out, nil
}

// Any says what the query does under every choice of unmapped fields, where mapped is what
// says of a field that an index maps it. ok is false where that is not known: of a query of
// several events, of scripts, and of times. The error is an *ir.Diagnostic.
func (p *Parsed) Any(s ir.Schema, mapped func(name string) ir.Expr) (q *ir.Query, ok bool, err error) {
	defer ir.Caught(&err)
	p.mu.Lock()
	defer p.mu.Unlock()
	m := choices{mapping: p.mapped(s)}
	if p.where == nil || len(p.times) > 0 {
		return nil, false, nil
	}
	for i, f := range m.mapping {
		is := ir.Expr(ir.False)
		if f.mapped {
			is = ir.True
		}
		if f.mapped && p.fields[i].required == (ir.Pos{}) {
			is = mapped(f.Name)
		}
		m.is = append(m.is, is)
	}
	c, ok := m.cases(p.where, 0)
	return &ir.Query{Scope: ir.Scope{Category: p.category}, Where: c.holds, Stages: p.stages, Assumptions: p.assumed}, ok, nil
}

// choices are mappings, with what says of each field that it is mapped.
type choices struct {
	mapping
	is []ir.Expr
}

// cases say of a condition when it holds, and of a mapping whether it folds to a constant there:
// TRUE, FALSE or NULL.
type cases struct{ holds, always, never, null ir.Expr }

// maxNots bounds the negations around a condition, each of which says again when what is
// in it is NULL.
const maxNots = 8

// cases are those of p below so many negations; false where they are not known.
func (m choices) cases(p pred, nots int) (c cases, ok bool) {
	if nots > maxNots {
		return c, false
	}
	c = cases{ir.False, ir.False, ir.False, ir.False}
	switch p := p.(type) {
	case verdictKind:
		switch p {
		case isTrue:
			c.holds, c.always = ir.True, ir.True
		case isFalse:
			c.never = ir.True
		default:
			c.null = ir.True
		}
	case *atomPred:
		if m.mapping[p.field].mapped {
			c.holds = ir.Conjunction(m.is[p.field], p.fold(m.mapping).expr)
		}
		if c.null = ir.Negation(m.is[p.field]); p.null == isFalse {
			c.null, c.never = c.never, c.null
		}
	case nullPred:
		v := p.fold(m.mapping)
		unmapped := ir.Negation(m.is[p.field])
		switch {
		case p.exists && v.kind == isExpr:
			c.holds, c.never = ir.Conjunction(m.is[p.field], v.expr), unmapped
		case p.exists:
			c.never = ir.True
		case v.kind == isExpr:
			c.holds, c.always = ir.Disjunction(unmapped, v.expr), unmapped
		default:
			c.holds, c.always = ir.True, ir.True
		}
	case notPred:
		x, ok := m.cases(p.x, nots+1)
		if !ok {
			return c, false
		}
		c = cases{ir.Conjunction(ir.Negation(x.holds), ir.Negation(x.null)), x.never, x.always, x.null}
	case andPred:
		return m.all(p, nots, func(of parts) cases {
			never := ir.Disjunction(of.never...)
			return cases{ir.Conjunction(of.holds...), ir.Conjunction(of.always...), never, ir.Conjunction(ir.Negation(never), ir.Disjunction(of.null...))}
		})
	case orPred:
		return m.all(p, nots, func(of parts) cases {
			never := ir.Conjunction(of.never...)
			return cases{ir.Disjunction(of.holds...), ir.Disjunction(of.always...), never, ir.Conjunction(ir.Negation(never), ir.Conjunction(of.idle...))}
		})
	default:
		return c, false
	}
	return c, true
}

// parts are the cases of several conditions; idle is where one is FALSE or NULL.
type parts struct{ holds, always, never, null, idle []ir.Expr }

// all is what of says of the cases of several conditions.
func (m choices) all(ps []pred, nots int, of func(parts) cases) (cases, bool) {
	var all parts
	for _, p := range ps {
		c, ok := m.cases(p, nots)
		if !ok {
			return c, false
		}
		all.holds, all.always = append(all.holds, c.holds), append(all.always, c.always)
		all.never, all.null = append(all.never, c.never), append(all.null, c.null)
		all.idle = append(all.idle, ir.Disjunction(c.never, c.null))
	}
	return of(all), true
}
