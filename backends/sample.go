package backends

import (
	"maps"
	"slices"

	"sigmac/ir"
)

// A SampleTable says of test data from which table they are.
type SampleTable struct {
	Name  string             // or empty
	Types map[string]ir.Type // of fields, by the tests of a rule
	// Columns are those that a query asks for, with their types by the names of the target.
	// They are there also where no event has a value.
	Columns map[string]string
}

// FieldsOf lists the names of all events' fields, sorted.
func FieldsOf(events []map[string]any) []string {
	fields := map[string]bool{}
	for _, ev := range events {
		for name := range ev {
			fields[name] = true
		}
	}
	return slices.Sorted(maps.Keys(fields))
}
