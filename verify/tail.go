package verify

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"sigmac/backends"
	"sigmac/ir"
	"sigmac/tail"
)

// A Sense is in which sense queries are to find the hits of a correlation.
type Sense uint8

// The senses.
const (
	EveryHit Sense = iota // they find its hits, and nothing else
	AnyHit                // what they find are hits, and each hit has one that they find in its window
)

// TailOptions say how queries are compared with a correlation.
type TailOptions struct {
	Sense    Sense
	Unmapped []string // fields that no event has
	Budget   int      // of steps, for what is asked of single events
	Streams  int      // that are tried at most; 0: DefaultStreams
	// Argued: the queries are as sigmac writes them, for which docs/semantics.md has an
	// argument. What agrees up to the bound is then Proved, with the assumption tail-form.
	Argued bool
}

// DefaultStreams are tried in half a second.
const DefaultStreams = 60_000

// A Stream is events in the order in which they arrived, in which a correlation and its
// queries find something else.
type Stream struct {
	Events []StreamEvent
	Rule   []StreamHit // of the correlation, by time and group
	Query  []StreamHit
}

// A StreamEvent is an event of a Stream.
type StreamEvent struct {
	Time   time.Time
	Fields map[string]any // without that of the time
	Rules  []string       // that select it
}

// A StreamHit is a hit in a Stream, with the group by the names of the correlation. What the query
// does not say is nil, and the zero time.
type StreamHit struct {
	Group map[string]any
	Time  time.Time
}

// Tail says whether queries, as they are read back, find together the hits of a correlation
// whose rules are typed and inlined. It tries streams of events: up to a bound, of
// which Limits says what it was, the queries are Bounded; they are Proved where they have
// a form for which there is an argument too. A difference refutes them, with the shortest
// stream in which it was seen. The error is an *ir.Diagnostic with a Feature, for what is not judged.
func Tail(b *backends.Target, c *backends.Correlation, queries []*tail.Query, o TailOptions) (Result, error) {
	budget := o.Budget
	p, err := predicatesOf(b, c, queries, o, &budget)
	if err != nil {
		return Result{}, err
	}
	t, err := newTrial(p, c, queries, o)
	if err != nil {
		return Result{}, err
	}
	var res Result
	found, tried := t.search()
	for t.failed == again {
		t.failed, t.tried, t.work = nil, 0, 0
		t.choose()
		found, tried = t.search()
	}
	switch {
	case found != nil:
		res = t.refuted(found)
	case t.failed != nil:
		return Result{}, t.failed
	case t.unsure:
		return Result{}, notJudged(c.Pos, "queries that differ for events of which it is not known whether there are such")
	case !t.hits[0] || !t.hits[1]:
		return Result{}, notJudged(c.Pos, "a correlation that does not hit in streams of so few events as are tried (%d streams)", t.tried)
	default:
		res = Result{Verdict: Bounded, Reason: fmt.Sprintf("no difference in %d streams of events", t.tried),
			Events: t.tried, Limits: slices.Concat(p.limits, t.said(), tried)}
		if f := recognised(t, o.Sense); f != nil {
			res.Verdict, res.Reason, res.Limits = Proved, "", nil
			res.Assumptions = append(res.Assumptions, f.assumptions...)
		} else if o.Argued {
			res.Verdict, res.Reason, res.Limits = Proved, "", nil
			res.Assumptions = append(res.Assumptions, "tail-form")
		}
	}
	for _, r := range c.Rules {
		e := r.Rule.Conditions[0].Expr
		res.Losses = append(res.Losses, losses(b, e)...)
		res.Assumptions = append(res.Assumptions, assumptions(b, e, nil, p.assumed)...)
	}
	for _, q := range queries {
		res.Assumptions = append(res.Assumptions, q.Assumptions...)
	}
	slices.Sort(res.Assumptions)
	res.Assumptions = slices.Compact(res.Assumptions)
	return res, nil
}

// ReadTails reads queries of a correlation, whose columns have these types, and whose rules
// are mapped to the target. The error is an *ir.Diagnostic of a place in one of them.
func ReadTails(b *backends.Target, types map[string]ir.Type, rules []*ir.Rule, queries []string) ([]*tail.Query, error) {
	s := typing{Context: ir.Context{Types: types}}
	for _, r := range rules {
		s.Lookups = append(s.Lookups, r.Lookups...)
		for _, c := range r.Computed {
			if !slices.Contains(s.computed, c) {
				s.computed = append(s.computed, c)
			}
		}
	}
	out := make([]*tail.Query, len(queries))
	for i, q := range queries {
		var err error
		if out[i], err = b.ReadTail(q, s); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// said is what the rows of the queries do not say, as limits.
func (t *trial) said() (out []string) {
	if t.coarse[0] && len(t.c.Group) > 0 {
		out = append(out, "the queries do not say which group hits")
	}
	if t.coarse[1] {
		out = append(out, "the queries do not say when a group hits")
	}
	if t.sense == AnyHit {
		out = append(out, "of the hits of a group within one timespan one is found")
	}
	return out
}

// refuted is the verdict that a stream gives.
func (t *trial) refuted(stream []event) Result {
	stream = t.shorten(stream)
	wider, narrower := t.differ(stream)
	got, groups, times := t.got(stream)
	out := &Stream{Rule: t.shown(t.want(stream), true, true), Query: t.shown(got, groups, times)}
	for _, e := range stream {
		x := StreamEvent{Time: time.Unix(0, e.at).UTC(), Fields: t.fieldsOf(e.event)}
		for i, name := range t.names {
			if e.kind.rules.has(i) {
				x.Rules = append(x.Rules, name)
			}
		}
		out.Events = append(out.Events, x)
	}
	direction := "both"
	switch {
	case !narrower:
		direction = "wider"
	case !wider:
		direction = "narrower"
	}
	return Result{Verdict: Refuted, Direction: direction, Stream: out, Events: t.tried,
		Construct: &Construct{Name: t.c.Type.Text, Pos: t.c.Type.Pos}}
}

// shown are hits by time and group.
func (t *trial) shown(hits map[at]bool, groups, times bool) (out []StreamHit) {
	all := make([]at, 0, len(hits))
	for h := range hits {
		all = append(all, h)
	}
	slices.SortFunc(all, func(a, b at) int { return cmp.Or(cmp.Compare(a.time, b.time), strings.Compare(a.group, b.group)) })
	for _, h := range all {
		var s StreamHit
		if groups {
			s.Group = t.tuple[h.group]
		}
		if times {
			s.Time = time.Unix(0, h.time).UTC()
		}
		out = append(out, s)
	}
	return out
}

// TailRules says of each rule of a correlation whether the queries ask for it: Proved,
// alone or among others, else Refuted with an event on which the nearest of their tests
// answers otherwise.
func TailRules(b *backends.Target, c *backends.Correlation, queries []*tail.Query, o TailOptions) ([]Result, error) {
	budget := o.Budget
	p, err := predicatesOf(b, c, queries, o, &budget)
	if err != nil {
		return nil, err
	}
	out := make([]Result, len(p.rules))
	for i := range p.rules {
		out[i] = p.rule(i, c.Rules[i])
	}
	return out, nil
}

// rule is the verdict on one rule.
func (p *predicates) rule(i int, r backends.CorrelatedRule) Result {
	if slices.ContainsFunc(p.tests, func(t asked) bool { return t.of.has(i) }) {
		return Result{Verdict: Proved}
	}
	var best *Result
	for j, t := range p.tests {
		if t.named() {
			continue
		}
		var wider, narrower *sortOf // events that just one of the two takes
		for _, k := range p.kinds {
			switch is := k.tests.has(j); {
			case k.event == nil:
			case is && k.rules == 0 && wider == nil:
				wider = k
			case !is && k.rules.has(i) && narrower == nil:
				narrower = k
			}
		}
		if wider == nil && narrower == nil {
			continue
		}
		res := &Result{Verdict: Refuted, Construct: &Construct{Name: r.Name}}
		switch {
		case narrower == nil:
			res.Direction, res.QueryMatches, res.Counterexample = "wider", true, p.fieldsOf(wider.event)
		case wider == nil:
			res.Direction, res.RuleMatches, res.Counterexample = "narrower", true, p.fieldsOf(narrower.event)
		default:
			res.Direction, res.RuleMatches, res.Counterexample = "both", true, p.fieldsOf(narrower.event)
		}
		if best == nil || best.Direction == "both" && res.Direction != "both" {
			best = res
		}
	}
	if best != nil {
		return *best
	}
	for _, k := range p.kinds {
		if k.rules.has(i) && k.event != nil {
			return Result{Verdict: Refuted, Direction: "both", RuleMatches: true, Construct: &Construct{Name: r.Name}, Counterexample: p.fieldsOf(k.event)}
		}
	}
	return Result{Verdict: Agreed, Reason: "no event of the rule is known"}
}
