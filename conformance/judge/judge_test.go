package main

import (
	"bytes"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"sigmac"
	"sigmac/internal/corpus"
	"sigmac/internal/irtest"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/regex"
	"sigmac/targets"
	"sigmac/verify"
)

var update = flag.Bool("update", false, "rewrite the summaries in testdata")

// compiled is what a rule with a detection becomes at a target.
func compiled(t *testing.T, target, category, detection string) sigmac.Result {
	t.Helper()
	b, ok := targets.Named(target)
	if !ok {
		t.Fatal(target)
	}
	src := "title: x\nlogsource: {product: windows, category: " + category + "}\ndetection:\n" + detection
	res := sigmac.CompileDocument(parser.Parse("r.yml", []byte(src)).Documents[0],
		sigmac.Options{Mappings: []sigmac.Mapping{sigmac.DefaultMapping(b)}, NoIndexHelp: true})[0]
	if len(res.Errors) > 0 {
		t.Fatal(res.Errors)
	}
	return res
}

const (
	started = `
  sel: {CommandLine|contains: [run, far], ParentImage|endswith: '\p.exe'}
  condition: sel`
	others = `
  sel: {CommandLine|contains: [run, far]}
  f1: {ParentImage|endswith: '\p.exe'}
  f2: {CurrentDirectory|cased|startswith: W}
  condition: sel and not 1 of f*`
	connected = `
  sel: {DestinationPort|lt: 99}
  f: {SourceIp|cidr: 10.0.0.0/8}
  condition: sel and not f`
	changed = `
  sel: {TargetObject|endswith: '\Desktop\x.exe'}
  f1: {Image|endswith: '\p.exe'}
  f2: {Image|endswith: '\q.exe'}
  condition: sel and not 1 of f*`
	spelled = `
  sel: {CommandLine|re: 'run[0-9]$'}
  condition: sel`
)

// TestJudged holds that needless parts are found, by their classes, and that what is
// left is needed.
func TestJudged(t *testing.T) {
	for _, c := range []struct {
		target, category, detection string
		with                        []string // what is put into the query, in pairs: in place of this, that, or at its end
		classes                     string
		want                        string // is a part of what is left; empty: the query as it was
	}{
		{"splunk", "process_creation", started, []string{`EventCode=1`, `EventCode=1 EventCode=1`}, "conjunct", ``},
		{"splunk", "process_creation", started, []string{`"*far*")`, `"*far*", "*a far*")`}, "value of a list", ``},
		{"splunk", "process_creation", started, []string{`ParentImage="*\\p.exe"`, `(ParentImage="*\\p.exe")`}, "parentheses", ``},
		{"splunk", "process_creation", started, []string{`ParentImage=`, `(ParentImage="*\\pp.exe" ParentImage="*\\p.exe") OR ParentImage=`}, "disjunct", ``},
		{"splunk", "process_creation", started, []string{``, ` | where isnotnull('ParentImage')`}, "stage where", ``},
		{"splunk", "process_creation", spelled, []string{`"run`, `"(?s)run`}, "flags (?s)", ``},
		{"kusto", "process_creation", started, []string{`ActionType =~`, `isnotempty(ActionType) and ActionType =~`}, "test of presence as a conjunct", ``},
		{"kusto", "process_creation", started, []string{`"far"`, `"far" or tolower(ProcessCommandLine) contains "run"`}, "disjunct", ``},
		{"kusto", "process_creation", started, []string{`ProcessCommandLine contains "far"`, `tolower(ProcessCommandLine) contains "far"`}, "call of tolower", ``},
		{"kusto", "process_creation", started, []string{`ProcessCommandLine contains "far"`, `coalesce(ProcessCommandLine contains "far", false)`}, "call of coalesce", ``},
		{"kusto", "process_creation", started, []string{``, ` | where ActionType =~ "ProcessCreated"`}, "stage where", ``},
		{"kusto", "process_creation", started, []string{`ProcessCommandLine contains "far"`, `ProcessCommandLine matches regex "(?is).*far"`}, "anchor .*, flag (?s)", `"(?i)far"`},
		{"kusto", "process_creation", started, []string{`| where`, `| extend X = tolower(FolderPath) | where`}, "stage extend", ``},
		{"kusto", "process_creation", started, []string{`| where`, `| extend X = iff(false, FolderPath, ProcessCommandLine) | where`, `or ProcessCommandLine contains "far"`, `or X contains "far"`}, "base column", ``},
		{"kusto", "process_creation", started, []string{`| where`, `| extend Y = 1, X = trim("a", ProcessCommandLine) | where`}, "stage extend", ``},
		{"kusto", "process_creation", spelled, nil, "", ``},
		{"kusto", "registry_event", changed, nil, "", ``}, // no column is computed anew
		{"elastic", "process_creation", started, []string{`?process.command_line :`, `?process.command_line != null and ?process.command_line :`}, "test of presence as a conjunct", ``},
		{"elastic", "process_creation", others, nil, "", ``},
		{"elastic", "network_connection", connected, nil, "", ``},
	} {
		res := compiled(t, c.target, c.category, c.detection)
		query := res.Plain[0]
		for pair := range slices.Chunk(c.with, 2) {
			put := strings.Replace(query, pair[0], pair[1], 1)
			if pair[0] == "" {
				put = query + pair[1]
			}
			if put == query {
				t.Errorf("no %s in %s", pair[0], query)
			}
			query = put
		}
		j := judged(res, 0, query)
		var classes []string
		left := query
		for _, s := range j.Steps {
			classes, left = append(classes, s.Class), s.Query
		}
		if got := strings.Join(classes, ", "); got != c.classes || c.want == "" && left != res.Plain[0] || !strings.Contains(left, c.want) || j.Left != "" || j.Cut {
			t.Errorf("%s\n found %s: %s %s", query, got, left, j.Left)
		}
		needed(t, res, left)
	}
}

// needed holds that a query without any of its parts is refuted, or needs more
// assumptions, or cannot be read; without a call it may be something of which nothing is
// known.
func needed(t *testing.T, res sigmac.Result, query string) {
	t.Helper()
	before, err := verify.Query(res.Target, res.Want, 0, query, verify.DefaultBudget)
	if err != nil || before.Verdict != verify.Proved {
		t.Errorf("%s: %s %v", query, before.Verdict, err)
	}
	for _, e := range edits(query) {
		v, err := verify.Query(res.Target, res.Want, 0, e.apply(query), verify.DefaultBudget)
		unknown := v.Verdict == verify.Agreed && strings.HasPrefix(e.class, "call of ")
		if err == nil && v.Verdict != verify.Refuted && !unknown && len(v.Assumptions) <= len(before.Assumptions) {
			t.Errorf("%s without a %s is %s", query, e.class, v.Verdict)
		}
	}
}

// TestEdits holds what is tried of a query: without a part, or with less in its place.
func TestEdits(t *testing.T) {
	for query, want := range map[string][]string{
		`a="x" NOT (b="y" OR c IN ("u", "v"))`: {"conjunct: a=\"x\"", "disjunct: a=\"x\" NOT (b=\"y\")", "value of a list: a=\"x\" NOT (b=\"y\" OR c IN (\"u\"))",
			"value of a list: a=\"x\" NOT (b=\"y\" OR c IN (\"v\"))", "disjunct: a=\"x\" NOT (c IN (\"u\", \"v\"))", "conjunct: NOT (b=\"y\" OR c IN (\"u\", \"v\"))"},
		`* | where if(p('a')<2,1,0)=1`: {"stage where: *", "if(…,1,0)=1: * | where p('a')<2", "call of p: * | where if('a'<2,1,0)=1"},
		`T | extend X = f(A), Y = 'a' | where X == Y`: {"base column: T | extend Y = 'a' | where A == Y", "stage where: T | extend X = f(A), Y = 'a'",
			"stage extend: T | where X == Y", "computed column: T | extend X = f(A) | where X == Y", "computed column: T | extend Y = 'a' | where X == Y", "call of f: T | extend X = A, Y = 'a' | where X == Y"},
		`x where ?a != null and (?a : "b")`: {"conjunct: x where ?a != null", "parentheses: x where ?a != null and ?a : \"b\"", "test of presence as a conjunct: x where (?a : \"b\")"},
		`T | where a matches regex @"(?is)^b$"`: {"stage where: T", "anchor $: T | where a matches regex @\"(?is)^b\"", "anchor ^: T | where a matches regex @\"(?is)b$\"",
			"flags (?is): T | where a matches regex @\"^b$\"", "flag (?s): T | where a matches regex @\"(?i)^b$\"", "flag (?i): T | where a matches regex @\"(?s)^b$\""},
		`T | where tostring(a) == "(" and in_range(b, "c", "d")`: {"stage where: T", "conjunct: T | where tostring(a) == \"(\"", "call of in_range: T | where tostring(a) == \"(\" and b",
			"argument of in_range: T | where tostring(a) == \"(\" and in_range(b, \"c\")", "argument of in_range: T | where tostring(a) == \"(\" and in_range(b, \"d\")", "conjunct: T | where in_range(b, \"c\", \"d\")"},
		`a="x" NOT (b="y"`:    nil,
		`a="x" NOT b="y")`:    nil,
		`a="x" b="not closed`: {"conjunct: a=\"x\"", "conjunct: b=\"not closed"},
	} {
		var got []string
		for _, e := range edits(query) {
			got = append(got, e.class+": "+e.apply(query))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s\n%s", query, strings.Join(got, "\n"))
		}
	}
}

// TestNeedless holds what is found of the queries of the public rules: of every fifth
// rule, or with SIGMAC_JUDGE=all of all of them.
func TestNeedless(t *testing.T) {
	c := corpus.Parse(t, "sigma/rules*")
	file := ""
	if os.Getenv("SIGMAC_JUDGE") != "all" {
		file = "_fifth"
		fifth := &parser.Collection{}
		for i := 0; i < len(c.Documents); i += 5 {
			fifth.Documents = append(fifth.Documents, c.Documents[i])
		}
		c = fifth
	}
	for _, target := range sigmac.Targets() {
		t.Run(target.Name, func(t *testing.T) {
			var sum summary
			for path, js := range judgements(c, sigmac.DefaultMapping(target)) {
				for _, j := range js {
					sum.add(path, j)
				}
			}
			t.Logf("%d of %d queries have needless parts", sum.Needless, sum.Queries)
			corpus.Hold(t, "testdata/"+target.Name+file+".json", sum, *update)
		})
	}
}

// TestRun holds what the command prints, and its exit statuses.
func TestRun(t *testing.T) {
	for _, c := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"-t", "splunk", "../../examples/rules"}, 0, `"queries": 4,`},
		{[]string{"-v", "-t", "elastic", "../../examples/rules"}, 0, ""},
		{[]string{"-t", "splunk", "nowhere"}, 1, "nowhere"},
		{[]string{"-t", "other", "../../examples/rules"}, 2, "usage:"},
		{[]string{"-t", "splunk"}, 2, "usage:"},
		{[]string{"-x"}, 2, "-x"},
	} {
		var out bytes.Buffer
		if status := run(c.args, &out, &out); status != c.status || !strings.Contains(out.String(), c.want) {
			t.Errorf("%s: status %d\n%s", c.args, status, out.String())
		}
	}
}

// TestPrint holds what is shown of a query.
func TestPrint(t *testing.T) {
	for _, c := range []struct {
		j    judgement
		want string
	}{
		{judgement{Query: "q"}, ""},
		{judgement{Query: "q and r", Steps: []step{{"conjunct", 6, "q"}}}, "p\n  q and r\n- conjunct (6 characters)\n  q\n"},
		{judgement{Query: "q", Left: unproved}, "p\n  q\n- not proved\n"},
		{judgement{Query: "q", Cut: true}, "p\n  q\n- not tried to the end\n"},
	} {
		var out bytes.Buffer
		if c.j.print(&out, "p"); out.String() != c.want {
			t.Errorf("%q", out.String())
		}
	}
}

// TestVariants holds in which other ways a condition is said.
func TestVariants(t *testing.T) {
	a, b, c := irtest.Match("f", irtest.Pattern("a", false)), irtest.Match("f", irtest.Pattern("b", false)), irtest.Match("g", irtest.Pattern("c", false))
	re := func(source string) ir.Expr {
		x, err := ir.ParseRegexp(source, regex.Flags{})
		if err != nil {
			t.Fatal(err)
		}
		return irtest.Match("f", x)
	}
	not := func(e ir.Expr) ir.Expr { return ir.Not{X: e} }
	is := func(text string, cased bool) ir.Expr { return irtest.Match("f", irtest.Pattern(text, cased)) }
	for _, x := range []struct {
		e    ir.Expr
		want []ir.Expr
	}{
		{not(ir.Or{a, b, c}), []ir.Expr{
			ir.And{not(ir.Or{a, b}), not(c)}, ir.And{not(a), not(ir.Or{b, c})}, ir.And{not(b), not(ir.Or{a, c})},
			ir.And{not(c), not(ir.Or{a, b})}, ir.And{not(c), not(ir.Or{a, b})}, ir.And{not(a), not(b), not(c)}}},
		{not(ir.And{a, not(c)}), []ir.Expr{ir.Or{not(a), c}}},
		{ir.And{a, is("x*y*z", false)}, []ir.Expr{ir.And{a, ir.And{is("x*", false), is("*y*", false), is("*z", false)}}}},
		{ir.Or{a, is("x?y*", false)}, nil},
		{re(`^x.*y$`), []ir.Expr{is("x*y", true), ir.And{is("x*", true), is("*y", true)}}},
		{re(`(?i)x(?:y|z)`), []ir.Expr{ir.Or{is("*xy*", false), is("*xz*", false)}, ir.Or{is("*xy*", false), is("*xz*", false)}}},
		{re(`x(?i)y`), nil},
	} {
		var got []string
		for _, v := range variants(x.e) {
			got = append(got, v.e.String())
		}
		var want []string
		for _, e := range x.want {
			want = append(want, e.String())
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s\n%s", x.e, strings.Join(got, "\n"))
		}
	}
}
