package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"sigmac"
	"sigmac/backends"
	"sigmac/internal/suggest"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/verify"
)

// expected is the field that says in test data what an event is for.
const expected = "sigmac_expected"

// sampleForms are the forms of test data: events as they are, which Write is nil
// for, and those of the targets.
func sampleForms() []backends.SampleForm {
	out := []backends.SampleForm{{Name: "ndjson", Description: "one JSON object an event, with what is expected of it"}}
	for _, t := range sigmac.Targets() {
		out = append(out, t.Samples...)
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
which is which.

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
			collection, err := load(c)
			if err != nil {
				return err
			}
			failed := false
			for _, d := range collection.Documents {
				if d.Filter != nil {
					continue // the events are those of its rules
				}
				if err := sampleRule(c, d, forms[form]); err != nil {
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

func sampleRule(c *cli.Context, d *parser.Document, f backends.SampleForm) error {
	if len(d.Errors) > 0 {
		return d.Errors[0]
	}
	if d.Rule == nil {
		return fmt.Errorf("no events for a %s", d.Kind)
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
