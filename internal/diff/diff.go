// Package diff says what a change of rules does to the events that they match. The
// same ones, more, fewer or others, proved for every event, with examples. Events are
// Sigma's: by the names of its fields, each with one value.
//
// Both versions of a rule are typed together, for `4688` and `'4688'` are one number
// only if nothing else says that the field holds texts, and the prover is asked twice:
// for events of the new one without the old one, and the other way. An event that is
// found is an example; where there is none, that is the proof. A further example is of another value
// that changed, or fails a test that one before it passes. A log source is compared as a set: what the
// other version's does not take in is matched newly as a whole.
package diff

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"sigmac"
	"sigmac/backends"
	"sigmac/internal/cache"
	"sigmac/internal/link"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/verify"
)

// A Kind says what became of a rule.
type Kind string

// The kinds, the most dangerous first: what no longer finds something.
const (
	Broken   Kind = "error"    // the new version cannot be read
	Removed  Kind = "removed"  // there is no new version
	Both     Kind = "both"     // it matches some events no longer, and others newly
	Narrower Kind = "narrower" // it matches some events no longer
	Unknown  Kind = "unknown"  // it is not known; Reason says why
	Wider    Kind = "wider"    // it matches more events
	Added    Kind = "added"    // there was no old version
	Equal    Kind = "equal"    // it matches the same events
)

// Kinds are all of them, in that order.
var Kinds = []Kind{Broken, Removed, Both, Narrower, Unknown, Wider, Added, Equal}

// Gains says whether the new version may match an event that the old one does
// not.
func (k Kind) Gains() bool {
	return k == Wider || k == Both || k == Added || k == Unknown || k == Broken
}

// Loses says whether the old version may match an event that the new one does
// not.
func (k Kind) Loses() bool {
	return k == Narrower || k == Both || k == Removed || k == Unknown || k == Broken
}

// Options bound the work.
type Options struct {
	Budget   int  // solver steps of one question
	Examples int  // events of each direction
	Beside   bool // of queries: where they look, and what only chooses when events happened, is not compared
	// Old and New are the correlations of the two versions, with what they name.
	Old, New *link.Correlations
	// Cache keeps what is found of two predicates; nil keeps nothing.
	Cache *cache.Cache
}

// A world is that of a target, where no event has the fields unmapped; without one, Sigma's.
type world struct {
	target   *backends.Target
	unmapped []string
}

// apart are events of a pair of predicates each: those of the first that are none of the second.
func (o Options) apart(w world, pairs [2][2]ir.Expr) [2]verify.Examples {
	inputs := []any{"apart", pairs, w.unmapped, o.Examples, o.Budget}
	if w.target != nil {
		inputs = append(inputs, w.target.Name, w.target.Format.Name)
	}
	find := func(p [2]ir.Expr) verify.Examples {
		if w.target == nil {
			return verify.Apart(p[0], p[1], o.Examples, o.Budget)
		}
		return verify.ApartAt(w.target, p[0], p[1], w.unmapped, o.Examples, o.Budget)
	}
	valid := func(found [2]verify.Examples) bool {
		return !slices.ContainsFunc(found[:], func(e verify.Examples) bool { return len(e.Events) > o.Examples || e.More < 0 })
	}
	return cache.Get(o.Cache, valid, func() ([2]verify.Examples, bool) {
		return [2]verify.Examples{find(pairs[0]), find(pairs[1])}, true
	}, inputs...)
}

// A Change is what became of a rule.
type Change struct {
	Kind            Kind
	Old, New        *parser.Document // nil where there is none
	NewlyMatched    []map[string]any
	NoLongerMatched []map[string]any
	// MoreNew and MoreLost are the numbers of other values that changed for which there are such
	// events too.
	MoreNew, MoreLost int
	Reason            string
	Metadata          []Attribute
}

// An Attribute is one that changed, with its values as text.
type Attribute struct{ Name, Old, New string }

// Doc is the new version, or the old one where that is gone.
func (c Change) Doc() *parser.Document {
	if c.New != nil {
		return c.New
	}
	return c.Old
}

// Compare says what became of a document; either may be nil, but not both.
func Compare(old, new *parser.Document, o Options) Change {
	c := Change{Old: old, New: new}
	switch {
	case new != nil && len(new.Errors) > 0:
		c.Kind, c.Reason = Broken, faults(new)
		return c
	case isFilter(old) && (isFilter(new) || new == nil), isFilter(new) && old == nil:
		// What it does to rules, their comparison says.
		if c.Kind = Equal; old != nil && new != nil {
			c.Metadata = metadata(old, new)
		}
		return c
	case new == nil || isFilter(new):
		c.Kind, c.New = Removed, nil
		return c
	case old == nil || isFilter(old):
		c.Kind, c.Old = Added, nil
		return c
	case len(old.Errors) > 0:
		c.Kind, c.Reason = Added, "the old version cannot be read: "+faults(old)
		return c
	}
	c.Metadata = metadata(old, new)
	switch {
	case old.Rule != nil && new.Rule != nil:
		c.rules(old.Rule, new.Rule, o)
	case old.Correlation != nil && new.Correlation != nil:
		c.correlations(o)
	default:
		c.Kind, c.Reason = Unknown, fmt.Sprintf("a %s became a %s", old.Kind, new.Kind)
	}
	return c
}

// sameBody says whether two correlations are the same but for what they say of themselves.
func sameBody(a, b *parser.Document) bool {
	return sameButPlaces(reflect.ValueOf(body(a)), reflect.ValueOf(body(b)))
}

func isFilter(d *parser.Document) bool { return d != nil && d.Filter != nil }

// filtered says of which filters the two versions of a rule have other texts.
func filtered(old, new *ir.Rule) string {
	texts := map[string]string{}
	for _, f := range old.Filters {
		texts[f.Called()] = string(f.Text)
	}
	var names []string
	for _, f := range new.Filters {
		if was, ok := texts[f.Called()]; ok && was != string(f.Text) {
			names = append(names, f.Called())
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "of the filter " + strings.Join(names, ", ") + ", which changed"
}

// faults are the errors of a document in a line, with their places.
func faults(d *parser.Document) string {
	var out []string
	for _, e := range d.Errors {
		out = append(out, fmt.Sprintf("%d:%d: %s", e.Pos.Line, e.Pos.Column, e.Msg))
	}
	return strings.Join(out, "; ")
}

// body is a correlation without what it says of itself.
func body(d *parser.Document) any {
	switch {
	case d.Correlation != nil:
		c := *d.Correlation
		c.Meta = ir.Meta{}
		return c
	}
	return nil
}

// rules compares two rules. A rule matches events of its log source only.
func (c *Change) rules(old, new *ir.Rule, o Options) {
	joint, err := ir.WantTogether(old, new)
	if err != nil {
		c.Kind, c.Reason = Unknown, err.Error()
		return
	}
	was, is := joint.Conditions[0].Expr, joint.Conditions[1].Expr
	c.compare(o, world{}, was, is, covers(old.Source, new.Source), covers(new.Source, old.Source))
	if c.Reason == "" && c.Kind != Equal {
		c.Reason = filtered(old, new)
	}
}

// compare fills in the kind and the events of two predicates. oldTakesNew says that the events that the
// new version is about are among those of the old one, newTakesOld the other way round.
func (c *Change) compare(o Options, w world, was, is ir.Expr, oldTakesNew, newTakesOld bool) {
	without := func(e, other ir.Expr, among bool) [2]ir.Expr {
		if !among {
			other = ir.False // of a log source where the other version matches nothing
		}
		return [2]ir.Expr{e, other}
	}
	found := o.apart(w, [2][2]ir.Expr{without(is, was, oldTakesNew), without(was, is, newTakesOld)})
	gained, lost := found[0], found[1]
	c.NewlyMatched, c.NoLongerMatched = gained.Events, lost.Events
	c.MoreNew, c.MoreLost = gained.More, lost.More
	switch {
	case len(c.NewlyMatched) > 0 && len(c.NoLongerMatched) > 0:
		c.Kind = Both
	case gained.Reason != "" || lost.Reason != "":
		c.Kind, c.Reason = Unknown, cmp.Or(gained.Reason, lost.Reason)
	case len(c.NewlyMatched) > 0:
		c.Kind = Wider
	case len(c.NoLongerMatched) > 0:
		c.Kind = Narrower
	default:
		c.Kind = Equal
	}
	switch {
	case c.Kind == Equal || c.Kind == Unknown || oldTakesNew && newTakesOld:
	case newTakesOld:
		c.Reason = "it looks at more events"
	case oldTakesNew:
		c.Reason = "it looks at fewer events"
	default:
		c.Reason = "it looks at other events"
	}
}

// covers says whether the log source a takes in all events of b. Attributes
// outside the specification must be the same.
func covers(a, b ir.LogSource) bool {
	custom := slices.EqualFunc(a.Custom, b.Custom, func(x, y ir.Attribute) bool { return x.Name == y.Name && x.Value == y.Value })
	return custom && a.Covers(b)
}

// metadata are the attributes that say how a rule is taken, where they changed.
func metadata(old, new *parser.Document) (out []Attribute) {
	add := func(name, was, is string) {
		if was != is {
			out = append(out, Attribute{name, was, is})
		}
	}
	add("title", old.Title, new.Title)
	add("id", old.ID, new.ID)
	a, b := meta(old), meta(new)
	add("status", a.Status, b.Status)
	add("level", a.Level, b.Level)
	add("logsource", source(old), source(new))
	add("filters", filtersOf(old), filtersOf(new))
	if old.Correlation != nil && new.Correlation != nil {
		out = append(out, correlationOf(old.Correlation, new.Correlation)...)
	}
	add("tags", strings.Join(slices.Sorted(slices.Values(a.Tags)), ", "), strings.Join(slices.Sorted(slices.Values(b.Tags)), ", "))
	return out
}

// filtersOf are the filters that are joined to a rule, by their names.
func filtersOf(d *parser.Document) string {
	var names []string
	for _, f := range d.Filters {
		names = append(names, f.Filter.Called())
	}
	return strings.Join(names, ", ")
}

func meta(d *parser.Document) ir.Meta {
	switch {
	case d.Rule != nil:
		return d.Rule.Meta
	case d.Correlation != nil:
		return d.Correlation.Meta
	case d.Filter != nil:
		return d.Filter.Meta
	}
	return ir.Meta{}
}

// Level is the level of a rule.
func Level(d *parser.Document) string { return meta(d).Level }

func source(d *parser.Document) string {
	s := ir.LogSource{}
	switch {
	case d.Rule != nil:
		s = d.Rule.Source
	case d.Filter != nil:
		s = d.Filter.Source
	}
	var parts []string
	for _, p := range [][2]string{{"product", s.Product}, {"category", s.Category}, {"service", s.Service}} {
		if p[1] != "" {
			parts = append(parts, p[0]+"="+p[1])
		}
	}
	for _, a := range s.Custom {
		parts = append(parts, a.Name+"="+a.Value)
	}
	return strings.Join(parts, " ")
}

// sameButPlaces is reflect.DeepEqual but for places in files.
func sameButPlaces(a, b reflect.Value) bool {
	if a.IsValid() != b.IsValid() || a.IsValid() && a.Type() != b.Type() {
		return false
	}
	if !a.IsValid() || a.Type() == reflect.TypeFor[ir.Pos]() || a.Type() == reflect.TypeFor[ir.Span]() {
		return true
	}
	switch a.Kind() {
	case reflect.Pointer, reflect.Interface:
		return sameButPlaces(a.Elem(), b.Elem())
	case reflect.Struct:
		for i := range a.NumField() {
			if !sameButPlaces(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	case reflect.Slice, reflect.Array:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !sameButPlaces(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	}
	return a.Equal(b)
}

// Targets compares what two mappings make of a rule for a target, in the world
// of the target. A version that is refused is one without a query: Removed or
// Added.
func Targets(old, new sigmac.Result, o Options) Change {
	c := Change{Old: old.Document, New: new.Document}
	first := func(r sigmac.Result) string { return r.Errors[0].Text() }
	switch {
	case len(old.Errors) > 0 && len(new.Errors) > 0:
		c.Kind, c.Reason = Equal, first(new)
		return c
	case len(old.Errors) > 0:
		c.Kind, c.Reason = Added, "before: "+first(old)
		return c
	case len(new.Errors) > 0:
		c.Kind, c.Reason = Removed, first(new)
		return c
	}
	before, after := old.Want.Joined().Predicate(0), new.Want.Joined().Predicate(0)
	was, is := before.Whole(), after.Whole()
	c.compare(o, world{target: new.Target}, was, is, scopeTakes(before.Scope, after.Scope), scopeTakes(after.Scope, before.Scope))
	if old.Want.Scope != new.Want.Scope {
		c.Metadata = append(c.Metadata, Attribute{"scope", scopeText(old.Want.Scope), scopeText(new.Want.Scope)})
	}
	compared := scopeTakes(before.Scope, after.Scope) || scopeTakes(after.Scope, before.Scope)
	if compared && !slices.Equal(computed(old.Want, was, is), computed(new.Want, was, is)) {
		// A column of one name is not the same in both.
		c.Kind, c.Reason, c.NewlyMatched, c.NoLongerMatched = Unknown, "the columns that the queries compute differ", nil, nil
	}
	return c
}

// computed are the computed columns of a rule that some expressions test.
func computed(r *ir.Rule, es ...ir.Expr) (out []ir.Computed) {
	tested := map[string]bool{}
	for _, e := range es {
		ir.Walk(e, func(e ir.Expr) {
			if m, ok := e.(ir.Match); ok {
				tested[m.Field.Name] = true
				if ref, ok := m.Test.(ir.FieldRef); ok {
					tested[ref.Other.Name] = true
				}
			}
		})
	}
	for _, c := range r.Computed {
		if tested[c.Name] {
			out = append(out, c)
		}
	}
	return out
}

// scopeTakes says whether a query that looks in a looks at all events of b.
func scopeTakes(a, b ir.Scope) bool { return a == b || a == ir.Scope{} }

func scopeText(s ir.Scope) string {
	var parts []string
	for _, p := range []string{s.Table, s.Index, s.Category, s.DataModel} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, " ")
}

// Queries compares two queries in the language of a target. The error is a
// *verify.ReadPairError.
func Queries(b *backends.Target, schema ir.Schema, old, new string, o Options) (Change, error) {
	c := Change{}
	readings, err := verify.ReadPair(b, schema, old, new)
	if err != nil {
		return c, err
	}
	for _, r := range readings {
		if o.Beside {
			was, is := *r.Old, *r.New
			was.Times, is.Times, was.Scope, is.Scope = nil, nil, ir.Scope{}, ir.Scope{}
			r.Old, r.New = &was, &is
		}
		rest := append(r.Old.Unjudged(), r.New.Unjudged()...)
		switch {
		case r.Old.Where == nil || r.New.Where == nil:
			if c.Kind = Equal; old != new {
				c.Kind, c.Reason = Unknown, "a query that is no filter of single events is not compared"
			}
			return c, nil
		default:
			was, is := r.Old.Predicate(), r.New.Predicate()
			types := ir.TypeFields(&ir.Rule{Conditions: []ir.Condition{{Expr: was.Whole()}, {Expr: is.Whole()}}})
			c.compare(o, world{b, r.Unmapped}, types.Conditions[0].Expr, types.Conditions[1].Expr, scopeTakes(was.Scope, is.Scope), scopeTakes(is.Scope, was.Scope))
		}
		if r.Old.Scope != r.New.Scope {
			c.Metadata = []Attribute{{"scope", scopeText(r.Old.Scope), scopeText(r.New.Scope)}}
		}
		if len(rest) > 0 && old != new && (c.Kind != Equal || !Alike(r.Old.Stages, r.New.Stages)) {
			is := fmt.Sprintf("the filters are %s", c.Kind)
			if c.Kind == Unknown {
				is = c.Reason
			}
			c.Kind, c.NewlyMatched, c.NoLongerMatched = Unknown, nil, nil
			c.Reason = fmt.Sprintf("%s, and what is done by %s (%d:%d) is not compared", is, rest[0].Name, rest[0].Pos.Line, rest[0].Pos.Column)
			return c, nil
		}
		if c.Kind != Equal {
			if len(r.Unmapped) > 0 {
				c.Reason = strings.TrimPrefix(c.Reason+"; where no index maps "+strings.Join(r.Unmapped, ", "), "; ")
			}
			return c, nil
		}
	}
	return c, nil
}

// Alike says whether two queries with the same filters do the same to what
// passes them: the stages that are not judged are the same, on the same columns,
// and no filter stands behind one of them, which would see other events.
func Alike(old, new []ir.Command) bool {
	others := func(stages []ir.Command) (out []string, plain bool) {
		plain, judged := true, true
		for _, st := range stages {
			judged = judged && st.Effect.Judged()
			if st.Effect != ir.Filters {
				out = append(out, st.Text)
			} else if !judged {
				plain = false
			}
		}
		return out, plain
	}
	was, plain := others(old)
	is, plainToo := others(new)
	return plain && plainToo && slices.Equal(was, is)
}
