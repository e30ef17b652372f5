package schema

import (
	"slices"
	"testing"

	"sigmac/ir"
	"sigmac/targets"
)

// TestColumn holds in which column a field stands.
func TestColumn(t *testing.T) {
	for _, c := range []struct{ target, table, first, field, column, typ string }{
		{"kusto", "DeviceEvents", "", "AdditionalFields.DnsQueryString", "AdditionalFields", "json"},
		{"kusto", "DeviceEvents", "", "ActionType", "ActionType", "string"},
		{"kusto", "DeviceEvents", "", "NoSuch", "", ""},
		{"kusto", "NoSuch", "", "ActionType", "", ""},
		{"kusto", "AuditLogs", "", "TargetResources[0].id", "TargetResources", "dynamic"},
		{"elastic", "", "", "process.executable", "process.executable", "keyword"},
		{"splunk", "", "", "Image", "", ""},
	} {
		column, typ := For(targets.Must(c.target)).Column(ir.Scope{Table: c.table}, c.first, c.field)
		if column != c.column || typ != c.typ {
			t.Errorf("%s: %s of %s is %q of type %q, want %q of type %q", c.target, c.field, c.table, column, typ, c.column, c.typ)
		}
	}
	texts := For(targets.Must("kusto")).Texts(ir.Scope{Table: "DeviceEvents"}, "")
	if !slices.Contains(texts, "ActionType") || slices.Contains(texts, "Timestamp") || slices.Contains(texts, "AdditionalFields") {
		t.Errorf("%v", texts)
	}
}
