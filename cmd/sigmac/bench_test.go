package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/BurntSushi/toml"
	"gopkg.in/yaml.v3"

	"sigmac/internal/catalog"
	"sigmac/internal/corpus"
	"sigmac/targets"
)

// BenchmarkProcess compares cold processes that convert one rule, by the default tables
// and without pipelines, with one that prints the version: the ratios of the medians.
func BenchmarkProcess(b *testing.B) {
	bin := build(b)
	rules, err := filepath.Glob(filepath.Join("..", "..", "examples", "rules", "*.yml"))
	if err != nil || len(rules) == 0 {
		b.Fatal("no example rules", err)
	}
	commands := map[string][]string{
		"version":          {"version"},
		"without-pipeline": {"convert", "--without-pipeline", "-t", "splunk", "-t", "kusto", "-t", "elastic", rules[0]},
	}
	for _, t := range targets.All() {
		commands[t.Name] = []string{"convert", "-t", t.Name, rules[0]}
	}
	took := map[string][]time.Duration{}
	for b.Loop() {
		for name, args := range commands { // in turn, for the load of the machine changes
			start := time.Now()
			if err := exec.Command(bin, args...).Run(); err != nil {
				b.Fatal(args, err)
			}
			took[name] = append(took[name], time.Since(start))
		}
	}
	median := func(name string) float64 {
		slices.Sort(took[name])
		return took[name][len(took[name])/2].Seconds()
	}
	b.ReportMetric(1000*median("version"), "ms-version")
	for name := range commands {
		if name != "version" {
			b.ReportMetric(median(name)/median("version"), "x-version-"+name)
		}
	}
}

// BenchmarkMemory reports the peak memory of processes that convert and verify all
// rules.
func BenchmarkMemory(b *testing.B) {
	bin := build(b)
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
	bin := build(b)
	site := filepath.Join(b.TempDir(), "site")
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
	rules, err := filepath.Glob(filepath.Join("..", "..", "examples", "rules", "*.yml"))
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
