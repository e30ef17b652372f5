package parser

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"sigmac/ir"
)

const attributesText = `title: A title
id: 0a1b
name: a_name
related:
  - id: 1c2d
    type: derived
  - {id: 3e4f, type: obsolete}
taxonomy: sigma
status: test
description: |
  Two
  lines
license: MIT
author: A. Person
references:
  - https://example.org/1
date: 2024-01-02
modified: 2024/02/03
tags: [attack.execution, attack.t1059]
falsepositives: Unlikely
fields: [f, g]
level: high
scope: [server]
own: 5
other: &o {a: [1, 'two'], b: ~}
again: *o
logsource:
  category: process_creation
  product: windows
  service: ~
  definition: needs audit
  vendor: example
detection:
  s: {f: a}
  condition: s
`

func TestAttributes(t *testing.T) {
	d := Parse("r.yml", []byte(attributesText)).Documents[0]
	if d.Rule == nil {
		t.Fatal(d.Errors)
	}
	want := ir.Meta{
		Title: "A title", ID: "0a1b", Name: "a_name",
		Related:  []ir.Related{{ID: "1c2d", Type: "derived"}, {ID: "3e4f", Type: "obsolete"}},
		Taxonomy: "sigma", Status: "test", Description: "Two\nlines\n", License: "MIT", Author: "A. Person",
		References: []string{"https://example.org/1"}, Date: "2024-01-02", Modified: "2024/02/03",
		Tags: []string{"attack.execution", "attack.t1059"}, FalsePositives: []string{"Unlikely"}, Fields: []string{"f", "g"},
		Level: "high", Scope: []string{"server"},
		Custom: []ir.Attribute{
			{Name: "own", Value: "5", Pos: ir.Pos{Line: 24, Column: 1}},
			{Name: "other", Value: "{a: [1, 'two'], b: ~}", Pos: ir.Pos{Line: 25, Column: 1}},
			{Name: "again", Value: "{a: [1, 'two'], b: ~}", Pos: ir.Pos{Line: 26, Column: 1}},
		},
	}
	if got := d.Rule.Meta; !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
	source := ir.LogSource{Category: "process_creation", Product: "windows", Definition: "needs audit",
		Custom: []ir.Attribute{{Name: "vendor", Value: "example", Pos: ir.Pos{Line: 32, Column: 3}}}, Pos: ir.Pos{Line: 27, Column: 1}}
	if got := d.Rule.Source; !reflect.DeepEqual(got, source) {
		t.Errorf("\n got %+v\nwant %+v", got, source)
	}
	if d.Kind != Rule || d.Title != "A title" || d.ID != "0a1b" || d.Name != "a_name" || (d.Pos != ir.Pos{Line: 1, Column: 1}) {
		t.Errorf("%+v", d)
	}
}

// TestDocuments has what is wrong with a document as a whole, and what is not.
func TestDocuments(t *testing.T) {
	const rest = "logsource: {product: p}\ndetection: {s: {f: a}, condition: s}\n"
	const read = "detection s (item f (match f (pattern \"a\")))\ncondition (ref s)"
	for _, tt := range []struct{ src, want string }{
		{"title: t\n" + rest, read},
		{"title: t\ntags:\nfields: ~\nrelated: ~\nid:\n" + rest, read},
		{"title: t\n" + rest + "---\n# nothing\n---\ntitle: u\n" + rest, read + "\n" + read},
		{"title: t\n" + rest + "---\n", read},
		{"", ""}, {"# nothing\n", ""}, {"---\n", ""}, {"~", ""}, {"\xEF\xBB\xBF", ""},
		{rest, `1:1: the attribute "title" is missing`},
		{"title:\n" + rest, `1:7: the attribute "title" is empty`},
		{"title: [t]\n" + rest, `1:8: the attribute "title" must be a text`},
		{"title: t\nid: {a: b}\n" + rest, `2:5: the attribute "id" must be a text`},
		{"title: t\ntags: {a: b}\n" + rest, `2:7: the attribute "tags" must be a list of texts`},
		{"title: t\ntags: [a, [b]]\n" + rest, `2:11: the attribute "tags" must be a list of texts`},
		{"title: t\nrelated: x\n" + rest, `2:10: the attribute "related" must be a list of id and type`},
		{"title: t\nrelated: [x]\n" + rest, `2:11: an entry of "related" must have id and type`},
		{"title: t\ndetection: {s: {f: a}, condition: s}\n", `1:1: the attribute "logsource" is missing`},
		{"title: t\nlogsource: {product: p}\n", `1:1: the attribute "detection" is missing`},
		{"title: t\n", "1:1: not a Sigma document: it has neither detection, correlation nor filter"},
		{"title: t\nlogsource: p\ndetection: {s: {f: a}, condition: s}\n", "2:12: logsource must be a mapping with category, product or service"},
		{"title: t\nlogsource: {}\ndetection: x\n", "3:12: detection must be a mapping with named parts and a condition"},
		{"title: t\nlogsource: {}\ndetection: {}\n", "3:1: detection has no part that a condition could name\n3:1: detection has no condition"},
		{"title: t\nlogsource: {}\ndetection: {condition: s}\n", "3:1: detection has no part that a condition could name\n3:24: no detection is named \"s\""},
		{"title: t\nlogsource: {}\ndetection: {s: {f: a}}\n", "3:1: detection has no condition"},
		{"title: t\nlogsource: {}\ndetection: {s: {f: a}}\ncondition: s\n", "4:1: the condition stands outside of detection, which has none: indent it like the parts of detection"},
		{"- a\n- b\n", "1:1: not a Sigma document: a mapping with title, logsource and detection is expected"},
		{"some text", "1:1: not a Sigma document: a mapping with title, logsource and detection is expected"},
		{"title: t\nfilter: {rules: any, condition: s, s: {f: a}}\n" + rest, `4:1: a document with "filter" has no "detection"`},
		{"title: t\n" + rest + "correlation: {type: temporal, rules: [a], timespan: 5m}\n", `4:1: a document with "detection" has no "correlation"`},
	} {
		if got := render(Parse("r.yml", []byte(tt.src))); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.src, got, tt.want)
		}
	}
}

const actionsText = `action: global
title: g
logsource: {product: p, service: a}
detection: {s: {f: a}, condition: s}
---
detection: {s: {g: b}}
---
title: own
logsource: {service: b}
---
action: repeat
detection: {s: {f: z}}
---
action: reset
---
title: t
logsource: {product: q}
detection: {s: {h: c}, condition: s}
---
action: repeat
title: u
detection: {u: {i: d}, condition: s and u}
`

func TestActions(t *testing.T) {
	show := func(src string) string {
		var got []string
		for _, d := range Parse("r.yml", []byte(src)).Documents {
			for _, e := range d.Errors {
				got = append(got, fmt.Sprintf("%d:%d: %s", e.Pos.Line, e.Pos.Column, e.Msg))
			}
			if r := d.Rule; r != nil {
				var fields []string
				for _, x := range r.Detections {
					ir.Walk(x.Expr, func(e ir.Expr) {
						m := e.(ir.Match)
						fields = append(fields, m.Field.Name+"="+m.Test.(ir.Pattern).Literals())
					})
				}
				got = append(got, fmt.Sprintf("%d %s %s/%s %s: %s", d.Pos.Line, r.Meta.Title, r.Source.Product, r.Source.Service, strings.Join(fields, " "), r.Conditions[0].Text))
			}
		}
		return strings.Join(got, "\n")
	}
	const rule = "title: t\nlogsource: {product: p}\ndetection: {s: {f: a}, condition: s}\n"
	for _, tt := range []struct{ src, want string }{
		{actionsText, "6 g p/a f=a g=b: s\n8 own p/b f=a: s\n11 own p/b f=z: s\n16 t q/ h=c: s\n20 u q/ h=c i=d: s and u"},
		{rule + "---\naction: reset\n---\n" + rule, "1 t p/ f=a: s\n7 t p/ f=a: s"},
		{rule + "---\naction: repeat\nlogsource: {<<: {service: x}, product: r}\n", "1 t p/ f=a: s\n5 t r/x f=a: s"},
		{"action: global\ntitle: g\n---\naction: global\nlogsource: {product: g}\n---\ndetection: {s: {f: a}, condition: s}\n", "7 g g/ f=a: s"},
		{"action: global\ntitle: g\n", ""},
		{"action: repeat\ntitle: t\n", "1:9: no rule stands before this one that it could repeat"},
		{rule + "---\naction: reset\n---\naction: repeat\n", "1 t p/ f=a: s\n7:9: no rule stands before this one that it could repeat"},
		{"action: golbal\ntitle: t\n---\n" + rule, "1:9: the action \"golbal\" is none of global, repeat and reset\n4 t p/ f=a: s"},
		{"action: reset\naction: global\n" + rule, `2:1: the key "action" stands twice`},
		{rule + "---\naction: repeat\ndetection: {s: {f: b, f: c}}\n", "1 t p/ f=a: s\n6:23: the key \"f\" stands twice, first at 6:17"},
	} {
		if got := show(tt.src); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.src, got, tt.want)
		}
	}
}

const mergeText = `title: t
logsource: {product: p}
base: &base
  f: a
  g|contains: b
detection:
  s:
    <<: *base
    f: own
  u:
    <<: [*base, {h: c, f: no}]
  v: *base
  w: &w [x, y]
  x: {i: *w}
  condition: &c all of them
`

func TestMergeKeys(t *testing.T) {
	for _, tt := range []struct{ src, want string }{
		{mergeText, strings.Join([]string{
			`detection s (and (item f (match f (pattern "own"))) (item g|contains (match g (pattern * "b" *))))`,
			`detection u (and (item f (match f (pattern "a"))) (item g|contains (match g (pattern * "b" *))) (item h (match h (pattern "c"))))`,
			`detection v (and (item f (match f (pattern "a"))) (item g|contains (match g (pattern * "b" *))))`,
			`detection w (item "" (or (keyword (pattern * "x" *)) (keyword (pattern * "y" *))))`,
			`detection x (item i (or (match i (pattern "x")) (match i (pattern "y"))))`,
			`condition (all-of them s u v w x)`}, "\n")},
		{oneField("<<", "a"), "6:9: `<<` merges mappings only"},
		{oneField("<<", "[{f: a}, b]"), "6:9: `<<` merges mappings only"},
		{oneField("'<<'", "a"), "detection s (item << (match << (pattern \"a\")))\ncondition (ref s)"},
		{oneField("<<", "{f: a, f: b}"), "detection s (item f (match f (pattern \"a\")))\ncondition (ref s)"},
	} {
		if got := render(Parse("r.yml", []byte(tt.src))); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.src, got, tt.want)
		}
	}
}

const correlationText = `title: c
id: 1
name: many
correlation:
  type: value_count
  rules: [a, b]
  group-by:
    - u
  timespan: 5m
  condition: {field: h, gte: 10, lt: 1_000}
  aliases:
    u: {a: User, b: user.name}
  generate: yes
`

func TestCorrelation(t *testing.T) {
	d := Parse("r.yml", []byte(correlationText)).Documents[0]
	at := func(line, column int) ir.Pos { return ir.Pos{Line: line, Column: column} }
	name := func(text string, pos ir.Pos) ir.Name { return ir.Name{Text: text, Pos: pos} }
	limit := func(op string, n ir.Number, pos ir.Pos) ir.Limit { return ir.Limit{Op: op, Number: n, Pos: pos} }
	of := func(rule, field ir.Name) ir.AliasField { return ir.AliasField{Rule: rule, Field: field} }
	want := &ir.Correlation{
		Meta: ir.Meta{Title: "c", ID: "1", Name: "many"}, Type: name("value_count", at(5, 9)),
		Rules: []ir.Name{name("a", at(6, 11)), name("b", at(6, 14))}, GroupBy: []ir.Name{name("u", at(8, 7))}, Timespan: ir.Timespan{Name: name("5m", at(9, 13)), Length: 5 * time.Minute},
		Condition: []ir.Limit{limit("gte", "10", at(10, 25)), limit("lt", "1000", at(10, 34))}, Fields: []ir.Name{name("h", at(10, 22))},
		Aliases: []ir.Alias{{Name: name("u", at(12, 5)),
			Fields: []ir.AliasField{of(name("a", at(12, 9)), name("User", at(12, 12))), of(name("b", at(12, 18)), name("user.name", at(12, 21)))}}},
		Generate: true, Pos: at(4, 1),
	}
	if got := d.Correlation; !reflect.DeepEqual(got, want) || d.Kind != CorrelationRule || len(d.Errors) > 0 {
		t.Errorf("%v\n got %+v\nwant %+v", d.Errors, got, want)
	}
}

// TestCorrelationErrors has the attribute correlation in flow style; it starts
// at 2:14.
func TestCorrelationErrors(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"{type: event_count, rules: a, timespan: 5m, condition: {gte: 1}}", ""},
		{"{type: temporal, rules: [a, b], timespan: 12h}", ""},
		{"{type: temporal_ordered, rules: [a, b], timespan: 1d}", ""},
		{"{type: value_avg, rules: a, timespan: 1s, condition: {field: f, neq: 0}}", ""},
		{"x", "2:14: correlation must be a mapping with type, rules and timespan"},
		{"{}", "2:1: the correlation has no \"type\"\n2:1: the correlation has no \"rules\"\n2:1: the correlation has no \"timespan\""},
		{"{type: evnt_count, rules: a, timespan: 5m, condition: {gte: 1}}", `2:21: unknown correlation type "evnt_count"; did you mean "event_count"?`},
		{"{type: event_count, rules: a, timespan: 5m}", "2:1: a correlation of type event_count needs a condition"},
		{"{type: value_sum, rules: a, timespan: 5m, condition: {gt: 1}}", "2:67: a correlation of type value_sum needs a field in its condition"},
		{"{type: event_count, rules: a, timespan: 5m, condition: {}}", "2:69: the condition of a correlation is a mapping like {gte: 10}"},
		{"{type: event_count, rules: a, timespan: 5m, condition: x}", "2:69: a condition over rules is one of temporal correlations; here it is a mapping like {gte: 10}"},
		{"{type: event_count, rules: a, timespan: 5m, condition: [x]}", "2:69: the condition of a correlation is a mapping like {gte: 10}"},
		{"{type: event_count, rules: a, timespan: 5m, condition: {gte: 1, field: f}}", "2:78: a correlation of type event_count asks for no field"},
		{"{type: value_median, rules: a, timespan: 2w, condition: {field: f, gt: 1}}", ""},
		{"{type: value_count, rules: a, timespan: 5m, condition: {field: [f, g], gte: 3, lte: 5}}", ""},
		{"{type: value_sum, rules: a, timespan: 5m, condition: {field: [f, g], gte: 3}}", "2:67: a correlation of type value_sum asks for one field"},
		{"{type: value_percentile, rules: a, timespan: 5m, condition: {field: f, percentile: 99.9, gte: 3}}", ""},
		{"{type: value_percentile, rules: a, timespan: 5m, condition: {field: f, gte: 3}}", "2:74: a correlation of type value_percentile needs a percentile in its condition, like {field: bytes, percentile: 95, gte: 1000}"},
		{"{type: value_percentile, rules: a, timespan: 5m, condition: {field: f, percentile: 0, gte: 3}}", "2:97: a percentile is above 0 and up to 100"},
		{"{type: value_sum, rules: a, timespan: 5m, condition: {field: f, percentile: 5, gte: 3}}", "2:78: a correlation of type value_sum has no percentile"},
		{"{type: temporal, timespan: 5m, condition: a and not (b-1 or c)}", ""},
		{"{type: temporal, rules: [a, b, c], timespan: 5m, condition: 1 of a* and not c}", `2:42: the condition does not name the rule "b"`},
		{"{type: temporal, rules: [a, b], timespan: 5m, condition: all of them}", ""},
		{"{type: temporal, rules: [a, bee], timespan: 5m, condition: a and bea or bee}", `2:79: no rule in rules is named "bea"; did you mean "bee"?`},
		{"{type: temporal, timespan: 5m, condition: all of them}", "2:56: `all of them` selects nothing: there is no list of names"},
		{"{type: temporal, timespan: 5m, condition: a and}", "2:61: the condition ends where a name is expected"},
		{"{type: temporal, timespan: 5m, condition: a | count() > 5}", `2:58: unexpected "|": ` + "`and` or `or` is expected here"},
		{"{type: temporal, rules: [a, b], timespan: 0m}", "2:56: a timespan of nothing: no two events fall into it"},
		{"{type: temporal, rules: [a, b], timespan: 5300d}", "2:56: the timespan 5300d is longer than 3660 days"},
		{"{type: temporal, rules: [a, b], timespan: 5m, window: session}", `2:60: "window" of a correlation is an extension of one tool: the window of a correlation slides`},
		{"{type: event_count, rules: a, timespan: 5m, condition: {gte: ten}}", "2:75: `gte` needs a number"},
		{"{type: event_count, rules: a, timespan: 5m, condition: {gte: '10'}}", "2:75: `gte` needs a number"},
		{"{type: event_count, rules: a, timespan: 5m, condition: {gte: [1]}}", "2:75: `gte` needs a number"},
		{"{type: event_count, rules: a, timespan: 5m, condition: {get: 1}}", `2:70: unknown attribute "get" of a correlation's condition; did you mean "gt"?`},
		{"{type: temporal, rules: a, timespan: 5 m}", `2:51: the timespan "5 m" is not a number followed by s, m, h, d or w`},
		{"{type: temporal, rules: a, timespan: 5M}", `2:51: the timespan "5M" is not a number followed by s, m, h, d or w`},
		{"{type: temporal, rules: [], timespan: 5m}", "2:1: the list of rules is empty"},
		{"{type: temporal, rules: [[a]], timespan: 5m}", "2:39: a name is expected here"},
		{"{type: temporal, rules: [a, ''], timespan: 5m}", "2:42: a name is expected here"},
		{"{type: temporal, rules: a, timespan: 5m, generate: maybe}", "2:65: generate must be true or false"},
		{"{type: temporal, rules: a, timespan: 5m, generate: [yes]}", "2:65: generate must be true or false"},
		{"{type: temporal, rules: a, timespan: 5m, aliases: x}", "2:64: aliases is a mapping of names to the fields of rules"},
		{"{type: temporal, rules: a, timespan: 5m, aliases: {u: x}}", "2:68: an alias is a mapping of rules to their fields"},
		{"{type: temporal, rules: a, timespan: 5m, groupby: f}", `2:55: unknown attribute "groupby" of a correlation; did you mean "group-by"?`},
		{"{type: temporal, type: temporal, rules: a, timespan: 5m}", `2:31: the key "type" stands twice, first at 2:15`},
	} {
		if got := render(Parse("r.yml", []byte("title: t\ncorrelation: "+tt.in+"\n"))); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.in, got, tt.want)
		}
	}
}

const filterText = `title: f
logsource: {product: p}
filter:
  rules:
    - a
    - b
  selection: {f: x}
  condition: not selection
`

func TestFilter(t *testing.T) {
	for _, tt := range []struct{ src, want string }{
		{filterText, `rules [{a {5 7 0}} {b {6 7 0}}] selection (item f (match f (pattern "x"))) condition (not (ref selection))`},
		{strings.Replace(filterText, "rules:\n    - a\n    - b", "rules: any\n\n", 1), `rules [] selection (item f (match f (pattern "x"))) condition (not (ref selection))`},
		{strings.Replace(filterText, "rules:\n    - a\n    - b", "rules: one\n\n", 1), `rules [{one {4 10 0}}] selection (item f (match f (pattern "x"))) condition (not (ref selection))`},
		{strings.Replace(filterText, "rules:", "<<: {rules: [c], selection: {g: y}}\n  rules:", 1), `rules [{a {6 7 0}} {b {7 7 0}}] selection (item f (match f (pattern "x"))) condition (not (ref selection))`},
		{strings.Replace(filterText, "rules:", "rules: any\n  rules:", 1), `5:3: the key "rules" stands twice, first at 4:3`},
		{strings.Replace(filterText, "rules:\n    - a\n    - b", "rules: All\n\n", 1), `rules [] selection (item f (match f (pattern "x"))) condition (not (ref selection))`},
		{strings.Replace(filterText, "rules:\n    - a\n    - b", "rules: []\n\n", 1), `rules [] selection (item f (match f (pattern "x"))) condition (not (ref selection))`},
		{strings.Replace(filterText, "rules:\n    - a\n    - b", "", 1), `3:1: the filter has no "rules"; rules: any takes all of its log source`},
		{strings.Replace(filterText, "not selection", "[selection, not selection]", 1), "3:1: a filter has one condition, and this one has 2"},
		{strings.Replace(filterText, "selection\n", "slection\n", 1), `8:18: no detection is named "slection"; did you mean "selection"?`},
		{strings.Replace(filterText, "  condition: not selection\n", "", 1), "3:1: detection has no condition"},
		{strings.Replace(filterText, "logsource: {product: p}\n", "\n", 1), `1:1: the attribute "logsource" is missing`},
		{"title: f\nlogsource: {}\nfilter: x\n", "3:9: filter must be a mapping with rules, named parts and a condition"},
	} {
		d := Parse("r.yml", []byte(tt.src)).Documents[0]
		got := render(&Collection{[]*Document{d}})
		if x := d.Filter; x != nil {
			got = fmt.Sprintf("rules %v %s %s condition %s", x.Rules, x.Detections[0].Name, x.Detections[0].Expr, x.Conditions[0].Expr)
		}
		if got != tt.want || d.Kind != FilterRule {
			t.Errorf("%s\n got %s\nwant %s", tt.src, got, tt.want)
		}
	}
}

func TestFilterPolarity(t *testing.T) {
	for condition, want := range map[string]string{
		"not selection": "", "1 of sel* and not selection": "",
		"selection": "[r.yml:8:14: a filter's condition says which events are kept, and this one has no `not`]",
	} {
		d := Parse("r.yml", []byte(strings.Replace(filterText, "not selection", condition, 1))).Documents[0]
		if got := strings.TrimPrefix(fmt.Sprint(d.Warnings), "[]"); got != want || d.Filter == nil {
			t.Errorf("%s: %s", condition, got)
		}
	}
}

// TestBroken holds that a document with errors keeps what could be read of it.
func TestBroken(t *testing.T) {
	const src = "title: T\nid: 1\nlogsource: {category: c}\ndetection:\n  a: {f|nonsense: x}\n  b: {g: y}\n  condition: a and b\nlevel: loud\n"
	d := Parse("r.yml", []byte(src)).Documents[0]
	if len(d.Errors) == 0 || d.Rule != nil || d.Broken == nil || d.Broken.Rule == nil {
		t.Fatalf("%+v", d)
	}
	r := d.Broken.Rule
	if r.Meta.Title != "T" || r.Source.Category != "c" || len(r.Detections) != 2 || r.Detections[1].Name != "b" || r.Detections[1].Expr == nil {
		t.Errorf("%+v", r)
	}
	d = Parse("r.yml", []byte(strings.Replace(correlationText, "value_count", "value_cont", 1))).Documents[0]
	if len(d.Errors) == 0 || d.Broken == nil || d.Broken.Correlation == nil || len(d.Broken.Correlation.Rules) != 2 {
		t.Errorf("%+v", d)
	}
	if d := Parse("r.yml", []byte(correlationText)).Documents[0]; d.Broken != nil {
		t.Errorf("%+v", d.Broken)
	}
}
