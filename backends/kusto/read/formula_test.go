package read

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"sigmac/eval"
	"sigmac/ir"
)

// formulaEvents are rows of the columns of readTypes.
var formulaEvents = func() (out []eval.Event) {
	for _, fields := range []map[string]any{
		{},
		{"n": 1, "m": 7, "t": "x", "g": "X y", "b": true, "a": "10.1.1.1"},
		{"n": 7, "m": 7, "t": "10.1.1.1", "g": "10.1.1.1", "b": false, "a": "none"},
		{"n": 2.5, "t": `{"a": [1, "é"], "b": {"c": null}}`, "g": "a.b", "a": "::ffff:10.1.1.1"},
		{"n": -3, "t": "2024-02-29T10:00:00Z", "g": "é"},
	} {
		ev, err := eval.NewEvent(fields)
		if err != nil {
			panic(err)
		}
		out = append(out, ev)
	}
	return out
}()

// TestFormulaAgainstReading holds what a predicate is computed to be against what it
// is read as: two accounts of the same pages.
func TestFormulaAgainstReading(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	pick := func(from ...string) string { return from[rng.IntN(len(from))] }
	predicate := func(depth int) string {
		text := func() string { return pick("t", "g", "tolower(t)", "tostring(t)", "toupper(g)") }
		switch kind := rng.IntN(9); {
		case depth > 0 && kind < 4:
			return pick("not(%s)", "(%s and %[2]s)", "(%s or %[2]s)", "iff(%s, %[2]s, b == true)", "coalesce(%s, %[2]s)")
		case kind == 4:
			return "n " + pick("==", "!=", "<", "<=", ">", ">=") + " " + pick("1", "7", "2.5", "-3", "(3 + 4)", "int(null)")
		case kind == 5:
			return pick("isempty", "isnotempty", "isnull", "isnotnull") + "(" + pick("t", "g", "tolower(t)") + ")"
		case kind == 6:
			return text() + pick(" in ", " !in ", " in~ ", " has_any ", " has_all ") + "('" + pick("x", "X", "y") + "', '10.1.1.1')"
		case kind == 7:
			return pick("b == true", "b != true", "n in (1, 7)", "n !in (1)", "n between (1 .. 5)", "strlen(t) > 1",
				"ipv4_is_in_range(a, '10.0.0.0/8')", "ipv6_is_in_range(a, '::/0')", "ipv4_is_in_any_range(a, '10.1.0.0/16', '1.1.1.1')",
				"t =~ g", "t == g", "todouble(t) == 1", "t matches regex '^[0-9.]+$'", "g matches regex '(?i)x|y'")
		}
		op := pick("==", "!=", "=~", "!~", "contains", "!contains", "contains_cs", "startswith", "startswith_cs", "endswith", "!endswith_cs",
			"has", "!has", "has_cs", "hasprefix", "hassuffix")
		return text() + " " + op + " '" + pick("x", "X", "y", "1", "10.1", "X y") + "'"
	}
	var write func(depth int) string
	write = func(depth int) string {
		p := predicate(depth)
		if !strings.Contains(p, "%s") {
			return p
		}
		if !strings.Contains(p, "%[2]s") {
			return fmt.Sprintf(p, write(depth-1))
		}
		return fmt.Sprintf(p, write(depth-1), write(depth-1))
	}
	both := 0
	for range 1500 {
		query := write(3)
		r := &reader{src: query, tokens: lex(query), schema: readTypes, steps: maxReadSteps, bytes: maxReadBytes, work: maxWork, assumed: map[string]bool{}}
		r.forget()
		n := r.expr()
		read := r.truth(n, r.scope())
		f := r.formula(n, r.scope())
		if f == nil {
			t.Errorf("%s is not computed", query)
			continue
		}
		for _, ev := range formulaEvents {
			is, settled := eval.Settled(read.yes, ev)
			work := rowWork
			v := compute(f, func(name string) (any, bool) { return ev.Value(name), true }, &work)
			if _, open := v.(unknown); open || !settled {
				continue
			}
			both++
			if (v == true) != is {
				t.Errorf("%s of %s is computed as %v, and read as %v: %s", query, ev.Raw(), v, is, read.yes)
			}
			isFalse, settled := eval.Settled(read.isFalse(), ev)
			if settled && (v == false) != isFalse {
				t.Errorf("%s of %s is computed as %v, and read as false %v: %s", query, ev.Raw(), v, isFalse, read.isFalse())
			}
		}
	}
	if both < 5_000 {
		t.Errorf("only %d are both", both)
	}
}

// TestFormulaBounds holds that what a query computes is bounded: in formulas, in
// work for its constants, and in what a row costs.
func TestFormulaBounds(t *testing.T) {
	var doubled strings.Builder
	doubled.WriteString("let d0 = 'x';")
	for i := range 40 {
		fmt.Fprintf(&doubled, "let d%d = strcat(d%d, d%d);", i+1, i, i)
	}
	for name, query := range map[string]string{
		"text":    doubled.String() + "T | where strcat(d40, t) == 'x'",
		"formula": "T | where strcat(t" + strings.Repeat(", t", 2*maxFormula) + ") == 'x'",
		"work":    "let big = strrep('ab', 1024); T | where n == 1" + strings.Repeat(" or countof(big, 'a', 'regex') == 2", 5000),
		"row":     "T | where indexof(strcat(t" + strings.Repeat(", strrep(t, 1000)", 60) + "), 'x') == -1",
	} {
		r := &reader{src: query, tokens: lex(query), schema: readTypes, steps: maxReadSteps, bytes: maxReadBytes, work: maxWork}
		r.forget()
		r.queries(false)
		if r.formulas > maxFormulas+maxFormula || r.work < -maxSize {
			t.Errorf("%s: %d formulas, %d of work left", name, r.formulas, r.work)
		}
		ev, err := eval.NewEvent(map[string]any{"n": 2, "t": strings.Repeat("b", 1000)})
		if err != nil {
			t.Fatal(err)
		}
		if is, known := eval.Settled(r.read[0].Where, ev); known && name != "work" {
			t.Errorf("%s is computed: %v", name, is)
		}
	}
}

// TestFunctions holds that no function takes an argument for another: each gets
// every kind of scalar in every place.
func TestFunctions(t *testing.T) {
	date, _ := parseMoment("2024-02-29")
	scalars := []any{nil, true, int32(3), int64(-1), int64(1) << 62, 0.5, decimal{}, "", "x", "10.0.0.1/8", "(", date, lastMoment, second, -day, guid(""),
		dynamic{nil}, dynamic{int64(1)}, dynamic{[]any{nil, "x", 1.5, []any{}}}, dynamic{map[string]any{"x": nil}}, unknown{}}
	x, _ := parseDecimal("1.5")
	scalars[6] = x
	rng := rand.New(rand.NewPCG(5, 6))
	for name, f := range functions() {
		do := f.do
		if !f.lazy {
			do = strict(do)
		}
		for range 2000 {
			args := make([]any, f.least+rng.IntN(3))
			if f.most >= 0 && len(args) > f.most {
				args = args[:f.most]
			}
			for i := range args {
				args[i] = scalars[rng.IntN(len(scalars))]
			}
			switch v := do(args).(type) {
			case nil, bool, int32, int64, float64, decimal, string, moment, span, guid, dynamic, unknown:
			default:
				t.Fatalf("%s%v is %T", name, args, v)
			}
		}
	}
	for _, op := range []byte("+-*/%") {
		for _, a := range scalars {
			for _, b := range scalars {
				for _, whole := range []bool{false, true} {
					if _, is := arithmetic(op, a, b, whole).(ir.Expr); is {
						t.Fatal("an expression")
					}
				}
			}
		}
	}
}

// TestFormulaColumns holds that a name which is no column of the table is no reason
// to refuse what was not looked into.
func TestFormulaColumns(t *testing.T) {
	q, err := Read(`T | where split(gone, "x")[0] == t and t == "y"`, without{readTypes, "gone"})
	if err != nil {
		t.Fatal(err)
	}
	if o, ok := q.Where.(ir.And)[0].(ir.Opaque); !ok || o.Of != nil {
		t.Errorf("%v", q.Where)
	}
}

// without is a schema that lacks a column.
type without struct {
	ir.Types
	gone string
}

func (s without) Type(table, name string) (ir.Type, bool) {
	typ, mapped := s.Types.Type(table, name)
	return typ, mapped && name != s.gone
}
