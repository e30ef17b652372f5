package read

import (
	"fmt"
	"slices"
	"strconv"

	"sigmac/ir"
	"sigmac/tail"
)

// timestamp is the field by which events are ordered, if the request names no other (EQL
// search API: timestamp_field).
const timestamp = "@timestamp"

const (
	maxPipe   = 1 << 30 // as good as any larger number of rows
	maxEvents = 1000    // of a sequence that is tried
)

// ReadTail says what query does with several events at a time where the fields that s calls
// unmapped are mapped by no index. Events arrive in the order that the tiebreaker gives those
// of one time. The columns of a sequence's keys have the names that its first event gives
// them. The error is an *ir.Diagnostic.
func ReadTail(query string, s ir.Schema) (out *tail.Query, err error) {
	p, err := Parse(query)
	if err != nil {
		return nil, err
	}
	defer ir.Caught(&err)
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.mapped(s)
	out = &tail.Query{Assumptions: slices.Clone(p.assumed)}
	if x := p.series; x == nil {
		q := &ir.Query{Where: m.selects(p.where)}
		for _, t := range p.times {
			q.Times = append(q.Times, ir.Bound{Expr: m.selects(t.pred)})
		}
		out.Time = timestamp
		out.Ops = []tail.Op{
			tail.Source{Scope: ir.Scope{Category: p.category}, Where: q.Whole()},
			tail.Sort{Keys: []tail.SortKey{{X: tail.Column{Name: timestamp}}}},
		}
	} else {
		m.checkKeys(x.events())
		out.Ops = []tail.Op{tail.Source{}}
		switch x.first.text {
		case "join":
			panic(tail.NotJudged(x.first.pos, "join", "Elasticsearch has none"))
		case "sample":
			out.Ops = append(out.Ops, tail.Sample{Steps: m.steps(x)})
		default:
			chains := m.sequence(x)
			out.Ops, out.Time = append(out.Ops, chains), tail.Ended
			for _, k := range chains.Steps[0].By {
				out.Group = append(out.Group, k.Name)
			}
		}
		if len(x.keys)+len(x.steps[0].keys) > 0 {
			out.Assumptions = append(out.Assumptions, "elastic/single-key")
		}
		if len(x.events()) > 1 && out.Time != "" {
			out.Assumptions = append(out.Assumptions, "tie-order")
		}
		slices.Sort(out.Assumptions)
	}
	for _, x := range p.pipes {
		n, err := strconv.Atoi(x.n)
		if err != nil {
			n = maxPipe
		}
		if x.tail {
			out.Ops = append(out.Ops, tail.Last{N: n})
		} else {
			out.Ops = append(out.Ops, tail.Limit{N: n})
		}
	}
	return out, nil
}

// sequence is a series as the algebra has it.
func (m mapping) sequence(x *series) tail.Sequence {
	out := tail.Sequence{Time: timestamp, Span: x.span.Seconds(), Steps: m.steps(x)}
	if x.until != nil {
		until := m.step(x, *x.until)
		out.Until = &until
	}
	return out
}

// steps are those of a series, one for each event.
func (m mapping) steps(x *series) (out []tail.Step) {
	for _, s := range x.steps {
		if len(out)+s.runs > maxEvents {
			panic(tail.NotJudged(s.pos, fmt.Sprintf("a sequence of more than %d events", maxEvents), ""))
		}
		out = append(out, slices.Repeat([]tail.Step{m.step(x, s)}, s.runs)...)
	}
	return out
}

func (m mapping) step(x *series, s step) tail.Step {
	step := tail.Step{Test: tail.Test{X: m.event(s)}, Missing: s.missing}
	for _, k := range append(slices.Clip(x.keys), s.keys...) {
		f := m[k.field]
		var key tail.Expr = tail.Const{}
		if f.mapped {
			key = tail.Column{Name: f.Name}
		}
		step.By = append(step.By, tail.Named{Name: f.Name, X: key})
		step.Null = append(step.Null, k.optional)
	}
	return step
}
