package ruletest

import (
	"fmt"
	"time"

	"sigmac/internal/match"
	"sigmac/ir"
)

// noQueries says why the queries of a correlation are not tried here.
const noQueries = "the queries of a correlation are compared with it by verify"

// correlate runs the tests of a correlation: each is a stream, which has to give a hit or
// none.
func (s Suite) correlate(o Options) (out []Case) {
	for _, t := range s.Tests {
		c := Case{Test: t}
		switch {
		case t.Fault != nil:
			c.fail(t.Fault)
		case t.Skip != "":
			c.Status, c.Reason = Skipped, t.Skip
		default:
			s.stream(o, &c)
		}
		out = append(out, c)
		for _, target := range o.Targets {
			out = append(out, Case{Test: t, Target: target.Name, Status: Skipped, Reason: noQueries})
		}
	}
	return out
}

// stream tries the events of a case, whose Matches are the hits.
func (s Suite) stream(o Options, c *Case) {
	rules := match.New(match.Options{AnySource: o.AnySource, MaxEvent: o.MaxEvent})
	if faults := rules.Correlate(o.Correlations.Only(s.Document)); len(faults) > 0 {
		c.fail(faults[0])
		return
	}
	src, err := c.open()
	if err != nil {
		c.fail(&ir.Diagnostic{Path: c.Path, Msg: cause(err)})
		return
	}
	defer src.Close()
	hit := func(hits []match.Hit) {
		for _, h := range hits {
			if h.Doc.Pos != s.Pos || h.Doc.Path != s.Path {
				continue // one that this one names
			}
			if c.Matches++; c.Want == NoMatch {
				c.fail(&ir.Diagnostic{Path: c.Path, Msg: fmt.Sprintf("the correlation hits at %s: %d events since %s",
					time.Unix(0, h.Time).UTC().Format(time.RFC3339Nano), h.Events, time.Unix(0, h.Start).UTC().Format(time.RFC3339Nano))})
			}
		}
	}
	for found, err := range rules.Stream(src) {
		if err != nil {
			c.fail(&ir.Diagnostic{Path: c.Path, Msg: cause(err)})
			return
		}
		c.Events += found.Events
		for _, fault := range found.Faults {
			fault.Path = c.Path
			c.fail(fault)
		}
		hit(found.Hits)
	}
	hit(rules.End())
	switch least := max(c.Least, 1); {
	case c.Events == 0 && c.Status == Passed:
		c.fail(&ir.Diagnostic{Path: c.Path, Msg: "no event in this file"})
	case c.Want != NoMatch && c.Matches < least && c.Status == Passed:
		c.fail(&ir.Diagnostic{Path: c.Path, Msg: fmt.Sprintf("the correlation hits %d times in %d events, and at least %d are wanted", c.Matches, c.Events, least)})
	}
}
