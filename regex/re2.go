package regex

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

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
	case OpLiteral:
		if re.Fold {
			var rs []Range
			for _, c := range Cases(re.Rune) {
				rs = append(rs, Range{c, c})
			}
			goClass(b, rs)
		} else if c := re.Rune; c < utf8.RuneSelf && isWord(byte(c)) {
			b.WriteRune(c)
		} else {
			fmt.Fprintf(b, `\x{%X}`, c)
		}
	case OpClass:
		rs := re.Ranges
		if re.Fold {
			rs = FoldRanges(rs)
		}
		goClass(b, rs)
	case OpAny:
		b.WriteString("(?s:.)")
	case OpAnyNotNewline:
		b.WriteString(`[^\n]`)
	case OpBeginText:
		b.WriteString(`\A`)
	case OpEndText:
		b.WriteString(`\z`)
	case OpBehindLine:
		b.WriteString("(?m:^)")
	case OpEndLine:
		b.WriteString("(?m:$)")
	case OpWordBoundary:
		b.WriteString(`\b`)
	case OpNoWordBoundary:
		b.WriteString(`\B`)
	case OpConcat:
		for _, s := range re.Subs {
			s.writeGo(b, limit)
		}
	case OpAlternate:
		b.WriteString("(?:")
		for i, s := range re.Subs {
			if i > 0 {
				b.WriteByte('|')
			}
			s.writeGo(b, limit)
		}
		b.WriteByte(')')
	case OpGroup:
		re.Subs[0].writeGo(b, limit)
	case OpRepeat:
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

func goClass(b *strings.Builder, rs []Range) {
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
