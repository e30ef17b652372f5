package elastic

import (
	"errors"
	"strings"
	"testing"

	"sigmac/internal/irtest"
	"sigmac/ir"
)

// Short forms.
var (
	pattern = irtest.Pattern
	match   = irtest.Match
	is      = irtest.Is
	cased   = irtest.Cased
	num     = irtest.Num
	net     = irtest.Net
	not     = irtest.Not
	emit    = irtest.Emit(Emit)
)

func re(t *testing.T, f, src string) ir.Match { return match(f, irtest.Regexp(t, src)) }

func TestEmit(t *testing.T) {
	null := match("f", ir.Null{})
	for _, c := range []struct {
		e    ir.Expr
		want string
	}{
		{ir.True, `true`},
		{ir.False, `false`},
		{not(ir.True), `not (true)`},
		{is("f", "v"), `?f : "v"`},
		{is("f", "v*"), `?f : "v*"`},
		{is("f", "*a?b*"), `?f : "*a?b*"`},
		{is("f", `a\*b`), `?f in~ ("a*b")`},
		{is("f", `\?`), `?f in~ ("?")`},
		{is("f", `C:\\x*`), `?f : """C:\x*"""`},
		{is("f", `\\\"`), `?f : "\\\""`},
		{is("f", ""), `?f == ""`},
		{is("f", "*"), `?f != null`},
		{cased("f", "*"), `?f != null`},
		{cased("f", ""), `?f == ""`},
		{cased("f", "v"), `?f == "v"`},
		{cased("f", `v\*`), `?f == "v*"`},
		{cased("f", "é*"), `?f like "é*"`},
		{re(t, "f", `^a\.b\n\z`), `?f regex "a\\.b\n"`},
		{re(t, "f", `^a\.b`), `?f regex """a\.b.*"""`},
		{net("f", "10.0.0.0/8"), `cidrMatch(?f, "10.0.0.0/8")`},
		{num("f", ir.Eq, "5"), `?f == 5`},
		{num("f", ir.Eq, "-5.5"), `?f == -5.5`},
		{num("f", ir.Gt, "5"), `?f > 5`},
		{num("f", ir.Gte, "5"), `?f >= 5`},
		{num("f", ir.Lt, "5"), `?f < 5`},
		{num("f", ir.Lte, "5"), `?f <= 5`},
		{match("f", ir.Bool{Value: true}), `?f == true`},
		{not(match("f", ir.Bool{})), `?f != false`},
		{null, `?f == null`},
		{not(null), `?f != null`},
		{match("f", ir.Exists{}), `?f != null`},
		{not(match("f", ir.Exists{})), `?f == null`},
		{not(is("f", "*")), `?f == null`},
		{not(is("f", "v")), `not ?f : "v"`},
		{not(is("f", "")), `?f != ""`},
		{not(is("f", `\*`)), `not ?f in~ ("*")`},
		{not(num("f", ir.Eq, "5")), `?f != 5`},
		{not(num("f", ir.Lt, "5")), `not ?f < 5`},
		{not(net("f", "10.0.0.0/8")), `not cidrMatch(?f, "10.0.0.0/8")`},
		{not(ir.Or{is("f", "a"), is("f", "b*")}), `not ?f : ("a", "b*")`},

		{ir.And{is("f", "a"), is("g", "b")}, `?f : "a" and ?g : "b"`},
		{ir.And{is("f", "a"), ir.And{is("g", "b"), is("h", "c")}}, `?f : "a" and ?g : "b" and ?h : "c"`},
		{ir.And{is("f", "a")}, `?f : "a"`},
		{ir.And{is("f", "a"), ir.True}, `?f : "a"`},
		{ir.Or{is("f", "a"), ir.And{is("g", "b"), is("h", "c")}}, `?f : "a" or (?g : "b" and ?h : "c")`},
		{ir.And{is("f", "a"), ir.Or{is("g", "b"), is("h", "c")}}, `?f : "a" and (?g : "b" or ?h : "c")`},
		{not(ir.Or{is("g", "b"), is("h", "c")}), `not (?g : "b" or ?h : "c")`},
		{ir.And{is("f", "a"), not(not(is("g", "b")))}, `?f : "a" and not (not ?g : "b")`},
		{not(ir.And{not(null), is("f", "a")}), `not (?f != null and ?f : "a")`},
		{not(ir.And{not(null), ir.Or{is("f", "a"), is("f", "b*")}}), `not (?f != null and ?f : ("a", "b*"))`},
		{not(ir.Or{is("f", "a"), null}), `?f != null and not ?f : "a"`},
		{not(ir.Or{is("f", "a"), null, is("g", "b"), is("h", "")}), `?f != null and ?h != "" and not (?f : "a" or ?g : "b")`},
		{not(ir.Or{is("g", "a"), null}), `not (?g : "a" or ?f == null)`},
		{not(ir.Or{null, is("f", ""), num("g", ir.Eq, "1")}), `?f != null and ?f != "" and ?g != 1`},
		{ir.Or{is("g", "a"), not(ir.Or{null, is("f", "")})}, `?g : "a" or (?f != null and ?f != "")`},
		{not(ir.Or{ir.And{match("f", ir.Exists{}), is("f", "a")}, is("g", "")}), `?g != "" and not (?f != null and ?f : "a")`},
		{not(ir.Or{ir.And{match("f", ir.Exists{}), is("h", "a")}, is("g", "")}), `not ((?f != null and ?h : "a") or ?g == "")`},

		{ir.Or{is("f", "a"), is("g", "x"), is("f", "b*"), is("f", `\*`), is("f", ""), is("f", `\?`)},
			`?f : ("a", "b*") or ?g : "x" or ?f in~ ("*", "?") or ?f == ""`},
		{ir.Or{is("f", "a"), ir.Or{is("f", "b")}}, `?f : ("a", "b")`},
		{ir.And{is("f", "a"), is("f", "b")}, `?f : "a" and ?f : "b"`},
		{ir.Or{cased("f", "a"), cased("f", "b"), cased("f", "c*"), cased("f", "*d")}, `?f in ("a", "b") or ?f like ("c*", "*d")`},
		{not(ir.Or{cased("f", "a"), cased("f", "b")}), `not ?f in ("a", "b")`},
		{ir.Or{num("f", ir.Eq, "1"), num("f", ir.Eq, "2"), num("f", ir.Gt, "7"), num("f", ir.Lt, "0")}, `?f in (1, 2) or ?f > 7 or ?f < 0`},
		{not(ir.And{is("g", "x"), ir.Or{num("f", ir.Eq, "1"), num("f", ir.Eq, "2")}}), `not (?g : "x" and ?f in (1, 2))`},
		{not(not(ir.Or{num("f", ir.Eq, "1"), num("f", ir.Eq, "2")})), `not (not ?f in (1, 2))`},
		{ir.Or{re(t, "f", "^a$"), re(t, "f", "^b|c$")}, `?f regex ("a\n?", "b.*|.*c|.*c\n")`},
		{ir.Or{re(t, "f", "^"+strings.Repeat("a", 600)), re(t, "f", "^"+strings.Repeat("b", 600)), re(t, "f", `^c\z`)},
			`?f regex "` + strings.Repeat("a", 600) + `.*" or ?f regex ("` + strings.Repeat("b", 600) + `.*", "c")`},
		// Joined by `|`, each `.*x.*` doubles the states: Lucene takes nine, and eight are enough.
		{ir.Or{re(t, "f", "a"), re(t, "f", "b"), re(t, "f", "c"), re(t, "f", "d"), re(t, "f", "e"), re(t, "f", "g"), re(t, "f", "h"), re(t, "f", "i"), re(t, "f", "j"), re(t, "f", "k"), re(t, "f", "l"), re(t, "f", "m"), re(t, "f", "n")},
			`?f regex (".*a.*", ".*b.*", ".*c.*", ".*d.*", ".*e.*", ".*g.*", ".*h.*", ".*i.*") or ?f regex (".*j.*", ".*k.*", ".*l.*", ".*m.*", ".*n.*")`},
		{re(t, "f", ".{1000}"), "?f regex \"([^\\n]{0,999}\\n)*[^\\n]{1000}.*\""},
		{re(t, "f", "(?s).{900}"), `?f regex ".{900}.*"`},
		{ir.And{re(t, "f", "^("+strings.Repeat("a", 600)+"|"+strings.Repeat("b", 600)+")"), is("g", "x")},
			`(?f regex "` + strings.Repeat("a", 600) + `.*" or ?f regex "` + strings.Repeat("b", 600) + `.*") and ?g : "x"`},
		{ir.Or{net("f", "10.0.0.0/8"), net("f", "fe80::/10")}, `cidrMatch(?f, "10.0.0.0/8", "fe80::/10")`},
		{ir.Or{null, is("f", "")}, `?f == null or ?f == ""`},
		{ir.Or{match("f", ir.Bool{}), match("f", ir.Bool{Value: true})}, `?f == false or ?f == true`},
	} {
		emit.Case(t, c.e, "any where "+c.want)
	}
}

func TestEmitCategoryAndLayout(t *testing.T) {
	for category, want := range map[string]string{
		"": "any where ", "process": "process where ", "any": `"any" where `, "my-cat": `"my-cat" where `, "a\"b": `"a\"b" where `,
	} {
		r := &ir.Rule{Scope: ir.Scope{Category: category}, Conditions: []ir.Condition{{Expr: is("f", "a")}, {Expr: is("f", "b")}}}
		got, err := emit.Flat(r)
		if err != nil || len(got) != 2 || got[0] != want+`?f : "a"` || got[1] != want+`?f : "b"` {
			t.Errorf("%q: %q %v", category, got, err)
		}
	}
	long := strings.Repeat("x", 60)
	r := &ir.Rule{Conditions: []ir.Condition{{Expr: ir.And{is("f", long), not(ir.Or{is("g", long), is("h", long)})}}}}
	got, err := emit.Pretty(r)
	want := "any where ?f : \"" + long + "\"\nand not (\n  ?g : \"" + long + "\"\n  or ?h : \"" + long + "\"\n)"
	if err != nil || got[0] != want {
		t.Errorf("got %v\n%s\nwant\n%s", err, got, want)
	}
}

func TestEmitUnsupported(t *testing.T) {
	at := ir.Pos{Line: 3, Column: 4}
	for _, m := range []ir.Match{
		is("a\nb", "x"), is("", "x"), match("f", ir.Lit("x\xff")),
		num("f", ir.Eq, "9223372036854775808"), num("f", ir.Gt, "-9223372036854775809"), num("f", ir.Eq, "1.2345678901234567"),
	} {
		m.Pos = at
		_, err := emit.Flat(&ir.Rule{Conditions: []ir.Condition{{Expr: m}}})
		var u *ir.Diagnostic
		if !errors.As(err, &u) || u.Pos != at || u.Source != "elastic" {
			t.Errorf("%s: %v", m, err)
		}
	}
	for _, e := range []ir.Expr{
		ir.Keyword{Test: pattern("*a*", false)}, ir.Ref{Name: "a"}, is("f", `\**`), is("f", "é"),
		match("f", ir.FieldRef{}), match("f", ir.TimePart{}), re(t, "f", `a(?=b)`),
	} {
		emit.Panics(t, e)
	}
}

func TestCaps(t *testing.T) {
	c := Caps()
	if c.Backend != name || c.FieldRef || c.Keyword || c.OrderText || c.CIDRText || len(c.TimePart) > 0 {
		t.Error(c)
	}
	for _, p := range []struct {
		s           string
		cased       bool
		has, folded bool
	}{
		{"v", false, true, true}, {"v*", false, true, true}, {"*", false, true, false}, {"", false, true, false},
		{"?", false, true, true}, {`a\*`, false, true, true}, {`a\**`, false, false, true}, {`a\*`, true, true, false},
		{`a\?*`, true, false, true}, {"é", false, false, true}, {"é*", true, true, true}, {"日*", false, true, true},
		{"v", true, true, false}, {"", true, true, false}, {"a\x01*", false, false, true}, {"a\n", false, true, true},
	} {
		pt := pattern(p.s, p.cased)
		if got := c.Pattern(pt); got != p.has {
			t.Errorf("%s: Pattern %v", pt, got)
		}
		if got := c.NullFolds([]ir.Test{pt}); p.has && got != p.folded {
			t.Errorf("%s: NullFolds %v", pt, got)
		}
	}
	for _, x := range []struct {
		t    ir.Test
		want bool
	}{
		{ir.Compare{Op: ir.Eq, Number: "1"}, false}, {ir.Compare{Op: ir.Lt, Number: "1"}, true}, {ir.Bool{}, false},
		{ir.Null{}, false}, {ir.Exists{}, false}, {ir.CIDR{}, true}, {ir.Regexp{}, true},
	} {
		if got := c.NullFolds([]ir.Test{x.t}); got != x.want {
			t.Errorf("%s: NullFolds %v", x.t, got)
		}
	}
	one := ir.Compare{Op: ir.Eq, Number: "1"}
	if c.NullFolds([]ir.Test{one, ir.Bool{}, ir.Exists{}}) || !c.NullFolds([]ir.Test{one, pattern("v", true)}) {
		t.Error("a list of `==` is an `in`, and one `==` is none")
	}
	if c.Pattern(ir.NewPattern(false, ir.Part{Kind: ir.Placeholder, Text: "x"})) {
		t.Error("a placeholder")
	}
}
