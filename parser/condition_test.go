package parser

import (
	"fmt"
	"strings"
	"testing"

	"sigmac/ir"
)

// conditionNames are the detections of the rules that TestConditions makes.
var conditionNames = []string{"a", "b", "c", "A", "sel-1", "sel.1", "_h", "notepad", "android", "order", "4688", "'1'", "all", "of", "them"}

func withCondition(value string) string {
	src := "title: t\nlogsource: {product: p}\ndetection:\n  condition: " + value + "\n"
	for _, n := range conditionNames {
		src += "  " + n + ": {f: x}\n"
	}
	return src
}

// renderCondition is a condition's meaning, or its errors; it starts at 4:14.
func renderCondition(value string) string {
	got := render(Parse("r.yml", []byte(withCondition(value))))
	if _, c, ok := strings.Cut(got, "\ncondition "); ok {
		return c
	}
	return got
}

func TestConditions(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"a", "(ref a)"},
		{"not a", "(not (ref a))"},
		{"not not a", "(not (not (ref a)))"},
		{"a and b", "(and (ref a) (ref b))"},
		{"a or b", "(or (ref a) (ref b))"},
		{"a and b or c", "(or (and (ref a) (ref b)) (ref c))"},
		{"a or b and c", "(or (ref a) (and (ref b) (ref c)))"},
		{"not a and b", "(and (not (ref a)) (ref b))"},
		{"not a or not b and c", "(or (not (ref a)) (and (not (ref b)) (ref c)))"},
		{"a and (b or c)", "(and (ref a) (or (ref b) (ref c)))"},
		{"not (a or b)", "(not (or (ref a) (ref b)))"},
		{"((a))", "(ref a)"},
		{"(a)and(b)", "(and (ref a) (ref b))"},
		{"not(a)", "(not (ref a))"},
		{"a and b and c", "(and (ref a) (ref b) (ref c))"},
		{"a and (b and c)", "(and (ref a) (and (ref b) (ref c)))"},
		{"   a   and\tb", "(and (ref a) (ref b))"},
		{"1 of them", "(1-of them a b c A sel-1 sel.1 notepad android order 4688 1 all of them)"},
		{"any of them", "(1-of them a b c A sel-1 sel.1 notepad android order 4688 1 all of them)"},
		{"all of them", "(all-of them a b c A sel-1 sel.1 notepad android order 4688 1 all of them)"},
		{"not 1 of them", "(not (1-of them a b c A sel-1 sel.1 notepad android order 4688 1 all of them))"},
		{"1 of sel*", "(1-of sel* sel-1 sel.1)"},
		{"all of sel*", "(all-of sel* sel-1 sel.1)"},
		{"any of *-1", "(1-of *-1 sel-1)"},
		{"1 of sel?1", "(1-of sel?1 sel-1 sel.1)"},
		{"1 of *el*1", "(1-of *el*1 sel-1 sel.1)"},
		{"1 of *", "(1-of * a b c A sel-1 sel.1 notepad android order 4688 1 all of them)"},
		{"1 of _*", "(1-of _* _h)"},
		{"1 of _h*", "(1-of _h* _h)"},
		{"1 of a", "(1-of a a)"},
		{"all of a", "(all-of a a)"},
		{"1 of sel* and not all of _*", "(and (1-of sel* sel-1 sel.1) (not (all-of _* _h)))"},
		{"not 1 of sel* or b", "(or (not (1-of sel* sel-1 sel.1)) (ref b))"},
		{"notepad", "(ref notepad)"},
		{"android", "(ref android)"},
		{"order", "(ref order)"},
		{"and not notepad", `4:14: unexpected "and": a name is expected here`},
		{"not notepad", "(not (ref notepad))"},
		{"notepad or android and order", "(or (ref notepad) (and (ref android) (ref order)))"},
		{"sel-1", "(ref sel-1)"},
		{"sel.1", "(ref sel.1)"},
		{"4688", "(ref 4688)"},
		{"4688 and sel-1", "(and (ref 4688) (ref sel-1))"},
		{"_h", "(ref _h)"},
		{"1", "(ref 1)"},
		{"all", "(ref all)"},
		{"of", "(ref of)"},
		{"1 and a", "(and (ref 1) (ref a))"},
		{"1 of of", "(1-of of of)"},
		{"all of all", "(all-of all all)"},
		{"them", "(ref them)"},
		{"A", "(ref A)"},
		{"a AND b", `4:16: "AND" must be written in lower case: "and"`},
		{"NOT a", `4:14: "NOT" must be written in lower case: "not"`},
		{"a OR b", `4:16: "OR" must be written in lower case: "or"`},
		{"a and Not b", `4:20: "Not" must be written in lower case: "not"`},
		{"2 of them", "4:14: `2 of` is not known; there are `1 of`, `any of` and `all of`"},
		{"2 of sel*", "4:14: `2 of` is not known; there are `1 of`, `any of` and `all of`"},
		{"1 of SEL*", `4:19: no detection has a name like "SEL*"`},
		{"1 of nope*", `4:19: no detection has a name like "nope*"`},
		{"a and not 1 of nope*", `4:29: no detection has a name like "nope*"`},
		{"1 of", "4:18: the condition ends where a name is expected"},
		{"of them", "4:17: unexpected \"them\": `and` or `or` is expected here"},
		{"1 of (a, b)", `4:19: unexpected "(": a name is expected here`},
		{"1 of them*", "(1-of them* them)"},
		{"missing", `4:14: no detection is named "missing"`},
		{"slection", `4:14: no detection is named "slection"`},
		{"sel*", "4:14: no detection is named \"sel*\"; a pattern needs `1 of` or `all of` before it"},
		{"not sel*", "4:18: no detection is named \"sel*\"; a pattern needs `1 of` or `all of` before it"},
		{"missing and absent", "4:14: no detection is named \"missing\"\n4:26: no detection is named \"absent\""},
		{"a b", "4:16: unexpected \"b\": `and` or `or` is expected here"},
		{"a not b", "4:16: unexpected \"not\": `and` or `or` is expected here"},
		{"a and", "4:19: the condition ends where a name is expected"},
		{"and a", `4:14: unexpected "and": a name is expected here`},
		{"a and or b", `4:20: unexpected "or": a name is expected here`},
		{"not", "4:17: the condition ends where a name is expected"},
		{"(a", "4:16: a parenthesis is not closed"},
		{"a)", "4:15: a parenthesis closes that was not opened"},
		{"()", `4:15: unexpected ")": a name is expected here`},
		{"(a))", "4:17: a parenthesis closes that was not opened"},
		{"((a)", "4:18: a parenthesis is not closed"},
		{"a and (b", "4:22: a parenthesis is not closed"},
		{"a (b)", "4:16: unexpected \"(\": `and` or `or` is expected here"},
		{"a, b", "4:17: unexpected \"b\": `and` or `or` is expected here"},
		{"a & b", "4:16: unexpected \"&\": `and` or `or` is expected here"},
		{"a and b or", "4:24: the condition ends where a name is expected"},
		{"a | count() > 5", "4:16: `| count() > 5` is no longer part of Sigma; write a correlation over this rule with type: event_count, a timespan, condition: {gt: 5}"},
		{"a | count() by f > 5", "4:16: `| count() by f > 5` is no longer part of Sigma; write a correlation over this rule with type: event_count, group-by: [f], a timespan, condition: {gt: 5}"},
		{"a | count(g) by f >= 10", "4:16: `| count(g) by f >= 10` is no longer part of Sigma; write a correlation over this rule with type: value_count, group-by: [f], a timespan, condition: {gte: 10, field: g}"},
		{"a | count(g) by f, h>3", "4:16: `| count(g) by f, h>3` is no longer part of Sigma; write a correlation over this rule with type: value_count, group-by: [f, h], a timespan, condition: {gt: 3, field: g}"},
		{"a | sum(g) by f > 3", "4:16: `| sum(g) by f > 3` is no longer part of Sigma; write a correlation over this rule with type: value_sum, group-by: [f], a timespan, condition: {gt: 3, field: g}"},
		{"a | avg(g) > 3", "4:16: `| avg(g) > 3` is no longer part of Sigma; write a correlation over this rule with type: value_avg, a timespan, condition: {gt: 3, field: g}"},
		{"a | min(g) < 3", "4:16: `| min(g) < 3` is no longer part of Sigma; write a correlation over this rule with type: value_percentile, a timespan, condition: {lt: 3, field: g}"},
		{"a | near b and c", "4:16: `| near b and c` is no longer part of Sigma; write a correlation over this rule with type: temporal, a timespan"},
		{"a | foo", `4:16: a condition with a pipe is no longer part of Sigma, and "foo" is no aggregation that it had`},
		{"a |", `4:16: a condition with a pipe is no longer part of Sigma, and "" is no aggregation that it had`},
		{"", "4:13: the condition is empty"},
		{"''", "4:15: the condition is empty"},
		{"{a: b}", "4:14: a condition must be a text"},
		{"[]", "4:14: the list of conditions is empty"},
		{"[a, not b]", "(ref a)\ncondition (not (ref b))"},
		{"[a, nope, [b]]", "4:18: no detection is named \"nope\"\n4:24: a condition must be a text"},
		// The place of a fault in a text that YAML folds, indents or quotes.
		{"'a and nope'", `4:21: no detection is named "nope"`},
		{`"a and nope"`, "4:21: no detection is named \"nope\""},
	} {
		if got := renderCondition(tt.in); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.in, got, tt.want)
		}
	}
}

// TestConditionPlaces has the place of the name nope in all that YAML does to
// a text.
func TestConditionPlaces(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"nope", "4:14"}, {"a and nope", "4:20"}, {"(a or nope)", "4:20"},
		{"'nope'", "4:15"}, {`"a and nope"`, "4:21"}, {`"  a and nope"`, "4:23"},
		{"a and\n    nope", "5:5"}, {"a\n    and\n\n    b and nope", "7:11"},
		{"'a and\n    nope'", "5:5"}, {"\"a and \\\n    nope\"", "5:5"}, {"\"a and \\\r\n    nope\"", "5:5"},
		{"|\n    a and\n    nope", "6:5"}, {"|-\n    a and nope\n", "5:11"}, {">\n    a and\n    nope", "6:5"}, {">-\n    a\n\n    and nope", "7:9"},
		{"|2\n      a and nope", "5:13"}, {"| # why\n    a and nope", "5:11"},
		{`"\u0061 and nope"`, "4:26"}, {`"a\tand\x09nope"`, "4:25"}, {`"\x61\x20and nope"`, "4:27"},
		{"a\r\n    and nope", "5:9"}, {"a and\u00a0nope", "4:20"}, {"'x''s or nope'", "4:23"},
		{"&x a and nope", "4:23"}, {"!!str a and nope", "4:26"}, {"!!str 'a and nope'", "4:27"}, {"&x !!str |\n    a and nope", "5:11"},
		{"[a, b and nope]", "4:24"}, {"\n    - a\n    - b and nope", "6:13"},
	} {
		got := renderCondition(tt.in)
		if !strings.Contains(got, tt.want+": no detection is named \"nope\"") {
			t.Errorf("%q: %s\nwant it at %s", tt.in, got, tt.want)
		}
	}
}

func TestAggregationTimeframe(t *testing.T) {
	src := "title: t\nlogsource: {product: p}\ndetection:\n  a: {f: x}\n  timeframe: 5m\n  condition: a | count() by g > 3\n"
	d := Parse("r.yml", []byte(src)).Documents[0]
	want := "r.yml:6:16: `| count() by g > 3` is no longer part of Sigma; write a correlation over this rule with type: event_count, group-by: [g], timespan: 5m, condition: {gt: 3}"
	if len(d.Errors) != 1 || d.Errors[0].Error() != want || d.Errors[0].Feature != "a pipe aggregation" {
		t.Errorf("got %v\nwant %s", d.Errors, want)
	}
}

// TestSpans holds where the parts of a rule start and end.
func TestSpans(t *testing.T) {
	src := "title: t\nlogsource: {product: p}\ndetection:\n  sel:\n    f: 'x'\n    g|contains:\n      - yy\n      - \"z\"\n  flt: {h: 1}\n  condition: sel and\n    not (1 of fl*)\n"
	r := Parse("r.yml", []byte(src)).Documents[0].Rule
	if r == nil {
		t.Fatal("no rule")
	}
	var got []string
	var show func(e ir.Expr)
	show = func(e ir.Expr) {
		span := func(name string, s ir.Span) {
			got = append(got, fmt.Sprintf("%s %d:%d-%d:%d", name, s.Start.Line, s.Start.Column, s.End.Line, s.End.Column))
		}
		switch e := e.(type) {
		case ir.And:
			for _, x := range e {
				show(x)
			}
		case ir.Not:
			show(e.X)
		case ir.Item:
			span(e.Field.Name, e.Span)
		case ir.Ref:
			span(e.Name, e.Span)
		case ir.Of:
			span(e.Pattern, e.Span)
		}
	}
	for _, d := range r.Detections {
		show(d.Expr)
	}
	show(r.Conditions[0].Expr)
	want := "f 5:5-5:11; g 6:5-8:12; h 9:9-9:13; sel 10:14-10:17; fl* 11:10-11:18"
	if s := strings.Join(got, "; "); s != want {
		t.Errorf(" got %s\nwant %s", s, want)
	}
}

func TestUnusedDetections(t *testing.T) {
	for _, tt := range []struct{ condition, want string }{
		{"a", `b at 7:3; _c at 8:3`}, {"a and b", `_c at 8:3`}, {"1 of them", `_c at 8:3`}, {"[a, b]", `_c at 8:3`},
		{"[a, b, _c]", ``}, {"1 of them or 1 of _*", ``}, {"nope", ``},
	} {
		src := "title: t\nlogsource: {product: p}\ndetection:\n  condition: " + tt.condition + "\n\n  a: {f: x}\n  b: {f: x}\n  _c: {f: x}\n"
		var want, got []string
		for _, w := range strings.Split(tt.want, "; ") {
			if name, at, ok := strings.Cut(w, " at "); ok {
				want = append(want, fmt.Sprintf("r.yml:%s: no condition uses the detection %q", at, name))
			}
		}
		for _, w := range Parse("r.yml", []byte(src)).Documents[0].Warnings {
			got = append(got, w.Error())
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%s\n got %q\nwant %q", tt.condition, got, want)
		}
	}
}

func TestNameMatches(t *testing.T) {
	for _, tt := range []struct {
		pattern, name string
		want          bool
	}{
		{"a", "a", true}, {"*", "", true}, {"*", "abc", true}, {"a*", "abc", true}, {"*c", "abc", true}, {"a*c", "abc", true}, {"a*c", "ac", true},
		{"*b*", "abc", true}, {"a?c", "abc", true}, {"???", "abc", true}, {"*a*b", "aab", true}, {"**", "x", true}, {"?", "é", true}, {"*ab*ab", "abab", true},
		{"a", "A", false}, {"", "a", false}, {"a", "", false}, {"?", "", false}, {"a*c", "abcd", false}, {"??", "abc", false}, {"a?c", "ac", false}, {"*ab*ab", "ab", false}, {"a.c", "abc", false},
	} {
		if got := nameMatches(tt.pattern, tt.name); got != tt.want {
			t.Errorf("%q %q: %v", tt.pattern, tt.name, got)
		}
	}
}

// FuzzCondition holds that a condition is read or refused at a place inside
// it, and that what is read obeys precedence: written out again with all its
// parentheses, it is the same.
func FuzzCondition(f *testing.F) {
	for _, s := range []string{"a", "not a and b or c", "1 of sel* and not all of _*", "(a", "a)", "2 of them", "NOT a", "a | count() by f > 5",
		"1 of of", strings.Repeat("(", 200), strings.Repeat("not ", 200), "a\u2028b", "\xff", "1 of \xff*"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		tokens := tokenize(s)
		tree, err := parseCondition(tokens)
		if err != nil {
			if err.from < 0 || err.to < err.from || err.to > len(s) || err.msg == "" {
				t.Errorf("%q: %+v", s, err)
			}
			return
		}
		written := writeTree(tree)
		again, err := parseCondition(tokenize(written))
		if err != nil {
			if strings.HasPrefix(err.msg, "nested") || strings.HasPrefix(err.msg, "the condition is longer") {
				return // the added parentheses
			}
			t.Fatalf("%q is written %q: %s", s, written, err.msg)
		}
		if twice := writeTree(again); twice != written && twice != "("+written+")" {
			t.Errorf("%q is written %q, and that %q", s, written, twice)
		}
	})
}

// writeTree writes a condition with a parenthesis around every operator.
func writeTree(n *orNode) string {
	var ors []string
	for _, a := range n.Ands {
		var ands []string
		for _, x := range a.Nots {
			s := strings.Repeat("not ", len(x.Nots))
			switch {
			case x.Inner != nil:
				s += writeTree(x.Inner)
			case x.Quantifier.Value != "":
				s += x.Quantifier.Value + " of " + x.Word.Value
			default:
				s += x.Word.Value
			}
			ands = append(ands, s)
		}
		if s := strings.Join(ands, " and "); len(ands) > 1 {
			ors = append(ors, "("+s+")")
		} else {
			ors = append(ors, s)
		}
	}
	if len(ors) > 1 {
		return "(" + strings.Join(ors, " or ") + ")"
	}
	return ors[0]
}
