package verify

import (
	"fmt"
	"testing"

	"sigmac/ir"
	"sigmac/targets"
)

// TestReadPairMapped holds that a field which one query needs mapped is not taken for
// unmapped in the other, and that all choices of the others are read.
func TestReadPairMapped(t *testing.T) {
	for _, c := range []struct{ old, new, unmapped string }{
		{`any where f : "x"`, `any where ?f : "x"`, "[[]]"},
		{`any where ?f : "x"`, `any where not f : "x"`, "[[]]"},
		{`any where ?f : "x" and g == 1`, `any where ?f : "x" and ?g == 1 and ?h == 2`, "[[] [f] [h] [f h]]"},
		{`any where ?f : "x" and f : "y"`, `any where ?f : "x"`, "[[]]"},
	} {
		read, err := ReadPair(targets.Must("elastic"), ir.Types{}, c.old, c.new)
		if err != nil {
			t.Errorf("%s, %s: %v", c.old, c.new, err)
			continue
		}
		var unmapped [][]string
		for _, r := range read {
			unmapped = append(unmapped, r.Unmapped)
		}
		if got := fmt.Sprint(unmapped); got != c.unmapped {
			t.Errorf("%s, %s: unmapped %s, want %s", c.old, c.new, got, c.unmapped)
		}
	}
}
