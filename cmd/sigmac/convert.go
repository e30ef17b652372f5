package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"sigmac"
	"sigmac/backends"
	"sigmac/internal/ordered"
	"sigmac/internal/suggest"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/verify"
)

func convertCommand() *cli.Command {
	return &cli.Command{
		Name:      "convert",
		Usage:     "convert rules into queries",
		ArgsUsage: "PATH...",
		Description: `Converts the rules of files and directories, or of standard input (-).

A query means exactly what its rule means, or there is none: what a target
cannot express is an error with its place.

   sigmac convert -t splunk rule.yml
   sigmac convert -t splunk -t kusto -t elastic --pretty rules/
   sigmac convert -t kusto --json -s rules/ | jq -r '.queries[]?'

Exit status: 0 all rules were converted, or with -s skipped because a target
cannot express them; 1 a rule is wrong or could not be converted; 2 wrong usage,
or a file that cannot be read or written.`,
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "target", Aliases: []string{"t"}, Usage: "the query language, see sigmac list targets; may stand several times"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write to `FILE`, whole or not at all"},
			&cli.BoolFlag{Name: "skip-unsupported", Aliases: []string{"s"}, Usage: "a rule that a target cannot express is no failure"},
			&cli.BoolFlag{Name: "fail-unsupported", Usage: "a rule that a target cannot express is a failure (default)"},
			patternFlag,
			&cli.StringFlag{Name: "format", Aliases: []string{"f"}, Value: "default", Usage: "the output `FORMAT`, see sigmac list formats"},
			&cli.StringSliceFlag{Name: "backend-option", Aliases: []string{"O"}, Usage: "`KEY=VALUE` for the target"},
			&cli.BoolFlag{Name: "without-pipeline", Usage: "convert field names as they stand in the rule"},
			&cli.BoolFlag{Name: "verify", Usage: "refuse to write a query that is not proved or agreed to mean its rule"},
			&cli.BoolFlag{Name: "pretty", Usage: "break long queries over lines"},
			&cli.BoolFlag{Name: "json", Usage: "one JSON object a rule and target"},
		},
		Action: convert,
	}
}

func convert(c *cli.Context) error {
	targets, err := targetsOf(c)
	if err != nil {
		return err
	}
	if c.Bool("skip-unsupported") && c.Bool("fail-unsupported") {
		return usage("--skip-unsupported and --fail-unsupported exclude each other")
	}
	if f := c.String("format"); f != "default" {
		return usage("unknown format %q%s", f, suggest.For(f, formatNames()))
	}
	if len(c.StringSlice("backend-option")) > 0 {
		return usage("unknown backend option %q: no target has options", c.StringSlice("backend-option")[0])
	}
	collection, err := load(c)
	if err != nil {
		return err
	}
	out, err := newOutput(c, c.String("output"))
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(out, 1<<16)
	r := &reporter{errs: c.App.ErrWriter, skip: c.Bool("skip-unsupported"), progress: newProgress(c, len(collection.Documents)*len(targets))}
	var write func(sigmac.Result) error
	switch {
	case c.Bool("json"):
		write = jsonWriter(w)
	default:
		write = textWriter(w, len(targets) > 1, c.Bool("pretty"))
	}
	results := sigmac.Compile(collection, sigmac.Options{Targets: targets})
	if c.Bool("verify") {
		results = verified(results, targets)
	}
	n := 0
	for res := range results {
		r.report(res)
		if err := write(res); err != nil {
			return usage("the output cannot be written: %s", err)
		}
		n++
		r.progress.at(n)
	}
	r.progress.clear()
	if err := w.Flush(); err != nil {
		return usage("the output cannot be written: %s", err)
	}
	if r.failed == 0 {
		if err := out.close(); err != nil {
			return err
		}
	}
	return r.end(n, c.String("output"))
}

// verified turns results whose queries are refuted into errors.
func verified(results iter.Seq[sigmac.Result], targets []backends.Backend) iter.Seq[sigmac.Result] {
	return func(yield func(sigmac.Result) bool) {
		for _, res := range ordered.Map(slices.Collect(results), func(res sigmac.Result) sigmac.Result {
			for _, ch := range checkAll(res, targets, "", verify.DefaultBudget) {
				switch {
				case ch.verdict == "error" && ch.query != "":
					res.Errors = append(res.Errors, notProved(ch, "the query cannot be read back: "+ch.err.Error()))
				case ch.verdict == "refuted":
					res.Errors = append(res.Errors, notProved(ch, refutation(ch.evidence)))
				}
			}
			if len(res.Errors) > 0 {
				res.Queries = nil
			}
			return res
		}) {
			if !yield(res) {
				return
			}
		}
	}
}

func notProved(ch check, msg string) *parser.Error {
	return &parser.Error{Path: ch.Document.Path, Pos: ch.Want.Conditions[ch.condition-1].Pos, Msg: ch.Target + ": " + msg}
}

func targetsOf(c *cli.Context) ([]backends.Backend, error) {
	var names []string
	known := map[string]sigmac.Target{}
	for _, t := range sigmac.Targets() {
		names = append(names, t.Name)
		known[t.Name] = t
	}
	var out []backends.Backend
	seen := map[string]bool{}
	for _, name := range c.StringSlice("target") {
		t, ok := known[name]
		if !ok {
			return nil, usage("unknown target %q%s", name, suggest.For(name, names))
		}
		if !seen[name] {
			out = append(out, t.New(c.Bool("pretty")))
		}
		seen[name] = true
	}
	if len(out) == 0 {
		return nil, usage("%s needs a target: -t %s", c.Command.Name, strings.Join(names, ", -t "))
	}
	return out, nil
}

// A reporter tells people about errors, each once.
type reporter struct {
	errs            io.Writer
	skip            bool
	progress        *progress
	last            *parser.Document
	failed, skipped int
}

func (r *reporter) report(res sigmac.Result) {
	d := res.Document
	first := d != r.last
	r.last = d
	say := func(format string, args ...any) {
		r.progress.clear()
		fmt.Fprintf(r.errs, format+"\n", args...)
	}
	if first {
		for _, w := range d.Warnings {
			say("%s:%d:%d: warning: %s", w.Path, w.Pos.Line, w.Pos.Column, w.Msg)
		}
	}
	unsupported := true
	for _, err := range res.Errors {
		switch e := err.(type) {
		case *parser.Error:
			unsupported = unsupported && e.Feature != ""
			// A fault of the rule is told once, of a query for each target.
			if first || len(d.Errors) == 0 {
				say("%s", e)
			}
		case *backends.Unsupported:
			say("%s:%d:%d: %s", d.Path, e.Pos.Line, e.Pos.Column, e)
		}
	}
	switch {
	case len(res.Errors) == 0:
	case r.skip && unsupported:
		r.skipped++
	default:
		r.failed++
	}
}

func (r *reporter) end(n int, path string) error {
	if r.failed+r.skipped > 0 {
		fmt.Fprintf(r.errs, "%d of %d conversions done, %d skipped, %d failed\n", n-r.failed-r.skipped, n, r.skipped, r.failed)
	}
	if r.failed == 0 {
		return nil
	}
	msg := ""
	if path != "" && path != stdinPath {
		msg = "nothing was written to " + path
	}
	return &failure{exitRules, msg}
}

// textWriter writes the queries alone or, with headings, those of several
// targets a rule.
func textWriter(w io.Writer, headings, pretty bool) func(sigmac.Result) error {
	var last *parser.Document
	started := false
	return func(res sigmac.Result) error {
		if len(res.Queries) == 0 {
			return nil
		}
		var b strings.Builder
		if headings && res.Document != last {
			if started {
				b.WriteString("\n")
			}
			fmt.Fprintf(&b, "# %s: %s\n", res.Document.Path, oneLine(res.Document.Title))
			last = res.Document
		}
		for _, q := range res.Queries {
			if headings {
				fmt.Fprintf(&b, "\n[%s]\n", res.Target)
			} else if pretty && started {
				b.WriteString("\n")
			}
			b.WriteString(q + "\n")
			started = true
		}
		_, err := io.WriteString(w, b.String())
		return err
	}
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// jsonWriter writes one object a result.
func jsonWriter(w io.Writer) func(sigmac.Result) error {
	type fault struct {
		Line    int    `json:"line"`
		Column  int    `json:"column"`
		Message string `json:"message"`
		Feature string `json:"feature"`
	}
	type object struct {
		Path    string             `json:"path"`
		Rule    string             `json:"rule"`
		Title   string             `json:"title"`
		Target  string             `json:"target"`
		Queries []string           `json:"queries,omitempty"`
		Types   *map[string]string `json:"types,omitempty"`
		Error   *fault             `json:"error,omitempty"`
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return func(res sigmac.Result) error {
		d := res.Document
		o := object{Path: d.Path, Rule: d.ID, Title: d.Title, Target: res.Target, Queries: res.Queries}
		if len(res.Errors) > 0 {
			o.Queries = nil
			o.Error = &fault{Message: res.Errors[0].Error()}
			var pos ir.Pos
			if e := (*parser.Error)(nil); errors.As(res.Errors[0], &e) {
				pos, o.Error.Message, o.Error.Feature = e.Pos, e.Msg, e.Feature
			}
			if e := (*backends.Unsupported)(nil); errors.As(res.Errors[0], &e) {
				pos, o.Error.Feature = e.Pos, e.Feature
			}
			o.Error.Line, o.Error.Column = pos.Line, pos.Column
			return enc.Encode(o)
		}
		types := map[string]string{}
		for f, t := range res.Types {
			types[f] = t.String()
		}
		o.Types = &types
		return enc.Encode(o)
	}
}
