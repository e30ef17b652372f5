package verify

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sigmac/eval"
	"sigmac/internal/irtest"
	"sigmac/ir"
)

// value is a test of a value that stands in a line of a rule.
func value(line int, field, pattern string) ir.Match {
	m := irtest.Is(field, pattern)
	m.Pos = ir.Pos{Line: line, Column: 1}
	return m
}

func TestApart(t *testing.T) {
	image := value(1, "Image", `*\\cmd.exe`)
	list := func(from, to int) (out ir.Or) {
		for i := from; i < to; i++ {
			out = append(out, value(10+i, "CommandLine", fmt.Sprintf("*word%d*", i)))
		}
		return out
	}
	for _, c := range []struct {
		name string
		a, b ir.Expr
		n    int
		want []string // of each event, what its command line has
		more int
	}{
		{"the same", ir.And{image, list(0, 3)}, ir.And{list(0, 3), image}, 3, nil, 0},
		{"values removed", ir.And{image, list(0, 6)}, ir.And{image, list(0, 1)}, 2, []string{"word1", "word2"}, 3},
		{"a value removed", ir.And{image, list(0, 2)}, ir.And{image, list(0, 1)}, 3, []string{"word1"}, 0},
		{"dashes of a value", ir.Or{value(1, "CommandLine", "* -a*"), value(1, "CommandLine", "* /a*"), value(2, "CommandLine", "* -b*"), value(2, "CommandLine", "* /b*")}, value(9, "CommandLine", "x"), 3, []string{" -a", " -b"}, 0},
		{"a filter has more values", image, ir.And{image, ir.Not{X: list(0, 2)}}, 3, []string{"word0", "word1"}, 0},
		{"a value that does not decide", ir.Or{ir.And{image, value(2, "CommandLine", "*x*")}, value(3, "CommandLine", "*y*")}, irtest.Is("CommandLine", "z"), 1, []string{"y"}, 0},
		{"another field", ir.And{image, value(3, "User", "alice")}, ir.False, 3, []string{""}, 0},
	} {
		got := Apart(c.a, c.b, c.n, DefaultBudget)
		if len(got.Events) != len(c.want) || got.More != c.more || got.Reason != "" {
			t.Errorf("%s: %v", c.name, got)
			continue
		}
		for i, e := range got.Events {
			ev, err := eval.NewEvent(e)
			if line, _ := e["CommandLine"].(string); err != nil || !strings.Contains(line, c.want[i]) || !eval.Expr(nil, c.a, ev) || eval.Expr(nil, c.b, ev) {
				t.Errorf("%s: %v %v, want one with %s", c.name, e, err, c.want[i])
			}
		}
		if again := Apart(c.a, c.b, c.n, DefaultBudget); !reflect.DeepEqual(got, again) {
			t.Errorf("%s: %v, and then %v", c.name, got, again)
		}
	}
	if got := Apart(value(1, "a", "x"), ir.False, 1, -1); len(got.Events) == 0 && got.Reason == "" {
		t.Errorf("without a budget nothing is proved, but %v", got)
	}
}

// An event of a long list costs what it asks for, and its values are counted up to a bound.
func TestApartLarge(t *testing.T) {
	var all ir.Or
	for i := range 5_000 {
		all = append(all, value(i+1, "CommandLine", fmt.Sprintf("*w%dq*", i)))
	}
	got := Apart(all, all[:2], 3, DefaultBudget)
	if len(got.Events) != 3 || got.More == 0 || got.More > maxMore {
		t.Errorf("%d events, %d more, %s", len(got.Events), got.More, got.Reason)
	}
}

// TestShown holds that an event that refutes is realistic, and one that only answers a question
// as it was found.
func TestShown(t *testing.T) {
	rule := irtest.Is("Image", `*\\cmd.exe`)
	found := Implies(rule, ir.False, DefaultBudget).Counterexample["Image"]
	if found != `\cmd.exe` {
		t.Errorf("%q", found)
	}
	for _, e := range Apart(rule, ir.False, 1, DefaultBudget).Events {
		if e["Image"] != `C:\Windows\System32\cmd.exe` {
			t.Errorf("%v", e)
		}
	}
}

func TestInCasing(t *testing.T) {
	tests := []ir.Test{irtest.Pattern("*Word*", false), irtest.Pattern("*ſ*", false)}
	for s, want := range map[string]string{"aWORDa": "aWorda", "ſWORD": "ſWORD", "none": "none", "S": "S"} {
		if got := inCasing(s, slices.Clone(tests)); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
}
