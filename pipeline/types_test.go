package pipeline

import (
	"slices"
	"testing"
)

// TestTypes holds that each type that a file may have is described, and no other.
func TestTypes(t *testing.T) {
	names := func(types []Type) (out []string) {
		for _, x := range types {
			if x.Description == "" {
				t.Errorf("%s is not described", x.Name)
			}
			out = append(out, x.Name)
		}
		slices.Sort(out)
		return out
	}
	conditions := Conditions()
	for what, c := range map[string]struct{ got, want []string }{
		"transformations":           {names(Transformations()), keys(kinds)},
		"conditions of rules":       {names(conditions["rule"]), keys(ruleConditions)},
		"conditions of items":       {names(conditions["detection_item"]), keys(itemConditions)},
		"conditions of field names": {names(conditions["field_name"]), keys(fieldConditions)},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s: %q, want %q", what, c.got, c.want)
		}
	}
}
