package read

import (
	"errors"
	"strings"
	"testing"

	"sigmac/ir"
)

// TestKuery reads queries as the pages "KQL" (reference/query-languages/kql) and
// "Kibana Query Language" (kuery-query) of Elastic's documents describe them; the
// heading that says it stands over each part.
func TestKuery(t *testing.T) {
	for _, c := range [][2]string{
		// Filter for documents where a field exists.
		{`http.request.method: *`, `(match http.request.method exists)`},
		{`not file.name:*`, `(not (match file.name exists))`},
		{`no: *`, `(or)`},
		{`*`, `(and)`},
		{`*:*`, `(and)`},
		{``, `(and)`},

		// Filter for documents that match a value: exactly, with its case.
		{`http.request.method: GET`, `(match http.request.method (pattern cased "GET"))`},
		{`x.y : "null pointer"`, `(match x.y (pattern cased "null pointer"))`},
		{`x.y: null pointer and z.w: v`, `(and (match x.y (pattern cased "null pointer")) (match z.w (pattern cased "v")))`},
		{`Hello`, `(opaque kuery "Hello")`},
		{`"Hello you" or x: y`, `(or (opaque kuery "\"Hello you\"") (match x (pattern cased "y")))`},
		{`x: 200`, `(match x (= 200))`},
		{`x: "007"`, `(match x (pattern cased "007"))`},
		{`x: 400 401 404`, `(opaque kuery "x: 400 401 404")`},
		{`x: true and y: "true"`, `(and (match x true) (match y (pattern cased "true")))`},
		{`x: null`, `(opaque kuery "x: null")`},
		{`t: 5 and t: true`, `(and (match t:text (pattern cased "5")) (match t:text (pattern cased "true")))`},
		{`n: "5" and b: "false"`, `(and (match n:number (= 5)) (match b:boolean false))`},
		{`n: abc`, `(opaque kuery "n: abc")`},
		{`a: "10.0.0.0/8"`, `(match a:address (cidr 10.0.0.0/8))`},
		{`source.ip: ("10.1.2.3" or 10.0.0.0/8 or "::1")`,
			`(or (match source.ip (pattern cased "10.1.2.3")) (match source.ip (cidr 10.0.0.0/8)) (match source.ip (cidr ::1/128)))`},
		{`a: nowhere`, `error 1:4: not an address or a network: nowhere`},

		// Text fields are analyzed: what of them passes, the IR cannot hold.
		{`message: "a b"`, `(opaque kuery "message: \"a b\"")`},
		{`file.path.text: (a or b*)`, `(or (opaque kuery "file.path.text: a") (opaque kuery "file.path.text: b*"))`},

		// Special characters: \():<>"* must be escaped or stand in quotes.
		{`x: https\://example.com\/a\*`, `error 1:24: a backslash escapes nothing here; write \\`},
		{`x: https\://example.com/a\*`, `(match x (pattern cased "https://example.com/a*"))`},
		{`x: "a\\b\"c*\d"`, `(match x (pattern cased "a\\b\"c*\\d"))`},
		{`x: C\:\\Temp\\*`, `(match x (pattern cased "C:\\Temp\\" *))`},
		{`x: "C:\\Windows\System32\tasks"`, `(match x (pattern cased "C:\\Windows\\System32\tasks"))`},
		{`x: \and and y: a\ b`, `(and (match x (pattern cased "and")) (match y (pattern cased "a b")))`},
		{`x: "\u00e9\ud83d\ude00" or x: \u0041`, `(or (match x (pattern cased "é😀")) (match x (pattern cased "A")))`},
		{`"x": y`, `(match x (pattern cased "y"))`},

		// Filter for documents within a range.
		{`http.response.bytes > 10000 and http.response.bytes <= 20000`,
			`(and (match http.response.bytes (> 10000)) (match http.response.bytes (<= 20000)))`},
		{`n<5 or n >= "6"`, `(or (match n:number (< 5)) (match n:number (>= 6)))`},
		{`@timestamp < now-2w`, `(opaque kuery "@timestamp < now-2w")`},
		{`t > 5`, `(opaque kuery "t > 5")`},
		{`no > 5`, `(or)`},

		// Filter for documents using wildcards, at any place; not in quotes.
		{`x: 4*`, `(match x (pattern cased "4" *))`},
		{`x: *a*b?`, `(match x (pattern cased * "a" * "b?"))`},
		{`x: "a*"`, `(match x (pattern cased "a*"))`},
		{`x: *a b*`, `(opaque kuery "x: *a b*")`},
		{`n: 4*`, `(opaque kuery "n: 4*")`},
		{`datastream.*: logs`, `(opaque kuery "datastream.*: logs")`},
		{`file.hash.*: *`, `(opaque kuery "file.hash.*: *")`},

		// Negating a query, combining multiple queries: and before or.
		{`NOT x: GET`, `(not (match x (pattern cased "GET")))`},
		{`x: a OR y: b AND z: c`, `(or (match x (pattern cased "a")) (and (match y (pattern cased "b")) (match z (pattern cased "c"))))`},
		{`(x: a or y: b) and not z: c`,
			`(and (or (match x (pattern cased "a")) (match y (pattern cased "b"))) (not (match z (pattern cased "c"))))`},
		{`x: (GET or POST and not "DEL ETE")`,
			`(or (match x (pattern cased "GET")) (and (match x (pattern cased "POST")) (not (match x (pattern cased "DEL ETE")))))`},
		{`x:(* and not (a or b*))`,
			`(and (match x exists) (not (or (match x (pattern cased "a")) (match x (pattern cased "b" *)))))`},
		{"x:a\nand(not y:b)", `(and (match x (pattern cased "a")) (not (match y (pattern cased "b"))))`},
		{`x: Oracle and orange: nothing`, `(and (match x (pattern cased "Oracle")) (match orange (pattern cased "nothing")))`},

		// Querying nested fields: of one object, whole.
		{`user:{ first: "Alice" }`, `(match user.first (pattern cased "Alice"))`},
		{`user:{ first: (Alice or Bob) } and x: y`,
			`(and (or (match user.first (pattern cased "Alice")) (match user.first (pattern cased "Bob"))) (match x (pattern cased "y")))`},
		{`user:{ first: "Alice" and last: "White" }`, `(opaque kuery "user:{ first: \"Alice\" and last: \"White\" }")`},
		{`user:{ names:{ first: a } } or not user:{ not last: b }`,
			`(or (match user.names.first (pattern cased "a")) (not (opaque kuery "user:{ not last: b }")))`},

		{`x: `, `error 1:4: the query ends where a value should stand`},
		{`x: (a or )`, `error 1:10: expected a value, found )`},
		{"x: a\ny: b", `error 2:2: expected and, or, or the end, found :`},
		{`x: "a`, `error 1:4: the text has no end`},
		{`x: a"b"`, `error 1:5: expected and, or, or the end, found "b"`},
		{`(x: a`, `error 1:6: the query ends where ) should stand`},
		{`x: {a: b`, `error 1:9: the query ends where } should stand`},
		{`and x: a`, `error 1:1: expected a value, found and`},
		{`é: ` + "\xff", `error 1:4: invalid UTF-8`},
		{`x: \ud800`, `error 1:4: a backslash escapes nothing here; write \\`},
		{strings.Repeat("(", 300), `error 1:202: the query is nested too deeply`},
		{strings.Repeat("not ", 300), `error 1:805: the query is nested too deeply`},
		{strings.Repeat("x", 1<<20+1), `error 1:1: the query is larger than 1 MB`},
	} {
		got := ""
		q, err := ReadKuery(c[0], kuerySchema{})
		if err != nil {
			var e *ir.Diagnostic
			if !errors.As(err, &e) {
				t.Fatal(err)
			}
			got = "error " + err.Error()
		} else {
			got = q.Where.String()
		}
		if got != c[1] {
			t.Errorf("%.80s\n got %s\nwant %s", c[0], got, c[1])
		}
	}
}

// A kuerySchema knows the fields of testSchema with short names.
type kuerySchema struct{}

func (kuerySchema) Type(table, field string) (ir.Type, bool) {
	if t, mapped := (testSchema{}).Type(table, field); field == "no" || len(field) == 1 {
		return t, mapped
	}
	return ir.Unknown, true
}

func TestKueryPositions(t *testing.T) {
	q, err := ReadKuery("é: 1 and\n  x: (a or *b c*)", nil)
	if err != nil {
		t.Fatal(err)
	}
	or := q.Where.(ir.And)[1].(ir.Or)
	if got := or[0].(ir.Match).Pos; got != (ir.Pos{Line: 2, Column: 7}) {
		t.Errorf("match at %v", got)
	}
	if got := or[1].(ir.Opaque).Pos; got != (ir.Pos{Line: 2, Column: 12}) {
		t.Errorf("opaque at %v", got)
	}
}

// TestKueryBounded holds that no query takes long, whether it reads or not.
func TestKueryBounded(t *testing.T) {
	times := func(head, s, tail string) string { return head + strings.Repeat(s, (800<<10)/len(s)) + tail }
	for _, query := range []string{
		times("x: a", " or x: a", ""), times("x: (a", " or not a", ")"), times("x: ", "a ", ""), times("x: ", "*a", ""),
		times("x: \"", `\u0041`, `"`), times("", "x: {", ""), times("x: a and y: (b", " and z", ")"), times("", "(", ""),
		times("x: ", "é\n", ""), times("x: {a: ", `\"`, "}"), times("", "* ", ""), times("x", " or x", ""),
	} {
		if q, err := ReadKuery(query, nil); err == nil {
			_ = q.Where.String()
		}
	}
}

func FuzzKuery(f *testing.F) {
	for _, s := range []string{`a.b:(x or *y* and not "z\u0041") and not c >= 5`, `u:{ n:{ x: 1 or y: \or } } or "free" text`, `*:* and a.*: b\:c`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, query string) {
		q, err := ReadKuery(query, kuerySchema{})
		if err != nil {
			var e *ir.Diagnostic
			if !errors.As(err, &e) || e.Pos.Line < 1 || e.Pos.Column < 1 {
				t.Fatalf("%v", err)
			}
			return
		}
		again, err := ReadKuery(query, kuerySchema{})
		if err != nil || again.Where.String() != q.Where.String() {
			t.Fatalf("%v: %v, then %v", err, q.Where, again)
		}
	})
}
