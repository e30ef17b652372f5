package parser

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"sigmac/internal/lazy"
	"sigmac/ir"
)

// MaxFileSize is the size in bytes from which a file is refused. The largest
// file of the public rule set has 30 kB; a file may hold many rules.
const MaxFileSize = 16 << 20

// maxNodes bounds what a document is after its aliases are followed; 100 bytes
// of text count as a node. maxFileNodes bounds all documents of a file, after
// their actions.
const (
	maxNodes     = 200_000
	maxFileNodes = 1_000_000
)

// maxDepth bounds the nesting of a document.
const maxDepth = 100

var bom = []byte("\xEF\xBB\xBF")

// A yamlFault is why a file cannot be read to its end.
type yamlFault struct {
	at  ir.Span
	why string
}

// unreadable is the diagnostic of a fault.
func (f *file) unreadable(fault *yamlFault) *ir.Diagnostic {
	d := f.diagnostic(fault.at, "%s", fault.why)
	d.Code = ir.NotYAML
	return d
}

// readYAML returns the documents of src that stand before the first fault. Their nodes may stand
// in memory.
func readYAML(src []byte, memory *nodeMemory) (roots []*yaml.Node, fault *yamlFault) {
	start := ir.Span{Start: ir.Pos{Line: 1, Column: 1}}
	if len(src) > MaxFileSize {
		return nil, &yamlFault{start, fmt.Sprintf("the file is larger than %d MiB", MaxFileSize>>20)}
	}
	src = bytes.TrimPrefix(src, bom)
	if what := notYAML(src); what != "" {
		return nil, &yamlFault{start, "not YAML: " + what}
	}
	if pos, what := badCharacter(src); what != "" {
		return nil, &yamlFault{ir.Span{Start: pos, End: right(pos, 1)}, what}
	}
	documents, ok := readBlocks(src, memory)
	if !ok {
		documents, fault = decode(src)
	}
	for _, root := range documents {
		s := sizer{}
		if s.size(root, 0); s.at != nil {
			return roots, &yamlFault{ir.Span{Start: posOf(s.at)}, s.why}
		}
		if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
			continue
		}
		roots = append(roots, root)
	}
	return roots, fault
}

// decode returns the documents of src that stand before the first fault, as the YAML
// decoder reads them.
func decode(src []byte) (roots []*yaml.Node, fault *yamlFault) {
	// It panics on what it thinks impossible.
	defer func() {
		if r := recover(); r != nil {
			fault = &yamlFault{ir.Span{Start: ir.Pos{Line: 1, Column: 1}}, fmt.Sprintf("not YAML: %v", r)}
		}
	}()
	d := yaml.NewDecoder(bytes.NewReader(src))
	for {
		var n yaml.Node
		e := d.Decode(&n)
		if errors.Is(e, io.EOF) {
			return roots, nil
		}
		if e != nil {
			return roots, yamlError(src, e)
		}
		if len(n.Content) > 0 {
			roots = append(roots, n.Content[0])
		}
	}
}

// Blank says whether src has no document, nor anything that could be one: only comments,
// and marks between documents.
func Blank(src []byte) bool {
	for _, line := range splitLines(string(bytes.TrimPrefix(src, bom))) {
		if text := strings.TrimSpace(line); text != "" && text[0] != '#' && text != "---" && text != "..." {
			return false
		}
	}
	return true
}

// notYAML says what a file is that was never meant to be YAML, or nothing.
func notYAML(src []byte) string {
	begins := func(prefixes ...string) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return bytes.HasPrefix(src, []byte(p)) })
	}
	head := bytes.TrimLeft(src[:min(len(src), 1000)], " \t\r\n")
	if bytes.HasPrefix(head, []byte("<")) {
		head = bytes.ToLower(head)
	}
	switch {
	case begins("\xFF\xFE", "\xFE\xFF"), len(src) > 3 && (src[0] == 0 && src[2] == 0 || src[1] == 0 && src[3] == 0):
		return "UTF-16 text; save the file as UTF-8"
	case begins("\x1F\x8B", "PK\x03\x04", "BZh", "\xFD7zXZ", "\x28\xB5\x2F\xFD"):
		return "a compressed file; unpack it"
	case bytes.HasPrefix(head, []byte("<!doctype html")), bytes.HasPrefix(head, []byte("<html")):
		return "an HTML page; fetch the file itself, and not the page that shows it"
	case bytes.HasPrefix(head, []byte("<?xml")):
		return "an XML document"
	}
	return ""
}

// right is the place some characters further on a line.
func right(p ir.Pos, n int) ir.Pos { return ir.Pos{Line: p.Line, Column: p.Column + n} }

// endsLine says whether r ends a line, as YAML counts lines; of the two
// characters \r\n it is the second.
func endsLine(r rune, rest []byte) bool {
	switch r {
	case '\n', 0x85, 0x2028, 0x2029:
		return true
	case '\r':
		return len(rest) == 0 || rest[0] != '\n'
	}
	return false
}

// badCharacter finds the first character that YAML does not allow.
func badCharacter(src []byte) (ir.Pos, string) {
	pos := ir.Pos{Line: 1, Column: 1}
	for {
		plain := 0
		for plain < len(src) && src[plain] >= ' ' && src[plain] < 0x7F {
			plain++
		}
		src = src[plain:]
		pos.Column += plain
		if len(src) == 0 {
			return pos, ""
		}
		r, size := utf8.DecodeRune(src)
		switch {
		case r == utf8.RuneError && size == 1:
			return pos, fmt.Sprintf("not UTF-8 text: the byte 0x%02x; save the file as UTF-8", src[0])
		case endsLine(r, src[size:]):
			pos = ir.Pos{Line: pos.Line + 1}
		case r == '\t', r == '\r':
		case r < ' ', r >= 0x7F && r < 0xA0, r == 0xFEFF, r == 0xFFFE, r == 0xFFFF:
			if r == 0xFEFF {
				return pos, "a byte-order mark amid the file; delete it"
			}
			escape := fmt.Sprintf(`\x%02x`, r)
			if r > 0xFF {
				escape = fmt.Sprintf(`\u%04x`, r)
			}
			return pos, fmt.Sprintf(`the character U+%04X is not allowed in YAML; write it as "%s" in double quotes`, r, escape)
		}
		src = src[size:]
		pos.Column++
	}
}

var yamlLine = lazy.Regexp(`^line (\d+): `)

// yamlError gives the decoder's error a place: that of the first fault that a scanner
// finds, else the line that the decoder names.
func yamlError(src []byte, err error) *yamlFault {
	msg := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 1
	if m := yamlLine().FindStringSubmatch(msg); m != nil {
		line, _ = strconv.Atoi(m[1])
		msg = msg[len(m[0]):]
	}
	if fault := scanFault(src, msg); fault != nil {
		return fault
	}
	lines := splitLines(string(src))
	line = max(1, min(line, len(lines)))
	text := lines[line-1]
	at := ir.Pos{Line: line, Column: 1 + blanks(text, " ")}
	return &yamlFault{ir.Span{Start: at, End: right(at, utf8.RuneCountInString(strings.TrimSpace(text)))}, "not YAML: " + msg}
}

// A sizer counts the nodes of a document, aliases followed, and finds what has
// no bounds.
type sizer struct {
	done map[*yaml.Node]int // 0 while a node is counted
	at   *yaml.Node
	why  string
}

func (s *sizer) stop(at *yaml.Node, format string, args ...any) int {
	if s.at == nil {
		s.at, s.why = at, fmt.Sprintf(format, args...)
	}
	return 0
}

func (s *sizer) size(n *yaml.Node, depth int) int {
	switch {
	case s.at != nil:
		return 0
	case depth > maxDepth:
		return s.stop(n, "nested more than %d deep", maxDepth)
	case n.Kind == yaml.AliasNode:
		total, seen := s.done[n.Alias]
		if seen && total == 0 {
			return s.stop(n, "the alias *%s contains itself", n.Value)
		}
		if !seen {
			total = s.size(n.Alias, depth)
		}
		return total
	}
	if n.Anchor != "" {
		if s.done == nil {
			s.done = map[*yaml.Node]int{}
		}
		s.done[n] = 0
	}
	total := 1 + len(n.Value)/100
	for _, c := range n.Content {
		if total += s.size(c, depth+1); total > maxNodes {
			return s.stop(c, "the document is too large once its aliases are followed")
		}
	}
	if n.Anchor != "" {
		s.done[n] = total
	}
	return total
}

func posOf(n *yaml.Node) ir.Pos { return ir.Pos{Line: n.Line, Column: n.Column} }

// deref follows aliases.
func deref(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// An entry is a key of a mapping with its value.
type entry struct {
	key   *yaml.Node
	name  string
	value *yaml.Node // no alias
}

// pairs lists the keys and values of a mapping, its merge keys followed: what
// they bring stands behind what the mapping has.
func pairs(n *yaml.Node) []*yaml.Node {
	if !slices.ContainsFunc(n.Content, func(k *yaml.Node) bool { return deref(k).Tag == "!!merge" }) {
		return n.Content
	}
	var out, merged []*yaml.Node
	var seen nameSet
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, from := deref(n.Content[i]), []*yaml.Node{deref(n.Content[i+1])}
		if from[0].Kind == yaml.SequenceNode {
			from = from[0].Content
		}
		if k.Tag != "!!merge" || slices.ContainsFunc(from, func(m *yaml.Node) bool { return deref(m).Kind != yaml.MappingNode }) {
			seen.add(k.Value)
			out = append(out, n.Content[i], n.Content[i+1])
			continue
		}
		for _, m := range from {
			merged = append(merged, pairs(deref(m))...)
		}
	}
	for i := 0; i+1 < len(merged); i += 2 {
		if seen.add(deref(merged[i]).Value) {
			out = append(out, merged[i], merged[i+1])
		}
	}
	return out
}

// entries lists a mapping, its merge keys followed; a key that stands twice is
// reported and left out.
func (f *file) entries(n *yaml.Node) []entry {
	content := pairs(n)
	out := make([]entry, 0, len(content)/2)
	var seen nameSet
	var first map[string]ir.Pos // where keys stand first; on demand
	for i := 0; i+1 < len(content); i += 2 {
		k, v := deref(content[i]), deref(content[i+1])
		switch {
		case k.Kind != yaml.ScalarNode:
			f.fail(k, "a key must be a text")
		case foreignBlank(k):
			f.fail(content[i], "the key %q begins with a blank that is none of YAML; delete it", k.Value)
		case k.Tag == "!!merge":
			f.fail(content[i+1], "`<<` merges mappings only")
		case !seen.add(k.Value):
			if first == nil {
				first = map[string]ir.Pos{}
				for j := len(content) - 2; j >= 0; j -= 2 {
					first[deref(content[j]).Value] = posOf(content[j])
				}
			}
			at := first[k.Value]
			f.failAs(ir.DuplicateKey, content[i], "the key %q stands twice, first at %d:%d", k.Value, at.Line, at.Column)
		default:
			out = append(out, entry{content[i], k.Value, v})
		}
	}
	return out
}

// foreignBlank says whether a key without quotes begins with white space that YAML takes for
// a letter, as that of a copied page.
func foreignBlank(k *yaml.Node) bool {
	r, size := utf8.DecodeRuneInString(k.Value)
	return size > 1 && unicode.IsSpace(r) && k.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0
}

// A nameSet is a set of names, of which there are mostly few.
type nameSet struct {
	few  [16]string
	n    int // of few
	many map[string]bool
}

// add says whether name is new.
func (s *nameSet) add(name string) bool {
	if s.many == nil && s.n < len(s.few) {
		if slices.Contains(s.few[:s.n], name) {
			return false
		}
		s.few[s.n] = name
		s.n++
		return true
	}
	if s.many == nil {
		s.many = map[string]bool{}
		for _, n := range s.few {
			s.many[n] = true
		}
	}
	if s.many[name] {
		return false
	}
	s.many[name] = true
	return true
}

// overlay is base with what over says in its place, mappings deeply: the
// meaning of `action: global` and `repeat`.
func overlay(base, over *yaml.Node) *yaml.Node {
	b, o := deref(base), deref(over)
	if b.Kind != yaml.MappingNode || o.Kind != yaml.MappingNode {
		return over
	}
	out := *o
	out.Content = nil
	at := map[string]int{}
	below, above := pairs(b), pairs(o)
	for i := 0; i+1 < len(below); i += 2 {
		at[deref(below[i]).Value] = len(out.Content) + 1
		out.Content = append(out.Content, below[i], below[i+1])
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(above); i += 2 {
		k := deref(above[i]).Value
		if j, ok := at[k]; ok && !seen[k] {
			out.Content[j] = overlay(out.Content[j], above[i+1])
			out.Content[j-1] = above[i]
		} else {
			out.Content = append(out.Content, above[i], above[i+1])
		}
		seen[k] = true
	}
	return &out
}

// locate is the place in the source of the byte at offset of a scalar's text.
func (f *file) locate(n *yaml.Node, offset int) ir.Pos {
	var at [1]ir.Pos
	return f.places(at[:0], n, offset)[0]
}

// places appends the places in the source of bytes of a scalar's text, which
// rise. YAML folds and indents white space only, so a cursor counts the other
// characters.
func (f *file) places(out []ir.Pos, n *yaml.Node, offsets ...int) []ir.Pos {
	c := f.cursorAt(n)
	blank := func(i int) bool { return i >= 0 && i < len(n.Value) && n.Value[i] == ' ' }
	if c.verbatim(n.Value) && !slices.ContainsFunc(offsets, func(at int) bool { return blank(at-1) && blank(at) }) {
		for _, offset := range offsets {
			out = append(out, right(c.pos, min(offset, len(n.Value))))
		}
		return out
	}
	return c.walk(out, n, offsets)
}

// walk is places where the source is not the text.
func (c *cursor) walk(out []ir.Pos, n *yaml.Node, offsets []int) []ir.Pos {
	from, left := 0, 0
	for _, offset := range offsets {
		to := min(offset, len(n.Value))
		for _, r := range n.Value[from:to] {
			if !unicode.IsSpace(r) {
				left++
			}
		}
		from = to
		for c.done < left && len(c.src) > 0 {
			// Most characters stand for themselves.
			if b := c.src[0]; b > ' ' && b < 0x7F && b != '\'' && b != '\\' {
				c.src = c.src[1:]
				c.pos.Column++
				c.done++
				continue
			}
			c.skipSpace()
			c.character()
		}
		if r, size := utf8.DecodeRuneInString(n.Value[to:]); size > 0 && !unicode.IsSpace(r) {
			c.skipSpace()
		}
		out = append(out, c.pos)
	}
	return out
}

// A cursor walks over a scalar in the source.
type cursor struct {
	src   []byte
	pos   ir.Pos
	style yaml.Style
	done  int // characters of the text that it has passed, without white space
}

// cursorAt stands before the first character of n's text.
func (f *file) cursorAt(n *yaml.Node) cursor {
	c := cursor{src: f.at(posOf(n)), pos: posOf(n), style: n.Style}
	if n.Style&yaml.TaggedStyle != 0 || n.Anchor != "" {
		for len(c.src) > 0 && (c.src[0] == '&' || c.src[0] == '!') {
			for len(c.src) > 0 && !unicode.IsSpace(c.peek()) {
				c.skip()
			}
			c.skipSpace()
		}
	}
	switch {
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		for line := c.pos.Line; len(c.src) > 0 && c.pos.Line == line; {
			c.skip()
		}
	case n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		c.skip()
	}
	return c
}

// verbatim says whether the text stands here as it is, in characters of ASCII on one line.
func (c *cursor) verbatim(text string) bool {
	if len(c.src) < len(text) || c.style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return false
	}
	for i := range len(text) {
		b := text[i]
		if b != c.src[i] || b < ' ' || b >= 0x7F || b == '\'' && c.style&yaml.SingleQuotedStyle != 0 || b == '\\' && c.style&yaml.DoubleQuotedStyle != 0 {
			return false
		}
	}
	return true
}

func (c *cursor) peek() rune {
	r, _ := utf8.DecodeRune(c.src)
	return r
}

func (c *cursor) skip() rune {
	r, size := utf8.DecodeRune(c.src)
	c.src = c.src[size:]
	c.pos.Column++
	if endsLine(r, c.src) {
		c.pos = ir.Pos{Line: c.pos.Line + 1, Column: 1}
	}
	return r
}

func (c *cursor) skipSpace() {
	for len(c.src) > 0 {
		n, space := c.escape()
		if n == 0 && unicode.IsSpace(c.peek()) {
			n, space = 1, true
		}
		if !space {
			return
		}
		for range n {
			c.skip()
		}
	}
}

// character passes one character of the text, which an escape may write.
func (c *cursor) character() {
	n, _ := c.escape()
	for range max(n, 1) {
		c.skip()
	}
	c.done++
}

// escape is the length of the escape that stands here, if one does, and
// whether it stands for white space or nothing.
func (c *cursor) escape() (n int, space bool) {
	switch {
	case c.style&yaml.SingleQuotedStyle != 0 && bytes.HasPrefix(c.src, []byte("''")):
		return 2, false
	case c.style&yaml.DoubleQuotedStyle == 0 || len(c.src) < 2 || c.src[0] != '\\':
		return 0, false
	}
	digits := escapeDigits(c.src[1])
	if digits == 0 {
		return 2, strings.IndexByte("\n\rntr \tvfN_LP", c.src[1]) >= 0
	}
	digits = min(digits, len(c.src)-2)
	r, _ := strconv.ParseUint(string(c.src[2:2+digits]), 16, 32)
	return 2 + digits, unicode.IsSpace(rune(r))
}

// plainLines says whether no line of src ends with another character than \n.
func plainLines(src []byte) bool {
	for _, end := range []string{"\r", "\u0085", "\u2028", "\u2029"} {
		if bytes.Contains(src, []byte(end)) {
			return false
		}
	}
	return true
}

// lineStarts are the places at which the lines of text start.
func lineStarts(text []byte) []int {
	out := make([]int, 1, 1+bytes.Count(text, []byte("\n")))
	if plainLines(text) {
		for at := 0; ; {
			n := bytes.IndexByte(text[at:], '\n')
			if n < 0 {
				return out
			}
			at += n + 1
			out = append(out, at)
		}
	}
	for i, c := range text {
		if c == '\n' || c == '\r' || c >= utf8.RuneSelf {
			if r, size := utf8.DecodeRune(text[i:]); endsLine(r, text[i+size:]) {
				out = append(out, i+size)
			}
		}
	}
	return out
}

// at is the source from pos on. A long line is indexed, since a rule may stand
// on one.
func (f *file) at(pos ir.Pos) []byte {
	if f.lines == nil {
		f.text = bytes.TrimPrefix(f.src, bom)
		f.lines = lineStarts(f.text)
	}
	if pos.Line < 1 || pos.Line > len(f.lines) {
		return nil
	}
	start, end := f.lines[pos.Line-1], len(f.text)
	if pos.Line < len(f.lines) {
		end = f.lines[pos.Line]
	}
	if end-start > 1000 {
		if f.long == nil {
			f.long = map[int][]int32{}
		}
		if f.long[pos.Line] == nil {
			for i := range string(f.text[start:end]) {
				f.long[pos.Line] = append(f.long[pos.Line], int32(start+i))
			}
		}
		if pos.Column > len(f.long[pos.Line]) {
			return nil
		}
		return f.text[f.long[pos.Line][pos.Column-1]:]
	}
	rest := f.text[start:]
	for range pos.Column - 1 {
		_, size := utf8.DecodeRune(rest)
		rest = rest[size:]
	}
	return rest
}
