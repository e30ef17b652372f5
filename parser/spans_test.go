package parser_test

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"sigmac/internal/irtest"
	"sigmac/ir"
	"sigmac/parser"
)

// TestSpans breaks the rules of the golden cases word by word, and holds that each
// diagnostic has the place of what it is about.
func TestSpans(t *testing.T) {
	files, err := filepath.Glob("../golden/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	said := 0
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(a.Files, func(f txtar.File) bool { return f.Name == "rule.yml" })
		for src := range irtest.Broken(string(a.Files[i].Data)) {
			for _, d := range parser.Parse("r.yml", []byte(src)).Documents {
				for _, e := range slices.Concat(d.Errors, d.Warnings) {
					said++
					if wrong := irtest.Spanned(src, e); wrong != "" {
						t.Errorf("%s: %+v\n%s\n%s", file, e, wrong, src)
					}
					// So has one that knows only where it begins.
					if again := d.Place(&ir.Diagnostic{Pos: e.Pos, Msg: e.Msg}); again.End != (ir.Pos{}) && irtest.Spanned(src, again) != "" {
						t.Errorf("%s: %+v\n%s\n%s", file, again, irtest.Spanned(src, again), src)
					}
				}
			}
		}
	}
	if said < 1000 {
		t.Errorf("only %d diagnostics", said)
	}
}
