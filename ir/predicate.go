package ir

import (
	"slices"
	"strings"
)

// A Predicate is what a condition of a rule, or a query, takes: the events of a
// place, and of these the ones that pass a test. What a place is as a test of events is
// marked by standing in Place.
type Predicate struct {
	Scope  Scope // of the place, what is no test of events
	Place  And   // of the place, what is one
	Own    Expr  // what is asked of the events there
	Bounds []Bound
}

// Whole is the test that says all that Scope does not: that of the place, and Own.
func (p Predicate) Whole() Expr {
	if len(p.Place) == 0 {
		return p.Own
	}
	return append(slices.Clone(p.Place), p.Own)
}

// Predicate is the i-th condition of a rule, with its index as a test.
func (r *Rule) Predicate(i int) Predicate {
	scope, place := r.Scope.tests()
	return Predicate{Scope: scope, Place: place, Own: r.Conditions[i].Expr}
}

// Predicate is what a query says, with its index and its bounds as tests.
func (q *Query) Predicate() Predicate {
	scope, place := q.Scope.tests()
	return Predicate{Scope: scope, Place: place, Own: q.Whole()}
}

// tests is a scope with its index as a test of the field index, which is what
// `index=x` is in SPL (Search Reference: search).
func (s Scope) tests() (Scope, And) {
	if s.Index == "" {
		return s, nil
	}
	var parts []Part
	for i, text := range strings.Split(s.Index, "*") {
		if i > 0 {
			parts = append(parts, Part{Kind: AnyRun})
		}
		parts = append(parts, Part{Text: text})
	}
	s.Index = ""
	return s, And{Match{Field: Field{Name: "index", Type: Text}, Test: NewPattern(false, parts...)}}
}

// Compared are the i-th condition of a rule, and what a query says, to be compared:
// what a pipeline added to the rule is of its place, and so are the query's tests of the
// columns that this is about. An index is a test of both where it is not the same.
func (r *Rule) Compared(i int, q *Query) (rule, query Predicate) {
	c := r.Conditions[i]
	rule = Predicate{Scope: r.Scope, Own: c.Expr}
	if c.Added != nil {
		rule.Place, rule.Own = Conjuncts(c.Added), c.Own
	}
	query = Predicate{Scope: q.Scope}
	where := q.Where
	if q.Scope.Index != r.Scope.Index {
		// One says `index=x` as a place to look, the other as a test of a field.
		var own, others And
		if rule.Scope, own = r.Scope.tests(); own != nil {
			rule.Place = append(own, rule.Place...)
		}
		if query.Scope, others = q.Scope.tests(); others != nil {
			where = append(others, where)
		}
	}
	if q.Scope.Table == "" && r.Scope.Table != "" && fieldsOf(where)[TableField] {
		table := Match{Field: Field{Name: TableField, Type: Text}, Test: NewPattern(true, Part{Text: r.Scope.Table}), Pos: r.Source.Pos}
		rule.Place, rule.Scope.Table = append(And{table}, rule.Place...), ""
	}
	columns := fieldsOf(rule.Place)
	columns["index"], columns[TableField] = true, true
	var own And
	for _, e := range Conjuncts(where) {
		names := fieldsOf(e)
		inside := len(names) > 0
		for name := range names {
			inside = inside && columns[name]
		}
		if inside {
			query.Place = append(query.Place, e)
		} else {
			own = append(own, e)
		}
	}
	tested := fieldsOf(c.Expr)
	for _, b := range q.Times {
		if b.Field != "" && tested[b.Field] { // the rule itself is about the time
			own = append(own, b.Expr)
		} else {
			query.Bounds = append(query.Bounds, b)
		}
	}
	query.Own = Conjunction(own...)
	return rule, query
}

// fieldsOf are the fields that e tests. What no expression says has a name that
// is none.
func fieldsOf(e Expr) map[string]bool {
	out := map[string]bool{}
	Walk(e, func(e Expr) {
		switch e := e.(type) {
		case Match:
			out[e.Field.Name] = true
			if ref, ok := e.Test.(FieldRef); ok {
				out[ref.Other.Name] = true
			}
		default:
			out[""] = true
		}
	})
	return out
}
