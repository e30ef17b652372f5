package golden

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"sigmac"
	"sigmac/backends"
	"sigmac/eval"
	"sigmac/ir"
)

// TestQueries holds facts about a target's language: a case has queries, each
// ended by a blank line, and events that each of them selects or does not. Events
// that open.json has are such as the documents leave open.
func TestQueries(t *testing.T) {
	eachCase(t, "queries/*.txtar", func(t *testing.T, file string, a *txtar.Archive, sections map[string]string) {
		read := 0
		for _, target := range sigmac.Targets() {
			for query := range strings.SplitSeq(sections[target.Name], "\n\n") {
				if query = strings.TrimSpace(query); query != "" {
					read++
					holdQuery(t, target, query, sections)
				}
			}
		}
		if read == 0 {
			t.Error("the case has no query")
		}
	})
}

func holdQuery(t *testing.T, b *backends.Target, query string, sections map[string]string) {
	q, err := b.Read(query, columns(t, sections["columns.json"]))
	if err != nil {
		t.Errorf("%s\n%v", query, err)
		return
	}
	if rest := q.Unjudged(); len(rest) > 0 {
		t.Errorf("%s\nmore than filters: %s", query, rest[0].Text)
	}
	for section, want := range map[string]string{matchSection: "selected", noMatchSection: "not selected", "open.json": "open"} {
		for line := range strings.Lines(sections[section]) {
			ev, err := eval.ParseEvent([]byte(line))
			if err != nil {
				t.Fatal(err)
			}
			got := "not selected"
			switch is, known := eval.Settled(q.Whole(), ev); {
			case !known:
				got = "open"
			case is:
				got = "selected"
			}
			if got != want {
				t.Errorf("%s\n%s is %s, want %s: %s", query, strings.TrimSpace(line), got, want, q.Where)
			}
		}
	}
}

// columns are the types of columns by name; without a section all are unknown.
func columns(t *testing.T, text string) ir.Types {
	names := map[string]string{}
	if text != "" {
		if err := json.Unmarshal([]byte(text), &names); err != nil {
			t.Fatal(err)
		}
	}
	out := ir.Types{}
	for name, want := range names {
		for typ := ir.Text; typ <= ir.JSON; typ++ {
			if typ.String() == want {
				out[name] = typ
			}
		}
		if out[name] == ir.Unknown {
			t.Fatalf("no type %s", want)
		}
	}
	return out
}
