package backends

import (
	"slices"

	"sigmac/ir"
)

// A Sampler writes events in the form in which a target takes test data.
type Sampler interface {
	// Samples writes events with fields of the given types. The error is an
	// *Unsupported for a name or a value that the language cannot hold.
	Samples(events []map[string]any, types map[string]ir.Type) (string, error)
}

// FieldsOf lists the names of all events' fields, sorted.
func FieldsOf(events []map[string]any) []string {
	var out []string
	for _, ev := range events {
		for name := range ev {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
