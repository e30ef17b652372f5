package taxonomy

import (
	_ "embed"
	"maps"
	"slices"
	"strings"
	"sync"

	"sigmac/internal/suggest"
	"sigmac/ir"
)

// logsources.txt are the log sources of the taxonomy (specification 2.1.0) and of
// the public rule set: product, category and service, `-` where there is none.
//
//go:embed logsources.txt
var logsourcesText string

var logsources = sync.OnceValue(func() map[[3]string]bool {
	out := map[[3]string]bool{}
	for line := range strings.Lines(logsourcesText) {
		var key [3]string
		for i, w := range strings.Split(strings.TrimRight(line, "\n"), "\t") {
			if w != "-" {
				key[i] = w
			}
		}
		out[key] = true
	}
	return out
})

// parts are the names of those of a log source.
var parts = [3]string{"product", "category", "service"}

func partsOf(s ir.LogSource) [3]string { return [3]string{s.Product, s.Category, s.Service} }

// KnownSource says whether the taxonomy or the public rule set has a log source.
func KnownSource(s ir.LogSource) bool { return logsources()[partsOf(s)] }

// A Word is a part of a log source: its name, such as category, and its value.
type Word struct {
	Part, Value string
	Meant       string // what the value is a slip of, or empty
}

// UnknownWords are the values of a log source that no known one has in their part.
func UnknownWords(s ir.LogSource) (out []Word) {
	for i, value := range partsOf(s) {
		if value == "" || KnownSource(s) {
			continue
		}
		words := map[string]bool{}
		for known := range logsources() {
			words[known[i]] = true
		}
		if !words[value] {
			delete(words, "")
			out = append(out, Word{parts[i], value, suggest.Misspelt(value, slices.Sorted(maps.Keys(words)))})
		}
	}
	return out
}

// ProductsOf are the products that have the category and the service of a log source.
func ProductsOf(s ir.LogSource) (out []string) {
	for known := range logsources() {
		if known[0] != "" && known[1] == s.Category && known[2] == s.Service {
			out = append(out, known[0])
		}
	}
	slices.Sort(out)
	return out
}
