package verify_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"sigmac/eval"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/verify"
)

// TestSamples holds that the events made for a rule match it, and that the near
// misses do not.
func TestSamples(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "golden", "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatal("no golden cases", err)
	}
	matching, missing := 0, 0
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parser.Parse(file, txtar.Parse(src).Files[0].Data).Documents {
			if d.Rule == nil {
				continue
			}
			want, err := ir.Want(d.Rule)
			if err != nil {
				t.Fatal(err)
			}
			samples, _, reason := verify.Samples(nil, want, ir.True, 5, verify.DefaultBudget)
			if len(samples) == 0 && !strings.Contains(reason, "outside what can be decided") {
				t.Errorf("%s: no samples: %s", file, reason)
			}
			for _, s := range samples {
				if _, ok := s.Fields["_raw"]; !ok {
					s.Fields["_raw"] = ""
				}
				ev, err := eval.NewEvent(s.Fields)
				if err != nil {
					t.Fatal(err)
				}
				if got := eval.Rule(d.Rule, ev); got != s.Matches {
					t.Errorf("%s: the rule answers %v on %v, which differs in %s", file, got, s.Fields, s.Test)
				}
				if s.Matches {
					matching++
				} else {
					missing++
				}
			}
		}
	}
	if matching < 100 || missing < 100 {
		t.Errorf("only %d events and %d near misses", matching, missing)
	}
}

// TestNearMisses holds that for each test of a rule there is a near miss that the rule would match
// if that test alone came out otherwise, unless no event is so.
func TestNearMisses(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "golden", "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatal("no golden cases", err)
	}
	sources := map[string][]byte{
		"exclusion":   nearMissRule("not f", "Image: a", "CommandLine: bob"),
		"whole":       nearMissRule("not f", "Image: a", "{CommandLine|contains: [bob, al], User: x}"),
		"not present": nearMissRule("not f", "Image: a", "CommandLine: null"),
		"either":      nearMissRule("s2 or not f", "Image: a", "{CommandLine: bob, User: [x, y]}"),
	}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sources[file] = txtar.Parse(src).Files[0].Data
	}
	found := 0
	for name, src := range sources {
		for _, d := range parser.Parse(name, src).Documents {
			if d.Rule == nil {
				continue
			}
			want, err := ir.Want(d.Rule)
			if err != nil {
				t.Fatal(err)
			}
			samples, left, _ := verify.Samples(nil, want, ir.True, 1, verify.DefaultBudget)
			if len(samples) == 0 || left > 0 {
				continue
			}
			e := want.Joined().Conditions[0].Expr
			tests := map[string]bool{}
			ir.Visit(e, func(x ir.Expr, _ bool) bool {
				m, ok := x.(ir.Match)
				if key := fmt.Sprint(m.Field, m.Test); ok && !tests[key] {
					tests[key] = true
					if is, known := nearMissed(e, m, samples); is {
						found++
					} else if known {
						t.Errorf("%s: no near miss for %T of %s: %v", name, m.Test, m.Field.Name, m.Test)
					}
				}
				return true
			})
		}
	}
	if found < 200 {
		t.Errorf("only %d tests have a near miss", found)
	}
}

func nearMissRule(condition, selection, filter string) []byte {
	return []byte("title: T\nlogsource:\n  category: test\ndetection:\n  s: {" + strings.Trim(selection, "{}") + "}\n  s2: {User: z}\n  f: {" +
		strings.Trim(filter, "{}") + "}\n  condition: s and (" + condition + ")\n")
}

// nearMissed says whether one of samples is a near miss of e for the test m, and whether there is
// an event that is.
func nearMissed(e ir.Expr, m ir.Match, samples []verify.Sample) (is, known bool) {
	key := fmt.Sprint(m.Field, m.Test)
	otherwise, _ := ir.Rewrite(e, func(x ir.Expr) (ir.Expr, bool) {
		if y, ok := x.(ir.Match); ok && fmt.Sprint(y.Field, y.Test) == key {
			return ir.Not{X: y}, true
		}
		return x, false
	})
	for _, s := range samples {
		if ev, err := eval.NewEvent(s.Fields); err == nil && !s.Matches && eval.Expr(nil, otherwise, ev) {
			return true, true
		}
	}
	event, _ := verify.Match(ir.And{ir.Not{X: e}, otherwise}, verify.DefaultBudget)
	return false, event != nil
}
