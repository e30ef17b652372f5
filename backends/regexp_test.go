package backends

import (
	"net/netip"
	"regexp"
	"testing"

	"sigmac/ir"
)

func TestPrintRe(t *testing.T) {
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
		re, err := ir.ParseRegexp(c.src, ir.ReFlags{})
		if err != nil {
			t.Errorf("%s: %v", c.src, err)
			continue
		}
		if got := PrintRe(re.Re, PCRE); got != c.pcre {
			t.Errorf("%s: PCRE\n got %s\nwant %s", c.src, got, c.pcre)
		}
		if c.rust == "" {
			if Rust.Lacks(re.Re) == "" {
				t.Errorf("%s: Rust lacks nothing", c.src)
			}
		} else if got := PrintRe(re.Re, Rust); got != c.rust {
			t.Errorf("%s: Rust\n got %s\nwant %s", c.src, got, c.rust)
		}
	}
}

func TestPrintReOfOtherTests(t *testing.T) {
	p := ir.NewPattern(false, ir.Part{Kind: ir.AnyRun}, ir.Part{Kind: ir.Literal, Text: `\x.`}, ir.Part{Kind: ir.AnyOne})
	if got := PrintRe(ir.PatternRe(p), PCRE); got != `(?is)\x5Cx\..\z` {
		t.Error(got)
	}
	for net, want := range map[string]string{
		"10.0.0.0/8":   `\A10(?:\.(?:[1-9]?[0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5])){3}\z`,
		"10.1.2.16/28": `\A10\.1\.2\.(?:1[6-9]|2[0-9]|3[01])\z`,
		"10.1.2.3/32":  `\A10\.1\.2\.3\z`,
	} {
		re, _ := ir.CIDRRe(netip.MustParsePrefix(net))
		if got := PrintRe(re, Rust); got != want {
			t.Errorf("%s:\n got %s\nwant %s", net, got, want)
		}
	}
}

func TestReDialectLacks(t *testing.T) {
	for src, want := range map[string]string{
		`a(?=b)`: "a look-ahead", `(?>a)`: "an atomic group", `(a)\1`: "a back-reference",
		`a++`: "a possessive quantifier", `(?<=a)`: "a look-behind", `\bab`: "", `a$b`: "a `$` before more text", `(?m)x^`: "a `^` of a line that may be empty", `a\Bb`: "a negated word boundary",
	} {
		re, err := ir.ParseRegexp(src, ir.ReFlags{})
		if err != nil {
			t.Fatal(err)
		}
		if got := Rust.Lacks(re.Re); got != want {
			t.Errorf("%s: %q", src, got)
		}
		if got := PCRE.Lacks(re.Re); got != "" {
			t.Errorf("%s: %q", src, got)
		}
	}
}

var reTexts = []string{"", "a", "A", "b", "ab", "aB", "AB", "abc", "aaa", "1", "a1", "5", " ", "a b", "\n", "a\nb", "-", "_",
	"é", "É", "a.b", `\`, `a\b`, "[", "]", "^", "$", "&", "~", "{", "a{,3}", "\x00", "\t", "\v", "\u2028", "ǅ", "я", "Я", "x", "foo", "xfoox", "z"}

// checkPrintRe asks that what is printed means the same when it is read again.
func checkPrintRe(t *testing.T, src string, flags ir.ReFlags) {
	re, err := ir.ParseRegexp(src, flags)
	if err != nil {
		return
	}
	for _, d := range []ReDialect{PCRE, Rust} {
		if d.Lacks(re.Re) != "" {
			continue
		}
		text := PrintRe(re.Re, d)
		read := text
		if !d.ascii {
			read = regexp.MustCompile(`\(\?-u:(\\b)\)`).ReplaceAllString(text, "$1")
		}
		again, err := ir.ParseRegexp(read, ir.ReFlags{})
		if err != nil {
			t.Fatalf("%s: %s: %v", src, text, err)
		}
		if got, want := again.Re.Extended(), re.Re.Extended(); got != want {
			t.Fatalf("%s: %s: %q, want %q", src, text, got, want)
		}
		if twice := PrintRe(again.Re, d); twice != text && d.ascii {
			// A class that is spelled in both cases does not ask for the flag again.
			if third, err := ir.ParseRegexp(twice, ir.ReFlags{}); err != nil || PrintRe(third.Re, d) != twice {
				t.Fatalf("%s: %s, then %s", src, text, twice)
			}
		}
		one, err := re.Re.Go()
		if err != nil {
			continue
		}
		two, _ := again.Re.Go()
		r, err := regexp.Compile(one)
		if err != nil {
			continue // too large for Go
		}
		s := regexp.MustCompile(two)
		for _, x := range reTexts {
			if r.MatchString(x) != s.MatchString(x) {
				t.Fatalf("%s: %s: %q", src, text, x)
			}
		}
	}
}

func FuzzPrintRe(f *testing.F) {
	for _, s := range []string{`a|b`, `(?i)[^a-z]+\d{2,3}?`, `^(a(?i)b|c)*$`, `[[:alpha:]\w-]`, `\Qa.b\E+`, `(?m)^a$`,
		`(?s:.).`, `\bfoo\B`, `(?P<n>a)\1`, `\pL\p{Greek}`, `a{2,}`, `\x{41}\x41`, `[]a][^]a]`, `(?=a)`, `a++`, `(?i-s:.)`,
		`(?i)[а-я]x(?-i)y`, `(?:(?i:a|b)|c){2}`, `[\\&&~~--]`, `(a|(?i)b){1}5`} {
		f.Add(s, false, false, false)
		f.Add(s, true, true, true)
	}
	f.Fuzz(func(t *testing.T, src string, i, m, s bool) {
		checkPrintRe(t, src, ir.ReFlags{IgnoreCase: i, Multiline: m, DotAll: s})
	})
}
