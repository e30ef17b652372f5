package review

import (
	"io"
	"slices"
	"strings"

	"sigmac/internal/diff"
	"sigmac/internal/plain"
	"sigmac/internal/style"
)

var colours = map[diff.Kind]string{diff.Broken: "31", diff.Removed: "31", diff.Both: "31", diff.Narrower: "31", diff.Unknown: "33", diff.Wider: "33", diff.Added: "32", diff.Equal: "2"}

// long is how many rules are a long output, which begins with the count.
const long = 20

// Text writes changes for a terminal: those that are of concern, and a count of all
// by kind. The error is that of w.
func Text(w io.Writer, s style.Style, changes []Change) error {
	var b strings.Builder
	loud := slices.DeleteFunc(slices.Clone(changes), Change.quiet)
	if len(loud) > long {
		b.WriteString(summary(changes) + "\n\n")
	}
	for _, ch := range once(loud) {
		head := s.Paint(colours[diff.Kinds[ch.danger()]], ch.kind()) + "  " + s.Heading(plain.Text(ch.where()))
		if name := ch.name(); name != "" {
			head += "  " + plain.Text(name)
		}
		if ch.Target != "" {
			head += "  [" + ch.Target + "]"
		}
		b.WriteString(head + "\n")
		line := func(label, text string) {
			b.WriteString("  " + s.Dim(label) + " " + plain.Text(text) + "\n")
		}
		if ch.Reason != "" {
			line("because:", ch.Reason)
		}
		if from := ch.movedFrom(); from != "" {
			line("moved from:", from)
		}
		events := func(label string, events []map[string]any, values int) {
			for _, e := range events {
				line(label, plain.Event(e))
			}
			if text := more(values); text != "" {
				line(label, text)
			}
		}
		events("no longer matched:", ch.NoLongerMatched, ch.MoreLost)
		events("newly matched:", ch.NewlyMatched, ch.MoreNew)
		if ch.as != "" {
			line("events:", "as for "+ch.as)
		}
		for _, a := range ch.Metadata {
			line(a.Name+":", orNone(a.Old)+" -> "+orNone(a.New))
		}
		for _, q := range ch.Queries {
			b.WriteString("  " + s.Dim(q.title()+":") + "\n")
			for _, l := range q.lines() {
				colour := map[byte]string{'-': "31", '+': "32"}[(l + " ")[0]]
				l = plain.Text(l)
				if colour != "" {
					l = s.Paint(colour, l)
				}
				b.WriteString("    " + l + "\n")
			}
		}
		b.WriteString("\n")
	}
	b.WriteString(summary(changes) + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}
