package eval

import (
	"cmp"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"sigmac/ir"
	"sigmac/regex"
)

// A Prepared is a rule made ready for many events: its texts are folded and
// its regular expressions compiled. It answers as Rule does.
type Prepared struct {
	set  *Set
	root *node
}

// Prepare makes a rule ready by itself.
func Prepare(r *ir.Rule) *Prepared { return NewSet().Prepare(r) }

// Match says whether the event matches one of the rule's conditions.
func (p *Prepared) Match(ev Event) bool { return p.MatchView(p.set.View(ev)) }

// MatchView is Match of the event that v, a View of the rule's Set, shows.
func (p *Prepared) MatchView(v *View) bool { return p.root.holds(v) }

// A Set is rules that are prepared together: what several of them ask of an
// event is looked up once. All are prepared before the first View is made; then
// the Set may be used by several goroutines, each with Views of its own.
type Set struct {
	slots  map[string]int // of field names
	names  []string       // by slot
	number map[string]int // of leaves, by what they print as
	leaves []leaf
}

// NewSet is a Set without rules.
func NewSet() *Set { return &Set{slots: map[string]int{}, number: map[string]int{}} }

// Prepare makes a rule ready and adds it.
func (s *Set) Prepare(r *ir.Rule) *Prepared {
	b := builder{s, r, map[string]*node{}}
	any := make(ir.Or, len(r.Conditions))
	for i, c := range r.Conditions {
		any[i] = c.Expr
	}
	return &Prepared{s, b.node(any)}
}

// A node is an expression. Its parts stand in the order of their costs.
type node struct {
	op   nodeOp
	subs []*node
	leaf int // opLeaf
	cost int
	slot int // of the field without values of which the node is false; -1: none
}

type nodeOp uint8

const (
	opAnd nodeOp = iota
	opOr
	opNot
	opLeaf
)

// A builder prepares one rule, each of its detections once.
type builder struct {
	*Set
	rule       *ir.Rule
	detections map[string]*node
}

func (b *builder) node(e ir.Expr) *node {
	switch e := e.(type) {
	case ir.And:
		return b.group(opAnd, e)
	case ir.Or:
		return b.group(opOr, e)
	case ir.Not:
		x := b.node(e.X)
		return &node{op: opNot, subs: []*node{x}, cost: x.cost, slot: -1}
	case ir.Item:
		return b.node(e.X)
	case ir.Ref:
		if b.detections[e.Name] == nil {
			b.detections[e.Name] = b.node(detection(b.rule, e.Name))
		}
		return b.detections[e.Name]
	case ir.Of:
		refs := make([]ir.Expr, len(e.Names))
		for i, name := range e.Names {
			refs[i] = ir.Ref{Name: name}
		}
		if e.All {
			return b.group(opAnd, refs)
		}
		return b.group(opOr, refs)
	}
	return b.leafNode(e)
}

func (b *builder) group(op nodeOp, es []ir.Expr) *node {
	n := &node{op: op, slot: -1}
	for _, e := range es {
		x := b.node(e)
		n.subs = append(n.subs, x)
		n.cost = min(n.cost+x.cost, 1<<30)
	}
	if len(n.subs) == 1 {
		return n.subs[0]
	}
	slices.SortStableFunc(n.subs, func(a, b *node) int { return cmp.Compare(a.cost, b.cost) })
	for i, x := range n.subs {
		switch {
		case op == opAnd && n.slot < 0:
			n.slot = x.slot
		case op == opOr && i == 0:
			n.slot = x.slot
		case op == opOr && n.slot != x.slot:
			n.slot = -1
		}
	}
	return n
}

func (n *node) holds(v *View) bool {
	if n.slot >= 0 && len(v.field(n.slot).values) == 0 {
		return false
	}
	switch n.op {
	case opAnd:
		for _, x := range n.subs {
			if !x.holds(v) {
				return false
			}
		}
		return true
	case opOr:
		for _, x := range n.subs {
			if x.holds(v) {
				return true
			}
		}
		return false
	case opNot:
		return !n.subs[0].holds(v)
	}
	return v.leaf(n.leaf)
}

// A leaf is a Match or a Keyword.
type leaf struct {
	slot   int // of the field; -1: a Keyword
	kind   leafKind
	needle needle // of leafExact to leafContains
	test   ir.Test
	fast   func(*value) bool // of a value that is text; nil: there is none
}

type leafKind uint8

const (
	leafValue leafKind = iota
	leafNull
	leafExists

	// The most frequent tests, in any case of the letters, without a call.
	leafExact
	leafPrefix
	leafSuffix
	leafContains
)

var leafOfShape = map[ir.Shape]leafKind{ir.Exact: leafExact, ir.Prefix: leafPrefix, ir.Suffix: leafSuffix, ir.Contains: leafContains}

func (s *Set) leafNode(e ir.Expr) *node {
	key := e.String()
	l := leaf{slot: -1}
	switch e := e.(type) {
	case ir.Match:
		slot, ok := s.slots[e.Field.Name]
		if !ok {
			slot = len(s.names)
			s.slots[e.Field.Name] = slot
			s.names = append(s.names, e.Field.Name)
		}
		l.slot, l.test = slot, e.Test
		switch e.Test.(type) {
		case ir.Null:
			l.kind = leafNull
		case ir.Exists:
			l.kind = leafExists
		}
	case ir.Keyword:
		l.test = e.Test
	default:
		panic("eval: an expression of an unknown type")
	}
	i, ok := s.number[key]
	if !ok {
		i = len(s.leaves)
		s.number[key] = i
		l.fast = prepare(l.test)
		if p, ok := l.test.(ir.Pattern); ok && !p.Cased && l.fast != nil {
			if shape, text := p.Shape(); shape <= ir.Contains {
				l.kind, l.needle = leafOfShape[shape], newNeedle(text)
			}
		}
		s.leaves = append(s.leaves, l)
	}
	n := &node{op: opLeaf, leaf: i, cost: cost(l), slot: l.slot}
	if l.kind == leafNull || l.kind == leafExists {
		n.slot = -1
	}
	return n
}

// cost guesses what a test takes.
func cost(l leaf) int {
	c := 50
	switch t := l.test.(type) {
	case ir.Null, ir.Exists, ir.Compare, ir.Bool:
		c = 1
	case ir.Pattern:
		switch shape, _ := t.Shape(); shape {
		case ir.Glob:
			c = 10
		case ir.Contains:
			c = 4
		default:
			c = 1
		}
	}
	if l.slot < 0 {
		c *= 50
	}
	return c
}

// A View is an event as the rules of a Set look at it. It keeps what they have
// found, and is for one goroutine.
type View struct {
	set    *Set
	ev     Event
	fields []field // by slot
	known  []uint8 // by leaf: 1 false, 2 true
	texts  []value // the raw text and, where keywords look there, all scalars
}

// A field is one that was looked up, or was not yet.
type field struct {
	looked, present bool
	values          []value
}

// View shows an event to the rules of s.
func (s *Set) View(ev Event) *View {
	return &View{set: s, ev: ev, fields: make([]field, len(s.names)), known: make([]uint8, len(s.leaves))}
}

// Show turns to another event.
func (v *View) Show(ev Event) {
	clear(v.texts)
	clear(v.known)
	v.ev, v.texts = ev, v.texts[:0]
	for i := range v.fields {
		if f := &v.fields[i]; f.looked {
			clear(f.values)
			f.looked = false
		}
	}
}

func (v *View) field(slot int) *field {
	f := &v.fields[slot]
	if !f.looked {
		f.looked = true
		found, present := v.ev.Field(v.set.names[slot])
		f.present, f.values = present, f.values[:0]
		for _, x := range found {
			f.values = append(f.values, newValue(x))
		}
	}
	return f
}

func (v *View) leaf(i int) bool {
	if v.known[i] == 0 {
		v.known[i] = 1
		if v.holds(&v.set.leaves[i]) {
			v.known[i] = 2
		}
	}
	return v.known[i] == 2
}

func (v *View) holds(l *leaf) bool {
	var values []value
	if l.slot < 0 {
		values = v.keywords()
	} else {
		f := v.field(l.slot)
		switch l.kind {
		case leafNull:
			return len(f.values) == 0
		case leafExists:
			return f.present
		}
		values = f.values
	}
	for i := range values {
		x := &values[i]
		if !x.valid || l.fast == nil {
			if x.scalar && passes(l.test, x.v, v.ev) {
				return true
			}
			continue
		}
		ok := false
		switch l.kind {
		case leafExact:
			ok = x.folds() == l.needle.text
		case leafPrefix:
			ok = strings.HasPrefix(x.folds(), l.needle.text)
		case leafSuffix:
			ok = strings.HasSuffix(x.folds(), l.needle.text)
		case leafContains:
			ok = l.needle.in(x)
		default:
			ok = l.fast(x)
		}
		if ok {
			return true
		}
	}
	return false
}

// keywords is what a Keyword looks at.
func (v *View) keywords() []value {
	if len(v.texts) > 0 {
		return v.texts
	}
	v.texts = append(v.texts, newValue(v.ev.raw))
	if _, given := v.ev.fields[rawField].(string); !given {
		anyText(v.ev.fields, func(x any) bool {
			v.texts = append(v.texts, newValue(x))
			return false
		})
	}
	return v.texts
}

// A value is one of a field, with the forms that tests want, each made once.
type value struct {
	v      any
	text   string // of a scalar
	scalar bool
	valid  bool // a scalar whose text is UTF-8
	folded bool
	fold   string
	runes  []rune // of fold
	grams  *grams // of fold
}

func newValue(v any) value {
	s, scalar := text(v)
	return value{v: v, text: s, scalar: scalar, valid: scalar && utf8.ValidString(s)}
}

func (v *value) folds() string {
	if !v.folded {
		v.fold, v.folded = regex.Fold(v.text), true
	}
	return v.fold
}

func (v *value) foldRunes() []rune {
	if v.runes == nil {
		v.runes = []rune(v.folds())
	}
	return v.runes
}

// grams is a set of the three-byte pieces of a text, by a hash.
type grams [64]uint64

func gram(a, b, c byte) uint16 {
	return uint16((uint32(a)<<16 | uint32(b)<<8 | uint32(c)) * 2654435769 >> 20) // of 4096
}

// A needle is a folded text to look for within others.
type needle struct {
	text string
	n    int       // of bits
	bits [4]uint16 // of some of its pieces
}

func newNeedle(text string) needle {
	n := needle{text: regex.Fold(text)}
	pieces := max(len(n.text)-2, 0)
	n.n = min(pieces, len(n.bits))
	for i := range n.n {
		at := i * pieces / n.n
		n.bits[i] = gram(n.text[at], n.text[at+1], n.text[at+2])
	}
	return n
}

// in says whether the folded value holds the needle.
func (n *needle) in(v *value) bool {
	s := v.folds()
	if n.n > 0 {
		if v.grams == nil {
			v.grams = new(grams)
			for i := 2; i < len(s); i++ {
				g := gram(s[i-2], s[i-1], s[i])
				v.grams[g/64] |= 1 << (g % 64)
			}
		}
		for _, g := range n.bits[:n.n] {
			if v.grams[g/64]&(1<<(g%64)) == 0 {
				return false
			}
		}
	}
	return strings.Contains(s, n.text)
}

// prepare gives a function that says of a value whose text is UTF-8 what
// passes says, or nil where passes is to be asked.
func prepare(t ir.Test) func(*value) bool {
	switch t := t.(type) {
	case ir.Pattern:
		return preparePattern(t, false)
	case ir.Windash:
		if p, ok := t.X.(ir.Pattern); ok {
			return preparePattern(p, true)
		}
		return prepareVariants(t)
	case ir.Base64Offset, ir.Encode:
		return prepareVariants(t)
	case ir.Regexp:
		return prepareRegexp(t)
	case ir.Compare:
		if t.Op == ir.Eq { // numbers in canonical form are equal as texts
			want := string(t.Number)
			return func(v *value) bool {
				_, boolean := v.v.(bool)
				return !boolean && v.text == want
			}
		}
	case ir.Bool:
		want := "FALSE"
		if t.Value {
			want = "TRUE"
		}
		return func(v *value) bool {
			_, number := v.v.(json.Number)
			return !number && len(v.text) == len(want) && v.folds() == want
		}
	}
	return nil
}

func prepareVariants(t ir.Test) func(*value) bool {
	ps, err := variants(t)
	if err != nil {
		return nil
	}
	var all []func(*value) bool
	for _, p := range ps {
		f := preparePattern(p, false)
		if f == nil {
			return nil
		}
		all = append(all, f)
	}
	return func(v *value) bool {
		for _, f := range all {
			if f(v) {
				return true
			}
		}
		return false
	}
}

func preparePattern(p ir.Pattern, windash bool) func(*value) bool {
	if p.Has(ir.Placeholder) {
		return func(*value) bool { return false }
	}
	for _, part := range p.Parts {
		if !utf8.ValidString(part.Text) {
			return nil
		}
	}
	if p.Has(ir.AnyOne) || windash && strings.ContainsAny(p.Literals(), string(dashes)) {
		return prepareAtoms(p, windash)
	}
	cased := p.Cased
	fold := regex.Fold
	if cased {
		fold = func(s string) string { return s }
	}
	of := func(v *value) string {
		if cased {
			return v.text
		}
		return v.folds()
	}
	shape, s := p.Shape()
	s = fold(s)
	switch shape {
	case ir.Exact:
		return func(v *value) bool { return of(v) == s }
	case ir.Prefix:
		return func(v *value) bool { return strings.HasPrefix(of(v), s) }
	case ir.Suffix:
		return func(v *value) bool { return strings.HasSuffix(of(v), s) }
	case ir.Contains:
		n := newNeedle(s)
		return func(v *value) bool { return n.in(v) && (!cased || strings.Contains(v.text, s)) }
	case ir.Any:
		return func(*value) bool { return true }
	}
	// Texts between `*`: the first that fits will do, save for the last.
	var middle []string
	longest := ""
	first, last := "", ""
	for i, part := range p.Parts {
		if len(part.Text) > len(longest) {
			longest = part.Text
		}
		switch {
		case part.Kind == ir.AnyRun:
		case i == 0:
			first = fold(part.Text)
		case i == len(p.Parts)-1:
			last = fold(part.Text)
		default:
			middle = append(middle, fold(part.Text))
		}
	}
	n := newNeedle(longest)
	return func(v *value) bool {
		if !n.in(v) {
			return false
		}
		text, ok := strings.CutPrefix(of(v), first)
		if !ok {
			return false
		}
		for _, m := range middle {
			if _, text, ok = strings.Cut(text, m); !ok {
				return false
			}
		}
		return strings.HasSuffix(text, last)
	}
}

// prepareAtoms is of the patterns that need a look at each character. A text
// that each match holds is looked for first.
func prepareAtoms(p ir.Pattern, windash bool) func(*value) bool {
	atoms := atomsOf(p, windash)
	var need, run []rune
	for _, a := range atoms {
		if a.kind != ir.Literal || len(a.ways) != 1 {
			run = nil
			continue
		}
		if run = append(run, regex.FoldRune(a.ways[0])); len(run) > len(need) {
			need = slices.Clone(run)
		}
	}
	n, cased := newNeedle(string(need)), p.Cased
	return func(v *value) bool {
		if !n.in(v) {
			return false
		}
		if cased {
			return globAtoms(atoms, []rune(v.text))
		}
		return globAtoms(atoms, v.foldRunes())
	}
}

func prepareRegexp(t ir.Regexp) func(*value) bool {
	if t.Re == nil {
		return func(*value) bool { return false }
	}
	n := newNeedle(string(required(t.Re)))
	matches := func(v *value) bool { return t.Re.In([]rune(v.text)) }
	if source, err := t.Re.Go(); err == nil {
		if g, err := regexp.Compile(source); err == nil {
			matches = func(v *value) bool { return g.MatchString(v.text) }
		}
	}
	return func(v *value) bool { return n.in(v) && matches(v) }
}

// required is the longest text found that every text in which re matches
// holds, both folded.
func required(re *regex.Re) []rune {
	switch re.Op {
	case regex.OpLiteral:
		return []rune{regex.FoldRune(re.Rune)}
	case regex.OpGroup:
		return required(re.Subs[0])
	case regex.OpRepeat:
		if re.Min > 0 {
			return required(re.Subs[0])
		}
	case regex.OpConcat:
		var longest, run []rune
		for _, s := range re.Subs {
			if s.Op == regex.OpLiteral {
				run = append(run, regex.FoldRune(s.Rune))
			} else {
				run = nil
				if r := required(s); len(r) > len(longest) {
					longest = r
				}
			}
			if len(run) > len(longest) {
				longest = slices.Clone(run)
			}
		}
		return longest
	}
	return nil
}
