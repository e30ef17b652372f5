package backends

import (
	"fmt"
	"strings"
	"time"

	"sigmac/ir"
)

// The methods of a correlation's window.
const (
	Sliding  = "sliding"  // any time frame, as Sigma has it
	Tumbling = "tumbling" // fixed borders, so hits across one are missed
)

// A Method is a kind of windows that a language has for correlations.
type Method struct {
	Name        string // Sliding or Tumbling
	Description string
	Aliases     []string // what other converters call it
}

// SlidingWindows are the method Sliding, with the names that others have for it.
func SlidingWindows(aliases ...string) Method {
	return Method{Sliding, "every window of the time span, as Sigma has it", append([]string{"default"}, aliases...)}
}

// TumblingWindows are the method Tumbling, with the names that others have for it.
func TumblingWindows(aliases ...string) Method {
	return Method{Tumbling, "windows with fixed borders, which cost less and miss what lies on both sides of one", aliases}
}

// A Correlation is one whose rules are mapped to a target: its fields are those of the
// target, and the conditions of its rules are legal there.
type Correlation struct {
	*ir.Correlation
	Rules  []CorrelatedRule // in the order of the names that it gives them
	Group  []string         // the columns of the group in the result, by the names of the correlation
	Fields []string         // those of the condition
	Method string           // Sliding or Tumbling
	// Disjoint says whether no event is selected by both of two rules, as the prover knows.
	Disjoint func(i, j int) bool
}

// A CorrelatedRule is one rule of a Correlation.
type CorrelatedRule struct {
	Name string   // by which the correlation calls it
	Rule *ir.Rule // legal, with one condition
	Time string   // the column of the time of its events
	// Group and Fields are what stands for those of the correlation in its events, each of at
	// least one column, of which an event has one at most; Keep are columns to show.
	Group, Fields [][]ir.Field
	Keep          []ir.Field
}

// Window is the length of the correlation's window.
func (c *Correlation) Window() time.Duration { return c.Timespan.Length }

// Written is the condition over rules in a language, by its words for and, or and not. Of each rule,
// present says that it has an event.
func (c *Correlation) Written(present []string, and, or, not string) string {
	join := func(op string, parts []string) string {
		if len(parts) == 1 {
			return parts[0]
		}
		return "(" + strings.Join(parts, " "+op+" ") + ")"
	}
	named := func(name string) string { // several rules may be called so
		var out []string
		for i, r := range c.Correlation.Rules {
			if r.Text == name {
				out = append(out, present[i])
			}
		}
		return join(or, out)
	}
	var write func(e ir.Expr) string
	each := func(es []ir.Expr) (out []string) {
		for _, x := range es {
			out = append(out, write(x))
		}
		return out
	}
	write = func(e ir.Expr) string {
		switch e := e.(type) {
		case ir.And:
			return join(and, each(e))
		case ir.Or:
			return join(or, each(e))
		case ir.Not:
			return not + "(" + write(e.X) + ")"
		case ir.Ref:
			return named(e.Name)
		case ir.Of:
			var out []string
			for _, n := range e.Names {
				out = append(out, named(n))
			}
			if e.All {
				return join(and, out)
			}
			return join(or, out)
		}
		panic(fmt.Sprintf("backends: a condition over rules with %T", e))
	}
	return write(c.Formula)
}

// Tailed is what a correlation became in a language. Where it takes several queries, each
// has a name that stays the same from run to run, and together they find its hits.
type Tailed struct {
	Queries []TailedQuery
	// Losses are what the queries find that the correlation does not, or do not find, by the ids of
	// docs/semantics.md.
	Losses []TailLoss
}

// A TailedQuery is one query of a correlation.
type TailedQuery struct {
	Name string // what tells it from the others, or empty where it is the only one
	Doc  Doc
}

// A TailLoss is a difference of the queries from the correlation that the target declares.
type TailLoss struct {
	ID, Direction, Msg string // Direction: the queries are narrower, wider, or both
	Pos                ir.Pos // in the correlation
	// First: of the hits of a group within one window, the queries find the first, and perhaps no
	// other.
	First bool
}

// Refuse says that a language cannot express a part of a correlation, which stands with its
// article, and what comes nearest or why, or nothing.
func (c *Correlation) Refuse(backend string, at ir.Pos, feature, reason string) error {
	if at == (ir.Pos{}) {
		at = c.Pos
	}
	return Unsupported(backend, at, feature, reason)
}
