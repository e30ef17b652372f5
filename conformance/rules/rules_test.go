package rules

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigmac"
	"sigmac/backends"
	"sigmac/eval"
	"sigmac/internal/corpus"
	"sigmac/internal/irtest"
	"sigmac/internal/ordered"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/verify"
)

// TestCorpusConverts holds the number of refusals by target and reason.
func TestCorpusConverts(t *testing.T) {
	c := corpus.Parse(t, "sigma/rules*")
	got := map[string]int{}
	for res := range sigmac.Compile(c, sigmac.Unmapped(sigmac.Targets()...)) {
		reason := "converted"
		if len(res.Errors) > 0 {
			u := res.Errors[0]
			switch {
			case u.Source != res.Target.Name:
				reason = u.Error()
			case u.Pos == ir.Pos{}:
				t.Errorf("%s: an error without a place: %s", res.Document.Path, u)
			case strings.HasPrefix(u.Feature, "the unresolved placeholder"):
				reason = "placeholder"
			default:
				reason = u.Feature
			}
		}
		got[res.Target.Name+": "+reason]++
	}
	corpus.Hold(t, "testdata/conversions.json", got, *update)
}

// TestSeed converts and proves the rule of the catalog page that lies beside the
// corpus.
func TestSeed(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join(corpus.Dir(), "..", "seed", "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if len(pages) == 0 {
		t.Skip("needs the page of the first rule, ../shared/seed/*.txt beside the repository")
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
		n := 0
		for res := range sigmac.Compile(c, sigmac.Unmapped(sigmac.Targets()...)) {
			if len(res.Errors) > 0 || len(res.Queries) != 1 {
				t.Fatalf("%s: %v", res.Target.Name, res.Errors)
			}
			v, err := verify.Query(res.Target, res.Want, 0, res.Queries[0], verify.DefaultBudget)
			if err != nil || v.Verdict != verify.Proved {
				t.Errorf("%s: %v %v", res.Target.Name, v.Verdict, err)
			}
			n++
		}
		if n != len(sigmac.Targets()) {
			t.Errorf("%d results", n)
		}
	}
}

// TestCorpusOld holds that rules of older Sigma give a result or an error with
// a place.
func TestCorpusOld(t *testing.T) {
	for res := range sigmac.Compile(corpus.Parse(t, "sigma/unsupported", "sigma/deprecated"), sigmac.Unmapped(sigmac.Targets()...)) {
		if len(res.Queries) == 0 && len(res.Errors) == 0 {
			t.Errorf("%s: %s: neither a query nor an error", res.Document.Path, res.Target.Name)
		}
		for _, err := range res.Errors {
			if err.Pos.Line == 0 || err.Pos.Column == 0 {
				t.Errorf("%s: an error without a place: %s", res.Document.Path, err)
			}
		}
	}
}

// TestCorpusEvents holds that every event is matched by the rules that it was
// recorded for, as parsed, after every pass, and as legalized.
func TestCorpusEvents(t *testing.T) {
	absent := 0
	for _, rec := range corpus.Recordings(t) {
		absent += rec.Absent // the corpus is a sample
		for _, r := range rec.Rules {
			matched := 0
			read := readBack(t, r)
			for _, raw := range rec.Events {
				ev := corpus.Event(t, raw)
				want := eval.Rule(r, ev)
				if want {
					matched++
				}
				sameAfterPasses(t, rec.Name, r, ev, want)
				for target, e := range read {
					if is, known := eval.Settled(e, ev); !known || is != want {
						t.Errorf("%s: %s as read back answers %v, known %v", rec.Name, target, is, known)
					}
				}
			}
			if matched == 0 && corpus.Unmatched[r.Meta.ID] == "" {
				t.Errorf("%s: no event is matched by the rule %s", rec.Name, r.Meta.ID)
			}
		}
	}
	corpus.Hold(t, "testdata/events.json", map[string]int{"rules that are not there": absent}, *update)
}

// readBack is what the queries of a rule say, by target.
func readBack(t testing.TB, r *ir.Rule) map[string]ir.Expr {
	out := map[string]ir.Expr{}
	c := &parser.Collection{Documents: []*parser.Document{{Rule: r}}}
	for res := range sigmac.Compile(c, sigmac.Unmapped(sigmac.Targets()...)) {
		if len(res.Errors) > 0 {
			continue
		}
		var any ir.Or
		for _, query := range res.Queries {
			q, err := res.Target.Read(query, ir.Types(res.Types))
			if err != nil {
				t.Fatalf("%s: %s: %v", res.Target.Name, query, err)
			}
			any = append(any, q.Where)
		}
		out[res.Target.Name] = any
	}
	return out
}

// TestCorpusProved holds the verdicts on all queries, and what they rest on.
func TestCorpusProved(t *testing.T) {
	got := map[string]int{}
	results := slices.Collect(sigmac.Compile(corpus.Parse(t, "sigma/rules*"), sigmac.Unmapped(sigmac.Targets()...)))
	type verdict struct {
		verify.Result
		err error
	}
	for i, vs := range ordered.Map(results, func(res sigmac.Result) (out []verdict) {
		for i, query := range res.Queries {
			v, err := verify.Query(res.Target, res.Want, i, query, verify.DefaultBudget)
			out = append(out, verdict{v, err})
		}
		return out
	}) {
		res := results[i]
		for j, v := range vs {
			if v.err != nil || v.Verdict == verify.Refuted {
				t.Errorf("%s: %s: %s\n%v %s %v", res.Document.Path, res.Target.Name, res.Queries[j], v.err, v.Direction, v.Counterexample)
			}
			got[res.Target.Name+": "+v.Verdict.String()]++
			for _, a := range v.Assumptions {
				got[res.Target.Name+" assumes "+a]++
			}
			for _, l := range v.Losses {
				got["loses "+l.ID]++
			}
		}
	}
	corpus.Hold(t, "testdata/verdicts.json", got, *update)
}

// sameAfterPasses holds that r matches ev, or not, after each pass too.
func sameAfterPasses(t testing.TB, name string, r *ir.Rule, ev eval.Event, want bool) {
	t.Helper()
	for _, p := range ir.Passes() {
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
	for _, b := range sigmac.Targets() {
		if legal, refused := backends.Legalize(r, b.Format.Caps); len(refused) == 0 && eval.Rule(legal, ev) != want && !irtest.OtherEvent(b.Format.Caps, r, ev) {
			t.Errorf("%s: legal for %s the rule answers %v, not %v", name, b.Name, !want, want)
		}
	}
}

var update = flag.Bool("update", false, "rewrite the counts in testdata")
