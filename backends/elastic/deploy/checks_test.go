package deploy

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sigmac/internal/deploy"
	"sigmac/ir"
)

// soundJSON is a rule with which nothing is wrong, and soundTOML one of the repository.
const (
	soundJSON = `{"rule_id":"r1","name":"One","description":"d","type":"eql","language":"eql","query":"process where process.name == \"a\"","index":["logs-*"],
"interval":"5m","from":"now-10m","timestamp_override":"event.ingested","severity":"high","risk_score":73,"max_signals":100,"enabled":true}`
	soundTOML = `[metadata]
creation_date = "2024/01/31"
updated_date = "2024/01/31"
min_stack_version = "8.18.0"

[rule]
rule_id = "3b6ab547-8ec2-4991-b9d2-2b06702a48d7"
name = "One"
author = ["A"]
description = "d"
type = "eql"
language = "eql"
query = '''
process where true
'''
index = ["logs-*"]
from = "now-10m"
timestamp_override = "event.ingested"
severity = "high"
risk_score = 73
`
)

// closed is a schema that knows these fields alone.
type closed []string

func (s closed) Type(_, field string) (ir.Type, bool) {
	return ir.Text, slices.Contains(s, field)
}

func found(t *testing.T, file deploy.File, c deploy.Context) (out []string) {
	t.Helper()
	ds, err := readFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range audit(ds, c) {
		if f.Path != file.Path || f.Pos.Line == 0 || f.Source == "" {
			t.Errorf("%s stands nowhere: %+v", f.ID, f)
		}
		out = append(out, f.ID+" "+f.Msg)
	}
	return out
}

// TestAudit holds each check both ways: a change of a sound rule, and what is found. An empty
// finding is none.
func TestAudit(t *testing.T) {
	asked := map[string]bool{}
	known := deploy.Context{Attack: "18", Schema: closed{"process.name", "event.category", "host.name", "event.code"}}
	for _, c := range []struct{ old, new, want string }{
		{"", "", ""},
		{`"rule_id":"r1",`, ``, "elastic/required the rule has no rule_id"},
		{`"name":"One"`, `"name":""`, "elastic/required name is empty"},
		{`"query":"process where process.name == \"a\""`, `"query":""`, "elastic/required the query is empty"},
		{`"language":"eql",`, ``, "elastic/required the rule has no language"},
		{`"severity":"high"`, `"severity":"urgent"`, `elastic/value severity cannot be "urgent"`},
		{`"max_signals":100`, `"max_signals":0`, "elastic/value max_signals cannot be 0"},
		{`"risk_score":73`, `"risk_score":101`, "elastic/value risk_score cannot be 101\nelastic/risk-band the risk score 101 is not of the severity high, which is from 48 to 73"},
		{`"risk_score":73`, `"risk_score":"73"`, "elastic/value risk_score must be a whole number"},
		{`"risk_score":73`, `"risk_score":47`, "elastic/risk-band the risk score 47 is not of the severity high, which is from 48 to 73"},
		{`"risk_score":73`, `"risk_score":48`, ""},
		{`"enabled":true`, `"enabled":"true"`, "elastic/value enabled must be true or false"},
		{`"index":["logs-*"]`, `"index":"logs-*"`, "elastic/value index must be a list of texts\nelastic/index it names no index: Kibana looks where its setting securitySolution:defaultIndex says"},
		{`"index":["logs-*"],`, ``, "elastic/index it names no index: Kibana looks where its setting securitySolution:defaultIndex says"},
		{`"index":["logs-*"],`, `"data_view_id":"v",`, ""},
		{`"index":["logs-*"],`, `"index":["logs-*"],"data_view_id":"v",`, "elastic/index-and-view it has indices and a data view"},
		{`"enabled":true`, `"enabled":true,"max_signal":3,"ours":1,"created_by":"x","revision":4`, `elastic/field Kibana has no field "max_signal": it drops it; did you mean "max_signals"?`},
		{`"enabled":true`, `"enabled":true,"threshold":{"field":"a","value":1}`, "elastic/field a rule of the type eql has no threshold: Kibana drops it"},
		{`"language":"eql"`, `"language":"kuery"`, "elastic/language a rule of the type eql is in eql, not in kuery"},
		{`"interval":"5m"`, `"interval":"11m"`, "elastic/lookback it looks back 10m and runs every 11m: of the events between two runs some are never looked at"},
		{`"interval":"5m"`, `"interval":"10m"`, "elastic/overlap it looks back 10m and runs every 10m: a run that is late misses events"},
		{`"interval":"5m"`, `"interval":"9m"`, ""},
		{`"from":"now-10m"`, `"from":"now-10m","to":"now-270s"`, "elastic/overlap it looks back 330s"},
		{`"from":"now-10m"`, `"from":"now-10m","to":"now-6m"`, "elastic/lookback it looks back 4m and runs every 5m"},
		{`"from":"now-10m"`, `"from":"now/d"`, ""},
		{`"interval":"5m"`, `"interval":"30s"`, "elastic/interval it runs every 30s"},
		{`"interval":"5m"`, `"interval":"1.5h"`, "elastic/value interval must be a whole number above 0 with s, m, h or d"},
		{`"timestamp_override":"event.ingested",`, ``, "elastic/ingested it asks for events by @timestamp"},
		{`process where process.name == \"a\"`, `sequence by host.name with maxspan=5m [process where true] [process where true]`, "elastic/tiebreaker events of one time stand in any order"},
		{`"query":"process where process.name == \"a\""`, `"tiebreaker_field":"event.code","query":"sequence by host.name with maxspan=5m [process where true] [process where true]"`, ""},
		{`"query":"process where process.name == \"a\""`, `"tiebreaker_field":"event.code","query":"sequence by host.name with maxspan=6m [process where true] [process where true]"`,
			"elastic/maxspan it looks back 10m, runs every 5m, and its sequence may last 6m: such that no run sees whole are missed"},
		{`"max_signals":100`, `"max_signals":1001`, "elastic/max-signals 1001 alerts of a run are more than Kibana raises as it is set up: 1000"},
		{`"max_signals":100`, `"max_signals":1000`, ""},
		{`"enabled":true`, `"timeline_id":"x"`, "elastic/timeline timeline_id and timeline_title stand together only"},
		{`"enabled":true`, `"timeline_id":"x","timeline_title":"y"`, ""},
		{`"enabled":true`, `"timeline_id":"x","timeline_title":""`, "elastic/timeline the timeline is empty"},
		{`"enabled":true`, `"timeline_id":null,"note":null`, ""},
		{`"enabled":true`, `"alert_suppression":{"group_by":["host.name","process.name","event.code"],"duration":{"value":5,"unit":"m"}}`, ""},
		{`"enabled":true`, `"alert_suppression":{"group_by":[]}`, "elastic/suppression alerts are suppressed by one to three fields, not by 0"},
		{`"enabled":true`, `"alert_suppression":{"group_by":["host.name","host.name","host.name","host.name"]}`, "elastic/suppression alerts are suppressed by one to three fields, not by 4"},
		{`"enabled":true`, `"alert_suppression":{"group_by":["host.name"],"duration":{"value":1,"unit":"d"}}`, "elastic/suppression a duration has a whole number above 0"},
		{`"enabled":true`, `"alert_suppression":{"group_by":["host.name"],"missing_fields_strategy":"none"}`, "elastic/suppression missing_fields_strategy is suppress or doNotSuppress"},
		{`"enabled":true`, `"alert_suppression":{"group_by":["user.name"]}`, "elastic/columns no index has the field user.name: all alerts are alike"},
		{`process.name ==`, `process.nme ==`, "elastic/columns no index has the field process.nme: the query fails, since it is not marked with ?"},
		{`process.name ==`, `?process.nme ==`, "elastic/columns no index has the field process.nme: no event has it"},
		{`process where process.name == \"a\"`, `any where process.name == \"a\"`, ""},
		{`"enabled":true`, `"event_category_override":"kind"`, "elastic/columns no index has the field kind: the query asks for its category"},
		{`process where process.name == \"a\"`, `this is no EQL`, ""},
		{`"type":"eql","language":"eql","query":"process where process.name == \"a\""`, `"type":"query","query":"process.name: a and user.name: b"`, "elastic/columns no index has the field user.name: no event has it"},
		{`"type":"eql","language":"eql","query":"process where process.name == \"a\""`, `"type":"query","language":"lucene","query":"user.name: b"`, ""},
		{`"type":"eql","language":"eql","query":"process where process.name == \"a\""`, `"type":"threshold","query":"*","threshold":{"field":["host.name"],"value":3,"cardinality":[{"field":"process.name","value":2}]}`, ""},
		{`"type":"eql","language":"eql","query":"process where process.name == \"a\""`, `"type":"threshold","query":"*","threshold":{"field":"host.name","value":0,"cardinality":[{"field":"host.name","value":2}]}`,
			"elastic/threshold its value is a whole number above 0\nelastic/threshold each group has one value of host.name, by which it is grouped"},
		{`"type":"eql","language":"eql","query":"process where process.name == \"a\""`, `"type":"threshold","query":"*","threshold":{"field":["host.name","host.name","host.name","host.name"],"value":3}`, "elastic/threshold-fields it has 4 fields"},
		{`"type":"eql","language":"eql","query":"process where process.name == \"a\""`, `"type":"threshold","query":"*","threshold":{"field":["host.name","host.name","host.name","host.name","host.name","host.name"],"value":3}`, "elastic/threshold it has 6 fields"},
		{`"type":"eql","language":"eql","query":"process where process.name == \"a\""`, `"type":"threshold","query":"*","threshold":{"field":"","value":3},"alert_suppression":{}`, "elastic/suppression alerts of a threshold are suppressed for a duration"},
		{`"type":"eql","language":"eql","query":"process where process.name == \"a\""`, `"type":"new_terms","query":"*","new_terms_fields":["host.name"],"history_window_start":"now-14d"`, ""},
		{`"type":"eql","language":"eql","query":"process where process.name == \"a\""`, `"type":"new_terms","query":"*","new_terms_fields":[],"history_window_start":"now-5m"`,
			"elastic/new-terms it has 0 fields, and 1 to 3 may be\nelastic/new-terms its history begins 5m before a run, after what the run looks at"},
		{`"type":"eql"`, `"type":"new_terms"`, "elastic/required the rule has no new_terms_fields\nelastic/required the rule has no history_window_start\nelastic/language a rule of the type new_terms is in kuery or lucene, not in eql"},
		{`"type":"eql","language":"eql","query":"process where process.name == \"a\"","index":["logs-*"]`, `"type":"esql","language":"esql","query":"FROM logs-* METADATA _id, _index, _version | WHERE a == \"|\" | KEEP _*, a"`, ""},
		{`"type":"eql","language":"eql","query":"process where process.name == \"a\"","index":["logs-*"]`, `"type":"esql","language":"esql","query":"FROM logs-* | STATS n = COUNT(*) BY a"`, ""},
		{`"type":"eql","language":"eql","query":"process where process.name == \"a\"","index":["logs-*"]`, `"type":"esql","language":"esql","query":"ROW a = 1"`, ""},
		{`"type":"eql","language":"eql","query":"process where process.name == \"a\"","index":["logs-*"]`, `"type":"esql","language":"esql","query":"from logs-* metadata _id | where x // | stats\n | limit 5"`, "elastic/esql-metadata FROM lacks METADATA _index, _version"},
		{`"type":"eql","language":"eql","query":"process where process.name == \"a\"","index":["logs-*"]`, `"type":"esql","language":"esql","query":"FROM logs-* METADATA _id, _index, _version | KEEP _id, a"`, "elastic/esql-keep KEEP leaves out _index, _version"},
		{`"type":"eql","language":"eql","query":"process where process.name == \"a\""`, `"type":"esql","language":"esql","query":"FROM x | STATS COUNT(*)"`, "elastic/esql-index a rule in ES|QL has no index"},
		{`"enabled":true`, `"threat":[{"framework":"MITRE ATT&CK","tactic":{"id":"TA0005","name":"Defense Evasion","reference":"u"},"technique":[{"id":"T1562","name":"Impair Defenses","reference":"u","subtechnique":[{"id":"T1562.001","name":"Disable or Modify Tools","reference":"u"}]}]}]`, ""},
		{`"enabled":true`, `"threat":[{"framework":"MITRE ATT&CK","tactic":{"id":"TA0005","name":"Stealth","reference":"u"}}]`, `elastic/threat-version version 18 of ATT&CK calls the tactic TA0005 "Defense Evasion", not "Stealth"`},
		{`"enabled":true`, `"threat":[{"framework":"MITRE ATT&CK","tactic":{"id":"TA0112","name":"Defense Impairment","reference":"u"}}]`, `elastic/threat-version version 18 of ATT&CK has no tactic TA0112`},
		{`"enabled":true`, `"threat":[{"framework":"MITRE ATT&CK","tactic":{"id":"TA0002","name":"Execution","reference":"u"},"technique":[{"id":"T1685","name":"x","reference":"u"}]}]`, `elastic/threat-version version 18 of ATT&CK has no technique T1685: T1685 is told as T1562`},
		{`"enabled":true`, `"threat":[{"tactic":{"id":"TA0002","name":"Execution"},"technique":[{"id":"T1059"}]}]`, "elastic/threat it names no framework\nelastic/threat a tactic lacks its reference\nelastic/threat a technique lacks its name, reference"},
		{`"enabled":true`, `"threat":[{"framework":"MITRE ATT&CK","tactic":{"id":"TA0002","name":"Execution"}}]`, "elastic/threat a tactic lacks its reference"},
		{`"enabled":true`, `"threat":[{"framework":"MITRE ATLAS","tactic":{"id":"AML.TA0002","name":"x","reference":"u"}}]`, ""},
	} {
		src := strings.Replace(soundJSON, c.old, c.new, 1)
		if c.old != "" && src == soundJSON {
			t.Errorf("the sound rule does not have %s", c.old)
		}
		hold(t, asked, c.new, found(t, deploy.File{Path: "rules.ndjson", Data: []byte(src)}, known), c.want)
	}
	for _, c := range []struct{ old, new, want string }{
		{"", "", ""},
		{`creation_date = "2024/01/31"`, `creation_date = "2024-01-31"`, "elastic/toml metadata has no creation_date like 2024/01/31"},
		{`rule_id = "3b6ab547`, `rule_id = "3B6AB547`, "elastic/toml rule_id must be a UUID in lower case"},
		{`author = ["A"]`, ``, "elastic/toml the rule has no author"},
		{"type = \"eql\"\nlanguage = \"eql\"\nquery = '''\nprocess where true\n'''\nindex = [\"logs-*\"]", "type = \"esql\"\nlanguage = \"esql\"\nquery = \"FROM x | STATS n = COUNT(*)\"", "elastic/toml the query has no KEEP"},
		{"type = \"eql\"\nlanguage = \"eql\"\nquery = '''\nprocess where true\n'''\nindex = [\"logs-*\"]", "type = \"esql\"\nlanguage = \"esql\"\nquery = \"FROM x | STATS n = COUNT(*)\\n| keep n\"", ""},
		{`risk_score = 73`, "risk_score = 73\nversion = 3", "elastic/toml the repository counts versions itself, and takes no version"},
		{`risk_score = 73`, "risk_score = 73\nbuilding_block_type = \"default\"", "elastic/building-block it looks back less than 119m"},
		{`from = "now-10m"`, "from = \"now-2h\"\ninterval = \"1h\"\nbuilding_block_type = \"default\"", ""},
		{`risk_score = 73`, "risk_score = 73\n[rule.alert_suppression]\ngroup_by = [\"a\"]", ""},
		{`min_stack_version = "8.18.0"`, "min_stack_version = \"8.13\"\n[rule.alert_suppression]\ngroup_by = [\"a\"]", "elastic/min-stack alerts of it are suppressed from 8.14 on, and it is for 8.13"},
	} {
		src := strings.Replace(soundTOML, c.old, c.new, 1)
		hold(t, asked, c.new, found(t, deploy.File{Path: "rule.toml", Data: []byte(src)}, deploy.Context{}), c.want)
	}
	line := strings.ReplaceAll(soundJSON, "\n", "")
	two := deploy.File{Path: "rules.ndjson", Data: []byte(line + "\n" + line + "\n" + strings.NewReplacer("r1", "r2", "One", "Two").Replace(line))}
	hold(t, asked, "two rules", found(t, two, known), "elastic/rule-id the rule \"One\" has this id too\nelastic/name the rule r1 has this name too")
	var large strings.Builder
	for i := range maxImported + 1 {
		fmt.Fprintf(&large, `{"rule_id":"%d","name":"%[1]d","type":"machine_learning","description":"d","severity":"low","risk_score":1,"anomaly_threshold":1,"machine_learning_job_id":"j","note":"%s"}`+"\n", i, strings.Repeat("x", 900))
	}
	hold(t, asked, "a large file", found(t, deploy.File{Path: "rules.ndjson", Data: []byte(large.String())}, known),
		"elastic/import-size Kibana does not import the file: here it is larger than 10485760 bytes\nelastic/import-size from here on Kibana does not import the file: it has more than 10000 rules")
	written := map[string]bool{"attack/version": true, "elastic/cron": true, "elastic/setting": true, "elastic/undated": true} // TestGolden, TestOwn
	for _, c := range checks {
		if !asked[c.ID] && !written[c.ID] {
			t.Errorf("no rule is found by %s", c.ID)
		}
	}
}

// hold holds that findings begin as they are wanted to.
func hold(t *testing.T, asked map[string]bool, what string, got []string, want string) {
	t.Helper()
	var wants []string
	if want != "" {
		wants = strings.Split(want, "\n")
	}
	ok := len(got) == len(wants)
	for i := range min(len(got), len(wants)) {
		ok = ok && strings.HasPrefix(got[i], wants[i])
		id, _, _ := strings.Cut(wants[i], " ")
		asked[id] = true
	}
	if !ok {
		t.Errorf("%s:\n%s\nwant\n%s", what, strings.Join(got, "\n"), want)
	}
}

// TestAuditOthers holds that detections of another format are
// passed over.
func TestAuditOthers(t *testing.T) {
	if got := audit([]*deploy.Detection{{Title: "of another format"}}, deploy.Context{}); got != nil {
		t.Error(got)
	}
}
