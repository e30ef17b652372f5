package irtest

import (
	"testing"

	"sigmac/eval"
	"sigmac/ir"
	"sigmac/tail"
)

// Env is where a query runs on events, which are asked what a rule would ask of them.
func Env(t testing.TB, events []tail.Row) *tail.Env {
	return &tail.Env{Events: events, Steps: 1 << 20, Holds: func(e ir.Expr, i int) bool {
		fields := map[string]any{}
		for name, v := range events[i] {
			switch v := v.(type) {
			case nil: // the column has nothing
			case []tail.Value:
				var all []any
				for _, x := range v {
					all = append(all, x)
				}
				fields[name] = all
			default:
				fields[name] = v
			}
		}
		ev, err := eval.NewEvent(fields)
		if err != nil {
			t.Fatal(err)
		}
		return eval.Expr(nil, e, ev)
	}}
}
