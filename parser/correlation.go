package parser

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"sigmac/internal/lazy"
	"sigmac/internal/suggest"
	"sigmac/ir"
)

var correlationTypes = []string{"event_count", "value_count", "temporal", "temporal_ordered",
	"value_sum", "value_avg", "value_percentile", "value_median"}

// extensions are attributes of correlations that one tool alone has.
var extensions = map[string]string{
	"window": "the window of a correlation slides",
	"gap":    "a session that ends with a pause cannot be said in Sigma",
}

func (f *file) correlation(meta ir.Meta, e entry, generate *yaml.Node) *ir.Correlation {
	c := &ir.Correlation{Meta: meta, Pos: posOf(e.key)}
	if e.value.Kind != yaml.MappingNode {
		f.fail(e.value, "correlation must be a mapping with type, rules and timespan")
		return c
	}
	c.Generate = generate != nil && f.truth(generate)
	found := map[string]*yaml.Node{}
	for _, x := range f.entries(e.value) {
		found[x.name] = x.value
		switch x.name {
		case "type":
			if c.Type = f.name(x.value); !slices.Contains(correlationTypes, c.Type.Text) {
				f.failAs(ir.UnknownType, x.value, "unknown correlation type %q%s", c.Type.Text, suggest.For(c.Type.Text, correlationTypes))
			}
		case "rules":
			c.Rules = f.names(x.value)
		case "group-by":
			c.GroupBy = f.names(x.value)
		case "timespan":
			c.Timespan = f.timespan(x.value)
		case "condition":
		case "aliases":
			c.Aliases = f.aliases(x.value)
		case "generate":
			c.Generate = f.truth(x.value)
		default:
			if why, ok := extensions[x.name]; ok {
				f.fail(x.key, "%q of a correlation is an extension of one tool: %s", x.name, why)
				break
			}
			f.failAs(ir.UnknownKey, x.key, "unknown attribute %q of a correlation%s", x.name, suggest.For(x.name,
				[]string{"type", "rules", "group-by", "timespan", "condition", "aliases", "generate"}))
		}
	}
	condition := found["condition"]
	formula := condition != nil && condition.Kind == yaml.ScalarNode
	for _, name := range []string{"type", "rules", "timespan"} {
		if found[name] == nil && !(name == "rules" && formula) {
			f.fail(e.key, "the correlation has no %q", name)
		}
	}
	if found["rules"] != nil && len(c.Rules) == 0 {
		f.fail(e.key, "the list of rules is empty")
	}
	temporal := strings.HasPrefix(c.Type.Text, "temporal")
	switch {
	case formula && !temporal:
		f.fail(condition, "a condition over rules is one of temporal correlations; here it is a mapping like {gte: 10}")
	case formula:
		f.formula(c, condition)
	case condition != nil:
		f.limits(c, condition)
	case !temporal && c.Type.Text != "":
		f.fail(e.key, "a correlation of type %s needs a condition", c.Type.Text)
	}
	return c
}

func (f *file) truth(n *yaml.Node) bool {
	s, why := scalar{}, "no scalar"
	if n = deref(n); n.Kind == yaml.ScalarNode {
		s, why = scalarOf(n)
	}
	if why != "" || s.Kind != ir.ScalarBool {
		f.fail(n, "generate must be true or false")
	}
	return s.truth
}

// A timespan is of the specification, but for weeks, which pySigma has too. Its months
// and years are no lengths.
var timespan = lazy.Regexp(`^[0-9]{1,9}[smhdw]$`)

func (f *file) timespan(n *yaml.Node) ir.Timespan {
	t := ir.Timespan{Name: f.name(n)}
	if !timespan().MatchString(t.Text) {
		f.fail(n, "the timespan %q is not a number followed by s, m, h, d or w", t.Text)
		return t
	}
	count, unit := t.Text[:len(t.Text)-1], t.Text[len(t.Text)-1]
	length, _ := strconv.ParseInt(count, 10, 64)
	each := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour}[unit]
	switch {
	case length == 0:
		f.fail(n, "a timespan of nothing: no two events fall into it")
	case length > int64(maxTimespan/each):
		f.failAs(ir.OverLimit, n, "the timespan %s is longer than %d days", t.Text, maxTimespan/(24*time.Hour))
	}
	t.Length = time.Duration(length) * each
	return t
}

// maxTimespan bounds a window: no SIEM keeps the events of more years at hand.
const maxTimespan = 10 * 366 * 24 * time.Hour

// formula reads a condition over rules, as pySigma has it: names of rules with and, or,
// not; all of the attribute rules, or whatever stands there where that is missing.
func (f *file) formula(c *ir.Correlation, n *yaml.Node) {
	tokens := tokenize(n.Value)
	tree, err := cachedCondition(n.Value, tokens)
	if err != nil {
		f.failIn(n, err.from, err.to, ir.InvalidValue, "%s", err.msg)
		return
	}
	var names []string
	for _, r := range c.Rules {
		names = append(names, r.Text)
	}
	listed := len(names) > 0
	if !listed {
		for i, t := range tokens {
			if t.Type != tokenWord || i > 0 && tokens[i-1].Type == tokenOf || slices.Contains(names, t.Value) {
				continue
			}
			names = append(names, t.Value)
			c.Rules = append(c.Rules, ir.Name{Text: t.Value, Pos: f.part(n, t.Pos.Offset, tokenEnd(t)).Start})
		}
	}
	if c.Formula = f.build(n, tree, tokens, names, "rule in rules"); c.Formula == nil {
		return
	}
	named := ir.Named(c.Formula)
	for _, r := range c.Rules {
		if !slices.Contains(named, r.Text) {
			f.errs = append(f.errs, f.diagnostic(ir.Span{Start: r.Pos, End: f.end(r.Pos)}, "the condition does not name the rule %q", r.Text))
		}
	}
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

// limits reads a condition that compares.
func (f *file) limits(c *ir.Correlation, n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		f.fail(n, "the condition of a correlation is a mapping like {gte: 10}")
		return
	}
	values := strings.HasPrefix(c.Type.Text, "value_")
	percentile := false
	for _, x := range f.entries(n) {
		switch x.name {
		case "field":
			if c.Fields = f.names(x.value); !values && c.Type.Text != "" {
				f.fail(x.key, "a correlation of type %s asks for no field", c.Type.Text)
			}
		case "percentile":
			c.Percentile, percentile = f.number(x), true
			if p := c.Percentile; p != "" && (p.Cmp("0") <= 0 || p.Cmp("100") > 0) {
				f.fail(x.value, "a percentile is above 0 and up to 100")
			}
			if c.Type.Text != "value_percentile" {
				f.fail(x.key, "a correlation of type %s has no percentile", c.Type.Text)
			}
		case "gt", "gte", "lt", "lte", "eq", "neq":
			c.Condition = append(c.Condition, ir.Limit{Op: x.name, Number: f.number(x), Pos: posOf(x.key)})
		default:
			f.failAs(ir.UnknownKey, x.key, "unknown attribute %q of a correlation's condition%s", x.name,
				suggest.For(x.name, []string{"gt", "gte", "lt", "lte", "eq", "neq", "field", "percentile"}))
			return
		}
	}
	if len(c.Condition) == 0 {
		f.fail(n, "the condition of a correlation is a mapping like {gte: 10}")
	}
	switch {
	case values && len(c.Fields) == 0:
		f.fail(n, "a correlation of type %s needs a field in its condition", c.Type.Text)
	case len(c.Fields) > 1 && c.Type.Text != "value_count":
		f.fail(n, "a correlation of type %s asks for one field", c.Type.Text)
	case c.Type.Text == "value_percentile" && !percentile:
		f.fail(n, "a correlation of type value_percentile needs a percentile in its condition, like {field: bytes, percentile: 95, gte: 1000}")
	}
}

// number is a value that is one; another is an error.
func (f *file) number(x entry) ir.Number {
	s, why := scalar{}, "no number"
	if x.value.Kind == yaml.ScalarNode {
		s, why = scalarOf(x.value)
	}
	if why != "" || s.Kind != ir.ScalarNumber {
		f.fail(x.value, "`%s` needs a number", x.name)
	}
	return s.number
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
