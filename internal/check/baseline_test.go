package check

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestMarkKnown holds what counts as known: as many findings as there were, wherever they stand in
// the file, and in a file with another name if that of before is gone.
func TestMarkKnown(t *testing.T) {
	found := func(lines ...string) (out []Finding) {
		for i, l := range lines {
			path, rest, _ := strings.Cut(l, " ")
			code, msg, _ := strings.Cut(rest, " ")
			f := Finding{}
			f.Path, f.Code, f.Msg, f.Pos.Line = path, code, msg, i+1
			out = append(out, f)
		}
		return out
	}
	for _, c := range []struct {
		name        string
		before, now []Finding
		there       []string
		want        string
	}{
		{"the same elsewhere in the file", found("a.yml x one", "a.yml y two"), found("a.yml y two", "a.yml x one"), []string{"a.yml"}, "known known"},
		{"another message", found("a.yml x one"), found("a.yml x other"), []string{"a.yml"}, "new"},
		{"of a file named otherwise", found("a.yml x one"), found("./a.yml x one"), []string{"a.yml", "./a.yml"}, "known"},
		{"once more", found("a.yml x one"), found("a.yml x one", "a.yml x one"), []string{"a.yml"}, "known new"},
		{"in a copy", found("a.yml x one"), found("a.yml x one", "b.yml x one"), []string{"a.yml", "b.yml"}, "known new"},
		{"in a file that was mended", found("a.yml x one"), found("b.yml x one"), []string{"a.yml", "b.yml"}, "new"},
		{"in a file that got another name", found("a.yml x one"), found("b.yml x one", "b.yml x one"), []string{"b.yml"}, "known new"},
		{"about a place that moved", found("a.yml x b.yml:3 has the same id"), found("a.yml x b.yml:5 has the same id"), []string{"a.yml"}, "known"},
		{"about another file", found("a.yml x b.yml:3 has the same id"), found("a.yml x c.yml:3 has the same id"), []string{"a.yml"}, "new"},
		{"nothing before", nil, found("a.yml x one"), []string{"a.yml"}, "new"},
	} {
		MarkKnown(c.now, c.before, func(p string) bool { return !slices.Contains(c.there, p) })
		var got []string
		for _, f := range c.now {
			got = append(got, map[bool]string{true: "known", false: "new"}[f.Known])
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s: %s, and not %s", c.name, s, c.want)
		}
		if n := strings.Count(fmt.Sprint(got), "new"); n != len(New(c.now)) {
			t.Errorf("%s: %d new", c.name, len(New(c.now)))
		}
	}
}
