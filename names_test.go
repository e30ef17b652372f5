package sigmac_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sigmac"
)

// mayName are the files and folders that may name a target: the languages, their
// registration, and what reads catalogs of native rules, which have names of their own.
var mayName = []string{"backends/", "targets/targets.go", "catalog/entry.go", "catalog/native/"}

// TestNoTargetIsNamed holds that what sigmac knows of a target stands in its
// registration: no other code asks for its name. Lines of help that show a command
// are no code.
func TestNoTargetIsNamed(t *testing.T) {
	out, err := exec.Command("git", "ls-files", "*.go").Output()
	if err != nil {
		t.Skip("needs git and a checkout")
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
	for _, path := range strings.Fields(string(out)) {
		if strings.HasSuffix(path, "_test.go") || strings.HasPrefix(path, "internal/") ||
			slices.ContainsFunc(mayName, func(p string) bool { return strings.HasPrefix(path, p) }) {
			continue
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if errors.Is(err, fs.ErrNotExist) {
			continue // gone, and not committed yet
		} else if err != nil {
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
				if slices.Contains(names, strings.ToLower(n.Name)) {
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
