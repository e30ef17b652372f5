package verify

import (
	"fmt"
	"reflect"
	"testing"

	"sigmac/ir"
)

// TestBounded holds that what is made to explode ends within its budget, and
// with the same verdict each time.
func TestBounded(t *testing.T) {
	var many, other ir.Or
	for i := range 3000 {
		many = append(many, is("a", fmt.Sprintf("v%d", i), "*"))
		other = append(other, is("a", fmt.Sprintf("v%d", 2999-i), "*"))
	}
	var pieces, piecesBack ir.And
	for i := range 40 {
		pieces = append(pieces, is("a", "*", fmt.Sprintf("p%dq", i), "*"))
		piecesBack = append(piecesBack, cased("a", "*", fmt.Sprintf("p%dq", 39-i), "*"))
	}
	for _, c := range []struct {
		name      string
		want, got ir.Expr
		verdict   Verdict
	}{
		{"nested repetition", re("a", `(x+x+)+y`), re("a", `(x+)+xy`), Proved},
		{"counted far apart", re("a", `a.{60}$`), re("a", `a.{30}.{30}$`), Proved},
		{"long subsets", re("a", `a[ab]{8}c`), re("a", `[ab]a[ab]{8}c`), Refuted},
		{"no end", re("a", `(?:a|b|ab)*c(?:.*d){20}`), re("a", `(?:a|b)*c(?:.*d){19}.*d`), Proved},
		{"out of budget", re("a", `a[ab]{60}(?:c|d)`), re("a", `a[ab]{20}[ab]{40}[cd]`), Agreed},
		{"many tests", many, other, Proved},
		{"many pieces", pieces, piecesBack, Refuted},
	} {
		first := Equal(single, c.want, c.got, 300_000)
		if first.Verdict != c.verdict {
			t.Errorf("%s: %v %s %v", c.name, first.Verdict, first.Reason, first.Counterexample)
		}
		if again := Equal(single, c.want, c.got, 300_000); !reflect.DeepEqual(again, first) {
			t.Errorf("%s: %v, and then %v", c.name, first, again)
		}
	}
}
