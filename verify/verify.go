// Package verify says whether a query means what its rule means: for every
// event of the target's world, by a solver for the boolean skeleton and a
// decision procedure for the tests of one field.
package verify

import (
	"fmt"
	"slices"
	"strings"

	"sigmac/backends"
	"sigmac/eval"
	"sigmac/ir"
)

// A Verdict is what is known of a claim.
type Verdict uint8

// The verdicts.
const (
	Proved  Verdict = iota // for every event of the world
	Agreed                 // on events that were tried; Reason says why not more
	Refuted                // by a counterexample
)

func (v Verdict) String() string { return [...]string{"proved", "agreed", "refuted"}[v] }

// A Loss is a test of the rule that the target's world cannot tell from
// another.
type Loss struct {
	ID  string
	Pos ir.Pos
	Msg string
}

// A Construct is the part of a rule that a difference is about.
type Construct struct {
	Name string
	Pos  ir.Pos
}

// A Result is a verdict with its evidence.
type Result struct {
	Verdict        Verdict
	Reason         string // of Agreed
	Direction      string // of Refuted: the query is wider, narrower or both
	Construct      *Construct
	Losses         []Loss
	Assumptions    []string
	Unmapped       []string       // of Refuted: the fields that no index maps
	Events         int            // tried, of Agreed
	Counterexample map[string]any // of Refuted: the fields of an event
	QueryMatches   bool
	RuleMatches    bool
}

// DefaultBudget bounds the steps of one claim.
const DefaultBudget = 2_000_000

// maxOptional bounds the fields whose mappings are all tried.
const maxOptional = 10

// Query says whether a query means the i-th condition of want, a rule that is
// typed and inlined. The error is a *backends.ReadError.
func Query(b backends.Backend, want *ir.Rule, i int, query string, budget int) (Result, error) {
	rule := want.Conditions[i].Expr
	if hasOpaque(rule) {
		return placeholders(b, want, i, query, budget)
	}
	read, err := readAll(b, query, typingOf(want))
	if err != nil {
		return Result{}, err
	}
	res := Result{}
	for _, r := range read {
		asked, scope := rule, want.Scope
		if r.query.Scope.Index != scope.Index {
			// One says `index=x` as a place to look, the other as a test of a field.
			q := *r.query
			q.Where, q.Scope = ir.IndexAsTest(q.Where, q.Scope)
			asked, scope = ir.IndexAsTest(asked, scope)
			r.query = &q
		}
		res = compare(b, asked, r, budget)
		if r.query.Scope != scope && res.Verdict != Refuted {
			res = Result{Verdict: Refuted, Direction: "both", Construct: &Construct{Name: "table", Pos: want.Source.Pos}}
		}
		if len(r.query.Rest) > 0 && res.Verdict == Proved {
			res.Verdict, res.Reason = Agreed, "its filters are proved, but the query goes on with "+r.query.Rest[0].Name
		}
		if res.Verdict != Proved {
			res.Unmapped = r.unmapped
			break
		}
	}
	res.Losses = losses(b, rule)
	res.Assumptions = assumptions(rule, read)
	return res, nil
}

// A reading is a query under one choice of unmapped fields.
type reading struct {
	query    *ir.Query
	unmapped []string
	partial  bool // not every choice was read
}

// typing is the schema that a rule was typed with, without some fields.
type typing struct {
	ir.Types
	computed []ir.Computed
	unmapped []string
}

func typingOf(r *ir.Rule) typing { return typing{Types: r.Types(), computed: r.Computed} }

func (s typing) Type(table, name string) (ir.Type, bool) {
	t, _ := s.Types.Type(table, name)
	return t, !slices.Contains(s.unmapped, name)
}

// Computed is how a column is computed, or empty.
func (s typing) Computed(name string) string {
	for _, c := range s.computed {
		if c.Name == name {
			return c.Text
		}
	}
	return ""
}

// readAll reads a query under every choice of unmapped optional fields, none
// first.
func readAll(b backends.Backend, query string, schema typing) ([]reading, error) {
	r, ok := b.(backends.OptionalReader)
	if !ok {
		q, err := b.(backends.Reader).Read(query, schema)
		return []reading{{query: q}}, err
	}
	optional, under, err := r.ReadOptional(query)
	if err != nil {
		return nil, err
	}
	partial := len(optional) > maxOptional
	var out []reading
	for _, unmapped := range subsets(optional, partial) {
		schema.unmapped = unmapped
		q, err := under(schema)
		if err != nil {
			return nil, err
		}
		out = append(out, reading{q, unmapped, partial})
	}
	return out, nil
}

// subsets are all of names' subsets, or with few only those of none, one and
// all.
func subsets(names []string, few bool) (out [][]string) {
	if few {
		out = append(out, nil)
		for _, n := range names {
			out = append(out, []string{n})
		}
		return append(out, names)
	}
	for bits := range 1 << len(names) {
		var set []string
		for i, n := range names {
			if bits>>i&1 == 1 {
				set = append(set, n)
			}
		}
		out = append(out, set)
	}
	return out
}

// Equal says whether two expressions mean the same in a world.
func Equal(world func(ir.Type) backends.World, want, got ir.Expr, budget int) Result {
	return equal(newClaim(world, ""), want, got, nil, budget)
}

func compare(b backends.Backend, rule ir.Expr, r reading, budget int) Result {
	if r.query.Where == nil {
		return Result{Verdict: Agreed, Reason: "the query is no filter of single events"}
	}
	missing := func(name string) bool { return slices.Contains(r.unmapped, name) }
	if len(r.unmapped) == 0 {
		missing = nil
	}
	res := equal(newClaim(b.World, b.Caps().KeywordField), rule, r.query.Where, missing, budget)
	if r.partial && res.Verdict == Proved {
		res.Verdict = Agreed
		res.Reason = fmt.Sprintf("more than %d optional fields: not every choice of unmapped ones was tried", maxOptional)
	}
	return res
}

func equal(c *claim, want, got ir.Expr, missing func(string) bool, budget int) Result {
	w := c.node(want, missing)
	shared := len(c.letters)
	g := c.node(got, missing)
	if w.canon() == g.canon() {
		return Result{Verdict: Proved}
	}
	if len(c.letters) > maxLetters {
		return c.agree(w, g, fmt.Sprintf("the claim has more than %d different tests", maxLetters), &budget)
	}
	both := func(a, b node) node { return node{op: '&', subs: []node{a, negate(b)}} }
	wider := c.satisfy(both(g, w), &budget)
	narrower := c.satisfy(both(w, g), &budget)
	switch {
	case wider.values != nil && narrower.values != nil:
		return c.refute(w, g, shared, wider.values, "both")
	case wider.values != nil:
		return c.refute(w, g, shared, wider.values, "wider")
	case narrower.values != nil:
		return c.refute(w, g, shared, narrower.values, "narrower")
	case wider.reason != "":
		return c.agree(w, g, wider.reason, &budget)
	case narrower.reason != "":
		return c.agree(w, g, narrower.reason, &budget)
	}
	return Result{Verdict: Proved}
}

// maxLetters bounds the tests that the solver is given.
const maxLetters = 20_000

// agree tries events that reach every test, both ways.
func (c *claim) agree(w, g node, reason string, budget *int) Result {
	events := c.witnesses(w, budget)
	for _, ev := range events {
		if c.surely(node{op: '!', subs: []node{same(w, g)}}, ev) {
			direction := "wider"
			if c.truth(w, ev) {
				direction = "narrower"
			}
			return c.refute(w, g, len(c.letters), ev, direction)
		}
	}
	return Result{Verdict: Agreed, Reason: reason, Events: len(events)}
}

// refute makes a counterexample small and names what it is about.
func (c *claim) refute(w, g node, shared int, values map[*field][]any, direction string) Result {
	matches, differs := c.truth(w, values), negate(same(w, g))
	c.shrink(values, func(a assignment) bool { return w.under(a) == matches && c.surelyUnder(differs, a) })
	res := Result{Verdict: Refuted, Direction: direction,
		QueryMatches: c.truth(g, values), RuleMatches: c.truth(w, values)}
	res.Counterexample = c.fieldsOf(values)
	used := map[int]bool{}
	g.each(func(i int) { used[i] = true })
	blame := 0
	w.each(func(i int) {
		if blame == 0 && !used[i] {
			blame = i
		}
	})
	for i := 1; blame == 0 && i < min(shared, len(c.letters)); i++ {
		if vs := values[c.letters[i].field]; len(vs) > 0 || c.letters[i].null {
			blame = i
		}
	}
	if blame > 0 {
		l := c.letters[blame]
		res.Construct = &Construct{Name: constructName(l), Pos: l.pos}
	}
	return res
}

func (n node) each(visit func(int)) {
	if n.op == 'l' {
		visit(n.index)
	}
	for _, s := range n.subs {
		s.each(visit)
	}
}

func constructName(l *letter) string {
	if l.null {
		return "null"
	}
	switch t := l.test.(type) {
	case ir.Pattern:
		shape, _ := t.Shape()
		name := [...]string{"equals", "startswith", "endswith", "contains", "exists", "wildcard"}[shape]
		if t.Cased {
			name += " cased"
		}
		return name
	case ir.Regexp:
		return "re"
	case ir.CIDR:
		return "cidr"
	case ir.Compare:
		return [...]string{"number", "lt", "lte", "gt", "gte"}[t.Op]
	case ir.Bool:
		return "boolean"
	case ir.FieldRef:
		return "fieldref"
	case ir.TimePart:
		return t.Part
	case ir.Term:
		return "term"
	}
	return "query"
}

// same is true where a and b are both true or both false.
func same(a, b node) node {
	return node{op: '|', subs: []node{{op: '&', subs: []node{a, b}}, {op: '&', subs: []node{negate(a), negate(b)}}}}
}

// surely says whether n is true whatever the parts are that sigmac cannot
// represent.
func (c *claim) surely(n node, values map[*field][]any) bool {
	return c.surelyUnder(n, c.assign(values))
}

// surelyUnder is surely of the event whose letters are as in a.
func (c *claim) surelyUnder(n node, a assignment) bool {
	set := func(opaque bool) {
		for _, i := range c.opaque {
			a[i] = opaque
		}
	}
	set(true)
	whenTrue := n.under(a)
	set(false)
	return whenTrue && n.under(a)
}

// truth asks the evaluator about an event; what sigmac cannot represent is false.
func (c *claim) truth(n node, values map[*field][]any) bool { return n.under(c.assign(values)) }

// assign asks the evaluator about each letter.
func (c *claim) assign(values map[*field][]any) assignment {
	a := make(assignment, len(c.letters))
	for i := 1; i < len(c.letters); i++ {
		a[i] = c.letterTruth(i, values)
	}
	return a
}

func (c *claim) letterTruth(i int, values map[*field][]any) bool {
	l := c.letters[i]
	vs := values[l.field]
	if l.null {
		return len(vs) == 0
	}
	if l.test == nil {
		return false
	}
	if ref, ok := l.test.(ir.FieldRef); ok {
		m := map[string]any{"f": vs}
		for f, other := range values {
			if f.name == ref.Other.Name && !f.keyword {
				m["g"] = other
			}
		}
		if ref.Other.Name == l.field.name {
			m["g"] = vs
		}
		ev, err := eval.NewEvent(m)
		if err != nil {
			panic("verify: " + err.Error())
		}
		ref.Other.Name = "g"
		return eval.Expr(nil, ir.Match{Field: ir.Field{Name: "f"}, Test: ref}, ev)
	}
	return slices.ContainsFunc(vs, func(v any) bool { return c.passes(i, v) })
}

// Losses are the tests of want that the world of a target cannot tell apart.
func Losses(b backends.Backend, want *ir.Rule) (out []Loss) {
	for _, c := range want.Conditions {
		for _, l := range losses(b, c.Expr) {
			if !slices.Contains(out, l) {
				out = append(out, l)
			}
		}
	}
	return out
}

var lossTexts = map[string]string{
	"exists":  "a field that holds the empty text counts as missing",
	"null":    "a field that holds the empty text counts as missing",
	"empty":   "a missing field counts as one that holds the empty text",
	"keyword": "each column is searched by itself: a keyword that spans two is not found",
}

// losses are the tests of a rule that the world cannot tell apart.
func losses(b backends.Backend, e ir.Expr) (out []Loss) {
	add := func(id string, pos ir.Pos) {
		l := Loss{b.Name() + "/" + id, pos, lossTexts[id]}
		if !slices.Contains(out, l) {
			out = append(out, l)
		}
	}
	ir.Walk(e, func(e ir.Expr) {
		switch e := e.(type) {
		case ir.Match:
			if !b.World(e.Field.Type).Blank {
				return
			}
			switch t := e.Test.(type) {
			case ir.Exists:
				add("exists", e.Pos)
			case ir.Null:
				add("null", e.Pos)
			case ir.Pattern:
				if shape, s := t.Shape(); shape == ir.Exact && s == "" {
					add("empty", e.Pos)
				}
			}
		case ir.Keyword:
			if b.Caps().Keyword {
				add("keyword", e.Pos)
			}
		}
	})
	return out
}

// assumptions are the facts that a verdict rests on: those of the reading, and
// those of the rule's own tests.
func assumptions(rule ir.Expr, read []reading) []string {
	var out []string
	for _, r := range read {
		out = append(out, r.query.Assumptions...)
	}
	ir.Walk(rule, func(e ir.Expr) {
		m, ok := e.(ir.Match)
		if !ok {
			return
		}
		switch t := m.Test.(type) {
		case ir.Pattern:
			if !t.Cased && strings.ContainsAny(t.Literals(), "kKsS") {
				out = append(out, "fold")
			}
		case ir.CIDR:
			out = append(out, "ip-text")
		}
	})
	slices.Sort(out)
	return slices.Compact(out)
}
