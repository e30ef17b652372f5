package revision

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func yml(name string) bool { return filepath.Ext(name) == ".yml" }

// repo is a repository with one commit of these files, and the working directory
// in it.
func repo(t *testing.T, files map[string]string, flags ...string) *Repo {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("revisions need the command git")
	}
	for _, who := range []string{"AUTHOR", "COMMITTER"} {
		t.Setenv("GIT_"+who+"_NAME", "a")
		t.Setenv("GIT_"+who+"_EMAIL", "a@example.org")
	}
	t.Chdir(t.TempDir())
	git(t, append([]string{"init", "-q", "-b", "main"}, flags...)...)
	for name, text := range files {
		write(t, name, text)
	}
	git(t, "add", "-A")
	git(t, "commit", "-qm", "one")
	r, err := Open(".")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func git(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("git", args...).CombinedOutput(); err != nil {
		t.Fatalf("git %s: %s", args, out)
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// changed is the names and sizes of what differs.
func changed(t *testing.T, a, b *Tree, limit int64) string {
	t.Helper()
	olds, news, err := Changed(a, b, limit)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for i, files := range [][]File{olds, news} {
		for _, f := range files {
			out = append(out, fmt.Sprintf("%s%s:%s", [2]string{"-", "+"}[i], f.Name, f.Data))
		}
	}
	return strings.Join(out, " ")
}

func TestChanged(t *testing.T) {
	for _, format := range []string{"sha1", "sha256"} {
		r := repo(t, map[string]string{"a.yml": "a", "b.yml": "b\nb\n", "c.yml": "c", "d/e.yml": "e", ".f/g.yml": "g", "d/.h/i.yml": "i", "d/j.txt": "j", "k l\té.yml": "k"}, "--object-format="+format)
		write(t, "a.yml", "A")
		write(t, "b.yml", "b\r\nb\r\n")
		write(t, "n.yml", "n")
		write(t, "ignored.yml", "x")
		write(t, ".gitignore", "ignored.yml\n")
		if err := os.Remove("d/e.yml"); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("a.yml", "link.yml"); err != nil {
			t.Fatal(err)
		}
		old, err := r.Revision("main", nil, yml)
		if err != nil {
			t.Fatal(err)
		}
		if old.Len() != 5 {
			t.Errorf("%d files", old.Len())
		}
		new, err := r.Worktree(nil, yml)
		if err != nil {
			t.Fatal(err)
		}
		const want = "-a.yml:a -d/e.yml:e +a.yml:A +n.yml:n"
		if got := changed(t, old, new, 100); got != want {
			t.Errorf("%s: %s", format, got)
		}
		git(t, "add", "-A")
		git(t, "commit", "-qm", "two")
		if new, err = r.Revision("HEAD", nil, yml); err != nil {
			t.Fatal(err)
		}
		if got := changed(t, old, new, 100); got != "-a.yml:a -b.yml:b\nb\n -d/e.yml:e +a.yml:A +b.yml:b\r\nb\r\n +n.yml:n" {
			t.Errorf("%s: two revisions: %q", format, got)
		}
		if old, new, err = r.Between("main~1", "main", nil, yml); err != nil {
			t.Fatal(err)
		}
		if got := changed(t, old, new, 100); got != "-a.yml:a -b.yml:b\nb\n -d/e.yml:e +a.yml:A +b.yml:b\r\nb\r\n +n.yml:n" {
			t.Errorf("%s: between two revisions: %q", format, got)
		}
		if got := changed(t, old, new, 2); !strings.Contains(got, "+b.yml:b\r\n ") {
			t.Errorf("%s: no more than the limit and a byte: %q", format, got)
		}
	}
}

func TestPaths(t *testing.T) {
	r := repo(t, map[string]string{"rules/a.yml": "a", "rules/sub/b.yml": "b", "rules2/c.yml": "c", ".hidden/d.yml": "d", "one.txt": "t"})
	names := func(tree *Tree, err error) string {
		if err != nil {
			return err.Error()
		}
		files, err := tree.All(10)
		if err != nil {
			return err.Error()
		}
		var out []string
		for _, f := range files {
			out = append(out, f.Name)
		}
		return strings.Join(out, " ")
	}
	for _, c := range []struct{ name, got, want string }{
		{"a folder", names(r.Revision("HEAD", []string{"rules"}, yml)), "rules/a.yml rules/sub/b.yml"},
		{"a file is taken whatever its name", names(r.Revision("HEAD", []string{"one.txt"}, yml)), "one.txt"},
		{"a hidden folder that is named", names(r.Revision("HEAD", []string{".hidden"}, yml)), ".hidden/d.yml"},
		{"two", names(r.Worktree([]string{"rules/sub", "rules2"}, yml)), "rules/sub/b.yml rules2/c.yml"},
		{"a path of a revision", names(r.RevisionPath("HEAD", "rules", yml)), "a.yml sub/b.yml"},
		{"the top of a revision", names(r.RevisionPath("HEAD", "", yml)), "rules/a.yml rules/sub/b.yml rules2/c.yml"},
		{"a file of a revision", names(r.RevisionPath("HEAD", "./rules/a.yml", yml)), "HEAD:rules/a.yml"},
		{"not there", names(r.RevisionPath("HEAD", "rules/../x", yml)), "x: no such file or directory in HEAD"},
		{"an option", names(r.Revision("--all", nil, yml)), "--all: no such file, directory or revision"},
		{"no revision", names(r.Revision("mainn", nil, yml)), `mainn: no such file, directory or revision; did you mean "main"?`},
		{"a blob is none", names(r.Revision("HEAD:one.txt", nil, yml)), "HEAD:one.txt: no such file, directory or revision"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s, want %s", c.name, c.got, c.want)
		}
	}
	if _, err := r.Revision("HEAD", []string{".."}, yml); err == nil || !strings.Contains(err.Error(), "outside") {
		t.Error(err)
	}
	if _, _, err := r.Between("HEAD", "HEAD", []string{"rules", "none"}, yml); err == nil || !strings.Contains(err.Error(), "none: no such file or directory in HEAD and HEAD") {
		t.Error(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(r.Top, link); err != nil {
		t.Fatal(err)
	}
	for p, want := range map[string]string{link: "", filepath.Join(link, "rules"): "rules", filepath.Join(link, "gone", "too", "x.yml"): "gone/too/x.yml", "rules": "rules"} {
		if got, err := r.Below(p); err != nil || got != want {
			t.Errorf("%s: %q, want %q; %v", p, got, want, err)
		}
	}
	if _, err := r.MergeBase("main", "HEAD"); err != nil {
		t.Error(err)
	}
	git(t, "checkout", "-q", "--orphan", "other")
	git(t, "commit", "-qm", "alone")
	if _, err := r.MergeBase("main", "other"); err == nil || !strings.Contains(err.Error(), "shallow") {
		t.Error(err)
	}
	t.Chdir(t.TempDir())
	if _, err := Open("."); !errors.Is(err, ErrNoRepo) {
		t.Error(err)
	}
	t.Setenv("PATH", "")
	if _, err := Open("."); err == nil || !strings.Contains(err.Error(), "need the command git") {
		t.Error(err)
	}
}
