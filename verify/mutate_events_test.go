package verify

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"

	"sigmac/backends"
	"sigmac/eval"
	"sigmac/ir"
	"sigmac/regex"
)

type worlds = func(ir.Type) backends.World

// holds asks the evaluator whether e is true of an event of a world. A missing
// text is the empty text where the world is blank; what cannot be represented
// is as opaque says.
func holds(world worlds, e ir.Expr, ev eval.Event, opaque bool) bool {
	switch e := e.(type) {
	case ir.And:
		return !slices.ContainsFunc(e, func(x ir.Expr) bool { return !holds(world, x, ev, opaque) })
	case ir.Or:
		return slices.ContainsFunc(e, func(x ir.Expr) bool { return holds(world, x, ev, opaque) })
	case ir.Not:
		return !holds(world, e.X, ev, opaque)
	case ir.Opaque:
		is, known := eval.Settled(e, ev)
		return is || !known && opaque
	case ir.Keyword:
		if _, ok := e.Test.(ir.Term); ok {
			is, known := eval.Settled(e, ev)
			return is || !known && opaque
		}
	case ir.Match:
		values, _ := ev.Field(e.Field.Name)
		switch t := e.Test.(type) {
		case ir.Term:
			is, known := eval.Settled(e, ev)
			return is || !known && opaque
		case ir.Pattern:
			if shape, s := t.Shape(); len(values) == 0 && shape == ir.Exact && s == "" && world(e.Field.Type).Blank {
				return true
			}
		}
	}
	return eval.Expr(nil, e, ev)
}

// near makes texts that pass a test, or nearly.
func near(r *rand.Rand, t ir.Test) (out []string) {
	add := func(s string) {
		rs := []rune(s)
		out = append(out, s, strings.ToLower(s), strings.ToUpper(s), "x"+s, s+"x", s+"\n", "x "+s+" x")
		if len(rs) > 0 {
			i := r.IntN(len(rs))
			out = append(out, string(rs[1:]), string(rs[:len(rs)-1]), string(rs[:i])+"~"+string(rs[i+1:]),
				string(rs[:i])+string(rs[i+1:]), string(rs[:i])+"x"+string(rs[i:]))
		}
	}
	switch t := t.(type) {
	case ir.Pattern:
		for _, run := range []string{"", "x", "zq\n"} {
			add(fill(t, run, "x"))
		}
		out = append(out, fill(t, "", ""), fill(t, "*", "?"))
	case ir.Regexp:
		for range 4 {
			add(sampleRe(r, t.Re))
		}
	case ir.Term:
		add(t.Text)
		out = append(out, "a-"+t.Text, t.Text+"_1")
	case ir.Compare:
		for _, n := range []ir.Number{t.Number, t.Number.Plus(1), t.Number.Plus(-1), t.Number.Middle(t.Number.Plus(1)), t.Number.Plus(1000)} {
			out = append(out, string(n))
		}
		out = append(out, string(t.Number)+"0")
	case ir.Bool:
		out = append(out, "true", "false", "TRUE")
	case ir.CIDR:
		first, last := t.Net.Masked().Addr(), lastAddr(t.Net)
		for _, a := range []netip.Addr{first, last, first.Prev(), last.Next(), first.Next()} {
			if a.IsValid() {
				out = append(out, a.String())
			}
		}
		out = append(out, t.Net.String())
	}
	return out
}

// sampleRe is a text that matches re where there are no borders.
func sampleRe(r *rand.Rand, re *regex.Re) string {
	if re == nil {
		return ""
	}
	switch re.Op {
	case regex.OpLiteral:
		if re.Fold && r.IntN(2) == 0 {
			return strings.ToUpper(string(re.Rune))
		}
		return string(re.Rune)
	case regex.OpClass:
		if len(re.Ranges) == 0 {
			return ""
		}
		g := re.Ranges[r.IntN(len(re.Ranges))]
		return string(g.Lo + rune(r.IntN(int(min(g.Hi-g.Lo, 60))+1)))
	case regex.OpAny, regex.OpAnyNotNewline:
		return string("ax0. "[r.IntN(5)])
	case regex.OpAlternate:
		return sampleRe(r, re.Subs[r.IntN(len(re.Subs))])
	case regex.OpRepeat:
		n := re.Min + r.IntN(3)
		if re.Max >= 0 {
			n = min(n, re.Max)
		}
		s := ""
		for range min(n, 40) {
			s += sampleRe(r, re.Subs[0])
		}
		return s
	case regex.OpConcat, regex.OpGroup:
		s := ""
		for _, sub := range re.Subs {
			s += sampleRe(r, sub)
		}
		return s
	}
	return ""
}

// admit is s as a value that a field of a type can hold in a world.
func admit(w backends.World, typ ir.Type, s string) (v any, ok bool) {
	if strings.ContainsAny(s, "\u212a\u017f") { // the assumption fold
		return nil, false
	}
	switch typ {
	case ir.Numeric:
		if n, ok := ir.ParseNumber(s); ok {
			return n, true
		}
		return s, w.AnyType
	case ir.Boolean:
		if s == "true" || s == "false" {
			return s == "true", true
		}
		return s, w.AnyType
	case ir.Address:
		if _, err := netip.ParseAddr(s); err != nil {
			return s, (w.AnyType || w.Blank) && !(w.Blank && s == "")
		}
		return s, true
	}
	return s, !(w.Blank && s == "")
}

// A model holds events of a world over the tests of expressions. What a test
// says of a value is asked once, from the evaluator.
type model struct {
	r      *rand.Rand
	world  worlds
	fields []*modelField
	byName map[string]*modelField
	leaves map[string]*modelLeaf
	events [][]int // the state of each field; 0 for those beyond
}

// A modelField is a field with the states that it can be in; the first is
// missing, of the text of the whole event the empty text.
type modelField struct {
	index  int
	name   string
	typ    ir.Type
	world  backends.World
	states [][]any
	free   int            // how many states it may have before only some are added
	events []eval.Event   // by state: one that has this field only
	seen   map[string]int // states by their values
}

type modelLeaf struct {
	e     ir.Expr
	field *modelField
	ref   bool   // it needs the whole event, or is open
	truth []int8 // by state: 1 true, -1 false, 0 not asked
}

// A tree is an expression over leaves.
type tree struct {
	op   byte // '&', '|', '!', 'l' or, what cannot be represented, '?'
	subs []tree
	leaf *modelLeaf
}

const (
	rawText   = "_raw"
	maxStates = 400
)

func newModel(world worlds, r *rand.Rand) *model {
	return &model{r: r, world: world, byName: map[string]*modelField{}, leaves: map[string]*modelLeaf{}}
}

func (m *model) field(f ir.Field) *modelField {
	out := m.byName[f.Name]
	if out == nil {
		out = &modelField{index: len(m.fields), name: f.Name, typ: f.Type, world: m.world(f.Type), seen: map[string]int{}, free: maxStates}
		out.states = [][]any{nil}
		if f.Name == rawText {
			out.world = backends.World{}
			out.states = [][]any{{""}}
		}
		m.fields = append(m.fields, out)
		m.byName[f.Name] = out
		for _, s := range []string{"x", "", "0", "1", "true", "192.0.2.7"} {
			m.state(out, s)
		}
	}
	return out
}

// state is the state of a field that holds these values, if it can.
func (m *model) state(f *modelField, texts ...string) (i int, ok bool) {
	var vs []any
	for _, s := range texts {
		v, ok := admit(f.world, f.typ, s)
		if !ok {
			return 0, false
		}
		vs = append(vs, v)
	}
	key := fmt.Sprintf("%q", vs)
	i, ok = f.seen[key]
	if !ok {
		i = len(f.states)
		f.seen[key] = i
		f.states = append(f.states, vs)
	}
	return i, true
}

// tree is e over the model's leaves, whose values become states. fresh collects
// the leaves that are new.
func (m *model) tree(e ir.Expr, fresh *[]*modelLeaf) tree {
	subs := func(op byte, es ...ir.Expr) tree {
		n := tree{op: op}
		for _, x := range es {
			n.subs = append(n.subs, m.tree(x, fresh))
		}
		return n
	}
	f, t := ir.Field{Name: rawText, Type: ir.Text}, ir.Test(nil)
	switch e := e.(type) {
	case ir.And:
		return subs('&', e...)
	case ir.Or:
		return subs('|', e...)
	case ir.Not:
		return subs('!', e.X)
	case ir.Opaque:
		return tree{op: '?', leaf: &modelLeaf{e: e}}
	case ir.Match:
		f, t = e.Field, e.Test
	case ir.Keyword:
		t = e.Test
	}
	key := f.Name + "\x00" + t.String()
	l := m.leaves[key]
	if l == nil {
		l = &modelLeaf{e: e, field: m.field(f)}
		m.leaves[key] = l
		*fresh = append(*fresh, l)
		_, l.ref = t.(ir.Term)
		if ref, ok := t.(ir.FieldRef); ok {
			l.ref = true
			for _, f := range []*modelField{l.field, m.field(ref.Other)} {
				for _, s := range []string{"a", "A", "ab", "Ba", "b", "xaby"} {
					m.state(f, s)
				}
			}
		}
		for _, s := range near(m.r, t) {
			// Later leaves of a large rule add few, for every leaf is tried on every state.
			if have := len(l.field.states); have < l.field.free || m.r.IntN(1+have/8) == 0 {
				m.state(l.field, s)
			}
		}
	}
	return tree{op: 'l', leaf: l}
}

// fieldsOf is an event's fields, but those that are unmapped.
func (m *model) fieldsOf(ev []int, unmapped []string) map[string]any {
	out := map[string]any{}
	for i, f := range m.fields {
		state := f.states[0]
		if i < len(ev) && !slices.Contains(unmapped, f.name) {
			state = f.states[ev[i]]
		}
		switch len(state) {
		case 0:
		case 1:
			out[f.name] = state[0]
		default:
			out[f.name] = state
		}
	}
	return out
}

func newEvent(fields map[string]any) eval.Event {
	if fields[rawText] == nil {
		fields[rawText] = ""
	}
	ev, err := eval.NewEvent(fields)
	if err != nil {
		panic(err)
	}
	return ev
}

// alone is an event that has this field only.
func (f *modelField) alone(state int) eval.Event {
	for i := len(f.events); i < len(f.states); i++ {
		fields := map[string]any{}
		if vs := f.states[i]; len(vs) > 0 {
			fields[f.name] = vs
			if f.name == rawText {
				fields[rawText] = vs[0]
			}
		}
		f.events = append(f.events, newEvent(fields))
	}
	return f.events[state]
}

func (m *model) passes(l *modelLeaf, state int) bool {
	for len(l.truth) <= state {
		l.truth = append(l.truth, 0)
	}
	if l.truth[state] == 0 {
		l.truth[state] = -1
		if holds(m.world, l.e, l.field.alone(state), false) {
			l.truth[state] = 1
		}
	}
	return l.truth[state] > 0
}

// true says whether n is true of an event in which some fields are unmapped.
func (m *model) true(n tree, ev []int, unmapped []string, opaque bool) bool {
	switch n.op {
	case '?':
		if n.leaf.e.(ir.Opaque).Of == nil {
			return opaque
		}
		return holds(m.world, n.leaf.e, newEvent(m.fieldsOf(ev, unmapped)), opaque)
	case '!':
		return !m.true(n.subs[0], ev, unmapped, opaque)
	case 'l':
		if n.leaf.ref {
			return holds(m.world, n.leaf.e, newEvent(m.fieldsOf(ev, unmapped)), opaque)
		}
		state := 0
		if i := n.leaf.field.index; i < len(ev) && !slices.Contains(unmapped, n.leaf.field.name) {
			state = ev[i]
		}
		return m.passes(n.leaf, state)
	}
	for _, s := range n.subs {
		if m.true(s, ev, unmapped, opaque) != (n.op == '&') {
			return n.op != '&'
		}
	}
	return n.op == '&'
}

// A wish is that a field's tests come out as they should.
type wish struct {
	leaf *modelLeaf
	is   bool
}

// aim collects what makes n come out as is; where one part is enough, the
// others may be the other way, so that this one decides alone.
func (m *model) aim(n tree, is bool, wishes map[*modelField][]wish) {
	switch {
	case n.op == 'l':
		wishes[n.leaf.field] = append(wishes[n.leaf.field], wish{n.leaf, is})
	case n.op == '!':
		m.aim(n.subs[0], !is, wishes)
	case (n.op == '&') == is:
		for _, s := range n.subs {
			m.aim(s, is, wishes)
		}
	case len(n.subs) > 0:
		one, alone := m.r.IntN(len(n.subs)), m.r.IntN(3) > 0
		for i, s := range n.subs {
			if i == one || alone {
				m.aim(s, is == (i == one), wishes)
			}
		}
	}
}

// event is an event for which n is likely as is.
func (m *model) event(n tree, is bool) []int {
	wishes := map[*modelField][]wish{}
	m.aim(n, is, wishes)
	ev := make([]int, len(m.fields))
	for i, f := range m.fields {
		if len(wishes[f]) == 0 {
			if m.r.IntN(2) == 0 {
				ev[i] = m.r.IntN(len(f.states))
			}
			continue
		}
		ev[i] = m.choose(f, wishes[f])
	}
	return ev
}

// choose is the state that fulfils most wishes; where a field may have several
// values, perhaps one made of values that fulfil each.
func (m *model) choose(f *modelField, wishes []wish) int {
	slices.SortStableFunc(wishes, func(a, b wish) int { // what few states fulfil comes first
		switch {
		case a.is == b.is:
			return 0
		case a.is:
			return -1
		}
		return 1
	})
	best, fewest := 0, len(wishes)+1
	from := m.r.IntN(len(f.states))
	var parts []string
	for k := range f.states {
		i := (from + k) % len(f.states)
		missed := 0
		for _, w := range wishes {
			if !w.leaf.ref && m.passes(w.leaf, i) != w.is {
				if missed++; missed == fewest {
					break
				}
			}
		}
		if missed < fewest {
			best, fewest = i, missed
		}
		if fewest == 0 {
			return best
		}
	}
	if !f.world.Several || len(f.states) > 2*maxStates {
		return best
	}
	for _, w := range wishes {
		for k := range f.states {
			i := (from + k) % len(f.states)
			if s := f.states[i]; w.is && len(s) == 1 && !w.leaf.ref && m.passes(w.leaf, i) {
				if text := fmt.Sprint(s[0]); !slices.Contains(parts, text) {
					parts = append(parts, text)
				}
				break
			}
		}
	}
	if len(parts) > 1 {
		if i, ok := m.state(f, parts...); ok {
			return i
		}
	}
	return best
}

// grow adds n events: some that a side matches, some that it does not, and
// their neighbours.
func (m *model) grow(n int, sides ...tree) {
	for _, f := range m.fields {
		for k := 0; f.world.Several && k < 8 && len(f.states) > 2; k++ {
			a, b := f.states[1+m.r.IntN(len(f.states)-1)][0], f.states[1+m.r.IntN(len(f.states)-1)][0]
			m.state(f, fmt.Sprint(a), fmt.Sprint(b))
		}
	}
	for k := range n {
		ev := m.event(sides[k%len(sides)], m.r.IntN(3) > 0)
		if k%3 > 0 && len(ev) > 0 {
			i := m.r.IntN(len(ev))
			ev[i] = m.r.IntN(len(m.fields[i].states))
			if m.r.IntN(6) == 0 {
				ev[i] = 0
			}
		}
		m.events = append(m.events, ev)
	}
}

// maxLength bounds the values that are all tried.
const maxLength = 3

// enumerate adds events that differ in one field: it holds every short text
// over the alphabet of leaves.
func (m *model) enumerate(f *modelField, leaves []*modelLeaf, sides ...tree) {
	var alphabet []rune
	for _, l := range leaves {
		t, ok := ir.Test(nil), false
		switch e := l.e.(type) {
		case ir.Match:
			t, ok = e.Test, true
		case ir.Keyword:
			t, ok = e.Test, true
		}
		if !ok {
			continue
		}
		for _, s := range near(m.r, t) {
			for _, c := range s {
				if len(alphabet) < 6 && !slices.Contains(alphabet, c) {
					alphabet = append(alphabet, c)
				}
			}
		}
	}
	texts := []string{""}
	var states []int
	for at := 0; at < len(texts); at++ {
		if i, ok := m.state(f, texts[at]); ok {
			states = append(states, i)
		}
		if len([]rune(texts[at])) < maxLength {
			for _, c := range alphabet {
				texts = append(texts, texts[at]+string(c))
			}
		}
	}
	for k := range 6 {
		base := m.event(sides[k%len(sides)], k%3 > 0)
		for _, i := range states {
			ev := slices.Clone(base)
			ev[f.index] = i
			m.events = append(m.events, ev)
		}
	}
}

// texts are values as texts.
func texts(vs []any) (out []string) {
	for _, v := range vs {
		out = append(out, fmt.Sprint(v))
	}
	return out
}
