package site

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"sigmac/internal/catalog"
	"sigmac/internal/catalog/findings"
	"sigmac/internal/catalog/index"
	"sigmac/targets"
)

var navigation = []link{{"Rules", "index.html"}, {"ATT&CK", "attack.html"}, {"Fields", "fields.html"},
	{"Log sources", "logsources.html"}, {"Findings", "findings.html"}}

var levels = []string{"critical", "high", "medium", "low", "informational"}

var kindTitles = map[findings.Kind][2]string{
	findings.Never:         {"Never match", "No event matches these rules: parts of them contradict each other."},
	findings.Duplicate:     {"Duplicates", "These rules match the same events as another one, whatever their text says."},
	findings.Implied:       {"Implied by another rule", "Every event that these rules match, a wider rule matches too."},
	findings.DeadExclusion: {"Dead exclusions", "These exclusions exclude nothing: the rest of the rule contradicts them, or another exclusion covers them."},
}

// kindOrder is that of a page: what is surely wrong first.
var kindOrder = []findings.Kind{findings.Never, findings.Duplicate, findings.DeadExclusion, findings.Implied}

// pages are all pages of the site.
func (s *site) pages() []page {
	home := link{s.title, "index.html"}
	out := []page{
		{"index.html", "index.html", "", nil, func() any { return s.home() }},
		{"attack.html", "attack.html", "ATT&CK matrix", []link{home}, func() any { return s.matrix() }},
		{"findings.html", "findings.html", "Findings", []link{home}, func() any { return s.findings() }},
		{"fields.html", "groups.html", "Fields", []link{home}, func() any {
			return groupsView{"The fields that rules look at, by Sigma's names where there is one.", s.counted(s.fields)}
		}},
		{"logsources.html", "groups.html", "Log sources", []link{home}, func() any {
			return groupsView{"Where the events of Sigma rules come from.", s.counted(s.sources)}
		}},
	}
	for _, name := range catalog.Catalogs {
		if s.count(name) > 0 {
			out = append(out, page{"catalogs/" + name + ".html", "catalog.html", catalog.Titles[name], []link{home}, func() any { return s.catalog(name) }})
		}
	}
	for n, r := range s.Rules {
		crumbs := []link{home, {catalog.Titles[r.Catalog], "catalogs/" + r.Catalog + ".html"}}
		out = append(out, page{s.urls[n], "rule.html", s.name(n), crumbs, func() any { return s.rule(n) }})
	}
	for _, name := range slices.Sorted(maps.Keys(s.fields.rules)) {
		out = append(out, page{s.fields.urls[name], "field.html", "Field " + fieldName(name), []link{home, {"Fields", "fields.html"}}, func() any { return s.field(name) }})
	}
	for _, name := range slices.Sorted(maps.Keys(s.sources.rules)) {
		out = append(out, page{s.sources.urls[name], "rules.html", "Log source " + name, []link{home, {"Log sources", "logsources.html"}},
			func() any { return rulesView{Lists: []ruleList{{"", s.rows(s.sources.rules[name])}}} }})
	}
	for _, id := range slices.Sorted(maps.Keys(s.attack.rules)) {
		name, about := s.technique(id)
		out = append(out, page{s.attack.urls[id], "rules.html", id + " " + name, []link{home, {"ATT&CK", "attack.html"}},
			func() any { return rulesView{About: about, Lists: s.byCatalog(s.attack.rules[id])} }})
	}
	for _, k := range s.shared() {
		about := fmt.Sprintf("The rules that look for this in the field %s.", fieldName(k.Field))
		out = append(out, page{s.indicator(k), "rules.html", s.indicatorTitle(k), []link{home, {"Fields", "fields.html"}, {fieldName(k.Field), s.fields.urls[k.Field]}},
			func() any { return rulesView{about, s.spellings(k), s.byCatalog(s.LookingFor(k))} }})
	}
	return out
}

func fieldName(name string) string {
	if name == "" {
		return "(any)"
	}
	return name
}

// indicatorTitle is an indicator in words: `Image ends_with \cmd.exe`.
func (s *site) indicatorTitle(k catalog.Key) string {
	return catalog.Predicate{Field: k.Field, Kind: k.Kind, Value: s.written[k]}.String()
}

// indicator is the page of an indicator.
func (s *site) indicator(k catalog.Key) string {
	return "indicators/" + digest(k.Field, k.Kind.String(), k.Value) + ".html"
}

func (s *site) count(name string) (n int) {
	for _, r := range s.Rules {
		if r.Catalog == name {
			n++
		}
	}
	return n
}

// A row is a rule in a list.
type row struct {
	Link    link
	Catalog string
	Level   string
	Source  string
	Old     bool
}

// rows are rules in their order, those that are deprecated last.
func (s *site) rows(rules []int) (out []row) {
	for _, n := range rules {
		r := s.Rules[n]
		out = append(out, row{s.link(n), catalog.Titles[r.Catalog], r.Rule.Level, r.Rule.LogSource.String(), s.deprecated(n)})
	}
	slices.SortStableFunc(out, func(a, b row) int { return last(a.Old) - last(b.Old) })
	return out
}

// deprecated says whether a rule is: by its status, or by the folder that it lies in.
func (s *site) deprecated(n int) bool {
	r := s.Rules[n]
	return isDeprecated(r.Rule.Status) || slices.ContainsFunc(strings.Split(path.Dir(r.Path), "/"), isDeprecated)
}

func isDeprecated(word string) bool { return strings.EqualFold(word, "deprecated") }

func last(old bool) int {
	if old {
		return 1
	}
	return 0
}

type ruleList struct {
	Title string
	Rows  []row
}

// A rulesView is lists of rules.
type rulesView struct {
	About   string
	Written []counted // how they say it, where they do so differently
	Lists   []ruleList
}

// spellings are how rules write an indicator, what most of them write first.
func (s *site) spellings(k catalog.Key) (out []counted) {
	own := newGroup()
	shown := map[string]string{} // the first one by that without case
	for _, n := range s.LookingFor(k) {
		for _, in := range s.Rules[n].Indicators {
			for _, v := range in.Values {
				p := in.Predicate(v)
				if p.Normal().Field != k.Field || p.Key() != k {
					continue
				}
				if len(in.Spelled) > 0 {
					p.Field = strings.Join(in.Spelled, ", ")
				}
				text := p.String()
				same := strings.ToLower(text)
				shown[same] = cmp.Or(shown[same], text)
				own.add(same, n)
			}
		}
	}
	if len(own.rules) < 2 {
		return nil
	}
	for _, same := range slices.Sorted(maps.Keys(own.rules)) {
		out = append(out, counted{link{Text: shown[same]}, len(own.rules[same]), s.corpus(own.rules[same])})
	}
	slices.SortStableFunc(out, func(a, b counted) int { return b.Count - a.Count })
	return out
}

func (s *site) byCatalog(rules []int) (out []ruleList) {
	for _, name := range catalog.Catalogs {
		var of []int
		for _, n := range rules {
			if s.Rules[n].Catalog == name {
				of = append(of, n)
			}
		}
		if len(of) > 0 {
			out = append(out, ruleList{catalog.Titles[name], s.rows(of)})
		}
	}
	return out
}

// A counted is a place with how many rules it has.
type counted struct {
	Link  link
	Count int
	Note  string
}

type groupsView struct {
	About string
	Rows  []counted
}

// counted is a group, what most rules share first.
func (s *site) counted(g group) (out []counted) {
	for _, name := range slices.Sorted(maps.Keys(g.rules)) {
		out = append(out, counted{link{fieldName(name), g.urls[name]}, len(g.rules[name]), s.corpus(g.rules[name])})
	}
	slices.SortStableFunc(out, func(a, b counted) int { return b.Count - a.Count })
	return out
}

// corpus says of which catalogs rules are.
func (s *site) corpus(rules []int) string {
	c := &catalog.Corpus{}
	for _, n := range rules {
		c.Add(s.Rules[n].Catalog)
	}
	return c.String()
}

type homeView struct {
	Catalogs []catalogCount
	Tactics  []counted
	Sources  []counted
	Fields   []counted
	Shared   []counted
	Findings []counted
	Total    int
}

type catalogCount struct {
	Link   link
	Count  int
	Levels []counted
	Unread int
}

func (s *site) home() homeView {
	h := homeView{Total: len(s.Rules)}
	for _, name := range catalog.Catalogs {
		c := catalogCount{Link: link{catalog.Titles[name], "catalogs/" + name + ".html"}}
		byLevel := map[string]int{}
		for _, r := range s.Rules {
			if r.Catalog == name {
				c.Count++
				byLevel[strings.ToLower(r.Rule.Level)]++
				if r.Reason != "" {
					c.Unread++
				}
			}
		}
		for _, level := range levels {
			if byLevel[level] > 0 {
				c.Levels = append(c.Levels, counted{Link: link{Text: level}, Count: byLevel[level]})
			}
		}
		if c.Count > 0 {
			h.Catalogs = append(h.Catalogs, c)
		}
	}
	for _, column := range catalog.Matrix() {
		if rules := s.attack.rules[column.Tactic.ID]; len(rules) > 0 {
			h.Tactics = append(h.Tactics, counted{link{column.Tactic.Name, s.attack.urls[column.Tactic.ID]}, len(rules), s.corpus(rules)})
		}
	}
	first := func(cs []counted, n int) []counted { return cs[:min(n, len(cs))] }
	h.Sources, h.Fields = first(s.counted(s.sources), 16), first(s.counted(s.fields), 16)
	keys := s.shared()
	slices.SortStableFunc(keys, func(a, b catalog.Key) int { return len(s.LookingFor(b)) - len(s.LookingFor(a)) })
	for _, k := range keys[:min(16, len(keys))] {
		h.Shared = append(h.Shared, counted{link{s.indicatorTitle(k), s.indicator(k)}, len(s.LookingFor(k)), s.corpora[k]})
	}
	for _, kind := range kindOrder {
		n := 0
		for _, f := range s.Findings {
			if f.Kind == kind {
				n++
			}
		}
		if n > 0 {
			h.Findings = append(h.Findings, counted{Link: link{kindTitles[kind][0], "findings.html#" + string(kind)}, Count: n})
		}
	}
	return h
}

type matrixView struct {
	Version string
	Columns []matrixColumn
}

type matrixColumn struct {
	Tactic     counted
	Techniques []matrixCell
}

type matrixCell struct {
	counted
	ID   string
	Subs []matrixCell
}

// matrix is the matrix of ATT&CK with the rules of each cell.
func (s *site) matrix() matrixView {
	m := matrixView{Version: catalog.AttackVersion()}
	cell := func(id, name string, rules []int) matrixCell {
		return matrixCell{counted{link{name, s.attack.urls[id]}, len(rules), s.corpus(rules)}, id, nil}
	}
	for _, column := range catalog.Matrix() {
		t := column.Tactic
		out := matrixColumn{Tactic: counted{link{t.Name, s.attack.urls[t.ID]}, len(s.attack.rules[t.ID]), s.corpus(s.attack.rules[t.ID])}}
		for _, technique := range column.Techniques {
			rules := s.attack.rules[technique.ID]
			if technique.Parent == "" {
				out.Techniques = append(out.Techniques, cell(technique.ID, technique.Name, rules))
			} else if n := len(out.Techniques); n > 0 && out.Techniques[n-1].ID == technique.Parent {
				last := &out.Techniques[n-1]
				last.Subs = append(last.Subs, cell(technique.ID, technique.Name, rules))
			}
		}
		m.Columns = append(m.Columns, out)
	}
	return m
}

// technique is the name of a technique or tactic, and what it belongs to.
func (s *site) technique(id string) (name, about string) {
	if strings.HasPrefix(id, "TA") {
		for _, column := range catalog.Matrix() {
			if column.Tactic.ID == id {
				return column.Tactic.Name, "The rules of this tactic of ATT&CK, by their tags or their techniques."
			}
		}
		return "", "The rules with this tactic in their tags."
	}
	ts := catalog.Techniques([]string{"attack." + strings.ToLower(id)})
	if len(ts) == 0 {
		return "", ""
	}
	if len(ts[0].Tactics) > 0 {
		about = "A technique of " + strings.Join(ts[0].Tactics, ", ") + "."
	}
	return ts[0].FullName(), about
}

func (s *site) findings() any {
	type kind struct {
		ID, Title, About string
		Found            []foundRow
	}
	var out []kind
	for _, k := range kindOrder {
		kd := kind{string(k), kindTitles[k][0], kindTitles[k][1], nil}
		for n, r := range s.Rules {
			for _, f := range s.found[place{r.Path, r.Line}] {
				if r.Catalog == "sigma" && f.Kind == k && !f.Narrower {
					kd.Found = append(kd.Found, foundRow{f, s.link(n)})
				}
			}
		}
		if len(kd.Found) > 0 {
			out = append(out, kd)
		}
	}
	return out
}

type foundRow struct {
	found
	Of link
}

type catalogView struct {
	Folders []ruleList
	Reasons []counted
}

// catalog is the rules of a catalog by their folders, and why some are not read.
func (s *site) catalog(name string) catalogView {
	var v catalogView
	reasons := map[string]int{}
	var folders []string
	in := map[string][]int{}
	for n, r := range s.Rules {
		if r.Catalog != name {
			continue
		}
		folder := path.Dir(r.Path)
		if in[folder] == nil {
			folders = append(folders, folder)
		}
		in[folder] = append(in[folder], n)
		if r.Reason != "" {
			reasons[r.Reason]++
		}
	}
	old := func(folder string) int {
		return last(!slices.ContainsFunc(in[folder], func(n int) bool { return !s.deprecated(n) }))
	}
	slices.SortFunc(folders, func(a, b string) int { return cmp.Or(old(a)-old(b), cmp.Compare(a, b)) })
	for _, f := range folders {
		v.Folders = append(v.Folders, ruleList{f, s.rows(in[f])})
	}
	for _, reason := range slices.Sorted(maps.Keys(reasons)) {
		v.Reasons = append(v.Reasons, counted{Link: link{Text: reason}, Count: reasons[reason]})
	}
	slices.SortStableFunc(v.Reasons, func(a, b counted) int { return b.Count - a.Count })
	return v
}

type fieldView struct {
	Names  []counted // of the field in rules of other languages
	Kinds  []counted
	Shared []counted
	Alone  int // values of one rule
	Lists  []ruleList
}

func (s *site) field(name string) fieldView {
	v := fieldView{Lists: s.byCatalog(s.fields.rules[name])}
	names := newGroup()
	for _, n := range s.fields.rules[name] {
		for _, in := range s.Rules[n].Indicators {
			if in.Field == name {
				for _, own := range in.Spelled {
					names.add(own, n)
				}
			}
		}
	}
	for _, own := range slices.Sorted(maps.Keys(names.rules)) {
		v.Names = append(v.Names, counted{link{Text: own}, len(names.rules[own]), s.corpus(names.rules[own])})
	}
	slices.SortStableFunc(v.Names, func(a, b counted) int { return b.Count - a.Count })
	kinds := map[catalog.Kind]int{}
	for _, k := range slices.SortedFunc(maps.Keys(s.keys[name]), catalog.Key.Compare) {
		kinds[s.keys[name][k]]++
		if rules := s.LookingFor(k); len(rules) > 1 {
			title := s.indicatorTitle(k)
			if k.Field == name {
				title = strings.TrimSpace(k.Kind.String() + " " + s.written[k])
			}
			v.Shared = append(v.Shared, counted{link{title, s.indicator(k)}, len(rules), s.corpora[k]})
		} else {
			v.Alone++
		}
	}
	slices.SortStableFunc(v.Shared, func(a, b counted) int { return b.Count - a.Count })
	for _, k := range slices.Sorted(maps.Keys(kinds)) {
		v.Kinds = append(v.Kinds, counted{Link: link{Text: k.String()}, Count: kinds[k]})
	}
	return v
}

// A ruleView is the page of a rule.
type ruleView struct {
	*index.Rule
	CatalogName, LanguageName string
	Facts                     []fact
	Techniques                []techniqueRow
	Found                     []foundBox
	Tabs                      []tab
	Indicators                []indicatorRow
	Correlation               []fact
	UsedBy                    []link
}

// StageLanguage is the language of the body of a stage.
func (v ruleView) StageLanguage(stage int) string {
	if v.Language == "sigma" && stage == 0 {
		return "condition"
	}
	return v.Language
}

type fact struct {
	Name  string
	Value string
	URL   string // from the root, or with a scheme
	Class string
	Row   bool // it has a row of its own
}

type techniqueRow struct {
	Link    link
	Name    string
	Tactics []link
}

// A foundBox is a finding in words; that exclusions of a filter exclude nothing for one
// reason is one.
type foundBox struct {
	found
	Title  string
	Parts  []foundPart
	Events []event
}

// A foundPart is an exclusion, or a part of one, with its line.
type foundPart struct {
	Text, File string // of what is not in the rule's file
	Line       int
	URL        string
}

type event struct {
	About string
	Rows  [][2]string
}

type tab struct {
	ID, Title, Language, Verdict string
	Queries                      []index.Query
}

type indicatorRow struct {
	Field  link
	Names  string // of the field in the rule's own language, where they are others
	Kind   string
	Values []indicatorValue
}

type indicatorValue struct {
	Value      string
	Transforms string
	Corpus     string
	URL        string // of the page of who else looks for it
}

func (s *site) rule(n int) ruleView {
	r := s.Whole(n)
	v := ruleView{Rule: r, CatalogName: catalog.Titles[r.Catalog], LanguageName: cmp.Or(catalog.Languages[r.Language], r.Language)}
	source := r.Rule.LogSource.String()
	date := r.Rule.Date
	if r.Rule.Modified != "" {
		date = strings.TrimPrefix(date+", modified "+r.Rule.Modified, ", ")
	}
	for _, f := range []fact{{Name: "Status", Value: r.Rule.Status}, {Name: "Severity", Value: r.Rule.Level, Class: strings.TrimSpace("level " + levelClass(r.Rule.Level))},
		{Name: "Log source", Value: source, URL: s.sources.urls[source]}, {Name: "Author", Value: r.Rule.Author}, {Name: "Date", Value: date, Class: "whole"},
		{Name: "Id", Value: r.Rule.ID, Class: "whole"}, {Name: "License", Value: r.Rule.License}, {Name: "Source", Value: r.Path, URL: s.source(r, r.Line), Row: true}} {
		if f.Value != "" {
			v.Facts = append(v.Facts, f)
		}
	}
	for _, t := range r.Attack {
		row := techniqueRow{Link: link{t.ID, s.attack.urls[t.ID]}, Name: t.Name}
		if t.Successor != "" {
			row.Name = strings.TrimSpace(t.Name + " (now " + t.Successor + ")")
		}
		for _, name := range t.Tactics {
			row.Tactics = append(row.Tactics, link{name, s.attack.urls[s.tactics[name]]})
		}
		v.Techniques = append(v.Techniques, row)
	}
	if r.Catalog == "sigma" {
		v.Found = s.boxes(r)
	}
	for _, q := range r.Queries {
		if n := len(v.Tabs); n == 0 || v.Tabs[n-1].ID != q.Target {
			title, language := named(q.Target)
			v.Tabs = append(v.Tabs, tab{ID: q.Target, Title: title, Language: language, Verdict: q.Verdict})
		}
		t := &v.Tabs[len(v.Tabs)-1]
		t.Queries = append(t.Queries, q)
		if q.Verdict != "proved" {
			t.Verdict = q.Verdict
		}
	}
	if c := r.Correlation; c != nil {
		v.Correlation = s.correlation(c)
	}
	if r.Catalog == "sigma" {
		for _, m := range s.naming[n] {
			v.UsedBy = append(v.UsedBy, s.link(m))
		}
	}
	for _, in := range r.Indicators {
		row := indicatorRow{Field: link{fieldName(in.Field), s.fields.urls[in.Field]}, Names: strings.Join(in.Spelled, ", "), Kind: in.Kind.String()}
		for _, value := range in.Values {
			out := indicatorValue{Value: value.Value, Transforms: strings.Join(value.Transforms, ", ")}
			k := in.Predicate(value).Key()
			if corpus, ok := s.corpora[k]; ok {
				out.Corpus, out.URL = corpus, s.indicator(k)
			}
			row.Values = append(row.Values, out)
		}
		v.Indicators = append(v.Indicators, row)
	}
	return v
}

// correlation are the parts of one, with links to its rules.
func (s *site) correlation(c *catalog.Correlation) (out []fact) {
	group := strings.Join(c.GroupBy, ", ")
	if group == "" {
		group = "none: all events are one group"
	}
	out = []fact{{Name: "Type", Value: c.Type}, {Name: "Window", Value: c.Timespan + ", sliding"}, {Name: "Group by", Value: group}, {Name: "Condition", Value: c.Condition}}
	for i, r := range c.Rules {
		f := fact{Name: fmt.Sprintf("Rule %d", i+1), Value: r.Name}
		if of := s.called(r.Name); len(of) == 1 {
			f.Value, f.URL = s.name(of[0]), s.urls[of[0]]
		}
		out = append(out, f)
	}
	return out
}

// levelClass is the class of a severity in the style sheet.
func levelClass(level string) string {
	if level = strings.ToLower(level); slices.Contains(levels, level) {
		return "level-" + level
	}
	return ""
}

// boxes are the findings about a rule.
func (s *site) boxes(r *index.Rule) (out []foundBox) {
	for _, f := range s.found[place{r.Path, r.Line}] {
		if f.Kind != findings.DeadExclusion {
			out = append(out, box(f))
			continue
		}
		part := foundPart{f.Part, f.File, f.Line, ""}
		if f.File == "" {
			part.URL = s.source(r, f.Line)
		}
		i := slices.IndexFunc(out, func(b foundBox) bool {
			return b.Detection != "" && b.Kind == f.Kind && b.Detection == f.Detection && slices.Equal(b.Because, f.Because)
		})
		if i < 0 {
			i, out = len(out), append(out, box(f))
		}
		out[i].Parts = append(out[i].Parts, part)
	}
	return out
}

func box(f found) foundBox {
	b := foundBox{found: f}
	switch {
	case f.Narrower && f.Kind == findings.Duplicate:
		b.Title = "Another rule matches the same events"
	case f.Narrower:
		b.Title = "Takes in another rule"
	default:
		b.Title = map[findings.Kind]string{findings.Never: "No event matches this rule", findings.Duplicate: "Matches the same events as another rule",
			findings.Implied: "Implied by a wider rule", findings.DeadExclusion: "An exclusion that excludes nothing"}[f.Kind]
	}
	if f.Witness != nil {
		b.Events = append(b.Events, event{"An event that both match", eventRows(f.Witness)})
	}
	if f.OnlyOther != nil {
		about := "An event that the wider rule alone matches"
		b.Events = append(b.Events, event{about, eventRows(f.OnlyOther)})
	}
	return b
}

func eventRows(fields map[string]any) (out [][2]string) {
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		text, ok := fields[name].(string)
		if !ok {
			b, _ := json.Marshal(fields[name])
			text = string(b)
		}
		out = append(out, [2]string{name, text})
	}
	return out
}

// named is the name of a target for people, and that of its language.
func named(target string) (title, language string) {
	if t, ok := targets.Named(target); ok {
		return t.Title, strings.TrimPrefix(t.Extension, ".")
	}
	return target, ""
}
