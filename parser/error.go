package parser

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"sigmac/ir"
)

// fail records an error of a node; of the file as a whole without one.
func (f *file) fail(n *yaml.Node, format string, args ...any) { f.failAs("", n, format, args...) }

// failAs is fail with a code.
func (f *file) failAs(code string, n *yaml.Node, format string, args ...any) {
	d := f.about(n, format, args...)
	d.Code = code
	f.errs = append(f.errs, d)
}

// failIn records an error of some bytes of a scalar's text.
func (f *file) failIn(n *yaml.Node, from, to int, code, format string, args ...any) {
	d := f.diagnostic(f.part(n, from, to), format, args...)
	d.Code = code
	f.errs = append(f.errs, d)
}

// warnAs records a warning with a code.
func (f *file) warnAs(code string, n *yaml.Node, format string, args ...any) {
	d := f.about(n, format, args...)
	d.Code = code
	f.warns = append(f.warns, d)
}

func (f *file) about(n *yaml.Node, format string, args ...any) *ir.Diagnostic {
	at := ir.Span{Start: ir.Pos{Line: 1, Column: 1}}
	if n != nil {
		at = ir.Span{Start: posOf(n), End: f.behind(n, false)}
	}
	return f.diagnostic(at, format, args...)
}

// diagnostic has no end where nothing is written. An end that is not behind the beginning
// is that of a node that an action put together of what stands apart.
func (f *file) diagnostic(at ir.Span, format string, args ...any) *ir.Diagnostic {
	if at.End.Compare(at.Start) <= 0 && at.End != (ir.Pos{}) {
		at.End = f.end(at.Start)
	}
	return &ir.Diagnostic{Path: f.path, Pos: at.Start, End: at.End, Msg: fmt.Sprintf(format, args...), Source: f.source}
}

// finish are diagnostics of the file in its order, each once: an alias is read wherever
// it stands.
func finish(ds []*ir.Diagnostic) []*ir.Diagnostic {
	ds = slices.Clone(ds) // compacting clears what is left over, and more may come
	slices.SortStableFunc(ds, func(a, b *ir.Diagnostic) int { return a.Pos.Compare(b.Pos) })
	return slices.CompactFunc(ds, func(a, b *ir.Diagnostic) bool { return *a == *b })
}

// span is the part of the source in which a node stands.
func (f *file) span(n *yaml.Node) ir.Span { return ir.Span{Start: posOf(n), End: f.behind(n, true)} }

// part is where some bytes of a scalar's text stand.
func (f *file) part(n *yaml.Node, from, to int) ir.Span {
	at := f.places(nil, n, from, to)
	return ir.Span{Start: at[0], End: at[1]}
}

// maxGap bounds the characters that are looked at for the bracket behind the last entry.
const maxGap = 4096

// behind is the place behind a node. Of a mapping or a list that has no brackets it is
// that behind the whole, or behind the first key or entry, which stands for it.
func (f *file) behind(n *yaml.Node, whole bool) ir.Pos {
	switch last := len(n.Content) - 1; {
	case n.Kind == yaml.AliasNode:
		return ir.Pos{Line: n.Line, Column: n.Column + 1 + utf8.RuneCountInString(n.Value)}
	case n.Kind == yaml.ScalarNode:
		return f.behindScalar(n)
	case n.Style&yaml.FlowStyle != 0:
		c := f.cursorAt(n)
		if last < 0 {
			c.skip()
		} else {
			c.pos = f.behind(n.Content[last], true)
			c.src = f.at(c.pos)
		}
		// Between the last entry and the bracket stand blanks, signs and comments.
		comment := 0 // the line of one
		for range min(len(c.src), maxGap) {
			switch r := c.skip(); {
			case c.pos.Line == comment || unicode.IsSpace(r) || strings.ContainsRune(",:?", r):
			case r == '#':
				comment = c.pos.Line
			case r == ']' || r == '}':
				return c.pos
			default:
				return ir.Pos{}
			}
		}
		return ir.Pos{}
	case last < 0:
		return ir.Pos{}
	case whole:
		return f.behind(n.Content[last], true)
	}
	return f.behind(n.Content[0], false)
}

func (f *file) behindScalar(n *yaml.Node) ir.Pos {
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0 {
		return f.locate(n, len(strings.TrimRightFunc(n.Value, unicode.IsSpace)))
	}
	c := f.cursorAt(n)
	quote := byte('\'')
	if n.Style&yaml.DoubleQuotedStyle != 0 {
		quote = '"'
	}
	if size := len(n.Value); c.verbatim(n.Value) && bytes.HasPrefix(c.src[size:], []byte{quote}) && (quote == '"' || !bytes.HasPrefix(c.src[size:], []byte("''"))) {
		return right(c.pos, size+1)
	}
	for len(c.src) > 0 {
		escaped, _ := c.escape()
		if escaped == 0 && c.src[0] == quote {
			c.skip()
			break
		}
		for range max(escaped, 1) {
			c.skip()
		}
	}
	return c.pos
}

// Place gives a diagnostic, which knows where in the document it begins, its path and its
// end: that of the text, the key or the modifier that stands there. It returns it.
func (d *Document) Place(e *ir.Diagnostic) *ir.Diagnostic {
	if e.Path == "" || e.Pos.File != 0 {
		d = d.of(e.Pos)
		e.Path, e.Pos.File, e.End.File = d.Path, 0, 0
	}
	if e.End == (ir.Pos{}) && e.Path == d.Path && d.file != nil {
		e.End = d.file.end(e.Pos)
	}
	return e
}

// PathOf is the file in which a place of the document is: its own, or that of a filter.
func (d *Document) PathOf(at ir.Pos) string { return d.of(at).Path }

func (d *Document) of(at ir.Pos) *Document {
	for _, f := range d.Filters {
		if at.File != 0 && f.Filter.Pos.File == at.File {
			return f
		}
	}
	return d
}

// end is the place behind what begins at a place, or zero where nothing does. The file is
// read again for that, which spares keeping its nodes.
func (f *file) end(at ir.Pos) ir.Pos {
	f.indexing.Lock()
	defer f.indexing.Unlock()
	if f.ends != nil {
		return f.ends[at]
	}
	if end, ok := f.behindQuotes(at); ok {
		return end
	}
	ends, only := map[ir.Pos]ir.Pos{}, at
	if f.asked++; f.asked > maxAsked {
		f.ends, only = ends, ir.Pos{}
	}
	memory := memories.Get().(*nodeMemory)
	defer memory.free()
	roots, _ := readYAML(f.src, memory)
	for _, n := range roots {
		f.index(n, ends, only)
	}
	return ends[at]
}

// behindQuotes is the place behind a text in single quotes that begins at a place and is written as it
// is, on one line. Most of what a diagnostic is about is such a text, and no file need be read for it.
func (f *file) behindQuotes(at ir.Pos) (end ir.Pos, ok bool) {
	src := f.at(at)
	for i := 1; i < len(src) && src[0] == '\''; i++ {
		switch c := src[i]; {
		case c == '\'':
			return right(at, i+1), !bytes.HasPrefix(src[i:], []byte("''"))
		case c < ' ' || c >= 0x7F:
			return end, false
		}
	}
	return end, false
}

// maxAsked is how often the end of one place is looked for before those of all places are kept.
const maxAsked = 4

// index notes in ends those of a node and its parts, and of the modifiers in its keys; only of what
// begins at a place unless that is zero.
func (f *file) index(n *yaml.Node, ends map[ir.Pos]ir.Pos, only ir.Pos) {
	if only == (ir.Pos{}) || only == posOf(n) {
		if end := f.behind(n, false); end.Compare(posOf(n)) > 0 {
			ends[posOf(n)] = end
		}
	}
	for i, c := range n.Content {
		f.index(c, ends, only)
		if n.Kind != yaml.MappingNode || i%2 != 0 || only != (ir.Pos{}) && only.Line != c.Line {
			continue
		}
		from := 0
		for j, word := range strings.SplitN(c.Value, "|", maxModifiers+2) {
			if j > 0 && word != "" {
				at := f.part(c, from, from+len(word))
				ends[at.Start] = at.End
			}
			from += len(word) + 1
		}
	}
}
