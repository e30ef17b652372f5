package eval_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"sigmac/eval"
	"sigmac/internal/irgen"
	"sigmac/ir"
)

// sources are log sources of rules, and windowsSources what events of Windows say of theirs.
var (
	sources = []ir.LogSource{{}, {Product: "windows"}, {Product: "windows", Category: "process_creation"}, {Product: "windows", Service: "security"},
		{Product: "linux"}, {Category: "webserver"}, {Product: "windows", Category: "registry_set"}}
	windowsSources = []string{`"EventID":1,"Channel":"Microsoft-Windows-Sysmon/Operational","Provider":{"#attributes":{"Name":"Microsoft-Windows-Sysmon"}}`,
		`"EventID":4688,"Channel":"Security","Provider":{"#attributes":{"Name":"Microsoft-Windows-Security-Auditing"}}`,
		`"EventID":13,"Channel":"Microsoft-Windows-Sysmon/Operational"`, `"EventID":5,"Channel":"Vendor/Own","Provider":{"#attributes":{"Name":"Vendor"}}`, `"Channel":"System"`}
)

// sameMatches holds an Index against Rule, for some random rules and events, with and without
// log sources, of events as they are read and as they are shown. It gives how many matches
// there were, and how many rules it asked of all.
func sameMatches(t *testing.T, seed uint64, text string) (matching, asked, all int) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 21))
	set := eval.NewSet()
	var rules []*ir.Rule
	var prepared []*eval.Prepared
	for range 1 + r.IntN(16) {
		rule := irgen.Rule(r, everything)
		rule.Source = sources[r.IntN(len(sources))]
		rules, prepared = append(rules, rule), append(prepared, set.Prepare(rule))
	}
	index := set.Index(prepared)
	view := set.View(eval.Event{})
	var line []byte
	for range 8 {
		for i := range line {
			line[i] = 'x' // what is kept of an event is not what is written there
		}
		fields := fieldsWith(r, rules, text)
		ev, err := eval.NewEvent(fields)
		if err != nil {
			t.Fatal(err)
		}
		line = nil
		if r.IntN(4) > 0 {
			written, err := json.Marshal(fields)
			if err != nil {
				t.Fatal(err)
			}
			if line = written; r.IntN(2) == 0 {
				line = fmt.Appendf(nil, `{"Event":{"System":{%s},"EventData":%s}}`, windowsSources[r.IntN(len(windowsSources))], written)
			}
			if ev, err = eval.ParseEvent(line); err != nil {
				t.Fatal(err)
			}
			ev = eval.Flatten(ev)
		}
		show := func() {
			if line == nil {
				view.Show(ev)
			} else if !view.Read(line) {
				t.Fatalf("not read: %s", line)
			}
		}
		source := eval.SourceOf(ev)
		if show(); view.Source() != source {
			t.Fatalf("%v, not %v: %s", view.Source(), source, line)
		}
		for _, source := range []eval.Source{source, {}} {
			var want []int
			for i, rule := range rules {
				if source.Fits(rule.Source) && eval.Rule(rule, ev) {
					want = append(want, i)
				}
			}
			route := index.Route(source)
			if r.IntN(2) == 0 {
				show()
			}
			if got := index.Matches(view, route); !slices.Equal(got, want) {
				t.Fatalf("%v match, not %v: %s %s\n%s", got, want, ev.Raw(), line, rules)
			}
			for i := range rules { // asked beside the Index
				if r.IntN(4) == 0 {
					if got := prepared[i].MatchView(view); got != eval.Rule(rules[i], ev) {
						t.Fatalf("%v: %s %s\n%s", got, ev.Raw(), line, rules[i])
					}
				}
			}
			matching += len(want)
			if source == (eval.Source{}) {
				index.Matches(view, route)
				asked, all = asked+view.Asked(), all+len(rules)
			}
			most := r.IntN(4)
			some := slices.Clone(index.Some(view, route, most))
			if len(some) != min(most, len(want)) || slices.ContainsFunc(some, func(i int) bool { return !slices.Contains(want, i) }) {
				t.Fatalf("%d of the matches are %v, not of %v: %s", most, some, want, ev.Raw())
			}
		}
	}
	return matching, asked, all
}

// TestIndex holds that an Index finds the rules that match and no others, and that it
// does not simply ask all.
func TestIndex(t *testing.T) {
	matching, asked, all := 0, 0, 0
	for seed := range uint64(1500) {
		m, a, n := sameMatches(t, seed, []string{"\xffA", "K\u212a\u017f", "aabab", "– -x", "1.0", "TRUE", "é\u2013"}[seed%7])
		matching, asked, all = matching+m, asked+a, all+n
	}
	if t.Log(matching, asked, all); matching < 1000 || asked > all*9/10 {
		t.Errorf("%d of %d are asked, %d match", asked, all, matching)
	}
}

func FuzzIndex(f *testing.F) {
	f.Add(uint64(1), "a-B")
	f.Add(uint64(2), "\xff\xfea\x00")
	f.Add(uint64(3), "K\u212a\u017f")
	f.Fuzz(func(t *testing.T, seed uint64, text string) { sameMatches(t, seed, text) })
}

// TestSmallIndex holds that an Index of one rule is small: check makes one for each.
func TestSmallIndex(t *testing.T) {
	const n, most = 50, 32 << 10 // bytes
	star := ir.Part{Kind: ir.AnyRun}
	var indexes []*eval.Index
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range n {
		set := eval.NewSet()
		e := ir.Match{Field: ir.Field{Name: "Image", Type: ir.Text}, Test: ir.NewPattern(false, star, ir.Part{Text: fmt.Sprintf(`\tool%d.exe`, i)})}
		x := set.Index([]*eval.Prepared{set.Prepare(&ir.Rule{Conditions: []ir.Condition{{Expr: e}}})})
		x.Route(eval.Source{})
		indexes = append(indexes, x)
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / n; each > most {
		t.Errorf("%d indexes take %d bytes each", len(indexes), each)
	}
}

// TestIndexLinear holds that rules which look for other things beside something that all look for are not
// asked, so that comparing n rules with each other's events takes n questions.
func TestIndexLinear(t *testing.T) {
	const n = 2000
	set := eval.NewSet()
	var prepared []*eval.Prepared
	match := func(field string, parts ...ir.Part) ir.Expr {
		return ir.Match{Field: ir.Field{Name: field, Type: ir.Text}, Test: ir.NewPattern(false, parts...)}
	}
	star := ir.Part{Kind: ir.AnyRun}
	name := func(i int) string { return fmt.Sprintf("%05d.exe", (i*7919)%100_003) }
	for i := range n {
		e := ir.And{match("Image", star, ir.Part{Text: `\` + name(i)}), match("EventID", ir.Part{Text: "1"}),
			ir.Or{match("CommandLine", star, ir.Part{Text: "-" + name(i)}, star), match("CommandLine", ir.Part{Text: name(i)})}}
		prepared = append(prepared, set.Prepare(&ir.Rule{Conditions: []ir.Condition{{Expr: e}}}))
	}
	index := set.Index(prepared)
	route, total := index.Route(eval.Source{}), 0
	for i := range n {
		ev, err := eval.NewEvent(map[string]any{"Image": `C:\` + name(i), "EventID": "1", "CommandLine": "x -" + name(i)})
		if err != nil {
			t.Fatal(err)
		}
		view := set.View(ev)
		if found := index.Matches(view, route); !slices.Equal(found, []int{i}) {
			t.Fatal(i, found)
		}
		total += view.Asked()
	}
	if total > 2*n {
		t.Errorf("%d questions for %d events", total, n)
	}
}
