package deploy

import (
	"slices"
	"strings"

	"sigmac/backends/splunk/read"
	"sigmac/ir"
	"sigmac/tail"
)

// anyColumn is the schema of a table of which nothing is known.
type anyColumn struct{}

func (anyColumn) Type(string, string) (ir.Type, bool) { return ir.Unknown, true }

// commands are those of a search and of its subsearches, each at the place of the stage where it
// stands. What cannot be read has none.
func commands(search string) []ir.Command {
	return commandsWithin(search, ir.Pos{Line: 1, Column: 1}, 0)
}

// maxSubsearches is how deep subsearches are looked at.
const maxSubsearches = 20

func commandsWithin(search string, at ir.Pos, depth int) (out []ir.Command) {
	stages, err := read.Stages(search)
	if err != nil || depth > maxSubsearches {
		return nil
	}
	for _, st := range stages {
		if depth > 0 {
			st.Pos = at
		}
		out = append(out, st)
		for _, sub := range subsearches(st.Text) {
			out = append(out, commandsWithin(sub, st.Pos, depth+1)...)
		}
	}
	return out
}

// outside calls visit for each character of a stage that is not within double quotes.
func outside(text string, visit func(i int, c byte)) {
	quoted := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted:
			visit(i, c)
		}
	}
}

// subsearches are the texts in brackets of a stage.
func subsearches(text string) (out []string) {
	depth, start := 0, 0
	outside(text, func(i int, c byte) {
		switch {
		case c == '[':
			if depth++; depth == 1 {
				start = i + 1
			}
		case c == ']' && depth > 0:
			if depth--; depth == 0 {
				out = append(out, strings.TrimSpace(text[start:i]))
			}
		}
	})
	return out
}

// macros are the names of the macros that a stage calls.
func macros(text string) (out []string) {
	start := -1
	outside(text, func(i int, c byte) {
		if c != '`' {
			return
		}
		if start < 0 {
			start = i + 1
			return
		}
		name, args, _ := strings.Cut(strings.TrimSpace(text[start:i]), "(")
		if start = -1; args != "" {
			name += "("
		}
		out = append(out, name)
	})
	return out
}

// lookupOf is the lookup that a command reads or writes, or empty.
func lookupOf(c ir.Command) string {
	if c.Name != "inputlookup" && c.Name != "lookup" {
		return ""
	}
	for _, word := range strings.Fields(c.Text)[1:] {
		if !strings.ContainsAny(word, "=\"'`") {
			return word
		}
	}
	return ""
}

// results are the columns of the results of a search, where the search alone decides them.
func results(search string, s ir.Schema) (columns []string, known bool) {
	if q, err := read.ReadTail(search, s); err == nil {
		for _, op := range q.Ops {
			columns, known = columnsAfter(op, columns, known)
		}
		return columns, known
	}
	return tstatsResults(search)
}

// columnsAfter are the columns behind a stage, before which they are columns, if these are known.
func columnsAfter(op tail.Op, columns []string, known bool) ([]string, bool) {
	add := func(names ...string) ([]string, bool) {
		if !known {
			return nil, false
		}
		return append(slices.Clone(columns), names...), true
	}
	named := func(ns []tail.Named) (out []string) {
		for _, n := range ns {
			out = append(out, n.Name)
		}
		return out
	}
	aggs := func(as []tail.Agg) (out []string) {
		for _, a := range as {
			out = append(out, a.As)
		}
		return out
	}
	switch op := op.(type) {
	case tail.Select:
		return named(op.Columns), true
	case tail.Group:
		return append(named(op.By), aggs(op.Aggs)...), true
	case tail.Extend:
		return add(named(op.Columns)...)
	case tail.Running:
		return add(aggs(op.Aggs)...)
	case tail.Beside:
		return add(aggs(op.Aggs)...)
	case tail.Cumulate:
		return add(op.As)
	case tail.Filled:
		return add(op.Names...)
	case tail.Drop:
		if !known {
			return nil, false
		}
		return slices.DeleteFunc(slices.Clone(columns), func(c string) bool { return slices.Contains(op.Names, c) }), true
	case tail.Where, tail.Sort, tail.Limit, tail.Last, tail.Reverse, tail.Expand:
		return columns, known
	}
	return nil, false
}

// tstatsResults are the columns of a search that is one count of a data model: what it aggregates
// and by what.
func tstatsResults(search string) ([]string, bool) {
	stages, err := read.Stages(search)
	if err != nil || len(stages) != 1 || stages[0].Name != "tstats" || strings.ContainsAny(stages[0].Text, "`*[") {
		return nil, false
	}
	// The values of the clause WHERE are in quotes, so no word of them is one of the command.
	var bare strings.Builder
	outside(stages[0].Text, func(_ int, c byte) { bare.WriteByte(c) })
	words := strings.FieldsFunc(bare.String(), func(r rune) bool { return r == ' ' || r == ',' || r == '\n' || r == '\t' })
	from := slices.IndexFunc(words, func(w string) bool { return strings.EqualFold(w, "from") })
	by := len(words) - 1
	for by > 0 && !strings.EqualFold(words[by], "by") {
		by--
	}
	if from < 0 || by < from {
		return nil, false
	}
	var columns []string
	for i, w := range words[1:from] {
		switch {
		case strings.EqualFold(w, "as") || strings.Contains(w, "="):
		case i > 0 && strings.EqualFold(words[i], "as"):
			columns[max(0, len(columns)-1)] = w
		default:
			columns = append(columns, w)
		}
	}
	for _, w := range words[by+1:] {
		if !strings.Contains(w, "=") {
			columns = append(columns, w)
		}
	}
	return columns, true
}
