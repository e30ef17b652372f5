package verify_test

import (
	"testing"

	"sigmac/ir"
	"sigmac/parser"
	"sigmac/targets"
	"sigmac/verify"
)

// TestSplunkQueries holds verdicts on queries of others in which PCRE, the texts
// of eval and NOT decide. What depends on what Splunk makes of null, or of an
// escape that is not written down, is agreed; what differs either way is refuted.
func TestSplunkQueries(t *testing.T) {
	for _, c := range []struct {
		rule, condition, query string
		want                   verify.Verdict
	}{
		{`f|re: 'foo$'`, "s", `* | regex f="foo$"`, verify.Proved},
		{`f|re: 'foo\Z'`, "s", `* | regex f="foo$"`, verify.Proved},
		{`f|re: 'foo\z'`, "s", `* | regex f="foo$"`, verify.Refuted},
		{`f|re: 'foo$'`, "s", `* | regex f="foo\z"`, verify.Refuted},
		{`f|re: '(?m)foo$'`, "s", `* | regex f="foo$"`, verify.Refuted},
		{`f|re: 'foo$'`, "s", `* | where match(f,"foo\n?\z")`, verify.Proved},
		{`f|endswith|cased: foo`, "s", `* | where match(f,"foo$")`, verify.Refuted},
		{`f|re: '^(?!x)a$'`, "s", `* | regex f="^(?!x)a$"`, verify.Proved},
		{`f|re|i: 'a(?=b)'`, "s", `* | regex f="a(?=b)"`, verify.Agreed},
		{`f|re|i: '[A1-a](?=b)'`, "s", `* | where match(f,"(?i)[1-z](?=b)")`, verify.Proved},
		{`f|re: '(?i)(a)\1'`, "s", `* | where match(f,"(?i)(a)(?-i)\1")`, verify.Agreed},
		{`f|re: 'foo$\n'`, "s", `* | regex f="foo$\n"`, verify.Proved},
		{`f|re: '\bfoo\b'`, "s", `* | where match(f,"\bfoo\b")`, verify.Proved},
		{`f|re: '[\w\-.]+x'`, "s", `* | where match(f,"[\w-.]+x")`, verify.Proved},

		{`f|cased: 'C:\temp'`, "s", `* | where f="C:\temp"`, verify.Refuted},
		{`f|cased: 'C:\temp'`, "s", `* | where f="C:\\temp"`, verify.Proved},
		{`f|cased: 'C:\dir'`, "s", `* | where f="C:\dir"`, verify.Proved},
		{`f|cased: 'C:\new'`, "s", `* | where f="C:\new"`, verify.Agreed},
		{`f|cased: 'C:\old'`, "s", `* | where f="C:\new"`, verify.Refuted},
		{`f|cased|startswith: 'C:\new'`, "s", `* | where like(f,"C:\new%")`, verify.Agreed},
		{`f: 'C:\temp'`, "s", `f="C:\temp"`, verify.Proved},

		{`f: foo`, "not s", `* | where NOT f="bar"`, verify.Refuted},
		{`f: foo`, "s", `* | where NOT f="foo"`, verify.Refuted},
		{`f|cased: bar`, "not s", `* | where NOT f="bar"`, verify.Agreed},
		{`f|cased: bar`, "not s", `* | where isnotnull(f) AND NOT f="bar" OR isnull(f)`, verify.Proved},
		{`f|cased: [bar, baz]`, "not s", `* | where NOT f IN ("bar","baz")`, verify.Agreed},
		{`f|cased: [bar, baz]`, "not s", `* | where NOT (f="bar" OR f="bat")`, verify.Refuted},
		{`f|re: x`, "not s", `* | where NOT match(f,"y")`, verify.Refuted},
		{`f|re: x`, "not s", `* | where NOT if(match(f,"x"),1,0)=1`, verify.Proved},
		{`f|cased: bar`, "s", `* | where NOT NOT f="bar"`, verify.Agreed},
		{`f|cidr: 10.0.0.0/8`, "not s", `* | where NOT cidrmatch("10.0.0.0/8",f)`, verify.Agreed},
		{`f|cidr: 10.0.0.0/8`, "not s", `* | where NOT cidrmatch("10.0.0.0/9",f)`, verify.Refuted},

		{`f: ß`, "s", `* | where upper(f)="ß"`, verify.Agreed},
		{`f: ß`, "s", `* | where lower(f)="ß"`, verify.Proved},
		{`f: i`, "s", `* | where lower(f)="i"`, verify.Proved},
	} {
		doc := parser.Parse("r.yml", []byte("title: T\nlogsource: {category: test}\ndetection:\n  s:\n    "+c.rule+"\n  condition: "+c.condition+"\n")).Documents[0]
		if len(doc.Errors) > 0 {
			t.Fatal(doc.Errors)
		}
		rule, err := ir.Inline(ir.TypeFields(doc.Rule))
		if err != nil {
			t.Fatal(err)
		}
		res, err := verify.Query(targets.Must("splunk"), rule, 0, c.query, verify.DefaultBudget)
		if err != nil {
			t.Errorf("%s: %v", c.query, err)
		} else if res.Verdict != c.want {
			t.Errorf("%s, %s, %s: %s, want %s: %s %v", c.rule, c.condition, c.query, res.Verdict, c.want, res.Reason, res.Counterexample)
		}
	}
}
