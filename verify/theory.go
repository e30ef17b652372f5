package verify

import (
	"maps"
	"net/netip"
	"slices"

	"sigmac/eval"
	"sigmac/ir"
)

// A conflict is letters that cannot all be as they are; it goes back to the
// solver as a clause.
type conflict []int

// An assignment says which letters are true; index 0 is unused.
type assignment []bool

// reasons are letters that by themselves make n what it is under a.
func (n node) reasons(a assignment, is bool, out map[int]bool) {
	switch {
	case n.op == 'l':
		out[n.index] = true
	case n.op == '!':
		n.subs[0].reasons(a, !is, out)
	case (n.op == '&') == is:
		for _, s := range n.subs {
			s.reasons(a, is, out)
		}
	default: // one is enough, best one that is a reason already
		i := slices.IndexFunc(n.subs, func(s node) bool { return s.given(out) && s.under(a) == is })
		if i < 0 {
			i = slices.IndexFunc(n.subs, func(s node) bool { return s.under(a) == is })
		}
		n.subs[i].reasons(a, is, out)
	}
}

// given says whether n is a letter of a set, or the opposite of one.
func (n node) given(letters map[int]bool) bool {
	if n.op == '!' {
		n = n.subs[0]
	}
	return n.op == 'l' && letters[n.index]
}

// under is the truth of n under a.
func (n node) under(a assignment) bool {
	switch n.op {
	case 'l':
		return a[n.index]
	case '!':
		return !n.subs[0].under(a)
	}
	return slices.ContainsFunc(n.subs, func(s node) bool { return s.under(a) != (n.op == '&') }) != (n.op == '&')
}

// event makes values for the fields so that those letters that matter are as in
// a, free ones left aside, or says why there are none. Spent says that the
// budget ended the search.
func (c *claim) event(a assignment, matters map[int]bool, budget *int) (values map[*field][]any, bad conflict, spent bool) {
	values = map[*field][]any{}
	for _, f := range c.fields {
		var yes, no []int
		for _, i := range f.letters {
			switch {
			case !matters[i]:
			case c.letters[i].free != "" && a[i]:
				if v, ok := c.letters[i].likely(); ok && (f.world.Several || len(values[f]) == 0) {
					values[f] = append(values[f], v)
				}
			case c.letters[i].free != "":
			case a[i]:
				yes = append(yes, i)
			default:
				no = append(no, i)
			}
		}
		present := matters[f.null] && !a[f.null] || f.keyword && len(no) > 0
		if len(yes) == 0 && (len(values[f]) > 0 || !present) {
			continue // there for the sake of a free letter, or missing; a text never is
		}
		// Each by itself first: that is cheaper, and what fails so fails together.
		groups := [][]int{yes}
		if len(yes) > 1 {
			groups = nil
			for _, i := range yes {
				groups = append(groups, []int{i})
			}
			if !f.world.Several {
				groups = append(groups, yes)
			}
		}
		values[f] = nil
		if len(yes) > many && !f.world.Several && c.texts(f) {
			if s, ok := c.guess(f, yes, no, budget); ok {
				values[f] = []any{s}
				continue
			}
		}
		for _, group := range groups {
			v, core, out := c.value(f, group, no, budget)
			if out {
				return nil, nil, true
			}
			if core != nil {
				if len(yes) == 0 && f.null > 0 {
					core = append(core, f.null)
				}
				return nil, core, false
			}
			if !f.world.Several {
				values[f] = nil
			}
			values[f] = append(values[f], v)
		}
	}
	c.suit(a, matters, values, budget)
	return values, nil, false
}

// computing is the steps that running such a part costs, and maxSuit bounds those
// that one event is worth.
const computing, maxSuit = 10, 20_000

// suit gives the fields of parts that can only be computed values of which the parts
// are as in a, if it has an idea of some that break no other letter.
func (c *claim) suit(a assignment, matters map[int]bool, values map[*field][]any, budget *int) {
	var parts []int
	for i, l := range c.letters {
		if i > 0 && matters[i] && l.of != nil {
			parts = append(parts, i)
		}
	}
	steps := min(*budget, maxSuit)
	*budget -= steps
	defer func() { *budget += max(steps, 0) }()
	as := func(values map[*field][]any, parts []int) bool {
		steps -= computing * len(parts)
		return !slices.ContainsFunc(parts, func(i int) bool {
			is, known := c.computed(c.letters[i], values)
			return !known || is != a[i]
		})
	}
	find := func(of *ir.Formula, parts []int) bool {
		if of.Try == nil {
			return false
		}
		for try := range of.Try {
			if steps < 0 {
				return false
			}
			next, fits := maps.Clone(values), true
			for name, v := range try {
				next[c.byName[name]] = []any{v}
			}
			for name := range try {
				f := c.byName[name]
				fits = fits && !slices.ContainsFunc(append([]int{f.null}, f.letters...), func(i int) bool {
					return i > 0 && matters[i] && c.letters[i].free == "" && c.letterTruth(i, next) != a[i]
				})
			}
			if fits && as(next, parts) {
				maps.Copy(values, next)
				return true
			}
		}
		return false
	}
	if as(values, parts) {
		return
	}
	for _, i := range parts { // all at once
		if find(c.letters[i].of, parts) {
			return
		}
	}
	for n, i := range parts {
		if len(parts) > 1 && !as(values, parts[n:n+1]) {
			find(c.letters[i].of, parts[:n+1])
		}
	}
}

// likely is a value that may pass a free letter's test.
func (l *letter) likely() (v any, ok bool) {
	s := "x"
	switch t := l.test.(type) {
	case ir.Pattern:
		s = fill(t, "0", "0")
	case ir.CIDR:
		s = t.Net.Addr().String()
	case ir.Compare:
		n := t.Number
		switch t.Op {
		case ir.Lt:
			n = n.Plus(-1)
		case ir.Gt:
			n = n.Plus(1)
		}
		s = string(n)
	}
	if n, number := ir.ParseNumber(s); number && l.field.typ == ir.Numeric {
		return n, true
	}
	text := l.field.typ.IsText()
	return s, (text || l.field.world.AnyType) && !(s == "" && l.field.world.Blank)
}

// value is one value that passes all of yes and none of no. It asks for few
// tests at first, and for more as the values that it gets break them, one by one
// and then twice as many; those that it asked for when there is no value left are
// the conflict, as a clause.
func (c *claim) value(f *field, yes, no []int, budget *int) (v any, bad conflict, spent bool) {
	var needYes, needNo []int
	if len(yes) == 1 {
		needYes = yes
	}
	for {
		v, found, out := c.solve(f, needYes, needNo, budget)
		if out {
			return nil, nil, true
		}
		if !found {
			for _, i := range needYes {
				bad = append(bad, -i)
			}
			return nil, append(bad, needNo...), false
		}
		most := 1
		if asked := len(needYes) + len(needNo); asked >= many {
			most = asked
		}
		broken := 0
		for _, i := range yes {
			if broken < most && !c.passes(i, v) {
				needYes = append(slices.Clip(needYes), i)
				broken++
			}
		}
		for _, i := range no {
			if broken < most && c.passes(i, v) {
				needNo = append(needNo, i)
				broken++
			}
		}
		if c.pay(budget); broken == 0 {
			return v, nil, false
		}
	}
}

// texts says whether the values of a field are sought among texts.
func (c *claim) texts(f *field) bool {
	return f.typ != ir.Numeric && f.typ != ir.Boolean && f.typ != ir.Address
}

// solve is a value of the field's type that passes all of yes and none of no.
func (c *claim) solve(f *field, yes, no []int, budget *int) (v any, found, spent bool) {
	var candidates []any
	switch {
	case c.texts(f):
		return c.find(f, yes, no, budget)
	case f.typ == ir.Numeric:
		candidates = c.numbers(f)
	case f.typ == ir.Boolean:
		candidates = []any{true, false}
	default:
		candidates = c.addresses(f)
	}
	if f.world.AnyType {
		candidates = append(candidates, "x")
	}
	for _, i := range f.letters {
		p, ok := c.letters[i].test.(ir.Pattern)
		if _, s := p.Shape(); ok && c.letters[i].free == "" && (f.world.AnyType || f.typ == ir.Address) {
			candidates = append(candidates, s)
		}
	}
	for _, v := range candidates {
		*budget--
		if !slices.ContainsFunc(yes, func(i int) bool { return !c.passes(i, v) }) &&
			!slices.ContainsFunc(no, func(i int) bool { return c.passes(i, v) }) {
			return v, true, false
		}
	}
	return nil, false, *budget < 0
}

// passes says whether a value passes a letter's test.
func (c *claim) passes(i int, v any) bool {
	l := c.letters[i]
	if c.asked == nil || c.asked != v { // one value is asked about by many letters
		c.asked, c.forms, c.alone = v, eval.NewValue(v), nil
	}
	if _, ok := v.(string); ok && l.free == "" && c.texts(l.field) {
		return c.textPasses(l, c.forms)
	}
	if c.alone == nil {
		ev, err := eval.NewEvent(map[string]any{"f": v})
		if err != nil {
			panic("verify: " + err.Error())
		}
		c.alone = &ev
	}
	c.work += 8 + len(c.forms.Text())
	return eval.Expr(nil, ir.Match{Field: ir.Field{Name: "f", Type: l.field.typ}, Test: l.test}, *c.alone)
}

// numbers has one number of each kind that the comparisons of a field tell
// apart: those named, between them, and beyond.
func (c *claim) numbers(f *field) []any {
	var ns []ir.Number
	for _, i := range f.letters {
		if t, ok := c.letters[i].test.(ir.Compare); ok {
			ns = append(ns, t.Number)
		}
	}
	slices.SortFunc(ns, ir.Number.Cmp)
	ns = slices.Compact(ns)
	if len(ns) == 0 {
		return []any{ir.Number("0"), ir.Number("1")}
	}
	out := []any{ns[0].Plus(-1)}
	for i, n := range ns {
		if i > 0 {
			out = append(out, ns[i-1].Middle(n))
		}
		out = append(out, n)
	}
	return append(out, ns[len(ns)-1].Plus(1))
}

// addresses has one address of each kind that the networks of a field tell
// apart: both ends of each and their neighbours, and what is none.
func (c *claim) addresses(f *field) []any {
	var as []netip.Addr
	for _, i := range f.letters {
		t, ok := c.letters[i].test.(ir.CIDR)
		if !ok {
			continue
		}
		first, last := t.Net.Masked().Addr(), lastAddr(t.Net)
		as = append(as, first, first.Prev(), last, last.Next())
	}
	as = append(as, netip.MustParseAddr("203.0.113.7"), netip.MustParseAddr("2001:db8::7"))
	var out []any
	for _, a := range as {
		if a.IsValid() {
			out = append(out, a.String())
		}
	}
	return append(out, "x")
}

func lastAddr(net netip.Prefix) netip.Addr {
	b := net.Masked().Addr().AsSlice()
	for bit := net.Bits(); bit < 8*len(b); bit++ {
		b[bit/8] |= 0x80 >> (bit % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}
