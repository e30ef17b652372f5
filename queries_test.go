package sigmac_test

import (
	"fmt"
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

// TestCostTables holds the tables of docs/queries.md that say what conditions cost; -update
// writes them.
func TestCostTables(t *testing.T) {
	const path, begin, end = "docs/queries.md", "<!-- costs: go test . -run TestCostTables -update -->\n", "<!-- end -->\n"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has no place for the tables", path)
	}
	var b strings.Builder
	for _, target := range sigmac.Targets() {
		for _, f := range target.Formats {
			fmt.Fprintf(&b, "| %s, format %s | How it is answered | Source |\n|---|---|---|\n", target.Title, f.Name)
			for _, c := range f.Costs {
				fmt.Fprintf(&b, "| %s | %s | %s |\n", c.Class, c.How, c.Source)
			}
			b.WriteString("\n")
		}
	}
	page := before + begin + "\n" + b.String() + end + after
	if *update {
		if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if page != string(text) {
		t.Errorf("%s has other tables of costs; run go test . -run TestCostTables -update", path)
	}
}
