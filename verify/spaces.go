package verify

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"

	"sigmac/internal/lazy"
)

// The limits of a comparison over streams.
const (
	workOfTail = 16      // rows that stages take, of a stream, in the mean: then all streams take half a second
	maxRunWork = 1 << 20 // in one stream
	maxBurst   = 2_000   // events of one instant that are alike
	fewEvents  = 4       // up to this threshold, each event of a stream is chosen by itself
	maxChosen  = 5       // events of a stream that are
	maxColumns = 16      // that queries ask for beside those of the correlation
)

// A space is streams that are alike.
type space struct {
	what     string
	bursts   [][]*shape // events of one instant, in their order
	times    []int64
	from, to int  // bursts in a stream
	anyOrder bool // of arrival; else events arrive in the order of time
}

// size is the number of streams of n bursts.
func (s space) size(n int) float64 {
	size := 1.0
	for i := range n {
		size *= float64(len(s.bursts))
		if s.anyOrder {
			size *= float64(len(s.times))
		} else {
			size *= float64(len(s.times)+i) / float64(i+1)
		}
	}
	return size
}

// each gives all streams of n bursts, until yield is false.
func (s space) each(n int, base int64, yield func([]event) bool) bool {
	var stream []event
	var choose func(left, from int) bool
	choose = func(left, from int) bool {
		if left == 0 {
			return !canonical(stream) || yield(stream)
		}
		for i := from; i < len(s.times); i++ {
			for _, b := range s.bursts {
				had := len(stream)
				for _, x := range b {
					stream = append(stream, event{x, base + s.times[i]})
				}
				next := i
				if s.anyOrder {
					next = 0
				}
				more := choose(left-1, next)
				if stream = stream[:had]; !more {
					return false
				}
			}
		}
		return true
	}
	return choose(n, 0)
}

// some is a random stream of n bursts.
func (s space) some(n int, base int64, r *rand.Rand) (stream []event) {
	for range n {
		at := base + s.times[r.IntN(len(s.times))]
		for _, x := range s.bursts[r.IntN(len(s.bursts))] {
			stream = append(stream, event{x, at})
		}
	}
	if !s.anyOrder {
		slices.SortStableFunc(stream, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	}
	return stream
}

// canonical says whether names come in their order: of streams that differ in names alone,
// one does.
func canonical(stream []event) bool {
	group, value := 0, 0
	for _, e := range stream {
		if e.group > group || e.value > value {
			return false
		}
		group, value = max(group, e.group+1), max(value, e.value+1)
	}
	return true
}

var (
	quotedText = lazy.Regexp(`"(?:\\.|[^"\\])*"`)
	plainValue = lazy.Regexp(`(?:^|[^\w$.])(\d+(?:\.\d+)?)\b`)
)

// numbers are those that the queries have, rising.
func (t *trial) numbers() (out []float64) {
	for _, q := range t.queries {
		for _, m := range plainValue().FindAllStringSubmatch(quotedText().ReplaceAllString(q.String(), ""), -1) {
			if n, err := strconv.ParseFloat(m[1], 64); err == nil {
				out = append(out, n)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// thresholds are the numbers of events, of values or of rules at which an answer may change: those of
// the correlation, and those of the queries that are not much larger. A query with a much
// larger one does not find what the correlation does.
func (t *trial) thresholds() (out []int) {
	switch t.c.Type.Text {
	case "event_count", "value_count":
		for _, l := range t.c.Condition {
			if n, err := strconv.ParseFloat(string(l.Number), 64); err == nil && n < 1<<30 {
				out = append(out, int(math.Ceil(n)))
			}
		}
	case "value_percentile":
		// Of so many values, one alone is not where the percentile is.
		p, _ := strconv.ParseFloat(string(t.c.Percentile), 64)
		if rest := min(p, 100-p); rest > 0 {
			out = append(out, int(math.Ceil(100/rest)))
		}
	default:
		out = append(out, len(t.c.Rules))
	}
	own := 1
	if len(out) > 0 {
		own = slices.Max(out)
	}
	window := t.c.Window().Seconds()
	for _, n := range t.numbers() {
		near := func(to float64) bool { return math.Abs(n-to) <= 2 }
		if n == math.Trunc(n) && n >= 1 && n <= float64(2*own+2) && !near(window) && !near(2*window) {
			out = append(out, int(n))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// largest is the largest threshold.
func (t *trial) largest() int {
	if all := t.thresholds(); len(all) > 0 {
		return all[len(all)-1]
	}
	return 1
}

// offsets are times after the base at which windows begin and end, and a second beside
// them; close: and half a second.
func (t *trial) offsets() (few, borders, close []int64) {
	window := int64(t.c.Window())
	spans := []int64{window}
	numbers := t.numbers()
	slices.SortStableFunc(numbers, func(a, b float64) int {
		apart := func(n float64) float64 { return math.Abs(math.Log(n / t.c.Window().Seconds())) }
		return cmp.Compare(apart(a), apart(b))
	})
	for _, n := range numbers {
		if s := int64(n * 1e9); n > 0 && n < 1e9 && s != window && s != 2*window && len(spans) < 3 {
			spans = append(spans, s)
		}
	}
	few = []int64{0, second, window, window + second}
	borders = []int64{0, second, 2 * window, 2*window + second}
	for _, s := range spans {
		borders = append(borders, s-second, s, s+second)
	}
	close = append(slices.Clone(borders), second/2)
	for _, s := range spans {
		close = append(close, s-second/2, s+second/2)
	}
	for _, l := range []*[]int64{&few, &borders, &close} {
		*l = slices.DeleteFunc(*l, func(at int64) bool { return at < 0 })
		slices.Sort(*l)
		*l = slices.Compact(*l)
	}
	return few, borders, close
}

// spaces are those that are searched.
func (t *trial) spaces() (out []space) {
	few, borders, close := t.offsets()
	values, plain := t.counts()
	single := func(kinds []*sortOf, groups, values []cells) (out [][]*shape) {
		for _, k := range kinds {
			for _, g := range groups {
				for _, v := range values {
					if s := t.shape(k, g, v); s != nil {
						out = append(out, []*shape{s})
					}
				}
			}
		}
		return out
	}
	selected := slices.DeleteFunc(slices.Clone(t.kinds), func(k *sortOf) bool {
		return k.rules == 0 || !slices.ContainsFunc(t.groups, func(g cells) bool { return t.shape(k, g, values[0]) != nil })
	})
	if len(selected) == 0 {
		return nil
	}
	one, a := selected[:1], t.groups[:1]
	twoGroups := t.groups[:min(2, len(t.groups))]
	largest := t.largest()
	most := max(3, min(largest+1, maxChosen))
	switch {
	case t.d.Numeric():
		most = fewEvents
	case largest > fewEvents:
		most = 3
	}
	if largest > fewEvents {
		out = append(out,
			space{what: "one rule, many events at a time", bursts: t.bursts(one, a), times: few, from: 1, to: 3},
			space{what: "any rules, two groups, many events at a time", bursts: t.bursts(selected[:min(len(selected), 4)], twoGroups), times: borders, from: 1, to: 3},
			space{what: "several rules at a time", bursts: t.together(a), times: few, from: 1, to: 3})
	}
	enough := plain
	if t.d.Numeric() {
		enough = min(plain, 2)
	}
	t.plain = single(t.kinds, t.groups, values[:1])
	out = append(out,
		space{what: "one event, anything", bursts: single(t.kinds, t.groups, values), times: few[:1], from: 1, to: 1},
		space{what: "any rules, any state of the group", bursts: t.plain, times: close, from: 1, to: 2, anyOrder: true},
		space{what: "any rules, one group", bursts: single(t.kinds, a, values[:enough]), times: borders, from: 2, to: most},
		space{what: "any rules, any state of the group, few times", bursts: t.plain, times: few, from: 3, to: most},
		space{what: "any rules, two groups, any order of arrival", bursts: single(selected, twoGroups, values[:1]), times: few, from: 3, to: max(3, most-1), anyOrder: true})
	if len(values) > 1 {
		out = append(out,
			space{what: "one rule, any values", bursts: single(one, a, values), times: few, from: 1, to: most},
			space{what: "any rules, any values", bursts: single(selected, a, values), times: borders, from: 2, to: most})
	}
	return append(out, space{what: "anything", bursts: single(t.kinds, t.groups, values), times: close, from: 3, to: most + 1, anyOrder: true})
}

// bursts are numbers of events around the thresholds, alike, or of different values.
func (t *trial) bursts(kinds []*sortOf, groups []cells) (out [][]*shape) {
	counts := []int{1}
	for _, n := range t.thresholds() {
		counts = append(counts, n-1, n, n+1)
	}
	slices.Sort(counts)
	counts = slices.DeleteFunc(slices.Compact(counts), func(n int) bool { return n < 1 || n > maxBurst })
	values, plain := t.counts()
	count := t.c.Type.Text == "value_count" && len(t.counted()) > 0
	for _, k := range kinds {
		for _, g := range groups {
			for _, n := range counts {
				var all [][]*shape
				for i, v := range values[:min(plain, 2)] {
					if i == 0 || t.d.Numeric() {
						all = append(all, slices.Repeat([]*shape{t.shape(k, g, v)}, n))
					}
				}
				for _, from := range []int{0, n} { // the same values as others, and others
					if n > 1 && count {
						var b []*shape
						for i := range n {
							v := t.all(from + i)
							v.rank = -1
							v.name = "burst " + v.name
							b = append(b, t.shape(k, g, v))
						}
						all = append(all, b)
					}
				}
				for _, b := range all {
					if !slices.Contains(b, nil) {
						out = append(out, b)
					}
				}
			}
		}
	}
	return out
}

// together are an event of each rule at a time, of all rules, of all but one and of one.
func (t *trial) together(groups []cells) (out [][]*shape) {
	values, _ := t.counts()
	var each []*shape
	for i := range t.rules {
		for _, k := range t.kinds {
			if k.rules.has(i) && k.rules.size() == 1 {
				each = append(each, t.shape(k, groups[0], values[0]))
				break
			}
		}
	}
	if each = slices.DeleteFunc(each, func(s *shape) bool { return s == nil }); len(each) < 2 {
		return nil
	}
	back := slices.Clone(each)
	slices.Reverse(back)
	out = append(out, each, back)
	for i, s := range each {
		out = append(out, []*shape{s}, slices.Delete(slices.Clone(each), i, i+1))
	}
	return out
}

// search looks for a stream in which there is a difference, short ones first, and says what
// was tried.
func (t *trial) search() (found []event, tried []string) {
	type level struct{ space, n int }
	var levels []level
	spaces := t.spaces()
	said := make([]string, len(spaces))
	for i, s := range spaces {
		for n := s.from; n <= s.to && len(s.bursts) > 0; n++ {
			levels = append(levels, level{i, n})
		}
	}
	slices.SortStableFunc(levels, func(a, b level) int { return cmp.Compare(a.n, b.n) })
	r := rand.New(rand.NewPCG(1, 1))
	try := func(stream []event) bool {
		t.tried++
		if wider, narrower := t.differ(stream); wider || narrower {
			if slices.ContainsFunc(stream, func(e event) bool { return e.event == nil }) {
				t.unsure = true
			} else {
				found = slices.Clone(stream)
			}
		}
		return found == nil && t.failed == nil
	}
	var rest []level
	note := func(l level, format string, args ...any) {
		if said[l.space] != "" {
			said[l.space] += ", "
		}
		said[l.space] += fmt.Sprintf(format, args...)
	}
	for _, l := range levels {
		s := spaces[l.space]
		size, before := s.size(l.n), t.work
		for i := 0; i < probes && size > probes; i++ {
			if !try(s.some(l.n, t.base, r)) {
				return found, nil
			}
		}
		if mean := float64(t.work-before) / probes; size > share*float64(t.streams-t.tried) || size*mean > share*float64(t.streams*workOfTail-t.work) {
			rest = append(rest, l)
			continue
		}
		if !s.each(l.n, t.base, try) {
			return found, nil
		}
		said[l.space] = fmt.Sprintf("all streams of up to %d", l.n)
	}
	for i, l := range rest {
		s, left := spaces[l.space], len(rest)-i
		streams, work := min((t.streams-t.tried)/left, maxSome), (t.streams*workOfTail-t.work)/left
		from, before := t.tried, t.work
		for t.tried-from < streams && t.work-before < work {
			if !try(s.some(l.n, t.base, r)) {
				return found, nil
			}
		}
		note(l, "%d of %.0f streams of %d", t.tried-from, s.size(l.n), l.n)
	}
	for i, s := range spaces {
		if said[i] != "" {
			tried = append(tried, s.what+": "+said[i])
		}
	}
	return nil, tried
}

// The streams of a space that are too many are tried in part.
const (
	probes  = 16  // show what one costs
	share   = 0.3 // of what is left may be spent on all streams of a space
	maxSome = 4_000
)

// shorten is a stream with a difference from which no event can be left out, and in which
// events are as plain as they can be.
func (t *trial) shorten(stream []event) []event {
	differs := func(s []event) bool {
		wider, narrower := t.differ(s)
		return wider || narrower
	}
	for size := max(len(stream)/2, 1); size > 0; {
		shorter := false
		for i := 0; i+size <= len(stream); {
			if less := slices.Delete(slices.Clone(stream), i, i+size); differs(less) {
				stream, shorter = less, true
			} else {
				i += size
			}
		}
		if !shorter || size > 1 {
			size /= 2
		}
	}
	together := slices.Clone(stream)
	for i, e := range stream {
		if s := t.shape(e.kind, t.groups[0], e.counts); s != nil && s.event != nil {
			together[i].shape = s
		}
	}
	if differs(together) {
		stream = together
	}
	sorted := slices.Clone(stream)
	slices.SortStableFunc(sorted, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	if differs(sorted) {
		stream = sorted
	}
	for i := range stream {
		for _, b := range t.plain {
			other := slices.Clone(stream)
			other[i].shape = b[0]
			if other[i].shape == stream[i].shape {
				break
			}
			if b[0].event != nil && differs(other) {
				stream = other
				break
			}
		}
	}
	return stream
}
