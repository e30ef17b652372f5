package backends

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
	"slices"
	"sync"
	"unicode"
	"unicode/utf8"

	"sigmac/ir"
	"sigmac/regex"
)

// Elasticsearch runs a regular expression, and a text with wildcards, as a
// deterministic automaton of Lucene, and answers with an error where making it
// costs too much. What Lucene counts changed with its versions; an expression
// must pass those from 8.11, which Elasticsearch 7.17 has, to 10.2, which 9.1 has.
// Sources: their RegExp, Operations and CompiledAutomaton; of Elasticsearch
// RLikePattern, Match and RegexpQueryBuilder, which ask for the default limit of
// 10,000.
const (
	luceneStates = 10_000  // states of the deterministic automaton, as until 8.9
	luceneEffort = 100_000 // states of the other in all sets together, ten times the limit (since 8.10); also of that over the bytes of UTF-8 (until 9)
	luceneDepth  = 1000    // how deep isFinite follows a path without a loop (until 9)
	luceneMoves  = 1 << 22 // transitions of an expression, which Lucene does not limit
)

// LuceneWork is how many transitions sigmac looks at for one question.
const LuceneWork = 1 << 24

// LuceneRefuses says why Lucene refuses to run re over a whole value, or is "".
// re has no assertions and no extended features. What it takes to find out is taken
// from work; where that runs out, re is refused.
func LuceneRefuses(re *regex.Re, work *int) string {
	key := string(appendRe(nil, re))
	asked.Lock()
	known, ok := asked.answers[key]
	asked.Unlock()
	if left := *work; !ok || known.unfinished && left >= known.work {
		_, known.why = refused(re, work)
		known.work, known.unfinished = left-*work, *work < 0
		asked.keep(key, known)
		return known.why
	}
	if *work -= known.work; *work < 0 && !known.unfinished {
		return tooMuchWork
	}
	return known.why
}

const tooMuchWork = "it takes too much work to make it deterministic"

// asked are answers of LuceneRefuses with the work that they took, which is taken
// again: of an expression it is asked more than once, while a query is written and when
// it is read.
var asked answers

type answers struct {
	sync.Mutex
	answers map[string]answer
	size    int // of the keys
}

type answer struct {
	work       int
	why        string
	unfinished bool // that work was all that there was
}

// maxAsked bounds the keys that are kept, in bytes.
const maxAsked = 4 << 20

func (a *answers) keep(key string, found answer) {
	a.Lock()
	defer a.Unlock()
	if a.size += len(key); a.answers == nil || a.size > maxAsked {
		a.answers, a.size = map[string]answer{}, len(key)
	}
	a.answers[key] = found
}

// appendRe appends what tells re from other expressions.
func appendRe(b []byte, re *regex.Re) []byte {
	fold := byte(0)
	if re.Fold {
		fold = 1
	}
	b = append(b, byte(re.Op), fold)
	for _, n := range []int{int(re.Rune), re.Min, re.Max, len(re.Ranges)} {
		b = binary.AppendVarint(b, int64(n))
	}
	for _, r := range re.Ranges {
		b = binary.AppendVarint(binary.AppendVarint(b, int64(r.Lo)), int64(r.Hi))
	}
	b = binary.AppendUvarint(b, uint64(len(re.Subs)))
	for _, s := range re.Subs {
		b = appendRe(b, s)
	}
	return b
}

// LuceneRefusesPattern says the same of a text with wildcards, and of one that is
// compared without regard to case.
func LuceneRefusesPattern(p ir.Pattern) string {
	shape, _ := p.Shape()
	n := len(p.Literals()) + len(p.Parts)
	if shape == ir.Any || shape == ir.Exact && p.Cased || !p.Has(ir.AnyOne) && len(p.Parts)*n*n < luceneEffort/2 {
		return ""
	}
	var subs []*regex.Re
	for _, part := range p.Parts {
		switch part.Kind {
		case ir.AnyRun:
			subs = append(subs, &regex.Re{Op: regex.OpRepeat, Max: -1, Subs: []*regex.Re{{Op: regex.OpAny}}})
		case ir.AnyOne:
			subs = append(subs, &regex.Re{Op: regex.OpAny})
		default:
			for _, r := range part.Text {
				subs = append(subs, &regex.Re{Op: regex.OpLiteral, Rune: r, Fold: !p.Cased && r < utf8.RuneSelf})
			}
		}
	}
	work := LuceneWork
	return LuceneRefuses(&regex.Re{Op: regex.OpConcat, Subs: subs}, &work)
}

// refused says also how many states of the deterministic automaton of a part come
// on one of the other: until Lucene 9 each part is made deterministic by itself
// before the whole is.
func refused(re *regex.Re, work *int) (growth int, why string) {
	if words(re) {
		return 1, ""
	}
	return made(re, work)
}

// made is refused by making the automata.
func made(re *regex.Re, work *int) (growth int, why string) {
	growth = 1
	for _, s := range re.Subs {
		g, why := refused(s, work)
		if why != "" {
			return 0, why
		}
		growth = max(growth, g)
	}
	if len(re.Subs) == 0 || re.Op == regex.OpGroup {
		return growth, ""
	}
	for _, ranges := range []bool{false, true} {
		a := &automaton{ranges: ranges, effort: luceneEffort, work: work}
		if !ranges {
			a.effort /= growth
		}
		a.position(nil)
		f := a.build(re)
		a.link([]int32{0}, f.first)
		for _, p := range f.last {
			a.end[p] = true
		}
		if a.over {
			return 0, "it is too large for Lucene once repetitions are written out"
		}
		sets, why := a.determinize()
		if why != "" {
			return 0, why
		}
		if !ranges {
			growth = max(growth, sets/len(a.symbols))
		}
		if !a.split {
			break
		}
	}
	return growth, ""
}

// words says whether re is a few characters one after the other, one again and again, or a choice of
// words. Its deterministic automaton has hardly more states than the other, and no set of several
// but for beginnings that words share, so Lucene refuses none.
func words(re *regex.Re) bool {
	const most, ranges = luceneDepth / 2, 16 // characters, and ranges of each
	character := func(s *regex.Re) bool {
		return len(s.Subs) == 0 && (s.Op == regex.OpLiteral || s.Op == regex.OpAny || s.Op == regex.OpAnyNotNewline ||
			s.Op == regex.OpClass && !s.Fold && len(s.Ranges) <= ranges)
	}
	all := func(subs []*regex.Re, of func(*regex.Re) bool) bool {
		return len(subs) <= most && !slices.ContainsFunc(subs, func(s *regex.Re) bool { return !of(s) })
	}
	switch re.Op {
	case regex.OpConcat:
		return all(re.Subs, character)
	case regex.OpRepeat:
		return max(re.Min, re.Max) <= most && character(re.Subs[0])
	case regex.OpAlternate:
		n, fold, cased := 0, false, false
		letter := func(s *regex.Re) bool {
			n++
			letter := regex.HasCases(s.Rune)
			fold, cased = fold || s.Fold, cased || letter && !s.Fold
			return s.Op == regex.OpLiteral && s.Rune < utf8.RuneSelf && n <= most
		}
		return all(re.Subs, func(s *regex.Re) bool {
			for s.Op == regex.OpGroup {
				s = s.Subs[0]
			}
			return letter(s) || s.Op == regex.OpConcat && all(s.Subs, letter)
		}) && !(fold && cased)
	}
	return false
}

// An automaton is that of Glushkov: its states are the characters of an
// expression, repetitions written out, after an initial one. Lucene's have no
// empty transitions either, and the same sets of states save initial ones.
type automaton struct {
	ranges  bool // each range of a class is a state of its own, as in Lucene 10.1
	split   bool // that made a difference
	over    bool
	symbols [][]regex.Range // what leads to a state
	follow  [][]int32
	end     []bool // a text may end there
	links   int
	effort  int
	work    *int
}

// A fragment is a part of an expression: the states that it can start and end with.
type fragment struct {
	empty       bool // it takes the empty text too
	first, last []int32
}

func (a *automaton) position(rs []regex.Range) int32 {
	a.symbols = append(a.symbols, rs)
	a.follow = append(a.follow, nil)
	a.end = append(a.end, false)
	*a.work -= 1 + len(rs)
	a.over = a.over || len(a.symbols) > 2*luceneStates || *a.work < 0
	return int32(len(a.symbols) - 1)
}

func (a *automaton) link(from, to []int32) {
	a.links += len(from) * len(to)
	if *a.work -= 1 + len(from)*len(to); a.links > luceneMoves || *a.work < 0 {
		a.over = true
		return
	}
	for _, p := range from {
		a.follow[p] = append(a.follow[p], to...)
	}
}

func (a *automaton) concat(f, g fragment) fragment {
	a.link(f.last, g.first)
	out := fragment{f.empty && g.empty, f.first, g.last}
	if f.empty {
		out.first = slices.Concat(f.first, g.first)
	}
	if g.empty {
		out.last = slices.Concat(f.last, g.last)
	}
	if len(out.first)+len(out.last) > 4*luceneStates {
		a.over = true
	}
	return out
}

func (a *automaton) build(re *regex.Re) fragment {
	out := fragment{empty: true}
	switch re.Op {
	case regex.OpEmpty:
	case regex.OpGroup:
		return a.build(re.Subs[0])
	case regex.OpConcat:
		for _, s := range re.Subs {
			if a.over {
				break
			}
			out = a.concat(out, a.build(s))
		}
	case regex.OpAlternate:
		out.empty = false
		for _, s := range re.Subs {
			f := a.build(s)
			out = fragment{out.empty || f.empty, slices.Concat(out.first, f.first), slices.Concat(out.last, f.last)}
		}
	case regex.OpRepeat:
		// As Operations.repeat does it: what must stand there one after the other,
		// then a loop, or what may stand there each behind the one before alone.
		for i := 0; i < re.Min && !a.over; i++ {
			out = a.concat(out, a.build(re.Subs[0]))
		}
		if re.Max < 0 {
			f := a.build(re.Subs[0])
			a.link(f.last, f.first)
			f.empty = true
			return a.concat(out, f)
		}
		before := out.last
		for i := re.Min; i < re.Max && !a.over; i++ {
			f := a.build(re.Subs[0])
			a.link(before, f.first)
			if before = f.last; i == re.Min && out.empty {
				out.first = slices.Concat(out.first, f.first)
			}
			out.last = slices.Concat(out.last, f.last)
			out.empty = out.empty || f.empty
		}
	default:
		out.empty = false
		rs := characters(re)
		if top := len(rs) > 0 && rs[len(rs)-1].Hi == unicode.MaxRune; len(rs) < 2 || top {
			out.first = []int32{a.position(rs)}
		} else {
			a.split = true
			for i := range rs {
				if !a.ranges {
					out.first = []int32{a.position(rs)}
					break
				}
				out.first = append(out.first, a.position(rs[i:i+1]))
			}
		}
		out.last = out.first
	}
	return out
}

// characters are those of a node that is one character, in order.
func characters(re *regex.Re) []regex.Range {
	rs := re.Ranges
	switch re.Op {
	case regex.OpLiteral:
		rs = []regex.Range{{Lo: re.Rune, Hi: re.Rune}}
	case regex.OpAny:
		rs = []regex.Range{{Lo: 0, Hi: unicode.MaxRune}}
	case regex.OpAnyNotNewline:
		rs = regex.Negate([]regex.Range{{Lo: '\n', Hi: '\n'}})
	}
	if re.Fold {
		rs = regex.FoldRanges(rs)
	}
	out := rs[:0:0]
	for _, r := range rs {
		if n := len(out); n > 0 && out[n-1].Hi == 0xD7FF && r.Lo == 0xE000 {
			out[n-1].Hi = r.Hi // no text has what is between
		} else {
			out = append(out, r)
		}
	}
	return out
}

// alphabet cuts all characters into those that no state tells apart: the first
// of each.
func (a *automaton) alphabet() []rune {
	cuts := []rune{0}
	for _, rs := range a.symbols {
		for _, r := range rs {
			cuts = append(cuts, r.Lo, r.Hi+1)
		}
	}
	slices.Sort(cuts)
	return slices.Compact(cuts)
}

// maxMasks bounds the words of the sets of states that take each of the characters.
const maxMasks = 1 << 21

// A word is 64 states of a set, of which it has some.
type word struct {
	at   int // the first state is 64 times that
	bits uint64
}

// determinize makes the sets of states that texts lead to, and says what of it
// Lucene refuses.
func (a *automaton) determinize() (size int, why string) {
	cuts := a.alphabet()
	width := (len(a.symbols) + 63) / 64
	if len(cuts)*width > maxMasks {
		return 0, tooMuchWork
	}
	masks := make([]uint64, len(cuts)*width) // of each cut the states that take it
	weights := make([]int, len(a.symbols))   // how many cuts a state takes
	for p, rs := range a.symbols {
		for _, r := range rs {
			for i, _ := slices.BinarySearch(cuts, r.Lo); i < len(cuts) && cuts[i] <= r.Hi; i++ {
				masks[i*width+p/64] |= 1 << (p % 64)
				weights[p]++
			}
		}
	}
	alike, kinds := alikes(masks, width)
	leads, led := make([]int32, kinds), make([]int, kinds) // where a character of a kind leads from set n, if led is n + 1
	takesAll := a.takesAll()
	sets := newStateSets()
	sets.number([]word{{0, 1}})
	var states []int32  // of all moves
	var moves [][]int32 // from each set the sets that follow, in the order of characters
	effort, bytes := 0, 0
	follow := make([]uint64, width)
	var set, others []word // where a character leads; where most do, as the first
	var touched []int      // the words of follow that have states
	for n := 0; n < len(sets.all); n++ {
		for _, w := range sets.all[n] {
			effort += bits.OnesCount64(w.bits)
		}
		if effort >= a.effort {
			return 0, "to make it deterministic is more work than Lucene's default limit allows"
		}
		done := false
		for _, w := range sets.all[n] {
			for rest := w.bits; rest != 0; rest &= rest - 1 {
				p := w.at*64 + bits.TrailingZeros64(rest)
				done = done || takesAll[p]
				for _, q := range a.follow[p] {
					if *a.work -= 1 + weights[q]; *a.work < 0 {
						return 0, tooMuchWork
					}
					if follow[q/64] == 0 {
						touched = append(touched, int(q/64))
					}
					follow[q/64] |= 1 << (q % 64)
				}
			}
		}
		slices.Sort(touched)
		*a.work -= len(cuts) * (1 + len(touched)/16)
		first, last, from, toOthers := len(states), int32(-1), rune(0), int32(-1)
		for c := range cuts {
			to := leads[alike[c]]
			if led[alike[c]] != n+1 {
				set, to = set[:0], -1
				for _, i := range touched {
					if b := follow[i] & masks[c*width+i]; b != 0 {
						set = append(set, word{i, b})
					}
				}
				switch {
				case c > 0 && slices.Equal(set, others):
					to = toOthers
				case len(set) > 0:
					to = sets.number(set)
				}
				if c == 0 {
					others, toOthers = append(others[:0], set...), to
				}
				leads[alike[c]], led[alike[c]] = to, n+1
			}
			if to != last {
				if last >= 0 && !done {
					bytes += utf8States(from, cuts[c]-1)
				}
				last, from = to, cuts[c]
				if to >= 0 {
					states = append(states, to)
				}
			}
		}
		if last >= 0 && !done {
			bytes += utf8States(from, unicode.MaxRune)
		}
		if done {
			states = append(states[:first], int32(n))
		}
		moves = append(moves, states[first:len(states):len(states)])
		if !a.ranges && (len(sets.all) > luceneStates || bytes > luceneEffort) {
			return 0, "to make it deterministic takes more states than Lucene's default limit allows"
		}
		for _, i := range touched {
			follow[i] = 0
		}
		touched = touched[:0]
	}
	if !a.ranges && !finite(moves) {
		return 0, "it is more than 1000 characters deep, which Lucene does not follow"
	}
	return len(sets.all), ""
}

// alikes gives each cut a number, the same for those that the same states take, as the two cases of a
// letter, and how many there are.
func alikes(masks []uint64, width int) (alike []int32, kinds int) {
	sets := newStateSets()
	var set []word
	for row := range slices.Chunk(masks, width) {
		set = set[:0]
		for i, b := range row {
			if b != 0 {
				set = append(set, word{i, b})
			}
		}
		alike = append(alike, sets.number(set))
	}
	return alike, len(sets.all)
}

// stateSets are sets of states, by the order in which they were found. They are looked for by a hash
// that nobody can foretell.
type stateSets struct {
	all   [][]word
	words []word  // of all
	slots []int32 // 1 + the number of the set with a hash, or of the next that had no place; half are empty
	seed  uint64
}

func newStateSets() *stateSets {
	return &stateSets{slots: make([]int32, 64), seed: rand.Uint64() | 1}
}

// number is that of a set, which is new if it was not asked for before.
func (s *stateSets) number(set []word) int32 {
	at := s.find(set)
	if n := s.slots[at]; n > 0 {
		return n - 1
	}
	first := len(s.words)
	s.words = append(s.words, set...)
	s.all = append(s.all, s.words[first:len(s.words):len(s.words)])
	if s.slots[at] = int32(len(s.all)); 2*len(s.all) > len(s.slots) {
		s.slots = make([]int32, 2*len(s.slots))
		for i, set := range s.all {
			s.slots[s.find(set)] = int32(i + 1)
		}
	}
	return int32(len(s.all) - 1)
}

// find is the slot of a set, or the empty one where it belongs.
func (s *stateSets) find(set []word) int {
	h := s.seed
	for _, w := range set {
		high, low := bits.Mul64(h^w.bits, s.seed+2*uint64(w.at))
		h = high ^ low
	}
	mask := len(s.slots) - 1
	at := int(h>>1) & mask
	for s.slots[at] > 0 && !slices.Equal(s.all[s.slots[at]-1], set) {
		at = (at + 1) & mask
	}
	return at
}

// takesAll says of each state whether the text may end there and wherever else it leads: sets
// with such a state are one once the automaton is minimal.
func (a *automaton) takesAll() []bool {
	loops, out := make([]bool, len(a.symbols)), make([]bool, len(a.symbols))
	for q, rs := range a.symbols {
		loops[q] = a.end[q] && len(rs) == 1 && rs[0] == regex.Range{Lo: 0, Hi: unicode.MaxRune} && slices.Contains(a.follow[q], int32(q))
	}
	for p, end := range a.end {
		out[p] = end && slices.ContainsFunc(a.follow[p], func(q int32) bool { return loops[q] })
	}
	return out
}

// utf8States is how many states Lucene puts between two that a range of
// characters joins, one for each byte of UTF-8 but the last, and at both ends of
// the range some more.
func utf8States(lo, hi rune) int {
	if hi <= 0x7F {
		return 0
	}
	n := 0
	for i, end := range []rune{0x7F, 0x7FF, 0xFFFF, unicode.MaxRune} {
		if lo <= end && (i == 0 || hi > []rune{0x7F, 0x7FF, 0xFFFF}[i-1]) {
			n += i
		}
	}
	if lo != hi {
		n += 3
	}
	return n
}

// finite looks for a loop as Lucene does, and is false where that goes too deep.
func finite(moves [][]int32) bool {
	path, visited := make([]bool, len(moves)), make([]bool, len(moves))
	deep := false
	var walk func(s int32, level int) bool // no loop was found
	walk = func(s int32, level int) bool {
		if level > luceneDepth {
			deep = true
			return false
		}
		path[s] = true
		for _, t := range moves[s] {
			if path[t] || !visited[t] && !walk(t, level+1) {
				return false
			}
		}
		path[s], visited[s] = false, true
		return true
	}
	walk(0, 0)
	return !deep
}
