package read

import (
	"encoding/json"
	"errors"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"gopkg.in/yaml.v3"

	"sigmac/eval"
	"sigmac/internal/corpus"
	"sigmac/ir"
)

var update = flag.Bool("update", false, "rewrite testdata/read.json")

// corpusFiles decodes every YAML file below a folder of the corpus.
func corpusFiles[T any](t *testing.T, folder string, each func(T)) {
	t.Helper()
	for _, path := range corpus.Files(t, ".yml", folder) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var v T
		if err := yaml.Unmarshal(text, &v); err != nil {
			t.Fatal(path, err)
		}
		each(v)
	}
}

// readMacros is the corpus' macros.
func readMacros(t *testing.T) map[string]Macro {
	macros := map[string]Macro{}
	corpusFiles(t, "splunk/macros", func(m struct {
		Name       string
		Arguments  []string
		Definition string
	}) {
		macros[m.Name] = Macro{m.Arguments, m.Definition}
	})
	return macros
}

// corpusSummary counts what came of the searches that others wrote.
type corpusSummary struct {
	Searches int
	Read     int            // with a conjunct that is not Opaque
	Whole    int            // with nothing Opaque
	Errors   map[string]int // what was refused
	Empty    map[string]int // the command that no filter precedes
	Opaque   map[string]int // by their beginning
}

// TestReadCorpus reads the searches of splunk/security_content.
func TestReadCorpus(t *testing.T) {
	r := Reader{Macros: readMacros(t)}
	got := corpusSummary{Errors: map[string]int{}, Empty: map[string]int{}, Opaque: map[string]int{}}
	corpusFiles(t, "splunk/detections", func(d struct{ Name, Search string }) {
		if d.Search == "" {
			return
		}
		got.Searches++
		q, err := r.Read(d.Search, ir.Types{})
		var refused *ir.Diagnostic
		if errors.As(err, &refused) {
			got.Errors[refused.Msg]++
			t.Logf("%s: %s\n%s", d.Name, err, d.Search)
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		opaque, known := false, q.Scope.Index != ""
		for _, e := range ir.Conjuncts(q.Where) {
			if _, ok := e.(ir.Opaque); !ok {
				known = true
			}
		}
		ir.Walk(q.Where, func(e ir.Expr) {
			if o, ok := e.(ir.Opaque); ok {
				opaque = true
				got.Opaque[opaqueKind(o.Text)]++
				t.Logf("%s: opaque: %s", d.Name, o.Text)
			}
		})
		switch {
		case known:
			got.Read++
			if !opaque {
				got.Whole++
			}
		case opaque:
			got.Empty["only Opaque"]++
		default:
			got.Empty[q.Unjudged()[0].Name]++
		}
	})
	if got.Read*100 < got.Searches*85 {
		t.Errorf("%d of %d searches read", got.Read, got.Searches)
	}
	corpus.Hold(t, "testdata/read.json", got, *update)
}

// opaqueKind names an Opaque by what it starts with.
func opaqueKind(text string) string {
	switch i := strings.IndexAny(text, "=!<> (["); {
	case text[0] == '[' || text[0] == '"':
		return text[:1]
	case text[0] != '`' && i > 0:
		return text[:i]
	}
	return text
}

// TestReadGolden reads sigmac's own output: nothing in it is Opaque, and it
// selects the events that the golden says.
func TestReadGolden(t *testing.T) {
	files, err := filepath.Glob("../../../golden/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no goldens", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			sections := map[string]string{}
			for _, f := range a.Files {
				sections[f.Name] = string(f.Data)
			}
			var meaning []ir.Expr
			for line := range strings.Lines(sections["splunk"]) {
				q, err := Read(strings.TrimSpace(line), ir.Types{})
				if err != nil {
					t.Fatalf("%s\n%s", err, line)
				}
				// The events have no _raw: their text is the JSON.
				where := (&ir.Query{Scope: q.Scope, Where: q.Where}).Predicate().Whole()
				e, _ := ir.Rewrite(where, func(e ir.Expr) (ir.Expr, bool) {
					if o, ok := e.(ir.Opaque); ok {
						t.Errorf("opaque: %s", o.Text)
					}
					if m, ok := e.(ir.Match); ok && m.Field.Name == "_raw" {
						return ir.Keyword{Test: anywhere(m.Test)}, true
					}
					return e, false
				})
				meaning = append(meaning, e)
			}
			if meaning == nil {
				return
			}
			for section, want := range map[string]bool{"match.json": true, "nomatch.json": false} {
				for line := range strings.Lines(sections[section]) {
					if is, known := eval.Settled(ir.Or(meaning), splunkEvent(t, line)); !known || is != want {
						t.Errorf("%s: %s", section, line)
					}
				}
			}
		})
	}
}

// splunkEvent is an event as Splunk has it: a null is a missing field.
func splunkEvent(t *testing.T, line string) eval.Event {
	var m map[string]any
	d := json.NewDecoder(strings.NewReader(line))
	d.UseNumber()
	if err := d.Decode(&m); err != nil {
		t.Fatal(err)
	}
	maps.DeleteFunc(m, func(_ string, v any) bool { return v == nil })
	ev, err := eval.NewEvent(m)
	if err != nil {
		t.Fatal(err)
	}
	return ev
}

func anywhere(t ir.Test) ir.Test {
	p, ok := t.(ir.Pattern)
	if !ok {
		return t
	}
	star := ir.Part{Kind: ir.AnyRun}
	return ir.NewPattern(p.Cased, slices.Concat([]ir.Part{star}, p.Parts, []ir.Part{star})...)
}
