package rules

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"path/filepath"
	"slices"
	"testing"

	"github.com/BurntSushi/toml"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

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
			valid(t, target.Name, f.Name, files)
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

// schemas are what SIEMs take, by format: JSON schemas of the words of their validators and
// interfaces, beside the package that writes the format.
var schemas = map[string]string{"sentinel_yaml": "sentinel_yaml", "sentinel_arm": "sentinel_arm", "defender": "defender", "elastic_ndjson": "kibana_import", "elastic_toml": "detection_rules"}

// valid holds that a package, as a decoder of others reads it, is what its SIEM takes.
func valid(t *testing.T, target, format string, files []deploy.File) {
	name, ok := schemas[format]
	if !ok {
		return // the package of the format holds its settings against a schema
	}
	schema, err := jsonschema.NewCompiler().Compile("../../backends/" + target + "/deploy/testdata/" + name + ".schema.json")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, f := range files {
		for _, v := range decoded(t, f) {
			n++
			if err := schema.Validate(v); err != nil {
				t.Errorf("%s: %s", format, err)
			}
		}
	}
	if n == 0 {
		t.Errorf("%s: nothing was validated", format)
	}
}

// decoded are the values of a file: those of a list, of its documents or of its lines, each.
func decoded(t *testing.T, f deploy.File) (out []any) {
	var err error
	switch filepath.Ext(f.Path) {
	case ".yaml":
		for d := yaml.NewDecoder(bytes.NewReader(f.Data)); err == nil; {
			var v any
			if err = d.Decode(&v); err == nil {
				out = append(out, v)
			}
		}
	case ".toml":
		var v map[string]any
		err = toml.Unmarshal(f.Data, &v)
		out = append(out, v)
	default:
		for d := json.NewDecoder(bytes.NewReader(f.Data)); err == nil; {
			var v any
			if err = d.Decode(&v); err == nil {
				if list, ok := v.([]any); ok {
					out = append(out, list...)
				} else {
					out = append(out, v)
				}
			}
		}
	}
	if err != nil && err != io.EOF {
		t.Errorf("%s: %s", f.Path, err)
	}
	for i, v := range out { // with the types of JSON alone
		text, err := json.Marshal(v)
		if err == nil {
			out[i], err = jsonschema.UnmarshalJSON(bytes.NewReader(text))
		}
		if err != nil {
			t.Errorf("%s: %s", f.Path, err)
		}
	}
	return out
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
