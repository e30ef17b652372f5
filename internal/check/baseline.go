package check

import (
	"path"

	"sigmac/internal/lazy"
)

// place of another file in a message: it moves when lines are added above it.
var placeIn = lazy.Regexp(`:\d+(:\d+)? `)

// MarkKnown marks the findings that are known from an earlier version of the files: as many as
// there are of the same check and message in the same file, or in one that is gone since, which
// may have got another name. Where they stand in the file does not count.
func MarkKnown(findings, earlier []Finding, gone func(path string) bool) {
	type key struct{ path, code, msg string }
	of := func(f Finding) key { return key{path.Clean(f.Path), f.Code, placeIn().ReplaceAllString(f.Msg, " ")} }
	left := map[key]int{}
	for _, f := range earlier {
		left[of(f)]++
	}
	moved := map[key]int{} // of files that are gone, without their paths
	for k, n := range left {
		if gone(k.path) {
			moved[key{"", k.code, k.msg}] += n
		}
	}
	for i := range findings {
		k := of(findings[i])
		from := left
		if left[k] == 0 {
			k.path, from = "", moved
		}
		if from[k] > 0 {
			from[k]--
			findings[i].Known = true
		}
	}
}

// New are the findings that are not known.
func New(findings []Finding) (out []Finding) {
	for _, f := range findings {
		if !f.Known {
			out = append(out, f)
		}
	}
	return out
}
