package golden

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"sigmac"
	"sigmac/eval"
	"sigmac/parser"
	"sigmac/pipeline"
	"sigmac/targets"
)

// The sections of a case of rows that people write. The name of any other is
// pipelines that are applied together, and it has the rows of the events there.
const (
	rulesSection  = "rules.yml"
	eventsSection = "events.json"
	wantSection   = "want"
)

// TestRows holds that what a rule answers of an event in its vendor's form, the
// query answers, as it is read back, of the row that the target has of the event.
// The first lines of a case name where the events are from; a rule must match
// one and miss another.
func TestRows(t *testing.T) {
	files, err := filepath.Glob("rows/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if len(bytes.TrimSpace(a.Comment)) == 0 {
				t.Error("no line says where the events are from")
			}
			var rules, events, want string
			var rows []txtar.File
			out := &txtar.Archive{Comment: a.Comment}
			for _, f := range a.Files {
				switch f.Name {
				case rulesSection:
					rules = string(f.Data)
				case eventsSection:
					events = string(f.Data)
				case wantSection:
					want = string(f.Data)
					continue
				default:
					rows = append(rows, f)
				}
				out.Files = append(out.Files, f)
			}
			got := ""
			for _, f := range rows {
				got += "# " + f.Name + "\n" + selects(t, builtinWay(t, f.Name), rules, objects(t, events), objects(t, string(f.Data)))
			}
			if *update {
				out.Files = append(out.Files, txtar.File{Name: wantSection, Data: []byte(got)})
				if err := os.WriteFile(file, txtar.Format(out), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != want {
				t.Errorf("%s\nwant:\n%s", got, want)
			}
		})
	}
}

// builtinWay leads through built-in pipelines to the target that they are for.
func builtinWay(t *testing.T, names string) way {
	w := way{name: names, format: "default", pipelines: strings.Fields(names)}
	for _, name := range w.pipelines {
		p, ok := pipeline.Builtin(name)
		if !ok {
			t.Fatal("no pipeline ", name)
		}
		for _, target := range targets.All() {
			if len(p.AllowedBackends) > 0 && p.Allows(target) {
				w.target = target.Name
			}
		}
	}
	return w
}

func objects(t *testing.T, lines string) (out []map[string]any) {
	for line := range strings.Lines(lines) {
		d := json.NewDecoder(strings.NewReader(line))
		d.UseNumber()
		var m map[string]any
		if err := d.Decode(&m); err != nil {
			t.Fatal(line, err)
		}
		out = append(out, m)
	}
	return out
}

// selects holds what the queries of rules select against what the rules match,
// and is the queries with the numbers of the events.
func selects(t *testing.T, w way, rules string, events, rows []map[string]any) string {
	if len(events) != len(rows) || len(rows) < 2 {
		t.Fatalf("%s: %d events and %d rows", w.name, len(events), len(rows))
	}
	m := w.mapping(t)
	var out strings.Builder
	for res := range sigmac.Compile(parser.Parse(rulesSection, []byte(rules)), sigmac.Options{Mappings: []sigmac.Mapping{m}}) {
		title := res.Document.Title
		for _, err := range res.Errors {
			t.Errorf("%s: %s: %v", w.name, title, err)
		}
		for i, q := range res.Plain {
			fmt.Fprintln(&out, q)
			out.WriteString(proof(t, res.Target, res.Want, i, q))
			read, err := res.Target.Read(q, m.Schemas)
			if err != nil {
				t.Errorf("%s: %s: %v", w.name, title, err)
				continue
			}
			var selected []string
			for n, event := range events {
				want := eval.Condition(res.Document.Rule, i, parsedEvent(t, event))
				got, known := eval.Settled(read.Whole(), parsedEvent(t, opened(rows[n])))
				if got != want || !known {
					t.Errorf("%s: %s: of event %d the rule says %t, the query %t (known: %t)\n%s", w.name, title, n+1, want, got, known, read.Whole())
				}
				if got {
					selected = append(selected, fmt.Sprint(n+1))
				}
			}
			if len(selected) == 0 || len(selected) == len(events) {
				t.Errorf("%s: %s selects %d of %d events", w.name, title, len(selected), len(events))
			}
			fmt.Fprintln(&out, "selects", strings.Join(selected, " "))
		}
		for _, l := range res.Mapped.Trace.Losses {
			fmt.Fprintf(&out, "loss %s %s %d:%d %s\n", l.ID, l.Direction, l.Pos.Line, l.Pos.Column, l.Msg)
		}
	}
	return out.String()
}

func parsedEvent(t *testing.T, fields map[string]any) eval.Event {
	ev, err := eval.NewEvent(fields)
	if err != nil {
		t.Fatal(err)
	}
	return ev
}

// opened is a row in which the empty text is no value, as in a column of Kusto, and
// the places of a text that holds an object of JSON have names, as readers give
// them.
func opened(row map[string]any) map[string]any {
	out := map[string]any{}
	for name, v := range row {
		if v == "" {
			continue
		}
		out[name] = v
		var m map[string]any
		if s, ok := v.(string); ok && strings.HasPrefix(s, "{") && json.Unmarshal([]byte(s), &m) == nil {
			places(out, name, m)
		}
	}
	return out
}

func places(out map[string]any, name string, v any) {
	m, object := v.(map[string]any)
	for key, v := range m {
		places(out, name+"."+key, v)
	}
	if !object {
		out[name] = v
	}
}
