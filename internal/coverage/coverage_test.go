package coverage

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"sigmac"
	"sigmac/internal/catalog"
	"sigmac/internal/link"
	"sigmac/parser"
	"sigmac/targets"
)

const rules = `title: One
level: high
status: stable
tags: [attack.execution, attack.t1059.001, attack.T1059]
logsource: {category: process_creation, product: windows}
detection: {sel: {Image: a, CommandLine|fieldref: ParentImage}, word: [x], condition: sel}
---
title: Two
level: low
status: test
tags: [attack.t1059.001, attack.t1078, attack.t9999]
logsource: {category: process_creation, product: linux}
detection: {sel: {Image: b}, condition: sel}
---
title: Three
name: three
logsource: {product: aws, service: cloudtrail}
tags: [attack.t1078]
detection: {sel: {eventName: c}, condition: sel}
---
title: Four
level: critical
tags: [attack.t1059.001]
correlation: {type: event_count, rules: three, group-by: [sourceIPAddress], timespan: 1h, condition: {gte: 3}}
`

func documents() []*parser.Document { return parser.Parse("r.yml", []byte(rules)).Documents }

func TestLayer(t *testing.T) {
	for _, c := range []struct {
		o       LayerOptions
		want    string // techniques with their scores, each once
		most    int
		strange string
	}{
		{LayerOptions{Score: Scores[0]}, "T1059 1 T1059.001 3 T1078 2", 3, "T9999"},
		{LayerOptions{Score: Scores[1]}, "T1059 4 T1059.001 5 T1078 2", 5, "T9999"},
		{LayerOptions{Score: Scores[2]}, "T1059 8 T1059.001 22 T1078 3", 22, "T9999"},
		{LayerOptions{Score: Scores[0], NoSubtechniques: true}, "T1059 3 T1078 2", 3, "T9999"},
		{LayerOptions{Score: Scores[0], MinLevel: "high"}, "T1059 1 T1059.001 2 T1078 1", 2, ""},
		{LayerOptions{Score: Scores[0], MinStatus: "stable"}, "T1059 1 T1059.001 2 T1078 1", 2, ""},
		{LayerOptions{Score: Scores[0], Max: 10, Min: 2}, "T1059 1 T1059.001 3 T1078 2", 10, "T9999"},
		{LayerOptions{Score: Scores[0], Min: 5}, "T1059 1 T1059.001 3 T1078 2", 6, "T9999"},
	} {
		c.o.MinColor, c.o.MaxColor = "#ffffff00", "#ff0000"
		l, strange := NewLayer(documents(), c.o)
		var got []string
		for _, x := range l.Techniques {
			if one := fmt.Sprint(x.ID, " ", x.Score); !slices.Contains(got, one) {
				got = append(got, one)
			}
		}
		slices.Sort(got)
		if strings.Join(got, " ") != c.want || l.Gradient.MaxValue != c.most || strings.Join(strange, " ") != c.strange {
			t.Errorf("%+v: %s, up to %d, strange %s", c.o, got, l.Gradient.MaxValue, strange)
		}
		valid(t, l)
	}
	l, _ := NewLayer(nil, LayerOptions{Score: Scores[0], MinColor: "#ffffff", MaxColor: "#ff0000"})
	valid(t, l)
	if l.Gradient.MaxValue != 1 {
		t.Error(l.Gradient)
	}
}

// TestTactics holds that a technique stands in each tactic that it has.
func TestTactics(t *testing.T) {
	l, _ := NewLayer(documents(), LayerOptions{Score: Scores[0]})
	var got []string
	for _, x := range l.Techniques {
		if x.ID == "T1078" {
			got = append(got, x.Tactic)
		}
	}
	if n := len(catalog.Techniques([]string{"attack.t1078"})[0].Tactics); len(got) != n || !slices.Contains(got, "initial-access") {
		t.Errorf("T1078 stands in %s, and has %d tactics", got, n)
	}
}

// valid holds a layer against the format of the Navigator.
func valid(t *testing.T, l *Layer) {
	t.Helper()
	text, err := os.ReadFile("testdata/layer-4.5.json")
	if err != nil {
		t.Fatal(err)
	}
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("layer.json", schema); err != nil {
		t.Fatal(err)
	}
	written, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(written))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.MustCompile("layer.json").Validate(value); err != nil {
		t.Errorf("%s: %v", written, err)
	}
	if l.Gradient.MaxValue <= l.Gradient.MinValue {
		t.Errorf("the gradient ends at %d and begins at %d", l.Gradient.MaxValue, l.Gradient.MinValue)
	}
}

func TestLogSources(t *testing.T) {
	var b strings.Builder
	if err := WriteLogSources(&b, LogSources(documents(), "Overall")); err != nil {
		t.Fatal(err)
	}
	const want = `-----------------+---------+----------+------+--------+-----+---------------+-----
Logsource        | Overall | Critical | High | Medium | Low | Informational | None
-----------------+---------+----------+------+--------+-----+---------------+-----
process_creation | 2       | 0        | 1    | 0      | 1   | 0             | 0
None             | 1       | 0        | 0    | 0      | 0   | 0             | 1
`
	if b.String() != want {
		t.Errorf("%s", b.String())
	}
	if by := LogSources(documents(), "None"); by[0].Category != "" || len(by) != 2 {
		t.Errorf("%+v", by)
	}
}

// TestFields holds that names are those of the target, and that what the mapping refuses has none.
func TestFields(t *testing.T) {
	splunk := targets.Must("splunk")
	for _, c := range []struct {
		name string
		m    sigmac.Mapping
		want string
	}{
		{"as they stand in the rules", sigmac.Mapping{Target: splunk}, "CommandLine Image ParentImage|Image|eventName|sourceIPAddress"},
		{"by log source", sigmac.DefaultMapping(splunk), "CommandLine EventCode Image ParentImage source|EventID Image sourcetype|eventName sourcetype|sourceIPAddress"},
		{"of other names", sigmac.DefaultMapping(targets.Must("kusto")), "ActionType FolderPath InitiatingProcessFolderPath ProcessCommandLine|ActionType FolderPath|EventName|SourceIpAddress"},
	} {
		docs := parser.Parse("r.yml", []byte(rules))
		var got []string
		for res := range sigmac.Compile(docs, sigmac.Options{Mappings: []sigmac.Mapping{c.m}, Correlations: link.NewCorrelations(docs.Documents, nil)}) {
			names, ok := Fields(res)
			if !ok {
				names = []string{"refused"}
			}
			got = append(got, strings.Join(names, " "))
		}
		if got := strings.Join(got, "|"); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
