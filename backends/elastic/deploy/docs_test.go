package deploy

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestPage holds that docs/deploy/elastic.md has the checks as they are.
func TestPage(t *testing.T) {
	page, err := os.ReadFile("../../../docs/deploy/elastic.md")
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	for _, c := range checks {
		fmt.Fprintf(&want, "| `%s` | %s | %s | %s |\n", c.ID, c.Severity, strings.ReplaceAll(c.What, "|", `\|`), strings.ReplaceAll(c.Source, "|", `\|`))
	}
	if !strings.Contains(string(page), "|---|---|---|---|\n"+want.String()+"\n") {
		t.Errorf("docs/deploy/elastic.md should have\n%s", want.String())
	}
}
