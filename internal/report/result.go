package report

import (
	"slices"

	"sigmac"
	"sigmac/backends"
	"sigmac/internal/catalog"
	"sigmac/ir"
	"sigmac/parser"
)

// Result is a result in JSON: its queries, or its first error.
func Result(res sigmac.Result) any {
	type fault struct {
		Place
		Code    string `json:"code"` // of ir.Codes, or the id of a check
		Message string `json:"message"`
		Feature string `json:"feature"`
		Item    string `json:"item,omitempty"` // of a pipeline
	}
	type warning struct {
		Place
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	type lookup struct {
		Name string `json:"name"`
		File string `json:"file"`
		CSV  string `json:"csv"`
	}
	type object struct {
		Path        string                 `json:"path"`
		Rule        string                 `json:"rule"`
		Title       string                 `json:"title"`
		Target      string                 `json:"target"`
		Mapping     *Mapping               `json:"mapping,omitempty"`
		Filters     []catalog.Filter       `json:"filters,omitempty"`
		Correlation *Correlation           `json:"correlation,omitempty"`
		Queries     []string               `json:"queries,omitempty"`
		Costs       [][]backends.Condition `json:"costs,omitempty"` // of each query
		Names       []string               `json:"names,omitempty"` // of several queries of a correlation
		Lookups     []lookup               `json:"lookups,omitempty"`
		Types       *map[string]string     `json:"types,omitempty"`
		Losses      *[]Loss                `json:"losses,omitempty"`
		Warnings    []warning              `json:"warnings,omitempty"`
		Error       *fault                 `json:"error,omitempty"`
	}
	d := res.Document
	o := object{Path: d.Path, Rule: d.ID, Title: d.Title, Target: res.Target.Name, Queries: res.Queries, Costs: res.Costs, Mapping: MappingOf(res), Filters: FiltersOf(d), Correlation: CorrelationOf(res)}
	for _, w := range slices.Concat(d.Warnings, res.Mapped.Warnings) {
		o.Warnings = append(o.Warnings, warning{placeIn(d, w), w.Class(), w.Msg})
	}
	if len(res.Errors) > 0 {
		o.Queries, o.Costs = nil, nil
		e := res.Errors[0]
		o.Error = &fault{placeIn(d, e), e.Class(), e.Msg, e.Feature, e.Item}
		return o
	}
	if len(res.Queries) > 1 {
		o.Names = res.Names
	}
	for _, l := range res.Lookups {
		o.Lookups = append(o.Lookups, lookup{l.Name, l.FileName(), string(l.CSV())})
	}
	types := map[string]string{}
	for f, t := range res.Types {
		types[f] = t.String()
	}
	o.Types = &types
	losses := Losses(res)
	o.Losses = &losses
	return o
}

// A Mapping is in JSON how a rule got its pipelines where these are chosen by its log
// source.
type Mapping struct {
	Pipelines string    `json:"pipelines"`         // `a + b`, or empty where none knows the log source
	Refused   []Refusal `json:"refused,omitempty"` // by those before, or by all where the rule has no query
}

// A Refusal is why a rule could not go by pipelines.
type Refusal struct {
	Pipelines string `json:"pipelines"`
	Code      string `json:"code"`
	Message   string `json:"message"`
}

// MappingOf is that of a result, nil where nothing was chosen.
func MappingOf(res sigmac.Result) *Mapping {
	if res.Choice.Pipelines == "" && res.Table == nil {
		return nil
	}
	m := &Mapping{Pipelines: res.Choice.Pipelines}
	for _, r := range res.Choice.Refused {
		m.Refused = append(m.Refused, Refusal{r.Pipelines, r.Reason.Class(), r.Reason.Text()})
	}
	return m
}

// A Correlation says in JSON what the queries of one are made of.
type Correlation struct {
	Type   string           `json:"type"`
	Method string           `json:"method"` // sliding or tumbling
	Rules  []CorrelatedRule `json:"rules"`
}

// A CorrelatedRule is a rule of a Correlation.
type CorrelatedRule struct {
	Name    string           `json:"name"` // as the correlation calls it
	Path    string           `json:"path"`
	Rule    string           `json:"rule"` // its id, or empty
	Title   string           `json:"title"`
	Mapping *Mapping         `json:"mapping,omitempty"`
	Filters []catalog.Filter `json:"filters,omitempty"`
}

// CorrelationOf is that of a result, nil of a rule and where there is no query.
func CorrelationOf(res sigmac.Result) *Correlation {
	if res.Correlation == nil || len(res.Errors) > 0 {
		return nil
	}
	c := &Correlation{Type: res.Correlation.Type.Text, Method: res.Correlation.Method}
	for i, x := range res.Members {
		c.Rules = append(c.Rules, CorrelatedRule{Name: res.Correlation.Rules[i].Name, Path: x.Document.Path, Rule: x.Document.ID, Title: x.Document.Title,
			Mapping: MappingOf(x), Filters: FiltersOf(x.Document)})
	}
	return c
}

// Placed is an error of a result as people read it.
func Placed(res sigmac.Result, e *ir.Diagnostic) string {
	if e.Item == "" {
		return e.Error()
	}
	named := *e
	named.Msg = res.Target.Name + ": " + e.Text()
	return named.Error()
}

// A Place is where something begins and, where that is known, ends, in JSON.
type Place struct {
	Path      string `json:"path,omitempty"` // where it is not that of the rule: of a filter
	Line      int    `json:"line"`
	Column    int    `json:"column"` // from 1, in characters
	EndLine   int    `json:"end_line,omitempty"`
	EndColumn int    `json:"end_column,omitempty"` // of the character behind
}

// PlaceOf is that of a diagnostic.
func PlaceOf(e *ir.Diagnostic) Place {
	return Place{Line: e.Pos.Line, Column: e.Pos.Column, EndLine: e.End.Line, EndColumn: e.End.Column}
}

// placeIn is that of a diagnostic of a document, with its path where that is another.
func placeIn(d *parser.Document, e *ir.Diagnostic) Place {
	p := PlaceOf(e)
	if e.Path != d.Path {
		p.Path = e.Path
	}
	return p
}

// FiltersOf are those that are joined to the rule of a document.
func FiltersOf(d *parser.Document) (out []catalog.Filter) {
	for _, f := range d.Filters {
		out = append(out, catalog.FilterOf(f.Filter))
	}
	return out
}
