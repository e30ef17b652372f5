package main

import (
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"sigmac"
	"sigmac/backends"
	"sigmac/internal/project"
	"sigmac/internal/report"
	"sigmac/ir"
	"sigmac/parser"
)

func irCommand() *cli.Command {
	return &cli.Command{
		Name:      "ir",
		Usage:     "show a rule after each pass, for debugging",
		ArgsUsage: "PATH...",
		Description: `Prints the intermediate representation as S-expressions: as parsed, after each
pass that changed it, and with -t after Legalize for that target.

   sigmac ir rule.yml
   sigmac ir -t elastic rule.yml
   sigmac ir -t kusto -p microsoft_xdr rule.yml`,
		Flags: slices.Concat(targetFlags(), mappingFlags(), inputFlags()),
		Action: func(c *cli.Context) error {
			p, err := open(c)
			if err != nil {
				return err
			}
			var targets []project.Request
			var maps []sigmac.Mapping
			given := len(p.Pipelines) > 0
			if c.IsSet("target") || given {
				if targets, err = p.Requests(); err != nil {
					return err
				}
			}
			if maps = project.Unmapped(targets); given {
				if maps, err = p.Mappings(targets); err != nil {
					return err
				}
			}
			collection, err := p.Load()
			if err != nil {
				return err
			}
			failed := false
			for i, d := range collection.Documents {
				if i > 0 {
					fmt.Fprintln(c.App.Writer)
				}
				for _, e := range d.Errors {
					tell(c.App.ErrWriter, "%s", e)
					failed = true
				}
				if d.Rule != nil {
					failed = !showRule(c, d, maps, given) || failed
				}
			}
			if failed {
				return &failure{status: exitRules}
			}
			return nil
		},
	}
}

// showRule shows the passes of a rule: with pipelines, for each target its own.
func showRule(c *cli.Context, d *parser.Document, maps []sigmac.Mapping, pipelines bool) bool {
	tell(c.App.Writer, "# %s: %s", d.Path, oneLine(d.Title))
	if !pipelines {
		r, ok := showPasses(c, d, sigmac.Mapping{})
		for _, m := range maps {
			ok = ok && showLegal(c, d, r, m.Target)
		}
		return ok
	}
	all := true
	for _, m := range maps {
		r, ok := showPasses(c, d, m)
		all = ok && showLegal(c, d, r, m.Target) && all
	}
	return all
}

func show(c *cli.Context, name string, r fmt.Stringer) {
	fmt.Fprintf(c.App.Writer, "\n[%s]\n%s", name, r)
}

func showPasses(c *cli.Context, d *parser.Document, m sigmac.Mapping) (*ir.Rule, bool) {
	r := d.Rule
	show(c, "Parse", r)
	for _, p := range m.Passes(&sigmac.Mapped{}) {
		next, err := p.Run(r)
		if err != nil {
			for _, e := range sigmac.Faults(d, err) {
				tell(c.App.ErrWriter, "%s", report.Placed(sigmac.Result{Mapping: m}, e))
			}
			return nil, false
		}
		if next != r {
			show(c, p.Name, next)
		}
		r = next
	}
	return r, true
}

func showLegal(c *cli.Context, d *parser.Document, r *ir.Rule, t *backends.Target) bool {
	legal, refused := backends.Legalize(r, t.Format.Caps)
	for _, u := range refused {
		tell(c.App.ErrWriter, "%s", d.Place(u))
	}
	if legal != nil {
		show(c, "Legalize "+t.Name, legal)
	}
	return len(refused) == 0
}
