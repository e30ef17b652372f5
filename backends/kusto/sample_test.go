package kusto

import (
	"encoding/json"
	"testing"

	"sigmac/backends"
	"sigmac/ir"
)

func TestSampleColumns(t *testing.T) {
	got, err := Samples([]map[string]any{
		{"n": json.Number("5"), "d": map[string]any{"a": "x<"}, "j": map[string]any{"a": json.Number("1")}, "b": true},
		{"t": "2026-02-03T04:05:06Z", "g": "01234567-89ab-cdef-0123-456789abcdef", "d": `a"b`},
	}, backends.SampleTable{Name: "Events", Types: map[string]ir.Type{"free": ir.Numeric, "d.a": ir.Dynamic},
		Columns: map[string]string{"n": "int", "d": "dynamic", "j": "json", "b": "bool", "t": "datetime", "g": "guid", "asked": "long"}})
	want := `let Events = datatable(asked:long, b:bool, d:dynamic, free:real, g:guid, j:string, n:int, t:datetime)[
  long(null), true, dynamic({"a":"x<"}), real(null), guid(null), "{\"a\":1}", 5, datetime(null),
  long(null), bool(null), dynamic("a\"b"), real(null), guid(01234567-89ab-cdef-0123-456789abcdef), "", int(null), datetime(2026-02-03T04:05:06Z)
];
`
	if err != nil || got != want {
		t.Errorf("%v\n%s\nwant\n%s", err, got, want)
	}
}

// TestSampleCells holds that a value is refused that a column cannot hold.
func TestSampleCells(t *testing.T) {
	for _, c := range []struct {
		typ string
		v   any
	}{
		{"int", json.Number("1.5")}, {"int", json.Number("2147483648")}, {"long", json.Number("9223372036854775808")},
		{"bool", "yes"}, {"datetime", "today"}, {"guid", "~"}, {"real", "x"}, {"string", "\xff"},
	} {
		if cell, ok := sampleCell(c.typ, c.v); ok {
			t.Errorf("%s: %v is %s", c.typ, c.v, cell)
		}
	}
	if _, err := Samples([]map[string]any{{"n": "x"}}, backends.SampleTable{Columns: map[string]string{"n": "int"}}); err == nil {
		t.Error("a text in a column of numbers")
	}
}
