// Package ordered works on many items at a time and gives the results in order. A
// bounded number of results is kept ahead.
package ordered

import (
	"iter"
	"runtime"
	"slices"
	"sync"
)

// Map yields f of every item, in their order, and works on several at a
// time. It keeps a bounded number of results ahead of the one that is yielded.
func Map[T, R any](items []T, f func(T) R) iter.Seq2[int, R] {
	const batch = 16 // items that a worker takes at a time
	return func(yield func(int, R) bool) {
		if len(items) <= batch {
			for i, item := range items {
				if !yield(i, f(item)) {
					return
				}
			}
			return
		}
		type job struct {
			items []T
			out   chan []R
		}
		jobs, order := make(chan job), make(chan job, 2*runtime.GOMAXPROCS(0))
		stop := make(chan struct{})
		var workers sync.WaitGroup
		for range runtime.GOMAXPROCS(0) {
			workers.Go(func() {
				for j := range jobs {
					out := make([]R, len(j.items))
					for i, item := range j.items {
						out[i] = f(item)
					}
					j.out <- out
				}
			})
		}
		go func() {
			defer close(jobs)
			defer close(order)
			for chunk := range slices.Chunk(items, batch) {
				j := job{chunk, make(chan []R, 1)}
				select {
				case order <- j:
				case <-stop:
					return
				}
				select {
				case jobs <- j:
				case <-stop:
					return
				}
			}
		}()
		defer workers.Wait()
		defer close(stop)
		i := 0
		for j := range order {
			for _, r := range <-j.out {
				if !yield(i, r) {
					return
				}
				i++
			}
		}
	}
}

// Seq yields f of what items yields, in order, and works on several at a time.
// Like Map it keeps a bounded number of results ahead. Items is asked from
// another goroutine, and no more once the loop has ended.
func Seq[T, R any](items iter.Seq[T], f func(T) R) iter.Seq[R] {
	return func(yield func(R) bool) {
		type job struct {
			item T
			out  chan R
		}
		jobs, order := make(chan job), make(chan job, runtime.GOMAXPROCS(0))
		stop := make(chan struct{})
		var workers sync.WaitGroup
		for range runtime.GOMAXPROCS(0) {
			workers.Go(func() {
				for j := range jobs {
					j.out <- f(j.item)
				}
			})
		}
		workers.Go(func() {
			defer close(jobs)
			defer close(order)
			for item := range items {
				j := job{item, make(chan R, 1)}
				select {
				case order <- j:
				case <-stop:
					return
				}
				select {
				case jobs <- j:
				case <-stop:
					return
				}
			}
		})
		defer workers.Wait()
		defer close(stop)
		for j := range order {
			if !yield(<-j.out) {
				return
			}
		}
	}
}
