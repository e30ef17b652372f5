// Package catalog tells what a rule looks for. Its stages and predicates, what it
// excludes, its indicators, and which techniques and events it is about. It reads the
// representation before any expansion, so a reviewer sees the values that the rule's
// author wrote.
//
// What explain prints is what an index holds, an Entry, so that a page, the JSON of
// the command and the index cannot say different things.
package catalog

import (
	"cmp"
	"slices"

	"sigmac/ir"
)

// A Page is what a reviewer needs to know of a rule at a glance.
type Page struct {
	Stages     List[Stage]     `json:"stages"`
	Exclusions List[Exclusion] `json:"exclusions"`
	Indicators List[Indicator] `json:"indicators"`
}

// A Stage is a part of a rule that an event must pass. The first one of a Sigma
// rule is its condition.
type Stage struct {
	Label      string          `json:"label"`
	Body       string          `json:"body"` // as in the file, without comments
	Predicates List[Predicate] `json:"predicates"`
	Filter     *Filter         `json:"filter,omitempty"` // that it is of: another document joins it to the rule
}

// A Filter is one that is joined to a rule.
type Filter struct {
	Title string `json:"title"`
	ID    string `json:"id,omitempty"`
	Path  string `json:"path"`
}

// FilterOf is what is told of a filter.
func FilterOf(f *ir.Filter) Filter { return Filter{f.Meta.Title, f.Meta.ID, f.Path} }

// An Exclusion is a predicate under a top-level `not`: events that pass it, and
// all of With, are not matched.
type Exclusion struct {
	Predicate
	With List[string] `json:"with"`
}

// An Indicator is the values of a field that a rule looks for by one kind of
// comparison.
type Indicator struct {
	Field   string      `json:"field"`
	Kind    Kind        `json:"kind"`
	Values  List[Value] `json:"values"`            // sorted
	Spelled []string    `json:"spelled,omitempty"` // of a native rule: Field as the rule names it, where it is another name
}

// A Value is one of an Indicator.
type Value struct {
	Value      string       `json:"value"`
	Transforms List[string] `json:"transforms"`
	Corpus     *Corpus      `json:"corpus,omitempty"` // nil where it is not known
}

// Predicate is the one that v of i stands for.
func (i Indicator) Predicate(v Value) Predicate {
	return Predicate{Field: i.Field, Kind: i.Kind, Value: v.Value, Transforms: v.Transforms}
}

// Explain is the page of a rule as it was parsed. src is the file in which the
// rule stands, for the bodies of the stages; it may be nil.
func Explain(r *ir.Rule, src []byte) *Page {
	b := &bodies{rule: r, src: src}
	p := &Page{Stages: b.stages()}
	var found sides
	for _, c := range r.Conditions {
		found.top(inlined(r, c.Expr))
	}
	p.Exclusions = found.exclusions()
	p.Indicators = found.indicators()
	return p
}

// Of is the page of a filter without a rule around it, such as a reader gives.
func Of(filters ...ir.Expr) *Page {
	var found sides
	for _, e := range filters {
		found.top(e)
	}
	return &Page{Exclusions: found.exclusions(), Indicators: found.indicators()}
}

// inlined is a condition with its detections in the place of their names.
func inlined(r *ir.Rule, e ir.Expr) ir.Expr {
	detection := func(name string) ir.Expr {
		for _, d := range r.Detections {
			if d.Name == name {
				return d.Expr
			}
		}
		return ir.True
	}
	out, _ := ir.Rewrite(e, func(e ir.Expr) (ir.Expr, bool) {
		switch e := e.(type) {
		case ir.Ref:
			return detection(e.Name), true
		case ir.Of:
			var all []ir.Expr
			for _, name := range e.Names {
				all = append(all, detection(name))
			}
			if e.All {
				return ir.And(all), true
			}
			return ir.Or(all), true
		}
		return e, false
	})
	return out
}

// sides are the predicates of a rule that it looks for, and those that it
// excludes. One that is negated inside a choice is neither.
type sides struct {
	wanted   []Predicate
	excluded []Exclusion
}

// top looks at what every event must pass.
func (s *sides) top(e ir.Expr) {
	switch e := e.(type) {
	case ir.And:
		for _, x := range e {
			s.top(x)
		}
	case ir.Item:
		if negated, ok := e.X.(ir.Not); ok && !isExists(e) {
			e.X = negated.X
			s.not(e, nil)
			return
		}
		s.want(e)
	case ir.Not:
		s.not(e.X, nil)
	default:
		s.want(e)
	}
}

// want looks at what may be passed instead of something else.
func (s *sides) want(e ir.Expr) {
	switch e := e.(type) {
	case ir.And, ir.Or:
		for _, x := range ir.Parts(e) {
			s.want(x)
		}
	case ir.Item:
		if _, negated := e.X.(ir.Not); !negated || isExists(e) {
			s.wanted = append(s.wanted, itemPredicates(e)...)
		}
	case ir.Match, ir.Keyword:
		s.wanted = append(s.wanted, leafPredicate(e))
	}
}

// not looks at what no event may pass, with the rest of the conjunctions around
// it.
func (s *sides) not(e ir.Expr, with []string) {
	add := func(ps []Predicate) {
		for _, p := range ps {
			s.excluded = append(s.excluded, Exclusion{p, with})
		}
	}
	switch e := e.(type) {
	case ir.And:
		for i, x := range e {
			others := slices.Clone(with)
			for j, y := range e {
				if j != i {
					others = append(others, describe(y))
				}
			}
			s.not(x, others)
		}
	case ir.Or:
		for _, x := range e {
			s.not(x, with)
		}
	case ir.Item:
		if _, negated := e.X.(ir.Not); negated && !isExists(e) {
			return
		}
		ps := itemPredicates(e)
		if _, all := e.X.(ir.And); !all {
			add(ps)
			return
		}
		for i, p := range ps {
			others := slices.Clone(with)
			for j, q := range ps {
				if j != i {
					others = append(others, q.String())
				}
			}
			s.excluded = append(s.excluded, Exclusion{p, others})
		}
	case ir.Match, ir.Keyword:
		add([]Predicate{leafPredicate(e)})
	}
}

func (s *sides) exclusions() []Exclusion {
	out := slices.Clone(s.excluded)
	slices.SortStableFunc(out, func(a, b Exclusion) int {
		return cmp.Or(comparePredicates(a.Predicate, b.Predicate), slices.Compare(a.With, b.With))
	})
	return slices.CompactFunc(out, func(a, b Exclusion) bool {
		return comparePredicates(a.Predicate, b.Predicate) == 0 && slices.Equal(a.With, b.With)
	})
}

func (s *sides) indicators() (out []Indicator) {
	all := slices.Clone(s.wanted)
	slices.SortStableFunc(all, comparePredicates)
	all = slices.CompactFunc(all, func(a, b Predicate) bool { return comparePredicates(a, b) == 0 })
	for _, p := range all {
		if n := len(out); n == 0 || out[n-1].Field != p.Field || out[n-1].Kind != p.Kind {
			out = append(out, Indicator{Field: p.Field, Kind: p.Kind})
		}
		last := &out[len(out)-1]
		last.Values = append(last.Values, Value{Value: p.Value, Transforms: p.Transforms})
	}
	return out
}

// comparePredicates sorts by field, kind, value and transforms; keywords, which
// have no field, stand last.
func comparePredicates(a, b Predicate) int {
	if (a.Field == "") != (b.Field == "") {
		return cmp.Compare(b.Field, a.Field)
	}
	return cmp.Or(cmp.Compare(a.Field, b.Field), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Value, b.Value),
		slices.Compare(a.Transforms, b.Transforms))
}
