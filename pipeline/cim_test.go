package pipeline_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"sigmac"
	"sigmac/eval"
	"sigmac/parser"
	"sigmac/schema"
	"sigmac/targets"
	"sigmac/verify"
)

// toModel takes a rule through the pipeline splunk_cim.
func toModel(t *testing.T, rule string) (res sigmac.Result) {
	target, _ := targets.Must("splunk").In("data_model")
	o := sigmac.Options{Mappings: []sigmac.Mapping{{Target: target, Pipeline: builtin(t, "splunk_cim"), Schemas: schema.For(target)}}}
	for res = range sigmac.Compile(parser.Parse("rule.yml", []byte(rule)), o) {
	}
	return res
}

// TestDataModelVerdicts holds that what changes a query is seen.
func TestDataModelVerdicts(t *testing.T) {
	src := "title: t\nlogsource: {product: windows, category: process_creation}\ndetection:\n" +
		"  s: {Image|endswith: '\\x.exe', ProcessId: 4}\n  f: {CommandLine|contains: [a, b]}\n  condition: s and not f\n"
	res := toModel(t, src)
	if len(res.Errors) > 0 {
		t.Fatal(res.Errors)
	}
	for _, c := range []struct{ from, to, want string }{
		{"", "", "proved"},
		{"summariesonly=false", "summariesonly=true", "proved"}, // under an assumption
		{"Endpoint.Processes", "Endpoint.Services", "refuted both table"},
		{`fillnull_value="null" `, "", "refuted narrower endswith"},
		{` fillnull_value="null"`, " `own_macro`", "agreed"},
		{" Processes.parent_process_guid", " Processes.parent_process_guid | where count>5", "partial"},
		{"process_path=", "process_path!=", "refuted both endswith"},
		{"process_id=4", "process_id=5", "refuted both number"},
		{"process_id=4", "process_id>3", "refuted wider number"},
		{"Processes.process_id=4", "NOT Processes.process_id=5", "refuted both number"},
		{"NOT ", "", "refuted both endswith"},
		{`, "*b*"`, "", "refuted wider contains"},
	} {
		query := res.Queries[0]
		if c.from != "" {
			if query = strings.Replace(query, c.from, c.to, 1); query == res.Queries[0] {
				t.Fatalf("%s is not in %s", c.from, query)
			}
		}
		v, err := verify.Query(res.Target, res.Want, 0, query, verify.DefaultBudget)
		if err != nil {
			t.Errorf("%s: %v", query, err)
			continue
		}
		got := v.Verdict.String()
		if v.Verdict == verify.Refuted {
			got += " " + v.Direction + " "
			if v.Construct != nil {
				got += v.Construct.Name
			}
		}
		if got != c.want {
			t.Errorf("%s: %s %s, want %s\n%v", query, got, v.Reason, c.want, v.Counterexample)
		}
	}
}

var typedDetails = regexp.MustCompile(`^(\w+) \((.+)\)$`)

// TestDataModelRows holds that a rule that is not refused answers of an event
// what its conditions on the model answer of the row that the add-on and the
// model make of the event.
func TestDataModelRows(t *testing.T) {
	row := func(ev map[string]any) map[string]any {
		out := map[string]any{"Registry.action": "modified", "Registry.registry_value_type": "unknown"}
		for from, to := range map[string]string{"Details": "Registry.registry_value_data", "TargetObject": "Registry.registry_path"} {
			if out[to] = "unknown"; ev[from] != nil {
				out[to] = ev[from]
			}
		}
		if m := typedDetails.FindStringSubmatch(fmt.Sprint(ev["Details"])); m != nil {
			out["Registry.registry_value_type"], out["Registry.registry_value_data"] = "REG_"+m[1], m[2]
		}
		return out
	}
	var events []map[string]any
	for _, d := range []any{nil, "DWORD (0x00000001)", "QWORD (0x00000000-0x00000001)", "0x00000001", "(Empty)", "Binary Data", "1", "word", "DWORD", "x)"} {
		events = append(events, map[string]any{"Details": d, "TargetObject": "HKLM\\x"})
		if d == nil {
			delete(events[0], "Details")
		}
	}
	events = append(events, map[string]any{"Details": "known"})

	var values []string
	add := func(s string) {
		for i := range len(s) + 1 {
			for j := i; j <= len(s); j++ {
				values = append(values, s[i:j])
			}
		}
	}
	add("DWORD (0x00000001)")
	add("-0x1)")
	add("unknown")
	values = append(values, "Binary Data", "(Empty)", "x1", "REG_DWORD", "own word", "DWORD (*)", "D*1)", "0x*1", "*1*2*", " -e ", "4", "  ", "d ", "D (0", "exec(", "u*n", "w?rd")
	converted, refused := 0, 0
	for _, field := range []string{"Details", "TargetObject"} {
		for _, modifier := range []string{"", "|contains", "|startswith", "|endswith", "|neq", "|contains|neq"} {
			for _, v := range values {
				src := fmt.Sprintf("title: t\nlogsource: {product: windows, category: registry_set}\ndetection:\n  s:\n    %s%s: '%s'\n  condition: s\n", field, modifier, v)
				res := toModel(t, src)
				r := res.Document.Rule
				switch {
				case r == nil:
					continue
				case len(res.Errors) > 0:
					refused++
					continue
				}
				converted++
				for _, ev := range events {
					if v == "" && (modifier == "" || modifier == "|neq") && ev[field] == nil {
						continue // the model does not tell the empty text from none
					}
					if want, got := eval.Rule(r, event(ev)), eval.Rule(res.Want, event(row(ev))); want != got {
						t.Errorf("%s%s: %q: %v of %v, but %v of %v", field, modifier, v, want, ev, got, row(ev))
					}
				}
			}
		}
	}
	if converted < 500 || refused < 200 {
		t.Errorf("%d converted, %d refused", converted, refused)
	}
}
