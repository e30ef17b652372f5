// Package streams makes streams of events for correlations: one that hits, and near misses.
// What it makes is tried before it is given, so a stream hits or does not hit as it says.
package streams

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"sigmac/internal/link"
	"sigmac/internal/match"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/verify"
)

// A Stream is events in the order of time.
type Stream struct {
	Hits   bool
	Test   string // of a near miss: in which it differs from the stream that hits
	Events []Event
}

// An Event is one with its time.
type Event struct {
	Time   time.Time
	Fields map[string]any
}

// End is the time of the last event of a stream that hits.
var End = time.Date(2025, 1, 1, 12, 0, 0, 0, time.UTC)

// maxEvents bounds a stream.
const maxEvents = 10_000

// Make makes for a correlation of cs a stream that hits, and where there are such ones:
// with an event fewer, with the first event a second too early for the window, and with the
// first event in another group. Types are those of the fields of the events. The error says
// why there is none.
func Make(d *parser.Document, cs *link.Correlations, budget int) (out []Stream, types map[string]ir.Type, err error) {
	m := maker{cs: cs, budget: budget, types: map[string]ir.Type{}}
	bursts, err := m.correlation(d, nil)
	if err != nil {
		return nil, nil, err
	}
	hit := stream(bursts)
	switch hits, err := Hits(d, cs, hit); {
	case err != nil:
		return nil, nil, err
	case !hits:
		return nil, nil, errors.New("no stream of events is found that hits")
	}
	out = []Stream{{Hits: true, Events: hit}}
	near := func(test string, bursts []burst) {
		events := stream(bursts)
		if hits, err := Hits(d, cs, events); err == nil && !hits && len(events) > 0 {
			out = append(out, Stream{Test: test, Events: events})
		}
	}
	if len(bursts) > 1 {
		near("one event fewer", bursts[1:])
		late := slices.Clone(bursts)
		late[0].at -= time.Second
		near("the first event a second earlier", late)
	}
	if len(d.Correlation.GroupBy) > 0 {
		if other, err := m.elsewhere(d, bursts[0]); err == nil {
			near("the first event in another group", append([]burst{other}, bursts[1:]...))
		}
	}
	return out, m.types, nil
}

// A burst is events that together are one of a correlation: that of a rule, or the stream
// that makes a correlation hit. Its last event is at a time before the end.
type burst struct {
	at     time.Duration // of the last one, 0 or less
	events []timed
	member int
	group  map[string]any
}

type timed struct {
	before time.Duration // the last event of the burst
	fields map[string]any
}

// stream is bursts put together.
func stream(bursts []burst) (out []Event) {
	for _, b := range bursts {
		for _, e := range b.events {
			out = append(out, Event{End.Add(b.at - e.before), e.fields})
		}
	}
	slices.SortStableFunc(out, func(a, b Event) int { return a.Time.Compare(b.Time) })
	return out
}

// Hits says whether events hit a correlation.
func Hits(d *parser.Document, cs *link.Correlations, events []Event) (hits bool, err error) {
	rules := match.New(match.Options{AnySource: true, MaxEvent: 1 << 24, Timestamps: []string{timeField}})
	if faults := rules.Correlate(cs.Only(d)); len(faults) > 0 {
		return false, faults[0]
	}
	src, err := NDJSON(events, timeField, func(t time.Time) any { return t.Format(time.RFC3339Nano) })
	if err != nil {
		return false, err
	}
	is := func(h match.Hit) bool { return h.Doc.Path == d.Path && h.Doc.Pos == d.Pos }
	for found, err := range rules.Stream(bytes.NewReader(src)) {
		if err != nil {
			return false, err
		}
		if len(found.Faults) > 0 {
			return false, found.Faults[0]
		}
		hits = hits || slices.ContainsFunc(found.Hits, is)
	}
	return hits || slices.ContainsFunc(rules.End(), is), nil
}

// timeField has the time of an event that is tried: no rule tests it.
const timeField = "sigmac time"

// NDJSON writes events, a line each, with their times in a field.
func NDJSON(events []Event, field string, of func(time.Time) any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for _, e := range events {
		if err := enc.Encode(WithTime(e, field, of)); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

// WithTime are the fields of an event with its time in one more.
func WithTime(e Event, field string, of func(time.Time) any) map[string]any {
	fields := maps.Clone(e.Fields)
	fields[field] = of(e.Time)
	return fields
}

// A maker makes events in a budget of solver steps for each.
type maker struct {
	cs     *link.Correlations
	budget int
	types  map[string]ir.Type // of the fields that rules test
}

// correlation are bursts that make a correlation hit at the end, with the given values of
// fields of its group.
func (m maker) correlation(d *parser.Document, group map[string]any) ([]burst, error) {
	c := d.Correlation
	plan, err := planOf(c)
	if err != nil {
		return nil, err
	}
	group = maps.Clone(group)
	if group == nil {
		group = map[string]any{}
	}
	n := len(plan.members)
	var out []burst
	for i, member := range plan.members {
		var value map[string]any
		if plan.values != nil {
			value = plan.values[i]
		}
		b, err := m.member(d, member, group, value)
		if err != nil {
			return nil, err
		}
		if b.at = 0; n > 1 {
			b.at = -time.Duration(int64(c.Timespan.Length) / int64(n-1) * int64(n-1-i))
		}
		if i == 0 && n > 1 {
			b.at = -c.Timespan.Length
		}
		out = append(out, b)
	}
	return out, nil
}

// A plan is which members of a correlation have an event, one after the other, and what
// fields of the condition hold there.
type plan struct {
	members []int
	values  []map[string]any // by field of the condition; nil: anything
}

func planOf(c *ir.Correlation) (p plan, err error) {
	holds := func(n ir.Number) bool {
		for _, l := range c.Condition {
			if !l.Holds(n.Cmp(l.Number)) {
				return false
			}
		}
		return true
	}
	count := func() (int, error) {
		for n := 1; n <= maxEvents; n++ {
			if holds(ir.Number(strconv.Itoa(n))) {
				return n, nil
			}
		}
		return 0, fmt.Errorf("no stream of up to %d events hits", maxEvents)
	}
	switch c.Type.Text {
	case "event_count":
		n, err := count()
		p.members = make([]int, n)
		return p, err
	case "value_count":
		n, err := count()
		p.members = make([]int, n)
		for i := range n {
			value := map[string]any{}
			for _, f := range c.Fields {
				value[f.Text] = i + 1
			}
			p.values = append(p.values, value)
		}
		return p, err
	case "temporal", "temporal_ordered":
		return p, p.present(c, holds)
	}
	for _, l := range c.Condition { // one value next to a limit, or between two
		for _, by := range []int64{0, 1, -1} {
			if n := l.Number.Plus(by); holds(n) {
				return plan{members: []int{0}, values: []map[string]any{{c.Fields[0].Text: json.Number(n)}}}, nil
			}
		}
		for _, other := range c.Condition {
			if n := l.Number.Middle(other.Number); holds(n) {
				return plan{members: []int{0}, values: []map[string]any{{c.Fields[0].Text: json.Number(n)}}}, nil
			}
		}
	}
	return p, fmt.Errorf("no value fulfils the condition")
}

// maxFormula bounds the rules whose combinations are tried for a formula.
const maxFormula = 12

// present fills in the rules that have an event: as few as hit, all for an ordered one.
func (p *plan) present(c *ir.Correlation, holds func(ir.Number) bool) error {
	k := len(c.Rules)
	if c.Formula == nil {
		for n := 1; n <= k; n++ {
			if len(c.Condition) == 0 && n < k || !holds(ir.Number(strconv.Itoa(n))) {
				continue
			}
			for i := range n {
				p.members = append(p.members, i)
			}
			return nil
		}
		return fmt.Errorf("the condition is never fulfilled: there are %d rules", k)
	}
	if k > maxFormula {
		return fmt.Errorf("no events are sought for a condition over more than %d rules", maxFormula)
	}
	best := -1
	for set := 1; set < 1<<k; set++ {
		size := func(s int) int { return strings.Count(strconv.FormatInt(int64(s), 2), "1") }
		if (best < 0 || size(set) < size(best)) && formulaHolds(c, c.Formula, set) {
			best = set
		}
	}
	if best < 0 {
		return fmt.Errorf("no events fulfil the condition")
	}
	for i := range k {
		if best>>i&1 == 1 {
			p.members = append(p.members, i)
		}
	}
	return nil
}

func formulaHolds(c *ir.Correlation, e ir.Expr, set int) bool {
	named := func(name string) bool {
		for i, r := range c.Rules {
			if r.Text == name && set>>i&1 == 1 {
				return true
			}
		}
		return false
	}
	switch e := e.(type) {
	case ir.And:
		return !slices.ContainsFunc(e, func(x ir.Expr) bool { return !formulaHolds(c, x, set) })
	case ir.Or:
		return slices.ContainsFunc(e, func(x ir.Expr) bool { return formulaHolds(c, x, set) })
	case ir.Not:
		return !formulaHolds(c, e.X, set)
	case ir.Ref:
		return named(e.Name)
	case ir.Of:
		if e.All {
			return !slices.ContainsFunc(e.Names, func(n string) bool { return !named(n) })
		}
		return slices.ContainsFunc(e.Names, named)
	}
	return false
}

// member is a burst of one member with the values of the group, which it completes, and of
// fields of the condition.
func (m maker) member(d *parser.Document, i int, group, value map[string]any) (burst, error) {
	c := d.Correlation
	named, ok := m.cs.Named(d)
	if !ok {
		return burst{}, fmt.Errorf("the correlation names a rule that is not there")
	}
	x := named[i]
	called := []string{c.Rules[i].Text, x.Name, x.ID}
	field := func(name string) string { return c.FieldOf(name, called...) }
	wanted := map[string]any{}
	for name, v := range value {
		wanted[field(name)] = v
	}
	for name, v := range group {
		wanted[field(name)] = v
	}
	b := burst{member: i}
	if x.Correlation != nil {
		inner, err := m.correlation(x, wanted)
		if err != nil {
			return b, err
		}
		b.group = inner[0].group
		for _, in := range inner {
			for _, e := range in.events {
				b.events = append(b.events, timed{e.before - in.at, e.fields})
			}
		}
		for _, g := range c.GroupBy {
			if _, known := group[g.Text]; !known {
				group[g.Text] = b.group[field(g.Text)]
			}
		}
	} else {
		var asked []string
		for _, g := range c.GroupBy {
			asked = append(asked, field(g.Text))
		}
		for name := range value {
			asked = append(asked, field(name))
		}
		fields, err := m.event(x, asked, wanted)
		if err != nil {
			return b, fmt.Errorf("the rule %q: %w", c.Rules[i].Text, err)
		}
		b.events = []timed{{0, fields}}
		for _, g := range c.GroupBy {
			if _, known := group[g.Text]; !known {
				group[g.Text] = fields[field(g.Text)]
			}
		}
	}
	b.group = maps.Clone(group)
	return b, nil
}

// elsewhere is a burst of the same member in another group.
func (m maker) elsewhere(d *parser.Document, first burst) (burst, error) {
	other := map[string]any{}
	for name, v := range first.group {
		other[name] = fmt.Sprint(v, "-other")
		if _, text := v.(string); !text {
			n, _ := ir.ParseNumber(fmt.Sprint(v))
			other[name] = json.Number(n.Plus(1))
		}
	}
	b, err := m.member(d, first.member, other, nil)
	b.at = first.at
	return b, err
}

// event is one that a rule matches, which has the fields, some with given values.
func (m maker) event(x *parser.Document, fields []string, values map[string]any) (map[string]any, error) {
	if x.Rule == nil {
		return nil, fmt.Errorf("no event is known for it")
	}
	text := func(v any) string { return fmt.Sprint(v) }
	try := func(number bool) (map[string]any, error) {
		r := *x.Rule.Joined()
		all := ir.And{r.Conditions[0].Expr}
		for _, f := range fields {
			var test ir.Test = ir.Exists{}
			if v, given := values[f]; given {
				n, is := ir.ParseNumber(text(v))
				if test = ir.NewPattern(true, ir.Part{Text: text(v)}); is && number {
					test = ir.Compare{Op: ir.Eq, Number: n}
				}
			}
			all = append(all, ir.Match{Field: ir.Field{Name: f}, Test: test})
		}
		r.Conditions = []ir.Condition{{Text: r.Conditions[0].Text, Pos: r.Conditions[0].Pos, Expr: all}}
		want, err := ir.Want(&r)
		if err != nil {
			return nil, err
		}
		event, reason := verify.Match(want.Conditions[0].Expr, m.budget)
		if event == nil {
			if reason == "" {
				reason = "no event matches it with such a group"
			}
			return nil, errors.New(reason)
		}
		maps.Copy(m.types, want.Types())
		return event, nil
	}
	event, err := try(true)
	if err != nil {
		event, err = try(false)
	}
	return event, err
}
