package read

import (
	"strings"
	"time"
)

// timeFunctions adds the functions on datetimes and timespans.
func timeFunctions(all map[string]function) {
	add := func(name string, least, most int, do func([]any) any) {
		all[name] = takes(least, most, do).whole()
	}
	for name, part := range map[string]string{"hourofday": "hour", "dayofmonth": "day", "dayofyear": "dayofyear", "monthofyear": "month",
		"getmonth": "month", "getyear": "year", "week_of_year": "week_of_year"} {
		add(name, 1, 1, func(a []any) any { return partOf(part, a[0]) })
	}
	add("datetime_part", 2, 2, func(a []any) any {
		part, _ := plain(a[0]).(string)
		return partOf(strings.ToLower(part), a[1])
	})
	add("dayofweek", 1, 1, func(a []any) any {
		at, ok := plain(a[0]).(moment)
		if !ok {
			return nullOr(a[0])
		}
		return span(at.time().Weekday()) * day
	})
	add("datetime_add", 3, 3, addTime)
	add("datetime_diff", 3, 3, diffTime)
	add("make_datetime", 3, 6, makeMoment)
	add("make_timespan", 2, 4, makeSpan)
	for _, unit := range []string{"day", "week", "month", "year"} {
		add("startof"+unit, 1, 2, func(a []any) any { return startOf(unit, a, 0) })
		add("endof"+unit, 1, 2, func(a []any) any { return startOf(unit, a, 1) })
	}
	for name, unit := range map[string]span{"seconds": second, "milliseconds": second / 1000, "microseconds": second / 1_000_000} {
		add("unixtime_"+name+"_todatetime", 1, 1, func(a []any) any {
			n, ok := integer(a[0])
			if most := int64(lastMoment) / int64(unit); !ok || n > most || n < -most {
				return nullOr(a[0])
			}
			return shifted(momentOf(time.Unix(0, 0)), span(n)*unit, '+')
		})
	}
	add("unixtime_nanoseconds_todatetime", 1, 1, func(a []any) any {
		n, ok := integer(a[0])
		if !ok || n%100 != 0 {
			return nullOr(a[0])
		}
		return shifted(momentOf(time.Unix(0, 0)), span(n/100), '+')
	})
	add("format_datetime", 2, 2, func(a []any) any {
		at, ok := plain(a[0]).(moment)
		format, ok2 := plain(a[1]).(string)
		if !ok || !ok2 {
			return unknown{}
		}
		t := at.time()
		h := t.Hour() % 12
		if h == 0 {
			h = 12
		}
		return written(format, map[byte]int64{'d': int64(t.Day()), 'H': int64(t.Hour()), 'h': int64(h), 'm': int64(t.Minute()), 'M': int64(t.Month()),
			's': int64(t.Second()), 'y': int64(t.Year()), 'f': int64(at % moment(second))}, t.Format("PM"))
	})
	add("format_timespan", 2, 2, func(a []any) any {
		d, ok := plain(a[0]).(span)
		format, ok2 := plain(a[1]).(string)
		if !ok || !ok2 || d < 0 || strings.Contains(format, "M") {
			return unknown{}
		}
		hours := int64(d / (3600 * second) % 24)
		return written(format, map[byte]int64{'d': int64(d / day), 'H': hours, 'h': hours, 'm': int64(d / (60 * second) % 60),
			's': int64(d / second % 60), 'f': int64(d % second)}, "")
	})
}

// nullOr is null of null; of anything else the answer is unknown.
func nullOr(v any) any {
	if plain(v) == nil {
		return nil
	}
	return unknown{}
}

func toMoment(a []any) any {
	switch v := plain(a[0]).(type) {
	case nil, moment:
		return v
	case string:
		if at, ok := parseMoment(v); ok {
			return at
		}
		if notNumber(v) {
			return nil
		}
	}
	return unknown{}
}

func toSpan(a []any) any {
	switch v := plain(a[0]).(type) {
	case nil, span:
		return v
	case string:
		if d, ok := parseSpan(v); ok {
			return d
		}
		if notNumber(v) {
			return nil
		}
	}
	return unknown{}
}

// partOf is a part of a datetime (page "datetime_part").
func partOf(part string, v any) any {
	at, ok := plain(v).(moment)
	if !ok {
		return nullOr(v)
	}
	t := at.time()
	_, week := t.ISOWeek()
	n, ok := map[string]int{"year": t.Year(), "quarter": (int(t.Month()) + 2) / 3, "month": int(t.Month()), "week_of_year": week, "weekofyear": week,
		"day": t.Day(), "dayofyear": t.YearDay(), "hour": t.Hour(), "minute": t.Minute(), "second": t.Second(),
		"millisecond": t.Nanosecond() / 1_000_000, "microsecond": t.Nanosecond() / 1000, "nanosecond": t.Nanosecond()}[part]
	if !ok {
		return unknown{}
	}
	return int64(n)
}

// units are the periods of datetime_add and datetime_diff with a length.
var units = map[string]span{"week": 7 * day, "day": day, "hour": 3600 * second, "minute": 60 * second, "second": second,
	"millisecond": second / 1000, "microsecond": second / 1_000_000}

// months are those without one.
var months = map[string]int64{"year": 12, "quarter": 3, "month": 1}

func addTime(a []any) any {
	period, _ := plain(a[0]).(string)
	n, ok := integer(a[1])
	at, ok2 := plain(a[2]).(moment)
	period = strings.ToLower(period)
	switch {
	case !ok || !ok2 || n > 1<<20 || n < -1<<20:
		return unknown{}
	case units[period] > 0:
		return shifted(at, units[period]*span(n), '+')
	case months[period] == 0 || at.time().Day() > 28: // the day may be none of that month
		return unknown{}
	}
	t := at.time().AddDate(0, int(months[period]*n), 0)
	if t.Year() < 1 || t.Year() > 9999 {
		return unknown{}
	}
	return momentOf(t)
}

// diffTime counts the borders of a period between two datetimes.
func diffTime(a []any) any {
	period, _ := plain(a[0]).(string)
	to, ok := plain(a[1]).(moment)
	from, ok2 := plain(a[2]).(moment)
	period = strings.ToLower(period)
	month := func(at moment) int64 { t := at.time(); return int64(t.Year())*12 + int64(t.Month()) - 1 }
	switch {
	case !ok || !ok2:
		return unknown{}
	case period == "nanosecond":
		if d := to - from; d < 1<<53 && d > -1<<53 {
			return int64(d) * 100
		}
	case period == "week": // it begins with a Sunday; the year 1 did with a Monday
		return int64(to+moment(day))/int64(7*day) - int64(from+moment(day))/int64(7*day)
	case units[period] > 0:
		return int64(to)/int64(units[period]) - int64(from)/int64(units[period])
	case months[period] > 0:
		return month(to)/months[period] - month(from)/months[period]
	}
	return unknown{}
}

func makeMoment(a []any) any {
	var n [5]int
	for i := range min(len(a), 5) {
		x, ok := integer(a[i])
		if !ok || x < 0 || x > 9999 {
			return unknown{}
		}
		n[i] = int(x)
	}
	seconds, ok := span(0), true
	if len(a) > 5 {
		seconds, ok = secondsOf(a[5])
	}
	t := time.Date(n[0], time.Month(n[1]), n[2], n[3], n[4], 0, 0, time.UTC)
	if !ok || n[0] == 0 || t.Year() != n[0] || int(t.Month()) != n[1] || t.Day() != n[2] || t.Hour() != n[3] || t.Minute() != n[4] {
		return unknown{}
	}
	return momentOf(t) + moment(seconds)
}

// secondsOf is a number below 60, to the tick.
func secondsOf(v any) (span, bool) {
	x, ok := number(plain(v))
	if !ok || x.Sign() < 0 {
		return 0, false
	}
	f, _ := x.Float64()
	return span(f*float64(second) + 0.5), f < 60
}

func makeSpan(a []any) any {
	whole := func(v any, most int64) (span, bool) {
		n, ok := integer(v)
		return span(n), ok && n >= 0 && n < most
	}
	days, ok := span(0), true
	if len(a) == 4 {
		days, ok = whole(a[0], 1_000_000)
		a = a[1:]
	}
	hours, ok2 := whole(a[0], 24)
	minutes, ok3 := whole(a[1], 60)
	seconds, ok4 := span(0), true
	if len(a) > 2 {
		seconds, ok4 = secondsOf(a[2])
	}
	if !ok || !ok2 || !ok3 || !ok4 {
		return unknown{}
	}
	return days*day + hours*3600*second + minutes*60*second + seconds
}

// startOf is the begin of a unit, the offset later; with after the last tick of the
// unit.
func startOf(unit string, a []any, after int) any {
	at, ok := plain(a[0]).(moment)
	offset, ok2 := int64(0), true
	if len(a) > 1 {
		offset, ok2 = integer(a[1])
	}
	if !ok || !ok2 || offset > 1<<20 || offset < -1<<20 {
		return nullOr(a[0])
	}
	t, n := at.time(), int(offset)+after
	t = time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	switch unit {
	case "day":
		t = t.AddDate(0, 0, n)
	case "week":
		t = t.AddDate(0, 0, 7*n-int(t.Weekday()))
	case "month":
		t = time.Date(t.Year(), t.Month()+time.Month(n), 1, 0, 0, 0, 0, time.UTC)
	case "year":
		t = time.Date(t.Year()+n, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	if t.Year() < 1 || t.Year() > 9999 {
		return unknown{}
	}
	return momentOf(t) - moment(after)
}

// written formats parts of a time by runs of letters, between the signs that the
// pages name.
func written(format string, parts map[byte]int64, half string) any {
	var b strings.Builder
	for i := 0; i < len(format); {
		c, n := format[i], 1
		for i+n < len(format) && format[i+n] == c {
			n++
		}
		i += n
		v, ok := parts[c]
		switch {
		case strings.IndexByte(" /-:,._[]", c) >= 0:
			b.WriteString(strings.Repeat(string(c), n))
		case c == 't' && n == 2 && half != "":
			b.WriteString(half)
		case (c == 'f' || c == 'F') && n <= 7:
			digits := pad(parts['f'], 7)[:n]
			if c == 'F' && strings.HasSuffix(digits, "0") {
				return unknown{} // it is left out, perhaps with what stands before it
			}
			b.WriteString(digits)
		case c == 'y' && ok && n == 4:
			b.WriteString(pad(v, 4))
		case c == 'y' && ok && n <= 2:
			b.WriteString(pad(v%100, n))
		case c == 'd' && ok && (n <= 2 || half == "" && n <= 8), strings.IndexByte("HhmMs", c) >= 0 && ok && n <= 2:
			b.WriteString(pad(v, n))
		default:
			return unknown{}
		}
	}
	return b.String()
}
