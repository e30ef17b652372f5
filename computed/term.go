// Package computed knows columns that a query computes of others, and says what a test
// of one asks of these.
//
// A Term is how such a column is computed, as far as it is understood: joined texts, a
// choice, a beginning that is renamed. The preimage of a test is an expression over the
// columns that the Term names, which is true of just the rows whose computed value
// passes the test. Of a text that is joined of two, it is a disjunction: a pattern is
// cut wherever the one may end and the other begin, so a wildcard is cut within itself
// and most other places are ruled out by the constant texts between columns.
//
// Plain writes a rule with preimages for its computed columns, as short as what is
// known allows: an action that the rule requires decides a choice, and what a pipeline
// supposes of the columns rules out arms. A test whose preimage would not be plainer
// than the computed column keeps that, with a Reason. Expand knows nothing beside the
// definition and leaves no choice open; a proof takes a rule and a query through it, so
// what Plain makes shorter is proved. That a preimage means what the target's language
// means by the definition is held by a test beside the reader of that language, over
// random rows.
package computed

import (
	"slices"

	"sigmac/ir"
)

// A Term is how a column is computed of others. These are all that there are.
type Term interface{ term() }

func (Column) term()  {}
func (Text) term()    {}
func (Join) term()    {}
func (Choice) term()  {}
func (First) term()   {}
func (Renamed) term() {}
func (Name) term()    {}
func (Hex) term()     {}
func (Opaque) term()  {}

// A Column is one that the table has.
type Column struct{ Field ir.Field }

// A Text is constant.
type Text string

// A Join is texts, one after the other.
type Join []Term

// A Choice is Then where If is true, and Other elsewhere.
type Choice struct {
	If          ir.Expr
	Then, Other Term
}

// A First is the first of these columns that is not empty, or Else where all are. Call
// is the expression, without Else, that says so in the target's language.
type First struct {
	Of   []Column
	Else Text
	Call string
}

// A Renamed is Of with To in the place of one of From, where it begins so. None of From
// begins with another.
type Renamed struct {
	Of   Term
	From []shape
	To   shape
}

// A Name is what stands in Of behind its last slash or backslash: all where there is
// none.
type Name struct{ Of Term }

// A Hex is the number that Of holds in decimal digits, in at least so many hexadecimal
// ones; with Part just so many of them, of which no more is known. It rests on
// Assumption.
type Hex struct {
	Of         Column
	Digits     int
	Part       bool
	Assumption string
}

// An Opaque is an expression that is not understood.
type Opaque struct{}

// An Assumption is what a pipeline supposes of the columns of a table, by its name
// among the assumptions.
type Assumption struct {
	ID   string
	Expr ir.Expr
}

// Definitions are the computed columns of a rule, and what is supposed of their columns.
type Definitions struct {
	Terms   map[string]Term
	Assumed []Assumption
}

// Names says whether t names a column for which is is true.
func Names(t Term, is func(column string) bool) bool {
	switch t := t.(type) {
	case Column:
		return is(t.Field.Name)
	case Hex:
		return Names(t.Of, is)
	case First:
		return slices.ContainsFunc(t.Of, func(c Column) bool { return Names(c, is) })
	case Join:
		return slices.ContainsFunc(t, func(x Term) bool { return Names(x, is) })
	case Renamed:
		return Names(t.Of, is)
	case Name:
		return Names(t.Of, is)
	case Choice:
		names := Names(t.Then, is) || Names(t.Other, is)
		ir.Walk(t.If, func(e ir.Expr) {
			m, ok := e.(ir.Match)
			names = names || ok && is(m.Field.Name)
		})
		return names
	}
	return false
}

// Tested says whether e tests a computed column.
func (d Definitions) Tested(e ir.Expr) bool { return d.tested(e) != nil }

// tested are the computed columns that e tests.
func (d Definitions) tested(e ir.Expr) (out []string) {
	seen := map[string]bool{}
	add := func(name string) {
		if _, ok := d.Terms[name]; ok && !seen[name] {
			seen[name] = true
			out = append(out, name)
		}
	}
	ir.Walk(e, func(e ir.Expr) {
		if m, ok := e.(ir.Match); ok {
			add(m.Field.Name)
			if ref, ok := m.Test.(ir.FieldRef); ok {
				add(ref.Other.Name)
			}
		}
	})
	return out
}
