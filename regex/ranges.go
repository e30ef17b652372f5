package regex

import (
	"slices"
	"sync"
	"unicode"
)

func union(a, b []Range) []Range { return canonical(slices.Concat(a, b)) }

// canonical sorts and joins ranges. No range begins or ends at a surrogate,
// which no text holds.
func canonical(rs []Range) []Range {
	in := make([]Range, 0, len(rs))
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
	slices.SortFunc(in, func(a, b Range) int { return int(a.Lo - b.Lo) })
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

// rangesOf are the characters of tables of Unicode.
func rangesOf(tables ...*unicode.RangeTable) []Range {
	var out []Range
	add := func(lo, hi, stride rune) {
		if stride == 1 {
			out = append(out, Range{lo, hi})
			return
		}
		for r := lo; r <= hi; r += stride {
			out = append(out, Range{r, r})
		}
	}
	for _, t := range tables {
		for _, r := range t.R16 {
			add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
		}
		for _, r := range t.R32 {
			add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
		}
	}
	return canonical(out)
}

// Negate is every character that is in none of the ranges, which are
// those of a Re.
func Negate(ranges []Range) []Range {
	var out []Range
	from := rune(0)
	for _, r := range ranges {
		if r.Lo > from {
			out = append(out, Range{from, r.Lo - 1})
		}
		from = r.Hi + 1
	}
	if from <= unicode.MaxRune {
		out = append(out, Range{from, unicode.MaxRune})
	}
	return canonical(out)
}

// folding is every character that has case variants, rising.
var folding = sync.OnceValue(func() []rune {
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
func FoldRanges(ranges []Range) []Range {
	out := slices.Clone(ranges)
	for _, r := range ranges {
		fold := func(x rune) {
			for _, c := range Cases(x) {
				if c < r.Lo || c > r.Hi {
					out = append(out, Range{c, c})
				}
			}
		}
		if r.Hi-r.Lo < 1000 { // the table is large, and few need it
			for x := r.Lo; x <= r.Hi; x++ {
				fold(x)
			}
			continue
		}
		folding := folding()
		i, _ := slices.BinarySearch(folding, r.Lo)
		for ; i < len(folding) && folding[i] <= r.Hi; i++ {
			fold(folding[i])
		}
	}
	return canonical(out)
}
