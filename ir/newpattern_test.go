package ir

import (
	"strings"
	"testing"
)

// TestNewPatternLinear holds that joining literals copies each a bounded number of
// times.
func TestNewPatternLinear(t *testing.T) {
	bytes := func(n int) int64 {
		parts := make([]Part, n)
		for i := range parts {
			parts[i] = Part{Text: "abcdefgh"}
		}
		r := testing.Benchmark(func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if p := NewPattern(false, parts...); len(p.Parts) != 1 || p.Parts[0].Text != strings.Repeat("abcdefgh", n) {
					b.Fatal(p)
				}
			}
		})
		return r.AllocedBytesPerOp()
	}
	if small, large := bytes(1000), bytes(8000); large > 20*small {
		t.Errorf("1000 parts take %d bytes, 8000 take %d", small, large)
	}
}
