package main

import (
	"bytes"
	"flag"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigmac/internal/about"
)

var update = flag.Bool("update", false, "rewrite what is made of the address in README.md, docs and examples")

var root = filepath.Join("..", "..")

// TestAddress holds that what names the module names it as it is: the present path changes no file.
func TestAddress(t *testing.T) {
	changed, err := move(root, about.Module, about.Module)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range changed {
		if !*update {
			t.Errorf("%s is not of the address %q; run go test ./internal/module -update", name, about.Module)
		} else if err := os.WriteFile(filepath.Join(root, name), text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// TestMove holds what becomes of the files of a module.
func TestMove(t *testing.T) {
	const from, to = "github.com/acme/sigmac", "git.example.org/team/detect"
	files := map[string][2]string{
		"go.mod": {"module github.com/acme/sigmac\n\ngo 1.26\n", "module git.example.org/team/detect\n\ngo 1.26\n"},
		"a.go": {"package a\n\nimport (\n\t\"fmt\"\n\n\t\"github.com/acme/sigmac\"\n\tx \"github.com/acme/sigmac/ir\"\n\t\"github.com/acme/sigmacs/ir\"\n)\n\nconst s = \"github.com/acme/sigmac/ir\"\n",
			"package a\n\nimport (\n\t\"fmt\"\n\n\t\"git.example.org/team/detect\"\n\tx \"git.example.org/team/detect/ir\"\n\t\"github.com/acme/sigmacs/ir\"\n)\n\nconst s = \"github.com/acme/sigmac/ir\"\n"},
		"internal/about/about.go":     {"package about\n\nconst Module Path = \"github.com/acme/sigmac\"\n", "package about\n\nconst Module Path = \"git.example.org/team/detect\"\n"},
		".github/workflows/a.yml":     {"- uses: acme/sigmac@v1\n- uses: acme/sigmac-other@v1\n- with:\n    repository: acme/sigmac\n", "- uses: team/detect@v1\n- uses: acme/sigmac-other@v1\n- with:\n    repository: team/detect\n"},
		"docs/a.md":                   {"    - repo: https://github.com/acme/sigmac\n", "    - repo: https://git.example.org/team/detect\n"},
		"testdata/a.md":               {"repo: https://github.com/acme/sigmac\n", ""},
		"README.md":                   {"a\n" + begin + "old\n" + end + "b\n", "a\n" + begin + readme(to) + end + "b\n"},
		"docs/untouched.txt":          {"github.com/acme/sigmac", ""},
		"examples/repo/node_modules/": {"", ""},
	}
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(name, "/") {
			if err := os.WriteFile(path, []byte(text[0]), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	changed, err := move(dir, from, to)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if got := string(changed[filepath.FromSlash(name)]); got != text[1] {
			t.Errorf("%s: got %q, want %q", name, got, text[1])
		}
	}
	for name, fault := range map[string]string{"go.mod": "module other\n", "internal/about/about.go": "package about\n", "README.md": "a\n", "a.go": "package\n"} {
		if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(name)), []byte(fault), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := move(dir, from, to); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(name)), []byte(files[name][0]), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBadAddress(t *testing.T) {
	for _, path := range []string{"sigmac", "acme/sigmac", "github.com/acme", "github.com/acme/sigmac/v2", "github.com/acme/v2", "https://github.com/acme/sigmac", "github.com/acme/sigmac.git/x", "github.com/OWNER/sigmac", "github.com/a b/sigmac", "../a/b", "/usr/bin:/bin", "github.com/acme/sig$(mac)", "GitHub.com/acme/sigmac"} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module "+string(about.Module)+"\n"), 0o666); err != nil {
			t.Fatal(err)
		}
		var out, errs strings.Builder
		if status := run([]string{path}, dir, &out, &errs); status != 2 || !strings.Contains(errs.String(), "nothing was changed") {
			t.Errorf("%s: %d %s", path, status, errs.String())
		}
		if text, err := os.ReadFile(filepath.Join(dir, "go.mod")); err != nil || string(text) != "module "+string(about.Module)+"\n" {
			t.Error(path, string(text), err)
		}
	}
	var out, errs strings.Builder
	if status := run([]string{""}, t.TempDir(), &out, &errs); status != 2 || !strings.Contains(errs.String(), "make module PATH=") {
		t.Error(status, errs.String())
	}
}

// TestSections holds that pages say that there is no address exactly where there is none, and that every placeholder is
// filled.
func TestSections(t *testing.T) {
	for _, p := range []about.Path{"sigmac", "github.com/Acme/sigmac"} {
		for name, section := range sections {
			text := section(p)
			if strings.Contains(text, "no public address") == p.Public() || p.Public() && strings.Contains(text, "OWNER") {
				t.Errorf("%s for %s:\n%s", name, p, text)
			}
			if strings.ContainsAny(text, "{}") {
				t.Errorf("%s for %s:\n%s", name, p, text)
			}
		}
	}
}

// TestModule gives a copy of the project an address by make, and another: it builds, and the tests of the whole tree pass.
func TestModule(t *testing.T) {
	dir := t.TempDir()
	copyProject(t, dir)
	before := tree(t, dir)
	do := func(fails bool, command ...string) string {
		t.Helper()
		cmd := exec.Command(command[0], command[1:]...)
		cmd.Dir = dir
		// With -trimpath what was compiled for another copy is taken again.
		cmd.Env = append(os.Environ(), "SIGMAC_CORPUS=none", "SIGMAC_ANSWERS=none", "GOFLAGS=-trimpath", "MAKEFLAGS=")
		out, err := cmd.CombinedOutput()
		if (err != nil) != fails {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
		return string(out)
	}
	module := func(fails bool, path string) string {
		t.Helper()
		if _, err := exec.LookPath("make"); err != nil {
			t.Log("no make: running its command")
			return do(fails, "go", "run", "./internal/module", path)
		}
		return do(fails, "make", "module", "PATH="+path)
	}
	if says := module(true, "nowhere"); !strings.Contains(says, "nothing was changed") || !maps.EqualFunc(before, tree(t, dir), bytes.Equal) {
		t.Fatalf("a bad path is taken: %s", says)
	}
	module(false, "github.com/acme/sigmac")
	after := tree(t, dir)
	for _, name := range []string{"go.mod", "README.md", "docs/install.md", "docs/ci.md", "examples/repo/.github/workflows/sigma.yml", "examples/repo/.pre-commit-config.yaml", "internal/about/about.go", "cmd/sigmac/main.go"} {
		if !bytes.Contains(after[name], []byte("acme/sigmac")) {
			t.Errorf("%s does not name the address", name)
		}
	}
	named := regexp.MustCompile(`(?m)(?:uses|repository|repo): (?:https://)?(\S*/sigmac)(?:@\S+)?$`)
	for name, text := range after {
		for _, m := range named.FindAllStringSubmatch(string(text), -1) {
			if ext := path.Ext(name); (ext == ".md" || ext == ".yml" || ext == ".yaml") && !strings.HasSuffix(m[1], "acme/sigmac") {
				t.Errorf("%s names the repository otherwise: %s", name, m[0])
			}
		}
		if bytes.Contains(text, []byte("OWNER/sigmac")) && !strings.HasPrefix(name, "internal/") && !slices.Contains([]string{"Makefile", "CONTRIBUTING.md", "CHANGELOG.md"}, name) {
			t.Errorf("%s has no address", name)
		}
	}
	do(false, "go", "build", "./...")
	do(false, "go", "vet", ".", "./internal/about", "./internal/release")
	do(false, "go", "test", ".", "./internal/about", "./internal/release")
	do(false, "go", "test", "./internal/module", "-run", "TestAddress|TestSections")
	do(false, "go", "test", "./cmd/sigmac", "-run", "TestScripts/init|TestWorkflow|TestHooks|TestAction")
	if unformatted := do(false, "gofmt", "-l", "."); unformatted != "" {
		t.Errorf("not formatted: %s", unformatted)
	}
	module(false, "git.example.org/team/detect")
	for name, text := range tree(t, dir) {
		if bytes.Contains(text, []byte("acme/sigmac")) && !strings.HasSuffix(name, "_test.go") {
			t.Errorf("%s has the address of before", name)
		}
	}
	if packages := do(false, "go", "list", "-test", "-deps", "./..."); !strings.Contains(packages, "git.example.org/team/detect/cmd/sigmac\n") {
		t.Error("the command is no package")
	}
}

// copyProject copies the files of the project, with what is not committed yet.
func copyProject(t *testing.T, dir string) {
	cmd := exec.Command("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z")
	cmd.Dir = root
	list, err := cmd.Output()
	if err != nil {
		t.Skip("needs the command git and a checkout of the project: ", err)
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(list), "\x00"), "\x00") {
		path := filepath.Join(dir, filepath.FromSlash(name))
		text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if os.IsNotExist(err) {
			continue // removed, and not committed yet
		}
		if err == nil {
			err = os.MkdirAll(filepath.Dir(path), 0o777)
		}
		if err == nil {
			err = os.WriteFile(path, text, 0o777)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// tree are the files below dir.
func tree(t *testing.T, dir string) map[string][]byte {
	out := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		out[filepath.ToSlash(name)], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
