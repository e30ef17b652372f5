package match

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"sigmac/internal/link"
	"sigmac/parser"
)

// correlatedRules are 200 rules, of which each fifth event selects one, and 50 correlations
// over four of them each.
func correlatedRules(tb testing.TB) []*parser.Document {
	var b strings.Builder
	for i := range 200 {
		fmt.Fprintf(&b, "title: Rule %d\nname: rule%[1]d\nlogsource: {category: test}\ndetection:\n  s: {id: %[1]d, CommandLine|contains: [alpha, beta, gamma]}\n  condition: s\n---\n", i)
	}
	kinds := []string{"event_count", "value_count", "temporal", "temporal_ordered", "value_sum"}
	for i := range 50 {
		kind, condition := kinds[i%len(kinds)], ""
		switch kind {
		case "event_count":
			condition = "{gte: 9}"
		case "value_count":
			condition = "{field: port, gte: 10}"
		case "value_sum":
			condition = "{field: port, gte: 6000}"
		}
		if condition != "" {
			condition = "\n  condition: " + condition
		}
		fmt.Fprintf(&b, "title: Correlation %d\ncorrelation:\n  type: %s\n  rules: [rule%d, rule%d, rule%d, rule%d]\n  group-by: user\n  timespan: 5m%s\n---\n",
			i, kind, 4*i, 4*i+1, 4*i+2, 4*i+3, condition)
	}
	docs := parser.Parse("rules.yml", []byte(strings.TrimSuffix(b.String(), "---\n"))).Documents
	for _, d := range docs {
		if len(d.Errors) > 0 {
			tb.Fatal(d.Errors[0])
		}
	}
	return docs
}

// stream is n events of 10,000 groups, a hundred a second.
func stream(n int) []byte {
	var b bytes.Buffer
	start := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	seed := uint32(1)
	next := func(n uint32) uint32 {
		seed = seed*1664525 + 1013904223
		return (seed >> 8) % n
	}
	words := []string{"alpha", "delta", "epsilon", "zeta", "eta"}
	for i := range n {
		user := next(10_000)
		if next(2) == 0 {
			user = next(20) // some are busy
		}
		fmt.Fprintf(&b, `{"@timestamp":%q,"id":%d,"user":"user%d","port":%d,"CommandLine":"C:\\Windows\\System32\\cmd.exe /c %s --option value","Image":"C:\\Windows\\System32\\cmd.exe","host":"host%d"}`+"\n",
			start.Add(time.Duration(i)*10*time.Millisecond).Format(time.RFC3339Nano), next(200), user, 1+next(1000), words[next(5)], next(500))
	}
	return b.Bytes()
}

// BenchmarkCorrelate tries 200 rules on events with and without 50 correlations over them:
// how many times as long it takes, what is kept, and how many hits there are in a thousand
// events.
func BenchmarkCorrelate(b *testing.B) {
	const n = 100_000
	docs, src := correlatedRules(b), stream(n)
	run := func(correlate bool) (took time.Duration, hits int, kept uint64) {
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		rs := New(Options{MaxEvent: 1 << 20})
		for _, d := range docs {
			if d.Rule != nil {
				rs.Add(d)
			}
		}
		if correlate {
			if faults := rs.Correlate(link.NewCorrelations(docs, nil)); len(faults) > 0 {
				b.Fatal(faults[0])
			}
		}
		start := time.Now()
		for f := range rs.Stream(bytes.NewReader(src)) {
			if len(f.Faults) > 0 {
				b.Fatal(f.Faults[0])
			}
			hits += len(f.Hits)
		}
		took = time.Since(start)
		runtime.GC()
		runtime.ReadMemStats(&after)
		kept = after.HeapAlloc - min(before.HeapAlloc, after.HeapAlloc)
		runtime.KeepAlive(rs)
		return took, hits + len(rs.End()), kept
	}
	var with, without time.Duration
	hits, kept := 0, uint64(0)
	for range b.N {
		plain, _, _ := run(false)
		took, h, k := run(true)
		with, without, hits, kept = with+took, without+plain, h, k
	}
	b.ReportMetric(float64(with)/float64(without), "x-without")
	b.ReportMetric(float64(hits)*1000/n, "hits/1000")
	b.ReportMetric(float64(kept)/(1<<20), "MB-kept")
	b.ReportMetric(float64(b.N)*n/with.Seconds(), "events/s")
}
