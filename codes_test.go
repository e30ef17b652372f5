package sigmac_test

import (
	"fmt"
	"go/ast"
	goparser "go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sigmac/internal/check"
	"sigmac/ir"
)

// TestCodes holds that the table of codes in docs/cli.md is theirs, which -update writes, and
// that each code that the source names is in it, or a check.
func TestCodes(t *testing.T) {
	const path, begin, end = "docs/cli.md", "<!-- codes: go test . -run TestCodes -update -->\n", "<!-- end -->\n"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{"": true}
	table := "\n| Code | What it is about |\n|---|---|\n"
	for _, c := range ir.Codes {
		if known[c[0]] {
			t.Errorf("the code %s stands twice", c[0])
		}
		if _, ok := check.Lookup(c[0]); ok && c[0] != ir.Syntax {
			t.Errorf("the code %s is a check", c[0])
		}
		known[c[0]] = true
		table += fmt.Sprintf("| `%s` | %s |\n", c[0], c[1])
	}
	before, rest, found := strings.Cut(string(text), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has no place for the codes", path)
	}
	page := before + begin + table + "\n" + end + after
	if *update {
		if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if page != string(text) {
		t.Errorf("the codes in %s are not those of the project; run go test . -run TestCodes -update", path)
	}

	for _, id := range check.IDs() {
		known[id] = true
	}
	used := map[string]bool{}
	err = filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(file) != ".go" || strings.HasSuffix(file, "_test.go") {
			return err
		}
		tree, err := goparser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && x.Name == "ir" {
					used[n.Sel.Name] = true
				}
			case *ast.KeyValueExpr:
				if k, ok := n.Key.(*ast.Ident); ok && k.Name == "Code" {
					literal(t, known, n.Value)
				}
			case *ast.CallExpr:
				if f, ok := n.Fun.(*ast.SelectorExpr); ok && (f.Sel.Name == "failAs" || f.Sel.Name == "warnAs") {
					literal(t, known, n.Args[0])
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range constants(t, "ir/code.go") {
		if !used[name] && !slices.Contains([]string{"CannotExpress", "PipelineFault", "OtherFault"}, name) {
			t.Errorf("nothing has the code ir.%s", name)
		}
	}
}

// literal holds that a code that is written out is known.
func literal(t *testing.T, known map[string]bool, e ast.Expr) {
	t.Helper()
	if l, ok := e.(*ast.BasicLit); ok {
		if code, err := strconv.Unquote(l.Value); err != nil || !known[code] {
			t.Errorf("the code %s is in no table", l.Value)
		}
	}
}

// constants are the names of those of a file.
func constants(t *testing.T, file string) map[string]bool {
	t.Helper()
	tree, err := goparser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	ast.Inspect(tree, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok {
			for _, name := range v.Names {
				if name.Name != "Codes" {
					names[name.Name] = true
				}
			}
		}
		return true
	})
	return names
}
