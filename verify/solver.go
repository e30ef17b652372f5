package verify

import (
	"fmt"
	"slices"
	"strings"
)

// A formula is clauses over letters and the gates of expressions.
type formula struct {
	clauses [][]int
	vars    int
}

// gate is a variable that is true just where n is.
func (f *formula) gate(n node) int {
	switch n.op {
	case 'l':
		return n.index
	case '!':
		return -f.gate(n.subs[0])
	}
	sign := 1 // of an And; an Or is an And of opposites
	if n.op == '|' {
		sign = -1
	}
	subs := make([]int, len(n.subs))
	for i, s := range n.subs {
		subs[i] = sign * f.gate(s)
	}
	slices.Sort(subs)
	subs = slices.Compact(subs)
	f.vars++
	g := f.vars
	long, opposites := []int{g}, false
	for _, s := range subs {
		f.clauses = append(f.clauses, []int{-g, s})
		long = append(long, -s)
		_, found := slices.BinarySearch(subs, -s)
		opposites = opposites || found
	}
	if !opposites {
		f.clauses = append(f.clauses, long)
	}
	return sign * g
}

// formula holds what is true of every event: a field without a value passes no
// test.
func (c *claim) formula() *formula {
	f := &formula{vars: len(c.letters) - 1}
	for _, field := range c.fields {
		if field.null == 0 {
			continue
		}
		for _, i := range field.letters {
			f.clauses = append(f.clauses, []int{-field.null, -i})
		}
	}
	return f
}

// An answer is what the search for an event that n matches came to.
type answer struct {
	values map[*field][]any // the event, or nil
	reason string           // why it is not known whether there is one, or ""
}

// leastSteps are what a search may take where the budget is used up: an event that
// is found at once is worth it.
const leastSteps = 200

const givenUp = "the search for a difference was given up after its budget of steps"

// satisfy looks for an event that n matches, in budget steps.
func (c *claim) satisfy(n node, budget *int) answer {
	f := c.formula()
	f.clauses = append(f.clauses, []int{f.gate(n)})
	s := newSearch(f.vars)
	for _, clause := range f.clauses {
		s.add(clause)
	}
	for {
		a, spent := s.solve(max(*budget, leastSteps) * workOfStep)
		c.work, s.work = c.work+s.work, 0
		switch c.pay(budget); {
		case spent:
			return answer{reason: givenUp}
		case a == nil:
			return answer{}
		}
		a = a[:len(c.letters)]
		matters := map[int]bool{}
		n.reasons(a, true, matters)
		values, bad, spent := c.event(a, matters, budget)
		switch {
		case spent:
			return answer{reason: givenUp}
		case bad != nil:
			if s.add(bad); *budget < 0 {
				return answer{reason: givenUp}
			}
			continue
		}
		if c.surely(n, values) {
			return answer{values: values}
		}
		if why := c.undecided(a, matters, values); why != "" {
			return answer{reason: why + " is outside what can be decided"}
		}
		panic(fmt.Sprintf("verify: the evaluator and the theory disagree on %v", values))
	}
}

// undecided says why an event is not what a asks for: a field has a letter that
// is outside the theory, and another value would be needed.
func (c *claim) undecided(a assignment, matters map[int]bool, values map[*field][]any) string {
	for _, f := range c.fields {
		why, wrong := "", false
		for _, i := range f.letters {
			if !matters[i] {
				continue
			}
			l := c.letters[i]
			if l.free != "" {
				why = l.free
			}
			wrong = wrong || l.test == nil || c.letterTruth(i, values) != a[i]
		}
		if why != "" && wrong {
			return why
		}
	}
	return ""
}

// canon is the same for two nodes that differ in order and repetition only.
func (n node) canon() string {
	switch n.op {
	case 'l':
		return fmt.Sprint(n.index)
	case '!':
		return "!" + n.subs[0].canon()
	}
	parts := make([]string, len(n.subs))
	for i, s := range n.subs {
		parts[i] = s.canon()
	}
	slices.Sort(parts)
	parts = slices.Compact(parts)
	if len(parts) == 1 {
		return parts[0]
	}
	return "(" + string(n.op) + strings.Join(parts, " ") + ")"
}
