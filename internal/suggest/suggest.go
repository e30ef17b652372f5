// Package suggest finds the word that somebody meant.
package suggest

import (
	"slices"
	"strings"
)

// For returns `; did you mean "x"?` for the word that is nearest to s, or
// nothing if none is near: something of s must stay.
func For(s string, words []string) string {
	best, distance := "", len(s)/3+2
	for _, w := range words {
		if d := edits(s, w); d < min(distance, len(s)) {
			best, distance = w, d
		}
	}
	if best == "" {
		return ""
	}
	return `; did you mean "` + best + `"?`
}

// Among returns what For does, or where no word is near all of them, which are what is said:
// `; layouts are x, y`.
func Among(s, what string, words []string) string {
	if hint := For(s, words); hint != "" {
		return hint
	}
	return "; " + what + " are " + strings.Join(words, ", ")
}

// longWord is from how many letters on a slip may be of two edits.
const longWord = 8

// Misspelt is the word that s is a slip of: the nearest without regard to capitals, by at
// most one edit, of a long s two. It is empty where none is, and where nothing of s stays.
func Misspelt(s string, words []string) string {
	low, best, limit := strings.ToLower(s), "", min(len(s), 2)
	if len(s) >= longWord {
		limit = 3
	}
	for _, w := range words {
		if d := edits(low, strings.ToLower(w)); d < limit {
			best, limit = w, d
		}
	}
	return best
}

// Nearest are the n words nearest to s without regard to case: those that hold
// it, or that it holds, before others, then by the edits between them.
func Nearest(s string, words []string, n int) []string {
	type near struct {
		word     string
		distance int
	}
	low := strings.ToLower(s)
	all := make([]near, 0, len(words))
	for _, w := range words {
		lw := strings.ToLower(w)
		d := 2 * edits(low, lw)
		if strings.Contains(lw, low) || strings.Contains(low, lw) {
			d /= 2
		}
		all = append(all, near{w, d})
	}
	slices.SortStableFunc(all, func(a, b near) int { return a.distance - b.distance })
	var out []string
	for _, x := range all[:min(n, len(all))] {
		out = append(out, x.word)
	}
	return out
}

// maxWord bounds the work on a word from a stranger.
const maxWord = 64

// edits counts the insertions, deletions, replacements and swaps of
// neighbours that make b of a.
func edits(a, b string) int {
	if len(a) > maxWord || len(b) > maxWord {
		return len(a) + len(b)
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j]+cost, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
