package eval_test

import (
	"math/rand/v2"
	"testing"

	"sigmac/eval"
	"sigmac/internal/irgen"
	"sigmac/ir"
)

var everything = irgen.Config{Sugar: true, Keywords: true, FieldRefs: true}

// sameAnswers holds Prepared against Rule for some random rules and events;
// text stands in some fields.
func sameAnswers(t *testing.T, seed uint64, text string) {
	r := rand.New(rand.NewPCG(seed, 1))
	var rules []*ir.Rule
	var together []*eval.Prepared
	set := eval.NewSet()
	for range 1 + r.IntN(5) {
		rule := irgen.Rule(r, everything)
		if r.IntN(2) == 0 {
			var err error
			if rule, err = ir.Inline(ir.TypeFields(rule)); err != nil {
				t.Fatal(err)
			}
		}
		rules = append(rules, rule)
		together = append(together, set.Prepare(rule))
	}
	var view *eval.View
	for range 8 {
		fields := fieldsWith(r, rules, text)
		ev, err := eval.NewEvent(fields)
		if err != nil {
			t.Fatal(err)
		}
		if view == nil {
			view = set.View(ev)
		} else {
			view.Show(ev)
		}
		for i, rule := range rules {
			want := eval.Rule(rule, ev)
			if got := together[i].MatchView(view); got != want {
				t.Fatalf("%v in a set, %v by the rule\n%s\n%s", got, want, ev.Raw(), rule)
			}
			if got := eval.Prepare(rule).Match(ev); got != want {
				t.Fatalf("%v alone, %v by the rule\n%s\n%s", got, want, ev.Raw(), rule)
			}
		}
	}
}

// fieldsWith are random fields for some rules; text stands in some of them.
func fieldsWith(r *rand.Rand, rules []*ir.Rule, text string) map[string]any {
	fields := irgen.Fields(r, rules[r.IntN(len(rules))])
	switch r.IntN(6) {
	case 0:
		fields["a"] = text
	case 1:
		fields["a"] = []any{text, map[string]any{"b": text}}
	case 2:
		delete(fields, "_raw")
		fields["c"] = map[string]any{"d": text}
	}
	return fields
}

func TestPrepared(t *testing.T) {
	n := 2000
	if testing.Short() {
		n = 500
	}
	for i := range n {
		sameAnswers(t, uint64(i), []string{"\xffA", "K\u212a\u017f", "aabab", "– -x", "1.0", "TRUE"}[i%6])
	}
}

func FuzzPrepared(f *testing.F) {
	f.Add(uint64(1), "a-B")
	f.Add(uint64(2), "\xff\xfea\x00")
	f.Fuzz(sameAnswers)
}
