package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"sigmac"
	"sigmac/internal/outdir"
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
	if _, err := outdir.Write(dir, files, false); err != nil {
		return err
	}
	tell(c.App.ErrWriter, "%d files in %s; its README.md says how they are run", len(files), dir)
	if failed {
		return &failure{status: exitRules}
	}
	return nil
}

// judgeResults compares the results of --judge with what a kit expects.
func judgeResults(c *cli.Context) error {
	if c.NArg() != 1 {
		return usage("--judge takes the directory of the kit")
	}
	kit, err := replay.Load(c.Args().First())
	if err != nil {
		return resultFault(err)
	}
	t, ok := targets.Named(kit.Target)
	if !ok || t.Replay == nil {
		return usage("the kit is of the target %q, which there is not", kit.Target)
	}
	answers, faults := kit.Answers(t, c.String("judge"))
	if len(faults) > 0 {
		return resultFault(errors.Join(faults...))
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
