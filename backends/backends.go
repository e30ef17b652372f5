// Package backends holds what the query languages share. That is what a Target is,
// what a language can say (Caps), which states a field can be in there (World), the
// pass Legalize, and how queries are laid out (Doc).
//
// A target is one value: what sigmac knows of a language stands in its Target, and no
// other code asks for a target's name. So a language is added without a change
// elsewhere. A mapping leads to a target, and a result carries its mapping.
//
// Only Legalize decides. It drops what the rest of a condition decides (ir.Decide), so
// that no language lacks what says nothing, rewrites what has an exact equivalent (a pattern as an
// expression over the whole value, an IPv4 network as an expression on texts) and
// refuses the rest. An emitter that meets something else panics; it may still refuse a
// value that no literal of its language holds, such as bytes that are not text.
//
// Capabilities are functions, for whether a language has a pattern depends on its
// text: EQL has no escape for `*`, SPL no literal `*`, KQL folds ASCII only. So
// Caps.Pattern takes the pattern, Caps.Regexp the parsed expression, and Caps.Refuses
// a test in its place: a search of a data model has numbers, but not under a `not`.
// What is yes or no is a flag.
//
// Guards are put in by Legalize, last. On a field that no index maps, most tests of
// EQL become NULL and take a `not` along; Caps.NullFolds names these, and Exists is
// put beside them where the query would be another without. Whether it would is computed
// for all choices of unmapped fields at once (guard.go): a rule of thumb, such as that a
// field which is tested elsewhere needs none, is wrong in one place and wasteful in
// another. The null of KQL arises from the operator that is chosen, so its emitter writes
// the coalesce.
//
// A query is laid out after it is built. Emitters return a Doc, and Flat and Pretty
// print it, so both forms differ in white space only, and parentheses are decided on
// the structure and not on text.
//
// Quoting may fail, and has its own file: quote.go of each language says which texts a
// literal can hold, and is fuzzed against a reader that its test has. No value of a
// rule may leave its literal.
//
// What a server refuses is computed. lucene.go makes the automaton that Lucene would
// make of an expression, and counts as Lucene's versions count. The emitter asks it
// before it writes a form, the reader before it believes one.
//
// Readers are apart from emitters, in packages of their own, for a mistake made twice
// would be proved. A reader has its own lexer, grammar, tables and reader of regular
// expressions, written from the vendor's documents and for the queries of other people
// too. It shares with the emitter the types of ir and of this package, and what is
// defined there of Unicode and numbers.
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
	// Single: a field has one value at most.
	Single bool
	// BlankIsMissing: a text column holds no null. So a test that the empty text passes
	// asks for a text that is not empty beside it, and tests for the empty text, for null
	// and for any value become Null or its negation.
	BlankIsMissing bool
	// Refuses names what the language lacks of a test in its place, with a reason
	// or none; nil refuses nothing. A place under a `not` is negated. It is asked
	// about the rule's own tests, before any is rewritten.
	Refuses func(m ir.Match, negated bool) (feature, reason string)
	// NullFolds says whether tests of a field, of which one must pass, vanish with
	// the `not` around them where no index maps the field. So they are guarded
	// there; nil: none does.
	NullFolds func(anyOf []ir.Test) bool
}
