package ir

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// A RegexpError says where a regular expression is wrong or beyond what is
// supported.
type RegexpError struct {
	Offset int // in bytes of the source
	Msg    string
}

func (e *RegexpError) Error() string {
	return fmt.Sprintf("regular expression at byte %d: %s", e.Offset, e.Msg)
}

const (
	reMaxDepth = 250    // groups inside groups
	reMaxCount = 65535  // of a quantifier
	reMaxSize  = 100000 // nodes once every repetition is written out
)

// ParseRegexp reads a regular expression in the flavour of PCRE. The error is
// a *RegexpError.
//
// Where PCRE is read in one of several ways: `\d \w \s \b` are of ASCII; a
// back-reference is numbered in Text whatever way it is written; `\R` is an
// atomic group.
func ParseRegexp(source string, flags ReFlags) (Regexp, error) {
	re := Regexp{Source: source, Flags: flags}
	if !utf8.ValidString(source) {
		at := 0
		for r, n := utf8.DecodeRuneInString(source); r != utf8.RuneError || n > 1; r, n = utf8.DecodeRuneInString(source[at:]) {
			at += n
		}
		return re, &RegexpError{at, "invalid UTF-8"}
	}
	// The first pass counts the groups: only then `\12` has a meaning.
	count := &reParser{src: source, flags: flags, total: -1, names: map[string]int{}}
	if _, err := count.parse(); err != nil {
		return re, err
	}
	p := &reParser{src: source, flags: flags, total: count.groups, names: count.names}
	for _, n := range count.refs {
		p.keep = p.keep || n < 10 || n <= p.total
	}
	root, err := p.parse()
	if err != nil {
		return re, err
	}
	re.Re = root
	return re, nil
}

type reParser struct {
	src    string
	pos    int
	flags  ReFlags
	quoted bool // between \Q and \E
	depth  int
	groups int            // opened so far
	total  int            // in the whole source, -1 in the first pass
	names  map[string]int // filled by the first pass
	refs   []int          // first pass: the back-references
	keep   bool           // a back-reference needs the groups
}

func (p *reParser) fail(at int, format string, args ...any) error {
	return &RegexpError{at, fmt.Sprintf(format, args...)}
}

func (p *reParser) parse() (*Re, error) {
	re, err := p.alternatives()
	if err != nil {
		return nil, err
	}
	if p.pos < len(p.src) {
		return nil, p.fail(p.pos, "`)` without `(`")
	}
	if reSize(re) > reMaxSize {
		return nil, p.fail(0, "too large")
	}
	return re, nil
}

func (p *reParser) has(s string) bool { return strings.HasPrefix(p.src[p.pos:], s) }

func (p *reParser) take(s string) bool {
	if p.has(s) {
		p.pos += len(s)
		return true
	}
	return false
}

func (p *reParser) next() rune {
	r, n := utf8.DecodeRuneInString(p.src[p.pos:])
	p.pos += n
	return r
}

// skipQuotes steps over \Q and \E.
func (p *reParser) skipQuotes() {
	for {
		switch {
		case p.take(`\E`):
			p.quoted = false
		case !p.quoted && p.take(`\Q`):
			p.quoted = true
		default:
			return
		}
	}
}

// skip steps over what stands for nothing: \Q, \E and comments.
func (p *reParser) skip() error {
	for {
		p.skipQuotes()
		if p.quoted || !p.has("(?#") {
			return nil
		}
		n := strings.IndexByte(p.src[p.pos:], ')')
		if n < 0 {
			return p.fail(p.pos, "the comment has no `)`")
		}
		p.pos += n + 1
	}
}

// alternatives reads up to a `)` or the end. Flags set inside last to there.
func (p *reParser) alternatives() (*Re, error) {
	var alts, seq []*Re
	for {
		if err := p.skip(); err != nil {
			return nil, err
		}
		end := p.pos == len(p.src) || !p.quoted && p.has(")")
		if !end && (p.quoted || !p.has("|")) {
			re, err := p.repeated()
			if err != nil {
				return nil, err
			}
			seq = append(seq, re)
			continue
		}
		alts = append(alts, reConcat(seq...))
		seq = nil
		if end {
			return reAlternate(alts...), nil
		}
		p.pos++
	}
}

func reConcat(subs ...*Re) *Re {
	out := make([]*Re, 0, len(subs))
	for _, s := range subs {
		switch s.Op {
		case ReEmpty:
		case ReConcat:
			out = append(out, s.Subs...)
		default:
			out = append(out, s)
		}
	}
	switch len(out) {
	case 0:
		return &Re{Op: ReEmpty}
	case 1:
		return out[0]
	}
	return &Re{Op: ReConcat, Subs: out}
}

func reAlternate(subs ...*Re) *Re {
	if len(subs) == 1 {
		return subs[0]
	}
	var out []*Re
	for _, s := range subs {
		if s.Op == ReAlternate {
			out = append(out, s.Subs...)
		} else {
			out = append(out, s)
		}
	}
	return &Re{Op: ReAlternate, Subs: out}
}

// repeated reads an atom and its quantifier.
func (p *reParser) repeated() (*Re, error) {
	start := p.pos
	re, quantifiable, err := p.atom()
	if err != nil {
		return nil, err
	}
	if err := p.skip(); err != nil {
		return nil, err
	}
	at := p.pos
	lo, hi, ok, err := p.quantifier()
	if err != nil || !ok {
		return re, err
	}
	if !quantifiable {
		return nil, p.fail(at, "nothing to repeat")
	}
	re = &Re{Op: ReRepeat, Subs: []*Re{re}, Min: lo, Max: hi}
	if reSize(re) > reMaxSize {
		return nil, p.fail(start, "too large")
	}
	switch {
	case p.take("?"):
		re.Lazy = true
	case p.take("+"):
		re = &Re{Op: ReExtended, Text: "+", Feature: "possessive quantifier", Subs: []*Re{re}}
	}
	if err := p.skip(); err != nil {
		return nil, err
	}
	at = p.pos
	if _, _, again, err := p.quantifier(); err != nil {
		return nil, err
	} else if again {
		return nil, p.fail(at, "two quantifiers in a row")
	}
	return re, nil
}

func (p *reParser) quantifier() (lo, hi int, ok bool, err error) {
	if p.quoted || p.pos == len(p.src) {
		return 0, 0, false, nil
	}
	start := p.pos
	switch p.src[p.pos] {
	case '*':
		p.pos++
		return 0, -1, true, nil
	case '+':
		p.pos++
		return 1, -1, true, nil
	case '?':
		p.pos++
		return 0, 1, true, nil
	case '{':
		p.pos++
		least := p.digits(10)
		if least == "" {
			break
		}
		most := least
		if p.take(",") {
			most = p.digits(10)
		}
		if !p.take("}") {
			break
		}
		if lo, err = p.count(start, least); err != nil {
			return 0, 0, false, err
		}
		if most == "" {
			return lo, -1, true, nil
		}
		if hi, err = p.count(start, most); err != nil {
			return 0, 0, false, err
		}
		if hi < lo {
			return 0, 0, false, p.fail(start, "the quantifier's numbers are out of order")
		}
		return lo, hi, true, nil
	}
	p.pos = start
	return 0, 0, false, nil
}

func (p *reParser) count(at int, s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n > reMaxCount {
		return 0, p.fail(at, "the quantifier is too large")
	}
	return n, nil
}

// digits takes the digits of a base that follow.
func (p *reParser) digits(base int) string {
	start := p.pos
	for p.pos < len(p.src) {
		if _, err := strconv.ParseUint(p.src[p.pos:p.pos+1], base, 8); err != nil {
			break
		}
		p.pos++
	}
	return p.src[start:p.pos]
}

// atom reads one item; what only sets flags cannot be repeated.
func (p *reParser) atom() (re *Re, quantifiable bool, err error) {
	start := p.pos
	if p.quoted {
		return p.literal(p.next()), true, nil
	}
	if _, _, ok, err := p.quantifier(); err != nil {
		return nil, false, err
	} else if ok {
		return nil, false, p.fail(start, "nothing to repeat")
	}
	switch c := p.next(); c {
	case '(':
		return p.group(start)
	case '[':
		re, err = p.class(start)
		return re, true, err
	case '\\':
		re, err = p.escape(start)
		return re, true, err
	case '.':
		if p.flags.DotAll {
			return &Re{Op: ReAny}, true, nil
		}
		return &Re{Op: ReAnyNotNewline}, true, nil
	case '^':
		if p.flags.Multiline {
			return &Re{Op: ReBeginLine}, true, nil
		}
		return &Re{Op: ReBeginText}, true, nil
	case '$':
		if p.flags.Multiline {
			return &Re{Op: ReEndLine}, true, nil
		}
		return &Re{Op: ReEnd}, true, nil
	default:
		return p.literal(c), true, nil
	}
}

func (p *reParser) literal(r rune) *Re { return reLiteral(r, p.flags.IgnoreCase) }

func reLiteral(r rune, fold bool) *Re {
	switch {
	case r < 0 || r >= utf8.RuneSelf:
		return &Re{Op: ReLiteral, Rune: r, Fold: fold && HasCases(r)}
	case fold:
		return &asciiLiterals[1][r]
	}
	return &asciiLiterals[0][r]
}

// asciiLiterals are shared by all expressions: cased, then folded.
var asciiLiterals = func() (out [2][utf8.RuneSelf]Re) {
	for r := range rune(utf8.RuneSelf) {
		out[0][r] = Re{Op: ReLiteral, Rune: r}
		out[1][r] = Re{Op: ReLiteral, Rune: r, Fold: HasCases(r)}
	}
	return out
}()

var reOpenings = []struct{ text, feature string }{
	{"(?=", "look-ahead"},
	{"(?!", "look-ahead"},
	{"(?<=", "look-behind"},
	{"(?<!", "look-behind"},
	{"(?>", "atomic group"},
}

// group reads what follows the `(` at start.
func (p *reParser) group(start int) (re *Re, quantifiable bool, err error) {
	p.pos = start
	for _, o := range reOpenings {
		if !p.take(o.text) {
			continue
		}
		sub, err := p.inside(start)
		if err != nil {
			return nil, false, err
		}
		if o.feature == "look-behind" && !reFixedBranches(sub) {
			return nil, false, p.fail(start, "the look-behind has no fixed length")
		}
		return &Re{Op: ReExtended, Text: o.text, Feature: o.feature, Subs: []*Re{sub}}, true, nil
	}
	switch {
	case p.take("(?P=") || p.take("(?P>"):
		if p.src[p.pos-1] == '>' {
			return nil, false, p.fail(start, "recursion is not supported")
		}
		re, err = p.namedReference(start, ")")
		return re, true, err
	case p.take("(?P<") || p.take("(?<"):
		return p.capture(start, ">")
	case p.take("(?'"):
		return p.capture(start, "'")
	case p.has("(*"):
		return nil, false, p.fail(start, "`(*` is not supported")
	case p.take("(?"):
		return p.flagged(start)
	}
	p.pos++
	return p.capture(start, "")
}

// capture reads a capturing group, after its name if close says how that ends.
func (p *reParser) capture(start int, close string) (*Re, bool, error) {
	p.groups++
	if close != "" {
		at := p.pos
		name, err := p.name(start, close)
		if err != nil {
			return nil, false, err
		}
		if p.total < 0 {
			if p.names[name] != 0 {
				return nil, false, p.fail(at, "a second group is named %s", name)
			}
			p.names[name] = p.groups
		}
	}
	re, err := p.inside(start)
	if err == nil && p.keep {
		re = &Re{Op: ReGroup, Subs: []*Re{re}}
	}
	return re, true, err
}

// inside reads a group's alternatives and its `)`.
func (p *reParser) inside(start int) (*Re, error) {
	if p.depth++; p.depth > reMaxDepth {
		return nil, p.fail(start, "nested too deeply")
	}
	flags := p.flags
	re, err := p.alternatives()
	if err != nil {
		return nil, err
	}
	p.flags = flags
	p.depth--
	if !p.take(")") {
		return nil, p.fail(start, "the group has no `)`")
	}
	return re, nil
}

func (p *reParser) name(start int, close string) (string, error) {
	at := p.pos
	for p.pos < len(p.src) {
		c := p.src[p.pos]
		if !reIsWord(c) || p.pos == at && '0' <= c && c <= '9' {
			break
		}
		p.pos++
	}
	name := p.src[at:p.pos]
	if name == "" || !p.take(close) {
		return "", p.fail(start, "the name of the group is not well formed")
	}
	return name, nil
}

func reIsWord(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}

// flagged reads what follows `(?`: flags, then `:` and a group or `)`.
func (p *reParser) flagged(start int) (*Re, bool, error) {
	was, on := p.flags, true
	flags := was
	for {
		at := p.pos
		if p.pos == len(p.src) {
			return nil, false, p.fail(start, "the group has no `)`")
		}
		switch c := p.next(); c {
		case 'i':
			flags.IgnoreCase = on
		case 'm':
			flags.Multiline = on
		case 's':
			flags.DotAll = on
		case '-':
			if !on {
				return nil, false, p.fail(at, "a second `-` among the flags")
			}
			on = false
			if n := p.digits(10); n != "" {
				return nil, false, p.fail(start, "recursion is not supported")
			}
		case ')':
			p.flags = flags
			return &Re{Op: ReEmpty}, false, nil
		case ':':
			p.flags = flags
			re, err := p.inside(start)
			p.flags = was
			return re, true, err
		case 'x':
			return nil, false, p.fail(at, "the flag x is not supported")
		case 'R', '&', '+', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
			return nil, false, p.fail(start, "recursion is not supported")
		case '(':
			return nil, false, p.fail(start, "a conditional is not supported")
		case 'C':
			return nil, false, p.fail(start, "a callout is not supported")
		case '|':
			return nil, false, p.fail(start, "`(?|` is not supported")
		default:
			return nil, false, p.fail(at, "unknown flag %q", c)
		}
	}
}

func (p *reParser) namedReference(start int, close string) (*Re, error) {
	name, err := p.name(start, close)
	if err != nil {
		return nil, err
	}
	n := p.names[name]
	if n == 0 && p.total >= 0 {
		return nil, p.fail(start, "no group is named %s", name)
	}
	return p.reference(start, n)
}

func (p *reParser) reference(start, n int) (*Re, error) {
	if p.total < 0 {
		p.refs = append(p.refs, n)
	} else if n < 1 || n > p.total {
		return nil, p.fail(start, "there is no group %d", n)
	}
	return &Re{Op: ReExtended, Text: `\` + strconv.Itoa(n), Feature: "back-reference", Fold: p.flags.IgnoreCase}, nil
}

// escape reads what follows the `\` at start, outside a class.
func (p *reParser) escape(start int) (*Re, error) {
	if p.pos == len(p.src) {
		return nil, p.fail(start, "`\\` at the end")
	}
	c := p.src[p.pos]
	if strings.IndexByte("AzZbBNRkg", c) >= 0 {
		p.pos++
	}
	switch c {
	case 'A':
		return &Re{Op: ReBeginText}, nil
	case 'z':
		return &Re{Op: ReEndText}, nil
	case 'Z':
		return &Re{Op: ReEnd}, nil
	case 'b':
		return &Re{Op: ReWordBoundary}, nil
	case 'B':
		return &Re{Op: ReNoWordBoundary}, nil
	case 'N':
		if p.has("{") {
			return nil, p.fail(start, "`\\N{` is not supported")
		}
		return &Re{Op: ReAnyNotNewline}, nil
	case 'R':
		crlf := reConcat(reLiteral('\r', false), reLiteral('\n', false))
		one := reClass(reVertical, false)
		return &Re{Op: ReExtended, Text: "(?>", Feature: "atomic group", Subs: []*Re{reAlternate(crlf, one)}}, nil
	case 'k':
		for _, q := range []string{"<>", "{}", "''"} {
			if p.take(q[:1]) {
				return p.namedReference(start, q[1:])
			}
		}
		return nil, p.fail(start, "`\\k` without a name")
	case 'g':
		return p.groupReference(start)
	case '1', '2', '3', '4', '5', '6', '7', '8', '9':
		s := p.digits(10)
		n, err := strconv.Atoi(s)
		if err != nil {
			return nil, p.fail(start, "the number is too large")
		}
		if n < 10 || c >= '8' || p.total < 0 || n <= p.total {
			return p.reference(start, n)
		}
		p.pos -= len(s)
	}
	if set, ok, err := p.setEscape(start); err != nil || ok {
		return reClass(set, false), err
	}
	r, err := p.charEscape(start)
	if err != nil {
		return nil, err
	}
	return p.literal(r), nil
}

// groupReference reads what follows `\g`.
func (p *reParser) groupReference(start int) (*Re, error) {
	if p.has("<") || p.has("'") {
		return nil, p.fail(start, "recursion is not supported")
	}
	braced := p.take("{")
	sign := 0
	if p.take("-") {
		sign = -1
	} else if p.take("+") {
		sign = 1
	}
	s := p.digits(10)
	if s == "" && sign == 0 && braced {
		return p.namedReference(start, "}")
	}
	n, err := strconv.Atoi(s)
	if err != nil || n == 0 || braced && !p.take("}") {
		return nil, p.fail(start, "the reference is not well formed")
	}
	switch sign {
	case -1:
		n = p.groups + 1 - n
	case 1:
		n += p.groups
	}
	return p.reference(start, n)
}

var (
	reDigit      = []RuneRange{{'0', '9'}}
	reWord       = []RuneRange{{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}
	reSpace      = []RuneRange{{'\t', '\r'}, {' ', ' '}}
	reHorizontal = []RuneRange{{'\t', '\t'}, {' ', ' '}, {0xA0, 0xA0}, {0x1680, 0x1680}, {0x180E, 0x180E},
		{0x2000, 0x200A}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}}
	reVertical = []RuneRange{{'\n', '\r'}, {0x85, 0x85}, {0x2028, 0x2029}}
	rePosix    = map[string][]RuneRange{
		"alnum":  {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}},
		"alpha":  {{'A', 'Z'}, {'a', 'z'}},
		"ascii":  {{0, 0x7F}},
		"blank":  {{'\t', '\t'}, {' ', ' '}},
		"cntrl":  {{0, 0x1F}, {0x7F, 0x7F}},
		"digit":  reDigit,
		"graph":  {{'!', '~'}},
		"lower":  {{'a', 'z'}},
		"print":  {{' ', '~'}},
		"punct":  {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}},
		"space":  reSpace,
		"upper":  {{'A', 'Z'}},
		"word":   reWord,
		"xdigit": {{'0', '9'}, {'A', 'F'}, {'a', 'f'}},
	}
)

// setEscape reads a `\d` or the like, if one follows.
func (p *reParser) setEscape(start int) (set []RuneRange, ok bool, err error) {
	c := p.src[p.pos]
	switch c | 0x20 {
	case 'd':
		set = reDigit
	case 'w':
		set = reWord
	case 's':
		set = reSpace
	case 'h':
		set = reHorizontal
	case 'v':
		set = reVertical
	case 'p':
		p.pos++
		set, err = p.property(start)
		if err != nil {
			return nil, false, err
		}
		if c == 'P' {
			set = NegateRanges(set)
		}
		return set, true, nil
	default:
		return nil, false, nil
	}
	p.pos++
	if c < 'a' {
		set = NegateRanges(set)
	}
	return set, true, nil
}

// property reads the name of a Unicode script or category.
func (p *reParser) property(start int) ([]RuneRange, error) {
	var name string
	negate := false
	if p.take("{") {
		negate = p.take("^")
		n := strings.IndexByte(p.src[p.pos:], '}')
		if n < 0 {
			return nil, p.fail(start, "the property has no `}`")
		}
		name = p.src[p.pos : p.pos+n]
		p.pos += n + 1
	} else if p.pos < len(p.src) {
		name = string(p.next())
	}
	t := unicode.Categories[name]
	if t == nil || len(name) > 2 {
		t = unicode.Scripts[name]
	}
	if t == nil {
		return nil, p.fail(start, "unknown property %q", name)
	}
	if p.flags.IgnoreCase && (name == "Lu" || name == "Ll" || name == "Lt") {
		return nil, p.fail(start, "the property %s without regard to case is not supported", name)
	}
	var set []RuneRange
	add := func(lo, hi, stride rune) {
		if stride == 1 {
			set = append(set, RuneRange{lo, hi})
			return
		}
		for r := lo; r <= hi; r += stride {
			set = append(set, RuneRange{r, r})
		}
	}
	for _, r := range t.R16 {
		add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
	}
	for _, r := range t.R32 {
		add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
	}
	set = reCanonical(set)
	if negate {
		set = NegateRanges(set)
	}
	return set, nil
}

// charEscape reads an escape that is one character.
func (p *reParser) charEscape(start int) (rune, error) {
	c := p.next()
	switch c {
	case 'a':
		return 7, nil
	case 'e':
		return 27, nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'c':
		if p.pos == len(p.src) || p.src[p.pos] < ' ' || p.src[p.pos] > '~' {
			return 0, p.fail(start, "`\\c` without a printable character")
		}
		x := p.next()
		if 'a' <= x && x <= 'z' {
			x -= 32
		}
		return x ^ 0x40, nil
	case 'x', 'o':
		base := map[rune]int{'x': 16, 'o': 8}[c]
		var s string
		if p.take("{") {
			if s = p.digits(base); !p.take("}") {
				s = ""
			}
		} else if c == 'x' {
			s = p.digitsUpTo(base, 2)
		}
		return p.codePoint(start, s, base)
	case '0', '1', '2', '3', '4', '5', '6', '7':
		p.pos--
		return p.codePoint(start, p.digitsUpTo(8, 3), 8)
	}
	if c < utf8.RuneSelf && reIsWord(byte(c)) && c != '_' {
		return 0, p.fail(start, "`\\%c` is not supported", c)
	}
	return c, nil
}

func (p *reParser) digitsUpTo(base, n int) string {
	at := p.pos
	s := p.digits(base)
	s = s[:min(n, len(s))]
	p.pos = at + len(s)
	return s
}

func (p *reParser) codePoint(start int, digits string, base int) (rune, error) {
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil || n > unicode.MaxRune || 0xD800 <= n && n < 0xE000 {
		return 0, p.fail(start, "the escape is not a character")
	}
	return rune(n), nil
}

// class reads what follows the `[` at start.
func (p *reParser) class(start int) (*Re, error) {
	if reNamed(p.src[start:]) > 0 {
		return nil, p.fail(start, "a class with a name stands inside of another only")
	}
	negated := p.take("^")
	// Sets keep their meaning without regard to case, chars do not.
	var chars, sets []RuneRange
	for first := true; ; first = false {
		p.skipQuotes()
		if p.pos == len(p.src) {
			return nil, p.fail(start, "the class has no `]`")
		}
		if !p.quoted && !first && p.take("]") {
			break
		}
		at := p.pos
		if set, folds, ok, err := p.posix(); err != nil {
			return nil, err
		} else if ok {
			if folds {
				chars = append(chars, set...)
			} else {
				sets = append(sets, set...)
			}
			if p.rangeFollows() {
				return nil, p.fail(at, "a range of classes")
			}
			continue
		}
		lo, set, err := p.classItem()
		if err != nil {
			return nil, err
		}
		if !p.rangeFollows() {
			if set != nil {
				sets = append(sets, set...)
			} else {
				chars = append(chars, RuneRange{lo, lo})
			}
			continue
		}
		p.pos++
		p.skipQuotes()
		if p.pos == len(p.src) {
			return nil, p.fail(start, "the class has no `]`")
		}
		var hi rune
		if _, _, ok, err := p.posix(); err != nil {
			return nil, err
		} else if !ok {
			var end []RuneRange
			if hi, end, err = p.classItem(); err != nil {
				return nil, err
			}
			ok = end != nil
			if set == nil && !ok {
				if hi < lo {
					return nil, p.fail(at, "the range is out of order")
				}
				chars = append(chars, RuneRange{lo, hi})
				continue
			}
		}
		return nil, p.fail(at, "a range of classes")
	}
	plain := reUnion(chars, sets)
	if !p.flags.IgnoreCase {
		if negated {
			plain = NegateRanges(plain)
		}
		return reClass(plain, false), nil
	}
	folded := reUnion(FoldRanges(reCanonical(chars)), sets)
	switch {
	case negated:
		return reClass(NegateRanges(folded), false), nil
	case !slices.Equal(plain, folded) && slices.Equal(FoldRanges(plain), folded):
		return reClass(plain, true), nil
	}
	return reClass(folded, false), nil
}

// rangeFollows says whether a `-` follows that makes a range.
func (p *reParser) rangeFollows() bool {
	p.skipQuotes()
	return !p.quoted && p.has("-") && !p.has("-]")
}

// classItem reads a character or an escape inside a class; set is nil for a
// character.
func (p *reParser) classItem() (r rune, set []RuneRange, err error) {
	start := p.pos
	if p.quoted || !p.take(`\`) {
		return p.next(), nil, nil
	}
	if p.pos == len(p.src) {
		return 0, nil, p.fail(start, "`\\` at the end")
	}
	if p.take("b") {
		return '\b', nil, nil
	}
	if set, ok, err := p.setEscape(start); err != nil || ok {
		return 0, append([]RuneRange{}, set...), err
	}
	r, err = p.charEscape(start)
	return r, nil, err
}

// posix reads a `[:alpha:]`, if one follows. Folds says that its set is one of
// characters that fold.
func (p *reParser) posix() (set []RuneRange, folds, ok bool, err error) {
	s := p.src[p.pos:]
	n := reNamed(s)
	if p.quoted || n == 0 {
		return nil, false, false, nil
	}
	name, negated := strings.CutPrefix(s[2:n], "^")
	base := rePosix[name]
	if base == nil || s[1] != ':' {
		return nil, false, false, p.fail(p.pos, "unknown class %q", s[:n+2])
	}
	p.pos += n + 2
	if !negated {
		return base, true, true, nil
	}
	if p.flags.IgnoreCase {
		base = FoldRanges(base)
	}
	return NegateRanges(base), false, true, nil
}

// reNamed finds the `:]` that ends a `[:alpha:]` at the start of s, whatever its
// name, or is 0.
func reNamed(s string) int {
	if len(s) < 2 || s[0] != '[' || strings.IndexByte(":.=", s[1]) < 0 {
		return 0
	}
	for n := 2; n+1 < len(s) && s[n] != ']' && s[n:n+2] != s[:2]; n++ {
		if s[n:n+2] == s[1:2]+"]" {
			return n
		}
		if s[n] == '\\' && (s[n+1] == ']' || s[n+1] == '\\') {
			n++
		}
	}
	return 0
}

// reClass is one character of the canonical ranges, in its simplest form.
func reClass(ranges []RuneRange, fold bool) *Re {
	switch {
	case len(ranges) == 1 && ranges[0].Lo == ranges[0].Hi:
		return reLiteral(ranges[0].Lo, fold)
	case slices.Equal(ranges, []RuneRange{{0, unicode.MaxRune}}):
		return &Re{Op: ReAny}
	case slices.Equal(ranges, []RuneRange{{0, '\n' - 1}, {'\n' + 1, unicode.MaxRune}}):
		return &Re{Op: ReAnyNotNewline}
	}
	return &Re{Op: ReClass, Ranges: ranges, Fold: fold}
}

func reUnion(a, b []RuneRange) []RuneRange { return reCanonical(slices.Concat(a, b)) }

// reCanonical sorts and joins ranges. No range begins or ends at a surrogate,
// which no text holds.
func reCanonical(rs []RuneRange) []RuneRange {
	in := make([]RuneRange, 0, len(rs))
	for _, r := range rs {
		if 0xD800 <= r.Lo && r.Lo < 0xE000 {
			r.Lo = 0xE000
		}
		if 0xD800 <= r.Hi && r.Hi < 0xE000 {
			r.Hi = 0xD7FF
		}
		if r.Lo <= r.Hi {
			in = append(in, r)
		}
	}
	slices.SortFunc(in, func(a, b RuneRange) int { return int(a.Lo - b.Lo) })
	out := in[:0]
	for _, r := range in {
		n := len(out)
		if n > 0 && (r.Lo <= out[n-1].Hi+1 || r.Lo == 0xE000 && out[n-1].Hi == 0xD7FF) {
			out[n-1].Hi = max(out[n-1].Hi, r.Hi)
		} else {
			out = append(out, r)
		}
	}
	return out
}

// NegateRanges is every character that is in none of the ranges, which are
// those of a Re.
func NegateRanges(ranges []RuneRange) []RuneRange {
	var out []RuneRange
	from := rune(0)
	for _, r := range ranges {
		if r.Lo > from {
			out = append(out, RuneRange{from, r.Lo - 1})
		}
		from = r.Hi + 1
	}
	if from <= unicode.MaxRune {
		out = append(out, RuneRange{from, unicode.MaxRune})
	}
	return reCanonical(out)
}

// reFolding is every character that has case variants, rising.
var reFolding = sync.OnceValue(func() []rune {
	var out []rune
	for r := rune(0); r <= 0x1FFFF; r++ {
		if len(Cases(r)) > 1 {
			out = append(out, r)
		}
	}
	return out
})

// FoldRanges is ranges, which are those of a Re, and the case variants of all
// their characters.
func FoldRanges(ranges []RuneRange) []RuneRange {
	out := slices.Clone(ranges)
	folding := reFolding()
	for _, r := range ranges {
		i, _ := slices.BinarySearch(folding, r.Lo)
		for ; i < len(folding) && folding[i] <= r.Hi; i++ {
			for _, c := range Cases(folding[i]) {
				if c < r.Lo || c > r.Hi {
					out = append(out, RuneRange{c, c})
				}
			}
		}
	}
	return reCanonical(out)
}

// reSize counts the nodes once every repetition is written out.
func reSize(re *Re) int {
	n := 1
	for _, s := range re.Subs {
		n += reSize(s)
	}
	if re.Op == ReRepeat {
		n *= max(re.Min, re.Max, 1)
	}
	return n
}

// reFixedBranches says whether each alternative has one length only.
func reFixedBranches(re *Re) bool {
	if re.Op != ReAlternate {
		_, ok := reFixed(re)
		return ok
	}
	for _, s := range re.Subs {
		if _, ok := reFixed(s); !ok {
			return false
		}
	}
	return true
}

// reFixed is the one length in characters of what re matches.
func reFixed(re *Re) (int, bool) {
	switch re.Op {
	case ReLiteral, ReClass, ReAny, ReAnyNotNewline:
		return 1, true
	case ReGroup:
		return reFixed(re.Subs[0])
	case ReRepeat:
		n, ok := reFixed(re.Subs[0])
		return n * re.Min, ok && re.Min == re.Max
	case ReConcat:
		sum := 0
		for _, s := range re.Subs {
			n, ok := reFixed(s)
			if !ok {
				return 0, false
			}
			sum += n
		}
		return sum, true
	case ReAlternate:
		first, ok := reFixed(re.Subs[0])
		for _, s := range re.Subs[1:] {
			n, fixed := reFixed(s)
			ok = ok && fixed && n == first
		}
		return first, ok
	case ReExtended:
		switch re.Feature {
		case "look-ahead", "look-behind":
			return 0, true
		case "back-reference":
			return 0, false
		}
		return reFixed(re.Subs[0])
	}
	return 0, true
}

// Regular is re as it stands for the same texts in engines whose `$` is the very
// end alone and whose lines begin behind a last \n too (RE2, Rust's regex): a
// `$` becomes `\n?\z`. Lack names what such engines do not have, or is "".
func (re *Re) Regular() (out *Re, lack string) {
	if lack = re.Extended(); lack != "" || !re.has(ReEnd) && !re.has(ReBeginLine) {
		return re, lack
	}
	return re.regular(true, false)
}

// regular is Regular of a part. Of what follows it, ends says that this may
// match nothing where the text ends, takes that it takes a character.
func (re *Re) regular(ends, takes bool) (*Re, string) {
	switch {
	case re.Op == ReEnd && ends:
		return reConcat(reOneNewline, &Re{Op: ReEndText}), ""
	case re.Op == ReEnd || re.Op == ReRepeat && re.Min > 1 && re.has(ReEnd) && !re.ends():
		return re, "`$` before more text"
	case re.Op == ReBeginLine && takes:
		return &Re{Op: ReBehindLine}, ""
	case re.Op == ReBeginLine:
		return re, "`^` of a line that may be empty"
	case len(re.Subs) == 0:
		return re, ""
	}
	subs := slices.Clone(re.Subs)
	for i := len(subs) - 1; i >= 0; i-- {
		s, lack := re.Subs[i].regular(ends, takes)
		if lack != "" {
			return re, lack
		}
		if subs[i] = s; re.Op == ReConcat {
			ends, takes = ends && re.Subs[i].ends(), takes || re.Subs[i].takes()
		}
	}
	if re.Op == ReConcat {
		return reConcat(subs...), ""
	}
	changed := *re
	changed.Subs = subs
	return &changed, ""
}

var reOneNewline = &Re{Op: ReRepeat, Max: 1, Subs: []*Re{reLiteral('\n', false)}}

func (re *Re) has(op ReOp) bool {
	return re.Op == op || slices.ContainsFunc(re.Subs, func(s *Re) bool { return s.has(op) })
}

// ends says whether re matches nothing at the end of any text, and before a \n
// there.
func (re *Re) ends() bool {
	switch re.Op {
	case ReEmpty, ReEnd, ReEndLine:
		return true
	case ReConcat, ReGroup:
		return !slices.ContainsFunc(re.Subs, func(s *Re) bool { return !s.ends() })
	case ReAlternate:
		return slices.ContainsFunc(re.Subs, (*Re).ends)
	case ReRepeat:
		return re.Min == 0 || re.Subs[0].ends()
	}
	return false
}

// takes says whether re takes at least one character.
func (re *Re) takes() bool {
	switch re.Op {
	case ReLiteral, ReClass, ReAny, ReAnyNotNewline:
		return true
	case ReConcat, ReGroup:
		return slices.ContainsFunc(re.Subs, (*Re).takes)
	case ReAlternate:
		return !slices.ContainsFunc(re.Subs, func(s *Re) bool { return !s.takes() })
	case ReRepeat:
		return re.Min > 0 && re.Subs[0].takes()
	}
	return false
}

// Extended names the first construct beyond regular languages in re, or is "".
func (re *Re) Extended() string {
	if re.Op == ReExtended {
		return re.Feature
	}
	for _, s := range re.Subs {
		if f := s.Extended(); f != "" {
			return f
		}
	}
	return ""
}

// MatchesEmpty says whether re matches the empty text.
func (re *Re) MatchesEmpty() bool { return re.empty(re) }

func (re *Re) empty(root *Re) bool {
	switch re.Op {
	case ReLiteral, ReClass, ReAny, ReAnyNotNewline, ReWordBoundary:
		return false
	case ReConcat:
		return !slices.ContainsFunc(re.Subs, func(s *Re) bool { return !s.empty(root) })
	case ReAlternate:
		return slices.ContainsFunc(re.Subs, func(s *Re) bool { return s.empty(root) })
	case ReRepeat:
		return re.Min == 0 || re.Subs[0].empty(root)
	case ReGroup:
		return re.Subs[0].empty(root)
	case ReExtended:
		switch {
		case re.Feature == "back-reference":
			n, _ := strconv.Atoi(re.Text[1:])
			g := root.group(&n)
			return g != nil && !g.refers() && g.empty(root)
		case re.Text == "(?!" || re.Text == "(?<!":
			return !re.Subs[0].empty(root)
		}
		return re.Subs[0].empty(root)
	}
	return true
}

// group finds the n-th group.
func (re *Re) group(n *int) *Re {
	if re.Op == ReGroup {
		if *n--; *n == 0 {
			return re
		}
	}
	for _, s := range re.Subs {
		if g := s.group(n); g != nil {
			return g
		}
	}
	return nil
}

func (re *Re) refers() bool {
	return re.Feature == "back-reference" || slices.ContainsFunc(re.Subs, (*Re).refers)
}

// Go is re for Go's package regexp, with exactly the same meaning. The error
// names a construct that RE2 lacks.
func (re *Re) Go() (string, error) {
	re, lack := re.Regular()
	if lack != "" {
		return "", errors.New("Go's regular expressions have no " + lack)
	}
	var b strings.Builder
	re.writeGo(&b, 1000)
	return b.String(), nil
}

// writeGo writes re as one atom or a run of atoms. Limit is how often RE2
// lets it be repeated.
func (re *Re) writeGo(b *strings.Builder, limit int) {
	switch re.Op {
	case ReLiteral:
		if re.Fold {
			var rs []RuneRange
			for _, c := range Cases(re.Rune) {
				rs = append(rs, RuneRange{c, c})
			}
			goClass(b, rs)
		} else if c := re.Rune; c < utf8.RuneSelf && reIsWord(byte(c)) {
			b.WriteRune(c)
		} else {
			fmt.Fprintf(b, `\x{%X}`, c)
		}
	case ReClass:
		rs := re.Ranges
		if re.Fold {
			rs = FoldRanges(rs)
		}
		goClass(b, rs)
	case ReAny:
		b.WriteString("(?s:.)")
	case ReAnyNotNewline:
		b.WriteString(`[^\n]`)
	case ReBeginText:
		b.WriteString(`\A`)
	case ReEndText:
		b.WriteString(`\z`)
	case ReBehindLine:
		b.WriteString("(?m:^)")
	case ReEndLine:
		b.WriteString("(?m:$)")
	case ReWordBoundary:
		b.WriteString(`\b`)
	case ReNoWordBoundary:
		b.WriteString(`\B`)
	case ReConcat:
		for _, s := range re.Subs {
			s.writeGo(b, limit)
		}
	case ReAlternate:
		b.WriteString("(?:")
		for i, s := range re.Subs {
			if i > 0 {
				b.WriteByte('|')
			}
			s.writeGo(b, limit)
		}
		b.WriteByte(')')
	case ReGroup:
		re.Subs[0].writeGo(b, limit)
	case ReRepeat:
		// In pieces that RE2 accepts.
		lo, hi := re.Min, re.Max
		if lo == 0 && hi == 0 {
			re.writeGoTimes(b, 0, 0, limit)
		}
		if lo == 1 && hi < 0 { // once, or nested ones would double the text each time
			re.writeGoTimes(b, 1, -1, limit)
			return
		}
		for n := 0; lo > 0; lo -= n {
			n = min(lo, limit)
			if hi > 0 {
				hi -= n
			}
			re.writeGoTimes(b, n, n, limit)
		}
		if hi < 0 {
			re.writeGoTimes(b, 0, -1, limit)
		}
		for n := 0; hi > 0; hi -= n {
			n = min(hi, limit)
			re.writeGoTimes(b, 0, n, limit)
		}
	}
}

func (re *Re) writeGoTimes(b *strings.Builder, lo, hi, limit int) {
	b.WriteString("(?:")
	re.Subs[0].writeGo(b, limit/max(hi, 1))
	switch {
	case hi < 0 && lo == 1:
		b.WriteString(")+")
	case hi < 0:
		b.WriteString(")*")
	case lo == hi:
		fmt.Fprintf(b, "){%d}", lo)
	default:
		fmt.Fprintf(b, "){%d,%d}", lo, hi)
	}
	if re.Lazy {
		b.WriteByte('?')
	}
}

func goClass(b *strings.Builder, rs []RuneRange) {
	if len(rs) == 0 {
		b.WriteString(`[^\x00-\x{10FFFF}]`)
		return
	}
	b.WriteByte('[')
	for _, r := range rs {
		fmt.Fprintf(b, `\x{%X}`, r.Lo)
		if r.Hi > r.Lo {
			fmt.Fprintf(b, `-\x{%X}`, r.Hi)
		}
	}
	b.WriteByte(']')
}

var textBegin, textEnd = [...]*Re{{Op: ReBeginText}}, [...]*Re{{Op: ReEndText}}

// PatternRe is p as a regular expression, without what a wildcard at an end
// would say. A Placeholder in p is a bug and panics.
func PatternRe(p Pattern) *Re {
	parts := p.Parts
	begin, end := textBegin[:], textEnd[:]
	if len(parts) > 0 && parts[0].Kind == AnyRun {
		parts, begin = parts[1:], nil
	}
	if n := len(parts); n > 0 && parts[n-1].Kind == AnyRun {
		parts, end = parts[:n-1], nil
	} else if n == 0 && begin == nil {
		end = nil
	}
	size := len(begin) + len(end)
	for _, q := range parts {
		size += max(1, utf8.RuneCountInString(q.Text))
	}
	subs := append(make([]*Re, 0, size), begin...)
	for _, q := range parts {
		switch q.Kind {
		case Literal:
			for _, r := range q.Text {
				subs = append(subs, reLiteral(r, !p.Cased))
			}
		case AnyRun:
			subs = append(subs, &Re{Op: ReRepeat, Max: -1, Subs: []*Re{{Op: ReAny}}})
		case AnyOne:
			subs = append(subs, &Re{Op: ReAny})
		default:
			panic("ir: a placeholder in a regular expression")
		}
	}
	return reConcat(append(subs, end...)...)
}

// CIDRRe is a regular expression over the whole value for the addresses of an
// IPv4 network, in dotted text without leading zeros. It is false of IPv6.
func CIDRRe(net netip.Prefix) (*Re, bool) {
	if !net.IsValid() || !net.Addr().Is4() {
		return nil, false
	}
	subs := []*Re{{Op: ReBeginText}}
	octets := net.Masked().Addr().As4()
	for i, o := range octets {
		free := min(max(8*(i+1)-net.Bits(), 0), 8)
		octet := reDecimals(int(o), int(o)+1<<free-1)
		if i == 0 {
			subs = append(subs, octet)
			continue
		}
		dotted := reConcat(reLiteral('.', false), octet)
		if rest := 4 - i; free == 8 && rest > 1 {
			subs = append(subs, &Re{Op: ReRepeat, Min: rest, Max: rest, Subs: []*Re{dotted}})
			break
		}
		subs = append(subs, dotted)
	}
	return reConcat(append(subs, &Re{Op: ReEndText})...), true
}

// reDecimals is the numbers from lo to hi, in decimal.
func reDecimals(lo, hi int) *Re {
	digits := func(lo, hi int) *Re { return reClass([]RuneRange{{'0' + rune(lo), '0' + rune(hi)}}, false) }
	if lo == 0 && hi >= 99 {
		tens := &Re{Op: ReRepeat, Max: 1, Subs: []*Re{digits(1, 9)}}
		first := reConcat(tens, digits(0, 9))
		if hi == 99 {
			return first
		}
		return reAlternate(first, reDecimals(100, hi))
	}
	var alts []*Re
	if lo <= 9 {
		alts = append(alts, digits(lo, min(hi, 9)))
		lo = 10
	}
	for lo <= hi {
		ten := lo / 10
		if end := ten*10 + 9; lo%10 != 0 || hi < end {
			end = min(hi, end)
			alts = append(alts, reConcat(reDecimals(ten, ten), digits(lo%10, end%10)))
			lo = end + 1
			continue
		}
		last := (hi+1)/10 - 1
		tens := []*Re{reDecimals(ten, last)}
		if tens[0].Op == ReAlternate {
			tens = tens[0].Subs
		}
		for _, t := range tens {
			alts = append(alts, reConcat(t, digits(0, 9)))
		}
		lo = (last + 1) * 10
	}
	return reAlternate(alts...)
}
