// Package tail holds what a query does with several events at a time: an algebra over rows,
// into which readers put the stages of their language, and which can be tried on events.
//
// An Op takes rows in an order and gives rows in an order. An expression has the values of
// one row, or of its neighbours. What of it belongs to a language alone (how null compares,
// what a function gives) is a function that the reader of the language supplies, so that
// this package has no language in it. What a condition asks of an event itself is a Test,
// whose answer the caller knows: it is proved apart.
//
// Times are numbers of seconds, and so are lengths of time.
package tail

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sigmac/ir"
)

// A Value is nil, a bool, a float64, a string, or a []Value.
type Value any

// A Row has the values of columns. A row of one event has its number under Event.
type Row map[string]Value

// Event is the column that has the number of a row's event.
const Event = "$event"

// A Query is what a query does with the events that are there.
type Query struct {
	Ops []Op // the first is a source, which takes no rows
	// Time, of what is left, is the column of the time of a hit, or empty: then the rows say
	// which groups hit, and not when.
	Time string
	// Group are the columns of the group in its order, of a language that cannot name them; nil:
	// they have the names that a user gave them.
	Group []string
	// Assumptions are the ids of facts that the reading rests on, sorted.
	Assumptions []string
}

// String is the canonical text of what a query does.
func (q *Query) String() string {
	parts := make([]string, len(q.Ops))
	for i, op := range q.Ops {
		parts[i] = op.String()
	}
	return strings.Join(parts, " | ")
}

// An Env are the events on which a query is tried.
type Env struct {
	// Events are the rows of all, in the order in which they arrived. Each has every column
	// that is known, null where the event has nothing there.
	Events []Row
	// Holds says whether an event passes a test of its own fields.
	Holds func(e ir.Expr, event int) bool
	// Unknown are the columns that were asked for and that no row knows.
	Unknown map[string]bool
	// Steps are those that may be taken still; below zero, the answer is none.
	Steps int
}

// Run gives the rows that a query leaves. They are none where env.Unknown has a column, or
// the steps did not suffice.
func (q *Query) Run(env *Env) (rows []Row) {
	for _, op := range q.Ops {
		if env.Steps -= len(rows) + 1; env.Steps < 0 {
			return nil
		}
		rows = op.Apply(env, rows)
	}
	if len(env.Unknown) > 0 {
		return nil
	}
	return rows
}

// An Op is one stage. It changes no row that it is given.
type Op interface {
	Apply(env *Env, rows []Row) []Row
	String() string
}

// A Frame is where an expression is evaluated: at one of the rows that reach a stage.
type Frame struct {
	*Env
	Rows []Row
	At   int
	// State has what a stage with a memory knows, by name; nil elsewhere.
	State map[string]Value
}

// An Expr has a value at a row.
type Expr interface {
	Eval(f *Frame) Value
	String() string
}

// Const is the same everywhere.
type Const struct{ V Value }

// Column is the value of a column.
type Column struct{ Name string }

// Test asks something of the row's event alone; false where the row is not of one.
type Test struct{ X ir.Expr }

// Call is a function of values, called by the name that it has in canonical text.
type Call struct {
	Name string
	Args []Expr
	Do   func(args []Value) Value
}

// Near is the value that another row has, so many rows before (or with a negative number
// after), or of Else where there is none.
type Near struct {
	Of     Expr
	Before int
	Else   Expr // nil: null
}

// Known is what a stage with a memory knows under a name.
type Known struct{ Name string }

// Eval gives the constant.
func (x Const) Eval(*Frame) Value { return x.V }

// Eval gives the value of the row, and notes a column that the row does not know.
func (x Column) Eval(f *Frame) Value {
	v, ok := f.Rows[f.At][x.Name]
	if !ok {
		if f.Unknown == nil {
			f.Unknown = map[string]bool{}
		}
		f.Unknown[x.Name] = true
	}
	return v
}

// Eval says whether the event passes.
func (x Test) Eval(f *Frame) Value {
	n, ok := f.Rows[f.At][Event].(float64)
	return ok && f.Holds(x.X, int(n))
}

// Eval calls the function.
func (x Call) Eval(f *Frame) Value {
	args := make([]Value, len(x.Args))
	for i, a := range x.Args {
		args[i] = a.Eval(f)
	}
	return x.Do(args)
}

// Eval looks at the other row.
func (x Near) Eval(f *Frame) Value {
	at := f.At - x.Before
	switch {
	case at >= 0 && at < len(f.Rows):
		other := *f
		other.At = at
		return x.Of.Eval(&other)
	case x.Else != nil:
		return x.Else.Eval(f)
	}
	return nil
}

// Eval gives what is known.
func (x Known) Eval(f *Frame) Value { return f.State[x.Name] }

func (x Const) String() string  { return text(x.V) }
func (x Column) String() string { return x.Name }
func (x Test) String() string   { return "{" + x.X.String() + "}" }
func (x Call) String() string   { return x.Name + "(" + list(x.Args) + ")" }
func (x Known) String() string  { return "$" + x.Name }

func (x Near) String() string {
	s := fmt.Sprintf("near(%s, %d", x.Of, x.Before)
	if x.Else != nil {
		s += ", " + x.Else.String()
	}
	return s + ")"
}

// text is a value as canonical text has it.
func text(v Value) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case string:
		return strconv.Quote(v)
	case []Value:
		parts := make([]string, len(v))
		for i, x := range v {
			parts[i] = text(x)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return fmt.Sprint(v)
}

// Key is a text that two values share only if they are equal.
func Key(vs ...Value) string { return text(vs) }

func list[T fmt.Stringer](xs []T) string {
	parts := make([]string, len(xs))
	for i, x := range xs {
		parts[i] = x.String()
	}
	return strings.Join(parts, ", ")
}

// A Named is an expression that becomes a column.
type Named struct {
	Name string
	X    Expr
}

func (n Named) String() string { return n.Name + "=" + n.X.String() }

// An Agg is a column of several rows: Do of the values that Of has there, null among them,
// in the order of the rows. It is called by Name in canonical text.
type Agg struct {
	As, Name string
	Of       Expr
	Do       func(values []Value) Value
}

func (a Agg) String() string { return a.As + "=" + a.Name + "(" + a.Of.String() + ")" }

// over is the column that an Agg makes of some of the rows of a frame.
func (a Agg) over(env *Env, rows []Row) Value {
	values := make([]Value, len(rows))
	for i := range rows {
		values[i] = a.Of.Eval(&Frame{Env: env, Rows: rows, At: i})
	}
	return a.Do(values)
}

// with is a copy of a row with more columns.
func with(r Row, more map[string]Value) Row {
	out := make(Row, len(r)+len(more))
	for k, v := range r {
		out[k] = v
	}
	for k, v := range more {
		out[k] = v
	}
	return out
}

// keys are the tuples of values that some expressions have at a row: several where one of
// them has a list.
func keys(f *Frame, by []Named) [][]Value {
	out := [][]Value{nil}
	for _, n := range by {
		v := n.X.Eval(f)
		each, several := v.([]Value)
		if !several {
			each = []Value{v}
		}
		var next [][]Value
		for _, k := range out {
			for _, x := range each {
				if f.Steps--; f.Steps < 0 {
					return nil
				}
				next = append(next, append(slices.Clip(k), x))
			}
		}
		out = next
	}
	return out
}

// NotJudged is the error of a reader about a part of a query: what it is, with its article, and why
// it is not judged, or nothing.
func NotJudged(at ir.Pos, what, why string) *ir.Diagnostic {
	msg := what + " is not judged"
	if why != "" {
		msg += ": " + why
	}
	return &ir.Diagnostic{Pos: at, Msg: msg, Feature: what, Code: ir.CannotJudge}
}
