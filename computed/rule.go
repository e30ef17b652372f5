package computed

import (
	"maps"
	"slices"

	"sigmac/ir"
)

// Expand is e with preimages in the place of tests of computed columns, where these are
// understood: it says of the columns of the table what e says. It also gives the names
// of what it supposes, and the computed columns that are understood and of which some
// test is left all the same.
func (d Definitions) Expand(e ir.Expr) (out ir.Expr, supposes []string, left []string) {
	if d.tested(e) == nil {
		return e, nil, nil
	}
	w := newWriter(d, true)
	out = expr(w.expr(e, nil))
	maps.DeleteFunc(w.left, func(_ string, why Reason) bool { return why == NotUnderstood })
	return out, slices.Sorted(maps.Keys(w.uses)), slices.Sorted(maps.Keys(w.left))
}

// Supposed is what is supposed of the columns that e tests, and its names.
func (d Definitions) Supposed(es ...ir.Expr) (all ir.And, ids []string) {
	fields := map[string]bool{}
	note := func(e ir.Expr) {
		if m, ok := e.(ir.Match); ok {
			fields[m.Field.Name] = true
		}
	}
	for _, e := range es {
		ir.Walk(e, note)
	}
	for _, a := range d.Assumed {
		about := false
		ir.Walk(a.Expr, func(e ir.Expr) {
			m, ok := e.(ir.Match)
			about = about || ok && fields[m.Field.Name]
		})
		if about {
			all, ids = append(all, ir.Conjuncts(a.Expr)...), append(ids, a.ID)
		}
	}
	return all, ids
}

// Plain is r with preimages in its conditions, and without the computed columns that
// these no longer test. It gives the reason for each that is left.
func (d Definitions) Plain(r *ir.Rule) (*ir.Rule, map[string]Reason) {
	left := map[string]Reason{}
	out := *r
	out.Conditions = slices.Clone(r.Conditions)
	tests := map[string]bool{}
	var calls []ir.Computed
	for i, c := range r.Conditions {
		if d.tested(c.Expr) == nil {
			continue
		}
		e := d.plain(c.Expr, left)
		out.Conditions[i].Expr = e
		ir.Walk(e, func(e ir.Expr) {
			if m, ok := e.(ir.Match); ok {
				tests[m.Field.Name] = true
				if ref, ok := m.Test.(ir.FieldRef); ok {
					tests[ref.Other.Name] = true
				}
			}
		})
	}
	for _, t := range d.calls() {
		if tests[t.Call] {
			calls = append(calls, ir.Computed{Name: t.Call, Text: t.Call, Type: "string"})
		}
	}
	out.Computed = calls
	for _, c := range r.Computed {
		if tests[c.Name] {
			out.Computed = append(out.Computed, c)
		}
	}
	return &out, left
}

// calls are the First of several columns in all terms, each once.
func (d Definitions) calls() (out []First) {
	var walk func(t Term)
	walk = func(t Term) {
		switch t := t.(type) {
		case Choice:
			walk(t.Then)
			walk(t.Other)
		case Join:
			for _, x := range t {
				walk(x)
			}
		case Renamed:
			walk(t.Of)
		case Name:
			walk(t.Of)
		case First:
			if len(t.Of) > 1 && !slices.ContainsFunc(out, func(o First) bool { return o.Call == t.Call }) {
				out = append(out, t)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.Terms)) {
		walk(d.Terms[name])
	}
	return out
}

// plain is e by preimages, each conjunct with as few computed columns as it can have.
func (d Definitions) plain(e ir.Expr, left map[string]Reason) ir.Expr {
	conjuncts := ir.Conjuncts(e)
	var now known
	for _, a := range d.Assumed {
		now = now.and(a.Expr)
	}
	for _, c := range conjuncts {
		if d.tested(c) == nil {
			now = now.and(c)
		}
	}
	out := make([]ir.Expr, len(conjuncts))
	for i, c := range conjuncts {
		w := newWriter(d, false)
		for {
			out[i] = expr(w.expr(c, now))
			if size(out[i]) > maxGrowth*size(c)+maxTests {
				for _, name := range d.tested(c) {
					w.left[name] = TooMuch
				}
			}
			if len(w.left) == 0 {
				break
			}
			// What is left in one test is left in all of this conjunct.
			for name, why := range w.left {
				delete(w.terms, name)
				left[name] = why
			}
			clear(w.left)
		}
	}
	return ir.Conjunction(out...)
}

// The tests that a conjunct may have in the place of those that it had.
const (
	maxGrowth = 12
	maxTests  = 12
)

func size(e ir.Expr) (n int) {
	ir.Walk(e, func(ir.Expr) { n++ })
	return n
}

// A writer rewrites expressions.
type writer struct {
	finder
	terms map[string]Term
	left  map[string]Reason // the columns of which some test stays
	arms  map[place]*tree[arm]
}

// A place is where a column is tested: what is known there is one slice for all tests of
// a group.
type place struct {
	column string
	many   int
	known  *ir.Expr
}

func newWriter(d Definitions, open bool) *writer {
	return &writer{finder{open, map[string]bool{}}, maps.Clone(d.Terms), map[string]Reason{}, map[place]*tree[arm]{}}
}

func (w *writer) expr(e ir.Expr, now known) *tree[ir.Expr] {
	switch e := e.(type) {
	case ir.And:
		for _, x := range e {
			if !w.open && (Definitions{Terms: w.terms}).tested(x) == nil {
				now = now.and(x)
			}
		}
		return w.group(e, now, ir.Conjunction)
	case ir.Or:
		return w.group(e, now, ir.Disjunction)
	case ir.Not:
		return each(w.expr(e.X, now), ir.Negation)
	case ir.Match:
		if ref, ok := e.Test.(ir.FieldRef); ok && w.terms[ref.Other.Name] != nil {
			w.left[ref.Other.Name] = OtherTest
			break
		}
		if t := w.terms[e.Field.Name]; t != nil {
			at := place{e.Field.Name, len(now), nil}
			if len(now) > 0 {
				at.known = &now[0]
			}
			if w.arms[at] == nil {
				w.arms[at] = choices(t, now, w.open)
			}
			return w.match(w.arms[at], e)
		}
	}
	return &tree[ir.Expr]{leaf: e}
}

// match is the preimage of m under the arms of its column.
func (w *writer) match(t *tree[arm], m ir.Match) *tree[ir.Expr] {
	if t.is != nil {
		return &tree[ir.Expr]{is: t.is, then: w.match(t.then, m), other: w.match(t.other, m)}
	}
	e, why := w.preimage(t.leaf, m)
	if why != "" {
		w.left[m.Field.Name] = why
		e = m
	}
	return &tree[ir.Expr]{leaf: e}
}

// each is t with its leaves rewritten.
func each(t *tree[ir.Expr], f func(ir.Expr) ir.Expr) *tree[ir.Expr] {
	if t.is == nil {
		return &tree[ir.Expr]{leaf: f(t.leaf)}
	}
	return &tree[ir.Expr]{is: t.is, then: each(t.then, f), other: each(t.other, f)}
}

// group joins parts; those that depend on the same choice become one that does.
func (w *writer) group(es []ir.Expr, now known, join func(...ir.Expr) ir.Expr) *tree[ir.Expr] {
	parts := make([]*tree[ir.Expr], len(es))
	for i, x := range es {
		parts[i] = w.expr(x, now)
	}
	return merge(parts, join)
}

// merge joins trees, those that depend on the same choice under it.
func merge(ts []*tree[ir.Expr], join func(...ir.Expr) ir.Expr) *tree[ir.Expr] {
	if len(ts) == 1 {
		return ts[0]
	}
	var kinds [][]*tree[ir.Expr]
	for _, t := range ts {
		i := slices.IndexFunc(kinds, func(k []*tree[ir.Expr]) bool {
			return k[0].is != nil && t.is != nil && ir.Equal(k[0].is, t.is)
		})
		if i < 0 {
			i, kinds = len(kinds), append(kinds, nil)
		}
		kinds[i] = append(kinds[i], t)
	}
	out := make([]ir.Expr, len(kinds))
	for i, k := range kinds {
		one := k[0]
		if len(k) > 1 {
			var thens, others []*tree[ir.Expr]
			for _, t := range k {
				thens, others = append(thens, t.then), append(others, t.other)
			}
			one = &tree[ir.Expr]{is: one.is, then: merge(thens, join), other: merge(others, join)}
		}
		if len(kinds) == 1 {
			return one
		}
		out[i] = expr(one)
	}
	return &tree[ir.Expr]{leaf: join(out...)}
}
