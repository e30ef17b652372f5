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
	// based: both sides are taken to the columns that computed ones are computed of.
	based bool
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
	res, _, err := compareTail(b, c, queries, o)
	if err != nil || res.Verdict != Refuted {
		return res, err
	}
	defined, several, err := computedOf(b, c)
	if err != nil || len(defined) == 0 {
		return res, err
	}
	// A computed column and those that it is computed of were taken for independent.
	if several != "" {
		return Result{}, notJudged(c.Pos, "the column %s, which rules compute in two ways", several)
	}
	o.based = true
	res, p, err := compareTail(b, c, queries, o)
	if err == nil && res.Verdict == Refuted && len(p.left) > 0 {
		return Result{}, notJudged(c.Pos, "a test of %s, which could not be followed to the columns that it is computed of", p.left[0])
	}
	return res, err
}

// computedOf are the columns that the rules of a correlation test and that their queries
// compute; several is one that is computed in two ways, or not by all of them.
func computedOf(b *backends.Target, c *backends.Correlation) (texts map[string]string, several string, err error) {
	texts = map[string]string{}
	for _, r := range c.Rules {
		d, err := b.Define(r.Rule)
		if err != nil {
			return nil, "", err
		}
		for _, x := range r.Rule.Computed {
			if _, tested := d.Terms[x.Name]; tested {
				texts[x.Name] = x.Text
			}
		}
	}
	for _, r := range c.Rules {
		for name, x := range columnsOf(r) {
			if text, computed := texts[name]; computed && text != x.text {
				several = max(several, name)
			}
		}
	}
	return texts, several, nil
}

// compareTail is Tail for one way to take computed columns, and what was asked of events.
func compareTail(b *backends.Target, c *backends.Correlation, queries []*tail.Query, o TailOptions) (Result, *predicates, error) {
	budget := o.Budget
	p, err := predicatesOf(b, c, queries, o, &budget)
	if err != nil {
		return Result{}, nil, err
	}
	t, err := newTrial(p, c, queries, o)
	if err != nil {
		return Result{}, nil, err
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
		return Result{}, nil, t.failed
	case t.unsure:
		return Result{}, nil, notJudged(c.Pos, "queries that differ for events of which it is not known whether there are such")
	case !t.hits[0] || !t.hits[1]:
		return Result{}, nil, notJudged(c.Pos, "a correlation that does not hit in streams of so few events as are tried (%d streams)", t.tried)
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
	return res, p, nil
}

// Tails is Tail for the texts of queries. In a language whose
// optional fields may be mapped by no index, the tests of the queries have to say the
// same of an event in every choice of these, or the queries are compared in that choice too. The
// error is an *ir.Diagnostic: without a Feature of a place in one of the texts.
func Tails(b *backends.Target, c *backends.Correlation, texts []string, o TailOptions) (Result, error) {
	s, err := typingOfAll(c)
	if err != nil {
		return Result{}, err
	}
	var optional []string
	read := func(unmapped []string) (out []*tail.Query, err error) {
		s.unmapped = unmapped
		for _, text := range texts {
			q, err := b.ReadTail(text, s)
			if err != nil {
				return nil, err
			}
			out = append(out, q)
		}
		return out, nil
	}
	queries, err := read(nil)
	if err != nil {
		return Result{}, err
	}
	res, err := Tail(b, c, queries, o)
	if err != nil || res.Verdict == Refuted || b.ReadOptional == nil {
		return res, err
	}
	for _, text := range texts {
		q, err := b.ReadOptional(text)
		if err != nil {
			return Result{}, err
		}
		optional = append(optional, q.Names...)
	}
	slices.Sort(optional)
	optional = slices.Compact(optional)
	few := len(optional) > maxOptional
	whole, _ := testsOf(queries)
	for _, unmapped := range subsets(optional, few) {
		queries, err := read(unmapped)
		if err != nil {
			return Result{}, err
		}
		if len(unmapped) == 0 || sameUnder(b, c, whole, queries, unmapped) {
			continue
		}
		o.Unmapped = unmapped
		under, err := Tail(b, c, queries, o)
		if err != nil {
			return Result{}, err
		}
		if under.Verdict == Refuted {
			under.Unmapped = unmapped
			return under, nil
		}
		res.Verdict = max(res.Verdict, under.Verdict)
	}
	if few {
		res.Verdict = max(res.Verdict, Bounded)
		res.Reason = cmp.Or(res.Reason, "agreed up to the bound")
		res.Limits = append(res.Limits, fmt.Sprintf("more than %d optional fields: not every choice of unmapped ones was tried", maxOptional))
	}
	return res, nil
}

// sameUnder says whether each test of the queries, as it is read where no index maps some
// fields, is proved to say of an event without these what it says where all are mapped, and
// the rules say.
func sameUnder(b *backends.Target, c *backends.Correlation, whole []ir.Expr, queries []*tail.Query, unmapped []string) bool {
	tests, _ := testsOf(queries)
	if len(tests) != len(whole) {
		return false
	}
	p := newClaim(b.World, b.KeywordField())
	missing := reading{unmapped: unmapped}.missing()
	for i, e := range tests {
		steps := stepsAlone
		if !p.alike(whole[i], e, missing, &steps) {
			return false
		}
	}
	return true
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
		x := StreamEvent{Time: time.Unix(0, e.at).UTC(), Fields: t.fieldsOf(t.own(e.event))}
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
