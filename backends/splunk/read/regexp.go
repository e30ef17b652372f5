package read

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"sigmac/regex"
)

// The flavour is PCRE's (Search Manual: SPL and regular expressions), as the pages
// pcrepattern and pcre2pattern describe it, in the mode for UTF-8 and without
// UCP. Where versions differ, or where the representation has no node, the
// expression is beyond: right perhaps, but not read.

const (
	pcreDepth = 250     // PCRE's own limit of groups in one another
	pcreCount = 65535   // and of a repetition
	pcreSize  = 100_000 // nodes, once every repetition is written out
)

// A pcreError says where an expression is wrong or, with beyond, not read.
type pcreError struct {
	at     int
	msg    string
	beyond bool
}

type pcreFlags struct{ i, m, s, x bool }

// A pcreParser reads one expression. Its methods leave by a panic of a
// *pcreError.
type pcreParser struct {
	src     string
	at      int
	flags   pcreFlags
	depth   int
	size    int
	literal bool           // between \Q and \E
	total   int            // of the groups that capture
	opened  int            // of them so far
	names   map[string]int // of the groups
	later   []func()       // checks of names, at the end
	refers  bool           // a back-reference was read
	counted bool           // and what it is depends on total
}

// readPCRE reads an expression. The error is nil, or says what is wrong.
func readPCRE(source string) (re *regex.Re, err *pcreError) {
	defer func() {
		if e := recover(); e != nil {
			var ok bool
			if err, ok = e.(*pcreError); !ok {
				panic(e)
			}
			re = nil
		}
	}()
	p := &pcreParser{src: source, names: map[string]int{}}
	p.total = countGroups(source)
	root := p.branches()
	if p.at < len(p.src) {
		p.wrong(p.at, "`)` without `(`")
	}
	for _, check := range p.later {
		check()
	}
	if writtenOut(root) > pcreSize || p.counted && p.opened != p.total {
		p.beyond(0)
	}
	if !p.refers {
		root = withoutGroups(root)
	}
	return root, nil
}

func (p *pcreParser) wrong(at int, msg string) { panic(&pcreError{at: at, msg: msg}) }
func (p *pcreParser) beyond(at int)            { panic(&pcreError{at: at, beyond: true}) }

func (p *pcreParser) ahead(s string) bool { return strings.HasPrefix(p.src[p.at:], s) }

func (p *pcreParser) took(s string) bool {
	if !p.ahead(s) {
		return false
	}
	p.at += len(s)
	return true
}

func (p *pcreParser) char() rune {
	r, n := utf8.DecodeRuneInString(p.src[p.at:])
	p.at += n
	return r
}

func (p *pcreParser) done() bool { return p.at == len(p.src) }

// number takes decimal digits; ok is false where none stand there.
func (p *pcreParser) number() (n int, ok bool) {
	start := p.at
	for !p.done() && '0' <= p.src[p.at] && p.src[p.at] <= '9' {
		p.at++
	}
	if start == p.at {
		return 0, false
	}
	n, err := strconv.Atoi(p.src[start:p.at])
	if err != nil {
		p.wrong(start, "too large a number")
	}
	return n, true
}

// countGroups counts the groups that capture, for `\12` is a reference only
// where there are twelve.
func countGroups(s string) (n int) {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			if i++; i < len(s) && s[i] == 'Q' {
				end := strings.Index(s[i:], `\E`)
				if end < 0 {
					return n
				}
				i += end + 1
			}
		case '[':
			if i++; i < len(s) && s[i] == '^' {
				i++
			}
			for first := true; i < len(s) && (s[i] != ']' || first); first = false {
				if s[i] == '\\' {
					i++
				} else if end := posixEnd(s[i:]); end > 0 {
					i += end - 1
				}
				i++
			}
		case '(':
			rest := s[i+1:]
			switch named := len(rest) > 2 && (rest[:2] == "?'" || rest[:2] == "?<" && rest[2] != '=' && rest[2] != '!' ||
				rest[:3] == "?P<"); {
			case strings.HasPrefix(rest, "?#"):
				i += len(rest)
				if end := strings.IndexByte(rest, ')'); end >= 0 {
					i -= len(rest) - end
				}
			case named, !strings.HasPrefix(rest, "?") && !strings.HasPrefix(rest, "*"):
				n++
			}
		}
	}
	return n
}

// posixEnd is the length of a `[:alpha:]` at the start of s, or 0. Its name may be
// none.
func posixEnd(s string) int {
	if len(s) < 4 || s[0] != '[' || strings.IndexByte(":.=", s[1]) < 0 {
		return 0
	}
	for i := 2; i+1 < len(s); i++ {
		switch c := s[i]; {
		case c == s[1] && s[i+1] == ']':
			return i + 2
		case c == ']' || c == '[' && s[i+1] == s[1]:
			return 0
		case c == '\\' && (s[i+1] == ']' || s[i+1] == '\\'):
			i++
		}
	}
	return 0
}

// ignored steps over comments, \E, and white space under the flag x.
func (p *pcreParser) ignored() {
	for {
		switch {
		case p.literal:
			if !p.took(`\E`) {
				return
			}
			p.literal = false
		case p.took(`\E`):
		case p.took(`\Q`):
			p.literal = true
		case p.ahead("(?#"):
			n := strings.IndexByte(p.src[p.at:], ')')
			if n < 0 {
				p.wrong(p.at, "a comment without its end")
			}
			p.at += n + 1
		case p.flags.x && !p.done() && isSpace(p.src[p.at]):
			p.at++
		case p.flags.x && p.ahead("#"):
			if n := strings.IndexByte(p.src[p.at:], '\n'); n >= 0 {
				p.at += n + 1
			} else {
				p.at = len(p.src)
			}
		default:
			return
		}
	}
}

// branches reads alternatives up to a `)` or the end. A flag that is set in one
// holds in those behind it.
func (p *pcreParser) branches() *regex.Re {
	var alts, row []*regex.Re
	for {
		p.ignored()
		switch {
		case !p.literal && p.took("|"):
			alts, row = append(alts, inRow(row)), nil
		case p.done() || !p.literal && p.ahead(")"):
			return oneOf(append(alts, inRow(row)))
		default:
			row = append(row, p.item())
		}
	}
}

// inRow is one after the other.
func inRow(subs []*regex.Re) *regex.Re {
	out := make([]*regex.Re, 0, len(subs))
	for _, s := range subs {
		switch s.Op {
		case regex.OpEmpty:
		case regex.OpConcat:
			out = append(out, s.Subs...)
		default:
			out = append(out, s)
		}
	}
	switch len(out) {
	case 0:
		return &regex.Re{Op: regex.OpEmpty}
	case 1:
		return out[0]
	}
	return &regex.Re{Op: regex.OpConcat, Subs: out}
}

// oneOf is one of subs.
func oneOf(subs []*regex.Re) *regex.Re {
	if len(subs) == 1 {
		return subs[0]
	}
	var out []*regex.Re
	for _, s := range subs {
		if s.Op == regex.OpAlternate {
			out = append(out, s.Subs...)
		} else {
			out = append(out, s)
		}
	}
	return &regex.Re{Op: regex.OpAlternate, Subs: out}
}

// item reads an atom and its quantifier.
func (p *pcreParser) item() *regex.Re {
	if p.size++; p.size > pcreSize {
		p.beyond(p.at)
	}
	start := p.at
	if !p.literal {
		if _, _, ok := p.times(); ok {
			p.wrong(start, "nothing to repeat")
		}
	}
	re, repeats := p.atom()
	p.ignored()
	at := p.at
	lo, hi, ok := p.times()
	if !ok {
		return re
	}
	if !repeats {
		p.beyond(at) // what a repeated assertion or flag is, differs
	}
	re = &regex.Re{Op: regex.OpRepeat, Min: lo, Max: hi, Subs: []*regex.Re{re}}
	switch {
	case p.took("?"):
		re.Lazy = true
	case p.took("+"):
		re = &regex.Re{Op: regex.OpExtended, Text: "+", Feature: "possessive quantifier", Subs: []*regex.Re{re}}
	}
	p.ignored()
	if at = p.at; !p.literal {
		if _, _, ok := p.times(); ok {
			p.beyond(at) // versions differ on it, and on white space before the second sign
		}
	}
	return re
}

// times reads a quantifier, if one stands there.
func (p *pcreParser) times() (lo, hi int, ok bool) {
	start := p.at
	switch {
	case p.literal || p.done():
		return 0, 0, false
	case p.took("*"):
		return 0, -1, true
	case p.took("+"):
		return 1, -1, true
	case p.took("?"):
		return 0, 1, true
	case !p.took("{"):
		return 0, 0, false
	}
	lo, ok = p.number()
	hi = lo
	if p.took(",") {
		var upper bool
		if hi, upper = p.number(); !upper {
			hi = -1
		}
		if !ok && upper && p.ahead("}") {
			p.beyond(start) // a quantifier in newer versions only
		}
	}
	if !ok || !p.took("}") {
		p.at = start
		return 0, 0, false
	}
	if lo > pcreCount || hi > pcreCount {
		p.wrong(start, "too large a number of repetitions")
	}
	if hi >= 0 && hi < lo {
		p.wrong(start, "the numbers of a repetition are out of order")
	}
	return lo, hi, true
}

// atom reads what a quantifier may follow, and repeats, or what none may.
func (p *pcreParser) atom() (re *regex.Re, repeats bool) {
	start := p.at
	c := p.char()
	if p.literal {
		return p.one(c), true
	}
	assertion := func(plain, lines regex.Op) (*regex.Re, bool) {
		if p.flags.m {
			plain = lines
		}
		return &regex.Re{Op: plain}, false
	}
	switch c {
	case '(':
		return p.group(start)
	case '[':
		return p.class(start), true
	case '\\':
		return p.escape(start)
	case '^':
		return assertion(regex.OpBeginText, regex.OpBeginLine)
	case '$':
		return assertion(regex.OpEnd, regex.OpEndLine)
	case '.':
		if p.flags.s {
			return &regex.Re{Op: regex.OpAny}, true
		}
		return &regex.Re{Op: regex.OpAnyNotNewline}, true
	}
	return p.one(c), true
}

// one is one character, in all its cases under the flag i.
func (p *pcreParser) one(c rune) *regex.Re {
	return &regex.Re{Op: regex.OpLiteral, Rune: c, Fold: p.flags.i && regex.HasCases(c)}
}

// inner reads a group's branches and its `)`; flags set inside end there.
func (p *pcreParser) inner(start int) *regex.Re {
	if p.depth++; p.depth > pcreDepth {
		p.beyond(start)
	}
	outer := p.flags
	re := p.branches()
	p.flags = outer
	p.depth--
	if !p.took(")") {
		p.wrong(start, "`(` without `)`")
	}
	return re
}

// arounds are groups that are an extension of regular languages.
var arounds = []struct{ open, feature string }{
	{"(?=", "look-ahead"}, {"(?!", "look-ahead"}, {"(?<=", "look-behind"}, {"(?<!", "look-behind"}, {"(?>", "atomic group"},
}

// group reads what follows the `(` at start.
func (p *pcreParser) group(start int) (re *regex.Re, repeats bool) {
	p.at = start
	for _, a := range arounds {
		if !p.took(a.open) {
			continue
		}
		sub := p.inner(start)
		if a.feature == "look-behind" && !fixedBranches(sub) {
			p.beyond(start) // newer versions take some
		}
		return &regex.Re{Op: regex.OpExtended, Text: a.open, Feature: a.feature, Subs: []*regex.Re{sub}}, a.feature == "atomic group"
	}
	switch {
	case p.took("(?P="):
		return p.named(start, ")"), true
	case p.took("(?P<") || p.took("(?<"):
		return p.capture(start, p.name(start, ">")), true
	case p.took("(?'"):
		return p.capture(start, p.name(start, "'")), true
	case p.ahead("(*"):
		p.beyond(start)
	case p.took("(?"):
		return p.setting(start)
	}
	p.at++
	return p.capture(start, ""), true
}

func (p *pcreParser) capture(start int, name string) *regex.Re {
	p.opened++
	if name != "" {
		if p.names[name] > 0 {
			p.wrong(start, "two groups have the name "+name)
		}
		p.names[name] = p.opened
	}
	return &regex.Re{Op: regex.OpGroup, Subs: []*regex.Re{p.inner(start)}}
}

func (p *pcreParser) name(start int, end string) string {
	n := strings.Index(p.src[p.at:], end)
	if n < 0 {
		p.wrong(start, "a name without its end")
	}
	name := p.src[p.at : p.at+n]
	word := func(c rune) bool { return c < utf8.RuneSelf && isWord(byte(c)) }
	if name == "" || '0' <= name[0] && name[0] <= '9' || strings.ContainsFunc(name, func(c rune) bool { return !word(c) }) {
		p.beyond(start)
	}
	p.at += n + len(end)
	return name
}

// setting reads what follows `(?`: flags, and `)` or `:` with a group.
func (p *pcreParser) setting(start int) (*regex.Re, bool) {
	outer, flags, value := p.flags, p.flags, true
	for {
		if p.done() {
			p.wrong(start, "`(` without `)`")
		}
		switch p.char() {
		case 'i':
			flags.i = value
		case 'm':
			flags.m = value
		case 's':
			flags.s = value
		case 'x':
			if flags.x = value; p.ahead("x") {
				p.beyond(start)
			}
		case '-':
			if !value || p.at == start+3 && !p.done() && '0' <= p.src[p.at] && p.src[p.at] <= '9' {
				p.beyond(start)
			}
			value = false
		case ')':
			p.flags = flags
			return &regex.Re{Op: regex.OpEmpty}, false
		case ':':
			p.flags = flags
			re := p.inner(start)
			p.flags = outer
			return re, true
		default: // recursion, conditions, callouts, `(?|`, rare flags
			p.beyond(start)
		}
	}
}

// named is a reference to a group by its name, up to end.
func (p *pcreParser) named(start int, end string) *regex.Re {
	name := p.name(start, end)
	re := p.reference(start, 1)
	p.later = append(p.later, func() {
		n := p.names[name]
		if n == 0 {
			p.wrong(start, "no group has the name "+name)
		}
		re.Text = `\` + strconv.Itoa(n)
	})
	return re
}

func (p *pcreParser) reference(start, n int) *regex.Re {
	p.counted = true
	if n < 1 || n > p.total {
		p.wrong(start, fmt.Sprintf("there is no group %d", n))
	}
	p.refers = true
	return &regex.Re{Op: regex.OpExtended, Text: `\` + strconv.Itoa(n), Feature: "back-reference", Fold: p.flags.i}
}

// escape reads what follows the backslash at start, outside a class.
func (p *pcreParser) escape(start int) (re *regex.Re, repeats bool) {
	if p.done() {
		p.wrong(start, "a backslash at the end")
	}
	switch c := p.src[p.at]; c {
	case 'A', 'z', 'Z', 'b', 'B':
		p.at++
		op := map[byte]regex.Op{'A': regex.OpBeginText, 'z': regex.OpEndText, 'Z': regex.OpEnd, 'b': regex.OpWordBoundary, 'B': regex.OpNoWordBoundary}[c]
		return &regex.Re{Op: op}, false
	case 'N':
		if p.at++; p.ahead("{") {
			p.beyond(start)
		}
		return &regex.Re{Op: regex.OpAnyNotNewline}, true
	case 'R':
		p.at++
		crlf := inRow([]*regex.Re{{Op: regex.OpLiteral, Rune: '\r'}, {Op: regex.OpLiteral, Rune: '\n'}})
		either := &regex.Re{Op: regex.OpAlternate, Subs: []*regex.Re{crlf, ofSet(pcreVertical, false)}}
		return &regex.Re{Op: regex.OpExtended, Text: "(?>", Feature: "atomic group", Subs: []*regex.Re{either}}, true
	case 'k':
		p.at++
		for _, q := range []string{"<>", "''", "{}"} {
			if p.took(q[:1]) {
				return p.named(start, q[1:]), true
			}
		}
		p.wrong(start, `\k without a name`)
	case 'g':
		p.at++
		return p.numbered(start), true
	case '1', '2', '3', '4', '5', '6', '7', '8', '9':
		digits := p.at
		n, _ := p.number()
		if n < 10 || n <= p.total {
			return p.reference(start, n), true
		}
		if p.at, p.counted = digits, true; c >= '8' {
			p.beyond(start)
		}
	}
	if set, ok := p.set(start); ok {
		return ofSet(set, false), true
	}
	return p.one(p.charOf(start)), true
}

// numbered reads what follows `\g`: a number, from here with a sign, or a name.
func (p *pcreParser) numbered(start int) *regex.Re {
	if p.ahead("<") || p.ahead("'") {
		p.beyond(start) // a call
	}
	braces := p.took("{")
	back, on := p.took("-"), false
	if !back {
		on = p.took("+")
	}
	n, ok := p.number()
	switch {
	case !ok && braces && !back && !on:
		return p.named(start, "}")
	case !ok || braces && !p.took("}"):
		p.wrong(start, `\g without a number or a name`)
	case back:
		n = p.opened + 1 - n
	case on:
		n += p.opened
	}
	return p.reference(start, n)
}

// The sets of the escapes of one letter, without UCP, as the page has them;
// \s has the vertical tab since 8.34.
var (
	pcreDigit      = []regex.Range{{Lo: '0', Hi: '9'}}
	pcreWord       = []regex.Range{{Lo: '0', Hi: '9'}, {Lo: 'A', Hi: 'Z'}, {Lo: '_', Hi: '_'}, {Lo: 'a', Hi: 'z'}}
	pcreSpace      = []regex.Range{{Lo: '\t', Hi: '\r'}, {Lo: ' ', Hi: ' '}}
	pcreHorizontal = []regex.Range{{Lo: '\t', Hi: '\t'}, {Lo: ' ', Hi: ' '}, {Lo: 0xA0, Hi: 0xA0}, {Lo: 0x1680, Hi: 0x1680},
		{Lo: 0x180E, Hi: 0x180E}, {Lo: 0x2000, Hi: 0x200A}, {Lo: 0x202F, Hi: 0x202F}, {Lo: 0x205F, Hi: 0x205F}, {Lo: 0x3000, Hi: 0x3000}}
	pcreVertical = []regex.Range{{Lo: '\n', Hi: '\r'}, {Lo: 0x85, Hi: 0x85}, {Lo: 0x2028, Hi: 0x2029}}
	pcrePosix    = map[string]string{ // pairs of bounds
		"alnum": "09AZaz", "alpha": "AZaz", "ascii": "\x00\x7f", "blank": "\t\t  ", "cntrl": "\x00\x1f\x7f\x7f", "digit": "09", "graph": "!~",
		"lower": "az", "print": " ~", "punct": "!/:@[`{~", "space": "\t\r  ", "upper": "AZ", "word": "09AZ__az", "xdigit": "09AFaf",
	}
)

// set reads an escape that stands for one of many characters, if one does.
func (p *pcreParser) set(start int) (set []regex.Range, ok bool) {
	c := p.src[p.at]
	switch c | 0x20 {
	case 'd':
		set = pcreDigit
	case 'w':
		set = pcreWord
	case 's':
		set = pcreSpace
	case 'h':
		set = pcreHorizontal
	case 'v':
		set = pcreVertical
	case 'p':
		p.at++
		set = p.property(start)
		p.at--
	default:
		return nil, false
	}
	if p.at++; c < 'a' {
		set = regex.Negate(set)
	}
	return set, true
}

// property reads the script or category of a \p.
func (p *pcreParser) property(start int) []regex.Range {
	name, not := "", false
	if p.took("{") {
		not = p.took("^")
		name = p.name(start, "}")
	} else if !p.done() {
		name = string(p.char())
	}
	table := unicode.Categories[name]
	if table == nil || len(name) > 2 {
		if table = unicode.Scripts[name]; table == nil {
			p.beyond(start)
		}
	}
	if p.flags.i && (name == "Lu" || name == "Ll" || name == "Lt") {
		p.beyond(start)
	}
	var set []regex.Range
	add := func(lo, hi, stride rune) {
		for ; stride > 1 && lo <= hi; lo += stride {
			set = append(set, regex.Range{Lo: lo, Hi: lo})
		}
		if stride == 1 {
			set = append(set, regex.Range{Lo: lo, Hi: hi})
		}
	}
	for _, r := range table.R16 {
		add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
	}
	for _, r := range table.R32 {
		add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
	}
	if set = joinedRanges(set); not {
		set = regex.Negate(set)
	}
	return set
}

// joinedRanges sorts ranges and joins those that meet; surrogates, which no text
// has, count as met.
func joinedRanges(rs []regex.Range) []regex.Range {
	rs = slices.Clone(rs)
	slices.SortFunc(rs, func(a, b regex.Range) int { return int(a.Lo) - int(b.Lo) })
	var out []regex.Range
	for _, r := range rs {
		if r.Lo >= 0xD800 && r.Lo < 0xE000 {
			r.Lo = 0xE000
		}
		if r.Hi >= 0xD800 && r.Hi < 0xE000 {
			r.Hi = 0xD7FF
		}
		if r.Lo > r.Hi {
			continue
		}
		if n := len(out); n > 0 && (r.Lo <= out[n-1].Hi+1 || out[n-1].Hi == 0xD7FF && r.Lo == 0xE000) {
			out[n-1].Hi = max(out[n-1].Hi, r.Hi)
		} else {
			out = append(out, r)
		}
	}
	return out
}

// ofSet is one character of ranges; fold adds their cases.
func ofSet(ranges []regex.Range, fold bool) *regex.Re {
	switch holes := regex.Negate(ranges); {
	case len(ranges) == 1 && ranges[0].Lo == ranges[0].Hi:
		return &regex.Re{Op: regex.OpLiteral, Rune: ranges[0].Lo, Fold: fold && regex.HasCases(ranges[0].Lo)}
	case len(holes) == 0:
		return &regex.Re{Op: regex.OpAny}
	case slices.Equal(holes, []regex.Range{{Lo: '\n', Hi: '\n'}}):
		return &regex.Re{Op: regex.OpAnyNotNewline}
	}
	return &regex.Re{Op: regex.OpClass, Ranges: ranges, Fold: fold}
}

// charOf reads an escape that is one character.
func (p *pcreParser) charOf(start int) rune {
	number := func(digits string, base int) rune {
		n, err := strconv.ParseUint(digits, base, 32)
		if err != nil || n > unicode.MaxRune || 0xD800 <= n && n < 0xE000 {
			p.beyond(start)
		}
		return rune(n)
	}
	span := func(in string, most int) string {
		from := p.at
		for !p.done() && p.at < from+most && strings.IndexByte(in, p.src[p.at]) >= 0 {
			p.at++
		}
		return p.src[from:p.at]
	}
	const octal, hex = "01234567", "0123456789abcdefABCDEF"
	switch c := p.char(); c {
	case 'a':
		return '\a'
	case 'e':
		return 0x1B
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'c':
		if p.done() || p.src[p.at] < ' ' || p.src[p.at] > '~' {
			p.wrong(start, `\c without a character`)
		}
		x := p.src[p.at]
		if p.at++; 'a' <= x && x <= 'z' {
			x -= 'a' - 'A'
		}
		return rune(x ^ 0x40)
	case 'x', 'o':
		in, base := hex, 16
		if c == 'o' {
			in, base = octal, 8
		}
		if p.took("{") {
			digits := span(in, 8)
			if !p.took("}") {
				p.beyond(start)
			}
			return number(digits, base)
		}
		if c == 'o' {
			p.wrong(start, `\o without {`)
		}
		return number(span(hex, 2), 16)
	case '0', '1', '2', '3', '4', '5', '6', '7':
		p.at--
		return number(span(octal, 3), 8)
	default:
		// Of a letter without a meaning, versions differ.
		if c < utf8.RuneSelf && c != '_' && isWord(byte(c)) {
			p.beyond(start)
		}
		return c
	}
}

// class reads what follows the `[` at start.
func (p *pcreParser) class(start int) *regex.Re {
	if posixEnd(p.src[start:]) > 0 {
		p.wrong(start, "a class with a name stands inside of another only")
	}
	not := p.took("^")
	// A character folds under the flag i; a set of an escape means itself.
	var chars, sets []regex.Range
	item := func() (c rune, set bool) {
		at := p.at
		if n := posixEnd(p.src[p.at:]); n > 0 && !p.literal {
			in, folds := p.posix(at, n)
			if folds {
				chars = append(chars, in...)
			} else {
				sets = append(sets, in...)
			}
			return 0, true
		}
		c = p.char()
		if p.literal || c != '\\' {
			return c, false
		}
		if p.done() {
			p.wrong(start, "`[` without `]`")
		}
		if in, ok := p.set(at); ok {
			sets = append(sets, in...)
			return 0, true
		}
		switch p.src[p.at] {
		case 'b':
			p.at++
			return '\b', false
		case '1', '2', '3', '4', '5', '6', '7', '8', '9', 'B', 'N', 'R', 'X':
			if p.src[p.at] > '7' {
				p.beyond(at)
			}
		}
		return p.charOf(at), false
	}
	add := func(lo, hi rune) { chars = append(chars, regex.Range{Lo: lo, Hi: hi}) }
	quotes := func() {
		for p.literal && p.ahead(`\E`) || !p.literal && (p.ahead(`\Q`) || p.ahead(`\E`)) {
			p.literal = p.src[p.at+1] == 'Q'
			p.at += 2
		}
	}
	for first := true; ; first = false {
		if quotes(); p.done() {
			p.wrong(start, "`[` without `]`")
		}
		if !p.literal && !first && p.took("]") {
			break
		}
		at := p.at
		lo, set := item()
		quotes()
		if p.literal || !p.ahead("-") || p.ahead("-]") {
			if !set {
				add(lo, lo)
			}
			continue
		}
		dash := p.at
		p.at++
		if quotes(); p.done() {
			p.wrong(start, "`[` without `]`")
		}
		if set {
			// Older versions take the hyphen for itself, newer ones refuse it.
			p.at, p.literal = dash+1, false
			add('-', '-')
			continue
		}
		hi, set := item()
		switch {
		case set:
			add(lo, lo)
			add('-', '-')
		case hi < lo:
			p.wrong(at, "a range out of order")
		default:
			add(lo, hi)
		}
	}
	all := joinedRanges(slices.Concat(chars, sets))
	folded := all
	if p.flags.i {
		folded = joinedRanges(slices.Concat(regex.FoldRanges(joinedRanges(chars)), sets))
	}
	switch {
	case not:
		return ofSet(regex.Negate(folded), false)
	case !slices.Equal(all, folded) && slices.Equal(regex.FoldRanges(all), folded):
		return ofSet(all, true)
	}
	return ofSet(folded, false)
}

// posix reads a `[:alpha:]` of n bytes; folds says that its characters fold.
func (p *pcreParser) posix(at, n int) (set []regex.Range, folds bool) {
	name := p.src[at+2 : at+n-2]
	p.at += n
	name, not := strings.CutPrefix(name, "^")
	bounds, ok := pcrePosix[name]
	if !ok || p.src[at+1] != ':' {
		p.wrong(at, "no such class")
	}
	for i := 0; i < len(bounds); i += 2 {
		set = append(set, regex.Range{Lo: rune(bounds[i]), Hi: rune(bounds[i+1])})
	}
	if !not {
		return set, true
	}
	if p.flags.i {
		set = regex.FoldRanges(set)
	}
	return regex.Negate(set), false
}

// writtenOut counts the nodes once every repetition is written out.
func writtenOut(re *regex.Re) int {
	n := 1
	for _, s := range re.Subs {
		n += writtenOut(s)
	}
	if re.Op == regex.OpRepeat {
		n = min(n, pcreSize+1) * max(re.Min, re.Max, 1)
	}
	return n
}

// withoutGroups is re with groups that capture as plain ones.
func withoutGroups(re *regex.Re) *regex.Re {
	if len(re.Subs) == 0 {
		return re
	}
	out := *re
	out.Subs = make([]*regex.Re, len(re.Subs))
	for i, s := range re.Subs {
		out.Subs[i] = withoutGroups(s)
	}
	switch re.Op {
	case regex.OpGroup:
		return out.Subs[0]
	case regex.OpConcat:
		return inRow(out.Subs)
	case regex.OpAlternate:
		return oneOf(out.Subs)
	}
	return &out
}

// fixedBranches says whether each branch of a look-behind has one length.
func fixedBranches(re *regex.Re) bool {
	if re.Op != regex.OpAlternate {
		return fixedLength(re) >= 0
	}
	return !slices.ContainsFunc(re.Subs, func(s *regex.Re) bool { return fixedLength(s) < 0 })
}

// fixedLength is how many characters re takes, or -1 where that differs.
func fixedLength(re *regex.Re) int {
	sum := 0
	switch re.Op {
	case regex.OpLiteral, regex.OpClass, regex.OpAny, regex.OpAnyNotNewline:
		return 1
	case regex.OpRepeat:
		if n := fixedLength(re.Subs[0]); n >= 0 && re.Min == re.Max {
			return n * re.Min
		}
		return -1
	case regex.OpAlternate:
		sum = fixedLength(re.Subs[0])
		for _, s := range re.Subs {
			if fixedLength(s) != sum {
				return -1
			}
		}
		return sum
	case regex.OpExtended:
		switch re.Feature {
		case "look-ahead", "look-behind":
			return 0
		case "back-reference":
			return -1
		}
	}
	for _, s := range re.Subs {
		n := fixedLength(s)
		if n < 0 {
			return -1
		}
		sum += n
	}
	return sum
}

// beyondASCII says whether re names a character outside of ASCII.
func beyondASCII(re *regex.Re) bool {
	return re.Op == regex.OpLiteral && re.Rune > unicode.MaxASCII ||
		slices.ContainsFunc(re.Ranges, func(r regex.Range) bool {
			return r.Lo > unicode.MaxASCII+1 || r.Hi > unicode.MaxASCII && r.Hi < unicode.MaxRune
		}) || slices.ContainsFunc(re.Subs, beyondASCII)
}
