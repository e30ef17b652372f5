// Package kusto writes KQL, the Kusto query language of Microsoft Sentinel,
// Defender and Azure Data Explorer.
package kusto

import (
	"strings"
	"unicode"

	"sigmac/backends"
	"sigmac/ir"
)

const name = "kusto"

type backend struct{ pretty bool }

// New is the backend for KQL. Pretty breaks long queries over lines.
func New(pretty bool) backends.Backend { return backend{pretty} }

func (backend) Name() string { return name }

// World: a text column has no null, so a missing value is the empty text
// (SEMANTICS C.3); a column has one value.
func (backend) World(t ir.Type) backends.World {
	return backends.World{Blank: t.IsText() || t == ir.Address}
}

func (backend) Caps() backends.Caps {
	return backends.Caps{
		Backend:   name,
		Pattern:   hasPattern,
		Regexp:    backends.Rust.Lacks,
		Keyword:   true,
		FieldRef:  true,
		OrderText: true,
		CIDRText:  true,
		// The week of KQL is ISO's, which has 53; that of Sigma ends at 52 (SEMANTICS A.10).
		TimePart:       map[string]bool{"minute": true, "hour": true, "day": true, "month": true, "year": true},
		BlankIsMissing: true,
	}
}

// hasPattern is false where only a regular expression says p exactly.
func hasPattern(p ir.Pattern) bool {
	shape, s := p.Shape()
	return shape != ir.Glob && (p.Cased || ir.ASCIIFolds(s) || ir.LowerFolds(s))
}

// lower is s as `tolower` has it.
func lower(s string) string { return strings.Map(unicode.ToLower, s) }
