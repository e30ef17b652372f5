package deploy

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"sigmac/internal/deploy"
	"sigmac/ir"
)

// oneRule is a rule of the API; the forms of exports have it in other places.
const oneRule = `{"displayName": "Tool", "description": "Finds.\r\n\r\nSigma rule: 11111111-2222-3333-4444-555555555555 ", "enabled": true, "severity": "High",
 "query": "T\n| where a == 1", "queryFrequency": "PT60M", "queryPeriod": "PT24H", "triggerOperator": "GreaterThan", "triggerThreshold": 0,
 "suppressionEnabled": false, "suppressionDuration": "PT5H", "tactics": ["Persistence", "Execution"], "techniques": ["T1059"], "subTechniques": null,
 "alertRuleTemplateName": null, "templateVersion": "1.0.7", "lastModifiedUtc": "2026-01-01T00:00:00Z", "customDetails": null, "alertDetailsOverride": null,
 "incidentConfiguration": {"createIncident": true, "groupingConfiguration": {"enabled": false, "reopenClosedIncident": false, "lookbackDuration": "PT5H", "matchingMethod": "AllEntities", "groupByEntities": null}},
 "eventGroupingSettings": {"aggregationKind": "SingleAlert"},
 "entityMappings": [{"entityType": "Host", "fieldMappings": [{"identifier": "HostName", "columnName": "Computer"}]}]}`

const oneID = "0b1f7a52-6c1f-4d0a-9d8e-5f3a52b1c001"

// oneYAML is the same rule as a file of the repository.
const oneYAML = `id: 0b1f7a52-6c1f-4d0a-9d8e-5f3a52b1c001
name: Tool
description: |
  Finds.

  Sigma rule: 11111111-2222-3333-4444-555555555555
severity: high
requiredDataConnectors: []
queryFrequency: 1h
queryPeriod: 1.00:00:00
triggerOperator: gt
triggerThreshold: 0
tactics: [Execution, Persistence]
relevantTechniques:
- T1059
query: |-
  T
  | where a == 1
entityMappings:
  - entityType: Host
    fieldMappings:
      - columnName: Computer
        identifier: HostName
version: 1.0.7
kind: Scheduled
`

// read is what is read of a file in the form of Sentinel.
func readText(path, text string) ([]*deploy.Detection, error) {
	return readSentinel(deploy.File{Path: path, Data: []byte(text)})
}

// TestSentinelRead holds that one rule is the same in every form that has it.
func TestSentinelRead(t *testing.T) {
	resource := `{"type": "Microsoft.OperationalInsights/workspaces/providers/alertRules", "apiVersion": "2022-11-01-preview",
	 "id": "[concat(resourceId('Microsoft.OperationalInsights/workspaces/providers', parameters('workspace'), 'Microsoft.SecurityInsights'),'/alertRules/` + oneID + `')]",
	 "name": "[concat(parameters('workspace'),'/Microsoft.SecurityInsights/` + oneID + `')]", "kind": "Scheduled", "properties": ` + oneRule + `}`
	template := func(resources string) string {
		return `{"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "contentVersion": "1.0.0.0", "parameters": {"workspace": {"type": "String"}}, "resources": ` + resources + `}`
	}
	api := `{"id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/w/providers/Microsoft.SecurityInsights/alertRules/` + oneID + `", "name": "` + oneID +
		`", "etag": "\"x\"", "type": "Microsoft.SecurityInsights/alertRules", "kind": "Scheduled", "properties": ` + oneRule + `}`
	others := `{"id": "/x/f", "name": "BuiltInFusion", "type": "Microsoft.SecurityInsights/alertRules", "kind": "Fusion", "properties": {"displayName": "Fusion", "alertRuleTemplateName": "x", "enabled": true}},
	 {"name": "a", "type": "Microsoft.SecurityInsights/automationRules", "kind": "x", "properties": {"token": "secret"}},`
	flat := strings.Replace(oneRule, "{", `{"id": "/x/alertRules/`+oneID+`", "name": "`+oneID+`", "kind": "Scheduled", `, 1)
	want := ""
	for _, c := range []struct{ name, text string }{
		{"list", `{"value": [` + others + api + `], "nextLink": "https://management.azure.com/next?token=secret"}`},
		{"one", api},
		{"array", `[` + others + api + `]`},
		{"CLI", `[` + flat + `]`},
		{"BOM", "\ufeff" + api},
		{"template", template(`[` + resource + `]`)},
		{"template with names", template(`{"rule": ` + resource + `}`)},
		{"template of others", template(`[{"type": "Microsoft.Logic/workflows", "apiVersion": "2019-05-01", "name": "x", "properties": {"token": "secret"}}, ` + resource + `]`)},
		{"deployment", template(`[{"type": "Microsoft.Resources/deployments", "apiVersion": "2021-04-01", "name": "x", "properties": {"mode": "Incremental", "template": ` + template(`[`+resource+`]`) + `}}]`)},
		{"solution", template(`[{"type": "Microsoft.OperationalInsights/workspaces/providers/contentTemplates", "name": "x", "properties": {"mainTemplate": ` + template(`[`+strings.Replace(resource, "providers/alertRules", "AlertRuleTemplates", 1)+`]`) + `}}]`)},
		{"extension", template(`[` + strings.Replace(strings.Replace(resource, "Microsoft.OperationalInsights/workspaces/providers/alertRules", "Microsoft.SecurityInsights/alertRules", 1),
			"[concat(parameters('workspace'),'/Microsoft.SecurityInsights/"+oneID+"')]", oneID, 1) + `]`)},
		{"YAML", oneYAML},
		{"YAML between others", "# a hunting query\nid: x\nname: Hunt\nquery: T\n---\n" + oneYAML + "---\n"},
		{"YAML with CRLF", strings.ReplaceAll(oneYAML, "\n", "\r\n")},
	} {
		ds, err := readText("export.json", c.text)
		if err != nil || len(ds) != 1 {
			t.Errorf("%s: %d rules, %v", c.name, len(ds), err)
			continue
		}
		d := ds[0]
		got := fmt.Sprint(d.ID, " ", d.Rule, " ", d.Title, " ", d.Query, " ", d.Language, " ", d.Enabled, " ", d.Version, " ", d.Settings)
		if want == "" {
			want = got
		}
		if got != want {
			t.Errorf("%s:\n%s, want\n%s", c.name, got, want)
		}
		if d.Path != "export.json" || d.Pos.Line == 0 || d.QueryAt.Line == 0 {
			t.Errorf("%s: %+v", c.name, d)
		}
	}
	for _, s := range []string{"11111111-2222-3333-4444-555555555555 Tool T\n| where a == 1 kusto true 7", "queryFrequency PT1H", "queryPeriod P1D", "tactics Execution, Persistence", "{text description Finds.\n\nSigma rule"} {
		if !strings.Contains(want, s) {
			t.Errorf("no %q in %s", s, want)
		}
	}
}

// TestSentinelSame holds which differences of rules are none, and which are.
func TestSentinelSame(t *testing.T) {
	settings := func(text string) string {
		ds, err := readText("r.json", `{"kind": "Scheduled", "name": "x", "properties": `+text+`}`)
		if err != nil || len(ds) != 1 {
			t.Fatal(err, text)
		}
		return fmt.Sprint(ds[0].Enabled, ds[0].Settings)
	}
	was := settings(oneRule)
	for _, c := range []struct {
		old, new string
		same     bool
	}{
		{`"PT60M"`, `"PT1H"`, true},
		{`"PT24H"`, `"P1D"`, true},
		{`"PT60M"`, `"PT61M"`, false},
		{`"PT5H", "tactics"`, `"PT1H", "tactics"`, true}, // suppression is off
		{`"suppressionEnabled": false`, `"suppressionEnabled": true`, false},
		{`["Persistence", "Execution"]`, `["Execution", "Persistence"]`, true},
		{`["Persistence", "Execution"]`, `["Execution"]`, false},
		{`"subTechniques": null,`, `"subTechniques": [],`, true},
		{`"subTechniques": null,`, `"subTechniques": ["T1059.001"],`, false},
		{`"customDetails": null, `, ``, true},
		{`"customDetails": null, `, `"customDetails": {}, `, true},
		{`"customDetails": null, `, `"customDetails": {"A": "b"}, `, false},
		{`"enabled": true, "sev`, `"enabled": false, "sev`, false},
		{`"severity": "High"`, `"severity": "Low"`, false},
		{`"eventGroupingSettings": {"aggregationKind": "SingleAlert"},`, ``, true},
		{`"SingleAlert"`, `"AlertPerResult"`, false},
		{`"enabled": false, "reopen`, `"enabled": true, "reopen`, false},
		{`"createIncident": true`, `"createIncident": false`, false},
		{`"groupByEntities": null`, `"groupByEntities": ["Host"]`, true}, // grouping is off
		{`"HostName"`, `"FullName"`, false},
		{`"Computer"`, `"Host"`, false},
		{`"lastModifiedUtc": "2026-01-01T00:00:00Z"`, `"lastModifiedUtc": "2026-02-01T00:00:00Z"`, true},
		{`"alertRuleTemplateName": null`, `"alertRuleTemplateName": "x"`, true},
		{`Finds.`, `Looks.`, false},
		{`"Tool"`, `"Tools"`, false},
		{`"triggerThreshold": 0`, `"triggerThreshold": 1`, false},
		{`"triggerThreshold": 0`, `"triggerThreshold": "0"`, true},
	} {
		now := strings.Replace(oneRule, c.old, c.new, 1)
		if now == oneRule {
			t.Fatalf("the rule has no %s", c.old)
		}
		if same := settings(now) == was; same != c.same {
			t.Errorf("%s in the place of %s: same is %v", c.new, c.old, same)
		}
	}
}

// TestSentinelExpressions holds that what a template computes is told and not made anything of.
func TestSentinelExpressions(t *testing.T) {
	text := `{"resources": [{"type": "Microsoft.SecurityInsights/alertRules", "apiVersion": "2024-09-01", "name": "[parameters('id')]", "kind": "Scheduled", "properties": ` +
		strings.NewReplacer(`"displayName": "Tool"`, `"displayName": "[[Tool]"`, `"PT60M"`, `"[parameters('every')]"`, `"severity": "High"`, `"severity": "[variables('s')]"`).Replace(oneRule) + `}]}`
	ds, err := readText("t.json", text)
	if err != nil || len(ds) != 1 {
		t.Fatal(err)
	}
	if d := ds[0]; d.Title != "[Tool]" || d.ID != "" || !strings.Contains(fmt.Sprint(d.Settings), "queryFrequency [parameters('every')]") {
		t.Errorf("%+v", d)
	}
	var got []string
	for _, x := range auditSentinel(ds, deploy.Context{}) {
		got = append(got, x.ID+" "+x.Msg)
	}
	if want := "sentinel/expression severity is an expression of the template|sentinel/expression queryFrequency is an expression of the template"; strings.Join(got, "|") != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestSentinelReadErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                                "f:1:1: the file is empty",
		"{\"value\": [\n{\"kind\"":        "f:2:8: the file ends in the middle: it is cut off",
		"{\"value\": [\n{\"kind\" 1}]}":   "f:2:9: this is no JSON: invalid character '1' after object key",
		`{"a": 1}`:                        "f:1:1: this is no export of analytics rules, and no template",
		`[{"a": 1}]`:                      "f:1:1: this is no export of analytics rules, and no template",
		`{"value": [1]}`:                  "f:1:12: this is no rule",
		`{"resources": [1]}`:              "f:1:16: this is no resource",
		`{"value": []}{}`:                 "f:1:14: this is no JSON: invalid character '{' after top-level value",
		`{"value": [], "value": []}`:      "f:1:24: a second value of one name",
		"just text":                       "f:1:1: this is no rule in YAML",
		"id: a\nid: b\n":                  "f:2:1: a second value of one name",
		"id: a\n---\nquery: \"x\n":        "f:3:1: this is no YAML: found unexpected end of stream",
		"id: &a x\nname: *a\nkind: NRT\n": "f:2:7: an alias is not read: write what it stands for",
		strings.TrimSuffix(oneYAML, "version: 1.0.7\nkind: Scheduled\n") + "vers":                                       "f:24:1: the file ends in the middle: it is cut off",
		strings.TrimSuffix(oneYAML, "\nkind: Scheduled\n"):                                                              "f:1:1: the file ends in the middle: it is cut off",
		`{"kind": "Scheduled", "properties": {"displayName": ["secret"], "query": {"secret": 1}, "tactics": "secret"}}`: "f:1:53: displayName should be a text\nf:1:74: query should be a text\nf:1:100: tactics should be a list",
	} {
		_, err := readText("f", text)
		if err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
		var d *ir.Diagnostic
		if !errors.As(err, &d) {
			t.Errorf("%q: %T", text, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%q tells a secret: %v", text, err)
		}
	}
	for text, want := range map[string]bool{
		strings.TrimSuffix(oneYAML, "kind: Scheduled\n"):                                           true,
		strings.Replace(strings.TrimSuffix(oneYAML, "kind: Scheduled\n"), "Sigma rule", "Rule", 1): false, // older rules of others have no kind
		"id: a\nname: b\nseverity: Low\nqueryFr":                                                   true,
		"id: a\nname: b\ndescription: moved":                                                       false,
	} {
		if _, err := readText("f", text); (err != nil && strings.Contains(err.Error(), isCutOff)) != want {
			t.Errorf("%q: %v", text, err)
		}
	}
	deep := strings.Repeat(`[`, 5000) + strings.Repeat(`]`, 5000)
	if _, err := readText("f", deep); err == nil || !strings.Contains(err.Error(), "too deep") {
		t.Error(err)
	}
	for _, text := range []string{`{"value": []}`, `[]`, `{"resources": []}`, "# nothing\n", "name: Hunt\nquery: T\n"} {
		if ds, err := readText("f", text); err != nil || len(ds) > 0 {
			t.Errorf("%q: %v, %v", text, ds, err)
		}
	}
}

// BenchmarkSentinelRead compares the time for a rule of a large file with that of one of a
// tenth of its size: of linear time it is 1.
func BenchmarkSentinelRead(b *testing.B) {
	rule := `{"name": "` + oneID + `", "kind": "Scheduled", "properties": ` + oneRule + `}`
	for form, text := range map[string]func(n int) string{
		"JSON":     func(n int) string { return `{"value": [` + strings.Repeat(rule+",", n-1) + rule + `]}` },
		"YAML":     func(n int) string { return strings.Repeat(oneYAML+"---\n", n) },
		"names":    func(n int) string { return `{"value": [], ` + manyNames(100*n) + `"x": 1}` },
		"brackets": func(n int) string { return `{"value": [` + strings.Repeat(`[],`, 400*n) + `{}]}` },
	} {
		b.Run(form, func(b *testing.B) {
			var took [2]time.Duration
			for b.Loop() {
				for i, n := range []int{100, 1000} {
					s := text(n)
					start := time.Now()
					_, _ = readText("f", s)
					took[i] += time.Since(start)
				}
			}
			b.ReportMetric(took[1].Seconds()/took[0].Seconds()/10, "x-part")
		})
	}
}

func manyNames(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"n%d": 0, `, i)
	}
	return b.String()
}

func FuzzSentinelRead(f *testing.F) {
	for _, s := range []string{oneYAML, oneRule, `{"value": [{"kind": "NRT", "properties": ` + oneRule + `}]}`, `{"resources": [{"type": "x/alertRules", "kind": "Scheduled", "properties": ` + oneRule + `}]}`, "a: [", "---", "{", "[[[", "\"", `{"a": "\ud800"}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ds, err := readText("f", text)
		if err == nil {
			auditSentinel(ds, deploy.Context{}) // it must not panic
			return
		}
		var d *ir.Diagnostic
		if !errors.As(err, &d) || d.Pos.Line < 1 || d.Path != "f" {
			t.Errorf("%q: %v", text, err)
		}
	})
}

func TestIsoOrRepo(t *testing.T) {
	for text, want := range map[string]string{
		"PT1H": "1h iso", "P14D": "14d iso", "1h": "1h repo", "90m": "90m repo", "2d": "2d repo", "01:00:00": "1h repo", "1.02:00:00": "26h repo", "00:05": "5m repo",
		"30s": "", "1": "", "": "", "1 h": "", "1H": "", "-1h": "", "1h30m": "", "P1M": "",
	} {
		d, spelling := isoOrRepo(text)
		got := ""
		if spelling != noSpelling {
			got = deploy.Duration(d) + map[durationSpelling]string{isoSpelling: " iso", repoSpelling: " repo"}[spelling]
		}
		if got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
		if again, _ := isoOrRepo(repoDuration(d)); spelling != noSpelling && again != d {
			t.Errorf("%s is written as %s", text, repoDuration(d))
		}
	}
	if got := repoDuration(90 * time.Second); got != "0.00:01:30" {
		t.Error(got)
	}
}

func TestArmText(t *testing.T) {
	for s, want := range map[string]string{"": "", "a": "a", "[a]": "[[a]", "[a] b": "[a] b", "[[a]]": "[[[a]]", "[[a": "[[a", "[]": "[[]", "[": "["} {
		if got := armText(s); got != want {
			t.Errorf("%s is %s, want %s", s, got, want)
		}
		if back, expression := ownText(armText(s)); back != s || expression {
			t.Errorf("%s comes back as %s", s, back)
		}
	}
	if s, expression := ownText("[concat('a')]"); !expression || s != "[concat('a')]" {
		t.Error(s)
	}
}
