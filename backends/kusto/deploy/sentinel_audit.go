package deploy

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"sigmac/backends/kusto/read"
	"sigmac/internal/catalog"
	"sigmac/internal/deploy"
	"sigmac/internal/lazy"
	"sigmac/internal/suggest"
	"sigmac/ir"
)

// What fields may say (azure-rest-api-specs, securityinsights, AlertRules and AlertTypes;
// Azure-Sentinel, detectionTemplateSchemaValidation).
var (
	sentinelKinds    = []string{"Scheduled", "NRT"}
	sentinelLevels   = []string{"Informational", "Low", "Medium", "High"}
	triggerOperators = []string{"GreaterThan", "LessThan", "Equal", "NotEqual"}
	aggregationKinds = []string{"SingleAlert", "AlertPerResult"}
	matchingMethods  = []string{"AllEntities", "AnyAlert", "Selected"}
	sentinelTactics  = []string{"Reconnaissance", "ResourceDevelopment", "InitialAccess", "Execution", "Persistence", "PrivilegeEscalation", "DefenseEvasion",
		"CredentialAccess", "Discovery", "LateralMovement", "Collection", "Exfiltration", "CommandAndControl", "Impact", "ImpairProcessControl",
		"InhibitResponseFunction"}
	dynamicProperties = []string{"AlertLink", "ConfidenceLevel", "ConfidenceScore", "ExtendedLinks", "ProductName", "ProviderName", "ProductComponentName",
		"RemediationSteps", "Techniques", "SubTechniques"}
	// oldEntities are columns by which entities were known before there were mappings.
	oldEntities = []string{"AccountCustomEntity", "HostCustomEntity", "IPCustomEntity", "URLCustomEntity", "ProcessCustomEntity", "FileHashCustomEntity"}
)

const (
	maxQuery        = 10_000
	maxName         = 256
	maxDescription  = 5_000
	maxPlaceholders = 3
	minPeriod       = 5 * time.Minute
	maxPeriod       = 14 * 24 * time.Hour
	longPeriod      = 2 * 24 * time.Hour // from which on rules run each hour at most
	maxSuppression  = 24 * time.Hour
	maxGrouping     = 7 * 24 * time.Hour
	maxNRT          = 50
	maxResources    = 800
	maxImport       = 50
	maxTemplateSize = 4 << 20
)

// Sources of checks.
const (
	sourceRepo       = "Azure/Azure-Sentinel, .script/tests/detectionTemplateSchemaValidation"
	sourceAPI        = "Azure/azure-rest-api-specs, securityinsights, AlertRules.json and AlertTypes.json of 2024-09-01"
	sourceScheduled  = "Microsoft Learn: Scheduled analytics rules in Microsoft Sentinel"
	sourceNRT        = "Microsoft Learn: Quick threat detection with near-real-time (NRT) analytics rules in Microsoft Sentinel"
	sourceEntities   = "Microsoft Learn: Microsoft Sentinel entity types reference; " + sourceRepo
	sourceTemplate   = "Microsoft Learn: Best practices for ARM templates, Template limits; Export and import analytics rules to and from ARM templates"
	sourceExpression = "Microsoft Learn: Syntax and expressions in ARM templates"
	sourceSigmac     = "docs/deploy/sentinel.md"
)

// attackCheck is of what the version of ATT&CK that the SIEM knows makes of tags.
var attackCheck = deploy.Check{ID: "attack/version", Severity: "note", What: "the SIEM knows the tactics and techniques", Source: "docs/attack.md"}

var sentinelChecks = []deploy.Check{
	{ID: "sentinel/required", Severity: "error", What: "a rule has every field that Sentinel asks for", Source: sourceAPI + "; " + sourceRepo},
	{ID: "sentinel/id", Severity: "error", What: "the id of a rule is a GUID", Source: sourceRepo},
	{ID: "sentinel/id-unique", Severity: "error", What: "no two rules have one id", Source: sourceRepo},
	{ID: "sentinel/title-unique", Severity: "warning", What: "no two rules have one name", Source: sourceSigmac},
	{ID: "sentinel/kind", Severity: "error", What: "a rule is Scheduled or NRT", Source: sourceAPI},
	{ID: "sentinel/name-length", Severity: "error", What: "a name has at most 256 characters", Source: sourceRepo},
	{ID: "sentinel/description-length", Severity: "error", What: "a description has at most 5,000 characters", Source: sourceRepo},
	{ID: "sentinel/version", Severity: "error", What: "the version of a file is a.b.c, in at most 20 characters", Source: sourceRepo},
	{ID: "sentinel/severity", Severity: "error", What: "the severity is Informational, Low, Medium or High", Source: sourceAPI},
	{ID: "sentinel/auto-disabled", Severity: "warning", What: "Sentinel has not switched the rule off", Source: sourceScheduled},
	{ID: "sentinel/query-length", Severity: "error", What: "a query has 1 to 10,000 characters", Source: sourceScheduled},
	{ID: "sentinel/query-search", Severity: "error", What: "a query has neither search * nor union *", Source: sourceScheduled},
	{ID: "sentinel/duration", Severity: "error", What: "lengths of time are ISO 8601 (PT1H) in the API, and 1h or 01:00:00 in files of the repository", Source: sourceRepo},
	{ID: "sentinel/frequency", Severity: "error", What: "a rule runs each 5 minutes at most, and each 14 days at least", Source: sourceScheduled},
	{ID: "sentinel/period", Severity: "error", What: "a rule looks back 5 minutes to 14 days", Source: sourceScheduled},
	{ID: "sentinel/look-back", Severity: "error", What: "a rule looks back as far as the run before, at least", Source: sourceRepo},
	{ID: "sentinel/long-period", Severity: "error", What: "a rule that looks back two days or more runs each hour at most", Source: sourceRepo},
	{ID: "sentinel/trigger", Severity: "error", What: "the threshold is 0 to 10,000, and its operator one of the four", Source: sourceRepo},
	{ID: "sentinel/suppression", Severity: "error", What: "alerts are suppressed for 24 hours at most", Source: sourceScheduled},
	{ID: "sentinel/tactic", Severity: "error", What: "a tactic is one that Sentinel knows", Source: sourceAPI},
	{ID: "sentinel/technique", Severity: "error", What: "a technique is Tnnnn, in files of the repository and previews of the API also with a sub-technique", Source: sourceRepo},
	{ID: "sentinel/technique-tactic", Severity: "error", What: "a technique belongs to one of the rule's tactics", Source: sourceRepo},
	{ID: "sentinel/entity-number", Severity: "error", What: "a rule maps 1 to 10 entities, each by 1 to 3 identifiers", Source: sourceEntities},
	{ID: "sentinel/entity-type", Severity: "error", What: "an entity is of a type that Sentinel knows", Source: sourceEntities},
	{ID: "sentinel/entity-identifier", Severity: "error", What: "an entity has identifiers of its type, and a strong one", Source: sourceEntities},
	{ID: "sentinel/entity-old", Severity: "error", What: "a column such as HostCustomEntity has a mapping", Source: sourceRepo},
	{ID: "sentinel/column", Severity: "error", What: "a column that a rule names is one of the results of its query", Source: sourceEntities},
	{ID: "sentinel/table-column", Severity: "warning", What: "a column that a rule names is one of the table", Source: "Microsoft Learn: the reference of each table, as the schemas of sigmac have it"},
	{ID: "sentinel/custom-details", Severity: "error", What: "a rule has at most 20 custom details, with names of at most 20 letters and digits", Source: sourceRepo},
	{ID: "sentinel/alert-details", Severity: "error", What: "what alerts say in the place of the rule names columns, 3 at most in a text", Source: sourceRepo},
	{ID: "sentinel/event-grouping", Severity: "error", What: "results make a SingleAlert or an AlertPerResult", Source: sourceAPI},
	{ID: "sentinel/incident", Severity: "error", What: "how alerts are grouped into incidents is said in full", Source: sourceAPI},
	{ID: "sentinel/connectors", Severity: "error", What: "each required data connector has an id and its types of data", Source: sourceRepo},
	{ID: "sentinel/nrt-number", Severity: "error", What: "there are at most 50 rules near real time", Source: sourceNRT},
	{ID: "sentinel/nrt-schedule", Severity: "warning", What: "a rule near real time has no schedule and no threshold", Source: sourceAPI},
	{ID: "sentinel/nrt-workspace", Severity: "error", What: "the query of a rule near real time asks one workspace", Source: sourceNRT},
	{ID: "sentinel/nrt-api", Severity: "error", What: "a template takes rules near real time by a preview of the API", Source: sourceAPI},
	{ID: "sentinel/template-size", Severity: "error", What: "a template has at most 800 resources and 4 MB", Source: sourceTemplate},
	{ID: "sentinel/portal-import", Severity: "note", What: "the portal imports 50 rules at a time", Source: sourceTemplate},
	{ID: "sentinel/expression", Severity: "note", What: "what a template computes is not checked", Source: sourceExpression},
	// Of what sigmac writes:
	{ID: "sentinel/utf-8", Severity: "error", What: "the text of a rule is in UTF-8", Source: sourceSigmac},
	{ID: "sentinel/setting", Severity: "error", What: "a setting by Sentinel's own name has the form of its value", Source: sourceSigmac},
	{ID: "sentinel/nrt-window", Severity: "error", What: "a correlation is no rule near real time", Source: sourceNRT},
	{ID: "sentinel/connector", Severity: "note", What: "the data connector of the table is known", Source: sourceSigmac},
	{ID: "sentinel/suppression-columns", Severity: "note", What: "alerts are suppressed by columns", Source: sourceSigmac},
	{ID: "sentinel/sub-techniques", Severity: "note", What: "sub-techniques are kept", Source: sourceAPI},
	{ID: "sentinel/cron", Severity: "warning", What: "the schedule of a rule is kept", Source: sourceSigmac},
	{ID: "sentinel/risk", Severity: "warning", What: "the risk score of a rule is kept", Source: sourceSigmac},
	{ID: "sentinel/disabled", Severity: "note", What: "whether a rule is on is kept", Source: sourceSigmac},
	attackCheck,
}

// sentinelCheck is the check of that name.
func sentinelCheck(name string) deploy.Check {
	i := slices.IndexFunc(sentinelChecks, func(c deploy.Check) bool { return c.ID == "sentinel/"+name })
	if i < 0 {
		panic("no check is named sentinel/" + name)
	}
	return sentinelChecks[i]
}

// auditSentinel says what is wrong with rules, each alone and together.
func auditSentinel(ds []*deploy.Detection, c deploy.Context) []deploy.Finding {
	a := &sentinelAudit{context: c}
	ids, titles := map[string]*deploy.Detection{}, map[string]*deploy.Detection{}
	nrt, perFile, size := 0, map[string]int{}, map[string]int{}
	for _, d := range ds {
		s, ok := d.Own.(*sentinelRule)
		if !ok {
			continue
		}
		a.d, a.s = d, s
		a.rule()
		if first := ids[strings.ToLower(d.ID)]; d.ID == "" {
		} else if first != nil {
			a.find("id-unique", d.Pos, "the rule %q has the same id", first.Title)
		} else {
			ids[strings.ToLower(d.ID)] = d
		}
		if first := titles[strings.ToLower(d.Title)]; d.Title == "" {
		} else if first != nil {
			a.find("title-unique", a.at("displayName"), "the rule %s has the same name", cmp.Or(first.ID, first.Title))
		} else {
			titles[strings.ToLower(d.Title)] = d
		}
		if s.isNRT() && d.Enabled {
			if nrt++; nrt == maxNRT+1 {
				a.find("nrt-number", d.Pos, "there are more than %d rules near real time", maxNRT)
			}
		}
		if s.form == templateForm {
			perFile[d.Path]++
			size[d.Path] += len(d.Query) + len(s.props.get("description").text)
			switch n := perFile[d.Path]; {
			case n == maxResources+1:
				a.whole("template-size", "the template has more than %d rules: write one a rule, or some a template", maxResources)
			case n == maxImport+1:
				a.whole("portal-import", "the template has more than %d rules: deploy it, or write one a rule", maxImport)
			}
			if size[d.Path] > maxTemplateSize {
				a.whole("template-size", "the template is larger than 4 MB")
				size[d.Path] = -1 << 40
			}
		}
	}
	return a.findings
}

type sentinelAudit struct {
	context  deploy.Context
	d        *deploy.Detection
	s        *sentinelRule
	findings []deploy.Finding
}

func (a *sentinelAudit) find(id string, pos ir.Pos, format string, args ...any) {
	if pos == (ir.Pos{}) {
		pos = a.d.Pos
	}
	a.findings = append(a.findings, deploy.Finding{Check: sentinelCheck(id), Msg: fmt.Sprintf(format, args...), Path: a.d.Path, Pos: pos,
		Detection: cmp.Or(a.d.ID, a.d.Title)})
}

// whole finds what is wrong with a file, from a rule of it on.
func (a *sentinelAudit) whole(id, format string, args ...any) {
	a.findings = append(a.findings, deploy.Finding{Check: sentinelCheck(id), Msg: fmt.Sprintf(format, args...), Path: a.d.Path, Pos: a.d.Pos})
}

func (a *sentinelAudit) at(field string) ir.Pos { return a.s.props.get(field).pos }

// text is what a field says, unless it is not there or an expression.
func (a *sentinelAudit) text(field string) (s string, pos ir.Pos, ok bool) {
	v := a.s.props.get(field)
	return v.text, v.pos, v.kind != treeNone && v.kind != treeExpression
}

// units are the characters of a text as .NET counts them: those of UTF-16.
func units(s string) int { return len(utf16.Encode([]rune(s))) }

func (a *sentinelAudit) rule() {
	s, d := a.s, a.d
	a.required()
	if s.form == repoForm || s.form == templateForm && d.ID != "" {
		if !deploy.IsUUID(d.ID) && d.ID != "" {
			a.find("id", s.whole.get("id").pos, "%q is no GUID", d.ID)
		}
	}
	if kind := s.whole.get("kind"); kind.kind == treeText && !slices.Contains(sentinelKinds, known(kind.text, sentinelKinds)) {
		a.find("kind", kind.pos, "%q is no kind of rule%s", kind.text, suggest.For(kind.text, sentinelKinds))
	}
	if name, pos, ok := a.text("displayName"); ok {
		if n := units(name); n > maxName {
			a.find("name-length", pos, "the name has %d characters", n)
		}
		if strings.HasPrefix(name, "AUTO DISABLED") {
			a.find("auto-disabled", pos, "Sentinel switched the rule off, since it kept failing")
		}
	}
	if text, pos, ok := a.text("description"); ok {
		if n := units(text); n > maxDescription {
			a.find("description-length", pos, "the description has %d characters", n)
		}
	}
	if version := s.whole.get("version"); s.form == repoForm && version.kind != treeNone && (len(version.text) > 20 || !versions().MatchString(version.text)) {
		a.find("version", version.pos, "the version is no a.b.c")
	}
	a.word("severity", "severity", sentinelLevels, "severity")
	a.query()
	a.schedule()
	a.suppression()
	a.attack()
	a.entities()
	a.details()
	a.alert()
	if t := s.props.get("eventGroupingSettings").get("aggregationKind"); t.kind == treeText && !slices.Contains(aggregationKinds, known(t.text, aggregationKinds)) {
		a.find("event-grouping", t.pos, "%q is no way to group results%s", t.text, suggest.For(t.text, aggregationKinds))
	}
	a.incident()
	if s.form == repoForm {
		for _, c := range s.props.get("requiredDataConnectors").items {
			if c.get("connectorId").text == "" || c.get("dataTypes").kind != treeList && c.get("datatypes").kind != treeList {
				a.find("connectors", c.pos, "a connector has a connectorId, and a list dataTypes")
			}
		}
	}
	if s.isNRT() {
		a.nrt()
	}
	for _, e := range s.expressions {
		a.find("expression", e.pos, "%s is an expression of the template", e.name)
	}
}

var versions = lazy.Regexp(`^\d+\.\d+\.\d+$`)

// required are the fields that a form asks for.
func (a *sentinelAudit) required() {
	fields := strings.Fields("displayName severity query")
	switch s := a.s; {
	case s.form == repoForm:
		fields = append(fields, "id", "kind", "description", "requiredDataConnectors")
	default:
		fields = append(fields, "enabled", "suppressionEnabled", "suppressionDuration")
	}
	if !a.s.isNRT() {
		fields = append(fields, "queryFrequency", "queryPeriod", "triggerOperator", "triggerThreshold")
	}
	names := map[string]string{}
	if a.s.form == repoForm {
		names["displayName"] = "name"
	}
	for _, f := range fields {
		v := a.s.props.get(f)
		if v.kind == treeNone || v.kind == treeText && v.text == "" && f != "query" && f != "description" {
			a.find("required", ir.Pos{}, "the rule has no %s", cmp.Or(names[f], f))
		}
	}
	if a.s.form == templateForm && a.d.ID == "" {
		if t, expression := ownText(a.s.whole.get("name").text); !expression && t == "" {
			a.find("required", ir.Pos{}, "the rule has no name with its id")
		}
	}
}

// word finds a field that says something else than one of a list.
func (a *sentinelAudit) word(id, field string, list []string, what string) {
	if s, pos, ok := a.text(field); ok && s != "" && !slices.Contains(list, known(s, list)) {
		a.find(id, pos, "%q is no %s%s", s, what, suggest.For(s, list))
	}
}

// noLiterals takes literals and comments out of a query.
var noLiterals = lazy.Regexp("(?s)[hH]?@\"[^\"]*\"|[hH]?@'[^']*'|\"(?:\\\\.|[^\"\\\\])*\"|'(?:\\\\.|[^'\\\\])*'|```.*?```|//[^\n]*")

var everything = lazy.Regexp(`\b(search|union)\s+(?:[\w.]+\s*=\s*\w+\s+)*\*(?:\s|\)|;|$)`)

func (a *sentinelAudit) query() {
	query, pos, ok := a.text("query")
	if !ok {
		return
	}
	if n := units(query); n < 1 || n > maxQuery {
		a.find("query-length", pos, "the query has %d characters", n)
	}
	if m := everything().FindStringSubmatch(noLiterals().ReplaceAllString(query, `""`)); m != nil {
		a.find("query-search", pos, "the query has %s *, which asks every table", m[1])
	}
	if a.s.form == repoForm {
		for _, old := range oldEntities {
			if strings.Contains(query, old) && !slices.Contains(a.entityColumns(), old) {
				a.find("entity-old", pos, "the column %s has no mapping of an entity", old)
			}
		}
	}
	a.columns()
}

func (a *sentinelAudit) entityColumns() (out []string) {
	for _, e := range a.s.props.get("entityMappings").items {
		for _, f := range e.get("fieldMappings").items {
			out = append(out, f.get("columnName").text)
		}
	}
	return out
}

// placeholders of texts of alerts: {{Column}}.
var placeholders = lazy.Regexp(`\{\{\s*([^{}]*?)\s*\}\}`)

// columns finds those that the rule names and its results have not.
func (a *sentinelAudit) columns() {
	output, err := read.ReadOutput(a.d.Query, a.context.Schema)
	if err != nil {
		return // what is not read may have any
	}
	told := map[string]bool{}
	column := func(v tree, name string) {
		if v.kind == treeExpression || name == "" || told[name] {
			return
		}
		lacks, _ := output.Column(name)
		switch {
		case lacks == nil:
			return
		case lacks.By != "":
			a.find("column", v.pos, "the results have no column %s: %s leaves it out", name, lacks.By)
		default:
			a.find("table-column", v.pos, "sigmac knows no column %s of the table %s", name, lacks.Table)
		}
		told[name] = true
	}
	p := a.s.props
	for _, e := range p.get("entityMappings").items {
		for _, f := range e.get("fieldMappings").items {
			column(f.get("columnName"), f.get("columnName").text)
		}
	}
	for _, d := range p.get("customDetails").items {
		column(d, d.text)
	}
	o := p.get("alertDetailsOverride")
	for _, name := range []string{"alertTacticsColumnName", "alertSeverityColumnName"} {
		column(o.get(name), o.get(name).text)
	}
	for _, name := range []string{"alertDisplayNameFormat", "alertDescriptionFormat"} {
		for _, m := range placeholders().FindAllStringSubmatch(o.get(name).text, -1) {
			column(o.get(name), m[1])
		}
	}
	for _, d := range o.get("alertDynamicProperties").items {
		column(d.get("value"), d.get("value").text)
	}
}

// length reads a length of time of a field.
func (a *sentinelAudit) length(v tree, name string) (d time.Duration, ok bool) {
	if v.kind == treeNone || v.kind == treeExpression || v.text == "" {
		return 0, false
	}
	d, spelling := isoOrRepo(v.text)
	want, example := isoSpelling, deploy.ISO(cmp.Or(d, time.Hour))
	if a.s.form == repoForm {
		want, example = repoSpelling, repoDuration(cmp.Or(d, time.Hour))
	}
	// What the validator of the repository does not read is written either way.
	if free := a.s.form == repoForm && !strings.HasPrefix(name, "query"); spelling != want && !(free && spelling != noSpelling) {
		a.find("duration", v.pos, "%s is no length of time here, as %s is", name, example)
	}
	return d, spelling != noSpelling
}

func (a *sentinelAudit) schedule() {
	if a.s.isNRT() {
		return
	}
	p := a.s.props
	frequency, known1 := a.length(p.get("queryFrequency"), "queryFrequency")
	period, known2 := a.length(p.get("queryPeriod"), "queryPeriod")
	if known1 && (frequency < minPeriod || frequency > maxPeriod) {
		a.find("frequency", a.at("queryFrequency"), "the rule runs every %s", deploy.Duration(frequency))
	}
	if known2 && (period < minPeriod || period > maxPeriod) {
		a.find("period", a.at("queryPeriod"), "the rule looks back %s", deploy.Duration(period))
	}
	if known1 && known2 && period < frequency {
		a.find("look-back", a.at("queryPeriod"), "the rule looks back %s and runs every %s: some events are never looked at", deploy.Duration(period), deploy.Duration(frequency))
	}
	if known1 && known2 && period >= longPeriod && frequency < time.Hour {
		a.find("long-period", a.at("queryFrequency"), "the rule looks back %s and runs every %s", deploy.Duration(period), deploy.Duration(frequency))
	}
	operators := triggerOperators
	if a.s.form == repoForm {
		operators = append(slices.Clone(operators), "gt", "lt", "eq", "ne")
	}
	a.word("trigger", "triggerOperator", operators, "operator of a threshold")
	if s, pos, ok := a.text("triggerThreshold"); ok {
		if n, err := strconv.Atoi(s); err != nil || n < 0 || n > 10_000 {
			a.find("trigger", pos, "the threshold is no number from 0 to 10,000")
		}
	}
}

func (a *sentinelAudit) suppression() {
	v := a.s.props.get("suppressionDuration")
	d, known := a.length(v, "suppressionDuration")
	if on := strings.EqualFold(a.s.props.get("suppressionEnabled").text, "true"); on && v.kind == treeNone {
		a.find("suppression", a.at("suppressionEnabled"), "alerts are suppressed, and nothing says for how long")
	} else if known && (d > maxSuppression || d < minPeriod) {
		a.find("suppression", v.pos, "alerts are suppressed for %s, and Sentinel takes 5 minutes to 24 hours", deploy.Duration(d))
	}
}

var techniqueIDs = lazy.Regexp(`^T\d{4}(\.\d{3})?$`)

func (a *sentinelAudit) attack() {
	p := a.s.props
	var tactics []string
	computed := p.get("tactics").kind == treeExpression
	for _, t := range p.get("tactics").items {
		if t.kind == treeExpression {
			computed = true
			continue
		}
		if tactics = append(tactics, t.text); !slices.Contains(sentinelTactics, t.text) && (t.text != "PreAttack" || a.s.form == repoForm) {
			a.find("tactic", t.pos, "Sentinel knows no tactic %q%s", t.text, suggest.For(t.text, sentinelTactics))
		}
	}
	for _, field := range []string{"techniques", "subTechniques"} {
		for _, t := range p.get(field).items {
			if t.kind == treeExpression {
				continue
			}
			_, _, sub := strings.Cut(t.text, ".")
			switch {
			case !techniqueIDs().MatchString(t.text):
				a.find("technique", t.pos, "%q is no technique", t.text)
			case field == "techniques" && sub && a.s.form == templateForm && a.s.api != "" && !isPreview(a.s.api):
				a.find("technique", t.pos, "%s is a sub-technique, which %s of the API does not take", t.text, a.s.api)
			case !computed && !ofTactics(t.text, tactics):
				a.find("technique-tactic", t.pos, "%s belongs to none of the tactics of the rule", t.text)
			}
		}
	}
}

// ofTactics says whether a technique may be of one of these tactics. Of those that ATT&CK does
// not know nobody knows.
func ofTactics(id string, tactics []string) bool {
	of := techniqueTactics(id)
	return of == nil || slices.ContainsFunc(tactics, func(t string) bool { return slices.Contains(of, t) })
}

// techniqueTactics are the tactics of a technique as Sentinel calls them: those of version 18
// too, in which Stealth and Defense Impairment were one.
func techniqueTactics(id string) (out []string) {
	for _, t := range catalog.Techniques([]string{"attack." + strings.ToLower(id)}) {
		for _, name := range t.Tactics {
			if name == "Stealth" || name == "Defense Impairment" {
				name = "Defense Evasion"
			}
			out = append(out, strings.ReplaceAll(strings.ReplaceAll(name, " and ", " And "), " ", ""))
		}
	}
	return out
}

func (a *sentinelAudit) entities() {
	mappings := a.s.props.get("entityMappings")
	if mappings.kind != treeList {
		return
	}
	if n := len(mappings.items); n < 1 || n > maxEntities {
		a.find("entity-number", mappings.pos, "the rule maps %d entities", n)
	}
	for _, e := range mappings.items {
		typ := e.get("entityType")
		if typ.kind == treeExpression {
			continue
		}
		fields := e.get("fieldMappings").items
		if n := len(fields); n < 1 || n > maxIdentifiers {
			a.find("entity-number", e.pos, "an entity is mapped by %d identifiers", n)
		}
		of, is := sentinelEntities()[typ.text]
		if !is {
			a.find("entity-type", cmp.Or(typ.pos, e.pos), "Sentinel knows no entity %q%s", typ.text, suggest.For(typ.text, sortedKeys(sentinelEntities())))
			continue
		}
		strong, weak := strings.Fields(of.strong), strings.Fields(of.weak)
		all, identified := slices.Concat(strong, weak), typ.text == "FileHash"
		var have []string
		for _, f := range fields {
			id := f.get("identifier")
			switch {
			case id.kind == treeExpression:
				identified = true
				have = append(have, all...)
			case !slices.Contains(all, id.text):
				a.find("entity-identifier", cmp.Or(id.pos, f.pos), "%q is no identifier of %s%s", id.text, typ.text, suggest.For(id.text, all))
				identified = true
			default:
				identified = identified || slices.Contains(strong, id.text)
				have = append(have, id.text)
			}
			if column := f.get("columnName"); column.kind == treeNone || column.text == "" {
				a.find("entity-identifier", f.pos, "the identifier %s has no columnName", id.text)
			}
		}
		switch {
		case len(fields) == 0:
		case !identified:
			a.find("entity-identifier", e.pos, "%s has no strong identifier: %s", typ.text, strings.Join(strong, ", "))
		case typ.text == "FileHash" && (!slices.Contains(have, "Algorithm") || !slices.Contains(have, "Value")):
			a.find("entity-identifier", e.pos, "FileHash has an Algorithm and a Value")
		}
	}
}

func sortedKeys[V any](m map[string]V) (out []string) {
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func (a *sentinelAudit) details() {
	t := a.s.props.get("customDetails")
	if t.kind != treeObject {
		return
	}
	if len(t.keys) > maxDetails {
		a.find("custom-details", t.pos, "the rule has %d custom details", len(t.keys))
	}
	for i, key := range t.keys {
		v := t.items[i]
		if len(key) > maxDetailKey || !detailKeys().MatchString(key) {
			a.find("custom-details", v.pos, "%q is no name of a custom detail", key)
		}
		if v.kind != treeExpression && !isColumnName(v.text) {
			a.find("custom-details", v.pos, "the custom detail %s names no column", key)
		}
	}
}

func (a *sentinelAudit) alert() {
	o := a.s.props.get("alertDetailsOverride")
	for _, f := range []struct {
		name string
		max  int
	}{{"alertDisplayNameFormat", maxName}, {"alertDescriptionFormat", maxDescription}} {
		v := o.get(f.name)
		if v.kind != treeText {
			continue
		}
		if n := units(v.text); n < 1 || n > f.max {
			a.find("alert-details", v.pos, "%s has %d characters", f.name, n)
		}
		if n := len(placeholders().FindAllString(v.text, -1)); n > maxPlaceholders {
			a.find("alert-details", v.pos, "%s names %d columns", f.name, n)
		}
	}
	for _, d := range o.get("alertDynamicProperties").items {
		if p := d.get("alertProperty"); p.kind != treeExpression && !slices.Contains(dynamicProperties, p.text) {
			a.find("alert-details", cmp.Or(p.pos, d.pos), "an alert has no property %q%s", p.text, suggest.For(p.text, dynamicProperties))
		}
	}
}

func (a *sentinelAudit) incident() {
	t := a.s.props.get("incidentConfiguration")
	if t.kind != treeObject {
		return
	}
	if t.get("createIncident").kind == treeNone {
		a.find("incident", t.pos, "incidentConfiguration has no createIncident")
	}
	g := t.get("groupingConfiguration")
	if g.kind != treeObject {
		return
	}
	for _, name := range []string{"enabled", "reopenClosedIncident", "lookbackDuration", "matchingMethod"} {
		if g.get(name).kind == treeNone {
			a.find("incident", g.pos, "groupingConfiguration has no %s", name)
		}
	}
	d, known1 := a.length(g.get("lookbackDuration"), "lookbackDuration")
	if !strings.EqualFold(g.get("enabled").text, "true") {
		return
	}
	if known1 && (d < minPeriod || d > maxGrouping) {
		a.find("incident", g.get("lookbackDuration").pos, "alerts are grouped within %s, and Sentinel takes 5 minutes to 7 days", deploy.Duration(d))
	}
	method := g.get("matchingMethod")
	if method.kind == treeText && !slices.Contains(matchingMethods, known(method.text, matchingMethods)) {
		a.find("incident", method.pos, "%q is no way to match alerts%s", method.text, suggest.For(method.text, matchingMethods))
	}
	if !strings.EqualFold(method.text, "Selected") {
		return
	}
	byEntities, byAlerts, byDetails := g.get("groupByEntities"), g.get("groupByAlertDetails"), g.get("groupByCustomDetails")
	if len(byEntities.items)+len(byAlerts.items)+len(byDetails.items) == 0 && byEntities.kind != treeExpression {
		a.find("incident", method.pos, "alerts are grouped by what is selected, and nothing is")
	}
	var mapped []string
	for _, e := range a.s.props.get("entityMappings").items {
		mapped = append(mapped, e.get("entityType").text)
	}
	for _, e := range byEntities.items {
		if e.kind == treeText && !slices.Contains(mapped, e.text) {
			a.find("incident", e.pos, "alerts are grouped by the entity %s, which the rule does not map", e.text)
		}
	}
	for _, e := range byDetails.items {
		if e.kind == treeText && !slices.Contains(a.s.props.get("customDetails").keys, e.text) {
			a.find("incident", e.pos, "alerts are grouped by the custom detail %s, which the rule has not", e.text)
		}
	}
	for _, e := range byAlerts.items {
		if e.kind == treeText && e.text != "DisplayName" && e.text != "Severity" {
			a.find("incident", e.pos, "alerts are grouped by %q, which is neither DisplayName nor Severity", e.text)
		}
	}
}

// elsewhere are functions that ask other workspaces and clusters.
var elsewhere = lazy.Regexp(`\b(workspace|app|adx|cluster|arg)\s*\(`)

func (a *sentinelAudit) nrt() {
	p := a.s.props
	for _, name := range []string{"queryFrequency", "queryPeriod", "triggerOperator", "triggerThreshold"} {
		if v := p.get(name); v.kind != treeNone {
			a.find("nrt-schedule", v.pos, "a rule near real time has no %s", name)
		}
	}
	if a.s.form == templateForm && a.s.api != "" && !isPreview(a.s.api) {
		a.find("nrt-api", a.s.whole.get("apiVersion").pos, "%s of the API has no rules near real time, as %s has", a.s.api, nrtAPI)
	}
	query, pos, ok := a.text("query")
	if !ok {
		return
	}
	if m := elsewhere().FindStringSubmatch(noLiterals().ReplaceAllString(query, `""`)); m != nil {
		a.find("nrt-workspace", pos, "the query asks another place by %s()", m[1])
	}
}

// queryTables are the tables that a query asks, or the one that is known where it is not read.
func queryTables(query, known string) (out []string) {
	add := func(name string) {
		if name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	if q, err := read.Read(query, nil); err == nil {
		add(q.Scope.Table)
		ir.Walk(q.Where, func(e ir.Expr) {
			if m, ok := e.(ir.Match); ok && m.Field.Name == ir.TableField {
				if p, ok := m.Test.(ir.Pattern); ok {
					add(p.Literals())
				}
			}
		})
	}
	if out == nil {
		add(known)
	}
	return out
}
