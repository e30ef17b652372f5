package review

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"sigmac/internal/diff"
	"sigmac/internal/markdown"
	"sigmac/internal/plain"
)

// maxComment is less than what GitHub takes as a comment, 65,536 characters.
const maxComment = 60_000

// Markdown writes changes for a comment: what becomes invisible, a table, then details while there is room.
// What a rule says stands as text, and never as markup. The error is that of w.
func Markdown(w io.Writer, changes []Change) error {
	var b strings.Builder
	fmt.Fprintf(&b, "### Rules: %s\n", summary(changes))
	loud := slices.DeleteFunc(slices.Clone(changes), Change.quiet)
	b.WriteString(invisible(once(loud)))
	const rows = 50
	if len(loud) > 0 {
		b.WriteString("\n| Change | Rule | Level | File |\n|---|---|---|---|\n")
	}
	for i, ch := range loud {
		if i == rows {
			fmt.Fprintf(&b, "\nand %d more\n", len(loud)-rows)
			break
		}
		title, level := "", ""
		if d := ch.Doc(); d != nil {
			title, level = d.Title, diff.Level(d)
		}
		kind := ch.kind()
		if ch.Target != "" {
			kind += " (" + ch.Target + ")"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", kind, markdown.Text(plain.Clip(title, 200)), markdown.Text(level), markdown.Code(plain.Clip(ch.where(), 300)))
	}
	left := 0
	for _, ch := range once(loud) {
		text := ch.details()
		if text == "" {
			continue
		}
		if b.Len()+len(text) > maxComment {
			left++
			continue
		}
		b.WriteString(text)
	}
	if left > 0 {
		fmt.Fprintf(&b, "\nThe details of %d more did not fit here.\n", left)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// invisible tells first of what nobody sees any more: rules that are gone or cannot be read, that have lost a
// query, and events that others no longer match.
func invisible(changes []Change) string {
	const rows = 10
	var lines []string
	for _, ch := range changes {
		what := ""
		switch targets := ch.undeployed(); {
		case ch.Kind == diff.Broken:
			what = "cannot be read, so it finds nothing"
		case ch.Kind == diff.Removed:
			what = "is gone"
		case len(targets) > 0:
			what = "has no query for " + strings.Join(targets, ", ") + " any more"
		case len(ch.NoLongerMatched) > 0:
			what = "no longer matches " + markdown.Code(plain.Clip(plain.JSON(plain.Event(ch.NoLongerMatched[0])), 300))
		case ch.Kind.Loses() && ch.Kind != diff.Unknown && ch.as == "":
			what = "matches less"
		default:
			continue
		}
		if ch.Target != "" {
			what += " (" + ch.Target + ")"
		}
		lines = append(lines, fmt.Sprintf("- **%s** %s\n", markdown.Text(plain.Clip(cmp.Or(ch.name(), ch.where()), 200)), what))
	}
	if len(lines) == 0 {
		return ""
	}
	if n := len(lines) - rows; n > 0 {
		lines = append(lines[:rows], fmt.Sprintf("- and %d more\n", n))
	}
	return "\nWhat becomes invisible:\n\n" + strings.Join(lines, "")
}

// details are the events, attributes and queries of a change, to be unfolded.
func (ch Change) details() string {
	var b strings.Builder
	item := func(label, text string) { fmt.Fprintf(&b, "- %s: %s\n", label, text) }
	if ch.Reason != "" {
		item("because", markdown.Text(ch.Reason))
	}
	if from := ch.movedFrom(); from != "" {
		item("moved from", markdown.Code(from))
	}
	if ch.as != "" {
		item("events", "as for "+ch.as)
	}
	for _, a := range ch.Metadata {
		item(a.Name, markdown.Text(orNone(a.Old))+" → "+markdown.Text(orNone(a.New)))
	}
	events := func(label string, events []map[string]any, values int) {
		if len(events) == 0 {
			return
		}
		var lines []string
		language := "json"
		for _, e := range events {
			text := plain.JSON(plain.Event(e))
			line := plain.Clip(text, 2000)
			if lines = append(lines, line); line != text {
				language = "text" // what is cut off is no JSON
			}
		}
		fmt.Fprintf(&b, "\n%s:\n\n%s\n", label, markdown.Block(language, lines))
		if text := more(values); text != "" {
			b.WriteString("\n" + text + "\n")
		}
	}
	events("No longer matched", ch.NoLongerMatched, ch.MoreLost)
	events("Newly matched", ch.NewlyMatched, ch.MoreNew)
	for _, q := range ch.Queries {
		var lines []string
		for _, l := range q.lines() {
			lines = append(lines, plain.Clip(l, 4000))
		}
		fmt.Fprintf(&b, "\n%s:\n\n%s\n", markdown.Text(q.title()), markdown.Block("diff", lines))
	}
	if b.Len() == 0 {
		return ""
	}
	return fmt.Sprintf("\n<details><summary>%s: %s</summary>\n\n%s\n</details>\n", ch.kind(), markdown.HTML(plain.Clip(cmp.Or(ch.name(), ch.where()), 200)), b.String())
}
