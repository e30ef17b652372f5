// Package markdown writes a stranger's text in Markdown, where it stays text.
package markdown

import (
	"fmt"
	"strings"

	"sigmac/internal/plain"
)

// Text is s as text in Markdown, in one line.
func Text(s string) string {
	var b strings.Builder
	for _, r := range plain.Text(s) {
		switch {
		case r == '<':
			b.WriteString("&lt;")
		case r == '&':
			b.WriteString("&amp;")
		case strings.ContainsRune("\\`*_[]#|~>!@", r):
			b.WriteString("\\" + string(r))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Code is s as code in a table, in one line; no text is no code.
func Code(s string) string {
	s = plain.Text(s)
	if s == "" {
		return ""
	}
	ticks := strings.Repeat("`", longestRun(s, '`')+1)
	pad := ""
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") || strings.HasPrefix(s, " ") && strings.HasSuffix(s, " ") {
		pad = " "
	}
	return ticks + pad + strings.ReplaceAll(s, "|", `\|`) + pad + ticks
}

// Block is lines as a block of code in a language, as `json`, without a line feed
// at its end.
func Block(language string, lines []string) string {
	text := ""
	for _, l := range lines {
		text += plain.Text(l) + "\n"
	}
	ticks := strings.Repeat("`", max(3, longestRun(text, '`')+1))
	return ticks + language + "\n" + text + ticks
}

func longestRun(s string, c rune) (longest int) {
	n := 0
	for _, r := range s {
		if r != c {
			n = 0
			continue
		}
		n++
		longest = max(longest, n)
	}
	return longest
}

// HTML is s as text in HTML, in one line, and as text in Markdown.
func HTML(s string) string {
	var b strings.Builder
	for _, r := range plain.Text(s) {
		if strings.ContainsRune("<>&\"'`*_[]\\~@#!|", r) {
			fmt.Fprintf(&b, "&#%d;", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}
