package ir_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"sigmac"
	"sigmac/backends"
	"sigmac/eval"
	"sigmac/internal/irgen"
	"sigmac/internal/irtest"
	"sigmac/ir"
)

var star = ir.Part{Kind: ir.AnyRun}
var one = ir.Part{Kind: ir.AnyOne}

func pat(parts ...any) ir.Pattern {
	var ps []ir.Part
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			ps = append(ps, ir.Part{Text: p})
		case ir.Part:
			ps = append(ps, p)
		}
	}
	return ir.NewPattern(false, ps...)
}

func match(f string, t ir.Test) ir.Expr { return ir.Match{Field: ir.Field{Name: f}, Test: t} }

func text(f string, t ir.Test) ir.Expr {
	return ir.Match{Field: ir.Field{Name: f, Type: ir.Text}, Test: t}
}

func rule(e ir.Expr, detections ...ir.Detection) *ir.Rule {
	return &ir.Rule{Detections: detections, Conditions: []ir.Condition{{Text: "c", Expr: e}}}
}

// A passCase is a condition before a pass and after it; without an after, the
// pass must not change it.
type passCase struct {
	in   ir.Expr
	want string
}

func testPass(t *testing.T, pass func(*ir.Rule) *ir.Rule, cases []passCase) {
	t.Helper()
	for _, c := range cases {
		r := rule(c.in)
		before := r.String()
		out := pass(r)
		if r.String() != before {
			t.Errorf("%s: the pass changed what it was given", before)
		}
		if c.want == "" {
			if out != r {
				t.Errorf("%s: fired: %s", c.in, out)
			}
			continue
		}
		if out == r {
			t.Errorf("%s: did not fire", c.in)
		}
		if got := out.Conditions[0].Expr.String(); got != c.want {
			t.Errorf("%s:\n%s, want\n%s", c.in, got, c.want)
		}
	}
}

func TestExpandWindash(t *testing.T) {
	w := func(parts ...any) ir.Expr { return match("f", ir.Windash{X: pat(parts...)}) }
	five := func(before, after string) string {
		var out []string
		for _, d := range []string{"-", "/", "–", "—", "―"} {
			out = append(out, `(match f (pattern "`+before+d+after+`"))`)
		}
		return "(or " + strings.Join(out, " ") + ")"
	}
	testPass(t, ir.ExpandWindash, []passCase{
		{w("-foo"), five("", "foo")},
		{w(" -1"), five(" ", "1")},
		{w("a-b"), `(match f (pattern "a-b"))`},
		{w(" --foo"), five(" -", "foo")},
		{w(`foo\-bar`), five(`foo\\`, "bar")},
		{w(`-"x"`), `(match f (pattern "-\"x\""))`},
		{w("x -"), `(match f (pattern "x -"))`},
		{w("é-x"), `(match f (pattern "é-x"))`},
		{w("_-x"), `(match f (pattern "_-x"))`},
		{w("–x"), `(or (match f (pattern "–x")) (match f (pattern "-x")) (match f (pattern "/x")) (match f (pattern "—x")) (match f (pattern "―x")))`},
		// A run starts after a wildcard.
		{w("a", star, "-b"), strings.ReplaceAll(five("@", "b"), `"@`, `"a" * "`)},
		{match("f", ir.Base64Offset{X: ir.Windash{X: pat("a-b")}}), `(match f (base64offset (pattern "a-b")))`},
		{match("f", ir.Encode{As: ir.Base64, X: ir.Windash{X: pat("cmd")}}), `(match f (pattern "Y21k"))`},
		{match("f", ir.Encode{As: ir.UTF16LE, X: ir.Base64Offset{X: ir.Windash{X: pat("cmd")}}}), `(match f (utf16le (base64offset (pattern "cmd"))))`},
		{ir.Keyword{Test: ir.Windash{X: pat(star, "x", star)}}, `(keyword (pattern * "x" *))`},
		{ir.And{match("g", pat("x")), ir.Not{X: w("x")}}, `(and (match g (pattern "x")) (not (match f (pattern "x"))))`},
		{match("f", pat("-foo")), ""},
		{match("f", ir.Base64Offset{X: pat("-foo")}), ""},
		{match("f", ir.Null{}), ""},
		{ir.And{}, ""},
		{ir.Or{match("f", pat(" -x")), ir.Keyword{Test: pat("-x")}}, ""},
	})
	many := rule(w("-a -b /c –d"))
	if n := len(ir.ExpandWindash(many).Conditions[0].Expr.(ir.Or)); n != 625 {
		t.Errorf("%d variants of four dashes", n)
	}
	if err := ir.CheckSugar(ir.Windash{X: pat(strings.Repeat(" -a", 40))}); err == nil || !strings.Contains(err.Error(), "more than 4 dashes") {
		t.Errorf("40 dashes: %v", err)
	}
}

func TestExpandBase64Offset(t *testing.T) {
	testPass(t, ir.ExpandBase64Offset, []passCase{
		{match("f", ir.Base64Offset{X: pat(star, "foobar", star)}),
			`(or (match f (pattern * "Zm9vYmFy" *)) (match f (pattern * "Zvb2Jhc" *)) (match f (pattern * "mb29iYX" *)))`},
		{match("f", ir.Base64Offset{X: pat("é")}), `(or (match f (pattern "w6")) (match f (pattern "Op")) (match f (pattern "Dq")))`},
		{match("f", ir.Encode{As: ir.Base64, X: ir.Base64Offset{X: pat("é")}}), `(or (match f (pattern "dzY=")) (match f (pattern "T3A=")) (match f (pattern "RHE=")))`},
		{match("f", pat("foobar")), ""},
		{match("f", ir.CIDR{}), ""},
		{ir.Or{match("f", ir.Exists{}), ir.Keyword{Test: pat("x")}}, ""},
	})
	if err := ir.CheckSugar(ir.Base64Offset{X: pat(star, "a", star)}); err == nil || !strings.Contains(err.Error(), "at least two bytes") {
		t.Errorf("one byte: %v", err)
	}
}

func TestTypeFields(t *testing.T) {
	five := ir.Compare{Op: ir.Eq, Number: "5"}
	yes := ir.Bool{Value: true}
	testPass(t, ir.TypeFields, []passCase{
		{match("f", five), "(match f:number (= 5))"},
		{match("f", yes), "(match f:boolean true)"},
		{match("f", ir.CIDR{}), "(match f:address (cidr invalid Prefix))"},
		{match("f", pat("x")), `(match f:text (pattern "x"))`},
		{match("f", ir.Null{}), "(match f:text null)"},
		{ir.And{match("f", ir.Null{}), match("f", five)}, "(and (match f:number null) (match f:number (= 5)))"},
		{ir.And{match("f", five), match("f", pat("x"))}, `(and (match f:text (pattern "5")) (match f:text (pattern "x")))`},
		{ir.And{match("f", yes), match("f", five)}, `(and (match f:text (pattern "true")) (match f:text (pattern "5")))`},
		{ir.And{match("f", ir.Compare{Op: ir.Gt, Number: "5"}), match("f", pat("x"))}, `(and (match f:text (> 5)) (match f:text (pattern "x")))`},
		{ir.And{match("f", ir.FieldRef{Other: ir.Field{Name: "g"}}), match("g", five)}, `(and (match f:text (fieldref g:text)) (match g:text (pattern "5")))`},
		{text("f", pat("x")), ""},
		{ir.Match{Field: ir.Field{Name: "f", Type: ir.Numeric}, Test: five}, ""},
		{ir.Keyword{Test: pat("x")}, ""},
	})
}

func TestInline(t *testing.T) {
	a, b := match("a", pat("x")), match("b", pat("y"))
	ds := []ir.Detection{{Name: "a", Expr: ir.Item{Field: ir.Field{Name: "a"}, X: a}}, {Name: "b", Expr: b}}
	of := func(all bool) ir.Expr { return ir.Of{All: all, Pattern: "*", Names: []string{"a", "b"}} }
	for _, c := range []passCase{
		{ir.Ref{Name: "a"}, a.String()},
		{of(false), ir.Or{a, b}.String()},
		{of(true), ir.And{a, b}.String()},
		{ir.Not{X: ir.Or{ir.Ref{Name: "b"}, of(true)}}, ir.Not{X: ir.Or{b, ir.And{a, b}}}.String()},
	} {
		out, err := ir.Inline(rule(c.in, ds...))
		if err != nil || len(out.Detections) > 0 || out.Conditions[0].Expr.String() != c.want {
			t.Errorf("%s: %v, %v", c.in, out, err)
		}
	}
	big := ir.Detection{Name: "a", Expr: ir.Or(make([]ir.Expr, 1000))}
	for i := range big.Expr.(ir.Or) {
		big.Expr.(ir.Or)[i] = a
	}
	all := make(ir.And, 1000)
	for i := range all {
		all[i] = ir.Ref{Name: "a"}
	}
	if _, err := ir.Inline(rule(all, big)); err == nil || err.Error() != "the condition stands for more than 200000 tests" {
		t.Errorf("a million tests: %v", err)
	}
}

func TestSimplify(t *testing.T) {
	a, b, c := text("a", pat("x")), text("b", pat("y")), text("c", pat("z"))
	upper := text("a", pat("X"))
	cased := text("a", ir.NewPattern(true, ir.Part{Text: "x"}))
	testPass(t, ir.Simplify, []passCase{
		{ir.And{a, ir.And{b, ir.And{c}}}, ir.And{a, b, c}.String()},
		{ir.Or{ir.Or{a, b}, c}, ir.Or{a, b, c}.String()},
		{ir.And{a}, a.String()},
		{ir.Or{a, a, upper}, a.String()},
		{ir.Or{a, b, upper, cased}, ir.Or{a, b, cased}.String()},
		{ir.Not{X: ir.Not{X: a}}, a.String()},
		{ir.Not{X: ir.And{}}, "(or)"},
		{ir.Not{X: ir.Or{}}, "(and)"},
		{ir.And{a, ir.Or{}}, "(or)"},
		{ir.Or{a, ir.And{}}, "(and)"},
		{ir.And{a, ir.And{}}, a.String()},
		{ir.Or{ir.Or{}, ir.Or{}}, "(or)"},
		{ir.And{a, ir.Not{X: ir.Not{X: ir.And{b, a}}}}, ir.And{a, b}.String()},
		{ir.And{ir.Or{a, b}, ir.Or{a, b}, c}, ir.And{ir.Or{a, b}, c}.String()},
		{a, ""},
		{ir.And{a, b}, ""},
		{ir.And{}, ""},
		{ir.Or{a, ir.And{b, c}}, ""},
		{ir.And{a, cased}, ""},
		{ir.Not{X: ir.And{a, b}}, ""},
		{ir.And{ir.Keyword{Test: pat("x")}, ir.Keyword{Test: pat("X")}}, ir.Keyword{Test: pat("x")}.String()},
	})
}

func TestDecide(t *testing.T) {
	is := func(f string, parts ...any) ir.Expr { return text(f, pat(parts...)) }
	not := func(e ir.Expr) ir.Expr { return ir.Not{X: e} }
	b, c := is("b", "y"), is("c", "z")
	null, there := text("a", ir.Null{}), text("a", ir.Exists{})
	long, short, whole := is("a", star, "xyz", star), is("a", star, "Y", star), is("a", "xyz")
	cased := text("a", ir.NewPattern(true, star, ir.Part{Text: "y"}, star))
	empty := is("a")
	word := func(parts ...any) ir.Expr { return ir.Keyword{Test: pat(parts...)} }
	re := func(s string) ir.Test {
		out, err := ir.ParseRegexp(s, ir.Regexp{}.Flags)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	several := func(r *ir.Rule) *ir.Rule { out, _ := ir.Decide(r, false); return out }
	testPass(t, several, []passCase{
		// What a part says is true in the others of a conjunction, false in those of a disjunction.
		{ir.And{b, ir.Or{b, c}}, b.String()},
		{ir.And{ir.Or{b, c}, b}, b.String()},
		{ir.Or{b, ir.And{b, c}}, b.String()},
		{ir.And{b, ir.Or{c, ir.And{b, long}}}, ir.And{b, ir.Or{c, long}}.String()},
		{ir.And{b, not(ir.And{b, c})}, ir.And{b, not(c)}.String()},
		{ir.And{b, ir.Or{c, not(b)}}, ir.And{b, c}.String()},
		{ir.And{not(b), ir.Or{b, c}}, ir.And{not(b), c}.String()},
		{ir.And{b, not(b)}, "(or)"},
		{ir.And{word(star, "x", star), ir.Or{word(star, "X", star), b}}, word(star, "x", star).String()},
		// A text that is part of another.
		{ir.Or{long, short}, short.String()},
		{ir.And{short, long}, long.String()},
		{ir.Or{is("a", "x", star), is("a", "xy", star), whole}, is("a", "x", star).String()},
		{ir.Or{is("a", star, "yz"), is("a", star, "z"), is("a", "Yz")}, is("a", star, "z").String()},
		{ir.And{whole, ir.Or{is("a", star, "YZ"), b}}, whole.String()},
		{ir.Or{cased, short}, short.String()},
		{ir.Or{is("a", star, "éß", star), is("a", star, "xÉß!", star)}, is("a", star, "éß", star).String()},
		{ir.And{cased, short}, cased.String()},
		{ir.Or{is("a", star, "net", star, "|Find", star), is("a", star, "ipnet", star, "st |find|", star)}, is("a", star, "net", star, "|Find", star).String()},
		{ir.Or{is("a", star, "y", star, "z"), short}, short.String()},
		{ir.Or{is("a", "x", one, "z"), whole, is("a", "x", star, "y", one)}, ir.Or{is("a", "x", one, "z"), is("a", "x", star, "y", one)}.String()},
		{ir.And{is("a", "x", one, one), is("a", one, star)}, is("a", "x", one, one).String()},
		// Whether there is a value.
		{ir.And{whole, there}, whole.String()},
		{ir.And{whole, is("a", star)}, whole.String()},
		{ir.And{whole, not(ir.Or{b, null})}, ir.And{whole, not(b)}.String()},
		{ir.And{ir.Or{long, ir.And{is("a", "q"), b}}, not(null)}, ir.Or{long, ir.And{is("a", "q"), b}}.String()},
		{ir.And{there, not(null)}, not(null).String()},
		{ir.And{null, ir.Or{whole, b}}, ir.And{null, b}.String()},
		{ir.And{not(null), ir.Or{there, b}}, not(null).String()},
		{ir.Or{null, ir.And{there, b}}, ir.Or{null, b}.String()},
		// A group that another implies.
		{ir.Or{ir.And{long, b}, ir.And{short, b, c}, ir.And{long, b, c}}, ir.Or{ir.And{long, b}, ir.And{short, b, c}}.String()},
		{ir.And{ir.Or{long, b}, ir.Or{b, short, c}}, ir.Or{long, b}.String()},
		{ir.And{not(ir.And{b, c}), not(ir.And{b, c, short})}, not(ir.And{b, c}).String()},
		{ir.And{ir.Or{b, c}, ir.Or{c, b}}, ir.Or{c, b}.String()},

		// What is negated twice.
		{not(ir.Or{not(b), c}), ir.And{b, not(c)}.String()},
		{ir.And{long, not(ir.Or{c, ir.And{not(b), null}, ir.And{b, not(short)}, is("d", "q")})}, ir.And{long, not(ir.Or{c, is("d", "q")})}.String()},
		{not(ir.Or{c, ir.And{not(b), null}}), ir.And{ir.Or{b, not(null)}, not(c)}.String()},
		{not(ir.And{not(b), ir.And{not(c), null}}), ir.Or{b, c, not(null)}.String()},

		{not(ir.And{not(b), c}), ""},
		{not(ir.Or{null, c}), ""},
		{not(not(b)), ""}, // Simplify has run
		{ir.And{ir.Or{b, c, short}, ir.Or{b, c}}, ir.Or{b, c}.String()},
		{ir.And{ir.Or{b, long}, ir.Or{b, short, is("d", "q")}}, ir.Or{b, long}.String()},
		{ir.And{ir.Or{b, short}, ir.Or{b, long, is("d", "q")}}, ""},
		{ir.And{not(ir.And{b, c}), ir.Or{b, short}}, ""},

		{ir.And{b, c}, ""},
		{ir.Or{ir.And{short, b}, ir.And{long, c}}, ""},
		{ir.And{ir.Or{long, b}, ir.Or{long, c}}, ""},
		{ir.And{b, ir.Or{c, long}}, ""},
		{ir.Or{whole, is("a", "yz"), is("a", star, "zz"), is("a", "yy", star)}, ""},
		{ir.Or{is("a", "x", star), is("a", star, "x")}, ""},
		{ir.Or{is("a", star, "x", star, "y"), is("a", star, "y", star, "x"), is("a", "y", one, "x", one)}, ""},
		{ir.Or{is("a", "x", star, "y", one), is("a", "x", one, "y", star), is("a", "x", star, "y")}, ""},
		{ir.Or{is("a", "x", one), is("a", "x", one, star, "\xff"), is("a", "x", one, star, "\xfe", star)}, ""},
		{ir.And{short, ir.Or{cased, b}}, ""}, // the case of the letter is open
		{ir.And{whole, text("b", ir.Exists{})}, ""},
		{ir.And{there, null}, ""},           // of a field that is there and null
		{ir.And{empty, ir.Or{b, null}}, ""}, // the empty text is no value to some targets
		{ir.And{null, ir.Or{b, empty}}, ""},
		{ir.And{ir.Or{whole, b}, there}, ""},
		{ir.And{not(whole), ir.Or{short, b}}, ""},
		{ir.And{whole, ir.Or{is("a", "z"), b}}, ""}, // of several values, one may be each
	})
	testPass(t, func(r *ir.Rule) *ir.Rule { out, _ := ir.Decide(r, true); return out }, []passCase{
		// A text that is another, or begins or ends otherwise.
		{ir.And{whole, ir.Or{is("a", "z"), b}}, ir.And{whole, b}.String()},
		{ir.And{whole, ir.Or{is("a", "Y", star), is("a", star, "x", star, "Y", one, one, star), b}}, ir.And{whole, b}.String()},
		{ir.And{is("a", star, "x"), ir.Or{is("a", star, "yX"), is("a", star, "y"), b}}, ir.And{is("a", star, "x"), ir.Or{is("a", star, "yX"), b}}.String()},
		{ir.And{is("a", "x", star), not(ir.And{is("a", "y", star), b})}, is("a", "x", star).String()},
		{ir.Or{whole, ir.And{not(ir.Or{is("a", "y", star), is("a", "z")}), there}}, ir.And{not(ir.Or{is("a", "y", star), is("a", "z")}), there}.String()},

		// A group of which one case holds, and the others are ruled out.
		{ir.And{b, ir.Or{c, long}, not(ir.And{is("c", "y"), ir.Or{long, c}})}, ir.And{b, ir.Or{c, long}, not(is("c", "y"))}.String()},
		{ir.And{ir.Or{b, c}, not(ir.And{null, c, ir.Or{b, c, there}})}, ir.And{ir.Or{b, c}, not(ir.And{null, c})}.String()},
		{ir.And{ir.Or{ir.And{b, long}, ir.And{not(c), short}}, ir.Or{is("d", "q"), there}}, ir.Or{ir.And{b, long}, ir.And{not(c), short}}.String()},
		{ir.Or{ir.And{b, not(c)}, ir.And{b, c, short}}, ir.Or{ir.And{b, not(c)}, ir.And{b, short}}.String()},
		{ir.Or{ir.And{b, not(c)}, ir.And{not(b), not(short)}, ir.And{c, short}}, ""},
		{ir.And{ir.Or{word(star, "x", star), word(star, "y", star)}, not(word(star, "X", star)), ir.Or{word(star, "Y", star), b}},
			ir.And{word(star, "y", star), not(word(star, "X", star))}.String()},
		{ir.And{ir.Or{b, ir.And{c, not(b)}}, not(b)}, ir.And{c, not(b)}.String()},
		// One of several texts.
		{ir.And{ir.Or{is("a", "x"), is("a", "z")}, ir.Or{is("a", "y", star), b}}, ir.And{ir.Or{is("a", "x"), is("a", "z")}, b}.String()},
		{ir.And{ir.Or{ir.And{is("a", "x"), b}, ir.And{is("a", "z"), c}}, not(ir.And{is("a", "x"), b, is("d", "q")})},
			ir.And{ir.Or{ir.And{is("a", "x"), b}, ir.And{is("a", "z"), c}}, not(ir.And{is("a", "x"), is("d", "q")})}.String()},
		{ir.And{text("a", re(`^x[0-9]\z`)), ir.Or{is("a", star, "yy", star), is("a", star, "x", one), is("a", star, "y"), b}},
			ir.And{text("a", re(`^x[0-9]\z`)), ir.Or{is("a", star, "x", one), is("a", star, "y"), b}}.String()},
		{ir.And{is("a", "x", one, "z"), ir.Or{is("a", star, "yy"), text("a", re(`y(?:a|b)*z`)), text("a", re(`qq`)), b}},
			ir.And{is("a", "x", one, "z"), ir.Or{text("a", re(`y(?:a|b)*z`)), b}}.String()},
		{ir.And{is("a", "1"), ir.Or{text("a", ir.NewPattern(true, ir.Part{Text: "1"})), b}}, is("a", "1").String()},
		{ir.Or{null, not(ir.Or{short, ir.And{is("a", star, "q"), b}})}, not(ir.Or{short, ir.And{is("a", star, "q"), b}}).String()},

		{ir.And{is("a", "x", star), ir.Or{is("a", star, "y"), is("a", "XY", star)}}, ""},
		{ir.And{cased, ir.Or{is("a", "Y"), b}}, ""},
		{ir.And{text("a", ir.NewPattern(true, ir.Part{Text: "y"})), ir.Or{text("a", ir.NewPattern(true, star, ir.Part{Text: "Y"})), c}}, ""}, // the case is left out of account
		{ir.Or{whole, ir.And{not(ir.Or{is("a", "y", star), is("a", "X", star)}), there}}, ""},
	})
}

func TestCheckFinds(t *testing.T) {
	a := match("a", pat("x"))
	for _, c := range []struct {
		r     *ir.Rule
		stage ir.Stage
		want  string
	}{
		{&ir.Rule{}, ir.Parsed, "no condition"},
		{rule(ir.Ref{Name: "x"}), ir.Parsed, "a reference to nothing"},
		{rule(ir.Of{Pattern: "x"}), ir.Parsed, "a reference to nothing"},
		{rule(ir.Ref{Name: "a"}, ir.Detection{Name: "a", Expr: match("f", ir.Windash{X: pat("x")})}), ir.NoWindash, "windash after its pass"},
		{rule(ir.Ref{Name: "a"}, ir.Detection{Name: "a", Expr: match("f", ir.Base64Offset{X: pat("x")})}), ir.NoBase64, "base64offset after its pass"},
		{rule(ir.Ref{Name: "a"}, ir.Detection{Name: "a", Expr: match("f", ir.Encode{X: pat("x")})}), ir.Parsed, "an encoding of a plain pattern"},
		{rule(a), ir.Typed, "a field without a type"},
		{rule(text("a", pat("x")), ir.Detection{Name: "a", Expr: text("a", pat("x"))}), ir.Inlined, "detections after Inline"},
		{rule(ir.Item{X: a}), ir.Parsed, "an item outside the detections"},
		{rule(ir.And{text("a", pat("x"))}), ir.Simple, "a group of one"},
		{rule(ir.Or{text("a", pat("x")), ir.Or{}}), ir.Simple, "a group within its like"},
		{rule(ir.Not{X: ir.Not{X: text("a", pat("x"))}}), ir.Simple, "a double negation"},
		{rule(match("", pat("x"))), ir.Parsed, "a field without a name"},
		{rule(match("f", nil)), ir.Parsed, "no test"},
		{rule(match("f", ir.Regexp{})), ir.Parsed, "without its meaning"},
		{rule(match("f", ir.Pattern{Parts: []ir.Part{{Text: "a"}, {Text: "b"}}})), ir.Parsed, "parts to join"},
	} {
		if err := ir.Check(c.r, c.stage); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.r, err, c.want)
		}
	}
}

// FuzzPasses holds that the evaluator answers the same after every pass, and
// after Legalize for every target, which makes the same of a rule alone as with the others.
func FuzzPasses(f *testing.F) {
	for seed := range uint64(300) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 1))
		parsed := irgen.Rule(r, irgen.Config{Sugar: true, Keywords: true, FieldRefs: true})
		if err := ir.Check(parsed, ir.Parsed); err != nil {
			t.Fatal(err)
		}
		stages := []*ir.Rule{parsed}
		names := []string{"Parse"}
		for _, p := range ir.Passes() {
			next, err := p.Run(stages[len(stages)-1])
			if err != nil {
				t.Fatal(err)
			}
			if err := ir.Check(next, p.Stage); err != nil {
				t.Fatalf("after %s: %v", p.Name, err)
			}
			stages, names = append(stages, next), append(names, p.Name)
		}
		caps := map[int]backends.Caps{} // of the target of a stage
		shared := &backends.Decided{Rule: stages[len(ir.Passes())], Mixed: true}
		for _, target := range sigmac.Targets() {
			legal, refused := backends.Legalize(shared.Rule, target.Format.Caps)
			if together, faults := shared.Legalize(target.Format.Caps); len(refused) != len(faults) || legal != nil && legal.String() != together.String() {
				t.Fatalf("%s is legalized in another way with others\nrule:\n%salone:\n%stogether:\n%s", target.Name, parsed, legal, together)
			}
			if len(refused) == 0 {
				stages, names = append(stages, legal), append(names, "Legalize "+target.Name)
				caps[len(stages)-1] = target.Format.Caps
			}
		}
		for range 8 {
			fields := irgen.Fields(r, parsed)
			ev, err := eval.NewEvent(fields)
			if err != nil {
				t.Fatal(err)
			}
			several := slices.ContainsFunc(slices.Collect(maps.Values(fields)), func(v any) bool { _, list := v.([]any); return list })
			want := eval.Rule(parsed, ev)
			for i, s := range stages {
				if eval.Rule(s, ev) != want && !(several && caps[i].Single) && !irtest.OtherEvent(caps[i], parsed, ev) {
					t.Fatalf("%s changes the answer %v on %s\nrule:\n%safter:\n%s", names[i], want, ev.Raw(), parsed, s)
				}
			}
		}
	})
}
