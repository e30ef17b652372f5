package native

import (
	"slices"
	"strings"

	"sigmac/ir"
)

// A reading is what a reader says of a text with queries.
type reading struct {
	stages  []ir.Command // as Stages and Events of the readers give them
	queries []*ir.Query
}

// same says whether two texts mean the same in the same order: all of their filters,
// and all of their commands but for blanks.
func (a reading) same(b reading) bool {
	word := func(a, b ir.Command) bool {
		return a.Name == b.Name && slices.Equal(strings.Fields(a.Text), strings.Fields(b.Text))
	}
	text := func(e ir.Expr) string {
		if e == nil {
			return ""
		}
		return e.String()
	}
	return slices.EqualFunc(a.stages, b.stages, word) && slices.EqualFunc(a.queries, b.queries, func(a, b *ir.Query) bool {
		return a.Scope == b.Scope && text(a.Whole()) == text(b.Whole()) && slices.EqualFunc(a.Stages, b.Stages, word) &&
			slices.EqualFunc(a.Steps, b.Steps, func(a, b ir.Expr) bool { return text(a) == text(b) })
	})
}

// layOut reads the query of r, and lays it out in the best way that reads the same.
func (r *Rule) layOut(read func(query string) (reading, error)) (reading, error) {
	r.Query = strings.TrimSpace(r.Query)
	was, err := read(r.Query)
	if err != nil {
		return was, err
	}
	piped := pipes(r.Query, was.stages)
	for _, text := range []string{folded(piped), piped} {
		if text == r.Query {
			break
		}
		if is, err := read(text); err == nil && was.same(is) {
			r.Query = text
			return is, nil
		}
	}
	return was, nil
}

// pipes is a query with each of its commands, and each event of a sequence, in a line
// of its own.
func pipes(query string, stages []ir.Command) string {
	lines := strings.SplitAfter(query, "\n")
	var cuts []int // where a line is to begin
	line, start := 1, 0
	for _, st := range stages {
		for ; line < st.Pos.Line && line <= len(lines); line++ {
			start += len(lines[line-1])
		}
		at := start
		for range st.Pos.Column - 1 {
			for at++; at < len(query) && query[at]&0xc0 == 0x80; at++ { // a column is a character
			}
		}
		own := strings.TrimRight(query[start:min(at, len(query))], " \t")
		for _, begin := range []string{"|", "![", "["} {
			if rest, ok := strings.CutSuffix(own, begin); ok {
				if strings.TrimSpace(rest) != "" {
					cuts = append(cuts, start+len(rest))
				}
				break
			}
		}
	}
	var b strings.Builder
	from := 0
	for _, at := range cuts {
		b.WriteString(strings.TrimRight(query[from:at], " \t") + "\n")
		if query[at] != '|' {
			b.WriteString("  ")
		}
		from = at
	}
	return b.String() + query[from:]
}

// maxLine is how many bytes of a line are easily read.
const maxLine = 120

// folded is a query whose long lines are broken before `and` and `or`, those of the
// outermost brackets first. A line that goes on in the next one stays: somebody has laid
// it out.
func folded(query string) string {
	var out []string
	for line := range strings.SplitSeq(query, "\n") {
		line = strings.TrimRight(line, " \t\r")
		if words := strings.Fields(line); strings.HasSuffix(line, ",") || open(line) != 0 || len(words) > 0 && joins(words[len(words)-1]+" ") {
			out = append(out, line)
		} else {
			out = append(out, fold(line)...)
		}
	}
	return strings.Join(out, "\n")
}

// open is how many brackets a line opens more than it closes.
func open(line string) (n int) {
	for _, c := range line {
		switch c {
		case '(', '[', '{':
			n++
		case ')', ']', '}':
			n--
		}
	}
	return n
}

func fold(line string) []string {
	if len(line) <= maxLine {
		return []string{line}
	}
	var cuts []int
	depth, outermost := 0, len(line)
	quote := byte(0)
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case quote != 0 && c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'' || c == '`':
			quote = c
		case strings.IndexByte("([{", c) >= 0:
			depth++
		case strings.IndexByte(")]}", c) >= 0:
			depth--
		case c == ' ' && joins(line[i+1:]) && strings.TrimSpace(line[:i]) != "":
			if depth < outermost {
				cuts, outermost = cuts[:0], depth
			}
			if depth == outermost {
				cuts = append(cuts, i)
			}
		}
	}
	if len(cuts) == 0 {
		return []string{line}
	}
	indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))] + "  "
	var out []string
	for i, from := range append([]int{0}, cuts...) {
		part := line[from:slices.Concat(cuts, []int{len(line)})[i]]
		if i > 0 {
			part = indent + strings.TrimLeft(part, " ")
		}
		out = append(out, fold(strings.TrimRight(part, " "))...)
	}
	return out
}

// joins says whether a text begins with `and` or `or`.
func joins(text string) bool {
	word, _, ok := strings.Cut(text, " ")
	return ok && (strings.EqualFold(word, "and") || strings.EqualFold(word, "or"))
}
