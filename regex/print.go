package regex

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Dialect is a way to write a regular expression.
type Dialect struct {
	extended bool // has look-around, back-references and the like
	ascii    bool // \d \w \s \b are of ASCII
	escape   func(r rune, inClass bool) string
}

// PCRE is the dialect of Splunk. A text in it stays the same whatever a search
// unescapes on the way: it holds no quote or backtick, and no backslash before
// a backslash or a pipe.
var PCRE = Dialect{extended: true, ascii: true, escape: escapePCRE}

// Rust is the dialect of Kusto, that of the Rust crate regex.
var Rust = Dialect{escape: escapeRust}

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
func (d Dialect) Lacks(re *Re) string {
	if d.extended {
		return ""
	}
	if lack := irregular(re); lack != "" || !re.has(OpNoWordBoundary) {
		return lack
	}
	// Versions of the crate differ in whether they accept (?-u:\B).
	return "a negated word boundary"
}

// irregular names a construct of re that no engine without backtracking has, with
// its article, or is "" (see Re.Regular).
func irregular(re *Re) string {
	switch _, lack := re.Regular(); {
	case lack == "":
		return ""
	case strings.IndexByte("aeiou", lack[0]) >= 0:
		return "an " + lack
	default:
		return "a " + lack
	}
}

// Print writes re, which the dialect does not lack, as short as is readable.
func Print(re *Re, d Dialect) string {
	if !d.extended {
		re, _ = re.Regular()
	}
	p := &printer{Dialect: d, afterRef: -1}
	p.Grow(len(re.Subs))
	u := useOf(re)
	fold := u.folds && !u.cased
	p.dotAll = re.has(OpAny) && !re.has(OpAnyNotNewline)
	flags := ""
	if fold {
		flags += "i"
	}
	if p.lines = re.has(OpBeginLine) || re.has(OpEndLine) || !d.extended && re.has(OpBehindLine); p.lines {
		flags += "m"
	}
	if p.dotAll {
		flags += "s"
	}
	if flags != "" {
		p.WriteString("(?" + flags + ")")
	}
	p.print(re, alternative, fold)
	return p.String()
}

type printer struct {
	Dialect
	strings.Builder
	dotAll   bool // the flag s is at the front
	lines    bool // and m
	afterRef int  // where a digit would lengthen a back-reference
}

// A caseUse says what an expression asks of case; neither is often true.
type caseUse struct {
	folds bool // must stand under the flag i
	cased bool // must not
}

func useOf(re *Re) caseUse {
	var u caseUse
	switch {
	case re.Op == OpLiteral:
		u = caseUse{re.Fold, !re.Fold && HasCases(re.Rune)}
	case re.Op == OpClass:
		u = caseUse{re.Fold, !re.Fold && regardsCase(re.Ranges)}
	case re.Op == OpExtended && len(re.Subs) == 0:
		u = caseUse{re.Fold, !re.Fold}
	}
	for _, s := range re.Subs {
		v := useOf(s)
		u.folds = u.folds || v.folds
		u.cased = u.cased || v.cased
	}
	return u
}

// regardsCase says whether a class has one case of a letter and not another.
func regardsCase(rs []Range) bool {
	if n := len(rs); n > 0 && rs[n-1].Hi > unicode.MaxASCII && (rs[n-1].Lo > unicode.MaxASCII+1 || rs[n-1].Hi < unicode.MaxRune) {
		return !slices.Equal(FoldRanges(rs), rs)
	}
	has := func(r rune) bool {
		return slices.ContainsFunc(rs, func(g Range) bool { return g.Lo <= r && r <= g.Hi })
	}
	for r := 'a'; r <= 'z'; r++ {
		if has(r) != has(r-'a'+'A') {
			return true
		}
	}
	return false
}

// A placement is what an expression stands in without a group around it.
type placement int

const (
	alternative placement = iota // anything
	sequence                     // no alternatives
	operand                      // one atom, for a quantifier
)

func placeOf(re *Re) placement {
	switch re.Op {
	case OpAlternate:
		return alternative
	case OpConcat, OpRepeat:
		if re.Op == OpRepeat && re.Min == 1 && re.Max == 1 {
			return placeOf(re.Subs[0])
		}
		return sequence
	case OpLiteral, OpClass, OpAny, OpAnyNotNewline, OpGroup:
		return operand
	case OpExtended:
		if re.Text != "+" {
			return operand
		}
	}
	return sequence // an assertion, the empty text
}

// print writes re for a place; fold says whether the flag i holds there.
func (p *printer) print(re *Re, place placement, fold bool) {
	if re.Op == OpRepeat && re.Min == 1 && re.Max == 1 {
		p.print(re.Subs[0], place, fold)
		return
	}
	if u := useOf(re); u.folds && !u.cased && !fold && re.Op != OpRepeat {
		p.WriteString("(?i:")
		p.print(re, alternative, true)
		p.WriteByte(')')
		return
	}
	if placeOf(re) < place {
		p.WriteString("(?:")
		p.print(re, alternative, fold)
		p.WriteByte(')')
		return
	}
	switch re.Op {
	case OpLiteral:
		switch digit := '0' <= re.Rune && re.Rune <= '9'; {
		case digit && p.Len() == p.afterRef:
			fmt.Fprintf(p, `\x%02X`, re.Rune)
		case digit || 'A' <= re.Rune && re.Rune <= 'Z' || 'a' <= re.Rune && re.Rune <= 'z':
			p.WriteByte(byte(re.Rune)) // never escaped
		default:
			p.WriteString(p.escape(re.Rune, false))
		}
	case OpClass:
		p.WriteString(p.class(re, fold))
	case OpAny:
		if p.dotAll {
			p.WriteByte('.')
		} else {
			p.WriteString("(?s:.)")
		}
	case OpAnyNotNewline:
		p.WriteByte('.')
	case OpBeginText:
		p.WriteString(`\A`)
	case OpEndText:
		p.WriteString(`\z`)
	case OpEnd:
		if p.lines {
			p.WriteString(`\Z`)
		} else {
			p.WriteByte('$')
		}
	case OpBeginLine:
		p.WriteByte('^')
	case OpBehindLine:
		if p.extended {
			p.WriteString(`(?<![^\n])`)
		} else {
			p.WriteByte('^')
		}
	case OpEndLine:
		p.WriteByte('$')
	case OpWordBoundary:
		p.boundary('b')
	case OpNoWordBoundary:
		p.boundary('B')
	case OpConcat:
		p.concat(re.Subs, fold)
	case OpAlternate:
		for i, s := range re.Subs {
			if i > 0 {
				p.WriteByte('|')
			}
			p.print(s, sequence, fold)
		}
	case OpRepeat:
		p.repeat(re, fold)
	case OpGroup:
		p.WriteByte('(')
		p.print(re.Subs[0], alternative, fold)
		p.WriteByte(')')
	case OpExtended:
		switch {
		case len(re.Subs) == 0:
			p.WriteString(re.Text)
			p.afterRef = p.Len()
		case re.Text == "+":
			p.repeat(re.Subs[0], fold)
			p.WriteByte('+')
		default:
			p.WriteString(re.Text)
			p.print(re.Subs[0], alternative, fold)
			p.WriteByte(')')
		}
	}
}

func (p *printer) boundary(c byte) {
	if p.ascii {
		p.WriteString(`\` + string(c))
	} else {
		p.WriteString(`(?-u:\` + string(c) + `)`)
	}
}

// concat writes one after the other, and one `(?i:…)` around neighbours that
// ask for it.
func (p *printer) concat(subs []*Re, fold bool) {
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
		p.print(subs[i], sequence, fold)
	}
}

func (p *printer) repeat(re *Re, fold bool) {
	p.print(re.Subs[0], operand, fold)
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

var upper = []Range{{Lo: 'A', Hi: 'Z'}}

// class is the shortest way to write a class, the plainest among equals.
func (p *printer) class(re *Re, fold bool) string {
	in := re.Ranges
	best := p.positive(in)
	try := func(s string) {
		if utf8.RuneCountInString(s) < utf8.RuneCountInString(best) {
			best = s
		}
	}
	if fold {
		in = FoldRanges(in)
		try(p.positive(in))
		try(p.positive(without(in, upper)))
	}
	if out := Negate(in); len(out) > 0 {
		try(p.negative(out))
		if fold {
			try(p.negative(without(out, upper)))
		}
	}
	return best
}

func (p *printer) positive(rs []Range) string {
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

func (p *printer) negative(rs []Range) string {
	s := p.members(rs)
	if len(s) == 2 && s[0] == '\\' && strings.IndexByte("dws", s[1]) >= 0 {
		return `\` + strings.ToUpper(s[1:])
	}
	return "[^" + s + "]"
}

// members is what stands in a class, with and without names, whichever is
// shorter.
func (p *printer) members(rs []Range) string {
	var b strings.Builder
	for _, r := range rs {
		// Not `/-9`, but `/0-9`.
		for _, block := range blocks(r) {
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
		set  []Range
	}{{`\w`, word}, {`\d`, digit}, {`\s`, space}} {
		if !holds(rs, known.set) {
			continue
		}
		if s := known.name + p.members(without(rs, known.set)); len(s) <= b.Len() {
			b.Reset()
			b.WriteString(s)
		}
	}
	return b.String()
}

func (p *printer) member(b *strings.Builder, lo, hi rune) {
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

// blocks is the digits or the letters of a case inside r, unless r has more
// than one of them.
func blocks(r Range) []Range {
	var out []Range
	for _, block := range []Range{digit[0], upper[0], {Lo: 'a', Hi: 'z'}} {
		if r.Lo <= block.Lo && block.Hi <= r.Hi {
			out = append(out, block)
		}
	}
	if len(out) > 1 {
		return nil
	}
	return out
}

// without is a without b.
func without(a, b []Range) []Range {
	var out []Range
	for _, r := range a {
		for _, cut := range b {
			if cut.Hi < r.Lo || cut.Lo > r.Hi {
				continue
			}
			if cut.Lo > r.Lo {
				out = append(out, Range{Lo: r.Lo, Hi: cut.Lo - 1})
			}
			r.Lo = cut.Hi + 1
		}
		if r.Lo <= r.Hi {
			out = append(out, r)
		}
	}
	return out
}

// holds says whether a holds all of b.
func holds(a, b []Range) bool { return len(without(b, a)) == 0 }
