package backends

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestReadersApart holds that the reader of a language does not read or write
// regular expressions with what rules are read and queries written with: a proof by
// a reader that believes what the emitter believes would be worth nothing. That of
// Kusto asks the parser of rules for the name of an expression. That a reader
// imports no emitter is held by TestImports.
func TestReadersApart(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("*", "read", "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatal("no readers", err)
	}
	selected := 0
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, path, src, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			selected++
			kusto := sel.Sel.Name == "ParseRegexp" && strings.HasPrefix(path, "kusto")
			of, _ := sel.X.(*ast.Ident)
			writes := of != nil && of.Name == "regex" && (sel.Sel.Name == "Parse" || sel.Sel.Name == "Print")
			if (writes || expressions[sel.Sel.Name]) && !kusto {
				t.Errorf("%s uses %s", fset.Position(sel.Pos()), sel.Sel.Name)
			}
			return true
		})
	}
	if selected < 5_000 {
		t.Errorf("only %d selectors were seen", selected)
	}
}

// expressions are the other functions that read and rewrite regular expressions.
var expressions = map[string]bool{"ParseRegexp": true, "PatternRe": true, "CIDRRe": true, "Regular": true, "Extended": true}
