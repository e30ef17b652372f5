package deploy

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"sigmac/internal/deploy"
	"sigmac/internal/lazy"
)

// settingsOf are what a search decides beside its text, in one spelling, with what Splunk has where
// it is not said. Of an action there is only that it is taken: its parameters may hold secrets.
func settingsOf(s *stanza, description string) (out []deploy.Setting) {
	add := func(kind, name, value string) {
		out = append(out, deploy.Setting{Kind: kind, Name: name, Value: value})
	}

	schedule := strings.Join(strings.Fields(s.get("cron_schedule")), " ")
	if c, ok := parseCron(schedule); ok {
		schedule = c.String()
	}
	add(deploy.Schedule, "cron_schedule", schedule)
	for _, key := range []string{"dispatch.earliest_time", "dispatch.latest_time", "dispatch.index_earliest", "dispatch.index_latest"} {
		add(deploy.Schedule, key, moment(s.get(key)))
	}
	add(deploy.Schedule, "realtime_schedule", bit(truth(s.or("realtime_schedule", "1"))))
	window := strings.ToLower(s.or("schedule_window", "0"))
	if window == "default" { // as the server calls it
		window = "0"
	}
	add(deploy.Schedule, "schedule_window", window)
	add(deploy.Schedule, "schedule_priority", strings.ToLower(s.or("schedule_priority", "default")))
	add(deploy.Schedule, "allow_skew", s.or("allow_skew", "0"))
	add(deploy.Schedule, "trigger", trigger(s))

	add(deploy.Severity, "alert.severity", s.or("alert.severity", "3"))
	notable, risk := truth(s.get("action.notable")), truth(s.get("action.risk"))
	if notable {
		add(deploy.Severity, "action.notable.param.severity", strings.ToLower(s.get("action.notable.param.severity")))
	}

	suppress := truth(s.get("alert.suppress"))
	add(deploy.Suppression, "alert.digest_mode", bit(truth(s.or("alert.digest_mode", "1"))))
	add(deploy.Suppression, "alert.suppress", bit(suppress))
	if suppress {
		period := s.get("alert.suppress.period")
		if d, ok := span(period); ok {
			period = deploy.ISO(d)
		}
		add(deploy.Suppression, "alert.suppress.period", period)
		add(deploy.Suppression, "alert.suppress.fields", sorted(list(s.get("alert.suppress.fields"))))
		add(deploy.Suppression, "alert.suppress.group_name", s.get("alert.suppress.group_name"))
	}

	if notable {
		add(deploy.Entities, "action.notable.param.nes_fields", sorted(list(s.get("action.notable.param.nes_fields"))))
	}
	if risk {
		var objects []string
		parsed, _ := riskOf(s)
		for _, o := range parsed {
			objects = append(objects, o.String())
		}
		add(deploy.Entities, "action.risk.param._risk", sorted(objects))
	}

	var actions []string
	for key, v := range s.keys {
		if name, ok := strings.CutPrefix(key, "action."); ok && !strings.Contains(name, ".") && truth(v.value) {
			actions = append(actions, name)
		}
	}
	add(deploy.Actions, "actions", sorted(actions))
	track := strings.ToLower(s.or("alert.track", "auto"))
	if track != "auto" {
		track = bit(truth(track))
	}
	add(deploy.Actions, "alert.track", track)

	if truth(s.get("action.correlationsearch.enabled")) {
		ids, _ := techniquesOf(s)
		add(deploy.Attack, "mitre_attack", sorted(ids))
	}

	add(deploy.Text, "name", s.name)
	add(deploy.Text, "description", description)
	if notable {
		for _, key := range []string{"action.notable.param.rule_title", "action.notable.param.rule_description", "action.notable.param.security_domain"} {
			add(deploy.Text, key, plainText(s.get(key)))
		}
	}
	if risk {
		add(deploy.Text, "action.risk.param._risk_message", plainText(s.get("action.risk.param._risk_message")))
	}
	return out
}

// trigger is when the results of a search raise an alert.
func trigger(s *stanza) string {
	switch count := strings.ToLower(s.or("counttype", "always")); count {
	case "always":
		return count
	case "custom":
		return count + " " + plainText(s.get("alert_condition"))
	default:
		return plainText(count + " " + strings.ToLower(s.get("relation")) + " " + s.get("quantity"))
	}
}

// list are the members of a list with commas.
func list(v string) (out []string) {
	for _, m := range strings.Split(v, ",") {
		if m = strings.TrimSpace(m); m != "" {
			out = append(out, m)
		}
	}
	return out
}

// sorted is a list in which order and repetition say nothing.
func sorted(ms []string) string {
	ms = slices.Clone(ms)
	slices.Sort(ms)
	return strings.Join(slices.Compact(ms), ", ")
}

// timeUnits are the units of times and their names (Search Manual: Specify time modifiers). Those
// longer than a week have no length.
var timeUnits = map[string]time.Duration{
	"s": time.Second, "sec": time.Second, "secs": time.Second, "second": time.Second, "seconds": time.Second,
	"m": time.Minute, "min": time.Minute, "mins": time.Minute, "minute": time.Minute, "minutes": time.Minute,
	"h": time.Hour, "hr": time.Hour, "hrs": time.Hour, "hour": time.Hour, "hours": time.Hour,
	"d": 24 * time.Hour, "day": 24 * time.Hour, "days": 24 * time.Hour,
	"w": 7 * 24 * time.Hour, "week": 7 * 24 * time.Hour, "weeks": 7 * 24 * time.Hour,
}

var (
	relative = lazy.Regexp(`^([+-])?(\d{1,9})?([a-z]+)?(?:@([a-z]+))?$`)
	spanForm = lazy.Regexp(`^(\d{1,9})\s*([a-z]*)$`)
)

// offset is a time relative to a run: how far from it, and the unit to which it is cut, or 0.
func offset(text string) (d, snap time.Duration, ok bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	if text == "now" || text == "now()" {
		return 0, 0, true
	}
	m := relative().FindStringSubmatch(text)
	if m == nil || text == "" || m[1] == "" && m[2]+m[3] != "" || m[1] != "" && m[2]+m[3] == "" {
		return 0, 0, false
	}
	if m[4] != "" {
		if snap = timeUnits[m[4]]; snap == 0 {
			return 0, 0, false
		}
	}
	if m[1] == "" {
		return 0, snap, true
	}
	unit := timeUnits[cmp.Or(m[3], "s")]
	n, _ := strconv.Atoi(cmp.Or(m[2], "1"))
	if unit == 0 || time.Duration(n) > (1<<62)/unit {
		return 0, 0, false
	}
	if d = time.Duration(n) * unit; m[1] == "-" {
		d = -d
	}
	return d, snap, true
}

// moment is a time of a search in one spelling.
func moment(text string) string {
	d, snap, ok := offset(text)
	if !ok {
		return strings.TrimSpace(text)
	}
	out := "now"
	switch {
	case d < 0:
		out = "-" + deploy.ISO(-d)
	case d > 0:
		out = "+" + deploy.ISO(d)
	}
	if snap != 0 {
		out += "@" + deploy.Duration(snap)[1:]
	}
	return out
}

// span is a length of time: a number of seconds, or of a unit.
func span(text string) (time.Duration, bool) {
	m := spanForm().FindStringSubmatch(strings.ToLower(strings.TrimSpace(text)))
	if m == nil {
		return 0, false
	}
	n, _ := strconv.Atoi(m[1])
	unit := timeUnits[cmp.Or(m[2], "s")]
	if unit == 0 || n == 0 || time.Duration(n) > (1<<62)/unit {
		return 0, false
	}
	return time.Duration(n) * unit, true
}

// An object is a risk object or a threat object.
type object struct {
	RiskField   string      `json:"risk_object_field"`
	RiskType    string      `json:"risk_object_type"`
	Score       json.Number `json:"risk_score"`
	ThreatField string      `json:"threat_object_field"`
	ThreatType  string      `json:"threat_object_type"`
}

func (o object) String() string {
	if o.ThreatField != "" || o.ThreatType != "" {
		return o.ThreatType + " " + o.ThreatField
	}
	return o.RiskType + " " + o.RiskField + " " + o.Score.String()
}

// riskOf are the objects of a search; false where they are not the JSON that is expected.
func riskOf(s *stanza) (out []object, ok bool) {
	err := json.Unmarshal([]byte(s.get("action.risk.param._risk")), &out)
	return out, err == nil
}

// techniquesOf are the techniques that a correlation search is annotated with; false where its
// annotations are not the JSON that is expected.
func techniquesOf(s *stanza) ([]string, bool) {
	var of struct {
		Techniques []string `json:"mitre_attack"`
	}
	err := json.Unmarshal([]byte(s.or("action.correlationsearch.annotations", "{}")), &of)
	return of.Techniques, err == nil
}
