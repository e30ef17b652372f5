package rules

import (
	"cmp"
	"path/filepath"
	"slices"
	"testing"

	"sigmac"
	"sigmac/internal/config"
	"sigmac/internal/corpus"
	"sigmac/internal/delivery"
	"sigmac/internal/deploy"
	"sigmac/parser"
	"sigmac/schema"
)

// packed is what became of rules in a form of detections.
type packed struct {
	Detections int            `json:"detections"`
	Findings   map[string]int `json:"findings,omitempty"` // by id
	Refused    map[string]int `json:"refused,omitempty"`  // rules, by what was wrong with the first
	NoQuery    int            `json:"no_query,omitempty"`
	LeftOut    int            `json:"left_out,omitempty"`
}

// TestPackages packs rules of all log sources in each form of detections. What is packed
// breaks no limit of its SIEM, and is read back as it is.
func TestPackages(t *testing.T) {
	rules := ofAllSources(corpus.Rules(t), 200)
	got := map[string]*packed{}
	for _, target := range sigmac.Targets() {
		for _, f := range target.Packages {
			m := sigmac.DefaultMapping(target)
			if f.Pipelines != nil {
				m.Table = m.Table.Only(f.Pipelines...)
			}
			p, err := delivery.NewPacker(f, config.Package{Experimental: "enabled"}, nil)
			if err != nil {
				t.Fatal(err)
			}
			p.Schema, p.Below = schema.For(target), filepath.ToSlash
			out := &packed{Findings: map[string]int{}, Refused: map[string]int{}}
			got[f.Name] = out
			queries := map[string]string{}
			for res := range sigmac.Compile(&parser.Collection{Documents: rules}, sigmac.Options{Mappings: []sigmac.Mapping{m}}) {
				if len(res.Errors) > 0 {
					out.NoQuery++
					continue
				}
				why, found, faults := p.Add(res)
				for _, x := range found {
					out.Findings[x.ID]++
				}
				switch {
				case len(faults) > 0:
					out.Refused[cmp.Or(faults[0].Feature, faults[0].Msg)]++
				case why != "":
					out.LeftOut++
				default:
					out.Detections += len(res.Queries)
					for _, q := range res.Queries {
						queries[q] = res.Document.Title
					}
				}
			}
			files, found, err := p.Package()
			if err != nil {
				t.Errorf("%s: %s", f.Name, err)
				continue
			}
			for _, x := range found {
				if x.Severity == "error" {
					t.Errorf("%s: %s: %s (%s)", f.Name, x.Detection, x.Msg, x.ID)
				}
			}
			hold(t, f, files, queries, out.Detections)
		}
	}
	corpus.Hold(t, "testdata/packages.json", got, *update)
}

// hold holds that a package reads back as n detections, whose queries are those of rules.
func hold(t *testing.T, f deploy.Format, files []deploy.File, queries map[string]string, n int) {
	var all []*deploy.Detection
	for _, file := range files {
		ds, err := f.Read(file)
		if err != nil {
			t.Errorf("%s: %s", f.Name, err)
		}
		all = append(all, ds...)
	}
	if len(all) != n {
		t.Errorf("%s: %d detections are read of %d", f.Name, len(all), n)
	}
	for _, d := range all {
		if queries[d.Query] == "" {
			t.Errorf("%s: %s: no rule has the query %s", f.Name, d.Title, d.Query)
		}
		if d.Rule == "" {
			t.Errorf("%s: %s: it does not say of which rule it is", f.Name, d.Title)
		}
	}
}

// ofAllSources are n of the rules: one of each log source, then another of each, and so on.
func ofAllSources(rules []*parser.Document, n int) (out []*parser.Document) {
	by := map[string][]*parser.Document{}
	var sources []string
	for _, d := range rules {
		if d.Rule == nil || len(d.Errors) > 0 {
			continue
		}
		s := d.Rule.Source.String()
		if by[s] == nil {
			sources = append(sources, s)
		}
		by[s] = append(by[s], d)
	}
	slices.Sort(sources)
	for i := 0; len(out) < n; i++ {
		before := len(out)
		for _, s := range sources {
			if i < len(by[s]) && len(out) < n {
				out = append(out, by[s][i])
			}
		}
		if len(out) == before {
			break
		}
	}
	return out
}
