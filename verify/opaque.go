package verify

import (
	"fmt"
	"strings"

	"sigmac/backends"
	"sigmac/ir"
)

func hasOpaque(e ir.Expr) (has bool) {
	ir.Walk(e, func(e ir.Expr) {
		_, opaque := e.(ir.Opaque)
		has = has || opaque
	})
	return has
}

// placeholders compares a condition in which a pipeline has put pieces of query
// language. Sigmac knows nothing of these, so they stand for themselves on both
// sides: each becomes a test of a field of its own, the query is written and
// proved with these tests, and must be the given one where the pieces stand in
// their place.
func placeholders(b *backends.Target, want *ir.Rule, i int, query string, budget int) (Result, error) {
	const reason = "a placeholder is a piece of query language, which sigmac does not read"
	var pieces []ir.Opaque
	alone := func(i int) ir.Expr {
		return ir.Match{Field: ir.Field{Name: fmt.Sprintf("sigmac_piece_%d", i), Type: ir.Boolean}, Test: ir.Bool{Value: true}, Pos: pieces[i].Pos}
	}
	expr, _ := ir.Rewrite(want.Conditions[i].Expr, func(e ir.Expr) (ir.Expr, bool) {
		piece, ok := e.(ir.Opaque)
		if !ok {
			return e, false
		}
		pieces = append(pieces, piece)
		return alone(len(pieces) - 1), true
	})
	write := func(scope ir.Scope, e ir.Expr) (*ir.Rule, backends.Doc) {
		r := *want
		r.Scope, r.Conditions = scope, []ir.Condition{{Pos: want.Conditions[i].Pos, Expr: e}}
		legal, refused := backends.Legalize(ir.Simplify(&r), b.Format.Caps)
		if len(refused) > 0 {
			return nil, backends.Doc{}
		}
		queries, err := b.Format.Emit(legal)
		if err != nil {
			return nil, backends.Doc{}
		}
		return &r, queries[0]
	}
	standIn, doc := write(want.Scope, expr)
	if standIn == nil {
		return Result{Verdict: Agreed, Reason: reason}, nil
	}
	written := doc.Flat()
	filled := written
	for k, piece := range pieces {
		// A negation may be written as an operator of the test.
		for _, form := range []func(ir.Expr) ir.Expr{ir.Negation, func(e ir.Expr) ir.Expr { return e }} {
			_, test := write(ir.Scope{}, form(alone(k)))
			_, given := write(ir.Scope{}, form(piece))
			test.Head, given.Head = "", ""
			text := test.Flat()
			if text == "" {
				return Result{Verdict: Agreed, Reason: reason}, nil
			}
			if strings.Contains(filled, text) {
				filled = strings.Replace(filled, text, given.Flat(), 1)
				break
			}
		}
	}
	if strings.Join(strings.Fields(filled), " ") != strings.Join(strings.Fields(query), " ") {
		return Result{Verdict: Agreed, Reason: reason + "; the rest of the query was not compared"}, nil
	}
	res, err := Query(b, standIn, 0, written, budget)
	if err == nil && res.Verdict == Proved {
		res.Verdict, res.Reason = Agreed, reason
	}
	return res, err
}
