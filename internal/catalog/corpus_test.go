package catalog

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"sigmac/internal/corpus"
	"sigmac/parser"
)

// TestCorpusPages holds that every public rule has a page: each stage has its
// body, which says what the file says, and each rule looks for something.
func TestCorpusPages(t *testing.T) {
	rules := 0
	for _, path := range corpus.Files(t, ".yml", "sigma") {
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		docs := parser.Parse(path, src).Documents
		if len(docs) != 1 || docs[0].Rule == nil {
			continue
		}
		rules++
		checkPage(t, path, src, Explain(docs[0].Rule, src))
	}
	if rules < 1000 {
		t.Errorf("%d rules only", rules)
	}
}

func checkPage(t *testing.T, path string, src []byte, p *Page) {
	if len(p.Indicators)+len(p.Exclusions) == 0 {
		t.Errorf("%s: looks for nothing", path)
	}
	var file struct{ Detection map[string]any }
	if err := yaml.Unmarshal(src, &file); err != nil {
		return // a rule that this decoder takes for something else
	}
	for _, s := range p.Stages[1:] {
		if s.Body == "" || len(s.Predicates) == 0 {
			t.Errorf("%s: the stage %s is empty", path, s.Label)
		}
		if strings.Contains(string(src), "<<:") || strings.Contains(s.Body, ": *") || strings.Contains(s.Body, "- *") {
			continue // an alias stands for what is elsewhere
		}
		var body map[string]any
		if err := yaml.Unmarshal([]byte(s.Body), &body); err != nil {
			t.Errorf("%s: stage %s: %v\n%s", path, s.Label, err, s.Body)
			continue
		}
		for name, v := range body {
			if !reflect.DeepEqual(v, file.Detection[name]) {
				t.Errorf("%s: stage %s says something else than the file:\n%s", path, s.Label, s.Body)
			}
		}
	}
}
