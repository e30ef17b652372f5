package review

import (
	"fmt"
	"io"
	"slices"
	"strings"

	diffreview "sigmac/internal/diff/review"
	"sigmac/internal/drift"
	"sigmac/internal/markdown"
	"sigmac/internal/plain"
)

// maxComment is less than what GitHub takes as a comment, 65,536 characters; maxRows are
// those of a table that somebody still reads.
const (
	maxComment = 60_000
	maxRows    = 50
)

// Markdown writes drift for an issue or a comment: a table, then details while there is room.
// The error is that of w.
func Markdown(w io.Writer, entries []drift.Entry) error {
	loud := slices.DeleteFunc(slices.Clone(entries), func(e drift.Entry) bool {
		return quiet(e) || e.Rule == nil && e.Differences[0].Kind == drift.Unmanaged
	})
	return page(w, "Drift: "+Summary(entries), "Drift", loud, state, false)
}

// PlanMarkdown writes a plan for a comment on a pull request. The error is that of w.
func PlanMarkdown(w io.Writer, entries []drift.Entry) error {
	title := PlanSummary(entries)
	if left := rest(entries); left != "" {
		title += " " + left
	}
	shown := slices.DeleteFunc(slices.Clone(entries), func(e drift.Entry) bool { return marks[e.Action()] == "" })
	return page(w, title, "Plan", shown, func(e drift.Entry) string { return string(e.Action()) }, true)
}

func page(w io.Writer, title, column string, entries []drift.Entry, word func(drift.Entry) string, plan bool) error {
	var b strings.Builder
	fmt.Fprintf(&b, "### %s\n", title)
	if len(entries) > 0 {
		fmt.Fprintf(&b, "\n| %s | Detection | File |\n|---|---|---|\n", column)
	}
	for i, e := range entries {
		if i == maxRows {
			fmt.Fprintf(&b, "\nand %d more\n", len(entries)-maxRows)
			break
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", word(e), markdown.Text(plain.Clip(name(e), 200)), markdown.Code(plain.Clip(where(e), 300)))
	}
	left := 0
	for _, e := range entries {
		text := details(e, word(e), plan)
		switch {
		case text == "":
		case b.Len()+len(text) > maxComment:
			left++
		default:
			b.WriteString(text)
		}
	}
	if left > 0 {
		fmt.Fprintf(&b, "\nThe details of %d more did not fit here.\n", left)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// details are the lines of an entry, to be unfolded, and its queries where these differ.
func details(e drift.Entry, word string, plan bool) string {
	var b strings.Builder
	for _, l := range told(e, plan) {
		text := markdown.Text(plain.Clip(l.text, 1000))
		if strings.HasPrefix(l.text, "{") {
			text = markdown.Code(plain.Clip(plain.JSON(l.text), 2000))
		}
		fmt.Fprintf(&b, "- %s: %s\n", l.label, text)
	}
	if e.Rule != nil && e.Rule.Detection != nil && e.Deployed != nil && slices.ContainsFunc(e.Differences, func(d drift.Difference) bool {
		return slices.Contains([]drift.Kind{drift.Query, drift.Unjudged, drift.Scope, drift.Bounds, drift.Rewritten}, d.Kind)
	}) {
		old, new := e.Rule.Detection.Query, e.Deployed.Query // of drift, what became of the rule's
		if plan {
			old, new = new, old
		}
		var lines []string
		for _, l := range diffreview.Lines([]byte(strings.TrimRight(old, "\n")+"\n"), []byte(strings.TrimRight(new, "\n")+"\n")) {
			lines = append(lines, plain.Clip(l, 4000))
		}
		fmt.Fprintf(&b, "\n%s\n", markdown.Block("diff", lines))
	}
	if b.Len() == 0 {
		return ""
	}
	return fmt.Sprintf("\n<details><summary>%s: %s</summary>\n\n%s\n</details>\n", word, markdown.HTML(plain.Clip(name(e), 200)), b.String())
}
