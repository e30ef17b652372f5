package ir

import (
	"slices"

	"sigmac/regex"
)

// Conjunction is the And of es in its simplest form: flat, without constants, nothing
// twice, and no group of one.
func Conjunction(es ...Expr) Expr { return ands.of(es) }

// Disjunction is the Or of es in its simplest form.
func Disjunction(es ...Expr) Expr { return ors.of(es) }

// Negation is the Not of e in its simplest form.
func Negation(e Expr) Expr {
	switch {
	case IsTrue(e):
		return False
	case IsFalse(e):
		return True
	}
	if not, ok := e.(Not); ok {
		return not.X
	}
	return Not{e}
}

// IsTrue says whether e is the constant True.
func IsTrue(e Expr) bool { and, ok := e.(And); return ok && len(and) == 0 }

// IsFalse says whether e is the constant False.
func IsFalse(e Expr) bool { or, ok := e.(Or); return ok && len(or) == 0 }

// Conjuncts are the parts of a conjunction, flat; of anything else, e alone.
func Conjuncts(e Expr) And { return ands.flat(e) }

// Disjuncts are the parts of a disjunction, flat; of anything else, e alone.
func Disjuncts(e Expr) Or { return ors.flat(e) }

// A group is And or Or.
type group struct {
	open    func(Expr) ([]Expr, bool) // the parts of such a group
	close   func([]Expr) Expr
	decides func(Expr) bool // the constant that decides the whole
}

var (
	ands = group{func(e Expr) ([]Expr, bool) { and, ok := e.(And); return and, ok }, func(es []Expr) Expr { return And(es) }, IsFalse}
	ors  = group{func(e Expr) ([]Expr, bool) { or, ok := e.(Or); return or, ok }, func(es []Expr) Expr { return Or(es) }, IsTrue}
)

// of is the group of es, which are in their simplest form.
func (g group) of(es []Expr) Expr {
	out, _ := g.join(es, func(e Expr) (Expr, bool) { return e, false })
	switch out = unique(out); {
	case len(out) == 1:
		return out[0]
	case len(out) > 0 && &out[0] == &es[0]:
		out = slices.Clone(out) // es may be the caller's own
	}
	return g.close(out)
}

// join is es, each as part has it, with the parts of such groups in their places.
// Where one decides, it is alone.
func (g group) join(es []Expr, part func(Expr) (Expr, bool)) (out []Expr, changed bool) {
	out = es
	for i, e := range es {
		x, c := part(e)
		if g.decides(x) {
			return []Expr{x}, true
		}
		inner, opened := g.open(x)
		if (c || opened) && !changed {
			out, changed = append(make([]Expr, 0, len(es)+len(inner)), es[:i]...), true
		}
		switch {
		case opened:
			out = append(out, inner...)
		case changed:
			out = append(out, x)
		}
	}
	return out, changed
}

// flat are the parts of e, and of the groups in it that are of its kind. The slice is
// e's own where none are: it is not changed.
func (g group) flat(e Expr) []Expr {
	es, ok := g.open(e)
	if !ok {
		return []Expr{e}
	}
	if !slices.ContainsFunc(es, func(x Expr) bool { _, nested := g.open(x); return nested }) {
		return slices.Clip(es)
	}
	out := make([]Expr, 0, 2*len(es))
	for _, x := range es {
		out = append(out, g.flat(x)...)
	}
	return out
}

// Equal says whether a and b say the same in the same form, wherever they stand: with
// parts in the same order, and with regard to case only in texts that have it.
func Equal(a, b Expr) bool {
	switch a := a.(type) {
	case And:
		b, ok := b.(And)
		return ok && slices.EqualFunc(a, b, Equal)
	case Or:
		b, ok := b.(Or)
		return ok && slices.EqualFunc(a, b, Equal)
	case Not:
		b, ok := b.(Not)
		return ok && Equal(a.X, b.X)
	case Match:
		b, ok := b.(Match)
		return ok && a.Field == b.Field && equalTests(a.Test, b.Test)
	case Keyword:
		b, ok := b.(Keyword)
		return ok && equalTests(a.Test, b.Test)
	case Ref:
		b, ok := b.(Ref)
		return ok && a.Name == b.Name
	case Of:
		b, ok := b.(Of)
		return ok && a.All == b.All && slices.Equal(a.Names, b.Names)
	case Item:
		b, ok := b.(Item)
		return ok && Equal(a.X, b.X)
	case Opaque:
		b, ok := b.(Opaque)
		return ok && a.Lang == b.Lang && a.Text == b.Text
	}
	return a == nil && b == nil
}

// equalTests is Equal of tests.
func equalTests(a, b Test) bool {
	switch a := a.(type) {
	case Pattern:
		b, ok := b.(Pattern)
		return ok && a.Cased == b.Cased && slices.EqualFunc(a.Parts, b.Parts, func(p, q Part) bool {
			return p == q || p.Kind == Literal && q.Kind == Literal && !a.Cased && regex.Fold(p.Text) == regex.Fold(q.Text)
		})
	case Regexp:
		b, ok := b.(Regexp)
		if !ok || a.Re == nil || b.Re == nil {
			return ok && a.Re == b.Re && a.Source == b.Source && a.Flags == b.Flags
		}
		return regex.Equal(a.Re, b.Re)
	case Windash:
		b, ok := b.(Windash)
		return ok && equalTests(a.X, b.X)
	case Base64Offset:
		b, ok := b.(Base64Offset)
		return ok && equalTests(a.X, b.X)
	case Encode:
		b, ok := b.(Encode)
		return ok && a.As == b.As && equalTests(a.X, b.X)
	case Term:
		b, ok := b.(Term)
		return ok && a.Text == b.Text && a.Cased == b.Cased && a.Prefix == b.Prefix && a.Suffix == b.Suffix && a.Whole == b.Whole
	case CIDR, Compare, Bool, Null, Exists, FieldRef, TimePart:
		switch b.(type) {
		case CIDR, Compare, Bool, Null, Exists, FieldRef, TimePart:
			return a == b
		}
	}
	return a == nil && b == nil
}

// unique is es without what stands twice.
func unique(es []Expr) []Expr {
	if len(es) < 2 {
		return es
	}
	var few [manyParts]uint64
	hashes := few[:0]
	var at map[uint64]bool // of hashes, where they are many
	if len(es) > manyParts {
		at = make(map[uint64]bool, len(es))
	}
	out, whole := es[:0:0], true
	for i, x := range es {
		h := uint64(hashSeed.expr(x))
		twice := false
		if at == nil || at[h] {
			for j, g := range hashes {
				twice = twice || g == h && Equal(es[j], x)
			}
		}
		if at != nil {
			at[h] = true
		}
		hashes = append(hashes, h)
		if twice && whole {
			out, whole = append(make([]Expr, 0, len(es)), es[:i]...), false
		}
		if !twice && !whole {
			out = append(out, x)
		}
	}
	if whole {
		return es
	}
	return out
}

// manyParts is where looking through a list gets slower than a map.
const manyParts = 16

// A hash is one of the kind FNV-1a, the same for what is Equal. It need not tell
// apart what is rare: groups of one size are told apart by their first and last parts.
type hash uint64

const hashSeed hash = 14695981039346656037

func (h hash) word(w uint64) hash { return (h ^ hash(w)) * 1099511628211 }

// text takes in s without regard to case.
func (h hash) text(s string) hash {
	out, ascii := h.bytes(s)
	if !ascii {
		out, _ = h.bytes(regex.Fold(s))
	}
	return out
}

// bytes takes in s, eight bytes at a time, without regard to the case of ASCII's letters, and says
// whether it has no other characters.
func (h hash) bytes(s string) (out hash, ascii bool) {
	const blanks, high = 0x2020202020202020, 0x8080808080808080
	seen := uint64(0)
	h = h.word(uint64(len(s)))
	for ; len(s) >= 8; s = s[8:] {
		w := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
		h, seen = h.word(w|blanks), seen|w
	}
	rest := uint64(0)
	for i := range len(s) {
		rest = rest<<8 | uint64(s[i])
	}
	return h.word(rest | blanks), (seen|rest)&high == 0
}

func (h hash) expr(e Expr) hash {
	switch e := e.(type) {
	case And:
		return h.word('&').group(e)
	case Or:
		return h.word('|').group(e)
	case Not:
		return h.word('!').expr(e.X)
	case Match:
		return h.text(e.Field.Name).test(e.Test)
	case Keyword:
		return h.word('k').test(e.Test)
	}
	return h
}

func (h hash) group(es []Expr) hash {
	h = h.word(uint64(len(es)))
	if len(es) == 0 {
		return h
	}
	return h.expr(es[0]).expr(es[len(es)-1])
}

func (h hash) test(t Test) hash {
	switch t := t.(type) {
	case Pattern:
		for _, q := range t.Parts {
			h = h.word(uint64(q.Kind)).text(q.Text)
		}
	case Regexp:
		return h.re(t.Re)
	case Compare:
		return h.word(uint64(t.Op)).text(string(t.Number))
	case Null, Exists:
	default:
		return h.text(t.String())
	}
	return h
}

func (h hash) re(re *regex.Re) hash {
	if re == nil {
		return h
	}
	h = h.word(uint64(re.Op)).word(uint64(re.Rune))
	for _, r := range re.Ranges {
		h = h.word(uint64(r.Lo)).word(uint64(r.Hi))
	}
	for _, s := range re.Subs {
		h = h.re(s)
	}
	return h
}
