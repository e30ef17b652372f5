package verify

import (
	"os"
	"strings"
	"testing"

	"sigmac/tail"
)

// TestForms holds that each form has its argument, and that what is not quite of a form is
// not taken for it.
func TestForms(t *testing.T) {
	docs, err := os.ReadFile("../docs/semantics.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range forms {
		if !strings.Contains(string(docs), "- `"+f.name+"`: ") {
			t.Errorf("docs/semantics.md has no argument for %s", f.name)
		}
	}
	r := related{kind: "event_count", op: "gte", n: "3", window: 60, rules: 2}
	renamed := r.prev().Rewrite(func(part any) any {
		switch x := part.(type) {
		case tail.Named:
			x.Name = strings.Replace(x.Name, "t0", "first", 1)
			return x
		case tail.Column:
			x.Name = strings.Replace(x.Name, "t0", "first", 1)
			return x
		}
		return part
	})
	if res := judgeTail(t, single, r.correlation(), renamed); res.Verdict != Proved {
		t.Errorf("with another name: %s", res.Verdict)
	}
	longer := r.prev()
	longer.Ops = append(longer.Ops, tail.Limit{N: 10_000})
	untimed := r.prev()
	untimed.Time = ""
	for name, q := range map[string]*tail.Query{"with one stage more": longer, "without a time": untimed} {
		if res := judgeTail(t, single, r.correlation(), q); res.Verdict != Bounded {
			t.Errorf("%s: %s%s", name, res.Verdict, res.Stream)
		}
	}
}
