// Package plain shows a stranger's text without what a terminal would obey, or the log
// of a build server.
package plain

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
)

// What rules, files and their names say is a stranger's text. Everything that is
// shown of it to people goes through Text, and lines through Line.

// Line writes a line to w: what the format makes of args, as Text. The error is
// that of w.
func Line(w io.Writer, format string, args ...any) error {
	_, err := io.WriteString(w, Text(fmt.Sprintf(format, args...))+"\n")
	return err
}

// commands are what the logs of GitHub and Azure take for more than text, the
// first at the start of a line.
var commands = []string{"::", "##[", "##vso["}

// Text is s in one line, without what a terminal or the log of a build server
// would obey: that is written as an escape like \u{1b}.
func Text(s string) string {
	if isPlain(s) {
		return s
	}
	return escaped(s)
}

// isPlain says of most texts that Text changes nothing in them.
func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '#' || c == ':' && strings.HasPrefix(s[i:], commands[0]) {
			return false
		}
	}
	return true
}

func escaped(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			b.WriteByte(' ')
		case !unicode.IsPrint(r) || unicode.In(r, unicode.Cf),
			r == ':' && strings.HasPrefix(s[i:], commands[0]) && strings.TrimSpace(s[:i]) == "",
			r == '#' && (strings.HasPrefix(s[i:], commands[1]) || strings.HasPrefix(s[i:], commands[2])):
			fmt.Fprintf(&b, `\u{%x}`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Lines is Text for each line of s, without empty lines at the end.
func Lines(s string) []string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	for i, l := range lines {
		lines[i] = Text(strings.TrimRight(l, "\r"))
	}
	return lines
}

// JSON is s, a text in JSON, in one line, with the escapes of JSON for what Text
// escapes.
func JSON(s string) string {
	var b strings.Builder
	for i, r := range s {
		command := r == '#' && (strings.HasPrefix(s[i:], commands[1]) || strings.HasPrefix(s[i:], commands[2]))
		if unicode.IsPrint(r) && !unicode.In(r, unicode.Cf) && !command {
			b.WriteRune(r)
			continue
		}
		for _, u := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, `\u%04x`, u)
		}
	}
	return b.String()
}

// Clip is s with no more than n characters.
func Clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// Event is an event as JSON in a line, as it is: Text or JSON makes it fit to be shown.
func Event(event map[string]any) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(event); err != nil {
		return err.Error()
	}
	return strings.TrimSuffix(b.String(), "\n")
}
