package ir

import (
	"fmt"
	"strings"
	"unicode"
)

// dashes are the five ways to write a command line's dash (specification,
// appendix modifiers, windash).
var dashes = []rune("-/–—―")

// maxDashes bounds the variants of one value to 5^4.
const maxDashes = 4

// ExpandWindash replaces Windash by a group of what it stands for. What
// base64 encodes is the variant, so it runs first.
func ExpandWindash(r *Rule) *Rule {
	return r.Rewrite(func(e Expr) (Expr, bool) {
		t := testOf(e)
		if t == nil || !hasWindash(t) {
			return e, false
		}
		tests, err := expandWindash(t)
		if err != nil {
			panic("ir: the parser let pass: " + err.Error())
		}
		return anyOf(e, tests), true
	})
}

func hasWindash(t Test) bool {
	switch t := t.(type) {
	case Windash:
		return true
	case Base64Offset:
		return hasWindash(t.X)
	case Encode:
		return hasWindash(t.X)
	}
	return false
}

func expandWindash(t Test) ([]Test, error) {
	switch t := t.(type) {
	case Windash:
		return t.variants()
	case Base64Offset:
		tests, err := expandWindash(t.X)
		for i := range tests {
			tests[i] = Base64Offset{tests[i]}
		}
		return tests, err
	case Encode:
		tests, err := expandWindash(t.X)
		for i, x := range tests {
			p, plain := x.(Pattern)
			if !plain || err != nil {
				tests[i] = Encode{t.As, x}
				continue
			}
			tests[i], err = p.Encode(t.As)
		}
		return tests, err
	}
	return []Test{t}, nil
}

// variants are the ways to write the dashes of t that start a word: those with
// no word character before them, in their run between wildcards, and one after
// them.
func (t Windash) variants() ([]Test, error) {
	p := t.X.(Pattern)
	out := []Pattern{{Cased: p.Cased}}
	add := func(parts ...Part) {
		var next []Pattern
		for _, q := range out {
			for _, part := range parts {
				next = append(next, NewPattern(p.Cased, append(append([]Part{}, q.Parts...), part)...))
			}
		}
		out = next
	}
	found := 0
	for _, part := range p.Parts {
		if part.Kind != Literal {
			add(part)
			continue
		}
		rs := []rune(part.Text)
		from := 0
		for i, r := range rs {
			if !startsWord(rs, i) || !strings.ContainsRune(string(dashes), r) {
				continue
			}
			if found++; found > maxDashes {
				return nil, fmt.Errorf("windash finds more than %d dashes in one value, which are more than %d variants", maxDashes, 5*5*5*5)
			}
			add(Part{Text: string(rs[from:i])})
			ways := []Part{{Text: string(r)}}
			for _, d := range dashes {
				if d != r {
					ways = append(ways, Part{Text: string(d)})
				}
			}
			add(ways...)
			from = i + 1
		}
		add(Part{Text: string(rs[from:])})
	}
	tests := make([]Test, len(out))
	for i, q := range out {
		tests[i] = q
	}
	return tests, nil
}

func startsWord(rs []rune, i int) bool {
	return i+1 < len(rs) && isWord(rs[i+1]) && (i == 0 || !isWord(rs[i-1]))
}

func isWord(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }
