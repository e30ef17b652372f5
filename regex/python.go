package regex

import (
	"iter"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// A Python is an expression of Python's module re, over texts and not over bytes.
// Its groups have numbers, and some have names.
type Python struct {
	Names []string // of the groups, by number; "" where one has none, and of the whole
	re    *Re
}

// ParsePython reads an expression as Python 3.11 does, with the flags a, i, m, s, u
// and x. What Python refuses is an *Error, and so are conditional groups, characters
// by name (`\N`) and a reference within a look-behind, or to ASCII without regard
// to case.
func ParsePython(source string) (*Python, error) {
	if err := invalid(source); err != nil {
		return nil, err
	}
	p := &python{parser: parser{src: source}, names: []string{""}, closed: []bool{false}}
	re, err := p.choice(true)
	switch {
	case err != nil:
		return nil, err
	case p.pos < len(p.src):
		return nil, p.fail(p.pos, "`)` without `(`")
	case size(re) > maxSize:
		return nil, p.fail(0, "too large")
	}
	return &Python{p.names, re}, nil
}

// Named are the names that groups have.
func (p *Python) Named() []string {
	return slices.DeleteFunc(slices.Clone(p.Names), func(name string) bool { return name == "" })
}

// A Match is where an expression matches a text.
type Match struct {
	text   []rune
	groups [][2]int
}

// Group is the text of a group, or false if it took no part. The whole is 0.
func (m Match) Group(n int) (string, bool) {
	g := m.groups[n]
	if g[0] < 0 {
		return "", false
	}
	return string(m.text[g[0]:g[1]]), true
}

// Start is the match at the start of a text, as of re.match. It takes of the steps,
// one for each character too; fewer than none are left where they did not suffice,
// and the answer is void.
func (p *Python) Start(text string, steps *int) (Match, bool) {
	m := p.matcher(text, *steps)
	groups := m.find(p.re, 0, false, false)
	*steps = m.steps
	return Match{m.text, groups}, groups != nil
}

// All are the matches in a text, as of re.finditer, each with what lies between it
// and the one before; the last is no match but the rest of the text. It takes of the
// steps as Start does.
func (p *Python) All(text string, steps *int) iter.Seq2[string, *Match] {
	return func(yield func(string, *Match) bool) {
		m := p.matcher(text, *steps)
		for from, last, empty := 0, 0, false; ; {
			groups := m.find(p.re, from, true, empty)
			*steps = m.steps
			if groups == nil {
				yield(string(m.text[last:]), nil)
				return
			}
			whole := groups[0]
			if !yield(string(m.text[last:whole[0]]), &Match{m.text, groups}) {
				return
			}
			from, last, empty = whole[1], whole[1], whole[0] == whole[1]
		}
	}
}

func (p *Python) matcher(text string, steps int) *matcher {
	m := newMatcher(p.re, []rune(text), steps)
	m.steps -= len(m.text)
	m.fold = unicode.ToLower
	return m
}

type python struct {
	parser
	flags  pythonFlags
	names  []string
	closed []bool // which groups a reference may name
}

type pythonFlags struct {
	Flags
	ascii, verbose bool
}

// An item is what a quantifier may stand behind.
type item struct {
	re   *Re
	kind itemKind
}

type itemKind uint8

const (
	plainItem itemKind = iota
	assertion          // takes no quantifier
	repeated           // takes no second one
)

// choice reads up to a `)` or the end; first says that global flags may stand here.
func (p *python) choice(first bool) (*Re, error) {
	var alts []*Re
	for {
		seq, err := p.sequence(first)
		if err != nil {
			return nil, err
		}
		subs := make([]*Re, len(seq))
		for i, x := range seq {
			subs[i] = x.re
		}
		alts = append(alts, Concat(subs...))
		if !p.take("|") {
			return Alternate(alts...), nil
		}
		first = false
	}
}

func (p *python) sequence(first bool) (seq []item, err error) {
	for p.pos < len(p.src) && !p.has("|") && !p.has(")") {
		at := p.pos
		c := p.next()
		switch {
		case p.flags.verbose && strings.ContainsRune(" \t\n\r\v\f", c):
			continue
		case p.flags.verbose && c == '#':
			p.skipTo('\n')
			continue
		}
		x := item{}
		switch c {
		case '\\':
			x, err = p.escape(at)
		case '[':
			x.re, err = p.class(at)
		case '*', '+', '?', '{':
			if c == '{' && !p.quantifies() {
				x.re = p.literal(c)
				break
			}
			p.pos = at
			if len(seq) == 0 || seq[len(seq)-1].kind == assertion {
				return nil, p.fail(at, "nothing to repeat")
			}
			last := seq[len(seq)-1]
			seq = seq[:len(seq)-1]
			if last.kind == repeated {
				return nil, p.fail(at, "two quantifiers in a row")
			}
			x.kind = repeated
			x.re, err = p.repeat(at, last.re)
		case '.':
			x.re = &Re{Op: OpAnyNotNewline}
			if p.flags.DotAll {
				x.re = &Re{Op: OpAny}
			}
		case '^':
			x = item{&Re{Op: OpBeginText}, assertion}
			if p.flags.Multiline {
				x.re = &Re{Op: OpBehindLine}
			}
		case '$':
			x = item{&Re{Op: OpEnd}, assertion}
			if p.flags.Multiline {
				x.re = &Re{Op: OpEndLine}
			}
		case '(':
			if x.re, err = p.group(at, first && len(seq) == 0); x.re == nil && err == nil {
				continue
			}
		default:
			x.re = p.literal(c)
		}
		if err != nil {
			return nil, err
		}
		seq = append(seq, x)
	}
	return seq, nil
}

// skipTo steps over a comment and its end, which has no backslash before it.
func (p *python) skipTo(end rune) bool {
	for p.pos < len(p.src) {
		switch p.next() {
		case end:
			return true
		case '\\':
			p.next()
		}
	}
	return false
}

// quantifies says whether what follows a `{` makes it a quantifier.
func (p *python) quantifies() bool {
	at := p.pos
	defer func() { p.pos = at }()
	if p.has("}") {
		return false
	}
	p.digits(10)
	if p.take(",") {
		p.digits(10)
	}
	return p.take("}")
}

// repeat reads the quantifier at a place, of re.
func (p *python) repeat(at int, re *Re) (_ *Re, err error) {
	out := &Re{Op: OpRepeat, Subs: []*Re{re}, Max: -1}
	switch p.next() {
	case '+':
		out.Min = 1
	case '?':
		out.Max = 1
	case '{':
		least := p.digits(10)
		most := least
		if p.take(",") {
			most = p.digits(10)
		}
		p.take("}")
		if least != "" {
			if out.Min, err = p.count(at, least); err != nil {
				return nil, err
			}
		}
		if most != "" {
			if out.Max, err = p.count(at, most); err != nil {
				return nil, err
			}
			if out.Max < out.Min {
				return nil, p.fail(at, "the quantifier's numbers are out of order")
			}
		}
	}
	if size(out) > maxSize {
		return nil, p.fail(at, "too large")
	}
	if p.take("?") {
		out.Lazy = true
	} else if p.take("+") {
		out = &Re{Op: OpExtended, Text: "+", Feature: "possessive quantifier", Subs: []*Re{out}}
	}
	return out, nil
}

func (p *python) literal(c rune) *Re { return Class(p.folded([]Range{{c, c}}), false) }

// moreCases are letters that Python takes for the same without regard to case, and
// Cases does not.
var moreCases = [][]Range{
	{{'I', 'I'}, {'i', 'i'}, {'İ', 'ı'}},
	{{'K', 'K'}, {'k', 'k'}, {'\u212A', '\u212A'}},
	{{'S', 'S'}, {'s', 's'}, {'ſ', 'ſ'}},
	{{0x390, 0x390}, {0x1FD3, 0x1FD3}},
	{{0x3B0, 0x3B0}, {0x1FE3, 0x1FE3}},
	{{0xFB05, 0xFB06}},
}

// folded are the characters that a set takes under the flags.
func (p *python) folded(set []Range) []Range {
	if !p.flags.IgnoreCase {
		return set
	}
	all := slices.Clone(set)
	if p.flags.ascii {
		for _, r := range set {
			for _, letters := range []Range{{'A', 'Z'}, {'a', 'z'}} {
				if lo, hi := max(r.Lo, letters.Lo), min(r.Hi, letters.Hi); lo <= hi {
					all = append(all, Range{lo ^ 0x20, hi ^ 0x20})
				}
			}
		}
		return canonical(all)
	}
	for _, family := range moreCases {
		if slices.ContainsFunc(family, func(f Range) bool {
			return slices.ContainsFunc(set, func(r Range) bool { return r.Lo <= f.Hi && f.Lo <= r.Hi })
		}) {
			all = append(all, family...)
		}
	}
	return FoldRanges(canonical(all))
}

// group reads what follows the `(` at a place. It is nil for what is no item:
// flags, which are global, and a comment.
func (p *python) group(at int, first bool) (*Re, error) {
	for _, o := range openings {
		if !strings.HasPrefix(p.src[at:], o.text) {
			continue
		}
		p.pos = at + len(o.text)
		sub, err := p.body(at, p.flags)
		if err != nil {
			return nil, err
		}
		if _, ok := fixed(sub); o.feature == "look-behind" && !ok {
			return nil, p.fail(at, "the look-behind has no fixed length")
		}
		return &Re{Op: OpExtended, Text: o.text, Feature: o.feature, Subs: []*Re{sub}}, nil
	}
	name := ""
	switch {
	case p.take("?#"):
		if !p.skipTo(')') {
			return nil, p.fail(at, "the comment has no `)`")
		}
		return nil, nil
	case p.take("?:"):
		return p.body(at, p.flags)
	case p.take("?P="):
		name, err := p.name(at, ")")
		if err != nil {
			return nil, err
		}
		n := slices.Index(p.names, name)
		if n < 0 {
			return nil, p.fail(at, "no group is named %s", name)
		}
		return p.reference(at, n)
	case p.take("?P<"):
		var err error
		if name, err = p.name(at, ">"); err != nil {
			return nil, err
		}
		if slices.Contains(p.names, name) {
			return nil, p.fail(at, "a second group is named %s", name)
		}
	case p.take("?<"), p.take("?'"):
		return nil, p.fail(at, "a named group is written (?P<name>…)")
	case p.take("?("):
		return nil, p.fail(at, "a conditional is not supported")
	case p.take("?"):
		return p.flagged(at, first)
	}
	n := len(p.names)
	p.names, p.closed = append(p.names, name), append(p.closed, false)
	sub, err := p.body(at, p.flags)
	if err != nil {
		return nil, err
	}
	p.closed[n] = true
	return &Re{Op: OpGroup, Subs: []*Re{sub}}, nil
}

// body reads a group's alternatives under flags, and its `)`.
func (p *python) body(at int, flags pythonFlags) (*Re, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, p.fail(at, "nested more than %d deep", maxDepth)
	}
	was := p.flags
	p.flags = flags
	re, err := p.choice(false)
	if err != nil {
		return nil, err
	}
	p.flags = was
	p.depth--
	if !p.take(")") {
		return nil, p.fail(at, "the group has no `)`")
	}
	return re, nil
}

func (p *python) name(at int, close string) (string, error) {
	name, _, ok := strings.Cut(p.src[p.pos:], close)
	for i, r := range name {
		ok = ok && (r == '_' || unicode.IsLetter(r) || i > 0 && unicode.IsDigit(r))
	}
	if !ok || name == "" {
		return "", p.fail(at, "the name of the group is not well formed")
	}
	p.pos += len(name) + len(close)
	return name, nil
}

// flagged reads the flags of the whole, or those of a group and the group.
func (p *python) flagged(at int, first bool) (*Re, error) {
	flags, on, any := p.flags, true, false
	for p.pos < len(p.src) {
		here := p.pos
		switch c := p.next(); {
		case c == 'i':
			flags.IgnoreCase = on
		case c == 'm':
			flags.Multiline = on
		case c == 's':
			flags.DotAll = on
		case c == 'x':
			flags.verbose = on
		case c == 'a' && on, c == 'u' && on:
			flags.ascii = c == 'a'
		case c == '-' && on:
			on, any = false, false
			continue
		case c == ')' && on && any && !first:
			return nil, p.fail(at, "flags of the whole stand at its start")
		case c == ')' && on && any:
			p.flags = flags
			return nil, nil
		case c == ':' && any:
			return p.body(at, flags)
		default:
			return nil, p.fail(here, "unknown flag %q", c)
		}
		any = true
	}
	return nil, p.fail(at, "the group has no `)`")
}

func (p *python) reference(at, n int) (*Re, error) {
	switch {
	case n >= len(p.names):
		return nil, p.fail(at, "there is no group %d before this", n)
	case !p.closed[n]:
		return nil, p.fail(at, "a reference to a group that is not closed")
	case p.flags.IgnoreCase && p.flags.ascii:
		return nil, p.fail(at, "a reference to ASCII without regard to case is not supported")
	}
	return &Re{Op: OpExtended, Text: `\` + strconv.Itoa(n), Feature: "back-reference", Fold: p.flags.IgnoreCase}, nil
}

// escape reads what follows the `\` at a place, outside a class.
func (p *python) escape(at int) (x item, err error) {
	if p.pos == len(p.src) {
		return x, p.fail(at, "`\\` at the end")
	}
	switch c := p.src[p.pos]; {
	case c == 'A' || c == 'Z' || c == 'b' || c == 'B':
		p.pos++
		return item{p.assertion(c), assertion}, nil
	case '1' <= c && c <= '9':
		s := p.digitsUpTo(10, 2)
		if octal := p.src[p.pos-len(s):]; len(octal) > 2 && strings.Trim(octal[:3], "01234567") == "" {
			p.pos -= len(s)
			break
		}
		n, _ := strconv.Atoi(s)
		x.re, err = p.reference(at, n)
		return x, err
	}
	r, set, err := p.character(at)
	if set != nil {
		return item{re: Class(set, false)}, err
	}
	return item{re: p.literal(r)}, err
}

// assertion is the `\A` and the like; words are of letters of any script.
func (p *python) assertion(c byte) *Re {
	switch {
	case c == 'A':
		return &Re{Op: OpBeginText}
	case c == 'Z':
		return &Re{Op: OpEndText}
	case p.flags.ascii && c == 'b':
		return &Re{Op: OpWordBoundary}
	case p.flags.ascii:
		return &Re{Op: OpNoWordBoundary}
	}
	look := func(opening, feature string) *Re {
		return &Re{Op: OpExtended, Text: opening, Feature: feature, Subs: []*Re{Class(pythonWord(), false)}}
	}
	behind, notBehind := look("(?<=", "look-behind"), look("(?<!", "look-behind")
	ahead, notAhead := look("(?=", "look-ahead"), look("(?!", "look-ahead")
	if c == 'B' {
		return Alternate(Concat(behind, ahead), Concat(notBehind, notAhead))
	}
	return Alternate(Concat(behind, notAhead), Concat(notBehind, ahead))
}

// These are of Unicode; what has a number is of a word too.
var (
	pythonWord  = sync.OnceValue(func() []Range { return union(rangesOf(unicode.L, unicode.N), []Range{{'_', '_'}}) })
	pythonDigit = sync.OnceValue(func() []Range { return rangesOf(unicode.Nd) })
	pythonSpace = []Range{{'\t', '\r'}, {0x1C, ' '}, {0x85, 0x85}, {0xA0, 0xA0}, {0x1680, 0x1680}, {0x2000, 0x200A},
		{0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}}
)

// character reads the escape of a character, or of a set of them, in a class or
// outside of one.
func (p *python) character(at int) (r rune, set []Range, err error) {
	c := p.next()
	if i := strings.IndexRune("abfnrtv", c); i >= 0 {
		return rune("\a\b\f\n\r\t\v"[i]), nil, nil
	}
	switch c {
	case 'd', 'D':
		if set = digit; !p.flags.ascii {
			set = pythonDigit()
		}
	case 's', 'S':
		if set = space; !p.flags.ascii {
			set = pythonSpace
		}
	case 'w', 'W':
		if set = word; !p.flags.ascii {
			set = pythonWord()
		}
	case 'x', 'u', 'U':
		n := map[rune]int{'x': 2, 'u': 4, 'U': 8}[c]
		s := p.digitsUpTo(16, n)
		if len(s) < n {
			return 0, nil, p.fail(at, "the escape is not a character")
		}
		r, err = p.codePoint(at, s, 16)
		return r, nil, err
	case '0', '1', '2', '3', '4', '5', '6', '7':
		p.pos--
		s := p.digitsUpTo(8, 3)
		if r, err = p.codePoint(at, s, 8); r > 0o377 {
			err = p.fail(at, "the escape is not a character")
		}
		return r, nil, err
	default:
		if c < utf8.RuneSelf && isWord(byte(c)) && c != '_' {
			return 0, nil, p.fail(at, "`\\%c` is not of Python", c)
		}
		return c, nil, nil
	}
	if unicode.IsUpper(c) {
		set = Negate(set)
	}
	return 0, set, nil
}

// class reads what follows the `[` at a place.
func (p *python) class(at int) (*Re, error) {
	negated := p.take("^")
	var chars, sets []Range // sets keep their meaning without regard to case
	for first := true; first || !p.has("]"); first = false {
		here := p.pos
		lo, some, err := p.member(at)
		if err != nil {
			return nil, err
		}
		hi := lo
		if p.has("-") && !p.has("-]") {
			p.pos++
			var more []Range
			if hi, more, err = p.member(at); err != nil {
				return nil, err
			}
			if some != nil || more != nil {
				return nil, p.fail(here, "a range of classes")
			}
			if hi < lo {
				return nil, p.fail(here, "the range is out of order")
			}
		}
		if some == nil {
			chars = append(chars, Range{lo, hi})
		}
		sets = append(sets, some...)
	}
	p.pos++
	set := union(p.folded(canonical(chars)), sets)
	if negated {
		set = Negate(set)
	}
	return Class(set, false), nil
}

// member reads a character or an escape inside the class at a place.
func (p *python) member(at int) (rune, []Range, error) {
	here := p.pos
	switch {
	case p.pos == len(p.src):
		return 0, nil, p.fail(at, "the class has no `]`")
	case !p.take(`\`):
		return p.next(), nil, nil
	case p.pos == len(p.src):
		return 0, nil, p.fail(here, "`\\` at the end")
	}
	return p.character(here)
}
