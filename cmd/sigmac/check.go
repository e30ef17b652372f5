package main

import (
	"bufio"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"sigmac/internal/check"
	"sigmac/internal/lazy"
	"sigmac/internal/plain"
	"sigmac/internal/project"
	"sigmac/internal/style"
	"sigmac/internal/suggest"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/verify"
)

// reports are the forms of what check finds.
var reports = []string{"text", "json", "sarif", "junit", "github"}

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
   sigmac check --profile sigmahq --ignore filename_prefix rules/
   sigmac check --explain dead_exclusion

Exit status: 0 nothing as severe as --fail-on; 1 something is; 2 wrong usage, or
a file that cannot be read or written.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "format", Aliases: []string{"f"}, Value: reports[0], Usage: "the form of the findings: " + strings.Join(reports, ", ")},
			&cli.BoolFlag{Name: "json", Usage: "the same as --format json"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write to `FILE`, whole or not at all"},
			&cli.StringFlag{Name: "profile", Usage: "the conventions to hold: default, or sigmahq for those of the public rule set"},
			list("ignore", "leave out the findings of `CHECK`; may stand several times"),
			list("only", "look for `CHECK` only; may stand several times"),
			&cli.StringFlag{Name: "fail-on", Value: check.Error, Usage: "the mildest severity that is a failure: error, warning, note or none"},
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
		found, ok := check.Lookup(id)
		if !ok {
			return usage("no check is named %q%s", id, suggest.For(id, check.IDs()))
		}
		fmt.Fprint(c.App.Writer, found.Markdown())
		return nil
	}
	format := c.String("format")
	if c.Bool("json") {
		format = "json"
	}
	severities := []string{check.Error, check.Warning, check.Note, "none"}
	switch {
	case !slices.Contains(reports, format):
		return usage("--format knows no %q%s", format, suggest.For(format, reports))
	case !slices.Contains(severities, c.String("fail-on")):
		return usage("--fail-on knows no %q%s", c.String("fail-on"), suggest.For(c.String("fail-on"), severities))
	case c.Int("budget") < 1:
		return usage("--budget must be at least 1")
	case c.String("as-of") != "" && !day().MatchString(c.String("as-of")):
		return usage("--as-of is a day like 2026-01-31")
	case c.Bool("fix") && c.Bool("without-prover"):
		return usage("--fix needs the prover")
	}
	p, err := open(c)
	if err != nil {
		return err
	}
	o, err := p.Checks(project.AskedChecks{Profile: c.String("profile"), Ignore: c.StringSlice("ignore"), Only: c.StringSlice("only")})
	if err != nil {
		return err
	}
	o.Prover, o.Budget, o.AsOf = !c.Bool("without-prover"), c.Int("budget"), c.String("as-of")
	files, err := p.CheckFiles(&o)
	if err != nil {
		return err
	}
	out, err := newOutput(c, c.String("output"))
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
	if err := writeReport(c, out, format, "check", check.Checks, files, findings); err != nil {
		return err
	}
	limit := slices.Index(severities, c.String("fail-on"))
	if limit < 3 && slices.ContainsFunc(findings, func(f check.Finding) bool { return slices.Index(severities, f.Severity) <= limit }) {
		return &failure{status: exitRules}
	}
	return nil
}

// writeReport writes the findings of checks in files, in one of reports.
func writeReport(c *cli.Context, out *output, format, suite string, checks []check.Check, files []check.File, findings []check.Finding) (err error) {
	w := bufio.NewWriter(out)
	switch format {
	case "json":
		err = check.WriteJSON(w, findings)
	case "sarif":
		err = check.WriteSARIF(w, checks, findings, version)
	case "junit":
		var all []string
		for _, f := range files {
			all = append(all, f.Path)
		}
		err = check.WriteJUnit(w, suite, all, findings)
	case "github":
		err = check.WriteGitHub(w, findings)
	default:
		var s style.Style // none in a file
		if c.String("output") == "" {
			s = styleFor(c.App.Writer)
		}
		err = writeFindings(w, s, files, findings)
	}
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		return usage("the output cannot be written: %s", err)
	}
	return out.close()
}

// fixAll mends files until nothing more can be, writes those that changed, and
// returns what is left.
func fixAll(c *cli.Context, files []check.File, findings []check.Finding, o check.Options) ([]check.Finding, error) {
	original := make([][]byte, len(files))
	for i := range files {
		original[i] = files[i].Data
	}
	made := 0
	for i := range files {
		if files[i].Path == project.Stdin {
			continue
		}
		own := slices.DeleteFunc(slices.Clone(findings), func(f check.Finding) bool { return f.Path != files[i].Path })
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
		out, err := newOutput(c, filepath.FromSlash(f.Path))
		if err == nil {
			_, err = out.Write(f.Data)
		}
		if err == nil {
			err = out.close()
		}
		if err != nil {
			return nil, err
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

// writeFindings writes findings with the lines that they are about.
func writeFindings(w io.Writer, s style.Style, files []check.File, findings []check.Finding) error {
	sources := map[string][]byte{}
	for _, f := range files {
		sources[f.Path] = f.Data
	}
	var lines []string // of the file that the last finding is about
	path := ""
	colours := map[string]string{check.Error: "31", check.Warning: "33", check.Note: "36"}
	var b strings.Builder
	counts := map[string]int{}
	fixes := 0
	for _, f := range findings {
		counts[f.Severity]++
		fmt.Fprintf(&b, "%s:%d:%d: %s: %s %s\n", s.Heading(plain.Text(f.Path)), f.Pos.Line, f.Pos.Column, s.Paint(colours[f.Severity], f.Severity), plain.Text(f.Msg), s.Dim("["+f.Code+"]"))
		if f.Path != path || lines == nil {
			path, lines = f.Path, strings.Split(string(sources[f.Path]), "\n")
		}
		if i := f.Pos.Line - 1; i >= 0 && i < len(lines) && lines[i] != "" {
			text, mark := excerpt(strings.TrimRight(lines[i], "\r"), ir.Span{Start: f.Pos, End: f.End})
			fmt.Fprintf(&b, "    %s\n    %s\n", text, s.Paint(colours[f.Severity], mark))
		}
		if f.Fix != nil {
			fixes++
		}
	}
	fmt.Fprintf(&b, "%s: %s, %s, %s", counted(len(files), "file"), counted(counts[check.Error], "error"), counted(counts[check.Warning], "warning"), counted(counts[check.Note], "note"))
	if fixes > 0 {
		fmt.Fprintf(&b, "; --fix mends %d", fixes)
	}
	_, err := io.WriteString(w, b.String()+"\n")
	return err
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// excerpt is the part of a line around a place, with a mark below it: a caret where it
// begins, and a line from there up to its end, or that of the text.
func excerpt(line string, at ir.Span) (text, mark string) {
	const width = 100
	runes := []rune(line)
	i := min(max(at.Start.Column-1, 0), len(runes))
	from := 0
	if i > width-20 {
		from = i - 40
	}
	to := min(len(runes), from+width)
	end := i
	switch {
	case at.End.Line == at.Start.Line:
		end = min(max(at.End.Column-1, i), to)
	case at.End.Line > at.Start.Line:
		end = to
	}
	text = plain.Text(string(runes[from:to]))
	before := plain.Text(string(runes[from:i]))
	if from > 0 {
		text, before = "…"+text, "…"+before
	}
	if to < len(runes) {
		text += "…"
	}
	marked := utf8.RuneCountInString(plain.Text(string(runes[i:end])))
	return text, strings.Repeat(" ", utf8.RuneCountInString(before)) + "^" + strings.Repeat("~", max(marked-1, 0))
}
