package pipeline

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"

	"sigmac/ir"
	"sigmac/parser"
	"sigmac/targets"
)

// Update is for the tests of package pipeline_test too: a flag is defined once.
var Update = flag.Bool("update", false, "rewrite the section want of the cases, the pages and the counts")

// cases holds that the section want of each case is what made gives of the
// others. It says whether all cases have run, and not only some that -run names.
func cases(t *testing.T, pattern string, made func(t *testing.T, path string, sections []txtar.File) string) (all bool) {
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatal("no cases", err)
	}
	ran := 0
	for _, path := range paths {
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.ToSlash(path), "testdata/"), ".txtar")
		t.Run(name, func(t *testing.T) {
			ran++
			a, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if len(bytes.TrimSpace(a.Comment)) == 0 {
				t.Error("no line says why the case exists")
			}
			sections, want := a.Files, ""
			if i := slices.IndexFunc(sections, func(f txtar.File) bool { return f.Name == "want" }); i >= 0 {
				want = string(sections[i].Data)
				sections = slices.Delete(sections, i, i+1)
			}
			got := made(t, path, sections)
			if *Update {
				a.Files = append(sections, txtar.File{Name: "want", Data: []byte(got)})
				if err := os.WriteFile(path, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
	return ran == len(paths)
}

// TestCases holds what each case's pipelines make of its rules: what Apply, Finish
// and Finalize give. Sections that are neither rule nor pipeline are files that
// items may read.
func TestCases(t *testing.T) {
	cases(t, "testdata/*.txtar", func(t *testing.T, path string, sections []txtar.File) string {
		files := fstest.MapFS{}
		var ps []*Pipeline
		var rules []*parser.Document
		for _, f := range sections {
			switch {
			case strings.HasPrefix(f.Name, "pipeline"):
				ps = append(ps, parsed(t, f))
			case strings.HasPrefix(f.Name, "rule"):
				rules = append(rules, parser.Parse(f.Name, f.Data).Documents...)
			default:
				files[f.Name] = &fstest.MapFile{Data: f.Data}
			}
		}
		o := Options{Target: targets.Must("splunk"), Steps: true, Files: func(string) fs.FS { return files }, Opaque: strings.Contains(path, "query-expression")}
		got := run1(t, Join(ps...), rules, o)
		for _, p := range ps {
			lookEverywhere(p.items)
		}
		if all := run1(t, Join(ps...), rules, o); all != got {
			t.Errorf("an item says that it is about fewer fields than it is; with all fields\n%s\nas it says\n%s", all, got)
		}
		return got
	})
}

func parsed(t *testing.T, f txtar.File) *Pipeline {
	t.Helper()
	p, errs := Parse(f.Name, f.Data)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	return p
}

// mapped is a rule after a pipeline, which leaves the rule that it is given as it
// is.
func mapped(t *testing.T, p *Pipeline, d *parser.Document, o Options) (*ir.Rule, *Trace, error) {
	t.Helper()
	if len(d.Errors) > 0 {
		t.Fatal(d.Errors)
	}
	r := ir.ExpandBase64Offset(ir.ExpandWindash(d.Rule))
	before := fmt.Sprintf("%v%+v", r, *r)
	out, trace, err := p.Apply(r, o)
	if after := fmt.Sprintf("%v%+v", r, *r); after != before {
		t.Errorf("Apply changed the rule\n%s\n%s", before, after)
	}
	if err == nil && !o.Opaque {
		if err := ir.Check(out, ir.NoBase64); err != nil {
			t.Error(err)
		}
	}
	return out, trace, err
}

// lookEverywhere makes items ask of every field whether they change it.
func lookEverywhere(items []entry) {
	for _, e := range items {
		it := e.whole()
		it.only = nil
		if n, ok := it.do.(nest); ok {
			lookEverywhere(n.items)
		}
	}
}

func run1(t *testing.T, p *Pipeline, rules []*parser.Document, o Options) string {
	var b strings.Builder
	var all []string
	for _, d := range rules {
		out, trace, err := mapped(t, p, d, o)
		fmt.Fprintf(&b, "# %s\n", d.Title)
		if err != nil {
			fmt.Fprintf(&b, "error %s\n", located(err))
			continue
		}
		b.WriteString(out.String())
		for _, c := range out.Conditions {
			fmt.Fprintf(&b, "text %s\n", c.Text)
		}
		for _, s := range trace.Steps {
			fmt.Fprintf(&b, "step %s %s %q\n", s.Place, s.Type, s.ID)
		}
		if s := out.Source; s.Category+s.Product+s.Service != "" {
			fmt.Fprintf(&b, "logsource %q %q %q\n", s.Category, s.Product, s.Service)
		}
		if len(out.Meta.Fields) > 0 {
			fmt.Fprintf(&b, "fields %q\n", out.Meta.Fields)
		}
		for _, a := range out.Meta.Custom {
			fmt.Fprintf(&b, "custom %s %q\n", a.Name, a.Value)
		}
		if (out.Scope != ir.Scope{}) {
			fmt.Fprintf(&b, "scope %+v\n", out.Scope)
		}
		for _, x := range out.Computed {
			fmt.Fprintf(&b, "column %s %s = %s\n", x.Name, x.Type, x.Text)
		}
		for _, l := range trace.Losses {
			fmt.Fprintf(&b, "loss %s %q %d:%d %s %s\n", l.ID, l.Direction, l.Pos.Line, l.Pos.Column, l.Item, l.Msg)
		}
		for _, f := range trace.Renamed {
			fmt.Fprintf(&b, "renamed %s %q\n", f.From, f.To)
		}
		queries, err := p.Finish(out, []string{"QUERY " + d.Title}, trace, o)
		if err != nil {
			fmt.Fprintf(&b, "error %s\n", located(err))
			continue
		}
		for _, q := range queries {
			if q != "QUERY "+d.Title {
				fmt.Fprintf(&b, "query %s\n", q)
			}
		}
		all = append(all, queries...)
	}
	if p.Finalizes() {
		out, err := p.Finalize(all, o)
		if err != nil {
			fmt.Fprintf(&b, "error %s\n", err)
		}
		fmt.Fprintf(&b, "final:\n%s\n", out)
	}
	return b.String()
}

func located(err error) string {
	e := (*ir.Diagnostic)(nil)
	if !errors.As(err, &e) {
		return "NOT TYPED " + err.Error()
	}
	return fmt.Sprintf("%d:%d %s: %s", e.Pos.Line, e.Pos.Column, e.Item, e.Msg)
}

// TestUntested: a log source is tested where an item that was about it added a
// condition or said where the query looks, by whatever way it knew of it.
func TestUntested(t *testing.T) {
	const (
		dns     = "rule_conditions: [{type: logsource, category: dns}]"
		add     = "{type: add_condition, conditions: {x: 1}"
		state   = "{type: set_state, key: k, val: v, " + dns + "}"
		byState = "rule_conditions: [{type: processing_state, key: k, val: v}]"
	)
	set := func(key, more string) string { return "{type: set_state, key: " + key + ", val: mapped" + more + "}" }
	for _, c := range []struct {
		name, items, backend, source string
		untested                     bool
	}{
		{"no item", "", "splunk", "category: dns", true},
		{"added", add + ", " + dns + "}", "splunk", "category: dns", false},
		{"added for another", add + ", " + dns + "}", "splunk", "category: dsn", true},
		{"added for all", add + "}", "splunk", "category: dns", true},
		{"added for all others", add + ", rule_cond_not: true, " + dns + "}", "splunk", "category: dsn", true},
		{"added from a template", "{type: add_condition, template: true, conditions: {x: $category}}", "splunk", "category: dns", false},
		{"renamed only", "{type: field_name_prefix, prefix: x., " + dns + "}", "splunk", "category: dns", true},
		{"changed only", "{type: change_logsource, category: y, " + dns + "}", "splunk", "category: dns", true},
		{"nested", "{type: nest, items: [" + add + "}], " + dns + "}", "splunk", "category: dns", false},
		{"after a nest", "{type: nest, items: [], " + dns + "}, " + add + "}", "splunk", "category: dns", true},
		{"by a state", state + ", " + add + ", " + byState + "}", "splunk", "category: dns", false},
		{"by a state of all", "{type: set_state, key: k, val: v}, " + add + ", " + byState + "}", "splunk", "category: dns", true},
		{"by an item", "{id: i, type: field_name_prefix, prefix: x., " + dns + "}, " + add + ", rule_conditions: [{type: processing_item_applied, processing_item_id: i}]}", "splunk", "category: dns", false},
		{"an index", set("index", ", "+dns), "splunk", "category: dns", false},
		{"an index for all", set("index", ""), "splunk", "category: dns", true},
		{"an index overwritten", set("index", ", "+dns) + ", " + set("index", ""), "splunk", "category: dns", true},
		{"an index that is not said", set("index", ", "+dns), "elastic", "category: dns", true},
		{"an event category", set("event_category", ", "+dns), "elastic", "category: dns", false},
		{"a data model", set("data_model_set", ""), "splunk", "category: dns", false},
		{"a table", set("query_table", ""), "kusto", "category: dns", false},
		{"a condition without a table", add + ", " + dns + "}", "kusto", "category: dns", true},
		{"said by the pipeline", set("logsource", ""), "kusto", "category: dns", false},
		{"no log source", "", "splunk", "definition: any", false},
	} {
		p, errs := Parse("p.yml", []byte("transformations: ["+c.items+"]"))
		if len(errs) > 0 {
			t.Fatalf("%s: %v", c.name, errs)
		}
		d := parser.Parse("r.yml", []byte("title: t\nlogsource: {"+c.source+"}\ndetection: {s: {a: b}, condition: s}\n")).Documents[0]
		if d.Rule == nil {
			t.Fatalf("%s: %v", c.name, d.Errors)
		}
		_, trace, err := p.Apply(d.Rule, Options{Target: targets.Must(c.backend)})
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		lost := slices.ContainsFunc(trace.Losses, func(l Loss) bool { return l.ID == Untested && !l.Declared })
		if lost != c.untested {
			t.Errorf("%s: untested is %t", c.name, lost)
		}
	}
}

// TestEverythingUsed holds that the cases use every type and every parameter
// that a file may give.
func TestEverythingUsed(t *testing.T) {
	paths, _ := filepath.Glob("testdata/*.txtar")
	var all strings.Builder
	for _, path := range paths {
		a, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range a.Files {
			if strings.HasPrefix(f.Name, "pipeline") {
				all.Write(f.Data)
			}
		}
	}
	// The two that reach outside are in TestExternal; a file cannot hold the
	// last.
	elsewhere := []string{"http_placeholders", "command_placeholders", "field_name_transform"}
	words := slices.Concat(keys(kinds), keys(ruleConditions), keys(itemConditions), keys(fieldConditions), keys(posts), keys(finalizers),
		strings.Fields(`name priority allowed_backends vars transformations postprocessing finalizers
		rule_cond_op rule_cond_not rule_cond_expr detection_item_cond_op detection_item_cond_not detection_item_cond_expr
		field_name_cond_op field_name_cond_not field_name_cond_expr
		valid_hash_algos field_prefix drop_algo_prefix field_to_parse regex preserve_unmatched suffix prefix include exclude
		expression mapping format filter csv_column csv_has_header jq_expression path conditions template negated
		category product service only field fields replacement skip_special interpret_special key val method value force_type
		target_type message attribute items processing_item_id op tag cond pattern negate mode autoescape json_template
		separator indent finalizers`))
	for _, w := range words {
		if !slices.Contains(elsewhere, w) && !strings.Contains(all.String(), w+":") && !strings.Contains(all.String(), "type: "+w) {
			t.Errorf("no case uses %s", w)
		}
	}
}
