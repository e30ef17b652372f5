package read

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"sigmac/internal/lazy"
	"sigmac/ir"
)

// A token is one token of EQL (EqlBase.g4). Comments and blanks are none.
type token struct {
	kind       tokenKind
	text       string // as written; of a string or a quoted name, what it stands for
	start, end int    // in bytes of the query
	pos        ir.Pos
}

type tokenKind uint8

const (
	endToken tokenKind = iota
	wordToken
	tildeToken   // a function's name with the `~` after it
	keywordToken // also an operator that is a word, with its `~`
	quotedToken  // a name in backticks
	stringToken
	integerToken
	decimalToken
	signToken
)

var reserved = map[string]bool{
	"and": true, "any": true, "by": true, "false": true, "in": true, "in~": true, "join": true, "like": true,
	"like~": true, "maxspan": true, "not": true, "null": true, "of": true, "or": true, "regex": true, "regex~": true,
	"sample": true, "sequence": true, "true": true, "until": true, "where": true, "with": true,
}

var (
	wordStart   = lazy.Regexp(`\A(?:[A-Za-z][A-Za-z0-9_]*~?|[_@][A-Za-z0-9_]*)`)
	numberStart = lazy.Regexp(`\A(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[Ee][+-]?[0-9]+)?`)
	nameStart   = lazy.Regexp("\\A`(?:[^`]|``)*`")
	escapeStart = lazy.Regexp(`\A\\(?:[btnfr"'\\]|u\{[0-9A-Fa-f]{2,8}\})`)
	signs       = []string{"![", "==", "!=", "<=", ">=", ":", "=", "<", ">", "+", "-", "*", "/", "%", ".", ",", "[", "]", "(", ")", "|", "?"}
)

// refuse ends the reading; caught hands its error to the caller.
func refuse(pos ir.Pos, format string, args ...any) {
	panic(&ir.Diagnostic{Pos: pos, Msg: fmt.Sprintf(format, args...)})
}

type lexer struct {
	src string
	at  int
	pos ir.Pos
	out []token
}

// lex reads all tokens of src; the last is the end.
func lex(src string) []token {
	l := &lexer{src: src, pos: ir.Pos{Line: 1, Column: 1}}
	for l.at < len(src) {
		l.next()
	}
	l.emit(endToken, "", 0)
	return l.out
}

func (l *lexer) rest() string { return l.src[l.at:] }

// skip steps over n bytes and counts their characters.
func (l *lexer) skip(n int) {
	for end := l.at + n; l.at < end; {
		r, size := utf8.DecodeRuneInString(l.rest())
		if r == utf8.RuneError && size == 1 {
			refuse(l.pos, "invalid UTF-8")
		}
		l.pos.Column++
		if r == '\n' {
			l.pos = ir.Pos{Line: l.pos.Line + 1, Column: 1}
		}
		l.at += size
	}
}

func (l *lexer) emit(kind tokenKind, text string, n int) {
	l.out = append(l.out, token{kind, text, l.at, l.at + n, l.pos})
	l.skip(n)
}

func (l *lexer) next() {
	rest := l.rest()
	switch c := rest[0]; {
	case strings.IndexByte(" \r\n\t", c) >= 0:
		l.skip(1)
	case strings.HasPrefix(rest, "//"):
		n := strings.IndexAny(rest, "\r\n")
		if n < 0 {
			n = len(rest)
		}
		l.skip(n)
	case strings.HasPrefix(rest, "/*"):
		l.comment()
	case strings.HasPrefix(rest, `"""`):
		l.raw()
	case c == '"':
		l.str()
	case c == '\'':
		refuse(l.pos, "a string stands in double quotes")
	case strings.HasPrefix(rest, `?"`), strings.HasPrefix(rest, `?'`):
		refuse(l.pos, "a raw string stands in three double quotes")
	case c == '`':
		name := nameStart().FindString(rest)
		if name == "" {
			refuse(l.pos, "the name has no closing backtick")
		}
		l.emit(quotedToken, strings.ReplaceAll(name[1:len(name)-1], "``", "`"), len(name))
	case '0' <= c && c <= '9', c == '.' && len(rest) > 1 && '0' <= rest[1] && rest[1] <= '9':
		n := numberStart().FindString(rest)
		kind := integerToken
		if strings.ContainsAny(n, ".eE") {
			kind = decimalToken
		}
		l.emit(kind, n, len(n))
	default:
		if w := wordStart().FindString(rest); w != "" {
			kind := wordToken
			switch {
			case reserved[w]:
				kind = keywordToken
			case strings.HasSuffix(w, "~"):
				kind = tildeToken
			}
			l.emit(kind, w, len(w))
			return
		}
		for _, s := range signs {
			if strings.HasPrefix(rest, s) {
				l.emit(signToken, s, len(s))
				return
			}
		}
		r, size := utf8.DecodeRuneInString(rest)
		if r == utf8.RuneError && size == 1 {
			refuse(l.pos, "invalid UTF-8")
		}
		refuse(l.pos, "unexpected %q", r)
	}
}

// comment steps over a comment; one inside it must be closed too. Where one is
// not, the lexer of Elasticsearch takes the longest text it can, and nobody
// writes that.
func (l *lexer) comment() {
	start, depth := l.pos, 0
	for {
		switch rest := l.rest(); {
		case rest == "":
			refuse(start, "the comment has no `*/`")
		case strings.HasPrefix(rest, "/*"):
			depth++
			l.skip(2)
		case strings.HasPrefix(rest, "*/"):
			l.skip(2)
			if depth--; depth == 0 {
				return
			}
		default:
			l.skip(1 + max(0, strings.IndexAny(rest[1:], "/*")))
		}
	}
}

// raw reads a raw string: to the first three quotes, and the two before them
// that may belong to it.
func (l *lexer) raw() {
	rest := l.rest()
	n := strings.Index(rest[3:], `"""`)
	if n < 0 || strings.ContainsAny(rest[3:3+n], "\r\n") {
		refuse(l.pos, "the string has no closing quotes")
	}
	n += 6
	for i := 0; i < 2 && strings.HasPrefix(rest[n:], `"`); i++ {
		n++
	}
	l.emit(stringToken, rest[3:n-3], n)
}

func (l *lexer) str() {
	rest := l.rest()
	var b strings.Builder
	for n := 1; ; {
		end := strings.IndexAny(rest[n:], "\"\\\r\n")
		if end < 0 {
			refuse(l.pos, "the string has no closing quote")
		}
		b.WriteString(rest[n : n+end])
		n += end
		switch rest[n] {
		case '"':
			l.emit(stringToken, b.String(), n+1)
			return
		case '\\':
			esc := escapeStart().FindString(rest[n:])
			if esc == "" {
				l.skip(n)
				refuse(l.pos, "`\\` starts no escape that EQL knows")
			}
			n += len(esc)
			b.WriteRune(l.escape(n-len(esc), esc))
		default:
			refuse(l.pos, "the string has no closing quote")
		}
	}
}

func (l *lexer) escape(offset int, esc string) rune {
	if esc[1] != 'u' {
		if i := strings.IndexByte("btnfr", esc[1]); i >= 0 {
			return rune("\b\t\n\f\r"[i])
		}
		return rune(esc[1])
	}
	n, _ := strconv.ParseUint(esc[3:len(esc)-1], 16, 32)
	if n > utf8.MaxRune || !utf8.ValidRune(rune(n)) {
		l.skip(offset)
		refuse(l.pos, "%s is no character", esc)
	}
	return rune(n)
}
