package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// collectRarely has garbage collected less often than usual while little is in use, for most runs are short, and as
// often as usual where a run keeps much, as of a large repository: garbage is then spare and as much as what is kept.
func collectRarely() {
	const most, spare = 300, 192 << 20 // percent of what is in use; bytes
	debug.SetGCPercent(most)
	var after func(percent int)
	after = func(percent int) { // a collection
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(live)
		if n := live[0].Value.Uint64(); n > 0 {
			if p := min(most, int(100+100*spare/n)); p != percent {
				debug.SetGCPercent(p)
				percent = p
			}
		}
		runtime.AddCleanup(new(*int), after, percent)
	}
	after(most)
}
