package sigmac

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"

	"sigmac/targets"
)

// TestCompileFilesStreams holds that what is read ahead of the file whose queries
// are taken does not grow with the number of files.
func TestCompileFilesStreams(t *testing.T) {
	rule := []byte("title: t\nlogsource: {product: p}\ndetection: {s: {f: a}, condition: s}\n")
	paths := make([]string, 20_000)
	for i := range paths {
		paths[i] = fmt.Sprintf("%d.yml", i)
	}
	var read atomic.Int64
	most, taken := int64(0), 0
	for i, f := range CompileFiles(paths, func(int) ([]byte, error) { read.Add(1); return rule, nil }, Unmapped(targets.Must("splunk"))) {
		if f.Err != nil || len(f.Results) != 1 || len(f.Results[0].Queries) != 1 || f.Results[0].Document.Path != paths[i] {
			t.Fatal(i, f)
		}
		most = max(most, read.Load()-int64(i))
		taken++
	}
	if bound := int64(16 * (10*runtime.GOMAXPROCS(0) + 4)); taken != len(paths) || most > min(bound, int64(len(paths)/2)) {
		t.Errorf("%d files were taken, and %d read ahead", taken, most)
	}
}
