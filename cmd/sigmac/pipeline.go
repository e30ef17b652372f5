package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"sigmac"
	"sigmac/internal/project"
	"sigmac/internal/report"
	"sigmac/internal/suggest"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/pipeline"
)

func pipelineCommand() *cli.Command {
	return &cli.Command{
		Name:      "pipeline",
		Usage:     "show, check and try processing pipelines",
		UsageText: "sigmac pipeline COMMAND [command options] [arguments...]",
		Description: `A processing pipeline is a YAML file that says what log sources and fields are
called at a target. Sigmac brings some along; its format is pySigma's.

   sigmac pipeline list
   sigmac pipeline show sysmon > mine.yml
   sigmac pipeline check mine.yml
   sigmac pipeline diff rule.yml -t kusto -p microsoft_xdr`,
		Subcommands: []*cli.Command{
			{
				Name: "list", Usage: "list the pipelines that sigmac brings along",
				Flags: []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "one JSON object a pipeline, or a log source"},
					&cli.BoolFlag{Name: "by-logsource", Usage: "for each target and log source, those that are tried without -p, in their order"}},
				Action: func(c *cli.Context) error {
					switch {
					case c.Args().Present():
						return usage("pipeline list takes no argument; sigmac list pipelines takes a target")
					case c.Bool("by-logsource"):
						return listByLogSource(c)
					}
					return listPipelines(c, func(*pipeline.Pipeline) bool { return true })
				},
			},
			{
				Name: "show", Usage: "print the YAML file of a pipeline that sigmac brings along", ArgsUsage: "NAME",
				Action: showPipeline,
			},
			{
				Name: "check", Usage: "read pipeline files and report all their errors", ArgsUsage: "FILE...",
				Description: "Exit status: 0 all files are pipelines; 1 one is not; 2 wrong usage, or a file that\ncannot be read.",
				Action:      checkPipelines,
			},
			{
				Name: "diff", Usage: "show what pipelines do to rules, item by item", ArgsUsage: "PATH...",
				Description: "Shows a rule before and after each item that changes it, then its fields, its\nlosses and its scope.\n\n" +
					"Exit status: 0 the pipelines apply to all rules; 1 one is refused or wrong; 2 wrong\nusage, or a file that cannot be read.",
				Flags: slices.Concat(targetFlags(), mappingFlags(), []cli.Flag{patternFlag, contextFlag, filterFlag,
					&cli.BoolFlag{Name: "json", Usage: "one JSON object a rule and target"}}),
				Action: diffPipelines,
			},
		},
		Action: func(c *cli.Context) error {
			if !c.Args().Present() {
				return usage("pipeline needs one of list, show, check and diff; see sigmac pipeline --help")
			}
			return usage("unknown command %q%s", "pipeline "+c.Args().First(), suggest.Among(c.Args().First(), "commands", []string{"list", "show", "check", "diff"}))
		},
	}
}

// listPipelines lists those that sigmac brings along, of which wanted holds.
func listPipelines(c *cli.Context, wanted func(*pipeline.Pipeline) bool) error {
	defaults := map[string][]string{}
	for by, table := range defaultTables() {
		for _, row := range table.Rows() {
			for _, w := range row.Ways {
				for _, name := range strings.Split(w.Name, " + ") {
					if !slices.Contains(defaults[name], by) {
						defaults[name] = append(defaults[name], by)
					}
				}
			}
		}
	}
	enc := json.NewEncoder(c.App.Writer)
	enc.SetEscapeHTML(false)
	w := tabwriter.NewWriter(c.App.Writer, 0, 0, 2, ' ', 0)
	for _, name := range pipeline.Builtins() {
		p, _ := pipeline.Builtin(name)
		if !wanted(p) {
			continue
		}
		if c.Bool("json") {
			err := enc.Encode(struct {
				Name        string   `json:"name"`
				Description string   `json:"description"`
				Priority    int      `json:"priority"`
				Backends    []string `json:"allowed_backends"`
				Default     []string `json:"default_of"`
			}{name, p.Name, p.Priority, append([]string{}, p.AllowedBackends...), append([]string{}, defaults[name]...)})
			if err != nil {
				return usage("the output cannot be written: %s", err)
			}
			continue
		}
		note := p.Name
		if d := defaults[name]; d != nil {
			note += " (default of " + strings.Join(d, ", ") + ")"
		}
		fmt.Fprintf(w, "%s\t%s\n", name, note)
	}
	return w.Flush()
}

// defaultTables are those that sigmac brings along, with the flags that ask for them.
func defaultTables() iter.Seq2[string, *pipeline.Table] {
	return func(yield func(string, *pipeline.Table) bool) {
		for _, t := range sigmac.Targets() {
			for _, f := range t.Formats {
				in, _ := t.In(f.Name)
				by := t.Name
				if f.Name != project.DefaultFormat {
					by += " -f " + f.Name
				}
				if table := pipeline.DefaultTable(in); table != nil && !yield(by, table) {
					return
				}
			}
		}
	}
}

// listByLogSource shows for each log source the pipelines that are tried.
func listByLogSource(c *cli.Context) error {
	type row struct {
		Target    string   `json:"target"`
		Product   string   `json:"product,omitempty"`
		Category  string   `json:"category,omitempty"`
		Service   string   `json:"service,omitempty"`
		Pipelines []string `json:"pipelines"`
	}
	enc := json.NewEncoder(c.App.Writer)
	enc.SetEscapeHTML(false)
	w := tabwriter.NewWriter(c.App.Writer, 0, 0, 2, ' ', 0)
	for by, table := range defaultTables() {
		for _, r := range table.Rows() {
			s := r.Source
			out := row{Target: by, Product: s.Product, Category: s.Category, Service: s.Service}
			for _, way := range r.Ways {
				out.Pipelines = append(out.Pipelines, way.Name)
			}
			if c.Bool("json") {
				if err := enc.Encode(out); err != nil {
					return usage("the output cannot be written: %s", err)
				}
				continue
			}
			fmt.Fprintf(w, "%s\t%s\t%s\n", by, cmp.Or(s.String(), "any log source"), strings.Join(out.Pipelines, ", then "))
		}
	}
	return w.Flush()
}

func showPipeline(c *cli.Context) error {
	name := c.Args().First()
	if c.NArg() != 1 {
		return usage("pipeline show needs the name of one pipeline; see sigmac pipeline list")
	}
	p, ok := project.Builtin(name)
	if !ok {
		return usage("no pipeline is named %q%s", name, suggest.For(name, pipeline.Builtins()))
	}
	src, _ := pipeline.BuiltinSource(p.ID)
	_, err := c.App.Writer.Write(src)
	return err
}

func checkPipelines(c *cli.Context) error {
	if !c.Args().Present() {
		return usage("pipeline check needs a file, or - for standard input")
	}
	var faults []error
	bad := 0
	for _, path := range c.Args().Slice() {
		src, err := project.ReadFile(path, c.App.Reader)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		_, errs := pipeline.Parse(path, src)
		for _, e := range errs {
			tell(c.App.ErrWriter, "%s", e)
		}
		if len(errs) > 0 {
			bad++
		}
	}
	switch {
	case len(faults) > 0:
		return usage("%s", errors.Join(faults...))
	case bad > 0:
		return &failure{status: exitRules}
	}
	return nil
}

func diffPipelines(c *cli.Context) error {
	p, wanted, err := requested(c)
	if err != nil {
		return err
	}
	maps, err := p.Mappings(wanted)
	if err != nil {
		return err
	}
	if c.Bool("without-pipeline") {
		return usage("pipeline diff without a pipeline shows nothing")
	}
	collection, err := p.Load()
	if err != nil {
		return err
	}
	failed := false
	for _, d := range collection.Documents {
		for _, e := range d.Errors {
			tell(c.App.ErrWriter, "%s", e)
			failed = true
		}
		for i := 0; i < len(maps) && d.Rule != nil; i++ {
			m := maps[i].Of(d)
			m.Options.Steps = true
			did := &sigmac.Mapped{}
			var after *ir.Rule
			var fault error
			r := d.Rule
			for _, p := range m.Passes(did) {
				if r, fault = p.Run(r); fault != nil || p.Name == "Pipeline" {
					after = r
					break
				}
			}
			if fault != nil {
				for _, e := range sigmac.Faults(d, fault) {
					tell(c.App.ErrWriter, "%s", report.Placed(sigmac.Result{Mapping: m}, e))
				}
				failed = true
				continue
			}
			if err := showDiff(c, d, m.Target.Name, after, did.Trace); err != nil {
				return usage("the output cannot be written: %s", err)
			}
		}
	}
	if failed {
		return &failure{status: exitRules}
	}
	return nil
}

// showDiff shows what the items of a pipeline did to a rule, one after the
// other.
func showDiff(c *cli.Context, d *parser.Document, target string, after *ir.Rule, t *pipeline.Trace) error {
	if c.Bool("json") {
		return diffJSON(c, d, target, after, t)
	}
	w := c.App.Writer
	tell(w, "# %s: %s", d.Path, oneLine(d.Title))
	for _, s := range t.Steps {
		id := ""
		if s.ID != "" {
			id = " " + s.ID
		}
		fmt.Fprintln(w)
		tell(w, "[%s %s%s]", s.Place, s.Type, id)
		before, now := lines(s.Before), lines(s.After)
		for _, l := range before {
			if !slices.Contains(now, l) {
				tell(w, "- %s", l)
			}
		}
		for _, l := range now {
			if !slices.Contains(before, l) {
				tell(w, "+ %s", l)
			}
		}
	}
	fmt.Fprintf(w, "\n[after]\n%s", after)
	for _, f := range t.Renamed {
		tell(w, "field %s is %s", f.From, strings.Join(f.To, ", "))
	}
	for _, line := range scopeLines(after) {
		tell(w, "%s", line)
	}
	for _, l := range t.Losses {
		tell(w, "loss %d:%d %s", l.Pos.Line, l.Pos.Column,
			report.Loss{ID: l.ID, Direction: l.Direction, Item: l.Item, Message: l.Msg})
	}
	fmt.Fprintln(w)
	return nil
}

// lines are what a step may change of a rule, a line each.
func lines(r *ir.Rule) []string {
	out := strings.Split(strings.TrimSuffix(r.String(), "\n"), "\n")
	s := r.Source
	return append(out, fmt.Sprintf("logsource category=%q product=%q service=%q", s.Category, s.Product, s.Service))
}

func scopeLines(r *ir.Rule) (out []string) {
	for _, s := range []struct{ name, value string }{{"table", r.Scope.Table}, {"index", r.Scope.Index},
		{"event category", r.Scope.Category}, {"data model", r.Scope.DataModel}} {
		if s.value != "" {
			out = append(out, s.name+" "+s.value)
		}
	}
	for _, x := range r.Computed {
		out = append(out, "column "+x.Name+" = "+x.Text)
	}
	return out
}

func diffJSON(c *cli.Context, d *parser.Document, target string, after *ir.Rule, t *pipeline.Trace) error {
	type step struct {
		ID     string   `json:"id"`
		Type   string   `json:"type"`
		Place  string   `json:"place"`
		Before []string `json:"before"`
		After  []string `json:"after"`
	}
	type field struct {
		From string   `json:"from"`
		To   []string `json:"to"`
	}
	o := struct {
		Path   string        `json:"path"`
		Rule   string        `json:"rule"`
		Target string        `json:"target"`
		Steps  []step        `json:"steps"`
		After  []string      `json:"after"`
		Fields []field       `json:"fields"`
		Scope  []string      `json:"scope"`
		Losses []report.Loss `json:"losses"`
	}{d.Path, d.ID, target, []step{}, lines(after), []field{}, append([]string{}, scopeLines(after)...), []report.Loss{}}
	for _, s := range t.Steps {
		o.Steps = append(o.Steps, step{s.ID, s.Type, s.Place, lines(s.Before), lines(s.After)})
	}
	for _, f := range t.Renamed {
		o.Fields = append(o.Fields, field{f.From, f.To})
	}
	for _, l := range t.Losses {
		o.Losses = append(o.Losses, report.Loss{ID: l.ID, Line: l.Pos.Line, Column: l.Pos.Column, Direction: l.Direction, Item: l.Item, Message: l.Msg})
	}
	enc := json.NewEncoder(c.App.Writer)
	enc.SetEscapeHTML(false)
	return enc.Encode(o)
}
