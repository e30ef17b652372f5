package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"sigmac/catalog"
	"sigmac/internal/plain"
	"sigmac/parser"
)

func explainCommand() *cli.Command {
	return &cli.Command{
		Name:      "explain",
		Usage:     "show what a rule looks for, and what it excludes",
		ArgsUsage: "PATH...",
		Description: `Shows the page of a rule: its techniques and events, its stages with their
predicates, what it excludes and its indicators.

   sigmac explain rule.yml
   sigmac explain --markdown rule.yml >> comment.md
   sigmac explain --index site/ rule.yml
   sigmac explain --json rules/ | jq '.indicators[] | select(.kind == "regex")'

Exit status: 0 all rules were shown; 1 a rule is wrong, or a document is no rule
of single events; 2 wrong usage, or a file that cannot be read.`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "json", Usage: "one JSON object a rule"},
			&cli.BoolFlag{Name: "markdown", Usage: "Markdown, for a comment on a pull request"},
			&cli.StringFlag{Name: "index", Usage: "an index `FILE`, or a site, to count the rules that look for the same"},
			patternFlag,
			contextFlag,
		},
		Action: explain,
	}
}

func explain(c *cli.Context) error {
	if c.Bool("json") && c.Bool("markdown") {
		return usage("--json and --markdown exclude each other")
	}
	count := func(*catalog.Entry) error { return nil }
	if path := c.String("index"); path != "" {
		f, err := openIndex(path)
		if err != nil {
			return err
		}
		defer f.Close()
		count = f.Count
	}
	sources := map[string][]byte{}
	collection, err := loadSources(c, sources)
	if err != nil {
		return err
	}
	var write func(io.Writer, *catalog.Entry) error
	switch {
	case c.Bool("json"):
		write = explainJSON
	case c.Bool("markdown"):
		write = explainMarkdown
	default:
		s := style{colour: isTerminal(c.App.Writer) && os.Getenv("NO_COLOR") == ""}
		write = s.explain
	}
	failed, shown := false, 0
	for _, d := range collection.Documents {
		for _, e := range d.Errors {
			tell(c.App.ErrWriter, "%s", e)
			failed = true
		}
		if d.Rule == nil {
			if len(d.Errors) == 0 {
				tell(c.App.ErrWriter, "%s:%d:%d: a %s has no page: it is about rules, not about events", d.Path, d.Pos.Line, d.Pos.Column, d.Kind)
				failed = true
			}
			continue
		}
		if shown > 0 && !c.Bool("json") {
			fmt.Fprintln(c.App.Writer)
		}
		entry := catalog.NewEntry(d.Path, d.Rule, sources[d.Path])
		if err := count(entry); err != nil {
			return usage("%s: %s", c.String("index"), err)
		}
		if err := write(c.App.Writer, entry); err != nil {
			return usage("the output cannot be written: %s", err)
		}
		shown++
	}
	if failed {
		return &failure{status: exitRules}
	}
	return nil
}

// loadSources is load, and keeps the bytes of the files.
func loadSources(c *cli.Context, sources map[string][]byte) (*parser.Collection, error) {
	p, err := open(c)
	if err != nil {
		return nil, err
	}
	files, err := p.Files()
	if err != nil {
		return nil, err
	}
	texts := make([][]byte, len(files))
	collection, err := p.Parse(files, func(i int) ([]byte, error) {
		src, err := p.Read(files[i])
		texts[i] = src
		return src, err
	})
	for i, f := range files {
		sources[f] = texts[i]
	}
	return collection, err
}

// facts are the attributes of a rule that a page shows, in order.
func facts(r catalog.Facts) (out [][2]string) {
	date := r.Date
	if r.Modified != "" {
		date += ", modified " + r.Modified
	}
	for _, f := range [][2]string{{"Id", r.ID}, {"Status", r.Status}, {"Severity", r.Level}, {"Log source", r.LogSource.String()},
		{"Author", r.Author}, {"Date", strings.TrimPrefix(date, ", ")}, {"License", r.License}} {
		if f[1] != "" {
			out = append(out, f)
		}
	}
	return out
}

// A style writes pages for people.
type style struct{ colour bool }

func (s style) paint(code, text string) string {
	if !s.colour || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (s style) heading(text string) string { return s.paint("1", text) }
func (s style) dim(text string) string     { return s.paint("2", text) }

func (s style) explain(w io.Writer, p *catalog.Entry) error {
	var b strings.Builder
	b.WriteString(s.heading(plain.Text(p.Rule.Title)) + "\n\n")
	var rows [][]string
	for _, f := range facts(p.Rule) {
		rows = append(rows, []string{s.dim(f[0]), plain.Text(f[1])})
	}
	s.table(&b, "", rows)
	if text := strings.TrimSpace(p.Rule.Description); text != "" {
		b.WriteString("\n")
		for _, l := range plain.Lines(text) {
			b.WriteString(l + "\n")
		}
	}
	section := func(title string) { b.WriteString("\n" + s.heading(title) + "\n\n") }
	if rows := attackRows(p); len(rows) > 0 {
		section("MITRE ATT&CK coverage")
		s.table(&b, "  ", rows)
	}
	if len(p.Events) > 0 {
		section("Event coverage")
		rows := [][]string{{s.dim("Provider"), s.dim("Event"), s.dim("Title")}}
		for _, e := range p.Events {
			rows = append(rows, []string{e.Provider, fmt.Sprintf("Event ID %d", e.ID), e.Title})
		}
		s.table(&b, "  ", rows)
	}
	section("Stages and predicates")
	for i, st := range p.Stages {
		fmt.Fprintf(&b, "  %s\n", s.heading(fmt.Sprintf("Stage %d: %s", i, plain.Text(st.Label))))
		for _, l := range plain.Lines(st.Body) {
			b.WriteString("    " + l + "\n")
		}
	}
	if len(p.Exclusions) > 0 {
		section("Exclusions")
		rows := [][]string{{s.dim("Field"), s.dim("Kind"), s.dim("Excluded value"), s.dim("Together with")}}
		for _, e := range p.Exclusions {
			rows = append(rows, []string{fieldName(e.Field), e.Kind.String(), shown(e.Predicate), plain.Text(strings.Join(e.With, "; "))})
		}
		s.table(&b, "  ", rows)
	}
	if len(p.Indicators) > 0 {
		section("Indicators")
		rows := [][]string{{s.dim("Field"), s.dim("Kind"), s.dim("Value")}}
		for _, in := range p.Indicators {
			field, kind := fieldName(in.Field), in.Kind.String()
			for _, v := range in.Values {
				row := []string{field, kind, shown(in.Predicate(v))}
				if v.Corpus != nil {
					row = append(row, s.dim("corpus "+v.Corpus.String()))
				}
				rows = append(rows, row)
				field, kind = "", ""
			}
		}
		s.table(&b, "  ", rows)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// table aligns rows; colours do not count.
func (s style) table(b *strings.Builder, indent string, rows [][]string) {
	var t strings.Builder
	w := tabwriter.NewWriter(&t, 0, 0, 2, ' ', tabwriter.StripEscape)
	for _, row := range rows {
		for i, cell := range row {
			if strings.HasPrefix(cell, "\x1b") {
				code, rest, _ := strings.Cut(cell, "m")
				text, end, _ := strings.Cut(rest, "\x1b")
				cell = "\xff" + code + "m\xff" + text + "\xff\x1b" + end + "\xff"
			}
			if i > 0 {
				cell = "\t" + cell
			}
			io.WriteString(w, cell)
		}
		io.WriteString(w, "\n")
	}
	w.Flush()
	for line := range strings.Lines(t.String()) {
		b.WriteString(indent + strings.TrimRight(line, " \n") + "\n")
	}
}

func fieldName(name string) string {
	if name == "" {
		return "(any)"
	}
	return plain.Text(name)
}

// shown is a value with its transforms.
func shown(p catalog.Predicate) string {
	s := plain.Text(p.Value)
	if strings.TrimSpace(s) != s || s == "" && p.Kind != catalog.IsNull {
		s = "'" + s + "'" // blanks are seen
	}
	if len(p.Transforms) > 0 {
		s += "  transforms: " + strings.Join(p.Transforms, ", ")
	}
	return strings.TrimSpace(s)
}

// attackRows are the techniques and tactics that a rule covers.
func attackRows(p *catalog.Entry) (rows [][]string) {
	for _, t := range p.Attack {
		name := t.Name
		if t.Successor != "" {
			name = strings.TrimSpace(name + " (now " + t.Successor + ")")
		}
		rows = append(rows, []string{t.ID, name, strings.Join(t.Tactics, ", ")})
	}
	return rows
}

// explainMarkdown writes a page for a comment. What a rule says stands as text,
// and never as markup.
func explainMarkdown(w io.Writer, p *catalog.Entry) error {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n", markdownText(p.Rule.Title))
	for _, f := range facts(p.Rule) {
		fmt.Fprintf(&b, "- **%s**: %s\n", f[0], markdownText(f[1]))
	}
	if text := strings.TrimSpace(p.Rule.Description); text != "" {
		fmt.Fprintf(&b, "\n%s\n", markdownText(text))
	}
	if rows := attackRows(p); len(rows) > 0 {
		b.WriteString("\n### MITRE ATT&CK coverage\n\n| Id | Name | Tactics |\n|---|---|---|\n")
		for _, row := range rows {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", markdownText(row[0]), markdownText(row[1]), markdownText(row[2]))
		}
	}
	if len(p.Events) > 0 {
		b.WriteString("\n### Event coverage\n\n| Provider | Event | Title |\n|---|---|---|\n")
		for _, e := range p.Events {
			fmt.Fprintf(&b, "| %s | Event ID %d | %s |\n", markdownText(e.Provider), e.ID, markdownText(e.Title))
		}
	}
	b.WriteString("\n### Stages and predicates\n")
	for i, st := range p.Stages {
		fmt.Fprintf(&b, "\n**Stage %d: %s**\n\n%s\n", i, markdownText(st.Label), fenced(st.Body))
	}
	if len(p.Exclusions) > 0 {
		b.WriteString("\n### Exclusions\n\n| Field | Kind | Excluded value | Together with |\n|---|---|---|---|\n")
		for _, e := range p.Exclusions {
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", markdownText(fieldName(e.Field)), markdownText(e.Kind.String()), codeSpan(shown(e.Predicate)), codeSpan(strings.Join(e.With, "; ")))
		}
	}
	if len(p.Indicators) > 0 {
		b.WriteString("\n### Indicators\n\n| Field | Kind | Values |\n|---|---|---|\n")
		for _, in := range p.Indicators {
			var values []string
			for _, v := range in.Values {
				s := codeSpan(plain.Text(v.Value))
				if len(v.Transforms) > 0 {
					s += " transforms: " + markdownText(strings.Join(v.Transforms, ", "))
				}
				if v.Corpus != nil {
					s += " corpus " + v.Corpus.String()
				}
				values = append(values, strings.TrimSpace(s))
			}
			fmt.Fprintf(&b, "| %s | %s | %s |\n", markdownText(fieldName(in.Field)), markdownText(in.Kind.String()), strings.Join(values, "<br>"))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// markdownText is s as text in Markdown, in one line.
func markdownText(s string) string {
	var b strings.Builder
	for _, r := range plain.Text(s) {
		switch {
		case r == '<':
			b.WriteString("&lt;")
		case r == '&':
			b.WriteString("&amp;")
		case strings.ContainsRune("\\`*_[]#|~>!@", r):
			b.WriteString("\\" + string(r))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// codeSpan is s as code in a table.
func codeSpan(s string) string {
	s = plain.Text(s)
	if s == "" {
		return ""
	}
	ticks := strings.Repeat("`", longestRun(s, '`')+1)
	pad := ""
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") || strings.HasPrefix(s, " ") && strings.HasSuffix(s, " ") {
		pad = " "
	}
	return ticks + pad + strings.ReplaceAll(s, "|", `\|`) + pad + ticks
}

// fenced is text as a block of code.
func fenced(s string) string { return fencedAs("yaml", plain.Lines(s)) }

// fencedAs is lines as a block of code in a language.
func fencedAs(language string, lines []string) string {
	text := ""
	for _, l := range lines {
		text += plain.Text(l) + "\n"
	}
	ticks := strings.Repeat("`", max(3, longestRun(text, '`')+1))
	return ticks + language + "\n" + text + ticks
}

func longestRun(s string, c rune) (longest int) {
	n := 0
	for _, r := range s {
		if r != c {
			n = 0
			continue
		}
		n++
		longest = max(longest, n)
	}
	return longest
}

func explainJSON(w io.Writer, e *catalog.Entry) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(e)
}
