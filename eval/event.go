package eval

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"sigmac/ir"
)

// An Event is one event: its fields and its text. The zero Event is empty.
//
// A field's value is a string, a json.Number in the form of ir.Number, a bool,
// nil, a []any or a map[string]any of these.
type Event struct {
	fields map[string]any
	raw    string
}

// ParseEvent reads one JSON object. The event's text is its string member
// `_raw`, or the JSON itself.
func ParseEvent(text []byte) (Event, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var m map[string]any
	if err := d.Decode(&m); err != nil {
		return Event{}, fmt.Errorf("not an event: %w", err)
	}
	if m == nil {
		return Event{}, fmt.Errorf("not an event: null")
	}
	if _, err := d.Token(); err != io.EOF {
		return Event{}, fmt.Errorf("not an event: more than one JSON value")
	}
	return newEvent(m, string(text))
}

// NewEvent is the event with these fields: what encoding/json decodes to, int,
// ir.Number and []string. Its text is the string member `_raw`, or its JSON.
func NewEvent(fields map[string]any) (Event, error) {
	ev, err := newEvent(fields, "")
	if _, given := ev.fields[rawField].(string); given || err != nil {
		return ev, err
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(ev.fields); err != nil {
		return Event{}, err
	}
	ev.raw = strings.TrimSuffix(b.String(), "\n")
	return ev, nil
}

// rawField is the member that holds the event's text.
const rawField = "_raw"

func newEvent(m map[string]any, raw string) (Event, error) {
	v, err := canonical(m)
	if err != nil {
		return Event{}, fmt.Errorf("not an event: %w", err)
	}
	fields := v.(map[string]any)
	if s, ok := fields[rawField].(string); ok {
		raw = s
	}
	return Event{fields, raw}, nil
}

// canonical copies v with all its numbers in canonical form.
func canonical(v any) (any, error) {
	switch v := v.(type) {
	case nil, string, bool:
		return v, nil
	case int, float64, json.Number, ir.Number:
		n, ok := ir.ParseNumber(fmt.Sprint(v))
		if !ok {
			return nil, fmt.Errorf("the number %v is out of range", v)
		}
		return json.Number(n), nil
	case []string:
		out := []any{}
		for _, x := range v {
			out = append(out, x)
		}
		return out, nil
	case []any:
		out := []any{}
		for _, x := range v {
			x, err := canonical(x)
			if err != nil {
				return nil, err
			}
			out = append(out, x)
		}
		return out, nil
	case map[string]any:
		out := map[string]any{}
		for k, x := range v {
			x, err := canonical(x)
			if err != nil {
				return nil, err
			}
			out[k] = x
		}
		return out, nil
	}
	return nil, fmt.Errorf("a value of type %T", v)
}

// Raw is the event's text: what its source wrote, where the event says it.
func (ev Event) Raw() string { return ev.raw }

// Field looks a field up: the name itself, otherwise along its dots through
// objects and arrays of objects. Nulls are no values, and an array is its
// elements; an object is one value that no test of a value is true of.
func (ev Event) Field(name string) (values []any, present bool) {
	return member(ev.fields, name)
}

// Value is what the event holds under a name, looked up as Field does: a list or an
// object as it is, and nil where there is nothing or more than one thing.
func (ev Event) Value(name string) any {
	if v, ok := ev.fields[name]; ok {
		return v
	}
	if vs, _ := ev.Field(name); len(vs) == 1 {
		return vs[0]
	}
	return nil
}

// Names are those of the fields that hold a value, or a list of some: in nested objects
// with dots, sorted.
func (ev Event) Names() (out []string) {
	var walk func(before string, m map[string]any)
	walk = func(before string, m map[string]any) {
		for name, v := range m {
			if below, ok := v.(map[string]any); ok {
				walk(before+name+".", below)
			} else if v != nil {
				out = append(out, before+name)
			}
		}
	}
	walk("", ev.fields)
	slices.Sort(out)
	return out
}

func member(m map[string]any, name string) (values []any, present bool) {
	if v, ok := m[name]; ok {
		return elements(v), true
	}
	for i, c := range name {
		if c == '.' {
			vs, ok := within(m[name[:i]], name[i+1:])
			values, present = append(values, vs...), present || ok
		}
	}
	return values, present
}

func within(v any, name string) (values []any, present bool) {
	switch v := v.(type) {
	case map[string]any:
		return member(v, name)
	case []any:
		for _, x := range v {
			vs, ok := within(x, name)
			values, present = append(values, vs...), present || ok
		}
	}
	return values, present
}

func elements(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		var out []any
		for _, x := range v {
			out = append(out, elements(x)...)
		}
		return out
	}
	return []any{v}
}

// anyText says whether yes is true of the text of a scalar anywhere in v.
func anyText(v any, yes func(any) bool) bool {
	switch v := v.(type) {
	case map[string]any:
		for _, x := range v {
			if anyText(x, yes) {
				return true
			}
		}
		return false
	case []any:
		for _, x := range v {
			if anyText(x, yes) {
				return true
			}
		}
		return false
	}
	return v != nil && yes(v)
}
