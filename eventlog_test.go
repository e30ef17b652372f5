package sigmac_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"sigmac"
	"sigmac/eval"
	"sigmac/internal/ordered"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/pipeline"
	"sigmac/verify"
)

// builtin joins pipelines that sigmac brings along.
func builtin(t testing.TB, names ...string) *pipeline.Pipeline {
	t.Helper()
	var ps []*pipeline.Pipeline
	for _, name := range names {
		p, ok := pipeline.Builtin(name)
		if !ok {
			t.Fatal("no pipeline ", name)
		}
		ps = append(ps, p)
	}
	return pipeline.Join(ps...)
}

func sugarless(r *ir.Rule) *ir.Rule { return ir.ExpandBase64Offset(ir.ExpandWindash(r)) }

// TestWindowsPipelines holds how many rules the Windows pipelines take, and
// why they refuse the others.
func TestWindowsPipelines(t *testing.T) {
	c := parseCorpus(t, "rules*")
	got := map[string]int{}
	for _, set := range []string{"sysmon", "windows_audit", "windows_logsources", "splunk_windows", "ecs_windows",
		"windows_audit splunk_windows", "windows_audit ecs_windows"} {
		p := builtin(t, strings.Fields(set)...)
		for _, d := range c.Documents {
			if d.Rule == nil {
				continue
			}
			r := sugarless(d.Rule)
			out, _, err := p.Apply(r, pipeline.Options{})
			e := (*pipeline.Error)(nil)
			switch {
			case errors.As(err, &e):
				got[set+": "+e.Msg]++
				if e.Pos.Line == 0 {
					t.Errorf("%s: an error without a place: %s", d.Path, e)
				}
			case out.String() == r.String():
				got[set+" leaves alone"]++
			default:
				got[set+" applies to"]++
			}
		}
	}
	holdCounts(t, "pipelines.json", got)
}

// A logged is an event with the names that it has in three places: Sigma's, a
// Splunk index, Winlogbeat's.
type logged struct{ sigma, splunk, ecs eval.Event }

func logs(t testing.TB, fields map[string]any, userData bool) (logged, bool) {
	t.Helper()
	doc, ok := index(fields, userData)
	if !ok {
		return logged{}, false
	}
	inSplunk := map[string]any{}
	for name, v := range fields {
		switch name {
		case "EventID":
			inSplunk["EventCode"] = fmt.Sprint(v)
		case "Channel":
			inSplunk["source"] = "XmlWinEventLog:" + fmt.Sprint(v)
			inSplunk[name] = v
		default:
			inSplunk[name] = v
		}
	}
	var out logged
	for to, m := range map[*eval.Event]map[string]any{&out.sigma: fields, &out.splunk: inSplunk, &out.ecs: doc} {
		text, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if *to, err = eval.ParseEvent(text); err != nil {
			t.Fatal(err)
		}
	}
	return out, true
}

// flat is the fields of an event as Flatten names them.
func flat(raw map[string]any) map[string]any {
	out := map[string]any{}
	event := raw["Event"].(map[string]any)
	for name, v := range event["System"].(map[string]any) {
		m, ok := v.(map[string]any)
		if !ok {
			out[name] = v
			continue
		}
		if attributes, ok := m["#attributes"].(map[string]any); ok {
			for a, v := range attributes {
				out[name+"_"+a] = v
			}
		}
		if text, ok := m["#text"]; ok {
			out[name] = text
		}
	}
	for _, name := range []string{"Level", "Task", "Opcode", "Keywords"} {
		delete(out, name)
	}
	data := event["EventData"]
	if user, ok := event["UserData"].(map[string]any); ok {
		for _, v := range user {
			data = v
		}
	}
	if m, ok := data.(map[string]any); ok {
		for name, v := range m {
			if _, nested := v.(map[string]any); !nested {
				out[name] = v
			}
		}
	}
	return out
}

// TestWindowsEvents holds that no condition and no renaming of the Windows
// pipelines loses an event that was recorded for a rule.
func TestWindowsEvents(t *testing.T) {
	rules := map[string]*ir.Rule{}
	for _, d := range parseCorpus(t, "rules*").Documents {
		if d.Rule != nil {
			rules[d.ID] = sugarless(d.Rule)
		}
	}
	sysmon, windows := builtin(t, "sysmon", "windows_logsources"), builtin(t, "windows_logsources")
	splunk, ecs := builtin(t, "splunk_windows"), builtin(t, "ecs_windows")
	files, err := filepath.Glob(filepath.Join(corpusDir(t), "events", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatal("no events", err)
	}
	got := map[string]int{}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var f struct {
			Rules  []string
			Events []map[string]any
		}
		if err := json.Unmarshal(src, &f); err != nil {
			t.Fatal(file, err)
		}
		for _, id := range f.Rules {
			r := rules[id]
			if r == nil || unmatched[id] != "" {
				continue
			}
			for i, raw := range f.Events {
				_, userData := raw["Event"].(map[string]any)["UserData"]
				ev, ok := logs(t, flat(raw), userData)
				if !ok {
					t.Errorf("%s: event %d cannot be in Winlogbeat's index", filepath.Base(file), i)
					continue
				}
				want := eval.Rule(r, ev.sigma)
				for name, x := range map[string]struct {
					p  *pipeline.Pipeline
					ev eval.Event
				}{"sysmon": {sysmon, ev.sigma}, "windows_logsources": {windows, ev.sigma}, "splunk_windows": {splunk, ev.splunk}, "ecs_windows": {ecs, ev.ecs}} {
					out, _, err := x.p.Apply(r, pipeline.Options{})
					if err != nil {
						got[name+" refuses the rule"]++
						continue
					}
					got[fmt.Sprintf("%s %v", name, want)]++
					if eval.Rule(out, x.ev) != want {
						t.Errorf("%s: event %d: after %s the rule answers %v\n%s", filepath.Base(file), i, name, !want, out)
					}
				}
			}
		}
	}
	t.Log(got)
	if got["ecs_windows true"] < 100 || got["splunk_windows true"] < 100 {
		t.Error("too few events")
	}
}

// TestWindowsSamples holds that a rule means the same in Splunk and in
// Winlogbeat's index as where Sigma's names are: on events that reach each of its
// tests, and such as just miss.
func TestWindowsSamples(t *testing.T) {
	const most = 30 // tests of a rule; with more, the search takes long
	logsources, splunk, ecs := builtin(t, "windows_logsources"), builtin(t, "splunk_windows"), builtin(t, "ecs_windows")
	documents := slices.DeleteFunc(parseCorpus(t, "rules*").Documents, func(d *parser.Document) bool {
		return d.Rule == nil || d.Rule.Source.Product != "windows" || len(fieldsTested(d.Rule, func(ir.Test) bool { return true })) > most
	})
	total := 0
	for _, n := range ordered.Map(documents, func(d *parser.Document) (n int) {
		r := sugarless(d.Rule)
		plain, _, err := logsources.Apply(r, pipeline.Options{})
		if err != nil {
			return 0
		}
		inSplunk, _, err := splunk.Apply(r, pipeline.Options{})
		if err != nil {
			t.Errorf("%s: %v", d.Path, err)
			return 0
		}
		inECS, _, err := ecs.Apply(r, pipeline.Options{})
		if err != nil {
			inECS = nil
		}
		typed, err := sigmac.Want(plain)
		if err != nil {
			return 0
		}
		// Of these, Winlogbeat cannot tell a missing one from an empty one.
		empty := fieldsTested(plain, func(t ir.Test) bool { return t.String() == ir.Lit("").String() || t.String() == ir.Lit("-").String() })
		samples, _ := verify.Samples(typed, 5, 200)
		for _, s := range samples {
			fields := possible(s.Fields)
			if slices.ContainsFunc(empty, func(name string) bool { return fields[name] == nil }) {
				continue
			}
			for _, userData := range []bool{false, userDataServices[d.Rule.Source.Service]} {
				ev, ok := logs(t, fields, userData)
				if !ok {
					continue
				}
				n++
				want := eval.Rule(plain, ev.sigma)
				if eval.Rule(inSplunk, ev.splunk) != want {
					t.Errorf("%s: in Splunk %v of %v\n%s", filepath.Base(d.Path), !want, fields, inSplunk)
				}
				if inECS != nil && eval.Rule(inECS, ev.ecs) != want {
					t.Errorf("%s: in Winlogbeat's index %v of\n%v, which was\n%v\n%s", filepath.Base(d.Path), !want, ev.ecs.Raw(), fields, inECS)
				}
			}
		}
		return n
	}) {
		total += n
	}
	if t.Logf("%d rules, %d events", len(documents), total); total < 10_000 {
		t.Error("too few events")
	}
}

// fieldsTested are the fields that a rule tests in such a way.
func fieldsTested(r *ir.Rule, such func(ir.Test) bool) (names []string) {
	for _, d := range r.Detections {
		ir.Walk(d.Expr, func(e ir.Expr) {
			if m, ok := e.(ir.Match); ok && such(m.Test) {
				names = append(names, m.Field.Name)
			}
		})
	}
	return names
}

var userDataServices = map[string]bool{"wmi": true, "applocker": true, "terminalservices-localsessionmanager": true,
	"printservice-admin": true, "printservice-operational": true, "smbclient-connectivity": true, "smbserver-connectivity": true}

// possible makes an event as its log could have it. What Winlogbeat cannot tell
// apart it leaves out.
func possible(fields map[string]any) map[string]any {
	out := map[string]any{}
	channel := strings.ToLower(fmt.Sprint(fields["Channel"]))
	sysmon := channel == "microsoft-windows-sysmon/operational"
	for name, v := range fields {
		text := fmt.Sprint(v)
		switch {
		case v == nil, text == "", sysmon && text == "-":
			continue
		case name == "User" && sysmon && !strings.Contains(text, `\`):
			v = text + `\` + text
		case slices.Contains([]string{"Initiated", "Signed", "SourceIsIpv6", "DestinationIsIpv6"}, name):
			v = strings.ToLower(text)
		}
		out[name] = v
	}
	return out
}

// TestSchemaECS holds that the fields to which ecs_windows maps have a type, and
// that the file stays readable: a field a line, sorted.
func TestSchemaECS(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("schema", "ecs.json"))
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Fields map[string]string `json:"*"`
	}
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(text), "\"*\": {\n")
	var names []string
	for line := range strings.Lines(list) {
		if name, _, ok := strings.Cut(line, `": "`); ok {
			names = append(names, strings.TrimPrefix(name, `  "`))
		}
	}
	if len(names) != len(schema.Fields) || !slices.IsSorted(names) {
		t.Errorf("%d fields on %d lines, sorted: %v", len(schema.Fields), len(names), slices.IsSorted(names))
	}
	for name, want := range map[string]string{"event.code": "keyword", "process.pid": "long", "process.command_line": "wildcard",
		"process.command_line.text": "match_only_text", "source.ip": "ip", "winlog.event_data.*": "keyword", "message": "match_only_text",
		"powershell.file.script_block_text": "text"} {
		if schema.Fields[name] != want {
			t.Errorf("%s is %q, not %q", name, schema.Fields[name], want)
		}
	}
	src, _ := pipeline.BuiltinSource("ecs_windows")
	var root yaml.Node
	if err := yaml.Unmarshal(src, &root); err != nil {
		t.Fatal(err)
	}
	seen := 0
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		kind := ""
		for i := 0; n.Kind == yaml.MappingNode && i < len(n.Content); i += 2 {
			if n.Content[i].Value == "type" {
				kind = n.Content[i+1].Value
			}
		}
		for i, c := range n.Content {
			if kind != "field_name_mapping" || n.Content[max(i-1, 0)].Value != "mapping" {
				walk(c)
				continue
			}
			for j := 1; j < len(c.Content); j += 2 {
				values := []*yaml.Node{c.Content[j]}
				if c.Content[j].Kind == yaml.SequenceNode {
					values = c.Content[j].Content
				}
				for _, v := range values {
					wild := v.Value[:strings.LastIndex(v.Value, ".")+1] + "*"
					passing := v.Value == "registry.data.dword" || v.Value == "Details"
					if seen++; schema.Fields[v.Value] == "" && schema.Fields[wild] == "" && !passing {
						t.Errorf("the field %s has no type", v.Value)
					}
				}
			}
		}
	}
	walk(&root)
	if seen < 100 {
		t.Errorf("%d fields only", seen)
	}
}
