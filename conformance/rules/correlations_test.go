package rules

import (
	"regexp"
	"testing"

	"sigmac/internal/corpus"
	"sigmac/parser"
)

// TestCorrelations holds what is read of correlations and filters that people wrote, and
// why the rest is refused: for a fault of its author, or since one tool alone has it.
func TestCorrelations(t *testing.T) {
	value := regexp.MustCompile(`"[^"]*"`)
	got := map[string]int{}
	for _, d := range corpus.Parse(t, "correlations").Documents {
		if len(d.Errors) == 0 {
			kind := d.Kind.String()
			if d.Correlation != nil {
				kind += " " + d.Correlation.Type.Text
			}
			got["read: "+kind]++
			continue
		}
		msg := d.Errors[0].Msg
		if d.Kind == parser.Rule {
			msg = value.ReplaceAllString(msg, `""`)
		}
		got["refused: "+d.Kind.String()+": "+msg]++
	}
	corpus.Hold(t, "testdata/correlations.json", got, *update)
}
