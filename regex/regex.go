// Package regex holds regular expressions as trees, read as PCRE or as Python's, written in other dialects, and matched.
//
// The contract: a *Re is immutable and means the same anywhere. Parse resolves flags,
// classes, negation and quoting, so that a node says itself whether it folds case and
// what its dot takes, and refuses with an offset what PCRE refuses. ParsePython does so
// for Python, and what it reads is matched only, with its groups, in counted steps. What is built of
// nodes is built by Literal, Class, Concat and Alternate, which keep it flat and in its
// simplest form. A writer (Print of a Dialect, Go) gives an expression that matches
// exactly the same texts in its engine, or is not asked: Lacks, Regular and Extended
// name what the engine does not have. Folding is simple case folding, one character to
// one, here and wherever texts are compared.
//
// It is a parser of our own, for regexp/syntax refuses look-around, back-references,
// atomic groups and possessive quantifiers, which PCRE has; it throws away what Go
// does not need, such as the difference between a class as written and as folded; and
// its errors have no offset. Copying the text to a target instead would change its
// meaning: Rust's `\d` is Unicode's, Lucene is anchored, `a+?` means something else
// there.
package regex

import (
	"slices"
	"unicode"
	"unicode/utf8"
)

// Flags are the modifiers i, m and s of `re`.
type Flags struct {
	IgnoreCase bool // i
	Multiline  bool // m: ^ and $ match at line borders
	DotAll     bool // s: the dot matches a newline
}

// A Re is a node of a parsed regular expression. The flags of the source are
// already applied: they stand in Op and Fold, so a Re means the same anywhere.
type Re struct {
	Op       Op
	Rune     rune    // OpLiteral
	Ranges   []Range // OpClass: sorted, disjoint, not touching
	Fold     bool    // OpLiteral, OpClass: ignore case
	Subs     []*Re   // OpConcat, OpAlternate; one sub for OpRepeat, OpGroup and a look-around
	Min, Max int     // OpRepeat; Max is -1 where there is no upper bound
	Lazy     bool    // OpRepeat: as few as possible; the same texts match
	Text     string  // OpExtended: the construct's opening as written, `(?=` or `\1`
	Feature  string  // OpExtended: its name in an error: "look-ahead", "back-reference", …
}

// A Range is the characters from Lo to Hi, both included.
type Range struct{ Lo, Hi rune }

// An Op says what a Re is.
type Op uint8

// The kinds of a Re.
const (
	OpEmpty          Op = iota // the empty text
	OpLiteral                  // one character
	OpClass                    // one character of Ranges; negation is already resolved
	OpAny                      // any character
	OpAnyNotNewline            // any character but \n
	OpBeginText                // \A, and ^ without the flag m
	OpEndText                  // \z: the very end
	OpEnd                      // \Z, and $ without the flag m: the end, or before a \n that ends the text
	OpBeginLine                // ^ with the flag m: the start, and behind a \n that does not end the text
	OpBehindLine               // the start, and behind any \n: ^ with the flag m, but for PCRE
	OpEndLine                  // $ with the flag m: the end, and before a \n
	OpWordBoundary             // \b, of ASCII words
	OpNoWordBoundary           // \B
	OpConcat                   // all of Subs, one after the other
	OpAlternate                // one of Subs
	OpRepeat                   // Subs[0] Min to Max times
	OpGroup                    // a capturing group; Parse keeps it only where a back-reference may need it
	OpExtended                 // beyond regular languages: look-around, back-reference, atomic, possessive, …
)

// Literal is the character r, without regard to its case with fold.
func Literal(r rune, fold bool) *Re {
	switch {
	case r < 0 || r >= utf8.RuneSelf:
		return &Re{Op: OpLiteral, Rune: r, Fold: fold && HasCases(r)}
	case fold:
		return &asciiLiterals[1][r]
	}
	return &asciiLiterals[0][r]
}

// asciiLiterals are shared by all expressions: cased, then folded.
var asciiLiterals = func() (out [2][utf8.RuneSelf]Re) {
	for r := range rune(utf8.RuneSelf) {
		out[0][r] = Re{Op: OpLiteral, Rune: r}
		out[1][r] = Re{Op: OpLiteral, Rune: r, Fold: HasCases(r)}
	}
	return out
}()

// Class is one character of the canonical ranges, in its simplest form.
func Class(ranges []Range, fold bool) *Re {
	switch {
	case len(ranges) == 1 && ranges[0].Lo == ranges[0].Hi:
		return Literal(ranges[0].Lo, fold)
	case slices.Equal(ranges, []Range{{0, unicode.MaxRune}}):
		return &Re{Op: OpAny}
	case slices.Equal(ranges, []Range{{0, '\n' - 1}, {'\n' + 1, unicode.MaxRune}}):
		return &Re{Op: OpAnyNotNewline}
	}
	return &Re{Op: OpClass, Ranges: ranges, Fold: fold}
}

// Concat is all of subs, one after the other, without nested Concats.
func Concat(subs ...*Re) *Re {
	out := make([]*Re, 0, len(subs))
	for _, s := range subs {
		switch s.Op {
		case OpEmpty:
		case OpConcat:
			out = append(out, s.Subs...)
		default:
			out = append(out, s)
		}
	}
	switch len(out) {
	case 0:
		return &Re{Op: OpEmpty}
	case 1:
		return out[0]
	}
	return &Re{Op: OpConcat, Subs: out}
}

// Alternate is one of subs, without nested Alternates.
func Alternate(subs ...*Re) *Re {
	if len(subs) == 1 {
		return subs[0]
	}
	var out []*Re
	for _, s := range subs {
		if s.Op == OpAlternate {
			out = append(out, s.Subs...)
		} else {
			out = append(out, s)
		}
	}
	return &Re{Op: OpAlternate, Subs: out}
}

// Equal says whether a and b are the same tree.
func Equal(a, b *Re) bool {
	return a == b || a.Op == b.Op && a.Rune == b.Rune && a.Fold == b.Fold && a.Min == b.Min && a.Max == b.Max && a.Lazy == b.Lazy &&
		a.Text == b.Text && slices.Equal(a.Ranges, b.Ranges) && slices.EqualFunc(a.Subs, b.Subs, Equal)
}
