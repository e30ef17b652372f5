package read

import (
	"net/netip"
	"slices"
	"strings"
	"sync"

	"sigmac/ir"
	"sigmac/regex"
)

// A searcher reads the language of `search`, between i and end.
type searcher struct {
	*reading
	i, end   int
	depth    int
	accel    bool       // the clause WHERE of `tstats`
	negative bool       // under a NOT
	number   bool       // there, in tstats, stood a number, or what may be one
	stars    []ir.Match // the tests `f=*`
}

// search reads the terms between lo and hi, all of which must hold.
func (r *reading) search(lo, hi int, accel bool) []ir.Expr {
	p := &searcher{reading: r, i: lo, end: hi, accel: accel}
	if p.space(); p.i == p.end {
		return nil
	}
	es := p.terms()
	if p.i < p.end {
		p.fail(p.i, "`)` without `(`")
	}
	for _, star := range p.stars {
		ir.Walk(p.onEmpty(ir.And(es), star.Field.Name), func(e ir.Expr) {
			if m, ok := e.(ir.Match); ok && m.Field == star.Field && p.isStar(m) {
				p.assume(anyValue)
			}
		})
	}
	return es
}

// isStar says whether m is one of the tests `f=*`.
func (p *searcher) isStar(m ir.Match) bool {
	return m.Test == (ir.Exists{}) && slices.ContainsFunc(p.stars, func(s ir.Match) bool { return s.Pos == m.Pos && s.Field == m.Field })
}

// onEmpty is what is left of e where f holds the empty text only: there alone it is open
// what `f=*` says, so that test is left.
func (p *searcher) onEmpty(e ir.Expr, f string) ir.Expr {
	var parts []ir.Expr
	for _, x := range ir.Parts(e) {
		parts = append(parts, p.onEmpty(x, f))
	}
	switch e := e.(type) {
	case ir.And:
		return ir.Conjunction(parts...)
	case ir.Or:
		return ir.Disjunction(parts...)
	case ir.Not:
		return ir.Negation(parts[0])
	case ir.Match:
		if e.Field.Name != f || p.isStar(e) {
			return e
		}
		switch t := e.Test.(type) {
		case ir.Exists:
			return ir.True
		case ir.Pattern:
			if t.Literals() == "" && !t.Has(ir.AnyOne) {
				return ir.True
			}
		}
		return ir.False // numbers and networks are not empty
	}
	return e
}

func (p *searcher) space() {
	for p.i < p.end && isSpace(p.text[p.i]) {
		p.i++
	}
}

func (p *searcher) at(c byte) bool { return p.i < p.end && p.text[p.i] == c }

// enter counts a nesting; the caller takes it back.
func (p *searcher) enter(at int) {
	if p.depth++; p.depth > readDepth {
		p.fail(at, "nested too deep")
	}
}

// keyword takes an operator, which is written in capitals and stands alone.
func (p *searcher) keyword(op string) bool {
	p.space()
	rest := p.text[p.i:p.end]
	if !strings.HasPrefix(rest, op) || len(rest) > len(op) && !strings.ContainsRune(" \t\n\v\f\r()[\"`", rune(rest[len(op)])) {
		return false
	}
	p.i += len(op)
	return true
}

// terms reads up to a `)` or the end. OR binds tighter than AND, which is
// implied (Search Manual: Boolean expressions with logical operators).
func (p *searcher) terms() []ir.Expr {
	var out []ir.Expr
	groups, mixed := 0, false
	for {
		either := []ir.Expr{p.negation()}
		for p.keyword("OR") {
			either = append(either, p.negation())
		}
		out = append(out, ir.Conjuncts(ir.Disjunction(either...))...)
		groups, mixed = groups+1, mixed || len(either) > 1
		and := p.keyword("AND")
		if p.space(); !and && (p.i == p.end || p.at(')')) {
			if p.accel && mixed && groups > 1 {
				p.assume(termOrder)
			}
			return out
		}
	}
}

func (p *searcher) negation() ir.Expr {
	lo := p.i
	if !p.keyword("NOT") {
		return p.primary()
	}
	p.enter(lo)
	outer := p.negative
	p.negative = true
	x := p.negation()
	p.negative = outer
	p.depth--
	switch {
	case !p.number || outer:
		return ir.Not{X: x}
	default:
		p.number = false
		if e := withoutNumbers(x); e != nil {
			return e
		}
		// What it leaves of a number among others is not written down.
		return p.opaque(lo, p.i)
	}
}

func (p *searcher) primary() ir.Expr {
	p.space()
	lo := p.i
	if p.i == p.end {
		p.fail(p.i, "a term is missing")
	}
	switch p.text[p.i] {
	case '(':
		p.enter(lo)
		p.i++
		es := p.terms()
		if !p.at(')') {
			p.fail(lo, "`(` without `)`")
		}
		p.i++
		p.depth--
		return ir.Conjunction(es...)
	case '[', '`':
		p.foreign()
		return p.lookup(lo, p.i)
	}
	w := p.word(false)
	behind := p.i
	if op := p.operator(); op != "" {
		return p.comparison(lo, w, op)
	}
	if p.space(); p.i > lo && p.keyword("IN") {
		if p.space(); p.at('(') {
			return p.in(lo, w)
		}
	}
	p.i = behind
	if !w.quoted {
		switch text := p.text[w.lo:w.hi]; {
		case text == "AND" || text == "OR" || text == "NOT":
			p.fail(lo, "%s without a term before and after it", text)
		case strings.Contains(text, "::"): // an indexed field
			return p.opaque(lo, p.i)
		}
	}
	return p.bare(lo, p.value(w))
}

// foreign steps over a subsearch or an unknown macro.
func (p *searcher) foreign() {
	if p.at('[') {
		p.i = p.bracket(p.i, p.end)
	} else {
		p.i = p.past(p.i, p.end)
	}
}

// A word is a run of text, in quotes or without; lo and hi leave out the
// quotes. wrap is TERM or CASE where the word stands in one.
type word struct {
	lo, hi  int
	quoted  bool
	wrap    string
	foreign bool // a subsearch or a macro
}

// start is where the word stands, its quote included.
func (w word) start() int {
	if w.quoted {
		return w.lo - 1
	}
	return w.lo
}

// word reads one word; a value goes on over `=` and its like.
func (p *searcher) word(value bool) word {
	p.space()
	lo := p.i
	switch {
	case p.at('"'):
		p.i = p.past(p.i, p.end)
		// Searches in use have `"a"AND` and `"a"f=b`: a quote ends the word.
		if c := p.i; c < p.end && !isSpace(p.text[c]) && !isWord(p.text[c]) && !strings.ContainsRune("()[],=!<>`", rune(p.text[c])) {
			p.fail(c, "%q directly behind a quote", p.text[c])
		}
		return word{lo: lo + 1, hi: p.i - 1, quoted: true}
	case value && (p.at('[') || p.at('`')):
		p.foreign()
		return word{lo: lo, hi: p.i, foreign: true}
	}
scan:
	for p.i < p.end {
		switch c := p.text[p.i]; {
		case isSpace(c), strings.IndexByte("()[],`", c) >= 0:
			break scan
		case c == '"':
			p.fail(p.i, "a quote within a word")
		case c == '|': // of a text of its own, in searchmatch
			p.fail(p.i, "a pipe within a search")
		case value:
		case c == '=' || c == '<' || c == '>' || c == '!' && strings.HasPrefix(p.text[p.i:p.end], "!="):
			break scan
		}
		p.i = p.past(p.i, p.end)
	}
	w := word{lo: lo, hi: p.i}
	switch text := p.text[lo:p.i]; {
	case text == "" && p.i < p.end:
		p.fail(p.i, "%q where a term should stand", p.text[p.i])
	case text == "":
		p.fail(p.i, "a term is missing")
	case (text == "TERM" || text == "CASE") && p.at('('):
		p.enter(lo)
		p.i++
		w = p.word(true)
		p.depth--
		w.wrap = text
		if p.space(); w.foreign || !p.at(')') {
			p.fail(p.i, "%s takes one word", text)
		}
		p.i++
	case value && (text == "AND" || text == "OR" || text == "NOT" || text == "IN" || text == "AS"):
		p.fail(lo, "the value %s must stand in quotes", text)
	}
	if p.at(',') && !value {
		p.fail(p.i, "a comma between terms")
	}
	return w
}

// operator takes an operator of comparison; `==` is not documented and left as
// a value that starts with `=`.
func (p *searcher) operator() string {
	behind := p.i
	p.space()
	for _, op := range []string{"!=", "<=", ">=", "=", "<", ">"} {
		if strings.HasPrefix(p.text[p.i:p.end], op) {
			p.i += len(op)
			return op
		}
	}
	p.i = behind
	return ""
}

func (p *searcher) name(w word) string {
	name, _ := unescape(p.text[w.lo:w.hi])
	if name == "" || w.wrap != "" || w.foreign {
		p.fail(w.lo, "not the name of a field")
	}
	return name
}

// A value is what a word stands for.
type value struct {
	word
	parts []ir.Part
}

// value splits at the asterisks: each is a wildcard, nothing escapes it
// (Search Manual: Backslashes).
func (p *searcher) value(w word) value {
	v := value{word: w}
	for i, s := range strings.Split(p.text[w.lo:w.hi], "*") {
		if i > 0 {
			v.parts = append(v.parts, ir.Part{Kind: ir.AnyRun})
		}
		// `\*` is a backslash and a wildcard: a trailing backslash stands for itself.
		text, _ := unescape(s)
		v.parts = append(v.parts, ir.Part{Kind: ir.Literal, Text: text})
	}
	v.parts = ir.NewPattern(false, v.parts...).Parts
	return v
}

func (v value) pattern() ir.Pattern { return ir.NewPattern(v.wrap == "CASE", v.parts...) }

// timeModifiers are no fields: they choose the time range (Search Reference:
// search, Time modifiers).
var timeModifiers = map[string]bool{
	"earliest": true, "latest": true, "_index_earliest": true, "_index_latest": true,
	"starttime": true, "endtime": true, "starttimeu": true, "endtimeu": true, "timeformat": true,
	"startdaysago": true, "enddaysago": true, "starthoursago": true, "endhoursago": true,
	"startminutesago": true, "endminutesago": true, "startmonthsago": true, "endmonthsago": true,
	"searchtimespanminutes": true, "searchtimespanhours": true, "searchtimespandays": true, "searchtimespanmonths": true,
	"daysago": true, "hoursago": true, "minutesago": true, "monthsago": true,
}

func (p *searcher) comparison(lo int, field word, op string) ir.Expr {
	name := p.name(field)
	v := p.value(p.word(true))
	if p.at(',') {
		p.fail(p.i, "a comma within a value")
	}
	if p.strange(name, v) || !v.quoted && op == "=" && strings.HasPrefix(p.text[v.lo:v.hi], "=") {
		return p.opaque(lo, p.i)
	}
	f, pos := p.field(name), p.pos(v.start())
	switch op {
	case "=", "!=":
		t := p.equals(f, v, true)
		if t == nil {
			return p.opaque(lo, p.i)
		}
		m := ir.Match{Field: f, Test: t, Pos: pos}
		if op == "=" {
			return m
		}
		// f!=x asks for the field (Search Manual: Difference between != and NOT).
		return ir.Conjunction(ir.Match{Field: f, Test: ir.Exists{}, Pos: pos}, ir.Not{X: m})
	}
	n, ok := ir.ParseNumber(v.pattern().Literals())
	if !ok || v.pattern().Has(ir.AnyRun) || v.wrap != "" {
		return p.opaque(lo, p.i) // in the order of a dictionary
	}
	p.assume(numberOrder)
	p.number = p.number || p.accel && p.negative
	return ir.Match{Field: f, Test: ir.Compare{Op: orders[op], Number: n}, Pos: pos}
}

var orders = map[string]ir.Op{"<": ir.Lt, "<=": ir.Lte, ">": ir.Gt, ">=": ir.Gte}

// strange says whether the representation has no test for name and v.
func (p *searcher) strange(name string, v value) bool {
	return timeModifiers[name] || strings.Contains(name, "*") || v.foreign || v.wrap == "TERM" || v.wrap == "CASE" && v.quoted
}

// equals is the test `=v`, or nil. `=` compares texts, so a number stands for
// its digits.
func (p *searcher) equals(f ir.Field, v value, subnets bool) ir.Test {
	t := v.pattern()
	text := t.Literals()
	n, number := ir.ParseNumber(text)
	maybe := number || numberLike(text)
	net, err := netip.ParsePrefix(text)
	host, _, slash := strings.Cut(text, "/")
	_, noHost := netip.ParseAddr(host)
	switch {
	case t.Has(ir.AnyRun):
		if len(t.Parts) == 1 && f.Name != "index" {
			p.stars = append(p.stars, ir.Match{Field: f, Pos: p.pos(v.start())})
			return ir.Exists{}
		}
		if shape, _ := t.Shape(); shape == ir.Glob && p.event {
			p.assume(eventValue)
		}
		number, maybe = false, false
	case subnets && err == nil && v.wrap == "":
		// tstats "may not correctly filter" by networks (Search Reference: tstats).
		if p.accel {
			return nil
		}
		return ir.CIDR{Net: net.Masked()}
	case subnets && slash && noHost == nil:
		return nil // it looks like a network and is none
	case f.Type == ir.Numeric && number && string(n) == text:
		p.number = p.number || p.accel && p.negative
		p.assume(numberEquality, p.stored())
		return ir.Compare{Op: ir.Eq, Number: n}
	case f.Type == ir.Boolean && (strings.EqualFold(text, "true") || strings.EqualFold(text, "false")):
		p.assume(p.stored())
		return ir.Bool{Value: strings.EqualFold(text, "true")}
	}
	p.number = p.number || p.accel && p.negative && maybe
	if p.accel || len(t.Parts) > 0 { // the empty text has no words to look up
		p.assume(p.stored())
	}
	p.assumeUnicode(text)
	return t
}

// stored is what a comparison with a value rests on.
func (p *searcher) stored() string {
	if p.accel {
		return wholeValue
	}
	return indexedValue
}

// in reads the list of `f IN (a, b)`, in which no value is a network.
func (p *searcher) in(lo int, field word) ir.Expr {
	name := p.name(field)
	f := p.field(name)
	open := p.i
	p.i++
	var out []ir.Expr
	opaque := false
	for {
		for p.space(); p.at(','); p.space() {
			p.i++
		}
		if p.i == p.end {
			p.fail(open, "`(` without `)`")
		}
		if p.at(')') {
			break
		}
		v := p.value(p.word(true))
		opaque = opaque || p.strange(name, v)
		if t := p.equals(f, v, false); t != nil {
			out = append(out, ir.Match{Field: f, Test: t, Pos: p.pos(v.start())})
		} else {
			opaque = true
		}
	}
	if p.i++; len(out) == 0 && !opaque {
		p.fail(open, "an empty list")
	}
	if opaque {
		return p.opaque(lo, p.i)
	}
	return ir.Disjunction(out...)
}

// bare is a term without a field, which stands between breakers unless a wildcard
// lets it go on. TERM asks for a term that holds minor breakers and no major ones
// (Search Manual: Use CASE and TERM).
func (p *searcher) bare(lo int, v value) ir.Expr {
	t := v.pattern()
	pos := p.pos(v.start())
	if len(t.Parts) == 1 && t.Parts[0].Kind == ir.AnyRun {
		return ir.True
	}
	text := t.Literals()
	inner := strings.Trim(p.text[v.lo:v.hi], "*")
	term := ir.Term{Text: text, Cased: t.Cased}
	if n := len(t.Parts); n > 0 {
		term.Prefix, term.Suffix = t.Parts[n-1].Kind == ir.AnyRun, t.Parts[0].Kind == ir.AnyRun
	}
	switch {
	case text == "" || strings.Contains(inner, "*") || v.wrap == "CASE" && v.quoted:
		return p.opaque(lo, p.i)
	case term.Prefix && term.Suffix:
		p.assumeUnicode(text)
		return ir.Keyword{Test: t, Pos: pos}
	case v.wrap == "TERM" && strings.ContainsAny(text, majorBreakers), v.wrap == "TERM" && strings.ContainsRune(minorBreakers, rune(text[0])):
		return p.opaque(lo, p.i)
	}
	breaks := breakers()
	if v.wrap == "TERM" && strings.ContainsAny(text, minorBreakers) {
		term.Whole, breaks.Sure = true, ir.Ranges(majorBreakers) // minor ones cut off parts; it is open which
	}
	p.assumeUnicode(text)
	var chars []*regex.Re
	for _, r := range text {
		chars = append(chars, &regex.Re{Op: regex.OpLiteral, Rune: r, Fold: !t.Cased && regex.HasCases(r)})
	}
	return ir.Keyword{Test: breaks.Read(term, chars), Pos: pos}
}

// These are the characters of MAJOR and MINOR in segmenters.conf.
const (
	majorBreakers = "[]<>(){}|!;,'\"*\n\r\t &?+"
	minorBreakers = `/:=@.-$#%\_`
)

// codes are the other texts of MAJOR, which may break too: an event is cut by the
// setting indexing, a search by the setting search.
var codes = sync.OnceValue(func() *regex.Re {
	re, err := readPCRE(`(?i)%(?:2[01689BC]|25(?:20|26)|3[ABD]|5[BD]|7C|0A)`)
	if err != nil {
		panic("splunk: " + err.msg)
	}
	return re
})

// breakers are those between plain terms. What follows a percent sign may be
// part of such a code.
var breakers = sync.OnceValue(func() ir.Breakers {
	return ir.Breakers{Sure: ir.Ranges(strings.ReplaceAll(majorBreakers+minorBreakers, "%", "")), May: ir.Ranges(majorBreakers + minorBreakers), Before: codes()}
})
