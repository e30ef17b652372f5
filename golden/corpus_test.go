package golden

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigmac"
	"sigmac/backends"
	"sigmac/internal/ordered"
	"sigmac/ir"
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
		if !rightRows(w, res) {
			t.Errorf("%s: %s: no condition says which rows are meant", w.name, res.Document.Path)
		}
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

// oneKind are the tables in which every row is of the log sources that a
// pipeline sends there.
var oneKind = strings.Fields("SigninLogs AuditLogs AzureActivity AADUserRiskEvents AWSCloudTrail GCPAuditLogs AKSAudit OfficeActivity W3CIISLog Syslog")

// rightRows says whether every condition of a mapped rule has a conjunct of the
// pipeline, which stands at the place of the log source, or the table has no
// other rows.
func rightRows(w way, res sigmac.Result) bool {
	scope := res.Want.Scope
	source := res.Document.Rule.Source
	switch {
	case slices.Contains(oneKind, scope.Table), scope.DataModel != "":
		return true
	case w.name == "windows_logsources" && source.Product != "windows":
		return true // left alone
	}
	for _, c := range res.Want.Conditions {
		and, ok := c.Expr.(ir.And)
		if !ok || !slices.ContainsFunc(and, func(e ir.Expr) bool { return added(e, source.Pos) }) {
			return false
		}
	}
	return true
}

// added says whether all tests of e are a pipeline's.
func added(e ir.Expr, at ir.Pos) bool {
	all, some := true, false
	ir.Walk(e, func(e ir.Expr) {
		some = true
		m, ok := e.(ir.Match)
		all = all && ok && m.Pos == at
	})
	return all && some
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
