// Package match says which rules match which events of a stream, and when these fulfil
// correlations. It works on all cores, and answers in the order of the stream.
package match

import (
	"errors"
	"io"
	"iter"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sigmac/eval"
	"sigmac/internal/ordered"
	"sigmac/ir"
	"sigmac/parser"
)

// Options say which rules are tried on which events, and how.
type Options struct {
	AnySource  bool          // try rules on events of other log sources too
	Explain    bool          // say why a rule matches
	MaxEvent   int           // the bytes that an event may have
	Timestamps []string      // fields in which events say when they happened; none: eval.TimeFields
	Slack      time.Duration // by which an event may come late, for correlations
}

// Rules are tried on events together. All are added before the first event; then
// several goroutines may try them, and one reads streams.
type Rules struct {
	options    Options
	set        *eval.Set
	rules      []rule
	index      func() *eval.Index
	triers     sync.Pool     // of *trier
	correlated []*correlated // what is named stands before what names it
	clock      clock
	asked      map[string]bool // the fields that rules test
	meeting    atomic.Uint32   // what events had to do with rules
	first      []string        // the fields of the first event, as long as none is met
}

// A Meeting is what events had to do with the rules that were tried on them.
type Meeting uint8

// The meetings, each of which is one of all before it.
const (
	NoEvent   Meeting = iota // there was none
	NoSource                 // no rule is about the log source of an event
	NoField                  // no event has a field that a rule tests
	SomeField                // some has, or a rule looks at the whole of an event
)

// Met is what the events so far had to do with the rules. Asked are the fields that the
// rules test, and first are those of the first event where no field is met, sorted.
func (rs *Rules) Met() (m Meeting, asked, first []string) {
	return Meeting(rs.meeting.Load()), slices.Sorted(maps.Keys(rs.asked)), rs.first
}

// meet notes what an event has to do with rules, unless some had a field already.
func (rs *Rules) meet(v *eval.View, route *eval.Route) {
	was := Meeting(rs.meeting.Load())
	if was == SomeField {
		return
	}
	is := NoSource
	if route.Rules() > 0 {
		is = NoField
		for name := range rs.asked {
			if name == "" || v.Present(name) {
				is = SomeField
				break
			}
		}
	}
	for is > was && !rs.meeting.CompareAndSwap(uint32(was), uint32(is)) {
		was = Meeting(rs.meeting.Load())
	}
}

type rule struct {
	doc *parser.Document
	*eval.Prepared
	silent bool // it is there for correlations alone
	uses   []use
}

// New is Rules with none in it.
func New(o Options) *Rules {
	rs := &Rules{options: o, set: eval.NewSet(), asked: map[string]bool{}}
	rs.index = sync.OnceValue(func() *eval.Index {
		rules := make([]*eval.Prepared, len(rs.rules))
		for i, r := range rs.rules {
			rules[i] = r.Prepared
		}
		return rs.set.Index(rules)
	})
	return rs
}

// Add adds a rule, or says what is wrong with its document or cannot be evaluated,
// and leaves it out. A filter is joined to its rules already, and correlations come with
// Correlate.
func (rs *Rules) Add(d *parser.Document) []*ir.Diagnostic {
	if len(d.Errors) > 0 {
		return d.Errors
	}
	if d.Rule == nil {
		return nil
	}
	if pos, what := eval.UnevaluableRule(d.Rule); what != "" {
		return []*ir.Diagnostic{d.Place(&ir.Diagnostic{Pos: pos, Code: ir.CannotEvaluate, Msg: "cannot be evaluated: " + what})}
	}
	for _, detection := range d.Rule.Detections {
		ir.Visit(detection.Expr, func(e ir.Expr, _ bool) bool {
			if item, ok := e.(ir.Item); ok {
				rs.asked[item.Field.Name] = true
			}
			return true
		})
	}
	rs.rules = append(rs.rules, rule{doc: d, Prepared: rs.set.Prepare(d.Rule)})
	return nil
}

// Len is how many rules and correlations were added.
func (rs *Rules) Len() int { return len(rs.rules) + len(rs.correlated) }

// A Match is a rule and an event.
type Match struct {
	Doc   *parser.Document
	Line  int               // of the event in the stream, from 1
	Index int               // of the event among those that can be read, from 1
	Why   *eval.Explanation // nil without Options.Explain
}

// Found is what has come of some events in a row: matches in the order of the events,
// and for each event in that of the rules.
type Found struct {
	Events  int // that the rules were tried on
	Matches []Match
	Hits    []Hit            // of correlations, at the instants that are over with these events
	Faults  []*ir.Diagnostic // what is no event, or cannot count for correlations; the others were tried
	picks   []pick
	first   []string // the fields of the first event, as long as none is met
}

// Stream tries the rules on the events of src, in any form that eval.Reader reads. An
// error of src itself comes last, without anything found. Src is read from
// another goroutine.
func (rs *Rules) Stream(src io.Reader) iter.Seq2[Found, error] {
	return func(yield func(Found, error) bool) {
		var broken error
		read := func(yield func(*batch) bool) { broken = batches(src, rs.options.MaxEvent, yield) }
		for f := range ordered.Seq(read, rs.try) {
			for _, p := range f.picks {
				hits, fault := rs.take(p)
				if f.Hits = append(f.Hits, hits...); fault != nil {
					f.Faults = append(f.Faults, fault)
				}
			}
			f.picks = nil
			if rs.first == nil {
				rs.first = f.first
			}
			if !yield(f, nil) {
				return
			}
		}
		if broken != nil {
			yield(Found{}, broken)
		}
	}
}

// A candidate is an event as it was read, or what is wrong with it.
type candidate struct {
	eval.Record
	index int
	err   *ir.Diagnostic
}

// A batch is some events in a row. Their texts lie in one buffer, which is used again.
type batch struct {
	events []candidate
	text   []byte
}

var spare = sync.Pool{New: func() any { return new(batch) }}

// batches yields the events of src, some at a time. The error is that of src.
func batches(src io.Reader, largest int, yield func(*batch) bool) error {
	const most, size = 256, 1 << 18
	r := eval.NewReader(src, largest)
	index := 0
	for {
		b := spare.Get().(*batch)
		b.events, b.text = b.events[:0], b.text[:0]
		var broken error
		for len(b.events) < most && len(b.text) < size && broken == nil {
			rec, err := r.Next()
			fault := (*ir.Diagnostic)(nil)
			switch {
			case err == nil:
				index++
				from := len(b.text)
				b.text = append(b.text, rec.Text...) // what is moved by this is kept by the events before
				rec.Text = b.text[from:]
			case !errors.As(err, &fault):
				broken = err
				continue
			}
			b.events = append(b.events, candidate{rec, index, fault})
		}
		if len(b.events) > 0 && !yield(b) || broken == io.EOF {
			return nil
		}
		if broken != nil {
			return broken
		}
	}
}

// A trier tries the rules on one event after the other.
type trier struct {
	view   *eval.View
	routes map[eval.Source]*eval.Route
}

func (rs *Rules) try(b *batch) (out Found) {
	t, ok := rs.triers.Get().(*trier)
	if !ok {
		t = &trier{rs.set.View(eval.Event{}), map[eval.Source]*eval.Route{}}
	}
	defer rs.triers.Put(t)
	for _, c := range b.events {
		if c.err != nil {
			out.Faults = append(out.Faults, c.err)
			continue
		}
		if !t.view.Read(c.Text) {
			_, err := c.Parse()
			fault := (*ir.Diagnostic)(nil)
			errors.As(err, &fault)
			out.Faults = append(out.Faults, fault)
			continue
		}
		out.Events++
		route := t.route(rs)
		if rs.meet(t.view, route); out.Events == 1 && Meeting(rs.meeting.Load()) != SomeField {
			out.first = t.view.Event().Names()
		}
		var uses []use
		for _, i := range rs.index().Matches(t.view, route) {
			r := rs.rules[i]
			if uses = append(uses, r.uses...); r.silent {
				continue
			}
			m := Match{Doc: r.doc, Line: c.Pos.Line, Index: c.index}
			if rs.options.Explain {
				why := eval.Explain(r.doc.Rule, t.view.Event())
				m.Why = &why
			}
			out.Matches = append(out.Matches, m)
		}
		if len(uses) > 0 {
			out.picks = append(out.picks, rs.pick(t.view.Event(), c.Pos, uses))
		}
	}
	t.view.Show(eval.Event{}) // lets the last event go
	const largest = 1 << 22
	if clear(b.events); cap(b.text) <= largest {
		spare.Put(b)
	}
	return out
}

// route is of the rules to try on the event.
func (t *trier) route(rs *Rules) *eval.Route {
	source := eval.Source{}
	if !rs.options.AnySource {
		source = t.view.Source()
	}
	route, ok := t.routes[source]
	if !ok {
		const many = 2000 // a stranger's events may name sources without end
		if len(t.routes) >= many {
			clear(t.routes)
		}
		route = rs.index().Route(source)
		t.routes[source] = route
	}
	return route
}
