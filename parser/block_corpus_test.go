package parser_test

import (
	"os"
	"testing"

	"sigmac/internal/corpus"
	"sigmac/parser"
)

// TestBlocksCorpus holds the same of public files, and that nearly all rules are taken.
func TestBlocksCorpus(t *testing.T) {
	for _, folder := range []struct {
		pattern string
		least   float64 // of the files is taken
	}{{"sigma/rules*", 0.95}, {"*", 0}} {
		taken, all := 0, 0
		for _, path := range corpus.Files(t, ".yml", folder.pattern) {
			src, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if all++; parser.CompareBlocks(t, src) {
				taken++
			}
		}
		t.Logf("%s: %d of %d files", folder.pattern, taken, all)
		if float64(taken) < folder.least*float64(all) {
			t.Errorf("%s: only %d of %d files are taken", folder.pattern, taken, all)
		}
	}
}
