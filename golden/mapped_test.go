package golden

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"sigmac"
	"sigmac/eval"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/pipeline"
	"sigmac/schema"
	"sigmac/targets"
	"sigmac/verify"
)

// A way leads to a target through built-in pipelines; a section of a case has
// its name.
type way struct {
	name, target, format string
	pipelines            []string
}

var ways = []way{
	{"splunk_windows", "splunk", "default", []string{"splunk_windows"}},
	{"sysmon, splunk_windows", "splunk", "default", []string{"sysmon", "splunk_windows"}},
	{"windows_audit, splunk_windows", "splunk", "default", []string{"windows_audit", "splunk_windows"}},
	{"windows_logsources", "splunk", "default", []string{"windows_logsources"}},
	{"splunk_cim", "splunk", "data_model", []string{"splunk_cim"}},
	{"microsoft_xdr", "kusto", "default", []string{"microsoft_xdr"}},
	{"sentinel_asim", "kusto", "default", []string{"sentinel_asim"}},
	{"azure_monitor", "kusto", "default", []string{"azure_monitor"}},
	{"ecs_windows", "elastic", "default", []string{"ecs_windows"}},
}

func (w way) mapping(t testing.TB) sigmac.Mapping {
	var ps []*pipeline.Pipeline
	for _, name := range w.pipelines {
		p, ok := pipeline.Builtin(name)
		if !ok {
			t.Fatalf("no pipeline is named %s", name)
		}
		ps = append(ps, p)
	}
	target, ok := targets.Must(w.target).In(w.format)
	if !ok {
		t.Fatalf("%s has no format %s", w.target, w.format)
	}
	return sigmac.Mapping{Target: target, Pipeline: pipeline.Join(ps...), Schemas: schema.For(target)}
}

// TestMapped holds what becomes of a rule through each built-in pipeline: the
// query with its verdict, its losses and its warnings, or the error. Sections
// NAME.match.json and NAME.nomatch.json are events in the target's own fields,
// written by people.
func TestMapped(t *testing.T) {
	eachCase(t, "mapped/*.txtar", func(t *testing.T, file string, a *txtar.Archive, sections map[string]string) {
		out := &txtar.Archive{Comment: a.Comment, Files: []txtar.File{{Name: ruleSection, Data: []byte(sections[ruleSection])}}}
		made := []string{ruleSection}
		for _, w := range ways {
			text := w.convert(t, sections)
			if !*update && text != sections[w.name] {
				t.Errorf("%s:\n%s\nwant:\n%s", w.name, text, sections[w.name])
			}
			out.Files = append(out.Files, txtar.File{Name: w.name, Data: []byte(text)})
			made = append(made, w.name)
			for _, name := range []string{w.name + ".match.json", w.name + ".nomatch.json"} {
				if events, ok := sections[name]; ok {
					out.Files = append(out.Files, txtar.File{Name: name, Data: []byte(events)})
					made = append(made, name)
				}
			}
		}
		for name := range sections {
			if !slices.Contains(made, name) {
				t.Errorf("nothing makes or reads the section %s", name)
			}
		}
		if *update {
			if err := os.WriteFile(file, txtar.Format(out), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func (w way) convert(t *testing.T, sections map[string]string) string {
	o := sigmac.Options{Mappings: []sigmac.Mapping{w.mapping(t)}}
	c := parser.Parse(ruleSection, []byte(sections[ruleSection]))
	var out strings.Builder
	for res := range sigmac.Compile(c, o) {
		for _, err := range res.Errors {
			spanned(t, sections[ruleSection], err)
			if err.Source == "sigma" {
				fmt.Fprintf(&out, "error %s\n", err)
			} else {
				fmt.Fprintf(&out, "error %d:%d %s\n", err.Pos.Line, err.Pos.Column, err.Msg)
			}
		}
		for _, x := range res.Mapped.Warnings {
			spanned(t, sections[ruleSection], x)
			fmt.Fprintf(&out, "warning %d:%d %s\n", x.Pos.Line, x.Pos.Column, x.Msg)
		}
		for i, q := range res.Queries {
			fmt.Fprintln(&out, q)
			out.WriteString(proof(t, res.Target, res.Want, i, q))
		}
		if len(res.Queries) > 0 {
			for _, l := range res.Mapped.Trace.Losses {
				fmt.Fprintf(&out, "loss %s %s %d:%d %s\n", l.ID, l.Direction, l.Pos.Line, l.Pos.Column, l.Msg)
			}
			if err := ir.Check(res.Want, ir.Inlined); err != nil {
				t.Errorf("%s: %v", w.name, err)
			}
		}
		for name, want := range map[string]bool{w.name + ".match.json": true, w.name + ".nomatch.json": false} {
			if sections[name] == "" {
				continue
			}
			for line := range strings.Lines(sections[name]) {
				ev, err := eval.ParseEvent([]byte(line))
				if err != nil {
					t.Errorf("%s: %v", name, err)
				} else if len(res.Queries) == 0 || eval.Rule(res.Want, ev) != want {
					t.Errorf("%s: %sthe mapped rule does not answer %t", name, line, want)
				}
			}
		}
	}
	return out.String()
}

// TestDefaultPipelines holds that no case, converted through the pipelines that
// a target has for its log source, is refuted: it is proved, agreed or refused.
func TestDefaultPipelines(t *testing.T) {
	files, err := filepath.Glob("*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	counts := map[string]int{}
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(a.Files, func(f txtar.File) bool { return f.Name == ruleSection })
		// Every log source of the cases is one of a test; the pipelines know
		// those of Windows.
		rule := bytes.ReplaceAll(a.Files[i].Data, []byte("category: test"), []byte("{category: process_creation, product: windows}"))
		c := parser.Parse(ruleSection, rule)
		for _, target := range sigmac.Targets() {
			for res := range sigmac.Compile(c, sigmac.Options{Mappings: []sigmac.Mapping{sigmac.DefaultMapping(target)}}) {
				for i, q := range res.Plain {
					got, err := verify.Query(target, res.Want, i, q, verify.DefaultBudget)
					if err != nil || got.Verdict == verify.Refuted {
						t.Errorf("%s: %s: %s\n%v %v", file, target.Name, q, err, got.Counterexample)
					}
					counts[target.Name]++
				}
			}
		}
	}
	for _, target := range sigmac.Targets() {
		if counts[target.Name] < len(files)/4 && target.Name != "kusto" { // whose tables have no columns a and b
			t.Errorf("%s: only %d queries of %d cases", target.Name, counts[target.Name], len(files))
		}
	}
}
