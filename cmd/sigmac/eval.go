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
	"strings"
	"sync"

	"github.com/urfave/cli/v2"

	"sigmac/eval"
	"sigmac/internal/ordered"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/project"
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
			&cli.GenericFlag{Name: "events", Value: &pathList{}, Usage: "the events in `FILE`, or of standard input (-); may stand several times"},
			&cli.BoolFlag{Name: "all-logsources", Usage: "try rules on events of other log sources too"},
			&cli.BoolFlag{Name: "explain", Usage: "show why a rule matches: its tests, and the values that they saw"},
			&cli.IntFlag{Name: "max-event", Value: eval.DefaultMaxEvent >> 20, Usage: "the size of the largest event, in `MiB`"},
			patternFlag,
			contextFlag,
			&cli.BoolFlag{Name: "json", Usage: "one JSON object a match"},
		},
		Action: evalRules,
	}
}

// A pathList is a flag that may stand several times. Unlike a StringSlice it
// leaves commas alone.
type pathList []string

func (l *pathList) Set(path string) error {
	if path != sameList {
		*l = append(*l, path)
	}
	return nil
}

// sameList is what the cli package sets the other names of the flag to, which
// share the list.
const sameList = "\x00"

// Serialize keeps the paths from being added again under the flag's other names.
func (l *pathList) Serialize() string { return sameList }

func (l *pathList) String() string { return strings.Join(*l, " ") }

func evalRules(c *cli.Context) error {
	files := *c.Generic("events").(*pathList)
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
	e := &evaluation{errs: c.App.ErrWriter, set: eval.NewSet(), anySource: c.Bool("all-logsources"), explain: c.Bool("explain"), max: c.Int("max-event") << 20}
	e.prepare(collection)
	w := bufio.NewWriterSize(c.App.Writer, 1<<16)
	write := e.textWriter(w)
	if c.Bool("json") {
		write = e.jsonWriter(w)
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
		tell(c.App.ErrWriter, "%d rules, %d events, %d matches", len(e.rules), e.events, e.matches)
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

// An evaluation is rules to be tried on events, and what has come of it.
type evaluation struct {
	errs      io.Writer
	set       *eval.Set
	rules     []evalRule
	anySource bool
	explain   bool
	max       int

	failed          bool
	events, matches int
}

type evalRule struct {
	*parser.Document
	*eval.Prepared
}

func (e *evaluation) say(path string, pos ir.Pos, format string, args ...any) {
	tell(e.errs, "%s:%d:%d: %s", path, pos.Line, pos.Column, fmt.Sprintf(format, args...))
}

// prepare takes the rules that can be evaluated and reports the others.
func (e *evaluation) prepare(c *parser.Collection) {
	for _, d := range c.Documents {
		for _, w := range d.Warnings {
			e.say(w.Path, w.Pos, "warning: %s", w.Msg)
		}
		for _, err := range d.Errors {
			tell(e.errs, "%s", err)
		}
		switch pos, what := unevaluable(d); {
		case len(d.Errors) > 0:
			e.failed = true
		case what != "":
			e.failed = true
			e.say(d.Path, pos, "cannot be evaluated: %s", what)
		default:
			e.rules = append(e.rules, evalRule{d, e.set.Prepare(d.Rule)})
		}
	}
}

// unevaluable says what of a document cannot be evaluated, and where.
func unevaluable(d *parser.Document) (ir.Pos, string) {
	if d.Rule == nil {
		return d.Pos, "the " + d.Kind.String() + " is no rule of single events"
	}
	return eval.UnevaluableRule(d.Rule)
}

// A candidate is an event as it was read, or what is wrong with it.
type candidate struct {
	eval.Record
	index int
	err   *eval.RecordError
}

// A match is a rule and an event.
type match struct {
	evalRule
	line, index int
	why         *eval.Explanation
}

// found is what has come of some events in a row.
type found struct {
	matches []match
	faults  []*eval.RecordError
	events  int
}

// file tries the rules on the events of a file.
func (e *evaluation) file(path string, stdin io.Reader, write func(path string, m match) error) error {
	src := stdin
	if path != project.Stdin {
		f, err := os.Open(path)
		if err != nil {
			return usage("%s", project.Fault(err))
		}
		defer f.Close()
		src = f
	}
	var broken error // the stream itself
	batches := func(yield func([]candidate) bool) {
		const most, size = 64, 1 << 18
		r := eval.NewReader(src, e.max)
		var batch []candidate
		n, index := 0, 0
		for {
			rec, err := r.Next()
			fault := (*eval.RecordError)(nil)
			if err != nil && !errors.As(err, &fault) {
				if err != io.EOF {
					broken = err
				}
				break
			}
			if err == nil {
				index++
			}
			batch = append(batch, candidate{rec, index, fault})
			if n += len(rec.Text); len(batch) >= most || n >= size {
				if !yield(batch) {
					return
				}
				batch, n = nil, 0
			}
		}
		if len(batch) > 0 {
			yield(batch)
		}
	}
	workers := &pool{e: e}
	for f := range ordered.Seq(batches, workers.try) {
		for _, fault := range f.faults {
			e.failed = true
			e.say(path, fault.Pos, "%s", fault.Msg)
		}
		for _, m := range f.matches {
			if err := write(path, m); err != nil {
				return usage("the output cannot be written: %s", err)
			}
		}
		e.events += f.events
		e.matches += len(f.matches)
	}
	switch e := (*fs.PathError)(nil); {
	case errors.As(broken, &e):
		return usage("%s", project.Fault(broken))
	case broken != nil:
		return usage("%s: %s", path, broken)
	}
	return nil
}

// textWriter writes a line a match and, with --explain, the reasons under it.
func (e *evaluation) textWriter(w io.Writer) func(string, match) error {
	return func(path string, m match) error {
		err := tell(w, "%s:%d: %s (%s)", path, m.line, oneLine(m.Title), m.Path)
		if m.why != nil && err == nil {
			_, err = io.WriteString(w, m.why.Text("  "))
		}
		return err
	}
}

func (e *evaluation) jsonWriter(w io.Writer) func(string, match) error {
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
	return func(path string, m match) error {
		return enc.Encode(object{m.Path, m.ID, m.Title, path, m.index, m.line, true, m.why})
	}
}

// A pool has what each of several goroutines needs to try rules.
type pool struct {
	e    *evaluation
	free sync.Pool // of *trier
}

// A trier tries the rules on one event after the other.
type trier struct {
	view *eval.View
	fits map[eval.Source][]int // the rules that may be about events of a source
}

func (p *pool) try(batch []candidate) (out found) {
	t, ok := p.free.Get().(*trier)
	if !ok {
		t = &trier{p.e.set.View(eval.Event{}), map[eval.Source][]int{}}
	}
	defer p.free.Put(t)
	for _, c := range batch {
		if c.err != nil {
			out.faults = append(out.faults, c.err)
			continue
		}
		ev, err := c.Parse()
		if err != nil {
			fault := (*eval.RecordError)(nil)
			errors.As(err, &fault)
			out.faults = append(out.faults, fault)
			continue
		}
		out.events++
		ev = eval.Flatten(ev)
		t.view.Show(ev)
		for _, i := range t.rules(p.e, ev) {
			r := p.e.rules[i]
			if !r.MatchView(t.view) {
				continue
			}
			m := match{evalRule: r, line: c.Pos.Line, index: c.index}
			if p.e.explain {
				why := eval.Explain(r.Rule, ev)
				m.why = &why
			}
			out.matches = append(out.matches, m)
		}
	}
	t.view.Show(eval.Event{}) // lets the last event go
	return out
}

// rules are those to try on the event, by their indexes.
func (t *trier) rules(e *evaluation, ev eval.Event) []int {
	source := eval.Source{}
	if !e.anySource {
		source = eval.SourceOf(ev)
	}
	rules, ok := t.fits[source]
	if !ok {
		const many = 2000 // a stranger's events may name sources without end
		if len(t.fits) >= many {
			clear(t.fits)
		}
		rules = []int{}
		for i, r := range e.rules {
			if source.Fits(r.Rule.Source) {
				rules = append(rules, i)
			}
		}
		t.fits[source] = rules
	}
	return rules
}
