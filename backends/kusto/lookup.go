package kusto

import (
	"sigmac/backends"
	"sigmac/ir"
	"sigmac/regex"
)

// Lookups are watchlists of Microsoft Sentinel. The operators in and in~ take a table in
// the place of a list; startswith and its like take none.
func Lookups() backends.Lookups {
	return backends.Lookups{
		Max:   1_000_000, // page "in operator"
		Holds: "whole values",
		Cell: func(m ir.Match) (cell, kind string, ok bool) {
			p, ok := m.Test.(ir.Pattern)
			if !ok {
				return "", "", false
			}
			shape, s := p.Shape()
			w := &writer{}
			w.textOf(m.Field, m.Pos)
			_, sayable := quote(s)
			_, kind = operator(shape, p.Cased)
			return s, kind, w.err == nil && kind != "" && s != "" && sayable && (p.Cased || regex.ASCIIFolds(s))
		},
		Column: func(ir.Field) string { return "value" },
		In: func(f ir.Field, kind, table string) string {
			return (&writer{}).textOf(f, ir.Pos{}) + " " + kind + ` ((_GetWatchlist("` + table + `") | project SearchKey))`
		},
	}
}
