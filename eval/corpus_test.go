package eval_test

import (
	"slices"
	"testing"
	"time"

	"sigmac/eval"
	"sigmac/internal/corpus"
	"sigmac/ir"
)

// corpusEvents are the events of the corpus, one JSON text each.
func corpusEvents(t testing.TB) (out [][]byte) {
	for _, rec := range corpus.Recordings(t) {
		for _, raw := range rec.Events {
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
	for _, d := range corpus.Rules(t) {
		if evaluable(d.Rule) {
			out = append(out, d.Rule)
		}
	}
	return out
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
				view.Show(corpus.Event(b, texts[n%len(texts)]))
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

// TestCorpusPrepared holds Prepared against Rule on real rules and events, and an Index against
// Prepared, with and without log sources.
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
	index := set.Index(prepared)
	view, indexed := set.View(eval.Event{}), set.View(eval.Event{})
	matches := 0
	for i, text := range texts {
		ev := corpus.Event(t, text)
		view.Show(ev)
		if !indexed.Read(text) {
			t.Fatalf("not read: %s", text)
		}
		var all, fitting []int
		for j, r := range rules {
			is := prepared[j].MatchView(view)
			if i%8 == 0 && is != eval.Rule(r, ev) { // the reference is slow
				t.Errorf("%s: %v, by the rule %v: %s", r.Meta.Title, is, !is, text)
			}
			if is {
				matches++
				all = append(all, j)
				if eval.SourceOf(ev).Fits(r.Source) {
					fitting = append(fitting, j)
				}
			}
		}
		if got := index.Matches(indexed, index.Route(eval.Source{})); !slices.Equal(got, all) {
			t.Errorf("%v by the index, not %v: %s", got, all, text)
		}
		if got := index.Matches(indexed, index.Route(indexed.Source())); !slices.Equal(got, fitting) {
			t.Errorf("%v by the index of a log source, not %v: %s", got, fitting, text)
		}
	}
	if matches == 0 {
		t.Error("nothing matches")
	}
}

// TestCorpusSources holds that no event is kept from the rules that it was
// recorded for, and that most are kept from others.
func TestCorpusSources(t *testing.T) {
	rules := corpusRules(t)
	fit, all := 0, 0
	for _, rec := range corpus.Recordings(t) {
		for _, raw := range rec.Events {
			ev := corpus.Event(t, raw)
			source := eval.SourceOf(ev)
			if source == (eval.Source{}) {
				t.Errorf("%s: no source", rec.Name)
			}
			for _, r := range rec.Rules {
				if evaluable(r) && eval.Rule(r, ev) && !source.Fits(r.Source) {
					t.Errorf("%s: %v is kept from %s", rec.Name, source, r.Meta.Title)
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
