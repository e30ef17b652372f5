package tail

import (
	"fmt"
	"slices"
)

// Sequence finds chains of events, one for each step, in the way of EQL. For each tuple of
// keys there is a machine with a place behind each step but the last, which holds one chain
// at most. An event that passes the test of a step takes the chain behind the step before
// along, and leaves it behind its own in place of another, or is found with it behind the
// last; an event of the first step begins a chain. A chain that was taken is gone, also
// where it is older than Span, or an event of Until came behind its last one. An event
// serves one step of a chain at most, and several chains.
//
// A step may instead ask that no event passes it, of the same keys and between the events of
// its neighbours, none of these instants; before the first or behind the last event of a
// chain, that none is within Span of the other end.
//
// Rows are taken in the order of Time, those of one time as they come. Each chain is a row
// with the keys of its first event, and Began, Ended and Events, in the order of Ended.
type Sequence struct {
	Time  string // a column
	Steps []Step
	Until *Step
	Span  float64 // in seconds, both ends included; 0: any
}

// A Step is what a Sequence asks of one event.
type Step struct {
	Test    Expr
	By      []Named
	Null    []bool // of By: null is a key like others
	Missing bool   // no event passes
}

// What the row of a chain has beside its keys: when its first and its last event happened,
// and the list of their numbers.
const (
	Began  = "$began"
	Ended  = "$ended"
	Events = "$events"
)

// Last keeps the last rows.
type Last struct{ N int }

// Sample finds the tuples of keys for which there are different events, one that passes each
// step, whatever their times. Each is a row with the keys, in the order of the first events.
type Sample struct{ Steps []Step }

// A chain is some events with the same keys.
type chain struct {
	keys []Value
	at   []int // of the rows
}

// last is the row of the latest event.
func (c *chain) last() int { return c.at[len(c.at)-1] }

// A machine is what a Sequence knows of one tuple of keys.
type machine struct {
	waiting []*chain // behind each step that an event passes
	until   int      // the row of the latest event that ends chains
}

// Apply finds the chains.
func (o Sequence) Apply(env *Env, rows []Row) (out []Row) {
	rows = slices.DeleteFunc(slices.Clone(rows), func(r Row) bool { _, timed := r[o.Time].(float64); return !timed })
	slices.SortStableFunc(rows, func(a, b Row) int { return Compare(a[o.Time], b[o.Time]) })
	if env.Steps -= len(rows) * (len(o.Steps) + 1); env.Steps < 0 {
		return nil
	}
	time := func(i int) float64 { return rows[i][o.Time].(float64) }
	steps := slices.DeleteFunc(slices.Clone(o.Steps), func(s Step) bool { return s.Missing })
	machines := map[string]*machine{}
	of := func(keys []Value) *machine {
		k := Key(keys...)
		if machines[k] == nil {
			machines[k] = &machine{waiting: make([]*chain, len(steps)), until: -1}
		}
		return machines[k]
	}
	for i := range rows {
		f := &Frame{Env: env, Rows: rows, At: i}
		for n, s := range slices.Backward(steps) {
			for _, keys := range s.passes(f) {
				m := of(keys)
				c := &chain{keys: keys}
				if n > 0 {
					c, m.waiting[n-1] = m.waiting[n-1], nil
					if c == nil || o.Span > 0 && time(i)-time(c.at[0]) > o.Span || m.until >= c.last() {
						continue
					}
				}
				c.at = append(c.at, i)
				if n < len(steps)-1 {
					m.waiting[n] = c
				} else if o.complete(env, rows, c) {
					out = append(out, o.row(rows, c))
				}
			}
		}
		if o.Until != nil {
			for _, keys := range o.Until.passes(f) {
				of(keys).until = i
			}
		}
		if env.Steps < 0 {
			return nil
		}
	}
	return out
}

// passes are the tuples of keys of the row of a frame, each once; none if it fails the test.
func (s *Step) passes(f *Frame) (out [][]Value) {
	if s.Test.Eval(f) != true {
		return nil
	}
	seen := map[string]bool{}
	for _, ks := range keys(f, s.By) {
		lacks := false
		for i, k := range ks {
			lacks = lacks || k == nil && !s.Null[i]
		}
		if k := Key(ks...); !lacks && !seen[k] {
			seen[k] = true
			out = append(out, ks)
		}
	}
	return out
}

// complete says whether no event is in a chain that must be missing there.
func (o Sequence) complete(env *Env, rows []Row, c *chain) bool {
	time := func(i int) float64 { return rows[i][o.Time].(float64) }
	began, ended := time(c.at[0]), time(c.last())
	from, to := began, ended
	before, after := true, true // none is missing outside of the chain, or none is there
	n := 0                      // events of the chain before the step
	for _, s := range o.Steps {
		if !s.Missing {
			n++
			continue
		}
		if env.Steps -= len(rows); env.Steps < 0 {
			return false
		}
		for i := range rows {
			t := time(i)
			here := func() bool {
				return slices.ContainsFunc(s.passes(&Frame{Env: env, Rows: rows, At: i}), func(ks []Value) bool { return Key(ks...) == Key(c.keys...) })
			}
			switch {
			case n == 0:
				if t < began && here() && (before || t > from) {
					before, from = false, t
				}
			case n == len(c.at):
				if t > ended && here() && (after || t < to) {
					after, to = false, t
				}
			case time(c.at[n-1]) < t && t < time(c.at[n]) && here():
				return false
			}
		}
	}
	if first, last := o.Steps[0].Missing, o.Steps[len(o.Steps)-1].Missing; first && before || last && after || !first && !last {
		return true
	}
	return to-from > o.Span
}

// Apply finds the keys.
func (o Sample) Apply(env *Env, rows []Row) (out []Row) {
	if env.Steps -= len(rows) * (len(o.Steps) + 1); env.Steps < 0 {
		return nil
	}
	type found struct {
		keys   []Value
		events [][]int // that pass each step
	}
	var all []*found
	index := map[string]*found{}
	for i := range rows {
		for n, s := range o.Steps {
			for _, keys := range s.passes(&Frame{Env: env, Rows: rows, At: i}) {
				x := index[Key(keys...)]
				if x == nil {
					x = &found{keys: keys, events: make([][]int, len(o.Steps))}
					index[Key(keys...)] = x
					all = append(all, x)
				}
				x.events[n] = append(x.events[n], i)
			}
		}
	}
	for _, x := range all {
		if different(x.events) {
			r := Row{}
			for i, n := range o.Steps[0].By {
				r[n.Name] = x.keys[i]
			}
			out = append(out, r)
		}
	}
	return out
}

// different says whether a number can be taken from each list, none twice.
func different(lists [][]int) bool {
	taken := map[int]int{} // numbers, by which list
	var take func(list int, seen map[int]bool) bool
	take = func(list int, seen map[int]bool) bool {
		for _, x := range lists[list] {
			if seen[x] {
				continue
			}
			seen[x] = true
			if other, is := taken[x]; !is || take(other, seen) {
				taken[x] = list
				return true
			}
		}
		return false
	}
	for i := range lists {
		if !take(i, map[int]bool{}) {
			return false
		}
	}
	return true
}

func (o Sequence) row(rows []Row, c *chain) Row {
	r := Row{Began: rows[c.at[0]][o.Time], Ended: rows[c.last()][o.Time]}
	events := make([]Value, len(c.at))
	for i, at := range c.at {
		events[i] = rows[at][Event]
	}
	r[Events] = events
	first := slices.IndexFunc(o.Steps, func(s Step) bool { return !s.Missing })
	for i, n := range o.Steps[first].By {
		r[n.Name] = c.keys[i]
	}
	return r
}

// Apply keeps the last rows.
func (o Last) Apply(_ *Env, rows []Row) []Row { return rows[max(len(rows)-o.N, 0):] }

func (o Sample) String() string { return "sample " + list(o.Steps) }

func (o Last) String() string { return fmt.Sprintf("last %d", o.N) }

func (o Sequence) String() string {
	s := "sequence by time " + o.Time
	if o.Span > 0 {
		s += " within " + text(o.Span)
	}
	s += " (" + list(o.Steps) + ")"
	if o.Until != nil {
		s += " until " + o.Until.String()
	}
	return s
}

func (s Step) String() string {
	out := s.Test.String()
	if s.Missing {
		out = "missing " + out
	}
	for i, n := range s.By {
		out += map[bool]string{true: " by ", false: ", "}[i == 0] + n.String()
		if s.Null[i] {
			out += " or null"
		}
	}
	return out
}
