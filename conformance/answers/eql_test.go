package answers

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sigmac/eval"
	"sigmac/ir"
	"sigmac/tail"
	"sigmac/targets"
)

// eqlData is a set of events that several queries ask.
type eqlData struct {
	Category, Key string // fields: of a query's category, of the ids that answers name
	Schema        mappedTypes
	Events        []map[string]any
}

// mappedTypes are the types of the fields that an index maps.
type mappedTypes map[string]string

func (s mappedTypes) Type(_, field string) (ir.Type, bool) {
	types := map[string]ir.Type{"text": ir.Text, "number": ir.Numeric, "boolean": ir.Boolean, "address": ir.Address, "date": ir.Date}
	typ, ok := s[field]
	return types[typ], ok
}

// explainedEQL are answers that sigmac does not give, and why.
var explainedEQL = map[string]string{
	"es/VerifierTests/18":                                          "the verifier lets a text be compared with a number; the query of a long field then fails",
	"es/VerifierTests/33":                                          "the verifier lets a number be compared with an address; the query of an ip field then fails",
	"es/test_extra/sequenceWithVersionRangeCheck2":                 "the field is of the type version, which orders by the numbers between the dots",
	"es/test_extra/optionalDefaultNullValueFieldEqualDefaultValue": "the mapping has a null_value: elastic/null-value",
}

// TestAnswersEQL holds that no filter of EQL selects other events than
// Elasticsearch's own tests say, and that what its verifier refuses is refused.
func TestAnswersEQL(t *testing.T) {
	dir, all := answers(t, "eql")
	text, err := os.ReadFile(filepath.Join(dir, "eql-data.json"))
	if err != nil {
		t.Fatal(err)
	}
	data := map[string]eqlData{}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&data); err != nil {
		t.Fatal(err)
	}
	got := newAnswered()
	explained := map[string]bool{}
	for _, a := range all {
		set := data[a.Data]
		python := strings.HasPrefix(a.ID, "endgame/")
		if python {
			a.Query = pythonEQL(a.Query)
		}
		q, err := targets.Must("elastic").Read(a.Query, set.Schema)
		wrong := ""
		switch {
		case python && (a.Kind != "sequence" || err != nil || strings.HasPrefix(a.Query, "join")):
			got.Other["python-eql"]++ // it has joins, computed keys, other functions and pipes
		case a.Kind == "sequence" && err == nil:
			wrong = set.sequence(t, a)
			if wrong == "" {
				got.Agreed++
			}
		case a.Kind == "refuse" && err != nil, a.Kind == "accept" && err == nil:
			got.Agreed++
		case a.Kind == "refuse":
			wrong = fmt.Sprintf("it is read: %v", q.Whole())
		case err != nil && a.Kind == "accept":
			wrong = err.Error()
		case err != nil:
			got.refuse(t, a, err)
		default:
			ids, known := set.selected(q)
			switch want := set.expected(a); {
			case !known:
				t.Logf("%s: not decided: %s: %s", a.ID, a.Query, q.Whole())
				got.Opaque[opaqueOf(q.Whole())]++
			case !slices.Equal(piped(ids, a.Pipes), want):
				wrong = fmt.Sprintf("%v, the vendor %v\n%s", ids, want, q.Whole())
			default:
				got.Agreed++
			}
		}
		if wrong != "" {
			if explained[a.ID] = true; explainedEQL[a.ID] == "" {
				t.Errorf("%s: %s\nis %s", a.ID, a.Query, wrong)
			}
			got.Other["explained"]++
		}
	}
	for id := range explainedEQL {
		if !explained[id] {
			t.Errorf("%s is explained and does not disagree", id)
		}
	}
	got.hold(t, "eql")
}

// equals is one of the equal signs of python-eql.
var equals = regexp.MustCompile(`(\w+) ?==? ?(["'\d])`)

// pythonEQL is a query of python-eql, whose tests of texts fold case and take wildcards, as
// Elasticsearch has it.
func pythonEQL(query string) string {
	query = equals.ReplaceAllStringFunc(query, func(s string) string {
		part := equals.FindStringSubmatch(s)
		switch {
		case part[1] == "maxspan":
			return s
		case part[2] == `"`, part[2] == "'":
			return part[1] + ` : ` + part[2]
		}
		return part[1] + " == " + part[2]
	})
	return strings.ReplaceAll(query, "'", `"`)
}

// selected are the ids of the events that a query selects, if that is known.
func (d eqlData) selected(q *ir.Query) (ids []string, known bool) {
	for _, fields := range d.Events {
		if q.Scope.Category != "" && fields[d.Category] != q.Scope.Category {
			continue
		}
		holds, known := eval.Settled(q.Whole(), event(fields))
		if !known {
			return nil, false
		}
		if holds {
			ids = append(ids, fmt.Sprint(fields[d.Key]))
		}
	}
	return ids, true
}

// sequence says how the events of a sequence differ from those that the vendor's engine
// gives, or "".
func (d eqlData) sequence(t *testing.T, a answer) string {
	t.Helper()
	q, err := targets.Must("elastic").ReadTail(a.Query, d.Schema)
	if err != nil {
		return err.Error()
	}
	env := &tail.Env{Steps: 1 << 20}
	var events []eval.Event
	for _, fields := range d.Events {
		row := tail.Row{}
		for name := range d.Schema {
			row[name] = cell(fields[name])
		}
		at, err := strconv.ParseFloat(fmt.Sprint(fields["@timestamp"]), 64)
		if err != nil {
			t.Fatal(err)
		}
		row["@timestamp"] = at / 1000
		env.Events = append(env.Events, row)
		fields = maps.Clone(fields)
		fields["event.category"] = fields[d.Category]
		events = append(events, event(fields))
	}
	env.Holds = func(e ir.Expr, i int) bool {
		holds, known := eval.Settled(e, events[i])
		if !known {
			t.Errorf("%s: it is not known whether an event passes %s", a.ID, e)
		}
		return holds
	}
	var ids, keys []string
	for _, row := range q.Run(env) {
		for _, k := range q.Ops[1].(tail.Sequence).Steps[0].By {
			if row[k.Name] == nil {
				row[k.Name] = "null"
			}
			keys = append(keys, fmt.Sprint(row[k.Name]))
		}
		for _, i := range row[tail.Events].([]tail.Value) {
			ids = append(ids, fmt.Sprint(d.Events[int(i.(float64))][d.Key]))
		}
	}
	if len(env.Unknown) > 0 || env.Steps < 0 {
		t.Fatalf("%s: %v unknown, %d steps left", a.ID, env.Unknown, env.Steps)
	}
	if want := d.expected(a); !slices.Equal(ids, want) {
		return fmt.Sprintf("%v, the vendor %v\n%s", ids, want, q)
	}
	if a.Expect.Keys != nil && !slices.Equal(keys, a.Expect.Keys) {
		return fmt.Sprintf("keys %v, the vendor %v\n%s", keys, a.Expect.Keys, q)
	}
	return ""
}

// cell is a value of an event as a row has it.
func cell(v any) tail.Value {
	switch v := v.(type) {
	case json.Number:
		n, err := v.Float64()
		if err != nil {
			panic(err)
		}
		return n
	case []any:
		out := make([]tail.Value, len(v))
		for i, x := range v {
			out[i] = cell(x)
		}
		return out
	}
	return v
}

// expected are the ids that the vendor's engine gives.
func (d eqlData) expected(a answer) (ids []string) {
	for _, id := range a.Expect.IDs {
		ids = append(ids, fmt.Sprint(id))
	}
	if a.Expect.All {
		for _, fields := range d.Events {
			ids = append(ids, fmt.Sprint(fields[d.Key]))
		}
	}
	return ids
}

// piped is what the pipes head and tail leave.
func piped(ids, pipes []string) []string {
	for _, p := range pipes {
		name, count, _ := strings.Cut(p, " ")
		n, err := strconv.Atoi(count)
		if err != nil {
			panic(err)
		}
		if n = min(n, len(ids)); name == "head" {
			ids = ids[:n]
		} else {
			ids = ids[len(ids)-n:]
		}
	}
	return ids
}
