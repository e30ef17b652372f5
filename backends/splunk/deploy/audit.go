package deploy

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"sigmac/backends"
	"sigmac/backends/splunk/read"
	"sigmac/internal/deploy"
	"sigmac/internal/lazy"
	"sigmac/ir"
)

// An auditor judges one search.
type auditor struct {
	*stanza
	d   *deploy.Detection
	c   deploy.Context
	out []deploy.Finding

	columns []string // of the results
	known   bool     // whether they are all
}

func (a *auditor) find(id string, at ir.Pos, format string, args ...any) {
	a.out = append(a.out, deploy.Finding{Check: checkOf(id), Msg: fmt.Sprintf(format, args...), Path: a.d.Path, Pos: at, Detection: a.d.Title})
}

// audit says what is wrong with searches, and with the app that they are of.
func audit(ds []*deploy.Detection, c deploy.Context) (out []deploy.Finding) {
	type key struct{ path, app, name string }
	seen, leaks := map[key]bool{}, map[string]bool{}
	in := newApp(c.Folder)
	for _, d := range ds {
		s, ok := d.Own.(*stanza)
		if !ok {
			continue
		}
		a := &auditor{stanza: s, d: d, c: c}
		schema := c.Schema
		if schema == nil {
			schema = anyColumn{}
		}
		a.columns, a.known = results(d.Query, schema)
		k := key{d.Path, s.app, s.name}
		if slices.Contains(s.twice, "") || seen[k] {
			a.find("splunk/duplicate-name", s.at, "another search has this name too: the settings of both become one search")
		}
		seen[k] = true
		if s.defaults && !leaks[d.Path] {
			leaks[d.Path] = true
			a.find("splunk/default-stanza", ir.Pos{Line: 1, Column: 1}, "the file has settings for all searches, which hold in other apps too; put them into each stanza")
		}
		a.text()
		a.commands(in)
		a.fields(schema)
		a.schedule()
		a.alert()
		a.security()
		out = append(out, a.out...)
	}
	return append(out, in.faults()...)
}

// text judges the name and the text of a search.
func (a *auditor) text() {
	switch name := a.name; {
	case strings.EqualFold(name, "default"):
		a.find("splunk/name", a.at, "the stanza %s means all searches", name)
	case plainText(name) != name || name == "":
		a.find("splunk/name", a.at, "the name is empty, or has white space at its ends, twice in a row, or characters that cannot be seen")
	case strings.ContainsAny(name, "[]"):
		a.find("splunk/name", a.at, "the name has a bracket, which ends the name of a stanza")
	}
	if truth(a.get("action.correlationsearch.enabled")) {
		switch n := max(utf8.RuneCountInString(a.name), utf8.RuneCountInString(a.get("action.correlationsearch.label"))); {
		case n > 99:
			a.find("splunk/name-length", a.at, "the name has %d characters; Enterprise Security edits no search with more than 99", n)
		case n > 81:
			a.find("splunk/name-length", a.at, "the name has %d characters; a clone of the search gets a longer one, and more than 99 are not edited", n)
		}
	}
	for _, key := range a.twice {
		if key != "" {
			a.find("splunk/duplicate-setting", a.place(key), "%s is there more than once", key)
		}
	}
	q := a.d.Query
	lines := strings.Split(q, "\n")
	if len(lines) > 1 {
		a.find("splunk/multi-line", a.d.QueryAt, "the search has %d lines", len(lines))
	}
	if !a.exported && slices.ContainsFunc(lines, func(l string) bool { return strings.HasSuffix(l, `\`) }) {
		a.find("splunk/line-end", a.d.QueryAt, "a line of the search ends in a backslash")
	}
	for _, key := range []string{"search", "description"} {
		if !a.exported && destructive().MatchString(a.get(key)) {
			a.find("splunk/cloud-text", a.place(key), "the text has rm -rf: Splunk AppInspect refuses the app, and so does Splunk Cloud; write it in another way there, or leave the rule out")
			break
		}
	}
	if !utf8.ValidString(q) || strings.ContainsFunc(q, func(r rune) bool { return r != '\n' && r != '\t' && backends.Hidden(r) }) {
		a.find("splunk/control-character", a.d.QueryAt, "the search has a character that cannot be seen, or is no UTF-8 text")
	}
}

// destructive is what AppInspect looks for in the files of an app.
var destructive = lazy.Regexp(`rm -rf|["']rm["']\s*,\s*["']-[rf]{2}["']`)

// in is a place in the search, as one in the file. Where the search has another form there, in JSON
// or in several lines, it is where the search begins.
func (a *auditor) in(at ir.Pos) ir.Pos {
	start := a.d.QueryAt
	if a.exported || at.Line != 1 || start.Line == 0 {
		return start
	}
	start.Column += at.Column - 1
	return start
}

// commands judges what the search does, and what it needs.
func (a *auditor) commands(in *app) {
	said := map[string]bool{}
	once := func(id, name string, at ir.Pos, format string, args ...any) {
		if !said[id+name] {
			said[id+name] = true
			a.find(id, a.in(at), format, args...)
		}
	}
	for _, c := range commands(a.d.Query) {
		if does := writing[c.Name]; does != "" {
			once("splunk/command-writes", c.Name, c.Pos, "the command %s %s", c.Name, does)
		}
		if does := running[c.Name]; does != "" {
			once("splunk/command-risky", c.Name, c.Pos, "the command %s %s", c.Name, does)
		}
		if !in.there {
			continue
		}
		for _, m := range macros(c.Text) {
			if name := strings.TrimSuffix(m, "("); !in.macros[name] {
				once("splunk/macro", name, c.Pos, "the macro %s is not in the app: the search runs only where another app shares it", name)
			}
		}
		if l := lookupOf(c); l != "" && !in.lookups[l] {
			once("splunk/lookup", l, c.Pos, "the lookup %s is not in the app: the search runs only where another app shares it", l)
		}
	}
}

// fields judges what a search asks of a dataset whose fields are known: every one has _time.
func (a *auditor) fields(s ir.Schema) {
	q, err := read.Read(a.d.Query, s)
	if err != nil || q.Scope.DataModel == "" || q.Where == nil {
		return
	}
	known := func(field string) bool {
		t, _ := s.Type(q.Scope.DataModel, field)
		return t != ir.Unknown
	}
	said := map[string]bool{}
	ir.Walk(q.Where, func(e ir.Expr) {
		if m, ok := e.(ir.Match); ok && known("_time") && !known(m.Field.Name) && !said[m.Field.Name] {
			said[m.Field.Name] = true
			a.find("splunk/field", a.in(m.Pos), "%s has no field %s", q.Scope.DataModel, m.Field.Name)
		}
	})
}

// schedule judges when the search runs and over which events.
func (a *auditor) schedule() {
	enabled := a.get("enableSched")
	if enabled != "" && enabled != "0" && enabled != "1" && !a.exported {
		a.find("splunk/enable-sched", a.place("enableSched"), "only 0 and 1 are known")
	}
	if !truth(enabled) {
		if !truth(a.get("disabled")) {
			a.find("splunk/not-scheduled", a.place("enableSched"), "the search never runs by itself: enableSched is not 1")
		}
		return
	}
	c, ok := parseCron(a.get("cron_schedule"))
	switch {
	case a.get("cron_schedule") == "":
		a.find("splunk/cron", a.at, "the search is scheduled and has no cron_schedule")
	case !ok:
		a.find("splunk/cron", a.place("cron_schedule"), "this is no schedule of minute, hour, day of the month, month and day of the week")
	}
	if truth(a.or("realtime_schedule", "1")) {
		a.find("splunk/real-time", a.place("realtime_schedule"), "a server that is busy skips runs, and nobody looks at the events of these; set realtime_schedule = 0")
	}
	if n := len(c[0]); ok && n > 12 {
		a.find("splunk/too-often", a.place("cron_schedule"), "the search runs %d times an hour", n)
	}
	period, timed := c.period()
	timed = timed && ok
	if w := strings.ToLower(a.or("schedule_window", "0")); w != "auto" && w != "default" {
		n, err := strconv.ParseUint(w, 10, 32)
		switch {
		case err != nil:
			a.find("splunk/schedule-window", a.place("schedule_window"), "auto or a number of minutes is expected")
		case timed && n > 0 && int(n) >= int(period.Minutes()):
			a.find("splunk/schedule-window", a.place("schedule_window"), "the window of %d minutes is not shorter than the time between runs, %s", n, deploy.Duration(period))
		}
	}
	if a.or("schedule_window", "0") != "0" && a.or("schedule_priority", "default") != "default" {
		a.find("splunk/schedule-window", a.place("schedule_window"), "with a schedule_priority there is no window")
	}
	early, late := a.get("dispatch.earliest_time"), a.get("dispatch.latest_time")
	indexed := a.get("dispatch.index_earliest") != "" || a.get("dispatch.index_latest") != ""
	for _, key := range []string{"dispatch.earliest_time", "dispatch.latest_time"} {
		if strings.HasPrefix(strings.ToLower(a.get(key)), "rt") {
			a.find("splunk/real-time-search", a.place(key), "the search runs in real time, all the time")
		}
	}
	if early == "" && !indexed && !strings.Contains(a.d.Query, "earliest") && !a.timeless() {
		a.find("splunk/all-time", a.place("dispatch.earliest_time"), "there is no dispatch.earliest_time: each run looks at all events that there are")
	}
	if late == "" {
		late = "now"
	}
	from, cut, ok1 := offset(early)
	to, cutTo, ok2 := offset(late)
	switch {
	case !ok1 || !ok2 || early == "":
	case cut == cutTo && from >= to, from-cut >= to:
		a.find("splunk/time-range", a.place("dispatch.earliest_time"), "the search begins at %s and ends at %s: it looks at nothing", early, late)
	case timed && !indexed && max(cut, cutTo).Minutes() <= 1 && to-from < period && !strings.Contains(a.d.Query, "earliest"):
		a.find("splunk/gap", a.place("dispatch.earliest_time"), "the search looks at %s, and up to %s lie between two runs: some events are never looked at", deploy.Duration(to-from), deploy.Duration(period))
	}
}

// timeless says whether a search begins with a command that asks no index.
func (a *auditor) timeless() bool {
	cs := commands(a.d.Query)
	return len(cs) > 0 && slices.Contains([]string{"inputlookup", "inputcsv", "rest", "makeresults", "metadata", "dbinspect", "loadjob", "savedsearch", "eventcount"}, cs[0].Name)
}

var (
	countTypes = []string{"always", "custom", "number of events", "number of hosts", "number of sources"}
	relations  = []string{"greater than", "less than", "equal to", "not equal to", "drops by", "rises by"}
)

// alert judges what an alert is raised by, and what comes of it.
func (a *auditor) alert() {
	count := strings.ToLower(a.or("counttype", "always"))
	number, err := strconv.ParseInt(strings.TrimSuffix(a.get("quantity"), "%"), 10, 64)
	switch {
	case !slices.Contains(countTypes, count):
		a.find("splunk/trigger", a.place("counttype"), "counttype is one of: %s", strings.Join(countTypes, ", "))
	case count == "custom":
		if a.get("alert_condition") == "" {
			a.find("splunk/trigger", a.place("counttype"), "a custom condition needs alert_condition")
		}
	case count != "always" && !slices.Contains(relations, strings.ToLower(a.get("relation"))):
		a.find("splunk/trigger", a.place("relation"), "relation is one of: %s", strings.Join(relations, ", "))
	case count != "always" && (err != nil || number < 0):
		a.find("splunk/trigger", a.place("quantity"), "quantity is a number")
	}
	if v := a.or("alert.severity", "3"); len(v) != 1 || v[0] < '1' || v[0] > '6' {
		a.find("splunk/severity", a.place("alert.severity"), "1 (debug) to 6 (fatal) is expected")
	}
	for _, key := range []string{"action.script.filename", "action.populate_lookup"} {
		if v := a.get(key); v != "" && !a.exported && (key == "action.script.filename" || truth(v)) {
			a.find("splunk/cloud-action", a.place(key), "Splunk Cloud takes no app with %s", key)
		}
	}
	if v := a.get("alert.expires"); v != "" {
		if _, ok := span(v); !ok {
			a.find("splunk/expires", a.place("alert.expires"), "a number with a unit is expected, as 24h")
		}
	}
	if truth(a.get("alert.suppress")) {
		fields := list(a.get("alert.suppress.fields"))
		if _, ok := span(a.get("alert.suppress.period")); !ok {
			a.find("splunk/suppress", a.place("alert.suppress.period"), "alerts are suppressed, and alert.suppress.period is no length of time, as 1h")
		}
		if len(fields) == 0 && !truth(a.or("alert.digest_mode", "1")) {
			a.find("splunk/suppress", a.place("alert.suppress.fields"), "each result raises an alert, and alert.suppress.fields does not say which are alike")
		}
		a.columnsOf("splunk/suppress-column", "alert.suppress.fields", fields)
	}
	if count != "always" && truth(a.get("enableSched")) && !truth(a.get("alert.track")) && !slices.ContainsFunc(a.d.Settings, func(s deploy.Setting) bool { return s.Name == "actions" && s.Value != "" }) {
		a.find("splunk/action-none", a.place("alert.track"), "an alert takes no action, and alert.track is not 1: nobody learns of it")
	}
}

// columnsOf judges columns that a setting names.
func (a *auditor) columnsOf(id, key string, columns []string) {
	for _, c := range columns {
		if a.known && !strings.Contains(c, "*") && !slices.Contains(a.columns, c) {
			a.find(id, a.place(key), "the results have no column %q", c)
		}
	}
}

var (
	domains   = []string{"access", "audit", "endpoint", "identity", "network", "threat"}
	token     = lazy.Regexp(`\$([^$\s]+)\$`)
	technique = lazy.Regexp(`^T\d{4}(\.\d{3})?$`)
	// ownTokens are those of the search and of its run.
	ownTokens = lazy.Regexp(`^(name|description|app|owner|view_link|results_link|trigger_date|trigger_time|type|search|search_id|cron_schedule|counttype|relation|quantity|alert\..+|job\..+|server\..+|info_.+|rid|sid|_.+)$`)
)

// security judges what Enterprise Security makes of the search.
func (a *auditor) security() {
	if truth(a.get("action.correlationsearch.enabled")) {
		ids, ok := techniquesOf(a.stanza)
		if !ok {
			a.find("splunk/annotations", a.place("action.correlationsearch.annotations"), "this is no object of JSON with lists of texts")
		}
		for _, id := range ids {
			if !technique().MatchString(id) {
				a.find("splunk/annotations", a.place("action.correlationsearch.annotations"), "mitre_attack has ids of techniques, as T1059.001")
			}
		}
	}
	if truth(a.get("action.notable")) {
		const of = "action.notable.param."
		if a.get(of+"rule_title") == "" {
			a.find("splunk/notable", a.place(of+"rule_title"), "the notable has no rule_title")
		}
		if v := a.get(of + "security_domain"); !slices.Contains(domains, v) {
			a.find("splunk/notable", a.place(of+"security_domain"), "security_domain is one of: %s", strings.Join(domains, ", "))
		}
		if v := a.get(of + "severity"); !slices.Contains(deploy.Levels, v) {
			a.find("splunk/notable", a.place(of+"severity"), "severity is one of: %s", strings.Join(deploy.Levels, ", "))
		}
		a.columnsOf("splunk/notable-column", of+"nes_fields", list(a.get(of+"nes_fields")))
		a.tokens(of + "rule_title")
		a.tokens(of + "rule_description")
	}
	if truth(a.get("action.risk")) {
		a.risk()
		a.tokens("action.risk.param._risk_message")
	}
}

func (a *auditor) tokens(key string) {
	for _, m := range token().FindAllStringSubmatch(a.get(key), -1) {
		if name := strings.TrimPrefix(m[1], "result."); a.known && !ownTokens().MatchString(name) && !slices.Contains(a.columns, name) {
			a.find("splunk/token", a.place(key), "the results have no column %q, which stands in %s", name, key[strings.LastIndexByte(key, '.')+1:])
		}
	}
}

func (a *auditor) risk() {
	const key = "action.risk.param._risk"
	at := a.place(key)
	if a.get(key) == "" {
		// The object and the score stand apart, as before Enterprise Security 6.
		if a.get("action.risk.param._risk_object") == "" {
			a.find("splunk/no-risk-object", at, "the search raises risk, and says of nobody")
		}
		return
	}
	objects, ok := riskOf(a.stanza)
	if !ok {
		a.find("splunk/risk", at, "this is no list of objects in JSON")
		return
	}
	some := false
	for _, o := range objects {
		if o.ThreatField != "" || o.ThreatType != "" {
			if !slices.Contains(threatTypes, o.ThreatType) {
				a.find("splunk/risk", at, "%q is no type of threat object", o.ThreatType)
			}
			a.columnsOf("splunk/entity-column", key, []string{o.ThreatField})
			continue
		}
		some = true
		if !slices.Contains(riskTypes, o.RiskType) {
			a.find("splunk/risk", at, "%q is no type of risk object; these are: %s", o.RiskType, strings.Join(riskTypes, ", "))
		}
		if n, err := strconv.Atoi(o.Score.String()); err != nil || n < 1 || n > 100 {
			a.find("splunk/risk", at, "a risk score is a number from 1 to 100")
		}
		a.columnsOf("splunk/entity-column", key, []string{o.RiskField})
	}
	if !some {
		a.find("splunk/no-risk-object", at, "the search raises risk, and says of nobody")
	}
}

// An app is what the folder of a package has beside its searches.
type app struct {
	there           bool
	macros, lookups map[string]bool
	conf            []*stanza
	err             error
	path            string // of app.conf
}

func newApp(folder []deploy.File) *app {
	in := &app{macros: map[string]bool{}, lookups: map[string]bool{}}
	for _, f := range folder {
		dir, base := path.Split(f.Path)
		switch {
		case base == "app.conf":
			in.there, in.path = true, f.Path
			in.conf, in.err = readConf(f.Path, f.Data)
		case base == "macros.conf":
			stanzas, _ := readConf(f.Path, f.Data)
			for _, s := range stanzas {
				name, _, _ := strings.Cut(s.name, "(")
				in.macros[name] = true
			}
		case base == "transforms.conf":
			stanzas, _ := readConf(f.Path, f.Data)
			for _, s := range stanzas {
				in.lookups[s.name] = true
			}
		case path.Base(dir) == "lookups":
			in.lookups[base] = true
		}
	}
	return in
}

var (
	appVersion = lazy.Regexp(`^\d+\.\d+\.\d+[A-Za-z0-9.+-]*$`)
	appForm    = lazy.Regexp(`^[A-Za-z][A-Za-z0-9_.-]*$`)
	notApps    = lazy.Regexp(`(?i)\.$|\.(?:tar|gz|tgz|spl)$|^(?:con|prn|aux|nul|com\d|lpt\d)$|^(?:search|launcher|learned|legacy|framework|splunk_.*|SplunkForwarder|SplunkLightForwarder|SplunkDeploymentServerConfig)$`)
)

// appName says whether an app can have a name.
func appName(name string) bool { return appForm().MatchString(name) && !notApps().MatchString(name) }

// faults judges app.conf.
func (in *app) faults() (out []deploy.Finding) {
	find := func(at ir.Pos, format string, args ...any) {
		out = append(out, deploy.Finding{Check: checkOf("splunk/app"), Msg: fmt.Sprintf(format, args...), Path: in.path, Pos: at})
	}
	if in.err != nil {
		find(ir.Pos{}, "the file cannot be read")
		return out
	}
	if !in.there {
		return nil
	}
	of := func(name string) *stanza {
		for _, s := range in.conf {
			if s.name == name {
				return s
			}
		}
		return &stanza{at: ir.Pos{Line: 1, Column: 1}}
	}
	if launcher, id := of("launcher"), of("id"); !appVersion().MatchString(launcher.or("version", id.get("version"))) {
		find(launcher.place("version"), "[launcher] has no version as 1.0.0")
	}
	// The folder is known where the path of the file begins with it.
	if folder := path.Base(path.Dir(path.Dir(in.path))); folder != "." && folder != "/" {
		for _, s := range []*stanza{of("package"), of("id")} {
			key := "id"
			if s.name == "id" {
				key = "name"
			}
			if v := s.get(key); v != "" && v != folder {
				find(s.place(key), "the app is called %q, and its folder %q", v, folder)
			}
		}
	}
	return out
}
