// Package read reads queries in EQL and Kibana's query language back into ir. It does
// so by what Elasticsearch's documents say, and says which states a field can be in
// there. It knows nothing of the emitter that it checks; package backends says why.
//
// EQL is read under every set of unmapped fields. What `?f` means depends on whether
// an index maps f, so a query is parsed once and folded for each subset of its
// optional fields, as the optimizer does, and each reading is compared with the rule
// in which these fields are missing. Before that, a query without scripts is read under all
// sets in one, with a test of whether a field is mapped before each of its tests (optional.go): mostly that is
// proved, and no set is read by itself. Beyond 12 such fields only none, each one and all
// are tried, and the verdict is Agreed.
//
// Functions are run, for what one makes of fields is a script at the server. Their
// types are checked as the server's verifier does (types.go), what has constants only
// is computed, and the rest is run on the values of an event (script.go): the Formula
// of an Opaque. Where tests of fields mean the same, these stand for the script
// (lift.go). A difference that hangs on a script is looked for among values made of
// its constants: an event refutes, and without one the verdict is Agreed.
package read

import (
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"sigmac/ir"
)

// The reader says what a query does, from the grammar and the source of
// Elasticsearch alone; it shares nothing with the emitter.

// Read says what query does where the fields that s calls unmapped are mapped
// by no index. The error is an *ir.Diagnostic.
func Read(query string, s ir.Schema) (*ir.Query, error) {
	p, err := Parse(query)
	if err != nil {
		return nil, err
	}
	return p.Query(s)
}

// A Parsed is a query whose meaning waits for what the indexes map.
type Parsed struct {
	category string
	where    pred // of a query for single events
	series   *series
	times    []timePred
	pipes    []pipe
	stages   []ir.Command
	roots    []*node // the conditions of all events, for their types
	fields   []fieldUse
	assumed  []string
	written  []ir.Command

	mu sync.Mutex // guards what the atoms have built
}

// A timePred is a conjunct that only chooses when events happened.
type timePred struct {
	pred
	field, text string
	pos         ir.Pos
}

// A series is a sequence, a sample or a join.
type series struct {
	first token         // that says which
	keys  []*node       // that all events share
	span  time.Duration // 0: none
	steps []step
	until *step
}

// A step is one event of a series.
type step struct {
	category string // empty for any
	pos      ir.Pos
	where    pred
	keys     []*node // beside those that all events share
	runs     int     // how many events it stands for, one behind the other
	missing  bool    // there must be no such event
}

// events are the steps, and what ends the series.
func (s *series) events() []step {
	if s.until == nil {
		return s.steps
	}
	return append(slices.Clip(s.steps), *s.until)
}

// A pipe is what comes after the events.
type pipe struct {
	tail bool
	n    string
}

// Parse reads a query. The error is an *ir.Diagnostic.
func Parse(query string) (parsed *Parsed, err error) {
	defer ir.Caught(&err)
	p := &parser{src: query, toks: lex(query), byName: map[string]int{}, assumed: map[string]bool{}}
	q := p.statement()
	q.fields = p.fields
	if q.Optional() != nil {
		p.assume("elastic/unmapped", "elastic/version")
	}
	if slices.ContainsFunc(q.fields, func(f fieldUse) bool { return f.required != ir.Pos{} }) {
		p.assume("elastic/mapped")
	}
	q.assumed = slices.Sorted(maps.Keys(p.assumed))
	return q, nil
}

// Events are the events that the query names, in its order, as they are
// written: `step`, and in a sequence also `missing` and `until`.
func (p *Parsed) Events() []ir.Command { return p.written }

// Optional lists the fields that the query marks with `?` and never names
// without, sorted.
func (p *Parsed) Optional() []string {
	optional, _ := p.mentioned()
	return optional
}

// mentioned are the optional fields, and those that are named without `?`: an
// index must map these, or there is an error.
func (p *Parsed) mentioned() (optional, required []string) {
	for _, f := range p.fields {
		if f.required == (ir.Pos{}) {
			optional = append(optional, f.name)
		} else {
			required = append(required, f.name)
		}
	}
	slices.Sort(optional)
	slices.Sort(required)
	return optional, required
}

// mapped are the fields as s has them, with which the query has no fault.
func (p *Parsed) mapped(s ir.Schema) mapping {
	m := make(mapping, len(p.fields))
	for i, f := range p.fields {
		t, mapped := s.Type("", f.name)
		if !mapped && f.required != (ir.Pos{}) {
			refuse(f.required, "unknown column %s", f.name)
		}
		if mapped && t == ir.Other {
			refuse(f.pos, "EQL has no test for a field of such a type: %s", f.name)
		}
		m[i] = mappedField{ir.Field{Name: f.name, Type: t}, mapped}
	}
	for _, n := range p.roots {
		m.check(n)
	}
	return m
}

// Query says what the query does where exactly the fields that s calls
// unmapped are mapped by no index.
func (p *Parsed) Query(s ir.Schema) (q *ir.Query, err error) {
	defer ir.Caught(&err)
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.mapped(s)
	q = &ir.Query{Scope: ir.Scope{Category: p.category}, Stages: p.stages, Assumptions: p.assumed}
	if p.where != nil {
		q.Where = m.selects(p.where)
	}
	for _, t := range p.times {
		q.Times = append(q.Times, ir.Bound{Expr: m.selects(t.pred), Field: t.field, Text: t.text, Pos: t.pos})
	}
	if p.series != nil {
		events := p.series.events()
		m.checkKeys(events)
		for i, s := range events {
			if e := m.event(s); i < len(p.series.steps) && !s.missing {
				q.Steps = append(q.Steps, e)
			}
		}
	}
	return q, nil
}

// event is the filter of one event of a series.
func (m mapping) event(s step) ir.Expr {
	e := m.selects(s.where)
	if s.category != "" {
		field := ir.Field{Name: "event.category", Type: ir.Text}
		e = ir.And{ir.Match{Field: field, Test: exact(s.category), Pos: s.pos}, e}
	}
	return e
}

// checkKeys refuses events whose keys cannot be equal (Verifier.checkJoinKeyTypes).
func (m mapping) checkKeys(events []step) {
	for _, s := range events {
		for i, k := range s.keys {
			first := events[0].keys[i]
			if !compatible(m.types(first), m.types(k)) {
				refuse(k.pos, "a join key of type %s where the first event's is of type %s",
					m[k.field].Type, m[first.field].Type)
			}
		}
	}
}

func (p *parser) statement() *Parsed {
	q := &Parsed{}
	switch {
	case p.has("sequence"), p.has("sample"), p.has("join"):
		p.parseSeries(q)
	default:
		first := p.peek()
		var n *node
		q.category, _, n = p.event(q)
		q.where = p.timeless(q, n)
		p.write(q, "step", first)
		p.stage(q, "where", first, ir.Filters)
	}
	for p.has("|") {
		p.pipe(q)
	}
	if p.peek().kind != endToken {
		p.unexpected("the end")
	}
	return q
}

// event reads `category where condition`.
func (p *parser) event(q *Parsed) (category string, pos ir.Pos, where *node) {
	t := p.peek()
	switch {
	case p.take("any"):
	case t.kind == wordToken, t.kind == stringToken:
		if category = p.next().text; category == "" {
			refuse(t.pos, "the event category is empty")
		}
	default:
		p.unexpected("an event category")
	}
	p.need("where")
	n := p.expr()
	mapping(nil).check(n)
	n.reduce()
	q.roots = append(q.roots, n)
	return category, t.pos, n
}

// timeFields say when an event happened, and when it was taken in (ECS).
var timeFields = []string{"@timestamp", "event.ingested", "event.created"}

// timeless is a condition without the conjuncts that compare the time with a
// constant, which q keeps apart.
func (p *parser) timeless(q *Parsed, n *node) pred {
	if n.kind == andNode {
		out := andPred{}
		for _, a := range n.args {
			out = append(out, p.timeless(q, a))
		}
		return out
	}
	x := p.condition(n)
	if n.kind != compareNode || n.op == "!=" || n.op == "==" {
		return x
	}
	field, constant := n.args[0], n.args[1]
	if field.kind == valueNode {
		field, constant = constant, field
	}
	if field.kind != fieldNode || constant.kind != valueNode || constant.value.kind == nullValue ||
		!slices.Contains(timeFields, p.fields[field.field].name) {
		return x
	}
	q.times = append(q.times, timePred{x, p.fields[field.field].name, p.text(n), n.pos})
	return isTrue
}

// write keeps an event as text, from its first token on.
func (p *parser) write(q *Parsed, name string, first token) {
	q.written = append(q.written, ir.Command{Name: name, Text: p.src[first.start:p.toks[p.at-1].end], Pos: first.pos})
}

func (p *parser) stage(q *Parsed, name string, first token, effect ir.Effect) {
	text := p.src[first.start:p.toks[p.at-1].end]
	q.stages = append(q.stages, ir.Command{Name: name, Text: text, Pos: first.pos, Effect: effect})
}

func (p *parser) pipe(q *Parsed) {
	p.next()
	t := p.peek()
	if t.kind != wordToken || t.text != "head" && t.text != "tail" {
		p.unexpected("one of the pipes head and tail")
	}
	if q.series != nil && q.series.first.text == "sample" {
		refuse(t.pos, "a sample takes no pipe")
	}
	p.next()
	n := p.expr()
	if n.kind != valueNode || n.value.kind != integerValue || strings.HasPrefix(n.value.text, "-") {
		refuse(n.pos, "the pipe %s needs a number", t.text)
	}
	q.pipes = append(q.pipes, pipe{t.text == "tail", n.value.text})
	p.stage(q, t.text, t, ir.Removes)
}

// parseSeries reads a sequence, a sample or a join. What stands in it beside the
// events to be found is kept as text.
func (p *parser) parseSeries(q *Parsed) {
	first := p.next()
	out := &series{first: first, keys: p.keys()}
	q.series = out
	ordered := first.text == "sequence"
	if ordered {
		out.span = p.maxspan()
	}
	p.stage(q, first.text, first, ir.Remakes)

	events, missing := 0, false
	term := func(open token, name string) (s step, after token) {
		first := p.peek()
		var where *node
		s.category, s.pos, where = p.event(q)
		s.where = p.condition(where)
		s.runs, s.missing = 1, name == "missing"
		p.write(q, name, first)
		p.need("]")
		after = p.peek()
		s.keys = p.keys()
		if n := len(append(out.steps, s)[0].keys); len(s.keys) != n {
			refuse(open.pos, "%d join keys where the first event has %d", len(out.keys)+len(s.keys), len(out.keys)+n)
		}
		if ordered && p.take("with") {
			s.runs = p.runs()
		}
		events += s.runs
		return s, after
	}
	steps := 0
	for p.has("[") || ordered && p.has("![") {
		open := p.next()
		name := map[string]string{"[": "step", "![": "missing"}[open.text]
		s, after := term(open, name)
		out.steps = append(out.steps, s)
		if s.missing {
			missing = true
			p.stage(q, "missing", open, ir.Remakes)
			continue
		}
		steps++
		if after != p.peek() {
			p.stage(q, "step", after, ir.Remakes)
		}
	}
	switch {
	case steps == 0 || events < 2:
		p.unexpected("another event")
	case missing && out.span == 0:
		refuse(first.pos, "a missing event needs `with maxspan`")
	case first.text == "sample" && len(out.keys)+len(out.steps[0].keys) == 0:
		refuse(first.pos, "a sample needs a join key")
	}
	if until := p.peek(); first.text != "sample" && p.take("until") {
		s, _ := term(p.need("["), "until")
		out.until = &s
		p.stage(q, "until", until, ir.Remakes)
	}
}

// keys reads the join keys, if some follow.
func (p *parser) keys() []*node {
	if !p.take("by") {
		return nil
	}
	out := []*node{p.fieldName()}
	for p.take(",") {
		out = append(out, p.fieldName())
	}
	return out
}

func (p *parser) runs() int {
	if w := p.peek(); w.kind != wordToken || w.text != "runs" {
		p.unexpected("`runs`")
	}
	p.next()
	p.need("=")
	return p.integer(1, 100)
}

// spans are the units of one.
var spans = map[string]time.Duration{"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}

// maxspan reads the span of a sequence; 0 where none follows.
func (p *parser) maxspan() time.Duration {
	if !p.take("with") {
		return 0
	}
	p.need("maxspan")
	p.need("=")
	n := p.integer(1, 1<<31)
	t := p.peek()
	unit, ok := spans[t.text]
	if t.kind != wordToken || !ok {
		p.unexpected("a unit of time")
	}
	if time.Duration(n) > math.MaxInt64/unit {
		refuse(t.pos, "a span of more than 292 years")
	}
	p.next()
	return time.Duration(n) * unit
}

func (p *parser) integer(lo, hi int) int {
	t := p.peek()
	n := 0
	if t.kind == integerToken {
		for _, c := range t.text {
			n = min(10*n+int(c-'0'), hi+1)
		}
	}
	if n < lo || n > hi {
		refuse(t.pos, "a number from %d to %d is missing", lo, hi)
	}
	p.next()
	return n
}
