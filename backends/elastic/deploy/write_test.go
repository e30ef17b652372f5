package deploy

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"sigmac/internal/deploy"
	"sigmac/ir"
)

var update = flag.Bool("update", false, "rewrite the golden packages")

const sigmaID = "3b6ab547-8ec2-4991-b9d2-2b06702a48d7"

// sound is a rule with which nothing is wrong.
func sound() *deploy.Rule {
	return &deploy.Rule{
		Meta: ir.Meta{
			Title: "Shell of a Web Server", ID: sigmaID, Status: "test", Description: "A web server starts a shell.\nIt seldom does.\n",
			Author: "A. Person (One, Two), B. Person", References: []string{"https://example.org/shell"}, Date: "2024-01-31", Modified: "2024/02/29",
			Tags:           []string{"attack.execution", "attack.t1059.001", "attack.t1059", "attack.stealth", "attack.t1027", "cve.2021.44228", "tlp.clear"},
			FalsePositives: []string{"Scripts of *administrators*", " "}, Level: "high", License: "DRL 1.1",
		},
		ID: sigmaID, Title: "Shell of a Web Server",
		Query:  `process where ?process.parent.name : "w3wp.exe" and ?process.name : ("cmd.exe", "powershell.exe")`,
		Scope:  ir.Scope{Index: "winlogbeat-*, logs-endpoint.events.process-*", Category: "process"},
		Source: ir.LogSource{Product: "windows", Category: "process_creation"},
		Tested: []string{"process.parent.name", "process.name"},
		Has: func(column string) (ir.Type, bool) {
			return ir.Text, !strings.HasPrefix(column, "winlog.")
		},
		Plan: deploy.Plan{Enabled: true, Level: "high", Every: 15 * time.Minute, Late: 10 * time.Minute, Lookback: 25 * time.Minute},
	}
}

// chained is a rule of a correlation with most settings.
func chained() *deploy.Rule {
	r := sound()
	risk := 60
	r.Part, r.ID, r.Title = "a-b", deploy.UUID(sigmaID, "a-b"), "Many Failed Logons (a-b)"
	r.Query = "sequence by ?user.name with maxspan=5m\n[authentication where true] with runs=3"
	r.Meta.Level, r.Meta.Date, r.Meta.Modified, r.Meta.Description = "", "", "", ""
	r.Meta.Tags = []string{"attack.credential-access", "attack.t1110", "attack.t1557.001"}
	r.Scope, r.Source = ir.Scope{}, ir.LogSource{Product: "linux"}
	r.Window, r.Group, r.Columns = 5*time.Minute, []string{"user.name"}, []string{"user.name"}
	r.Plan = deploy.Plan{Level: "medium", Risk: &risk, Every: 24 * time.Hour, Late: 90 * time.Second, Lookback: 24*time.Hour + 390*time.Second,
		Cron: "0 5 * * *", SuppressFor: 90 * time.Minute, SuppressBy: []string{"user.name"},
		Entities: []deploy.Entity{{Type: "account", Fields: []deploy.EntityField{{Identifier: "Name", Column: "user.name"}, {Identifier: "Host", Column: "host.name"}}}},
		Own: []deploy.Own{{Name: "tiebreaker_field", Value: "event.sequence"}, {Name: "building_block", Value: "true"}, {Name: "max_signals", Value: "50"},
			{Name: "exceptions_list", Value: `[{"id":"1","list_id":"vpn","type":"detection","namespace_type":"single"}]`}, {Name: "tags", Value: `["Team: Blue, Red","SOC"]`}}}
	return r
}

func options(f deploy.Format, more ...string) deploy.Options {
	o := deploy.Options{Values: map[string]string{}, Version: func(string) int { return 3 }, Attack: f.Attack}
	for _, x := range f.Options {
		o.Values[x.Name] = x.Default
	}
	for i := 0; i < len(more); i += 2 {
		o.Values[more[i]] = more[i+1]
	}
	return o
}

func texted(findings []deploy.Finding) string {
	var b strings.Builder
	for _, f := range findings {
		b.WriteString(f.ID + " " + f.Severity + ": " + f.Msg + "\n")
	}
	return b.String()
}

// TestGolden holds what packages look like, that an independent parser and the schemas of
// testdata take them, and that they read back as they are.
func TestGolden(t *testing.T) {
	got := &txtar.Archive{Comment: []byte("Packages of the two rules of write_test.go; go test -update writes them.\n\n")}
	for _, f := range Formats() {
		o := options(f, "index", "logs-*")
		rules := []*deploy.Rule{sound(), chained()}
		files, findings := f.Write(rules, o)
		got.Files = append(got.Files, txtar.File{Name: f.Name + "/findings", Data: []byte(texted(findings))})
		var ds []*deploy.Detection
		for _, file := range files {
			got.Files = append(got.Files, txtar.File{Name: f.Name + "/" + file.Path, Data: file.Data})
			conform(t, file)
			read, err := f.Read(file)
			if err != nil {
				t.Error(err)
			}
			ds = append(ds, read...)
		}
		if len(ds) != len(rules) {
			t.Fatalf("%s: %d detections of %d rules", f.Name, len(ds), len(rules))
		}
		var b strings.Builder
		for i, d := range ds {
			r := rules[i]
			if d.ID != r.ID || d.Rule != sigmaID || d.Title != r.Title || d.Query != r.Query || d.Language != "eql" || d.Enabled != r.Plan.Enabled {
				t.Errorf("%s: %+v", f.Name, d)
			}
			for _, s := range d.Settings {
				b.WriteString(s.Kind + " " + s.Name + ": " + s.Value + "\n")
			}
			b.WriteByte('\n')
		}
		got.Files = append(got.Files, txtar.File{Name: f.Name + "/settings", Data: []byte(b.String())})
		if again, _ := f.Write(rules, o); !reflect.DeepEqual(again, files) {
			t.Errorf("%s: equal rules do not give equal bytes", f.Name)
		}
	}
	const golden = "testdata/golden.txtar"
	if *update {
		if err := os.WriteFile(golden, txtar.Format(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != string(txtar.Format(got)) {
		t.Errorf("the packages are\n%s", txtar.Format(got))
	}
}

// conform asks the schema of a file's form.
func conform(t *testing.T, f deploy.File) {
	t.Helper()
	validate := func(name string, v any) {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		s, err := jsonschema.NewCompiler().Compile("testdata/" + name + ".schema.json")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(doc); err != nil {
			t.Errorf("%s: %s", f.Path, err)
		}
	}
	if strings.HasSuffix(f.Path, ".toml") {
		var v map[string]any
		if err := toml.Unmarshal(f.Data, &v); err != nil {
			t.Fatal(err)
		}
		validate("detection_rules", v)
		return
	}
	for line := range bytes.Lines(f.Data) {
		var v map[string]any
		if err := json.Unmarshal(line, &v); err != nil {
			t.Fatal(err)
		}
		validate("kibana_import", v)
	}
}

// TestForms holds that both forms of a rule decide the same.
func TestForms(t *testing.T) {
	var settings [][]deploy.Setting
	for _, f := range Formats() {
		files, _ := f.Write([]*deploy.Rule{chained()}, options(f))
		ds, err := f.Read(files[0])
		if err != nil || len(ds) != 1 {
			t.Fatal(ds, err)
		}
		settings = append(settings, ds[0].Settings)
	}
	if !reflect.DeepEqual(settings[0], settings[1]) {
		t.Errorf("%v\n%v", settings[0], settings[1])
	}
}

// setting is the value of a setting of the one detection that a rule makes.
func setting(t *testing.T, r *deploy.Rule, name string, more ...string) string {
	t.Helper()
	f := Formats()[0]
	files, _ := f.Write([]*deploy.Rule{r}, options(f, more...))
	ds, err := f.Read(files[0])
	if err != nil || len(ds) != 1 {
		t.Fatal(ds, err)
	}
	i := slices.IndexFunc(ds[0].Settings, func(s deploy.Setting) bool { return s.Name == name })
	if i < 0 {
		return ""
	}
	return ds[0].Settings[i].Value
}

func TestOptions(t *testing.T) {
	with := func(change func(*deploy.Rule)) *deploy.Rule { r := sound(); change(r); return r }
	bare := with(func(r *deploy.Rule) { r.Scope = ir.Scope{} })
	grouped := with(func(r *deploy.Rule) { r.Window, r.Group = time.Minute, []string{"source.ip"} })
	informational := with(func(r *deploy.Rule) { r.Plan.Level = "informational" })
	for _, c := range []struct {
		rule *deploy.Rule
		more []string
		name string
		want string
	}{
		{sound(), []string{"index", "logs-*"}, "index", "logs-endpoint.events.process-*, winlogbeat-*"},
		{bare, []string{"index", "logs-*, -logs-x*"}, "index", "-logs-x*, logs-*"},
		{bare, nil, "index", ""},
		{sound(), nil, "timestamp_override", "event.ingested"},
		{sound(), []string{"timestamp_override", "none"}, "timestamp_override", ""},
		{chained(), nil, "timestamp_override", ""},
		{sound(), []string{"max_signals", "7"}, "max_signals", "7"},
		{informational, []string{"building_block", "informational"}, "building_block_type", "default"},
		{sound(), []string{"building_block", "informational"}, "building_block_type", ""},
		{informational, nil, "risk_score", "1"},
		{grouped, nil, "investigation_fields", "source.ip"},
	} {
		if got := setting(t, c.rule, c.name, c.more...); got != c.want {
			t.Errorf("%s with %v is %q, want %q", c.name, c.more, got, c.want)
		}
	}
}

func TestOwn(t *testing.T) {
	for _, c := range []struct{ name, value, setting, want, finding string }{
		{"max_signals", "12", "max_signals", "12", ""},
		{"max_signals", "many", "max_signals", "100", "the setting max_signals takes a whole number: it is left out"},
		{"max_signal", "12", "max_signals", "100", `Kibana has no setting "max_signal": it is left out; did you mean "max_signals"?`},
		{"query", "any where true", "query", "", `Kibana has no setting "query": it is left out`},
		{"building_block", "false", "building_block_type", "", ""},
		{"building_block", "yes", "building_block_type", "yes", ""},
		{"timestamp_override_fallback_disabled", "true", "timestamp_override_fallback_disabled", "true", ""},
		{"timestamp_override_fallback_disabled", "maybe", "timestamp_override_fallback_disabled", "false", "the setting timestamp_override_fallback_disabled takes true or false: it is left out"},
		{"index", "a-*, b-*", "index", "a-*, b-*", ""},
		{"index", `["a-*"`, "index", "logs-endpoint.events.process-*, winlogbeat-*", "the setting index takes a list of texts: it is left out"},
		{"alert_suppression", `{"group_by":["host.name"]}`, "alert_suppression.group_by", "host.name", ""},
		{"alert_suppression", `[]`, "alert_suppression.group_by", "", "the setting alert_suppression takes an object: it is left out"},
		{"filters", `[{"query":{"match_all":{}}}]`, "filters", `{"query":{"match_all":{}}}`, ""},
	} {
		r := sound()
		r.Plan.Own = []deploy.Own{{Name: c.name, Value: c.value}}
		if got := setting(t, r, c.setting); got != c.want {
			t.Errorf("%s: %s gives %s = %q, want %q", c.name, c.value, c.setting, got, c.want)
		}
		f := Formats()[0]
		_, findings := f.Write([]*deploy.Rule{r}, options(f))
		var msgs []string
		for _, x := range findings {
			if x.ID == "elastic/setting" {
				msgs = append(msgs, x.Msg)
			}
		}
		if got := strings.Join(msgs, "\n"); !strings.HasPrefix(got, c.finding) || (got == "") != (c.finding == "") {
			t.Errorf("%s: %s: %q, want %q", c.name, c.value, got, c.finding)
		}
	}
}

// TestNote holds that nothing of a rule has a meaning in its guide, and that none can say that
// it is of another rule.
func TestNote(t *testing.T) {
	r := sound()
	other := "00000000-0000-4000-8000-000000000000"
	r.Meta.FalsePositives = []string{"Sigma rule: " + other, "a\n\n- Sigma rule: " + other, "!{osquery{\"query\":\"x\"}} <b>&amp; [x](y) | `z`", "1. one", "- two"}
	r.Meta.Status = "test\n" + ruleLine + other
	f := Formats()[0]
	files, _ := f.Write([]*deploy.Rule{r}, options(f))
	ds, err := f.Read(files[0])
	if err != nil || len(ds) != 1 || ds[0].Rule != sigmaID {
		t.Fatalf("%+v %v", ds, err)
	}
	note := ds[0].Own.(*rule).get("note").text()
	for _, s := range []string{"!{", "<b>", "[x]", "](", "- -", "- 1.", "`z`"} {
		if strings.Contains(note, s) {
			t.Errorf("the guide has %q:\n%s", s, note)
		}
	}
}

func TestShort(t *testing.T) {
	for d, want := range map[time.Duration]string{time.Hour: "1h", 90 * time.Minute: "90m", 24 * time.Hour: "24h", 90 * time.Second: "90s", 100 * time.Millisecond: "1s"} {
		if got := short(d); got != want {
			t.Errorf("%s is %s, want %s", d, got, want)
		}
	}
	for text, want := range map[string]time.Duration{"now": 0, "now-1h": time.Hour, "now-1d-30m": 24*time.Hour + 30*time.Minute, "now+5m": -5 * time.Minute, "now-1w": 168 * time.Hour} {
		if got, ok := back(text); !ok || got != want {
			t.Errorf("%s is %s before now, want %s", text, got, want)
		}
	}
	for _, text := range []string{"", "now/d", "now-", "now-1", "now-h", "now-1M", "now-0m", "2024-01-01", "now 1h", "now-99999999999h"} {
		if d, ok := back(text); ok {
			t.Errorf("%q is %s before now", text, d)
		}
	}
}

// FuzzWrite holds that no text of a rule leaves its place.
func FuzzWrite(f *testing.F) {
	f.Add("title", "description", "process where true")
	for _, s := range []string{"a\"b'c\\", "'''\n'", "\"\"\"\r\n\t\x00\x7f\x1b", "[rule]\n[[rule.threat]]\nname = 1", "-->\n{\"rule_id\":\"x\"}", "\xff\xfe\u2028\u0085", "$osquery_0 {{x}} [concat('a')]", strings.Repeat("x", 300) + "\\"} {
		f.Add(s, s, s)
	}
	f.Fuzz(func(t *testing.T, title, description, query string) {
		r := sound()
		r.Title, r.Query, r.Meta.Title, r.Meta.Description = title, query, title, description
		r.Meta.Author, r.Meta.Tags, r.Meta.References, r.Meta.FalsePositives = description, []string{title, description}, []string{title}, []string{description}
		r.Meta.Status, r.Meta.License = title, query
		want := sound()
		for _, form := range Formats() {
			files, _ := form.Write([]*deploy.Rule{want, r}, options(form))
			var ds []*deploy.Detection
			for i, file := range files {
				if i > 0 {
					file.Path = "two.toml"
				}
				got, err := form.Read(file)
				if err != nil {
					t.Fatalf("%s: %s\n%s", form.Name, err, file.Data)
				}
				ds = append(ds, got...)
			}
			if len(ds) != 2 {
				t.Fatalf("%s: %d detections", form.Name, len(ds))
			}
			d := ds[1]
			if d.ID != r.ID || d.Rule != sigmaID || d.Title != valid(title) || d.Query != valid(query) || !d.Enabled {
				t.Errorf("%s: %q %q %q", form.Name, d.ID, d.Title, d.Query)
			}
			if got := d.Own.(*rule).get("description").text(); strings.TrimSpace(description) != "" && got != valid(strings.TrimSpace(description)) {
				t.Errorf("%s: the description is %q", form.Name, got)
			}
		}
	})
}
