package diff_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"sigmac/internal/cache"
	"sigmac/internal/corpus"
	"sigmac/internal/diff"
	"sigmac/internal/ordered"
	"sigmac/parser"
	"sigmac/verify"
)

// BenchmarkCache compares two versions of the public rules of which each has another value in
// one, without a cache and with one that knows them.
func BenchmarkCache(b *testing.B) {
	type versions struct{ old, new *parser.Document }
	var pairs []versions
	for _, f := range corpus.Files(b, ".yml", "sigma/rules*") {
		src, err := os.ReadFile(f)
		if err != nil {
			b.Fatal(err)
		}
		head, detection, _ := strings.Cut(string(src), "\ndetection:")
		changed := head + "\ndetection:" + strings.Replace(detection, ".exe", ".com", 1)
		old, new := parser.Parse(f, src).Documents, parser.Parse(f, []byte(changed)).Documents
		if len(old) == 1 && len(new) == 1 && changed != string(src) && old[0].Rule != nil {
			pairs = append(pairs, versions{old[0], new[0]})
		}
	}
	compare := func(c *cache.Cache) (time.Duration, int) {
		changes, start := 0, time.Now()
		for _, ch := range ordered.Map(pairs, func(p versions) diff.Change {
			return diff.Compare(p.old, p.new, diff.Options{Budget: verify.DefaultBudget, Examples: 3, Cache: c})
		}) {
			if ch.Kind != diff.Equal {
				changes++
			}
		}
		return time.Since(start), changes
	}
	kept, err := cache.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	filling, _ := compare(kept)
	var without, with time.Duration
	changes := 0
	for b.Loop() {
		took, n := compare(nil)
		without += took
		took, changes = compare(kept)
		with += took
		if n != changes {
			b.Fatalf("%d changes, and %d with a cache", n, changes)
		}
	}
	b.ReportMetric(with.Seconds()/without.Seconds(), "x-uncached")
	b.ReportMetric(filling.Seconds()/without.Seconds()*float64(b.N), "x-filling")
	b.ReportMetric(float64(changes), "changes")
}
