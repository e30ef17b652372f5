package main

import (
	"slices"

	"sigmac/ir"
	"sigmac/regex"
)

// A variant is a condition in which one part is said in another way.
type variant struct {
	class string
	e     ir.Expr
}

// variants are those of e.
func variants(e ir.Expr) (out []variant) {
	out = plainer(e)
	wrap := func(x ir.Expr, put func(ir.Expr) ir.Expr) {
		for _, v := range variants(x) {
			out = append(out, variant{v.class, put(v.e)})
		}
	}
	switch e := e.(type) {
	case ir.And:
		for i, x := range e {
			wrap(x, func(x ir.Expr) ir.Expr { c := slices.Clone(e); c[i] = x; return c })
		}
	case ir.Or:
		for i, x := range e {
			wrap(x, func(x ir.Expr) ir.Expr { c := slices.Clone(e); c[i] = x; return c })
		}
	case ir.Not:
		wrap(e.X, func(x ir.Expr) ir.Expr { return ir.Not{X: x} })
	}
	return out
}

// plainer are other ways to say e itself, likely to be written shorter.
func plainer(e ir.Expr) (out []variant) {
	switch e := e.(type) {
	case ir.Not:
		switch x := e.X.(type) {
		case ir.Or:
			for _, arms := range groups(x) {
				first, rest := ir.Disjunction(arms[0]...), ir.Disjunction(arms[1]...)
				out = append(out, variant{"`not` around a choice", ir.And{ir.Not{X: first}, ir.Not{X: rest}}})
			}
			each := make(ir.And, len(x))
			for i, arm := range x {
				each[i] = ir.Negation(arm)
			}
			out = append(out, variant{"`not` around a choice", each})
		case ir.And:
			each := make(ir.Or, len(x))
			for i, arm := range x {
				each[i] = ir.Negation(arm)
			}
			out = append(out, variant{"`not` around a conjunction", each})
		}
	case ir.Match:
		as := func(p ir.Pattern) ir.Expr { return ir.Match{Field: e.Field, Test: p, Pos: e.Pos} }
		switch t := e.Test.(type) {
		case ir.Pattern:
			if ps := pieces(t); len(ps) > 1 {
				out = append(out, variant{"wildcard inside a value", each[ir.And](ps, as)})
			}
		case ir.Regexp:
			ps, ok := patterns(t.Re)
			if !ok {
				return nil
			}
			out = append(out, variant{"regular expression", ir.Disjunction(each[ir.Or](ps, as)...)})
			split := make(ir.Or, len(ps))
			for i, p := range ps {
				split[i] = ir.Conjunction(each[ir.And](pieces(p), as)...)
			}
			out = append(out, variant{"regular expression", ir.Disjunction(split...)})
		}
	}
	return out
}

func each[S ~[]ir.Expr](ps []ir.Pattern, as func(ir.Pattern) ir.Expr) (out S) {
	for _, p := range ps {
		out = append(out, as(p))
	}
	return out
}

// groups are ways to divide the arms of a choice in two: those about one and the same
// field, and the others; and one, and the others.
func groups(or ir.Or) (out [][2]ir.Or) {
	seen := map[string]bool{}
	divide := func(in func(i int) bool) {
		var a, b ir.Or
		for i, x := range or {
			if in(i) {
				a = append(a, x)
			} else {
				b = append(b, x)
			}
		}
		if len(a) > 0 && len(b) > 0 {
			out = append(out, [2]ir.Or{a, b})
		}
	}
	field := func(e ir.Expr) string {
		if m, ok := e.(ir.Match); ok {
			return m.Field.Name
		}
		return ""
	}
	for i, x := range or {
		if f := field(x); f != "" && !seen[f] {
			seen[f] = true
			divide(func(i int) bool { return field(or[i]) == f })
		}
		divide(func(j int) bool { return i == j })
	}
	return out
}

// pieces are the tests for the texts between the wildcards of p.
func pieces(p ir.Pattern) (out []ir.Pattern) {
	star := ir.Part{Kind: ir.AnyRun}
	for i, q := range p.Parts {
		if q.Kind == ir.AnyRun {
			continue
		}
		var parts []ir.Part
		if i > 0 {
			parts = append(parts, star)
		}
		if parts = append(parts, q); i+1 < len(p.Parts) {
			parts = append(parts, star)
		}
		out = append(out, ir.NewPattern(p.Cased, parts...))
	}
	if p.Has(ir.AnyOne) || p.Has(ir.Placeholder) {
		return nil
	}
	return out
}

// patterns are those of which one must pass where re matches, as far as re can be said
// so: what stands between literal texts becomes a wildcard.
func patterns(re *regex.Re) (out []ir.Pattern, ok bool) {
	if re.Op == regex.OpAlternate {
		for _, s := range re.Subs {
			ps, ok := patterns(s)
			if !ok {
				return nil, false
			}
			out = append(out, ps...)
		}
		return out, true
	}
	subs := []*regex.Re{re}
	if re.Op == regex.OpConcat {
		subs = re.Subs
	}
	for i, s := range subs { // distributed over one choice
		if s.Op == regex.OpAlternate {
			for _, x := range s.Subs {
				ps, ok := patterns(regex.Concat(slices.Concat(subs[:i], []*regex.Re{x}, subs[i+1:])...))
				if out = append(out, ps...); !ok || len(out) > maxPatterns {
					return nil, false
				}
			}
			return out, true
		}
	}
	var parts []ir.Part
	star := ir.Part{Kind: ir.AnyRun}
	cased, folded := false, false
	for i, s := range subs {
		if i == 0 && s.Op != regex.OpBeginText {
			parts = append(parts, star)
		}
		switch s.Op {
		case regex.OpBeginText, regex.OpEndText, regex.OpEnd:
		case regex.OpLiteral:
			folded = folded || s.Fold
			cased = cased || !s.Fold && regex.HasCases(s.Rune)
			parts = append(parts, ir.Part{Text: string(s.Rune)})
		default:
			parts = append(parts, star)
		}
		if i == len(subs)-1 && s.Op != regex.OpEndText && s.Op != regex.OpEnd {
			parts = append(parts, star)
		}
	}
	return []ir.Pattern{ir.NewPattern(cased, parts...)}, !cased || !folded
}

// maxPatterns bounds what a regular expression becomes.
const maxPatterns = 50
