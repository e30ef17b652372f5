package deploy

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"sigmac/internal/deploy"
	"sigmac/ir"
)

// soundTemplate and soundYAML are rules with which nothing is wrong, that have what checks ask.
const soundTemplate = `{"resources": [{"type": "Microsoft.SecurityInsights/alertRules", "apiVersion": "2024-09-01", "name": "0b1f7a52-6c1f-4d0a-9d8e-5f3a52b1c001", "kind": "Scheduled", "properties": {
 "displayName": "Tool", "description": "Finds a tool.", "enabled": true, "severity": "High", "query": "T | where a == 1 | summarize N = count() by User, Computer",
 "queryFrequency": "PT1H", "queryPeriod": "PT2H", "triggerOperator": "GreaterThan", "triggerThreshold": 0, "suppressionEnabled": true, "suppressionDuration": "PT5H",
 "tactics": ["Execution", "Persistence"], "techniques": ["T1059"],
 "entityMappings": [{"entityType": "Account", "fieldMappings": [{"identifier": "FullName", "columnName": "User"}]}],
 "customDetails": {"Number": "N"}, "alertDetailsOverride": {"alertDisplayNameFormat": "Tool on {{Computer}}", "alertDynamicProperties": [{"alertProperty": "ProductName", "value": "Computer"}]},
 "eventGroupingSettings": {"aggregationKind": "AlertPerResult"},
 "incidentConfiguration": {"createIncident": true, "groupingConfiguration": {"enabled": true, "reopenClosedIncident": false, "lookbackDuration": "PT5H", "matchingMethod": "Selected",
  "groupByEntities": ["Account"], "groupByAlertDetails": ["Severity"], "groupByCustomDetails": ["Number"]}}}}]}`

const soundYAML = `id: 0b1f7a52-6c1f-4d0a-9d8e-5f3a52b1c001
name: Tool
description: Finds a tool.
severity: High
requiredDataConnectors:
  - connectorId: SecurityEvents
    dataTypes: [SecurityEvent]
queryFrequency: 1h
queryPeriod: 2h
triggerOperator: gt
triggerThreshold: 0
tactics: [Execution]
relevantTechniques: [T1059.001]
query: T | where a == 1 | extend HostCustomEntity = Computer
entityMappings:
  - entityType: Host
    fieldMappings:
      - identifier: HostName
        columnName: HostCustomEntity
version: 1.0.0
kind: Scheduled
`

// auditText is what is found in a file.
func auditText(t *testing.T, text string) []deploy.Finding {
	t.Helper()
	ds, err := readText("f", text)
	if err != nil || len(ds) == 0 {
		t.Fatalf("%d rules, %v in\n%s", len(ds), err, text)
	}
	return auditSentinel(ds, deploy.Context{Schema: tableT{}})
}

// tableT has the columns a, User and Computer of T, and knows nothing of others.
type tableT struct{}

func (tableT) Type(table, field string) (ir.Type, bool) {
	if table != "T" {
		return ir.Unknown, true
	}
	if slices.Contains([]string{"a", "User", "Computer"}, field) {
		return ir.Text, true
	}
	return ir.Unknown, false
}

// auditCases have for each check what makes it find something in a sound rule, and the message.
var auditCases = []struct{ text, old, new, id, msg string }{
	{soundTemplate, `"severity": "High", `, ``, "required", "the rule has no severity"},
	{soundTemplate, `"displayName": "Tool"`, `"displayName": ""`, "required", "the rule has no displayName"},
	{soundYAML, "name: Tool\n", "", "required", "the rule has no name"},
	{soundYAML, "requiredDataConnectors:\n  - connectorId: SecurityEvents\n    dataTypes: [SecurityEvent]\n", "", "required", "the rule has no requiredDataConnectors"},
	{soundTemplate, `"enabled": true, "severity"`, `"severity"`, "required", "the rule has no enabled"},
	{soundYAML, "c001", "c00x", "id", `"0b1f7a52-6c1f-4d0a-9d8e-5f3a52b1c00x" is no GUID`},
	{soundYAML + "---\n" + strings.Replace(soundYAML, "name: Tool", "name: Other", 1), "c001", "C001", "id-unique", `the rule "Tool" has the same id`},
	{soundYAML + "---\n" + strings.Replace(soundYAML, "c001", "c002", 1), "name: Tool", "name: TOOL", "title-unique", "the rule 0b1f7a52-6c1f-4d0a-9d8e-5f3a52b1c001 has the same name"},
	{soundYAML, "kind: Scheduled", "kind: Schedule", "kind", `"Schedule" is no kind of rule; did you mean "Scheduled"?`},
	{soundYAML, "name: Tool", "name: " + strings.Repeat("é", 257), "name-length", "the name has 257 characters"},
	{soundYAML, "name: Tool", "name: " + strings.Repeat("🎉", 129), "name-length", "the name has 258 characters"},
	{soundYAML, "Finds a tool.", strings.Repeat("x", 5001), "description-length", "the description has 5001 characters"},
	{soundYAML, "1.0.0", "1.0", "version", "the version is no a.b.c"},
	{soundTemplate, `"severity": "High"`, `"severity": "Critical"`, "severity", `"Critical" is no severity`},
	{soundTemplate, `"displayName": "Tool"`, `"displayName": "AUTO DISABLED Tool"`, "auto-disabled", "Sentinel switched the rule off, since it kept failing"},
	{soundYAML, "query: T | where", "query: T | where a == '" + strings.Repeat("x", 10000) + "' and", "query-length", "the query has 10065 characters"},
	{soundYAML, "query: T | where a == 1", "query: union * | where a == 1", "query-search", "the query has union *, which asks every table"},
	{soundYAML, "query: T | where a == 1", "query: union isfuzzy=true * | where a == 1", "query-search", "the query has union *, which asks every table"},
	{soundYAML, "query: T | where a == 1", "query: search * | where a == 1", "query-search", "the query has search *, which asks every table"},
	{soundYAML, "queryFrequency: 1h", "queryFrequency: PT1H", "duration", "queryFrequency is no length of time here, as 1h is"},
	{soundTemplate, `"PT1H"`, `"1h"`, "duration", "queryFrequency is no length of time here, as PT1H is"},
	{soundTemplate, `"PT1H"`, `"soon"`, "duration", "queryFrequency is no length of time here, as PT1H is"},
	{soundTemplate, `"PT1H"`, `"PT1M"`, "frequency", "the rule runs every 1m"},
	{soundTemplate, `"PT2H"`, `"P15D"`, "period", "the rule looks back 15d"},
	{soundTemplate, `"PT2H"`, `"PT30M"`, "look-back", "the rule looks back 30m and runs every 1h: some events are never looked at"},
	{soundTemplate, `"PT1H", "queryPeriod": "PT2H"`, `"PT30M", "queryPeriod": "P2D"`, "long-period", "the rule looks back 2d and runs every 30m"},
	{soundTemplate, `"GreaterThan"`, `"gt"`, "trigger", `"gt" is no operator of a threshold`},
	{soundTemplate, `"triggerThreshold": 0`, `"triggerThreshold": 10001`, "trigger", "the threshold is no number from 0 to 10,000"},
	{soundTemplate, `"suppressionDuration": "PT5H"`, `"suppressionDuration": "PT25H"`, "suppression", "alerts are suppressed for 25h, and Sentinel takes 5 minutes to 24 hours"},
	{soundYAML, "version:", "suppressionEnabled: true\nversion:", "suppression", "alerts are suppressed, and nothing says for how long"},
	{soundYAML, "[Execution]", "[Execution, Stealth]", "tactic", `Sentinel knows no tactic "Stealth"`},
	{soundYAML, "[Execution]", "[Execution, PreAttack]", "tactic", `Sentinel knows no tactic "PreAttack"`},
	{soundYAML, "[T1059.001]", "[T1059.1]", "technique", `"T1059.1" is no technique`},
	{soundTemplate, `"T1059"`, `"T1059.001"`, "technique", "T1059.001 is a sub-technique, which 2024-09-01 of the API does not take"},
	{soundYAML, "[T1059.001]", "[T1110]", "technique-tactic", "T1110 belongs to none of the tactics of the rule"},
	{soundTemplate, `"entityMappings": [{"entityType": "Account", "fieldMappings": [{"identifier": "FullName", "columnName": "User"}]}]`, `"entityMappings": []`, "entity-number", "the rule maps 0 entities"},
	{soundTemplate, `[{"identifier": "FullName", "columnName": "User"}]`, `[]`, "entity-number", "an entity is mapped by 0 identifiers"},
	{soundTemplate, `"entityType": "Account"`, `"entityType": "account"`, "entity-type", `Sentinel knows no entity "account"; did you mean "Account"?`},
	{soundTemplate, `"FullName"`, `"FullNam"`, "entity-identifier", `"FullNam" is no identifier of Account; did you mean "FullName"?`},
	{soundTemplate, `"FullName"`, `"NTDomain"`, "entity-identifier", "Account has no strong identifier: FullName, Sid, Name, AadUserId, PUID, ObjectGuid"},
	{soundTemplate, `"Account", "fieldMappings": [{"identifier": "FullName"`, `"FileHash", "fieldMappings": [{"identifier": "Value"`, "entity-identifier", "FileHash has an Algorithm and a Value"},
	{soundTemplate, `, "columnName": "User"`, ``, "entity-identifier", "the identifier FullName has no columnName"},
	{soundYAML, "columnName: HostCustomEntity", "columnName: Computer", "entity-old", "the column HostCustomEntity has no mapping of an entity"},
	{soundTemplate, `"columnName": "User"`, `"columnName": "a"`, "column", "the results have no column a: summarize leaves it out"},
	{soundTemplate, `{"Number": "N"}`, `{"Number": "M"}`, "column", "the results have no column M: summarize leaves it out"},
	{soundTemplate, `{{Computer}}`, `{{Machine}}`, "column", "the results have no column Machine: summarize leaves it out"},
	{soundTemplate, `"value": "Computer"`, `"value": "computer"`, "column", "the results have no column computer: summarize leaves it out"},
	{soundTemplate, `"alertDisplayNameFormat": "Tool on {{Computer}}"`, `"alertSeverityColumnName": "S"`, "column", "the results have no column S: summarize leaves it out"},
	{soundYAML, "columnName: HostCustomEntity", "columnName: HostCustomEntity\n      - identifier: FullName\n        columnName: Fqdn", "table-column", "sigmac knows no column Fqdn of the table T"},
	{soundTemplate, `"Number": "N"`, `"Number of them": "N"`, "custom-details", `"Number of them" is no name of a custom detail`},
	{soundTemplate, `"Number": "N"`, `"Number": "count()"`, "custom-details", "the custom detail Number names no column"},
	{soundTemplate, `{{Computer}}`, `{{Computer}} {{User}} {{N}} {{Computer}}`, "alert-details", "alertDisplayNameFormat names 4 columns"},
	{soundTemplate, `"ProductName"`, `"Product"`, "alert-details", `an alert has no property "Product"`},
	{soundTemplate, `"AlertPerResult"`, `"AlertPerResults"`, "event-grouping", `"AlertPerResults" is no way to group results; did you mean "AlertPerResult"?`},
	{soundTemplate, `"createIncident": true, `, ``, "incident", "incidentConfiguration has no createIncident"},
	{soundTemplate, `"reopenClosedIncident": false, `, ``, "incident", "groupingConfiguration has no reopenClosedIncident"},
	{soundTemplate, `"lookbackDuration": "PT5H"`, `"lookbackDuration": "P8D"`, "incident", "alerts are grouped within 8d, and Sentinel takes 5 minutes to 7 days"},
	{soundTemplate, `"Selected"`, `"Some"`, "incident", `"Some" is no way to match alerts`},
	{soundTemplate, `"groupByEntities": ["Account"]`, `"groupByEntities": ["Host"]`, "incident", "alerts are grouped by the entity Host, which the rule does not map"},
	{soundTemplate, `"groupByCustomDetails": ["Number"]`, `"groupByCustomDetails": ["Count"]`, "incident", "alerts are grouped by the custom detail Count, which the rule has not"},
	{soundTemplate, `["Severity"]`, `["Title"]`, "incident", `alerts are grouped by "Title", which is neither DisplayName nor Severity`},
	{soundTemplate, `"groupByEntities": ["Account"], "groupByAlertDetails": ["Severity"], "groupByCustomDetails": ["Number"]`, `"groupByEntities": []`, "incident", "alerts are grouped by what is selected, and nothing is"},
	{soundYAML, "connectorId: SecurityEvents\n    ", "", "connectors", "a connector has a connectorId, and a list dataTypes"},
	{soundYAML, "kind: Scheduled", "kind: NRT", "nrt-schedule", "a rule near real time has no queryFrequency"},
	{soundTemplate, `"kind": "Scheduled"`, `"kind": "NRT"`, "nrt-api", "2024-09-01 of the API has no rules near real time, as 2025-07-01-preview has"},
	{nrtYAML, "query: T", "query: workspace('x').T", "nrt-workspace", "the query asks another place by workspace()"},
	{manyRules(51, nrtYAML), "none", "none", "nrt-number", "there are more than 50 rules near real time"},
	{manyResources(51), "none", "none", "portal-import", "the template has more than 50 rules: deploy it, or write one a rule"},
	{manyResources(801), "none", "none", "template-size", "the template has more than 800 rules: write one a rule, or some a template"},
	{soundTemplate, `"severity": "High"`, `"severity": "[parameters('s')]"`, "expression", "severity is an expression of the template"},
}

var nrtYAML = strings.NewReplacer("queryFrequency: 1h\nqueryPeriod: 2h\ntriggerOperator: gt\ntriggerThreshold: 0\n", "", "kind: Scheduled", "kind: NRT",
	"query: T | where a == 1 | extend HostCustomEntity = Computer", "query: T", "HostCustomEntity", "Computer").Replace(soundYAML)

// manyRules are documents of one rule with other ids and names.
func manyRules(n int, doc string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.NewReplacer("5f3a52b1c001", fmt.Sprintf("%012d", i), "name: Tool", fmt.Sprintf("name: Tool %d", i)).Replace(doc) + "---\n")
	}
	return b.String()
}

func manyResources(n int) string {
	start, end := strings.Index(soundTemplate, "[")+1, strings.LastIndex(soundTemplate, "]")
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strings.NewReplacer("5f3a52b1c001", fmt.Sprintf("%012d", i), `"displayName": "Tool"`, fmt.Sprintf(`"displayName": "Tool %d"`, i)).Replace(soundTemplate[start:end]))
	}
	return soundTemplate[:start] + b.String() + soundTemplate[end:]
}

func TestSentinelAudit(t *testing.T) {
	for _, sound := range []string{soundTemplate, soundYAML, nrtYAML, manyRules(50, nrtYAML), manyResources(50)} {
		if found := auditText(t, sound); found != nil {
			t.Errorf("%v in\n%s", found, sound)
		}
	}
	tried := map[string]bool{}
	for _, c := range auditCases {
		text := strings.Replace(c.text, c.old, c.new, 1)
		if text == c.text && c.old != "none" {
			t.Errorf("nothing has %s", c.old)
		}
		tried["sentinel/"+c.id] = true
		var got []string
		for _, x := range auditText(t, text) {
			if x.ID == "sentinel/"+c.id && x.Msg == c.msg {
				got = nil
				if x.Path != "f" || x.Pos.Line == 0 || x.What == "" || x.Source == "" {
					t.Errorf("%+v", x)
				}
				break
			}
			got = append(got, x.ID+": "+x.Msg)
		}
		if got != nil || len(auditText(t, text)) == 0 {
			t.Errorf("with %.80s: %q, want sentinel/%s: %s", c.new, got, c.id, c.msg)
		}
	}
	// Microsoft's own rules near real time ask several tables.
	for _, query := range []string{"union T, U", "T | join kind=inner (U) on a"} {
		if found := auditText(t, strings.Replace(nrtYAML, "query: T", "query: "+query, 1)); found != nil {
			t.Error(found)
		}
	}
	// Those of what is written have a test of their own.
	written := strings.Fields("utf-8 setting nrt-window connector suppression-columns sub-techniques cron risk disabled")
	for _, c := range sentinelChecks {
		if !tried[c.ID] && !slices.Contains(written, strings.TrimPrefix(c.ID, "sentinel/")) && c != attackCheck {
			t.Errorf("no case has %s", c.ID)
		}
	}
}

// TestSentinelSilent holds that nothing is found in rules of others that are sound.
func TestSentinelSilent(t *testing.T) {
	for _, c := range [][2]string{
		{"query: T | where a == 1", "query: T | where a == 'union * x' or a == @'search * y'"},
		{"query: T | where a == 1", "query: union T*, U | where a == 1"},
		{"query: T | where a == 1", "query: search in (T) 'x' | where a == 1"},
		{"query: T | where a == 1", "query: T | frobnicate"}, // what is not read
		{"query: T | where a == 1", "query: T | evaluate bag_unpack(a)"},
		{"query: T | where a == 1", "query: T | invoke f()"},
		{"query: T | where a == 1", "query: V | where a == 1"},
		{"columnName: HostCustomEntity", "columnName: HostCustomEntity\n      - identifier: FullName\n        columnName: TimeGenerated"},
		{"[T1059.001]", "[T9999]"},
		{"[Execution]", "[Execution, ImpairProcessControl]"},
		{"queryPeriod: 2h", "queryPeriod: 14.00:00:00"},
		{"triggerOperator: gt", "triggerOperator: GreaterThan"},
		{"dataTypes: [SecurityEvent]", "dataTypes: [SecurityEvent]\n  - connectorId: Other\n    datatypes: []"},
		{"version: 1.0.0", "status: Available\nversion: 1.0.0"},
	} {
		text := strings.Replace(soundYAML, c[0], c[1], 1)
		if text == soundYAML {
			t.Fatal(c[0])
		}
		if found := auditText(t, text); found != nil {
			t.Errorf("%s: %v", c[1], found)
		}
	}
}

// TestOfTactics holds that the techniques of a version of ATT&CK go with the tactics of that.
func TestOfTactics(t *testing.T) {
	for _, c := range []struct {
		id, tactics string
		want        bool
	}{
		{"T1059", "Execution", true}, {"T1059.001", "Execution Impact", true}, {"T1059", "Impact", false}, {"T1562.001", "DefenseEvasion", true}, {"T1562", "DefenseEvasion", true},
		{"T1071", "CommandAndControl", true}, {"T1078", "InitialAccess", true}, {"T1078", "DefenseEvasion", true}, {"T9999", "Impact", true}, {"T1059", "", false},
	} {
		if got := ofTactics(c.id, strings.Fields(c.tactics)); got != c.want {
			t.Errorf("%s of %s: %v", c.id, c.tactics, got)
		}
	}
}

// TestSentinelPage holds that the page has each setting and option.
func TestSentinelPage(t *testing.T) {
	page, err := os.ReadFile("../../../docs/deploy/sentinel.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range sentinelFormats() {
		for _, o := range f.Options {
			if !strings.Contains(string(page), "| `"+o.Name+"` |") {
				t.Errorf("the page has no option %s", o.Name)
			}
		}
		for _, name := range f.Own {
			name = strings.TrimSuffix(name, ".*")
			if !strings.Contains(string(page), "`"+name[strings.LastIndexByte(name, '.')+1:]+"`") {
				t.Errorf("the page has no setting %s", name)
			}
		}
	}
}
