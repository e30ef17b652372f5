package pipeline

import (
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"sigmac/internal/suggest"
	"sigmac/ir"
	"sigmac/parser"
)

var ruleKinds = map[string]kind{
	"add_condition": {wholeRule, func(p *params) transformation { return p.addCondition() }},
	"change_logsource": {wholeRule, func(p *params) transformation {
		return changeLogSource{p.textOr("category", ""), p.textOr("product", ""), p.textOr("service", "")}
	}},
	"add_field":    {wholeRule, func(p *params) transformation { return fields{"add", p.textOrTexts("field")} }},
	"remove_field": {wholeRule, func(p *params) transformation { return fields{"remove", p.textOrTexts("field")} }},
	"set_field":    {wholeRule, func(p *params) transformation { return fields{"set", p.texts("fields", true)} }},
	"set_state": {wholeRule, func(p *params) transformation {
		x := setState{key: p.text("key")}
		if n := p.raw("val"); n != nil {
			x.value = p.value(n)
		} else {
			p.Fail(p.body, "the key %q is missing", "val")
		}
		return x
	}},
	"set_custom_attribute": {wholeRule, func(p *params) transformation {
		x := setAttribute{ir.Attribute{Name: p.filled("attribute")}}
		if n := p.raw("value"); n == nil {
			p.Fail(p.body, "the key %q is missing", "value")
		} else if n.Kind == yaml.ScalarNode {
			x.Value = n.Value
		} else if b, err := yaml.Marshal(native(p.value(n))); err == nil {
			x.Value = strings.TrimSuffix(string(b), "\n")
		}
		if slices.Contains(textAttributes, x.Name) || slices.Contains(listAttributes, x.Name) {
			p.Fail(p.take("attribute"), "%q is no custom attribute", x.Name)
		}
		return x
	}},
	"rule_failure": {wholeRule, func(p *params) transformation { return failure{p.text("message")} }},
	"detection_item_failure": {eachItem, func(p *params) transformation {
		return itemFailure{p.text("message")}
	}},
	"strict_field_mapping_failure": {wholeRule, func(*params) transformation { return strict{} }},
}

// addCondition joins a detection to every condition.
type addCondition struct {
	name     string
	template bool
	negated  bool
	path     string
	items    []parser.Entry
	expr     ir.Expr // without template
}

func (p *params) addCondition() addCondition {
	x := addCondition{name: p.textOr("name", ""), template: p.flag("template", false), negated: p.flag("negated", false), path: p.path}
	switch n := p.take("conditions"); {
	case n == nil:
		p.Fail(p.body, "add_condition without conditions adds nothing")
	case n.Kind != yaml.MappingNode || len(n.Content) == 0:
		p.Fail(n, "%q must be a mapping of fields to values", "conditions")
	default:
		x.items = p.Entries(n)
	}
	if strings.ContainsAny(x.name, " \t\n()|*?") {
		p.Fail(p.take("name"), "%q cannot be the name of a detection", x.name)
	}
	x.expr = x.read(p.File)
	return x
}

// read is the detection, from where the modifiers have run. Its places are those of no rule.
func (x addCondition) read(f *parser.File) ir.Expr {
	before := len(f.Errors())
	var out ir.And
	for _, e := range x.items {
		key := e.Key
		if k := parser.Deref(key); k.Kind == yaml.ScalarNode {
			if v, _ := parser.Resolve(k); v == nil {
				key = nil
			}
		}
		out = append(out, f.Item(key, e.Value))
	}
	if len(f.Errors()) > before {
		return nil
	}
	r := &ir.Rule{Detections: []ir.Detection{{Expr: out}}}
	if len(out) == 1 {
		r.Detections[0].Expr = out[0]
	}
	ir.Visit(r.Detections[0].Expr, func(e ir.Expr, _ bool) bool {
		it, ok := e.(ir.Item)
		for i := range it.Raw {
			it.Raw[i].Pos = ir.Pos{}
		}
		for i := range it.Mods {
			it.Mods[i].Pos = ir.Pos{}
		}
		return !ok
	})
	return ir.ExpandBase64Offset(ir.ExpandWindash(r)).Detections[0].Expr
}

func (x addCondition) apply(r *run) bool {
	expr := x.expr
	if x.template {
		s := r.rule.Source
		with := strings.NewReplacer("$category", s.Category, "$product", s.Product, "$service", s.Service)
		filled := x
		filled.items = slices.Clone(x.items)
		for i, e := range filled.items {
			filled.items[i].Value = fill(e.Value, with)
		}
		f := parser.Empty("pipeline", x.path)
		if expr = filled.read(f); expr == nil {
			r.fail(s.Pos, "with the log source of this rule: %s", f.Errors()[0].Msg)
			return false
		}
	}
	at := r.rule.Source.Pos
	expr, _ = ir.Rewrite(expr, func(e ir.Expr) (ir.Expr, bool) {
		t, ok := e.(ir.Item)
		if !ok {
			return e, false
		}
		t.Span = ir.Span{Start: at, End: at}
		t.X, _ = ir.Rewrite(t.X, func(e ir.Expr) (ir.Expr, bool) { return moved(e, at) })
		if r.item.id != "" {
			t.By = &ir.Change{ID: r.item.id, Before: t.By}
		}
		return t, true
	})
	taken := func(name string) bool {
		return slices.ContainsFunc(r.rule.Detections, func(d ir.Detection) bool { return d.Name == name })
	}
	name := x.name
	for i := 1; name == ""; i++ {
		if s := fmt.Sprintf("_cond_%d", i); !taken(s) {
			name = s
		}
	}
	if taken(name) {
		r.fail(at, "the rule has a detection named %q already", name)
		return false
	}
	r.rule.Detections = append(slices.Clip(r.rule.Detections), ir.Detection{Name: name, Pos: at, Span: ir.Span{Start: at, End: at}, Expr: expr, Added: true})
	r.rule.Conditions = slices.Clone(r.rule.Conditions)
	for i, c := range r.rule.Conditions {
		var ref ir.Expr = ir.Ref{Name: name, Span: ir.Span{Start: at, End: at}}
		text := name
		if x.negated {
			ref, text = ir.Not{X: ref}, "not "+name
		}
		r.rule.Conditions[i].Text = text + " and (" + c.Text + ")"
		r.rule.Conditions[i].Expr = ir.And{ref, c.Expr}
	}
	r.tested = r.tested || r.about || x.template
	return true
}

// moved is a test at another place.
func moved(e ir.Expr, at ir.Pos) (ir.Expr, bool) {
	switch e := e.(type) {
	case ir.Match:
		e.Pos = at
		return e, true
	case ir.Keyword:
		e.Pos = at
		return e, true
	}
	return e, false
}

// fill replaces the names of the log source's parts in texts.
func fill(n *yaml.Node, with *strings.Replacer) *yaml.Node {
	out := *parser.Deref(n)
	if out.Kind == yaml.ScalarNode && out.Value != "" {
		if s := with.Replace(out.Value); s != out.Value {
			out.Value, out.Style, out.Tag = s, yaml.SingleQuotedStyle, "!!str"
		}
	}
	out.Content = slices.Clone(out.Content)
	for i, c := range out.Content {
		out.Content[i] = fill(c, with)
	}
	return &out
}

// changeLogSource replaces the log source.
type changeLogSource struct{ category, product, service string }

func (x changeLogSource) apply(r *run) bool {
	s := &r.rule.Source
	changed := s.Category != x.category || s.Product != x.product || s.Service != x.service
	s.Category, s.Product, s.Service = x.category, x.product, x.service
	return changed
}

// fields changes the rule's list of fields.
type fields struct {
	how   string
	names []string
}

func (x fields) apply(r *run) bool {
	old := r.rule.Meta.Fields
	out := slices.Clone(old)
	switch x.how {
	case "add":
		for _, n := range x.names {
			if !slices.Contains(out, n) {
				out = append(out, n)
			}
		}
	case "remove":
		out = slices.DeleteFunc(out, func(n string) bool { return slices.Contains(x.names, n) })
	default:
		out = x.names
	}
	r.rule.Meta.Fields = out
	return !slices.Equal(out, old)
}

// setState sets a key of the state.
type setState struct {
	key   string
	value any
}

func (x setState) apply(r *run) bool {
	r.state[x.key] = x.value
	r.told["state "+x.key] = r.about
	return true
}

// setAttribute sets a custom attribute of the rule.
type setAttribute struct{ ir.Attribute }

func (x setAttribute) apply(r *run) bool {
	custom := slices.Clone(r.rule.Meta.Custom)
	x.Pos = r.rule.Source.Pos
	if i := slices.IndexFunc(custom, func(a ir.Attribute) bool { return a.Name == x.Name }); i >= 0 {
		custom[i] = x.Attribute
	} else {
		custom = append(custom, x.Attribute)
	}
	r.rule.Meta.Custom = custom
	return true
}

// A failure refuses the rule.
type failure struct{ message string }

func (x failure) apply(r *run) bool {
	r.refuse(r.rule.Source.Pos, "%s", x.message)
	return false
}

// An itemFailure refuses a rule with such an item.
type itemFailure struct{ message string }

func (x itemFailure) apply(r *run) bool {
	return r.each(func(t ir.Item) (ir.Expr, bool) {
		r.refuse(t.Span.Start, "%s", x.message)
		return t, false
	})
}

// strict refuses a rule with a field that no item before it knew.
type strict struct{}

func (strict) apply(r *run) bool {
	r.some(func(t ir.Item) bool {
		names := []string{t.Field.Name}
		for _, x := range tests(t) {
			if ref, ok := x.(ir.FieldRef); ok {
				names = append(names, ref.Other.Name)
			}
		}
		for _, name := range names {
			if name != "" && !r.handled[name] {
				r.refuse(t.Span.Start, "no item of the pipeline maps the field %q%s", name, r.nearest(name))
			}
		}
		return r.err != nil
	})
	return false
}

// nearest tells of the fields that the mappings before know and that are most like
// name. What an item has made for a later one is no field of a rule.
func (r *run) nearest(name string) string {
	made := map[string]bool{}
	var known []string
	for _, of := range r.mappings {
		x, ok := of()
		if !ok {
			continue
		}
		for _, from := range keys(x.fields) {
			if from != "" && !made[from] && !slices.Contains(known, from) {
				known = append(known, from)
			}
		}
		for _, from := range keys(x.fields) {
			to, _ := x.to(from)
			for _, name := range to {
				made[name] = true
			}
		}
	}
	slices.Sort(known)
	if len(known) == 0 {
		return ""
	}
	return "; the nearest are " + strings.Join(suggest.Nearest(name, known, 3), ", ")
}
