package sigmac_test

import (
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestReadersApart holds that the reader of a language and its emitter share
// neither code nor tables: a proof by a reader that believes what the emitter
// believes would be worth nothing. The type backend is both's. Nor does a reader
// read or write regular expressions with what rules are read and queries written
// with; that of Kusto asks the parser of rules for the name of an expression.
func TestReadersApart(t *testing.T) {
	fset := token.NewFileSet()
	imports := importer.ForCompiler(fset, "source", nil)
	for _, name := range []string{"splunk", "kusto", "elastic"} {
		dir := filepath.Join("backends", name)
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		var files []*ast.File
		readers := 0
		for _, e := range entries {
			if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
				continue
			}
			f, err := parser.ParseFile(fset, filepath.Join(dir, e.Name()), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(e.Name(), "read") {
				readers++
			}
			files = append(files, f)
		}
		info := &types.Info{Uses: map[*ast.Ident]types.Object{}, Selections: map[*ast.SelectorExpr]*types.Selection{}}
		pkg, err := (&types.Config{Importer: imports}).Check("sigmac/backends/"+name, fset, files, info)
		if err != nil {
			t.Fatal(err)
		}
		reads := func(p token.Pos) bool { return strings.HasPrefix(filepath.Base(fset.Position(p).Filename), "read") }
		uses := 0
		for id, obj := range info.Uses {
			at := fset.Position(id.Pos())
			if expressions[obj.Name()] && reads(id.Pos()) && !(name == "kusto" && obj.Name() == "ParseRegexp") {
				t.Errorf("%s uses %s", at, obj.Name())
			}
			if obj.Pkg() != pkg || obj.Name() == "backend" {
				continue
			}
			uses++
			if reads(id.Pos()) != reads(obj.Pos()) {
				t.Errorf("%s uses %s of %s", at, obj.Name(), fset.Position(obj.Pos()))
			}
		}
		if readers < 3 || uses < 500 {
			t.Errorf("%s: only %d files of the reader and %d uses of names were seen", name, readers, uses)
		}
	}
}

// expressions are the functions of ir and backends that read and write regular
// expressions.
var expressions = map[string]bool{"ParseRegexp": true, "PatternRe": true, "CIDRRe": true, "PrintRe": true, "Regular": true, "Extended": true}
