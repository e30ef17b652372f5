package ir_test

import (
	"math/rand/v2"
	"testing"

	"sigmac/eval"
	"sigmac/internal/irgen"
	"sigmac/ir"
)

// FuzzWithout holds that what is left of a rule without some of its tests matches no more
// events than the rule, or with wider no fewer.
func FuzzWithout(f *testing.F) {
	for seed := range uint64(300) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 3))
		rule := irgen.Rule(r, irgen.Config{Sugar: true, Keywords: true, FieldRefs: true})
		// Random rules have no places: each test gets one.
		var places []ir.Pos
		line := 0
		rule = rule.Rewrite(func(e ir.Expr) (ir.Expr, bool) {
			line++
			switch e := e.(type) {
			case ir.Match:
				e.Pos = ir.Pos{Line: line, Column: 1}
				places = append(places, e.Pos)
				return e, true
			case ir.Keyword:
				e.Pos = ir.Pos{Line: line, Column: 1}
				places = append(places, e.Pos)
				return e, true
			}
			return e, false
		})
		r.Shuffle(len(places), func(i, j int) { places[i], places[j] = places[j], places[i] })
		if len(places) == 0 {
			return
		}
		out := places[:1+r.IntN(min(3, len(places)))]
		narrower, wider := rule.Without(out, false), rule.Without(out, true)
		for _, rest := range []*ir.Rule{narrower, wider} {
			if rest == nil {
				continue
			}
			if err := ir.Check(rest, ir.Parsed); err != nil {
				t.Fatalf("%v\n%s", err, rest)
			}
			rest.Walk(func(e ir.Expr) {
				for _, at := range out {
					if m, ok := e.(ir.Match); ok && m.Pos == at {
						t.Fatalf("%s is still there", m)
					}
				}
			})
		}
		for range 8 {
			ev := irgen.Event(r, rule)
			is := eval.Rule(rule, ev)
			if narrower != nil && eval.Rule(narrower, ev) && !is {
				t.Fatalf("%s is matched by\n%sand not by\n%s", ev.Raw(), narrower, rule)
			}
			if wider != nil && !eval.Rule(wider, ev) && is {
				t.Fatalf("%s is not matched by\n%sbut by\n%s", ev.Raw(), wider, rule)
			}
		}
	})
}

// TestWithout holds where something can be left out.
func TestWithout(t *testing.T) {
	at := func(line int) ir.Pos { return ir.Pos{Line: line, Column: 1} }
	test := func(name string, line int) ir.Expr {
		return ir.Match{Field: ir.Field{Name: name}, Test: pat(name), Pos: at(line)}
	}
	a, b, c := test("a", 1), test("b", 2), test("c", 3)
	either := ir.Detection{Name: "x", Expr: ir.Or{a, b}}
	both := ir.Detection{Name: "y", Expr: ir.And{a, b}}
	third := ir.Detection{Name: "z", Expr: c}
	ref := func(name string) ir.Expr { return ir.Ref{Name: name} }
	for _, x := range []struct {
		r     *ir.Rule
		lines []int
		wider bool
		want  string
	}{
		{rule(ref("x"), either), []int{1}, false, "detection x (match b (pattern \"b\"))\ncondition (ref x)\n"},
		{rule(ref("x"), either), []int{1}, true, ""},
		{rule(ref("x"), either), []int{1, 2}, false, ""},
		{rule(ref("x"), either), []int{9}, false, ""},
		{rule(ref("y"), both), []int{1}, false, ""},
		{rule(ref("y"), both), []int{2}, true, "detection y (match a (pattern \"a\"))\ncondition (ref y)\n"},
		{rule(ir.And{ref("z"), ir.Not{X: ref("y")}}, both, third), []int{1}, false, "detection y (match b (pattern \"b\"))\ndetection z (match c (pattern \"c\"))\ncondition (and (ref z) (not (ref y)))\n"},
		{rule(ir.And{ref("z"), ir.Not{X: ref("x")}}, either, third), []int{1}, true, "detection x (match b (pattern \"b\"))\ndetection z (match c (pattern \"c\"))\ncondition (and (ref z) (not (ref x)))\n"},
		{rule(ir.And{ref("z"), ir.Not{X: ref("z")}}, third), []int{3}, false, ""},
		{rule(ir.Of{Pattern: "*", Names: []string{"y", "z"}}, both, third), []int{3}, false, "detection y (and (match a (pattern \"a\")) (match b (pattern \"b\")))\ncondition (1-of * y)\n"},
		{rule(ir.Of{All: true, Pattern: "*", Names: []string{"y", "z"}}, both, third), []int{3}, true, "detection y (and (match a (pattern \"a\")) (match b (pattern \"b\")))\ncondition (all-of * y)\n"},
	} {
		var places []ir.Pos
		for _, l := range x.lines {
			places = append(places, at(l))
		}
		got := ""
		if out := x.r.Without(places, x.wider); out != nil {
			got = out.String()
		}
		if got != x.want {
			t.Errorf("%v of %swider %v:\n%s\nwant\n%s", x.lines, x.r, x.wider, got, x.want)
		}
	}
}
