package backends

import (
	"testing"

	"sigmac/ir"
)

// TestApart has patterns that are a beginning and an end, and those of which a shorter
// text has both.
func TestApart(t *testing.T) {
	run := ir.Part{Kind: ir.AnyRun}
	lit := func(s string) ir.Part { return ir.Part{Text: s} }
	for _, c := range []struct {
		parts []ir.Part
		cased bool
		want  bool
	}{
		{[]ir.Part{lit("ab"), run, lit("cd")}, false, true},
		{[]ir.Part{lit("ab"), run, lit("a")}, false, true},
		{[]ir.Part{lit("ab"), run, lit("b")}, false, false},  // ab
		{[]ir.Part{lit("ab"), run, lit("bc")}, false, false}, // abc
		{[]ir.Part{lit("ab"), run, lit("Bc")}, false, false},
		{[]ir.Part{lit("ab"), run, lit("Bc")}, true, true},
		{[]ir.Part{lit("b"), run, lit("abc")}, false, true}, // a beginning is not within
		{[]ir.Part{lit("a"), run, lit("abc")}, false, false},
		{[]ir.Part{lit("xabc"), run, lit("ab")}, false, true}, // nor is an end
		{[]ir.Part{lit("a"), run, lit("b"), run}, false, false},
		{[]ir.Part{lit("a"), {Kind: ir.AnyOne}, lit("b")}, false, false},
		{[]ir.Part{run, lit("a")}, false, false},
	} {
		p := ir.NewPattern(c.cased, c.parts...)
		begin, end, ok := apart(p)
		if ok != c.want {
			t.Errorf("%s: %s, %s, %t", p, begin, end, ok)
		}
		if a, _ := begin.Shape(); ok && a != ir.Prefix {
			t.Errorf("%s begins with %s", p, begin)
		}
		if a, _ := end.Shape(); ok && a != ir.Suffix {
			t.Errorf("%s ends with %s", p, end)
		}
	}
}
