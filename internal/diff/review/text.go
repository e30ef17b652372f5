package review

import (
	"io"
	"strings"

	"sigmac/internal/diff"
	"sigmac/internal/plain"
	"sigmac/internal/style"
)

var colours = map[diff.Kind]string{diff.Broken: "31", diff.Removed: "31", diff.Both: "31", diff.Narrower: "31", diff.Unknown: "33", diff.Wider: "33", diff.Added: "32", diff.Equal: "2"}

// Text writes changes for a terminal: those that are of concern, and a count of all
// by kind. The error is that of w.
func Text(w io.Writer, s style.Style, changes []Change) error {
	var b strings.Builder
	for _, ch := range changes {
		if ch.quiet() {
			continue
		}
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
		for _, e := range ch.NoLongerMatched {
			line("no longer matched:", plain.Event(e))
		}
		for _, e := range ch.NewlyMatched {
			line("newly matched:", plain.Event(e))
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
