package answers

import (
	"slices"
	"testing"

	"sigmac/eval"
	"sigmac/ir"
	"sigmac/tail"
	"sigmac/targets"
)

// TestAnswersSPL holds that no filter of SPL selects other events than Splunk's
// documents say.
func TestAnswersSPL(t *testing.T) {
	_, all := answers(t, "spl")
	got := newAnswered()
	for _, a := range all {
		q, err := targets.Must("splunk").Read(a.Query, ir.Types{})
		if err != nil {
			got.refuse(t, a, err)
			continue
		}
		got.judge(t, a, q, func(fields map[string]any) map[string]any { return fields })
	}
	got.hold(t, "spl")
}

// TestAnswersTailSPL holds the same of queries as they are read to be tried on several
// events at a time.
func TestAnswersTailSPL(t *testing.T) {
	_, all := answers(t, "spl")
	for _, a := range all {
		q, err := targets.Must("splunk").ReadTail(a.Query, ir.Types{})
		if err != nil {
			t.Errorf("%s: %s: %v", a.ID, a.Query, err)
			continue
		}
		env := &tail.Env{Events: make([]tail.Row, len(a.Events)), Steps: 1 << 20,
			Holds: func(e ir.Expr, i int) bool {
				is, known := eval.Settled(e, event(a.Events[i]))
				if !known {
					t.Errorf("%s: %s of %v is open", a.ID, e, a.Events[i])
				}
				return is
			}}
		var got []int
		for _, row := range q.Run(env) {
			got = append(got, int(row[tail.Event].(float64)))
		}
		if slices.Sort(got); !slices.Equal(got, a.Expect.Matched) {
			t.Errorf("%s: %s\n got %v\nwant %v", a.ID, a.Query, got, a.Expect.Matched)
		}
	}
}
