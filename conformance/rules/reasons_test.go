package rules

import (
	"slices"
	"strings"
	"testing"

	"sigmac"
	"sigmac/backends"
	"sigmac/internal/corpus"
	"sigmac/ir"
	"sigmac/verify"
)

// TestReasons counts, for the pipelines by log source, why queries are more than
// the plain tests of their language, in how many a regular expression is written for a
// rule that has none. It holds that help for an index is implied and, in KQL, rests on
// nothing else, and that each condition has a row in the table of costs.
func TestReasons(t *testing.T) {
	var o sigmac.Options
	for _, target := range sigmac.Targets() {
		o.Mappings = append(o.Mappings, sigmac.DefaultMapping(target))
	}
	got := map[string]int{}
	for res := range sigmac.Compile(corpus.Parse(t, "sigma/rules*"), o) {
		if len(res.Errors) > 0 {
			continue
		}
		name := res.Target.Name
		legal, _ := backends.Legalize(ir.Simplify(res.Want), res.Target.Format.Caps)
		docs, err := res.Target.Format.Emit(legal)
		if err != nil {
			t.Fatal(err)
		}
		expressions := false
		res.Want.Walk(func(e ir.Expr) {
			m, ok := e.(ir.Match)
			if k, is := e.(ir.Keyword); is {
				m.Test, ok = k.Test, true
			}
			_, re := m.Test.(ir.Regexp)
			expressions = expressions || ok && re
		})
		for i, d := range docs {
			for _, c := range d.Conditions() {
				if !slices.Contains(res.Target.Format.Costs, c.Cost) {
					t.Errorf("%s: no row for %s", res.Document.Path, c.Text)
				}
			}
			for _, why := range d.Why {
				got[name+": "+why]++
			}
			if where := strings.Contains(d.Flat(), " | where "); name == "splunk" {
				if where != (d.Why != nil) {
					t.Errorf("%s: no reason, or one too many: %s", res.Document.Path, d.Flat())
				}
				if where {
					got[name+": queries with where"]++
				}
				if strings.Contains(d.Flat(), "mvfind") && !expressions {
					got[name+": mvfind without re in the rule"]++
				}
			}
			if bare := d.WithoutHelp().Flat(); bare != d.Flat() {
				got[name+": queries with help for the index"]++
				with, ok := verify.Proves(res.Target, res.Want, i, d.Flat(), verify.DefaultBudget)
				without, ok2 := verify.Proves(res.Target, res.Want, i, bare, verify.DefaultBudget)
				if !ok || !ok2 || name == "kusto" && !slices.Equal(with, without) {
					t.Errorf("%s: %s: %t %v\n%s: %t %v", res.Document.Path, d.Flat(), ok, with, bare, ok2, without)
				}
			}
		}
	}
	corpus.Hold(t, "testdata/reasons.json", got, *update)
}
