package regex

import (
	"errors"
	"regexp"
	"strings"
	"testing"
)

func mustRe(t *testing.T, src string) *Re {
	t.Helper()
	re, err := Parse(src, Flags{})
	if err != nil {
		t.Fatalf("%s: %v", src, err)
	}
	return re
}

func goRe(t *testing.T, re *Re) *regexp.Regexp {
	t.Helper()
	s, err := re.Go()
	if err != nil {
		t.Fatal(err)
	}
	r, err := regexp.Compile(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Each expression matches the texts of yes, between slashes, and none of no.
func TestParseMatches(t *testing.T) {
	for _, c := range []struct{ src, yes, no string }{
		{`a|b`, "a/b/xb", "c/"},
		{`^a$`, "a/a\n", "a\n\n/ba"},
		{`^a\z`, "a", "a\n/ba"},
		{`a$(?:b*|c)`, "a/a\n", "ab"},
		{`a\Z`, "a/a\n", "a\nb/a\n\n"},
		{`(?m)^b$`, "a\nb\nc", "ab"},
		{`a.c`, "abc", "a\nc"},
		{`(?s)a.c`, "abc/a\nc", "ac"},
		{`a\Nc`, "abc", "a\nc"},
		{`\s`, " /\v/\t", "a/\u00a0"},
		{`\d\D\w\W`, "1xa-", "1x--"},
		{`\h`, " /\t/\u3000", "\n"},
		{`\v`, "\v/\n/\u2028", "t"},
		{`\e\a\f\n\r\t`, "\x1b\a\f\n\r\t", "eafnrt"},
		{`\cA\x41\x{e9}\0\07\101\o{102}`, "\x01Aé\x00\x07AB", ""},
		{`\Qa+b\E+c\E`, "a+bc/a+bbc", "aabc"},
		{`a\Q\E+b`, "aab", "b"},
		{`a(?#no (thing)+b`, "aab", "b"},
		{`[[:alpha:]_]`, "a/Z/_", "1"},
		{`^[[:^digit:]]$`, "a", "1"},
		{`(?i)^[[:upper:]]$`, "a/A", "1"},
		{`(?i)^[[:^upper:]]$`, "1", "a/A"},
		{`^[]a]$`, "]/a", "b"},
		{`^[^]a]$`, "b", "]/a"},
		{`^[^\w\s]$`, "-", "a/ "},
		{`^[\Q^]-\Ez]$`, "^/]/-/z", "a"},
		{`^[a\-z]$`, "a/-/z", "b"},
		{`^[\w-]$`, "a/-", "+"},
		{`^[\b]$`, "\b", "b"},
		{`^[[a]$`, "[/a", "]"},
		{`^[[:x]$`, "[/:/x", "]"},
		{`^[\1]$`, "\x01", "1"},
		{`a{`, "a{", "a"},
		{`^a{,3}$`, "a{,3}", "aaa"},
		{`^a{2}$`, "aa", "a/aaa"},
		{`^a{2,}?$`, "aa/aaa", "a"},
		{`^a{2,3}$`, "aa/aaa", "a/aaaa"},
		{`}]`, "}]", ""},
		{`(?i)abc`, "ABC/aBc", "ab"},
		{`a(?i)b|c`, "aB/C", "A"},
		{`(a(?i)b)c`, "aBc", "abC"},
		{`(?i:a)b`, "Ab", "aB"},
		{`(?i)a(?-i:b)c`, "AbC", "ABC"},
		{`(?i)^[^k]$`, "x", "k/K"},
		{`(?i)é`, "É/é", "e"},
		{`(?i)s`, "S", "\u017f"},
		{`(?P<x>a)(?<y>b)(?'z'c)`, "abc", "ab"},
		{`\p{Greek}\pL\P{Lu}\p{^Lu}`, "αaaa", "αaAA"},
		{`\bfoo\B`, "foox", "foo/xfoox"},
		{`^(?:a{1001}){2}$`, strings.Repeat("a", 2002), strings.Repeat("a", 2001)},
		{`^(?:(?:a{40}){40}b){2}$`, strings.Repeat(strings.Repeat("a", 1600)+"b", 2), "b"},
		{`^a{1,1500}$`, strings.Repeat("a", 1500), strings.Repeat("a", 1501)},
		{`^\12$`, "\n", "12"},
		{`\"\<\-\_\é`, `"<-_é`, "a"},
		{`^[^\s\S]`, "", "a"},
		{`(|a)b`, "b/ab", "a"},
		{`(?:a{0})b`, "b", "a"},
	} {
		r := goRe(t, mustRe(t, c.src))
		for _, s := range strings.Split(c.yes, "/") {
			if c.yes != "" && !r.MatchString(s) {
				t.Errorf("%s does not match %q: %s", c.src, s, r)
			}
		}
		for _, s := range strings.Split(c.no, "/") {
			if c.no != "" && r.MatchString(s) {
				t.Errorf("%s matches %q: %s", c.src, s, r)
			}
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, c := range []struct {
		src string
		at  int
		msg string
	}{
		{`a\`, 1, "at the end"},
		{`[\`, 1, "at the end"},
		{`é(a`, 2, "no `)`"},
		{`a)b`, 1, "without `(`"},
		{`a[b`, 1, "no `]`"},
		{`a[]`, 1, "no `]`"},
		{`a[b-`, 1, "no `]`"},
		{`[b-a]`, 1, "out of order"},
		{`[a-\d]`, 1, "a range of classes"},
		{`[\w-.]`, 1, "a range of classes"},
		{`[[:foo:]]`, 1, "unknown class"},
		{`[[:a-1:]]`, 1, "unknown class"},
		{`a[:alpha:]`, 1, "inside of another only"},
		{`a{3,2}`, 1, "out of order"},
		{`a{65536}`, 1, "too large"},
		{`(?:a{1000}){1000}`, 0, "too large"},
		{`*a`, 0, "nothing to repeat"},
		{`a|+`, 2, "nothing to repeat"},
		{`(?i)*`, 4, "nothing to repeat"},
		{`a**`, 2, "two quantifiers"},
		{`a+?+`, 3, "two quantifiers"},
		{`a{2}{3}`, 4, "two quantifiers"},
		{`\u0041`, 0, "`\\u` is not supported"},
		{`a\K`, 1, "not supported"},
		{`\G`, 0, "not supported"},
		{`\X`, 0, "not supported"},
		{`\C`, 0, "not supported"},
		{`\xg`, 0, "not a character"},
		{`\x{110000}`, 0, "not a character"},
		{`\x{d800}`, 0, "not a character"},
		{`\p{Foo}`, 0, "unknown property"},
		{`(?i)\p{Lu}`, 4, "without regard to case"},
		{`(?x)a`, 2, "flag x"},
		{`(?U)a`, 2, "unknown flag"},
		{`(?R)`, 0, "recursion"},
		{`(a)(?1)`, 3, "recursion"},
		{`(?-1)`, 0, "recursion"},
		{`(?P>n)`, 0, "recursion"},
		{`(?(1)a)`, 0, "conditional"},
		{`(?C)`, 0, "callout"},
		{`(?|a)`, 0, "not supported"},
		{`(*UTF)`, 0, "not supported"},
		{`(?#a`, 0, "comment"},
		{`\1`, 0, "no group 1"},
		{`(a)\2`, 3, "no group 2"},
		{`(?P=n)`, 0, "no group is named n"},
		{`(?<n>a)(?<n>b)`, 10, "second group"},
		{`(?<1>a)`, 0, "not well formed"},
		{`(?<=a+)`, 0, "no fixed length"},
		{"a\xff", 1, "UTF-8"},
		{strings.Repeat("(", 251) + strings.Repeat(")", 251), 250, "too deeply"},
	} {
		_, err := Parse(c.src, Flags{})
		var re *Error
		if !errors.As(err, &re) || re.Offset != c.at || re.End <= re.Offset || re.End > len(c.src) || !strings.Contains(re.Msg, c.msg) {
			t.Errorf("%s: %v, want byte %d: %s", c.src, err, c.at, c.msg)
		}
	}
}

// TestErrorEnds holds which part of an expression an error is about.
func TestErrorEnds(t *testing.T) {
	for src, want := range map[string]string{
		`a(b|c`: `(b|c`, `a)b`: `)`, `a[b-`: `[b-`, `(?x)a`: `x`, `(*UTF)a`: `(*`, `a\2b`: `\2`, `(?<n>a)(?<n>b)c`: `n>`, `x(?<=a+)b`: `(?<=a+)`,
		`\p{Nope}a`: `\p{Nope}`, `𝄞*+*`: `*`, `a{2,1}b`: `{2,1}`, `𝄞(?𝄞a)`: `𝄞`,
	} {
		_, err := Parse(src, Flags{})
		var e *Error
		if !errors.As(err, &e) || src[e.Offset:e.End] != want {
			t.Errorf("%s: %+v, want %s", src, err, want)
		}
	}
}

func TestParseExtended(t *testing.T) {
	for src, want := range map[string]string{
		`a(?=b)`: "look-ahead", `(?!b)`: "look-ahead", `(?<=b)a`: "look-behind", `(?<!a|bc)d`: "look-behind",
		`(a)\1`: "back-reference", `(?<n>a)\k<n>`: "back-reference", `(?P<n>a)(?P=n)`: "back-reference",
		`(a)\g{-1}`: "back-reference", `(?>a)`: "atomic group", `a++`: "possessive quantifier",
		`(a)`: "", `a{2}?`: "",
	} {
		re := mustRe(t, src)
		if got := re.Extended(); got != want {
			t.Errorf("%s: %q, want %q", src, got, want)
		}
		if _, err := re.Go(); (err != nil) != (want != "") {
			t.Errorf("%s: %v", src, err)
		}
	}
	if re := mustRe(t, `(a)(?i)\g1`); re.Subs[0].Op != OpGroup || re.Subs[1].Text != `\1` || !re.Subs[1].Fold {
		t.Error("(a)(?i)\\g1: the back-reference is wrong")
	}
	if re := mustRe(t, `(a)`); re.Op != OpLiteral {
		t.Error("(a) keeps its group")
	}
}

func TestReMatchesEmpty(t *testing.T) {
	for src, want := range map[string]bool{
		``: true, `a`: false, `a*`: true, `^$`: true, `a|`: true, `a+`: false, `\b`: false, `\B`: true,
		`(?=a)`: false, `(?!a)`: true, `(a?)\1`: true, `(a)?\1`: false, `\Z`: true, `(?>a*)`: true, `a*+`: true,
	} {
		if got := mustRe(t, src).MatchesEmpty(); got != want {
			t.Errorf("%s: %v", src, got)
		}
	}
}

var samples = []string{"", "a", "A", "b", "ab", "aB", "abc", "aaa", "1", "a1", " ", "a b", "\n", "a\nb", "-", "_", "é", "É",
	"a.b", `\`, "a\\b", "[", "]", "{", "a{,3}", "x\x00y", "\t", "abcabc", "foo.exe", "FOO -enc", "ǅ", "\b", "^", "$"}

// FuzzParse asks that nothing panics, that Go's package takes what Go
// writes, and that the two agree wherever both flavours say the same.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`a|b`, `(?i)[^a-z]+\d{2,3}?`, `^(a(?i)b|c)*$`, `[[:alpha:]\w-]`, `\Qa.b\E+`, `(?m)^a$`,
		`(?s:.)`, `\bfoo\B`, `(?P<n>a)`, `\pL\p{Greek}`, `a{2,}`, `\x{41}\x41`, `[]a][^]a]`, `(?=a)\1`, `a++`, `(?i-s:.)`} {
		f.Add(s, false, false, false)
		f.Add(s, true, true, true)
	}
	f.Fuzz(func(t *testing.T, src string, i, m, s bool) {
		re, err := Parse(src, Flags{IgnoreCase: i, Multiline: m, DotAll: s})
		if err != nil {
			return
		}
		re.MatchesEmpty()
		text, err := re.Go()
		if err != nil || size(re) > 2000 {
			return
		}
		r, err := regexp.Compile(text)
		if err != nil {
			t.Fatalf("%s: %s: %v", src, text, err)
		}
		if re.MatchesEmpty() != r.MatchString("") {
			t.Fatalf("%s: the empty text", src)
		}
		if re.has(OpEnd) || re.has(OpBeginLine) {
			return // Go means another thing by them
		}
		for _, other := range []string{`\s`, `\S`, `\v`, `\V`, `\p`, `\P`, `[:`, "\u017f", "\u212a", `\Z`, `\C`, `\Q`, `\E`, `(?#`, `{0`, `,0`} {
			if strings.Contains(src, other) {
				return
			}
		}
		flags := ""
		for c, on := range map[string]bool{"(?i)": i, "(?m)": m, "(?s)": s} {
			if on {
				flags += c
			}
		}
		ref, err := regexp.Compile(flags + src)
		if err != nil {
			return
		}
		for _, s := range samples {
			if ref.MatchString(s) != r.MatchString(s) {
				t.Fatalf("%s (%s) on %q: %v", src, text, s, r.MatchString(s))
			}
		}
	})
}

// A text that grows with each of nested repetitions would be without bounds.
func TestGoNested(t *testing.T) {
	for _, open := range []string{"+", "*", "?", "+?"} {
		r, err := Parse("^"+strings.Repeat("(", 200)+"a"+strings.Repeat(")"+open, 200)+"b", Flags{})
		if err != nil {
			t.Fatal(err)
		}
		if source, err := r.Go(); err != nil || len(source) > 5_000 {
			t.Errorf("%s: %d characters, %v", open, len(source), err)
		}
	}
}
