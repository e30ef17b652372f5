package findings

import (
	"hash/fnv"
	"io"
	"slices"
	"sync"

	"sigmac/eval"
	"sigmac/internal/question"
	"sigmac/ir"
	"sigmac/verify"
)

// few is how many rules that may match the event made for a rule are asked about one by one. Clones of one rule,
// of which each has something of its own beside what all look for, are more; two events tell most of them apart.
const few = 8

// A crowd tells apart rules that match the same event.
type crowd struct {
	panel    *question.Panel
	exprs    []ir.Expr
	budget   int
	popular  map[uint64]int // in how many rules a test stands, by its hash
	outsides []outside
	sided    func() *sides // made when it is first asked for
}

// An outside is an event that a rule excludes and else would match, made when it is first asked for.
type outside struct {
	once      sync.Once
	known     bool
	event     eval.Event
	excluding []int // the rules of which an exclusion holds of it, sorted
}

// sides are the rules by what they look for beside their exclusions, the same number for the same, and their exclusions.
type sides struct {
	cores      []int
	exclusions *question.Panel
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
	c.sided = sync.OnceValue(func() *sides {
		s, numbers, all := &sides{}, map[string]int{}, make([]ir.Expr, len(exprs))
		for i, e := range exprs {
			core, under := split(e)
			all[i] = under
			s.cores = append(s.cores, numbers[core.String()])
			if s.cores[i] == 0 {
				s.cores[i] = len(numbers) + 1
				numbers[core.String()] = s.cores[i]
			}
		}
		s.exclusions = question.NewPanel(all)
		return s
	})
	return c
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

// rivals are the rules that match all of the events that are known of the i-th one: its witness and, where more
// than a few match that, an event by its test that fewest rules have, which is kept. A crowd is not counted further
// than is needed to know whether that test has fewer rules.
func (c *crowd) rivals(i int, witness map[string]any) []int {
	rules := c.panel.Matching(witness, few+1)
	if len(rules) <= few {
		return rules
	}
	all := len(c.exprs)
	test, n := c.rarest(c.exprs[i])
	if test == nil || n >= all || len(c.panel.Matching(witness, n+1)) <= n {
		return c.panel.Matching(witness, all)
	}
	event, _ := verify.Match(ir.And{test, c.exprs[i]}, c.budget)
	if event == nil {
		return c.panel.Matching(witness, all)
	}
	c.panel.See(i, event)
	return slices.DeleteFunc(c.panel.Matching(event, all), func(j int) bool { return c.panel.Apart(i, j) })
}

// apart says whether an event is known that the i-th rule matches and the j-th one excludes.
func (c *crowd) apart(i, j int) bool {
	o, s := &c.outsides[j], c.sided()
	o.once.Do(func() {
		fields := c.excluded(c.exprs[j])
		if ev, err := eval.NewEvent(fields); err == nil && fields != nil && !c.panel.Matches(j, ev) {
			o.known, o.event, o.excluding = true, ev, s.exclusions.Matching(fields, len(c.exprs))
		}
	})
	if !o.known {
		return false
	}
	if _, excluded := slices.BinarySearch(o.excluding, i); !excluded && s.cores[i] == s.cores[j] {
		return true
	}
	return c.panel.Matches(i, o.event)
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
