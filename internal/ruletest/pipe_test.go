//go:build unix

package ruletest

import (
	"path/filepath"
	"syscall"
	"testing"
)

// A rule names files, and a pipe would be waited for.
func TestPipe(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "info.yml"), 0o666); err != nil {
		t.Fatal(err)
	}
	_, err := readIn(dir, "info.yml")
	_, err2 := Test{Path: filepath.Join(dir, "info.yml"), root: dir}.open()
	if exists(dir, "info.yml") || err == nil || err2 == nil {
		t.Errorf("a pipe is opened: %v %v", err, err2)
	}
}
