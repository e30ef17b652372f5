package verify

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"sigmac/backends"
	"sigmac/eval"
	"sigmac/ir"
	"sigmac/regex"
)

// TestFind holds the search for a text against all short texts over a small
// alphabet: where one passes, one is found; what is found passes, says the
// evaluator.
func TestFind(t *testing.T) {
	const longest = 5
	alphabet := []rune{'a', 'b', 'A', 'B', '\n'}
	texts := []string{""}
	for at := 0; len([]rune(texts[at])) < longest; at++ {
		for _, c := range alphabet {
			texts = append(texts, texts[at]+string(c))
		}
	}
	r := rand.New(rand.NewPCG(1, 5))
	none := 0
	for n := range 300 {
		world := backends.World{Blank: n%4 == 0}
		c := newClaim(func(ir.Type) backends.World { return world }, "")
		var tests []ir.Test
		for range 2 + r.IntN(3) {
			test := smallTest(r)
			if c.test(c.field(ir.Field{Name: "f", Type: ir.Text}, false), test, ir.Pos{}); len(c.letters) > 1 {
				tests = append(tests, test)
			}
		}
		if len(c.letters) == 1 || slices.ContainsFunc(c.letters[1:], func(l *letter) bool { return l.free != "" }) {
			continue
		}
		f := c.letters[1].field
		var yes, no []int
		for _, i := range f.letters {
			if r.IntN(2) == 0 {
				yes = append(yes, i)
			} else {
				no = append(no, i)
			}
		}
		passes := func(s string) bool {
			ev, err := eval.NewEvent(map[string]any{"f": s})
			if err != nil {
				t.Fatal(err)
			}
			is := func(i int) bool {
				return eval.Expr(nil, ir.Match{Field: ir.Field{Name: "f", Type: ir.Text}, Test: c.letters[i].test}, ev)
			}
			for _, i := range yes {
				if !is(i) {
					return false
				}
			}
			for _, i := range no {
				if is(i) {
					return false
				}
			}
			return s != "" || !world.Blank
		}
		for name, find := range map[string]func(*field, []int, []int, *int) (string, bool, bool){"find": c.find, "search": c.search} {
			c.prepare(f)
			budget := DefaultBudget
			text, found, spent := find(f, yes, no, &budget)
			switch {
			case spent:
				t.Errorf("%s: %v: the budget is spent", name, tests)
			case found && !passes(text):
				t.Errorf("%s: %v: yes %v, no %v: %q does not pass", name, tests, yes, no, text)
			case !found:
				none++
				for _, s := range texts {
					if passes(s) {
						t.Errorf("%s: %v: yes %v, no %v: none found, but %q passes", name, tests, yes, no, s)
						break
					}
				}
			}
		}
	}
	if none < 50 {
		t.Errorf("only %d searches found nothing", none)
	}
}

// TestEqualShort holds the verdict on two random claims over one field against
// all short texts, and some pairs of them where a field may have several.
func TestEqualShort(t *testing.T) {
	var short []string
	for _, a := range []string{"", "a", "b", "A"} {
		for _, b := range []string{"", "a", "b", "\n"} {
			for _, c := range []string{"", "a", "B"} {
				short = append(short, a+b+c)
			}
		}
	}
	r := rand.New(rand.NewPCG(2, 5))
	counts := map[Verdict]int{}
	for n := range 1500 {
		w := backends.World{Blank: n%3 == 0, Several: n%3 == 1}
		world := func(ir.Type) backends.World { return w }
		leaves := []ir.Expr{text("f", ir.Null{}), text("f", smallTest(r)), text("f", smallTest(r)), text("f", smallTest(r))}
		want, got := smallExpr(r, leaves, 2), smallExpr(r, leaves, 2)
		res := Equal(world, want, got, DefaultBudget)
		counts[res.Verdict]++
		if res.Verdict == Refuted {
			ev := newEvent(res.Counterexample)
			if holds(world, want, ev, false) == holds(world, got, ev, false) {
				t.Errorf("%+v: want %s, got %s: refuted by %s, which is the same of both", w, want, got, ev.Raw())
			}
			continue
		}
		try := func(vs ...any) {
			ev := newEvent(map[string]any{"f": vs})
			if holds(world, want, ev, false) != holds(world, got, ev, false) {
				t.Errorf("%+v: want %s, got %s: %v, but %v tells them apart", w, want, got, res.Verdict, vs)
			}
		}
		try()
		for i, s := range short {
			if s != "" || !w.Blank {
				try(s)
			}
			if w.Several {
				try(s, short[(i*7+n)%len(short)])
			}
		}
	}
	if counts[Agreed] > 0 || counts[Proved] < 100 || counts[Refuted] < 100 {
		t.Errorf("%v", counts)
	}
}

func smallExpr(r *rand.Rand, leaves []ir.Expr, depth int) ir.Expr {
	if depth == 0 {
		return leaves[r.IntN(len(leaves))]
	}
	a, b := smallExpr(r, leaves, depth-1), smallExpr(r, leaves, depth-1)
	switch r.IntN(4) {
	case 0:
		return ir.Not{X: a}
	case 1:
		return ir.And{a, b}
	case 2:
		return ir.Or{a, b}
	}
	return a
}

// smallTest is a pattern or a regular expression over a and b.
func smallTest(r *rand.Rand) ir.Test {
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	if r.IntN(2) == 0 {
		var parts []string
		for range r.IntN(4) {
			parts = append(parts, pick("a", "b", "B", "*", "*", "?"))
		}
		return pat(r.IntN(3) == 0, parts...)
	}
	var b strings.Builder
	b.WriteString(pick("", "", "(?i)", "(?s)", "(?m)"))
	b.WriteString(pick("", `^`, `\A`))
	for range 1 + r.IntN(3) {
		b.WriteString(pick("a", "b", "[ab]", "[^a]", "[Aa]", "(a|b)", ".", "(a|)", `\b`, `(ab|B)`))
		if !strings.HasSuffix(b.String(), `\b`) {
			b.WriteString(pick("", "", "", "*", "+", "?", "{2}"))
		}
	}
	b.WriteString(pick("", `$`, `\z`))
	test, err := ir.ParseRegexp(b.String(), regex.Flags{})
	if err != nil {
		panic(err)
	}
	return test
}

// TestMutationFaults holds what corrupted queries have shown.
func TestMutationFaults(t *testing.T) {
	loose := func(ir.Type) backends.World { return backends.World{Several: true, AnyType: true} }
	number := func(test ir.Test) ir.Expr { return ir.Match{Field: ir.Field{Name: "n", Type: ir.Numeric}, Test: test} }
	flag := func(test ir.Test) ir.Expr { return ir.Match{Field: ir.Field{Name: "b", Type: ir.Boolean}, Test: test} }
	is5, yes := number(ir.Compare{Number: "5"}), flag(ir.Bool{Value: true})
	for _, c := range []struct {
		name      string
		world     worlds
		want, got ir.Expr
		verdict   Verdict
	}{
		{"a class of two cases beside one case", open, re("a", "(?i)x(bc|d?e)"), re("a", "[Xx]([Bb][Cc]|[Dd]?E)"), Refuted},
		{"a number as a text", loose, is5, number(pat(false, "5")), Proved},
		{"a number as an expression", loose, is5, number(re("n", `\A5\z`).(ir.Match).Test), Proved},
		{"a number and another text", loose, is5, number(pat(false, "05")), Refuted},
		{"a number and what begins so", loose, is5, number(pat(false, "5", "*")), Refuted},
		{"a boolean as a text", loose, yes, flag(pat(false, "TRUE")), Proved},
		{"a boolean and what begins so", loose, yes, flag(pat(false, "true", "*")), Refuted},
		{"a text above a number and from it on", open, text("a", ir.Compare{Op: ir.Gt, Number: "5"}), text("a", ir.Compare{Op: ir.Gte, Number: "5"}), Refuted},
		{"a term with punctuation", open, is("a", "*", " -p", "*"), text("a", word(" -p")), Refuted},
		{"a term of a number", open, is5, number(word("5")), Agreed},
	} {
		res := Equal(c.world, c.want, c.got, DefaultBudget)
		if res.Verdict != c.verdict {
			t.Errorf("%s: %v %s %v", c.name, res.Verdict, res.Reason, res.Counterexample)
		}
	}
	// Every event has a text.
	word := pat(false, "*", "x", "*")
	raw := equal(newClaim(open, rawText), not(ir.Keyword{Test: word}), ir.And{text(rawText, ir.Exists{}), not(text(rawText, word))}, nil, undo{}, DefaultBudget)
	if raw.Verdict != Proved {
		t.Errorf("the text of the event: %v %v", raw.Verdict, raw.Counterexample)
	}
	// What a counterexample is shrunk to must differ whatever an opaque part is.
	want := ir.And{is("a"), not(is("b"))}
	got := ir.And{is("a"), not(is("b", "lower")), ir.Opaque{Text: "?"}}
	res := Equal(open, want, got, DefaultBudget)
	ev := newEvent(res.Counterexample)
	for _, opaque := range []bool{false, true} {
		if res.Verdict == Refuted && holds(open, want, ev, opaque) == holds(open, got, ev, opaque) {
			t.Errorf("%v shows nothing", res.Counterexample)
		}
	}
}

// TestOpaques holds verdicts on claims with parts that sigmac cannot represent
// against all that these may be: a counterexample is one whatever they are, each
// by itself, and so is a proof.
func TestOpaques(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 3))
	names := []string{"p", "q", "r"}
	var random func(depth int) ir.Expr
	random = func(depth int) ir.Expr {
		if depth == 0 {
			if r.IntN(2) == 0 {
				return ir.Opaque{Text: names[r.IntN(3)]}
			}
			return is(string("ab"[r.IntN(2)]), string("xy"[r.IntN(2)]))
		}
		x, y := random(depth-1), random(depth-1)
		return []ir.Expr{ir.And{x, y}, ir.Or{x, y}, ir.Not{X: x}}[r.IntN(3)]
	}
	counts := map[Verdict]int{}
	for range 2000 {
		want, got := random(r.IntN(3)), random(1+r.IntN(3))
		res := Equal(open, want, got, DefaultBudget)
		counts[res.Verdict]++
		for bits := range 1 << len(names) {
			taken := func(e ir.Expr) ir.Expr {
				e, _ = ir.Rewrite(e, func(e ir.Expr) (ir.Expr, bool) {
					o, ok := e.(ir.Opaque)
					if ok && bits>>slices.Index(names, o.Text)&1 == 1 {
						return ir.True, true
					} else if ok {
						return ir.False, true
					}
					return e, false
				})
				return e
			}
			switch res.Verdict {
			case Proved:
				if one := Equal(open, taken(want), taken(got), DefaultBudget); one.Verdict != Proved {
					t.Fatalf("%s and %s are proved, and not where %b holds: %v", want, got, bits, one)
				}
			case Refuted:
				ev, err := eval.NewEvent(res.Counterexample)
				if err != nil {
					t.Fatal(err)
				}
				if eval.Expr(nil, taken(want), ev) == eval.Expr(nil, taken(got), ev) {
					t.Fatalf("%s and %s are refuted by %v, and not where %b holds", want, got, res.Counterexample, bits)
				}
			}
		}
	}
	for _, v := range []Verdict{Proved, Agreed, Refuted} {
		if counts[v] < 20 {
			t.Errorf("%d are %s", counts[v], v)
		}
	}
}
