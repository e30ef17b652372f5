package read_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sigmac/backends"
	"sigmac/backends/backendtest"
	"sigmac/backends/kusto/read"
	"sigmac/correlation"
	"sigmac/ir"
	"sigmac/tail"
)

// foreign are queries as people write them, with what each means or how it is wrong. Of
// correlations with two rules, r0 and r1 say which select an event.
var foreign = []struct {
	name, kind string
	rules      int
	least      string
	query      string
	apart      bool // no event is selected by both rules, and no two happen at one time
	groups     bool // it says which groups hit, and not when
	// wrong says how it is wrong, of some stream that it is asked of; empty: it is right.
	wrong func(want, got []backendtest.At) bool
}{
	{name: "three events within four seconds, by the row that is two before", kind: "event_count", rules: 1, least: "3", query: `T
		| where r0 =~ "yes" and isnotempty(g)
		| partition hint.strategy=native by g (sort by Timestamp asc | extend First = prev(Timestamp, 2) | where Timestamp - First <= 4s)
		| project g, Timestamp, Took = Timestamp - First`},
	{name: "one event, and then another within four seconds, by a join", kind: "temporal_ordered", rules: 2, query: `let Window = 4s;
		let Start = T | where r0 =~ "yes" | project g, Begin = Timestamp;
		T
		| where r1 =~ "yes" and isnotempty(g)
		| project g, End = Timestamp
		| join kind=inner Start on g
		| where (End - Begin) between (0s .. Window)
		| summarize Begins = make_list(Begin) by g, End`},
	{name: "one event, and then another, by the steps of a scan, where no event is both", kind: "temporal_ordered", rules: 2, apart: true, query: `T
		| where (r0 =~ "yes" or r1 =~ "yes") and isnotempty(g)
		| project g, Timestamp, r0, r1
		| sort by g asc, Timestamp asc
		| scan with_match_id=Id declare (Begin: datetime) with (
			step first output=none: r0 =~ "yes";
			step second: r1 =~ "yes" and first.g == g and Timestamp - first.Timestamp <= 4s => Begin = first.Timestamp;
		)
		| project g, Timestamp, Begin`},
	{name: "the same, where an event can be both", kind: "temporal_ordered", rules: 2, query: `T
		| where (r0 =~ "yes" or r1 =~ "yes") and isnotempty(g)
		| project g, Timestamp, r0, r1
		| sort by g asc, Timestamp asc
		| scan with (step first output=none: r0 =~ "yes"; step second: r1 =~ "yes" and first.g == g and Timestamp - first.Timestamp <= 4s;)`,
		wrong: func(want, got []backendtest.At) bool { return missed(want, got) && !missed(got, want) }},
	{name: "three events in a bucket of four seconds", kind: "event_count", rules: 1, least: "3", groups: true, query: `T
		| where r0 =~ "yes" and isnotempty(g)
		| summarize Count = count() by g, bin(Timestamp, 4s)
		| where Count >= 3`,
		wrong: func(want, got []backendtest.At) bool { return missed(want, got) && !missed(got, want) }},
	{name: "two values within four seconds, of the last rows only", kind: "value_count", rules: 1, least: "2", query: `T
		| where r0 =~ "yes" and isnotempty(g) and isnotempty(v)
		| sort by g asc, Timestamp asc
		| where prev(g) == g and prev(v) != v and Timestamp - prev(Timestamp) <= 4s
		| project g, Timestamp`,
		wrong: func(want, got []backendtest.At) bool { return missed(want, got) && !missed(got, want) }},
	{name: "groups without a value too", kind: "event_count", rules: 1, least: "2", query: `T
		| where r0 == "yes"
		| sort by g asc, Timestamp asc
		| extend Near = iff(prev(g) == g, Timestamp - prev(Timestamp), timespan(null))
		| where isnotnull(Near) and Near <= 4s
		| project g, Timestamp`,
		wrong: func(want, got []backendtest.At) bool { return missed(got, want) && !missed(want, got) }},
}

// missed says whether a hit of some is none of others.
func missed(of, in []backendtest.At) bool {
	return slices.ContainsFunc(of, func(h backendtest.At) bool { return !slices.Contains(in, h) })
}

// TestForeignTails holds what queries of others find, against the correlation that they are meant
// to be.
func TestForeignTails(t *testing.T) {
	for _, f := range foreign {
		t.Run(f.name, func(t *testing.T) {
			wrong, found := 0, 0
			o := backendtest.Correlations{Kind: f.kind, Times: []string{"Timestamp"}, Disjoint: f.apart, Distinct: f.apart, Rules: f.rules,
				Target: &backends.Target{ReadTail: read.ReadTail, Format: backends.Format{Correlate: func(c *backends.Correlation) (*backends.Tailed, error) {
					own := c.Correlation
					if len(c.Group) == 0 || len(c.Rules) != f.rules {
						return nil, backends.Unsupported("kusto", ir.Pos{}, "another correlation", "")
					}
					own.Timespan.Length, own.Condition = 4*time.Second, nil
					if f.least != "" {
						own.Condition = []ir.Limit{{Op: "gte", Number: ir.Number(f.least)}}
					}
					return &backends.Tailed{Queries: []backends.TailedQuery{{Doc: backends.Doc{Text: f.query}}}}, nil
				}}},
				Same: func(_ *backends.Correlation, _ []correlation.Selection, want, got []backendtest.At) bool {
					if f.groups {
						for i := range want {
							want[i].Time = backendtest.Sometime
						}
						slices.SortFunc(want, func(a, b backendtest.At) int { return strings.Compare(a.Group, b.Group) })
						want = slices.Compact(want)
					}
					found += len(got)
					same := !missed(want, got) && !missed(got, want)
					if f.wrong == nil || same {
						return same
					}
					wrong++
					return f.wrong(want, got)
				}}
			o.Try(t, 1000)
			if found == 0 || f.wrong != nil && wrong == 0 {
				t.Errorf("found %d, wrong %d times", found, wrong)
			}
		})
	}
}

// TestUnjudgedTails holds which queries are not judged, and why.
func TestUnjudgedTails(t *testing.T) {
	for query, want := range map[string]string{
		`T | make-series n = count() on Timestamp from datetime(2020-01-01) to datetime(2020-01-02) step 1h`: "1:5: make-series is not judged",
		`T | mv-apply x = g on (where x > 1)`:                                   "1:5: mv-apply is not judged",
		`T | evaluate bag_unpack(g)`:                                            "1:5: evaluate is not judged",
		`T | take 10`:                                                           "1:5: take of rows without an order is not judged: which of them stay is left open",
		`T | extend p = prev(g) | where p == g`:                                 "1:32: the column p is not judged",
		`T | where prev(g) == g`:                                                "1:11: prev of rows without an order is not judged",
		`T | scan with (step s: true;)`:                                         "1:5: a scan of rows without an order is not judged",
		`T | join (T | where r0 == "x") on g`:                                   "1:10: a join of the kind innerunique is not judged: which of the left rows with one key stays is left open",
		`T | join kind=leftouter (T) on g`:                                      "1:10: a join of the kind leftouter is not judged",
		`T | join kind=inner (T) on $left.g == $right.n`:                        "1:28: a join by columns of different types is not judged",
		`T | summarize p = percentile(n, 95) by g | where p > 5`:                "1:50: the column p is not judged",
		`T | summarize arg_max(Timestamp, *) by g | where r0 == "x"`:            "1:50: there is no column r0",
		`T | where Timestamp > ago(1h) and n > ago(1h)`:                         "",
		`T | summarize max(Timestamp) by g | where max_Timestamp > ago(1h)`:     "1:43: max_Timestamp > ago(1h) is not judged",
		`T | summarize n = count() by g, Timestamp | top 5 by n | where x == 1`: "1:64: there is no column x",
		`union (T | project x = n), (T | project x = g) | where x == 1`:         "1:56: the column x, of which tables have several types, is not judged",
		`union T*, U`: "1:7: a pattern of names of tables is not judged",
		`range x from 1 to 5 step 1 | where x > 2`:                                         "1:1: range is not judged",
		`let f = (x: long) { T | where n == x }; f(1)`:                                     "1:41: a source of this kind is not judged",
		`T | sort by Timestamp | scan with_match_id=m with (step s: true;) | where m == 1`: "1:75: the column m is not judged",
		`T | sort by Timestamp | scan with (step s output=last: true;)`:                    "1:54: a step with output=last is not judged",
		`T | sort by g nulls last`:                                                         "",
		`T | sort by g asc nulls last`:                                                     "1:13: a sort that puts nulls elsewhere is not judged",
		`T | summarize n = sum(r0) by g | where n > 1`:                                     "1:40: the column n is not judged",
		`T | mv-expand x = parse_json(g) to typeof(datetime)`:                              "1:15: mv-expand to a type that the elements may not have is not judged",
	} {
		types := ir.Types{"g": ir.Text, "r0": ir.Text, "n": ir.Numeric, "Timestamp": ir.Date}
		q, err := read.ReadTail(query, types)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s\n got %s %v\nwant %s", query, got, q, want)
		}
		var d *ir.Diagnostic
		if errors.As(err, &d) && (d.Feature != "") == strings.Contains(want, "there is no column") {
			t.Errorf("%s: the feature %q", query, d.Feature)
		}
	}
}

// TestTailTimes holds which column says when a hit happened.
func TestTailTimes(t *testing.T) {
	for query, want := range map[string]string{
		`T`:                                                          "Timestamp",
		`T | project g, At = Timestamp`:                              "At",
		`T | project Timestamp, At = Timestamp`:                      "At",
		`T | project At = Timestamp + 1s`:                            "",
		`T | summarize count() by g, Timestamp`:                      "Timestamp",
		`T | summarize count() by g, bin(Timestamp, 1h)`:             "",
		`T | summarize n = count(), Timestamp = max(Timestamp) by g`: "",
		`T | project A = Timestamp, g | join kind=inner (T | project B = Timestamp, g) on g`:                "",
		`T | project A = Timestamp, g | join kind=inner (T | project B = Timestamp, g) on g | project g, B`: "B",
		`union (T | project A = Timestamp), (U | project A = Timestamp)`:                                    "A",
		`union (T | project A = Timestamp), (U | project A = Timestamp - 1s)`:                               "",
		`T | sort by Timestamp asc | extend A = prev(Timestamp) | project A, B = Timestamp`:                 "B",
		`let x = T | where r0 == "a"; x | project-rename A = Timestamp | project-away g`:                    "",
	} {
		q, err := read.ReadTail(query, ir.Types{"g": ir.Text, "r0": ir.Text, "n": ir.Numeric, "Timestamp": ir.Date})
		if err != nil || q.Time != want {
			t.Errorf("%s: %v %v, want %s", query, err, q, want)
		}
	}
}

// FuzzReadTail holds that no text makes the reader panic, and that what is read can be tried in a
// bounded time.
func FuzzReadTail(f *testing.F) {
	for _, q := range foreign {
		f.Add(q.query)
	}
	for _, s := range []string{`T | summarize n = count() by g | extend m = n * 2 | where m > 1`, `T | sort by n | extend s = row_cumsum(n, g != prev(g)), i = row_number(0)`,
		`T | mv-expand x = dynamic([1, 2]) to typeof(long) | distinct x`, `let a = T; union a, (a | where g == "x") | count`,
		`T | top 3 by n desc | project-rename k = g | project-away n | where k in ("a")`, `let a = 1; let b = a + a; T | where n > b + b`} {
		f.Add(s)
	}
	types := ir.Types{"g": ir.Text, "v": ir.Text, "r0": ir.Text, "r1": ir.Text, "n": ir.Numeric, "Timestamp": ir.Date}
	events := []tail.Row{{"g": "a", "v": "1", "r0": "yes", "r1": nil, "n": 1.0, "Timestamp": 0.0}, {"g": nil, "v": nil, "r0": nil, "r1": nil, "n": nil, "Timestamp": 1.0},
		{"g": "a", "v": "2", "r0": "yes", "r1": "yes", "n": 2.5, "Timestamp": 2.0}}
	f.Fuzz(func(t *testing.T, query string) {
		for _, s := range []ir.Schema{nil, types} {
			q, err := read.ReadTail(query, s)
			if err != nil {
				if _, ok := err.(*ir.Diagnostic); !ok {
					t.Fatalf("%q: %v", query, err)
				}
				continue
			}
			_ = q.String()
			q.Run(&tail.Env{Events: events, Steps: 10_000, Holds: func(ir.Expr, int) bool { return true }})
		}
	})
}

// doubled is a query whose names stand for two of the one before each.
func doubled() string {
	s := "let f0 = T; "
	for i := range 40 {
		s += fmt.Sprintf("let f%d = union f%d, f%d; ", i+1, i, i)
	}
	return s + "f40"
}

// TestLargeTails holds that a large query takes a bounded time.
func TestLargeTails(t *testing.T) {
	for _, query := range []string{
		"T" + strings.Repeat(" | extend a = prev(a) + 1", 20_000),
		"T | sort by g" + strings.Repeat(" | extend a = row_cumsum(a)", 20_000),
		"let a0 = 1;" + strings.Repeat("let a0 = a0 + a0;", 20_000) + "T | summarize n = count() by g | where n > a0",
		"union " + strings.Repeat("(T), ", 20_000) + "T",
		"T" + strings.Repeat(" | join kind=inner (T", 1000) + strings.Repeat(") on g", 1000),
		"T | where " + strings.Repeat("(", 100_000),
		doubled(),
		"T | summarize " + strings.Repeat("count(), ", 50_000) + "count() by g",
		"T" + strings.Repeat(" | project-away x", 50_000),
	} {
		start := time.Now()
		read.ReadTail(query, ir.Types{"g": ir.Text})
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("%s…: %s", query[:40], took)
		}
	}
}
