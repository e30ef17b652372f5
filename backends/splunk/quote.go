package splunk

import (
	"slices"
	"strings"
	"unicode/utf8"

	"sigmac/backends"
	"sigmac/internal/lazy"
	"sigmac/ir"
)

// quote writes p as a string of the command `search`, which has neither a
// literal `*` nor a wildcard for one character. ok is false for what no such
// string holds.
func quote(p ir.Pattern) (lit string, ok bool) {
	if !quotable(p) {
		return "", false
	}
	return string(appendQuoted(nil, p)), true
}

// appendQuoted appends a quotable p as a string of the command `search`.
func appendQuoted(b []byte, p ir.Pattern) []byte {
	b = append(b, '"')
	for _, q := range p.Parts {
		if q.Kind == ir.AnyRun {
			b = append(b, '*')
		}
		for text := q.Text; text != ""; {
			n := strings.IndexAny(text, `\"`)
			if n < 0 {
				b = append(b, text...)
				break
			}
			b = append(append(b, text[:n]...), '\\', text[n])
			text = text[n+1:]
		}
	}
	return append(b, '"')
}

// quotable says whether a string of `search` holds p.
func quotable(p ir.Pattern) bool {
	return !slices.ContainsFunc(p.Parts, func(q ir.Part) bool {
		return q.Kind != ir.AnyRun && (q.Kind != ir.Literal || !ordinary(q.Text) &&
			(!utf8.ValidString(q.Text) || strings.ContainsAny(q.Text, "*`") || backends.HasHidden(q.Text)))
	})
}

// ordinary says whether s is of characters of ASCII that can be seen, and has none that `search` reads
// in a string as something else.
func ordinary(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '*' || c == '`' {
			return false
		}
	}
	return true
}

// unsayable says whether a string of `search` cannot hold r: a wildcard, a
// macro, or what cannot be seen in a query.
func unsayable(r rune) bool { return r == '*' || r == '`' || backends.Hidden(r) }

// quoteText writes s as a string of `where`.
func quoteText(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// quoteRe writes a regular expression as a string of `where`. It must mean the
// same whether the string unescapes or not, as those of regex.PCRE do.
func quoteRe(s string) (lit string, ok bool) {
	if strings.ContainsAny(s, "\"`") || backends.HasHidden(s) || !utf8.ValidString(s) ||
		strings.Contains(s, `\\`) || strings.Contains(s, `\|`) || strings.HasSuffix(s, `\`) {
		return "", false
	}
	return `"` + s + `"`, true
}

// bareField says whether a name may stand without quotes: a word with dots and `{}`.
func bareField(s string) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || c == '_':
		case i > 0 && ('0' <= c && c <= '9' || c == '.'):
		case i > 0 && strings.HasPrefix(s[i:], "{}"):
			i++
		default:
			return false
		}
	}
	return s != "" && !(len(s) <= maxKeyword && keywords[strings.ToUpper(s)])
}

// keywords are the words that `search` takes for itself.
var keywords = map[string]bool{
	"IN": true, "AS": true, "AND": true, "OR": true, "NOT": true, "XOR": true, "BY": true, "WHERE": true,
	"SEARCH": true, // first in a query, it would be the command
}

const maxKeyword = len("SEARCH")

// searchField writes a field for `search`, whereField one for `where`; lack is
// the feature that neither has, or "".
func searchField(s string) (lit, lack string) {
	if bareField(s) {
		return s, ""
	}
	return `"` + s + `"`, fieldLack(s)
}

// No document says that single quotes keep a pipe from ending the stage, or
// brackets from holding a subsearch.
func whereField(s string) (lit, lack string) {
	if lack = fieldLack(s); lack == "" {
		if at := strings.IndexAny(s, "|[]"); at >= 0 {
			lack = "a field name with " + s[at:at+1] + " outside of a search"
		}
	}
	return "'" + s + "'", lack
}

func fieldLack(s string) string {
	at := strings.IndexAny(s, "'\"`\\*")
	switch {
	case s == "":
		return "a field without a name"
	case !utf8.ValidString(s):
		return "a field name that is not UTF-8 text"
	case backends.HasHidden(s):
		return "a field name with a character that cannot be seen"
	case at >= 0:
		return "a field name with " + s[at:at+1]
	}
	return ""
}

var bareIndex = lazy.Regexp(`^[A-Za-z0-9_.*-]+$`)

// indexName writes the name of an index, in which a `*` is a wildcard.
func indexName(s string) (lit string, ok bool) {
	if bareIndex().MatchString(s) && !keywords[strings.ToUpper(s)] {
		return s, true
	}
	return quote(ir.Lit(s))
}
