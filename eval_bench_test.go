package sigmac_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sigmac/eval"
	"sigmac/ir"
)

// corpusEvents are the events of the corpus, one JSON text each.
func corpusEvents(t testing.TB) (out [][]byte) {
	files, err := filepath.Glob(filepath.Join(corpusDir(t), "events", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatal("no events", err)
	}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var f struct{ Events []json.RawMessage }
		if err := json.Unmarshal(src, &f); err != nil {
			t.Fatal(file, err)
		}
		for _, raw := range f.Events {
			out = append(out, raw)
		}
	}
	return out
}

func evaluable(r *ir.Rule) bool {
	ok := true
	r.Walk(func(e ir.Expr) { ok = ok && eval.Unevaluable(e) == "" })
	return ok
}

func corpusRules(t testing.TB) (out []*ir.Rule) {
	for _, d := range parseCorpus(t, "rules*").Documents {
		if d.Rule != nil && evaluable(d.Rule) {
			out = append(out, d.Rule)
		}
	}
	return out
}

func parseEvent(t testing.TB, text []byte) eval.Event {
	ev, err := eval.ParseEvent(text)
	if err != nil {
		t.Fatal(err)
	}
	return eval.Flatten(ev)
}

// BenchmarkEval tries events, from their JSON on, against one rule and against
// all rules of the corpus whatever their log source, on one core.
func BenchmarkEval(b *testing.B) {
	rules, texts := corpusRules(b), corpusEvents(b)
	for _, bb := range []struct {
		name  string
		rules []*ir.Rule
	}{{"parse", nil}, {"one", rules[:1]}, {"all", rules}} {
		b.Run(bb.name, func(b *testing.B) {
			start := time.Now()
			set := eval.NewSet()
			var prepared []*eval.Prepared
			for _, r := range bb.rules {
				prepared = append(prepared, set.Prepare(r))
			}
			preparing := time.Since(start)
			view := set.View(eval.Event{})
			n := 0
			for b.Loop() {
				view.Show(parseEvent(b, texts[n%len(texts)]))
				for _, p := range prepared {
					p.MatchView(view)
				}
				n++
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(1000*preparing.Seconds(), "ms-prepare")
			b.ReportMetric(float64(len(bb.rules)), "rules")
		})
	}
}

// TestCorpusPrepared holds Prepared against Rule on real rules and events.
func TestCorpusPrepared(t *testing.T) {
	texts := corpusEvents(t)
	if testing.Short() {
		texts = texts[:10]
	}
	rules := corpusRules(t)
	set := eval.NewSet()
	var prepared []*eval.Prepared
	for _, r := range rules {
		prepared = append(prepared, set.Prepare(r))
	}
	view := set.View(eval.Event{})
	matches := 0
	for i, text := range texts {
		if i%8 != 0 { // the reference is slow
			continue
		}
		ev := parseEvent(t, text)
		view.Show(ev)
		for i, r := range rules {
			got, want := prepared[i].MatchView(view), eval.Rule(r, ev)
			if got != want {
				t.Errorf("%s: %v, by the rule %v: %s", r.Meta.Title, got, want, text)
			}
			if want {
				matches++
			}
		}
	}
	if matches == 0 {
		t.Error("nothing matches")
	}
}

// TestCorpusSources holds that no event is kept from the rules that it was
// recorded for, and that most are kept from others.
func TestCorpusSources(t *testing.T) {
	rules := map[string]*ir.Rule{}
	for _, r := range corpusRules(t) {
		rules[r.Meta.ID] = r
	}
	files, _ := filepath.Glob(filepath.Join(corpusDir(t), "events", "*.json"))
	fit, all := 0, 0
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
		for _, raw := range f.Events {
			ev := parseEvent(t, raw)
			source := eval.SourceOf(ev)
			if source == (eval.Source{}) {
				t.Errorf("%s: no source", filepath.Base(file))
			}
			for _, id := range f.Rules {
				if r := rules[id]; r != nil && eval.Rule(r, ev) && !source.Fits(r.Source) {
					t.Errorf("%s: %v is kept from %s", filepath.Base(file), source, r.Meta.Title)
				}
			}
			for _, r := range rules {
				if source.Fits(r.Source) {
					fit++
				}
				all++
			}
		}
	}
	t.Logf("%d%% of the rules are tried", 100*fit/all)
	if 2*fit > all {
		t.Errorf("%d of %d", fit, all)
	}
}
