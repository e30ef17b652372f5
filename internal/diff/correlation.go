package diff

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"sigmac/internal/link"
	"sigmac/internal/streams"
	"sigmac/ir"
	"sigmac/parser"
)

// A direction is what a change of one part of a correlation can do to its hits.
type direction struct{ gains, loses bool }

func (d direction) and(e direction) direction {
	return direction{d.gains || e.gains, d.loses || e.loses}
}

// correlations compares two correlations, whose names lead to documents in the versions of
// both. A stream that only one of them hits is an example, in the form {"events": […]}. Where
// the change of each part is known to go one way, so does the whole.
func (c *Change) correlations(o Options) {
	was, is := c.Old.Correlation, c.New.Correlation
	alike := sameBody(c.Old, c.New)
	old, knownOld := o.Old.Named(c.Old)
	new, knownNew := o.New.Named(c.New)
	dir, reason := direction{}, ""
	if !alike {
		dir = partsOf(was, is)
	}
	if knownOld && knownNew && slices.EqualFunc(was.Rules, is.Rules, func(a, b ir.Name) bool { return a.Text == b.Text }) {
		for i := range old {
			inner := Compare(old[i], new[i], o)
			if inner.Kind == Equal {
				continue
			}
			reason = fmt.Sprintf("of its rule %q, which changed", was.Rules[i].Text)
			if more := (direction{inner.Kind.Gains(), inner.Kind.Loses()}); is.Rising() {
				dir = dir.and(more)
			} else {
				dir = direction{true, true}
			}
		}
	}
	if dir == (direction{}) {
		c.Kind = Equal
		return
	}
	if knownOld && knownNew {
		c.NewlyMatched = onlyOf(c.New, o.New, c.Old, o.Old, o)
		c.NoLongerMatched = onlyOf(c.Old, o.Old, c.New, o.New, o)
	}
	switch gains, loses := len(c.NewlyMatched) > 0, len(c.NoLongerMatched) > 0; {
	case gains && loses:
		c.Kind = Both
	case !dir.loses:
		c.Kind = Wider
	case !dir.gains:
		c.Kind = Narrower
	default:
		c.Kind = Unknown
		if reason == "" {
			reason = "what the change does to all streams of events is not known"
		}
	}
	c.Reason = reason
}

// onlyOf is a stream that hits one correlation and not the other, as an example.
func onlyOf(d *parser.Document, cs *link.Correlations, other *parser.Document, others *link.Correlations, o Options) []map[string]any {
	made, _, err := streams.Make(d, cs, o.Budget)
	if err != nil {
		return nil
	}
	if hits, err := streams.Hits(other, others, made[0].Events); err != nil || hits {
		return nil
	}
	var events []map[string]any
	for _, e := range made[0].Events {
		events = append(events, streams.WithTime(e, "@timestamp", func(t time.Time) any { return t.Format(time.RFC3339Nano) }))
	}
	return []map[string]any{{"events": events}}
}

// partsOf is what a change of the parts of a correlation does: of its timespan, its limits, and
// its group. Any other may do both.
func partsOf(was, is *ir.Correlation) direction {
	a, b := *was, *is
	var d direction
	if a.Timespan.Length != b.Timespan.Length && was.Rising() && is.Rising() {
		d = d.and(direction{b.Timespan.Length > a.Timespan.Length, b.Timespan.Length < a.Timespan.Length})
		a.Timespan = b.Timespan
	}
	if len(a.Condition) == len(b.Condition) {
		limits := slices.Clone(a.Condition)
		for i, l := range limits {
			m := b.Condition[i]
			if l.Op != m.Op {
				continue
			}
			if way := m.Number.Cmp(l.Number); way != 0 {
				switch l.Op {
				case "gt", "gte":
					d = d.and(direction{way < 0, way > 0})
				case "lt", "lte":
					d = d.and(direction{way > 0, way < 0})
				default:
					d = direction{true, true}
				}
			}
			limits[i].Number = m.Number
		}
		a.Condition = limits
	}
	if fewer, more := among(b.GroupBy, a.GroupBy), among(a.GroupBy, b.GroupBy); was.Rising() && is.Rising() && fewer != more {
		// Of a coarser group, a window has all events of the finer one, and more.
		d = d.and(direction{fewer, more})
		a.GroupBy = b.GroupBy
	}
	a.Generate, b.Generate = false, false
	a.Timespan.Name, b.Timespan.Name = ir.Name{}, ir.Name{}
	if !sameBody(&parser.Document{Correlation: &a}, &parser.Document{Correlation: &b}) {
		return direction{true, true}
	}
	return d
}

// among says whether all of some names are among others.
func among(names, others []ir.Name) bool {
	return !slices.ContainsFunc(names, func(n ir.Name) bool {
		return !slices.ContainsFunc(others, func(m ir.Name) bool { return n.Text == m.Text })
	})
}

// correlationOf are the parts of a correlation as attributes, those that changed.
func correlationOf(old, new *ir.Correlation) (out []Attribute) {
	add := func(name, was, is string) {
		if was != is {
			out = append(out, Attribute{name, was, is})
		}
	}
	names := func(ns []ir.Name) string {
		var out []string
		for _, n := range ns {
			out = append(out, n.Text)
		}
		return strings.Join(out, ", ")
	}
	limits := func(c *ir.Correlation) string {
		if c.Formula != nil {
			return c.Formula.String()
		}
		var out []string
		for _, l := range c.Condition {
			out = append(out, l.Op+" "+string(l.Number))
		}
		return strings.Join(out, ", ")
	}
	add("type", old.Type.Text, new.Type.Text)
	add("rules", names(old.Rules), names(new.Rules))
	add("timespan", old.Timespan.Text, new.Timespan.Text)
	add("group-by", names(old.GroupBy), names(new.GroupBy))
	add("condition", limits(old), limits(new))
	add("generate", fmt.Sprint(old.Generate), fmt.Sprint(new.Generate))
	return out
}
