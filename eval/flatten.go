package eval

import (
	"maps"
	"slices"
	"strings"
)

// Flatten gives a Windows event, as converters from EVTX and XML write it, the
// fields that Sigma's rules name, at the top: the members of System (an
// attribute under both names: Provider_Name), and over them those of EventData
// and of the element in UserData, save where System says what kind of event it
// is (see ownNames). Any other event stays as it is.
func Flatten(ev Event) Event {
	root, ok := ev.fields["Event"].(map[string]any)
	if !ok {
		root = ev.fields
	}
	system, ok := root["System"].(map[string]any)
	if !ok {
		return ev
	}
	fields := maps.Clone(ev.fields)
	for _, name := range names(system) {
		text, attributes := element(system[name])
		if text != nil || len(attributes) == 0 {
			fields[name] = text
		}
		for a, v := range attributes {
			fields[name+"_"+a] = v
		}
	}
	own := map[string]any{}
	for _, name := range ownNames {
		if v, ok := fields[name]; ok {
			own[name] = v
		}
	}
	flattenData(fields, root["EventData"])
	if user, ok := root["UserData"].(map[string]any); ok {
		for _, name := range names(user) {
			if inner, ok := user[name].(map[string]any); ok {
				flattenData(fields, inner)
			} else {
				fields[name] = user[name]
			}
		}
	}
	maps.Copy(fields, own)
	return Event{fields, ev.raw}
}

// ownNames are the members of System that nothing in EventData replaces.
var ownNames = []string{"EventID", "Channel", "Computer", "Provider_Name"}

// flattenData adds the members of EventData. `Data` without a name keeps that
// one.
func flattenData(fields map[string]any, data any) {
	m, _ := data.(map[string]any)
	for _, name := range names(m) {
		if name != "Data" {
			fields[name] = m[name]
			if text, _ := element(m[name]); text != nil {
				fields[name] = text
			}
		}
	}
	list, ok := m["Data"].([]any)
	if !ok && m["Data"] != nil {
		list = []any{m["Data"]}
	}
	byName := map[string][]any{}
	for _, d := range list {
		text, attributes := element(d)
		name, ok := attributes["Name"].(string)
		if !ok {
			name = "Data"
		}
		byName[name] = append(byName[name], text)
	}
	for name, texts := range byName {
		fields[name] = texts
		if len(texts) == 1 {
			fields[name] = texts[0]
		}
	}
}

// names lists an element's members, without its attributes.
func names(m map[string]any) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(m)), func(k string) bool {
		return k == "#attributes" || strings.HasPrefix(k, "@")
	})
}

// element splits an XML element into its text and its attributes, which
// converters write as `#attributes`, with an `@` or plainly.
func element(v any) (text any, attributes map[string]any) {
	m, ok := v.(map[string]any)
	if !ok {
		return v, nil
	}
	attributes = map[string]any{}
	for _, k := range slices.Sorted(maps.Keys(m)) { // of what is written in two ways, one always wins
		v := m[k]
		switch k {
		case "#text", "Text":
			text = v
		case "#attributes":
			if as, ok := v.(map[string]any); ok {
				maps.Copy(attributes, as)
			}
		default:
			attributes[strings.TrimPrefix(k, "@")] = v
		}
	}
	return text, attributes
}
