package tail

import (
	"fmt"
	"strings"
	"testing"
)

// numbers are rows with one column.
func numbers(xs ...float64) (out []Row) {
	for _, x := range xs {
		out = append(out, Row{"x": x})
	}
	return out
}

// shown is what rows have in some columns.
func shown(rows []Row, names ...string) string {
	var out []string
	for _, r := range rows {
		parts := make([]string, len(names))
		for i, n := range names {
			parts[i] = text(r[n])
		}
		out = append(out, strings.Join(parts, " "))
	}
	return strings.Join(out, ", ")
}

func is(name string, n float64) Expr {
	return Call{Name: "is", Args: []Expr{Column{name}}, Do: func(a []Value) Value { return a[0] == n }}
}

func plus(a, b Expr) Expr {
	return Call{Name: "plus", Args: []Expr{a, b}, Do: func(a []Value) Value {
		x, _ := a[0].(float64)
		y, _ := a[1].(float64)
		return x + y
	}}
}

func TestCumulate(t *testing.T) {
	sum := func(so, v Value) Value {
		x, _ := so.(float64)
		return x + v.(float64)
	}
	for _, c := range []struct {
		restart Expr
		want    string
	}{{nil, "1, 3, 6, 10"}, {is("x", 3), "1, 3, 3, 7"}, {Const{true}, "1, 2, 3, 4"}} {
		got := Cumulate{As: "s", Name: "sum", Of: Column{"x"}, Restart: c.restart, Do: sum}.Apply(&Env{}, numbers(1, 2, 3, 4))
		if shown(got, "s") != c.want {
			t.Errorf("%v: %s, want %s", c.restart, shown(got, "s"), c.want)
		}
	}
}

func TestScan(t *testing.T) {
	total := Scan{Declared: []Named{{"s", Const{0.0}}}, Steps: []ScanStep{{Name: "a", When: Const{true}, Set: []Named{{"s", plus(Column{"x"}, Known{"a.s"})}}}}}
	pair := func(silent bool) Scan {
		return Scan{Declared: []Named{{"from", Const{}}}, Steps: []ScanStep{
			{Name: "a", When: is("x", 1), Silent: silent},
			{Name: "b", When: is("x", 2), Set: []Named{{"from", Known{"a.n"}}}},
		}}
	}
	rows := func(xs ...float64) []Row {
		out := numbers(xs...)
		for i := range out {
			out[i]["n"] = float64(i)
		}
		return out
	}
	for i, c := range []struct {
		scan    Scan
		rows    []Row
		columns string
		want    string
	}{
		{total, numbers(1, 2, 3), "x s", "1 1, 2 3, 3 6"},
		{pair(false), rows(2, 1, 2), "n from", "1 null, 2 1"},
		// The row before goes along, and is then no beginning any more; a second end follows the first.
		{pair(true), rows(1, 2, 2), "n from", "1 0, 2 0"},
		// A second beginning takes the place of the first, and the end that is there goes on until then.
		{pair(true), rows(1, 1, 2, 3, 1, 2), "n from", "2 1, 5 4"},
		{pair(true), rows(1, 2, 1, 2, 2), "n from", "1 0, 3 2, 4 2"},
	} {
		got := c.scan.Apply(&Env{Steps: 1000}, c.rows)
		if s := shown(got, strings.Fields(c.columns)...); s != c.want {
			t.Errorf("%d: %s: %s, want %s", i, c.scan, s, c.want)
		}
	}
	if got := total.Apply(&Env{Steps: 2}, numbers(1, 2, 3)); got != nil {
		t.Errorf("without steps: %v", got)
	}
	in := rows(1, 2)
	if pair(true).Apply(&Env{Steps: 100}, in); len(in[1]) != 2 {
		t.Errorf("a row was changed: %v", in)
	}
}

func TestFill(t *testing.T) {
	in := []Row{{"x": 1.0}, {"y": 2.0}}
	if got := shown(Filled{Names: []string{"x", "y"}}.Apply(nil, in), "x", "y"); got != "1 null, null 2" || len(in[0]) != 1 {
		t.Error(got)
	}
}

// TestStages holds that what the stages differ in stands in their texts.
func TestStages(t *testing.T) {
	step := ScanStep{Name: "a", When: Const{true}}
	silent, set := step, step
	silent.Silent, set.Set = true, []Named{{"x", Const{}}}
	seen := map[string]bool{}
	for _, op := range []Op{Cumulate{As: "a", Name: "sum", Of: Column{"x"}}, Cumulate{As: "a", Name: "sum", Of: Column{"x"}, Restart: Const{true}},
		Cumulate{As: "a", Name: "max", Of: Column{"x"}}, Scan{Steps: []ScanStep{step}}, Scan{Steps: []ScanStep{silent}}, Scan{Steps: []ScanStep{set}},
		Scan{Declared: []Named{{"x", Const{}}}, Steps: []ScanStep{step}}, Filled{Names: []string{"x"}}, Filled{Names: []string{"y"}}} {
		if s := fmt.Sprint(op); seen[s] {
			t.Error(s)
		} else {
			seen[s] = true
		}
	}
}
