package verify_test

import (
	"testing"

	"sigmac/ir"
	"sigmac/parser"
	"sigmac/targets"
	"sigmac/verify"
)

// TestTerms holds verdicts on queries that ask for terms beside tests that imply them, or
// nearly do. Few steps are enough where they do, however many tests there are.
func TestTerms(t *testing.T) {
	many := `f|contains: ['\one\cached\', '\two\cached\', '\three\cached\', '\four\cached\', '\five\cached\', '\six\cached\', '\seven\cached\']`
	list := `(f contains @"\one\cached\" or f contains @"\two\cached\" or f contains @"\three\cached\" or f contains @"\four\cached\" ` +
		`or f contains @"\five\cached\" or f contains @"\six\cached\" or f contains @"\seven\cached\")`
	for _, c := range []struct {
		target, rule, query string
		want                verify.Verdict
	}{
		{"kusto", many, `f has "cached" and ` + list, verify.Proved},
		{"kusto", many, `f has_any ("cached", "never") and ` + list, verify.Proved},
		{"kusto", many, `f has "one" and ` + list, verify.Refuted},
		{"kusto", many, `g has "cached" and ` + list, verify.Refuted},
		{"kusto", many, `f has "cached"`, verify.Refuted},
		{"kusto", many, `f has "cached" and f has "cached"`, verify.Refuted},
		{"kusto", `f|contains: '-cached–'`, `f has "cached" and f contains "-cached–"`, verify.Proved},
		{"kusto", `f|contains: '²cached '`, `f has "cached" and f contains "²cached "`, verify.Agreed},
		{"kusto", `f|contains: 'xcached '`, `f has "cached" and f contains "xcached "`, verify.Refuted},
		{"kusto", `f|contains: ' cached '`, `f has_cs "cached" and f contains " cached "`, verify.Refuted},
		{"kusto", `f|contains|cased: ' cached '`, `f has_cs "cached" and f contains_cs " cached "`, verify.Proved},
		{"kusto", `f|contains: ' cached '`, `not(f has "cached" and not(f contains " cached "))`, verify.Refuted},
		{"kusto", `- ' cached '`, `* has "cached" and * contains " cached "`, verify.Proved},
		{"kusto", `- ' cached '`, `f has "cached" and * contains " cached "`, verify.Refuted},
		{"splunk", `- ' cached '`, `cached _raw="* cached *"`, verify.Proved},
		{"splunk", `- ' cached '`, `"cached" _raw="* cached *"`, verify.Proved},
		{"splunk", "- ' cached '\n    - '(never)'", `(cached OR never) _raw IN ("* cached *", "*(never)*")`, verify.Proved},
		{"splunk", "- ' cached '\n    - ' never'", `(cached OR never) _raw IN ("* cached *", "* never*")`, verify.Refuted},
		{"splunk", `f|contains: ' cached '`, `cached f="* cached *"`, verify.Refuted},
	} {
		doc := parser.Parse("r.yml", []byte("title: T\nlogsource: {category: test}\ndetection:\n  s:\n    "+c.rule+"\n  condition: s\n")).Documents[0]
		if len(doc.Errors) > 0 {
			t.Fatal(doc.Errors)
		}
		rule, err := ir.Inline(ir.TypeFields(doc.Rule))
		if err != nil {
			t.Fatal(err)
		}
		res, err := verify.Query(targets.Must(c.target), rule, 0, c.query, 300_000)
		if err != nil || res.Verdict != c.want {
			t.Errorf("%s, %s: %s, want %s: %s %v %v", c.rule, c.query, res.Verdict, c.want, res.Reason, res.Counterexample, err)
		}
		if _, proved := verify.Proves(targets.Must(c.target), rule, 0, c.query, 300_000); proved != (c.want == verify.Proved) {
			t.Errorf("%s, %s: proves %t", c.rule, c.query, proved)
		}
	}
}
