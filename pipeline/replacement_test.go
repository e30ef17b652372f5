package pipeline

import (
	"encoding/json"
	"testing"
)

// TestReplacement holds replacements against what re.sub of Python 3.11 makes; one
// that it refuses is an error here.
func TestReplacement(t *testing.T) {
	for _, tt := range []struct{ re, replacement, text, want string }{
		{`(a)(?P<n>b)?`, `[\1|\2|\g<n>|\g<0>|\g<2>]`, "ab a", "[a|b|b|ab|b] [a|||a|]"},
		{`a`, `\\\n\t\a\b\f\r\v`, "a", "\\\n\t\a\b\f\r\v"},
		{`a`, `\0\07\101\1010\377`, "a", "\x00\aAA0ÿ"},
		{`(a)`, `\g<1>0\-\_\é`, "a", `a0\-\_\é`},
		{`()()()()()()()()()()(a)`, `\11\18`, "a", "the pattern has no group \"18\""},
		{`()()()()()()()()()()(a)`, `\11x\1`, "a", "ax"},
		{`x*`, `-`, "abxd", "-a-b--d-"},
		{`a|`, `-`, "ab", "--b-"},
		{`^`, `-`, "ab", "-ab"},
		{`$`, `-`, "ab\n", "ab-\n-"},
		{`(?i)É`, `e`, "éÉE", "eeE"},
		{`(?P<größe>a)`, `\g<größe>`, "a", "a"},
		{`a`, `\1`, "a", `the pattern has no group "1"`},
		{`(a)`, `\g<>`, "a", `the pattern has no group ""`},
		{`(?P<n>a)`, `\g<m>`, "a", `the pattern has no group "m"`},
		{`(a)`, `\g<-1>`, "a", `the pattern has no group "-1"`},
		{`(a)`, `\g1`, "a", `a reference is written \g<name>`},
		{`(a)`, `\g<1`, "a", `a reference is written \g<name>`},
		{`(a)`, `\x41`, "a", `\x has no meaning in a replacement; a backslash is \\`},
		{`(a)`, `\777`, "a", `\777 is no character`},
		{`(a)`, `a\`, "a", `a backslash at the end is \\`},
	} {
		src, err := json.Marshal(map[string]any{"postprocessing": []any{map[string]any{"type": "replace", "pattern": tt.re, "replacement": tt.replacement}}})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if p, errs := Parse("p", src); len(errs) > 0 {
			got = errs[0].Msg
		} else if got, err = p.post[0].do.change(&run{}, tt.text); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s by %s in %q: got %q, want %q", tt.re, tt.replacement, tt.text, got, tt.want)
		}
	}
}
