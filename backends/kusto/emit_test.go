package kusto

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode"

	"sigmac/backends"
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
	of      = irtest.Of
	ref     = irtest.Ref
	part    = irtest.Part
	word    = irtest.Word
	emit    = irtest.Emit(Emit)
)

func regexp(t *testing.T, src string) ir.Regexp { return irtest.Regexp(t, src) }

func TestEmit(t *testing.T) {
	null, exists := match("f", ir.Null{}), match("f", ir.Exists{})
	numbers := ir.FieldRef{Other: ir.Field{Name: "g", Type: ir.Numeric}}
	for _, c := range []struct {
		e    ir.Expr
		want string
	}{
		{ir.True, `true`},
		{ir.False, `false`},
		{not(ir.True), `not(true)`},

		{is("f", "v"), `f =~ "v"`},
		{is("f", "v*"), `f startswith "v"`},
		{is("f", "*v"), `f endswith "v"`},
		{is("f", "*v*"), `f contains "v"`},
		{cased("f", "v"), `f == "v"`},
		{cased("f", "v*"), `f startswith_cs "v"`},
		{cased("f", "*v"), `f endswith_cs "v"`},
		{cased("f", "*v*"), `f contains_cs "v"`},
		{is("f", "É1"), `tolower(f) == "é1"`},
		{is("f", "ЯA*"), `tolower(f) startswith_cs "яa"`},
		{is("f", "*É"), `tolower(f) endswith_cs "é"`},
		{is("f", "*É*"), `tolower(f) contains_cs "é"`},
		{cased("f", "*É*"), `f contains_cs "É"`},
		{is("f", "日*"), `f startswith "日"`},
		{of(ir.Address, is("f", "10.*")), `f startswith "10."`},
		{of(ir.Numeric, is("f", "4*")), `tostring(f) startswith "4"`},

		{is("f", `C:\\x\\`), `f =~ @"C:\x\"`},
		{is("f", `*\\"*`), `f contains @"\"""`},
		{is("f", `*"*`), `f contains "\""`},
		{is("f", `*\*\?`), `f endswith "*?"`},
		{is("f", "|[]$%`'//"), "f =~ \"|[]$%`'//\""},
		{is("f", "a\n\u202e\x00"), `f =~ "a\n\u202e\u0000"`},
		{is("a-b.c", "v"), `['a-b.c'] =~ "v"`},
		{is("a'] or true //", "v"), `['a\'] or true //'] =~ "v"`},
		{match("where", ir.Exists{}), `isnotempty(['where'])`},

		{match("f", regexp(t, `^a\.b\n+\z`)), `f matches regex @"\Aa\.b\x{0A}+\z"`},
		{match("f", regexp(t, `^a\.b\n\z`)), `f == "a.b\n"`},
		{match("f", regexp(t, `a\.b`)), `f contains_cs "a.b"`},
		{match("f", regexp(t, `(?i:a)b`)), `f matches regex "(?i:a)b"`},
		{match("f", regexp(t, `(?i)é`)), `tolower(f) contains_cs "é"`},
		{not(match("f", regexp(t, `^4`))), `not(f startswith "4")`},
		{match("f", regexp(t, `(?i)a"b.`)), `f matches regex "(?i)a\"b."`},
		{of(ir.Numeric, match("f", regexp(t, `^4.`))), `tostring(f) matches regex @"\A4."`},

		{num("f", ir.Eq, "5"), `f == 5`},
		{num("f", ir.Eq, "-5.5"), `f == -5.5`},
		{num("f", ir.Gt, "5"), `f > 5`},
		{num("f", ir.Gte, "5"), `f >= 5`},
		{num("f", ir.Lt, "5"), `f < 5`},
		{num("f", ir.Lte, "-5"), `f <= -5`},
		{not(num("f", ir.Eq, "5")), `not(f == 5)`},
		{not(num("f", ir.Gt, "5")), `not(coalesce(f > 5, false))`},
		{of(ir.Text, num("f", ir.Eq, "5")), `f =~ "5"`},
		{of(ir.Text, num("f", ir.Gt, "5")), `todouble(f) > 5`},
		{not(of(ir.Text, num("f", ir.Gt, "5"))), `not(coalesce(todouble(f) > 5, false))`},
		{match("f", ir.Bool{Value: true}), `f == true`},
		{not(match("f", ir.Bool{})), `not(f == false)`},
		{of(ir.Text, match("f", ir.Bool{})), `f =~ "false"`},

		{null, `isempty(f)`},
		{not(null), `isnotempty(f)`},
		{exists, `isnotempty(f)`},
		{not(exists), `isempty(f)`},
		{not(not(null)), `not(isnotempty(f))`},
		{of(ir.Address, null), `isempty(f)`},
		{of(ir.Numeric, null), `isnull(f)`},
		{not(of(ir.Numeric, null)), `isnotnull(f)`},
		{of(ir.Boolean, exists), `isnotnull(f)`},
		{not(of(ir.Boolean, exists)), `isnull(f)`},

		{net("f", "10.0.0.0/8"), `ipv4_is_in_range(f, "10.0.0.0/8")`},
		{not(net("f", "10.0.0.0/8")), `not(coalesce(ipv4_is_in_range(f, "10.0.0.0/8"), false))`},
		{net("f", "fe80::/10"), `ipv6_is_in_range(f, "fe80::/10")`},
		{not(net("f", "fe80::/10")), `not(coalesce(ipv6_is_in_range(f, "fe80::/10"), false))`},
		{net("f", "::/0"), `f contains ":" and ipv6_is_in_range(f, "::/0")`},
		{net("f", "::ffff:10.0.0.0/104"), `f contains ":" and ipv6_is_in_range(f, "::ffff:10.0.0.0/104")`},
		{not(net("f", "::/8")), `not(f contains ":" and coalesce(ipv6_is_in_range(f, "::/8"), false))`},
		{ir.Or{net("f", "10.0.0.0/8"), net("f", "::1/128"), net("f", "172.16.0.0/12")},
			`ipv4_is_in_any_range(f, "10.0.0.0/8", "172.16.0.0/12") or ipv6_is_in_range(f, "::1/128")`},
		{not(ir.Or{net("f", "10.0.0.0/8"), net("f", "172.16.0.0/12")}),
			`not(coalesce(ipv4_is_in_any_range(f, "10.0.0.0/8", "172.16.0.0/12"), false))`},
		{ir.Or{net("f", "::/0"), net("f", "fe80::/10")},
			`(f contains ":" and ipv6_is_in_range(f, "::/0")) or ipv6_is_in_range(f, "fe80::/10")`},

		{ref("f", "g", ir.Exact, false), `isnotempty(f) and tolower(f) == tolower(g)`},
		{ref("f", "g", ir.Exact, true), `isnotempty(f) and f == g`},
		{ref("f", "g", ir.Prefix, false), `isnotempty(g) and tolower(f) startswith_cs tolower(g)`},
		{ref("f", "g", ir.Suffix, true), `isnotempty(g) and f endswith_cs g`},
		{ref("f", "a b", ir.Contains, true), `isnotempty(['a b']) and f contains_cs ['a b']`},
		{of(ir.Numeric, match("f", numbers)), `isnotnull(f) and f == g`},
		{match("f", numbers), `isnotempty(f) and tolower(f) == tolower(tostring(g))`},
		{ir.Or{is("g", "x"), ref("f", "g", ir.Exact, true)}, `g =~ "x" or (isnotempty(f) and f == g)`},
		{not(ref("f", "g", ir.Exact, true)), `not(isnotempty(f) and f == g)`},

		{part("f", "minute", ir.Eq, "5"), `datetime_part("minute", f) == 5`},
		{part("f", "hour", ir.Lt, "5"), `hourofday(f) < 5`},
		{part("f", "day", ir.Gte, "5"), `dayofmonth(f) >= 5`},
		{part("f", "month", ir.Eq, "5"), `monthofyear(f) == 5`},
		{not(part("f", "year", ir.Lte, "2020")), `not(coalesce(getyear(f) <= 2020, false))`},
		{not(part("f", "year", ir.Eq, "2020")), `not(getyear(f) == 2020)`},
		{ir.Or{part("f", "hour", ir.Eq, "1"), part("f", "hour", ir.Eq, "2")}, `hourofday(f) in (1, 2)`},

		{word(pattern("*v*", false)), `* contains "v"`},
		{word(pattern("*v*", true)), `* contains_cs "v"`},
		{word(pattern(`*\\"*`, false)), `* contains @"\"""`},
		{word(pattern("*É.*", false)), `* matches regex @"(?i)É\."`},
		{word(pattern("*É*", true)), `* contains_cs "É"`},
		{word(regexp(t, `a.b`)), `* matches regex "a.b"`},
		{word(pattern("*", false)), `true`},
		{not(ir.Or{word(pattern("*a*", false)), word(pattern("*b*", false))}), `not(* contains "a" or * contains "b")`},

		{ir.And{is("f", "a"), is("g", "b")}, `f =~ "a" and g =~ "b"`},
		{ir.And{is("f", "a"), ir.And{is("g", "b"), is("h", "c")}}, `f =~ "a" and g =~ "b" and h =~ "c"`},
		{ir.And{is("f", "a")}, `f =~ "a"`},
		{ir.And{is("f", "a"), ir.True}, `f =~ "a"`},
		{ir.And{is("f", "a"), is("f", "b")}, `f =~ "a" and f =~ "b"`},
		{ir.And{exists, is("f", "a*")}, `f startswith "a" and isnotempty(f)`},
		{ir.Or{is("f", "a"), ir.And{is("g", "b"), is("h", "c")}}, `f =~ "a" or (g =~ "b" and h =~ "c")`},
		{ir.And{is("f", "a"), ir.Or{is("g", "b"), is("h", "c")}}, `f =~ "a" and (g =~ "b" or h =~ "c")`},
		{not(ir.Or{is("g", "b"), is("h", "c")}), `not(g =~ "b" or h =~ "c")`},
		{not(ir.Or{is("f", "b"), is("f", "c")}), `not(f in~ ("b", "c"))`},
		{ir.And{is("f", "a"), not(not(is("g", "b")))}, `f =~ "a" and not(not(g =~ "b"))`},
		{not(ir.And{num("f", ir.Gt, "1"), not(num("g", ir.Gt, "1"))}),
			`not(coalesce(f > 1, false) and not(coalesce(g > 1, false)))`},

		{ir.Or{is("f", "a"), is("g", "x"), is("f", "b"), cased("f", "c"), is("f", "d*"), null, cased("f", "e")},
			`f in~ ("a", "b") or g =~ "x" or f in ("c", "e") or f startswith "d" or isempty(f)`},
		{ir.Or{is("f", "É"), is("f", "a"), is("f", "Я")}, `tolower(f) in ("é", "я") or f =~ "a"`},
		{ir.Or{is("f", "a"), ir.Or{is("f", "b")}}, `f in~ ("a", "b")`},
		{ir.And{is("g", "x"), ir.Or{is("f", "a"), is("f", "b")}}, `g =~ "x" and f in~ ("a", "b")`},
		{ir.Or{num("f", ir.Eq, "-1"), num("f", ir.Eq, "2"), num("f", ir.Gt, "7"), num("f", ir.Lt, "0")}, `f in (-1, 2) or f > 7 or f < 0`},
		{not(ir.Or{num("f", ir.Eq, "1"), num("f", ir.Eq, "2")}), `not(coalesce(f in (1, 2), false))`},
		{ir.Or{of(ir.Text, num("f", ir.Eq, "1")), is("f", "a")}, `f in~ ("1", "a")`},
		{ir.Or{match("f", ir.Bool{}), match("f", ir.Bool{Value: true})}, `f == false or f == true`},
	} {
		emit.Case(t, c.e, c.want)
	}
}

func TestEmitTableAndLayout(t *testing.T) {
	for table, want := range map[string]string{
		"": "", "DeviceEvents": "DeviceEvents | where ", "my-table_CL": "['my-table_CL'] | where ", "table": "['table'] | where ",
		"T | take 1": "['T | take 1'] | where ",
	} {
		r := &ir.Rule{Scope: ir.Scope{Table: table}, Conditions: []ir.Condition{{Expr: is("f", "a")}, {Expr: is("f", "b")}}}
		got, err := emit.Flat(r)
		if err != nil || len(got) != 2 || got[0] != want+`f =~ "a"` || got[1] != want+`f =~ "b"` {
			t.Errorf("%q: %q %v", table, got, err)
		}
		pretty, err := emit.Pretty(r)
		if lines := strings.Replace(got[0], "] | ", "]\n| ", 1); strings.HasPrefix(want, "[") && (err != nil || pretty[0] != lines) {
			t.Errorf("%q: %q %v", table, pretty, err)
		}
	}
	long := strings.Repeat("x", 60)
	r := &ir.Rule{Conditions: []ir.Condition{{Expr: ir.And{is("f", long), not(ir.Or{is("g", long), is("h", long)})}}}}
	for table, want := range map[string]string{
		"":  "f =~ \"" + long + "\"\nand not(\n  g =~ \"" + long + "\"\n  or h =~ \"" + long + "\"\n)",
		"T": "T\n| where f =~ \"" + long + "\"\n  and not(\n    g =~ \"" + long + "\"\n    or h =~ \"" + long + "\"\n  )",
	} {
		r.Scope.Table = table
		if got, err := emit.Pretty(r); err != nil || got[0] != want {
			t.Errorf("got %v\n%s\nwant\n%s", err, got, want)
		}
	}
}

func TestEmitUnsupported(t *testing.T) {
	at := ir.Pos{Line: 3, Column: 4}
	for _, m := range []ir.Match{
		is("a\nb", "x"), is("", "x"), match("", ir.Null{}), match("a\u202eb", ir.Exists{}), match("f", ir.Lit("x\xff")), ref("f", "", ir.Exact, false),
		num("f", ir.Eq, "9223372036854775808"), num("f", ir.Gt, "-9223372036854775808"), num("f", ir.Eq, "1.2345678901234567"),
		of(ir.Text, num("f", ir.Gt, "1234567890123456")),
	} {
		m.Pos = at
		_, err := emit.Flat(&ir.Rule{Conditions: []ir.Condition{{Expr: m}}})
		var u *ir.Diagnostic
		if !errors.As(err, &u) || u.Pos != at || u.Source != "kusto" {
			t.Errorf("%s: %v", m, err)
		}
	}
	_, err := emit.Flat(&ir.Rule{Scope: ir.Scope{Table: "a\nb"}, Source: ir.LogSource{Pos: at}})
	if want := "3:4: kusto cannot express a table without a name in plain characters"; err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
	for _, e := range []ir.Expr{
		ir.Ref{Name: "a"}, is("f", "a*b"), is("f", "?"), is("f", "ς"), match("f", regexp(t, `a(?=b)`)), part("f", "week", ir.Eq, "1"),
		match("f", ir.Windash{X: ir.Lit("a")}), match("f", ir.FieldRef{Shape: ir.Glob}),
		word(pattern("*a*b*", false)), word(pattern("a*", false)), word(ir.Null{}), word(regexp(t, `a(?=b)`)),
	} {
		emit.Panics(t, e)
	}
}

func TestCaps(t *testing.T) {
	c := Caps()
	if c.Backend != name || !c.FieldRef || !c.Keyword || !c.OrderText || !c.CIDRText || !c.BlankIsMissing {
		t.Error(c)
	}
	if len(c.TimePart) != 5 || c.TimePart["week"] {
		t.Error(c.TimePart)
	}
	for _, p := range []struct {
		s     string
		cased bool
		has   bool
	}{
		{"v", false, true}, {"v*", false, true}, {"*v", false, true}, {"*v*", true, true}, {"*", false, true}, {"", false, true},
		{"?", false, false}, {"a*b", true, false}, {"*a?*", false, false}, {`*\**`, false, true},
		{"*É*", false, true}, {"日", false, true}, {"ς", false, false}, {"Σ*", false, false}, {"ς", true, true}, {"ǆ", false, false},
		{"İ", false, true}, {"İÉ", false, false}, {"ß", false, true},
	} {
		if pt := pattern(p.s, p.cased); c.Pattern(pt) != p.has {
			t.Errorf("%s: Pattern %v", pt, !p.has)
		}
	}
	if c.Pattern(ir.NewPattern(false, ir.Part{Kind: ir.Placeholder, Text: "x"})) {
		t.Error("a placeholder")
	}
	if got := c.Regexp(regexp(t, `a(?=b)`).Re); got != "a look-ahead" {
		t.Error(got)
	}
}

// TestColumns: places inside a column of JSON values or of JSON texts, dates,
// and columns that the query computes first.
func TestColumns(t *testing.T) {
	for _, c := range []struct {
		expr ir.Expr
		want string
	}{
		{of(ir.Dynamic, is("EventData.CommandLine", "*x*")), `T | where tostring(EventData.CommandLine) contains "x"`},
		{of(ir.Dynamic, is("EventData.a b", "x")), `T | where tostring(EventData['a b']) =~ "x"`},
		{of(ir.Dynamic, is("D[0].a", "x")), `T | where tostring(D[0].a) =~ "x"`},
		{of(ir.Dynamic, is("Id", "x")), `T | where tostring(Id) =~ "x"`},
		{of(ir.JSON, is("Raw.Pipe", "x")), `T | where tostring(parse_json(Raw).Pipe) =~ "x"`},
		{ir.Not{X: of(ir.JSON, match("Raw.Pipe", ir.Null{}))}, `T | where isnotempty(tostring(parse_json(Raw).Pipe))`},
		{of(ir.Dynamic, match("D.n", ir.Compare{Op: ir.Gt, Number: "5"})), `T | where todouble(tostring(D.n)) > 5`},
		{of(ir.Dynamic, match("D.n", ir.Compare{Op: ir.Eq, Number: "5"})), `T | where tostring(D.n) =~ "5"`},
		{of(ir.Date, match("Seen", ir.Null{})), `T | where isnull(Seen)`},
		{of(ir.Date, match("Seen", ir.TimePart{Part: "hour", Op: ir.Eq, Number: "5"})), `T | where hourofday(Seen) == 5`},
		{is("Path", "x"), `T | extend Path = strcat(A, @"\", B) | where Path =~ "x"`},
		{ir.And{is("Path", "x"), is("Who", "y")}, `T | extend Path = strcat(A, @"\", B), Who = tolower(C) | where Path =~ "x" and Who =~ "y"`},
		{ir.And{is("Path", "x"), is("f", "y"), ir.Or{is("Who", "z"), is("g", "z")}},
			`T | where f =~ "y" | extend Path = strcat(A, @"\", B), Who = tolower(C) | where Path =~ "x" and (Who =~ "z" or g =~ "z")`},
		{is("coalesce(A, B)", "x"), `T | where coalesce(A, B) =~ "x"`},
		{ir.Not{X: match("coalesce(A, B)", ir.Null{})}, `T | where isnotempty(coalesce(A, B))`},
	} {
		r := &ir.Rule{Scope: ir.Scope{Table: "T"}, Conditions: []ir.Condition{{Expr: c.expr}},
			Computed: []ir.Computed{{Name: "Path", Text: `strcat(A, @"\", B)`}, {Name: "Who", Text: "tolower(C)"},
				{Name: "coalesce(A, B)", Text: "coalesce(A, B)"}}}
		got, err := emit.Flat(r)
		if err != nil || got[0] != c.want {
			t.Errorf("%s:\n got %s %v\nwant %s", c.expr, got, err, c.want)
		}
	}
	for _, r := range []*ir.Rule{
		{Conditions: []ir.Condition{{Expr: is("Path", "x")}}, Computed: []ir.Computed{{Name: "Path", Text: "A"}}},
		{Conditions: []ir.Condition{{Expr: of(ir.Dynamic, is("D.\u202e", "x"))}}},
		{Conditions: []ir.Condition{{Expr: of(ir.Dynamic, is("D[a]", "x"))}}},
		{Conditions: []ir.Condition{{Expr: of(ir.Dynamic, is("D..a", "x"))}}},
	} {
		if got, err := emit.Flat(r); err == nil {
			t.Errorf("%s is written as %s", r.Conditions[0].Expr, got)
		}
	}
}

// TestChains: no operator has more operands than Microsoft's parser analyses.
func TestChains(t *testing.T) {
	for _, n := range []int{1, 99, 100, 101, 199, 200, 201, 10_001} {
		var or ir.Or
		for i := range n {
			or = append(or, is("f", fmt.Sprintf("*%d*", i)))
		}
		got, err := emit.Flat(&ir.Rule{Conditions: []ir.Condition{{Expr: ir.And{or, ir.Not{X: or}}}}})
		if err != nil {
			t.Fatal(err)
		}
		if c := strings.Count(got[0], "contains"); c != 2*n {
			t.Errorf("%d operands became %d", 2*n, c)
		}
		depth, most := []int{0}, 0
		for _, w := range strings.FieldsFunc(strings.NewReplacer("(", " ( ", ")", " ) ").Replace(got[0]), unicode.IsSpace) {
			switch w {
			case "(":
				depth = append(depth, 0)
			case ")":
				depth = depth[:len(depth)-1]
			case "or":
				depth[len(depth)-1]++
			}
			sum := 0
			for _, d := range depth {
				sum += d + 1
			}
			most = max(most, sum)
		}
		if most > 500 {
			t.Errorf("%d operands: %d deep", n, most)
		}
	}
}

// TestHelp holds which look-up in the index of terms stands before what scans a column.
func TestHelp(t *testing.T) {
	re := func(source string) ir.Expr { return match("f", regexp(t, source)) }
	for _, c := range []struct {
		e    ir.Expr
		help string // empty: none
	}{
		{is("f", "* vssadmin *"), `f has "vssadmin"`},
		{is("f", `*\\vssadmin.exe *`), `f has "vssadmin"`},
		{is("f", "* _vssadmin_*"), `f has "vssadmin"`},
		{is("f", "*vssadmin *"), ""},
		{is("f", "* vssadmin*"), ""},
		{is("f", "*évssadmin *"), ""}, // é is a letter by one edition of the page
		{is("f", "* vssadmin²*"), ""}, // and ² a number
		{is("f", "*—vssadmin —*"), `f has "vssadmin"`},
		{is("f", "* vss *"), ""},     // too short for an index
		{is("f", "* windows *"), ""}, // common
		{is("f", "* shadow vssadmin *"), `f has "vssadmin"`},
		{cased("f", "* Vssadmin *"), `f has_cs "Vssadmin"`},
		{cased("f", "* 12345 *"), `f has "12345"`},
		{is("f", "vssadmin *"), ""}, // a beginning is no scan
		{is("f", "* vssadmin"), ""},
		{is("f", "vssadmin"), ""},
		{of(ir.Dynamic, is("f.g", "* vssadmin *")), ""}, // no column
		{not(is("f", "* vssadmin *")), ""},
		{ir.Or{is("f", "* vssadmin *"), is("f", "wbadmin *")}, `f has_any ("vssadmin", "wbadmin")`},
		{ir.Or{is("f", "* vssadmin *"), is("f", "*(VSSADMIN)*")}, `f has "vssadmin"`},
		{ir.Or{is("f", "* vssadmin *"), is("f", "* wbadmin *"), is("f", "* diskshadow *"), is("f", "* bcdedit *"), is("f", "* cipher *")}, ""}, // too many
		{ir.Or{is("f", "* vssadmin *"), is("g", "* wbadmin *")}, ""},
		{ir.Or{is("f", "* vssadmin *"), is("f", "*wbadmin*")}, ""},
		{ir.Or{cased("f", "* vssadmin *"), is("f", "* wbadmin *")}, ""},
		{ir.Or{is("f", "* vssadmin *"), ir.And{is("g", "* shadows *"), is("f", "* wbadmin *")}}, `f has_any ("vssadmin", "wbadmin")`},
		{ir.And{is("f", "* wbadmin *"), is("g", "* vssadmin *")}, `g has "vssadmin"`},
		{ir.And{is("f", "* wbadmin *"), is("g", "x")}, ""}, // looked up already
		{ir.And{is("f", "* wbadmin *"), is("ActionType", "x")}, `f has "wbadmin"`},
		{re(`\svssadmin\.`), `f has_cs "vssadmin"`},
		{re(`(?i)^vssadmin\s+create$`), `f has "vssadmin"`},
		{re(`vssadmin\s+create$`), `f has_cs "create"`},
		{re(`\bvssadmin\b`), ""},
		{re(`\svssadmin\w`), ""},
		{re(`\s*vssadmin\s`), ""},
	} {
		w := &writer{}
		w.costs = backends.Costs{Rows: rows, Not: costNot, Of: w.row}
		d := w.filter(c.e, true)
		got := ""
		for _, x := range d.Conditions() {
			if x.Help {
				got += x.Text
			}
		}
		if got != c.help {
			t.Errorf("%s: %q, not %q", c.e, got, c.help)
		}
		if bare := d.WithoutHelp().Flat(); strings.Contains(bare, " has") || c.help != "" && bare == d.Flat() {
			t.Error(bare)
		}
	}
}

// TestOrder holds the order of conditions.
func TestOrder(t *testing.T) {
	exists := match("f", ir.Exists{})
	e := ir.And{match("f", regexp(t, "a.b")), not(is("f", "n")), is("f", "*c*"), exists, is("f", "*s"), is("f", "p*"), num("n", ir.Gt, "1"), is("f", "e"), num("EventID", ir.Eq, "5"),
		of(ir.Dynamic, is("f.g", "d")), word(pattern("*k*", false))}
	want := `EventID == 5 and f =~ "e" and n > 1 and f startswith "p" and f endswith "s" and f contains "c" and isnotempty(f) and not(f =~ "n") ` +
		`and f matches regex "a.b" and tostring(f.g) =~ "d" and * contains "k"`
	emit.Case(t, e, want)
	emit.Case(t, ir.Or{is("h", "x"), e}, `h =~ "x" or (`+want+")")
}
