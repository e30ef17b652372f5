package parser

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"sigmac/ir"
)

// nodes lists a tree without its comments.
func nodes(b *strings.Builder, n *yaml.Node, depth int) {
	fmt.Fprintf(b, "%*s%d:%d %d %d %s %q %q\n", depth, "", n.Line, n.Column, n.Kind, n.Style, n.Tag, n.Anchor, n.Value)
	for _, c := range n.Content {
		nodes(b, c, depth+1)
	}
}

func listed(roots []*yaml.Node) string {
	var b strings.Builder
	for _, r := range roots {
		if r.Kind != yaml.ScalarNode || r.Tag != "!!null" {
			nodes(&b, r, 0)
		}
	}
	return b.String()
}

// CompareBlocks holds that the decoder reads the same, if src is taken.
func CompareBlocks(t *testing.T, src []byte) (taken bool) {
	src = bytes.TrimPrefix(src, bom)
	if _, bad := badCharacter(src); bad != "" {
		return false
	}
	memory := memories.Get().(*nodeMemory) // which another file has had
	defer memory.free()
	got, taken := readBlocks(src, memory)
	if !taken {
		return false
	}
	want, fault := decode(src)
	if fault != nil {
		t.Errorf("%q is taken: %s", src, fault.why)
	} else if g, w := listed(got), listed(want); g != w {
		t.Errorf("%q\n%s\nand not\n%s", src, g, w)
	}
	f, ends := &file{src: src}, map[ir.Pos]ir.Pos{}
	for _, n := range got {
		f.index(n, ends, ir.Pos{})
	}
	for at, want := range ends {
		if end, ok := f.behindQuotes(at); ok && end != want {
			t.Errorf("%q: what begins at %v ends at %v, and not at %v", src, at, end, want)
		}
	}
	return true
}

var blockTexts = []struct {
	src   string
	taken bool
}{
	{"a: b\n", true},
	{"a: b", true},
	{"a: [", false},
	{"date: 2024-01-28\nmodified: 2024-02-29\nlast: 2024-12-31\nnone: 2024-02-30\nnever: 2024-13-01\nzero: 0000-00-00\nfirst: 0000-01-01\n", true},
	{"- false\n- falsey\n- False\n- true\n- title\n- null\n- nulls\n- NULL\n- ~\n- yes\n- off\n- Offset\n- n\n- y\n", true},
	{"", true},
	{"# only\n\n", true},
	{"---\na: b\n---\n# c\nd: e\n---\n", true},
	{"--- # c\na: b\n", false},
	{"--- a\n", false},
	{"a: b\n...\n", false},
	{"%YAML 1.1\n---\na: b\n", false},
	{"text\n", false},
	{"  a: b\n  c: d\n", true},
	{"  a: b\n c: d\n", false},
	{"a: b\n  c: d\n", false},
	{"a: b: c\n", false},
	{"a:b: c\n", true},
	{"a : b\n", true},
	{"a:\nb:   \nc: # x\n", true},
	{"a:\n- b\n- c\nd: e\n", true},
	{"a:\n  - b\n  - c\nd: e\n", true},
	{"a:\n  - b\n - c\n", false},
	{"a:\n - b\n  - c\n", true}, // the text goes on
	{"a:\n- b\n  - c\n", true},
	{"a: - b\n", false},
	{"- a: b\n  c:\n  - d\n-   e: f\n    g: h\n- - i\n  - j\n", true},
	{"- a: b\n   c: d\n", false},
	{"-\n  a: b\n", false},
	{"a:\n  b\nc:\n  'd'\n", true},
	{"a:\n  b\n  c\n\n\n  d # x\ne: f\n", true},
	{"a: b # x\n  c\n", false},
	{"a: b\n  # x\n  c\n", false},
	{"a: b\n\n  # x\nc: d\n", true},
	{"a: b\n  c:\n", false},
	{"a: b#c #d\n", true},
	{`'a b': "c\\d\n\""`, true},
	{`"a": 'it''s'`, true},
	{"a: ''''\nb: ''\nc: \"\"\n", true},
	{"a: 'b'c\n", false},
	{"a: 'b' # c\n", true},
	{"a: 'b'# c\n", false},
	{"a: 'b' : c\n", false},
	{"a: 'b\n  c'\n", false},
	{`a: "\x41"`, false},
	{`a: "\`, false},
	{"a: |\n  b\n   c\n\n  d\ne: |-\n f\n\ng: |+\n  h\n\n\ni: j\n", true},
	{"a: >\n  b\n  c\n\n  d\n    e\n  f\n\n    g\nh: >-\n  i\n  j\n", true},
	{"a: |\n  b", true},
	{"a: |\n  b\n  ", false},
	{"a: |\n  b\n   \n  c\n # d\ne: f\n", true},
	{"a: |\n\n \n  b\n", true},
	{"a: |\n    \n  b\n", false},
	{"a: |\nb: c\n", false},
	{"a: |2\n   b\n", false},
	{"- |\n a\n- >\n b\n", true},
	{"a: [b]\n", false},
	{"a: {b: c}\n", false},
	{"a: &b c\n", false},
	{"a: *b\n", false},
	{"a: !!str b\n", false},
	{"? a\n: b\n", false},
	{"<<: a\n", false},
	{"a: @b\n", false},
	{"a: -b\n", true},
	{"a: 1\nb: 0x1f\nc: 1.5\nd: 2020-01-02\ne: ~\nf: yes\ng: true\nh: .inf\ni: -\u00fc\nj: null\n", true},
	{"\u00e4\u00f6: b\n- \u00e4: c", false},
	{"\u00e4\u00f6: b\n\u4e16: 'c'\n", true},
	{"a: b\ta\n", false},
	{"a: b\r\n", false},
	{strings.Repeat("a", 999) + ": b\n", true},
	{strings.Repeat("a", 1025) + ": b\n", false},
	{strings.Repeat("- ", 99) + "a\n", true},
	{strings.Repeat("- ", 200) + "a\n", false},
}

func TestBlocks(t *testing.T) {
	for _, b := range blockTexts {
		if taken := CompareBlocks(t, []byte(b.src)); taken != b.taken {
			t.Errorf("%q is taken: %t", b.src, taken)
		}
	}
}

// FuzzBlocks holds that what is taken has the nodes that the decoder makes.
func FuzzBlocks(f *testing.F) {
	for _, b := range blockTexts {
		f.Add([]byte(b.src))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		CompareBlocks(t, src)
	})
}

// TestVerbatim holds that a text which stands in the source as it is has the places that a walk
// over both finds.
func TestVerbatim(t *testing.T) {
	const src = "a|b: 'c:\\d  e' # x\n'a''b': \"c\\\\d\"\n\"x y\": 'é f'\ng: h  i\n  j\nk: \"l  'm'\"\nn:   |\n  o p\n  q\n'r': ''\ns: 't''' \n"
	f := &file{src: []byte(src)}
	roots, _ := readYAML(f.src, new(nodeMemory))
	said := 0
	for _, n := range roots[0].Content {
		if c := f.cursorAt(n); c.verbatim(n.Value) {
			said++
		}
		for at := range len(n.Value) + 1 {
			c := f.cursorAt(n)
			if got, want := f.locate(n, at), c.walk(nil, n, []int{at})[0]; got != want {
				t.Errorf("%q at %d: %v and not %v", n.Value, at, got, want)
			}
		}
		if end, line := f.behind(n, false), strings.Split(src, "\n")[n.Line-1]; n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
			if last := []rune(line)[end.Column-2]; end.Line != n.Line || last != '\'' && last != '"' {
				t.Errorf("%q ends at %v, behind %q", n.Value, end, last)
			}
		}
	}
	if want := 10; said != want {
		t.Errorf("%d texts stand there as they are, and not %d", said, want)
	}
}
