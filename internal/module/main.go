// Command module gives the module another path, and all that names it: imports, the pages on installing, workflows, hooks.
//
//	go run ./internal/module github.com/OWNER/sigmac
//
// The path is the address of the repository. go test ./internal/module -update writes anew what is made of the present one.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/format"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/module"

	"sigmac/internal/about"
)

func main() { os.Exit(run(os.Args[1:], ".", os.Stdout, os.Stderr)) }

func run(args []string, root string, stdout, stderr io.Writer) int {
	if len(args) != 1 || args[0] == "" {
		fmt.Fprintln(stderr, "usage: make module PATH=github.com/OWNER/sigmac")
		return 2
	}
	to := about.Path(args[0])
	if err := address(to); err != nil {
		fmt.Fprintf(stderr, "module: %q is no address of a repository, such as github.com/OWNER/sigmac: %s; nothing was changed\n", to, err)
		return 2
	}
	changed, err := move(root, about.Module, to)
	for name, text := range changed {
		if err == nil {
			err = os.WriteFile(filepath.Join(root, name), text, 0o666)
		}
	}
	if err != nil {
		fmt.Fprintln(stderr, "module:", err)
		return 1
	}
	fmt.Fprintf(stdout, "%s: %d files changed\n", to, len(changed))
	return 0
}

// address says what is wrong with the address of a repository.
func address(p about.Path) error {
	parts := strings.Split(string(p), "/")
	if err := module.CheckPath(string(p)); err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), fmt.Sprintf("malformed module path %q: ", p)))
	}
	_, major, ok := module.SplitPathVersion(string(p))
	switch {
	case len(parts) != 3:
		return errors.New("it is HOST/OWNER/NAME")
	case parts[1] == "OWNER":
		return errors.New("OWNER stands for yours")
	case !ok || major != "":
		return errors.New("it ends like a major version")
	}
	return nil
}

// skipped are folders that hold nothing of the module.
var skipped = []string{".git", "node_modules", "dist", "testdata"}

// move gives the files below root that change when the module gets another path, by their names below root.
func move(root string, from, to about.Path) (map[string][]byte, error) {
	changed := map[string][]byte{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if err == nil && slices.Contains(skipped, d.Name()) {
				err = fs.SkipDir
			}
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		var rewrite func(string, []byte, about.Path, about.Path) ([]byte, error)
		switch ext := filepath.Ext(name); {
		case name == "go.mod":
			rewrite = goMod
		case ext == ".go":
			rewrite = imports
		case ext == ".md" || ext == ".yml" || ext == ".yaml":
			rewrite = addresses
		default:
			return nil
		}
		old, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		text, err := rewrite(filepath.ToSlash(name), old, from, to)
		if err == nil && !bytes.Equal(text, old) {
			changed[name] = text
		}
		return err
	})
	return changed, err
}

func goMod(name string, text []byte, from, to about.Path) ([]byte, error) {
	return replace(name, text, "module "+string(from)+"\n", "module "+string(to)+"\n")
}

// replace replaces what stands once in a text.
func replace(name string, text []byte, old, new string) ([]byte, error) {
	if n := bytes.Count(text, []byte(old)); n != 1 {
		return nil, fmt.Errorf("%s: %q stands there %d times, and not once", name, old, n)
	}
	return bytes.Replace(text, []byte(old), []byte(new), 1), nil
}

// imports rewrites the imports of a Go file, and about.Module.
func imports(name string, text []byte, from, to about.Path) ([]byte, error) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, name, text, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	out := text
	for _, spec := range slices.Backward(f.Imports) {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		if below, ok := strings.CutPrefix(path+"/", string(from)+"/"); ok {
			path := strconv.Quote(strings.TrimSuffix(string(to)+"/"+below, "/"))
			out = slices.Concat(out[:fset.Position(spec.Path.Pos()).Offset], []byte(path), out[fset.Position(spec.Path.End()).Offset:])
		}
	}
	if name == "internal/about/about.go" {
		if out, err = replace(name, out, "Module Path = "+strconv.Quote(string(from)), "Module Path = "+strconv.Quote(string(to))); err != nil {
			return nil, err
		}
	}
	if bytes.Equal(out, text) {
		return text, nil
	}
	return format.Source(out)
}

// addresses rewrites where a page or a workflow names the repository, and the parts of pages that are made.
func addresses(name string, text []byte, from, to about.Path) ([]byte, error) {
	for _, before := range []string{"uses: ", "repository: "} {
		text = bytes.ReplaceAll(text, []byte(before+from.Repository()+"@"), []byte(before+to.Repository()+"@"))
		text = bytes.ReplaceAll(text, []byte(before+from.Repository()+"\n"), []byte(before+to.Repository()+"\n"))
	}
	text = bytes.ReplaceAll(text, []byte("repo: "+from.URL()+"\n"), []byte("repo: "+to.URL()+"\n"))
	if section, ok := sections[name]; ok {
		before, rest, begins := bytes.Cut(text, []byte(begin))
		_, after, ends := bytes.Cut(rest, []byte(end))
		if !begins || !ends {
			return nil, errors.New(name + " has no place for what is made of the address")
		}
		text = slices.Concat(before, []byte(begin), []byte(section(to)), []byte(end), after)
	}
	return text, nil
}
