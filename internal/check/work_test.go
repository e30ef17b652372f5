package check

import (
	"fmt"
	"runtime"
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

// clones are rules with the same structure and other values, a few of which say the same.
func clones(n int) (files []File) {
	for i := range n {
		src := fmt.Sprintf(`title: Clone %[1]d
id: 00000000-0000-4000-8000-%012[1]d
logsource: {category: process_creation, product: windows}
detection:
  selection:
    Image|endswith: ['\a%04[2]d.exe', '\b%04[2]d.exe']
    CommandLine|contains|all: [' -x', 'arg%04[2]d']
  words:
    CommandLine|re: 'v%04[2]d[0-9]+x'
  filter_main:
    ParentImage|startswith: 'C:\Program Files\%[2]d\'
  filter_other:
    User|contains: ['adm%[2]d', 'svc%[2]d']
    DestinationIp|cidr: '10.%[3]d.0.0/16'
  condition: selection and words and not 1 of filter_*
`, i, i-i%10/9, i%256) // one of ten is its neighbour
		name := fmt.Sprintf("clone_number_%05d.yml", i)
		files = append(files, File{Path: name, Name: name, Data: []byte(src)})
	}
	return files
}

// TestRunRules holds that looking at rules with the prover costs in proportion to how many there
// are, by what is allocated: no rule is asked about with each other.
func TestRunRules(t *testing.T) {
	cost := func(n int) (allocs, size float64) {
		files := clones(n)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		Run(files, Options{Profile: "sigmahq", Prover: true, Budget: verify.DefaultBudget})
		runtime.ReadMemStats(&after)
		return float64(after.Mallocs - before.Mallocs), float64(after.TotalAlloc - before.TotalAlloc)
	}
	cost(10) // what is made once
	small, bytes := cost(100)
	if large, more := cost(400); large > 4.5*small || more > 4.5*bytes {
		t.Errorf("100 rules take %.0f allocations of %.0f bytes, 400 take %.0f of %.0f", small, bytes, large, more)
	} else {
		t.Logf("%.2f times the allocations, %.2f times the bytes", large/small, more/bytes)
	}
}
