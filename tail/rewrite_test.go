package tail

import (
	"slices"
	"testing"

	"sigmac/ir"
)

func TestRewrite(t *testing.T) {
	yes := func(name string) ir.Expr { return ir.Match{Field: ir.Field{Name: name}, Test: ir.Exists{}} }
	column := func(name string) Expr { return Column{name} }
	inner := &Query{Ops: []Op{Source{Where: yes("s1")}, Select{[]Named{{"j", column("c1")}}}}}
	q := &Query{Time: "t", Ops: []Op{
		Source{Where: yes("s2")},
		Union{[]*Query{inner}},
		Extend{Columns: []Named{{"n", Call{Name: "f", Args: []Expr{Near{Of: column("c2"), Before: 2, Else: Const{V: 1.0}}, Test{yes("s3")}}}}}},
		Join{Right: inner, On: [][2]Expr{{column("c3"), column("c4")}}},
		Partition{By: []Named{{"p", column("c5")}}, Ops: []Op{Sort{[]SortKey{{X: column("c6")}}}}},
		Group{Aggs: []Agg{{As: "a", Name: "count", Of: column("c7")}}},
	}}
	before := q.String()
	var columns, tests, made []string
	got := q.Rewrite(func(part any) any {
		switch x := part.(type) {
		case Column:
			columns = append(columns, x.Name)
			x.Name += "'"
			return x
		case ir.Expr:
			tests = append(tests, x.(ir.Match).Field.Name)
			return ir.Ref{Name: "r"}
		case Named:
			made = append(made, x.Name)
		case Agg:
			made = append(made, x.As)
		}
		return part
	})
	if q.String() != before {
		t.Errorf("it was changed: %s", q)
	}
	for _, c := range []struct {
		what      string
		got, want []string
	}{
		{"columns", columns, []string{"c1", "c2", "c3", "c1", "c4", "c5", "c6", "c7"}},
		{"tests", tests, []string{"s2", "s1", "s3", "s1"}},
		{"made", made, []string{"j", "n", "j", "p", "a"}},
	} {
		slices.Sort(c.got)
		slices.Sort(c.want)
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s: %v, want %v", c.what, c.got, c.want)
		}
	}
	want := `events {(ref r)} | union (events {(ref r)} | select j=c1') | extend n=f(near(c2', 2, 1), {(ref r)})` +
		` | join (events {(ref r)} | select j=c1') on c3' = c4' | partition by p=c5' (sort c6') | group a=count(c7')`
	if got.String() != want || got.Time != "t" {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
