package question

import (
	"math/rand/v2"
	"testing"

	"sigmac/eval"
	"sigmac/internal/irgen"
	"sigmac/internal/irtest"
	"sigmac/ir"
	"sigmac/verify"
)

func purse() *verify.Purse { return &verify.Purse{Each: 200_000, Left: 2_000_000} }

func TestQuestions(t *testing.T) {
	a, b, ab := irtest.Is("f", "*a*"), irtest.Is("f", "*b*"), irtest.Is("f", "*ab*")
	gone := ir.And{irtest.Is("f", "a*"), irtest.Is("f", "b*")}
	for _, c := range []struct {
		name string
		is   bool
		want bool
	}{
		{"never", Never(gone, purse()), true},
		{"not never", Never(ir.And{a, b}, purse()), false},
		{"impossible", Impossible(gone, purse()), true},
		{"possible", Impossible(ab, purse()), false},
		{"always", Always(ir.Or{a, ir.Not{X: a}}, purse()), true},
		{"not always", Always(ir.Or{a, ir.Not{X: b}}, purse()), false},
		{"the same", Same(ir.Not{X: ir.And{a, b}}, ir.Or{ir.Not{X: a}, ir.Not{X: b}}, purse()), true},
		{"narrower", Same(ab, a, purse()), false},
		{"no steps left", Never(gone, &verify.Purse{Each: 1, Left: -1}), false},
	} {
		if c.is != c.want {
			t.Errorf("%s: %v", c.name, c.is)
		}
	}
	p := NewPanel([]ir.Expr{ab, a, b})
	spent := &verify.Purse{Each: 1, Left: -1}
	p.See(1, map[string]any{"f": "xa"})
	p.See(2, map[string]any{"f": "xa"}) // which it does not match
	if !p.Apart(1, 2) || p.Apart(2, 1) || p.Implies(1, 2, spent) || p.Implies(0, 1, spent) {
		t.Error("an event tells them apart, and nothing is proved without steps")
	}
	if !p.Implies(0, 1, purse()) || !p.Implies(0, 2, purse()) || p.Implies(2, 0, purse()) || !p.Apart(2, 0) {
		t.Error("what the prover says, and the event that it finds")
	}
}

// TestRandom holds the answers about random predicates against random events, whose
// fields have one value of the type that the rule takes them to have, as is assumed.
func TestRandom(t *testing.T) {
	implied, never := 0, 0
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 9))
		rule := irgen.Rule(r, irgen.Config{})
		want, err := ir.Want(rule)
		if err != nil {
			continue
		}
		var exprs []ir.Expr
		for _, c := range want.Conditions {
			exprs = append(exprs, c.Expr)
			if and, ok := c.Expr.(ir.And); ok && len(and) > 1 {
				exprs = append(exprs, and[0], and[1:])
			}
		}
		p, steps := NewPanel(exprs), purse()
		events := make([]eval.Event, 30)
		types := want.Types()
		for i := range events {
			fields := irgen.Fields(r, rule)
			for name, v := range fields {
				if list, ok := v.([]any); ok {
					v = list[0]
				}
				_, text := v.(string)
				if typ, typed := types[name]; typed && text != typ.IsText() {
					v = nil
				}
				if fields[name] = v; v == nil {
					delete(fields, name)
				}
			}
			var err error
			if events[i], err = eval.NewEvent(fields); err != nil {
				t.Fatal(err)
			}
		}
		for i, e := range exprs {
			nothing := Impossible(e, steps)
			for _, ev := range events {
				if nothing && eval.Expr(nil, e, ev) {
					t.Errorf("seed %d: %s is never true, and is of %s", seed, e, ev.Raw())
				}
			}
			if nothing {
				never++
			}
			for j := range exprs {
				if i == j || !p.Implies(i, j, steps) {
					continue
				}
				implied++
				for _, ev := range events {
					if eval.Expr(nil, e, ev) && !eval.Expr(nil, exprs[j], ev) {
						t.Errorf("seed %d: %s implies %s, but of %s", seed, e, exprs[j], ev.Raw())
					}
				}
			}
		}
	}
	if implied < 50 || never < 5 {
		t.Errorf("only %d implications and %d that never match", implied, never)
	}
}
