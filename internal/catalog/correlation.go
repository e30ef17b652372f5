package catalog

import (
	"strings"

	"sigmac/ir"
)

// A Correlation is what a page tells of one beside its attributes.
type Correlation struct {
	Type      string       `json:"type"`
	Timespan  string       `json:"timespan"`
	GroupBy   List[string] `json:"group_by"`
	Condition string       `json:"condition"` // in words: `gte 10 of bytes`, or a condition over rules
	Rules     List[Use]    `json:"rules"`     // in the order of the correlation
	Generate  bool         `json:"generate"`  // its rules stand by themselves too
}

// A Use is a document that names another, or is named.
type Use struct {
	Name  string `json:"name"`            // as the correlation calls the rule, or what the correlation is called
	Title string `json:"title,omitempty"` // where the document is known
	Path  string `json:"path,omitempty"`
}

// NewCorrelation is the entry of a correlation as it was parsed. It has no stages: what the
// rules ask for stands on their pages.
func NewCorrelation(path string, c *ir.Correlation) *Entry {
	out := &Correlation{Type: c.Type.Text, Timespan: c.Timespan.Text, Condition: conditionOf(c), Generate: c.Generate}
	for _, g := range c.GroupBy {
		name := g.Text
		for _, a := range c.Aliases {
			if a.Name.Text != g.Text {
				continue
			}
			var of []string
			for _, f := range a.Fields {
				of = append(of, f.Field.Text+" of "+f.Rule.Text)
			}
			name += " (" + strings.Join(of, ", ") + ")"
		}
		out.GroupBy = append(out.GroupBy, name)
	}
	for _, r := range c.Rules {
		out.Rules = append(out.Rules, Use{Name: r.Text})
	}
	return &Entry{Path: path, Rule: factsOf(c.Meta), Attack: CoverageOf(c.Meta.Tags), Correlation: out}
}

// conditionOf is the condition of a correlation in words.
func conditionOf(c *ir.Correlation) string {
	if c.Formula != nil {
		return conditionText(c.Formula, false)
	}
	var limits, fields []string
	for _, l := range c.Condition {
		limits = append(limits, l.Op+" "+string(l.Number))
	}
	for _, f := range c.Fields {
		fields = append(fields, f.Text)
	}
	out := strings.Join(limits, " and ")
	if len(fields) > 0 {
		out += " of " + strings.Join(fields, ", ")
	}
	if c.Percentile != "" {
		out += ", percentile " + string(c.Percentile)
	}
	if out == "" {
		return "all rules"
	}
	return out
}
