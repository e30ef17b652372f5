package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"sigmac"
	"sigmac/backends"
	"sigmac/internal/check"
	"sigmac/internal/suggest"
	"sigmac/parser"
	"sigmac/pipeline"
	"sigmac/targets"
)

// A listed is one line of a list.
type listed struct {
	Kind        string   `json:"kind,omitempty"` // what a condition looks at
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Aliases     []string `json:"aliases,omitempty"`
	Options     []listed `json:"options,omitempty"` // that -O gives it
}

// A listing is what can be listed of some targets, or of none in particular.
type listing struct {
	name      string
	perTarget bool
	of        func(ts []*backends.Target) []listed
}

// listings are all lists but that of pipelines, which has a form of its own.
var listings = []listing{
	{"targets", false, func(ts []*backends.Target) (out []listed) {
		for _, t := range ts {
			out = append(out, listed{Name: t.Name, Description: t.Description, Aliases: t.Names()[1:]})
		}
		return out
	}},
	{"formats", true, func(ts []*backends.Target) (out []listed) {
		for _, t := range ts {
			for _, f := range t.Formats {
				out = join(out, t, listed{Name: f.Name, Description: f.Description})
			}
		}
		for _, t := range ts {
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
	}},
	{"correlation-methods", true, func(ts []*backends.Target) (out []listed) {
		for _, t := range ts {
			for _, m := range t.Format.Methods {
				out = join(out, t, listed{Name: m.Name, Description: m.Description, Aliases: m.Aliases})
			}
		}
		return out
	}},
	{"transformations", false, func([]*backends.Target) (out []listed) {
		for _, x := range pipeline.Transformations() {
			out = append(out, listed{Name: x.Name, Description: x.Description})
		}
		return out
	}},
	{"conditions", false, func([]*backends.Target) (out []listed) {
		for _, kind := range []string{"rule", "detection_item", "field_name"} {
			for _, x := range pipeline.Conditions()[kind] {
				out = append(out, listed{Kind: kind, Name: x.Name, Description: x.Description})
			}
		}
		return out
	}},
	{"validators", false, func([]*backends.Target) (out []listed) {
		for _, x := range check.Checks {
			if name := x.Validator(); name != "" {
				out = append(out, listed{Name: name, Description: x.Summary})
			}
		}
		return out
	}},
	{"modifiers", false, func([]*backends.Target) (out []listed) {
		for _, m := range parser.Modifiers() {
			out = append(out, listed{Name: m.Name, Description: m.Meaning})
		}
		return out
	}},
}

// join adds the line of a target, or its target to the line that says the same.
func join(out []listed, t *backends.Target, l listed) []listed {
	i := slices.IndexFunc(out, func(x listed) bool { return x.Name == l.Name })
	if i < 0 {
		l.Description = t.Name + ": " + l.Description
		return append(out, l)
	}
	for _, a := range l.Aliases {
		if !slices.Contains(out[i].Aliases, a) {
			out[i].Aliases = append(slices.Clip(out[i].Aliases), a)
		}
	}
	if before, same := strings.CutSuffix(out[i].Description, ": "+l.Description); same {
		out[i].Description = before + ", " + t.Name + ": " + l.Description
	} else {
		out[i].Description += "; " + t.Name + ": " + l.Description
	}
	return out
}

// listNames are what can be listed.
func listNames() []string {
	out := []string{"pipelines"}
	for _, l := range listings {
		out = append(out, l.name)
	}
	return out
}

func listCommand() *cli.Command {
	return &cli.Command{
		Name:      "list",
		Usage:     "list targets, formats, pipelines, validators and more",
		ArgsUsage: "WHAT [TARGET]",
		Description: `Lists ` + strings.Join(listNames(), ", ") + `.
Pipelines, formats and correlation-methods can be those of a TARGET.

   sigmac list targets
   sigmac list formats splunk
   sigmac list modifiers --json`,
		Flags:  []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "one JSON object a line"}},
		Action: listAll,
	}
}

func listAll(c *cli.Context) error {
	what := c.Args().First()
	i := slices.IndexFunc(listings, func(l listing) bool { return l.name == what })
	perTarget := what == "pipelines" || i >= 0 && listings[i].perTarget
	switch {
	case i < 0 && what != "pipelines":
		return usage("list needs one of %s%s", strings.Join(listNames(), ", "), suggest.For(what, listNames()))
	case c.NArg() > 2, c.NArg() == 2 && !perTarget:
		return usage("list %s takes nothing more", what)
	}
	ts := sigmac.Targets()
	var site *backends.Site
	if c.NArg() == 2 {
		t, place, err := targets.Find(c.Args().Get(1))
		if err != nil {
			return err
		}
		ts, site = []*backends.Target{t}, place
	}
	if i < 0 {
		return listPipelines(c, func(p *pipeline.Pipeline) bool {
			return c.NArg() < 2 || p.Allows(ts[0]) && (site == nil || len(p.AllowedBackends) == 0 || slices.Contains(site.Pipelines, p.ID))
		})
	}
	if c.Bool("json") {
		enc := json.NewEncoder(c.App.Writer)
		enc.SetEscapeHTML(false)
		for _, l := range listings[i].of(ts) {
			if err := enc.Encode(l); err != nil {
				return usage("the output cannot be written: %s", err)
			}
		}
		return nil
	}
	w := tabwriter.NewWriter(c.App.Writer, 0, 0, 2, ' ', 0)
	for _, l := range listings[i].of(ts) {
		if l.Kind != "" {
			fmt.Fprintf(w, "%s\t", l.Kind)
		}
		if len(l.Aliases) > 0 {
			l.Description += " (also " + strings.Join(l.Aliases, ", ") + ")"
		}
		fmt.Fprintf(w, "%s\t%s\n", l.Name, l.Description)
		for _, o := range l.Options {
			fmt.Fprintf(w, "  -O %s\t%s\n", o.Name, o.Description)
		}
	}
	return w.Flush()
}
