package sigmac_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"sigmac"
	"sigmac/backends"
	"sigmac/parser"
)

// TestLimits holds that a query that is larger than a limit by one is told with the limit
// and its source, and one that meets it is not, and that each limit has its row in
// docs/semantics.md.
func TestLimits(t *testing.T) {
	docs, err := os.ReadFile("docs/semantics.md")
	if err != nil {
		t.Fatal(err)
	}
	const rule = `title: Many
logsource: {category: test}
detection:
  sel: {f: [aaa, b*, 'c?d'], g: [1, 2, 3], h|re: [x, y]}
  condition: [sel, not sel]
`
	limits := 0
	for _, target := range sigmac.Targets() {
		for _, l := range target.Limits {
			limits++
			row := fmt.Sprintf("\n| %s | %s | %s %s", target.Name, l.Of, thousands(l.Max), l.Unit)
			if _, rest, ok := strings.Cut(string(docs), row); !ok || !strings.Contains(strings.SplitN(rest, "\n", 2)[0], "| "+l.Source+" |") {
				t.Errorf("docs/semantics.md has no row%s … | %s |", row, l.Source)
			}
			warnings := func(most int) []string {
				small, limit := *target, l
				limit.Max = most
				small.Limits = []backends.Limit{limit}
				var out []string
				for res := range sigmac.Compile(parser.Parse("rule.yml", []byte(rule)), sigmac.Unmapped(&small)) {
					if len(res.Errors) > 0 || len(res.Queries) != 2 {
						t.Fatal(res.Errors)
					}
					for _, w := range res.Mapped.Warnings {
						out = append(out, w.Error())
					}
				}
				return out
			}
			at := 0
			for len(warnings(at)) > 0 {
				at++
			}
			got := warnings(at - 1)
			if len(got) == 0 || !strings.Contains(got[len(got)-1], fmt.Sprintf("the query has %d %s, and %s takes %d (%s)", at, l.Unit, l.Of, at-1, l.Source)) {
				t.Errorf("%s, %s: %q", target.Name, l.Of, got)
			}
		}
	}
	if limits < 5 {
		t.Errorf("%d limits only", limits)
	}
}

// thousands is n with commas.
func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
