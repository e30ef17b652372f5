package parser

import (
	"fmt"
	"strings"
	"testing"

	"sigmac/ir"
)

// oneField is a rule with one item, whose value stands at 6:8.
func oneField(key, value string) string {
	return "title: t\nlogsource: {product: p}\ndetection:\n  condition: s\n  s:\n    " + key + ": " + value + "\n"
}

// render is the errors of c, one a line, or what its documents mean.
func render(c *Collection) string {
	var b strings.Builder
	for _, d := range c.Documents {
		for _, e := range d.Errors {
			fmt.Fprintf(&b, "%d:%d: %s\n", e.Pos.Line, e.Pos.Column, e.Msg)
		}
		if d.Rule != nil {
			b.WriteString(d.Rule.String())
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// renderField is the meaning of the one item of oneField without its wrapping.
func renderField(key, value string) string {
	got := render(Parse("r.yml", []byte(oneField(key, value))))
	got = strings.TrimSuffix(got, "\ncondition (ref s)")
	if rest, ok := strings.CutPrefix(got, "detection s (item "); ok {
		_, rest, _ = strings.Cut(rest, " ")
		return strings.TrimSuffix(rest, ")")
	}
	return got
}

func TestScalars(t *testing.T) {
	number := func(s string) string { return "(match f (= " + s + "))" }
	text := func(s string) string { return fmt.Sprintf("(match f (pattern %q))", s) }
	boolean := func(s string) string { return "(match f " + s + ")" }
	const null = "(match f null)"
	for _, tt := range []struct{ in, want string }{
		// Booleans of YAML 1.1, and what is none.
		{"yes", boolean("true")}, {"Yes", boolean("true")}, {"ON", boolean("true")}, {"true", boolean("true")}, {"TRUE", boolean("true")},
		{"no", boolean("false")}, {"Off", boolean("false")}, {"False", boolean("false")},
		{"y", text("y")}, {"n", text("n")}, {"yES", text("yES")}, {"tRUE", text("tRUE")}, {"onn", text("onn")},
		// Integers.
		{"0", number("0")}, {"5", number("5")}, {"+5", number("5")}, {"-5", number("-5")}, {"-0", number("0")},
		{"010", number("8")}, {"-010", number("-8")}, {"0_", number("0")}, {"1_000", number("1000")}, {"1__0", number("10")},
		{"0x10", number("16")}, {"-0xfF", number("-255")}, {"0b11", number("3")},
		{"12:30:45", number("45045")}, {"+1:30", number("90")}, {"1:5", number("65")},
		{"99999999999999999999", number("99999999999999999999")},
		{"0o10", text("0o10")}, {"08", text("08")}, {"019", text("019")}, {"0X10", text("0X10")}, {"0x", text("0x")}, {"0b", text("0b")}, {"0b12", text("0b12")},
		{"1:60", text("1:60")}, {"01:30", text("01:30")}, {"_1", text("_1")}, {"5a", text("5a")}, {"+", text("+")}, {"1-2", text("1-2")},
		{"0b_", "6:8: not a number; quote it if it is a text"}, {"0x_", "6:8: not a number; quote it if it is a text"},
		{strings.Repeat("9", 401), "6:8: a number of more than 400 digits"},
		// Floats: PyYAML wants a point, a signed exponent, and no sign before a point.
		{"1.50", number("1.5")}, {"-1.5", number("-1.5")}, {".5", number("0.5")}, {"1.", number("1")}, {"1_0.5", number("10.5")},
		{"1.5e+3", number("1500")}, {"1.5E-1", number("0.15")}, {"1.e+3", number("1000")},
		{"1e3", text("1e3")}, {"12e5", text("12e5")}, {"1.5e3", text("1.5e3")}, {"1e+3", text("1e+3")}, {"-.5", text("-.5")}, {"+.5", text("+.5")},
		{".", text(".")}, {"._5", text("._5")}, {"1.2.3", text("1.2.3")}, {"10.0.0.1", text("10.0.0.1")},
		{"1.0e+999999999999", "6:8: a number of more than 400 digits"},
		{"190:20:30.15", "6:8: a number in base 60 with a fraction; quote it if it is a text"},
		{".inf", "6:8: not a finite number; quote it if it is a text"}, {"-.INF", "6:8: not a finite number; quote it if it is a text"},
		{".nan", "6:8: not a finite number; quote it if it is a text"}, {"inf", text("inf")}, {"nan", text("nan")}, {"+.nan", text("+.nan")},
		// Null.
		{"", null}, {"~", null}, {"null", null}, {"Null", null}, {"NULL", null}, {"nULL", text("nULL")}, {"none", text("none")}, {"~~", text("~~")},
		// A date is a text.
		{"2024-01-01", text("2024-01-01")}, {"2024-01-01T10:00:00Z", text("2024-01-01T10:00:00Z")},
		// Quotes make a text of everything.
		{"'5'", text("5")}, {`"5"`, text("5")}, {"'yes'", text("yes")}, {"''", text("")}, {`""`, text("")}, {"'null'", text("null")}, {"'~'", text("~")},
		{"'0x10'", text("0x10")}, {`"\x41"`, text("A")}, {"'it''s'", text("it's")}, {"|\n      5", text("5\n")}, {"|-\n      5", text("5")}, {">-\n      a\n      b", text("a b")},
		// Tags.
		{"!!str 5", text("5")}, {"!!str yes", text("yes")}, {"!!str", text("")}, {"!!int 5", number("5")}, {"!!int '5'", number("5")}, {"!!float 1.5", number("1.5")},
		{"!!bool yes", boolean("true")}, {"!!null ''", null}, {"!<tag:yaml.org,2002:str> 5", text("5")},
		{"!!int five", "6:8: not a value of the YAML tag !!int"}, {"!!bool 1", "6:8: not a value of the YAML tag !!bool"},
		{"!!null x", "6:8: not a value of the YAML tag !!null"},
		{"!!binary aGk=", "6:8: the YAML tag !!binary has no meaning in a rule"}, {"!!timestamp 2024-01-01", "6:8: the YAML tag !!timestamp has no meaning in a rule"},
		{"!mine x", "6:8: the YAML tag !mine has no meaning in a rule"},
	} {
		if got := renderField("f", tt.in); got != tt.want {
			t.Errorf("f: %.40s\n got %s\nwant %s", tt.in, got, tt.want)
		}
	}
}

func TestEscapes(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{`a`, `"a"`}, {``, `""`},
		{`a\b`, `"a\\b"`}, {`a\\b`, `"a\\b"`},
		{`a\\\b`, `"a\\\\b"`}, {`a\\\\b`, `"a\\\\b"`},
		{`a\*b`, `"a*b"`}, {`a\\*b`, `"a\\" * "b"`}, {`a\\\*b`, `"a\\*b"`}, {`a\\\\*`, `"a\\\\" *`},
		{`C:\Windows\`, `"C:\\Windows\\"`}, {`C:\Windows\\`, `"C:\\Windows\\"`}, {`\`, `"\\"`}, {`\\`, `"\\"`},
		{`\?x`, `"?x"`}, {`\\?x`, `"\\" ? "x"`},
		{`*`, `*`}, {`**`, `*`}, {`?`, `?`}, {`??`, `? ?`}, {`*?*`, `* ? *`}, {`\**`, `"*" *`}, {`a*b?c`, `"a" * "b" ? "c"`},
		{`%a%`, `"%a%"`}, {`\%a\%`, `"\\%a\\%"`}, {`é*ü`, `"é" * "ü"`},
	} {
		if got, want := pattern(tt.in, false).String(), "(pattern "+tt.want+")"; got != want {
			t.Errorf("%s\n got %s\nwant %s", tt.in, got, want)
		}
	}
}

func TestPlaceholders(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{`%a%`, `%a%`}, {`x%a%y`, `"x" %a% "y"`}, {`%a%%b%`, `%a% %b%`}, {`*%a%?`, `* %a% ?`}, {`%a.b-c%`, `%a.b-c%`},
		{`\\%a%`, `"\\" %a%`}, {`%a%b%`, `%a% "b%"`},
		{`\%a%`, `"%a%"`}, {`%a\%`, `"%a%"`}, {`%%`, `"%%"`}, {`%`, `"%"`}, {`100%`, `"100%"`}, {`%a b%`, `"%a b%"`}, {`%a*b%`, `"%a" * "b%"`}, {`\\\%`, `"\\%"`},
	} {
		if got, want := pattern(tt.in, true).String(), "(pattern "+tt.want+")"; got != want {
			t.Errorf("%s\n got %s\nwant %s", tt.in, got, want)
		}
	}
}

// FuzzPattern holds the escapes against their definition, and that every text
// can be written as a literal.
func FuzzPattern(f *testing.F) {
	for _, s := range []string{``, `a\b`, `a\\\*b`, `\`, `*?*`, `%a%`, `\%a%`, `C:\Windows\`, "\xff", `%a\%b%`, `\\\`, `\\\\*\\\*`} {
		f.Add(s, false)
		f.Add(s, true)
	}
	escape := strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `%`, `\%`)
	f.Fuzz(func(t *testing.T, s string, expand bool) {
		p := pattern(s, expand)
		if got := ir.NewPattern(false, p.Parts...).String(); got != p.String() {
			t.Errorf("%q has parts to join: %s", s, p)
		}
		if again := pattern(p.Written(), false); !expand && again.String() != p.String() {
			t.Errorf("%q is %s; as %q it is %s", s, p, p.Written(), again)
		}
		// With all escapes written out, placeholders come back too.
		var b strings.Builder
		for _, q := range p.Parts {
			switch q.Kind {
			case ir.Literal:
				b.WriteString(escape.Replace(q.Text))
			case ir.AnyRun:
				b.WriteByte('*')
			case ir.AnyOne:
				b.WriteByte('?')
			case ir.Placeholder:
				b.WriteString("%" + q.Text + "%")
			}
		}
		written := b.String()
		if !expand {
			written = strings.ReplaceAll(written, `\%`, `%`)
		}
		if again := pattern(written, expand); again.String() != p.String() {
			t.Errorf("%q is %s; written again as %q it is %s", s, p, written, again)
		}
	})
}
