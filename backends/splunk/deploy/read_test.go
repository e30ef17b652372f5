package deploy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sigmac/internal/deploy"
	"sigmac/ir"
)

// secret is what no message may hold.
const secret = "hunter2"

// served is what a server adds to a search.
var served = map[string]any{
	"action.email": false, "action.email.to": nil, "action.email.auth_password": secret, "action.script": "0", "alert.expires": "24h", "alert.managedBy": "",
	"dispatch.buckets": "0", "dispatch.ttl": "2p", "dispatch.index_earliest": "", "is_scheduled": true, "max_concurrent": 1, "next_scheduled_time": "2026-11-30 16:30:00 UTC",
	"qualifiedSearch": "search " + secret, "run_on_startup": false, "schedule_priority": "default", "triggered_alert_count": 5, "updated": "1970", "disabled": false,
	"alert_condition": "", "embed.enabled": "0", "vsid": nil, "schedule_window": "default", "schedule_as": "auto", "display.events.fields": `["host"]`,
}

// entryOf is a search as the endpoint saved/searches has it.
func entryOf(s *stanza) map[string]any {
	content := maps.Clone(served)
	var actions []string
	for key, v := range s.keys {
		for rest, conf := range restNames {
			if conf == key {
				key = rest
			}
		}
		content[key] = v.value
		switch name, ok := strings.CutPrefix(key, "action."); {
		case ok && !strings.Contains(name, ".") && v.value == "1":
			actions = append(actions, name)
			delete(content, key)
		case key == "is_scheduled" || key == "disabled" || key == "alert.suppress" || key == "is_visible":
			content[key] = v.value == "1"
		case key == "alert.severity":
			content[key] = int(v.value[0] - '0')
		case key == "alert.suppress.period":
			content[key] = "60m"
		}
	}
	content["actions"] = strings.Join(actions, ",")
	return map[string]any{"name": s.name, "id": "https://splunk:8089/servicesNS/nobody/sigma/saved/searches/x", "author": secret, "updated": "2026-11-30T15:00:00+00:00",
		"acl": map[string]any{"app": "sigma", "owner": "admin", "perms": map[string]any{"read": []string{"*"}}, "sharing": "app"}, "content": content, "links": map[string]any{"list": "/x"}}
}

func encoded(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// exports are the forms in which searches come back from a server.
func exports(t *testing.T, ds []*deploy.Detection) map[string][]byte {
	var entries, rows []any
	var lines, btool bytes.Buffer
	for _, d := range ds {
		s := d.Own.(*stanza)
		e := entryOf(s)
		row := maps.Clone(e["content"].(map[string]any))
		row["title"], row["eai:acl.app"] = s.name, "sigma"
		entries, rows = append(entries, e), append(rows, row)
		lines.Write(append(encoded(t, map[string]any{"preview": false, "result": row}), '\n'))
		const local, system = "/opt/splunk/etc/apps/sigma/local/savedsearches.conf  ", `C:\Program Files\Splunk\etc\system\default\savedsearches.conf `
		fmt.Fprintf(&btool, "%s[%s]\n%saction.email = 0\n%sdispatch.ttl = 2p\n", local, s.name, system, system)
		for key, v := range s.keys {
			fmt.Fprintf(&btool, "%s%s = %s\n", local, key, v.value)
		}
	}
	return map[string][]byte{
		"entries.json": encoded(t, map[string]any{"links": map[string]any{"create": "/x"}, "origin": "https://splunk:8089", "entry": entries, "paging": map[string]any{"total": len(entries)}, "messages": []any{}}),
		"list.json":    encoded(t, entries),
		"pages.json":   append(encoded(t, map[string]any{"entry": entries[:1]}), encoded(t, map[string]any{"entry": entries[1:]})...),
		"one.json":     append(append(encoded(t, entries[0]), '\n'), encoded(t, entries[1:])...),
		"rows.json":    encoded(t, map[string]any{"preview": false, "results": rows}),
		"lines.json":   lines.Bytes(),
		"btool.txt":    btool.Bytes()[:0],
		"btool.out":    btool.Bytes(),
	}
}

// TestExports holds that what a server exports of a search says the same as its package.
func TestExports(t *testing.T) {
	for _, mode := range []string{scheduled, correlation} {
		rs := rules()
		rs[1].Query = "index=windows EventCode=4625\n| stats count by TargetUserName IpAddress\n| where count >= 10"
		rs[1].Plan.SuppressFor /= 4
		files, _ := writeSearches(rs, options("mode", mode))
		want := all(t, files)
		for name, data := range exports(t, want) {
			got := all(t, []deploy.File{{Path: name, Data: data}})
			if name == "btool.txt" {
				if len(got) != 0 {
					t.Error("an empty file has searches")
				}
				continue
			}
			if len(got) != len(want) {
				t.Fatalf("%s: %d searches of %d", name, len(got), len(want))
			}
			for i, d := range got {
				w := want[i]
				if d.Query != w.Query || d.ID != w.ID || d.Rule != w.Rule || d.Version != w.Version || d.Enabled != w.Enabled {
					t.Errorf("%s: %+v, want %+v", name, d, w)
				}
				if !reflect.DeepEqual(d.Settings, w.Settings) {
					t.Errorf("%s: %v, want %v", name, d.Settings, w.Settings)
				}
				if d.Pos.Line == 0 || d.QueryAt.Line == 0 {
					t.Errorf("%s: %v %v", name, d.Pos, d.QueryAt)
				}
			}
			if found := audit(got, deploy.Context{}); slices.ContainsFunc(found, func(f deploy.Finding) bool { return f.ID != "splunk/multi-line" }) {
				t.Errorf("%s: %v", name, found)
			}
		}
	}
}

// TestSpellings holds that two spellings of one meaning are one.
func TestSpellings(t *testing.T) {
	read := func(text string) *deploy.Detection {
		return all(t, []deploy.File{{Path: "x.conf", Data: []byte(text)}})[0]
	}
	for _, c := range []struct{ a, b string }{
		{"cron_schedule = */30 * * * *", "cron_schedule=0,30  * * * *"},
		{"dispatch.earliest_time = -60m", "dispatch.earliest_time = -1h"},
		{"dispatch.earliest_time = -1d@d", "dispatch.earliest_time = -24hours@day"},
		{"dispatch.latest_time = now", "dispatch.latest_time = now()"},
		{"realtime_schedule = true", ""},
		{"counttype = Number of Events\nrelation = greater than\nquantity = 0", "quantity=0\ncounttype=number of events\nrelation = Greater Than"},
		{"counttype = always\nrelation = greater than", ""},
		{"alert.severity = 3\nschedule_window = 0\nallow_skew = 0\nalert.digest_mode = yes\nalert.track = AUTO", ""},
		{"alert.suppress = 0\nalert.suppress.period = 5m", "alert.suppress = false"},
		{"alert.suppress = 1\nalert.suppress.period = 3600\nalert.suppress.fields = a,b", "alert.suppress = true\nalert.suppress.period = 1h\nalert.suppress.fields = b, a,a"},
		{"action.email = 1\naction.email.to = x@example.org", "action.email = true\naction.email.to = y@example.org\naction.script = 0"},
		{"action.risk = 1\naction.risk.param._risk = [{\"risk_object_field\":\"a\",\"risk_object_type\":\"user\",\"risk_score\":5},{\"threat_object_field\":\"b\",\"threat_object_type\":\"url\"}]",
			"action.risk = 1\naction.risk.param._risk = [ {\"threat_object_type\": \"url\", \"threat_object_field\": \"b\"}, {\"risk_score\": \"5\", \"risk_object_type\": \"user\", \"risk_object_field\": \"a\"} ]"},
		{"description = a  b\\\n c", "description = a b c"},
		{"alert.expires = 24h\nnext_scheduled_time = x\ndispatch.ttl = 10", ""},
	} {
		a, b := read("[x]\nsearch = y\n"+c.a), read("[x]\nsearch = y\n"+c.b)
		if !reflect.DeepEqual(a.Settings, b.Settings) {
			t.Errorf("%q is %v and %q is %v", c.a, a.Settings, c.b, b.Settings)
		}
		if c.a != "" && reflect.DeepEqual(a.Settings, read("[z]\nsearch = y\n"+c.a).Settings) {
			t.Error("the name says nothing")
		}
	}
	for _, c := range []struct{ a, b string }{
		{"cron_schedule = */30 * * * *", "cron_schedule = */20 * * * *"}, {"dispatch.earliest_time = -60m", "dispatch.earliest_time = -60m@m"},
		{"dispatch.latest_time = now", ""}, {"alert.severity = 4", ""}, {"action.email = 1", ""}, {"realtime_schedule = 0", ""}, {"alert.track = 1", ""},
		{"alert.digest_mode = 0", ""}, {"description = x", ""}, {"counttype = custom\nalert_condition = a", "counttype = custom\nalert_condition = b"},
		{"dispatch.earliest_time = 1", "dispatch.earliest_time = -1"}, {"dispatch.earliest_time = -1mon", "dispatch.earliest_time = -1m"},
	} {
		if a, b := read("[x]\nsearch = y\n"+c.a), read("[x]\nsearch = y\n"+c.b); reflect.DeepEqual(a.Settings, b.Settings) {
			t.Errorf("%q and %q are %v", c.a, c.b, a.Settings)
		}
	}
}

// TestForeign holds what packages of others are read as.
func TestForeign(t *testing.T) {
	const sigmaCLI = "[default]\ndispatch.earliest_time = -30d\ndispatch.latest_time = now\n\n[A title]\ndescription = What it is\nsearch = index=a \\\nb=1 \\\n[ search c ]\n\n[B]\nsearch=d\ndispatch.latest_time = -1h\n"
	ds := all(t, []deploy.File{{Path: "savedsearches.conf", Data: []byte(sigmaCLI)}})
	if len(ds) != 2 || ds[0].Query != "index=a \nb=1 \n[ search c ]" || ds[0].Enabled || value(ds[0], "dispatch.earliest_time") != "-P30D" || value(ds[1], "dispatch.latest_time") != "-PT1H" ||
		ds[1].Pos.Line != 11 || ds[0].QueryAt != (ir.Pos{Line: 7, Column: 10}) || ds[0].Rule != "" {
		t.Errorf("%+v", ds)
	}
	const contentctl = "### APP DETECTIONS ###\n\n[ESCU - X - Rule]\naction.escu = 0\naction.escu.enabled = 1\naction.correlationsearch.enabled = 1\naction.correlationsearch.annotations = {\"analytic_story\": [\"a\"], \"mitre_attack\": [\"T1003\"]}\n" +
		"action.correlationsearch.metadata = {\"deprecated\": \"0\", \"detection_id\": \"EC570E53-4c76-45a9-804d-dc3f355ff7a7\", \"detection_version\": \"12\"}\nenableSched = 1\ndisabled = true\ncron_schedule = 0 * * * *\nsearch = | tstats count \\\n from datamodel=X\n### END ###"
	ds = all(t, []deploy.File{{Path: "default/savedsearches.conf", Data: []byte(contentctl)}})
	if len(ds) != 1 || ds[0].Rule != "ec570e53-4c76-45a9-804d-dc3f355ff7a7" || ds[0].Version != 12 || ds[0].Enabled || value(ds[0], "mitre_attack") != "T1003" || value(ds[0], "actions") != "" {
		t.Errorf("%+v", ds)
	}
	for name, text := range map[string]string{
		"app/default/app.conf": "[launcher]\nversion = 1.0.0\nsearch = x", "app/metadata/default.meta": "[]\nexport = system", "app/lookups/a.csv": "search\nx", "app/README.md": "[",
		"a.conf": "[a]\ndescription = no search\n[_ACCELERATE_x]\nsearch = y", "empty.json": "", "b.json": "[]", "c.json": `{"entry":[]}`,
		"report.json": `{"entry":[{"name":"Errors of a day","content":{"search":"error","is_scheduled":false,"cron_schedule":""}}]}`,
	} {
		if ds := all(t, []deploy.File{{Path: name, Data: []byte(text)}}); len(ds) != 0 {
			t.Errorf("%s has %+v", name, ds)
		}
	}
	// A search that was switched off is there all the same.
	off := `{"entry":[{"name":"x","content":{"search":"error","is_scheduled":"0","cron_schedule":"0 * * * *"}}]}`
	if ds := all(t, []deploy.File{{Path: "x.json", Data: []byte(off)}}); len(ds) != 1 || ds[0].Enabled {
		t.Errorf("%+v", ds)
	}
	bom := all(t, []deploy.File{{Path: "x.conf", Data: []byte("\ufeff[x]\r\nsearch = y\r\n")}, {Path: "x", Data: []byte("\ufeff \n{\"name\":\"n\",\n  \"content\": {\n\"search\":\"é\", \"is_scheduled\":1}}")}})
	if len(bom) != 2 || bom[0].Query != "y" || bom[1].Query != "é" || bom[1].QueryAt != (ir.Pos{Line: 4, Column: 10}) || bom[1].Pos != (ir.Pos{Line: 2, Column: 1}) {
		t.Errorf("%+v", bom[1])
	}
}

// TestFaults holds what is said of files that are broken, and where; and nothing of what they hold.
func TestFaults(t *testing.T) {
	long := strings.Repeat("[x]\n"+secret+"\n", 300)
	for _, c := range []struct{ path, text, want string }{
		{"x.conf", "[a]\nsearch = " + secret + "\\", "x.conf:2:18: the file ends within a value: it is cut off"},
		{"x.conf", "[a]\nsearch = b\n[" + secret, "x.conf:3:1: the file ends within the name of a stanza: it is cut off"},
		{"x.conf", "[a]\nsearch = b\n" + secret, "x.conf:3:1: the file ends within a setting: it is cut off"},
		{"x.conf", "[a\nsearch = b\n  " + secret + "\n", "x.conf:1:1: the name of a stanza ends in ]\nx.conf:3:3: a setting is NAME = VALUE"},
		{"x.conf", "\xff\xfe[\x00", "x.conf:1:1: the file is in UTF-16; UTF-8 is expected"},
		{"x.tgz", "\x1f\x8b" + secret, "x.tgz: the file is an archive; unpack it, and read the files within"},
		{"x.json", `{"entry":[{"name":"` + secret + `","content":{"search":"` + secret, "x.json:1:57: the file ends in the middle: it is cut off"},
		{"x.json", `{"entry":[{"name":"a"}`, "x.json:1:23: the file ends in the middle: it is cut off"},
		{"x.json", "{\"entry\":[\n{\"name\":" + secret + "}]}", "x.json:2:9: this is no JSON of saved searches"},
		{"x.json", "{\"entry\":\n \"" + secret + "\"}", "x.json:2:11: this is no JSON of saved searches"},
		{"x.json", "[1]", "x.json:1:3: this is no JSON of saved searches"},
		{"x.json", `"` + secret + `"`, "x.json:1:10: this is no JSON of saved searches"},
		{"x.json", "[a]\nsearch = x", "x.json:1:2: this is no JSON of saved searches"},
	} {
		ds, err := readFile(deploy.File{Path: c.path, Data: []byte(c.text)})
		if err == nil || err.Error() != c.want || ds != nil {
			t.Errorf("%q: %v, want %s", c.text, err, c.want)
			continue
		}
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%q: the message has a secret", c.text)
		}
		for _, e := range faultsOf(err) {
			if d := (*ir.Diagnostic)(nil); !errors.As(e, &d) || d.Source != "splunk" {
				t.Errorf("%q: %#v", c.text, e)
			}
		}
	}
	if _, err := readFile(deploy.File{Path: "x.conf", Data: []byte(long)}); len(faultsOf(err)) != maxFaults {
		t.Error(len(faultsOf(err)))
	}
}

func faultsOf(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}

// FuzzRead holds that no file of others stops the reader, and that what it reads is judged.
func FuzzRead(f *testing.F) {
	files, _ := writeApp(rules(), options("mode", correlation))
	for _, x := range files {
		f.Add("x.conf", x.Data)
		f.Add("x", x.Data)
	}
	for _, h := range hostile {
		f.Add("x", []byte(h))
	}
	f.Add("x.json", []byte(`{"entry":[{"name":"x","acl":{"app":1},"content":{"search":"a","is_scheduled":null,"result":{"x":[1]},"alert_type":"always","actions":"a,b"}}]} []`))
	f.Fuzz(func(t *testing.T, path string, data []byte) {
		ds, err := readFile(deploy.File{Path: path, Data: data})
		if err != nil {
			for _, e := range faultsOf(err) {
				if d := (*ir.Diagnostic)(nil); !errors.As(e, &d) || d.Path != path {
					t.Errorf("%#v", e)
				}
			}
			return
		}
		for _, f := range audit(ds, deploy.Context{Folder: []deploy.File{{Path: "a/default/app.conf", Data: data}}}) {
			if f.Msg == "" || f.ID == "" {
				t.Errorf("%+v", f)
			}
		}
	})
}

// BenchmarkRead reads files of several sizes, in one line and in many: the speed is the same.
func BenchmarkRead(b *testing.B) {
	for _, n := range []int{100, 1000, 10000} {
		var rs []*deploy.Rule
		for i := range n {
			rs = append(rs, rule(func(r *deploy.Rule) { r.Title = fmt.Sprint(i) }))
		}
		files, _ := writeSearches(rs, options())
		ds, err := readFile(files[0])
		if err != nil {
			b.Fatal(err)
		}
		var entries []any
		for _, d := range ds {
			entries = append(entries, entryOf(d.Own.(*stanza)))
		}
		data, err := json.Marshal(map[string]any{"entry": entries})
		if err != nil {
			b.Fatal(err)
		}
		for _, f := range []deploy.File{files[0], {Path: "x.json", Data: data}} {
			b.Run(fmt.Sprintf("%s/%d", f.Path, n), func(b *testing.B) {
				b.SetBytes(int64(len(f.Data)))
				for b.Loop() {
					if got, err := readFile(f); err != nil || len(got) != n {
						b.Fatal(len(got), err)
					}
				}
			})
		}
	}
}
