package ir

import (
	"strconv"

	"sigmac/regex"
)

// Re is the regular expression over a whole value for the dates whose part passes
// t, as texts: `2024-05-06`, alone or with a time of day and a zone behind it
// (ISO 8601 and RFC 3339, with a `T` or a space between). A date alone is its
// midnight. It is nil where no date passes, and for a week, which is not written.
func (t TimePart) Re() *regex.Re {
	digit := regex.Class([]regex.Range{{Lo: '0', Hi: '9'}}, false)
	lit := func(c rune) *regex.Re { return regex.Literal(c, false) }
	option := func(subs ...*regex.Re) *regex.Re {
		return &regex.Re{Op: regex.OpRepeat, Max: 1, Subs: []*regex.Re{regex.Concat(subs...)}}
	}
	passes := func(n int) bool {
		c := Number(strconv.Itoa(n)).Cmp(t.Number)
		return [...]bool{Eq: c == 0, Lt: c < 0, Lte: c <= 0, Gt: c > 0, Gte: c >= 0}[t.Op]
	}
	none := false
	part := func(name string, width, lo, hi int) *regex.Re {
		if name == t.Part {
			for lo <= hi && !passes(lo) {
				lo++
			}
			for lo <= hi && !passes(hi) {
				hi--
			}
			none = none || lo > hi
		}
		return digits(width, lo, hi)
	}
	if t.Part == "week" {
		return nil
	}
	day := regex.Concat(part("year", 4, 0, 9999), lit('-'), part("month", 2, 1, 12), lit('-'), part("day", 2, 1, 31))
	zone := option(option(lit(' ')), regex.Alternate(lit('Z'),
		regex.Concat(regex.Class([]regex.Range{{Lo: '+', Hi: '+'}, {Lo: '-', Hi: '-'}}, false), digits(2, 0, 23), option(lit(':')), digits(2, 0, 59))))
	seconds := option(lit(':'), digits(2, 0, 59), option(regex.Class([]regex.Range{{Lo: ',', Hi: ','}, {Lo: '.', Hi: '.'}}, false),
		&regex.Re{Op: regex.OpRepeat, Min: 1, Max: -1, Subs: []*regex.Re{digit}}))
	clock := regex.Concat(regex.Class([]regex.Range{{Lo: ' ', Hi: ' '}, {Lo: 'T', Hi: 'T'}}, false), part("hour", 2, 0, 23), lit(':'),
		part("minute", 2, 0, 59), seconds, zone)
	if none {
		return nil
	}
	if midnight := t.Part != "hour" && t.Part != "minute" || passes(0); midnight {
		clock = option(clock)
	}
	return regex.Concat(&regex.Re{Op: regex.OpBeginText}, day, clock, &regex.Re{Op: regex.OpEndText})
}

// digits is the numbers from lo to hi, in decimal with zeros in front up to a
// width.
func digits(width, lo, hi int) *regex.Re {
	if width == 0 || lo > hi {
		return &regex.Re{Op: regex.OpEmpty}
	}
	unit := 1
	for range width - 1 {
		unit *= 10
	}
	first := func(a, b int, rest *regex.Re) *regex.Re {
		return regex.Concat(regex.Class([]regex.Range{{Lo: '0' + rune(a), Hi: '0' + rune(b)}}, false), rest)
	}
	a, b := lo/unit, hi/unit
	if a == b {
		return first(a, a, digits(width-1, lo%unit, hi%unit))
	}
	var alts []*regex.Re
	if lo%unit > 0 {
		alts = append(alts, first(a, a, digits(width-1, lo%unit, unit-1)))
		a++
	}
	end := b
	if hi%unit < unit-1 {
		end--
	}
	if a <= end {
		alts = append(alts, first(a, end, digits(width-1, 0, unit-1)))
	}
	if end < b {
		alts = append(alts, first(b, b, digits(width-1, 0, hi%unit)))
	}
	return regex.Alternate(alts...)
}
