package read

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"

	"sigmac/ir"
)

// A source is a query with its macros expanded and its comments blanked. Every
// place in text stands for one in the query as it was written.
type source struct {
	text   string
	pieces []piece
	whole  string // as written
	marks  []mark // in whole, one every markEvery bytes
}

// A piece of text starts at the offset at and was written at from; all of it
// there if it comes out of a macro.
type piece struct {
	at, from int
	macro    bool
}

// A mark makes positions cheap in a line of a megabyte.
type mark struct {
	offset int
	pos    ir.Pos
}

const (
	markEvery     = 64
	macroDepth    = 100     // Splunk's own limit
	macroExpanded = 4 << 20 // macros may call each other to grow without end
	macroCalls    = 100_000
)

func newSource(whole string) *source {
	s := &source{whole: whole}
	p := ir.Pos{Line: 1, Column: 1}
	for i, c := range whole {
		if n := len(s.marks); n == 0 || i >= s.marks[n-1].offset+markEvery {
			s.marks = append(s.marks, mark{i, p})
		}
		if _, n := utf8.DecodeRuneInString(whole[i:]); c == utf8.RuneError && n == 1 {
			panic(&ir.Diagnostic{Pos: p, Msg: "not UTF-8"})
		}
		if p.Column++; c == '\n' {
			p = ir.Pos{Line: p.Line + 1, Column: 1}
		}
	}
	return s
}

// written is the position of an offset of the query as written.
func (s *source) written(offset int) ir.Pos {
	n := sort.Search(len(s.marks), func(i int) bool { return s.marks[i].offset > offset })
	if n == 0 {
		return ir.Pos{Line: 1, Column: 1}
	}
	m := s.marks[n-1]
	for _, c := range s.whole[m.offset:min(offset, len(s.whole))] {
		if m.pos.Column++; c == '\n' {
			m.pos = ir.Pos{Line: m.pos.Line + 1, Column: 1}
		}
	}
	return m.pos
}

// origin is where the offset of text was written.
func (s *source) origin(offset int) int {
	n := sort.Search(len(s.pieces), func(i int) bool { return s.pieces[i].at > offset })
	if n == 0 {
		return offset
	}
	p := s.pieces[n-1]
	if p.macro {
		return p.from
	}
	return p.from + offset - p.at
}

func (s *source) pos(offset int) ir.Pos { return s.written(s.origin(offset)) }

func (s *source) fail(offset int, format string, args ...any) {
	panic(&ir.Diagnostic{Pos: s.pos(offset), Msg: fmt.Sprintf(format, args...)})
}

// An expander writes a source.
type expander struct {
	*source
	macros map[string]Macro
	calls  int
	made   int // bytes of the bodies: an argument may double at each depth, and never come out
	out    strings.Builder
}

func expand(query string, macros map[string]Macro) source {
	x := &expander{source: newSource(query), macros: macros}
	x.expand(query, 0, false, 0)
	x.text = x.out.String()
	return *x.source
}

func (x *expander) write(s string, from int, macro bool) {
	if s != "" {
		x.pieces = append(x.pieces, piece{x.out.Len(), from, macro})
		x.out.WriteString(s)
	}
}

// expand writes s, which stands at from. Nothing within double quotes is a
// macro or a comment (Knowledge Manager Manual: Use search macros).
func (x *expander) expand(s string, from int, macro bool, depth int) {
	at := func(i int) int {
		if macro {
			return from
		}
		return from + i
	}
	fail := func(i int, msg string) { panic(&ir.Diagnostic{Pos: x.written(at(i)), Msg: msg}) }
	start := 0
	flush := func(i int) { x.write(s[start:i], at(start), macro) }
	for i := 0; i < len(s); {
		j := skip(s, i)
		if j > len(s) {
			switch {
			case s[i] == '"':
				fail(i, "a text in quotes without its end")
			case strings.HasPrefix(s[i:], "```"):
				fail(i, "a comment without its end")
			default:
				fail(i, "a macro without its second backtick")
			}
		}
		if s[i] != '`' {
			i = j
			continue
		}
		body, known := " ", true // of a comment
		if !strings.HasPrefix(s[i:], "```") {
			if body, known = x.call(s[i+1 : j-1]); x.made > macroExpanded+len(x.whole) {
				fail(i, "the macros expand to too long a query")
			}
		}
		if known {
			flush(i)
			if depth >= macroDepth {
				fail(i, "macros nested too deep")
			}
			x.expand(body, at(i), true, depth+1)
			if x.calls++; x.out.Len() > macroExpanded+len(x.whole) || x.calls > macroCalls {
				fail(i, "the macros expand to too long a query")
			}
			start = j
		}
		i = j
	}
	flush(len(s))
}

// call is the body of a macro with its arguments in place.
func (x *expander) call(text string) (body string, ok bool) {
	name, rest, hasArgs := strings.Cut(trim(text), "(")
	m, ok := x.macros[trim(name)]
	if !ok || hasArgs && !strings.HasSuffix(rest, ")") {
		return "", false
	}
	var args []string
	if hasArgs {
		rest = rest[:len(rest)-1]
		lo := 0
		for i := 0; i <= len(rest); {
			if i == len(rest) || rest[i] == ',' {
				args = append(args, trim(rest[lo:i]))
				i++
				lo = i
				continue
			}
			i = min(skip(rest, i), len(rest))
		}
	}
	if len(args) != len(m.Args) {
		return "", false
	}
	var pairs []string
	x.made += len(m.Definition)
	for i, a := range m.Args {
		if n := len(args[i]); n > 1 && args[i][0] == '"' && args[i][n-1] == '"' {
			args[i] = args[i][1 : n-1]
		}
		pairs = append(pairs, "$"+a+"$", args[i])
		x.made += strings.Count(m.Definition, "$"+a+"$") * len(args[i])
	}
	if x.made > macroExpanded+len(x.whole) {
		return "", false
	}
	return strings.NewReplacer(pairs...).Replace(m.Definition), true
}

// skip is the end of what starts at i: a text in quotes, a macro or a comment
// in backticks, a backslash with what it precedes, a byte. It is beyond the end
// of s where that has no end.
func skip(s string, i int) int {
	switch {
	case s[i] == '\\':
		return min(i+2, len(s))
	case s[i] == '"':
		for j := i + 1; j < len(s); j++ {
			switch s[j] {
			case '\\':
				j++
			case '"':
				return j + 1
			}
		}
		return len(s) + 1
	case s[i] == '`':
		ticks := "`"
		if strings.HasPrefix(s[i:], "```") {
			ticks = "```"
		}
		j := strings.Index(s[i+len(ticks):], ticks)
		if j < 0 {
			return len(s) + 1
		}
		return i + j + 2*len(ticks)
	}
	return i + 1
}

// past is the end of what starts at i, which must lie before hi.
func (s *source) past(i, hi int) int {
	j := skip(s.text, i)
	if j > hi {
		s.fail(i, "%q without its end", s.text[i])
	}
	return j
}

// bracket is the end of the subsearch at lo.
func (s *source) bracket(lo, hi int) int {
	depth := 0
	for i := lo; i < hi; {
		c := s.text[i]
		i = s.past(i, hi)
		switch c {
		case '[':
			depth++
		case ']':
			depth--
		}
		if depth == 0 {
			return i
		}
	}
	s.fail(lo, "`[` without `]`")
	return hi
}

func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }

// trim is s without the white space of SPL around it. That of Unicode is text here.
func trim(s string) string { return strings.Trim(s, " \t\n\v\f\r") }

func isWord(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' || c >= utf8.RuneSelf
}

// A stage is one command of the pipeline.
type stage struct {
	name         string
	lo, body, hi int // body is behind the name
}

// split cuts the query at its pipes. A search that starts without one starts
// with the command `search`.
func (r *reading) split() []stage {
	var out []stage
	var open []int
	for lo, i := 0, 0; i <= len(r.text); {
		if i < len(r.text) && (r.text[i] != '|' || len(open) > 0) {
			switch r.text[i] {
			case '[':
				open = append(open, i)
			case ']':
				if len(open) == 0 {
					r.fail(i, "`]` without `[`")
				}
				open = open[:len(open)-1]
			}
			i = min(skip(r.text, i), len(r.text)) // expand has seen every end
			continue
		}
		if i == len(r.text) && len(open) > 0 {
			r.fail(open[len(open)-1], "`[` without `]`")
		}
		if st := r.stage(lo, i, len(out) == 0 && lo == 0); st.name != "" {
			out = append(out, st)
		} else if lo > 0 {
			r.fail(i, "a command is missing")
		}
		i++
		lo = i
	}
	if len(out) == 0 {
		r.fail(0, "an empty query")
	}
	return out
}

func (r *reading) stage(lo, hi int, first bool) stage {
	for lo < hi && isSpace(r.text[lo]) {
		lo++
	}
	i := lo
	if i < hi && r.text[i] == '`' {
		i = skip(r.text, i)
	} else {
		for i < hi && isWord(r.text[i]) {
			i++
		}
	}
	st := stage{strings.ToLower(r.text[lo:i]), lo, i, hi}
	if first && lo < hi && (st.name != "search" || i < hi && !isSpace(r.text[i])) {
		st.name, st.body = "search", lo
	}
	if st.name == "" && lo < hi {
		r.fail(lo, "not the name of a command")
	}
	return st
}

// unescape undoes the escapes of a text, in quotes or without: `\"`, `\\` and
// `\|`, a backslash before anything else stands for itself (Search Reference:
// search, Quotes and escaping characters). Whether eval and `regex` undo `\|`
// is open.
func unescape(s string) (text string, open bool) {
	if !strings.Contains(s, `\`) {
		return s, false
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && slices.Contains([]byte(`"\|`), s[i+1]) {
			i++
			open = open || s[i] == '|'
		}
		b.WriteByte(s[i])
	}
	return b.String(), open
}
