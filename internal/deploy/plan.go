package deploy

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Settings are what a rule, a folder or a level says of how detections run. What is zero or
// nil is not said.
type Settings struct {
	Enabled     *bool
	Leave       *bool         // out of packages
	Level       string        // in the place of the rule's
	Risk        *int          // 0 to 100
	Every       time.Duration // between runs
	Lookback    time.Duration // how far a run looks back, late events included
	Late        time.Duration // how late events may come
	Cron        string        // in the place of Every, where the SIEM has cron
	SuppressFor time.Duration
	SuppressBy  []string // columns; with SuppressFor
	Entities    []Entity // in the place of those that sigmac finds
	// Own are settings by the SIEM's own names, which are written as they stand.
	Own []Own
}

// An Own is a setting by the name that a SIEM has for it.
type Own struct{ Name, Value string }

// An Entity is somebody or something that a detection is about.
type Entity struct {
	Type   string // one of EntityTypes
	Fields []EntityField
}

// An EntityField is a column that identifies an Entity.
type EntityField struct{ Identifier, Column string }

// EntityTypes are those that sigmac finds by itself.
var EntityTypes = []string{"account", "host", "ip", "file", "process", "url", "hash"}

// Levels are Sigma's, from the lowest on.
var Levels = []string{"informational", "low", "medium", "high", "critical"}

// Over is s with what it does not say from under.
func (s Settings) Over(under Settings) Settings {
	s.Enabled, s.Leave, s.Risk = cmp.Or(s.Enabled, under.Enabled), cmp.Or(s.Leave, under.Leave), cmp.Or(s.Risk, under.Risk)
	s.Level, s.Cron = cmp.Or(s.Level, under.Level), cmp.Or(s.Cron, under.Cron)
	s.Every, s.Lookback, s.Late = cmp.Or(s.Every, under.Every), cmp.Or(s.Lookback, under.Lookback), cmp.Or(s.Late, under.Late)
	s.SuppressFor = cmp.Or(s.SuppressFor, under.SuppressFor)
	if s.SuppressBy == nil {
		s.SuppressBy = under.SuppressBy
	}
	if s.Entities == nil {
		s.Entities = under.Entities
	}
	own := slices.Clone(s.Own)
	for _, o := range under.Own {
		if !slices.ContainsFunc(own, func(x Own) bool { return x.Name == o.Name }) {
			own = append(own, o)
		}
	}
	s.Own = own
	return s
}

// A Plan is how a detection runs, with every choice made.
type Plan struct {
	Enabled     bool
	Level       string // one of Levels
	Risk        *int   // nil: what the SIEM has for the level
	Every       time.Duration
	Late        time.Duration
	Lookback    time.Duration // at least Every and Late, and the window of a correlation
	Cron        string
	SuppressFor time.Duration // 0: nothing is suppressed
	SuppressBy  []string
	Entities    []Entity // nil: those of the columns
	Own         []Own
}

// byLevel is how often detections run where nobody says: what is worse is looked for more
// often. It is our choice.
var byLevel = map[string]time.Duration{
	"critical":      15 * time.Minute,
	"high":          15 * time.Minute,
	"medium":        time.Hour,
	"low":           time.Hour,
	"informational": 24 * time.Hour,
}

// late is how late events may come where nobody says: the ten minutes that Splunk's own
// detections leave.
const late = 10 * time.Minute

// MakePlan decides what the settings leave open, for a rule of a level and a correlation with
// a window, or 0. The faults name settings that contradict each other.
func MakePlan(s Settings, level string, window time.Duration) (p Plan, faults []string) {
	p = Plan{Level: cmp.Or(s.Level, level, "medium"), Enabled: s.Enabled == nil || *s.Enabled, Risk: s.Risk, Cron: s.Cron,
		SuppressFor: s.SuppressFor, SuppressBy: s.SuppressBy, Entities: s.Entities, Own: s.Own, Late: cmp.Or(s.Late, late)}
	if !slices.Contains(Levels, p.Level) {
		faults = append(faults, fmt.Sprintf("the level %q is none of %s", p.Level, strings.Join(Levels, ", ")))
	}
	p.Every = cmp.Or(s.Every, byLevel[p.Level], byLevel["medium"])
	least := p.Every + window
	p.Lookback = cmp.Or(s.Lookback, least+p.Late)
	if p.Lookback < least {
		faults = append(faults, fmt.Sprintf("it looks back %s, and events of %s come between two runs: some are never looked at", Duration(p.Lookback), Duration(least)))
	}
	if p.SuppressFor > 0 && len(p.SuppressBy) == 0 {
		faults = append(faults, "what is suppressed needs the columns by which alerts are alike")
	}
	return p, faults
}

// Duration writes d in its largest whole unit: 90m, 24h, 7d are `90m`, `1d`, `7d`.
func Duration(d time.Duration) string {
	for _, u := range durationUnits {
		if d >= u.length && d%u.length == 0 {
			return strconv.FormatInt(int64(d/u.length), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(d/time.Second), 10) + "s"
}

var durationUnits = []struct {
	name   string
	length time.Duration
}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}}

// maxDuration bounds lengths of time: ten years.
const maxDuration = 10 * 366 * 24 * time.Hour

// ParseDuration reads a number with one of s, m, h, d: `90m`.
func ParseDuration(text string) (time.Duration, bool) {
	for _, u := range durationUnits {
		digits, ok := strings.CutSuffix(text, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(digits, 10, 32)
		if err != nil || n == 0 || time.Duration(n) > maxDuration/u.length {
			return 0, false
		}
		return time.Duration(n) * u.length, true
	}
	return 0, false
}

// ISO is d as ISO 8601 has durations: PT1H30M, P1D.
func ISO(d time.Duration) string {
	out, rest := "P", d
	if days := rest / (24 * time.Hour); days > 0 {
		out, rest = out+strconv.FormatInt(int64(days), 10)+"D", rest%(24*time.Hour)
	}
	if rest == 0 && out != "P" {
		return out
	}
	out += "T"
	for _, u := range durationUnits[1:] {
		if n := rest / u.length; n > 0 {
			out, rest = out+strconv.FormatInt(int64(n), 10)+strings.ToUpper(u.name), rest%u.length
		}
	}
	if strings.HasSuffix(out, "T") {
		return "PT0S"
	}
	return out
}

// ParseISO reads a duration of ISO 8601 in whole seconds, without years and months, which
// have no length.
func ParseISO(text string) (d time.Duration, ok bool) {
	rest, ok := strings.CutPrefix(strings.ToUpper(text), "P")
	if !ok || rest == "" {
		return 0, false
	}
	units := map[byte]time.Duration{'W': 7 * 24 * time.Hour, 'D': 24 * time.Hour}
	for rest != "" {
		if rest[0] == 'T' {
			rest = rest[1:]
			units = map[byte]time.Duration{'H': time.Hour, 'M': time.Minute, 'S': time.Second}
			if rest == "" {
				return 0, false
			}
			continue
		}
		i := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
		if i < 1 || units[rest[i]] == 0 {
			return 0, false
		}
		n, err := strconv.ParseUint(rest[:i], 10, 32)
		if err != nil || time.Duration(n) > (maxDuration-d)/units[rest[i]] {
			return 0, false
		}
		d += time.Duration(n) * units[rest[i]]
		rest = rest[i+1:]
	}
	return d, true
}
