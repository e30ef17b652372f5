package main

import (
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"sigmac"
	"sigmac/backends"
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
		Flags: slices.Concat(targetFlags(), mappingFlags(), []cli.Flag{patternFlag}),
		Action: func(c *cli.Context) error {
			var targets []chosen
			var maps map[string]sigmac.Mapping
			var err error
			given := len(*c.Generic("pipeline").(*pathList)) > 0
			if c.IsSet("target") || given {
				if targets, err = chosenTargets(c); err != nil {
					return err
				}
			}
			if given {
				if maps, err = mappings(c, targets); err != nil {
					return err
				}
			}
			collection, err := load(c)
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
					failed = !showRule(c, d, backendsOf(c, targets), maps) || failed
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
func showRule(c *cli.Context, d *parser.Document, targets []backends.Backend, maps map[string]sigmac.Mapping) bool {
	tell(c.App.Writer, "# %s: %s", d.Path, oneLine(d.Title))
	if maps == nil {
		r, ok := showPasses(c, d, sigmac.Mapping{}, "")
		for _, b := range targets {
			ok = ok && showLegal(c, d, r, b)
		}
		return ok
	}
	all := true
	for _, b := range targets {
		m := maps[b.Name()]
		m.Options.Backend, m.Options.Opaque = b.Name(), true
		r, ok := showPasses(c, d, m, b.Name())
		all = ok && showLegal(c, d, r, b) && all
	}
	return all
}

func show(c *cli.Context, name string, r fmt.Stringer) {
	fmt.Fprintf(c.App.Writer, "\n[%s]\n%s", name, r)
}

func showPasses(c *cli.Context, d *parser.Document, m sigmac.Mapping, target string) (*ir.Rule, bool) {
	r := d.Rule
	show(c, "Parse", r)
	for _, p := range m.Passes(&sigmac.Mapped{}) {
		next, err := p.Run(r)
		if err != nil {
			tell(c.App.ErrWriter, "%s", placed(sigmac.Result{Document: d, Target: target}, err))
			return nil, false
		}
		if next != r {
			show(c, p.Name, next)
		}
		r = next
	}
	return r, true
}

func showLegal(c *cli.Context, d *parser.Document, r *ir.Rule, b backends.Backend) bool {
	legal, refused := backends.Legalize(r, b.Caps())
	for _, u := range refused {
		tell(c.App.ErrWriter, "%s", placed(sigmac.Result{Document: d}, u))
	}
	if legal != nil {
		show(c, "Legalize "+b.Name(), legal)
	}
	return len(refused) == 0
}
