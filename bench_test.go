package sigmac_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"sigmac"
	"sigmac/backends"
	"sigmac/internal/corpus"
	"sigmac/internal/link"
	"sigmac/internal/ordered"
	"sigmac/parser"
	"sigmac/verify"
)

// BenchmarkConvert compares the way from the bytes of all rules to the queries
// of three targets, and of one, with what yaml.v3 alone needs to decode the same bytes
// into nodes, both on all cores. The ratio is what counts.
func BenchmarkConvert(b *testing.B) {
	b.Run("all", func(b *testing.B) { benchmarkConvert(b, sigmac.Targets()...) })
	for _, t := range sigmac.Targets() {
		b.Run(t.Name, func(b *testing.B) { benchmarkConvert(b, t) })
	}
}

func benchmarkConvert(b *testing.B, targets ...*backends.Target) {
	files := corpus.Files(b, ".yml", "sigma/rules*")
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
	defer debug.SetGCPercent(debug.SetGCPercent(300)) // as the command does
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
		for range sigmac.Compile(c, sigmac.Unmapped(targets...)) {
		}
		converting += time.Since(start)
		rules = len(c.Documents)
	}
	b.SetBytes(int64(size))
	b.ReportMetric(converting.Seconds()/decoding.Seconds(), "x-yaml")
	b.ReportMetric(float64(rules)*float64(b.N)/converting.Seconds(), "rules/s")
}

// BenchmarkVerify compares proving all queries with converting the rules.
func BenchmarkVerify(b *testing.B) {
	c := corpus.Parse(b, "sigma/rules*")
	files := corpus.Files(b, ".yml", "sigma/rules*")
	defer debug.SetGCPercent(debug.SetGCPercent(300)) // as the command does
	var converting, proving time.Duration
	queries := 0
	for b.Loop() {
		start := time.Now()
		if _, errs := sigmac.ParseFiles(files, func(i int) ([]byte, error) { return os.ReadFile(files[i]) }); len(errs) > 0 {
			b.Fatal(errs)
		}
		results := slices.Collect(sigmac.Compile(c, sigmac.Unmapped(sigmac.Targets()...)))
		converting += time.Since(start)
		start = time.Now()
		queries = 0
		for _, n := range ordered.Map(results, func(res sigmac.Result) int {
			for i, query := range res.Queries {
				if _, err := verify.Query(res.Target, res.Want, i, query, verify.DefaultBudget); err != nil {
					b.Error(err)
				}
			}
			return len(res.Queries)
		}) {
			queries += n
		}
		proving += time.Since(start)
	}
	b.ReportMetric(proving.Seconds()/converting.Seconds(), "x-convert")
	b.ReportMetric(float64(queries)*float64(b.N)/proving.Seconds(), "queries/s")
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

// BenchmarkDefaults compares the default tables of three targets, over all rules, with
// the pipelines named: each rule by those that its table has chosen for it.
func BenchmarkDefaults(b *testing.B) {
	c := corpus.Parse(b, "sigma/rules*")
	defer debug.SetGCPercent(debug.SetGCPercent(300)) // as the command does
	var tables []sigmac.Mapping
	for _, t := range sigmac.Targets() {
		tables = append(tables, sigmac.DefaultMapping(t))
	}
	named := make([][]sigmac.Mapping, len(c.Documents))
	for i, d := range c.Documents {
		for _, m := range tables {
			named[i] = append(named[i], m.Of(d))
		}
	}
	var choosing, given time.Duration
	for b.Loop() {
		runtime.GC()
		start := time.Now()
		for range sigmac.Compile(c, sigmac.Options{Mappings: tables}) {
		}
		choosing += time.Since(start)
		runtime.GC()
		start = time.Now()
		indexes := make([]int, len(c.Documents))
		for i := range indexes {
			indexes[i] = i
		}
		for range ordered.Map(indexes, func(i int) []sigmac.Result {
			return sigmac.CompileDocument(c.Documents[i], sigmac.Options{Mappings: named[i]})
		}) {
		}
		given += time.Since(start)
	}
	b.ReportMetric(choosing.Seconds()/given.Seconds(), "x-named")
	b.ReportMetric(float64(len(c.Documents))*float64(b.N)/choosing.Seconds(), "rules/s")
}

// BenchmarkCorrelations compares converting correlations, each of four rules of its own, with
// converting these rules by themselves.
func BenchmarkCorrelations(b *testing.B) {
	var rules, all strings.Builder
	for i := range 400 {
		fmt.Fprintf(&rules, "title: Rule %d\nname: rule%[1]d\nlogsource: {product: windows, category: process_creation}\ndetection:\n"+
			"  s: {Image|endswith: ['\\a%[1]d.exe', '\\b%[1]d.exe'], CommandLine|contains: [alpha, beta]}\n  f: {ParentImage|endswith: '\\svc.exe'}\n  condition: s and not f\n---\n", i)
	}
	all.WriteString(rules.String())
	for i := range 100 {
		fmt.Fprintf(&all, "title: Correlation %d\ncorrelation: {type: temporal_ordered, rules: [rule%d, rule%d, rule%d, rule%d], group-by: ParentImage, timespan: 5m}\n---\n", i, 4*i, 4*i+1, 4*i+2, 4*i+3)
	}
	parse := func(src string) []*parser.Document {
		return parser.Parse("rules.yml", []byte(strings.TrimSuffix(src, "---\n"))).Documents
	}
	for _, target := range sigmac.Targets() {
		b.Run(target.Name, func(b *testing.B) {
			maps := []sigmac.Mapping{sigmac.DefaultMapping(target)}
			convert := func(src string) time.Duration {
				queries := 0
				start := time.Now()
				docs := parse(src)
				o := sigmac.Options{Mappings: maps, Correlations: link.NewCorrelations(docs, nil)}
				for _, d := range docs {
					if !o.Correlations.Silent(d) {
						queries += len(sigmac.CompileDocument(d, o)[0].Queries)
					}
				}
				took := time.Since(start)
				if queries < 100 {
					b.Fatalf("%d queries", queries)
				}
				return took
			}
			var apart, together time.Duration
			for b.Loop() {
				apart += convert(rules.String())
				together += convert(all.String())
			}
			b.ReportMetric(together.Seconds()/apart.Seconds(), "x-rules")
		})
	}
}
