package read

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"sigmac/ir"
)

// A schema gives a field the type that its name starts with, and calls those
// under `no` unmapped.
type testSchema struct{}

func (testSchema) Type(_, field string) (ir.Type, bool) {
	kind := strings.TrimRight(field, "0123456789")
	t := map[string]ir.Type{"t": ir.Text, "n": ir.Numeric, "b": ir.Boolean, "a": ir.Address}[kind]
	return t, kind != "no"
}

// reads compares what a condition says with an S-expression; `error` starts a
// message with its position in the condition.
func reads(t *testing.T, table [][2]string) {
	t.Helper()
	for _, c := range table {
		const head = "any where "
		q, err := Read(head+c[0], testSchema{})
		got := ""
		var e *ir.Diagnostic
		switch {
		case errors.As(err, &e):
			if e.Pos.Line == 1 {
				e.Pos.Column -= len(head)
			}
			got = "error " + e.Error()
		case err != nil:
			got = err.Error()
		default:
			got = q.Where.String()
		}
		if got != c[1] {
			t.Errorf("%s\n got %s\nwant %s", c[0], got, c[1])
		}
	}
}

// A query that a server with default settings answers with an error is no query.
func TestReadRefused(t *testing.T) {
	reads(t, [][2]string{
		{`t regex ".*a.{6,64}b.*"`, "error 1:1: Elasticsearch refuses the regular expression by default: to make it deterministic takes more states than Lucene's default limit allows"},
		{`t regex (".*a{200}.*", ".*b{200}.*", ".*c{200}.*")`, "error 1:1: Elasticsearch refuses the regular expression by default: to make it deterministic is more work than Lucene's default limit allows"},
		{`t like "*a` + strings.Repeat("?", 20) + `b*"`, "error 1:8: Elasticsearch refuses the text by default: to make it deterministic takes more states than Lucene's default limit allows"},
		{`t in~ ("` + strings.Repeat("é?", 600) + `")`, "error 1:8: Elasticsearch refuses the text by default: it is more than 1000 characters deep, which Lucene does not follow"},
	})
}

// Strings and names: eql-syntax.md, EqlBase.g4, ExpressionTests.java.
func TestReadStrings(t *testing.T) {
	exact := func(s string) string { return fmt.Sprintf("(match t:text (pattern cased %q))", s) }
	reads(t, [][2]string{
		{`t == "hello \" world!"`, exact(`hello " world!`)},
		{`t == "\b\t\n\f\r\"\'\\"`, exact("\b\t\n\f\r\"'\\")},
		{`t == "\u{0021}\u{41}\u{00Eb}\u{01f4a9}\u{0010989}\u{d7FF}\u{e000}\u{00000000}"`, exact("!Aë💩\U00010989\ud7ff\ue000\x00")},
		{`t == "foo\\u{123f}oo"`, exact(`foo\u{123f}oo`)},
		{`t == ""`, exact(``)},
		{`t == """hello\"world"""`, exact(`hello\"world`)},
		{`t == """""hello""world!""""`, exact(`""hello""world!"`)},
		{`t == """"foo"bar"""""`, exact(`"foo"bar""`)},
		{`t == """a\"""`, exact(`a\`)},
		{`t == """"""`, exact(``)},
		{`t == """"""""`, exact(`""`)},
		{`t == """"""hello`, "error 1:12: the end is missing before \"hello\""},
		{`t == """a`, "error 1:6: the string has no closing quotes"},
		{"t == \"\"\"a\n\"\"\"", "error 1:6: the string has no closing quotes"},
		{`t == "a`, "error 1:6: the string has no closing quote"},
		{"t == \"a\n\"", "error 1:6: the string has no closing quote"},
		{`t == "a\d"`, "error 1:8: `\\` starts no escape that EQL knows"},
		{`t == "é\*"`, "error 1:8: `\\` starts no escape that EQL knows"},
		{`t == "\u{U1}"`, "error 1:7: `\\` starts no escape that EQL knows"},
		{`t == "\u{}"`, "error 1:7: `\\` starts no escape that EQL knows"},
		{`t == "\u{D}"`, "error 1:7: `\\` starts no escape that EQL knows"},
		{`t == "\u{123456789}"`, "error 1:7: `\\` starts no escape that EQL knows"},
		{`t == "a\u{10000000}"`, `error 1:8: \u{10000000} is no character`},
		{`t == "\u{d800}"`, `error 1:7: \u{d800} is no character`},
		{`t == 'hello world'`, "error 1:6: a string stands in double quotes"},
		{`t == ?"hello world"`, "error 1:6: a raw string stands in three double quotes"},
		{`t == ?'hello world'`, "error 1:6: a raw string stands in three double quotes"},
		{"t == \"\xff\"", "error 1:7: invalid UTF-8"},
		{"t == ;", "error 1:6: unexpected ';'"},
	})
}

func TestReadNames(t *testing.T) {
	reads(t, [][2]string{
		{"`my-field` == null", "(match my-field null)"},
		{"`my``field` == null", "(match my`field null)"},
		{"`table`.`@timestamp` == null", "(match table.@timestamp null)"},
		{"_a.@b . c1 == null", "(match _a.@b.c1 null)"},
		{"?`?foo` == null", "(match ?foo null)"},
		{"`wrong == true", "error 1:1: the name has no closing backtick"},
		{"``wrong == true", "error 1:3: the end is missing before \"wrong\""},
		{"a.by == 1", "error 1:3: a field name is missing before \"by\""},
		{"c-d == 1", "(opaque elastic \"c - d == 1\")"},
		{"a[0] == 1", "error 1:2: array indexes are not supported"},
		{"n == 1 // b\n/* c /* d */ \"e\" */ and\r\n\tn1 == 2", "(and (match n:number (= 1)) (match n1:number (= 2)))"},
		{"a == 1 /* b", "error 1:8: the comment has no `*/`"},
		{"a == 1 /* b /* */", "error 1:8: the comment has no `*/`"},
		{"a ==\n  é", "error 2:3: unexpected 'é'"},
	})
}

// Comparisons: eql-syntax.md, querytranslator_tests.txt, VerifierTests.java.
func TestReadComparisons(t *testing.T) {
	reads(t, [][2]string{
		{`n == 1`, `(match n:number (= 1))`},
		{`u == 1.50`, `(match u:number (= 1.5))`},
		{`n < 4`, `(match n:number (< 4))`},
		{`n <= 4`, `(match n:number (<= 4))`},
		{`n > -1`, `(match n:number (> -1))`},
		{`n >= .5e1`, `(match n:number (>= 5))`},
		{`-1 < n`, `(match n:number (> -1))`},
		{`0 <= n`, `(match n:number (>= 0))`},
		{`1 == n`, `(match n:number (= 1))`},
		{`n == "5"`, `(match n:number (= 5))`},
		{`n > "5"`, `(match n:number (> 5))`},
		{`n == --5`, `(match n:number (= 5))`},
		{`n == +5`, `(match n:number (= 5))`},
		{`n == -0`, `(match n:number (= 0))`},
		{`n == "x"`, "error 1:1: `==` does not take a field of type number"},
		{`n > "x"`, "error 1:1: `>` does not take a field of type number"},
		{`n == true`, "error 1:1: `==` does not take a field of type number"},
		{`t == 4688`, `(match t:text (pattern cased "4688"))`},
		{`t == 4688.0`, `(opaque elastic "t == 4688.0")`},
		{`t == true`, `(match t:text (pattern cased "true"))`},
		{`t >= "b"`, `(match t:text (re "\\A(?:b(?:(?s:.))*|[\\x{63}-\\x{10FFFF}](?:(?s:.))*)\\z"))`},
		{`"m" > ?t`, `(match t:text (re "\\A(?:[\\x{0}-\\x{6C}](?:(?s:.))*){0,1}\\z"))`},
		{`t > 5.5`, `(opaque elastic "t > 5.5")`},
		{`t > "` + strings.Repeat("a", 129) + `"`, `(opaque elastic "t > \"` + strings.Repeat("a", 129) + `\"")`},
		{`u > "now-5m"`, `(opaque elastic "u > \"now-5m\"")`},
		{`t == "cmd*.exe"`, `(match t:text (pattern cased "cmd*.exe"))`},
		{`t != "x"`, `(not (match t:text (pattern cased "x")))`},
		{`u == "x"`, `(match u:text (pattern cased "x"))`},
		{`b == true`, `(match b:boolean true)`},
		{`false != b`, `(not (match b:boolean false))`},
		{`b == "true"`, `(match b:boolean true)`},
		{`b == 1`, "error 1:1: `==` does not take a field of type boolean"},
		{`b`, `(match b:boolean true)`},
		{`not u`, `(not (match u:boolean true))`},
		{`n`, "error 1:1: a condition is missing: the field is of type number"},
		{`t`, "error 1:1: a condition is missing: the field is of type text"},
		{`a == "10.1.2.3"`, `(match a:address (cidr 10.1.2.3/32))`},
		{`a == "x"`, `error 1:6: not an address or a network: x`},
		{`a == 0`, "error 1:1: `==` does not take a field of type address"},
		{`t == null`, `(match t:text null)`},
		{`null == t`, `(match t:text null)`},
		{`t != null`, `(match t:text exists)`},
		{`null != u`, `(match u exists)`},
		{`t < null`, `error 1:5: nothing is less or greater than null`},
		{`1 == 1 and "a" == "a" and 1 < 2.5 and null == null and 1 != null`, `(and)`},
		{`1 == 2`, `(or)`},
		{`t1 == t2`, `error 1:1: fields cannot be compared with each other`},
		{`t1 < t2`, `error 1:1: fields cannot be compared with each other`},
		{`length(t1) == n`, `error 1:1: fields cannot be compared with each other`},
		{`t < "a" < "b"`, `error 1:9: the end is missing before "<"`},
		{`t = "a"`, `error 1:3: the end is missing before "="`},
		{`t == `, "error 1:6: the query ends where an expression is missing"},
		{`1`, "error 1:1: a condition is missing: 1 is neither true nor false"},
		{`n + 1`, "error 1:1: a condition is missing: n + 1 is neither true nor false"},
		{`null`, `(or)`},
		{`true`, `(and)`},
		{`not true`, `(or)`},
		{`n > 100000000000000000000000000000000`, `(match n:number (> 100000000000000000000000000000000))`},
		{`n > ` + strings.Repeat("1", 500), `error 1:5: the number is too long`},
	})
}

// Lists, wildcards and case: eql-syntax.md, querytranslator_tests.txt,
// VerifierTests.java; AutomatonQueries.java folds ASCII.
func TestReadTests(t *testing.T) {
	reads(t, [][2]string{
		{`t : "test"`, `(match t:text (pattern "test"))`},
		{`u : "te?t*"`, `(match u:text (pattern "te" ? "t" *))`},
		{`t : ("test*", "best")`, `(or (match t:text (pattern "test" *)) (match t:text (pattern "best")))`},
		{`t : """*\red\wininit.*"""`, `(match t:text (pattern * "\\red\\wininit." *))`},
		{`t : "*"`, `(match t:text (pattern *))`},
		{`t : "CAFÉ"`, `(match t:text (re "\\A[\\x{43}\\x{63}][\\x{41}\\x{61}][\\x{46}\\x{66}]\\x{C9}\\z"))`},
		{`t : "é*?"`, `(match t:text (re "\\A\\x{E9}(?:(?s:.))*(?s:.)\\z"))`},
		{`t : "東京*"`, `(match t:text (pattern "東京" *))`},
		{`t like "n*t.exe"`, `(match t:text (pattern cased "n" * "t.exe"))`},
		{`t like "É*"`, `(match t:text (pattern cased "É" *))`},
		{`t like~ ("n?t.e?e", "net.*")`, `(or (match t:text (pattern "n" ? "t.e" ? "e")) (match t:text (pattern "net." *)))`},
		{"t : \"\x01*\"", `(opaque elastic "t : \"\x01*\"")`},
		{"t : \"\x01\"", `(match t:text (pattern "\x01"))`},
		{`t in ("a*", "b")`, `(or (match t:text (pattern cased "a*")) (match t:text (pattern cased "b")))`},
		{`t in~ ("test*")`, `(match t:text (pattern "test*"))`},
		{`t not in~ ("a")`, `(not (match t:text (pattern "a")))`},
		{`not t not in ("a")`, `(not (not (match t:text (pattern cased "a"))))`},
		{`n in (1, -2)`, `(or (match n:number (= 1)) (match n:number (= -2)))`},
		{`u in (1, 2.5)`, `(or (match u:number (= 1)) (match u:number (= 2.5)))`},
		{`u in (true)`, `(match u:boolean true)`},
		{`n in (1, "string")`, "error 1:10: a list of several types"},
		{`n in ("1")`, "error 1:1: `in` does not take a field of type number"},
		{`t in (1)`, "error 1:1: `in` does not take a field of type text"},
		{`a in ("10.0.0.1")`, "error 1:1: `in` does not take a field of type address"},
		{`t in (t2)`, "error 1:7: a list holds constants only"},
		{`t in (null)`, "error 1:7: `in` does not look for null"},
		{`t in ()`, "error 1:7: an expression is missing before \")\""},
		{`t in (concat("a", "b"))`, `(match t:text (pattern cased "ab"))`},
		{`n : "5"`, "error 1:1: `:` does not take a field of type number"},
		{`a : "10.*"`, "error 1:1: `:` does not take a field of type address"},
		{`b like "t*"`, "error 1:1: `like` does not take a field of type boolean"},
		{`n regex "5"`, "error 1:1: `regex` does not take a field of type number"},
		{`n in~ ("5")`, "error 1:1: `in` does not take a field of type number"},
		{`t : 5`, "error 1:5: `:` looks for texts only"},
		{`t : null`, "error 1:5: `:` does not look for null"},
		{`t : t2`, "error 1:5: a constant is missing before \"t2\""},
		{`t : -5`, "error 1:5: a constant is missing before \"-\""},
		{`t not like "a"`, "error 1:3: the end is missing before \"not\""},
		{`string(n) : "123"`, `(match n:number (pattern "123"))`},
		{`length(t) : "a"`, "error 1:1: `:` does not take a number"},
		{`"abc" : "a*"`, `(and)`},
	})
}

// eql-function-ref.md, querytranslator_tests.txt, VerifierTests.java.
func TestReadFunctions(t *testing.T) {
	reads(t, [][2]string{
		{`cidrMatch(a, "10.0.0.0/8")`, `(match a:address (cidr 10.0.0.0/8))`},
		{`cidrmatch(u, "10.6.48.157/8", "2001:db8::/32", "::1")`,
			`(or (match u:address (cidr 10.0.0.0/8)) (match u:address (cidr 2001:db8::/32)) (match u:address (cidr ::1/128)))`},
		{`cidrMatch(a, "::/0")`, `(or (match a:address (cidr ::/0)) (match a:address (cidr 0.0.0.0/0)))`},
		{`cidrMatch(a, "::ffff:10.0.0.0/104")`, `(match a:address (cidr 10.0.0.0/8))`},
		{`cidrMatch(a, "10.0.0.0/8") == true`, `(match a:address (cidr 10.0.0.0/8))`},
		{`cidrMatch(a, "10.0.0.0/8") != true`, `(not (match a:address (cidr 10.0.0.0/8)))`},
		{`cidrMatch(a, "10.0.0.0/8") == false`, `(not (match a:address (cidr 10.0.0.0/8)))`},
		{`false != cidrMatch(a, "10.0.0.0/8")`, `(not (not (match a:address (cidr 10.0.0.0/8))))`},
		{`cidrMatch(a, "10.0.0.0/33")`, `error 1:14: not an address or a network: 10.0.0.0/33`},
		{`cidrMatch(a, t)`, "error 1:14: `cidrMatch` needs a constant here"},
		{`cidrMatch(t, "10.0.0.0/8")`, "error 1:11: `cidrMatch` does not take a field of type text"},
		{`cidrMatch~(a, "10.0.0.0/8")`, "error 1:1: the function cidrMatch~ has no `~`"},
		{`startsWith(t, "A*")`, `(match t:text (pattern cased "A*" *))`},
		{`startswith~(t, "A")`, `(match t:text (pattern "A" *))`},
		{`endsWith(t, "c") == true`, `(match t:text (pattern cased * "c"))`},
		{`endsWith~(u, "c")`, `(match u:text (pattern * "c"))`},
		{`endsWith(t, """\c""")`, `(opaque elastic "endsWith(t, \"\\\\c\")")`},
		{`stringContains(?t, "foo")`, `(match t:text (pattern cased * "foo" *))`},
		{`stringContains~(t, "f*o")`, `(opaque elastic "stringContains~(t, \"f*o\")")`},
		{`stringContains(t, "")`, `(opaque elastic "stringContains(t, \"\")")`},
		{`stringContains(n, "1")`, "error 1:16: `stringContains` does not take a field of type number"},
		{`stringContains(t, 1)`, "error 1:19: `stringContains` does not take a number"},
		{`startsWith("ab", t)`, `(or (match t:text (pattern cased "")) (match t:text (pattern cased "a")) (match t:text (pattern cased "ab")))`},
		{`endsWith~("ab", t)`, `(or (match t:text (pattern "ab")) (match t:text (pattern "b")) (match t:text (pattern "")))`},
		{`stringContains("ab", t)`, `(opaque elastic "stringContains(\"ab\", t)")`},
		{`startsWith(t1, t2)`, `(match t1:text (fieldref cased startswith t2:text))`},
		{`endsWith~(t1, u)`, `(match t1:text (fieldref endswith u:text))`},
		{`stringContains(t1, t2)`, `(opaque elastic "stringContains(t1, t2)")`},
		{`wildcard(t, "*\\a*", "?b")`, "error 1:1: servers have no function wildcard since version 8.0: write `like`"},
		{`wildcard~(t, "A*")`, "error 1:1: servers have no function wildcard since version 8.0: write `like`"},
		{`match(t, "a.c")`, "error 1:1: servers have no function match since version 7.10: write `regex`"},
		{`between(t, "a", "b", true, true) == "c"`, "error 1:1: the function between cannot have 5 arguments"},
		{`between(t, "a", "b", "true") == "c"`, "error 1:22: `between` does not take a text"},
		{`number(n) == 1`, "error 1:8: `number` does not take a field of type number"},
		{`number(t, 1.0) == 1`, "error 1:11: `number` does not take a number"},
		{`length(t) > 0`, `(match t:text (re "\\A(?:(?s:.))+\\z"))`},
		{`5 > length(t) and b`, `(and (match t:text (re "\\A(?:(?s:.)){0,4}\\z")) (match b:boolean true))`},
		{`length(t) < 0`, `(or)`},
		{`length(t) == null`, `(match t:text null)`},
		{`concat(t, n) == null`, `(or (match t:text null) (match n:number null))`},
		{`null != (n > 5)`, `(not (match n:number null))`},
		{`n + 2 == -2147483647`, `(match n:number (= -2147483649))`},
		{`5 - n > 3`, `(match n:number (< 2))`},
		{`add(n, 2) <= 5`, `(match n:number (<= 3))`},
		{`indexOf(t, "a") == 0`, `(match t:text (pattern cased "a" *))`},
		{`indexOf~(t, "a") >= 0`, `(match t:text (pattern * "a" *))`},
		{`indexof( ?u , """a""" /* c */) == (1)`, `(opaque elastic "indexOf(u, \"a\") == 1")`},
		{`concat(t, 1.0, "\"\n") == "a" and n % 2 * (n + -1) < 3`, `(and (opaque elastic "concat(t, 1.0, \"\\\"\\n\") == \"a\"") (opaque elastic "n % 2 * (n + -1) < 3"))`},
		{`indexOf(t, "a") == 1`, `(opaque elastic "indexOf(t, \"a\") == 1")`},
		{`substring(t, 1, 3) == "xp"`, `(match t:text (re "\\A(?:(?s:.)){1}xp(?:(?s:.))*\\z"))`},
		{`substring(t, 1, 4) == "xp"`, `(match t:text (re "\\A(?:(?s:.)){1}xp\\z"))`},
		{`substring(t, 1, 2) == "xp"`, `(match t:text (re "\\A[^\\x00-\\x{10FFFF}]\\z"))`},
		{`substring(t, 0, -1) == "xp"`, `(match t:text (re "\\Axp(?:(?s:.)){1}\\z"))`},
		{`substring(t, -3) == "xp"`, `(match t:text (re "\\Axp\\z"))`},
		{`substring(t, -2) == "xp"`, `(match t:text (re "\\A(?:(?s:.))*xp\\z"))`},
		{`substring(t, -4, -1) : "xp"`, `(match t:text (re "\\A[\\x{58}\\x{78}][\\x{50}\\x{70}](?:(?s:.)){1}\\z"))`},
		{`(n - 1) * 2 % 3 / 4 == 5`, `(opaque elastic "(n - 1) * 2 % 3 / 4 == 5")`},
		{`indexOf(t, "A", 2) != null`, `(not (opaque elastic "indexOf(t, \"A\", 2) == null"))`},
		{`substring(t, 5) in~ ("*", "1")`, `(or (match t:text (re "\\A(?:(?s:.)){5}\\x{2A}\\z")) (match t:text (re "\\A(?:(?s:.)){5}1\\z")))`},
		{`substring(t, 5) like "a*"`, `(opaque elastic "substring(t, 5) like \"a*\"")`},
		{`concat(t, "::foo::", null, 1) : "net.exe::foo::1"`, `(opaque elastic "concat(t, \"::foo::\", null, 1) : \"net.exe::foo::1\"")`},
		{`between~(t, "s", "e") : "yst" or number(t, 16) == 1`,
			`(or (opaque elastic "between~(t, \"s\", \"e\") : \"yst\"") (opaque elastic "number(t, 16) == 1"))`},
		{`true == (t in ("svchost.EXE"))`, `(match t:text (pattern cased "svchost.EXE"))`},
		{`arrayContains(t, "En")`, "error 1:1: unknown function arrayContains"},
		{`length(t)`, "error 1:1: a condition is missing: length(t) is neither true nor false"},
		{`length()  == 1`, "error 1:1: the function length cannot have 0 arguments"},
		{`length(t, t) == 1`, "error 1:1: the function length cannot have 2 arguments"},
		{`length(t == 1`, "error 1:14: the query ends where `)` is missing"},
		{`child of [process where true]`, "error 1:1: process relationships are not supported"},
	})
}

// Precedence: eql-syntax.md, EqlBase.g4.
func TestReadLogic(t *testing.T) {
	atom := func(s string) string { return "(match " + s + ":boolean true)" }
	reads(t, [][2]string{
		{"b1 or b2 and b3", "(or " + atom("b1") + " (and " + atom("b2") + " " + atom("b3") + "))"},
		{"(b1 or b2) and b3", "(and (or " + atom("b1") + " " + atom("b2") + ") " + atom("b3") + ")"},
		{"not b1 and b2", "(and (not " + atom("b1") + ") " + atom("b2") + ")"},
		{"not (b1 and b2)", "(not (and " + atom("b1") + " " + atom("b2") + "))"},
		{"not not b1", "(not (not " + atom("b1") + "))"},
		{"b1 and", "error 1:7: the query ends where an expression is missing"},
		{"b1 b2", "error 1:4: the end is missing before \"b2\""},
		{"(b1", "error 1:4: the query ends where `)` is missing"},
		{"b1)", "error 1:3: the end is missing before \")\""},
		{"b1 AND b2", "error 1:4: the end is missing before \"AND\""},
		{strings.Repeat("(", 200) + "b" + strings.Repeat(")", 200), atom("b")},
		{strings.Repeat("(", 201), "error 1:201: nested deeper than 200"},
		{strings.Repeat("not ", 201), "error 1:801: nested deeper than 200"},
		{"n == " + strings.Repeat("-", 201), "error 1:206: nested deeper than 200"},
	})
}

// The optimiser's folding of fields that no index maps: Optimizer.java,
// OptimizerRules.java (BooleanSimplification, PruneFilters.foldBinaryLogic),
// test_extra.toml, test_queries.toml. A condition that is only NULL is not true
// under a `not` either.
func TestReadUnmapped(t *testing.T) {
	const b = "(match b:boolean true)"
	reads(t, [][2]string{
		{`?no == null`, `(and)`},
		{`?no != null`, `(or)`},
		{`not ?no == null`, `(or)`},
		{`?no == "x"`, `(or)`},
		{`?no != "x"`, `(and)`},
		{`not ?no == 5`, `(and)`},
		{`true == ?no`, `(or)`},
		{`?no1 == ?no2`, `(and)`},
		{`?no1 != ?no2`, `(or)`},
		{`?no1 < ?no2`, `(or)`},
		{`not ?no1 < ?no2`, `(or)`},
		{`?no == t`, `(match t:text null)`},
		{`t == ?no`, `(match t:text null)`},
		{`?no`, `(or)`},
		{`not ?no`, `(or)`},
		{`?no : "x"`, `(or)`},
		{`not ?no : "x"`, `(or)`},
		{`not ?no : ("x", "y*")`, `(or)`},
		{`not ?no like "x"`, `(or)`},
		{`not ?no regex "x"`, `(or)`},
		{`not ?no in ("x")`, `(or)`},
		{`?no not in ("x")`, `(or)`},
		{`?no not in~ ("x")`, `(or)`},
		{`not ?no < 5`, `(or)`},
		{`not 5 <= ?no`, `(or)`},
		{`not cidrMatch(?no, "10.0.0.0/8")`, `(or)`},
		{`not startsWith(?no, "x")`, `(or)`},
		{`not length(?no) > 5`, `(or)`},
		{`length(?no) == 5`, `(or)`},
		{`length(?no) != 5`, `(and)`},
		{`length(?no) == null`, `(and)`},
		{`?no + 1 != 5`, `(and)`},
		{`((t == null) == true) == null`, `(opaque elastic "((t == null) == true) == null")`},
		{`(?no == t) == null`, `(opaque elastic "(no == t) == null")`},
		{`(?no < n) == null`, `(or (and) (match n:number null))`},
		{`length(?no) == length(t)`, `(opaque elastic "length(no) == length(t)")`},
		{`not stringContains(?no, t)`, `(not (opaque elastic "stringContains(no, t)"))`},
		{`concat(?no, "test", ?no2) == "onetest!"`, `(or)`},
		{`(?no : "x") == true`, `(or)`},
		{`(?no : "x") != true`, `(and)`},
		{`not (?no : "x" and b) == true`, `(or)`},
		{`true == (?no in ("abc", "xyz")) or b`, b},

		{`b and ?no : "x"`, `(or)`},
		{`b and not ?no : "x"`, `(or)`},
		{`not (b and ?no : "x")`, `(or)`},
		{`not (?no == "x" and ?no : "x")`, `(and)`},
		{`not (?no != null and ?no : "x")`, `(and)`},
		{`b and not (?no != null and ?no : "x")`, b},
		{`b or ?no : "x"`, b},
		{`not (b or ?no : "x")`, `(not ` + b + `)`},
		{`b and (b or ?no : "x")`, `(and ` + b + ` ` + b + `)`},
		{`not (?no : "x" or ?no2 : "y")`, `(or)`},
		{`not (?no : "x" or ?no2 == "y")`, `(or)`},
		{`not (?no == "x" or ?no2 == "y")`, `(and)`},
		{`not (?no : "x" or ?no2 == null)`, `(or)`},
		{`?no : "x" or ?no2 == null`, `(and)`},
		{`b or not (b and ?no : "x")`, b},
		{`b and (?no == "x" or ?no : "y")`, `(or)`},
		{`b and (?no != "x" or ?no : "y")`, b},

		{`no == 1`, "error 1:1: unknown column no"},
		{`?no == 1 and no == 1`, "error 1:14: unknown column no"},
		{`length(no) == null`, "error 1:8: unknown column no"},
	})
}

func TestReadSubsets(t *testing.T) {
	p, err := Parse(`any where ?b : "x" and not (?a == 1 or c : "y") and c != null and ?c : "z"`)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(p.Optional()); got != "[a b]" {
		t.Errorf("optional: %s", got)
	}
	for unmapped, want := range map[string]string{
		"":  `(and (match b:text (pattern "x")) (not (or (match a:number (= 1)) (match c:text (pattern "y")))) (match c exists) (match c:text (pattern "z")))`,
		"a": `(and (match b:text (pattern "x")) (not (match c:text (pattern "y"))) (match c exists) (match c:text (pattern "z")))`,
		"b": `(or)`,
	} {
		for range 2 {
			q, err := p.Query(without(unmapped))
			if err != nil || q.Where.String() != want {
				t.Errorf("without %q: %v %v", unmapped, q, err)
			}
		}
	}
	if _, err := p.Query(without("c")); err == nil || err.Error() != "1:40: unknown column c" {
		t.Errorf("without c: %v", err)
	}
}

// without is a schema that maps all fields but one.
type without string

func (w without) Type(_, field string) (ir.Type, bool) { return ir.Unknown, field != string(w) }

// Regular expressions: regexp-syntax.md, Lucene's RegExp.java and
// TestRegExpParsing.java.
func TestReadRegexp(t *testing.T) {
	for _, c := range []struct {
		re, yes, no string // values split at blanks; `_` is the empty one
	}{
		{`ab.`, "aba abz ab\n", "ab abab"},
		{`abc?`, "ab abc", "abcc"},
		{`ab+`, "ab abb", "a"},
		{`ab*`, "a abb", "b"},
		{`a{2}`, "aa", "a aaa"},
		{`a{2,4}`, "aa aaaa", "a aaaaa"},
		{`a{2,}`, "aa aaaaaa", "a"},
		{`a{0}b`, "b", "ab"},
		{`a{3,2}b`, "", "b aab"},
		{`abc|xyz`, "abc xyz", "abcxyz"},
		{`abc(def)?`, "abc abcdef", "abcd"},
		{`(ab|c)*d()`, "d abcd", "ad"},
		{`[abc]`, "a b c", "d _"},
		{`[-abc]`, "- a", "d"},
		{`[abc\-]`, "- c", "d"},
		{`[^abc]`, "d \n", "a dd"},
		{`[^-abc]`, "d", "- a"},
		{`[]a]`, "] a", "b"},
		{`[+-]]`, "+ - ] A", "^ +]"},
		{`[a-c\d.]`, "b 5 .", "d"},
		{`\d\D`, "5x", "55 x5"},
		{`\w\W\s?`, "_- a+\t", "a_"},
		{`\S+`, "ab", "a\tb"},
		{`foo<1-100>`, "foo1 foo99 foo100 foo001", "foo0 foo101 foo"},
		{`foo<01-15>`, "foo01 foo09 foo10 foo15", "foo1 foo16 foo00 foo001"},
		{`<15-9>`, "9 15 009", "8 16"},
		{`<08-08>`, "08", "8"},
		{`<234-1871>`, "234 999 1000 1871 0234", "233 1872 99"},
		{`a@b`, "ab axxb", "a"},
		{`#|abc`, "abc", "_ #"},
		{`"john@smith.com"+`, "john@smith.com john@smith.comjohn@smith.com", "johnXsmith.com"},
		{`""a`, "a", "_"},
		{`a+?`, "_ a aaa", "b"},
		{`a{2,3}?`, "_ aa aaa", "a"},
		{`^a$`, "^a$", "a"},
		{`\^\.\\\"\#`, `^.\"#`, `a.\"#`},
		{`*a`, "*a", "a aa"},
		{`(|a)`, "|a", "_ a"},
		{`}]a`, "}]a", "a"},
		{`(?:a)`, "?:a", "a"},
		{``, "_", "a"},
		{`é|東`, "é 東", "É"},
	} {
		got := luceneTest(c.re, false, ir.Pos{})
		checkRegexp(t, c.re, got, c.yes, c.no)
	}
	for _, c := range [][3]string{
		{`net\.exe`, "net.exe NET.EXE Net.exE", "netaexe"},
		{`[a-c]x`, "ax aX", "Ax d"},
		{`[abd-e]`, "a B e", "E c"},
		{`[^a]`, "b", "a A"},
		{`"ab"\w`, "ABz abZ", "z"},
		{`東`, "東", "x"},
	} {
		checkRegexp(t, c[0], luceneTest(c[0], true, ir.Pos{}), c[1], c[2])
	}
	for _, re := range []string{`a~bc`, `aaa.+&.+bbb`, `@&~(abc.+)`, `(((a{100}){100}){100}){100}`, `é`, `[é]`} {
		if re == `é` || re == `[é]` {
			if luceneTest(re, true, ir.Pos{}) != nil {
				t.Errorf("%s folds", re)
			}
		} else if luceneTest(re, false, ir.Pos{}) != nil {
			t.Errorf("%s has a form", re)
		}
	}
	reads(t, [][2]string{
		{`t regex ("a+", "~b", "c")`, `(or (match t:text (re "\\A(?:a)+\\z")) (opaque elastic "t regex \"~b\"") (match t:text (re "\\Ac\\z")))`},
		{`?t regex~ "a&b"`, `(opaque elastic "t regex~ \"a&b\"")`},
		{`t regex "(a"`, "error 1:9: regular expression: `)` is missing at 3"},
		{`t regex "a)"`, "error 1:9: regular expression: nothing may follow at 2"},
		{`t regex "a|"`, "error 1:9: regular expression: it ends too early at 3"},
		{`t regex "é[b"`, "error 1:9: regular expression: `]` is missing at 4"},
		{`t regex "[c-a]"`, "error 1:9: regular expression: a range is out of order at 5"},
		{`t regex "a{x}"`, "error 1:9: regular expression: a number is missing at 3"},
		{`t regex "a{1"`, "error 1:9: regular expression: `}` is missing at 4"},
		{`t regex "a\\b"`, "error 1:9: regular expression: `\\b` is no class at 2"},
		{`t regex "a\\"`, "error 1:9: regular expression: it ends too early at 3"},
		{`t regex "<a>"`, "error 1:9: regular expression: `<` starts no interval at 2"},
		{`t regex "<1-2"`, "error 1:9: regular expression: `<` starts no interval at 2"},
		{`t regex "\"a"`, "error 1:9: regular expression: `\"` is missing at 2"},
		{`t regex "` + strings.Repeat("(", 201) + `"`, "error 1:9: regular expression: nested too deeply at 202"},
		{`t regex "a` + strings.Repeat("?", 201) + `"`, "error 1:9: regular expression: nested too deeply at 203"},
	})
}

func checkRegexp(t *testing.T, re string, test ir.Test, yes, no string) {
	t.Helper()
	if test == nil {
		t.Errorf("%s: no form", re)
		return
	}
	compiled := regexp.MustCompile(test.(ir.Regexp).Source)
	for i, values := range []string{yes, no} {
		for _, v := range strings.Split(values, " ") {
			if v == "" {
				continue
			}
			if v = strings.NewReplacer(`\n`, "\n", `\t`, "\t").Replace(v); v == "_" {
				v = ""
			}
			if compiled.MatchString(v) != (i == 0) {
				t.Errorf("%s over %q: %v", re, v, i != 0)
			}
		}
	}
}

// Categories, sequences and pipes: eql-syntax.md, eql-pipe-ref.md,
// LogicalPlanBuilder.java, queries-supported.eql, queries-unsupported.eql.
func TestReadStatements(t *testing.T) {
	for _, c := range []struct{ query, want string }{
		{`process where b`, `process (match b:boolean true)`},
		{`"my cat" where true`, `my cat (and)`},
		{`""".my-cat""" where true`, `.my-cat (and)`},
		{`any where true | head 5 | tail 1`, ` (and) [head: head 5] [tail: tail 1]`},
		{`sequence [process where b] [any where true]`,
			` step (and (match event.category:text (pattern cased "process")) (match b:boolean true)) step (and) [sequence: sequence]`},
		{`sequence by u.id, ?x with maxspan=5m [any where b1] by y with runs=3 [any where b2] by z until [any where b3] by w | head 1`,
			` step (match b1:boolean true) step (match b2:boolean true) [sequence: sequence by u.id, ?x with maxspan=5m]` +
				` [step: by y with runs=3] [step: by z] [until: until [any where b3] by w] [head: head 1]`},
		{`sequence with maxspan=1h ![any where b1] [any where b2]`,
			` step (match b2:boolean true) [sequence: sequence with maxspan=1h] [missing: ![any where b1]]`},
		{`sequence by u [any where b] with runs=2`, ` step (match b:boolean true) [sequence: sequence by u] [step: with runs=2]`},
		{`sample by host [a where b1] [any where ?no : "x"]`,
			` step (and (match event.category:text (pattern cased "a")) (match b1:boolean true)) step (or) [sample: sample by host]`},
		{`join by u [any where b1] [any where b2] until [any where b3]`,
			` step (match b1:boolean true) step (match b2:boolean true) [join: join by u] [until: until [any where b3]]`},

		{``, "1:1: the query ends where an event category is missing"},
		{`42 where true`, `1:1: an event category is missing before "42"`},
		{"`identifier` where true", "1:1: an event category is missing before \"`identifier`\""},
		{`?x where true`, `1:1: an event category is missing before "?"`},
		{`"" where true`, `1:1: the event category is empty`},
		{`process true`, "1:9: `where` is missing before \"true\""},
		{`process where true | count`, `1:22: one of the pipes head and tail is missing before "count"`},
		{`process where true | head -5`, `1:27: the pipe head needs a number`},
		{`process where true | head "a"`, `1:27: the pipe head needs a number`},
		{`process where true | head 5, 6`, `1:28: the end is missing before ","`},
		{`sequence [any where true]`, `1:26: the query ends where another event is missing`},
		{`sequence [any where true [any where true]`, "1:26: `]` is missing before \"[\""},
		{`sequence [any where true] by a [any where true]`, `1:32: 0 join keys where the first event has 1`},
		{`sequence by a + 1 [any where true] [any where true]`, `1:15: another event is missing before "+"`},
		{`sequence with maxspan=2.5m [any where true] [any where true]`, `1:23: a number from 1 to 2147483648 is missing`},
		{`sequence with maxspan=0m [any where true] [any where true]`, `1:23: a number from 1 to 2147483648 is missing`},
		{`sequence with maxspan=5 [any where true] [any where true]`, `1:25: a unit of time is missing before "["`},
		{`sequence with maxspan=5y [any where true] [any where true]`, `1:24: a unit of time is missing before "y"`},
		{`sequence with maxspan=5m by a [any where true] [any where true]`, `1:26: another event is missing before "by"`},
		{`sequence [any where true] with runs=101 [any where true]`, `1:37: a number from 1 to 100 is missing`},
		{`sequence [any where true] with max=1 [any where true]`, "1:32: `runs` is missing before \"max\""},
		{`sequence [any where true] ![any where true]`, "1:1: a missing event needs `with maxspan`"},
		{`sequence with maxspan=1m ![any where true] ![any where true]`, `1:61: the query ends where another event is missing`},
		{`sample [any where true] [any where true]`, `1:1: a sample needs a join key`},
		{`sequence by no [any where true] [any where true]`, `1:13: unknown column no`},
		{`sequence [any where true] [any where true] until [any where n : "x"]`, "1:61: `:` does not take a field of type number"},
	} {
		q, err := Read(c.query, testSchema{})
		got := fmt.Sprint(err)
		if err == nil {
			got = q.Scope.Category
			if q.Where != nil {
				got += " " + q.Where.String()
			}
			for _, s := range q.Steps {
				got += " step " + s.String()
			}
			for _, l := range q.Unjudged() {
				got += fmt.Sprintf(" [%s: %s]", l.Name, l.Text)
			}
		}
		if got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.query, got, c.want)
		}
	}
}

// The ids are those of docs/semantics.md.
func TestReadAssumptions(t *testing.T) {
	for query, want := range map[string]string{
		`any where true`:                 "[]",
		`any where ?f == null`:           "[elastic/ignore-above elastic/null-value elastic/unmapped elastic/version]",
		`any where f == 5`:               "[elastic/keyword-field elastic/mapped elastic/null-value]",
		`any where f : "x"`:              "[elastic/ignore-above elastic/keyword-field elastic/mapped elastic/null-value]",
		`any where f regex "x"`:          "[elastic/ignore-above elastic/keyword-field elastic/mapped elastic/null-value elastic/version]",
		`any where cidrMatch(f, "::/0")`: "[elastic/keyword-field elastic/mapped elastic/null-value]",
		`any where f : "x" and ?g == 1`:  "[elastic/ignore-above elastic/keyword-field elastic/mapped elastic/null-value elastic/unmapped elastic/version]",

		// A function under a `not`, however that is written.
		`any where not (true and endsWith(f, "x"))`:                                                  "[elastic/ignore-above elastic/keyword-field elastic/mapped elastic/null-value elastic/version]",
		`any where not not cidrMatch(f, "::/0")`:                                                     "[elastic/keyword-field elastic/mapped elastic/null-value elastic/version]",
		`any where endsWith(f, "x") == false`:                                                        "[elastic/ignore-above elastic/keyword-field elastic/mapped elastic/null-value elastic/version]",
		`any where endsWith(f, "x") != true`:                                                         "[elastic/ignore-above elastic/keyword-field elastic/mapped elastic/null-value elastic/version]",
		`any where endsWith(f, "x") == true`:                                                         "[elastic/ignore-above elastic/keyword-field elastic/mapped elastic/null-value]",
		`any where (not f == 5) and endsWith(g, "x")`:                                                "[elastic/ignore-above elastic/keyword-field elastic/mapped elastic/null-value]",
		`any where f regex ("` + strings.Repeat("x", 500) + `", "` + strings.Repeat("y", 499) + `")`: "[elastic/ignore-above elastic/keyword-field elastic/mapped elastic/null-value elastic/version]",
		`any where f regex ("` + strings.Repeat("x", 500) + `", "` + strings.Repeat("y", 500) + `")`: "[elastic/ignore-above elastic/keyword-field elastic/mapped elastic/null-value elastic/regex-length elastic/version]",
		`any where length(f) > 1`:                                                                    "[elastic/ignore-above elastic/keyword-field elastic/mapped elastic/null-value elastic/utf16]",
		`any where f + 1 == 2`:                                                                       "[elastic/ignore-above elastic/keyword-field elastic/mapped elastic/null-value elastic/whole-numbers]",
		`any where string(f) : "1"`:                                                                  "[elastic/ignore-above elastic/keyword-field elastic/mapped elastic/null-value elastic/whole-numbers]",
		`any where startsWith(f, g)`:                                                                 "[elastic/ignore-above elastic/keyword-field elastic/mapped elastic/null-value]",
		`any where not endsWith~(f, g) or 1>2`:                                                       "[elastic/fieldref-fold elastic/ignore-above elastic/keyword-field elastic/mapped elastic/null-value elastic/version]",
	} {
		q, err := Read(query, ir.Types{})
		if err != nil || fmt.Sprint(q.Assumptions) != want {
			t.Errorf("%s: %v %v", query, q, err)
		}
	}
}

// What is not linear in the size of the query does not end within the time that
// tests have.
func TestReadLarge(t *testing.T) {
	const size = 1 << 18
	fill := func(s string) string { return strings.Repeat(s, size/len(s)) }
	for _, query := range []string{
		"any where b" + fill(" and ?t : \"x*\""),
		"any where b" + fill(" or n1 == 5"),
		"any where t : (\"a\"" + fill(", \"*é*\"") + ")",
		"any where t == \"" + fill("\\n") + "\"",
		"any where t == " + fill("\""),
		"any where t regex \"" + fill("[a-c]+x|") + "y\"",
		"any where t regex \"" + fill("(") + "\"",
		"any where n" + fill(" + 1") + " == 1",
		"any where " + fill("("),
		"any where " + fill("not "),
		"any where " + fill("-"),
		"any where b" + fill("/*"),
		"any where b " + fill("/**/"),
		"any where " + fill("a."),
		"any where " + fill("`"),
		"any where " + fill("a == b == "),
		"any where b" + fill("\n|head 5"),
		"sequence" + fill(" [any where b]"),
		"sequence by t" + fill(", t") + fill(" [any where b] by t"),
		"any where n" + fill(" - 1 * 2 % 3") + " == 1",
		"any where t : \"a\"" + fill(" or length(t) > 1000"),
		"any where t : \"a\"" + fill(" or startsWith(\""+strings.Repeat("a", 60)+"\", ?t)"),
		"any where t : \"a\"" + fill(" or t > \""+strings.Repeat("a", 100)+"\""),
		"any where indexOf(\"" + strings.Repeat("a", size/2) + "\", \"" + strings.Repeat("a", size/4) + "b\") == 1",
		"any where concat(t" + fill(", \"a\"") + ") == null",
		"any where b" + fill(" or ?n1 + ?n2 > ?n3 - 1"),
	} {
		q, err := Read(query, testSchema{})
		if err == nil && q.Where != nil {
			_ = q.Where.String()
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{
		`process where a.b : ("x*", "é") and not ?c == 5 or d regex~ """.*\[^a-c]\d+?<1-20>"a""" | head 5`,
		"sequence by `x``y` with maxspan=1m ![any where not (f != null or g not in~ (\"\\u{41}\"))] [\"c\" where true] by z with runs=3 until [any where b]",
		`any where cidrMatch(ip, "10.0.0.0/8", "::/0") and length(?no) > 3 and (startsWith~(h, "x") == true) and 1 < -n // c`,
		`sample by k [a where ?no == null] [b where concat(x, "y") == ?no2 /* c */]`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, query string) {
		p, err := Parse(query)
		if err != nil {
			var e *ir.Diagnostic
			if !errors.As(err, &e) || e.Pos.Line < 1 || e.Pos.Column < 1 {
				t.Fatal(err)
			}
			return
		}
		for _, s := range []ir.Schema{ir.Types{}, testSchema{}, typedSchema{}, unmappedSchema{}} {
			q, err := p.Query(s)
			if err != nil {
				continue
			}
			for _, e := range append(q.Steps, q.Where) {
				if e == nil {
					continue
				}
				_ = e.String()
				ir.Walk(e, func(x ir.Expr) {
					if m, ok := x.(ir.Match); ok {
						if re, ok := m.Test.(ir.Regexp); ok && re.Re == nil {
							t.Fatal(m)
						}
					}
				})
			}
		}
	})
}

// unmappedSchema maps no field.
type unmappedSchema struct{}

func (unmappedSchema) Type(_, _ string) (ir.Type, bool) { return ir.Unknown, false }

func TestEvents(t *testing.T) {
	p, err := Parse("sequence by a with maxspan=1m [process where b == 1 /* c */] by d\n ![file where true] by e until [any where f] by g")
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, e := range p.Events() {
		got += fmt.Sprintf("%d:%d %s: %s; ", e.Pos.Line, e.Pos.Column, e.Name, e.Text)
	}
	if want := "1:32 step: process where b == 1; 2:4 missing: file where true; 2:33 until: any where f; "; got != want {
		t.Errorf("%s", got)
	}
}
