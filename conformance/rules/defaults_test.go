package rules

import (
	"testing"

	"sigmac"
	"sigmac/internal/corpus"
	"sigmac/pipeline"
	"sigmac/verify"
)

// TestDefaults holds, by target and log source, which pipelines the public rules get
// where none is named, and why the others get none; that nothing that is written is
// refuted, and nothing looks for a rule's events everywhere.
func TestDefaults(t *testing.T) {
	c := corpus.Parse(t, "sigma/rules*")
	var o sigmac.Options
	for _, target := range sigmac.Targets() {
		o.Mappings = append(o.Mappings, sigmac.DefaultMapping(target))
	}
	sums, table := map[string]int{}, map[string]int{}
	for res := range sigmac.Compile(c, o) {
		if res.Document.Rule == nil {
			continue
		}
		name := res.Target.Name
		sums[name+": rules"]++
		row := name + ": " + res.Document.Rule.Source.String() + ": "
		if len(res.Errors) > 0 {
			table[row+"refused: "+res.Errors[0].Msg]++
			continue
		}
		table[row+res.Choice.Pipelines]++
		sums[name+": converted"]++
		for _, l := range res.Mapped.Trace.Losses {
			if l.ID == pipeline.Untested {
				t.Errorf("%s: %s: the log source is not tested", res.Document.Path, name)
			}
		}
		proved := true
		for _, p := range sigmac.Verify(res, verify.DefaultBudget) {
			proved = proved && p.Verdict == "proved"
			if p.Err != nil || p.Evidence.Verdict == verify.Refuted || p.Evidence.Verdict == verify.Partial {
				t.Errorf("%s: %s: %s %v", res.Document.Path, p.Query, p.Verdict, p.Err)
			}
		}
		if proved {
			sums[name+": proved"]++
		}
	}
	for _, target := range sigmac.Targets() {
		all := sums[target.Name+": rules"]
		t.Logf("%s: %d of %d rules converted, %d proved (%.1f %%)", target.Name, sums[target.Name+": converted"], all,
			sums[target.Name+": proved"], 100*float64(sums[target.Name+": proved"])/float64(all))
	}
	corpus.Hold(t, "testdata/defaults.json", sums, *update)
	corpus.Hold(t, "testdata/default_mappings.json", table, *update)
}
