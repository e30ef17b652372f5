package site

import (
	"bytes"
	"encoding/json"
	"maps"
	"path"
	"slices"
	"strings"

	"sigmac/internal/catalog"
)

// A searchData is what the search of the first page looks through: texts by
// kind, each with the rules that have it. The first ones are the titles of the
// rules.
type searchData struct {
	Titles    int                  `json:"titles"`
	Texts     []string             `json:"texts"`
	Rules     []any                `json:"rules"` // by text: the number of a rule, or several
	Kinds     map[string][3]int    `json:"kinds"` // the texts of a kind: from, to, and what a hit weighs
	Files     []string             `json:"files"` // by rule, and so on
	Catalog   []int                `json:"catalog"`
	Level     []int                `json:"level"`
	Source    []int                `json:"source"`
	TacticsOf []catalog.List[int]  `json:"tacticsOf"`
	Catalogs  catalog.List[string] `json:"catalogs"`
	Levels    catalog.List[string] `json:"levels"`
	Sources   catalog.List[string] `json:"sources"`
	Tactics   catalog.List[string] `json:"tactics"`
	Old       catalog.List[int]    `json:"old"` // the rules that are deprecated
}

// searchData is a script, for a page from disk may load nothing else. JSON with
// the signs of HTML escaped is JavaScript.
func (s *site) searchData() ([]byte, error) {
	d := searchData{Titles: len(s.Rules), Kinds: map[string][3]int{}}
	from := 0
	kind := func(name string, weight int) {
		d.Kinds[name] = [3]int{from, len(d.Texts), weight}
		from = len(d.Texts)
	}
	oneLine := func(text string) string { return strings.Join(strings.Fields(visible(text)), " ") }
	add := func(text string, rules any) {
		d.Texts = append(d.Texts, oneLine(text))
		d.Rules = append(d.Rules, rules)
	}
	each := func(g group, text func(string) string) {
		for _, name := range slices.Sorted(maps.Keys(g.rules)) {
			if t := text(name); t != "" {
				add(t, g.rules[name])
			}
		}
	}
	number := func(list *catalog.List[string], text string) int {
		i := slices.Index(*list, text)
		if i < 0 {
			i = len(*list)
			*list = append(*list, text)
		}
		return i
	}
	for _, name := range catalog.Catalogs {
		number(&d.Catalogs, catalog.Titles[name])
	}
	for _, level := range append([]string{""}, levels...) {
		number(&d.Levels, level)
	}
	number(&d.Sources, "")
	for _, name := range slices.Sorted(maps.Keys(s.sources.rules)) {
		number(&d.Sources, visible(name))
	}
	for _, column := range catalog.Matrix() {
		number(&d.Tactics, column.Tactic.Name)
	}
	for n, r := range s.Rules {
		add(s.name(n), n)
		d.Files = append(d.Files, strings.TrimSuffix(path.Base(s.urls[n]), ".html"))
		d.Catalog = append(d.Catalog, number(&d.Catalogs, catalog.Titles[r.Catalog]))
		d.Level = append(d.Level, number(&d.Levels, strings.ToLower(visible(r.Rule.Level))))
		d.Source = append(d.Source, number(&d.Sources, visible(r.Rule.LogSource.String())))
		var tactics catalog.List[int]
		for _, t := range r.Attack {
			names := t.Tactics
			if strings.HasPrefix(t.ID, "TA") {
				names = []string{t.Name}
			}
			for _, name := range names {
				if i := slices.Index(d.Tactics, name); i >= 0 && !slices.Contains(tactics, i) {
					tactics = append(tactics, i)
				}
			}
		}
		d.TacticsOf = append(d.TacticsOf, tactics)
		if s.deprecated(n) {
			d.Old = append(d.Old, n)
		}
	}
	kind("title", 5)
	for n, r := range s.Rules {
		if r.Rule.ID != "" {
			add(r.Rule.ID, n)
		}
	}
	kind("id", 4)
	isTactic := func(id string) bool { return strings.HasPrefix(id, "TA") }
	named := func(tactics bool) func(string) string {
		return func(id string) string {
			if isTactic(id) != tactics {
				return ""
			}
			name, _ := s.technique(id)
			return id + " " + name
		}
	}
	each(s.attack, named(false))
	kind("technique", 3)
	each(s.attack, named(true))
	kind("tactic", 3)
	same := func(name string) string { return name }
	each(s.sources, same)
	kind("source", 3)
	fields := group{rules: maps.Clone(s.fields.rules)}
	for name, rules := range s.spelled.rules {
		fields.rules[name] = merged(fields.rules[name], rules)
	}
	each(fields, same)
	kind("field", 2)
	level, in := newGroup(), newGroup()
	for n, r := range s.Rules {
		level.add(strings.ToLower(r.Rule.Level), n)
		in.add(catalog.Titles[r.Catalog], n)
	}
	each(level, same)
	kind("level", 2)
	each(in, same)
	kind("catalog", 2)
	values := newGroup()
	for n, r := range s.Rules {
		for _, in := range r.Indicators {
			for _, v := range in.Values {
				p := in.Predicate(v)
				k := p.Key()
				if k.Field != p.Field { // as it is written, with its separator
					k.Value = p.Value[:1] + k.Value
				}
				if k.Value != "" {
					values.add(k.Value, n)
				}
			}
		}
	}
	for _, value := range slices.Sorted(maps.Keys(values.rules)) {
		if rules := values.rules[value]; len(rules) == 1 {
			add(value, rules[0])
		} else {
			add(value, rules)
		}
	}
	kind("value", 1)
	text, err := json.Marshal(d)
	return bytes.Join([][]byte{[]byte("sigmac.data("), text, []byte(");\n")}, nil), err
}

// merged are two sorted lists of rules as one.
func merged(a, b []int) []int {
	out := slices.Sorted(slices.Values(slices.Concat(a, b)))
	return slices.Compact(out)
}
