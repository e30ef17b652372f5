package elastic

import "sigmac/ir"

// Clauses is the number of queries of Lucene into which Elasticsearch puts a legal
// condition, of which a node takes so many. Each value of `:`, `in~` and `like` becomes
// one (ExpressionBuilder.java, combineExpressions), and so does a whole list of `in`,
// `regex` and `cidrMatch`.
func Clauses(_ string, e ir.Expr) (n int) {
	lists(e, func(k kind, values int) {
		if k.isOne() {
			values = 1
		}
		n += values
	})
	return n
}

// LongestTerms is the number of values in the longest list of `in` or `cidrMatch` of a
// legal condition, which becomes one query for terms.
func LongestTerms(_ string, e ir.Expr) (most int) {
	lists(e, func(k kind, values int) {
		if k.isOne() && k != kindRegex {
			most = max(most, values)
		}
	})
	return most
}

// isOne says whether all values of a list become one query.
func (k kind) isOne() bool { return k == kindEqual || k == kindRegex || k == kindCIDR }

// lists gives each test of e, or each list of them, with the number of its values.
func lists(e ir.Expr, each func(k kind, values int)) {
	switch e := e.(type) {
	case ir.And:
		for _, x := range e {
			lists(x, each)
		}
	case ir.Not:
		lists(e.X, each)
	case ir.Or, ir.Match:
		for _, o := range gather(ir.Disjuncts(e)) {
			if o.tests == nil {
				lists(o.e, each)
			} else {
				each(kindOf(o.tests[0].of().Test), len(o.tests))
			}
		}
	default:
		each(kindOrder, 1)
	}
}
