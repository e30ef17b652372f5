package read

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"sigmac/correlation"
	"sigmac/eval"
	"sigmac/ir"
	"sigmac/tail"
)

// Sequences and pipes: eql-syntax.md, eql-pipe-ref.md.
func TestReadTail(t *testing.T) {
	for _, c := range [][2]string{
		{`any where b`, `events {(match b:boolean true)} | sort @timestamp at @timestamp []`},
		{`process where b and @timestamp < 5 | head 3 | tail 2`,
			`events {(and (match b:boolean true) (match @timestamp:number (< 5)))} | sort @timestamp | limit 3 | last 2 at @timestamp []`},
		{`sequence by t1, ?no with maxspan=90s [p where b] by n1 with runs=2 [any where b1] by n2 | tail 1`,
			`events | sequence by time @timestamp within 90 ({(and (match event.category:text (pattern cased "p")) (match b:boolean true))} by t1=t1, no=null or null, n1=n1, ` +
				`{(and (match event.category:text (pattern cased "p")) (match b:boolean true))} by t1=t1, no=null or null, n1=n1, {(match b1:boolean true)} by t1=t1, no=null or null, n2=n2) ` +
				`| last 1 at $ended [elastic/single-key tie-order]`},
		{`sequence with maxspan=2h [any where b] ![any where b1] until [any where b2]`,
			`events | sequence by time @timestamp within 7200 ({(match b:boolean true)}, missing {(match b1:boolean true)}) until {(match b2:boolean true)} at $ended [tie-order]`},
		{`sequence by t [any where b] with runs=3`, `events | sequence by time @timestamp ({(match b:boolean true)} by t=t, {(match b:boolean true)} by t=t, {(match b:boolean true)} by t=t) at $ended [elastic/single-key]`},
		{`sequence [any where b] [any where b1] | tail ` + strings.Repeat("9", 30), `events | sequence by time @timestamp ({(match b:boolean true)}, {(match b1:boolean true)}) | last 1073741824 at $ended [tie-order]`},
		{`sample by t [any where b] by n1 [p where b1] by ?n2`, `events | sample {(match b:boolean true)} by t=t, n1=n1, ` +
			`{(and (match event.category:text (pattern cased "p")) (match b1:boolean true))} by t=t, n2=n2 or null at  [elastic/single-key]`},
		{`sample by t [any where b] [any where b1] | head 1`, `1:44: a sample takes no pipe`},
		{`join by t [any where b] [any where b1]`, `1:1: join is not judged: Elasticsearch has none`},
		{`sequence by t [any where b] with runs=` + strings.Repeat(`100 [any where b] with runs=`, 10) + `1`, `1:296: a sequence of more than 1000 events is not judged`},
		{`sequence [any where b] by t [any where b] by n`, `1:46: a join key of type number where the first event's is of type text`},
		{`sequence by no [any where b] [any where b]`, `1:13: unknown column no`},
		{`sequence by t [any where b]`, `1:28: the query ends where another event is missing`},
	} {
		q, err := ReadTail(c[0], testSchema{})
		got := ""
		if err != nil {
			var e *ir.Diagnostic
			if !errors.As(err, &e) {
				t.Fatal(err)
			}
			got = e.Error()
		} else {
			var assumed []string
			for _, a := range q.Assumptions {
				if a == "elastic/single-key" || a == "tie-order" {
					assumed = append(assumed, a)
				}
			}
			got = q.String() + " at " + q.Time + " [" + strings.Join(assumed, " ") + "]"
		}
		if got != c[1] {
			t.Errorf("%s\n got %s\nwant %s", c[0], got, c[1])
		}
	}
}

// TestForeignSequences holds queries that are written as Elastic's page shows, and what is
// right or wrong about them when they are taken for a correlation of logons by user within
// five seconds: how many windows they miss, and whether they find others.
func TestForeignSequences(t *testing.T) {
	const fail, success = `[authentication where event.outcome == "failure"]`, `[authentication where event.outcome == "success"]`
	count := &ir.Correlation{Type: ir.Name{Text: "event_count"}, Rules: []ir.Name{{Text: "fail"}}, Condition: []ir.Limit{{Op: "gte", Number: "3"}}}
	temporal := &ir.Correlation{Type: ir.Name{Text: "temporal"}, Rules: []ir.Name{{Text: "fail"}, {Text: "success"}}}
	ordered := &ir.Correlation{Type: ir.Name{Text: "temporal_ordered"}, Rules: temporal.Rules}
	for _, c := range []struct {
		query         string
		of            *ir.Correlation
		all           bool // it finds each hit, not only one in each window
		misses, finds bool // windows, and what is no hit
		why           string
	}{
		{`sequence by user.name with maxspan=5s ` + fail + ` with runs=3`, count, true, false, false, "as it should be"},
		{`sequence with maxspan=5s ` + strings.Repeat(fail+` by user.name `, 3), count, true, false, false, "three steps are as good as runs"},
		{`sequence by user.name with maxspan=5s ` + fail + success, ordered, false, false, false, "as it should be"},
		{`sequence by ?user.name with maxspan=5s ` + fail + ` with runs=3`, count, false, false, true, "events without a user are a group"},
		{`sequence by user.name ` + fail + ` with runs=3`, count, false, false, true, "there is no maxspan"},
		{`sequence by user.name with maxspan=5s ` + fail + ` with runs=3 until ` + success, count, false, true, false, "a logon between them ends the count"},
		{`sequence by user.name with maxspan=5s ` + fail + ` with runs=3 ` + success, count, false, true, true, "it waits for a logon, and finds that"},
		{`sequence by user.name with maxspan=5s ` + fail + success, temporal, false, true, false, "the other order is missing"},
		{`sequence with maxspan=5s ` + fail + success, ordered, false, true, true, "the users are mixed"},
		{`sample by user.name ` + fail + success, temporal, false, true, true, "it has no time"},
		{`sequence by user.name with maxspan=5s ` + fail + ` with runs=3 | head 1`, count, false, true, false, "only the first is found"},
	} {
		c.of.Timespan.Length = 5 * time.Second
		q, err := ReadTail(c.query, ir.Types{"user.name": ir.Text, "event.outcome": ir.Text, "event.category": ir.Text, "@timestamp": ir.Date})
		if err != nil {
			t.Fatalf("%s: %v", c.query, err)
		}
		r := rand.New(rand.NewPCG(17, 0))
		misses, finds, all, hits := false, false, true, 0
		for range 1500 {
			stream, env := logons(r, c.of)
			want := correlation.Define(c.of).Hits(stream)
			hits += len(want)
			got := map[[2]tail.Value]bool{}
			for _, row := range q.Run(env) {
				user, named := row["user.name"]
				if !named {
					user = env.Events[int(row[tail.Events].([]tail.Value)[0].(float64))]["user.name"]
				}
				got[[2]tail.Value{tail.Key(user), row[q.Time]}] = true
			}
			for _, h := range want {
				within := false
				for t := range 6 {
					within = within || got[[2]tail.Value{h.Group, float64(h.Time)/1e9 - float64(t)}]
				}
				misses = misses || !within
				all = all && got[[2]tail.Value{h.Group, float64(h.Time) / 1e9}]
			}
			for g := range got {
				finds = finds || !slices.ContainsFunc(want, func(h correlation.Hit) bool {
					return g == [2]tail.Value{h.Group, float64(h.Time) / 1e9}
				})
			}
		}
		if misses != c.misses || finds != c.finds || c.all && !all || hits < 300 {
			t.Errorf("%s\nof %s, %s: it misses windows: %v; it finds others: %v; it finds all: %v, of %d hits", c.query, c.of.Type.Text, c.why, misses, finds, all, hits)
		}
	}
}

// logons are some of two users, and of nobody, no two at the same time.
func logons(r *rand.Rand, of *ir.Correlation) (stream []correlation.Selection, env *tail.Env) {
	env = &tail.Env{Steps: 1 << 20}
	var events []eval.Event
	at := 0
	for range r.IntN(14) {
		at += 1 + r.IntN(2)
		row := tail.Row{"@timestamp": float64(at), "event.category": "authentication", "user.name": nil,
			"event.outcome": []tail.Value{"failure", "failure", "success", "unknown"}[r.IntN(4)]}
		x := correlation.Selection{Time: int64(at) * 1e9}
		for i, rule := range of.Rules {
			if row["event.outcome"] == map[string]string{"fail": "failure", "success": "success"}[rule.Text] {
				x.Rules = append(x.Rules, i)
			}
		}
		if u := r.IntN(5); u > 0 {
			row["user.name"] = []tail.Value{"ann", "ann", "bob", "bob"}[u-1]
			if x.Group = tail.Key(row["user.name"]); len(x.Rules) > 0 {
				stream = append(stream, x)
			}
		}
		fields := map[string]any{}
		for name, v := range row {
			if v != nil {
				fields[name] = v
			}
		}
		e, err := eval.NewEvent(fields)
		if err != nil {
			panic(err)
		}
		env.Events, events = append(env.Events, row), append(events, e)
	}
	env.Holds = func(e ir.Expr, i int) bool { return eval.Expr(nil, e, events[i]) }
	return stream, env
}

// FuzzReadTail holds that a query gives an error with its place or an algebra that runs, and
// the same each time.
func FuzzReadTail(f *testing.F) {
	for _, s := range []string{
		"sequence by `x``y`, ?no with maxspan=1m ![any where not b] [\"c\" where true] by t with runs=3 until [any where b] by t | head 2",
		`sequence with maxspan=1ms [a where n > 1] [b where true] with runs=100 ![any where b] | tail 0`,
		`process where n == 1 and @timestamp < "2020" | tail 5`,
		`sample by k [a where ?no == null] [b where concat(x, "y") == ?no2 /* c */]`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, query string) {
		for _, s := range []ir.Schema{ir.Types{}, testSchema{}, unmappedSchema{}} {
			q, err := ReadTail(query, s)
			if err != nil {
				var e *ir.Diagnostic
				if !errors.As(err, &e) || e.Pos.Line < 1 || e.Pos.Column < 1 {
					t.Fatal(err)
				}
				continue
			}
			if again, err := ReadTail(query, s); err != nil || again.String() != q.String() {
				t.Fatalf("%v: %s, then %v", err, q, again)
			}
			env := &tail.Env{Steps: 1 << 16, Holds: func(e ir.Expr, i int) bool { return i != len(e.String())%5 }}
			for i := range 5 {
				env.Events = append(env.Events, tail.Row{"@timestamp": float64(i), "t": "x", "n": []tail.Value{1.0, nil}})
			}
			for _, row := range q.Run(env) {
				if _, ok := row[q.Time].(float64); !ok && q.Time != "" {
					t.Fatalf("%s: a row without a time: %v", q, row)
				}
			}
		}
	})
}
