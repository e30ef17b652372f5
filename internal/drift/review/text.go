package review

import (
	"fmt"
	"io"
	"strings"

	"sigmac/internal/drift"
	"sigmac/internal/plain"
	"sigmac/internal/style"
)

// maxUnmanaged is how many detections of no Sigma rule are named one by one.
const maxUnmanaged = 20

// Text writes drift for a terminal: what is of concern, and a count of all. The error is that
// of w.
func Text(w io.Writer, s style.Style, entries []drift.Entry) error {
	var b strings.Builder
	unmanaged := 0
	for _, e := range entries {
		if quiet(e) {
			continue
		}
		if e.Rule == nil && e.Differences[0].Kind == drift.Unmanaged {
			if unmanaged++; unmanaged > maxUnmanaged {
				continue
			}
		}
		colour := "33"
		switch d := e.Differences; {
		case e.Equal():
			colour = "2"
		case len(d) > 0 && (d[0].Kind == drift.Missing || d[0].Kind == drift.Query || d[0].Kind == drift.Enabled):
			colour = "31"
		case e.Rule == nil && d[0].Kind == drift.Unmanaged:
			colour = "2"
		}
		b.WriteString(s.Paint(colour, state(e)) + "  " + s.Heading(plain.Text(where(e))) + "  " + plain.Text(name(e)) + "\n")
		ls := told(e, false)
		for _, l := range ls {
			b.WriteString("  " + s.Dim(l.label+":") + " " + plain.Text(l.text) + "\n")
		}
		if len(ls) > 0 {
			b.WriteString("\n")
		}
	}
	if more := unmanaged - maxUnmanaged; more > 0 {
		fmt.Fprintf(&b, "and %d more of no Sigma rule\n", more)
	}
	if b.Len() > 0 && !strings.HasSuffix(b.String(), "\n\n") {
		b.WriteString("\n")
	}
	b.WriteString(Summary(entries) + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

var markColours = map[drift.Action]string{drift.Create: "32", drift.Change: "33", drift.Delete: "31", drift.Replace: "31", drift.Blocked: "31"}

// PlanText writes a plan for a terminal, as Terraform does. The error is that of w.
func PlanText(w io.Writer, s style.Style, entries []drift.Entry) error {
	var b strings.Builder
	for _, e := range entries {
		mark, shown := marks[e.Action()]
		if !shown {
			continue
		}
		b.WriteString(s.Paint(markColours[e.Action()], fmt.Sprintf("%3s", mark)) + " " + s.Heading(plain.Text(name(e))) + "  " + s.Dim(plain.Text(where(e))) + "\n")
		for _, l := range told(e, true) {
			b.WriteString("      " + s.Dim(l.label+":") + " " + plain.Text(l.text) + "\n")
		}
	}
	if b.Len() > 0 {
		b.WriteString("\n")
	}
	if left := rest(entries); left != "" {
		b.WriteString(left + "\n")
	}
	b.WriteString(s.Heading(PlanSummary(entries)) + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}
