package read

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"sigmac/eval"
	"sigmac/ir"
)

// What a server computes before it asks for events.
func TestReadConstants(t *testing.T) {
	reads(t, [][2]string{
		// test_string_functions.toml, of which these say the same in other words.
		{`substring("abcdef", -3, -1) == "de" and substring("abc", -9, 2) == "ab" and substring("abc", null, 1) == "a"`, `(and)`},
		{`between("axbxc", "a", "x") == "" and between~("AxBxc", "a", "X", true) == "xB"`, `(and)`},
		{`between("abc", "d", "c") == null and between(null, "a", "c") == null`, `(and)`},
		{`indexOf("abcabc", "b", 2) == 4 and indexOf("abc", "d") == null and indexOf("abc", "b", null) == 1`, `(and)`},
		{`number("0x1F") == 31 and number("-1.50") == -1.5 and number("77", 8) == 63 and number("+5", 10) == 5`, `(and)`},
		{`string(true) == "true" and string(1.50) == "1.5" and string(2.0) == "2.0" and string(null) == null`, `(and)`},
		{`concat("a", 1, true, 2.5) == "a1true2.5" and concat("a", null) == null`, `(and)`},
		{`length("") == 0 and length("aé東") == 3 and length("💩") == 2`, `(and)`},
		{`startsWith("ab", "") and not startsWith("ab", "A") and startsWith~("ab", "A") and startsWith("ab", null) == null`,
			`(and)`},
		// Arithmetics.java.
		{`7 / 2 == 3 and -7 / 2 == -3 and -7 % 2 == -1 and 7 / 2.0 == 3.5`, `(and)`},
		{`2 + 3 * 4 == 14 and (2 + 3) * 4 == 20 and 20 - 3 - 2 == 15 and 2 - -3 == 5`, `(and)`},
		{`modulo(11, 10) == 1 and divide(9, 3) == 3 and multiply(2, 2.5) == 5 and subtract(1, 2) == add(-2, 1)`, `(and)`},
		{`1 / 0 == 1`, `error 1:1: a server cannot compute this`},
		{`2147483647 + 1 == 1`, `error 1:1: a server cannot compute this`},
		{`4294967296 + 1 == 4294967297`, `(and)`},
		{`number("a") == 1`, `error 1:1: a server cannot compute this`},
		{`number("1f") == 1`, `(opaque elastic "number(\"1f\") == 1")`},
		{`stringContains("a", "")`, `(opaque elastic "stringContains(\"a\", \"\")")`},
		{`"a" == 1`, `(opaque elastic "\"a\" == 1")`},
		{`"a" < "b" and not "b" < "a" and 1 <= 1.0`, `(and)`},
		{`"ABC" : "a*" and "abc" like "a?c" and not "Abc" like "a*" and "abc" regex "a.+"`, `(and)`},
		{`"a" in ("b", concat("a")) and "A" in~ ("a") and 5 in (4, 5)`, `(and)`},
		{`t : "a" and 1 == 2 - 1`, `(match t:text (pattern "a"))`},
		{`n == 2 * 3 and t == concat("a", "b")`, `(and (match n:number (= 6)) (match t:text (pattern cased "ab")))`},
	})
}

// scripts are conditions that a server computes for each event, and that a test of
// fields means the same as.
var scripts = []string{
	`length(t) > 2`, `length(t) <= 2`, `length(t) == 0`, `2 >= length(t)`, `length(t) < 0`, `length(t) == null`, `length(t) != 3`,
	`substring(t, 1) == "b"`, `substring(t, 1, 3) == "bc"`, `substring(t, 1, 9) == "bc"`, `substring(t, 0, 1) : "A"`,
	`substring(t, -2) == "bc"`, `substring(t, -4) == "abc"`, `substring(t, 1, -1) == "b"`, `substring(t, -3, -1) : ("ab", "c")`,
	`substring(t, -9, -1) == "ab"`, `substring(t, 0, 2) in~ ("AB", "*")`,
	`startsWith("abcabc", t)`, `startsWith~("ABC", t)`, `endsWith("abcabc", t)`, `endsWith~("cba", t)`,
	`startsWith(t, t2)`, `endsWith~(t2, t)`,
	`string(n) : "1*"`, `string(n) == "-1"`, `string(n) in~ ("1*", "10")`, `string(t) like "a*"`, `string(n) == null`,
	`n + 1 == 2`, `1 - n >= 1`, `n - 2 - 3 < -4`, `-n == 1`, `add(n, subtract(5, n2)) == null`, `-n + 1 > 0`, `3 < n + 2`,
	`indexOf(t, "a") == 0`, `indexOf(t, "b") >= 0`, `indexOf~(t, "B") > -1`,
	`concat(t, n, "x") == null`, `(n > 0) == null`, `null != concat(t)`,
}

// TestScripts holds the test that stands for a script against the script itself,
// over events with missing fields and with several values.
func TestScripts(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	likely := strings.Fields("abc ab bc abcx xbc abca cba a b c 1 10 * a1")
	text := func() string {
		if random.IntN(2) == 0 {
			return likely[random.IntN(len(likely))]
		}
		out := ""
		for range random.IntN(5) {
			out += string("abcA"[random.IntN(4)])
		}
		return out
	}
	event := func() (map[string]any, eval.Event) {
		fields := map[string]any{}
		for _, name := range []string{"t", "t2", "n", "n2"} {
			var vs []any
			for range random.IntN(3) {
				if name[0] == 't' {
					vs = append(vs, text())
				} else {
					vs = append(vs, random.IntN(13)-2)
				}
			}
			if vs != nil {
				fields[name] = vs
			}
		}
		ev, err := eval.NewEvent(fields)
		if err != nil {
			t.Fatal(err)
		}
		return fields, ev
	}
	for _, condition := range scripts {
		p, err := Parse("any where " + condition)
		if err != nil {
			t.Fatal(condition, err)
		}
		q, err := p.Query(testSchema{})
		if err != nil {
			t.Fatal(condition, err)
		}
		where, not := p.where, false
		if n, ok := where.(notPred); ok {
			where, not = n.x, true
		}
		m := mapping{}
		for _, f := range p.fields {
			typ, _ := testSchema{}.Type("", f.name)
			m = append(m, mappedField{ir.Field{Name: f.name, Type: typ}, true})
		}
		s := &script{node: where.(scriptPred).node, fields: m}
		if s.tests() == nil {
			t.Errorf("%s: no test means it", condition)
			continue
		}
		answers := map[bool]int{}
		for range 2_000 {
			fields, ev := event()
			holds, known := s.holds(ev.Value)
			if !known {
				continue
			}
			want := holds != not
			answers[want]++
			if got := eval.Expr(nil, q.Where, ev); got != want {
				t.Errorf("%s: %v of %v, and %s is %v", condition, want, fields, q.Where, got)
				break
			}
		}
		if condition != `length(t) < 0` && (answers[true] < 20 || answers[false] < 20) {
			t.Errorf("%s: the events reach too little: %v", condition, answers)
		}
	}
}

// TestScriptValues holds what a script is of single events: the facts are those of
// test_queries.toml and test_queries_date.toml in elastic/elasticsearch.
func TestScriptValues(t *testing.T) {
	for _, c := range []struct{ condition, event, want string }{
		{`indexOf(t, "b", 1) == 1`, `{"t": ["xb", "b"]}`, "true"},
		{`indexOf(t, "b") == null`, `{}`, "true"},
		{`indexOf(t, "b") == null`, `{"t": ["ab", "c"]}`, "true"},
		{`stringContains("abc", t)`, `{"t": "bc"}`, "true"},
		{`stringContains("abc", t)`, `{"t": ""}`, "unknown"},
		{`between(t, "a", "c") == "b"`, `{"t": "xabcc"}`, "true"},
		{`length(between(t, "a", "d")) > 0`, `{"t": "abc"}`, "false"},
		{`substring(t, 1) regex "b.*"`, `{"t": "abc"}`, "true"},
		{`substring(t, 1) regex "b.*"`, `{"t": "ab\n"}`, "unknown"},
		{`n % 40 == 2`, `{"n": 82}`, "true"},
		{`n / 2 == 41`, `{"n": 82}`, "true"},
		{`66.0 / n == 1`, `{"n": 66}`, "true"},
		{`10 / n == 1`, `{"n": 0}`, "unknown"},
		{`n + n == 3`, `{"n": [1, 2]}`, "true"},
		{`number(string(n), 16) == 17`, `{"n": 11}`, "true"},
		{`number(t) == 1`, `{"t": "x"}`, "unknown"},
		{`concat(n, ":", t) : "5:A*"`, `{"n": 5, "t": "abc"}`, "true"},
		{`string(cidrMatch(a, "10.0.0.0/8")) : "TRUE"`, `{"a": "10.1.2.3"}`, "true"},
		{`date == "2020-01-01"`, `{"date": "2020-01-01T23:59:59.999Z"}`, "true"},
		{`date == "2020-01-01T10:00+01:00"`, `{"date": "2020-01-01T09:00:59Z"}`, "true"},
		{`date > "2020"`, `{"date": "2020-12-31T23:59:59Z"}`, "false"},
		{`date >= "2020"`, `{"date": "2020"}`, "true"},
		{`date <= "2020-02"`, `{"date": "2020-02-29"}`, "true"},
		{`date < "2020-02"`, `{"date": ["2020-02-29", "2020-01-31"]}`, "true"},
		{`date == 1577836800000`, `{"date": "2020-01-01T00:00:00Z"}`, "true"},
		{`"2020" < date`, `{"date": 1609459200000}`, "true"},
		{`date > "now-5m"`, `{"date": 1609459200000}`, "unknown"},
		{`date == "2020-13-01"`, `{"date": 1609459200000}`, "unknown"},
		{`date > "2020"`, `{}`, "false"},
	} {
		q, err := Read("any where "+c.condition, scriptSchema{})
		if err != nil {
			t.Error(c.condition, err)
			continue
		}
		ev, err := eval.ParseEvent([]byte(c.event))
		if err != nil {
			t.Fatal(err)
		}
		o, ok := q.Where.(ir.Opaque)
		if !ok || o.Of == nil {
			t.Errorf("%s: %s", c.condition, q.Where)
			continue
		}
		holds, known := o.Of.Holds(func(name string) (any, bool) { return ev.Value(name), true })
		got := fmt.Sprint(holds)
		if !known {
			got = "unknown"
		}
		if got != c.want {
			t.Errorf("%s of %s: %s, want %s", c.condition, c.event, got, c.want)
		}
	}
}

type scriptSchema struct{}

func (scriptSchema) Type(table, field string) (ir.Type, bool) {
	if field == "date" || field == "d" {
		return ir.Date, true
	}
	return testSchema{}.Type(table, field)
}

// walk visits the scripts in a condition.
func walk(p pred, visit func(scriptPred)) {
	switch p := p.(type) {
	case andPred:
		for _, x := range p {
			walk(x, visit)
		}
	case orPred:
		for _, x := range p {
			walk(x, visit)
		}
	case notPred:
		walk(p.x, visit)
	case truthPred:
		walk(p.x, visit)
	case scriptPred:
		visit(p)
	}
}

// FuzzScripts holds that what stands for a script is true of the events that the
// script selects, within what the readings suppose, and that no event makes it panic.
func FuzzScripts(f *testing.F) {
	for i, s := range scripts {
		f.Add(s, `{"t": ["ab`+strings.Repeat("c", i%4)+`", "B"], "t2": "a", "n": [1, -5], "u": "x1", "d": "2020-01"}`)
	}
	for _, s := range []string{
		`between~(u, "a", t, b) : ("x*", "?") or number(t, 16) % 7 == n / 2.0`,
		`u + n < 5 and u % 2 == -u or string(a) in~ ("::1") and d > "2020" or d == 5 or concat(u, n, b, a) regex "[a-c]*1?"`,
		`cidrMatch(u, "::/0", "10.0.0.0/8") == (n == 1) and indexOf(u, t, n) >= length(u) - 1 or stringContains(t, "*?\\\\")`,
	} {
		f.Add(s, `{"u": ["1", 2, true, null, "::1", "0x1F"], "t": "", "n": 3.5, "b": [true], "a": "10.0.0.1", "d": [1, "2021-02-03T04:05:06.789Z"]}`)
	}
	f.Fuzz(func(t *testing.T, condition, event string) {
		p, err := Parse("any where " + condition)
		if err != nil {
			return
		}
		ev, err := eval.ParseEvent([]byte(event))
		if err != nil {
			return
		}
		schema := scriptSchema{}
		q, err := p.Query(schema)
		if err != nil {
			return
		}
		ir.Walk(q.Where, func(e ir.Expr) {
			if o, ok := e.(ir.Opaque); ok && o.Of != nil {
				o.Of.Holds(func(name string) (any, bool) { return ev.Value(name), true })
			}
		})
		strange := func(r rune) bool { return r > 0x7F }
		if strings.ContainsFunc(condition+ev.Raw(), strange) || strings.Contains(ev.Raw(), ".") {
			return // elastic/utf16, elastic/fieldref-fold, elastic/whole-numbers
		}
		m := mapping{}
		for _, f := range p.fields {
			typ, mapped := schema.Type("", f.name)
			m = append(m, mappedField{ir.Field{Name: f.name, Type: typ}, mapped})
		}
		walk(p.where, func(p scriptPred) {
			s := &script{node: p.node, fields: m}
			if m.null(p.fields) {
				return
			}
			tests := s.tests()
			holds, known := s.holds(ev.Value)
			if tests != nil && known && eval.Expr(nil, tests, ev) != holds {
				t.Errorf("%s of %s: %v, and %s is not", p.expr.Text, ev.Raw(), holds, tests)
			}
		})
	})
}
