package delivery

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"sigmac"
	"sigmac/internal/config"
	"sigmac/internal/deploy"
	"sigmac/internal/link"
	"sigmac/ir"
	"sigmac/parser"
)

// jsonFormat is a form of detections for tests: a list in JSON. Queries have at most 60
// characters, and titles differ.
func jsonFormat() deploy.Format {
	type detection struct {
		ID, Title, Query, Level string
		On                      bool
		Version                 int
	}
	long := deploy.Check{ID: "json/length", Severity: "error", What: "a query has at most 60 characters"}
	return deploy.Format{
		Name: "json_list", Extension: ".json", Attack: "18", Own: []string{"alert.*"},
		Options: []deploy.Option{{Name: "app", Default: "x"}, {Name: "kind", Values: []string{"a", "b"}, Default: "a"}},
		Write: func(rules []*deploy.Rule, o deploy.Options) ([]deploy.File, []deploy.Finding) {
			out := []detection{}
			for _, r := range rules {
				out = append(out, detection{r.ID, r.Title, r.Query, r.Plan.Level, r.Plan.Enabled, o.Version(r.ID)})
			}
			data, _ := json.Marshal(out)
			return []deploy.File{{Path: "list.json", Data: data}}, nil
		},
		Read: func(f deploy.File) (out []*deploy.Detection, err error) {
			var ds []detection
			err = json.Unmarshal(f.Data, &ds)
			for _, d := range ds {
				out = append(out, &deploy.Detection{Path: f.Path, Pos: ir.Pos{Line: len(out) + 1, Column: 1}, ID: d.ID, Rule: d.ID, Title: d.Title, Query: d.Query, Enabled: d.On, Version: d.Version, Settings: []deploy.Setting{{Kind: deploy.Severity, Name: "level", Value: d.Level}}})
			}
			return out, err
		},
		Audit: func(ds []*deploy.Detection, _ deploy.Context) (out []deploy.Finding) {
			seen := map[string]bool{}
			for _, d := range ds {
				if len(d.Query) > 60 {
					out = append(out, deploy.Finding{Check: long, Msg: fmt.Sprintf("the query has %d characters", len(d.Query)), Detection: d.Title})
				}
				if seen[d.Title] {
					out = append(out, deploy.Finding{Check: deploy.Check{ID: "json/title", Severity: "error"}, Msg: "two are called " + d.Title, Path: d.Path, Pos: d.Pos, Detection: d.ID})
				}
				seen[d.Title] = true
			}
			return out
		},
	}
}

const packedRules = `title: One
id: 6A1F3C1E-0000-4000-8000-000000000001
level: high
logsource: {category: test}
detection: {sel: {f: a}, other: {g: b}, condition: [sel, other]}
---
title: Old
id: b
status: deprecated
logsource: {category: test}
detection: {sel: {f: c}, condition: sel}
---
title: Trial
status: experimental
level: low
logsource: {category: test}
detection: {sel: {f: c}, condition: sel}
---
title: Out
logsource: {category: test}
detection: {sel: {f: c}, condition: sel}
custom: {sigmac: {leave_out: true}}
`

// pack adds the rules of a file, and tells what became of each.
func pack(t *testing.T, p *Packer, src string) (told []string) {
	t.Helper()
	p.Below = func(path string) string { return path }
	c := parser.Parse("rules/x.yml", []byte(src))
	for res := range sigmac.Compile(c, sigmac.Options{Mappings: []sigmac.Mapping{{Target: sigmac.Targets()[0]}}, Correlations: link.NewCorrelations(c.Documents, nil)}) {
		why, found, faults := p.Add(res)
		for _, f := range faults {
			why += f.Error()
		}
		told = append(told, fmt.Sprint(res.Document.Title, ": ", why, len(found)))
	}
	return told
}

func packer(t *testing.T, c config.Package, o ...config.Option) *Packer {
	p, err := NewPacker(jsonFormat(), c, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPacker(t *testing.T) {
	p := packer(t, config.Package{})
	if got := strings.Join(pack(t, p, packedRules), "; "); got != "One: 0; Old: its status is deprecated0; Trial: 2; Out: it is to be left out0" {
		t.Error(got)
	}
	files, found, err := p.Package()
	const first = `[{"ID":"6a1f3c1e-0000-4000-8000-000000000001","Title":"One","Query":"f=\"a\"","Level":"high","On":true,"Version":1},`
	if err != nil || len(found) > 0 || len(files) != 1 || !strings.HasPrefix(string(files[0].Data), first) || strings.Count(string(files[0].Data), "Version") != 3 {
		t.Fatal(string(files[0].Data), found, err)
	}
	var ds []struct {
		ID, Title string
		On        bool
	}
	if err := json.Unmarshal(files[0].Data, &ds); err != nil {
		t.Fatal(err)
	}
	if ds[1].Title != "One (c2)" || ds[1].ID != deploy.UUID("6A1F3C1E-0000-4000-8000-000000000001", "c2") || ds[2].ID != deploy.UUID("Trial", "") || ds[2].On {
		t.Error(ds)
	}
	for _, c := range []struct {
		way string
		n   int
		on  bool
	}{{"enabled", 3, true}, {"leave_out", 2, true}} {
		p := packer(t, config.Package{Experimental: c.way})
		pack(t, p, packedRules)
		if len(p.order) != c.n || p.order[c.n-1].Plan.Enabled != c.on {
			t.Error(c.way, len(p.order))
		}
	}
}

func TestPackerRefuses(t *testing.T) {
	const rule = "title: T\nid: x\nlevel: medium\nlogsource: {category: test}\ndetection: {sel: {f: %s}, condition: sel}\n"
	for _, c := range []struct{ src, want string }{
		{fmt.Sprintf(rule, strings.Repeat("a", 70)), "T: rules/x.yml:1:1: json_list: the query has 74 characters (json/length)1"},
		{fmt.Sprintf(rule, "a") + "custom: {sigmac: {own: {alrt.x: 1}}}\n", `T: rules/x.yml:1:1: json_list takes no setting "alrt.x" of a rule; did you mean "alert.*"?0`},
		{fmt.Sprintf(rule, "a") + "custom: {sigmac: {lookback: 1m}}\n", "T: rules/x.yml:1:1: json_list: it looks back 1m, and events of 1h come between two runs: some are never looked at0"},
		{fmt.Sprintf(rule, "a") + "custom: {sigmac: {own: {alert.x: 1}}, alrt.x: 1}\n", "T: 1"}, // its id is no UUID
	} {
		p := packer(t, config.Package{})
		if got := strings.Join(pack(t, p, c.src), "; "); got != c.want || (len(p.order) == 0) != strings.Contains(c.want, "json_list") {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
	p := packer(t, config.Package{})
	pack(t, p, fmt.Sprintf(rule, "a")+"---\n"+strings.Replace(fmt.Sprintf(rule, "b"), "id: x", "id: y", 1))
	if _, clashes, err := p.Package(); err != nil || len(clashes) != 1 || clashes[0].Msg != "two are called T" || clashes[0].Rule != p.order[1] {
		t.Error(clashes, err)
	}
	p.Drop(p.order[1])
	if files, clashes, err := p.Package(); err != nil || len(clashes) > 0 || strings.Count(string(files[0].Data), "Title") != 1 {
		t.Error(clashes, err)
	}
	for want, c := range map[string]config.Package{
		`options of package: unknown format "splunk_ap"; did you mean "splunk_app"?`: {Options: map[string][]config.Option{"splunk_ap": nil}},
		`settings of package: unknown target "splnuk"; did you mean "splunk"?`:       {Folders: []config.Folder{{Path: "x", Settings: config.Settings{Targets: map[string]deploy.Settings{"splnuk": {}}}}}},
	} {
		if _, err := NewPacker(jsonFormat(), c, nil); err == nil || err.Error() != want {
			t.Error(err, want)
		}
	}
	for want, o := range map[string]config.Option{
		`json_list has no option "ap"`:                        {Name: "ap"},
		`the option kind of json_list is a or b, and not "c"`: {Name: "kind", Value: "c"},
	} {
		if _, err := NewPacker(jsonFormat(), config.Package{}, []config.Option{o}); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Error(err, want)
		}
	}
	of := config.Package{Options: map[string][]config.Option{"json_list": {{Name: "app", Value: "y"}}, "splunk_app": {{Name: "no"}}}} // of another format
	if p := packer(t, of, config.Option{Name: "kind", Value: "b"}); fmt.Sprint(p.Options.Values) != "map[app:y kind:b]" {
		t.Error(p.Options.Values)
	}
}

// TestVersions holds that a version rises when what a SIEM gets changes, and only then.
func TestVersions(t *testing.T) {
	versions := func(was []Known, src string) (string, []Known) {
		p := packer(t, config.Package{})
		pack(t, p, src)
		p.Know(was)
		files, _, err := p.Package()
		if err != nil {
			t.Fatal(err)
		}
		var ds []struct{ Version int }
		if err := json.Unmarshal(files[0].Data, &ds); err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(ds), []Known{{File: files[0]}}
	}
	first, was := versions(nil, packedRules)
	if first != "[{1} {1} {1}]" {
		t.Error(first)
	}
	var got string
	for i, c := range []struct{ src, want string }{
		{packedRules, "[{1} {1} {1}]"},
		{strings.Replace(packedRules, "f: a", "f: aa", 1), "[{2} {1} {1}]"},
		{strings.Replace(packedRules, "f: a", "f: aa", 1), "[{2} {1} {1}]"},
		{strings.Replace(packedRules, "level: low", "level: high", 1), "[{3} {1} {2}]"},
		{strings.Replace(packedRules, "title: One", "title: New", 1), "[{4} {2} {3}]"},
	} {
		if got, was = versions(was, c.src); got != c.want {
			t.Errorf("%d: %s, want %s", i, got, c.want)
		}
	}
	if got, _ = versions([]Known{{File: deploy.File{Path: "x", Data: []byte("no package")}}}, packedRules); got != "[{1} {1} {1}]" {
		t.Error(got)
	}
}

func TestPackerFiles(t *testing.T) {
	p := packer(t, config.Package{})
	p.Files = New(Options{Paths: []string{"rules"}, Layout: "target", Folder: p.Format.Name, Extension: ".json"})
	pack(t, p, packedRules)
	files, err := p.Each()
	var names []string
	for _, f := range files {
		names = append(names, f.Path)
	}
	if got := fmt.Sprint(names); err != nil || got != "[json_list/x.json json_list/x.c2.json json_list/x.3.json]" {
		t.Error(got, err)
	}
	if f := files[0]; f.Rule.Version != 1 || f.Rule.Path != "x.yml" || f.Rule.Target != "json_list" {
		t.Error(f.Rule)
	}
}

// TestCorrelated holds what a form is told of a correlation.
func TestCorrelated(t *testing.T) {
	const src = `title: Failed
name: failed
logsource: {category: test}
detection: {sel: {f: a}, condition: sel}
---
title: Many
level: high
correlation: {type: event_count, rules: failed, group-by: user, timespan: 30m, condition: {gte: 3}}
`
	p := packer(t, config.Package{})
	p.Format.Audit = func([]*deploy.Detection, deploy.Context) []deploy.Finding { return nil }
	if got := strings.Join(pack(t, p, src), "; "); got != "Failed: 2; Many: 1" {
		t.Fatal(got)
	}
	r := p.order[1]
	if got := fmt.Sprint(r.Window, r.Group, r.Columns, r.Tested, r.Plan.Lookback); got != "30m0s [user] [_time user start end count] [user] 55m0s" {
		t.Error(got)
	}
	if !r.Result("user") || r.Result("f") {
		t.Error(r.Columns)
	}
	if r := p.order[0]; r.Columns != nil || !r.Result("anything") || !slices.Equal(r.Tested, []string{"f"}) {
		t.Error(r)
	}
	if typ, ok := r.Has("x"); typ != ir.Unknown || !ok {
		t.Error(typ, ok)
	}
}

func TestArchive(t *testing.T) {
	in := []deploy.File{{Path: "app/default/x.conf", Data: []byte("[a]\n")}, {Path: "app/" + strings.Repeat("long", 60), Data: nil}}
	data := Archive(in)
	out, err := Unpack(data)
	if err != nil || len(out) != 2 || out[0].Path != in[0].Path || string(out[0].Data) != "[a]\n" || out[1].Path != in[1].Path || !Packed(data) {
		t.Error(out, err)
	}
	if string(Archive(in)) != string(data) {
		t.Error("two archives of the same files differ")
	}
	for _, bad := range [][]byte{nil, []byte("text"), data[:len(data)/2]} {
		if _, err := Unpack(bad); err == nil {
			t.Errorf("%q is an archive", bad)
		}
	}
	if !IsArchive("a.tgz") || !IsArchive("a.tar.gz") || IsArchive("a.conf") {
		t.Error("names")
	}
}
