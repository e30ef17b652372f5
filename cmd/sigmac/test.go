package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/urfave/cli/v2"

	"sigmac"
	"sigmac/backends"
	"sigmac/eval"
	"sigmac/internal/config"
	"sigmac/internal/project"
	"sigmac/internal/ruletest"
	"sigmac/ir"
	"sigmac/targets"
)

func testCommand() *cli.Command {
	return &cli.Command{
		Name:      "test",
		Usage:     "run the tests that lie beside rules",
		ArgsUsage: "[PATH...]",
		Description: `Tries rules on the events that lie beside them: those in RULE.match.ndjson it must
match, those in RULE.nomatch.ndjson not; also .json, .jsonl and .evtx, as eval
reads them. What its queries say of the events must be the same. Without a PATH,
the rules of sigmac.yaml are tested.

   sigmac test
   sigmac test rules/ --require --junit report.xml
   sigmac test -t splunk rules/whoami.yml

Exit status: 0 all tests passed; 1 one failed, a rule is wrong, or with --require
has no tests; 2 wrong usage, or a file that cannot be read or written.`,
		Flags: []cli.Flag{
			list("target", "try the queries for this target; may stand several times; else those of sigmac.yaml, or all", "t"),
			&cli.BoolFlag{Name: "require", Usage: "a rule without tests is a failure"},
			&cli.BoolFlag{Name: "all-logsources", Usage: "do not ask whether an event is of the rule's log source"},
			&cli.IntFlag{Name: "max-event", Value: eval.DefaultMaxEvent >> 20, Usage: "the size of the largest event, in `MiB`"},
			patternFlag,
			contextFlag,
			filterFlag,
			&cli.StringFlag{Name: "junit", Usage: "write a report for build servers to `FILE`, whole or not at all"},
			&cli.BoolFlag{Name: "json", Usage: "one JSON object a test and target"},
		},
		Action: testRules,
	}
}

func testRules(c *cli.Context) error {
	if err := checkMaxEvent(c); err != nil {
		return err
	}
	p, err := open(c)
	if err != nil {
		return err
	}
	paths, err := p.Paths()
	if err != nil {
		return usage("test needs a file or a directory, or the key rules in a file %s", config.Name)
	}
	if slices.Contains(paths, project.Stdin) {
		return usage("test takes files and directories: no tests lie beside standard input")
	}
	targets, err := testTargets(c.StringSlice("target"), p.Config)
	if err != nil {
		return err
	}
	collection, correlations, err := p.LoadCorrelated()
	if err != nil {
		return err
	}
	report, err := newOutput(c, c.String("junit"), c.Args().Slice())
	if err != nil {
		return err
	}
	suites := ruletest.Find(collection.Documents)
	w := bufio.NewWriter(c.App.Writer)
	t := &tests{w: w, json: c.Bool("json"), require: c.Bool("require")}
	progress := newProgress(c, len(suites))
	for i, cases := range ruletest.Run(suites, ruletest.Options{Targets: targets, AnySource: c.Bool("all-logsources"), MaxEvent: c.Int("max-event") << 20, Correlations: correlations}) {
		if err := t.write(suites[i], cases); err != nil {
			return usage("the output cannot be written: %s", err)
		}
		progress.at(i)
	}
	progress.clear()
	t.summary()
	if err := w.Flush(); err != nil {
		return usage("the output cannot be written: %s", err)
	}
	if c.String("junit") != "" {
		if err := t.report.Write(report); err != nil {
			return usage("the report cannot be written: %s", err)
		}
		if err := report.close(); err != nil {
			return err
		}
	}
	if t.failed {
		return &failure{status: exitRules}
	}
	return nil
}

// testTargets are those of the names asked for, or configured, or all.
func testTargets(names []string, cfg *config.Config) (out []*backends.Target, err error) {
	if len(names) == 0 && cfg != nil {
		for _, t := range cfg.Targets {
			names = append(names, t.Name)
		}
	}
	wanted := map[*backends.Target]bool{}
	for _, name := range names {
		t, _, err := targets.Find(name)
		if err != nil {
			return nil, err
		}
		wanted[t] = true
	}
	return slices.DeleteFunc(sigmac.Targets(), func(t *backends.Target) bool { return len(names) > 0 && !wanted[t] }), nil
}

// tests writes cases and counts them.
type tests struct {
	w             io.Writer
	json, require bool
	report        ruletest.Report

	rules, untested int
	counts          [3]int // by status
	failed          bool
}

func (t *tests) write(s ruletest.Suite, cases []ruletest.Case) error {
	// A filter has no tests: it is part of its rules.
	rule := s.Rule != nil || s.Correlation != nil || len(s.Errors) > 0
	untested := rule && len(s.Tests) == 0
	if rule {
		t.rules++
	}
	if untested {
		t.untested++
	}
	if untested && t.require && len(cases) == 0 {
		cases = []ruletest.Case{{Test: ruletest.Test{Path: s.Path}, Status: ruletest.Failed,
			Failures: []*ir.Diagnostic{s.Place(&ir.Diagnostic{Pos: s.Pos, Code: ir.TestFailed, Msg: "no tests"})}}}
	}
	t.report.Add(s, cases)
	for _, c := range cases {
		t.counts[c.Status]++
		t.failed = t.failed || c.Status == ruletest.Failed
		if err := t.writeCase(s, c); err != nil {
			return err
		}
	}
	return nil
}

func (t *tests) writeCase(s ruletest.Suite, c ruletest.Case) error {
	if t.json {
		return t.object(s, c)
	}
	var err error
	line := func(place, msg string) {
		if c.Target != "" {
			msg = c.Target + ": " + msg
		}
		if c.Path != s.Path {
			msg += " (" + s.Path + ")"
		}
		if err == nil {
			err = tell(t.w, "%s: %s", place, msg)
		}
	}
	for _, f := range c.Failures {
		line(f.Place(), f.Msg)
	}
	if c.More > 0 {
		line(c.Path, fmt.Sprintf("%d more failures", c.More))
	}
	return err
}

func (t *tests) object(s ruletest.Suite, c ruletest.Case) error {
	type fault struct {
		Path      string `json:"path"`
		Line      int    `json:"line,omitempty"`
		Column    int    `json:"column,omitempty"`
		EndLine   int    `json:"end_line,omitempty"`
		EndColumn int    `json:"end_column,omitempty"`
		Code      string `json:"code"`
		Message   string `json:"message"`
	}
	o := struct {
		Path     string  `json:"path"`
		Rule     string  `json:"rule"`
		Title    string  `json:"title"`
		Events   string  `json:"events,omitempty"`
		Target   string  `json:"target,omitempty"`
		Status   string  `json:"status"`
		Reason   string  `json:"reason,omitempty"`
		Tried    int     `json:"tried"`
		Matched  int     `json:"matched"`
		Failures []fault `json:"failures"`
		More     int     `json:"more,omitempty"`
	}{Path: s.Path, Rule: s.ID, Title: s.Title, Target: c.Target, Status: c.Status.String(), Reason: c.Reason,
		Tried: c.Events, Matched: c.Matches, Failures: []fault{}, More: c.More}
	if c.Path != s.Path {
		o.Events = c.Path
	}
	for _, f := range c.Failures {
		o.Failures = append(o.Failures, fault{f.Path, f.Pos.Line, f.Pos.Column, f.End.Line, f.End.Column, f.Class(), f.Msg})
	}
	enc := json.NewEncoder(t.w)
	enc.SetEscapeHTML(false)
	return enc.Encode(o)
}

func (t *tests) summary() {
	if t.json {
		return
	}
	tell(t.w, "%d rules, %d without tests; %d tests passed, %d failed, %d skipped", t.rules, t.untested,
		t.counts[ruletest.Passed], t.counts[ruletest.Failed], t.counts[ruletest.Skipped])
}
