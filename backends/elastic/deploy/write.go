package deploy

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"sigmac/internal/catalog"
	"sigmac/internal/deploy"
	"sigmac/internal/suggest"
	"sigmac/ir"
)

// severities are what Kibana has for a level, with the risk score that the package of
// pySigma for Elasticsearch gives it.
var severities = map[string]struct {
	severity string
	risk     int
}{
	"informational": {"low", 1},
	"low":           {"low", 21},
	"medium":        {"medium", 47},
	"high":          {"high", 73},
	"critical":      {"critical", 99},
}

// dataSources are the tags of elastic/detection-rules (definitions.py, EXPECTED_RULE_TAGS)
// for the log sources of rules; what a log source leaves empty it does not ask.
var dataSources = []struct {
	source ir.LogSource
	tags   []string
}{
	{ir.LogSource{Product: "windows", Service: "sysmon"}, []string{"Data Source: Sysmon"}},
	{ir.LogSource{Product: "windows", Service: "security"}, []string{"Data Source: Windows Security Event Logs"}},
	{ir.LogSource{Product: "windows", Service: "system"}, []string{"Data Source: Windows System Event Logs"}},
	{ir.LogSource{Product: "windows", Service: "powershell"}, []string{"Data Source: PowerShell Logs"}},
	{ir.LogSource{Product: "windows", Category: "ps_script"}, []string{"Data Source: PowerShell Logs"}},
	{ir.LogSource{Product: "linux", Service: "auditd"}, []string{"Data Source: Auditd Manager"}},
	{ir.LogSource{Product: "aws", Service: "cloudtrail"}, []string{"Data Source: AWS", "Data Source: AWS CloudTrail"}},
	{ir.LogSource{Product: "aws"}, []string{"Data Source: AWS"}},
	{ir.LogSource{Product: "azure", Service: "activitylogs"}, []string{"Data Source: Azure", "Data Source: Azure Activity Logs"}},
	{ir.LogSource{Product: "azure"}, []string{"Data Source: Azure"}},
	{ir.LogSource{Product: "gcp"}, []string{"Data Source: GCP"}},
	{ir.LogSource{Product: "github"}, []string{"Data Source: Github"}},
	{ir.LogSource{Product: "kubernetes"}, []string{"Data Source: Kubernetes"}},
	{ir.LogSource{Product: "m365"}, []string{"Data Source: Microsoft 365"}},
	{ir.LogSource{Product: "okta"}, []string{"Data Source: Okta"}},
}

// systems are the tags of operating systems.
var systems = map[string]string{"windows": "OS: Windows", "linux": "OS: Linux", "macos": "OS: macOS"}

// ruleLine stands before the id of the Sigma rule in the guide of a rule. Kibana exports the
// guide as it was imported, and writes it anew only for somebody who edits it; of meta it
// keeps nothing when a rule is edited on its page.
const ruleLine = "- Sigma rule: "

// A writer makes one rule.
type writer struct {
	*deploy.Rule
	o        deploy.Options
	toml     bool
	out      table
	findings []deploy.Finding
}

func (w *writer) find(id, format string, args ...any) {
	w.findings = append(w.findings, deploy.Finding{Check: check(id), Msg: fmt.Sprintf(format, args...), Detection: w.ID})
}

// sequence says whether a query in EQL is one of several events in their order.
func sequence(query string) bool {
	rest, ok := strings.CutPrefix(strings.TrimSpace(query), "sequence")
	return ok && (rest == "" || strings.IndexByte(" \t\r\n[", rest[0]) >= 0)
}

func writeRule(r *deploy.Rule, o deploy.Options, toml bool) (table, []deploy.Finding) {
	w := &writer{Rule: r, o: o, toml: toml}
	put := func(key string, value any) {
		switch v := value.(type) {
		case string:
			value = valid(v)
			if v == "" {
				return
			}
		case []string:
			for i := range v {
				v[i] = valid(v[i])
			}
			if len(v) == 0 && key != "author" {
				return
			}
		case []table:
			if len(v) == 0 {
				return
			}
		}
		w.out = w.out.put(key, value)
	}
	m, p := r.Meta, r.Plan
	severity := severities[p.Level]
	risk := severity.risk
	if p.Risk != nil {
		risk = *p.Risk
	}
	put("rule_id", strings.ToLower(r.ID))
	if !toml { // Elastic's repository counts versions by itself
		put("version", max(1, o.Version(r.ID)))
	}
	put("name", r.Title)
	put("description", cmp.Or(strings.TrimSpace(m.Description), r.Title))
	put("enabled", p.Enabled)
	put("type", "eql")
	put("language", "eql")
	put("query", r.Query)
	put("index", words(cmp.Or(r.Scope.Index, o.Values["index"])))
	put("interval", short(p.Every))
	put("from", "now-"+short(p.Lookback))
	put("to", "now")
	if override := o.Values["timestamp_override"]; override != "none" && !sequence(r.Query) {
		put("timestamp_override", override)
	}
	put("severity", severity.severity)
	put("risk_score", risk)
	if o.Values["building_block"] == p.Level {
		put("building_block_type", "default")
	}
	if n, err := strconv.Atoi(o.Values["max_signals"]); err == nil {
		put("max_signals", n)
	} else {
		w.find("elastic/setting", "the option max_signals takes a whole number")
	}
	if p.SuppressFor > 0 {
		d := short(p.SuppressFor)
		n, _ := strconv.Atoi(d[:len(d)-1])
		put("alert_suppression", table{
			{"group_by", slices.Clone(p.SuppressBy)},
			{"duration", table{{"value", n}, {"unit", d[len(d)-1:]}}},
			// Alerts that lack a field are not known to be alike.
			{"missing_fields_strategy", "doNotSuppress"},
		})
	}
	if columns := w.investigated(); len(columns) > 0 {
		put("investigation_fields", table{{"field_names", columns}})
	}
	put("threat", w.threat())
	put("author", authors(m.Author))
	put("license", m.License)
	put("tags", w.tags())
	put("references", lines(m.References))
	put("false_positives", lines(m.FalsePositives))
	put("note", w.note())
	put("required_fields", w.required())
	if p.Cron != "" {
		w.find("elastic/cron", "it runs every %s: Kibana has no schedule of cron", short(p.Every))
	}
	for _, own := range p.Own {
		w.own(own)
	}
	return w.out, w.findings
}

// words are the parts between commas.
func words(s string) (out []string) {
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// lines are texts without those that are empty.
func lines(all []string) (out []string) {
	for _, s := range all {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// authors are the people whom an author names, between commas outside of parentheses.
func authors(s string) []string {
	out := []string{}
	depth, start := 0, 0
	for i, r := range s + "," {
		switch {
		case r == '(':
			depth++
		case r == ')':
			depth = max(0, depth-1)
		case r == ',' && (depth == 0 || i == len(s)):
			if name := strings.TrimSpace(s[start:i]); name != "" {
				out = append(out, name)
			}
			start = i + 1
		}
	}
	return out
}

func (w *writer) tags() (out []string) {
	out = append(out, systems[strings.ToLower(w.Source.Product)])
	for _, d := range dataSources {
		if d.source.Covers(w.Source) {
			out = append(out, d.tags...)
			break
		}
	}
	if slices.ContainsFunc(words(w.Scope.Index), func(s string) bool { return strings.HasPrefix(s, "logs-endpoint.") }) {
		out = append(out, "Data Source: Elastic Defend")
	}
	columns, _ := deploy.Matrix(w.Meta.Tags, w.o.Attack)
	for _, c := range columns {
		out = append(out, "Tactic: "+c.Tactic.Name)
	}
	for _, tag := range w.Meta.Tags {
		low := strings.ToLower(tag)
		cve, isCVE := strings.CutPrefix(low, "cve.")
		switch {
		case strings.HasPrefix(low, "attack."):
		case isCVE:
			out = append(out, "Vuln: CVE-"+strings.ReplaceAll(cve, ".", "-"))
		default:
			out = append(out, tag)
		}
	}
	out = lines(out)
	slices.Sort(out)
	return slices.Compact(out)
}

// threat are the blocks of the tactics, with notes of what the version of ATT&CK changed.
func (w *writer) threat() (out []table) {
	columns, notes := deploy.Matrix(w.Meta.Tags, w.o.Attack)
	for _, n := range notes {
		w.find("attack/version", "%s", n)
	}
	entry := func(id, name, reference string) table {
		return table{{"id", id}, {"name", name}, {"reference", reference}}
	}
	for _, c := range columns {
		block := table{{"framework", "MITRE ATT&CK"}, {"tactic", entry(c.Tactic.ID, c.Tactic.Name, deploy.TacticURL(c.Tactic))}}
		var techniques []table
		within := map[string][]table{} // sub-techniques
		for _, t := range c.Techniques {
			if t.Parent != "" {
				within[t.Parent] = append(within[t.Parent], entry(t.ID, t.Name, deploy.TechniqueURL(t.ID)))
			}
		}
		seen := map[string]bool{}
		for _, t := range c.Techniques { // sorted by their ids
			id, name := t.ID, t.Name
			if t.Parent != "" {
				id, name = t.Parent, deploy.ParentName(t)
			}
			if seen[id] {
				continue
			}
			seen[id] = true
			technique := entry(id, name, deploy.TechniqueURL(id))
			if subs := within[id]; len(subs) > 0 {
				technique = append(technique, table{{"subtechnique", subs}}...)
			}
			techniques = append(techniques, technique)
		}
		if len(techniques) > 0 {
			block = append(block, table{{"technique", techniques}}...)
		}
		out = append(out, block)
	}
	return out
}

// note is the guide for who looks at an alert, in Markdown.
func (w *writer) note() string {
	var b strings.Builder
	b.WriteString("## Sigma\n\n")
	if deploy.IsUUID(w.Meta.ID) {
		b.WriteString(ruleLine + strings.ToLower(w.Meta.ID) + "\n")
	}
	for _, x := range [][2]string{{"Status", w.Meta.Status}, {"Date", w.Meta.Date}, {"Modified", w.Meta.Modified}, {"Level", w.Meta.Level}} {
		if x[1] != "" {
			fmt.Fprintf(&b, "- %s: %s\n", x[0], quoted(x[1]))
		}
	}
	if cases := lines(w.Meta.FalsePositives); len(cases) > 0 {
		b.WriteString("\n### False positives\n\n")
		for _, s := range cases {
			fmt.Fprintf(&b, "- %s\n", quoted(s))
		}
	}
	return b.String()
}

// quoted is a text in one line of Markdown, where nothing of it means something.
func quoted(s string) string {
	var b strings.Builder
	all := []rune(strings.Join(strings.Fields(s), " "))
	for i, r := range all {
		ends := i+1 == len(all) || all[i+1] == ' '
		switch {
		case unicode.IsControl(r):
			continue
		case r >= 0x80 || !unicode.IsPunct(r) && !unicode.IsSymbol(r):
		case i > 0 && strings.ContainsRune("-,;?%/'", r): // they mean something where a line begins
		case i > 0 && r == '.' && ends && unicode.IsLetter(all[i-1]):
		default:
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// entityColumns are the fields of ECS by which somebody or something is known, and those that
// an event about it always has.
var entityColumns = map[string][]string{
	"account": {"user.name", "user.domain", "user.id", "user.email", "user.target.name", "source.user.name", "destination.user.name",
		"winlog.event_data.TargetUserName", "winlog.event_data.SubjectUserName"},
	"host": {"host.name", "host.hostname", "host.id", "winlog.computer_name"},
	"ip":   {"source.ip", "destination.ip", "client.ip", "server.ip", "host.ip", "related.ip"},
	"file": {"file.path", "file.name", "dll.path", "dll.name"},
	"process": {"process.executable", "process.name", "process.command_line", "process.entity_id", "process.pid",
		"process.parent.executable", "process.parent.name", "process.parent.command_line"},
	"url": {"url.full", "url.original", "url.domain", "dns.question.name"},
	"hash": {"file.hash.md5", "file.hash.sha1", "file.hash.sha256", "process.hash.md5", "process.hash.sha1", "process.hash.sha256",
		"dll.hash.sha256", "process.pe.imphash"},
}

// always are those that stand beside what a rule tests, where its results have them.
var always = []string{"host.name", "user.name"}

// maxInvestigated is how many fields are shown first; Kibana has no limit.
const maxInvestigated = 12

// investigated are the fields that the page of an alert shows first: those of the entities.
func (w *writer) investigated() (out []string) {
	add := func(column string) {
		if len(out) < maxInvestigated && !slices.Contains(out, column) && w.Result(column) {
			out = append(out, column)
		}
	}
	if w.Plan.Entities != nil {
		for _, e := range w.Plan.Entities {
			for _, f := range e.Fields {
				add(f.Column)
			}
		}
		return out
	}
	if w.Window > 0 { // of the events of a sequence an alert has what they share
		for _, column := range w.Group {
			add(column)
		}
		return out
	}
	for _, column := range w.Tested {
		for _, typ := range deploy.EntityTypes {
			if slices.Contains(entityColumns[typ], column) {
				add(column)
			}
		}
	}
	for _, column := range always {
		add(column)
	}
	return out
}

// esTypes are the types of Elasticsearch for those of columns.
var esTypes = map[ir.Type]string{ir.Text: "keyword", ir.Numeric: "long", ir.Boolean: "boolean", ir.Address: "ip", ir.Date: "date"}

// required are the columns that the query asks for, as far as their types are known.
func (w *writer) required() (out []table) {
	for _, column := range w.Tested {
		if t, ok := w.Has(column); ok && esTypes[t] != "" {
			out = append(out, table{{"name", column}, {"type", esTypes[t]}})
		}
	}
	return out
}

// own writes a setting by Kibana's name for it. building_block is that of droid.
func (w *writer) own(own deploy.Own) {
	name := own.Name
	value := strings.TrimSpace(own.Value)
	if name == "building_block" {
		switch yes, err := strconv.ParseBool(value); {
		case err != nil:
			name = "building_block_type"
		case yes:
			name, value = "building_block_type", "default"
		default:
			return
		}
	}
	f, ok := fieldOf(name)
	if !ok || f.kind == "" {
		w.find("elastic/setting", "Kibana has no setting %q: it is left out%s", name, suggest.For(name, names()))
		return
	}
	var v any = value
	switch f.shape {
	case text:
	case boolean:
		b, err := strconv.ParseBool(value)
		v, ok = b, err == nil
	case integer:
		n, err := strconv.Atoi(value)
		v, ok = n, err == nil
	case texts:
		if v = words(value); strings.HasPrefix(value, "[") {
			v, ok = ofJSON(value)
			_, is := v.([]string)
			ok = ok && is
		}
	default:
		v, ok = ofJSON(value)
		_, is := v.(table)
		ok = ok && is == (f.shape == object)
	}
	if !ok {
		w.find("elastic/setting", "the setting %s takes %s: it is left out", name, f.shape)
		return
	}
	w.out = w.out.put(name, v)
}

// ofJSON is a value as a table has it; false for what JSON and TOML do not have alike.
func ofJSON(text string) (v any, ok bool) {
	src := []byte(text)
	r := newJSON("", src, 0, len(src), &cursor{src: src})
	r.values = maxValues
	n, err := r.value(0)
	if err != nil || r.next() < len(src) {
		return nil, false
	}
	return n.own()
}

func (n *node) own() (v any, ok bool) {
	switch n.kind {
	case text:
		return valid(n.text()), true
	case boolean:
		return n.value, true
	case integer:
		return n.int()
	case object:
		out := table{}
		for _, k := range n.keys {
			v, ok := n.field[k].own()
			if !ok {
				return nil, false
			}
			out = append(out, entry{valid(k), v})
		}
		return out, true
	case list:
		if n.is(texts) && len(n.list) > 0 {
			return n.texts(), true
		}
		tables := []table{}
		for _, x := range n.list {
			v, ok := x.own()
			t, is := v.(table)
			if !ok || !is {
				return nil, false
			}
			tables = append(tables, t)
		}
		return tables, true
	}
	return nil, false
}

// names are those of the settings that a rule may give by Kibana's names.
func names() (out []string) {
	for _, f := range fields {
		if f.kind != "" && f.name != "type" && f.name != "language" && f.of("eql") {
			out = append(out, f.name)
		}
	}
	return out
}

// writeNDJSON makes the file that Kibana imports: a rule a line.
func writeNDJSON(rules []*deploy.Rule, o deploy.Options) ([]deploy.File, []deploy.Finding) {
	f := deploy.File{Path: "rules.ndjson"}
	var findings []deploy.Finding
	for _, r := range rules {
		t, found := writeRule(r, o, false)
		line, err := compact(t)
		if err != nil {
			panic(err) // it has nothing but texts, numbers, lists and tables
		}
		f.Data = append(append(f.Data, line...), '\n')
		findings = append(findings, found...)
	}
	return []deploy.File{f}, findings
}

// undated is the day of a rule that has none, which a rule in TOML must have.
const undated = "1970/01/01"

// writeFiles makes files as elastic/detection-rules has them, one a rule.
func writeFiles(rules []*deploy.Rule, o deploy.Options) (files []deploy.File, findings []deploy.Finding) {
	for _, r := range rules {
		t, found := writeRule(r, o, true)
		findings = append(findings, found...)
		created := strings.ReplaceAll(r.Meta.Date, "-", "/")
		updated := strings.ReplaceAll(r.Meta.Modified, "-", "/")
		if created == "" && updated == "" {
			created = undated
			findings = append(findings, deploy.Finding{Check: check("elastic/undated"), Detection: r.ID,
				Msg: "the rule has no date, and a file in TOML must have one: " + undated + " stands there"})
		}
		maturity := "production"
		if r.Meta.Status == "experimental" {
			maturity = "experimental"
		}
		meta := table{{"creation_date", cmp.Or(created, updated)}, {"maturity", maturity}}
		if version, why := leastStack(r, o); version != "" {
			meta = append(meta, entry{"min_stack_comments", why}, entry{"min_stack_version", version})
		}
		meta = append(meta, entry{"updated_date", cmp.Or(updated, created)})
		var b strings.Builder
		b.WriteString("[metadata]\n")
		writeTOML(&b, []string{"metadata"}, meta)
		b.WriteString("\n[rule]\n")
		writeTOML(&b, []string{"rule"}, t)
		files = append(files, deploy.File{Path: strings.ToLower(r.ID) + ".toml", Data: []byte(b.String())})
	}
	return files, findings
}

// leastStack is the version of Elastic from which on a rule means the same, and why.
func leastStack(r *deploy.Rule, o deploy.Options) (version, why string) {
	switch {
	case o.Attack == "19" && len(catalog.Columns(r.Meta.Tags)) > 0:
		return "9.5.0", "Version 19 of ATT&CK"
	case r.Plan.SuppressFor > 0 && sequence(r.Query):
		return "8.18.0", "Suppression of alerts of EQL sequences"
	case r.Plan.SuppressFor > 0:
		return "8.14.0", "Suppression of alerts of EQL rules"
	}
	return "", ""
}
