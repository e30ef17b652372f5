package backendtest

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sigmac/backends"
	"sigmac/correlation"
	"sigmac/internal/irtest"
	"sigmac/ir"
	"sigmac/tail"
)

// Correlations are random ones of a kind, whose queries are tried as they are read back.
type Correlations struct {
	Target *backends.Target
	Kind   string
	Method string   // backends.Sliding where it is empty
	Ops    []string // of the condition; nil: gte and gt
	Times  []string // names of columns of time, one for all rules of a correlation
	// Disjoint: no event is selected by two rules, and the emitter is told so.
	Disjoint bool
	// Distinct: no two events have the same time.
	Distinct bool
	Rules    int // at most; 3 where it is 0
	// Same says whether the hits of the queries are right; nil: they are those of the
	// correlation, as a set of groups and times.
	Same func(c *backends.Correlation, stream []correlation.Selection, want, got []At) bool
}

// Tries is how many random correlations a test tries: all where the variable
// SIGMAC_CORRELATIONS says so, else a twentieth.
func Tries(all int) int {
	if os.Getenv("SIGMAC_CORRELATIONS") == "all" {
		return all
	}
	return max(all/20, 1)
}

// An At is a group that hits at a time, in seconds; of a query that does not say when, at
// Sometime.
type At struct {
	Group string
	Time  float64
}

// Sometime stands for no time in particular.
const Sometime = -1

// Try compares the queries of n random correlations with what these find in random streams.
func (o Correlations) Try(t *testing.T, n int) {
	t.Helper()
	r := rand.New(rand.NewPCG(17, uint64(len(o.Kind))))
	hits, refused := 0, ""
	for range n {
		c := o.random(r)
		done, err := o.Target.Format.Correlate(c)
		if err != nil {
			refused = err.Error()
			continue
		}
		var texts []string
		var queries []*tail.Query
		for _, q := range done.Queries {
			text := q.Doc.Flat()
			read, err := o.Target.ReadTail(text, Types(c))
			if err != nil {
				t.Fatalf("%s\nis not read: %s", text, err)
			}
			texts, queries = append(texts, text), append(queries, read)
		}
		for range 5 {
			stream, events := o.stream(r, c)
			var want, got []At
			for _, h := range correlation.Define(c.Correlation).Hits(stream) {
				want = append(want, At{h.Group, float64(h.Time) / 1e9})
			}
			hits += len(want)
			for _, q := range queries {
				got = append(got, o.run(t, c, q, events)...)
			}
			got = set(got)
			same := o.Same
			if same == nil {
				same = func(_ *backends.Correlation, _ []correlation.Selection, want, got []At) bool {
					return slices.Equal(want, got)
				}
			}
			if !same(c, stream, want, got) {
				t.Fatalf("%s over %s, %d rules, %v, %v\n%s\nevents %v\nwant %v\ngot  %v", o.Kind, c.Window(), len(c.Rules), c.Condition, c.Formula,
					strings.Join(texts, "\n"), stream, want, got)
			}
		}
	}
	if refused != "" {
		t.Logf("refused: %s", refused)
	}
	if hits < n/5 {
		t.Errorf("%s: only %d hits", o.Kind, hits)
	}
}

// Types are those of the columns of the correlations that are tried.
func Types(c *backends.Correlation) ir.Types {
	types := ir.Types{"g": ir.Text, "v": ir.Numeric, c.Rules[0].Time: ir.Date}
	if c.Type.Text == "value_count" {
		types["v"] = ir.Text
	}
	for i := range c.Rules {
		types["r"+strconv.Itoa(i)] = ir.Text
	}
	return types
}

func (o Correlations) random(r *rand.Rand) *backends.Correlation {
	own := &ir.Correlation{Type: ir.Name{Text: o.Kind}, Timespan: ir.Timespan{Name: ir.Name{Text: "3s"}, Length: time.Duration(1+r.IntN(5)) * time.Second}}
	rules := 1 + r.IntN(cmp.Or(o.Rules, 3))
	if strings.HasPrefix(o.Kind, "temporal") {
		rules = max(rules, 2)
	}
	limits := func(most int) {
		ops := o.Ops
		if ops == nil {
			ops = []string{"gte", "gt"}
		}
		own.Condition = append(own.Condition, ir.Limit{Op: ops[r.IntN(len(ops))], Number: ir.Number(strconv.Itoa(1 + r.IntN(most)))})
	}
	switch o.Kind {
	case "temporal":
		if r.IntN(2) == 0 {
			limits(rules)
		}
	case "temporal_ordered":
	case "value_percentile":
		own.Percentile = ir.Number(strconv.Itoa(1 + r.IntN(100)))
		limits(4)
	default:
		limits(4)
	}
	c := &backends.Correlation{Correlation: own, Method: cmp.Or(o.Method, backends.Sliding), Disjoint: func(i, j int) bool { return o.Disjoint }}
	if r.IntN(4) > 0 {
		c.Group = []string{"g"}
		own.GroupBy = []ir.Name{{Text: "g"}}
	}
	if strings.HasPrefix(o.Kind, "value_") {
		c.Fields = []string{"v"}
		own.Fields = []ir.Name{{Text: "v"}}
	}
	at := o.Times[r.IntN(len(o.Times))]
	for i := range rules {
		name := "r" + strconv.Itoa(i)
		test := ir.Match{Field: ir.Field{Name: name, Type: ir.Text}, Test: ir.NewPattern(false, ir.Part{Text: "yes"})}
		rule := backends.CorrelatedRule{Name: name, Time: at, Rule: &ir.Rule{Conditions: []ir.Condition{{Expr: test}}}}
		for range c.Group {
			rule.Group = append(rule.Group, []ir.Field{{Name: "g", Type: ir.Text}})
		}
		for range c.Fields {
			rule.Fields = append(rule.Fields, []ir.Field{{Name: "v", Type: Types(&backends.Correlation{Correlation: own, Rules: []backends.CorrelatedRule{{}}})["v"]}})
		}
		c.Rules = append(c.Rules, rule)
		own.Rules = append(own.Rules, ir.Name{Text: name})
	}
	return c
}

// stream is one of random events, as the correlation and as queries see it.
func (o Correlations) stream(r *rand.Rand, c *backends.Correlation) (stream []correlation.Selection, events []tail.Row) {
	taken := map[int]bool{}
	for range r.IntN(9) {
		at := r.IntN(12)
		if o.Distinct && taken[at] {
			continue
		}
		taken[at] = true
		row := tail.Row{c.Rules[0].Time: float64(at), "g": nil, "v": nil}
		x := correlation.Selection{Time: int64(at) * 1e9}
		one := r.IntN(len(c.Rules) + 1) // now and then an event of no rule
		for i := range c.Rules {
			name := "r" + strconv.Itoa(i)
			row[name] = nil
			if i == one || !o.Disjoint && r.IntN(3) == 0 {
				row[name] = "yes"
				x.Rules = append(x.Rules, i)
			}
		}
		lacks := r.IntN(8) == 0
		if !lacks {
			row["g"] = string('a' + rune(r.IntN(2)))
		}
		if len(c.Group) > 0 && !lacks {
			x.Group = tail.Key(row["g"])
		}
		if v := r.IntN(4); v > 0 {
			row["v"] = float64(v)
			x.Values = []string{strconv.Itoa(v)}
			if c.Type.Text == "value_count" {
				row["v"] = strconv.Itoa(v)
			}
		}
		if events = append(events, row); len(x.Rules) > 0 && (len(c.Group) == 0 || !lacks) {
			stream = append(stream, x)
		}
	}
	return stream, events
}

// run are the hits of a query.
func (o Correlations) run(t *testing.T, c *backends.Correlation, q *tail.Query, events []tail.Row) (out []At) {
	t.Helper()
	env := irtest.Env(t, events)
	rows := q.Run(env)
	if len(env.Unknown) > 0 || env.Steps < 0 {
		t.Fatalf("%s\nunknown columns %v, %d steps left", q, env.Unknown, env.Steps)
	}
	for _, row := range rows {
		at := At{Time: Sometime}
		if len(c.Group) > 0 {
			at.Group = tail.Key(row[c.Group[0]])
		}
		if q.Time != "" {
			time, ok := row[q.Time].(float64)
			if !ok {
				t.Fatalf("%s\nthe time of a hit is %v", q, row[q.Time])
			}
			at.Time = time
		}
		out = append(out, at)
	}
	return out
}

// set is hits, each once, by time and group.
func set(hits []At) []At {
	slices.SortFunc(hits, func(a, b At) int { return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.Group, b.Group)) })
	return slices.Compact(hits)
}

func (a At) String() string { return fmt.Sprintf("%s at %v", a.Group, a.Time) }
