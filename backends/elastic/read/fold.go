package read

import "sigmac/ir"

// A mapping says what the indexes know of each field of a query. Where no
// index maps an optional field, it is the literal NULL, and the optimiser
// folds what holds it (Analyzer.ResolveOrReplaceOptionalRefs, then Optimizer
// and OptimizerRules).
type mapping []mappedField

type mappedField struct {
	ir.Field
	mapped bool
}

// A verdict is what a condition folds to.
type verdict struct {
	kind verdictKind
	expr ir.Expr // of isExpr
}

type verdictKind uint8

const (
	isFalse verdictKind = iota
	isTrue
	isNull
	isExpr
)

// A pred is a condition that can be folded.
type pred interface{ fold(m mapping) verdict }

// selects is the events that a filter of p selects: NULL selects none.
func (m mapping) selects(p pred) ir.Expr {
	switch v := p.fold(m); v.kind {
	case isExpr:
		return v.expr
	case isTrue:
		return ir.True
	}
	return ir.False
}

// null says whether an expression over fields is a NULL literal: all of them
// are, and there is one.
func (m mapping) null(fields []int) bool {
	for _, f := range fields {
		if m[f].mapped {
			return false
		}
	}
	return len(fields) > 0
}

func (k verdictKind) fold(mapping) verdict { return verdict{kind: k} }

type andPred []pred

// PruneFilters.foldBinaryLogic makes And(NULL, x) NULL; before it,
// BooleanSimplification has taken FALSE and TRUE out.
func (ps andPred) fold(m mapping) verdict {
	return combine(ps, m, isTrue, func(kind [4]bool, es []ir.Expr) verdict {
		switch {
		case kind[isFalse]:
			return verdict{kind: isFalse}
		case kind[isNull]:
			return verdict{kind: isNull}
		}
		return verdict{isExpr, ir.And(es)}
	})
}

type orPred []pred

// Or(FALSE, x) is x, also where x is NULL, and then Or(NULL, x) is x.
func (ps orPred) fold(m mapping) verdict {
	return combine(ps, m, isFalse, func(kind [4]bool, es []ir.Expr) verdict {
		switch {
		case kind[isTrue]:
			return verdict{kind: isTrue}
		case len(es) == 0:
			return verdict{kind: isNull}
		}
		return verdict{isExpr, ir.Or(es)}
	})
}

// combine folds ps, of which those that are neutral vanish, and asks whole
// about the kinds among the others and the expressions.
func combine(ps []pred, m mapping, neutral verdictKind, whole func([4]bool, []ir.Expr) verdict) verdict {
	var kinds [4]bool
	var es []ir.Expr
	for _, p := range ps {
		v := p.fold(m)
		if v.kind == isExpr {
			es = append(es, v.expr)
		}
		kinds[v.kind] = kinds[v.kind] || v.kind != neutral
	}
	if kinds == ([4]bool{}) {
		return verdict{kind: neutral}
	}
	v := whole(kinds, es)
	if len(es) == 1 && v.kind == isExpr {
		v.expr = es[0]
	}
	return v
}

type notPred struct{ x pred }

func (p notPred) fold(m mapping) verdict {
	v := p.x.fold(m)
	switch v.kind {
	case isFalse:
		v.kind = isTrue
	case isTrue:
		v.kind = isFalse
	case isExpr:
		v.expr = ir.Not{X: v.expr}
	}
	return v
}

// A truthPred is a condition compared with true. ReplaceNullChecks runs before
// any folding, and asks only whether the side is constant as it stands.
type truthPred struct {
	x      pred
	fields []int
}

func (p truthPred) fold(m mapping) verdict {
	v := p.x.fold(m)
	if v.kind == isNull && m.null(p.fields) {
		v.kind = isFalse
	}
	return v
}

// A nullPred is `f == null`, or with exists `f != null`.
type nullPred struct {
	field  int
	exists bool
	pos    ir.Pos
}

func (p nullPred) fold(m mapping) verdict {
	f := m[p.field]
	switch {
	case !f.mapped && p.exists:
		return verdict{kind: isFalse}
	case !f.mapped:
		return verdict{kind: isTrue}
	case p.exists:
		return verdict{isExpr, ir.Match{Field: f.Field, Test: ir.Exists{}, Pos: p.pos}}
	}
	return verdict{isExpr, ir.Match{Field: f.Field, Test: ir.Null{}, Pos: p.pos}}
}

// A sidesPred compares two sides that both hold fields. Only where one of them
// is NULL can that be done at all.
type sidesPred struct {
	op          string
	left, right *node
	whole       scriptPred
}

func (p sidesPred) fold(m mapping) verdict {
	l, r := m.null(p.left.uses()), m.null(p.right.uses())
	equality := p.op == "=="
	switch {
	case !l && !r:
		refuse(p.whole.expr.Pos, "fields cannot be compared with each other")
	case l && r && equality:
		return verdict{kind: isTrue}
	case l && r:
		return verdict{kind: isNull}
	case equality && l && p.right.kind == fieldNode:
		return nullPred{field: p.right.field, pos: p.right.pos}.fold(m)
	case equality && r && p.left.kind == fieldNode:
		return nullPred{field: p.left.field, pos: p.left.pos}.fold(m)
	}
	return p.whole.fold(m)
}
