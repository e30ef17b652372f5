package markdown

import "testing"

func TestText(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"a b", "a b"},
		{"*x* [y](z) <b>", `\*x\* \[y\](z) &lt;b\>`},
		{"a & b | c", `a &amp; b \| c`},
		{"a\n# b\x1b", `a \# b\\u{1b}`},
		{"@who ~ !`x`", "\\@who \\~ \\!\\`x\\`"},
	} {
		if got := Text(c.in); got != c.want {
			t.Errorf("%q becomes %q, not %q", c.in, got, c.want)
		}
	}
}

func TestCode(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"a*b", "`a*b`"},
		{"a`b|c", "``a`b\\|c``"},
		{"`a", "`` `a ``"},
		{" a ", "`  a  `"},
		{"a\nb", "`a b`"},
	} {
		if got := Code(c.in); got != c.want {
			t.Errorf("%q becomes %q, not %q", c.in, got, c.want)
		}
	}
}

func TestBlock(t *testing.T) {
	for _, c := range []struct {
		in   []string
		want string
	}{
		{nil, "```yaml\n```"},
		{[]string{"a: b", "\x1bc"}, "```yaml\na: b\n\\u{1b}c\n```"},
		{[]string{"````"}, "`````yaml\n````\n`````"},
	} {
		if got := Block("yaml", c.in); got != c.want {
			t.Errorf("%q becomes %q, not %q", c.in, got, c.want)
		}
	}
}
