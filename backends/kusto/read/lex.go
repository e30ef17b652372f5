package read

import (
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"sigmac/ir"
)

// A token is a name, a literal or a mark of a query.
type token struct {
	kind     tokenKind
	text     string // of a string its value, of a number its decimal text
	from, to int    // in bytes of the query
	pos      ir.Pos
}

type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenName
	tokenString
	tokenNumber
	tokenBool
	tokenNull
	tokenTime // a timespan, a datetime or a guid: values that the IR has not
	tokenMark
)

type lexer struct {
	src     string
	at      int
	counted int // up to where pos has come
	pos     ir.Pos
}

// lex splits a query; the last token is the end. Comments are left out. What
// cannot be split panics with an *ir.Diagnostic.
func lex(src string) []token {
	l := &lexer{src: src, pos: ir.Pos{Line: 1, Column: 1}}
	l.at = len(src) - len(strings.TrimPrefix(src, "\ufeff"))
	l.counted = l.at
	if !utf8.ValidString(src) {
		l.position(len(src))
	}
	var out []token
	for {
		l.space()
		t := token{from: l.at, pos: l.position(l.at)}
		t.kind, t.text = l.next()
		t.to = l.at
		out = append(out, t)
		if t.kind == tokenEnd {
			return out
		}
	}
}

// position counts on from the last one asked for.
func (l *lexer) position(at int) ir.Pos {
	for l.counted < at {
		r, n := utf8.DecodeRuneInString(l.src[l.counted:])
		if r == utf8.RuneError && n == 1 {
			refuse(l.pos, "invalid UTF-8")
		}
		l.pos.Column++
		if r == '\n' {
			l.pos = ir.Pos{Line: l.pos.Line + 1, Column: 1}
		}
		l.counted += n
	}
	return l.pos
}

func refuse(pos ir.Pos, msg string) {
	panic(&ir.Diagnostic{Pos: pos, Msg: msg})
}

// tooMuch refuses a query that takes too long to read.
func tooMuch(pos ir.Pos) {
	panic(&ir.Diagnostic{Pos: pos, Msg: "the query stands for too much", Feature: "a query that stands for so much"})
}

func (l *lexer) fail(at int, msg string) { refuse(l.position(at), msg) }

func (l *lexer) space() {
	for l.at < len(l.src) {
		r, n := utf8.DecodeRuneInString(l.src[l.at:])
		switch {
		case unicode.IsSpace(r) || r == '\u200b' || r == '\ufeff':
			l.at += n
		case strings.HasPrefix(l.src[l.at:], "//"):
			l.at += strings.IndexByte(l.src[l.at:]+"\n", '\n')
		default:
			return
		}
	}
}

// marks has the longer ones first.
var marks = []string{"==", "=~", "=>", "!=", "!~", "<=", ">=", "<>", "<|", ".."}

func (l *lexer) next() (tokenKind, string) {
	rest := l.src[l.at:]
	if rest == "" {
		return tokenEnd, ""
	}
	if s, ok := l.str(); ok {
		return tokenString, s
	}
	if digitRun(rest, 10) > 0 {
		return l.number()
	}
	if n := nameLength(rest); n > 0 {
		return l.word(n)
	}
	if n := nameLength(rest[1:]); rest[0] == '!' && n > 0 {
		if n++; rest[1:n] == "in" && strings.HasPrefix(rest[n:], "~") {
			n++
		}
		l.at += n
		return tokenMark, rest[:n]
	}
	for _, m := range marks {
		if strings.HasPrefix(rest, m) {
			l.at += len(m)
			return tokenMark, m
		}
	}
	if !strings.Contains("()[]{},;:.|*+-/%=<>?@#", rest[:1]) {
		r, _ := utf8.DecodeRuneInString(rest)
		l.fail(l.at, "unexpected character "+strconv.QuoteRune(r))
	}
	l.at++
	return tokenMark, rest[:1]
}

func nameLength(s string) int {
	n := 0
	for i, r := range s {
		if r != '_' && r != '$' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r)) {
			break
		}
		n = i + utf8.RuneLen(r)
	}
	return n
}

func digitRun(s string, base int) int {
	n := 0
	for n < len(s) {
		if v, err := strconv.ParseUint(s[n:n+1], base, 8); err != nil || v >= uint64(base) {
			break
		}
		n++
	}
	return n
}

// timeUnits are those of the page "The timespan data type".
var timeUnits = sync.OnceValue(func() map[string]bool {
	out := map[string]bool{}
	for _, u := range strings.Fields("d day days h hr hrs hour hours m min mins minute minutes s sec secs second seconds " +
		"ms milli millis millisecond milliseconds micro micros microsecond microseconds nano nanos nanosecond nanoseconds tick ticks") {
		out[u] = true
	}
	return out
})

func (l *lexer) number() (tokenKind, string) {
	s := l.src[l.at:]
	if len(s) > 1 && (s[1] == 'x' || s[1] == 'X') && s[0] == '0' {
		if n := digitRun(s[2:], 16); n > 0 {
			v, err := strconv.ParseUint(s[2:2+n], 16, 64)
			if err != nil {
				l.fail(l.at, "a number that is too large")
			}
			l.at += 2 + n
			return tokenNumber, strconv.FormatUint(v, 10)
		}
	}
	n := digitRun(s, 10)
	if n < len(s) && s[n] == '.' {
		if m := digitRun(s[n+1:], 10); m > 0 {
			n += 1 + m
		}
	}
	if n < len(s) && (s[n] == 'e' || s[n] == 'E') {
		m := n + 1
		if m < len(s) && (s[m] == '+' || s[m] == '-') {
			m++
		}
		if d := digitRun(s[m:], 10); d > 0 {
			n = m + d
		}
	}
	unit := nameLength(s[n:])
	switch {
	case unit == 0:
		v, ok := ir.ParseNumber(s[:n])
		if !ok {
			l.fail(l.at, "a number that is too large")
		}
		l.at += n
		return tokenNumber, string(v)
	case timeUnits()[s[n:n+unit]]:
		l.at += n + unit
		return tokenTime, s[:n+unit]
	case digitRun(s[:n], 10) < n:
		l.fail(l.at, "not a number: "+s[:n+unit])
	}
	l.at += n + unit
	return tokenName, s[:n+unit]
}

// word reads a name of n bytes, or the literal of a type that it opens.
func (l *lexer) word(n int) (tokenKind, string) {
	w := l.src[l.at : l.at+n]
	rest := l.src[l.at+n:]
	switch w {
	case "true", "True", "TRUE", "false", "False", "FALSE":
		l.at += n
		return tokenBool, strings.ToLower(w)
	case "null":
		l.at += n
		return tokenNull, w
	case "in":
		if strings.HasPrefix(rest, "~") && !strings.HasPrefix(rest, "~~~") {
			l.at += n + 1
			return tokenMark, "in~"
		}
	case "bool", "boolean", "int", "long", "real", "double", "decimal", "datetime", "date", "timespan", "time", "guid":
		open := strings.TrimLeft(rest, " \t\r\n")
		end := strings.IndexByte(open, ')')
		if !strings.HasPrefix(open, "(") || end < 0 || strings.ContainsAny(open[1:end], "(|") {
			break
		}
		whole := n + len(rest) - len(open) + end + 1
		kind, text := typed(w, strings.TrimSpace(open[1:end]))
		if kind == tokenEnd {
			l.fail(l.at, "not a literal: "+l.src[l.at:l.at+whole])
		}
		l.at += whole
		return kind, text
	}
	l.at += n
	return tokenName, w
}

// typed reads the inside of a typed literal, `int(5)`.
func typed(name, s string) (tokenKind, string) {
	if s == "null" {
		return tokenNull, s
	}
	switch name {
	case "bool", "boolean":
		switch strings.ToLower(s) {
		case "true", "1":
			return tokenBool, "true"
		case "false", "0":
			return tokenBool, "false"
		}
		return tokenEnd, ""
	case "int", "long", "real", "double", "decimal":
		if h, ok := strings.CutPrefix(s, "0x"); ok {
			if v, err := strconv.ParseUint(h, 16, 64); err == nil {
				return tokenNumber, strconv.FormatUint(v, 10)
			}
		}
		if v, ok := ir.ParseNumber(s); ok {
			return tokenNumber, string(v)
		}
		return tokenTime, s // nan, +inf
	}
	return tokenTime, s
}

// str reads a string literal, if one stands here.
func (l *lexer) str() (string, bool) {
	s := l.src[l.at:]
	for _, fence := range []string{"```", "~~~"} {
		if strings.HasPrefix(s, fence) {
			end := strings.Index(s[3:], fence)
			if end < 0 {
				l.fail(l.at, "the string has no end")
			}
			l.at += 3 + end + 3
			return s[3 : 3+end], true
		}
	}
	n := 0
	if s[0] == 'h' || s[0] == 'H' {
		n++
	}
	verbatim := strings.HasPrefix(s[n:], "@")
	if verbatim {
		n++
	}
	if n >= len(s) || s[n] != '"' && s[n] != '\'' {
		return "", false
	}
	quote := s[n]
	start := l.at
	var b strings.Builder
	for l.at += n + 1; ; {
		rest := l.src[l.at:]
		switch {
		case rest == "" || rest[0] == '\n' || rest[0] == '\r':
			l.fail(start, "the string has no end")
		case verbatim && len(rest) > 1 && rest[0] == quote && rest[1] == quote:
			b.WriteByte(quote)
			l.at += 2
		case rest[0] == quote:
			l.at++
			return b.String(), true
		case rest[0] == '\\' && !verbatim:
			b.WriteRune(l.escape())
		default:
			b.WriteByte(rest[0])
			l.at++
		}
	}
}

const (
	escapeNames  = `\'"abfnrtv`
	escapeValues = "\\'\"\a\b\f\n\r\t\v"
)

func (l *lexer) escape() rune {
	start, s := l.at, l.src[l.at+1:]
	if s == "" {
		l.fail(start, "the string has no end")
	}
	if i := strings.IndexByte(escapeNames, s[0]); i >= 0 {
		l.at += 2
		return rune(escapeValues[i])
	}
	if n := min(digitRun(s, 8), 3); n > 0 {
		v, _ := strconv.ParseUint(s[:n], 8, 16)
		if v > 255 {
			v, n = v/8, n-1
		}
		l.at += 1 + n
		return rune(v)
	}
	length := map[byte]int{'x': 2, 'u': 4, 'U': 8}[s[0]]
	if length == 0 || digitRun(s[1:], 16) < length {
		l.fail(start, "a string has no escape \\"+s[:1]+"; double the backslash or write @ before the quote")
	}
	v, _ := strconv.ParseUint(s[1:1+length], 16, 32)
	l.at += 2 + length
	if r := rune(v); utf16.IsSurrogate(r) {
		rest := l.src[l.at:]
		if strings.HasPrefix(rest, `\u`) && digitRun(rest[2:], 16) >= 4 {
			low, _ := strconv.ParseUint(rest[2:6], 16, 32)
			if p := utf16.DecodeRune(r, rune(low)); p != utf8.RuneError {
				l.at += 6
				return p
			}
		}
	}
	if v > unicode.MaxRune || utf16.IsSurrogate(rune(v)) {
		l.fail(start, "the escape stands for no character")
	}
	return rune(v)
}
