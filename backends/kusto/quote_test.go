package kusto

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"sigmac/backends"
)

func TestQuote(t *testing.T) {
	for in, want := range map[string]string{
		"":                    `""`,
		"a b":                 `"a b"`,
		`a"b`:                 `"a\"b"`,
		`C:\Windows\`:         `@"C:\Windows\"`,
		`\"`:                  `@"\"""`,
		`\u0041`:              `@"\u0041"`,
		"\\\n":                `"\\\n"`,
		"\\\u202e\"":          `"\\\u202e\""`,
		"\t\n\r":              `"\t\n\r"`,
		"\x00\b\v\x7f\u0085":  `"\u0000\u0008\u000b\u007f\u0085"`,
		"\u202e\u2028\u2029x": `"\u202e\u2028\u2029x"`,
		"\ufeff\U000e0001":    `"\ufeff\U000e0001"`,
		"é日'`|[]$%*?//":       "\"é日'`|[]$%*?//\"",
		"```":                 "\"```\"",
	} {
		if got, ok := quote(in); got != want || !ok {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
	if _, ok := quote("\xff"); ok {
		t.Error("invalid UTF-8")
	}
}

// unquote reads one string of KQL, which must be all of s.
func unquote(s string) (string, error) {
	if strings.ContainsAny(s, "\r\n") {
		return "", fmt.Errorf("line break: %q", s)
	}
	if in, ok := strings.CutPrefix(s, `@"`); ok {
		in, closed := strings.CutSuffix(in, `"`)
		if !closed || strings.Contains(strings.ReplaceAll(in, `""`, ""), `"`) {
			return "", fmt.Errorf("verbatim: %s", s)
		}
		return strings.ReplaceAll(in, `""`, `"`), nil
	}
	if len(s) < 2 || s[0] != '"' && s[0] != '\'' {
		return "", fmt.Errorf("no string: %s", s)
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case s[0]:
			if i != len(s)-1 {
				return "", fmt.Errorf("leaves its literal: %s", s)
			}
			return b.String(), nil
		case '\\':
			i++
			if at := strings.IndexByte(`tnr"'\`, s[i]); at >= 0 {
				b.WriteByte("\t\n\r\"'\\"[at])
				continue
			}
			n := map[byte]int{'u': 4, 'U': 8}[s[i]]
			if n == 0 || i+n >= len(s) {
				return "", fmt.Errorf("escape: %s", s)
			}
			r, err := strconv.ParseUint(s[i+1:i+1+n], 16, 32)
			if err != nil {
				return "", err
			}
			b.WriteRune(rune(r))
			i += n
		default:
			b.WriteByte(s[i])
		}
	}
	return "", fmt.Errorf("no end: %s", s)
}

func FuzzQuote(f *testing.F) {
	for _, s := range []string{"", `"`, `\`, `\"`, `""`, `\""`, "a\nb", "\\\r\n", "\x00", "\\\u202e", "\U000e0001", `C:\x`, `\u0041`, "\xff", "é", "`",
		"'", `\'`, "a-b.c", "where", "']"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		lit, ok := quote(s)
		if ok != utf8.ValidString(s) {
			t.Fatalf("%q: %v", s, ok)
		}
		if ok {
			if back, err := unquote(lit); err != nil || back != s {
				t.Fatalf("%q: %s: %q, %v", s, lit, back, err)
			}
			if strings.IndexFunc(lit, backends.Hidden) >= 0 {
				t.Fatalf("%q: %s", s, lit)
			}
		}
		column, ok := entity(s)
		if !ok {
			return
		}
		if in, quoted := strings.CutPrefix(column, "["); quoted {
			if back, err := unquote(strings.TrimSuffix(in, "]")); err != nil || back != s || !strings.HasSuffix(in, "]") {
				t.Fatalf("%q: %s: %q, %v", s, column, back, err)
			}
		} else if column != s || strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" {
			t.Fatalf("%q: %s", s, column)
		}
	})
}

func TestEntity(t *testing.T) {
	for in, want := range map[string]string{
		"ProcessCommandLine": "ProcessCommandLine",
		"_ResourceId":        "_ResourceId",
		"Data1_":             "Data1_",
		"1x":                 "['1x']",
		"a-b.c d":            "['a-b.c d']",
		`a'b\c"`:             `['a\'b\\c"']`,
		`\`:                  `['\\']`,
		"']":                 `['\']']`,
		"*":                  "['*']",
		"$left":              "['$left']",
		"where":              "['where']",
		"Where":              "Where",
		"true":               "['true']",
		"not":                "['not']",
		"string":             "['string']",
		"__id":               "['__id']",
		"é":                  "['é']",
		"":                   "",
		"a\nb":               "",
		"a\u202eb":           "",
		"a\xffb":             "",
		"x\x00":              "",
	} {
		if got, ok := entity(in); got != want || ok != (want != "") {
			t.Errorf("%q: %s %v, want %s", in, got, ok, want)
		}
	}
}
