package elastic

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
		`C:\Windows\`:         `"""C:\Windows\"""`,
		`\"`:                  `"\\\""`,
		`a"b`:                 `"a\"b"`,
		`"""`:                 `"\"\"\""`,
		"\\\n":                `"\\\n"`,
		"\b\t\n\f\r":          `"\b\t\n\f\r"`,
		"\x00\v\x7f\u0085":    `"\u{00}\u{0b}\u{7f}\u{85}"`,
		"\u202e\u2028\u2029x": `"\u{202e}\u{2028}\u{2029}x"`,
		"\U000e0001":          `"\u{e0001}"`,
		"é日'`":                "\"é日'`\"",
	} {
		if got, ok := quote(in); got != want || !ok {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
	if _, ok := quote("\xff"); ok {
		t.Error("invalid UTF-8")
	}
}

// unquote reads one string of EQL, which must be all of s.
func unquote(s string) (string, error) {
	if in, ok := strings.CutPrefix(s, `"""`); ok {
		in, rest, ok := strings.Cut(in, `"""`)
		if !ok || rest != "" || strings.ContainsAny(in, "\r\n") {
			return "", fmt.Errorf("raw: %s", s)
		}
		return in, nil
	}
	if len(s) < 2 || s[0] != '"' {
		return "", fmt.Errorf("no string: %s", s)
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			if i != len(s)-1 {
				return "", fmt.Errorf("leaves its literal: %s", s)
			}
			return b.String(), nil
		case '\r', '\n':
			return "", fmt.Errorf("line break: %s", s)
		case '\\':
			i++
			if at := strings.IndexByte(`btnfr"\`, s[i]); at >= 0 {
				b.WriteByte("\b\t\n\f\r\"\\"[at])
				continue
			}
			end := strings.IndexByte(s[i:], '}')
			if !strings.HasPrefix(s[i:], "u{") || end < 4 || end > 10 {
				return "", fmt.Errorf("escape: %s", s)
			}
			r, err := strconv.ParseUint(s[i+2:i+end], 16, 32)
			if err != nil {
				return "", err
			}
			b.WriteRune(rune(r))
			i += end
		default:
			b.WriteByte(s[i])
		}
	}
	return "", fmt.Errorf("no end: %s", s)
}

func FuzzQuote(f *testing.F) {
	for _, s := range []string{"", `"`, `\`, `\"`, `"""`, "a\nb", "\x00", "\u202e", `C:\x`, `\u{41}`, "\xff", "é", "`"} {
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
		name, ok := fieldName(s)
		if !ok {
			return
		}
		if in, quoted := strings.CutPrefix(name, "?`"); quoted {
			in = strings.TrimSuffix(in, "`")
			if strings.ReplaceAll(in, "``", "`") != s || strings.Contains(strings.ReplaceAll(in, "``", ""), "`") {
				t.Fatalf("%q: %s", s, name)
			}
		} else if name != "?"+s || strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@.") != "" {
			t.Fatalf("%q: %s", s, name)
		}
	})
}

func TestFieldName(t *testing.T) {
	for in, want := range map[string]string{
		"process.name":  "?process.name",
		"@timestamp":    "?@timestamp",
		"_id":           "?_id",
		"a-b c":         "?`a-b c`",
		"a`b":           "?`a``b`",
		"event.1x":      "?`event.1x`",
		"a.and":         "?`a.and`",
		"where":         "?`where`",
		"é":             "?`é`",
		"a..b":          "?`a..b`",
		"a@b":           "?`a@b`",
		"":              "",
		"a\nb":          "",
		"a\u202eb":      "",
		"a\xffb":        "",
		"x\x00":         "",
		"winlog.Data1_": "?winlog.Data1_",
	} {
		if got, ok := fieldName(in); got != want || ok != (want != "") {
			t.Errorf("%q: %s %v, want %s", in, got, ok, want)
		}
	}
}
