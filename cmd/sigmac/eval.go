package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/urfave/cli/v2"

	"sigmac/eval"
	"sigmac/internal/match"
	"sigmac/internal/project"
)

func evalCommand() *cli.Command {
	return &cli.Command{
		Name:      "eval",
		Usage:     "say which rules match which events",
		ArgsUsage: "PATH...",
		Description: `Tries rules on events: JSON objects one a line, one after the other or in arrays,
also compressed with gzip. Windows events get the field names of Sigma's rules.

   sigmac eval rules/ --events events.json
   sigmac eval rule.yml --events events.ndjson.gz --explain
   zcat events.gz | sigmac eval rules/ --events - --json | jq -r .title

Exit status: 0 all rules were tried on all events, matched or not; 1 a rule is
wrong or cannot be evaluated, or an event is broken; the others were tried; 2
wrong usage, or a file that cannot be read.`,
		Flags: []cli.Flag{
			list("events", "the events in `FILE`, or of standard input (-); may stand several times"),
			&cli.BoolFlag{Name: "all-logsources", Usage: "try rules on events of other log sources too"},
			&cli.BoolFlag{Name: "explain", Usage: "show why a rule matches: its tests, and the values that they saw"},
			&cli.IntFlag{Name: "max-event", Value: eval.DefaultMaxEvent >> 20, Usage: "the size of the largest event, in `MiB`"},
			patternFlag,
			contextFlag,
			filterFlag,
			&cli.BoolFlag{Name: "json", Usage: "one JSON object a match"},
		},
		Action: evalRules,
	}
}

func evalRules(c *cli.Context) error {
	files := c.StringSlice("events")
	if len(files) == 0 {
		return usage("eval needs events: --events FILE, or --events - for standard input")
	}
	if n := len(slices.DeleteFunc(append(c.Args().Slice(), files...), func(p string) bool { return p != project.Stdin })); n > 1 {
		return usage("standard input (-) can be read once only")
	}
	if err := checkMaxEvent(c); err != nil {
		return err
	}
	var faults []error
	for _, path := range files {
		if err := readable(path); err != nil {
			faults = append(faults, err)
		}
	}
	if len(faults) > 0 {
		return usage("%s", errors.Join(faults...))
	}
	collection, err := load(c)
	if err != nil {
		return err
	}
	e := &evaluation{errs: c.App.ErrWriter, rules: match.New(match.Options{AnySource: c.Bool("all-logsources"), Explain: c.Bool("explain"), MaxEvent: c.Int("max-event") << 20})}
	for _, d := range collection.Documents {
		for _, w := range d.Warnings {
			tell(e.errs, "%s: warning: %s", w.Place(), w.Msg)
		}
		for _, err := range e.rules.Add(d) {
			tell(e.errs, "%s", err)
			e.failed = true
		}
	}
	w := bufio.NewWriterSize(c.App.Writer, 1<<16)
	write := matchText(w)
	if c.Bool("json") {
		write = matchJSON(w)
	}
	for _, path := range files {
		if err := e.file(path, c.App.Reader, write); err != nil {
			_ = w.Flush()
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return usage("the output cannot be written: %s", err)
	}
	if isTerminal(c.App.ErrWriter) {
		tell(c.App.ErrWriter, "%d rules, %d events, %d matches", e.rules.Len(), e.events, e.matches)
	}
	if e.failed {
		return &failure{status: exitRules}
	}
	return nil
}

func checkMaxEvent(c *cli.Context) error {
	const largest = 1024
	if n := c.Int("max-event"); n < 1 || n > largest {
		return usage("--max-event must be from 1 to %d", largest)
	}
	return nil
}

func readable(path string) error {
	if path == project.Stdin {
		return nil
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return project.Fault(err)
	case info.IsDir():
		return fmt.Errorf("%s: is a directory; --events takes files", path)
	}
	return nil
}

// An evaluation is rules that are tried on events, and what has come of it.
type evaluation struct {
	errs            io.Writer
	rules           *match.Rules
	failed          bool
	events, matches int
}

// file tries the rules on the events of a file.
func (e *evaluation) file(path string, stdin io.Reader, write func(path string, m match.Match) error) error {
	src := stdin
	if path != project.Stdin {
		f, err := os.Open(path)
		if err != nil {
			return usage("%s", project.Fault(err))
		}
		defer f.Close()
		src = f
	}
	for found, err := range e.rules.Stream(src) {
		switch pathErr := (*fs.PathError)(nil); {
		case errors.As(err, &pathErr):
			return usage("%s", project.Fault(err))
		case err != nil:
			return usage("%s: %s", path, err)
		}
		for _, fault := range found.Faults {
			e.failed = true
			fault.Path = path
			tell(e.errs, "%s", fault)
		}
		for _, m := range found.Matches {
			if err := write(path, m); err != nil {
				return usage("the output cannot be written: %s", err)
			}
		}
		e.events += found.Events
		e.matches += len(found.Matches)
	}
	return nil
}

// matchText writes a line a match and, with --explain, the reasons under it.
func matchText(w io.Writer) func(string, match.Match) error {
	return func(path string, m match.Match) error {
		err := tell(w, "%s:%d: %s (%s)", path, m.Line, oneLine(m.Doc.Title), m.Doc.Path)
		if m.Why != nil && err == nil {
			_, err = io.WriteString(w, m.Why.Text("  "))
		}
		return err
	}
}

func matchJSON(w io.Writer) func(string, match.Match) error {
	type object struct {
		Path    string            `json:"path"`
		Rule    string            `json:"rule"`
		Title   string            `json:"title"`
		Events  string            `json:"events"`
		Index   int               `json:"index"`
		Line    int               `json:"line"`
		Matched bool              `json:"matched"`
		Explain *eval.Explanation `json:"explain,omitempty"`
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return func(path string, m match.Match) error {
		return enc.Encode(object{m.Doc.Path, m.Doc.ID, m.Doc.Title, path, m.Index, m.Line, true, m.Why})
	}
}
