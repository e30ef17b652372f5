package ir

import (
	"slices"
	"strconv"

	"sigmac/regex"
)

// A Term is true of a value in which Text stands as a term, which is what KQL's
// `has` and its kin and Splunk's bare words mean. Vendors say which characters
// break a value into terms, but not how a text is found that has such characters
// itself: as it stands, with or without a border beside its own breakers, or term
// by term. So a Term has two tests, and what lies between them is open.
type Term struct {
	Text   string
	Cased  bool
	Prefix bool      // hasprefix: the term may go on after Text
	Suffix bool      // hassuffix: the term may start before Text
	Whole  bool      // Splunk's TERM: one term, even with breakers inside
	Sure   *regex.Re // of a value that has the term however it is read; nil: of none
	// May is of a value that has the term in some reading: all of these match.
	May []*regex.Re
}

func (t Term) String() string {
	head := "(term"
	if t.Cased {
		head += " cased"
	}
	if t.Prefix {
		head += " prefix"
	}
	if t.Suffix {
		head += " suffix"
	}
	if t.Whole {
		head += " whole"
	}
	return head + " " + strconv.Quote(t.Text) + ")"
}

// Tests are Sure and May as tests; none at all where no value surely has the term.
func (t Term) Tests() (sure, may []Test) {
	if t.Sure != nil {
		sure = []Test{Regexp{Re: t.Sure}}
	}
	for _, re := range t.May {
		may = append(may, Regexp{Re: re})
	}
	return sure, may
}

// Breakers are the characters between the terms of a language: those that surely
// break a value, those that may, and what else may stand before a term, or nil.
type Breakers struct {
	Sure, May []regex.Range
	Before    *regex.Re
}

// Read gives t its tests. Chars are what t.Text stands for, character by character.
func (b Breakers) Read(t Term, chars []*regex.Re) Term {
	breaks := func(r rune) bool {
		return !t.Whole && slices.ContainsFunc(b.May, func(g regex.Range) bool { return g.Lo <= r && r <= g.Hi })
	}
	between := func(open bool, class []regex.Range, end regex.Op, before *regex.Re) []*regex.Re {
		if open {
			return nil
		}
		out := &regex.Re{Op: regex.OpAlternate, Subs: []*regex.Re{{Op: end}, {Op: regex.OpClass, Ranges: class}}}
		if before != nil {
			out.Subs = append(out.Subs, before)
		}
		return []*regex.Re{out}
	}
	text := []rune(t.Text)
	if len(text) != len(chars) {
		panic("ir: a term of other characters: " + t.String())
	}
	for from := 0; from < len(text); from++ {
		if breaks(text[from]) {
			continue
		}
		to := from
		for to < len(text) && !breaks(text[to]) {
			to++
		}
		first := len(t.May) == 0
		last := !slices.ContainsFunc(text[to:], func(r rune) bool { return !breaks(r) })
		t.May = append(t.May, &regex.Re{Op: regex.OpConcat, Subs: slices.Concat(
			between(t.Suffix && first, b.May, regex.OpBeginText, b.Before), chars[from:to], between(t.Prefix && last, b.May, regex.OpEndText, nil))})
		from = to
	}
	if t.May != nil {
		t.Sure = &regex.Re{Op: regex.OpConcat, Subs: slices.Concat(
			between(t.Suffix, b.Sure, regex.OpBeginText, nil), chars, between(t.Prefix, b.Sure, regex.OpEndText, nil))}
	}
	return t
}

// Ranges are the characters of a text, as a class.
func Ranges(chars string) (out []regex.Range) {
	rs := []rune(chars)
	slices.Sort(rs)
	for _, r := range slices.Compact(rs) {
		if n := len(out); n > 0 && out[n-1].Hi+1 == r {
			out[n-1].Hi = r
		} else {
			out = append(out, regex.Range{Lo: r, Hi: r})
		}
	}
	return out
}
