package ir

import (
	"slices"
	"strconv"
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

// Holds says whether the comparison is true of a value that is so to its number: less where order
// is below 0, equal where it is 0.
func (l Limit) Holds(order int) bool {
	switch l.Op {
	case "gt":
		return order > 0
	case "gte":
		return order >= 0
	case "lt":
		return order < 0
	case "lte":
		return order <= 0
	case "eq":
		return order == 0
	}
	return order != 0
}

// Rising says whether what hits goes on hitting with more events in its window, and with events of
// more rules.
func (c *Correlation) Rising() bool {
	switch c.Type.Text {
	case "temporal_ordered":
		return true
	case "event_count", "value_count", "temporal":
		return rises(c.Formula) && !slices.ContainsFunc(c.Condition, func(l Limit) bool { return l.Op != "gt" && l.Op != "gte" })
	}
	return false
}

// rises says whether a condition over rules is without `not`.
func rises(e Expr) bool {
	if _, not := e.(Not); not {
		return false
	}
	return e == nil || !slices.ContainsFunc(Parts(e), func(x Expr) bool { return !rises(x) })
}

// Short is the timespan in the largest of days, hours, minutes and seconds that says it.
func (t Timespan) Short() string {
	for _, u := range []struct {
		name string
		of   time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}} {
		if t.Length%u.of == 0 {
			return strconv.FormatInt(int64(t.Length/u.of), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(t.Length/time.Second), 10) + "s"
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
