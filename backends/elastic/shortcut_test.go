package elastic

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"sigmac/backends"
	"sigmac/ir"
	"sigmac/regex"
)

// TestShortcuts holds that what is said in one look of most patterns and texts is what their definitions say.
func TestShortcuts(t *testing.T) {
	has := func(p ir.Pattern) bool {
		shape, _ := p.Shape()
		text := p.Literals()
		switch {
		case shape == ir.Any:
			return true
		case !p.Cased && !regex.ASCIIFolds(text):
			return false
		case shape != ir.Exact && (strings.ContainsAny(text, "*?") || strings.IndexFunc(text, unicode.IsControl) >= 0):
			return false
		}
		return backends.LuceneRefusesPattern(p) == ""
	}
	quoted := func(s string) (string, bool) {
		if !utf8.ValidString(s) {
			return "", false
		}
		if !strings.Contains(s, `"`) && !backends.HasHidden(s) {
			if strings.Contains(s, `\`) {
				return `"""` + s + `"""`, true
			}
			return `"` + s + `"`, true
		}
		escapes := map[rune]string{'\b': `\b`, '\t': `\t`, '\n': `\n`, '\f': `\f`, '\r': `\r`, '"': `\"`, '\\': `\\`}
		var b strings.Builder
		for _, c := range s {
			if e := escapes[c]; e != "" {
				b.WriteString(e)
			} else if backends.Hidden(c) {
				fmt.Fprintf(&b, `\u{%02x}`, c)
			} else {
				b.WriteRune(c)
			}
		}
		return `"` + b.String() + `"`, true
	}
	pieces := []string{"a", "K", "s", "é", "İ", "\u212a", "\u017f", "ß", "*", "?", `"`, `\`, "\t", "\n", "\r", "\b", "\f", "\x00", "\x7f", "\u200b", "\u2028", "\xff", "\xe2\x80", "\ufeff", " ", "~"}
	r := rand.New(rand.NewPCG(1, 4))
	text := func() string {
		var b strings.Builder
		for range r.IntN(5) {
			b.WriteString(pieces[r.IntN(len(pieces))])
		}
		return b.String()
	}
	patterns := 0
	for range 100_000 {
		parts := []ir.Part{{Kind: ir.AnyRun}, {Text: text()}, {Kind: ir.AnyOne}, {Text: text()}, {Kind: ir.AnyRun}}
		p := ir.NewPattern(r.IntN(2) == 0, slices.DeleteFunc(parts, func(ir.Part) bool { return r.IntN(2) == 0 })...)
		got, want := hasPattern(p), has(p)
		if got != want {
			t.Fatalf("EQL has %s: %v, not %v", p, got, want)
		}
		if got {
			patterns++
		}
		var written strings.Builder
		for _, q := range p.Parts {
			switch q.Kind {
			case ir.AnyRun:
				written.WriteByte('*')
			case ir.AnyOne:
				written.WriteByte('?')
			}
			written.WriteString(q.Text)
		}
		lit, ok := appendQuoted(nil, p)
		if want, valid := quoted(written.String()); ok != valid || ok && string(lit) != want {
			t.Fatalf("%s is written %s, not %s", p, lit, want)
		}
	}
	if t.Log(patterns); patterns < 10_000 {
		t.Errorf("EQL has only %d patterns", patterns)
	}
}
