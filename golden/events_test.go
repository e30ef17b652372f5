package golden

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"sigmac"
	"sigmac/eval"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/pipeline"
	"sigmac/schema"
)

// integrations are the pipelines for what integrations of the Elastic Agent
// collect, each with its cases in events.
var integrations = func() (out []way) {
	for _, name := range pipeline.Builtins() {
		if strings.HasPrefix(name, "ecs_") && name != "ecs_windows" {
			out = append(out, way{name, "elastic", "default", []string{name}})
		}
	}
	return out
}()

// A recorded event stands twice: as Sigma's taxonomy names it, and as the place
// records it. Rule is the title of the rule that is asked about it.
type recorded struct {
	Rule         string
	Sigma, There json.RawMessage
}

// TestEvents holds what becomes of the rules of a case, and that the query of a
// rule, as it is read back, selects an event as the place records it exactly if
// the rule matches the event under Sigma's names. Section events.json and the
// comment, which names the source of the events, are written by people.
func TestEvents(t *testing.T) {
	for _, w := range integrations {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join("events", w.name+".txtar")
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Contains(a.Comment, []byte("elastic/")) {
				t.Error("no line says where the events are from")
			}
			sections := map[string]string{}
			for _, f := range a.Files {
				sections[f.Name] = string(f.Data)
			}
			text := w.convert(t, map[string]string{ruleSection: sections[ruleSection]})
			if !*update && text != sections[w.name] {
				t.Errorf("%s:\n%s\nwant:\n%s", w.name, text, sections[w.name])
			}
			w.asks(t, sections)
			if *update {
				out := &txtar.Archive{Comment: a.Comment, Files: []txtar.File{
					{Name: ruleSection, Data: []byte(sections[ruleSection])},
					{Name: w.name, Data: []byte(text)},
					{Name: "events.json", Data: []byte(sections["events.json"])},
				}}
				if err := os.WriteFile(file, txtar.Format(out), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// asks asks the rules and their queries about the events: at least three, of
// which each rule matches some and not all.
func (w way) asks(t *testing.T, sections map[string]string) {
	rules := map[string]sigmac.Result{}
	for res := range sigmac.Compile(parser.Parse(ruleSection, []byte(sections[ruleSection])), sigmac.Options{Mappings: []sigmac.Mapping{w.mapping(t)}}) {
		rules[res.Document.Title] = res
	}
	answers := map[string][]bool{}
	lines := 0
	for line := range strings.Lines(sections["events.json"]) {
		lines++
		var r recorded
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(line, err)
		}
		res, ok := rules[r.Rule]
		if !ok || len(res.Queries) != 1 {
			t.Fatalf("%s: %d queries of a rule %q", line, len(res.Queries), r.Rule)
		}
		event := func(text []byte) eval.Event {
			ev, err := eval.ParseEvent(text)
			if err != nil {
				t.Fatal(line, err)
			}
			return ev
		}
		q, err := res.Target.Read(res.Queries[0], schema.For(res.Target))
		if err != nil {
			t.Fatal(res.Queries[0], err)
		}
		where := ir.And{q.Whole()}
		if c := q.Scope.Category; c != "" {
			where = append(where, ir.Match{Field: ir.Field{Name: "event.category", Type: ir.Text}, Test: ir.Lit(c)})
		}
		want, got := eval.Rule(res.Document.Rule, event(r.Sigma)), eval.Expr(nil, where, event(r.There))
		if got != want {
			t.Errorf("%s: %s: the rule answers %t, the query %s %t", r.Rule, r.There, want, res.Queries[0], got)
		}
		answers[r.Rule] = append(answers[r.Rule], want)
	}
	if lines < 3 {
		t.Errorf("only %d events", lines)
	}
	for title := range rules {
		if !slices.Contains(answers[title], true) || !slices.Contains(answers[title], false) {
			t.Errorf("%s: no event that the rule matches, or none that it does not", title)
		}
	}
}
