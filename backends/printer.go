package backends

import (
	"slices"
	"strings"
	"unicode"
)

// A Doc is a query before its layout is chosen: a text, or parts or plain items
// with a separator between them, in parentheses or without.
type Doc struct {
	Head      string // where the query looks, before its condition
	Text      string
	Open, Sep string // Open ends with the parenthesis; Sep is an operator, a comma or a semicolon, without its blanks
	Parts     []Doc
	Items     []string // in place of Parts
	Body      *Doc     // in place of both: a text that is laid out by itself, and holds no line break
	Bare      *Doc     // what says the same without help for an index; nil: the Doc itself
	Cost      *Cost    // of a condition that an event must meet; nil: it is none, or several

	// Why are the reasons for which a whole query is more than the plain tests of its
	// language, sorted: of a short list that the language has.
	Why []string

	// What only Pretty asks.
	Lines bool // each part stands on a line of its own, even where all fit on one
	Fill  bool // a line holds as many Items as fit
	Inset int  // steps by which lines after the first stand further in than they would
}

// Joined is parts with an operator between them: those of a part that has the same operator stand among them, and a
// part with another one stands in parentheses. Compound says whether a part has an operator outside parentheses. It may
// change parts.
func Joined(op string, parts []Doc, compound func(*Doc) bool) Doc {
	if len(parts) == 1 {
		return parts[0]
	}
	same := func(d *Doc) bool { return compound(d) && d.Sep == op }
	if slices.ContainsFunc(parts, func(d Doc) bool { return same(&d) }) {
		var flat []Doc
		for i := range parts {
			if d := &parts[i]; same(d) {
				flat = append(flat, d.Parts...)
			} else {
				flat = append(flat, *d)
			}
		}
		parts = flat
	}
	for i := range parts {
		if d := &parts[i]; compound(d) {
			d.Open = "("
		}
	}
	return Doc{Sep: op, Parts: parts}
}

// WithoutHelp is d without the parts that are implied by the rest, and are there for an
// index to be asked.
func (d Doc) WithoutHelp() Doc {
	if d.Bare != nil {
		return d.Bare.WithoutHelp()
	}
	d.Parts = slices.Clone(d.Parts)
	for i := range d.Parts {
		d.Parts[i] = d.Parts[i].WithoutHelp()
	}
	if d.Body != nil {
		body := d.Body.WithoutHelp()
		d.Body = &body
	}
	return d
}

// maxWidth is the length in bytes from which Pretty breaks a Doc over lines.
const maxWidth = 100

// Flat prints d on one line.
func (d Doc) Flat() string {
	var b strings.Builder
	b.Grow(d.size())
	d.flat(&b)
	return b.String()
}

// size is the length of Flat, in bytes.
func (d *Doc) size() int {
	n := len(d.Head) + len(d.Text) + len(d.Open) + min(len(d.Open), len(")"))
	if k := len(d.Parts) + len(d.Items); k > 0 {
		n += (k - 1) * len(d.flatSep())
	}
	for i := range d.Parts {
		n += d.Parts[i].size()
	}
	for _, s := range d.Items {
		n += len(s)
	}
	if d.Body != nil {
		n += d.Body.size()
	}
	return n
}

func (d *Doc) flat(b *strings.Builder) {
	b.WriteString(d.Head)
	b.WriteString(d.Text)
	b.WriteString(d.Open)
	sep := d.flatSep()
	for i := range d.Parts {
		if i > 0 {
			b.WriteString(sep)
		}
		d.Parts[i].flat(b)
	}
	for i, s := range d.Items {
		if i > 0 {
			b.WriteString(sep)
		}
		b.WriteString(s)
	}
	if d.Body != nil {
		d.Body.flat(b)
	}
	if d.Open != "" {
		b.WriteByte(')')
	}
}

func (d *Doc) flatSep() string {
	switch d.Sep {
	case "":
		return " "
	case ",", ";":
		return d.Sep + " "
	}
	return " " + d.Sep + " "
}

// Pretty prints d with every part that is too long for a line broken over
// several; white space is all that differs from Flat.
func (d Doc) Pretty() string {
	var b strings.Builder
	d.pretty(&b, 0)
	return b.String()
}

func (d *Doc) pretty(b *strings.Builder, depth int) {
	n := len(d.Parts) + len(d.Items)
	switch {
	case d.Body != nil:
		b.WriteString(d.Text)
		b.WriteString(strings.ReplaceAll(d.Body.Pretty(), "\n", "\n"+strings.Repeat("  ", depth+d.Inset)))
		return
	case n == 0 || !d.Lines && 2*depth+d.size() <= maxWidth:
		d.flat(b)
		return
	case d.Fill:
		d.fill(b, depth+d.Inset)
		return
	}
	b.WriteString(d.Head)
	b.WriteString(d.Text)
	b.WriteString(d.Open)
	inner := depth + d.Inset
	if d.Open != "" {
		inner++
	}
	for i := range n {
		close := d.Sep == "," || d.Sep == ";"
		if i > 0 && close {
			b.WriteString(d.Sep)
		}
		if i > 0 || d.Open != "" {
			b.WriteString("\n" + strings.Repeat("  ", inner))
		}
		if i > 0 && !close && d.Sep != "" {
			b.WriteString(d.Sep + " ")
		}
		if d.Items != nil {
			b.WriteString(d.Items[i])
		} else {
			d.Parts[i].pretty(b, inner)
		}
	}
	if d.Open != "" {
		b.WriteString("\n" + strings.Repeat("  ", depth) + ")")
	}
}

// fill prints the items of d on as few lines as hold them.
func (d *Doc) fill(b *strings.Builder, depth int) {
	b.WriteString(d.Text)
	at := len(d.Text)
	for i, s := range d.Items {
		switch {
		case i > 0 && at+1+len(s) > maxWidth:
			b.WriteString("\n" + strings.Repeat("  ", depth))
			at = 2 * depth
		case i > 0:
			b.WriteString(" ")
			at++
		}
		b.WriteString(s)
		at += len(s)
	}
}

// HasHidden says whether s holds a Hidden character.
func HasHidden(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7F {
			return strings.ContainsFunc(s[i:], Hidden)
		}
	}
	return false
}

// Hidden says whether r cannot be seen in a query, or would change its look:
// control and format characters, and the separators of lines.
func Hidden(r rune) bool {
	if ' ' <= r && r < 0x7F {
		return false
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}
