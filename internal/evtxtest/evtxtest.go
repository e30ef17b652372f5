// Package evtxtest writes event logs of Windows (EVTX) for tests, as package evtx describes
// them. It shares nothing with that package, so a mistake of one is no mistake of both.
package evtxtest

import (
	"encoding/binary"
	"hash/crc32"
	"slices"
	"time"
	"unicode/utf16"
)

const (
	headerSize  = 4096
	chunkSize   = 65536
	firstRecord = 512
)

// An Element is one of XML. Content and the values of attributes hold string, Sub, Optional,
// Entity, Char and CDATA, and content *Element and *Instance too.
type Element struct {
	Name       string
	Depends    Optional // on a value of the template: 0 is none, 1 the first
	Attributes []Attribute
	Content    []any
}

// An Attribute is one of an element.
type Attribute struct {
	Name    string
	Content []any
}

// A Sub stands for the value of the template with this index.
type Sub int

// An Optional is a Sub with the token of one that may be null; see Element.Depends.
type Optional int

// An Entity is one by its name.
type Entity string

// A Char is one by its number.
type Char uint16

// A CDATA is a text in a section of that name.
type CDATA string

// An Instance is a template, which is written where it is first used in a chunk, and its values.
type Instance struct {
	Template *Element
	Values   []Value
}

// A Value is one of a template. XML is a value that is Binary XML itself.
type Value struct {
	Type  byte
	Bytes []byte
	XML   any // *Element or *Instance
}

// String is a text as a value.
func String(s string) Value { return Value{Type: 0x01, Bytes: utf16le(s)} }

// Uint is a number as a value of 8, 16, 32 or 64 bits.
func Uint(n uint64, bits int) Value {
	return Value{Type: map[int]byte{8: 0x04, 16: 0x06, 32: 0x08, 64: 0x0a}[bits], Bytes: little(n, bits/8)}
}

// Hex is a number of 64 bits that is shown in hexadecimal.
func Hex(n uint64) Value { return Value{Type: 0x15, Bytes: little(n, 8)} }

// Bool is one as a value.
func Bool(b bool) Value {
	if b {
		return Value{Type: 0x0d, Bytes: little(1, 4)}
	}
	return Value{Type: 0x0d, Bytes: little(0, 4)}
}

// Time is an instant as a value.
func Time(t time.Time) Value { return Value{Type: 0x11, Bytes: little(fileTime(t), 8)} }

// XML is Binary XML as a value.
func XML(x any) Value { return Value{Type: 0x21, XML: x} }

func fileTime(t time.Time) uint64 {
	return uint64(t.Unix()+11_644_473_600)*10_000_000 + uint64(t.Nanosecond()/100)
}

func little(n uint64, size int) []byte { return binary.LittleEndian.AppendUint64(nil, n)[:size] }

func utf16le(s string) (out []byte) {
	for _, u := range utf16.Encode([]rune(s)) {
		out = binary.LittleEndian.AppendUint16(out, u)
	}
	return out
}

// A Log is a file in the making. The zero Log is empty, and numbers its records from 1.
type Log struct {
	Next   uint64 // the number of the next record
	chunks [][]byte
	first  []uint64 // the first record of each chunk
	names  map[string]int
	made   map[*Element]int
	where  []int // the records
}

// Add writes an event as a record: an *Instance or an *Element.
func (l *Log) Add(event any) {
	l.Next = max(l.Next, 1)
	if len(l.chunks) > 0 {
		// One that does not fit is begun again in the next chunk.
		kept := slices.Clone(l.chunks[len(l.chunks)-1])
		if l.record(event); len(l.last()) <= chunkSize {
			return
		}
		l.chunks[len(l.chunks)-1] = kept
		l.where = l.where[:len(l.where)-1]
		l.Next--
	}
	l.Chunk()
	l.record(event)
	if len(l.last()) > chunkSize {
		panic("evtxtest: the event is larger than a chunk")
	}
}

// Chunk begins a chunk.
func (l *Log) Chunk() {
	l.Next = max(l.Next, 1)
	l.chunks = append(l.chunks, make([]byte, firstRecord))
	l.first = append(l.first, l.Next)
	l.names, l.made = map[string]int{}, map[*Element]int{}
}

func (l *Log) last() []byte { return l.chunks[len(l.chunks)-1] }

func (l *Log) record(event any) {
	w := &writer{Log: l, out: l.last()}
	start := len(w.out)
	w.text("**\x00\x00")
	w.number(0, 4)
	w.number(l.Next, 8)
	w.number(fileTime(time.Unix(1_700_000_000, 0)), 8)
	w.fragment(event, false)
	size := len(w.out) - start + 4
	w.number(uint64(size), 4)
	binary.LittleEndian.PutUint32(w.out[start+4:], uint32(size))
	l.chunks[len(l.chunks)-1] = w.out
	l.where = append(l.where, headerSize+(len(l.chunks)-1)*chunkSize+start)
	l.Next++
}

// Bytes is the file. Behind the chunks come so many that have not been used.
func (l *Log) Bytes(unused int) []byte {
	out := make([]byte, headerSize)
	copy(out, "ElfFile\x00")
	binary.LittleEndian.PutUint64(out[16:], uint64(max(len(l.chunks)-1, 0)))
	binary.LittleEndian.PutUint64(out[24:], max(l.Next, 1))
	binary.LittleEndian.PutUint32(out[32:], 128)
	binary.LittleEndian.PutUint16(out[36:], 1)
	binary.LittleEndian.PutUint16(out[38:], 3)
	binary.LittleEndian.PutUint16(out[40:], headerSize)
	binary.LittleEndian.PutUint16(out[42:], uint16(len(l.chunks)))
	for i, c := range l.chunks {
		next := l.Next
		if i+1 < len(l.chunks) {
			next = l.first[i+1]
		}
		full := make([]byte, chunkSize)
		copy(full, c)
		copy(full, "ElfChnk\x00")
		for j, n := range []uint64{l.first[i], next - 1, l.first[i], next - 1} {
			binary.LittleEndian.PutUint64(full[8+8*j:], n)
		}
		binary.LittleEndian.PutUint32(full[40:], 128)
		binary.LittleEndian.PutUint32(full[48:], uint32(len(c)))
		out = append(out, full...)
	}
	Seal(out)
	return append(out, make([]byte, unused*chunkSize)...)
}

// Records are where the records stand in Bytes.
func (l *Log) Records() []int { return l.where }

// Seal makes the checksums of a file right, as far as it has what they are about.
func Seal(file []byte) {
	if len(file) >= 128 {
		binary.LittleEndian.PutUint32(file[124:], crc32.ChecksumIEEE(file[:120]))
	}
	for at := headerSize; at+chunkSize <= len(file); at += chunkSize {
		c := file[at : at+chunkSize]
		if free := binary.LittleEndian.Uint32(c[48:]); free >= firstRecord && free <= chunkSize {
			binary.LittleEndian.PutUint32(c[52:], crc32.ChecksumIEEE(c[firstRecord:free]))
		}
		binary.LittleEndian.PutUint32(c[124:], crc32.ChecksumIEEE(append(slices.Clone(c[:120]), c[128:firstRecord]...)))
	}
}

// A writer writes into a chunk.
type writer struct {
	*Log
	out []byte
}

func (w *writer) number(n uint64, size int) { w.out = append(w.out, little(n, size)...) }
func (w *writer) text(s string)             { w.out = append(w.out, s...) }

// fragment is an *Element or *Instance with what stands around it.
func (w *writer) fragment(x any, inTemplate bool) {
	w.text("\x0f\x01\x01\x00")
	w.node(x, inTemplate)
	w.text("\x00")
}

func (w *writer) node(x any, inTemplate bool) {
	switch x := x.(type) {
	case *Element:
		w.element(x, inTemplate)
	case *Instance:
		w.instance(x)
	case string:
		w.text("\x05\x01")
		w.counted(x)
	case CDATA:
		w.text("\x07")
		w.counted(string(x))
	case Char:
		w.text("\x08")
		w.number(uint64(x), 2)
	case Entity:
		w.text("\x09")
		w.name(string(x))
	case Sub:
		w.text("\x0d")
		w.number(uint64(x), 2)
		w.text("\x01")
	case Optional:
		w.text("\x0e")
		w.number(uint64(x), 2)
		w.text("\x01")
	default:
		panic("evtxtest: no content")
	}
}

func (w *writer) counted(s string) {
	b := utf16le(s)
	w.number(uint64(len(b)/2), 2)
	w.out = append(w.out, b...)
}

func (w *writer) name(s string) {
	if at, ok := w.names[s]; ok {
		w.number(uint64(at), 4)
		return
	}
	w.number(uint64(len(w.out)+4), 4)
	w.names[s] = len(w.out)
	w.number(0, 4)
	hash := uint32(0)
	for _, u := range utf16.Encode([]rune(s)) {
		hash = hash*65599 + uint32(u)
	}
	w.number(uint64(hash&0xffff), 2)
	w.counted(s)
	w.number(0, 2)
}

// sized writes what make does, with its size before it.
func (w *writer) sized(make func()) {
	at := len(w.out)
	w.number(0, 4)
	make()
	binary.LittleEndian.PutUint32(w.out[at:], uint32(len(w.out)-at-4))
}

func (w *writer) element(e *Element, inTemplate bool) {
	w.out = append(w.out, 0x01)
	if len(e.Attributes) > 0 {
		w.out[len(w.out)-1] |= 0x40
	}
	if inTemplate {
		w.number(uint64(e.Depends)-1, 2)
	}
	w.sized(func() {
		w.name(e.Name)
		if len(e.Attributes) > 0 {
			w.sized(func() {
				for i, a := range e.Attributes {
					w.out = append(w.out, 0x06)
					if i < len(e.Attributes)-1 {
						w.out[len(w.out)-1] |= 0x40
					}
					w.name(a.Name)
					for _, x := range a.Content {
						w.node(x, inTemplate)
					}
				}
			})
		}
		if e.Content == nil {
			w.text("\x03")
			return
		}
		w.text("\x02")
		for _, x := range e.Content {
			w.node(x, inTemplate)
		}
		w.text("\x04")
	})
}

func (w *writer) instance(x *Instance) {
	w.text("\x0c\x01")
	at, ok := w.made[x.Template]
	if !ok {
		at = len(w.out) + 8
		w.made[x.Template] = at
	}
	w.number(uint64(at), 4) // as an identifier
	w.number(uint64(at), 4)
	if !ok {
		w.number(0, 4)
		w.out = append(w.out, make([]byte, 16)...)
		w.sized(func() { w.fragment(x.Template, true) })
	}
	w.number(uint64(len(x.Values)), 4)
	specs := len(w.out)
	w.out = append(w.out, make([]byte, 4*len(x.Values))...)
	for i, v := range x.Values {
		start := len(w.out)
		if w.out = append(w.out, v.Bytes...); v.XML != nil {
			w.fragment(v.XML, false)
		}
		binary.LittleEndian.PutUint16(w.out[specs+4*i:], uint16(len(w.out)-start))
		w.out[specs+4*i+2] = v.Type
	}
}
