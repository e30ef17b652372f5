package verify

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sigmac/backends"
	"sigmac/correlation"
	"sigmac/eval"
	"sigmac/ir"
	"sigmac/tail"
)

// related is a correlation of rules r0, r1, … over columns g, v and t, as tests have them.
type related struct {
	kind    string
	op      string
	n       string
	window  int // seconds
	rules   int
	alone   bool // no group
	percent ir.Number
}

func ruleNamed(i int) ir.Expr { return is(fmt.Sprintf("r%d", i), "yes") }

func (r related) correlation() *backends.Correlation {
	own := &ir.Correlation{Type: ir.Name{Text: r.kind}, Timespan: ir.Timespan{Length: time.Duration(r.window) * time.Second}, Percentile: r.percent}
	c := &backends.Correlation{Correlation: own, Method: backends.Sliding, Disjoint: func(i, j int) bool { return false }}
	if r.op != "" {
		own.Condition = []ir.Limit{{Op: r.op, Number: ir.Number(r.n)}}
	}
	if !r.alone {
		c.Group, own.GroupBy = []string{"g"}, []ir.Name{{Text: "g"}}
	}
	value := ir.Field{Name: "v", Type: ir.Numeric}
	if r.kind == "value_count" {
		value.Type = ir.Text
	}
	for i := range max(r.rules, 1) {
		name := fmt.Sprintf("r%d", i)
		own.Rules = append(own.Rules, ir.Name{Text: name})
		rule := backends.CorrelatedRule{Name: name, Time: "t", Rule: &ir.Rule{Conditions: []ir.Condition{{Expr: ruleNamed(i)}}}}
		if !r.alone {
			rule.Group = [][]ir.Field{{{Name: "g", Type: ir.Text}}}
		}
		if strings.HasPrefix(r.kind, "value_") {
			own.Fields = []ir.Name{{Text: "v"}}
			c.Fields, rule.Fields = []string{"v"}, [][]ir.Field{{value}}
		}
		c.Rules = append(c.Rules, rule)
	}
	return c
}

// Expressions of a language that has what the tests need.

func column(name string) tail.Expr { return tail.Column{Name: name} }
func number(n float64) tail.Expr   { return tail.Const{V: n} }

func call(name string, do func(a []tail.Value) tail.Value, args ...tail.Expr) tail.Expr {
	return tail.Call{Name: name, Args: args, Do: do}
}

func ofNumbers(name string, do func(a, b float64) tail.Value) func(x, y tail.Expr) tail.Expr {
	return func(x, y tail.Expr) tail.Expr {
		return call(name, func(a []tail.Value) tail.Value {
			p, ok := a[0].(float64)
			q, both := a[1].(float64)
			if !ok || !both {
				return nil
			}
			return do(p, q)
		}, x, y)
	}
}

var (
	minus    = ofNumbers("minus", func(a, b float64) tail.Value { return a - b })
	lte      = ofNumbers("lte", func(a, b float64) tail.Value { return a <= b })
	bin      = ofNumbers("bin", func(a, b float64) tail.Value { return a - float64(int64(a)%int64(b)) - (a - float64(int64(a))) })
	compares = map[string]func(x, y tail.Expr) tail.Expr{
		"gte": ofNumbers("gte", func(a, b float64) tail.Value { return a >= b }),
		"gt":  ofNumbers("gt", func(a, b float64) tail.Value { return a > b }),
		"lte": lte,
		"lt":  ofNumbers("lt", func(a, b float64) tail.Value { return a < b }),
		"eq":  ofNumbers("equal", func(a, b float64) tail.Value { return a == b }),
		"neq": ofNumbers("unequal", func(a, b float64) tail.Value { return a != b }),
	}
)

func every(xs ...tail.Expr) tail.Expr {
	return call("and", func(a []tail.Value) tail.Value {
		return !slices.ContainsFunc(a, func(v tail.Value) bool { return v != true })
	}, xs...)
}

func eq(x, y tail.Expr) tail.Expr {
	return call("eq", func(a []tail.Value) tail.Value { return a[0] != nil && tail.Key(a[0]) == tail.Key(a[1]) }, x, y)
}

func notNull(x tail.Expr) tail.Expr {
	return call("isnotnull", func(a []tail.Value) tail.Value { return a[0] != nil }, x)
}

func count(as string, of tail.Expr) tail.Agg {
	return tail.Agg{As: as, Name: "count", Of: of, Do: func(vs []tail.Value) tail.Value {
		n := 0.0
		for _, v := range vs {
			if v == true {
				n++
			}
		}
		return n
	}}
}

func numbersOf(vs []tail.Value) (out []float64) {
	for _, v := range vs {
		if list, ok := v.([]tail.Value); ok {
			out = append(out, numbersOf(list)...)
		}
		if n, ok := v.(float64); ok {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out
}

// aggregate is what a condition of a kind compares, of the column v.
func (r related) aggregate(as string) tail.Agg {
	a := tail.Agg{As: as, Name: r.kind, Of: column("v")}
	if r.kind == "value_count" {
		a.Do = func(vs []tail.Value) tail.Value {
			seen := map[string]bool{}
			for _, v := range vs {
				list, several := v.([]tail.Value)
				if !several {
					list = []tail.Value{v}
				}
				for _, x := range list {
					if x != nil {
						seen[tail.Key(x)] = true
					}
				}
			}
			return float64(len(seen))
		}
		return a
	}
	a.Do = func(vs []tail.Value) tail.Value {
		ns := numbersOf(vs)
		if len(ns) == 0 {
			return nil
		}
		sum := 0.0
		for _, n := range ns {
			sum += n
		}
		switch r.kind {
		case "value_sum":
			return sum
		case "value_avg":
			return sum / float64(len(ns))
		case "value_median":
			return (ns[(len(ns)-1)/2] + ns[len(ns)/2]) / 2
		}
		p, _ := new(big.Rat).SetString(string(r.percent))
		x, _ := new(big.Rat).Mul(p, big.NewRat(int64(len(ns)), 100)).Float64()
		at := int(x)
		if float64(at) < x {
			at++
		}
		return ns[max(at-1, 0)]
	}
	return a
}

func anyRule(n int) ir.Expr {
	var or ir.Or
	for i := range max(n, 1) {
		or = append(or, ruleNamed(i))
	}
	return ir.Disjunction(or...)
}

func by(names ...string) (out []tail.Named) {
	for _, n := range names {
		out = append(out, tail.Named{Name: n, X: column(n)})
	}
	return out
}

// prev counts as `sort` and `prev` do: the event n-1 before is of the group and not too long ago.
func (r related) prev() *tail.Query {
	n, _ := strconv.Atoi(r.n)
	if r.op == "gt" {
		n++
	}
	return &tail.Query{Time: "t", Ops: []tail.Op{
		tail.Source{Where: anyRule(r.rules)},
		tail.Where{X: notNull(column("g"))},
		tail.Sort{Keys: []tail.SortKey{{X: column("g")}, {X: column("t")}}},
		tail.Extend{Columns: []tail.Named{{Name: "g0", X: tail.Near{Of: column("g"), Before: n - 1}}, {Name: "t0", X: tail.Near{Of: column("t"), Before: n - 1}}}},
		tail.Where{X: every(eq(column("g"), column("g0")), lte(minus(column("t"), column("t0")), number(float64(r.window))))},
	}}
}

// stream counts in a stream of each group.
func (r related) stream() *tail.Query {
	n, _ := strconv.Atoi(r.n)
	if r.op == "gt" {
		n++
	}
	return &tail.Query{Time: "t", Ops: []tail.Op{
		tail.Source{Where: anyRule(r.rules)},
		tail.Sort{Keys: []tail.SortKey{{X: column("t")}}},
		tail.Partition{By: by("g"), Ops: []tail.Op{tail.Extend{Columns: []tail.Named{{Name: "t0", X: tail.Near{Of: column("t"), Before: n - 1}}}}}},
		tail.Where{X: lte(minus(column("t"), column("t0")), number(float64(r.window)))},
	}}
}

// join puts all events of a window beside each time at which its group has one.
func (r related) join() *tail.Query {
	var group []tail.Named
	on := [][2]tail.Expr{{number(0), number(0)}}
	source := []tail.Op{tail.Source{Where: anyRule(r.rules)}}
	if !r.alone {
		group = by("g")
		on = [][2]tail.Expr{{column("g"), column("g2")}}
		source = append(source, tail.Expand{Name: "g"})
	}
	right := []tail.Named{{Name: "t2", X: column("t")}, {Name: "v", X: column("v")}}
	if !r.alone {
		right = append(right, tail.Named{Name: "g2", X: column("g")})
	}
	var has []tail.Agg
	for i := range max(r.rules, 1) {
		name := fmt.Sprintf("b%d", i)
		right = append(right, tail.Named{Name: name, X: tail.Test{X: ruleNamed(i)}})
		has = append(has, count("n"+name, column(name)))
	}
	if !strings.HasPrefix(r.kind, "value_") {
		right = slices.Delete(right, 1, 2)
	}
	ops := slices.Concat(source, []tail.Op{
		tail.Group{By: append(slices.Clone(group), by("t")...)},
		tail.Join{Right: &tail.Query{Ops: append(slices.Clone(source), tail.Select{Columns: right})}, On: on, Rename: func(n string) string { return n + "_" }},
		tail.Where{X: every(lte(column("t2"), column("t")), lte(minus(column("t"), column("t2")), number(float64(r.window))))},
	})
	var condition tail.Expr
	aggs := []tail.Agg{count("n", tail.Const{V: true})}
	n, _ := strconv.ParseFloat(r.n, 64)
	switch {
	case strings.HasPrefix(r.kind, "value_"):
		aggs = []tail.Agg{r.aggregate("n")}
		condition = compares[r.op](column("n"), number(n))
	case r.kind == "temporal":
		aggs = has
		var each []tail.Expr
		for _, a := range has {
			each = append(each, compares["gt"](column(a.As), number(0)))
		}
		condition = every(each...)
	default:
		condition = compares[r.op](column("n"), number(n))
	}
	ops = append(ops, tail.Group{By: append(slices.Clone(group), by("t")...), Aggs: aggs}, tail.Where{X: condition})
	return &tail.Query{Time: "t", Ops: ops}
}

// steps joins an event of each rule with one of the rule before it in the window.
func (r related) steps() *tail.Query {
	q := &tail.Query{Time: "t", Ops: []tail.Op{
		tail.Source{Where: ruleNamed(r.rules - 1)},
		tail.Expand{Name: "g"},
		tail.Extend{Columns: []tail.Named{{Name: "s", X: column("t")}}},
	}}
	for i := r.rules - 2; i >= 0; i-- {
		q.Ops = append(q.Ops,
			tail.Join{Right: &tail.Query{Ops: []tail.Op{
				tail.Source{Where: ruleNamed(i)},
				tail.Expand{Name: "g"},
				tail.Select{Columns: []tail.Named{{Name: "h", X: column("g")}, {Name: "u", X: column("t")}}},
			}}, On: [][2]tail.Expr{{column("g"), column("h")}}, Rename: func(n string) string { return n + "_" }},
			tail.Where{X: lte(column("u"), column("s"))},
			tail.Extend{Columns: []tail.Named{{Name: "s", X: column("u")}}},
			tail.Drop{Names: []string{"h", "u"}})
	}
	q.Ops = append(q.Ops, tail.Where{X: lte(minus(column("t"), column("s")), number(float64(r.window)))})
	return q
}

// bucket counts in fixed windows.
func (r related) bucket() *tail.Query {
	n, _ := strconv.ParseFloat(r.n, 64)
	agg := count("n", tail.Const{V: true})
	if strings.HasPrefix(r.kind, "value_") {
		agg = r.aggregate("n")
	}
	ops := []tail.Op{
		tail.Source{Where: anyRule(r.rules)},
		tail.Extend{Columns: []tail.Named{{Name: "b", X: bin(column("t"), number(float64(r.window)))}}},
	}
	if r.kind == "temporal" || r.kind == "temporal_ordered" {
		var flags []tail.Named
		var aggs []tail.Agg
		var each []tail.Expr
		for i := range r.rules {
			name := fmt.Sprintf("b%d", i)
			flags = append(flags, tail.Named{Name: name, X: tail.Test{X: ruleNamed(i)}})
			aggs = append(aggs, count("n"+name, column(name)))
			each = append(each, compares["gt"](column("n"+name), number(0)))
		}
		ops = append(ops, tail.Extend{Columns: flags}, tail.Group{By: by("g", "b"), Aggs: aggs}, tail.Where{X: every(each...)})
	} else {
		ops = append(ops, tail.Group{By: by("g", "b"), Aggs: []tail.Agg{agg}}, tail.Where{X: compares[r.op](column("n"), number(n))})
	}
	return &tail.Query{Ops: ops}
}

func judgeTail(t *testing.T, world func(ir.Type) backends.World, c *backends.Correlation, qs ...*tail.Query) Result {
	t.Helper()
	res, err := Tail(&backends.Target{Name: "t", World: world}, c, qs, TailOptions{Budget: DefaultBudget})
	if err != nil {
		t.Fatalf("%s: %s", qs[0], err)
	}
	return res
}

func (s *Stream) String() string {
	if s == nil {
		return "no stream"
	}
	var b strings.Builder
	for _, e := range s.Events {
		fmt.Fprintf(&b, "\n  %s %v %v", e.Time.Format("15:04:05.0"), e.Fields, e.Rules)
	}
	return b.String() + fmt.Sprintf("\n  rule %v\n  query %v", s.Rule, s.Query)
}

// right are correct queries of a correlation, by name.
func (r related) right() map[string]*tail.Query {
	out := map[string]*tail.Query{}
	n, err := strconv.Atoi(r.n)
	if r.kind == "event_count" && !r.alone && err == nil && n > 0 && (r.op == "gte" || r.op == "gt") {
		out["prev"], out["stream"] = r.prev(), r.stream()
	}
	if r.kind == "temporal_ordered" {
		out["steps"] = r.steps()
	} else {
		out["join"] = r.join()
	}
	return out
}

// wrong are queries of other correlations than r, by name.
func (r related) wrong() map[string]*tail.Query {
	out := map[string]*tail.Query{}
	add := func(name string, change func(*related)) {
		other := r
		change(&other)
		for form, q := range other.right() {
			out[form+" "+name] = q
		}
	}
	n, _ := strconv.Atoi(r.n)
	if r.op != "" {
		add("N+1", func(o *related) { o.n = strconv.Itoa(n + 1) })
		if n > 1 {
			add("N-1", func(o *related) { o.n = strconv.Itoa(n - 1) })
		}
		add("another operator", func(o *related) {
			o.op = map[string]string{"gte": "gt", "gt": "gte", "lt": "lte", "lte": "lt", "eq": "gte", "neq": "gt"}[r.op]
		})
	}
	if n > 1 || r.op == "" || strings.HasPrefix(r.kind, "value_") {
		add("T+1", func(o *related) { o.window++ })
		add("T-1", func(o *related) { o.window-- })
	}
	if r.kind != "temporal_ordered" && (n > 1 || r.op == "" || r.kind != "event_count") {
		add("no group", func(o *related) { o.alone = true })
		out["bucket"] = r.bucket()
	}
	if r.kind == "temporal_ordered" {
		q := r.steps()
		i := 0
		out["swapped steps"] = q.Rewrite(func(part any) any {
			if s, ok := part.(tail.Source); ok {
				i++
				s.Where = ruleNamed(i - 1) // the last rule first
				return s
			}
			return part
		})
	}
	return out
}

var correlations = []related{
	{kind: "event_count", op: "gte", n: "1", window: 3},
	{kind: "event_count", op: "gte", n: "2", window: 3},
	{kind: "event_count", op: "gte", n: "3", window: 300},
	{kind: "event_count", op: "gt", n: "2", window: 3, rules: 2},
	{kind: "event_count", op: "gte", n: "7", window: 60},
	{kind: "event_count", op: "gt", n: "50", window: 300},
	{kind: "event_count", op: "lte", n: "2", window: 3},
	{kind: "event_count", op: "eq", n: "2", window: 10, rules: 2},
	{kind: "value_count", op: "gte", n: "3", window: 300},
	{kind: "value_count", op: "gt", n: "9", window: 300},
	{kind: "value_count", op: "lt", n: "2", window: 3, rules: 2},
	{kind: "value_sum", op: "gte", n: "5", window: 3},
	{kind: "value_sum", op: "gt", n: "1000", window: 300, rules: 2},
	{kind: "value_avg", op: "gte", n: "5", window: 3},
	{kind: "value_avg", op: "lt", n: "50", window: 60},
	{kind: "value_median", op: "gte", n: "5", window: 3},
	{kind: "value_percentile", op: "gt", n: "5", window: 3, percent: "50"},
	{kind: "value_percentile", op: "gte", n: "100", window: 60, percent: "95"},
	{kind: "temporal", window: 3, rules: 2},
	{kind: "temporal", window: 300, rules: 3},
	{kind: "temporal", window: 60, rules: 4},
	{kind: "temporal_ordered", window: 3, rules: 2},
	{kind: "temporal_ordered", window: 300, rules: 3},
}

func (r related) String() string {
	return fmt.Sprintf("%s %s %s in %d s of %d rules", r.kind, r.op, r.n, r.window, max(r.rules, 1))
}

// TestTail holds that right queries are never refuted, and wrong ones are, with a stream in
// which there is a difference and without an event of which there is none.
func TestTail(t *testing.T) {
	for i, r := range correlations {
		t.Run(r.String(), func(t *testing.T) {
			t.Parallel()
			c := r.correlation()
			for name, world := range map[string]func(ir.Type) backends.World{"single": single, "open": open} {
				several := name == "open"
				if several && i%5 != 0 {
					continue
				}
				for form, q := range r.right() {
					plain := form == "prev" || form == "stream"
					want := Bounded
					switch {
					case plain && several:
						continue // they take a group to be one value
					case plain:
						want = Proved
					}
					if res := judgeTail(t, world, c, q); res.Verdict != want || len(res.Limits) == 0 && want == Bounded {
						t.Errorf("%s, %s world: %s, want %s%s", form, name, res.Verdict, want, res.Stream)
					}
				}
				for form, q := range r.wrong() {
					if several && !strings.HasPrefix(form, "join") {
						continue
					}
					res := judgeTail(t, world, c, q)
					if res.Verdict != Refuted {
						t.Errorf("%s, %s world: %s after %d streams\n%s", form, name, res.Verdict, res.Events, strings.Join(res.Limits, "\n"))
						continue
					}
					checkStream(t, r, c, q, res)
				}
			}
		})
	}
}

// checkStream finds the difference of a refutation again, and none without one of its events.
func checkStream(t *testing.T, r related, c *backends.Correlation, q *tail.Query, res Result) {
	t.Helper()
	if !differs(c, q, res.Stream.Events) {
		t.Errorf("%s: %s\nno difference in%s", r, q, res.Stream)
	}
	for i := range res.Stream.Events {
		if differs(c, q, slices.Delete(slices.Clone(res.Stream.Events), i, i+1)) {
			t.Errorf("%s: %s\nthe event %d is not needed in%s", r, q, i, res.Stream)
		}
	}
}

// differs compares by what the events hold, apart from what Tail does.
func differs(c *backends.Correlation, q *tail.Query, stream []StreamEvent) bool {
	var selections []correlation.Selection
	env := &tail.Env{Steps: 1 << 20, Holds: func(e ir.Expr, i int) bool { return selects(e, stream[i].Fields) }}
	list := func(v any) []any {
		switch v := v.(type) {
		case nil:
			return nil
		case []any:
			return v
		}
		return []any{v}
	}
	for _, e := range stream {
		x := correlation.Selection{Time: e.Time.UnixNano()}
		row := tail.Row{"t": float64(e.Time.UnixNano()) / 1e9, "g": nil, "v": nil}
		for name, v := range e.Fields {
			var vs []tail.Value
			for _, v := range list(v) {
				if n, ok := v.(json.Number); ok {
					v, _ = n.Float64()
				}
				vs = append(vs, v)
			}
			if row[name] = vs; len(vs) == 1 {
				row[name] = vs[0]
			}
		}
		env.Events = append(env.Events, row)
		for i := range c.Rules {
			if selects(ruleNamed(i), e.Fields) {
				x.Rules = append(x.Rules, i)
			}
		}
		if len(c.Fields) > 0 {
			for _, v := range list(e.Fields["v"]) {
				x.Values = append(x.Values, fmt.Sprint(v))
			}
		}
		groups := list(e.Fields["g"])
		if len(c.Group) == 0 {
			groups = []any{""}
		}
		for _, g := range groups {
			if x.Group = fmt.Sprint(g); len(x.Rules) > 0 {
				selections = append(selections, x)
			}
		}
	}
	want, got := map[string]bool{}, map[string]bool{}
	rows := q.Run(env)
	grouped := true
	for _, row := range rows {
		_, ok := row["g"]
		grouped = grouped && (ok || len(c.Group) == 0)
	}
	key := func(group string, at float64) string {
		if !grouped || len(c.Group) == 0 {
			group = ""
		}
		if q.Time == "" {
			at = 0
		}
		return fmt.Sprintf("%s %f", group, at)
	}
	for _, h := range correlation.Define(c.Correlation).Hits(selections) {
		want[key(h.Group, float64(h.Time)/1e9)] = true
	}
	for _, row := range rows {
		at, _ := row[q.Time].(float64)
		got[key(fmt.Sprint(row["g"]), at)] = true
	}
	return !maps.Equal(want, got)
}

func selects(e ir.Expr, fields map[string]any) bool {
	ev, err := eval.NewEvent(fields)
	if err != nil {
		panic(err)
	}
	return eval.Expr(nil, e, ev)
}

// TestValuesOfEachRule holds that the values of each rule's own column are tried.
func TestValuesOfEachRule(t *testing.T) {
	r := related{kind: "value_sum", op: "gte", n: "3", window: 60, rules: 2}
	c := r.correlation()
	c.Rules[1].Fields = [][]ir.Field{{{Name: "w", Type: ir.Numeric}}}
	forgets := r.join().Rewrite(func(part any) any {
		n, ok := part.(tail.Named)
		if ok && n.Name == "v" {
			n.X = call("of the first", func(a []tail.Value) tail.Value {
				if a[0] == true {
					return a[1]
				}
				return nil
			}, tail.Test{X: ruleNamed(0)}, column("v"))
			return n
		}
		return part
	})
	res := judgeTail(t, single, c, forgets)
	if res.Verdict != Refuted || res.Direction != "narrower" {
		t.Errorf("the values of the second rule are not there, and the query is %s (%s)", res.Verdict, res.Direction)
	}
}

// TestShortestStream holds that no shorter stream has a difference, over all events at
// whole seconds.
func TestShortestStream(t *testing.T) {
	for _, r := range correlations {
		if r.window > 3 || r.rules > 2 {
			continue
		}
		c := r.correlation()
		var shapes []map[string]any
		for rules := 1; rules < 1<<max(r.rules, 1); rules++ {
			for _, g := range []any{"a", "b", nil} {
				for _, v := range []any{"a", "b", json.Number("4"), json.Number("5"), json.Number("6"), nil} {
					_, text := v.(string)
					if v != nil && text != (r.kind == "value_count") || v != nil && len(c.Fields) == 0 {
						continue
					}
					fields := map[string]any{}
					for i := range c.Rules {
						if rules>>i&1 == 1 {
							fields[fmt.Sprintf("r%d", i)] = "yes"
						}
					}
					if g != nil {
						fields["g"] = g
					}
					if v != nil {
						fields["v"] = v
					}
					shapes = append(shapes, fields)
				}
			}
		}
		for form, q := range r.wrong() {
			res := judgeTail(t, single, c, q)
			if res.Verdict != Refuted {
				continue // TestTail says so
			}
			var stream []StreamEvent
			var shorter func(left int) bool
			shorter = func(left int) bool {
				if len(stream) > 0 && differs(c, q, stream) {
					return true
				}
				for at := 0; left > 0 && at <= 2*r.window+1; at++ {
					time := time.Unix(1_704_067_200/int64(r.window)*int64(r.window)+int64(at), 0).UTC()
					if n := len(stream); n > 0 && time.Before(stream[n-1].Time) {
						continue
					}
					for _, fields := range shapes {
						stream = append(stream, StreamEvent{Time: time, Fields: fields})
						found := shorter(left - 1)
						if found {
							return true
						}
						stream = stream[:len(stream)-1]
					}
				}
				return false
			}
			n := min(len(res.Stream.Events)-1, 2)
			if shorter(n) {
				t.Errorf("%s: %s: a difference of %d events in%s\nand of %v", r, form, len(res.Stream.Events), res.Stream, stream)
			}
		}
	}
}

// FuzzTail holds that what is right is never refuted, in events as a random world has them.
func FuzzTail(f *testing.F) {
	for seed := range uint64(24) {
		f.Add(seed)
	}
	kinds := []string{"event_count", "value_count", "value_sum", "value_avg", "value_median", "value_percentile", "temporal", "temporal_ordered"}
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 17))
		x := related{kind: kinds[(seed+uint64(r.IntN(2)))%8], window: 1 + r.IntN(400), rules: 1 + r.IntN(3)}
		switch x.kind {
		case "temporal", "temporal_ordered":
			x.rules = max(x.rules, 2)
		default:
			x.op = []string{"gte", "gt", "lt", "lte", "eq", "neq"}[r.IntN(6)]
			x.n = strconv.Itoa(1 + r.IntN(6))
			x.alone = r.IntN(3) == 0
		}
		if x.kind == "value_percentile" {
			x.percent = ir.Number(strconv.Itoa(1 + r.IntN(100)))
		}
		c := x.correlation()
		rules := make([]ir.Expr, len(c.Rules))
		for i := range rules { // now and then about the columns of the group and the condition
			rules[i] = []ir.Expr{ruleNamed(i), ruleNamed(0), ir.And{ruleNamed(i), is("g", "x", "*")}, ir.Or{ruleNamed(i), is("g", "y")}, is("f", string(rune('a'+i)))}[r.IntN(5)]
			c.Rules[i].Rule.Conditions[0].Expr = rules[i]
		}
		world := []func(ir.Type) backends.World{single, open, blank}[r.IntN(3)]
		for form, q := range x.right() {
			if form != "join" && form != "steps" {
				continue
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
				for i := range rules {
					if ir.Equal(e, ruleNamed(i)) {
						return rules[i]
					}
				}
				return e
			}
			q = q.Rewrite(func(part any) any {
				if e, ok := part.(ir.Expr); ok {
					return changed(e)
				}
				return part
			})
			res, err := Tail(&backends.Target{Name: "t", World: world}, c, []*tail.Query{q}, TailOptions{Budget: DefaultBudget, Streams: 3_000})
			if err != nil && !strings.Contains(err.Error(), "does not hit") || err == nil && res.Verdict != Bounded {
				t.Errorf("seed %d: %s, %v: %v %s%s", seed, x, rules, err, res.Verdict, res.Stream)
			}
		}
	})
}
