package sigmac_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"sigmac"
	"sigmac/backends"
	"sigmac/eval"
	"sigmac/ir"
	"sigmac/parser"
)

// corpusDir is where real rules and events lie: $SIGMAC_CORPUS, or
// shared/corpus beside the repository.
func corpusDir(t testing.TB) string {
	dir := os.Getenv("SIGMAC_CORPUS")
	if dir == "" {
		dir = filepath.Join("..", "shared", "corpus")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skip("no corpus of rules: set SIGMAC_CORPUS")
	}
	return dir
}

// corpusFiles lists the rule files of the folders that match patterns.
func corpusFiles(t testing.TB, patterns ...string) (files []string) {
	dir := corpusDir(t)
	for _, p := range patterns {
		folders, err := filepath.Glob(filepath.Join(dir, "sigma", p))
		if err != nil {
			t.Fatal(err)
		}
		for _, folder := range folders {
			err := filepath.WalkDir(folder, func(p string, d os.DirEntry, err error) error {
				if err == nil && strings.HasSuffix(p, ".yml") {
					files = append(files, p)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	sort.Strings(files)
	return files
}

func parseCorpus(t testing.TB, patterns ...string) *parser.Collection {
	files := corpusFiles(t, patterns...)
	c, errs := sigmac.ParseFiles(files, func(i int) ([]byte, error) { return os.ReadFile(files[i]) })
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	return c
}

func allTargets() (out []backends.Backend) {
	for _, t := range sigmac.Targets() {
		out = append(out, t.New(false))
	}
	return out
}

// TestCorpusConverts holds the number of refusals by target and reason.
func TestCorpusConverts(t *testing.T) {
	c := parseCorpus(t, "rules*")
	got := map[string]int{}
	for res := range sigmac.Compile(c, sigmac.Options{Targets: allTargets()}) {
		reason := "converted"
		if len(res.Errors) > 0 {
			reason = res.Errors[0].Error()
			u, ok := res.Errors[0].(*backends.Unsupported)
			switch {
			case !ok:
			case u.Pos == ir.Pos{}:
				t.Errorf("%s: an error without a place: %s", res.Document.Path, u)
			case strings.HasPrefix(u.Feature, "the unresolved placeholder"):
				reason = "placeholder"
			default:
				reason = u.Feature
			}
		}
		got[res.Target+": "+reason]++
	}
	want := readCounts(t)
	delete(want, "events: rules that are not there")
	for _, k := range keys(got, want) {
		if got[k] != want[k] {
			t.Errorf("%s: %d, want %d", k, got[k], want[k])
		}
	}
}

// TestCorpusOld holds that rules of older Sigma give a result or an error with
// a place.
func TestCorpusOld(t *testing.T) {
	for res := range sigmac.Compile(parseCorpus(t, "unsupported", "deprecated"), sigmac.Options{Targets: allTargets()}) {
		if len(res.Queries) == 0 && len(res.Errors) == 0 {
			t.Errorf("%s: %s: neither a query nor an error", res.Document.Path, res.Target)
		}
		for _, err := range res.Errors {
			pos := ir.Pos{}
			switch e := err.(type) {
			case *parser.Error:
				pos = e.Pos
			case *backends.Unsupported:
				pos = e.Pos
			}
			if pos.Line == 0 || pos.Column == 0 {
				t.Errorf("%s: an error without a place: %s", res.Document.Path, err)
			}
		}
	}
}

// unmatched are the rules that match none of their events, and why.
var unmatched = map[string]string{
	"a7c3e5f2-8b1d-4e9a-b6c2-3d7f5e8a9b4c": "the events write the rule's field names with blanks",
}

// TestCorpusEvents holds that every event is matched by the rules that it was
// recorded for, as parsed, after every pass, and as legalized.
func TestCorpusEvents(t *testing.T) {
	rules := map[string]*ir.Rule{}
	for _, d := range parseCorpus(t, "rules*").Documents {
		if d.Rule != nil {
			rules[d.ID] = d.Rule
		}
	}
	files, err := filepath.Glob(filepath.Join(corpusDir(t), "events", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatal("no events", err)
	}
	absent := 0
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var f struct {
			Rules  []string
			Events []json.RawMessage
		}
		if err := json.Unmarshal(src, &f); err != nil {
			t.Fatal(file, err)
		}
		for _, id := range f.Rules {
			r := rules[id]
			if r == nil {
				absent++ // the corpus is a sample
				continue
			}
			matched := 0
			for _, raw := range f.Events {
				ev, err := eval.ParseEvent(raw)
				if err != nil {
					t.Fatal(file, err)
				}
				ev = eval.Flatten(ev)
				want := eval.Rule(r, ev)
				if want {
					matched++
				}
				sameAfterPasses(t, file, r, ev, want)
			}
			if matched == 0 && unmatched[id] == "" {
				t.Errorf("%s: no event is matched by the rule %s", filepath.Base(file), id)
			}
		}
	}
	if want := readCounts(t)["events: rules that are not there"]; absent != want {
		t.Errorf("%d rules that events name are not there, want %d", absent, want)
	}
}

// sameAfterPasses holds that r matches ev, or not, after each pass too.
func sameAfterPasses(t testing.TB, name string, r *ir.Rule, ev eval.Event, want bool) {
	t.Helper()
	for _, p := range sigmac.Passes() {
		next, err := p.Run(r)
		if err != nil {
			t.Errorf("%s: %s: %v", name, p.Name, err)
			return
		}
		if err := ir.Check(next, p.Stage); err != nil {
			t.Errorf("%s: after %s: %v", name, p.Name, err)
		}
		if r = next; eval.Rule(r, ev) != want {
			t.Errorf("%s: after %s the rule answers %v, not %v", name, p.Name, !want, want)
		}
	}
	for _, b := range allTargets() {
		if legal, refused := backends.Legalize(r, b.Caps()); len(refused) == 0 && eval.Rule(legal, ev) != want {
			t.Errorf("%s: legal for %s the rule answers %v, not %v", name, b.Name(), !want, want)
		}
	}
}

func readCounts(t testing.TB) map[string]int {
	src, err := os.ReadFile(filepath.Join("testdata", "corpus.json"))
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	if err := json.Unmarshal(src, &counts); err != nil {
		t.Fatal(err)
	}
	return counts
}

func keys(ms ...map[string]int) (out []string) {
	seen := map[string]bool{}
	for _, m := range ms {
		for k := range m {
			if !seen[k] {
				out = append(out, k)
			}
			seen[k] = true
		}
	}
	sort.Strings(out)
	return out
}
