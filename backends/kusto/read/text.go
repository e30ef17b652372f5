package read

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode"

	"sigmac/ir"
	"sigmac/regex"
)

func lowerASCII(r rune) rune {
	if 'A' <= r && r <= 'Z' {
		r += 'a' - 'A'
	}
	return r
}

// ways lists the characters that pass as r under a conversion and an operator:
// an operator without regard to case folds ASCII only, tolower and toupper are
// of Unicode (pages "in operator", "tolower()").
func ways(r rune, cased bool, via string) []rune {
	var out []rune
	for _, c := range regex.Cases(r) {
		d, want := c, r
		switch via {
		case "lower":
			d = unicode.ToLower(c)
		case "upper":
			d = unicode.ToUpper(c)
		}
		if !cased {
			d, want = lowerASCII(d), lowerASCII(want)
		}
		if d == want {
			out = append(out, c)
		}
	}
	return out
}

// casing says how a text can be said: as it stands, without regard to case, or
// character by character. It is impossible where no text passes.
func casing(text string, cased bool, via string) (exact, folded, possible bool) {
	if cased && via == "" {
		return true, false, true
	}
	exact, folded, possible = true, true, true
	for _, r := range text {
		ws := ways(r, cased, via)
		exact = exact && slices.Equal(ws, []rune{r})
		folded = folded && len(ws) == len(regex.Cases(r))
		possible = possible && len(ws) > 0
	}
	return exact && !folded, folded, possible
}

// textTest is a test of the whole value with a text that is not empty.
func textTest(text string, shape ir.Shape, cased bool, via string) (t ir.Test, possible bool) {
	exact, folded, possible := casing(text, cased, via)
	if !possible {
		return nil, false
	}
	if exact || folded {
		star, lit := ir.Part{Kind: ir.AnyRun}, ir.Part{Kind: ir.Literal, Text: text}
		parts := map[ir.Shape][]ir.Part{ir.Exact: {lit}, ir.Prefix: {lit, star}, ir.Suffix: {star, lit}, ir.Contains: {star, lit, star}}
		return ir.NewPattern(exact, parts[shape]...), true
	}
	source, subs := spelling(text, cased, via)
	if shape == ir.Exact || shape == ir.Prefix {
		source, subs = `\A`+source, slices.Insert(subs, 0, &regex.Re{Op: regex.OpBeginText})
	}
	if shape == ir.Exact || shape == ir.Suffix {
		source, subs = source+`\z`, append(subs, &regex.Re{Op: regex.OpEndText})
	}
	return ir.Regexp{Source: source, Re: sequence(subs)}, true
}

// spelling is a text as a regular expression, one class a character.
func spelling(text string, cased bool, via string) (source string, subs []*regex.Re) {
	var b strings.Builder
	for _, r := range text {
		ws := ways(r, cased, via)
		if len(ws) == 1 {
			fmt.Fprintf(&b, `\x{%X}`, ws[0])
			subs = append(subs, &regex.Re{Op: regex.OpLiteral, Rune: ws[0]})
			continue
		}
		var ranges []regex.Range
		b.WriteByte('[')
		for _, w := range ws {
			fmt.Fprintf(&b, `\x{%X}`, w)
			ranges = append(ranges, regex.Range{Lo: w, Hi: w})
		}
		b.WriteByte(']')
		subs = append(subs, &regex.Re{Op: regex.OpClass, Ranges: canonical(ranges)})
	}
	return b.String(), subs
}

// breakers are all characters but letters and digits. The page "string operators"
// says alphanumeric characters, and in its editions up to 2022 ASCII ones.
var breakers = sync.OnceValue(func() ir.Breakers {
	return ir.Breakers{
		Sure: regex.Negate(tables(unicode.Letter, unicode.Number)),
		May:  regex.Negate([]regex.Range{{Lo: '0', Hi: '9'}, {Lo: 'A', Hi: 'Z'}, {Lo: 'a', Hi: 'z'}}),
	}
})

// termTest is a test of a term; nil is never true.
func termTest(text string, o textOperator, via string) ir.Test {
	exact, folded, possible := casing(text, o.cased, via)
	if !possible {
		return nil
	}
	source, chars := spelling(text, o.cased, via)
	t := breakers().Read(ir.Term{Text: text, Cased: exact, Prefix: o.prefix, Suffix: o.suffix}, chars)
	if !exact && !folded {
		t.Text = source // what else has this text means something else
	}
	return t
}

// lengthTest is a text of low to high characters; -1 is without bound.
func lengthTest(low, high int) ir.Test {
	most := ""
	if high >= 0 {
		most = fmt.Sprint(high)
	}
	count := &regex.Re{Op: regex.OpRepeat, Subs: []*regex.Re{{Op: regex.OpAny}}, Min: low, Max: high}
	return ir.Regexp{
		Source: fmt.Sprintf(`(?s)\A.{%d,%s}\z`, low, most),
		Re:     sequence([]*regex.Re{{Op: regex.OpBeginText}, count, {Op: regex.OpEndText}}),
	}
}
