package ir

import (
	"iter"
	"strconv"
	"strings"
)

// A Schema says of which type a field is at a target, and whether the target
// has it at all.
type Schema interface {
	// Type is Unknown for a field that the schema does not know; mapped is
	// false where the target has no such field.
	Type(table, field string) (t Type, mapped bool)
}

// Types is a Schema of one table: the types that a rule's fields were given.
// A field that it does not name is of Unknown type.
type Types map[string]Type

// Type returns the type of a field.
func (s Types) Type(_, field string) (Type, bool) { return s[field], true }

// A Query is what a query in the language of a target says.
type Query struct {
	Scope Scope
	Where Expr   // the events that its filter stages select
	Steps []Expr // of a sequence, a sample or a join: the event filter of each step, and no Where
	// Rest is what comes from the first stage that is no filter on.
	Rest []Later
	// Assumptions are the ids of facts that the reading rests on, sorted.
	Assumptions []string
}

// IndexAsTest is a filter, and where it looks, with the index of Splunk as a
// test of the field index, which is what `index=x` is there (Search Reference:
// search).
func IndexAsTest(where Expr, s Scope) (Expr, Scope) {
	if s.Index == "" || where == nil {
		return where, s
	}
	var parts []Part
	for i, text := range strings.Split(s.Index, "*") {
		if i > 0 {
			parts = append(parts, Part{Kind: AnyRun})
		}
		parts = append(parts, Part{Text: text})
	}
	s.Index = ""
	return And{Match{Field: Field{Name: "index", Type: Text}, Test: NewPattern(false, parts...)}, where}, s
}

// A Later is a stage of a query that is no filter: an aggregation, a join, a
// projection. It is kept as text.
type Later struct {
	Name string // the command, `stats`
	Text string
	Pos  Pos
}

// An Opaque is a predicate of a foreign query that the representation cannot
// hold. It is equal only to itself and never simplified;
// a rule never has one.
type Opaque struct {
	Lang string // the target's name
	Text string
	Pos  Pos
	Of   *Formula // how it is computed, or nil where that is not known
}

// A Formula computes a predicate from an event.
type Formula struct {
	Fields []Field // that it reads
	// Holds says whether it is true of an event, where that is known. value is
	// the value of a field, nil where there is none.
	Holds func(value func(name string) any) (is, known bool)
	// Try are values of its fields of which it is likely true, or false; nil
	// where there is no idea of any.
	Try iter.Seq[map[string]any]
}

func (Opaque) expr() {}

func (e Opaque) String() string { return "(opaque " + e.Lang + " " + strconv.Quote(e.Text) + ")" }
