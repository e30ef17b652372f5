package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"github.com/urfave/cli/v2"

	"sigmac/internal/catalog"
	"sigmac/internal/catalog/page"
	"sigmac/internal/link"
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

Of a correlation it shows its window, group, condition and rules, and of a rule the
correlations that name it.

Exit status: 0 all rules were shown; 1 a rule is wrong; 2 wrong usage, or a file
that cannot be read.`,
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
	collection, correlations, err := loadSources(c, sources)
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
		if d.Rule == nil && d.Correlation == nil {
			continue
		}
		if shown > 0 && !c.Bool("json") {
			fmt.Fprintln(c.App.Writer)
		}
		entry := entryOf(d, correlations, sources[d.Path])
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

// entryOf is the entry of a rule, with the correlations that name it, or of a correlation.
func entryOf(d *parser.Document, cs *link.Correlations, src []byte) *catalog.Entry {
	if d.Correlation != nil {
		e := catalog.NewCorrelation(d.Path, d.Correlation)
		named, _ := cs.Named(d)
		for i, x := range named {
			e.Correlation.Rules[i].Title, e.Correlation.Rules[i].Path = x.Title, x.Path
		}
		e.UsedBy = usedBy(d, cs)
		return e
	}
	e := catalog.NewEntry(d.Path, d.Rule, src)
	e.UsedBy = usedBy(d, cs)
	return e
}

// usedBy are the correlations that name a document.
func usedBy(d *parser.Document, cs *link.Correlations) (out []catalog.Use) {
	for _, x := range cs.All() {
		named, _ := cs.Named(x)
		if slices.ContainsFunc(named, func(y *parser.Document) bool { return y.Path == d.Path && y.Pos == d.Pos }) {
			out = append(out, catalog.Use{Name: cmp.Or(x.Name, x.ID, x.Title), Title: x.Title, Path: x.Path})
		}
	}
	return out
}

// loadSources is load with the correlations, and keeps the bytes of the files.
func loadSources(c *cli.Context, sources map[string][]byte) (*parser.Collection, *link.Correlations, error) {
	p, err := open(c)
	if err != nil {
		return nil, nil, err
	}
	files, err := p.Files()
	if err != nil {
		return nil, nil, err
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
	if err != nil {
		return nil, nil, err
	}
	correlations, err := p.Correlations(collection)
	return collection, correlations, err
}
