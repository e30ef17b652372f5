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
)

var update = flag.Bool("update", false, "rewrite the section want of the cases")

// TestCases holds what each case's pipelines make of its rules: the section
// want is what Apply, Finish and Finalize give. Sections that are neither rule
// nor pipeline are files that items may read.
func TestCases(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) < 10 {
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
			files := fstest.MapFS{}
			var ps []*Pipeline
			var rules []*parser.Document
			at := -1
			for i, f := range a.Files {
				switch {
				case strings.HasPrefix(f.Name, "pipeline"):
					p, errs := Parse(f.Name, f.Data)
					if len(errs) > 0 {
						t.Fatal(errs)
					}
					ps = append(ps, p)
				case strings.HasPrefix(f.Name, "rule"):
					rules = append(rules, parser.Parse(f.Name, f.Data).Documents...)
				case f.Name == "want":
					at = i
				default:
					files[f.Name] = &fstest.MapFile{Data: f.Data}
				}
			}
			o := Options{Backend: "splunk", Steps: true, Files: func(string) fs.FS { return files }, Opaque: strings.Contains(path, "query-expression")}
			got := run1(t, Join(ps...), rules, o)
			if *update {
				if at < 0 {
					at, a.Files = len(a.Files), append(a.Files, txtar.File{Name: "want"})
				}
				a.Files[at].Data = []byte(got)
				write(t, path, txtar.Format(a))
				return
			}
			if at < 0 {
				t.Fatal("no section want")
			}
			for _, p := range ps {
				lookEverywhere(p.items)
			}
			if all := run1(t, Join(ps...), rules, o); all != got {
				t.Errorf("an item says that it is about fewer fields than it is; with all fields\n%s\nas it says\n%s", all, got)
			}
			if want := string(a.Files[at].Data); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// lookEverywhere makes items ask of every field whether they change it.
func lookEverywhere(items []*item) {
	for _, it := range items {
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
		if len(d.Errors) > 0 {
			t.Fatal(d.Errors)
		}
		r := ir.ExpandBase64Offset(ir.ExpandWindash(d.Rule))
		before := fmt.Sprintf("%v%+v", r, *r)
		out, trace, err := p.Apply(r, o)
		if after := fmt.Sprintf("%v%+v", r, *r); after != before {
			t.Errorf("Apply changed the rule\n%s\n%s", before, after)
		}
		fmt.Fprintf(&b, "# %s\n", d.Title)
		if err != nil {
			fmt.Fprintf(&b, "error %s\n", located(err))
			continue
		}
		if !o.Opaque {
			if err := ir.Check(out, ir.NoBase64); err != nil {
				t.Error(err)
			}
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
	e := (*Error)(nil)
	if !errors.As(err, &e) {
		return "NOT TYPED " + err.Error()
	}
	return fmt.Sprintf("%d:%d %s", e.Pos.Line, e.Pos.Column, e)
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

func write(t *testing.T, path string, b []byte) {
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}
