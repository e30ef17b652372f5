package plain

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestText(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"a: é 100%", "a: é 100%"},
		{"a\tb\r\nc", "a b  c"},
		{"\x1b[31mred\x07", `\u{1b}[31mred\u{7}`},
		{"a\u202eb\u200bc", `a\u{202e}b\u{200b}c`},
		{"::error ::x", `\u{3a}:error ::x`},
		{" \n::error", `  \u{3a}:error`},
		{"std::string", "std::string"},
		{"a##[error]", `a\u{23}#[error]`},
		{"##vso[task]", `\u{23}#vso[task]`},
		{"# ## #[a]", "# ## #[a]"},
	} {
		if got := Text(c.in); got != c.want {
			t.Errorf("%q becomes %q, not %q", c.in, got, c.want)
		}
	}
}

// TestPlain holds that texts are left as they are only where nothing is escaped.
func TestPlain(t *testing.T) {
	parts := []string{"a", " ", ":", "::", "#", "##[", "##vso[", "\n", "\t", "\x7f", "~", "\u00a0", "é", "\u202e", "\xff", "/rules/a.yml:1"}
	for _, a := range parts {
		for _, b := range parts {
			for _, c := range parts {
				if s := a + b + c; Text(s) != escaped(s) {
					t.Errorf("%q: %q, not %q", s, Text(s), escaped(s))
				}
			}
		}
	}
}

func TestLines(t *testing.T) {
	for _, c := range []struct {
		in   string
		want []string
	}{
		{"", []string{""}},
		{"a\r\n\n ::b\n\n", []string{"a", "", ` \u{3a}:b`}},
	} {
		if got := Lines(c.in); !slices.Equal(got, c.want) {
			t.Errorf("%q becomes %q, not %q", c.in, got, c.want)
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space") }

func TestLine(t *testing.T) {
	var b strings.Builder
	if err := Line(&b, "%s: %d", "a\nb", 7); err != nil || b.String() != "a b: 7\n" {
		t.Errorf("%q %v", b.String(), err)
	}
	if err := Line(full{}, "a"); err == nil {
		t.Error("no error")
	}
}

// What is in a block of JSON is JSON.
func TestJSON(t *testing.T) {
	text, err := json.Marshal(map[string]string{"a\u202e": "\x1b ##[x] \U000e0001é\u2028"})
	if err != nil {
		t.Fatal(err)
	}
	shown := JSON(string(text))
	var back map[string]string
	if err := json.Unmarshal([]byte(shown), &back); err != nil || back["a\u202e"] != "\x1b ##[x] \U000e0001é\u2028" || Text(shown) != shown {
		t.Errorf("%s: %v %q", shown, err, back)
	}
}
