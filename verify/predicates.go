package verify

import (
	"fmt"
	"math/bits"
	"slices"
	"strconv"

	"sigmac/backends"
	"sigmac/computed"
	"sigmac/ir"
	"sigmac/tail"
)

// A set has numbers below 64: of rules, or of tests.
type set uint64

func (s set) has(i int) bool   { return s>>i&1 == 1 }
func (s set) with(i int) set   { return s | 1<<i }
func (s set) meets(o set) bool { return s&o != 0 }
func (s set) size() int        { return bits.OnesCount64(uint64(s)) }

// predicates are those of the rules of a correlation, and what its queries ask of an event,
// over the same letters.
type predicates struct {
	*claim
	types   typing
	names   []string
	rules   []node
	premise node // what is supposed of the columns that computed ones are computed of
	tests   []asked
	raw     []int         // of the tests as they stand in the queries, in order, the numbers
	left    []string      // computed columns that are understood and that some test is of all the same
	queries []*tail.Query // in which each test is an ir.Ref with its number
	kinds   []*sortOf
	assumed []string
	limits  []string // of what follows, in words
}

// An asked is one test of an event that a query makes.
type asked struct {
	expr ir.Expr
	node node
	// of are rules of which the test is proved to be the Or; prefilter: it is proved to
	// hold of every event that a rule selects, and nothing more is known. Else it is any
	// mixture.
	of        set
	prefilter bool
}

// A sortOf events are those that the same rules select, and that pass the same tests.
type sortOf struct {
	rules, tests set
	goal         node
	event        map[*field][]any // one of them; nil: it is not known whether there is one
}

// The limits of what is asked of the prover.
const (
	maxAsked    = 32 // tests of queries
	maxRules    = 32
	maxKinds    = 128 // of events
	wholeRules  = 4   // so many rules have all subsets tried
	maxOfSubset = 8   // kinds of events that the same rules select
)

// predicatesOf asks which events there are. The error is an *ir.Diagnostic.
func predicatesOf(b *backends.Target, c *backends.Correlation, queries []*tail.Query, o TailOptions, budget *int) (*predicates, error) {
	types, err := typingOfAll(c)
	if err != nil {
		return nil, err
	}
	p := &predicates{claim: newClaim(b.World, b.KeywordField()), types: types, premise: constant(true)}
	p.mixed = types.mixed
	for _, name := range []string{ir.TableField, "index", dataModel} {
		// An event is at one place.
		f := &field{name: name, column: name, typ: ir.Text}
		p.fields, p.byName[name] = append(p.fields, f), f
	}
	missing := reading{unmapped: o.Unmapped}.missing()
	if len(c.Rules) > maxRules {
		return nil, notJudged(c.Pos, "a correlation of %d rules", len(c.Rules))
	}
	tests, marked := testsOf(queries)
	p.queries = marked
	defined := make([]computed.Definitions, len(c.Rules))
	for i, r := range c.Rules {
		if defined[i], err = b.Define(r.Rule); err != nil {
			return nil, err
		}
	}
	if o.based {
		for i, e := range tests {
			for _, d := range defined { // a column has one definition: Tail has looked
				var needs, left []string
				e, needs, left = d.Expand(e)
				p.assumed, p.left = append(p.assumed, needs...), append(p.left, left...)
			}
			tests[i] = e
		}
	}
	for i, r := range c.Rules {
		e, d := placed(r.Rule.Scope, r.Rule.Conditions[0].Expr), defined[i]
		if o.based || !slices.ContainsFunc(tests, d.Tested) {
			var needs, left []string
			e, needs, left = d.Expand(e)
			p.left = append(p.left, left...)
			supposed, ids := d.Supposed(e)
			p.assumed = slices.Concat(p.assumed, needs, ids)
			p.premise = simple(node{op: '&', subs: []node{p.premise, p.node(supposed, missing)}})
		}
		if err := p.unmixed(e); err != nil {
			return nil, err
		}
		p.names, p.rules = append(p.names, r.Name), append(p.rules, p.node(e, missing))
	}
	index := map[string]int{}
	for _, e := range tests {
		if err := p.unmixed(e); err != nil {
			return nil, err
		}
		n := p.node(e, missing)
		key := n.canon()
		if _, ok := index[key]; !ok {
			index[key] = len(p.tests)
			p.tests = append(p.tests, asked{expr: e, node: n, of: p.writtenAs(key)})
		}
		p.raw = append(p.raw, index[key])
	}
	if len(p.tests) > maxAsked || len(p.letters) > maxLetters {
		return nil, notJudged(c.Pos, "queries with %d tests of an event", len(p.letters))
	}
	for i, q := range p.queries {
		p.queries[i] = q.Rewrite(func(part any) any {
			if r, ok := part.(ir.Ref); ok {
				n, _ := strconv.Atoi(r.Name[1:])
				return ir.Ref{Name: "$" + strconv.Itoa(p.raw[n])}
			}
			return part
		})
	}
	return p, p.find(budget)
}

// testsOf are the tests that queries make of an event, in their order, and the queries with a
// numbered ir.Ref in the place of each.
func testsOf(queries []*tail.Query) (tests []ir.Expr, marked []*tail.Query) {
	for _, q := range queries {
		marked = append(marked, q.Rewrite(func(part any) any {
			var e ir.Expr
			switch x := part.(type) {
			case tail.Source:
				e = placed(x.Scope, x.Where)
				x.Scope, x.Where = ir.Scope{}, ir.Ref{Name: "$" + strconv.Itoa(len(tests))}
				part = x
			case ir.Ref:
				return x
			case ir.Expr:
				e, part = x, ir.Ref{Name: "$" + strconv.Itoa(len(tests))}
			default:
				return part
			}
			tests = append(tests, e)
			return part
		}))
	}
	return tests, marked
}

// dataModel says from which data model an event is.
const dataModel = "$model"

// placed is a test of events with where they are, as tests.
func placed(scope ir.Scope, e ir.Expr) ir.Expr {
	if e == nil {
		e = ir.True
	}
	at := (&ir.Query{Scope: scope, Where: e}).Predicate()
	all := slices.Clone(at.Place)
	for _, x := range [][2]string{{ir.TableField, scope.Table}, {ir.CategoryField, scope.Category}, {dataModel, scope.DataModel}} {
		if x[1] != "" {
			all = append(all, ir.Match{Field: ir.Field{Name: x[0], Type: ir.Text}, Test: ir.NewPattern(true, ir.Part{Text: x[1]})})
		}
	}
	return ir.Conjunction(append(all, e)...)
}

// writtenAs are the rules of which an expression is the Or as it stands.
func (p *predicates) writtenAs(canon string) set {
	for _, rules := range p.subsets() {
		if rules != 0 && simple(node{op: '|', subs: p.of(rules)}).canon() == canon {
			return rules
		}
	}
	return 0
}

func (p *predicates) of(rules set) (out []node) {
	for i, n := range p.rules {
		if rules.has(i) {
			out = append(out, n)
		}
	}
	return out
}

// subsets are the sets of rules that are asked about, small ones first: of many rules the
// single ones, the pairs and all.
func (p *predicates) subsets() (out []set) {
	k := len(p.rules)
	if k <= wholeRules {
		for s := range set(1) << k {
			out = append(out, s)
		}
		slices.SortStableFunc(out, func(a, b set) int { return a.size() - b.size() })
		return out
	}
	out = append(out, 0)
	for size := range 2 {
		for i := range k {
			for j := i; j < k; j++ {
				if (j > i) == (size == 1) {
					out = append(out, set(0).with(i).with(j))
				}
			}
		}
	}
	return append(out, set(1)<<k-1)
}

// find asks which kinds of events there are, and so what the tests are of the rules.
func (p *predicates) find(budget *int) error {
	if len(p.rules) > wholeRules {
		p.limits = append(p.limits, "events that one rule, two or all of them select")
	}
	whole := len(p.rules) <= wholeRules
	for _, rules := range p.subsets() {
		more, err := p.ofSubset(rules, budget)
		if err != nil {
			return err
		}
		if more && whole {
			p.limits = append(p.limits, fmt.Sprintf("at most %d kinds of events, of the same rules %d", maxKinds, maxOfSubset))
		}
		whole = whole && !more
	}
	for i := range p.tests {
		if t := &p.tests[i]; t.of == 0 {
			p.name(i, whole, budget)
		}
	}
	return nil
}

// ofSubset finds the kinds of events that just these rules select; more: not all of them.
func (p *predicates) ofSubset(rules set, budget *int) (more bool, err error) {
	goal := node{op: '&', subs: []node{p.premise}}
	for i, n := range p.rules {
		if !rules.has(i) {
			n = negate(n)
		}
		goal.subs = append(goal.subs, n)
	}
	if rules == 0 {
		seen := node{op: '|'} // what no test sees is nothing to the queries
		for _, t := range p.tests {
			seen.subs = append(seen.subs, t.node)
		}
		goal.subs = append(goal.subs, simple(seen))
	}
	open := slices.IndexFunc(p.tests, func(t asked) bool { return t.of == 0 })
	for n := 0; ; n++ {
		found := p.satisfy(simple(goal), budget)
		switch {
		case found.values == nil && found.reason == "":
			return false, nil
		case len(p.kinds) == maxKinds || n == maxOfSubset:
			return true, nil
		case found.values == nil && open >= 0:
			return false, p.unknown(open, found.reason)
		}
		k := &sortOf{rules: rules, event: found.values}
		if k.event != nil {
			for _, f := range p.fields {
				if f.keyword && len(k.event[f]) == 0 {
					k.event[f] = []any{""} // else the event would be searched as JSON
				}
			}
			p.fit(k.event, func(a assignment) bool { return p.surelyUnder(simple(goal), a) }).shrink()
		}
		other := node{op: '|'}
		var a assignment
		if k.event != nil {
			a = p.assign(k.event)
		}
		for i, t := range p.tests {
			is := t.of.meets(rules)
			if t.of == 0 {
				if is = p.surelyUnder(t.node, a); !is && !p.surelyUnder(negate(t.node), a) {
					return false, p.unknown(i, "what it says of an event")
				}
			}
			if is {
				k.tests = k.tests.with(i)
				other.subs = append(other.subs, negate(t.node))
			} else {
				other.subs = append(other.subs, t.node)
			}
		}
		k.goal = simple(node{op: '&', subs: append(slices.Clip(goal.subs), negate(simple(other)))})
		p.kinds = append(p.kinds, k)
		if open < 0 {
			return false, nil
		}
		goal.subs = append(goal.subs, simple(other))
	}
}

// name says what the i-th test is, by the kinds of events where these are all that there
// are, else by proof.
func (p *predicates) name(i int, whole bool, budget *int) {
	t := &p.tests[i]
	equal := func(of set) bool {
		return !slices.ContainsFunc(p.kinds, func(k *sortOf) bool { return k.tests.has(i) != k.rules.meets(of) })
	}
	none := func(n node) bool {
		a := p.satisfy(simple(node{op: '&', subs: []node{p.premise, n}}), budget)
		return a.values == nil && a.reason == ""
	}
	all := set(1)<<len(p.rules) - 1
	for _, of := range p.subsets() {
		if of == 0 || !equal(of) || !whole && of.size() == 2 && of != all {
			continue
		}
		or := simple(node{op: '|', subs: p.of(of)})
		if whole || none(beside(t.node, or)) && none(beside(or, t.node)) {
			t.of = of
			return
		}
	}
	wide := !slices.ContainsFunc(p.kinds, func(k *sortOf) bool { return k.rules != 0 && !k.tests.has(i) })
	t.prefilter = wide && (whole || none(beside(simple(node{op: '|', subs: p.of(all)}), t.node)))
}

// unknown says that a test of a query cannot be decided.
func (p *predicates) unknown(i int, reason string) error {
	var at ir.Pos
	ir.Walk(p.tests[i].expr, func(e ir.Expr) {
		switch x := e.(type) {
		case ir.Opaque:
			at = x.Pos
		case ir.Match:
			if at == (ir.Pos{}) {
				at = x.Pos
			}
		case ir.Keyword:
			if at == (ir.Pos{}) {
				at = x.Pos
			}
		}
	})
	e := notJudged(at, "this test, which is none of the correlation's rules: %s", reason)
	e.Source = "" // the place is one of the query
	return e
}

// judging is the source of what is said of a correlation and not of a query.
const judging = "verify"

// notJudged says that something is not judged, and why.
func notJudged(at ir.Pos, format string, args ...any) *ir.Diagnostic {
	feature := fmt.Sprintf(format, args...)
	return &ir.Diagnostic{Pos: at, Msg: "cannot judge " + feature, Feature: feature, Source: judging, Code: ir.CannotJudge}
}

// at is an event of a kind that has these values in some columns, or nil where there is
// none, or none is known.
func (p *predicates) at(k *sortOf, values map[*field][]any) map[*field][]any {
	if k.event == nil {
		return nil
	}
	with := func(event map[*field][]any) map[*field][]any {
		out := map[*field][]any{}
		for f, vs := range event {
			out[f] = vs
		}
		for f, vs := range values {
			if delete(out, f); len(vs) > 0 {
				out[f] = vs
			}
		}
		return out
	}
	out := with(k.event)
	if !p.touched(values) || p.surely(k.goal, out) {
		return out
	}
	goal := node{op: '&', subs: []node{k.goal}}
	for _, f := range p.fields {
		vs, ok := values[f]
		if len(vs) == 1 && f.world.Several {
			defer func() { f.world.Several = true }()
			f.world.Several = false // else the kind may ask for another value
		}
		switch {
		case !ok:
		case len(vs) == 0:
			goal.subs = append(goal.subs, p.test(f, ir.Null{}, ir.Pos{}))
		default:
			for _, v := range vs {
				goal.subs = append(goal.subs, p.test(f, whole(v), ir.Pos{}))
			}
		}
	}
	steps := stepsAlone
	found := p.satisfy(simple(goal), &steps)
	if found.values == nil {
		return nil
	}
	if out = with(found.values); !p.surely(k.goal, out) {
		return nil
	}
	return out
}

// whole is a test that just one value passes.
func whole(v any) ir.Test {
	switch v := v.(type) {
	case ir.Number:
		return ir.Compare{Op: ir.Eq, Number: v}
	case bool:
		return ir.Bool{Value: v}
	}
	return ir.NewPattern(true, ir.Part{Text: v.(string)})
}

// touched says whether some letter is about a column.
func (p *predicates) touched(values map[*field][]any) bool {
	for _, l := range p.letters[1:] {
		if _, ok := values[l.field]; ok || l.of != nil {
			return true
		}
		if ref, is := l.test.(ir.FieldRef); is {
			if _, ok := values[p.byName[ref.Other.Name]]; ok {
				return true
			}
		}
	}
	return false
}

// values are up to n that a column can have in events of a kind.
func (p *predicates) values(k *sortOf, f *field, n int) (out []any) {
	if k.event == nil {
		return nil
	}
	defer func(w backends.World) { f.world = w }(f.world)
	f.world.Several = false // else what two tests ask may be two values
	goal := node{op: '&', subs: []node{k.goal, negate(p.test(f, ir.Null{}, ir.Pos{}))}}
	for range n {
		steps := stepsAlone
		found := p.satisfy(simple(goal), &steps)
		v := only(found.values[f])
		if v == nil {
			break
		}
		out = append(out, v)
		goal.subs = append(goal.subs, negate(p.test(f, whole(v), ir.Pos{})))
	}
	return out
}
