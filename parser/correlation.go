package parser

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"sigmac/internal/lazy"
	"sigmac/internal/suggest"
	"sigmac/ir"
)

var correlationTypes = []string{"event_count", "value_count", "temporal", "temporal_ordered", "value_sum", "value_avg", "value_percentile"}

var timespan = lazy.Regexp(`^[0-9]{1,9}[smhd]$`)

func (f *file) correlation(meta ir.Meta, e entry) *ir.Correlation {
	c := &ir.Correlation{Meta: meta, Pos: posOf(e.key)}
	if e.value.Kind != yaml.MappingNode {
		f.fail(e.value, "correlation must be a mapping with type, rules and timespan")
		return c
	}
	seen := map[string]bool{}
	for _, x := range f.entries(e.value) {
		seen[x.name] = true
		switch x.name {
		case "type":
			if c.Type = f.name(x.value); !slices.Contains(correlationTypes, c.Type.Text) {
				f.fail(x.value, "unknown correlation type %q%s", c.Type.Text, suggest.For(c.Type.Text, correlationTypes))
			}
		case "rules":
			c.Rules = f.names(x.value)
		case "group-by":
			c.GroupBy = f.names(x.value)
		case "timespan":
			if c.Timespan = f.name(x.value); !timespan().MatchString(c.Timespan.Text) {
				f.fail(x.value, "the timespan %q is not a number followed by s, m, h or d", c.Timespan.Text)
			}
		case "condition":
			f.limits(c, x.value)
		case "aliases":
			c.Aliases = f.aliases(x.value)
		case "generate":
			s, why := scalarOf(x.value)
			if why != "" || s.Kind != ir.ScalarBool {
				f.fail(x.value, "generate must be true or false")
			}
			c.Generate = s.truth
		default:
			f.fail(x.key, "unknown attribute %q of a correlation%s", x.name, suggest.For(x.name,
				[]string{"type", "rules", "group-by", "timespan", "condition", "aliases", "generate"}))
		}
	}
	for _, name := range []string{"type", "rules", "timespan"} {
		if !seen[name] {
			f.fail(e.key, "the correlation has no %q", name)
		}
	}
	if seen["rules"] && len(c.Rules) == 0 {
		f.fail(e.key, "the list of rules is empty")
	}
	if seen["condition"] && strings.HasPrefix(c.Type.Text, "value_") && len(c.Fields) == 0 {
		f.fail(e.key, "a correlation of type %s needs a field in its condition", c.Type.Text)
	}
	if !seen["condition"] && !strings.HasPrefix(c.Type.Text, "temporal") && c.Type.Text != "" {
		f.fail(e.key, "a correlation of type %s needs a condition", c.Type.Text)
	}
	return c
}

func (f *file) name(n *yaml.Node) ir.Name {
	if n = deref(n); n.Kind != yaml.ScalarNode || n.Value == "" {
		f.fail(n, "a name is expected here")
	}
	return ir.Name{Text: n.Value, Pos: posOf(n)}
}

func (f *file) names(n *yaml.Node) (out []ir.Name) {
	if n = deref(n); n.Kind != yaml.SequenceNode {
		return []ir.Name{f.name(n)}
	}
	for _, c := range n.Content {
		out = append(out, f.name(c))
	}
	return out
}

func (f *file) limits(c *ir.Correlation, n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		f.fail(n, "the condition of a correlation is a mapping like {gte: 10}")
		return
	}
	for _, x := range f.entries(n) {
		switch x.name {
		case "field":
			c.Fields = f.names(x.value)
		case "gt", "gte", "lt", "lte", "eq", "neq":
			s, why := scalar{}, "no number"
			if x.value.Kind == yaml.ScalarNode {
				s, why = scalarOf(x.value)
			}
			if why != "" || s.Kind != ir.ScalarNumber {
				f.fail(x.value, "`%s` needs a number", x.name)
			}
			c.Condition = append(c.Condition, ir.Limit{Op: x.name, Number: s.number, Pos: posOf(x.key)})
		default:
			f.fail(x.key, "unknown attribute %q of a correlation's condition%s", x.name,
				suggest.For(x.name, []string{"gt", "gte", "lt", "lte", "eq", "neq", "field"}))
			return
		}
	}
	if len(c.Condition) == 0 {
		f.fail(n, "the condition of a correlation is a mapping like {gte: 10}")
	}
}

func (f *file) aliases(n *yaml.Node) (out []ir.Alias) {
	if n.Kind != yaml.MappingNode {
		f.fail(n, "aliases is a mapping of names to the fields of rules")
		return nil
	}
	for _, x := range f.entries(n) {
		a := ir.Alias{Name: ir.Name{Text: x.name, Pos: posOf(x.key)}}
		if x.value.Kind != yaml.MappingNode {
			f.fail(x.value, "an alias is a mapping of rules to their fields")
			continue
		}
		for _, y := range f.entries(x.value) {
			a.Fields = append(a.Fields, ir.AliasField{Rule: ir.Name{Text: y.name, Pos: posOf(y.key)}, Field: f.name(y.value)})
		}
		out = append(out, a)
	}
	return out
}
