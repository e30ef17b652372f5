package pipeline_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigmac/eval"
	"sigmac/internal/corpus"
	"sigmac/internal/ordered"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/pipeline"
	"sigmac/targets"
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

func event(fields map[string]any) eval.Event {
	ev, err := eval.NewEvent(fields)
	if err != nil {
		panic(err)
	}
	return ev
}

// A recorded is an event of Windows: what System says of it, and its data.
type recorded struct {
	system, data map[string]any
	userData     bool
}

func record(t testing.TB, raw []byte) recorded {
	t.Helper()
	var root struct {
		Event struct{ System, EventData, UserData map[string]any }
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&root); err != nil {
		t.Fatal(err)
	}
	e := recorded{map[string]any{}, root.Event.EventData, root.Event.UserData != nil}
	for name, v := range root.Event.System {
		m, ok := v.(map[string]any)
		if !ok {
			e.system[name] = v
			continue
		}
		attributes, _ := m["#attributes"].(map[string]any)
		for a, v := range attributes {
			e.system[name+"_"+a] = v
		}
		if text, ok := m["#text"]; ok {
			e.system[name] = text
		}
	}
	for _, v := range root.Event.UserData {
		e.data, _ = v.(map[string]any)
	}
	maps.DeleteFunc(e.data, func(_ string, v any) bool { _, nested := v.(map[string]any); return nested })
	return e
}

// fields are those of the event by Sigma's names, without the numbers whose names
// Winlogbeat keeps.
func (e recorded) fields() map[string]any {
	out := maps.Clone(e.system)
	for _, name := range []string{"Level", "Task", "Opcode", "Keywords"} {
		delete(out, name)
	}
	maps.Copy(out, e.data)
	return out
}

// splunkFields are the fields of an event of Windows in an index of Splunk.
func splunkFields(fields map[string]any) map[string]any {
	out := maps.Clone(fields)
	delete(out, "EventID")
	if v, ok := fields["EventID"]; ok {
		out["EventCode"] = fmt.Sprint(v)
	}
	if v, ok := fields["Channel"]; ok {
		out["source"] = "XmlWinEventLog:" + fmt.Sprint(v)
	}
	return out
}

// azure is the event as a row of the table that a rule asks: of WindowsEvent, or of
// SecurityEvent, where what Sysmon saw of a process is what 4688 says of it.
func (e recorded) azure(t testing.TB, r *ir.Rule) map[string]any {
	t.Helper()
	row := map[string]any{}
	for _, name := range []string{"Channel", "EventID", "Computer"} {
		row[name] = e.system[name]
	}
	data := map[string]any{}
	for name, v := range e.data {
		if v != nil && !e.userData {
			data[name] = fmt.Sprint(v)
		}
	}
	if r.Scope.Table == "WindowsEvent" {
		row["Provider"], row["EventLevel"], row["EventRecordId"] = e.system["Provider_Name"], e.system["Level"], fmt.Sprint(e.system["EventRecordID"])
		row["EventData"] = data
		for _, c := range r.Computed {
			var key string
			if _, err := fmt.Sscanf(c.Text, "tostring(EventData[%q])", &key); err != nil {
				t.Fatal("the test cannot compute ", c.Text)
			}
			row[c.Name] = data[key]
		}
		return row
	}
	row["EventSourceName"] = e.system["Provider_Name"]
	if e.system["Channel"] == "Microsoft-Windows-Sysmon/Operational" && fmt.Sprint(e.system["EventID"]) == "1" {
		row["Channel"], row["EventID"], row["EventSourceName"] = "Security", 4688, "Microsoft-Windows-Security-Auditing"
		labels := map[any]any{"Low": "S-1-16-4096", "Medium": "S-1-16-8192", "High": "S-1-16-12288", "System": "S-1-16-16384"}
		data = map[string]any{"NewProcessName": data["Image"], "CommandLine": data["CommandLine"],
			"ParentProcessName": data["ParentImage"], "MandatoryLabel": labels[data["IntegrityLevel"]]}
	}
	maps.Copy(row, data)
	return row
}

// TestRecorded holds that a pipeline loses no event that was recorded for a rule,
// and finds no other, where it is known how the target has events of Windows: what
// the rule answers of an event, the mapped rule answers of its row.
func TestRecorded(t *testing.T) {
	sigma := func(e recorded, _ *ir.Rule) map[string]any { return e.fields() }
	recordings, counts := corpus.Recordings(t), map[string]int{}
	for _, target := range []struct {
		pipelines string
		name      string // of the target; empty: none
		row       func(recorded, *ir.Rule) map[string]any
	}{
		{"sysmon windows_logsources", "", sigma},
		{"windows_logsources", "", sigma},
		{"splunk_windows", "splunk", func(e recorded, _ *ir.Rule) map[string]any { return splunkFields(e.fields()) }},
		{"ecs_windows", "elastic", func(e recorded, _ *ir.Rule) map[string]any {
			doc, ok := index(e.fields(), e.userData)
			if !ok {
				t.Errorf("%v cannot be in Winlogbeat's index", e)
			}
			return doc
		}},
		{"azure_monitor", "kusto", func(e recorded, r *ir.Rule) map[string]any { return e.azure(t, r) }},
	} {
		p := builtin(t, strings.Fields(target.pipelines)...)
		into, _ := targets.Named(target.name)
		for _, rec := range recordings {
			for _, r := range rec.Rules {
				strange := corpus.Unmatched[r.Meta.ID] != ""
				if strange && target.pipelines != "azure_monitor" { // which writes the blanks
					continue
				}
				out, _, err := p.Apply(sugarless(r), pipeline.Options{Target: into})
				if err != nil {
					counts[target.pipelines+" refuses"]++
					continue
				}
				matched := 0
				for _, raw := range rec.Events {
					want, got := eval.Rule(r, corpus.Event(t, raw)), eval.Rule(out, event(target.row(record(t, raw), out)))
					if got {
						matched++
					}
					if got != want && !strange {
						t.Errorf("%s: %s: of %s the mapped rule %s answers %v\n%s", rec.Name, target.pipelines, raw, r.Meta.ID, got, out)
					}
				}
				if matched == 0 {
					t.Errorf("%s: %s: the mapped rule %s matches none of its events", rec.Name, target.pipelines, r.Meta.ID)
				}
				counts[strings.TrimSpace(target.pipelines+" maps "+out.Scope.Table)]++
			}
		}
	}
	corpus.Hold(t, "testdata/recorded.json", counts, *pipeline.Update)
}

// TestSecurityEvent holds that each rule for the Security log in SecurityEvent asks
// for an event id, as the table fills its columns for some.
func TestSecurityEvent(t *testing.T) {
	p := builtin(t, "azure_monitor")
	seen := 0
	for _, d := range corpus.Rules(t) {
		out, _, err := p.Apply(sugarless(d.Rule), pipeline.Options{Target: targets.Must("kusto")})
		if err != nil || out.Scope.Table != "SecurityEvent" || d.Rule.Source.Service != "security" {
			continue
		}
		seen++
		alone, err := ir.Inline(ir.TypeFields(out))
		if err != nil {
			t.Fatal(d.Path, err)
		}
		for _, c := range alone.Conditions {
			if withoutID(c.Expr, true) {
				t.Errorf("%s: the rule takes events of any id", d.Path)
			}
		}
	}
	if seen < 20 {
		t.Error("only", seen)
	}
}

// withoutID says whether an event for which no test of EventID holds may be as
// asked, if each other test may be either.
func withoutID(e ir.Expr, asked bool) bool {
	var parts []ir.Expr
	all := asked // all parts must be as asked, or one
	switch e := e.(type) {
	case ir.Match:
		return e.Field.Name != "EventID" || !asked
	case ir.Not:
		return withoutID(e.X, !asked)
	case ir.And:
		parts = e
	case ir.Or:
		parts, all = e, !asked
	default:
		return true
	}
	for _, x := range parts {
		if withoutID(x, asked) != all {
			return !all
		}
	}
	return all
}

// TestWindowsSamples holds that a rule means the same in Splunk and in
// Winlogbeat's index as where Sigma's names are: on events that reach each of its
// tests, and such as just miss.
func TestWindowsSamples(t *testing.T) {
	const most = 30 // tests of a rule; with more, the search takes long
	logsources, splunk, ecs := builtin(t, "windows_logsources"), builtin(t, "splunk_windows"), builtin(t, "ecs_windows")
	documents := slices.DeleteFunc(corpus.Rules(t), func(d *parser.Document) bool {
		return d.Rule.Source.Product != "windows" || len(fieldsTested(d.Rule, func(ir.Test) bool { return true })) > most
	})
	total := 0
	for _, n := range ordered.Map(documents, func(d *parser.Document) (n int) {
		r := sugarless(d.Rule)
		plain, _, err := logsources.Apply(r, pipeline.Options{})
		if err != nil {
			return 0
		}
		inSplunk, _, err := splunk.Apply(r, pipeline.Options{Target: targets.Must("splunk")})
		if err != nil {
			t.Errorf("%s: %v", d.Path, err)
			return 0
		}
		inECS, _, err := ecs.Apply(r, pipeline.Options{Target: targets.Must("elastic")})
		if err != nil {
			inECS = nil
		}
		typed, err := ir.Want(plain)
		if err != nil {
			return 0
		}
		// Of these, Winlogbeat cannot tell a missing one from an empty one.
		empty := fieldsTested(plain, func(t ir.Test) bool { return t.String() == ir.Lit("").String() || t.String() == ir.Lit("-").String() })
		samples, _, _ := verify.Samples(nil, typed, ir.True, 5, 200)
		for _, s := range samples {
			fields := possible(s.Fields)
			if slices.ContainsFunc(empty, func(name string) bool { return fields[name] == nil }) {
				continue
			}
			for _, userData := range []bool{false, userDataServices[d.Rule.Source.Service]} {
				doc, ok := index(fields, userData)
				if !ok {
					continue
				}
				n++
				want := eval.Rule(plain, event(fields))
				if eval.Rule(inSplunk, event(splunkFields(fields))) != want {
					t.Errorf("%s: in Splunk %v of %v\n%s", filepath.Base(d.Path), !want, fields, inSplunk)
				}
				if inECS != nil && eval.Rule(inECS, event(doc)) != want {
					t.Errorf("%s: in Winlogbeat's index %v of\n%v, which was\n%v\n%s", filepath.Base(d.Path), !want, doc, fields, inECS)
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
