package main

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"sigmac"
	"sigmac/internal/diff"
	"sigmac/internal/diff/review"
	"sigmac/internal/link"
	"sigmac/internal/ordered"
	"sigmac/internal/project"
	"sigmac/internal/revision"
	"sigmac/internal/suggest"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/pipeline"
	"sigmac/schema"
	"sigmac/verify"
)

func diffCommand() *cli.Command {
	return &cli.Command{
		Name:      "diff",
		Usage:     "tell what a change of rules will match that they did not, and what it will miss",
		ArgsUsage: "OLD [NEW] | OLD..NEW [PATH...]",
		Description: `Compares two versions of rules: each a file, a directory, a revision of git, or
a path of one (main:rules). Each rule that differs is equal in meaning, wider,
narrower or both, proved for every event, with events that tell the versions
apart. A rule is followed by its id.

   sigmac diff old.yml new.yml
   sigmac diff main                            # main and the working tree
   sigmac diff main...HEAD rules/              # from where the branch began
   sigmac diff -t splunk --markdown main..HEAD > comment.md
   sigmac diff --fail-on narrower main
   sigmac diff -t kusto --old-pipeline main:mine.yml --new-pipeline mine.yml rules/
   sigmac diff -t splunk --query deployed.spl new.spl

Exit status: 0 nothing that --fail-on names; 1 there is, or a new version cannot
be read; 2 wrong usage, or a file or revision that cannot be read.`,
		Flags: slices.Concat(targetFlags(), mappingFlags(), []cli.Flag{
			&cli.BoolFlag{Name: "query", Aliases: []string{"q"}, Usage: "OLD and NEW are files of one query each, in the language of the target"},
			&cli.StringFlag{Name: "old-pipeline", Usage: "compare what the rules become with this `PIPELINE`, a name or a file, also of a revision …"},
			&cli.StringFlag{Name: "new-pipeline", Usage: "… and with this `PIPELINE`"},
			&cli.StringFlag{Name: "fail-on", Value: "none", Usage: "what is a failure: wider, narrower, changed or none"},
			&cli.IntFlag{Name: "examples", Value: 3, Usage: "events to show for each direction, at most"},
			&cli.IntFlag{Name: "budget", Value: verify.DefaultBudget, Usage: "solver steps for one question, before the answer is unknown"},
			cacheFlag,
			patternFlag,
			contextFlag,
			filterFlag,
			&cli.BoolFlag{Name: "json", Usage: "one JSON object a rule"},
			&cli.BoolFlag{Name: "markdown", Usage: "Markdown, for a comment on a pull request"},
		}),
		Action: diffRules,
	}
}

func diffRules(c *cli.Context) error {
	switch {
	case c.Bool("json") && c.Bool("markdown"):
		return usage("--json and --markdown exclude each other")
	case !slices.Contains(review.Failures, c.String("fail-on")):
		return usage("--fail-on knows no %q%s", c.String("fail-on"), suggest.Among(c.String("fail-on"), "values", review.Failures))
	case c.Int("budget") < 1 || c.Int("examples") < 1:
		return usage("--budget and --examples must be at least 1")
	case !c.Args().Present():
		return usage("diff needs the revision or the folder of an old version, as in `sigmac diff main`, and may take a new one; see sigmac diff --help")
	}
	if len(c.StringSlice("target")) == 0 {
		for _, flag := range []string{"pipeline", "without-pipeline", "schema", "format"} {
			if c.IsSet(flag) {
				return usage("--%s is about queries: name a target with -t", flag)
			}
		}
	}
	pipelines := c.String("old-pipeline") != "" || c.String("new-pipeline") != ""
	kept, err := openCache(c)
	if err != nil {
		return err
	}
	o := diff.Options{Budget: c.Int("budget"), Examples: c.Int("examples"), Cache: kept}
	var changes []review.Change
	switch {
	case c.Bool("query") && pipelines:
		err = usage("--query and --old-pipeline exclude each other")
	case c.Bool("query"):
		changes, err = diffQueries(c, o)
	case pipelines:
		changes, err = diffUnderPipelines(c, o)
	default:
		changes, err = diffVersions(c, o)
	}
	if err == nil {
		err = closeCache(kept)
	}
	if err != nil {
		return err
	}
	review.Sort(changes)
	w := bufio.NewWriter(c.App.Writer)
	switch {
	case c.Bool("json"):
		err = review.JSON(w, changes)
	case c.Bool("markdown"):
		err = review.Markdown(w, changes)
	default:
		err = review.Text(w, styleFor(c.App.Writer), changes)
	}
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		return usage("the output cannot be written: %s", err)
	}
	if slices.ContainsFunc(changes, func(ch review.Change) bool { return ch.Fails(c.String("fail-on")) }) {
		return &failure{status: exitRules}
	}
	return nil
}

// takenName says which names are those of rule files.
func takenName(c *cli.Context) (func(string) bool, error) {
	patterns := c.StringSlice("file-pattern")
	for _, p := range patterns {
		if _, err := filepath.Match(p, ""); err != nil {
			return nil, usage("--file-pattern %q: %s", p, err)
		}
	}
	return func(name string) bool {
		return slices.ContainsFunc(patterns, func(p string) bool { ok, _ := filepath.Match(p, name); return ok })
	}, nil
}

// sides are the two versions that the command line names.
func sides(c *cli.Context, pr *project.Project) (old, new *revision.Tree, err error) {
	takes, err := takenName(c)
	if err != nil {
		return nil, nil, err
	}
	args := c.Args().Slice()
	exists := func(p string) bool { _, err := os.Stat(p); return err == nil }
	var repo *revision.Repo
	open := func(arg string) error {
		if repo != nil {
			return nil
		}
		if repo, err = revision.Open("."); errors.Is(err, revision.ErrNoRepo) {
			return fmt.Errorf("%s: no such file or directory, and no revision: %w", arg, err)
		}
		return err
	}
	isPath := exists(args[0]) || strings.HasPrefix(args[0], "../") || strings.Contains(args[0], "/../")
	if from, to, ok := strings.Cut(args[0], ".."); ok && !isPath {
		to, three := strings.CutPrefix(to, ".")
		from, to = cmp.Or(from, "HEAD"), cmp.Or(to, "HEAD")
		if err := open(args[0]); err != nil {
			return nil, nil, usage("%s", err)
		}
		if three {
			if from, err = repo.MergeBase(from, to); err != nil {
				return nil, nil, usage("%s", err)
			}
		}
		paths := args[1:]
		if len(paths) == 0 {
			paths = pr.ConfiguredRules()
			// A folder of sigmac.yaml may be newer than both.
			there := slices.DeleteFunc(slices.Clone(paths), func(p string) bool { return !repo.Holds(from, p) && !repo.Holds(to, p) })
			if len(there) > 0 {
				paths = there
			}
		}
		if old, new, err = repo.Between(from, to, paths, takes); err != nil {
			return nil, nil, usage("%s", err)
		}
		return old, new, nil
	}
	if len(args) > 2 {
		return nil, nil, usage("diff compares two versions, and here are %d", len(args))
	}
	if len(args) == 1 && exists(args[0]) {
		return nil, nil, usage("diff needs two versions: with what is %s to be compared?", args[0])
	}
	// A bare revision stands for what the other side is of it.
	side := func(arg, other string) (*revision.Tree, error) {
		if exists(arg) {
			return revision.Disk(arg, takes)
		}
		if err := open(arg); err != nil {
			return nil, err
		}
		rev, p, named := strings.Cut(arg, ":")
		switch {
		case named:
			return repo.RevisionPath(rev, p, takes)
		case other != "" && exists(other):
			below, err := repo.Below(other)
			if err != nil {
				return nil, err
			}
			return repo.RevisionPath(rev, below, takes)
		}
		return repo.Revision(rev, pr.ConfiguredRules(), takes)
	}
	other := ""
	if len(args) == 2 {
		other = args[1]
	}
	if old, err = side(args[0], other); err == nil {
		if other != "" {
			new, err = side(other, args[0])
		} else {
			new, err = repo.Worktree(pr.ConfiguredRules(), takes)
		}
	}
	if f := (*failure)(nil); errors.As(err, &f) {
		return nil, nil, f
	}
	if err != nil {
		return nil, nil, usage("%s", project.Fault(err))
	}
	return old, new, nil
}

// diffVersions compares two versions of rules.
func diffVersions(c *cli.Context, o diff.Options) ([]review.Change, error) {
	p, err := open(c)
	if err != nil {
		return nil, err
	}
	old, new, err := sides(c, p)
	if err != nil {
		return nil, err
	}
	if old.Single() != new.Single() && old.Len() > 0 && new.Len() > 0 {
		return nil, usage("%s and %s: a file and a directory are not compared", old.Label, new.Label)
	}
	if old.Len() == 0 && new.Len() == 0 && !old.Partial {
		return nil, usage("%s and %s: neither has a file that is named %s", old.Label, new.Label, strings.Join(c.StringSlice("file-pattern"), " or "))
	}
	var maps []sigmac.Mapping
	if c.IsSet("target") {
		wanted, err := p.Requests()
		if err != nil {
			return nil, err
		}
		if maps, err = p.Mappings(wanted); err != nil {
			return nil, err
		}
	}
	olds, news, err := revision.Changed(old, new, parser.MaxFileSize)
	if err != nil {
		return nil, usage("%s", project.Fault(err))
	}
	byFiles := old.Single() && new.Single()
	same, err := revision.Same(new, olds, news, parser.MaxFileSize)
	if err != nil {
		return nil, usage("%s", project.Fault(err))
	}
	was, is, err := joined(p, same, olds, news)
	if err != nil {
		return nil, usage("%s", project.Fault(err))
	}
	before, now, err := correlated(p, same, &was, &is)
	if err != nil {
		return nil, usage("%s", project.Fault(err))
	}
	if new.OnDisk() { // as the context is
		if err := tellNames(p, news, is); err != nil {
			return nil, err
		}
	}
	pairs, warnings := diff.PairUp(was, is, byFiles)
	for _, w := range warnings {
		tell(c.App.ErrWriter, "%s", w)
	}
	if !byFiles {
		pairs = slices.DeleteFunc(pairs, func(p diff.Pair) bool {
			foreign := (p.Old == nil || p.Old.Foreign) && (p.New == nil || p.New.Foreign)
			if foreign && p.New != nil {
				tell(c.App.ErrWriter, "%s:%d:%d: no Sigma document, not compared", p.New.Path, p.New.Pos.Line, p.New.Pos.Column)
			}
			return foreign
		})
	}
	o.Old, o.New = before, now
	compile := func(cs *link.Correlations) sigmac.Options {
		return sigmac.Options{Mappings: maps, Correlations: cs, Pretty: !c.Bool("json")}
	}
	var changes []review.Change
	bar := newProgress(c, len(pairs))
	for i, ch := range ordered.Map(pairs, func(p diff.Pair) review.Change {
		ch := review.Change{Change: diff.Compare(p.Old, p.New, o), ByFiles: byFiles}
		for i, m := range maps {
			q := review.Queries{Target: m.Target.Name}
			if p.Old != nil && p.Old.Filter == nil {
				q.Old, q.OldError, q.OldBy = written(sigmac.CompileDocument(p.Old, compile(before))[i])
			}
			if p.New != nil && p.New.Filter == nil {
				q.New, q.NewError, q.NewBy = written(sigmac.CompileDocument(p.New, compile(now))[i])
			}
			if q.Differ() {
				ch.Queries = append(ch.Queries, q)
			}
		}
		return ch
	}) {
		bar.at(i)
		changes = append(changes, ch)
	}
	bar.clear()
	return changes, nil
}

// joined are the documents of both versions with the filters of their version. Where one
// has a filter that the other has not so, the rules of files that are the same are among
// them, as far as it is meant for these.
func joined(p *project.Project, same, olds, news []revision.File) (was, is []*parser.Document, err error) {
	was, is = documents(olds), documents(news)
	given := make([]string, 0, len(news)+len(same))
	for _, f := range append(slices.Clip(news), same...) {
		given = append(given, filepath.FromSlash(f.Name))
	}
	common, err := p.FiltersElsewhere(given)
	if err != nil {
		return nil, nil, err
	}
	for _, f := range same {
		common = append(common, link.FiltersIn(f.Name, f.Data)...)
	}
	before, now := link.NewFilters(append(slices.Clip(common), was...)), link.NewFilters(append(slices.Clip(common), is...))
	for _, docs := range ordered.Map(same, meantBy(append(slices.Clip(was), is...))) {
		for _, d := range docs {
			alike := func(a, b *parser.Document) bool { return a.Path == b.Path && bytes.Equal(a.Filter.Text, b.Filter.Text) }
			if !slices.EqualFunc(before.For(d), now.For(d), alike) {
				old := *d
				was, is = append(was, &old), append(is, d)
			}
		}
	}
	for _, d := range was {
		before.Join(d)
	}
	for _, d := range is {
		now.Join(d)
	}
	return was, is, nil
}

// meantBy gives the documents of a file that a filter among docs may be meant for.
func meantBy(docs []*parser.Document) func(revision.File) []*parser.Document {
	names, any := map[string]bool{}, false
	for _, d := range docs {
		if d.Filter != nil {
			any = any || len(d.Filter.Rules) == 0
			for _, n := range d.Filter.Rules {
				names[n.Text], names[strings.ToLower(n.Text)] = true, true
			}
		}
	}
	return func(f revision.File) []*parser.Document {
		switch {
		case any:
			return parser.Parse(f.Name, f.Data).Documents
		case len(names) > 0:
			return link.CalledIn(f.Name, f.Data, names)
		}
		return nil
	}
}

// correlated are the correlations of both versions with what they name: in their version, or
// in files that are the same, or in the context. Those of files that are the same are added to
// the documents where a rule that they name is among these.
func correlated(p *project.Project, same []revision.File, was, is *[]*parser.Document) (before, now *link.Correlations, err error) {
	names := map[string]bool{}
	for _, d := range append(slices.Clip(*was), *is...) {
		if d.Rule != nil || d.Correlation != nil {
			names[strings.ToLower(d.ID)], names[d.Name] = true, true
		}
	}
	delete(names, "")
	for _, f := range same {
		for _, d := range link.CorrelationsIn(f.Name, f.Data) {
			if slices.ContainsFunc(d.Correlation.Rules, func(n ir.Name) bool { return names[n.Text] || names[strings.ToLower(n.Text)] }) {
				old := *d
				*was, *is = append(*was, &old), append(*is, d)
			}
		}
	}
	of := func(docs []*parser.Document) (*link.Correlations, error) {
		named, err := p.NamedBy(docs, func(wanted map[string]bool) (out []*parser.Document) {
			for _, f := range same {
				out = append(out, link.CalledIn(f.Name, f.Data, wanted)...)
			}
			return out
		})
		return link.NewCorrelations(docs, named), err
	}
	if before, err = of(*was); err != nil {
		return nil, nil, err
	}
	now, err = of(*is)
	return before, now, err
}

// tellNames tells which names of the new version lead to no rule. It is compared all
// the same: what was named may have gone with the change.
func tellNames(p *project.Project, files []revision.File, docs []*parser.Document) error {
	l := &link.Linker{}
	for _, d := range docs {
		l.Add(d)
	}
	var given []string
	for _, f := range files {
		given = append(given, filepath.FromSlash(f.Name))
	}
	found, err := p.Findings(l, given)
	for _, f := range found {
		if !f.Note {
			p.Note("%s: warning: %s", f.Place(), f.Msg)
		}
	}
	return err
}

// written are the queries of a result, or the first of its errors, and the pipelines that
// were chosen for it.
func written(r sigmac.Result) (queries []string, fault, by string) {
	if len(r.Errors) == 0 {
		return r.Queries, "", r.Choice.Pipelines
	}
	return nil, r.Errors[0].Text(), ""
}

func documents(files []revision.File) (docs []*parser.Document) {
	for _, c := range ordered.Map(files, func(f revision.File) *parser.Collection { return parser.Parse(f.Name, f.Data) }) {
		docs = append(docs, c.Documents...)
	}
	return docs
}

// diffUnderPipelines compares what two pipelines make of rules.
func diffUnderPipelines(c *cli.Context, o diff.Options) ([]review.Change, error) {
	pr, err := open(c)
	if err != nil {
		return nil, err
	}
	if pr.Unmapped || len(pr.Pipelines) > 0 {
		return nil, usage("--old-pipeline and --new-pipeline stand in place of -p and --without-pipeline")
	}
	wanted, err := pr.Requests()
	if err != nil {
		return nil, err
	}
	schemas := make([][]*schema.Schema, len(wanted))
	for i, t := range wanted {
		if schemas[i], err = pr.SchemasOf(t); err != nil {
			return nil, err
		}
	}
	var sides [2]sigmac.Options
	for i, flag := range []string{"old-pipeline", "new-pipeline"} {
		p, err := onePipeline(c.String(flag))
		if err != nil {
			return nil, err
		}
		sides[i].Pretty = !c.Bool("json")
		for j, t := range wanted {
			m := sigmac.DefaultMapping(t.Target)
			if p != nil {
				if !p.Allows(t.Target) {
					return nil, usage("--%s: %s is a pipeline for %s, not for %s", flag, p.Path, strings.Join(p.AllowedBackends, " and "), t.Name)
				}
				m.Pipeline, m.Table = pipeline.Join(p), nil
			}
			m.Schemas = schema.For(t.Target, schemas[j]...)
			m.Options = pipeline.Options{AllowExternal: c.Bool("allow-external"), Files: project.FolderOf}
			sides[i].Mappings = append(sides[i].Mappings, m)
		}
	}
	collection, err := pr.Load()
	if err != nil {
		return nil, err
	}
	var changes []review.Change
	p := newProgress(c, len(collection.Documents))
	for i, chs := range ordered.Map(collection.Documents, func(d *parser.Document) (out []review.Change) {
		if len(d.Errors) > 0 {
			return []review.Change{{Change: diff.Compare(nil, d, o)}}
		}
		if d.Filter != nil {
			return nil
		}
		was, is := sigmac.CompileDocument(d, sides[0]), sigmac.CompileDocument(d, sides[1])
		for i, t := range wanted {
			ch := review.Change{Change: diff.Targets(was[i], is[i], o), Target: t.Name}
			q := review.Queries{Target: t.Name}
			q.Old, q.OldError, q.OldBy = written(was[i])
			q.New, q.NewError, q.NewBy = written(is[i])
			if q.Differ() {
				ch.Queries = []review.Queries{q}
			} else if ch.Kind == diff.Equal {
				continue // nothing differs
			}
			out = append(out, ch)
		}
		return out
	}) {
		p.at(i)
		changes = append(changes, chs...)
	}
	p.clear()
	return changes, nil
}

// onePipeline is a pipeline by its name, its file, or its file in a revision; nil
// for no name.
func onePipeline(name string) (*pipeline.Pipeline, error) {
	if name == "" {
		return nil, nil
	}
	rev, p, ok := strings.Cut(name, ":")
	if _, err := os.Stat(name); err != nil && ok {
		repo, err := revision.Open(".")
		if err == nil {
			var src []byte
			if src, err = repo.Show(rev, p, parser.MaxFileSize); err == nil {
				out, errs := pipeline.Parse(name, src)
				var faults []error
				for _, e := range errs {
					faults = append(faults, e)
				}
				if err = errors.Join(faults...); err == nil {
					return out, nil
				}
			}
		}
		return nil, usage("%s", err)
	}
	ps, err := project.LoadPipelines([]string{name}, strings.NewReader(""))
	if err != nil {
		return nil, err
	}
	if len(ps) != 1 {
		return nil, usage("%s: holds %d pipelines, and one is compared", name, len(ps))
	}
	return ps[0], nil
}

// diffQueries compares two queries.
func diffQueries(c *cli.Context, o diff.Options) ([]review.Change, error) {
	pr, wanted, err := requested(c)
	if err != nil {
		return nil, err
	}
	if len(wanted) != 1 || c.NArg() != 2 {
		return nil, usage("--query compares two files, each with a query, in the language of one target")
	}
	schemas, err := pr.SchemasOf(wanted[0])
	if err != nil {
		return nil, err
	}
	var texts [2]string
	for i, p := range c.Args().Slice() {
		src, err := project.ReadFile(p, c.App.Reader)
		if err != nil {
			return nil, usage("%s", err)
		}
		if texts[i] = strings.TrimSpace(string(src)); texts[i] == "" {
			return nil, usage("%s: no query in this file", p)
		}
	}
	t := wanted[0].Target
	res, err := diff.Queries(t, schema.For(t, schemas...), texts[0], texts[1], o)
	if e := (*verify.ReadPairError)(nil); errors.As(err, &e) {
		p := c.Args().Get(0)
		if e.New {
			p = c.Args().Get(1)
		}
		if r := (*ir.Diagnostic)(nil); errors.As(err, &r) {
			r.Path = p
			return nil, &failure{exitRules, r.Place() + ": the query cannot be read: " + r.Msg}
		}
		return nil, &failure{exitRules, p + ": " + err.Error()}
	}
	ch := review.Change{Change: res, Path: c.Args().Get(1), Target: t.Name}
	if texts[0] != texts[1] {
		ch.Queries = []review.Queries{{Target: t.Name, Old: []string{texts[0]}, New: []string{texts[1]}}}
	}
	return []review.Change{ch}, nil
}
