package regex

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// findAll is the groups of all matches, nil where one took no part.
func findAll(p *Python, text string, steps *int) (out [][]*string) {
	for _, m := range p.All(text, steps) {
		if m == nil {
			break
		}
		groups := make([]*string, len(p.Names))
		for i := range groups {
			if s, ok := m.Group(i); ok {
				groups[i] = &s
			}
		}
		out = append(out, groups)
	}
	return out
}

// TestPython holds expressions against what Python 3.11 finds with them. A line of
// the file holds [[m.group(i) for i in range(m.re.groups + 1)] for m in
// re.finditer(re, text)].
func TestPython(t *testing.T) {
	f, err := os.Open("testdata/python.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n := 0
	for lines := bufio.NewScanner(f); lines.Scan(); n++ {
		var want struct {
			Re, Text string
			All      [][]*string
		}
		if err := json.Unmarshal(lines.Bytes(), &want); err != nil {
			t.Fatal(err)
		}
		p, err := ParsePython(want.Re)
		if err != nil {
			t.Errorf("%s: %s", want.Re, err)
			continue
		}
		steps := 100_000
		if got := findAll(p, want.Text, &steps); steps < 0 || (len(got) > 0 || len(want.All) > 0) && !reflect.DeepEqual(got, want.All) {
			text, _ := json.Marshal(got)
			t.Errorf("%s\ngot %s", lines.Text(), text)
		}
	}
	if n < 300 {
		t.Errorf("%d answers only", n)
	}
}

// A match of the start is the first of all only where that begins there.
func TestPythonStart(t *testing.T) {
	for _, tt := range []struct{ re, text, want string }{
		{`a|ab`, "ab", "a"},
		{`b`, "ab", "none"},
		{`(?:b|a)+?`, "ab", "a"},
		{`b*`, "ab", ""},
		{`(?m)^b`, "a\nb", "none"},
		{`a$`, "a\n", "a"},
	} {
		p, err := ParsePython(tt.re)
		if err != nil {
			t.Fatal(err)
		}
		steps, got := 100, "none"
		if m, ok := p.Start(tt.text, &steps); ok {
			got, _ = m.Group(0)
		}
		if got != tt.want || steps < 0 {
			t.Errorf("%s of %q: got %q", tt.re, tt.text, got)
		}
	}
}

func TestPythonErrors(t *testing.T) {
	for _, tt := range []struct {
		src    string
		offset int
		msg    string
	}{
		{`a\z`, 1, "`\\z` is not of Python"},
		{`\p{L}`, 0, "`\\p` is not of Python"},
		{`\N{DIGIT ONE}`, 0, "`\\N` is not of Python"},
		{`[\8]`, 1, "`\\8` is not of Python"},
		{`a(?<x>b)`, 1, "a named group is written (?P<name>…)"},
		{`(?P<x>a)(?P<x>b)`, 8, "a second group is named x"},
		{`(?P<1>a)`, 0, "the name of the group is not well formed"},
		{`(?P=x)`, 0, "no group is named x"},
		{`(a\1)`, 2, "a reference to a group that is not closed"},
		{`\1(a)`, 0, "there is no group 1 before this"},
		{`(?(1)a|b)`, 0, "a conditional is not supported"},
		{`a(?i)b`, 1, "flags of the whole stand at its start"},
		{`a|(?i)b`, 2, "flags of the whole stand at its start"},
		{`(?L)a`, 2, `unknown flag 'L'`},
		{`(?-a:a)`, 3, `unknown flag 'a'`},
		{`(?)`, 2, `unknown flag ')'`},
		{`(?i-:a)`, 4, `unknown flag ':'`},
		{`(?ai:(a)\1)`, 8, "a reference to ASCII without regard to case is not supported"},
		{"a\xff", 1, "invalid UTF-8"},
		{`*a`, 0, "nothing to repeat"},
		{`^*`, 1, "nothing to repeat"},
		{`\b+`, 2, "nothing to repeat"},
		{`(?i)*`, 4, "nothing to repeat"},
		{`a**`, 2, "two quantifiers in a row"},
		{`a{2}{3}`, 4, "two quantifiers in a row"},
		{`a{2,1}`, 1, "the quantifier's numbers are out of order"},
		{`a{70000}`, 1, "the quantifier is too large"},
		{`(?:a{4000}){4000}`, 11, "too large"},
		{`(?<=a+)b`, 0, "the look-behind has no fixed length"},
		{`(?<=a|bc)d`, 0, "the look-behind has no fixed length"},
		{`(a)(?<=\1)`, 3, "the look-behind has no fixed length"},
		{`[b-a]`, 1, "the range is out of order"},
		{`[\d-z]`, 1, "a range of classes"},
		{`x[a`, 1, "the class has no `]`"},
		{`x[]`, 1, "the class has no `]`"},
		{`(a`, 0, "the group has no `)`"},
		{`a)`, 1, "`)` without `(`"},
		{`(?#a\)`, 0, "the comment has no `)`"},
		{`a\`, 1, "`\\` at the end"},
		{`[\`, 1, "`\\` at the end"},
		{`\x4`, 0, "the escape is not a character"},
		{`\400`, 0, "the escape is not a character"},
		{`\ud800`, 0, "the escape is not a character"},
		{strings.Repeat("(", 251), 250, "nested more than 250 deep"},
	} {
		_, err := ParsePython(tt.src)
		if e := (*Error)(nil); !errors.As(err, &e) || e.Offset != tt.offset || e.Msg != tt.msg || e.End <= e.Offset || e.End > len(tt.src) {
			t.Errorf("%s: %v", tt.src, err)
		}
	}
}

// Steps are counted over all matches, and end in no match.
func TestPythonSteps(t *testing.T) {
	for _, tt := range []struct{ re, text string }{
		{`(a+)+$`, strings.Repeat("a", 40) + "b"},
		{`(?:a|b)*c`, strings.Repeat("ab", 1000)},
		{`a`, strings.Repeat("b", 20_000)},
		{`(?:a|b)*`, strings.Repeat("a", 1_000_000)}, // too deep
	} {
		p, err := ParsePython(tt.re)
		if err != nil {
			t.Fatal(err)
		}
		steps := 10_000
		if strings.Contains(tt.text, strings.Repeat("a", 1000)) {
			steps = 1 << 40
		}
		if got := findAll(p, tt.text, &steps); got != nil || steps >= 0 {
			t.Errorf("%s: %d matches with %d steps left", tt.re, len(got), steps)
		}
	}
	p, err := ParsePython(`a.*b`)
	if err != nil {
		t.Fatal(err)
	}
	steps, long := 10_000_000, "a"+strings.Repeat("x", 1_000_000)+"b"
	if got := findAll(p, long, &steps); len(got) != 1 || steps < 0 {
		t.Errorf("%d matches with %d steps left", len(got), steps)
	}
}

// FuzzPython holds that reading and matching end, and that the matches and what
// lies between them are the text.
func FuzzPython(f *testing.F) {
	for _, seed := range []string{`(?i)(?P<x>a|b)*?\b(?=c)|[^\w-]{,3}`, `(?x) a # b`, `(?<!a)b++(?>c)\1`, `x*`} {
		f.Add(seed, "aab c\n")
	}
	f.Fuzz(func(t *testing.T, src, text string) {
		p, err := ParsePython(src)
		if err != nil || !utf8.ValidString(text) {
			return
		}
		steps := 100_000
		var b strings.Builder
		for before, m := range p.All(text, &steps) {
			if b.WriteString(before); m != nil {
				s, _ := m.Group(0)
				b.WriteString(s)
			}
		}
		if b.String() != text {
			t.Errorf("%q of %q gives %q", src, text, b.String())
		}
	})
}
