package deploy

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	"sigmac/backends"
	"sigmac/internal/deploy"
	"sigmac/ir"
	schemas "sigmac/schema"
)

func init() {
	if flag.Lookup("update") == nil {
		flag.Bool("update", false, "rewrite testdata")
	}
}

// xdr are the columns of Defender's tables.
var xdr = schemas.For(&backends.Target{Name: "kusto", Columns: backends.Columns{Schemas: []string{"microsoft_xdr"}, Table: func(s ir.Scope) string { return s.Table }}})

// aDefenderRule is a sound rule, with what change makes of it.
func aDefenderRule(change func(r *deploy.Rule)) *deploy.Rule {
	r := &deploy.Rule{
		ID: "8f0b9a52-6d1e-4c37-9a6c-2f41d7be1c05", Title: "Office starts a shell",
		Meta: ir.Meta{
			Description: "A program of Office starts a command line.", References: []string{"https://example.com/a", "https://example.com/b"}, Author: "A. Nalyst",
			Date: "2026-01-15", Modified: "2026-02-01", FalsePositives: []string{"Macros of the accountants"}, Tags: []string{"attack.execution", "attack.t1059.003", "attack.t1204"},
		},
		Query:  "DeviceProcessEvents\n| where ActionType =~ \"ProcessCreated\" and FolderPath endswith @\"\\cmd.exe\" and InitiatingProcessFileName =~ \"winword.exe\"",
		Scope:  ir.Scope{Table: "DeviceProcessEvents"},
		Tested: []string{"FolderPath", "InitiatingProcessFileName", "ActionType"},
		Plan:   deploy.Plan{Enabled: true, Level: "medium", Every: time.Hour, Late: 10 * time.Minute, Lookback: 70 * time.Minute},
	}
	r.Has = func(column string) (ir.Type, bool) {
		t, ok := xdr.Type(r.Scope.Table, column)
		return t, ok && t != ir.Unknown
	}
	if change != nil {
		change(r)
	}
	return r
}

// onTable asks a table for a column.
func onTable(table, column string) func(r *deploy.Rule) {
	return func(r *deploy.Rule) {
		r.Scope.Table, r.Tested, r.Query = table, []string{column}, table+" | where "+column+` =~ "x"`
	}
}

func defenderOptions() deploy.Options {
	return deploy.Options{Values: map[string]string{"nrt": "false"}, Attack: "18", Single: true, Version: func(string) int { return 1 }}
}

// writtenDefender is a package of rules with its detections and what was found.
func writtenDefender(t testing.TB, o deploy.Options, rules ...*deploy.Rule) ([]byte, []*deploy.Detection, []deploy.Finding) {
	t.Helper()
	files, found := writeDefender(rules, o)
	ds, err := readDefender(files[0])
	if err != nil || len(ds) != len(rules) {
		t.Fatalf("%d detections of %d rules, %v\n%s", len(ds), len(rules), err, files[0].Data)
	}
	return files[0].Data, ds, append(found, auditDefender(ds, deploy.Context{Schema: xdr, Attack: o.Attack})...)
}

func foundDefender(found []deploy.Finding) (out []string) {
	for _, f := range found {
		out = append(out, f.ID+": "+f.Msg)
	}
	return out
}

// DefenderValidator is the transcription of what Graph takes.
func DefenderValidator(t testing.TB) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	src, err := os.ReadFile("testdata/defender.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(src))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.AddResource("defender", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("defender")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestDefenderPackage holds what packages look like, that Graph would take them, and that nothing is
// wrong with them.
func TestDefenderPackage(t *testing.T) {
	rules := []*deploy.Rule{
		aDefenderRule(nil),
		aDefenderRule(func(r *deploy.Rule) {
			onTable("EmailEvents", "SenderFromAddress")(r)
			r.ID, r.Title = "a8f0b9a5-6d1e-4c37-9a6c-2f41d7be1c06", `A "quoted" <title> with \ and ümlaut`
			r.Meta = ir.Meta{Tags: []string{"attack.initial-access", "attack.persistence", "attack.t1566", "attack.stealth"}}
			r.Plan.Enabled, r.Plan.Level, r.Plan.Every = false, "critical", 15*time.Minute
			r.Plan.Own = []deploy.Own{{Name: "customDetails.Subject", Value: "Subject"}, {Name: "title", Value: "Mail of {{SenderFromAddress}}"}}
		}),
		aDefenderRule(func(r *deploy.Rule) {
			onTable("DeviceRegistryEvents", "RegistryKey")(r)
			r.ID, r.Title, r.Meta = "b8f0b9a5-6d1e-4c37-9a6c-2f41d7be1c07", "A key is set", ir.Meta{}
			r.Plan.Every, r.Plan.Lookback = 24*time.Hour, 25*time.Hour
			r.Plan.Entities = []deploy.Entity{{Type: "host", Fields: []deploy.EntityField{{Column: "DeviceName"}}}, {Type: "account", Fields: []deploy.EntityField{{Identifier: "Sid", Column: "InitiatingProcessAccountSid"}}}}
		}),
	}
	text, ds, found := writtenDefender(t, defenderOptions(), rules...)
	got := fmt.Sprintf("%s\n%s\n", text, strings.Join(foundDefender(found), "\n"))
	name := filepath.Join("testdata", "defender", "package.golden")
	if f := flag.Lookup("update"); f.Value.String() == "true" {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(name); err != nil || got != string(want) {
		t.Errorf("%v\n%s", err, got)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := DefenderValidator(t).Validate(doc); err != nil {
		t.Error(err)
	}
	var other any // a reader that shares nothing with the writer
	if err := yaml.Unmarshal(text, &other); err != nil || !reflect.DeepEqual(other, doc) {
		t.Errorf("a reader of YAML reads it as another: %v", err)
	}
	for i, d := range ds {
		if d.Rule != rules[i].ID || d.ID != "sigma-"+rules[i].ID || d.Title != rules[i].Title || d.Query != rules[i].Query || d.Version != 1 || d.Enabled != rules[i].Plan.Enabled {
			t.Errorf("%s: read as %+v", rules[i].Title, d)
		}
	}
	if again, _ := writeDefender(rules, defenderOptions()); !bytes.Equal(again[0].Data, text) {
		t.Error("written anew, it is another")
	}
}

// TestDefenderSettings holds that a rule's decisions are read back as they were made.
func TestDefenderSettings(t *testing.T) {
	_, ds, _ := writtenDefender(t, defenderOptions(), aDefenderRule(nil))
	about := "A program of Office starts a command line.\n\nReferences:\n- https://example.com/a\n- https://example.com/b\n\n" +
		"Author: A. Nalyst\nDate: 2026-01-15\nModified: 2026-02-01\nSigma rule: 8f0b9a52-6d1e-4c37-9a6c-2f41d7be1c05"
	want := []deploy.Setting{
		{Kind: deploy.Schedule, Name: "frequency", Value: "PT1H"},
		{Kind: deploy.Schedule, Name: "lookback", Value: "PT4H"},
		{Kind: deploy.Severity, Name: "severity", Value: "medium"},
		{Kind: deploy.Entities, Name: "accounts", Value: "aadUserIdColumn=AccountObjectId, nameColumn=AccountName, ntDomainColumn=AccountDomain, sidColumn=AccountSid, upnColumn=AccountUpn; " +
			"aadUserIdColumn=InitiatingProcessAccountObjectId, nameColumn=InitiatingProcessAccountName, ntDomainColumn=InitiatingProcessAccountDomain, sidColumn=InitiatingProcessAccountSid, upnColumn=InitiatingProcessAccountUpn"},
		{Kind: deploy.Entities, Name: "files", Value: "nameColumn=FileName, sha1Column=SHA1, sha256Column=SHA256; nameColumn=InitiatingProcessFileName, sha1Column=InitiatingProcessSHA1, sha256Column=InitiatingProcessSHA256"},
		{Kind: deploy.Entities, Name: "hosts", Value: "deviceIdColumn=DeviceId, nameColumn=DeviceName"},
		{Kind: deploy.Entities, Name: "processes", Value: "sha1Column=InitiatingProcessSHA1, sha256Column=InitiatingProcessSHA256"},
		{Kind: deploy.Attack, Name: "Execution", Value: "T1059.003 T1204"},
		{Kind: deploy.Text, Name: "title", Value: "Office starts a shell"},
		{Kind: deploy.Text, Name: "description", Value: about},
		{Kind: deploy.Text, Name: "rule description", Value: about},
		{Kind: deploy.Text, Name: "recommendedActions", Value: "Known false positives:\n- Macros of the accountants"},
	}
	for i, s := range ds[0].Settings {
		if i >= len(want) || s != want[i] {
			t.Errorf("setting %d is %+v", i, s)
		}
	}
	if len(ds[0].Settings) != len(want) {
		t.Errorf("%d settings, and not %d", len(ds[0].Settings), len(want))
	}
}

// TestDefenderExports reads lists as Graph gives them, of today and of before 2026-10-01, and as
// PowerShell's modules write them: they say the same, and nothing else of them is kept.
func TestDefenderExports(t *testing.T) {
	read := func(name string) *deploy.Detection {
		t.Helper()
		data, err := os.ReadFile(filepath.Join("testdata", "defender", name))
		if err != nil {
			t.Fatal(err)
		}
		ds, err := readDefender(deploy.File{Path: name, Data: data})
		if err != nil || len(ds) != 1 {
			t.Fatalf("%s: %d detections, %v", name, len(ds), err)
		}
		if d := fmt.Sprintf("%+v", ds[0].Settings); strings.Contains(d, "hunter2") {
			t.Errorf("%s: what only Defender needs is told: %s", name, d)
		}
		for _, f := range auditDefender(ds, deploy.Context{Schema: xdr, Attack: "18"}) {
			if strings.Contains(f.Msg, "hunter2") {
				t.Errorf("%s: what only Defender needs is told: %s", name, f.Msg)
			}
		}
		return ds[0]
	}
	now, before := read("list.json"), read("list_before_2026.json")
	if want := (ir.Pos{Line: 4, Column: 5}); now.Pos != want || now.QueryAt != (ir.Pos{Line: 15, Column: 22}) {
		t.Errorf("it stands at %v, its query at %v", now.Pos, now.QueryAt)
	}
	if now.Rule != "8f0b9a52-6d1e-4c37-9a6c-2f41d7be1c05" || now.Version != 4 || now.Enabled || before.Rule != now.Rule || before.ID != "7506" || before.Enabled || before.Query != now.Query {
		t.Errorf("read as %+v and %+v", now, before)
	}
	want := []string{
		"schedule frequency P1D", "schedule lookback P30D", "severity severity high", "entities accounts sidColumn=AccountSid",
		"entities customDetails CommandLine=ProcessCommandLine", "actions automatedActions initiateInvestigations isolateDevices",
		"actions organizationalScope Clients, Servers", "attack Execution T1059.003 T1204", "text title Office starts a shell", "text description Text.",
	}
	texts := func(d *deploy.Detection) (out []string) {
		for _, s := range d.Settings {
			out = append(out, s.Kind+" "+s.Name+" "+s.Value)
		}
		return out
	}
	for _, w := range want {
		if !slices.Contains(texts(now), w) {
			t.Errorf("no setting %s in %q", w, texts(now))
		}
	}
	for _, w := range []string{want[0], want[1], want[2], want[3], "entities hosts deviceIdColumn=DeviceId", want[7], want[8], "actions automatedActions isolateDevice"} {
		if !slices.Contains(texts(before), w) {
			t.Errorf("no setting %s in %q", w, texts(before))
		}
	}

	// PowerShell's modules begin names with a capital.
	data, err := os.ReadFile("testdata/defender/list.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range strings.Fields("displayName status queryCondition queryText schedule frequency detectionAction alertTemplate entityMappings accounts sidColumn hosts nameColumn deviceIdColumn tactics tactic techniques technique subTechniques severity title") {
		data = bytes.ReplaceAll(data, []byte(`"`+name+`":`), []byte(`"`+strings.ToUpper(name[:1])+name[1:]+`":`))
	}
	ds, err := readDefender(deploy.File{Data: data})
	if err != nil || len(ds) != 1 || !reflect.DeepEqual(ds[0].Settings, now.Settings) || ds[0].Query != now.Query {
		t.Errorf("with capitals, read as %+v, %v", ds, err)
	}
}

// TestDefenderForms reads what people have in files: one object, a list, pages behind each other.
func TestDefenderForms(t *testing.T) {
	one, _, _ := writtenDefender(t, defenderOptions(), aDefenderRule(nil))
	for name, tt := range map[string]struct {
		text string
		want int
	}{
		"one":             {string(one), 1},
		"with a mark":     {"\ufeff" + string(one), 1},
		"of PowerShell":   {utf16Text(string(one)), 1},
		"a list":          {"[" + string(one) + "," + string(one) + "]", 2},
		"pages":           {`{"value":[` + string(one) + `],"@odata.nextLink":"x"}` + "\n" + `{"value":[` + string(one) + `]}`, 2},
		"one a line":      {string(one) + string(one) + string(one), 3},
		"an empty list":   {"[]", 0},
		"an empty file":   {"", 0},
		"something else":  {`{"value": "x", "properties": {"query": "T"}} 12 "x" null`, 0},
		"a list of those": {`[1, null, "x", [], {"displayName": "x"}]`, 0},
	} {
		ds, err := readDefender(deploy.File{Data: []byte(tt.text)})
		if err != nil || len(ds) != tt.want {
			t.Errorf("%s: %d detections and not %d, %v", name, len(ds), tt.want, err)
		}
	}
}

// utf16Text is a text as Windows PowerShell redirects it.
func utf16Text(text string) string {
	out := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(text)) {
		out = binary.LittleEndian.AppendUint16(out, u)
	}
	return string(out)
}

func TestDefenderBadInput(t *testing.T) {
	one, _, _ := writtenDefender(t, defenderOptions(), aDefenderRule(nil))
	for _, tt := range []struct {
		text, want string
		read       int
	}{
		{`{"value": [` + string(one), "f.json:", 1},
		{string(one)[:len(one)-4], "the file is cut off: its JSON has no end", 0},
		{"[{\"queryCondition\":\n {\"queryText\": 'secret'}}]", "f.json:2:16: this is no JSON", 0},
		{`{"queryCondition": {"queryText": 12}, "displayName": "x"}`, "f.json:1:35: queryCondition.queryText is of another type than Graph has it", 0},
		{"[" + `{"queryCondition": {"queryText": "T"}, "detectionAction": {"alertTemplate": {"entityMappings": {"hosts": [{"nameColumn": 1}]}}}}` + ",\n" + string(one) + ",\n{\"detectionAction\": []}]",
			"f.json:1:2: an entity is no object of texts", 1},
		{strings.Repeat("[", 20000), "f.json:", 0},
		{"schedule:\n  x: secret", "f.json:1:1: this is no JSON", 0},
	} {
		ds, err := readDefender(deploy.File{Path: "f.json", Data: []byte(tt.text)})
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret") || len(ds) != tt.read {
			t.Errorf("%.60q: %d detections, %v\nwant %s", tt.text, len(ds), err, tt.want)
		}
	}
}

// TestDefenderLong reads a large export.
func TestDefenderLong(t *testing.T) {
	one, _, _ := writtenDefender(t, defenderOptions(), aDefenderRule(nil))
	text := "[" + strings.Repeat(string(one)+",", 3000) + string(one) + "]"
	ds, err := readDefender(deploy.File{Data: []byte(text)})
	if lines := strings.Count(string(one), "\n"); err != nil || len(ds) != 3001 || ds[3000].Pos != (ir.Pos{Line: 3000*lines + 1, Column: 2}) {
		t.Errorf("%d detections, %v", len(ds), err)
	}
}

// TestDefenderChecks changes a sound rule so that one check finds something. Each check has a change.
func TestDefenderChecks(t *testing.T) {
	sound, _, found := writtenDefender(t, defenderOptions(), aDefenderRule(nil))
	if len(found) > 0 {
		t.Fatalf("a sound rule: %q", foundDefender(found))
	}
	type object = map[string]any
	at := func(o object, path string) object {
		for _, name := range strings.Fields(path) {
			o = o[name].(object)
		}
		return o
	}
	const alert = "detectionAction alertTemplate"
	query := func(text string) func(o object) {
		return func(o object) { at(o, "queryCondition")["queryText"] = text }
	}
	frequency := func(text string) func(o object) {
		return func(o object) { at(o, "schedule")["frequency"] = text }
	}
	both := func(changes ...func(o object)) func(o object) {
		return func(o object) {
			for _, c := range changes {
				c(o)
			}
		}
	}
	set := func(path, name string, value any) func(o object) {
		return func(o object) { at(o, path)[name] = value }
	}
	tactic := func(name string, techniques ...any) object { return object{"tactic": name, "techniques": techniques} }
	const process = "DeviceProcessEvents | where FileName =~ 'x'"
	seen := map[string]bool{}
	for _, tt := range []struct {
		check, want string // want: "" for none
		change      func(o object)
	}{
		{"id", `"" is no id that Defender takes`, func(o object) { delete(o, "id") }},
		{"id", `"8f0b9a52-6d1e-4c37-9a6c-2f41d7be1c05" is no id that Defender takes`, set("", "id", "8f0b9a52-6d1e-4c37-9a6c-2f41d7be1c05")},
		{"id", "", set("", "id", "7506")},
		{"name", "the rule has no name or its alerts have no title", set(alert, "title", " ")},
		{"query", "the rule has no query", query("")},
		{"status", "Defender has switched the rule off, since its runs failed", set("", "status", "autoDisabled")},
		{"status", `"on" is no status; it is enabled or disabled`, set("", "status", "on")},
		{"status", "", set("", "status", "disabled")},
		{"severity", `"critical" is no severity of Defender`, set(alert, "severity", "critical")},
		{"severity", "", set(alert, "severity", "informational")},
		{"frequency", "a rule over DeviceProcessEvents cannot run every 15m, but every hour, 3, 12 or 24 hours, or continuously", frequency("PT15M")},
		{"frequency", `"hourly" is no frequency: PT1H, PT3H, PT12H, P1D, or PT0S for continuously`, frequency("hourly")},
		{"frequency", "a rule cannot run every 1m: 5 minutes are the least and 14 days the most", both(frequency("PT1M"), query("Mine_CL | where x == 1"))},
		{"frequency", "", both(frequency("PT15M"), query("Mine_CL | where x == 1"))},
		{"frequency", "", frequency("PT24H")},
		{"lookback", "over data of Defender, a rule that runs every 1h looks back 4h: not 2h", set("schedule", "lookback", "PT2H")},
		{"lookback", "a rule that runs every 1h looks back as far at least, and 30 days at most: not 30m", set("schedule", "lookback", "PT30M")},
		{"lookback", `"1h" is no length of time`, set("schedule", "lookback", "1h")},
		{"lookback", "a rule that runs continuously looks at events as they come, and has no look-back", both(frequency("PT0S"), set("schedule", "lookback", "PT4H"), query(process))},
		{"lookback", "", set("schedule", "lookback", "PT240M")},
		{"columns", "the query does not return ReportId, and an alert needs what identifies its event: let the query keep it, of a group that of the last event (arg_max(Timestamp, *))",
			query(process + " | project-away ReportId")},
		{"columns", "", query("DeviceProcessEvents | summarize arg_max(Timestamp, *), n = count() by DeviceId | where n > 5")},
		{"columns", "", query("AlertEvidence | where DeviceId =~ 'x'")},
		{"time", "the query makes Timestamp anew: it must be the column of the table", query(process + " | extend Timestamp = now()")},
		{"time", "", query(process + " | extend Timestamp = Timestamp")},
		{"entities", "no entity of the rule is a host, an account, a mailbox or an address",
			set(alert, "entityMappings", object{"files": []any{object{"sha1Column": "SHA1"}}})},
		{"entities", "", set(alert, "entityMappings", object{"ips": []any{object{"addressColumn": "DeviceName"}}})},
		{"entity", "accounts are identified by aadUserIdColumn, or by sidColumn, or by upnColumn, or by nameColumn and ntDomainColumn, or by nameColumn and dnsDomainColumn, or by nameColumn and upnSuffixColumn",
			set(alert+" entityMappings", "accounts", []any{object{"nameColumn": "AccountName"}})},
		{"entity", `Defender has no entities "machines"`, set(alert+" entityMappings", "machines", []any{object{"nameColumn": "DeviceName"}})},
		{"entity", `hosts have no "nameColum"; did you mean "nameColumn"?`, set(alert+" entityMappings", "hosts", []any{object{"nameColum": "DeviceName", "deviceIdColumn": "DeviceId"}})},
		{"entity-column", `the query does not return the column "Computer"; hosts name it`, set(alert+" entityMappings", "hosts", []any{object{"nameColumn": "Computer"}})},
		{"entity-column", `the query does not return the column "Cmd"; custom details name it`, set(alert, "customDetails", object{"Command": "Cmd"})},
		{"entity-column", `the query does not return the column "Usr"; the title or the description of the alert names it between {{ and }}`, set(alert, "title", "By {{Usr}}")},
		{"entity-column", "", set(alert, "title", "By {{AccountName}}")},
		{"tactics", "the alert has 2 tactics", set(alert, "tactics", []any{tactic("Execution"), tactic("Persistence")})},
		{"tactic", `"Stealth" is no tactic of ATT&CK as Defender writes them: CredentialAccess`, set(alert, "tactics", []any{tactic("Stealth")})},
		{"tactic", `"1059" is no technique: T1059`, set(alert, "tactics", []any{tactic("Execution", object{"technique": "1059"})})},
		{"tactic", `"T1204.001" is no sub-technique of T1059`, set(alert, "tactics", []any{tactic("Execution", object{"technique": "T1059", "subTechniques": []any{"T1204.001"}})})},
		{"tactic", "", set(alert, "tactics", []any{tactic("DefenseEvasion", object{"technique": "T1562.001"})})},
		{"technique", "T1566 does not belong to Execution: Defender may drop it", set(alert, "tactics", []any{tactic("Execution", object{"technique": "T1566"})})},
		{"nrt", "the query cannot run continuously: it has a comment", both(frequency("PT0S"), query(process+" // x"))},
		{"nrt", "", both(frequency("PT0S"), query(process))},
		{"nrt-list", "on the list of what can run continuously is no in~", both(frequency("PT0S"), query("DeviceProcessEvents | where FileName in~ ('x', 'y')"))},
		{"details", "the rule has 21 custom details", func(o object) {
			details := object{}
			for i := range 21 {
				details[fmt.Sprint("k", i)] = "FileName"
			}
			at(o, alert)["customDetails"] = details
		}},
		{"dynamic", "the title and the description of the alert name 4 columns", set(alert, "title", "{{AccountName}} {{AccountSid}} {{DeviceName}} {{DeviceId}}")},
		{"time-filter", "the query filters by Timestamp: what is ingested late is missed", query(process + " | where Timestamp > ago(1h)")},
		{"time-filter", "", query(process + " | where ingestion_time() > ago(1h)")},
		{"deprecated", "the rule has members of the older shape: isEnabled, schedule.period", func(o object) {
			delete(o, "status")
			o["isEnabled"], o["schedule"] = true, object{"period": "1H"}
		}},
		{"watchlist", "the query asks a watchlist of Sentinel", query(process + " or FileName in ((_GetWatchlist('x') | project y))")},
		{"watchlist", "", query(process + " or FileName == '_GetWatchlist(x)'")},
		{"setting", `"perEvent" is no eventGroupingKind; it is alertPerEvent or singleAlert`, set(alert, "eventGroupingKind", "perEvent")},
		{"setting", "", set(alert, "eventGroupingKind", "singleAlert")},
	} {
		var o object
		if err := json.Unmarshal(sound, &o); err != nil {
			t.Fatal(err)
		}
		tt.change(o)
		text, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		ds, err := readDefender(deploy.File{Path: "f.json", Data: text})
		if err != nil || len(ds) != 1 {
			t.Fatalf("%s: %d detections, %v", tt.check, len(ds), err)
		}
		found := auditDefender(ds, deploy.Context{Schema: xdr, Attack: "18"})
		found = slices.DeleteFunc(found, func(f deploy.Finding) bool { return f.ID != "defender/"+tt.check })
		got, want := foundDefender(found), []string{"defender/" + tt.check + ": " + tt.want}
		if seen["defender/"+tt.check] = true; tt.want == "" {
			want = nil
		}
		if !slices.Equal(got, want) {
			t.Errorf("found %q\nwant  %q", got, want)
		}
	}

	// Of several rules together.
	two := "[" + string(sound) + "," + strings.Replace(string(sound), `"displayName": "Office`, `"displayName": "Another`, 1) + "]"
	ds, err := readDefender(deploy.File{Data: []byte(two)})
	if got, want := foundDefender(auditDefender(ds, deploy.Context{Schema: xdr})), []string{"defender/unique: another rule has the same id", "defender/unique: another rule has the same title"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v", got, err)
	}
	seen["defender/unique"] = true

	// What is lost on the way.
	for _, tt := range []struct {
		want   string
		change func(r *deploy.Rule)
	}{
		{"defender/runs: it runs every 1h and not every 15m, which Defender does not have", func(r *deploy.Rule) { r.Plan.Every = 15 * time.Minute }},
		{"defender/runs: it runs every 3h and not every 10h, which Defender does not have", func(r *deploy.Rule) { r.Plan.Every = 10 * time.Hour }},
		{"defender/looks-back: it looks back 4h and not 7d: Defender has a fixed look-back for every 1h", func(r *deploy.Rule) { r.Plan.Lookback = 7 * 24 * time.Hour }},
		{"defender/lookback: a rule that runs every 1h looks back 4h, and the time frame of 1d needs 25h; every 12h, it looks back 2d", func(r *deploy.Rule) {
			r.Window, r.Plan.Lookback = 24*time.Hour, 26*time.Hour
		}},
		{"defender/level: the level critical is told as high, the highest severity that Defender has", func(r *deploy.Rule) { r.Plan.Level = "critical" }},
		{"defender/left-out: Persistence T1547 is left out, since Defender takes one tactic; Execution is told", func(r *deploy.Rule) {
			r.Meta.Tags = append(r.Meta.Tags, "attack.persistence", "attack.t1547")
		}},
		{"defender/suppression: nothing is suppressed for 1h: Defender has no such setting, and puts alike alerts together by itself", func(r *deploy.Rule) { r.Plan.SuppressFor = time.Hour }},
		{"defender/no-such: the schedule of cron is left out, which Defender does not have", func(r *deploy.Rule) { r.Plan.Cron = "17 * * * *" }},
		{"defender/no-such: {{ in the title of the alert is told as { {, since Defender puts columns there", func(r *deploy.Rule) { r.Title = "{{{x}}} {{AccountName}}" }},
		{"defender/no-such: the risk score is left out, which Defender does not have", func(r *deploy.Rule) { r.Plan.Risk = new(int) }},
		{"defender/setting: Defender takes no setting \"titel\" of a rule; did you mean \"title\"?", func(r *deploy.Rule) { r.Plan.Own = []deploy.Own{{Name: "titel", Value: "x"}} }},
		{"attack/version: the tactic Stealth is told as Defense Evasion, which it was before version 19 of ATT&CK", func(r *deploy.Rule) { r.Meta.Tags = []string{"attack.stealth"} }},
		{"defender/entity: Defender has no entity of the type \"hoste\"; did you mean \"host\"?", func(r *deploy.Rule) {
			r.Plan.Entities = []deploy.Entity{{Type: "host", Fields: []deploy.EntityField{{Identifier: "HostName", Column: "DeviceName"}}}, {Type: "hoste"}}
		}},
	} {
		_, _, found := writtenDefender(t, defenderOptions(), aDefenderRule(tt.change))
		if got := foundDefender(found); !slices.Equal(got, []string{tt.want}) {
			t.Errorf("found %q\nwant  %q", got, tt.want)
		}
		for _, f := range found {
			seen[f.ID] = true
		}
	}
	if _, ds, found := writtenDefender(t, defenderOptions(), aDefenderRule(func(r *deploy.Rule) {
		r.Plan.Every, r.Plan.Own = 15*time.Minute, []deploy.Own{{Name: "frequency", Value: "PT12H"}, {Name: "recommendedActions", Value: "Call."}, {Name: "eventGroupingKind", Value: "singleAlert"}}
	})); len(found) > 0 || ds[0].Settings[0].Value != "PT12H" || ds[0].Settings[3] != (deploy.Setting{Kind: deploy.Suppression, Name: "eventGroupingKind", Value: "singleAlert"}) {
		t.Errorf("settings of a rule's own: %q, %q", ds[0].Settings, foundDefender(found))
	}
	o := defenderOptions()
	o.Values["nrt"] = "true"
	_, _, found = writtenDefender(t, o, aDefenderRule(func(r *deploy.Rule) { r.Query += " // why" }))
	if got, want := foundDefender(found), []string{"defender/not-nrt: it cannot run continuously: it has a comment"}; !slices.Equal(got, want) {
		t.Errorf("found %q", got)
	}
	seen["defender/not-nrt"] = true
	if _, ds, found := writtenDefender(t, o, aDefenderRule(nil)); len(found) > 0 || ds[0].Settings[0].Value != "PT0S" {
		t.Errorf("it runs %v, %q", ds[0].Settings[0], foundDefender(found))
	}
	for _, c := range defenderChecks {
		if !seen[c.ID] {
			t.Errorf("nothing makes %s find something", c.ID)
		}
	}
}

// TestDefenderImpacted takes what droid's rules say of the assets.
func TestDefenderImpacted(t *testing.T) {
	_, ds, found := writtenDefender(t, defenderOptions(), aDefenderRule(func(r *deploy.Rule) {
		r.Plan.Own = []deploy.Own{{Name: "impactedAssets", Value: `[{"impactedAssetType":"Device","identifier":"deviceName"},{"impactedAssetType":"User","identifier":"initiatingProcessAccountUpn"}]`}}
	}))
	var got []string
	for _, s := range ds[0].Settings {
		if s.Kind == deploy.Entities {
			got = append(got, s.Name+" "+s.Value)
		}
	}
	if want := []string{"accounts upnColumn=InitiatingProcessAccountUpn", "hosts nameColumn=DeviceName"}; !slices.Equal(got, want) || len(found) > 0 {
		t.Errorf("%q, %q", got, foundDefender(found))
	}
}

// TestDefenderTimes holds which queries make a time anew.
func TestDefenderTimes(t *testing.T) {
	for query, want := range map[string][]string{
		"T | extend Timestamp = now()": {"Timestamp"},
		"T | project x = f(a, Timestamp = 5), ['Timestamp'] = b, TimeGenerated = Timestamp | extend Timestamp = c": {"Timestamp", "TimeGenerated"},
		"T | project-rename Timestamp = t": {"Timestamp"},
		"T | project Timestamp, TimeGenerated = TimeGenerated | extend Timestamp = ['Timestamp']": nil,
		"T | where Timestamp == now() | extend x = 'Timestamp = 5'":                               nil,
		"T | summarize Timestamp = max(Timestamp)":                                                nil,
		"T | extend (": nil,
	} {
		if got := remade(query); !slices.Equal(got, want) {
			t.Errorf("%s: %q", query, got)
		}
	}
}

// TestDefenderContinuously holds which queries can run continuously.
func TestDefenderContinuously(t *testing.T) {
	for query, want := range map[string]string{
		`DeviceEvents | where a == "// let join" | extend b = 1 | project a, b`:       "",
		"DeviceEvents\n| where a == 1 // why":                                         "it has a comment",
		"DeviceEvents | where a == 'it''s' and b == @'c:\\' // x":                     "it has a comment",
		"DeviceEvents | where a == ```// no comment```":                               "",
		"DeviceEvents | summarize count() by a":                                       "it has the operator summarize, and only operators on one row are taken",
		"let x = 5; DeviceEvents | where a == x":                                      "it has a let statement",
		"DeviceEvents | join (DeviceInfo) on DeviceId":                                "it has the operator join, and only operators on one row are taken",
		"IdentityInfo | where a == 1":                                                 "the table IdentityInfo cannot be asked continuously",
		"EmailEvents | where LatestDeliveryAction == 'x'":                             "the columns LatestDeliveryLocation and LatestDeliveryAction cannot be asked continuously",
		"EmailEvents | where Subject == 'LatestDeliveryAction'":                       "",
		"SigninLogs | where ResultType == '0'":                                        "",
		"union DeviceEvents, DeviceFileEvents | where a == 1":                         "it has the operator union, and only operators on one row are taken",
		"DeviceEvents | where a in ((DeviceInfo | project b)) | project-rename c = a": "",
	} {
		if got := strings.Join(nrtFaults(query), "; "); got != want {
			t.Errorf("%s: %q", query, got)
		}
	}
	if got := nrtUnlisted(`T | where a in~ ("x") and b has_any ("in~(") and tostring(c) matches regex @"x" and isnotempty(d) and ipv4_is_in_range(e, "f(")`); !slices.Equal(got, []string{"in~", "has_any", "ipv4_is_in_range", "regular expression in a verbatim literal"}) {
		t.Errorf("%q", got)
	}
}

// TestDefenderEntities holds what alerts of each kind of table are about.
func TestDefenderEntities(t *testing.T) {
	for _, tt := range []struct{ table, column, want string }{
		{"DeviceNetworkEvents", "LocalIP", "accounts hosts ips=LocalIP,RemoteIP processes urls=RemoteUrl"},
		{"DeviceEvents", "AdditionalFields", "accounts hosts processes"},
		{"DeviceFileEvents", "FolderPath", "accounts files=SHA1 hosts processes"},
		{"DeviceLogonEvents", "RemoteDeviceName", "accounts hosts=RemoteDeviceName,DeviceName ips=RemoteIP processes"},
		{"EmailEvents", "SenderFromAddress", "accounts mailMessages mailboxes=SenderFromAddress,RecipientEmailAddress"},
		{"CloudAppEvents", "IPAddress", "accounts cloudApplications ips=IPAddress"},
		{"IdentityLogonEvents", "AccountUpn", "accounts hosts ips=IPAddress"},
	} {
		_, ds, found := writtenDefender(t, defenderOptions(), aDefenderRule(func(r *deploy.Rule) { onTable(tt.table, tt.column)(r); r.Meta.Tags = nil }))
		of := ds[0].Own.(customDetection).entities()
		for _, want := range strings.Fields(tt.want) {
			kind, columns, _ := strings.Cut(want, "=")
			for i, c := range strings.Split(columns, ",") {
				if len(of[kind]) <= i || c != "" && !strings.Contains(of[kind][i].String(), "="+c) {
					t.Errorf("%s: %s are %v", tt.table, kind, of[kind])
				}
			}
		}
		if len(of) != len(strings.Fields(tt.want)) || len(found) > 0 {
			t.Errorf("%s: about %v, %q", tt.table, of, foundDefender(found))
		}
	}
}

// FuzzDefender holds that nothing of a rule leaves its place.
func FuzzDefender(f *testing.F) {
	for _, text := range []string{
		"plain", `"}],"x":[{"`, "a\r\nb\x00c\u2028", "[concat('x')]", "-->", `trailing \`, strings.Repeat("long ", 60), "\xff\xfe", "{{AccountName}}", "</script>",
		"Sigma rule: 00000000-0000-0000-0000-000000000000", "",
	} {
		f.Add(text, text, text)
		f.Add("title", text, "T | where a == 1")
	}
	f.Fuzz(func(t *testing.T, title, description, query string) {
		r := aDefenderRule(func(r *deploy.Rule) {
			r.Title, r.Query = title, query
			r.Meta.Description, r.Meta.Author, r.Meta.References, r.Meta.FalsePositives = description, title, []string{description}, []string{title}
		})
		text, ds, _ := writtenDefender(t, defenderOptions(), r)
		var parsed map[string]any
		if err := json.Unmarshal(text, &parsed); err != nil || !utf8.Valid(text) {
			t.Fatal(err)
		}
		valid := func(s string) string { return string([]rune(s)) }
		if ds[0].Title != valid(title) || ds[0].Query != valid(query) || ds[0].Rule != r.ID || !ds[0].Enabled {
			t.Errorf("%q, %q, %s", ds[0].Title, ds[0].Query, ds[0].Rule)
		}
		if alert := parsed["detectionAction"].(map[string]any)["alertTemplate"].(map[string]any); strings.Contains(alert["title"].(string)+alert["description"].(string), "{{") {
			t.Errorf("a column is told in %q", alert)
		}
		if got := parsed["description"].(string); !strings.HasPrefix(got, strings.TrimSpace(valid(description))) {
			t.Errorf("%q", got)
		}
	})
}

// FuzzReadDefender holds that no input breaks the reader, and that what is read is sound.
func FuzzReadDefender(f *testing.F) {
	for _, name := range []string{"list.json", "list_before_2026.json"} {
		data, err := os.ReadFile(filepath.Join("testdata", "defender", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"value":[{"detectionAction":{"alertTemplate":{"entityMappings":{"hosts":[null]},"tactics":[{}]}}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		ds, _ := readDefender(deploy.File{Data: data})
		for _, d := range ds {
			if d.Pos.Line < 1 || d.QueryAt.Line < d.Pos.Line {
				t.Errorf("it stands at %v, its query at %v", d.Pos, d.QueryAt)
			}
		}
		auditDefender(ds, deploy.Context{Schema: xdr})
	})
}
