package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"sigmac/internal/cache"
	"sigmac/internal/project"
)

// mappingFlags say how rules get to a target's fields.
func mappingFlags() []cli.Flag {
	return []cli.Flag{
		list("pipeline", "a processing pipeline: its `NAME`, see sigmac pipeline list, its file, or a directory of files; may stand several times", "p"),
		&cli.BoolFlag{Name: "no-fallback", Usage: "of the pipelines that know a rule's log source, take the first even where it refuses the rule"},
		&cli.StringFlag{Name: "allow", Usage: "where a target cannot say a part of a rule, leave it out, proved, in a `DIRECTION`: narrower or wider than the rule"},
		&cli.BoolFlag{Name: "without-pipeline", Usage: "take field names as they stand in the rule, and do not test its log source"},
		&cli.BoolFlag{Name: "pipeline-check", Usage: "refuse a pipeline that is for another target (default)"},
		&cli.BoolFlag{Name: "disable-pipeline-check", Usage: "take a pipeline of -p also where it says that it is for another target"},
		list("schema", "the tables and columns in `FILE`, before those that sigmac knows; may stand several times"),
		&cli.BoolFlag{Name: "allow-external", Usage: "let pipelines run commands and open network connections"},
	}
}

// listFlags say where long lists of values stand.
func listFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "lists-as", Usage: "the `PLACE` of long lists of values: inline, or lookup: in files beside the query, which it names"},
		&cli.IntFlag{Name: "list-min", Usage: "from `N` values on, a list is long", DefaultText: fmt.Sprint(project.DefaultListMin)},
	}
}

// targetFlags choose targets.
func targetFlags() []cli.Flag {
	return []cli.Flag{
		list("target", "the query language, by a `NAME` of sigmac list targets; may stand several times", "t"),
		&cli.StringFlag{Name: "format", Aliases: []string{"f"}, Value: project.DefaultFormat, Usage: "the output `FORMAT`, see sigmac list formats"},
	}
}

// patternFlag names the rule files of a directory, and contextFlag the rules that
// correlations and filters may name.
var (
	patternFlag = func() cli.Flag {
		f := list("file-pattern", "the names of rule files in a directory, as a `PATTERN`; may stand several times", "P")
		f.Value = cli.NewStringSlice(project.RuleFiles...)
		return f
	}()
	filterFlag  = list("filter", "join the filters of `PATH` to the rules that they are meant for, beside those among the rules; may stand several times")
	contextFlag = list("context", "read the rules of `PATH` too, where a correlation or a filter names one that is not given; may stand several times")
)

var cacheFlag = &cli.StringFlag{Name: "cache", Usage: "keep what is proved in the directory `DIR`, and take from there what was proved before"}

// openCache is the cache of --cache, nil without one.
func openCache(c *cli.Context) (*cache.Cache, error) {
	if !c.IsSet("cache") {
		return nil, nil
	}
	if c.String("cache") == "" {
		return nil, usage("--cache needs a directory")
	}
	kept, err := cache.Open(c.String("cache"))
	if err != nil {
		return nil, usage("--cache: %s", project.Fault(err))
	}
	return kept, nil
}

// closeCache says what could not be kept.
func closeCache(kept *cache.Cache) error {
	if err := kept.Close(); err != nil {
		return usage("--cache: %s", project.Fault(err))
	}
	return nil
}

// inputFlags say which rules are read.
func inputFlags() []cli.Flag { return []cli.Flag{patternFlag, contextFlag, filterFlag} }

// ofRepository are the commands that take the rules of sigmac.yaml where no path
// is given.
var ofRepository = []string{"convert", "plan", "drift", "verify", "check", "test", "analyze attack", "analyze logsource", "analyze fields"}

// packs are the commands that take formats of detections.
var packs = []string{"convert", "drift", "plan"}

// open makes a project of the flags of a command, and its paths.
func open(c *cli.Context) (*project.Project, error) {
	return openFor(c, strings.TrimPrefix(c.Command.HelpName, "sigmac "), c.Args().Slice())
}

// openFor is open for the paths of a verb.
func openFor(c *cli.Context, verb string, paths []string) (*project.Project, error) {
	asked := project.Asked{Verb: verb, Packages: slices.Contains(packs, c.Command.Name), Targets: c.StringSlice("target"), Pipelines: c.StringSlice("pipeline"), Unmapped: c.Bool("without-pipeline"),
		Schemas: c.StringSlice("schema"), AllowExternal: c.Bool("allow-external"), NoFallback: c.Bool("no-fallback"), AnyPipeline: c.Bool("disable-pipeline-check"), Allow: c.String("allow"), ListsAs: c.String("lists-as"), Rules: paths, FromConfig: slices.Contains(ofRepository, verb),
		Patterns: c.StringSlice("file-pattern"), Context: c.StringSlice("context"), Filters: c.StringSlice("filter"), Stdin: c.App.Reader,
		Note: func(format string, args ...any) { tell(c.App.ErrWriter, format, args...) }}
	if c.IsSet("format") {
		asked.Format = c.String("format")
	}
	if c.Bool("pipeline-check") && c.Bool("disable-pipeline-check") {
		return nil, usage("--pipeline-check and --disable-pipeline-check exclude each other")
	}
	if c.IsSet("list-min") {
		if asked.ListMin = c.Int("list-min"); asked.ListMin < 1 {
			return nil, usage("--list-min must be at least 1")
		}
	}
	return project.Open(asked)
}

// requested are the targets that are asked for.
func requested(c *cli.Context) (*project.Project, []project.Request, error) {
	p, err := open(c)
	if err != nil {
		return nil, nil, err
	}
	wanted, err := p.Requests()
	return p, wanted, err
}
