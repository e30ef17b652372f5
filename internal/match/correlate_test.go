package match

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sigmac/internal/link"
	"sigmac/parser"
)

// correlate are the hits of rules and correlations in events, a line each, and what is wrong.
func correlate(t *testing.T, o Options, rules, events string) (hits, faults []string) {
	t.Helper()
	docs := parser.Parse("r.yml", []byte(rules)).Documents
	o.MaxEvent = 1 << 20
	rs := New(o)
	for _, d := range docs {
		for _, err := range rs.Add(d) {
			t.Fatal(err)
		}
	}
	for _, f := range rs.Correlate(link.NewCorrelations(docs, nil)) {
		faults = append(faults, f.Error())
	}
	tell := func(hs []Hit) {
		for _, h := range hs {
			hits = append(hits, fmt.Sprintf("%s %s %d-%d: %s of %d", h.Doc.Title, strings.Join(h.Group, ","), h.Start/1e9, h.Time/1e9, h.Value, h.Events))
		}
	}
	for f, err := range rs.Stream(strings.NewReader(events)) {
		if err != nil {
			t.Fatal(err)
		}
		tell(f.Hits)
		for _, e := range f.Faults {
			faults = append(faults, e.Error())
		}
	}
	tell(rs.End())
	return hits, faults
}

const one = "title: A\nname: a\nlogsource: {category: test}\ndetection: {s: {k: a}, condition: s}\n"

func TestCorrelate(t *testing.T) {
	count := func(body string) string { return one + "---\ntitle: C\ncorrelation:\n  rules: [a]\n" + body }
	for _, tc := range []struct {
		name, rules, events string
		hits, faults        []string
	}{
		{"two hits at one instant, of two groups", count("  type: event_count\n  group-by: [u]\n  timespan: 1m\n  condition: {gte: 2}\n"),
			`{"_time":1,"k":"a","u":"x"}{"_time":2,"k":"a","u":"y"}{"_time":3,"k":"a","u":["x","y"]}`,
			[]string{"C x 1-3: 2 of 2", "C y 2-3: 2 of 2"}, nil},
		{"a group of no value", count("  type: event_count\n  group-by: [u]\n  timespan: 1m\n  condition: {gte: 1}\n"),
			`{"_time":1,"k":"a"}{"_time":2,"k":"a","u":null}{"_time":3,"k":"a","u":[]}{"_time":4,"k":"a","u":{"v":1}}{"_time":5,"k":"a","u":""}`,
			[]string{"C  5-5: 1 of 1"}, nil},
		{"a list of values is counted, not the events", count("  type: value_count\n  timespan: 1m\n  condition: {field: v, gte: 3}\n"),
			`{"_time":1,"k":"a","v":["x","y","x"]}{"_time":2,"k":"a","v":"y"}{"_time":3,"k":"a","v":"z"}`,
			[]string{"C  1-3: 3 of 3"}, nil},
		{"no values are none", count("  type: value_count\n  timespan: 1m\n  condition: {field: v, lt: 1}\n"), `{"_time":1,"k":"a"}`, []string{"C  1-1: 0 of 1"}, nil},
		{"an average of nothing is none", count("  type: value_avg\n  timespan: 1m\n  condition: {field: v, lt: 9}\n"), `{"_time":1,"k":"a","v":"x"}`, nil, nil},
		{"too many groups", count("  type: event_count\n  group-by: [u, v]\n  timespan: 1m\n  condition: {gte: 1}\n"),
			`{"_time":1,"k":"a","u":[` + numbers(200) + `],"v":[` + numbers(200) + `]}`,
			nil, []string{"1:1: the event is in more than 10000 groups of a correlation, or has so many values for it"}},
		{"a rule that is not there", count("  type: event_count\n  timespan: 1m\n  condition: {gte: 1}\n") + "---\ntitle: D\ncorrelation: {rules: [b], type: event_count, timespan: 1m, condition: {gte: 1}}\n",
			`{"_time":1,"k":"a"}`, []string{"C  1-1: 1 of 1"}, []string{`r.yml:14:23: cannot be evaluated: the rule "b" is not there`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			hits, faults := correlate(t, Options{}, tc.rules, tc.events)
			if !slices.Equal(hits, tc.hits) || !slices.Equal(faults, tc.faults) {
				t.Errorf("%q, %q", hits, faults)
			}
		})
	}
}

func numbers(n int) string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprint(i))
	}
	return strings.Join(out, ",")
}

// The order in which events come within the slack changes nothing.
func TestSlack(t *testing.T) {
	rules := one + "---\ntitle: C\ncorrelation: {rules: [a], type: event_count, group-by: [u], timespan: 5s, condition: {gte: 3}}\n"
	events := []string{`{"_time":1,"k":"a","u":"x"}`, `{"_time":4,"k":"a","u":"x"}`, `{"_time":6,"k":"a","u":"x"}`, `{"_time":9,"k":"a","u":"x"}`}
	want, _ := correlate(t, Options{}, rules, strings.Join(events, "\n"))
	for range 24 {
		got, faults := correlate(t, Options{Slack: 8e9}, rules, strings.Join(events, "\n"))
		if !slices.Equal(got, want) || len(faults) > 0 {
			t.Errorf("%v: %q, %q, want %q", events, got, faults, want)
		}
		events[0], events[1], events[2], events[3] = events[1], events[2], events[3], events[0]
		events[0], events[2] = events[2], events[0]
	}
}
