package verify

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"sigmac/ir"
)

func (a assignment) holds(clauses [][]int) bool {
	for _, c := range clauses {
		if !slices.ContainsFunc(c, func(l int) bool { return a[max(l, -l)] == (l > 0) }) {
			return false
		}
	}
	return true
}

// TestSearch holds the search against trying every assignment, with clauses that
// are added one after the other.
func TestSearch(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 5))
	found, refused := 0, 0
	for range 4000 {
		vars := 1 + rnd.IntN(10)
		s := newSearch(vars)
		var clauses [][]int
		for range 1 + rnd.IntN(60) {
			var c []int
			for range rnd.IntN(4) + rnd.IntN(2) {
				c = append(c, (1+rnd.IntN(vars))*(1-2*rnd.IntN(2)))
			}
			if len(c) == 0 && rnd.IntN(20) > 0 {
				continue
			}
			clauses = append(clauses, c)
			s.add(c)
			if rnd.IntN(3) > 0 {
				continue
			}
			want := false
			for bits := 0; bits < 1<<vars && !want; bits++ {
				a := make(assignment, vars+1)
				for v := 1; v <= vars; v++ {
					a[v] = bits>>(v-1)&1 == 1
				}
				want = a.holds(clauses)
			}
			a, spent := s.solve(1 << 30)
			if spent || (a != nil) != want || a != nil && !a.holds(clauses) {
				t.Fatalf("%v: %v, %v; there is one: %v", clauses, a, spent, want)
			}
			if want {
				found++
			} else {
				refused++
			}
		}
	}
	if found < 1000 || refused < 1000 {
		t.Errorf("%d with an assignment, %d without: too few to say anything", found, refused)
	}
}

// TestSearchLarge does so with so many variables that there are restarts, where an
// assignment is known or what is learned follows from the clauses.
func TestSearchLarge(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 1))
	for _, planted := range []bool{true, false} {
		for range 20 {
			const vars = 120
			hidden := make(assignment, vars+1)
			for v := range hidden {
				hidden[v] = rnd.IntN(2) == 0
			}
			var clauses [][]int
			s := newSearch(vars)
			for len(clauses) < 43*vars/10 {
				c := []int{1 + rnd.IntN(vars), 1 + rnd.IntN(vars), 1 + rnd.IntN(vars)}
				for i := range c {
					c[i] *= 1 - 2*rnd.IntN(2)
				}
				if planted && !hidden.holds([][]int{c}) {
					continue
				}
				clauses = append(clauses, c)
				s.add(c)
			}
			given := len(s.clauses)
			a, spent := s.solve(1 << 40)
			if spent || planted && a == nil || a != nil && !a.holds(clauses) {
				t.Fatalf("%v, %v of %v", a, spent, clauses)
			}
			for i := given; i < len(s.clauses); i += 1 + len(s.clauses)/20 {
				other := newSearch(vars) // a clause that is learned cannot be false
				for _, c := range clauses {
					other.add(c)
				}
				for _, l := range s.clauses[i] {
					v := int(l >> 1)
					if l&1 == 0 {
						v = -v
					}
					other.add([]int{v})
				}
				if a, _ := other.solve(1 << 40); a != nil {
					t.Fatalf("%v does not follow from %v", s.clauses[i], clauses)
				}
			}
		}
	}
}

// pigeons is a rule that puts n+1 pigeons into n holes, each into one of its own.
func pigeons(n int) ir.Expr {
	in := func(pigeon, hole int) ir.Expr { return is(fmt.Sprintf("p%dh%d", pigeon, hole), "a") }
	var and ir.And
	for pigeon := range n + 1 {
		var or ir.Or
		for hole := range n {
			or = append(or, in(pigeon, hole))
			for other := range pigeon {
				and = append(and, ir.Not{X: ir.And{in(pigeon, hole), in(other, hole)}})
			}
		}
		and = append(and, or)
	}
	return and
}

// TestSearchBudget holds that a rule that needs exponentially many conflicts is given
// up after its budget, always at the same one.
func TestSearchBudget(t *testing.T) {
	if event, reason := Match(pigeons(5), DefaultBudget); event != nil || reason != "" {
		t.Errorf("6 pigeons: %v, %q", event, reason)
	}
	left := 0
	for range 2 {
		p := &Purse{Each: DefaultBudget / 4, Left: DefaultBudget / 4}
		if event, reason := p.Match(pigeons(12)); event != nil || reason != givenUp {
			t.Errorf("13 pigeons: %v, %q", event, reason)
		}
		if left != 0 && p.Left != left || p.Left < -1000 {
			t.Errorf("%d steps are left, and %d", left, p.Left)
		}
		left = p.Left
	}
}
