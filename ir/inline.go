package ir

import "fmt"

// maxSize bounds the leaves of a condition after Inline: detections may be
// named again and again.
const maxSize = 200_000

// Inline replaces Ref, Of and Item by what they mean; the conditions then
// stand alone and the detections are gone. It fails, with a *Diagnostic, where a
// condition gets too large.
func Inline(r *Rule) (*Rule, error) {
	bodies := map[string]Expr{}
	sizes := map[string]int{}
	for _, d := range r.Detections {
		bodies[d.Name] = inline(d.Expr, nil)
		Walk(bodies[d.Name], func(Expr) { sizes[d.Name]++ })
	}
	out := *r
	out.Detections = nil
	out.Conditions = append([]Condition(nil), r.Conditions...)
	for i, c := range out.Conditions {
		size := 0
		Walk(c.Expr, func(e Expr) {
			switch e := e.(type) {
			case Ref:
				size += sizes[e.Name]
			case Of:
				for _, n := range e.Names {
					size += sizes[n]
				}
			}
		})
		if size > maxSize {
			return nil, &Diagnostic{Pos: c.Pos, Msg: fmt.Sprintf("the condition stands for more than %d tests", maxSize),
				Feature: "a condition of that size"}
		}
		out.Conditions[i].Expr = inline(c.Expr, bodies)
		if added, own := r.added(c.Expr); len(added) > 0 {
			out.Conditions[i].Added, out.Conditions[i].Own = inline(added, bodies), inline(own, bodies)
		}
	}
	return &out, nil
}

// added parts a condition into the detections that pipelines joined to it and
// what it was before.
func (r *Rule) added(e Expr) (added And, own Expr) {
	names := map[string]bool{}
	for _, d := range r.Detections {
		if d.Added {
			names[d.Name] = true
		}
	}
	for {
		and, ok := e.(And)
		if !ok || len(and) != 2 {
			return added, e
		}
		x := and[0]
		if n, ok := x.(Not); ok {
			x = n.X
		}
		if ref, ok := x.(Ref); !ok || !names[ref.Name] {
			return added, e
		}
		added, e = append(added, and[0]), and[1]
	}
}

func inline(e Expr, bodies map[string]Expr) Expr {
	out, _ := Rewrite(e, func(e Expr) (Expr, bool) {
		switch e := e.(type) {
		case Item:
			return e.X, true
		case Ref:
			return body(bodies, e.Name), true
		case Of:
			es := make([]Expr, len(e.Names))
			for i, n := range e.Names {
				es[i] = body(bodies, n)
			}
			if e.All {
				return And(es), true
			}
			return Or(es), true
		}
		return e, false
	})
	return out
}

func body(bodies map[string]Expr, name string) Expr {
	e, ok := bodies[name]
	if !ok {
		panic("ir: no detection is named " + name)
	}
	return e
}

// Joined is r with one condition, the Or of all.
func (r *Rule) Joined() *Rule {
	if len(r.Conditions) < 2 {
		return r
	}
	out := *r
	first := r.Conditions[0]
	all, own := make(Or, len(r.Conditions)), make(Or, len(r.Conditions))
	for i, c := range r.Conditions {
		all[i], own[i] = c.Expr, c.Own // pipelines add the same to each
	}
	joined := Condition{Text: first.Text, Pos: first.Pos, Expr: all}
	if first.Added != nil {
		joined.Added, joined.Own = first.Added, own
	}
	out.Conditions = []Condition{joined}
	return &out
}
