package diff

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"sigmac/eval"
	"sigmac/internal/corpus"
	"sigmac/internal/irgen"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/schema"
	"sigmac/targets"
	"sigmac/verify"
)

var options = Options{Budget: verify.DefaultBudget, Examples: 3}

// doc is a rule with these detections.
func doc(t *testing.T, detection string) *parser.Document {
	t.Helper()
	src := "title: T\nlogsource:\n    product: windows\ndetection:\n    " + strings.ReplaceAll(detection, "\n", "\n    ") + "\n"
	d := parser.Parse("r.yml", []byte(src)).Documents[0]
	if len(d.Errors) > 0 {
		t.Fatal(d.Errors)
	}
	return d
}

func TestCompare(t *testing.T) {
	for _, c := range []struct {
		name, old, new string
		kind           Kind
	}{
		{"types of both", "s:\n    EventID: 4688\ncondition: s", "s:\n    EventID: '4688'\ncondition: s", Equal},
		{"number added to texts", "s:\n    EventID: 4688\ncondition: s", "s:\n    EventID: [4688, 'x*']\ncondition: s", Wider},
		{"two conditions", "s:\n    a: x\nt:\n    a: y\ncondition: [s, t]", "s:\n    a: [x, y]\ncondition: s", Equal},
		{"null", "s:\n    a: null\ncondition: s", "s:\n    a: ''\ncondition: s", Both},
		{"never", "s:\n    a: x\nt:\n    a: y\ncondition: s and t", "s:\n    a: x\nt:\n    b: y\ncondition: s and t", Wider},
		{"expression", "s:\n    a|re: '^ab?c\\z'\ncondition: s", "s:\n    a: [abc, ac]\ncondition: s", Wider}, // an expression minds case
		{"keyword", "s:\n    - x\ncondition: s", "s:\n    - x\n    - y\ncondition: s", Wider},
		{"placeholder", "s:\n    a|expand: '%x%'\ncondition: s", "s:\n    a|expand: '%y%'\ncondition: s", Unknown},
		{"same placeholder", "s:\n    a|expand: '%x%'\ncondition: s", "t:\n    a|expand: '%x%'\ncondition: t", Equal},
	} {
		change := Compare(doc(t, c.old), doc(t, c.new), options)
		if change.Kind != c.kind {
			t.Errorf("%s: %s %s %v %v", c.name, change.Kind, change.Reason, change.NewlyMatched, change.NoLongerMatched)
		}
		turned := map[Kind]Kind{Wider: Narrower, Narrower: Wider}
		want := c.kind
		if k, ok := turned[c.kind]; ok {
			want = k
		}
		if back := Compare(doc(t, c.new), doc(t, c.old), options); back.Kind != want {
			t.Errorf("%s, turned round: %s", c.name, back.Kind)
		}
	}
}

// TestExamples holds that examples differ in what they pass.
func TestExamples(t *testing.T) {
	old := doc(t, "s:\n    a: x\ncondition: s")
	new := doc(t, "s:\n    a: [x, y, z, w]\ncondition: s")
	got := fmt.Sprint(Compare(old, new, options).NewlyMatched)
	if got != "[map[a:y] map[a:z] map[a:w]]" {
		t.Error(got)
	}
	if got := Compare(old, new, Options{Budget: options.Budget, Examples: 1}).NewlyMatched; len(got) != 1 {
		t.Error(got)
	}
	if c := Compare(old, new, Options{Budget: 0, Examples: 1}); c.Kind != Unknown && c.Kind != Wider {
		t.Error(c.Kind)
	}
}

// TestRandom holds comparisons of random predicates against random events.
func TestRandom(t *testing.T) {
	n := 3000
	if testing.Short() {
		n = 300
	}
	r := rand.New(rand.NewPCG(1, 2))
	counts := map[Kind]int{}
	held := 0
	for range n {
		old := irgen.Rule(r, irgen.Config{Sugar: true, Keywords: true})
		other := irgen.Rule(r, irgen.Config{Sugar: true, Keywords: true})
		new := *old // one detection of another rule in place of its own
		new.Detections = slices.Clone(old.Detections)
		new.Detections[r.IntN(len(new.Detections))].Expr = other.Detections[0].Expr
		c := Compare(&parser.Document{Rule: old}, &parser.Document{Rule: &new}, Options{Budget: 50_000, Examples: 2})
		counts[c.Kind]++
		joint, err := ir.WantTogether(old, &new)
		if err != nil {
			t.Fatal(err)
		}
		types := joint.Types()
		for range 30 {
			fields := irgen.Fields(r, pickOne(r, old, &new))
			if !fits(fields, types) {
				continue
			}
			ev, err := eval.NewEvent(fields)
			if err != nil {
				t.Fatal(err)
			}
			held++
			was, is := eval.Rule(old, ev), eval.Rule(&new, ev)
			if was && !is && !c.Kind.Loses() || is && !was && !c.Kind.Gains() {
				t.Fatalf("%s, but for %v it was %v and is %v\n%s\n%s", c.Kind, fields, was, is, old, &new)
			}
		}
		for _, e := range c.NewlyMatched {
			if ev, err := eval.NewEvent(e); err != nil || eval.Rule(old, ev) || !eval.Rule(&new, ev) {
				t.Fatalf("%v is not newly matched\n%s\n%s", e, old, &new)
			}
		}
		for _, e := range c.NoLongerMatched {
			if ev, err := eval.NewEvent(e); err != nil || !eval.Rule(old, ev) || eval.Rule(&new, ev) {
				t.Fatalf("%v is still matched\n%s\n%s", e, old, &new)
			}
		}
	}
	t.Log(counts, held)
	if counts[Equal] == 0 || counts[Wider] == 0 || counts[Narrower] == 0 || counts[Both] == 0 || held < n {
		t.Errorf("the random rules try too little: %v, %d events", counts, held)
	}
}

func pickOne[T any](r *rand.Rand, xs ...T) T { return xs[r.IntN(len(xs))] }

// fits says whether an event is one of Sigma's world: a value a field, of its
// type.
func fits(fields map[string]any, types map[string]ir.Type) bool {
	for name, v := range fields {
		ok := true
		switch types[name] {
		case ir.Numeric:
			_, ok = v.(ir.Number)
		case ir.Boolean:
			_, ok = v.(bool)
		case ir.Address:
			_, err := netip.ParseAddr(fmt.Sprint(v))
			ok = err == nil
		}
		if _, list := v.([]any); list || v == nil || !ok {
			return false
		}
	}
	return true
}

func TestPairUp(t *testing.T) {
	mk := func(path, id, title string) *parser.Document {
		return &parser.Document{Path: path, ID: id, Title: title}
	}
	for _, c := range []struct {
		name       string
		olds, news []*parser.Document
		byNumber   bool
		want       string
	}{
		{"by id", []*parser.Document{mk("a", "1", ""), mk("b", "2", "")}, []*parser.Document{mk("b", "1", ""), mk("a", "2", "")}, false, "a1>b1 b2>a2"},
		{"another id", []*parser.Document{mk("a", "1", "x")}, []*parser.Document{mk("a", "2", "y")}, false, ">a2 a1>"},
		{"another id, same title", []*parser.Document{mk("a", "1", "x")}, []*parser.Document{mk("a", "2", "x")}, false, "a1>a2"},
		{"an id given", []*parser.Document{mk("a", "", "x")}, []*parser.Document{mk("a", "2", "y")}, false, "a>a2"},
		{"number in the file", []*parser.Document{mk("a", "", "x"), mk("a", "", "y")}, []*parser.Document{mk("a", "", "z")}, false, "a>a a>"},
		{"twice", []*parser.Document{mk("a", "1", ""), mk("b", "1", "")}, []*parser.Document{mk("a", "1", ""), mk("c", "1", "")}, false, "a1>a1 >c1 b1> !!"},
		{"two files", []*parser.Document{mk("a", "1", "x")}, []*parser.Document{mk("b", "2", "y")}, true, "a1>b2"},
		{"moved and another in its place", []*parser.Document{mk("a", "1", "x")}, []*parser.Document{mk("a", "2", "x"), mk("b", "1", "x")}, false, ">a2 a1>b1"},
	} {
		pairs, warnings := PairUp(c.olds, c.news, c.byNumber)
		var parts []string
		for _, p := range pairs {
			s := ""
			if p.Old != nil {
				s = p.Old.Path + p.Old.ID
			}
			s += ">"
			if p.New != nil {
				s += p.New.Path + p.New.ID
			}
			parts = append(parts, s)
		}
		got := strings.TrimSpace(strings.Join(parts, " ") + " " + strings.Repeat("!", len(warnings)))
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestQueries(t *testing.T) {
	for _, c := range []struct {
		target, old, new string
		kind             Kind
	}{
		{"splunk", `a="x*"`, `a="X*"`, Equal},
		{"splunk", `index=a b=c`, `index=d b=c`, Both},
		{"splunk", `index=a b=c`, `b=c`, Wider},
		{"splunk", `index=a b=c`, `index=a* b=c`, Wider},
		{"splunk", `b=c index=a`, `index=a (b=c OR b=C)`, Equal},
		{"splunk", `a=x OR a=y`, `a IN (x, y)`, Equal},
		{"splunk", `a=x | stats count`, `a=x | stats count by b`, Unknown},
		{"splunk", `a=x | stats count`, `a=y | stats count`, Unknown},
		{"splunk", `a=x | stats count by b`, `a IN (x) | stats count by b`, Equal},
		{"splunk", `a=x | head 5`, `* | head 5 | search a=x`, Unknown},
		{"splunk", `a=x | table b | search c=*`, `a=x | fields b, c | search c=*`, Wider},
		{"splunk", `a=x earliest=-1h`, `a=x earliest=-2h`, Unknown},
		{"elastic", `any where ?a : "x" or b : "y"`, `any where ?a : "x" and b : "z" or b : "y"`, Narrower},
		{"elastic", `process where process.name : "x" and not ?b : "y"`, `process where process.name : "x" and not (?b : "y" and ?b != null)`, Wider},
		{"elastic", `process where process.name : "x"`, `process where process.name == "x"`, Narrower},
		{"kusto", `DeviceProcessEvents | where FileName has "x"`, `DeviceProcessEvents | where FileName contains "x"`, Wider},
		{"kusto", `T | where ProcessId == 5`, `T | where ProcessId in (5)`, Equal},
		{"elastic", `sequence [process where true] [file where true]`, `sequence [process where true] [file where false]`, Unknown},
	} {
		target := targets.Must(c.target)
		change, err := Queries(target, schema.For(target), c.old, c.new, options)
		if err != nil || change.Kind != c.kind {
			t.Errorf("%s\n%s\n%s (%s), want %s; %v %v %v", c.old, c.new, change.Kind, change.Reason, c.kind, err, change.NewlyMatched, change.NoLongerMatched)
		}
	}
}

// TestCorpus holds that every public rule is equal to itself, and that none
// panics beside the one after it.
func TestCorpus(t *testing.T) {
	docs := corpus.Rules(t)
	for i, d := range docs {
		if c := Compare(d, d, Options{Budget: 100_000, Examples: 1}); c.Kind != Equal {
			t.Errorf("%s: %s %s", d.Path, c.Kind, c.Reason)
		}
		if i%10 == 0 {
			Compare(d, docs[(i+1)%len(docs)], Options{Budget: 100_000, Examples: 2})
		}
	}
}
