package sigmac_test

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"

	"sigmac"
	"sigmac/backends"
	"sigmac/eval"
	"sigmac/internal/ordered"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/verify"
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
	holdCounts(t, "conversions.json", got)
}

// TestSeed converts and proves the rule of the catalog page that lies beside the
// corpus.
func TestSeed(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join(corpusDir(t), "..", "seed", "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if len(pages) == 0 {
		t.Skip("no catalog page beside the corpus")
	}
	for _, page := range pages {
		src, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		_, body, begins := strings.Cut(string(src), "Rule body yaml")
		rule, _, ends := strings.Cut(body, "\nStages and Predicates")
		if !begins || !ends {
			t.Fatalf("%s: no rule in this page", page)
		}
		c := parser.Parse("seed.yml", []byte(rule))
		targets := allTargets()
		n := 0
		for res := range sigmac.Compile(c, sigmac.Options{Targets: targets}) {
			if len(res.Errors) > 0 || len(res.Queries) != 1 {
				t.Fatalf("%s: %v", res.Target, res.Errors)
			}
			v, err := verify.Query(targets[n], res.Want, 0, res.Queries[0], verify.DefaultBudget)
			if err != nil || v.Verdict != verify.Proved {
				t.Errorf("%s: %v %v", res.Target, v.Verdict, err)
			}
			n++
		}
		if n != len(targets) {
			t.Errorf("%d results", n)
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
			read := readBack(t, r)
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
				for target, e := range read {
					if eval.Expr(nil, e, ev) != want {
						t.Errorf("%s: %s as read back answers %v", filepath.Base(file), target, !want)
					}
				}
			}
			if matched == 0 && unmatched[id] == "" {
				t.Errorf("%s: no event is matched by the rule %s", filepath.Base(file), id)
			}
		}
	}
	holdCounts(t, "events.json", map[string]int{"rules that are not there": absent})
}

// readBack is what the queries of a rule say, by target.
func readBack(t testing.TB, r *ir.Rule) map[string]ir.Expr {
	out := map[string]ir.Expr{}
	c := &parser.Collection{Documents: []*parser.Document{{Rule: r}}}
	targets := allTargets()
	for res := range sigmac.Compile(c, sigmac.Options{Targets: targets}) {
		if len(res.Errors) > 0 {
			continue
		}
		b := targets[slices.IndexFunc(targets, func(b backends.Backend) bool { return b.Name() == res.Target })]
		var any ir.Or
		for _, query := range res.Queries {
			q, err := b.(backends.Reader).Read(query, ir.Types(res.Types))
			if err != nil {
				t.Fatalf("%s: %s: %v", res.Target, query, err)
			}
			any = append(any, q.Where)
		}
		out[res.Target] = any
	}
	return out
}

// TestCorpusProved holds the verdicts on all queries, and what they rest on.
func TestCorpusProved(t *testing.T) {
	got := map[string]int{}
	targets := allTargets()
	results := slices.Collect(sigmac.Compile(parseCorpus(t, "rules*"), sigmac.Options{Targets: targets}))
	type verdict struct {
		verify.Result
		err error
	}
	for i, vs := range ordered.Map(results, func(res sigmac.Result) (out []verdict) {
		b := targets[slices.IndexFunc(targets, func(b backends.Backend) bool { return b.Name() == res.Target })]
		for i, query := range res.Queries {
			v, err := verify.Query(b, res.Want, i, query, verify.DefaultBudget)
			out = append(out, verdict{v, err})
		}
		return out
	}) {
		res := results[i]
		for j, v := range vs {
			if v.err != nil || v.Verdict == verify.Refuted {
				t.Errorf("%s: %s: %s\n%v %s %v", res.Document.Path, res.Target, res.Queries[j], v.err, v.Direction, v.Counterexample)
			}
			got[res.Target+": "+v.Verdict.String()]++
			for _, a := range v.Assumptions {
				got[res.Target+" assumes "+a]++
			}
			for _, l := range v.Losses {
				got["loses "+l.ID]++
			}
		}
	}
	holdCounts(t, "verdicts.json", got)
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

var update = flag.Bool("update", false, "rewrite the counts in testdata")

// holdCounts compares counts with those of a file in testdata.
func holdCounts(t testing.TB, file string, got map[string]int) {
	t.Helper()
	path := filepath.Join("testdata", file)
	if *update {
		b, err := json.MarshalIndent(got, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{}
	if err := json.Unmarshal(src, &want); err != nil {
		t.Fatal(err)
	}
	names := slices.Sorted(maps.Keys(got))
	names = append(names, slices.Sorted(maps.Keys(want))...)
	slices.Sort(names)
	for _, k := range slices.Compact(names) {
		if got[k] != want[k] {
			t.Errorf("%s: %d, want %d", k, got[k], want[k])
		}
	}
}
