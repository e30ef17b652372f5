// Package backends holds what the query languages share: what a Target is, what a
// language can say, and the pass Legalize that rewrites a rule into that.
package backends

import (
	"fmt"

	"sigmac/ir"
	"sigmac/regex"
)

// Unsupported says that a language cannot express a construct of a rule, which stands
// with its article: "a keyword search". The reason says more, or is empty.
func Unsupported(backend string, at ir.Pos, feature, reason string) *ir.Diagnostic {
	msg := fmt.Sprintf("%s cannot express %s", backend, feature)
	if reason != "" {
		msg += ": " + reason
	}
	return &ir.Diagnostic{Pos: at, Msg: msg, Source: backend, Feature: feature}
}

// Foreign refuses what a scope has beside the parts that a language writes,
// which the caller has taken out.
func Foreign(backend string, rest ir.Scope, at ir.Pos) error {
	for _, part := range []struct{ what, value string }{{"a table", rest.Table}, {"an index", rest.Index},
		{"an event category", rest.Category}, {"a data model", rest.DataModel}} {
		if part.value != "" {
			return Unsupported(backend, at, part.what, "a pipeline asks for "+part.value)
		}
	}
	return nil
}

// Caps is what a language can say natively. Legalize rewrites the rest into
// it, exactly, or refuses.
type Caps struct {
	Backend string

	// Pattern says whether the language has p over a text as it stands;
	// another Pattern becomes a Regexp over the whole value.
	Pattern func(p ir.Pattern) bool
	// Regexp names the feature of re that the language lacks, with a colon and a
	// reason behind it if there is more to say, or is "".
	Regexp func(re *regex.Re) string
	// KeywordField is the field that holds the text of the whole event. Empty
	// and without Keyword, the language has no keyword search.
	KeywordField string
	// Keyword says whether the language tests every column by itself.
	Keyword bool
	// FieldRef says whether two fields can be compared.
	FieldRef bool
	// OrderText says whether a text can be compared as a number.
	OrderText bool
	// CIDRText says whether a text can be tested against a network; without
	// it, IPv4 becomes a Regexp and IPv6 is refused.
	CIDRText bool
	// Texts says whether a value of a type can be tested as a text; nil: of every
	// type.
	Texts func(t ir.Type) bool
	// TimePart names the parts of a date that can be tested. A text becomes a Regexp.
	TimePart map[string]bool
	// Moments says whether a field holds points in time where the types of fields do
	// not; nil: those of type Date do.
	Moments func(name string) bool
	// BlankIsMissing: a text column holds no null, so a test that the empty
	// text passes asks for a text that is not empty beside it.
	BlankIsMissing bool
	// Refuses names what the language lacks of a test in its place, with a reason
	// or none; nil refuses nothing. A place under a `not` is negated. It is asked
	// about the rule's own tests, before any is rewritten.
	Refuses func(m ir.Match, negated bool) (feature, reason string)
	// NullFolds names the tests that vanish, with the `not` around them, on a
	// field that no index maps; under a `not` they are guarded.
	NullFolds func(t ir.Test) bool
}
