package review

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"sigmac"
	"sigmac/internal/deploy"
	"sigmac/internal/drift"
	"sigmac/internal/style"
	"sigmac/ir"
)

// entry is one of a rule and a detection, in texts that a terminal or a browser would obey.
func entry(differences ...drift.Difference) drift.Entry {
	return drift.Entry{
		Rule: &drift.Rule{Meta: ir.Meta{Level: "high"}, Path: "r\n::error ::.yml", Pos: ir.Pos{Line: 3}, ID: "rule-id", Title: "T\x1b[31m <b>|",
			Detection: &deploy.Detection{ID: "d", Query: "a=1\nb=\x1b"}},
		Deployed:    &deploy.Detection{ID: "d", Rule: "rule-id", Title: "T", Path: "e.json", Query: "a=1\nb=2"},
		By:          drift.ByID,
		Differences: differences,
	}
}

// examples are entries of every kind.
func examples() []drift.Entry {
	moved := entry()
	moved.Deployed = &deploy.Detection{ID: "old", Rule: "rule-id"}
	byTitle := entry()
	byTitle.By, byTitle.Deployed = drift.ByTitle, &deploy.Detection{ID: "x", Title: "T"}
	missing := entry(drift.Difference{Kind: drift.Missing})
	missing.Deployed = nil
	broken := entry(drift.Difference{Kind: drift.Unjudged, Reason: "the rule has no query"})
	broken.Rule.Detection, broken.Deployed = nil, nil
	return []drift.Entry{
		entry(drift.Difference{Kind: drift.Enabled, Want: "enabled", Got: "disabled"},
			drift.Difference{Kind: drift.Query, Direction: "both", Part: "endswith", Missed: []map[string]any{{"a": "\u202e<"}}, Gained: []map[string]any{{"b": "c"}}},
			drift.Difference{Kind: deploy.Schedule, Name: "every", Want: "PT1H", Got: "P1D"},
			drift.Difference{Kind: deploy.Severity, Name: "severity", Want: "high"},
			drift.Difference{Kind: deploy.Actions, Name: "webhook", Want: "", Got: "https://secret@example.org"}),
		missing,
		entry(drift.Difference{Kind: drift.Unjudged, Reason: "sigmac does not read the language esql"}),
		entry(drift.Difference{Kind: drift.Bounds, Want: "everywhere", Got: "index main", Direction: "narrower"}, drift.Difference{Kind: drift.Rewritten}),
		entry(drift.Difference{Kind: drift.Rewritten}),
		entry(), moved, byTitle, broken,
		{Deployed: &deploy.Detection{ID: "g", Title: "Gone", Path: "e.json", Rule: "r2"}, Differences: []drift.Difference{{Kind: drift.Extra, Reason: "no rule here has the id r2"}}},
		{Deployed: &deploy.Detection{ID: "u", Title: "Theirs", Path: "e.json"}, Differences: []drift.Difference{{Kind: drift.Unmanaged}}},
	}
}

func TestText(t *testing.T) {
	var b strings.Builder
	if err := Text(&b, style.Style{}, examples()); err != nil {
		t.Fatal(err)
	}
	head := `  r ::error ::.yml  T\u{1b}[31m <b>| (high)`
	want := `disabled, query another, schedule, severity, actions` + head + `
  state: disabled instead of enabled
  query: another (endswith)
  missed: {"a":"\u{202e}<"}
  found too: {"b":"c"}
  schedule: every P1D instead of PT1H
  severity: none instead of high
  actions: webhook differs

missing` + head + `
not judged` + head + `
  query: not judged: sigmac does not read the language esql

equal` + head + `
  looks: only where index main
  query: means the same by another text

equal` + head + `
  matched: the id is another; it has the title of the rule

not judged` + head + `
  query: not judged: the rule has no query

no rule  e.json  Gone (g)
  because: no rule here has the id r2

unmanaged  e.json  Theirs (u)

1 different, 1 missing, 1 not judged, 5 equal, 1 without a package, 1 deployed of a rule that is not here, 1 deployed of no Sigma rule
`
	if b.String() != want {
		t.Errorf("got\n%s", b.String())
	}
}

func TestPlanText(t *testing.T) {
	var b strings.Builder
	if err := PlanText(&b, style.Style{}, examples()); err != nil {
		t.Fatal(err)
	}
	head := ` T\u{1b}[31m <b>| (high)  r ::error ::.yml
`
	want := `  ~` + head + `      state: disabled -> enabled
      query: becomes another (endswith)
      newly matched: {"a":"\u{202e}<"}
      no longer matched: {"b":"c"}
      schedule: every P1D -> PT1H
      severity: none -> high
      actions: webhook differs
  +` + head + `  ~` + head + `      query: not judged: sigmac does not read the language esql
  ~` + head + `      looks: no longer only where index main
      query: means the same by another text
  ~` + head + `      query: means the same by another text
-/+` + head + `      id: old -> d
  +` + head + `      beside: T (x), which has its title and is not managed: both would run
  !` + head + `      query: not judged: the rule has no query
  - Gone (g)  e.json
      because: no rule here has the id r2

1 as it is to be, 1 not managed, 1 without a package
Plan: 3 to create, 4 to change, 2 to delete.
`
	if b.String() != want {
		t.Errorf("got\n%s", b.String())
	}
	b.Reset()
	if err := PlanText(&b, style.Style{}, []drift.Entry{entry()}); err != nil || b.String() != "1 as it is to be\nPlan: nothing to do.\n" {
		t.Errorf("%q %v", b.String(), err)
	}
}

func TestMarkdown(t *testing.T) {
	for name, write := range map[string]func(io.Writer, []drift.Entry) error{
		"### Drift: 1 different, 1 missing": Markdown, "### Plan: 3 to create, 4 to change, 2 to delete. 1 as it is to be, 1 not managed, 1 without a package\n": PlanMarkdown} {
		var b strings.Builder
		if err := write(&b, examples()); err != nil {
			t.Fatal(err)
		}
		got := b.String()
		if !strings.HasPrefix(got, name) || !strings.Contains(got, `| T\\u{1b}\[31m &lt;b\>\| (high) | `) || !strings.Contains(got, "\n```diff\n") || !strings.Contains(got, "`{\"b\":\"c\"}`") {
			t.Errorf("%s", got)
		}
		if strings.ContainsAny(got, "\x1b\u202e") || strings.Contains(got, "<b>") || strings.Contains(got, "secret") || strings.Contains(got, "Theirs") {
			t.Errorf("%s", got)
		}
	}
	var many []drift.Entry
	for range 400 {
		many = append(many, entry(drift.Difference{Kind: drift.Query, Direction: "wider", Gained: []map[string]any{{"a": strings.Repeat("x", 1500)}}}))
	}
	var b strings.Builder
	if err := Markdown(&b, many); err != nil || b.Len() > 65_000 || !strings.Contains(b.String(), "\nand 350 more\n") || !strings.Contains(b.String(), " more did not fit here.\n") {
		t.Errorf("%d bytes %v", b.Len(), err)
	}
}

func TestJSON(t *testing.T) {
	for _, plan := range []bool{false, true} {
		var b strings.Builder
		if err := JSON(&b, examples(), plan); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(b.String(), "secret") {
			t.Error(b.String())
		}
		var states []string
		for l := range strings.Lines(b.String()) {
			var o struct {
				Action, State, Title string
				Equal                bool
				Differences          []struct{ Kind string }
			}
			if err := json.Unmarshal([]byte(l), &o); err != nil || o.Differences == nil {
				t.Fatalf("%s %v", l, err)
			}
			states = append(states, fmt.Sprintf("%s%s %t", o.Action, strings.Repeat(".", len(o.Differences)), o.Equal))
		}
		want := "..... false|. false|. false|.. true|. true| true| true| true|. false|. false|. false"
		if plan {
			want = "change..... false|create. false|change. false|change.. true|change. true|none true|replace true|create true|blocked. false|delete. false|left. false"
		}
		if got := strings.Join(states, "|"); got != want {
			t.Errorf("plan %t: %s, want %s", plan, got, want)
		}
	}
}

// TestUnmanaged holds that a few of the detections of no rule are named, and the others counted.
func TestUnmanaged(t *testing.T) {
	var many []drift.Entry
	for range 30 {
		many = append(many, examples()[10])
	}
	var b strings.Builder
	if err := Text(&b, style.Style{}, many); err != nil || strings.Count(b.String(), "Theirs") != 20 || !strings.Contains(b.String(), "\nand 10 more of no Sigma rule\n") {
		t.Errorf("%s %v", b.String(), err)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space") }

func TestFull(t *testing.T) {
	for i, write := range []func(io.Writer, []drift.Entry) error{Markdown, PlanMarkdown,
		func(w io.Writer, es []drift.Entry) error { return Text(w, style.Style{}, es) },
		func(w io.Writer, es []drift.Entry) error { return PlanText(w, style.Style{}, es) },
		func(w io.Writer, es []drift.Entry) error { return JSON(w, es, true) }} {
		if err := write(full{}, examples()); err == nil {
			t.Errorf("%d: no error", i)
		}
	}
}

// TestLooks holds how it is told where a query looks.
func TestLooks(t *testing.T) {
	for _, c := range []struct{ want, got, direction, drift, plan string }{
		{"table a, x: 1", "table a, x: 1, t > 2", "narrower", "only where t > 2", "no longer only where t > 2"},
		{"table a, x: 1", "table a", "wider", "not only where x: 1", "only where x: 1"},
		{"table a", "table b", "both", "table b instead of table a", "table b -> table a"},
		{"x: A", "x: A", "narrower", "in fewer places", "in fewer places"},
		{"table a", "everywhere", "wider", "not only where table a", "only where table a"},
	} {
		d := drift.Difference{Kind: drift.Scope, Name: "scope", Want: c.want, Got: c.got, Direction: c.direction, Proof: &sigmac.Proof{}}
		if got := lines(d, false)[0].text; got != c.drift {
			t.Errorf("%s, %s: %q, want %q", c.want, c.got, got, c.drift)
		}
		if got := lines(d, true)[0].text; got != c.plan {
			t.Errorf("%s, %s: %q, want %q", c.want, c.got, got, c.plan)
		}
	}
	if got := lines(drift.Difference{Kind: drift.Scope, Name: "index", Want: "a", Got: "b"}, false)[0]; got != (line{"scope", "index b instead of a"}) {
		t.Error(got)
	}
}
