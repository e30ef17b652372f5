package eval

import (
	"math"
	"slices"
	"unicode/utf8"

	"sigmac/ir"
	"sigmac/regex"
)

// A clue is a text, folded, that values which pass a test have.
type clue struct {
	text  string // empty only where it is the whole value
	place place
	sure  bool // each value that has it passes
}

// A place is where in a value a clue stands.
type place uint8

const (
	anywhere place = iota
	atStart
	atEnd
	whole
)

func (p place) isStart() bool { return p == atStart || p == whole }
func (p place) isEnd() bool   { return p == atEnd || p == whole }

var placeOfShape = map[ir.Shape]place{ir.Exact: whole, ir.Prefix: atStart, ir.Suffix: atEnd, ir.Contains: anywhere}

// clues are such that each value whose text is UTF-8 and which passes has one of them. Where
// ok is false, none are known.
func clues(t ir.Test) (out []clue, ok bool) {
	switch t := t.(type) {
	case ir.Pattern:
		return patternClues(t, false)
	case ir.Windash:
		p, plain := t.X.(ir.Pattern)
		if out, ok = variantClues(t); plain && (!ok || len(out) > maxRequired) {
			return patternClues(p, true)
		}
		return out, ok
	case ir.Base64Offset, ir.Encode:
		return variantClues(t)
	case ir.Regexp:
		if t.Re == nil {
			return nil, true // a placeholder: nothing passes
		}
		for _, text := range required(t.Re) {
			out = append(out, clue{text: text})
		}
		return out, len(out) > 0
	case ir.Compare:
		if t.Op == ir.Eq {
			return []clue{{string(t.Number), whole, true}}, true
		}
	case ir.Bool:
		return []clue{{boolText(t.Value), whole, false}}, true // not of a number
	}
	return nil, false
}

func patternClues(p ir.Pattern, windash bool) (out []clue, ok bool) {
	if p.Has(ir.Placeholder) {
		return nil, true
	}
	if !utf8.ValidString(p.Literals()) {
		return nil, false
	}
	if shape, text := p.Shape(); shape < ir.Any && !(windash && hasDash(text)) {
		c := clue{regex.Fold(text), placeOfShape[shape], !p.Cased}
		return []clue{c}, c.text != "" || c.place == whole
	}
	longest := string(longestRun(atomsOf(p, windash)))
	return []clue{{text: longest}}, longest != ""
}

func variantClues(t ir.Test) (out []clue, ok bool) {
	ps, err := variants(t)
	if err != nil {
		return nil, false
	}
	for _, p := range ps {
		cs, ok := patternClues(p, false)
		if !ok {
			return nil, false
		}
		out = append(out, cs...)
	}
	return out, true
}

// maxRequired bounds the texts of which a test requires one.
const maxRequired = 64

// required are texts, folded, one of which each text holds in which re matches; none where
// nothing is known.
func required(re *regex.Re) []string {
	switch re.Op {
	case regex.OpAlternate:
		var all []string
		for _, s := range re.Subs {
			texts := required(s)
			if all = append(all, texts...); len(texts) == 0 || len(all) > maxRequired {
				return nil
			}
		}
		return distinct(all)
	case regex.OpGroup, regex.OpRepeat, regex.OpConcat, regex.OpLiteral, regex.OpClass:
		w := wanted{run: []string{""}}
		w.then(re)
		w.stop()
		return w.best
	}
	return nil
}

// Wanted are texts that a part of a regular expression requires.
type wanted struct {
	run  []string // one of which stands at the end of what was read
	best []string // one of which stands somewhere before
}

// then reads on.
func (w *wanted) then(re *regex.Re) {
	switch re.Op {
	case regex.OpEmpty, regex.OpBeginText, regex.OpEndText, regex.OpEnd, regex.OpBeginLine, regex.OpBehindLine, regex.OpEndLine,
		regex.OpWordBoundary, regex.OpNoWordBoundary:
		return
	case regex.OpGroup:
		w.then(re.Subs[0])
		return
	case regex.OpConcat:
		for _, s := range re.Subs {
			w.then(s)
		}
		return
	case regex.OpRepeat:
		const most = 16
		for range min(re.Min, most) {
			w.then(re.Subs[0])
		}
		if re.Min != re.Max || re.Min > most {
			w.stop()
		}
		return
	}
	texts := choices(re)
	if longer := len(w.run) * len(texts); longer == 0 || longer > maxRequired {
		w.stop()
	}
	switch {
	case len(texts) > 0:
		var run []string
		for _, before := range w.run {
			for _, s := range texts {
				run = append(run, before+s)
			}
		}
		w.run = distinct(run)
	case re.Op == regex.OpAlternate:
		w.take(required(re))
	}
}

func (w *wanted) stop() {
	w.take(w.run)
	w.run = []string{""}
}

func (w *wanted) take(texts []string) {
	if telling(texts) > telling(w.best) {
		w.best = texts
	}
}

// choices are all texts, folded, that re matches, if they are few.
func choices(re *regex.Re) (out []string) {
	const most = 16
	switch re.Op {
	case regex.OpEmpty:
		return []string{""}
	case regex.OpLiteral:
		return []string{string(regex.FoldRune(re.Rune))}
	case regex.OpClass:
		for _, in := range re.Ranges {
			for c := in.Lo; c <= in.Hi; c++ {
				if out = append(out, string(regex.FoldRune(c))); len(out) > 2*most {
					return nil
				}
			}
		}
	case regex.OpGroup:
		return choices(re.Subs[0])
	case regex.OpConcat:
		out = []string{""}
		for _, s := range re.Subs {
			texts := choices(s)
			if len(texts)*len(out) > most {
				return nil
			}
			var longer []string
			for _, before := range out {
				for _, text := range texts {
					longer = append(longer, before+text)
				}
			}
			out = longer
		}
	case regex.OpAlternate:
		for _, s := range re.Subs {
			texts := choices(s)
			if out = append(out, texts...); len(texts) == 0 || len(out) > 2*most {
				return nil
			}
		}
	}
	if out = distinct(out); len(out) > most {
		return nil
	}
	return out
}

func distinct(texts []string) []string {
	slices.Sort(texts)
	return slices.Compact(texts)
}

// shortest is a number of bytes that each text has in which re matches.
func shortest(re *regex.Re) (n int) {
	switch re.Op {
	case regex.OpLiteral, regex.OpClass, regex.OpAny, regex.OpAnyNotNewline:
		return 1
	case regex.OpGroup:
		return shortest(re.Subs[0])
	case regex.OpRepeat:
		return min(min(re.Min, maxLength)*shortest(re.Subs[0]), maxLength)
	case regex.OpConcat:
		for _, s := range re.Subs {
			n = min(n+shortest(s), maxLength)
		}
	case regex.OpAlternate:
		n = maxLength
		for _, s := range re.Subs {
			n = min(n, shortest(s))
		}
	}
	return n
}

// A classRun is a number of bytes in a row of some kinds.
type classRun struct {
	length int
	bytes  [256]bool
}

// longestClass is the longest run of characters of one class that each text has in which re
// matches; its length is 0 where none is known.
func longestClass(re *regex.Re) (out classRun) {
	switch re.Op {
	case regex.OpGroup, regex.OpConcat:
		for _, s := range re.Subs {
			if r := longestClass(s); r.length > out.length {
				out = r
			}
		}
	case regex.OpRepeat:
		class := re.Subs[0]
		if class.Op != regex.OpClass || re.Min < 2 {
			if re.Min > 0 {
				out = longestClass(class)
			}
			return out
		}
		out.length = min(re.Min, maxLength)
		for c := range out.bytes {
			out.bytes[c] = c >= utf8.RuneSelf // a part of some other character
		}
		for _, c := range "kKsS" { // what is not ASCII folds to these
			out.bytes[c] = class.Fold
		}
		for _, in := range class.Ranges {
			for c := max(in.Lo, 0); c <= in.Hi && c < utf8.RuneSelf; c++ {
				out.bytes[c] = true
				for _, other := range regex.Cases(c) {
					out.bytes[byte(other)] = out.bytes[byte(other)] || class.Fold
				}
			}
		}
	}
	return out
}

// in says whether a text has such a run. It looks at every length-th byte first.
func (r *classRun) in(s string) bool {
	for from := 0; from+r.length <= len(s); {
		at := from + r.length - 1
		for at >= from && r.bytes[s[at]] {
			at--
		}
		if at < from {
			return true
		}
		from = at + 1
	}
	return r.length == 0
}

// maxLength bounds what is counted of lengths.
const maxLength = 1 << 16

// telling is how much texts tell, one of which is required, in bits.
func telling(texts []string) float64 {
	least := math.MaxInt
	for _, s := range texts {
		least = min(least, len(s))
	}
	if len(texts) == 0 || least == 0 {
		return 0
	}
	const ofByte = 5
	return float64(ofByte*least) - math.Log2(float64(len(texts)))
}
