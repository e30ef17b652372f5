package computed

import (
	"slices"
	"strconv"
	"strings"

	"sigmac/ir"
	"sigmac/regex"
)

// A tree is a T that depends on choices.
type tree[T any] struct {
	is          ir.Expr // nil of a leaf
	then, other *tree[T]
	leaf        T
}

// An arm is a term without a choice, with what is known where it stands.
type arm struct {
	term  Term
	known known
}

// choices are the arms of t. With open, a First is a choice too.
func choices(t Term, k known, open bool) *tree[arm] {
	return choose(t, k, open, func(t Term, k known) *tree[arm] { return &tree[arm]{leaf: arm{t, k}} })
}

// choose goes on with each arm of t.
func choose(t Term, k known, open bool, then func(Term, known) *tree[arm]) *tree[arm] {
	switch t := t.(type) {
	case Choice:
		is := k.simplify(t.If)
		switch {
		case ir.IsTrue(is):
			return choose(t.Then, k, open, then)
		case ir.IsFalse(is):
			return choose(t.Other, k, open, then)
		}
		return &tree[arm]{is: is,
			then:  choose(t.Then, k.and(is), open, then),
			other: choose(t.Other, k.and(ir.Negation(is)), open, then)}
	case First:
		if !open {
			break
		}
		out := Term(t.Else)
		for _, c := range slices.Backward(t.Of) {
			out = Choice{ir.Negation(ir.Match{Field: c.Field, Test: ir.Null{}}), c, out}
		}
		return choose(out, k, open, then)
	case Join:
		return joined(nil, t, k, open, then)
	case Renamed:
		return choose(t.Of, k, open, func(of Term, k known) *tree[arm] { return then(Renamed{of, t.From, t.To}, k) })
	case Name:
		return choose(t.Of, k, open, func(of Term, k known) *tree[arm] { return then(Name{of}, k) })
	}
	return then(t, k)
}

// joined goes on with each arm of a Join that begins with done.
func joined(done, rest Join, k known, open bool, then func(Term, known) *tree[arm]) *tree[arm] {
	if len(rest) == 0 {
		return then(done, k)
	}
	return choose(rest[0], k, open, func(t Term, k known) *tree[arm] {
		parts := Join{t}
		if inner, ok := t.(Join); ok {
			parts = inner
		}
		return joined(slices.Concat(done, parts), rest[1:], k, open, then)
	})
}

// A Reason says why a test of a computed column has no preimage here.
type Reason string

// The reasons.
const (
	NotUnderstood Reason = "a definition that is not understood"
	NoPreimage    Reason = "a value with no plain preimage"
	OtherTest     Reason = "a test that is no pattern"
	TooMuch       Reason = "more tests than the column is worth"
)

// A finder makes the preimages of tests.
type finder struct {
	open bool // no choice is left to the target's language
	uses map[string]bool
}

// preimage is where an arm passes the test of m.
func (p *finder) preimage(a arm, m ir.Match) (ir.Expr, Reason) {
	at := func(f ir.Field, t ir.Test) ir.Expr { return ir.Match{Field: f, Test: t, Pos: m.Pos} }
	if _, opaque := a.term.(Opaque); opaque {
		return nil, NotUnderstood
	}
	s, ok := shapeOf(m.Test)
	_, null := m.Test.(ir.Null)
	_, exists := m.Test.(ir.Exists)
	null = null || ok && len(s) == 0 // the empty text and none are one state
	if c, column := a.term.(Column); column {
		switch {
		case ok && a.known.rejects(c.Field.Name, s):
			return ir.False, ""
		case null:
			return at(c.Field, ir.Null{}), ""
		}
		return at(c.Field, m.Test), ""
	}
	switch {
	case null:
		s = nil
	case exists:
		s = shape{anyRun}
	case !ok:
		return nil, OtherTest
	}
	in := search{p, a.known, m.Pos}
	if texts, _ := s.texts(); slices.ContainsFunc(texts, func(t string) bool { return strings.Contains(t, `:\`) }) {
		in.known = nil // a path may stand in a column of which else no separator is supposed
	}
	e, ok := in.within(a.term, s)
	if !ok {
		return nil, NoPreimage
	}
	if s.empty() && !null {
		blank, ok := in.within(a.term, nil)
		if !ok {
			return nil, NoPreimage
		}
		e = conjunction(e, ir.Negation(blank))
	}
	return e, ""
}

// A search is for the rows where terms have shapes.
type search struct {
	*finder
	known known
	pos   ir.Pos
}

func (in search) match(f ir.Field, t ir.Test) ir.Expr {
	return ir.Match{Field: f, Test: t, Pos: in.pos}
}

// within is where t, which has no choice, has the shape. Unlike a test, a shape may be
// that of the empty text.
func (in search) within(t Term, s shape) (out ir.Expr, ok bool) {
	if s.all() {
		return ir.True, true
	}
	switch t := t.(type) {
	case Column:
		return in.column(t, s), true
	case Text:
		rest, known := s.after(literal(string(t), false))
		return truth(slices.ContainsFunc(rest, shape.empty)), known
	case First:
		return in.first(t, s)
	case Join:
		return in.joined(t, s)
	case Renamed:
		return in.renamed(t, s)
	case Name:
		return in.name(t, s)
	case Hex:
		return in.hex(t, s)
	}
	return nil, false
}

func truth(is bool) ir.Expr {
	if is {
		return ir.True
	}
	return ir.False
}

func (in search) column(c Column, s shape) ir.Expr {
	switch {
	case in.known.rejects(c.Field.Name, s):
		return ir.False
	case len(s) == 0:
		return in.match(c.Field, ir.Null{})
	case s.all():
		return ir.True
	case s.empty():
		return ir.Disjunction(in.match(c.Field, ir.Null{}), in.match(c.Field, s.test()))
	}
	return in.match(c.Field, s.test())
}

// first is within of a First: of all its columns together, and of what stands for none.
func (in search) first(t First, s shape) (ir.Expr, bool) {
	c := t.Of[0]
	if len(t.Of) > 1 {
		c = Column{ir.Field{Name: t.Call, Type: ir.Text}}
	}
	if !s.empty() && !slices.ContainsFunc(t.Of, func(c Column) bool { return !in.known.rejects(c.Field.Name, s) }) {
		e, ok := in.within(t.Else, s)
		if ir.IsTrue(e) {
			e = in.match(c.Field, ir.Null{})
		}
		return e, ok
	}
	last, known := in.within(t.Else, s)
	if t.Else == "" || !known {
		return in.column(c, s), known
	}
	e := in.column(c, s)
	if s.empty() {
		e = conjunction(ir.Negation(in.match(c.Field, ir.Null{})), e)
	}
	if ir.IsTrue(last) {
		e = ir.Disjunction(in.match(c.Field, ir.Null{}), e)
	}
	return e, true
}

// joined is within of a Join.
func (in search) joined(t Join, s shape) (ir.Expr, bool) {
	switch len(t) {
	case 0:
		return truth(s.empty()), true
	case 1:
		return in.within(t[0], s)
	}
	var arms []ir.Expr
	add := func(e ir.Expr) bool {
		arms = append(arms, e)
		return !ir.IsTrue(e)
	}
	if text, ok := t[0].(Text); ok {
		rest, known := s.after(literal(string(text), false))
		if !known {
			return nil, false
		}
		for _, r := range rest {
			e, ok := in.within(t[1:], r)
			if !ok {
				return nil, false
			}
			if !add(e) {
				break
			}
		}
		return disjunction(arms...), true
	}
	for _, h := range s.halves() {
		right, ok := in.within(t[1:], h[1])
		if ok && ir.IsFalse(right) {
			continue
		}
		left, ok2 := in.within(t[0], h[0])
		if ok2 && ir.IsFalse(left) {
			continue
		}
		if !ok || !ok2 {
			return nil, false
		}
		if !add(conjunction(left, right)) {
			break
		}
	}
	return disjunction(arms...), true
}

// renamed is within of a Renamed: where what follows an old name must be the same as
// what follows the new one, nothing changes.
func (in search) renamed(t Renamed, s shape) (ir.Expr, bool) {
	news, known := s.after(t.To)
	if !known {
		return nil, false
	}
	var arms, without []ir.Expr
	for _, from := range t.From {
		olds, known := s.after(from)
		if !known {
			return nil, false
		}
		if slices.EqualFunc(olds, news, shape.equal) {
			continue
		}
		// where the name is old, and the rest is as asked
		with := func(rests []shape) (out []shape, es []ir.Expr, ok bool) {
			for _, rest := range rests {
				e, ok := in.within(t.Of, slices.Concat(from, rest))
				if !ok {
					return nil, nil, false
				}
				if !ir.IsFalse(e) {
					out, es = append(out, rest), append(es, e)
				}
			}
			return out, es, true
		}
		olds, _, ok := with(olds)
		rests, es, ok2 := with(news)
		if !ok || !ok2 {
			return nil, false
		}
		same := covered(olds, rests)
		for i, rest := range rests {
			if !same || !among(rest, olds) {
				arms = append(arms, es[i])
			}
		}
		if !same {
			begins, ok := in.within(t.Of, slices.Concat(from, shape{anyRun}))
			if !ok {
				return nil, false
			}
			without = append(without, ir.Negation(begins))
		}
	}
	e, ok := in.within(t.Of, s)
	return disjunction(append([]ir.Expr{conjunction(append(without, e)...)}, arms...)...), ok
}

var separators = []regex.Range{{Lo: '/', Hi: '/'}, {Lo: '\\', Hi: '\\'}}

// name is within of a Name, of a shape that has neither separator nor wildcard.
func (in search) name(t Name, s shape) (ir.Expr, bool) {
	for _, g := range s {
		if some, _ := meets(&regex.Re{Op: regex.OpClass, Ranges: separators}, g); isRun(g) || some {
			return nil, false
		}
	}
	var arms []ir.Expr
	for _, begin := range []shape{nil, {anyRun, regex.Literal('\\', false)}, {anyRun, regex.Literal('/', false)}} {
		e, ok := in.within(t.Of, slices.Concat(begin, s))
		if !ok {
			return nil, false
		}
		arms = append(arms, e)
	}
	return disjunction(arms...), true
}

// hex is within of a Hex: of the digits of one number, or of what no number has.
func (in search) hex(t Hex, s shape) (ir.Expr, bool) {
	runs := slices.ContainsFunc(s, isRun)
	characters := 0
	for _, g := range s {
		digits := []regex.Range{{Lo: '0', Hi: '9'}, {Lo: 'a', Hi: 'f'}}
		if some, _ := meets(g, &regex.Re{Op: regex.OpClass, Ranges: digits}); !isRun(g) && !some {
			return ir.False, true
		} else if !isRun(g) {
			characters++
		}
	}
	switch {
	case characters > t.Digits && t.Part, !runs && characters < t.Digits:
		return ir.False, true
	case runs || characters > t.Digits || t.Part:
		return nil, false
	}
	var text strings.Builder
	for _, g := range s {
		if g.Op != regex.OpLiteral {
			return nil, false
		}
		text.WriteRune(g.Rune)
	}
	n, err := strconv.ParseUint(text.String(), 16, 64)
	if err != nil {
		return nil, false
	}
	in.uses[t.Assumption] = true
	return in.column(t.Of, literal(strconv.FormatUint(n, 10), false)), true
}

// conjunction is ir.Conjunction without what other parts imply, such as that a column is
// filled beside a test of what it is filled with.
func conjunction(es ...ir.Expr) ir.Expr {
	var out []ir.Expr
	for _, e := range es {
		out = append(out, ir.Conjuncts(e)...)
	}
	for i := 0; i < len(out) && len(out) <= manyParts; i++ {
		if _, not := out[i].(ir.Not); not && known(slices.Delete(slices.Clone(out), i, i+1)).decide(out[i]) == yes {
			out = slices.Delete(out, i, i+1)
			i--
		}
	}
	// What a column is not stands together.
	for i := 0; i < len(out) && len(out) <= manyParts; i++ {
		not, _ := out[i].(ir.Not)
		column, _, ok := exact(not.X)
		for j := i + 1; ok && j < len(out); j++ {
			other, _ := out[j].(ir.Not)
			if name, _, ok := exact(other.X); ok && name == column {
				out[i] = ir.Not{X: ir.Disjunction(out[i].(ir.Not).X, other.X)}
				out = slices.Delete(out, j, j+1)
				j--
			}
		}
	}
	return ir.Conjunction(out...)
}

// manyParts is where it costs too much to hold each part against all others.
const manyParts = 32

// disjunction is ir.Disjunction without arms that ask for more than another.
func disjunction(es ...ir.Expr) ir.Expr {
	var out []ir.Expr
	for _, e := range es {
		out = append(out, ir.Disjuncts(e)...)
	}
	for i := 0; i < len(out) && len(out) <= manyParts; i++ {
		if slices.ContainsFunc(out, func(e ir.Expr) bool { return !ir.Equal(e, out[i]) && asksMore(out[i], e) }) {
			out = slices.Delete(out, i, i+1)
			i--
		}
	}
	return ir.Disjunction(out...)
}

// asksMore says whether each conjunct of b is one of a.
func asksMore(a, b ir.Expr) bool {
	as := ir.Conjuncts(a)
	return !slices.ContainsFunc(ir.Conjuncts(b), func(x ir.Expr) bool {
		return !slices.ContainsFunc(as, func(y ir.Expr) bool { return ir.Equal(x, y) })
	})
}

// expr is a tree of predicates as one.
func expr(t *tree[ir.Expr]) ir.Expr {
	if t.is == nil {
		return t.leaf
	}
	return either(t.is, expr(t.then), expr(t.other))
}

// either is x where is holds, and y elsewhere; what both have in common stands once, and
// one that is the other there stands alone.
func either(is, x, y ir.Expr) ir.Expr {
	not := ir.Negation(is)
	switch {
	case ir.Equal(x, y):
		return x
	case ir.IsFalse(x):
		return conjunction(not, y)
	case ir.IsFalse(y):
		return conjunction(is, x)
	case ir.IsTrue(x):
		return disjunction(is, y)
	case ir.IsTrue(y):
		return disjunction(not, x)
	}
	if both, xs, ys := common(ir.Disjuncts(x), ir.Disjuncts(y)); both != nil {
		return disjunction(append(both, either(is, ir.Disjunction(xs...), ir.Disjunction(ys...)))...)
	}
	if both, xs, ys := common(ir.Conjuncts(x), ir.Conjuncts(y)); both != nil {
		return conjunction(append(both, either(is, ir.Conjunction(xs...), ir.Conjunction(ys...)))...)
	}
	switch {
	case ir.Equal(x, known(nil).and(is).simplify(y)):
		return y
	case ir.Equal(y, known(nil).and(not).simplify(x)):
		return x
	}
	return ir.Disjunction(conjunction(is, x), conjunction(not, y))
}

// common are the parts that both lists have, and the others of each.
func common(xs, ys []ir.Expr) (both, restX, restY []ir.Expr) {
	has := func(es []ir.Expr, e ir.Expr) bool {
		return slices.ContainsFunc(es, func(x ir.Expr) bool { return ir.Equal(x, e) })
	}
	for _, x := range xs {
		if has(ys, x) {
			both = append(both, x)
		} else {
			restX = append(restX, x)
		}
	}
	for _, y := range ys {
		if !has(xs, y) {
			restY = append(restY, y)
		}
	}
	return both, restX, restY
}
