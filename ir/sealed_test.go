package ir_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// TestSealed holds that Expr and Test have the members that stand below their
// declarations, and that no type elsewhere becomes one by embedding: a switch over
// all of them is over all that there are.
func TestSealed(t *testing.T) {
	fset := token.NewFileSet()
	members := map[string]bool{"Expr": true, "Test": true}
	files, embedded := 0, map[string]string{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && (strings.HasPrefix(d.Name(), ".") && d.Name() != ".." || d.Name() == "testdata" || d.Name() == "node_modules") {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		f, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		files++
		inside := f.Name.Name == "ir"
		declared := map[string]bool{} // the interfaces of this file
		for _, decl := range f.Decls {
			switch decl := decl.(type) {
			case *ast.GenDecl:
				for _, s := range decl.Specs {
					if s, ok := s.(*ast.TypeSpec); ok && inside {
						declared[strings.ToLower(s.Name.Name)] = true
					}
				}
			case *ast.FuncDecl:
				if inside && decl.Recv != nil && (decl.Name.Name == "expr" || decl.Name.Name == "test") && len(decl.Type.Params.List) == 0 {
					if typ, ok := decl.Recv.List[0].Type.(*ast.Ident); ok && decl.Body.List == nil {
						members[typ.Name] = true
						if !declared[decl.Name.Name] {
							t.Errorf("%s: %s is no member beside the declaration of its interface", fset.Position(decl.Pos()), typ.Name)
						}
					}
				}
			}
		}
		ast.Inspect(f, func(n ast.Node) bool {
			s, ok := n.(*ast.StructType)
			if !ok {
				return true
			}
			for _, field := range s.Fields.List {
				typ := field.Type
				if star, ok := typ.(*ast.StarExpr); ok {
					typ = star.X
				}
				name, of := typ, "ir"
				if sel, ok := typ.(*ast.SelectorExpr); ok {
					name = sel.Sel
					of = sel.X.(*ast.Ident).Name
				} else if !inside {
					continue
				}
				if id, ok := name.(*ast.Ident); ok && of == "ir" && len(field.Names) == 0 {
					embedded[fset.Position(field.Pos()).String()] = id.Name
				}
			}
			return true
		})
		return nil
	})
	if err != nil || files < 300 || len(members) < 20 {
		t.Fatalf("%d files, %d members: %v", files, len(members), err)
	}
	for at, name := range embedded {
		if members[name] {
			t.Errorf("%s: %s is embedded", at, name)
		}
	}
}
