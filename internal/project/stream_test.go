package project

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sigmac/parser"
)

// TestStream holds that a stream gives the documents, errors, filters and notes that LoadCorrelated gives, with a
// context and without, and the same correlations.
func TestStream(t *testing.T) {
	rule := func(name string) string {
		return "title: " + name + "\nname: " + name + "\nlogsource: {category: test}\ndetection: {s: {f: x}, condition: s}\n"
	}
	correlation := func(name string, rules ...string) string {
		return "title: " + name + "\nname: " + name + "\ncorrelation: {type: temporal, rules: [" + strings.Join(rules, ", ") + "], timespan: 1m}\n"
	}
	filter := func(name, of string) string {
		return "title: " + name + "\nlogsource: {category: test}\nfilter: {rules: [" + of + "], s: {g: y}, condition: not s}\n"
	}
	files := map[string]string{
		"more/elsewhere.yml": rule("elsewhere") + "---\n" + correlation("outer", "alpha", "named"),
		"filters/f.yml":      filter("outside", "alpha") + "---\n" + filter("unused", "nobody"),
		"rules/a.yml":        correlation("early", "alpha", "beta") + "---\n" + rule("alpha"),
		"rules/b.yml":        rule("beta") + "---\n" + rule("twice") + "---\n" + filter("inside", "beta"),
		"rules/c.yml":        rule("twice") + "---\n" + correlation("ambiguous", "twice", "alpha"),
		"rules/d.yml":        correlation("near", "alhpa", "beta") + "---\n" + filter("lost", "alhpa"),
		"rules/e.yml":        correlation("far", "elsewhere", "alpha") + "---\n" + correlation("round", "about") + "---\n" + correlation("about", "round"),
		"rules/f.yml":        "# nothing\n",
		"rules/g.yml":        "title: broken\nlogsource: {category: test}\ndetection: {s: {f: x}, condition: t}\n",
		"rules/h.yml":        correlation("on the broken", "broken", "near"),
		"rules/i.yml":        "{title: odd, name: odd, logsource: {category: test}, detection: {s: {f: x}, condition: s}}",
	}
	for i := range 40 { // more than are worked on at a time
		files[fmt.Sprintf("rules/z%02d.yml", i)] = rule(fmt.Sprint("z", i))
	}
	repository(t, files)
	told := func(d *parser.Document) string {
		var parts []string
		for _, e := range d.Errors {
			parts = append(parts, e.Error())
		}
		for _, f := range d.Filters {
			parts = append(parts, f.Title)
		}
		return fmt.Sprintf("%s:%d %s %v %v", d.Path, d.Pos.Line, d.Title, parts, d.Rule)
	}
	for _, a := range []Asked{{}, {Context: []string{"more"}}, {Filters: []string{"filters"}}, {Context: []string{"more"}, Filters: []string{"filters"}}} {
		a.Rules = []string{"rules"}
		p, want := asked(t, a)
		c, correlations, err := p.LoadCorrelated()
		if err != nil {
			t.Fatal(err)
		}
		p, notes := asked(t, a)
		s, err := p.Stream()
		if err != nil {
			t.Fatal(err)
		}
		n, wrong := 0, 0
		for d, made := range Each(s, told) {
			if made != told(c.Documents[n]) {
				t.Errorf("%+v: %s, and loaded %s", a, made, told(c.Documents[n]))
			}
			if len(d.Errors) > 0 {
				wrong++
			}
			got, ok := s.Correlations.Named(d)
			named, known := correlations.Named(c.Documents[n])
			lack, _ := s.Correlations.Lack(d)
			if other, _ := correlations.Lack(c.Documents[n]); d.Correlation != nil && (ok != known || len(got) != len(named) || lack != other) {
				t.Errorf("%+v: %s names %d documents and lacks %q, and loaded %d and %q", a, d.Title, len(got), lack.Text, len(named), other.Text)
			}
			n++
		}
		if s.Err() != nil || n != len(c.Documents) || wrong < 3 {
			t.Errorf("%+v: %d of %d documents, %d wrong: %v", a, n, len(c.Documents), wrong, s.Err())
		}
		if !slices.Equal(*notes, *want) {
			t.Errorf("%+v: notes\n%s\nand loaded\n%s", a, strings.Join(*notes, "\n"), strings.Join(*want, "\n"))
		}
	}
	p, _ := asked(t, Asked{Rules: []string{"rules"}})
	s, err := p.Stream()
	if err != nil {
		t.Fatal(err)
	}
	s.Files = append(s.Files, "rules/gone.yml")
	for range Each(s, told) {
	}
	if s.Err() == nil {
		t.Error("a file is gone, and nothing is told")
	}
}
