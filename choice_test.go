package sigmac_test

import (
	"fmt"
	"strings"
	"testing"

	"sigmac"
	"sigmac/parser"
	"sigmac/pipeline"
	"sigmac/targets"
	"sigmac/verify"
)

const chosenRule = `title: Chosen
logsource: {product: windows, category: process_creation}
detection:
  sel: {Image|endswith: '\a.exe', FIELD: 'x'}
  condition: sel
`

func chosen(t *testing.T, field string) *parser.Document {
	t.Helper()
	d := parser.Parse("r.yml", []byte(strings.ReplaceAll(chosenRule, "FIELD", field))).Documents[0]
	if len(d.Errors) > 0 {
		t.Fatal(d.Errors)
	}
	return d
}

// TestChoice holds that a rule goes the first way that takes it, and that what the ways
// before it said is told.
func TestChoice(t *testing.T) {
	target, _ := targets.Named("kusto")
	m := sigmac.DefaultMapping(target)
	compile := func(field string, m sigmac.Mapping) sigmac.Result {
		return sigmac.CompileDocument(chosen(t, field), sigmac.Options{Mappings: []sigmac.Mapping{m}})[0]
	}
	if res := compile("CommandLine", m); len(res.Queries) != 1 || res.Choice.Pipelines != "microsoft_xdr" || len(res.Choice.Refused) > 0 || res.Table != nil {
		t.Errorf("%v %v", res.Choice, res.Errors)
	}
	res := compile("CurrentDirectory", m)
	if len(res.Queries) != 1 || res.Choice.Pipelines != "azure_monitor" || len(res.Choice.Refused) != 1 || res.Choice.Refused[0].Pipelines != "microsoft_xdr" {
		t.Errorf("%v %v", res.Choice, res.Errors)
	}
	for _, p := range sigmac.Verify(res, verify.DefaultBudget) {
		if p.Verdict != "proved" {
			t.Errorf("%s: %s", p.Query, p.Verdict)
		}
	}
	m.First = true
	if res := compile("CurrentDirectory", m); len(res.Queries) > 0 || res.Choice.Pipelines != "microsoft_xdr" || res.Errors[0].Feature == "" {
		t.Errorf("%v %v", res.Choice, res.Errors)
	}
	m.First = false
	if res := compile("NoSuchField", m); len(res.Queries) > 0 || len(res.Choice.Refused) < 2 || res.Choice.Pipelines != "microsoft_xdr" || res.Errors[0] != res.Choice.Refused[0].Reason {
		t.Errorf("%v %v", res.Choice, res.Errors)
	}
}

// TestVerifyGiven holds that a given query is compared with the rule as it is where the
// query looks.
func TestVerifyGiven(t *testing.T) {
	target, _ := targets.Named("kusto")
	m := sigmac.DefaultMapping(target)
	d := chosen(t, "CommandLine")
	for _, name := range []string{"microsoft_xdr", "azure_monitor", "sentinel_asim"} {
		p, _ := pipeline.Builtin(name)
		own := m
		own.Table, own.Pipeline = nil, p
		query := sigmac.CompileDocument(d, sigmac.Options{Mappings: []sigmac.Mapping{own}})[0].Queries[0]
		if p := sigmac.VerifyGiven(d, m, query, sigmac.Options{}, verify.DefaultBudget); p.Choice.Pipelines != name || p.Verdict != "proved" {
			t.Errorf("%s: by %s, %s %v", query, p.Choice.Pipelines, p.Verdict, p.Err)
		}
	}
	for query, want := range map[string][2]string{
		`SecurityEvent | where EventID == 4688 and NewProcessName endswith @"\a.exe"`: {"azure_monitor", "refuted"},
		`DeviceProcessEvents | where`: {"microsoft_xdr", "error"},
	} {
		if p := sigmac.VerifyGiven(d, m, query, sigmac.Options{}, verify.DefaultBudget); p.Choice.Pipelines != want[0] || p.Verdict != want[1] {
			t.Errorf("%s: by %s, %s %v", query, p.Choice.Pipelines, p.Verdict, p.Err)
		}
	}
}

// TestNoIndexHelp holds that what only helps an index can be left out of every query,
// laid out in either way, and that these mean the same.
func TestNoIndexHelp(t *testing.T) {
	d := chosen(t, "CommandLine|cased")
	shorter := 0
	for _, target := range sigmac.Targets() {
		o := sigmac.Options{Mappings: []sigmac.Mapping{{Target: target}}}
		with := sigmac.CompileDocument(d, o)[0]
		o.NoIndexHelp = true
		flat := sigmac.CompileDocument(d, o)[0]
		o.Pretty = true
		for _, res := range []sigmac.Result{with, flat, sigmac.CompileDocument(d, o)[0]} {
			if p := sigmac.Verify(res, verify.DefaultBudget)[0]; p.Verdict != "proved" {
				t.Errorf("%s: %s", p.Query, p.Verdict)
			}
		}
		if len(flat.Queries[0]) < len(with.Queries[0]) {
			shorter++
		}
	}
	if shorter == 0 {
		t.Error("no query is shorter without help for an index")
	}
}

// TestTooLong holds that a query is told of that is longer than a place takes, and no
// other.
func TestTooLong(t *testing.T) {
	target, _ := targets.Named("kusto")
	for values, want := range map[int]int{10: 0, 2_000: 1} {
		var list []string
		for i := range values {
			list = append(list, fmt.Sprintf("value%d", i))
		}
		d := chosen(t, "CommandLine: ["+strings.Join(list, ", ")+"], Company")
		res := sigmac.CompileDocument(d, sigmac.Options{Mappings: []sigmac.Mapping{{Target: target}}})[0]
		if len(res.Mapped.Warnings) != want || len(res.Queries) != 1 {
			t.Errorf("%d values: %v %v", values, res.Mapped.Warnings, res.Errors)
		}
	}
}
