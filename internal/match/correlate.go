package match

import (
	"container/heap"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"sigmac/correlation"
	"sigmac/eval"
	"sigmac/internal/link"
	"sigmac/ir"
	"sigmac/parser"
)

// A Hit is a time at which events fulfil a correlation.
type Hit struct {
	Doc   *parser.Document // the correlation
	Group []string         // the values of its group, in the order of its group-by
	correlation.Hit
}

// correlated is a correlation whose events are being looked at.
type correlated struct {
	doc    *parser.Document
	stream *correlation.Stream
	silent bool
	uses   []use // of its hits
	now    []correlation.Selection
}

// A use is what the events of a rule, or the hits of a correlation, are to a correlation.
type use struct {
	in            int // the number of the correlation
	rule          int // in its list
	group, fields []string
}

// Correlate adds correlations, and the rules that they name, after all rules were added. It
// says of those that it leaves out what is wrong with the rules that they name.
func (rs *Rules) Correlate(cs *link.Correlations) (faults []*ir.Diagnostic) {
	type place struct {
		path string
		pos  ir.Pos
	}
	at := func(d *parser.Document) place { return place{d.Path, d.Pos} }
	rules, inner := map[place]int{}, map[place]int{}
	for i, r := range rs.rules {
		rules[at(r.doc)] = i
		rs.rules[i].silent = cs.Silent(r.doc)
	}
	unevaluable := func(d *parser.Document, n ir.Name, why string) {
		faults = append(faults, d.Place(&ir.Diagnostic{Pos: n.Pos, Code: ir.CannotEvaluate, Msg: "cannot be evaluated: " + why}))
	}
	for _, l := range cs.Lacks() {
		unevaluable(l.Doc, l.Name, fmt.Sprintf("the rule %q is not there", l.Name.Text))
	}
	for _, d := range cs.All() {
		named, _ := cs.Named(d)
		number := len(rs.correlated)
		uses := make([]use, len(named))
		complete := true
		for i, x := range named {
			called := []string{d.Correlation.Rules[i].Text, x.Name, x.ID}
			uses[i] = use{in: number, rule: i, group: fieldsOf(d.Correlation, d.Correlation.GroupBy, called), fields: fieldsOf(d.Correlation, d.Correlation.Fields, called)}
			if _, there := rules[at(x)]; !there && x.Rule != nil {
				if _, what := eval.UnevaluableRule(x.Rule); what == "" {
					rules[at(x)] = len(rs.rules)
					rs.rules = append(rs.rules, rule{doc: x, Prepared: rs.set.Prepare(x.Rule), silent: true})
				}
			}
			_, asRule := rules[at(x)]
			_, asInner := inner[at(x)]
			if !asRule && !asInner {
				unevaluable(d, d.Correlation.Rules[i], fmt.Sprintf("neither can %q", d.Correlation.Rules[i].Text))
				complete = false
			}
		}
		if !complete {
			continue
		}
		inner[at(d)] = number
		rs.correlated = append(rs.correlated, &correlated{doc: d, stream: correlation.Define(d.Correlation).NewStream(), silent: cs.Silent(d)})
		for i, x := range named {
			if j, ok := rules[at(x)]; ok {
				rs.rules[j].uses = append(rs.rules[j].uses, uses[i])
			} else {
				c := rs.correlated[inner[at(x)]]
				c.uses = append(c.uses, uses[i])
			}
		}
	}
	return faults
}

func fieldsOf(c *ir.Correlation, names []ir.Name, called []string) (out []string) {
	for _, n := range names {
		out = append(out, c.FieldOf(n.Text, called...))
	}
	return out
}

// The codes of why an event that is selected for correlations does not count there.
const (
	NoTime  = "no_time"
	Late    = "late"
	TooMany = "too_many_groups"
)

// A pick is an event that rules select for correlations.
type pick struct {
	time        int64
	order       int // of its coming
	at          ir.Pos
	selections  []selected
	code, fault string // why it cannot count
}

type selected struct {
	in int // the number of the correlation
	correlation.Selection
}

// maxTuples bounds the groups of one event in a correlation, and its values there: a
// stranger's event may have lists of many values.
const maxTuples = 10_000

// pick is the event for the correlations of the rules that select it, each rule by its uses.
func (rs *Rules) pick(ev eval.Event, at ir.Pos, uses []use) pick {
	p := pick{at: at}
	fields := rs.options.Timestamps
	if len(fields) == 0 {
		fields = eval.TimeFields
	}
	var ok bool
	if p.time, ok = eval.TimeOf(ev, fields); !ok {
		p.code, p.fault = NoTime, "the event is selected for a correlation and has no time: none of "+strings.Join(fields, ", ")+" is one; --timestamp names the field"
		return p
	}
	slices.SortStableFunc(uses, func(a, b use) int { return a.in - b.in })
	for len(uses) > 0 {
		n := 1
		for n < len(uses) && uses[n].in == uses[0].in {
			n++
		}
		found, fine := selections(uses[:n], p.time, func(name string) []string { return textsOf(ev, name) })
		if !fine {
			p.code, p.fault = TooMany, fmt.Sprintf("the event is in more than %d groups of a correlation, or has so many values for it", maxTuples)
			return p
		}
		p.selections, uses = append(p.selections, found...), uses[n:]
	}
	return p
}

// selections are what uses of one correlation make of an event: one in each of its groups.
func selections(uses []use, t int64, texts func(name string) []string) (out []selected, fine bool) {
	type part struct {
		selected
		fields [][]string
	}
	var parts []*part
	for _, u := range uses {
		groups, ok := tuples(u.group, texts)
		if !ok {
			return nil, false
		}
		for _, g := range groups {
			i := slices.IndexFunc(parts, func(p *part) bool { return p.Group == g })
			if i < 0 {
				i = len(parts)
				parts = append(parts, &part{selected: selected{u.in, correlation.Selection{Time: t, Group: g}}})
			}
			p := parts[i]
			p.Rules = append(p.Rules, u.rule)
			if len(u.fields) > 0 && !slices.ContainsFunc(p.fields, func(f []string) bool { return slices.Equal(f, u.fields) }) {
				p.fields = append(p.fields, u.fields)
			}
		}
	}
	for _, p := range parts {
		slices.Sort(p.Rules)
		p.Rules = slices.Compact(p.Rules)
		for _, f := range p.fields {
			values, ok := []string(nil), true
			if len(f) == 1 { // the numbers of a sum are read as they stand
				values = texts(f[0])
			} else if values, ok = tuples(f, texts); !ok {
				return nil, false
			}
			p.Values = append(p.Values, values...)
		}
		slices.Sort(p.Values)
		p.Values = slices.Compact(p.Values)
		out = append(out, p.selected)
	}
	return out, true
}

// tuples are those of the values of some fields, each as one text; none where a field has
// no value.
func tuples(fields []string, texts func(name string) []string) (out []string, ok bool) {
	out = []string{""}
	for _, f := range fields {
		each := texts(f)
		if len(each)*len(out) > maxTuples {
			return nil, false
		}
		next := make([]string, 0, len(each)*len(out))
		for _, before := range out {
			for _, v := range each {
				next = append(next, before+strconv.Itoa(len(v))+":"+v)
			}
		}
		out = next
	}
	return out, true
}

// untupled are the values of a tuple.
func untupled(s string) (out []string) {
	for s != "" {
		size, rest, _ := strings.Cut(s, ":")
		n, _ := strconv.Atoi(size)
		out, s = append(out, rest[:n]), rest[n:]
	}
	return out
}

// textsOf are the values of a field as texts, each once: a number is its decimal form, so
// that 5 and "5" are in one group.
func textsOf(ev eval.Event, name string) (out []string) {
	values, _ := ev.Field(name)
	for _, v := range values {
		text := ""
		switch v := v.(type) {
		case string:
			text = v
		case json.Number:
			text = string(v)
		case bool:
			text = strconv.FormatBool(v)
		default:
			continue // an object is no value
		}
		out = append(out, text)
	}
	if len(out) > 1 {
		slices.Sort(out)
		out = slices.Compact(out)
	}
	return out
}

// A clock puts events in the order of time, as far as they come late by no more than the
// slack, and gives each instant to the correlations when it is over.
type clock struct {
	waiting picks
	latest  int64
	count   int
}

type picks []pick

func (p picks) Len() int { return len(p) }
func (p picks) Less(i, j int) bool {
	return p[i].time < p[j].time || p[i].time == p[j].time && p[i].order < p[j].order
}
func (p picks) Swap(i, j int) { p[i], p[j] = p[j], p[i] }

// Push is of heap.Interface.
func (p *picks) Push(x any) { *p = append(*p, x.(pick)) }

// Pop is of heap.Interface.
func (p *picks) Pop() any {
	last := len(*p) - 1
	x := (*p)[last]
	(*p)[last] = pick{}
	*p = (*p)[:last]
	return x
}

// take gives an event to the correlations: the hits of the instants that are over with it,
// or why it cannot count.
func (rs *Rules) take(p pick) (hits []Hit, fault *ir.Diagnostic) {
	c, slack := &rs.clock, int64(rs.options.Slack)
	if p.fault == "" && c.count > 0 && p.time < c.latest-slack {
		late := time.Duration(c.latest - p.time)
		p.code, p.fault = Late, fmt.Sprintf("the event is %s older than one before it, and no longer counts for correlations; --slack %s takes it", late, late)
	}
	if p.fault != "" {
		return nil, &ir.Diagnostic{Pos: p.at, Code: p.code, Msg: p.fault}
	}
	if c.count == 0 || p.time > c.latest {
		c.latest = p.time
	}
	c.count++
	p.order = c.count
	heap.Push(&c.waiting, p)
	return rs.before(c.latest - slack), nil
}

// before takes the instants before t.
func (rs *Rules) before(t int64) (hits []Hit) {
	c := &rs.clock
	for len(c.waiting) > 0 && c.waiting[0].time < t {
		now := c.waiting[0].time
		for len(c.waiting) > 0 && c.waiting[0].time == now {
			for _, s := range heap.Pop(&c.waiting).(pick).selections {
				rs.correlated[s.in].now = append(rs.correlated[s.in].now, s.Selection)
			}
		}
		hits = append(hits, rs.instant(now)...)
	}
	return hits
}

// instant gives the selections of a time to the correlations, what is named before what
// names it.
func (rs *Rules) instant(t int64) (hits []Hit) {
	for _, c := range rs.correlated {
		if len(c.now) == 0 {
			continue
		}
		for _, h := range c.stream.Instant(t, c.now) {
			hit := Hit{Doc: c.doc, Group: untupled(h.Group), Hit: h}
			texts := func(name string) []string {
				if i := slices.IndexFunc(c.doc.Correlation.GroupBy, func(g ir.Name) bool { return g.Text == name }); i >= 0 {
					return hit.Group[i : i+1]
				}
				return nil
			}
			for _, u := range c.uses {
				found, _ := selections([]use{u}, t, texts) // of one value each
				for _, s := range found {
					rs.correlated[s.in].now = append(rs.correlated[s.in].now, s.Selection)
				}
			}
			if !c.silent {
				hits = append(hits, hit)
			}
		}
		c.now = nil
	}
	return hits
}

// End are the hits of the instants that were not known to be over, after the last stream.
func (rs *Rules) End() []Hit { return rs.before(int64(^uint64(0) >> 1)) }
