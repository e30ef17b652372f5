package ir

import (
	"slices"
	"time"
)

// A Name is a name in a document with its place.
type Name struct {
	Text string
	Pos  Pos
}

// A Correlation relates the events of several rules (correlation
// specification 2.1.0; value_median and Formula as pySigma has them).
type Correlation struct {
	Meta       Meta
	Type       Name
	Rules      []Name // ids or names; without an attribute rules, those of Formula
	GroupBy    []Name
	Timespan   Timespan
	Condition  []Limit // all hold; none where Formula is, or all rules are wanted
	Formula    Expr    // of a temporal correlation: Ref and Of over Rules, each "has an event", or nil
	Fields     []Name  // of the condition: what is counted, summed, …
	Percentile Number  // of the condition, above 0 and up to 100; of value_percentile only
	Aliases    []Alias
	Generate   bool // the rules are wanted as queries of their own too
	Pos        Pos
}

// A Timespan is a length of time as it is written.
type Timespan struct {
	Name   // a number and one of s, m, h, d, w
	Length time.Duration
}

// A Limit is one comparison of a correlation's condition.
type Limit struct {
	Op     string // gt gte lt lte eq neq
	Number Number
	Pos    Pos
}

// An Alias gives fields of several rules one name.
type Alias struct {
	Name   Name
	Fields []AliasField
}

// An AliasField is the field that an Alias stands for in one rule.
type AliasField struct{ Rule, Field Name }

// A Filter is a condition that is added to other rules (filter specification
// 2.1.0).
type Filter struct {
	Meta       Meta
	Source     LogSource
	Rules      []Name // ids or names; none: every rule of the log source
	Detections []Detection
	Conditions []Condition // one
	Pos        Pos
	Path       string // of its file
	Text       []byte // of the whole file
}

// FieldOf is the field that stands for a name of the correlation in the events of one of
// its rules, which is called by these names: that of the alias, or the name itself.
func (c *Correlation) FieldOf(name string, called ...string) string {
	for _, a := range c.Aliases {
		if a.Name.Text != name {
			continue
		}
		for _, f := range a.Fields {
			if slices.Contains(called, f.Rule.Text) {
				return f.Field.Text
			}
		}
	}
	return name
}
