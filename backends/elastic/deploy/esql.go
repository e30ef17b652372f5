package deploy

import (
	"path"
	"slices"
	"strings"
)

// esqlCommands are the commands of a query in ES|QL, each as its words and signs, with texts
// and comments left out. Only pipes outside of parentheses part commands.
func esqlCommands(query string) (out [][]string) {
	command := []string{}
	depth := 0
	for i := 0; i < len(query); {
		rest := query[i:]
		end := func(from int, mark string) int { // behind the mark
			if j := strings.Index(rest[from:], mark); j >= 0 {
				return from + j + len(mark)
			}
			return len(rest)
		}
		switch c := rest[0]; {
		case strings.HasPrefix(rest, "//"):
			i += end(2, "\n")
		case strings.HasPrefix(rest, "/*"):
			i += end(2, "*/")
		case strings.HasPrefix(rest, `"""`):
			i += end(3, `"""`)
		case c == '"':
			j := 1
			for j < len(rest) && rest[j] != '"' {
				if rest[j] == '\\' {
					j++
				}
				j++
			}
			i += min(j+1, len(rest))
			command = append(command, `"`)
		case c == '`':
			j := end(1, "`")
			command = append(command, strings.Trim(rest[:j], "`"))
			i += j
		case c == '|' && depth <= 0:
			out, command = append(out, command), []string{}
			i++
		case strings.IndexByte(" \t\r\n", c) >= 0:
			i++
		case strings.IndexByte("(),[]|", c) >= 0:
			switch c {
			case '(', '[':
				depth++
			case ')', ']':
				depth--
			}
			command = append(command, rest[:1])
			i++
		default:
			j := strings.IndexAny(rest[1:], " \t\r\n(),[]|\"`")
			if j < 0 {
				j = len(rest) - 1
			}
			command = append(command, rest[:j+1])
			i += j + 1
		}
	}
	return append(out, command)
}

// identity are the columns that tell an event of a query in ES|QL from others.
var identity = []string{"_id", "_index", "_version"}

// esqlLacks says which of the identity a query does not take from its indices, and which of it
// a KEEP drops. A query that aggregates has none to take; known is false for what is not understood.
func esqlLacks(query string) (metadata, dropped []string, known bool) {
	commands := esqlCommands(query)
	first := commands[0]
	if len(first) < 2 || !strings.EqualFold(first[0], "FROM") || slices.Contains(first, "(") {
		return nil, nil, false
	}
	has := map[string]bool{}
	for i, word := range first {
		if strings.EqualFold(word, "METADATA") {
			for _, name := range first[i+1:] {
				has[name] = true
			}
		}
	}
	for _, column := range identity {
		if !has[column] {
			metadata = append(metadata, column)
		}
	}
	for _, c := range commands[1:] {
		if len(c) == 0 {
			return nil, nil, false
		}
		switch strings.ToUpper(c[0]) {
		case "STATS", "INLINESTATS", "INLINE", "FORK", "RENAME", "DROP", "CHANGE_POINT":
			return nil, nil, false // what comes out are no events, or they are called otherwise
		case "KEEP":
			for _, column := range identity {
				if !keeps(c[1:], column) {
					dropped = append(dropped, column)
				}
			}
		}
	}
	return metadata, dropped, true
}

// keeps says whether one of the patterns is of the column.
func keeps(patterns []string, column string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { ok, err := path.Match(p, column); return ok && err == nil })
}
