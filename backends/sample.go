package backends

import "slices"

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
