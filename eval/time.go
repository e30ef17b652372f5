package eval

import (
	"encoding/json"
	"math/big"
	"strings"
	"time"

	"sigmac/ir"
)

// TimeFields are the fields in which events say when they happened, the first that an event
// has counts: of Elastic, of Defender, of Sentinel, of Splunk, and of Windows, as Flatten
// gives it.
var TimeFields = []string{"@timestamp", "Timestamp", "TimeGenerated", "_time", "TimeCreated_SystemTime"}

// The times that are taken lie between these years, so that windows before and behind them
// can be counted in nanoseconds.
const firstYear, lastYear = 1700, 2240

// TimeOf is when an event happened by the first of some fields that it has, in nanoseconds
// since 1970; false where it has none of them, or that is no time. A time without a zone is
// one of UTC. A number is of seconds, or where that would be after the year 5000 of
// milliseconds, microseconds or nanoseconds.
func TimeOf(ev Event, fields []string) (ns int64, ok bool) {
	for _, name := range fields {
		switch v := ev.Value(name).(type) {
		case string:
			return parseTime(v)
		case json.Number:
			return epoch(string(v))
		}
	}
	return 0, false
}

// layouts are those of times without a T or without a zone, or with one in four digits. A
// fraction of a second may stand in each.
var layouts = []string{"2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02T15:04:05-0700", "2006-01-02 15:04:05Z07:00",
	"2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05 MST"}

func parseTime(s string) (ns int64, ok bool) {
	s = strings.TrimSpace(s)
	t, err := time.Parse(time.RFC3339, s)
	for i := 0; err != nil && i < len(layouts); i++ {
		if layouts[i] == "2006-01-02 15:04:05 MST" && !strings.HasSuffix(s, " UTC") {
			continue // other letters are no zone that is known everywhere
		}
		t, err = time.Parse(layouts[i], s)
	}
	if err != nil {
		return epoch(s)
	}
	if t.Year() < firstYear || t.Year() > lastYear {
		return 0, false
	}
	return t.UnixNano(), true
}

func epoch(s string) (ns int64, ok bool) {
	n, ok := ir.ParseNumber(s)
	if !ok {
		return 0, false
	}
	r, _ := new(big.Rat).SetString(string(n))
	unit := big.NewRat(1_000_000_000, 1)
	size, seconds := new(big.Rat).Abs(r), big.NewRat(100_000_000_000, 1)
	for range 3 {
		if size.Cmp(seconds) < 0 {
			break
		}
		unit.Quo(unit, big.NewRat(1000, 1))
		seconds.Mul(seconds, big.NewRat(1000, 1))
	}
	r.Mul(r, unit)
	whole := new(big.Int).Quo(r.Num(), r.Denom())
	if !whole.IsInt64() {
		return 0, false
	}
	ns = whole.Int64()
	year := time.Unix(0, ns).UTC().Year()
	return ns, year >= firstYear && year <= lastYear
}
