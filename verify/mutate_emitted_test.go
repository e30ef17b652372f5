package verify

import (
	"math/rand/v2"
	"slices"
	"testing"

	"sigmac/backends"
	"sigmac/internal/irgen"
	"sigmac/internal/irtest"
	"sigmac/ir"
	"sigmac/targets"
)

// FuzzEmitted holds that what is emitted for a random rule can be read, is not
// refuted, and selects the events of the target's world that the rule selects.
func FuzzEmitted(f *testing.F) {
	for seed := range uint64(60) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 4))
		rule := irgen.Rule(r, irgen.Config{Sugar: true, Keywords: true, FieldRefs: true})
		var want *ir.Rule
		for _, p := range ir.Passes() {
			next, err := p.Run(rule)
			if err != nil {
				return // too large
			}
			if rule = next; p.Stage == ir.Inlined {
				want = rule
			}
		}
		for _, b := range targets.All() {
			legal, refused := backends.Legalize(rule, b.Format.Caps)
			if len(refused) > 0 {
				continue
			}
			queries, err := irtest.Emit(b.Format.Emit).Flat(legal)
			if err != nil {
				continue // a value that no literal can hold
			}
			for i, query := range queries {
				j := mutationJob{"random", b, want, i, query}
				m := newModel(b.World, r)
				var fresh []*modelLeaf
				tree := m.tree(want.Conditions[i].Expr, &fresh)
				m.grow(60, tree)
				for range 40 {
					m.add(irgen.Fields(r, want))
				}
				o := j.judge(m, tree, mutation{name: unchanged}, query)
				if o.fault == "" && o.column == missed {
					o.fault = "an event tells them apart"
				}
				if o.fault != "" {
					t.Errorf("%s: %s\nwant: %s\n%s", b.Name, query, want.Conditions[i].Expr, o.fault)
				}
			}
		}
	})
}

// add adds an event of the model's fields, as far as the world has it.
func (m *model) add(fields map[string]any) {
	ev := make([]int, len(m.fields))
	for i, f := range m.fields {
		vs, ok := fields[f.name].([]any)
		if v := fields[f.name]; !ok && v != nil {
			vs = []any{v}
		}
		if len(vs) > 1 && !f.world.Several {
			vs = vs[:1]
		}
		if slices.Contains(vs, nil) || len(vs) == 0 {
			continue
		}
		if state, ok := m.state(f, texts(vs)...); ok {
			ev[i] = state
		}
	}
	m.events = append(m.events, ev)
}
