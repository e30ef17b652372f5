package answers

import (
	"testing"

	"sigmac/ir"
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
