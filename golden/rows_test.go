package golden

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"sigmac"
	"sigmac/eval"
	"sigmac/ir"
	"sigmac/parser"
)

// TestRows holds that a query which a rule becomes through built-in pipelines
// selects, as it is read back, those rows of a table whose events the rule matches.
// Each case has events twice, line by line: sigma.json in the vendor's form, under
// the names that rules use, and target.json as the table has them. The first lines
// name where the events are from. Each rule matches one of them and misses one. The
// section queries is the test's.
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
			sections := map[string]string{}
			for _, f := range a.Files {
				sections[f.Name] = string(f.Data)
			}
			text := selectedRows(t, sections)
			if !*update {
				if text != sections["queries"] {
					t.Errorf("queries:\n%s\nwant:\n%s", text, sections["queries"])
				}
				return
			}
			for i := range a.Files {
				if a.Files[i].Name == "queries" {
					a.Files[i].Data = []byte(text)
				}
			}
			if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// selectedRows is the queries of a case with the numbers of the rows that each
// selects, from 1.
func selectedRows(t *testing.T, sections map[string]string) string {
	// The section mapping is the target, its format and the pipelines.
	to := strings.Fields(sections["mapping"])
	if len(to) < 3 {
		t.Fatal("the section mapping is a target, a format and pipelines")
	}
	w := way{name: "rows", target: to[0], format: to[1], pipelines: to[2:]}
	events, rows := eventLines(t, sections["sigma.json"]), eventLines(t, sections["target.json"])
	if len(events) != len(rows) || len(rows) < 3 {
		t.Fatalf("%d events and %d rows; three or more are wanted", len(events), len(rows))
	}
	m := w.mapping(t)
	var out strings.Builder
	for res := range sigmac.Compile(parser.Parse(ruleSection, []byte(sections[ruleSection])), sigmac.Options{Mappings: []sigmac.Mapping{m}}) {
		title := res.Document.Title
		if len(res.Errors) > 0 {
			t.Errorf("%s: %v", title, res.Errors)
			continue
		}
		fmt.Fprintf(&out, "# %s\n", title)
		var queries []ir.Expr
		for i, query := range res.Queries {
			fmt.Fprintln(&out, query)
			out.WriteString(proof(t, res.Target, res.Want, i, query))
			q, err := res.Target.Read(query, m.Schemas)
			if err != nil {
				t.Fatalf("%s: %s\n%v", title, query, err)
			}
			queries = append(queries, q.Whole())
		}
		numbers := []string{}
		for i, event := range events {
			got := false
			for _, q := range queries {
				is, known := eval.Settled(q, rows[i])
				if got = got || is; !known {
					t.Errorf("%s: row %d is open: %s", title, i+1, q)
				}
			}
			if want := eval.Rule(res.Document.Rule, event); got != want {
				t.Errorf("%s: event %d: the rule says %t, the query %t: %s", title, i+1, want, got, strings.Join(res.Queries, "\n"))
			}
			if got {
				numbers = append(numbers, fmt.Sprint(i+1))
			}
		}
		if n := len(numbers); n == 0 || n == len(events) {
			t.Errorf("%s: selects %d of %d events", title, n, len(events))
		}
		fmt.Fprintf(&out, "selects %s\n", strings.Join(numbers, " "))
	}
	return out.String()
}

func eventLines(t *testing.T, text string) (out []eval.Event) {
	for line := range strings.Lines(text) {
		ev, err := eval.ParseEvent([]byte(line))
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		out = append(out, ev)
	}
	return out
}
