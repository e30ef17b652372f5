package findings

import (
	"fmt"
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
		if small, large := allocs(100), allocs(400); large > 7*small {
			t.Errorf("%s: 100 take %.0f allocations, 400 take %.0f", name, small, large)
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
