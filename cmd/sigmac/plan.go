package main

import (
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"sigmac"
	"sigmac/internal/deploy"
	"sigmac/internal/drift"
	"sigmac/internal/drift/review"
	"sigmac/internal/link"
	"sigmac/internal/project"
	"sigmac/internal/revision"
	"sigmac/parser"
)

// planFailures are the words of plan --fail-on.
var planFailures = []string{"none", "any", string(drift.Create), string(drift.Change), string(drift.Delete)}

func planCommand() *cli.Command {
	return &cli.Command{
		Name:      "plan",
		Usage:     "tell what deploying the rules would create, change and delete",
		ArgsUsage: "[PATH...]",
		Description: `Compares the packages of rules with what is deployed, or with the packages of a
revision of git, and says what applying them would do; what loses most stands first.
sigmac applies nothing: see docs/deploy.md for the tools of the vendors. Without a
PATH, the rules of sigmac.yaml are taken.

   sigmac plan --deployed export.ndjson rules/
   sigmac plan -f sentinel_arm --revision main --markdown > comment.md

Only detections that carry the id of a Sigma rule are deleted, and only if no rule of
the PATHs or of sigmac.yaml has it; others are not managed. -/+ is a detection that the
SIEM knows by another id than its package has: it is created anew, and the old one
deleted.

Exit status: 0 the plan is written; 1 it has an action that --fail-on names, or a rule
has no package; 2 wrong usage, or a file or revision that cannot be read.`,
		Flags: slices.Concat([]cli.Flag{
			list("deployed", "a `FILE` that the SIEM exported, a folder or an archive of such files, or - for standard input; may stand several times"),
			&cli.StringFlag{Name: "revision", Usage: "compare with the packages of the rules of `REV`, as the mappings are now"},
			&cli.StringFlag{Name: "fail-on", Value: "none", Usage: "which actions are a failure, with commas: any, create, change or delete"},
		}, detectionFlags()),
		Action: tellPlan,
	}
}

func tellPlan(c *cli.Context) error {
	on, err := failOn(c, planFailures)
	if err != nil {
		return err
	}
	rev, paths := c.String("revision"), c.StringSlice("deployed")
	if (rev == "") == (len(paths) == 0) {
		return usage("plan compares with --deployed FILE or with --revision REV")
	}
	k, err := newComparison(c)
	if err != nil {
		return err
	}
	var deployed []*deploy.Detection
	if rev != "" {
		deployed, err = k.revision(rev)
	} else {
		deployed, err = k.deployed(paths)
	}
	if err != nil {
		return err
	}
	entries, err := k.compare(deployed)
	if err != nil {
		return err
	}
	drift.SortPlan(entries)
	create, change, remove := drift.Counts(entries)
	failed := slices.ContainsFunc(on, func(w string) bool {
		return w == "any" && create+change+remove > 0 || w == string(drift.Create) && create > 0 || w == string(drift.Change) && change > 0 || w == string(drift.Delete) && remove > 0
	})
	return k.end(entries, review.PlanMarkdown, func(w io.Writer, entries []drift.Entry) error {
		return review.PlanText(w, styleFor(c.App.Writer), entries)
	}, true, failed)
}

// revision are the detections of the rules of a revision, by the mappings that there are now.
func (k *comparison) revision(rev string) (out []*deploy.Detection, err error) {
	takes, err := takenName(k.c)
	if err != nil {
		return nil, err
	}
	repo, err := revision.Open(".")
	if err != nil {
		return nil, usage("%s", err)
	}
	paths, err := k.p.Paths()
	if err != nil {
		return nil, err
	}
	tree, err := repo.Revision(rev, paths, takes)
	if err != nil {
		return nil, usage("%s", project.Fault(err))
	}
	found, err := tree.All(parser.MaxFileSize)
	if err != nil {
		return nil, usage("%s", project.Fault(err))
	}
	here, err := os.Getwd()
	if err != nil {
		return nil, usage("%s", err)
	}
	var files []string
	var filters, docs []*parser.Document
	for _, f := range found {
		path := filepath.Join(repo.Top, filepath.FromSlash(f.Name))
		if rel, err := filepath.Rel(here, path); err == nil {
			path = rel
		}
		files = append(files, path)
		filters = append(filters, link.FiltersIn(path, f.Data)...)
	}
	read := func(i int) ([]byte, error) { return found[i].Data, nil }
	collection, _ := sigmac.ParseFiles(files, read)
	docs = collection.Documents
	link.Join(docs, nil)
	rules, err := k.rules(files, read, filters, link.NewCorrelations(docs, nil), &reporter{errs: io.Discard, skip: true})
	for _, r := range rules {
		if r.Detection != nil {
			r.Detection.Path, r.Detection.Pos = r.Path, r.Pos
			out = append(out, r.Detection)
		}
	}
	return out, err
}
