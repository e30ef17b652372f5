package verify

import (
	"math/rand/v2"
	"testing"

	"sigmac/backends"
	"sigmac/eval"
	"sigmac/internal/irgen"
	"sigmac/ir"
)

// FuzzEqual holds that a claim that is proved has no event that tells its sides
// apart among random ones, and that a counterexample does.
func FuzzEqual(f *testing.F) {
	for seed := range uint64(300) {
		f.Add(seed)
	}
	world := func(ir.Type) backends.World { return backends.World{Several: true, AnyType: true} }
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 2))
		rule := irgen.Rule(r, irgen.Config{Keywords: true})
		for _, p := range ir.Passes() {
			next, err := p.Run(rule)
			if err != nil {
				t.Fatal(err)
			}
			rule = next
		}
		want := rule.Conditions[0].Expr
		got := mutate(r, want)
		res := Equal(world, want, got, 100_000)
		say := func(format string, args ...any) {
			t.Helper()
			t.Errorf("want: %s\ngot:  %s\n%v %s %v", want, got, res.Verdict, res.Reason, res.Counterexample)
			t.Fatalf(format, args...)
		}
		if res.Verdict == Refuted {
			fields := map[string]any{"_raw": ""}
			for name, v := range res.Counterexample {
				fields[name] = v
			}
			ev, err := eval.NewEvent(fields)
			if err != nil {
				t.Fatal(err)
			}
			if w, g := eval.Expr(nil, want, ev), eval.Expr(nil, got, ev); w == g || w != res.RuleMatches || g != res.QueryMatches {
				say("the counterexample shows nothing: %v %v", w, g)
			}
			return
		}
		for range 100 {
			fields := irgen.Fields(r, rule)
			for name, v := range fields {
				if v == nil {
					delete(fields, name) // null is missing
				}
			}
			ev, err := eval.NewEvent(fields)
			if err != nil {
				t.Fatal(err)
			}
			if res.Verdict == Proved && eval.Expr(nil, want, ev) != eval.Expr(nil, got, ev) {
				say("the event %s tells them apart", ev.Raw())
			}
		}
	})
}

// mutate changes an expression in one place, or only its form.
func mutate(r *rand.Rand, e ir.Expr) ir.Expr {
	switch x := e.(type) {
	case ir.And:
		if len(x) > 0 {
			out := append(ir.And{}, x...)
			i := r.IntN(len(x))
			switch r.IntN(6) {
			case 0:
				return ir.Or(out)
			case 1:
				return append(out[:i], out[i+1:]...)
			case 2:
				var none ir.Or
				for _, y := range x {
					none = append(none, ir.Not{X: y})
				}
				return ir.Not{X: none}
			}
			out[i] = mutate(r, x[i])
			return out
		}
	case ir.Or:
		if len(x) > 0 {
			out := append(ir.Or{}, x...)
			i := r.IntN(len(x))
			switch r.IntN(6) {
			case 0:
				return ir.And(out)
			case 1:
				return append(out[:i], out[i+1:]...)
			case 2:
				return append(out, out[i])
			}
			out[i] = mutate(r, x[i])
			return out
		}
	case ir.Not:
		if r.IntN(4) == 0 {
			return x.X
		}
		return ir.Not{X: mutate(r, x.X)}
	case ir.Match:
		p, ok := x.Test.(ir.Pattern)
		if !ok {
			return ir.And{x, x}
		}
		switch r.IntN(4) {
		case 0:
			p.Cased = !p.Cased
		case 1:
			if len(p.Parts) > 0 {
				i := r.IntN(len(p.Parts))
				p = ir.NewPattern(p.Cased, append(append([]ir.Part{}, p.Parts[:i]...), p.Parts[i+1:]...)...)
			}
		case 2:
			return ir.Match{Field: x.Field, Test: ir.Regexp{Source: "x", Re: ir.PatternRe(p)}}
		case 3:
			return ir.And{x, ir.Match{Field: x.Field, Test: ir.NewPattern(false, append(append([]ir.Part{{Kind: ir.AnyRun}}, p.Parts...), ir.Part{Kind: ir.AnyRun})...)}}
		}
		x.Test = p
		return x
	}
	return e
}
