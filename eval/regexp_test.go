package eval

import (
	"math/rand"
	"strconv"
	"strings"
	"testing"
)

func TestBeyondRegular(t *testing.T) {
	for _, tt := range []struct{ re, yes, no string }{
		{`foo(?=bar)`, `xfoobar`, `foo foobaz`},
		{`foo(?!bar)`, `foo foobaz foobarfoo`, `foobar xfoobar`},
		{`^(?!.*\.exe$)`, `a.dll exe`, `a.exe b.exe`},
		{`(?<=a)b`, `ab xab`, `b cb`},
		{`(?<!a)b`, `b cb abb`, `ab aab`},
		{`(?<=ab|c)d`, `abd cd`, `bd ad d`},
		{`(?<=^|x)d`, `d xd`, `yd`},
		{`(?<=a{2})b`, `aab`, `ab`},
		{`(a|b)c\1`, `aca bcb xbcb`, `acb bca`},
		{`(?<n>[a-c]+)-\k<n>$`, `abc-abc xab-ab`, `abc-ab`},
		{`(?i)(a)\1`, `aA Aa`, `ab`},
		{`(a)(?i)\1`, `aA aa`, `Aa`},
		{`(a)|b\1`, `a`, `b bb`},
		{`(?:(a)|b)*\1`, `aa aba`, `b ba bb`},
		{`((a)b)\2\1`, `abaab`, `abab`},
		{`^(?>a+)ab`, ``, `aab aaab`},
		{`^(?>a+)b`, `aab`, `aa`},
		{`^(?>a|ab)c`, `ac`, `abc`},
		{`^a++ab`, ``, `aaab`},
		{`^a*+b`, `b aab`, `aac`},
		{`^a?+a`, `aa`, `a`},
		{`^a{1,2}+a`, `aaa`, `aa`},
		{`(?=(a+))\1b`, `aab`, `aac`},
		{`(?!(a)b)a\1?`, `ac`, `ab`},
		{`(?=a)(?!ab).(?<=a)c`, `ac`, `ab bc`},
		{`^(?:a|(?=b)b)+$`, `abab`, `abc`},
		{`^(?=.{3}$)\w+$`, `abc`, `ab abcd`},
		{`(?<!\\)\bcmd\b(?!\.exe)`, `cmd cmd.com`, `\cmd cmd.exe cmdx`},
		{`^(.)(.).?\2\1$`, `abba abcba`, `abab`},
		{`^(?:a?)*?(?=$)`, `a aaa`, `b`},
		{`^(?:(a?))*\1b`, `ab aab b`, `c`},
	} {
		x := re(tt.re)
		if x.Re.Extended() == "" {
			t.Errorf("%s is regular", tt.re)
		}
		for want, texts := range map[bool]string{true: tt.yes, false: tt.no} {
			for _, s := range strings.Fields(texts) {
				if search(x.Re, s) != want {
					t.Errorf("%s of %s is %v", tt.re, s, !want)
				}
			}
		}
	}
}

// TestBacktrack holds the matcher against package regexp on what both know.
func TestBacktrack(t *testing.T) {
	rnd := rand.New(rand.NewSource(3))
	pick := func(from ...string) string { return from[rnd.Intn(len(from))] }
	var expression func(depth int) string
	expression = func(depth int) string {
		if depth == 0 {
			return pick("a", "b", "A", "[ab]", "[^a]", ".", `\w`, `\b`, `\B`, "^", "$", `\d`, "é", `\s`, "")
		}
		x, y := expression(depth-1), expression(depth-1)
		switch rnd.Intn(5) {
		case 0:
			return "(?:" + x + "|" + y + ")"
		case 1:
			return "(?:" + x + ")" + pick("*", "+", "?", "*?", "+?", "{2}", "{1,2}", "{0,2}?")
		case 2:
			return "(?" + pick("i", "m", "s") + ":" + x + ")" + y
		}
		return x + y
	}
	irregular := 0
	for range 20000 {
		source := expression(1 + rnd.Intn(4))
		var b strings.Builder
		for range rnd.Intn(6) {
			b.WriteString(pick("a", "b", "A", "B", "é", "É", "\n", " ", "1"))
		}
		x, s := re(source), b.String()
		g := compiled(x.Re)
		if _, lack := x.Re.Regular(); lack != "" {
			irregular++
			continue
		}
		if g == nil {
			t.Fatalf("%s is not compiled", source)
		}
		if got, want := x.Re.In([]rune(s)), g.MatchString(s); got != want {
			t.Fatalf("%s of %q: %v", source, s, got)
		}
	}
	if irregular > 4000 {
		t.Errorf("%d expressions are not compiled", irregular)
	}
}

// TestAnchors holds `$` and `^` as PCRE's page on patterns has them: `$` also
// before a line break that ends the text, and with m no line begins behind it.
func TestAnchors(t *testing.T) {
	for _, tt := range []struct{ re, yes, no string }{ // texts between slashes
		{`foo$`, "foo/foo\n/xfoo", "foo\n\n/foo\nx/foo /\n"},
		{`foo\Z`, "foo/foo\n", "foo\n\n/foo\nx"},
		{`foo\z`, "foo/xfoo", "foo\n/foo\n\n"},
		{`(?m)foo$`, "foo/foo\n/foo\nx", "foo /foo\r\n"},
		{`(?m)foo\Z`, "foo/foo\n", "foo\nx"},
		{`^$`, "/\n", "a/\n\n"},
		{`(?m)^$`, "/\n/a\n\n/a\n\nb", "a/a\n/a\nb"},
		{`(?m)a\n^`, "a\nb/a\n\n", "a\n/a"},
		{`foo$\n`, "foo\n", "foo/foo\n\n/foo\nx"},
		{`foo$\z`, "foo", "foo\n"},
		{`foo$(?!\n)`, "foo", "foo\n"},
		{`a$b`, "none", "ab/a\nb"},
		{`(?:a$)+`, "a/a\n/ba", "ab"},
		{`(?:a$|b)c?`, "a/b/a\n/xbx", "ac"},
		{`(?:a$){2}`, "none", "aa/a\na"},
	} {
		x := re(tt.re)
		for want, texts := range map[bool]string{true: tt.yes, false: tt.no} {
			for _, s := range strings.Split(texts, "/") {
				if texts == "none" {
					continue
				}
				if got := search(x.Re, s); got != want || x.Re.In([]rune(s)) != want {
					t.Errorf("%s of %q is %v", tt.re, s, !want)
				}
			}
		}
	}
}

func TestHostileRegexp(t *testing.T) {
	long := strings.Repeat("a", 100000)
	for _, tt := range []struct {
		re   string
		s    string
		want bool
	}{
		{`^(?:a+)+$`, long + "b", false},
		{`^(a+)+\1$(?!x)`, long[:50] + "b", false},
		{`(?=x)` + strings.Repeat("a*", 20) + "b", long, false},
		{`^(?:a|b)*(?=b)`, long + "b", true},
		{`(?<!a)b`, long + "b", false},
		{`(?<!c)b`, long + "b", true},
	} {
		if got := search(re(tt.re).Re, tt.s); got != tt.want {
			t.Errorf("%s: %v", tt.re, got)
		}
	}
}

func TestCache(t *testing.T) {
	for i := range 2*maxCache + 1 {
		if n := strconv.Itoa(i % (maxCache + 1)); !search(re(n).Re, n) {
			t.Fatal(n)
		}
	}
	if n := len(cache.m); n > maxCache {
		t.Errorf("%d expressions are kept", n)
	}
}
