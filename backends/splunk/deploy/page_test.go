package deploy

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// TestPage holds the table of checks in docs/deploy/splunk.md.
func TestPage(t *testing.T) {
	const file, begin, end = "../../../docs/deploy/splunk.md", "-run TestPage -update -->\n", "\n<!-- end -->"
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := bytes.Cut(page, []byte(begin))
	_, tail, found := bytes.Cut(rest, []byte(end))
	if !ok || !found {
		t.Fatal("the page has no place for the checks")
	}
	var b strings.Builder
	b.Write(head)
	b.WriteString(begin + "\n| Check | Severity | What | Source |\n|---|---|---|---|\n")
	for _, c := range checks {
		b.WriteString("| `" + c.ID + "` | " + c.Severity + " | " + c.What + " | " + c.Source + " |\n")
	}
	b.WriteString(end)
	b.Write(tail)
	golden(t, file, []byte(b.String()))
}
