package catalog

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"sigmac/parser"
)

var update = flag.Bool("update", false, "rewrite testdata")

// TestPages holds the pages of the rules in testdata, one case a file.
func TestPages(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if len(strings.TrimSpace(string(a.Comment))) == 0 {
				t.Error("no line says why the case exists")
			}
			src := a.Files[0].Data
			var got strings.Builder
			for _, d := range parser.Parse("rule.yml", src).Documents {
				if len(d.Errors) > 0 {
					t.Fatal(d.Errors)
				}
				got.WriteString(show(Explain(d.Rule, src)))
			}
			if *update {
				a.Files = append(a.Files[:1], txtar.File{Name: "page", Data: []byte(got.String())})
				if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if len(a.Files) != 2 || string(a.Files[1].Data) != got.String() {
				t.Errorf("got\n%s", got.String())
			}
		})
	}
}

func show(p *Page) string {
	var b strings.Builder
	predicate := func(p Predicate) string {
		s := fmt.Sprintf("%s %s %q", p.Field, p.Kind, p.Value)
		if len(p.Transforms) > 0 {
			s += " transforms " + strings.Join(p.Transforms, ", ")
		}
		return s
	}
	for i, s := range p.Stages {
		fmt.Fprintf(&b, "stage %d: %s\n", i, s.Label)
		for line := range strings.SplitSeq(s.Body, "\n") {
			b.WriteString("  | " + line + "\n")
		}
		for _, p := range s.Predicates {
			b.WriteString("  " + predicate(p) + "\n")
		}
	}
	for _, e := range p.Exclusions {
		b.WriteString("excludes " + predicate(e.Predicate))
		if len(e.With) > 0 {
			b.WriteString(" with " + strings.Join(e.With, "; "))
		}
		b.WriteString("\n")
	}
	for _, in := range p.Indicators {
		for _, v := range in.Values {
			b.WriteString("indicates " + predicate(in.Predicate(v)) + "\n")
		}
	}
	return b.String()
}

// TestKey: what counts as the same indicator.
func TestKey(t *testing.T) {
	windash := []string{"windash"}
	for _, c := range []struct {
		a, b Predicate
		same bool
	}{
		{Predicate{"F", Match, "/a", windash}, Predicate{"F", Match, "-A", nil}, true},
		{Predicate{"F", Match, "/a", nil}, Predicate{"F", Match, "-a", nil}, false},
		{Predicate{"F", Match, "a", nil}, Predicate{"F", Eq, "a", nil}, false},
		{Predicate{"F", Match, "a", nil}, Predicate{"G", Match, "a", nil}, false},
		{Predicate{"F", Eq, "A", []string{"cased"}}, Predicate{"F", Eq, "a", nil}, true},
		{Predicate{"F", Regex, "A", nil}, Predicate{"F", Regex, "a", nil}, false},
	} {
		if got := c.a.Key() == c.b.Key(); got != c.same {
			t.Errorf("%v and %v: %t", c.a, c.b, got)
		}
	}
}

// FuzzExplain holds that any rule has a page, whatever its file holds.
func FuzzExplain(f *testing.F) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(a.Files[0].Data)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		for _, d := range parser.Parse("rule.yml", src).Documents {
			if d.Rule != nil {
				Explain(d.Rule, src)
				Events(d.Rule)
				Techniques(d.Rule.Meta.Tags)
			}
		}
	})
}
