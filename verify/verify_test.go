package verify

import (
	"fmt"
	"net/netip"
	"testing"

	"sigmac/backends"
	"sigmac/ir"
	"sigmac/regex"
)

func pat(cased bool, parts ...string) ir.Pattern {
	var ps []ir.Part
	for _, p := range parts {
		switch p {
		case "*":
			ps = append(ps, ir.Part{Kind: ir.AnyRun})
		case "?":
			ps = append(ps, ir.Part{Kind: ir.AnyOne})
		default:
			ps = append(ps, ir.Part{Text: p})
		}
	}
	return ir.NewPattern(cased, ps...)
}

func text(f string, t ir.Test) ir.Expr {
	return ir.Match{Field: ir.Field{Name: f, Type: ir.Text}, Test: t}
}

func is(f string, parts ...string) ir.Expr { return text(f, pat(false, parts...)) }

func cased(f string, parts ...string) ir.Expr { return text(f, pat(true, parts...)) }

func num(f string, op ir.Op, n ir.Number) ir.Expr {
	return ir.Match{Field: ir.Field{Name: f, Type: ir.Numeric}, Test: ir.Compare{Op: op, Number: n}}
}

func in(f, net string) ir.Expr {
	return ir.Match{Field: ir.Field{Name: f, Type: ir.Address}, Test: ir.CIDR{Net: netip.MustParsePrefix(net)}}
}

func re(f, source string) ir.Expr {
	t, err := ir.ParseRegexp(source, regex.Flags{})
	if err != nil {
		panic(err)
	}
	return text(f, t)
}

// word is a term between everything but letters and digits of ASCII.
func word(s string) ir.Term {
	var chars []*regex.Re
	for _, r := range s {
		chars = append(chars, &regex.Re{Op: regex.OpLiteral, Rune: r, Fold: true})
	}
	border := regex.Negate([]regex.Range{{Lo: '0', Hi: '9'}, {Lo: 'A', Hi: 'Z'}, {Lo: 'a', Hi: 'z'}})
	return ir.Breakers{Sure: border, May: border}.Read(ir.Term{Text: s}, chars)
}

func not(e ir.Expr) ir.Expr { return ir.Not{X: e} }

var (
	open   = func(ir.Type) backends.World { return backends.World{Several: true} }
	single = func(ir.Type) backends.World { return backends.World{} }
	blank  = func(t ir.Type) backends.World { return backends.World{Blank: t == ir.Text} }
)

func TestEqual(t *testing.T) {
	null := func(f string) ir.Expr { return text(f, ir.Null{}) }
	exists := func(f string) ir.Expr { return text(f, ir.Exists{}) }
	for _, c := range []struct {
		name      string
		world     func(ir.Type) backends.World
		want, got ir.Expr
		verdict   Verdict
		direction string
	}{
		{"same", open, is("a", "x"), is("a", "x"), Proved, ""},
		{"order", open, ir.And{is("a", "x"), is("b", "y")}, ir.And{is("b", "y"), is("a", "x"), is("a", "X")}, Proved, ""},
		{"De Morgan", open, not(ir.And{is("a", "x"), is("b", "y")}), ir.Or{not(is("a", "x")), not(is("b", "y"))}, Proved, ""},
		{"absorbed", open, is("a", "x"), ir.And{is("a", "x"), ir.Or{is("a", "x"), is("b", "y")}}, Proved, ""},
		{"implied term", open, cased("a", "Exact"), ir.And{is("a", "exact"), cased("a", "Exact")}, Proved, ""},
		{"implied pieces", open, is("a", "p", "?", "q", "*"), ir.And{is("a", "p", "*"), is("a", "*", "q", "*"), is("a", "p", "?", "q", "*")}, Proved, ""},
		{"implied prefix", open, is("a", "*", "abc", "*"), ir.Or{is("a", "*", "abc", "*"), is("a", "xabcy")}, Proved, ""},
		{"regexp of pattern", open, is("a", "*", "b.c"), re("a", `(?i)b\.c\z`), Proved, ""},
		{"alternatives", open, ir.Or{is("a", "p"), is("a", "q", "*")}, re("a", `(?i)\A(?:p\z|q)`), Proved, ""},
		{"word border", open, re("a", `\bfoo\b`), re("a", `\A(?:(?s:.*)[^0-9A-Z_a-z])?foo(?:[^0-9A-Z_a-z](?s:.*))?\z`), Proved, ""},
		{"class", open, re("a", `[a-c]\d{2}`), re("a", `(?:a|b|c)[0-9][0-9]`), Proved, ""},
		{"exists", open, exists("a"), not(null("a")), Proved, ""},
		{"any", open, is("a", "*"), exists("a"), Proved, ""},
		{"two values", open, ir.And{is("a", "x"), is("a", "y")}, ir.False, Refuted, "narrower"},
		{"two values, single", single, ir.And{is("a", "x"), is("a", "y")}, ir.False, Proved, ""},
		{"empty and blank", blank, is("a"), null("a"), Proved, ""},
		{"empty and null", open, is("a"), null("a"), Refuted, "both"},
		{"not empty", blank, not(is("a")), exists("a"), Proved, ""},
		{"case", open, cased("a", "x"), is("a", "x"), Refuted, "wider"},
		{"no letters", open, cased("a", "1-2"), is("a", "1-2"), Proved, ""},
		{"anchor", open, is("a", "x", "*"), is("a", "*", "x", "*"), Refuted, "wider"},
		{"lost not", open, ir.And{is("a", "x"), not(is("b", "y"))}, ir.And{is("a", "x"), is("b", "y")}, Refuted, "both"},
		{"missing and not", open, not(is("a", "x")), ir.And{exists("a"), not(is("a", "x"))}, Refuted, "narrower"},
		{"single character", open, is("a", "x", "?"), is("a", "x", "*"), Refuted, "wider"},
		{"numbers", single, num("n", ir.Gt, "5"), not(num("n", ir.Lte, "5")), Refuted, "wider"},
		{"numbers or null", single, ir.Or{num("n", ir.Gt, "5"), ir.Match{Field: ir.Field{Name: "n", Type: ir.Numeric}, Test: ir.Null{}}},
			not(num("n", ir.Lte, "5")), Proved, ""},
		{"between", single, ir.And{num("n", ir.Gt, "5"), num("n", ir.Lt, "6")}, ir.False, Refuted, "narrower"},
		{"no number between", single, ir.And{num("n", ir.Gt, "5"), num("n", ir.Lt, "5")}, ir.False, Proved, ""},
		{"nets", open, ir.Or{in("s", "10.0.0.0/8"), in("s", "10.1.0.0/16")}, in("s", "10.0.0.0/8"), Proved, ""},
		{"narrower net", open, in("s", "10.0.0.0/8"), in("s", "10.0.0.0/9"), Refuted, "narrower"},
		{"net as expression", open, text("s", ir.CIDR{Net: netip.MustParsePrefix("172.16.0.0/12")}),
			re("s", `\A172\.(?:1[6-9]|2[0-9]|3[01])(?:\.(?:[1-9]?[0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5])){2}\z`), Proved, ""},
		{"term", single, is("a", "*", "abc", "*"), text("a", word("abc")), Refuted, "narrower"},
		{"part of a term", single, is("a", "*", "ab", "*"), ir.Or{is("a", "*", "ab", "*"), text("a", word("abc"))}, Proved, ""},
		{"term with a breaker", single, is("a", "*", `\x`, "*"), text("a", word(`\x`)), Refuted, "narrower"},
		{"terms in any order", single, is("a", "a-b"), ir.And{is("a", "a-b"), text("a", word("b a"))}, Agreed, ""},
		{"terms with breakers", single, is("a", "a-b"), ir.And{is("a", "a-b"), text("a", word("-a-b "))}, Agreed, ""},
		{"terms that are not there", single, is("a", "a-b"), ir.Or{is("a", "a-b"), ir.And{is("a", "ab"), text("a", word("a-b"))}}, Proved, ""},
		{"the same term", single, text("a", word("a-b")), ir.And{text("a", word("a-b")), text("a", word("b"))}, Proved, ""},
		{"breakers alone", single, is("a", "x"), text("a", word("--")), Agreed, ""},
		{"keyword", open, ir.Keyword{Test: pat(false, "*", "x", "*")}, ir.Keyword{Test: pat(false, "*", "X", "*")}, Proved, ""},
		{"text is there", open, not(ir.Keyword{Test: pat(false, "*", "x", "*")}),
			ir.And{ir.Keyword{Test: pat(false, "*")}, not(ir.Keyword{Test: pat(false, "*", "x", "*")})}, Proved, ""},
		{"no text without", open, ir.Or{ir.Keyword{Test: pat(false, "*", "x", "*")}, not(ir.Keyword{Test: pat(false, "*", "x", "*", "y", "*")})}, ir.True, Proved, ""},
		{"opaque", open, is("a", "x"), ir.And{is("a", "x"), ir.Opaque{Text: "earliest=-1d"}}, Agreed, ""},
		{"two opaques", open, is("a", "x"), ir.And{ir.Opaque{Text: "y"}, not(ir.Opaque{Text: "z"})}, Agreed, ""},
		{"opaque either way", open, is("a", "x"), ir.Or{ir.And{ir.Opaque{Text: "y"}, is("a", "z")}, ir.And{not(ir.Opaque{Text: "y"}), is("a", "q")}}, Refuted, "narrower"},
		{"many opaques", open, is("a", "x"), ir.Or{ir.Opaque{Text: "1"}, ir.Opaque{Text: "2"}, ir.Opaque{Text: "3"}, ir.Opaque{Text: "4"}, ir.Opaque{Text: "5"},
			not(ir.Opaque{Text: "6"}), ir.Opaque{Text: "7"}, ir.Opaque{Text: "8"}}, Agreed, ""},
		{"opaque without effect", open, is("a", "x"), ir.And{is("a", "x"), ir.Or{ir.Opaque{Text: "y"}, is("a", "x")}}, Proved, ""},
		{"constant", open, ir.True, ir.Or{is("a", "x"), not(is("a", "x"))}, Proved, ""},
		{"fold", open, is("a", "straße"), is("a", "STRAẞE"), Proved, ""},
	} {
		res := Equal(c.world, c.want, c.got, DefaultBudget)
		if res.Verdict != c.verdict || res.Direction != c.direction {
			t.Errorf("%s: %v %s %s %v", c.name, res.Verdict, res.Direction, res.Reason, res.Counterexample)
		}
		if back := Equal(c.world, c.got, c.want, DefaultBudget); back.Verdict != c.verdict {
			t.Errorf("%s, turned round: %v", c.name, back.Verdict)
		}
	}
}

// TestFormula holds that what a part of a query computes counts where it is known,
// and that it is not taken as known beside a place inside of what it reads.
func TestFormula(t *testing.T) {
	long := func(field string) ir.Expr {
		return ir.Opaque{Text: "strlen(" + field + ") > 2", Of: &ir.Formula{
			Fields: []ir.Field{{Name: field, Type: ir.Text}},
			Holds: func(value func(string) (any, bool)) (bool, bool) {
				v, known := value(field)
				s, _ := v.(string)
				return len(s) > 2, known
			},
		}}
	}
	for _, c := range []struct {
		name      string
		want, got ir.Expr
		verdict   Verdict
		direction string
	}{
		{"known", is("a", "x", "*"), ir.And{is("a", "x", "*"), long("a")}, Refuted, "narrower"},
		{"the other way", is("a", "xyz"), ir.Or{is("a", "xyz"), ir.And{is("a", "abcd"), long("a")}}, Refuted, "wider"},
		{"not known for all", is("a", "xyz", "*"), ir.And{is("a", "xyz", "*"), long("a")}, Agreed, ""},
		{"inside", is("a.b", "x"), ir.And{is("a.b", "x"), long("a")}, Agreed, ""},
		{"around", is("a", "x"), ir.And{is("a", "x"), not(long("a[0]"))}, Agreed, ""},
		{"beside", is("a", "x"), ir.And{is("a", "x"), long("ab")}, Refuted, "narrower"},
		{"without effect", is("a", "x"), ir.And{is("a", "x"), ir.Or{long("a"), is("a", "x")}}, Proved, ""},
	} {
		res := Equal(single, c.want, c.got, DefaultBudget)
		if res.Verdict != c.verdict || res.Direction != c.direction {
			t.Errorf("%s: %v %s %s %v", c.name, res.Verdict, res.Direction, res.Reason, res.Counterexample)
		}
	}
}

// TestFormulaBound holds that a claim computes parts of a query a bounded number of
// times, and is undecided then.
func TestFormulaBound(t *testing.T) {
	calls := 0
	parts := ir.And{is("a", "x")}
	for i := range 200 {
		parts = append(parts, ir.Opaque{Text: fmt.Sprint(i), Of: &ir.Formula{
			Fields: []ir.Field{{Name: "a", Type: ir.Text}},
			Holds:  func(func(string) (any, bool)) (bool, bool) { calls++; return true, true },
		}})
	}
	res := Equal(single, is("a", "x"), parts, DefaultBudget)
	if res.Verdict != Agreed || calls > maxComputed+len(parts) { // those of one event more
		t.Errorf("%v %v, computed %d times", res.Verdict, res.Counterexample, calls)
	}
}
