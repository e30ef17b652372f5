package parser

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"sigmac/ir"
)

// MaxFileSize is the size in bytes from which a file is refused. The largest
// file of the public rule set has 30 kB; a file may hold many rules.
const MaxFileSize = 16 << 20

// maxNodes bounds what a document is after its aliases are followed.
const maxNodes = 200_000

// maxDepth bounds the nesting of a document.
const maxDepth = 100

var bom = []byte("\xEF\xBB\xBF")

// readYAML returns the documents of src that stand before the first error.
func readYAML(path string, src []byte) (roots []*yaml.Node, err *Error) {
	fail := func(pos ir.Pos, format string, args ...any) *Error {
		return &Error{Path: path, Pos: pos, Msg: fmt.Sprintf(format, args...)}
	}
	if len(src) > MaxFileSize {
		return nil, fail(ir.Pos{Line: 1, Column: 1}, "the file is larger than %d MiB", MaxFileSize>>20)
	}
	src = bytes.TrimPrefix(src, bom)
	if pos, what := badCharacter(src); what != "" {
		return nil, fail(pos, "%s", what)
	}
	// The decoder panics on what it thinks impossible.
	defer func() {
		if r := recover(); r != nil {
			err = fail(ir.Pos{Line: 1, Column: 1}, "not YAML: %v", r)
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
			pos, msg := yamlError(src, e)
			return roots, fail(pos, "%s", msg)
		}
		if len(n.Content) == 0 {
			continue
		}
		root := n.Content[0]
		s := sizer{done: map[*yaml.Node]int{}}
		if s.size(root, 0); s.at != nil {
			return roots, fail(posOf(s.at), "%s", s.why)
		}
		if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
			continue
		}
		roots = append(roots, root)
	}
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
			return pos, "not UTF-8 text"
		case r == '\n', r == '\r' && !bytes.HasPrefix(src, []byte("\r\n")):
			pos = ir.Pos{Line: pos.Line + 1}
		case r == '\t', r == '\r', r == 0x85:
		case r < ' ', r >= 0x7F && r < 0xA0, r == 0xFEFF, r == 0xFFFE, r == 0xFFFF:
			return pos, fmt.Sprintf("the character U+%04X is not allowed in YAML; write it as \"\\x%02x\" in double quotes", r, r)
		}
		src = src[size:]
		pos.Column++
	}
}

var yamlLine = regexp.MustCompile(`^line (\d+): `)

// yamlError gives the decoder's error a column: that of a tab where YAML needs
// blanks, else of the line's text.
func yamlError(src []byte, err error) (ir.Pos, string) {
	msg := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 1
	if m := yamlLine.FindStringSubmatch(msg); m != nil {
		line, _ = strconv.Atoi(m[1])
		msg = msg[len(m[0]):]
	}
	lines := bytes.Split(src, []byte("\n"))
	line = max(1, min(line, len(lines)))
	// The decoder counts some errors from the line before.
	for i := line - 1; i <= min(line, len(lines)-1); i++ {
		text := lines[i]
		indent := len(text) - len(bytes.TrimLeft(text, " \t"))
		if tab := bytes.IndexByte(text[:indent], '\t'); tab >= 0 {
			return ir.Pos{Line: i + 1, Column: tab + 1}, "not YAML: a tab in the indentation; YAML wants blanks"
		}
	}
	text := lines[line-1]
	return ir.Pos{Line: line, Column: 1 + len(text) - len(bytes.TrimLeft(text, " "))}, "not YAML: " + msg
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
		s.done[n] = 0
	}
	total := 1
	for _, c := range n.Content {
		total += s.size(c, depth+1)
		if total > maxNodes {
			return s.stop(c, "more than %d nodes, aliases followed", maxNodes)
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

// entries lists a mapping, its merge keys followed; a key that stands twice is
// reported and left out.
func (f *file) entries(n *yaml.Node) []entry {
	out := make([]entry, 0, len(n.Content)/2)
	var merged []entry
	var seen nameSet
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := deref(n.Content[i]), deref(n.Content[i+1])
		switch {
		case k.Kind != yaml.ScalarNode:
			f.fail(posOf(k), "a key must be a text")
		case k.Tag == "!!merge":
			from := []*yaml.Node{v}
			if v.Kind == yaml.SequenceNode {
				from = v.Content
			}
			for _, m := range from {
				if m = deref(m); m.Kind != yaml.MappingNode {
					f.fail(posOf(m), "`<<` merges mappings only")
					continue
				}
				merged = append(merged, f.entries(m)...)
			}
		case !seen.add(k.Value):
			f.fail(posOf(k), "the key %q stands twice", k.Value)
		default:
			out = append(out, entry{n.Content[i], k.Value, v})
		}
	}
	for _, e := range merged {
		if seen.add(e.name) {
			out = append(out, e)
		}
	}
	return out
}

// A nameSet is a set of names, of which there are mostly few.
type nameSet struct {
	few  []string
	many map[string]bool
}

// add says whether name is new.
func (s *nameSet) add(name string) bool {
	const few = 16
	if s.many == nil && len(s.few) < few {
		if slices.Contains(s.few, name) {
			return false
		}
		s.few = append(s.few, name)
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
	for i := 0; i+1 < len(b.Content); i += 2 {
		at[b.Content[i].Value] = len(out.Content) + 1
		out.Content = append(out.Content, b.Content[i], b.Content[i+1])
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(o.Content); i += 2 {
		k := o.Content[i].Value
		if j, ok := at[k]; ok && !seen[k] {
			out.Content[j] = overlay(out.Content[j], o.Content[i+1])
			out.Content[j-1] = o.Content[i]
		} else {
			out.Content = append(out.Content, o.Content[i], o.Content[i+1])
		}
		seen[k] = true
	}
	return &out
}

// locate is the place in the source of the byte at offset of a scalar's text.
// YAML folds and indents white space only, so it counts the other characters.
func (f *file) locate(n *yaml.Node, offset int) ir.Pos {
	pos := posOf(n)
	block := n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0
	quoted := n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0
	offset = min(offset, len(n.Value))
	todo := 0
	for _, r := range n.Value[:offset] {
		if !unicode.IsSpace(r) {
			todo++
		}
	}
	src := f.at(pos)
	skip := func() rune {
		r, size := utf8.DecodeRune(src)
		src = src[size:]
		pos.Column++
		if r == '\n' {
			pos = ir.Pos{Line: pos.Line + 1, Column: 1}
		}
		return r
	}
	if n.Style&yaml.TaggedStyle != 0 || n.Anchor != "" {
		return pos
	}
	if block {
		for len(src) > 0 && skip() != '\n' {
		}
	} else if quoted && len(src) > 0 {
		skip()
	}
	ends := offset == len(n.Value) || n.Value[offset] <= ' '
	for len(src) > 0 {
		if todo == 0 && ends {
			return pos
		}
		for len(src) > 0 && (src[0] == ' ' || src[0] == '\n' || src[0] == '\r' || src[0] == '\t') {
			skip()
		}
		if todo == 0 || len(src) == 0 {
			return pos
		}
		r := skip()
		switch {
		case r == '\'' && n.Style&yaml.SingleQuotedStyle != 0 && len(src) > 0:
			skip()
		case r == '\\' && n.Style&yaml.DoubleQuotedStyle != 0 && len(src) > 0:
			switch c := skip(); c {
			case '\n', 'n', 't', 'r', ' ', '\t', 'v', 'f', 'N', '_', 'L', 'P':
				todo++ // no character, or one that is white space
			case 'x', 'u', 'U':
				for range map[rune]int{'x': 2, 'u': 4, 'U': 8}[c] {
					if len(src) > 0 {
						skip()
					}
				}
			}
		}
		todo--
	}
	return pos
}

// at is the source from pos on.
func (f *file) at(pos ir.Pos) []byte {
	if f.lines == nil {
		f.text = bytes.TrimPrefix(f.src, bom)
		f.lines = make([]int, 1, 1+bytes.Count(f.text, []byte("\n")))
		for i, c := range f.text {
			if c == '\n' {
				f.lines = append(f.lines, i+1)
			}
		}
	}
	if pos.Line < 1 || pos.Line > len(f.lines) {
		return nil
	}
	rest := f.text[f.lines[pos.Line-1]:]
	for range pos.Column - 1 {
		_, size := utf8.DecodeRune(rest)
		rest = rest[size:]
	}
	return rest
}
