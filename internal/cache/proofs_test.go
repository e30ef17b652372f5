package cache

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"

	"sigmac"
	"sigmac/internal/corpus"
	"sigmac/internal/link"
	"sigmac/parser"
	"sigmac/pipeline"
	"sigmac/verify"
)

const rules = `title: Two conditions
name: two
logsource: {category: process_creation, product: windows}
detection:
  a: {Image|endswith: '\a.exe', Size|gt: 3}
  b: {CommandLine|re: 'x+y'}
  condition: [a and not b, b]
---
title: Beyond
name: beyond
logsource: {category: process_creation, product: windows}
detection:
  a: {CommandLine|re: 'a(?=b)c'}
  condition: a
---
title: One
name: one
logsource: {category: process_creation, product: windows}
detection:
  a: {Image: a}
  condition: a
---
title: Correlation
correlation:
  type: event_count
  rules: [one]
  group-by: [User]
  timespan: 5m
  condition: {gte: 3}
`

// The pipelines make the queries of one rule proved, proved with another stage, and refuted.
var pipelines = []string{
	"postprocessing: []", "transformations: [{type: field_name_mapping, mapping: {Image: process.path}}]",
	"postprocessing: [{type: embed, suffix: ' | head 5'}]", "postprocessing: [{type: embed, suffix: ' OR z=1'}]",
}

// compiled are the results of rules under a pipeline.
func compiled(t testing.TB, text, mapping string, targets ...string) (out []sigmac.Result) {
	t.Helper()
	p, errs := pipeline.Parse("pipeline.yml", []byte(mapping))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	var o sigmac.Options
	for _, target := range sigmac.Targets() {
		if len(targets) == 0 || target.Name == targets[0] {
			o.Mappings = append(o.Mappings, sigmac.Mapping{Target: target, Pipeline: pipeline.Join(p)})
		}
	}
	c := parser.Parse("rules.yml", []byte(text))
	o.Correlations = link.NewCorrelations(c.Documents, nil)
	for _, d := range c.Documents {
		out = append(out, sigmac.CompileDocument(d, o)...)
	}
	return out
}

// TestVerify holds that proofs are the same without a cache, with an empty one, with one that has
// them, and with one of which every entry is torn.
func TestVerify(t *testing.T) {
	dir := t.TempDir()
	seen := map[string]bool{}
	for i, p := range pipelines {
		for _, res := range compiled(t, rules, p, "splunk") {
			if i > 0 && res.Correlation != nil {
				continue // takes long
			}
			want := sigmac.Verify(res, 50_000)
			for _, w := range want {
				seen[w.Verdict] = true
			}
			for try := range 4 {
				c := open(t, dir)
				if got := c.Verify(res, 50_000); !reflect.DeepEqual(got, want) {
					t.Errorf("%s, %s, %d: %+v, not %+v", p, res.Document.Title, try, got, want)
				}
				kept := len(res.Errors) == 0
				if is := c.Hits.Load() > 0; is != (kept && (try == 1 || try == 3)) {
					t.Errorf("%s, %s, %d: %d hits", p, res.Document.Title, try, c.Hits.Load())
				}
				if try == 1 {
					for _, path := range entries(t, dir) {
						if err := os.Truncate(path, 100); err != nil {
							t.Fatal(err)
						}
					}
				}
			}
		}
	}
	for _, v := range []string{"proved", "refuted"} {
		if !seen[v] {
			t.Errorf("no verdict was %s: %v", v, seen)
		}
	}
}

// TestMisses holds that nothing is taken for another rule, filter, mapping, target or budget.
func TestMisses(t *testing.T) {
	dir := t.TempDir()
	rule := rules[:strings.Index(rules, "---")]
	base := compiled(t, rule, pipelines[0], "splunk")[0]
	open(t, dir).Verify(base, 50_000)
	filter := "title: F\nname: f\nlogsource: {category: process_creation, product: windows}\nfilter:\n  rules: [two]\n  s: {User: adm}\n  condition: not s\n"
	filtered := func() sigmac.Result {
		docs := parser.Parse("rules.yml", []byte(rule+"---\n"+filter)).Documents
		link.NewFilters(docs).Join(docs[0])
		return sigmac.CompileDocument(docs[0], sigmac.Options{Mappings: []sigmac.Mapping{base.Mapping}})[0]
	}()
	if len(filtered.Queries) == 0 || filtered.Queries[0] == base.Queries[0] {
		t.Fatal(filtered.Queries)
	}
	for name, res := range map[string]sigmac.Result{
		"rule":    compiled(t, strings.Replace(rule, "a.exe", "b.exe", 1), pipelines[0], "splunk")[0],
		"filter":  filtered,
		"mapping": compiled(t, rule, pipelines[1], "splunk")[0],
		"post":    compiled(t, rule, pipelines[2], "splunk")[0],
		"target":  compiled(t, rule, pipelines[0], "elastic")[0],
		"place":   compiled(t, "\n"+rule, pipelines[0], "splunk")[0],
	} {
		if c := open(t, dir); !reflect.DeepEqual(c.Verify(res, 50_000), sigmac.Verify(res, 50_000)) || c.Hits.Load() > 0 {
			t.Errorf("another %s is taken for the same", name)
		}
	}
	c := open(t, dir)
	if c.Verify(base, 49_999); c.Hits.Load() > 0 {
		t.Error("another budget is taken for the same")
	}
	if c.Verify(base, 50_000); c.Hits.Load() != 1 {
		t.Error("the same is not found")
	}
}

// TestVerifyCorpus holds that the proofs of public rules are kept, and are the same.
func TestVerifyCorpus(t *testing.T) {
	c := corpus.Parse(t, "sigma/rules-threat-hunting")
	dir, kept := t.TempDir(), 0
	for res := range sigmac.Compile(c, sigmac.Unmapped(sigmac.Targets()...)) {
		if len(res.Errors) > 0 {
			continue
		}
		want := open(t, dir).Verify(res, verify.DefaultBudget)
		again := open(t, dir)
		if got := again.Verify(res, verify.DefaultBudget); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %s: %+v, not %+v", res.Document.Path, res.Target.Name, got, want)
		}
		if again.Hits.Load() != 1 {
			t.Errorf("%s: %s is not kept", res.Document.Path, res.Target.Name)
		}
		kept++
	}
	if kept < 100 {
		t.Errorf("%d results", kept)
	}
}

// FuzzEntry holds that no content of an entry does harm, whatever its checksum says: a
// verdict is one that there is, of a condition that there is.
func FuzzEntry(f *testing.F) {
	res := compiled(f, rules[:strings.Index(rules, "---")], pipelines[0], "splunk")[0]
	var own []proved
	for _, p := range sigmac.Verify(res, 50_000) {
		own = append(own, proved{p.Condition, p.Evidence, p.Added})
	}
	text, err := json.Marshal(own)
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{string(text), strings.Replace(string(text), `"Verdict":0`, `"Verdict":9`, 1), strings.Replace(string(text), `"Condition":2`, `"Condition":3`, 1),
		strings.Replace(string(text), `"Effect":1`, `"Effect":99`, 1), `[{"Condition":1},{"Condition":1}]`, `[]`, `null`,
		strings.Replace(string(text), `"Detection":null`, `"Detection":{"Detection":{}}`, 1)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		kept, err := decode[[]proved]([]byte(text))
		if err != nil {
			return
		}
		all, ok := proofs(res, kept)
		if ok != (len(all) == len(res.Queries)) {
			t.Errorf("%d proofs: %v", len(all), ok)
		}
		for _, p := range all {
			p = p.InScope()
			if p.Verdict != p.Evidence.Verdict.String() || p.Query == "" || p.At().Line == 0 {
				t.Errorf("%+v", p)
			}
			for _, s := range append(p.Evidence.Stages, p.Added.Stages...) {
				_ = s.Effect.String()
			}
		}
	})
}
