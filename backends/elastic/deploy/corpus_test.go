package deploy

import (
	"os"
	"path/filepath"
	"testing"

	"sigmac/internal/corpus"
	"sigmac/internal/deploy"
)

// TestCorpus reads the rules that Elastic publishes and counts what is found of them by check.
// Elastic's own tests pass on them, so that errors are few.
func TestCorpus(t *testing.T) {
	got := struct {
		Rules     int            `json:"rules"`
		Queries   map[string]int `json:"queries"` // by language
		Findings  map[string]int `json:"findings"`
		Misplaced int            `json:"misplaced"` // queries that do not stand where they are said to
	}{Queries: map[string]int{}, Findings: map[string]int{}}
	var all []*deploy.Detection
	for _, path := range corpus.Files(t, ".toml", "elastic/rules") {
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		ds, err := readFile(deploy.File{Path: filepath.Base(path), Data: src})
		if err != nil || len(ds) != 1 {
			t.Errorf("%s: %d rules, %v", path, len(ds), err)
		}
		for _, d := range ds {
			got.Rules++
			got.Queries[d.Language]++
			if c := (&cursor{src: src}); d.Query != "" {
				off := 0
				for off < len(src) && c.at(off) != d.QueryAt {
					off++
				}
				if n := min(10, len(d.Query)); off+n > len(src) || string(src[off:off+n]) != d.Query[:n] {
					got.Misplaced++
				}
			}
		}
		all = append(all, ds...)
	}
	for _, f := range audit(all, deploy.Context{Attack: "18"}) {
		got.Findings[f.ID]++
	}
	corpus.Hold(t, "testdata/corpus.json", got, *update)
}
