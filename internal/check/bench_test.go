package check

import (
	"bytes"
	"os"
	"runtime"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"sigmac/internal/corpus"
	"sigmac/verify"
)

// BenchmarkCheck compares checks of all public rules, without and with the
// prover, with what yaml.v3 alone needs to decode the same bytes into nodes, one
// after the other.
func BenchmarkCheck(b *testing.B) {
	var files []File
	for _, f := range corpus.Files(b, ".yml", "sigma/rules*") {
		src, err := os.ReadFile(f)
		if err != nil {
			b.Fatal(err)
		}
		files = append(files, File{f, f, src})
	}
	var decoding, checking, proving time.Duration
	for b.Loop() {
		runtime.GC()
		start := time.Now()
		for _, f := range files {
			for d := yaml.NewDecoder(bytes.NewReader(f.Data)); ; {
				var n yaml.Node
				if d.Decode(&n) != nil {
					break
				}
			}
		}
		decoding += time.Since(start)
		runtime.GC()
		start = time.Now()
		Run(files, Options{Profile: "sigmahq"})
		checking += time.Since(start)
		runtime.GC()
		start = time.Now()
		Run(files, Options{Profile: "sigmahq", Prover: true, Budget: verify.DefaultBudget})
		proving += time.Since(start)
	}
	b.ReportMetric(checking.Seconds()/decoding.Seconds(), "x-yaml")
	b.ReportMetric(proving.Seconds()/decoding.Seconds(), "x-yaml-proved")
}
