package backends

import (
	"slices"

	"sigmac/ir"
)

// guard asks for a field beside tests that would take the `not` around them along when no
// index maps the field, where the query would be another without.
//
// What an expression becomes then depends on which fields are mapped. So that is computed
// for all choices of these at once, a bit each (fold), and for each place in a query, in
// which choices the query is another if what stands there becomes something else (place).
func guard(e ir.Expr, nullFolds func([]ir.Test) bool) ir.Expr {
	if !negates(e) {
		return e
	}
	g := guarder{nullFolds: nullFolds, unmapped: map[string]choices{}, further: map[string]bool{}}
	required := ir.Required(e)
	ir.Visit(e, func(x ir.Expr, _ bool) bool {
		not, ok := x.(ir.Not)
		ir.Walk(not.X, func(x ir.Expr) {
			if m, ok := x.(ir.Match); ok && !slices.Contains(required, m.Field) {
				g.vary(m.Field.Name)
			}
		})
		return !ok
	})
	root := g.part(e, false)
	var whole place
	for was := range whole {
		for is := range whole {
			if max(was, is) >= open && (was != is || is == open) { // FALSE and NULL select nothing
				whole[was][is] = every
			}
		}
	}
	g.decide(root, whole)
	if !g.guards {
		return e
	}
	return root.expr()
}

// choices is a set of choices of the fields under a `not` that no index maps.
type choices uint64

const every choices = 1<<64 - 1

// varying are the choices that leave the first of these fields unmapped, the second and so on.
var varying = [...]choices{0xAAAAAAAAAAAAAAAA, 0xCCCCCCCCCCCCCCCC, 0xF0F0F0F0F0F0F0F0, 0xFF00FF00FF00FF00, 0xFFFF0000FFFF0000, 0xFFFFFFFF00000000}

// What an expression becomes. Of parts, a conjunction becomes the least and a disjunction
// the greatest.
const (
	no   = iota // FALSE
	null        // NULL
	open        // still a test of events
	yes         // TRUE
	kinds
)

// A fold has for each kind the choices in which an expression becomes that. Of a choice in
// none it is not known.
type fold [kinds]choices

// A place has the choices in which the query is another where what stands there becomes
// the second kind instead of the first; twice open: another test.
type place [kinds][kinds]choices

type guarder struct {
	nullFolds func([]ir.Test) bool
	// In which choices a field is not mapped: in none of them one that the whole requires,
	// without which the query selects nothing, and one that is under no `not`, without
	// which no more of the query matters than with it.
	unmapped map[string]choices
	further  map[string]bool // fields of which nothing is known
	guards   bool            // one is needed
}

// vary makes a field one that may be mapped or not, whatever the others are.
func (g *guarder) vary(name string) {
	if _, ok := g.unmapped[name]; ok {
		return
	}
	if n := len(g.unmapped); n < len(varying) {
		g.unmapped[name] = varying[n]
	} else {
		g.further[name] = true
	}
}

// A part is an expression with what it becomes.
type part struct {
	fold
	e       ir.Expr // And, Or or Not of the parts, tests of a field of which one must pass, or what is none of these
	parts   []*part
	tests   []ir.Test
	field   ir.Field
	guarded bool
}

// part is e with all guards: under a `not`, for elsewhere a test that vanishes selects
// nothing, as a missing field does.
func (g *guarder) part(e ir.Expr, negated bool) *part {
	p := &part{e: e}
	switch e := e.(type) {
	case ir.And:
		for _, x := range e {
			p.parts = append(p.parts, g.part(x, negated))
		}
	case ir.Not:
		p.parts = []*part{g.part(e.X, true)}
	case ir.Or:
		// Tests of a field get one guard, where the first of them is.
		at := map[ir.Field]int{}
		var groups []ir.Or
		for _, x := range e {
			m, ok := x.(ir.Match)
			i, found := at[m.Field]
			switch {
			case !ok || m.Test == (ir.Null{}):
				groups = append(groups, ir.Or{x})
			case found:
				groups[i] = append(groups[i], x)
			default:
				at[m.Field] = len(groups)
				groups = append(groups, ir.Or{x})
			}
		}
		if len(groups) == 1 && len(groups[0]) > 1 {
			p.field = e[0].(ir.Match).Field
			for _, x := range e {
				p.tests = append(p.tests, x.(ir.Match).Test)
			}
			break
		}
		for _, es := range groups {
			p.parts = append(p.parts, g.part(ir.Disjunction(es...), negated))
		}
	case ir.Match:
		p.field, p.tests = e.Field, []ir.Test{e.Test}
	}
	p.guarded = negated && p.tests != nil && g.nullFolds(p.tests)
	g.update(p)
	return p
}

// update computes what p becomes from its parts.
func (g *guarder) update(p *part) {
	if p.tests != nil {
		if g.further[p.field.Name] {
			return
		}
		u := g.unmapped[p.field.Name]
		p.fold = fold{open: ^u}
		switch {
		case p.tests[0] == (ir.Null{}):
			p.fold[yes] = u
		case !p.guarded && g.nullFolds(p.tests):
			p.fold[null] = u
		default:
			p.fold[no] = u
		}
		return
	}
	switch p.e.(type) {
	case ir.And, ir.Or:
		join, f := joins(p.e)
		for _, q := range p.parts {
			f = f.with(q.fold, join)
		}
		p.fold = f
	case ir.Not:
		f := p.parts[0].fold
		p.fold = fold{no: f[yes], null: f[null], open: f[open], yes: f[no]}
	}
}

// joins says what becomes of two parts of a group, and what a group without parts is.
func joins(e ir.Expr) (join func(a, b int) int, empty fold) {
	if _, and := e.(ir.And); and {
		return func(a, b int) int { return min(a, b) }, fold{yes: every}
	}
	return func(a, b int) int { return max(a, b) }, fold{no: every}
}

func (f fold) with(o fold, join func(a, b int) int) (out fold) {
	for a := range f {
		for b := range o {
			out[join(a, b)] |= f[a] & o[b]
		}
	}
	return out
}

// decide takes the guards of p away that change nothing, the last first: of several tests
// of a field in a conjunction the first keeps it.
func (g *guarder) decide(p *part, at place) {
	if p.guarded {
		u := g.unmapped[p.field.Name]
		if g.further[p.field.Name] {
			u = every
		}
		p.guarded = at[no][null]&u != 0
		g.guards = g.guards || p.guarded
		g.update(p)
		return
	}
	if _, not := p.e.(ir.Not); not {
		var in place
		for was := range at {
			for is := range at {
				in[negated(was)][negated(is)] = at[was][is]
			}
		}
		g.decide(p.parts[0], in)
		g.update(p)
		return
	}
	join, after := joins(p.e)
	before := []fold{after}
	for _, q := range p.parts {
		before = append(before, before[len(before)-1].with(q.fold, join))
	}
	for i, q := range slices.Backward(p.parts) {
		g.decide(q, at.beside(before[i].with(after, join), join))
		after = after.with(q.fold, join)
	}
	g.update(p)
}

// beside is the place of a part of a group at a place, whose other parts are others.
func (at place) beside(others fold, join func(a, b int) int) (in place) {
	unknown := ^(others[no] | others[null] | others[open] | others[yes])
	for was := range at {
		for is := range at {
			for k, in1 := range others {
				a, b := join(was, k), join(is, k)
				if a != b || a == open && (was == open || is == open) {
					in[was][is] |= (in1 | unknown) & at[a][b]
				}
			}
		}
	}
	return in
}

func negated(kind int) int { return [...]int{yes, null, open, no}[kind] }

// expr is p with its guards.
func (p *part) expr() ir.Expr {
	if p.guarded {
		first := ir.Disjuncts(p.e)[0].(ir.Match)
		return ir.And{ir.Match{Field: p.field, Test: ir.Exists{}, Pos: first.Pos}, p.e}
	}
	if p.parts == nil {
		return p.e
	}
	es := make([]ir.Expr, len(p.parts))
	for i, q := range p.parts {
		es[i] = q.expr()
	}
	switch p.e.(type) {
	case ir.And:
		return ir.Conjunction(es...)
	case ir.Or:
		return ir.Disjunction(es...)
	}
	return ir.Not{X: es[0]}
}

// negates says whether a `not` stands in e.
func negates(e ir.Expr) bool {
	_, not := e.(ir.Not)
	return not || slices.ContainsFunc(ir.Parts(e), negates)
}
