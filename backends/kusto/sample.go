package kusto

import (
	"fmt"
	"strings"

	"sigmac/backends"
	"sigmac/ir"
)

// Samples writes events as a `datatable`; a field that an event lacks is null,
// or blank in a column of texts.
func Samples(events []map[string]any, types map[string]ir.Type) (string, error) {
	names := backends.FieldsOf(events)
	var columns, rows []string
	for _, name := range names {
		lit, ok := entity(name)
		if !ok {
			return "", backends.Unsupported("kusto", ir.Pos{}, fmt.Sprintf("the column name %q", name), "")
		}
		columns = append(columns, lit+":"+map[ir.Type]string{ir.Numeric: "real", ir.Boolean: "bool", ir.Date: "datetime"}[types[name]])
		if strings.HasSuffix(columns[len(columns)-1], ":") {
			columns[len(columns)-1] += "string"
		}
	}
	for _, ev := range events {
		var row []string
		for _, name := range names {
			v, there := ev[name]
			s := fmt.Sprint(v)
			switch {
			case types[name] == ir.Numeric && !there:
				s = "real(null)"
			case types[name] == ir.Boolean && !there:
				s = "bool(null)"
			case types[name] == ir.Date && !there:
				s = "datetime(null)"
			case types[name] == ir.Date:
				s = "datetime(" + s + ")"
			case types[name] == ir.Numeric || types[name] == ir.Boolean:
			default:
				if !there {
					s = ""
				}
				lit, ok := quote(s)
				if !ok {
					return "", backends.Unsupported("kusto", ir.Pos{}, "a value that is not UTF-8 text", "")
				}
				s = lit
			}
			row = append(row, s)
		}
		rows = append(rows, "  "+strings.Join(row, ", "))
	}
	return "datatable(" + strings.Join(columns, ", ") + ")[\n" + strings.Join(rows, ",\n") + "\n]\n", nil
}
