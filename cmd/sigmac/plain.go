package main

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
)

// What rules, files and their names say is a stranger's text. Everything that is
// shown of it to people goes through plainText, and lines through tell.

// tell writes a line.
func tell(w io.Writer, format string, args ...any) error {
	_, err := io.WriteString(w, plainText(fmt.Sprintf(format, args...))+"\n")
	return err
}

// commands are what the logs of GitHub and Azure take for more than text, the
// first at the start of a line.
var commands = []string{"::", "##[", "##vso["}

// plainText is s in one line, without what a terminal or the log of a build server
// would obey.
func plainText(s string) string {
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

// plainLines is plainText for each line.
func plainLines(s string) []string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	for i, l := range lines {
		lines[i] = plainText(strings.TrimRight(l, "\r"))
	}
	return lines
}

// plainJSON is a text in JSON, in one line, with the escapes of JSON for what
// plainText escapes.
func plainJSON(s string) string {
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
