package main

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"sigmac/internal/check"
	"sigmac/internal/plain"
	"sigmac/internal/style"
	"sigmac/internal/suggest"
	"sigmac/ir"
)

// reports are the forms of what checks find.
var reports = []string{"text", "json", "sarif", "junit", "github"}

// A checkReport is what checks have found in files.
type checkReport struct {
	suite    string
	checks   []check.Check
	files    []check.File
	findings []check.Finding
	compared string // the revision whose findings are marked as known, or empty
}

// A reportWriter writes a report in one of reports.
type reportWriter struct {
	form string
	out  *output
}

// newReports are the forms that are asked for: each with its file, and one on standard output or in
// that of --output.
func newReports(c *cli.Context) (out []reportWriter, err error) {
	asked := c.StringSlice("format")
	switch {
	case c.Bool("json"):
		asked = append(asked, "json")
	case len(asked) == 0:
		asked = reports[:1]
	}
	if path := c.String("junitxml"); path != "" {
		asked = append(slices.Clone(asked), "junit="+path)
	}
	plain := 0
	for _, a := range asked {
		form, path, named := strings.Cut(a, "=")
		switch {
		case !slices.Contains(reports, form):
			return nil, usage("--format knows no %q%s", form, suggest.Among(form, "formats", reports))
		case named && path == "":
			return nil, usage("--format %s needs a file behind the =", a)
		case !named:
			path = c.String("output")
			plain++
		}
		w := reportWriter{form: form}
		if w.out, err = newOutput(c, path, append(c.Args().Slice(), c.String("validation-config"))); err != nil {
			return nil, err
		}
		out = append(out, w)
	}
	switch {
	case plain > 1:
		return nil, usage("--format: one form alone can be without a file, as in sarif=FILE")
	case plain == 0 && c.IsSet("output"):
		return nil, usage("--output is for a form without a file, and each has one")
	}
	return out, nil
}

// write writes the report. What is known already is in none but SARIF.
func (o reportWriter) write(c *cli.Context, r checkReport) (err error) {
	w, found := bufio.NewWriter(o.out), r.findings
	if r.compared != "" {
		found = check.New(found)
	}
	switch o.form {
	case "json":
		err = check.WriteJSON(w, found)
	case "sarif":
		err = check.WriteSARIF(w, r.checks, r.findings, r.compared != "", version)
	case "junit":
		var all []string
		for _, f := range r.files {
			all = append(all, f.Path)
		}
		err = check.WriteJUnit(w, r.suite, all, found)
	case "github":
		err = check.WriteGitHub(w, found)
	default:
		var s style.Style // none in a file
		if o.out.file == nil {
			s = styleFor(c.App.Writer)
		}
		known := ""
		if r.compared != "" {
			known = fmt.Sprintf("; %s that %s has too", counted(len(r.findings)-len(found), "finding"), plain.Text(r.compared))
		}
		err = writeFindings(w, s, r.files, found, known)
	}
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		return usage("the output cannot be written: %s", err)
	}
	return o.out.close()
}

// writeFindings writes findings with the lines that they are about, and known behind the summary.
func writeFindings(w io.Writer, s style.Style, files []check.File, findings []check.Finding, known string) error {
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
	summary := fmt.Sprintf("%s: %s, %s, %s", counted(len(files), "file"), counted(counts[check.Error], "error"), counted(counts[check.Warning], "warning"), counted(counts[check.Note], "note"))
	if fixes > 0 {
		summary += fmt.Sprintf("; --fix mends %d", fixes)
	}
	summary += known + "\n"
	b.WriteString(summary)
	before := ""
	if len(findings) > longOutput {
		before = summary
	}
	_, err := io.WriteString(w, before+b.String())
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
