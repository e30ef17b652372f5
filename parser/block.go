package parser

import (
	"bytes"
	"strings"
	"sync"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// A blockReader reads the part of YAML in which most rules are written: mappings and lists in
// block style, of texts with or without quotes and of block scalars. Of what it takes it makes
// the nodes that the decoder of YAML makes, without comments, in a fraction of the time. All
// else it leaves to the decoder, which also says what is wrong with it.
type blockReader struct {
	src    string
	line   int  // the line that is read, from 1
	start  int  // where it starts
	at     int  // where its rest starts, with no blank
	end    int  // where it ends
	next   int  // where the line behind it starts
	indent int  // the column of at, from 0; -1 at the end of a document
	marked bool // --- ends this document
	key    bool // the scalar that was read last is a key
	left   bool // to the decoder
	depth  int
	memory *nodeMemory
	parts  []*yaml.Node // of the collections that are read
}

// A nodeMemory is where the nodes of a file stand. It is used again for another file when nothing
// of the first is looked at any more.
type nodeMemory struct {
	nodes []yaml.Node
	used  int
	lists []*yaml.Node // that the nodes hold
}

// maxKept bounds the nodes whose memory is kept for another file.
const maxKept = 2048

var memories = sync.Pool{New: func() any { return new(nodeMemory) }}

// node is one more node.
func (m *nodeMemory) node() *yaml.Node {
	if m.used == len(m.nodes) {
		m.nodes, m.used = make([]yaml.Node, max(64, min(2*len(m.nodes), maxKept))), 0
	}
	m.used++
	return &m.nodes[m.used-1]
}

// list is a copy of ns.
func (m *nodeMemory) list(ns []*yaml.Node) []*yaml.Node {
	if cap(m.lists)-len(m.lists) < len(ns) {
		m.lists = make([]*yaml.Node, 0, max(64, min(2*cap(m.lists), maxKept), len(ns)))
	}
	from := len(m.lists)
	m.lists = append(m.lists, ns...)
	return m.lists[from:len(m.lists):len(m.lists)]
}

// free lets another file have the memory. No node of it may be used any more.
func (m *nodeMemory) free() {
	clear(m.nodes[:m.used])
	clear(m.lists)
	m.used, m.lists = 0, m.lists[:0]
	if cap(m.lists) <= maxKept {
		memories.Put(m)
	}
}

// readBlocks returns the roots of the documents of src, whose characters are those of YAML; or ok
// is false, and the decoder is to read it. The nodes stand in memory.
func readBlocks(src []byte, memory *nodeMemory) (roots []*yaml.Node, ok bool) {
	if bytes.IndexByte(src, '\t') >= 0 || !plainLines(src) {
		return nil, false
	}
	for r := (&blockReader{src: string(src), memory: memory}); ; {
		r.marked = false
		if r.advance(); r.indent >= 0 {
			root := r.node(-1, true)
			if r.indent >= 0 || root.Kind == yaml.ScalarNode {
				r.leave()
			}
			roots = append(roots, root)
		}
		if !r.marked {
			return roots, !r.left
		}
	}
}

// leave leaves the file to the decoder.
func (r *blockReader) leave() {
	r.left, r.marked, r.key, r.indent = true, false, false, -1
	r.at, r.end, r.next = len(r.src), len(r.src), len(r.src)
}

// peek is where the next line has its first character that is no blank, and where it ends.
func (r *blockReader) peek() (at, end int, ok bool) {
	if r.next >= len(r.src) {
		return 0, 0, false
	}
	end = len(r.src)
	if n := strings.IndexByte(r.src[r.next:], '\n'); n >= 0 {
		end = r.next + n
	}
	for at = r.next; at < end && r.src[at] == ' '; at++ {
	}
	return at, end, true
}

// take goes to the next line, of which peek said where it is.
func (r *blockReader) take(at, end int) {
	r.start, r.at, r.end, r.next, r.indent = r.next, at, end, end+1, at-r.next
	r.line++
}

// advance goes to the next line that has more than a comment, or to the end of the document.
func (r *blockReader) advance() {
	for {
		at, end, ok := r.peek()
		if !ok {
			r.indent = -1
			return
		}
		r.take(at, end)
		if at == end || r.src[at] == '#' {
			continue
		}
		if r.indent > 0 {
			return
		}
		switch text := strings.TrimRight(r.src[at:end], " "); {
		case text == "---":
			r.indent, r.marked = -1, true
		case strings.HasPrefix(text, "---"), strings.HasPrefix(text, "..."), text[0] == '%':
			r.leave()
		}
		return
	}
}

// make is a node at a byte of the line.
func (r *blockReader) make(kind yaml.Kind, tag string, at int) *yaml.Node {
	n := r.memory.node()
	n.Kind, n.Tag, n.Line, n.Column = kind, tag, r.line, 1+utf8.RuneCountInString(r.src[r.start:at])
	return n
}

// close ends a collection, whose parts are those from the i-th on.
func (r *blockReader) close(n *yaml.Node, i int) *yaml.Node {
	if r.indent >= n.Column { // further in than the collection, whose line has blanks and dashes before it
		r.leave()
	}
	n.Content = r.memory.list(r.parts[i:])
	r.parts = r.parts[:i]
	return n
}

// node reads what starts here, in a collection whose column is parent. First says that no key
// stands before it on the line.
func (r *blockReader) node(parent int, first bool) *yaml.Node {
	if r.depth++; r.depth > maxDepth {
		r.leave()
		return &yaml.Node{}
	}
	defer func() { r.depth-- }()
	switch {
	case r.dash():
		if !first {
			r.leave()
		}
		return r.sequence()
	case r.src[r.at] == '|' || r.src[r.at] == '>':
		return r.block(parent)
	}
	n := r.scalar(parent)
	if r.key && first {
		return r.mapping(n)
	} else if r.key {
		r.leave()
	}
	return n
}

// dash says whether an entry of a list starts here.
func (r *blockReader) dash() bool {
	return r.at < r.end && r.src[r.at] == '-' && (r.at+1 == r.end || r.src[r.at+1] == ' ')
}

// skip skips n bytes and the blanks behind them, and says whether something is left of the line.
func (r *blockReader) skip(n int) bool {
	for r.at += n; r.at < r.end && r.src[r.at] == ' '; r.at++ {
	}
	return r.at < r.end && r.src[r.at] != '#'
}

func (r *blockReader) sequence() *yaml.Node {
	n, from, column := r.make(yaml.SequenceNode, "!!seq", r.at), len(r.parts), r.indent
	for r.indent == column && r.dash() {
		if !r.skip(1) {
			r.leave()
			break
		}
		r.indent = r.at - r.start
		r.parts = append(r.parts, r.node(column, true))
	}
	return r.close(n, from)
}

// mapping reads the mapping whose first key has been read.
func (r *blockReader) mapping(key *yaml.Node) *yaml.Node {
	column := key.Column - 1
	n, from := r.make(yaml.MappingNode, "!!map", r.start+column), len(r.parts)
	for r.key {
		r.parts = append(r.parts, key)
		r.parts = append(r.parts, r.value(column))
		if r.indent != column {
			break
		}
		if key = r.scalar(column); !r.key {
			r.leave()
		}
	}
	return r.close(n, from)
}

// value reads what stands behind a key and its colon.
func (r *blockReader) value(column int) *yaml.Node {
	line, start, at := r.line, r.start, r.at
	if r.skip(0) {
		return r.node(column, false)
	}
	switch r.advance(); {
	case r.indent > column:
		return r.node(column, true)
	case r.indent == column && r.dash():
		return r.sequence()
	}
	null := r.make(yaml.ScalarNode, "!!null", r.start)
	null.Line, null.Column = line, 1+utf8.RuneCountInString(r.src[start:at])
	return null
}

// scalar reads a text and goes behind it: to the next line, or on this one behind the colon if it is
// a key.
func (r *blockReader) scalar(parent int) *yaml.Node {
	n, from := r.make(yaml.ScalarNode, "!!str", r.at), r.at
	switch c := r.src[r.at]; {
	case c == '\'' || c == '"':
		r.quoted(n)
	case strings.IndexByte("?:,[]{}#&*!|>%@`", c) >= 0, r.dash():
		r.leave()
	default:
		r.plain(n, parent)
	}
	r.key = false
	switch rest := r.src[r.at:r.end]; {
	case r.left:
	case r.colon(r.at) && r.at-from < maxKey:
		r.key = true
		r.at++
	case rest == "" || rest[0] == ' ' && !r.skip(0):
		r.advance()
	default:
		r.leave()
	}
	return n
}

// maxKey bounds the bytes of a key and what stands before its colon; YAML allows 1024 characters.
const maxKey = 1000

// colon says whether the colon of a key stands at a byte of the line.
func (r *blockReader) colon(at int) bool {
	return at < r.end && r.src[at] == ':' && (at+1 == r.end || r.src[at+1] == ' ')
}

// quoted reads a text in quotes that ends on its line, and goes behind it.
func (r *blockReader) quoted(n *yaml.Node) {
	text, quote, escapes := r.src[r.at+1:r.end], r.src[r.at], false
	n.Style = yaml.SingleQuotedStyle
	if quote == '"' {
		n.Style = yaml.DoubleQuotedStyle
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && quote == '"', c == '\'' && quote == c && i+1 < len(text) && text[i+1] == c:
			escapes = true
			i++
		case c == quote:
			r.at += i + 2
			switch n.Value = text[:i]; {
			case escapes && quote == '"':
				r.unescape(n)
			case escapes:
				n.Value = strings.ReplaceAll(n.Value, "''", "'")
			}
			return
		}
	}
	r.leave()
}

// unescape puts in what escapes stand for.
func (r *blockReader) unescape(n *yaml.Node) {
	var b strings.Builder
	for text := n.Value; text != ""; {
		plain, rest, escape := strings.Cut(text, `\`)
		b.WriteString(plain)
		if text = rest; !escape {
			break
		}
		i := strings.IndexByte(`\"nrt`, text[0])
		if i < 0 {
			r.leave()
			return
		}
		b.WriteByte("\\\"\n\r\t"[i])
		text = text[1:]
	}
	n.Value = b.String()
}

// plain reads a text without quotes, which goes on over the lines that are further in than parent,
// and goes behind it.
func (r *blockReader) plain(n *yaml.Node, parent int) {
	text, on := r.words()
	var b strings.Builder // of several lines
	for breaks := 0; on; {
		at, end, ok := r.peek()
		switch {
		case !ok || at < end && (at-r.next <= parent || r.src[at] == '#'):
			on = false
			continue
		case b.Len() == 0:
			b.WriteString(text)
		}
		r.take(at, end)
		if at == end {
			breaks++
			continue
		}
		if breaks == 0 {
			b.WriteByte(' ')
		}
		for ; breaks > 0; breaks-- {
			b.WriteByte('\n')
		}
		if text, on = r.words(); r.colon(r.at) {
			r.leave()
		}
		b.WriteString(text)
	}
	if n.Value = text; b.Len() > 0 {
		n.Value = b.String()
	}
	if c := n.Value[0]; c >= '0' && c <= '9' && plainDate(n.Value) {
		n.Tag = "!!timestamp"
	} else if strings.IndexByte("+-.0123456789", c) >= 0 || len(n.Value) <= len("false") && strings.IndexByte("yYnNtTfFoO~", c) >= 0 {
		n.Tag = "" // it may be no text
		n.Tag = n.ShortTag()
	} else if n.Value == "<<" {
		r.leave()
	}
}

// plainDate says whether s is a date of any year as rules have it, 2006-01-02.
func plainDate(s string) bool {
	if len(s) != len("2006-01-02") || s[4] != '-' || s[7] != '-' {
		return false
	}
	for i := range len(s) {
		if i != 4 && i != 7 && (s[i] < '0' || '9' < s[i]) {
			return false
		}
	}
	month, day := s[5:7], s[8:]
	return "01" <= month && month <= "12" && "01" <= day && day <= "28" // what more days there are, others say
}

// words reads what stands on the line before a comment or the colon of a key, and goes behind
// it; on says that it ends with the line.
func (r *blockReader) words() (text string, on bool) {
	to := r.at
	for to < r.end && !r.colon(to) && (r.src[to] != '#' || r.src[to-1] != ' ') {
		to++
	}
	text = strings.TrimRight(r.src[r.at:to], " ")
	if r.at += len(text); r.colon(to) {
		r.at = to
	}
	return text, to == r.end
}

// block reads a block scalar in a collection whose column is parent, and goes to the line behind it.
func (r *blockReader) block(parent int) *yaml.Node {
	n, folds := r.make(yaml.ScalarNode, "!!str", r.at), r.src[r.at] == '>'
	if n.Style = yaml.LiteralStyle; folds {
		n.Style = yaml.FoldedStyle
	}
	chomp := strings.TrimRight(r.src[r.at+1:r.end], " ")
	if chomp != "" && chomp != "-" && chomp != "+" {
		r.leave()
	}
	var text []byte
	column, widest := 0, 0           // of the lines; of empty ones before them
	broken, indented := false, false // the last line ends with a break; it starts with a blank
	breaks := 0                      // empty lines behind it
	for at, end, ok := r.peek(); ok; at, end, ok = r.peek() {
		width := at - r.next
		if column > 0 {
			at = min(at, r.next+column)
		}
		if at == end {
			if end == len(r.src) {
				r.leave() // no line, for no break ends it
			}
			widest = max(widest, width)
			breaks++
			r.take(at, end)
			continue
		}
		if column == 0 {
			if column = width; width < widest || width <= parent {
				r.leave()
			}
		}
		if width < column {
			break
		}
		r.take(at, end)
		was := indented
		indented = r.src[at] == ' '
		switch {
		case !broken:
		case !folds || was || indented:
			text = append(text, '\n')
		case breaks == 0:
			text = append(text, ' ')
		}
		for ; breaks > 0; breaks-- {
			text = append(text, '\n')
		}
		text = append(text, r.src[at:end]...)
		broken = end < len(r.src)
	}
	if column == 0 {
		r.leave()
	}
	if broken && chomp != "-" {
		text = append(text, '\n')
	}
	for ; breaks > 0 && chomp == "+"; breaks-- {
		text = append(text, '\n')
	}
	n.Value = string(text)
	r.key = false
	r.advance()
	return n
}
