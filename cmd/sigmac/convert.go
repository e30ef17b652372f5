package main

import (
	"bufio"
	"cmp"
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
	"sigmac/internal/cache"
	"sigmac/internal/charset"
	"sigmac/internal/link"
	"sigmac/internal/ordered"
	"sigmac/internal/project"
	"sigmac/internal/report"
	"sigmac/internal/suggest"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/pipeline"
	"sigmac/verify"
)

func convertCommand() *cli.Command {
	return &cli.Command{
		Name:      "convert",
		Usage:     "convert rules into queries",
		ArgsUsage: "PATH...",
		Description: `Converts the rules of files and directories, or of standard input (-). Without a
PATH or a target, those of sigmac.yaml are taken.

A query means exactly what its rule means, or there is none: what a target
cannot express is an error with its place.

   sigmac convert -t splunk rule.yml
   sigmac convert -t splunk -t kusto -t elastic --pretty rules/
   sigmac convert -t kusto --json -s rules/ | jq -r '.queries[]?'
   sigmac convert -t splunk -s --output-dir queries/ rules/
   sigmac convert -t splunk -s --check queries/ rules/

Exit status: 0 all rules were converted, or with -s skipped because a target
cannot express them; 1 a rule is wrong or could not be converted, or with --check
a file is not as it should be; 2 wrong usage, or a file that cannot be read or
written.`,
		Flags: slices.Concat(targetFlags(), mappingFlags(), listFlags(), []cli.Flag{
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write to `FILE`, whole or not at all"},
			&cli.BoolFlag{Name: "skip-unsupported", Aliases: []string{"s"}, Usage: "a rule that a target cannot express is no failure"},
			&cli.BoolFlag{Name: "fail-unsupported", Usage: "a rule that a target cannot express is a failure (default)"},
			patternFlag,
			contextFlag,
			filterFlag,
			&cli.BoolFlag{Name: "verbose", Usage: "tell each rule that has no query, also where they are many"},
			&cli.BoolFlag{Name: "explain-loss", Usage: "tell what a mapping or a target takes from the meaning of a rule, or gives it"},
			&cli.BoolFlag{Name: "explain-cost", Usage: "tell of each condition of a query how a server answers it, by the vendor's documents, and which are there for an index"},
			&cli.BoolFlag{Name: "verify", Usage: "refuse to write a query that is not proved to mean its rule, save what sigmac.yaml allows"},
			cacheFlag,
			&cli.BoolFlag{Name: "no-index-help", Usage: "leave out what the rest of a query implies and only lets an index find less"},
			methodFlag,
			&cli.BoolFlag{Name: "pretty", Usage: "break long queries over lines"},
			&cli.BoolFlag{Name: "json", Usage: "one JSON object a rule and target"},
			&cli.IntFlag{Name: "json-indent", Aliases: []string{"j"}, DefaultText: "none", Usage: "break each object of --json over lines, indented by `N` blanks"},
			&cli.StringFlag{Name: "encoding", Aliases: []string{"e"}, Value: "utf-8", Usage: "the `ENCODING` of the output; rules are UTF-8"},
		}, packageFlags(), directoryOutputFlags()),
		Action: convert,
	}
}

func convert(c *cli.Context) error {
	p, wanted, err := requested(c)
	if err != nil {
		return err
	}
	if c.Bool("skip-unsupported") && c.Bool("fail-unsupported") {
		return usage("--skip-unsupported and --fail-unsupported exclude each other")
	}
	if c.IsSet("cache") && !c.Bool("verify") {
		return usage("--cache keeps proofs: it goes with --verify")
	}
	kept, err := openCache(c)
	if err != nil {
		return err
	}
	packer, err := newPacker(c, p, wanted)
	if err != nil {
		return err
	}
	maps, err := p.Mappings(wanted)
	if err != nil {
		return err
	}
	finalize, err := finalizing(maps)
	if err != nil {
		return err
	}
	if packer != nil && (finalize != nil || c.Bool("json") || c.Bool("sidecar")) {
		return usage("%s does not go with --json, --sidecar or the finalizers of a pipeline", packer.Format.Name)
	}
	dir, err := newDirectoryOutput(c, p, packer, finalize != nil)
	if err != nil {
		return err
	}
	files, err := p.Files()
	if err != nil {
		return err
	}
	if c.IsSet("json-indent") && (!c.Bool("json") || c.Int("json-indent") < 0) {
		return usage("--json-indent goes with --json, and is 0 or more")
	}
	if (dir != nil || packer != nil) && c.IsSet("encoding") {
		return usage("--encoding is for queries on standard output or in one file: files in a directory and of detections are UTF-8")
	}
	out, err := newOutput(c, c.String("output"), slices.Concat(files, c.StringSlice("pipeline"), c.StringSlice("schema")))
	if err != nil {
		return err
	}
	coded, err := charset.Writer(out, c.String("encoding"))
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(coded, 1<<16)
	r := &reporter{errs: c.App.ErrWriter, skip: c.Bool("skip-unsupported"), verbose: c.Bool("verbose"), losses: c.Bool("explain-loss"),
		progress: newProgress(c, len(files))}
	write := func(sigmac.Result) error { return nil }
	end := func() error { return nil }
	note := func(sigmac.Result, []sigmac.Proof) {}
	beside := &tables{path: c.String("output")}
	var pack *packing
	if packer != nil {
		pack = &packing{Packer: packer, c: c, r: r, left: map[string]int{}, notes: map[string]int{}}
	}
	switch {
	case pack != nil && dir != nil:
		end = func() error {
			if r.wrong() {
				return nil
			}
			files, err := pack.files(cmp.Or(c.String("output-dir"), c.String("check")))
			if err != nil {
				return err
			}
			return dir.end(files)
		}
	case pack != nil:
		end = func() error {
			if r.wrong() {
				return nil
			}
			return pack.one(w, c.String("output"))
		}
	case dir != nil:
		note = dir.note
		write = func(res sigmac.Result) error {
			dir.Add(res, dir.checked)
			return nil
		}
		end = func() error {
			if r.wrong() {
				return nil
			}
			files, err := dir.All()
			if err != nil {
				return &failure{exitRules, err.Error()}
			}
			return dir.end(files)
		}
	case c.Bool("json"):
		write = jsonWriter(w, c.Int("json-indent"))
	case finalize != nil:
		var all []string
		write = func(res sigmac.Result) error {
			all = append(all, res.Queries...)
			return nil
		}
		end = func() error {
			text, err := finalize(all)
			if err == nil {
				_, err = io.WriteString(w, strings.TrimSuffix(text, "\n")+"\n")
			}
			return err
		}
	default:
		write = textWriter(w, len(maps) > 1, c.Bool("pretty"))
	}
	read := func(i int) ([]byte, error) {
		src, err := p.Read(files[i])
		if dir != nil && err == nil {
			dir.Source(files[i], src)
		}
		return src, err
	}
	method, err := correlationMethod(c.String("correlation-method"), wanted)
	if err != nil {
		return err
	}
	source := func(i int) ([]byte, error) { return p.Read(files[i]) }
	filters, err := p.FiltersOf(files, source)
	if err != nil {
		return err
	}
	correlations, err := p.CorrelationsOf(files, source, filters)
	if err != nil {
		return err
	}
	linker := &link.Linker{}
	var joined []*parser.Document // filters among the files, and what is there for correlations alone
	silent := 0                   // documents that are there for correlations alone
	var unread []error
	var results iter.Seq[sigmac.Result] = func(yield func(sigmac.Result) bool) {
		for i, f := range sigmac.CompileFiles(files, read, sigmac.Options{Mappings: maps, Filters: filters, Correlations: correlations, Method: method, Own: true,
			Pretty: c.Bool("pretty"), NoIndexHelp: c.Bool("no-index-help"), Costs: c.Bool("explain-cost")}) {
			if f.Err != nil {
				unread = append(unread, f.Err)
			}
			p.Holds(files[i], f.Err != nil || len(f.Documents) > 0)
			for _, d := range f.Documents {
				p.Joined(d)
				linker.Add(d)
				switch {
				case correlations.Silent(d):
					silent++
					joined = append(joined, d)
				case d.Filter != nil:
					joined = append(joined, d)
				}
			}
			for _, res := range f.Results {
				if len(unread) == 0 && !yield(res) {
					return
				}
			}
		}
	}
	if c.Bool("verify") {
		pass, err := p.Gate("")
		if err != nil {
			return err
		}
		results = verified(results, kept, pass, note)
	}
	if pack != nil {
		results = pack.pack(results)
	}
	n, done, last := 0, 0, ""
	for res := range results {
		r.report(res)
		if dir == nil && (pack == nil || !pack.Format.Folder) && !c.Bool("json") {
			if err := beside.add(res); err != nil {
				return err
			}
		}
		if err := write(res); err != nil {
			return usage("the output cannot be written: %s", err)
		}
		n++
		if res.Document.Path != last {
			last = res.Document.Path
			done++
			r.progress.at(done)
		}
	}
	r.progress.clear()
	if len(unread) > 0 {
		return usage("%s", errors.Join(unread...))
	}
	if err := closeCache(kept); err != nil {
		return err
	}
	for _, d := range joined {
		r.warn(d)
	}
	if pack != nil {
		pack.tell()
	}
	p.NoteSilent(silent, "have no query of their own")
	p.TellUnused()
	names, err := p.Findings(linker, files)
	if err != nil {
		return err
	}
	r.names(names)
	if err := end(); err != nil {
		if f := (*failure)(nil); errors.As(err, &f) {
			return f
		}
		return &failure{exitRules, err.Error()}
	}
	if err := errors.Join(w.Flush(), coded.Close()); err != nil {
		return usage("the output cannot be written: %s", err)
	}
	if !r.wrong() {
		if err := beside.write(); err != nil {
			return err
		}
		if err := out.close(); err != nil {
			return err
		}
	}
	return r.end(n, cmp.Or(c.String("output"), c.String("output-dir")))
}

var methodFlag = &cli.StringFlag{Name: "correlation-method", Aliases: []string{"c"},
	Usage: "the windows of correlations, by `METHOD`, see sigmac list correlation-methods: sliding, or tumbling, which misses what lies on both sides of a border (default: sliding)"}

// correlationMethod reads that of the windows of correlations, by a name that the formats asked for
// know. A form without sigmac's own refuses it by the correlation, with the reason.
func correlationMethod(s string, wanted []project.Request) (string, error) {
	if s == "" || s == backends.Sliding || s == backends.Tumbling {
		return cmp.Or(s, backends.Sliding), nil
	}
	var of, known, names []string
	for _, r := range wanted {
		of = append(of, r.Name)
		for _, m := range r.Format.Methods {
			if slices.Contains(m.Aliases, s) {
				return m.Name, nil
			}
			name := m.Name
			if len(m.Aliases) > 0 {
				name += " (also " + strings.Join(m.Aliases, ", ") + ")"
			}
			if names = append(append(names, m.Name), m.Aliases...); !slices.Contains(known, name) {
				known = append(known, name)
			}
		}
	}
	if hint := suggest.For(s, names); hint != "" || known == nil {
		return "", usage("unknown correlation method %q of %s%s", s, strings.Join(of, ", "), hint)
	}
	return "", usage("unknown correlation method %q of %s; methods are %s", s, strings.Join(of, ", "), strings.Join(known, ", "))
}

// finalizing is what the finalizers of a target's pipelines make of all its
// queries, or nil.
func finalizing(maps []sigmac.Mapping) (func([]string) (string, error), error) {
	for _, m := range maps {
		if m.Pipeline.Finalizes() {
			if len(maps) > 1 {
				return nil, usage("the pipeline makes one text of all queries: ask for one target")
			}
			return func(all []string) (string, error) { return m.Pipeline.Finalize(all, m.Options) }, nil
		}
	}
	return nil, nil
}

// verified turns results with a query whose verdict does not pass into errors.
// note is given the checks of each.
func verified(results iter.Seq[sigmac.Result], kept *cache.Cache, pass *project.Gate, note func(sigmac.Result, []sigmac.Proof)) iter.Seq[sigmac.Result] {
	type judged struct {
		sigmac.Result
		checks []sigmac.Proof
	}
	return func(yield func(sigmac.Result) bool) {
		for j := range ordered.Seq(results, func(res sigmac.Result) judged {
			checks := kept.Verify(res, verify.DefaultBudget)
			for _, ch := range checks {
				switch {
				case ch.Verdict == "error" && ch.Query != "":
					res.Errors = append(res.Errors, notProved(ch, "the query cannot be read back: "+ch.Err.Error()))
				case ch.Query != "" && !pass.Passes(ch):
					res.Errors = append(res.Errors, notProved(ch, report.Weakness(ch)))
				}
			}
			if len(res.Errors) > 0 {
				res.Queries = nil
			}
			return judged{res, checks}
		}) {
			if note(j.Result, j.checks); !yield(j.Result) {
				return
			}
		}
	}
}

func notProved(ch sigmac.Proof, msg string) *ir.Diagnostic {
	return ch.Document.Place(&ir.Diagnostic{Pos: ch.At(), Msg: ch.Target.Name + ": " + msg, Source: ch.Target.Name})
}

// A reporter tells people about errors, each once.
type reporter struct {
	errs            io.Writer
	skip, losses    bool
	verbose         bool
	refused         refusals
	progress        *progress
	last            *parser.Document
	failed, skipped int
	misnamed        bool // a correlation or a filter names no rule
	ways            ways
}

func (r *reporter) report(res sigmac.Result) {
	d := res.Document
	first := d != r.last
	r.last = d
	say := func(format string, args ...any) {
		r.progress.clear()
		tell(r.errs, format, args...)
	}
	if first {
		r.warn(d)
	}
	unsupported := !slices.ContainsFunc(res.Errors, func(e *ir.Diagnostic) bool { return e.Feature == "" })
	switch {
	case len(res.Errors) > 0 && unsupported && len(d.Errors) == 0:
		r.refused.add(res)
	case first || len(d.Errors) == 0: // a fault of the rule is told once, of a query for each target
		for _, e := range res.Errors {
			say("%s", report.Placed(res, e))
		}
	}
	for _, w := range res.Mapped.Warnings {
		say("%s: warning: %s: %s", w.Place(), res.Target.Name, w.Msg)
	}
	if len(res.Errors) == 0 {
		r.lost(res, say)
		for i, conditions := range res.Costs {
			at := &ir.Diagnostic{Pos: d.Pos} // of a correlation
			if res.Want != nil {
				at.Pos = res.Want.Conditions[i].Pos
			}
			for _, c := range conditions {
				say("%s: cost: %s: %s", d.Place(at).Place(), res.Target.Name, report.Cost(c))
			}
		}
	}
	r.ways.add(res)
	switch {
	case len(res.Errors) == 0:
	case r.skip && unsupported:
		r.skipped++
	default:
		r.failed++
	}
}

// warn tells what is odd about a document.
func (r *reporter) warn(d *parser.Document) {
	for _, w := range d.Warnings {
		r.progress.clear()
		tell(r.errs, "%s: warning: %s", w.Place(), w.Msg)
	}
}

// names tells of names that lead to no rule.
func (r *reporter) names(found []link.Finding) {
	for _, f := range found {
		what := "note: "
		if !f.Note {
			r.misnamed, what = true, ""
		}
		tell(r.errs, "%s: %s%s", f.Place(), what, f.Msg)
	}
}

// lost tells what a query does not keep of its rule where that is asked for, and
// in any case that it does not test the rule's log source.
func (r *reporter) lost(res sigmac.Result, say func(format string, args ...any)) {
	losses := report.PipelineLosses(res)
	if r.losses {
		losses = report.Losses(res)
	}
	for _, l := range losses {
		what := "loss"
		if l.ID == pipeline.Untested || l.ID == report.LeftOut {
			what = "warning"
		} else if !r.losses {
			continue
		}
		say("%s: %s: %s: %s", l.Place(res), what, res.Target.Name, l)
	}
}

// wrong says whether nothing is to be written.
func (r *reporter) wrong() bool { return r.failed > 0 || r.misnamed }

func (r *reporter) end(n int, path string) error {
	r.refused.tell(r.errs, r.verbose)
	r.ways.tell(r.errs)
	if r.failed+r.skipped > 0 {
		tell(r.errs, "%d of %d conversions done, %d skipped, %d failed", n-r.failed-r.skipped, n, r.skipped, r.failed)
	}
	if !r.wrong() {
		return nil
	}
	msg := ""
	if path != "" && path != project.Stdin {
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
			tell(&b, "# %s: %s", res.Document.Path, oneLine(res.Document.Title))
			last = res.Document
		}
		for _, q := range res.Queries {
			if headings {
				fmt.Fprintf(&b, "\n[%s]\n", res.Target.Name)
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

// jsonWriter writes one object a result, in a line, or indented by so many blanks.
func jsonWriter(w io.Writer, indent int) func(sigmac.Result) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", strings.Repeat(" ", indent))
	return func(res sigmac.Result) error { return enc.Encode(report.Result(res)) }
}
