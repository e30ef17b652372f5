package findings

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	"gopkg.in/yaml.v3"

	"sigmac"
	"sigmac/eval"
	"sigmac/internal/corpus"
	"sigmac/internal/irgen"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/verify"
)

var update = flag.Bool("update", false, "rewrite testdata")

// TestFindings holds what is found in the rules of each case in testdata.
func TestFindings(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	seen := map[Kind]bool{}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if len(strings.TrimSpace(string(a.Comment))) == 0 {
				t.Error("no line says why the case exists")
			}
			var docs []*parser.Document
			last := len(a.Files) - 1
			for _, f := range a.Files[:last] {
				for _, d := range parser.Parse(f.Name, f.Data).Documents {
					if len(d.Errors) > 0 {
						t.Fatal(d.Errors)
					}
					docs = append(docs, d)
				}
			}
			var got bytes.Buffer
			enc := json.NewEncoder(&got)
			enc.SetEscapeHTML(false)
			for _, f := range Find(docs, verify.DefaultBudget) {
				seen[f.Kind] = true
				if err := enc.Encode(f); err != nil {
					t.Fatal(err)
				}
				hold(t, docs, f)
			}
			if *update {
				a.Files[last].Data = got.Bytes()
				if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if a.Files[last].Name != "findings" || !bytes.Equal(a.Files[last].Data, got.Bytes()) {
				t.Errorf("got\n%s", got.String())
			}
		})
	}
	for _, k := range Kinds {
		if !seen[k] {
			t.Errorf("no case has %s", k)
		}
	}
}

// rule is the one that a Ref names.
func rule(docs []*parser.Document, ref Ref) *ir.Rule {
	for _, d := range docs {
		if d.Path == ref.Path && d.Pos.Line == ref.Line {
			return d.Rule
		}
	}
	panic("no rule at " + ref.Path)
}

// hold asks the evaluator about the events of a finding.
func hold(t *testing.T, docs []*parser.Document, f Finding) {
	matches := func(ref Ref, fields map[string]any) bool {
		ev, err := eval.NewEvent(fields)
		if err != nil {
			t.Fatal(err)
		}
		return eval.Rule(rule(docs, ref), ev)
	}
	if f.Other == nil {
		return
	}
	if !matches(f.Rule, f.Witness) || !matches(*f.Other, f.Witness) {
		t.Errorf("%s: the witness %v is not of both", f.Rule.Path, f.Witness)
	}
	if f.OnlyOther != nil && (matches(f.Rule, f.OnlyOther) || !matches(*f.Other, f.OnlyOther)) {
		t.Errorf("%s: the event %v is not of the wider rule alone", f.Rule.Path, f.OnlyOther)
	}
}

// TestRandom holds findings about random rules against random events.
func TestRandom(t *testing.T) {
	counts, tried := map[Kind]int{}, 0
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 11))
		var docs []*parser.Document
		var types []map[string]ir.Type
		for i := range 6 {
			rule := irgen.Rule(r, irgen.Config{Sugar: true, Keywords: true})
			rule.Source = ir.LogSource{Product: "x"}
			docs = append(docs, &parser.Document{Path: fmt.Sprintf("%d.yml", i), Kind: parser.Rule, Rule: rule})
			want, err := ir.Want(rule)
			if err != nil {
				t.Fatal(err)
			}
			types = append(types, want.Types())
		}
		var events []map[string]any
		for range 60 {
			if fields := irgen.Fields(r, docs[r.IntN(len(docs))].Rule); fits(fields, types) {
				events = append(events, fields)
			}
		}
		for _, f := range Find(docs, 50_000) {
			counts[f.Kind]++
			hold(t, docs, f)
			for _, fields := range events {
				ev, err := eval.NewEvent(fields)
				if err != nil {
					t.Fatal(err)
				}
				tried++
				yes := eval.Rule(rule(docs, f.Rule), ev)
				wrong := false
				switch f.Kind {
				case Never:
					wrong = yes
				case Implied:
					wrong = yes && !eval.Rule(rule(docs, *f.Other), ev)
				case Duplicate:
					wrong = yes != eval.Rule(rule(docs, *f.Other), ev)
				case DeadExclusion:
					wrong = excludes(rule(docs, f.Rule), f.Part, ev)
				}
				if wrong {
					t.Errorf("seed %d: %s %s %v: not of %s\n%s", seed, f.Kind, f.Rule.Path, f.Other, ev.Raw(), rule(docs, f.Rule))
				}
			}
		}
	}
	t.Log(counts, tried)
	if tried < 1000 || counts[DeadExclusion] < 20 || counts[Implied] < 20 || counts[Never] < 20 {
		t.Errorf("too few findings: %v", counts)
	}
}

// excludes says whether an event passes all of a rule but the exclusion, or
// each of those that are called so.
func excludes(r *ir.Rule, part string, ev eval.Event) bool {
	parts := partsOf(r, r.Conditions[0].Expr)
	alive, some := true, false
	for i, p := range parts {
		for _, x := range p.excluded {
			if x.label != part {
				continue
			}
			some = true
			reached := eval.Expr(nil, x.expr, ev)
			for j, other := range parts {
				reached = reached && (i == j || eval.Expr(nil, other.expr, ev))
			}
			alive = alive && reached
		}
	}
	if !some {
		panic("no exclusion is called " + part)
	}
	return alive
}

// fits says whether an event is one that findings are about: each field has one
// value, of the type that the rules take it to have.
func fits(fields map[string]any, types []map[string]ir.Type) bool {
	for name, v := range fields {
		switch v.(type) {
		case []any, map[string]any:
			return false
		}
		for _, ts := range types {
			ok := true
			switch ts[name] {
			case ir.Numeric:
				_, ok = v.(ir.Number)
			case ir.Boolean:
				_, ok = v.(bool)
			case ir.Address:
				_, err := netip.ParseAddr(fmt.Sprint(v))
				ok = err == nil
			}
			if !ok {
				return false
			}
		}
	}
	return true
}

// TestCorpus counts the findings about the public rules.
func TestCorpus(t *testing.T) {
	c := corpus.Parse(t, "sigma/rules*")
	counts := map[string]int{}
	for _, f := range Find(c.Documents, verify.DefaultBudget) {
		counts[string(f.Kind)]++
		hold(t, c.Documents, f)
	}
	corpus.Hold(t, filepath.Join("testdata", "corpus.json"), counts, *update)
}

// BenchmarkFind compares the findings about all public rules with decoding
// their files into nodes.
func BenchmarkFind(b *testing.B) {
	files := corpus.Files(b, ".yml", "sigma/rules*")
	var sources [][]byte
	for _, f := range files {
		src, err := os.ReadFile(f)
		if err != nil {
			b.Fatal(err)
		}
		sources = append(sources, src)
	}
	c, errs := sigmac.ParseFiles(files, func(i int) ([]byte, error) { return sources[i], nil })
	if len(errs) > 0 {
		b.Fatal(errs)
	}
	var decoding, finding time.Duration
	for b.Loop() {
		start := time.Now()
		for _, src := range sources {
			var n yaml.Node
			if err := yaml.Unmarshal(src, &n); err != nil {
				b.Fatal(err)
			}
		}
		decoding += time.Since(start)
		start = time.Now()
		Find(c.Documents, verify.DefaultBudget)
		finding += time.Since(start)
	}
	b.ReportMetric(finding.Seconds()/decoding.Seconds(), "x-yaml")
}
