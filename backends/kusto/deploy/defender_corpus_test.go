package deploy_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"reflect"
	"slices"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	"sigmac"
	kustodeploy "sigmac/backends/kusto/deploy"
	"sigmac/internal/config"
	"sigmac/internal/corpus"
	"sigmac/internal/delivery"
	"sigmac/internal/deploy"
	"sigmac/parser"
	"sigmac/targets"
)

// TestDefenderCorpus packs public rules of every log source that Defender has: Graph would take all of
// them, and nothing of a rule is lost but what the counts say.
func TestDefenderCorpus(t *testing.T) {
	target, _ := targets.Named("kusto")
	format := target.Packages[slices.IndexFunc(target.Packages, func(f deploy.Format) bool { return f.Name == "defender" })]
	m := sigmac.DefaultMapping(target)
	m.Table = m.Table.Only(format.Pipelines...)
	packer, err := delivery.NewPacker(format, config.Package{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	packer.Schema, packer.Below = m.Schemas, func(path string) string { return path }

	c := &parser.Collection{}
	sources := map[string]int{}
	for _, d := range corpus.Rules(t) {
		s := d.Rule.Source
		key := s.Product + "/" + s.Category + "/" + s.Service
		if sources[key]++; sources[key]%10 == 1 { // some of each log source
			c.Documents = append(c.Documents, d)
		}
	}
	counts := map[string]int{}
	for res := range sigmac.Compile(c, sigmac.Options{Mappings: []sigmac.Mapping{m}}) {
		if len(res.Errors) > 0 {
			counts["no query"]++
			continue
		}
		why, found, faults := packer.Add(res)
		for _, f := range faults {
			t.Error(f)
		}
		if why != "" {
			counts["left out"]++
			continue
		}
		counts["packed"]++
		for _, f := range found {
			counts[f.ID]++
		}
	}
	files, found, err := packer.Package()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		if f.Severity == "error" {
			t.Errorf("%s: %s (%s)", f.Detection, f.Msg, f.ID)
		}
	}
	corpus.Hold(t, "testdata/defender/corpus.json", counts, flag.Lookup("update").Value.String() == "true")

	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(files[0].Data))
	if err != nil {
		t.Fatal(err)
	}
	if err := kustodeploy.DefenderValidator(t).Validate(doc); err != nil {
		t.Error(err)
	}
	var ours, other any
	if err := json.Unmarshal(files[0].Data, &ours); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(files[0].Data, &other); err != nil || !reflect.DeepEqual(ours, other) {
		t.Errorf("a reader of YAML reads it as another: %v", err)
	}
	ds, err := format.Read(files[0])
	if err != nil || len(ds) != counts["packed"] {
		t.Errorf("%d detections, %v", len(ds), err)
	}
	for _, d := range ds {
		if d.Rule == "" || d.Query == "" || d.Title == "" || len(d.Settings) == 0 {
			t.Errorf("%s is read as %+v", d.ID, d)
		}
	}
}
