package verify

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"sigmac/backends"
	"sigmac/ir"
	"sigmac/tail"
)

// asking is a query that takes events and asks tests of them, one column for each.
func asking(where ir.Expr, tests ...ir.Expr) *tail.Query {
	q := &tail.Query{Ops: []tail.Op{tail.Source{Where: where}}}
	for _, e := range tests {
		q.Ops = append(q.Ops, tail.Extend{Columns: []tail.Named{{Name: "x", X: tail.Test{X: e}}}})
	}
	return q
}

func withRules(rules ...ir.Expr) *backends.Correlation {
	c := related{kind: "temporal", window: 3, rules: len(rules)}.correlation()
	for i, e := range rules {
		c.Rules[i].Rule.Conditions[0].Expr = e
	}
	return c
}

func TestPredicates(t *testing.T) {
	a, b := is("f", "a", "*"), is("f", "*", "b")
	apart := is("f", "c")
	hard := is("f", "d", "*")
	opaque := ir.Opaque{Lang: "toy", Text: "x()", Pos: ir.Pos{Line: 1, Column: 7}}
	for _, c := range []struct {
		name  string
		rules []ir.Expr
		query *tail.Query
		names string // of the tests
		kinds int
	}{
		{"as written", []ir.Expr{a, b}, asking(ir.Or{a, b}, a, b), "$1+$2 $1 $2", 3},
		{"in another form", []ir.Expr{a, apart}, asking(ir.Or{apart, a}, not(not(a)), ir.And{apart, is("f", "*")}), "$1+$2 $1 $2", 2},
		{"wider source", []ir.Expr{a, b}, asking(ir.Or{a, b, apart}, a, b), "$0 $1 $2", 4},
		{"everything", []ir.Expr{a, b}, asking(nil, a, b), "$0 $1 $2", 4},
		{"a mixture", []ir.Expr{a, b}, asking(ir.Or{a, b}, ir.And{a, not(b)}), "$1+$2 -", 3},
		{"another", []ir.Expr{a, b}, asking(ir.Or{a, b}, hard), "$1+$2 -", 5},
		{"narrower", []ir.Expr{a, b}, asking(ir.And{a, not(apart)}, is("f", "a", "?", "*"), b), "$1 - $2", 4},
		{"never two", []ir.Expr{is("f", "a"), is("f", "b"), is("f", "c")}, asking(ir.Or{is("f", "a"), is("f", "b"), is("f", "c")}), "$1+$2+$3", 3},
		{"what cannot be decided, as written", []ir.Expr{re("f", "a(?=b)"), apart}, asking(ir.Or{apart, re("f", "a(?=b)")}, re("f", "a(?=b)")), "$1+$2 $1", 0},
		{"many rules", []ir.Expr{is("f", "a"), is("f", "b"), is("f", "c"), is("f", "d"), is("f", "e")}, asking(ir.Or{is("f", "a"), is("f", "b"), is("f", "c"), is("f", "d"), is("f", "e")}, not(not(is("f", "d")))), "$1+$2+$3+$4+$5 $4", 5},
	} {
		budget := DefaultBudget
		p, err := predicatesOf(&backends.Target{Name: "t", World: single}, withRules(c.rules...), []*tail.Query{c.query}, TailOptions{}, &budget)
		if err != nil {
			t.Errorf("%s: %s", c.name, err)
			continue
		}
		var names []string
		for _, a := range p.tests {
			switch {
			case a.of != 0:
				names = append(names, nameOf(a.of))
			case a.prefilter:
				names = append(names, "$0")
			default:
				names = append(names, "-")
			}
		}
		if got := strings.Join(names, " "); got != c.names || c.kinds > 0 && len(p.kinds) != c.kinds {
			t.Errorf("%s: %s of %d kinds, want %s of %d", c.name, got, len(p.kinds), c.names, c.kinds)
		}
	}
	for _, c := range []struct {
		name  string
		query *tail.Query
		want  string
	}{
		{"a piece of query", asking(ir.Or{a, b}, opaque), "cannot judge this test, which is none of the correlation's rules: a part of the query that"},
		{"another hard one", asking(ir.Or{a, b}, re("f", "x(?=y)")), "a regular expression with"},
	} {
		_, err := Tail(&backends.Target{Name: "t", World: single}, withRules(a, b), []*tail.Query{c.query}, TailOptions{Budget: DefaultBudget})
		var d *ir.Diagnostic
		if !errors.As(err, &d) || !strings.Contains(d.Msg, c.want) || d.Feature == "" {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
		if c.name == "a piece of query" && d != nil && d.Pos != opaque.Pos {
			t.Errorf("%s: at %v", c.name, d.Pos)
		}
	}
}

// TestTailPredicates holds that a wrong predicate of an otherwise right query is refuted by
// a stream with an event that shows it.
func TestTailPredicates(t *testing.T) {
	r := related{kind: "event_count", op: "gte", n: "3", window: 60}
	for _, c := range []struct {
		name      string
		rule      ir.Expr
		query     ir.Expr
		direction string
		fields    string
	}{
		{"wider", is("f", "a"), is("f", "a", "*"), "wider", "f"},
		{"narrower", is("f", "a", "*"), ir.And{is("f", "a", "*"), is("h", "x")}, "narrower", "f"},
		{"another group", ir.And{is("f", "a"), is("g", "adm", "*")}, is("f", "a"), "wider", "g"},
	} {
		corr := r.correlation()
		corr.Rules[0].Rule.Conditions[0].Expr = c.rule
		q := r.join().Rewrite(func(part any) any {
			if e, ok := part.(ir.Expr); ok && ir.Equal(e, ruleNamed(0)) {
				return c.query
			}
			return part
		})
		res := judgeTail(t, single, corr, q)
		if res.Verdict != Refuted || res.Direction != c.direction || len(res.Stream.Events) != 3 {
			t.Errorf("%s: %s %s%s", c.name, res.Verdict, res.Direction, res.Stream)
			continue
		}
		for _, e := range res.Stream.Events {
			if e.Fields[c.fields] == nil || selects(c.rule, e.Fields) != slices.Contains(e.Rules, "r0") {
				t.Errorf("%s:%s", c.name, res.Stream)
			}
		}
		right := r.join().Rewrite(func(part any) any {
			if e, ok := part.(ir.Expr); ok && ir.Equal(e, ruleNamed(0)) {
				return c.rule
			}
			return part
		})
		if res := judgeTail(t, single, corr, right); res.Verdict != Bounded {
			t.Errorf("%s: the right one is %s%s", c.name, res.Verdict, res.Stream)
		}
	}
}

// TestTailPlaces holds that events of other tables are others.
func TestTailPlaces(t *testing.T) {
	r := related{kind: "temporal", window: 60, rules: 2}
	c := r.correlation()
	for i, table := range []string{"A", "B"} {
		c.Rules[i].Rule.Scope.Table = table
		c.Rules[i].Rule.Conditions[0].Expr = is("f", "x") // the same test of events of other places
	}
	union := func(tables ...string) *tail.Query {
		var of []*tail.Query
		for i, table := range tables {
			columns := []tail.Named{{Name: "g", X: column("g")}, {Name: "t", X: column("t")}}
			for j := range tables {
				columns = append(columns, tail.Named{Name: "b" + string(rune('0'+j)), X: tail.Const{V: j == i}})
			}
			of = append(of, &tail.Query{Ops: []tail.Op{tail.Source{Scope: ir.Scope{Table: table}, Where: is("f", "x")}, tail.Select{Columns: columns}}})
		}
		right := &tail.Query{Ops: []tail.Op{tail.Union{Of: of}, tail.Select{Columns: []tail.Named{
			{Name: "g2", X: column("g")}, {Name: "t2", X: column("t")}, {Name: "b0", X: column("b0")}, {Name: "b1", X: column("b1")}}}}}
		return &tail.Query{Time: "t", Ops: []tail.Op{
			tail.Union{Of: of},
			tail.Group{By: by("g", "t")},
			tail.Join{Right: right, On: [][2]tail.Expr{{column("g"), column("g2")}}},
			tail.Where{X: every(lte(column("t2"), column("t")), lte(minus(column("t"), column("t2")), number(60)))},
			tail.Group{By: by("g", "t"), Aggs: []tail.Agg{count("n0", column("b0")), count("n1", column("b1"))}},
			tail.Where{X: every(compares["gt"](column("n0"), number(0)), compares["gt"](column("n1"), number(0)))},
		}}
	}
	if res := judgeTail(t, single, c, union("A", "B")); res.Verdict != Bounded {
		t.Errorf("right: %s%s", res.Verdict, res.Stream)
	}
	for name, q := range map[string]*tail.Query{"swapped": union("B", "A"), "another": union("A", "C")} {
		res := judgeTail(t, single, c, q)
		if name == "swapped" {
			// Which of the two is which does not matter to a temporal correlation.
			if res.Verdict != Bounded {
				t.Errorf("%s: %s%s", name, res.Verdict, res.Stream)
			}
			continue
		}
		if res.Verdict != Refuted || res.Stream.Events[0].Fields["$table"] == nil {
			t.Errorf("%s: %s%s", name, res.Verdict, res.Stream)
		}
	}
}

// TestTailColumns holds that rules may have the group in other columns, and that a query
// may ask for columns of which the correlation knows nothing.
func TestTailColumns(t *testing.T) {
	r := related{kind: "temporal_ordered", window: 60, rules: 2}
	c := r.correlation()
	c.Group = []string{"who"}
	c.Rules[0].Group = [][]ir.Field{{{Name: "src", Type: ir.Text}}}
	c.Rules[1].Group = [][]ir.Field{{{Name: "dst", Type: ir.Text}}}
	steps := func(first, second string) *tail.Query {
		return &tail.Query{Time: "t", Ops: []tail.Op{
			tail.Source{Where: ruleNamed(1)},
			tail.Extend{Columns: []tail.Named{{Name: "who", X: column(second)}}},
			tail.Join{Right: &tail.Query{Ops: []tail.Op{
				tail.Source{Where: ruleNamed(0)},
				tail.Select{Columns: []tail.Named{{Name: "h", X: column(first)}, {Name: "u", X: column("t")}}},
			}}, On: [][2]tail.Expr{{column("who"), column("h")}}, Rename: func(n string) string { return n + "_" }},
			tail.Where{X: every(lte(column("u"), column("t")), lte(minus(column("t"), column("u")), number(60)))},
		}}
	}
	if res := judgeTail(t, single, c, steps("src", "dst")); res.Verdict != Bounded {
		t.Errorf("right: %s%s", res.Verdict, res.Stream)
	}
	for _, q := range []*tail.Query{steps("src", "src"), steps("dst", "src"), steps("src", "host")} {
		if res := judgeTail(t, single, c, q); res.Verdict != Refuted || len(res.Stream.Events) > 2 {
			t.Errorf("%s: %s%s", q, res.Verdict, res.Stream)
		}
	}
	gone := steps("src", "dst")
	gone.Ops = append(slices.Clip(gone.Ops), tail.Select{Columns: by("who", "t")}, tail.Where{X: notNull(column("src"))})
	_, err := Tail(&backends.Target{Name: "t", World: single}, c, []*tail.Query{gone}, TailOptions{Budget: DefaultBudget})
	if err == nil || !strings.Contains(err.Error(), "the column src") {
		t.Errorf("a column that is gone: %v", err)
	}
}

// TestTailUnjudged holds that what never hits is not bounded.
func TestTailUnjudged(t *testing.T) {
	for _, r := range []related{
		{kind: "event_count", op: "gte", n: "1000000", window: 60},
		{kind: "event_count", op: "lt", n: "1", window: 60},
		{kind: "value_count", op: "gte", n: "5000", window: 60},
	} {
		_, err := Tail(&backends.Target{Name: "t", World: single}, r.correlation(), []*tail.Query{r.join()}, TailOptions{Budget: DefaultBudget})
		var d *ir.Diagnostic
		if !errors.As(err, &d) || d.Feature == "" || !strings.Contains(d.Msg, "does not hit") {
			t.Errorf("%s: %v", r, err)
		}
	}
}

// sparse keeps the first of the rows of a group within a time.
type sparse struct{ within float64 }

func (o sparse) String() string { return "sparse" }

func (o sparse) Apply(_ *tail.Env, rows []tail.Row) (out []tail.Row) {
	slices.SortStableFunc(rows, func(a, b tail.Row) int { return tail.Compare(a["t"], b["t"]) })
	for _, r := range rows {
		if !slices.ContainsFunc(out, func(x tail.Row) bool {
			return tail.Key(x["g"]) == tail.Key(r["g"]) && r["t"].(float64)-x["t"].(float64) <= o.within
		}) {
			out = append(out, r)
		}
	}
	return out
}

// TestTailSense holds that queries that find one of the hits in a window are right where
// that is what they are to do.
func TestTailSense(t *testing.T) {
	r := related{kind: "event_count", op: "gte", n: "2", window: 3}
	with := func(op ...tail.Op) *tail.Query {
		q := r.join()
		q.Ops = append(q.Ops, op...)
		return q
	}
	first := with(sparse{3})
	late := r
	late.window++
	for _, c := range []struct {
		name string
		q    *tail.Query
		o    Sense
		want Verdict
	}{
		{"all", r.join(), AnyHit, Bounded},
		{"the first", first, AnyHit, Bounded},
		{"the first", first, EveryHit, Refuted},
		{"too few", with(sparse{5}), AnyHit, Refuted},
		{"one", with(tail.Limit{N: 1, By: by("g")}), AnyHit, Refuted},
		{"too many", late.join(), AnyHit, Refuted},
	} {
		res, err := Tail(&backends.Target{Name: "t", World: single}, r.correlation(), []*tail.Query{c.q}, TailOptions{Sense: c.o, Budget: DefaultBudget})
		if err != nil || res.Verdict != c.want {
			t.Errorf("%s: %v %s%s, want %s", c.name, err, res.Verdict, res.Stream, c.want)
		}
	}
}

// TestTailSuppositions holds that what a query supposes by name does not refute it, and
// that it does without the name.
func TestTailSuppositions(t *testing.T) {
	ordered := related{kind: "temporal_ordered", window: 3, rules: 2}
	strict := ordered.steps()
	strict.Ops = slices.Insert(strict.Ops, 4, tail.Op(tail.Where{X: compares["lt"](column("u"), column("s"))}))
	sum := related{kind: "value_sum", op: "gte", n: "5", window: 3}
	scalar := sum.join().Rewrite(func(part any) any {
		a, ok := part.(tail.Agg)
		if ok && a.As == "n" {
			do := a.Do
			a.Do = func(vs []tail.Value) tail.Value {
				return do(slices.DeleteFunc(slices.Clone(vs), func(v tail.Value) bool { _, list := v.([]tail.Value); return list }))
			}
			return a
		}
		return part
	})
	count := related{kind: "event_count", op: "gte", n: "2", window: 3}
	for _, c := range []struct {
		r       related
		q       *tail.Query
		world   func(ir.Type) backends.World
		id      string
		another string
	}{
		{ordered, strict, single, "tie-order", "x/tie-order"},
		{sum, scalar, open, "x/single-value", "x/single-key"},
		{count, count.stream(), open, "x/single-key", "x/single-value"},
	} {
		for _, id := range []string{c.id, c.another} {
			corr := c.r.correlation()
			q := c.q
			if c.r.rules > 1 {
				q = apart(corr, q)
			}
			named := *q
			named.Assumptions = []string{id}
			res := judgeTail(t, c.world, corr, &named)
			if (res.Verdict == Refuted) != (id == c.another) || !slices.Contains(res.Assumptions, id) {
				t.Errorf("%s, %s: %s%s", c.r, id, res.Verdict, res.Stream)
			}
		}
	}
}

// apart gives a correlation rules of which no event is selected by two, and a query of it the
// same.
func apart(c *backends.Correlation, q *tail.Query) *tail.Query {
	value := func(i int) ir.Expr { return is("f", string(rune('a'+i))) }
	for i := range c.Rules {
		c.Rules[i].Rule.Conditions[0].Expr = value(i)
	}
	var changed func(e ir.Expr) ir.Expr
	changed = func(e ir.Expr) ir.Expr {
		if or, ok := e.(ir.Or); ok {
			var out ir.Or
			for _, x := range or {
				out = append(out, changed(x))
			}
			return out
		}
		for i := range c.Rules {
			if ir.Equal(e, ruleNamed(i)) {
				return value(i)
			}
		}
		return e
	}
	return q.Rewrite(func(part any) any {
		if e, ok := part.(ir.Expr); ok {
			return changed(e)
		}
		return part
	})
}

// TestTailManyRules holds that rules of which no event fills two are found together.
func TestTailManyRules(t *testing.T) {
	r := related{kind: "temporal", window: 60, rules: 7}
	c := r.correlation()
	if res := judgeTail(t, single, c, apart(c, r.join())); res.Verdict != Bounded {
		t.Errorf("right: %s%s", res.Verdict, res.Stream)
	}
	late := r
	late.window++
	if res := judgeTail(t, single, c, apart(c, late.join())); res.Verdict != Refuted || len(res.Stream.Events) != 7 {
		t.Errorf("late: %s%s", res.Verdict, res.Stream)
	}
}
