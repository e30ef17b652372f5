package main

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"sigmac/internal/catalog"
	"sigmac/internal/catalog/page"
	"sigmac/parser"
)

func explainCommand() *cli.Command {
	return &cli.Command{
		Name:      "explain",
		Usage:     "show what a rule looks for, and what it excludes",
		ArgsUsage: "PATH...",
		Description: `Shows the page of a rule: its techniques and events, its stages with their
predicates, what it excludes and its indicators.

   sigmac explain rule.yml
   sigmac explain --markdown rule.yml >> comment.md
   sigmac explain --index site/ rule.yml
   sigmac explain --json rules/ | jq '.indicators[] | select(.kind == "regex")'

Exit status: 0 all rules were shown; 1 a rule is wrong, or a document is no rule
of single events; 2 wrong usage, or a file that cannot be read.`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "json", Usage: "one JSON object a rule"},
			&cli.BoolFlag{Name: "markdown", Usage: "Markdown, for a comment on a pull request"},
			&cli.StringFlag{Name: "index", Usage: "an index `FILE`, or a site, to count the rules that look for the same"},
			patternFlag,
			contextFlag,
			filterFlag,
		},
		Action: explain,
	}
}

func explain(c *cli.Context) error {
	if c.Bool("json") && c.Bool("markdown") {
		return usage("--json and --markdown exclude each other")
	}
	count := func(*catalog.Entry) error { return nil }
	if path := c.String("index"); path != "" {
		f, err := openIndex(path)
		if err != nil {
			return err
		}
		defer f.Close()
		count = f.Count
	}
	sources := map[string][]byte{}
	collection, err := loadSources(c, sources)
	if err != nil {
		return err
	}
	var write func(io.Writer, *catalog.Entry) error
	switch {
	case c.Bool("json"):
		write = page.JSON
	case c.Bool("markdown"):
		write = page.Markdown
	default:
		s := styleFor(c.App.Writer)
		write = func(w io.Writer, e *catalog.Entry) error { return page.Text(w, s, e) }
	}
	failed, shown := false, 0
	for _, d := range collection.Documents {
		for _, e := range d.Errors {
			tell(c.App.ErrWriter, "%s", e)
			failed = true
		}
		if d.Rule == nil {
			if d.Correlation != nil {
				tell(c.App.ErrWriter, "%s:%d:%d: a %s has no page: it is about rules, not about events", d.Path, d.Pos.Line, d.Pos.Column, d.Kind)
				failed = true
			}
			continue
		}
		if shown > 0 && !c.Bool("json") {
			fmt.Fprintln(c.App.Writer)
		}
		entry := catalog.NewEntry(d.Path, d.Rule, sources[d.Path])
		if err := count(entry); err != nil {
			return usage("%s: %s", c.String("index"), err)
		}
		if err := write(c.App.Writer, entry); err != nil {
			return usage("the output cannot be written: %s", err)
		}
		shown++
	}
	if failed {
		return &failure{status: exitRules}
	}
	return nil
}

// loadSources is load, and keeps the bytes of the files.
func loadSources(c *cli.Context, sources map[string][]byte) (*parser.Collection, error) {
	p, err := open(c)
	if err != nil {
		return nil, err
	}
	files, err := p.Files()
	if err != nil {
		return nil, err
	}
	texts := make([][]byte, len(files))
	collection, err := p.Parse(files, func(i int) ([]byte, error) {
		src, err := p.Read(files[i])
		texts[i] = src
		return src, err
	})
	for i, f := range files {
		sources[f] = texts[i]
	}
	return collection, err
}
