package main

import (
	"bytes"
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"sigmac/internal/clones"
)

// scaled are the commands that BenchmarkScale runs, one after the other. OLD and NEW stand for directories of
// rules, of which one in a hundred differs, and SITE for that of a catalog.
var scaled = []struct{ name, args string }{
	{"convert", "convert -s --json -t splunk -t kusto -t elastic NEW"},
	{"check", "check --without-prover NEW"},
	{"check-prover", "check NEW"},
	{"verify", "verify --json -t splunk -t kusto -t elastic NEW"},
	{"diff", "diff OLD NEW"},
	{"diff-targets", "diff --json -t splunk -t kusto -t elastic OLD NEW"},
	{"findings", "catalog findings NEW"},
	{"catalog", "catalog build --from-scratch --sigma NEW -o SITE"},
	{"catalog-again", "catalog build --sigma NEW -o SITE"},
	{"findings-index", "catalog findings --index SITE"},
}

// BenchmarkScale runs the command over repositories of clones of rules. SIGMAC_SCALE has their sizes, as in
// 1000,10000,100000. It reports seconds and seconds of CPU for 1,000 rules, how many times as much CPU a rule
// takes as in the first of the repositories, 1 where the work is linear, and the peak memory.
func BenchmarkScale(b *testing.B) {
	bin := build(b)
	dirs := map[string]*strings.Replacer{}
	sizes := strings.Split(cmp.Or(os.Getenv("SIGMAC_SCALE"), "200,1000"), ",")
	for _, size := range sizes {
		n, err := strconv.Atoi(size)
		if err != nil || n < 1 {
			b.Fatalf("SIGMAC_SCALE: %q is no number of rules", size)
		}
		old, new := filepath.Join(b.TempDir(), "rules"), filepath.Join(b.TempDir(), "rules")
		if err := (clones.Repository{Rules: n}).Write(old); err != nil {
			b.Fatal(err)
		}
		if err := (clones.Repository{Rules: n, Changed: true}).Write(new); err != nil {
			b.Fatal(err)
		}
		dirs[size] = strings.NewReplacer("OLD", old, "NEW", new, "SITE", filepath.Join(b.TempDir(), "site"))
	}
	for _, c := range scaled {
		first := 0.0
		for _, size := range sizes {
			b.Run(c.name+"/"+size, func(b *testing.B) {
				var took, used time.Duration
				peak := 0.0
				for b.Loop() {
					cmd := exec.Command(bin, strings.Fields(dirs[size].Replace(c.args))...)
					var said bytes.Buffer
					cmd.Stderr = &said
					start := time.Now()
					peak = max(peak, peakMemory(b, cmd))
					took += time.Since(start)
					used += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
					if !cmd.ProcessState.Success() {
						b.Fatalf("%s: %s: %s", c.args, cmd.ProcessState, said.Bytes()[max(0, said.Len()-1000):])
					}
				}
				n, _ := strconv.Atoi(size)
				thousands := float64(b.N) * float64(n) / 1000
				each := used.Seconds() / thousands
				first = cmp.Or(first, each)
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(took.Seconds()/thousands, "s/1000")
				b.ReportMetric(each, "cpu-s/1000")
				b.ReportMetric(each/first, "x-first")
				b.ReportMetric(peak, "MB-peak")
			})
		}
	}
}
