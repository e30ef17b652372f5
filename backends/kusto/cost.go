package kusto

import (
	"slices"
	"unicode"

	"sigmac/backends"
	"sigmac/ir"
	"sigmac/regex"
)

// The rows of Costs.
const (
	costKind = iota
	costEqual
	costTerm
	costNumber
	costPrefix
	costSuffix
	costPart
	costWritten
	costPresent
	costNot
	costRegexp
	costComputed
	costAnywhere
)

// Microsoft's pages about what queries cost.
const (
	practices = "Microsoft Learn, Kusto: Best practices for Kusto Query Language queries"
	hunting   = "Microsoft Learn: Advanced hunting query best practices"
	monitor   = "Microsoft Learn: Optimize log queries in Azure Monitor"
	strs      = "Microsoft Learn, Kusto: String operators"
)

var rows = []backends.Cost{
	costKind:     {Class: "kind of event", How: "leaves few rows to the rest", Source: monitor + "; " + hunting},
	costEqual:    {Class: "equality", How: "looked up in the index of terms", Source: practices},
	costTerm:     {Class: "term", How: "looked up in the index of terms", Source: strs},
	costNumber:   {Class: "number", How: "compared behind what is looked up", Source: practices},
	costPrefix:   {Class: "beginning", How: "compared row by row", Source: monitor},
	costSuffix:   {Class: "end", How: "compared row by row, slower than a term", Source: "Microsoft Learn, Kusto: contains_cs operator"},
	costPart:     {Class: "part", How: "all values of the column are scanned", Source: strs},
	costWritten:  {Class: "text of the language", How: "not known"},
	costPresent:  {Class: "presence", How: "leaves most rows to the rest", Source: practices},
	costNot:      {Class: "exclusion", How: "leaves most rows to the rest", Source: practices},
	costRegexp:   {Class: "regular expression", How: "matched row by row", Source: hunting},
	costComputed: {Class: "computed", How: "computed row by row", Source: practices},
	costAnywhere: {Class: "any column", How: "all columns are scanned", Source: practices},
}

// Costs is what the tests of a query cost, cheap and selective first.
func Costs() []backends.Cost { return rows }

// kinds are the columns that say which kind of event a row is.
var kinds = []string{"ActionType", "Channel", "EventID", "EventType"}

// row is that of Costs for a test.
func (w *writer) row(e ir.Expr) int {
	switch e.(type) {
	case ir.Keyword:
		return costAnywhere
	case ir.Opaque:
		return costWritten
	}
	m := e.(ir.Match)
	if !w.stored(m.Field) {
		return costComputed
	}
	exact := func(row int) int {
		if slices.Contains(kinds, m.Field.Name) {
			return costKind
		}
		return row
	}
	if _, ok := presence(m); ok {
		return costPresent
	}
	switch t := m.Test.(type) {
	case ir.Pattern:
		shape, s := t.Shape()
		switch {
		case !isText(m.Field) || !t.Cased && !regex.ASCIIFolds(s):
			return costComputed
		case shape == ir.Exact:
			return exact(costEqual)
		case shape == ir.Prefix:
			return costPrefix
		case shape == ir.Suffix:
			return costSuffix
		}
		return costPart
	case ir.Regexp:
		if isText(m.Field) {
			return costRegexp
		}
	case ir.Bool:
		return costNumber
	case ir.Compare:
		switch {
		case t.Op == ir.Eq && isText(m.Field):
			return exact(costEqual)
		case t.Op == ir.Eq:
			return exact(costNumber)
		case !isText(m.Field):
			return costNumber
		}
	}
	return costComputed
}

// stored says whether f is a column of the table, and not computed of one.
func (w *writer) stored(f ir.Field) bool {
	_, computed := w.computed[f.Name]
	return f.Type != ir.Dynamic && f.Type != ir.JSON && !computed
}

// lexicon is that of the index of terms. A character breaks a value where it is neither a letter
// nor a digit, of ASCII or of Unicode: editions of the page on string operators differ. Common
// are terms of so many paths and keys of Windows that to look them up leaves most rows; what
// is looked up is to be selective (page of practices).
var lexicon = backends.Lexicon{
	Breaks: func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) },
	Common: []string{"appdata", "control", "controlset001", "currentcontrolset", "currentversion", "files", "local", "machine", "microsoft",
		"policies", "program", "programdata", "public", "roaming", "services", "software", "system", "system32", "syswow64", "users", "windows"},
}

// help is a look-up in the index of terms that every row passes that meets all of es, whose costs
// are given: the one with the longest terms; none where es have a look-up already, or scan no column.
func (w *writer) help(es []ir.Expr, costs []int) (best backends.Doc, ok bool) {
	if slices.Contains(costs, costEqual) {
		return best, false
	}
	least := 0
	for i, e := range es {
		if costs[i] != costPart && costs[i] != costRegexp {
			continue
		}
		var fields []ir.Field
		ir.Walk(e, func(e ir.Expr) {
			if m, ok := e.(ir.Match); ok && m.Field.Type.IsText() && w.stored(m.Field) && !slices.Contains(fields, m.Field) {
				fields = append(fields, m.Field)
			}
		})
		for _, f := range fields {
			ts := lexicon.Terms(e, f)
			n := backends.Shortest(ts)
			if n <= least || len(ts) > 1 && slices.ContainsFunc(ts, func(t backends.Term) bool { return t.Cased }) {
				continue // has_any has no form that regards case
			}
			a := atom{left: w.column(f, ir.Pos{}), op: "has", many: "has_any"}
			if ts[0].Cased {
				a.op = "has_cs"
			}
			rights := make([]string, len(ts))
			for i, t := range ts {
				rights[i] = w.str(t.Text, ir.Pos{})
			}
			a.right = rights[0]
			if best, ok, least = a.doc(false), true, n; len(ts) > 1 {
				best = a.list(rights, false)
			}
			best.Cost = &rows[costTerm]
		}
	}
	return best, ok
}
