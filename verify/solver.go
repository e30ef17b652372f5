package verify

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/crillab/gophersat/solver"
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

// solving keeps the solver to one goroutine: it learns clauses in a buffer that
// all its instances share.
var solving sync.Mutex

// solve is an assignment of the letters, or nil where there is none. It says too
// how many literals it looked at before the search.
func (f *formula) solve(letters int) (a assignment, looked int) {
	clauses, units, looked := f.simplified()
	if clauses == nil {
		return nil, looked
	}
	solving.Lock()
	defer solving.Unlock()
	// The library's own way to a problem compares all literals of a clause.
	p := solver.ParseSliceNb(units, f.vars)
	for _, c := range clauses {
		lits := make([]solver.Lit, len(c))
		for i, l := range c {
			lits[i] = solver.IntToLit(int32(l))
		}
		p.Clauses = append(p.Clauses, solver.NewClause(lits))
	}
	if len(clauses) > 0 {
		p.Status = solver.Indet
	}
	s := solver.New(p)
	if s.Solve() != solver.Sat {
		return nil, looked
	}
	a = make(assignment, letters)
	for i, v := range s.Model() {
		if i+1 < letters {
			a[i+1] = v
		}
	}
	return a, looked
}

// simplified are the clauses without what those of one literal decide, and these;
// nil where they contradict each other.
func (f *formula) simplified() (clauses, units [][]int, looked int) {
	model := make([]int8, f.vars+1)
	unit := func(l int) bool {
		sign, v := int8(1), l
		if l < 0 {
			sign, v = -1, -l
		}
		if model[v] == 0 {
			model[v] = sign
			units = append(units, []int{l})
		}
		return model[v] == sign
	}
	is := func(l int) int8 {
		if l < 0 {
			return -model[-l]
		}
		return model[l]
	}
	clauses = make([][]int, 0, len(f.clauses))
	for _, c := range f.clauses {
		switch {
		case len(c) == 0:
			return nil, nil, looked
		case len(c) > 1:
			clauses = append(clauses, slices.Clone(c))
		case !unit(c[0]):
			return nil, nil, looked
		}
	}
	for again := true; again; {
		again = false
		for i := 0; i < len(clauses); {
			c := clauses[i]
			looked += len(c)
			holds := false
			for j := 0; j < len(c) && !holds; {
				switch is(c[j]) {
				case 0:
					j++
				case 1:
					holds = true
				default:
					c[j] = c[len(c)-1]
					c = c[:len(c)-1]
				}
			}
			switch {
			case !holds && len(c) == 0, !holds && len(c) == 1 && !unit(c[0]):
				return nil, nil, looked
			case !holds && len(c) > 1:
				clauses[i] = c
				i++
				continue
			case !holds:
				again = true // more may be decided by it
			}
			clauses[i] = clauses[len(clauses)-1]
			clauses = clauses[:len(clauses)-1]
		}
	}
	return clauses, units, looked
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

// satisfy looks for an event that n matches, in budget steps.
func (c *claim) satisfy(n node, budget *int) answer {
	f := c.formula()
	f.clauses = append(f.clauses, []int{f.gate(n)})
	if len(f.clauses) == 0 {
		f.vars = max(f.vars, 1)
	}
	for {
		a, looked := f.solve(len(c.letters))
		c.work += looked
		if c.pay(budget); a == nil {
			return answer{}
		}
		matters := map[int]bool{}
		n.reasons(a, true, matters)
		values, bad, spent := c.event(a, matters, budget)
		switch {
		case spent:
			return answer{reason: "the search for a difference was given up after its budget of steps"}
		case bad != nil:
			f.clauses = append(f.clauses, bad)
			if *budget -= len(f.clauses); *budget < 0 {
				return answer{reason: "the search for a difference was given up after its budget of steps"}
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
