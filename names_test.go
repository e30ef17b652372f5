package sigmac_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sigmac"
)

// mayName are the files and folders that may name a target: the languages, their
// registration, and what reads catalogs of native rules, which have names of their own.
// The corpus is of such catalogs too, and for tests only.
var mayName = []string{"backends/", "targets/targets.go", "internal/catalog/entry.go", "internal/catalog/native/", "internal/corpus/"}

// TestNoTargetIsNamed holds that what sigmac knows of a target stands in its
// registration: no other code asks for its name. Lines of help that show a command
// are no code.
func TestNoTargetIsNamed(t *testing.T) {
	var paths []string
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata" || d.Name() == ".git") {
			return fs.SkipDir
		}
		if p = filepath.ToSlash(p); strings.HasSuffix(p, ".go") && !strings.HasSuffix(p, "_test.go") {
			paths = append(paths, p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, target := range sigmac.Targets() {
		names = append(append(names, target.Name, strings.TrimPrefix(target.Extension, ".")), target.Aliases...)
		for _, f := range target.Samples {
			names = append(names, f.Name)
		}
	}
	word := regexp.MustCompile(`(?i)(^|[^a-z])(` + strings.Join(names, "|") + `)([^a-z]|$)`)
	shown := regexp.MustCompile(`(?m)^ *(sigmac|exec sigmac) .*$`)
	files, literals := 0, 0
	for _, path := range paths {
		if slices.ContainsFunc(mayName, func(p string) bool { return strings.HasPrefix(path, p) }) {
			continue
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files++
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BasicLit:
				literals++
				text, err := strconv.Unquote(n.Value)
				if found := word.FindString(shown.ReplaceAllString(text, "")); err == nil && n.Kind == token.STRING && found != "" {
					t.Errorf("%s names %s", fset.Position(n.Pos()), found)
				}
			case *ast.Ident:
				if len(n.Name) > 2 && slices.Contains(names, strings.ToLower(n.Name)) { // es are several e
					t.Errorf("%s is called %s", fset.Position(n.Pos()), n.Name)
				}
			}
			return true
		})
	}
	if files < 100 || literals < 3_000 {
		t.Errorf("only %d files with %d literals were seen", files, literals)
	}
}
