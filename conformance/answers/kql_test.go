package answers

import (
	"encoding/json"
	"strings"
	"testing"

	"sigmac/ir"
	"sigmac/targets"
)

// TestAnswersKQL holds that no filter of KQL selects other events than Microsoft's
// documents say.
func TestAnswersKQL(t *testing.T) {
	_, all := answers(t, "kql")
	got := newAnswered()
	for _, a := range all {
		if a.Kind == "later" {
			got.Other[a.Kind]++
			continue
		}
		types := map[string]ir.Type{"text": ir.Text, "number": ir.Numeric, "boolean": ir.Boolean, "ip": ir.Address, "date": ir.Date, "dynamic": ir.Dynamic}
		schema := ir.Types{}
		for name, typ := range a.Schema {
			schema[name] = types[typ]
		}
		q, err := targets.Must("kusto").Read(a.Query, schema)
		if err != nil {
			got.refuse(t, a, err)
			continue
		}
		if why := microsoftsOwn[a.ID]; why != "" {
			got.Other[why]++
			continue
		}
		got.judge(t, a, q, func(fields map[string]any) map[string]any {
			if outsideIPText(q.Where, fields) {
				return nil
			}
			return kustoRow(fields)
		})
	}
	got.hold(t, "kql")
}

// microsoftsOwn are answers that nothing which reads the query could give.
var microsoftsOwn = map[string]string{
	"kql/url-encode-component-function/0": "the page's output lacks the slash at the end of its input",
	"kql/new-guid-function/0":             "a random value",
}

// outsideIPText says whether an event has an address with a prefix where a test of
// addresses is. The assumption ip-text leaves it out, and ipv4_is_private takes it.
func outsideIPText(e ir.Expr, fields map[string]any) (outside bool) {
	ir.Walk(e, func(e ir.Expr) {
		if m, ok := e.(ir.Match); ok {
			_, net := m.Test.(ir.CIDR)
			s, _ := fields[m.Field.Name].(string)
			outside = outside || net && strings.Contains(s, "/")
		}
	})
	return outside
}

// kustoRow is an event as a row: the empty text and null are no value, and the
// places of a text that holds JSON have names, as the reader gives them.
func kustoRow(fields map[string]any) map[string]any {
	row := map[string]any{}
	var places func(name string, v any)
	places = func(name string, v any) {
		m, object := v.(map[string]any)
		for key, v := range m {
			places(name+"."+key, v)
		}
		if !object {
			row[name] = v
		}
	}
	for name, v := range fields {
		if v == nil || v == "" {
			continue
		}
		row[name] = v
		if s, ok := v.(string); ok && strings.HasPrefix(s, "{") {
			var m map[string]any
			if json.Unmarshal([]byte(s), &m) == nil {
				places(name, m)
			}
		}
	}
	return row
}
