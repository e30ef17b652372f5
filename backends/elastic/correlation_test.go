package elastic_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sigmac/backends"
	"sigmac/backends/backendtest"
	"sigmac/backends/elastic"
	"sigmac/correlation"
	"sigmac/internal/irtest"
	"sigmac/ir"
	"sigmac/tail"
	"sigmac/targets"
)

// logons is a correlation over rules r1, r2, … of the category authentication, by user.name
// within five minutes.
func logons(kind string, rules int, change ...func(*backends.Correlation)) *backends.Correlation {
	c := &backends.Correlation{
		Correlation: &ir.Correlation{Type: ir.Name{Text: kind, Pos: ir.Pos{Line: 2, Column: 3}}, GroupBy: []ir.Name{{Text: "user", Pos: ir.Pos{Line: 3, Column: 3}}},
			Timespan: ir.Timespan{Length: 5 * time.Minute}, Pos: ir.Pos{Line: 1, Column: 1}},
		Group: []string{"user"}, Method: backends.Sliding, Disjoint: func(i, j int) bool { return true }}
	for i := range rules {
		name := "r" + strconv.Itoa(i+1)
		c.Correlation.Rules = append(c.Correlation.Rules, ir.Name{Text: name})
		c.Rules = append(c.Rules, backends.CorrelatedRule{Name: name, Time: "@timestamp",
			Rule:  &ir.Rule{Scope: ir.Scope{Category: "authentication"}, Conditions: []ir.Condition{{Expr: irtest.Is("event.action", name)}}},
			Group: [][]ir.Field{{{Name: "user.name", Type: ir.Text}}}})
	}
	for _, f := range change {
		f(c)
	}
	return c
}

func limit(op, number string) func(*backends.Correlation) {
	return func(c *backends.Correlation) {
		c.Condition = append(c.Condition, ir.Limit{Op: op, Number: ir.Number(number), Pos: ir.Pos{Line: 4, Column: 3}})
	}
}

func ungrouped(c *backends.Correlation) {
	c.Group, c.GroupBy = nil, nil
	for i := range c.Rules {
		c.Rules[i].Group = nil
	}
}

// field puts the group of rule n, from 1, in a field.
func field(n int, fields ...ir.Field) func(*backends.Correlation) {
	return func(c *backends.Correlation) { c.Rules[n-1].Group = [][]ir.Field{fields} }
}

func category(n int, category string) func(*backends.Correlation) {
	return func(c *backends.Correlation) { c.Rules[n-1].Rule.Scope.Category = category }
}

func formula(e ir.Expr) func(*backends.Correlation) {
	return func(c *backends.Correlation) { c.Formula = e }
}

func span(d time.Duration) func(*backends.Correlation) {
	return func(c *backends.Correlation) { c.Timespan.Length = d }
}

func overlapping(c *backends.Correlation) { c.Disjoint = func(i, j int) bool { return false } }

func text(name string) ir.Field { return ir.Field{Name: name, Type: ir.Text} }

// TestCorrelate holds the queries of each type of correlation, with their names and losses,
// and what is refused.
func TestCorrelate(t *testing.T) {
	const head = "sequence by user.name with maxspan=5m"
	r := func(n int) string { return fmt.Sprintf(` [ authentication where ?event.action : "r%d" ]`, n) }
	ref := func(n string) ir.Expr { return ir.Ref{Name: n} }
	const consumed = " - elastic/sequence-consumed narrower"
	for _, c := range []struct {
		c    *backends.Correlation
		want []string
	}{
		{logons("event_count", 1, limit("gte", "10")), []string{": " + head + r(1) + " with runs=10"}},
		{logons("event_count", 1, limit("gt", "99")), []string{": " + head + r(1) + " with runs=100"}},
		{logons("event_count", 1, limit("gte", "2.5"), limit("gt", "1")), []string{": " + head + r(1) + " with runs=3"}},
		{logons("event_count", 1, limit("gte", "2"), ungrouped), []string{": sequence with maxspan=5m" + r(1) + " with runs=2"}},
		{logons("event_count", 1, limit("gte", "1")), []string{`: authentication where ?user.name != null and ?event.action : "r1"`}},
		{logons("event_count", 1, limit("gte", "0"), ungrouped), []string{`: authentication where ?event.action : "r1"`}},
		{logons("event_count", 2, limit("gte", "2"), overlapping), []string{": " + head + ` [ authentication where ?event.action : ("r1", "r2") ] with runs=2`}},
		{logons("event_count", 3, limit("gte", "2"), category(2, "process"), category(3, "")), []string{": " + head +
			` [ any where (?event.category == "authentication" and ?event.action : "r1") or (?event.category == "process" and ?event.action : "r2") or ?event.action : "r3" ] with runs=2`}},
		{logons("event_count", 1, limit("gte", "2"), span(36*time.Hour)), []string{": sequence by user.name with maxspan=36h" + r(1) + " with runs=2"}},
		{logons("event_count", 1, limit("gte", "2"), span(14*24*time.Hour)), []string{": sequence by user.name with maxspan=14d" + r(1) + " with runs=2"}},
		{logons("event_count", 1, limit("gte", "2"), span(90*time.Second)), []string{": sequence by user.name with maxspan=90s" + r(1) + " with runs=2"}},

		{logons("temporal_ordered", 3), []string{": " + head + r(1) + r(2) + r(3) + consumed}},
		{logons("temporal_ordered", 3, limit("gte", "3")), []string{": " + head + r(1) + r(2) + r(3) + consumed}},
		{logons("temporal_ordered", 2, category(2, ""), field(2, text("source.user"))), []string{
			`: sequence with maxspan=5m [ authentication where ?event.action : "r1" ] by user.name [ any where ?event.action : "r2" ] by source.user` + consumed}},
		{logons("temporal_ordered", 3, func(c *backends.Correlation) { c.Disjoint = func(i, j int) bool { return j-i == 1 } }),
			[]string{": " + head + r(1) + r(2) + r(3) + consumed}},

		{logons("temporal", 2), []string{"1-then-2: " + head + r(1) + r(2) + consumed, "2-then-1: " + head + r(2) + r(1) + consumed}},
		{logons("temporal", 3, ungrouped, limit("gte", "2"), limit("lte", "3"), span(time.Hour)), []string{
			"1-then-2: sequence with maxspan=1h" + r(1) + r(2) + consumed, "2-then-1: sequence with maxspan=1h" + r(2) + r(1) + consumed,
			"1-then-3: sequence with maxspan=1h" + r(1) + r(3) + consumed, "3-then-1: sequence with maxspan=1h" + r(3) + r(1) + consumed,
			"2-then-3: sequence with maxspan=1h" + r(2) + r(3) + consumed, "3-then-2: sequence with maxspan=1h" + r(3) + r(2) + consumed}},
		{logons("temporal", 2, limit("gte", "1"), overlapping), []string{`: authentication where ?user.name != null and ?event.action : ("r1", "r2")`}},
		{logons("temporal", 3, formula(ir.And{ref("r1"), ir.Or{ref("r2"), ref("r1")}})), []string{`: authentication where ?user.name != null and ?event.action : "r1"` + consumed}},
		{logons("temporal", 3, formula(ir.Or{ref("r3"), ir.Of{All: true, Names: []string{"r1", "r2"}}})), []string{
			`3: authentication where ?user.name != null and ?event.action : "r3"` + consumed, "1-then-2: " + head + r(1) + r(2) + consumed, "2-then-1: " + head + r(2) + r(1) + consumed}},
		{logons("temporal", 3, formula(ir.Of{Names: []string{"r1", "r3"}})), []string{`: authentication where ?user.name != null and ?event.action : ("r1", "r3")` + consumed}},

		{logons("value_count", 1, limit("gte", "2")), []string{"2:3: elastic cannot express a value_count: a sequence neither counts nor computes values; event_count, temporal and temporal_ordered are what it says"}},
		{logons("value_median", 1, limit("gte", "2")), []string{"2:3: elastic cannot express a value_median: a sequence neither counts nor computes values; event_count, temporal and temporal_ordered are what it says"}},
		{logons("event_count", 1, limit("gte", "101")), []string{"4:3: elastic cannot express a count of more than 100 events: that is the most that `with runs` takes (Elastic Docs: EQL syntax reference)"}},
		{logons("event_count", 1, limit("gte", "2"), limit("lt", "5")), []string{"4:3: elastic cannot express the condition lt of an event_count: a sequence finds events that are there; gte and gt are what it says"}},
		{logons("event_count", 1, limit("eq", "2")), []string{"4:3: elastic cannot express the condition eq of an event_count: a sequence finds events that are there; gte and gt are what it says"}},
		{logons("event_count", 2, limit("gte", "2"), field(2, text("source.user"))), []string{"3:3: elastic cannot express events of one kind whose group is in different fields: the events of one step have the same join keys"}},
		{logons("event_count", 1, limit("gte", "2"), field(1, text("a"), text("b"))), []string{"3:3: elastic cannot express a group by one of several fields: a join key is one field: user"}},
		{logons("temporal", 2, field(2, ir.Field{Name: "user.id", Type: ir.Numeric})), []string{"3:3: elastic cannot express a group by fields of different types: user.name is of type text and user.id of type number"}},
		{logons("temporal", 4), []string{"1:1: elastic cannot express events of so many rules in any order: each order is a sequence of its own, and 6 at most are written; temporal_ordered takes one"}},
		{logons("temporal", 13, limit("gte", "2")), []string{"1:1: elastic cannot express a condition over so many rules: 12 at most are looked at"}},
		{logons("temporal", 2, overlapping), []string{"1:1: elastic cannot express a correlation of rules that one event may match: an event is one step of a sequence only, and it is not shown that none matches both r1 and r2; rules that exclude each other can be written"}},
		{logons("temporal_ordered", 2, overlapping), []string{"1:1: elastic cannot express a correlation of rules that one event may match: an event is one step of a sequence only, and it is not shown that none matches both r1 and r2; rules that exclude each other can be written"}},
		{logons("temporal", 2, limit("eq", "1")), []string{"1:1: elastic cannot express a condition that an event can make false: a sequence finds events that are there"}},
		{logons("temporal", 2, formula(ir.And{ref("r1"), ir.Not{X: ref("r2")}})), []string{"1:1: elastic cannot express a condition that an event can make false: a sequence finds events that are there"}},
		{logons("temporal", 2, limit("gt", "2")), []string{"1:1: elastic cannot express a condition that nothing satisfies"}},
		{logons("temporal_ordered", 2, limit("lt", "2")), []string{"1:1: elastic cannot express an ordered correlation of some of its rules: each step of a sequence is wanted"}},
		{logons("temporal", 2, func(c *backends.Correlation) { c.Method = backends.Tumbling }), []string{"1:1: elastic cannot express a window with fixed borders: the span of a sequence begins with its first event, which is the method sliding"}},
		{logons("temporal", 2, func(c *backends.Correlation) { c.Rules[1].Time = "event.created" }), []string{"1:1: elastic cannot express a correlation by the time event.created: a sequence is ordered by @timestamp, or by what the request names"}},
		{logons("temporal", 2, func(c *backends.Correlation) { c.Rules[1].Rule.Scope.Table = "T" }), []string{"0:0: elastic cannot express a table: a pipeline asks for T"}},
		{logons("event_count", 1, limit("gte", "2"), category(1, "\xff")), []string{"0:0: elastic cannot express an event category that is not UTF-8 text"}},
		{logons("event_count", 1, limit("gte", "2"), field(1, text("a\u202e"))), []string{"3:3: elastic cannot express a field without a name in plain characters"}},
	} {
		done, err := elastic.Correlate(c.c)
		var got []string
		var e *ir.Diagnostic
		switch {
		case errors.As(err, &e):
			got = []string{fmt.Sprintf("%d:%d: %s", e.Pos.Line, e.Pos.Column, e.Msg)}
		case err != nil:
			t.Fatal(err)
		default:
			losses := ""
			for _, l := range done.Losses {
				losses += " - " + l.ID + " " + l.Direction
			}
			for _, q := range done.Queries {
				got = append(got, q.Name+": "+q.Doc.Flat()+losses)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s of %d\n got %s\nwant %s", c.c.Type.Text, len(c.c.Rules), strings.Join(got, "\n     "), strings.Join(c.want, "\n     "))
		}
	}
}

// TestCorrelatePretty holds the layout of a sequence, which reads as the flat one does.
func TestCorrelatePretty(t *testing.T) {
	c := logons("temporal_ordered", 2, func(c *backends.Correlation) {
		long := ir.Or{}
		for i := range 3 {
			long = append(long, irtest.Is("field.number"+strconv.Itoa(i), strings.Repeat("x", 30)))
		}
		c.Rules[1].Rule.Conditions[0].Expr = long
	})
	done, err := elastic.Correlate(c)
	if err != nil {
		t.Fatal(err)
	}
	const want = `sequence by user.name with maxspan=5m
  [ authentication where ?event.action : "r1" ]
  [ authentication where
    ?field.number0 : "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
    or ?field.number1 : "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
    or ?field.number2 : "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
    ]`
	doc := done.Queries[0].Doc
	if got := doc.Pretty(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if flat := regexp.MustCompile(`\s+`).ReplaceAllString(doc.Pretty(), " "); flat != doc.Flat() {
		t.Errorf("flat\n%s\npretty\n%s", doc.Flat(), flat)
	}
}

// TestCorrelateHostile holds that no name and no value leaves its place: the query is read
// as a sequence of as many steps, with these keys and these texts.
func TestCorrelateHostile(t *testing.T) {
	texts := []string{"a]b", "`", "a`` by b", `" ] with runs=1`, `""" ]`, "[ any where true ]", "x\ny", "until", "a.b.any", `\`, "日本", "| head 1", "a // b", "1"}
	for _, x := range texts {
		for _, y := range texts {
			c := logons("temporal_ordered", 2, field(1, text(x)), field(2, text(y)), category(1, x), func(c *backends.Correlation) {
				c.Rules[1].Rule.Conditions[0].Expr = irtest.Match(x, ir.NewPattern(true, ir.Part{Text: y}))
				c.Rules[1].Name, c.Correlation.Rules[1].Text = y, y
			})
			done, err := elastic.Correlate(c)
			if strings.ContainsAny(x+y, "\n") {
				if err == nil && strings.ContainsAny(done.Queries[0].Doc.Flat(), "\n") {
					t.Errorf("%q, %q: %s", x, y, done.Queries[0].Doc.Flat())
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			query := done.Queries[0].Doc.Flat()
			q, err := targets.Must("elastic").ReadTail(query, ir.Types{x: ir.Text, y: ir.Text, "event.action": ir.Text, "event.category": ir.Text})
			if err != nil {
				t.Fatalf("%s\n%v", query, err)
			}
			steps := q.Ops[1].(tail.Sequence).Steps
			if len(steps) != 2 || steps[0].By[0].Name != x || steps[1].By[0].Name != y || len(q.Ops) != 2 ||
				!strings.Contains(steps[0].Test.String(), strconv.Quote(x)) || !strings.Contains(steps[1].Test.String(), strconv.Quote(y)) {
				t.Errorf("%q, %q: %s\n%s", x, y, query, q)
			}
		}
	}
}

// sound says whether every hit of the queries is one of the correlation, and each of these
// has one of the queries in its window.
func sound(c *backends.Correlation, _ []correlation.Selection, want, got []backendtest.At) bool {
	for _, g := range got {
		if !slices.Contains(want, g) {
			return false
		}
	}
	within := c.Window().Seconds()
	for _, h := range want {
		if !slices.ContainsFunc(got, func(g backendtest.At) bool { return g.Group == h.Group && h.Time-within <= g.Time && g.Time <= h.Time }) {
			return false
		}
	}
	return true
}

// random is a formula without `not` over rules.
func random(r *rand.Rand, rules []ir.Name, depth int) ir.Expr {
	switch r.IntN(2 + depth) {
	case 0:
		return ir.Ref{Name: rules[r.IntN(len(rules))].Text}
	case 1:
		return ir.Of{All: r.IntN(2) == 0, Names: []string{rules[r.IntN(len(rules))].Text, rules[r.IntN(len(rules))].Text}}
	case 2:
		return ir.And{random(r, rules, depth-1), random(r, rules, depth-1)}
	}
	return ir.Or{random(r, rules, depth-1), random(r, rules, depth-1)}
}

// correlations are those that are tried, by kind.
func correlations() map[string]backendtest.Correlations {
	at := []string{"@timestamp"}
	r := rand.New(rand.NewPCG(17, 1))
	conditioned := *targets.Must("elastic")
	conditioned.Format.Correlate = func(c *backends.Correlation) (*backends.Tailed, error) {
		c.Condition, c.Formula = nil, random(r, c.Correlation.Rules, 2)
		return elastic.Correlate(c)
	}
	return map[string]backendtest.Correlations{
		"formula":          {Kind: "temporal", Target: &conditioned, Times: at, Disjoint: true, Same: sound},
		"event_count":      {Kind: "event_count", Target: targets.Must("elastic"), Times: at},
		"temporal":         {Kind: "temporal", Target: targets.Must("elastic"), Times: at, Disjoint: true, Same: sound},
		"temporal_ordered": {Kind: "temporal_ordered", Target: targets.Must("elastic"), Times: at, Disjoint: true, Distinct: true, Same: sound, Rules: 4},
	}
}

// TestCorrelations holds what the queries of random correlations find in random streams: all
// hits of a count, and of temporal correlations one in each window that hits.
func TestCorrelations(t *testing.T) {
	n := backendtest.Tries(20_000)
	for name, o := range correlations() {
		t.Run(name, func(t *testing.T) {
			if name == "formula" { // each becomes several queries
				o.Try(t, n/5)
			} else {
				o.Try(t, n)
			}
		})
	}
}

// TestCorrelationMutants holds that random streams tell queries apart from what is nearly
// one.
func TestCorrelationMutants(t *testing.T) {
	number := func(of string, by int) func(string) string {
		re := regexp.MustCompile(of + `=(\d+)`)
		return func(q string) string {
			return re.ReplaceAllStringFunc(q, func(s string) string {
				n, err := strconv.Atoi(re.FindStringSubmatch(s)[1])
				if err != nil {
					panic(err)
				}
				return of + "=" + strconv.Itoa(max(n+by, 2))
			})
		}
	}
	replaced := func(old, new string) func(string) string {
		return func(q string) string { return strings.Replace(q, old, new, 1) }
	}
	step := regexp.MustCompile(`\[[^]]*\]`)
	swapped := func(q string) string {
		parts := step.FindAllString(q, -1)
		if len(parts) < 2 {
			return q
		}
		return strings.Replace(q, parts[0]+" "+parts[1], parts[1]+" "+parts[0], 1)
	}
	shared := map[string]func(string) string{"a longer window": number("maxspan", 1), "a shorter window": number("maxspan", -1), "no group": replaced(" by g", ""),
		"null as a group": replaced(" by g", " by ?g"), "no window": func(q string) string { return regexp.MustCompile(` with maxspan=\d+s`).ReplaceAllString(q, "") },
		"no guard of the group": replaced("?g != null and ", ""), "the first only": func(q string) string { return q + " | head 1" }}
	own := map[string]map[string]func(string) string{
		"event_count": {"one event more": number("runs", 1), "one event fewer": number("runs", -1)},
		"temporal": {"one order only": func(q string) string {
			return strings.Replace(q, `"yes" ] [ any where ?r0`, `"no" ] [ any where ?r0`, 1)
		}},
		// The guard is in what is one event, of which an ordered one has none.
		"temporal_ordered": {"steps swapped": swapped},
	}
	for kind, o := range correlations() {
		mutants := own[kind]
		if mutants == nil {
			continue // its queries are those of the others
		}
		for name, m := range shared {
			if kind != "temporal_ordered" || name != "no guard of the group" {
				mutants[name] = m
			}
		}
		for name, m := range mutants {
			mutant := *o.Target
			mutant.Format.Correlate = func(c *backends.Correlation) (*backends.Tailed, error) {
				done, err := elastic.Correlate(c)
				if err == nil {
					for i, q := range done.Queries {
						done.Queries[i].Doc = backends.Doc{Text: m(q.Doc.Flat())}
					}
				}
				return done, err
			}
			told := 0
			o := o
			same := o.Same
			o.Target, o.Same = &mutant, func(c *backends.Correlation, s []correlation.Selection, want, got []backendtest.At) bool {
				if right := slices.Equal(want, got) || same != nil && same(c, s, want, got); !right {
					told++
				}
				return true
			}
			if o.Try(t, 500); told == 0 {
				t.Errorf("%s, %s: no stream tells it apart", kind, name)
			}
		}
	}
}

// TestCorrelationSteps holds that an ordered correlation may name a rule twice, if not one
// behind the other.
func TestCorrelationSteps(t *testing.T) {
	c := logons("temporal_ordered", 3, ungrouped, span(4*time.Second), func(c *backends.Correlation) {
		c.Rules[2] = c.Rules[0]
		c.Disjoint = func(i, j int) bool { return (i+j)%2 == 1 }
	})
	done, err := elastic.Correlate(c)
	if err != nil {
		t.Fatal(err)
	}
	q, err := targets.Must("elastic").ReadTail(done.Queries[0].Doc.Flat(), ir.Types{"event.action": ir.Text})
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(17, 0))
	hits := 0
	for range 5000 {
		var stream []correlation.Selection
		env := &tail.Env{Steps: 1 << 16}
		var actions []string
		for at := range 12 {
			action := []string{"r1", "r2", "r3"}[r.IntN(3)]
			env.Events = append(env.Events, tail.Row{"@timestamp": float64(at)})
			actions = append(actions, `"`+action+`"`)
			if rules := map[string][]int{"r1": {0, 2}, "r2": {1}}[action]; rules != nil {
				stream = append(stream, correlation.Selection{Time: int64(at) * 1e9, Rules: rules})
			}
		}
		env.Holds = func(e ir.Expr, i int) bool { return strings.Contains(e.String(), actions[i]) }
		var want, got []backendtest.At
		for _, h := range correlation.Define(c.Correlation).Hits(stream) {
			want = append(want, backendtest.At{Time: float64(h.Time) / 1e9})
		}
		for _, row := range q.Run(env) {
			got = append(got, backendtest.At{Time: row[q.Time].(float64)})
		}
		if hits += len(want); !sound(c, stream, want, got) {
			t.Fatalf("%v: want %v, got %v", actions, want, got)
		}
	}
	if hits < 1000 {
		t.Errorf("only %d hits", hits)
	}
}
