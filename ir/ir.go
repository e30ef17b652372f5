// Package ir holds sigmac's intermediate representation of a detection rule
// and the passes that rewrite it.
//
// Every value is immutable: a pass returns a new tree and shares what it did
// not change.
//
// A pass returns what it got if nothing changed. Rewrite replaces parts and shares the
// rest, so a pass is a function of one node, tests see whether it fired, and
// `sigmac ir` shows only passes that did something. Check knows what holds after each;
// tests run it after every pass.
//
// The order of Passes: dashes come before Base64, because what is encoded is the
// variant. Both come before the pipeline, which acts on values after modifiers. The
// pipeline and the schema belong to a target, so the passes from there on run once a
// target, and targets without them share the passes. Inline comes late, so that
// `sigmac ir` shows detections by their names as long as possible, and so that a
// pipeline can act on items.
//
// Sugar stays until its pass. `windash` and `base64offset` make several values of one,
// so they stay as Windash and Base64Offset, with Encode for an encoding that waits for
// them. The evaluator understands them, and the passes are held against it.
//
// Types are inferred by the pass Type, TypeFields, from all tests of a field in the
// rule, since rules carry none: whether `EventID: 4688` is a number or a text decides
// the operator in KQL and EQL. They are part of the result.
//
// Wildcards are not nodes. `contains`, `startswith`, `endswith` and `*` all give a
// Pattern, a list of literals and wildcards, so `startswith: '*x'` and `contains: x`
// cannot differ. Pattern.Shape says which simple form it has.
//
// A predicate carries its place. What a rule or a query asks, and where it looks, is
// one Predicate: a scope that is no test of events, the tests that say where the
// events are, and what is asked of those. Whoever compares two of them need not know
// that an index is a test of a field in SPL.
//
// A Query has the filter of the events, wherever in the query it stands: names are
// followed back through stages that rename, keep or compute columns (stage.go), and a
// filter of what several events are together is a stage that removes. Two nodes exist
// for queries of other people only: Term, a whole word as KQL's `has` and Splunk's
// bare words mean it, and Opaque, a predicate that the representation cannot hold,
// which is equal to itself alone. A reader makes one also where the documents leave
// two readings open. Of a Term there is what has it in every reading of the documents
// and what has it in some; between them it is an Opaque.
//
// There is one Diagnostic: a fault of any file that is read has a path, where it
// begins and ends, the code of the check that finds it, and who says it.
package ir

import "strings"

// A Pos is a place in a source file: line and column, both from 1, the column
// counted in characters. The zero Pos is unknown. What a filter says of a rule stands in
// another file than the rule: that has a number from 1 on.
type Pos struct{ Line, Column, File int }

// A Span is the part of a source file from Start up to, but without, End.
type Span struct{ Start, End Pos }

// A Rule is one Sigma rule. It means the Or of its conditions.
type Rule struct {
	Meta       Meta
	Source     LogSource
	Scope      Scope
	Computed   []Computed  // columns that a query makes before it filters, by name
	Lookups    []Lookup    // tables that its queries may name
	Supposed   []Supposed  // what a pipeline supposes of the columns of the table
	Single     bool        // a pipeline says that no field of its events has several values
	Detections []Detection // named, in file order
	Conditions []Condition // each gives one query
	Filters    []*Filter   // that are joined to the conditions
}

// Meta is what a rule says about itself; nothing of it changes what the rule
// matches.
type Meta struct {
	Title          string
	ID             string
	Name           string
	Related        []Related
	Taxonomy       string
	Status         string
	Description    string
	License        string
	Author         string
	References     []string
	Date           string
	Modified       string
	Tags           []string
	FalsePositives []string
	Fields         []string
	Level          string
	Scope          []string
	Custom         []Attribute // attributes that the specification does not name, in file order
}

// Related is one entry of a rule's attribute related.
type Related struct{ ID, Type string }

// An Attribute is an attribute outside the specification, with its value as
// YAML text.
type Attribute struct {
	Name  string
	Value string
	Pos   Pos
}

// A LogSource says which events a rule is about.
type LogSource struct {
	Category, Product, Service, Definition string
	Custom                                 []Attribute
	Pos                                    Pos
}

// Covers says whether all events of o are among those of s, by what both say of
// product, category and service: what s leaves open takes in everything.
func (s LogSource) Covers(o LogSource) bool {
	part := func(a, b string) bool { return a == "" || strings.EqualFold(a, b) }
	return part(s.Product, o.Product) && part(s.Category, o.Category) && part(s.Service, o.Service)
}

// String is `product windows, category process_creation`.
func (s LogSource) String() string {
	var parts []string
	for _, p := range [][2]string{{"product", s.Product}, {"category", s.Category}, {"service", s.Service}} {
		if p[1] != "" {
			parts = append(parts, p[0]+" "+p[1])
		}
	}
	return strings.Join(parts, ", ")
}

// A Scope is where a query looks, set by pipelines only.
type Scope struct {
	Table     string // Kusto table
	Index     string // Splunk or Elasticsearch index
	Category  string // EQL event category
	DataModel string // Splunk data model and dataset, Endpoint.Processes
}

// A Computed is a column that is Text, an expression in the target's language
// over the columns of the table. Pipelines define it.
type Computed struct {
	Name, Text string
	Type       string // by the name that the target has for it
}

// A Supposed is an assumption on the columns of a table: Text, a predicate in the
// target's language, which holds of each of its rows.
type Supposed struct{ ID, Text string }

// A Detection is a named part of a rule.
type Detection struct {
	Name string
	Pos  Pos  // of the name
	Span Span // of the body
	Expr Expr
	// Added: a pipeline put it in, to say where the rule's events are.
	Added  bool
	Filter *Filter // that it is of, or nil
	// Carries is a field that a correlation asks of the rule's events, which no condition names
	// and pipelines map as others; or empty.
	Carries string
}

// A Condition is one condition of a rule, as written and as an Expr over Ref
// and Of.
type Condition struct {
	Text string
	Pos  Pos
	Expr Expr
	// From the pass Inline on, where pipelines added conditions: these, and what
	// the rule itself says. Expr is both.
	Added, Own Expr
}

// An Expr is a predicate over an event. These are all that there are: no other package
// adds to them.
type Expr interface {
	String() string
	expr()
}

func (And) expr()     {}
func (Or) expr()      {}
func (Not) expr()     {}
func (Match) expr()   {}
func (Keyword) expr() {}
func (Opaque) expr()  {} // of queries, and of pipelines that write some of one
func (Ref) expr()     {} // until Inline, as Of and Item
func (Of) expr()      {}
func (Item) expr()    {}

// And is true where all its parts are; the empty And is true.
type And []Expr

// Or is true where one of its parts is; the empty Or is false.
type Or []Expr

// Not is true where X is not.
type Not struct{ X Expr }

// A Match is true where some value of Field passes Test.
type Match struct {
	Field Field
	Test  Test
	Pos   Pos // of the value
}

// A Keyword is a Match over the text of the whole event. Its Test looks
// anywhere in that text: a Pattern has a wildcard at both ends.
type Keyword struct {
	Test Test
	Pos  Pos
}

// A Ref is a detection, by its name.
type Ref struct {
	Name string
	Span Span
}

// An Of is `1 of Pattern` or, with All, `all of Pattern`; Names are the
// detections that Pattern selects, in file order, at least one.
type Of struct {
	All     bool
	Pattern string
	Names   []string
	Span    Span
}

// An Item is one line of a detection as it was written; its meaning is X.
type Item struct {
	Field Field // without a name: keywords
	Mods  []Modifier
	Raw   []Scalar
	X     Expr
	Span  Span
	By    *Change // what changed it last; nil of an item as it was written
}

// A Change is what a processing item of a pipeline did to an Item.
type Change struct {
	ID     string // of the processing item
	Before *Change
}

// By says whether a processing item did this change, or one before it.
func (c *Change) By(id string) bool {
	for ; c != nil; c = c.Before {
		if c.ID == id {
			return true
		}
	}
	return false
}

// A Modifier is one modifier of an Item, under its canonical name (`i` for
// `ignorecase`, `utf16le` for `wide` stays as written).
type Modifier struct {
	Name string
	Pos  Pos
}

// A Scalar is one value of an Item as it was written.
type Scalar struct {
	Text string
	Kind ScalarKind
	Pos  Pos
}

// A ScalarKind is the type that a YAML scalar resolves to.
type ScalarKind uint8

// The kinds of a YAML scalar.
const (
	ScalarString ScalarKind = iota
	ScalarNumber
	ScalarBool
	ScalarNull
)

// A Field is a field of an event. Its Type is Unknown until the pass Type.
type Field struct {
	Name string
	Type Type
}

// A Type is the type of a field at the target.
type Type uint8

// The types of a field.
const (
	Unknown Type = iota
	Text
	Numeric
	Boolean
	Address
	Date
	Dynamic // a text inside a column of JSON values, or a column that is tested by its text
	JSON    // a text inside a text column that holds JSON
	Other   // a type that the target's language cannot test; the last of all
)

func (t Type) String() string {
	return [...]string{"unknown", "text", "number", "boolean", "address", "date", "dynamic", "json", "other"}[t]
}

// IsText says whether a field of type t holds texts.
func (t Type) IsText() bool { return t == Unknown || t == Text || t == Dynamic || t == JSON }

// True and False are the constant predicates.
var (
	True  = And{}
	False = Or{}
)
