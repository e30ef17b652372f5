package schema

import (
	"fmt"
	"net/netip"
	"testing"

	"sigmac/eval"
	"sigmac/internal/irtest"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/regex"
	"sigmac/targets"
)

// TestFit holds that a test means the same of every value of the type, before
// and after it is made to fit, and that the verdicts are as they should be.
func TestFit(t *testing.T) {
	values := map[ir.Type][]any{
		ir.Numeric: {ir.Number("0"), ir.Number("5"), ir.Number("-5"), ir.Number("05"), ir.Number("5.5"), ir.Number("4688")},
		ir.Boolean: {true, false},
		ir.Address: {"10.0.0.1", "10.1.2.3", "100.1.1.1", "192.168.1.7", "192.168.10.7", "fe80::1", "fe80:1::", "fe8:1::", "2001:db8::1",
			"2001:db81::1", "::1", "::", "abcd:1:2:3:4:5:6:7"},
	}
	tests := []ir.Test{ir.Null{}, ir.Exists{}, ir.Bool{Value: true}, ir.Bool{},
		ir.CIDR{Net: netip.MustParsePrefix("10.0.0.0/8")}, ir.Compare{Op: ir.Eq, Number: "5"}, ir.Compare{Op: ir.Gt, Number: "4"}}
	for _, s := range []string{"5", "05", "5.0", "5.5", "0x5", "+5", "1e3", "-5", "x", "", "true", "False", "TRUE", "*", "5*", "?", "*5*",
		"10.*", "10.0.*", "10.0.0.1", "10.0*", "192.168.1.*", "192.168.1*", "fe80:*", "fe8:*", "FE80:*", "fe80::*", "fe80::1", "FE80::1", "::1",
		"0:*", "2001:db8:*", "2001:0db8:*", "a.b.*", "10.*.1", "10.0.0.1/8", "::ffff:10.0.0.1", "1.2.3.4.*", "300.*", "01.*", ":*", ".*",
		"abcd:1:2:3:4:5:*", "abcd:1:2:3:4:5:6:*", "abcd:1:2:3:4:5:6:7"} {
		p := parser.Text(s)
		tests = append(tests, p, ir.Pattern{Parts: p.Parts, Cased: true})
	}
	for typ, vs := range values {
		seen := map[verdict]int{}
		for _, test := range tests {
			fitting, v := fit(typ, test)
			seen[v]++
			if fitting == nil {
				fitting = test
			}
			for _, value := range vs {
				before, after := passes(t, test, typ, value), passes(t, fitting, typ, value)
				switch {
				case v == unfit:
				case v == never && before:
					t.Errorf("%s: %v passes %s, which is said never to hold", typ, value, test)
				case v == fits && before != after:
					t.Errorf("%s: %v: %s is %t, %s is %t", typ, value, test, before, fitting, after)
				}
			}
		}
		for _, v := range []verdict{fits, never, unfit} {
			if seen[v] == 0 && !(v == unfit && typ == ir.Numeric) {
				t.Errorf("%s: no test has the verdict %d", typ, v)
			}
		}
	}
}

func passes(t *testing.T, test ir.Test, typ ir.Type, value any) bool {
	ev, err := eval.NewEvent(map[string]any{"f": value})
	if err != nil {
		t.Fatal(err)
	}
	return eval.Expr(nil, ir.Match{Field: ir.Field{Name: "f", Type: typ}, Test: test}, ev)
}

// FuzzNetworkOf holds that the addresses of a network are those whose text
// starts as the network was said.
func FuzzNetworkOf(f *testing.F) {
	for _, s := range []string{"10.", "10.0.", "fe80:", "2001:db8:", "1.2.3.", "a:b:c:d:e:f:"} {
		f.Add(s, []byte{10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1})
	}
	f.Fuzz(func(t *testing.T, s string, b []byte) {
		n, ok := networkOf(s)
		if !ok || len(b) < 16 {
			return
		}
		in := n.Masked().Addr().AsSlice()
		near := append([]byte(nil), in...)
		for i := n.Bits() / 8; i < len(near); i++ {
			near[i] = b[i]
		}
		for _, raw := range [][]byte{b[:4], b[:16], in, near} {
			a, _ := netip.AddrFromSlice(raw)
			if a.Is4In6() {
				continue
			}
			starts := len(a.String()) >= len(s) && regex.Fold(a.String()[:len(s)]) == regex.Fold(s)
			if starts != n.Contains(a) {
				t.Errorf("%q is %s: %s starts so: %t", s, n, a, starts)
			}
		}
	})
}

func TestParse(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{`{"T":{"a":"string","b":"long"}}`, ""},
		{"T:\n  a: string\n  b: strng\n", `s.yml:3:6: "strng" is no type of a column; did you mean "string"?`},
		{"T: [a]\n", "s.yml:1:4: the table T must be a mapping of columns to types"},
		{"- T\n", "s.yml:1:1: a schema file is one mapping of tables to columns to types"},
		{"", "s.yml:1:1: a schema file is one mapping of tables to columns to types"},
	} {
		s, errs := Parse("s.yml", []byte(c.src))
		got := ""
		if len(errs) > 0 {
			got = errs[0].Error()
		}
		for _, e := range errs {
			if wrong := irtest.Spanned(c.src, e); wrong != "" {
				t.Errorf("%q: %s: %s", c.src, e, wrong)
			}
		}
		if got != c.want || (s == nil) != (c.want != "") {
			t.Errorf("%q: %s, want %s", c.src, got, c.want)
		}
	}
}

func TestApply(t *testing.T) {
	given, errs := Parse("given.yml", []byte(`
T: {Name: string, Id: long, On: bool, Seen: datetime, Extra: dynamic, Raw: json, Ip: string, Span: timespan, Key: guid}
"*": {a.text: match_only_text, a: keyword, b: text, c: ip, n: nested, n.k: keyword, g: flattened, "w.*": keyword}
`))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	rule := func(item string) *ir.Rule {
		c := parser.Parse("r.yml", []byte("title: t\nlogsource: {product: p}\ndetection:\n  s:\n    "+item+"\n  condition: s\n"))
		if len(c.Documents[0].Errors) > 0 {
			t.Fatal(c.Documents[0].Errors)
		}
		return c.Documents[0].Rule
	}
	for _, c := range []struct{ target, item, want string }{
		{"kusto", "Name: x", `Name text (pattern "x")`},
		{"kusto", "Id: 'x'", `false; warning 5:9 the column Id of type long never holds the text "x"`},
		{"kusto", "Id: '7'", `Id number (= 7)`},
		{"kusto", "Id|contains: '7'", `Id number (pattern * "7" *)`},
		{"kusto", "On: 'True'", `On boolean true`},
		{"kusto", "On: 1", `false; warning 5:9 the column On of type bool never holds the number 1`},
		{"kusto", "Extra.A.b: 5", `Extra.A.b dynamic (= 5)`},
		{"kusto", "Raw.A: x", `Raw.A json (pattern "x")`},
		{"kusto", "Raw: x", `Raw text (pattern "x")`},
		{"kusto", "Key: x", `Key dynamic (pattern "x")`},
		{"kusto", "Ip|cidr: 10.0.0.0/8", `Ip address (cidr 10.0.0.0/8)`},
		{"kusto", "Seen|hour: 5", `Seen date (hour = 5)`},
		{"kusto", "Seen: x", `kusto cannot express the text "x" on the column Seen: it is of type datetime`},
		{"kusto", "Span: x", `kusto cannot express the field Span: its type timespan has no values that a query compares`},
		{"kusto", "a: x", `a text (pattern "x")`},
		{"kusto", "Name.x: x", `kusto cannot express the field Name.x: T has no such column; the nearest are Name, a, n`},
		{"kusto", "Nam: x", `kusto cannot express the field Nam: T has no such column; the nearest are Name, a, n`},
		{"elastic", "a: x", `a text (pattern "x")`},
		{"elastic", "a: 5", `a text (= 5)`},
		{"elastic", "a.text: x", `elastic cannot express the field a.text: its type match_only_text is found by its words only; use a`},
		{"elastic", "b: x", `elastic cannot express the field b: its type text is found by its words only; and has no keyword beside it`},
		{"elastic", "c|startswith: '10.'", `c address (cidr 10.0.0.0/8)`},
		{"elastic", "c: x", `false; warning 5:8 the column c of type ip never holds the text "x"`},
		{"elastic", "c|contains: '10'", `elastic cannot express a text with wildcards on the column c: it is of type ip`},
		{"elastic", "n.k: x", `elastic cannot express the field n.k: its type nested has no values that a query compares`},
		{"elastic", "n.other|exists: true", `elastic cannot express the field n.other: its type nested has no values that a query compares`},
		{"elastic", "g: null", `elastic cannot express the field g: its type flattened has no values that a query compares`},
		{"elastic", "g.any: x", `elastic cannot express the field g.any: its type flattened has no values that a query compares`},
		{"elastic", "w.anything: x", `w.anything text (pattern "x")`},
		{"elastic", "zz: x", `zz unknown (pattern "x"); warning 5:9 no schema has the field zz: it gets the type that the rule's tests suggest`},
	} {
		r := rule(c.item)
		r.Scope.Table = "T"
		cat := &Catalog{Target: targets.Must(c.target), Schemas: []*Schema{given}}
		out, warnings, err := cat.Apply(r, "")
		got := ""
		if refused, ok := err.(Refusals); ok {
			got = refused[0].Msg
		} else {
			got = "false" // no leaf is left
			ir.Walk(out.Detections[0].Expr, func(e ir.Expr) {
				m := e.(ir.Match)
				got = fmt.Sprint(m.Field.Name, " ", m.Field.Type, " ", m.Test)
			})
			for _, w := range warnings {
				got += fmt.Sprintf("; warning %d:%d %s", w.Pos.Line, w.Pos.Column, w.Msg)
			}
		}
		if got != c.want {
			t.Errorf("%s, %s:\n got %s\nwant %s", c.target, c.item, got, c.want)
		}
	}
}
