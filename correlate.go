package sigmac

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"sigmac/backends"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/verify"
)

// correlated is the result of a correlation: its rules are mapped, each by its own log
// source, and put together in the language of the target.
func (m Mapping) correlated(d *parser.Document, o Options) Result {
	c := d.Correlation
	res := Result{Mapping: m, Document: d}
	fail := func(e *ir.Diagnostic) Result {
		res.Errors = append(res.Errors, d.Place(e))
		return res
	}
	named, ok := o.Correlations.Named(d)
	if !ok {
		at, ok := o.Correlations.Lack(d)
		if !ok {
			at = ir.Name{Pos: c.Pos}
		}
		return fail(&ir.Diagnostic{Pos: at.Pos, Source: "link", Code: ir.BrokenMember, Msg: fmt.Sprintf("the correlation cannot be converted without the rule %q", at.Text)})
	}
	if res.Target.Format.Correlate == nil {
		return fail(backends.Unsupported(res.Target.Name, d.Pos, "a correlation in the format "+res.Target.Format.Name, ""))
	}
	mapped := &backends.Correlation{Correlation: c, Method: o.method()}
	for _, g := range c.GroupBy {
		mapped.Group = append(mapped.Group, g.Text)
	}
	for _, f := range c.Fields {
		mapped.Fields = append(mapped.Fields, f.Text)
	}
	for i, x := range named {
		switch {
		case len(x.Errors) > 0:
			return fail(&ir.Diagnostic{Pos: c.Rules[i].Pos, Source: "link", Code: ir.BrokenMember, Msg: fmt.Sprintf("the correlation cannot be converted, for its rule %q is wrong", c.Rules[i].Text)})
		case x.Rule == nil:
			return fail(backends.Unsupported(res.Target.Name, c.Rules[i].Pos, "a correlation over the hits of another",
				"save the inner one with its own query, and correlate what it finds"))
		}
	}
	members, e := m.members(named, c, nil)
	if _, _, differ := differs(members); e == nil && differ {
		members, e = m.members(named, c, members) // what no schema knows gets its type from the tests of all rules
	}
	if e != nil {
		return fail(e)
	}
	if i, what, differ := differs(members); differ {
		return fail(backends.Unsupported(res.Target.Name, c.Rules[i].Pos, "a correlation of rules that take "+what, "one table has a column of one type; map both rules by one schema"))
	}
	res.Types = map[string]ir.Type{}
	for _, x := range members {
		for f, t := range x.types() {
			if other, known := res.Types[f]; known && other != t {
				f = x.place() + "." + f
			}
			res.Types[f] = t
		}
		mapped.Rules, res.Members = append(mapped.Rules, x.rule), append(res.Members, x.Result)
		for _, w := range x.Mapped.Warnings {
			if !slices.Contains(res.Mapped.Warnings, w) { // a rule may be named twice
				res.Mapped.Warnings = append(res.Mapped.Warnings, w)
			}
		}
	}
	mapped.Disjoint = func(i, j int) bool {
		apart, one := disjoint(res.Target, res.Members[i].Want, res.Members[j].Want)
		res.OneValue = res.OneValue || one
		return apart
	}
	res.Correlation = mapped // also where the target cannot write it: a given query is compared with it
	done, err := res.Target.Format.Correlate(mapped)
	if err != nil {
		res.Errors = Faults(d, err)
		return res
	}
	res.TailLosses = done.Losses
	docs := make([]backends.Doc, len(done.Queries))
	for i, q := range done.Queries {
		docs[i], res.Names = q.Doc, append(res.Names, q.Name)
	}
	res.Queries, res.Costs = o.print(docs)
	res.Plain = res.Queries
	if err := res.finish(); err != nil {
		res.Queries, res.Plain, res.Costs, res.Errors = nil, nil, nil, Faults(d, err)
		return res
	}
	if m.Lists > 0 {
		res.Mapped.Warnings = append(res.Mapped.Warnings, d.Place(&ir.Diagnostic{Pos: c.Pos, Source: res.Target.Name, Code: ir.ListStays,
			Msg: "the lists of the rules stay in the query: those of a correlation are not put into lookups"}))
	}
	var all ir.And
	for _, r := range mapped.Rules {
		all = append(all, r.Rule.Conditions[0].Expr)
	}
	res.tooLarge(func(int) (ir.Pos, ir.Expr) { return c.Pos, all })
	return res
}

// finish makes the queries what the postprocessing of the rules' pipelines does of them. It
// fails where these do different things.
func (res *Result) finish() error {
	res.Choice.Pipelines = pipelines(res.Members)
	plain := res.Plain
	for i, x := range res.Members {
		queries := plain
		if x.Pipeline != nil {
			var err error
			if queries, err = x.Pipeline.Finish(x.Mapped.Rule, plain, x.Mapped.Trace, x.options()); err != nil {
				return err
			}
		}
		if i > 0 && !slices.Equal(queries, res.Queries) {
			return backends.Unsupported(res.Target.Name, res.Document.Correlation.Rules[i].Pos, "a correlation of rules whose pipelines do different things to its query",
				"give these one postprocessing")
		}
		res.Queries, res.Pipeline = queries, x.Pipeline
	}
	return nil
}

// method is that of the windows of correlations.
func (o Options) method() string {
	if o.Method == "" {
		return backends.Sliding
	}
	return o.Method
}

// pipelines are the names of those that the rules of a correlation got, each once.
func pipelines(members []Result) string {
	var names []string
	for _, x := range members {
		if x.Choice.Pipelines != "" && !slices.Contains(names, x.Choice.Pipelines) {
			names = append(names, x.Choice.Pipelines)
		}
	}
	return strings.Join(names, ", ")
}

// A member is a rule of a correlation, as it is mapped.
type member struct {
	Result
	rule  backends.CorrelatedRule
	tests []ir.Expr // of fields of which no schema knows the type
}

// place is the table of the rule's events, or empty where all events are of one.
func (x member) place() string {
	if of := x.Target.Columns.Table; of != nil {
		return of(x.rule.Rule.Scope)
	}
	return ""
}

// types are those of the columns that the rule tests, of those that the correlation asks for,
// and of more.
func (x member) types(more ...ir.Field) map[string]ir.Type {
	types := maps.Clone(x.Types)
	for _, f := range slices.Concat(slices.Concat(x.rule.Group...), slices.Concat(x.rule.Fields...), more) {
		types[f.Name] = f.Type
	}
	return types
}

// differs finds a rule that takes a column for another type than a rule before it over the
// same table does, and says what they take it for.
func differs(members []member) (i int, what string, differ bool) {
	for i, x := range members {
		types := x.types(x.rule.Keep...)
		for _, y := range members[:i] {
			if x.place() != y.place() {
				continue
			}
			others := y.types(y.rule.Keep...)
			for _, f := range slices.Sorted(maps.Keys(types)) {
				if t, both := others[f]; both && t != types[f] {
					return i, fmt.Sprintf("the field %s for a %s and for a %s", f, t, types[f]), true
				}
			}
		}
	}
	return 0, "", false
}

// members are the rules of a correlation. The tests of those that are known, where there are
// some, say of which types fields are in the others of the same place.
func (m Mapping) members(named []*parser.Document, c *ir.Correlation, known []member) (out []member, e *ir.Diagnostic) {
	for i, x := range named {
		var beside []ir.Expr
		for j, other := range known {
			if j != i && other.place() == known[i].place() {
				beside = append(beside, other.tests...)
			}
		}
		got := m.member(x, c, i, beside)
		if len(got.Errors) > 0 {
			e := got.Errors[0]
			return nil, &ir.Diagnostic{Pos: c.Rules[i].Pos, Source: e.Source, Feature: e.Feature,
				Msg: fmt.Sprintf("the rule %q of the correlation has no query: %s", c.Rules[i].Text, e.Error())}
		}
		out = append(out, got)
	}
	return out, nil
}

// member is the i-th rule of a correlation on the first way that does not refuse it, with
// the columns that stand for the correlation's fields and, where the way has them, for those
// that the rule would show.
func (m Mapping) member(x *parser.Document, c *ir.Correlation, i int, beside []ir.Expr) member {
	called := []string{c.Rules[i].Text, x.Name, x.ID}
	var asked []ir.Name
	for _, n := range slices.Concat(c.GroupBy, c.Fields) {
		asked = append(asked, ir.Name{Text: c.FieldOf(n.Text, called...)})
	}
	var shown []ir.Name
	for _, f := range x.Rule.Meta.Fields {
		shown = append(shown, ir.Name{Text: f})
	}
	var first *member
	try := func(name string, way Mapping) (member, bool) {
		got := way.asMember(x, asked, shown, beside)
		if len(got.Errors) > 0 && len(shown) > 0 {
			got = way.asMember(x, asked, nil, beside)
		}
		rule := &got.rule
		rule.Name = c.Rules[i].Text
		for k := range asked {
			if len(rule.Group[k]) == 0 && len(got.Errors) == 0 {
				got.Errors = []*ir.Diagnostic{x.Place(backends.Unsupported(way.Target.Name, x.Pos, "the field "+asked[k].Text, "the pipeline leaves it out"))}
			}
		}
		rule.Group, rule.Fields = rule.Group[:len(c.GroupBy)], rule.Group[len(c.GroupBy):]
		if got.Choice.Pipelines = name; first == nil {
			first = &got
		}
		return got, len(got.Errors) == 0 || got.Errors[0].Feature == ""
	}
	if m.Table == nil {
		got, _ := try("", m)
		return got
	}
	for name, way := range m.ways(x.Rule.Source) {
		if got, done := try(name, way); done {
			return got
		}
	}
	if first == nil {
		return member{Result: Result{Mapping: m, Document: x, Errors: []*ir.Diagnostic{x.Place(m.noPlace(x.Rule.Source))}}}
	}
	return *first
}

// asMember is a rule, with one condition, and the columns for some fields of its events as
// its Group, in their order. Tests beside it say of which types fields are, as its own do.
func (m Mapping) asMember(x *parser.Document, asked, shown []ir.Name, beside []ir.Expr) (out member) {
	own := *x
	joined := *x.Rule.Joined()
	joined.Detections = slices.Clone(joined.Detections)
	taken := map[string]bool{}
	for _, det := range joined.Detections {
		taken[det.Name] = true
	}
	for i, f := range slices.Concat(asked, shown) {
		name := fmt.Sprint("carried ", i)
		for taken[name] {
			name += "'"
		}
		field := ir.Field{Name: f.Text}
		item := ir.Item{Field: field, X: ir.Match{Field: field, Test: ir.Exists{}}}
		joined.Detections = append(joined.Detections, ir.Detection{Name: name, Carries: f.Text, Expr: ir.And{item}})
	}
	own.Rule = &joined
	c := newCompilation(&own, m, beside...)
	out.Result = Result{Mapping: m, Document: x, Want: c.want, Mapped: c.did, Types: c.types, Errors: c.errs}
	rule := &out.rule
	rule.Group = make([][]ir.Field, len(asked))
	if len(out.Errors) > 0 {
		return out
	}
	if rule.Rule, out.Errors = c.legal(&own, m.Target); len(out.Errors) > 0 {
		return out
	}
	rule.Time = m.timeOf(rule.Rule)
	for i, f := range asked {
		rule.Group[i] = c.carried[f.Text]
	}
	for _, f := range shown {
		for _, column := range c.carried[f.Text] {
			if !slices.Contains(rule.Keep, column) {
				rule.Keep = append(rule.Keep, column)
			}
		}
	}
	c.untyped.Walk(func(e ir.Expr) {
		m, ok := e.(ir.Match)
		ref, two := m.Test.(ir.FieldRef)
		if ok && m.Field.Type == ir.Unknown && !(two && ref.Other.Type != ir.Unknown) {
			out.tests = append(out.tests, m)
		}
	})
	return out
}

// carry notes which columns stand for the fields of a correlation.
func (c *compilation) carry() {
	for _, det := range c.rule.Detections {
		if det.Carries == "" {
			continue
		}
		if c.carried == nil {
			c.carried = map[string][]ir.Field{}
		}
		ir.Walk(det.Expr, func(e ir.Expr) {
			if it, ok := e.(ir.Item); ok {
				e = it.X
			}
			if m, ok := e.(ir.Match); ok && !slices.Contains(c.carried[det.Carries], m.Field) {
				c.carried[det.Carries] = append(c.carried[det.Carries], m.Field)
			}
		})
	}
}

// carriesComputed says whether a field of the correlation is a column that a query computes. Its
// tests stay on that column then, which the query has to make in any case.
func (c *compilation) carriesComputed() bool {
	for _, columns := range c.carried {
		for _, f := range columns {
			name, _, _ := strings.Cut(f.Name, ".")
			if slices.ContainsFunc(c.rule.Computed, func(x ir.Computed) bool { return x.Name == name }) {
				return true
			}
		}
	}
	return false
}

// timeOf is the column of the time of a rule's events.
func (m Mapping) timeOf(r *ir.Rule) string {
	columns := m.Target.Columns
	if m.Schemas != nil && columns.Table != nil {
		for _, name := range columns.Times {
			if t, mapped := m.Schemas.Type(columns.Table(r.Scope), name); mapped && t == ir.Date {
				return name
			}
		}
	}
	if len(columns.Times) == 0 {
		return ""
	}
	return columns.Times[len(columns.Times)-1]
}

// disjoint says whether it is certain that no event of a target is selected by two rules, and
// whether that rests on no field having several values. What one test rules out is seen
// before the solver is asked.
func disjoint(t *backends.Target, a, b *ir.Rule) (apart, one bool) {
	if a.Scope.Table != b.Scope.Table && a.Scope.Table != "" && b.Scope.Table != "" {
		return true, false
	}
	x, y := ir.Simplify(a).Predicate(0).Whole(), ir.Simplify(b).Predicate(0).Whole()
	both := ir.And{x, y}
	never := func(t *backends.Target) bool {
		found := verify.ApartAt(t, both, ir.False, nil, 1, verify.DefaultBudget)
		return len(found.Events) == 0 && found.Reason == ""
	}
	several := t.World(ir.Text).Several
	switch {
	case ruledOut(x, y, !several):
		return true, false
	case several && ruledOut(x, y, true):
		return true, true
	case never(t):
		return true, false
	}
	one = several && never(t.OneValued())
	return one, one
}

// ruledOut says whether what two rules require of one field contradicts itself, so that it is
// seen at once.
func ruledOut(a, b ir.Expr, single bool) bool {
	for _, x := range ir.Conjuncts(a) {
		for _, y := range ir.Conjuncts(b) {
			of, one := fieldOf(x)
			other, same := fieldOf(y)
			if one && same && of == other && eachRuledOut(ir.Disjuncts(x), ir.Disjuncts(y), single) {
				return true
			}
		}
	}
	return false
}

// maxPairs bounds the values that are compared for it.
const maxPairs = 400

func eachRuledOut(xs, ys []ir.Expr, single bool) bool {
	if len(xs)*len(ys) > maxPairs {
		return false
	}
	for _, x := range xs {
		for _, y := range ys {
			r, _ := ir.Decide(&ir.Rule{Conditions: []ir.Condition{{Expr: ir.And{x, y}}}}, single)
			if or, ok := r.Conditions[0].Expr.(ir.Or); !ok || len(or) > 0 {
				return false
			}
		}
	}
	return true
}

// fieldOf is the field of a test, or of all tests of a choice.
func fieldOf(e ir.Expr) (name string, ok bool) {
	for i, x := range ir.Disjuncts(e) {
		m, is := x.(ir.Match)
		if !is || i > 0 && m.Field.Name != name {
			return "", false
		}
		name = m.Field.Name
	}
	return name, name != ""
}
