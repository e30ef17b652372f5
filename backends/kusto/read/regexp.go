package read

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"sigmac/ir"
	"sigmac/regex"
)

// The flavour is that of Rust's regex, which the page "RE2 syntax" (now "Regex
// syntax") describes.

const (
	maxReGroups = 16 // page "matches regex operator"
	maxReSize   = 100_000
)

// regexp reads the expression in c; ok is false where the IR cannot hold what
// the expression means.
func (r *reader) regexp(c value) (t ir.Regexp, ok bool) {
	p := &rustParser{src: c.text}
	re, err := p.parse()
	if r.steps -= p.size; r.steps < 0 {
		tooMuch(c.pos)
	}
	switch {
	case err != nil && err.beyond:
		return t, false
	case err != nil:
		refuse(c.pos, fmt.Sprintf("regular expression at byte %d: %s", err.at, err.msg))
	}
	// Two expressions with one Source must mean the same.
	source := c.text
	if pcre, err := ir.ParseRegexp(source, regex.Flags{}); err != nil || !reflect.DeepEqual(pcre.Re, re) {
		source = "(*UCP)" + source
	}
	return ir.Regexp{Source: source, Re: re}, true
}

type rustError struct {
	at     int
	msg    string
	beyond bool // right, but the IR cannot hold it
}

type rustFlags struct{ i, m, s, swap, x, bytes bool }

type rustParser struct {
	src    string
	at     int
	flags  rustFlags
	depth  int
	groups int
	names  map[string]bool
	size   int
}

func (p *rustParser) fail(at int, msg string) { panic(&rustError{at: at, msg: msg}) }
func (p *rustParser) beyond(at int)           { panic(&rustError{at: at, beyond: true}) }

func (p *rustParser) parse() (re *regex.Re, err *rustError) {
	defer func() {
		if e := recover(); e != nil {
			var ok bool
			if err, ok = e.(*rustError); !ok {
				panic(e)
			}
		}
	}()
	re = p.alternatives()
	if p.at < len(p.src) {
		p.fail(p.at, "`)` without `(`")
	}
	return re, nil
}

func (p *rustParser) has(s string) bool { return strings.HasPrefix(p.src[p.at:], s) }

func (p *rustParser) take(s string) bool {
	ok := p.has(s)
	if ok {
		p.at += len(s)
	}
	return ok
}

func (p *rustParser) rune() rune {
	if p.at == len(p.src) {
		p.fail(p.at, "the expression ends too early")
	}
	r, n := utf8.DecodeRuneInString(p.src[p.at:])
	p.at += n
	return r
}

// skip steps over what the flag x leaves out.
func (p *rustParser) skip() {
	for p.flags.x && p.at < len(p.src) {
		r, n := utf8.DecodeRuneInString(p.src[p.at:])
		switch {
		case unicode.IsSpace(r):
			p.at += n
		case r == '#':
			if n := strings.IndexByte(p.src[p.at:], '\n'); n >= 0 {
				p.at += n
			} else {
				p.at = len(p.src)
			}
		default:
			return
		}
	}
}

func sequence(subs []*regex.Re) *regex.Re {
	var out []*regex.Re
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

func choice(subs []*regex.Re) *regex.Re {
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

func (p *rustParser) alternatives() *regex.Re {
	if p.depth++; p.depth > maxNesting {
		p.fail(p.at, "nested too deeply")
	}
	defer func() { p.depth-- }()
	var alts, seq []*regex.Re
	for {
		p.skip()
		switch {
		case p.at == len(p.src) || p.has(")"):
			return choice(append(alts, sequence(seq)))
		case p.take("|"):
			alts, seq = append(alts, sequence(seq)), nil
		default:
			seq = append(seq, p.repeated())
		}
	}
}

// repeated reads an atom and its quantifiers; Rust stacks them.
func (p *rustParser) repeated() *regex.Re {
	start := p.at
	if strings.ContainsRune("*+?{", rune(p.src[p.at])) {
		p.fail(start, "nothing to repeat")
	}
	re, atom := p.atom()
	for stacked := 0; ; stacked++ {
		p.skip()
		at := p.at
		lo, hi := 0, -1
		switch {
		case p.take("*"):
		case p.take("+"):
			lo = 1
		case p.take("?"):
			hi = 1
		case p.take("{"):
			lo, hi = p.counts(at)
		default:
			return re
		}
		if !atom {
			p.fail(at, "nothing to repeat")
		}
		re = &regex.Re{Op: regex.OpRepeat, Subs: []*regex.Re{re}, Min: lo, Max: hi, Lazy: p.take("?") != p.flags.swap}
		if stacked > 10 {
			p.fail(at, "too many quantifiers")
		}
		p.grow(reWeight(re))
	}
}

func (p *rustParser) grow(n int) {
	if p.size += n; p.size > maxReSize {
		p.beyond(p.at)
	}
}

func reWeight(re *regex.Re) int {
	n := 1 + len(re.Ranges)
	for _, s := range re.Subs {
		n += reWeight(s)
	}
	if re.Op == regex.OpRepeat {
		n *= max(re.Min, re.Max, 1)
	}
	return min(n, 2*maxReSize)
}

func (p *rustParser) counts(start int) (lo, hi int) {
	number := func() (int, bool) {
		p.at += len(p.src[p.at:]) - len(strings.TrimLeft(p.src[p.at:], " \t"))
		n := digitCount(p.src[p.at:], 10)
		v, err := strconv.Atoi("0" + p.src[p.at:p.at+n])
		if err != nil || v > 1<<20 {
			p.beyond(start)
		}
		p.at += n
		p.at += len(p.src[p.at:]) - len(strings.TrimLeft(p.src[p.at:], " \t"))
		return v, n > 0
	}
	lo, ok := number()
	hi = lo
	if ok && p.take(",") {
		if hi, ok = number(); !ok {
			hi, ok = -1, true
		}
	}
	if !ok || !p.take("}") || hi >= 0 && hi < lo {
		p.fail(start, "not a count")
	}
	return lo, hi
}

func digitCount(s string, base int) int {
	for i, c := range s {
		if !strings.ContainsRune("0123456789abcdef"[:base], unicode.ToLower(c)) {
			return i
		}
	}
	return len(s)
}

// atom reads one element; atom is false for flags, which cannot be repeated.
func (p *rustParser) atom() (re *regex.Re, atom bool) {
	start := p.at
	switch c := p.rune(); c {
	case '(':
		return p.group(start)
	case '[':
		set, raw, fold := p.class(start)
		if raw != nil {
			return p.set(raw, fold), true
		}
		return p.set(set, false), true
	case '.':
		if p.flags.bytes {
			p.fail(start, "matches what is no text")
		}
		if p.flags.s {
			return &regex.Re{Op: regex.OpAny}, true
		}
		return &regex.Re{Op: regex.OpAnyNotNewline}, true
	case '^':
		if p.flags.m {
			return &regex.Re{Op: regex.OpBehindLine}, true
		}
		return &regex.Re{Op: regex.OpBeginText}, true
	case '$':
		if p.flags.m {
			return &regex.Re{Op: regex.OpEndLine}, true
		}
		return &regex.Re{Op: regex.OpEndText}, true
	case '\\':
		return p.escape(start), true
	default:
		return p.literal(c), true
	}
}

func (p *rustParser) literal(c rune) *regex.Re {
	return &regex.Re{Op: regex.OpLiteral, Rune: c, Fold: p.flags.i && len(regex.Cases(c)) > 1 && (c < utf8.RuneSelf || !p.flags.bytes)}
}

func (p *rustParser) set(ranges []regex.Range, fold bool) *regex.Re {
	p.grow(len(ranges))
	switch {
	case len(ranges) == 1 && ranges[0].Lo == ranges[0].Hi:
		return &regex.Re{Op: regex.OpLiteral, Rune: ranges[0].Lo, Fold: fold}
	case slices.Equal(ranges, []regex.Range{{Lo: 0, Hi: unicode.MaxRune}}):
		return &regex.Re{Op: regex.OpAny}
	case slices.Equal(ranges, []regex.Range{{Lo: 0, Hi: '\n' - 1}, {Lo: '\n' + 1, Hi: unicode.MaxRune}}):
		return &regex.Re{Op: regex.OpAnyNotNewline}
	}
	return &regex.Re{Op: regex.OpClass, Ranges: ranges, Fold: fold}
}

// group reads what follows `(`. Flags alone last to the end of the group
// around them.
func (p *rustParser) group(start int) (re *regex.Re, atom bool) {
	flags := p.flags
	switch {
	case !p.take("?"):
		p.capture(start, "")
	case p.has("=") || p.has("!") || p.has("<=") || p.has("<!"):
		p.fail(start, "there is no look-around")
	case p.take("P<") || p.take("<"):
		end := strings.IndexByte(p.src[p.at:], '>')
		if end < 0 {
			p.fail(start, "the name of the group has no end")
		}
		name := p.src[p.at : p.at+end]
		p.at += end + 1
		p.capture(start, name)
	default:
		if p.setFlags(start) {
			return &regex.Re{Op: regex.OpEmpty}, false
		}
	}
	re = p.alternatives()
	if !p.take(")") {
		p.fail(start, "the group is not closed")
	}
	p.flags = flags
	return re, true
}

func (p *rustParser) capture(start int, name string) {
	if p.groups++; p.groups > maxReGroups {
		p.fail(start, "more than 16 groups")
	}
	if name == "" {
		if p.src[p.at-1] == '>' {
			p.fail(start, "the group has no name")
		}
		return
	}
	for i, c := range name {
		if c != '_' && !unicode.IsLetter(c) && (i == 0 || !unicode.IsDigit(c) && !strings.ContainsRune(".[]", c)) {
			p.fail(start, "not a name of a group")
		}
	}
	if p.names[name] {
		p.fail(start, "two groups of one name")
	}
	if p.names == nil {
		p.names = map[string]bool{}
	}
	p.names[name] = true
}

// setFlags reads `i-s:` or `i-s)`; alone is true for the latter.
func (p *rustParser) setFlags(start int) (alone bool) {
	on, any, seen := true, false, map[rune]bool{}
	for {
		c := p.rune()
		switch c {
		case ':', ')':
			if !on && !any || c == ')' && len(seen) == 0 {
				p.fail(start, "flags without a name")
			}
			return c == ')'
		case '-':
			if !on {
				p.fail(start, "two negations of flags")
			}
			on, any = false, false
			continue
		case 'i':
			p.flags.i = on
		case 'm':
			p.flags.m = on
		case 's':
			p.flags.s = on
		case 'U':
			p.flags.swap = on
		case 'x':
			p.flags.x = on
		case 'u':
			p.flags.bytes = !on
		case 'R':
			if on {
				p.beyond(start)
			}
		default:
			p.fail(start, "no flag "+strconv.QuoteRune(c))
		}
		if seen[c] {
			p.fail(start, "a flag twice")
		}
		seen[c], any = true, true
	}
}

// escape reads what follows a backslash outside a class.
func (p *rustParser) escape(start int) *regex.Re {
	at := p.at
	switch c := p.rune(); c {
	case 'A':
		return &regex.Re{Op: regex.OpBeginText}
	case 'z':
		return &regex.Re{Op: regex.OpEndText}
	case 'B':
		return p.border(false, start)
	case 'b':
		for _, name := range []string{"{start}", "{end}", "{start-half}", "{end-half}"} {
			if p.take(name) {
				return p.wordEdge(name)
			}
		}
		return p.border(true, start)
	case '<':
		return p.wordEdge("{start}")
	case '>':
		return p.wordEdge("{end}")
	}
	p.at = at
	if set, ok := p.setEscape(start); ok {
		return p.set(set, false)
	}
	return p.literal(p.charEscape(start))
}

func look(text, feature string, sub *regex.Re) *regex.Re {
	return &regex.Re{Op: regex.OpExtended, Text: text, Feature: feature, Subs: []*regex.Re{sub}}
}

func (p *rustParser) looks() (after, notAfter, before, notBefore *regex.Re) {
	word := p.set(p.word(), false)
	p.grow(4 * len(word.Ranges))
	return look("(?<=", "look-behind", word), look("(?<!", "look-behind", word),
		look("(?=", "look-ahead", word), look("(?!", "look-ahead", word)
}

// border is \b or \B. The IR's own is of ASCII words.
func (p *rustParser) border(is bool, start int) *regex.Re {
	switch {
	case p.flags.bytes && is:
		return &regex.Re{Op: regex.OpWordBoundary}
	case p.flags.bytes:
		return &regex.Re{Op: regex.OpNoWordBoundary}
	}
	after, notAfter, before, notBefore := p.looks()
	if is {
		before, notBefore = notBefore, before
	}
	return choice([]*regex.Re{sequence([]*regex.Re{after, before}), sequence([]*regex.Re{notAfter, notBefore})})
}

func (p *rustParser) wordEdge(name string) *regex.Re {
	after, notAfter, before, notBefore := p.looks()
	switch name {
	case "{start}":
		return sequence([]*regex.Re{notAfter, before})
	case "{end}":
		return sequence([]*regex.Re{after, notBefore})
	case "{start-half}":
		return notAfter
	}
	return notBefore
}

func (p *rustParser) word() []regex.Range {
	if p.flags.bytes {
		return canonical([]regex.Range{{Lo: '0', Hi: '9'}, {Lo: 'A', Hi: 'Z'}, {Lo: '_', Hi: '_'}, {Lo: 'a', Hi: 'z'}})
	}
	return wordRanges()
}

// wordRanges is \w of Unicode Technical Standard 18, Annex C.
var wordRanges = sync.OnceValue(func() []regex.Range {
	return tables(unicode.L, unicode.Nl, unicode.Other_Alphabetic, unicode.M, unicode.Nd, unicode.Pc, unicode.Join_Control)
})

func tables(ts ...*unicode.RangeTable) []regex.Range {
	var out []regex.Range
	add := func(lo, hi, stride rune) {
		if stride == 1 {
			out = append(out, regex.Range{Lo: lo, Hi: hi})
			return
		}
		for r := lo; r <= hi; r += stride {
			out = append(out, regex.Range{Lo: r, Hi: r})
		}
	}
	for _, t := range ts {
		for _, r := range t.R16 {
			add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
		}
		for _, r := range t.R32 {
			add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
		}
	}
	return canonical(out)
}

// canonical sorts and joins ranges, and leaves out surrogates, which no text
// holds.
func canonical(rs []regex.Range) []regex.Range {
	rs = slices.Clone(rs)
	slices.SortFunc(rs, func(a, b regex.Range) int { return int(a.Lo - b.Lo) })
	var out []regex.Range
	for _, r := range rs {
		if 0xD800 <= r.Lo && r.Lo <= 0xDFFF {
			r.Lo = 0xE000
		}
		if 0xD800 <= r.Hi && r.Hi <= 0xDFFF {
			r.Hi = 0xD7FF
		}
		n := len(out) - 1
		switch {
		case r.Lo > r.Hi:
		case n >= 0 && (r.Lo <= out[n].Hi+1 || r.Lo == 0xE000 && out[n].Hi == 0xD7FF):
			out[n].Hi = max(out[n].Hi, r.Hi)
		default:
			out = append(out, r)
		}
	}
	return out
}

// setEscape reads \d and its kin, and \p.
func (p *rustParser) setEscape(start int) (set []regex.Range, ok bool) {
	at := p.at
	c := p.rune()
	switch unicode.ToLower(c) {
	case 'd':
		if set = tables(unicode.Nd); p.flags.bytes {
			set = []regex.Range{{Lo: '0', Hi: '9'}}
		}
	case 's':
		if set = tables(unicode.White_Space); p.flags.bytes {
			set = []regex.Range{{Lo: '\t', Hi: '\r'}, {Lo: ' ', Hi: ' '}}
		}
	case 'w':
		set = p.word()
	case 'p':
		if p.flags.bytes {
			p.fail(start, "no Unicode class without the flag u")
		}
		set = p.property(start)
	default:
		p.at = at
		return nil, false
	}
	p.grow(len(set))
	if unicode.IsUpper(c) {
		set = p.negate(set, start)
	}
	return set, true
}

func (p *rustParser) negate(set []regex.Range, start int) []regex.Range {
	if p.flags.bytes {
		p.fail(start, "matches what is no text")
	}
	return regex.Negate(set)
}

// folded is the set with the case variants of its characters.
func (p *rustParser) folded(set []regex.Range) []regex.Range {
	if !p.flags.i {
		return set
	}
	if !p.flags.bytes {
		return regex.FoldRanges(set)
	}
	out := slices.Clone(set)
	for c := 'a'; c <= 'z'; c++ {
		for _, r := range set {
			if r.Lo <= c && c <= r.Hi {
				out = append(out, regex.Range{Lo: c - 32, Hi: c - 32})
			}
			if r.Lo <= c-32 && c-32 <= r.Hi {
				out = append(out, regex.Range{Lo: c, Hi: c})
			}
		}
	}
	return canonical(out)
}

// property reads what follows \p.
func (p *rustParser) property(start int) []regex.Range {
	name := string(p.rune())
	negated := false
	if name == "{" {
		end := strings.IndexByte(p.src[p.at:], '}')
		if end < 0 {
			p.fail(start, "the class has no end")
		}
		name = p.src[p.at : p.at+end]
		p.at += end + 1
		name, negated = strings.CutPrefix(name, "^")
		for _, sep := range []string{"!=", "=", ":"} {
			if _, v, ok := strings.Cut(name, sep); ok {
				name, negated = v, sep == "!="
				break
			}
		}
	}
	loose := strings.NewReplacer("_", "", "-", "", " ", "")
	name = strings.ToLower(loose.Replace(name))
	set, ok := unicodeClasses()[name]
	if !ok {
		p.beyond(start)
	}
	set = p.folded(set)
	if negated {
		return regex.Negate(set)
	}
	return set
}

// unicodeClasses are the categories, scripts and properties that Go has, under
// their loose names.
var unicodeClasses = sync.OnceValue(func() map[string][]regex.Range {
	out := map[string][]regex.Range{
		"any":        {{Lo: 0, Hi: unicode.MaxRune}},
		"ascii":      {{Lo: 0, Hi: 0x7F}},
		"alphabetic": tables(unicode.L, unicode.Nl, unicode.Other_Alphabetic),
	}
	loose := strings.NewReplacer("_", "", "-", "")
	for _, m := range []map[string]*unicode.RangeTable{unicode.Properties, unicode.Scripts, unicode.Categories} {
		for name, t := range m {
			out[strings.ToLower(loose.Replace(name))] = tables(t)
		}
	}
	for short, long := range map[string]string{"L": "letter", "Lu": "uppercaseletter", "Ll": "lowercaseletter", "M": "mark",
		"N": "number", "Nd": "decimalnumber", "P": "punctuation", "S": "symbol", "Z": "separator", "C": "other", "Cc": "control"} {
		out[long] = out[strings.ToLower(short)]
	}
	return out
})

// charEscape reads an escape that stands for one character.
func (p *rustParser) charEscape(start int) rune {
	c := p.rune()
	if i := strings.IndexRune("aftnrv", c); i >= 0 {
		return rune("\a\f\t\n\r\v"[i])
	}
	length, ok := map[rune]int{'x': 2, 'u': 4, 'U': 8}[c]
	switch {
	case !ok && c < utf8.RuneSelf && !unicode.IsLetter(c) && !unicode.IsDigit(c) && c != '<' && c != '>':
		return c
	case !ok:
		p.fail(start, "no escape \\"+string(c))
	}
	s := p.src[p.at:]
	if strings.HasPrefix(s, "{") {
		end := strings.IndexByte(s, '}')
		if end < 0 || digitCount(s[1:end], 16) < end-1 {
			p.fail(start, "not a number of a character")
		}
		p.at += end + 1
		return p.codePoint(start, s[1:end])
	}
	if digitCount(s, 16) < length {
		p.fail(start, "not a number of a character")
	}
	p.at += length
	return p.codePoint(start, s[:length])
}

func (p *rustParser) codePoint(start int, hex string) rune {
	v, err := strconv.ParseUint(hex, 16, 32)
	if err != nil || v > unicode.MaxRune || 0xD800 <= v && v < 0xE000 {
		p.fail(start, "not a number of a character")
	}
	if p.flags.bytes && v > 0x7F {
		p.fail(start, "matches what is no text")
	}
	return rune(v)
}

// class reads what follows `[`. Where it is neither negated nor an operation,
// raw is the set as written, and fold says that case is ignored.
func (p *rustParser) class(start int) (set, raw []regex.Range, fold bool) {
	if p.depth++; p.depth > maxNesting {
		p.fail(start, "nested too deeply")
	}
	defer func() { p.depth-- }()
	p.skip()
	negated := p.take("^")
	p.skip()
	var items, left []regex.Range
	op := ""
	for p.take("-") {
		items = append(items, regex.Range{Lo: '-', Hi: '-'})
		p.skip()
	}
	if len(items) == 0 && p.take("]") {
		items = append(items, regex.Range{Lo: ']', Hi: ']'})
	}
	join := func() {
		right := p.folded(canonical(items))
		switch op {
		case "":
			left = right
		case "&&":
			left = both(left, right)
		case "--":
			left = both(left, regex.Negate(right))
		case "~~":
			left = canonical(append(both(left, regex.Negate(right)), both(right, regex.Negate(left))...))
		}
		items = nil
	}
	for {
		p.skip()
		switch {
		case p.at == len(p.src):
			p.fail(start, "the class is not closed")
		case p.take("]"):
			plain := canonical(items)
			join()
			if negated {
				return p.negate(left, start), nil, false
			}
			if p.flags.bytes && p.flags.i || op != "" {
				return left, nil, false
			}
			return left, plain, p.flags.i && !slices.Equal(left, plain)
		case p.has("&&") || p.has("--") || p.has("~~"):
			join()
			op = p.src[p.at : p.at+2]
			p.at += 2
		default:
			items = append(items, p.item()...)
			p.grow(1)
		}
	}
}

func both(a, b []regex.Range) []regex.Range {
	return regex.Negate(canonical(append(regex.Negate(a), regex.Negate(b)...)))
}

var posixClasses = map[string]string{"alnum": "0-9A-Za-z", "alpha": "A-Za-z", "ascii": "\x00-\x7f", "blank": "\t-\t - ",
	"cntrl": "\x00-\x1f\x7f-\x7f", "digit": "0-9", "graph": "!-~", "lower": "a-z", "print": " -~",
	"punct": "!-/:-@[-`{-~", "space": "\t-\r - ", "upper": "A-Z", "word": "0-9A-Z_-_a-z", "xdigit": "0-9A-Fa-f"}

// item reads an element of a class: a class, a character or a range.
func (p *rustParser) item() []regex.Range {
	start := p.at
	if p.has("[:") {
		if end := strings.Index(p.src[p.at:], ":]"); end >= 0 {
			name, negated := strings.CutPrefix(p.src[p.at+2:p.at+end], "^")
			if s, ok := posixClasses[name]; ok {
				p.at += end + 2
				var set []regex.Range
				for rs := []rune(s); len(rs) > 0; {
					set, rs = append(set, regex.Range{Lo: rs[0], Hi: rs[2]}), rs[3:]
				}
				set = p.folded(canonical(set))
				if negated {
					set = p.negate(set, start)
				}
				return set
			}
		}
	}
	if p.take("[") {
		set, _, _ := p.class(start)
		p.grow(len(set))
		return set
	}
	lo, set := p.classChar()
	if set != nil {
		return set
	}
	p.skip()
	if !p.has("-") || p.has("--") || p.has("-]") {
		return []regex.Range{{Lo: lo, Hi: lo}}
	}
	p.at++
	p.skip()
	hi, set := p.classChar()
	if set != nil || hi < lo {
		p.fail(start, "not a range")
	}
	return []regex.Range{{Lo: lo, Hi: hi}}
}

func (p *rustParser) classChar() (rune, []regex.Range) {
	start := p.at
	if !p.take(`\`) {
		return p.rune(), nil
	}
	if set, ok := p.setEscape(start); ok {
		if set == nil {
			set = []regex.Range{}
		}
		return 0, set
	}
	return p.charEscape(start), nil
}
