package eval

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sigmac/ir"
)

// An Explanation says why a rule, or a part of one, is true of an event or is
// not: what it is made of, down to the tests and the values that they saw.
type Explanation struct {
	Kind    string        `json:"kind"` // rule, condition, and, or, not, of, detection, field, keywords or test
	Name    string        `json:"name,omitempty"`
	Matched bool          `json:"matched"`
	Path    string        `json:"path,omitempty"` // of the filter in which this and its parts stand
	Line    int           `json:"line,omitempty"` // in the rule, or the filter
	Column  int           `json:"column,omitempty"`
	Values  []any         `json:"values,omitempty"`  // of a test: those that passed, or all
	Missing bool          `json:"missing,omitempty"` // of a test: the event has no such field
	Parts   []Explanation `json:"parts,omitempty"`
}

// MaxShown is how many characters of a value an Explanation has, and how many
// values.
const (
	MaxShown  = 400
	maxValues = 20
)

// Explain explains a rule. As for Rule, nothing of it may be Unevaluable.
func Explain(r *ir.Rule, ev Event) Explanation {
	out := Explanation{Kind: "rule", Name: r.Meta.Title}
	for _, c := range r.Conditions {
		x := Explanation{Kind: "condition", Name: strings.Join(strings.Fields(c.Text), " "), Line: c.Pos.Line, Column: c.Pos.Column,
			Parts: []Explanation{explain(r, c.Expr, ev, ir.Item{})}}
		x.Matched = x.Parts[0].Matched
		out.Matched = out.Matched || x.Matched
		out.Parts = append(out.Parts, x)
	}
	return out
}

// explain explains e, which stands in the given item of a detection.
func explain(r *ir.Rule, e ir.Expr, ev Event, in ir.Item) Explanation {
	out := Explanation{Matched: Expr(r, e, ev)}
	parts := func(kind string, es ...ir.Expr) Explanation {
		out.Kind = kind
		for _, x := range es {
			out.Parts = append(out.Parts, explain(r, x, ev, in))
		}
		return out
	}
	switch e := e.(type) {
	case ir.And:
		return parts("and", e...)
	case ir.Or:
		return parts("or", e...)
	case ir.Not:
		return parts("not", e.X)
	case ir.Ref:
		out.Name = e.Name
		for _, d := range r.Detections {
			if d.Name == e.Name && d.Filter != nil {
				out.Path = d.Filter.Path
			}
		}
		return parts("detection", detection(r, e.Name))
	case ir.Of:
		out.Name = "1 of " + e.Pattern
		if e.All {
			out.Name = "all of " + e.Pattern
		}
		var refs []ir.Expr
		for _, name := range e.Names {
			refs = append(refs, ir.Ref{Name: name})
		}
		return parts("of", refs...)
	case ir.Item:
		in = e
		out.Line, out.Column = e.Span.Start.Line, e.Span.Start.Column
		kind := "field"
		out.Name = e.Field.Name
		if out.Name == "" {
			kind = "keywords"
		}
		for _, m := range e.Mods {
			out.Name += "|" + m.Name
		}
		return parts(kind, e.X)
	case ir.Match:
		out.Line, out.Column = e.Pos.Line, e.Pos.Column
		values, present := ev.Field(e.Field.Name)
		out.Missing = !present
		out.saw(written(in, e.Pos, e.Test), e.Test, values, ev)
	case ir.Keyword:
		out.Line, out.Column = e.Pos.Line, e.Pos.Column
		values := []any{ev.raw}
		if out.Matched && !passes(e.Test, ev.raw, ev) {
			values = nil
			anyText(ev.fields, func(v any) bool {
				values = append(values, v)
				return false
			})
		}
		out.saw(written(in, e.Pos, e.Test), e.Test, values, ev)
	}
	return out
}

// saw makes out a test.
func (out *Explanation) saw(name string, t ir.Test, values []any, ev Event) {
	out.Kind, out.Name = "test", name
	_, null := t.(ir.Null)
	_, exists := t.(ir.Exists)
	for _, v := range values {
		if len(out.Values) == maxValues {
			out.Values = append(out.Values, "…")
			break
		}
		if !out.Matched || null || exists || passes(t, v, ev) {
			out.Values = append(out.Values, shown(v))
		}
	}
}

// written is the value that stands at a place of an item, or what the test
// prints as.
func written(in ir.Item, pos ir.Pos, t ir.Test) string {
	i := slices.IndexFunc(in.Raw, func(s ir.Scalar) bool { return s.Pos == pos && pos != ir.Pos{} })
	switch {
	case i < 0:
		return cut(t.String())
	case in.Raw[i].Kind == ir.ScalarNull:
		return "null"
	case in.Raw[i].Kind == ir.ScalarString:
		return quote(cut(in.Raw[i].Text))
	}
	return cut(in.Raw[i].Text)
}

// shown is a value, cut where it is long; an object is its JSON.
func shown(v any) any {
	switch v := v.(type) {
	case string:
		return cut(v)
	case map[string]any:
		text, err := json.Marshal(v)
		if err != nil {
			return fmt.Sprintf("%T", v)
		}
		return cut(string(text))
	}
	return v
}

// quote keeps the backslashes of paths as they are.
func quote(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return !strconv.IsPrint(r) || r == '\'' }) {
		return strconv.Quote(s)
	}
	return "'" + s + "'"
}

func cut(s string) string {
	n := 0
	for i := range s {
		if n == MaxShown {
			return s[:i] + "…"
		}
		n++
	}
	return s
}

// Text is the tree as lines: + before what is true, - before what is not.
func (x Explanation) Text(indent string) string {
	var b strings.Builder
	for _, c := range x.Parts {
		c.write(&b, indent)
	}
	return b.String()
}

func (x Explanation) write(b *strings.Builder, indent string) {
	sign := "-"
	if x.Matched {
		sign = "+"
	}
	line, parts := x.label(), x.Parts
	// A part that only groups or tests is told on the same line.
	if len(parts) == 1 && x.Kind != "not" && x.Kind != "of" {
		switch only := parts[0]; only.Kind {
		case "test":
			line, parts = line+": "+only.label(), nil
		case "and", "or":
			if parts = only.Parts; x.Kind != "condition" && len(parts) != 1 {
				line += ": " + only.label()
			}
		}
	}
	b.WriteString(indent + sign + " " + line + "\n")
	for _, p := range parts {
		p.write(b, indent+"  ")
	}
}

// label is what x itself says.
func (x Explanation) label() string {
	switch x.Kind {
	case "and":
		return "all of"
	case "or":
		return "one of"
	case "not":
		return "not"
	case "keywords":
		return x.Kind + x.Name
	case "test":
		return x.Name + x.values()
	}
	return x.Name
}

// values is what a test saw.
func (x Explanation) values() string {
	switch {
	case x.Missing:
		return " -- no such field"
	case len(x.Values) == 0:
		return " -- null"
	}
	var texts []string
	for _, v := range x.Values {
		if s, ok := v.(string); ok {
			v = quote(s)
		}
		texts = append(texts, fmt.Sprint(v))
	}
	return " -- " + strings.Join(texts, ", ")
}
