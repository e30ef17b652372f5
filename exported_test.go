package sigmac_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// TestExportedIsExplained holds that every package, and all that others see of it, has
// a comment that begins with its name, as pkg.go.dev shows it.
func TestExportedIsExplained(t *testing.T) {
	packages, names := 0, 0
	err := filepath.WalkDir(".", func(dir string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if name := d.Name(); name != "." && strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules" {
			return fs.SkipDir
		}
		paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			return err
		}
		fset := token.NewFileSet()
		var files []*ast.File
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(fset, path, nil, parser.ParseComments|parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			files = append(files, f)
		}
		if len(files) == 0 {
			return nil
		}
		p, err := doc.NewFromFiles(fset, files, filepath.ToSlash(dir))
		if err != nil {
			return err
		}
		packages++
		if p.Doc == "" {
			t.Errorf("%s: the package has no comment", dir)
		}
		explained := func(name, text string, at token.Pos, grouped bool) {
			names++
			switch {
			case text == "":
				t.Errorf("%s: %s has no comment", fset.Position(at), name)
			case !grouped && !strings.HasPrefix(text, name+" ") && !strings.HasPrefix(text, name+":") && !strings.HasPrefix(text, "A "+name) && !strings.HasPrefix(text, "An "+name) && !strings.HasPrefix(text, "The "+name):
				t.Errorf("%s: the comment of %s begins with other words: %.40q", fset.Position(at), name, text)
			}
		}
		functions := func(fs []*doc.Func) {
			for _, f := range fs {
				if f.Recv == "" || !trivial[f.Name] {
					explained(f.Name, f.Doc, f.Decl.Pos(), false)
				}
			}
		}
		values := func(vs []*doc.Value) {
			for _, v := range vs {
				for _, s := range v.Decl.Specs {
					s := s.(*ast.ValueSpec)
					if s.Names[0].IsExported() {
						explained(s.Names[0].Name, v.Doc+s.Doc.Text()+s.Comment.Text(), s.Pos(), true)
					}
				}
			}
		}
		functions(p.Funcs)
		values(append(p.Consts, p.Vars...))
		for _, typ := range p.Types {
			explained(typ.Name, typ.Doc, typ.Decl.Pos(), false)
			functions(append(typ.Funcs, typ.Methods...))
			values(append(typ.Consts, typ.Vars...))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if packages < 45 || names < 500 {
		t.Errorf("only %d names in %d packages were seen", names, packages)
	}
}

// trivial are methods that say by their names what every such method does.
var trivial = map[string]bool{"String": true, "Error": true, "Unwrap": true, "MarshalJSON": true, "UnmarshalJSON": true, "MarshalText": true, "Close": true}
