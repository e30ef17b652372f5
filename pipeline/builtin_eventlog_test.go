package pipeline

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"sigmac/ir"
	"sigmac/parser"
)

// TestBuiltinsParse holds that every pipeline of ours can be read, and says
// what it is.
func TestBuiltinsParse(t *testing.T) {
	for _, name := range Builtins() {
		src, ok := BuiltinSource(name)
		if !ok {
			t.Fatal(name)
		}
		p, errs := Parse(name+".yml", src)
		for _, e := range errs {
			t.Errorf("%s.yml:%s", name, e)
		}
		if len(errs) == 0 && p.Name == "" {
			t.Errorf("%s.yml has no name", name)
		}
	}
}

// TestBuiltin holds what our pipelines make of rules. Each line of the section
// pipelines names one, or several that are applied together.
func TestBuiltin(t *testing.T) {
	paths, err := filepath.Glob("testdata/builtin-windows/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatal(err, len(paths))
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if len(bytes.TrimSpace(a.Comment)) == 0 {
				t.Error("no line says why the case exists")
			}
			var sets []string
			var own []*Pipeline
			var rules []*parser.Document
			at := -1
			for i, f := range a.Files {
				switch f.Name {
				case "pipelines":
					sets = strings.Split(strings.TrimSpace(string(f.Data)), "\n")
				case "pipeline.yml":
					p, errs := Parse(f.Name, f.Data)
					if len(errs) > 0 {
						t.Fatal(errs)
					}
					own = append(own, p)
				case "rule.yml":
					rules = parser.Parse(f.Name, f.Data).Documents
				case "want":
					at = i
				default:
					t.Fatal("unknown section ", f.Name)
				}
			}
			var b strings.Builder
			for _, set := range sets {
				ps := own
				for _, name := range strings.Fields(set) {
					p, ok := Builtin(name)
					if !ok {
						t.Fatal("no pipeline ", name)
					}
					ps = append(ps[:len(ps):len(ps)], p)
				}
				for _, d := range rules {
					fmt.Fprintf(&b, "# %s: %s\n%s", set, d.Title, became(t, Join(ps...), d))
				}
			}
			if *update {
				if at < 0 {
					at, a.Files = len(a.Files), append(a.Files, txtar.File{Name: "want"})
				}
				a.Files[at].Data = []byte(b.String())
				write(t, path, txtar.Format(a))
				return
			}
			if at < 0 {
				t.Fatal("no section want")
			}
			if want := string(a.Files[at].Data); b.String() != want {
				t.Errorf("got\n%s\nwant\n%s", b.String(), want)
			}
		})
	}
}

// became is a rule after a pipeline, or the error.
func became(t *testing.T, p *Pipeline, d *parser.Document) string {
	t.Helper()
	if len(d.Errors) > 0 {
		t.Fatal(d.Errors)
	}
	out, _, err := p.Apply(ir.ExpandBase64Offset(ir.ExpandWindash(d.Rule)), Options{})
	if err != nil {
		_, msg, _ := strings.Cut(located(err), ": ")
		at, _, _ := strings.Cut(located(err), " ")
		return fmt.Sprintf("error %s %s\n", at, msg)
	}
	if err := ir.Check(out, ir.NoBase64); err != nil {
		t.Error(err)
	}
	s := out.String()
	if l := out.Source; l.Category+l.Product+l.Service != "" {
		s += fmt.Sprintf("logsource %q %q %q\n", l.Category, l.Product, l.Service)
	}
	if (out.Scope != ir.Scope{}) {
		s += fmt.Sprintf("scope %+v\n", out.Scope)
	}
	return s
}

// TestLogSources holds that the Windows pipelines know the same log sources by
// the same event ids and channels.
func TestLogSources(t *testing.T) {
	rule := "title: t\nlogsource: {product: windows, %s: %s}\ndetection:\n  s: {f: 1}\n  condition: s\n"
	added := func(set, part, name string) (ids, channels string) {
		var ps []*Pipeline
		for _, n := range strings.Fields(set) {
			p, _ := Builtin(n)
			ps = append(ps, p)
		}
		d := parser.Parse("r", fmt.Appendf(nil, rule, part, name)).Documents[0]
		out, _, err := Join(ps...).Apply(d.Rule, Options{})
		if err != nil {
			return "error", err.Error()
		}
		seenIDs, seen := map[string]bool{}, map[string]bool{}
		for _, d := range out.Detections {
			ir.Walk(d.Expr, func(e ir.Expr) {
				m, ok := e.(ir.Match)
				if !ok {
					return
				}
				switch m.Field.Name {
				case "EventID", "EventCode", "event.code":
					seenIDs[m.Test.String()] = true
				case "EventType", "winlog.event_data.EventType":
					seenIDs[m.Test.String()] = true
				case "Channel", "source", "winlog.channel":
					s := strings.ReplaceAll(m.Test.String(), "XmlWinEventLog:", "")
					seen[strings.ReplaceAll(s, "WinEventLog:", "")] = true
				}
			})
		}
		return fmt.Sprint(keys(seenIDs)), fmt.Sprint(keys(seen))
	}
	src, _ := BuiltinSource("windows_logsources")
	parts := map[string][]string{}
	for line := range strings.Lines(string(src)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		for _, part := range []string{"category", "service"} {
			if _, name, ok := strings.Cut(line, "[{type: logsource, product: windows, "+part+": "); ok {
				name, _, _ = strings.Cut(name, "}")
				parts[part] = append(parts[part], name)
			}
		}
	}
	if len(parts["service"]) < 50 || len(parts["category"]) < 33 {
		t.Fatal("log sources: ", len(parts["service"]), len(parts["category"]))
	}
	for part, names := range parts {
		for _, name := range names {
			ids, channels := added("windows_logsources", part, name)
			if ids == "error" || channels == "[]" {
				t.Errorf("%s %s: %s %s", part, name, ids, channels)
			}
			if part == "category" && ids == "[]" {
				t.Errorf("category %s without an event id", name)
			}
			sets := []string{"splunk_windows", "ecs_windows", "sysmon windows_logsources", "sysmon splunk_windows", "sysmon ecs_windows"}
			for _, set := range sets {
				if i, c := added(set, part, name); i != ids || c != channels {
					t.Errorf("%s %s: %s has %s %s, windows_logsources %s %s", part, name, set, i, c, ids, channels)
				}
			}
			if i, _ := added("sysmon", part, name); part == "category" && !strings.HasPrefix(name, "ps_") && i != ids {
				t.Errorf("category %s: sysmon has %s, not %s", name, i, ids)
			}
		}
	}
}
