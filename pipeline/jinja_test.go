package pipeline

import (
	"fmt"
	"io/fs"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

	"sigmac/ir"
)

// finished is what a template makes of the query q, or its error.
func finished(src string, o Options) (out string, err error) {
	file := "postprocessing:\n  - type: template\n    template: " + fmt.Sprintf("%q", src) + "\n"
	if o.Files != nil {
		file += "    path: .\n"
	}
	p, errs := Parse("p", []byte(file))
	if len(errs) > 0 {
		return "", fmt.Errorf("%s", errs[0])
	}
	queries, err := p.Finish(&ir.Rule{}, []string{"q"}, nil, o)
	if err != nil {
		return "", err
	}
	return queries[0], nil
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
		"a  {%- if true %} b {% endif -%}  c":                                                                                             "a b c",
	} {
		if got, err := finished(src, Options{}); err != nil || got != want {
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
	files := Options{Files: func(string) fs.FS {
		return fstest.MapFS{"self": {Data: []byte("{% include 'self' %}")}, "two": {Data: []byte("{% include 'two' ignore missing %}{% include 'two' ignore missing %}")}}
	}}
	for _, tt := range []struct {
		src, want string
		o         Options
	}{
		{src: "{% macro m(x) %}{{ m(x) }}{% endmacro %}{{ m(1) }}", want: "nested more than 200 deep"},
		{src: "{% macro a(x) %}{{ b(x) }}{% endmacro %}{% macro b(x) %}{{ a(x) }}{{ a(x) }}{% endmacro %}{{ a(1) }}", want: "nested more than 200 deep"},
		{src: "{% macro m(n) %}{% if n > 0 %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}", want: "more than 100000 steps"},
		{src: "{% macro m(f) %}{{ f(f) }}{% endmacro %}{{ m(m) }}", want: "nested more than 200 deep"},
		{src: "{% block a %}{{ self.a() }}{% endblock %}", want: "'block' not found"},
		{src: "{% extends 'a' %}", want: "'extends' not found"},
		{src: "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}", want: "a recursive loop is not supported"},
		{src: "{{ [1] | slice(2000000000) }}", want: "slice takes no number above 100000"},
		{src: "{{ [1] | batch(2000000000, 'x') | list }}", want: "takes no number above"},
		{src: "{{ 'a' | center(2000000000) }}", want: "center takes no number above"},
		{src: "{% set x = 'a' * 60000000 %}", want: "more than 100000 steps"},
		{src: "{{ 'a'.ljust(2000000000) }}", want: "ljust takes no number above"},
		{src: "{{ ['a'] | map('center', 2000000000) | list }}", want: "map takes no number above"},
		{src: "{{ 'a' * 2000000000 }}", want: "cannot be repeated 2000000000 times"},
		{src: "{{ 'ab' * 90000000 }}", want: "cannot be repeated"},
		{src: "{{ '%999999999d' | format(1) }}", want: "no width of more than three digits"},
		{src: "{{ '{:>99999}'.format(1) }}", want: "no width of more than three digits"},
		{src: "{% set x = query %}" + double(60, "x ~ x"), want: "more than 100000 steps"},
		{src: "{% set x = [query] %}" + double(60, "[x, x]"), want: "more than 100000 steps"},
		{src: "{% set x = [query] %}" + double(60, "x + x"), want: "more than 100000 steps"},
		{src: "{% set x = {} %}" + double(120, "{'a': x}") + "{{ x }}", want: "nested more than 100 deep"},
		{src: "{% set x = 'aaaaaaaa' %}" + double(12, "x | replace('a', x)"), want: "more than 100000 steps"},
		{src: "{% set x = 'aaaaaaaa' %}" + double(12, "x | list | join(x)"), want: "more than 100000 steps"},
		{src: "{% set n = namespace() %}{% set n.a = n %}{{ n }}", want: "nested more than 100 deep"},
		{src: "{% set r = range(90000) %}{% for a in r %}{% for b in r %}{% endfor %}{% endfor %}", want: "more than 100000 steps"},
		{src: "{% set r = range(90000) %}{% for a in r %}{% for b in r if false %}{% endfor %}{% endfor %}", want: "more than 100000 steps"},
		{src: "{% set r = range(90000) %}{{ r | unique | list | length }}", want: "more than 100000 steps"},
		{src: "{% set r = range(90000) %}{% for a in r %}{{ r | list == r }}{% endfor %}", want: "more than 100000 steps"},
		{src: "{{ range(2000000000) }}", want: "range gives more than 100000 numbers"},
		{src: "{{ lipsum(n=100000, max=100000) }}", want: "not callable"},
		{src: "self", want: "more than 100 files", o: files},
		{src: "two", want: "more than 100 files", o: files},
		{src: strings.Repeat("{% if true %}", 300) + strings.Repeat("{% endif %}", 300), want: "nested more than 200 deep"},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		out, err := finished(tt.src, tt.o)
		runtime.ReadMemStats(&after)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%.100s: got %.40q and %.300v, want %s", tt.src, out, err, tt.want)
		}
		if made := after.TotalAlloc - before.TotalAlloc; made > 6<<30 {
			t.Errorf("%.100s: %d MiB were allocated", tt.src, made>>20)
		}
	}
}
