package deploy

import (
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A cron is when a schedule fires: for each field what it takes.
type cron [5][]int

var cronRange = [5][2]int{{0, 59}, {0, 23}, {1, 31}, {1, 12}, {0, 7}}

// parseCron reads the five fields of a schedule. Names of months and days Splunk does not
// know (savedsearches.conf.spec).
func parseCron(text string) (c cron, ok bool) {
	fields := strings.Fields(text)
	if len(fields) != len(c) {
		return c, false
	}
	for i, field := range fields {
		lo, hi := cronRange[i][0], cronRange[i][1]
		for _, part := range strings.Split(field, ",") {
			span, stepText, stepped := strings.Cut(part, "/")
			from, to, step := lo, hi, 1
			if i == 4 && span == "*" {
				to = 6
			}
			if stepped {
				if step, ok = cronNumber(stepText, 1, 999); !ok {
					return c, false
				}
			}
			if span != "*" {
				first, last, ranged := strings.Cut(span, "-")
				if from, ok = cronNumber(first, lo, hi); !ok {
					return c, false
				}
				if ranged {
					if to, ok = cronNumber(last, from, hi); !ok {
						return c, false
					}
				} else if !stepped {
					to = from
				}
			}
			for n := from; n <= to; n += step {
				if i == 4 && n == 7 { // Sunday too
					c[i] = append(c[i], 0)
				} else {
					c[i] = append(c[i], n)
				}
			}
		}
		slices.Sort(c[i])
		c[i] = slices.Compact(c[i])
	}
	return c, true
}

func cronNumber(text string, lo, hi int) (int, bool) {
	n, err := strconv.ParseUint(text, 10, 16)
	return int(n), err == nil && int(n) >= lo && int(n) <= hi
}

func (c cron) whole(field int) bool {
	n := cronRange[field][1] - cronRange[field][0] + 1
	if field == 4 {
		n = 7
	}
	return len(c[field]) == n
}

// String is a schedule in one spelling.
func (c cron) String() string {
	var out []string
	for i := range c {
		if c.whole(i) {
			out = append(out, "*")
			continue
		}
		out = append(out, numbers(c[i]))
	}
	return strings.Join(out, " ")
}

func numbers(ns []int) string {
	var out []string
	for _, n := range ns {
		out = append(out, strconv.Itoa(n))
	}
	return strings.Join(out, ",")
}

// period is the longest time between two runs; false where that is not known: it never runs, or
// says both the day of the month and of the week, which no document of Splunk puts together.
func (c cron) period() (longest time.Duration, ok bool) {
	if !c.whole(2) && !c.whole(4) {
		return 0, false
	}
	within := 0 // the longest time between two runs of a day
	first, end := c[1][0]*60+c[0][0], -1
	for _, h := range c[1] {
		for _, m := range c[0] {
			if end >= 0 {
				within = max(within, h*60+m-end)
			}
			end = h*60 + m
		}
	}
	last, most := -1, 0
	day := time.Date(2024, time.January, 1, 0, 0, 0, 0, time.UTC)
	for n := range 2 * 1461 {
		if slices.Contains(c[2], day.Day()) && slices.Contains(c[3], int(day.Month())) && slices.Contains(c[4], int(day.Weekday())) {
			if last >= 0 {
				most = max(most, within, n*24*60+first-last)
			}
			last = n*24*60 + end
		}
		day = day.AddDate(0, 0, 1)
	}
	return time.Duration(most) * time.Minute, most > 0
}

// schedules are the times between runs that a schedule can say evenly, in minutes.
var schedules = []int{1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60, 2 * 60, 3 * 60, 4 * 60, 6 * 60, 8 * 60, 12 * 60, 24 * 60, 7 * 24 * 60}

// cronOf is a schedule of the longest even time that is not above every, and that time. When it
// runs within that time the id decides, so that detections do not all start at once.
func cronOf(id string, every time.Duration) (schedule string, period time.Duration) {
	n := schedules[0]
	for _, s := range schedules {
		if time.Duration(s)*time.Minute <= every {
			n = s
		}
	}
	h := fnv.New32a()
	h.Write([]byte(id))
	at := int(h.Sum32() % uint32(n))
	minute, hour, day := "*", "*", "*"
	if n > 1 {
		minute = numbers(spread(at%min(n, 60), n, 60))
	}
	if n > 60 {
		hour = numbers(spread(at/60%min(n/60, 24), n/60, 24))
	}
	if n > 24*60 {
		day = strconv.Itoa(at / (24 * 60))
	}
	return minute + " " + hour + " * * " + day, time.Duration(n) * time.Minute
}

// spread are the numbers below end that are at, or some steps behind it.
func spread(at, step, end int) (out []int) {
	for ; at < end; at += step {
		out = append(out, at)
	}
	return out
}
