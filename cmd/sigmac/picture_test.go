package main

import (
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestPicture holds that docs/diff.svg, which README shows, is what a terminal shows of the command in it;
// -update draws it.
func TestPicture(t *testing.T) {
	needs(t, "bash", "git")
	const command = "sigmac diff main"
	cmd := exec.Command("bash", "-c", command)
	cmd.Dir = docsRepository(t, "README.md")
	cmd.Env = append(os.Environ(), "CLICOLOR_FORCE=1", "NO_COLOR=")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	want := terminal(command, string(out))
	file := filepath.Join(repositoryRoot, "docs", "diff.svg")
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if have, err := os.ReadFile(file); err != nil || string(have) != want {
		t.Errorf("docs/diff.svg is not what sigmac shows: go test ./cmd/sigmac -run TestPicture -update; %v", err)
	}
}

// The look of the terminal in a picture, in pixels.
const (
	cellWidth, lineHeight = 8.4, 20
	margin, barHeight     = 16, 32
	columns               = 100 // where lines are broken
)

// colours are those of the escapes of package style.
var colours = map[string]string{
	"1": "font-weight:bold", "2": "fill:#8b949e", "31": "fill:#ff7b72", "32": "fill:#7ee787", "33": "fill:#e3b341", "36": "fill:#79c0ff",
}

var escape = regexp.MustCompile(`\x1b\[([0-9;]*)m`)

// terminal draws a command and its output, with escapes for colours, as a terminal shows them: a picture in SVG.
func terminal(command, output string) string {
	var rows []string
	look := "" // of what follows
	for line := range strings.Lines("\x1b[32m$\x1b[0m " + command + "\n" + output) {
		var row strings.Builder
		col := 0
		put := func(s string) {
			for s != "" {
				if col == columns {
					rows = append(rows, row.String())
					row.Reset()
					col = 0
				}
				n := min(columns-col, utf8.RuneCountInString(s))
				part := string([]rune(s)[:n])
				s, col = s[len(part):], col+n
				// Browsers do not agree on how an SVG says that blanks stay.
				if text := strings.ReplaceAll(html.EscapeString(part), " ", "\u00a0"); look != "" {
					fmt.Fprintf(&row, `<tspan style="%s">%s</tspan>`, look, text)
				} else {
					row.WriteString(text)
				}
			}
		}
		rest := strings.TrimSuffix(line, "\n")
		for {
			at := escape.FindStringSubmatchIndex(rest)
			if at == nil {
				put(rest)
				break
			}
			put(rest[:at[0]])
			look = colours[rest[at[2]:at[3]]]
			rest = rest[at[1]:]
		}
		rows = append(rows, row.String())
	}
	width, height := 2*margin+cellWidth*columns, barHeight+margin+lineHeight*len(rows)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%d" viewBox="0 0 %.0f %d" role="img" aria-label="%s on a terminal">`+"\n", width, height, width, height, html.EscapeString(command))
	fmt.Fprintf(&b, `<rect width="%.0f" height="%d" rx="8" fill="#0d1117"/>`+"\n", width, height)
	for i, c := range []string{"#ff5f56", "#ffbd2e", "#27c93f"} {
		fmt.Fprintf(&b, `<circle cx="%d" cy="16" r="6" fill="%s"/>`+"\n", margin+4+20*i, c)
	}
	b.WriteString(`<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="14" fill="#e6edf3">` + "\n")
	for i, row := range rows {
		if row != "" {
			fmt.Fprintf(&b, `<text x="%d" y="%d">%s</text>`+"\n", margin, barHeight+lineHeight*(i+1)-6, row)
		}
	}
	b.WriteString("</g>\n</svg>\n")
	return b.String()
}
