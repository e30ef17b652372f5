package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"sigmac/internal/atomic"
	"sigmac/internal/check"
	"sigmac/internal/lazy"
	"sigmac/internal/project"
	"sigmac/internal/revision"
	"sigmac/internal/suggest"
	"sigmac/parser"
	"sigmac/verify"
)

func checkCommand() *cli.Command {
	return &cli.Command{
		Name:      "check",
		Usage:     "find what is wrong with rules, or likely to be",
		ArgsUsage: "PATH...",
		Description: `Looks for faults of the specification and of its schema, for what the validators
of pySigma find, and, with a prover, for rules that match nothing, filters that
filter nothing, and values that say nothing. Without a PATH it takes the rules of
sigmac.yaml.

   sigmac check rules/
   sigmac check --fix rules/
   sigmac check -f sarif -o check.sarif rules/
   sigmac check --new-from main -f github -f sarif=check.sarif rules/
   sigmac check --profile sigmahq --ignore filename_prefix rules/
   sigmac check --explain dead_exclusion

Exit status: 0 nothing as severe as --fail-on; 1 something is; 2 wrong usage, or
a file that cannot be read or written.`,
		Flags: []cli.Flag{
			list("format", "the `FORM` of the findings: "+strings.Join(reports, ", ")+"; FORM=FILE writes that one to a file, and may stand several times", "f"),
			&cli.BoolFlag{Name: "json", Usage: "the same as --format json"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write to `FILE`, whole or not at all"},
			&cli.StringFlag{Name: "profile", Usage: "the conventions to hold: default, or sigmahq for those of the public rule set"},
			list("ignore", "leave out the findings of `CHECK`; may stand several times", "exclude", "x"),
			list("only", "look for `CHECK` only; may stand several times"),
			&cli.StringFlag{Name: "new-from", Usage: "leave out what `REV` has found already, a revision of git; SARIF marks it instead"},
			&cli.StringFlag{Name: "validation-config", Aliases: []string{"c"}, Usage: "which validators look at which rules, by a `FILE` of sigma check"},
			&cli.StringFlag{Name: "fail-on", Value: check.Error, Usage: "the mildest severity that is a failure: error, warning, note or none"},
			&cli.BoolFlag{Name: "fail-on-error", Aliases: []string{"e"}, Usage: "an error is a failure (default)"},
			&cli.BoolFlag{Name: "pass-on-error", Aliases: []string{"E"}, Usage: "an error is no failure"},
			&cli.BoolFlag{Name: "fail-on-issues", Aliases: []string{"i"}, Usage: "a warning or a note is a failure"},
			&cli.BoolFlag{Name: "pass-on-issues", Aliases: []string{"I"}, Usage: "a warning or a note is no failure (default)"},
			&cli.StringFlag{Name: "junitxml", Usage: "write the findings in the form junit to `FILE` too"},
			&cli.BoolFlag{Name: "fix", Usage: "mend what can be mended without a change of meaning"},
			&cli.BoolFlag{Name: "without-prover", Usage: "leave out what needs the prover, and fixes of detections"},
			&cli.IntFlag{Name: "budget", Value: verify.DefaultBudget, Usage: "solver steps for one question, before it is left open"},
			&cli.StringFlag{Name: "as-of", Usage: "the `DAY` for which a rule counts as new, YYYY-MM-DD"},
			&cli.StringFlag{Name: "explain", Usage: "tell what a `CHECK` is about"},
			&cli.BoolFlag{Name: "list", Usage: "list all checks"},
			patternFlag,
			contextFlag,
			filterFlag,
		},
		Action: checkRules,
	}
}

var day = lazy.Regexp(`^\d{4}-\d{2}-\d{2}$`)

func checkRules(c *cli.Context) error {
	if c.Bool("list") {
		return listChecks(c)
	}
	if id := c.String("explain"); id != "" {
		found, ok := check.Validator(id)
		if !ok {
			found, ok = check.Lookup(id)
		}
		if !ok {
			return usage("no check is named %q%s", id, suggest.For(id, check.IDs()))
		}
		fmt.Fprint(c.App.Writer, found.Markdown())
		return nil
	}
	severities := []string{check.Error, check.Warning, check.Note, "none"}
	switch {
	case !slices.Contains(severities, c.String("fail-on")):
		return usage("--fail-on knows no %q%s", c.String("fail-on"), suggest.Among(c.String("fail-on"), "values", severities))
	case c.Int("budget") < 1:
		return usage("--budget must be at least 1")
	case c.String("as-of") != "" && !day().MatchString(c.String("as-of")):
		return usage("--as-of is a day like 2026-01-31")
	case c.Bool("fix") && c.Bool("without-prover"):
		return usage("--fix needs the prover")
	case c.Bool("fix") && c.IsSet("new-from"):
		return usage("--fix mends what is known too: it goes without --new-from")
	}
	fails, err := failures(c, severities)
	if err != nil {
		return err
	}
	p, err := open(c)
	if err != nil {
		return err
	}
	o, err := p.Checks(project.AskedChecks{Profile: c.String("profile"), Ignore: c.StringSlice("ignore"), Only: c.StringSlice("only"), Validation: c.String("validation-config")})
	if err != nil {
		return err
	}
	o.Prover, o.Budget, o.AsOf = !c.Bool("without-prover"), c.Int("budget"), c.String("as-of")
	files, err := p.CheckFiles(&o)
	if err != nil {
		return err
	}
	out, err := newReports(c)
	if err != nil {
		return err
	}
	progress := newProgress(c, len(files))
	o.Progress = progress.at
	findings := check.Run(files, o)
	progress.clear()
	if err := p.Unread(); err != nil {
		return err
	}
	o.Progress = nil
	if c.Bool("fix") {
		if findings, err = fixAll(c, files, findings, o); err != nil {
			return err
		}
	}
	r := checkReport{suite: "check", checks: check.Checks, files: files, findings: findings}
	if rev := c.String("new-from"); rev != "" {
		if err := markKnown(c, p, rev, files, findings, o); err != nil {
			return err
		}
		r.compared = rev
		findings = check.New(findings)
	}
	for _, w := range out {
		if err := w.write(c, r); err != nil {
			return err
		}
	}
	if slices.ContainsFunc(findings, func(f check.Finding) bool { return fails[f.Severity] }) {
		return &failure{status: exitRules}
	}
	return nil
}

// failures are the severities of which a finding is a failure, by --fail-on or by the pairs that
// sigma check has in its place.
func failures(c *cli.Context, severities []string) (map[string]bool, error) {
	for _, pair := range [][2]string{{"fail-on-error", "pass-on-error"}, {"fail-on-issues", "pass-on-issues"}} {
		switch {
		case c.Bool(pair[0]) && c.Bool(pair[1]):
			return nil, usage("--%s and --%s exclude each other", pair[0], pair[1])
		case c.IsSet("fail-on") && (c.Bool(pair[0]) || c.Bool(pair[1])):
			return nil, usage("--fail-on stands in the place of --fail-on-error, --fail-on-issues and their opposites")
		}
	}
	out := map[string]bool{}
	limit := slices.Index(severities, c.String("fail-on"))
	for i, s := range severities[:3] {
		switch {
		case c.IsSet("fail-on"):
			out[s] = i <= limit && limit < 3
		case s == check.Error:
			out[s] = !c.Bool("pass-on-error")
		default:
			out[s] = c.Bool("fail-on-issues")
		}
	}
	return out, nil
}

// markKnown marks the findings that the rules have at a revision already: where it and HEAD went
// apart, so that what was mended at its side since is not taken for new.
func markKnown(c *cli.Context, p *project.Project, rev string, files []check.File, findings []check.Finding, o check.Options) error {
	takes, err := takenName(c)
	if err != nil {
		return err
	}
	paths, err := p.Paths()
	if err != nil {
		return err
	}
	repo, err := revision.Open(".")
	if err != nil {
		return usage("--new-from: %s", err)
	}
	base, err := repo.MergeBase(rev, "HEAD")
	if err != nil {
		return usage("--new-from: %s", err)
	}
	// A file that was moved has its findings from one beside it, or among the rules of sigmac.yaml.
	for _, path := range slices.Clone(paths) {
		if path != project.Stdin && !repo.Holds(base, path) {
			paths = append(append(paths, filepath.Dir(path)), p.ConfiguredRules()...)
		}
	}
	var before []check.File
	read := map[string]bool{}
	for _, path := range paths {
		if path == project.Stdin || !repo.Holds(base, path) {
			continue
		}
		below, err := repo.Below(path)
		if err != nil {
			return usage("--new-from: %s", err)
		}
		tree, err := repo.RevisionPath(base, below, takes)
		if err != nil {
			return usage("--new-from: %s", err)
		}
		all, err := tree.All(parser.MaxFileSize)
		if err != nil {
			return usage("--new-from: %s", project.Fault(err))
		}
		for _, f := range all {
			name := filepath.ToSlash(filepath.Clean(path))
			if !tree.Single() {
				name = filepath.ToSlash(filepath.Join(path, f.Name))
			}
			if !read[name] {
				before = append(before, check.File{Path: name, Name: p.Name(name), Data: f.Data})
			}
			read[name] = true
		}
	}
	check.MarkKnown(findings, check.Run(before, o), func(path string) bool {
		_, err := os.Stat(path)
		return errors.Is(err, fs.ErrNotExist)
	})
	return nil
}

// fixAll mends files until nothing more can be, writes those that changed, and
// returns what is left.
func fixAll(c *cli.Context, files []check.File, findings []check.Finding, o check.Options) ([]check.Finding, error) {
	original := make([][]byte, len(files))
	for i := range files {
		original[i] = files[i].Data
	}
	made := 0
	of := map[string][]check.Finding{}
	for _, f := range findings {
		of[f.Path] = append(of[f.Path], f)
	}
	for i := range files {
		if files[i].Path == project.Stdin {
			continue
		}
		own := of[files[i].Path]
		for range 20 { // what is mended may show more
			var fixes []*check.Fix
			for _, f := range own {
				if f.Fix != nil {
					fixes = append(fixes, f.Fix)
				}
			}
			if len(fixes) == 0 {
				break
			}
			src, n := mend(o, files[i], fixes)
			if n == 0 {
				break
			}
			made += n
			files[i].Data = src
			own = check.Run(files[i:i+1], o)
		}
	}
	if made > 0 {
		findings = check.Run(files, o)
	}
	written := 0
	for i, f := range files {
		if string(original[i]) == string(f.Data) {
			continue
		}
		if err := atomic.WriteFile(filepath.FromSlash(f.Path), f.Data); err != nil {
			return nil, usage("%s", err)
		}
		written++
	}
	tell(c.App.ErrWriter, "%s mended in %s", counted(made, "finding"), counted(written, "file"))
	return findings, nil
}

// mend applies as many of the fixes together as keep the meaning: mostly all.
func mend(o check.Options, f check.File, fixes []*check.Fix) ([]byte, int) {
	before := parser.Parse(f.Path, f.Data)
	if src, n, _ := check.Apply(f.Data, fixes); o.Same(before, parser.Parse(f.Path, src), true) {
		return src, n
	}
	for _, fix := range fixes {
		if src, n, _ := check.Apply(f.Data, []*check.Fix{fix}); o.Same(before, parser.Parse(f.Path, src), true) {
			return src, n
		}
	}
	return nil, 0
}

func listChecks(c *cli.Context) error {
	for _, x := range check.Checks {
		profile := x.Profile
		if profile == "" {
			profile = "default"
		}
		tell(c.App.Writer, "%-38s %-8s %-8s %s", x.ID, x.Severity, profile, x.Summary)
	}
	return nil
}
