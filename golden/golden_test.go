package golden

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"sigmac"
	"sigmac/backends"
	"sigmac/eval"
	"sigmac/internal/irtest"
	"sigmac/internal/link"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/verify"
)

var update = flag.Bool("update", false, "rewrite the sections that sigmac makes; never the events")

// The sections of a case: those that people write, and those that -update
// does.
const (
	ruleSection    = "rule.yml"
	errorSection   = "error"
	irSection      = "ir"
	verifySection  = "verify"
	matchSection   = "match.json"
	noMatchSection = "nomatch.json"
)

// eachCase runs a test on each case of the files that a pattern names. The first lines of
// a case say why it exists, or where what it holds is from.
func eachCase(t *testing.T, pattern string, run func(t *testing.T, file string, a *txtar.Archive, sections map[string]string)) {
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if len(bytes.TrimSpace(a.Comment)) == 0 {
				t.Error("no line says why the case exists")
			}
			run(t, file, a, sectionsOf(a))
		})
	}
}

func sectionsOf(a *txtar.Archive) map[string]string {
	sections := map[string]string{}
	for _, f := range a.Files {
		sections[f.Name] = string(f.Data)
	}
	return sections
}

func TestGolden(t *testing.T) {
	eachCase(t, "*.txtar", func(t *testing.T, file string, a *txtar.Archive, sections map[string]string) {
		made := compile(t, sections[ruleSection])
		evaluate(t, sections)
		if *update {
			write(t, file, a, sections, made)
			return
		}
		for _, f := range a.Files {
			switch f.Name {
			case ruleSection, matchSection, noMatchSection:
				continue
			}
			if _, ok := made.text[f.Name]; !ok {
				t.Errorf("the section %s is not made any more; run go test ./golden -update", f.Name)
			}
		}
		for _, name := range made.order {
			if sections[name] != made.text[name] {
				t.Errorf("%s:\n%s\nwant:\n%s", name, made.text[name], sections[name])
			}
		}
	})
}

// A production is the sections that sigmac makes of a rule.
type production struct {
	order []string
	text  map[string]string
}

func (p *production) add(name, text string) {
	p.order = append(p.order, name)
	p.text[name] = text
}

func compile(t *testing.T, rule string) production {
	out := production{text: map[string]string{}}
	c := parser.Parse(ruleSection, []byte(rule))
	link.Join(c.Documents, nil)
	var errs, dump strings.Builder
	for _, d := range c.Documents {
		for _, e := range d.Errors {
			fmt.Fprintln(&errs, e)
		}
		for _, e := range d.Warnings {
			fmt.Fprintf(&errs, "%s:%d:%d: warning: %s\n", e.Path, e.Pos.Line, e.Pos.Column, e.Msg)
		}
		if d.Rule == nil {
			continue
		}
		r := d.Rule
		for _, p := range ir.Passes() {
			next, err := p.Run(r)
			if err != nil {
				t.Fatal(err)
			}
			if err := ir.Check(next, p.Stage); err != nil {
				t.Errorf("after %s: %v", p.Name, err)
			}
			r = next
		}
		dump.WriteString(r.String())
	}
	if errs.Len() > 0 {
		out.add(errorSection, errs.String())
	}
	if dump.Len() == 0 {
		return out
	}
	out.add(irSection, dump.String())
	var proofs strings.Builder
	for _, target := range sigmac.Targets() {
		var queries, faults strings.Builder
		for res := range sigmac.Compile(c, sigmac.Unmapped(target)) {
			for i, q := range res.Queries {
				fmt.Fprintln(&queries, q)
				proofs.WriteString(proof(t, target, res.Want, i, q))
				proof(t, target, res.Want, i, prettyQuery(t, res, i))
			}
			for _, err := range res.Errors {
				spanned(t, rule, err)
				if err.Source == target.Name {
					fmt.Fprintln(&faults, err)
				}
			}
		}
		if queries.Len() > 0 {
			out.add(target.Name, queries.String())
		}
		if faults.Len() > 0 {
			out.add(target.Name+".err", faults.String())
		}
	}
	if proofs.Len() > 0 {
		out.add(verifySection, proofs.String())
	}
	return out
}

// spanned holds that a diagnostic has the place of what it is about in a rule.
func spanned(t *testing.T, rule string, e *ir.Diagnostic) {
	if wrong := irtest.Spanned(rule, e); wrong != "" {
		t.Errorf("%v: %s", e, wrong)
	}
}

// proof is the verdict on a query, with what it rests on and what it loses.
func proof(t *testing.T, b *backends.Target, want *ir.Rule, i int, query string) string {
	res, err := verify.Query(b, want, i, query, verify.DefaultBudget)
	if err != nil {
		t.Errorf("%s: %s\n%v", b.Name, query, err)
		return ""
	}
	if res.Verdict == verify.Refuted {
		t.Errorf("%s: %s\nis %s than the rule: %v", b.Name, query, res.Direction, res.Counterexample)
	}
	line := fmt.Sprintf("%s: %s", b.Name, res.Verdict)
	if res.Reason != "" {
		line += ": " + res.Reason
	}
	if len(res.Assumptions) > 0 {
		line += "; assumes " + strings.Join(res.Assumptions, ", ")
	}
	for _, l := range res.Losses {
		line += fmt.Sprintf("; loses %s at %d:%d", l.ID, l.Pos.Line, l.Pos.Column)
	}
	return line + "\n"
}

// prettyQuery is the i-th query of a result in its other layout.
func prettyQuery(t *testing.T, res sigmac.Result, i int) string {
	c := &parser.Collection{Documents: []*parser.Document{res.Document}}
	for pretty := range sigmac.Compile(c, sigmac.Options{Mappings: []sigmac.Mapping{res.Mapping}, Pretty: true}) {
		return pretty.Queries[i]
	}
	t.Fatal("no result")
	return ""
}

// evaluate holds that the rule, and what every pass makes of it, matches the
// events of the one section and none of the other.
func evaluate(t *testing.T, sections map[string]string) {
	docs := parser.Parse(ruleSection, []byte(sections[ruleSection])).Documents
	link.Join(docs, nil)
	for _, d := range docs {
		if d.Rule == nil || unevaluable(d.Rule) {
			continue
		}
		for name, want := range map[string]bool{matchSection: true, noMatchSection: false} {
			lines := strings.Split(strings.TrimSpace(sections[name]), "\n")
			if lines[0] == "" {
				t.Errorf("no events in %s", name)
				continue
			}
			for _, line := range lines {
				ev, err := eval.ParseEvent([]byte(line))
				if err != nil {
					t.Errorf("%s: %s: %v", name, line, err)
					continue
				}
				answer(t, d.Rule, ev, name+": "+line, want)
			}
		}
	}
}

func answer(t *testing.T, r *ir.Rule, ev eval.Event, name string, want bool) {
	if got := eval.Rule(r, ev); got != want {
		t.Errorf("%s: the rule answers %v", name, got)
	}
	for _, p := range ir.Passes() {
		next, err := p.Run(r)
		if err != nil {
			t.Fatal(err)
		}
		if r = next; eval.Rule(r, ev) != want {
			t.Errorf("%s: after %s the rule answers %v", name, p.Name, !want)
		}
	}
	for _, target := range sigmac.Targets() {
		legal, refused := backends.Legalize(r, target.Format.Caps)
		if len(refused) == 0 && eval.Rule(legal, ev) != want && !irtest.OtherEvent(target.Format.Caps, r, ev) {
			t.Errorf("%s: legal for %s the rule answers %v", name, target.Name, !want)
		}
	}
}

func unevaluable(r *ir.Rule) bool {
	for _, d := range r.Detections {
		if eval.Unevaluable(d.Expr) != "" {
			return true
		}
	}
	return false
}

func write(t *testing.T, file string, a *txtar.Archive, sections map[string]string, made production) {
	out := &txtar.Archive{Comment: a.Comment}
	add := func(name, text string) {
		if text != "" {
			out.Files = append(out.Files, txtar.File{Name: name, Data: []byte(text)})
		}
	}
	add(ruleSection, sections[ruleSection])
	for _, name := range made.order {
		add(name, made.text[name])
	}
	add(matchSection, sections[matchSection])
	add(noMatchSection, sections[noMatchSection])
	if err := os.WriteFile(file, txtar.Format(out), 0o644); err != nil {
		t.Fatal(err)
	}
}
