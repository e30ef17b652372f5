package deploy

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sigmac/backends/elastic/read"
	"sigmac/internal/deploy"
	"sigmac/internal/suggest"
	"sigmac/ir"
	"sigmac/tail"
)

// Sources of checks.
const (
	api      = "Kibana, rule_schemas.schema.yaml and common_attributes.schema.yaml"
	importer = "Kibana, rule_to_import_validation.ts"
	schedule = "Elastic Docs: Create a detection rule, schedule"
	repo     = "elastic/detection-rules, detection_rules/rule.py"
	repoTest = "elastic/detection-rules, tests/test_all_rules.py"
)

// checks are what is asked of rules.
var checks = []deploy.Check{
	{ID: "attack/version", Severity: "note", What: "tactics and techniques are told as the version of ATT&CK has them that the SIEM knows", Source: "elastic/detection-rules, detection_rules/attack.py"},
	{ID: "elastic/required", Severity: "error", What: "a rule has what Kibana requires of its type", Source: api},
	{ID: "elastic/value", Severity: "error", What: "a value is of the kind, and one of those, that Kibana takes", Source: api},
	{ID: "elastic/field", Severity: "warning", What: "a rule has only fields that Kibana keeps for its type", Source: api},
	{ID: "elastic/language", Severity: "error", What: "the language of the query is one of the type of the rule", Source: api},
	{ID: "elastic/esql-index", Severity: "error", What: "a rule in ES|QL names its indices in the query alone, and has no filters", Source: repo},
	{ID: "elastic/index", Severity: "note", What: "a rule says in which indices it looks; without, Kibana's setting securitySolution:defaultIndex does", Source: "Elastic Docs: Set rule data sources"},
	{ID: "elastic/index-and-view", Severity: "warning", What: "a rule has indices or a data view, not both", Source: repo},
	{ID: "elastic/lookback", Severity: "warning", What: "a run looks back at least to the one before", Source: "elastic/kibana issue 154963"},
	{ID: "elastic/overlap", Severity: "warning", What: "a run looks back a minute longer than to the one before", Source: schedule},
	{ID: "elastic/maxspan", Severity: "warning", What: "a run looks back as far as a sequence may last, and to the run before", Source: repoTest},
	{ID: "elastic/interval", Severity: "warning", What: "a rule runs at most once a minute", Source: "Elastic Docs: Kibana alerting settings, xpack.alerting.rules.minimumScheduleInterval"},
	{ID: "elastic/cron", Severity: "warning", What: "a schedule of cron has no place in Kibana", Source: api},
	{ID: "elastic/ingested", Severity: "note", What: "a run asks for events by when they were taken in, so that late ones are found", Source: repoTest},
	{ID: "elastic/tiebreaker", Severity: "note", What: "a sequence says in which order events of one time stand", Source: "Elastic Docs: EQL search API, tiebreaker_field"},
	{ID: "elastic/risk-band", Severity: "warning", What: "the risk score is in the band of the severity", Source: api},
	{ID: "elastic/max-signals", Severity: "warning", What: "a run raises at most 1,000 alerts", Source: "Elastic Docs: Kibana alerting settings, xpack.alerting.rules.run.alerts.max"},
	{ID: "elastic/threat", Severity: "error", What: "a tactic or technique has an id, a name and a reference", Source: api},
	{ID: "elastic/threat-version", Severity: "warning", What: "tactics and techniques are of the version of ATT&CK, with its names", Source: "MITRE ATT&CK"},
	{ID: "elastic/suppression", Severity: "error", What: "alerts are suppressed by one to three fields, for a time in seconds, minutes or hours", Source: api},
	{ID: "elastic/threshold", Severity: "error", What: "a threshold has at most five fields, and counts values of others", Source: importer},
	{ID: "elastic/threshold-fields", Severity: "warning", What: "a threshold has at most three fields before version 9.2", Source: repo},
	{ID: "elastic/new-terms", Severity: "error", What: "new terms are looked for in one to three fields", Source: api},
	{ID: "elastic/timeline", Severity: "error", What: "the id of a timeline and its title stand together, and are not empty", Source: importer},
	{ID: "elastic/esql-metadata", Severity: "warning", What: "a query in ES|QL that does not aggregate takes _id, _index and _version; Kibana 9.4 adds _id itself", Source: "Elastic Docs: ES|QL rules; elastic/docs-content issue 5462"},
	{ID: "elastic/esql-keep", Severity: "warning", What: "a query in ES|QL that does not aggregate keeps _id, _index and _version", Source: repo},
	{ID: "elastic/columns", Severity: "warning", What: "the index has the fields that a rule names", Source: "the schema"},
	{ID: "elastic/rule-id", Severity: "error", What: "the ids of rules are unique", Source: "Kibana, import of rules without overwrite"},
	{ID: "elastic/name", Severity: "warning", What: "the names of rules are unique, so that people can tell alerts apart", Source: "ours"},
	{ID: "elastic/import-size", Severity: "error", What: "a file has at most 10,000 rules and 10,485,760 bytes", Source: "Kibana, xpack.securitySolution.maxRuleImportExportSize and maxRuleImportPayloadBytes"},
	{ID: "elastic/setting", Severity: "error", What: "a setting of Kibana is one that it knows, with a value of its kind", Source: api},
	{ID: "elastic/toml", Severity: "error", What: "a file of the repository has dates, a UUID, an author, in ES|QL a KEEP, and no version", Source: repo},
	{ID: "elastic/undated", Severity: "warning", What: "a rule has a date", Source: repo},
	{ID: "elastic/building-block", Severity: "error", What: "a building block of the repository runs at most once an hour and looks back at least 119 minutes", Source: repo},
	{ID: "elastic/min-stack", Severity: "error", What: "a rule of the repository names the version from which on Elastic has what it uses", Source: repo},
}

// check is the Check of an id.
func check(id string) deploy.Check {
	return checks[slices.IndexFunc(checks, func(c deploy.Check) bool { return c.ID == id })]
}

// What a file that is imported may have (security_solution/server/config.ts).
const (
	maxImported = 10_000
	maxPayload  = 10_485_760
)

// An auditor looks at one rule.
type auditor struct {
	*rule
	d        *deploy.Detection
	c        deploy.Context
	typ      string
	findings []deploy.Finding
}

func (a *auditor) find(at ir.Pos, id, format string, args ...any) {
	a.findings = append(a.findings, deploy.Finding{Check: check(id), Msg: fmt.Sprintf(format, args...), Path: a.d.Path,
		Pos: cmp.Or(at, a.d.Pos), Detection: cmp.Or(a.d.ID, a.d.Title)})
}

func audit(ds []*deploy.Detection, c deploy.Context) (out []deploy.Finding) {
	ids, names := map[string]*deploy.Detection{}, map[string]*deploy.Detection{}
	type file struct{ rules, bytes int }
	files := map[string]file{}
	for _, d := range ds {
		r, ok := d.Own.(*rule)
		if !ok {
			continue
		}
		a := &auditor{rule: r, d: d, c: c, typ: r.get("type").text()}
		if first := ids[d.ID]; first != nil && d.ID != "" {
			a.find(r.get("rule_id").at, "elastic/rule-id", "the rule %q has this id too", first.Title)
		} else {
			ids[d.ID] = d
		}
		if first := names[d.Title]; first != nil && d.Title != "" {
			a.find(r.get("name").at, "elastic/name", "the rule %s has this name too", first.ID)
		} else {
			names[d.Title] = d
		}
		if f := files[d.Path]; !r.toml {
			before := f
			f.rules++
			f.bytes += r.size + 1
			files[d.Path] = f
			if before.rules <= maxImported && f.rules > maxImported {
				a.find(ir.Pos{}, "elastic/import-size", "from here on Kibana does not import the file: it has more than %d rules", maxImported)
			}
			if before.bytes <= maxPayload && f.bytes > maxPayload {
				a.find(ir.Pos{}, "elastic/import-size", "Kibana does not import the file: here it is larger than %d bytes", maxPayload)
			}
		}
		a.form()
		a.source()
		a.schedule()
		a.query()
		a.threat()
		a.alerts()
		a.kinds()
		if r.toml {
			a.repository()
		}
		out = append(out, a.findings...)
	}
	return out
}

// needs are the fields that rules of a type must have, beside those of all.
var needs = map[string]string{
	"eql": "query language", "esql": "query language", "saved_query": "saved_id", "threshold": "query threshold",
	"threat_match": "query threat_query threat_mapping threat_index", "machine_learning": "anomaly_threshold machine_learning_job_id",
	"new_terms": "query new_terms_fields history_window_start",
}

// known are the keys of rules.
func known() (out []string) {
	for _, f := range fields {
		out = append(out, f.name)
	}
	return append(out, added...)
}

// form asks whether the rule has what it needs, and values of the right kind.
func (a *auditor) form() {
	for _, name := range strings.Fields("rule_id name description severity risk_score type " + needs[a.typ]) {
		switch n := a.get(name); {
		case n.kind == null:
			a.find(ir.Pos{}, "elastic/required", "the rule has no %s", name)
		case n.kind == text && strings.TrimSpace(n.text()) == "" && name != "query":
			a.find(n.at, "elastic/required", "%s is empty", name)
		case n.kind == text && n.text() == "" && (a.typ == "eql" || a.typ == "esql"):
			a.find(n.at, "elastic/required", "the query is empty")
		}
	}
	for _, key := range a.keys {
		n := a.get(key)
		f, ok := fieldOf(key)
		switch {
		case n.kind == null || slices.Contains(added, key):
		case !ok && a.toml && (key == "new_terms" || key == "revision"):
		case !ok:
			if near := suggest.Misspelt(key, known()); near != "" {
				a.find(n.at, "elastic/field", "Kibana has no field %q: it drops it; did you mean %q?", key, near)
			}
		case f.shape != null && !n.is(f.shape):
			a.find(n.at, "elastic/value", "%s must be %s", key, f.shape)
		case f.values != nil && !slices.Contains(f.values, n.text()):
			a.find(n.at, "elastic/value", "%s cannot be %q%s", key, clip(n.text()), suggest.For(n.text(), f.values))
		case f.shape == integer:
			if i, _ := n.int(); i < f.least || f.most > 0 && i > f.most {
				a.find(n.at, "elastic/value", "%s cannot be %d", key, i)
			}
		}
		if !ok || f.of(a.typ) || !slices.Contains(ruleTypes, a.typ) || n.setting() == "" {
			continue
		}
		if a.typ == "esql" && slices.Contains([]string{"index", "data_view_id", "filters"}, key) {
			a.find(n.at, "elastic/esql-index", "a rule in ES|QL has no %s", key)
			continue
		}
		a.find(n.at, "elastic/field", "a rule of the type %s has no %s: Kibana drops it", a.typ, key)
	}
	language := a.get("language").text()
	fits := map[string][]string{"eql": {"eql"}, "esql": {"esql"}}[a.typ]
	if fits == nil {
		fits = []string{"kuery", "lucene"}
	}
	if language != "" && a.typ != "machine_learning" && slices.Contains(ruleTypes, a.typ) && !slices.Contains(fits, language) {
		a.find(a.get("language").at, "elastic/language", "a rule of the type %s is in %s, not in %s", a.typ, strings.Join(fits, " or "), clip(language))
	}
	id, title := a.get("timeline_id"), a.get("timeline_title")
	if (id.kind == null) != (title.kind == null) {
		a.find(cmp.Or(id.at, title.at), "elastic/timeline", "timeline_id and timeline_title stand together only")
	}
	for _, n := range []*node{id, title} {
		if n.kind == text && n.text() == "" {
			a.find(n.at, "elastic/timeline", "the timeline is empty")
		}
	}
}

// clip is a word of a stranger in a message.
func clip(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

// source asks where the rule looks.
func (a *auditor) source() {
	if !slices.Contains(strings.Fields(indexed), a.typ) {
		return
	}
	index, view := len(a.get("index").list) > 0, a.get("data_view_id").text() != ""
	switch {
	case index && view:
		a.find(a.get("data_view_id").at, "elastic/index-and-view", "it has indices and a data view")
	case !index && !view:
		a.find(ir.Pos{}, "elastic/index", "it names no index: Kibana looks where its setting securitySolution:defaultIndex says")
	}
}

// The shortest time that a run should look back beyond the one before, and between runs.
const (
	leastOverlap  = time.Minute
	leastInterval = time.Minute
)

// looks is how far a run looks back, and how often there is one; false for what is not relative.
func (a *auditor) looks() (lookback, interval time.Duration, ok bool) {
	at := func(key, otherwise string) (time.Duration, bool) { return back(cmp.Or(a.get(key).text(), otherwise)) }
	from, okFrom := at("from", "now-6m")
	to, okTo := at("to", "now")
	interval, okInterval := span(cmp.Or(a.get("interval").text(), "5m"))
	return from - to, interval, okFrom && okTo && okInterval
}

func (a *auditor) schedule() {
	if n := a.get("interval"); n.kind == text {
		d, ok := span(n.text())
		switch {
		case !ok || strings.ContainsAny(n.text(), "Hw"):
			a.find(n.at, "elastic/value", "interval must be a whole number above 0 with s, m, h or d")
		case d < leastInterval:
			a.find(n.at, "elastic/interval", "it runs every %s: Kibana logs a warning, or refuses where it is set up so", deploy.Duration(d))
		}
	}
	if n := a.get("timestamp_override"); n.text() == "" && a.typ != "esql" && a.typ != "machine_learning" && a.get("type").kind == text && !sequence(a.d.Query) {
		a.find(ir.Pos{}, "elastic/ingested", "it asks for events by @timestamp, and not by event.ingested: events that come later than it looks back are not found")
	}
	lookback, interval, ok := a.looks()
	if !ok {
		return
	}
	at := cmp.Or(a.get("from").at, a.get("interval").at)
	switch over := lookback - interval; {
	case over < 0:
		a.find(at, "elastic/lookback", "it looks back %s and runs every %s: of the events between two runs some are never looked at", length(lookback), length(interval))
	case over < leastOverlap && a.typ != "machine_learning":
		a.find(at, "elastic/overlap", "it looks back %s and runs every %s: a run that is late misses events", length(lookback), length(interval))
	}
	if span := a.maxspan(); span > 0 && lookback >= interval && lookback < interval+span {
		a.find(at, "elastic/maxspan", "it looks back %s, runs every %s, and its sequence may last %s: such that no run sees whole are missed", length(lookback), length(interval), length(span))
	}
}

func length(d time.Duration) string {
	if d <= 0 {
		return "0s"
	}
	return deploy.Duration(d)
}

// maxspan is how long the sequence of the query may last; 0: it is none, or as long as it likes.
func (a *auditor) maxspan() time.Duration {
	if a.d.Language != "eql" || !sequence(a.d.Query) {
		return 0
	}
	q, err := read.ReadTail(a.d.Query, ir.Types{})
	if err != nil {
		return 0
	}
	for _, op := range q.Ops {
		if s, ok := op.(tail.Sequence); ok {
			return time.Duration(s.Span * float64(time.Second))
		}
	}
	return 0
}

// query asks what the query needs of its index and of the rule. A query that is not read is
// not judged.
func (a *auditor) query() {
	at := a.d.QueryAt
	switch a.d.Language {
	case "eql":
		if sequence(a.d.Query) && a.get("tiebreaker_field").text() == "" {
			a.find(at, "elastic/tiebreaker", "events of one time stand in any order in the sequence: there is no tiebreaker_field")
		}
		q, err := read.ReadOptional(a.d.Query)
		if err != nil || a.c.Schema == nil {
			return
		}
		for _, column := range q.Required {
			a.column(at, column, "the query fails, since it is not marked with ?")
		}
		for _, column := range q.Names {
			a.column(at, column, "no event has it")
		}
		category := cmp.Or(a.get("event_category_override").text(), "event.category")
		if q, err := q.Under(ir.Types{}); err == nil && q.Scope.Category != "" {
			a.column(at, category, "the query asks for its category")
		}
	case "kuery":
		q, err := read.ReadKuery(a.d.Query, nil)
		if err != nil || q.Where == nil || a.c.Schema == nil {
			return
		}
		var columns []string
		ir.Walk(q.Where, func(e ir.Expr) {
			if m, ok := e.(ir.Match); ok && m.Field.Name != "" && !strings.Contains(m.Field.Name, "*") {
				columns = append(columns, m.Field.Name)
			}
		})
		slices.Sort(columns)
		for _, column := range slices.Compact(columns) {
			a.column(at, column, "no event has it")
		}
	case "esql":
		metadata, dropped, known := esqlLacks(a.d.Query)
		if !known {
			return
		}
		if len(metadata) > 0 {
			a.find(at, "elastic/esql-metadata", "FROM lacks METADATA %s: alerts of one event are raised again by each run that sees it", strings.Join(metadata, ", "))
		} else if len(dropped) > 0 {
			a.find(at, "elastic/esql-keep", "KEEP leaves out %s: alerts of one event are raised again by each run that sees it", strings.Join(dropped, ", "))
		}
	}
}

// column asks whether the index has a column.
func (a *auditor) column(at ir.Pos, name, otherwise string) {
	if a.c.Schema == nil || name == "" {
		return
	}
	if _, mapped := a.c.Schema.Type("", name); !mapped {
		a.find(at, "elastic/columns", "no index has the field %s: %s", clip(name), otherwise)
	}
}

// threat asks whether tactics and techniques are told in full, and as ATT&CK has them.
func (a *auditor) threat() {
	if !a.get("threat").is(objects) {
		return
	}
	version := cmp.Or(a.c.Attack, "18")
	whole := func(n *node, what string) (id string) {
		var lacks []string
		for _, key := range []string{"id", "name", "reference"} {
			if n.get(key).text() == "" {
				lacks = append(lacks, key)
			}
		}
		if lacks != nil {
			a.find(cmp.Or(n.at, a.get("threat").at), "elastic/threat", "%s lacks its %s", what, strings.Join(lacks, ", "))
			return ""
		}
		return n.get("id").text()
	}
	named := func(n *node, what, name, why string) {
		at := cmp.Or(n.get("id").at, a.get("threat").at)
		switch id := clip(n.get("id").text()); {
		case name == "":
			a.find(at, "elastic/threat-version", "version %s of ATT&CK has no %s %s%s", version, what, id, why)
		case !strings.EqualFold(name, n.get("name").text()):
			a.find(at, "elastic/threat-version", "version %s of ATT&CK calls the %s %s %q, not %q", version, what, id, name, clip(n.get("name").text()))
		}
	}
	for _, t := range a.get("threat").list {
		if f := t.get("framework"); f.text() == "" {
			a.find(cmp.Or(t.at, a.get("threat").at), "elastic/threat", "it names no framework")
		} else if f.text() != "MITRE ATT&CK" {
			continue
		}
		if id := whole(t.get("tactic"), "a tactic"); id != "" {
			name := ""
			columns, _ := deploy.Matrix([]string{"attack." + strings.ToLower(id)}, version)
			for _, c := range columns {
				if c.Tactic.ID == id {
					name = c.Tactic.Name
				}
			}
			named(t.get("tactic"), "tactic", name, "")
		}
		for _, technique := range t.get("technique").list {
			each := append([]*node{technique}, technique.get("subtechnique").list...)
			for _, n := range each {
				if id := whole(n, "a technique"); id != "" {
					name, why := techniqueName(id, version)
					named(n, "technique", name, why)
				}
			}
		}
	}
}

// techniqueName is what a version of ATT&CK calls a technique, or why it knows none of the id.
func techniqueName(id, version string) (name, why string) {
	columns, notes := deploy.Matrix([]string{"attack." + strings.ToLower(id)}, version)
	for _, c := range columns {
		for _, t := range c.Techniques {
			if t.ID == id {
				return t.Name, ""
			}
		}
	}
	if len(notes) > 0 {
		why = ": " + notes[0]
	}
	return "", why
}

// bands are the risk scores of severities.
var bands = map[string][2]int{"low": {0, 21}, "medium": {22, 47}, "high": {48, 73}, "critical": {74, 100}}

// defaultAlerts is how many alerts of one run Kibana raises as it is set up.
const defaultAlerts = 1000

// alerts asks what is raised.
func (a *auditor) alerts() {
	risk, ok := a.get("risk_score").int()
	if band, known := bands[a.get("severity").text()]; ok && known && (risk < band[0] || risk > band[1]) {
		a.find(a.get("risk_score").at, "elastic/risk-band", "the risk score %d is not of the severity %s, which is from %d to %d", risk, a.get("severity").text(), band[0], band[1])
	}
	if n, ok := a.get("max_signals").int(); ok && n > defaultAlerts {
		a.find(a.get("max_signals").at, "elastic/max-signals", "%d alerts of a run are more than Kibana raises as it is set up: %d", n, defaultAlerts)
	}
	s := a.get("alert_suppression")
	if s.kind != object {
		return
	}
	by := s.get("group_by")
	columns := by.texts()
	switch {
	case a.typ == "threshold":
		if s.get("duration").kind == null {
			a.find(s.at, "elastic/suppression", "alerts of a threshold are suppressed for a duration")
		}
	case !by.is(texts) || len(columns) < 1 || len(columns) > 3:
		a.find(cmp.Or(by.at, s.at), "elastic/suppression", "alerts are suppressed by one to three fields, not by %d", len(by.list))
	}
	if d := s.get("duration"); d.kind != null {
		if n, ok := d.get("value").int(); !ok || n < 1 || !slices.Contains([]string{"s", "m", "h"}, d.get("unit").text()) {
			a.find(cmp.Or(d.at, s.at), "elastic/suppression", "a duration has a whole number above 0 and one of the units s, m and h")
		}
	}
	if m := s.get("missing_fields_strategy"); m.kind != null && m.text() != "suppress" && m.text() != "doNotSuppress" {
		a.find(cmp.Or(m.at, s.at), "elastic/suppression", "missing_fields_strategy is suppress or doNotSuppress")
	}
	if a.typ == "esql" {
		return // its columns are those of the query
	}
	for _, column := range columns {
		a.column(cmp.Or(by.at, s.at), column, "all alerts are alike")
	}
}

// kinds asks what types of rules have alone.
func (a *auditor) kinds() {
	switch a.typ {
	case "threshold":
		t := a.get("threshold")
		if t.kind != object {
			return
		}
		field := t.get("field")
		columns := field.texts()
		if field.kind == text && field.text() != "" {
			columns = []string{field.text()}
		}
		at := func(n *node) ir.Pos { return cmp.Or(n.at, t.at) }
		if field.kind != text && !field.is(texts) {
			a.find(at(field), "elastic/threshold", "its field is a text or a list of texts")
		}
		if n, ok := t.get("value").int(); !ok || n < 1 {
			a.find(at(t.get("value")), "elastic/threshold", "its value is a whole number above 0")
		}
		if len(columns) > 5 {
			a.find(at(field), "elastic/threshold", "it has %d fields, and at most 5 may be", len(columns))
		} else if len(columns) > 3 {
			a.find(at(field), "elastic/threshold-fields", "it has %d fields, and before version 9.2 at most 3 may be", len(columns))
		}
		for _, c := range t.get("cardinality").list {
			if slices.Contains(columns, c.get("field").text()) {
				a.find(at(c), "elastic/threshold", "each group has one value of %s, by which it is grouped", clip(c.get("field").text()))
			}
		}
		for _, column := range columns {
			a.column(at(field), column, "no event is counted")
		}
	case "new_terms":
		f := a.get("new_terms_fields")
		if n := len(f.list); f.kind == list && (n < 1 || n > 3) {
			a.find(f.at, "elastic/new-terms", "it has %d fields, and 1 to 3 may be", n)
		}
		for _, column := range f.texts() {
			a.column(f.at, column, "no term is new")
		}
		history, ok := back(a.get("history_window_start").text())
		if lookback, _, known := a.looks(); ok && known && history < lookback {
			a.find(a.get("history_window_start").at, "elastic/new-terms", "its history begins %s before a run, after what the run looks at", length(history))
		}
	}
}

// stacks are the versions from which on alerts of a type are suppressed.
var stacks = map[string]string{"query": "8.8", "threshold": "8.12", "threat_match": "8.13", "eql": "8.14", "new_terms": "8.14", "esql": "8.15", "machine_learning": "8.15"}

// repository asks what Elastic's repository of rules asks beside.
func (a *auditor) repository() {
	m := a.metadata
	for _, key := range []string{"creation_date", "updated_date"} {
		if _, err := time.Parse("2006/01/02", m.get(key).text()); err != nil {
			a.find(cmp.Or(m.get(key).at, m.at), "elastic/toml", "metadata has no %s like 2024/01/31", key)
		}
	}
	if id := a.get("rule_id"); id.text() != "" && (!deploy.IsUUID(id.text()) || strings.ToLower(id.text()) != id.text()) {
		a.find(id.at, "elastic/toml", "rule_id must be a UUID in lower case")
	}
	if a.get("author").kind != list {
		a.find(a.get("author").at, "elastic/toml", "the rule has no author")
	}
	if a.d.Language == "esql" && !slices.ContainsFunc(esqlCommands(a.d.Query), func(c []string) bool { return len(c) > 0 && strings.EqualFold(c[0], "KEEP") }) {
		a.find(a.d.QueryAt, "elastic/toml", "the query has no KEEP")
	}
	for _, key := range []string{"version", "revision"} {
		if a.has(key) {
			a.find(a.get(key).at, "elastic/toml", "the repository counts versions itself, and takes no %s unless bypass_version_lock is set", key)
		}
	}
	if a.has("building_block_type") && m.get("bypass_bbr_timing").value != true {
		from, ok := back(a.get("from").text())
		interval, known := span(a.get("interval").text())
		if !ok || !known || from < 119*time.Minute || interval < time.Hour {
			a.find(a.get("building_block_type").at, "elastic/building-block", "it looks back less than 119m, or runs more often than every 60m")
		}
	}
	if s := a.get("alert_suppression"); s.kind == object {
		least := stacks[a.typ]
		if sequence(a.d.Query) {
			least = "8.18"
		}
		has := m.get("min_stack_version").text()
		if least != "" && has != "" && older(has, least) {
			a.find(m.get("min_stack_version").at, "elastic/min-stack", "alerts of it are suppressed from %s on, and it is for %s", least, clip(has))
		}
	}
}

// older says whether a version comes before another, by its first two numbers.
func older(a, b string) bool {
	first := func(s string) (major, minor int, err error) {
		n, err := fmt.Sscanf(s, "%d.%d", &major, &minor)
		if n != 2 {
			err = errors.New("no version")
		}
		return major, minor, err
	}
	amajor, aminor, err := first(a)
	bmajor, bminor, _ := first(b)
	return err == nil && (amajor < bmajor || amajor == bmajor && aminor < bminor)
}
