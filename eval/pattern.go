package eval

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"sigmac/ir"
	"sigmac/regex"
)

// An atom of a Pattern is a wildcard or one character, as ways of writing it.
type atom struct {
	kind ir.PartKind
	ways []rune
}

// glob says whether the whole of s matches p, with the dashes that start a
// word written in any way if windash says so.
func glob(p ir.Pattern, windash bool, s string) bool {
	if p.Has(ir.Placeholder) {
		return false
	}
	text := characters(s)
	if !p.Cased {
		for i, r := range text {
			text[i] = regex.FoldRune(r)
		}
	}
	return globAtoms(atomsOf(p, windash), text)
}

func atomsOf(p ir.Pattern, windash bool) (atoms []atom) {
	for _, part := range p.Parts {
		if part.Kind != ir.Literal {
			atoms = append(atoms, atom{kind: part.Kind})
			continue
		}
		run := characters(part.Text)
		for i := range run {
			var ways []rune
			for _, r := range spelled(run, i, windash) {
				if !p.Cased {
					r = regex.FoldRune(r)
				}
				ways = append(ways, r)
			}
			atoms = append(atoms, atom{ir.Literal, ways})
		}
	}
	return atoms
}

// globAtoms goes back to the last `*` only: an earlier one never needs to take
// more, so the time is bounded by the product of the lengths.
func globAtoms(atoms []atom, text []rune) bool {
	i, j, star, taken := 0, 0, -1, 0
	for j < len(text) {
		switch {
		case i < len(atoms) && atoms[i].kind == ir.AnyRun:
			star, taken = i, j
			i++
		case i < len(atoms) && (atoms[i].kind == ir.AnyOne || slices.Contains(atoms[i].ways, text[j])):
			i++
			j++
		case star >= 0:
			taken++
			i, j = star+1, taken
		default:
			return false
		}
	}
	for i < len(atoms) && atoms[i].kind == ir.AnyRun {
		i++
	}
	return i == len(atoms)
}

// characters is the characters of s. A byte that is not UTF-8 is a character
// of its own, below zero.
func characters(s string) []rune {
	var out []rune
	for i, r := range s {
		if r == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(s[i:]); n == 1 {
				r = -1 - rune(s[i])
			}
		}
		out = append(out, r)
	}
	return out
}

var dashes = []rune("-/–—―")

func hasDash(s string) bool { return strings.ContainsAny(s, string(dashes)) }

// spelled is the ways of writing the i-th character of a run.
func spelled(run []rune, i int, windash bool) []rune {
	word := func(i int) bool {
		return 0 <= i && i < len(run) && (unicode.IsLetter(run[i]) || unicode.IsDigit(run[i]) || run[i] == '_')
	}
	if windash && slices.Contains(dashes, run[i]) && !word(i-1) && word(i+1) {
		return dashes
	}
	return run[i : i+1]
}

func someVariant(t ir.Test, s string) bool {
	ps, err := variants(t)
	if err != nil {
		panic("eval: " + err.Error())
	}
	return slices.ContainsFunc(ps, func(p ir.Pattern) bool { return glob(p, false, s) })
}

// variants lists the patterns that sugar stands for. A pattern with
// placeholders has none.
func variants(t ir.Test) ([]ir.Pattern, error) {
	switch t := t.(type) {
	case ir.Pattern:
		if t.Has(ir.Placeholder) {
			return nil, nil
		}
		return []ir.Pattern{t}, nil
	case ir.Windash:
		return recode(t.X, spellings)
	case ir.Encode:
		return recode(t.X, func(s string) ([]string, error) {
			if t.As != ir.Base64 && !utf8.ValidString(s) {
				return nil, fmt.Errorf("%s of bytes that are not text", t.As)
			}
			return []string{t.As.Bytes(s)}, nil
		})
	case ir.Base64Offset:
		return recode(t.X, offsets)
	}
	return nil, fmt.Errorf("an encoding of a test of type %T", t)
}

// recode replaces the text of each variant of x by others, between the
// wildcards at its ends.
func recode(x ir.Test, f func(string) ([]string, error)) ([]ir.Pattern, error) {
	ps, err := variants(x)
	if err != nil {
		return nil, err
	}
	var out []ir.Pattern
	for _, p := range ps {
		at := slices.IndexFunc(p.Parts, func(q ir.Part) bool { return q.Kind != ir.AnyRun })
		middle := ir.Part{}
		if at >= 0 {
			middle = p.Parts[at]
		} else {
			at = len(p.Parts)
		}
		after := p.Parts[min(at+1, len(p.Parts)):]
		if middle.Kind != ir.Literal || slices.ContainsFunc(after, func(q ir.Part) bool { return q.Kind != ir.AnyRun }) {
			return nil, errors.New("an encoding of a value with wildcards inside")
		}
		texts, err := f(middle.Text)
		if err != nil {
			return nil, err
		}
		for _, s := range texts {
			parts := slices.Concat(p.Parts[:at], []ir.Part{{Kind: ir.Literal, Text: s}}, after)
			out = append(out, ir.NewPattern(p.Cased, parts...))
		}
	}
	return out, nil
}

const maxSpellings = 5 * 5 * 5 * 5 // of one value: four dashes in five ways

func spellings(s string) ([]string, error) {
	if !utf8.ValidString(s) {
		return nil, errors.New("windash of bytes that are not text")
	}
	out := []string{""}
	run := []rune(s)
	for i := range run {
		var longer []string
		for _, t := range out {
			for _, r := range spelled(run, i, true) {
				longer = append(longer, t+string(r))
			}
		}
		if out = longer; len(out) > maxSpellings {
			return nil, errors.New("windash of more than four dashes under an encoding")
		}
	}
	return out, nil
}

// offsets is the Base64 characters all of whose bits are bits of s, after 0, 1
// and 2 other bytes.
func offsets(s string) ([]string, error) {
	var out []string
	for i := range 3 {
		all := base64.RawStdEncoding.EncodeToString(append(make([]byte, i), s...))
		first, end := (8*i+5)/6, 8*(i+len(s))/6
		if first >= end {
			return nil, errors.New("base64offset of less than two bytes")
		}
		out = append(out, all[first:end])
	}
	return out, nil
}
