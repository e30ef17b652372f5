package deploy

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	"sigmac/internal/deploy"
	"sigmac/ir"
)

var update = flag.Bool("update", false, "rewrite the packages in testdata")

// deviceColumns are those that the table of the test's rules has.
var deviceColumns = strings.Fields("TimeGenerated DeviceName AccountName AccountDomain AccountSid FileName FolderPath ProcessCommandLine ProcessId ProcessCreationTime RemoteIP")

func hasDevice(column string) (ir.Type, bool) {
	if slices.Contains(deviceColumns, column) {
		return ir.Text, true
	}
	return ir.Unknown, false
}

// a rule of the test, changed.
func sentinelRuleFor(change func(r *deploy.Rule)) *deploy.Rule {
	r := &deploy.Rule{
		ID: "0b1f7a52-6c1f-4d0a-9d8e-5f3a52b1c001", Title: "Tool of an intruder",
		Meta: ir.Meta{ID: "0b1f7a52-6c1f-4d0a-9d8e-5f3a52b1c001", Description: "Finds a tool.\nIt has two lines.\n", Status: "test", Author: "Jane Doe", Date: "2026-01-05",
			References: []string{"https://example.org/a", "https://example.org/b"}, FalsePositives: []string{"Tests of\nadministrators"}, Tags: []string{"attack.execution", "attack.t1059.001", "attack.stealth"}},
		Query: "DeviceProcessEvents\n| where FolderPath endswith @'\\tool.exe'", Scope: ir.Scope{Table: "DeviceProcessEvents"}, Tested: []string{"FolderPath"}, Has: hasDevice,
		Plan: deploy.Plan{Enabled: true, Level: "high", Every: 15 * time.Minute, Lookback: 25 * time.Minute, Late: 10 * time.Minute},
	}
	if change != nil {
		change(r)
	}
	return r
}

// sentinelRules are a package that has what there is.
func sentinelRules() []*deploy.Rule {
	risk := 80
	return []*deploy.Rule{
		sentinelRuleFor(nil),
		sentinelRuleFor(func(r *deploy.Rule) {
			r.ID, r.Meta.ID, r.Title, r.Part = "0b1f7a52-6c1f-4d0a-9d8e-5f3a52b1c002", "not a UUID", `[concat("x")]`, "second"
			r.Meta.Description, r.Meta.References, r.Meta.FalsePositives, r.Meta.Author, r.Meta.Date, r.Meta.Status, r.Meta.Tags = "", nil, nil, "", "", "", nil
			r.Query, r.Scope.Table = "Custom_CL | where a == \"b\"", "Custom_CL"
			r.Has = func(string) (ir.Type, bool) { return ir.Unknown, true }
			r.Plan.Enabled, r.Plan.Level, r.Plan.Risk, r.Plan.Cron = false, "informational", &risk, "0 * * * *"
			r.Plan.Every, r.Plan.Lookback = 24*time.Hour, 24*time.Hour+10*time.Minute
		}),
		sentinelRuleFor(func(r *deploy.Rule) {
			r.ID, r.Title = "0b1f7a52-6c1f-4d0a-9d8e-5f3a52b1c003", "Many tools: at once"
			r.Query = "DeviceProcessEvents | where FileName =~ 'a.exe' | summarize Count = count() by AccountName, DeviceName, bin(TimeGenerated, 1h) | where Count > 5"
			r.Columns, r.Group, r.Window = []string{"Count", "AccountName", "DeviceName", "TimeGenerated"}, []string{"AccountName"}, time.Hour
			r.Plan.Level, r.Plan.Every, r.Plan.Lookback = "critical", 15*time.Minute, 85*time.Minute
			r.Plan.SuppressFor, r.Plan.SuppressBy = 12*time.Hour, []string{"AccountName"}
			r.Plan.Own = []deploy.Own{{Name: "triggerThreshold", Value: "2"}, {Name: "alertDetailsOverride.alertDisplayNameFormat", Value: "Tools of {{AccountName}}"},
				{Name: "tags", Value: "[team: red]"}, {Name: "customDetails.Number", Value: "Count"}}
		}),
		sentinelRuleFor(func(r *deploy.Rule) {
			r.ID, r.Title = "0b1f7a52-6c1f-4d0a-9d8e-5f3a52b1c004", "Tool, at once"
			r.Plan.Own = []deploy.Own{{Name: "kind", Value: "NRT"}}
			r.Plan.Entities = []deploy.Entity{{Type: "host", Fields: []deploy.EntityField{{Identifier: "HostName", Column: "DeviceName"}}}}
		}),
	}
}

func format(t testing.TB, name string) deploy.Format {
	t.Helper()
	for _, f := range Formats() {
		if f.Name == name {
			return f
		}
	}
	t.Fatal("there is no format " + name)
	return deploy.Format{}
}

func defaults(f deploy.Format) deploy.Options {
	o := deploy.Options{Values: map[string]string{}, Version: func(string) int { return 3 }, Attack: f.Attack}
	for _, option := range f.Options {
		o.Values[option.Name] = option.Default
	}
	return o
}

// TestSentinelWrite holds packages of rules against what they were, against the schemas that
// tell what Sentinel takes, and against what is read of them.
func TestSentinelWrite(t *testing.T) {
	for _, name := range []string{"sentinel_yaml", "sentinel_arm"} {
		f := format(t, name)
		files, findings := f.Write(sentinelRules(), defaults(f))
		var b bytes.Buffer
		for _, x := range findings {
			fmt.Fprintf(&b, "%s %s: %s\n", x.Detection[34:], x.ID, x.Msg)
		}
		golden(t, name+".findings.txt", b.Bytes())
		golden(t, name+f.Extension, files[0].Data)
		for _, doc := range asJSON(t, f, files[0].Data) {
			if err := schema(t, name).Validate(doc); err != nil {
				t.Error(err)
			}
		}
		ds, err := f.Read(files[0])
		if err != nil {
			t.Fatal(err)
		}
		b.Reset()
		for _, d := range ds {
			fmt.Fprintf(&b, "%d:%d %s rule=%s version=%d enabled=%v %s at %d:%d %s\n", d.Pos.Line, d.Pos.Column, d.ID, d.Rule, d.Version, d.Enabled, d.Language, d.QueryAt.Line, d.QueryAt.Column, d.Title)
			for _, s := range d.Settings {
				fmt.Fprintf(&b, "  %s %s: %q\n", s.Kind, s.Name, s.Value)
			}
		}
		for _, x := range f.Audit(ds, deploy.Context{Attack: "18"}) {
			fmt.Fprintf(&b, "%s %s\n", x.ID, x.Msg)
		}
		golden(t, name+".read.txt", b.Bytes())
		for i, r := range sentinelRules() {
			if ds[i].Version != 3 || ds[i].Query != r.Query || ds[i].Title != r.Title || ds[i].ID != r.ID || ds[i].Enabled != r.Plan.Enabled {
				t.Errorf("%s: %+v of %s", name, ds[i], r.Title)
			}
		}
	}
}

// TestSentinelForms holds that the same rules are the same in both forms, but for what the
// stable API has no place for.
func TestSentinelForms(t *testing.T) {
	of := func(name string) (out []string) {
		f := format(t, name)
		files, _ := f.Write(sentinelRules(), defaults(f))
		ds, err := f.Read(files[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range ds {
			s := slices.DeleteFunc(slices.Clone(d.Settings), func(s deploy.Setting) bool { return s.Name == "subTechniques" })
			out = append(out, fmt.Sprint(d.ID, d.Rule, d.Title, d.Query, d.Enabled, s))
		}
		return out
	}
	a, b := of("sentinel_yaml"), of("sentinel_arm")
	for i := range a {
		if a[i] != b[i] {
			t.Errorf("in YAML\n%s\nin a template\n%s", a[i], b[i])
		}
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is other than it was; run with -update and read the difference. Now:\n%s", file, got)
	}
}

// asJSON reads a package with parsers of others.
func asJSON(t *testing.T, f deploy.Format, data []byte) (docs []any) {
	t.Helper()
	if f.Extension == ".json" {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		return []any{doc}
	}
	for d := yaml.NewDecoder(bytes.NewReader(data)); ; {
		var v any
		switch err := d.Decode(&v); {
		case err == io.EOF:
			return docs
		case err != nil:
			t.Fatalf("%v in\n%s", err, data)
		}
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, doc)
	}
}

func schema(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	s, err := jsonschema.NewCompiler().Compile(filepath.Join("testdata", name+".schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSentinelSchema holds that the schemas refuse what Sentinel does.
func TestSentinelSchema(t *testing.T) {
	for _, name := range []string{"sentinel_yaml", "sentinel_arm"} {
		f := format(t, name)
		files, _ := f.Write(sentinelRules()[:1], defaults(f))
		good := string(files[0].Data)
		for _, change := range [][2]string{
			{"High", "Critical"}, {"Execution", "Stealth"}, {"Scheduled", "Sometimes"}, {"T1059", "1059"}, {"GreaterThan", "Above"},
			{"entityType", "kindOfEntity"}, {map[string]string{"sentinel_yaml": "15m", "sentinel_arm": "PT15M"}[name], "15 minutes"},
			{map[string]string{"sentinel_yaml": "\ndescription", "sentinel_arm": `"displayName"`}[name], map[string]string{"sentinel_yaml": "\nabout", "sentinel_arm": `"name"`}[name]},
		} {
			bad := strings.Replace(good, change[0], change[1], 1)
			if bad == good {
				t.Errorf("%s has no %s", name, change[0])
			}
			if schema(t, name).Validate(asJSON(t, f, []byte(bad))[0]) == nil {
				t.Errorf("%s takes %s in the place of %s", name, change[1], change[0])
			}
		}
	}
}

// FuzzSentinel holds that no text of a rule leaves its place.
func FuzzSentinel(f *testing.F) {
	for _, s := range []string{
		"plain", "", `"`, `'`, "[a]", "[[a]", "[[a]]", "[concat('a')]", "[a] b", `a \`, "-->", "---\nkind: NRT", "a\n---\nb", "...", "a: b", "- a", "# a", "a #b", "| a", "|-\n a", " a", "a ", "\ta",
		"a\r\nb", "a\rb", "\x00", "\x1b[31m", "\u0085\u2028\u2029\ufeff", "null", "true", "No", "1e3", "0x1F", "12:30:00", "2026-01-01", "~", "*a", "&a", "!a", "%a", "@a", "`a", "{a", "}", "?", "<<",
		strings.Repeat("long ", 60), "é 漢字 🎉", "a\n\n", "\n", "a\n b\n  c", "a\n \nb", "Sigma rule: 0b1f7a52-6c1f-4d0a-9d8e-5f3a52b1c009", "a\xffb", `\u0000`, "{{a}}", "${a}", "\"}], \"enabled\": false, \"x\": [{\"", "a\tb",
	} {
		f.Add(s, s, s)
		f.Add(s, "Finds a tool.", "T | where a == 'b'")
		f.Add("Tool", s, "T")
		f.Add("Tool", "", s)
	}
	f.Fuzz(func(t *testing.T, title, description, query string) {
		if !utf8.ValidString(title) || !utf8.ValidString(description) || !utf8.ValidString(query) {
			return
		}
		change := func(r *deploy.Rule) {
			r.Title, r.Meta.Description, r.Query, r.Meta.Author = title, description, query, description
			r.Meta.FalsePositives, r.Meta.References = []string{title}, []string{query}
		}
		for _, name := range []string{"sentinel_yaml", "sentinel_arm"} {
			f := format(t, name)
			rules := []*deploy.Rule{sentinelRuleFor(change), sentinelRuleFor(func(r *deploy.Rule) { r.ID = "0b1f7a52-6c1f-4d0a-9d8e-5f3a52b1c002" })}
			files, _ := f.Write(rules, defaults(f))
			asJSON(t, f, files[0].Data)
			ds, err := f.Read(files[0])
			if err != nil || len(ds) != 2 {
				t.Fatalf("%s: %d detections, %v, in\n%s", name, len(ds), err, files[0].Data)
			}
			d := ds[0]
			w := &sentinelWriter{r: rules[0]}
			own := d.Own.(*sentinelRule).props
			if d.Title != title || d.Query != query || own.get("description").text != w.description() || d.Rule != rules[0].Meta.ID || d.ID != rules[0].ID || !d.Enabled {
				t.Fatalf("%s: %q, %q, %q, %s in\n%s", name, d.Title, d.Query, own.get("description").text, d.Rule, files[0].Data)
			}
			if len(d.Own.(*sentinelRule).expressions) > 0 {
				t.Fatalf("%s: an expression in\n%s", name, files[0].Data)
			}
		}
	})
}

func TestSentinelUTF8(t *testing.T) {
	f := format(t, "sentinel_yaml")
	files, findings := f.Write([]*deploy.Rule{sentinelRuleFor(func(r *deploy.Rule) { r.Query = "T | where a == '\xff'" })}, defaults(f))
	if len(findings) == 0 || findings[len(findings)-1].ID != "attack/version" && findings[0].ID != "sentinel/utf-8" {
		t.Error(findings)
	}
	if _, err := f.Read(files[0]); err != nil {
		t.Error(err)
	}
}

func TestSentinelOptions(t *testing.T) {
	for _, c := range []struct {
		format, options string
		want            []string
	}{
		{"sentinel_yaml", "kind=nrt", []string{"kind: NRT"}},
		{"sentinel_yaml", "event_grouping=per_result", []string{"aggregationKind: AlertPerResult"}},
		{"sentinel_yaml", "custom_details=true", []string{"customDetails:\n  FolderPath: FolderPath"}},
		{"sentinel_arm", "kind=nrt", []string{`"kind": "NRT"`, `"apiVersion": "2025-07-01-preview"`, `"subTechniques"`}},
		{"sentinel_arm", "api_version=2023-12-01-preview", []string{`"apiVersion": "2023-12-01-preview"`, `"T1059.001"`}},
	} {
		f := format(t, c.format)
		o := defaults(f)
		for _, option := range strings.Fields(c.options) {
			name, value, _ := strings.Cut(option, "=")
			o.Values[name] = value
		}
		files, _ := f.Write(sentinelRules()[:1], o)
		for _, want := range c.want {
			if !strings.Contains(string(files[0].Data), want) {
				t.Errorf("%s %s has no %q:\n%s", c.format, c.options, want, files[0].Data)
			}
		}
		if strings.Contains(c.options, "nrt") && strings.Contains(string(files[0].Data), "queryFrequency") {
			t.Errorf("%s %s has a schedule", c.format, c.options)
		}
	}
}

// TestSentinelNotes holds what is told of what is lost on the way.
func TestSentinelNotes(t *testing.T) {
	risk := 5
	for want, change := range map[string]func(r *deploy.Rule){
		"sentinel/cron":                func(r *deploy.Rule) { r.Plan.Cron = "0 * * * *" },
		"sentinel/risk":                func(r *deploy.Rule) { r.Plan.Risk = &risk },
		"sentinel/connector":           func(r *deploy.Rule) { r.Query, r.Scope.Table = "Own_CL | where a == 1", "Own_CL" },
		"sentinel/disabled":            func(r *deploy.Rule) { r.Plan.Enabled = false },
		"sentinel/setting":             func(r *deploy.Rule) { r.Plan.Own = []deploy.Own{{Name: "tactics", Value: "[a"}} },
		"sentinel/utf-8":               func(r *deploy.Rule) { r.Title = "\xff" },
		"sentinel/suppression-columns": func(r *deploy.Rule) { r.Plan.SuppressFor, r.Plan.SuppressBy = time.Hour, []string{"DeviceName"} },
		"sentinel/nrt-window": func(r *deploy.Rule) {
			r.Plan.Own, r.Window = []deploy.Own{{Name: "kind", Value: "NRT"}}, time.Hour
		},
		"attack/version": func(r *deploy.Rule) { r.Meta.Tags = []string{"attack.stealth"} },
	} {
		f := format(t, "sentinel_yaml")
		of := func(change func(r *deploy.Rule)) (ids []string) {
			r := sentinelRuleFor(func(r *deploy.Rule) { r.Meta.Tags = nil })
			if change != nil {
				change(r)
			}
			_, findings := f.Write([]*deploy.Rule{r}, defaults(f))
			for _, x := range findings {
				ids = append(ids, x.ID)
			}
			return ids
		}
		if got := of(change); !slices.Contains(got, want) {
			t.Errorf("no finding %s, but %v", want, got)
		}
		if got := of(nil); got != nil {
			t.Errorf("findings %v of a rule that loses nothing", got)
		}
	}
	f := format(t, "sentinel_arm")
	_, findings := f.Write([]*deploy.Rule{sentinelRuleFor(func(r *deploy.Rule) { r.Meta.Tags = []string{"attack.t1059.001"} })}, defaults(f))
	if len(findings) != 1 || findings[0].ID != "sentinel/sub-techniques" {
		t.Error(findings)
	}
}

// TestSentinelOwn holds what becomes of settings by Sentinel's own names.
func TestSentinelOwn(t *testing.T) {
	for _, c := range [][3]string{ // name, value, what is written
		{"kind", "nrt", `"kind": "NRT"`},
		{"displayName", "[x]: {y}", `"displayName": "[x]: {y}"`},
		{"severity", "Low", `"severity": "Low"`},
		{"enabled", "false", `"enabled": false`},
		{"queryFrequency", "2h", `"queryFrequency": "PT2H"`},
		{"suppressionDuration", "PT60M", `"suppressionDuration": "PT1H"`},
		{"suppressionEnabled", "true", `"suppressionEnabled": true`},
		{"triggerThreshold", "5", `"triggerThreshold": 5`},
		{"relevantTechniques", `["T1110"]`, `"T1110"`},
		{"customDetails.Number", "{x}", `"Number": "{x}"`},
		{"alertDetailsOverride.alertDisplayNameFormat", "{{a}} of it", `"alertDisplayNameFormat": "{{a}} of it"`},
		{"incidentConfiguration.createIncident", "false", `"createIncident": false`},
		{"incidentConfiguration.groupingConfiguration.groupByEntities", `["Host"]`, `"groupByEntities": [`},
		{"eventGroupingSettings", `{"aggregationKind":"AlertPerResult"}`, `"aggregationKind": "AlertPerResult"`},
		{"tactics", "Execution", "sentinel/setting"},
		{"entityMappings", "[a", "sentinel/setting"},
	} {
		f := format(t, "sentinel_arm")
		files, findings := f.Write([]*deploy.Rule{sentinelRuleFor(func(r *deploy.Rule) { r.Plan.Own = []deploy.Own{{Name: c[0], Value: c[1]}} })}, defaults(f))
		got := string(files[0].Data)
		for _, x := range findings {
			got += x.ID
		}
		if !f.Takes(c[0]) || !strings.Contains(got, c[2]) {
			t.Errorf("%s: %s gives no %s:\n%s", c[0], c[1], c[2], got)
		}
	}
}

// TestSentinelSuppression holds that alerts that are alike by columns go into one incident, and
// that nothing is suppressed by columns that the results have not.
func TestSentinelSuppression(t *testing.T) {
	f := format(t, "sentinel_yaml")
	of := func(columns ...string) string {
		files, _ := f.Write([]*deploy.Rule{sentinelRuleFor(func(r *deploy.Rule) { r.Plan.SuppressFor, r.Plan.SuppressBy = 2*time.Hour, columns })}, defaults(f))
		return string(files[0].Data)
	}
	for _, want := range []string{"lookbackDuration: PT2H", "groupByCustomDetails:\n      - DeviceName\n      - AccountName", "  DeviceName: DeviceName", "aggregationKind: AlertPerResult"} {
		if got := of("DeviceName", "AccountName"); !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if got := of("DeviceName", "Other"); strings.Contains(got, "customDetails") || strings.Contains(got, "incidentConfiguration") {
		t.Error(got)
	}
}

func TestDetailKey(t *testing.T) {
	var keys []string
	for _, c := range [][2]string{{"DeviceName", "DeviceName"}, {"_x", "x"}, {"9", ""}, {"InitiatingProcessCommandLine", "InitiatingProcessCom"}, {"InitiatingProcessCommand", "InitiatingProcessCo2"}} {
		got := detailKey(c[0], keys)
		if got != c[1] {
			t.Errorf("%s is %s, want %s", c[0], got, c[1])
		}
		keys = append(keys, got)
	}
}

// TestEntityLines holds that the table of columns says what Sentinel knows.
func TestEntityLines(t *testing.T) {
	for _, line := range entityLines() {
		of, ok := sentinelEntities()[line.entity.Type]
		if !ok || len(line.tables) == 0 || len(line.entity.Fields) == 0 || len(line.entity.Fields) > maxIdentifiers {
			t.Errorf("%+v", line)
		}
		for i, f := range line.entity.Fields {
			if strong := slices.Contains(strings.Fields(of.strong), f.Identifier); !strong && !slices.Contains(strings.Fields(of.weak), f.Identifier) || i == 0 && !strong || f.Column == "" {
				t.Errorf("%s %s", line.entity.Type, f)
			}
		}
	}
}

func TestSentinelEntities(t *testing.T) {
	of := func(change func(r *deploy.Rule)) (out []string) {
		for _, e := range entitiesOf(sentinelRuleFor(change)) {
			out = append(out, e.Type+"="+e.Fields[0].Column)
		}
		return out
	}
	for _, c := range []struct {
		want   string
		change func(r *deploy.Rule)
	}{
		{"File=FileName Host=DeviceName Account=AccountName Process=ProcessCommandLine", nil},
		{"Process=ProcessCommandLine Host=DeviceName Account=AccountName", func(r *deploy.Rule) { r.Tested = []string{"ProcessCommandLine"} }},
		{"IP=RemoteIP Host=DeviceName Account=AccountName Process=ProcessCommandLine", func(r *deploy.Rule) { r.Tested = []string{"RemoteIP"} }},
		{"Host=DeviceName", func(r *deploy.Rule) { r.Columns = []string{"DeviceName", "Count"} }},
		{"", func(r *deploy.Rule) { r.Columns = []string{"Count"} }},
		{"Account=User IP=SourceIp", func(r *deploy.Rule) {
			r.Columns, r.Tested = []string{"SourceIp", "User", "start", "end"}, []string{"SourceIp", "User"}
		}},
		{"", func(r *deploy.Rule) { r.Tested, r.Scope.Table = []string{"User"}, "Own_CL" }},
		{"", func(r *deploy.Rule) { r.Scope.Table = "Own_CL" }},
		{"FileHash=SHA1", func(r *deploy.Rule) {
			r.Plan.Entities = []deploy.Entity{{Type: "hash", Fields: []deploy.EntityField{{Identifier: "Value", Column: "SHA1"}}}}
		}},
		{"", func(r *deploy.Rule) { r.Plan.Entities = []deploy.Entity{} }},
	} {
		if got := strings.Join(of(c.change), " "); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

func TestConnectorsOf(t *testing.T) {
	for table, want := range map[string]string{
		"SecurityEvent": "SecurityEvents WindowsSecurityEvents", "DeviceEvents": "MicrosoftThreatProtection", "Corelight_v2_dns_CL": "CorelightConnectorExporter",
		"imProcessCreate": "", "_Im_Dns": "", "Own_CL": "?",
	} {
		ids, known := connectorsOf(table)
		got := strings.Join(ids, " ")
		if !known {
			got = "?"
		}
		if got != want {
			t.Errorf("%s: %s, want %s", table, got, want)
		}
	}
}
