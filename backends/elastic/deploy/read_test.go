package deploy

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"sigmac/internal/deploy"
	"sigmac/ir"
)

// export is what Kibana 9 exports: rules with what it adds, the items of a list of exceptions,
// the list, a connector and the summary.
const export = `{"id":"7a4c1a26-0d5a-4f0c-a7b5-0f6a1f0e3c11","updated_at":"2026-02-01T10:00:00.000Z","updated_by":"elastic","created_at":"2026-01-01T10:00:00.000Z","created_by":"elastic","name":"Shell of a Web Server","tags":["b","a"],"interval":"60m","enabled":false,"revision":4,"description":"d","risk_score":73,"severity":"high","license":"","output_index":"","meta":{"from":"10m","kibana_siem_app_url":"https://kibana.example.org/app/security"},"author":[],"false_positives":[],"from":"now-4200s","rule_id":"3b6ab547-8ec2-4991-b9d2-2b06702a48d7","max_signals":100,"risk_score_mapping":[],"severity_mapping":[],"threat":[],"to":"now","references":[],"version":7,"exceptions_list":[{"id":"x","list_id":"vpn","type":"detection","namespace_type":"single"}],"immutable":false,"rule_source":{"type":"internal"},"related_integrations":[],"required_fields":[],"setup":"","note":"## Sigma\n\n- Sigma rule: 3b6ab547-8ec2-4991-b9d2-2b06702a48d7\n","type":"eql","language":"eql","index":["b-*","a-*"],"query":"process where true","filters":[],"actions":[{"group":"default","id":"c1","params":{"message":"hunter2"},"action_type_id":".slack","uuid":"u","frequency":{"summary":true,"notifyWhen":"onActiveAlert","throttle":null}}]}
{"_version":"WzE=","created_at":"2026-01-01T10:00:00.000Z","created_by":"elastic","description":"items","id":"x","immutable":false,"list_id":"vpn","name":"VPN","namespace_type":"single","os_types":[],"tags":[],"type":"detection","version":1}
{"comments":[],"description":"","entries":[{"field":"host.name","operator":"included","type":"match","value":"secret-host"}],"id":"y","item_id":"i","list_id":"vpn","name":"one","namespace_type":"single","type":"simple"}
{"attributes":{"actionTypeId":".slack","config":{},"isMissingSecrets":true,"name":"Slack","secrets":{"webhookUrl":"https://hooks.example.org/hunter2"}},"id":"c1","managed":false,"references":[],"type":"action"}
{"exported_count":4,"exported_rules_count":1,"missing_rules":[],"missing_rules_count":0,"exported_exception_list_count":1,"exported_exception_list_item_count":1,"exported_action_connector_count":1}
`

// old is a rule as Kibana 7 exports it: with its status, without an id of a language, and with
// one field of a threshold.
const old = `{"created_at":"2020-01-01T10:00:00.000Z","id":"7a4c1a26-0d5a-4f0c-a7b5-0f6a1f0e3c12","immutable":false,"interval":"5m","rule_id":"old","output_index":".siem-signals-default","max_signals":100,"risk_score":21,"name":"Old","query":"event.code: 1","severity":"low","type":"threshold","from":"now-360s","to":"now","threshold":{"field":"host.name","value":200},"throttle":"no_actions","status":"succeeded","description":"d","version":1}`

func readText(t *testing.T, path, text string) []*deploy.Detection {
	t.Helper()
	ds, err := readFile(deploy.File{Path: path, Data: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

func TestReadExport(t *testing.T) {
	ds := readText(t, "export.ndjson", export+old+"\n")
	if len(ds) != 2 {
		t.Fatalf("%d rules are read", len(ds))
	}
	d := ds[0]
	if d.ID != sigmaID || d.Rule != sigmaID || d.Title != "Shell of a Web Server" || d.Query != "process where true" || d.Language != "eql" ||
		d.Enabled || d.Version != 7 || d.Pos != (ir.Pos{Line: 1, Column: 1}) {
		t.Errorf("%+v", d)
	}
	line, _, _ := strings.Cut(export, "\n")
	if got := line[d.QueryAt.Column-1:]; d.QueryAt.Line != 1 || !strings.HasPrefix(got, "process where true") {
		t.Errorf("the query stands at %v: %s", d.QueryAt, got)
	}
	want := []deploy.Setting{
		{Kind: "text", Name: "name", Value: "Shell of a Web Server"}, {Kind: "text", Name: "description", Value: "d"},
		{Kind: "scope", Name: "type", Value: "eql"}, {Kind: "scope", Name: "language", Value: "eql"}, {Kind: "scope", Name: "index", Value: "a-*, b-*"},
		{Kind: "scope", Name: "exceptions_list", Value: "vpn"},
		{Kind: "schedule", Name: "timestamp_override_fallback_disabled", Value: "false"}, {Kind: "schedule", Name: "interval", Value: "PT1H"},
		{Kind: "schedule", Name: "from", Value: "now-PT1H10M"}, {Kind: "schedule", Name: "to", Value: "now"},
		{Kind: "severity", Name: "severity", Value: "high"}, {Kind: "severity", Name: "risk_score", Value: "73"},
		{Kind: "suppression", Name: "max_signals", Value: "100"}, {Kind: "actions", Name: "actions", Value: ".slack"},
		{Kind: "text", Name: "tags", Value: "a, b"}, {Kind: "text", Name: "note", Value: "## Sigma\n\n- Sigma rule: " + sigmaID},
	}
	if !reflect.DeepEqual(d.Settings, want) {
		t.Errorf("%v\nwant\n%v", d.Settings, want)
	}
	if d := ds[1]; d.ID != "old" || d.Rule != "" || d.Language != "kuery" || !d.Enabled || d.Pos.Line != 6 {
		t.Errorf("%+v", d)
	}
	// Nothing of what else an export has is told.
	all := fmt.Sprintf("%+v %v %s", *d, audit(ds, deploy.Context{}), d.Own.(*rule).canonical())
	for _, secret := range []string{"hunter2", "secret-host", "kibana.example.org"} {
		if strings.Contains(all, secret) {
			t.Errorf("%s is told", secret)
		}
	}
}

// TestReadShapes holds that a rule is the same however it comes.
func TestReadShapes(t *testing.T) {
	line, _, _ := strings.Cut(export, "\n")
	pretty := strings.ReplaceAll(strings.ReplaceAll(line, `,"`, ",\n  \""), `{"`, "{\n  \"")
	want := readText(t, "export.ndjson", line)
	for name, c := range map[string]struct {
		text string
		n    int
	}{
		"one.json":      {pretty, 1},
		"find.json":     {`{"page":1,"perPage":20,"total":2,"data":[` + pretty + ",\n" + old + `]}`, 2},
		"list.json":     {"[" + line + "]", 1},
		"stream":        {pretty + "\n" + pretty, 2},
		"windows.json":  {"\ufeff" + line + "\r\n", 1},
		"prebuilt.json": {`{"attributes":` + line + `,"id":"x_1","type":"security-rule"}`, 1},
		"other.json":    {`{"type":"action","name":"x","attributes":{"rule_id":"no"}}`, 0},
		"numbers.json":  {`1 "x" null [true, {"a":[]}]`, 0},
		"empty.json":    {"", 0},
	} {
		ds := readText(t, name, c.text)
		if len(ds) != c.n {
			t.Errorf("%s: %d rules", name, len(ds))
			continue
		}
		if c.n > 0 && (!reflect.DeepEqual(ds[0].Settings, want[0].Settings) || ds[0].Query != want[0].Query || ds[0].Enabled != want[0].Enabled) {
			t.Errorf("%s: %+v", name, ds[0])
		}
	}
	if ds := readText(t, "find.json", `{"page":1,"data":[`+pretty+",\n"+old+`]}`); ds[1].Pos.Line != strings.Count(pretty, "\n")+2 || ds[1].Pos.Column != 1 {
		t.Errorf("the second rule stands at %v", ds[1].Pos)
	}
}

// TestReadSpellings holds that two spellings of one meaning are equal.
func TestReadSpellings(t *testing.T) {
	with := func(more string) []deploy.Setting {
		ds := readText(t, "x.ndjson", `{"rule_id":"r","name":"n","type":"query","query":"*",`+more+`}`)
		return ds[0].Settings
	}
	for _, c := range [][2]string{
		{`"interval":"60m","from":"now-70m"`, `"from":"now-4200s","interval":"1h"`},
		{`"interval":"5m","from":"now-6m","to":"now","max_signals":100,"language":"kuery"`, `"enabled":true`},
		{`"tags":["a","b"],"index":["x","y"]`, `"index":["y","x","x"],"tags":["b","a"]`},
		{`"references":[],"note":"","license":null,"threat":[],"actions":[],"throttle":"no_actions"`, `"version":3,"revision":1`},
		{`"max_signals":50`, `"max_signals":5.0e1`},
		{`"description":"a\r\nb\n"`, `"description":"a\nb"`},
		{`"filters":[{"a":1,"b":[2]}]`, `"filters":[{"b":[2],"a":1,"c":null}]`},
		{`"alert_suppression":{"group_by":["a","b"],"duration":{"value":60,"unit":"m"}}`, `"alert_suppression":{"missing_fields_strategy":"suppress","duration":{"unit":"h","value":1},"group_by":["b","a"]}`},
		{`"threat":[{"framework":"MITRE ATT&CK","tactic":{"id":"TA0002","name":"Execution","reference":"u"},"technique":[{"id":"T1059","name":"x","reference":"y"}]}]`,
			`"threat":[{"framework":"MITRE ATT&CK","technique":[{"id":"T1059"}],"tactic":{"id":"TA0002"}}]`},
		{`"required_fields":[{"name":"a","type":"keyword","ecs":true}]`, `"required_fields":[{"name":"a","type":"keyword"}]`},
	} {
		if a, b := with(c[0]), with(c[1]); !reflect.DeepEqual(a, b) {
			t.Errorf("%s is\n%v\nand %s\n%v", c[0], a, c[1], b)
		}
	}
	for _, c := range [][2]string{
		{`"interval":"60m"`, `"interval":"61m"`},
		{`"index":["x"]`, `"index":["y"]`},
		{`"exceptions_list":[{"list_id":"a"}]`, `"exceptions_list":[]`},
		{`"timestamp_override":"event.ingested"`, `"timestamp_override":null`},
	} {
		if a, b := with(c[0]), with(c[1]); reflect.DeepEqual(a, b) {
			t.Errorf("%s and %s are equal: %v", c[0], c[1], a)
		}
	}
}

func TestReadTOML(t *testing.T) {
	ds := readText(t, "x.toml", soundTOML+"# note = 1\nnote = \"\"\"a # b\n[rule.x]\ny = 1\"\"\"\n[rule.new_terms]\nfield = \"new_terms_fields\"\nvalue = [\"a\"]\n[[rule.new_terms.history_window_start]]\nfield = \"history_window_start\"\nvalue = \"now-14d\"\n")
	if len(ds) != 1 || ds[0].Query != "process where true\n" || ds[0].QueryAt != (ir.Pos{Line: 14, Column: 1}) || ds[0].Language != "eql" || !ds[0].Enabled {
		t.Fatalf("%+v", ds[0])
	}
	r := ds[0].Own.(*rule)
	if got := r.get("new_terms_fields").texts(); !reflect.DeepEqual(got, []string{"a"}) || r.get("history_window_start").text() != "now-14d" {
		t.Error(got, r.get("history_window_start"))
	}
	for key, want := range map[string]ir.Pos{"note": {Line: 22, Column: 8}, "severity": {Line: 19, Column: 12}, "index": {Line: 16, Column: 9}} {
		if got := r.get(key).at; got != want {
			t.Errorf("%s stands at %v, want %v", key, got, want)
		}
	}
	for query, want := range map[string]ir.Pos{`"a"`: {Line: 3, Column: 11}, `'a'`: {Line: 3, Column: 11}, `"""a"""`: {Line: 3, Column: 13}, `'''` + "\na" + `'''`: {Line: 4, Column: 1}} {
		ds := readText(t, "", "[rule]\nname = 'é'\n query = "+query+"\n")
		if len(ds) != 1 || ds[0].Query != "a" || ds[0].QueryAt != want {
			t.Errorf("%s: %+v", query, ds[0])
		}
	}
	if ds := readText(t, "version.toml", "[other]\nx = 1\n"); ds != nil {
		t.Error(ds)
	}
}

func TestReadFaults(t *testing.T) {
	line, _, _ := strings.Cut(export, "\n")
	for _, c := range []struct {
		path, text, want string
		rules            int
	}{
		{"x.ndjson", line + "\n" + line[:400], "x.ndjson:2:392: the file ends within a value: it is cut off", 1},
		{"x.ndjson", line + "\n{\"name\":hunter2}\n" + old, "x.ndjson:2:9: not JSON: invalid character 'h' looking for beginning of value", 2},
		{"x.ndjson", line + "\n{\"name\":\n{\"a\" \"b\"}\n" + old, "x.ndjson:2:9: the file ends within a value: it is cut off|x.ndjson:3:6: not JSON: invalid character '\"' after object key", 2},
		{"x.json", "{\n \"data\": [\n" + line + ",\n", "x.json:4:1: the file ends within a value: it is cut off", 1},
		{"x.json", strings.Repeat("[", 500), "x.json:1:103: a rule of more than 200000 values, or nested more than 100 times, is not read", 0},
		{"x.json", `{"rule_id":"r","name":"n","filters":[` + strings.Repeat("1,", maxValues) + "1]}", "x.json:1:400032: a rule of more than 200000 values, or nested more than 100 times, is not read", 0},
		{"x.toml", soundTOML[:len(soundTOML)/2], "x.toml:10:1: the file ends within a value: it is cut off", 0},
		{"x.toml", "[rule]\nname = hunter2\n", "x.toml:2:1: not TOML: expected value", 0},
		{"x.conf", "[a]\nsearch = x\nhunter two\n", "x.conf:2:1: neither JSON nor TOML: expected value", 0},
		{"x.toml", "name hunter2\n", "x.toml:1:1: not TOML: expected '.' or '='", 0},
		{"x.toml", "name = 1\nname = 2\n", "x.toml:2:1: not TOML", 0},
		{"x.toml", "[rule]\nx = " + strings.Repeat("[", 2000), "x.toml:2:1: nested too deeply", 0},
		{"x.toml", strings.Repeat("#", maxTOML+1), "x.toml:1:1: a file in TOML is one rule, and larger than 16 MB none is", 0},
	} {
		ds, err := readFile(deploy.File{Path: c.path, Data: []byte(c.text)})
		if err == nil || len(ds) != c.rules {
			t.Errorf("%.40s: %d rules, %v, want %s", c.text, len(ds), err, c.want)
			continue
		}
		if got := strings.ReplaceAll(err.Error(), "\n", "|"); !strings.HasPrefix(got, c.want) || strings.Contains(got, "hunter2") {
			t.Errorf("%.40s: %s, want %s", c.text, got, c.want)
		}
		var each interface{ Unwrap() []error }
		all := []error{err}
		if errors.As(err, &each) {
			all = each.Unwrap()
		}
		for _, e := range all {
			if d := (*ir.Diagnostic)(nil); !errors.As(e, &d) || d.Path != c.path || d.Pos.Line == 0 {
				t.Errorf("%v is no fault of a place", e)
			}
		}
	}
}

// BenchmarkRead compares the time for a byte of a large file with that of a file of a 32nd of
// its size: of linear time it is 1.
func BenchmarkRead(b *testing.B) {
	line, _, _ := strings.Cut(export, "\n")
	n := (1 << 20) / len(line)
	for name, text := range map[string]string{
		"lines.ndjson": strings.Repeat(line+"\n", n),
		"list.json":    `{"data":[` + strings.Repeat(line+",", n) + line + "]}",
		"text.json":    `{"rule_id":"r","name":"n","note":"` + strings.Repeat(`a\n`, 1<<20) + `"}`,
	} {
		b.Run(name, func(b *testing.B) {
			var took [2]time.Duration
			for b.Loop() {
				for i, part := range []string{text[:len(text)/32], text} {
					start := time.Now()
					_, _ = readFile(deploy.File{Path: name, Data: []byte(part)})
					took[i] += time.Since(start)
				}
			}
			b.ReportMetric(took[1].Seconds()/took[0].Seconds()/32, "x-part")
		})
	}
}

// FuzzRead holds that nothing makes reading or judging fail, and that places are in the file.
func FuzzRead(f *testing.F) {
	for _, s := range []string{export, old, soundJSON, soundTOML, `{"data":[{"rule_id":1,"name":{}}]}`, "[rule]\nname = \"a\"\nquery = 1\nthreat = [{}]", `{"rule_id":null,"type":"threshold","name":"x","threshold":{"field":[1],"cardinality":[1]},"alert_suppression":{"duration":1}}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ds, _ := readFile(deploy.File{Path: "x", Data: []byte(text)})
		lines := bytes.Count([]byte(text), []byte("\n")) + 1
		for _, x := range audit(ds, deploy.Context{Schema: closed{"a"}}) {
			if x.Pos.Line < 1 || x.Pos.Line > lines || x.Pos.Column < 1 {
				t.Errorf("%s stands at %v of %d lines", x.ID, x.Pos, lines)
			}
		}
		for _, d := range ds {
			if d.Query != "" && (d.QueryAt.Line < 1 || d.QueryAt.Line > lines+1) {
				t.Errorf("the query stands at %v of %d lines", d.QueryAt, lines)
			}
		}
	})
}
