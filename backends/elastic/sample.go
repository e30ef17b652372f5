package elastic

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"time"

	"sigmac/backends"
	"sigmac/ir"
)

// Samples writes events as lines of the bulk API, for the index that the
// request names.
func Samples(events []map[string]any, table backends.SampleTable) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for _, ev := range events {
		for _, name := range backends.FieldsOf([]map[string]any{ev}) {
			if typ := table.Columns[name]; !indexed(typ, ev[name]) {
				return "", backends.Unsupported("elastic", ir.Pos{}, fmt.Sprintf("the value %v in the field %s of type %s", ev[name], name, typ), "")
			}
		}
		b.WriteString("{\"create\":{}}\n")
		if err := enc.Encode(ev); err != nil {
			return "", err
		}
	}
	return b.String(), nil
}

// indexed says whether a field of a type takes a value.
func indexed(typ string, v any) bool {
	text, ok := v.(string)
	switch {
	case !ok:
		return true
	case typ == "ip":
		_, err := netip.ParseAddr(text)
		return err == nil
	case typ == "date":
		_, err := time.Parse(time.RFC3339, text)
		return err == nil
	}
	return true
}
