package check

import (
	"fmt"
	"strings"
	"testing"

	"sigmac/verify"
)

// TestRunLinear holds that looking at a list costs in proportion to its values, by
// what is allocated.
func TestRunLinear(t *testing.T) {
	for name, value := range map[string]string{
		"CommandLine|re":           "v%04dx[0-9]+",
		"CommandLine|contains":     "v%04dx",
		"CommandLine|contains|all": "v%04dx",
		"CommandLine":              "*v%04dx*",
		"DestinationIp|cidr":       "10.0.%d.0/24",
	} {
		allocs := func(n int) float64 {
			var b strings.Builder
			b.WriteString("title: A Title\nlogsource:\n  category: process_creation\n  product: windows\ndetection:\n  selection:\n    " + name + ":\n")
			for i := range n {
				fmt.Fprintf(&b, "      - '"+value+"'\n", i)
			}
			b.WriteString("  condition: selection\n")
			f := File{Path: "list_of_values.yml", Name: "list_of_values.yml", Data: []byte(b.String())}
			return testing.AllocsPerRun(1, func() { Run([]File{f}, Options{Prover: true, Budget: verify.DefaultBudget}) })
		}
		if small, large := allocs(60), allocs(240); large > 8*small {
			t.Errorf("%s: 60 take %.0f allocations, 240 take %.0f", name, small, large)
		}
	}
}
