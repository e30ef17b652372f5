package read

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode"

	"sigmac/eval"
	"sigmac/ir"
	"sigmac/regex"
)

// A logic is what eval may make of null: the documents leave it open.
type logic struct {
	not  int  // of null: 0 false, 1 true, 2 null
	both bool // false AND null is null, not false
}

const null = 2

// randomPredicate is an expression of eval on the fields f, g and h.
func randomPredicate(r *rand.Rand, depth int) string {
	if depth == 0 {
		f := string("fgh"[r.IntN(3)])
		return []string{"isnull(" + f + ")", f + `="a"`, f + `!="a"`, f + ` IN ("b","c")`, "like(" + f + `,"b%")`}[r.IntN(5)]
	}
	x, y := randomPredicate(r, depth-1), randomPredicate(r, depth-1)
	return []string{"NOT (" + x + ")", "(" + x + ") AND (" + y + ")", "(" + x + ") OR (" + y + ")"}[r.IntN(3)]
}

// value is what n is for an event in a logic: 0, 1 or null.
func (l logic) value(n *formula, ev map[string]any) int {
	at := func(i int) int { return l.value(n.args[i], ev) }
	switch n.op {
	case "not":
		if v := at(0); v != null {
			return 1 - v
		}
		return l.not
	case "and", "or":
		out := at(0)
		for i := range n.args[1:] {
			switch a, b := out, at(i+1); {
			case n.op == "or" && (a == 1 || b == 1):
				out = 1
			case n.op == "and" && !l.both && (a == 0 || b == 0):
				out = 0
			case a == null || b == null:
				out = null
			default:
				out = number(a+b == 2)
			}
		}
		return out
	}
	got, there := ev[n.args[0].text]
	switch {
	case n.text == "isnull":
		return number(!there)
	case !there:
		return null
	case n.op == "=" || n.op == "!=":
		return number((got == "a") == (n.op == "="))
	}
	return number(got == "b")
}

func parsed(text string) *formula {
	s := expand(text, nil)
	return s.formula(0, len(text))
}

func number(is bool) int {
	if is {
		return 1
	}
	return 0
}

// TestWhereNull holds the reading of random predicates against every logic of
// null: what the reading leaves open is what a NOT makes of null, no more.
func TestWhereNull(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 2))
	var events []map[string]any
	for n := range 27 {
		ev := map[string]any{}
		for i, f := range []string{"f", "g", "h"} {
			if v := n / []int{1, 3, 9}[i] % 3; v > 0 {
				ev[f] = string("ab"[v-1])
			}
		}
		events = append(events, ev)
	}
	opaque, whole := 0, 0
	for range 500 {
		text := randomPredicate(r, 1+r.IntN(3))
		q, err := Reader{}.Read("* | where "+text, ir.Types{})
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := q.Where.(ir.Opaque); ok {
			whole++
		}
		for _, l := range []logic{{0, false}, {1, false}, {2, false}, {0, true}, {1, true}, {2, true}} {
			for _, ev := range events {
				known, _ := ir.Rewrite(q.Where, func(e ir.Expr) (ir.Expr, bool) {
					o, ok := e.(ir.Opaque)
					if !ok {
						return e, false
					}
					opaque++
					if !strings.HasPrefix(strings.TrimLeft(o.Text, "("), "NOT (") {
						t.Fatalf("%s: opaque %s", text, o.Text)
					}
					if l.value(parsed(o.Text), ev) == 1 {
						return ir.True, true
					}
					return ir.False, true
				})
				e, err := eval.NewEvent(ev)
				if err != nil {
					t.Fatal(err)
				}
				if got, want := eval.Expr(nil, known, e), l.value(parsed(text), ev) == 1; got != want {
					t.Fatalf("%s of %v in %v is %v: %s", text, ev, l, want, q.Where)
				}
			}
		}
	}
	if opaque == 0 || whole > 0 {
		t.Errorf("%d parts are opaque, and %d predicates as a whole", opaque, whole)
	}
}

// TestLetters holds what a reader may take lower and upper for: apart from the
// letters of the assumption fold, they join no letters that case does not join.
func TestLetters(t *testing.T) {
	for c := rune(0); c <= unicode.MaxRune; c++ {
		if 0xD800 <= c && c < 0xE000 {
			continue
		}
		for _, via := range []string{"lower", "upper"} {
			to := []rune(changed(via, string(c)))
			if len(to) != 1 || regex.FoldRune(to[0]) == regex.FoldRune(c) || strings.ContainsRune("İı", c) {
				continue
			}
			t.Errorf("%s of %q is %q", via, c, to)
		}
	}
	for query, want := range map[string]string{
		`lower(f)="i"`: `(match f (pattern "i"))`,
		`upper(f)="I"`: `(match f (pattern "I"))`,
		`lower(f)="ß"`: `(match f (pattern "ß"))`,
		`upper(f)="ß"`: `(opaque splunk "upper(f)=\"ß\"")`, // of ẞ it is ẞ
		`upper(f)="ẞ"`: `(opaque splunk "upper(f)=\"ẞ\"")`,
		`lower(f)="ς"`: `(opaque splunk "lower(f)=\"ς\"")`,
		`lower(f)="İ"`: `(or)`,
		`upper(f)="ı"`: `(or)`,
	} {
		q, err := Reader{}.Read("* | where "+query, ir.Types{})
		if err != nil {
			t.Fatal(err)
		}
		if got := q.Where.String(); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
}
