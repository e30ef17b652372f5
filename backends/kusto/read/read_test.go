package read

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"sigmac/eval"
	"sigmac/ir"
)

var readTypes = ir.Types{"n": ir.Numeric, "m": ir.Numeric, "b": ir.Boolean, "t": ir.Text, "g": ir.Text, "a": ir.Address,
	"day": ir.Date, "n.x": ir.Numeric}

// readWhere is what a predicate reads as.
func readWhere(t *testing.T, query string) ir.Expr {
	t.Helper()
	q, err := Read(query, readTypes)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return q.Where
}

func TestRead(t *testing.T) {
	for _, tt := range []struct{ query, want string }{
		// datatypes-string-operators: each operator, and its negation.
		{`t == "aBc"`, `(match t:text (pattern cased "aBc"))`},
		{`t != "aBc"`, `(not (match t:text (pattern cased "aBc")))`},
		{`t <> "aBc"`, `(not (match t:text (pattern cased "aBc")))`},
		{`t =~ "aBc"`, `(match t:text (pattern "aBc"))`},
		{`t !~ "aBc"`, `(not (match t:text (pattern "aBc")))`},
		{`t contains "aB"`, `(match t:text (pattern * "aB" *))`},
		{`t !contains "aB"`, `(not (match t:text (pattern * "aB" *)))`},
		{`t contains_cs "aB"`, `(match t:text (pattern cased * "aB" *))`},
		{`t !contains_cs "aB"`, `(not (match t:text (pattern cased * "aB" *)))`},
		{`t startswith "aB"`, `(match t:text (pattern "aB" *))`},
		{`t !startswith_cs "aB"`, `(not (match t:text (pattern cased "aB" *)))`},
		{`t endswith "aB"`, `(match t:text (pattern * "aB"))`},
		{`t !endswith_cs "aB"`, `(not (match t:text (pattern cased * "aB")))`},
		{`isempty(t) == 1`, `(match t:text null)`},
		{`b == 1`, `(match b:boolean true)`},
		{`0 == isempty(t)`, `(not (match t:text null))`},
		{`t == strcat("a", 1 + 2, substring("xyz", 1))`, `(match t:text (pattern cased "a3yz"))`},
		{`n > strlen("abc") / 2`, `(match n:number (> 1))`},
		{`t in (split("a/b", "/"))`, `(or (match t:text (pattern cased "a")) (match t:text (pattern cased "b")))`},
		{`t == "a" and datetime(2024-01-01) + 1d == datetime(2024-01-02)`, `(match t:text (pattern cased "a"))`},
		{`t has "aB"`, `(match t:text (term "aB"))`},
		{`t !has_cs "aB"`, `(not (match t:text (term cased "aB")))`},
		{`t hasprefix "aB"`, `(match t:text (term prefix "aB"))`},
		{`t hassuffix_cs "aB"`, `(match t:text (term cased suffix "aB"))`},
		{`t has @"\a.exe"`, `(match t:text (term "\\a.exe"))`},
		{`t has "/p /"`, `(match t:text (term "/p /"))`},
		{`t has_any ("x", "y")`, `(or (match t:text (term "x")) (match t:text (term "y")))`},
		{`t has_all (dynamic(["x", "y"]))`, `(and (match t:text (term "x")) (match t:text (term "y")))`},
		{`t matches regex "a.c"`, `(match t:text (re "a.c"))`},

		// in-operator, in-cs-operator: lists, and lists in lists.
		{`t in ("a", "B")`, `(or (match t:text (pattern cased "a")) (match t:text (pattern cased "B")))`},
		{`t in~ ("a")`, `(match t:text (pattern "a"))`},
		{`t !in ("a")`, `(not (match t:text (pattern cased "a")))`},
		{`t !in~ (dynamic(["a", ["b", 'c']]))`, `(not (or (match t:text (pattern "a")) (match t:text (pattern "b")) (match t:text (pattern "c"))))`},
		{`n in (1, 2.50, 0x10)`, `(or (match n:number (= 1)) (match n:number (= 2.5)) (match n:number (= 16)))`},
		{`"x" in (t, g)`, `(or (match t:text (pattern cased "x")) (match g:text (pattern cased "x")))`},
		{`t in (T2 | project x)`, `(opaque kusto "t in (T2 | project x)")`},

		// ASCII folding (in-operator: "only ASCII"), and tolower().
		{`t =~ "é1"`, `(match t:text (pattern cased "é1"))`},
		{`t =~ "éa"`, `(match t:text (re "\\A\\x{E9}[\\x{41}\\x{61}]\\z"))`},
		{`t has "éa"`, `(match t:text (term "\\x{E9}[\\x{41}\\x{61}]"))`},
		{`tolower(t) == "éa"`, `(match t:text (pattern "éa"))`},
		{`tolower(t) == "éA"`, `(or)`},
		{`tolower(t) !in ("A", "b")`, `(not (match t:text (pattern "b")))`},
		{`tolower(t) contains_cs "σ"`, `(match t:text (re "[\\x{3A3}\\x{3C3}]"))`},
		{`toupper(t) startswith "ab"`, `(match t:text (pattern "ab" *))`},
		{`tolower(t) == tolower("ABC")`, `(match t:text (pattern "abc"))`},

		// null-values, isempty, isnull: a text has no null.
		{`isempty(t)`, `(match t:text null)`},
		{`isnotempty(t)`, `(not (match t:text null))`},
		{`isnull(t)`, `(or)`},
		{`isnotnull(t)`, `(and)`},
		{`isnull(n)`, `(match n:number null)`},
		{`isempty(n)`, `(match n:number null)`},
		{`isnull(x)`, `(match x null)`},
		{`isempty(x)`, `(match x:text null)`},
		{`isnull(parse_json(t).x)`, `(match t.x null)`},
		{`t == ""`, `(match t:text null)`},
		{`t !~ ''`, `(not (match t:text null))`},
		{`t contains ""`, `(or (match t:text null) (match t:text (pattern *)))`},
		{`t !startswith ""`, `(not (or (match t:text null) (match t:text (pattern *))))`},
		{`t matches regex ".*"`, `(or (match t:text null) (match t:text (re ".*")))`},
		{`isnull(todouble(t))`, `(not (or (match t:text (>= 0)) (match t:text (< 0))))`},

		// Numbers: a comparison with null is null, an equality is not.
		{`n == 5`, `(match n:number (= 5))`},
		{`n != -5`, `(not (match n:number (= -5)))`},
		{`n > 5`, `(match n:number (> 5))`},
		{`5 >= n`, `(match n:number (<= 5))`},
		{`not(n > 5)`, `(match n:number (<= 5))`},
		{`not(not(n > 5))`, `(match n:number (> 5))`},
		{`not(n > 5 and t == "x")`, `(or (match n:number (<= 5)) (not (match t:text (pattern cased "x"))))`},
		{`not(coalesce(n > 5, false))`, `(not (match n:number (> 5)))`},
		{`coalesce(n > 5, true)`, `(not (match n:number (<= 5)))`},
		{`n between (1 .. 3)`, `(and (match n:number (>= 1)) (match n:number (<= 3)))`},
		{`n !between (1 .. 3)`, `(or (match n:number (< 1)) (match n:number (> 3)))`},
		{`n > 10 * 1024 + 1`, `(match n:number (> 10241))`},
		{`n == long(7)`, `(match n:number (= 7))`},
		{`todouble(t) > 5`, `(match t:text (> 5))`},
		{`todouble(t) == 5`, `(and (match t:text (>= 5)) (match t:text (<= 5)))`},
		{`tostring(n) startswith "46"`, `(match n:number (pattern "46" *))`},
		{`strlen(t) > 2`, `(match t:text (re "(?s)\\A.{3,}\\z"))`},
		{`strlen(t) <= 2`, `(or (match t:text null) (match t:text (re "(?s)\\A.{0,2}\\z")))`},
		{`strlen(t) == 0`, `(match t:text null)`},
		{`b == true`, `(match b:boolean true)`},
		{`b`, ``},
		{`b and not(b)`, `(and (match b:boolean true) (match b:boolean false))`},
		{`b != true`, `(not (match b:boolean true))`},
		{`(n > 1) == false`, `(match n:number (<= 1))`},
		{`true and t == "x"`, `(match t:text (pattern cased "x"))`},

		// Columns with columns: two empty texts are equal.
		{`t == g`, `(or (match t:text (fieldref cased g:text)) (and (match t:text null) (match g:text null)))`},
		{`tolower(t) == tolower(g)`, `(or (match t:text (fieldref g:text)) (and (match t:text null) (match g:text null)))`},
		{`t startswith g`, `(or (match t:text (fieldref startswith g:text)) (match g:text null))`},
		{`not(t contains_cs g)`, `(not (or (match t:text (fieldref cased contains g:text)) (match g:text null)))`},
		{`n == m`, `(match n:number (fieldref cased m:number))`},
		{`n > m`, `(opaque kusto "n > m")`},

		// iff, case, coalesce.
		{`iff(n > 1, t == "x", b)`, `(or (and (match n:number (> 1)) (match t:text (pattern cased "x"))) (and (not (match n:number (> 1))) (match b:boolean true)))`},
		{`iff(n > 1, "x", t) == "x"`, `(or (match n:number (> 1)) (and (not (match n:number (> 1))) (match t:text (pattern cased "x"))))`},
		{`coalesce(t, g) == "x"`, `(or (and (not (match t:text null)) (match t:text (pattern cased "x"))) (and (match t:text null) (match g:text (pattern cased "x"))))`},

		// ipv4-is-in-range: null where the text is no address.
		{`ipv4_is_in_range(a, "10.0.0.0/8")`, `(match a:address (cidr 10.0.0.0/8))`},
		{`ipv4_is_in_range(t, "10.1.2.3")`, `(match t:text (cidr 10.1.2.3/32))`},
		{`not(ipv4_is_in_range(a, "10.0.0.0/8"))`, `(and (match a:address (cidr 0.0.0.0/0)) (not (match a:address (cidr 10.0.0.0/8))))`},
		{`not(coalesce(ipv4_is_in_range(a, "10.0.0.0/8"), false))`, `(not (match a:address (cidr 10.0.0.0/8)))`},
		{`ipv4_is_in_any_range(a, "10.0.0.0/8", "1.1.1.0/24")`, `(or (match a:address (cidr 10.0.0.0/8)) (match a:address (cidr 1.1.1.0/24)))`},
		{`ipv4_is_in_any_range(a, dynamic(["10.0.0.0/8"]))`, `(match a:address (cidr 10.0.0.0/8))`},
		{`ipv4_is_private(a)`, `(or (match a:address (cidr 10.0.0.0/8)) (match a:address (cidr 172.16.0.0/12)) (match a:address (cidr 192.168.0.0/16)))`},
		{`ipv6_is_in_range(a, "fe80::/10")`, `(match a:address (cidr fe80::/10))`},
		{`a contains ":" and ipv6_is_in_range(a, "::/0")`, `(and (match a:address (pattern * ":" *)) (or (match a:address (cidr ::/0)) (match a:address (cidr 0.0.0.0/0))))`},
		{`ipv4_is_in_range(tostring(n), "10.0.0.0/8")`, `(match n:number (cidr 10.0.0.0/8))`},
		{`tolower(tostring(n)) == tolower(t)`, `(or (match n:number (fieldref t:text)) (and (match n:number null) (match t:text null)))`},
		{`not(coalesce(n in (1, 2), False))`, `(not (or (match n:number (= 1)) (match n:number (= 2))))`},
		{`ipv4_is_in_range(a, t)`, `(opaque kusto "ipv4_is_in_range(a, t)")`},

		// hourofday, dayofmonth, monthofyear, getyear, datetime-part.
		{`hourofday(day) == 5`, `(match day:date (hour = 5))`},
		{`not(hourofday(day) >= 22)`, `(match day:date (hour < 22))`},
		{`datetime_part("Minute", day) < 5`, `(match day:date (minute < 5))`},
		{`getmonth(day) in (1, 2)`, `(or (match day:date (month = 1)) (match day:date (month = 2)))`},
		{`week_of_year(day) == 53`, `(match day:date (week = 53))`},
		{`hourofday(t) == 5`, `(opaque kusto "hourofday(t) == 5")`},

		// search-operator: `where * has`, `where * contains`.
		{`* contains "v"`, `(keyword (pattern * "v" *))`},
		{`* contains_cs "v"`, `(keyword (pattern cased * "v" *))`},
		{`* has "v"`, `(keyword (term "v"))`},
		{`not(* matches regex "v")`, `(not (keyword (re "v")))`},
		{`* == "v"`, `(opaque kusto "* == \"v\"")`},

		// Strings: escapes, verbatim, fences, hidden, joined (scalar-data-types/string).
		{`t == "a\\b\t\"\x41\u00e9\U0001F600\101"`, `(match t:text (pattern cased "a\\b\t\"Aé😀A"))`},
		{`t == '\ud83d\ude00'`, `(match t:text (pattern cased "😀"))`},
		{`t == @"C:\x""y"`, `(match t:text (pattern cased "C:\\x\"y"))`},
		{`t == h@'C:\''x'`, `(match t:text (pattern cased "C:\\'x"))`},
		{"t == ```a\n\"b\\```", `(match t:text (pattern cased "a\n\"b\\"))`},
		{"t == ~~~a`b~~~", "(match t:text (pattern cased \"a`b\"))"},
		{"t == \"a\" // no comma\n'b'", `(match t:text (pattern cased "ab"))`},

		// Names (schema-entities/entity-names) and dynamic paths.
		{`['a b'] == "x" and ["c-d"] == 'y'`, `(and (match "a b":text (pattern cased "x")) (match c-d:text (pattern cased "y")))`},
		{`p.q["r s"][0] == "x"`, `(match "p.q.r s[0]":text (pattern cased "x"))`},
		{`tostring(parse_json(p).q) =~ "x"`, `(match p.q:text (pattern "x"))`},
		{`n.x == 5`, `(match n.x:number (= 5))`},
		{`'t' =~ "T"`, `(and)`},

		// Precedence: not, and, or; string operators bind tightest.
		{`t == "x" or t == "y" and g == "z"`, `(or (match t:text (pattern cased "x")) (and (match t:text (pattern cased "y")) (match g:text (pattern cased "z"))))`},
		{`(t == "x" or t == "y") and g == "z"`, `(and (or (match t:text (pattern cased "x")) (match t:text (pattern cased "y"))) (match g:text (pattern cased "z")))`},

		// What the IR cannot hold, as little as possible.
		{`t == "x" and day > ago(1d)`, `(and (match t:text (pattern cased "x")) (opaque kusto "day > ago(1d)"))`},
		{`not(day > datetime(2024-01-01) or t == "x")`, `(and (opaque kusto "not(day > datetime(2024-01-01))") (not (match t:text (pattern cased "x"))))`},
		{`strcat(t, "x") == "yx" // why`, `(opaque kusto "strcat(t, \"x\") == \"yx\"")`},
		{`t == 5`, `(match t:text (pattern cased "5"))`},
		{`n == "4624"`, `(match n:number (= 4624))`},
		{`n contains "4"`, `(opaque kusto "n contains \"4\"")`},
	} {
		if tt.want == "" { // a name alone is a table
			if q, err := Read(tt.query, readTypes); err != nil || q.Scope.Table != tt.query {
				t.Errorf("%s: %+v, %v", tt.query, q, err)
			}
			continue
		}
		if got := readWhere(t, tt.query).String(); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.query, got, tt.want)
		}
	}
}

func TestReadStages(t *testing.T) {
	for _, tt := range []struct{ query, table, where, rest string }{
		{`T`, "T", `(and)`, ``},
		{`['my table'] | where n == 1`, "my table", `(match n:number (= 1))`, ``},
		{`table("T") | where n == 1`, "T", `(match n:number (= 1))`, ``},
		{`T | where n == 1 | where t == "x" | project n | take 5`, "T",
			`(and (match n:number (= 1)) (match t:text (pattern cased "x")))`, `take: take 5`},
		{`T | sort by n | where n == 1`, "T", `(match n:number (= 1))`, ``},
		{`T | where n == 1 | summarize c = count() by t | where c > 5`, "T", `(match n:number (= 1))`,
			`summarize: summarize c = count() by t; where: where c > 5`},
		{`T | take 5 | where n == 1`, "T", `(match n:number (= 1))`, `take: take 5`},
		{`T | mv-expand x | where n == 1 and x == 2`, "T", `(match n:number (= 1))`, `mv-expand: mv-expand x; where: where n == 1 and x == 2`},
		{`T | summarize c = count(), max(n) by t, k = tolower(g) | where t == "x" and k == "y" | where c > 1 or n == 1`, "T",
			`(and (match t:text (pattern cased "x")) (match g:text (pattern "y")))`,
			`summarize: summarize c = count(), max(n) by t, k = tolower(g); where: where c > 1 or n == 1`},
		{`T | summarize count() by bin(n, 5) | where n == 5`, "T", `(and)`, `summarize: summarize count() by bin(n, 5); where: where n == 5`},
		{`T | mv-expand kind=array ['t'] = split(g, ",") | where t == "x" and n == 1`, "T", `(match n:number (= 1))`,
			`mv-expand: mv-expand kind=array ['t'] = split(g, ","); where: where t == "x" and n == 1`},
		{`T | mv-expand split(g, ",") | where n == 1 | where Column1 == "x"`, "T", `(match n:number (= 1))`,
			`mv-expand: mv-expand split(g, ","); where: where Column1 == "x"`},
		// What a function says of other rows, or at random, is no part of the event.
		{`T | serialize n = row_number() | where n == 1`, "T", `(and)`, `where: where n == 1`},
		{`T | where rand() < 0.5 or n == 1`, "T", `(and)`, `where: where rand() < 0.5 or n == 1`},
		// The language makes up names that are not given.
		{`T | extend strcat(t, g) | where n == 1 | where t == "x" or Column1 == "y"`, "T", `(match n:number (= 1))`,
			`where: where t == "x" or Column1 == "y"`},
		// A column in brackets and quotes is one as well.
		{`T | summarize ['m n'] = count() by t | where ['m n'] > 5`, "T", `(and)`, `summarize: summarize ['m n'] = count() by t; where: where ['m n'] > 5`},
		{`T | parse t with * "=" ['g'] | where g == "x"`, "T", `(opaque kusto "let g = parse t with * \"=\" ['g']; g == \"x\"")`, ``},
		{`T | project-keep ['t'], n | project-away ["n"] | where t == "x"`, "T", `(match t:text (pattern cased "x"))`, ``},
		{`T | where u["t"] == "x" and n == 1 | summarize t = count() by u | where u["s"] == "x"`, "T",
			`(and (match u.t:text (pattern cased "x")) (match n:number (= 1)) (match u.s:text (pattern cased "x")))`, `summarize: summarize t = count() by u`},
		// In all columns, also those that stages make.
		{`T | where n == 1 | extend u = strcat(t, "x") | search "x"`, "T", `(match n:number (= 1))`, `search: search "x"`},
		{`T | project t | where * contains "x"`, "T", `(and)`, `where: where * contains "x"`},
		{`T | distinct t, g | parse-where kind=simple t with * "=" u | parse-where n with "x" u`, "T",
			`(opaque kusto "parse-where kind=simple t with * \"=\" u")`, `distinct: distinct t, g; parse-where: parse-where n with "x" u`},
		{`T | where n == 1 | as R | union R`, "", `(or (and (match $table:text (pattern cased "T")) (match n:number (= 1))) (opaque kusto "let R = R; R"))`, ``},
		{`union (T | where n == 1 | as ["R S"]), ['R S']`, "", `(or (and (match $table:text (pattern cased "T")) (match n:number (= 1))) (opaque kusto "let R S = \"R S\"; ['R S']"))`, ``},
		{`T | where n == 1 | partition by t (union U)`, "T", `(match n:number (= 1))`, `partition: partition by t (union U)`},
		{`T | distinct t | where t == "x"`, "T", `(match t:text (pattern cased "x"))`, `distinct: distinct t`},
		{`T | project n, u = t, strcat(t, g) | where u == "x"`, "T", `(match t:text (pattern cased "x"))`, ``},
		{`T | project n, strcat(t, g) | where t == "x"`, "T", `(and)`, `where: where t == "x"`},
		{`T | project-rename u = t | where u == "x"`, "T", `(match t:text (pattern cased "x"))`, ``},
		{`T | join (U) on k | where n == 1 and new == 2`, "T", `(match n:number (= 1))`, `join: join (U) on k; where: where n == 1 and new == 2`},
		{`T | join kind=leftouter (U) on k | where n == 1`, "T", `(match n:number (= 1))`, ``},
		{`T | join hint.strategy=broadcast kind=leftouter (U) on k | where n == 1`, "T", `(match n:number (= 1))`, ``},
		{`T | join hint.remote=left kind=fullouter (U) on k`, "T", `(and)`, `join: join hint.remote=left kind=fullouter (U) on k`},
		{`T | join kind=rightouter (U) on k | where n == 1`, "T", `(and)`, `join: join kind=rightouter (U) on k; where: where n == 1`},
		{`T | lookup U on k | where n == 1`, "T", `(match n:number (= 1))`, ``},
		{`T | where n == 1 | invoke f() | where t == "x"`, "T", `(match n:number (= 1))`, `invoke: invoke f(); where: where t == "x"`},
		{`T | where n == 1 and Timestamp > ago(1h) and ago(1d) < TimeGenerated and ingestion_time() between (ago(1d) .. now())`, "T",
			`(match n:number (= 1))`, ``},
		{`let from = 1d; T | where Timestamp >= startofday(ago(from)) | where n == 1`, "T", `(match n:number (= 1))`, ``},
		{`union (T | where Timestamp > ago(1h)), U`, "",
			`(or (and (match $table:text (pattern cased "T")) (opaque kusto "Timestamp > ago(1h)")) (match $table:text (pattern cased "U")))`, ``},
		{`T | extend u = tolower(t), isBig = n > 5 | where u == "x" and isBig`, "T",
			`(and (match t:text (pattern "x")) (match n:number (> 5)))`, ``},
		{`T | extend t = g | where t == "x"`, "T", `(match g:text (pattern cased "x"))`, ``},
		{`T | project t = g, g = t | where t == "x" and g == "y"`, "T",
			`(and (match g:text (pattern cased "x")) (match t:text (pattern cased "y")))`, ``},
		{`T | extend u = split(t, "/")[0] | where u == "x" and n == 1`, "T",
			`(and (opaque kusto "let u = split(t, \"/\")[0]; u == \"x\"") (match n:number (= 1)))`, ``},
		{`T | parse t with * "=" u | where u == "x" and t has "y"`, "T",
			`(and (opaque kusto "let u = parse t with * \"=\" u; u == \"x\"") (match t:text (term "y")))`, ``},
		{`let x = "v"; let xs = dynamic(["a", "b"]); T | where t == x and g in (xs)`, "T",
			`(and (match t:text (pattern cased "v")) (or (match g:text (pattern cased "a")) (match g:text (pattern cased "b"))))`, ``},
		{`let xs = datatable(v: string)["a"]; T | where t in (xs)`, "T", `(match t:text (pattern cased "a"))`, ``},
		{`let day = 1d; T | where n == 1 and u > ago(day)`, "T", `(and (match n:number (= 1)) (opaque kusto "u > ago(day)"))`, ``},
		{`let d = 1d; T | where n == 1 and u > ago(d)`, "T", `(and (match n:number (= 1)) (opaque kusto "let d = 1d; u > ago(d)"))`, ``},
		{`let n = "x"; T | where t == n`, "T", `(opaque kusto "t == n")`, ``},
		{`let Q = T | where n == 1; Q | where t == "x"`, "T", `(and (match n:number (= 1)) (match t:text (pattern cased "x")))`, ``},
		{`let Q = materialize(T | where n == 1 | count); Q | where t == "x"`, "T", `(match n:number (= 1))`, `count: count; where: where t == "x"`},
		{`let f = (s: string) { T | where t == s }; f("x") | where n == 1`, "T",
			`(and (match t:text (pattern cased "x")) (match n:number (= 1)))`, ``},
		{`(T | where n == 1) | where t == "x"`, "T", `(and (match n:number (= 1)) (match t:text (pattern cased "x")))`, ``},
		{`union T, U | where n == 1`, "", `(and (or (match $table:text (pattern cased "T")) (match $table:text (pattern cased "U"))) (match n:number (= 1)))`, ``},
		// union-operator: tables, queries, patterns of names; each part has its own columns.
		{`union isfuzzy=true withsource=S kind=outer T, (U | where n == 1), table("V") | where t == "x"`, "",
			`(and (or (match $table:text (pattern cased "T")) (and (match $table:text (pattern cased "U")) (match n:number (= 1))) ` +
				`(match $table:text (pattern cased "V"))) (match t:text (pattern cased "x")))`, ``},
		{`T | where n == 1 | union (U | where n == 2) | where t == "x"`, "",
			`(and (or (and (match $table:text (pattern cased "T")) (match n:number (= 1))) ` +
				`(and (match $table:text (pattern cased "U")) (match n:number (= 2)))) (match t:text (pattern cased "x")))`, ``},
		{`union Device*, T | where t == "x"`, "",
			`(and (or (match $table:text (pattern cased "Device" *)) (match $table:text (pattern cased "T"))) (match t:text (pattern cased "x")))`, ``},
		{`union * | where t == "x"`, "", `(and (opaque kusto "*") (match t:text (pattern cased "x")))`, ``},
		{`let Q = union (T), (U); Q | where n == 1`, "",
			`(and (or (match $table:text (pattern cased "T")) (match $table:text (pattern cased "U"))) (match n:number (= 1)))`, ``},
		{`union (T | where n == 1 | summarize count() by t), U | where t == "x"`, "",
			`(and (or (and (match $table:text (pattern cased "T")) (match n:number (= 1))) (match $table:text (pattern cased "U"))) ` +
				`(match t:text (pattern cased "x")))`,
			`summarize: summarize count() by t`},
		{`union withsource=S (T | extend u = n), U | where u == 1 and S == "T"`, "",
			`(and (or (match $table:text (pattern cased "T")) (match $table:text (pattern cased "U"))) ` +
				`(opaque kusto "let u = union withsource=S (T | extend u = n), U; u == 1") (opaque kusto "let S = union withsource=S (T | extend u = n), U; S == \"T\""))`, ``},

		// user-defined-functions: a view, defaults, and lets inside.
		{`let f = view () { T | where n == 1 }; union f, U`, "",
			`(or (and (match $table:text (pattern cased "T")) (match n:number (= 1))) (match $table:text (pattern cased "U")))`, ``},
		{`let k = "o"; let f = (x: string, y: long = 2) { let k = x; T | where t == k and n == y }; f("x") | where g == k`, "T",
			`(and (match t:text (pattern cased "x")) (match n:number (= 2)) (match g:text (pattern cased "o")))`, ``},
		{`let f = (d: timespan, x: string) { T | where u > ago(d) and t in (x) }; f(1d, "x")`, "T",
			`(and (opaque kusto "let d = 1d; u > ago(d)") (match t:text (pattern cased "x")))`, ``},
		{`let f = (T: (t: string)) { T | where t == "x" }; f(U)`, "", `(opaque kusto "let f = (T: (t: string)) { T | where t == \"x\" }; f(U)")`, ``},
		{`let f = (x: string) { T | extend u = x | summarize count() by u }; f("x") | where u == "x"`, "T",
			`(opaque kusto "let u = (x: string) { T | extend u = x | summarize count() by u }; u == \"x\"")`,
			`summarize: summarize count() by u`},

		// search-operator: its table of what a search stands for.
		{`search "x"`, "", `(keyword (term "x"))`, ``},
		{`search in (T, U) "x" and "y*" or not("*z")`, "",
			`(and (or (match $table:text (pattern cased "T")) (match $table:text (pattern cased "U"))) ` +
				`(or (and (keyword (term "x")) (keyword (term prefix "y"))) (not (keyword (term suffix "z")))))`, ``},
		{`T | search kind=case_sensitive t:"x" and "*y*" and n == 1`, "T",
			`(and (match t:text (term cased "x")) (keyword (pattern cased * "y" *)) (match n:number (= 1)))`, ``},
		{`search * | where t == "x"`, "", `(match t:text (pattern cased "x"))`, ``},
		{`search "a*b"`, "", `(opaque kusto "\"a*b\"")`, ``},
		{`database("d").T | where n == 1`, "", `(and (opaque kusto "database(\"d\").T") (match n:number (= 1)))`, ``},
		{`T | search "x" | where n == 1`, "T", `(and (keyword (term "x")) (match n:number (= 1)))`, ``},
		{`set notruncation; T | where n == 1;`, "T", `(match n:number (= 1))`, ``},
		{`T | where column_ifexists("t", "") == "x"`, "T", `(match t:text (pattern cased "x"))`, ``},
	} {
		q, err := Read(tt.query, readTypes)
		if err != nil {
			t.Errorf("%s: %v", tt.query, err)
			continue
		}
		var rest []string
		for _, l := range q.Unjudged() {
			rest = append(rest, l.Name+": "+l.Text)
		}
		if got := strings.Join(rest, "; "); q.Scope.Table != tt.table || q.Where.String() != tt.where || got != tt.rest {
			t.Errorf("%s\n got %q %s %s\nwant %q %s %s", tt.query, q.Scope.Table, q.Where, got, tt.table, tt.where, tt.rest)
		}
	}
}

// TestReadBatch: pages "Batches" and "Query statement types"; a blank line as the
// query editors have it.
func TestReadBatch(t *testing.T) {
	for _, tt := range []struct {
		text string
		want []string
	}{
		{`let x = "v"; T | where t == x; U | where g == x`,
			[]string{`T (match t:text (pattern cased "v"))`, `U (match g:text (pattern cased "v"))`}},
		{"let x = \"v\";\n\nT\n| where t == x\n| summarize count() by t\n\n// other\nlet x = \"w\";\nU\n| where t == x",
			[]string{`T (match t:text (pattern cased "v"))`, `U (match t:text (pattern cased "w"))`}},
		{"let x = \"v\";\nT\n\nU | where t == x", []string{`T (and)`, `U ` + blankRef}},
		{"T\n\n| where t == \"x\"\n\nor n == 1\n| project\n\nt\n| take 1",
			[]string{`T (or (match t:text (pattern cased "x")) (match n:number (= 1)))`}},
		{"T | where (t == \"x\" or\n\nb\n)", []string{`T (or (match t:text (pattern cased "x")) (match b:boolean true))`}},
		{"T | sort by n desc\n\nunion T, U", []string{`T (and)`, ` (or (match $table:text (pattern cased "T")) (match $table:text (pattern cased "U")))`}},
	} {
		qs, err := ReadBatch(tt.text, readTypes)
		var got []string
		for _, q := range qs {
			got = append(got, q.Scope.Table+" "+q.Where.String())
		}
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%s\n got %q, %v\nwant %q", tt.text, got, err, tt.want)
		}
	}
	if _, err := ReadBatch("T\n\nU | frobnicate", nil); err == nil || err.Error() != "3:5: unknown command frobnicate" {
		t.Error(err)
	}
}

func TestStages(t *testing.T) {
	got, err := Stages("let x = dynamic([\"a|b\"]); // list\nT\n| where t in (x)\n    and n == 1 // one\n| join (U | take 1) on n\n\nU")
	want := []ir.Command{
		{Name: "let x", Text: `let x = dynamic(["a|b"])`, Pos: ir.Pos{Line: 1, Column: 1}},
		{Name: "T", Text: "T", Pos: ir.Pos{Line: 2, Column: 1}},
		{Name: "where", Text: "where t in (x)\nand n == 1", Pos: ir.Pos{Line: 3, Column: 3}},
		{Name: "join", Text: "join (U | take 1) on n", Pos: ir.Pos{Line: 5, Column: 3}},
		{Name: "U", Text: "U", Pos: ir.Pos{Line: 7, Column: 1}},
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := Stages("T | where (t"); err == nil || err.Error() != "1:11: ( is not closed" {
		t.Error(err)
	}
}

// blankRef is `t == x` of two columns.
const blankRef = `(or (match t:text (fieldref cased x:text)) (and (match t:text null) (match x:text null)))`

func TestReadPositions(t *testing.T) {
	q, err := Read("// é\nT | where é == 'x'\n  and f(é) > ago(1d)\n| take 1", nil)
	if err != nil {
		t.Fatal(err)
	}
	and := q.Where.(ir.And)
	if got := and[0].(ir.Match).Pos; got != (ir.Pos{Line: 2, Column: 16}) {
		t.Errorf("match at %v", got)
	}
	if got := and[1].(ir.Opaque).Pos; got != (ir.Pos{Line: 3, Column: 7}) {
		t.Errorf("opaque at %v", got)
	}
	if got := q.Unjudged()[0].Pos; got != (ir.Pos{Line: 4, Column: 3}) {
		t.Errorf("take at %v", got)
	}
}

func TestReadAssumptions(t *testing.T) {
	q, err := Read(`t == 5 and n == "5" and toint(n) > 5 and t =~ g`, readTypes)
	want := "kusto/fieldref-fold kusto/number-as-text kusto/text-as-number kusto/whole-numbers"
	if err != nil || strings.Join(q.Assumptions, " ") != want {
		t.Errorf("%v, %v", q.Assumptions, err)
	}
}

// A readSchema has one column.
type readSchema struct{}

func (readSchema) Type(table, field string) (ir.Type, bool) {
	return ir.Text, table == "T" && field == "t"
}

func TestReadErrors(t *testing.T) {
	for _, tt := range []struct{ query, want string }{
		{``, `1:1: there is no query`},
		{`// nothing`, `1:11: there is no query`},
		{`T | where`, `1:10: the query ends where an expression should stand`},
		{`T | join kind=`, `1:15: the query ends where a value should stand`},
		{`T | mv-expand kind=`, `1:20: the query ends where a value should stand`},
		{`union hint.`, `1:12: the query ends where a name should stand`},
		{`T | where t ==`, `1:15: the query ends where an expression should stand`},
		{"T\n| where t == 'x' 'y' z", `2:22: expected | or the end, found z`},
		{`t == "x" | take 1`, `1:10: expected the end of the predicate, found |`},
		{`T | frobnicate x`, `1:5: unknown command frobnicate`},
		{`T | where t == "x`, `1:16: the string has no end`},
		{"T | where t == 'x\n'", `1:16: the string has no end`},
		{`T | where t == "C:\Program"`, `1:19: a string has no escape \P; double the backslash or write @ before the quote`},
		{`T | where t == "\ud800"`, `1:17: the escape stands for no character`},
		{"T | where t == ```x", `1:16: the string has no end`},
		{`T | where (t == "x"`, `1:20: the query ends where ) should stand`},
		{`T | take 5)`, `1:11: expected another bracket, found )`},
		{`T | summarize (x`, `1:15: ( is not closed`},
		{`T | where t == "x" and`, `1:23: the query ends where an expression should stand`},
		{`T | where t AND t`, `1:13: expected | or the end, found AND`},
		{`T | where t == "x" == "y"`, `1:20: expected | or the end, found ==`},
		{`T | where n == 12.5abc`, `1:16: not a number: 12.5abc`},
		{`T | where § == 1`, `1:11: unexpected character '§'`},
		{"T | where t == \xff", `1:16: invalid UTF-8`},
		{"T | where t == '\xff'", `1:17: invalid UTF-8`},
		{`T | where t matches regex "a(?=b)"`, `1:27: regular expression at byte 1: there is no look-around`},
		{`T | where u == "x"`, `1:11: there is no column u`},
		{`T | where tostring(t.q) == "x"`, `1:20: t is a text, of which a place is parse_json(t).q`},
		{`let x = 1; let x = 2; T`, `1:16: a second let of x`},
		{`T; U`, `1:4: a second query`},
		{`let`, `1:4: the query ends where a name should stand`},
		{`let [`, `1:6: the query ends where a name should stand`},
		{strings.Repeat("(", 300), `1:202: the query is nested too deeply`},
		{strings.Repeat("x", 1<<20+1), `1:1: the query is larger than 1 MB`},
		{`bool(x)`, `1:1: not a literal: bool(x)`},
	} {
		q, err := Read(tt.query, readSchema{})
		var e *ir.Diagnostic
		if !errors.As(err, &e) || err.Error() != tt.want || q != nil {
			t.Errorf("%.60s\n got %v\nwant %s", tt.query, err, tt.want)
		}
	}
}

// TestReadNull holds the tables of the pages "Null values" and "Logical
// operators" against the evaluator: which of the events each predicate keeps.
func TestReadNull(t *testing.T) {
	events := []map[string]any{ // a null, a small and a large number; blank, no address, an address
		{"g": "Bob"},
		{"n": 1, "t": "x", "a": "-", "g": "bob", "b": false},
		{"n": 7, "t": "bob", "a": "10.1.1.1", "g": "bob", "b": true},
	}
	for _, tt := range []struct {
		query string
		want  string // by event
	}{
		{`n > 5`, "001"},
		{`not(n > 5)`, "010"},
		{`not(coalesce(n > 5, false))`, "110"},
		{`n == 1`, "010"},
		{`not(n == 1)`, "101"},
		{`n != 1`, "101"},
		{`n > 5 or isnull(n)`, "101"},
		{`not(n > 5 and t == "bob")`, "110"},
		{`not(n > 5 or t == "bob")`, "010"},
		{`t != "x"`, "101"},
		{`t !contains "x"`, "101"},
		{`isnull(t)`, "000"},
		{`isempty(t)`, "100"},
		{`t contains ""`, "111"},
		{`t !contains ""`, "000"},
		{`t matches regex "^[a-w]*$"`, "101"},
		{`t == g`, "001"},
		{`t =~ g`, "001"},
		{`g contains t`, "101"},
		{`t contains g`, "001"},
		{`not(ipv4_is_in_range(a, "10.0.0.0/16"))`, "001"},
		{`not(ipv4_is_in_range(a, "10.0.0.0/8"))`, "000"},
		{`not(coalesce(ipv4_is_in_range(a, "10.0.0.0/8"), false))`, "110"},
		{`b == true or not(b)`, "011"},
		{`b != true`, "110"},
		{`coalesce(b, true)`, "101"},
		{`iff(n > 5, true, false)`, "001"},
		{`iff(n > 5, false, t != "x")`, "100"},
		{`strlen(t) < 2`, "110"},
		{`coalesce(t, g) =~ "bob"`, "101"},
		{`todouble(t) > 1`, "000"},
		{`isnull(todouble(t))`, "111"},
	} {
		e, got := readWhere(t, tt.query), ""
		for _, fields := range events {
			ev, err := eval.NewEvent(fields)
			if err != nil {
				t.Fatal(err)
			}
			bit := "0"
			if eval.Expr(nil, e, ev) {
				bit = "1"
			}
			got += bit
		}
		if got != tt.want {
			t.Errorf("%s keeps %s, want %s: %s", tt.query, got, tt.want, e)
		}
	}
}

// TestReadGolden reads what sigmac itself writes: it must say all of it.
func TestReadGolden(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "..", "golden", "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatal("no golden cases", err)
	}
	queries := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, section := range txtar.Parse(text).Files {
			if section.Name != "kusto" {
				continue
			}
			for _, query := range strings.Split(strings.TrimSpace(string(section.Data)), "\n") {
				queries++
				q, err := Read(query, ir.Types{})
				if err != nil {
					t.Errorf("%s: %v: %s", file, err, query)
					continue
				}
				ir.Walk(q.Where, func(e ir.Expr) {
					if _, opaque := e.(ir.Opaque); opaque {
						t.Errorf("%s: %s", file, e)
					}
				})
			}
		}
	}
	if queries < 80 {
		t.Errorf("%d queries only", queries)
	}
}

// TestReadBounded holds that no query takes long, whether it reads or not.
func TestReadBounded(t *testing.T) {
	times := func(head, s, tail string) string { return head + strings.Repeat(s, (300<<10)/len(s)) + tail }
	lets := "let x0 = n > 1;"
	unions, functions := "let y0 = T;", "let f0 = () { T };"
	doubled, applied := "let d0 = 'x';", "let a0 = (s: string) { strcat(s, s) };"
	for i := range 60 {
		unions += fmt.Sprintf("let y%d = union y%d, y%d;", i+1, i, i)
		functions += fmt.Sprintf("let f%d = () { union f%d(), (f%d | where n == 1) };", i+1, i, i)
		doubled += fmt.Sprintf("let d%d = strcat(d%d, d%d);", i+1, i, i)
		applied += fmt.Sprintf("let a%d = (s: string) { strcat(a%d(s), a%d(s)) };", i+1, i, i)
		lets += fmt.Sprintf("let x%d = x%d and x%d;", i+1, i, i)
	}
	for name, query := range map[string]string{
		"or":          times(`T | where t == "x"`, ` or t == "x"`, ""),
		"list":        times(`T | where t in ("x"`, `, "x"`, ")"),
		"stages":      times("T", " | where n > 1", ""),
		"names":       times("T", " | as X", " | union X"),
		"searches":    times("T | extend n = n", " | search 'x'", ""),
		"expands":     times("T", " | mv-expand kind=array split(t, ',')", " | where n == 1"),
		"extends":     times("T", " | extend n = n", " | where n == 1"),
		"lets":        lets + " T | where x60",
		"unions":      unions + "y60 | where n == 1",
		"functions":   functions + "f60() | where n == 1",
		"union":       times("union T", ", (T | where n == 1)", ""),
		"nested":      strings.Repeat("union T, (", 190) + "T" + strings.Repeat(")", 190),
		"search":      times("search 'x'", " or ('x' and n:'y*')", ""),
		"sum":         times("T | where n == 1", "+1", ""),
		"path":        times("T | where n", ".x", " == 1"),
		"brackets":    times("T | take ", "(", ""),
		"minus":       times("T | where n == ", "-", "1"),
		"strings":     times("T | where t == ", "'a' ", ""),
		"string":      times("T | where t == '", "a", "'"),
		"fence":       times("T | where t == ```", "`a", ""),
		"classes":     times("T | where t == 'x'", ` or t matches regex @"(?i)[\w]"`, ""),
		"expression":  times(`T | where t matches regex "`, "(a|b)*", `"`),
		"quantifiers": times(`T | where t matches regex "a`, "{9}", `"`),
		"opaque":      times("let xs = externaldata(x: string)['"+strings.Repeat("u", 1000)+"']; T | where n == 1", " or t in (xs)", ""),
		"terms":       times("T | where t has 'x'", " or t has 'éa'", ""),
		"case":        times("T | where case(", "n > 1, true, ", "false)"),
		"json":        times("T | where t in (dynamic(", "[", ""),
		"doubled":     doubled + "T | where t == d60 or strcat(d60, t) == 'x'",
		"function":    applied + "T | where a60(t) == 'x'",
		"computed":    times("T | where strcat(t, 'x') == 'y'", " or t == strcat('a', 'b') or split(t, 'x')[1] has 'y'", ""),
		"computes":    times("let big = strrep('ab', 1024); let bigger = strcat(big, big); T | where n == 1", " or countof(bigger, '(a|b)*c', 'regex') == n", ""),
		"many terms":  times("let big = strrep('ab ', 1024); T | where n == 1", " or big has 'xa'", ""),
		"calls":       "T | where " + times("t == ", "strcat(", "t"+strings.Repeat(")", (300<<10)/7)),
	} {
		q, err := Read(query, readTypes)
		if err != nil {
			continue
		}
		_ = q.Where.String()
		if slices.Contains([]string{"doubled", "function", "computed", "computes", "many terms", "calls"}, name) {
			for _, ev := range formulaEvents {
				_, _ = eval.Settled(q.Where, ev)
			}
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{
		`T | where t has_any ("x", 'y') and not(n > 5) | take 1`, "let x = dynamic([1]); T | where n in (x)",
		`t matches regex @"(?i)[\w--a-f]\b{start}(?P<x>\p{Lu}+?)"`, "t == ```a``` and ['b c'] =~ h@'d'",
		"let f = (x: string = 'y') { T | where t == x };\nunion withsource=s f('z'), (U | search 'a*' or t:'b'), V*\n\nW | where n == 1",
		`T | extend (a, b) = f(t) | project-rename c = a | where c.d["e"][0] == -1.5e3`,
		`strcat(t, 1) == split(g, "x")[-1] and array_index_of(parse_json(t).a, n) > bin_at(n, 5, 1) % -3`,
		`datetime_add("month", n, todatetime(t)) between (datetime(2020-01-01) .. 1.5h) or format_timespan(n * 1tick, "d.hh:FF") !has g`,
		`replace_regex(t, @"(a+)?b", @"\1x") != substring(g, -2, n) or has_any_ipv4_prefix(t, "10.", g) or ipv6_compare(a, g, n) in (0, -1)`,
		`iff(ipv6_is_in_range(a, "::/0"), hourofday(day) between (1 .. 2), coalesce(b, true))`, `* contains "é"`, "union A=",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, query string) {
		_, _ = ReadBatch(query, readTypes) // it must not panic
		if o, err := ReadOutput(query, readTypes); err == nil {
			o.Column("x")
		}
		q, err := Read(query, readTypes)
		if err != nil {
			var e *ir.Diagnostic
			if !errors.As(err, &e) || e.Pos.Line < 1 || e.Pos.Column < 1 {
				t.Fatalf("%v", err)
			}
			return
		}
		if q.Where.String() == "" {
			t.Fatal("no text")
		}
		for _, ev := range formulaEvents {
			if eval.Unevaluable(q.Where) == "" {
				if is, known := eval.Settled(q.Where, ev); !known || is != eval.Expr(nil, q.Where, ev) {
					t.Fatalf("%v is settled otherwise: %v", q.Where, is)
				}
			}
			_, _ = eval.Settled(q.Where, ev)
		}
		again, err := Read(query, readTypes)
		if err != nil || again.Where.String() != q.Where.String() {
			t.Fatalf("%v: %v, then %v", err, q.Where, again)
		}
	})
}
