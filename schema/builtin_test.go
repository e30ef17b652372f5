package schema

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"sigmac/pipeline"
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
	}
	for _, name := range Builtins() {
		s, ok := Builtin(name)
		if !ok || len(s.Tables()) == 0 {
			t.Fatal(name)
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
			columns := s.table(table).columns
			for column := range columns {
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

// An item is one of a pipeline file.
type item struct {
	Type, Key string
	Val       any
	Mapping   map[string]any
	Fields    []string
	Items     []item
	When      any `yaml:"rule_conditions"`
}

// A reach is what the items of a pipeline name.
type reach struct {
	t        *testing.T
	name     string
	schema   *Schema
	own      map[string]bool // fields that the pipeline computes or renames
	columns  int
	computed int
}

// TestPipelines holds that the fields to which a built-in pipeline maps are
// columns of the table, and that its computed columns hide none and use only
// columns and functions that there are.
func TestPipelines(t *testing.T) {
	for name, file := range map[string]string{"azure_monitor": "azure_monitor", "ecs_windows": "ecs", "microsoft_xdr": "microsoft_xdr",
		"sentinel_asim": "sentinel_asim", "splunk_cim": "splunk_cim"} {
		src, ok := pipeline.BuiltinSource(name)
		s, there := Builtin(file)
		if !ok || !there {
			t.Fatal(name, file)
		}
		var p struct{ Transformations []item }
		if err := yaml.Unmarshal(src, &p); err != nil {
			t.Fatal(name, err)
		}
		r := &reach{t: t, name: name, schema: s, own: map[string]bool{}}
		r.note(p.Transformations)
		r.check(p.Transformations, "")
		if kusto := slices.Contains(targets["kusto"].builtin, file); r.columns < 50 || kusto && r.computed < 5 {
			t.Errorf("%s: %d columns, %d computed ones", name, r.columns, r.computed)
		}
	}
}

func (r *reach) note(items []item) {
	for _, it := range items {
		for from := range it.Mapping {
			r.own[from] = true
		}
		if computed, ok := it.Val.(map[string]any); ok && it.Key == "extend" {
			for name := range computed {
				r.own[name] = true
			}
		}
		r.note(it.Items)
	}
}

// check goes through items that are about a table, or about any.
func (r *reach) check(items []item, table string) {
	for _, it := range items {
		of := table
		if ask, ok := it.When.([]any); ok && len(ask) == 1 {
			if c, ok := ask[0].(map[string]any); ok && c["key"] == "query_table" && c["op"] == nil {
				of = fmt.Sprint(c["val"])
			}
		}
		switch {
		case it.Type == "nest":
			r.check(it.Items, of)
		case it.When == nil && (it.Key == "query_table" || it.Key == "data_model_set"):
			table = fmt.Sprint(it.Val)
		case it.Key == "extend":
			for name, v := range it.Val.(map[string]any) {
				r.expression(of, name, v)
			}
		case it.Type == "field_name_mapping":
			for from, to := range it.Mapping {
				names, ok := to.([]any)
				if !ok {
					names = []any{to}
				}
				for _, name := range names {
					r.column(of, fmt.Sprint(name), from)
				}
			}
		case it.Type == "set_field":
			for _, name := range it.Fields {
				r.column(of, name, "")
			}
		}
	}
}

func (r *reach) has(table, name string) bool {
	if table != "" {
		t := r.schema.table(table)
		if t == nil {
			r.t.Errorf("%s: there is no table %s", r.name, table)
			return true
		}
		_, kind := t.column(name)
		return kind != 0
	}
	return slices.ContainsFunc(r.schema.Tables(), func(table string) bool { return r.has(table, name) })
}

func (r *reach) column(table, name, from string) {
	r.columns++
	if !r.own[name] && name != "_time" && !r.has(table, name) {
		r.t.Errorf("%s: %s has no column %s, which %s becomes", r.name, table, name, from)
	}
}

var (
	literal   = regexp.MustCompile(`@?"[^"]*"`)
	word      = regexp.MustCompile(`\.?[A-Za-z_]\w*`)
	functions = strings.Fields(`and binary_and binary_shift_right case coalesce contains endswith extract iff in indexof isempty
		isnotempty isnotnull matches or parse_json regex replace_regex split startswith strcat substring tohex tolong tostring`)
)

func (r *reach) expression(table, name string, v any) {
	r.computed++
	text, ok := v.(string)
	if typed, is := v.(map[string]any); is {
		text, ok = typed["is"].(string)
	}
	if !ok || r.has(table, name) {
		r.t.Errorf("%s: %s.%s has no expression, or is a column already", r.name, table, name)
	}
	for _, w := range word.FindAllString(literal.ReplaceAllString(text, `""`), -1) {
		if !strings.HasPrefix(w, ".") && !slices.Contains(functions, w) && !r.has(table, w) {
			r.t.Errorf("%s: %s.%s uses %s, which is no column", r.name, table, name, w)
		}
	}
}
