package project

import (
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"sigmac/backends"
	"sigmac/internal/config"
	"sigmac/internal/suggest"
	"sigmac/ir"
	"sigmac/pipeline"
	"sigmac/targets"
)

// sources are the rows of a target for the log sources that sigmac.yaml gives a place.
func (p *Project) sources(t Request) (rows []pipeline.Row, err error) {
	if p.Config == nil {
		return nil, nil
	}
	for _, s := range p.Config.Sources {
		for _, h := range s.At {
			at := fmt.Sprintf("%s:%d:%d: ", p.Config.Path, h.Pos.Line, h.Pos.Column)
			switch known := targets.All(); {
			case h.Target == t.Name:
			case slices.ContainsFunc(known, func(t *backends.Target) bool { return t.Name == h.Target }):
				continue
			default:
				var names []string
				for _, t := range known {
					names = append(names, t.Name)
				}
				return nil, fmt.Errorf("%sunknown target %q%s", at, h.Target, suggest.Among(h.Target, "targets", names))
			}
			way, err := p.home(t, h)
			if err != nil {
				return nil, fmt.Errorf("%s%w", at, err)
			}
			rows = append(rows, pipeline.Row{Source: s.Source, Ways: []pipeline.Way{way}})
		}
	}
	return rows, nil
}

// home is a pipeline that leaves the names of fields and asks for a place: it is
// written as people would write it.
func (p *Project) home(t Request, h config.Home) (w pipeline.Way, err error) {
	type item struct {
		Type       string         `yaml:"type"`
		Key        string         `yaml:"key,omitempty"`
		Val        string         `yaml:"val,omitempty"`
		Conditions map[string]any `yaml:"conditions,omitempty"`
		Negated    bool           `yaml:"negated,omitempty"`
	}
	var items []item
	set := func(key, val string) { items = append(items, item{Type: "set_state", Key: key, Val: val}) }
	for _, word := range h.Words {
		var known []string
		for _, place := range t.Places {
			known = append(known, place.Word)
		}
		i := slices.Index(known, word[0])
		switch {
		case i < 0:
			return w, fmt.Errorf("where events are for %s is said by %s, and not by %q%s", t.Name, strings.Join(known, ", "), word[0], suggest.For(word[0], known))
		case t.Places[i].Key != "":
			set(t.Places[i].Key, word[1])
		default:
			items = append(items, item{Type: "add_condition", Conditions: map[string]any{t.Places[i].Field: word[1]}})
		}
	}
	if h.Text != "" {
		q, err := t.Read(h.Text, ir.Types{})
		if err != nil {
			return w, fmt.Errorf("%s cannot be read as a query: %w", h.Text, err)
		}
		if rest := q.Unjudged(); len(rest) > 0 || len(q.Times) > 0 || q.Where == nil {
			return w, fmt.Errorf("%s does more than ask for texts in fields; a pipeline can (key logsources)", h.Text)
		}
		for _, k := range t.Scope {
			if k.Part != nil && *k.Part(&q.Scope) != "" {
				set(k.Key, *k.Part(&q.Scope))
			}
		}
		for _, e := range ir.Conjuncts(q.Where) {
			it := item{Type: "add_condition"}
			if not, ok := e.(ir.Not); ok {
				it.Negated, e = true, not.X
			}
			field, values := "", []string{}
			for _, x := range ir.Disjuncts(e) {
				m, ok := x.(ir.Match)
				text, isText := m.Test.(ir.Pattern)
				if !ok || !isText || text.Cased || field != "" && m.Field.Name != field || strings.Contains(m.Field.Name, "|") {
					return w, fmt.Errorf("%s asks for more than texts in fields; a pipeline can (key logsources)", h.Text)
				}
				field, values = m.Field.Name, append(values, text.Written())
			}
			it.Conditions = map[string]any{field: values}
			items = append(items, it)
		}
	}
	if len(items) == 0 {
		return w, fmt.Errorf("%s is everywhere, and no place", h.Text)
	}
	items = append(items, item{Type: "set_state", Key: "logsource", Val: "mapped"})
	src, err := yaml.Marshal(map[string]any{"name": "sources of " + p.Config.Path, "priority": 10, "transformations": items})
	if err != nil {
		return w, err
	}
	own, errs := pipeline.Parse(config.Name, src)
	if len(errs) > 0 {
		return w, errs[0]
	}
	return pipeline.WayOf(own), nil
}
