package parser

import (
	"strings"

	"gopkg.in/yaml.v3"

	"sigmac/ir"
)

func (f *file) filter(meta ir.Meta, source ir.LogSource, e entry) *ir.Filter {
	out := &ir.Filter{Meta: meta, Source: source, Pos: posOf(e.key), Path: f.path, Text: f.src}
	if e.value.Kind != yaml.MappingNode {
		f.fail(e.value, "filter must be a mapping with rules, named parts and a condition")
		return out
	}
	rest := *e.value
	rest.Content = nil
	named := false
	for _, x := range f.entries(e.value) {
		switch v := strings.ToLower(x.value.Value); {
		case x.name != "rules":
			rest.Content = append(rest.Content, x.key, x.value)
			continue
		case x.value.Kind == yaml.ScalarNode && (v == "any" || v == "all"): // as pySigma has it
		default:
			out.Rules = f.names(x.value)
		}
		named = true
	}
	if !named {
		f.fail(e.key, "the filter has no \"rules\"; rules: any takes all of its log source")
	}
	out.Detections, out.Conditions = f.detection(entry{e.key, e.name, &rest}, nil)
	if len(out.Conditions) > 1 {
		f.fail(e.key, "a filter has one condition, and this one has %d", len(out.Conditions))
	}
	// The specification's example has it the other way round, pySigma and the
	// filters that there are do not.
	for _, c := range out.Conditions {
		excludes := false
		ir.Visit(c.Expr, func(_ ir.Expr, negated bool) bool {
			excludes = excludes || negated
			return true
		})
		if !excludes {
			at := ir.Span{Start: c.Pos, End: f.end(c.Pos)}
			f.warns = append(f.warns, f.diagnostic(at, "a filter's condition says which events are kept, and this one has no `not`"))
		}
	}
	return out
}
