package elastic

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"sigmac/backends"
)

// quote writes s as a string of EQL. No string holds what is not UTF-8.
func quote(s string) (lit string, ok bool) {
	if !utf8.ValidString(s) {
		return "", false
	}
	if !strings.Contains(s, `"`) && !backends.HasHidden(s) {
		if strings.Contains(s, `\`) {
			return `"""` + s + `"""`, true
		}
		return `"` + s + `"`, true
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch r {
		case '\b':
			b.WriteString(`\b`)
		case '\t':
			b.WriteString(`\t`)
		case '\n':
			b.WriteString(`\n`)
		case '\f':
			b.WriteString(`\f`)
		case '\r':
			b.WriteString(`\r`)
		case '"', '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			if backends.Hidden(r) {
				fmt.Fprintf(&b, `\u{%02x}`, r)
			} else {
				b.WriteRune(r)
			}
		}
	}
	b.WriteByte('"')
	return b.String(), true
}

// keywords are the words that the grammar takes for itself (EqlBase.g4).
var keywords = map[string]bool{
	"and": true, "any": true, "by": true, "false": true, "fork": true, "in": true, "join": true, "like": true,
	"maxspan": true, "not": true, "null": true, "of": true, "or": true, "regex": true, "runs": true, "sample": true,
	"sequence": true, "true": true, "until": true, "where": true, "with": true,
}

// identifier says whether s may stand without backticks.
func identifier(s string) bool {
	for i, r := range s {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || r == '_'
		if !letter && (i == 0 && r != '@' || i > 0 && (r < '0' || r > '9')) {
			return false
		}
	}
	return s != "" && !keywords[s]
}

// fieldName writes an optional field. No name holds a character that cannot be
// seen.
func fieldName(s string) (lit string, ok bool) {
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
