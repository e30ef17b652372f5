package splunk_test

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
	"sigmac/correlation"
	"sigmac/internal/irtest"
	"sigmac/ir"
	"sigmac/tail"
	"sigmac/targets"
)

var (
	kinds     = []string{"event_count", "value_count", "value_sum", "value_avg", "value_percentile", "temporal", "temporal_ordered"}
	operators = []string{"gt", "gte", "lt", "lte", "eq", "neq"}
)

func correlations(kind string, ops []string) backendtest.Correlations {
	return backendtest.Correlations{Target: targets.Must("splunk"), Kind: kind, Ops: ops, Times: []string{"_time"}}
}

// TestCorrelations holds that a query finds what its correlation finds.
func TestCorrelations(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) { correlations(kind, operators).Try(t, backendtest.Tries(20_000)) })
	}
}

// written is the query of a correlation, on one line.
func written(t *testing.T, c *backends.Correlation) string {
	t.Helper()
	d, err := targets.Must("splunk").Format.Correlate(c)
	if err != nil {
		t.Fatal(err)
	}
	return d.Queries[0].Doc.Flat()
}

// found says how often queries miss a hit of random correlations, and how often they find
// one more.
func found(t *testing.T, o backendtest.Correlations, n int, query func(c *backends.Correlation) string) (missed, more int) {
	t.Helper()
	other := *o.Target
	other.Format.Correlate = func(c *backends.Correlation) (*backends.Tailed, error) {
		return &backends.Tailed{Queries: []backends.TailedQuery{{Doc: backends.Doc{Text: query(c)}}}}, nil
	}
	o.Target = &other
	o.Same = func(_ *backends.Correlation, _ []correlation.Selection, want, got []backendtest.At) bool {
		if slices.ContainsFunc(got, func(a backendtest.At) bool { return a.Time == backendtest.Sometime }) {
			for i := range want {
				want[i].Time = backendtest.Sometime
			}
		}
		for _, a := range want {
			if !slices.Contains(got, a) {
				missed++
			}
		}
		for _, a := range got {
			if !slices.Contains(want, a) {
				more++
			}
		}
		return true
	}
	o.Try(t, n)
	return missed, more
}

// The columns of the window with fixed borders say that it misses hits, and where more
// events can only help, it finds no others.
func TestCorrelationsTumbling(t *testing.T) {
	for _, kind := range kinds {
		missed, more := found(t, correlations(kind, []string{"gte", "gt"}), 2_000, func(c *backends.Correlation) string {
			c.Method = backends.Tumbling
			d, err := targets.Must("splunk").Format.Correlate(c)
			if err != nil {
				t.Fatal(err)
			}
			if l := d.Losses; len(l) != 1 || l[0].ID != "splunk/tumbling" || (l[0].Direction == "narrower") == slices.Contains(kinds[2:5], kind) {
				t.Fatal(kind, l)
			}
			return d.Queries[0].Doc.Flat()
		})
		if missed == 0 || more > 0 && !slices.Contains(kinds[2:5], kind) {
			t.Errorf("%s: %d missed, %d more", kind, missed, more)
		}
	}
}

// number replaces the number behind a text.
func number(before string, by int) func(string) string {
	re := regexp.MustCompile(`(` + before + `)([0-9]+)`)
	return func(s string) string {
		return re.ReplaceAllStringFunc(s, func(m string) string {
			at := re.FindStringSubmatch(m)
			n, _ := strconv.Atoi(at[2])
			return at[1] + strconv.Itoa(n+by)
		})
	}
}

func replace(old, by string) func(string) string {
	re := regexp.MustCompile(old)
	return func(s string) string { return re.ReplaceAllString(s, by) }
}

// TestCorrelationMutants holds that a query with a fault is told from its correlation.
func TestCorrelationMutants(t *testing.T) {
	bucket := replace(`\| stats `, "| bin _time span=3s | stats ")
	counted := map[string]func(string) string{
		"one more": number(`(?:count|sum)(?:/count)?>=`, 1), "one fewer": number(`(?:count|sum)(?:/count)?>=`, -1),
		"more than": replace(`((?:count|sum)(?:/count)?)>=`, "$1>"), "a second longer": number(`_time,_time\+`, 1), "a second shorter": number(`_time,_time\+`, -1),
		"no group": replace(`(streamstats sum\((?:events|change|part|values)\)[^|]*?) BY g `, "$1 "), "steps swapped": replace(`sort 0 _time, step`, "sort 0 _time, -step"), "a bucket": bucket,
		"each event for itself": replace(`streamstats sum`, "streamstats window=1 sum"),
	}
	temporal := map[string]func(string) string{
		"a second longer": number(`<=`, 1), "a second shorter": number(`<=`, -1), "before the end": replace(`<=`, "<"), "a bucket": bucket,
		"no group": replace(`(streamstats [^|]*?) BY g `, "$1 "), "rules swapped": replace(`if\(r1_=1,_time`, "if(r2_=1,_time"), "the first": replace(`streamstats max`, "streamstats min"),
	}
	for kind, mutants := range map[string]map[string]func(string) string{"event_count": counted, "value_count": counted, "value_sum": counted, "value_avg": counted,
		"value_percentile": {"another rank": number(`<`, 30), "not above": replace(`value<`, "value<="), "a second longer": counted["a second longer"], "a second shorter": counted["a second shorter"], "a bucket": bucket},
		"temporal":         temporal, "temporal_ordered": temporal} {
		for name, mutate := range mutants {
			told := 0
			for n := 50; n < 2_000 && told == 0; n *= 3 {
				missed, more := found(t, correlations(kind, []string{"gte"}), n, func(c *backends.Correlation) string { return mutate(written(t, c)) })
				told = missed + more
			}
			if told == 0 {
				t.Errorf("%s, %s: not told apart", kind, name)
			}
		}
	}
}

// TestForeignCorrelations holds that queries that others write are judged rightly. Those that are
// wrong are so in the way that is named.
func TestForeignCorrelations(t *testing.T) {
	events := func(c *backends.Correlation) string {
		var out []string
		for _, r := range c.Rules {
			out = append(out, r.Name+"=yes")
		}
		return strings.Join(out, " OR ")
	}
	by := func(c *backends.Correlation) string {
		if len(c.Group) > 0 {
			return " BY g"
		}
		return ""
	}
	n := func(c *backends.Correlation) string { return string(c.Condition[0].Number) }
	seconds := func(c *backends.Correlation) string { return strconv.Itoa(int(c.Window() / time.Second)) }
	for _, q := range []struct {
		name, kind   string
		missed, more bool
		query        func(c *backends.Correlation) string
	}{
		{"the last N events of a group", "event_count", false, false, func(c *backends.Correlation) string {
			return events(c) + " | sort 0 _time | streamstats window=" + n(c) + " global=f count AS n min(_time) AS t0" + by(c) + " | where n=" + n(c) + " AND _time-t0<=" + seconds(c)
		}},
		{"a window of time", "value_count", false, false, func(c *backends.Correlation) string {
			return events(c) + " | sort 0 + _time | streamstats time_window=" + seconds(c) + "s dc(v) as n" + by(c) + " | search n>=" + n(c)
		}},
		{"distance to the event N-1 before", "event_count", false, false, func(c *backends.Correlation) string {
			return events(c) + " | reverse | sort 0 num(_time) | streamstats global=false window=" + n(c) + " first(_time) AS t0, count" + by(c) + " | eval took=_time-t0 | where count>=" + n(c) + " AND took<=" + seconds(c)
		}},
		{"fixed buckets miss hits over a border", "event_count", true, false, func(c *backends.Correlation) string {
			return events(c) + " | bin _time span=" + seconds(c) + "s | stats count" + strings.Replace(by(c)+" _time", " _time", map[bool]string{true: ", _time", false: " BY _time"}[by(c) != ""], 1) + " | where count>=" + n(c)
		}},
		{"one window for all groups misses hits", "event_count", true, false, func(c *backends.Correlation) string {
			return events(c) + " | sort 0 _time | streamstats window=" + n(c) + " count AS n min(_time) AS t0" + by(c) + " | where n=" + n(c) + " AND _time-t0<=" + seconds(c)
		}},
		{"without a sort the window lies behind the event", "value_count", true, true, func(c *backends.Correlation) string {
			return events(c) + " | streamstats time_window=" + seconds(c) + "s dc(v) as n" + by(c) + " | where n>=" + n(c)
		}},
		{"without a window all that was before counts", "event_count", false, true, func(c *backends.Correlation) string {
			return events(c) + " | sort 0 _time | streamstats count AS n" + by(c) + " | where n>=" + n(c) + map[bool]string{true: " AND isnotnull(g)"}[by(c) != ""]
		}},
		{"an instant seen event by event has too few", "event_count_lte", false, true, func(c *backends.Correlation) string {
			return events(c) + " | sort 0 _time | streamstats time_window=" + seconds(c) + "s count AS n" + by(c) + " | where n<=" + n(c)
		}},
	} {
		kind, ops := q.kind, []string{"gte"}
		if k, lte := strings.CutSuffix(kind, "_lte"); lte {
			kind, ops = k, []string{"lte"}
		}
		missed, more := found(t, correlations(kind, ops), 2_000, q.query)
		if (missed > 0) != q.missed || (more > 0) != q.more {
			t.Errorf("%s: %d missed, %d more", q.name, missed, more)
		}
	}
}

// fields are columns of texts.
func fields(names ...string) (out []ir.Field) {
	for _, n := range names {
		out = append(out, ir.Field{Name: n, Type: ir.Text})
	}
	return out
}

// two is a correlation of two rules that look for the value yes in r0 and r1.
func two(kind string) *backends.Correlation {
	c := &backends.Correlation{Correlation: &ir.Correlation{Type: ir.Name{Text: kind}, Timespan: ir.Timespan{Name: ir.Name{Text: "5m"}, Length: 5 * time.Minute},
		GroupBy: []ir.Name{{Text: "user"}}, Percentile: "95"}, Method: backends.Sliding, Group: []string{"user"}, Disjoint: func(i, j int) bool { return true }}
	for i := range 2 {
		name := "r" + strconv.Itoa(i)
		c.Rules = append(c.Rules, backends.CorrelatedRule{Name: name, Time: "_time", Group: [][]ir.Field{fields("user")},
			Rule: &ir.Rule{Conditions: []ir.Condition{{Expr: irtest.Is(name, "yes")}}}})
		c.Correlation.Rules = append(c.Correlation.Rules, ir.Name{Text: name})
	}
	if strings.HasPrefix(kind, "value_") {
		c.Correlation.Fields, c.Fields = []ir.Name{{Text: "v"}}, []string{"v"}
		for i := range c.Rules {
			c.Rules[i].Fields = [][]ir.Field{fields("v")}
		}
	}
	if !strings.HasPrefix(kind, "temporal") {
		c.Condition = []ir.Limit{{Op: "gte", Number: "10"}}
	}
	return c
}

// compare asks for the hits of a query and of its correlation in events that hold lists too.
func compare(t *testing.T, c *backends.Correlation, events []tail.Row) {
	t.Helper()
	list := func(v tail.Value) (out []string) {
		switch v := v.(type) {
		case string:
			return []string{v}
		case []tail.Value:
			for _, x := range v {
				if !slices.Contains(out, x.(string)) {
					out = append(out, x.(string))
				}
			}
		}
		return out
	}
	one := func(row tail.Row, of []ir.Field) []string {
		for _, f := range of {
			if vs := list(row[f.Name]); len(vs) > 0 {
				return vs
			}
		}
		return nil
	}
	var stream []correlation.Selection
	for _, row := range events {
		by := map[string]*correlation.Selection{}
		for i, r := range c.Rules {
			if row["r"+strconv.Itoa(i)] != "yes" {
				continue
			}
			for _, g := range one(row, r.Group[0]) {
				x := by[g]
				if x == nil {
					x = &correlation.Selection{Time: int64(row["_time"].(float64)) * 1e9, Group: g}
					by[g] = x
				}
				x.Rules = append(x.Rules, i)
				if len(r.Fields) == 1 {
					x.Values = one(row, r.Fields[0])
				} else if len(r.Fields) == 2 && x.Values == nil {
					for _, a := range one(row, r.Fields[0]) {
						for _, b := range one(row, r.Fields[1]) {
							x.Values = append(x.Values, a+" "+b)
						}
					}
				}
			}
		}
		for _, x := range by {
			stream = append(stream, *x)
		}
	}
	var want, got []string
	for _, h := range correlation.Define(c.Correlation).Hits(stream) {
		want = append(want, fmt.Sprint(h.Group, " ", h.Time/1e9))
	}
	query := written(t, c)
	q, err := targets.Must("splunk").ReadTail(query, ir.Types{"_time": ir.Date})
	if err != nil {
		t.Fatalf("%s\n%v", query, err)
	}
	env := irtest.Env(t, events)
	for _, row := range q.Run(env) {
		if at := fmt.Sprint(row[c.Group[0]], " ", row[q.Time]); !slices.Contains(got, at) {
			got = append(got, at)
		}
	}
	if len(env.Unknown) > 0 {
		t.Fatalf("%s\nunknown: %v", query, env.Unknown)
	}
	slices.Sort(want)
	if slices.Sort(got); !slices.Equal(want, got) {
		t.Fatalf("%s\n%v\nwant %v\ngot  %v", query, events, want, got)
	}
}

// TestCorrelatedFields tries rules with fields of their own for the group and the values, lists
// of values, several fields at a time, rules in several indexes, and conditions over rules.
func TestCorrelatedFields(t *testing.T) {
	r := rand.New(rand.NewPCG(17, 4))
	for range backendtest.Tries(20_000) {
		kind := kinds[r.IntN(len(kinds))]
		c := two(kind)
		c.Timespan.Length = time.Duration(1+r.IntN(5)) * time.Second
		if len(c.Condition) > 0 {
			c.Condition = []ir.Limit{{Op: operators[r.IntN(6)], Number: ir.Number(strconv.Itoa(1 + r.IntN(3)))}}
			c.Percentile = "37.5"
		}
		if r.IntN(2) == 0 {
			c.Rules[1].Rule.Scope.Index = "other*"
		}
		apart, both := r.IntN(2) == 0, r.IntN(2) == 0
		c.Disjoint = func(i, j int) bool { return !both }
		if apart {
			c.Rules[0].Group, c.Rules[1].Group = [][]ir.Field{fields("src")}, [][]ir.Field{fields("dst", "user")}
		}
		if kind == "value_count" {
			if r.IntN(2) == 0 {
				c.Correlation.Fields, c.Fields = append(c.Correlation.Fields, ir.Name{Text: "w"}), append(c.Fields, "w")
				for i := range c.Rules {
					c.Rules[i].Fields = append(c.Rules[i].Fields, fields("w"))
				}
			} else if !both {
				c.Rules[1].Fields = [][]ir.Field{fields("w")}
			}
		}
		if kind == "temporal" && r.IntN(2) == 0 {
			a, b := ir.Ref{Name: "r0"}, ir.Ref{Name: "r1"}
			c.Formula = []ir.Expr{ir.And{a, ir.Not{X: b}}, ir.Or{ir.Not{X: a}, b}, ir.Not{X: ir.And{a, b}}, ir.Of{All: true, Names: []string{"r0", "r1"}}, ir.Of{Names: []string{"r0", "r1"}}}[r.IntN(5)]
		}
		text := func() tail.Value {
			return []tail.Value{nil, "1", "2", []tail.Value{"1", "2"}, []tail.Value{"2", "2"}}[r.IntN(5)]
		}
		single := func() tail.Value { return []tail.Value{nil, "1", "2", "x"}[r.IntN(4)] }
		var events []tail.Row
		for range r.IntN(7) {
			row := tail.Row{"_time": float64(r.IntN(9)), "index": "others", "src": text(), "dst": nil, "user": nil, "v": single(), "w": text(), "r0": nil, "r1": nil}
			row[[]string{"dst", "user"}[r.IntN(2)]] = text()
			if kind == "value_count" {
				row["v"] = text()
			}
			row["r"+strconv.Itoa(r.IntN(2))] = "yes"
			if both && r.IntN(2) == 0 {
				row["r0"] = "yes"
			}
			events = append(events, row)
		}
		compare(t, c, events)
	}
}

func TestCorrelate(t *testing.T) {
	logon := two("event_count")
	logon.Rules = logon.Rules[:1]
	logon.Rules[0].Rule = &ir.Rule{Scope: ir.Scope{Index: "win"}, Conditions: []ir.Condition{{Expr: ir.And{irtest.Is("EventCode", "4625"), irtest.Match("host", irtest.Regexp(t, "^dc[0-9]"))}}}}
	logon.Rules[0].Group, logon.Rules[0].Keep = [][]ir.Field{fields("Account Name")}, fields("ComputerName", "_time", "user", "a b")
	values := two("value_count")
	values.Correlation.Rules, values.Rules = values.Correlation.Rules[:1], values.Rules[:1]
	places := two("temporal")
	places.Rules[0].Rule.Scope.Index, places.Rules[1].Rule.Scope.Index = "a", "b"
	places.Rules[0].Name, places.Rules[1].Name = "say \"`hi`\"\n", `C:\`
	places.Rules[1].Group = [][]ir.Field{fields("acct")}
	shared := func(kind string) *backends.Correlation {
		c := two(kind)
		c.Rules[1].Group = [][]ir.Field{fields("acct")}
		c.Disjoint = func(i, j int) bool { return false }
		return c
	}
	ordered := two("temporal_ordered")
	ordered.GroupBy, ordered.Group, ordered.Rules[0].Group, ordered.Rules[1].Group = nil, nil, nil, nil
	ranks := two("value_percentile")
	ranks.Percentile, ranks.Condition = "99.9", []ir.Limit{{Op: "gt", Number: "1.5"}, {Op: "neq", Number: "7"}}
	ranks.Rules = ranks.Rules[:1]
	mean := two("value_avg")
	mean.Rules, mean.Method, mean.Timespan.Length = mean.Rules[:1], backends.Tumbling, 48*time.Hour
	for _, c := range []struct {
		c    *backends.Correlation
		want []string
	}{
		{logon, []string{`index=win EventCode="4625"`, `where isnotnull(mvfind('host',"\Adc\d"))`, `eval group1='Account Name', kept2='a b', step=mvappend("in","out")`,
			`stats count AS events values(ComputerName) AS ComputerName values(kept2) AS kept2 BY group1, step, _time dedup_splitvals=true`,
			`eval _time=if(step="in",_time,_time+300), events=if(step="in",events,-events)`, `sort 0 _time, step`, `streamstats sum(events) AS count BY group1`,
			`where step="in" AND count>=10`, `eval start=_time-300, end=_time`, `table _time, group1, start, end, count, ComputerName, kept2`,
			`rename group1 AS user, kept2 AS "a b"`}},
		{values, []string{`r0="yes"`, `eval value1=coalesce('v',"-"), has=if(isnull('v'),0,1), step=mvappend("in","out")`,
			`stats count AS n BY user, value1, has, step, _time`, `eval _time=if(step="in",_time,_time+300), has=if(step="in",has,-has)`,
			`sort 0 _time, step, value1, has`, `streamstats sum(has) AS held BY user, value1`,
			`eval change=case(has=1 AND held=1,1,has=-1 AND held=0,-1,true(),0)`, `streamstats sum(change) AS count BY user`,
			`where step="in"`, `stats max(count) AS count BY user, _time`, `where count>=10`, `eval start=_time-300, end=_time`,
			`table _time, user, start, end, count`}},
		{places, []string{`(index="a" r0="yes") OR (index="b" r1="yes")`,
			`eval r1_=if(searchmatch("index=\"a\" r0=\"yes\""),1,0), r2=if(searchmatch("index=\"b\" r1=\"yes\""),1,0), group1=case(r1_=1,'user',r2=1,'acct')`,
			`stats max(r1_) AS r1_ max(r2) AS r2 BY group1, _time`, `sort 0 _time`,
			`streamstats max(eval(if(r1_=1,_time,null()))) AS t1 max(eval(if(r2=1,_time,null()))) AS t2 BY group1`,
			`eval in1=if(_time-t1<=300,1,0), in2=if(_time-t2<=300,1,0)`, `where in1=1 AND in2=1`,
			`eval rules=mvappend(if(in1=1,"say \"?hi?\"?",null()),if(in2=1,"C:\\",null()))`, `eval start=_time-300, end=_time`,
			`table _time, group1, start, end, rules`, `rename group1 AS user`}},
		{ordered, []string{`r0="yes" OR r1="yes"`, `eval r1_=if(searchmatch("r0=\"yes\""),1,0), r2=if(searchmatch("r1=\"yes\""),1,0)`,
			`stats max(r1_) AS r1_ max(r2) AS r2 BY _time`, `sort 0 _time`, `streamstats max(eval(if(r1_=1,_time,null()))) AS t1`,
			`where r2=1 AND _time-t1<=300`, `eval rules=mvappend("r0","r1")`, `eval start=_time-300, end=_time`, `table _time, start, end, rules`}},
		{shared("event_count"), []string{`r0="yes" OR r1="yes"`,
			`eval r1_=if(searchmatch("r0=\"yes\""),1,0), r2=if(searchmatch("r1=\"yes\""),1,0), group1=mvappend(if(r1_=1,'user',null()),if(r2=1,'acct',null())), step=mvappend("in","out")`,
			`stats count AS events BY group1, step, _time dedup_splitvals=true`, `eval _time=if(step="in",_time,_time+300), events=if(step="in",events,-events)`,
			`sort 0 _time, step`, `streamstats sum(events) AS count BY group1`, `where step="in" AND count>=10`,
			`eval start=_time-300, end=_time`, `table _time, group1, start, end, count`, `rename group1 AS user`}},
		{shared("temporal"), []string{`r0="yes" OR r1="yes"`,
			`eval r1_=if(searchmatch("r0=\"yes\""),1,0), r2=if(searchmatch("r1=\"yes\""),1,0), class=split(if(r1_=1,"1,","").if(r2=1,"2,",""),",")`,
			`mvexpand class`, `eval r1_=if(class="1",r1_,0), r2=if(class="2",r2,0), group1=case(r1_=1,'user',r2=1,'acct')`,
			`stats max(r1_) AS r1_ max(r2) AS r2 BY group1, _time`, `sort 0 _time`,
			`streamstats max(eval(if(r1_=1,_time,null()))) AS t1 max(eval(if(r2=1,_time,null()))) AS t2 BY group1`,
			`eval in1=if(_time-t1<=300,1,0), in2=if(_time-t2<=300,1,0)`, `where in1=1 AND in2=1`,
			`eval rules=mvappend(if(in1=1,"r0",null()),if(in2=1,"r1",null()))`, `eval start=_time-300, end=_time`,
			`table _time, group1, start, end, rules`, `rename group1 AS user`}},
		{ranks, []string{`r0="yes"`, `eval value=tonumber('v'), step=mvappend("in","out")`,
			`stats count(value) AS values count(eval(value<=1.5)) AS upto_part1 count(eval(value<7)) AS below_part2 count(eval(value<=7)) AS upto_part2 BY user, step, _time dedup_splitvals=true`,
			`eval _time=if(step="in",_time,_time+300), values=if(step="in",values,-values), upto_part1=if(step="in",upto_part1,-upto_part1), below_part2=if(step="in",below_part2,-below_part2), upto_part2=if(step="in",upto_part2,-upto_part2)`,
			`sort 0 _time, step`, `streamstats sum(values) AS count sum(upto_part1) AS upto1 sum(below_part2) AS below2 sum(upto_part2) AS upto2 BY user`,
			`where step="in" AND count>0 AND upto1*1000<999*count AND (below2*1000>=999*count OR upto2*1000<999*count)`,
			`eval start=_time-300, end=_time`, `table _time, user, start, end, count, upto1, below2, upto2`}},
		{mean, []string{`r0="yes"`, `eval value=tonumber('v')`, `bin _time span=2d`, `stats count(value) AS count sum(value) AS sum BY user, _time dedup_splitvals=true`,
			`where count>0 AND sum/count>=10`, `eval avg=sum/count`, `eval start=_time, end=_time+172800`, `table _time, user, start, end, count, sum, avg`}},
	} {
		if got := strings.Split(written(t, c.c), " | "); !slices.Equal(got, c.want) {
			t.Errorf("got  %q\nwant %q", got, c.want)
		}
	}
}

// TestCorrelateRefuses holds what is refused, and why.
func TestCorrelateRefuses(t *testing.T) {
	change := func(kind string, change func(c *backends.Correlation)) *backends.Correlation {
		c := two(kind)
		change(c)
		return c
	}
	for _, c := range []struct {
		c    *backends.Correlation
		want string
	}{
		{two("value_median"), "cannot express a value_median: it takes the mean of the two values in the middle"},
		{change("event_count", func(c *backends.Correlation) { c.Rules[1].Rule.Scope.DataModel = "Endpoint.Processes" }), "a correlation over a data model"},
		{change("event_count", func(c *backends.Correlation) { c.Rules[1].Rule.Scope.Table = "T" }), "a table"},
		{change("event_count", func(c *backends.Correlation) { c.Rules[1].Time = "UtcTime" }), `a window over "UtcTime": the time of an event is in _time`},
		{change("event_count", func(c *backends.Correlation) { c.Group[0] = "a`b" }), "a field name with `"},
		{change("event_count", func(c *backends.Correlation) { c.Group[0] = "_time" }), "a group by _time"},
		{change("event_count", func(c *backends.Correlation) { c.Rules[1].Group[0] = fields("a|b") }), "a field name with | outside of a search"},
		{change("event_count", func(c *backends.Correlation) {
			c.GroupBy, c.Group = append(c.GroupBy, ir.Name{Text: "host"}), append(c.Group, "host")
			c.Rules[0].Group, c.Rules[1].Group = append(c.Rules[0].Group, fields("host")), [][]ir.Field{fields("acct"), fields("dest")}
			c.Disjoint = func(i, j int) bool { return false }
		}), "a second group in other fields by rule: r0 and others may select one event"},
		{change("value_sum", func(c *backends.Correlation) {
			c.Rules[1].Fields[0] = fields("w")
			c.Disjoint = func(i, j int) bool { return false }
		}), "values in other fields by rule: an event that two of the rules select would have two"},
		{change("event_count", func(c *backends.Correlation) { c.Condition[0].Number = "1234567890123456" }), "more than 15 digits"},
		{change("event_count", func(c *backends.Correlation) {
			c.Rules[0].Rule.Conditions[0].Expr = ir.Or{ir.Opaque{Text: "x=1"}, irtest.Match("f", irtest.Regexp(t, "a"))}
		}), "a piece of query language"},
		{change("temporal_ordered", func(c *backends.Correlation) { c.Condition = []ir.Limit{{Op: "gt", Number: "2"}} }), "an ordered correlation that never hits"},
		{change("temporal_ordered", func(c *backends.Correlation) { c.Formula = ir.Ref{Name: "r0"} }), "an ordered correlation with a condition over rules"},
	} {
		_, err := targets.Must("splunk").Format.Correlate(c.c)
		var d *ir.Diagnostic
		if !errors.As(err, &d) || !strings.Contains(d.Msg, c.want) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}

// TestCorrelateHostile holds that names and texts stay what they are: the query has the stages
// that it has of plain ones.
func TestCorrelateHostile(t *testing.T) {
	names := []string{`a"b`, "a'b", "a|b", "a`b", `a\`, `a\"`, "a b", "a,b", "x=1", "by", "BY", "AS", "count", "step", "_time", "r1", "in1", "start", "end", "rules", "group1", "events", "n", "has",
		"held", "change", "value", "value1", "values", "a]b", "[x", "a)b", "a(b", "eval(x)", "a\nb", "$x$", "*", "a*", "", "\xff", "{}", "a{}.b", "'", `"`, "sum(x)", "1a", "-a", "+", "null", "true", "```", "dedup_splitvals=true", "\u202e"}
	commands := regexp.MustCompile(`^[a-z]+`)
	shape := func(query string) (out []string) {
		q, err := targets.Must("splunk").ReadTail(query, ir.Types{})
		if err != nil {
			t.Fatalf("%s\n%v", query, err)
		}
		for _, op := range q.Ops {
			out = append(out, commands.FindString(op.String()))
		}
		return slices.DeleteFunc(out, func(s string) bool { return s == "drop" })
	}
	total := 0
	for _, kind := range kinds {
		plain := shape(written(t, change(kind, "user_", "v_", "k_", "A", "x")))
		for _, name := range names {
			for at := range 5 {
				args := []string{"user_", "v_", "k_", "A", "x"}
				args[at] = name
				c := change(kind, args[0], args[1], args[2], args[3], args[4])
				d, err := targets.Must("splunk").Format.Correlate(c)
				if err != nil {
					var is *ir.Diagnostic
					if !errors.As(err, &is) {
						t.Fatal(err)
					}
					continue
				}
				total++
				query := d.Queries[0].Doc.Flat()
				// A column that needs a name of its own has a stage for that, and a text may need `where`.
				own := map[int]string{0: "extend", 2: "extend", 4: "where"}[at]
				got := slices.DeleteFunc(shape(query), func(s string) bool { return s == own })
				want := slices.DeleteFunc(slices.Clone(plain), func(s string) bool { return s == own })
				if strings.ContainsAny(query, "\n`") || !slices.Equal(got, want) {
					t.Errorf("%q\n%s\n%q\n%q", name, query, got, want)
				}
			}
		}
	}
	if total < 700 {
		t.Errorf("only %d queries", total)
	}
}

// change is a correlation with names and a text of strangers.
func change(kind, group, value, keep, rule, text string) *backends.Correlation {
	c := two(kind)
	c.Group[0] = group
	for i := range c.Rules {
		c.Rules[i].Group = [][]ir.Field{fields(group)}
		c.Rules[i].Keep = fields(keep)
		c.Rules[i].Name = rule
		if len(c.Fields) > 0 {
			c.Rules[i].Fields = [][]ir.Field{fields(value)}
		}
		c.Rules[i].Rule = &ir.Rule{Conditions: []ir.Condition{{Expr: ir.Match{Field: ir.Field{Name: "f", Type: ir.Text}, Test: ir.Lit(text)}}}}
	}
	c.Rules[1].Group = [][]ir.Field{fields("other")}
	return c
}
