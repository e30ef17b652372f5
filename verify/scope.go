package verify

import (
	"slices"
	"strings"

	"sigmac/ir"
)

// A Scope is where a query looks beside where its rule says: table, index, time
// bounds, and the conditions that pipelines added to the rule.
type Scope struct {
	Relation    string // of the query to the rule: equal, wider, narrower, both, or unknown
	Rule, Query string // in words
}

// A side is a rule's condition or a query: where its events are, and which of
// them it takes.
type side struct {
	scope  ir.Scope
	added  ir.And // of where its events are, as tests
	own    ir.Expr
	bounds []ir.Bound
}

func (s side) whole() ir.Expr {
	if len(s.added) == 0 {
		return s.own
	}
	return append(slices.Clone(s.added), s.own)
}

// sides are the i-th condition of a rule, and what a query says: tests of the
// columns that the rule's added conditions are about are of its scope.
func sides(want *ir.Rule, i int, q *ir.Query) (rule, query side) {
	c := want.Conditions[i]
	rule = side{scope: want.Scope, own: c.Expr}
	if c.Added != nil {
		rule.added, rule.own = conjuncts(c.Added), c.Own
	}
	query = side{scope: q.Scope}
	where := q.Where
	if q.Scope.Index != want.Scope.Index {
		// One says `index=x` as a place to look, the other as a test of a field.
		where, query.scope = ir.IndexAsTest(where, query.scope)
		var index ir.Expr
		if index, rule.scope = ir.IndexAsTest(ir.True, rule.scope); want.Scope.Index != "" {
			rule.added = append(conjuncts(index), rule.added...)
		}
	}
	if q.Scope.Table == "" && want.Scope.Table != "" && fieldsOf(where)[ir.TableField] {
		table := ir.Match{Field: ir.Field{Name: ir.TableField, Type: ir.Text},
			Test: ir.NewPattern(true, ir.Part{Text: want.Scope.Table}), Pos: want.Source.Pos}
		rule.added, rule.scope.Table = append(ir.And{table}, rule.added...), ""
	}
	columns := fieldsOf(rule.added)
	columns["index"], columns[ir.TableField] = true, true
	var own ir.And
	for _, e := range conjuncts(where) {
		names := fieldsOf(e)
		inside := len(names) > 0
		for name := range names {
			inside = inside && columns[name]
		}
		if inside {
			query.added = append(query.added, e)
		} else {
			own = append(own, e)
		}
	}
	tested := fieldsOf(c.Expr)
	for _, b := range q.Times {
		if tested[b.Field] { // the rule itself is about the time
			own = append(own, b.Expr)
		} else {
			query.bounds = append(query.bounds, b)
		}
	}
	query.own = own
	if len(own) == 1 {
		query.own = own[0]
	}
	return rule, query
}

// conjuncts are the parts of a conjunction, flat.
func conjuncts(e ir.Expr) (out ir.And) {
	and, ok := e.(ir.And)
	if !ok {
		return ir.And{e}
	}
	for _, x := range and {
		out = append(out, conjuncts(x)...)
	}
	return out
}

// fieldsOf are the fields that e tests. What no expression says has a name that
// is none.
func fieldsOf(e ir.Expr) map[string]bool {
	out := map[string]bool{}
	ir.Walk(e, func(e ir.Expr) {
		switch e := e.(type) {
		case ir.Match:
			out[e.Field.Name] = true
			if ref, ok := e.Test.(ir.FieldRef); ok {
				out[ref.Other.Name] = true
			}
		default:
			out[""] = true
		}
	})
	return out
}

// places compares where two scopes look, without their tests.
func places(rule, query ir.Scope) string {
	relation := "equal"
	for _, p := range [][2]string{{rule.Table, query.Table}, {rule.Index, query.Index}, {rule.Category, query.Category}, {rule.DataModel, query.DataModel}} {
		switch {
		case p[0] == p[1]:
		case p[1] == "":
			relation = both(relation, "wider")
		case p[0] == "":
			relation = both(relation, "narrower")
		default:
			relation = "both"
		}
	}
	return relation
}

// both is the direction of two differences.
func both(a, b string) string {
	switch {
	case a == "equal" || a == b:
		return b
	case b == "equal":
		return a
	}
	return "both"
}

// relation compares the scopes of a rule and a query.
func (j judge) relation(rule, query side, r reading) string {
	out := places(rule.scope, query.scope)
	if len(query.bounds) > 0 {
		out = both(out, "narrower")
	}
	if ir.Expr(rule.added).String() == ir.Expr(query.added).String() {
		return out
	}
	switch res := j.compare(rule.added, query.added, r, undo{}); res.Verdict {
	case Refuted:
		out = both(out, res.Direction)
	case Agreed:
		return "unknown"
	}
	return out
}

// detection compares what a rule and a query say beside their scopes, on events
// that both scopes admit; where none are, on all.
func (j judge) detection(rule, query side, r reading, o undo) Result {
	shared := append(slices.Clone(rule.added), query.added...)
	if len(shared) > 0 && j.compare(shared, ir.False, r, undo{}).Verdict == Proved {
		shared = nil
	}
	return j.compare(append(slices.Clone(shared), rule.own), append(slices.Clone(shared), query.own), r, o)
}

// inWords is where a rule or a query looks.
func (s side) inWords() string {
	var parts []string
	for _, p := range [][2]string{{"table ", s.scope.Table}, {"index ", s.scope.Index}, {"category ", s.scope.Category}, {"data model ", s.scope.DataModel}} {
		if p[1] != "" {
			parts = append(parts, p[0]+p[1])
		}
	}
	for _, e := range s.added {
		parts = append(parts, inWords(e))
	}
	for _, b := range s.bounds {
		parts = append(parts, b.Text)
	}
	if len(parts) == 0 {
		return "everywhere"
	}
	return strings.Join(parts, ", ")
}

// inWords is a test of a scope in Sigma's words, or its form as an expression.
func inWords(e ir.Expr) string {
	list := func(es []ir.Expr, word string) string {
		out := make([]string, len(es))
		for i, x := range es {
			out[i] = inWords(x)
		}
		return "(" + strings.Join(out, word) + ")"
	}
	switch e := e.(type) {
	case ir.And:
		return list(e, " and ")
	case ir.Or:
		return list(e, " or ")
	case ir.Not:
		return "not " + inWords(e.X)
	case ir.Match:
		switch t := e.Test.(type) {
		case ir.Pattern:
			var text strings.Builder
			for _, p := range t.Parts {
				text.WriteString([...]string{p.Text, "*", "?", p.Text}[p.Kind])
			}
			return e.Field.Name + ": " + text.String()
		case ir.Compare:
			return e.Field.Name + " " + t.Op.String() + " " + string(t.Number)
		}
	}
	return e.String()
}
