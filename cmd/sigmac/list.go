package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"sigmac"
	"sigmac/internal/suggest"
	"sigmac/parser"
)

// A listed is one line of a list.
type listed struct {
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Options     []listed `json:"options,omitempty"` // that -O gives it
}

var lists = map[string]func() []listed{
	"targets": func() (out []listed) {
		for _, t := range sigmac.Targets() {
			out = append(out, listed{Name: t.Name, Description: t.Description})
		}
		return out
	},
	"formats": func() (out []listed) {
		for _, t := range sigmac.Targets() {
			for _, f := range t.Formats {
				i := slices.IndexFunc(out, func(l listed) bool { return l.Name == f.Name })
				if i < 0 {
					i, out = len(out), append(out, listed{Name: f.Name})
				} else {
					out[i].Description += "; "
				}
				out[i].Description += t.Name + ": " + f.Description
			}
		}
		for _, t := range sigmac.Targets() {
			for _, f := range t.Packages {
				l := listed{Name: f.Name, Description: t.Name + ": " + f.Description}
				for _, o := range f.Options {
					help := o.Help
					if o.Values != nil {
						help += " (" + strings.Join(o.Values, ", ") + ")"
					}
					l.Options = append(l.Options, listed{Name: o.Name, Description: help})
				}
				out = append(out, l)
			}
		}
		return out
	},
	"modifiers": func() (out []listed) {
		for _, m := range parser.Modifiers() {
			out = append(out, listed{Name: m.Name, Description: m.Meaning})
		}
		return out
	},
}

func listCommand() *cli.Command {
	return &cli.Command{
		Name:        "list",
		Usage:       "list targets, formats or modifiers",
		ArgsUsage:   "targets|formats|modifiers",
		Description: "   sigmac list targets\n   sigmac list modifiers --json",
		Flags:       []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "one JSON object a line"}},
		Action: func(c *cli.Context) error {
			what := c.Args().First()
			list, ok := lists[what]
			if !ok || c.NArg() != 1 {
				return usage("list needs one of targets, formats and modifiers%s", suggest.For(what, []string{"targets", "formats", "modifiers"}))
			}
			if c.Bool("json") {
				enc := json.NewEncoder(c.App.Writer)
				enc.SetEscapeHTML(false)
				for _, l := range list() {
					if err := enc.Encode(l); err != nil {
						return usage("the output cannot be written: %s", err)
					}
				}
				return nil
			}
			w := tabwriter.NewWriter(c.App.Writer, 0, 0, 2, ' ', 0)
			for _, l := range list() {
				fmt.Fprintf(w, "%s\t%s\n", l.Name, l.Description)
				for _, o := range l.Options {
					fmt.Fprintf(w, "  -O %s\t%s\n", o.Name, o.Description)
				}
			}
			return w.Flush()
		},
	}
}
