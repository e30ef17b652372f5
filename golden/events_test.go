package golden

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"sigmac"
	"sigmac/eval"
	"sigmac/ir"
	"sigmac/parser"
)

// TestEvents holds that a query which rules become through built-in pipelines
// selects, as it is read back, those events of a vendor that the rules match. Each
// case has events twice, line by line: sigma.json under the names that rules use,
// target.json as the target holds them. The first lines name where the events are
// from. Each rule matches one of them and misses one. The section queries is the
// test's.
func TestEvents(t *testing.T) {
	eachCase(t, "events/*.txtar", func(t *testing.T, file string, a *txtar.Archive, sections map[string]string) {
		text := selected(t, sections)
		if *update {
			out := &txtar.Archive{Comment: a.Comment}
			for _, f := range a.Files {
				if f.Name != "queries" {
					out.Files = append(out.Files, f)
				}
			}
			out.Files = append(out.Files, txtar.File{Name: "queries", Data: []byte(text)})
			if err := os.WriteFile(file, txtar.Format(out), 0o644); err != nil {
				t.Fatal(err)
			}
		} else if text != sections["queries"] {
			t.Errorf("queries:\n%s\nwant:\n%s", text, sections["queries"])
		}
	})
}

// selected is the queries of a case with the numbers of the events that each
// selects, from 1.
func selected(t *testing.T, sections map[string]string) string {
	// The section mapping is the target, its format and the pipelines.
	to := strings.Fields(sections["mapping"])
	if len(to) < 3 {
		t.Fatal("the section mapping is a target, a format and pipelines")
	}
	w := way{name: "events", target: to[0], format: to[1], pipelines: to[2:]}
	under, there := events(t, sections, "sigma.json"), events(t, sections, "target.json")
	if len(under) != len(there) || len(under) < 3 {
		t.Fatalf("%d events under the names of rules, %d at the target; three or more are wanted", len(under), len(there))
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
			where := q.Whole()
			if c := q.Scope.Category; c != "" { // the head of EQL is a test of this field
				where = ir.And{ir.Match{Field: ir.Field{Name: "event.category", Type: ir.Text}, Test: ir.Lit(c)}, where}
			}
			queries = append(queries, where)
		}
		numbers := []string{}
		for i := range under {
			got := false
			for _, q := range queries {
				is, known := eval.Settled(q, there[i])
				got = got || is
				if !known {
					t.Errorf("%s: event %d is open", title, i+1)
				}
			}
			if want := eval.Rule(res.Document.Rule, under[i]); got != want {
				t.Errorf("%s: event %d: the rule says %t, the query %t: %s", title, i+1, want, got, strings.Join(res.Queries, "\n"))
			}
			if got {
				numbers = append(numbers, fmt.Sprint(i+1))
			}
		}
		if n := len(numbers); n == 0 || n == len(under) {
			t.Errorf("%s: selects %d of %d events", title, n, len(under))
		}
		fmt.Fprintf(&out, "selects %s\n", strings.Join(numbers, " "))
	}
	return out.String()
}

func events(t *testing.T, sections map[string]string, name string) (out []eval.Event) {
	for line := range strings.Lines(sections[name]) {
		ev, err := eval.ParseEvent([]byte(line))
		if err != nil {
			t.Fatalf("%s: %s: %v", name, line, err)
		}
		out = append(out, ev)
	}
	return out
}
