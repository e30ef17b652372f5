package correlation

import (
	"math/big"
	"slices"
	"strings"
)

// A Stream finds the hits of a correlation in events that come in the order of time. It
// keeps the windows of the groups that have one.
type Stream struct {
	*Definition
	groups map[string]*window
	idle   queue[visit] // in the order of time: when a window may have run empty
	whole  *big.Rat
}

type visit struct {
	*window
	time int64
}

// A window is what one group has in it, and what is counted there.
type window struct {
	group    string
	items    queue[item]
	has      []int          // events of each rule
	last     int64          // when the latest event was
	begun    []int64        // of an ordered one, when the latest chain of the first rules began
	distinct map[string]int // how many events have a value
	sum      *big.Rat
	numbers  []*big.Rat // rising, where they are ranked
	n        int        // of numbers
}

type item struct {
	time    int64
	rules   []int
	values  []string
	numbers []*big.Rat
}

// never is before any event.
const never = -1 << 63

// NewStream is a stream before its first event.
func (d *Definition) NewStream() *Stream {
	return &Stream{Definition: d, groups: map[string]*window{}, whole: big.NewRat(int64(d.rules), 1)}
}

// Groups are how many have a window at the moment.
func (s *Stream) Groups() int { return len(s.groups) }

// Instant takes all selections of a time, which is after that of the call before, and gives
// the hits there, by group.
func (s *Stream) Instant(t int64, selections []Selection) (out []Hit) {
	for s.idle.len() > 0 && s.idle.first().time < t-s.span {
		if w := s.idle.pop().window; w.last < t-s.span {
			delete(s.groups, w.group)
		}
	}
	var touched []*window
	for _, x := range selections {
		w := s.groups[x.Group]
		if w == nil {
			w = s.window(x.Group)
			s.groups[x.Group] = w
		}
		if w.last != t {
			w.last = t
			touched = append(touched, w)
			s.idle.push(visit{w, t})
			for w.items.len() > 0 && w.items.first().time < t-s.span {
				s.change(w, w.items.pop(), -1)
			}
		}
		it := item{time: t, rules: x.Rules, values: x.Values}
		if s.Numeric() {
			it.values = nil
			for _, v := range x.Values {
				if n := rat(v); n != nil {
					it.numbers = append(it.numbers, n)
				}
			}
		}
		w.items.push(it)
		s.change(w, it, 1)
	}
	for _, w := range touched {
		if value := s.valueOf(w, t); value != nil && s.satisfied(value, func(rule int) bool { return w.has[rule] > 0 }) {
			h := Hit{Group: w.group, Time: t, Start: w.items.first().time, Events: w.items.len(), Value: number(value)}
			for r, n := range w.has {
				if n > 0 {
					h.Rules = append(h.Rules, r)
				}
			}
			out = append(out, h)
		}
	}
	slices.SortFunc(out, func(a, b Hit) int { return strings.Compare(a.Group, b.Group) })
	return out
}

func (s *Stream) window(group string) *window {
	w := &window{group: group, has: make([]int, s.rules), last: never}
	switch s.kind {
	case "temporal_ordered":
		w.begun = slices.Repeat([]int64{never}, s.rules)
	case "value_count":
		w.distinct = map[string]int{}
	case "value_sum", "value_avg":
		w.sum = new(big.Rat)
	}
	return w
}

// change counts an event that comes (by 1) or goes (by -1).
func (s *Stream) change(w *window, it item, by int) {
	for _, r := range it.rules {
		w.has[r] += by
	}
	if w.distinct != nil {
		for _, v := range it.values {
			if w.distinct[v] += by; w.distinct[v] == 0 {
				delete(w.distinct, v)
			}
		}
	}
	for _, n := range it.numbers {
		w.n += by
		switch {
		case w.sum != nil && by > 0:
			w.sum.Add(w.sum, n)
		case w.sum != nil:
			w.sum.Sub(w.sum, n)
		default:
			at, _ := slices.BinarySearchFunc(w.numbers, n, (*big.Rat).Cmp)
			if by > 0 {
				w.numbers = slices.Insert(w.numbers, at, n)
			} else {
				w.numbers = slices.Delete(w.numbers, at, at+1)
			}
		}
	}
}

// valueOf is Definition.value of a window.
func (s *Stream) valueOf(w *window, t int64) *big.Rat {
	switch s.kind {
	case "event_count":
		return big.NewRat(int64(w.items.len()), 1)
	case "value_count":
		return big.NewRat(int64(len(w.distinct)), 1)
	case "temporal":
		n := int64(0)
		for _, events := range w.has {
			if events > 0 {
				n++
			}
		}
		return big.NewRat(n, 1)
	case "temporal_ordered":
		if !s.chained(w, t) {
			return nil
		}
		return s.whole
	case "value_sum", "value_avg":
		if w.n == 0 {
			return nil
		}
		v := new(big.Rat).Set(w.sum)
		if s.kind == "value_avg" {
			v.Quo(v, big.NewRat(int64(w.n), 1))
		}
		return v
	}
	return s.numeric(w.numbers)
}

// chained takes the events of t into the chains: the latest beginning of a chain up to a
// rule is that of a chain up to the rule before it. It says whether a whole one ends at t.
func (s *Stream) chained(w *window, t int64) bool {
	now := make([]bool, s.rules)
	for i := w.items.len() - 1; i >= 0 && w.items.at(i).time == t; i-- {
		for _, r := range w.items.at(i).rules {
			now[r] = true
		}
	}
	for r, is := range now {
		switch {
		case !is:
		case r == 0:
			w.begun[0] = t
		default:
			w.begun[r] = max(w.begun[r], w.begun[r-1])
		}
	}
	last := s.rules - 1
	return now[last] && w.begun[last] != never && w.begun[last] >= t-s.span
}

// A queue lets go of what was popped when half of it is.
type queue[T any] struct {
	list []T
	head int
}

func (q *queue[T]) len() int   { return len(q.list) - q.head }
func (q *queue[T]) first() *T  { return &q.list[q.head] }
func (q *queue[T]) at(i int) T { return q.list[q.head+i] }
func (q *queue[T]) push(x T)   { q.list = append(q.list, x) }

func (q *queue[T]) pop() T {
	x := q.list[q.head]
	var zero T
	q.list[q.head] = zero
	if q.head++; q.head > 16 && q.head*2 > len(q.list) {
		q.list = append(q.list[:0:0], q.list[q.head:]...)
		q.head = 0
	}
	return x
}
