package verify

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"

	"sigmac/ir"
)

// choose makes the states of the columns of the group, and forgets the shapes.
func (t *trial) choose() {
	t.shapes, t.groups, t.states, t.pools = map[string]*shape{}, nil, nil, map[*field][]any{}
	var columns []*field
	instead := map[*field]*field{} // of a column, the one that has the value as a rule
	for _, r := range t.c.Rules {
		for k, alternatives := range r.Group {
			for i, f := range alternatives {
				t.digits = t.digits || (f.Type == ir.Numeric) != (t.c.Rules[0].Group[k][0].Type == ir.Numeric)
				column := t.field(f, false)
				if !slices.Contains(columns, column) {
					columns = append(columns, column)
					if i > 0 {
						instead[column] = t.field(alternatives[0], false)
					}
				}
			}
		}
	}
	own := len(columns)
	for _, name := range t.others {
		columns = append(columns, t.field(ir.Field{Name: name, Type: ir.Text}, false))
	}
	pairs, more := map[*field][2]any{}, map[*field][]any{}
	first, second := map[*field][]any{}, map[*field][]any{}
	t.renamed = true
	for _, f := range columns {
		pair, others, fresh := t.pair(f)
		t.renamed = t.renamed && fresh
		pairs[f], more[f] = pair, others
		if first[f], second[f] = []any{pair[0]}, []any{pair[1]}; instead[f] != nil {
			first[f], second[f] = nil, nil
		}
	}
	add := func(name string, rank int, change func(map[*field][]any)) {
		values := maps.Clone(first)
		change(values)
		t.groups = append(t.groups, cells{name, values, rank})
	}
	add("a", 0, func(map[*field][]any) {})
	if len(columns) > 0 {
		add("b", 1, func(v map[*field][]any) { maps.Copy(v, second) })
	}
	for i, f := range columns {
		if main := instead[f]; main != nil {
			add("instead "+f.name, -1, func(v map[*field][]any) { v[f], v[main] = []any{pairs[f][0]}, nil })
			continue
		}
		add("without "+f.name, -1, func(v map[*field][]any) { v[f] = nil })
		for i, x := range more[f] {
			add(fmt.Sprintf("%s %d", f.name, i), -1, func(v map[*field][]any) { v[f] = []any{x} })
		}
		if len(columns) > 1 {
			add("other "+f.name, -1, func(v map[*field][]any) { v[f] = second[f] })
		}
		if f.world.Several && i < own && !t.oneKey {
			add("several "+f.name, -1, func(v map[*field][]any) { v[f] = []any{pairs[f][0], pairs[f][1]} })
		}
	}
}

// pair are two values that a column can have in events of as many kinds as possible, and
// more are such for the other kinds; fresh: no test of the column is about any.
func (t *trial) pair(f *field) (pair [2]any, more []any, fresh bool) {
	candidates := []any{likelyValue(f, 0), likelyValue(f, 1)}
	if t.digits && f.typ.IsText() {
		candidates = []any{"1", "2"}
	}
	if !t.touched(map[*field][]any{f: nil}) {
		return [2]any{candidates[0], candidates[1]}, nil, true
	}
	for _, k := range t.kinds {
		candidates = append(candidates, t.values(k, f, 2)...)
	}
	can := func(k *sortOf, v any) bool { return t.at(k, map[*field][]any{f: {v}}) != nil }
	fits := make([]int, len(candidates))
	for i, v := range candidates {
		for _, k := range t.kinds {
			if k.rules != 0 && !slices.Contains(candidates[:i], v) && can(k, v) {
				fits[i]++
			}
		}
	}
	for i := range pair {
		best := 0
		for j := range fits {
			if fits[j] > fits[best] {
				best = j
			}
		}
		pair[i], fits[best] = candidates[best], -1
	}
	for _, k := range t.kinds {
		fits := func(v any) bool { return can(k, v) }
		if !slices.ContainsFunc(append(pair[:2:2], more...), fits) {
			if i := slices.IndexFunc(candidates, fits); i >= 0 {
				more = append(more, candidates[i])
			}
		}
	}
	return pair, more, false
}

// likelyValue is a value that the type of a column has, another for each i.
func likelyValue(f *field, i int) any {
	switch f.typ {
	case ir.Numeric:
		return ir.Number(strconv.Itoa(i + 1))
	case ir.Boolean:
		return i == 0
	case ir.Address:
		return fmt.Sprintf("192.0.2.%d", i+1)
	}
	if i < 26 {
		return string(rune('a' + i))
	}
	return fmt.Sprintf("a%d", i)
}

// counted are the columns of the condition that are none of the group.
func (t *trial) counted() (out []*field) {
	for _, r := range t.c.Rules {
		for _, alternatives := range r.Fields {
			f := t.field(alternatives[0], false)
			if _, group := t.groups[0].values[f]; !group && !slices.Contains(out, f) {
				out = append(out, f)
			}
		}
	}
	return out
}

// all is the state in which the columns of the condition have the same i-th value.
func (t *trial) all(i int) cells {
	s := cells{fmt.Sprint(i), map[*field][]any{}, i}
	for _, f := range t.counted() {
		pool, free := t.pool(f)
		if s.values[f] = []any{likelyValue(f, i)}; i < len(pool) {
			s.values[f] = pool[i : i+1]
		}
		if !free {
			s.rank = -1
		}
	}
	return s
}

// pool are values that a column of the condition can have in events that a rule selects,
// where it may not have any; free: it may.
func (t *trial) pool(f *field) (values []any, free bool) {
	if values, ok := t.pools[f]; ok || !t.touched(map[*field][]any{f: nil}) {
		return values, !ok
	}
	for _, k := range t.kinds {
		if k.rules != 0 {
			for _, v := range t.values(k, f, maxPool) {
				if !slices.Contains(values, v) {
					values = append(values, v)
				}
			}
		}
	}
	t.pools[f] = values
	return values, false
}

// maxPool bounds the values of a column that are looked for.
const maxPool = 12

// counts are the states of the columns of the condition: values, no value, several, and one
// that is no number. The first plain ones are enough to hit and to miss, if any are.
func (t *trial) counts() (states []cells, plain int) {
	if t.counted() == nil {
		return []cells{{}}, 1
	}
	if t.states == nil {
		t.states, t.few = t.numbered()
		if !t.d.Numeric() {
			t.states, t.few = t.distinct()
		}
		can := map[string]int{} // how many kinds of events
		for _, s := range t.states {
			for _, k := range t.kinds {
				if k.rules != 0 && t.shape(k, t.groups[0], s) != nil {
					can[s.name]--
				}
			}
		}
		slices.SortStableFunc(t.states[:t.few], func(a, b cells) int { return can[a.name] - can[b.name] })
	}
	return t.states, t.few
}

// distinct are the states of columns of which the values are counted.
func (t *trial) distinct() (states []cells, plain int) {
	for i := range min(t.largest(), fewEvents) + 1 {
		states = append(states, t.all(i))
	}
	plain = len(states)
	columns := t.counted()
	for _, f := range columns {
		add := func(name string, v ...any) {
			s := t.all(0)
			s.name, s.rank, s.values[f] = name+" "+f.name, -1, v
			states = append(states, s)
		}
		first, second := t.all(0).values[f][0], t.all(1).values[f][0]
		if add("without"); len(columns) > 1 {
			add("other", second)
		}
		if f.world.Several && !t.oneValue {
			add("several", first, second)
		}
	}
	return states, plain
}

// numbered are the states of the columns of numbers: each rule has one, perhaps its own.
func (t *trial) numbered() (states []cells, plain int) {
	columns := t.counted()
	add := func(name string, of func(f *field) []any) {
		values := map[*field][]any{}
		for _, f := range columns {
			values[f] = of(f)
		}
		states = append(states, cells{name, values, -1})
	}
	alone := func(name string, f *field, v any) {
		add(name, func(other *field) []any {
			if other != f {
				return nil
			}
			return []any{v}
		})
	}
	seen := map[ir.Number]bool{}
	value := func(r *big.Rat) {
		n, _ := ir.ParseNumber(r.FloatString(6))
		if seen[n] {
			return
		}
		seen[n] = true
		add(string(n), func(f *field) []any {
			if f.typ.IsText() {
				return []any{string(n)}
			}
			return []any{n}
		})
	}
	one, two := big.NewRat(1, 1), big.NewRat(2, 1)
	for _, l := range t.c.Condition {
		n, ok := new(big.Rat).SetString(string(l.Number))
		if !ok {
			continue
		}
		if t.c.Type.Text == "value_sum" {
			value(new(big.Rat).Quo(n, two))
		}
		value(new(big.Rat).Add(n, one))
		value(new(big.Rat).Sub(n, one))
		value(n)
	}
	value(new(big.Rat))
	for _, f := range columns {
		pool, _ := t.pool(f)
		for _, v := range pool[:min(len(pool), 2)] {
			alone(fmt.Sprint("as tested ", f.name, v), f, v)
		}
	}
	plain = len(states)
	first, second := states[0].values, states[1].values
	add("without", func(*field) []any { return nil })
	for _, f := range columns {
		if len(columns) > 1 {
			alone("only "+f.name, f, first[f][0])
		}
		if f.world.Several && !t.oneValue {
			add("several "+f.name, func(other *field) []any {
				if other == f {
					return []any{first[f][0], second[f][0]}
				}
				return first[other]
			})
		}
		if f.world.AnyType || f.typ.IsText() {
			alone("no number "+f.name, f, "x")
		}
	}
	return states, plain
}
