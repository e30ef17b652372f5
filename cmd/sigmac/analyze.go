package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"sigmac"
	"sigmac/internal/coverage"
	"sigmac/internal/lazy"
	"sigmac/internal/project"
	"sigmac/internal/suggest"
	"sigmac/parser"
)

func analyzeCommand() *cli.Command {
	names := []string{"attack", "logsource", "fields"}
	var scores []string
	var meanings strings.Builder
	for _, s := range coverage.Scores {
		scores = append(scores, s.Name)
		fmt.Fprintf(&meanings, "\n   %-6s %s", s.Name, s.Description)
	}
	return &cli.Command{
		Name:      "analyze",
		Usage:     "count what rules cover: techniques of ATT&CK, log sources, fields",
		UsageText: "sigmac analyze COMMAND [command options] [arguments...]",
		Description: `OUTPUT is a file, or - for standard output. Without a PATH, the rules of sigmac.yaml
are taken.

   sigmac analyze attack count layer.json rules/
   sigmac analyze logsource - rules/
   sigmac analyze fields -t splunk rules/

Exit status: 0 all rules were counted; 1 a rule is wrong, or has no fields at the
target, and then no file is written; 2 wrong usage, or a file that cannot be read or
written.`,
		Subcommands: []*cli.Command{
			{
				Name: "attack", Usage: "write a layer of the ATT&CK Navigator, in version 4.5 of its format", ArgsUsage: strings.Join(scores, "|") + " OUTPUT PATH...",
				Description: "Each technique that tags of rules name has a score:\n" + meanings.String() + "\n\nTechniques that the matrix does not have are told.",
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "min-level", Aliases: []string{"L"}, Value: coverage.Levels[0], Usage: "leave out rules below the `LEVEL`: " + strings.Join(coverage.Levels, ", ")},
					&cli.StringFlag{Name: "min-status", Aliases: []string{"T"}, Value: coverage.Statuses[0], Usage: "leave out rules below the `STATUS`: " + strings.Join(coverage.Statuses, ", ")},
					&cli.BoolFlag{Name: "subtechniques", Aliases: []string{"s"}, Usage: "score sub-techniques (default)"},
					&cli.BoolFlag{Name: "no-subtechniques", Aliases: []string{"S"}, Usage: "count sub-techniques for their techniques"},
					&cli.StringFlag{Name: "max-color", Aliases: []string{"c"}, Value: "#ff0000", Usage: "the `COLOR` of the highest score, #rrggbb or #rrggbbaa"},
					&cli.StringFlag{Name: "min-color", Aliases: []string{"C"}, Value: "#ffffff00", Usage: "the `COLOR` of the lowest score"},
					&cli.IntFlag{Name: "max-score", Aliases: []string{"m"}, DefaultText: "the highest", Usage: "what is above `N` has the colour of the highest score"},
					&cli.IntFlag{Name: "min-score", Aliases: []string{"M"}, Usage: "what is below `N` has the colour of the lowest score"},
					patternFlag, contextFlag, filterFlag,
				},
				Action: analyzeAttack,
			},
			{
				Name: "logsource", Usage: "count rules by the category of their log source and their level", ArgsUsage: "OUTPUT PATH...",
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "sort-by", Aliases: []string{"k"}, Value: coverage.Columns[0], Usage: "the `COLUMN` whose largest numbers stand first: " + strings.Join(coverage.Columns, ", ")},
					&cli.BoolFlag{Name: "json", Usage: "one JSON object a category"},
					patternFlag, contextFlag, filterFlag,
				},
				Action: analyzeLogSources,
			},
			{
				Name: "fields", Usage: "list the names of the fields that rules have at a target", ArgsUsage: "PATH...",
				Flags: slices.Concat(targetFlags(), mappingFlags(), []cli.Flag{
					&cli.BoolFlag{Name: "group", Usage: "by log source: category|product|service"},
					&cli.BoolFlag{Name: "no-group", Usage: "of all rules together (default)"},
					&cli.BoolFlag{Name: "json", Usage: "one JSON object a log source, or for all rules together"},
					&cli.BoolFlag{Name: "verbose", Usage: "tell each rule that has no fields there, also where they are many"},
					patternFlag, contextFlag, filterFlag,
				}),
				Action: analyzeFields,
			},
		},
		Action: func(c *cli.Context) error {
			if !c.Args().Present() {
				return usage("analyze needs one of %s; see sigmac analyze --help", strings.Join(names, ", "))
			}
			return usage("unknown command %q%s", "analyze "+c.Args().First(), suggest.Among(c.Args().First(), "commands", names))
		},
	}
}

// opposites fails where both flags of a pair are given.
func opposites(c *cli.Context, yes, no string) error {
	if c.Bool(yes) && c.Bool(no) {
		return usage("--%s and --%s exclude each other", yes, no)
	}
	return nil
}

// analyzed loads the rules of paths, and tells what is wrong with them.
func analyzed(c *cli.Context, paths []string) ([]*parser.Document, error) {
	p, err := openFor(c, "analyze "+c.Command.Name, paths)
	if err != nil {
		return nil, err
	}
	collection, err := p.Load()
	if err != nil {
		return nil, err
	}
	failed := false
	for _, d := range collection.Documents {
		for _, e := range d.Errors {
			tell(c.App.ErrWriter, "%s", e)
			failed = true
		}
	}
	if failed {
		return nil, &failure{status: exitRules}
	}
	return collection.Documents, nil
}

// outputOf is the OUTPUT of the arguments, of which the others are rules.
func outputOf(c *cli.Context, args []string) (*output, error) {
	path := args[0]
	info, err := os.Stat(path)
	if path != project.Stdin && err == nil && (info.IsDir() || input(path, nil) != "") {
		return nil, usage("%s was taken for OUTPUT; write - %[1]s for standard output", path)
	}
	return newOutput(c, path, args[1:])
}

// writeWhole writes an output whole or not at all.
func writeWhole(out *output, write func(*output) error) error {
	if err := write(out); err != nil {
		return usage("the output cannot be written: %s", err)
	}
	return out.close()
}

var colour = lazy.Regexp(`^#[0-9a-fA-F]{6}([0-9a-fA-F]{2})?$`)

func analyzeAttack(c *cli.Context) error {
	var names []string
	for _, s := range coverage.Scores {
		names = append(names, s.Name)
	}
	score := slices.Index(names, c.Args().First())
	switch {
	case score < 0:
		return usage("analyze attack needs one of %s%s", strings.Join(names, ", "), suggest.For(c.Args().First(), names))
	case c.NArg() < 2:
		return usage("analyze attack needs an OUTPUT: a file, or - for standard output")
	}
	o := coverage.LayerOptions{Score: coverage.Scores[score], MinLevel: strings.ToLower(c.String("min-level")), MinStatus: strings.ToLower(c.String("min-status")),
		NoSubtechniques: c.Bool("no-subtechniques"), MinColor: c.String("min-color"), MaxColor: c.String("max-color"), Min: c.Int("min-score"), Max: c.Int("max-score")}
	for _, w := range []struct {
		flag, word string
		words      []string
	}{{"min-level", o.MinLevel, coverage.Levels}, {"min-status", o.MinStatus, coverage.Statuses}} {
		if !slices.Contains(w.words, w.word) {
			return usage("--%s knows no %q%s", w.flag, w.word, suggest.Among(w.word, "values", w.words))
		}
	}
	for _, s := range []string{o.MinColor, o.MaxColor} {
		if !colour().MatchString(s) {
			return usage("a colour is #rrggbb or #rrggbbaa, and not %q", s)
		}
	}
	if c.IsSet("max-score") && o.Max <= o.Min {
		return usage("--max-score must be above --min-score")
	}
	if err := opposites(c, "subtechniques", "no-subtechniques"); err != nil {
		return err
	}
	out, err := outputOf(c, c.Args().Slice()[1:])
	if err != nil {
		return err
	}
	docs, err := analyzed(c, c.Args().Slice()[2:])
	if err != nil {
		return err
	}
	layer, strange := coverage.NewLayer(docs, o)
	if len(strange) > 0 {
		tell(c.App.ErrWriter, "note: not in the matrix of ATT&CK %s, and left out: %s", layer.Versions.Attack, strings.Join(strange, ", "))
	}
	return writeWhole(out, func(out *output) error {
		enc := json.NewEncoder(out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(layer)
	})
}

func analyzeLogSources(c *cli.Context) error {
	by := c.String("sort-by")
	switch {
	case c.NArg() < 1:
		return usage("analyze logsource needs an OUTPUT: a file, or - for standard output")
	case !slices.Contains(coverage.Columns, by):
		return usage("--sort-by knows no %q%s", by, suggest.Among(by, "values", coverage.Columns))
	}
	out, err := outputOf(c, c.Args().Slice())
	if err != nil {
		return err
	}
	docs, err := analyzed(c, c.Args().Slice()[1:])
	if err != nil {
		return err
	}
	sources := coverage.LogSources(docs, by)
	return writeWhole(out, func(out *output) error {
		if !c.Bool("json") {
			return coverage.WriteLogSources(out, sources)
		}
		enc := json.NewEncoder(out)
		enc.SetEscapeHTML(false)
		for _, s := range sources {
			o := struct {
				Category string         `json:"category"`
				Rules    map[string]int `json:"rules"`
			}{s.Category, map[string]int{}}
			for i, n := range s.Rules {
				o.Rules[strings.ToLower(coverage.Columns[i])] = n
			}
			if err := enc.Encode(o); err != nil {
				return err
			}
		}
		return nil
	})
}

func analyzeFields(c *cli.Context) error {
	if err := opposites(c, "group", "no-group"); err != nil {
		return err
	}
	p, err := openFor(c, "analyze fields", c.Args().Slice())
	if err != nil {
		return err
	}
	wanted, err := p.Requests()
	if err != nil {
		return err
	}
	if len(wanted) > 1 {
		return usage("the fields are those of one target: ask for one")
	}
	mappings, err := p.Mappings(wanted)
	if err != nil {
		return err
	}
	collection, correlations, err := p.LoadCorrelated()
	if err != nil {
		return err
	}
	found := map[string]map[string]bool{} // by log source
	refused := &refusals{}
	for res := range sigmac.Compile(collection, sigmac.Options{Mappings: mappings, Correlations: correlations}) {
		names, ok := coverage.Fields(res)
		if !ok {
			refused.add(res)
			continue
		}
		source := ""
		if c.Bool("group") {
			if res.Document.Rule == nil {
				continue // its rules have log sources
			}
			source = coverage.SourceName(res.Document.Rule.Source)
		}
		if found[source] == nil {
			found[source] = map[string]bool{}
		}
		for _, name := range names {
			found[source][name] = true
		}
	}
	refused.tell(c.App.ErrWriter, c.Bool("verbose"))
	enc := json.NewEncoder(c.App.Writer)
	enc.SetEscapeHTML(false)
	w := tabwriter.NewWriter(c.App.Writer, 0, 0, 2, ' ', 0)
	for _, source := range slices.Sorted(maps.Keys(found)) {
		fields := slices.Sorted(maps.Keys(found[source]))
		if c.Bool("json") {
			if err := enc.Encode(struct {
				Source string   `json:"logsource,omitempty"`
				Fields []string `json:"fields"`
			}{source, fields}); err != nil {
				return usage("the output cannot be written: %s", err)
			}
			continue
		}
		for _, name := range fields {
			if c.Bool("group") {
				fmt.Fprintf(w, "%s\t", source)
			}
			fmt.Fprintln(w, name)
		}
	}
	if err := w.Flush(); err != nil {
		return usage("the output cannot be written: %s", err)
	}
	if len(refused.lines) > 0 {
		return &failure{status: exitRules}
	}
	return nil
}
