package deploy

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"sigmac/backends"
	"sigmac/internal/catalog"
	"sigmac/internal/deploy"
	"sigmac/internal/lazy"
	"sigmac/internal/suggest"
)

// unseen says whether a character is white space, or none that can be seen.
func unseen(r rune) bool { return unicode.IsSpace(r) || backends.Hidden(r) }

// A writer makes the stanza of one rule.
type writer struct {
	*deploy.Rule
	*stanza
	o        deploy.Options
	path     string // of the file
	findings []deploy.Finding

	shown        []string // the columns of the results
	known, asked bool     // whether shown are all, and whether they were looked for
}

func (w *writer) note(id, format string, args ...any) {
	w.findings = append(w.findings, found(id, w.path, w.name, format, args...))
}

// levels are what Sigma's levels are in Splunk: the severity of an alert (savedsearches.conf.spec:
// 2 info, 3 warn, 4 error, 5 severe, 6 fatal), and a risk score at the upper end of the band that
// Enterprise Security calls by the level's name.
var levels = map[string]struct{ severity, risk int }{
	"informational": {2, 20}, "low": {3, 40}, "medium": {4, 60}, "high": {5, 80}, "critical": {6, 100},
}

func (w *writer) write() {
	es := w.o.Values["mode"] == correlation
	w.set("search", w.Query)
	w.set("disabled", bit(!w.Plan.Enabled))
	w.set("enableSched", "1")
	w.schedule()
	// An alert is raised where the search finds anything.
	w.set("counttype", "number of events")
	w.set("relation", "greater than")
	w.set("quantity", "0")
	w.set("alert.severity", strconv.Itoa(levels[w.Plan.Level].severity))
	w.set("alert.track", bit(!es))
	w.set("is_visible", bit(!es))
	// An alert of each result can be suppressed by its columns; Enterprise Security does so by
	// itself, with one alert of all.
	w.set("alert.digest_mode", bit(es || w.Plan.SuppressFor == 0))
	w.set("alert.suppress", bit(w.Plan.SuppressFor > 0))
	if w.Plan.SuppressFor > 0 {
		w.set("alert.suppress.fields", strings.Join(w.Plan.SuppressBy, ","))
		w.set("alert.suppress.period", strconv.FormatInt(int64(w.Plan.SuppressFor/time.Second), 10)+"s")
	}
	matrix, notes := deploy.Matrix(w.Meta.Tags, cmp.Or(w.o.Attack, attack))
	for _, n := range notes {
		w.note("attack/version", "%s", n)
	}
	w.set("description", w.describe(matrix))
	if es {
		w.correlation(matrix)
	}
	w.own()
}

func bit(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

func (w *writer) version() int {
	if w.o.Version == nil {
		return 1
	}
	return w.o.Version(w.ID)
}

// schedule says when the search runs and over which events. A run ends Late before it starts, so
// that late events are there, and begins Lookback before it.
func (w *writer) schedule() {
	p := w.Plan
	schedule, period := plainText(p.Cron), p.Every
	if schedule == "" {
		if schedule, period = cronOf(w.ID, p.Every); period != p.Every {
			w.note("splunk/frequency", "a schedule cannot say every %s evenly: the search runs every %s", deploy.Duration(p.Every), deploy.Duration(period))
		}
	} else if c, ok := parseCron(schedule); ok {
		if longest, ok := c.period(); ok {
			period = longest
		}
	}
	lookback := p.Lookback
	if lookback == p.Every+w.Window+p.Late { // nobody chose it
		lookback = period + w.Window + p.Late
	}
	lag := max(0, min(p.Late, lookback-period-w.Window))
	w.set("cron_schedule", schedule)
	w.set("dispatch.earliest_time", cmp.Or(plainText(w.o.Values["min_time"]), before(lookback)))
	w.set("dispatch.latest_time", cmp.Or(plainText(w.o.Values["max_time"]), before(lag)))
	w.set("realtime_schedule", "0") // no period is skipped when the server is busy
	w.set("allow_skew", "0")
	if w.set("schedule_window", "auto"); period <= 5*time.Minute {
		w.set("schedule_window", "0")
	}
}

// before is the time that lies d before a run, as Splunk writes it.
func before(d time.Duration) string {
	switch {
	case d == 0:
		return "@m"
	case d%time.Minute == 0:
		return fmt.Sprintf("-%dm@m", d/time.Minute)
	}
	return fmt.Sprintf("-%ds@s", d/time.Second)
}

// describe is all that the rule says of itself, in one line, which no list of searches breaks. It
// ends in the mark by which the rule is found again: a description is kept by every export, and by
// those who edit a search.
func (w *writer) describe(matrix []catalog.Column) string {
	var parts []string
	add := func(title string, texts ...string) {
		var plain []string
		for _, t := range texts {
			if t = plainText(t); t != "" {
				plain = append(plain, t)
			}
		}
		if len(plain) > 0 {
			parts = append(parts, title+strings.Join(plain, ", "))
		}
	}
	add("", w.Meta.Description)
	add("ATT&CK: ", slices.Concat(tactics(matrix), techniques(matrix))...)
	add("False positives: ", w.Meta.FalsePositives...)
	add("References: ", w.Meta.References...)
	add("Author: ", w.Meta.Author)
	add("Date: ", w.Meta.Date)
	add("Modified: ", w.Meta.Modified)
	return strings.Join(append(parts, mark(w.Rule, w.version())), " | ")
}

// mark names the rule and the version of a search.
func mark(r *deploy.Rule, version int) string {
	id := r.Meta.ID
	if !deploy.IsUUID(id) {
		id = r.ID
	}
	return "Sigma rule: " + strings.ToLower(id) + ", version " + strconv.Itoa(version)
}

func tactics(matrix []catalog.Column) (out []string) {
	for _, c := range matrix {
		out = append(out, c.Tactic.Name)
	}
	return out
}

func techniques(matrix []catalog.Column) (out []string) {
	for _, c := range matrix {
		for _, t := range c.Techniques {
			out = append(out, t.ID)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// annotations are what Enterprise Security knows of a correlation search, with its keys sorted.
type annotations struct {
	CVE         []string `json:"cve,omitempty"`
	MitreAttack []string `json:"mitre_attack,omitempty"`
	Type        string   `json:"type"`
}

// metadata are what Enterprise Security keeps of the version of a correlation search.
type metadata struct {
	Deprecated       string `json:"deprecated"`
	DetectionID      string `json:"detection_id"`
	DetectionVersion string `json:"detection_version"`
	PublishTime      *int64 `json:"publish_time,omitempty"`
}

// correlation makes a correlation search of it: a notable, and risk where it says about whom.
func (w *writer) correlation(matrix []catalog.Column) {
	a := annotations{CVE: cves(w.Meta.Tags), MitreAttack: techniques(matrix), Type: "TTP"}
	m := metadata{Deprecated: "0", DetectionID: w.ID, DetectionVersion: strconv.Itoa(w.version())}
	for _, date := range []string{w.Meta.Modified, w.Meta.Date} {
		if t, err := time.Parse(time.DateOnly, strings.ReplaceAll(date, "/", "-")); err == nil {
			seconds := t.Unix()
			m.PublishTime = &seconds
			break
		}
	}
	risk, threats := w.objects()
	if len(risk) == 0 {
		a.Type = "Correlation"
	}
	w.set("action.correlationsearch.enabled", "1")
	w.set("action.correlationsearch.detection_type", "ebd")
	w.set("action.correlationsearch.label", w.name)
	w.set("action.correlationsearch.annotations", encode(a))
	w.set("action.correlationsearch.metadata", encode(m))

	title := untokened(w.name)
	w.set("action.notable", "1")
	w.set("action.notable.param.rule_title", title)
	w.set("action.notable.param.rule_description", cmp.Or(untokened(plainText(w.Meta.Description)), title))
	w.set("action.notable.param.security_domain", domain(w.Source.Category, w.Source.Product, w.Source.Service))
	w.set("action.notable.param.severity", w.Plan.Level)
	var fields []string
	for _, o := range risk {
		fields = append(fields, o.RiskObjectField)
	}
	for _, f := range slices.Concat(w.Plan.SuppressBy, w.Group) {
		if !slices.Contains(fields, f) {
			fields = append(fields, f)
		}
	}
	w.set("action.notable.param.nes_fields", strings.Join(fields, ","))
	if w.set("action.risk", bit(len(risk) > 0)); len(risk) == 0 {
		w.note("splunk/no-risk-object", "no column of the results is known to be a user or a system: the search makes a notable, and no risk")
		return
	}
	var objects []any
	message := title
	for i, o := range risk {
		objects = append(objects, o)
		message += []string{": ", ", "}[min(i, 1)] + "$" + o.RiskObjectField + "$"
	}
	for _, o := range threats {
		objects = append(objects, o)
	}
	w.set("action.risk.param._risk", encode(objects))
	w.set("action.risk.param._risk_message", message)
	w.set("action.risk.param._risk_score", "0")
	w.set("action.risk.param.verbose", "0")
}

// encode writes JSON in one line, which stays what it is in a .conf file.
func encode(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // of texts and numbers only
	}
	return strings.TrimSpace(b.String())
}

// untokened is a text in which no `$field$` is replaced by what a result has there. No document
// says how a dollar is quoted, so a letter that looks like it stands in its place.
func untokened(s string) string { return strings.ReplaceAll(s, "$", "\uff04") }

// cves are the ids of vulnerabilities among tags: cve.2021-44228.
func cves(tags []string) (out []string) {
	for _, t := range tags {
		if id, ok := strings.CutPrefix(strings.ToLower(t), "cve."); ok && cveNumber().MatchString(id) {
			out = append(out, "CVE-"+strings.ReplaceAll(id, ".", "-"))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

var cveNumber = lazy.Regexp(`^\d{4}[-.]\d{4,}$`)

// domain is the security domain of events of a log source.
func domain(category, product, service string) string {
	in := func(s string, of ...string) bool { return slices.Contains(of, s) }
	switch {
	case in(category, "firewall", "dns", "proxy", "webserver", "netflow") || in(product, "zeek", "cisco", "fortinet", "paloalto", "juniper", "huawei"):
		return "network"
	case in(product, "okta", "onelogin", "duo") || in(service, "signinlogs", "sshd", "riskdetection"):
		return "access"
	case in(product, "windows", "linux", "macos") || in(category, "antivirus", "process_creation", "file_event"):
		return "endpoint"
	}
	return "threat"
}

// own writes the settings that the rule has by Splunk's own names.
func (w *writer) own() {
	for _, o := range w.Plan.Own {
		switch {
		case o.Name == "actions":
			for _, name := range strings.FieldsFunc(o.Value, func(r rune) bool { return unseen(r) || strings.ContainsRune(`[]",`, r) }) {
				w.ownSetting("action."+name, "1")
			}
		default:
			w.ownSetting(o.Name, o.Value)
		}
	}
}

func (w *writer) ownSetting(name, value string) {
	switch {
	case !keyName().MatchString(name):
		w.note("splunk/own-setting", "%q is no name of a setting: it is left out", name)
		return
	case name == "search" || name == "description":
		w.note("splunk/own-setting", "the setting %s is made of the rule: it is left out", name)
		return
	case !knownSetting(name):
		w.note("splunk/unknown-setting", "Splunk knows no setting %q%s", name, suggest.For(name, settings()))
	}
	w.set(name, value)
}

// keyName is a name that no .conf file breaks.
var keyName = lazy.Regexp(`^[A-Za-z][A-Za-z0-9_.:-]*$`)

// settings are the settings of a saved search that stand alone (savedsearches.conf.spec 10.6).
func settings() []string {
	return strings.Fields(`alert.digest_mode alert.expires alert.managedBy alert.severity alert.suppress alert.suppress.fields
alert.suppress.group_name alert.suppress.period alert.track alert_condition allow_data_time_skew allow_skew counttype cron_schedule
disabled dispatchAs dispatch.allow_partial_results dispatch.auto_cancel dispatch.auto_pause dispatch.buckets
dispatch.earliest_time dispatch.index_earliest dispatch.index_latest dispatch.indexedRealtime dispatch.indexedRealtimeMinSpan
dispatch.indexedRealtimeOffset dispatch.latest_time dispatch.lookups dispatch.max_count dispatch.max_time
dispatch.rate_limit_retry dispatch.reduce_freq dispatch.rt_backfill dispatch.rt_maximum_span dispatch.sample_ratio
dispatch.spawn_process dispatch.time_format dispatch.ttl durable.backfill_type durable.lag_time durable.max_backfill_intervals
durable.track_time_type enableSched federated_providers is_visible max_concurrent quantity realtime_schedule relation
request.ui_dispatch_app request.ui_dispatch_view schedule_as schedule_priority schedule_window workload_pool`)
}

// knownSetting says whether a saved search may have a setting.
func knownSetting(name string) bool {
	for _, family := range []string{"action.", "display."} {
		if strings.HasPrefix(name, family) && len(name) > len(family) {
			return true
		}
	}
	return slices.Contains(settings(), name)
}
