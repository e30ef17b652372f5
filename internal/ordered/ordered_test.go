package ordered

import (
	"iter"
	"math/rand"
	"runtime"
	"testing"
	"time"
)

func numbers(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

func TestSeq(t *testing.T) {
	before := runtime.NumGoroutine()
	for _, n := range []int{0, 1, 5, 500} {
		for _, end := range []int{0, 3, n} {
			i := 0
			for r := range Seq(numbers(n), func(i int) int {
				time.Sleep(time.Duration(rand.Intn(50)) * time.Microsecond)
				return 2 * i
			}) {
				if r != 2*i {
					t.Fatalf("%d of %d is %d", i, n, r)
				}
				if i++; i == end {
					break
				}
			}
			if want := min(max(end, 1), n); end > 0 && i != want {
				t.Errorf("%d of %d", i, n)
			}
		}
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines are left", after-before)
	}
}
