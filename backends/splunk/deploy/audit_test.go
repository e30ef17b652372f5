package deploy

import (
	"os"
	"slices"
	"strings"
	"testing"

	"sigmac/internal/deploy"
	"sigmac/ir"
)

// with is a search with which nothing is wrong, with other settings; `-key` takes one away.
func with(changes ...string) string {
	keys := map[string]string{"search": "index=a user=b", "enableSched": "1", "disabled": "0", "cron_schedule": "7 * * * *", "dispatch.earliest_time": "-70m@m", "dispatch.latest_time": "-10m@m",
		"realtime_schedule": "0", "schedule_window": "auto", "counttype": "number of events", "relation": "greater than", "quantity": "0", "alert.severity": "4", "alert.track": "1"}
	name := "A name"
	for _, c := range changes {
		key, v, set := strings.Cut(c, "=")
		switch {
		case key == "name":
			name = v
		case set:
			keys[key] = v
		default:
			delete(keys, strings.TrimPrefix(key, "-"))
		}
	}
	s := &stanza{name: name, keys: map[string]setting{}}
	for key, v := range keys {
		s.set(key, v)
	}
	var b strings.Builder
	s.write(&b)
	return b.String()
}

// es is the same of Enterprise Security.
func es(changes ...string) string {
	return with(append([]string{"action.correlationsearch.enabled=1", "action.correlationsearch.label=A name", `action.correlationsearch.annotations={"mitre_attack":["T1059.001"]}`,
		"action.notable=1", "action.notable.param.rule_title=A $user$", "action.notable.param.security_domain=threat", "action.notable.param.severity=high", "action.notable.param.nes_fields=user",
		"action.risk=1", `action.risk.param._risk=[{"risk_object_field":"user","risk_object_type":"user","risk_score":50},{"threat_object_field":"url","threat_object_type":"url"}]`, "action.risk.param._risk_message=$user$"}, changes...)...)
}

const counted = "search=index=a | stats count by user url"

// model is a schema with one dataset.
type model struct{}

func (model) Type(table, field string) (ir.Type, bool) {
	if table == "Endpoint.Processes" && (field == "_time" || field == "Processes.user") {
		return ir.Text, true
	}
	return ir.Unknown, true
}

// TestChecks holds what each check finds, and what it passes over.
func TestChecks(t *testing.T) {
	app := []deploy.File{
		{Path: "x/default/app.conf", Data: []byte("[launcher]\nversion = 1.0.0\n[package]\nid = x\n[id]\nname = x\nversion = 1.0.0\n")},
		{Path: "x/default/macros.conf", Data: []byte("[here]\ndefinition = a\n[with(2)]\ndefinition = b\n")},
		{Path: "x/default/transforms.conf", Data: []byte("[table]\nfilename = t.csv\n")},
		{Path: "x/lookups/t.csv", Data: []byte("a\nb\n")},
	}
	appOf := func(text string) []deploy.File {
		return []deploy.File{{Path: "x/default/app.conf", Data: []byte(text)}}
	}
	risk := func(objects string) string { return "action.risk.param._risk=" + objects }
	cases := map[string]struct {
		find, pass []string
		folder     []deploy.File
		apps       map[bool][]string // of app.conf
	}{
		"splunk/action-none":       {find: []string{with("-alert.track"), with("alert.track=0", "action.email=0"), with("alert.track=auto")}, pass: []string{with("alert.track=0", "action.email=1"), with("alert.track=true"), with("-alert.track", "counttype=always")}},
		"splunk/all-time":          {find: []string{with("-dispatch.earliest_time"), with("-dispatch.earliest_time", "search=| tstats count from datamodel=A.B by x")}, pass: []string{with("-dispatch.earliest_time", "search=index=a earliest=-1h"), with("-dispatch.earliest_time", "dispatch.index_earliest=-1h"), with("-dispatch.earliest_time", "search=| inputlookup x.csv")}},
		"splunk/annotations":       {find: []string{es("action.correlationsearch.annotations=[1"), es(`action.correlationsearch.annotations={"mitre_attack":["x"]}`), es(`action.correlationsearch.annotations={"mitre_attack":"T1059"}`)}, pass: []string{es(), es("-action.correlationsearch.annotations"), with("action.correlationsearch.annotations=[")}},
		"splunk/cloud-action":      {find: []string{with("action.script.filename=x.sh"), with("action.populate_lookup=1")}, pass: []string{with("action.populate_lookup=0"), with("action.script=0")}},
		"splunk/cloud-text":        {find: []string{with(`search=CommandLine="*rm -rf /var*"`), with("description=finds rm -rf"), with(`search=a="'rm', '-rf'"`)}, pass: []string{with("search=a=rm -r")}},
		"splunk/real-time-search":  {find: []string{with("dispatch.earliest_time=rt-5m", "dispatch.latest_time=rt"), with("dispatch.latest_time=rt")}, pass: []string{with(), with("dispatch.latest_time=rt", "enableSched=0")}},
		"splunk/too-often":         {find: []string{with("cron_schedule=* * * * *"), with("cron_schedule=*/4 0 * * *")}, pass: []string{with("cron_schedule=*/5 * * * *")}},
		"splunk/command-writes":    {find: []string{with("search=index=a | outputlookup x.csv"), with("search=index=a [search b | sendemail to=x]"), with("search=| delete"), with(`search=index=a | append [search b | append [search c | collect index=x]]`)}, pass: []string{with("search=index=a delete"), with(`search=index=a x="| delete"`), with(`search=index=a x="[search a | delete]"`), with("search=index=a ```| delete```")}},
		"splunk/command-risky":     {find: []string{with("search=index=a | map search=\"x\""), with("search=index=a | fit y from z")}, pass: []string{with("search=index=a map"), with()}},
		"splunk/control-character": {find: []string{with("search=a\x01b"), with("search=a\xffb"), with("search=a\u202eb")}, pass: []string{with("search=a\tb é")}},
		"splunk/cron":              {find: []string{with("cron_schedule=@daily"), with("-cron_schedule"), with("cron_schedule=0 0 * * MON")}, pass: []string{with("cron_schedule=0,30 * * * *"), with("-cron_schedule", "enableSched=0")}},
		"splunk/default-stanza":    {find: []string{"[default]\nis_visible = 1\n" + with(), "is_visible = 1\n" + with()}, pass: []string{"[default]\n" + with(), with()}},
		"splunk/duplicate-name":    {find: []string{with() + with(), with() + "[A name]\ndescription = x\n"}, pass: []string{with() + with("name=Other")}},
		"splunk/duplicate-setting": {find: []string{with() + "search = x\n"}, pass: []string{with()}},
		"splunk/enable-sched":      {find: []string{with("enableSched=true"), with("enableSched=yes")}, pass: []string{with("enableSched=0"), with("-enableSched")}},
		"splunk/entity-column":     {find: []string{es("search=index=a | stats count by user"), es("search=index=a | table url")}, pass: []string{es(counted), es(), es("search=index=a `m` | stats count by user"), es(`search=| tstats count from datamodel=A.B where A.c="x" by user, url _time span=1s`)}},
		"splunk/expires":           {find: []string{with("alert.expires=soon")}, pass: []string{with("alert.expires=24h")}},
		"splunk/field": {find: []string{with(`search=| tstats count from datamodel=Endpoint.Processes where Processes.usr="x" by _time span=1s`)},
			pass: []string{with(`search=| tstats count from datamodel=Endpoint.Processes where Processes.user="x" by _time span=1s`), with(`search=| tstats count from datamodel=Own.Model where Model.x="y" by _time span=1s`), with("search=usr=x")}},
		"splunk/gap":            {find: []string{with("dispatch.earliest_time=-50m@m"), with("cron_schedule=0 */2 * * *"), with("dispatch.earliest_time=-1h", "dispatch.latest_time=-1m")}, pass: []string{with(), with("dispatch.earliest_time=-1h", "-dispatch.latest_time"), with("dispatch.earliest_time=-50m@m", "dispatch.index_earliest=-60m"), with("dispatch.earliest_time=@d", "dispatch.latest_time=now"), with("dispatch.earliest_time=-1mon"), with("cron_schedule=0 0 1 * 1")}},
		"splunk/line-end":       {find: []string{with(`search=a=C:\`), with("search=a \\\n| where b")}, pass: []string{with(`search=a="C:\\"`), with("search=a\n| where b")}},
		"splunk/lookup":         {folder: app, find: []string{with("search=| inputlookup other.csv"), with("search=index=a | lookup other k AS v"), with("search=index=a [| inputlookup append=t other.csv | fields a]")}, pass: []string{with("search=| inputlookup t.csv"), with("search=index=a | lookup table k AS v"), with("search=index=a other.csv")}},
		"splunk/macro":          {folder: app, find: []string{with("search=index=a `other`"), with("search=index=a `here(1)` `other(x)`")}, pass: []string{with("search=index=a `here` | where `with(1,2)`"), with("search=index=a \"`other`\"")}},
		"splunk/multi-line":     {find: []string{with("search=a\n| where b")}, pass: []string{with()}},
		"splunk/name":           {find: []string{"[a[b]]\nsearch = x\n", "[ a]\nsearch = x\n", "[]\nsearch = x\n", "[DEFAULT]\nsearch = x\n", "[a\u200bb]\nsearch = x\n"}, pass: []string{with("name=A (b) - {c} = #")}},
		"splunk/name-length":    {find: []string{es("name=" + strings.Repeat("é", 100)), es("name=" + strings.Repeat("x", 82)), es("action.correlationsearch.label=" + strings.Repeat("x", 100))}, pass: []string{es("name=" + strings.Repeat("é", 81)), with("name=" + strings.Repeat("x", 200))}},
		"splunk/no-risk-object": {find: []string{es(risk("[]")), es(risk(`[{"threat_object_field":"url","threat_object_type":"url"}]`)), es("-action.risk.param._risk")}, pass: []string{es(), es("-action.risk.param._risk", "action.risk.param._risk_object=user"), es(risk("[]"), "action.risk=0")}},
		"splunk/not-scheduled":  {find: []string{with("enableSched=0"), with("-enableSched")}, pass: []string{with(), with("enableSched=0", "disabled=1")}},
		"splunk/notable":        {find: []string{es("action.notable.param.severity=urgent"), es("action.notable.param.security_domain=cloud"), es("-action.notable.param.rule_title")}, pass: []string{es(), with("action.notable.param.severity=urgent")}},
		"splunk/notable-column": {find: []string{es(counted, "action.notable.param.nes_fields=user,dest")}, pass: []string{es(counted), es("action.notable.param.nes_fields=user,dest")}},
		"splunk/real-time":      {find: []string{with("-realtime_schedule"), with("realtime_schedule=true")}, pass: []string{with("realtime_schedule=false"), with("-realtime_schedule", "enableSched=0")}},
		"splunk/risk": {find: []string{es(risk("x")), es(risk(`[{"risk_object_field":"user","risk_object_type":"host","risk_score":50}]`)), es(risk(`[{"risk_object_field":"user","risk_object_type":"user","risk_score":0}]`)),
			es(risk(`[{"risk_object_field":"user","risk_object_type":"user","risk_score":101}]`)), es(risk(`[{"threat_object_field":"user","threat_object_type":"host"}]`))}, pass: []string{es(), with(risk("x"))}},
		"splunk/schedule-window": {find: []string{with("schedule_window=soon"), with("schedule_window=60"), with("schedule_priority=higher")}, pass: []string{with("schedule_window=59"), with("schedule_window=0", "schedule_priority=higher"), with("-schedule_window", "schedule_priority=higher")}},
		"splunk/severity":        {find: []string{with("alert.severity=7"), with("alert.severity=high"), with("alert.severity=0")}, pass: []string{with("alert.severity=1"), with("-alert.severity")}},
		"splunk/suppress":        {find: []string{with("alert.suppress=1"), with("alert.suppress=1", "alert.suppress.period=long"), with("alert.suppress=1", "alert.suppress.period=1h", "alert.digest_mode=0")}, pass: []string{with("alert.suppress=0"), with("alert.suppress=1", "alert.suppress.period=60"), with("alert.suppress=1", "alert.suppress.period=1h", "alert.digest_mode=0", "alert.suppress.fields=user")}},
		"splunk/suppress-column": {find: []string{with(counted, "alert.suppress=1", "alert.suppress.period=1h", "alert.suppress.fields=user, host")}, pass: []string{with(counted, "alert.suppress=1", "alert.suppress.period=1h", "alert.suppress.fields=user, url"), with("alert.suppress=1", "alert.suppress.period=1h", "alert.suppress.fields=host"), with(counted, "alert.suppress.fields=host")}},
		"splunk/time-range":      {find: []string{with("dispatch.earliest_time=-5m@m"), with("dispatch.earliest_time=now"), with("dispatch.earliest_time=-1h@h", "dispatch.latest_time=-1h@h")}, pass: []string{with(), with("dispatch.earliest_time=0"), with("dispatch.earliest_time=-1h@h", "dispatch.latest_time=@h")}},
		"splunk/token":           {find: []string{es(counted, "action.notable.param.rule_title=x $host$"), es(counted, "action.notable.param.rule_description=$result.host$"), es(counted, "action.risk.param._risk_message=$host$")}, pass: []string{es(counted, "action.notable.param.rule_title=$name$ $user$ costs $5 or $6"), es("action.notable.param.rule_title=$host$"), es(counted, "action.notable.param.rule_title=$job.sid$ $info_min_time$")}},
		"splunk/trigger":         {find: []string{with("counttype=events"), with("-relation"), with("quantity=many"), with("counttype=custom"), with("relation=over")}, pass: []string{with("counttype=always", "-relation", "-quantity"), with("counttype=custom", "alert_condition=search x"), with("relation=rises by", "quantity=10%")}},
		"splunk/app": {apps: map[bool][]string{
			true:  {"[launcher]\nauthor = x\n", "[launcher]\nversion = 1\n", "[launcher]\nversion = 1.0.0\n[package]\nid = y\n", "[launcher]\nversion = 1.0.0\n[id]\nname = y\n", "[launcher"},
			false: {"[launcher]\nversion = 1.0.0\n[package]\nid = x\n", "[id]\nversion = 1.2.3-beta\nname = x\n"}}},
	}
	written, err := os.ReadFile("write_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, check := range checks {
		c, judged := cases[check.ID]
		if check.What == "" || check.Source == "" || !slices.Contains([]string{asError, asWarn, asNote}, check.Severity) {
			t.Errorf("%+v", check)
		}
		if told := strings.Contains(string(written), check.ID); !judged && !told {
			t.Errorf("nothing tries %s", check.ID)
		}
		found := func(text string, folder []deploy.File) bool {
			ds, err := readFile(deploy.File{Path: searchesFile, Data: []byte(text)})
			if err != nil {
				t.Fatalf("%s\n%s", err, text)
			}
			i := slices.IndexFunc(audit(ds, deploy.Context{Folder: folder, Schema: model{}}), func(f deploy.Finding) bool {
				if f.Check != checkOf(f.ID) || f.Msg == "" || f.Path != searchesFile && f.ID != "splunk/app" || f.ID != "splunk/app" && f.Pos.Line == 0 {
					t.Errorf("%+v", f)
				}
				return f.ID == check.ID
			})
			return i >= 0
		}
		for _, text := range c.find {
			if !found(text, c.folder) {
				t.Errorf("%s does not find\n%s", check.ID, text)
			}
		}
		for _, text := range c.pass {
			if found(text, c.folder) {
				t.Errorf("%s finds\n%s", check.ID, text)
			}
		}
		for want, texts := range c.apps {
			for _, text := range texts {
				if found(with(), appOf(text)) != want {
					t.Errorf("%s: want %v of\n%s", check.ID, want, text)
				}
			}
		}
		if judged && len(c.apps) == 0 && (len(c.find) == 0 || len(c.pass) == 0) {
			t.Errorf("%s is not tried both ways", check.ID)
		}
	}
	for id := range cases {
		if !slices.ContainsFunc(checks, func(c deploy.Check) bool { return c.ID == id }) {
			t.Errorf("%s is no check", id)
		}
	}
	for _, text := range []string{with(), es()} {
		ds := all(t, []deploy.File{{Path: searchesFile, Data: []byte(text)}})
		if found := audit(ds, deploy.Context{Folder: app}); len(found) > 0 {
			t.Errorf("%v\n%s", found, text)
		}
	}
}

// TestPlaces holds where findings are.
func TestPlaces(t *testing.T) {
	const text = "[a]\nsearch = index=x | sendemail to=y\nenableSched = 1\ncron_schedule = never\nrealtime_schedule = 0\nalert.track = 1\ndispatch.earliest_time = -1h\n"
	ds := all(t, []deploy.File{{Path: "x.conf", Data: []byte(text)}})
	found := audit(ds, deploy.Context{})
	if len(found) != 2 || found[0].Pos != (ir.Pos{Line: 2, Column: 20}) || found[1].Pos != (ir.Pos{Line: 4, Column: 17}) || found[0].Detection != "a" {
		t.Errorf("%+v", found)
	}
	// Two apps of a server may have searches of one name, and one app may not.
	for app, want := range map[string]string{"b": "", "a": "splunk/duplicate-name"} {
		export := `{"entry":[{"name":"x","acl":{"app":"a"},"content":{"search":"y","cron_schedule":"0 * * * *","disabled":true}},{"name":"x","acl":{"app":"` + app + `"},"content":{"search":"y","cron_schedule":"0 * * * *","disabled":true}}]}`
		if got := ids(audit(all(t, []deploy.File{{Path: "x.json", Data: []byte(export)}}), deploy.Context{})); got != want {
			t.Errorf("%s: %q", app, got)
		}
	}
}

// TestResults holds which columns the results of a search have, where that is known.
func TestResults(t *testing.T) {
	for search, want := range map[string]string{
		"index=a":                                          "?",
		"index=a | eval x=1":                               "?",
		"index=a | table user host":                        "user host",
		"index=a | stats count by x":                       "x count",
		"index=a | stats count AS n by x y":                "x y n",
		"index=a | stats values(*) as * by x":              "?",
		"index=a | stats count by x | lookup l x OUTPUT y": "?",
		"index=a | stats count by x | rename x as z | eval q=1 | where q>0": "z count q",
		"index=a | fields - x":   "?",
		"`m` | stats count by x": "?",
		`| tstats summariesonly=false fillnull_value="null" count min(_time) as firstTime max(_time) as lastTime from datamodel=A.B where A.x="by y" by A.x, A.y _time span=1s`: "count firstTime lastTime A.x A.y _time",
		"| tstats count from datamodel=A.B where A.x=1":              "?",
		"| tstats count from datamodel=A.B by A.x | rename A.x as x": "?",
		"| tstats `summariesonly` count from datamodel=A.B by A.x":   "?",
		"|": "?",
	} {
		columns, known := results(search, anyColumn{})
		got := "?"
		if known {
			slices.Sort(columns)
			got = strings.Join(columns, " ")
			w := strings.Fields(want)
			slices.Sort(w)
			want = strings.Join(w, " ")
		}
		if got != want {
			t.Errorf("%s: %s, want %s", search, got, want)
		}
	}
}

// TestAppNames holds which names an app can have.
func TestAppNames(t *testing.T) {
	for name, want := range map[string]bool{"sigma_detections": true, "A-1.b": true, "TA-sigma": true, "": false, "1a": false, "a b": false, "../a": false, "a/b": false, "a.": false, "a.tgz": false,
		"CON": false, "search": false, "splunk_metrics": false, "a\n": false, "searching": true} {
		if appName(name) != want {
			t.Errorf("%q is %v", name, !want)
		}
	}
}
