package ir

import (
	"iter"
	"strconv"
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
	// Times are the conjuncts that only choose when events happened. They are
	// no part of Where.
	Times []Bound
	// Where are the events that pass all filters of the query that could be
	// read, whatever its other stages do.
	Where  Expr
	Steps  []Expr    // of a sequence, a sample or a join: the event filter of each step, and no Where
	Stages []Command // the commands of the query, in its order
	// Assumptions are the ids of facts that the reading rests on, sorted.
	Assumptions []string
}

// Unjudged are the stages that do more to the set of events than Where says.
func (q *Query) Unjudged() (out []Command) {
	for _, s := range q.Stages {
		if !s.Effect.Judged() {
			out = append(out, s)
		}
	}
	return out
}

// Whole is Where with the conditions on the time.
func (q *Query) Whole() Expr {
	if len(q.Times) == 0 || q.Where == nil {
		return q.Where
	}
	out := And{q.Where}
	for _, b := range q.Times {
		out = append(out, b.Expr)
	}
	return out
}

// A Bound is a condition on when an event happened: `Timestamp > ago(1h)`.
type Bound struct {
	Expr  Expr
	Field string // that it tests, or empty: a time modifier of a search
	Text  string
	Pos   Pos
}

// TableField is the field that says from which table an event is, where a query
// tells tables apart: what KQL's `search` and `find` call it.
const TableField = "$table"

// CategoryField is the field that the category of a scope is a test of.
const CategoryField = "event.category"

// A Command is a stage of a query, as text.
type Command struct {
	Name   string // the command, `stats`
	Text   string
	Pos    Pos
	Effect Effect
}

// An Effect is what a stage does to the set of events that reach it.
type Effect uint8

// The effects. Of the first three, Query.Where says all.
const (
	Keeps     Effect = iota // every event comes out as it is
	Filters                 // the events come out that pass a test
	Computes                // every event comes out; columns are made, renamed or dropped
	Removes                 // some events do not come out
	Remakes                 // rows come out that are no events: groups, pairs, parts of events
	Adds                    // rows come out too that did not reach it
	AnyEffect               // anything
)

func (e Effect) String() string {
	return [...]string{"keeps", "filters", "computes", "removes", "remakes", "adds", "unknown"}[e]
}

// Judged says whether a reader represents all that the stage does to the set
// of events.
func (e Effect) Judged() bool { return e <= Computes }

// MayRemove says whether an event that reaches the stage may be lost there, for
// a reason that the reader does not represent.
func (e Effect) MayRemove() bool { return e == Removes || e == Remakes || e == AnyEffect }

// MayAdd says whether an event that did not reach the stage may come out.
func (e Effect) MayAdd() bool { return e == Adds || e == AnyEffect }

// An Opaque is a predicate of a foreign query that the representation cannot
// hold. It is equal only to itself and never simplified;
// a rule never has one.
type Opaque struct {
	Lang string // the target's name
	Text string
	Pos  Pos
	Of   *Formula // how it is computed, or nil where that is not known
	Lack string   // what is missing to know it, for people; or empty
}

// A Formula computes a predicate from an event.
type Formula struct {
	Fields []Field // that it reads
	// Holds says whether it is true of an event, where that is known. value is
	// the value of a field, nil where there is none, if that is known.
	Holds func(value func(name string) (v any, known bool)) (is, known bool)
	// Try are values of its fields of which it is likely true, or false; nil
	// where there is no idea of any.
	Try iter.Seq[map[string]any]
}

func (e Opaque) String() string { return "(opaque " + e.Lang + " " + strconv.Quote(e.Text) + ")" }
