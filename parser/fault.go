package parser

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"sigmac/internal/lazy"
	"sigmac/ir"
)

// A scanner looks for the place of what is not YAML, and for what to do about it: the
// decoder knows the line at most, and often that of something else. It goes along the
// blocks of the text by their indentation, as the decoder does, and stops at the first
// fault. It finds none in what the decoder reads.
type scanner struct {
	lines   []string // without their ends
	ln, i   int      // the line, and the byte in it
	blocks  []block
	anchors map[string]bool
	done    bool // the document has its value
	started bool // it has begun
	// literalEnd is the last line of a text behind | or >, with its indentation.
	literalEnd block
	passed     int // the line up to whose text a text without quotes was looked for
	fault      *yamlFault
	unsure     bool       // the fault is none by itself
	tab        *yamlFault // of the first before a comment, which the decoder reads behind others
	tagged     *yamlFault // of the first tag
}

// A block is a mapping or a list that indentation holds together.
type block struct {
	indent, line int  // of its first line
	list         bool // it has entries and no keys
	open         bool // its last key or entry awaits a value
	last         int  // the line of that
}

// A mark is a place in the lines of a scanner.
type mark struct{ ln, i int }

// scanFault is why src is not YAML, or nil where that is not found. What the decoder said of
// it tells whether it is something that the decoder mostly reads; it may be empty.
func scanFault(src []byte, said string) *yamlFault {
	s := &scanner{lines: splitLines(string(src)), anchors: map[string]bool{}, passed: -1}
	for s.fault == nil && s.ln < len(s.lines) {
		s.line()
	}
	switch {
	case s.fault != nil && s.fault.why != "" && !(s.unsure && said == ""):
		return s.fault
	case strings.Contains(said, "tag"):
		return s.tagged
	case strings.Contains(said, "token"):
		return s.tab
	}
	return nil
}

// splitLines are the lines of a text as YAML counts them, without their ends.
func splitLines(text string) (lines []string) {
	start := 0
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		if i += size; endsLine(r, []byte(text[i:min(len(text), i+1)])) {
			lines = append(lines, strings.TrimSuffix(text[start:i-size], "\r"))
			start = i
		}
	}
	return append(lines, text[start:])
}

// faultOf is one of the text from one place up to another.
func (s *scanner) faultOf(from, to mark, format string, args ...any) *yamlFault {
	return &yamlFault{ir.Span{Start: s.pos(from), End: s.pos(to)}, "not YAML: " + fmt.Sprintf(format, args...)}
}

// stop records the first fault.
func (s *scanner) stop(from, to mark, format string, args ...any) {
	if s.fault == nil {
		s.fault = s.faultOf(from, to, format, args...)
	}
}

// giveUp ends the search where the scanner does not know what the decoder does.
func (s *scanner) giveUp() {
	if s.fault == nil {
		s.fault = &yamlFault{}
	}
}

func (s *scanner) pos(m mark) ir.Pos {
	return ir.Pos{Line: m.ln + 1, Column: 1 + utf8.RuneCountInString(s.lines[m.ln][:m.i])}
}

// place is a mark as messages name it.
func (s *scanner) place(m mark) string {
	p := s.pos(m)
	return fmt.Sprintf("%d:%d", p.Line, p.Column)
}

func (s *scanner) here() mark { return mark{s.ln, s.i} }

// rest is what stands from here to the end of the line.
func (s *scanner) rest() string { return s.lines[s.ln][s.i:] }

// next goes to the next line.
func (s *scanner) next() { s.ln, s.i = s.ln+1, 0 }

func (s *scanner) skipBlanks() { s.i += blanks(s.rest(), " \t") }

func blanks(text, set string) int { return len(text) - len(strings.TrimLeft(text, set)) }

// begins says whether text is a word such as `-` or `:` that a blank or nothing follows.
func begins(text, word string) bool {
	return strings.HasPrefix(text, word) && (len(text) == len(word) || text[len(word)] == ' ' || text[len(word)] == '\t')
}

// marker says whether a line begins or ends a document.
func marker(line string) bool { return begins(line, "---") || begins(line, "...") }

// ended says whether nothing but a comment follows.
func ended(text string) bool { return text == "" || text[0] == '#' }

// top is the innermost block; that of the document has no indentation.
func (s *scanner) top() *block {
	if len(s.blocks) == 0 {
		return &block{indent: -1, open: !s.done}
	}
	return &s.blocks[len(s.blocks)-1]
}

// full says that the innermost block has the value that it awaited.
func (s *scanner) full() {
	if len(s.blocks) == 0 {
		s.done = true
		return
	}
	s.top().open = false
}

// push opens a block within the innermost.
func (s *scanner) push(b block) {
	s.full()
	if s.blocks = append(s.blocks, b); len(s.blocks) > maxDepth {
		s.stop(s.here(), s.end(), "nested more than %d deep", maxDepth)
	}
}

// end is behind the last character of the line.
func (s *scanner) end() mark {
	return mark{s.ln, max(s.i, len(strings.TrimRight(s.lines[s.ln], " \t")))}
}

// line reads from the beginning of a line to the end of what begins there.
func (s *scanner) line() {
	text := s.lines[s.ln]
	for _, sign := range []string{"<<<<<<< ", ">>>>>>> "} {
		if strings.HasPrefix(text, sign) {
			s.stop(s.here(), s.end(), "a conflict of a merge that nobody has resolved")
		}
	}
	switch {
	case marker(text):
		s.blocks, s.done, s.started = nil, false, text[0] == '-'
		if s.i = 3; text[0] == '-' {
			s.value(s.top().indent, false)
		}
		s.next()
		return
	case strings.HasPrefix(text, "%"):
		s.directive()
		return
	}
	s.i = blanks(text, " ")
	if n := blanks(s.rest(), " \t"); n > 0 || ended(s.rest()) {
		tab := s.faultOf(s.here(), mark{s.ln, s.i + n}, "a tab in the indentation; YAML wants blanks")
		switch {
		case !ended(s.rest()[n:]):
			s.fault = tab
		case n > 0 && s.ln > s.passed && s.tab == nil:
			s.tab = tab
		}
		s.next()
		return
	}
	s.started = true
	column, item := s.i, begins(s.rest(), "-")
	var left *block // the outermost of the blocks that end here
	for len(s.blocks) > 0 && !s.belongs(*s.top(), column, item) {
		b := *s.top()
		left, s.blocks = &b, s.blocks[:len(s.blocks)-1]
	}
	top := s.top()
	switch {
	case len(s.blocks) == 0 && s.done && column == 0 && (left == nil || left.indent == 0):
		s.stop(s.here(), s.end(), "the document has ended before this; write --- between two documents")
		return
	case top.indent == column && top.list && !item && !top.open:
		s.noEntry()
		return
	case top.indent == column && !top.list && item && !top.open:
		s.stop(s.here(), s.end(), "an entry of a list, and the key in line %d has a value already", top.last+1)
		return
	case top.indent < column && !top.open:
		if s.literalEnd.last+1 == s.ln && s.literalEnd.indent > column {
			left = &s.literalEnd
		}
		s.misaligned(column, left)
		return
	}
	s.value(column, true)
	s.next()
}

// belongs says whether what begins at a column is within a block. A list may be as far
// to the left as its key.
func (s *scanner) belongs(b block, column int, item bool) bool {
	if b.indent == column && b.list && !item && len(s.blocks) > 1 {
		return s.blocks[len(s.blocks)-2].indent != column
	}
	return b.indent <= column
}

// noEntry is the fault of what stands where an entry of a list is expected.
func (s *scanner) noEntry() {
	s.stop(s.here(), s.end(), "an entry of a list begins with \"- \", as in line %d", s.top().line+1)
}

// misaligned names the line that this one should be as far to the right as.
func (s *scanner) misaligned(column int, left *block) {
	like := *s.top()
	if left != nil && (like.indent < 0 || left.indent-column <= column-like.indent) {
		like = *left
	}
	if like.indent < 0 {
		s.stop(s.here(), s.end(), "the document has ended before this; write --- between two documents")
		return
	}
	s.indentation(column, like)
}

// indentation is the fault of a line that is as far to the right as none above.
func (s *scanner) indentation(column int, like block) {
	s.stop(s.here(), s.end(), "indented by %d, which fits no line above; align it with line %d, which is indented by %d", column, like.last+1, max(like.indent, 0))
}

// directive reads a line that begins with %, which must stand before a document.
func (s *scanner) directive() {
	behind := s.ln
	for behind < len(s.lines) && (strings.HasPrefix(s.lines[behind], "%") || ended(strings.TrimLeft(s.lines[behind], " "))) {
		behind++
	}
	if s.started || behind == len(s.lines) || !begins(s.lines[behind], "---") {
		s.stop(s.here(), s.end(), "a line that begins with %% is for YAML itself, and --- stands behind it; quote the value")
		return
	}
	s.giveUp() // %YAML and %TAG
}

// value reads what begins here: a scalar, a list or mapping on one line, or the first
// line of a block whose indentation is column. Key says whether it may be a key.
func (s *scanner) value(column int, key bool) {
	for named := false; ; named = true {
		tab := strings.IndexByte(s.rest()[:blanks(s.rest(), " \t")], '\t')
		at := s.i + tab
		s.skipBlanks()
		if s.fault != nil || ended(s.rest()) {
			return // what follows may stand on the next lines
		}
		if key && !named && tab >= 0 {
			s.stop(mark{s.ln, at}, mark{s.ln, at + 1}, "a tab behind \"-\"; YAML wants a blank")
			return
		}
		switch c := s.rest()[0]; {
		case c == '&':
			if !s.anchor() {
				return
			}
		case c == '!':
			s.tag()
		case begins(s.rest(), "-"):
			if !key {
				s.stop(s.here(), s.end(), "a list begins on a line of its own; quote a text that begins with \"- \": %s", quoted(s.text("")))
				return
			}
			s.item(column)
			return
		case begins(s.rest(), ":") && !named:
			s.stop(s.here(), s.end(), "nothing stands before the colon; quote a text that begins with \":\": %s", quoted(s.text("")))
			return
		case begins(s.rest(), "?"):
			s.stop(s.here(), s.end(), "\"?\" begins a key of YAML; quote the value: %s", quoted(s.text("")))
			s.unsure = true
			return
		case begins(s.rest(), ":"):
			s.giveUp()
			return
		default:
			s.scalar(column, key)
			return
		}
	}
}

// item reads an entry of a list whose dash is here.
func (s *scanner) item(column int) {
	if top := s.top(); !top.list || top.indent != column {
		s.push(block{indent: column, line: s.ln, list: true})
	}
	if s.fault != nil {
		return
	}
	top := s.top()
	top.open, top.last = true, s.ln
	s.i++
	s.value(s.i+blanks(s.rest(), " \t"), true)
}

// text is the value that stands from here to the end of the line, or to a sign that ends
// it, as its author meant it: without a comment.
func (s *scanner) text(ends string) string {
	text := s.rest()
	if i := strings.IndexAny(text, ends); i >= 0 {
		text = text[:i]
	}
	if i := strings.Index(text, " #"); i >= 0 {
		text = text[:i]
	}
	return strings.TrimRight(text, " \t")
}

// maxQuoted bounds the text that a message says how to quote.
const maxQuoted = 80

// quoted is text in single quotes.
func quoted(text string) string {
	if utf8.RuneCountInString(text) > maxQuoted {
		return "'...'"
	}
	return "'" + strings.ReplaceAll(text, "'", "''") + "'"
}

// wantsQuotes is the fault of a text that begins with a sign of YAML's own.
func (s *scanner) wantsQuotes(at mark, text, why string) {
	s.stop(at, mark{at.ln, at.i + len(text)}, "%s; quote the value: %s", why, quoted(text))
}

// noAlias is the fault of an alias that is none, or of no anchor.
func (s *scanner) noAlias(name, text string) {
	if name == "" {
		s.wantsQuotes(s.here(), text, "\"*\" begins an alias of YAML")
		return
	}
	s.stop(s.here(), mark{s.ln, s.i + 1 + len(name)}, "the alias *%s has no anchor; quote a text that begins with \"*\": %s", name, quoted(text))
}

// word is the length of the name of an anchor.
func word(text string) int {
	return len(text) - len(strings.TrimLeft(text, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz-"))
}

// name is that of the anchor or alias that begins here, or empty where it has none.
func (s *scanner) name() string {
	text := s.rest()[1:]
	n := word(text)
	if n > 0 && n < len(text) && strings.IndexByte(" \t?:,]}%@`", text[n]) < 0 {
		n = 0
	}
	return text[:n]
}

// anchor passes one, and says whether it could.
func (s *scanner) anchor() bool {
	name := s.name()
	if name == "" {
		s.wantsQuotes(s.here(), s.text(""), "\"&\" begins an anchor of YAML")
		return false
	}
	s.anchors[name] = true
	s.i += 1 + len(name)
	return true
}

// tag passes one.
func (s *scanner) tag() {
	if s.tagged == nil {
		text := s.text("")
		s.tagged = s.faultOf(s.here(), mark{s.ln, s.i + len(text)}, "\"!\" begins a tag of YAML; quote the value: %s", quoted(text))
	}
	if n := strings.IndexAny(s.rest(), " \t"); n >= 0 {
		s.i += n
		return
	}
	s.i = len(s.lines[s.ln])
}

// scalar reads a value that is no block, and what stands behind it.
func (s *scanner) scalar(column int, key bool) {
	at := s.here()
	kind := s.rest()[0]
	switch kind {
	case '*':
		name := s.name()
		if !s.anchors[name] {
			s.noAlias(name, s.text(""))
			return
		}
		s.i += 1 + len(name)
	case '|', '>':
		s.literal()
		return
	case '"', '\'':
		s.quotes()
	case '[', '{':
		s.flow()
	case ']', '}', ',', '%', '@', '`':
		s.wantsQuotes(at, s.text(""), fmt.Sprintf("a value cannot begin with %q", string(kind)))
		return
	default:
		s.plain("")
	}
	if s.fault != nil {
		return
	}
	end := s.here()
	s.skipBlanks()
	switch colon := begins(s.rest(), ":"); {
	case colon && key && at.ln == s.ln:
		if top := s.top(); top.list && top.indent == column {
			s.i = at.i
			s.noEntry()
		} else if top.list || top.indent != column {
			s.push(block{indent: column, line: s.ln})
		}
		if s.fault != nil {
			return
		}
		top := s.top()
		top.open, top.last = true, s.ln
		s.i++
		s.value(column, false)
		return
	case colon:
		s.colon(at)
		return
	case !ended(s.rest()):
		s.behind(at, end, kind)
		return
	case column == s.top().indent && !s.top().list && key:
		s.noColon(at, end)
		return
	}
	s.full()
}

var keyLike = lazy.Regexp(`^[\w.|-]+:(?:[ \t]|$)`)

// gluedKey is a key whose colon has no blank behind it.
var gluedKey = lazy.Regexp(`^[A-Za-z_][\w.-]*(?:\|\w+)*:[^\s/\\:]`)

// colon is the fault of a colon within the value that begins at a place.
func (s *scanner) colon(at mark) {
	first := s.lines[at.ln][at.i:]
	line := s.lines[s.ln]
	indent := blanks(line, " \t")
	own := strings.TrimLeft(s.lines[at.ln][:at.i], " -") == "" // the value begins its line
	switch {
	case at.ln == s.ln:
		s.i = at.i
		s.stop(at, s.end(), "\": \" in a text without quotes; quote the value: %s", quoted(s.text("")))
	case first[0] == '"' || first[0] == '\'':
		s.unclosed(at)
	case own && gluedKey().MatchString(first):
		s.glued(at)
	case own && !strings.Contains(first, ": "):
		s.noColon(at, mark{at.ln, len(strings.TrimRight(s.lines[at.ln], " \t"))})
	case keyLike().MatchString(line[indent:]):
		s.i = indent
		s.indentation(indent, *s.top())
	default:
		s.i = indent
		s.stop(s.here(), s.end(), "\": \" in a text without quotes; write the text that begins in line %d in quotes, or below a \"|\"", at.ln+1)
	}
}

// glued is the fault of a key whose colon has no blank behind it.
func (s *scanner) glued(at mark) {
	text := s.lines[at.ln][at.i:]
	i := strings.IndexByte(text, ':') + 1
	s.stop(mark{at.ln, at.i + i - 1}, mark{at.ln, at.i + i}, "the colon behind %q needs a blank: %s", text[:i-1], "\""+clip(text[:i]+" "+strings.TrimRight(text[i:], " \t"))+"\"")
}

// clip shortens a text that a message shows.
func clip(text string) string {
	if r := []rune(text); len(r) > maxQuoted {
		return string(r[:maxQuoted]) + "…"
	}
	return text
}

// noColon is the fault of what stands where a key is expected.
func (s *scanner) noColon(at, end mark) {
	if end.ln != at.ln {
		end = mark{at.ln, len(strings.TrimRight(s.lines[at.ln], " \t"))}
	}
	text := s.lines[at.ln][at.i:end.i]
	if gluedKey().MatchString(text) {
		s.glued(at)
		return
	}
	s.stop(at, end, "a key with a colon is expected, and %q has none", clip(text))
}

// behind is the fault of text behind a value that is complete.
func (s *scanner) behind(at, end mark, kind byte) {
	switch {
	case (kind == '"' || kind == '\'') && at.ln != end.ln:
		s.unclosed(at)
	case kind == '\'':
		behind := s.here()
		s.i = at.i
		s.stop(behind, s.end(), "text behind the closing quote; within single quotes a quote is '': %s", quoted(unquote(s.text(""))))
	case kind == '"':
		behind := s.here()
		s.i = at.i
		s.stop(behind, s.end(), "text behind the closing quote; quote the whole value with single quotes: %s", quoted(unquote(s.text(""))))
	case kind == '*':
		s.i = at.i
		s.wantsQuotes(at, s.text(""), "\"*\" begins an alias of YAML")
	case len(s.blocks) == 0:
		s.stop(s.here(), s.end(), "the document has ended before this; write --- between two documents")
	case at.ln != end.ln:
		s.stop(s.here(), s.end(), "text behind the bracket that closes the one at %s", s.place(at))
	default:
		s.i = at.i
		s.wantsQuotes(at, s.text(""), fmt.Sprintf("a value that begins with %q ends with its closing bracket", string(kind)))
	}
}

// unquote is a value without the quotes around it.
func unquote(text string) string {
	text = strings.TrimRight(text, " \t")
	return strings.TrimSuffix(text[1:], text[:1])
}

// unclosed is the fault of a quote that has no other, or one of another value.
func (s *scanner) unclosed(at mark) {
	line := strings.TrimRight(s.lines[at.ln], " \t")
	end := mark{at.ln, at.i + 1}
	if text := line[at.i:]; len(text) > 2 && strings.HasSuffix(text, `\"`) {
		s.stop(at, end, "the quote is not closed, since \\\" is a quote within the text; use single quotes: %s", quoted(unquote(text)))
		return
	}
	s.stop(at, end, "the quote %s is not closed", line[at.i:at.i+1])
}

// quotes passes a text in quotes.
func (s *scanner) quotes() {
	at := s.here()
	quote := s.rest()[0]
	s.i++
	for {
		switch text := s.rest(); {
		case text == "":
			if s.ln+1 == len(s.lines) || marker(s.lines[s.ln+1]) {
				s.unclosed(at)
				return
			}
			s.next()
		case quote == '\'' && strings.HasPrefix(text, "''"):
			s.i += 2
		case text[0] == quote:
			s.i++
			return
		case quote == '"' && text[0] == '\\' && len(text) > 1:
			n := escapeLength(text)
			if n == 0 {
				s.badEscape(at)
				return
			}
			s.i += n
		default:
			s.i++
		}
	}
}

// escapeDigits are the hexadecimal digits behind the letter of an escape.
func escapeDigits(letter byte) int {
	return map[byte]int{'x': 2, 'u': 4, 'U': 8}[letter]
}

// escapeLength is the length of the escape that text begins with, 0 where it is none.
func escapeLength(text string) int {
	digits := escapeDigits(text[1])
	switch {
	case digits > 0:
	case strings.IndexByte("0abt\tnvfre \"'\\N_LP", text[1]) < 0:
		return 0
	default:
		return 2
	}
	if len(text) < 2+digits {
		return 0
	}
	value := 0
	for _, c := range []byte(strings.ToLower(text[2 : 2+digits])) {
		d := strings.IndexByte("0123456789abcdef", c)
		if d < 0 {
			return 0
		}
		value = value<<4 + d
	}
	if value >= 0xD800 && value <= 0xDFFF || value > utf8.MaxRune {
		return 0
	}
	return 2 + digits
}

// badEscape is the fault of the backslash here, in the double quotes that open at a place.
func (s *scanner) badEscape(at mark) {
	_, size := utf8.DecodeRuneInString(s.rest()[1:])
	escape := s.rest()[:1+size]
	why := "is no escape in double quotes"
	if digits := map[string]int{`\x`: 2, `\u`: 4, `\U`: 8}[escape]; digits > 0 {
		why = fmt.Sprintf("in double quotes needs the %d hexadecimal digits of a character", digits)
	}
	advice := "use single quotes, in which \\ stands for itself"
	text := s.lines[at.ln][at.i:]
	for i := 1; at.ln == s.ln && i < len(text); i++ {
		if text[i] == '\\' {
			i++
		} else if text[i] == '"' {
			advice = "use single quotes: " + quoted(text[1:i])
			break
		}
	}
	s.stop(s.here(), mark{s.ln, s.i + len(escape)}, "%s %s; %s", escape, why, advice)
}

var blockHeader = lazy.Regexp(`^[|>](?:[+-]?[1-9]?|[1-9][+-])[ \t]*(?:#.*)?$`)

// literal passes a text of several lines behind | or >.
func (s *scanner) literal() {
	if !blockHeader().MatchString(s.rest()) {
		s.wantsQuotes(s.here(), s.text(""), fmt.Sprintf("behind %q a text begins on the next line", s.rest()[:1]))
		return
	}
	parent, indent := s.top().indent, -1
	if i := strings.IndexAny(s.rest(), "123456789#"); i >= 0 && s.rest()[i] != '#' {
		indent = max(parent, 0) + int(s.rest()[i]-'0')
	}
	for most := 1; s.ln+1 < len(s.lines); s.ln++ {
		text := s.lines[s.ln+1]
		n := blanks(text, " ")
		if n < len(text) && text[n] == '\t' && (indent < 0 || n < indent) {
			s.stop(mark{s.ln + 1, n}, mark{s.ln + 1, n + 1}, "a tab in the indentation; YAML wants blanks")
			return
		}
		if most = max(most, n); n < len(text) {
			if indent < 0 {
				indent = max(most, parent+1)
			}
			if n < indent || n == 0 && marker(text) {
				break
			}
		}
	}
	s.i = len(s.lines[s.ln])
	s.literalEnd = block{indent: indent, last: s.ln}
	s.full()
}

// plain passes a text without quotes. In a block it goes on where lines are further to the
// right than that; in brackets it ends before their signs.
func (s *scanner) plain(signs string) {
	indent := s.top().indent
	for {
		text := s.rest()
		end := len(text)
		for i := range len(text) {
			if begins(text[i:], ":") || strings.IndexByte(signs, text[i]) >= 0 || text[i] == '#' && i > 0 && (text[i-1] == ' ' || text[i-1] == '\t') {
				end = i
				break
			}
		}
		s.i += len(strings.TrimRight(text[:end], " \t"))
		if end < len(text) {
			return
		}
		for next := s.ln + 1; ; next++ {
			s.passed = next
			if next == len(s.lines) || marker(s.lines[next]) {
				return
			}
			n := blanks(s.lines[next], " \t")
			if tab := strings.IndexByte(s.lines[next][:n], '\t'); tab >= 0 && tab <= indent {
				s.stop(mark{next, tab}, mark{next, tab + 1}, "a tab in the indentation; YAML wants blanks")
				return
			}
			rest := s.lines[next][n:]
			if rest == "" {
				continue
			}
			if rest[0] == '#' || signs == "" && n <= indent || signs != "" && (strings.IndexByte(signs, rest[0]) >= 0 || begins(rest, ":")) {
				return
			}
			s.ln, s.i = next, n
			break
		}
	}
}

// A bracket is one that is open, with what its last entry has: nothing, a key or value,
// a colon, a value behind that.
type bracket struct {
	at    mark
	state int
	from  int // the line in which the key or value begins
}

const (
	noEntry = iota
	oneNode
	someKey
	keyAndValue
)

// flow passes a list or mapping in brackets.
func (s *scanner) flow() {
	var open []bracket
	fail := func() {
		b := open[len(open)-1]
		sign := s.lines[b.at.ln][b.at.i]
		closing := map[byte]string{'[': "]", '{': "}"}[sign]
		if !s.closed(b.at) {
			s.stop(b.at, mark{b.at.ln, b.at.i + 1}, "the bracket %c is not closed; quote a text that begins with it", sign)
			return
		}
		s.stop(s.here(), s.end(), "\",\" or %q is expected here, for the %c at %s", closing, sign, s.place(b.at))
	}
	// node notes that a key or a value of the innermost bracket has been read.
	node := func(from int) bool {
		b := &open[len(open)-1]
		if b.state == oneNode || b.state == keyAndValue {
			return false
		}
		b.state++
		b.from = from
		return true
	}
	for {
		s.skipBlanks()
		if ended(s.rest()) || s.i == 0 && marker(s.rest()) {
			if s.ln+1 == len(s.lines) || s.i == 0 && marker(s.rest()) {
				s.i = min(s.i, len(s.lines[s.ln]))
				b := open[len(open)-1].at
				s.stop(b, mark{b.ln, b.i + 1}, "the bracket %c is not closed; quote a text that begins with it", s.lines[b.ln][b.i])
				return
			}
			s.next()
			continue
		}
		c := s.rest()[0]
		if len(open) > 0 && strings.IndexByte("[{\"'*&!", c) >= 0 {
			if b := open[len(open)-1]; c != '&' && c != '!' && (b.state == oneNode || b.state == keyAndValue) {
				fail()
				return
			}
		}
		at := s.here()
		switch c {
		case '[', '{':
			if open = append(open, bracket{at: at}); len(open)+len(s.blocks) > maxDepth {
				s.stop(at, mark{s.ln, s.i + 1}, "nested more than %d deep", maxDepth)
				return
			}
			s.i++
			continue
		case ']', '}':
			b := open[len(open)-1]
			if c-s.lines[b.at.ln][b.at.i] != 2 { // ] and } are two behind [ and {
				fail()
				return
			}
			s.i++
			if open = open[:len(open)-1]; len(open) == 0 {
				return
			}
			at = b.at
		case ',':
			b := &open[len(open)-1]
			if b.state == noEntry {
				s.stop(at, mark{s.ln, s.i + 1}, "nothing stands before the comma")
				return
			}
			b.state = noEntry
			s.i++
			continue
		case ':':
			b := &open[len(open)-1]
			if b.state >= someKey || b.state == oneNode && b.from != s.ln {
				fail()
				return
			}
			b.state = someKey
			s.i++
			continue
		case '*':
			name := s.name()
			if !s.anchors[name] {
				s.noAlias(name, s.text(",]}"))
				return
			}
			s.i += 1 + len(name)
		case '&':
			name := s.name()
			if name == "" {
				s.wantsQuotes(at, s.text(",]}"), "\"&\" begins an anchor of YAML")
				return
			}
			s.anchors[name] = true
			s.i += 1 + len(name)
			continue
		case '"', '\'':
			if s.quotes(); s.fault != nil {
				return
			}
		case '%', '@', '`', '|', '>':
			s.wantsQuotes(at, s.text(",]}"), fmt.Sprintf("a value cannot begin with %q", string(c)))
			return
		case '!', '?':
			if c == '!' {
				s.tag()
			}
			s.giveUp()
			return
		default:
			if begins(s.rest(), "-") {
				s.stop(at, mark{s.ln, s.i + 1}, "a list with \"- \" cannot stand in brackets; quote the value")
				return
			}
			if b := open[len(open)-1]; b.state == oneNode || b.state == keyAndValue {
				fail()
				return
			}
			s.plain(",?[]{}")
		}
		if s.fault == nil && !node(at.ln) {
			s.i = at.i
			fail()
			return
		}
	}
}

// closed says whether the bracket at a place has one that closes it, wherever that stands.
func (s *scanner) closed(at mark) bool {
	depth := 0
	text := s.lines[at.ln][at.i:]
	for ln := at.ln; ; text = s.lines[ln] {
		for i := range len(text) {
			switch text[i] {
			case '[', '{':
				depth++
			case ']', '}':
				if depth--; depth == 0 {
					return true
				}
			}
		}
		if ln++; ln == len(s.lines) || marker(s.lines[ln]) {
			return false
		}
	}
}
