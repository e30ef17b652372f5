package deploy

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"sigmac/internal/catalog"
	"sigmac/internal/deploy"
	"sigmac/internal/lazy"
)

// The versions of the API (azure-rest-api-specs, securityinsights): the stable ones have no
// rules near real time and no sub-techniques, the preview has both.
const (
	scheduledAPI = "2024-09-01"
	nrtAPI       = "2025-07-01-preview"
)

func sentinelFormats() []deploy.Format {
	options := []deploy.Option{
		{Name: "kind", Help: "how rules run: on a schedule, or near real time", Values: []string{"scheduled", "nrt"}, Default: "scheduled"},
		{Name: "event_grouping", Help: "one alert for all results of a run, or one for each", Values: []string{"single", "per_result"}, Default: "single"},
		{Name: "custom_details", Help: "alerts say the values of the columns that a rule tests", Values: []string{"true", "false"}, Default: "false"},
	}
	return []deploy.Format{
		{
			Name: "sentinel_yaml", Description: "analytics rules of Microsoft Sentinel, in the YAML of its repository", Extension: ".yaml",
			Options: options, Attack: "18", Own: sentinelOwn, Checks: sentinelChecks,
			Write: writeSentinelYAML, Read: readSentinel, Audit: auditSentinel,
		},
		{
			Name: "sentinel_arm", Description: "analytics rules of Microsoft Sentinel, as one template for Azure Resource Manager", Extension: ".json",
			Options: append(slices.Clip(options), deploy.Option{Name: "api_version", Help: "of the API that takes the rules: " + scheduledAPI + ", near real time " + nrtAPI}),
			Attack:  "18", Own: sentinelOwn, Checks: sentinelChecks,
			Write: writeSentinelARM, Read: readSentinel, Audit: auditSentinel,
		},
	}
}

// A sentinelWriter makes one rule.
type sentinelWriter struct {
	r        *deploy.Rule
	o        deploy.Options
	yaml     bool
	findings *[]deploy.Finding
}

func (w *sentinelWriter) find(id, format string, args ...any) {
	*w.findings = append(*w.findings, deploy.Finding{Check: sentinelCheck(id), Msg: fmt.Sprintf(format, args...), Detection: w.r.ID})
}

func writeSentinelYAML(rules []*deploy.Rule, o deploy.Options) (_ []deploy.File, findings []deploy.Finding) {
	var b strings.Builder
	for i, r := range rules {
		if i > 0 {
			b.WriteString("---\n")
		}
		w := &sentinelWriter{r: r, o: o, yaml: true, findings: &findings}
		writeYAML(&b, w.document(), "")
	}
	return []deploy.File{{Path: "analytics_rules.yaml", Data: []byte(b.String())}}, findings
}

func writeSentinelARM(rules []*deploy.Rule, o deploy.Options) (_ []deploy.File, findings []deploy.Finding) {
	resources := tree{kind: treeList}
	for _, r := range rules {
		w := &sentinelWriter{r: r, o: o, findings: &findings}
		resources.items = append(resources.items, w.resource())
	}
	template := object(
		"$schema", text("https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"),
		"contentVersion", text("1.0.0.0"),
		"parameters", object("workspace", object("type", text("string"), "metadata", object("description", text("the name of the Log Analytics workspace")))),
		"resources", resources,
	)
	var b strings.Builder
	writeJSON(&b, template, "")
	return []deploy.File{{Path: "analytics_rules.json", Data: []byte(b.String() + "\n")}}, findings
}

// resource is the rule as a resource of a template.
func (w *sentinelWriter) resource() tree {
	kind, p := w.properties()
	api := cmp.Or(w.o.Values["api_version"], map[bool]string{true: nrtAPI, false: scheduledAPI}[kind == "NRT"])
	var parents, subs []string
	for _, id := range p.get("techniques").scalars() {
		parent, _, sub := strings.Cut(id, ".")
		if parents = append(parents, parent); sub {
			subs = append(subs, id)
		}
	}
	if parents != nil {
		p.put("techniques", texts(slices.Compact(parents)))
	}
	switch {
	case subs == nil:
	case isPreview(api):
		p.put("subTechniques", texts(subs))
	default:
		w.find("sub-techniques", "no stable version of the API takes sub-techniques: their techniques stand alone")
	}
	return object(
		"type", text("Microsoft.OperationalInsights/workspaces/providers/alertRules"),
		"apiVersion", text(api),
		"name", text("[concat(parameters('workspace'), '/Microsoft.SecurityInsights/"+w.r.ID+"')]"),
		"comments", text(versionMark+strconv.Itoa(w.version())),
		"kind", text(kind),
		"properties", p.mapped(armText),
	)
}

// versionMark is how the comment on a resource begins, which has the version of its rule: a rule
// itself has a version only where it is made of a template of Sentinel.
const versionMark = "sigmac, version "

func isPreview(api string) bool { return strings.HasSuffix(api, "-preview") }

func (w *sentinelWriter) version() int {
	if w.o.Version == nil {
		return 0
	}
	return w.o.Version(w.r.ID)
}

// armText is a text in a template, where one in brackets is an expression (Microsoft Learn:
// Syntax and expressions in ARM templates, Escape characters): a bracket more makes it a text
// again, but where it does not end in a bracket, that would stay.
func armText(s string) string {
	if strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") {
		return "[" + s
	}
	return s
}

// ownText is the text that a template says, or that it is an expression.
func ownText(s string) (out string, expression bool) {
	switch inner, is := strings.CutPrefix(s, "["); {
	case !is || !strings.HasSuffix(s, "]"):
		return s, false
	case strings.HasPrefix(inner, "["):
		return inner, false
	}
	return s, true
}

// document is the rule as a file of the repository.
func (w *sentinelWriter) document() tree {
	kind, p := w.properties()
	t := object("id", text(w.r.ID), "name", p.get("displayName"), "description", p.get("description"), "severity", p.get("severity"))
	if p.get("enabled").text == "false" {
		t.put("enabled", truth(false))
		w.find("disabled", "a file of the repository has no place for a rule that is off: enabled is written beside its fields")
	}
	connectors := p.get("requiredDataConnectors")
	if connectors.kind == treeNone {
		connectors = w.connectors()
	}
	t.put("requiredDataConnectors", connectors)
	for _, key := range strings.Fields("queryFrequency queryPeriod triggerOperator triggerThreshold suppressionEnabled suppressionDuration") {
		v := p.get(key)
		if d, _ := isoOrRepo(v.text); key != "triggerOperator" && d > 0 && v.kind == treeText {
			v = text(repoDuration(d))
		}
		if suppression := strings.HasPrefix(key, "suppression"); v.kind != treeNone && (!suppression || p.get("suppressionEnabled").text == "true") {
			t.put(key, v)
		}
	}
	for _, key := range []string{"tactics", "techniques", "tags", "query", "entityMappings", "customDetails", "alertDetailsOverride", "eventGroupingSettings", "incidentConfiguration"} {
		if v := p.get(key); v.kind != treeNone {
			t.put(map[bool]string{true: "relevantTechniques", false: key}[key == "techniques"], v)
		}
	}
	t.put("version", text("1.0."+strconv.Itoa(w.version())))
	t.put("kind", text(kind))
	return t
}

// repoDuration is d as files of the repository have it: minutes, hours or days, or a TimeSpan
// of .NET.
func repoDuration(d time.Duration) string {
	if d%time.Minute == 0 {
		return deploy.Duration(d)
	}
	days, s := d/(24*time.Hour), d%(24*time.Hour)/time.Second
	return fmt.Sprintf("%d.%02d:%02d:%02d", days, s/3600, s/60%60, s%60)
}

// connectors are those of the tables of the query.
func (w *sentinelWriter) connectors() tree {
	t := tree{kind: treeList}
	var unknown []string
	for _, table := range queryTables(w.r.Query, w.r.Scope.Table) {
		ids, known := connectorsOf(table)
		if !known {
			unknown = append(unknown, table)
		}
		for _, id := range ids {
			at := slices.IndexFunc(t.items, func(c tree) bool { return c.get("connectorId").text == id })
			if at < 0 {
				at, t.items = len(t.items), append(t.items, object("connectorId", text(id), "dataTypes", texts(nil)))
			}
			t.items[at].put("dataTypes", texts(append(t.items[at].get("dataTypes").scalars(), table)))
		}
	}
	if unknown != nil {
		w.find("connector", "sigmac knows no data connector of %s: requiredDataConnectors does not name one", strings.Join(unknown, ", "))
	}
	return t
}

// sentinelSeverities are those for Sigma's levels; there is no critical one.
var sentinelSeverities = map[string]string{"informational": "Informational", "low": "Low", "medium": "Medium", "high": "High", "critical": "High"}

// properties are those of the rule by the names of the API, and its kind.
func (w *sentinelWriter) properties() (kind string, p tree) {
	r, plan := w.r, &w.r.Plan
	kind = "Scheduled"
	if w.o.Values["kind"] == "nrt" {
		kind = "NRT"
	}
	for _, o := range plan.Own {
		if o.Name == "kind" {
			kind = known(o.Value, sentinelKinds)
		}
	}
	for _, s := range []struct{ what, text string }{{"title", r.Title}, {"description", r.Meta.Description}, {"query", r.Query}} {
		if !utf8.ValidString(s.text) {
			w.find("utf-8", "the %s is not in UTF-8", s.what)
		}
	}
	clean := func(s string) tree { return text(strings.ToValidUTF8(s, "\ufffd")) }
	p = object("displayName", clean(r.Title), "description", clean(w.description()), "severity", text(sentinelSeverities[plan.Level]),
		"enabled", truth(plan.Enabled), "query", clean(r.Query))
	if kind == "NRT" {
		if r.Window > 0 {
			w.find("nrt-window", "a rule near real time sees the events of one minute, and the correlation asks for those of %s", deploy.Duration(r.Window))
		}
	} else {
		p.put("queryFrequency", text(deploy.ISO(plan.Every)))
		p.put("queryPeriod", text(deploy.ISO(plan.Lookback)))
		p.put("triggerOperator", text("GreaterThan"))
		p.put("triggerThreshold", number(0))
	}
	p.put("suppressionDuration", text("PT5H")) // the API wants one also where it is off
	p.put("suppressionEnabled", truth(false))
	w.attack(&p)
	w.details(&p)
	if e := entityTree(entitiesOf(r)); len(e.items) > 0 {
		p.put("entityMappings", e)
	}
	if plan.Cron != "" {
		w.find("cron", "Sentinel has no times of cron: the rule runs every %s", deploy.Duration(plan.Every))
	}
	if plan.Risk != nil {
		w.find("risk", "Sentinel has no risk scores: the severity of the level counts")
	}
	w.own(&p)
	return kind, p
}

// attack puts the tactics and techniques, as the version of ATT&CK has them.
func (w *sentinelWriter) attack(p *tree) {
	columns, notes := deploy.Matrix(w.r.Meta.Tags, cmp.Or(w.o.Attack, "18"))
	for _, n := range notes {
		*w.findings = append(*w.findings, deploy.Finding{Check: attackCheck, Msg: n, Detection: w.r.ID})
	}
	var tactics, techniques []string
	for _, c := range columns {
		tactics = append(tactics, sentinelTactic(c.Tactic))
		for _, t := range c.Techniques {
			techniques = append(techniques, t.ID)
		}
	}
	slices.Sort(techniques)
	if techniques = slices.Compact(techniques); tactics != nil {
		p.put("tactics", texts(tactics))
	}
	if techniques != nil {
		p.put("techniques", texts(techniques))
	}
}

// sentinelTactic is a tactic as Sentinel calls it: CommandAndControl.
func sentinelTactic(t catalog.Tactic) string {
	var b strings.Builder
	for _, word := range strings.Split(t.Short, "-") {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}

// details puts custom details, and how alerts are grouped. What is suppressed by columns goes
// into one incident instead: Sentinel's suppression stops a rule for all.
func (w *sentinelWriter) details(p *tree) {
	plan := &w.r.Plan
	details := tree{kind: treeObject}
	keys := map[string]string{}
	add := func(column string) {
		key := detailKey(column, details.keys)
		if keys[column] == "" && returns(w.r, column) && isColumnName(column) && key != "" {
			keys[column] = key
			details.put(key, text(column))
		}
	}
	var by []string
	if plan.SuppressFor > 0 {
		for _, column := range plan.SuppressBy {
			if add(column); keys[column] != "" {
				by = append(by, keys[column])
			}
		}
		if len(by) < len(plan.SuppressBy) {
			w.find("suppression-columns", "the results have not all of the columns by which alerts are suppressed (%s): nothing is", strings.Join(plan.SuppressBy, ", "))
			by, details, keys = nil, tree{kind: treeObject}, map[string]string{}
		}
	}
	if w.o.Values["custom_details"] == "true" {
		for _, column := range w.r.Tested {
			if len(details.keys) < maxDetails {
				add(column)
			}
		}
	}
	if len(details.keys) > 0 {
		p.put("customDetails", details)
	}
	grouping := map[string]string{"per_result": "AlertPerResult"}[w.o.Values["event_grouping"]]
	if by != nil {
		w.find("suppression-columns", "Sentinel suppresses all alerts of a rule, not those that are alike: alerts with the same %s within %s go into one incident instead",
			strings.Join(plan.SuppressBy, ", "), deploy.Duration(plan.SuppressFor))
		grouping = "AlertPerResult"
		p.put("incidentConfiguration", object("createIncident", truth(true), "groupingConfiguration", object(
			"enabled", truth(true), "reopenClosedIncident", truth(false), "lookbackDuration", text(deploy.ISO(plan.SuppressFor)),
			"matchingMethod", text("Selected"), "groupByEntities", texts(nil), "groupByAlertDetails", texts(nil), "groupByCustomDetails", texts(by))))
	}
	if grouping != "" {
		p.put("eventGroupingSettings", object("aggregationKind", text(grouping)))
	}
}

// maxDetails and maxDetailKey are how many custom details a rule has, and how long their names
// are (Azure-Sentinel, QueryBasedTemplateInternalModel).
const maxDetails, maxDetailKey = 20, 20

// isColumnName says whether a column can be named in a setting (Azure-Sentinel,
// QueryBasedTemplateInternalModel).
func isColumnName(column string) bool { return len(column) <= 500 && columnNames().MatchString(column) }

var (
	columnNames = lazy.Regexp(`^[a-zA-Z_]+\w*$`)
	detailKeys  = lazy.Regexp(`^[a-zA-Z]+\w*$`)
)

// detailKey is a name for a column among others, or empty where there is none.
func detailKey(column string, others []string) string {
	key := strings.TrimLeft(column, "_0123456789")
	key = key[:min(len(key), maxDetailKey)]
	for n := 2; key != "" && slices.Contains(others, key); n++ {
		suffix := strconv.Itoa(n)
		key = key[:min(len(key), maxDetailKey-len(suffix))] + suffix
	}
	return key
}

func entityTree(entities []deploy.Entity) tree {
	t := tree{kind: treeList}
	for _, e := range entities {
		fields := tree{kind: treeList}
		for _, f := range e.Fields {
			fields.items = append(fields.items, object("identifier", text(f.Identifier), "columnName", text(f.Column)))
		}
		t.items = append(t.items, object("entityType", text(e.Type), "fieldMappings", fields))
	}
	return t
}

// sentinelOwn are the settings that a plan may make by Sentinel's own names, as paths.
var sentinelOwn = []string{
	"kind", "displayName", "severity", "enabled", "queryFrequency", "queryPeriod", "triggerOperator", "triggerThreshold", "suppressionEnabled", "suppressionDuration",
	"tactics", "techniques", "relevantTechniques", "entityMappings", "tags", "requiredDataConnectors", "customDetails", "customDetails.*",
	"eventGroupingSettings", "eventGroupingSettings.aggregationKind",
	"alertDetailsOverride", "alertDetailsOverride.alertDisplayNameFormat", "alertDetailsOverride.alertDescriptionFormat",
	"alertDetailsOverride.alertTacticsColumnName", "alertDetailsOverride.alertSeverityColumnName", "alertDetailsOverride.alertDynamicProperties",
	"incidentConfiguration", "incidentConfiguration.createIncident", "incidentConfiguration.groupingConfiguration",
	"incidentConfiguration.groupingConfiguration.enabled", "incidentConfiguration.groupingConfiguration.reopenClosedIncident",
	"incidentConfiguration.groupingConfiguration.lookbackDuration", "incidentConfiguration.groupingConfiguration.matchingMethod",
	"incidentConfiguration.groupingConfiguration.groupByEntities", "incidentConfiguration.groupingConfiguration.groupByAlertDetails",
	"incidentConfiguration.groupingConfiguration.groupByCustomDetails",
}

// onlyYAML are those that a template has no place for.
var onlyYAML = []string{"tags", "requiredDataConnectors"}

// ownTrees are those that are lists or have names of their own, and ownTruths those that are true
// or false; the others are texts but for the threshold.
var (
	ownTrees = []string{"tactics", "techniques", "entityMappings", "tags", "requiredDataConnectors", "customDetails", "eventGroupingSettings", "alertDetailsOverride",
		"alertDynamicProperties", "incidentConfiguration", "groupingConfiguration", "groupByEntities", "groupByAlertDetails", "groupByCustomDetails"}
	ownTruths = []string{"enabled", "suppressionEnabled", "createIncident", "reopenClosedIncident"}
)

// own puts the settings that the plan makes by Sentinel's own names.
func (w *sentinelWriter) own(p *tree) {
	for _, o := range w.r.Plan.Own {
		name := o.Name
		if name == "relevantTechniques" {
			name = "techniques"
		}
		if slices.Contains(onlyYAML, name) && !w.yaml || name == "kind" {
			continue
		}
		path := strings.Split(name, ".")
		if path[0] == "customDetails" && len(path) > 1 { // the name of a detail is no path
			p.putAt([]string{path[0], strings.TrimPrefix(name, "customDetails.")}, text(o.Value))
			continue
		}
		v, last := text(o.Value), path[len(path)-1]
		switch {
		case slices.Contains(ownTrees, last):
			var n yaml.Node
			err := yaml.Unmarshal([]byte(o.Value), &n)
			if err == nil {
				v, err = yamlTree(&n, 0, 0)
			}
			if err != nil || v.kind != treeList && v.kind != treeObject {
				w.find("setting", "the setting %s is no list, or names with values, in YAML", o.Name)
				continue
			}
		case slices.Contains(ownTruths, last) && (o.Value == "true" || o.Value == "false"):
			v.kind = treeBool
		case name == "triggerThreshold":
			if _, err := strconv.Atoi(o.Value); err == nil {
				v.kind = treeNumber
			}
		case last == "lookbackDuration" || last == "suppressionDuration" || strings.HasPrefix(last, "query"):
			v.text = oneSpelling(o.Value)
		}
		p.putAt(path, v)
	}
}

// ruleLine is how the last line of a description begins, which says of which rule it is. It
// stays where a rule is exported, as its description does; the id of the detection is the same
// unless a rule takes several queries, but a copy that somebody makes in the portal has another.
const ruleLine = "Sigma rule: "

// description is the text of a rule: what it says of itself, one thing below the other.
func (w *sentinelWriter) description() string {
	m := &w.r.Meta
	var b strings.Builder
	b.WriteString(cmp.Or(strings.TrimRight(m.Description, " \t\r\n"), w.r.Title))
	list := func(head string, items []string) {
		for i, item := range items {
			if i == 0 {
				b.WriteString("\n\n" + head + ":")
			}
			b.WriteString("\n- " + oneLine(item))
		}
	}
	list("References", m.References)
	list("False positives", m.FalsePositives)
	sep := "\n\n"
	line := func(head, s string) {
		if s != "" {
			b.WriteString(sep + head + oneLine(s))
			sep = "\n"
		}
	}
	line("Author: ", m.Author)
	line("Date: ", m.Date)
	line("Modified: ", m.Modified)
	line("Status: ", m.Status)
	line(ruleLine, m.ID)
	return b.String()
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
