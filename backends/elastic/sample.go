package elastic

import (
	"bytes"
	"encoding/json"

	"sigmac/ir"
)

// Samples writes events as lines of the bulk API, for the index that the
// request names.
func Samples(events []map[string]any, _ map[string]ir.Type) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for _, ev := range events {
		b.WriteString("{\"create\":{}}\n")
		if err := enc.Encode(ev); err != nil {
			return "", err
		}
	}
	return b.String(), nil
}
