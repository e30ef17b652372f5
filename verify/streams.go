package verify

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"sigmac/backends"
	"sigmac/correlation"
	"sigmac/ir"
	"sigmac/tail"
)

const second = int64(1e9)

// What queries suppose of the events of a stream, by the assumptions that they rest on.
type supposes struct {
	oneValue bool // a column of the condition has one value at most
	oneKey   bool // a column of the group
	noTies   bool // no two events that different rules select have the same time
}

func supposed(queries []*tail.Query) (s supposes) {
	for _, q := range queries {
		for _, id := range q.Assumptions {
			s.oneValue = s.oneValue || strings.HasSuffix(id, "/single-value")
			s.oneKey = s.oneKey || strings.HasSuffix(id, "/single-key")
			s.noTies = s.noTies || id == "tie-order"
		}
	}
	return s
}

// admits says whether a stream is as it is supposed.
func (s supposes) admits(stream []event) bool {
	if !s.noTies {
		return true
	}
	for i, e := range stream {
		for _, o := range stream[:i] {
			if e.at == o.at && (e.kind.rules != o.kind.rules || e.kind.rules.size() > 1) && e.kind.rules != 0 && o.kind.rules != 0 {
				return false
			}
		}
	}
	return true
}

// A trial compares what a correlation and its queries find in streams.
type trial struct {
	*predicates
	c     *backends.Correlation
	d     *correlation.Definition
	sense Sense
	supposes

	others  []string // columns that the queries ask for, and the correlation does not
	shapes  map[string]*shape
	plain   [][]*shape // of the first values
	states  []cells    // of the columns of the condition; the first few are plain values
	few     int
	pools   map[*field][]any
	groups  []cells                   // of the columns of the group, and of the others
	renamed bool                      // the values of groups may be renamed
	digits  bool                      // texts are those of numbers, since rules have both in a group
	base    int64                     // the time from which others count: a border of fixed windows
	tuple   map[string]map[string]any // of groups, by their names

	streams int // that may be tried
	tried   int
	work    int
	hits    [2]bool // whether the correlation, and the queries, ever hit
	unsure  bool    // a difference was in events of which it is not known whether there are such
	coarse  [2]bool // the queries do not say of which group, or at what time, a hit is
	failed  *ir.Diagnostic
}

// The cells are values of some columns. Those of a rank may take the place of each other
// wherever they are all used.
type cells struct {
	name   string
	values map[*field][]any
	rank   int // from 0 on; -1: none
}

// A shape is an event save for its time.
type shape struct {
	kind         *sortOf
	event        map[*field][]any // nil: it is not known whether there is one
	row          tail.Row
	rows         map[int64]tail.Row
	seen         []correlation.Selection
	counts       cells // of the columns of the condition
	group, value int   // the ranks of its states
}

// An event of a stream has a shape and a time.
type event struct {
	*shape
	at int64
}

// An at is a group that hits at a time. What is not known of all is "" and 0.
type at struct {
	group string
	time  int64
}

func newTrial(p *predicates, c *backends.Correlation, queries []*tail.Query, o TailOptions) (*trial, error) {
	t := &trial{predicates: p, c: c, d: correlation.Define(c.Correlation), sense: o.Sense, supposes: supposed(queries),
		streams: cmp.Or(o.Streams, DefaultStreams), tuple: map[string]map[string]any{}}
	for _, r := range c.Rules {
		if f := p.byName[r.Time]; f != nil {
			return nil, notJudged(c.Pos, "a rule that tests when its events happened (%s)", r.Time)
		}
	}
	const newYear = 1_704_067_200 * second // of 2024, UTC
	t.base = newYear - newYear%max(int64(c.Window()), 1)
	t.choose()
	return t, nil
}

// shape is an event of a kind with its columns in these states, or nil where there is none.
func (t *trial) shape(k *sortOf, group, value cells) *shape {
	key := fmt.Sprintf("%p %s %s", k, group.name, value.name)
	if s, ok := t.shapes[key]; ok {
		return s
	}
	values := maps.Clone(group.values)
	maps.Copy(values, value.values)
	s := &shape{kind: k, event: t.at(k, values), counts: value, rows: map[int64]tail.Row{}, group: -1, value: value.rank}
	if t.renamed {
		s.group = group.rank
	}
	switch {
	case k.event == nil:
		s.row = t.row(k, values)
	case s.event == nil:
		s = nil
	default:
		s.row = t.row(k, s.event)
		values = s.event
	}
	if s != nil {
		s.seen = t.selections(k, values)
	}
	t.shapes[key] = s
	return s
}

// row has every column that is known, without the time.
func (t *trial) row(k *sortOf, values map[*field][]any) tail.Row {
	row := tail.Row{}
	for _, f := range t.fields {
		if !f.keyword && t.has(values, f) {
			row[f.column] = rowValue(values[f])
		}
	}
	for _, r := range t.c.Rules {
		for _, f := range slices.Concat(r.Keep, slices.Concat(r.Group...), slices.Concat(r.Fields...)) {
			if _, ok := row[f.Name]; !ok {
				row[f.Name] = nil
			}
		}
		row[r.Time] = nil
	}
	return row
}

func rowValue(vs []any) tail.Value {
	one := func(v any) tail.Value {
		if n, ok := v.(ir.Number); ok {
			x, _ := strconv.ParseFloat(string(n), 64)
			return x
		}
		return v
	}
	switch len(vs) {
	case 0:
		return nil
	case 1:
		return one(vs[0])
	}
	out := make([]tail.Value, len(vs))
	for i, v := range vs {
		out[i] = one(v)
	}
	return out
}

// selections are what a correlation sees of an event, without the time.
func (t *trial) selections(k *sortOf, values map[*field][]any) (out []correlation.Selection) {
	tuples := func(columns [][]ir.Field) (out [][]any) {
		out = [][]any{nil}
		for _, alternatives := range columns {
			var has []any
			for _, f := range alternatives {
				if has == nil {
					has = values[t.field(f, false)]
				}
			}
			var next [][]any
			for _, tuple := range out {
				for _, v := range has {
					next = append(next, append(slices.Clip(tuple), v))
				}
			}
			out = next
		}
		return out
	}
	for i, r := range t.c.Rules {
		if !k.rules.has(i) {
			continue
		}
		var counted []string
		for _, tuple := range tuples(r.Fields) {
			switch {
			case len(tuple) == 1:
				counted = append(counted, fmt.Sprint(tuple[0]))
			case len(tuple) > 1:
				counted = append(counted, fmt.Sprintf("%q", tuple))
			}
		}
		for _, tuple := range tuples(r.Group) {
			group := t.group(tuple)
			j := slices.IndexFunc(out, func(s correlation.Selection) bool { return s.Group == group })
			if j < 0 {
				j = len(out)
				out = append(out, correlation.Selection{Group: group})
			}
			out[j].Rules = append(out[j].Rules, i)
			for _, v := range counted {
				if !slices.Contains(out[j].Values, v) {
					out[j].Values = append(out[j].Values, v)
				}
			}
		}
	}
	return out
}

// group is the name of a group, by the values of its columns.
func (t *trial) group(tuple []any) string {
	values := make([]tail.Value, len(tuple))
	for i, v := range tuple {
		values[i] = rowValue([]any{v})
	}
	return t.groupOf(values)
}

// groupOf is group of values as rows have them. A number and the text of its digits are one.
func (t *trial) groupOf(values []tail.Value) string {
	texts := slices.Clone(values)
	for i, v := range texts {
		if n, ok := v.(float64); ok {
			texts[i] = tail.Const{V: n}.String()
		}
	}
	key := tail.Key(texts...)
	if t.tuple[key] == nil {
		t.tuple[key] = map[string]any{}
		for i, v := range values {
			t.tuple[key][t.c.Group[i]] = v
		}
	}
	return key
}

// at is the row of an event.
func (e event) timed(c *backends.Correlation) tail.Row {
	if row, ok := e.rows[e.at]; ok {
		return row
	}
	row := maps.Clone(e.row)
	for i, r := range c.Rules {
		if e.kind.rules == 0 || e.kind.rules.has(i) {
			row[r.Time] = float64(e.at) / 1e9
		}
	}
	e.rows[e.at] = row
	return row
}

// want are the hits of the correlation.
func (t *trial) want(stream []event) (out map[at]bool) {
	sorted := slices.Clone(stream)
	slices.SortStableFunc(sorted, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	out = map[at]bool{}
	s := t.d.NewStream()
	var now []correlation.Selection
	for i, e := range sorted {
		for _, x := range e.seen {
			x.Time = e.at
			now = append(now, x)
		}
		if i+1 == len(sorted) || sorted[i+1].at != e.at {
			for _, h := range s.Instant(e.at, now) {
				out[at{h.Group, h.Time}] = true
			}
			now = nil
		}
	}
	return out
}

// got are the hits of the queries; groups and times say whether these say of which group
// and when each is.
func (t *trial) got(stream []event) (out map[at]bool, groups, times bool) {
	env := &tail.Env{Events: make([]tail.Row, len(stream))}
	for i, e := range stream {
		env.Events[i] = e.timed(t.c)
	}
	env.Holds = func(e ir.Expr, i int) bool {
		ref, ok := e.(ir.Ref)
		if !ok {
			t.fail("a test that is made while the query runs")
			return false
		}
		n, _ := strconv.Atoi(ref.Name[1:])
		return stream[i].kind.tests.has(n)
	}
	out, groups, times = map[at]bool{}, true, true
	for _, q := range t.queries {
		env.Steps, env.Unknown = maxRunWork, nil
		rows := q.Run(env)
		t.work += maxRunWork - env.Steps
		switch {
		case len(env.Unknown) > 0:
			t.ask(slices.Sorted(maps.Keys(env.Unknown)))
			return nil, false, false
		case env.Steps < 0:
			t.fail("a query that makes so many rows of few events")
			return nil, false, false
		}
		for _, row := range rows {
			h := at{}
			tuples, ok := t.tuples(row, q.Group)
			if groups = groups && ok; q.Time == "" {
				times = false
			} else {
				seconds, ok := row[q.Time].(float64)
				if !ok {
					t.fail("a query whose hits have as their time %v", row[q.Time])
					return nil, false, false
				}
				h.time = int64(math.Round(seconds * 1e9))
			}
			for _, tuple := range tuples {
				h.group = t.groupOf(tuple)
				out[h] = true
			}
			if !ok {
				out[h] = true
			}
		}
	}
	return out, groups, times
}

// tuples are the values of the group in a row of a result, from these columns where there are
// as many; ok: it has its columns.
func (t *trial) tuples(row tail.Row, columns []string) (out [][]tail.Value, ok bool) {
	out = [][]tail.Value{nil}
	for j, name := range t.c.Group {
		if len(columns) == len(t.c.Group) {
			name = columns[j]
		}
		v, ok := row[name]
		for _, r := range t.c.Rules {
			for _, f := range r.Group[j] {
				if !ok {
					v, ok = row[f.Name]
				}
			}
		}
		if !ok {
			return nil, false
		}
		each, several := v.([]tail.Value)
		if !several {
			each = []tail.Value{v}
		}
		var next [][]tail.Value
		for _, tuple := range out {
			for _, x := range each {
				next = append(next, append(slices.Clip(tuple), x))
			}
		}
		out = next
	}
	return out, true
}

func (t *trial) fail(format string, args ...any) {
	if t.failed == nil {
		t.failed = notJudged(t.c.Pos, format, args...)
	}
}

// ask takes in columns that a query asks for.
func (t *trial) ask(names []string) {
	for _, name := range names {
		if slices.Contains(t.others, name) || t.byName[name] != nil || len(t.others) == maxColumns {
			t.fail("a query that asks for the column %s, which its rows do not have there", name)
			return
		}
	}
	t.others = append(t.others, names...)
	t.failed = again
}

// again stands for a fault: the comparison begins anew, with more columns.
var again = &ir.Diagnostic{}

// differ says whether the queries find more than the correlation in a stream, or less.
func (t *trial) differ(stream []event) (wider, narrower bool) {
	if !t.admits(stream) {
		return false, false
	}
	want := t.want(stream)
	got, groups, times := t.got(stream)
	if t.failed != nil {
		return false, false
	}
	t.hits[0], t.hits[1] = t.hits[0] || len(want) > 0, t.hits[1] || len(got) > 0
	t.coarse[0], t.coarse[1] = t.coarse[0] || !groups, t.coarse[1] || !times
	project := func(hits map[at]bool, groups, times bool) map[at]bool {
		if groups && times {
			return hits
		}
		out := map[at]bool{}
		for h := range hits {
			if !groups {
				h.group = ""
			}
			if !times {
				h.time = 0
			}
			out[h] = true
		}
		return out
	}
	lacks := func(has, in map[at]bool) bool {
		for h := range has {
			if !in[h] {
				return true
			}
		}
		return false
	}
	w, g := project(want, groups, times), project(got, groups, times)
	if t.sense == AnyHit && times {
		return lacks(g, w), t.late(w, g)
	}
	return lacks(g, w), lacks(w, g)
}

// late says whether some hit has none that was found in its window.
func (t *trial) late(want, got map[at]bool) bool {
	for h := range want {
		found := false
		for g := range got {
			found = found || g.group == h.group && h.time-int64(t.c.Window()) <= g.time && g.time <= h.time
		}
		if !found {
			return true
		}
	}
	return false
}
