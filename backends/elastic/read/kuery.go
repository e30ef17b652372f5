package read

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"sigmac/ir"
)

// ReadKuery says what a query in Kibana's query language does (Elastic
// documents: "KQL"; the grammar is that of the package kbn-es-query). s may be
// nil. The error is an *ir.Diagnostic.
func ReadKuery(query string, s ir.Schema) (q *ir.Query, err error) {
	defer ir.Caught(&err)
	if len(query) > maxKuery {
		refuse(ir.Pos{Line: 1, Column: 1}, "the query is larger than 1 MB")
	}
	if s == nil {
		s = ir.Types{}
	}
	k := &kuery{src: query, toks: lexKuery(query), schema: s}
	e := ir.Expr(ir.True)
	if k.peek().kind != kueryEnd {
		e = k.either(k.query)
	}
	if k.peek().kind != kueryEnd {
		k.unexpected("and, or, or the end")
	}
	return &ir.Query{Where: e, Assumptions: []string{"elastic/ignore-above", "elastic/keyword-field"}}, nil
}

const (
	maxKuery      = 1 << 20
	maxKueryDepth = 200
)

type kuery struct {
	src    string
	toks   []kueryToken
	at     int
	depth  int
	schema ir.Schema
	nested string // the path of the nested objects around, with a dot behind it
}

type kueryToken struct {
	kind       kueryKind
	parts      []ir.Part // of a word or a text
	start, end int
	pos        ir.Pos
}

type kueryKind uint8

const (
	kueryEnd   kueryKind = iota
	kueryWord            // with its wildcards
	kueryText            // in quotes
	kueryMark            // : ( ) { } < <= > >=
	kueryLogic           // and, or, not
)

const kuerySpecial = `\():<>"*{}`

func isKuerySpace(r rune) bool { return strings.ContainsRune(" \t\r\n\u00a0\u3000", r) }

// lexKuery splits a query; the last token is its end.
func lexKuery(src string) (out []kueryToken) {
	pos := ir.Pos{Line: 1, Column: 1}
	counted := 0
	count := func(to int) ir.Pos {
		for counted < to {
			r, n := utf8.DecodeRuneInString(src[counted:])
			if r == utf8.RuneError && n == 1 {
				refuse(pos, "invalid UTF-8")
			}
			if pos.Column++; r == '\n' {
				pos = ir.Pos{Line: pos.Line + 1, Column: 1}
			}
			counted += n
		}
		return pos
	}
	for at := 0; ; {
		r, n := utf8.DecodeRuneInString(src[at:])
		if n > 0 && isKuerySpace(r) {
			at += n
			continue
		}
		t := kueryToken{start: at, pos: count(at)}
		switch {
		case n == 0:
			t.end = at
			return append(out, t)
		case r == '"':
			t.kind, at = kueryText, at+1
			var b strings.Builder
			for at < len(src) && src[at] != '"' {
				at += quotedChar(&b, src[at:])
			}
			if at == len(src) {
				refuse(t.pos, "the text has no end")
			}
			at++
			t.parts = []ir.Part{{Text: b.String()}}
		case r == '<' || r == '>':
			t.kind, at = kueryMark, at+1
			if strings.HasPrefix(src[at:], "=") {
				at++
			}
		case strings.ContainsRune(":(){}", r):
			t.kind, at = kueryMark, at+1
		default:
			t.kind = kueryWord
			var b strings.Builder
			literal := func() {
				t.parts = append(t.parts, ir.Part{Text: b.String()})
				b.Reset()
			}
			for at < len(src) {
				r, n := utf8.DecodeRuneInString(src[at:])
				if r == '*' {
					literal()
					t.parts = append(t.parts, ir.Part{Kind: ir.AnyRun})
				} else if r == '\\' {
					if n = unquotedEscape(&b, src[at:]); n == 0 {
						refuse(count(at), `a backslash escapes nothing here; write \\`)
					}
				} else if isKuerySpace(r) || strings.ContainsRune(kuerySpecial, r) {
					break
				} else {
					b.WriteString(src[at : at+n])
				}
				at += n
			}
			literal()
			if slices.Contains([]string{"and", "or", "not"}, strings.ToLower(src[t.start:at])) {
				t.kind = kueryLogic
			}
		}
		t.end = at
		count(at)
		out = append(out, t)
	}
}

// kueryBlanks are the escapes of blanks, in quotes and outside.
var kueryBlanks = map[byte]byte{'t': '\t', 'r': '\r', 'n': '\n'}

// quotedChar reads a character in quotes: a backslash that escapes nothing
// stands for itself.
func quotedChar(b *strings.Builder, s string) int {
	if s[0] != '\\' || len(s) == 1 {
		b.WriteByte(s[0])
		return 1
	}
	if c := kueryBlanks[s[1]]; c != 0 {
		b.WriteByte(c)
		return 2
	}
	if s[1] == '\\' || s[1] == '"' {
		b.WriteByte(s[1])
		return 2
	}
	if n := unicodeEscape(b, s); n > 0 {
		return n
	}
	b.WriteByte('\\')
	return 1
}

// unquotedEscape reads an escape outside of quotes, or is 0.
func unquotedEscape(b *strings.Builder, s string) int {
	if len(s) == 1 {
		return 0
	}
	if c := kueryBlanks[s[1]]; c != 0 && !strings.HasPrefix(strings.ToLower(s[1:]), "not") {
		b.WriteByte(c)
		return 2
	}
	if s[1] == ' ' || strings.IndexByte(kuerySpecial, s[1]) >= 0 {
		b.WriteByte(s[1])
		return 2
	}
	for _, word := range []string{"or", "and", "not"} {
		if len(s) > len(word) && strings.EqualFold(s[1:1+len(word)], word) {
			b.WriteString(s[1 : 1+len(word)])
			return 1 + len(word)
		}
	}
	return unicodeEscape(b, s)
}

// unicodeEscape reads `\u` and four digits, two such for a pair of surrogates.
func unicodeEscape(b *strings.Builder, s string) int {
	unit := func(s string) (rune, bool) {
		if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
			return 0, false
		}
		v, err := strconv.ParseUint(s[2:6], 16, 16)
		return rune(v), err == nil
	}
	r, ok := unit(s)
	if !ok {
		return 0
	}
	n := 6
	if utf16.IsSurrogate(r) {
		low, _ := unit(s[6:])
		if r, n = utf16.DecodeRune(r, low), 12; r == utf8.RuneError {
			return 0
		}
	}
	b.WriteRune(r)
	return n
}

func (k *kuery) peek() kueryToken { return k.toks[k.at] }

func (k *kuery) is(kind kueryKind, text string) bool {
	t := k.peek()
	return t.kind == kind && strings.EqualFold(k.src[t.start:t.end], text)
}

func (k *kuery) take(kind kueryKind, text string) bool {
	ok := k.is(kind, text)
	if ok {
		k.at++
	}
	return ok
}

func (k *kuery) need(mark string) {
	if !k.take(kueryMark, mark) {
		k.unexpected(mark)
	}
}

func (k *kuery) unexpected(want string) {
	t := k.peek()
	if t.kind == kueryEnd {
		refuse(t.pos, "the query ends where %s should stand", want)
	}
	refuse(t.pos, "expected %s, found %s", want, k.src[t.start:t.end])
}

func (k *kuery) inside(read func() ir.Expr) ir.Expr {
	if k.depth++; k.depth > maxKueryDepth {
		refuse(k.peek().pos, "the query is nested too deeply")
	}
	e := read()
	k.depth--
	return e
}

// either reads operands with `or` between them; `and` binds tighter, and `not`
// tighter still.
func (k *kuery) either(operand func() ir.Expr) ir.Expr {
	es := ir.Or{k.both(operand)}
	for k.take(kueryLogic, "or") {
		es = append(es, k.both(operand))
	}
	if len(es) == 1 {
		return es[0]
	}
	return es
}

func (k *kuery) both(operand func() ir.Expr) ir.Expr {
	es := ir.And{k.negated(operand)}
	for k.take(kueryLogic, "and") {
		es = append(es, k.negated(operand))
	}
	if len(es) == 1 {
		return es[0]
	}
	return es
}

func (k *kuery) negated(operand func() ir.Expr) ir.Expr {
	if !k.take(kueryLogic, "not") {
		return operand()
	}
	return ir.Not{X: k.inside(func() ir.Expr { return k.negated(operand) })}
}

// query reads `(…)`, `field: value` and their kin.
func (k *kuery) query() ir.Expr {
	if k.take(kueryMark, "(") {
		e := k.inside(func() ir.Expr { return k.either(k.query) })
		k.need(")")
		return e
	}
	from := k.at
	name := k.literal()
	switch op := k.src[k.peek().start:k.peek().end]; {
	case k.take(kueryMark, ":"):
		if k.take(kueryMark, "{") {
			e := k.inside(func() ir.Expr { return k.objects(name, from) })
			k.need("}")
			return e
		}
		return k.values(name, from)
	case k.peek().kind == kueryMark && orderings[op] != ir.Eq:
		k.at++
		return k.ordered(name, op, k.literal(), from)
	}
	if name.wildcard == wildcardAlone {
		return ir.True
	}
	return k.opaque(from) // every field
}

// values reads a value, or some in parentheses with and, or and not.
func (k *kuery) values(field kueryLiteral, from int) ir.Expr {
	if k.take(kueryMark, "(") {
		e := k.inside(func() ir.Expr { return k.either(func() ir.Expr { return k.values(field, from) }) })
		k.need(")")
		return e
	}
	at := k.at
	return k.value(field, k.literal(), at)
}

// A kueryLiteral is a text in quotes, or words with the blanks between them.
type kueryLiteral struct {
	kueryToken
	text     string
	wildcard wildcardUse
	words    int
}

type wildcardUse uint8

const (
	noWildcard wildcardUse = iota
	someWildcard
	wildcardAlone
)

func (k *kuery) literal() kueryLiteral {
	t := k.peek()
	if t.kind != kueryText && t.kind != kueryWord {
		k.unexpected("a value")
	}
	k.at++
	l := kueryLiteral{kueryToken: t, words: 1}
	var parts []ir.Part
	var b strings.Builder
	add := func(more []ir.Part) {
		for _, p := range more {
			if b.WriteString(p.Text); p.Kind == ir.AnyRun {
				parts = append(parts, ir.Part{Text: b.String()}, p)
				b.Reset()
			}
		}
	}
	add(t.parts)
	for ; t.kind == kueryWord && k.peek().kind == kueryWord; k.at++ {
		next := k.peek()
		b.WriteString(k.src[l.end:next.start])
		add(next.parts)
		l.end = next.end
		l.words++
	}
	p := ir.NewPattern(true, append(parts, ir.Part{Text: b.String()})...)
	l.parts = p.Parts
	l.text = p.Literals()
	shape, _ := p.Shape()
	switch {
	case shape == ir.Any:
		l.wildcard = wildcardAlone
	case p.Has(ir.AnyRun):
		l.wildcard = someWildcard
	}
	return l
}

// opaque is what stands from a token on.
func (k *kuery) opaque(from int) ir.Expr {
	first, last := k.toks[from], k.toks[k.at-1]
	return ir.Opaque{Lang: "kuery", Text: k.src[first.start:last.end], Pos: first.pos}
}

// opaqueValue is a test of a field with the value at a token.
func (k *kuery) opaqueValue(field kueryLiteral, op string, at int) ir.Expr {
	o := k.opaque(at).(ir.Opaque)
	o.Text = k.nested + k.src[field.start:field.end] + op + o.Text
	return o
}

// analyzed says whether ECS maps a field as a text that is compared word by
// word: match_only_text, and the multi-fields of that type.
func analyzed(field string) bool {
	return field == "message" || field == "error.message" || strings.HasSuffix(field, ".text") && field != "process.io.text"
}

// value is `field: value`. What a field of the keyword family holds must be the
// value exactly, with its case; `*` stands for any text, and alone for a value
// at all.
func (k *kuery) value(field, v kueryLiteral, at int) ir.Expr {
	name := k.nested + field.text
	f := ir.Field{Name: name}
	var mapped bool
	f.Type, mapped = k.schema.Type("", name)
	match := func(t ir.Test) ir.Expr { return ir.Match{Field: f, Test: t, Pos: v.pos} }
	quoted := v.kind == kueryText
	number, isNumber := ir.ParseNumber(v.text)
	switch {
	case field.wildcard == wildcardAlone && v.wildcard == wildcardAlone:
		return ir.True
	case field.wildcard != noWildcard: // any of several fields
	case !mapped:
		return ir.False
	case v.wildcard == wildcardAlone:
		return match(ir.Exists{})
	case analyzed(name), !quoted && v.text == "null":
	case v.wildcard == someWildcard:
		// Whether blanks part the words of it is another thing in each version.
		if (f.Type == ir.Text || f.Type == ir.Unknown) && v.words == 1 && !strings.ContainsFunc(v.text, isKuerySpace) {
			return match(ir.NewPattern(true, v.parts...))
		}
	case f.Type == ir.Text:
		return match(exact(v.text))
	case f.Type == ir.Boolean && (v.text == "true" || v.text == "false"), f.Type == ir.Unknown && !quoted && (v.text == "true" || v.text == "false"):
		return match(ir.Bool{Value: v.text == "true"})
	case f.Type == ir.Numeric && isNumber, f.Type == ir.Unknown && isNumber && string(number) == v.text:
		return match(ir.Compare{Op: ir.Eq, Number: number})
	case f.Type == ir.Address, f.Type == ir.Unknown && strings.HasSuffix(name, ".ip") && isNetwork(v.text):
		var out ir.Or
		for _, t := range networks(&node{value: value{text: v.text}, pos: v.pos}) {
			out = append(out, match(t))
		}
		if len(out) == 1 {
			return out[0]
		}
		return out
	case f.Type == ir.Unknown && (v.words == 1 || !isDigit(v.text)): // `200 404` are two numbers
		return match(exact(v.text))
	}
	return k.opaqueValue(field, ": ", at)
}

// isNetwork says whether s is a network, or an address that can be written in
// several ways.
func isNetwork(s string) bool {
	_, err := netip.ParsePrefix(s)
	addr, err2 := netip.ParseAddr(s)
	return err == nil || err2 == nil && addr.Is6() && addr.Zone() == ""
}

func isDigit(s string) bool { return s != "" && '0' <= s[0] && s[0] <= '9' }

// ordered is `field >= value`. Of texts and dates no order is held.
func (k *kuery) ordered(field kueryLiteral, op string, v kueryLiteral, from int) ir.Expr {
	f := ir.Field{Name: k.nested + field.text}
	var mapped bool
	f.Type, mapped = k.schema.Type("", f.Name)
	number, ok := ir.ParseNumber(v.text)
	switch {
	case !mapped && field.wildcard == noWildcard:
		return ir.False
	case !ok || field.wildcard != noWildcard || v.wildcard != noWildcard || f.Type != ir.Unknown && f.Type != ir.Numeric:
		return k.opaqueValue(field, " "+op+" ", k.at-v.words)
	}
	return ir.Match{Field: f, Test: ir.Compare{Op: orderings[op], Number: number}, Pos: v.pos}
}

// objects reads what one of the nested objects of a field must pass. Only a
// choice of single tests means the same of the values without the objects.
func (k *kuery) objects(path kueryLiteral, from int) ir.Expr {
	outside := k.nested
	k.nested += path.text + "."
	e := k.either(k.query)
	k.nested = outside
	choice, ok := e.(ir.Or)
	if !ok {
		choice = ir.Or{e}
	}
	for _, x := range choice {
		if _, single := x.(ir.Match); !single {
			k.at++ // the brace
			e = k.opaque(from)
			k.at--
		}
	}
	return e
}
