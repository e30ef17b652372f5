package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"sigmac"
	"sigmac/backends"
	"sigmac/internal/link"
	"sigmac/internal/streams"
	"sigmac/internal/suggest"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/verify"
)

// expected is the field that says in test data what an event is for.
const expected = "sigmac_expected"

// A sampleForm is a form of test data, with the field that has the time of an event.
type sampleForm struct {
	backends.SampleForm
	time string
}

// sampleForms are events as they are, which Write is nil for, and the forms of the targets.
func sampleForms() []sampleForm {
	out := []sampleForm{{backends.SampleForm{Name: "ndjson", Description: "one JSON object an event, with what is expected of it"}, "@timestamp"}}
	for _, t := range sigmac.Targets() {
		for _, f := range t.Samples {
			at := out[0].time
			if n := len(t.Columns.Times); n > 0 {
				at = t.Columns.Times[n-1]
			}
			out = append(out, sampleForm{f, at})
		}
	}
	return out
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
test one that only this test keeps from matching. The field ` + expected + ` says
which is which. Of a correlation it makes streams of events: one that hits, and
some with an event fewer, one too early, or one in another group.

   sigmac sample rule.yml
   sigmac sample -n 3 -f makeresults rule.yml

Formats: ` + strings.Join(names, ", ") + `

Exit status: 0 events were made for all rules; 1 a rule is wrong, or no event
matches it; 2 wrong usage, or a file that cannot be read.`,
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "n", Value: 5, Usage: "at most this many events that match"},
			&cli.StringFlag{Name: "format", Aliases: []string{"f"}, Value: "ndjson", Usage: "the output `FORMAT`"},
			patternFlag,
			contextFlag,
			filterFlag,
		},
		Action: func(c *cli.Context) error {
			form := slices.Index(names, c.String("format"))
			if form < 0 {
				return usage("unknown format %q%s", c.String("format"), suggest.For(c.String("format"), names))
			}
			if c.Int("n") < 1 {
				return usage("-n must be at least 1")
			}
			p, err := open(c)
			if err != nil {
				return err
			}
			collection, err := p.Load()
			if err != nil {
				return err
			}
			correlations, err := p.Correlations(collection)
			if err != nil {
				return err
			}
			failed := false
			for _, d := range collection.Documents {
				if d.Filter != nil {
					continue // the events are those of its rules
				}
				sample := sampleRule
				if d.Correlation != nil {
					sample = func(c *cli.Context, d *parser.Document, f sampleForm) error {
						return sampleStreams(c, d, correlations, f)
					}
				}
				if err := sample(c, d, forms[form]); err != nil {
					for _, e := range sigmac.Faults(d, err) {
						tell(c.App.ErrWriter, "%s", e)
					}
					failed = true
				}
			}
			if failed {
				return &failure{status: exitRules}
			}
			return nil
		},
	}
}

// sampleStreams writes streams for a correlation.
func sampleStreams(c *cli.Context, d *parser.Document, all *link.Correlations, f sampleForm) error {
	made, types, err := streams.Make(d, all, verify.DefaultBudget)
	if err != nil {
		return err
	}
	types[f.time] = ir.Date
	of := func(t time.Time) any { return t.Format(time.RFC3339Nano) }
	if f.time == "_time" {
		of = func(t time.Time) any { return json.Number(strconv.FormatFloat(float64(t.UnixNano())/1e9, 'f', -1, 64)) }
	}
	enc := json.NewEncoder(c.App.Writer)
	enc.SetEscapeHTML(false)
	for _, s := range made {
		var events []map[string]any
		for _, e := range s.Events {
			fields := streams.WithTime(e, f.time, of)
			if f.Write != nil {
				if fields[expected] = "hit"; !s.Hits {
					fields[expected] = "no hit: " + s.Test
				}
			}
			events = append(events, fields)
		}
		if f.Write != nil {
			text, err := f.Write(events, types)
			if err == nil {
				_, err = fmt.Fprint(c.App.Writer, text)
			}
			if err != nil {
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
		}{cmp.Or(d.Name, d.ID, d.Title), d.Title, s.Hits, s.Test, events}); err != nil {
			return err
		}
	}
	return nil
}

func sampleRule(c *cli.Context, d *parser.Document, f sampleForm) error {
	if len(d.Errors) > 0 {
		return d.Errors[0]
	}
	want, err := ir.Want(d.Rule)
	if err != nil {
		return err
	}
	samples, left, reason := verify.Samples(want, c.Int("n"), verify.DefaultBudget)
	if len(samples) == 0 {
		return errors.New(reason)
	}
	if left > 0 {
		fmt.Fprintf(c.App.ErrWriter, "%s:%d:%d: warning: no near miss was sought for %d tests: the budget of steps is used up\n", d.Path, d.Pos.Line, d.Pos.Column, left)
	}
	if f.Write == nil {
		enc := json.NewEncoder(c.App.Writer)
		enc.SetEscapeHTML(false)
		for _, s := range samples {
			o := struct {
				Rule    string         `json:"rule"`
				Title   string         `json:"title"`
				Matches bool           `json:"matches"`
				Test    string         `json:"test,omitempty"`
				Event   map[string]any `json:"event"`
			}{d.ID, d.Title, s.Matches, s.Test, s.Fields}
			if err := enc.Encode(o); err != nil {
				return err
			}
		}
		return nil
	}
	var events []map[string]any
	for _, s := range samples {
		s.Fields[expected] = "match"
		if !s.Matches {
			s.Fields[expected] = "no match: " + s.Test
		}
		events = append(events, s.Fields)
	}
	text, err := f.Write(events, want.Types())
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(c.App.Writer, text)
	return err
}
