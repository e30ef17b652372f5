package replay

import (
	"encoding/json"

	"sigmac/backends"
)

// common are the probes that every language is asked, as far as it has the rule; with numbers, where
// a field holds these and not their texts.
func common(numbers bool) []backends.Probe {
	of := backends.ProbesOf
	missing := map[string]any{"g": "x"}
	with := func(more []map[string]any, fields ...map[string]any) []map[string]any { return append(more, fields...) }
	out := []backends.Probe{
		{Name: "fold", Of: "fold", Says: "the Kelvin sign and the long s", Detection: "{f: kiss}",
			On: of("f", "\u212Aiss", "ki\u017Fs"), Beside: of("f", "KISS", "miss")},
		{Name: "fold-i", Of: "fold", Says: "the dotted capital and the dotless small i", Detection: "{f: mini}",
			On: of("f", "m\u0130n\u0130", "m\u0131n\u0131", "M\u0130NI"), Beside: of("f", "MINI", "mono")},
		{Name: "fold-contains", Of: "fold", Says: "such letters within a text", Detection: "{f|contains: kis}",
			On: of("f", "x\u212Ais", "xk\u0130s", "xki\u017F"), Beside: of("f", "xKISx", "xk")},
		{Name: "case", Says: "a letter that upper case makes two of", Detection: "{f: STRASSE}", On: of("f", "straße"), Beside: of("f", "Strasse")},
		{Name: "case-cased", Says: "a text with regard to case", Detection: "{f|cased: Foo}", Beside: of("f", "Foo", "foo")},
		{Name: "line-break", Says: "a line break at the end of a value", Detection: "{f: foo}", On: of("f", "foo\n"), Beside: of("f", "foo")},
		{Name: "line-break-re", Says: "a line break before the $ of an expression", Detection: "{f|re: '^foo$'}", On: of("f", "foo\n", "foo\n\n"), Beside: of("f", "foo", "foox")},
		{Name: "line-break-star", Says: "a line break under a wildcard", Detection: "{f: 'a*b'}", On: of("f", "a\nb", "a\r\nb"), Beside: of("f", "axb", "ab", "a")},
		{Name: "line-break-one", Says: "a line break under a single-character wildcard", Detection: "{f: 'a?b'}", On: of("f", "a\nb"), Beside: of("f", "axb", "ab")},
		{Name: "line-break-dot", Says: "a line break under the dot of an expression", Detection: "{f|re: 'a.b'}", On: of("f", "a\nb"), Beside: of("f", "xaxbx", "ab")},
		{Name: "blank", Says: "blanks at the ends of a value", Detection: "{f: foo}", On: of("f", "foo ", " foo", "foo\t"), Beside: of("f", "foo")},
		{Name: "empty", Says: "the empty text", Detection: "{f: ''}", On: with(of("f", ""), missing), Beside: of("f", "x")},
		{Name: "empty-not", Says: "the empty text under a not", Detection: "{f: ''}", Condition: "not s", On: with(of("f", ""), missing), Beside: of("f", "x")},
		{Name: "null", Says: "null, a missing field and the empty text as no value", Detection: "{f: null}", On: with(of("f", nil, ""), missing), Beside: of("f", "x")},
		{Name: "exists", Says: "null, a missing field and the empty text as a field that is there", Detection: "{f|exists: true}", On: with(of("f", nil, ""), missing), Beside: of("f", "x")},
		{Name: "missing-not", Says: "a missing field under the not of each kind of test", Detection: "[{f|startswith: a}, {f|re: 'b+'}, {f: 'c*d'}, {f|cased: E}]", Condition: "not s",
			On: with(nil, missing), Beside: of("f", "ab", "bb", "cd", "E", "z")},
		{Name: "star", Says: "a literal asterisk and question mark", Detection: `{f: ['a\*b', 'c\?d']}`, On: of("f", "a*b", "c?d"), Beside: of("f", "axb", "cxd")},
		{Name: "backslash", Says: "backslashes", Detection: `{f: ['C:\x\n', '\\\\srv\\share', 'end\']}`, On: of("f", `C:\x\n`, `\\srv\share`, `end\`), Beside: of("f", "C:xn", `\srv\share`, "end")},
		{Name: "signs", Says: "signs that a language may read as its own", Detection: `{f: 'a "b" $c$ %d% {e} |f` + "`g`" + `'}`, On: of("f", "a \"b\" $c$ %d% {e} |f`g`"), Beside: of("f", "a")},
		{Name: "several", Says: "several values in a field", Detection: "{f: a}", On: of("f", []any{"a", "b"}), Beside: of("f", "a", "b")},
		{Name: "several-not", Says: "several values under a not", Detection: "{f: a}", Condition: "not s", On: of("f", []any{"a", "b"}), Beside: of("f", "a", "b")},
		{Name: "several-all", Says: "two tests that two values pass", Detection: "{f|contains|all: [ab, cd]}", On: of("f", []any{"ab", "cd"}), Beside: of("f", "abcd", "ab")},
		{Name: "address", Says: "an IPv4 address written as IPv6", Detection: "{ip|cidr: 10.0.0.0/8}", On: of("ip", "::ffff:10.1.2.3"), Beside: of("ip", "10.1.2.3", "11.0.0.1")},
		{Name: "hour", Says: "an hour at its borders", Detection: "{t|hour: 5}", On: of("t", "2024-05-06T05:59:59.999Z", "2024-05-06T05:00:00Z"), Beside: of("t", "2024-05-06T05:30:00Z", "2024-05-06T06:00:00Z")},
	}
	if numbers {
		out = append(out,
			backends.Probe{Name: "number", Of: "field-types", Says: "numbers that are written otherwise", Detection: "{n: 5}", On: of("n", json.Number("5.0"), json.Number("5e0")), Beside: of("n", json.Number("5"), json.Number("6"))},
			backends.Probe{Name: "number-order", Of: "field-types", Says: "numbers by their order", Detection: "{n|gte: 5}", On: of("n", json.Number("10"), json.Number("5.5")), Beside: of("n", json.Number("5"), json.Number("4"))},
			backends.Probe{Name: "boolean", Of: "field-types", Says: "a boolean", Detection: "{b: true}", On: of("b", true), Beside: of("b", false)})
	}
	return out
}

// uncommon are the assumptions of all languages that no event of a kit shows.
var uncommon = map[string]string{
	"tie-order":    "it is about the queries of correlations",
	"single-value": "it is about the queries of correlations",
	"tail-form":    "it is about the queries of correlations",
}
