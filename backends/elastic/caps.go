// Package elastic writes EQL, the event query language of Elasticsearch.
package elastic

import (
	"slices"
	"strings"
	"unicode"

	"sigmac/backends"
	"sigmac/ir"
	"sigmac/regex"
)

const name = "elastic"

// Caps are what EQL can say.
func Caps() backends.Caps {
	return backends.Caps{
		Backend:   name,
		Pattern:   hasPattern,
		Regexp:    lacks,
		NullFolds: nullFolds,
		Texts:     func(t ir.Type) bool { return t == ir.Text },
	}
}

// hasPattern is false where only a regular expression says p exactly.
// Wildcards have no escape (SEMANTICS D.1), and case folds in ASCII only (D.6).
func hasPattern(p ir.Pattern) bool {
	if p.Has(ir.Placeholder) {
		return false
	}
	if !slices.ContainsFunc(p.Parts, func(q ir.Part) bool { return !ordinary(q.Text) }) {
		return backends.LuceneRefusesPattern(p) == ""
	}
	shape, _ := p.Shape()
	text := p.Literals()
	switch {
	case shape == ir.Any:
		return true
	case !p.Cased && !regex.ASCIIFolds(text):
		return false
	case shape != ir.Exact && strings.ContainsFunc(text, func(r rune) bool { return r == '*' || r == '?' || unicode.IsControl(r) }):
		return false // a control character is the escape that Elasticsearch uses inside
	}
	return backends.LuceneRefusesPattern(p) == ""
}

// ordinary says whether s is of characters of ASCII that can be seen, without those of wildcards.
func ordinary(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '*' || c == '?' {
			return false
		}
	}
	return true
}

// nullFolds is false for what is written with one `==` or `!=`: these are read as
// null checks on a field that no index maps (D.4.4). A list of them is an `in`.
func nullFolds(anyOf []ir.Test) bool {
	equal := 0
	for _, t := range anyOf {
		switch kindOf(t) {
		case kindNull, kindExists, kindBool:
		case kindEqual:
			equal++
		default:
			return true
		}
	}
	return equal > 1
}
