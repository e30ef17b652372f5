package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"sigmac"
	"sigmac/backends"
	"sigmac/internal/link"
	"sigmac/internal/project"
	"sigmac/internal/samples"
	"sigmac/internal/streams"
	"sigmac/internal/suggest"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/verify"
)

// expected is the field that says in test data what an event is for.
const expected = "sigmac_expected"

// ofRule is the field that says of which rule an event is, in the form of a target.
const ofRule = "sigmac_rule"

// A sampleForm is a form of test data, with the target that it is of.
type sampleForm struct {
	backends.SampleForm
	target *backends.Target // or nil
}

// sampleForms are events as they are, which Write is nil for, and the forms of the targets.
func sampleForms() []sampleForm {
	out := []sampleForm{{backends.SampleForm{Name: "ndjson", Description: "one JSON object an event, with what is expected of it"}, nil}}
	for _, t := range sigmac.Targets() {
		for _, f := range t.Samples {
			out = append(out, sampleForm{f, t})
		}
	}
	return out
}

// timeField is the field with the time of an event.
func (f sampleForm) timeField() string {
	if f.target == nil || len(f.target.Columns.Times) == 0 {
		return "@timestamp"
	}
	return f.target.Columns.Times[len(f.target.Columns.Times)-1]
}

func sampleCommand() *cli.Command {
	var names []string
	forms := sampleForms()
	for _, f := range forms {
		names = append(names, f.Name)
	}
	return &cli.Command{
		Name:      "sample",
		Usage:     "make events that a rule matches, and near misses",
		ArgsUsage: "PATH...",
		Description: `Makes events to try a rule end to end in a SIEM: some that match, and for each
test one that only this test keeps from matching. The line says which is which, in
the other forms the field ` + expected + `. Of a correlation it makes streams of events: one that hits, and
some with an event fewer, one too early, or one in another group.

With -t the events are as the target holds them, by the pipelines that convert
takes: with its fields, what says which log source they are of, and a time. The
query that convert writes selects those that match and no other, as it is read
back. What cannot be had so is not written, and told.

With --replay they go into a kit, with queries, and with small rules at which each
assumption of docs/semantics.md shows; --judge compares what an engine answered
with what was expected, and says which assumptions that confirms or refutes. See
docs/replay.md.

   sigmac sample rule.yml
   sigmac sample -t elastic -f bulk rules/
   sigmac sample -t kusto -f datatable -n 3 rule.yml
   sigmac sample --replay elastic -o kit rules/
   sigmac sample --judge kit/results kit

Formats: ` + strings.Join(names, ", ") + `

Exit status: 0 events were made for all rules, or results are as expected; 1 a rule
is wrong, or no event matches it, or a result is not as expected; 2 wrong usage, or
a file that cannot be read.`,
		Flags: slices.Concat([]cli.Flag{
			list("target", "make events as this target holds them; may stand several times", "t"),
			&cli.IntFlag{Name: "n", Value: 5, Usage: "at most this many events that match"},
			&cli.StringFlag{Name: "format", Aliases: []string{"f"}, Value: "ndjson", Usage: "the output `FORMAT`"},
			&cli.StringFlag{Name: "replay", Usage: "write a kit to run events and queries on the engine of `TARGET`, into the directory of -o"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "the `DIR` of the kit"},
			&cli.StringFlag{Name: "judge", Usage: "compare `RESULTS`, a file or a directory, with what a kit expects, whose directory stands in the place of rules"},
			&cli.BoolFlag{Name: "json", Usage: "write JSON: the judgement, or events as with -f ndjson"},
			&cli.StringFlag{Name: "time", Value: streams.End.Format(time.RFC3339), Usage: "the `TIME` of the events, or of the last one of a stream"},
		}, mappingFlags(), inputFlags()),
		Action: func(c *cli.Context) error {
			form := slices.Index(names, c.String("format"))
			if form < 0 {
				return usage("unknown format %q%s", c.String("format"), suggest.Among(c.String("format"), "formats", names))
			}
			if c.Int("n") < 1 {
				return usage("-n must be at least 1")
			}
			at, err := time.Parse(time.RFC3339, c.String("time"))
			if err != nil {
				return usage("--time is as %s, and not %q", streams.End.Format(time.RFC3339), c.String("time"))
			}
			switch kit, judged := c.IsSet("replay"), c.IsSet("judge"); {
			case kit && judged, kit && c.IsSet("target"), judged && c.IsSet("target"):
				return usage("of -t, --replay and --judge there is one at most")
			case !kit && c.IsSet("output"):
				return usage("-o is the directory of --replay")
			case c.Bool("json") && (kit || forms[form].Write != nil):
				return usage("--json is for --judge, and for events as they are")
			case judged:
				return judgeResults(c)
			case kit:
				return replayKit(c, at)
			}
			p, err := open(c)
			if err != nil {
				return err
			}
			p.Format = "" // that of queries
			ways, err := sampleMappings(c, p, forms[form])
			if err != nil {
				return err
			}
			collection, correlations, err := p.LoadCorrelated()
			if err != nil {
				return err
			}
			s := &sampler{c: c, form: forms[form], at: at, correlations: correlations}
			failed := false
			for _, d := range collection.Documents {
				if d.Filter != nil {
					continue // the events are those of its rules
				}
				for _, sample := range s.of(d, ways) {
					if err := sample(); err != nil {
						for _, e := range sigmac.Faults(d, err) {
							tell(c.App.ErrWriter, "%s", e)
						}
						failed = true
					}
				}
			}
			if err := s.end(); err != nil {
				return err
			}
			if failed {
				return &failure{status: exitRules}
			}
			return nil
		},
	}
}

// sampleMappings are the ways to the targets whose events are asked for; none: the fields are
// those of rules.
func sampleMappings(c *cli.Context, p *project.Project, f sampleForm) ([]sigmac.Mapping, error) {
	if len(p.Targets) == 0 {
		if len(p.Pipelines) > 0 || p.Unmapped || p.Allow != "" || len(p.Schemas) > 0 {
			return nil, usage("events of a target are asked for by -t")
		}
		return nil, nil
	}
	wanted, err := p.Requests()
	if err != nil {
		return nil, err
	}
	for _, r := range wanted {
		if f.target != nil && f.target.Name != r.Name {
			return nil, usage("%s is a form of events of %s, and not of %s", f.Name, f.target.Name, r.Name)
		}
	}
	return p.Mappings(wanted)
}

// A sampler writes events.
type sampler struct {
	c            *cli.Context
	form         sampleForm
	at           time.Time
	correlations *link.Correlations
	tables       []sampleTable // of events of a target, which are written at the end
}

// A sampleTable is events of one table.
type sampleTable struct {
	backends.SampleTable
	events []map[string]any
}

// of are the ways in which events of a document are made.
func (s *sampler) of(d *parser.Document, ways []sigmac.Mapping) (out []func() error) {
	switch {
	case len(ways) > 0:
		for _, res := range sigmac.CompileDocument(d, sigmac.Options{Mappings: ways, Correlations: s.correlations}) {
			out = append(out, func() error { return s.mapped(res) })
		}
	case d.Correlation != nil:
		out = append(out, func() error { return s.streams(d) })
	default:
		out = append(out, func() error { return s.rule(d) })
	}
	return out
}

// A sampled is an event of a rule, in lines of JSON.
type sampled struct {
	Rule    string         `json:"rule"`
	Title   string         `json:"title"`
	Target  string         `json:"target,omitempty"`
	Table   string         `json:"table,omitempty"`
	Matches bool           `json:"matches"`
	Test    string         `json:"test,omitempty"`
	Event   map[string]any `json:"event"`
}

// encoder writes lines of JSON.
func (s *sampler) encoder() *json.Encoder {
	enc := json.NewEncoder(s.c.App.Writer)
	enc.SetEscapeHTML(false)
	return enc
}

// mapped writes events as a target holds them, or keeps them for the end.
func (s *sampler) mapped(res sigmac.Result) error {
	d := res.Document
	made, err := samples.Make(res, s.c.Int("n"), verify.DefaultBudget, s.at)
	if err != nil {
		if e := (*ir.Diagnostic)(nil); errors.As(err, &e) {
			return err
		}
		return fmt.Errorf("%s: %w", res.Target.Name, err)
	}
	s.left(d, made.Left)
	for _, reason := range slices.Sorted(maps.Keys(made.Dropped)) {
		tell(s.c.App.ErrWriter, "%s:%d:%d: note: %s: %d events are not written: %s", d.Path, d.Pos.Line, d.Pos.Column, res.Target.Name, made.Dropped[reason], reason)
	}
	enc := s.encoder()
	var events []map[string]any
	for _, e := range made.Events {
		if s.form.Write == nil {
			if err := enc.Encode(sampled{d.ID, d.Title, res.Target.Name, made.Table.Name, e.Matches, e.Test, e.Fields}); err != nil {
				return err
			}
			continue
		}
		fields := marked(e.Fields, e.Matches, e.Test)
		fields[ofRule] = cmp.Or(d.ID, d.Title)
		events = append(events, fields)
	}
	i := slices.IndexFunc(s.tables, func(t sampleTable) bool { return t.Name == made.Table.Name })
	if i < 0 {
		i, s.tables = len(s.tables), append(s.tables, sampleTable{made.Table, nil})
	}
	t := &s.tables[i]
	maps.Copy(t.Types, made.Table.Types)
	maps.Copy(t.Columns, made.Table.Columns)
	t.events = append(t.events, events...)
	return nil
}

// end writes the events that were kept.
func (s *sampler) end() error {
	for _, t := range s.tables {
		if len(t.events) == 0 {
			continue
		}
		if err := s.write(t.events, t.SampleTable); err != nil {
			return err
		}
	}
	return nil
}

// write writes events in the form of a target.
func (s *sampler) write(events []map[string]any, table backends.SampleTable) error {
	text, err := s.form.Write(events, table)
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(s.c.App.Writer, text)
	return err
}

// marked are fields with what is expected of the event.
func marked(fields map[string]any, matches bool, test string) map[string]any {
	fields[expected] = "match"
	if !matches {
		fields[expected] = "no match: " + test
	}
	return fields
}

// left warns of tests for which no near miss was sought.
func (s *sampler) left(d *parser.Document, n int) {
	if n > 0 {
		tell(s.c.App.ErrWriter, "%s:%d:%d: warning: no near miss was sought for %d tests: the budget of steps is used up", d.Path, d.Pos.Line, d.Pos.Column, n)
	}
}

// streams writes streams for a correlation.
func (s *sampler) streams(d *parser.Document) error {
	made, types, err := streams.Make(d, s.correlations, verify.DefaultBudget)
	if err != nil {
		return err
	}
	name := s.form.timeField()
	types[name] = ir.Date
	of := func(t time.Time) any {
		t = t.Add(s.at.Sub(streams.End))
		if s.form.target != nil {
			return s.form.target.Columns.Time(t)
		}
		return t.Format(time.RFC3339Nano)
	}
	enc := s.encoder()
	for _, stream := range made {
		var events []map[string]any
		for _, e := range stream.Events {
			fields := streams.WithTime(e, name, of)
			if s.form.Write != nil {
				if fields[expected] = "hit"; !stream.Hits {
					fields[expected] = "no hit: " + stream.Test
				}
			}
			events = append(events, fields)
		}
		if s.form.Write != nil {
			if err := s.write(events, backends.SampleTable{Types: types}); err != nil {
				return err
			}
			continue
		}
		if err := enc.Encode(struct {
			Correlation string           `json:"correlation"`
			Title       string           `json:"title"`
			Hits        bool             `json:"hits"`
			Test        string           `json:"test,omitempty"`
			Events      []map[string]any `json:"events"`
		}{cmp.Or(d.Name, d.ID, d.Title), d.Title, stream.Hits, stream.Test, events}); err != nil {
			return err
		}
	}
	return nil
}

// rule writes events of a rule, in its own fields.
func (s *sampler) rule(d *parser.Document) error {
	if len(d.Errors) > 0 {
		return d.Errors[0]
	}
	want, err := ir.Want(d.Rule)
	if err != nil {
		return err
	}
	found, left, reason := verify.Samples(nil, want, ir.True, s.c.Int("n"), verify.DefaultBudget)
	if len(found) == 0 {
		return errors.New(reason)
	}
	s.left(d, left)
	if s.form.Write == nil {
		enc := s.encoder()
		for _, e := range found {
			if err := enc.Encode(sampled{d.ID, d.Title, "", "", e.Matches, e.Test, e.Fields}); err != nil {
				return err
			}
		}
		return nil
	}
	var events []map[string]any
	for _, e := range found {
		events = append(events, marked(e.Fields, e.Matches, e.Test))
	}
	return s.write(events, backends.SampleTable{Types: want.Types()})
}
