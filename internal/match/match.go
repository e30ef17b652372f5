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
func (rs *Rules) meet(ev eval.Event, rules []int) {
	was := Meeting(rs.meeting.Load())
	if was == SomeField {
		return
	}
	is := NoSource
	if len(rules) > 0 {
		is = NoField
	}
	for name := range rs.asked {
		if _, present := ev.Field(name); len(rules) > 0 && (name == "" || present) {
			is = SomeField
			break
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
func New(o Options) *Rules { return &Rules{options: o, set: eval.NewSet(), asked: map[string]bool{}} }

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
		read := func(yield func([]candidate) bool) { broken = batches(src, rs.options.MaxEvent, yield) }
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

// batches yields the events of src, some at a time. The error is that of src.
func batches(src io.Reader, largest int, yield func([]candidate) bool) error {
	const most, size = 64, 1 << 18
	r := eval.NewReader(src, largest)
	var batch []candidate
	n, index := 0, 0
	var broken error
	for {
		rec, err := r.Next()
		fault := (*ir.Diagnostic)(nil)
		if err != nil && !errors.As(err, &fault) {
			if err != io.EOF {
				broken = err
			}
			break
		}
		if err == nil {
			index++
		}
		batch = append(batch, candidate{rec, index, fault})
		if n += len(rec.Text); len(batch) >= most || n >= size {
			if !yield(batch) {
				return nil
			}
			batch, n = nil, 0
		}
	}
	if len(batch) > 0 {
		yield(batch)
	}
	return broken
}

// A trier tries the rules on one event after the other.
type trier struct {
	view *eval.View
	fits map[eval.Source][]int // the rules that may be about events of a source
}

func (rs *Rules) try(batch []candidate) (out Found) {
	t, ok := rs.triers.Get().(*trier)
	if !ok {
		t = &trier{rs.set.View(eval.Event{}), map[eval.Source][]int{}}
	}
	defer rs.triers.Put(t)
	for _, c := range batch {
		if c.err != nil {
			out.Faults = append(out.Faults, c.err)
			continue
		}
		ev, err := c.Parse()
		if err != nil {
			fault := (*ir.Diagnostic)(nil)
			errors.As(err, &fault)
			out.Faults = append(out.Faults, fault)
			continue
		}
		out.Events++
		ev = eval.Flatten(ev)
		t.view.Show(ev)
		var uses []use
		rules := t.rules(rs, ev)
		if rs.meet(ev, rules); out.Events == 1 && Meeting(rs.meeting.Load()) != SomeField {
			out.first = ev.Names()
		}
		for _, i := range rules {
			r := rs.rules[i]
			if !r.MatchView(t.view) {
				continue
			}
			if uses = append(uses, r.uses...); r.silent {
				continue
			}
			m := Match{Doc: r.doc, Line: c.Pos.Line, Index: c.index}
			if rs.options.Explain {
				why := eval.Explain(r.doc.Rule, ev)
				m.Why = &why
			}
			out.Matches = append(out.Matches, m)
		}
		if len(uses) > 0 {
			out.picks = append(out.picks, rs.pick(ev, c.Pos, uses))
		}
	}
	t.view.Show(eval.Event{}) // lets the last event go
	return out
}

// rules are those to try on the event, by their indexes.
func (t *trier) rules(rs *Rules, ev eval.Event) []int {
	source := eval.Source{}
	if !rs.options.AnySource {
		source = eval.SourceOf(ev)
	}
	rules, ok := t.fits[source]
	if !ok {
		const many = 2000 // a stranger's events may name sources without end
		if len(t.fits) >= many {
			clear(t.fits)
		}
		rules = []int{}
		for i, r := range rs.rules {
			if source.Fits(r.doc.Rule.Source) {
				rules = append(rules, i)
			}
		}
		t.fits[source] = rules
	}
	return rules
}
