package read

import (
	"slices"
	"strings"
	"testing"

	"sigmac/ir"
)

// TestWatchlist holds which tables are read with the rows of their watchlist.
func TestWatchlist(t *testing.T) {
	s := ir.Context{Types: ir.Types{"f": ir.Text}, Lookups: []ir.Lookup{
		{Name: "l", Columns: []string{"value", "n"}, Rows: [][]string{{"a", "1"}, {`b"*`, "2"}}},
		{Name: "none", Columns: []string{"value"}},
	}}
	const both = `(or (match f:text (pattern "a")) (match f:text (pattern "b\"*")))`
	for _, c := range []struct{ query, want string }{
		{`f in~ ((_GetWatchlist("l") | project SearchKey))`, both},
		{`f in~ ((_GetWatchlist('l') | project value))`, both},
		{`f !in~ ((_GetWatchlist("l") | project SearchKey))`, `(not ` + both + `)`},
		{`f in ((_GetWatchlist("l") | project n))`, `(or (match f:text (pattern cased "1")) (match f:text (pattern cased "2")))`},
		{`f in~ ("a", (_GetWatchlist("l") | project n))`, `(or (match f:text (pattern "a")) (match f:text (pattern "1")) (match f:text (pattern "2")))`},
		{`f in~ ((_GetWatchlist("none") | project SearchKey))`, ir.False.String()},
		{`f in~ ((_GetWatchlist("other") | project SearchKey))`, ""},
		{`f in~ ((_GetWatchlist("l") | project other))`, ""},
		{`f in~ ((_GetWatchlist("l")))`, ""},
		{`f in~ ((_GetWatchlist("l") | where n == "1" | project value))`, ""},
		{`f in~ ((_GetWatchlist("l") | distinct value))`, ""},
		{`f startswith ((_GetWatchlist("l") | project value))`, ""},
	} {
		q, err := Read("T | where "+c.query, s)
		if err != nil {
			t.Errorf("%s: %v", c.query, err)
			continue
		}
		got := q.Where.String()
		if c.want == "" && !strings.Contains(got, "(opaque kusto ") || c.want != "" && got != c.want {
			t.Errorf("%s\n%s, want\n%s", c.query, got, c.want)
		}
		if c.want != "" && !slices.Contains(q.Assumptions, watchlistValue) {
			t.Errorf("%s assumes %s", c.query, q.Assumptions)
		}
	}
	q, _ := Read(`T | where f in~ ((_GetWatchlist("other") | project SearchKey)) and g has_cs "x"`, s)
	lacks := 0
	ir.Walk(q.Where, func(e ir.Expr) {
		if o, ok := e.(ir.Opaque); ok && o.Lack == ir.UnknownLookup("other") {
			lacks++
		}
	})
	if lacks != 1 {
		t.Errorf("%d tests lack the watchlist: %s", lacks, q.Where)
	}
}
