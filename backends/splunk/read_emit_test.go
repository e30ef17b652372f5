package splunk

import (
	"maps"
	"math/rand/v2"
	"testing"

	"sigmac/backends"
	"sigmac/eval"
	"sigmac/internal/irgen"
	"sigmac/ir"
)

// FuzzReadEmitted reads back what is emitted for a random rule: nothing of it
// is Opaque, and it selects the events that the rule selects.
func FuzzReadEmitted(f *testing.F) {
	for seed := range uint64(400) {
		f.Add(seed)
	}
	k := backend{}
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 2))
		parsed := irgen.Rule(r, irgen.Config{Keywords: true, FieldRefs: true})
		typed := ir.TypeFields(parsed)
		types := ir.Types(typed.Types())
		rule, err := ir.Inline(typed)
		if err != nil {
			t.Fatal(err)
		}
		rule, refused := backends.Legalize(ir.Simplify(rule), k.Caps())
		if len(refused) > 0 {
			return
		}
		queries, err := k.Emit(rule)
		if err != nil {
			return // a value that no literal can hold
		}
		var read ir.Or
		for _, q := range queries {
			got, err := k.Read(q, types)
			if err != nil {
				t.Fatalf("%s\n%v", q, err)
			}
			ir.Walk(got.Where, func(e ir.Expr) {
				if o, ok := e.(ir.Opaque); ok {
					t.Errorf("%s\nopaque: %s", q, o.Text)
				}
			})
			read = append(read, got.Where)
		}
		if t.Failed() {
			return
		}
		for range 12 {
			fields := irgen.Fields(r, parsed)
			maps.DeleteFunc(fields, func(_ string, v any) bool { return v == nil }) // null is missing
			ev, err := eval.NewEvent(fields)
			if err != nil {
				t.Fatal(err)
			}
			if want := eval.Rule(parsed, ev); eval.Expr(nil, read, ev) != want {
				t.Fatalf("want %v of %s\nqueries %q\nread as %s\nrule:\n%s", want, ev.Raw(), queries, read, parsed)
			}
		}
	})
}
