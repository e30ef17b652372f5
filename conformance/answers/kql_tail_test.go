package answers

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sigmac/eval"
	"sigmac/internal/corpus"
	"sigmac/ir"
	"sigmac/tail"
	"sigmac/targets"
)

// TestAnswersKQLTails holds that the stages behind the filters of KQL give the rows that Microsoft's
// documents show, where a query brings its rows along.
func TestAnswersKQLTails(t *testing.T) {
	_, objects := corpus.Answers(t, "kql")
	got := newAnswered()
	for _, o := range objects {
		var a struct {
			ID, Kind, Query string
			Expect          struct {
				Columns []string
				Rows    [][]string
			}
		}
		if json.Unmarshal(o, &a) != nil || a.Kind != "later" || a.Expect.Rows == nil {
			continue
		}
		query, columns, events, ok := literalRows(a.Query)
		if !ok {
			got.Other["rows of another source"]++
			continue
		}
		q, err := targets.Must("kusto").ReadTail(query, columns)
		if err != nil {
			got.refuse(t, answer{ID: a.ID, Query: query}, err)
			continue
		}
		env := &tail.Env{Events: events, Steps: 1 << 20, Holds: func(e ir.Expr, i int) bool {
			fields := map[string]any{}
			for name, v := range events[i] {
				fields[name] = v
			}
			is, known := eval.Settled(e, event(kustoRow(fields)))
			return is && known
		}}
		rows := q.Run(env)
		if len(env.Unknown) > 0 {
			got.Opaque["a value that is not computed"]++
			continue
		}
		known := slices.Clone(a.Expect.Columns)
		for _, r := range rows {
			known = slices.DeleteFunc(known, func(name string) bool { _, ok := r[name]; return !ok })
		}
		var have, want []string
		for _, r := range rows {
			key := ""
			for _, name := range known {
				key += tail.Key(r[name])
			}
			have = append(have, key)
		}
		for _, r := range a.Expect.Rows {
			key := ""
			for _, name := range known {
				key += tail.Key(shown(r[slices.Index(a.Expect.Columns, name)], columns[name]))
			}
			want = append(want, key)
		}
		slices.Sort(have)
		slices.Sort(want)
		switch {
		case len(known) == 0:
			got.Opaque["no column is known"]++
		case !slices.Equal(have, want):
			t.Errorf("%s: %s\n%s\ncolumns %v\n got %v\nwant %v", a.ID, query, q, known, have, want)
		default:
			got.Agreed++
			t.Logf("%s: agreed in %v of %v", a.ID, known, a.Expect.Columns)
		}
	}
	got.hold(t, "kql-tail")
}

var (
	literal = regexp.MustCompile(`(?s)^\s*(?:let (\w+)\s*=\s*)?(?:view\s*\(\)\s*\{\s*)?datatable\s*\(([^)]*)\)\s*\[`)
	counted = regexp.MustCompile(`(?s)^\s*range (\w+) from (\d+) to (\d+) step (\d+)`)
)

// literalRows takes the rows that a query brings along out of it: of a datatable, or of a range.
func literalRows(query string) (rest string, columns ir.Types, events []tail.Row, ok bool) {
	if m := counted.FindStringSubmatch(query); m != nil {
		from, _ := strconv.Atoi(m[2])
		to, _ := strconv.Atoi(m[3])
		step, _ := strconv.Atoi(m[4])
		for x := from; x <= to && x-from < 1000; x += step {
			events = append(events, tail.Row{m[1]: float64(x)})
		}
		return "Rows | sort by " + m[1] + " asc " + query[len(m[0]):], ir.Types{m[1]: ir.Numeric}, events, true
	}
	m := literal.FindStringSubmatch(query)
	if m == nil || strings.Count(query, "datatable") > 1 {
		return "", nil, nil, false
	}
	values, after := cells(query[len(m[0]):])
	columns = ir.Types{}
	var names []string
	types := map[string]ir.Type{"string": ir.Text, "long": ir.Numeric, "int": ir.Numeric, "real": ir.Numeric, "double": ir.Numeric, "bool": ir.Boolean,
		"datetime": ir.Date, "timespan": ir.Date, "dynamic": ir.Dynamic}
	for _, c := range strings.Split(m[2], ",") {
		name, typ, _ := strings.Cut(c, ":")
		name = strings.TrimSpace(name)
		names = append(names, name)
		columns[name] = types[strings.TrimSpace(typ)]
	}
	for row := range slices.Chunk(values, len(names)) {
		if len(row) < len(names) {
			return "", nil, nil, false
		}
		r := tail.Row{}
		for i, name := range names {
			if r[name] = cellValue(row[i]); r[name] == nil && columns[name] == ir.Dynamic {
				return "", nil, nil, false
			}
		}
		events = append(events, r)
	}
	// The IR has no lengths of time, so a column of them is one of times since 1970.
	rest = strings.ReplaceAll(after, ": timespan", ": datetime")
	if m[1] != "" {
		return strings.TrimLeft(rest, " \n;}"), columns, events, true
	}
	return "Rows" + rest, columns, events, true
}

// cells splits what stands in the brackets of a datatable.
func cells(s string) (out []string, rest string) {
	depth, from := 0, 0
	var quote byte
	for i := range len(s) {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '(' || c == '[' || c == '{':
			depth++
		case c == ']' && depth == 0, c == ',' && depth == 0:
			if v := strings.TrimSpace(s[from:i]); v != "" {
				out = append(out, v)
			}
			if from = i + 1; c == ']' {
				return out, s[from:]
			}
		case c == ')' || c == ']' || c == '}':
			depth--
		}
	}
	return nil, ""
}

// cellValue is a literal of a datatable, or nil.
func cellValue(s string) tail.Value {
	name, inside, typed := strings.Cut(strings.TrimSuffix(s, ")"), "(")
	switch {
	case typed && name == "datetime":
		return shown(inside, ir.Date)
	case typed && name == "dynamic":
		var v any
		if json.Unmarshal([]byte(strings.ReplaceAll(inside, "'", `"`)), &v) != nil {
			return nil
		}
		return listOf(v)
	case typed && inside == "null":
		return nil
	case typed:
		return cellValue(inside)
	case strings.HasPrefix(s, `"`) || strings.HasPrefix(s, `'`):
		return s[1 : len(s)-1]
	case s == "true" || s == "false":
		return s == "true"
	}
	if days, err := strconv.Atoi(strings.TrimSuffix(s, "d")); err == nil && strings.HasSuffix(s, "d") {
		return float64(days * 86400)
	}
	if d, err := time.ParseDuration(s); err == nil && strings.Trim(s, "0123456789.-") != "" {
		return d.Seconds()
	}
	x, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return nil
	}
	return x
}

// listOf is a value of JSON, or nil where it is an object.
func listOf(v any) tail.Value {
	if _, bag := v.(map[string]any); bag {
		return nil
	}
	list, ok := v.([]any)
	if !ok {
		return v
	}
	out := make([]tail.Value, len(list))
	for i, x := range list {
		out[i] = listOf(x)
	}
	return out
}

var clock = regexp.MustCompile(`^(?:(\d+)\.)?(\d\d):(\d\d):(\d\d)$`)

// shown is a value as a page shows it.
func shown(s string, typ ir.Type) tail.Value {
	if m := clock.FindStringSubmatch(s); m != nil {
		sum := 0
		for i, unit := range []int{86400, 3600, 60, 1} {
			n, _ := strconv.Atoi(m[i+1])
			sum += n * unit
		}
		return float64(sum)
	}
	for _, layout := range []string{"2006-01-02T15:04:05Z", "2006-01-02 15:04:05", "2006-01-02"} {
		if at, err := time.Parse(layout, s); err == nil {
			return float64(at.UnixNano()) / 1e9
		}
	}
	if x, err := strconv.ParseFloat(s, 64); err == nil && typ != ir.Text {
		return x
	}
	var v any
	if strings.HasPrefix(s, "[") && json.Unmarshal([]byte(strings.ReplaceAll(s, "'", `"`)), &v) == nil {
		return listOf(v)
	}
	if s == "True" || s == "true" || s == "False" || s == "false" {
		return strings.EqualFold(s, "true")
	}
	if s == "" && typ != ir.Text {
		return nil
	}
	return s
}
