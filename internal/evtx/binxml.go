package evtx

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

const (
	// maxDepth is how deep elements, templates and values of Binary XML are nested. Windows
	// has about ten.
	maxDepth = 256

	// maxWork bounds what all events of a chunk make: bytes of JSON, and tokenWork for each
	// token. Chunks of Windows make less than a sixth.
	maxWork   = 16 << 20
	tokenWork = 64
)

// A chunk is the bytes in which its events are, and the event that is read. What is made of
// an event is kept in lists, which the next event uses again.
type chunk struct {
	data []byte
	work int // that is left

	words []word         // texts that come again
	ids   map[string]int // of the words
	found map[value]int  // the words, by where they stand

	elements   []element
	attributes []attribute
	content    []value // of elements and attributes
	open       []value // the content of what has not ended

	out     []byte
	max     int // bytes of out
	spent   int // of the work, for out
	objects int
}

// A word is a text that comes again, as it is written in JSON, and the last object that has it
// as a key.
type word struct {
	text   string
	object int
	next   int // the number that it gets where it comes again in that object
}

// The words that are known before.
const (
	noWord = iota
	attributesWord
	textWord
	dataWord
	nameWord
	eventDataWord
	userDataWord
)

// begin goes over to the chunk in data.
func (c *chunk) begin(data []byte) {
	if c.ids == nil {
		c.ids, c.found = map[string]int{}, map[value]int{}
	}
	clear(c.ids)
	clear(c.found)
	c.data, c.work, c.words = data, maxWork, c.words[:0]
	for _, text := range []string{"", "#attributes", "#text", "Data", "Name", "EventData", "UserData"} {
		c.id(text)
	}
}

// id is the index of a word.
func (c *chunk) id(text string) int {
	id, ok := c.ids[text]
	if !ok {
		id = len(c.words)
		c.words = append(c.words, word{text: text})
		c.ids[text] = id
	}
	return id
}

// word is the index of the word that a text is.
func (c *chunk) word(text value) int {
	id, ok := c.found[text]
	if !ok {
		c.spend(text.size)
		id = c.id(string(c.appendText(nil, text)))
		c.found[text] = id
	}
	return id
}

// A span is a part of a list.
type span struct{ from, to int }

// An element is one of XML.
type element struct {
	name       int // a word
	attributes span
	content    span
}

type attribute struct {
	name    int  // a word
	content span // without elements
}

// broken is an error in an event, as a panic.
type broken string

func fail(format string, args ...any) { panic(broken(fmt.Sprintf(format, args...))) }

// event is the event from byte start to end as JSON of at most max bytes.
func (c *chunk) event(start, end, max int) (text []byte, err error) {
	defer func() {
		switch e := recover().(type) {
		case nil:
		case broken:
			err = errors.New("the event is broken: " + string(e))
		default:
			panic(e)
		}
	}()
	c.elements, c.attributes, c.content, c.open = c.elements[:0], c.attributes[:0], c.content[:0], c.open[:0]
	c.parse(start, end, nil, 0)
	switch {
	case len(c.open) == 0:
		fail("it is empty")
	case len(c.open) > 1 || c.open[0].kind != elementKind:
		fail("it is not one element")
	}
	c.max = max
	c.writeEvent(c.open[0])
	return bytes.Clone(c.out), nil
}

// spend takes from the work of the chunk.
func (c *chunk) spend(n int) {
	if c.work -= n; c.work < 0 {
		fail("the events of its chunk hold more than is read")
	}
}

// The tokens of Binary XML. With the bit moreToken, some say that another one follows.
const (
	endToken             = 0x00
	openToken            = 0x01
	closeStartToken      = 0x02
	closeEmptyToken      = 0x03
	endElementToken      = 0x04
	textToken            = 0x05
	attributeToken       = 0x06
	cdataToken           = 0x07
	charToken            = 0x08
	entityToken          = 0x09
	instructionToken     = 0x0a
	instructionDataToken = 0x0b
	templateToken        = 0x0c
	substitutionToken    = 0x0d
	optionalToken        = 0x0e
	headerToken          = 0x0f

	moreToken = 0x40
)

// A parser reads Binary XML of a chunk, from at to end. What it reads comes to the end of the
// chunk's open content.
type parser struct {
	*chunk
	at, end int
	values  []value // of the template, or nil outside of one
	depth   int
}

// parse reads the Binary XML from byte start to end.
func (c *chunk) parse(start, end int, values []value, depth int) {
	if depth > maxDepth {
		fail("it is nested too deep")
	}
	p := parser{c, start, end, values, depth}
	p.read(endToken)
}

// take goes past n bytes.
func (p *parser) take(n int) []byte {
	if n < 0 || n > p.end-p.at {
		fail("its Binary XML ends too early")
	}
	p.at += n
	return p.data[p.at-n : p.at]
}

func (p *parser) byte() byte  { return p.take(1)[0] }
func (p *parser) short() int  { return int(binary.LittleEndian.Uint16(p.take(2))) }
func (p *parser) long() int64 { return int64(binary.LittleEndian.Uint32(p.take(4))) }

// read reads to the token that ends it.
func (p *parser) read(last byte) {
	for {
		p.spend(tokenWork)
		token := p.byte()
		if token == last {
			return
		}
		switch token {
		case openToken, openToken | moreToken:
			p.element(token != openToken)
		case templateToken:
			p.template()
		case headerToken:
			p.take(3) // versions and flags
		case instructionToken:
			p.name()
		case instructionDataToken:
			p.text()
		default:
			p.characters(token)
		}
	}
}

// characters is what stands for text, or a value that may be elements.
func (p *parser) characters(token byte) {
	switch token {
	case textToken, textToken | moreToken:
		if kind := p.byte(); kind != stringType {
			fail("a text has the type %#x", kind)
		}
		p.open = append(p.open, p.text())
	case cdataToken, cdataToken | moreToken:
		p.open = append(p.open, p.text())
	case charToken, charToken | moreToken:
		p.open = append(p.open, value{kind: charKind, at: p.short()})
	case entityToken, entityToken | moreToken:
		name := p.words[p.name()].text
		i := slices.Index([]string{"amp", "lt", "gt", "quot", "apos"}, name)
		if i < 0 {
			fail("the entity %q is unknown", name)
		}
		p.open = append(p.open, value{kind: charKind, at: int("&<>\"'"[i])})
	case substitutionToken, optionalToken:
		i := p.short()
		p.byte() // the type, which the value has too
		if p.values == nil {
			fail("a value is asked for outside of a template")
		}
		if i >= len(p.values) {
			return // as one that is null
		}
		switch v := p.values[i]; {
		case v.kind == xmlType && v.size > 0:
			p.parse(v.at, v.at+v.size, nil, p.depth+1)
		case v.kind&arrayType != 0 || !p.isEmpty(v):
			p.open = append(p.open, v)
		}
	default:
		fail("the token %#x is unknown", token)
	}
}

// closed takes what is open from n on as the content of an element or attribute.
func (p *parser) closed(n int) span {
	from := len(p.content)
	p.content = append(p.content, p.open[n:]...)
	p.open = p.open[:n]
	return span{from, len(p.content)}
}

// noDependency is the value on which an element depends where it depends on none.
const noDependency = 0xffff

// element is the one whose token has been read. It is left out where it depends on a value
// that is null, and it comes once for each item of an array in it.
func (p *parser) element(attributes bool) {
	if p.depth++; p.depth > maxDepth {
		fail("it is nested too deep")
	}
	defer func() { p.depth-- }()
	depends := noDependency
	if p.values != nil {
		depends = p.short()
	}
	p.take(4) // its size
	e := element{name: p.name(), attributes: span{len(p.attributes), len(p.attributes)}}
	if attributes {
		p.take(4) // their size
	}
	for start := true; start; {
		p.spend(tokenWork)
		switch token := p.byte(); token {
		case attributeToken, attributeToken | moreToken:
			p.attributes = append(p.attributes, p.attribute())
			e.attributes.to++
		case closeStartToken:
			n := len(p.open)
			p.read(endElementToken)
			e.content = p.closed(n)
			start = false
		case closeEmptyToken:
			start = false
		default:
			fail("the token %#x stands in the tag of an element", token)
		}
	}
	if depends < len(p.values) && p.values[depends].kind == nullType {
		return
	}
	p.repeat(e)
}

// attribute is the one whose token has been read.
func (p *parser) attribute() attribute {
	a := attribute{name: p.name()}
	n := len(p.open)
	for p.at < p.end {
		token := p.data[p.at] &^ moreToken
		if token == attributeToken || token == closeStartToken || token == closeEmptyToken {
			break
		}
		p.spend(tokenWork)
		p.characters(p.byte())
	}
	for _, v := range p.open[n:] {
		if v.kind == elementKind {
			fail("an attribute holds an element")
		}
	}
	a.content = p.closed(n)
	return a
}

// repeat adds e once for each item of an array in it.
func (p *parser) repeat(e element) {
	at, array := -1, value{}
	find := func(in span) {
		for i := in.from; i < in.to; i++ {
			if v := p.content[i]; v.kind&arrayType != 0 {
				if at >= 0 {
					fail("the element %s holds two arrays", p.words[e.name].text)
				}
				at, array = i, v
			}
		}
	}
	find(e.content)
	for _, a := range p.attributes[e.attributes.from:e.attributes.to] {
		find(a.content)
	}
	if at < 0 {
		p.add(e)
		return
	}
	items := p.items(array)
	if len(items) == 0 {
		items = []value{{}}
	}
	for _, item := range items {
		p.spend(tokenWork * (1 + e.content.to - e.content.from + e.attributes.to - e.attributes.from))
		with := func(in span) span {
			if at < in.from || at >= in.to {
				return in
			}
			p.spend(tokenWork * (in.to - in.from))
			from := len(p.content)
			p.content = append(p.content, p.content[in.from:in.to]...)
			p.content[from+at-in.from] = item
			return span{from, len(p.content)}
		}
		copied := element{name: e.name, content: with(e.content)}
		copied.attributes.from = len(p.attributes)
		for _, a := range p.attributes[e.attributes.from:e.attributes.to] {
			p.attributes = append(p.attributes, attribute{a.name, with(a.content)})
		}
		copied.attributes.to = len(p.attributes)
		p.add(copied)
	}
}

func (p *parser) add(e element) {
	p.elements = append(p.elements, e)
	p.open = append(p.open, value{kind: elementKind, at: len(p.elements) - 1})
}

// template reads a template's definition, or where it stands, and its values, and what it
// makes of them.
func (p *parser) template() {
	p.take(1 + 4) // a byte that says nothing, and an identifier
	at := p.long()
	definition := parser{chunk: p.chunk, at: int(min(at, chunkSize)), end: len(p.data)}
	here := definition.at == p.at
	definition.take(4 + 16) // where the next one is, and a GUID
	size := definition.long()
	body := definition.at
	definition.take(int(min(size, chunkSize+1)))
	if here {
		p.take(definition.at - p.at)
	}
	n := p.long()
	specs := p.take(int(4 * min(n, chunkSize)))
	p.spend(int(n) * tokenWork)
	values := make([]value, n)
	for i := range values {
		spec := specs[4*i:]
		v := value{kind: uint16(spec[2]), at: p.at, size: int(binary.LittleEndian.Uint16(spec))}
		p.take(v.size)
		values[i] = v
	}
	p.parse(body, definition.at, values, p.depth+1)
}

// name is the word that is that of an element, attribute or entity. It stands here the first time, and there
// the next times.
func (p *parser) name() int {
	there := parser{chunk: p.chunk, at: int(min(p.long(), chunkSize)), end: len(p.data)}
	here := there.at == p.at
	there.take(4 + 2) // where the next one with this hash is, and the hash
	text := there.text()
	if here {
		p.take(there.at + 2 - p.at) // with the zero that ends it
	}
	return p.word(text)
}

// text is one behind its length.
func (p *parser) text() value {
	v := value{kind: stringType, size: 2 * p.short(), at: p.at}
	p.take(v.size)
	return v
}
