package read

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"sigmac/ir"
)

// readMeaning is what a query selects, as text: the scope, the expression, what
// comes after it.
func readMeaning(q *ir.Query) string {
	s := q.Where.String()
	if q.Scope.DataModel != "" {
		s = "model " + q.Scope.DataModel + " " + s
	}
	if q.Scope.Index != "" {
		s = "index " + q.Scope.Index + " " + s
	}
	for _, b := range q.Times {
		s += " | " + b.Text
	}
	for _, l := range q.Unjudged() {
		s += " | " + l.Name
	}
	return s
}

var readTypes = ir.Types{"num": ir.Numeric, "flag": ir.Boolean, "ip": ir.Address, "text": ir.Text}

func testRead(t *testing.T, r Reader, cases [][2]string) {
	t.Helper()
	for _, c := range cases {
		q, err := r.Read(c[0], readTypes)
		if err != nil {
			t.Errorf("%s\n%v", c[0], err)
			continue
		}
		if got := readMeaning(q); got != c[1] {
			t.Errorf("%s\n got %s\nwant %s", c[0], got, c[1])
		}
	}
}

func TestReadSearch(t *testing.T) {
	testRead(t, Reader{}, [][2]string{
		// Search Manual: Boolean expressions with logical operators.
		{`A=1 AND B=2 OR C=3`, `(and (match A (pattern "1")) (or (match B (pattern "2")) (match C (pattern "3"))))`},
		{`error NOT "403" OR "404"`, `(and (keyword (term "error")) (or (not (keyword (term "403"))) (keyword (term "404"))))`},
		{`web error`, `(and (keyword (term "web")) (keyword (term "error")))`},
		{`NOT web error`, `(and (not (keyword (term "web"))) (keyword (term "error")))`},
		{`NOT NOT (web OR (error))`, `(not (not (or (keyword (term "web")) (keyword (term "error")))))`},
		{`a or not b`, `(and (keyword (term "a")) (keyword (term "or")) (keyword (term "not")) (keyword (term "b")))`},
		{`(A=1 B=2) C=3`, `(and (match A (pattern "1")) (match B (pattern "2")) (match C (pattern "3")))`},

		// Search Manual: Difference between != and NOT.
		{`f!="v"`, `(and (match f exists) (not (match f (pattern "v"))))`},
		{`NOT f="v"`, `(not (match f (pattern "v")))`},
		{`f!=a OR g=b`, `(or (and (match f exists) (not (match f (pattern "a")))) (match g (pattern "b")))`},
		{`f!=*`, `(and (match f exists) (not (match f exists)))`},

		// Search Reference: search, Comparison expressions; IN.
		{`text=5 num=5 num=05 num=5* num!=5`, `(and (match text:text (pattern "5")) (match num:number (= 5)) (match num:number (pattern "05")) (match num:number (pattern "5" *)) (match num:number exists) (not (match num:number (= 5))))`},
		{`flag=TRUE flag="no"`, `(and (match flag:boolean true) (match flag:boolean (pattern "no")))`},
		{`num>5 num >= -1.50 num<5 num <=5`, `(and (match num:number (> 5)) (match num:number (>= -1.5)) (match num:number (< 5)) (match num:number (<= 5)))`},
		{`f>abc`, `(opaque splunk "f>abc")`},
		{`error_code IN (40*, 50*)`, `(or (match error_code (pattern "40" *)) (match error_code (pattern "50" *)))`},
		{`f IN("a" b)`, `(or (match f (pattern "a")) (match f (pattern "b")))`},
		{`num IN (1, "2")`, `(or (match num:number (= 1)) (match num:number (= 2)))`},
		{`NOT f IN (a, b) g=c`, `(and (not (or (match f (pattern "a")) (match f (pattern "b")))) (match g (pattern "c")))`},
		{`f IN (a)`, `(match f (pattern "a"))`},
		{`f in (a)`, `(and (keyword (term "f")) (keyword (term "in")) (keyword (term "a")))`},
		{`f IN ([search x], b)`, `(opaque splunk "f IN ([search x], b)")`},

		// Search Manual: Wildcards. Search Reference: search, CIDR matching.
		{`f=* g="*"`, `(and (match f exists) (match g exists))`},
		{`f=""`, `(match f (pattern ""))`},
		{`f="a*b" g=*c d=1`, `(and (match f (pattern "a" * "b")) (match g (pattern * "c")) (match d (pattern "1")))`},
		{`f="what?"`, `(match f (pattern "what?"))`},
		{`ip="10.9.8.7/8" OR ip=2001:db8::/32`, `(or (match ip:address (cidr 10.0.0.0/8)) (match ip:address (cidr 2001:db8::/32)))`},
		{`ip=10.0.0.1 ip!=10.0.0.0/8`, `(and (match ip:address (pattern "10.0.0.1")) (match ip:address exists) (not (match ip:address (cidr 10.0.0.0/8))))`},
		{`ip IN (10.0.0.0/8)`, `(match ip:address (pattern "10.0.0.0/8"))`},
		{`f="10.0.0.0/33" f=a/8`, `(and (opaque splunk "f=\"10.0.0.0/33\"") (match f (pattern "a/8")))`},
		{`*`, `(and)`},
		{`* f=1`, `(match f (pattern "1"))`},
		{`NOT *`, `(not (and))`},

		// Search Reference: search, Quotes and escaping characters. Search Manual:
		// Backslashes, Search command primer (File paths).
		{`f="say \"hi\" \\ \| \t\s\d"`, `(match f (pattern "say \"hi\" \\ | \\t\\s\\d"))`},
		{`f="C:\\dir\\*" g="a\*b" h="a\\*b"`, `(and (match f (pattern "C:\\dir\\" *)) (match g (pattern "a\\" * "b")) (match h (pattern "a\\" * "b")))`},
		{`f="ends \\"`, `(match f (pattern "ends \\"))`},
		{`f="\\\\srv\\x"`, `(match f (pattern "\\\\srv\\x"))`},
		{`f=D:\\Digital\\*.exe`, `(match f (pattern "D:\\Digital\\" * ".exe"))`},
		{`f=*\"privileged\":true*`, `(match f (pattern * "\"privileged\":true" *))`},
		{`f="a | b [c] (d), e = f"`, "(match f (pattern \"a | b [c] (d), e = f\"))"},
		{"f=\"a`b`\"", "(match f (pattern \"a`b`\"))"},
		{`f="AND" "NOT"=x`, `(and (match f (pattern "AND")) (match NOT (pattern "x")))`},
		{`"Process Name"="x" 'a'=b`, `(and (match "Process Name" (pattern "x")) (match 'a' (pattern "b")))`},
		{`a{}.b=c @x="d" k8s.io/e-f=g:h`, `(and (match a{}.b (pattern "c")) (match @x (pattern "d")) (match k8s.io/e-f (pattern "g:h")))`},
		{`f = "v"  g !=w`, `(and (match f (pattern "v")) (match g exists) (not (match g (pattern "w"))))`},
		{`f="a"g="b"`, `(and (match f (pattern "a")) (match g (pattern "b")))`},
		{`f=a=b`, `(match f (pattern "a=b"))`},
		{`f==b`, `(opaque splunk "f==b")`},

		// Search Manual: Use CASE() and TERM(); Search command primer.
		{`host=CASE(LOCAL*) CASE(Foo)`, `(and (match host (pattern cased "LOCAL" *)) (keyword (term cased "Foo")))`},
		{`TERM(sudoedit) TERM(127.0.0.1)`, `(and (keyword (term "sudoedit")) (keyword (term whole "127.0.0.1")))`},
		{`CASE("a b")`, `(opaque splunk "CASE(\"a b\")")`},
		{`"time limit" fail* *ail *ai* "*a b*"`, `(and (keyword (term "time limit")) (keyword (term prefix "fail")) (keyword (term suffix "ail")) (keyword (pattern * "ai" *)) (keyword (pattern * "a b" *)))`},
		{`"end." f*l key::value`, `(and (keyword (term "end.")) (opaque splunk "f*l") (opaque splunk "key::value"))`},
		{`_raw="*v*"`, `(match _raw (pattern * "v" *))`},

		// Search Reference: search, Index expression, Time modifiers.
		{`index=main sourcetype=x source="y" host=z`, `index main (and (match sourcetype (pattern "x")) (match source (pattern "y")) (match host (pattern "z")))`},
		{`search index="win*" f=1`, `index win* (match f (pattern "1"))`},
		{`index=* f=1`, `index * (match f (pattern "1"))`},
		{`f=1 (index=a OR index=b)`, `(and (match f (pattern "1")) (or (match index (pattern "a")) (match index (pattern "b"))))`},
		{`NOT index=a`, `(not (match index (pattern "a")))`},
		{`index=a index=b`, `index a (match index (pattern "b"))`},
		{`earliest=-1d@d latest=now f=1`, `(match f (pattern "1")) | earliest=-1d@d | latest=now`},
		{`eventtype=x tag=y tag::host=z`, `(and (match eventtype (pattern "x")) (match tag (pattern "y")) (match "tag::host" (pattern "z")))`},
		{`f=1 [search g=2 | fields h] h=3`, `(and (match f (pattern "1")) (opaque splunk "[search g=2 | fields h]") (match h (pattern "3")))`},
		{`f=[search g=2 [search "]"]]`, `(opaque splunk "f=[search g=2 [search \"]\"]]")`},
		{"`sysmon` f=1", "(and (opaque splunk \"`sysmon`\") (match f (pattern \"1\")))"},
		{"f=1 ```a comment | [``` g=2", `(and (match f (pattern "1")) (match g (pattern "2")))`},
	})
}

func TestReadWhere(t *testing.T) {
	where := func(cases [][2]string) {
		t.Helper()
		for i := range cases {
			cases[i][0] = "* | where " + cases[i][0]
		}
		testRead(t, Reader{}, cases)
	}
	where([][2]string{
		// Search Manual: Boolean expressions with logical operators.
		{`isnull(a) OR isnull(b) AND isnull(c)`, `(or (match a null) (and (match b null) (match c null)))`},
		{`NOT isnull(a) AND isnull(b)`, `(and (not (match a null)) (match b null))`},
		{`not isnull(a) and (isnull(b) or isnull(c))`, `(and (not (match a null)) (or (match b null) (match c null)))`},
		{`isnull(a) XOR isnull(b)`, `(opaque splunk "isnull(a) XOR isnull(b)")`},
		{`NOT NOT isnull(a)`, `(match a null)`},

		// Search Reference: where. What is in single quotes or bare is a field.
		{`'f'="v"`, `(match f (pattern cased "v"))`},
		{`"v"=='f'`, `(match f (pattern cased "v"))`},
		{`f=v`, `(match f (fieldref cased v))`},
		{`f!="v"`, `(and (match f exists) (not (match f (pattern cased "v"))))`},
		{`f!=g`, `(and (match f exists) (match g exists) (not (match f (fieldref cased g))))`},
		{`'a b.c'="x*"`, `(match "a b.c" (pattern cased "x*"))`},
		{`f=5 AND num="5" AND f="5" AND f=-1.5`, `(and (match f (= 5)) (match num:number (= 5)) (match f (pattern cased "5")) (match f (= -1.5)))`},
		{`5<f AND f<=7`, `(and (match f (> 5)) (match f (<= 7)))`},
		{`f>"abc"`, `(opaque splunk "f>\"abc\"")`},
		{`a.b="x"`, `(opaque splunk "a.b=\"x\"")`},
		{`a+b*2>c`, `(opaque splunk "a+b*2>c")`},
		{`f=NULL`, `(match f (fieldref cased NULL))`},
		{`f=null()`, `(or)`},

		// What NOT makes of null is not settled, and nothing else of it is open.
		{`NOT 'f'="v"`, `(or (and (not (match f null)) (not (match f (pattern cased "v")))) (and (match f null) (opaque splunk "NOT 'f'=\"v\"")))`},
		{`NOT match(_raw,"x")`, `(not (match _raw (re "x")))`},
		{`NOT match(f,"x") AND isnull(g)`, `(and (or (and (not (match f null)) (not (match f (re "x")))) (and (match f null) (opaque splunk "NOT match(f,\"x\")"))) (match g null))`},
		{`NOT f IN ("a","b")`, `(or (and (not (match f null)) (not (or (match f (pattern cased "a")) (match f (pattern cased "b"))))) (and (match f null) (opaque splunk "NOT f IN (\"a\",\"b\")")))`},
		{`NOT (isnull(f) OR isnull(g))`, `(not (or (match f null) (match g null)))`},
		{`NOT (isnull(g) OR f="v")`, `(or (and (not (and (match f null) (not (or (match g null) (and (match f (pattern cased "v")) (not (match f null))))))) (not (or (match g null) (match f (pattern cased "v"))))) (and (match f null) (not (or (match g null) (and (match f (pattern cased "v")) (not (match f null))))) (opaque splunk "NOT (isnull(g) OR f=\"v\")")))`},
		{`NOT foo(f)`, `(opaque splunk "NOT foo(f)")`},
		{`NOT if(match(f,"x"),1,0)=1`, `(not (match f (re "x")))`},
		{`if(match(f,"x"),0,1)=1`, `(not (match f (re "x")))`},
		{`if(match(f,"x"),"yes","no")!="yes"`, `(not (match f (re "x")))`},
		{`NOT if(match(f,"x"),true(),false())`, `(not (match f (re "x")))`},
		{`NOT if(isnull(f),f,"a")="b"`, `(or (and (not (match f null)) (not (and (match f null) (match f (pattern cased "b"))))) (and (match f null) (opaque splunk "NOT if(isnull(f),f,\"a\")=\"b\"")))`},
		{`NOT coalesce(f,"")="b"`, `(not (and (match f exists) (match f (pattern cased "b"))))`},
		{`coalesce(f,g)="b"`, `(or (and (match f exists) (match f (pattern cased "b"))) (and (not (match f exists)) (match g (pattern cased "b"))))`},
		{`case(isnull(f),1,f="x",2)=2`, `(and (not (match f null)) (match f (pattern cased "x")))`},
		{`NOT case(isnull(f),1)=1`, `(or (and (match f null) (not (match f null))) (and (not (match f null)) (opaque splunk "NOT case(isnull(f),1)=1")))`},

		// Search Reference: Comparison and Conditional functions.
		{`isnotnull(f) AND NOT isnotnull(g)`, `(and (match f exists) (not (match g exists)))`},
		{`match(f,"a\.b\\\\c\"\d")`, `(match f (re "a\\.b\\\\c\"\\d"))`},
		{`match(f,"a\|b")`, `(opaque splunk "match(f,\"a\\|b\")")`},
		{`match(f,"(?R)")`, `(opaque splunk "match(f,\"(?R)\")")`},

		// Search Manual: Types of expressions. A tab is written down, other letters
		// have two readings, and \b stays the border of a word for PCRE.
		{`f="C:\temp"`, `(match f (pattern cased "C:\temp"))`},
		{`f="C:\\temp"`, `(match f (pattern cased "C:\\temp"))`},
		{`f="C:\Users\d\.x"`, `(match f (pattern cased "C:\\Users\\d\\.x"))`},
		{`f="a\nb"`, `(or (and (opaque splunk "\"a\\nb\"") (match f (pattern cased "a\\nb"))) (and (not (opaque splunk "\"a\\nb\"")) (match f (pattern cased "a\nb"))))`},
		{`like(f,"a\n%")`, `(or (and (opaque splunk "\"a\\n%\"") (match f (pattern cased "a\\n" *))) (and (not (opaque splunk "\"a\\n%\"")) (match f (pattern cased "a\n" *))))`},
		{`match(f,"\bfoo\b\t\n")`, `(match f (re "\\bfoo\\b\\t\\n"))`},
		{`match(f,"C:\\\\temp")`, `(match f (re "C:\\\\temp"))`},
		{`like(f,"a%b_c")`, `(match f (pattern cased "a" * "b" ? "c"))`},
		{`f LIKE "%x"`, `(match f (pattern cased * "x"))`},
		{`like(lower(f),"%x%") OR like(lower(f),"X")`, `(match f (pattern * "x" *))`},
		{`like(f,"a\%")`, `(opaque splunk "like(f,\"a\\%\")")`},
		{`cidrmatch("10.0.0.0/8",f)`, `(match f (cidr 10.0.0.0/8))`},
		{`NOT if(cidrmatch("fe80::/10",'f'),1,0)=1`, `(not (match f (cidr fe80::/10)))`},
		{`cidrmatch(g,f)`, `(opaque splunk "cidrmatch(g,f)")`},
		{`in(f,"a","b") OR f IN ("c")`, `(or (match f (pattern cased "a")) (match f (pattern cased "b")) (match f (pattern cased "c")))`},
		{`searchmatch("f=a* NOT g=b")`, `(and (match f (pattern "a" *)) (not (match g (pattern "b"))))`},
		{`NOT searchmatch("f=a OR g=\"b c\"")`, `(not (or (match f (pattern "a")) (match g (pattern "b c"))))`},
		{`isnum(f)`, `(or (match f (< 0)) (match f (>= 0)))`},
		{`true() AND 1=1 AND "a"!="a"`, `(or)`},
		{`foo(f)`, `(opaque splunk "foo(f)")`},
		{`isnull(foo(f))`, `(not (opaque splunk "foo(f)"))`},

		// Search Reference: Text, Conversion and Multivalue eval functions.
		{`lower(f)="abc" OR upper(g)="ABC"`, `(or (match f (pattern "abc")) (match g (pattern "ABC")))`},
		{`lower(f)="Abc"`, `(or)`},
		{`lower(f)!="abc"`, `(and (match f exists) (not (match f (pattern "abc"))))`},
		{`lower('f')=lower("ABC")`, `(match f (pattern "abc"))`},
		{`if(lower('f')=lower('g'),1,0)=1`, `(match f (fieldref g))`},
		{`if('f'='g',1,0)=1`, `(match f (fieldref cased g))`},
		{`lower(f)=g`, `(opaque splunk "lower(f)=g")`},
		{`tonumber(f)>5 AND NOT (if(tonumber('g')<=5,1,0)=1)`, `(and (match f (> 5)) (not (match g (<= 5))))`},
		{`tonumber(f)!=5`, `(or (match f (< 5)) (match f (> 5)))`},
		{`len(f)>3`, `(match f (re "(?s)\\A.{4,}\\z"))`},
		{`len(f)<0`, `(or)`},
		{`isnotnull(mvfind('f',"re"))`, `(match f (re "re"))`},
		{`isnull(mvfind('f',"re")) OR mvfind(f,"x")>=0`, `(or (not (match f (re "re"))) (match f (re "x")))`},
		{`if(mvcount(mvfilter(match('f',"re")))>0,1,0)=1`, `(match f (re "re"))`},
		{`isnotnull(mvfilter(match(f,"a") AND match(f,"b")))`, `(opaque splunk "mvfilter(match(f,\"a\") AND match(f,\"b\"))")`},
		{`mvcount(f)>0`, `(match f exists)`},
		{`mvcount(f)>1`, `(opaque splunk "mvcount(f)>1")`},
		{`replace(f,"a","b")="c"`, `(opaque splunk "replace(f,\"a\",\"b\")=\"c\"")`},
		{`if(substr("x".lower('A'),1,1+len('B'))="x".lower('B'),1,0)=1`, `(match A (fieldref startswith B))`},
		{`if(substr(lower('A')."x",-1-len('C'))=lower('C')."x",1,0)=1`, `(match A (fieldref endswith C))`},
		{`if(substr("x".'A',1,1+len('B'))="x".'B',1,0)=1`, `(match A (fieldref cased startswith B))`},
		{`if(substr("x".lower('A'),1,1+len('B'))="x".lower('C'),1,0)=1`, `(opaque splunk "substr(\"x\".lower('A'),1,1+len('B'))=\"x\".lower('C')")`},
		{`if(tonumber(strftime('Time',"%H"))=5,1,0)=1`, `(opaque splunk "tonumber(strftime('Time',\"%H\"))=5")`},
		{`if(tonumber(strftime(_time,"%H"))=5,1,0)=1`, `(match _time (hour = 5))`},
		{`tonumber(strftime(_time,"%V"))>=50`, `(match _time (week >= 50))`},
		{`strftime(_time,"%A")="Monday"`, `(opaque splunk "strftime(_time,\"%A\")=\"Monday\"")`},
	})
}

func TestReadStages(t *testing.T) {
	testRead(t, Reader{}, [][2]string{
		{`f=1 | search g=2 OR h=3 | where isnull(i) | stats count by f | where count>5`,
			`(and (match f (pattern "1")) (or (match g (pattern "2")) (match h (pattern "3"))) (match i null)) | stats | where`},
		{`f=1 | fields f, g | search g=2`, `(and (match f (pattern "1")) (match g (pattern "2")))`},
		// What is dropped is missing.
		{`f=1 | fields f | search g=2`, `(or)`},
		{`f=1 | fields - f g* | search h=2 | where isnull(ga)`, `(and (match f (pattern "1")) (match h (pattern "2")))`},
		{`f=1 | fields f | search _raw=x* | table f`, `(and (match f (pattern "1")) (match _raw (pattern "x" *)))`},
		{`f=1 | table f | search f=2`, `(and (match f (pattern "1")) (match f (pattern "2")))`},
		// What is renamed is followed.
		{`* | rename a AS b, c AS "d e" | search b=1 "d e"=2 a=3`, `(or)`},
		{`* | table P.* | rename P.* AS * | search x=1 P.x=2`, `(and (match P.x (pattern "1")) (match P.P.x (pattern "2")))`},
		{`* | rename P.* AS * | search x=1`, `(opaque splunk "rename P.* AS *; (match x (pattern \"1\"))")`}, // an event may have x and no P.x
		{`* | rename a AS b, b AS c | search d=1 c=2`, `(and (opaque splunk "rename a AS b, b AS c; (match d (pattern \"1\"))") (opaque splunk "rename a AS b, b AS c; (match c (pattern \"2\"))"))`},
		{`* | rename a AS b | fields b | rename b AS c | where 'c'='a'`, `(or)`},
		{`* | eval b=a | search b=1`, `(match a (pattern "1"))`},
		// What is computed is a function of the event that is not read.
		{`f=1 | eval g=lower(f) | search g=2`, `(and (match f (pattern "1")) (opaque splunk "eval g=lower(f); (match g (pattern \"2\"))"))`},
		{`* | eval g=lower(f) | search f=2`, `(match f (pattern "2"))`},
		{`* | makemv f delim="," | search f=2 g=3`, `(and (opaque splunk "makemv f delim=\",\"; (match f (pattern \"2\"))") (match g (pattern "3")))`},
		{`* | mvexpand limit=5 f | search f=2 g=3`, `(match g (pattern "3")) | mvexpand | search`},
		{`* | eval {g}=1 | search f=2`, `(opaque splunk "eval {g}=1; (match f (pattern \"2\"))")`},
		{`* | rex "(?<a>x)(?'f'y)" | search f=2`, `(opaque splunk "rex \"(?<a>x)(?'f'y)\"; (match f (pattern \"2\"))")`},
		{`* | rex field=x "(?<g>a.)" | search g=ab x=1`, `(and (opaque splunk "rex field=x \"(?<g>a.)\"; (match g (pattern \"ab\"))") (match x (pattern "1")))`},
		{`* | fillnull value="-" f | search f=* g=1 | where isnull(f)`, `(or)`},
		{`* | fillnull | search f=*`, `(opaque splunk "fillnull; (match f exists)")`},
		{`* | lookup t h AS host OUTPUT x AS y | search y=1 x=2`, `(and (opaque splunk "lookup t h AS host OUTPUT x AS y; (match y (pattern \"1\"))") (match x (pattern "2")))`},
		// Options stand before and behind fields, and have no case.
		{`* | strcat a "=" b c | search c=1 b=2`, `(and (opaque splunk "strcat a \"=\" b c; (match c (pattern \"1\"))") (match b (pattern "2")))`},
		{`* | fillnull value="" f | search g=1 | where isnull(f)`, `(or)`},
		{`* | fillnull value=x f* | search g=1 | where isnull(f)`, `(and (opaque splunk "fillnull value=x f*; (match g (pattern \"1\"))") (opaque splunk "fillnull value=x f*; (match f null)"))`},
		{`* | rex mode=sed field=f "s/(?<g>x)/y/" | search f=1`, `(opaque splunk "rex mode=sed field=f \"s/(?<g>x)/y/\"; (match f (pattern \"1\"))")`},
		{`* | rex "(?<_raw>x)(?<g>y)" | search _raw=1 f=2`, `(and (opaque splunk "rex \"(?<_raw>x)(?<g>y)\"; (match _raw (pattern \"1\"))") (match f (pattern "2")))`},
		{`* | convert auto | search f=1`, `(opaque splunk "convert auto; (match f (pattern \"1\"))")`},
		{`* | convert ctime(f) AS g timeformat="%H (%M)" | search f=1 g=2`, `(and (match f (pattern "1")) (opaque splunk "convert ctime(f) AS g timeformat=\"%H (%M)\"; (match g (pattern \"2\"))"))`},
		{`* | spath output=f | search g=1`, `(opaque splunk "spath output=f; (match g (pattern \"1\"))")`},
		{`* | iplocation Prefix=x_ f | search City=1 x_City=2`, `(and (match City (pattern "1")) (opaque splunk "iplocation Prefix=x_ f; (match x_City (pattern \"2\"))"))`},
		{`* | addinfo | search f=1 info_search_id=2`, `(and (match f (pattern "1")) (opaque splunk "addinfo; (match info_search_id (pattern \"2\"))"))`},
		{`* | addtotals fieldname=f g h | search f=1 g=2`, `(and (opaque splunk "addtotals fieldname=f g h; (match f (pattern \"1\"))") (match g (pattern "2")))`},
		{`* | outputcsv | search f=1`, `(opaque splunk "outputcsv; (match f (pattern \"1\"))")`},
		{`* | outputcsv x | collect index=i | fieldformat f="x" | search f=1`, `(match f (pattern "1"))`},
		{`* | fields "-f" | search g=1`, `(or)`},
		{`* | table -f | search g=1`, `(opaque splunk "table -f; (match g (pattern \"1\"))")`},
		{`* | foreach f* [eval <<FIELD>>=1] | search g=1`, `(opaque splunk "foreach f* [eval <<FIELD>>=1]; (match g (pattern \"1\"))")`},
		// What removes events, or makes rows of several, is not judged, and
		// neither is a filter of what it computes.
		{`* | sort 0 f | reverse | search f=1`, `(match f (pattern "1"))`},
		{`* | sort 5 f | search f=1`, `(match f (pattern "1")) | sort`},
		{`f=foo | head 10`, `(match f (pattern "foo")) | head`},
		{`* | dedup f | search f=*`, `(match f exists) | dedup`},
		{`* | foreach f* [where f=1] | search g=1`, `(and) | foreach | search`},
		{`f=1 | addtotals col=t | search g=1`, `(and (match f (pattern "1")) (match g (pattern "1"))) | addtotals`},
		{`f=1 | appendcols [search g=2] | search h=1`, `(match f (pattern "1")) | appendcols | search`},
		{`f=1 | tstats append=t count by g`, `(match f (pattern "1")) | tstats`},
		{`f=1 | collect index=i testmode=t | search g=1`, `(match f (pattern "1")) | search`},
		{`f=1 | bin g span=2 end=9 | search h=1`, `(and (match f (pattern "1")) (match h (pattern "1"))) | bin`},
		{`f=1 | dedup f KEEPEVENTS = t | search NOT f=1 g=2`, `(and (match f (pattern "1")) (match g (pattern "2"))) | dedup | search`},
		{`f=1 | sort g limit=5`, `(match f (pattern "1")) | sort`},
		{`f=1 | join g TYPE=Left [search h=1] | search f=1`, `(match f (pattern "1")) | search`},
		{`* | stats count AS f BY f | search f=1`, `(and) | stats | search`},
		{`* | eventstats c | search count>1 f=1`, `(match f (pattern "1")) | search`},
		// A random number is no part of the event.
		{`f=1 | where random()%2=0 OR g="x"`, `(match f (pattern "1")) | where`},
		{`* | where _time>time()-60`, `(and) | _time>time()-60`},
		{`* | stats count AS n BY f | search f=a n>1`, `(match f (pattern "a")) | stats | search`},
		{`* | stats values(f) AS f BY g | search f=a`, `(and) | stats | search`},
		{`* | eventstats count AS n BY f | where n>1 AND f="a"`, `(match f (pattern cased "a")) | where`},
		{`* | transaction f | search f=a`, `(and) | transaction | search`},
		{`f=1 | append [search g=2] | search h=3`, `(and (match f (pattern "1")) (match h (pattern "3"))) | append`},
		{`f=1 | nonsense x | search h=3`, `(match f (pattern "1")) | nonsense | search`},
		{`| tstats count from datamodel=D.D where D.f=1 by D.f, _time | rename D.* AS * | search f=2 count>3 | where _time>5`,
			`model D.D (and (match D.f (pattern "1")) (match D.f exists) (match D.f (pattern "2"))) | search | where`},
		// When events happened is apart.
		{`f=1 earliest=-1h@h latest=now | where _time>relative_time(now(),"-1h")`,
			`(match f (pattern "1")) | earliest=-1h@h | latest=now | _time>relative_time(now(),"-1h")`},
		{`| tstats count from datamodel=D.D where D.f=1 earliest=-1h by D.f`, `model D.D (and (match D.f (pattern "1")) (match D.f exists)) | earliest=-1h`},
		{`f=1 (earliest=-1h OR g=2)`, `(and (match f (pattern "1")) (or (opaque splunk "earliest=-1h") (match g (pattern "2"))))`},
		{"f=1 | `own_filter` | search g=2", "(match f (pattern \"1\")) | `own_filter` | search"},
		{`f=1 | search index=x`, `(and (match f (pattern "1")) (match index (pattern "x")))`},
		{`f=1|join g [search h=2 | stats count] | search i=3`, `(match f (pattern "1")) | join | search`},
		{`| inputlookup x.csv | search f=1`, `(and) | inputlookup | search`},
		{`| search f=1`, `(match f (pattern "1"))`},
		{`search`, `(and)`},

		// Search Reference: regex.
		{`f=1 | regex g="\d+|x"`, `(and (match f (pattern "1")) (match g (re "\\d+|x")))`},
		{`* | regex g!="a"`, `(not (match g (re "a")))`},
		{`* | regex "a b"`, `(match _raw (re "a b"))`},
		{`* | regex _raw=a.c`, `(match _raw (re "a.c"))`},
		{`* | regex g="a\|b"`, `(opaque splunk "regex g=\"a\\|b\"")`},

		// Search Reference: from, datamodel.
		{`| from datamodel:Auth.Failed | search f=1 | where g="x"`, `model Auth.Failed (and (match f (pattern "1")) (match g (pattern cased "x")))`},
		{`| from datamodel:"Auth.Failed"`, `model Auth.Failed (and)`},
		{`| from datamodel`, `(and)`},
		{`| datamodel Endpoint Processes search | search Processes.f=1`, `model Endpoint.Processes (match Processes.f (pattern "1"))`},
		{`| datamodel`, `(and)`},
		{`| from lookup:x | search f=1`, `(and) | from | search`},
	})
}

// Search Reference: tstats.
func TestReadTstats(t *testing.T) {
	testRead(t, Reader{}, [][2]string{
		// Syntax: the clauses and options.
		{`| tstats count from datamodel=Endpoint.Processes where Processes.process="*x*" (Processes.a=1 OR nodename=B) by host _time span=1h | search c=1`,
			`model Endpoint.Processes (and (match Processes.process (pattern * "x" *)) (or (match Processes.a (pattern "1")) (match nodename (pattern "B")))) | search`},
		{`| tstats summariesonly=f fillnull_value="n u" values(X.a) as "X.b, by" count(X.c) FROM datamodel = "X.X" WHERE X.by IN ("where", "by") X.d=by X.e = "by" GROUPBY X.f, X.g`,
			`model X.X (and (or (match X.by (pattern "where")) (match X.by (pattern "by"))) (match X.d (pattern "by")) (match X.e (pattern "by")))`},
		{`|tstats count WHERE index=main by host`, `index main (and)`},
		{`| tstats avg(PREFIX(a=)) where index=_audit by PREFIX(user=) x  fillnull_value="N/A"`, `index _audit (and)`},

		// fillnull_value: without it, a row with a null among the fields of BY is left
		// out.
		{`| tstats count from datamodel=X by X.where "X.a b", source`, `model X (and (match X.where exists) (match "X.a b" exists))`},
		{`| tstats count from datamodel=X where X.a=1 by X.b _time span=1s`, `model X (and (match X.a (pattern "1")) (match X.b exists))`},
		{`| tstats count by PREFIX(user=) X.* [search a] X.b`,
			`(and (opaque splunk "PREFIX(user=)") (opaque splunk "X.*") (opaque splunk "[search a]") (match X.b exists))`},

		{"| tstats `options` count from datamodel=X where X.a=1 by X.b X.c", "model X (and (match X.a (pattern \"1\")) (opaque splunk \"`options`\"))"},
		{"| tstats `options` count from datamodel=X where X.a=1 by host", "model X (match X.a (pattern \"1\"))"},

		// Without BY there is a row also where no event is.
		{`| tstats count from datamodel=X where X.a=1`, `model X (match X.a (pattern "1")) | tstats`},
		{`| tstats count`, `(and) | tstats`},

		// Filtering with WHERE: a number that is filtered out takes the events without
		// the field along.
		{`| tstats count where NOT a=5 NOT num=5 NOT (b="-1.5")`,
			`(and (match a exists) (not (match a (pattern "5"))) (match num:number exists) (not (match num:number (= 5))) (match b exists) (not (match b (pattern "-1.5")))) | tstats`},
		{`| tstats count where NOT a IN (5, "6") b!=6`,
			`(and (match a exists) (not (or (match a (pattern "5")) (match a (pattern "6")))) (match b exists) (not (match b (pattern "6")))) | tstats`},
		{`| tstats count where NOT a=x NOT b=5* NOT c IN (x, y)`,
			`(and (not (match a (pattern "x"))) (not (match b (pattern "5" *))) (not (or (match c (pattern "x")) (match c (pattern "y"))))) | tstats`},
		// What is left of it beside something else is not written down, nor which texts
		// are numbers.
		{`| tstats count where NOT (a=5 OR b=x)`, `(opaque splunk "NOT (a=5 OR b=x)") | tstats`},
		{`| tstats count where NOT (a=5 OR b=6)`, `(opaque splunk "NOT (a=5 OR b=6)") | tstats`},
		{`| tstats count where NOT (a=5 b=x)`, `(opaque splunk "NOT (a=5 b=x)") | tstats`},
		{`| tstats count where NOT a IN (5, x)`, `(opaque splunk "NOT a IN (5, x)") | tstats`},
		{`| tstats count where NOT NOT a=5`, `(opaque splunk "NOT NOT a=5") | tstats`},
		{`| tstats count where NOT (b=x NOT a=5)`, `(opaque splunk "NOT (b=x NOT a=5)") | tstats`},
		{`| tstats count where NOT a!=5`, `(opaque splunk "NOT a!=5") | tstats`},
		{`| tstats count where NOT num>5`, `(opaque splunk "NOT num>5") | tstats`},
		{`| tstats count where NOT a=05 NOT b=0x1F NOT c=1e3 NOT d=inf`,
			`(and (opaque splunk "NOT a=05") (opaque splunk "NOT b=0x1F") (opaque splunk "NOT c=1e3") (opaque splunk "NOT d=inf")) | tstats`},
		{`| tstats count where num>5 a=0x1F`, `(and (match num:number (> 5)) (match a (pattern "0x1F"))) | tstats`},

		// Limitations of CIDR matching with tstats.
		{`| tstats count where c=10.0.0.0/8`, `(opaque splunk "c=10.0.0.0/8") | tstats`},
	})
}

// Knowledge Manager Manual: Use search macros in searches.
func TestReadMacros(t *testing.T) {
	testRead(t, Reader{Macros: map[string]Macro{
		"sysmon": {Definition: `source="S" OR sourcetype=s`},
		"proc":   {[]string{"name", "mode"}, `(p="$name$.exe" m=$mode$)`},
		"outer":  {Definition: "`proc(cmd, 1)` OR `sysmon`"},
		"pipes":  {Definition: `x=1 | stats count`},
		"loop":   {Definition: "`nothing` `nothing`"},
	}}, [][2]string{
		{"`sysmon` a=1", `(and (or (match source (pattern "S")) (match sourcetype (pattern "s"))) (match a (pattern "1")))`},
		{"`proc(\"a,b\", 2)`", `(and (match p (pattern "a,b.exe")) (match m (pattern "2")))`},
		{"`outer`", `(or (and (match p (pattern "cmd.exe")) (match m (pattern "1"))) (match source (pattern "S")) (match sourcetype (pattern "s")))`},
		{"`pipes` | search y=2", `(match x (pattern "1")) | stats | search`},
		{"a=\"`sysmon`\"", "(match a (pattern \"`sysmon`\"))"},
		{"`proc(1)` NOT `loop`", "(and (opaque splunk \"`proc(1)`\") (not (opaque splunk \"`nothing`\")) (opaque splunk \"`nothing`\"))"},
		{"* | where `test(1)` OR isnull(f)", "(or (opaque splunk \"`test(1)`\") (match f null))"},
	})
}

func TestReadErrors(t *testing.T) {
	deep := strings.Repeat("(", 201)
	r := Reader{Macros: map[string]Macro{
		"bad":    {Definition: `a=(`},
		"again":  {Definition: "x `again`"},
		"double": {Args: []string{"x"}, Definition: "x `double($x$$x$)`"},
		"twice":  {Definition: "`again` `again`"},
	}}
	for _, c := range [][2]string{
		{``, `1:1: an empty query`},
		{` | `, `1:4: a command is missing`},
		{`f=1 |`, `1:6: a command is missing`},
		{`f=1 || g=2`, `1:6: a command is missing`},
		{`| =x`, `1:3: not the name of a command`},
		{`f="a`, `1:3: a text in quotes without its end`},
		{"f=1\n  g=\"ends \\\"", `2:5: a text in quotes without its end`},
		{"é `x", `1:3: a macro without its second backtick`},
		{"f=1 ```x", `1:5: a comment without its end`},
		{`f=`, `1:3: a term is missing`},
		{`f=AND`, `1:3: the value AND must stand in quotes`},
		{`f=(a OR b)`, `1:3: '(' where a term should stand`},
		{`f=a,b`, `1:4: a comma within a value`},
		{`f=1, g=2`, `1:4: a comma within a value`},
		{`a, b`, `1:2: a comma between terms`},
		{`f=a"b"`, `1:4: a quote within a word`},
		{`f="a".b`, `1:6: '.' directly behind a quote`},
		{`=x`, `1:1: '=' where a term should stand`},
		{`AND a`, `1:1: AND without a term before and after it`},
		{`a OR`, `1:5: a term is missing`},
		{`a AND OR b`, `1:7: OR without a term before and after it`},
		{`NOT`, `1:4: a term is missing`},
		{`(a`, "1:1: `(` without `)`"},
		{`a (b`, "1:3: `(` without `)`"},
		{`a)`, "1:2: `)` without `(`"},
		{`a) b`, "1:2: `)` without `(`"},
		{`()`, `1:2: ')' where a term should stand`},
		{`a ] b`, "1:3: `]` without `[`"},
		{`a [b`, "1:3: `[` without `]`"},
		{`f IN (a, b`, "1:6: `(` without `)`"},
		{`f IN ()`, `1:6: an empty list`},
		{`TERM(a b)`, `1:8: TERM takes one word`},
		{deep, `1:201: nested too deep`},
		{"a=1 `bad`", "1:5: '(' where a term should stand"},
		{"a=1 `again`", `1:5: macros nested too deep`},
		{"a=1 `double(x)`", `1:5: the macros expand to too long a query`},
		{"a \xff", `1:3: not UTF-8`},
		{`* | where`, `1:10: an expression of eval is missing`},
		{`* | where f=`, `1:13: an expression of eval is missing`},
		{`* | where f="a" b`, `1:17: "b" where an operator should stand`},
		{`* | where f=g=h`, `1:14: "=" where an operator should stand`},
		{`* | where (f="a"`, "1:11: `(` without `)`"},
		{`* | where match(f,`, `1:19: an expression of eval is missing`},
		{`* | where match(f "x")`, "1:16: `(` without `)`"},
		{`* | where 'f="a"`, `1:11: a field in quotes without its end`},
		{`* | where f=#`, `1:13: '#' where an expression of eval should stand`},
		{`* | where f=x*`, `1:15: an expression of eval is missing`},
		{`* | where f IN "a"`, "1:16: `(` is missing behind IN"},
		{`* | where ` + strings.Repeat("NOT ", 201) + `true()`, `1:811: nested too deep`},
		{`* | where searchmatch("f=")`, `1:23: a term is missing`},
		{`* | regex f<"x"`, "1:16: not a use of `regex` that is known"},
		{`* | regex f="x" y`, "1:17: not a use of `regex` that is known"},
	} {
		q, err := r.Read(c[0], ir.Types{})
		var e *ir.Diagnostic
		if !errors.As(err, &e) || q != nil {
			t.Errorf("%.80s: %v, %v", c[0], q, err)
		} else if err.Error() != c[1] {
			t.Errorf("%.80s\n got %s\nwant %s", c[0], err, c[1])
		}
	}
}

func TestReadPositions(t *testing.T) {
	q, err := Reader{Macros: map[string]Macro{"m": {Definition: "m=1"}}}.Read(
		"é=ü `m`\n g=\"x\" foo(*) | where isnotnull(mvfind(h,\"y\")) AND k>l\n| stats count", ir.Types{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	ir.Walk(q.Where, func(e ir.Expr) {
		switch e := e.(type) {
		case ir.Match:
			got = append(got, fmt.Sprint(e.Field.Name, e.Pos))
		case ir.Keyword:
			got = append(got, fmt.Sprint("keyword", e.Pos))
		case ir.Opaque:
			got = append(got, fmt.Sprint(e.Text, e.Pos))
		}
	})
	got = append(got, fmt.Sprint(q.Unjudged()))
	want := []string{"é{1 3 0}", "m{1 5 0}", "g{2 4 0}", "keyword{2 8 0}", "h{2 42 0}", "k>l{2 52 0}", "[{stats stats count {3 3 0} remakes}]"}
	if !slices.Equal(got, want) {
		t.Errorf(" got %q\nwant %q", got, want)
	}
}

func TestReadAssumptions(t *testing.T) {
	for query, want := range map[string]string{
		`f=a`:   "[splunk/indexed-value]",
		`num=5`: "[splunk/indexed-value splunk/number-equality]",
		`num>5`: "[splunk/number-order]",
		`f>5`:   "[splunk/number-order]",
		`f=*`:   "[splunk/any-value]",
		`f=ä`:   "[splunk/indexed-value splunk/unicode]",
		// Whether f=* takes the empty text makes no difference.
		`f=* OR f=""`:                                  "[]",
		`NOT f IN ("", *)`:                             "[]",
		`f=* NOT (f="" OR g=a)`:                        "[splunk/indexed-value]",
		`g=b OR NOT f=* OR f=""`:                       "[splunk/indexed-value]",
		`f=""`:                                         "[]",
		`f=*a* OR f=* OR f=**`:                         "[splunk/any-value splunk/indexed-value]",
		`f=* f="a"`:                                    "[splunk/indexed-value]",
		`f=* OR f="a*"`:                                "[splunk/any-value splunk/indexed-value]",
		`f=* OR g=""`:                                  "[splunk/any-value]",
		`f=* OR (f="" g=a)`:                            "[splunk/any-value splunk/indexed-value]",
		`(f=* OR f="") (g=* OR h=a)`:                   "[splunk/any-value splunk/indexed-value]",
		`f=* OR f!=*`:                                  "[splunk/any-value]",
		`f=a | search f=*`:                             "[splunk/any-value splunk/indexed-value]",
		`a*b f="a*b"`:                                  "[splunk/indexed-value]",
		`* | where searchmatch("f=\"a*\" g=*b")`:       "[splunk/indexed-value]",
		`* | where searchmatch("f=\"a*b\"")`:           "[splunk/indexed-value splunk/searchmatch]",
		`* | where searchmatch("f=* OR f=\"\"")`:       "[]",
		`* | where searchmatch("f=*") OR f="a"`:        "[splunk/any-value splunk/single-value]",
		`foo`:                                          "[]",
		`* | regex f="x"`:                              "[splunk/pcre-limits splunk/single-value]",
		`* | where isnull(f)`:                          "[]",
		`* | where isnotnull(mvfind(f,""))`:            "[splunk/mvfind splunk/pcre-limits]",
		`* | where tonumber(strftime(f,"%H"))=5`:       "[splunk/time-zone]",
		`| tstats count where a="x" by host`:           "[splunk/tstats-value]",
		`| tstats count where num=5 flag=true by host`: "[splunk/number-equality splunk/tstats-value]",
		`| tstats count where (a=x OR b=y) (c=z d=*x) by host`: "[splunk/tstats-value]",
		`| tstats count where a=x OR b=y c=z by host`:          "[splunk/tstats-precedence splunk/tstats-value]",
		`| tstats count where NOT (a=x b=y OR c=z) by host`:    "[splunk/tstats-precedence splunk/tstats-value]",
		`| tstats summariesonly=true count by host`:            "[splunk/tstats-summaries]",
		`| tstats allow_old_summaries=t count by host`:         "[splunk/tstats-summaries]",
		`| tstats summariesonly=f allow_old_summaries=0 count`: "[]",
		`* | where lower(f)="x"`:                               "[fold splunk/single-value]",
		`* | where match(f,"\h")`:                              "[splunk/pcre-limits splunk/single-value splunk/unicode]",
		`* | where lower(f)=lower(g)`:                          "[fold splunk/fieldref-text splunk/single-value splunk/unicode]",
	} {
		q, err := Reader{}.Read(query, readTypes)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(q.Assumptions); got != want {
			t.Errorf("%s: got %s, want %s", query, got, want)
		}
	}
}

// TestReadLarge holds the time to what grows with the length only: a quarter of
// a megabyte of anything is read or refused in a moment.
func TestReadLarge(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds: not with -short")
	}
	const size = 1 << 18
	for _, unit := range []string{
		`f="x" `, `f=x OR `, `NOT `, `(`, `"`, `\`, `[`, `a,`, `f IN (a, `, `CASE(`, "`m` ", "```x``` ", `* | `, `| where f=1 `, `é`, `f=*a*`, `| fields f | search f=1 `,
	} {
		for _, form := range []string{"%s", "x %s", "* | where %s", "| tstats count where %s", "* | where searchmatch(\"%s\")", "f IN (%s)"} {
			readLarge(t, fmt.Sprintf(form, strings.Repeat(unit, size/len(unit))))
		}
	}
	for _, form := range []string{`f="x" OR %sg="y"`, `isnull(f) AND %sisnull(g)`, `f+%sg`, `-%sf`, `not %sf`, `if(f,%s1,0)=1`, `coalesce(f,%sg)=1`, `lower(%sf)="a"`} {
		unit, last, _ := strings.Cut(form, "%s")
		for _, n := range []int{100, size / len(unit)} {
			tail := ""
			if strings.HasSuffix(unit, ",") || strings.HasSuffix(unit, "(") {
				tail = strings.Repeat(strings.TrimLeft(last, "0123456789abcdefg"), n-1)
			}
			readLarge(t, "* | where "+strings.Repeat(unit, n)+last+tail)
		}
	}
	for _, unit := range []string{`NOT f="x" AND `, `NOT (f="x" OR g="y" AND `, `NOT (NOT f="x" AND g="y") OR `, `f="a\nb" OR `, `if(f="a",g,h)="b" AND `} {
		n := min(size/len(unit), readDepth)
		readLarge(t, "* | where "+strings.Repeat(unit, n)+"isnull(f)"+strings.Repeat(")", n*(strings.Count(unit, "(")-strings.Count(unit, ")"))))
	}
}

func readLarge(t *testing.T, query string) {
	t.Helper()
	q, err := Reader{Macros: map[string]Macro{"m": {Definition: "m=1"}}}.Read(query, readTypes)
	if err == nil {
		_ = q.Where.String()
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{
		`index=a f="x*" NOT (g IN (1, b) OR h!=c) | where if(tonumber('f')>5,1,0)=1 | stats count`,
		"| tstats `m` count from datamodel=X where X.a=CASE(b) by X.c",
		`| tstats summariesonly = t count("a" b) from datamodel="X.Y" where NOT (X.a=5 OR b=0x1) NOT c IN (1, "by") groupby X.d, PREFIX(e=) "f g" span=1h fillnull_value=x`,
		"`m(a,\"b\")` ```c``` [search d] e::f | regex g!=\"h\\d\" | fields - i | search j=\"k\\\\\"",
		`* | where coalesce(a,"b")="c" OR NOT case(isnull(d),1,like(e,"f%_"),2)!=2 AND searchmatch("g=\"h\" i")`,
		`* | where if(substr("x".lower('A'),1,1+len('B'))="x".lower('B'),1,0)=1 XOR mvcount(mvfilter(match(f,"a|b")))>0`,
		"|\u0085", "\u00a0 | \u2003", // white space of Unicode, and not of SPL
	} {
		f.Add(s)
	}
	r := Reader{Macros: map[string]Macro{
		"m": {Definition: "`n` OR x=1"}, "n": {Definition: `y="$z$"`}, "o": {[]string{"z"}, "`m` | `o($z$)`"},
	}}
	f.Fuzz(func(t *testing.T, query string) {
		q, err := r.Read(query, readTypes)
		if err != nil {
			var e *ir.Diagnostic
			if !errors.As(err, &e) || e.Pos.Line < 1 || e.Pos.Column < 1 || q != nil {
				t.Fatal(err)
			}
			return
		}
		if q.Where.String() == "" || !slices.IsSorted(q.Assumptions) {
			t.Fatal(q)
		}
		for _, l := range q.Unjudged() {
			if l.Name == "" || l.Text == "" {
				t.Fatal(l)
			}
		}
	})
}

// TestStages: what a person reads of a search.
func TestStages(t *testing.T) {
	got, err := Stages("a=\"|\" `m(\"x|y\")`\n| where b=1 ```no```\n | stats count [search c|head 1] by d")
	want := []ir.Command{
		{Name: "search", Text: "a=\"|\" `m(\"x|y\")`", Pos: ir.Pos{Line: 1, Column: 1}},
		{Name: "where", Text: "where b=1", Pos: ir.Pos{Line: 2, Column: 3}},
		{Name: "stats", Text: "stats count [search c|head 1] by d", Pos: ir.Pos{Line: 3, Column: 4}},
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := Stages("a | [b"); err == nil || !strings.HasPrefix(err.Error(), "1:5: ") {
		t.Error(err)
	}
}
