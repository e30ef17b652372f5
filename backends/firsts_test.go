package backends_test

import (
	"math/rand/v2"
	"testing"

	"sigmac/backends"
)

// TestFirsts compares with a map.
func TestFirsts(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var firsts backends.Firsts[int]
		want := map[int]int{}
		for at := range 20 {
			kind := r.IntN(4)
			if got, ok := firsts.At(kind); ok != (want[kind] != 0) || ok && got != want[kind] {
				t.Fatalf("%d: %d %v, want %d", kind, got, ok, want[kind])
			}
			if r.IntN(2) == 0 {
				firsts.Set(kind, at+1)
				want[kind] = at + 1
			}
		}
	}
}
