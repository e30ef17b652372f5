package ir

import (
	"unicode/utf8"

	"sigmac/regex"
)

// Simplify flattens And and Or, folds constants and double negation, and drops
// what stands twice. Inline has run.
func Simplify(r *Rule) *Rule {
	out := r
	for i, c := range r.Conditions {
		x, changed := simplify(c.Expr)
		if !changed {
			continue
		}
		if out == r {
			copied := *r
			copied.Conditions = append([]Condition(nil), r.Conditions...)
			out = &copied
		}
		out.Conditions[i].Expr = x
	}
	return out
}

func simplify(e Expr) (out Expr, changed bool) {
	switch x := e.(type) {
	case And:
		return join(e, x, func(x Expr) ([]Expr, bool) { a, ok := x.(And); return a, ok },
			func(x Expr) bool { o, ok := x.(Or); return ok && len(o) == 0 },
			func(es []Expr) Expr { return And(es) })
	case Or:
		return join(e, x, func(x Expr) ([]Expr, bool) { o, ok := x.(Or); return o, ok },
			func(x Expr) bool { a, ok := x.(And); return ok && len(a) == 0 },
			func(es []Expr) Expr { return Or(es) })
	case Not:
		inner, changed := simplify(x.X)
		switch y := inner.(type) {
		case Not:
			return y.X, true
		case And:
			if len(y) == 0 {
				return False, true
			}
		case Or:
			if len(y) == 0 {
				return True, true
			}
		}
		if changed {
			return Not{inner}, true
		}
	}
	return e, false
}

// join simplifies the parts of e, an And or an Or: same opens a part of that
// kind, decides says that a part decides the whole.
func join(e Expr, es []Expr, same func(Expr) ([]Expr, bool), decides func(Expr) bool, whole func([]Expr) Expr) (Expr, bool) {
	parts, changed := es, false
	for i, e := range es {
		x, c := simplify(e)
		if decides(x) {
			return x, true
		}
		inner, opened := same(x)
		if (c || opened) && !changed {
			parts, changed = append(make([]Expr, 0, len(es)+len(inner)), es[:i]...), true
		}
		switch {
		case opened:
			parts = append(parts, inner...)
		case changed:
			parts = append(parts, x)
		}
	}
	out := Unique(parts)
	switch {
	case len(out) == 1:
		return out[0], true
	case changed, len(out) < len(parts):
		return whole(out), true
	}
	return e, false
}

// Unique is es without what stands twice.
func Unique(es []Expr) []Expr {
	if len(es) < 2 {
		return es
	}
	hashes := make([]uint64, len(es))
	var at map[uint64]bool // of hashes, where they are many
	if len(es) > manyParts {
		at = make(map[uint64]bool, len(es))
	}
	out, whole := es[:0:0], true
	for i, x := range es {
		h := hash(x)
		twice := false
		if at == nil || at[h] {
			for j, g := range hashes[:i] {
				twice = twice || g == h && key(es[j]) == key(x)
			}
		}
		if at != nil {
			at[h] = true
		}
		hashes[i] = h
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

// key is the same for two expressions only if they mean the same; of patterns
// that ignore case, it does too.
func key(e Expr) string {
	m, ok := e.(Match)
	if !ok {
		return e.String()
	}
	if p, ok := m.Test.(Pattern); ok && !p.Cased {
		m.Test = foldPattern(p)
	}
	return m.String()
}

func foldPattern(p Pattern) Pattern {
	parts := make([]Part, len(p.Parts))
	for i, q := range p.Parts {
		if q.Kind == Literal {
			q.Text = regex.Fold(q.Text)
		}
		parts[i] = q
	}
	return Pattern{parts, p.Cased}
}

// hash is the same for two expressions of the same key. It need not tell
// apart what is rare.
func hash(e Expr) uint64 {
	h := fnv(14695981039346656037)
	switch e := e.(type) {
	case And:
		h = h.byte('&')
		for _, x := range e {
			h = h.word(hash(x))
		}
	case Or:
		h = h.byte('|')
		for _, x := range e {
			h = h.word(hash(x))
		}
	case Not:
		h = h.byte('!').word(hash(e.X))
	case Match:
		h = h.text(e.Field.Name).test(e.Test)
	case Keyword:
		h = h.byte('k').test(e.Test)
	}
	return uint64(h)
}

// An fnv is a hash of the kind FNV-1a.
type fnv uint64

func (h fnv) byte(b byte) fnv { return (h ^ fnv(b)) * 1099511628211 }

func (h fnv) word(w uint64) fnv { return (h ^ fnv(w)) * 1099511628211 }

func (h fnv) text(s string) fnv {
	for i := range len(s) {
		h = h.byte(s[i])
	}
	return h.byte(0xFF)
}

func (h fnv) test(t Test) fnv {
	p, ok := t.(Pattern)
	if !ok {
		return h.text(t.String())
	}
	for _, q := range p.Parts {
		h = h.byte(byte(q.Kind))
		for _, r := range q.Text {
			if 'a' <= r && r <= 'z' {
				r -= 'a' - 'A'
			} else if r >= utf8.RuneSelf {
				r = regex.FoldRune(r)
			}
			h = h.word(uint64(r))
		}
	}
	return h
}
