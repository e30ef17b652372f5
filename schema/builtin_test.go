package schema

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestBuiltins holds that every built-in schema can be read, has a table (ecs: a
// field) a line, sorted, and only types that are known; and some columns that
// each of its tables has.
func TestBuiltins(t *testing.T) {
	known := map[string]string{
		"ecs": "event.code keyword, process.pid long, process.command_line wildcard, process.command_line.text match_only_text, " +
			"source.ip ip, winlog.event_data.* keyword, message match_only_text, powershell.file.script_block_text text",
		"sentinel_asim": "TimeGenerated datetime, EventCount int, EventType string, EventOriginalType string, EventResult string, " +
			"DvcHostname string, DvcOs string, AdditionalFields dynamic",
		"azure_monitor":       "TimeGenerated datetime, Type string, TenantId string, _ResourceId string, _ItemId string, _BilledSize real",
		"sentinel_connectors": "TimeGenerated datetime, Type string, TenantId string, _ResourceId string, _ItemId string, _BilledSize real",
	}
	if files, err := filepath.Glob("*.json"); err != nil || len(files) != len(Builtins()) || !slices.IsSorted(Builtins()) {
		t.Fatal(files, Builtins(), err)
	}
	for _, name := range Builtins() {
		if file, err := os.ReadFile(name + ".json"); err != nil {
			t.Fatal(err)
		} else if s, _ := Builtin(name); s.text != string(file) {
			t.Fatal(name, " is another file")
		}
		s, ok := Builtin(name)
		if !ok || len(s.Tables()) == 0 {
			t.Fatal(name)
		}
		var whole map[string]map[string]string
		if err := json.Unmarshal([]byte(s.text), &whole); err != nil {
			t.Fatal(name, err)
		}
		for table, columns := range whole {
			if got := s.lines(table); !maps.Equal(byName(got), columns) {
				t.Errorf("%s: %s is read as %v, not %v", name, table, byName(got), columns)
			}
		}
		if len(whole) != len(s.Tables()) {
			t.Errorf("%s has the tables %v", name, s.Tables())
		}
		var lines []string
		for line := range strings.Lines(s.text) {
			if key, value, ok := strings.Cut(strings.TrimSpace(line), `":`); ok && strings.TrimSpace(value) != "{" {
				lines = append(lines, key)
			}
		}
		if !slices.IsSorted(lines) {
			t.Errorf("%s is not sorted", name)
		}
		for _, table := range s.Tables() {
			columns := byName(s.table(table))
			for column, want := range columns {
				if typ := s.table(table).typ(column); typ != want {
					t.Errorf("%s: %s.%s is found as %q, not %q", name, table, column, typ, want)
				}
				if typ, kind := s.table(table).column(column); kind == 0 {
					t.Errorf("%s: %s.%s is of the unknown type %s", name, table, column, typ)
				}
			}
			for want := range strings.SplitSeq(known[name], ", ") {
				if column, typ, ok := strings.Cut(want, " "); ok && columns[column] != typ {
					t.Errorf("%s: %s.%s is %q, not %s", name, table, column, columns[column], typ)
				}
			}
		}
	}
}

func byName(t *table) map[string]string {
	out := map[string]string{}
	for _, c := range t.all() {
		out[c.name] = c.typ
	}
	return out
}
