package deploy

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"sigmac/internal/deploy"
	"sigmac/internal/lazy"
	"sigmac/ir"
)

// A sentinelRule is an analytics rule as it was read.
type sentinelRule struct {
	form  sentinelForm
	api   string // the version of the API that a template names
	kind  string
	whole tree
	props tree // by the names of the API, those of files of the repository too
	// Fields of which a template says an expression.
	expressions []sentinelField
}

type sentinelField struct {
	name string
	pos  ir.Pos
}

type sentinelForm uint8

const (
	repoForm     sentinelForm = iota // YAML of the repository
	templateForm                     // ARM
	apiForm                          // what the API, the CLI or a tool over them gives
)

// A sentinelReader reads one file.
type sentinelReader struct {
	path  string
	found []*deploy.Detection
	errs  []error
	known bool // something was of a form that has rules, or others beside them
}

// readSentinel reads analytics rules: YAML of the repository, one document or several; templates
// for ARM, with deployments inside; lists of the API, single rules, and arrays of the CLI. What
// is no rule with a query of its own is left out.
func readSentinel(f deploy.File) ([]*deploy.Detection, error) {
	r := &sentinelReader{path: f.Path}
	start := bytes.TrimLeft(bytes.TrimPrefix(f.Data, []byte("\ufeff")), " \t\r\n")
	switch {
	case len(start) == 0:
		r.fail(wrong(ir.Pos{Line: 1, Column: 1}, "the file is empty"))
	case start[0] == '{' || start[0] == '[':
		t, err := readJSON(f.Data)
		if err != nil {
			r.fail(err)
			break
		}
		if r.walk(t, 0); !r.known {
			r.fail(wrong(t.pos, "this is no export of analytics rules, and no template"))
		}
	default:
		r.documents(f.Data)
	}
	return r.found, errors.Join(r.errs...)
}

func (r *sentinelReader) fail(err error) {
	var d *ir.Diagnostic
	if errors.As(err, &d) {
		d.Path = r.path
	}
	r.errs = append(r.errs, err)
}

func (r *sentinelReader) documents(data []byte) {
	docs, errs := readYAML(data)
	for _, err := range errs {
		r.fail(err)
	}
	for i, doc := range docs {
		if doc.kind != treeObject {
			r.fail(wrong(doc.pos, "this is no rule in YAML"))
			continue
		}
		if i == len(docs)-1 && isCut(doc, bytes.HasSuffix(data, []byte("\n"))) {
			r.fail(wrong(doc.pos, isCutOff))
			continue
		}
		props := tree{kind: treeObject, pos: doc.pos}
		for j, key := range doc.keys {
			props.put(cmp.Or(map[string]string{"name": "displayName", "relevantTechniques": "techniques"}[key], key), doc.items[j])
		}
		r.rule(repoForm, doc, props)
	}
}

// isCut says whether the last document of a file, which ends a line or not, lacks its end: a rule of
// sigmac ends with its kind, and one of anybody has a query. YAML itself has no end.
func isCut(doc tree, line bool) bool {
	own := strings.Contains(doc.get("description").text, ruleLine)
	return own && doc.get("kind").kind == treeNone || !line && doc.get("severity").kind != treeNone && doc.get("query").kind == treeNone
}

// maxTemplates bounds how deep deployments stand in others.
const maxTemplates = 8

// walk reads what JSON has of rules.
func (r *sentinelReader) walk(t tree, depth int) {
	switch resources, value := t.get("resources"), t.get("value"); {
	case t.kind == treeList:
		r.known = r.known || len(t.items) == 0
		for _, i := range t.items {
			if i.kind != treeObject {
				r.fail(wrong(i.pos, "this is no rule"))
				r.known = true
				continue
			}
			r.walk(i, depth)
		}
	case t.kind != treeObject:
	case t.get("kind").kind == treeText && (t.get("properties").kind == treeObject || t.get("displayName").kind == treeText):
		r.known = true
		if typ := t.get("type").text; typ == "" || isAlertRule(typ) {
			r.rule(apiForm, t, t.get("properties"))
		}
	case value.kind == treeList:
		r.known = true
		r.walk(value, depth)
	case resources.kind == treeList || resources.kind == treeObject:
		r.known = true
		r.resources(resources, depth)
	}
}

func isAlertRule(typ string) bool {
	typ = strings.ToLower(typ)
	return strings.HasSuffix(typ, "/alertrules") || strings.HasSuffix(typ, "/alertruletemplates")
}

// resources are those of a template: a list, or by names.
func (r *sentinelReader) resources(t tree, depth int) {
	if depth > maxTemplates {
		r.fail(wrong(t.pos, "deployments stand too deep in others"))
		return
	}
	for _, i := range t.items {
		if i.kind != treeObject {
			r.fail(wrong(i.pos, "this is no resource"))
			continue
		}
		p := i.get("properties")
		if isAlertRule(i.get("type").text) {
			r.rule(templateForm, i, p)
		}
		for _, inner := range []tree{i.get("resources"), p.get("template").get("resources"), p.get("mainTemplate").get("resources")} {
			if inner.kind == treeList || inner.kind == treeObject {
				r.resources(inner, depth+1)
			}
		}
	}
}

// kinds of rules that have no query of their own.
var withoutQuery = []string{"fusion", "mlbehavioranalytics", "microsoftsecurityincidentcreation", "threatintelligence", "anomaly"}

// sentinelShapes are what the fields of a rule hold, where they are there.
var sentinelShapes = []struct {
	kinds  []treeKind
	want   string
	fields string
}{
	{[]treeKind{treeText, treeNumber, treeBool}, "a text", "displayName description severity query queryFrequency queryPeriod triggerOperator suppressionDuration version"},
	{[]treeKind{treeNumber, treeText}, "a number", "triggerThreshold"},
	{[]treeKind{treeBool, treeText}, "true or false", "enabled suppressionEnabled"},
	{[]treeKind{treeList}, "a list", "tactics techniques subTechniques entityMappings requiredDataConnectors"},
	{[]treeKind{treeObject}, "names with values", "customDetails eventGroupingSettings alertDetailsOverride incidentConfiguration"},
}

// rule reads one rule, if it is one.
func (r *sentinelReader) rule(form sentinelForm, whole, props tree) {
	if props.kind != treeObject {
		props = whole // the CLI has no properties of their own
	}
	rule := &sentinelRule{form: form, kind: whole.get("kind").text, whole: whole, props: props}
	if form == templateForm {
		rule.api = whole.get("apiVersion").text
		rule.props = rule.read(props, "")
	}
	p := rule.props
	switch {
	case slices.Contains(withoutQuery, strings.ToLower(rule.kind)):
		return
	case strings.EqualFold(rule.kind, "Scheduled") || strings.EqualFold(rule.kind, "NRT"):
	case p.get("query").kind == treeNone || rule.kind == "" && p.get("queryFrequency").kind == treeNone && p.get("triggerOperator").kind == treeNone:
		return
	}
	bad := false
	for _, s := range sentinelShapes {
		for _, name := range strings.Fields(s.fields) {
			if v := p.get(name); v.kind != treeNone && v.kind != treeExpression && !slices.Contains(s.kinds, v.kind) {
				r.fail(wrong(v.pos, name+" should be "+s.want))
				bad = true
			}
		}
	}
	if bad {
		return
	}
	query := p.get("query")
	d := &deploy.Detection{Path: r.path, Pos: whole.pos, ID: rule.id(), Title: p.get("displayName").text, Query: query.text, QueryAt: query.pos,
		Enabled: !strings.EqualFold(p.get("enabled").text, "false"), Settings: rule.settings(), Own: rule}
	if d.Query != "" {
		d.Language = "kusto"
	}
	description := strings.TrimRight(p.get("description").text, " \t\r\n")
	if id, is := strings.CutPrefix(description[strings.LastIndexByte(description, '\n')+1:], ruleLine); is {
		d.Rule = id
	}
	version := cmp.Or(p.get("version").text, p.get("templateVersion").text)
	if _, own, is := strings.Cut(whole.get("comments").text, versionMark); is && form == templateForm {
		version = own
	}
	d.Version, _ = strconv.Atoi(version[strings.LastIndexByte(version, '.')+1:])
	r.found = append(r.found, d)
}

// read takes what a template says of a value, and notes the expressions.
func (s *sentinelRule) read(t tree, path string) tree {
	if t.kind == treeText {
		out, expression := ownText(t.text)
		if t.text = out; expression {
			t.kind = treeExpression
			s.expressions = append(s.expressions, sentinelField{path, t.pos})
		}
	}
	items := t.items
	t.items = nil
	for i, inner := range items {
		at := path
		if t.kind == treeObject {
			at = strings.TrimPrefix(path+"."+t.keys[i], ".")
		}
		t.items = append(t.items, s.read(inner, at))
	}
	return t
}

// uuidAtEnd finds the id in the name of a resource of a template:
// [concat(parameters('workspace'), '/Microsoft.SecurityInsights/ID')].
var uuidAtEnd = lazy.Regexp(`([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})['")\]\s]*$`)

// id is that of the rule in Sentinel, or empty where a template computes it.
func (s *sentinelRule) id() string {
	if s.form == repoForm {
		return s.whole.get("id").text
	}
	for _, key := range []string{"name", "id"} {
		t := s.whole.get(key).text
		if m := uuidAtEnd().FindStringSubmatch(t); m != nil {
			return m[1]
		}
		if t, expression := ownText(t); t != "" && !expression && s.form == apiForm {
			return t[strings.LastIndexByte(t, '/')+1:]
		}
	}
	return ""
}

// How lengths of time are written.
type durationSpelling uint8

const (
	noSpelling   durationSpelling = iota
	isoSpelling                   // PT1H, of the API
	repoSpelling                  // 1h and 01:00:00, of the repository
)

var timeSpan = lazy.Regexp(`^(?:(\d{1,5})\.)?(\d{1,2}):(\d{2})(?::(\d{2}))?$`)

// isoOrRepo reads a length of time.
func isoOrRepo(s string) (d time.Duration, spelling durationSpelling) {
	s = strings.TrimSpace(s)
	if d, ok := deploy.ParseISO(s); ok {
		return d, isoSpelling
	}
	if d, ok := deploy.ParseDuration(s); ok && !strings.HasSuffix(s, "s") {
		return d, repoSpelling
	}
	if m := timeSpan().FindStringSubmatch(s); m != nil {
		for i, unit := range []time.Duration{24 * time.Hour, time.Hour, time.Minute, time.Second} {
			n, _ := strconv.Atoi(m[i+1])
			d += time.Duration(n) * unit
		}
		return d, repoSpelling
	}
	return 0, noSpelling
}

// oneSpelling is a length of time as ISO 8601 has it, or what stands there.
func oneSpelling(s string) string {
	if d, spelling := isoOrRepo(s); spelling != noSpelling {
		return deploy.ISO(d)
	}
	return s
}

// longOperators are the operators of thresholds by their short names.
var longOperators = map[string]string{"gt": "GreaterThan", "lt": "LessThan", "eq": "Equal", "ne": "NotEqual"}

// known is the word of a list that s is, whatever its case, or s.
func known(s string, list []string) string {
	for _, word := range list {
		if strings.EqualFold(word, s) {
			return word
		}
	}
	return s
}

// settings are what the rule decides, in one spelling.
func (s *sentinelRule) settings() (out []deploy.Setting) {
	p := s.props
	add := func(kind, name, value string) {
		if value != "" {
			out = append(out, deploy.Setting{Kind: kind, Name: name, Value: value})
		}
	}
	add(deploy.Schedule, "kind", known(cmp.Or(s.kind, "Scheduled"), sentinelKinds))
	if !s.isNRT() {
		add(deploy.Schedule, "queryFrequency", oneSpelling(p.get("queryFrequency").text))
		add(deploy.Schedule, "queryPeriod", oneSpelling(p.get("queryPeriod").text))
		operator := p.get("triggerOperator").text
		add(deploy.Schedule, "triggerOperator", known(cmp.Or(longOperators[strings.ToLower(operator)], operator), triggerOperators))
		add(deploy.Schedule, "triggerThreshold", p.get("triggerThreshold").text)
	}
	add(deploy.Severity, "severity", known(p.get("severity").text, sentinelLevels))
	suppression := "off"
	switch on := p.get("suppressionEnabled"); {
	case on.kind == treeExpression:
		suppression = on.text
	case strings.EqualFold(on.text, "true"):
		suppression = oneSpelling(p.get("suppressionDuration").text)
	}
	add(deploy.Suppression, "suppression", suppression)
	var entities []string
	for _, e := range p.get("entityMappings").items {
		var fields []string
		for _, f := range e.get("fieldMappings").items {
			fields = append(fields, f.get("identifier").text+"="+f.get("columnName").text)
		}
		slices.Sort(fields)
		entities = append(entities, e.get("entityType").text+" "+strings.Join(fields, " "))
	}
	slices.Sort(entities)
	add(deploy.Entities, "entityMappings", strings.Join(entities, "; "))
	add(deploy.Entities, "customDetails", canonical(p.get("customDetails")))
	add(deploy.Actions, "eventGrouping", cmp.Or(known(p.get("eventGroupingSettings").get("aggregationKind").text, aggregationKinds), aggregationKinds[0]))
	add(deploy.Actions, "incidents", incidents(p.get("incidentConfiguration")))
	add(deploy.Actions, "alertDetailsOverride", canonical(p.get("alertDetailsOverride")))
	add(deploy.Attack, "tactics", joined(p.get("tactics").scalars()))
	var techniques []string
	subs := slices.Clone(p.get("subTechniques").scalars())
	for _, t := range p.get("techniques").scalars() {
		parent, _, sub := strings.Cut(t, ".")
		if techniques = append(techniques, parent); sub {
			subs = append(subs, t)
		}
	}
	add(deploy.Attack, "techniques", joined(techniques))
	add(deploy.Attack, "subTechniques", joined(subs))
	add(deploy.Text, "title", p.get("displayName").text)
	add(deploy.Text, "description", strings.TrimRight(strings.ReplaceAll(p.get("description").text, "\r\n", "\n"), " \t\r\n"))
	return out
}

func (s *sentinelRule) isNRT() bool { return strings.EqualFold(s.kind, "NRT") }

// joined is a set of words in one text.
func joined(words []string) string {
	words = slices.Clone(words)
	slices.Sort(words)
	return strings.Join(slices.Compact(words), ", ")
}

// incidents says which incidents alerts make.
func incidents(t tree) string {
	grouping := t.get("groupingConfiguration")
	switch {
	case strings.EqualFold(t.get("createIncident").text, "false"):
		return "none"
	case !strings.EqualFold(grouping.get("enabled").text, "true"):
		return "one of each alert"
	}
	grouping = tree{kind: treeObject, keys: slices.Clone(grouping.keys), items: slices.Clone(grouping.items)}
	grouping.put("lookbackDuration", text(oneSpelling(grouping.get("lookbackDuration").text)))
	return canonical(grouping)
}

// canonical is a value in one line, with sorted names, and sets sorted, without what is empty.
func canonical(t tree) string {
	var parts []string
	switch t.kind {
	case treeNone:
		return ""
	case treeList:
		for _, i := range t.items {
			if s := canonical(i); s != "" {
				parts = append(parts, s)
			}
		}
	case treeObject:
		for i, key := range t.keys {
			if s := canonical(t.items[i]); s != "" {
				parts = append(parts, key+"="+s)
			}
		}
	default:
		return t.text
	}
	if parts == nil {
		return ""
	}
	slices.Sort(parts)
	mark := map[treeKind]string{treeList: "[]", treeObject: "{}"}[t.kind]
	return mark[:1] + strings.Join(parts, ", ") + mark[1:]
}
