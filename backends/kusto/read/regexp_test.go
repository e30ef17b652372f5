package read

import (
	"slices"
	"strings"
	"testing"

	"sigmac/eval"
	"sigmac/ir"
	"sigmac/regex"
)

// TestReadRegexp holds the syntax of the page "Regex syntax" against the
// evaluator.
func TestReadRegexp(t *testing.T) {
	for _, tt := range []struct{ re, yes, no string }{ // texts between spaces
		{`a.c`, "abc xabcx", "ac a\nc ABC"},
		{`(?s)a.c`, "a\nc", "ac"},
		{`(?i)aBc`, "ABC abc", "ab"},
		{`(?i)é`, "É é", "e"},
		{`(?i-u:aé)`, "Aé aé", "aÉ"},
		{`^a$`, "a", "ba a\n"},
		{`(?m)^a$`, "a b\na\nc", "ba"},
		{`\Aa\z`, "a", "a\n"},
		{`\d`, "1 ٣", "a"},
		{`(?-u:\d)`, "1", "٣"},
		{`\w\W`, "é- _.", "ab"},
		{`\s`, "\t \u2003 \u00a0", "a"},
		{`(?-u:\s)`, "\t", "\u2003 a"},
		{`\bfoo\b`, "foo -foo-", "éfoo foo1 foox"},
		{`(?-u:\b)foo`, "foo éfoo", "xfoo"},
		{`\Boo`, "foo éoo", "oo -oo"},
		{`\b{start}a\b{end}`, "a -a-", "éa ab"},
		{`\<a\>`, "a", "ab"},
		{`\b{start-half}a`, "a -a", "ba"},
		{`a{2}b{1,}c{0,1}d{1, 2}`, "aabd aabbcdd", "abd"},
		{`(?U)\Aa+\z`, "aaa", "b"},
		{`\A(?x) a # b
			c \ \# \z`, "ac␠#", "a"},
		{`\A(?:a|b)*(?<n>c)(?P<m>d)\z`, "cd abacd", "abc"},
		{`[a-c&&[^b]]`, "a c", "b"},
		{`[a-c--b]`, "a c", "b"},
		{`[a-c~~b-d]`, "a d", "b c"},
		{`[a-c[x]]`, "b x", "d"},
		{`[[:alpha:][:^ascii:]]`, "a é", "1"},
		{`[[:blank:]]`, "\t", "\n a"},
		{`[]a]`, "] a", "b"},
		{`[^]a]`, "b", "] a"},
		{`[-a]`, "- a", "b"},
		{`[a-]`, "- a", "b"},
		{`[\]\-\\^]`, `] - \ ^`, "b"},
		{`(?i)[^a-c]`, "d D", "a B"},
		{`(?i)[k]`, "k K", "a"},
		{`\p{Lu}\PN`, "Ax Éx", "ax A1"},
		{`\p{Greek}`, "α", "a"},
		{`\p{Script=Greek}\pL`, "αa", "aa"},
		{`\p{Alphabetic}`, "a", "1"},
		{`\x41\x{e9}\u00e9\U0001F600`, "Aéé😀", "A"},
		{`\t\n\a\f\v\r`, "\t\n\a\f\v\r", "t"},
		{`\.\*\/\%\-`, ".*/%-", "a"},
		{`a**`, "b", ""},
		{`|a`, "b", ""},
		{`()`, "b", ""},
		{`a]}`, "a]}", "a"},
	} {
		m := readWhere(t, "t matches regex ~~~"+tt.re+"~~~")
		passes := func(s string) bool {
			ev, err := eval.NewEvent(map[string]any{"t": strings.ReplaceAll(s, "␠", " ")})
			if err != nil {
				t.Fatal(err)
			}
			return eval.Expr(nil, m, ev)
		}
		for _, s := range strings.Split(tt.yes, " ") {
			if !passes(s) {
				t.Errorf("%s does not match %q", tt.re, s)
			}
		}
		for _, s := range strings.Split(tt.no, " ") {
			if s != "" && passes(s) {
				t.Errorf("%s matches %q", tt.re, s)
			}
		}
	}
}

func TestReadRegexpErrors(t *testing.T) {
	for re, want := range map[string]string{
		`a(?!b)`: "byte 1", `(?<=a)b`: "byte 0", `(a)\1`: "byte 3", `a\Z`: "byte 1", `\Qa\E`: "byte 0", `\e`: "byte 0", `\h`: "byte 0",
		`(?#c)`: "no flag", `(?>a)`: "no flag", `*a`: "nothing to repeat", `a{`: "not a count", `a{,3}`: "not a count", `a{3,1}`: "not a count",
		`[a`: "not closed", `[[]`: "not closed", `[a-\d]`: "not a range", `[z-a]`: "not a range", `(a`: "not closed", `a)`: "without",
		`(?-u:.)`: "no text", `(?-u:[^a])`: "no text", `(?-u:\W)`: "no text", `(?-u:\xff)`: "no text", `(?-u:\pL)`: "without the flag u",
		`(?ii)`: "twice", `(?)`: "without a name", `(?i-)`: "without a name", `(?<n>a)(?<n>b)`: "two groups", `(?<>a)`: "no name", `(?i)*`: "nothing to repeat",
		strings.Repeat("(a)", 17): "16 groups", strings.Repeat("(?:", 300): "nested", `\x{110000}`: "number", `\ud800`: "number", `a\`: "too early",
	} {
		_, err := Read("t matches regex ~~~"+re+"~~~", readTypes)
		if err == nil || !strings.HasPrefix(err.Error(), "1:17: regular expression at byte ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%.30s: %v, want %s", re, err, want)
		}
	}
	// Right, and beyond the IR.
	for _, re := range []string{`(?R)a$`, `\p{Emoji_Presentation_Of_Nothing}`, `(a{1000}){1000}`} {
		if e, ok := readWhere(t, "t matches regex '"+strings.ReplaceAll(re, `\`, `\\`)+"'").(ir.Opaque); !ok {
			t.Errorf("%s: %v", re, e)
		}
	}
}

// TestReadRegexpSource holds that expressions with one Source mean the same: a
// Source is PCRE unless it says that it is not.
func TestReadRegexpSource(t *testing.T) {
	for re, want := range map[string]string{`a.c`: `a.c`, `(?i)[a-c]x`: `(?i)[a-c]x`, `\d`: `(*UCP)\d`, `a\b`: `(*UCP)a\b`, `[a&&b]`: `(*UCP)[a&&b]`} {
		got := readWhere(t, "t matches regex @'"+re+"'").(ir.Match).Test.(ir.Regexp)
		if got.Source != want {
			t.Errorf("%s: %s, want %s", re, got.Source, want)
		}
	}
	for _, text := range []string{"éa", "Éb", "a.é*"} {
		for _, op := range []string{"=~", "contains", "startswith", "endswith"} {
			got := readWhere(t, "t "+op+" '"+text+"'").(ir.Match).Test.(ir.Regexp)
			pcre, err := ir.ParseRegexp(got.Source, regex.Flags{})
			if err != nil {
				t.Fatal(err)
			}
			a, err1 := got.Re.Go()
			b, err2 := pcre.Re.Go()
			if err1 != nil || err2 != nil || a != b {
				t.Errorf("%s %s: %s means another thing", op, text, got.Source)
			}
		}
	}
}

func TestCanonical(t *testing.T) {
	got := canonical([]regex.Range{{Lo: 'b', Hi: 'c'}, {Lo: 0xD000, Hi: 0xD900}, {Lo: 'a', Hi: 'a'}, {Lo: 0xDC00, Hi: 0xE001}, {Lo: 0xD800, Hi: 0xDFFF}})
	want := []regex.Range{{Lo: 'a', Hi: 'c'}, {Lo: 0xD000, Hi: 0xE001}}
	if !slices.Equal(got, want) {
		t.Errorf("%x", got)
	}
}
