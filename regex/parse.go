package regex

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Error says where a regular expression is wrong or beyond what is
// supported.
type Error struct {
	Offset, End int // of what is wrong, in bytes of the source
	Msg         string
}

func (e *Error) Error() string {
	return fmt.Sprintf("regular expression at byte %d: %s", e.Offset, e.Msg)
}

const (
	maxDepth = 250    // groups inside groups
	maxCount = 65535  // of a quantifier
	maxSize  = 100000 // nodes once every repetition is written out
)

// Parse reads a regular expression in the flavour of PCRE. The error is an *Error.
//
// Where PCRE is read in one of several ways: `\d \w \s \b` are of ASCII; a
// back-reference is numbered in Text whatever way it is written; `\R` is an
// atomic group.
func Parse(source string, flags Flags) (*Re, error) {
	if err := invalid(source); err != nil {
		return nil, err
	}
	// The first pass counts the groups: only then `\12` has a meaning.
	count := &parser{src: source, flags: flags, total: -1, names: map[string]int{}}
	if _, err := count.parse(); err != nil {
		return nil, err
	}
	p := &parser{src: source, flags: flags, total: count.groups, names: count.names}
	for _, n := range count.refs {
		p.keep = p.keep || n < 10 || n <= p.total
	}
	return p.parse()
}

// invalid says where a source is no UTF-8.
func invalid(source string) error {
	if utf8.ValidString(source) {
		return nil
	}
	at := 0
	for r, n := utf8.DecodeRuneInString(source); r != utf8.RuneError || n > 1; r, n = utf8.DecodeRuneInString(source[at:]) {
		at += n
	}
	return &Error{at, at + 1, "invalid UTF-8"}
}

type parser struct {
	src    string
	pos    int
	flags  Flags
	quoted bool // between \Q and \E
	depth  int
	groups int            // opened so far
	total  int            // in the whole source, -1 in the first pass
	names  map[string]int // filled by the first pass
	refs   []int          // first pass: the back-references
	keep   bool           // a back-reference needs the groups
}

// fail is about the source from a byte up to where it has been read, or about one character.
func (p *parser) fail(at int, format string, args ...any) error {
	_, size := utf8.DecodeRuneInString(p.src[at:])
	return &Error{at, max(at+size, p.pos), fmt.Sprintf(format, args...)}
}

func (p *parser) parse() (*Re, error) {
	re, err := p.alternatives()
	if err != nil {
		return nil, err
	}
	if p.pos < len(p.src) {
		return nil, p.fail(p.pos, "`)` without `(`")
	}
	if size(re) > maxSize {
		return nil, p.fail(0, "too large")
	}
	return re, nil
}

func (p *parser) has(s string) bool { return strings.HasPrefix(p.src[p.pos:], s) }

func (p *parser) take(s string) bool {
	if p.has(s) {
		p.pos += len(s)
		return true
	}
	return false
}

func (p *parser) next() rune {
	r, n := utf8.DecodeRuneInString(p.src[p.pos:])
	p.pos += n
	return r
}

// skipQuotes steps over \Q and \E.
func (p *parser) skipQuotes() {
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
func (p *parser) skip() error {
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
func (p *parser) alternatives() (*Re, error) {
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
		alts = append(alts, Concat(seq...))
		seq = nil
		if end {
			return Alternate(alts...), nil
		}
		p.pos++
	}
}

// repeated reads an atom and its quantifier.
func (p *parser) repeated() (*Re, error) {
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
	re = &Re{Op: OpRepeat, Subs: []*Re{re}, Min: lo, Max: hi}
	if size(re) > maxSize {
		return nil, p.fail(start, "too large")
	}
	switch {
	case p.take("?"):
		re.Lazy = true
	case p.take("+"):
		re = &Re{Op: OpExtended, Text: "+", Feature: "possessive quantifier", Subs: []*Re{re}}
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

func (p *parser) quantifier() (lo, hi int, ok bool, err error) {
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

func (p *parser) count(at int, s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n > maxCount {
		return 0, p.fail(at, "the quantifier is too large")
	}
	return n, nil
}

// digits takes the digits of a base that follow.
func (p *parser) digits(base int) string {
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
func (p *parser) atom() (re *Re, quantifiable bool, err error) {
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
			return &Re{Op: OpAny}, true, nil
		}
		return &Re{Op: OpAnyNotNewline}, true, nil
	case '^':
		if p.flags.Multiline {
			return &Re{Op: OpBeginLine}, true, nil
		}
		return &Re{Op: OpBeginText}, true, nil
	case '$':
		if p.flags.Multiline {
			return &Re{Op: OpEndLine}, true, nil
		}
		return &Re{Op: OpEnd}, true, nil
	default:
		return p.literal(c), true, nil
	}
}

func (p *parser) literal(r rune) *Re { return Literal(r, p.flags.IgnoreCase) }

var openings = []struct{ text, feature string }{
	{"(?=", "look-ahead"},
	{"(?!", "look-ahead"},
	{"(?<=", "look-behind"},
	{"(?<!", "look-behind"},
	{"(?>", "atomic group"},
}

// group reads what follows the `(` at start.
func (p *parser) group(start int) (re *Re, quantifiable bool, err error) {
	p.pos = start
	for _, o := range openings {
		if !p.take(o.text) {
			continue
		}
		sub, err := p.inside(start)
		if err != nil {
			return nil, false, err
		}
		if o.feature == "look-behind" && !fixedBranches(sub) {
			return nil, false, p.fail(start, "the look-behind has no fixed length")
		}
		return &Re{Op: OpExtended, Text: o.text, Feature: o.feature, Subs: []*Re{sub}}, true, nil
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
	case p.take("(*"):
		return nil, false, p.fail(start, "`(*` is not supported")
	case p.take("(?"):
		return p.flagged(start)
	}
	p.pos++
	return p.capture(start, "")
}

// capture reads a capturing group, after its name if close says how that ends.
func (p *parser) capture(start int, close string) (*Re, bool, error) {
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
		re = &Re{Op: OpGroup, Subs: []*Re{re}}
	}
	return re, true, err
}

// inside reads a group's alternatives and its `)`.
func (p *parser) inside(start int) (*Re, error) {
	if p.depth++; p.depth > maxDepth {
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

func (p *parser) name(start int, close string) (string, error) {
	at := p.pos
	for p.pos < len(p.src) {
		c := p.src[p.pos]
		if !isWord(c) || p.pos == at && '0' <= c && c <= '9' {
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

func isWord(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}

// flagged reads what follows `(?`: flags, then `:` and a group or `)`.
func (p *parser) flagged(start int) (*Re, bool, error) {
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
			return &Re{Op: OpEmpty}, false, nil
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

func (p *parser) namedReference(start int, close string) (*Re, error) {
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

func (p *parser) reference(start, n int) (*Re, error) {
	if p.total < 0 {
		p.refs = append(p.refs, n)
	} else if n < 1 || n > p.total {
		return nil, p.fail(start, "there is no group %d", n)
	}
	return &Re{Op: OpExtended, Text: `\` + strconv.Itoa(n), Feature: "back-reference", Fold: p.flags.IgnoreCase}, nil
}

// escape reads what follows the `\` at start, outside a class.
func (p *parser) escape(start int) (*Re, error) {
	if p.pos == len(p.src) {
		return nil, p.fail(start, "`\\` at the end")
	}
	c := p.src[p.pos]
	if strings.IndexByte("AzZbBNRkg", c) >= 0 {
		p.pos++
	}
	switch c {
	case 'A':
		return &Re{Op: OpBeginText}, nil
	case 'z':
		return &Re{Op: OpEndText}, nil
	case 'Z':
		return &Re{Op: OpEnd}, nil
	case 'b':
		return &Re{Op: OpWordBoundary}, nil
	case 'B':
		return &Re{Op: OpNoWordBoundary}, nil
	case 'N':
		if p.take("{") {
			return nil, p.fail(start, "`\\N{` is not supported")
		}
		return &Re{Op: OpAnyNotNewline}, nil
	case 'R':
		crlf := Concat(Literal('\r', false), Literal('\n', false))
		one := Class(vertical, false)
		return &Re{Op: OpExtended, Text: "(?>", Feature: "atomic group", Subs: []*Re{Alternate(crlf, one)}}, nil
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
		return Class(set, false), err
	}
	r, err := p.charEscape(start)
	if err != nil {
		return nil, err
	}
	return p.literal(r), nil
}

// groupReference reads what follows `\g`.
func (p *parser) groupReference(start int) (*Re, error) {
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
	digit      = []Range{{'0', '9'}}
	word       = []Range{{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}
	space      = []Range{{'\t', '\r'}, {' ', ' '}}
	horizontal = []Range{{'\t', '\t'}, {' ', ' '}, {0xA0, 0xA0}, {0x1680, 0x1680}, {0x180E, 0x180E},
		{0x2000, 0x200A}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}}
	vertical = []Range{{'\n', '\r'}, {0x85, 0x85}, {0x2028, 0x2029}}
	posix    = map[string][]Range{
		"alnum":  {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}},
		"alpha":  {{'A', 'Z'}, {'a', 'z'}},
		"ascii":  {{0, 0x7F}},
		"blank":  {{'\t', '\t'}, {' ', ' '}},
		"cntrl":  {{0, 0x1F}, {0x7F, 0x7F}},
		"digit":  digit,
		"graph":  {{'!', '~'}},
		"lower":  {{'a', 'z'}},
		"print":  {{' ', '~'}},
		"punct":  {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}},
		"space":  space,
		"upper":  {{'A', 'Z'}},
		"word":   word,
		"xdigit": {{'0', '9'}, {'A', 'F'}, {'a', 'f'}},
	}
)

// setEscape reads a `\d` or the like, if one follows.
func (p *parser) setEscape(start int) (set []Range, ok bool, err error) {
	c := p.src[p.pos]
	switch c | 0x20 {
	case 'd':
		set = digit
	case 'w':
		set = word
	case 's':
		set = space
	case 'h':
		set = horizontal
	case 'v':
		set = vertical
	case 'p':
		p.pos++
		set, err = p.property(start)
		if err != nil {
			return nil, false, err
		}
		if c == 'P' {
			set = Negate(set)
		}
		return set, true, nil
	default:
		return nil, false, nil
	}
	p.pos++
	if c < 'a' {
		set = Negate(set)
	}
	return set, true, nil
}

// property reads the name of a Unicode script or category.
func (p *parser) property(start int) ([]Range, error) {
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
	set := rangesOf(t)
	if negate {
		set = Negate(set)
	}
	return set, nil
}

// charEscape reads an escape that is one character.
func (p *parser) charEscape(start int) (rune, error) {
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
	if c < utf8.RuneSelf && isWord(byte(c)) && c != '_' {
		return 0, p.fail(start, "`\\%c` is not supported", c)
	}
	return c, nil
}

func (p *parser) digitsUpTo(base, n int) string {
	at := p.pos
	s := p.digits(base)
	s = s[:min(n, len(s))]
	p.pos = at + len(s)
	return s
}

func (p *parser) codePoint(start int, digits string, base int) (rune, error) {
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil || n > unicode.MaxRune || 0xD800 <= n && n < 0xE000 {
		return 0, p.fail(start, "the escape is not a character")
	}
	return rune(n), nil
}

// class reads what follows the `[` at start.
func (p *parser) class(start int) (*Re, error) {
	if named(p.src[start:]) > 0 {
		return nil, p.fail(start, "a class with a name stands inside of another only")
	}
	negated := p.take("^")
	// Sets keep their meaning without regard to case, chars do not.
	var chars, sets []Range
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
				chars = append(chars, Range{lo, lo})
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
			var end []Range
			if hi, end, err = p.classItem(); err != nil {
				return nil, err
			}
			ok = end != nil
			if set == nil && !ok {
				if hi < lo {
					return nil, p.fail(at, "the range is out of order")
				}
				chars = append(chars, Range{lo, hi})
				continue
			}
		}
		return nil, p.fail(at, "a range of classes")
	}
	plain := union(chars, sets)
	if !p.flags.IgnoreCase {
		if negated {
			plain = Negate(plain)
		}
		return Class(plain, false), nil
	}
	folded := union(FoldRanges(canonical(chars)), sets)
	switch {
	case negated:
		return Class(Negate(folded), false), nil
	case !slices.Equal(plain, folded) && slices.Equal(FoldRanges(plain), folded):
		return Class(plain, true), nil
	}
	return Class(folded, false), nil
}

// rangeFollows says whether a `-` follows that makes a range.
func (p *parser) rangeFollows() bool {
	p.skipQuotes()
	return !p.quoted && p.has("-") && !p.has("-]")
}

// classItem reads a character or an escape inside a class; set is nil for a
// character.
func (p *parser) classItem() (r rune, set []Range, err error) {
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
		return 0, append([]Range{}, set...), err
	}
	r, err = p.charEscape(start)
	return r, nil, err
}

// posix reads a `[:alpha:]`, if one follows. Folds says that its set is one of
// characters that fold.
func (p *parser) posix() (set []Range, folds, ok bool, err error) {
	s := p.src[p.pos:]
	n := named(s)
	if p.quoted || n == 0 {
		return nil, false, false, nil
	}
	name, negated := strings.CutPrefix(s[2:n], "^")
	base := posix[name]
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
	return Negate(base), false, true, nil
}

// named finds the `:]` that ends a `[:alpha:]` at the start of s, whatever its
// name, or is 0.
func named(s string) int {
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

// size counts the nodes once every repetition is written out.
func size(re *Re) int {
	n := 1
	for _, s := range re.Subs {
		n += size(s)
	}
	if re.Op == OpRepeat {
		n *= max(re.Min, re.Max, 1)
	}
	return n
}

// fixedBranches says whether each alternative has one length only.
func fixedBranches(re *Re) bool {
	if re.Op != OpAlternate {
		_, ok := fixed(re)
		return ok
	}
	for _, s := range re.Subs {
		if _, ok := fixed(s); !ok {
			return false
		}
	}
	return true
}

// fixed is the one length in characters of what re matches.
func fixed(re *Re) (int, bool) {
	switch re.Op {
	case OpLiteral, OpClass, OpAny, OpAnyNotNewline:
		return 1, true
	case OpGroup:
		return fixed(re.Subs[0])
	case OpRepeat:
		n, ok := fixed(re.Subs[0])
		return n * re.Min, ok && re.Min == re.Max
	case OpConcat:
		sum := 0
		for _, s := range re.Subs {
			n, ok := fixed(s)
			if !ok {
				return 0, false
			}
			sum += n
		}
		return sum, true
	case OpAlternate:
		first, ok := fixed(re.Subs[0])
		for _, s := range re.Subs[1:] {
			n, fixed := fixed(s)
			ok = ok && fixed && n == first
		}
		return first, ok
	case OpExtended:
		switch re.Feature {
		case "look-ahead", "look-behind":
			return 0, true
		case "back-reference":
			return 0, false
		}
		return fixed(re.Subs[0])
	}
	return 0, true
}
