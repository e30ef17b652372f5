package tail

import (
	"testing"
)

func rows(values ...[3]Value) (out []Row) {
	for _, v := range values {
		out = append(out, Row{"t": v[0], "g": v[1], "v": v[2]})
	}
	return out
}

func TestRunning(t *testing.T) {
	in := rows([3]Value{0.0, "a", 1.0}, [3]Value{1.0, "b", 2.0}, [3]Value{2.0, "a", 4.0}, [3]Value{4.0, nil, 8.0}, [3]Value{5.0, "a", 16.0})
	sum := []Agg{{As: "s", Name: "sum", Of: Column{"v"}, Do: func(vs []Value) Value {
		s := 0.0
		for _, v := range vs {
			s += v.(float64)
		}
		return s
	}}}
	g, at := []Named{{"g", Column{"g"}}}, Column{"t"}
	for _, c := range []struct {
		op   Op
		text string
		want string
	}{
		{Running{Aggs: sum}, "running s=sum(v)", "[1, 3, 7, 15, 31]"},
		{Running{Aggs: sum, Rows: 2}, "running s=sum(v) of 2 rows", "[1, 3, 6, 12, 24]"},
		{Running{Aggs: sum, Before: true}, "running s=sum(v) before", "[0, 1, 3, 7, 15]"},
		{Running{Aggs: sum, By: g}, "running s=sum(v) by g=g", "[1, 2, 5, null, 21]"},
		{Running{Aggs: sum, By: g, Rows: 2}, "running s=sum(v) of 2 rows by g=g", "[1, 2, 5, null, 20]"},
		{Running{Aggs: sum, By: g, Rows: 3, Mixed: true}, "running s=sum(v) of 3 rows of all by g=g", "[1, 2, 5, null, 20]"},
		{Running{Aggs: sum, By: g, Rows: 2, Mixed: true}, "running s=sum(v) of 2 rows of all by g=g", "[1, 2, 4, null, 16]"},
		{Running{Aggs: sum, Span: 2, Time: at}, "running s=sum(v) within 2 of t", "[1, 3, 7, 12, 24]"},
		{Running{Aggs: sum, Span: 3, Time: at, By: g}, "running s=sum(v) within 3 of t by g=g", "[1, 2, 5, null, 20]"},
		{Beside{Aggs: sum}, "beside s=sum(v)", "[31, 31, 31, 31, 31]"},
		{Beside{Aggs: sum, By: g}, "beside s=sum(v) by g=g", "[21, 2, 21, null, 21]"},
	} {
		var got []Value
		for _, r := range c.op.Apply(&Env{Steps: 100}, in) {
			got = append(got, r["s"])
		}
		if Key(got...) != c.want || c.op.String() != c.text {
			t.Errorf("%s: %s, want %s of %s", c.op, Key(got...), c.want, c.text)
		}
	}
	if out := (Reverse{}).Apply(nil, in); out[0]["t"] != 5.0 || in[0]["t"] != 0.0 || (Reverse{}).String() != "reverse" {
		t.Errorf("reverse: %v of %v", out, in)
	}
	fill := Fill{Name: "t", Step: 2, Of: []Named{{"g", Const{}}, {"v", Const{0.0}}}}
	var got []Value
	for _, r := range fill.Apply(&Env{Steps: 10}, rows([3]Value{0.0, "a", 1.0}, [3]Value{2.0, "a", 1.0}, [3]Value{8.0, "b", 3.0})) {
		got = append(got, r["t"], r["g"], r["v"])
	}
	if want := `[0, "a", 1, 2, "a", 1, 4, null, 0, 6, null, 0, 8, "b", 3]`; Key(got...) != want || fill.String() != "fill t by 2: g=null, v=0" {
		t.Errorf("%s: %s, want %s", fill, Key(got...), want)
	}
	if out := fill.Apply(&Env{Steps: 10}, rows([3]Value{0.0, "a", 1.0}, [3]Value{1e9, "a", 1.0})); out != nil {
		t.Errorf("%d rows", len(out))
	}
	env := &Env{Steps: 3}
	if out := (Running{Aggs: sum}).Apply(env, in); out != nil || env.Steps >= 0 {
		t.Errorf("%d rows with %d steps left", len(out), env.Steps)
	}
	env = &Env{Steps: 4}
	x := Sized{Call{Name: "f", Do: func([]Value) Value { return "abc" }}}
	if v := x.Eval(&Frame{Env: env}); v != "abc" || x.String() != "f()" {
		t.Errorf("%s is %v", x, v)
	}
	if v := x.Eval(&Frame{Env: env}); v != nil {
		t.Errorf("%s is %v with %d steps left", x, v, env.Steps)
	}
}
