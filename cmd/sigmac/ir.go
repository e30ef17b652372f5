package main

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"sigmac"
	"sigmac/backends"
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
   sigmac ir -t elastic rule.yml`,
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "target", Aliases: []string{"t"}, Usage: "show what Legalize makes of it for the target"},
			patternFlag,
		},
		Action: func(c *cli.Context) error {
			var targets []backends.Backend
			if c.IsSet("target") {
				var err error
				if targets, err = targetsOf(c); err != nil {
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
					fmt.Fprintln(c.App.ErrWriter, e)
					failed = true
				}
				if d.Rule != nil {
					failed = !showPasses(c, d, targets) || failed
				}
			}
			if failed {
				return &failure{status: exitRules}
			}
			return nil
		},
	}
}

func showPasses(c *cli.Context, d *parser.Document, targets []backends.Backend) bool {
	w := c.App.Writer
	fmt.Fprintf(w, "# %s: %s\n", d.Path, oneLine(d.Title))
	show := func(w io.Writer, name string, r fmt.Stringer) { fmt.Fprintf(w, "\n[%s]\n%s", name, r) }
	r := d.Rule
	show(w, "Parse", r)
	for _, p := range sigmac.Passes() {
		next, err := p.Run(r)
		if err != nil {
			fmt.Fprintf(c.App.ErrWriter, "%s: %s\n", d.Path, err)
			return false
		}
		if next != r {
			show(w, p.Name, next)
		}
		r = next
	}
	ok := true
	for _, b := range targets {
		legal, refused := backends.Legalize(r, b.Caps())
		for _, u := range refused {
			fmt.Fprintf(c.App.ErrWriter, "%s:%d:%d: %s\n", d.Path, u.Pos.Line, u.Pos.Column, u)
			ok = false
		}
		if legal != nil {
			show(w, "Legalize "+b.Name(), legal)
		}
	}
	return ok
}
