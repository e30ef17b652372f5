// Package page writes what a catalog says of one rule, as text, as Markdown and as
// JSON.
package page

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"sigmac/internal/catalog"
	"sigmac/internal/markdown"
	"sigmac/internal/plain"
	"sigmac/internal/style"
)

// Text writes the page of a rule for a terminal. The error is that of w.
func Text(w io.Writer, s style.Style, p *catalog.Entry) error {
	var b strings.Builder
	b.WriteString(s.Heading(plain.Text(p.Rule.Title)) + "\n")
	var rows [][]string
	for _, f := range facts(p.Rule) {
		rows = append(rows, []string{s.Dim(f[0]), plain.Text(f[1])})
	}
	if len(rows) > 0 {
		b.WriteString("\n")
		table(&b, "", rows)
	}
	if text := strings.TrimSpace(p.Rule.Description); text != "" {
		b.WriteString("\n")
		for _, l := range plain.Lines(text) {
			b.WriteString(l + "\n")
		}
	}
	section := func(title string) { b.WriteString("\n" + s.Heading(title) + "\n\n") }
	if rows := attackRows(p); len(rows) > 0 {
		section("MITRE ATT&CK coverage")
		table(&b, "  ", rows)
	}
	if len(p.Events) > 0 {
		section("Event coverage")
		rows := [][]string{{s.Dim("Provider"), s.Dim("Event"), s.Dim("Title")}}
		for _, e := range p.Events {
			rows = append(rows, []string{e.Provider, fmt.Sprintf("Event ID %d", e.ID), e.Title})
		}
		table(&b, "  ", rows)
	}
	if c := p.Correlation; c != nil {
		section("Correlation")
		var rows [][]string
		for _, r := range correlationRows(c) {
			rows = append(rows, []string{s.Dim(r[0]), plain.Text(r[1])})
		}
		table(&b, "  ", rows)
	}
	if len(p.UsedBy) > 0 {
		section("Used by")
		var rows [][]string
		for _, u := range p.UsedBy {
			rows = append(rows, []string{plain.Text(useName(u)), s.Dim(plain.Text(u.Path))})
		}
		table(&b, "  ", rows)
	}
	if len(p.Stages) > 0 {
		section("Stages and predicates")
	}
	for i, st := range p.Stages {
		fmt.Fprintf(&b, "  %s\n", s.Heading(fmt.Sprintf("Stage %d: %s", i, plain.Text(label(st)))))
		for _, l := range plain.Lines(st.Body) {
			b.WriteString("    " + l + "\n")
		}
	}
	if len(p.Exclusions) > 0 {
		section("Exclusions")
		rows := [][]string{{s.Dim("Field"), s.Dim("Kind"), s.Dim("Excluded value"), s.Dim("Together with")}}
		for _, e := range p.Exclusions {
			rows = append(rows, []string{fieldName(e.Field), e.Kind.String(), shown(e.Predicate), plain.Text(strings.Join(e.With, "; "))})
		}
		table(&b, "  ", rows)
	}
	if len(p.Indicators) > 0 {
		section("Indicators")
		rows := [][]string{{s.Dim("Field"), s.Dim("Kind"), s.Dim("Value")}}
		for _, in := range p.Indicators {
			field, kind := fieldName(in.Field), in.Kind.String()
			for _, v := range in.Values {
				row := []string{field, kind, shown(in.Predicate(v))}
				if v.Corpus != nil {
					row = append(row, s.Dim("corpus "+v.Corpus.String()))
				}
				rows = append(rows, row)
				field, kind = "", ""
			}
		}
		table(&b, "  ", rows)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// correlationRows are the parts of a correlation, in order.
func correlationRows(c *catalog.Correlation) (out [][2]string) {
	group := strings.Join(c.GroupBy, ", ")
	if group == "" {
		group = "none: all events are one group"
	}
	out = [][2]string{{"Type", c.Type}, {"Window", c.Timespan + ", sliding"}, {"Group by", group}, {"Condition", c.Condition}}
	for i, r := range c.Rules {
		text := useName(r)
		if r.Path != "" {
			text += " (" + r.Path + ")"
		}
		out = append(out, [2]string{fmt.Sprintf("Rule %d", i+1), text})
	}
	if c.Generate {
		out = append(out, [2]string{"Generate", "the rules have queries of their own"})
	}
	return out
}

// useName is the title of a document that is named, with its name.
func useName(u catalog.Use) string {
	if u.Title == "" || u.Title == u.Name {
		return u.Name
	}
	return u.Name + ": " + u.Title
}

// label is that of a stage, with the file of a filter that it is of.
func label(st catalog.Stage) string {
	if st.Filter != nil {
		return st.Label + ", of " + st.Filter.Path
	}
	return st.Label
}

// Markdown writes the page of a rule for a comment. What a rule says stands as text,
// and never as markup. The error is that of w.
func Markdown(w io.Writer, p *catalog.Entry) error {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n", markdown.Text(p.Rule.Title))
	for _, f := range facts(p.Rule) {
		fmt.Fprintf(&b, "- **%s**: %s\n", f[0], markdown.Text(f[1]))
	}
	if text := strings.TrimSpace(p.Rule.Description); text != "" {
		fmt.Fprintf(&b, "\n%s\n", markdown.Text(text))
	}
	if rows := attackRows(p); len(rows) > 0 {
		b.WriteString("\n### MITRE ATT&CK coverage\n\n| Id | Name | Tactics |\n|---|---|---|\n")
		for _, row := range rows {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", markdown.Text(row[0]), markdown.Text(row[1]), markdown.Text(row[2]))
		}
	}
	if len(p.Events) > 0 {
		b.WriteString("\n### Event coverage\n\n| Provider | Event | Title |\n|---|---|---|\n")
		for _, e := range p.Events {
			fmt.Fprintf(&b, "| %s | Event ID %d | %s |\n", markdown.Text(e.Provider), e.ID, markdown.Text(e.Title))
		}
	}
	if c := p.Correlation; c != nil {
		b.WriteString("\n### Correlation\n\n")
		for _, r := range correlationRows(c) {
			fmt.Fprintf(&b, "- **%s**: %s\n", r[0], markdown.Text(r[1]))
		}
	}
	if len(p.UsedBy) > 0 {
		b.WriteString("\n### Used by\n\n")
		for _, u := range p.UsedBy {
			fmt.Fprintf(&b, "- %s\n", markdown.Text(useName(u)+" ("+u.Path+")"))
		}
	}
	if len(p.Stages) > 0 {
		b.WriteString("\n### Stages and predicates\n")
	}
	for i, st := range p.Stages {
		fmt.Fprintf(&b, "\n**Stage %d: %s**\n\n%s\n", i, markdown.Text(label(st)), markdown.Block("yaml", plain.Lines(st.Body)))
	}
	if len(p.Exclusions) > 0 {
		b.WriteString("\n### Exclusions\n\n| Field | Kind | Excluded value | Together with |\n|---|---|---|---|\n")
		for _, e := range p.Exclusions {
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", markdown.Text(fieldName(e.Field)), markdown.Text(e.Kind.String()), markdown.Code(shown(e.Predicate)), markdown.Code(strings.Join(e.With, "; ")))
		}
	}
	if len(p.Indicators) > 0 {
		b.WriteString("\n### Indicators\n\n| Field | Kind | Values |\n|---|---|---|\n")
		for _, in := range p.Indicators {
			var values []string
			for _, v := range in.Values {
				s := markdown.Code(plain.Text(v.Value))
				if len(v.Transforms) > 0 {
					s += " transforms: " + markdown.Text(strings.Join(v.Transforms, ", "))
				}
				if v.Corpus != nil {
					s += " corpus " + v.Corpus.String()
				}
				values = append(values, strings.TrimSpace(s))
			}
			fmt.Fprintf(&b, "| %s | %s | %s |\n", markdown.Text(fieldName(in.Field)), markdown.Text(in.Kind.String()), strings.Join(values, "<br>"))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// JSON writes an entry as an object in a line. The error is that of w.
func JSON(w io.Writer, p *catalog.Entry) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(p)
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

// table aligns rows. The codes of a colour count as characters.
func table(b *strings.Builder, indent string, rows [][]string) {
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
