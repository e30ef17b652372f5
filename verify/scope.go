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
func (j judge) relation(rule, query ir.Predicate, r reading) string {
	out := places(rule.Scope, query.Scope)
	if len(query.Bounds) > 0 {
		out = both(out, "narrower")
	}
	if ir.Equal(rule.Place, query.Place) {
		return out
	}
	switch res := j.compare(rule.Place, query.Place, r, undo{}); res.Verdict {
	case Refuted:
		out = both(out, res.Direction)
	case Agreed:
		return "unknown"
	}
	return out
}

// detection compares what a rule and a query say beside their scopes, on events
// that both scopes admit; where none are, on all.
func (j judge) detection(rule, query ir.Predicate, r reading, o undo) Result {
	shared := append(slices.Clone(rule.Place), query.Place...)
	if len(shared) > 0 && j.compare(shared, ir.False, r, undo{}).Verdict == Proved {
		shared = nil
	}
	return j.compare(append(slices.Clone(shared), rule.Own), append(slices.Clone(shared), query.Own), r, o)
}

// place is where a rule or a query looks, in words.
func place(p ir.Predicate) string {
	var parts []string
	for _, x := range [][2]string{{"table ", p.Scope.Table}, {"index ", p.Scope.Index}, {"category ", p.Scope.Category}, {"data model ", p.Scope.DataModel}} {
		if x[1] != "" {
			parts = append(parts, x[0]+x[1])
		}
	}
	for _, e := range p.Place {
		parts = append(parts, inWords(e))
	}
	for _, b := range p.Bounds {
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
