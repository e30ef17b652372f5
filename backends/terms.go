package backends

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"sigmac/ir"
	"sigmac/regex"
)

// A Lexicon is what is known of the terms that an index of texts holds.
type Lexicon struct {
	// Breaks says whether a character ends a term by every reading of the vendor's documents.
	Breaks func(r rune) bool
	Common []string // in lower case: terms that are not worth a look-up
}

// A Term is one that a value surely has: letters and digits of ASCII.
type Term struct {
	Text  string
	Cased bool // in this case
}

// A term is worth a look-up from minTerm characters on: terms of three are in no index in
// Defender and in older engines of Kusto, and what is longer than four is found faster
// (Microsoft Learn: Advanced hunting query best practices; Kusto: String operators; Optimize log
// queries in Azure Monitor). Of more than maxTerms, one is in many events, and a query is read too.
const (
	minTerm  = 5
	maxTerms = 4
)

// Terms are some of which f surely has one where e is true, as long as there are such; nil: none
// is known that is worth a look-up.
func (x Lexicon) Terms(e ir.Expr, f ir.Field) []Term {
	if ts := x.terms(e, f); Shortest(ts) >= minTerm && len(ts) <= maxTerms {
		return ts
	}
	return nil
}

// Shortest is the length of the shortest of ts, 0 of none.
func Shortest(ts []Term) (n int) {
	for i, t := range ts {
		if i == 0 || len(t.Text) < n {
			n = len(t.Text)
		}
	}
	return n
}

func (x Lexicon) terms(e ir.Expr, f ir.Field) (out []Term) {
	switch e := e.(type) {
	case ir.And:
		for _, y := range e {
			if ts := x.terms(y, f); Shortest(ts) > Shortest(out) {
				out = ts
			}
		}
	case ir.Or:
		for _, y := range e {
			ts := x.terms(y, f)
			if ts == nil {
				return nil
			}
			for _, t := range ts {
				if len(out) > maxTerms && len(t.Text) >= Shortest(out) {
					continue // there are too many already
				}
				if !slices.ContainsFunc(out, func(o Term) bool { return strings.EqualFold(o.Text, t.Text) && o.Cased == t.Cased }) {
					out = append(out, t)
				}
			}
		}
	case ir.Match:
		if e.Field.Name != f.Name {
			return nil
		}
		switch t := e.Test.(type) {
		case ir.Pattern:
			return x.ofPattern(t)
		case ir.Regexp:
			return x.longest(t.Re)
		}
	}
	return out
}

// ofPattern is the longest term between borders of p that is not common: longest of what p is as a
// regular expression. A wildcard is no border.
func (x Lexicon) ofPattern(p ir.Pattern) []Term {
	var best Term
	for i, q := range p.Parts {
		if q.Kind != ir.Literal {
			continue
		}
		for from := 0; from < len(q.Text); from++ {
			to := from
			for to < len(q.Text) && alphanumeric(rune(q.Text[to])) {
				to++
			}
			if text := q.Text[from:to]; len(text) > len(best.Text) {
				begins, ends := i == 0, i == len(p.Parts)-1
				if from > 0 {
					r, _ := utf8.DecodeLastRuneInString(q.Text[:from])
					begins = x.Breaks(r)
				}
				if to < len(q.Text) {
					r, _ := utf8.DecodeRuneInString(q.Text[to:])
					ends = x.Breaks(r)
				}
				if begins && ends && !slices.Contains(x.Common, strings.ToLower(text)) {
					best = Term{text, p.Cased && strings.ContainsFunc(text, unicode.IsLetter)}
				}
			}
			from = to
		}
	}
	if best.Text == "" {
		return nil
	}
	return []Term{best}
}

// longest is the longest term between borders of re that is not common.
func (x Lexicon) longest(re *regex.Re) []Term {
	subs := []*regex.Re{re}
	if re.Op == regex.OpConcat {
		subs = re.Subs
	}
	var best Term
	for from := 0; from < len(subs); from++ {
		var b strings.Builder
		to, cased := from, false
		for ; to < len(subs) && subs[to].Op == regex.OpLiteral && alphanumeric(subs[to].Rune); to++ {
			b.WriteRune(subs[to].Rune)
			cased = cased || !subs[to].Fold && unicode.IsLetter(subs[to].Rune)
		}
		if to == from {
			continue
		}
		bounded := from > 0 && x.border(subs[from-1]) && to < len(subs) && x.border(subs[to])
		if bounded && b.Len() > len(best.Text) && !slices.Contains(x.Common, strings.ToLower(b.String())) {
			best = Term{b.String(), cased}
		}
		from = to
	}
	if best.Text == "" {
		return nil
	}
	return []Term{best}
}

func alphanumeric(r rune) bool {
	return '0' <= r && r <= '9' || 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z'
}

// border says whether re stands for an end of a text, or for a character that breaks it.
func (x Lexicon) border(re *regex.Re) bool {
	switch re.Op {
	case regex.OpBeginText, regex.OpEndText, regex.OpEnd, regex.OpBeginLine, regex.OpEndLine:
		return true
	case regex.OpLiteral:
		return x.Breaks(re.Rune)
	case regex.OpClass:
		for _, g := range re.Ranges {
			for r := g.Lo; r <= g.Hi; r++ {
				if r > unicode.MaxASCII || !x.Breaks(r) {
					return false
				}
			}
		}
		return true
	case regex.OpRepeat:
		return re.Min > 0 && x.border(re.Subs[0])
	}
	return false
}
