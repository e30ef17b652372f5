package sigmac_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sigmac/internal/about"
)

// TestSingle holds that no goroutine is started in the packages that make race leaves
// out, in their tests, and in what they import.
func TestSingle(t *testing.T) {
	text, err := os.ReadFile("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^SINGLE = (.*)$`).FindSubmatch(text)
	if m == nil {
		t.Fatal("the Makefile names no packages")
	}
	single := regexp.MustCompile("^" + regexp.QuoteMeta(string(about.Module)) + "/(?:" + string(m[1]) + ")$")
	checked := map[string]bool{}
	for _, p := range listPackages(t) {
		if !single.MatchString(p.ImportPath) {
			continue
		}
		for _, path := range append(p.Deps, p.ImportPath) {
			short, ours := own(path)
			if !ours || checked[path] {
				continue
			}
			checked[path] = true
			files, err := filepath.Glob(filepath.Join(filepath.FromSlash(short), "*.go"))
			if err != nil || len(files) == 0 {
				t.Fatal("no files of ", path, err)
			}
			for _, file := range files {
				if !single.MatchString(path) && strings.HasSuffix(file, "_test.go") {
					continue
				}
				for _, at := range goroutines(t, file) {
					t.Errorf("%s starts a goroutine, but %s is tested without the race detector", at, p.ImportPath)
				}
			}
		}
	}
	if len(checked) < 10 {
		t.Errorf("only %d packages were seen", len(checked))
	}
	if len(goroutines(t, "internal/ordered/ordered.go")) == 0 {
		t.Error("no goroutine is seen in package ordered")
	}
}

// goroutines are the places where a file starts one.
func goroutines(t *testing.T, file string) (places []token.Position) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		starts := false
		switch n := n.(type) {
		case *ast.GoStmt:
			starts = true
		case *ast.CallExpr: // of a sync.WaitGroup or a testing.T
			if sel, ok := n.Fun.(*ast.SelectorExpr); ok {
				_, function := append(n.Args, nil)[0].(*ast.FuncLit)
				starts = sel.Sel.Name == "Go" && function || sel.Sel.Name == "Parallel"
			}
		}
		if starts {
			places = append(places, fset.Position(n.Pos()))
		}
		return true
	})
	return places
}
