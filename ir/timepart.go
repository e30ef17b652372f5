package ir

import "strconv"

// Re is the regular expression over a whole value for the dates whose part passes
// t, as texts: `2024-05-06`, alone or with a time of day and a zone behind it
// (ISO 8601 and RFC 3339, with a `T` or a space between). A date alone is its
// midnight. It is nil where no date passes, and for a week, which is not written.
func (t TimePart) Re() *Re {
	digit := reClass([]RuneRange{{'0', '9'}}, false)
	lit := func(c rune) *Re { return reLiteral(c, false) }
	option := func(subs ...*Re) *Re { return &Re{Op: ReRepeat, Max: 1, Subs: []*Re{reConcat(subs...)}} }
	passes := func(n int) bool {
		c := Number(strconv.Itoa(n)).Cmp(t.Number)
		return [...]bool{Eq: c == 0, Lt: c < 0, Lte: c <= 0, Gt: c > 0, Gte: c >= 0}[t.Op]
	}
	none := false
	part := func(name string, width, lo, hi int) *Re {
		if name == t.Part {
			for lo <= hi && !passes(lo) {
				lo++
			}
			for lo <= hi && !passes(hi) {
				hi--
			}
			none = none || lo > hi
		}
		return reDigits(width, lo, hi)
	}
	if t.Part == "week" {
		return nil
	}
	day := reConcat(part("year", 4, 0, 9999), lit('-'), part("month", 2, 1, 12), lit('-'), part("day", 2, 1, 31))
	zone := option(option(lit(' ')), reAlternate(lit('Z'),
		reConcat(reClass([]RuneRange{{'+', '+'}, {'-', '-'}}, false), reDigits(2, 0, 23), option(lit(':')), reDigits(2, 0, 59))))
	seconds := option(lit(':'), reDigits(2, 0, 59), option(reClass([]RuneRange{{',', ','}, {'.', '.'}}, false),
		&Re{Op: ReRepeat, Min: 1, Max: -1, Subs: []*Re{digit}}))
	clock := reConcat(reClass([]RuneRange{{' ', ' '}, {'T', 'T'}}, false), part("hour", 2, 0, 23), lit(':'),
		part("minute", 2, 0, 59), seconds, zone)
	if none {
		return nil
	}
	if midnight := t.Part != "hour" && t.Part != "minute" || passes(0); midnight {
		clock = option(clock)
	}
	return reConcat(&Re{Op: ReBeginText}, day, clock, &Re{Op: ReEndText})
}

// reDigits is the numbers from lo to hi, in decimal with zeros in front up to a
// width.
func reDigits(width, lo, hi int) *Re {
	if width == 0 || lo > hi {
		return &Re{Op: ReEmpty}
	}
	unit := 1
	for range width - 1 {
		unit *= 10
	}
	first := func(a, b int, rest *Re) *Re {
		return reConcat(reClass([]RuneRange{{'0' + rune(a), '0' + rune(b)}}, false), rest)
	}
	a, b := lo/unit, hi/unit
	if a == b {
		return first(a, a, reDigits(width-1, lo%unit, hi%unit))
	}
	var alts []*Re
	if lo%unit > 0 {
		alts = append(alts, first(a, a, reDigits(width-1, lo%unit, unit-1)))
		a++
	}
	end := b
	if hi%unit < unit-1 {
		end--
	}
	if a <= end {
		alts = append(alts, first(a, end, reDigits(width-1, 0, unit-1)))
	}
	if end < b {
		alts = append(alts, first(b, b, reDigits(width-1, 0, hi%unit)))
	}
	return reAlternate(alts...)
}
