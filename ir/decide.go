package ir

import (
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"sigmac/regex"
)

// Decide drops what the rest of a condition of r decides: beside the other parts of a
// conjunction what one of them implies is true, and beside those of a disjunction what
// implies one of them is false. What is negated twice is said without: `not (not a or b)`
// is `a and not b`. single says that no field has
// several values, of which one passes a test and one another. Simplify has run.
//
// What is decided where fields may have several values is decided too where they have one, if
// whole is true: all that there is was compared.
func Decide(r *Rule, single bool) (out *Rule, whole bool) {
	out, whole = r, true
	k := knowns.Get().(*known)
	defer knowns.Put(k)
	for i, c := range r.Conditions {
		k.work, k.single = maxCompared, single
		x, changed := k.condition(c.Expr)
		whole = whole && k.work >= 0
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
	return out, whole
}

// A known has what is true, or false, of the events for which what stands at a place
// still matters.
type known struct {
	claims []claim // of the condition, where they are not too many to be kept
	facts  []fact
	ends   []int // of the facts of each part of the groups around a place
	single bool  // a field has one value at most
	work   int   // comparisons that are left
}

// knowns are used again, for their memory.
var knowns = sync.Pool{New: func() any { return &known{claims: make([]claim, maxKept)} }}

// maxKept bounds the claims whose memory is used again.
const maxKept = 256

// condition is decide of a whole condition.
func (k *known) condition(e Expr) (Expr, bool) {
	n := nodes(e)
	all := k.claims
	if n > len(all) {
		all = make([]claim, n)
		k.facts = make([]fact, 0, n)
		defer func() { k.facts = nil }()
	}
	all[0].claim(e, all[1:])
	out, changed := k.decide(&all[0])
	clear(all[:n])
	return out, changed
}

// maxCompared bounds the comparisons of tests in a condition: those of a few hundred
// values in one list.
const maxCompared = 200_000

// A fact is a test of which it is known what it says, or a group of which one case holds:
// a disjunction that is true, or a conjunction that is false. There are many: what rules most
// of them out stands first.
type fact struct {
	of    names  // what the claim is about; nothing while the part that it is of is decided
	needs uint64 // of a test that is false: letters of each text that passes it
	*claim
	is, group bool
}

// concerns says whether f may say something of the test c. A test that is false does only if c
// implies it, and then c has all its letters.
func (f *fact) concerns(c *claim) bool { return f.of&c.about != 0 && f.needs&^c.letters == 0 }

// A claim is an expression with what is asked of it again and again.
type claim struct {
	said  // of a test
	e     Expr
	parts []claim
	about names // that are tested
	other bool  // not only tests are in it, or nothing is
}

// claimOf is the claim of e. All in it are one piece of memory.
func claimOf(e Expr) *claim {
	all := make([]claim, nodes(e))
	all[0].claim(e, all[1:])
	return &all[0]
}

// nodes counts e and what is in it.
func nodes(e Expr) int {
	n := 1
	switch e := e.(type) {
	case And:
		for _, x := range e {
			n += nodes(x)
		}
	case Or:
		for _, x := range e {
			n += nodes(x)
		}
	case Not:
		n += nodes(e.X)
	}
	return n
}

// claim makes c the claim of e, with its parts in free; it gives what is left of that.
func (c *claim) claim(e Expr, free []claim) []claim {
	c.e = e
	switch e := e.(type) {
	case Match:
		c.said = say(e.Field.Name, e.Test)
	case Keyword:
		c.said = say(keywords, e.Test)
	case And:
		free = c.join(e, free)
	case Or:
		free = c.join(e, free)
	case Not:
		free = c.join([]Expr{e.X}, free)
	}
	if c.test != nil {
		c.about = nameBit(c.field)
	}
	c.other = c.other || c.test == nil && len(c.parts) == 0
	return free
}

// join gives c the claims of es as its parts.
func (c *claim) join(es []Expr, free []claim) []claim {
	c.parts, free = free[:len(es):len(es)], free[len(es):]
	for i, x := range es {
		p := &c.parts[i]
		free = p.claim(x, free)
		c.about |= p.about
		c.other = c.other || p.other
	}
	return free
}

func (c *claim) some(is func(*claim) bool) bool {
	for i := range c.parts {
		if is(&c.parts[i]) {
			return true
		}
	}
	return false
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

// A said is a test of a field, and of a Pattern its shape; of one that is neither Any nor
// Glob, its text too, folded if it has more than ASCII.
type said struct {
	field   string
	test    Test
	shape   Shape
	cased   bool // the case of its letters counts, and it has some
	text    string
	letters uint64 // of its literals, of which some cannot be told apart; of another test a sign for what is Equal
}

func say(field string, t Test) said {
	s := said{field: field, test: t, shape: Glob}
	p, ok := t.(Pattern)
	if !ok {
		switch t.(type) {
		case CIDR, Compare, Regexp:
			s.letters = 1 << (hashSeed.test(t) >> 58)
		}
		return s
	}
	s.shape, s.text = p.Shape()
	s.cased = p.Cased && strings.ContainsFunc(p.Literals(), regex.HasCases)
	for _, q := range p.Parts {
		if q.Kind != Literal {
			continue
		}
		text := q.Text
		if !ascii(text) {
			text = regex.Fold(text)
		}
		if s.shape != Glob {
			s.text = text
		}
		for i := range len(text) {
			c := text[i]
			s.letters |= 1 << (c&31 | c>>1&32) // the same of both cases
		}
	}
	return s
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// keywords stands for the name of a field.
const keywords = "\x00"

// assume adds what follows if c is true, or if it is false.
func (k *known) assume(c *claim, is bool) {
	switch c.e.(type) {
	case And, Or:
		if _, and := c.e.(And); and != is {
			k.facts = append(k.facts, fact{of: c.about, claim: c, is: is, group: true})
			return
		}
		for i := range c.parts {
			k.assume(&c.parts[i], is)
		}
	case Not:
		k.assume(&c.parts[0], !is)
	case Match, Keyword:
		f := fact{of: c.about, claim: c, is: is}
		if !is && !c.cased {
			f.needs = c.letters
		}
		k.facts = append(k.facts, f)
	}
}

// decide is c beside what is known.
func (k *known) decide(c *claim) (Expr, bool) {
	switch c.e.(type) {
	case And:
		if es, changed := k.parts(c, true); changed {
			return Conjunction(es...), true
		}
	case Or:
		if es, changed := k.parts(c, false); changed {
			return Disjunction(es...), true
		}
	case Not:
		y, changed := k.decide(&c.parts[0])
		if or := Disjuncts(y); !isNot(y) && slices.ContainsFunc(or, turns) {
			return neither(or), true
		} else if changed {
			return Negation(y), true
		}
	case Match, Keyword:
		return k.leaf(c)
	}
	return c.e, false
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
func (k *known) parts(c *claim, and bool) (out []Expr, changed bool) {
	out = Parts(c.e)
	parts := c.parts // the claims of out
	before, ends := len(k.facts), len(k.ends)
	for i := range parts {
		k.assume(&parts[i], and)
		k.ends = append(k.ends, len(k.facts))
	}
	at := before
	for i := range parts {
		end := k.ends[ends+i]
		for j := at; j < end; j++ {
			k.facts[j].of = 0
		}
		if y, c := k.decide(&parts[i]); !c {
			for j := at; j < end; j++ {
				k.facts[j].of = k.facts[j].about
			}
		} else {
			if !changed {
				out, parts, changed = slices.Clone(out), slices.Clone(parts), true
			}
			out[i], parts[i] = y, *claimOf(y)
			k.assume(&parts[i], and)
		}
		at = end
	}
	k.facts, k.ends = k.facts[:before], k.ends[:ends]
	if less := k.absorb(parts, and); less != nil {
		return less, true
	}
	return out, changed
}

// absorb is the parts of a conjunction without those that another part implies, or the parts of
// a disjunction without those that imply another part, where one of the two is a group; of single
// tests that is decided by what is known. It is nil where all are left.
func (k *known) absorb(parts []claim, and bool) (out []Expr) {
	single := func(c *claim) bool { return len(c.parts) == 0 }
	if !slices.ContainsFunc(parts, func(c claim) bool { return !single(&c) }) {
		return nil
	}
	gone := make([]bool, len(parts))
	for i := range parts {
		for j := range parts {
			x, y := &parts[i], &parts[j]
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
		return nil
	}
	for i := range parts {
		if !gone[i] {
			out = append(out, parts[i].e)
		}
	}
	return out
}

// implies says whether y surely is true of an event of which x is.
func (k *known) implies(x, y *claim) bool {
	if k.work--; k.work < 0 || x.about&y.about == 0 && !x.other && !y.other {
		return false
	}
	from := func(p *claim) bool { return k.implies(p, y) }
	to := func(p *claim) bool { return k.implies(x, p) }
	if _, and := y.e.(And); and {
		return !y.some(func(p *claim) bool { return !to(p) })
	}
	if _, or := x.e.(Or); or {
		return !x.some(func(p *claim) bool { return !from(p) })
	}
	if _, and := x.e.(And); and && x.some(from) {
		return true
	}
	if _, or := y.e.(Or); or && y.some(to) {
		return true
	}
	if _, not := y.e.(Not); not {
		if _, both := x.e.(Not); both {
			return k.implies(&y.parts[0], &x.parts[0])
		} else if _, match := x.e.(Match); match {
			return k.rulesOut(x, &y.parts[0])
		}
	}
	if x.test != nil && y.test != nil {
		return x.field == y.field && x.implies(&y.said)
	}
	return Equal(x.e, y.e)
}

// rulesOut says whether c is surely false of an event of which the Match x is true.
func (k *known) rulesOut(x, c *claim) bool {
	switch c.e.(type) {
	case And:
		return c.some(func(p *claim) bool { return k.rulesOut(x, p) })
	case Or:
		return !c.some(func(p *claim) bool { return !k.rulesOut(x, p) })
	case Match:
		return x.field == c.field && k.excludes(&x.said, &c.said)
	}
	return false
}

// leaf is the test c, of which the facts are off, or a constant.
func (k *known) leaf(c *claim) (Expr, bool) {
	if k.work -= len(k.facts); k.work < 0 || len(k.facts) < 2 {
		return c.e, false
	}
	truth := func(is bool) (Expr, bool) {
		if is {
			return True, true
		}
		return False, true
	}
	s := &c.said
	cases := false
	for i := range k.facts {
		f := &k.facts[i]
		if !f.concerns(c) {
			continue
		}
		if f.group {
			cases = true
		} else if f.field == s.field {
			if is, ok := k.says(f, s); ok {
				return truth(is)
			}
		}
	}
	// Where fields have several values, cases say only whether there is one: what they leave
	// out else may be the test that spares a guard.
	if !cases || !k.single && !asksPresence(s.test) {
		return c.e, false
	}
	for i := range k.facts {
		if f := &k.facts[i]; f.group && f.concerns(c) {
			if yes, no := k.can(f.claim, f.is, s); !yes || !no {
				return truth(yes)
			}
		}
	}
	return c.e, false
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

// can says whether s can be true and whether it can be false, of events of which c is so,
// beside what single tests are known to say. Neither: there are no such events.
func (k *known) can(c *claim, is bool, s *said) (yes, no bool) {
	if k.work < 0 {
		return true, true
	}
	switch c.e.(type) {
	case And, Or:
		_, and := c.e.(And)
		every := and == is
		yes, no = every, every
		for i := range c.parts {
			p := &c.parts[i]
			if !every && p.test != nil && k.work >= 0 {
				if y, n := k.alone(p, is, s); (yes || !y) && (no || !n) {
					k.work -= len(k.facts) // whether there are such events changes nothing
					continue
				}
			}
			y, n := k.can(p, is, s)
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
		return k.can(&c.parts[0], !is, s)
	case Match, Keyword:
	default:
		return true, true
	}
	k.work -= len(k.facts)
	for i := range k.facts {
		if g := &k.facts[i]; g.concerns(c) && !g.group && g.field == c.field {
			if known, ok := k.says(g, &c.said); ok && known != is {
				return false, false
			}
		}
	}
	return k.alone(c, is, s)
}

// alone is can of a test, beside nothing.
func (k *known) alone(c *claim, is bool, s *said) (yes, no bool) {
	if c.field != s.field {
		return true, true
	}
	known, ok := k.says(&fact{claim: c, is: is}, s)
	return !ok || known, !ok || !known
}

// implies says whether a field that passes s surely passes t.
func (s *said) implies(t *said) bool {
	switch {
	case t.shape <= Contains && s.shape <= Contains:
	case t.shape == Any || t.test == (Exists{}):
		return needsValue(s.test) || equalTests(s.test, t.test)
	case t.cased && !s.cased:
		return false
	case t.letters&^s.letters != 0:
		return false
	case s.shape == Glob || t.shape == Glob:
		p, ok := s.test.(Pattern)
		q, both := t.test.(Pattern)
		return (ok && both && p.within(q)) || equalTests(s.test, t.test)
	default:
		return false
	}
	a, b, same := s.text, t.text, equalFolded
	switch {
	case s.shape != t.shape && s.shape != Exact && t.shape != Contains:
		return false
	case t.cased:
		if !s.cased {
			return false
		}
		a, b = s.test.(Pattern).Literals(), t.test.(Pattern).Literals()
		same = func(a, b string) bool { return a == b }
	case t.letters&^s.letters != 0:
		return false
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
	a, b := *s, *t
	a.cased, b.cased = false, false
	switch {
	case s.shape == Exact && t.shape <= Contains && ascii(s.text) && ascii(t.text):
		return !a.implies(&b)
	case s.shape == Glob || s.shape == Exact:
		p, ok := wide(s.test)
		if !ok || p.Has(AnyRun) {
			return false
		}
		q, ok := wide(t.test)
		return ok && !p.meets(q)
	case s.shape == Prefix && t.shape == Prefix, s.shape == Suffix && t.shape == Suffix:
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
