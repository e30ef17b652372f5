package streams

import (
	"strings"
	"testing"

	"sigmac/internal/link"
	"sigmac/parser"
	"sigmac/verify"
)

const rules = `title: A
name: a
logsource: {category: test}
detection: {s: {k: a}, condition: s}
---
title: B
name: b
logsource: {category: test}
detection: {s: {k: b, v|gt: 5}, condition: s}
---
title: U
name: u
logsource: {category: test}
detection: {s: {k: u, user: root}, condition: s}
---
title: Inner
name: inner
correlation: {type: event_count, rules: a, group-by: user, timespan: 1m, condition: {gte: 2}}
`

// of are the streams of a correlation, the names of near misses joined by commas.
func of(t *testing.T, body string) (events int, near, fault string) {
	t.Helper()
	docs := parser.Parse("r.yml", []byte(rules+"---\ntitle: C\ncorrelation: {"+body+"}\n")).Documents
	d := docs[len(docs)-1]
	if len(d.Errors) > 0 {
		t.Fatal(d.Errors[0])
	}
	made, _, err := Make(d, link.NewCorrelations(docs, nil), verify.DefaultBudget)
	if err != nil {
		return 0, "", err.Error()
	}
	var names []string
	for _, s := range made[1:] {
		names = append(names, s.Test)
	}
	return len(made[0].Events), strings.Join(names, ", "), ""
}

func TestMake(t *testing.T) {
	const fewer, early, other = "one event fewer", "the first event a second earlier", "the first event in another group"
	all := strings.Join([]string{fewer, early, other}, ", ")
	for body, want := range map[string]struct {
		events      int
		near, fault string
	}{
		"type: event_count, rules: a, group-by: user, timespan: 5m, condition: {gte: 3}":                     {3, all, ""},
		"type: event_count, rules: a, timespan: 5m, condition: {gt: 3}":                                      {4, fewer + ", " + early, ""},
		"type: event_count, rules: a, timespan: 5m, condition: {gte: 2, lt: 9}":                              {2, fewer + ", " + early, ""},
		"type: event_count, rules: a, timespan: 5m, condition: {lt: 2}":                                      {1, "", ""},
		"type: event_count, rules: a, timespan: 5m, condition: {gte: 1000000}":                               {0, "", "no stream of up to 10000 events hits"},
		"type: value_count, rules: a, group-by: user, timespan: 5m, condition: {field: port, gte: 3}":        {3, all, ""},
		"type: value_count, rules: a, group-by: user, timespan: 5m, condition: {field: k, gte: 2}":           {0, "", `the rule "a": no event matches it with such a group`},
		"type: value_sum, rules: b, group-by: user, timespan: 5m, condition: {field: v, gt: 100}":            {1, other, ""},
		"type: value_avg, rules: a, timespan: 5m, condition: {field: v, gt: 1.5, lt: 2}":                     {1, "", ""},
		"type: value_percentile, rules: a, timespan: 5m, condition: {field: v, percentile: 95, lte: 7}":      {1, "", ""},
		"type: temporal, rules: [a, b], group-by: user, timespan: 5m":                                        {2, all, ""},
		"type: temporal, rules: [a, b, u], group-by: user, timespan: 5m":                                     {0, "", `the rule "u": no event matches it with such a group`},
		"type: temporal, rules: [u, a, b], group-by: user, timespan: 5m, condition: {gte: 2}":                {2, fewer + ", " + early, ""},
		"type: temporal, rules: [a, b], timespan: 5m, condition: a and not b":                                {1, "", ""},
		"type: temporal_ordered, rules: [a, b, a], group-by: user, timespan: 5m":                             {3, all, ""},
		"type: temporal_ordered, rules: [inner, b], group-by: user, timespan: 5m":                            {3, all, ""},
		"type: temporal, rules: [a, b], group-by: who, timespan: 5m, aliases: {who: {a: source, b: target}}": {2, all, ""},
		"type: event_count, rules: inner, group-by: user, timespan: 5m, condition: {gte: 2}":                 {4, all, ""},
	} {
		events, near, fault := of(t, body)
		if events != want.events || near != want.near || fault != want.fault {
			t.Errorf("%s: %d events, near misses %s; %s", body, events, near, fault)
		}
	}
}
