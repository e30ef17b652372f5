package ir

import (
	"net/netip"
	"strings"
)

// A Test is a predicate over one value of a field. These are all that there are: no
// other package adds to them.
type Test interface {
	String() string
	test()
}

func (Pattern) test()      {}
func (Regexp) test()       {}
func (CIDR) test()         {}
func (Compare) test()      {}
func (Bool) test()         {}
func (Null) test()         {}
func (Exists) test()       {}
func (FieldRef) test()     {}
func (TimePart) test()     {}
func (Term) test()         {} // of queries
func (Windash) test()      {} // until ExpandWindash
func (Base64Offset) test() {} // until ExpandBase64Offset
func (Encode) test()       {} // until ExpandBase64Offset

// A Pattern is a text with wildcards that the whole value must match, without
// regard to case (see regex.Fold) unless Cased.
type Pattern struct {
	Parts []Part
	Cased bool
}

// A Part of a Pattern is a literal or a wildcard.
type Part struct {
	Kind PartKind
	Text string // of a Literal: the text, never empty; of a Placeholder: its name
}

// A PartKind says what a Part of a Pattern is.
type PartKind uint8

// The kinds of a Part.
const (
	Literal     PartKind = iota
	AnyRun               // `*`: any run of characters, also none
	AnyOne               // `?`: exactly one character
	Placeholder          // `%name%` under `expand`: a pipeline must replace it
)

// A Shape is the simplest way to say a Pattern.
type Shape uint8

// The shapes of a Pattern. A Pattern of one `*` is Any; what is none of the
// others is Glob.
const (
	Exact Shape = iota
	Prefix
	Suffix
	Contains
	Any
	Glob
)

// NewPattern joins parts: neighbouring literals become one and neighbouring
// `*` become one.
func NewPattern(cased bool, parts ...Part) Pattern {
	out := make([]Part, 0, len(parts))
	var run strings.Builder // of literals that follow each other
	for i, p := range parts {
		switch p.Kind {
		case Literal:
			more := i+1 < len(parts) && parts[i+1].Kind == Literal
			if more || run.Len() > 0 {
				run.WriteString(p.Text)
			}
			switch {
			case more:
			case run.Len() > 0:
				out = append(out, Part{Literal, run.String()})
				run = strings.Builder{}
			case p.Text != "":
				out = append(out, p)
			}
		case AnyRun:
			if n := len(out); n == 0 || out[n-1].Kind != AnyRun {
				out = append(out, p)
			}
		default:
			out = append(out, p)
		}
	}
	return Pattern{out, cased}
}

// Lit is the Pattern of one literal text.
func Lit(s string) Pattern { return NewPattern(false, Part{Literal, s}) }

// Shape says which of the simple shapes p has, and its literal text.
func (p Pattern) Shape() (Shape, string) {
	ps := p.Parts
	star := func(i int) bool { return ps[i].Kind == AnyRun }
	lit := func(i int) bool { return ps[i].Kind == Literal }
	switch {
	case len(ps) == 0:
		return Exact, ""
	case len(ps) == 1 && lit(0):
		return Exact, ps[0].Text
	case len(ps) == 1 && star(0):
		return Any, ""
	case len(ps) == 2 && lit(0) && star(1):
		return Prefix, ps[0].Text
	case len(ps) == 2 && star(0) && lit(1):
		return Suffix, ps[1].Text
	case len(ps) == 3 && star(0) && lit(1) && star(2):
		return Contains, ps[1].Text
	}
	return Glob, ""
}

// Has says whether p has a part of that kind.
func (p Pattern) Has(k PartKind) bool {
	for _, q := range p.Parts {
		if q.Kind == k {
			return true
		}
	}
	return false
}

// Written is p as a rule writes it (specification, "Escaping"). A backslash alone
// stands for itself, but several, or one before a wildcard, are doubled:
// `C:\Users\\*` ends in a wildcard, `C:\Users\*` in an asterisk.
func (p Pattern) Written() string {
	var b strings.Builder
	for i, q := range p.Parts {
		switch q.Kind {
		case AnyRun:
			b.WriteByte('*')
		case AnyOne:
			b.WriteByte('?')
		case Placeholder:
			b.WriteString("%" + q.Text + "%")
		default:
			for text := q.Text; text != ""; {
				rest := strings.TrimLeft(text, `\`)
				n := len(text) - len(rest)
				wild := rest != "" && (rest[0] == '*' || rest[0] == '?')
				if n > 1 || wild || rest == "" && i+1 < len(p.Parts) {
					n *= 2
				}
				if wild {
					n++
				}
				b.WriteString(strings.Repeat(`\`, n))
				if rest != "" {
					b.WriteByte(rest[0])
					rest = rest[1:]
				}
				text = rest
			}
		}
	}
	return b.String()
}

// Literals is the text of p's literals, joined.
func (p Pattern) Literals() string {
	if shape, text := p.Shape(); shape != Glob {
		return text
	}
	var b strings.Builder
	for _, q := range p.Parts {
		if q.Kind == Literal {
			b.WriteString(q.Text)
		}
	}
	return b.String()
}

// A CIDR is true of a value that is one address in text form inside Net.
type CIDR struct{ Net netip.Prefix }

// A Compare is true of a number that stands in relation Op to Number. Of a
// text, Eq asks for the number's decimal text, and the orderings for a text
// that is a number.
type Compare struct {
	Op     Op
	Number Number
}

// An Op is a relation between numbers.
type Op uint8

// The relations of a Compare.
const (
	Eq Op = iota
	Lt
	Lte
	Gt
	Gte
)

func (o Op) String() string { return [...]string{"=", "<", "<=", ">", ">="}[o] }

// A Bool is true of that boolean, and of its name as text in any case.
type Bool struct{ Value bool }

// Null is true of a field that is missing or null.
type Null struct{}

// Exists is true of a field that is present, whatever its value.
type Exists struct{}

// A FieldRef is true of a value that stands in relation Shape (Exact, Prefix,
// Suffix or Contains) to some value of the field Other, without regard to case
// unless Cased: `f|fieldref|startswith: g` says that f's value starts with g's.
type FieldRef struct {
	Other Field
	Shape Shape
	Cased bool
}

// A TimePart is true of a date whose Part stands in relation Op to Number.
type TimePart struct {
	Part   string // minute hour day week month year
	Op     Op
	Number Number
}

// Windash is X with every dash that starts a word written in each of five
// ways: sugar, until ExpandWindash has run. X is a Pattern.
type Windash struct{ X Test }

// Base64Offset is X in Base64 at each of three offsets: sugar, until
// ExpandBase64Offset has run. X is a Pattern, Encode or Windash; wildcards at
// the ends of its Pattern stand outside the encoding.
type Base64Offset struct{ X Test }

// Encode is X in an encoding, waiting for the variants below it: it stands
// over Windash or Base64Offset only, a plain Pattern is encoded at once.
// Wildcards at the ends stand outside the encoding.
type Encode struct {
	As Encoding
	X  Test
}
