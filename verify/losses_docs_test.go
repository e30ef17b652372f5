package verify_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"sigmac/backends"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/targets"
	"sigmac/verify"
)

// lossProbes are tests of each kind.
var lossProbes = []string{"f|exists: true", "f: null", "f: ''", "f: '*'", "f|re: 'x*'", "f|re: '^$'", "f|fieldref: g", "f|fieldref|startswith: g",
	"- foo", "f: foo", "f|contains: foo", "f: '?'", "f|re: x+", "f|cidr: 10.0.0.0/8", "f: 5", "f|gt: 5", "f: true", "f|hour: 5"}

// TestLossTable holds the tables of docs/semantics.md that say what becomes of the
// states of a field at each target, and which tests that makes answer otherwise;
// -update writes them.
func TestLossTable(t *testing.T) {
	const path, begin, end = "../docs/semantics.md", "<!-- losses: go test ./verify -run TestLossTable -update -->\n", "<!-- end -->\n"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has no place for the tables", path)
	}
	page := before + begin + "\n" + stateTable() + "\n" + lossTable(t) + "\n" + end + after
	if *update {
		if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if page != string(text) {
		t.Errorf("%s is not what the targets lose; run go test ./verify -run TestLossTable -update", path)
	}
}

// stateTable is what each target makes of each state of a field, of texts and of
// numbers.
func stateTable() string {
	var b strings.Builder
	b.WriteString("| The source has |")
	for _, target := range targets.All() {
		fmt.Fprintf(&b, " %s |", target.Name)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(targets.All())) + "\n")
	for s := range backends.States {
		fmt.Fprintf(&b, "| %s |", s)
		for _, target := range targets.All() {
			becomes := func(t ir.Type) string {
				switch in, occurs := target.World(t).In(s); {
				case !occurs:
					return "does not occur"
				case in == s:
					return "the same"
				default:
					return in.String()
				}
			}
			cell, of := becomes(ir.Text), becomes(ir.Numeric)
			switch {
			case s == backends.Alien:
				cell = of // every value is a text
			case s == backends.Empty && of != cell:
				cell += " in a text column" // in another one it is a value of another type
			}
			fmt.Fprintf(&b, " %s |", cell)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// lossTable is the losses of the probes.
func lossTable(t *testing.T) string {
	type row struct{ id, says, direction string }
	var rows []row
	tests := map[row][]string{}
	var without []string
	for _, probe := range lossProbes {
		src := "title: t\nlogsource: {category: test}\ndetection:\n  a:\n    " + probe + "\n  condition: a\n"
		doc := parser.Parse("probe", []byte(src)).Documents[0]
		if len(doc.Errors) > 0 {
			t.Fatal(doc.Errors)
		}
		want, err := ir.Want(doc.Rule)
		if err != nil {
			t.Fatal(err)
		}
		lost := false
		for _, target := range targets.All() {
			if _, refused := backends.Legalize(ir.Simplify(want), target.Format.Caps); len(refused) > 0 {
				continue
			}
			for _, l := range verify.Losses(target, want) {
				r := row{l.ID, l.Msg, l.Direction}
				if tests[r] == nil {
					rows = append(rows, r)
				}
				tests[r] = append(tests[r], "`"+probe+"`")
				lost = true
			}
		}
		if !lost {
			without = append(without, "`"+probe+"`")
		}
	}
	var b strings.Builder
	b.WriteString("| Id | Tests, such as | What the target cannot tell | The query is, and the reverse under a `not` |\n|---|---|---|---|\n")
	for _, r := range rows {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", r.id, strings.ReplaceAll(strings.Join(tests[r], ", "), "|", `\|`), r.says, r.direction)
	}
	fmt.Fprintf(&b, "\nNothing is lost of %s.\n", strings.Join(without, ", "))
	return b.String()
}

var update = flag.Bool("update", false, "rewrite the tables of docs/semantics.md")
