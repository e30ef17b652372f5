package splunk

import (
	"cmp"
	"errors"
	"regexp"
	"strings"
	"testing"

	"sigmac/internal/irtest"
	"sigmac/ir"
	"sigmac/regex"
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
	part    = irtest.Part
	emit    = irtest.Emit(Emit)
)

func re(t *testing.T, f, src string) ir.Match { return match(f, irtest.Regexp(t, src)) }

func ref(f string, shape ir.Shape, cased bool, g string) ir.Match {
	return irtest.Ref(f, g, shape, cased)
}

func TestEmit(t *testing.T) {
	null, exists := match("f", ir.Null{}), match("f", ir.Exists{})
	yes := match("f", ir.Bool{Value: true})
	for _, c := range []struct {
		e    ir.Expr
		want string
	}{
		{ir.True, `*`},
		{ir.False, `NOT *`},
		{not(ir.True), `NOT *`},
		{not(ir.False), `*`},
		{is("f", "v"), `f="v"`},
		{is("f", "v*"), `f="v*"`},
		{is("f", "*v"), `f="*v"`},
		{is("f", "*a b*"), `f="*a b*"`},
		{is("_raw", "*a b*"), `_raw="*a b*"`},
		{is("f", ""), `f=""`},
		{cased("f", ""), `f=""`},
		{is("f", "*"), `f=* OR f=""`},
		{not(is("f", "*")), `NOT (f=* OR f="")`},
		{is("f", "a*b"), `f="a*" f="*b" | where searchmatch("f=\"a*b\"")`},
		{is("f", "*é*日_1*"), `f="*é*" f="*日_1*" | where searchmatch("f=\"*é*日_1*\"")`},
		{is("f", "a*mid*.b"), `f="a*" f="*mid*" f="*.b" | where searchmatch("f=\"a*mid*.b\"")`},
		{is("f", "*a.*.*.b*"), `f="*a.*" f="*.b*" | where searchmatch("f=\"*a.*.*.b*\"")`},
		{is("f", "a?b"), `f="a*" f="*b" | where isnotnull(mvfind('f',"(?is)\Aa.b\z"))`},
		{is("f", "a.?b*"), `f="a.*" f="*b*" | where isnotnull(mvfind('f',"(?is)\Aa\..b"))`},
		{is("f", "?"), `* | where isnotnull(mvfind('f',"(?s)\A.\z"))`},
		{is("f", "?*"), `* | where isnotnull(mvfind('f',"(?s)\A."))`},
		{is("f", `\?`), `f="?"`},
		{is("f", `a\*b`), `f="a*" f="*b" | where isnotnull(mvfind('f',"(?i)\Aa\x2Ab\z"))`},
		{is("f", `*a\*.b*`), `f="*a*" f="*.b*" | where isnotnull(mvfind('f',"(?i)a\x2A\.b"))`},
		{is("f", `\**`), `* | where isnotnull(mvfind('f',"\A\x2A"))`},
		{is("f", `C:\\x\\*`), `f="C:\\x\\*"`},
		{is("f", `C:\\x\\`), `f="C:\\x\\"`},
		{is("f", `\\\"`), `f="\\\""`},
		{is("f", `a|b [c] $d$ %e% (f)=g,h`), `f="a|b [c] $d$ %e% (f)=g,h"`},
		{is("f", "a`b"), `f="a*" f="*b" | where isnotnull(mvfind('f',"(?i)\Aa\x60b\z"))`},
		{is("f", "a```b"), `f="a*" f="*b" | where isnotnull(mvfind('f',"(?i)\Aa\x60\x60\x60b\z"))`},
		{is("f", "a\nb"), `f="a*" f="*b" | where isnotnull(mvfind('f',"(?i)\Aa\x0Ab\z"))`},
		{is("f", "\x00"), `* | where isnotnull(mvfind('f',"\A\x00\z"))`},
		{is("f", "a\u202eb"), `f="a*" f="*b" | where isnotnull(mvfind('f',"(?i)\Aa\x{202E}b\z"))`},
		{is("f", "straße"), `f="straße"`},
		{is("f", "*\u03c3\u03c4*"), `f="*τ*" | where isnotnull(mvfind('f',"(?i)στ"))`},
		{is("f", "10.0.0.0/8"), `f="10.0.0.0*" f="*8" | where isnotnull(mvfind('f',"\A10\.0\.0\.0/8\z"))`},
		{is("f", "fe80::/10"), `f="fe80::*" f="*10" | where isnotnull(mvfind('f',"(?i)\Afe80::/10\z"))`},
		{is("f", "10.0.0.0/8*"), `f="10.0.0.0/8*"`},
		{is("f", "a/8"), `f="a/8"`},
		{cased("f", "v"), `f="v" | where isnotnull(mvfind('f',"\Av\z"))`},
		{cased("f", "Ab*"), `f="Ab*" | where isnotnull(mvfind('f',"\AAb"))`},
		{cased("f", "*Ab.*c"), `f="*Ab.*" f="*c" | where isnotnull(mvfind('f',"(?s)Ab\..*c\z"))`},
		{cased("f", "12*"), `f="12*"`},
		{re(t, "f", `^a\.b\n$`), `* | where isnotnull(mvfind('f',"\Aa\.b\x0A$"))`},
		{re(t, "f", "(?i)\"`|\\\\x"), `* | where isnotnull(mvfind('f',"(?i)\x22\x60|\x5Cx"))`},
		{re(t, "f", `(a)(?=b)\1`), `* | where isnotnull(mvfind('f',"(a)(?=b)\1"))`},
		{net("f", "10.0.0.0/8"), `f="10.0.0.0/8"`},
		{net("f", "fe80::/10"), `f="fe80::/10"`},
		{num("f", ir.Eq, "5"), `f=5`},
		{num("f", ir.Eq, "-5.5"), `f=-5.5`},
		{num("f", ir.Gt, "5"), `* | where tonumber('f')>5`},
		{num("f", ir.Gte, "-5.5"), `* | where tonumber('f')>=-5.5`},
		{num("f", ir.Lt, "5"), `* | where tonumber('f')<5`},
		{num("f", ir.Lte, "5"), `* | where tonumber('f')<=5`},
		{yes, `f="true"`},
		{not(match("f", ir.Bool{})), `NOT f="false"`},
		{null, `NOT (f=* OR f="")`},
		{not(null), `f=* OR f=""`},
		{exists, `f=* OR f=""`},
		{not(exists), `NOT (f=* OR f="")`},
		{ref("f", ir.Exact, false, "g h"), `* | where lower('f')=lower('g h')`},
		{ref("f", ir.Exact, true, "g"), `* | where 'f'='g'`},
		{ref("f", ir.Prefix, false, "g"), `* | where substr("x".lower('f'),1,1+len('g'))="x".lower('g')`},
		{ref("f", ir.Prefix, true, "g"), `* | where substr("x".'f',1,1+len('g'))="x".'g'`},
		{ref("f", ir.Suffix, false, "g"), `* | where substr(lower('f')."x",-1-len('g'))=lower('g')."x"`},
		{ref("f", ir.Suffix, true, "g"), `* | where substr('f'."x",-1-len('g'))='g'."x"`},
		{part("f", "minute", ir.Eq, "5"), `* | where tonumber(strftime('f',"%M"))=5`},
		{part("f", "hour", ir.Gt, "5"), `* | where tonumber(strftime('f',"%H"))>5`},
		{part("f", "day", ir.Lte, "5"), `* | where tonumber(strftime('f',"%d"))<=5`},
		{part("f", "month", ir.Eq, "5"), `* | where tonumber(strftime('f',"%m"))=5`},
		{part("f", "year", ir.Gte, "2024"), `* | where tonumber(strftime('f',"%Y"))>=2024`},

		{is("Event.Data{}.x", "v"), `Event.Data{}.x="v"`},
		{is("a-b c", "v"), `"a-b c"="v"`},
		{cased("a-b c", "v"), `"a-b c"="v" | where isnotnull(mvfind('a-b c',"\Av\z"))`},
		{is("not", "v"), `"not"="v"`},
		{is("search", "v"), `"search"="v"`},
		{is("1x", "v"), `"1x"="v"`},
		{is("earliest", "v"), `* | where isnotnull(mvfind('earliest',"(?i)\Av\z"))`},
		{cased("earliest", "v"), `* | where isnotnull(mvfind('earliest',"\Av\z"))`},

		{ir.And{is("f", "a"), ir.And{is("g", "b"), ir.True}}, `f="a" g="b"`},
		{ir.And{is("f", "a"), is("f", "a")}, `f="a"`},
		{ir.Or{is("f", "a"), is("g", "b")}, `f="a" OR g="b"`},
		{ir.Or{is("f", "a"), ir.And{is("g", "b"), is("h", "c")}}, `f="a" OR (g="b" h="c")`},
		{ir.And{is("f", "a"), ir.Or{is("g", "b"), is("h", "c")}}, `f="a" (g="b" OR h="c")`},
		{not(ir.Or{is("g", "b"), is("h", "c")}), `NOT g="b" NOT h="c"`},
		{not(ir.And{is("g", "b"), is("h", "c")}), `NOT (g="b" h="c")`},
		{ir.And{is("f", "a"), not(not(is("g", "b")))}, `f="a" g="b"`},
		{ir.And{is("f", "a"), not(ir.Or{is("g", "b"), is("g", "c*"), is("g", "*d*")})}, `f="a" NOT g IN ("b", "c*", "*d*")`},
		{ir.Or{is("f", "a"), is("g", "x"), is("f", "b*"), num("f", ir.Eq, "1"), num("f", ir.Eq, "2"), yes, is("f", ""), net("f", "10.0.0.0/8")},
			`f IN ("a", "b*", 1, 2, "true") OR g="x" OR f="" OR f="10.0.0.0/8"`},
		{ir.Or{is("f", "a"), ir.Or{is("f", "b")}}, `f IN ("a", "b")`},
		{ir.And{is("f", "a"), ir.False}, `NOT *`},

		{ir.And{is("f", "a"), cased("g", "B"), not(cased("h", "C")), is("i", "d")},
			`f="a" i="d" g="B" | where isnotnull(mvfind('g',"\AB\z")) AND NOT isnotnull(mvfind('h',"\AC\z"))`},
		{ir.And{is("f", "a"), cased("f", "A")}, `f="a" | where isnotnull(mvfind('f',"\AA\z"))`},
		{ir.And{cased("f", "*A*"), cased("f", "*a*")},
			`f="*A*" | where isnotnull(mvfind('f',"A")) AND isnotnull(mvfind('f',"a"))`},
		{ir.Or{is("f", "a"), re(t, "g", "b")}, `* | where searchmatch("f=\"a\"") OR isnotnull(mvfind('g',"b"))`},
		{ir.Or{is("f", "a"), ir.And{cased("g", "B"), not(is("h", "c")), null}},
			`f="a" OR g="B" | where searchmatch("f=\"a\"") OR (searchmatch("NOT h=\"c\"") AND isnull('f') AND isnotnull(mvfind('g',"\AB\z")))`},
		{ir.And{is("f", "a"), ir.Or{null, ir.And{is("g", "b"), not(ir.Or{is("h", "c"), exists})}}},
			`f="a" (NOT (f=* OR f="") OR (g="b" NOT (f=* OR f="") NOT h="c"))`},
		{not(ir.Or{null, is("g", "b")}), `(f=* OR f="") NOT g="b"`},
		{not(ir.And{null, num("g", ir.Gt, "5")}), `* | where NOT (isnull('f') AND if(tonumber('g')>5,1,0)=1)`},
		{not(num("g", ir.Gt, "5")), `* | where NOT (if(tonumber('g')>5,1,0)=1)`},
		{not(cased("g", "B")), `* | where NOT isnotnull(mvfind('g',"\AB\z"))`},
		{not(not(cased("g", "B"))), `g="B" | where isnotnull(mvfind('g',"\AB\z"))`},
		{not(ir.Or{cased("g", "B"), cased("g", "C")}), `* | where NOT isnotnull(mvfind('g',"\A(?:B|C)\z"))`},
		{ir.Or{cased("f", "A"), cased("f", "B"), cased("f", "")},
			`f IN ("A", "B") OR f="" | where searchmatch("f=\"\"") OR isnotnull(mvfind('f',"\A(?:A|B)\z"))`},
		{ir.Or{cased("f", "A*"), cased("f", "B*"), is("f", "c*"), num("f", ir.Eq, "5")},
			`f IN ("A*", "B*", "c*", 5) | where searchmatch("f IN (\"c*\", 5)") OR isnotnull(mvfind('f',"\A(?:A|B)"))`},
		{ir.Or{cased("f", "*A"), is("f", "*b?"), cased("f", "*C*"), cased("g", "A")},
			`f IN ("*A", "*b*", "*C*") OR g="A" | where isnotnull(mvfind('f',"(?s)A\z|(?i:b.\z)|C")) OR isnotnull(mvfind('g',"\AA\z"))`},
		{ir.Or{re(t, "f", "^a|b$"), re(t, "f", `c`), re(t, "f", `(a)\1`), null},
			`* | where isnotnull(mvfind('f',"\Aa|b$|c")) OR isnotnull(mvfind('f',"(a)\1")) OR isnull('f')`},
		{ir.Or{yes, num("f", ir.Eq, "5"), null, net("f", "10.0.0.0/8")},
			`f IN ("true", 5) OR NOT (f=* OR f="") OR f="10.0.0.0/8"`},
		{ir.Or{ir.True, null}, `*`},
		{ir.Or{ir.False, null}, `NOT (f=* OR f="")`},

		// What `search` can say stays there.
		{not(ir.Or{is("f", "a"), cased("g", "B"), is("h", "c")}), `NOT f="a" NOT h="c" | where NOT isnotnull(mvfind('g',"\AB\z"))`},
		{not(ir.Or{is("f", "a"), ir.And{cased("g", "B"), is("h", "c")}}),
			`NOT f="a" | where NOT (searchmatch("h=\"c\"") AND isnotnull(mvfind('g',"\AB\z")))`},
		{not(ir.Or{not(ir.Or{is("f", "a"), cased("g", "B")}), is("h", "c")}), `NOT h="c" (f="a" OR g="B") | where searchmatch("f=\"a\"") OR isnotnull(mvfind('g',"\AB\z"))`},
		{ir.Or{net("f", "10.0.0.0/8"), cased("g", "B")}, `f="10.0.0.0/8" OR g="B" | where searchmatch("f=\"10.0.0.0/8\"") OR isnotnull(mvfind('g',"\AB\z"))`},
		{ir.Or{is("f", `C:\\*"x`), is("g", "")}, `(f="C:\\*" f="*\"x") OR g="" | where searchmatch("f=\"C:\\\\*\\\"x\" OR g=\"\"")`},
		{ir.Or{net("earliest", "10.0.0.0/8"), null}, `* | where cidrmatch("10.0.0.0/8",'earliest') OR isnull('f')`},
		// A test whether a field is there.
		{ir.And{is("f", "a"), exists}, `f="a"`},
		{ir.And{is("f", "a"), not(ir.Or{null, is("g", "b")})}, `f="a" NOT g="b"`},
		{ir.And{ir.Or{is("f", "a"), cased("f", "B")}, exists}, `f IN ("a", "B") | where searchmatch("f=\"a\"") OR isnotnull(mvfind('f',"\AB\z"))`},
		{ir.And{ir.Or{is("f", "a"), is("g", "b")}, exists}, `(f="a" OR g="b") (f=* OR f="")`},
		{ir.Or{null, is("f", "")}, `NOT f=* OR f=""`},
		{ir.Or{null, is("g", "")}, `NOT (f=* OR f="") OR g=""`},
		{not(ir.Or{null, is("f", ""), is("f", "a")}), `f=* NOT f="" NOT f="a"`},
		{ir.And{null, not(is("f", ""))}, `NOT f=* NOT f=""`},
		{ir.Or{null, re(t, "g", "b")}, `* | where isnull('f') OR isnotnull(mvfind('g',"b"))`},
		{ir.And{not(null), re(t, "g", "b")}, `f=* OR f="" | where isnotnull(mvfind('g',"b"))`},
	} {
		emit.Case(t, c.e, c.want)
	}
}

// TestMatch holds where match is written: of a field with one value, and under a NOT where
// it is not null.
func TestMatch(t *testing.T) {
	f, g, raw := re(t, "f", "a"), re(t, "g", "b"), re(t, "_raw", "a")
	for _, c := range []struct {
		single bool
		e      ir.Expr
		want   string
	}{
		{true, f, `* | where match('f',"a")`},
		{false, f, `* | where isnotnull(mvfind('f',"a"))`},
		{false, raw, `* | where match('_raw',"a")`},
		{false, not(raw), `* | where NOT match('_raw',"a")`},
		{true, ir.Or{f, g}, `* | where match('f',"a") OR match('g',"b")`},
		{true, not(f), `* | where NOT isnotnull(mvfind('f',"a"))`},
		{true, ir.And{g, not(ir.And{is("h", "a"), not(f)})}, `* | where isnotnull(mvfind('g',"b")) AND NOT (searchmatch("h=\"a\"") AND NOT isnotnull(mvfind('f',"a")))`},
		{true, ir.And{is("f", "b"), not(f)}, `f="b" | where NOT match('f',"a")`},
		{false, ir.And{is("f", "b"), not(f)}, `f="b" | where NOT isnotnull(mvfind('f',"a"))`},
		{true, ir.And{is("f", "b"), not(ir.And{f, g})}, `f="b" | where NOT (isnotnull(mvfind('f',"a")) AND isnotnull(mvfind('g',"b")))`},
	} {
		got, err := emit.Flat(&ir.Rule{Single: c.single, Conditions: []ir.Condition{{Expr: c.e}}})
		if err != nil || got[0] != c.want {
			t.Errorf("%v: %q %v, want %s", c.e, got, err, c.want)
		}
	}
}

func TestEmitIndexAndLayout(t *testing.T) {
	or := ir.Or{is("f", "a"), is("g", "b")}
	for _, c := range []struct {
		index string
		e     ir.Expr
		want  string
	}{
		{"main", is("f", "a"), `index=main f="a"`},
		{"win*", ir.And{is("f", "a"), is("g", "b")}, `index=win* f="a" g="b"`},
		{"a b", or, `index="a b" (f="a" OR g="b")`},
		{`a"b`, ir.True, `index="a\"b"`},
		{"not", ir.False, `index="not" NOT *`},
		{"main", match("f", ir.Null{}), `index=main NOT (f=* OR f="")`},
		{"main", cased("f", ""), `index=main f=""`},
		{"main", re(t, "f", "a"), `index=main | where isnotnull(mvfind('f',"a"))`},
	} {
		r := &ir.Rule{Scope: ir.Scope{Index: c.index}, Conditions: []ir.Condition{{Expr: c.e}, {Expr: c.e}}}
		got, err := emit.Flat(r)
		if err != nil || len(got) != 2 || got[0] != c.want || got[1] != c.want {
			t.Errorf("%q: %q %v, want %s", c.index, got, err, c.want)
		}
	}
	long := strings.Repeat("x", 60)
	r := &ir.Rule{Conditions: []ir.Condition{{Expr: ir.And{is("f", long), not(ir.Or{is("g", long), is("h", long)}), cased("i", long)}}}}
	got, err := emit.Pretty(r)
	want := `f="` + long + `"
NOT g="` + long + `"
NOT h="` + long + `"
i="` + long + `"
| where isnotnull(mvfind('i',"\A` + long + `\z"))`
	if err != nil || got[0] != want {
		t.Errorf("got %v\n%s\nwant\n%s", err, got, want)
	}
}

func TestEmitLargeLists(t *testing.T) {
	var or ir.Or
	for i := range 30 {
		or = append(or, cased("f", strings.Repeat("A", 90)+string(rune('a'+i))))
	}
	got, err := emit.Flat(&ir.Rule{Conditions: []ir.Condition{{Expr: or}}})
	if err != nil || strings.Count(got[0], "mvfind") != 3 || strings.Count(got[0], "f IN (") != 1 {
		t.Error(got, err)
	}
}

// TestWithoutHelp holds that the search that a `where` implies can be left out, and
// nothing else.
func TestWithoutHelp(t *testing.T) {
	for _, c := range []struct {
		e          ir.Expr
		all, plain string
	}{
		{ir.And{is("f", "a"), cased("g", "B*")}, `f="a" g="B*" | where isnotnull(mvfind('g',"\AB"))`, `f="a" | where isnotnull(mvfind('g',"\AB"))`},
		{cased("g", "B"), `g="B" | where isnotnull(mvfind('g',"\AB\z"))`, `* | where isnotnull(mvfind('g',"\AB\z"))`},
		{ir.And{is("g", "b*"), cased("g", "B*")}, `g="b*" | where isnotnull(mvfind('g',"\AB"))`, `g="b*" | where isnotnull(mvfind('g',"\AB"))`},
		{ir.And{is("f", "a"), not(is("g", "b"))}, `f="a" NOT g="b"`, `f="a" NOT g="b"`},
	} {
		docs, err := Emit(&ir.Rule{Conditions: []ir.Condition{{Expr: c.e}}})
		if err != nil {
			t.Fatal(err)
		}
		if all, plain := docs[0].Flat(), docs[0].WithoutHelp().Flat(); all != c.all || plain != c.plain {
			t.Errorf("%s\n got %s\n and %s", c.e, all, plain)
		}
	}
}

func goRe(t *testing.T, re *regex.Re) *regexp.Regexp {
	t.Helper()
	src, err := re.Go()
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(src)
}

func TestEitherRe(t *testing.T) {
	all := []ir.Match{is("f", ""), is("f", "a"), cased("f", "B*"), is("f", "*c"), is("f", "*d?"), is("f", "a*c"), re(t, "f", "^a|d$"),
		re(t, "f", "^a$"), re(t, "f", "^"), re(t, "f", "(?m)^b$"), re(t, "f", "(?i)c"), num("f", ir.Eq, "5")}
	texts := []string{"", "a", "A", "b", "B", "Bc", "xC", "dx", "d", "xd", "a\nb", "b\n", "ac", "axC", "5", "55", "x"}
	for _, x := range all {
		for _, y := range all {
			a, b := reOf(x.Test), reOf(y.Test)
			one, other, both := goRe(t, a), goRe(t, b), goRe(t, eitherRe([]*regex.Re{a, b}))
			for _, s := range texts {
				if both.MatchString(s) != (one.MatchString(s) || other.MatchString(s)) {
					t.Errorf("%s or %s: %s on %q", x, y, both, s)
				}
			}
		}
	}
}

func TestEmitUnsupported(t *testing.T) {
	at := ir.Pos{Line: 3, Column: 4}
	for _, m := range []ir.Match{
		is("", "x"), is("a\nb", "x"), is("a'b", "x"), is("a\"b", "x"), is("a`b", "x"), is(`a\b`, "x"), is("a*", "x"), is("a\xff", "x"),
		is("a\u202e", "x"), cased("a'b", "x"), ref("f", ir.Exact, false, "a'b"),
		match("f", ir.Lit("x\xff")), match("f", ir.NewPattern(true, ir.Part{Kind: ir.AnyRun}, ir.Part{Text: "\xff"})),
		ref("f", ir.Contains, false, "g"), num("f", ir.Gt, "1234567890123456"), num("f", ir.Lt, "-1.234567890123456"),
	} {
		m.Pos = at
		for _, e := range []ir.Expr{m, not(m), ir.Or{m, m, match("f", ir.Null{})}} {
			got, err := emit.Flat(&ir.Rule{Conditions: []ir.Condition{{Expr: e}}})
			var u *ir.Diagnostic
			if !errors.As(err, &u) || u.Pos != at || u.Source != "splunk" || got != nil {
				t.Errorf("%s: %v", e, err)
			}
		}
	}
	for _, index := range []string{"a\nb", "a`", "a *", "a\xff"} {
		r := &ir.Rule{Source: ir.LogSource{Pos: at}, Scope: ir.Scope{Index: index}, Conditions: []ir.Condition{{Expr: is("f", "a")}}}
		var u *ir.Diagnostic
		if _, err := emit.Flat(r); !errors.As(err, &u) || u.Pos != at {
			t.Errorf("%q: %v", index, err)
		}
	}
	for _, e := range []ir.Expr{
		ir.Keyword{Test: pattern("*a*", false)}, ir.Ref{Name: "a"}, not(ir.Ref{Name: "a"}), match("f", ir.Windash{X: ir.Lit("a")}), match("f", nil),
		part("f", "week", ir.Eq, "5"), ref("f", ir.Glob, false, "g"),
		match("f", ir.NewPattern(false, ir.Part{Kind: ir.Placeholder, Text: "x"})),
	} {
		emit.Panics(t, e)
	}
}

func TestCaps(t *testing.T) {
	c := Caps()
	if c.Backend != name || c.KeywordField != "_raw" || c.Keyword || !c.FieldRef || !c.OrderText || !c.CIDRText || c.BlankIsMissing {
		t.Error(c)
	}
	for part, want := range map[string]bool{"minute": true, "hour": true, "day": true, "month": true, "year": true, "week": false} {
		if c.TimePart[part] != want {
			t.Error(part)
		}
	}
	for _, s := range []string{"", "*", "a?b", `\*`, "é"} {
		if !c.Pattern(pattern(s, false)) || !c.Pattern(pattern(s, true)) {
			t.Error(s)
		}
	}
	if c.Pattern(ir.NewPattern(false, ir.Part{Kind: ir.Placeholder, Text: "x"})) {
		t.Error("a placeholder")
	}
	if lack := c.Regexp(re(t, "f", `(?<!a)b`).Test.(ir.Regexp).Re); lack != "" {
		t.Error(lack)
	}
}

// TestWords holds which words of events are looked up before a search for keywords.
func TestWords(t *testing.T) {
	raw := func(text string) ir.Expr { return is("_raw", text) }
	for _, c := range []struct {
		e          ir.Expr
		want, bare string
	}{
		{raw("*a vssadmin b*"), `"vssadmin" _raw="*a vssadmin b*"`, `_raw="*a vssadmin b*"`},
		{ir.And{is("host", "h"), raw("*(vssadmin)*")}, `host="h" "vssadmin" _raw="*(vssadmin)*"`, `host="h" _raw="*(vssadmin)*"`},
		{ir.Or{raw("* vssadmin *"), raw("* wbadmin *")}, `("vssadmin" OR "wbadmin") _raw IN ("* vssadmin *", "* wbadmin *")`, `_raw IN ("* vssadmin *", "* wbadmin *")`},
		{raw("* vss?dmin [wbadmin] *"), `"wbadmin" _raw="* vss*" _raw="*dmin [wbadmin] *" | where match('_raw',"(?is) vss.dmin \[wbadmin\] ")`,
			`* | where match('_raw',"(?is) vss.dmin \[wbadmin\] ")`},
		{raw("*/vssadmin.*"), `_raw="*/vssadmin.*"`, ""}, // by some settings, no word
		{raw("*%20vssadmin *"), `_raw="*%20vssadmin *"`, ""},
		{raw("*vssadmin *"), `_raw="*vssadmin *"`, ""},
		{is("f", "* vssadmin *"), `f="* vssadmin *"`, ""}, // what is in f may be computed
		{ir.And{is("f", "x"), raw("* vssadmin *")}, `f="x" _raw="* vssadmin *"`, ""},
		{not(raw("* vssadmin *")), `NOT _raw="* vssadmin *"`, ""},
	} {
		emit.Case(t, c.e, c.want)
		d := (&writer{}).query("", c.e)
		if bare := d.WithoutHelp().Flat(); bare != cmp.Or(c.bare, c.want) {
			t.Errorf("%s: %s", c.e, bare)
		}
	}
}
