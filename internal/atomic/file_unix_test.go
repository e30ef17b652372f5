//go:build unix

package atomic

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// A file gets the rights that the umask leaves, and keeps those that it has; what a
// killed run has left is removed.
func TestFile(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o077))
	dir := t.TempDir()
	path, other := filepath.Join(dir, "a"), filepath.Join(dir, "a-b")
	left, others := newTemp(path), newTemp(other)
	for _, name := range []string{left, others} {
		if err := os.WriteFile(name, nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write := func(want os.FileMode) {
		t.Helper()
		f, err := Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%v %v, want %v", info.Mode(), err, want)
		}
	}
	write(0o600)
	if err := os.Chmod(path, 0o664); err != nil {
		t.Fatal(err)
	}
	write(0o664)
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Error("what a killed run has left is still there")
	}
	if _, err := os.Stat(others); err != nil {
		t.Error("what belongs to another file is gone")
	}
}
