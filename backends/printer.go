package backends

import (
	"strings"
	"unicode"
)

// A Doc is a query before its layout is chosen: a text, or parts between an
// opening and a closing with a separator between them.
type Doc struct {
	Text             string
	Open, Sep, Close string // Sep is an operator or a comma, without its blanks
	Parts            []Doc
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
func (d Doc) size() int {
	n := len(d.Text) + len(d.Open) + len(d.Close)
	for _, p := range d.Parts {
		n += len(d.Sep) + 2 + p.size()
	}
	return n
}

func (d Doc) flat(b *strings.Builder) {
	b.WriteString(d.Text)
	b.WriteString(d.Open)
	for i, p := range d.Parts {
		if i > 0 {
			b.WriteString(d.flatSep())
		}
		p.flat(b)
	}
	b.WriteString(d.Close)
}

func (d Doc) flatSep() string {
	if d.Sep == "," || d.Sep == "" {
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

func (d Doc) pretty(b *strings.Builder, depth int) {
	flat := d.Flat()
	if len(d.Parts) == 0 || 2*depth+len(flat) <= maxWidth {
		b.WriteString(flat)
		return
	}
	b.WriteString(d.Text)
	b.WriteString(d.Open)
	inner := depth
	if d.Open != "" {
		inner++
	}
	for i, p := range d.Parts {
		if i > 0 && d.Sep == "," {
			b.WriteString(",")
		}
		if i > 0 || d.Open != "" {
			b.WriteString("\n" + strings.Repeat("  ", inner))
		}
		if i > 0 && d.Sep != "," && d.Sep != "" {
			b.WriteString(d.Sep + " ")
		}
		p.pretty(b, inner)
	}
	if d.Close != "" {
		b.WriteString("\n" + strings.Repeat("  ", depth) + d.Close)
	}
}

// Hidden says whether r cannot be seen in a query, or would change its look:
// control and format characters, and the separators of lines.
func Hidden(r rune) bool {
	if ' ' <= r && r < 0x7F {
		return false
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}
