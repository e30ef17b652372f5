package splunk

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"sigmac/backends"
	"sigmac/ir"
	"sigmac/regex"
)

func TestQuote(t *testing.T) {
	for in, want := range map[string]string{
		"":                       `""`,
		"a b":                    `"a b"`,
		"a*b":                    `"a*b"`,
		`C:\\Windows\\`:          `"C:\\Windows\\"`,
		`C:\\Windows\\*`:         `"C:\\Windows\\*"`,
		`\\\"`:                   `"\\\""`,
		`\\|`:                    `"\\|"`,
		`a|b[c]=(d),'$e$ %f% \?`: `"a|b[c]=(d),'$e$ %f% ?"`,
		"é日":                     `"é日"`,
		`\*`:                     "",
		"a?":                     "",
		"a`":                     "",
		"a\n":                    "",
		"\x00":                   "",
		"\u0085":                 "",
		"\u202e":                 "",
		"\u2028":                 "",
		"\U000e0001":             "",
	} {
		if got, ok := quote(pattern(in, false)); got != want || ok != (want != "") {
			t.Errorf("%q: %s %v, want %s", in, got, ok, want)
		}
	}
	if _, ok := quote(ir.Lit("\xff")); ok {
		t.Error("invalid UTF-8")
	}
}

// unquote reads one string of `search`, which must be all of s.
func unquote(s string) (string, error) {
	if len(s) < 2 || s[0] != '"' {
		return "", fmt.Errorf("no string: %s", s)
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"' && i == len(s)-1:
			return b.String(), nil
		case s[i] == '"':
			return "", fmt.Errorf("leaves its literal: %s", s)
		case s[i] == '`', s[i] < ' ':
			return "", fmt.Errorf("not plain: %s", s)
		case s[i] == '\\' && i+1 < len(s) && strings.IndexByte(`\"|`, s[i+1]) >= 0:
			i++
		}
		b.WriteByte(s[i])
	}
	return "", fmt.Errorf("no end: %s", s)
}

func FuzzQuote(f *testing.F) {
	for _, s := range []string{"", `"`, `\`, `\"`, `\|`, "*", "?", "a\nb", "\x00", "\u202e", `C:\x\`, "\xff", "é", "`", "'", "a.b{}", "index", "not"} {
		f.Add(s, false, false)
		f.Add(s, true, true)
	}
	f.Fuzz(func(t *testing.T, s string, before, after bool) {
		parts, want := []ir.Part{{Text: s}}, s
		if before {
			parts, want = append([]ir.Part{{Kind: ir.AnyRun}}, parts...), "*"+want
		}
		if after {
			parts, want = append(parts, ir.Part{Kind: ir.AnyRun}), strings.TrimSuffix(want, "*")+"*"
		}
		p := ir.NewPattern(false, parts...)
		lit, ok := quote(p)
		if plain := utf8.ValidString(s) && !strings.ContainsAny(s, "*`") && !strings.ContainsFunc(s, backends.Hidden); ok != plain {
			t.Fatalf("%q: %v", s, ok)
		}
		if ok {
			if back, err := unquote(lit); err != nil || back != want {
				t.Fatalf("%q: %s: %q, %v", s, lit, back, err)
			}
		}
		if utf8.ValidString(s) {
			text := regex.Print(ir.PatternRe(p), regex.PCRE)
			lit, ok := quoteRe(text)
			if !ok {
				t.Fatalf("%q: %s", s, text)
			}
			if back, err := unquote(lit); err != nil || back != text {
				t.Fatalf("%q: %s: %q, %v", s, lit, back, err)
			}
		}
		if re, err := ir.ParseRegexp(s, regex.Flags{}); err == nil {
			if text := regex.Print(re.Re, regex.PCRE); strings.ContainsAny(text, "\"`") {
				t.Fatalf("%q: %s", s, text)
			} else if _, ok := quoteRe(text); !ok {
				t.Fatalf("%q: %s", s, text)
			}
		}
		for _, cased := range []bool{false, true} {
			p := ir.NewPattern(cased, append([]ir.Part{{Text: s}, {Kind: ir.AnyOne}, {Text: "/x"}}, parts...)...)
			if !utf8.ValidString(s) {
				break
			}
			value := s + "?/x" + s
			for _, q := range pieces(p) {
				if lack(ir.Match{Test: q}) != "" || !goRe(t, ir.PatternRe(q)).MatchString(value) {
					t.Fatalf("%q: %s", s, q)
				}
			}
		}
		if name, lack := searchField(s); lack == "" {
			if in, quoted := strings.CutPrefix(name, `"`); quoted {
				if back, err := unquote(name); err != nil || back != s || in != s+`"` {
					t.Fatalf("%q: %s: %q, %v", s, name, back, err)
				}
			} else if name != s || strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.{}") != "" {
				t.Fatalf("%q: %s", s, name)
			}
		}
		if name, lack := whereField(s); lack == "" && (name != "'"+s+"'" || strings.ContainsAny(s, "'\\`") || strings.ContainsFunc(s, backends.Hidden)) {
			t.Fatalf("%q: %s", s, name)
		}
		if name, ok := indexName(s); ok && name != s {
			if back, err := unquote(name); err != nil || back != s {
				t.Fatalf("%q: %s: %q, %v", s, name, back, err)
			}
		} else if ok && strings.ContainsAny(s, " \t\n|[]()\"\\`=") {
			t.Fatalf("%q: %s", s, name)
		}
	})
}

func TestQuoteRe(t *testing.T) {
	for in, want := range map[string]string{
		`a\.b\x5C`: `"a\.b\x5C"`, `a"`: "", "a`": "", `a\\b`: "", `a\|b`: "", `a\`: "", "a\n": "", "\u202e": "", "\xff": "",
	} {
		if got, ok := quoteRe(in); got != want || ok != (want != "") {
			t.Errorf("%q: %s %v, want %s", in, got, ok, want)
		}
	}
}

func TestFieldNames(t *testing.T) {
	for in, want := range map[string]string{
		"process_name": "process_name", "a.b{}.c": "a.b{}.c", "a{}{}": "a{}{}", "_raw": "_raw", "{}": `"{}"`,
		"1x": `"1x"`, "a-b": `"a-b"`, "a b": `"a b"`, "and": `"and"`, "WHERE": `"WHERE"`, "é": `"é"`, "a|b[c]": `"a|b[c]"`,
		"a.": "a.", "a{b}": `"a{b}"`,
		"": "", "a'": "", `a"`: "", "a`": "", `a\`: "", "a*": "", "a\n": "", "a\u202e": "", "a\xff": "",
	} {
		got, lack := searchField(in)
		if lack == "" != (want != "") || lack == "" && got != want {
			t.Errorf("%q: %s %s, want %s", in, got, lack, want)
		}
		where, lack2 := whereField(in)
		if strings.ContainsAny(in, "|[]") {
			if lack2 != "a field name with | outside of a search" {
				t.Errorf("%q: %s %s", in, where, lack2)
			}
			continue
		}
		if lack2 != lack || lack == "" && where != "'"+in+"'" {
			t.Errorf("%q: %s %s", in, where, lack2)
		}
	}
}
