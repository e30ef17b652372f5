package link

import (
	"fmt"
	"strings"
	"testing"

	"sigmac/parser"
)

func rule(id, name string) string {
	return fmt.Sprintf("title: r\nid: %s\nname: %s\nlogsource: {category: test}\ndetection: {s: {f: x}, condition: s}\n", id, name)
}

func correlation(name string, rules ...string) string {
	return fmt.Sprintf("title: c\nname: %s\ncorrelation:\n  type: temporal\n  rules: [%s]\n  timespan: 1m\n", name, strings.Join(rules, ", "))
}

func filter(name string, rules ...string) string {
	return fmt.Sprintf("title: f\nname: %s\nlogsource: {category: test}\nfilter:\n  rules: [%s]\n  s: {g: y}\n  condition: not s\n", name, strings.Join(rules, ", "))
}

const (
	one = "11111111-0000-4000-8000-00000000000a"
	two = "11111111-0000-4000-8000-00000000000b"
)

// TestFindings holds what is said of names, each `path:line:column kind message`.
func TestFindings(t *testing.T) {
	for _, c := range []struct {
		name      string
		own, more []string // files; those of more are known only
		want      string
	}{
		{"all there", []string{rule(one, "a"), rule(two, "b"), correlation("c", one, "b"), filter("f", "a")}, nil, ""},
		{"an id in capitals", []string{rule(one, "a"), correlation("c", strings.ToUpper(one))}, nil, ""},
		{"before its rule", []string{correlation("c", "a"), rule(one, "a")}, nil, ""},
		{"elsewhere", []string{correlation("c", "a")}, []string{rule(one, "a")}, ""},
		{"part of a repository", []string{correlation("c", "a")}, nil,
			`own0.yml:5:11 note unknown_reference no rule among these files is called "a"; --context or sigmac.yaml's rules say where others are`},
		{"misspelt", []string{correlation("c", "failed_logn")}, []string{rule(one, "failed_login")},
			`own0.yml:5:11 unknown_reference no rule is called "failed_logn"; did you mean "failed_login"?`},
		{"twice", []string{rule(one, "a"), rule(two, "a"), correlation("c", "a")}, nil,
			`own2.yml:5:11 ambiguous_reference "a" is what several rules are called: own0.yml:1, own1.yml:1`},
		{"twice by id, named otherwise", []string{rule(one, "a"), rule(one, "b"), correlation("c", "a", "b")}, nil, ""},
		{"a filter", []string{filter("f", "f")}, nil, `own0.yml:5:11 unfit_reference "f" is a filter, and rules are named here`},
		{"itself", []string{correlation("c", "c")}, nil, `own0.yml:5:11 cyclic_reference "c" leads back to this correlation`},
		{"a circle", []string{rule(one, "a"), correlation("c", "a", "d"), correlation("d", "e"), correlation("e", "c"), correlation("x", "c")}, nil,
			`own1.yml:5:14 cyclic_reference "d" leads back to this correlation
own2.yml:5:11 cyclic_reference "e" leads back to this correlation
own3.yml:5:11 cyclic_reference "c" leads back to this correlation`},
		{"nested", []string{rule(one, "a"), correlation("c", "a"), correlation("d", "c", "a")}, nil, ""},
	} {
		l := &Linker{}
		for i, src := range c.own {
			for _, d := range parser.Parse(fmt.Sprintf("own%d.yml", i), []byte(src)).Documents {
				if len(d.Errors) > 0 {
					t.Fatal(c.name, d.Errors)
				}
				l.Add(d)
			}
		}
		for i, src := range c.more {
			l.Know(parser.Parse(fmt.Sprintf("more%d.yml", i), []byte(src)).Documents, true)
		}
		var got []string
		for _, f := range l.Findings() {
			note := ""
			if f.Note {
				note = "note "
			}
			got = append(got, fmt.Sprintf("%s:%d:%d %s%s %s", f.Path, f.Pos.Line, f.Pos.Column, note, f.Code, f.Msg))
		}
		if strings.Join(got, "\n") != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, strings.Join(got, "\n"), c.want)
		}
	}
}

// TestNamed holds that documents are found by id and by name, in the order of the
// names, and that a file that is read twice is one.
func TestNamed(t *testing.T) {
	l := &Linker{}
	docs := parser.Parse("a.yml", []byte(strings.Join([]string{rule(one, "a"), rule(two, "b"), correlation("c", "b", one)}, "---\n"))).Documents
	for _, d := range docs {
		l.Add(d)
	}
	l.Know(docs, true)
	named := l.Named(docs[2])
	if len(named) != 2 || named[0].Name != "b" || named[1].ID != one || named[1].Path != "a.yml" || named[1].Pos.Line != 1 {
		t.Errorf("%+v", named)
	}
	if l.Unresolved() || len(l.Findings()) > 0 {
		t.Error(l.Findings())
	}
}

// TestManyNames holds that the work grows with the number of names, not with its
// square: a chain and a circle of many correlations.
func TestManyNames(t *testing.T) {
	const n = 20_000
	l := &Linker{}
	for i := range n {
		for _, d := range parser.Parse(fmt.Sprintf("%d.yml", i), []byte(correlation(fmt.Sprintf("c%d", i), fmt.Sprintf("c%d", (i+1)%n)))).Documents {
			l.Add(d)
		}
	}
	if found := l.Findings(); len(found) != n {
		t.Errorf("%d of %d", len(found), n)
	}
}
