package kusto_test

import (
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"sigmac/backends"
	"sigmac/backends/backendtest"
	"sigmac/correlation"
	"sigmac/ir"
	"sigmac/targets"
)

// changed is the target with a change of each correlation that is written, and of its query.
func changed(change func(*backends.Correlation), text func(string) string) *backends.Target {
	kusto := inTable(false)
	correlate := kusto.Format.Correlate
	kusto.Format.Correlate = func(c *backends.Correlation) (*backends.Tailed, error) {
		own, other := *c.Correlation, *c
		own.Condition = slices.Clone(own.Condition)
		other.Correlation, other.Rules = &own, slices.Clone(c.Rules)
		if change != nil {
			change(&other)
		}
		out, err := correlate(&other)
		if err == nil && text != nil {
			out.Queries[0].Doc = backends.Doc{Text: text(out.Queries[0].Doc.Flat())}
		}
		return out, err
	}
	return kusto
}

// TestMutants holds that random streams tell queries that are wrong from those that are right.
func TestMutants(t *testing.T) {
	limits := func(by int) func(*backends.Correlation) {
		return func(c *backends.Correlation) {
			for i, l := range c.Condition {
				n, _ := strconv.Atoi(string(l.Number))
				c.Condition[i].Number = ir.Number(strconv.Itoa(n + by))
			}
		}
	}
	op := func(from, to string) func(*backends.Correlation) {
		return func(c *backends.Correlation) {
			for i, l := range c.Condition {
				if l.Op == from {
					c.Condition[i].Op = to
				}
			}
		}
	}
	span := func(by time.Duration) func(*backends.Correlation) {
		return func(c *backends.Correlation) { c.Timespan.Length += by }
	}
	replace := func(old, new string) func(string) string {
		re := regexp.MustCompile(old)
		return func(query string) string { return re.ReplaceAllString(query, new) }
	}
	swapped := func(c *backends.Correlation) { slices.Reverse(c.Rules) }
	counts := []string{"event_count", "value_count"}
	numbers := []string{"value_sum", "value_avg", "value_percentile", "value_median"}
	rules := []string{"temporal", "temporal_ordered"}
	all := slices.Concat(counts, numbers, rules)
	for _, m := range []struct {
		name   string
		kinds  []string
		change func(*backends.Correlation)
		text   func(string) string
	}{
		{"a greater limit", slices.Concat(counts, numbers, []string{"temporal"}), limits(1), nil},
		{"a smaller limit", slices.Concat(counts, numbers, []string{"temporal"}), limits(-1), nil},
		{"more for at least", slices.Concat(counts, numbers, []string{"temporal"}), op("gte", "gt"), nil},
		{"at least for more", slices.Concat(counts, numbers, []string{"temporal"}), op("gt", "gte"), nil},
		{"at most for less", slices.Concat(counts, numbers), op("lt", "lte"), nil},
		{"a longer window", all, span(time.Second), nil},
		{"a shorter window", all, func(c *backends.Correlation) { c.Timespan.Length = max(time.Second, c.Timespan.Length-time.Second) }, nil},
		{"a dropped group of rows before", []string{"event_count"}, nil, replace(`g == prev\(g, \d+\)`, "true")},
		{"a dropped group of a join", numbers, nil, replace(`, \$left\.g == \$right\.g1`, "")},
		{"a group that does not begin anew", []string{"value_percentile"}, nil, replace(`, g != prev\(g\) or t != prev\(t\)\)`, ", g != prev(g))")},
		{"a group whose scan does not begin anew", rules, nil, replace(`fresh = g != prev\(g\)`, "fresh = false")},
		{"events without a group", slices.Concat(counts, rules), nil, replace(` and isnotempty\(g\)`, "")},
		{"an open end", []string{"event_count"}, nil, replace("t - begin <= ", "t - begin < ")},
		{"an open end of a rule's window", rules, nil, replace("<= ", "< ")},
		{"what leaves comes first", counts, nil, replace("sign desc", "sign asc")},
		{"what leaves is a hit", counts, nil, replace("where sign > 0", "where sign < 0")},
		{"nothing leaves", counts, nil, replace(`dynamic\(\[1, -1\]\)`, "dynamic([1])")},
		{"values that are counted each time", []string{"value_count"}, nil, replace("iff\\(t - before <= ", "iff(false and t - before <= ")},
		{"a bucket for the window", numbers, nil, replace(`range\((bin\(t, \d+s\)) - \d+s, `, "range($1, ")},
		{"all that lies in the pieces", numbers, nil, replace(`where then between \(\(t - \d+s\) \.\. t\)`, "where true")},
		{"a rank from the other end", []string{"value_percentile", "value_median"}, nil, replace("v desc", "v asc")},
		{"swapped rules", []string{"temporal_ordered"}, swapped, nil},
		{"rules in any order", []string{"temporal_ordered"}, nil, replace(`where r\d and `, "where ")},
		{"a chain that one event cannot go on with twice", []string{"temporal_ordered"}, nil, replace(`iff\(r2, iff\(r1, t, `, "iff(r2, iff(false, t, ")},
	} {
		for _, kind := range m.kinds {
			told := 0
			o := backendtest.Correlations{Target: changed(m.change, m.text), Kind: kind, Ops: []string{"gte", "gt", "lt", "lte", "eq", "neq"}, Times: []string{"Timestamp"},
				Same: func(_ *backends.Correlation, _ []correlation.Selection, want, got []backendtest.At) bool {
					if !slices.Equal(want, got) {
						told++
					}
					return true
				}}
			o.Try(t, 100)
			if told == 0 {
				t.Errorf("%s of %s: no stream tells", m.name, kind)
			}
		}
	}
}

// buckets are the groups that hit in windows of fixed borders.
func buckets(c *backends.Correlation, stream []correlation.Selection) map[string]bool {
	hit := map[string]bool{}
	pieces := map[int64][]correlation.Selection{}
	for _, x := range stream {
		at := x.Time / int64(c.Window())
		x.Time = 0
		pieces[at] = append(pieces[at], x)
	}
	for _, piece := range pieces {
		for _, h := range correlation.Define(c.Correlation).Hits(piece) {
			hit[h.Group] = true
		}
	}
	return hit
}

// TestTumbling holds what is found in windows of fixed borders, and that it is said to be less.
func TestTumbling(t *testing.T) {
	for _, kind := range []string{"event_count", "value_count", "value_sum", "value_avg", "value_percentile", "value_median", "temporal"} {
		missed := 0
		o := backendtest.Correlations{Target: inTable(false), Kind: kind, Method: backends.Tumbling, Times: []string{"TimeGenerated"}, Ops: []string{"gte", "gt", "lt", "neq"},
			Same: func(c *backends.Correlation, stream []correlation.Selection, want, got []backendtest.At) bool {
				groups := buckets(c, stream)
				for _, h := range got {
					if h.Time != backendtest.Sometime || !groups[h.Group] {
						return false
					}
				}
				if len(want) > 0 && len(groups) == 0 {
					missed++
				}
				return len(got) == len(groups)
			}}
		o.Try(t, 500)
		if missed == 0 {
			t.Errorf("%s: nothing is missed", kind)
		}
	}
	for _, c := range []struct {
		c         *backends.Correlation
		direction string
	}{
		{correlate("event_count", net, limit("gte", "2"), tumbling), "narrower"}, {correlate("event_count", net, limit("lt", "2"), tumbling), "both"},
		{correlate("value_sum", net, limit("gte", "2"), of(number("FileSize")), tumbling), "both"}, {correlate("temporal", net, whoAm, tumbling), "narrower"},
		{correlate("temporal", net, whoAm, formula(ir.Not{X: ir.Ref{Name: "net"}}), tumbling), "both"},
	} {
		got, err := targets.Must("kusto").Format.Correlate(c.c)
		if err != nil || len(got.Losses) != 1 || got.Losses[0].ID != "kusto/tumbling" || got.Losses[0].Direction != c.direction {
			t.Errorf("%s: %v %v, want %s", c.c.Type.Text, got, err, c.direction)
		}
	}
}
