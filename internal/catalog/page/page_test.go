package page

import (
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigmac/internal/catalog"
	"sigmac/internal/style"
	"sigmac/parser"
)

// hostile is the entry of a rule that has every section, and says in its texts what
// a terminal or a browser would obey.
func hostile(t *testing.T) *catalog.Entry {
	t.Helper()
	src := []byte(`title: "T\e[31m <script>\n# x"
description: "D\e[2J\n::error ::d"
tags: [attack.execution, attack.t1059.001]
logsource: {category: process_creation, product: windows}
detection:
  sel:
    Image|endswith: ['\x.exe', "\u202e|` + "`" + `"]
    "f\e": ' '
  filter:
    User: '<b>'
    Parent: null
  condition: sel and not filter
`)
	d := parser.Parse("rule.yml", src).Documents[0]
	if d.Rule == nil || len(d.Errors) > 0 {
		t.Fatal(d.Errors)
	}
	return catalog.NewEntry("rule.yml", d.Rule, src)
}

// TestText: colours are all that a terminal is told, and they change no word.
func TestText(t *testing.T) {
	e := hostile(t)
	var plain, coloured strings.Builder
	if err := errors.Join(Text(&plain, style.Style{}, e), Text(&coloured, style.Style{Colour: true}, e)); err != nil {
		t.Fatal(err)
	}
	if regexp.MustCompile(`[^ -~\n]|(?m:^ *::)`).MatchString(plain.String()) {
		t.Errorf("%q", plain.String())
	}
	bare := regexp.MustCompile(`\x1b\[[0-9]*m`).ReplaceAllString(coloured.String(), "")
	if !slices.Equal(strings.Fields(bare), strings.Fields(plain.String())) || bare == coloured.String() {
		t.Errorf("without colours:\n%s\nnot:\n%s", bare, plain.String())
	}
	for _, section := range []string{"MITRE ATT&CK coverage", "Event coverage", "Stages and predicates", "Exclusions", "Indicators"} {
		if !strings.Contains(plain.String(), "\n\n"+section+"\n\n") {
			t.Errorf("no section %s:\n%s", section, plain.String())
		}
	}
}

// TestMarkdown: what a rule says is no markup.
func TestMarkdown(t *testing.T) {
	var b strings.Builder
	if err := Markdown(&b, hostile(t)); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(b.String(), `## T\\u{1b}\[31m &lt;script\> \# x`+"\n\n") {
		t.Error(b.String())
	}
	for line := range strings.Lines(b.String()) {
		if strings.HasPrefix(line, "| ") && strings.Count(strings.ReplaceAll(line, `\|`, ""), "|") < 4 {
			t.Errorf("no row of a table: %q", line)
		}
		if strings.ContainsAny(line, "\x1b\u202e") || strings.Contains(line, "<script") {
			t.Errorf("%q", line)
		}
	}
}

func TestJSON(t *testing.T) {
	e := hostile(t)
	var b strings.Builder
	if err := JSON(&b, e); err != nil || strings.Count(b.String(), "\n") != 1 || !strings.Contains(b.String(), "<script>") {
		t.Errorf("%q %v", b.String(), err)
	}
	var back struct{ Rule catalog.Facts }
	if err := json.Unmarshal([]byte(b.String()), &back); err != nil || back.Rule.Title != e.Rule.Title {
		t.Errorf("%q %v", back.Rule.Title, err)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space") }

func TestFull(t *testing.T) {
	e := hostile(t)
	text := func(w io.Writer, e *catalog.Entry) error { return Text(w, style.Style{}, e) }
	for i, write := range []func(io.Writer, *catalog.Entry) error{text, Markdown, JSON} {
		if err := write(full{}, e); err == nil {
			t.Errorf("%d: no error", i)
		}
	}
}
