package atomic

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestReplaceDir: a directory is replaced whole or not at all, and nothing is
// left beside it.
func TestReplaceDir(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "site")
	write := func(text string, err error) func(string) error {
		return func(dir string) error {
			return errors.Join(os.WriteFile(filepath.Join(dir, text), []byte(text), 0o666), err)
		}
	}
	holds := func(want string) {
		t.Helper()
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != 1 || entries[0].Name() != want {
			t.Errorf("%v %v, want %s", entries, err, want)
		}
		if beside, _ := os.ReadDir(parent); len(beside) != 1 {
			t.Errorf("left beside: %v", beside)
		}
	}
	if err := ReplaceDir(dir, write("a", nil)); err != nil {
		t.Fatal(err)
	}
	holds("a")
	if err := ReplaceDir(dir, write("b", errors.New("no space"))); err == nil {
		t.Error("no error")
	}
	holds("a")
	if err := ReplaceDir(dir+string(filepath.Separator), write("c", nil)); err != nil {
		t.Fatal(err)
	}
	holds("c")
}

// What a killed run has left may be the directory of before: it is removed once
// there is a new one.
func TestReplaceDirAfterKill(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "site")
	left := newTemp(dir)
	if err := os.MkdirAll(filepath.Join(left, "new"), 0o777); err != nil {
		t.Fatal(err)
	}
	failed := errors.New("failed")
	if err := ReplaceDir(dir, func(string) error { return failed }); err != failed {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); err != nil {
		t.Error("a run that failed removes what may be the site of before")
	}
	if err := ReplaceDir(dir, func(string) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if entries, _ := os.ReadDir(filepath.Dir(dir)); len(entries) != 1 {
		t.Errorf("%v", entries)
	}
}

// A link stays and leads to what is written; a file that cannot be put in its place is
// an error that names it.
func TestCreate(t *testing.T) {
	dir := t.TempDir()
	path, link := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	if err := os.WriteFile(path, []byte("old"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("a", link); err != nil {
		t.Skip("needs a file system with symbolic links: ", err)
	}
	f, err := Create(link)
	if err != nil {
		t.Fatal(err)
	}
	f.Write([]byte("new"))
	if text, _ := os.ReadFile(path); string(text) != "old" {
		t.Errorf("%q is written before the end", text)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(path); string(text) != "new" {
		t.Errorf("%q", text)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Error("the link is gone", err)
	}
	if _, err := Create(dir); err == nil || err.Error() != dir+": is a directory" {
		t.Error(err)
	}
	gone := filepath.Join(dir, "gone")
	if _, err := Create(filepath.Join(gone, "a")); err == nil || err.Error() != gone+": no such directory" {
		t.Error(err)
	}
	if err := os.Mkdir(gone, 0o777); err != nil {
		t.Fatal(err)
	}
	f, err = Create(filepath.Join(gone, "a"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(gone); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); !errors.Is(err, os.ErrNotExist) || !strings.HasPrefix(err.Error(), filepath.Join(gone, "a")+": cannot be written: ") {
		t.Error(err)
	}
}
