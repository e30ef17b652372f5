package eval

import (
	"bytes"
	"hash/maphash"
	"io"
	"iter"
	"strings"
	"unsafe"

	"github.com/go-json-experiment/json/jsontext"

	"sigmac/ir"
	"sigmac/regex"
)

// A reading is an event as it stands in JSON, read for the rules of a Set: what Flatten and
// Event.Field say of its fields, without an allocation. It takes ordinary events:
// what has a name twice, is no UTF-8 or is written in more than one way
// at once is left to ParseEvent.
type reading struct {
	*layout
	json    []byte
	text    string // the JSON, as long as that stays as it is
	decoder *jsontext.Decoder
	buf     bytes.Buffer
	nodes   []jsonNode
	open    []int32 // objects and arrays without an end
	arena   []byte
	other   string // the arena: names and texts that are not written in the text as they are
	names   nameTable
	objects uint64 // that were looked at for names that stand twice
	name    []byte
	heads   []head // by number
	turn    uint64
	set     []int32 // heads that the event has
	filled  []int32 // slots that fill has looked at
	plain   bool    // the nodes are what the flattened event has
	folds   [2]struct{ text, fold string }
}

// A jsonNode is a JSON value. Those within it follow it.
type jsonNode struct {
	kind     jsontext.Kind
	verbatim bool  // the text is written as it is
	name     int32 // the number of its name
	text     span
	next     int32 // the first node behind it
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

// head is the one that is called so, or none.
func (l *layout) head(name string) int32 {
	if n, ok := l.number[name]; ok {
		return n
	}
	return none
}

func newReading(l *layout) *reading {
	return &reading{layout: l, decoder: jsontext.NewDecoder(new(bytes.Buffer)), names: nameTable{layout: l, seed: maphash.MakeSeed()}, heads: make([]head, len(l.refs))}
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
	r.names.restart()
	r.json, r.text = text, uncopied(text)
	r.turn++
	r.set = r.set[:0]
	return len(text) <= maxReading && r.valid() && r.parse() && !r.twice() && r.flatten()
}

// uncopied is a text that must not be used any more when its bytes change.
func uncopied(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// event is the flattened event.
func (r *reading) event() Event {
	ev, err := ParseEvent(r.json)
	if err != nil {
		panic("eval: an event that was read cannot be read: " + err.Error())
	}
	return Flatten(ev)
}

// valid says whether the text is one JSON object, in UTF-8. Names may stand in it twice.
func (r *reading) valid() bool {
	r.buf = *bytes.NewBuffer(r.json)
	r.decoder.Reset(&r.buf, jsontext.AllowDuplicateNames(true))
	if r.decoder.PeekKind() != '{' {
		return false
	}
	if _, err := r.decoder.ReadValue(); err != nil {
		return false
	}
	_, err := r.decoder.ReadToken()
	return err == io.EOF
}

// parse reads the JSON, which is valid, into nodes.
func (r *reading) parse() bool {
	r.nodes, r.open, r.arena = r.nodes[:0], r.open[:0], r.arena[:0]
	s := r.text
	name, named := int32(nameNone), false // of the value that comes next
	for i, ended := 0, false; !ended; {
		from := i
		n := jsonNode{kind: jsontext.Kind(s[i]), name: name}
		ok := true
		switch c := s[i]; c {
		case ' ', '\t', '\r', '\n', ',', ':':
			i++
			continue
		case '}', ']':
			i++
			last := len(r.open) - 1
			r.nodes[r.open[last]].next = int32(len(r.nodes))
			r.open = r.open[:last]
			ended = last == 0
			continue
		case '{', '[':
			i++
			r.open = append(r.open, int32(len(r.nodes)))
		case '"':
			i, n.verbatim = endOfString(r.json, i+1)
			if n.text = (span{int32(from + 1), int32(i - 1)}); !n.verbatim {
				n.text, ok = r.unquoted(s[from:i])
			}
			if ok && !named && r.nodes[r.open[len(r.open)-1]].kind == '{' {
				if name, named = r.names.number(r.written(n.text)), true; !n.verbatim {
					r.arena = r.arena[:int(n.text.from)-len(s)]
				}
				continue
			}
		default:
			for i++; isWord(s[i]); i++ {
			}
			switch c {
			case 't', 'f':
				n.text, n.verbatim = span{int32(from), int32(i)}, true
			case 'n':
			default:
				n.kind = '0'
				n.text, n.verbatim, ok = r.canonical(from, i)
			}
		}
		if !ok || len(r.arena) > maxReading {
			return false
		}
		n.next = int32(len(r.nodes)) + 1
		r.nodes = append(r.nodes, n)
		name, named = nameNone, false
	}
	r.other = uncopied(r.arena)
	return true
}

// endOfString is the place behind the end of a string that goes on at i, and whether it is written there
// as it is.
func endOfString(s []byte, i int) (end int, verbatim bool) {
	for verbatim = true; ; i++ {
		switch i += plain(s[i:]); s[i] {
		case '"':
			return i + 1, verbatim
		case '\\':
			verbatim = false
			i++
		}
	}
}

// unquoted adds what a string in quotes stands for to the arena.
func (r *reading) unquoted(s string) (text span, ok bool) {
	before := len(r.arena)
	var err error
	r.arena, err = jsontext.AppendUnquote(r.arena, s)
	return r.added(len(r.arena) - before), err == nil
}

// added is what was added to the arena last.
func (r *reading) added(n int) span {
	to := int32(len(r.text) + len(r.arena))
	return span{to - int32(n), to}
}

// canonical is the number that stands from there to there.
func (r *reading) canonical(from, to int) (text span, verbatim, ok bool) {
	const short = 20
	v, digits := r.text[from:to], true
	for i := range len(v) {
		digits = digits && '0' <= v[i] && v[i] <= '9'
	}
	if digits && len(v) <= short {
		return span{int32(from), int32(to)}, true, true
	}
	n, ok := ir.ParseNumber(v)
	r.arena = append(r.arena, n...)
	return r.added(len(n)), string(n) == v, ok
}

// twice says whether a name stands twice in an object.
func (r *reading) twice() bool {
	for object := range r.nodes {
		if r.nodes[object].kind != '{' {
			continue
		}
		r.objects++
		for i := range r.members(int32(object)) {
			name := &r.names.all[r.nodes[i].name]
			if name.stamp == r.objects {
				return true
			}
			name.stamp = r.objects
		}
	}
	return false
}

// written is what has been read of a span so far.
func (r *reading) written(s span) string {
	if n := int32(len(r.text)); s.from >= n {
		return string(r.arena[s.from-n : s.to-n])
	}
	return r.text[s.from:s.to]
}

func (r *reading) of(s span) string {
	if n := int32(len(r.text)); s.from >= n {
		return r.other[s.from-n : s.to-n]
	}
	return r.text[s.from:s.to]
}

func (r *reading) nameOf(i int32) *named { return &r.names.all[r.nodes[i].name] }

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

// member is the member of an object whose name has that number, or none.
func (r *reading) member(object, number int32) int32 {
	for i := range r.members(object) {
		if r.nodes[i].name == number {
			return i
		}
	}
	return none
}

// memberNamed is the member of an object with that name, or none.
func (r *reading) memberNamed(object int32, name string) int32 {
	for i := range r.members(object) {
		if r.nameOf(i).text == name {
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
		r.assign(r.nameOf(i).head, i, phaseTop)
	}
	root := int32(0)
	if e, ok := r.one(headEvent); ok && r.is(e, '{') {
		root = e
	}
	system := r.member(root, nameSystem)
	if !r.is(system, '{') {
		return true
	}
	for i := range r.members(0) {
		n := r.nameOf(i).head
		r.plain = r.plain && headEvent <= n && n <= headUserData
	}
	for i := range r.members(system) {
		if r.nameOf(i).attribute {
			continue
		}
		if !r.is(i, '{') {
			if !r.assign(r.nameOf(i).head, i, phaseSystem) {
				return false
			}
			continue
		}
		text, attributes, ok := r.element(i, func(name string, value int32) bool {
			r.name = append(append(append(r.name[:0], r.nameOf(i).text...), '_'), name...)
			return r.assign(r.head(string(r.name)), value, phaseSystem)
		})
		if ok && (text != none || attributes == 0) {
			ok = r.assign(r.nameOf(i).head, text, phaseSystem)
		}
		if !ok {
			return false
		}
	}
	if data := r.member(root, nameEventData); r.is(data, '{') && !r.data(data, phaseData) {
		return false
	}
	user := r.member(root, nameUserData)
	if !r.is(user, '{') {
		return true
	}
	inner := 0
	for i := range r.members(user) {
		ok := true
		switch {
		case r.nameOf(i).attribute:
		case r.is(i, '{'):
			inner++
			ok = inner == 1 && r.data(i, phaseUser)
		default:
			ok = r.assign(r.nameOf(i).head, i, phaseUser)
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
		switch name := r.nodes[c].name; name {
		case nameText, nameOtherText:
			texts++
			if !r.is(c, 'n') {
				text = c
			}
		case nameAttributes:
			if r.is(c, '{') {
				for a := range r.members(c) {
					attributes++
					ok = attribute(r.nameOf(a).text, a) && ok
				}
			}
		default:
			attributes++
			ok = attribute(strings.TrimPrefix(r.nameOf(c).text, "@"), c) && ok
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
		case name.attribute || r.nodes[i].name == nameData:
			continue
		case r.is(i, '{'):
			text, _, fine := r.element(i, func(string, int32) bool { return true })
			if text == none {
				text = i
			}
			ok = ok && fine && r.assign(name.head, text, p)
		default:
			ok = ok && r.assign(name.head, i, p)
		}
	}
	switch list := r.member(object, nameData); {
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
		return r.assign(r.names.all[nameData].head, i, p)
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
	return ok && r.assign(r.head(name), text, p)
}

// assign sets a head; false where the order of members would count, or something that
// is flattened would be replaced.
func (r *reading) assign(n, value int32, p phase) bool {
	if n == none {
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
	id := r.names.all[r.names.number(text(headEventID, `"0`))].text // it outlives the event
	return newSource(r.folds[0].fold, r.folds[1].fold, id)
}

// keywords are what a Keyword looks at; none where the event is to be asked. Without all, those
// texts are left out that stand in the first one.
func (r *reading) keywords(out []value, all bool) []value {
	raw := r.member(0, nameRaw)
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
	r.filled = r.filled[:0]
	for _, n := range r.set {
		for _, to := range r.refs[n] {
			if to.path != "" {
				continue
			}
			f, h := r.look(v, to.slot), &r.heads[n]
			f.present = true
			f.values = r.elements(f.values, h.node)
			for _, i := range h.more {
				f.values = r.elements(f.values, i)
			}
		}
	}
	for _, n := range r.set {
		for _, to := range r.refs[n] {
			if to.path == "" || r.heads[r.own[to.slot]].turn == r.turn {
				continue
			}
			f, h := &v.fields[to.slot], &r.heads[n]
			if f.looked != v.turn {
				f = r.look(v, to.slot)
			}
			r.within(f, h.node, to.path)
			for _, i := range h.more {
				r.within(f, i, to.path)
			}
		}
	}
}

// look is the field of a slot that has not been filled yet.
func (r *reading) look(v *View, slot int32) *field {
	r.filled = append(r.filled, slot)
	return v.look(int(slot))
}

// elements adds what the function elements gives.
func (r *reading) elements(out []value, i int32) []value {
	switch {
	case i == none || r.nodes[i].kind == 'n':
		return out
	case r.nodes[i].kind == '[':
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
		if m := r.memberNamed(i, path); m != none {
			f.present = true
			f.values = r.elements(f.values, m)
			return
		}
		for at := range len(path) {
			if path[at] == '.' {
				if m := r.memberNamed(i, path[:at]); m != none {
					r.within(f, m, path[at+1:])
				}
			}
		}
	}
}
