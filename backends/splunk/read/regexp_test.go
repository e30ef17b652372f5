package read

import (
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"sigmac/eval"
	"sigmac/ir"
	"sigmac/regex"
)

// matchesRe asks the evaluator whether re matches somewhere in s.
func matchesRe(t testing.TB, re *regex.Re, s string) bool {
	t.Helper()
	ev, err := eval.NewEvent(map[string]any{"f": s})
	if err != nil {
		t.Fatal(err)
	}
	return eval.Expr(nil, ir.Match{Field: ir.Field{Name: "f"}, Test: ir.Regexp{Re: re}}, ev)
}

// TestReadPCRE holds the pages pcrepattern and pcre2pattern, section by section.
func TestReadPCRE(t *testing.T) {
	for _, tt := range []struct{ re, yes, no string }{ // texts between slashes
		// Backslash.
		{`a\.b\_\-`, "a.b_-", "axb_-"},
		{`\Qa.b*\E+`, "a.b*/a.b**", "axb*"},
		{`a\Q\E+\E`, "a/aa", "b"},
		{`\a\e\f\n\r\t`, "\a\x1b\f\n\r\t", "aefnrt"},
		{`\cA\c[\c;`, "\x01\x1b{", "A"},
		{`\0\07\x41\x{e9}\o{101}\101`, "\x00\x07AéAA", "0"},
		{`^\12$`, "\n", "12"},
		{`(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)\10`, "abcdefghijj", "abcdefghij\x08"},
		{`\d\D\w\W\s\S`, "1a_- x", "aa_- x/1a_-\u00a0x/٣a_- x"},
		{`\s`, "\v/\t/ ", "\u0085"},
		{`\h\H\v\V`, "\u00a0a\u2028b", "aa\nb"},
		{`a\Nb`, "axb", "a\nb"},
		{`a\Rb`, "a\r\nb/a\nb/a\u0085b", "ab/a\n\nb"},
		{`^\p{Lu}\P{Lu}\p{^Greek}\pL$`, "Aa1b", "aa1b/Aaαb"},
		{`\Aa\b.b\Bb`, "a-bb", "aabb/ba-bb"},
		// Circumflex and dollar.
		{`^a$`, "a/a\n", "a\n\n/ba/a\nb"},
		{`a\Z`, "a/a\n", "a\nb"},
		{`a\z`, "a", "a\n"},
		{`(?m)^a$`, "a/b\na\nb/a\n", "ba/a\r\nb"},
		{`(?m)\n^`, "\n\n/\na", "\n/a\n"},
		// Full stop, square brackets, POSIX classes.
		{`(?s)a.b(?-s).`, "a\nbx", "a\nb\n"},
		{`^[]a]$`, "]/a", "b"},
		{`^[^]a]$`, "b/\n", "]/a"},
		{`^[a-c\-x-]$`, "b/-/x", "d"},
		{`^[\d-z]$`, "5/-/z", "a"},
		{`^[a-\d]$`, "a/-/5", "b"},
		{`^[\w-.]$`, "a/-/.", "+"},
		{`^[a\]b\\]$`, `]/\/a`, "c"},
		{`^[\b\n\x41-\x43]$`, "\b/\n/B", "b"},
		{`^[\Q^]\E-a]$`, "^/_/a", "b"},
		{`^[[:alpha:]_[:^digit:]]$`, "a/_/-", "1"},
		{`^[[:x]$`, "[/:/x", "]"},
		{`^[[:x[:alpha:]]$`, "[/:/x/a", "]/1"},
		{`^[[:blank:]-z]$`, "\t/-/z", "a"},
		{`(?i)^[^k]$`, "x", "k/K"},
		{`(?i)^[a-c[:upper:]\d]$`, "B/z/1", "-"},
		// Vertical bar, internal options.
		{`a|b|`, "a/c", "none"},
		{`(a(?i)b|c)d`, "abd/aBd/Cd", "Abd/aBD"},
		{`(?i:a)b(?-i)C`, "AbC/abC", "aBC/abc"},
		{`(?i-s)a.`, "Ax", "a\n"},
		{`(?i)é`, "É/é", "e"},
		{"(?x) a b # c\n d [ ] \\ e", "abd  e", "abde"},
		{`(?x) a + b`, "aab", "a+b/b"},
		// Groups, repetition, atomic groups.
		{`(?:a|b){2}(?<n>c)(?'m'd)(?P<o>e)`, "abcde", "acde"},
		{`^a{2}b{1,}c{0,1}d{1,2}?$`, "aabd/aabbcdd", "abd/aaabd/aabddd"},
		{`a{,x}{`, "a{,x}{", "ax"},
		{`^a{0}b$`, "b", "ab"},
		{`^(?>a+)ab`, "none", "aab"},
		{`^a++b$`, "aab", "b"},
		{`^a?+a$`, "aa", "a"},
		// Back-references, assertions.
		{`(a|b)c\1`, "aca/bcb", "acb"},
		{`(?<n>[ab])\k<n>\k'n'\k{n}\g{n}(?P=n)`, "aaaaaa", "aaaaab"},
		{`(a)(b)\g2\g{1}\g{-1}`, "abbab", "abbaa"},
		{`[(\Q]\E](a)\1`, "(aa/]aa", "aa"},
		{`(?i)(a)\1`, "aA", "ab"},
		{`foo(?=bar)(?!barx)`, "foobar", "foobarx/foo"},
		{`(?<=ab|c)d(?<!xcd)`, "abd/cd", "d/xcd"},
		// Comments.
		{`a(?#b (c)d`, "ad", "abd"},
	} {
		re, err := readPCRE(tt.re)
		if err != nil {
			t.Errorf("%s: %v", tt.re, *err)
			continue
		}
		for want, texts := range map[bool]string{true: tt.yes, false: tt.no} {
			for _, s := range strings.Split(texts, "/") {
				if texts != "none" && matchesRe(t, re, s) != want {
					t.Errorf("%s of %q is %v", tt.re, s, !want)
				}
			}
		}
	}
}

func TestReadPCREWrong(t *testing.T) {
	for source, want := range map[string]string{
		`a(b`: "1 `(` without `)`", `a)`: "1 `)` without `(`", `a[b`: "1 `[` without `]`", `[]`: "0 `[` without `]`", `[a\`: "0 `[` without `]`",
		`a\`: "1 a backslash at the end", `*a`: "0 nothing to repeat", `a|+`: "2 nothing to repeat", `(?#a`: "0 a comment without its end",
		`a{3,2}`: "1 the numbers of a repetition are out of order", `a{65536}`: "1 too large a number of repetitions", `[b-a]`: "1 a range out of order",
		`[[:foo:]]`: "1 no such class", `[[:a-1:]]`: "1 no such class", `a[:alpha:]`: "1 a class with a name stands inside of another only", `(a)\2`: "3 there is no group 2", `\k<n>(a)`: "0 no group has the name n", `(?<n>a)(?<n>b)`: "7 two groups have the name n",
		`(?i`: "0 `(` without `)`", `\kn`: `0 \k without a name`, `\c`: `0 \c without a character`, `\o1`: `0 \o without {`,
	} {
		_, err := readPCRE(source)
		if err == nil || err.beyond {
			t.Errorf("%s: %v", source, err)
		} else if got := strings.TrimSpace(string(rune('0'+err.at)) + " " + err.msg); got != want {
			t.Errorf("%s: %s, want %s", source, got, want)
		}
	}
	// Right in some version, and not read.
	for _, source := range []string{`(?R)`, `(?1)`, `(?-1)`, `(?&n)`, `(?P>n)`, `(?(1)a)`, `(?C)`, `(?|a)`, `(?J)a`, `(*UCP)a`, `a\K`, `\G`, `\X`, `\C`,
		`\N{U+41}`, `\u0041`, `\y`, `\81`, `a{,3}`, `a**`, `^*`, `\b+`, `(?=a)*`, `(?<=a+)b`, `[\R]`, `\p{Foo}`, `(?i)\p{Lu}`, `\x{110000}`, `\g<1>`, `(?xx)a`,
		strings.Repeat("(", 251) + strings.Repeat(")", 251), `(?:a{1000}){1000}`, strings.Repeat("a", 200_000)} {
		if re, err := readPCRE(source); err == nil || !err.beyond {
			t.Errorf("%.40s: %v, %v", source, re, err)
		}
	}
}

var pcreTexts = []string{"", "a", "A", "b", "ab", "aB", "ba", "abc", "aaa", "1", "a1", " ", "a b", "\n", "a\n", "\na", "a\nb", "a\n\n", "a\n\nb", "-", "_", "é", "É",
	"a.b", `\`, `a\b`, "[", "]", "{", "a{,3}", "x\x00y", "\t", "abab", "foo.exe", "FOO -enc", "ǅ", "\b", "^", "$", "\r\n", "\u2028", "k", "K", "z", "Z"}

// samePCRE holds the reader of queries against the parser of rules, which was
// written apart from it: what both read, means the same.
func samePCRE(t *testing.T, source string) (read bool) {
	re, wrong := readPCRE(source)
	want, err := ir.ParseRegexp(source, regex.Flags{})
	if wrong != nil || err != nil {
		return false
	}
	if printed := regex.Print(re, regex.PCRE); printed != regex.Print(want.Re, regex.PCRE) {
		for _, s := range pcreTexts {
			if matchesRe(t, re, s) != matchesRe(t, want.Re, s) {
				t.Fatalf("%s on %q: read as %s, parsed as %s", source, s, printed, regex.Print(want.Re, regex.PCRE))
			}
		}
	}
	return true
}

// TestSamePCRE does so for random expressions, and reads what is printed of
// them back.
func TestSamePCRE(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 1))
	parts := []string{"a", "b", "(", ")", "(?:", "|", "*", "+", "?", "{2}", "{1,2}", "[", "]", "^", "$", ".", `\b`, `\d`, `\W`, `\Z`, `\z`, `\A`, "(?i)", "(?m)",
		"(?s:", "(?=", "(?<!", "(?>", "-", `\1`, `\n`, "é", "[:alpha:]", `\Q`, `\E`, "++", "*?", "K", `\x41`, `\12`, `[^a]`, `[a-c]`, "(?i:", `\.`, "\n"}
	read := 0
	for range 60_000 {
		var b strings.Builder
		for range 1 + r.IntN(8) {
			b.WriteString(parts[r.IntN(len(parts))])
		}
		if b.WriteString(strings.Repeat(")", max(0, strings.Count(b.String(), "(")-strings.Count(b.String(), ")")))); samePCRE(t, b.String()) {
			read++
		}
	}
	if read < 20_000 {
		t.Errorf("only %d expressions are read", read)
	}
}

func FuzzReadPCRE(f *testing.F) {
	for _, s := range []string{`a|b`, `(?i)[^a-z]+\d{2,3}?`, `^(a(?i)b|c)*$`, `[[:alpha:]\w-]`, `\Qa.b\E+`, `(?m)^a$`, `(?s:.)`, `\bfoo\B`, `(?P<n>a)\k<n>`,
		`\pL\p{Greek}`, `a{2,}`, `\x{41}\x41`, `[]a][^]a]`, `(?=a)\1`, `a++`, `(?i-s:.)`, "(?x)a b#c\n", `(a)\g{-1}`, `\R\h\v`, `a{,3}`, `[a-\d]`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, source string) {
		if strings.ToValidUTF8(source, "") == source && len(source) < 1000 {
			samePCRE(t, source)
		}
	})
}

// TestReadPCRELarge holds what is allocated to what grows with the length.
func TestReadPCRELarge(t *testing.T) {
	for _, unit := range []string{"a", "(?#x)", "#\n", "[a]", "[[:x", "(", "(a)", "(?<n", `\Q`, `\Qa\E`, `\1`, "a{1", "a|", "[", "$", "(?i)", `\p{L}`, "(?x)#", "(?=a)"} {
		cost := func(n int) uint64 {
			source := "(?x)" + strings.Repeat(unit, n)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			readPCRE(source)
			runtime.ReadMemStats(&after)
			return after.TotalAlloc - before.TotalAlloc
		}
		if few, many := cost(1000), cost(8000); many > 16*few+1<<20 {
			t.Errorf("%q: %d bytes for 1,000 and %d for 8,000", unit, few, many)
		}
	}
}
