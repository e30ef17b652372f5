package eval_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"sigmac/eval"
	"sigmac/internal/irgen"
	"sigmac/ir"
)

// TestExplain holds that an explanation is of one mind with Rule, and each
// part with its parts.
func TestExplain(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	var check func(x eval.Explanation) string
	check = func(x eval.Explanation) string {
		all, some := true, false
		for _, p := range x.Parts {
			if fault := check(p); fault != "" {
				return fault
			}
			all, some = all && p.Matched, some || p.Matched
		}
		want := x.Matched
		switch x.Kind {
		case "and":
			want = all
		case "or", "rule":
			want = some
		case "of":
			if want = some; strings.HasPrefix(x.Name, "all of ") {
				want = all
			}
		case "not":
			want = !some
		case "condition", "detection", "field", "keywords":
			if len(x.Parts) != 1 {
				return fmt.Sprintf("a %s of %d parts", x.Kind, len(x.Parts))
			}
			want = some
		case "test":
			if len(x.Parts) > 0 || x.Name == "" {
				return "a test with parts or without a name"
			}
		default:
			return "a " + x.Kind
		}
		if want != x.Matched {
			return fmt.Sprintf("%s %s is %v", x.Kind, x.Name, x.Matched)
		}
		return ""
	}
	for range 2000 {
		rule := irgen.Rule(r, everything)
		ev := irgen.Event(r, rule)
		x := eval.Explain(rule, ev)
		if x.Matched != eval.Rule(rule, ev) {
			t.Fatalf("%v\n%s\n%s", x.Matched, ev.Raw(), rule)
		}
		if fault := check(x); fault != "" {
			t.Fatalf("%s\n%s\n%s", fault, ev.Raw(), rule)
		}
		for _, line := range strings.Split(strings.TrimSuffix(x.Text(" "), "\n"), "\n") {
			if s := strings.TrimLeft(line, " "); !strings.HasPrefix(s, "+ ") && !strings.HasPrefix(s, "- ") {
				t.Fatalf("a line of the text is %q", line)
			}
		}
	}
}

func TestExplainValues(t *testing.T) {
	match := func(name string, test ir.Test) ir.Expr { return ir.Match{Field: ir.Field{Name: name}, Test: test} }
	many := make([]any, 30)
	for i := range many {
		many[i] = i
	}
	ev, err := eval.NewEvent(map[string]any{
		"list": []any{"no", "yes", "YES"}, "long": strings.Repeat("é", 1000), "many": many, "null": nil, "object": map[string]any{"a": 1},
		"control": "a\x1b[31m'", "number": 1.5,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		e    ir.Expr
		want string
	}{
		{match("list", ir.Lit("yes")), `+ (pattern "yes") -- 'yes', 'YES'`},
		{match("list", ir.Lit("x")), `- (pattern "x") -- 'no', 'yes', 'YES'`},
		{match("long", ir.Lit("x")), `- (pattern "x") -- '` + strings.Repeat("é", eval.MaxShown) + `…'`},
		{match("many", ir.Lit("29")), `+ (pattern "29") -- 29`},
		{match("many", ir.Lit("30")), `- (pattern "30") -- 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, '…'`},
		{match("null", ir.Null{}), `+ null -- null`},
		{match("none", ir.Null{}), `+ null -- no such field`},
		{match("object", ir.Exists{}), `+ exists -- '{"a":1}'`},
		{match("control", ir.Lit("x")), `- (pattern "x") -- "a\x1b[31m'"`},
		{match("number", ir.Compare{Op: ir.Gt, Number: "1"}), `+ (> 1) -- 1.5`},
	} {
		r := &ir.Rule{Detections: []ir.Detection{{Name: "d", Expr: tt.e}}, Conditions: []ir.Condition{{Text: "d", Expr: ir.Ref{Name: "d"}}}}
		got := eval.Explain(r, ev).Text("")
		want := tt.want[:1] + " d\n  " + tt.want[:1] + " d: " + tt.want[2:] + "\n"
		if got != want {
			t.Errorf("%s\nwant\n%s", got, want)
		}
	}
}
