package eval_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"sigmac/eval"
	"sigmac/internal/irgen"
	"sigmac/ir"
)

// TestIndex holds that no rule which matches an event is missing among the
// candidates, and that these are not simply all.
func TestIndex(t *testing.T) {
	matching, candidates, all := 0, 0, 0
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 21))
		set := eval.NewSet()
		var rules []*ir.Rule
		var prepared []*eval.Prepared
		for range 12 {
			rule := irgen.Rule(r, irgen.Config{Sugar: true, Keywords: true})
			rules, prepared = append(rules, rule), append(prepared, set.Prepare(rule))
		}
		index := set.Index(prepared)
		for range 20 {
			ev, err := eval.NewEvent(irgen.Fields(r, rules[r.IntN(len(rules))]))
			if err != nil {
				t.Fatal(err)
			}
			found := index.Candidates(set.View(ev))
			if !slices.IsSorted(found) {
				t.Fatal(found)
			}
			candidates, all = candidates+len(found), all+len(rules)
			for i, rule := range rules {
				if eval.Rule(rule, ev) {
					if matching++; !slices.Contains(found, i) {
						t.Fatalf("seed %d: not found for %s: %s", seed, ev.Raw(), rule)
					}
				}
			}
		}
	}
	t.Log(matching, candidates, all)
	if matching < 1000 || candidates > all*9/10 {
		t.Errorf("%d of %d are candidates, %d match", candidates, all, matching)
	}
}

// TestIndexLinear holds that rules which look for other things are no candidates,
// so that comparing n rules with each other's events takes n questions.
func TestIndexLinear(t *testing.T) {
	const n = 2000
	set := eval.NewSet()
	var prepared []*eval.Prepared
	match := func(field string, parts ...ir.Part) ir.Expr {
		return ir.Match{Field: ir.Field{Name: field, Type: ir.Text}, Test: ir.NewPattern(false, parts...)}
	}
	star := ir.Part{Kind: ir.AnyRun}
	name := func(i int) string { return fmt.Sprintf("%05d.exe", (i*7919)%100_003) }
	for i := range n {
		e := ir.And{match("Image", star, ir.Part{Text: `\` + name(i)}), match("EventID", ir.Part{Text: "1"}),
			ir.Or{match("CommandLine", star, ir.Part{Text: "-" + name(i)}, star), match("CommandLine", ir.Part{Text: name(i)})}}
		prepared = append(prepared, set.Prepare(&ir.Rule{Conditions: []ir.Condition{{Expr: e}}}))
	}
	index := set.Index(prepared)
	total := 0
	for i := range n {
		ev, err := eval.NewEvent(map[string]any{"Image": `C:\` + name(i), "EventID": "1", "CommandLine": "x -" + name(i)})
		if err != nil {
			t.Fatal(err)
		}
		found := index.Candidates(set.View(ev))
		if !slices.Contains(found, i) {
			t.Fatal(i, found)
		}
		total += len(found)
	}
	if total > 2*n {
		t.Errorf("%d candidates for %d events", total, n)
	}
}
