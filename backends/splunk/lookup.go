package splunk

import (
	"strings"

	"sigmac/backends"
	"sigmac/internal/lazy"
	"sigmac/ir"
)

// lookupColumn are the names that a column of a lookup file can have in a subsearch
// without quotes; search and query mean something else there (Search Manual: Change
// the format of subsearch results).
var lookupColumn = lazy.Regexp(`^[A-Za-z][A-Za-z0-9_.]*$`)

// Lookups are subsearches of lookup files. Splunk writes the cells into the search, so
// they say what a search can say. A lookup definition would regard case, and no document
// says what a backslash is to its wildcards.
func Lookups() backends.Lookups {
	return backends.Lookups{
		Max:   10_000, // limits.conf.spec: subsearch, maxout
		Holds: "texts with wildcards as `search` knows them, without quotes",
		Cell: func(m ir.Match) (cell, kind string, ok bool) {
			p, ok := m.Test.(ir.Pattern)
			f := m.Field.Name
			if !ok || !searchable(m) || !lookupColumn().MatchString(f) || keywords[strings.ToUpper(f)] || f == "search" || f == "query" {
				return "", "", false
			}
			var b strings.Builder
			for _, q := range p.Parts {
				if q.Kind == ir.AnyRun {
					b.WriteByte('*')
				}
				b.WriteString(q.Text)
			}
			return b.String(), "", !strings.Contains(b.String(), `"`)
		},
		Here:   searchable, // `where` has no subsearches
		Column: func(f ir.Field) string { return f.Name },
		In: func(f ir.Field, _, table string) string {
			return "[| inputlookup " + table + ".csv | fields " + f.Name + "]"
		},
	}
}
