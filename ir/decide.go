package ir

import (
	"slices"
	"strings"
	"unicode/utf8"

	"sigmac/regex"
)

// Decide drops what the rest of a condition of r decides: beside the other parts of a
// conjunction what one of them implies is true, and beside those of a disjunction what
// implies one of them is false. single says that no field has several values, of which one
// passes a test and one another. Simplify has run.
func Decide(r *Rule, single bool) *Rule {
	out := r
	for i, c := range r.Conditions {
		k := known{work: maxCompared, single: single}
		Walk(c.Expr, func(e Expr) {
			m, ok := e.(Match)
			k.presence = k.presence || ok && asksPresence(m.Test)
		})
		x, changed := k.decide(c.Expr)
		if !changed {
			continue
		}
		if out == r {
			copied := *r
			copied.Conditions = slices.Clone(r.Conditions)
			out = &copied
		}
		out.Conditions[i].Expr = x
	}
	return out
}

// A known has tests that are true, or false, of the events for which what stands at a
// place still matters.
type known struct {
	facts    []fact
	single   bool // a field has one value at most
	presence bool // whether a field is there is asked somewhere
	own      int  // the first fact of the part that is decided
	work     int  // comparisons that are left
}

// maxCompared bounds the comparisons of tests in a condition: those of a few hundred
// values in one list.
const maxCompared = 50_000

// A fact is a test of which it is known what it says.
type fact struct {
	said
	is  bool
	off bool // it is of the part that is decided
}

// A said is a test of a field, and of a Pattern its shape; of one that is neither Any nor
// Glob, its text too, folded if it has more than ASCII.
type said struct {
	field string
	test  Test
	shape Shape
	text  string
}

func say(field string, t Test) said {
	s := said{field: field, test: t, shape: Glob}
	if p, ok := t.(Pattern); ok {
		s.shape, s.text = p.Shape()
		if strings.IndexFunc(s.text, func(r rune) bool { return r >= utf8.RuneSelf }) >= 0 {
			s.text = regex.Fold(s.text)
		}
	}
	return s
}

func (s *said) cased() bool {
	p, _ := s.test.(Pattern)
	return p.Cased
}

// keywords stands for the name of a field.
const keywords = "\x00"

// assume adds what follows if e is true, or if it is false.
func (k *known) assume(e Expr, is bool) {
	switch e := e.(type) {
	case And:
		for _, x := range e {
			if is {
				k.assume(x, is)
			}
		}
	case Or:
		for _, x := range e {
			if !is {
				k.assume(x, is)
			}
		}
		if is && k.presence {
			for _, f := range Required(e) {
				k.facts = append(k.facts, fact{said: say(f.Name, Null{})})
			}
		}
	case Not:
		k.assume(e.X, !is)
	case Match:
		k.facts = append(k.facts, fact{said: say(e.Field.Name, e.Test), is: is})
	case Keyword:
		k.facts = append(k.facts, fact{said: say(keywords, e.Test), is: is})
	}
}

// decide is e beside what is known.
func (k *known) decide(e Expr) (Expr, bool) {
	switch x := e.(type) {
	case And:
		if es, changed := k.parts(x, true); changed {
			return Conjunction(es...), true
		}
	case Or:
		if es, changed := k.parts(x, false); changed {
			return Disjunction(es...), true
		}
	case Not:
		if y, changed := k.decide(x.X); changed {
			return Negation(y), true
		}
	case Match, Keyword:
		return k.leaf(e)
	}
	return e, false
}

// parts are those of a group, each decided beside the others: of a conjunction (and)
// where these are true, of a disjunction where they are false.
func (k *known) parts(es []Expr, and bool) (out []Expr, changed bool) {
	out = es
	before := len(k.facts)
	ends := make([]int, len(es))
	for i, x := range es {
		k.assume(x, and)
		ends[i] = len(k.facts)
	}
	at := before
	for i, x := range es {
		turn := func(off bool) {
			for j := range k.facts[at:ends[i]] {
				k.facts[at+j].off = off
			}
		}
		turn(true)
		k.own = at
		if y, c := k.decide(x); !c {
			turn(false)
		} else {
			if !changed {
				out, changed = slices.Clone(es), true
			}
			out[i] = y
			k.assume(y, and)
		}
		at = ends[i]
	}
	k.facts = k.facts[:before]
	if less := k.absorb(out, and); len(less) < len(out) {
		return less, true
	}
	return out, changed
}

// absorb is es without the parts of a conjunction that another part implies, or those of a
// disjunction that imply another part, where one of the two is a group; of single tests
// that is decided by what is known.
func (k *known) absorb(es []Expr, and bool) []Expr {
	single := func(e Expr) bool { return len(Parts(e)) == 0 }
	if !slices.ContainsFunc(es, func(e Expr) bool { return !single(e) }) {
		return es
	}
	gone := make([]bool, len(es))
	for i, x := range es {
		for j, y := range es {
			if i == j || gone[j] || single(x) && single(y) {
				continue
			}
			if and && k.implies(y, x) || !and && k.implies(x, y) {
				gone[i] = true
				break
			}
		}
	}
	if !slices.Contains(gone, true) {
		return es
	}
	var out []Expr
	for i, e := range es {
		if !gone[i] {
			out = append(out, e)
		}
	}
	return out
}

// implies says whether y surely is true of an event of which x is.
func (k *known) implies(x, y Expr) bool {
	if k.work--; k.work < 0 {
		return false
	}
	fails := func(p Expr) bool { return !k.implies(x, p) }
	if parts, ok := y.(And); ok {
		return !slices.ContainsFunc(parts, fails)
	}
	if parts, ok := x.(Or); ok {
		return !slices.ContainsFunc(parts, func(p Expr) bool { return !k.implies(p, y) })
	}
	if parts, ok := x.(And); ok && slices.ContainsFunc(parts, func(p Expr) bool { return k.implies(p, y) }) {
		return true
	}
	if parts, ok := y.(Or); ok && slices.ContainsFunc(parts, func(p Expr) bool { return k.implies(x, p) }) {
		return true
	}
	switch x := x.(type) {
	case Not:
		y, ok := y.(Not)
		return ok && k.implies(y.X, x.X)
	case Match:
		switch y := y.(type) {
		case Match:
			a, b := say(x.Field.Name, x.Test), say(y.Field.Name, y.Test)
			return x.Field.Name == y.Field.Name && a.implies(&b)
		case Not:
			return !slices.ContainsFunc(Disjuncts(y.X), func(p Expr) bool {
				m, ok := p.(Match)
				a, b := say(x.Field.Name, x.Test), say(m.Field.Name, m.Test)
				return !ok || x.Field.Name != m.Field.Name || !k.excludes(&a, &b)
			})
		}
	case Keyword:
		if y, ok := y.(Keyword); ok {
			a, b := say(keywords, x.Test), say(keywords, y.Test)
			return a.implies(&b)
		}
	}
	return Equal(x, y)
}

// leaf is e, the test of a field that is off, or a constant.
func (k *known) leaf(e Expr) (Expr, bool) {
	if k.work -= len(k.facts); k.work < 0 || len(k.facts) < 2 {
		return e, false
	}
	s := &k.facts[k.own].said
	for i := range k.facts {
		f := &k.facts[i]
		switch {
		case f.off || f.field != s.field:
		case f.is && f.implies(s), !f.is && f.covers(s):
			return True, true
		case f.is && k.excludes(&f.said, s), !f.is && s.implies(&f.said):
			return False, true
		}
	}
	return e, false
}

// implies says whether a field that passes s surely passes t.
func (s *said) implies(t *said) bool {
	switch {
	case t.shape == Any || t.test == (Exists{}):
		return needsValue(s.test) || equalTests(s.test, t.test)
	case t.cased() && !s.cased():
		return false
	case s.shape == Glob || t.shape == Glob:
		p, ok := s.test.(Pattern)
		q, both := t.test.(Pattern)
		return (ok && both && p.within(q)) || equalTests(s.test, t.test)
	case s.shape > Contains:
		return false
	case s.shape != t.shape && s.shape != Exact && t.shape != Contains:
		return false
	}
	a, b, same := s.text, t.text, equalFolded
	if t.cased() {
		a, b = s.test.(Pattern).Literals(), t.test.(Pattern).Literals()
		same = func(a, b string) bool { return a == b }
	}
	n := len(a) - len(b)
	switch {
	case n < 0:
		return false
	case t.shape == Contains:
		for i := range n + 1 {
			if same(a[i:i+len(b)], b) {
				return true
			}
		}
		return false
	case t.shape == Prefix:
		return same(a[:len(b)], b)
	}
	return (t.shape == Suffix || n == 0) && same(a[n:], b)
}

// within says whether what passes p passes q, for each part of p lies within one of q: a
// `*` of q takes in anything, a `?` any character that p has there.
func (p Pattern) within(q Pattern) bool {
	a, ok := p.symbols(q.Cased)
	b, both := q.symbols(q.Cased)
	i, j, star, from := 0, 0, -1, 0
	for ok && both && i < len(a) {
		switch {
		case j < len(b) && b[j] == anyRun:
			star, from = j, i
			j++
		case j < len(b) && a[i] != anyRun && (a[i] == b[j] || b[j] == anyOne):
			i++
			j++
		case star >= 0:
			from++
			i, j = from, star+1
		default:
			return false
		}
	}
	return ok && both && (j == len(b) || j == len(b)-1 && b[j] == anyRun)
}

// What stands in the place of a character for a wildcard.
const (
	anyRun rune = -1 - iota
	anyOne
)

// symbols are the characters and wildcards of p; ok is false where it has others.
func (p Pattern) symbols(cased bool) (out []rune, ok bool) {
	for _, part := range p.Parts {
		switch {
		case part.Kind == AnyRun:
			out = append(out, anyRun)
		case part.Kind == AnyOne:
			out = append(out, anyOne)
		case part.Kind != Literal || !utf8.ValidString(part.Text):
			return nil, false
		case cased:
			out = append(out, []rune(part.Text)...)
		default:
			out = append(out, []rune(regex.Fold(part.Text))...)
		}
	}
	return out, true
}

// equalFolded says whether texts of one length are the same without regard to the case
// of ASCII's letters.
func equalFolded(a, b string) bool {
	for i := range len(a) {
		if x, y := a[i], b[i]; x != y && (x|' ' != y|' ' || x|' ' < 'a' || 'z' < x|' ') {
			return false
		}
	}
	return true
}

// excludes says whether a field that passes s surely does not pass t.
func (k *known) excludes(s, t *said) bool {
	return s.test == (Null{}) && needsValue(t.test) || t.test == (Null{}) && needsValue(s.test) ||
		k.single && (s.apart(t) || t.apart(s))
}

// apart says whether no text passes s and t, for s is the whole text, or both are its
// beginning, or its end. The case is left out of account.
func (s *said) apart(t *said) bool {
	p, ok := s.test.(Pattern)
	q, both := t.test.(Pattern)
	if !ok || !both {
		return false
	}
	p.Cased, q.Cased = false, false
	switch {
	case s.shape == Exact:
		_, known := q.symbols(false)
		_, valid := p.symbols(false)
		return known && valid && !p.within(q)
	case s.shape == Prefix && t.shape == Prefix, s.shape == Suffix && t.shape == Suffix:
		a, b := say("", p), say("", q)
		return !a.implies(&b) && !b.implies(&a)
	}
	return false
}

// covers says whether a field that does not pass s surely passes t.
func (s *said) covers(t *said) bool {
	return s.test == (Null{}) && (t.test == (Exists{}) || t.shape == Any)
}

// asksPresence says whether a test asks only whether its field has a value.
func asksPresence(t Test) bool {
	p, ok := t.(Pattern)
	shape, _ := p.Shape()
	return ok && shape == Any || t == (Null{}) || t == (Exists{})
}

// needsValue says whether a test is false of a field without a value, and of the empty
// text, which is none to some targets.
func needsValue(t Test) bool {
	switch t := t.(type) {
	case Pattern:
		return (t.Literals() != "" || t.Has(AnyOne)) && !t.Has(Placeholder)
	case Regexp:
		return t.Re != nil && !t.Re.MatchesEmpty()
	case Compare, CIDR, Bool, TimePart, Term:
		return true
	}
	return false
}

// Required are fields that have a value, and not the empty text, wherever e is true.
func Required(e Expr) (out []Field) {
	switch e := e.(type) {
	case And:
		for _, x := range e {
			out = append(out, Required(x)...)
		}
	case Or:
		for i, x := range e {
			if fields := Required(x); i == 0 {
				out = fields
			} else {
				out = slices.DeleteFunc(out, func(f Field) bool { return !slices.Contains(fields, f) })
			}
		}
	case Not:
		for _, x := range Disjuncts(e.X) {
			if m, ok := x.(Match); ok && m.Test == (Null{}) {
				out = append(out, m.Field)
			}
		}
	case Match:
		if needsValue(e.Test) {
			out = append(out, e.Field)
		}
	}
	return out
}
