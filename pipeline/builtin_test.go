package pipeline

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"sigmac/backends"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/schema"
	"sigmac/targets"
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

// TestBuiltin holds what our pipelines make of rules, in the folder of each
// pipeline, and that these rules have every field that one renames or computes, and
// are refused for each reason that one has; and that their tables and columns are in a
// schema. In the section pipelines, each line names one instead, or several that are
// applied together; pipeline.yml is one of a user.
func TestBuiltin(t *testing.T) {
	seen := map[string]bool{} // the items that changed or refused a rule, alone and with the rule's fields; lines
	all := cases(t, "testdata/builtin/*/*.txtar", func(t *testing.T, path string, sections []txtar.File) string {
		sets := []string{filepath.Base(filepath.Dir(path))}
		var own []*Pipeline
		var rules []*parser.Document
		for _, f := range sections {
			switch f.Name {
			case "pipelines":
				sets = strings.Split(strings.TrimSpace(string(f.Data)), "\n")
			case "pipeline.yml":
				own = append(own, parsed(t, f))
			default:
				rules = append(rules, parser.Parse(f.Name, f.Data).Documents...)
			}
		}
		var b strings.Builder
		for _, set := range sets {
			for _, d := range rules {
				title := d.Title
				if len(sets) > 1 {
					title = set + ": " + title
				}
				text, steps := became(t, append(slices.Clip(own), ours(t, set)...), d)
				fmt.Fprintf(&b, "# %s\n%s", title, text)
				for line := range strings.Lines(text) {
					seen[line] = true
				}
				for _, s := range steps {
					seen[s.Place] = true
					for name := range tested(s.Before) {
						seen[s.Place+": "+name] = true
					}
				}
			}
		}
		return b.String()
	})
	for _, name := range Builtins() {
		if all {
			everyItem(t, ours(t, name)[0].items, seen)
		}
	}
}

func everyItem(t *testing.T, items []entry, seen map[string]bool) {
	for _, e := range items {
		it := e.whole()
		missing := func(name string) { t.Errorf("%s: no case has the field %s", it.place(), name) }
		switch x := it.do.(type) {
		case nest:
			everyItem(t, x.items, seen)
		case failure, itemFailure:
			if !seen[it.place()] {
				t.Errorf("%s: no case is refused for %v", it.place(), x)
			}
		case rename:
			for _, name := range keys(x.fields) {
				if !seen[it.place()+": "+name] {
					missing(name)
				}
			}
		case setState:
			r := &run{state: map[string]any{x.key: x.value}}
			r.scope()
			for _, c := range r.rule.Computed {
				if !seen[column(c)] {
					missing(c.Name)
				}
			}
		}
	}
}

// tested are the fields that a rule tests.
func tested(r *ir.Rule) map[string]bool {
	names := map[string]bool{}
	r.Walk(func(e ir.Expr) {
		switch e := e.(type) {
		case ir.Match:
			names[e.Field.Name] = true
			if ref, ok := e.Test.(ir.FieldRef); ok {
				names[ref.Other.Name] = true
			}
		case ir.Keyword:
			names[""] = true
		}
	})
	return names
}

func column(c ir.Computed) string { return fmt.Sprintf("column %s %s = %s\n", c.Name, c.Type, c.Text) }

// ours are the built-in pipelines that a text names.
func ours(t *testing.T, names string) (ps []*Pipeline) {
	t.Helper()
	for _, name := range strings.Fields(names) {
		p, ok := Builtin(name)
		if !ok {
			t.Fatal("no pipeline ", name)
		}
		ps = append(ps, p)
	}
	return ps
}

// became is a rule after pipelines and what the schemas of their target say of it,
// or the error; and the items that changed it, or the one that refused it.
func became(t *testing.T, ps []*Pipeline, d *parser.Document) (text string, steps []Step) {
	t.Helper()
	var target *backends.Target
	for _, p := range ps {
		for _, t := range targets.All() {
			if slices.Contains(p.AllowedBackends, t.Name) {
				target = t
			}
		}
	}
	out, trace, err := mapped(t, Join(ps...), d, Options{Target: target, Steps: true})
	if e := (*ir.Diagnostic)(nil); errors.As(err, &e) {
		return fmt.Sprintf("error %d:%d %s\n", e.Pos.Line, e.Pos.Column, e.Msg), []Step{{Place: e.Item, Before: d.Rule}}
	} else if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, part := range []struct{ name, value string }{{"table", out.Scope.Table}, {"data model", out.Scope.DataModel}, {"category", out.Scope.Category}} {
		if part.value != "" {
			fmt.Fprintf(&b, "%s %s\n", part.name, part.value)
		}
	}
	b.WriteString(out.String())
	source := func(r *ir.Rule) string {
		return fmt.Sprintf("logsource %q %q %q\n", r.Source.Category, r.Source.Product, r.Source.Service)
	}
	if s := source(out); s != source(d.Rule) {
		b.WriteString(s)
	}
	names := tested(out)
	for _, c := range out.Computed {
		if names[c.Name] {
			b.WriteString(column(c))
		}
	}
	if target == nil {
		return b.String(), trace.Steps
	}
	_, warnings, err := schema.For(target).Apply(out, "")
	if !strings.HasPrefix(ps[len(ps)-1].ID, "pysigma_") { // which map to what is no table and no column too
		inSchema(t, target, d.Rule, out)
		if len(warnings) > 0 && strings.HasPrefix(warnings[0].Msg, "no schema has the table") {
			t.Errorf("%s: %s", d.Title, warnings[0].Msg)
		}
	}
	for _, w := range warnings {
		fmt.Fprintf(&b, "warning %d:%d %s\n", w.Pos.Line, w.Pos.Column, w.Msg)
	}
	refusals, _ := err.(schema.Refusals)
	for _, r := range refusals {
		fmt.Fprintf(&b, "error %d:%d %s\n", r.Pos.Line, r.Pos.Column, r.Msg)
	}
	return b.String(), trace.Steps
}

var (
	literal   = regexp.MustCompile(`@?("[^"]*"|'[^']*')`)
	word      = regexp.MustCompile(`\.?[A-Za-z_]\w*`)
	functions = strings.Fields(`and binary_and binary_shift_right case coalesce contains endswith extract extract_all iff in indexof isempty
		isnotempty isnotnull matches or parse_json regex replace_regex split startswith strcat substring tohex tolong tostring`)
)

// inSchema holds that what a pipeline has given a rule are columns of its table,
// and that its computed columns hide none and use only columns and functions that
// there are.
func inSchema(t *testing.T, target *backends.Target, before, after *ir.Rule) {
	t.Helper()
	has := func(name string, computed []ir.Computed) bool {
		r := &ir.Rule{Scope: after.Scope, Computed: computed}
		r.Detections = []ir.Detection{{Expr: ir.Match{Field: ir.Field{Name: name}, Test: ir.Exists{}}}}
		_, warnings, err := schema.For(target).Apply(r, "")
		return len(warnings) == 0 && (err == nil || target.Name == "elastic") // which has texts that cannot be asked
	}
	given := tested(before)
	for _, name := range keys(tested(after)) {
		if !given[name] && !has(name, after.Computed) {
			t.Errorf("%s: there is no column %s", before.Meta.Title, name)
		}
	}
	for _, c := range after.Computed {
		if has(c.Name, nil) {
			t.Errorf("%s: %s is a column already", before.Meta.Title, c.Name)
		}
		for _, w := range word.FindAllString(literal.ReplaceAllString(c.Text, `""`), -1) {
			if w[0] != '.' && !slices.Contains(functions, w) && !has(w, nil) {
				t.Errorf("%s: %s uses %s, which is no column", before.Meta.Title, c.Name, w)
			}
		}
	}
}

// TestLogSources holds that the Windows pipelines know the same log sources by
// the same event ids and channels, of which sysmon gives the ids and the service.
func TestLogSources(t *testing.T) {
	rule := "title: t\nlogsource: {product: windows, %s: %s}\ndetection:\n  s: {f: 1}\n  condition: s\n"
	added := func(set, part, name string) (ids, channels string) {
		d := parser.Parse("r", fmt.Appendf(nil, rule, part, name)).Documents[0]
		out, _, err := Join(ours(t, set)...).Apply(d.Rule, Options{})
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
		if set == "sysmon" {
			return fmt.Sprint(keys(seenIDs)), out.Source.Service
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
			if i, service := added("sysmon", part, name); part == "category" && !strings.HasPrefix(name, "ps_") && (i != ids || service != "sysmon") {
				t.Errorf("category %s: sysmon has %s %s, not %s", name, service, i, ids)
			}
		}
	}
}
