package verify

import (
	"maps"
	"slices"

	"sigmac/backends"
	"sigmac/ir"
)

// An inTable is the name of a column in a table.
type inTable struct{ table, name string }

// A tableColumn is what is known of one: its type and, where queries compute it, how.
type tableColumn struct {
	typ  ir.Type
	text string
}

// columnsOf are the columns of a rule that it tests or computes, or that its correlation asks for.
func columnsOf(r backends.CorrelatedRule) map[string]tableColumn {
	out := map[string]tableColumn{}
	for _, x := range r.Rule.Computed {
		out[x.Name] = tableColumn{text: x.Text}
	}
	typed := r.Rule.Types()
	for _, f := range slices.Concat(slices.Concat(r.Group...), slices.Concat(r.Fields...), r.Keep) {
		typed[f.Name] = f.Type
	}
	for name, t := range typed {
		out[name] = tableColumn{t, out[name].text}
	}
	return out
}

// typingOfAll is the schema that the rules of a correlation were typed with. What is known of a
// column holds in tables that no rule reads too, unless it differs by table. The error is an
// *ir.Diagnostic, where rules take a column of one table for different types.
func typingOfAll(c *backends.Correlation) (typing, error) {
	s := typing{Context: ir.Context{Types: ir.Types{}}, tables: map[inTable]tableColumn{}, mixed: map[string]bool{}}
	texts, all := map[string]string{}, map[inTable]tableColumn{}
	differ := map[string]bool{}
	for _, r := range c.Rules {
		s.Lookups = append(s.Lookups, r.Rule.Lookups...)
		columns := columnsOf(r)
		for _, name := range slices.Sorted(maps.Keys(columns)) {
			x, at := columns[name], inTable{r.Rule.Scope.Table, name}
			old, known := all[at]
			if known && x.typ != ir.Unknown && old.typ != ir.Unknown && x.typ != old.typ {
				return s, notJudged(c.Pos, "rules that take %s for a %s and for a %s", name, old.typ, x.typ)
			}
			if !known || old.typ == ir.Unknown {
				all[at] = x
			}
			if text, known := texts[name]; !known {
				texts[name] = x.text
			} else if text != x.text {
				differ[name] = true
			}
			if t := s.Types[name]; t == ir.Unknown {
				s.Types[name] = x.typ
			} else if x.typ != ir.Unknown && x.typ != t {
				differ[name], s.mixed[name] = true, true
			}
		}
	}
	for name, text := range texts {
		switch {
		case differ[name]:
			delete(s.Types, name)
		case text != "":
			s.computed = append(s.computed, ir.Computed{Name: name, Text: text})
		}
	}
	for at, x := range all {
		if differ[at.name] {
			s.tables[at] = x
		}
	}
	return s, nil
}

// typed says of which type a column is in an event's table.
func (p *predicates) typed(values map[*field][]any, name string) ir.Type {
	table, _ := only(values[p.byName[ir.TableField]]).(string)
	t, _ := p.types.Type(table, name)
	return t
}

// has says whether an event has a column: of those of one name, it has that of its table.
func (p *predicates) has(values map[*field][]any, f *field) bool {
	return !p.mixed[f.column] || f.typ == p.typed(values, f.column)
}

// own are the values that an event has, of columns of one name those of its table.
func (p *predicates) own(values map[*field][]any) map[*field][]any {
	out := maps.Clone(values)
	maps.DeleteFunc(out, func(f *field, _ []any) bool { return !p.has(values, f) })
	return out
}

// unmixed refuses what is not followed of columns of which tables have different types: that a
// test compares them, or is not understood, and that it takes them for another type.
func (p *predicates) unmixed(e ir.Expr) error {
	if len(p.mixed) == 0 {
		return nil
	}
	var lack *ir.Diagnostic
	no := func(at ir.Pos, name string) {
		if p.mixed[name] && lack == nil {
			lack = notJudged(at, "a test of %s, which tables have with different types", name)
		}
	}
	ir.Walk(e, func(e ir.Expr) {
		switch e := e.(type) {
		case ir.Match:
			if ref, two := e.Test.(ir.FieldRef); two {
				no(e.Pos, e.Field.Name)
				no(e.Pos, ref.Other.Name)
			}
			if e.Field.Type == ir.Unknown {
				no(e.Pos, e.Field.Name)
			}
		case ir.Opaque:
			if e.Of != nil {
				for _, f := range e.Of.Fields {
					no(e.Pos, f.Name)
				}
			}
		}
	})
	if lack == nil {
		return nil
	}
	return lack
}
