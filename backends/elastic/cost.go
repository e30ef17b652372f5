package elastic

import (
	"strings"

	"sigmac/backends"
	"sigmac/ir"
)

// The rows of Costs.
const (
	costTerm = iota
	costRange
	costPresent
	costPrefix
	costWildcard
	costRegexp
	costWritten
	costNot
)

var rows = []backends.Cost{
	costTerm:     {Class: "whole value", How: "looked up in the index", Source: "Elastic Docs: Term query"},
	costRange:    {Class: "range", How: "looked up in the index", Source: "Elastic Docs: Range query"},
	costPresent:  {Class: "presence", How: "looked up in the index", Source: "Elastic Docs: Exists query"},
	costPrefix:   {Class: "wildcard behind a beginning", How: "the values that begin so are compared, each once", Source: "Elastic Docs: Wildcard query"},
	costWildcard: {Class: "wildcard at the beginning", How: "all values of the field are compared, each once", Source: "Elastic Docs: Wildcard query"},
	costRegexp:   {Class: "regular expression", How: "values of the field are compared, each once", Source: "Elastic Docs: Query DSL, allow expensive queries"},
	costWritten:  {Class: "text of the language", How: "not known"},
	costNot:      {Class: "exclusion", How: "leaves most events to the rest", Source: "Elastic Docs: Boolean query"},
}

// Costs is what the tests of a query cost, cheap first. A server begins with the part that
// it expects to match the fewest events, so conditions keep their order.
func Costs() []backends.Cost { return rows }

var costs = backends.Costs{Rows: rows, Not: costNot, Of: row}

// row is that of Costs for a test.
func row(e ir.Expr) int {
	m, ok := e.(ir.Match)
	if !ok {
		return costWritten
	}
	switch kindOf(m.Test) {
	case kindNull:
		return costNot
	case kindExists:
		return costPresent
	case kindOrder, kindCIDR:
		return costRange
	case kindRegex:
		return costRegexp
	case kindLike, kindLikeFold:
		p := m.Test.(ir.Pattern)
		switch {
		case len(p.Parts) == 0 || p.Parts[0].Kind != ir.Literal:
			return costWildcard
		case strings.ContainsAny(p.Literals(), "*?") || len(p.Parts) > 1:
			return costPrefix
		}
	}
	return costTerm
}
