// Package kusto writes KQL, the Kusto query language. It is that of Microsoft
// Sentinel, Defender and Azure Data Explorer.
//
// Chains are cut: Microsoft's parser gives up where a query is more than 500 deep, and
// each operand of a chain of `or` is one deeper, so parentheses are put around a
// hundred at a time.
package kusto

import (
	"strings"
	"unicode"

	"sigmac/backends"
	"sigmac/ir"
	"sigmac/regex"
)

const name = "kusto"

// Caps are what KQL can say.
func Caps() backends.Caps {
	return backends.Caps{
		Backend:   name,
		Pattern:   hasPattern,
		Regexp:    regex.Rust.Lacks,
		Keyword:   true,
		FieldRef:  true,
		OrderText: true,
		CIDRText:  true,
		// The week of KQL is ISO's, which has 53; that of Sigma ends at 52 (SEMANTICS A.10).
		TimePart:       map[string]bool{"minute": true, "hour": true, "day": true, "month": true, "year": true},
		Single:         true,
		BlankIsMissing: true,
	}
}

// hasPattern is false where only a regular expression says p exactly.
func hasPattern(p ir.Pattern) bool {
	shape, s := p.Shape()
	return shape != ir.Glob && (p.Cased || regex.ASCIIFolds(s) || regex.LowerFolds(s))
}

// lower is s as `tolower` has it.
func lower(s string) string { return strings.Map(unicode.ToLower, s) }
