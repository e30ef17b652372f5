package rules

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"sigmac/internal/corpus"
	"sigmac/parser"
)

// decoderWords is what the YAML decoder says by itself.
var decoderWords = regexp.MustCompile(`yaml: |line \d+: |runtime error|did not find|could not find|not YAML: (?:found|mapping values|block sequence)`)

// TestFaults puts a character more or less into public rules, and holds that what is then no
// YAML is told in sigmac's words, at a place of the text.
func TestFaults(t *testing.T) {
	count := 0
	for i, file := range corpus.Files(t, ".yml", "sigma/rules*") {
		if i%40 != 0 {
			continue
		}
		rule, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for at := i % 37; at < len(rule); at += 37 {
			for _, sign := range []string{"", " ", "\t", "'", `"`, ":", "[", "{", "*", "]", "\n", "- ", ": "} {
				from := at
				if sign == "" {
					from++
				}
				src := string(rule[:at]) + sign + string(rule[from:])
				lines := strings.Split(src, "\n")
				for _, d := range parser.Parse(file, []byte(src)).Documents {
					if d.Kind != parser.Unreadable || d.Foreign || len(d.Errors) == 0 {
						continue
					}
					count++
					e := d.Errors[0]
					if e.Pos.Line > len(lines) || e.Pos.Column > 1+len(lines[e.Pos.Line-1]) || decoderWords.MatchString(e.Msg) {
						t.Errorf("%q at byte %d: %s", sign, at, e)
					}
				}
			}
		}
	}
	if count < 1000 {
		t.Errorf("%d faults, which is no test", count)
	}
}
