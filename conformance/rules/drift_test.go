package rules

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"sigmac"
	"sigmac/internal/config"
	"sigmac/internal/corpus"
	"sigmac/internal/delivery"
	"sigmac/internal/deploy"
	"sigmac/internal/drift"
	"sigmac/parser"
	"sigmac/schema"
	"sigmac/verify"
)

// bound adds a time bound to a query, by its language.
var bound = map[string]func(query string) string{
	"splunk": func(q string) string { return "earliest=-1d " + q },
	"kusto": func(q string) string {
		table, rest, _ := strings.Cut(q, "|")
		return table + "| where ingestion_time() > ago(1d) |" + rest
	},
}

// TestDrift holds that the packages of rules of all log sources are no drift from these rules,
// and neither is what somebody wrote anew: in another layout, without what is there for an
// index, with a time bound, under other ids.
func TestDrift(t *testing.T) {
	rules := ofAllSources(corpus.Rules(t), 200)
	got := map[string]map[string]int{}
	for _, target := range sigmac.Targets() {
		for _, f := range target.Packages {
			m := sigmac.DefaultMapping(target)
			if f.Pipelines != nil {
				m.Table = m.Table.Only(f.Pipelines...)
			}
			pack := func(o sigmac.Options) (out []*drift.Rule) {
				p, err := delivery.NewPacker(f, config.Package{Experimental: "enabled"}, nil)
				if err != nil {
					t.Fatal(err)
				}
				p.Schema, p.Below = schema.For(target), filepath.ToSlash
				o.Mappings = []sigmac.Mapping{m}
				for res := range sigmac.Compile(&parser.Collection{Documents: rules}, o) {
					more, _ := drift.Pack(p, res)
					for _, r := range more {
						if r.Detection != nil {
							out = append(out, r)
						}
					}
				}
				return out
			}
			want := pack(sigmac.Options{})
			var deployed, anew []*deploy.Detection
			for _, r := range want {
				deployed = append(deployed, r.Detection)
			}
			for i, r := range pack(sigmac.Options{Pretty: true, NoIndexHelp: true}) {
				d := *r.Detection
				d.ID, d.Rule = fmt.Sprintf("theirs-%d", i), ""
				if add := bound[d.Language]; add != nil && i%2 == 0 {
					d.Query = add(d.Query)
				}
				anew = append(anew, &d)
			}
			counts := map[string]int{}
			for _, e := range drift.Compare(want, deployed, drift.Options{Budget: verify.DefaultBudget}) {
				if counts["equal"]++; len(e.Differences) > 0 {
					t.Errorf("%s: %s: %+v", f.Name, e.Title(), e.Differences)
				}
			}
			for _, e := range drift.Compare(want, anew, drift.Options{Budget: verify.DefaultBudget}) {
				word := "anew: equal"
				for _, d := range e.Differences {
					switch {
					case d.Kind == drift.Bounds:
						word = "anew: equal, bounded"
					case d.Kind == drift.Unjudged:
						word = "anew: not judged"
						t.Logf("%s: %s: %s", f.Name, e.Title(), d.Reason)
					case !d.Kind.Quiet():
						t.Errorf("%s: %s: %s %s %s %v %v", f.Name, e.Title(), d.Kind, d.Direction, d.Reason, d.Missed, d.Gained)
					}
				}
				counts[word]++
			}
			got[f.Name] = counts
		}
	}
	corpus.Hold(t, "testdata/drift.json", got, *update)
}
