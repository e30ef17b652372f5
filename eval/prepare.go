package eval

import (
	"cmp"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"sigmac/ir"
	"sigmac/regex"
)

// A Prepared is a rule made ready for many events: its texts are folded and
// its regular expressions compiled. It answers as Rule does.
type Prepared struct {
	set    *Set
	root   *node
	source ir.LogSource
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
	layout func() *layout // of the events that Views read
}

// NewSet is a Set without rules.
func NewSet() *Set {
	s := &Set{slots: map[string]int{}, number: map[string]int{}}
	s.layout = sync.OnceValue(func() *layout { return newLayout(s.names) })
	return s
}

// Prepare makes a rule ready and adds it.
func (s *Set) Prepare(r *ir.Rule) *Prepared {
	b := builder{s, r, map[string]*node{}}
	any := make(ir.Or, len(r.Conditions))
	for i, c := range r.Conditions {
		any[i] = c.Expr
	}
	return &Prepared{s, b.node(any), r.Source}
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

// each calls f for the leaves of n, with the part of n that each is: of an Or, all are as much.
func (n *node) each(part float64, f func(leaf int, part float64)) {
	switch n.op {
	case opLeaf:
		f(n.leaf, part)
	case opOr:
		part /= float64(len(n.subs))
	}
	for _, sub := range n.subs {
		sub.each(part, f)
	}
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
	other  int // of a FieldRef: the slot of the other field
	refers func(x, other *value) bool
	kind   leafKind
	needle string // of leafExact to leafContains, folded
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
		l.slot, l.test = s.slot(e.Field.Name), e.Test
		switch t := e.Test.(type) {
		case ir.Null:
			l.kind = leafNull
		case ir.Exists:
			l.kind = leafExists
		case ir.FieldRef:
			relates := relation(t.Shape)
			l.other, l.refers = s.slot(t.Other.Name), func(x, other *value) bool { return relates(x.folds(), other.folds()) }
			if t.Cased {
				l.refers = func(x, other *value) bool { return relates(x.text, other.text) }
			}
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
				l.kind, l.needle = leafOfShape[shape], regex.Fold(text)
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

// slot is the number of a field.
func (s *Set) slot(name string) int {
	i, ok := s.slots[name]
	if !ok {
		i = len(s.names)
		s.slots[name] = i
		s.names = append(s.names, name)
	}
	return i
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
	read   *reading // the event as Read has taken it, in the place of ev
	reader *reading
	fields []field  // by slot
	turn   uint64   // of the event
	known  []uint32 // by leaf: a state, above it the round in which it was found
	round  uint32   // of questions about an event
	texts  []value  // the raw text and, where keywords look there, all scalars
	index  *Index   // by which leaves are found; nil: each is tried
	search finding
}

// The states of a leaf.
const (
	leafFalse    = 1
	leafTrue     = 2
	leafPossible = 3 // the index has seen a text that it needs
	stateBits    = 2
)

// A field is one that was looked up in this turn, or was not yet.
type field struct {
	looked  uint64 // the turn
	present bool
	values  []value
}

// View shows an event to the rules of s.
func (s *Set) View(ev Event) *View {
	return &View{set: s, ev: ev, fields: make([]field, len(s.names)), known: make([]uint32, len(s.leaves)), turn: 1, round: 1}
}

// Show turns to another event.
func (v *View) Show(ev Event) {
	v.next()
	v.ev, v.read = ev, nil
}

// next forgets the event.
func (v *View) next() {
	v.texts, v.search.texts = emptied(v.texts), emptied(v.search.texts)
	v.turn++
	v.ask()
}

// ask begins a round of questions, for which nothing is known of the leaves.
func (v *View) ask() {
	if v.round++; v.round == 1<<(32-stateBits) {
		clear(v.known)
		clear(v.search.scanned)
		clear(v.search.asked)
		v.round = 1
	}
}

func (v *View) field(slot int) *field {
	f := &v.fields[slot]
	if f.looked != v.turn {
		v.look(slot)
		if v.read == nil {
			found, present := v.ev.Field(v.set.names[slot])
			f.present = present
			for _, x := range found {
				f.values = append(f.values, newValue(x))
			}
		}
	}
	return f
}

// emptied is the room of some values, if it is not too large to be kept.
func emptied(values []value) []value {
	if cap(values) > maxKept {
		return nil
	}
	clear(values)
	return values[:0]
}

// look empties a field for this turn.
func (v *View) look(slot int) *field {
	f := &v.fields[slot]
	f.looked, f.present, f.values = v.turn, false, emptied(f.values)
	return f
}

// Read turns to the event of a JSON object, as Flatten gives it. It is false, and the View
// shows an event without fields, where ParseEvent gives an error. The text must stay as it
// is as long as the View shows the event.
func (v *View) Read(text []byte) bool {
	v.next()
	v.ev, v.read = Event{}, nil
	if v.reader == nil {
		v.reader = newReading(v.set.layout())
	}
	if v.reader.take(text) {
		v.read = v.reader
		v.read.fill(v)
		return true
	}
	ev, err := ParseEvent(text)
	if err == nil {
		v.ev = Flatten(ev)
	}
	return err == nil
}

// Event is the event that the View shows.
func (v *View) Event() Event {
	if v.read != nil {
		return v.read.event()
	}
	return v.ev
}

// Source is SourceOf the event.
func (v *View) Source() Source {
	if v.read != nil {
		return v.read.source()
	}
	return SourceOf(v.ev)
}

// Present says whether the event has a field that a rule of the Set asks for.
func (v *View) Present(name string) bool {
	slot, ok := v.set.slots[name]
	return ok && v.field(slot).present
}

func (v *View) leaf(i int) bool {
	state := v.state(i)
	if state == 0 && v.search.route != nil && v.index.leads[i].looked {
		readable := v.scan(v.set.slotOf(i))
		if state = v.state(i); state == 0 && readable {
			state = leafFalse
		}
	}
	switch state {
	case leafFalse, leafTrue:
		return state == leafTrue
	}
	is := v.try(i)
	if state = leafFalse; is {
		state = leafTrue
	}
	v.know(i, state)
	return is
}

// try asks what the values of a leaf's field say, or what is remembered of the only one.
func (v *View) try(i int) bool {
	l := &v.set.leaves[i]
	if l.slot >= 0 && l.test != nil && l.refers == nil {
		if values := v.field(l.slot).values; len(values) == 1 && values[0].memo != nil {
			return values[0].memo.passes(i, func() bool { return v.holds(l) })
		}
	}
	return v.holds(l)
}

func (v *View) know(i int, state uint32) { v.known[i] = v.round<<stateBits | state }

// state is what is known of a leaf, or 0.
func (v *View) state(i int) uint32 {
	if k := v.known[i]; k>>stateBits == v.round {
		return k & (1<<stateBits - 1)
	}
	return 0
}

// values are those of a slot; -1, and the slot behind the last one, stand for what
// keywords look at.
func (v *View) values(slot int) []value {
	if slot < 0 || slot == len(v.fields) {
		return v.keywords()
	}
	return v.field(slot).values
}

func (v *View) holds(l *leaf) bool {
	switch l.kind {
	case leafNull:
		return len(v.field(l.slot).values) == 0
	case leafExists:
		return v.field(l.slot).present
	}
	values := v.values(l.slot)
	for i := range values {
		x := &values[i]
		if !x.valid || l.fast == nil {
			if !x.scalar() {
				continue
			}
			if l.refers != nil {
				if v.refers(l, x) {
					return true
				}
			} else if passes(l.test, x.any(), Event{}) {
				return true
			}
			continue
		}
		ok := false
		switch l.kind {
		case leafExact:
			ok = x.is(l.needle)
		case leafPrefix:
			ok = x.starts(l.needle)
		case leafSuffix:
			ok = x.ends(l.needle)
		case leafContains:
			ok = strings.Contains(x.folds(), l.needle)
		default:
			ok = l.fast(x)
		}
		if ok {
			return true
		}
	}
	return false
}

// refers says whether a value stands to some value of the other field as the FieldRef says.
func (v *View) refers(l *leaf, x *value) bool {
	others := v.field(l.other).values
	for i := range others {
		if o := &others[i]; o.scalar() && l.refers(x, o) {
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
	if v.read != nil {
		if v.texts = v.read.keywords(v.texts, true); len(v.texts) > 0 {
			return v.texts
		}
	}
	ev := v.Event()
	v.texts = append(v.texts, newValue(ev.raw))
	if _, given := ev.fields[rawField].(string); !given {
		anyText(ev.fields, func(x any) bool {
			v.texts = append(v.texts, newValue(x))
			return false
		})
	}
	return v.texts
}

// A value is one of a field, with the forms that tests want, each made once.
type value struct {
	kind   valueKind
	valid  bool // a scalar whose text is UTF-8
	folded bool
	text   string // of a scalar
	fold   string
	memo   *remembered // or nil
}

type valueKind uint8

const (
	kindObject valueKind = iota // or anything else that is no scalar
	kindText
	kindNumber // in canonical form
	kindBool
)

func newValue(x any) value {
	v := value{}
	switch x := x.(type) {
	case string:
		v.kind, v.text = kindText, x
	case json.Number:
		v.kind, v.text = kindNumber, string(x)
	case bool:
		v.kind, v.text = kindBool, strconv.FormatBool(x)
	}
	v.valid = v.scalar() && utf8.ValidString(v.text)
	return v
}

func (v *value) scalar() bool { return v.kind != kindObject }

// any is a scalar as an Event has it.
func (v *value) any() any {
	switch v.kind {
	case kindNumber:
		return json.Number(v.text)
	case kindBool:
		return v.text == "true"
	}
	return v.text
}

func (v *value) folds() string {
	if !v.folded {
		v.fold, v.folded = regex.Fold(v.text), true
	}
	return v.fold
}

// is says whether the folded text is another one, which is folded.
func (v *value) is(text string) bool {
	if !v.folded {
		if is, known := folded(v.text, text); known {
			return is
		}
	}
	return v.folds() == text
}

// starts says whether the folded text starts with a text, which is folded.
func (v *value) starts(text string) bool {
	if !v.folded {
		if is, known := folded(v.text[:min(len(v.text), len(text))], text); known {
			return is
		}
	}
	return strings.HasPrefix(v.folds(), text)
}

// ends says whether the folded text ends with a text, which is folded.
func (v *value) ends(text string) bool {
	if !v.folded {
		if is, known := folded(v.text[max(len(v.text)-len(text), 0):], text); known {
			return is
		}
	}
	return strings.HasSuffix(v.folds(), text)
}

// folded says whether s folds to a text, which is known of ASCII.
func folded(s, text string) (is, known bool) {
	is = len(s) == len(text)
	for i := range len(s) {
		c := s[i]
		if c >= utf8.RuneSelf {
			return false, false
		}
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		is = is && c == text[i]
	}
	return is, true
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
				return v.kind != kindBool && v.text == want
			}
		}
	case ir.Bool:
		want := boolText(t.Value)
		return func(v *value) bool {
			return v.kind != kindNumber && len(v.text) == len(want) && v.folds() == want
		}
	}
	return nil
}

// boolText is a boolean as a folded text.
func boolText(b bool) string { return regex.Fold(strconv.FormatBool(b)) }

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
	if p.Has(ir.AnyOne) || windash && hasDash(p.Literals()) {
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
		return func(v *value) bool { return strings.Contains(of(v), s) }
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
	longest = regex.Fold(longest)
	return func(v *value) bool {
		if !strings.Contains(v.folds(), longest) {
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
	needed, cased := string(longestRun(atoms)), p.Cased
	return func(v *value) bool {
		if !strings.Contains(v.folds(), needed) {
			return false
		}
		if cased {
			return globAtoms(atoms, []rune(v.text))
		}
		return globAtoms(atoms, []rune(v.folds()))
	}
}

// longestRun is the longest text, folded, that every text which the atoms match holds.
func longestRun(atoms []atom) (longest []rune) {
	var run []rune
	for _, a := range atoms {
		if a.kind != ir.Literal || len(a.ways) != 1 {
			run = nil
			continue
		}
		if run = append(run, regex.FoldRune(a.ways[0])); len(run) > len(longest) {
			longest = slices.Clone(run)
		}
	}
	return longest
}

func prepareRegexp(t ir.Regexp) func(*value) bool {
	if t.Re == nil {
		return func(*value) bool { return false }
	}
	matches := func(v *value) bool { return t.Re.In([]rune(v.text)) }
	if source, err := t.Re.Go(); err == nil {
		if g, err := regexp.Compile(source); err == nil {
			matches = func(v *value) bool { return g.MatchString(v.text) }
		}
	}
	needed, least, run := required(t.Re), shortest(t.Re), longestClass(t.Re)
	if len(needed) != 1 { // an Index asks for the others
		needed = nil
	}
	return func(v *value) bool {
		if len(v.text) < least || !run.in(v.text) {
			return false
		}
		return (len(needed) == 0 || strings.Contains(v.folds(), needed[0])) && matches(v)
	}
}
