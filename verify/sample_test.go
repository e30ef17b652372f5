package verify_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"sigmac/eval"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/verify"
)

// TestSamples holds that the events made for a rule match it, and that the near
// misses do not.
func TestSamples(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "golden", "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatal("no golden cases", err)
	}
	matching, missing := 0, 0
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parser.Parse(file, txtar.Parse(src).Files[0].Data).Documents {
			if d.Rule == nil {
				continue
			}
			want, err := ir.Want(d.Rule)
			if err != nil {
				t.Fatal(err)
			}
			samples, _, reason := verify.Samples(nil, want, ir.True, 5, verify.DefaultBudget)
			if len(samples) == 0 && !strings.Contains(reason, "outside what can be decided") {
				t.Errorf("%s: no samples: %s", file, reason)
			}
			for _, s := range samples {
				if _, ok := s.Fields["_raw"]; !ok {
					s.Fields["_raw"] = ""
				}
				ev, err := eval.NewEvent(s.Fields)
				if err != nil {
					t.Fatal(err)
				}
				if got := eval.Rule(d.Rule, ev); got != s.Matches {
					t.Errorf("%s: the rule answers %v on %v, which differs in %s", file, got, s.Fields, s.Test)
				}
				if s.Matches {
					matching++
				} else {
					missing++
				}
			}
		}
	}
	if matching < 100 || missing < 100 {
		t.Errorf("only %d events and %d near misses", matching, missing)
	}
}
