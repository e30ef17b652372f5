// Package question asks what predicates of rules have to do with each other. Whether
// one can match at all, implies another, means the same. Predicates are typed and
// inlined. Where it is likely that an event answers, events are asked before the
// prover.
package question

import (
	"fmt"
	"slices"
	"sync"

	"sigmac/eval"
	"sigmac/ir"
	"sigmac/verify"
)

// Never says whether it is certain that no event matches e.
func Never(e ir.Expr, purse *verify.Purse) bool {
	event, reason := purse.Match(e)
	return event == nil && reason == ""
}

// Always says whether it is certain that every event matches e.
func Always(e ir.Expr, purse *verify.Purse) bool { return Never(ir.Not{X: e}, purse) }

// Same says whether it is certain that two predicates match the same events.
func Same(a, b ir.Expr, purse *verify.Purse) bool {
	return purse.Implies(a, b).Verdict == verify.Proved && purse.Implies(b, a).Verdict == verify.Proved
}

// maxSeen bounds the events that are kept to tell a predicate from others.
const maxSeen = 32

// A Panel is some predicates that are asked about each other. Several may be asked at a
// time if each is the narrower one of its questions in one goroutine only.
type Panel struct {
	set      *eval.Set
	exprs    []ir.Expr
	prepared []*eval.Prepared
	seen     [][]*eval.View // events that a predicate matches, by predicate
	views    sync.Pool      // those of no event any more: one is as large as all predicates
	search   func(v *eval.View, most int) []int
}

// NewPanel prepares predicates.
func NewPanel(exprs []ir.Expr) *Panel {
	p := &Panel{set: eval.NewSet(), exprs: exprs, seen: make([][]*eval.View, len(exprs))}
	for _, e := range exprs {
		p.prepared = append(p.prepared, p.set.Prepare(&ir.Rule{Conditions: []ir.Condition{{Expr: e}}}))
	}
	index := sync.OnceValues(func() (*eval.Index, *eval.Route) {
		x := p.set.Index(p.prepared)
		return x, x.Route(eval.Source{})
	})
	p.search = func(v *eval.View, most int) []int {
		x, all := index()
		return x.Some(v, all, most)
	}
	return p
}

// view is an event as the predicates see it, to be put back into views.
func (p *Panel) view(ev eval.Event) *eval.View {
	if v, ok := p.views.Get().(*eval.View); ok {
		v.Show(ev)
		return v
	}
	return p.set.View(ev)
}

// See keeps an event, if the i-th predicate matches it, to tell it from others.
func (p *Panel) See(i int, fields map[string]any) {
	ev, err := eval.NewEvent(fields)
	if err != nil || len(p.seen[i]) >= maxSeen {
		return
	}
	if v := p.view(ev); p.prepared[i].MatchView(v) {
		p.seen[i] = append(p.seen[i], v)
	} else {
		p.views.Put(v)
	}
}

// Matches says whether the i-th predicate matches an event.
func (p *Panel) Matches(i int, ev eval.Event) bool {
	v := p.view(ev)
	defer p.views.Put(v)
	return p.prepared[i].MatchView(v)
}

// Forget gives back the events that were kept for the i-th predicate.
func (p *Panel) Forget(i int) {
	for _, v := range p.seen[i] {
		p.views.Put(v)
	}
	p.seen[i] = nil
}

// Matching are the predicates that match an event, in their order: so many, or all where there are no more.
func (p *Panel) Matching(fields map[string]any, most int) []int {
	ev, err := eval.NewEvent(fields)
	if err != nil {
		return nil
	}
	v := p.view(ev)
	defer p.views.Put(v)
	return slices.Clone(p.search(v, most))
}

// Apart says whether an event is known that the i-th predicate matches and the j-th
// does not.
func (p *Panel) Apart(i, j int) bool {
	return slices.ContainsFunc(p.seen[i], func(v *eval.View) bool { return !p.prepared[j].MatchView(v) })
}

// Implies says whether it is certain that the j-th predicate matches whatever the i-th
// matches. An event that tells them apart is kept, for it likely tells others apart too.
func (p *Panel) Implies(i, j int, purse *verify.Purse) bool {
	if p.Apart(i, j) {
		return false
	}
	res := purse.Implies(p.exprs[i], p.exprs[j])
	if res.Verdict == verify.Refuted {
		p.See(i, res.Counterexample)
	}
	return res.Verdict == verify.Proved
}

// Likely are values with which a predicate is likely true, a first try; ok is false
// where none are known.
func Likely(e ir.Expr) (fields map[string]any, ok bool) {
	fields = map[string]any{}
	return fields, likely(e, fields)
}

func likely(e ir.Expr, fields map[string]any) bool {
	switch e := e.(type) {
	case ir.And:
		return !slices.ContainsFunc(e, func(x ir.Expr) bool { return !likely(x, fields) })
	case ir.Or:
		return len(e) > 0 && likely(e[0], fields)
	case ir.Not:
		return true // mostly of a field that is not there
	case ir.Keyword:
		v, ok := verify.Likely(e.Test, ir.Text)
		if had, _ := fields["_raw"].(string); ok {
			fields["_raw"] = had + fmt.Sprint(v)
		}
		return ok
	case ir.Match:
		if _, null := e.Test.(ir.Null); null {
			return true
		}
		v, ok := verify.Likely(e.Test, e.Field.Type)
		if had, text := fields[e.Field.Name].(string); ok && text {
			v = had + fmt.Sprint(v) // one may stand behind the other
		}
		fields[e.Field.Name] = v
		return ok
	}
	return false
}

// Impossible says whether it is certain that no event matches e, which was asked with
// likely values first.
func Impossible(e ir.Expr, purse *verify.Purse) bool {
	if fields, ok := Likely(e); ok {
		if ev, err := eval.NewEvent(fields); err == nil && eval.Expr(nil, e, ev) {
			return false
		}
	}
	return Never(e, purse)
}
