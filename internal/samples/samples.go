// Package samples makes events as a target holds them: such that the query which sigmac writes
// for a rule selects, and near misses. Each is tried on the query, as it is read back, before it
// is given.
package samples

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"sigmac"
	"sigmac/backends"
	"sigmac/eval"
	"sigmac/ir"
	"sigmac/regex"
	"sigmac/verify"
)

// An Event is one as the target holds it, with its time and what says where it is from.
type Event struct {
	Matches bool
	Test    string // of a near miss: the test in which it differs
	Fields  map[string]any
}

// Made are the events of a rule.
type Made struct {
	Events  []Event
	Table   backends.SampleTable
	Queries []ir.Expr      // what the queries say of an event, as they are read back
	Left    int            // tests for which no near miss was sought
	Dropped map[string]int // events that are not given, by the reason
}

// Make makes up to n events that the queries of a result select, and near misses, all of that
// time. The error says why there is none.
func Make(res sigmac.Result, n, budget int, at time.Time) (*Made, error) {
	if res.Correlation != nil {
		return nil, errors.New("streams of a correlation are made in the fields of its rules only, without -t")
	}
	if len(res.Errors) > 0 {
		return nil, res.Errors[0]
	}
	m := &maker{Result: res, at: at}
	if err := m.read(); err != nil {
		return nil, err
	}
	rule, supposed, err := m.rule()
	if err != nil {
		return nil, err
	}
	var out *Made
	alike, copies := unified(rule)
	for _, try := range []struct {
		target *backends.Target
		rule   *ir.Rule
		copies map[string]string
	}{
		{res.Target.OneValued(), rule, nil}, // a field has one value where an event can be had so
		{res.Target, rule, nil},
		{res.Target.OneValued(), alike, copies},
	} {
		found, left, reason := verify.Samples(try.target, try.rule, supposed, n, budget)
		made := &Made{Left: left, Dropped: map[string]int{}, Table: m.table, Queries: m.queries}
		var how wraps
		for _, s := range found {
			for to, from := range try.copies {
				if v, ok := s.Fields[from]; ok {
					s.Fields[to] = v
				}
			}
			ev, why := m.event(s, &how)
			if why != "" {
				made.Dropped[why]++
				continue
			}
			made.Events = append(made.Events, ev)
		}
		if out == nil {
			out = made
		}
		if err = errors.New(reason); made.matches() {
			return made, nil
		}
	}
	if len(out.Dropped) > 0 {
		err = fmt.Errorf("no event that matches can be written: %s", slices.Sorted(maps.Keys(out.Dropped))[0])
	}
	return nil, err
}

// unified is a rule in which fields that are compared are one, with the fields that get the value of
// another.
func unified(r *ir.Rule) (out *ir.Rule, copies map[string]string) {
	copies = map[string]string{}
	name := func(f ir.Field) ir.Field {
		if from, ok := copies[f.Name]; ok {
			f.Name = from
		}
		return f
	}
	r.Walk(func(e ir.Expr) {
		m, _ := e.(ir.Match)
		if ref, ok := m.Test.(ir.FieldRef); ok && name(ref.Other).Name != name(m.Field).Name && copies[ref.Other.Name] == "" {
			copies[ref.Other.Name] = name(m.Field).Name
		}
	})
	return r.Rewrite(func(e ir.Expr) (ir.Expr, bool) {
		m, ok := e.(ir.Match)
		if !ok {
			return e, false
		}
		m.Field = name(m.Field)
		if _, ok := m.Test.(ir.FieldRef); ok {
			return ir.Negation(ir.Match{Field: m.Field, Test: ir.Null{}, Pos: m.Pos}), true
		}
		return m, true
	}), copies
}

func (m *Made) matches() bool {
	return slices.ContainsFunc(m.Events, func(e Event) bool { return e.Matches })
}

// A maker makes the events of a result.
type maker struct {
	sigmac.Result
	at      time.Time
	queries []ir.Expr // as they are read back
	table   backends.SampleTable
	time    string // the column of the time
	// computed are the columns that the rule still tests and events have not, and sources those
	// that the queries compute something of.
	computed, sources []string
	spelt             map[string][]string // by field the texts of tests
}

// schema says of which types columns are: by the rule, else by the tables of the target.
type schema struct {
	ir.Context
	m *maker
}

func (s schema) Type(table, name string) (ir.Type, bool) {
	if t := s.Types[name]; t != ir.Unknown || s.m.Schemas == nil {
		return t, true
	}
	return s.m.Schemas.Type(table, name)
}

// read reads the queries back, and notes the columns that they ask for.
func (m *maker) read() error {
	m.table = backends.SampleTable{Name: m.Want.Scope.Table, Types: map[string]ir.Type{}, Columns: map[string]string{}}
	m.spelt = map[string][]string{}
	for _, query := range m.Queries {
		q, err := m.Target.Read(query, schema{ir.Context{Types: m.Types, Lookups: m.Want.Lookups}, m})
		switch {
		case err != nil:
			return fmt.Errorf("the query cannot be read back: %w", err)
		case q.Where == nil || len(q.Unjudged()) > 0:
			return errors.New("the query does more than filter events")
		}
		e := Whole(q)
		m.queries = append(m.queries, e)
		ir.Walk(e, m.note)
		m.sources = append(m.sources, sourcesOf(e)...)
	}
	times := m.Target.Columns.Times
	for i, name := range times {
		if _, typ := m.column(name); typ != "" || i == len(times)-1 {
			m.time = name
			m.note(ir.Match{Field: ir.Field{Name: name, Type: ir.Date}})
			return nil
		}
	}
	return nil
}

// Whole is what a query asks of an event, with where it looks, as far as a field says that.
func Whole(q *ir.Query) ir.Expr {
	p := q.Predicate()
	e := ir.And{p.Whole()}
	if p.Scope.Category != "" {
		e = append(e, ir.Match{Field: ir.Field{Name: ir.CategoryField, Type: ir.Text}, Test: ir.NewPattern(true, ir.Part{Text: p.Scope.Category})})
	}
	return e
}

// note notes the columns of a test, and how it spells texts.
func (m *maker) note(e ir.Expr) {
	var fields []ir.Field
	switch e := e.(type) {
	case ir.Match:
		fields = append(fields, e.Field)
		switch t := e.Test.(type) {
		case ir.FieldRef:
			fields = append(fields, t.Other)
		case ir.Pattern:
			for _, p := range t.Parts {
				if p.Kind == ir.Literal && p.Text != "" {
					m.spelt[e.Field.Name] = append(m.spelt[e.Field.Name], p.Text)
				}
			}
		}
	case ir.Opaque:
		if e.Of != nil {
			fields = e.Of.Fields
		}
	}
	for _, f := range fields {
		m.table.Types[f.Name] = f.Type
		if column, typ := m.column(f.Name); typ != "" {
			m.table.Columns[column] = typ
		}
	}
}

// column is the column of a field, with its type at the target; empty where no schema knows it.
func (m *maker) column(field string) (column, typ string) {
	if m.Schemas == nil {
		return "", ""
	}
	return m.Schemas.Column(m.Want.Scope, m.first(), field)
}

// first is the schema that a pipeline says is to be asked first.
func (m *maker) first() string {
	if m.Mapped.Trace == nil {
		return ""
	}
	name, _ := m.Mapped.Trace.State["schema"].(string)
	return name
}

// rule is what the queries are to mean, over the columns that events have, with where they look.
func (m *maker) rule() (rule *ir.Rule, supposed ir.Expr, err error) {
	joined := m.Want.Joined()
	defined, err := m.Target.Define(joined)
	if err != nil {
		return nil, nil, err
	}
	expanded, _, _ := defined.Expand(Whole(&ir.Query{Scope: m.Want.Scope, Where: joined.Conditions[0].Expr}))
	all, _ := defined.Supposed(expanded)
	r := *joined
	r.Conditions = slices.Clone(joined.Conditions)
	r.Conditions[0].Expr = expanded
	r.Walk(m.note)
	for _, c := range m.Want.Computed {
		if tests(expanded, c.Name) {
			m.computed = append(m.computed, c.Name)
		}
		delete(m.table.Types, c.Name)
	}
	return &r, all, nil
}

// event is a sample as the target holds it, or why there is none.
func (m *maker) event(s verify.Sample, how *wraps) (ev Event, fault string) {
	if len(m.computed) == 0 {
		return m.written(s)
	}
	if *how != nil {
		switch ev, fault = m.written(m.as(s, *how)); {
		case fault == "":
			return ev, ""
		case !s.Matches && slices.ContainsFunc(m.computed, func(name string) bool { return s.Fields[name] != nil }):
			return ev, "a near miss of a column that is computed, for which no value is found"
		case !s.Matches:
			return ev, fault
		}
	}
	if !s.Matches {
		return ev, "a column that is computed, of which no value is known"
	}
	found, w, ok := m.invert(s, func(s verify.Sample) bool {
		_, fault := m.written(s)
		return fault == ""
	})
	if !ok {
		return ev, "a column that is computed, for which no value is found"
	}
	if *how == nil {
		*how = w
	}
	return m.written(found)
}

// tests says whether e tests a field.
func tests(e ir.Expr, name string) (found bool) {
	ir.Walk(e, func(e ir.Expr) {
		match, ok := e.(ir.Match)
		found = found || ok && match.Field.Name == name
	})
	return found
}

// written is a sample as the target holds it, with texts spelt as in tests where that makes no
// difference, or why there is none.
func (m *maker) written(s verify.Sample) (Event, string) {
	ev := Event{Matches: s.Matches, Test: s.Test, Fields: map[string]any{}}
	try := func(respelt bool) (fault string) {
		clear(ev.Fields)
		for _, name := range slices.Sorted(maps.Keys(s.Fields)) {
			v := s.Fields[name]
			if respelt {
				v = m.respell(name, v)
			}
			if fault := m.set(ev.Fields, name, v); fault != "" {
				return fault
			}
		}
		if _, own := ev.Fields[m.time]; !own && m.time != "" {
			ev.Fields[m.time] = m.Target.Columns.Time(m.at)
		}
		return m.judge(ev)
	}
	if whole, is := s.Fields[wholeText]; is && m.Target.KeywordField() == "" {
		// No column has the text of the whole event, which some column is to hold.
		s.Fields = maps.Clone(s.Fields)
		delete(s.Fields, wholeText)
		if try(true) == "" {
			return ev, ""
		}
		s.Fields[m.spare()] = whole
	}
	fault := try(true)
	if fault != "" {
		fault = try(false)
	}
	return ev, fault
}

// wholeText is what a sample calls the text of the whole event.
const wholeText = "_raw"

// spare is a column of texts that no test is about.
func (m *maker) spare() string {
	if m.Schemas != nil {
		for _, name := range m.Schemas.Texts(m.Want.Scope, m.first()) {
			if _, tested := m.table.Columns[name]; !tested {
				return name
			}
		}
	}
	return wholeText
}

// respell is a value with texts as tests spell them.
func (m *maker) respell(name string, v any) any {
	text, ok := v.(string)
	if !ok {
		return v
	}
	for _, s := range m.spelt[name] {
		if i := strings.Index(regex.Fold(text), regex.Fold(s)); i >= 0 && len(regex.Fold(text)) == len(text) && len(regex.Fold(s)) == len(s) {
			text = text[:i] + s + text[i+len(s):]
		}
	}
	return text
}

// set gives a field a value in the column where it stands.
func (m *maker) set(fields map[string]any, name string, v any) (fault string) {
	column, _ := m.column(name)
	if rest := strings.TrimPrefix(name, column); column != "" && rest != "" {
		return place(fields, column, rest, v)
	}
	if _, taken := fields[name]; taken {
		return "two values in the column " + name
	}
	fields[name] = v
	return ""
}

// place puts a value into what a column holds, at a path such as .a.b.
func place(fields map[string]any, column, path string, v any) (fault string) {
	for {
		at := strings.IndexByte(path[1:], '.') + 1
		inner, ok := fields[column].(map[string]any)
		switch {
		case path[0] != '.' || strings.ContainsRune(path, '['):
			return "a place in a list, which no event of a rule has"
		case fields[column] != nil && !ok:
			return "the column " + column + " as a text and as an object"
		case !ok:
			inner = map[string]any{}
			fields[column] = inner
		}
		if at == 0 {
			if _, taken := inner[path[1:]]; taken {
				return "two values in the column " + column
			}
			inner[path[1:]] = v
			return ""
		}
		fields, column, path = inner, path[1:at], path[at:]
	}
}

// judge says in what an event is not as it says: of the queries, and of the types of its columns.
func (m *maker) judge(ev Event) (fault string) {
	is, err := eval.NewEvent(ev.Fields)
	if err != nil {
		return err.Error()
	}
	selected, known := false, true
	for _, q := range m.queries {
		holds, sure := eval.Settled(q, is)
		selected, known = selected || holds && sure, known && sure
	}
	switch {
	case !selected && !known:
		return "whether the query selects it is not known"
	case selected && !ev.Matches:
		return "a near miss that the query selects"
	case !selected && ev.Matches:
		return "the query does not select it"
	}
	for _, form := range m.Target.Samples {
		if _, err := form.Write([]map[string]any{ev.Fields}, m.table); err != nil {
			return err.Error()
		}
	}
	return ""
}
