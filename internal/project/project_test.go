package project

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigmac"
	"sigmac/internal/link"
	"sigmac/parser"
	"sigmac/verify"
)

// repository makes a repository of files in a new directory, and works there.
func repository(t *testing.T, files map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
}

const ownPipeline = "name: own\npriority: 10\nallowed_backends: [kusto]\ntransformations: []\n"

// asked opens a project; its notes are kept.
func asked(t *testing.T, a Asked) (*Project, *[]string) {
	t.Helper()
	notes := &[]string{}
	a.Note = func(format string, args ...any) { *notes = append(*notes, fmt.Sprintf(format, args...)) }
	p, err := Open(a)
	if err != nil {
		t.Fatal(err)
	}
	return p, notes
}

// TestMappings holds which pipelines lead to which targets.
func TestMappings(t *testing.T) {
	repository(t, map[string]string{
		"sigmac.yaml":   "rules: rules\ntargets:\n  - name: kusto\n    pipelines: own/p.yml\n  - {name: elastic, pipelines: []}\n  - {name: splunk, format: data_model}\n",
		"own/p.yml":     ownPipeline,
		"rules/a.yml":   "title: a",
		"sub/other.yml": ownPipeline,
	})
	t.Chdir("sub")
	for _, c := range []struct {
		name  string
		asked Asked
		want  string // TARGET FORMAT PIPELINES of each mapping, or the error
		notes int
	}{
		{"all of sigmac.yaml", Asked{}, "kusto default p.yml; elastic default -; splunk data_model by log source", 2},
		{"one of them", Asked{Targets: []string{"kusto"}}, "kusto default p.yml", 0},
		{"another format", Asked{Targets: []string{"splunk"}, Format: "default"}, "splunk default by log source", 1},
		{"another pipeline", Asked{Targets: []string{"kusto"}, Pipelines: []string{"microsoft_365_defender"}}, "kusto default microsoft_xdr", 1},
		{"one of pySigma by its name there", Asked{Targets: []string{"elastic"}, Pipelines: []string{"zeek_raw"}}, "elastic default pysigma_zeek_raw", 1},
		{"behind its own", Asked{Targets: []string{"kusto"}, Pipelines: []string{"default", "other.yml"}}, "kusto default by log source", 1},
		{"a file", Asked{Targets: []string{"kusto"}, Pipelines: []string{"other.yml"}}, "kusto default other.yml", 1},
		{"none", Asked{Unmapped: true}, "kusto default -; elastic default -; splunk data_model -", 1},
		{"both", Asked{Unmapped: true, Pipelines: []string{"sysmon"}}, "--pipeline and --without-pipeline exclude each other", 0},
		{"for another target", Asked{Targets: []string{"splunk"}, Pipelines: []string{"other.yml"}}, "other.yml is a pipeline for kusto, and no such target is asked for; --disable-pipeline-check takes it", 0},
		{"for any target", Asked{Targets: []string{"splunk"}, Pipelines: []string{"other.yml"}, AnyPipeline: true}, "splunk data_model other.yml", 1},
		{"a pipeline that there is not", Asked{Targets: []string{"kusto"}, Pipelines: []string{"sysmn"}}, `no pipeline and no file is named "sysmn"; did you mean "sysmon"?`, 0},
		{"a target that there is not", Asked{Targets: []string{"kuso"}}, `unknown target "kuso"; did you mean "kusto"?`, 0},
		{"two names of one", Asked{Targets: []string{"es", "elastic"}}, "elastic default -", 1},
		{"a place, over what sigmac.yaml says of its target", Asked{Targets: []string{"defender"}}, "kusto default by log source", 1},
		{"two places", Asked{Targets: []string{"kusto", "sentinel"}}, "kusto and sentinel are both kusto: ask for one of them at a time", 0},
		{"a format that there is not", Asked{Targets: []string{"kusto"}, Format: "data_modl"}, `unknown format "data_modl" of kusto; formats are default, sentinel_yaml, sentinel_arm, defender`, 0},
	} {
		p, notes := asked(t, c.asked)
		var parts []string
		requests, err := p.Requests()
		var mappings []sigmac.Mapping
		if err == nil {
			mappings, err = p.Mappings(requests)
		}
		for _, m := range mappings {
			var ids []string
			for _, x := range m.Pipeline.Parts() {
				ids = append(ids, x.ID)
			}
			switch {
			case m.Table != nil:
				ids = []string{"by log source"}
			case ids == nil:
				ids = []string{"-"}
			}
			parts = append(parts, m.Target.Name+" "+m.Target.Format.Name+" "+strings.Join(ids, "+"))
		}
		got := strings.Join(parts, "; ")
		if err != nil {
			got = err.Error()
		}
		if got != c.want || err == nil && len(*notes) != c.notes {
			t.Errorf("%s: %s, want %s; notes %q", c.name, got, c.want, *notes)
		}
	}
	if p, _ := asked(t, Asked{FromConfig: true}); len(p.ConfiguredRules()) != 1 || p.ConfiguredRules()[0] != filepath.Join("..", "rules") {
		t.Error(p.ConfiguredRules())
	}
	if _, err := (&Project{Asked: Asked{Verb: "eval"}}).Paths(); err == nil || !strings.Contains(err.Error(), "eval needs a file") {
		t.Error(err)
	}
}

// TestContext holds that the rules of sigmac.yaml are known by their names, that what
// is given is not read twice, and that a folder that is not there is no whole context.
func TestContext(t *testing.T) {
	rule := func(name string) string {
		return "title: r\nname: " + name + "\nlogsource: {category: test}\ndetection: {s: {f: x}, condition: s}\n"
	}
	repository(t, map[string]string{
		"sigmac.yaml": "rules: rules\n", "rules/a.yml": rule("a"), "rules/b.yml": rule("b"), "more/c.yml": rule("c"),
	})
	p, _ := asked(t, Asked{Context: []string{"more"}})
	docs, complete, err := p.ContextOf([]string{filepath.Join("rules", "a.yml")})
	var names []string
	for _, d := range docs {
		names = append(names, d.Name)
	}
	if got := fmt.Sprint(names, complete, err); got != "[c b] true <nil>" {
		t.Error(got)
	}
	if err := os.RemoveAll("rules"); err != nil {
		t.Fatal(err)
	}
	l := &link.Linker{}
	l.Add(parser.Parse("x.yml", []byte("title: c\ncorrelation: {type: temporal, rules: [zz, c], timespan: 1m}\n")).Documents[0])
	found, err := p.Findings(l, nil)
	if err != nil || len(found) != 1 || !found[0].Note {
		t.Errorf("%+v %v", found, err)
	}
	p, _ = asked(t, Asked{Context: []string{"more"}})
	c, err := p.Parse([]string{"x.yml"}, func(int) ([]byte, error) {
		return []byte("title: c\nname: c2\ncorrelation: {type: temporal, rules: [c2, c], timespan: 1m}\n"), nil
	})
	if d := c.Documents[0]; err != nil || len(d.Errors) != 1 || d.Correlation != nil || d.Broken == nil || d.Broken.Correlation == nil {
		t.Errorf("%+v %v", d, err)
	}
	if _, _, err := (&Project{Asked: Asked{Context: []string{"nowhere"}}}).ContextOf(nil); err == nil {
		t.Error("a context that is asked for is there")
	}
}

// TestGate holds which verdicts pass, by what is required and allowed.
func TestGate(t *testing.T) {
	repository(t, map[string]string{"sigmac.yaml": "verify:\n  require: partial\n  allow:\n    - {rule: r/a.yml, verdict: agreed, reason: known}\n    - {rule: other, verdict: agreed, reason: known}\n"})
	proof := func(path, verdict string) sigmac.Proof {
		res := sigmac.Result{Document: &parser.Document{Path: path}}
		res.Target = sigmac.Targets()[0]
		return sigmac.Proof{Result: res, Verdict: verdict}
	}
	for _, c := range []struct {
		require, path, verdict string
		passes                 bool
	}{
		{"", "r/b.yml", "proved", true}, {"", "r/b.yml", "partial", true}, {"", "r/b.yml", "agreed", false}, {"", "r/a.yml", "agreed", true},
		{"", "r/a.yml", "refuted", false}, {"proved", "r/b.yml", "partial", false}, {"agreed", "r/b.yml", "agreed", true},
		{"bounded", "r/b.yml", "bounded", true}, {"bounded", "r/b.yml", "partial", true}, {"bounded", "r/b.yml", "agreed", false},
		{"agreed", "r/b.yml", "bounded", true}, {"", "r/b.yml", "bounded", false}, {"", "r/a.yml", "bounded", true},
		{"", "r/b.yml", sigmac.VerdictUnsupported, true}, {"agreed", "r/b.yml", sigmac.VerdictError, false},
	} {
		p, _ := asked(t, Asked{})
		g, err := p.Gate(c.require)
		if err != nil || g.Passes(proof(c.path, c.verdict)) != c.passes {
			t.Errorf("%+v: %v", c, err)
		}
	}
	p, notes := asked(t, Asked{})
	loose, err := p.Gate("agreed")
	unjudged := proof("r/b.yml", sigmac.VerdictUnsupported)
	if unjudged.Query = "a query"; err != nil || loose.Passes(unjudged) {
		t.Error("a query that cannot be judged passes")
	}
	if _, err := p.Gate("prved"); err == nil || !strings.Contains(err.Error(), `did you mean "proved"`) {
		t.Error(err)
	}
	g, _ := p.Gate("")
	g.Passes(proof("r/a.yml", verify.Agreed.String()))
	if g.Rest(p.Note); len(*notes) != 1 || !strings.Contains((*notes)[0], "nothing needs this to be allowed: other") {
		t.Error(*notes)
	}
}

// TestChecks holds the severities of checks, by what is asked over sigmac.yaml.
func TestChecks(t *testing.T) {
	repository(t, map[string]string{"sigmac.yaml": "check:\n  severity: {sigmahq_title_length: error}\n  ignore: [{id: AttackTag, reason: r}]\n", "a.yml": "title: a\n"})
	p, _ := asked(t, Asked{Rules: []string{"a.yml"}})
	o, err := p.Checks(AskedChecks{Ignore: []string{"schema"}})
	if err != nil || o.Severity["title_length"] != "error" || len(o.Ignore) != 1 || o.Ignore[0].ID != "attacktag" || o.Severity["schema"] != "off" {
		t.Errorf("%+v %v", o, err)
	}
	if files, err := p.CheckFiles(&o); err != nil || len(files) != 1 || files[0].Name != "a.yml" || o.Context != nil {
		t.Errorf("%+v %v", files, err)
	}
	if o, err := p.Checks(AskedChecks{Only: []string{"schema"}}); err != nil || o.Severity["schema"] != "error" || o.Severity["syntax"] != "off" {
		t.Errorf("%+v %v", o, err)
	}
	if _, err := p.Checks(AskedChecks{Only: []string{"shema"}, Profile: "sigma"}); err == nil || strings.Count(err.Error(), "did you mean") != 2 {
		t.Error(err)
	}
}
