package elastic

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"sigmac/backends"
	"sigmac/ir"
)

// quote writes s as a string of EQL. No string holds what is not UTF-8.
func quote(s string) (lit string, ok bool) {
	b, ok := appendQuoted(nil, ir.Lit(s))
	return string(b), ok
}

// appendQuoted appends p, with its wildcards as characters, as a string of EQL.
func appendQuoted(b []byte, p ir.Pattern) (out []byte, ok bool) {
	plain, raw := true, false // without anything to escape, or with backslashes alone
	for _, q := range p.Parts {
		for i := range len(q.Text) {
			switch c := q.Text[i]; {
			case c == '\\':
				raw = true
			case c < ' ' || c == '"' || c > '~':
				plain = false
			}
		}
	}
	if !plain {
		escape := false
		for _, q := range p.Parts {
			if !utf8.ValidString(q.Text) {
				return b, false
			}
			escape = escape || strings.Contains(q.Text, `"`) || backends.HasHidden(q.Text)
		}
		plain = !escape
	}
	quotes, text := `"`, appendEscaped
	if plain {
		text = func(b []byte, s string) []byte { return append(b, s...) }
		if raw {
			quotes = `"""`
		}
	}
	b = append(b, quotes...)
	for _, q := range p.Parts {
		switch q.Kind {
		case ir.AnyRun:
			b = append(b, '*')
		case ir.AnyOne:
			b = append(b, '?')
		default:
			b = text(b, q.Text)
		}
	}
	return append(b, quotes...), true
}

// appendEscaped appends a part of a string of EQL with escapes.
func appendEscaped(b []byte, s string) []byte {
	for _, r := range s {
		switch r {
		case '\b':
			b = append(b, `\b`...)
		case '\t':
			b = append(b, `\t`...)
		case '\n':
			b = append(b, `\n`...)
		case '\f':
			b = append(b, `\f`...)
		case '\r':
			b = append(b, `\r`...)
		case '"', '\\':
			b = append(b, '\\', byte(r))
		default:
			if backends.Hidden(r) {
				b = fmt.Appendf(b, `\u{%02x}`, r)
			} else {
				b = utf8.AppendRune(b, r)
			}
		}
	}
	return b
}

// keywords are the words that the grammar takes for itself (EqlBase.g4).
var keywords = map[string]bool{
	"and": true, "any": true, "by": true, "false": true, "fork": true, "in": true, "join": true, "like": true,
	"maxspan": true, "not": true, "null": true, "of": true, "or": true, "regex": true, "runs": true, "sample": true,
	"sequence": true, "true": true, "until": true, "where": true, "with": true,
}

// identifier says whether s may stand without backticks.
func identifier(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_'
		if !letter && (i == 0 && c != '@' || i > 0 && (c < '0' || c > '9')) {
			return false
		}
	}
	return s != "" && !keywords[s]
}

// fieldName writes an optional field. No name holds a character that cannot be
// seen.
func fieldName(s string) (lit string, ok bool) {
	if identifier(s) {
		return "?" + s, true
	}
	if s == "" || !utf8.ValidString(s) || backends.HasHidden(s) {
		return "", false
	}
	for part := range strings.SplitSeq(s, ".") {
		if !identifier(part) {
			return "?`" + strings.ReplaceAll(s, "`", "``") + "`", true
		}
	}
	return "?" + s, true
}
