package tail

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"sigmac/ir"
)

// Source gives the rows of the events of a place that pass a test, in the order in which
// they arrived, or with Newest those of the latest time first and of one time so.
type Source struct {
	Scope  ir.Scope
	Where  ir.Expr
	Newest bool
	Time   string // the column of time, where Newest
}

// Where keeps the rows at which X is true.
type Where struct{ X Expr }

// Extend adds columns. With InTurn each sees those before it; else all see the row as it
// was.
type Extend struct {
	Columns []Named
	InTurn  bool
}

// Select keeps nothing but these columns. A row stays that of its event.
type Select struct{ Columns []Named }

// Drop takes columns away.
type Drop struct{ Names []string }

// Sort puts rows in an order; those that are equal stay as they are. A null is less than
// any value, a text greater than a number.
type Sort struct{ Keys []SortKey }

// A SortKey is one expression of a Sort.
type SortKey struct {
	X    Expr
	Desc bool
}

// Limit keeps the first rows; with By the first of each tuple of values.
type Limit struct {
	N  int
	By []Named
}

// Group makes a row of all rows with equal keys, in the order of the first of each. With
// Nulls, null is a key like others; else a row that has one is in no group. Without By there
// is one group, also of no rows.
type Group struct {
	By    []Named
	Aggs  []Agg
	Nulls bool
}

// Expand makes a row of each value of a list in a column. A row without values goes.
type Expand struct{ Name string }

// Partition does something with the rows of each key by themselves.
type Partition struct {
	By    []Named
	Ops   []Op
	Nulls bool
}

// Join puts each row beside the rows of another query with equal keys. A column that both
// have is that of the left; the right one is called Rename of it.
type Join struct {
	Right  *Query
	On     [][2]Expr // of the left row, and of the right one
	Rename func(name string) string
	Semi   bool // a left row stays, by itself, where there is a right one; with Anti, where there is none
	Anti   bool
	Nulls  bool // null equals null
}

// Union gives the rows of several queries, one behind the other, after those that reach it.
// A column that another has is null.
type Union struct{ Of []*Query }

// Apply gives the rows of the events.
func (o Source) Apply(env *Env, _ []Row) (out []Row) {
	for i, r := range env.Events {
		if o.Where == nil || env.Holds(o.Where, i) {
			out = append(out, with(r, map[string]Value{Event: float64(i)}))
		}
	}
	if o.Newest {
		slices.SortStableFunc(out, func(a, b Row) int { return Compare(b[o.Time], a[o.Time]) })
	}
	return out
}

// Apply keeps the rows at which X is true.
func (o Where) Apply(env *Env, rows []Row) (out []Row) {
	for i, r := range rows {
		if o.X.Eval(&Frame{Env: env, Rows: rows, At: i}) == true {
			out = append(out, r)
		}
	}
	return out
}

// Apply adds the columns.
func (o Extend) Apply(env *Env, rows []Row) []Row {
	if o.InTurn && len(o.Columns) > 1 {
		for _, c := range o.Columns {
			rows = Extend{Columns: []Named{c}}.Apply(env, rows)
		}
		return rows
	}
	out := make([]Row, len(rows))
	for i, r := range rows {
		out[i] = with(r, values(&Frame{Env: env, Rows: rows, At: i}, o.Columns))
	}
	return out
}

func values(f *Frame, columns []Named) map[string]Value {
	out := make(map[string]Value, len(columns))
	for _, c := range columns {
		out[c.Name] = c.X.Eval(f)
	}
	return out
}

// Apply makes rows of these columns.
func (o Select) Apply(env *Env, rows []Row) []Row {
	out := make([]Row, len(rows))
	for i, r := range rows {
		out[i] = values(&Frame{Env: env, Rows: rows, At: i}, o.Columns)
		if n, ok := r[Event]; ok {
			out[i][Event] = n
		}
	}
	return out
}

// Apply takes the columns away.
func (o Drop) Apply(_ *Env, rows []Row) []Row {
	out := make([]Row, len(rows))
	for i, r := range rows {
		out[i] = with(r, nil)
		for _, n := range o.Names {
			delete(out[i], n)
		}
	}
	return out
}

// Apply sorts.
func (o Sort) Apply(env *Env, rows []Row) []Row {
	type sorted struct {
		row  Row
		keys []Value
	}
	all := make([]sorted, len(rows))
	for i, r := range rows {
		all[i].row = r
		for _, k := range o.Keys {
			all[i].keys = append(all[i].keys, k.X.Eval(&Frame{Env: env, Rows: rows, At: i}))
		}
	}
	slices.SortStableFunc(all, func(a, b sorted) int {
		for i, k := range o.Keys {
			c := Compare(a.keys[i], b.keys[i])
			if k.Desc {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return 0
	})
	out := make([]Row, len(rows))
	for i, s := range all {
		out[i] = s.row
	}
	return out
}

// Compare orders values: null, booleans, numbers, texts, lists by their canonical text.
func Compare(a, b Value) int {
	rank := func(v Value) int {
		switch v.(type) {
		case nil:
			return 0
		case bool:
			return 1
		case float64:
			return 2
		case string:
			return 3
		}
		return 4
	}
	x, isNumber := a.(float64)
	y, both := b.(float64)
	if isNumber && both {
		return cmp.Compare(x, y)
	}
	if s, ok := a.(string); ok {
		if t, ok := b.(string); ok {
			return strings.Compare(s, t)
		}
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(text(a), text(b)))
}

// Apply keeps the first rows.
func (o Limit) Apply(env *Env, rows []Row) (out []Row) {
	seen := map[string]int{}
	for i, r := range rows {
		key := ""
		for _, n := range o.By {
			key += Key(n.X.Eval(&Frame{Env: env, Rows: rows, At: i}))
		}
		if seen[key]++; seen[key] <= o.N {
			out = append(out, r)
		}
	}
	return out
}

// A group is the rows with equal keys.
type group struct {
	keys []Value
	rows []Row
}

// groups are the rows by their keys, in the order of the first of each.
func groups(env *Env, rows []Row, by []Named, nulls bool) (out []*group) {
	index := map[string]*group{}
	for i, r := range rows {
		for _, ks := range keys(&Frame{Env: env, Rows: rows, At: i}, by) {
			if !nulls && slices.Contains(ks, nil) {
				continue
			}
			key := Key(ks...)
			g := index[key]
			if g == nil {
				g = &group{keys: ks}
				index[key] = g
				out = append(out, g)
			}
			g.rows = append(g.rows, r)
		}
	}
	return out
}

// Apply makes a row of each group.
func (o Group) Apply(env *Env, rows []Row) (out []Row) {
	all := groups(env, rows, o.By, o.Nulls)
	if len(o.By) == 0 && len(all) == 0 {
		all = []*group{{}}
	}
	for _, g := range all {
		r := Row{}
		for i, n := range o.By {
			r[n.Name] = g.keys[i]
		}
		for _, a := range o.Aggs {
			r[a.As] = a.over(env, g.rows)
		}
		out = append(out, r)
	}
	return out
}

// Apply makes a row of each value.
func (o Expand) Apply(env *Env, rows []Row) (out []Row) {
	for i, r := range rows {
		v := Column(o).Eval(&Frame{Env: env, Rows: rows, At: i})
		each, several := v.([]Value)
		if !several {
			each = []Value{v}
		}
		for _, x := range each {
			if env.Steps--; env.Steps < 0 {
				return nil
			}
			out = append(out, with(r, map[string]Value{o.Name: x}))
		}
	}
	return out
}

// Apply does it with each key.
func (o Partition) Apply(env *Env, rows []Row) (out []Row) {
	for _, g := range groups(env, rows, o.By, o.Nulls) {
		rows := g.rows
		for _, op := range o.Ops {
			rows = op.Apply(env, rows)
		}
		out = append(out, rows...)
	}
	return out
}

// Apply puts rows beside each other.
func (o Join) Apply(env *Env, rows []Row) (out []Row) {
	others := o.Right.Run(env)
	key := func(rows []Row, i, side int) (k string, null bool) {
		for _, on := range o.On {
			v := on[side].Eval(&Frame{Env: env, Rows: rows, At: i})
			null = null || v == nil
			k += Key(v)
		}
		return k, null
	}
	index := map[string][]Row{}
	for i, r := range others {
		if k, null := key(others, i, 1); !null || o.Nulls {
			index[k] = append(index[k], r)
		}
	}
	for i, left := range rows {
		k, null := key(rows, i, 0)
		found := index[k]
		if null && !o.Nulls {
			found = nil
		}
		if o.Semi || o.Anti {
			if (len(found) > 0) == o.Semi {
				out = append(out, left)
			}
			continue
		}
		for _, right := range found {
			if env.Steps--; env.Steps < 0 {
				return nil
			}
			more := map[string]Value{}
			for name, v := range right {
				switch _, taken := left[name]; {
				case name == Event:
				case taken:
					more[o.Rename(name)] = v
				default:
					more[name] = v
				}
			}
			out = append(out, with(left, more))
		}
	}
	return out
}

// Apply puts rows behind each other.
func (o Union) Apply(env *Env, rows []Row) []Row {
	out := slices.Clone(rows)
	for _, q := range o.Of {
		out = append(out, q.Run(env)...)
	}
	names := map[string]Value{}
	for _, r := range out {
		for name := range r {
			if name != Event {
				names[name] = nil
			}
		}
	}
	for i, r := range out {
		full := make(Row, len(names)+1)
		for name := range names {
			full[name] = nil
		}
		out[i] = with(full, r)
	}
	return out
}

func (o Source) String() string {
	s := "events"
	if o.Where != nil {
		s += " {" + o.Where.String() + "}"
	}
	if o.Newest {
		s += " newest by " + o.Time
	}
	return s
}

func (o Where) String() string { return "where " + o.X.String() }

func (o Extend) String() string {
	if o.InTurn {
		return "extend in turn " + list(o.Columns)
	}
	return "extend " + list(o.Columns)
}

func (o Select) String() string { return "select " + list(o.Columns) }
func (o Drop) String() string   { return "drop " + strings.Join(o.Names, ", ") }
func (o Sort) String() string   { return "sort " + list(o.Keys) }
func (o Expand) String() string { return "expand " + o.Name }

func (k SortKey) String() string {
	if k.Desc {
		return k.X.String() + " desc"
	}
	return k.X.String()
}

func (o Limit) String() string {
	if len(o.By) > 0 {
		return fmt.Sprintf("limit %d by %s", o.N, list(o.By))
	}
	return fmt.Sprintf("limit %d", o.N)
}

func (o Group) String() string {
	s := "group " + list(o.Aggs)
	if len(o.By) > 0 {
		s += " by " + list(o.By)
	}
	if o.Nulls {
		s += " with nulls"
	}
	return s
}

func (o Partition) String() string {
	s := "partition by " + list(o.By)
	if o.Nulls {
		s += " with nulls"
	}
	return s + " (" + (&Query{Ops: o.Ops}).String() + ")"
}

func (o Join) String() string {
	kind := "join"
	switch {
	case o.Semi:
		kind = "semijoin"
	case o.Anti:
		kind = "antijoin"
	}
	if o.Nulls {
		kind += " with nulls"
	}
	var on []string
	for _, p := range o.On {
		on = append(on, p[0].String()+" = "+p[1].String())
	}
	return fmt.Sprintf("%s (%s) on %s", kind, o.Right, strings.Join(on, ", "))
}

func (o Union) String() string {
	parts := make([]string, len(o.Of))
	for i, q := range o.Of {
		parts[i] = "(" + q.String() + ")"
	}
	return "union " + strings.Join(parts, ", ")
}
