package parser

import (
	"strings"
	"testing"

	"sigmac/ir"
)

// FuzzParse holds that any file is read or refused at a place, and that what
// is read keeps the invariants of a parsed rule.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		oneField("f", "a"), oneField("f|re|i", "'a(b|c)*'"), oneField("f|windash|contains|all", "[-a, /b]"), oneField("'|all'", "[a, b]"),
		oneField("f|wide|base64offset|contains", "foo"), oneField("f|expand", "'%a%'"), oneField("f|exists", "no"), oneField("f|cidr", "10.0.0.0/8"),
		oneField("f|fieldref|endswith", "g"), oneField("f|hour|gte", "18"), oneField("f|gt", "1_000.5"), oneField("f", "[]"), oneField("f|neq", "~"),
		withCondition("1 of sel* and not (a or b)"), withCondition("a | count() by f > 5"), withCondition(`"a and \x20 nope"`), withCondition("&x !!str |\n    a and nope"),
		correlationText, filterText, actionsText, mergeText, "a: &a [*a]", "<<: *x", "\xEF\xBB\xBFtitle: t\r\n", "? [a]\n: b", "- a", "---\n...\n", "a: {b: 1, b: 2}",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		c := Parse("r.yml", src)
		for _, d := range c.Documents {
			for _, e := range append(d.Errors, d.Warnings...) {
				if e.Pos.Line < 1 || e.Pos.Column < 1 || e.Msg == "" {
					t.Errorf("%q: an error without a place: %v", src, e)
				}
				if again := d.Place(&ir.Diagnostic{Pos: e.Pos}); e.End != (ir.Pos{}) && e.End.Compare(e.Pos) <= 0 || again.End != (ir.Pos{}) && again.End.Compare(e.Pos) <= 0 {
					t.Errorf("%q: %+v ends before it begins: %v", src, e, again.End)
				}
			}
			switch {
			case len(d.Errors) > 0:
				if d.Rule != nil || d.Correlation != nil || d.Filter != nil {
					t.Errorf("%q: faulty and read", src)
				}
			case d.Rule != nil:
				if err := ir.Check(d.Rule, ir.Parsed); err != nil {
					t.Errorf("%q: %v", src, err)
				}
			case d.Correlation == nil && d.Filter == nil:
				t.Errorf("%q: neither read nor faulty", src)
			}
		}
	})
}

// TestDiagnostics holds what stands between the beginning and the end of the first fault, and
// who says it.
func TestDiagnostics(t *testing.T) {
	const head = "title: T\nlogsource: {category: c}\ndetection:\n  "
	for _, c := range []struct{ src, want string }{
		{head + "a: {f|nonsense: x}\n  condition: a\n", "nonsense unknown_modifier"},
		{head + "a: {'é|nonsense|re': x}\n  condition: a\n", "nonsense unknown_modifier"},
		{head + "a: {f: x}\n  condition: a and sele\n", "sele dangling_condition"},
		{head + "a: {f: x}\n  condition: 'a and (1 of 𝄞b* or a)'\n", "𝄞b* dangling_condition"},
		{head + "a: {f: x}\n  condition: 2 of them and a\n", "2 of syntax"},
		{head + "a: {f: x}\n  condition: a and\n    b c\n", "c syntax"},
		{head + "a: {f: x}\n  condition: a | count()  by f >\n    5 # many\n", "| count()  by f >\n    5"},
		{head + "a: {f: x}\n  condition: a and\n", " syntax"},
		{head + "a: {f: x}\n  condition: [a, [a]]\n", "[a]"},
		{head + "a: {f: [x, {a: [b , c ] # ]\n  }]}\n  condition: a\n", "{a: [b , c ] # ]\n  } invalid_value"},
		{head + "a: {f: [x, [ ] ]}\n  condition: a\n", "[ ] invalid_value"},
		{head + "a: {f: &b [x, {}, [{y: }, ]]}\n  condition: a\n", "{} invalid_value"},
		{head + "a: {f|exists: !!seq [x, [{y: }, ], ]}\n  condition: a\n", "!!seq [x, [{y: }, ], ] invalid_value"},
		{head + "a: {f|cidr: 'it''s  '}\n  condition: a\n", "'it''s  ' invalid_value"},
		{head + "a: {f|cidr: !!str \"a\\\"  \"}\n  condition: a\n", "!!str \"a\\\"  \" invalid_value"},
		{head + "a:\n    f|cidr: >-\n      x\n      y\n\n  condition: a\n", ">-\n      x\n      y invalid_value"},
		{head + "a:\n    f|cidr: x y # z\n  condition: a\n", "x y invalid_value"},
		{head + "a:\n    f|re: '𝄞''(?x)'\n  condition: a\n", "x invalid_regexp"},
		{head + "a:\n    - - x\n  condition: a\n", "- x"},
		{head + "a: &b {f|cidr: x}\n  c: {f: *b}\n  condition: a\n", "&b {f|cidr: x} invalid_value"},
		{"title: [a, b]\nlogsource: {category: c}\ndetection: {a: x, condition: a}\n", "[a, b]"},
		{"\ufefftitle: T\nlogsource: x\ndetection: {a: x, condition: a}\n", "x"},
		{"\ufeffid: 1\nlogsource: {category: c}\ndetection: {a: x, condition: a}\n", "id missing_key"},
		{"title", "title not_sigma"},
		{"a: \tb: c ", "b: c not_yaml"},
		{"a: *b", "*b not_yaml"},
		{"a: \x02", "\x02 not_yaml"},
		{"title: T\naction: global\nlogsource: {category: c}\n---\ndetection: {b: x}\n", "detection missing_key"},
	} {
		documents := Parse("r.yml", []byte(c.src)).Documents
		e := documents[0].Errors[0]
		got := between(c.src, e)
		if e.Code != "" {
			got += " " + e.Code
		}
		if got != c.want || e.Path != "r.yml" || e.Source != "sigma" {
			t.Errorf("%q: %q, want %q: %+v", c.src, got, c.want, e)
		}
	}
}

// between is the text that a diagnostic is about.
func between(src string, e *ir.Diagnostic) string {
	if e.End == (ir.Pos{}) {
		return ""
	}
	offset := func(p ir.Pos) int {
		lines := strings.SplitAfter(strings.TrimPrefix(src, "\ufeff"), "\n")
		return len(strings.Join(lines[:p.Line-1], "")) + len(string([]rune(lines[p.Line-1])[:p.Column-1]))
	}
	return strings.TrimPrefix(src, "\ufeff")[offset(e.Pos):offset(e.End)]
}
