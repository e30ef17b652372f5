package report

import (
	"sigmac"
	"sigmac/ir"
)

// Result is a result in JSON: its queries, or its first error.
func Result(res sigmac.Result) any {
	type fault struct {
		Place
		Message string `json:"message"`
		Feature string `json:"feature"`
		Item    string `json:"item,omitempty"` // of a pipeline
	}
	type warning struct {
		Place
		Message string `json:"message"`
	}
	type object struct {
		Path     string             `json:"path"`
		Rule     string             `json:"rule"`
		Title    string             `json:"title"`
		Target   string             `json:"target"`
		Queries  []string           `json:"queries,omitempty"`
		Types    *map[string]string `json:"types,omitempty"`
		Losses   *[]Loss            `json:"losses,omitempty"`
		Warnings []warning          `json:"warnings,omitempty"`
		Error    *fault             `json:"error,omitempty"`
	}
	d := res.Document
	o := object{Path: d.Path, Rule: d.ID, Title: d.Title, Target: res.Target.Name, Queries: res.Queries}
	for _, w := range res.Mapped.Warnings {
		o.Warnings = append(o.Warnings, warning{PlaceOf(w), w.Msg})
	}
	if len(res.Errors) > 0 {
		o.Queries = nil
		e := res.Errors[0]
		o.Error = &fault{PlaceOf(e), e.Msg, e.Feature, e.Item}
		return o
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
	Line      int `json:"line"`
	Column    int `json:"column"` // from 1, in characters
	EndLine   int `json:"end_line,omitempty"`
	EndColumn int `json:"end_column,omitempty"` // of the character behind
}

// PlaceOf is that of a diagnostic.
func PlaceOf(e *ir.Diagnostic) Place {
	return Place{e.Pos.Line, e.Pos.Column, e.End.Line, e.End.Column}
}
