package read

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"sigmac/internal/irtest"
	"sigmac/ir"
	"sigmac/tail"
)

// tailRows are what a query leaves of events, the values of some columns in each row.
func tailRows(t *testing.T, query string, events []tail.Row, columns ...string) string {
	t.Helper()
	q, err := ReadTail(query, ir.Types{"v": ir.Numeric})
	if err != nil {
		t.Fatalf("%s\n%v", query, err)
	}
	env := irtest.Env(t, events)
	var out []string
	for _, r := range q.Run(env) {
		var vs []tail.Value
		for _, c := range columns {
			vs = append(vs, r[c])
		}
		out = append(out, tail.Key(vs...))
	}
	if len(env.Unknown) > 0 {
		t.Fatalf("%s\nunknown: %v", query, env.Unknown)
	}
	return strings.Join(out, " ")
}

// TestTailDocuments holds stages against what Splunk's pages say of them, on events of our own.
func TestTailDocuments(t *testing.T) {
	row := func(at float64, g, v tail.Value) tail.Row { return tail.Row{"_time": at, "g": g, "v": v} }
	events := []tail.Row{row(0, "a", 1.0), row(60, "b", 5.0), row(200, "a", nil), row(300, "a", 3.0), row(310, nil, 7.0), row(700, "b", 2.0)}
	list := []tail.Row{row(0, []tail.Value{"x", "y"}, 1.0), row(1, []tail.Value{"x", "x"}, 2.0)}
	for _, c := range []struct {
		query  string
		events []tail.Row
		column []string
		want   string
	}{
		// Events come with the latest first, and `sort` says otherwise.
		{`g=*`, events, []string{"_time"}, `[700] [300] [200] [60] [0]`},
		{`* | sort 0 _time`, events, []string{"_time"}, `[0] [60] [200] [300] [310] [700]`},
		{`* | sort 0 -v`, events, []string{"v"}, `[7] [5] [3] [2] [1] [null]`},
		{`* | sort 0 v`, events, []string{"v"}, `[1] [2] [3] [5] [7] [null]`},
		{`* | sort 0 v desc`, events, []string{"v"}, `[null] [7] [5] [3] [2] [1]`},
		{`* | sort 2 - num(v), g`, events, []string{"v"}, `[7] [5]`},
		{`* | sort limit=1 str(g) -v`, events, []string{"g", "v"}, `["a", 3]`},
		{`* | head 2`, events, []string{"_time"}, `[700] [310]`},
		{`* | reverse | head`, events, []string{"_time"}, `[0] [60] [200] [300] [310] [700]`},

		// stats: a row for each value behind BY, none of what is missing, one of nothing.
		{`* | stats count BY g`, events, []string{"g", "count"}, `["b", 2] ["a", 3]`},
		{`* | stats count`, events, []string{"count"}, `[6]`},
		{`nothing=1 | stats count sum(v) AS s`, []tail.Row{{"_time": 1.0, "nothing": nil, "v": nil}}, []string{"count", "s"}, `[0, null]`},
		{`* | stats count(v) AS n, dc(v), sum(v) avg(v) min(v) max(v) range(v) BY g`, events, []string{"n", "dc(v)", "sum(v)", "avg(v)", "min(v)", "max(v)", "range(v)"},
			`[2, 2, 7, 3.5, 2, 5, 3] [2, 2, 4, 2, 1, 3, 2]`},
		{`* | stats c(eval(v>2)) AS n values(g) AS gs`, events, []string{"n", "gs"}, `[3, ["a", "b"]]`},
		{`* | stats earliest(v) AS e latest(v) AS l first(v) AS f last(v) AS z BY g`, events, []string{"g", "e", "l", "f", "z"}, `["b", 5, 2, 2, 5] ["a", 1, 3, 3, 1]`},
		{`* | stats sum(v) AS s BY g`, list, []string{"g", "s"}, `["x", 5] ["y", 1]`},
		{`* | stats sum(v) AS s BY g dedup_splitvals=true`, list, []string{"g", "s"}, `["x", 3] ["y", 1]`},
		{`* | stats dc(g) AS d values(g) AS gs`, list, []string{"d", "gs"}, `[2, ["x", "y"]]`},

		// streamstats: a moving average, groups, windows of events and of time in both directions.
		{`* | sort 0 _time | streamstats count`, events, []string{"count"}, `[1] [2] [3] [4] [5] [6]`},
		{`* | sort 0 _time | streamstats count current=f`, events, []string{"count"}, `[0] [1] [2] [3] [4] [5]`},
		{`* | sort 0 _time | streamstats window=3 avg(v)`, events, []string{"avg(v)"}, `[1] [3] [3] [4] [5] [4]`},
		{`* | sort 0 _time | streamstats sum(v) AS s BY g`, events, []string{"s"}, `[1] [5] [1] [4] [null] [7]`},
		{`* | sort 0 _time | streamstats avg(v) AS s by g window=2 global=f`, events, []string{"s"}, `[1] [5] [1] [3] [null] [3.5]`},
		{`* | sort 0 _time | streamstats count BY g window=2`, events, []string{"count"}, `[1] [1] [1] [2] [null] [1]`},
		{`* | sort 0 _time | streamstats count time_window=5m`, events, []string{"count"}, `[1] [2] [3] [4] [4] [1]`},
		{`* | streamstats count time_window=5m`, events, []string{"count"}, `[1] [1] [2] [3] [4] [4]`},
		{`* | sort 0 _time | streamstats last(v) AS before current=false BY g`, events, []string{"before"}, `[null] [null] [1] [1] [null] [5]`},
		{`* | eventstats sum(v) AS all BY g | sort 0 _time`, events, []string{"all"}, `[4] [7] [4] [4] [null] [7]`},

		{`* | dedup g`, events, []string{"_time"}, `[700] [300]`},
		{`* | dedup 2 g`, events, []string{"_time"}, `[700] [300] [200] [60]`},
		{`* | bin _time span=5m | stats count BY _time | sort 0 _time`, events, []string{"_time", "count"}, `[0, 3] [300, 2] [600, 1]`},
		{`* | bucket span=100s _time AS b | eval late=_time-b | sort 0 _time`, events, []string{"late"}, `[0] [60] [0] [0] [10] [0]`},

		{`* | timechart span=200s count sum(v) AS s`, events, []string{"_time", "count", "s"}, `[0, 2, 6] [200, 3, 10] [400, 0, null] [600, 1, 2]`},
		{`* | timechart span=200s cont=f dc(g) AS d | streamstats sum(d) AS all`, events, []string{"_time", "all"}, `[0, 2] [200, 3] [600, 4]`},

		// eval: each part sees those before it; null is not true, and makes null.
		{`* | sort 0 _time | eval a=v*2, b=a-1, c=-b | eval d=if(b>5,"hi",coalesce(g,"none"))`, events, []string{"a", "b", "c", "d"},
			`[2, 1, -1, "a"] [10, 9, -9, "hi"] [null, null, null, "a"] [6, 5, -5, "a"] [14, 13, -13, "hi"] [4, 3, -3, "b"]`},
		{`* | sort 0 _time | eval c=case(v>4,"big",isnull(v),"?",true(),"small"), n=v%2, q=v/0, s=g."-".v`, events, []string{"c", "n", "q", "s"},
			`["small", 1, null, "a-1"] ["big", 1, null, "b-5"] ["?", null, null, null] ["small", 1, null, "a-3"] ["big", 1, null, null] ["small", 0, null, "b-2"]`},
		{`* | where v>2 AND g="a" OR _time=700 | sort 0 _time`, events, []string{"_time"}, `[300] [700]`},
		{`* | eval w=v+0 | where w IN (1,7) | sort 0 _time`, events, []string{"w"}, `[1] [7]`},
		{`* | eval m=mvappend(g,"z",null()), k=mvcount(m), z=mvcount(g) | sort 0 _time | head 5`, events, []string{"m", "k", "z"},
			`[["a", "z"], 2, 1] [["b", "z"], 2, 1] [["a", "z"], 2, 1] [["a", "z"], 2, 1] ["z", 1, null]`},
		{`* | eval m=split(if(v>2,"x,","")."y",",") | mvexpand m | sort 0 _time, m | head 5`, events, []string{"_time", "m"}, `[0, "y"] [60, "x"] [60, "y"] [200, "y"] [300, "x"]`},
		{`* | stats count AS n BY g | search n>2 g=A`, events, []string{"g", "n"}, `["a", 3]`},
		{`* | stats count AS n max(v) AS m BY g | search NOT (n=2 OR missing=* OR NOT m=*)`, events, []string{"g"}, `["a"]`},

		// Columns that are gone are null.
		{`* | fields g | eval has=if(isnull(v),"no","yes"), t=_time | sort 0 t | head 1`, events, []string{"has", "t", "g"}, `["no", 0, "a"]`},
		{`* | fields - v | sort 0 _time | eval has=if(isnull(v),"no","yes") | head 1`, events, []string{"has", "g"}, `["no", "a"]`},
		{`* | table v, g, v | eval has=if(isnull(_time),"no","yes") | head 1`, events, []string{"has", "v", "g"}, `["no", 2, "b"]`},
		{`* | rename v AS "the value", g as h | eval has=if(isnull(v),"no","yes") | where 'the value'>5`, events, []string{"has", "the value", "h"}, `["no", 7, null]`},
	} {
		if got := tailRows(t, c.query, c.events, c.column...); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.query, got, c.want)
		}
	}
}

func TestReadTail(t *testing.T) {
	for _, c := range []struct{ query, want, time, assumed string }{
		{`index=x f=a earliest=-1h | where match(g,"^b") | stats count BY u _time | sort 0 _time | streamstats sum(count) AS n BY u | where n>3`,
			`events {(match f (pattern "a"))} newest by _time | where {(match g (re "^b"))} | group count=count(true) by u=u, _time=_time | sort auto(_time) | running n=sum(count) by u=u | where >(n, 3)`,
			"_time", "splunk/empty-group splunk/indexed-value splunk/pcre-limits splunk/single-value splunk/stream-window"},
		{`f=a u=* | sort _time | streamstats time_window=10m dc(v) AS n BY u | rename _time AS at`,
			`events {(and (match f (pattern "a")) (match u exists))} newest by _time | sort auto(_time) | running n=dc(v) within 600 of _time by u=u | extend at=_time | drop _time`,
			"at", "splunk/any-value splunk/empty-group splunk/indexed-value splunk/single-value splunk/sort-limit splunk/tie-order splunk/time-window"},
		{`f=a | bin _time span=1d | stats count BY u, _time`,
			`events {(match f (pattern "a"))} newest by _time | extend _time=bin(_time, 86400) | group count=count(true) by u=u, _time=_time`,
			"", "splunk/empty-group splunk/indexed-value splunk/time-zone"},
		{`f=a | stats count BY u _time | eval end=_time, x=u | table u end x`,
			`events {(match f (pattern "a"))} newest by _time | group count=count(true) by u=u, _time=_time | extend in turn end=_time, x=u | select u=u, end=end, x=x`,
			"end", "splunk/empty-group splunk/indexed-value"},
		{`f=a | eval _time=floor(_time/300)*300 | stats count BY _time`,
			`events {(match f (pattern "a"))} newest by _time | extend in turn _time=*(floor(/(_time, 300)), 300) | group count=count(true) by _time=_time`,
			"", "splunk/indexed-value"},
		{`f=a | eventstats sum(v) AS s BY u | where v>s/2`,
			`events {(match f (pattern "a"))} newest by _time | beside s=sum(v) by u=u | where >(v, /(s, 2))`,
			"_time", "splunk/double-sums splunk/empty-group splunk/indexed-value splunk/single-value splunk/stream-null"},
		{"f=a ```a comment``` | noop | search g=b*", `events {(match f (pattern "a"))} newest by _time | where {(match g (pattern "b" *))}`, "_time", "splunk/indexed-value"},
	} {
		q, err := ReadTail(c.query, ir.Types{"v": ir.Numeric})
		if err != nil {
			t.Errorf("%s\n%v", c.query, err)
			continue
		}
		if q.String() != c.want || q.Time != c.time || strings.Join(q.Assumptions, " ") != c.assumed {
			t.Errorf("%s\n got %s\nwant %s\ntime %q, %s", c.query, q, c.want, q.Time, strings.Join(q.Assumptions, " "))
		}
	}
}

// TestTailUnjudged holds that what the algebra cannot say, or no document settles, is an error
// with its place.
func TestTailUnjudged(t *testing.T) {
	for _, c := range [][2]string{
		{`f=a | transaction u maxspan=5m`, "1:7: `transaction` is not judged: it closes transactions"},
		{`f=a | timechart span=5m count BY u`, "1:7: `timechart` is not judged: it makes columns of the values of u"},
		{`f=a | timechart count`, "1:7: `timechart` is not judged: without a span"},
		{`f=a | join u [search g=b]`, "1:7: `join` is not judged: a subsearch ends"},
		{`| tstats count from datamodel=X`, "1:3: `tstats` where events should come from is not judged"},
		{`f=a | foo`, "1:7: `foo` is not judged"},
		{`f=a | stats count BY u | streamstats count`, "1:26: `streamstats` behind `stats` without a `sort`"},
		{`f=a | stats count BY u | head 1`, "1:26: `head` behind `stats`"},
		{`f=a | stats perc95(v) AS p`, "1:13: `perc95(v)` is not judged: limits.conf knows two methods"},
		{`f=a | stats median(v)`, "1:13: `median(v)` is not judged: limits.conf"},
		{`f=a | stats stdev(v)`, "1:13: `stdev(v)` is not judged"},
		{`f=a | stats avg`, "1:13: `avg` as a function over a field is not judged"},
		{`f=a | stats count(f*)`, "1:19: f* as the name of a column is not judged"},
		{`f=a | stats count AS x count AS x`, "1:7: two columns named x"},
		{`f=a | stats count partitions=2`, "1:19: the option partitions of `stats`"},
		{`f=a | streamstats window=20000 count`, "1:19: a window of more than 10000 events"},
		{`f=a | streamstats window=5 reset_after="(f==1)" count`, "1:28: the option reset_after of `streamstats`"},
		{`f=a | streamstats time_window=1mon count`, "1:19: the span 1mon is not judged"},
		{`f=a | bin v`, "1:7: `bin` without a field or a span"},
		{`f=a | bin _time span=5m aligntime=@d`, "1:25: the option aligntime of `bin`"},
		{`f=a | sort 0 ip(f)`, "1:17: an order by ip is not judged"},
		{`f=a | dedup f sortby -_time`, "1:15: sortby of `dedup` is not judged"},
		{`f=a | eval x=strptime(f,"%Y")`, "1:14: `strptime(f,\"%Y\")` is not judged"},
		{`f=a | eval {f}=1`, "1:12: this assignment of `eval` is not judged"},
		{`f=a | stats avg(v) AS s BY u | where NOT s>3`, "1:38: NOT of what may be null is not judged"},
		{`f=a | stats count BY u | search count=1*`, "1:26: `search` of a column that is computed"},
		{`f=a | eval g="b" | regex g="b"`, "1:20: `regex` of a column that is computed"},
		{`f=a | rename a AS b, b AS a`, "1:7: a column that is renamed twice"},
		{`f=a | where x=[search g=b]`, "1:15: `[search g=b]` is not judged"},
		{"f=a | stats count BY `keys`", "1:22: a subsearch or a macro in `stats`"},
		{"f=a `more` | stats count", "1:5: ``more`` is not judged"},
		{`f=a | where len(f)<len(g)+random()`, "`random()` is not judged"},
		{`f=a | head (f="b")`, "1:7: this use of `head` is not judged"},
		{`f=a | mvexpand g`, "1:16: `mvexpand` of what may be null is not judged"},
		{`f=a | stats count BY g g`, "1:7: g twice behind BY in `stats`"},
		{`f=a | fields f*`, "1:14: f* as the name of a column is not judged"},
	} {
		_, err := ReadTail(c[0], ir.Types{"v": ir.Numeric})
		var d *ir.Diagnostic
		if !errors.As(err, &d) || !strings.Contains(fmt.Sprintf("%d:%d: %s", d.Pos.Line, d.Pos.Column, d.Msg), c[1]) {
			t.Errorf("%s\n got %v\nwant %s", c[0], err, c[1])
		}
		wrong := strings.Contains(c[1], "two columns") || strings.Contains(c[1], "twice behind BY")
		if d != nil && (d.Feature == "") != wrong {
			t.Errorf("%s: the feature %q", c[0], d.Feature)
		}
	}
	if _, err := ReadTail("f=a"+strings.Repeat(" | noop", 300), ir.Types{}); err == nil {
		t.Error("300 stages are read")
	}
}

// TestTailBounded: values that double, and nests, are read and tried in bounded time.
func TestTailBounded(t *testing.T) {
	many := strings.Repeat
	for _, query := range []string{
		"f=a | eval m=g" + many(", m=m.m", 600), "f=a | eval m=g" + many(", m=mvappend(m,m)", 600),
		"f=a | eval z=" + many("if(NOT isnull(v),", 190) + "1" + many(",0)", 190), "f=a | eval z=" + many("(1+", 190) + "v" + many(")", 190),
		"f=a | where " + many("v>1 AND w+1>2 AND ", 500) + "v=1", "f=a | where " + many("NOT (", 99) + "random()" + many(")", 99),
		"f=a | eval m=mvappend(" + many("g,", 900) + "g) | stats count BY m, g, v, w" + many(" | streamstats sum(v) AS v BY g", 100),
	} {
		begun := time.Now()
		if q, err := ReadTail(query, ir.Types{}); err == nil {
			q.Run(&tail.Env{Events: []tail.Row{{"_time": 1.0, "f": "a", "g": []tail.Value{"x", "y"}, "v": 2.0, "w": 1.0}}, Steps: 100_000, Holds: func(ir.Expr, int) bool { return true }})
		}
		if took := time.Since(begun); took > 10*time.Second {
			t.Errorf("%s…: %s", query[:40], took)
		}
	}
}

// FuzzReadTail: reading is total, and so is what was read on events.
func FuzzReadTail(f *testing.F) {
	for _, s := range []string{
		`f=a OR g=b | eval r1=if(searchmatch("f=\"a\""),1,0), step=mvappend("in","out") | stats count AS n sum(r1) AS r BY g, step, _time dedup_splitvals=true | eval _time=if(step="in",_time,_time+300), n=if(step="in",n,-n) | sort 0 _time, step | streamstats sum(n) AS count BY g | where step="in" AND count>=10 | table _time, g, count | rename g AS "a b"`,
		`f=a | sort 0 _time | streamstats window=5 global=f current=f time_window=3m count last(v) AS l BY g, f | eventstats max(v) AS m | dedup 2 g | head 3 | reverse`,
		`f=a | bin span=5m _time AS b | stats dc(v) values(v) list(v) first(v) earliest(v) BY b | sort -b | fields - b | search v>1 OR NOT x=*`,
		`f=a | eval x=case(v>1,"a",true(),g."b"), y=round(x)/0, z=-y%3 | where x IN ("a","b") AND isnotnull(mvfind(g,"x")) | table x y`,
		`f=a | sort 0 `, `f=a | rename a as`, `f=a | eval a=`, `f=a | stats count(eval(`, `f=a | streamstats window=`, `f=a | stats "count`,
	} {
		f.Add(s)
	}
	events := []tail.Row{{"_time": 0.0, "f": "a", "g": "x", "v": 1.0}, {"_time": 60.0, "f": nil, "g": []tail.Value{"x", "y"}, "v": 2.0}, {"_time": 61.0, "f": "a", "g": nil, "v": nil}}
	f.Fuzz(func(t *testing.T, query string) {
		if len(query) > 10_000 {
			return
		}
		q, err := ReadTail(query, ir.Types{"v": ir.Numeric})
		var d *ir.Diagnostic
		if err != nil {
			if !errors.As(err, &d) {
				t.Fatal(err)
			}
			return
		}
		again, err := ReadTail(query, ir.Types{"v": ir.Numeric})
		if err != nil || again.String() != q.String() {
			t.Fatalf("%q\n%s\n%s", query, q, again)
		}
		q.Run(&tail.Env{Events: events, Steps: 10_000, Holds: func(_ ir.Expr, i int) bool { return i != 1 }})
	})
}
