package read

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"sigmac/eval"
	"sigmac/ir"
)

// unmapped is a schema without some fields.
type unmapped []string

func (u unmapped) Type(_, field string) (ir.Type, bool) {
	return ir.Text, !slices.Contains(u, field)
}

// randomCondition is one over the fields a, b and c.
func randomCondition(r *rand.Rand, depth int) string {
	join := func(word string) string {
		var parts []string
		for range 2 + r.IntN(2) {
			parts = append(parts, randomCondition(r, depth-1))
		}
		return "(" + strings.Join(parts, " "+word+" ") + ")"
	}
	f := "?" + string("abc"[r.IntN(3)])
	if depth > 0 {
		switch r.IntN(4) {
		case 0:
			return join("and")
		case 1:
			return join("or")
		case 2:
			return "not (" + randomCondition(r, depth-1) + ")"
		}
	}
	return []string{f + ` : "x"`, f + ` == "x"`, f + ` != "x"`, f + " == null", f + " != null", f + ` : ("x", "y")`, f + ` in ("x", "y")`, "true", "false", "null"}[r.IntN(10)]
}

// TestAny holds that what is read of a query under every choice of unmapped fields in one says
// under each what is read under it alone.
func TestAny(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	mapped := func(name string) ir.Expr {
		return ir.Match{Field: ir.Field{Name: "mapped " + name, Type: ir.Boolean}, Test: ir.Bool{Value: true}}
	}
	names, compared := []string{"a", "b", "c"}, 0
	for range 1500 {
		query := "any where " + randomCondition(r, 3)
		o, err := ReadOptional(query)
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		all, ok, err := o.Any(unmapped(nil), mapped)
		if err != nil || !ok {
			t.Fatalf("%s: %v %v", query, ok, err)
		}
		for bits := range 1 << len(names) {
			var without unmapped
			for i, name := range names {
				if bits>>i&1 == 1 {
					without = append(without, name)
				}
			}
			alone, err := o.Under(without)
			if err != nil {
				t.Fatalf("%s without %v: %v", query, without, err)
			}
			for range 6 {
				fields := map[string]any{}
				for _, name := range names {
					is := !slices.Contains(without, name)
					fields["mapped "+name] = is
					if v := []any{nil, "x", "y", []any{"x", "z"}}[r.IntN(4)]; is && v != nil {
						fields[name] = v
					}
				}
				ev, err := eval.NewEvent(fields)
				if err != nil {
					t.Fatal(err)
				}
				if got, want := eval.Expr(nil, all.Where, ev), eval.Expr(nil, alone.Where, ev); got != want {
					t.Fatalf("%s without %v, of %v: %v, not %v\n%s\n%s", query, without, fields, got, want, all.Where, alone.Where)
				}
				compared++
			}
		}
	}
	t.Logf("%d answers", compared)
}

// TestAnyUnknown holds for which queries every choice has to be read by itself.
func TestAnyUnknown(t *testing.T) {
	deep := strings.Repeat("not (", 12) + `?a : "x"` + strings.Repeat(")", 12)
	for _, query := range []string{
		`sequence [any where ?a : "x"] [any where ?b : "y"]`, `any where ?a : "x" and @timestamp > "2026"`, `any where length(?a) > 3`,
		`any where ?a == ?b`, "any where " + deep,
	} {
		o, err := ReadOptional(query)
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		all, ok, err := o.Any(ir.Types{}, func(string) ir.Expr { return ir.True })
		if err == nil && ok {
			t.Errorf("%s: %v", query, all)
		}
	}
	o, err := ReadOptional(`any where ?a : "x" and b : "y"`)
	if err != nil || fmt.Sprint(o.Names, o.Required) != "[a] [b]" {
		t.Error(o, err)
	}
	if _, _, err := o.Any(unmapped{"b"}, func(string) ir.Expr { return ir.True }); err == nil {
		t.Error("a required field that is not mapped is no fault")
	}
}
