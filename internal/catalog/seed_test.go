package catalog

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigmac/parser"
)

// TestSeed holds that the page of the rule of the first page is that page: the
// stages with their bodies, the exclusions and the indicators, in their order.
func TestSeed(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "shared", "seed", "*.txt"))
	if err != nil || len(files) == 0 {
		t.Skip("needs the page of the first rule, ../shared/seed/*.txt beside the repository")
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	between := func(from, to string) string {
		_, rest, ok := strings.Cut(page, from)
		part, _, ok2 := strings.Cut(rest, to)
		if !ok || !ok2 {
			t.Fatalf("no part from %q to %q", from, to)
		}
		return strings.TrimSpace(part)
	}
	src := []byte(between("Rule body yaml", "\nStages and Predicates") + "\n")
	d := parser.Parse("seed.yml", src).Documents[0]
	if len(d.Errors) > 0 {
		t.Fatal(d.Errors)
	}
	p := Explain(d.Rule, src)

	var stages strings.Builder
	for i, s := range p.Stages {
		fmt.Fprintf(&stages, "Stage %d: %s\n\n%s\n\n", i, s.Label, s.Body)
	}
	if got, want := strings.TrimSpace(stages.String()), between("\nStages and Predicates", "\nExclusions\n"); got != want {
		t.Errorf("stages\n%s\nwant\n%s", got, want)
	}
	var rows strings.Builder
	for _, e := range p.Exclusions {
		rows.WriteString(e.Field + e.Kind.String() + e.Value + "\n")
	}
	if got, want := strings.TrimSpace(rows.String()), between("FieldKindExcluded values", "\nIndicators\n"); got != want {
		t.Errorf("exclusions\n%s\nwant\n%s", got, want)
	}
	rows.Reset()
	for _, in := range p.Indicators {
		rows.WriteString(in.Field + in.Kind.String() + "\n")
		for _, v := range in.Values {
			rows.WriteString("  • " + v.Value)
			if len(v.Transforms) > 0 {
				rows.WriteString(" transforms: " + strings.Join(v.Transforms, ", "))
			}
			rows.WriteString("\n")
		}
	}
	_, rest, _ := strings.Cut(page, "FieldKindValues")
	var want strings.Builder
	for line := range strings.Lines(strings.TrimSpace(rest)) {
		// Counts need the four catalogs.
		line, _, _ = strings.Cut(strings.TrimRight(line, "\n"), " corpus ")
		want.WriteString(line + "\n")
	}
	if rows.String() != want.String() {
		t.Errorf("indicators\n%s\nwant\n%s", rows.String(), want.String())
	}
}
