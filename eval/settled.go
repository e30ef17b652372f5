package eval

import "sigmac/ir"

// Settled says whether a filter that was read from a query is true of an event,
// where that is known whatever the parts mean that it cannot hold: an Opaque that
// nothing computes, a Term that the documents leave open.
func Settled(e ir.Expr, ev Event) (is, known bool) {
	switch e := e.(type) {
	case ir.And:
		return settledGroup(e, false, ev)
	case ir.Or:
		return settledGroup(e, true, ev)
	case ir.Not:
		is, known := Settled(e.X, ev)
		return !is, known
	case ir.Opaque:
		if e.Of == nil {
			return false, false
		}
		return e.Of.Holds(func(name string) (any, bool) { return ev.Value(name), true })
	case ir.Match:
		if t, ok := e.Test.(ir.Term); ok {
			return settledTerm(t, func(t ir.Test) ir.Expr { return ir.Match{Field: e.Field, Test: t} }, ev)
		}
	case ir.Keyword:
		if t, ok := e.Test.(ir.Term); ok {
			return settledTerm(t, func(t ir.Test) ir.Expr { return ir.Keyword{Test: t} }, ev)
		}
	}
	if Unevaluable(e) != "" {
		return false, false
	}
	return Expr(nil, e, ev), true
}

// settledGroup is a group that one part decides.
func settledGroup(es []ir.Expr, decides bool, ev Event) (is, known bool) {
	known = true
	for _, x := range es {
		is, ok := Settled(x, ev)
		if ok && is == decides {
			return decides, true
		}
		known = known && ok
	}
	return !decides, known
}

func settledTerm(t ir.Term, ask func(ir.Test) ir.Expr, ev Event) (is, known bool) {
	if t.Sure != nil && Expr(nil, ask(ir.Regexp{Re: t.Sure}), ev) {
		return true, true
	}
	for _, re := range t.May {
		if !Expr(nil, ask(ir.Regexp{Re: re}), ev) {
			return false, true
		}
	}
	return false, false
}
