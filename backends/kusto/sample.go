package kusto

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"sigmac/backends"
	"sigmac/internal/lazy"
	"sigmac/ir"
)

// Samples writes events as a `datatable`, which has the name of their table where one is
// known; a field that an event lacks is null, or blank in a column of texts.
func Samples(events []map[string]any, table backends.SampleTable) (string, error) {
	refuse := func(what string) (string, error) { return "", backends.Unsupported("kusto", ir.Pos{}, what, "") }
	names := append(backends.FieldsOf(events), slices.Collect(maps.Keys(table.Columns))...)
	for name := range table.Types {
		if base, _, _ := strings.Cut(name, "."); table.Columns[base] == "" && base == name {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	var columns, rows []string
	types := map[string]string{}
	for _, name := range names {
		lit, ok := entity(name)
		if !ok {
			return refuse(fmt.Sprintf("the column name %q", name))
		}
		typ := cmp.Or(table.Columns[name], map[ir.Type]string{ir.Numeric: "real", ir.Boolean: "bool", ir.Date: "datetime"}[table.Types[name]])
		if typ == "json" || typ == "" {
			typ = "string"
		}
		types[name] = typ
		columns = append(columns, lit+":"+typ)
	}
	for _, ev := range events {
		var row []string
		for _, name := range names {
			v := ev[name]
			cell, ok := sampleCell(types[name], v)
			if !ok {
				return refuse(fmt.Sprintf("the value %v in the column %s of type %s", v, name, types[name]))
			}
			row = append(row, cell)
		}
		rows = append(rows, "  "+strings.Join(row, ", "))
	}
	out := "datatable(" + strings.Join(columns, ", ") + ")[\n" + strings.Join(rows, ",\n") + "\n]"
	if table.Name == "" {
		return out + "\n", nil
	}
	name, ok := entity(table.Name)
	if !ok {
		return refuse(fmt.Sprintf("the table name %q", table.Name))
	}
	return "let " + name + " = " + out + ";\n", nil
}

// sampleCell is a value as a literal of a column's type. False: the column cannot hold it.
func sampleCell(typ string, v any) (cell string, ok bool) {
	text := fmt.Sprint(v)
	if _, scalar := v.(string); v != nil && !scalar && (typ == "string" || typ == "dynamic") {
		if text, ok = jsonText(v); !ok {
			return "", false
		}
	}
	switch {
	case v == nil && typ == "string":
		return `""`, true
	case v == nil:
		return typ + "(null)", true
	case typ == "string":
		return quote(text)
	case typ == "dynamic":
		if _, scalar := v.(string); scalar {
			if text, ok = jsonText(v); !ok {
				return "", false
			}
		}
		return "dynamic(" + text + ")", true
	case typ == "bool":
		_, ok := v.(bool)
		return text, ok
	case typ == "datetime":
		_, err := time.Parse(time.RFC3339, text)
		return "datetime(" + text + ")", err == nil
	case typ == "guid":
		return "guid(" + text + ")", guid().MatchString(text)
	}
	n, ok := ir.ParseNumber(text)
	if typ == "int" || typ == "long" {
		_, err := strconv.ParseInt(string(n), 10, map[string]int{"int": 32, "long": 64}[typ])
		return text, ok && err == nil
	}
	if typ == "decimal" {
		return "decimal(" + text + ")", ok
	}
	return text, ok
}

var guid = lazy.Regexp("^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")

func jsonText(v any) (string, bool) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return strings.TrimSuffix(b.String(), "\n"), err == nil
}
