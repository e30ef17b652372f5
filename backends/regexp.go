package backends

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"sigmac/ir"
)

// A ReDialect is a way to write a regular expression.
type ReDialect struct {
	extended bool // has look-around, back-references and the like
	ascii    bool // \d \w \s \b are of ASCII
	escape   func(r rune, inClass bool) string
}

// PCRE is the dialect of Splunk. A text in it stays the same whatever a search
// unescapes on the way: it holds no quote or backtick, and no backslash before
// a backslash or a pipe.
var PCRE = ReDialect{extended: true, ascii: true, escape: escapePCRE}

// Rust is the dialect of Kusto, that of the Rust crate regex.
var Rust = ReDialect{escape: escapeRust}

func escapePCRE(r rune, inClass bool) string {
	switch {
	case strings.ContainsRune("\\\"`*|$", r) || r < 0x100 && !unicode.IsPrint(r):
		return fmt.Sprintf(`\x%02X`, r)
	case !unicode.IsPrint(r):
		return fmt.Sprintf(`\x{%X}`, r)
	case inClass && strings.ContainsRune("[]^-", r) || !inClass && strings.ContainsRune(".+?()[]{}^", r):
		return `\` + string(r)
	}
	return string(r)
}

func escapeRust(r rune, inClass bool) string {
	switch {
	case !unicode.IsPrint(r):
		return fmt.Sprintf(`\x{%02X}`, r)
	case inClass && strings.ContainsRune(`\[]^-&~`, r) || !inClass && strings.ContainsRune(`\.+*?()|[]{}^$`, r):
		return `\` + string(r)
	}
	return string(r)
}

// Lacks names a construct of re that the dialect lacks, with its article: "a
// look-ahead". It is "" if the dialect has them all.
func (d ReDialect) Lacks(re *ir.Re) string {
	if d.extended {
		return ""
	}
	if lack := Irregular(re); lack != "" || !hasOp(re, ir.ReNoWordBoundary) {
		return lack
	}
	// Versions of the crate differ in whether they accept (?-u:\B).
	return "a negated word boundary"
}

// Irregular names a construct of re that no engine without backtracking has, with
// its article, or is "" (see ir.Re.Regular).
func Irregular(re *ir.Re) string {
	switch _, lack := re.Regular(); {
	case lack == "":
		return ""
	case strings.IndexByte("aeiou", lack[0]) >= 0:
		return "an " + lack
	default:
		return "a " + lack
	}
}

func hasOp(re *ir.Re, op ir.ReOp) bool {
	return re.Op == op || slices.ContainsFunc(re.Subs, func(s *ir.Re) bool { return hasOp(s, op) })
}

// PrintRe writes re, which the dialect does not lack, as short as is readable.
func PrintRe(re *ir.Re, d ReDialect) string {
	if !d.extended {
		re, _ = re.Regular()
	}
	p := &rePrinter{ReDialect: d, afterRef: -1}
	p.Grow(len(re.Subs))
	u := useOf(re)
	fold := u.folds && !u.cased
	p.dotAll = hasOp(re, ir.ReAny) && !hasOp(re, ir.ReAnyNotNewline)
	flags := ""
	if fold {
		flags += "i"
	}
	if p.lines = hasOp(re, ir.ReBeginLine) || hasOp(re, ir.ReEndLine) || !d.extended && hasOp(re, ir.ReBehindLine); p.lines {
		flags += "m"
	}
	if p.dotAll {
		flags += "s"
	}
	if flags != "" {
		p.WriteString("(?" + flags + ")")
	}
	p.print(re, reAlternative, fold)
	return p.String()
}

type rePrinter struct {
	ReDialect
	strings.Builder
	dotAll   bool // the flag s is at the front
	lines    bool // and m
	afterRef int  // where a digit would lengthen a back-reference
}

// A reUse says what an expression asks of case; neither is often true.
type reUse struct {
	folds bool // must stand under the flag i
	cased bool // must not
}

func useOf(re *ir.Re) reUse {
	var u reUse
	switch {
	case re.Op == ir.ReLiteral:
		u = reUse{re.Fold, !re.Fold && ir.HasCases(re.Rune)}
	case re.Op == ir.ReClass:
		u = reUse{re.Fold, !re.Fold && regardsCase(re.Ranges)}
	case re.Op == ir.ReExtended && len(re.Subs) == 0:
		u = reUse{re.Fold, !re.Fold}
	}
	for _, s := range re.Subs {
		v := useOf(s)
		u.folds = u.folds || v.folds
		u.cased = u.cased || v.cased
	}
	return u
}

// regardsCase says whether a class has one case of a letter and not another.
func regardsCase(rs []ir.RuneRange) bool {
	if n := len(rs); n > 0 && rs[n-1].Hi > unicode.MaxASCII && (rs[n-1].Lo > unicode.MaxASCII+1 || rs[n-1].Hi < unicode.MaxRune) {
		return !slices.Equal(ir.FoldRanges(rs), rs)
	}
	has := func(r rune) bool {
		return slices.ContainsFunc(rs, func(g ir.RuneRange) bool { return g.Lo <= r && r <= g.Hi })
	}
	for r := 'a'; r <= 'z'; r++ {
		if has(r) != has(r-'a'+'A') {
			return true
		}
	}
	return false
}

// A rePlace is what an expression stands in without a group around it.
type rePlace int

const (
	reAlternative rePlace = iota // anything
	reSequence                   // no alternatives
	reOperand                    // one atom, for a quantifier
)

func placeOf(re *ir.Re) rePlace {
	switch re.Op {
	case ir.ReAlternate:
		return reAlternative
	case ir.ReConcat, ir.ReRepeat:
		if re.Op == ir.ReRepeat && re.Min == 1 && re.Max == 1 {
			return placeOf(re.Subs[0])
		}
		return reSequence
	case ir.ReLiteral, ir.ReClass, ir.ReAny, ir.ReAnyNotNewline, ir.ReGroup:
		return reOperand
	case ir.ReExtended:
		if re.Text != "+" {
			return reOperand
		}
	}
	return reSequence // an assertion, the empty text
}

// print writes re for a place; fold says whether the flag i holds there.
func (p *rePrinter) print(re *ir.Re, place rePlace, fold bool) {
	if re.Op == ir.ReRepeat && re.Min == 1 && re.Max == 1 {
		p.print(re.Subs[0], place, fold)
		return
	}
	if u := useOf(re); u.folds && !u.cased && !fold && re.Op != ir.ReRepeat {
		p.WriteString("(?i:")
		p.print(re, reAlternative, true)
		p.WriteByte(')')
		return
	}
	if placeOf(re) < place {
		p.WriteString("(?:")
		p.print(re, reAlternative, fold)
		p.WriteByte(')')
		return
	}
	switch re.Op {
	case ir.ReLiteral:
		switch digit := '0' <= re.Rune && re.Rune <= '9'; {
		case digit && p.Len() == p.afterRef:
			fmt.Fprintf(p, `\x%02X`, re.Rune)
		case digit || 'A' <= re.Rune && re.Rune <= 'Z' || 'a' <= re.Rune && re.Rune <= 'z':
			p.WriteByte(byte(re.Rune)) // never escaped
		default:
			p.WriteString(p.escape(re.Rune, false))
		}
	case ir.ReClass:
		p.WriteString(p.class(re, fold))
	case ir.ReAny:
		if p.dotAll {
			p.WriteByte('.')
		} else {
			p.WriteString("(?s:.)")
		}
	case ir.ReAnyNotNewline:
		p.WriteByte('.')
	case ir.ReBeginText:
		p.WriteString(`\A`)
	case ir.ReEndText:
		p.WriteString(`\z`)
	case ir.ReEnd:
		if p.lines {
			p.WriteString(`\Z`)
		} else {
			p.WriteByte('$')
		}
	case ir.ReBeginLine:
		p.WriteByte('^')
	case ir.ReBehindLine:
		if p.extended {
			p.WriteString(`(?<![^\n])`)
		} else {
			p.WriteByte('^')
		}
	case ir.ReEndLine:
		p.WriteByte('$')
	case ir.ReWordBoundary:
		p.boundary('b')
	case ir.ReNoWordBoundary:
		p.boundary('B')
	case ir.ReConcat:
		p.concat(re.Subs, fold)
	case ir.ReAlternate:
		for i, s := range re.Subs {
			if i > 0 {
				p.WriteByte('|')
			}
			p.print(s, reSequence, fold)
		}
	case ir.ReRepeat:
		p.repeat(re, fold)
	case ir.ReGroup:
		p.WriteByte('(')
		p.print(re.Subs[0], reAlternative, fold)
		p.WriteByte(')')
	case ir.ReExtended:
		switch {
		case len(re.Subs) == 0:
			p.WriteString(re.Text)
			p.afterRef = p.Len()
		case re.Text == "+":
			p.repeat(re.Subs[0], fold)
			p.WriteByte('+')
		default:
			p.WriteString(re.Text)
			p.print(re.Subs[0], reAlternative, fold)
			p.WriteByte(')')
		}
	}
}

func (p *rePrinter) boundary(c byte) {
	if p.ascii {
		p.WriteString(`\` + string(c))
	} else {
		p.WriteString(`(?-u:\` + string(c) + `)`)
	}
}

// concat writes one after the other, and one `(?i:…)` around neighbours that
// ask for it.
func (p *rePrinter) concat(subs []*ir.Re, fold bool) {
	for i := 0; i < len(subs); i++ {
		end := i
		if !fold && useOf(subs[i]).folds {
			for j := i; j < len(subs); j++ {
				u := useOf(subs[j])
				if u.cased {
					break
				}
				if u.folds {
					end = j
				}
			}
		}
		if end > i {
			p.WriteString("(?i:")
			p.concat(subs[i:end+1], true)
			p.WriteByte(')')
			i = end
			continue
		}
		p.print(subs[i], reSequence, fold)
	}
}

func (p *rePrinter) repeat(re *ir.Re, fold bool) {
	p.print(re.Subs[0], reOperand, fold)
	switch lo, hi := re.Min, re.Max; {
	case lo == 0 && hi < 0:
		p.WriteByte('*')
	case lo == 1 && hi < 0:
		p.WriteByte('+')
	case lo == 0 && hi == 1:
		p.WriteByte('?')
	case hi < 0:
		fmt.Fprintf(p, "{%d,}", lo)
	case lo == hi:
		fmt.Fprintf(p, "{%d}", lo)
	default:
		fmt.Fprintf(p, "{%d,%d}", lo, hi)
	}
	if re.Lazy && re.Min != re.Max {
		p.WriteByte('?')
	}
}

var (
	reDigit = []ir.RuneRange{{Lo: '0', Hi: '9'}}
	reWord  = []ir.RuneRange{{Lo: '0', Hi: '9'}, {Lo: 'A', Hi: 'Z'}, {Lo: '_', Hi: '_'}, {Lo: 'a', Hi: 'z'}}
	reSpace = []ir.RuneRange{{Lo: '\t', Hi: '\r'}, {Lo: ' ', Hi: ' '}}
	reUpper = []ir.RuneRange{{Lo: 'A', Hi: 'Z'}}
)

// class is the shortest way to write a class, the plainest among equals.
func (p *rePrinter) class(re *ir.Re, fold bool) string {
	in := re.Ranges
	best := p.positive(in)
	try := func(s string) {
		if utf8.RuneCountInString(s) < utf8.RuneCountInString(best) {
			best = s
		}
	}
	if fold {
		in = ir.FoldRanges(in)
		try(p.positive(in))
		try(p.positive(reWithout(in, reUpper)))
	}
	if out := ir.NegateRanges(in); len(out) > 0 {
		try(p.negative(out))
		if fold {
			try(p.negative(reWithout(out, reUpper)))
		}
	}
	return best
}

func (p *rePrinter) positive(rs []ir.RuneRange) string {
	if len(rs) == 0 {
		return `[^\s\S]`
	}
	if len(rs) == 1 && rs[0].Lo == rs[0].Hi {
		return p.escape(rs[0].Lo, false)
	}
	s := p.members(rs)
	if len(s) == 2 && s[0] == '\\' {
		return s // \d
	}
	return "[" + s + "]"
}

func (p *rePrinter) negative(rs []ir.RuneRange) string {
	s := p.members(rs)
	if len(s) == 2 && s[0] == '\\' && strings.IndexByte("dws", s[1]) >= 0 {
		return `\` + strings.ToUpper(s[1:])
	}
	return "[^" + s + "]"
}

// members is what stands in a class, with and without names, whichever is
// shorter.
func (p *rePrinter) members(rs []ir.RuneRange) string {
	var b strings.Builder
	for _, r := range rs {
		// Not `/-9`, but `/0-9`.
		for _, block := range reBlocks(r) {
			if block.Lo > r.Lo {
				p.member(&b, r.Lo, block.Lo-1)
			}
			p.member(&b, block.Lo, block.Hi)
			r.Lo = block.Hi + 1
		}
		if r.Lo <= r.Hi {
			p.member(&b, r.Lo, r.Hi)
		}
	}
	if !p.ascii {
		return b.String()
	}
	for _, known := range []struct {
		name string
		set  []ir.RuneRange
	}{{`\w`, reWord}, {`\d`, reDigit}, {`\s`, reSpace}} {
		if !reHolds(rs, known.set) {
			continue
		}
		if s := known.name + p.members(reWithout(rs, known.set)); len(s) <= b.Len() {
			b.Reset()
			b.WriteString(s)
		}
	}
	return b.String()
}

func (p *rePrinter) member(b *strings.Builder, lo, hi rune) {
	// Few signs are clearer one by one.
	for unicode.IsPrint(lo) && !unicode.IsLetter(lo) && !unicode.IsDigit(lo) && lo < hi && hi-lo < 4 {
		b.WriteString(p.escape(lo, true))
		lo++
	}
	b.WriteString(p.escape(lo, true))
	if hi > lo+1 {
		b.WriteByte('-')
	}
	if hi > lo {
		b.WriteString(p.escape(hi, true))
	}
}

// reBlocks is the digits or the letters of a case inside r, unless r has more
// than one of them.
func reBlocks(r ir.RuneRange) []ir.RuneRange {
	var out []ir.RuneRange
	for _, block := range []ir.RuneRange{reDigit[0], reUpper[0], {Lo: 'a', Hi: 'z'}} {
		if r.Lo <= block.Lo && block.Hi <= r.Hi {
			out = append(out, block)
		}
	}
	if len(out) > 1 {
		return nil
	}
	return out
}

// reWithout is a without b.
func reWithout(a, b []ir.RuneRange) []ir.RuneRange {
	var out []ir.RuneRange
	for _, r := range a {
		for _, cut := range b {
			if cut.Hi < r.Lo || cut.Lo > r.Hi {
				continue
			}
			if cut.Lo > r.Lo {
				out = append(out, ir.RuneRange{Lo: r.Lo, Hi: cut.Lo - 1})
			}
			r.Lo = cut.Hi + 1
		}
		if r.Lo <= r.Hi {
			out = append(out, r)
		}
	}
	return out
}

// reHolds says whether a holds all of b.
func reHolds(a, b []ir.RuneRange) bool { return len(reWithout(b, a)) == 0 }
