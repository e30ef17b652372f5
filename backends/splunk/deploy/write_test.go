package deploy

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"sigmac/internal/deploy"
	"sigmac/ir"
)

var update = flag.Bool("update", false, "write testdata anew")

const ruleID = "6a2f3c1e-9b0d-4f58-8d7b-1f0a2b3c4d5e"

// rule is a rule whose events have every column.
func rule(change func(r *deploy.Rule)) *deploy.Rule {
	r := &deploy.Rule{
		ID: ruleID, Title: "Account Listed By Net",
		Meta: ir.Meta{Title: "Account Listed By Net", ID: ruleID, Level: "medium", Description: "Somebody lists the accounts of a computer.\nThis is often the first step.",
			References: []string{"https://example.org/net", "https://example.org/accounts"}, FalsePositives: []string{"Administrators"}, Author: "A. Writer",
			Date: "2025-02-03", Modified: "2025-04-05", Tags: []string{"attack.discovery", "attack.t1087.001", "cve.2021-44228"}},
		Query:  `index=windows Image="*\\net.exe" CommandLine="* user*" User!=SYSTEM`,
		Source: ir.LogSource{Product: "windows", Category: "process_creation"},
		Tested: []string{"Image", "CommandLine", "User"},
		Has:    func(string) (ir.Type, bool) { return ir.Unknown, true },
	}
	plan(r, deploy.Settings{})
	if change != nil {
		change(r)
	}
	return r
}

func plan(r *deploy.Rule, s deploy.Settings) {
	r.Plan, _ = deploy.MakePlan(s, r.Meta.Level, r.Window)
}

func options(pairs ...string) deploy.Options {
	o := deploy.Options{Values: map[string]string{}}
	for _, x := range Formats()[1].Options {
		o.Values[x.Name] = x.Default
	}
	for i := 0; i < len(pairs); i += 2 {
		o.Values[pairs[i]] = pairs[i+1]
	}
	return o
}

// rules are some of each kind that a form tells apart.
func rules() []*deploy.Rule {
	return []*deploy.Rule{
		rule(nil),
		rule(func(r *deploy.Rule) {
			r.ID, r.Meta.ID = "0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f0", "0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f0"
			r.Title, r.Meta.Level, r.Meta.Tags = "Many Logons [of one account]", "critical", []string{"attack.credential-access", "attack.t1110"}
			r.Query = `index=windows EventCode=4625 | stats count by TargetUserName IpAddress | where count >= 10`
			r.Columns, r.Group, r.Tested, r.Window = []string{"TargetUserName", "IpAddress", "count"}, []string{"TargetUserName", "IpAddress"}, nil, time.Hour
			plan(r, deploy.Settings{SuppressFor: 4 * time.Hour, SuppressBy: []string{"TargetUserName", "IpAddress"}})
		}),
		rule(func(r *deploy.Rule) {
			off := false
			r.ID, r.Meta.ID = "11223344-5566-4778-899a-abbccddeeff0", "11223344-5566-4778-899a-abbccddeeff0"
			r.Title, r.Meta = "Names asked for", ir.Meta{ID: r.ID, Level: "informational", Tags: []string{"attack.stealth"}}
			r.Query = "index=dns [| inputlookup sigma_names.csv | fields query]"
			r.Source, r.Tested = ir.LogSource{Category: "dns"}, []string{"query"}
			r.Lookups = []ir.Lookup{{Name: "sigma_names", Columns: []string{"query"}, Rows: [][]string{{"a.example"}, {`*.b,"example`}, {""}}}}
			plan(r, deploy.Settings{Enabled: &off, Own: []deploy.Own{{Name: "actions", Value: `["webhook"]`}, {Name: "action.webhook.param.url", Value: "https://hooks.example/x"}}})
		}),
	}
}

// TestPackages holds what packages look like.
func TestPackages(t *testing.T) {
	for _, mode := range []string{scheduled, correlation} {
		files, found := writeApp(rules(), options("mode", mode))
		again, _ := writeApp(rules(), options("mode", mode))
		if !reflect.DeepEqual(files, again) {
			t.Errorf("%s: two packages of one input differ", mode)
		}
		a := &txtar.Archive{}
		for _, f := range found {
			a.Comment = append(a.Comment, fmt.Sprintf("%s: %s: %s (%s)\n", f.Severity, f.Detection, f.Msg, f.ID)...)
		}
		for _, f := range files {
			a.Files = append(a.Files, txtar.File{Name: f.Path, Data: f.Data})
		}
		golden(t, "testdata/"+mode+".txtar", txtar.Format(a))
		for _, f := range audit(all(t, files), deploy.Context{Folder: files}) {
			t.Errorf("%s: %s: %s (%s)", mode, f.Detection, f.Msg, f.ID)
		}
	}
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := diff.Diff(file, want, "now", got); d != nil {
		t.Errorf("%s", d)
	}
}

// all are the detections of files.
func all(t *testing.T, files []deploy.File) (out []*deploy.Detection) {
	t.Helper()
	for _, f := range files {
		ds, err := readFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, ds...)
	}
	return out
}

// one is the detection that a rule becomes.
func one(t *testing.T, r *deploy.Rule, pairs ...string) *deploy.Detection {
	t.Helper()
	files, _ := writeSearches([]*deploy.Rule{r}, options(pairs...))
	ds := all(t, files)
	if len(ds) != 1 {
		t.Fatalf("%d detections are read of one rule:\n%s", len(ds), files[0].Data)
	}
	return ds[0]
}

// value is what a setting of a detection is.
func value(d *deploy.Detection, name string) string {
	i := slices.IndexFunc(d.Settings, func(s deploy.Setting) bool { return s.Name == name })
	if i < 0 {
		return "none"
	}
	return d.Settings[i].Value
}

// TestSettingsReadBack holds that what a rule decides is read back.
func TestSettingsReadBack(t *testing.T) {
	risk, off := 33, false
	es := []string{"mode", correlation}
	for _, c := range []struct {
		change  func(r *deploy.Rule)
		options []string
		want    map[string]string
	}{
		{nil, nil, map[string]string{
			"dispatch.earliest_time": "-PT1H10M@m", "dispatch.latest_time": "-PT10M@m", "alert.severity": "4", "alert.suppress": "0", "alert.digest_mode": "1",
			"trigger": "number of events greater than 0", "realtime_schedule": "0", "alert.track": "1", "actions": "", "mitre_attack": "none", "name": "Account Listed By Net",
			"description": "Somebody lists the accounts of a computer. This is often the first step. | ATT&CK: Discovery, T1087.001 | False positives: Administrators | " +
				"References: https://example.org/net, https://example.org/accounts | Author: A. Writer | Date: 2025-02-03 | Modified: 2025-04-05"}},
		{nil, es, map[string]string{"actions": "notable, risk", "mitre_attack": "T1087.001", "action.notable.param.severity": "medium", "alert.track": "0",
			"action.risk.param._risk": "process CommandLine, process_name Image, system host 60, user User 60", "action.notable.param.nes_fields": "User, host",
			"action.notable.param.security_domain": "endpoint", "action.risk.param._risk_message": "Account Listed By Net: $User$, $host$"}},
		{func(r *deploy.Rule) { plan(r, deploy.Settings{Risk: &risk, Level: "critical"}) }, es, map[string]string{"alert.severity": "6", "action.notable.param.severity": "critical",
			"action.risk.param._risk": "process CommandLine, process_name Image, system host 33, user User 33"}},
		{func(r *deploy.Rule) {
			plan(r, deploy.Settings{Entities: []deploy.Entity{{Type: "ip", Fields: []deploy.EntityField{{Identifier: "address", Column: "src"}}},
				{Type: "file", Fields: []deploy.EntityField{{Identifier: "file_path", Column: "TargetFilename"}, {Identifier: "x", Column: "f"}}}}})
		}, es, map[string]string{"action.risk.param._risk": "file_name f, file_path TargetFilename, system src 60"}},
		{func(r *deploy.Rule) {
			plan(r, deploy.Settings{SuppressFor: 90 * time.Minute, SuppressBy: []string{"User", "Computer"}})
		}, nil, map[string]string{"alert.suppress": "1", "alert.suppress.period": "PT1H30M", "alert.suppress.fields": "Computer, User", "alert.digest_mode": "0"}},
		{func(r *deploy.Rule) {
			plan(r, deploy.Settings{SuppressFor: time.Hour, SuppressBy: []string{"User"}})
		}, es, map[string]string{"alert.suppress": "1", "alert.digest_mode": "1"}},
		{nil, []string{"min_time", "-30d", "max_time", "now"}, map[string]string{"dispatch.earliest_time": "-P30D", "dispatch.latest_time": "now"}},
		// What was chosen is looked back, and what is left of it is the lag.
		{func(r *deploy.Rule) { plan(r, deploy.Settings{Every: time.Hour, Lookback: 65 * time.Minute}) }, nil, map[string]string{"dispatch.earliest_time": "-PT1H5M@m", "dispatch.latest_time": "-PT5M@m"}},
		{func(r *deploy.Rule) { plan(r, deploy.Settings{Every: time.Hour, Lookback: time.Hour}) }, nil, map[string]string{"dispatch.earliest_time": "-PT1H@m", "dispatch.latest_time": "now@m"}},
		{func(r *deploy.Rule) { plan(r, deploy.Settings{Every: time.Hour, Late: 90 * time.Second}) }, nil, map[string]string{"dispatch.earliest_time": "-PT1H1M30S@s", "dispatch.latest_time": "-PT1M30S@s"}},
		// A schedule of the rule's own has its own time between runs.
		{func(r *deploy.Rule) { plan(r, deploy.Settings{Cron: "0 */4 * * *"}) }, nil, map[string]string{"cron_schedule": "0 0,4,8,12,16,20 * * *", "dispatch.earliest_time": "-PT4H10M@m"}},
		{func(r *deploy.Rule) {
			plan(r, deploy.Settings{Own: []deploy.Own{{Name: "schedule_priority", Value: "higher"}, {Name: "actions", Value: "email, slack"}}})
		}, nil,
			map[string]string{"schedule_priority": "higher", "actions": "email, slack"}},
		{func(r *deploy.Rule) { r.Window = 30 * time.Minute; plan(r, deploy.Settings{Enabled: &off}) }, nil, map[string]string{"dispatch.earliest_time": "-PT1H40M@m", "dispatch.latest_time": "-PT10M@m"}},
		// Of a search of a data model there are the columns that it counts by.
		{func(r *deploy.Rule) {
			r.Scope.DataModel, r.Tested = "Endpoint.Processes", []string{"Processes.user", "Processes.process", "Processes.dest"}
			r.Query = `| tstats summariesonly=false count min(_time) as firstTime from datamodel=Endpoint.Processes where Processes.user="by x" by Processes.dest Processes.process _time span=1s`
		}, es, map[string]string{"action.risk.param._risk": "process Processes.process, system Processes.dest 60"}},
		{func(r *deploy.Rule) {
			r.Query += " source=WinEventLog:Microsoft-Windows-Sysmon/Operational"
			r.Tested = []string{"src_ip"}
		}, es, map[string]string{"action.risk.param._risk": "ip_address src_ip, system host 60, user User 60"}},
		{func(r *deploy.Rule) { r.Columns, r.Tested = []string{"x"}, []string{"x", "User"} }, es, map[string]string{"actions": "notable", "action.risk.param._risk": "none"}},
	} {
		d := one(t, rule(c.change), c.options...)
		for name, want := range c.want {
			if got := value(d, name); got != want {
				t.Errorf("%v: %s is %q, want %q", c.options, name, got, want)
			}
		}
		if d.Rule != ruleID || d.Version != 1 || d.Language != "splunk" || d.ID != "Account Listed By Net" {
			t.Errorf("%+v", d)
		}
	}
	if d := one(t, rules()[2]); d.Enabled || value(d, "actions") != "webhook" {
		t.Errorf("a rule that is off is %+v", d)
	}
	if d := one(t, rule(nil)); !d.Enabled || d.QueryAt.Line != 21 || d.QueryAt.Column != 10 || d.Pos.Line != 3 {
		t.Errorf("%+v", d)
	}
	o := options()
	o.Version = func(id string) int { return len(id) }
	files, _ := writeSearches([]*deploy.Rule{rule(nil)}, o)
	if d := all(t, files)[0]; d.Version != 36 {
		t.Error(d.Version)
	}
}

// TestNames holds that names are unique, and none of them all searches.
func TestNames(t *testing.T) {
	var rs []*deploy.Rule
	for i, title := range []string{"A  [b]", "a b", "Default", "[]", "x"} {
		rs = append(rs, rule(func(r *deploy.Rule) { r.Title, r.ID = title, strings.Repeat(fmt.Sprint(i), 8)+ruleID[8:] }))
	}
	const rest = "-9b0d-4f58-8d7b-1f0a2b3c4d5e)"
	want := []string{"A b (00000000" + rest, "a b (11111111" + rest, "Default (22222222" + rest, "(33333333" + rest, "x"}
	if got := namesOf(rs); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	files, found := writeSearches(rs, options())
	if ds := all(t, files); len(ds) != 5 {
		t.Error(len(ds))
	}
	if len(found) != 4 || found[0].ID != "splunk/name-changed" {
		t.Error(found)
	}
}

// TestNotes holds what Write says of what is lost.
func TestNotes(t *testing.T) {
	es := []string{"mode", correlation}
	for _, c := range []struct {
		change  func(r *deploy.Rule)
		options []string
		want    string
	}{
		{nil, nil, ""},
		{func(r *deploy.Rule) { r.Title = "a]" }, nil, "splunk/name-changed"},
		{func(r *deploy.Rule) { plan(r, deploy.Settings{Every: 90 * time.Minute}) }, nil, "splunk/frequency"},
		{func(r *deploy.Rule) { plan(r, deploy.Settings{Every: 2 * time.Hour}) }, nil, ""},
		{func(r *deploy.Rule) { r.Meta.Tags = []string{"attack.stealth"} }, nil, "attack/version"},
		{func(r *deploy.Rule) {
			plan(r, deploy.Settings{Own: []deploy.Own{{Name: "alert.x = 1\n[y]", Value: "1"}}})
		}, nil, "splunk/own-setting"},
		{func(r *deploy.Rule) { plan(r, deploy.Settings{Own: []deploy.Own{{Name: "search", Value: "1"}}}) }, nil, "splunk/own-setting"},
		{func(r *deploy.Rule) { plan(r, deploy.Settings{Own: []deploy.Own{{Name: "alert.supress", Value: "1"}}}) }, nil, "splunk/unknown-setting"},
		{func(r *deploy.Rule) {
			plan(r, deploy.Settings{Own: []deploy.Own{{Name: "alert.suppress", Value: "1"}, {Name: "action.x.y", Value: "1"}}})
		}, nil, ""},
		{func(r *deploy.Rule) { r.Columns = []string{"x"} }, es, "splunk/no-risk-object"},
		{func(r *deploy.Rule) {
			plan(r, deploy.Settings{Entities: []deploy.Entity{{Type: "hots", Fields: []deploy.EntityField{{Column: "x"}}}}})
		}, es, "splunk/unknown-entity splunk/no-risk-object"},
		{func(r *deploy.Rule) {
			r.Query += " | stats count by User"
			plan(r, deploy.Settings{Entities: []deploy.Entity{{Type: "host", Fields: []deploy.EntityField{{Column: "x"}}}, {Type: "account", Fields: []deploy.EntityField{{Column: "User"}}}}})
		}, es, "splunk/entity-column"},
		{func(r *deploy.Rule) { r.Lookups = []ir.Lookup{{Name: "l"}} }, nil, "splunk/lookup-apart"},
	} {
		_, found := writeSearches([]*deploy.Rule{rule(c.change)}, options(c.options...))
		if got := ids(found); got != c.want {
			t.Errorf("%q, want %q: %v", got, c.want, found)
		}
	}
	lookup := func(name, cell string) *deploy.Rule {
		return rule(func(r *deploy.Rule) {
			r.Lookups = []ir.Lookup{{Name: name, Columns: []string{"a"}, Rows: [][]string{{cell}}}}
		})
	}
	for _, c := range []struct {
		rules []*deploy.Rule
		app   string
		want  string
	}{
		{[]*deploy.Rule{lookup("l", "x"), lookup("l", "x")}, "app", "splunk/name-changed splunk/name-changed"},
		{[]*deploy.Rule{lookup("l", "x"), lookup("l", "y")}, "app", "splunk/name-changed splunk/name-changed splunk/lookup-name"},
		{[]*deploy.Rule{lookup("../l", "x")}, "app", "splunk/lookup-name"},
		{[]*deploy.Rule{rule(nil)}, "../app", "splunk/app-name"},
	} {
		files, found := writeApp(c.rules, options("app", c.app))
		if got := ids(found); got != c.want {
			t.Errorf("%q, want %q: %v", got, c.want, found)
		}
		for _, f := range files {
			if strings.Contains(f.Path, "..") {
				t.Error(f.Path)
			}
		}
	}
}

func ids(found []deploy.Finding) string {
	var out []string
	for _, f := range found {
		out = append(out, f.ID)
	}
	return strings.Join(out, " ")
}

// TestSecurityDomain holds the domain of log sources.
func TestSecurityDomain(t *testing.T) {
	for source, want := range map[string]string{"process_creation/windows/": "endpoint", "//": "threat", "dns//": "network", "/okta/okta": "access", "/zeek/http": "network",
		"/aws/cloudtrail": "threat", "antivirus//": "endpoint", "/azure/signinlogs": "access", "/linux/auditd": "endpoint"} {
		p := strings.Split(source, "/")
		if got := domain(p[0], p[1], p[2]); got != want {
			t.Errorf("%s: %s, want %s", source, got, want)
		}
	}
}

var hostile = []string{
	"", " ", "a", "[x]", "]", "[", "x]\n[y", "line\nsearch = *\n[other]\nsearch = x", `C:\`, `a \`, "a\\\nb = c", "a\\\r\nenableSched = 1", `"'`, "#", "; x", "$result.user$", "`macro`", "a = b",
	strings.Repeat("x", 300), "-->", "[concat('x')]", "{{x}}", "\x00", "a\x01\x02b", "\xff\xfe", "\u2028x", "\ufeff", "default", "DEFAULT", "é\u0301", "Sigma rule: 00000000-0000-0000-0000-000000000000, version 7",
	"x | Sigma rule: 00000000-0000-0000-0000-000000000000", "\v\f", "\\\n\\\n\\", "\r", "a\r[b]\rc", "</script>", "\\\\",
}

// hostileRule is a rule with a text of others in all places.
func hostileRule(title, description, query, other string) *deploy.Rule {
	return rule(func(r *deploy.Rule) {
		r.Title, r.Meta.Title, r.Meta.Description, r.Query = title, title, description, query
		r.Meta.Author, r.Meta.References, r.Meta.Tags = other, []string{other, other}, []string{other, "attack." + other, "cve." + other}
		r.Meta.ID = other
		r.Tested, r.Columns = []string{other, "User"}, []string{other, "User"}
		plan(r, deploy.Settings{SuppressFor: time.Hour, SuppressBy: []string{other}, Cron: other, Own: []deploy.Own{{Name: "alert." + other, Value: other}, {Name: "action.x", Value: query}}})
	})
}

// FuzzWrite holds that nothing of a rule leaves its place: of one rule there is one search, with
// its title, description and query as they were, but for what the form says of them.
func FuzzWrite(f *testing.F) {
	for _, h := range hostile {
		f.Add(h, h, h, h)
		f.Add("title", h, "index=a", "x")
		f.Add(h, "description", "index=a "+h, h)
	}
	f.Fuzz(func(t *testing.T, title, description, query, other string) {
		query = strings.Trim(confLines(query), confSpace)
		if query == "" {
			query = "x"
		}
		r := hostileRule(title, description, query, other)
		for _, mode := range []string{scheduled, correlation} {
			d := one(t, r, "mode", mode, "min_time", other)
			if d.Title != namesOf([]*deploy.Rule{r})[0] || strings.ContainsAny(d.Title, "[]\n") {
				t.Errorf("the title %q is %q", title, d.Title)
			}
			if d.Query != query {
				t.Errorf("the query %q is %q", query, d.Query)
			}
			if d.Rule != ruleID && d.Rule != strings.ToLower(other) {
				t.Errorf("the rule is %q", d.Rule)
			}
			if got := value(d, "description"); !strings.HasPrefix(got, plainText(description)) || d.Version != 1 {
				t.Errorf("the description %q is %q", description, got)
			}
			if s := d.Own.(*stanza); len(s.twice) > 0 || s.get("enableSched") != "1" {
				t.Errorf("%+v", s)
			}
			if utf8.ValidString(query) {
				validate(t, d)
			}
			audit([]*deploy.Detection{d}, deploy.Context{})
		}
	})
}

// validate holds a search against what Splunk and contentctl ask of one.
func validate(t *testing.T, d *deploy.Detection) {
	t.Helper()
	doc := map[string]any{}
	for key, v := range d.Own.(*stanza).keys {
		doc[key] = v.value
		if strings.HasSuffix(key, "._risk") || strings.HasSuffix(key, ".annotations") || strings.HasSuffix(key, ".metadata") {
			var inner any
			if err := json.Unmarshal([]byte(v.value), &inner); err != nil {
				t.Errorf("%s: %s", key, err)
			}
			doc[key] = inner
		}
	}
	if err := searchSchema(t).Validate(doc); err != nil && d.Own.(*stanza).get("action.x") == "" {
		t.Errorf("%s: %s", d.Title, err)
	}
}

var compiledSchema *jsonschema.Schema

func searchSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	if compiledSchema != nil {
		return compiledSchema
	}
	src, err := os.ReadFile("testdata/savedsearch.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(src))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("savedsearch.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	compiledSchema = c.MustCompile("savedsearch.schema.json")
	return compiledSchema
}

// TestSchema holds packages against a transcription of what takes them, and the transcription
// against searches that are not taken.
func TestSchema(t *testing.T) {
	for _, mode := range []string{scheduled, correlation} {
		for _, r := range rules() {
			validate(t, one(t, r, "mode", mode))
		}
	}
	good := func() map[string]any {
		doc := map[string]any{}
		for key, v := range one(t, rule(nil)).Own.(*stanza).keys {
			doc[key] = v.value
		}
		return doc
	}
	for key, v := range map[string]any{"enableSched": "true", "cron_schedule": "hourly", "alert.severity": "7", "counttype": "events", "search": "", "relation": "above",
		"schedule_window": "soon", "action.notable.param.severity": "bad", "action.risk.param._risk": []any{map[string]any{"risk_object_field": "a", "risk_object_type": "host", "risk_score": 1}}} {
		doc := good()
		doc[key] = v
		if searchSchema(t).Validate(doc) == nil {
			t.Errorf("%s may be %v", key, v)
		}
	}
	doc := good()
	delete(doc, "cron_schedule")
	if searchSchema(t).Validate(doc) == nil {
		t.Error("a scheduled search without a schedule is taken")
	}
}

// ksconf holds that another parser of .conf files reads of a file the one search that d is. It
// needs Python with the package ksconf, and is passed over without.
func ksconf(t *testing.T, data []byte, d *deploy.Detection) {
	t.Helper()
	python := os.Getenv("SIGMAC_KSCONF")
	if python == "" || !utf8.Valid(data) || bytes.ContainsAny(data, "\x00\r") {
		return
	}
	file := filepath.Join(t.TempDir(), searchesFile)
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(python, "-c", `import json, sys
from ksconf.conf.parser import parse_conf, PARSECONF_STRICT_NC
json.dump(parse_conf(sys.argv[1], PARSECONF_STRICT_NC), sys.stdout)`, file).CombinedOutput()
	var got map[string]map[string]string
	if err != nil || json.Unmarshal(out, &got) != nil {
		t.Fatalf("%v: %s\n%s", err, out, data)
	}
	want := map[string]string{}
	for key, v := range d.Own.(*stanza).keys {
		want[key] = strings.TrimSpace(v.value) // Python cuts more than Splunk
	}
	for key, v := range got[d.Title] {
		got[d.Title][key] = strings.TrimSpace(v)
	}
	if len(got) != 1 || !maps.Equal(got[d.Title], want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestOtherParser holds packages against another parser, where it is there: SIGMAC_KSCONF names a
// Python that has ksconf.
func TestOtherParser(t *testing.T) {
	if os.Getenv("SIGMAC_KSCONF") == "" {
		t.Skip("SIGMAC_KSCONF names no Python with ksconf")
	}
	for _, mode := range []string{scheduled, correlation} {
		for _, r := range rules() {
			files, _ := writeSearches([]*deploy.Rule{r}, options("mode", mode))
			ksconf(t, files[0].Data, all(t, files)[0])
		}
	}
	for _, h := range hostile {
		files, _ := writeSearches([]*deploy.Rule{hostileRule(h, h, "index=a "+h, h)}, options("mode", correlation))
		ksconf(t, files[0].Data, all(t, files)[0])
	}
}
