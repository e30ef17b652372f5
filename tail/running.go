package tail

import (
	"fmt"
	"math"
	"slices"
)

// Running adds to each row what is aggregated of the rows up to it with equal keys. A row
// with a null among its keys gets null.
type Running struct {
	By   []Named
	Aggs []Agg
	// Rows are how many of the last rows count, those with other keys among them where Mixed;
	// 0: all.
	Rows  int
	Mixed bool
	// Span is how far the values of Time may lie apart; a Time of nil: any distance.
	Span   float64
	Time   Expr
	Before bool // the row itself does not count
}

// Beside adds to each row what is aggregated of all rows with equal keys. A row with a null
// among its keys gets null.
type Beside struct {
	By   []Named
	Aggs []Agg
}

// Fill adds rows between those whose numbers in a column, which rise, are further apart than
// Step, for each multiple of it: with the columns Of, which see no row.
type Fill struct {
	Name string
	Step float64
	Of   []Named
}

// Reverse gives the last row first.
type Reverse struct{}

// Sized takes steps for the size of a value, of a function whose values can grow.
type Sized struct{ X Expr }

// Eval gives the value, and null where the steps do not suffice.
func (x Sized) Eval(f *Frame) Value {
	v := x.X.Eval(f)
	switch v := v.(type) {
	case string:
		f.Steps -= len(v)
	case []Value:
		f.Steps -= len(v)
	}
	if f.Steps < 0 {
		return nil
	}
	return v
}

func (x Sized) String() string { return x.X.String() }

// keyed are the keys of rows, and which of them have a null.
func keyed(env *Env, rows []Row, by []Named) (keys []string, null []bool) {
	for i := range rows {
		var ks []Value
		for _, n := range by {
			ks = append(ks, n.X.Eval(&Frame{Env: env, Rows: rows, At: i}))
		}
		keys, null = append(keys, Key(ks...)), append(null, slices.Contains(ks, nil))
	}
	return keys, null
}

// aggregated are the columns of some rows; null of none where there are no rows to ask.
func aggregated(env *Env, aggs []Agg, rows []Row, of bool) map[string]Value {
	out := map[string]Value{}
	for _, a := range aggs {
		out[a.As] = nil
		if of {
			out[a.As] = a.over(env, rows)
		}
	}
	return out
}

// Apply adds the columns.
func (o Running) Apply(env *Env, rows []Row) []Row {
	keys, null := keyed(env, rows, o.By)
	time := func(i int) float64 {
		t, ok := o.Time.Eval(&Frame{Env: env, Rows: rows, At: i}).(float64)
		if !ok {
			return math.NaN()
		}
		return t
	}
	out := make([]Row, len(rows))
	for i, r := range rows {
		var window []Row
		last := i
		if o.Before {
			last--
		}
		counted := 0
		for j := last; j >= 0 && (o.Rows == 0 || counted < o.Rows); j-- {
			if env.Steps--; env.Steps < 0 {
				return nil
			}
			same := keys[j] == keys[i]
			if same || o.Mixed {
				counted++
			}
			if same && (o.Time == nil || math.Abs(time(i)-time(j)) <= o.Span) {
				window = append(window, rows[j])
			}
		}
		slices.Reverse(window)
		out[i] = with(r, aggregated(env, o.Aggs, window, !null[i]))
	}
	return out
}

// Apply adds the columns.
func (o Beside) Apply(env *Env, rows []Row) []Row {
	keys, null := keyed(env, rows, o.By)
	groups := map[string][]Row{}
	for i, r := range rows {
		groups[keys[i]] = append(groups[keys[i]], r)
	}
	made := map[string]map[string]Value{}
	out := make([]Row, len(rows))
	for i, r := range rows {
		if made[keys[i]] == nil {
			made[keys[i]] = aggregated(env, o.Aggs, groups[keys[i]], !null[i])
		}
		out[i] = with(r, made[keys[i]])
	}
	return out
}

// Apply adds the rows.
func (o Fill) Apply(env *Env, rows []Row) (out []Row) {
	for i, r := range rows {
		if i > 0 {
			at, _ := r[o.Name].(float64)
			before, _ := rows[i-1][o.Name].(float64)
			for before += o.Step; before < at; before += o.Step {
				if env.Steps--; env.Steps < 0 {
					return nil
				}
				made := values(&Frame{Env: env, Rows: []Row{{}}}, o.Of)
				made[o.Name] = before
				out = append(out, made)
			}
		}
		out = append(out, r)
	}
	return out
}

// Apply turns the order round.
func (Reverse) Apply(_ *Env, rows []Row) []Row {
	out := slices.Clone(rows)
	slices.Reverse(out)
	return out
}

func (o Running) String() string {
	s := "running " + list(o.Aggs)
	if o.Rows > 0 {
		s += fmt.Sprintf(" of %d rows", o.Rows)
		if o.Mixed {
			s += " of all"
		}
	}
	if o.Time != nil {
		s += fmt.Sprintf(" within %s of %s", text(o.Span), o.Time)
	}
	if o.Before {
		s += " before"
	}
	return s + by(o.By)
}

func (o Beside) String() string { return "beside " + list(o.Aggs) + by(o.By) }

func (o Fill) String() string {
	return fmt.Sprintf("fill %s by %s: %s", o.Name, text(o.Step), list(o.Of))
}

func (Reverse) String() string { return "reverse" }

func by(keys []Named) string {
	if len(keys) == 0 {
		return ""
	}
	return " by " + list(keys)
}
