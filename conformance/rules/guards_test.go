package rules

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"testing"

	"sigmac"
	"sigmac/backends"
	"sigmac/internal/corpus"
	"sigmac/internal/ordered"
	"sigmac/ir"
	"sigmac/targets"
	"sigmac/verify"
)

// A guard is a test of presence beside others.
var guard = regexp.MustCompile("\\?(`[^`]*`|[^ ()]+) != null and | and \\?(`[^`]*`|[^ ()]+) != null")

// needless are queries that are proved to mean a condition too, and have one guard less.
func needless(b *backends.Target, want *ir.Rule, i int, query string) (all int, shorter []string) {
	found := guard.FindAllStringIndex(query, -1)
	for _, at := range found {
		without := query[:at[0]] + query[at[1]:]
		res, err := verify.Query(b, want, i, without, verify.DefaultBudget)
		if err == nil && res.Verdict == verify.Proved {
			shorter = append(shorter, without)
		}
	}
	return len(found), shorter
}

// TestGuards holds that no query for a public rule has a guard that could be left out,
// and how many have one.
func TestGuards(t *testing.T) {
	c := corpus.Parse(t, "sigma/rules*")
	o := sigmac.Options{Mappings: []sigmac.Mapping{sigmac.DefaultMapping(targets.Must("elastic"))}}
	var results []sigmac.Result
	for res := range sigmac.Compile(c, o) {
		if len(res.Errors) == 0 {
			results = append(results, res)
		}
	}
	counts := map[string]int{}
	for _, n := range ordered.Map(results, func(res sigmac.Result) (n int) {
		for i, q := range res.Queries {
			all, shorter := needless(res.Target, res.Want, i, q)
			n += all
			for _, s := range shorter {
				t.Errorf("%s: %s\nmeans no more than\n%s", res.Document.Path, q, s)
			}
		}
		return n
	}) {
		counts["elastic: guards"] += n
		if n > 0 {
			counts["elastic: queries with guards"]++
		}
	}
	corpus.Hold(t, "testdata/guards.json", counts, *update)
}

// FuzzGuards holds the same of random rules, in which no test says what another says.
func FuzzGuards(f *testing.F) {
	for seed := range uint64(2000) {
		f.Add(seed)
	}
	b := targets.Must("elastic")
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 7))
		leaves := 0
		var expr func(depth int) ir.Expr
		expr = func(depth int) ir.Expr {
			parts := make([]ir.Expr, 2+r.IntN(2))
			for i := range parts {
				if parts[i] = leaf(r, &leaves); depth > 0 && r.IntN(2) == 0 {
					parts[i] = expr(depth - 1)
				}
			}
			var e ir.Expr = ir.Conjunction(parts...)
			if r.IntN(2) == 0 {
				e = ir.Disjunction(parts...)
			}
			if r.IntN(3) == 0 {
				e = ir.Negation(e)
			}
			return e
		}
		want := &ir.Rule{Conditions: []ir.Condition{{Text: "random", Expr: expr(2)}}}
		legal, refused := backends.Legalize(ir.Simplify(want), b.Format.Caps)
		if len(refused) > 0 {
			t.Fatal(refused)
		}
		docs, err := b.Format.Emit(legal)
		if err != nil {
			t.Fatal(err)
		}
		q := docs[0].Flat()
		if res, err := verify.Query(b, want, 0, q, verify.DefaultBudget); err != nil || res.Verdict != verify.Proved {
			t.Fatalf("%s: %v %v", q, res.Verdict, err)
		}
		if _, shorter := needless(b, want, 0, q); shorter != nil && !contrary(want) {
			t.Errorf("%s\nmeans no more than\n%s", q, shorter[0])
		}
	})
}

// contrary says whether r tests a field for a value and for none, so that what stands
// beside one of these may not matter for the other.
func contrary(r *ir.Rule) bool {
	null, value := map[string]bool{}, map[string]bool{}
	r.Walk(func(e ir.Expr) {
		m := e.(ir.Match)
		if m.Test == (ir.Null{}) {
			null[m.Field.Name] = true
		} else {
			value[m.Field.Name] = true
		}
	})
	for f := range null {
		if value[f] {
			return true
		}
	}
	return false
}

// leaf is a test of one of some fields that no other says, nor the contrary of.
func leaf(r *rand.Rand, leaves *int) ir.Expr {
	*leaves++
	f := ir.Field{Name: string(rune('a' + r.IntN(5))), Type: ir.Text}
	value := ir.Part{Text: fmt.Sprintf("<%d>", *leaves)}
	var t ir.Test
	switch star := (ir.Part{Kind: ir.AnyRun}); r.IntN(6) {
	case 0:
		t = ir.Null{}
	case 1:
		t = ir.NewPattern(true, value)
	default:
		t = ir.NewPattern(false, star, value, star)
	}
	return ir.Match{Field: f, Test: t}
}
