package deploy

import (
	"testing"
	"time"

	"sigmac/internal/deploy"
)

func TestCron(t *testing.T) {
	for text, want := range map[string]string{
		"* * * * *":          "* * * * * 1m",
		"*/15 * * * *":       "0,15,30,45 * * * * 15m",
		"0-59/20 0-23 * * *": "0,20,40 * * * * 20m",
		"05 * * * *":         "5 * * * * 1h",
		"0 2,14 * * *":       "0 2,14 * * * 12h",
		"0 2,3 * * *":        "0 2,3 * * * 23h",
		"0 9 * * 1-5":        "0 9 * * 1,2,3,4,5 3d",
		"0 0 * * 5-7":        "0 0 * * 0,5,6 5d",
		"0 0 * * 0-7":        "0 0 * * * 1d",
		"0 0 1 * *":          "0 0 1 * * 31d",
		"0 0 29 2 *":         "0 0 29 2 * 1461d",
		"5/20 * * * *":       "5,25,45 * * * * 20m",
		" 1  2 * *  * ":      "1 2 * * * 1d",
		"0 0 1 * 1":          "0 0 1 * 1 unknown",
		"0 0 31 2 *":         "0 0 31 2 * unknown",
	} {
		c, ok := parseCron(text)
		if !ok {
			t.Errorf("%q is not read", text)
			continue
		}
		length := "unknown"
		if d, ok := c.period(); ok {
			length = deploy.Duration(d)
		}
		if got := c.String() + " " + length; got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
	for _, text := range []string{"", "* * * *", "* * * * * *", "60 * * * *", "0 24 * * *", "0 0 0 * *", "0 0 * 13 *", "0 0 * * 8", "0 0 * JAN *", "0 0 * * MON", "5-1 * * * *", "*/0 * * * *", "-1 * * * *",
		"1, * * * *", "@daily", "a * * * *", "1-2-3 * * * *", "99999999999999999999 * * * *"} {
		if c, ok := parseCron(text); ok {
			t.Errorf("%q is %s", text, c)
		}
	}
}

// TestCronOf holds that schedules run as often as they say, and not all at once.
func TestCronOf(t *testing.T) {
	for every, want := range map[string]string{"30s": "1m", "1m": "1m", "5m": "5m", "7m": "6m", "15m": "15m", "45m": "30m", "1h": "1h", "90m": "1h", "5h": "4h", "12h": "12h", "1d": "1d", "36h": "1d", "7d": "7d", "30d": "7d"} {
		d, _ := deploy.ParseDuration(every)
		starts := map[string]bool{}
		for _, id := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
			text, period := cronOf(id, d)
			c, ok := parseCron(text)
			got, known := c.period()
			if again, _ := cronOf(id, d); !ok || !known || got != period || deploy.Duration(period) != want || again != text {
				t.Errorf("%s: %s (%s), then %s; want %s", every, text, period, again, want)
			}
			starts[text] = true
		}
		if len(starts) < 3 && d >= 5*time.Minute {
			t.Errorf("%s: all start at %v", every, starts)
		}
	}
}

func FuzzCron(f *testing.F) {
	f.Add("*/15 0-3,7 1 * 5-7")
	f.Fuzz(func(t *testing.T, text string) {
		c, ok := parseCron(text)
		if !ok {
			return
		}
		again, ok := parseCron(c.String())
		if a, b := c.String(), again.String(); !ok || a != b {
			t.Errorf("%q is %q, which is %q", text, a, b)
		}
		c.period()
	})
}
