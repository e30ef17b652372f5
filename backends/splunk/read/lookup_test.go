package read

import (
	"slices"
	"testing"

	"sigmac/ir"
)

// TestLookup holds which subsearches are read with the rows of their lookup file, and what
// a cell is there.
func TestLookup(t *testing.T) {
	rows := func(cells ...string) (out [][]string) {
		for _, c := range cells {
			out = append(out, []string{"n", c})
		}
		return out
	}
	s := ir.Context{Lookups: []ir.Lookup{
		{Name: "l", Columns: []string{"n", "f"}, Rows: rows("a", `b\*`, "10.0.0.0/8")},
		{Name: "none", Columns: []string{"n", "f"}},
		{Name: "quote", Columns: []string{"n", "f"}, Rows: rows("a", `b"`)},
		{Name: "blank", Columns: []string{"n", "f"}, Rows: rows("a", "")},
		{Name: "long", Columns: []string{"n", "f"}, Rows: rows(slices.Repeat([]string{"a"}, maxSubsearch+1)...)},
		{Name: "search", Columns: []string{"n", "search"}, Rows: rows("a")},
	}}
	const all = `(or (match f (pattern "a")) (match f (pattern "b\\" *)) (match f (cidr 10.0.0.0/8)))`
	opaque := func(text string) string { return "(opaque splunk " + text + ")" }
	for _, c := range []struct{ query, want string }{
		{`[| inputlookup l.csv | fields f]`, all},
		{`[ | inputlookup l | table f ]`, all},
		{`NOT [| inputlookup l | fields f] g=x`, `(and (not ` + all + `) (match g (pattern "x")))`},
		{`[| inputlookup none | fields f]`, ir.False.String()},
		{`[| inputlookup quote | fields f]`, opaque(`"[| inputlookup quote | fields f]"`)},
		{`[| inputlookup blank | fields f]`, opaque(`"[| inputlookup blank | fields f]"`)},
		{`[| inputlookup long | fields f]`, opaque(`"[| inputlookup long | fields f]"`)},
		{`[| inputlookup search | fields search]`, opaque(`"[| inputlookup search | fields search]"`)},
		{`[| inputlookup l | fields g]`, opaque(`"[| inputlookup l | fields g]"`)},
		{`[| inputlookup l | fields n f]`, opaque(`"[| inputlookup l | fields n f]"`)},
		{`[| inputlookup l where n=x | fields f]`, opaque(`"[| inputlookup l where n=x | fields f]"`)},
		{`[| inputlookup l]`, opaque(`"[| inputlookup l]"`)},
		{`[| inputlookup other | fields f]`, opaque(`"[| inputlookup other | fields f]"`)},
	} {
		q, err := Read(c.query, s)
		if err != nil {
			t.Errorf("%s: %v", c.query, err)
			continue
		}
		if got := q.Where.String(); got != c.want {
			t.Errorf("%s\n%s, want\n%s", c.query, got, c.want)
		}
		if slices.Contains(q.Assumptions, lookupFile) != (c.want[1] != 'o' || c.want[2] != 'p') {
			t.Errorf("%s assumes %s", c.query, q.Assumptions)
		}
	}
	q, _ := Read(`[| inputlookup other | fields f]`, s)
	if o, ok := q.Where.(ir.Opaque); !ok || o.Lack != ir.UnknownLookup("other") {
		t.Errorf("%#v", q.Where)
	}
}
