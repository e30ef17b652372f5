package evtxtest

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// FromJSON is a log of events that are JSON objects in the form of evtx_dump, `{"Event": …}`.
// It panics on others.
func FromJSON(events ...string) []byte {
	var l Log
	for _, text := range events {
		l.Add(Event(text))
	}
	return l.Bytes(1)
}

// Event is an event that is a JSON object in the form of evtx_dump. Its values are values of
// a template: texts, numbers and bools.
func Event(text string) *Instance {
	var event map[string]any
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&event); err != nil {
		panic(err)
	}
	in := &Instance{Template: &Element{Name: "Event"}}
	in.fill(in.Template, event["Event"])
	return in
}

func (in *Instance) fill(e *Element, v any) {
	object, ok := v.(map[string]any)
	if !ok {
		e.Content = in.value(v)
		return
	}
	e.Content = []any{}
	attributes, _ := object["#attributes"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		e.Attributes = append(e.Attributes, Attribute{name, in.value(attributes[name])})
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		member := object[name]
		list, ok := member.([]any)
		if !ok {
			list = []any{member}
		}
		for _, x := range list {
			inner, nested := x.(map[string]any)
			child := &Element{Name: name}
			switch {
			case name == "#attributes":
				continue
			case name == "#text":
				e.Content = append(e.Content, in.value(x)...)
				continue
			case e.Name == "EventData" && name == "Data" && nested: // without names
				texts, ok := inner["#text"].([]any)
				if !ok {
					texts = []any{inner["#text"]}
				}
				for _, text := range texts {
					e.Content = append(e.Content, &Element{Name: name, Content: in.value(text)})
				}
				continue
			case e.Name == "EventData" && !nested:
				child = &Element{Name: "Data", Attributes: []Attribute{{"Name", []any{name}}}}
			}
			in.fill(child, x)
			e.Content = append(e.Content, child)
		}
	}
}

// value is content that stands for a value: none for null.
func (in *Instance) value(v any) []any {
	var out Value
	switch v := v.(type) {
	case nil:
		return []any{}
	case string:
		out = String(v)
	case bool:
		out = Bool(v)
	case json.Number:
		n, err := strconv.ParseUint(v.String(), 10, 64)
		if err != nil {
			panic(err)
		}
		out = Uint(n, 64)
	}
	in.Values = append(in.Values, out)
	return []any{Sub(len(in.Values) - 1)}
}
