package eval

import (
	"net/netip"
	"strings"
	"testing"

	"sigmac/ir"
	"sigmac/regex"
)

// pattern reads `*` and `?` as wildcards and %x% as a placeholder.
func pattern(s string) ir.Pattern {
	var parts []ir.Part
	for i, piece := range strings.Split(s, "%") {
		if i%2 == 1 {
			parts = append(parts, ir.Part{Kind: ir.Placeholder, Text: piece})
			continue
		}
		for _, r := range piece {
			switch r {
			case '*':
				parts = append(parts, ir.Part{Kind: ir.AnyRun})
			case '?':
				parts = append(parts, ir.Part{Kind: ir.AnyOne})
			default:
				parts = append(parts, ir.Part{Kind: ir.Literal, Text: string(r)})
			}
		}
	}
	return ir.NewPattern(false, parts...)
}

func cased(s string) ir.Pattern {
	p := pattern(s)
	p.Cased = true
	return p
}

func re(source string, flags ...regex.Flags) ir.Regexp {
	t, err := ir.ParseRegexp(source, append(flags, regex.Flags{})[0])
	if err != nil {
		panic(err)
	}
	return t
}

func match(name string, t ir.Test) ir.Match { return ir.Match{Field: ir.Field{Name: name}, Test: t} }

// TestValues has each kind of test against each state that a field can be in.
func TestValues(t *testing.T) {
	cidr := func(s string) ir.Test { return ir.CIDR{Net: netip.MustParsePrefix(s)} }
	ref := func(s ir.Shape) ir.Test { return ir.FieldRef{Other: ir.Field{Name: "g"}, Shape: s} }
	gt := func(n ir.Number) ir.Test { return ir.Compare{Op: ir.Gt, Number: n} }
	for _, tt := range []struct {
		test    ir.Test
		yes, no string // the values of f, one a line; `-` is none
	}{
		{pattern("abc"), `"abc" "ABC" "aBc" ["x","Abc"]`, `- null "" [] "abcd" "xabc" " abc" 5 true {} {"a":"abc"} ["x","y"]`},
		{pattern(""), `"" ["x",""]`, `- null [] [null] " " 0 false {}`},
		{pattern("*"), `"" "x" "a\nb" 0 true ["",null]`, `- null [] [null] {}`},
		{pattern("?"), `"x" "é" "😀" "\n" 5`, `- null "" "xy" 12 true`},
		{pattern("a?c*"), `"abc" "a.cde" "AéC"`, `"ac" "abbc" "xabc"`},
		{pattern("*b*"), `"b" "aBc" ["x","b"]`, `"" "ac" -`},
		{pattern("4688"), `4688 "4688" 4688.0 4.688e3`, `"04688" "4688.0" " 4688" 46880 true`},
		{pattern("4*"), `4688 4 "4x"`, `-4 14`},
		{pattern("true"), `true "true" "TRUE"`, `false "1" 1`},
		{pattern("ÄΣß"), `"äσß" "Äςẞ"`, `"äσss"`},
		{cased("aBc"), `"aBc" ["abc","aBc"]`, `"abc" "ABC" - null`},
		{cased("*B"), `"aB"`, `"ab"`},
		{pattern("%x%"), ``, `"%x%" "x" "" - null`},
		{pattern("a%x%*"), ``, `"a" "ax"`},

		{re("b+"), `"abbc" "b" ["x","b"]`, `"aBc" "" - null [] {}`},
		{re("(?i)b"), `"aBc"`, `"ac"`},
		{re("^$"), `"" `, `"x" - null`},
		{re("^46"), `4688 "46"`, `146 -`},
		{re("^true$"), `true "true"`, `false "True"`},
		{re("a.c"), `"abc"`, `"a\nc"`},
		{re("a.c", regex.Flags{DotAll: true}), `"a\nc"`, `"ac"`},
		{re("^b$", regex.Flags{Multiline: true}), `"a\nb\nc"`, `"ab"`},
		{ir.Regexp{Source: "a%x%", Placeholders: []string{"x"}}, ``, `"a" "a%x%" - null`},

		{cidr("10.0.0.0/8"), `"10.1.2.3" ["x","10.0.0.0"] "10.255.255.255"`,
			`- null "" "11.0.0.1" "10.1.2" "10.1.2.3/32" " 10.1.2.3" "010.1.2.3" "::ffff:10.1.2.3" "::ffff:a01:203" 10 true {} "x"`},
		{cidr("fe80::/10"), `"fe80::1" "FE80::1" "febf:0::1"`, `"fe80::1%eth0" "fec0::1" "10.0.0.1" "::1"`},
		{cidr("::ffff:0:0/96"), `"::ffff:10.1.2.3"`, `"10.1.2.3"`},
		{cidr("0.0.0.0/0"), `"1.2.3.4"`, `"::1" "" -`},

		{ir.Compare{Op: ir.Eq, Number: "5"}, `5 5.0 0.5e1 "5" ["x",5]`, `- null "" [] "5.0" " 5" "05" 6 true "x" {}`},
		{ir.Compare{Op: ir.Eq, Number: "1.5"}, `1.5 1.50 "1.5"`, `"1.50" 1`},
		{ir.Compare{Op: ir.Eq, Number: "12345678901234567891"}, `12345678901234567891`, `12345678901234567890 1.2345678901234567e19`},
		{gt("5"), `6 5.1 "6" "6.0" "1e3" ["x",9]`, `- null "" [] 5 4 -6 "5" " 6" "6x" true {} "x"`},
		{ir.Compare{Op: ir.Gte, Number: "5"}, `5 6 "5.0"`, `4.99 "4"`},
		{ir.Compare{Op: ir.Lt, Number: "5"}, `4 -6 "4" "-1"`, `5 "5" "" "x" - null`},
		{ir.Compare{Op: ir.Lte, Number: "5"}, `5 4 "5.0"`, `5.01`},

		{ir.Bool{Value: true}, `true "true" "True" [false,true]`, `- null "" [] false "false" 1 "1" " true" {}`},
		{ir.Bool{Value: false}, `false "FALSE"`, `true 0 "" - null "no"`},

		{ir.Null{}, `- null [] [null] [[],null]`, `"" 0 false "null" {} ["x"] [null,"x"]`},
		{ir.Exists{}, `null [] "" 0 false {} "x" [null]`, `-`},

		{ref(ir.Exact), `"G1" "g1" ["x","g1"] "g2" 7 "true"`, `- null "" [] "g" "g11" 1 false {}`},
		{ref(ir.Prefix), `"g1x" "g1" 75`, `"xg1" "" - null`},
		{ref(ir.Suffix), `"xG1" 57`, `"g1x" - null`},
		{ref(ir.Contains), `"xg1x" 575`, `"g" - null ""`},
		{ir.FieldRef{Other: ir.Field{Name: "g"}, Cased: true}, `"g1"`, `"G1"`},
		{ir.FieldRef{Other: ir.Field{Name: "missing"}, Shape: ir.Contains}, ``, `- null "" "x"`},
		{ir.FieldRef{Other: ir.Field{Name: "nil"}}, ``, `- null "" "null"`},

		{ir.TimePart{Part: "hour", Number: "7"},
			`"2024-05-06T07:08:09Z" "2024-05-06T07:08:09.123456+02:00" "2024-05-06T07:08:09" "2024-05-06 07:08:09" "2024-05-06 07:08" 25200 25200.5 ["x",25200]`,
			`- null "" [] "07:08" "2024-05-06" "x" true {} "2024-05-06T08:00:00Z" "25200" 1e30`},
		{ir.TimePart{Part: "minute", Op: ir.Gte, Number: "8"}, `"2024-05-06T07:08:09Z"`, `"2024-05-06T08:07:09Z"`},
		{ir.TimePart{Part: "minute", Number: "59"}, `-1 -0.5`, `0`},
		{ir.TimePart{Part: "day", Number: "6"}, `"2024-05-06"`, `"2024-06-05" "2024-05-32" "2024-5-06"`},
		{ir.TimePart{Part: "day", Op: ir.Gt, Number: "29"}, `"2023-02-30"`, `"2024-02-29T7:08"`}, // as it is written
		{ir.TimePart{Part: "week", Number: "53"}, `"2021-01-01" "2020-12-31"`, `"2021-01-04"`},
		{ir.TimePart{Part: "month", Number: "5"}, `"2024-05-06"`, `"2024-06-05"`},
		{ir.TimePart{Part: "year", Op: ir.Lt, Number: "2024"}, `"2023-12-31T23:59:59Z" 0`, `"2024-01-01"`},

		{ir.Windash{X: pattern("*-a b*")}, `"/A B" "x–a b" "—a b" "―a bc"`, `"a b" "_a b" - null "" 5`},
		{ir.Encode{As: ir.Base64, X: ir.Windash{X: pattern("-a")}}, `"LWE=" "lwe=" "L2E=" "4oCTYQ=="`, `"-a" "LWF=" - null ""`},
		{ir.Base64Offset{X: pattern("*foo*")}, `"Zm9v" "xZM9Vx" "xmb2" "xZvb"`, `"foo" "" - null`},
	} {
		for want, values := range map[bool]string{true: tt.yes, false: tt.no} {
			for _, v := range fields(values) {
				text := `{"g":["g1","g2",7,true,null],"nil":null}`
				if v != "-" {
					text = `{"f":` + v + `,` + text[1:]
				}
				ev := event(t, text)
				for _, typ := range []ir.Type{ir.Unknown, ir.Text, ir.Numeric, ir.Boolean, ir.Address} {
					e := ir.Match{Field: ir.Field{Name: "f", Type: typ}, Test: tt.test}
					if Expr(nil, e, ev) != want || Expr(nil, ir.Not{X: e}, ev) == want {
						t.Errorf("%s of %s is %v", e, v, !want)
					}
				}
				nested := strings.Replace(text, `"f":`+v, `"a":[{"b.c":{"f":`+v+`}},3]`, 1)
				if e := match("a.b.c.f", tt.test); v != "-" && Expr(nil, e, event(t, nested)) != want {
					t.Errorf("%s of %s is %v", e, nested, !want)
				}
			}
		}
	}
}

// fields splits at blanks outside quotes and braces.
func fields(s string) []string {
	var out []string
	from, depth, quoted := 0, 0, false
	for i := range len(s) + 1 {
		if i == len(s) || s[i] == ' ' && depth == 0 && !quoted {
			if from < i {
				out = append(out, s[from:i])
			}
			from = i + 1
			continue
		}
		switch s[i] {
		case '"':
			quoted = !quoted
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		}
	}
	return out
}

func TestKeyword(t *testing.T) {
	for _, tt := range []struct {
		test  ir.Test
		event string
		want  bool
	}{
		{pattern("*evil*"), `{"a":"an EVIL one"}`, true},
		{pattern("*evil*"), `{"evil":1}`, true},
		{pattern("*evil*"), `{"a":"good"}`, false},
		{pattern("*evil*"), `{"a":{"b":[1,{"c":"evil"}]},"_raw":"x"}`, false},
		{pattern("*evil*"), `{"evil":1,"_raw":"x"}`, false},
		{pattern("*evil*"), `{"a":1,"_raw":"an evil line"}`, true},
		{pattern(`*C:\Windows*`), `{"a":"C:\\windows\\x"}`, true},
		{pattern("*4688*"), `{"a":4688}`, true},
		{pattern("*a*b*"), `{"x":"a","y":"b","_raw":"-"}`, false},
		{pattern("*true*"), `{"x":true}`, true},
		{pattern("*null*"), `{"x":null,"_raw":"-"}`, false},
		{cased("*Evil*"), `{"a":"evil"}`, false},
		{re("e.il$"), `{"a":"the evil"}`, true},
		{re("e.il$"), `{"a":"evil one"}`, false},
		{ir.Windash{X: pattern("*-x*")}, `{"a":"cmd /x"}`, true},
		{ir.Base64Offset{X: pattern("*foo*")}, `{"a":"..Zm9v.."}`, true},
		{pattern("*%p%*"), `{"a":"%p%"}`, false},
	} {
		if got := Expr(nil, ir.Keyword{Test: tt.test}, event(t, tt.event)); got != tt.want {
			t.Errorf("the keyword %s in %s: %v", tt.test, tt.event, got)
		}
	}
	if Expr(nil, ir.Keyword{Test: pattern("*x*")}, Event{}) {
		t.Error("the empty event has a keyword")
	}
}

func TestRule(t *testing.T) {
	item := func(name, value string) ir.Expr {
		return ir.Item{Field: ir.Field{Name: name}, X: match(name, pattern(value))}
	}
	ref := func(name string) ir.Expr { return ir.Ref{Name: name} }
	of := func(all bool, names ...string) ir.Expr { return ir.Of{All: all, Names: names} }
	r := &ir.Rule{
		Detections: []ir.Detection{
			{Name: "s1", Expr: ir.And{item("a", "1"), item("b", "2")}},
			{Name: "s2", Expr: ir.Or{item("c", "3"), item("c", "4")}},
			{Name: "f", Expr: item("d", "5")},
		},
	}
	for _, tt := range []struct {
		e       ir.Expr
		yes, no string
	}{
		{ref("s1"), `{"a":1,"b":2} {"a":[0,1],"b":"2"}`, `{"a":1} {"b":2} {}`},
		{of(false, "s1", "s2"), `{"a":1,"b":2} {"c":4} {"a":1,"b":2,"c":3}`, `{"a":1} {}`},
		{of(true, "s1", "s2"), `{"a":1,"b":2,"c":3}`, `{"a":1,"b":2} {"c":3} {}`},
		{of(false, "f"), `{"d":5}`, `{}`},
		{ir.And{ref("s2"), ir.Not{X: ref("f")}}, `{"c":3} {"c":3,"d":6} {"c":3,"d":null}`, `{"c":3,"d":5} {"c":3,"d":[6,5]} {}`},
		{ir.Not{X: of(false, "s1", "s2")}, `{} {"a":1}`, `{"c":3}`},
		{ir.Not{X: of(true, "s1", "s2")}, `{} {"c":3}`, `{"a":1,"b":2,"c":3}`},
		{ir.True, `{}`, ``},
		{ir.False, ``, `{}`},
	} {
		r.Conditions = []ir.Condition{{Expr: ir.False}, {Expr: tt.e}}
		for want, events := range map[bool]string{true: tt.yes, false: tt.no} {
			for _, text := range fields(events) {
				ev := event(t, text)
				if Expr(r, tt.e, ev) != want || Condition(r, 1, ev) != want || Rule(r, ev) != want || Condition(r, 0, ev) {
					t.Errorf("%s of %s is not %v", tt.e, text, want)
				}
			}
		}
		if s := Unevaluable(tt.e); s != "" {
			t.Errorf("%s: %s", tt.e, s)
		}
	}
	if Rule(&ir.Rule{}, Event{}) {
		t.Error("a rule without conditions matches")
	}
}

func TestUnevaluable(t *testing.T) {
	odd := ir.Regexp{Re: &regex.Re{Op: regex.OpConcat, Subs: []*regex.Re{{Op: regex.OpEmpty}, {Op: regex.OpExtended, Text: "(?R", Feature: "recursion"}}}}
	for _, tt := range []struct {
		test   ir.Test
		want   string
		panics bool
	}{
		{pattern("a%b%"), "the placeholder %b%", false},
		{ir.Windash{X: pattern("-%b%")}, "the placeholder %b%", false},
		{ir.Encode{As: ir.Base64, X: ir.Windash{X: pattern("-%b%")}}, "the placeholder %b%", false},
		{ir.Base64Offset{X: pattern("%b%")}, "the placeholder %b%", false},
		{ir.Regexp{Source: "%a%%b%", Placeholders: []string{"a", "b"}}, "the placeholder %a%, %b%", false},
		{odd, "recursion", true},
		{ir.Base64Offset{X: pattern("*a*")}, "base64offset of less than two bytes", true},
		{ir.Base64Offset{X: pattern("*")}, "base64offset of less than two bytes", true},
		{ir.Base64Offset{X: pattern("a*b")}, "an encoding of a value with wildcards inside", true},
		{ir.Base64Offset{X: pattern("a?")}, "an encoding of a value with wildcards inside", true},
		{ir.Encode{As: ir.Base64, X: ir.Windash{X: pattern("-a -b -c -d -e")}}, "windash of more than four dashes under an encoding", true},
		{ir.Encode{As: ir.UTF16LE, X: ir.Lit("\xff")}, "utf16le of bytes that are not text", true},
		{ir.Base64Offset{X: ir.Null{}}, "an encoding of a test of type ir.Null", true},
		{ir.TimePart{Part: "era"}, "the part era of a date", true},
		{nil, "a test of type <nil>", true},
		{ir.Windash{X: pattern("-a -b -c -d -e")}, "", false},
		{re(`(?=a)(?<!b)(c)\1(?>d)e++`), "", false},
	} {
		for _, e := range []ir.Expr{
			match("f", tt.test), ir.Keyword{Test: tt.test}, ir.Not{X: ir.And{ir.Or{ir.Item{X: match("f", tt.test)}}}},
		} {
			if got := Unevaluable(e); got != tt.want {
				t.Errorf("%#v: %q", e, got)
			}
		}
		panicked := func() (yes bool) {
			defer func() { yes = recover() != nil }()
			Expr(nil, match("f", tt.test), event(t, `{"f":"2024-05-06"}`))
			return
		}()
		if panicked != tt.panics {
			t.Errorf("%v panics: %v", tt.test, panicked)
		}
	}
	if got := Unevaluable(nil); got != "an expression of type <nil>" {
		t.Errorf("no expression: %q", got)
	}
	for _, r := range []*ir.Rule{nil, {}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("a reference to nothing does not panic")
				}
			}()
			Expr(r, ir.Ref{Name: "x"}, Event{})
		}()
	}
}
