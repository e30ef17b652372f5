package read

import (
	"strings"

	"sigmac/internal/lazy"
	"sigmac/ir"
)

// lookupColumn is a subsearch for one column of a lookup file. The words search and query
// are no names of columns there: their cells would be pieces of the search (Search
// Manual: Change the format of subsearch results).
var lookupColumn = lazy.Regexp(`^\[\s*\|\s*inputlookup\s+([\w-]+?)(?:\.csv)?\s*\|\s*(?:fields|table)\s+([A-Za-z][\w.]*)\s*\]$`)

// maxSubsearch is how many rows of a subsearch count (limits.conf.spec: subsearch, maxout).
const maxSubsearch = 10_000

// lookup reads the subsearch between lo and hi, which is opaque unless it is for a column
// whose rows are known. A subsearch becomes text of the search, `f="cell"` for each row
// with OR between them, and of no row `NOT ( )` (Search Reference: format), so an
// asterisk in a cell is a wildcard. What becomes of a quote or of an empty cell no
// document says.
func (p *searcher) lookup(lo, hi int) ir.Expr {
	opaque := p.opaque(lo, hi)
	m := lookupColumn().FindStringSubmatch(p.text[lo:hi])
	if m == nil || m[2] == "search" || m[2] == "query" || p.accel {
		return opaque
	}
	table, ok := ir.LookupOf(p.schema, m[1])
	if !ok {
		opaque.Lack = ir.UnknownLookup(m[1])
		return opaque
	}
	cells, ok := table.Column(m[2])
	if !ok || len(cells) > maxSubsearch {
		return opaque
	}
	f, pos := p.field(m[2]), p.pos(lo)
	out := make([]ir.Expr, 0, len(cells))
	for _, cell := range cells {
		if cell == "" || strings.ContainsAny(cell, "\"`\r\n") {
			return opaque
		}
		v := value{word: word{lo: lo, hi: hi, quoted: true}}
		for i, text := range strings.Split(cell, "*") {
			if i > 0 {
				v.parts = append(v.parts, ir.Part{Kind: ir.AnyRun})
			}
			v.parts = append(v.parts, ir.Part{Text: text})
		}
		v.parts = ir.NewPattern(false, v.parts...).Parts
		t := p.equals(f, v, true)
		if t == nil {
			return opaque
		}
		out = append(out, ir.Match{Field: f, Test: t, Pos: pos})
	}
	p.assume(lookupFile)
	return ir.Disjunction(out...)
}
