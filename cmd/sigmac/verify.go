package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"sigmac"
	"sigmac/internal/project"
	"sigmac/internal/report"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/verify"
)

func verifyCommand() *cli.Command {
	return &cli.Command{
		Name:      "verify",
		Usage:     "prove that queries mean what their rules mean",
		ArgsUsage: "PATH...",
		Description: `Reads every query back and compares it with its rule. The verdict is

   proved    for every event
   partial   proved of its filters; what other stages do to the events was not
             judged, such as head, stats or join
   bounded   of a correlation, on all streams of events up to a bound
   agreed    on events that were tried: a test is beyond what can be decided
   refuted   by an event

Without a PATH or a target, those of sigmac.yaml are taken.

   sigmac verify -t splunk -t kusto -t elastic rules/
   sigmac verify -t kusto --query deployed.kql rule.yml
   sigmac verify -t splunk --json rules/ | jq 'select(.verdict != "proved")'

The time range of a query refutes nothing. Where table, index or added conditions
differ, the verdict is refuted, and what the query means beside them is told;
with --ignore-scope that is the verdict.

Exit status: 0 all verdicts pass; 1 one is refuted, or weaker than --require and
not allowed by sigmac.yaml, or a query cannot be read, or it loses a test under
--fail-on-loss, or a rule is wrong; 2 wrong usage, or a file that cannot be read.`,
		Flags: slices.Concat(targetFlags(), mappingFlags(), listFlags(), []cli.Flag{
			&cli.StringFlag{Name: "query", Aliases: []string{"q"}, Usage: "check the query in `FILE` in place of sigmac's own"},
			methodFlag,
			list("lookup", "a lookup that the query names, with its rows in a file of comma-separated values: `NAME=FILE`; may stand several times"),
			&cli.StringFlag{Name: "require", Usage: "the weakest `VERDICT` that passes: proved, partial, bounded or agreed (default: proved, or as sigmac.yaml says)"},
			&cli.BoolFlag{Name: "ignore-scope", Usage: "compare what a query means beside its table, index and added conditions"},
			&cli.BoolFlag{Name: "fail-on-loss", Usage: "a test that the target cannot tell from another is a failure"},
			&cli.IntFlag{Name: "budget", Value: verify.DefaultBudget, Usage: "solver steps for one query, before it is tried on events only"},
			cacheFlag,
			patternFlag,
			contextFlag,
			filterFlag,
			&cli.BoolFlag{Name: "json", Usage: "one JSON object a rule, condition and target"},
		}),
		Action: verifyRules,
	}
}

func verifyRules(c *cli.Context) error {
	p, wanted, err := requested(c)
	if err != nil {
		return err
	}
	if c.Int("budget") < 1 {
		return usage("--budget must be at least 1")
	}
	given, err := givenQuery(c, len(wanted))
	if err != nil {
		return err
	}
	tables, err := givenTables(c.StringSlice("lookup"), c.App.Reader)
	if err != nil {
		return err
	}
	if given == "" && len(tables) > 0 {
		return usage("--lookup goes with --query: sigmac knows the lookups of its own queries")
	}
	kept, err := openCache(c)
	if err != nil {
		return err
	}
	pass, err := p.Gate(c.String("require"))
	if err != nil {
		return err
	}
	maps, err := p.Mappings(wanted)
	if err != nil {
		return err
	}
	method, err := correlationMethod(c.String("correlation-method"), wanted)
	if err != nil {
		return err
	}
	own := sigmac.Options{Mappings: maps, Method: method}
	var proofs iter.Seq2[*parser.Document, []sigmac.Proof]
	stream := &project.Stream{}
	if given != "" {
		maps[0].Lists, maps[0].Lookups = 0, tables // only what is given is known of a given query
		if proofs, err = givenProof(p, own, given, c.Int("budget")); err != nil {
			return err
		}
	} else {
		if stream, err = p.Stream(); err != nil {
			return err
		}
		own.Correlations = stream.Correlations
		proofs = project.Each(stream, func(d *parser.Document) (all []sigmac.Proof) {
			if d.Filter == nil {
				for _, res := range sigmac.CompileDocument(d, own) {
					all = append(all, kept.Verify(res, c.Int("budget"))...)
				}
			}
			return all
		})
	}
	w := bufio.NewWriter(c.App.Writer)
	var lines bytes.Buffer // of text, for the summary may stand before them
	r := &verdicts{gate: pass, w: &lines, errs: c.App.ErrWriter, json: c.Bool("json"), failOnLoss: c.Bool("fail-on-loss"),
		queryPath: c.String("query"), progress: newProgress(c, len(stream.Files)), counts: map[string]map[string]int{}}
	if r.json {
		r.w = w
	}
	done, last := 0, ""
	for d, cs := range proofs {
		for _, ch := range cs {
			if c.Bool("ignore-scope") {
				ch = ch.InScope()
			}
			if err := r.write(ch); err != nil {
				return usage("the output cannot be written: %s", err)
			}
		}
		if d.Path != last {
			last = d.Path
			done++
			r.progress.at(done)
		}
	}
	r.progress.clear()
	if err := stream.Err(); err != nil {
		return err
	}
	summary := ""
	if !r.json {
		summary = r.summary(maps)
	}
	if bytes.Count(lines.Bytes(), []byte("\n")) > longOutput {
		_, _ = w.WriteString(summary)
	}
	_, _ = w.Write(lines.Bytes())
	_, _ = w.WriteString(summary)
	if given == "" && c.Args().Len() == 0 {
		pass.Rest(p.Note)
	}
	if err := w.Flush(); err != nil {
		return usage("the output cannot be written: %s", err)
	}
	if err := closeCache(kept); err != nil {
		return err
	}
	if r.failed {
		return &failure{status: exitRules}
	}
	return nil
}

// givenProof compares a query with the one rule, or the one correlation, that is asked for.
func givenProof(p *project.Project, o sigmac.Options, query string, budget int) (iter.Seq2[*parser.Document, []sigmac.Proof], error) {
	collection, correlations, err := p.LoadCorrelated()
	if err != nil {
		return nil, err
	}
	o.Correlations = correlations
	rules := slices.DeleteFunc(collection.Documents, func(d *parser.Document) bool { return d.Filter != nil })
	isCorrelation := func(d *parser.Document) bool { return d.Correlation != nil }
	if i := slices.IndexFunc(rules, isCorrelation); i >= 0 && !slices.ContainsFunc(rules[i+1:], isCorrelation) {
		rules = rules[i : i+1] // the others are there for it
	}
	if len(rules) != 1 {
		return nil, usage("--query is checked against one rule, and there are %d", len(rules))
	}
	return func(yield func(*parser.Document, []sigmac.Proof) bool) {
		yield(rules[0], []sigmac.Proof{sigmac.VerifyGiven(rules[0], o.Mappings[0], query, o, budget)})
	}, nil
}

func givenQuery(c *cli.Context, targets int) (string, error) {
	path := c.String("query")
	if path == "" {
		return "", nil
	}
	if targets != 1 {
		return "", usage("--query is in one language: name one target")
	}
	src, err := project.ReadFile(path, c.App.Reader)
	if err != nil {
		return "", usage("%s", err)
	}
	query := strings.TrimSpace(string(src))
	if query == "" {
		return "", usage("%s: no query in this file", path)
	}
	return query, nil
}

// verdicts writes checks and counts them.
type verdicts struct {
	gate       *project.Gate
	w, errs    io.Writer
	json       bool
	failOnLoss bool
	queryPath  string
	progress   *progress
	counts     map[string]map[string]int // by target and verdict
	failed     bool
}

func (r *verdicts) write(ch sigmac.Proof) error {
	name := ch.Target.Name
	if r.counts[name] == nil {
		r.counts[name] = map[string]int{}
	}
	r.counts[name][ch.Verdict]++
	var losses []report.Loss
	if ch.Want != nil && ch.Err == nil {
		losses = report.Losses(ch.Result)
	}
	lossy := r.failOnLoss && slices.ContainsFunc(losses, func(l report.Loss) bool { return !l.Declared })
	r.failed = !r.gate.Passes(ch) || r.failed || lossy
	if r.json {
		enc := json.NewEncoder(r.w)
		enc.SetEscapeHTML(false)
		return enc.Encode(report.Proof(ch, losses))
	}
	place := func(p ir.Pos) string { return fmt.Sprintf("%s:%d:%d", ch.Document.PathOf(p), p.Line, p.Column) }
	at := ch.At()
	var err error
	line := func(p string, format string, args ...any) {
		if err == nil {
			err = tell(r.w, "%s: %s: %s", p, name, fmt.Sprintf(format, args...))
		}
	}
	switch ch.Verdict {
	case "unsupported", "error":
		switch e := ch.Err; {
		case ch.Query == "", e.Path != "":
			line(e.Place(), "%s", e.Text())
		case r.queryPath != "":
			e.Path = r.queryPath
			line(e.Place(), "%s", report.Weakness(ch))
		default:
			line(place(at), "%s", report.Weakness(ch))
		}
	case "refuted":
		if c := ch.Evidence.Construct; c != nil && c.Pos.Line > 0 {
			at = c.Pos
		}
		fallthrough
	default:
		if weak := report.Weakness(ch); weak != "" {
			line(place(at), "%s", weak)
		}
		if scope := report.Elsewhere(ch.Evidence); scope != "" {
			line(place(at), "%s", scope)
		}
	}
	if text := report.Added(ch.Added); text != "" {
		line(place(at), "postprocessing adds %s, which the verdict leaves out", text)
	}
	for _, l := range losses {
		if lossy || l.ID == report.LeftOut && ch.Condition == 1 { // the verdict is on the rest
			line(l.Place(ch.Result), "loses %s", l)
		}
	}
	return err
}

func (r *verdicts) summary(maps []sigmac.Mapping) string {
	var b strings.Builder
	for _, m := range maps {
		n := r.counts[m.Target.Name]
		bounded := ""
		if n["bounded"] > 0 {
			bounded = fmt.Sprintf(" %d bounded,", n["bounded"])
		}
		fmt.Fprintf(&b, "%s: %d proved, %d partial,%s %d agreed, %d refuted, %d unsupported, %d errors\n",
			m.Target.Name, n["proved"], n["partial"], bounded, n["agreed"], n["refuted"], n["unsupported"], n["error"])
	}
	return b.String()
}
