package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"sigmac/eval"
	"sigmac/internal/match"
	"sigmac/internal/project"
	"sigmac/parser"
)

func evalCommand() *cli.Command {
	return &cli.Command{
		Name:      "eval",
		Usage:     "say which rules match which events",
		ArgsUsage: "PATH...",
		Description: `Tries rules on events: JSON objects one a line, one after the other or in arrays,
or the event logs of Windows (EVTX); also compressed with gzip or zstd. Those of
Windows lose their System and EventData; their names stay, so that 4688 has
NewProcessName and not Image.

   sigmac eval rules/ --events events.json
   sigmac eval rules/ --events Security.evtx
   sigmac eval rule.yml --events events.ndjson.gz --explain
   zcat events.gz | sigmac eval rules/ --events - --json | jq -r .title

Correlations hit at the times at which their windows, which slide, fulfil their
condition. The events of all files are one stream in the order of time; those that
come late count within --slack. A rule that correlations name matches by itself
only if one of them has generate: true.

Exit status: 0 all rules were tried on all events, matched or not; 1 a rule is
wrong or cannot be evaluated, or an event is broken; the others were tried; 2
wrong usage, or a file that cannot be read.`,
		Flags: []cli.Flag{
			list("events", "the events in `FILE`, or of standard input (-); may stand several times"),
			&cli.BoolFlag{Name: "all-logsources", Usage: "try rules on events of other log sources too"},
			&cli.BoolFlag{Name: "explain", Usage: "show why a rule matches: its tests, and the values that they saw"},
			list("timestamp", "the `FIELD` in which events say when they happened; may stand several times (default: "+strings.Join(eval.TimeFields, ", ")+")"),
			&cli.StringFlag{Name: "slack", Usage: "the `TIME` by which an event may come late for correlations, such as 30s or 5m (default: none)"},
			&cli.IntFlag{Name: "max-event", Value: eval.DefaultMaxEvent >> 20, Usage: "the size of the largest event, in `MiB`"},
			patternFlag,
			contextFlag,
			filterFlag,
			&cli.BoolFlag{Name: "json", Usage: "one JSON object a match, or a hit of a correlation"},
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
	slack, err := slackOf(c.String("slack"))
	if err != nil {
		return err
	}
	p, err := open(c)
	if err != nil {
		return err
	}
	collection, correlations, err := p.LoadCorrelated()
	if err != nil {
		return err
	}
	e := &evaluation{errs: c.App.ErrWriter, told: map[string]int{}, rules: match.New(match.Options{AnySource: c.Bool("all-logsources"), Explain: c.Bool("explain"),
		MaxEvent: c.Int("max-event") << 20, Timestamps: c.StringSlice("timestamp"), Slack: slack})}
	for _, d := range collection.Documents {
		for _, w := range d.Warnings {
			tell(e.errs, "%s: warning: %s", w.Place(), w.Msg)
		}
		for _, err := range e.rules.Add(d) {
			tell(e.errs, "%s", err)
			e.failed = true
		}
	}
	p.NoteSilent(len(slices.DeleteFunc(slices.Clone(collection.Documents), func(d *parser.Document) bool { return !correlations.Silent(d) })), "do not match by themselves")
	for _, err := range e.rules.Correlate(correlations) {
		tell(e.errs, "%s", err)
		e.failed = true
	}
	w := bufio.NewWriterSize(c.App.Writer, 1<<16)
	write, writeHit := matchText(w), hitText(w)
	if c.Bool("json") {
		write, writeHit = matchJSON(w), hitJSON(w)
	}
	for _, path := range files {
		if err := e.file(path, c.App.Reader, write, writeHit); err != nil {
			_ = w.Flush()
			return err
		}
	}
	if err := e.hit(e.rules.End(), writeHit); err != nil {
		return err
	}
	for _, reason := range []struct{ code, words string }{{match.NoTime, "have no time"}, {match.Late, "come too late"}, {match.TooMany, "are in too many groups"}} {
		if more := e.told[reason.code] - maxTold; more > 0 {
			tell(e.errs, "%d more events %s and do not count for correlations", more, reason.words)
		}
	}
	if err := w.Flush(); err != nil {
		return usage("the output cannot be written: %s", err)
	}
	e.unmet()
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

// maxTold is how many events are told that do not count for correlations for one reason.
const maxTold = 5

// An evaluation is rules that are tried on events, and what has come of it.
type evaluation struct {
	errs            io.Writer
	rules           *match.Rules
	failed          bool
	told            map[string]int // events that do not count for correlations, by the code of the reason
	events, matches int
}

// file tries the rules on the events of a file.
func (e *evaluation) file(path string, stdin io.Reader, write func(path string, m match.Match) error, writeHit func(match.Hit) error) error {
	src := stdin
	if path != project.Stdin {
		f, err := os.Open(path)
		if err != nil {
			return usage("%s", project.Fault(err))
		}
		defer f.Close()
		src = f
	}
	empty := true
	defer func() {
		if empty {
			tell(e.errs, "%s: no event in this file", path)
		}
	}()
	for found, err := range e.rules.Stream(src) {
		empty = false
		switch pathErr := (*fs.PathError)(nil); {
		case errors.As(err, &pathErr):
			return usage("%s", project.Fault(err))
		case err != nil:
			return usage("%s: %s", path, err)
		}
		for _, fault := range found.Faults {
			e.failed = true
			fault.Path = path
			if e.told[fault.Code]++; fault.Code == "" || e.told[fault.Code] <= maxTold {
				tell(e.errs, "%s", fault)
			}
		}
		for _, m := range found.Matches {
			if err := write(path, m); err != nil {
				return usage("the output cannot be written: %s", err)
			}
		}
		if err := e.hit(found.Hits, writeHit); err != nil {
			return err
		}
		e.events += found.Events
		e.matches += len(found.Matches)
	}
	return nil
}

// unmet says why no event can have matched: of none is the log source a rule's, or none has
// a field of the rules.
func (e *evaluation) unmet() {
	const most = 6 // names
	some := func(names []string) string {
		if more := len(names) - most; more > 0 {
			return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", more)
		}
		return strings.Join(names, ", ")
	}
	met, asked, had := e.rules.Met()
	switch {
	case e.rules.Len() == 0:
	case met == match.NoSource:
		tell(e.errs, "no rule is about the log source of any event; --all-logsources tries them all")
	case met == match.NoField:
		tell(e.errs, "no event has a field that the rules ask for: %s; the first has %s", some(asked), some(had))
	}
}

// hit writes the hits of correlations.
func (e *evaluation) hit(hits []match.Hit, write func(match.Hit) error) error {
	for _, h := range hits {
		if err := write(h); err != nil {
			return usage("the output cannot be written: %s", err)
		}
	}
	e.matches += len(hits)
	return nil
}

// slackOf reads a length of time: a number and a unit, as Go and Sigma have them.
func slackOf(s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(s)
	if n, days := strings.CutSuffix(s, "d"); days {
		var count int64
		count, err = strconv.ParseInt(n, 10, 16)
		d = time.Duration(count) * 24 * time.Hour
	}
	if most := 366 * 24 * time.Hour; err != nil || d < 0 || d > most {
		return 0, usage("--slack is a length of time such as 30s, 5m, 2h or 1d, and not %q", s)
	}
	return d, nil
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

// hitText writes a line a hit of a correlation.
func hitText(w io.Writer) func(match.Hit) error {
	return func(h match.Hit) error {
		of := ""
		for i, g := range h.Doc.Correlation.GroupBy {
			of += fmt.Sprintf(" %s=%q", oneLine(g.Text), h.Group[i])
		}
		value := ""
		if strings.HasPrefix(h.Doc.Correlation.Type.Text, "value_") {
			value = ", " + strings.TrimPrefix(h.Doc.Correlation.Type.Text, "value_") + " " + string(h.Value)
		}
		return tell(w, "%s: %s (%s)%s: %d events since %s%s", instant(h.Time), oneLine(h.Doc.Title), h.Doc.Path, of, h.Events, instant(h.Start), value)
	}
}

// instant is a time as RFC 3339 has it, in UTC.
func instant(ns int64) string { return time.Unix(0, ns).UTC().Format(time.RFC3339Nano) }

func hitJSON(w io.Writer) func(match.Hit) error {
	type object struct {
		Correlation string            `json:"correlation"`
		Title       string            `json:"title"`
		Type        string            `json:"type"`
		Group       map[string]string `json:"group"`
		Start       string            `json:"start"`
		End         string            `json:"end"`
		Events      int               `json:"events"`
		Value       json.Number       `json:"value"`
		Rules       []string          `json:"rules"`
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return func(h match.Hit) error {
		c := h.Doc.Correlation
		o := object{Correlation: cmp.Or(h.Doc.Name, h.Doc.ID, h.Doc.Title), Title: h.Doc.Title, Type: c.Type.Text, Group: map[string]string{},
			Start: instant(h.Start), End: instant(h.Time), Events: h.Events, Value: json.Number(h.Value)}
		for i, g := range c.GroupBy {
			o.Group[g.Text] = h.Group[i]
		}
		for _, r := range h.Rules {
			o.Rules = append(o.Rules, c.Rules[r].Text)
		}
		return enc.Encode(o)
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
