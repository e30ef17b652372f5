package computed

import (
	"slices"
	"strings"

	"sigmac/ir"
	"sigmac/regex"
)

// A shape is a regular expression over a whole text that is a row of single characters
// and of runs of such.
type shape []*regex.Re

var anyRun = &regex.Re{Op: regex.OpRepeat, Max: -1, Subs: []*regex.Re{{Op: regex.OpAny}}}

func isRun(g *regex.Re) bool { return g.Op == regex.OpRepeat }

// isAny says whether g is a run of any characters.
func isAny(g *regex.Re) bool { return isRun(g) && g.Subs[0].Op == regex.OpAny }

// all says whether every text has the shape.
func (s shape) all() bool { return len(s) == 1 && isAny(s[0]) }

// empty says whether the empty text has it.
func (s shape) empty() bool {
	return !slices.ContainsFunc(s, func(g *regex.Re) bool { return !isRun(g) })
}

// literal is text, without regard to case with fold.
func literal(text string, fold bool) (out shape) {
	for _, r := range text {
		out = append(out, regex.Literal(r, fold))
	}
	return out
}

// shapeOf is a test of texts as a shape, if it is one.
func shapeOf(t ir.Test) (out shape, ok bool) {
	switch t := t.(type) {
	case ir.Pattern:
		for _, p := range t.Parts {
			switch p.Kind {
			case ir.Literal:
				out = append(out, literal(p.Text, !t.Cased)...)
			case ir.AnyRun:
				out = append(out, anyRun)
			case ir.AnyOne:
				out = append(out, anyRun.Subs[0])
			default:
				return nil, false
			}
		}
		return out, true
	case ir.Regexp:
		if t.Re != nil {
			return whole(t.Re)
		}
	}
	return nil, false
}

// whole is re, which matches somewhere in a text, as the shape of that text.
func whole(re *regex.Re) (out shape, ok bool) {
	subs := []*regex.Re{re}
	if re.Op == regex.OpConcat {
		subs = re.Subs
	}
	begins, ends := false, false
	if n := len(subs); n > 0 && subs[0].Op == regex.OpBeginText {
		subs, begins = subs[1:], true
	}
	if n := len(subs); n > 0 && subs[n-1].Op == regex.OpEndText {
		subs, ends = subs[:n-1], true
	}
	if !begins {
		out = append(out, anyRun)
	}
	for _, g := range subs {
		if isRun(g) && g.Max < 0 && g.Min <= 1 && single(g.Subs[0]) {
			if g.Min == 1 {
				out = append(out, g.Subs[0])
			}
			out = append(out, &regex.Re{Op: regex.OpRepeat, Max: -1, Subs: g.Subs})
		} else if single(g) {
			out = append(out, g)
		} else if g.Op != regex.OpEmpty {
			return nil, false
		}
	}
	if !ends {
		out = append(out, anyRun)
	}
	return slices.CompactFunc(out, func(a, b *regex.Re) bool { return isAny(a) && isAny(b) }), true
}

func single(g *regex.Re) bool {
	switch g.Op {
	case regex.OpLiteral, regex.OpClass, regex.OpAny, regex.OpAnyNotNewline:
		return true
	}
	return false
}

// test is the shape as a test of a text that is not empty.
func (s shape) test() ir.Test {
	var parts []ir.Part
	folds, cased, plain := false, false, true
	for _, g := range s {
		switch {
		case isAny(g):
			parts = append(parts, ir.Part{Kind: ir.AnyRun})
		case g.Op == regex.OpAny:
			parts = append(parts, ir.Part{Kind: ir.AnyOne})
		case g.Op == regex.OpLiteral:
			parts = append(parts, ir.Part{Text: string(g.Rune)})
			cases := regex.HasCases(g.Rune)
			folds, cased = folds || cases && g.Fold, cased || cases && !g.Fold
		default:
			plain = false
		}
	}
	if plain && !(folds && cased) {
		// Where case does not matter, equality is plainer than equality without case.
		return ir.NewPattern(cased || !folds && !slices.ContainsFunc(s, isRun), parts...)
	}
	subs := []*regex.Re{{Op: regex.OpBeginText}}
	if isAny(s[0]) {
		subs, s = nil, s[1:]
	}
	if n := len(s); n > 0 && isAny(s[n-1]) {
		return ir.Regexp{Re: regex.Concat(append(subs, s[:n-1]...)...)}
	}
	return ir.Regexp{Re: regex.Concat(append(append(subs, s...), &regex.Re{Op: regex.OpEndText})...)}
}

// set is the characters that a single one of a shape may be.
func set(g *regex.Re) []regex.Range {
	switch {
	case g.Op == regex.OpAny:
		return regex.Negate(nil)
	case g.Op == regex.OpAnyNotNewline:
		return regex.Negate([]regex.Range{{Lo: '\n', Hi: '\n'}})
	case g.Op == regex.OpLiteral && g.Fold:
		return regex.FoldRanges([]regex.Range{{Lo: g.Rune, Hi: g.Rune}})
	case g.Op == regex.OpLiteral:
		return []regex.Range{{Lo: g.Rune, Hi: g.Rune}}
	case g.Fold:
		return regex.FoldRanges(g.Ranges)
	}
	return g.Ranges
}

// meets says whether some character that may be in may be g, and whether each may.
func meets(g, in *regex.Re) (some, each bool) {
	switch {
	case g.Op == regex.OpAny:
		return true, true
	case g.Op == regex.OpLiteral && in.Op == regex.OpLiteral:
		same := g.Rune == in.Rune
		cases := regex.FoldRune(g.Rune) == regex.FoldRune(in.Rune)
		if in.Fold && !g.Fold {
			return cases, cases && !regex.HasCases(g.Rune)
		}
		return same || cases && g.Fold, same || cases && g.Fold
	}
	each = true
	theirs := set(g)
	for _, r := range set(in) {
		for at := r.Lo; at <= r.Hi; {
			i := slices.IndexFunc(theirs, func(t regex.Range) bool { return t.Hi >= at && t.Lo <= r.Hi })
			if i < 0 {
				each = false
				break
			}
			some, each = true, each && theirs[i].Lo <= at
			at = theirs[i].Hi + 1
		}
	}
	return some, each
}

// after are the shapes that the rest of a text must have one of, where the text has the
// shape s and begins with these single characters. It is not known where some of the
// texts that begin so go one way and some another.
func (s shape) after(begin shape) (rest []shape, known bool) {
	at := make([]bool, len(s)+1)
	reach := func(i int) {
		for at[i] = true; i < len(s) && isRun(s[i]); i++ {
			at[i+1] = true
		}
	}
	reach(0)
	for _, in := range begin {
		from := at
		at = make([]bool, len(s)+1)
		for i, g := range s {
			if !from[i] {
				continue
			}
			next := i + 1
			if isRun(g) {
				g, next = g.Subs[0], i
			}
			some, each := meets(g, in)
			if some && !each {
				return nil, false
			}
			if some {
				reach(next)
			}
		}
	}
	for i := range len(s) + 1 {
		if at[i] && (i == 0 || !at[i-1] || !isRun(s[i-1])) {
			if rest = append(rest, s[i:]); s[i:].all() {
				return []shape{s[i:]}, true
			}
		}
	}
	return rest, true
}

// halves are all ways in which a text that has the shape is two: the shape of the one
// and that of the other.
func (s shape) halves() (out [][2]shape) {
	for i := range len(s) + 1 {
		if (i == 0 || !isRun(s[i-1])) && (i == len(s) || !isRun(s[i])) {
			out = append(out, [2]shape{s[:i], s[i:]})
		}
		if i < len(s) && isRun(s[i]) {
			out = append(out, [2]shape{s[:i+1], s[i:]})
		}
	}
	return out
}

// equal compares the ends of one shape.
func (s shape) equal(o shape) bool { return len(s) == len(o) }

// covered says whether each of a is among b, of ends of one shape.
func covered(a, b []shape) bool {
	return !slices.ContainsFunc(a, func(s shape) bool { return !among(s, b) })
}

func among(s shape, b []shape) bool {
	return slices.ContainsFunc(b, func(o shape) bool { return o.all() || o.equal(s) })
}

// texts are the runs of literal characters in it, and how many of these it begins with:
// one or none.
func (s shape) texts() (all []string, begins int) {
	var b strings.Builder
	for i := 0; i <= len(s); i++ {
		if i < len(s) && s[i].Op == regex.OpLiteral {
			b.WriteRune(s[i].Rune)
		} else if b.Len() > 0 {
			all = append(all, b.String())
			b.Reset()
		}
	}
	if len(s) > 0 && s[0].Op == regex.OpLiteral {
		begins = 1
	}
	return all, begins
}

// Rename is of with kept and to in the place of what re matches, if that is one of a few
// beginnings of a text; kept, a row of characters or nil, is of it.
func Rename(of Term, re, kept *regex.Re, to string) (Term, bool) {
	var begin shape
	if kept != nil {
		texts := spelled(kept)
		if len(texts) != 1 {
			return nil, false
		}
		begin = texts[0]
	}
	subs := []*regex.Re{re}
	if re.Op == regex.OpConcat {
		subs = re.Subs
	}
	if subs[0].Op != regex.OpBeginText {
		return nil, false
	}
	from := spelled(&regex.Re{Op: regex.OpConcat, Subs: subs[1:]})
	for i, a := range from {
		for j, b := range from {
			if rest, known := slices.Concat(a, shape{anyRun}).after(b); i != j && (!known || len(rest) > 0) {
				return nil, false
			}
		}
	}
	return Renamed{of, from, slices.Concat(begin, literal(to, false))}, len(from) > 0
}

// spelled are the texts that re matches, as shapes without a run; none where they are
// not few.
func spelled(re *regex.Re) (out []shape) {
	const few = 10
	switch {
	case single(re):
		return []shape{{re}}
	case re.Op == regex.OpGroup:
		return spelled(re.Subs[0])
	case re.Op == regex.OpAlternate:
		for _, s := range re.Subs {
			more := spelled(s)
			if out = append(out, more...); len(more) == 0 || len(out) > few {
				return nil
			}
		}
	case re.Op == regex.OpConcat:
		out = []shape{nil}
		for _, s := range re.Subs {
			var longer []shape
			for _, end := range spelled(s) {
				for _, begin := range out {
					longer = append(longer, slices.Concat(begin, end))
				}
			}
			if out = longer; len(out) > few {
				return nil
			}
		}
	}
	return out
}
