package parser

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"sigmac/ir"
)

// sorted puts errors in the order of the file, each once: an alias is read
// wherever it stands.
func sorted(es []*ir.Diagnostic) []*ir.Diagnostic {
	slices.SortStableFunc(es, func(a, b *ir.Diagnostic) int {
		return cmp.Or(cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Column, b.Pos.Column))
	})
	return slices.CompactFunc(es, func(a, b *ir.Diagnostic) bool { return *a == *b })
}

// finish are diagnostics of the file in its order, with their source, and with their
// ends: behind the quoted text, or the word, that they begin at.
func (f *file) finish(ds []*ir.Diagnostic) []*ir.Diagnostic {
	ds = sorted(ds)
	for _, d := range ds {
		d.Source = f.source
		if n := wordLength(f.at(d.Pos)); n > 0 {
			d.End = ir.Pos{Line: d.Pos.Line, Column: d.Pos.Column + n}
		}
	}
	return ds
}

// maxWord bounds the bytes of a word that are looked at.
const maxWord = 4096

// wordLength is the number of characters of the text in quotes, or of the word, that
// text begins with, on one line.
func wordLength(text []byte) (n int) {
	text = text[:min(len(text), maxWord)]
	quote := rune(0)
	for i := 0; i < len(text); n++ {
		r, size := utf8.DecodeRune(text[i:])
		switch {
		case r == '\r' || endsLine(r, text[i+size:]):
			return n
		case i == 0 && (r == '"' || r == '\''):
			quote = r
		case quote != 0 && r == quote && (quote == '\'' || text[i-1] != '\\'):
			return n + 1
		case quote == 0 && n > 0 && (r == ' ' || r == '\t' || strings.ContainsRune(`:,]}#"'`, r)):
			return n
		}
		i += size
	}
	return n
}
