package eval

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"strings"
	"unicode/utf8"

	"sigmac/internal/evtx"
	"sigmac/ir"
)

// DefaultMaxEvent is the bytes that an event may have.
const DefaultMaxEvent = 16 << 20

// maxNesting is how deep package encoding/json reads values.
const maxNesting = 10_000

// A Record is an event as it stands in a stream.
type Record struct {
	Pos  ir.Pos // where its text begins; in an EVTX file, the line is the record's number
	Text []byte // of one JSON object
}

// A Reader reads events from a stream: JSON objects one a line, one after the
// other or in arrays, or an event log of Windows (EVTX), also compressed with gzip
// or zstd. It keeps one at a time.
//
// It finds where objects end and leaves their words and numbers to ParseEvent.
// After a broken object it goes on at the next line that begins with an object
// and is not indented more than the broken one.
type Reader struct {
	src io.Reader
	max int
	log *evtx.Reader // or nil: of JSON

	buf     []byte
	at      int // in buf: what is read next
	keep    int // in buf: where what is kept begins; -1: nothing is
	err     error
	pos     ir.Pos // of buf[at]
	started bool
	inArray bool
	comma   bool // in an array: an element has been read and no comma since
	said    int  // the last line with an error outside objects
	credit  int  // of bytes that may be read again
}

// NewReader reads from r events of at most max bytes.
func NewReader(r io.Reader, max int) *Reader {
	return &Reader{src: r, max: max, keep: -1, pos: ir.Pos{Line: 1, Column: 1}}
}

// Next gives the next event, whose text is good until the call after. The error is io.EOF at the end, an *ir.Diagnostic
// where there is no event, or that of the stream, which ends it.
func (r *Reader) Next() (Record, error) {
	if !r.started {
		r.started = true
		if err := r.open(); err != nil {
			r.err = err
			return Record{}, err
		}
	}
	if r.log != nil {
		return r.logged()
	}
	for {
		c, ok := r.peek()
		start := r.pos
		switch {
		case !ok && r.err == io.EOF && r.inArray:
			r.inArray = false
			return Record{}, &ir.Diagnostic{Pos: start, Msg: "the array has no end"}
		case !ok:
			return Record{}, r.err
		case isSpace(c):
			r.next()
			continue
		case c == '[' && !r.inArray:
			r.next()
			r.inArray, r.comma = true, false
			continue
		case c == ']' && r.inArray:
			r.next()
			r.inArray = false
			continue
		case c == ',' && r.inArray && r.comma:
			r.next()
			r.comma = false
			continue
		}
		if r.inArray && r.comma {
			r.comma, r.said = false, start.Line
			return Record{}, &ir.Diagnostic{Pos: start, Msg: "a comma is missing before this"}
		}
		r.comma = true
		text, err := r.value()
		switch {
		case err == nil && c == '{':
			return Record{start, text}, nil
		case err == nil:
			err = &ir.Diagnostic{Pos: start, Msg: "not an event: " + kindOf(c)}
		}
		if _, ok := err.(*ir.Diagnostic); ok && c != '{' {
			if r.said == start.Line {
				continue
			}
			r.said = start.Line
		}
		return Record{}, err
	}
}

func kindOf(c byte) string {
	switch {
	case c == '[':
		return "an array in an array"
	case c == '"':
		return "a string"
	case c == '-' || '0' <= c && c <= '9':
		return "a number"
	case 'a' <= c && c <= 'z':
		return "a word"
	}
	return fmt.Sprintf("%q", c)
}

// open looks at the first bytes.
func (r *Reader) open() error {
	whole := evtx.Whole(r.src)
	b, packed, err := unpack(bufio.NewReader(r.src))
	if err != nil {
		return err
	}
	r.src = b
	if begins(b, evtx.Magic) {
		if packed {
			whole = nil
		}
		r.log = evtx.NewReader(b, whole, r.max)
		return nil
	}
	switch mark, _ := b.Peek(3); {
	case bytes.HasPrefix(mark, []byte("\xef\xbb\xbf")):
		_, _ = b.Discard(3)
	case bytes.HasPrefix(mark, []byte("\xff\xfe")), bytes.HasPrefix(mark, []byte("\xfe\xff")):
		return fmt.Errorf("is UTF-16 text; events are read as UTF-8")
	}
	if other := notJSON(b); other != "" {
		return fmt.Errorf("is %s; events are read as JSON objects or EVTX", other)
	}
	return nil
}

// logged is the next event of an EVTX file.
func (r *Reader) logged() (Record, error) {
	rec, err := r.log.Next()
	if fault := (*evtx.Fault)(nil); errors.As(err, &fault) {
		return Record{}, &ir.Diagnostic{Pos: recordPos(fault.Record), Msg: fault.Msg}
	}
	return Record{recordPos(rec.Number), rec.Text}, err
}

// recordPos is where a record of an EVTX file stands: its number is the line.
func recordPos(number uint64) ir.Pos {
	if number == 0 {
		return ir.Pos{}
	}
	return ir.Pos{Line: int(min(number, math.MaxInt)), Column: 1}
}

// notJSON is the form of a file of events by its first line, as far as that has been read, where
// it is not JSON.
func notJSON(b *bufio.Reader) string {
	head, _ := b.Peek(b.Buffered()) // more would wait for a stream that goes on
	line, _, whole := bytes.Cut(bytes.TrimLeft(head, " \t\r\n"), []byte("\n"))
	switch {
	case bytes.HasPrefix(line, []byte("<")):
		return "XML"
	case whole && bytes.ContainsAny(line, ",;\t") && !bytes.ContainsAny(line, "{}[]\x00"):
		return "likely CSV"
	}
	return ""
}

// peek is the next byte; without one, r.err says why.
func (r *Reader) peek() (c byte, ok bool) {
	if r.at < len(r.buf) {
		return r.buf[r.at], true
	}
	if r.err != nil {
		return 0, false
	}
	const block = 1 << 16
	if r.keep >= 0 && r.at-r.keep > r.max {
		r.keep = -1 // too large
	}
	from := r.at
	if r.keep >= 0 {
		from = r.keep
		r.keep = 0
	}
	n := copy(r.buf, r.buf[from:])
	r.at -= from
	if cap(r.buf)-n < block {
		r.buf = append(make([]byte, 0, max(2*cap(r.buf), 2*block)), r.buf[:n]...)
	} else if n < block && cap(r.buf) > 64*block {
		r.buf = append(make([]byte, 0, 2*block), r.buf[:n]...) // after a large event
	}
	m, err := r.src.Read(r.buf[n : n+block])
	r.buf = r.buf[:n+m]
	r.credit = min(r.credit+16*m, 64*r.max)
	r.err = err
	return r.peek()
}

// next goes past the byte that peek gave.
func (r *Reader) next() {
	c := r.buf[r.at]
	r.at++
	switch {
	case c == '\n':
		r.pos.Line++
		r.pos.Column = 1
	case utf8.RuneStart(c):
		r.pos.Column++
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// value goes past a JSON value and gives the text of an object.
func (r *Reader) value() ([]byte, error) {
	c, _ := r.peek()
	if c != '{' {
		return nil, r.skip()
	}
	start := r.pos
	if n, ok := object(r.buf[r.at:]); ok && n <= r.max {
		text := r.buf[r.at : r.at+n]
		r.pass(n)
		return text, nil
	}
	r.keep = r.at
	err := r.skip()
	defer func() { r.keep = -1 }()
	switch e, fault := err.(*ir.Diagnostic); {
	case fault:
		r.resume(start)
		return nil, e
	case err != nil:
		return nil, err
	case r.keep < 0 || r.at-r.keep > r.max:
		return nil, &ir.Diagnostic{Pos: start, Msg: fmt.Sprintf("the event is larger than %d bytes", r.max)}
	}
	return r.buf[r.keep:r.at], nil
}

// pass goes past n bytes.
func (r *Reader) pass(n int) {
	text := r.buf[r.at : r.at+n]
	if lines := bytes.Count(text, []byte("\n")); lines > 0 {
		r.pos.Line += lines
		r.pos.Column = 1
		text = text[bytes.LastIndexByte(text, '\n')+1:]
	}
	if r.at += n; r.at < len(r.buf) && r.buf[r.at] == '\n' {
		return // the column starts anew
	}
	for _, c := range text {
		if utf8.RuneStart(c) {
			r.pos.Column++
		}
	}
}

// object is how many bytes the object has that b begins with, all of it without a fault that
// skip tells. It is not ok where skip has to look, which takes longer.
func object(b []byte) (n int, ok bool) {
	var open [64]byte
	depth, want := 0, wantValue
	for i := 0; i < len(b); {
		c := b[i]
		switch {
		case c == '"' && want != wantColon && want != wantCommaOrEnd:
			for i++; ; i++ {
				if i += plain(b[i:]); i >= len(b) {
					return 0, false
				}
				if c = b[i]; c == '"' {
					break
				}
				if c == '\\' {
					i++
					if i >= len(b) {
						return 0, false
					}
					c = b[i]
				}
				if c < ' ' {
					return 0, false
				}
			}
			i++
			if want == wantKey || want == wantKeyOrEnd {
				want = wantColon
			} else {
				want = wantCommaOrEnd
			}
			continue
		case c == ':' && want == wantColon:
			want = wantValue
		case c == ',' && want == wantCommaOrEnd:
			if want = wantValue; open[depth-1] == '{' {
				want = wantKey
			}
		case c == '{' && want <= wantValueOrEnd && depth < len(open):
			open[depth] = c
			depth++
			want = wantKeyOrEnd
		case c == '[' && want <= wantValueOrEnd && depth < len(open):
			open[depth] = c
			depth++
			want = wantValueOrEnd
		case c == '}' && (want == wantCommaOrEnd || want == wantKeyOrEnd) && open[depth-1] == '{',
			c == ']' && (want == wantCommaOrEnd || want == wantValueOrEnd) && open[depth-1] == '[':
			want = wantCommaOrEnd
			if depth--; depth == 0 {
				return i + 1, true
			}
		case isSpace(c):
		case want <= wantValueOrEnd && isWord(c):
			for i+1 < len(b) && isWord(b[i+1]) {
				i++
			}
			want = wantCommaOrEnd
		default:
			return 0, false
		}
		i++
	}
	return 0, false
}

// plain is how many bytes s begins with, up to the length of s, that stand in a JSON string for
// themselves and do not end it. It looks at eight at once.
func plain(s []byte) (n int) {
	const each = 0x0101010101010101
	for ; n+8 <= len(s); n += 8 {
		w := binary.LittleEndian.Uint64(s[n:])
		quote, escape := w^each*'"', w^each*'\\'
		// The highest bit of each byte that is 0, and of each below a space; above the first one, of others too.
		ends := (quote-each)&^quote | (escape-each)&^escape | (w-each*' ')&^w
		if ends &= each << 7; ends != 0 {
			return n + bits.TrailingZeros64(ends)/8
		}
	}
	for n < len(s) && s[n] != '"' && s[n] != '\\' && s[n] >= ' ' {
		n++
	}
	return n
}

// What may come next in a value.
const (
	wantValue = iota
	wantValueOrEnd
	wantKey
	wantKeyOrEnd
	wantColon
	wantCommaOrEnd
)

// skip goes past a value. Where it fails, it stands at the fault.
func (r *Reader) skip() error {
	var open []byte
	fail := func(format string, args ...any) error {
		return &ir.Diagnostic{Pos: r.pos, Msg: fmt.Sprintf(format, args...)}
	}
	for want := wantValue; ; {
		c, ok := r.peek()
		switch {
		case !ok && r.err == io.EOF:
			return fail("the event has no end")
		case !ok:
			return r.err
		case isSpace(c):
			r.next()
			continue
		}
		value := want == wantValue || want == wantValueOrEnd
		key := want == wantKey || want == wantKeyOrEnd
		end := want == wantCommaOrEnd || want == wantValueOrEnd || want == wantKeyOrEnd
		switch {
		case c == '"' && (value || key):
			if err := r.text(); err != nil {
				return err
			}
			if want = wantCommaOrEnd; key {
				want = wantColon
			}
		case c == ':' && want == wantColon:
			r.next()
			want = wantValue
		case c == ',' && want == wantCommaOrEnd:
			r.next()
			if want = wantValue; open[len(open)-1] == '{' {
				want = wantKey
			}
		case c == '{' && value, c == '[' && value:
			if open = append(open, c); len(open) > maxNesting {
				return fail("the event is nested too deep")
			}
			r.next()
			if want = wantValueOrEnd; c == '{' {
				want = wantKeyOrEnd
			}
		case c == '}' && end && len(open) > 0 && open[len(open)-1] == '{',
			c == ']' && end && len(open) > 0 && open[len(open)-1] == '[':
			r.next()
			open = open[:len(open)-1]
			want = wantCommaOrEnd
		case value && isWord(c):
			for ok && isWord(c) {
				r.next()
				c, ok = r.peek()
			}
			want = wantCommaOrEnd
		default:
			err := fail("%s was expected", [...]string{"a value", "a value or ]", "a name", "a name or }", ":", ", or the end"}[want])
			if len(open) == 0 {
				r.next()
			}
			return err
		}
		if len(open) == 0 {
			return nil
		}
	}
}

// isWord says whether c stands in a number or a word such as null.
func isWord(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '-' || c == '+' || c == '.'
}

// text goes past a string.
func (r *Reader) text() error {
	r.next()
	for {
		c, ok := r.peek()
		switch {
		case !ok && r.err == io.EOF:
			return &ir.Diagnostic{Pos: r.pos, Msg: "the string has no end"}
		case !ok:
			return r.err
		}
		for c >= ' ' && c != '"' && c != '\\' {
			if r.at++; utf8.RuneStart(c) {
				r.pos.Column++
			}
			if r.at == len(r.buf) {
				break
			}
			c = r.buf[r.at]
		}
		if r.at == len(r.buf) {
			continue
		}
		if c < ' ' {
			return &ir.Diagnostic{Pos: r.pos, Msg: "the string goes over the end of a line, or holds a control character"}
		}
		r.next()
		if c == '"' {
			return nil
		}
		if c, ok := r.peek(); ok && c >= ' ' {
			r.next()
		}
	}
}

// resume goes on after a broken object that began at start: from the line
// after that on, if all of it is still there and re-reading costs not too much.
func (r *Reader) resume(start ir.Pos) {
	if n := r.at - r.keep; r.keep >= 0 && n <= r.credit {
		r.credit -= n
		r.at, r.pos = r.keep, start
	}
	r.keep = -1
	for {
		c, ok := r.peek()
		if !ok {
			return
		}
		r.next()
		if c != '\n' {
			continue
		}
		for {
			if c, ok = r.peek(); !ok || c != ' ' && c != '\t' {
				break
			}
			r.next()
		}
		if ok && r.pos.Column <= start.Column && (c == '{' || c == ']' && r.inArray) {
			r.comma = false
			return
		}
	}
}

// Parse reads the event of a record. The error is an *ir.Diagnostic.
func (rec Record) Parse() (Event, error) {
	ev, err := ParseEvent(rec.Text)
	if err == nil {
		return ev, nil
	}
	at := rec.Pos
	msg := strings.TrimPrefix(err.Error(), "not an event: ")
	if e := (*json.SyntaxError)(nil); errors.As(err, &e) {
		for _, c := range rec.Text[:min(max(int(e.Offset)-1, 0), len(rec.Text))] {
			switch {
			case c == '\n':
				at.Line++
				at.Column = 1
			case utf8.RuneStart(c):
				at.Column++
			}
		}
	}
	return Event{}, &ir.Diagnostic{Pos: at, Msg: msg}
}
