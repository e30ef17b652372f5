package sigmac_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"sigmac"
	"sigmac/parser"
	"sigmac/verify"
)

// TestQueriesPage holds the queries that docs/queries.md shows of its rules.
func TestQueriesPage(t *testing.T) {
	page, err := os.ReadFile("docs/queries.md")
	if err != nil {
		t.Fatal(err)
	}
	rule, shown := "", 0
	for _, m := range regexp.MustCompile("(?s)```([a-z]+)\n(.*?\n)```\n").FindAllStringSubmatch(string(page), -1) {
		if m[1] == "yaml" {
			rule = m[2]
			continue
		}
		for _, target := range sigmac.Targets() {
			if target.Extension != "."+m[1] {
				continue
			}
			shown++
			c := parser.Parse("rule.yml", []byte(rule))
			o := sigmac.Options{Mappings: []sigmac.Mapping{sigmac.DefaultMapping(target)}, Pretty: true}
			for res := range sigmac.Compile(c, o) {
				if len(res.Errors) > 0 || strings.Join(res.Queries, "\n")+"\n" != m[2] {
					t.Errorf("%s: %v\n%s\nthe page has\n%s", rule, res.Errors, strings.Join(res.Queries, "\n"), m[2])
				}
				for _, p := range sigmac.Verify(res, verify.DefaultBudget) {
					if p.Verdict != "proved" {
						t.Errorf("%s: %s", p.Query, p.Verdict)
					}
				}
			}
		}
	}
	if shown == 0 {
		t.Error("no query is shown")
	}
}
