package ir

import (
	"slices"
	"strings"
	"unicode/utf8"

	"sigmac/regex"
)

// Decide drops what the rest of a condition of r decides: beside the other parts of a
// conjunction what one of them implies is true, and beside those of a disjunction what
// implies one of them is false. What is negated twice is said without: `not (not a or b)`
// is `a and not b`. single says that no field has
// several values, of which one passes a test and one another. Simplify has run.
func Decide(r *Rule, single bool) *Rule {
	out := r
	for i, c := range r.Conditions {
		k := known{work: maxCompared, single: single}
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
	facts  []fact
	single bool // a field has one value at most
	own    int  // the first fact of the part that is decided
	work   int  // comparisons that are left
}

// maxCompared bounds the comparisons of tests in a condition: those of a few hundred
// values in one list.
const maxCompared = 200_000

// A fact is a test of which it is known what it says, or a group of which one case holds:
// a disjunction that is true, or a conjunction that is false.
type fact struct {
	said
	cases Expr  // the group, or nil
	about names // that the group tests
	is    bool
	off   bool // it is of the part that is decided
}

// names is a set of names of fields, in which some cannot be told apart.
type names uint64

func nameBit(name string) names {
	h := len(name)
	for _, at := range []int{0, len(name) / 2, len(name) - 1} {
		if at >= 0 && at < len(name) {
			h = h*31 + int(name[at])
		}
	}
	return 1 << (h % 64)
}

func namesIn(e Expr) (out names) {
	switch e := e.(type) {
	case Match:
		return nameBit(e.Field.Name)
	case Keyword:
		return nameBit(keywords)
	}
	for _, x := range Parts(e) {
		out |= namesIn(x)
	}
	return out
}

// A said is a test of a field, and of a Pattern its shape; of one that is neither Any nor
// Glob, its text too, folded if it has more than ASCII.
type said struct {
	field string
	test  Test
	shape Shape
	text  string
	cased bool // the case of its letters counts, and it has some
}

func say(field string, t Test) said {
	s := said{field: field, test: t, shape: Glob}
	if p, ok := t.(Pattern); ok {
		s.shape, s.text = p.Shape()
		s.cased = p.Cased && strings.ContainsFunc(p.Literals(), regex.HasCases)
		if strings.IndexFunc(s.text, func(r rune) bool { return r >= utf8.RuneSelf }) >= 0 {
			s.text = regex.Fold(s.text)
		}
	}
	return s
}

// keywords stands for the name of a field.
const keywords = "\x00"

// assume adds what follows if e is true, or if it is false.
func (k *known) assume(e Expr, is bool) {
	switch e := e.(type) {
	case And, Or:
		if _, and := e.(And); and != is {
			k.facts = append(k.facts, fact{cases: e, about: namesIn(e), is: is})
			return
		}
		for _, x := range Parts(e) {
			k.assume(x, is)
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
		y, changed := k.decide(x.X)
		if or := Disjuncts(y); !isNot(y) && slices.ContainsFunc(or, turns) {
			return neither(or), true
		} else if changed {
			return Negation(y), true
		}
	case Match, Keyword:
		return k.leaf(e)
	}
	return e, false
}

// turns says whether the negation of e is shorter than e: of a negation, and of a group of
// such, in which a field may be missing.
func turns(e Expr) bool {
	and, ok := e.(And)
	return isNot(e) || ok && slices.ContainsFunc(and, turns) && !slices.ContainsFunc(and, func(x Expr) bool {
		m, _ := x.(Match)
		return m.Test != (Null{}) && !turns(x)
	})
}

func isNot(e Expr) bool { _, ok := e.(Not); return ok }

// neither is the negation of a choice, that of each part which turns for itself.
func neither(or Or) Expr {
	var out And
	var rest Or
	for _, x := range or {
		if !turns(x) {
			rest = append(rest, x)
			continue
		}
		var any Or
		for _, y := range Conjuncts(x) {
			any = append(any, Negation(y))
		}
		out = append(out, Disjunction(any...))
	}
	if len(rest) > 0 {
		out = append(out, Negation(Disjunction(rest...)))
	}
	return Conjunction(out...)
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
			return k.rulesOut(x, y.X)
		}
	case Keyword:
		if y, ok := y.(Keyword); ok {
			a, b := say(keywords, x.Test), say(keywords, y.Test)
			return a.implies(&b)
		}
	}
	return Equal(x, y)
}

// rulesOut says whether e is surely false of an event of which x is true.
func (k *known) rulesOut(x Match, e Expr) bool {
	switch e := e.(type) {
	case And:
		return slices.ContainsFunc(e, func(p Expr) bool { return k.rulesOut(x, p) })
	case Or:
		return !slices.ContainsFunc(e, func(p Expr) bool { return !k.rulesOut(x, p) })
	case Match:
		a, b := say(x.Field.Name, x.Test), say(e.Field.Name, e.Test)
		return x.Field.Name == e.Field.Name && k.excludes(&a, &b)
	}
	return false
}

// leaf is e, the test of a field that is off, or a constant.
func (k *known) leaf(e Expr) (Expr, bool) {
	if k.work -= len(k.facts); k.work < 0 || len(k.facts) < 2 {
		return e, false
	}
	s := &k.facts[k.own].said
	truth := func(is bool) (Expr, bool) {
		if is {
			return True, true
		}
		return False, true
	}
	for i := range k.facts {
		f := &k.facts[i]
		if f.off || f.cases != nil || f.field != s.field || !f.is && s.shorter(&f.said) {
			continue
		}
		if is, ok := k.says(f, s); ok {
			return truth(is)
		}
	}
	// Where fields have several values, cases say only whether there is one: what they leave
	// out else may be the test that spares a guard.
	name := nameBit(s.field)
	if !k.single && !asksPresence(s.test) {
		name = 0
	}
	for i := range k.facts {
		if f := &k.facts[i]; !f.off && f.about&name != 0 {
			if yes, no := k.can(f.cases, f.is, s); !yes || !no {
				return truth(yes)
			}
		}
	}
	return e, false
}

// says is what a test of the same field says where f holds, if it is known.
func (k *known) says(f *fact, s *said) (is, ok bool) {
	switch {
	case f.is && f.implies(s), !f.is && f.covers(s):
		return true, true
	case f.is && k.excludes(&f.said, s), !f.is && s.implies(&f.said):
		return false, true
	}
	return false, false
}

// can says whether s can be true and whether it can be false, of events of which e is so,
// beside what single tests are known to say. Neither: there are no such events.
func (k *known) can(e Expr, is bool, s *said) (yes, no bool) {
	if k.work < 0 {
		return true, true
	}
	var f fact
	switch e := e.(type) {
	case And, Or:
		_, and := e.(And)
		every := and == is
		yes, no = every, every
		for _, x := range Parts(e) {
			y, n := k.can(x, is, s)
			if every {
				yes, no = yes && y, no && n
			} else {
				yes, no = yes || y, no || n
			}
			if yes != every && no != every {
				break
			}
		}
		return yes, no
	case Not:
		return k.can(e.X, !is, s)
	case Match:
		f = fact{said: say(e.Field.Name, e.Test), is: is}
	case Keyword:
		f = fact{said: say(keywords, e.Test), is: is}
	default:
		return true, true
	}
	k.work -= len(k.facts)
	for i := range k.facts {
		if g := &k.facts[i]; !g.off && g.field == f.field && g.cases == nil {
			if known, ok := k.says(g, &f.said); ok && known != is {
				return false, false
			}
		}
	}
	if f.field != s.field {
		return true, true
	}
	known, ok := k.says(&f, s)
	return !ok || known, !ok || !known
}

// implies says whether a field that passes s surely passes t.
func (s *said) implies(t *said) bool {
	switch {
	case t.shape == Any || t.test == (Exists{}):
		return needsValue(s.test) || equalTests(s.test, t.test)
	case t.cased && !s.cased:
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
	if t.cased {
		a, b = s.test.(Pattern).Literals(), t.test.(Pattern).Literals()
		same = func(a, b string) bool { return a == b }
	}
	n := len(a) - len(b)
	switch {
	case n < 0:
		return false
	case t.shape == Contains:
		for i := range n + 1 {
			if b == "" || a[i]|' ' == b[0]|' ' && same(a[i:i+len(b)], b) {
				return true
			}
		}
		return false
	case t.shape == Prefix:
		return same(a[:len(b)], b)
	}
	return (t.shape == Suffix || n == 0) && same(a[n:], b)
}

// shorter says whether s has too little text to imply t, which is what most of the values
// of a list say of each other.
func (s *said) shorter(t *said) bool {
	return s.shape <= Contains && t.shape <= Contains && !t.cased && len(s.text) < len(t.text)
}

// within says whether what passes p passes q, for each part of p lies within one of q: a
// `*` of q takes in anything, a `?` any character that p has there.
func (p Pattern) within(q Pattern) bool {
	a, ok := p.symbols(q.Cased)
	b, both := q.symbols(q.Cased)
	return ok && both && fits(a, b, func(x, y rune) bool { return x == y || y == anyOne })
}

// meets says whether a text may pass p, which has no `*`, and q; the case is left out of
// account.
func (p Pattern) meets(q Pattern) bool {
	p.Cased, q.Cased = false, false
	a, ok := p.symbols(false)
	b, both := q.symbols(false)
	return !ok || !both || fits(a, b, func(x, y rune) bool { return x == y || y == anyOne || x == anyOne })
}

// fits says whether the symbols of a, one after the other, are those of b, in which a `*`
// stands for any number.
func fits(a, b []rune, same func(x, y rune) bool) bool {
	i, j, star, from := 0, 0, -1, 0
	for i < len(a) {
		switch {
		case j < len(b) && b[j] == anyRun:
			star, from = j, i
			j++
		case j < len(b) && a[i] != anyRun && same(a[i], b[j]):
			i++
			j++
		case star >= 0:
			from++
			i, j = from, star+1
		default:
			return false
		}
	}
	return j == len(b) || j == len(b)-1 && b[j] == anyRun
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

// apart says whether no text passes s and t, for s has no `*`, or both are its beginning,
// or its end. The case is left out of account.
func (s *said) apart(t *said) bool {
	switch {
	case s.shape == Glob || s.shape == Exact:
		p, ok := wide(s.test)
		if !ok || p.Has(AnyRun) {
			return false
		}
		q, ok := wide(t.test)
		return ok && !p.meets(q)
	case s.shape == Prefix && t.shape == Prefix, s.shape == Suffix && t.shape == Suffix:
		p, q := s.test.(Pattern), t.test.(Pattern)
		p.Cased, q.Cased = false, false
		a, b := say("", p), say("", q)
		return !a.implies(&b) && !b.implies(&a)
	}
	return false
}

// wide is a pattern that all texts pass which pass t, if t is a test of texts.
func wide(t Test) (p Pattern, ok bool) {
	if x, re := t.(Regexp); re && x.Re != nil {
		p, _ = x.Wide()
		return p, true
	}
	p, ok = t.(Pattern)
	return p, ok
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
