package delivery

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sigmac"
	"sigmac/backends"
	"sigmac/parser"
	"sigmac/verify"
)

const text = `title: One
id: a/1
level: high
logsource: {category: test}
detection:
  sel: {f: a}
  other: {f: b}
  condition: [sel, other]
---
title: Two
id: b
logsource: {category: test}
detection: {sel: {f: c}, condition: sel}
`

// files are what is made of the rules above, for one target.
func files(file, src string, o Options, prove bool) *Files {
	f := New(o)
	f.Source(file, []byte(src))
	i := slices.IndexFunc(sigmac.Targets(), func(t *backends.Target) bool { return t.Name == "splunk" })
	for res := range sigmac.Compile(parser.Parse(file, []byte(src)), sigmac.Options{Mappings: []sigmac.Mapping{{Target: sigmac.Targets()[i]}}}) {
		var proofs []sigmac.Proof
		if prove {
			proofs = sigmac.Verify(res, verify.DefaultBudget)
		}
		f.Add(res, proofs)
	}
	return f
}

func TestNames(t *testing.T) {
	for _, c := range []struct {
		file, layout, want string
	}{
		{"rules/win/x.yml", "{path}/{stem}-{index}.txt", "[win/x-1.txt win/x-2.txt win/x-.txt]"},
		{"rules/x.yml", "q/{path}/{stem}{index}.esql", "[q/x1.esql q/x2.esql q/x.esql]"},
		{"rules/x.yml", "../{stem}{index}", "[__/x1 __/x2 __/x]"},
		{"rules/win/x.yml", "target", "[splunk/win/x.spl splunk/win/x.c2.spl splunk/win/x.2.spl]"},
		{"rules/win/x.yml", "rule", "[win/x.spl win/x.c2.spl win/x.2.spl]"},
		{"rules/win/x.yml", "id", "[splunk/a_1.spl splunk/a_1.c2.spl splunk/b.spl]"},
		{"rules/con.yml", "rule", "[_con.spl _con.c2.spl _con.2.spl]"},
		{"alone.yml", "rule", "[alone.spl alone.c2.spl alone.2.spl]"},
		{"../elsewhere/x.yml", "rule", "[x.spl x.c2.spl x.2.spl]"},
		{"-", "target", "[splunk/stdin.spl splunk/stdin.c2.spl splunk/stdin.2.spl]"},
	} {
		o := Options{Paths: []string{"alone.yml", "rules"}, Layout: c.layout}
		if strings.Contains(c.layout, "{") {
			o.Template = c.layout
		}
		all, err := files(c.file, text, o, false).All()
		var names []string
		for _, f := range all {
			names = append(names, f.Path)
		}
		if got := fmt.Sprint(names); got != c.want || err != nil {
			t.Errorf("%s, %s: %s %v, want %s", c.file, c.layout, got, err, c.want)
		}
	}
}

func TestWithoutID(t *testing.T) {
	const src = "title: T\nlogsource: {category: test}\ndetection: {sel: {f: a}, condition: sel}\n"
	if _, err := files("r.yml", src, Options{Layout: "id"}, false).All(); err == nil || err.Error() != "r.yml:1:1: the rule has no id for the name of its file" {
		t.Error(err)
	}
}

func TestSidecar(t *testing.T) {
	for _, prove := range []bool{false, true} {
		o := Options{Paths: []string{"rules"}, Layout: "target", Sidecar: true, Version: "1.0"}
		all, err := files("rules/x.yml", text, o, prove).All()
		if err != nil || len(all) != 6 {
			t.Fatal(all, err)
		}
		query, about := all[2], all[3]
		var got sidecar
		if err := json.Unmarshal(about.Data, &got); err != nil {
			t.Fatal(err)
		}
		want := sidecar{Rule: "a/1", Title: "One", Path: "x.yml", Document: 1, Condition: 2, Level: "high", Target: "splunk", Format: "default", Sigmac: "1.0",
			RuleHash: hexHash([]byte(text)), QueryHash: hexHash(query.Data[:len(query.Data)-1]), Pipelines: []sidecarPipeline{}, Losses: []string{}}
		if prove {
			want.Verdict = "proved"
		}
		if fmt.Sprint(got) != fmt.Sprint(want) || about.Path != query.Path+".json" || !reflect.DeepEqual(about.Rule, query.Rule) {
			t.Errorf("%s: %+v, want %+v", about.Path, got, want)
		}
	}
	o := Options{Layout: "rule", Sidecar: true}
	if all, _ := files("x.yml", text, o, false).All(); string(all[5].Data[:1]) != "{" || all[5].Path != "x.2.spl.json" {
		t.Error(all)
	}
}

func TestTemplateFault(t *testing.T) {
	for template, want := range map[string]bool{"": true, "{path}/{stem}-{index}.txt": true, "{name}": false, "{stem": false, "{stem}}": false} {
		if err := TemplateFault(template); (err == nil) != want {
			t.Errorf("%q: %v", template, err)
		}
	}
}
