package main

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"sigmac/internal/plain"
	"sigmac/internal/style"
	"sigmac/project"
)

// tell writes a line for people.
func tell(w io.Writer, format string, args ...any) error { return plain.Line(w, format, args...) }

// isTerminal says whether w is a terminal.
func isTerminal(w io.Writer) bool {
	if c, ok := w.(*checkedWriter); ok {
		w = c.Writer
	}
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb" && f.Name() != os.DevNull
}

// styleFor is how text is marked on w.
func styleFor(w io.Writer) style.Style {
	return style.Style{Colour: isTerminal(w) && os.Getenv("NO_COLOR") == ""}
}

// A checkedWriter remembers that something could not be written.
type checkedWriter struct {
	io.Writer
	err error
}

func (w *checkedWriter) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	if w.err == nil {
		w.err = err
	}
	return n, err
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
	if path == "" || path == project.Stdin {
		return &output{Writer: c.App.Writer}, nil
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real // what a link leads to is written, and the link stays
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
	var mode os.FileMode
	if info, err := os.Stat(o.path); err == nil && info.Mode().IsRegular() {
		mode = info.Mode().Perm()
	} else if err == nil {
		if err := os.WriteFile(o.path, o.file.Bytes(), 0o666); err != nil {
			return usage("%s", project.Fault(err))
		}
		return nil
	}
	name := newTemp(o.path)
	tmp, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666) // less the umask
	if err != nil {
		return usage("%s: cannot be written: %s", o.path, project.Fault(err))
	}
	_, err = tmp.Write(o.file.Bytes())
	if mode != 0 && err == nil {
		err = tmp.Chmod(mode)
	}
	if e := tmp.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(name, o.path)
	}
	if err != nil {
		os.Remove(name)
		return usage("%s: cannot be written: %s", o.path, project.Fault(err))
	}
	removeTemps(o.path)
	return nil
}

// newTemp is a name beside a file or a directory for what will take its place. It
// says whose it is, so that the next run finds what a killed one has left.
func newTemp(path string) string {
	var random [8]byte
	rand.Read(random[:])
	return tempPrefix(path) + hex.EncodeToString(random[:])
}

func tempPrefix(path string) string {
	sum := sha256.Sum256([]byte(filepath.Base(path)))
	return filepath.Join(filepath.Dir(path), ".sigmac-"+hex.EncodeToString(sum[:8])+"-")
}

// removeTemps removes what killed runs have left beside a file or a directory.
func removeTemps(path string) {
	dir, prefix := filepath.Split(tempPrefix(path))
	entries, _ := os.ReadDir(filepath.Clean(dir))
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) {
			os.RemoveAll(filepath.Join(dir, e.Name()))
		}
	}
}
