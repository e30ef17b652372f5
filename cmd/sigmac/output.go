package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"sigmac/internal/atomic"
	"sigmac/internal/config"
	"sigmac/internal/lazy"
	"sigmac/internal/plain"
	"sigmac/internal/project"
	"sigmac/internal/style"
)

// tell writes a line for people.
func tell(w io.Writer, format string, args ...any) error { return plain.Line(w, format, args...) }

// longOutput is from how many lines or findings on a summary stands before them too, so that
// it is read first.
const longOutput = 20

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

// styleFor is how text is marked on w: with colours on a terminal, and where CLICOLOR_FORCE is set, as for
// the log of a build server; never where NO_COLOR is.
func styleFor(w io.Writer) style.Style {
	force := os.Getenv("CLICOLOR_FORCE")
	return style.Style{Colour: os.Getenv("NO_COLOR") == "" && (isTerminal(w) || force != "" && force != "0")}
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

// An output is standard output, or a file that is written whole or not at all.
type output struct {
	io.Writer
	file *atomic.File
}

// newOutput is the output to path, or standard output where that is empty or Stdin. inputs are files
// that the command reads: none of them is replaced.
func newOutput(c *cli.Context, path string, inputs []string) (*output, error) {
	if path == "" || path == project.Stdin {
		return &output{Writer: c.App.Writer}, nil
	}
	if why := input(path, inputs); why != "" {
		return nil, usage("%s %s; no output replaces it", path, why)
	}
	f, err := atomic.Create(path)
	if err != nil {
		return nil, usage("%s", err)
	}
	return &output{f, f}, nil
}

// close puts a file in its place.
func (o *output) close() error {
	if o.file == nil {
		return nil
	}
	if err := o.file.Close(); err != nil {
		return usage("%s", err)
	}
	return nil
}

// sigma finds what rules, filters, correlations and pipelines have at their top.
var sigma = lazy.Regexp(`(?m)^["']?(detection|correlation|filter|transformations|postprocessing|finalizers)["']?\s*:`)

// input says why the file at path is one that is read, whether by this command or by others, or is
// empty.
func input(path string, inputs []string) string {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return ""
	}
	if slices.ContainsFunc(inputs, func(p string) bool {
		other, err := os.Stat(p)
		return err == nil && os.SameFile(info, other)
	}) {
		return "is a file that is read"
	}
	if text, err := project.ReadFile(path, nil); filepath.Base(path) == config.Name || err == nil && sigma().Match(text) {
		return "holds a rule, a pipeline or the configuration"
	}
	return ""
}
