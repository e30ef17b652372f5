package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"sigmac"
	"sigmac/internal/outdir"
	"sigmac/internal/project"
	"sigmac/internal/replay"
	"sigmac/ir"
	"sigmac/targets"
)

// replayKit writes a kit for the target of --replay, with the events and queries of the rules that
// are given.
func replayKit(c *cli.Context, at time.Time) error {
	dir := c.String("output")
	if dir == "" {
		return usage("--replay needs a directory for the kit: -o DIR")
	}
	p, err := open(c)
	if err != nil {
		return err
	}
	p.Format, p.Targets = "", []string{c.String("replay")}
	wanted, err := p.Requests()
	if err != nil {
		return err
	}
	if wanted[0].Replay == nil {
		return usage("nobody knows how queries of %s are run", wanted[0].Name)
	}
	ways, err := p.Mappings(wanted)
	if err != nil {
		return err
	}
	b := replay.New(wanted[0].Target, at)
	if err := b.Probes(); err != nil {
		return err
	}
	failed := false
	if len(p.Rules) > 0 {
		collection, err := p.Load()
		if err != nil {
			return err
		}
		for _, d := range collection.Documents {
			if d.Filter != nil {
				continue
			}
			for _, res := range sigmac.CompileDocument(d, sigmac.Options{Mappings: ways}) {
				if err := b.Rule(res, c.Int("n")); err != nil {
					for _, e := range sigmac.Faults(d, err) {
						tell(c.App.ErrWriter, "%s", e)
					}
					failed = true
				}
			}
		}
	}
	files, err := b.Finish()
	if err != nil {
		return err
	}
	if err := newKit(dir, wanted[0].Name, files); err != nil {
		return err
	}
	var conflict *outdir.ConflictError
	if _, err := outdir.Write(dir, files, false); errors.As(err, &conflict) {
		return usage("nothing was written to %s, where these files are in the way\n%s", dir, conflict)
	} else if err != nil {
		return usage("%s: %s", dir, project.Fault(err))
	}
	tell(c.App.ErrWriter, "%d files in %s; its README.md says how they are run", len(files), dir)
	if failed {
		return &failure{status: exitRules}
	}
	return nil
}

// newKit fails where a kit for a target would remove what is no such kit, or leave results of
// another one beside it.
func newKit(dir, target string, files []outdir.File) error {
	of, err := kindOf(dir)
	if err != nil {
		return err
	}
	if kind := kitOf(target); of != "" && of != kind {
		return usage("nothing was written to %s: it holds %s, and not %s", dir, of, kind)
	}
	changes, err := outdir.Compare(dir, files)
	if err != nil {
		return usage("%s: %s", dir, project.Fault(err))
	}
	results := filepath.Join(dir, "results")
	if there, err := os.ReadDir(results); err == nil && len(there) > 0 && len(changes) > 0 {
		return usage("nothing was written to %s: %s has what came back of other events or queries; move it away", dir, results)
	}
	return nil
}

// kitOf is the kind of a directory with a kit for a target.
func kitOf(target string) string { return "a kit of sigmac sample --replay " + target }

// queriesOf is the kind of a directory with queries or detections.
const queriesOf = "what sigmac convert --output-dir wrote"

// kindOf says what sigmac has written into a directory, or is empty where that is nothing.
func kindOf(dir string) (string, error) {
	files, err := outdir.Owned(dir)
	switch {
	case err != nil:
		return "", usage("%s: %s", dir, project.Fault(err))
	case len(files) == 0:
		return "", nil
	}
	if i := slices.IndexFunc(files, func(f outdir.File) bool { return f.Path == replay.KitFile && f.Rule.Path == "" }); i >= 0 {
		return kitOf(files[i].Rule.Target), nil
	}
	return queriesOf, nil
}

// judgeResults compares the results of --judge with what a kit expects.
func judgeResults(c *cli.Context) error {
	if c.NArg() != 1 {
		return usage("--judge takes the directory of the kit")
	}
	dir, results := c.Args().First(), c.String("judge")
	if _, err := os.Stat(results); err != nil {
		return usage("--judge RESULTS: %s", project.Fault(err))
	}
	kit, err := replay.Load(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return usage("%s is no kit of sigmac sample --replay: %s", dir, project.Fault(err))
	}
	if err != nil {
		return resultFault(err)
	}
	t, ok := targets.Named(kit.Target)
	if !ok || t.Replay == nil {
		return usage("the kit is of the target %q, which there is not", kit.Target)
	}
	answers, faults := kit.Answers(t, results)
	if len(faults) > 0 {
		return resultFault(errors.Join(faults...))
	}
	if len(answers) == 0 {
		return usage("%s has no result of a query of the kit: nothing was run", results)
	}
	v := kit.Judge(answers)
	text := kit.Text(v)
	if c.Bool("json") {
		if text, err = v.JSON(); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprint(c.App.Writer, text); err != nil {
		return err
	}
	if v.Differs() {
		return &failure{status: exitRules}
	}
	return nil
}

// resultFault is an error of a file that was to be read.
func resultFault(err error) error {
	if e := (*ir.Diagnostic)(nil); errors.As(err, &e) {
		return usage("%s", err)
	}
	return err
}
