package findings

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"sigmac/internal/clones"
	"sigmac/internal/question"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/verify"
)

// documents are rules of which each looks for something else.
func documents(n int) (docs []*parser.Document) {
	for i := range n {
		src := fmt.Sprintf("title: t\nlogsource: {category: process_creation}\ndetection:\n  s:\n    Image|endswith: '\\%04dx.exe'\n    CommandLine|contains: 'arg%04dy'\n  condition: s\n", i, i)
		docs = append(docs, parser.Parse(fmt.Sprintf("%d.yml", i), []byte(src)).Documents...)
	}
	return docs
}

// filtered is a rule that asks for n texts and excludes n others.
func filtered(n int) []*parser.Document {
	var b strings.Builder
	b.WriteString("title: t\nlogsource: {category: process_creation}\ndetection:\n  s:\n    Image|contains|all:\n")
	for i := range n {
		fmt.Fprintf(&b, "      - 'v%04dx'\n", i)
	}
	b.WriteString("  f:\n    Image|contains:\n")
	for i := range n {
		fmt.Fprintf(&b, "      - 'w%04dy'\n", i)
	}
	b.WriteString("  condition: s and not f\n")
	return parser.Parse("filtered.yml", []byte(b.String())).Documents
}

// crowded are rules that match one event all, and of which each excludes something else, or looks for something else
// beside it.
func crowded(excluding bool) func(n int) []*parser.Document {
	return func(n int) (docs []*parser.Document) {
		for i := range n {
			src := fmt.Sprintf("title: t\nlogsource: {category: process_creation}\ndetection:\n  s:\n    Image|endswith: ['\\x.exe', '\\%04dx.exe']\n  condition: s\n", i)
			if excluding {
				src = fmt.Sprintf("title: t\nlogsource: {category: process_creation}\ndetection:\n  s:\n    Image|endswith: '\\x.exe'\n  f:\n    User: [system, 'svc_%04d']\n  condition: s and not f\n", i)
			}
			docs = append(docs, parser.Parse(fmt.Sprintf("%d.yml", i), []byte(src)).Documents...)
		}
		return docs
	}
}

// TestFindLinear holds that findings cost in proportion to the rules and to the
// values of one, by what is allocated.
func TestFindLinear(t *testing.T) {
	for name, of := range map[string]func(int) []*parser.Document{"rules": documents, "exclusions": filtered, "crowds": crowded(false), "excluding crowds": crowded(true)} {
		allocs := func(n int) float64 {
			docs := of(n)
			return testing.AllocsPerRun(1, func() {
				if found := Find(docs, verify.DefaultBudget); len(found) > 0 {
					t.Fatalf("%s: %v", name, found[0])
				}
			})
		}
		if small, large := allocs(200), allocs(800); large > 5*small {
			t.Errorf("%s: 200 take %.0f allocations, 800 take %.0f", name, small, large)
		} else {
			t.Logf("%s: %.2f times the allocations", name, large/small)
		}
	}
}

// TestRivals holds that the rules which a rule is compared with do not grow with their number, though many match its
// event: those of the kinds of a large repository.
func TestRivals(t *testing.T) {
	count := func(n int) (rivals, matching int) {
		var subjects []*Subject
		for i := range n {
			path, src := clones.Repository{Rules: n}.File(i)
			if s := Look(parser.Parse(path, src).Documents[0], verify.DefaultBudget); s != nil {
				subjects = append(subjects, s)
			}
		}
		var exprs []ir.Expr
		for _, s := range subjects {
			exprs = append(exprs, s.expr)
		}
		panel := question.NewPanel(exprs)
		crowd := newCrowd(panel, exprs, verify.DefaultBudget)
		for i, s := range subjects {
			panel.See(i, s.witness)
			rivals += len(crowd.rivals(i, s.witness))
			matching += len(panel.Matching(s.witness, n))
			panel.Forget(i)
		}
		return rivals, matching
	}
	small, crowds := count(1000)
	large, more := count(4000)
	t.Logf("%d and %d rivals, where the events match %d and %d rules", small, large, crowds, more)
	if large > 9*small/2 || more < 6*crowds {
		t.Errorf("1000 rules have %d rivals, 4000 have %d, where their events match %d and %d rules", small, large, crowds, more)
	}
}

// TestFamilies holds that of many rules which differ in exclusions alone none is passed over that a look at each pair
// of them would leave to the prover.
func TestFamilies(t *testing.T) {
	compared, related := 0, 0
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(seed, 5))
		exclusions := []func() string{
			func() string { return fmt.Sprintf("User: u%03d", r.IntN(400)) },
			func() string { return fmt.Sprintf("CommandLine|contains: '%s'", strings.Repeat("ab", 1+r.IntN(6))) },
			func() string { return fmt.Sprintf("Count|gt: %d", r.IntN(90)) },
			func() string { return fmt.Sprintf("Image|endswith: '%s.exe'", []string{"x", "y"}[r.IntN(2)]) }, // which is dead, or excludes all
		}
		seen := map[string]bool{}
		var exprs []ir.Expr
		var witnesses []map[string]any
		for len(exprs) < 3*many {
			core := []string{"Image|endswith: '\\x.exe'", "Image|endswith: '\\x.exe'\n    Signed: 'false'"}[min(1, r.IntN(5))]
			src := fmt.Sprintf("title: t\nlogsource: {category: process_creation}\ndetection:\n  s:\n    %s\n  f:\n    - %s\n    - %s\n  condition: s and not f\n", core, exclusions[r.IntN(4)](), exclusions[r.IntN(3)]())
			if s := Look(parser.Parse("r.yml", []byte(src)).Documents[0], verify.DefaultBudget); s.witness != nil && !seen[s.expr.String()] {
				seen[s.expr.String()] = true
				exprs, witnesses = append(exprs, s.expr), append(witnesses, s.witness)
			}
		}
		panel := question.NewPanel(exprs)
		c := newCrowd(panel, exprs, verify.DefaultBudget)
		for i, witness := range witnesses {
			panel.See(i, witness)
			rivals := c.rivals(i, witness)
			for j := range exprs {
				compared++
				if slices.Contains(rivals, j) {
					related++
				} else if !panel.Apart(i, j) && !c.apart(i, j) {
					t.Fatalf("seed %d: passed over, though no event tells %s from %s", seed, exprs[i], exprs[j])
				}
			}
			panel.Forget(i)
		}
	}
	if t.Logf("%d of %d", related, compared); related == 0 || related > compared/2 {
		t.Errorf("%d of %d pairs are left", related, compared)
	}
}

// TestSameRules holds that rules which say the same are compared once, and each is
// told as a duplicate of the first.
func TestSameRules(t *testing.T) {
	docs := documents(1)
	for i := range 60 {
		d := *docs[0]
		d.Path = fmt.Sprintf("copy%d.yml", i)
		docs = append(docs, &d)
	}
	found := Find(docs, verify.DefaultBudget)
	if len(found) != 60 {
		t.Fatalf("%d findings", len(found))
	}
	for _, f := range found {
		if f.Kind != Duplicate || f.Other.Path != docs[0].Path {
			t.Errorf("%v", f)
		}
	}
}
