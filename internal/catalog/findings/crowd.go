package findings

import (
	"hash/fnv"
	"io"
	"slices"
	"sync"

	"sigmac/eval"
	"sigmac/internal/ordered"
	"sigmac/internal/question"
	"sigmac/ir"
	"sigmac/verify"
)

// few is how many rules that may match the event made for a rule are asked about one by one. Clones of one rule,
// of which each has something of its own beside what all look for, are more; two events tell most of them apart.
const few = 8

// many is how many rules are looked at in pairs, without the prover. Of clones that differ in exclusions alone are more:
// an event is made for each, and the others are found that exclude it too.
const many = 64

// A crowd tells apart rules that match the same event. No two of them say the same.
type crowd struct {
	panel    *question.Panel
	exprs    []ir.Expr
	budget   int
	popular  map[uint64]int // in how many rules a test stands, by its hash
	outsides []outside
	families func() *families // made when it is first asked for
}

// An outside is an event that a rule excludes and else would match, made when it is first asked for.
type outside struct {
	once   sync.Once
	known  bool
	fields map[string]any
	event  eval.Event
}

// families are the rules by what they look for beside their exclusions, their cores.
type families struct {
	of         []int // by rule: the number of its family
	rules      [][]int
	cores      *question.Panel // by family
	exclusions *question.Panel // by rule
	relations  []func() *relations
}

// relations are those within a family, of which a rule matches the outside of another one unless it excludes that too.
type relations struct {
	excluding map[int][]int // by rule: the others of which it excludes the outside, no more than are asked about
	unknown   []int         // the rules of which no outside is known
}

func newCrowd(panel *question.Panel, exprs []ir.Expr, budget int) *crowd {
	c := &crowd{panel: panel, exprs: exprs, budget: budget, popular: map[uint64]int{}, outsides: make([]outside, len(exprs))}
	for _, e := range exprs {
		ir.Walk(e, func(e ir.Expr) {
			if h, ok := testHash(e); ok {
				c.popular[h]++
			}
		})
	}
	c.families = sync.OnceValue(c.newFamilies)
	return c
}

func (c *crowd) newFamilies() *families {
	f, numbers := &families{}, map[string]int{}
	var cores, exclusions []ir.Expr
	for i, e := range c.exprs {
		core, under := split(e)
		n, ok := numbers[core.String()]
		if !ok {
			n = len(cores)
			numbers[core.String()] = n
			cores, f.rules = append(cores, core), append(f.rules, nil)
			f.relations = append(f.relations, sync.OnceValue(func() *relations { return c.relationsOf(f, n) }))
		}
		f.of, f.rules[n], exclusions = append(f.of, n), append(f.rules[n], i), append(exclusions, under)
	}
	f.cores, f.exclusions = question.NewPanel(cores), question.NewPanel(exclusions)
	return f
}

func (c *crowd) relationsOf(f *families, family int) *relations {
	r := &relations{excluding: map[int][]int{}}
	rules := f.rules[family]
	for n, excluding := range ordered.Map(rules, func(j int) []int {
		if o := c.outside(j); o.known {
			return f.exclusions.Matching(o.fields, len(c.exprs))
		}
		return nil
	}) {
		j := rules[n]
		if !c.outside(j).known {
			r.unknown = append(r.unknown, j)
		}
		for _, i := range excluding {
			if f.of[i] == family && len(r.excluding[i]) < maxAsked {
				r.excluding[i] = append(r.excluding[i], j)
			}
		}
	}
	return r
}

func testHash(e ir.Expr) (sum uint64, ok bool) {
	switch e.(type) {
	case ir.Match, ir.Keyword:
		h := fnv.New64a()
		io.WriteString(h, e.String())
		return h.Sum64(), true
	}
	return 0, false
}

// rarest is the test in e that fewest rules have, of those that nothing negates.
func (c *crowd) rarest(e ir.Expr) (test ir.Expr, rules int) {
	switch e := e.(type) {
	case ir.And, ir.Or:
		for _, x := range ir.Parts(e) {
			if t, n := c.rarest(x); t != nil && (test == nil || n < rules) {
				test, rules = t, n
			}
		}
	case ir.Match, ir.Keyword:
		h, _ := testHash(e)
		return e, c.popular[h]
	}
	return test, rules
}

// rivals are the rules that match all of the events that are known of the i-th one: its witness, which is kept, and,
// where more than a few match that, an event by its test that fewest rules have, which is kept too. A crowd is not
// counted further than is needed to know whether fewer rules have that test.
func (c *crowd) rivals(i int, witness map[string]any) []int {
	rules := c.panel.Matching(witness, few+1)
	if len(rules) <= few {
		return rules
	}
	event := witness
	if test, n := c.rarest(c.exprs[i]); test != nil {
		if most := min(n, many); len(c.panel.Matching(witness, most+1)) > most {
			if own, _ := verify.Match(ir.And{test, c.exprs[i]}, c.budget); own != nil {
				c.panel.See(i, own)
				event = own
			}
		}
	}
	if rules = c.panel.Matching(event, many+1); len(rules) > many {
		rules = c.related(i, event)
	}
	return slices.DeleteFunc(rules, func(j int) bool { return c.panel.Apart(i, j) })
}

// related are the rules of which the core matches an event of the i-th one, without those of its own family that
// match what it excludes or exclude what it matches.
func (c *crowd) related(i int, event map[string]any) (out []int) {
	f := c.families()
	for _, family := range f.cores.Matching(event, len(f.rules)) {
		if family == f.of[i] {
			r := f.relations[family]()
			out = append(append(out, r.excluding[i]...), r.unknown...)
		} else {
			out = append(out, f.rules[family]...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// apart says whether an event is known that the i-th rule matches and the j-th one excludes.
func (c *crowd) apart(i, j int) bool {
	o := c.outside(j)
	return o.known && c.panel.Matches(i, o.event)
}

func (c *crowd) outside(j int) *outside {
	o := &c.outsides[j]
	o.once.Do(func() {
		o.fields = c.excluded(c.exprs[j])
		if ev, err := eval.NewEvent(o.fields); err == nil && o.fields != nil && !c.panel.Matches(j, ev) {
			o.known, o.event = true, ev
		}
	})
	return o
}

// excluded is an event that a rule matches but for the exclusion that fewest rules have, or nil.
func (c *crowd) excluded(e ir.Expr) map[string]any {
	core, under := split(e)
	var not ir.Expr
	least := 0
	for _, x := range under {
		if _, n := c.rarest(x); not == nil || n < least {
			not, least = x, n
		}
	}
	if not == nil {
		return nil
	}
	event, _ := verify.Match(append(core, not), c.budget)
	return event
}

// split is what every event must match, and the parts of what none may.
func split(e ir.Expr) (core ir.And, under ir.Or) {
	switch e := e.(type) {
	case ir.And:
		for _, x := range e {
			c, u := split(x)
			core, under = append(core, c...), append(under, u...)
		}
	case ir.Not:
		if or, ok := e.X.(ir.Or); ok {
			return nil, or
		}
		under = ir.Or{e.X}
	default:
		core = ir.And{e}
	}
	return core, under
}
