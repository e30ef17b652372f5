package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	textdiff "github.com/rogpeppe/go-internal/diff"
	"github.com/urfave/cli/v2"

	"sigmac"
	"sigmac/backends"
	"sigmac/diff"
	"sigmac/internal/markdown"
	"sigmac/internal/ordered"
	"sigmac/internal/plain"
	"sigmac/internal/style"
	"sigmac/internal/suggest"
	"sigmac/link"
	"sigmac/parser"
	"sigmac/pipeline"
	"sigmac/project"
	"sigmac/revision"
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
   sigmac diff main                            main and the working tree
   sigmac diff main...HEAD rules/              from where the branch began
   sigmac diff -t splunk --markdown main..HEAD > comment.md
   sigmac diff --fail-on narrower main
   sigmac diff -t kusto --old-pipeline main:p.yml --new-pipeline p.yml rules/
   sigmac diff -t splunk --query a.spl b.spl

Exit status: 0 nothing that --fail-on names; 1 there is, or a new version cannot
be read; 2 wrong usage, or a file or revision that cannot be read.`,
		Flags: slices.Concat(targetFlags(), mappingFlags(), []cli.Flag{
			&cli.BoolFlag{Name: "query", Aliases: []string{"q"}, Usage: "OLD and NEW are files of one query each, in the language of the target"},
			&cli.StringFlag{Name: "old-pipeline", Usage: "compare what the rules become with this `PIPELINE`, a name or a file, also of a revision …"},
			&cli.StringFlag{Name: "new-pipeline", Usage: "… and with this `PIPELINE`"},
			&cli.StringFlag{Name: "fail-on", Value: "none", Usage: "what is a failure: wider, narrower, changed or none"},
			&cli.IntFlag{Name: "examples", Value: 3, Usage: "events to show for each direction, at most"},
			&cli.IntFlag{Name: "budget", Value: verify.DefaultBudget, Usage: "solver steps for one question, before the answer is unknown"},
			patternFlag,
			contextFlag,
			&cli.BoolFlag{Name: "json", Usage: "one JSON object a rule"},
			&cli.BoolFlag{Name: "markdown", Usage: "Markdown, for a comment on a pull request"},
		}),
		Action: diffRules,
	}
}

// failOn are the words of --fail-on.
var failOn = []string{"wider", "narrower", "changed", "none"}

func diffRules(c *cli.Context) error {
	switch {
	case c.Bool("json") && c.Bool("markdown"):
		return usage("--json and --markdown exclude each other")
	case !slices.Contains(failOn, c.String("fail-on")):
		return usage("--fail-on knows no %q%s", c.String("fail-on"), suggest.For(c.String("fail-on"), failOn))
	case c.Int("budget") < 1 || c.Int("examples") < 1:
		return usage("--budget and --examples must be at least 1")
	case !c.Args().Present():
		return usage("diff needs an old and a new version; see sigmac diff --help")
	}
	if len(c.StringSlice("target")) == 0 {
		for _, flag := range []string{"pipeline", "without-pipeline", "schema", "format"} {
			if c.IsSet(flag) {
				return usage("--%s is about queries: name a target with -t", flag)
			}
		}
	}
	pipelines := c.String("old-pipeline") != "" || c.String("new-pipeline") != ""
	var changes []change
	var err error
	switch {
	case c.Bool("query") && pipelines:
		err = usage("--query and --old-pipeline exclude each other")
	case c.Bool("query"):
		changes, err = diffQueries(c)
	case pipelines:
		changes, err = diffUnderPipelines(c)
	default:
		changes, err = diffVersions(c)
	}
	if err != nil {
		return err
	}
	slices.SortStableFunc(changes, func(a, b change) int {
		return cmp.Or(cmp.Compare(a.danger(), b.danger()), cmp.Compare(a.rank(), b.rank()))
	})
	w := bufio.NewWriter(c.App.Writer)
	switch {
	case c.Bool("json"):
		err = changesJSON(w, changes)
	case c.Bool("markdown"):
		err = changesMarkdown(w, changes)
	default:
		err = writeChanges(w, styleFor(c.App.Writer), changes)
	}
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		return usage("the output cannot be written: %s", err)
	}
	if slices.ContainsFunc(changes, func(ch change) bool { return ch.fails(c.String("fail-on")) }) {
		return &failure{status: exitRules}
	}
	return nil
}

// A change is one with what the targets make of it.
type change struct {
	diff.Change
	path    string // of what is no rule
	byFiles bool   // two files by themselves: their names say nothing
	target  string // of a comparison of pipelines or queries
	queries []queryChange
}

// A queryChange is a query of each version, or errors in their place.
type queryChange struct {
	target             string
	old, new           []string
	oldError, newError string
}

// levels are those of rules, the worst first.
var levels = []string{"critical", "high", "medium", "low", "informational"}

// rank orders changes of a kind: the higher the level, the earlier.
func (ch change) rank() int {
	if d := ch.Doc(); d != nil {
		if i := slices.Index(levels, diff.Level(d)); i >= 0 {
			return i
		}
	}
	return len(levels)
}

// danger orders kinds; a rule that has lost its query at a target finds nothing
// there, whatever it means.
func (ch change) danger() int {
	i := slices.Index(diff.Kinds, ch.Kind)
	if len(ch.undeployed()) > 0 {
		i = min(i, slices.Index(diff.Kinds, diff.Narrower))
	}
	return i
}

// undeployed are the targets for which the old version has a query, and the new
// one none.
func (ch change) undeployed() (targets []string) {
	for _, q := range ch.queries {
		if q.oldError == "" && q.newError != "" && ch.Old != nil {
			targets = append(targets, q.target)
		}
	}
	return targets
}

// deployed are those for which it is the other way round.
func (ch change) deployed() bool {
	return slices.ContainsFunc(ch.queries, func(q queryChange) bool { return q.oldError != "" && q.newError == "" && ch.New != nil })
}

// kind is what became of a rule, in words.
func (ch change) kind() string {
	if targets := ch.undeployed(); len(targets) > 0 && ch.Kind != diff.Removed {
		return string(ch.Kind) + ", no query for " + strings.Join(targets, ", ")
	}
	return string(ch.Kind)
}

func (ch change) fails(on string) bool {
	switch {
	case ch.Kind == diff.Broken:
		return true
	case on == "wider":
		return ch.Kind.Gains() || ch.deployed()
	case on == "narrower":
		return ch.Kind.Loses() || len(ch.undeployed()) > 0
	case on == "changed":
		return ch.Kind != diff.Equal || len(ch.Metadata) > 0 || len(ch.undeployed()) > 0 || ch.deployed()
	}
	return false
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
func diffVersions(c *cli.Context) ([]change, error) {
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
	was, is := documents(olds), documents(news)
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
	o := diff.Options{Budget: c.Int("budget"), Examples: c.Int("examples")}
	compile := sigmac.Options{Mappings: maps, Pretty: !c.Bool("json")}
	var changes []change
	bar := newProgress(c, len(pairs))
	for i, ch := range ordered.Map(pairs, func(p diff.Pair) change {
		ch := change{Change: diff.Compare(p.Old, p.New, o), byFiles: byFiles}
		for i, m := range maps {
			q := queryChange{target: m.Target.Name}
			if p.Old != nil {
				q.old, q.oldError = written(sigmac.CompileDocument(p.Old, compile)[i])
			}
			if p.New != nil {
				q.new, q.newError = written(sigmac.CompileDocument(p.New, compile)[i])
			}
			if !slices.Equal(q.old, q.new) || q.oldError != q.newError {
				ch.queries = append(ch.queries, q)
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
			p.Note("%s:%d:%d: warning: %s", f.Doc.Path, f.Pos.Line, f.Pos.Column, f.Msg)
		}
	}
	return err
}

// written are the queries of a result, or the first of its errors.
func written(r sigmac.Result) ([]string, string) {
	if len(r.Errors) == 0 {
		return r.Queries, ""
	}
	if e := (*parser.Error)(nil); errors.As(r.Errors[0], &e) {
		return nil, e.Msg
	}
	return nil, r.Errors[0].Error()
}

func documents(files []revision.File) (docs []*parser.Document) {
	for _, c := range ordered.Map(files, func(f revision.File) *parser.Collection { return parser.Parse(f.Name, f.Data) }) {
		docs = append(docs, c.Documents...)
	}
	return docs
}

// diffUnderPipelines compares what two pipelines make of rules.
func diffUnderPipelines(c *cli.Context) ([]change, error) {
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
			own := p
			if own == nil {
				own, _ = pipeline.Builtin(t.Format.Pipeline)
			}
			if !own.Allows(t.Target) {
				return nil, usage("--%s: %s is a pipeline for %s, not for %s", flag, own.Path, strings.Join(own.AllowedBackends, " and "), t.Name)
			}
			sides[i].Mappings = append(sides[i].Mappings, sigmac.Mapping{Target: t.Target, Pipeline: pipeline.Join(own),
				Schemas: schema.For(t.Target, schemas[j]...), Options: pipeline.Options{AllowExternal: c.Bool("allow-external"), Files: project.FolderOf}})
		}
	}
	collection, err := pr.Load()
	if err != nil {
		return nil, err
	}
	o := diff.Options{Budget: c.Int("budget"), Examples: c.Int("examples")}
	var changes []change
	p := newProgress(c, len(collection.Documents))
	for i, chs := range ordered.Map(collection.Documents, func(d *parser.Document) (out []change) {
		if len(d.Errors) > 0 {
			return []change{{Change: diff.Compare(nil, d, o)}}
		}
		was, is := sigmac.CompileDocument(d, sides[0]), sigmac.CompileDocument(d, sides[1])
		for i, t := range wanted {
			ch := change{Change: diff.Targets(was[i], is[i], o), target: t.Name}
			q := queryChange{target: t.Name}
			q.old, q.oldError = written(was[i])
			q.new, q.newError = written(is[i])
			if slices.Equal(q.old, q.new) && q.oldError == q.newError && ch.Kind == diff.Equal {
				continue // nothing differs
			}
			if !slices.Equal(q.old, q.new) || q.oldError != q.newError {
				ch.queries = []queryChange{q}
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
func diffQueries(c *cli.Context) ([]change, error) {
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
	res, err := diff.Queries(t, schema.For(t, schemas...), texts[0], texts[1], diff.Options{Budget: c.Int("budget"), Examples: c.Int("examples")})
	if e := (*verify.ReadPairError)(nil); errors.As(err, &e) {
		p := c.Args().Get(0)
		if e.New {
			p = c.Args().Get(1)
		}
		if r := (*backends.ReadError)(nil); errors.As(err, &r) {
			return nil, &failure{exitRules, fmt.Sprintf("%s:%d:%d: the query cannot be read: %s", p, r.Pos.Line, r.Pos.Column, r.Msg)}
		}
		return nil, &failure{exitRules, p + ": " + err.Error()}
	}
	ch := change{Change: res, path: c.Args().Get(1), target: t.Name}
	if texts[0] != texts[1] {
		ch.queries = []queryChange{{target: t.Name, old: []string{texts[0]}, new: []string{texts[1]}}}
	}
	return []change{ch}, nil
}

// where is the path of a change.
func (ch change) where() string {
	if d := ch.Doc(); d != nil {
		return d.Path
	}
	return ch.path
}

// movedFrom is the old path of a rule that has another now.
func (ch change) movedFrom() string {
	if ch.Old != nil && ch.New != nil && ch.Old.Path != ch.New.Path && !ch.byFiles {
		return ch.Old.Path
	}
	return ""
}

func changesJSON(w io.Writer, changes []change) error {
	type values struct {
		Old string `json:"old"`
		New string `json:"new"`
	}
	type queries struct {
		Old      []string `json:"old"`
		New      []string `json:"new"`
		OldError string   `json:"old_error,omitempty"`
		NewError string   `json:"new_error,omitempty"`
	}
	type object struct {
		Rule            string             `json:"rule"`
		Path            string             `json:"path"`
		OldPath         string             `json:"old_path,omitempty"`
		Title           string             `json:"title,omitempty"`
		Line            int                `json:"line,omitempty"`
		Target          string             `json:"target,omitempty"`
		Change          diff.Kind          `json:"change"`
		Reason          string             `json:"reason,omitempty"`
		NewlyMatched    []map[string]any   `json:"newly_matched"`
		NoLongerMatched []map[string]any   `json:"no_longer_matched"`
		Metadata        map[string]values  `json:"metadata"`
		Queries         map[string]queries `json:"queries"`
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, ch := range changes {
		o := object{Path: ch.where(), OldPath: ch.movedFrom(), Target: ch.target, Change: ch.Kind, Reason: ch.Reason,
			NewlyMatched: append([]map[string]any{}, ch.NewlyMatched...), NoLongerMatched: append([]map[string]any{}, ch.NoLongerMatched...),
			Metadata: map[string]values{}, Queries: map[string]queries{}}
		if d := ch.Doc(); d != nil {
			o.Rule, o.Title, o.Line = d.ID, d.Title, d.Pos.Line
		}
		for _, a := range ch.Metadata {
			o.Metadata[a.Name] = values{a.Old, a.New}
		}
		for _, q := range ch.queries {
			o.Queries[q.target] = queries{append([]string{}, q.old...), append([]string{}, q.new...), q.oldError, q.newError}
		}
		if err := enc.Encode(o); err != nil {
			return err
		}
	}
	return nil
}

// summary counts the changes by kind.
func summary(changes []change) string {
	counts := map[diff.Kind]int{}
	for _, ch := range changes {
		counts[ch.Kind]++
	}
	var parts []string
	for _, k := range diff.Kinds {
		if counts[k] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[k], k))
		}
	}
	if len(parts) == 0 {
		return "no rule differs"
	}
	return strings.Join(parts, ", ")
}

// quiet says whether a change is of no concern to a reviewer: the words differ,
// and nothing else.
func (ch change) quiet() bool {
	return ch.Kind == diff.Equal && len(ch.Metadata) == 0 && len(ch.queries) == 0 && ch.movedFrom() == ""
}

// name is the title of a rule with its level, or the path.
func (ch change) name() string {
	d := ch.Doc()
	if d == nil {
		return ""
	}
	if l := diff.Level(d); l != "" {
		return d.Title + " (" + l + ")"
	}
	return d.Title
}

// eventText is an event in a line.
func eventText(event map[string]any) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(event); err != nil {
		return err.Error()
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// lines is the difference of the queries, a line each.
func (q queryChange) lines() []string {
	text := func(queries []string, err string) []byte {
		if err != "" {
			return []byte("no query: " + err + "\n")
		}
		if len(queries) == 0 {
			return nil
		}
		return []byte(strings.Join(queries, "\n") + "\n")
	}
	d := textdiff.Diff("old", text(q.old, q.oldError), "new", text(q.new, q.newError))
	out := strings.Split(strings.TrimSuffix(string(d), "\n"), "\n")
	for len(out) > 0 && !strings.HasPrefix(out[0], "@@") {
		out = out[1:]
	}
	return slices.DeleteFunc(out, func(l string) bool { return strings.HasPrefix(l, "@@") })
}

var changeColours = map[diff.Kind]string{diff.Broken: "31", diff.Removed: "31", diff.Both: "31", diff.Narrower: "31", diff.Unknown: "33", diff.Wider: "33", diff.Added: "32", diff.Equal: "2"}

// writeChanges writes changes for people.
func writeChanges(w io.Writer, s style.Style, changes []change) error {
	var b strings.Builder
	for _, ch := range changes {
		if ch.quiet() {
			continue
		}
		head := s.Paint(changeColours[diff.Kinds[ch.danger()]], ch.kind()) + "  " + s.Heading(plain.Text(ch.where()))
		if name := ch.name(); name != "" {
			head += "  " + plain.Text(name)
		}
		if ch.target != "" {
			head += "  [" + ch.target + "]"
		}
		b.WriteString(head + "\n")
		line := func(label, text string) {
			b.WriteString("  " + s.Dim(label) + " " + plain.Text(text) + "\n")
		}
		if ch.Reason != "" {
			line("because:", ch.Reason)
		}
		if from := ch.movedFrom(); from != "" {
			line("moved from:", from)
		}
		for _, e := range ch.NoLongerMatched {
			line("no longer matched:", eventText(e))
		}
		for _, e := range ch.NewlyMatched {
			line("newly matched:", eventText(e))
		}
		for _, a := range ch.Metadata {
			line(a.Name+":", orNone(a.Old)+" -> "+orNone(a.New))
		}
		for _, q := range ch.queries {
			b.WriteString("  " + s.Dim(q.target+":") + "\n")
			for _, l := range q.lines() {
				colour := map[byte]string{'-': "31", '+': "32"}[(l + " ")[0]]
				l = plain.Text(l)
				if colour != "" {
					l = s.Paint(colour, l)
				}
				b.WriteString("    " + l + "\n")
			}
		}
		b.WriteString("\n")
	}
	b.WriteString(summary(changes) + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func orNone(s string) string { return cmp.Or(s, "none") }

// maxComment is less than what GitHub takes as a comment, 65,536 characters.
const maxComment = 60_000

// changesMarkdown writes changes for a comment: a table, then details while there
// is room.
func changesMarkdown(w io.Writer, changes []change) error {
	var b strings.Builder
	fmt.Fprintf(&b, "### Rules: %s\n", summary(changes))
	loud := slices.DeleteFunc(slices.Clone(changes), change.quiet)
	const rows = 50
	if len(loud) > 0 {
		b.WriteString("\n| Change | Rule | Level | File |\n|---|---|---|---|\n")
	}
	for i, ch := range loud {
		if i == rows {
			fmt.Fprintf(&b, "\nand %d more\n", len(loud)-rows)
			break
		}
		title, level := "", ""
		if d := ch.Doc(); d != nil {
			title, level = d.Title, diff.Level(d)
		}
		kind := ch.kind()
		if ch.target != "" {
			kind += " (" + ch.target + ")"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", kind, markdown.Text(clip(title, 200)), markdown.Text(level), markdown.Code(clip(ch.where(), 300)))
	}
	left := 0
	for _, ch := range loud {
		text := ch.details()
		if text == "" {
			continue
		}
		if b.Len()+len(text) > maxComment {
			left++
			continue
		}
		b.WriteString(text)
	}
	if left > 0 {
		fmt.Fprintf(&b, "\nThe details of %d more did not fit here.\n", left)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// clip is s with no more than n characters.
func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// details are the events, attributes and queries of a change, to be unfolded.
func (ch change) details() string {
	var b strings.Builder
	item := func(label, text string) { fmt.Fprintf(&b, "- %s: %s\n", label, text) }
	if ch.Reason != "" {
		item("because", markdown.Text(ch.Reason))
	}
	if from := ch.movedFrom(); from != "" {
		item("moved from", markdown.Code(from))
	}
	for _, a := range ch.Metadata {
		item(a.Name, markdown.Text(orNone(a.Old))+" → "+markdown.Text(orNone(a.New)))
	}
	events := func(label string, events []map[string]any) {
		if len(events) == 0 {
			return
		}
		var lines []string
		language := "json"
		for _, e := range events {
			text := plain.JSON(eventText(e))
			line := clip(text, 2000)
			if lines = append(lines, line); line != text {
				language = "text" // what is cut off is no JSON
			}
		}
		fmt.Fprintf(&b, "\n%s:\n\n%s\n", label, markdown.Block(language, lines))
	}
	events("No longer matched", ch.NoLongerMatched)
	events("Newly matched", ch.NewlyMatched)
	for _, q := range ch.queries {
		var lines []string
		for _, l := range q.lines() {
			lines = append(lines, clip(l, 4000))
		}
		fmt.Fprintf(&b, "\n%s:\n\n%s\n", q.target, markdown.Block("diff", lines))
	}
	if b.Len() == 0 {
		return ""
	}
	return fmt.Sprintf("\n<details><summary>%s: %s</summary>\n\n%s\n</details>\n", ch.kind(), htmlText(clip(cmp.Or(ch.name(), ch.where()), 200)), b.String())
}

// htmlText is s as text in HTML, in one line, and as text in Markdown.
func htmlText(s string) string {
	var b strings.Builder
	for _, r := range plain.Text(s) {
		if strings.ContainsRune("<>&\"'`*_[]\\~@#!|", r) {
			fmt.Fprintf(&b, "&#%d;", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}
