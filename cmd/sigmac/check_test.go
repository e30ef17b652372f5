package main

import (
	"strings"
	"testing"

	"sigmac/ir"
)

// TestExcerpt holds what stands above the mark below a line, and where that is cut.
func TestExcerpt(t *testing.T) {
	long := strings.Repeat("a", 200)
	for _, c := range []struct {
		line     string
		from, to ir.Pos
		want     string // the text, and the mark below it
	}{
		{"a: bcd e", ir.Pos{Line: 2, Column: 4}, ir.Pos{Line: 2, Column: 7}, "a: bcd e\n   ^~~"},
		{"a: 𝄞𝄞 e", ir.Pos{Line: 2, Column: 4}, ir.Pos{Line: 2, Column: 6}, "a: 𝄞𝄞 e\n   ^~"},
		{"a: b\x1bc d", ir.Pos{Line: 2, Column: 4}, ir.Pos{Line: 2, Column: 7}, "a: b\\u{1b}c d\n   ^~~~~~~~"},
		{"a: bcd", ir.Pos{Line: 2, Column: 4}, ir.Pos{}, "a: bcd\n   ^"},
		{"a: bcd", ir.Pos{Line: 2, Column: 7}, ir.Pos{}, "a: bcd\n      ^"},
		{"a: [b,", ir.Pos{Line: 2, Column: 4}, ir.Pos{Line: 3, Column: 2}, "a: [b,\n   ^~~"},
		{long, ir.Pos{Line: 2, Column: 99}, ir.Pos{Line: 2, Column: 102}, "…" + long[:100] + "…\n" + strings.Repeat(" ", 41) + "^~~"},
		{"a: " + long, ir.Pos{Line: 2, Column: 4}, ir.Pos{Line: 2, Column: 204}, "a: " + long[:97] + "…\n   ^" + strings.Repeat("~", 96)},
	} {
		text, mark := excerpt(c.line, ir.Span{Start: c.from, End: c.to})
		if got := text + "\n" + mark; got != c.want {
			t.Errorf("%q:\n%s\nwant\n%s", c.line, got, c.want)
		}
	}
}
