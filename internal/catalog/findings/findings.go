// Package findings says of a set of Sigma rules what only a prover can. Which match
// nothing that another does not match too, which are the same in all but text, which
// match no event, and which exclusions exclude nothing. Events are Sigma's: by the
// names of its fields, each with one value, of the type that the rules take it to
// have.
//
// Events are asked first. A can only imply B if B matches an event that the solver
// made for A. Which rules do is found by an index of the texts that they cannot do
// without (eval.Index). That leaves some hundred pairs of millions; each that is
// refuted gives an event that rules out others. For an exclusion, an event is guessed
// before one is sought. Where there is none, the parts that contradict each other are
// found by leaving out one after the other.
package findings

import (
	"cmp"
	"slices"
	"strings"

	"sigmac/eval"
	"sigmac/internal/catalog"
	"sigmac/internal/ordered"
	"sigmac/internal/question"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/verify"
)

// A Kind says what a Finding is about.
type Kind string

// The kinds.
const (
	Implied       Kind = "implied"        // another rule matches all that this one does, and more
	Duplicate     Kind = "duplicate"      // another rule, before this one, matches the same events
	Never         Kind = "never"          // no event matches the rule
	DeadExclusion Kind = "dead_exclusion" // a part under a `not` excludes nothing
)

// Kinds are all of them.
var Kinds = []Kind{Implied, Duplicate, Never, DeadExclusion}

// A Ref names a rule by its place.
type Ref struct {
	Path  string `json:"path"`
	Line  int    `json:"line"`
	ID    string `json:"id"`
	Title string `json:"title"`
}

// A Finding is proved for every event.
type Finding struct {
	Kind  Kind `json:"kind"`
	Rule  Ref  `json:"rule"`
	Other *Ref `json:"other,omitempty"` // of Implied the wider rule, of Duplicate the first one
	// Part is the exclusion that is dead, Line and Column where it stands. Detection has
	// the name of which it is a part, if it is one, and File where it stands in the file of
	// a filter that is joined to the rule.
	Part      string `json:"part,omitempty"`
	Detection string `json:"detection,omitempty"`
	File      string `json:"file,omitempty"`
	Line      int    `json:"line,omitempty"`
	Column    int    `json:"column,omitempty"`
	// Because are the parts of the rule, as few as can be, that contradict each
	// other, or contradict or cover Part; none where Part contradicts itself.
	Because []string `json:"because,omitempty"`
	// Witness is an event that both rules match, OnlyOther one that the wider one
	// alone matches; without it the log source alone is wider.
	Witness   map[string]any `json:"witness,omitempty"`
	OnlyOther map[string]any `json:"only_other,omitempty"`
}

// A Subject is what is kept of a rule to compare it with others.
type Subject struct {
	ref     Ref
	source  ir.LogSource
	expr    ir.Expr        // all its conditions, typed and inlined
	witness map[string]any // an event that it matches; nil: none, or none is known
	own     []Finding      // what concerns no other rule
}

// questions bounds the steps of all questions about a rule, in budgets of one.
const questions = 4

// Find tells the findings about the rules among docs, by the order of their
// rules and then by kind. budget bounds the solver steps of one question, and four
// times as many those of all about one rule; what is not answered within is no
// finding.
func Find(docs []*parser.Document, budget int) []Finding {
	var subjects []*Subject
	for _, s := range ordered.Map(docs, func(d *parser.Document) *Subject { return Look(d, budget) }) {
		subjects = append(subjects, s)
	}
	return Among(subjects, budget)
}

// Among is Find of documents that were looked at, each with the same budget; nil is passed over.
func Among(subjects []*Subject, budget int) (out []Finding) {
	subjects = slices.DeleteFunc(slices.Clone(subjects), func(s *Subject) bool { return s == nil })
	groups := pairs(subjects, budget)
	for i, s := range subjects {
		out = append(out, groups[i]...)
		out = append(out, s.own...)
	}
	return out
}

// Look asks what concerns one document alone. It is nil of what is no rule, or one with errors.
func Look(d *parser.Document, budget int) *Subject {
	if d.Rule == nil || len(d.Errors) > 0 {
		return nil
	}
	want, err := ir.Want(d.Rule)
	if err != nil {
		return nil // too large to be inlined
	}
	s := &Subject{ref: Ref{d.Path, d.Pos.Line, d.ID, d.Title}, source: d.Rule.Source, expr: want.Joined().Conditions[0].Expr}
	purse := &verify.Purse{Each: budget, Left: questions * budget}
	reason := ""
	if s.witness, reason = purse.Match(s.expr); s.witness == nil {
		if reason == "" {
			s.own = []Finding{{Kind: Never, Rule: s.ref, Because: contradiction(d.Rule, purse)}}
		}
		return s
	}
	if c := d.Rule.Conditions; len(c) == 1 && slices.ContainsFunc(catalog.Conjuncts(c[0].Expr), negated) {
		s.own = deadExclusions(s, d.Rule, purse)
	}
	return s
}

// A part is what every event must pass, with its meaning.
type part struct {
	label    string
	expr     ir.Expr
	excluded []exclusion // of a part under a `not`: what it excludes, and that in parts
}

type exclusion struct {
	label string
	expr  ir.Expr
	pos   ir.Pos
	in    string // the detection that it is a part of
	file  string // of a filter
}

// negated says whether a conjunct is what no event may match.
func negated(c catalog.Conjunct) bool { _, ok := c.Expr.(ir.Not); return ok }

// partsOf takes a condition apart, every exclusion by itself.
func partsOf(r *ir.Rule, condition ir.Expr) []part {
	var out []part
	var exprs []ir.Expr
	add := func(p part, e ir.Expr) {
		out = append(out, p)
		exprs = append(exprs, e)
	}
	for _, c := range catalog.Conjuncts(condition) {
		if !negated(c) {
			add(part{label: c.Label}, c.Expr)
			continue
		}
		not := c.Expr.(ir.Not)
		under := []ir.Expr{not.X}
		switch x := not.X.(type) {
		case ir.Or:
			under = x
		case ir.Of:
			if !x.All {
				under = nil
				for _, name := range x.Names {
					under = append(under, ir.Ref{Name: name})
				}
			}
		}
		for _, x := range under {
			label := catalog.Conjuncts(ir.Not{X: x})[0].Label
			p := part{label: label, excluded: []exclusion{{label: strings.TrimPrefix(label, "not "), expr: x, pos: r.Conditions[0].Pos}}}
			if ref, ok := x.(ir.Ref); ok {
				for _, d := range r.Detections {
					if d.Name != ref.Name {
						continue
					}
					p.excluded[0].pos = d.Pos
					for _, a := range alternatives(d.Expr) {
						a.in = d.Name
						p.excluded = append(p.excluded, a)
					}
					for i := range p.excluded {
						if d.Filter != nil {
							p.excluded[i].file = d.Filter.Path
						}
					}
				}
			}
			add(p, ir.Not{X: x})
		}
	}
	// What a part means is found as for a whole condition.
	asked := *r
	asked.Conditions = nil
	ask := func(e ir.Expr) { asked.Conditions = append(asked.Conditions, ir.Condition{Expr: e}) }
	for i, p := range out {
		ask(exprs[i])
		for _, x := range p.excluded {
			ask(x.expr)
		}
	}
	want, err := ir.Want(&asked)
	if err != nil {
		return nil
	}
	n := 0
	next := func() ir.Expr { n++; return want.Conditions[n-1].Expr }
	for i := range out {
		out[i].expr = next()
		for j := range out[i].excluded {
			out[i].excluded[j].expr = next()
		}
	}
	return out
}

// alternatives are the parts of a list in a detection, if it is one.
func alternatives(e ir.Expr) (out []exclusion) {
	one := func(x, shown ir.Expr) {
		var texts []string
		for _, p := range catalog.Predicates(shown) {
			texts = append(texts, p.String())
		}
		out = append(out, exclusion{label: strings.Join(texts, " and "), expr: x, pos: position(shown)})
	}
	switch e := e.(type) {
	case ir.Or:
		for _, x := range e {
			one(x, x)
		}
	case ir.Item:
		for _, v := range values(e) {
			one(v, v)
		}
	case ir.And:
		for i, x := range e {
			item, ok := x.(ir.Item)
			if !ok {
				continue
			}
			for _, v := range values(item) {
				with := slices.Clone(e)
				with[i] = v
				one(with, v)
			}
		}
	}
	return out
}

// values are the lines of an item, each with one of its values; none of an item
// that has one, or asks for all.
func values(it ir.Item) (out []ir.Expr) {
	or, ok := it.X.(ir.Or)
	if !ok {
		return nil
	}
	for _, x := range or {
		one := it
		one.X = x
		out = append(out, one)
	}
	return out
}

func position(e ir.Expr) (pos ir.Pos) {
	ir.Walk(e, func(e ir.Expr) {
		if m, ok := e.(ir.Match); ok && pos.Line == 0 {
			pos = m.Pos
		}
		if k, ok := e.(ir.Keyword); ok && pos.Line == 0 {
			pos = k.Pos
		}
	})
	return pos
}

// core are as few of the parts as can be, within the purse, that cannot hold
// together with e.
func core(parts []part, e ir.Expr, purse *verify.Purse) (labels []string) {
	kept := slices.Clone(parts)
	exprs := func(parts []part) []ir.Expr {
		out := []ir.Expr{e}
		for _, p := range parts {
			out = append(out, p.expr)
		}
		return out
	}
	for i := len(kept) - 1; i >= 0 && purse.Left >= 0; i-- {
		if without := slices.Delete(slices.Clone(kept), i, i+1); question.Never(ir.And(exprs(without)), purse) {
			kept = without
		}
	}
	for _, p := range kept {
		labels = append(labels, p.label)
	}
	return labels
}

// contradiction are the parts of the first condition that cannot hold together.
func contradiction(r *ir.Rule, purse *verify.Purse) []string {
	return core(partsOf(r, r.Conditions[0].Expr), ir.True, purse)
}

// deadExclusions are those exclusions that the rest of the rule, another
// exclusion before them included, never lets an event reach. Where one is dead as
// a whole, its parts are not told.
func deadExclusions(s *Subject, r *ir.Rule, purse *verify.Purse) (out []Finding) {
	parts := partsOf(r, r.Conditions[0].Expr)
	set := eval.NewSet()
	prepare := func(e ir.Expr) *eval.Prepared {
		return set.Prepare(&ir.Rule{Conditions: []ir.Condition{{Expr: e}}})
	}
	type ready struct {
		part     *eval.Prepared
		grows    bool
		excluded []*eval.Prepared
	}
	asked := make([]ready, len(parts))
	for i, p := range parts {
		asked[i].part, asked[i].grows = prepare(p.expr), grows(p.expr)
		for _, x := range p.excluded {
			asked[i].excluded = append(asked[i].excluded, prepare(x.expr))
		}
	}
	var view *eval.View
	dead := func(i, j int) bool {
		x := parts[i].excluded[j]
		reached := func(ev eval.Event, grown bool) bool {
			if view == nil {
				view = set.View(ev)
			}
			if view.Show(ev); !asked[i].excluded[j].MatchView(view) {
				return false
			}
			for k := range asked {
				if k != i && !(grown && asked[k].grows) && !asked[k].part.MatchView(view) {
					return false
				}
			}
			return true
		}
		if guessed(reached, x.expr, s.witness) {
			return false
		}
		rest := slices.Delete(slices.Clone(parts), i, i+1)
		exprs := ir.And{x.expr}
		for _, p := range rest {
			exprs = append(exprs, p.expr)
		}
		if !question.Never(exprs, purse) {
			return false
		}
		out = append(out, Finding{Kind: DeadExclusion, Rule: s.ref, Part: x.label, Detection: x.in, File: x.file, Line: x.pos.Line, Column: x.pos.Column,
			Because: core(rest, x.expr, purse)})
		return true
	}
	for i := len(parts) - 1; i >= 0; i-- { // of two that are equal, the later one is dead
		for j := range parts[i].excluded {
			if dead(i, j) && j == 0 {
				parts, asked = slices.Delete(parts, i, i+1), slices.Delete(asked, i, i+1)
				break
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return out
}

// grows says whether an expression stays true of an event whose texts get longer
// at their ends.
func grows(e ir.Expr) bool {
	switch e := e.(type) {
	case ir.And, ir.Or:
		return !slices.ContainsFunc(ir.Parts(e), func(x ir.Expr) bool { return !grows(x) })
	case ir.Match:
		p, ok := e.Test.(ir.Pattern)
		shape, _ := p.Shape()
		return ok && shape == ir.Contains && e.Field.Type.IsText()
	}
	return false
}

// guessed says whether an event is at hand that is good: the given one, with
// values for what x asks, alone or before or behind the values that it has. grown
// says that the event has the texts of the given one, and more.
func guessed(good func(ev eval.Event, grown bool) bool, x ir.Expr, given map[string]any) bool {
	for i, join := range []func(had, v string) string{
		func(_, v string) string { return v },
		func(had, v string) string { return v + had },
		func(had, v string) string { return had + v },
	} {
		fields, grown := map[string]any{}, i > 0
		ir.Walk(x, func(e ir.Expr) {
			m, ok := e.(ir.Match)
			if !ok || fields[m.Field.Name] != nil {
				return
			}
			if v, ok := verify.Likely(m.Test, m.Field.Type); ok {
				fields[m.Field.Name] = v
			}
		})
		for name, had := range given {
			v, text := fields[name].(string)
			if s, ok := had.(string); ok && text {
				fields[name] = join(s, v)
			} else if fields[name] == nil {
				fields[name] = had
			} else {
				grown = false
			}
		}
		if ev, err := eval.NewEvent(fields); err == nil && good(ev, grown) {
			return true
		}
	}
	return false
}

// maxAsked bounds the rules that the prover compares one rule with, of those that
// match the event made for it.
const maxAsked = 1000

// pairs compares every two rules whose log sources allow it: the findings by
// the number of the subject. Rules that say the same are compared with others
// once, and a rule is asked about only if it matches the event of another.
func pairs(subjects []*Subject, budget int) [][]Finding {
	type key struct{ product, category, service, expr string }
	rep := make([]int, len(subjects)) // the first rule that matches the same
	firsts := map[key]int{}
	var heads []int // the rules that say what none before them says
	var exprs []ir.Expr
	var asking []int // those of heads that match something
	for i, s := range subjects {
		source := s.source
		k := key{strings.ToLower(source.Product), strings.ToLower(source.Category), strings.ToLower(source.Service), s.expr.String()}
		first, ok := firsts[k]
		if !ok {
			first, firsts[k] = i, i
		}
		if rep[i] = first; first != i {
			continue
		}
		if s.witness != nil {
			asking = append(asking, len(heads))
		}
		heads, exprs = append(heads, i), append(exprs, s.expr)
	}
	panel := question.NewPanel(exprs)
	crowd := newCrowd(panel, exprs, budget)
	// wider[i] are the rules that match all that i does.
	wider := make([][]int, len(subjects))
	covers := make([]map[int]bool, len(subjects)) // the same as sets
	for n, found := range ordered.Map(asking, func(i int) (out []int) {
		s := subjects[heads[i]]
		purse, asked := &verify.Purse{Each: budget, Left: questions * budget}, 0
		panel.See(i, s.witness)
		defer panel.Forget(i)
		rules := crowd.rivals(i, s.witness)
		crowded := len(rules) > few
		for _, j := range rules {
			if i == j || !subjects[heads[j]].source.Covers(s.source) || crowded && crowd.apart(i, j) || panel.Apart(i, j) {
				continue
			}
			if asked++; asked > maxAsked {
				break
			}
			if panel.Implies(i, j, purse) {
				out = append(out, heads[j])
			}
		}
		return out
	}) {
		i := heads[asking[n]]
		wider[i], covers[i] = found, map[int]bool{}
		for _, j := range found {
			covers[i][j] = true
		}
	}
	for _, i := range heads {
		for _, j := range wider[i] {
			if covers[j][i] {
				rep[i] = min(rep[i], j)
			}
		}
	}
	out := make([][]Finding, len(subjects))
	for i, s := range subjects {
		find := func(kind Kind, j int) *Finding {
			other := subjects[j].ref
			out[i] = append(out[i], Finding{Kind: kind, Rule: s.ref, Other: &other, Witness: s.witness})
			return &out[i][len(out[i])-1]
		}
		if first := rep[rep[i]]; first != i {
			if s.witness != nil {
				find(Duplicate, first)
			}
			continue // the first one says the rest
		}
		for _, j := range wider[i] {
			// Of those that are the same the first one counts, and a rule between says it.
			if rep[j] == j && !slices.ContainsFunc(wider[i], func(k int) bool { return rep[k] != i && rep[k] != j && covers[k][j] }) {
				find(Implied, j).OnlyOther, _ = verify.Match(ir.And{subjects[j].expr, ir.Not{X: s.expr}}, budget)
			}
		}
	}
	return out
}
