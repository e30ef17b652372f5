package sigmac_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"sigmac"
)

// BenchmarkConvert compares the way from the bytes of all rules to the queries
// of three targets with what yaml.v3 alone needs to decode the same bytes into
// nodes, both on all cores. The ratio is what counts.
func BenchmarkConvert(b *testing.B) {
	files := corpusFiles(b, "rules*")
	sources := make([][]byte, len(files))
	size := 0
	for i, f := range files {
		src, err := os.ReadFile(f)
		if err != nil {
			b.Fatal(err)
		}
		sources[i] = src
		size += len(src)
	}
	targets := allTargets()
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // as the command does
	var decoding, converting time.Duration
	rules := 0
	for b.Loop() {
		runtime.GC()
		start := time.Now()
		decodeAll(b, sources)
		decoding += time.Since(start)
		runtime.GC()
		start = time.Now()
		c, errs := sigmac.ParseFiles(files, func(i int) ([]byte, error) { return sources[i], nil })
		if len(errs) > 0 {
			b.Fatal(errs)
		}
		for range sigmac.Compile(c, sigmac.Options{Targets: targets}) {
		}
		converting += time.Since(start)
		rules = len(c.Documents)
	}
	b.SetBytes(int64(size))
	b.ReportMetric(converting.Seconds()/decoding.Seconds(), "x-yaml")
	b.ReportMetric(float64(rules)*float64(b.N)/converting.Seconds(), "rules/s")
}

// decodeAll decodes into nodes, on all cores.
func decodeAll(b *testing.B, sources [][]byte) {
	var next atomic.Int64
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(sources)); i = next.Add(1) - 1 {
				d := yaml.NewDecoder(bytes.NewReader(sources[i]))
				for {
					var n yaml.Node
					if err := d.Decode(&n); errors.Is(err, io.EOF) {
						break
					} else if err != nil {
						b.Error(err)
						return
					}
				}
			}
		})
	}
	workers.Wait()
}

// BenchmarkProcess compares a cold process that converts one rule with one that
// prints the version, and reports the peak memory of one that converts all.
func BenchmarkProcess(b *testing.B) {
	dir := b.TempDir()
	bin := filepath.Join(dir, "sigmac")
	if out, err := exec.Command("go", "build", "-o", bin, "./cmd/sigmac").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	run := func(args ...string) (time.Duration, *os.ProcessState) {
		cmd := exec.Command(bin, args...)
		start := time.Now()
		if err := cmd.Run(); err != nil {
			b.Fatal(args, err)
		}
		return time.Since(start), cmd.ProcessState
	}
	rules, err := filepath.Glob(filepath.Join("examples", "rules", "*.yml"))
	if err != nil || len(rules) == 0 {
		b.Fatal("no example rules", err)
	}
	one := []string{"convert", "-t", "splunk", "-t", "kusto", "-t", "elastic", rules[0]}
	var version, convert time.Duration
	for b.Loop() {
		v, _ := run("version")
		c, _ := run(one...)
		version, convert = version+v, convert+c
	}
	b.ReportMetric(convert.Seconds()/version.Seconds(), "x-version")
	b.ReportMetric(1000*version.Seconds()/float64(b.N), "ms-version")
	b.ReportMetric(1000*convert.Seconds()/float64(b.N), "ms-convert")
	all, err := filepath.Glob(filepath.Join(corpusDir(b), "sigma", "rules*"))
	if err != nil {
		b.Fatal(err)
	}
	_, state := run(append([]string{"convert", "-s", "-t", "splunk", "-t", "kusto", "-t", "elastic", "--json"}, all...)...)
	if usage, ok := state.SysUsage().(*syscall.Rusage); ok {
		b.ReportMetric(float64(usage.Maxrss)/1024, "MB-peak-all")
	}
}
