package verify

import "slices"

// A lit is a variable, twice its number, or with one more the negation of it.
type lit int32

func litOf(l int) lit {
	if l < 0 {
		return lit(-l)<<1 | 1
	}
	return lit(l) << 1
}

// A search looks for an assignment that clauses allow, by learning a clause of
// each conflict (Marques-Silva and Sakallah: GRASP; Moskewicz et al.: Chaff; Eén and
// Sörensson: An extensible SAT solver). Clauses may be added between two solutions.
// It counts its work, so that a budget can end it.
type search struct {
	clauses [][]lit
	from    []int32   // of each clause, the literal that was watched last: the next one is looked for from there
	watches [][]watch // of each literal, clauses that are looked at when it becomes false
	value   []int8    // of each literal: 1 true, -1 false
	level   []int32   // of each variable that has a value: how many decisions came before
	reason  []int32   // the clause that gave it, or none
	phase   []bool    // the value that it had last
	seen    []bool
	trail   []lit   // what is true, in its order
	starts  []int32 // where on the trail each decision is
	head    int     // of the trail, up to where clauses were looked at
	order   order
	failed  bool // there is no assignment
	work    int
}

// A watch is a clause, and another of its literals: while that is true, so is the
// clause.
type watch struct {
	clause int32
	other  lit
}

const (
	none        = -1
	workOfWatch = 4 // a clause that is looked at lies somewhere in memory
)

func newSearch(vars int) *search {
	n := vars + 1
	s := &search{watches: make([][]watch, 2*n), value: make([]int8, 2*n), level: make([]int32, n), reason: make([]int32, n),
		phase: make([]bool, n), seen: make([]bool, n), order: order{activity: make([]float64, n), at: make([]int32, n), step: 1}}
	for v := range s.order.at {
		s.order.at[v] = none
	}
	for v := 1; v < n; v++ {
		s.order.insert(int32(v))
	}
	s.work += n
	return s
}

// add takes in a clause. Decisions are taken back.
func (s *search) add(clause []int) {
	s.back(0)
	s.work += len(clause)
	var c []lit
	for _, l := range clause {
		c = append(c, litOf(l))
	}
	slices.Sort(c)
	c = slices.Compact(c)
	for i := 1; i < len(c); i++ {
		if c[i]^1 == c[i-1] {
			return
		}
	}
	if slices.ContainsFunc(c, func(l lit) bool { return s.value[l] > 0 }) {
		return
	}
	c = slices.DeleteFunc(c, func(l lit) bool { return s.value[l] < 0 })
	switch len(c) {
	case 0:
		s.failed = true
	case 1:
		s.assign(c[0], none)
	default:
		s.watch(c)
	}
}

func (s *search) watch(c []lit) int32 {
	i := int32(len(s.clauses))
	s.clauses, s.from = append(s.clauses, c), append(s.from, 2)
	s.watches[c[0]] = append(s.watches[c[0]], watch{i, c[1]})
	s.watches[c[1]] = append(s.watches[c[1]], watch{i, c[0]})
	return i
}

func (s *search) assign(l lit, reason int32) {
	s.value[l], s.value[l^1] = 1, -1
	s.level[l>>1], s.reason[l>>1] = int32(len(s.starts)), reason
	s.trail = append(s.trail, l)
}

// back takes back the decisions from one on.
func (s *search) back(level int) {
	if level >= len(s.starts) {
		return
	}
	for _, l := range s.trail[s.starts[level]:] {
		s.value[l], s.value[l^1] = 0, 0
		s.phase[l>>1] = l&1 == 0
		s.order.insert(int32(l >> 1))
	}
	s.trail = s.trail[:s.starts[level]]
	s.starts, s.head = s.starts[:level], len(s.trail)
}

// propagate gives the values that follow. It returns the clause that is false, or
// none.
func (s *search) propagate() int32 {
	for ; s.head < len(s.trail); s.head++ {
		off := s.trail[s.head] ^ 1
		watches := s.watches[off]
		s.work += 1 + workOfWatch*len(watches)
		kept := watches[:0]
		for i, w := range watches {
			if s.value[w.other] > 0 {
				kept = append(kept, w)
				continue
			}
			c := s.clauses[w.clause]
			if c[0] == off {
				c[0], c[1] = c[1], c[0]
			}
			if s.value[c[0]] <= 0 && s.move(w.clause, c) {
				continue
			}
			kept = append(kept, watch{w.clause, c[0]})
			switch {
			case s.value[c[0]] < 0:
				s.watches[off] = append(kept, watches[i+1:]...)
				return w.clause
			case s.value[c[0]] == 0:
				s.assign(c[0], w.clause)
			}
		}
		s.watches[off] = kept
	}
	return none
}

// move watches another literal than the second, if there is one that is not false.
func (s *search) move(clause int32, c []lit) bool {
	i := int(s.from[clause])
	for looked := 2; looked < len(c); looked++ {
		if i++; i >= len(c) {
			i = 2
		}
		if l := c[i]; s.value[l] >= 0 {
			s.work += looked
			c[1], c[i], s.from[clause] = l, c[1], int32(i)
			s.watches[l] = append(s.watches[l], watch{clause, c[0]})
			return true
		}
	}
	s.work += len(c)
	return false
}

// learn is a clause that follows from those of a conflict, with one literal of the
// last decision, which is first, and the level where that has its value.
func (s *search) learn(conflict int32) (learned []lit, level int) {
	learned = []lit{0}
	last, open := int32(len(s.starts)), 0
	at := len(s.trail) - 1
	for l := lit(none); ; {
		for _, x := range s.clauses[conflict] {
			v := x >> 1
			if x == l || s.seen[v] || s.level[v] == 0 {
				continue
			}
			s.seen[v] = true
			s.order.bump(int32(v))
			if s.level[v] == last {
				open++
			} else {
				learned = append(learned, x)
			}
		}
		s.work += len(s.clauses[conflict])
		for !s.seen[s.trail[at]>>1] {
			at--
		}
		l = s.trail[at]
		s.seen[l>>1] = false
		if open--; open == 0 {
			learned[0] = l ^ 1
			break
		}
		conflict = s.reason[l>>1]
	}
	all := slices.Clone(learned[1:])
	// What follows from the others says nothing.
	learned = append(learned[:1], slices.DeleteFunc(learned[1:], func(x lit) bool {
		r := s.reason[x>>1]
		if r == none {
			return false
		}
		s.work += len(s.clauses[r])
		return !slices.ContainsFunc(s.clauses[r], func(y lit) bool {
			return y>>1 != x>>1 && !s.seen[y>>1] && s.level[y>>1] > 0
		})
	})...)
	for _, x := range all {
		s.seen[x>>1] = false
	}
	for i := 1; i < len(learned); i++ {
		if s.level[learned[i]>>1] > s.level[learned[1]>>1] {
			learned[1], learned[i] = learned[i], learned[1]
		}
	}
	if len(learned) > 1 {
		level = int(s.level[learned[1]>>1])
	}
	return learned, level
}

// solve is an assignment, or nil where there is none, or spent where that took more
// than so much work.
func (s *search) solve(most int) (a assignment, spent bool) {
	most += s.work
	for restart, conflicts := 1, 0; !s.failed; {
		if s.work > most {
			return nil, true
		}
		if conflict := s.propagate(); conflict != none {
			if len(s.starts) == 0 {
				s.failed = true
				break
			}
			learned, level := s.learn(conflict)
			s.back(level)
			if len(learned) == 1 {
				s.assign(learned[0], none)
			} else {
				s.assign(learned[0], s.watch(learned))
			}
			s.order.step /= 0.95
			if conflicts++; conflicts >= restartAfter*luby(restart) {
				restart, conflicts = restart+1, 0
				s.back(0)
			}
			continue
		}
		v := s.order.next(s)
		if v == none {
			a = make(assignment, len(s.level))
			for v := range a {
				a[v] = s.value[2*v] > 0
			}
			return a, false
		}
		s.starts = append(s.starts, int32(len(s.trail)))
		l := lit(v) << 1
		if !s.phase[v] {
			l |= 1
		}
		s.assign(l, none)
	}
	return nil, false
}

// restartAfter are the conflicts after which the search begins anew, as often as
// luby says.
const restartAfter = 100

// luby is the i-th of 1, 1, 2, 1, 1, 2, 4, …
func luby(i int) int {
	for k := 1; ; k++ {
		switch {
		case i == 1<<k-1:
			return 1 << (k - 1)
		case i < 1<<k-1:
			return luby(i - (1<<(k-1) - 1))
		}
	}
}

// An order is a heap of variables: what was part of the most conflicts of late
// comes first.
type order struct {
	heap     []int32
	at       []int32 // of each variable, or none
	activity []float64
	step     float64
}

func (o *order) before(v, w int32) bool {
	return o.activity[v] > o.activity[w] || o.activity[v] == o.activity[w] && v > w
}

func (o *order) bump(v int32) {
	if o.activity[v] += o.step; o.activity[v] > 1e100 {
		for i := range o.activity {
			o.activity[i] *= 1e-100
		}
		o.step *= 1e-100
	}
	if o.at[v] != none {
		o.up(o.at[v])
	}
}

func (o *order) insert(v int32) {
	if o.at[v] == none {
		o.at[v] = int32(len(o.heap))
		o.heap = append(o.heap, v)
		o.up(o.at[v])
	}
}

// next takes out the first variable that has no value, or is none.
func (o *order) next(s *search) int32 {
	for len(o.heap) > 0 {
		v, last := o.heap[0], int32(len(o.heap)-1)
		o.swap(0, last)
		o.heap, o.at[v] = o.heap[:last], none
		o.down(0)
		if s.work += 8; s.value[2*v] == 0 {
			return v
		}
	}
	return none
}

func (o *order) swap(i, j int32) {
	o.heap[i], o.heap[j] = o.heap[j], o.heap[i]
	o.at[o.heap[i]], o.at[o.heap[j]] = i, j
}

func (o *order) up(i int32) {
	for i > 0 && o.before(o.heap[i], o.heap[(i-1)/2]) {
		o.swap(i, (i-1)/2)
		i = (i - 1) / 2
	}
}

func (o *order) down(i int32) {
	for {
		first := i
		for _, j := range []int32{2*i + 1, 2*i + 2} {
			if int(j) < len(o.heap) && o.before(o.heap[j], o.heap[first]) {
				first = j
			}
		}
		if first == i {
			return
		}
		o.swap(i, first)
		i = first
	}
}
