package backends

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"sigmac/computed"
	"sigmac/internal/deploy"
	"sigmac/ir"
	"sigmac/tail"
)

// A Target is a query language: what it is called, what it can say, and the ways
// there and back. The registrations are in package targets, which joins the emitter
// and the reader of a language; neither knows the other.
type Target struct {
	Name        string   // on the command line, and of its files
	Aliases     []string // other names of it, on the command line and in pipelines
	Sites       []Site   // names on the command line of places where it runs
	Title       string   // the name for people: "Kusto KQL"
	Description string   // what runs it
	Extension   string   // of a file of queries, with its dot

	// Formats are the forms of its queries, and Format is the one that is written:
	// the first unless In has chosen another.
	Formats []Format
	Format  Format
	// Packages are the forms in which its queries get into SIEMs as detections.
	Packages []deploy.Format
	// Samples are its own forms of test data.
	Samples []SampleForm
	// Replay says how events and queries are run on its engine; nil: nobody knows.
	Replay func() *Replay

	// Scope are the keys of a pipeline's state that say where its queries look.
	Scope []ScopeKey
	// Places are the words by which sigmac.yaml says where events are, and Home is how that
	// is written for events called %s.
	Places []Place
	Home   string
	// Limits are how large queries may be where they are deployed.
	Limits  []Limit
	Columns Columns

	// World says which states a field of a type can be in.
	World func(t ir.Type) World
	// Read says what a query means when its fields have the types of s. The
	// error is an *ir.Diagnostic, of a place in the query.
	Read func(query string, s ir.Schema) (*ir.Query, error)
	// ReadOptional, of a language in which fields that no index maps take the tests
	// around them along, parses a query once, to be read under several choices of
	// unmapped fields. Nil in other languages.
	ReadOptional func(query string) (*Optional, error)
	// ReadTail says what a query does with several events at a time, when its fields have the
	// types of s; nil: nobody knows. The error is an *ir.Diagnostic, of a place in the query.
	ReadTail func(query string, s ir.Schema) (*tail.Query, error)
	// Others are Read of the other languages in which its SIEM takes detections, by what these call
	// them.
	Others map[string]func(query string, s ir.Schema) (*ir.Query, error)
	// Term says how a column of that type is computed by an expression of the language;
	// nil: no query computes columns.
	Term func(text, typ string) computed.Term
}

// A Site is a place where a language runs. Who asks for its name in the place of the target's
// gets the pipelines of a table that lead there, and no others.
type Site struct {
	Name      string
	Pipelines []string // the first to be tried first
}

// Names are those by which a target can be asked for, its own first.
func (t *Target) Names() []string {
	out := append([]string{t.Name}, t.Aliases...)
	for _, s := range t.Sites {
		out = append(out, s.Name)
	}
	return out
}

// Define are the computed columns that r tests, and what is supposed of the columns of
// its table. The error is one of Read.
func (t *Target) Define(r *ir.Rule) (d computed.Definitions, err error) {
	if t.Term == nil || len(r.Computed) == 0 {
		return d, nil
	}
	// A column of the table that has the name of a computed one cannot be told from it.
	hidden := func(column string) bool {
		base, _, _ := strings.Cut(column, ".")
		return slices.ContainsFunc(r.Computed, func(c ir.Computed) bool { return c.Name == base })
	}
	tested := r.Types()
	for _, c := range r.Computed {
		if _, is := tested[c.Name]; !is {
			continue
		}
		term := t.Term(c.Text, c.Type)
		if computed.Names(term, hidden) {
			term = computed.Opaque{}
		}
		if d.Terms == nil {
			d.Terms = map[string]computed.Term{}
		}
		d.Terms[c.Name] = term
	}
	if d.Terms == nil {
		return d, nil
	}
	for _, a := range r.Supposed {
		q, err := t.Read(a.Text, nil)
		if err != nil {
			return d, err
		}
		d.Assumed = append(d.Assumed, computed.Assumption{ID: a.ID, Expr: q.Where})
	}
	return d, nil
}

// An Optional is a query whose meaning waits for what the indexes map.
type Optional struct {
	// Names are the fields that need not be mapped; without one of the Required it is an
	// error.
	Names, Required []string
	// Under says what the query does where the fields that s calls unmapped are not mapped.
	Under func(s ir.Schema) (*ir.Query, error)
	// Any says so of every choice of Names in one: where mapped is true of a name, an index maps
	// that field. ok is false where that cannot be said in one, and then every choice is to be read.
	Any func(s ir.Schema, mapped func(name string) ir.Expr) (q *ir.Query, ok bool, err error)
}

// A Format is a form of a target's queries.
type Format struct {
	Name        string
	Description string
	// Caps are what it can say natively.
	Caps Caps
	// Lookups say how long lists of values go into tables beside a query.
	Lookups Lookups
	// Costs is the table by which its conditions are ordered; Doc.Cost has rows of it.
	Costs []Cost
	// Emit writes a query for each condition, in order. The conditions of r are
	// legal under Caps; another node is a bug and panics. The error is an
	// *ir.Diagnostic for a value that no literal of the language can hold.
	Emit func(r *ir.Rule) ([]Doc, error)
	// Correlate writes the queries of a correlation; nil: the form has none. The error is an
	// *ir.Diagnostic for what the language cannot express.
	Correlate func(c *Correlation) (*Tailed, error)
	// Methods are those of the windows of its correlations, the default first.
	Methods []Method
}

// Lookups say how the tests of a long list go into a table that a query names.
type Lookups struct {
	// Lacks says why there are none, and what is nearest; then there is nothing else.
	Lacks string
	Max   int    // rows of a table
	Holds string // what a table can hold: "whole values"
	// Cell is what a table holds of the value that m tests for, with the kind of test
	// that asks for it; false: the test stays in the query. Tests of one field and one
	// kind go into one table.
	Cell func(m ir.Match) (cell, kind string, ok bool)
	// Here says whether a test in this conjunct of a condition can name a table; nil: any
	// can.
	Here func(conjunct ir.Expr) bool
	// Column heads the cells of a field.
	Column func(f ir.Field) string
	// In is the test of that kind, in the language, for the cells of the field in the
	// table of that name.
	In func(f ir.Field, kind, table string) string
}

// A SampleForm is a form in which a target takes test data.
type SampleForm struct {
	Name        string
	Description string
	// Write writes events of a table. The error is an *ir.Diagnostic, without a place, for a name
	// or a value that the language cannot hold.
	Write func(events []map[string]any, table SampleTable) (string, error)
}

// A ScopeKey is a key of a pipeline's state that says where a query looks.
type ScopeKey struct {
	Key string
	// Part is what it sets of a rule's scope; nil: a query cannot say it, and Lost
	// is what is told instead, with %s for the value.
	Part func(*ir.Scope) *string
	Lost string
	// Tells: it says which events these are, so that no condition need test the log
	// source of the rule. Needed: a query without it is about nothing in particular,
	// whatever else it tests.
	Tells, Needed bool
}

// A Limit is how large a query may be at a place that takes them.
type Limit struct {
	Of     string // the place, with its article: "a scheduled rule of Microsoft Sentinel"
	Max    int
	Unit   string // what is counted: "characters"
	Bytes  int    // that one of these takes of a query at least; 0: one
	Source string // of the fact
	// Count counts it in a query, and in the legal condition of which that was written.
	Count func(query string, e ir.Expr) int
}

// Characters are those of a query.
func Characters(query string, _ ir.Expr) int { return utf8.RuneCountInString(query) }

// Bytes are those of a query in UTF-8.
func Bytes(query string, _ ir.Expr) int { return len(query) }

// LongestList is the number of tests of one field in one disjunction of e, where they are
// most.
func LongestList(_ string, e ir.Expr) (most int) {
	ir.Walk(e, func(e ir.Expr) {
		or, ok := e.(ir.Or)
		if !ok {
			return
		}
		n := map[string]int{}
		for _, x := range or {
			if m, ok := x.(ir.Match); ok {
				n[m.Field.Name]++
				most = max(most, n[m.Field.Name])
			}
		}
	})
	return most
}

// A Place is a word of sigmac.yaml for a part of where events are: a key of a
// pipeline's state, or a field that events have.
type Place struct{ Word, Key, Field string }

// Columns say where a schema finds the fields of a target's rules.
type Columns struct {
	Schemas []string // the built-in ones, the first asked first
	// Table is the table that a query in a scope looks at, or empty; nil: all
	// events are of one table.
	Table func(ir.Scope) string
	Times []string // columns that say when an event happened: the first that a table has, or the last
	Open  bool     // a field may have other names than those of the schema
	Texts bool     // every value is a text, whatever its column is called in a schema
	Epoch bool     // a time is a number of seconds since 1970
}

// Time is a time as events have it.
func (c Columns) Time(t time.Time) any {
	if c.Epoch {
		return json.Number(strconv.FormatFloat(float64(t.UnixNano())/1e9, 'f', -1, 64))
	}
	return t.Format(time.RFC3339Nano)
}

// In is the target writing the format of that name.
func (t *Target) In(format string) (in *Target, ok bool) {
	i := slices.IndexFunc(t.Formats, func(f Format) bool { return f.Name == format })
	if i < 0 {
		return nil, false
	}
	out := *t
	out.Format = t.Formats[i]
	return &out, true
}

// OneValued is the target where no field has several values.
func (t *Target) OneValued() *Target {
	out := *t
	out.World = func(typ ir.Type) World {
		w := t.World(typ)
		w.Several = false
		return w
	}
	return &out
}

// KeywordField is the field that holds the text of the whole event, or empty.
func (t *Target) KeywordField() string { return t.Format.Caps.KeywordField }
