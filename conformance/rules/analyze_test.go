package rules

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"sigmac"
	"sigmac/internal/corpus"
	"sigmac/internal/coverage"
	"sigmac/internal/project"
	"sigmac/ir"
	"sigmac/targets"
)

// TestAnalyze compares what coverage counts of the public rules with what pySigma counts of them, where
// SIGMAC_PYSIGMA names a Python that has it.
func TestAnalyze(t *testing.T) {
	python := os.Getenv("SIGMAC_PYSIGMA")
	if python == "" || corpus.Dir() == "" {
		t.Skip("needs public rules, and SIGMAC_PYSIGMA with a Python that has pySigma")
	}
	folder := filepath.Join(corpus.Dir(), "sigma", "rules")
	cmd := exec.Command(python, "testdata/analyze.py", folder)
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var theirs struct {
		Rules   int
		Scores  map[string]map[string]int
		Sources map[string][]int
		Fields  []string
	}
	if err := json.Unmarshal(text, &theirs); err != nil {
		t.Fatal(err)
	}
	files, err := project.ListFiles([]string{folder}, []string{"*.yml"})
	if err != nil {
		t.Fatal(err)
	}
	c, errs := sigmac.ParseFiles(files, func(i int) ([]byte, error) { return os.ReadFile(files[i]) })
	if len(errs) > 0 || len(c.Documents) != theirs.Rules {
		t.Fatalf("%d documents, and %d there; %v", len(c.Documents), theirs.Rules, errs)
	}
	for _, s := range coverage.Scores {
		layer, strange := coverage.NewLayer(c.Documents, coverage.LayerOptions{Score: s, MinLevel: coverage.Levels[0], MinStatus: coverage.Statuses[0]})
		want := maps.Clone(theirs.Scores[s.Name])
		maps.DeleteFunc(want, func(tag string, _ int) bool { // tactics, groups and software
			return len(tag) < 2 || tag[0] != 'T' || tag[1] < '0' || tag[1] > '9' || slices.Contains(strange, tag)
		})
		got := map[string]int{}
		for _, x := range layer.Techniques {
			got[x.ID] = x.Score
		}
		if len(got) < 300 || !maps.Equal(got, want) {
			t.Errorf("%s: %d techniques, and %d there", s.Name, len(got), len(want))
			for id := range want {
				if got[id] != want[id] {
					t.Errorf("%s of %s is %d, and %d there", s.Name, id, got[id], want[id])
				}
			}
		}
	}
	sources := coverage.LogSources(c.Documents, coverage.Columns[0])
	for _, s := range sources {
		if !slices.Equal(s.Rules, theirs.Sources[s.Category]) {
			t.Errorf("%s: %v, and %v there", s.Category, s.Rules, theirs.Sources[s.Category])
		}
	}
	if len(sources) != len(theirs.Sources) {
		t.Errorf("%d categories, and %d there", len(sources), len(theirs.Sources))
	}
	own, referred := map[string]bool{}, map[string]bool{} // referred: by another field, which pySigma does not count
	for res := range sigmac.Compile(c, sigmac.Unmapped(targets.Must("splunk"))) {
		names, ok := coverage.Fields(res)
		if !ok {
			t.Errorf("%s has no fields", res.Document.Path)
		}
		for _, name := range names {
			own[name] = true
		}
		res.Document.Rule.Walk(func(e ir.Expr) {
			if m, ok := e.(ir.Match); ok {
				if ref, ok := m.Test.(ir.FieldRef); ok {
					referred[ref.Other.Name] = true
				}
			}
		})
	}
	for _, name := range theirs.Fields {
		if !own[name] {
			t.Errorf("no field %s here", name)
		}
		delete(own, name)
	}
	for name := range own {
		if !referred[name] {
			t.Errorf("no field %s there", name)
		}
	}
}
