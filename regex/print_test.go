package regex

import (
	"regexp"
	"testing"
)

func TestPrint(t *testing.T) {
	for _, c := range []struct{ src, pcre, rust string }{
		{`a|b`, `a|b`, `a|b`},
		{`(a|b)c`, `(?:a|b)c`, `(?:a|b)c`},
		{`(ab)+(c)*(?:d)?`, `(?:ab)+c*d?`, `(?:ab)+c*d?`},
		{`(a+)+|()*`, `(?:a+)+|(?:)*`, `(?:a+)+|(?:)*`},
		{`a{1}b{2}?c{2,}d{1,3}?`, `ab{2}c{2,}d{1,3}?`, `ab{2}c{2,}d{1,3}?`},
		{`^a$`, `\Aa$`, `\Aa\x{0A}?\z`},
		{`^a\z`, `\Aa\z`, `\Aa\z`},
		{`^a\Z`, `\Aa$`, `\Aa\x{0A}?\z`},
		{`(a|b$)(?:c*|d)`, `(?:a|b$)(?:c*|d)`, `(?:a|b\x{0A}?\z)(?:c*|d)`},
		{`(a$){2}`, `(?:a$){2}`, ``},
		{`a$b`, `a$b`, ``},
		{`(?m)^a*`, `(?m)^a*`, ``},
		{`(?m)^a|b\Z`, `(?m)^a|b\Z`, `(?m)^a|b\x{0A}?\z`},
		{`(?m)^a$`, `(?m)^a$`, `(?m)^a$`},
		{`\d\D\w\W\s\S`, `\d\D\w\W\s\S`, `[0-9][^0-9][0-9A-Z_a-z][^0-9A-Z_a-z][\x{09}-\x{0D} ][^\x{09}-\x{0D} ]`},
		{`[\w.-][^\w\s]`, `[\w\-.][^\s\w]`, `[\-.0-9A-Z_a-z][^\x{09}-\x{0D} 0-9A-Z_a-z]`},
		{`a.b`, `a.b`, `a.b`},
		{`(?s)a.b`, `(?s)a.b`, `(?s)a.b`},
		{`.(?s:.)`, `.(?s:.)`, `.(?s:.)`},
		{`[\s\S]`, `(?s).`, `(?s).`},
		{`[^\n]`, `.`, `.`},
		{`(?i)abc[a-f0-9]`, `(?i)abc[\da-f]`, `(?i)abc[0-9a-f]`},
		{`(?i)[^a-c]`, `[^A-Ca-c]`, `[^A-Ca-c]`},
		{`(?i)x[^a-c]`, `(?i)x[^a-c]`, `(?i)x[^a-c]`},
		{`(?i)a.*b`, `(?i)a.*b`, `(?i)a.*b`},
		{`(?is)a.*b`, `(?is)a.*b`, `(?is)a.*b`},
		{`(?i)1\d`, `1\d`, `1[0-9]`},
		{`a(?i)b-c1`, `a(?i:b-c)1`, `a(?i:b-c)1`},
		{`a(?i:b)+`, `a(?i:b)+`, `a(?i:b)+`},
		{`a|(?i:(b|c)d)`, `a|(?i:(?:b|c)d)`, `a|(?i:(?:b|c)d)`},
		{`\bfoo\b`, `\bfoo\b`, `(?-u:\b)foo(?-u:\b)`},
		{`foo\B`, `foo\B`, ``},
		{`\\\.\*\+\?\|\(\)\[\]\{\}\^\$"` + "`'-&~#/ ",
			`\x5C\.\x2A\+\?\x7C\(\)\[\]\{\}\^\x24\x22\x60'-&~#/ `,
			`\\\.\*\+\?\|\(\)\[\]\{\}\^\$"` + "`'-&~#/ "},
		{`[\\\]\[^"$*|&~-]`, `[\x22\x24&\x2A\-\[\x5C\]\^\x7C~]`, `["$\&*\-\[\\\]\^|\~]`},
		{"\x00\t\u0085\u202e\u2028\u00a0é", `\x00\x09\x85\x{202E}\x{2028}\xA0é`, `\x{00}\x{09}\x{85}\x{202E}\x{2028}\x{A0}é`},
		{`[/-9][@-Z]`, `[\d/][@A-Z]`, `[/0-9][@A-Z]`},
		{`[^\s\S]`, `[^\s\S]`, `[^\s\S]`},
		{`(a)\1(?:5|\g1)`, `(a)\1(?:5|\1)`, ``},
		{`(a)\g{1}5`, `(a)\1\x35`, ``},
		{`(?P<n>a)(?i)(?P=n)`, `(a)(?i:\1)`, ``},
		{`(?=a)(?<!b)(?>c|d)e++`, `(?=a)(?<!b)(?>c|d)e++`, ``},
		{`(?:e++)*`, `(?:e++)*`, ``},
	} {
		re, err := Parse(c.src, Flags{})
		if err != nil {
			t.Errorf("%s: %v", c.src, err)
			continue
		}
		if got := Print(re, PCRE); got != c.pcre {
			t.Errorf("%s: PCRE\n got %s\nwant %s", c.src, got, c.pcre)
		}
		if c.rust == "" {
			if Rust.Lacks(re) == "" {
				t.Errorf("%s: Rust lacks nothing", c.src)
			}
		} else if got := Print(re, Rust); got != c.rust {
			t.Errorf("%s: Rust\n got %s\nwant %s", c.src, got, c.rust)
		}
	}
}

func TestLacks(t *testing.T) {
	for src, want := range map[string]string{
		`a(?=b)`: "a look-ahead", `(?>a)`: "an atomic group", `(a)\1`: "a back-reference",
		`a++`: "a possessive quantifier", `(?<=a)`: "a look-behind", `\bab`: "", `a$b`: "a `$` before more text", `(?m)x^`: "a `^` of a line that may be empty", `a\Bb`: "a negated word boundary",
	} {
		re, err := Parse(src, Flags{})
		if err != nil {
			t.Fatal(err)
		}
		if got := Rust.Lacks(re); got != want {
			t.Errorf("%s: %q", src, got)
		}
		if got := PCRE.Lacks(re); got != "" {
			t.Errorf("%s: %q", src, got)
		}
	}
}

var texts = []string{"", "a", "A", "b", "ab", "aB", "AB", "abc", "aaa", "1", "a1", "5", " ", "a b", "\n", "a\nb", "-", "_",
	"é", "É", "a.b", `\`, `a\b`, "[", "]", "^", "$", "&", "~", "{", "a{,3}", "\x00", "\t", "\v", "\u2028", "ǅ", "я", "Я", "x", "foo", "xfoox", "z"}

// checkPrint asks that what is printed means the same when it is read again.
func checkPrint(t *testing.T, src string, flags Flags) {
	re, err := Parse(src, flags)
	if err != nil {
		return
	}
	for _, d := range []Dialect{PCRE, Rust} {
		if d.Lacks(re) != "" {
			continue
		}
		text := Print(re, d)
		read := text
		if !d.ascii {
			read = regexp.MustCompile(`\(\?-u:(\\b)\)`).ReplaceAllString(text, "$1")
		}
		again, err := Parse(read, Flags{})
		if err != nil {
			t.Fatalf("%s: %s: %v", src, text, err)
		}
		if got, want := again.Extended(), re.Extended(); got != want {
			t.Fatalf("%s: %s: %q, want %q", src, text, got, want)
		}
		if twice := Print(again, d); twice != text && d.ascii {
			// A class that is spelled in both cases does not ask for the flag again.
			if third, err := Parse(twice, Flags{}); err != nil || Print(third, d) != twice {
				t.Fatalf("%s: %s, then %s", src, text, twice)
			}
		}
		one, err := re.Go()
		if err != nil {
			continue
		}
		two, _ := again.Go()
		r, err := regexp.Compile(one)
		if err != nil {
			continue // too large for Go
		}
		s := regexp.MustCompile(two)
		for _, x := range texts {
			if r.MatchString(x) != s.MatchString(x) {
				t.Fatalf("%s: %s: %q", src, text, x)
			}
		}
	}
}

func FuzzPrint(f *testing.F) {
	for _, s := range []string{`a|b`, `(?i)[^a-z]+\d{2,3}?`, `^(a(?i)b|c)*$`, `[[:alpha:]\w-]`, `\Qa.b\E+`, `(?m)^a$`,
		`(?s:.).`, `\bfoo\B`, `(?P<n>a)\1`, `\pL\p{Greek}`, `a{2,}`, `\x{41}\x41`, `[]a][^]a]`, `(?=a)`, `a++`, `(?i-s:.)`,
		`(?i)[а-я]x(?-i)y`, `(?:(?i:a|b)|c){2}`, `[\\&&~~--]`, `(a|(?i)b){1}5`} {
		f.Add(s, false, false, false)
		f.Add(s, true, true, true)
	}
	f.Fuzz(func(t *testing.T, src string, i, m, s bool) {
		checkPrint(t, src, Flags{IgnoreCase: i, Multiline: m, DotAll: s})
	})
}
