package verify

import (
	"testing"

	"sigmac/eval"
	"sigmac/ir"
	"sigmac/targets"
)

// TestFormulas holds that parts which can only be computed are compared by events that
// are made for them, and that no such part is proved to be anything.
func TestFormulas(t *testing.T) {
	read := func(query string) ir.Expr {
		q, err := targets.Must("elastic").Read("any where "+query, ir.Types{"n": ir.Numeric, "t": ir.Text, "d": ir.Date})
		if err != nil {
			t.Fatal(query, err)
		}
		return q.Where
	}
	for _, c := range []struct {
		old, new string
		want     Verdict
	}{
		{`n % 4 == 2 and t : "a*"`, `n % 4 == 2 and t : "ab*"`, Refuted},
		{`not (t : "x" and n % 2 == 1)`, `not (t : "x" and n % 2 == 1 and n > 5)`, Refuted},
		{`n % 4 == 2`, `n == 6`, Refuted},
		{`n * 2 == 10`, `n == 5`, Agreed},
		{`between(t, "a", "b") == "foo"`, `between(t, "a", "b") : "foo"`, Refuted},
		{`between(t, "a", "b") == "foo"`, `between(t, "a", "b", true) == "foo"`, Refuted},
		{`indexOf(t, "a") == 2`, `indexOf(t, "a") == 3`, Refuted},
		{`indexOf(t, "a") == 2`, `not indexOf(t, "a") != 2`, Proved},
		{`d > "2020"`, `d >= "2020"`, Refuted},
		{`d > "now-5m" and t : "a"`, `d > "now-5m" and t : "b"`, Agreed},
		{`stringContains(t, "a=*")`, `stringContains(t, "a=")`, Agreed},
		{`concat(t, ":", n) == "a:1"`, `t == "a"`, Refuted},
	} {
		old, new := read(c.old), read(c.new)
		res := Equal(targets.Must("elastic").World, old, new, DefaultBudget)
		if res.Verdict != c.want {
			t.Errorf("%s, %s: %s: %s", c.old, c.new, res.Verdict, res.Reason)
		}
		if res.Verdict != Refuted {
			continue
		}
		ev, err := eval.NewEvent(res.Counterexample)
		if err != nil {
			t.Fatal(err)
		}
		a, known := eval.Settled(old, ev)
		b, both := eval.Settled(new, ev)
		if !known || !both || a == b {
			t.Errorf("%s, %s: the event %v does not tell them apart", c.old, c.new, res.Counterexample)
		}
	}
}
