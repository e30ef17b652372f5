package pipeline

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"sigmac/internal/irtest"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/targets"
)

// TestErrors holds the place and the text of what is wrong with a file.
func TestErrors(t *testing.T) {
	item := func(s string) string { return "transformations:\n  - " + strings.ReplaceAll(s, "\n", "\n    ") + "\n" }
	post := func(s string) string { return "postprocessing:\n  - " + s + "\n" }
	for _, tt := range []struct{ src, want string }{
		{"", "1:1: the file is empty"},
		{"- a\n", "1:1: a pipeline must be a mapping"},
		{"name: a\n---\nname: b\n", "3:1: a pipeline file holds one document"},
		{"name: [a\n", "1:7: not YAML: the bracket [ is not closed; quote a text that begins with it"},
		{"nmae: a\npriorty: 1\n", "1:1: a pipeline has no key \"nmae\"; did you mean \"name\"?\n2:1: a pipeline has no key \"priorty\"; did you mean \"priority\"?"},
		{"name: a\nname: b\n", `2:1: the key "name" stands twice, first at 1:1`},
		{"priority: high\n", `1:11: "priority" must be a whole number`},
		{"priority: 1.5\n", `1:11: "priority" must be a whole number`},
		{"allowed_backends: splunk\n", `1:19: "allowed_backends" must be a list of texts`},
		{"vars: [a]\n", "1:7: vars must be a mapping of names to values"},
		{"vars: {a: [1, {}]}\n", "1:15: a variable is a text, a number or a list of these"},
		{"vars: {a: true}\n", "1:11: a variable is a text, a number or a list of these"},
		{"transformations: {}\n", "1:18: a list is expected, each entry of it a transformation"},
		{"transformations: [a]\n", "1:19: a transformation must be a mapping"},
		{item("id: a"), `2:5: the key "type" is missing`},
		{item("type: field_name_maping"), `2:11: "field_name_maping" is no type of a transformation; did you mean "field_name_mapping"?`},
		{item("type: field_name_mapping\nmaping: {a: b}"), "2:5: the key \"mapping\" is missing\n3:5: the transformation field_name_mapping has no key \"maping\"; did you mean \"mapping\"?"},
		{item("type: field_name_mapping\nmapping: {a: {b: c}}"), `3:18: "mapping" must be a text or a list of texts`},
		{item("type: field_name_mapping\nmapping: {a: ''}"), "3:14: the mapping gives a field without a name"},
		{item("type: field_name_prefix_mapping\nmapping: {null: ''}"), "3:14: the mapping gives a field without a name"},
		{item("type: field_name_transform\nmapping: {}\ntransform_func: f"), "2:11: field_name_transform needs a Python function, which a file cannot hold; use field_name_mapping, field_name_prefix_mapping, field_name_prefix or field_name_suffix"},
		{item("type: drop_detection_item\nrule_conditions: [{type: logsourc}]"), `3:30: "logsourc" is no type of a rule condition; did you mean "logsource"?`},
		{item("type: drop_detection_item\nrule_conditions: [{type: logsource}]"), "3:23: a log source needs category, product or service"},
		{item("type: drop_detection_item\nrule_cond_op: xor"), `3:19: "xor" is none of and and or; did you mean "or"?`},
		{item("type: drop_detection_item\ndetection_item_conditions: [{type: is_null, cond: some}]"), `3:55: "some" is none of any and all`},
		{item("type: drop_detection_item\ndetection_item_conditions: [{type: is_null}]"), `3:33: the key "cond" is missing`},
		{item("type: drop_detection_item\nfield_name_conditions: {a: {type: processing_state, key: k, val: 1}}"), `3:28: named conditions need "field_name_cond_expr", which links them`},
		{item("type: drop_detection_item\nrule_cond_expr: a"), `3:21: "rule_cond_expr" needs "rule_conditions"`},
		{item("type: drop_detection_item\nrule_cond_op: or\nrule_cond_expr: a\nrule_conditions: {a: {type: is_sigma_rule}}"), `3:19: "rule_cond_op" and "rule_cond_expr" say different things`},
		{item("type: drop_detection_item\nrule_cond_expr: a\nrule_conditions: [{type: is_sigma_rule}]"), `4:22: with "rule_cond_expr" the conditions are a mapping of names to conditions`},
		{item("type: set_state\nkey: a\nval: b\nrule_cond_expr: 'a and'\nrule_conditions: {a: {type: is_sigma_rule}}"), "5:27: the expression ends where a condition is expected"},
		{item("type: set_state\nkey: a\nval: b\nrule_cond_expr: a b\nrule_conditions: {a: {type: is_sigma_rule}}"), "5:23: unexpected \"b\": `and` or `or` is expected here"},
		{item("type: set_state\nkey: a\nval: b\nrule_cond_expr: (abc or abd)\nrule_conditions: {abc: {type: is_sigma_rule}}"), `5:29: no condition is named "abd"; did you mean "abc"?`},
		{item("type: set_state\nkey: a\nval: b\nrule_cond_expr: (a\nrule_conditions: {a: {type: is_sigma_rule}}"), "5:23: a parenthesis is not closed"},
		{item("type: set_state\nkey: a\nval: b\nrule_cond_expr: a\nrule_conditions: {a: {type: is_sigma_rule}, b: {type: is_sigma_rule}}"), `5:21: the expression does not use the condition "b"`},
		{item("type: set_state\nkey: a\nval: b\ndetection_item_conditions: [{type: is_null, cond: any}]"), "2:5: set_state looks at rule conditions only"},
		{item("type: replace_string\nregex: 'a(b'\nreplacement: c"), "3:14: not a regular expression: the group has no `)`"},
		{item("type: replace_string\nregex: 'a(?<x>b)'\nreplacement: c"), "3:14: not a regular expression: a named group is written (?P<name>…)"},
		{item(`type: replace_string` + "\n" + `regex: '(?P<name>a)'` + "\n" + `replacement: 'x\g<nome>\2\q'`), "4:20: the pattern has no group \"nome\"; did you mean \"name\"?\n4:28: the pattern has no group \"2\"\n4:30: \\q has no meaning in a replacement; a backslash is \\\\"},
		{item("type: replace_string\nregex: a\nreplacement: b\ninterpret_special: true"), "2:5: interpret_special belongs to skip_special; without that, wildcards are read anyway"},
		{item("type: extract_fields\nregex: (a)"), "3:12: the pattern has no named group, (?P<name>…)"},
		{item("type: hashes_fields\nvalid_hash_algos: [MD5]\ndrop_algo_prefix: true"), "2:5: drop_algo_prefix without field_prefix leaves no field name"},
		{item("type: set_value\nvalue: a\nforce_type: num"), `3:12: "a" is no number`},
		{item("type: convert_type\ntarget_type: int"), `3:18: "int" is none of str and num`},
		{item("type: regex\nmethod: ignore_case"), `3:13: "ignore_case" is none of plain, ignore_case_flag and ignore_case_brackets`},
		{item("type: wildcard_placeholders\ninclude: [a]\nexclude: [b]"), "4:14: an item has include or exclude, not both"},
		{item("type: file_placeholders\npath: ../x"), `3:11: "../x" must be a path below the pipeline's folder, without . and ..`},
		{item("type: file_placeholders\npath: x\nformat: csv"), "2:5: csv needs csv_column"},
		{item("type: file_placeholders\npath: x\nformat: json\njq_expression: '.['"), "5:20: not a jq expression: unexpected EOF"},
		{item("type: file_placeholders\npath: x\nformat: json"), "2:5: json needs jq_expression"},
		{item("type: http_placeholders\nurl: ''\nallow_external_sources: true"), "3:10: \"url\" is empty\n4:29: \"allow_external_sources\" cannot be given in a file; the program that loads the pipeline says so"},
		{item("type: command_placeholders\ncmd: []\ntimeout: 0"), "3:10: \"cmd\" is empty\n4:14: \"timeout\" must be a whole number above 0"},
		{item("type: query_expression_placeholders\nexpression: '{x}'"), "3:18: the expression knows {field} and {id}"},
		{item("type: add_condition"), "2:5: add_condition without conditions adds nothing"},
		{item("type: add_condition\nconditions: {a|contians: b}"), `3:20: unknown modifier "contians"; did you mean "contains"?`},
		{item("type: add_condition\nname: a b\nconditions: {a: b}"), `3:11: "a b" cannot be the name of a detection`},
		{item("type: rule_failure"), `2:5: the key "message" is missing`},
		{item("type: set_custom_attribute\nattribute: title\nvalue: x"), `3:16: "title" is no custom attribute`},
		{item("type: nest\nitems: [{type: x}]"), `3:20: "x" is no type of a transformation`},
		{item("type: rule_failure\nmessage: m\nrule_conditions: [{type: rule_attribute, attribute: level, value: hihg}]"), `4:71: "hihg" is none of informational, low, medium, high and critical; did you mean "high"?`},
		{item("type: rule_failure\nmessage: m\nrule_conditions: [{type: rule_attribute, attribute: date, value: x}]"), `4:70: "x" is no date like 2026-01-31`},
		{item("type: rule_failure\nmessage: m\nrule_conditions: [{type: rule_attribute, attribute: tags, value: x}]"), `4:70: "eq" does not fit the attribute "tags"`},
		{item("type: rule_failure\nmessage: m\nrule_conditions: [{type: rule_attribute, attribute: title, value: x, op: gt}]"), `4:71: the attribute "title" has no order`},
		{post("{type: embd}"), `2:12: "embd" is no type of a postprocessing item; did you mean "embed"?`},
		{post("{type: embed, field_name_conditions: []}"), `2:19: the postprocessing item embed has no key "field_name_conditions"; did you mean "rule_conditions"?`},
		{post("{type: json, json_template: '{'}"), "2:33: json_template is not JSON"},
		{post("{type: simple_template, template: '{quer} {rule.titel} {'}"), "2:40: \"quer\" is none of query, rule and pipeline; did you mean \"query\"?\n2:47: rule has no \"titel\"; did you mean \"title\"?\n2:60: a single brace; a literal one is written twice"},
		{post("{type: template, template: x, vars: v.py}"), "2:41: vars of a template are a Python file, which is not run; put them into the vars of the pipeline"},
		{post("{type: template, template: '{% if %}'}"), "2:32: not a template: "},
		{"finalizers: [{type: concatt}]\n", `1:21: "concatt" is no type of a finalizer; did you mean "concat"?`},
		{"finalizers: [{type: json, indent: 99}]\n", "1:35: indent is a whole number up to 9"},
		{"transformations: " + strings.Repeat("[{type: nest, items: ", 12) + "[]" + strings.Repeat("}]", 12), "1:249: nested more than 10 deep"},
	} {
		p, errs := Parse("p", []byte(tt.src))
		var got []string
		for _, e := range errs {
			got = append(got, strings.TrimPrefix(e.Error(), "p:"))
			if wrong := irtest.Spanned(tt.src, e); wrong != "" {
				t.Errorf("%s\n%s: %s", tt.src, e, wrong)
			}
		}
		if s := strings.Join(got, "\n"); s != tt.want && !(strings.HasSuffix(tt.want, ": ") && strings.HasPrefix(s, tt.want)) || p != nil {
			t.Errorf("%s\ngot\n%s\nwant\n%s", tt.src, s, tt.want)
		}
	}
}

// TestSpans breaks pipelines word by word, and holds that each diagnostic has the place of
// what it is about.
func TestSpans(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	said := 0
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, section := range a.Files {
			if !strings.HasPrefix(section.Name, "pipeline") {
				continue
			}
			for src := range irtest.Broken(string(section.Data)) {
				_, errs := Parse("p", []byte(src))
				for _, e := range errs {
					if said++; irtest.Spanned(src, e) != "" {
						t.Errorf("%s: %+v\n%s\n%s", file, e, irtest.Spanned(src, e), src)
					}
				}
			}
		}
	}
	if said < 1000 {
		t.Errorf("only %d diagnostics", said)
	}
}

const rule = "title: t\nlogsource: {product: windows}\ndetection:\n  s: {%s}\n  condition: s\n"

// applied is what a pipeline makes of a detection, or its error.
func applied(t *testing.T, src, detection string, o Options) string {
	t.Helper()
	p, errs := Parse("p", []byte(src))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	d := parser.Parse("r", fmt.Appendf(nil, rule, detection)).Documents[0]
	if len(d.Errors) > 0 {
		t.Fatal(d.Errors)
	}
	r, _, err := p.Apply(ir.ExpandBase64Offset(ir.ExpandWindash(d.Rule)), o)
	if err != nil {
		return located(err)
	}
	return r.Detections[0].Expr.String()
}

// TestLinking holds how conditions link, empty lists among them.
func TestLinking(t *testing.T) {
	const (
		yes = "{type: processing_state, key: k, val: 1}"
		no  = "{type: processing_state, key: k, val: 2}"
	)
	list := func(cs ...string) string { return "_conditions: [" + strings.Join(cs, ", ") + "]" }
	names := "_conditions: {y: " + yes + ", n: " + no + "}"
	for _, tt := range []struct {
		link       string // @ is the kind
		rule, item bool
	}{
		{"", true, true},
		{"@" + list(), true, true},
		{"@_cond_not: true", true, false}, // no rule conditions: every rule
		{"@" + list() + "\n@_cond_not: true", true, false},
		{"@_cond_op: or", true, false},
		{"@_cond_op: or\n@_cond_not: true", true, true},
		{"@" + list(yes), true, true},
		{"@" + list(no), false, false},
		{"@" + list(yes, no), false, false},
		{"@" + list(yes, no) + "\n@_cond_op: and", false, false},
		{"@" + list(yes, no) + "\n@_cond_op: or", true, true},
		{"@" + list(no, no) + "\n@_cond_op: or", false, false},
		{"@" + list(yes, no) + "\n@_cond_op: or\n@_cond_not: true", false, false},
		{"@" + list(yes, no) + "\n@_cond_not: true", true, true},
		{"@" + names + "\n@_cond_expr: y and n", false, false},
		{"@" + names + "\n@_cond_expr: y or n", true, true},
		{"@" + names + "\n@_cond_expr: y and not n", true, true},
		{"@" + names + "\n@_cond_expr: not (y and not n)", false, false},
		{"@" + names + "\n@_cond_expr: not y or y and not not n or y", true, true},
		{"@" + names + "\n@_cond_expr: (n or y) and n", false, false},
		{"@" + names + "\n@_cond_expr: y and n\n@_cond_not: true", true, true},
	} {
		for _, kind := range []string{"rule", "detection_item", "field_name"} {
			src := "transformations:\n  - {type: set_state, key: k, val: 1}\n  - type: field_name_suffix\n    suffix: x\n"
			if tt.link != "" {
				src += "    " + strings.ReplaceAll(strings.ReplaceAll(tt.link, "@", kind), "\n", "\n    ") + "\n"
			}
			want, holds := "(item f (match f (= 1)))", tt.item
			if kind == "rule" {
				holds = tt.rule
			}
			if holds {
				want = "(item fx (match fx (= 1)))"
			}
			if got := applied(t, src, "f: 1", Options{}); got != want {
				t.Errorf("%s: got %s, want %s", src, got, want)
			}
		}
	}
}

// TestExternal holds that commands and connections need permission, and work
// with it.
func TestExternal(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b := make([]byte, 100)
		n, _ := r.Body.Read(b)
		fmt.Fprintf(w, "%s\n%s\n%s\n%s\n", r.Method, r.URL.RawQuery, r.Header.Get("X-K"), b[:n])
	}))
	defer s.Close()
	web := "transformations:\n  - {type: http_placeholders, url: '" + s.URL + "', method: POST, params: {q: 1}, headers: {X-K: v}, timeout: 5, "
	for _, tt := range []struct{ src, refused, want string }{
		{web + "json_body: {a: [1, x]}}\n", "http_placeholders", `"POST" "q=1" "v" "{\"a\":[1,\"x\"]}"`},
		{web + "form_data: {a: b}}\n", "http_placeholders", `"POST" "q=1" "v" "a=b"`},
		{web + "max_body_size: 3}\n", "http_placeholders", "error more than 3 bytes"},
		{"transformations:\n  - {type: command_placeholders, cmd: 'echo a; echo b'}\n", "command_placeholders", `"a" "b"`},
		{"transformations:\n  - {type: command_placeholders, cmd: [echo, 'a b'], max_stdout: 9, timeout: 9}\n", "command_placeholders", `"a b"`},
		{"transformations:\n  - {type: command_placeholders, cmd: [echo, 'a b'], max_stdout: 2}\n", "command_placeholders", "error more than 2 bytes"},
		{"transformations:\n  - {type: command_placeholders, cmd: [sleep, '60'], timeout: 1}\n", "command_placeholders", "error killed"},
	} {
		const d = "f|expand: '%x%'"
		want := "4:17 p:2:5: " + tt.refused + " reaches outside, which must be allowed first"
		if got := applied(t, tt.src, d, Options{}); got != want {
			t.Errorf("%s: got %s, want %s", tt.src, got, want)
		}
		got := applied(t, tt.src, d, Options{AllowExternal: true})
		for _, w := range strings.SplitAfter(strings.TrimPrefix(tt.want, "error "), `" `) {
			if !strings.Contains(got, strings.TrimSpace(w)) {
				t.Errorf("%s: got %s, want %s", tt.src, got, tt.want)
			}
		}
	}
}

// TestRefused holds the errors of applying and finishing.
func TestRefused(t *testing.T) {
	defer func(n int) { maxMatchSteps = n }(maxMatchSteps)
	maxMatchSteps = 1_000_000
	for _, tt := range []struct{ src, detection, want string }{
		{"allowed_backends: [kusto]", "f: 1", "2:1 p: the pipeline is for kusto, not for splunk"},
		{"transformations: [{type: value_placeholders}]", "f|expand: '%x%'", `4:17 p:1:19: no variable is named "x", and the value %x% needs it`},
		{"vars: {x: '('}\ntransformations: [{type: value_placeholders}]", "f|re|expand: '%x%'", "4:20 p:2:19: with its placeholders filled: regular expression at byte 0: the group has no `)`"},
		{"transformations: [{type: query_expression_placeholders, expression: e}]", "f|expand: '%x%'", "4:17 p:1:19: the placeholder %x% becomes a piece of query language, which cannot be checked"},
		{"transformations: [{type: regex}]", "f|expand: 'a%x%'", "4:17 p:1:19: the placeholder %x% has no value yet, and a regular expression of it would have no meaning"},
		{"transformations: [{type: replace_string, regex: '(a+)+$', replacement: b}]", "f: " + strings.Repeat("a", 40) + "b", "4:10 p:1:19: the regular expressions of the pipeline take too many steps"},
		{"transformations: [{type: set_state, key: k, val: x}, {type: rule_failure, message: m, rule_conditions: [{type: processing_state, key: k, val: 1, op: lt}]}]", "f: 1", "2:1 p:1:54: the state k has no order against 1"},
		{"transformations: [{type: set_state, key: extend, val: {c: 1}}]", "f: 1", "2:1 : the column c of the state extend is neither an expression nor a mapping with type and is"},
		{"transformations: [{type: set_state, key: suppose, val: {n: [x]}}]", "f: 1", "2:1 : n of the state suppose is no predicate"},
		{"transformations: [{type: add_condition, name: s, conditions: {a: 1}}]", "f: 1", `2:1 p:1:19: the rule has a detection named "s" already`},
		{"transformations: [{type: field_name_mapping, mapping: {f: [" + strings.Repeat("x, ", 600) + "x]}}]", "f: [" + strings.Repeat("1, ", 200) + "1]", "2:1 p:1:19: the item makes more than 100000 values of this rule's"},
		{"transformations: [" + strings.Repeat("{type: replace_string, regex: a, replacement: "+strings.Repeat("a", 2000)+"}, ", 2) + "]", "f: a", "4:10 p:1:2068: a replacement makes more than 1048576 bytes"},
		{"transformations: [" + strings.Repeat("{type: replace_string, regex: a, replacement: "+strings.Repeat("a", 1000)+"}, ", 2) + "]", "f: [a, a, a]", "4:14 p:1:1068: the replacements of the pipeline add more than 1048576 bytes to this rule's values"},
		{"transformations: [" + strings.Repeat("{type: replace_string, regex: x, replacement: y}, ", 20) + "]", "f: " + strings.Repeat("a", 1<<17), "4:10 p:1:169: the regular expressions of the pipeline take too many steps"},
		{"transformations: [{type: field_name_mapping, mapping: {f: []}}]", "f: 1", `4:3 p:1:19: the detection "s" has no item left, and the condition needs it`},
	} {
		if got := applied(t, tt.src, tt.detection, Options{Target: targets.Must("splunk")}); got != tt.want {
			t.Errorf("%s: got\n%s\nwant\n%s", tt.src, got, tt.want)
		}
	}
	for _, tt := range []struct{ src, want string }{
		{"{% macro m(x) %}{{ m(x) }}{% endmacro %}{{ m(1) }}", "nested more than 200 deep"},
		{"{% for i in range(1000) %}{% for j in range(1000) %}x{% endfor %}{% endfor %}", "more than 100000 numbers"},
		{"{% include 'x' %}", "includes no file"},
		{"{% for i in range(20000) %}{{ query }}{% endfor %}", "more than 64 MiB"},
	} {
		p, errs := Parse("p", []byte("postprocessing: [{type: template, template: \""+tt.src+"\"}]"))
		if len(errs) > 0 {
			t.Error(errs)
			continue
		}
		_, err := p.Finish(&ir.Rule{}, []string{strings.Repeat("q", 10_000)}, nil, Options{})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %.300v, want %s", tt.src, err, tt.want)
		}
	}
}

// TestPostBounded holds that templates which double the query end with an error.
func TestPostBounded(t *testing.T) {
	for _, tt := range []struct{ src, want string }{
		{"{type: simple_template, template: '{query}{query}{query}{query}'}", "the template makes more than 64 MiB"},
		{"{type: json, json_template: '[\"%QUERY%\", \"%QUERY%\", \"%QUERY%\", \"%QUERY%\"]'}", "the template makes more than 64 MiB"},
		{"{type: replace, pattern: q, replacement: " + strings.Repeat("q", 2000) + "}", "a replacement makes more than 1048576 bytes"},
	} {
		p, errs := Parse("p", []byte("postprocessing: ["+strings.Repeat(tt.src+", ", 60)+"]"))
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		query := "q"
		if strings.Contains(tt.src, "json") {
			query = "%QUERY%"
		}
		if _, err := p.Finish(&ir.Rule{}, []string{query}, nil, Options{}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %s", tt.src, err, tt.want)
		}
	}
	p, errs := Parse("p", []byte("finalizers: [{type: concat, separator: "+strings.Repeat("x", 1<<16)+"}]"))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	if _, err := p.Finalize(make([]string, 1<<13), Options{}); err == nil || !strings.Contains(err.Error(), "the separators make more than 256 MiB") {
		t.Error(err)
	}
}

func TestRewrites(t *testing.T) {
	for src, want := range map[string]bool{
		"postprocessing: []": false,
		"postprocessing: [{type: json, json_template: '1'}]":                                   false,
		"postprocessing: [{type: embed}]":                                                      false,
		"postprocessing: [{type: embed, prefix: x}]":                                           true,
		"postprocessing: [{type: nest, items: [{type: replace, pattern: a, replacement: b}]}]": true,
	} {
		p, errs := Parse("p", []byte(src))
		if len(errs) > 0 || Join(p).Rewrites() != want {
			t.Errorf("%s: want %v %v", src, want, errs)
		}
	}
}

// TestWritten holds that a pattern survives being written and read.
func TestWritten(t *testing.T) {
	for _, s := range []string{`a\b`, `\\\\server\x`, `C:\*`, `C:\\*`, `a\*b\?`, `\\\*`, `\\\\*`, `x\\?`, `*`, `é\`} {
		p := parser.Text(s)
		if got := unwritten(written(p), nil); got.String() != p.String() {
			t.Errorf("%s: %s is read as %s, not %s", s, written(p), got, p)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("name: a\ntransformations: [{type: replace_string, regex: '(a)', replacement: '\\1'}]\n")
	f.Add("transformations: [{type: nest, items: [{type: add_condition, conditions: {a|windash: -x}}]}]\n")
	f.Add("postprocessing: [{type: simple_template, template: '{query}'}]\nfinalizers: [{type: nested, finalizers: [{type: json}]}]\n")
	f.Add("postprocessing: [{type: template, template: '{% if a %}{{ b|upper }}{% endif %}'}]")
	f.Fuzz(func(t *testing.T, src string) {
		p, errs := Parse("p", []byte(src))
		if (p == nil) == (len(errs) == 0) {
			t.Fatal(p, errs)
		}
		for _, e := range errs {
			if e.Pos.Line < 1 || e.Pos.Column < 1 || e.Msg == "" {
				t.Fatal(e)
			}
		}
		if p == nil {
			return
		}
		d := parser.Parse("r", fmt.Appendf(nil, rule, "f: [a*, 1], g|re: x, 'h|expand': '%x%'")).Documents[0]
		out, _, err := p.Apply(d.Rule, Options{})
		if err == nil {
			if err := ir.Check(out, ir.NoBase64); err != nil {
				t.Fatal(err)
			}
		}
	})
}
