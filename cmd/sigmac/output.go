package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"
)

// isTerminal says whether w is a terminal.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb" && f.Name() != os.DevNull
}

// A progress counts on a terminal, and is silent elsewhere.
type progress struct {
	w     io.Writer
	total int
	shown bool
}

func newProgress(c *cli.Context, total int) *progress {
	p := &progress{total: total}
	if total > 200 && isTerminal(c.App.ErrWriter) {
		p.w = c.App.ErrWriter
	}
	return p
}

func (p *progress) at(i int) {
	if p.w != nil && i%50 == 0 {
		fmt.Fprintf(p.w, "\r%d/%d", i, p.total)
		p.shown = true
	}
}

// clear gives the line back.
func (p *progress) clear() {
	if p != nil && p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
}

// An output collects what goes to standard output or, whole or not at all, to
// a file.
type output struct {
	io.Writer
	path string
	file bytes.Buffer
}

func newOutput(c *cli.Context, path string) (*output, error) {
	if path == "" || path == stdinPath {
		return &output{Writer: c.App.Writer}, nil
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil, usage("%s: is a directory", path)
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
		return nil, usage("%s: no such directory", filepath.Dir(path))
	}
	o := &output{path: path}
	o.Writer = &o.file
	return o, nil
}

// close puts a file in its place.
func (o *output) close() error {
	if o.path == "" {
		return nil
	}
	if info, err := os.Stat(o.path); err == nil && !info.Mode().IsRegular() {
		if err := os.WriteFile(o.path, o.file.Bytes(), 0o666); err != nil {
			return usage("%s", fault(err))
		}
		return nil
	}
	tmp, err := os.CreateTemp(filepath.Dir(o.path), ".sigmac-*")
	if err != nil {
		return usage("%s: cannot be written: %s", o.path, fault(err))
	}
	_, err = tmp.Write(o.file.Bytes())
	if e := tmp.Chmod(0o644); err == nil {
		err = e
	}
	if e := tmp.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(tmp.Name(), o.path)
	}
	if err != nil {
		os.Remove(tmp.Name())
		return usage("%s: cannot be written: %s", o.path, fault(err))
	}
	return nil
}
