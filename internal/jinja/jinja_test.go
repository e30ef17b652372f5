package jinja

import (
	"io/fs"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
)

// executed is what a template makes of the query q, or its error.
func executed(src string, files fstest.MapFS) (string, error) {
	t := Template{Name: "template", Read: func(name string) ([]byte, error) {
		if name == "template" {
			return []byte(src), nil
		}
		return fs.ReadFile(files, name)
	}}
	return t.Execute(map[string]any{"query": "q", "queries": []any{"q"}, "rule": map[string]any{"logsource": map[string]any{"product": ""}}})
}

// TestTemplates holds what statements and expressions make.
func TestTemplates(t *testing.T) {
	for src, want := range map[string]string{
		"{{ query }}": "q",
		"{{ 1 + 2 * 3 }} {{ 'a' ~ 1 }} {{ 'ab' * 2 }} {{ 7 // 2 }} {{ -1 }}":                                                              "7 a1 abab 3 -1",
		"{{ 'a' if query == 'q' else 'b' }}{{ 'x' if false }}":                                                                            "a",
		"{{ '' or 'y' }}{{ 1 and 2 }}{{ not true }}":                                                                                      "y2False",
		"{% if query == 'x' %}a{% elif query == 'q' %}b{% else %}c{% endif %}":                                                            "b",
		"{% if false %}a{% else %}c{% endif %}":                                                                                           "c",
		"{% for x in [1, 2, 3] if x != 2 %}{{ loop.index }}:{{ x }}{% if not loop.last %},{% endif %}{% endfor %}":                        "1:1,2:3",
		"{% for k, v in {'a': 1, 'b': 2} %}{{ k }}={{ v }};{% endfor %}":                                                                  "a=1;b=2;",
		"{% for a, b in [[1, 2], [3, 4]] %}{{ a + b }} {% endfor %}":                                                                      "3 7 ",
		"{% for x in [] %}a{% else %}none{% endfor %}":                                                                                    "none",
		"{% for x in [1,2,3,4] %}{% if x == 2 %}{% continue %}{% endif %}{% if x == 4 %}{% break %}{% endif %}{{ x }}{% endfor %}":        "13",
		"{% for x in 'ab' %}{{ loop.cycle('o', 'e') }}{{ loop.revindex }}{% endfor %}":                                                    "o2e1",
		"{% set x = 'v' %}{{ x }}{% set y %}<{{ x }}>{% endset %}{{ y }}":                                                                 "v<v>",
		"{% set ns = namespace(n=0) %}{% for i in range(3) %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}":                             "3",
		"{% macro m(a, b='d') %}{{ a }}{{ b }}{% endmacro %}{{ m(1) }}{{ m(1, 2) }}{{ m(b=3, a=4) }}":                                     "1d1243",
		"{% macro m() %}{{ varargs }}{% endmacro %}{% macro n(*xs, **ks) %}{{ xs | length }}{{ ks.k }}{% endmacro %}{{ n(1, 2, k='v') }}": "2v",
		"{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}{{ a }}":                                                                          "3",
		"{% filter upper %}a{{ query }}{% endfilter %}":                                                                                   "AQ",
		"{% raw %}{{ x }}{% endraw %}":                                                                                                    "{{ x }}",
		"{% autoescape true %}{{ '<' }}{% endautoescape %}{{ '<' }}":                                                                      "&lt;<",
		"{{ [3, 1, 2] | sort | join('-') }} {{ ['a', 'b'] | map('upper') | list }}":                                                       "1-2-3 ['A', 'B']",
		"{{ 'a,b'.split(',') | last }} {{ 'abc'[1:] }} {{ 'abc'[0] }} {{ 'x' is string }} {{ 2 in [1, 2] }}":                              "b bc a True True",
		"{{ x | default('d') }}{{ rule.logsource.product }}{# c #}":                                                                       "d",
		"{% set l = [1] %}{% do l.append(2) %}{{ l | length }}":                                                                           "2",
		"{{ 'a<b' | e }} {{ 'x' | replace('x', 'yy') }} {{ 'x' | center(3) }}|":                                                           "a&lt;b yy  x |",
		"{%- set x = [] -%}\n{%- if query -%}{%- set _ = x.append(query) -%}{%- endif -%}\n{%- for i in [1, 2] -%}{%- if i > 1 -%}{%- do x.append(i) -%}{%- endif -%}{%- endfor -%}\n{{ x | join(',') }}": "q,2",
		"{% set x = [] %}{% set y = x %}{% macro m(v) %}{% do x.append(v) %}{% endmacro %}{{ m(1) }}{{ x }}{{ y }}":                                                                                       "[1][1]",
		"{% set x = [1] %}{% for i in [2] %}{% set x = x + [i] %}{{ x }}{% endfor %}{{ x }}":                                                                                                              "[1, 2][1]",
		"{% set ns = namespace(l=[]) %}{% for i in [1, 2] %}{% do ns.l.append(i) %}{% endfor %}{% set ns.m = [] %}{% do ns.m.append(3) %}{{ ns.l }}{{ ns.m }}":                                            "[1, 2][3]",
		"{% for i in [1] %}{% do queries.append(i) %}{% endfor %}{{ queries }}":                                                                                                                           "['q', 1]",
		"{% set x = {'a': []} %}{% do x.a.append(1) %}{{ x }}":                                                                                                                                            "{'a': [1]}",
		"a  {%- if true %} b {% endif -%}  c": "a b c",
	} {
		if got, err := executed(src, nil); err != nil || got != want {
			t.Errorf("%s: got %q, want %q %v", src, got, want, err)
		}
	}
}

// TestTemplatesBounded holds that a template that is made to take all memory, all
// time or the stack ends with an error, having allocated little.
func TestTemplatesBounded(t *testing.T) {
	defer func(n int) { maxSteps = n }(maxSteps)
	maxSteps = 100_000
	double := func(n int, step string) string { return strings.Repeat("{% set x = "+step+" %}", n) }
	files := fstest.MapFS{"self": {Data: []byte("{% include 'self' %}")}, "two": {Data: []byte("{% include 'two' ignore missing %}{% include 'two' ignore missing %}")}}
	for _, tt := range []struct{ src, want string }{
		{"{% macro m(x) %}{{ m(x) }}{% endmacro %}{{ m(1) }}", "nested more than 200 deep"},
		{"{% macro a(x) %}{{ b(x) }}{% endmacro %}{% macro b(x) %}{{ a(x) }}{{ a(x) }}{% endmacro %}{{ a(1) }}", "nested more than 200 deep"},
		{"{% macro m(n) %}{% if n > 0 %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}", "more than 100000 steps"},
		{"{% macro m(f) %}{{ f(f) }}{% endmacro %}{{ m(m) }}", "nested more than 200 deep"},
		{"{% block a %}{{ self.a() }}{% endblock %}", "'block' not found"},
		{"{% extends 'a' %}", "'extends' not found"},
		{"{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}", "a recursive loop is not supported"},
		{"{{ [1] | slice(2000000000) }}", "slice takes no number above 100000"},
		{"{{ [1] | batch(2000000000, 'x') | list }}", "takes no number above"},
		{"{{ 'a' | center(2000000000) }}", "center takes no number above"},
		{"{% set x = 'a' * 60000000 %}", "more than 100000 steps"},
		{"{{ 'a'.ljust(2000000000) }}", "ljust takes no number above"},
		{"{{ ['a'] | map('center', 2000000000) | list }}", "map takes no number above"},
		{"{{ 'a' * 2000000000 }}", "cannot be repeated 2000000000 times"},
		{"{{ 'ab' * 90000000 }}", "cannot be repeated"},
		{"{{ '%999999999d' | format(1) }}", "no width of more than three digits"},
		{"{{ '{:>99999}'.format(1) }}", "no width of more than three digits"},
		{"{% set x = query %}" + double(60, "x ~ x"), "more than 100000 steps"},
		{"{% set x = [query] %}" + double(60, "[x, x]"), "more than 100000 steps"},
		{"{% set x = [query] %}" + double(60, "x + x"), "more than 100000 steps"},
		{"{% set x = {} %}" + double(120, "{'a': x}") + "{{ x }}", "nested more than 100 deep"},
		{"{% set x = 'aaaaaaaa' %}" + double(12, "x | replace('a', x)"), "more than 100000 steps"},
		{"{% set x = 'aaaaaaaa' %}" + double(12, "x | list | join(x)"), "more than 100000 steps"},
		{"{% set n = namespace() %}{% set n.a = n %}{{ n }}", "nested more than 100 deep"},
		{"{% set x = [] %}{% set y = [x, x] %}{% do x.append(y) %}{% do x.append(y) %}", "nested more than 100 deep"},
		{"{% set x = ['a'] %}{% for i in range(90000) %}{% do x.append(i) %}{% endfor %}", "more than 100000 steps"},
		{"{% set x = {} %}{% do x.update({'a': 1}) %}", "a mapping is not changed by update"},
		{"{% set r = range(90000) %}{% for a in r %}{% for b in r %}{% endfor %}{% endfor %}", "more than 100000 steps"},
		{"{% set r = range(90000) %}{% for a in r %}{% for b in r if false %}{% endfor %}{% endfor %}", "more than 100000 steps"},
		{"{% set r = range(90000) %}{{ r | unique | list | length }}", "more than 100000 steps"},
		{"{% set r = range(90000) %}{% for a in r %}{{ r | list == r }}{% endfor %}", "more than 100000 steps"},
		{"{{ range(2000000000) }}", "range gives more than 100000 numbers"},
		{"{{ lipsum(n=100000, max=100000) }}", "not callable"},
		{"{% include 'self' %}", "more than 100 files"},
		{"{% include 'two' %}", "more than 100 files"},
		{strings.Repeat("{% if true %}", 300) + strings.Repeat("{% endif %}", 300), "nested more than 200 deep"},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		out, err := executed(tt.src, files)
		runtime.ReadMemStats(&after)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%.100s: got %.40q and %.300v, want %s", tt.src, out, err, tt.want)
		}
		if made := after.TotalAlloc - before.TotalAlloc; made > 6<<30 {
			t.Errorf("%.100s: %d MiB were allocated", tt.src, made>>20)
		}
	}
}
