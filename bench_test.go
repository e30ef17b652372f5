package sigmac_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/BurntSushi/toml"
	"gopkg.in/yaml.v3"

	"sigmac"
	"sigmac/internal/catalog"
	"sigmac/internal/corpus"
	"sigmac/internal/ordered"
	"sigmac/pipeline"
	"sigmac/verify"
)

// BenchmarkConvert compares the way from the bytes of all rules to the queries
// of three targets with what yaml.v3 alone needs to decode the same bytes into
// nodes, both on all cores. The ratio is what counts.
func BenchmarkConvert(b *testing.B) {
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
		for range sigmac.Compile(c, sigmac.Unmapped(sigmac.Targets()...)) {
		}
		converting += time.Since(start)
		rules = len(c.Documents)
	}
	b.SetBytes(int64(size))
	b.ReportMetric(converting.Seconds()/decoding.Seconds(), "x-yaml")
	b.ReportMetric(float64(rules)*float64(b.N)/converting.Seconds(), "rules/s")
}

// BenchmarkPipeline compares converting all rules for a target through a
// pipeline of 700 items with converting them without one, from the bytes on.
func BenchmarkPipeline(b *testing.B) {
	files := corpus.Files(b, ".yml", "sigma/rules*")
	sources := make([][]byte, len(files))
	for i, f := range files {
		src, err := os.ReadFile(f)
		if err != nil {
			b.Fatal(err)
		}
		sources[i] = src
	}
	p, faults := pipeline.Parse("large.yml", []byte(largePipeline()))
	if len(faults) > 0 {
		b.Fatal(faults)
	}
	target := sigmac.Targets()[0]
	mapped := sigmac.Options{Mappings: []sigmac.Mapping{{Target: target, Pipeline: pipeline.Join(p)}}}
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // as the command does
	run := func(o sigmac.Options) time.Duration {
		runtime.GC()
		start := time.Now()
		c, errs := sigmac.ParseFiles(files, func(i int) ([]byte, error) { return sources[i], nil })
		if len(errs) > 0 {
			b.Fatal(errs)
		}
		for range sigmac.Compile(c, o) {
		}
		return time.Since(start)
	}
	var without, with time.Duration
	for b.Loop() {
		without += run(sigmac.Unmapped(target))
		with += run(mapped)
	}
	b.ReportMetric(with.Seconds()/without.Seconds(), "x-without")
}

// largePipeline is a pipeline of 700 items of the kinds that large ones have:
// conditions and field names by log source, checks by table, values by field.
func largePipeline() string {
	var b strings.Builder
	b.WriteString("transformations:\n")
	item := func(format string, args ...any) { fmt.Fprintf(&b, "  - "+format+"\n", args...) }
	for i := range 100 {
		item("{id: source_%[1]d, type: add_condition, conditions: {source: 's%[1]d'}, rule_conditions: [{type: logsource, product: windows, service: 'service%[1]d'}]}", i)
		item("{id: names_%[1]d, type: field_name_mapping, mapping: {Image: process%[1]d, CommandLine: line%[1]d}, rule_conditions: [{type: logsource, category: 'category%[1]d'}]}", i)
		item("{id: check_%[1]d, type: rule_failure, message: no, rule_conditions: [{type: processing_state, key: query_table, val: 'T%[1]d'}]}", i)
		item("{id: fields_%[1]d, type: detection_item_failure, message: no, rule_conditions: [{type: processing_item_applied, processing_item_id: source_%[1]d}], field_name_conditions: [{type: exclude_fields, fields: [a, b]}]}", i)
		item("{id: state_%[1]d, type: set_state, key: key%[1]d, val: x, rule_conditions: [{type: contains_field, field: 'Field%[1]d'}]}", i)
	}
	for i := range 100 {
		item("{id: value_%[1]d, type: replace_string, regex: '^x%[1]d$', replacement: y, field_name_conditions: [{type: include_fields, fields: ['Name%[1]d']}]}", i)
		item("{id: rename_%[1]d, type: field_name_mapping, mapping: {'Old%[1]d': 'New%[1]d'}}", i)
	}
	return b.String()
}

// BenchmarkVerify compares proving all queries with converting the rules.
func BenchmarkVerify(b *testing.B) {
	c := corpus.Parse(b, "sigma/rules*")
	files := corpus.Files(b, ".yml", "sigma/rules*")
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // as the command does
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

// BenchmarkProcess compares a cold process that converts one rule with one that
// prints the version, and reports the peak memory of one that converts all.
func BenchmarkProcess(b *testing.B) {
	dir := b.TempDir()
	bin := filepath.Join(dir, "sigmac")
	if out, err := exec.Command("go", "build", "-o", bin, "./cmd/sigmac").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	run := func(args ...string) time.Duration {
		start := time.Now()
		if err := exec.Command(bin, args...).Run(); err != nil {
			b.Fatal(args, err)
		}
		return time.Since(start)
	}
	rules, err := filepath.Glob(filepath.Join("examples", "rules", "*.yml"))
	if err != nil || len(rules) == 0 {
		b.Fatal("no example rules", err)
	}
	one := []string{"convert", "--without-pipeline", "-t", "splunk", "-t", "kusto", "-t", "elastic", rules[0]}
	var version, convert time.Duration
	for b.Loop() {
		version += run("version")
		convert += run(one...)
	}
	b.ReportMetric(convert.Seconds()/version.Seconds(), "x-version")
	b.ReportMetric(1000*version.Seconds()/float64(b.N), "ms-version")
	b.ReportMetric(1000*convert.Seconds()/float64(b.N), "ms-convert")
	all, err := filepath.Glob(filepath.Join(corpus.Dir(), "sigma", "rules*"))
	if err != nil || len(all) == 0 {
		b.Skip("no corpus of public rules: set SIGMAC_CORPUS", err)
	}
	for _, command := range []string{"convert", "verify"} {
		cmd := exec.Command(bin, append([]string{command, "--without-pipeline", "-t", "splunk", "-t", "kusto", "-t", "elastic", "--json"}, all...)...)
		b.ReportMetric(peakMemory(b, cmd), "MB-peak-"+command)
	}
}

// peakMemory runs a command and asks the system for its peak memory, in MB,
// where the system tells it (Linux). What wait says counts the parent's too.
func peakMemory(b *testing.B, cmd *exec.Cmd) (peak float64) {
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	status := filepath.Join("/proc", strconv.Itoa(cmd.Process.Pid), "status")
	for {
		select {
		case <-done: // some rule is not for every target
			return peak
		case <-time.After(2 * time.Millisecond):
		}
		text, err := os.ReadFile(status)
		if err != nil {
			continue
		}
		if m := highWater.FindSubmatch(text); m != nil {
			kB, _ := strconv.Atoi(string(m[1]))
			peak = max(peak, float64(kB)/1024)
		}
	}
}

var highWater = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// BenchmarkCatalog compares the index and the site of the public rules of four
// catalogs, from a cold process, with decoding their files, and reports its peak
// memory; and explain with the index with explain without.
func BenchmarkCatalog(b *testing.B) {
	root := corpus.Dir()
	if root == "" {
		b.Skip("no corpus of public rules: set SIGMAC_CORPUS")
	}
	dir := b.TempDir()
	bin := filepath.Join(dir, "sigmac")
	if out, err := exec.Command("go", "build", "-o", bin, "./cmd/sigmac").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	site := filepath.Join(dir, "site")
	build := []string{"catalog", "build", "--from-scratch", "-o", site}
	for _, name := range catalog.Catalogs {
		build = append(build, "--"+name, filepath.Join(root, name))
	}
	run := func(args ...string) time.Duration {
		start := time.Now()
		if err := exec.Command(bin, args...).Run(); err != nil && args[0] != "catalog" { // a rule of the corpus is wrong
			b.Fatal(args, err)
		}
		return time.Since(start)
	}
	rules, err := filepath.Glob(filepath.Join("examples", "rules", "*.yml"))
	if err != nil || len(rules) == 0 {
		b.Fatal("no example rules", err)
	}
	var decoding, building, again, without, with time.Duration
	for b.Loop() {
		decoding += decodeCatalogs(b, root)
		building += run(build...)
		again += run(slices.DeleteFunc(slices.Clone(build), func(s string) bool { return s == "--from-scratch" })...)
		without += run("explain", rules[0])
		with += run("explain", "--index", site, rules[0])
	}
	b.ReportMetric(building.Seconds()/decoding.Seconds(), "x-decode")
	b.ReportMetric(again.Seconds()/decoding.Seconds(), "x-decode-unchanged")
	b.ReportMetric(with.Seconds()/without.Seconds(), "x-explain-with-index")
	b.ReportMetric(peakMemory(b, exec.Command(bin, build...)), "MB-peak")
}

// decodeCatalogs decodes every file of rules into nodes or tables, one after the
// other; of KQL it reads the bytes.
func decodeCatalogs(b *testing.B, root string) time.Duration {
	start := time.Now()
	for _, name := range catalog.Catalogs {
		err := filepath.WalkDir(filepath.Join(root, name), func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			src, err := os.ReadFile(p)
			switch filepath.Ext(p) {
			case ".yml", ".yaml":
				var n yaml.Node
				_ = yaml.Unmarshal(src, &n)
			case ".toml":
				var m map[string]any
				_ = toml.Unmarshal(src, &m)
			}
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(start)
}
