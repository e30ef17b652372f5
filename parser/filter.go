package parser

import (
	"gopkg.in/yaml.v3"

	"sigmac/ir"
)

// A Filter is a condition that is added to other rules (filter specification
// 2.1.0).
type Filter struct {
	Meta       ir.Meta
	Source     ir.LogSource
	Rules      []Name // ids or names; none: every rule of the log source
	Detections []ir.Detection
	Conditions []ir.Condition
	Pos        ir.Pos
}

func (f *file) filter(meta ir.Meta, source ir.LogSource, e entry) *Filter {
	out := &Filter{Meta: meta, Source: source, Pos: posOf(e.key)}
	if e.value.Kind != yaml.MappingNode {
		f.fail(posOf(e.value), "filter must be a mapping with rules, named parts and a condition")
		return out
	}
	rest := *e.value
	rest.Content = nil
	for i := 0; i+1 < len(e.value.Content); i += 2 {
		k, v := e.value.Content[i], e.value.Content[i+1]
		if k.Value != "rules" {
			rest.Content = append(rest.Content, k, v)
			continue
		}
		if v = deref(v); v.Kind == yaml.ScalarNode && v.Value == "any" {
			continue
		}
		out.Rules = f.names(v)
	}
	out.Detections, out.Conditions = f.detection(entry{e.key, e.name, &rest})
	return out
}
