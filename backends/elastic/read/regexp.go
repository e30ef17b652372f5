package read

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"sigmac/ir"
	"sigmac/regex"
)

// maxAtoms bounds a regular expression once every repetition is written out.
const maxAtoms = 50_000

// A luceneParser follows Lucene's RegExp.java, with all its flags on (flags_value
// 255), step by step: where an atom must stand, any character is one.
type luceneParser struct {
	src    string
	at     int
	fold   bool // `regex~`: single characters fold, ranges do not (lucene#14378)
	beyond bool // a complement or an intersection, which a Re cannot hold
	depth  int
	pos    ir.Pos
}

// luceneTree reads a regular expression over a whole value. It is nil where a Re
// cannot hold it, or where versions of Lucene differ.
func luceneTree(src string, fold bool, pos ir.Pos) *regex.Re {
	p := &luceneParser{src: src, fold: fold, pos: pos}
	re := &regex.Re{Op: regex.OpEmpty}
	if src != "" {
		re = p.union()
	}
	if p.more() {
		p.fail("nothing may follow")
	}
	if p.beyond || atoms(re) > maxAtoms {
		return nil
	}
	return re
}

// whole is subs over a whole value. Source must tell it apart from every other
// expression.
func whole(subs ...*regex.Re) ir.Test {
	re := sequence(append(append([]*regex.Re{{Op: regex.OpBeginText}}, subs...), &regex.Re{Op: regex.OpEndText})...)
	source, err := re.Go()
	if err != nil {
		panic("elastic: " + err.Error())
	}
	return ir.Regexp{Source: source, Re: re}
}

// luceneTest is the test of a whole value that an expression is, or nil where the
// representation has none.
func luceneTest(src string, fold bool, pos ir.Pos) ir.Test {
	if re := luceneTree(src, fold, pos); re != nil {
		return whole(re)
	}
	return nil
}

func atoms(re *regex.Re) int {
	n := 1
	for _, s := range re.Subs {
		n = min(n+atoms(s), maxAtoms+1)
	}
	if re.Op == regex.OpRepeat {
		n = min(n*max(re.Min, re.Max, 1), maxAtoms+1)
	}
	return n
}

func (p *luceneParser) fail(msg string) {
	panic(&ir.Diagnostic{Pos: p.pos, Msg: "regular expression: " + msg + " at " + strconv.Itoa(utf8.RuneCountInString(p.src[:p.at])+1)})
}

func (p *luceneParser) more() bool { return p.at < len(p.src) }

func (p *luceneParser) peek(set string) bool {
	return p.more() && strings.IndexByte(set, p.src[p.at]) >= 0
}

func (p *luceneParser) match(c byte) bool {
	ok := p.more() && p.src[p.at] == c
	if ok {
		p.at++
	}
	return ok
}

func (p *luceneParser) next() rune {
	if !p.more() {
		p.fail("it ends too early")
	}
	r, n := utf8.DecodeRuneInString(p.src[p.at:])
	p.at += n
	return r
}

func (p *luceneParser) need(c byte) {
	if !p.match(c) {
		p.fail("`" + string(c) + "` is missing")
	}
}

func (p *luceneParser) nest() {
	if p.depth++; p.depth > maxNesting {
		p.fail("nested too deeply")
	}
}

func (p *luceneParser) union() *regex.Re {
	subs := []*regex.Re{p.intersection()}
	for p.match('|') {
		subs = append(subs, p.intersection())
	}
	return alternatives(subs...)
}

func (p *luceneParser) intersection() *regex.Re {
	re := p.concat()
	for p.match('&') {
		p.beyond = true
		p.concat()
	}
	return re
}

func (p *luceneParser) concat() *regex.Re {
	subs := []*regex.Re{p.repeat()}
	for p.more() && !p.peek(")|&") {
		subs = append(subs, p.repeat())
	}
	return sequence(subs...)
}

// repeat reads an atom and its quantifiers: `a+?` is `(a+)?`.
func (p *luceneParser) repeat() *regex.Re {
	re := p.complement()
	depth := p.depth
	for ; p.peek("?*+{"); p.nest() {
		switch p.next() {
		case '?':
			re = repeated(re, 0, 1)
		case '*':
			re = repeated(re, 0, -1)
		case '+':
			re = repeated(re, 1, -1)
		default:
			lo := p.number()
			hi := lo
			if p.match(',') {
				if hi = -1; p.peek("0123456789") {
					hi = p.number()
				}
			}
			p.need('}')
			re = repeated(re, lo, hi)
		}
	}
	p.depth = depth
	return re
}

func (p *luceneParser) number() int {
	start := p.at
	for p.peek("0123456789") {
		p.at++
	}
	n, err := strconv.ParseInt(p.src[start:p.at], 10, 32)
	if err != nil {
		p.fail("a number is missing")
	}
	return int(n)
}

func (p *luceneParser) complement() *regex.Re {
	if !p.match('~') {
		return p.atom()
	}
	p.beyond = true
	p.nest()
	defer func() { p.depth-- }()
	return p.complement()
}

func (p *luceneParser) atom() *regex.Re {
	switch {
	case p.match('['):
		return p.class()
	case p.match('.'):
		return &regex.Re{Op: regex.OpAny}
	case p.match('#'):
		return nothing()
	case p.match('@'):
		return anyText()
	case p.match('"'):
		text, rest, ok := strings.Cut(p.src[p.at:], `"`)
		if !ok {
			p.fail("`\"` is missing")
		}
		p.at = len(p.src) - len(rest)
		subs := []*regex.Re{}
		for _, r := range text {
			subs = append(subs, p.letter(r))
		}
		return sequence(subs...)
	case p.match('('):
		if p.match(')') {
			return &regex.Re{Op: regex.OpEmpty}
		}
		p.nest()
		re := p.union()
		p.depth--
		p.need(')')
		return re
	case p.match('<'):
		return p.interval()
	}
	if set := p.predefined(); set != nil {
		return &regex.Re{Op: regex.OpClass, Ranges: set}
	}
	return p.letter(p.char())
}

func (p *luceneParser) char() rune {
	p.match('\\')
	return p.next()
}

// predefined reads `\d` and its kin. Another letter after a backslash is itself
// in Lucene 8 and an error since.
func (p *luceneParser) predefined() []regex.Range {
	if !p.more() || p.src[p.at] != '\\' || p.at+1 == len(p.src) {
		return nil
	}
	c := p.src[p.at+1]
	set := map[byte][]regex.Range{
		'd': {{Lo: '0', Hi: '9'}},
		's': {{Lo: '\t', Hi: '\n'}, {Lo: '\r', Hi: '\r'}, {Lo: ' ', Hi: ' '}},
		'w': {{Lo: '0', Hi: '9'}, {Lo: 'A', Hi: 'Z'}, {Lo: '_', Hi: '_'}, {Lo: 'a', Hi: 'z'}},
	}[c|0x20]
	switch lower := c | 0x20; {
	case lower < 'a' || lower > 'z' || c >= utf8.RuneSelf:
		return nil
	case set == nil:
		p.fail("`\\" + string(c) + "` is no class")
	}
	p.at += 2
	if c < 'a' {
		return regex.Negate(set)
	}
	return set
}

// class reads what follows a `[`. Its first character is one even if it is `]`.
func (p *luceneParser) class() *regex.Re {
	negated := p.match('^')
	var set []regex.Range
	for first := true; first || p.more() && !p.peek("]"); first = false {
		if pre := p.predefined(); pre != nil {
			set = append(set, pre...)
			continue
		}
		lo := p.char()
		if !p.match('-') {
			for _, r := range p.cases(lo) {
				set = append(set, regex.Range{Lo: r, Hi: r})
			}
			continue
		}
		hi := p.char()
		if hi < lo {
			p.fail("a range is out of order")
		}
		set = append(set, regex.Range{Lo: lo, Hi: hi})
	}
	p.need(']')
	if set = canonical(set); negated {
		set = regex.Negate(set)
	}
	return &regex.Re{Op: regex.OpClass, Ranges: set}
}

// cases are the characters that c stands for. Of letters beyond ASCII, older
// versions of Lucene fold none and newer ones all.
func (p *luceneParser) cases(c rune) []rune {
	if !p.fold {
		return []rune{c}
	}
	all := regex.Cases(c)
	p.beyond = p.beyond || c >= utf8.RuneSelf && len(all) > 1
	return all
}

func (p *luceneParser) letter(c rune) *regex.Re {
	p.cases(c)
	return letter(c, p.fold)
}

// interval reads what follows a `<`: numbers in decimal, of as many digits as
// the bounds have, or, where these differ, with any number of zeros before them
// (Automata.makeDecimalInterval).
func (p *luceneParser) interval() *regex.Re {
	text, rest, closed := strings.Cut(p.src[p.at:], ">")
	lo, hi, _ := strings.Cut(text, "-")
	from, err1 := strconv.ParseUint(lo, 10, 31)
	to, err2 := strconv.ParseUint(hi, 10, 31)
	if !closed || err1 != nil || err2 != nil {
		p.fail("`<` starts no interval")
	}
	p.at = len(p.src) - len(rest)
	if from > to {
		from, to, lo, hi = to, from, hi, lo
	}
	if len(lo) == len(hi) {
		return decimals(lo, hi)
	}
	lo, hi = strconv.FormatUint(from, 10), strconv.FormatUint(to, 10)
	var subs []*regex.Re
	for n := len(lo); n <= len(hi); n++ {
		a, b := "1"+strings.Repeat("0", n-1), strings.Repeat("9", n)
		if n == len(lo) {
			a = lo
		}
		if n == len(hi) {
			b = hi
		}
		subs = append(subs, decimals(a, b))
	}
	return sequence(repeated(letter('0', false), 0, -1), alternatives(subs...))
}

// decimals are the numbers from lo to hi, which have equally many digits.
func decimals(lo, hi string) *regex.Re {
	if lo == "" {
		return &regex.Re{Op: regex.OpEmpty}
	}
	n := len(lo) - 1
	digit := func(a, b byte, rest *regex.Re) *regex.Re {
		return sequence(&regex.Re{Op: regex.OpClass, Ranges: []regex.Range{{Lo: rune(a), Hi: rune(b)}}}, rest)
	}
	if lo[0] == hi[0] {
		return digit(lo[0], lo[0], decimals(lo[1:], hi[1:]))
	}
	zeros, nines := strings.Repeat("0", n), strings.Repeat("9", n)
	subs := []*regex.Re{digit(lo[0], lo[0], decimals(lo[1:], nines))}
	if lo[0]+1 < hi[0] {
		subs = append(subs, digit(lo[0]+1, hi[0]-1, decimals(zeros, nines)))
	}
	return alternatives(append(subs, digit(hi[0], hi[0], decimals(zeros, hi[1:])))...)
}

// canonical sorts and joins ranges; NegateRanges cares for the surrogates.
func canonical(set []regex.Range) []regex.Range {
	slices.SortFunc(set, func(a, b regex.Range) int { return int(a.Lo - b.Lo) })
	out := set[:0]
	for _, r := range set {
		if n := len(out); n > 0 && r.Lo <= out[n-1].Hi+1 {
			out[n-1].Hi = max(out[n-1].Hi, r.Hi)
		} else {
			out = append(out, r)
		}
	}
	return regex.Negate(regex.Negate(out))
}

// letter is c, or where fold asks for it and c is an ASCII letter, in both
// cases.
func letter(c rune, fold bool) *regex.Re {
	return &regex.Re{Op: regex.OpLiteral, Rune: c, Fold: fold && c < utf8.RuneSelf && len(regex.Cases(c)) > 1}
}

func anyText() *regex.Re { return repeated(&regex.Re{Op: regex.OpAny}, 0, -1) }
func nothing() *regex.Re { return &regex.Re{Op: regex.OpClass} }

func repeated(re *regex.Re, lo, hi int) *regex.Re {
	switch {
	case hi >= 0 && lo > hi:
		return nothing()
	case hi == 0:
		return &regex.Re{Op: regex.OpEmpty}
	}
	return &regex.Re{Op: regex.OpRepeat, Min: lo, Max: hi, Subs: []*regex.Re{re}}
}

func sequence(subs ...*regex.Re) *regex.Re     { return joined(regex.OpConcat, subs) }
func alternatives(subs ...*regex.Re) *regex.Re { return joined(regex.OpAlternate, subs) }

func joined(op regex.Op, subs []*regex.Re) *regex.Re {
	switch len(subs) {
	case 0:
		return &regex.Re{Op: regex.OpEmpty}
	case 1:
		return subs[0]
	}
	return &regex.Re{Op: op, Subs: subs}
}
