package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"sigmac"
	"sigmac/backends"
	"sigmac/internal/deploy"
	"sigmac/internal/drift"
	"sigmac/internal/drift/review"
	"sigmac/internal/link"
	"sigmac/internal/project"
	"sigmac/internal/suggest"
	"sigmac/parser"
	"sigmac/verify"
)

// detectionFlags are those of commands that compare detections with rules.
func detectionFlags() []cli.Flag {
	return slices.Concat(targetFlags(), mappingFlags(), listFlags(), packageFlags(), []cli.Flag{
		&cli.BoolFlag{Name: "skip-unsupported", Aliases: []string{"s"}, Usage: "a rule that a target cannot express, or a SIEM does not take, is no failure"},
		&cli.BoolFlag{Name: "verbose", Usage: "tell each rule that has no query, also where they are many"},
		methodFlag,
		&cli.BoolFlag{Name: "pretty", Usage: "the queries of packages are broken over lines"},
		&cli.IntFlag{Name: "budget", Value: verify.DefaultBudget, Usage: "solver steps for one question, before a query is not judged"},
		patternFlag,
		contextFlag,
		filterFlag,
		&cli.BoolFlag{Name: "json", Usage: "one JSON object a rule or detection"},
		&cli.BoolFlag{Name: "markdown", Usage: "Markdown, for an issue or a comment"},
	})
}

func driftCommand() *cli.Command {
	return &cli.Command{
		Name:      "drift",
		Usage:     "tell how the detections of a SIEM differ from the rules",
		ArgsUsage: "--deployed FILE [PATH...]",
		Description: `Reads what a SIEM exports, and says of each rule whether it is deployed as its
package would be: its query, proved; where and when it runs, how severe it is, who is
told. Without a PATH, the rules of sigmac.yaml are taken.

A query by another text is proved to mean the same, or wider or narrower, with an
event that shows it, or it is not judged. What finds least stands first.

   sigmac drift --deployed savedsearches.conf rules/
   sigmac drift --deployed export.ndjson --markdown rules/ > issue.md
   curl … | sigmac drift -f sentinel_arm --deployed - --fail-on narrower,enabled,missing

The form of the export is found by its content, and the packages are of this form;
-f says another of the same target. --fail-on takes any (what is drift), none, or of
these, with commas: narrower, wider, ` + kindWords() + `.

Exit status: 0 nothing that --fail-on names; 1 there is, or a rule has no package;
2 wrong usage, or a file that cannot be read.`,
		Flags: slices.Concat([]cli.Flag{
			list("deployed", "a `FILE` that the SIEM exported, a folder or an archive of such files, or - for standard input; may stand several times"),
			&cli.StringFlag{Name: "fail-on", Value: "any", Usage: "what is a failure, with commas"},
		}, detectionFlags()),
		Action: tellDrift,
	}
}

// kindWords are the kinds of differences in a line, broken for a help page.
func kindWords() string {
	var b strings.Builder
	for i, k := range drift.Kinds {
		switch {
		case i == 0:
		case i%7 == 4:
			b.WriteString(",\n")
		default:
			b.WriteString(", ")
		}
		b.WriteString(string(k))
	}
	return b.String()
}

// failOn are the words of --fail-on.
func failOn(c *cli.Context, known []string) ([]string, error) {
	words := strings.Split(c.String("fail-on"), ",")
	for i, w := range words {
		if words[i] = strings.TrimSpace(w); !slices.Contains(known, words[i]) {
			return nil, usage("--fail-on knows no %q%s", words[i], suggest.Among(words[i], "values", known))
		}
	}
	return words, nil
}

func tellDrift(c *cli.Context) error {
	on, err := failOn(c, drift.Failures())
	if err != nil {
		return err
	}
	if len(c.StringSlice("deployed")) == 0 {
		return usage("drift needs --deployed FILE: what the SIEM exported")
	}
	k, err := newComparison(c)
	if err != nil {
		return err
	}
	deployed, err := k.deployed(c.StringSlice("deployed"))
	if err != nil {
		return err
	}
	entries, err := k.compare(deployed)
	if err != nil {
		return err
	}
	drift.Sort(entries)
	return k.end(entries, review.Markdown, func(w io.Writer, entries []drift.Entry) error {
		return review.Text(w, styleFor(c.App.Writer), entries)
	}, false, slices.ContainsFunc(entries, func(e drift.Entry) bool { return e.Fails(on) }))
}

// A comparison is of detections with rules.
type comparison struct {
	c *cli.Context
	p *project.Project
	r *reporter

	wanted []project.Request
	maps   []sigmac.Mapping
}

func newComparison(c *cli.Context) (*comparison, error) {
	switch {
	case c.Bool("json") && c.Bool("markdown"):
		return nil, usage("--json and --markdown exclude each other")
	case c.Int("budget") < 1:
		return nil, usage("--budget must be at least 1")
	}
	p, err := open(c)
	if err != nil {
		return nil, err
	}
	return &comparison{c: c, p: p, r: &reporter{errs: c.App.ErrWriter, skip: c.Bool("skip-unsupported"), verbose: c.Bool("verbose")}}, nil
}

// deployed reads what is deployed, and sees to it that packages are of its form where no other
// is asked for.
func (k *comparison) deployed(paths []string) (out []*deploy.Detection, err error) {
	targets := slices.DeleteFunc(sigmac.Targets(), func(t *backends.Target) bool {
		asked := k.p.Targets
		return len(asked) > 0 && !slices.Contains(asked, t.Name)
	})
	forms := drift.Forms(targets)
	given := k.c.IsSet("format")
	var found drift.Form
	if given {
		i := slices.IndexFunc(forms, func(f drift.Form) bool { return f.Name == k.p.Format })
		if i < 0 {
			return nil, usage("%s is no form of detections: %s", k.p.Format, formNames(forms))
		}
		found = forms[i]
	}
	for _, path := range paths {
		files, folder, err := k.files(path)
		if err != nil {
			return nil, usage("%s", project.Fault(err))
		}
		n := 0
		for _, f := range files {
			form, ds, err := readAs(f, forms, found, given)
			switch {
			case err != nil && folder:
				tell(k.c.App.ErrWriter, "%s: passed over: there are no detections in a form that sigmac reads", f.Path)
				continue
			case err != nil:
				return nil, usage("%s", project.Fault(err))
			case found.Name == "":
				found = form
			case !given && form.Name != found.Name && len(ds) > 0:
				return nil, usage("%s is %s, and what came before it is %s: one form at a time, or name it with --format", f.Path, form.Name, found.Name)
			}
			out = append(out, ds...)
			n++
		}
		if n == 0 {
			return nil, usage("%s: there are no detections in a form that sigmac reads: %s", path, formNames(forms))
		}
	}
	k.p.Format = found.Name
	return out, nil
}

func formNames(forms []drift.Form) string {
	var names []string
	for _, f := range forms {
		names = append(names, f.Name)
	}
	return strings.Join(names, ", ")
}

// readAs reads a file in the form that is asked for, or in another of its target where that
// does not have it; else in whichever it is.
func readAs(f deploy.File, forms []drift.Form, asked drift.Form, given bool) (drift.Form, []*deploy.Detection, error) {
	if !given {
		return drift.Read(f, forms, "--format")
	}
	form, ds, err := drift.Read(f, []drift.Form{asked}, "--format")
	if err == nil && len(ds) > 0 {
		return form, ds, nil
	}
	others := slices.DeleteFunc(slices.Clone(forms), func(x drift.Form) bool { return x.Name == asked.Name })
	switch other, more, e := drift.Read(f, others, "--format"); {
	case e != nil || len(more) == 0:
		return form, ds, err
	case other.Target == asked.Target:
		return other, more, nil
	default:
		return form, ds, fmt.Errorf("%s: it is %s, which is not for %s as %s is", f.Path, other.Name, asked.Target.Name, asked.Name)
	}
}

// files are those of a path; folder says that some of them may be something else.
func (k *comparison) files(path string) (files []deploy.File, folder bool, err error) {
	if path == project.Stdin {
		data, err := io.ReadAll(k.c.App.Reader)
		return []deploy.File{{Path: "standard input", Data: data}}, false, err
	}
	files, err = packageFiles(path)
	return files, len(files) != 1 || files[0].Path != filepath.ToSlash(path), err
}

// compare says how detections differ from the rules that are asked for.
func (k *comparison) compare(deployed []*deploy.Detection) ([]drift.Entry, error) {
	files, err := k.p.Files()
	if err != nil {
		return nil, err
	}
	read := func(i int) ([]byte, error) { return k.p.Read(files[i]) }
	filters, err := k.p.FiltersOf(files, read)
	if err != nil {
		return nil, err
	}
	correlations, err := k.p.CorrelationsOf(files, read, filters)
	if err != nil {
		return nil, err
	}
	rules, err := k.rules(files, read, filters, correlations, k.r)
	if err != nil {
		return nil, err
	}
	return k.elsewhere(drift.Compare(rules, deployed, drift.Options{Budget: k.c.Int("budget")}), files)
}

// elsewhere is entries without detections of rules that are not asked for, and that
// sigmac.yaml or --context has.
func (k *comparison) elsewhere(entries []drift.Entry, files []string) ([]drift.Entry, error) {
	extra := func(e drift.Entry) bool { return e.Rule == nil && e.Differences[0].Kind == drift.Extra }
	if !slices.ContainsFunc(entries, extra) {
		return entries, nil
	}
	docs, _, err := k.p.ContextOf(files)
	if err != nil {
		return nil, err
	}
	ids := map[string]bool{}
	for _, d := range docs {
		ids[strings.ToLower(d.ID)] = true
	}
	return slices.DeleteFunc(entries, func(e drift.Entry) bool { return extra(e) && ids[strings.ToLower(e.Deployed.Rule)] }), nil
}

// rules are those of files with the detections that they become; r is told of those that have
// none.
func (k *comparison) rules(files []string, read func(i int) ([]byte, error), filters []*parser.Document, correlations *link.Correlations, r *reporter) (out []*drift.Rule, err error) {
	if k.wanted == nil {
		if k.wanted, err = k.p.Requests(); err != nil {
			return nil, err
		}
		if k.maps, err = k.p.Mappings(k.wanted); err != nil {
			return nil, err
		}
	}
	packer, err := newPacker(k.c, k.p, k.wanted)
	if err != nil {
		return nil, err
	}
	if packer == nil {
		return nil, usage("%s needs a form of detections: -f %s", k.c.Command.Name, strings.ReplaceAll(formNames(drift.Forms(sigmac.Targets())), ", ", ", -f "))
	}
	method, err := correlationMethod(k.c.String("correlation-method"), k.wanted)
	if err != nil {
		return nil, err
	}
	var unread []error
	r.progress = newProgress(k.c, len(files))
	for i, f := range sigmac.CompileFiles(files, read, sigmac.Options{Mappings: k.maps, Filters: filters, Correlations: correlations, Method: method, Own: true, Pretty: k.c.Bool("pretty")}) {
		r.progress.at(i)
		if f.Err != nil {
			unread = append(unread, f.Err)
		}
		k.p.Holds(files[i], f.Err != nil || len(f.Documents) > 0)
		for _, d := range f.Documents {
			k.p.Joined(d)
		}
		for _, res := range f.Results {
			if len(unread) > 0 {
				break
			}
			rules, faults := drift.Pack(packer, res)
			res.Errors = append(res.Errors, faults...)
			r.report(res)
			out = append(out, rules...)
		}
	}
	r.progress.clear()
	if len(unread) > 0 {
		return nil, usage("%s", errors.Join(unread...))
	}
	return out, nil
}

// end writes entries, and says how the command ends.
func (k *comparison) end(entries []drift.Entry, markdown, text func(io.Writer, []drift.Entry) error, plan, failed bool) (err error) {
	w := bufio.NewWriter(k.c.App.Writer)
	switch {
	case k.c.Bool("json"):
		err = review.JSON(w, entries, plan)
	case k.c.Bool("markdown"):
		err = markdown(w, entries)
	default:
		err = text(w, entries)
	}
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		return usage("the output cannot be written: %s", err)
	}
	k.r.refused.tell(k.r.errs, k.r.verbose)
	k.p.TellUnused()
	if k.r.failed+k.r.skipped > 0 {
		tell(k.c.App.ErrWriter, "%s without a package: %d skipped, %d failed", counted(k.r.failed+k.r.skipped, "rule"), k.r.skipped, k.r.failed)
	}
	if k.r.failed > 0 || failed {
		return &failure{status: exitRules}
	}
	return nil
}
