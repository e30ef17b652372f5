package eval

import (
	"bytes"
	"io"
	"iter"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"sigmac/ir"
	"sigmac/regex"
)

// A reading is an event as it stands in JSON, read for the rules of a Set: what Flatten and
// Event.Field say of its fields, with one allocation an event. It takes ordinary events:
// what has a name twice, is no UTF-8 or is written in more than one way
// at once is left to ParseEvent.
type reading struct {
	*layout
	json    []byte
	decoder *jsontext.Decoder
	buf     bytes.Buffer
	nodes   []jsonNode
	open    []int32 // objects and arrays without an end
	arena   []byte
	text    string // the JSON
	other   string // the arena: names and texts that are not written there as they are
	name    []byte
	heads   []head // by number
	turn    uint64
	set     []int32 // heads that the event has
	plain   bool    // the nodes are what the flattened event has
	folds   [2]struct{ text, fold string }
}

// A jsonNode is a JSON value. Those within it follow it.
type jsonNode struct {
	kind       jsontext.Kind
	name, text span
	next       int32 // the first node behind it
	verbatim   bool  // the text is written as it is
}

// A span is a part of the JSON or, counted on behind that, of the arena.
type span struct{ from, to int32 }

// A head is a name at the top of a flattened event.
type head struct {
	turn  uint64 // in which the event had it
	phase phase
	node  int32   // none: null
	more  []int32 // of a list of Data
}

const none = -1

// A phase is a step of Flatten. Later ones replace what earlier ones have set.
type phase uint8

const (
	phaseTop phase = iota
	phaseSystem
	phaseData
	phaseDataList
	phaseUser
	phaseUserList
)

// A layout says which names at the top of events the fields of a Set come from.
type layout struct {
	number map[string]int32 // of heads, by name
	refs   [][]ref          // by head
	own    []int32          // by slot: the head that is named as the field is
}

// A ref is a field that a head leads to: itself, or along a path in it.
type ref struct {
	slot int32
	path string
}

// The heads that Flatten, Source and keywords look at.
const (
	headEventID = iota
	headChannel
	headComputer
	headProvider
	headRaw
	headEvent
	headSystem
	headEventData
	headUserData
)

var fixedHeads = []string{"EventID", "Channel", "Computer", "Provider_Name", rawField, "Event", "System", "EventData", "UserData"}

func newLayout(names []string) *layout {
	l := &layout{number: map[string]int32{}}
	head := func(name string) int32 {
		i, ok := l.number[name]
		if !ok {
			i = int32(len(l.refs))
			l.number[name] = i
			l.refs = append(l.refs, nil)
		}
		return i
	}
	for _, name := range fixedHeads {
		head(name)
	}
	for slot, name := range names {
		own := head(name)
		l.own = append(l.own, own)
		l.refs[own] = append(l.refs[own], ref{int32(slot), ""})
		for i := range len(name) {
			if name[i] == '.' {
				h := head(name[:i])
				l.refs[h] = append(l.refs[h], ref{int32(slot), name[i+1:]})
			}
		}
	}
	return l
}

func newReading(l *layout) *reading {
	return &reading{layout: l, decoder: jsontext.NewDecoder(new(bytes.Buffer)), heads: make([]head, len(l.refs))}
}

// maxReading bounds the bytes of an event, and of what is not written in it as it is: of 1e399, 400 digits. What
// is larger is left to ParseEvent. Spans count to twice as much.
const maxReading = 64 << 20

// maxKept is how much of its parts a View keeps of an event for the next one, so that a large one leaves nothing.
const maxKept = 1 << 16

// take reads an event, or says that it is to be left to ParseEvent.
func (r *reading) take(text []byte) bool {
	if cap(r.arena) > maxKept || cap(r.nodes) > maxKept {
		r.arena, r.nodes = nil, nil
	}
	r.json = text
	r.turn++
	r.set = r.set[:0]
	return r.parse() && r.flatten()
}

// event is the flattened event.
func (r *reading) event() Event {
	ev, err := ParseEvent(r.json)
	if err != nil {
		panic("eval: an event that was read cannot be read: " + err.Error())
	}
	return Flatten(ev)
}

// parse reads the JSON into nodes.
func (r *reading) parse() bool {
	r.nodes, r.open, r.arena = r.nodes[:0], r.open[:0], r.arena[:0]
	r.buf = *bytes.NewBuffer(r.json)
	r.decoder.Reset(&r.buf)
	if r.decoder.PeekKind() != '{' || len(r.json) > maxReading {
		return false
	}
	var name span
	named := false // the value that comes next
	for ended := false; !ended; {
		kind := r.decoder.PeekKind()
		n := jsonNode{kind: kind, name: name}
		ok := true
		switch kind {
		case '}', ']':
			last := len(r.open) - 1
			r.nodes[r.open[last]].next = int32(len(r.nodes))
			r.open = r.open[:last]
			ended = last == 0
			ok = r.skip()
		case '{', '[':
			r.open = append(r.open, int32(len(r.nodes)))
			ok = r.skip()
		case '"':
			if n.text, n.verbatim, ok = r.takeText(); ok && len(r.arena) <= maxReading && !named && r.nodes[r.open[len(r.open)-1]].kind == '{' {
				name, named = n.text, true
				continue
			}
		case '0':
			n.text, n.verbatim, ok = r.takeNumber()
		case 't', 'f':
			n.text, n.verbatim, ok = r.add(strconv.FormatBool(kind == 't')), true, r.skip()
		case 'n':
			ok = r.skip()
		default:
			return false
		}
		if !ok || len(r.arena) > maxReading {
			return false
		}
		if kind != '}' && kind != ']' {
			n.next = int32(len(r.nodes)) + 1
			r.nodes = append(r.nodes, n)
		}
		name, named = span{}, false
	}
	_, err := r.decoder.ReadToken()
	r.text, r.other = string(r.json), string(r.arena)
	return err == io.EOF
}

func (r *reading) skip() bool {
	_, err := r.decoder.ReadToken()
	return err == nil
}

func (r *reading) add(s string) span {
	r.arena = append(r.arena, s...)
	return r.added(len(s))
}

// added is what was added to the arena last.
func (r *reading) added(n int) span {
	to := int32(len(r.json) + len(r.arena))
	return span{to - int32(n), to}
}

// takeText reads a string. Verbatim says that it is written as it is.
func (r *reading) takeText() (text span, verbatim, ok bool) {
	v, err := r.decoder.ReadValue()
	if err != nil {
		return span{}, false, false
	}
	if bytes.IndexByte(v, '\\') < 0 {
		to := int32(r.decoder.InputOffset()) - 1
		return span{to - int32(len(v)) + 2, to}, true, true
	}
	before := len(r.arena)
	r.arena, err = jsontext.AppendUnquote(r.arena, v)
	return r.added(len(r.arena) - before), false, err == nil
}

// takeNumber reads a number in canonical form.
func (r *reading) takeNumber() (text span, verbatim, ok bool) {
	v, err := r.decoder.ReadValue()
	if err != nil {
		return span{}, false, false
	}
	digits := true
	for _, c := range v {
		digits = digits && '0' <= c && c <= '9'
	}
	const short = 20
	if digits && len(v) <= short {
		to := int32(r.decoder.InputOffset())
		return span{to - int32(len(v)), to}, true, true
	}
	n, ok := ir.ParseNumber(string(v))
	return r.add(string(n)), string(n) == string(v), ok
}

func (r *reading) of(s span) string {
	if n := int32(len(r.json)); s.from >= n {
		return r.other[s.from-n : s.to-n]
	}
	return r.text[s.from:s.to]
}

func (r *reading) nameOf(i int32) string { return r.of(r.nodes[i].name) }

func (r *reading) is(i int32, kind jsontext.Kind) bool { return i != none && r.nodes[i].kind == kind }

// members are the nodes of an object's members, or of an array's elements.
func (r *reading) members(of int32) iter.Seq[int32] {
	return func(yield func(int32) bool) {
		for i := of + 1; i < r.nodes[of].next; i = r.nodes[i].next {
			if !yield(i) {
				return
			}
		}
	}
}

// member is the member of an object with that name, or none.
func (r *reading) member(object int32, name string) int32 {
	for i := range r.members(object) {
		if r.nameOf(i) == name {
			return i
		}
	}
	return none
}

// flatten sets the heads as Flatten sets fields; false where it would depend on the order
// in which that looks at members.
func (r *reading) flatten() bool {
	r.plain = true
	for i := range r.members(0) {
		r.assign(r.nameOf(i), i, phaseTop)
	}
	root := int32(0)
	if e, ok := r.one(headEvent); ok && r.is(e, '{') {
		root = e
	}
	system := r.member(root, "System")
	if !r.is(system, '{') {
		return true
	}
	for i := range r.members(0) {
		n, ok := r.number[r.nameOf(i)]
		r.plain = r.plain && ok && headEvent <= n && n <= headUserData
	}
	for i := range r.members(system) {
		if isAttribute(r.nameOf(i)) {
			continue
		}
		if !r.is(i, '{') {
			if !r.assign(r.nameOf(i), i, phaseSystem) {
				return false
			}
			continue
		}
		text, attributes, ok := r.element(i, func(name string, value int32) bool {
			r.name = append(append(append(r.name[:0], r.nameOf(i)...), '_'), name...)
			return r.assign(string(r.name), value, phaseSystem)
		})
		if ok && (text != none || attributes == 0) {
			ok = r.assign(r.nameOf(i), text, phaseSystem)
		}
		if !ok {
			return false
		}
	}
	if data := r.member(root, "EventData"); r.is(data, '{') && !r.data(data, phaseData) {
		return false
	}
	user := r.member(root, "UserData")
	if !r.is(user, '{') {
		return true
	}
	inner := 0
	for i := range r.members(user) {
		ok := true
		switch {
		case isAttribute(r.nameOf(i)):
		case r.is(i, '{'):
			inner++
			ok = inner == 1 && r.data(i, phaseUser)
		default:
			ok = r.assign(r.nameOf(i), i, phaseUser)
		}
		if !ok {
			return false
		}
	}
	return true
}

// isAttribute says whether a member of an element is one of its attributes or has them.
func isAttribute(name string) bool { return name == "#attributes" || strings.HasPrefix(name, "@") }

// element is what the function element says of an object: its text, and how many attributes
// there are, each of which is given to the function. It is not ok where it has two texts.
func (r *reading) element(i int32, attribute func(name string, value int32) bool) (text int32, attributes int, ok bool) {
	text, texts, ok := none, 0, true
	for c := range r.members(i) {
		switch name := r.nameOf(c); name {
		case "#text", "Text":
			texts++
			if !r.is(c, 'n') {
				text = c
			}
		case "#attributes":
			if r.is(c, '{') {
				for a := range r.members(c) {
					attributes++
					ok = attribute(r.nameOf(a), a) && ok
				}
			}
		default:
			attributes++
			ok = attribute(strings.TrimPrefix(name, "@"), c) && ok
		}
	}
	return text, attributes, ok && texts < 2
}

// data is what flattenData does.
func (r *reading) data(object int32, p phase) bool {
	ok := true
	for i := range r.members(object) {
		name := r.nameOf(i)
		switch {
		case isAttribute(name) || name == "Data":
			continue
		case r.is(i, '{'):
			text, _, fine := r.element(i, func(string, int32) bool { return true })
			if text == none {
				text = i
			}
			ok = ok && fine && r.assign(name, text, p)
		default:
			ok = ok && r.assign(name, i, p)
		}
	}
	switch list := r.member(object, "Data"); {
	case list == none || r.is(list, 'n'):
	case r.is(list, '['):
		for i := range r.members(list) {
			ok = ok && r.datum(i, p+1)
		}
	default:
		ok = ok && r.datum(list, p+1)
	}
	return ok
}

// datum is one Data.
func (r *reading) datum(i int32, p phase) bool {
	if !r.is(i, '{') {
		return r.assign("Data", i, p)
	}
	name, named := "Data", false
	text, _, ok := r.element(i, func(a string, value int32) bool {
		if a != "Name" {
			return true
		}
		if r.is(value, '"') {
			name = r.of(r.nodes[value].text)
		}
		twice := named
		named = true
		return !twice
	})
	return ok && r.assign(name, text, p)
}

// assign sets a head; false where the order of members would count, or something that
// is flattened would be replaced.
func (r *reading) assign(name string, value int32, p phase) bool {
	n, ok := r.number[name]
	if !ok {
		return true
	}
	h := &r.heads[n]
	switch {
	case p > phaseTop && headEvent <= n && n <= headUserData:
		return false
	case h.turn != r.turn:
		h.turn, h.more = r.turn, h.more[:0]
		r.set = append(r.set, n)
	case p > phaseSystem && n <= headProvider && h.phase <= phaseSystem:
		return true
	case h.phase == p && (p == phaseDataList || p == phaseUserList):
		h.more = append(h.more, value)
		return true
	case h.phase == p || h.phase >= phaseUser:
		return false
	}
	h.phase, h.node, h.more = p, value, h.more[:0]
	return true
}

// one is the only value of a head.
func (r *reading) one(n int32) (i int32, ok bool) {
	h := &r.heads[n]
	return h.node, h.turn == r.turn && h.node != none && len(h.more) == 0
}

// source is what SourceOf says.
func (r *reading) source() Source {
	text := func(n int32, kinds string) string {
		if i, ok := r.one(n); ok && strings.IndexByte(kinds, byte(r.nodes[i].kind)) >= 0 {
			return r.of(r.nodes[i].text)
		}
		return ""
	}
	for i, n := range []int32{headChannel, headProvider} {
		if s := text(n, `"`); r.folds[i].text != s {
			r.folds[i].text = strings.Clone(s)
			r.folds[i].fold = regex.Fold(r.folds[i].text)
		}
	}
	return newSource(r.folds[0].fold, r.folds[1].fold, text(headEventID, `"0`))
}

// keywords are what a Keyword looks at; none where the event is to be asked. Without all, those
// texts are left out that stand in the first one.
func (r *reading) keywords(out []value, all bool) []value {
	raw := r.member(0, rawField)
	i, ok := r.one(headRaw)
	given := ok && r.is(i, '"')
	switch {
	case given && r.is(raw, '"'):
		return append(out, r.value(raw))
	case given || !r.plain || raw != none:
		return out
	}
	out = append(out, value{kind: kindText, valid: true, text: r.text})
	for i := range r.nodes {
		if n := &r.nodes[i]; n.kind != '{' && n.kind != '[' && n.kind != 'n' && (all || !n.verbatim) {
			out = append(out, r.value(int32(i)))
		}
	}
	return out
}

func (r *reading) value(i int32) value {
	n := &r.nodes[i]
	v := value{valid: true, text: r.of(n.text)}
	switch n.kind {
	case '"':
		v.kind = kindText
	case '0':
		v.kind = kindNumber
	case 't', 'f':
		v.kind = kindBool
	default:
		v = value{}
	}
	return v
}

// fill gives a View the fields that the event has.
func (r *reading) fill(v *View) {
	for _, n := range r.set {
		for _, to := range r.refs[n] {
			if to.path == "" {
				f := v.look(int(to.slot))
				f.present = true
				r.each(n, func(i int32) { f.values = r.elements(f.values, i) })
			}
		}
	}
	for _, n := range r.set {
		for _, to := range r.refs[n] {
			if to.path == "" || r.heads[r.own[to.slot]].turn == r.turn {
				continue
			}
			f := &v.fields[to.slot]
			if f.looked != v.turn {
				f = v.look(int(to.slot))
			}
			r.each(n, func(i int32) { r.within(f, i, to.path) })
		}
	}
}

// each calls f for the nodes of a head.
func (r *reading) each(n int32, f func(i int32)) {
	h := &r.heads[n]
	f(h.node)
	for _, i := range h.more {
		f(i)
	}
}

// elements adds what the function elements gives.
func (r *reading) elements(out []value, i int32) []value {
	switch {
	case i == none || r.is(i, 'n'):
		return out
	case r.is(i, '['):
		for x := range r.members(i) {
			out = r.elements(out, x)
		}
		return out
	}
	return append(out, r.value(i))
}

// within adds what the function within gives.
func (r *reading) within(f *field, i int32, path string) {
	switch {
	case r.is(i, '['):
		for x := range r.members(i) {
			r.within(f, x, path)
		}
	case r.is(i, '{'):
		if m := r.member(i, path); m != none {
			f.present = true
			f.values = r.elements(f.values, m)
			return
		}
		for at := range len(path) {
			if path[at] == '.' {
				if m := r.member(i, path[:at]); m != none {
					r.within(f, m, path[at+1:])
				}
			}
		}
	}
}
