package eval

import (
	"cmp"
	"math"
	"slices"
	"sync"

	"sigmac/ir"
	"sigmac/regex"
)

// An Index finds those rules of a Set that match an event without asking each of them. It
// looks at each value once for the texts that rules need, and asks those of which the
// rarest need was seen.
type Index struct {
	set     *Set
	slots   []slotIndex // by slot
	leads   leads
	counts  *counts   // of the texts that rules look for
	rules   [][]int32 // by leaf: the rules that are asked where it is true
	needed  []bool    // by leaf: rules need it, or another one
	always  []int32   // the rules of which nothing of the kind is known
	roots   []*node
	class   []int32 // by rule: the number of its log source
	sources []ir.LogSource
	eager   [][]int32 // by class: the slots that have what its rules need; the one behind the last stands for keywords
	texts   []int32   // the rules with keywords

	mutex    sync.Mutex
	keywords map[string]*slotIndex // by the classes that a Route has
}

// A slotIndex has the leaves about one field that rules need.
type slotIndex struct {
	whole   map[string][]find // of short values
	longest int               // the bytes of a value that whole may have
	words   words
	ranges  [4]ranges // by operator from ir.Lt on
	nets    networks
	placed  bool    // something of it is not looked for anywhere in a value
	asked   []int32 // leaves that rules need and that are to be tried
	needed  []int32 // all leaves
}

// Index is of rules that were prepared in s, all of them or not. A rule is called
// by its place in rules.
func (s *Set) Index(rules []*Prepared) *Index {
	x := &Index{set: s, keywords: map[string]*slotIndex{}, slots: make([]slotIndex, len(s.names)), rules: make([][]int32, len(s.leaves)), needed: make([]bool, len(s.leaves))}
	popular := make([]float64, len(s.leaves))
	for i, p := range rules {
		keywords := false
		p.root.each(1, func(leaf int, part float64) {
			popular[leaf] += part
			keywords = keywords || s.leaves[leaf].slot < 0
		})
		if keywords {
			x.texts = append(x.texts, int32(i))
		}
	}
	type key struct{ product, category, service string }
	number := map[key]int32{}
	x.leads, x.counts = s.leads(popular)
	for i, p := range rules {
		k := key{p.source.Product, p.source.Category, p.source.Service}
		class, ok := number[k]
		if !ok {
			class = int32(len(x.sources))
			number[k] = class
			x.sources, x.eager = append(x.sources, p.source), append(x.eager, nil)
		}
		root, _ := rarestFirst(p.root, s.leaves, x.leads)
		x.roots, x.class = append(x.roots, root), append(x.class, class)
		needs := s.needs(p.root, x.leads)
		if len(needs) == 0 {
			x.always = append(x.always, int32(i))
			continue
		}
		slices.SortStableFunc(needs, func(a, b need) int { return cmp.Compare(a.cost, b.cost) })
		for i, n := range needs[:min(len(needs), maxNeeds)] {
			for _, l := range n.leaves {
				x.needed[l] = x.needed[l] || i == 0 || n.sure
			}
		}
		for _, l := range needs[0].leaves {
			x.rules[l] = append(x.rules[l], int32(i))
			slot := int32(s.slotOf(l))
			if !slices.Contains(x.eager[class], slot) {
				x.eager[class] = append(x.eager[class], slot)
			}
		}
	}
	for i := range s.leaves {
		x.leads[i].looked = x.leads[i].known && x.needed[i]
		if x.needed[i] && s.leaves[i].slot >= 0 {
			x.add(&x.slots[s.leaves[i].slot], i)
		}
	}
	for i := range x.slots {
		x.slots[i].build(x.counts)
	}
	return x
}

// slotOf is the slot of a leaf in an Index.
func (s *Set) slotOf(leaf int) int {
	if slot := s.leaves[leaf].slot; slot >= 0 {
		return slot
	}
	return len(s.names)
}

// add adds a leaf.
func (x *Index) add(at *slotIndex, leaf int) {
	l, lead := &x.set.leaves[leaf], &x.leads[leaf]
	at.needed = append(at.needed, int32(leaf))
	if !lead.known {
		at.asked = append(at.asked, int32(leaf))
		return
	}
	switch t := l.test.(type) {
	case ir.Compare:
		if t.Op != ir.Eq {
			at.ranges[t.Op-ir.Lt].add(t, int32(leaf))
			at.placed = true
		}
	case ir.CIDR:
		at.nets.add(t.Net, int32(leaf))
		at.placed = true
	}
	for _, c := range lead.clues {
		f := find{int32(leaf), c.sure}
		if at.placed = at.placed || c.place != anywhere; c.place != whole || len(c.text) >= 4 {
			at.words.add(c, f)
			continue
		}
		if at.whole == nil {
			at.whole = map[string][]find{}
		}
		at.whole[c.text] = append(at.whole[c.text], f)
		at.longest = max(at.longest, maxShrink*len(c.text))
	}
}

// maxShrink is by how much a folded text may be shorter: the Kelvin sign has three bytes.
const maxShrink = 3

// build is called once, after all was added.
func (at *slotIndex) build(c *counts) {
	at.words.build(c)
	for i := range at.ranges {
		at.ranges[i].build()
	}
}

// ofKeywords is what rules with keywords ask for, those of some classes. Few rules do, and
// they look at all of an event: those of other log sources would cost too much here.
func (x *Index) ofKeywords(fits []bool) *slotIndex {
	key := make([]byte, len(fits))
	for i, fit := range fits {
		if fit {
			key[i] = 1
		}
	}
	x.mutex.Lock()
	defer x.mutex.Unlock()
	at, ok := x.keywords[string(key)]
	if !ok {
		const many = 100 // a stranger's events may name sources without end
		if len(x.keywords) >= many {
			clear(x.keywords)
		}
		at = &slotIndex{words: words{long: true}}
		seen := map[int]bool{}
		for _, i := range x.texts {
			if !fits[x.class[i]] {
				continue
			}
			x.roots[i].each(1, func(leaf int, _ float64) {
				if x.set.leaves[leaf].slot < 0 && x.needed[leaf] && !seen[leaf] {
					seen[leaf] = true
					x.add(at, leaf)
				}
			})
		}
		at.build(x.counts)
		x.keywords[string(key)] = at
	}
	return at
}

// A lead is what an Index knows of a leaf.
type lead struct {
	clues  []clue
	known  bool    // the leaf is false of values in which an Index that looks for it does not find it
	sure   bool    // and true of those in which it does
	looked bool    // the Index looks for it
	cost   float64 // how many events it is true of, as a guess
}

// leads are those of the leaves that rules have, by how many rules have each, where one of several that a rule takes
// counts for its part, with counts of their texts. How many events a leaf is true of is guessed by that, and by how
// many texts in rules have what it looks for.
func (s *Set) leads(popular []float64) (leads, *counts) {
	const unsure, unknown = 30, 300 // what more it costs to have to try a leaf
	var all words
	size := 0 // of the texts
	out := make(leads, len(s.leaves))
	for i := range s.leaves {
		if popular[i] == 0 {
			continue
		}
		l, t := &out[i], &s.leaves[i]
		cs, ok := clues(t.test)
		if ok = ok && t.fast != nil; ok {
			l.clues, l.known = cs, true
			l.sure = !slices.ContainsFunc(cs, func(c clue) bool { return !c.sure })
		}
		switch t := t.test.(type) {
		case ir.Compare:
			l.known, l.sure = true, l.sure || t.Op != ir.Eq
		case ir.CIDR:
			l.known, l.sure = true, true
		}
		switch {
		case !l.known:
			l.cost = unknown
		case !l.sure:
			l.cost = unsure
		}
		l.cost += popular[i]
		for _, c := range l.clues {
			size += len(c.text)
		}
		if len(l.clues) == 1 && l.clues[0].text != "" {
			all.add(clue{text: l.clues[0].text}, find{leaf: int32(i)})
		}
	}
	counts := newCounts(size)
	for i := range out {
		for _, c := range out[i].clues {
			counts.add(c.text)
		}
	}
	all.build(counts)
	var finds []find
	for i := range out {
		if cs := out[i].clues; len(cs) == 1 {
			finds = all.find(cs[0].text[:min(len(cs[0].text), maxPieces)], finds[:0])
			for _, f := range finds {
				out[f.leaf].cost++
			}
		}
	}
	return out, counts
}

// leads are by leaf.
type leads []lead

// A need is leaves one of which is true of each event that a rule matches.
type need struct {
	leaves []int
	cost   float64
	sure   bool // of all leaves
}

// maxNeeds is how many needs of a rule are looked for: the rarest, for which the rule is asked, and others, of which it
// is then known whether they are met.
const maxNeeds = 3

// rarest is the need that the fewest events meet.
func rarest(needs []need) need {
	return slices.MinFunc(needs, func(a, b need) int { return cmp.Compare(a.cost, b.cost) })
}

// needs are those of n.
func (s *Set) needs(n *node, leads leads) (out []need) {
	switch n.op {
	case opLeaf:
		if kind := s.leaves[n.leaf].kind; kind != leafNull && kind != leafExists {
			out = []need{{[]int{n.leaf}, leads[n.leaf].cost, leads[n.leaf].sure}}
		}
	case opAnd:
		for _, sub := range n.subs {
			out = append(out, s.needs(sub, leads)...)
		}
	case opOr:
		any := need{sure: true}
		for _, sub := range n.subs {
			each := s.needs(sub, leads)
			if len(each) == 0 {
				return nil
			}
			least := rarest(each)
			any.leaves, any.cost, any.sure = append(any.leaves, least.leaves...), any.cost+least.cost, any.sure && least.sure
		}
		out = []need{any}
	}
	return out
}

// rarestFirst is n with the parts of each conjunction in the order of how many events meet them, as a guess. A rule is
// asked where the first part is met; the second one then says of most that they do not match. The cost is that guess
// for n, infinite where n needs nothing that can be looked for.
func rarestFirst(n *node, leaves []leaf, leads leads) (out *node, cost float64) {
	if n.op == opLeaf {
		if kind := leaves[n.leaf].kind; kind == leafNull || kind == leafExists {
			return n, math.Inf(1)
		}
		return n, leads[n.leaf].cost
	}
	type part struct {
		n    *node
		cost float64
	}
	parts := make([]part, len(n.subs))
	for i, sub := range n.subs {
		parts[i].n, parts[i].cost = rarestFirst(sub, leaves, leads)
		cost += parts[i].cost
	}
	switch n.op {
	case opAnd:
		slices.SortStableFunc(parts, func(a, b part) int { return cmp.Compare(a.cost, b.cost) })
		if len(parts) > 0 {
			cost = parts[0].cost
		}
	case opNot:
		cost = math.Inf(1)
	}
	copied := *n
	copied.subs = nil
	for _, p := range parts {
		copied.subs = append(copied.subs, p.n)
	}
	return &copied, cost
}

// A Route says which rules are about the events of a Source.
type Route struct {
	fits   []bool // by class
	rules  int
	slots  []bool // that have what these rules need; the one behind the last stands for keywords
	always []int32
	texts  *slotIndex // of keywords
}

// Route is for events of a source; the zero Source fits all rules.
func (x *Index) Route(source Source) *Route {
	r := &Route{fits: make([]bool, len(x.sources)), slots: make([]bool, len(x.slots)+1)}
	for i, ls := range x.sources {
		if r.fits[i] = source.Fits(ls); !r.fits[i] {
			continue
		}
		for _, slot := range x.eager[i] {
			r.slots[slot] = true
		}
	}
	r.texts = x.ofKeywords(r.fits)
	for _, class := range x.class {
		if r.fits[class] {
			r.rules++
		}
	}
	for _, i := range x.always {
		if r.fits[x.class[i]] {
			r.always = append(r.always, i)
		}
	}
	return r
}

// Rules is how many rules are about the events.
func (r *Route) Rules() int { return r.rules }

// finding is what a View keeps of the search for rules.
type finding struct {
	scanned []uint32 // by slot: the round in which it was, and below it whether its values were readable
	asked   []uint32 // by rule: the round in which it was
	route   *Route   // while it goes on
	needed  []int32  // leaves that rules need, of which something was seen
	found   []int
	finds   []find
	fold    []byte
	texts   []value
	memo    memo
}

// use makes the View one of the Index.
func (v *View) use(x *Index) {
	if v.index != x {
		v.index, v.search = x, finding{scanned: make([]uint32, len(x.slots)+1), asked: make([]uint32, len(x.roots))}
	}
	v.ask()
	v.search.needed, v.search.found = v.search.needed[:0], v.search.found[:0]
}

// Matches are those rules, in their order, that match the event of v and are about it. The
// slice is good until the next call.
func (x *Index) Matches(v *View, r *Route) []int { return x.Some(v, r, len(x.roots)) }

// Some is Matches that stops after most rules. Which of the matching rules it finds then is not specified; they are in
// their order.
func (x *Index) Some(v *View, r *Route, most int) []int {
	v.use(x)
	s := &v.search
	s.route = r
	defer func() { s.route = nil }()
	if v.read != nil {
		for _, slot := range v.read.filled {
			if r.slots[slot] {
				v.scan(int(slot))
			}
		}
	} else {
		for slot := range v.fields {
			if r.slots[slot] && len(v.field(slot).values) > 0 {
				v.scan(slot)
			}
		}
	}
	if r.slots[len(v.fields)] {
		v.scan(len(v.fields))
	}
	ask := func(rules []int32) {
		for _, i := range rules {
			if len(s.found) == most {
				return
			}
			if r.fits[x.class[i]] && s.asked[i] != v.round {
				s.asked[i] = v.round
				if x.roots[i].holds(v) {
					s.found = append(s.found, int(i))
				}
			}
		}
	}
	for _, leaf := range s.needed {
		ask(x.rules[leaf])
	}
	ask(r.always)
	slices.Sort(s.found)
	return s.found
}

// scan looks at the values of a slot for what the Index finds. Where they are not readable,
// its leaves are to be tried.
func (v *View) scan(slot int) (readable bool) {
	s, at := &v.search, v.search.route.texts
	if slot < len(v.fields) {
		at = &v.index.slots[slot]
	}
	if was := s.scanned[slot]; was>>1 == v.round {
		return was&1 != 0
	}
	var values []value
	if slot == len(v.fields) && v.read != nil && !at.placed {
		s.texts = v.read.keywords(s.texts[:0], false)
		values = s.texts
	}
	if len(values) == 0 {
		values = v.values(slot)
	}
	for i := range values {
		if x := &values[i]; x.scalar() && !x.valid {
			s.scanned[slot] = v.round << 1
			for _, leaf := range at.needed {
				if v.leaf(int(leaf)) {
					s.needed = append(s.needed, leaf)
				}
			}
			return false
		}
	}
	s.scanned[slot] = v.round<<1 | 1
	s.needed = append(s.needed, at.asked...)
	for i := range values {
		x := &values[i]
		if !x.scalar() {
			continue
		}
		for _, f := range v.finds(int32(slot), at, x) {
			v.found(f)
		}
	}
	return true
}

// finds are what at finds in a value of a slot, each leaf once; they are good until the next call.
func (v *View) finds(slot int32, at *slotIndex, x *value) []find {
	s := &v.search
	keep, hash := int(slot) < len(v.fields) && len(x.text) <= maxRemembered, uint64(0)
	if keep {
		if x.memo, hash = s.memo.find(slot, x); x.memo != nil {
			return x.memo.finds
		}
	}
	s.finds, s.fold = at.find(x, s.finds[:0], s.fold)
	s.finds = once(s.finds)
	if keep {
		s.memo.add(slot, x, hash, s.finds)
	}
	return s.finds
}

// find adds what is found in a value, for some leaves several times. The room for a folded text is used again.
func (at *slotIndex) find(x *value, out []find, fold []byte) ([]find, []byte) {
	if len(at.whole) > 0 && len(x.text) <= at.longest {
		fold = regex.AppendFold(fold[:0], x.text)
		out = append(out, at.whole[string(fold)]...)
	}
	if at.words.fit(x.text) {
		out = at.words.find(x.text, out)
	} else {
		out = at.words.find(x.folds(), out)
	}
	for i := range at.ranges {
		out = at.ranges[i].find(x, out)
	}
	return at.nets.find(x.text, out), fold
}

// once are the finds, each leaf once.
func once(finds []find) []find {
	slices.SortFunc(finds, func(a, b find) int {
		if a.leaf == b.leaf && a.sure != b.sure {
			if a.sure {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.leaf, b.leaf)
	})
	return slices.CompactFunc(finds, func(a, b find) bool { return a.leaf == b.leaf })
}

// found notes what was seen of a leaf.
func (v *View) found(f find) {
	state := v.state(int(f.leaf))
	if state == 0 {
		v.search.needed = append(v.search.needed, f.leaf)
		v.know(int(f.leaf), leafPossible)
	}
	if f.sure {
		v.know(int(f.leaf), leafTrue)
	}
}
