package golden

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigmac"
	"sigmac/backends"
	"sigmac/internal/ordered"
	"sigmac/parser"
	"sigmac/pipeline"
	"sigmac/verify"
)

const countsFile = "testdata/mapped.json"

// TestMappedCorpus converts all public rules through each built-in pipeline and
// holds how many are converted, why the others are refused, and that every query
// is proved, or agreed for a reason.
func TestMappedCorpus(t *testing.T) {
	dir := os.Getenv("SIGMAC_CORPUS")
	if dir == "" {
		dir = "../../shared/corpus"
	}
	roots, err := filepath.Glob(filepath.Join(dir, "sigma", "rules*"))
	if err != nil || len(roots) == 0 {
		t.Skip("no corpus: set SIGMAC_CORPUS")
	}
	var files []string
	for _, root := range roots {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil && filepath.Ext(path) == ".yml" {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	rules, errs := sigmac.ParseFiles(files, func(i int) ([]byte, error) { return os.ReadFile(files[i]) })
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	got := map[string]map[string]int{}
	for _, w := range ways {
		got[w.name] = w.count(t, rules)
	}
	if *update {
		text, err := json.MarshalIndent(got, "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(countsFile, append(text, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	text, err := os.ReadFile(countsFile)
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]map[string]int
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	for _, w := range ways {
		for reason, n := range got[w.name] {
			if want[w.name][reason] != n {
				t.Errorf("%s: %q: %d, want %d", w.name, reason, n, want[w.name][reason])
			}
		}
		for reason, n := range want[w.name] {
			if _, ok := got[w.name][reason]; !ok {
				t.Errorf("%s: %q: none, want %d", w.name, reason, n)
			}
		}
	}
}

// count counts queries by their verdicts, and refused rules by the reason.
func (w way) count(t *testing.T, rules *parser.Collection) map[string]int {
	b, m := w.new(t, false)
	var results []sigmac.Result
	for res := range sigmac.Compile(rules, sigmac.Options{Targets: []backends.Backend{b}, Mappings: map[string]sigmac.Mapping{w.target: m}}) {
		results = append(results, res)
	}
	counts := map[string]int{}
	for _, outcomes := range ordered.Map(results, func(res sigmac.Result) []string {
		if len(res.Errors) > 0 {
			return []string{"refused: " + why(res.Errors[0])}
		}
		out := []string{"converted"}
		for i, q := range res.Queries {
			v, err := verify.Query(b, res.Want, i, q, verify.DefaultBudget)
			switch {
			case err != nil:
				out = append(out, "error")
				t.Errorf("%s: %s: %s\n%v", w.name, res.Document.Path, q, err)
			case v.Verdict == verify.Refuted:
				t.Errorf("%s: %s: %s\nrefuted by %v", w.name, res.Document.Path, q, v.Counterexample)
			}
			out = append(out, strings.TrimSuffix(v.Verdict.String()+": "+v.Reason, ": "))
		}
		return out
	}) {
		for _, o := range outcomes {
			counts[o]++
		}
	}
	return counts
}

// why is the reason of an error, without the names that differ from rule to
// rule.
func why(err error) string {
	switch e := err.(type) {
	case *pipeline.Error:
		return e.Msg
	case *backends.Unsupported:
		for _, prefix := range []string{"the field ", "the unresolved placeholder ", "the text "} {
			if strings.HasPrefix(e.Feature, prefix) {
				return strings.TrimSpace(prefix)
			}
		}
		return e.Feature
	case *parser.Error:
		return e.Feature
	}
	return err.Error()
}
