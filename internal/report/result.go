package report

import (
	"errors"
	"fmt"

	"sigmac"
	"sigmac/backends"
	"sigmac/ir"
	"sigmac/pipeline"
)

// Result is a result in JSON: its queries, or its first error.
func Result(res sigmac.Result) any {
	type fault struct {
		Line    int    `json:"line"`
		Column  int    `json:"column"`
		Message string `json:"message"`
		Feature string `json:"feature"`
		Item    string `json:"item,omitempty"` // of a pipeline
	}
	type warning struct {
		Line    int    `json:"line"`
		Column  int    `json:"column"`
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
		o.Warnings = append(o.Warnings, warning{w.Pos.Line, w.Pos.Column, w.Msg})
	}
	if len(res.Errors) > 0 {
		o.Queries = nil
		o.Error = &fault{Message: res.Errors[0].Error()}
		var pos ir.Pos
		if e := (*ir.Diagnostic)(nil); errors.As(res.Errors[0], &e) {
			pos, o.Error.Message, o.Error.Feature = e.Pos, e.Msg, e.Feature
		}
		if e := (*backends.Unsupported)(nil); errors.As(res.Errors[0], &e) {
			pos, o.Error.Feature = e.Pos, e.Feature
		}
		if e := (*pipeline.Error)(nil); errors.As(res.Errors[0], &e) {
			pos, o.Error.Message, o.Error.Item = e.Pos, e.Msg, e.Item
			if e.Refusal {
				o.Error.Feature = "what the pipeline refuses"
			}
		}
		o.Error.Line, o.Error.Column = pos.Line, pos.Column
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
func Placed(res sigmac.Result, err error) string {
	path := res.Document.Path
	switch e := err.(type) {
	case *ir.Diagnostic:
		return e.Error()
	case *backends.Unsupported:
		return fmt.Sprintf("%s:%d:%d: %s", path, e.Pos.Line, e.Pos.Column, e)
	case *pipeline.Error:
		return fmt.Sprintf("%s:%d:%d: %s: %s (%s)", path, e.Pos.Line, e.Pos.Column, res.Target.Name, e.Msg, e.Item)
	}
	return path + ": " + err.Error()
}

// ErrorText is an error without its place.
func ErrorText(err error) string {
	switch e := err.(type) {
	case *ir.Diagnostic:
		return e.Msg
	case *pipeline.Error:
		return e.Msg
	case *backends.ReadError:
		return "the query cannot be read: " + e.Msg
	}
	return err.Error()
}
