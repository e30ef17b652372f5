package rules

import (
	"fmt"
	"slices"
	"testing"

	"sigmac"
	"sigmac/internal/corpus"
	"sigmac/internal/link"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/verify"
)

// tuning are conditions of filters as teams write them, over fields that most log
// sources of Windows have.
var tuning = []string{
	"selection: {User: 'CORP\\svc_backup'}\n  condition: not selection",
	"selection: {User|startswith: 'CORP\\svc_'}\n  condition: not selection",
	"selection: {Image|endswith: '\\agent.exe'}\n  condition: not selection",
	"selection: {Image: ['C:\\Tools\\a.exe', 'C:\\Tools\\b.exe']}\n  condition: not selection",
	"selection: {Image|startswith: 'C:\\Program Files\\', User: SYSTEM}\n  condition: not selection",
	"one: {User: a}\n  two: {Image|contains: b}\n  condition: not 1 of *",
	"one: {User: a}\n  two: {Image|contains: b}\n  condition: not (one and two)",
	"one: {User: a}\n  two: {Image|contains: b}\n  condition: not one and not two",
	"selection: {User: ['a*', '?b']}\n  condition: not selection",
	"selection: {User: null}\n  condition: not selection",
	"selection: {User: ''}\n  condition: not selection",
	"selection: {Computer|endswith: .lab.example}\n  condition: not selection",
	"selection: {Computer|cased: LAB-1}\n  condition: not selection",
	"selection: {User|re: '^svc[0-9]+$'}\n  condition: not selection",
	"selection: {SourceIp|cidr: 10.0.0.0/8}\n  condition: not selection",
	"selection: {EventID: 4624}\n  condition: not selection",
	"selection: {ProcessId|gt: 100}\n  condition: not selection",
	"selection: {Computer|endswith: .prod.example}\n  condition: selection",
	"selection: {User|exists: true}\n  condition: selection",
	"a: {User: x}\n  b: {User: y}\n  condition: all of them or not a",
}

// TestFilters holds, over public rules with filters, that the queries of each rule are
// proved to mean the rule and all of its filters: those of the rule as it is, and of each
// filter by itself, are put together here.
func TestFilters(t *testing.T) {
	docs := slices.DeleteFunc(corpus.Rules(t), func(d *parser.Document) bool { return d.Rule.Source.Product != "windows" })
	const wanted = 200
	step := max(len(docs)/wanted, 1)
	var chosen, filters []*parser.Document
	for i := 0; i < len(docs) && len(chosen) < wanted; i += step {
		chosen = append(chosen, docs[i])
	}
	for i, text := range tuning {
		rules := "any"
		if i%2 == 1 { // by the ids of a third of the rules
			rules = "["
			for j := i % 3; j < len(chosen); j += 3 {
				rules += chosen[j].ID + ", "
			}
			rules += "]"
		}
		src := fmt.Sprintf("title: filter %d\nlogsource: {product: windows}\nfilter:\n  rules: %s\n  %s\n", i, rules, text)
		d := parser.Parse(fmt.Sprintf("filter%d.yml", i), []byte(src)).Documents[0]
		if len(d.Errors) > 0 {
			t.Fatal(d.Errors)
		}
		filters = append(filters, d)
	}
	joined := link.NewFilters(filters)
	o := sigmac.Unmapped(sigmac.Targets()...)
	said := map[string]int{}
	for _, d := range chosen {
		bare := d.Rule
		joined.Join(d)
		if len(d.Filters) < len(tuning)/2 {
			t.Errorf("%s: %d filters", d.Path, len(d.Filters))
		}
		want := expected(t, bare, d.Filters)
		for _, res := range sigmac.CompileDocument(d, o) {
			if len(res.Errors) > 0 {
				if res.Errors[0].Feature == "" {
					t.Errorf("%s: %v", res.Target.Name, res.Errors)
				}
				said[res.Target.Name+" refused"]++
				continue
			}
			for i, q := range res.Queries {
				v, err := verify.Query(res.Target, want, i, q, verify.DefaultBudget)
				if err != nil || v.Verdict != verify.Proved && v.Verdict != verify.Agreed {
					t.Errorf("%s: %s: %v %v", d.Path, res.Target.Name, v.Verdict, err)
					continue
				}
				said[res.Target.Name+" "+v.Verdict.String()]++
			}
		}
	}
	corpus.Hold(t, "testdata/filters.json", said, *update)
}

// expected is a rule AND filters, each inlined by itself.
func expected(t *testing.T, r *ir.Rule, filters []*parser.Document) *ir.Rule {
	inline := func(r *ir.Rule) []ir.Condition {
		out, err := ir.Inline(ir.ExpandBase64Offset(ir.ExpandWindash(r)))
		if err != nil {
			t.Fatal(err)
		}
		return out.Conditions
	}
	out := &ir.Rule{Meta: r.Meta, Source: r.Source, Conditions: inline(r)}
	for _, f := range filters {
		own := inline(&ir.Rule{Detections: f.Filter.Detections, Conditions: f.Filter.Conditions})[0].Expr
		for i := range out.Conditions {
			out.Conditions[i].Expr = ir.And{out.Conditions[i].Expr, own}
		}
	}
	return ir.TypeFields(out)
}
