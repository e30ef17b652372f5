package splunk

import (
	"fmt"
	"strings"

	"sigmac/backends"
	"sigmac/ir"
)

// Samples writes events as a search that makes them: one `makeresults` each.
func Samples(events []map[string]any, _ backends.SampleTable) (string, error) {
	var b strings.Builder
	for i, ev := range events {
		var sets []string
		for _, name := range backends.FieldsOf([]map[string]any{ev}) {
			lit, lack := whereField(name)
			if lack != "" {
				return "", backends.Unsupported("splunk", ir.Pos{}, lack, "")
			}
			sets = append(sets, lit+"="+sampleValue(ev[name]))
		}
		made := "makeresults"
		if len(sets) > 0 {
			made += "\n  | eval " + strings.Join(sets, ", ")
		}
		if i == 0 {
			b.WriteString("| " + made + "\n")
		} else {
			b.WriteString("| append [| " + made + "]\n")
		}
	}
	return b.String(), nil
}

func sampleValue(v any) string {
	if vs, several := v.([]any); several {
		values := make([]string, len(vs))
		for i, v := range vs {
			values[i] = sampleValue(v)
		}
		return "mvappend(" + strings.Join(values, ", ") + ")"
	}
	s, ok := v.(string)
	if !ok {
		return fmt.Sprintf(`"%v"`, v)
	}
	if !strings.ContainsFunc(s, func(r rune) bool { return unsayable(r) || strings.ContainsRune(`"\|$%`, r) }) {
		return `"` + s + `"`
	}
	// A string of eval has few escapes; what a URL encodes it decodes to bytes.
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-_. /:", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return `urldecode("` + b.String() + `")`
}
