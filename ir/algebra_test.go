package ir_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"sigmac/eval"
	"sigmac/internal/irgen"
	"sigmac/ir"
	"sigmac/regex"
)

// parts are simple predicates of a random rule, and events for it.
func parts(t *testing.T, seed uint64) (es []ir.Expr, events []eval.Event) {
	r := rand.New(rand.NewPCG(seed, 2))
	parsed := irgen.Rule(r, irgen.Config{Sugar: true, Keywords: true, FieldRefs: true})
	want, err := ir.Want(parsed)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range ir.Simplify(want).Conditions {
		ir.Visit(c.Expr, func(e ir.Expr, _ bool) bool {
			es = append(es, e)
			return true
		})
	}
	es = append(es, ir.True, ir.False, es[r.IntN(len(es))])
	r.Shuffle(len(es), func(i, j int) { es[i], es[j] = es[j], es[i] })
	for range 8 {
		events = append(events, irgen.Event(r, parsed))
	}
	return es[:min(len(es), 8)], events
}

// FuzzAlgebra holds that what is built of simple predicates is simple, says what it
// says, and leaves its parts as they are; and that what is Equal answers alike.
func FuzzAlgebra(f *testing.F) {
	for seed := range uint64(300) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		es, events := parts(t, seed)
		before := ir.And(es).String()
		all, some := ir.Conjunction(es...), ir.Disjunction(es...)
		not := ir.Negation(all)
		mixed := ir.Disjunction(not, ir.Conjunction(some, all))
		for _, e := range []ir.Expr{all, some, not, mixed} {
			if err := ir.Check(rule(e), ir.Simple); err != nil {
				t.Fatalf("%v: %s", err, e)
			}
			if s := ir.Simplify(rule(e)).Conditions[0].Expr; !ir.Equal(s, e) {
				t.Fatalf("is not simple: %s is %s", e, s)
			}
			if same, changed := ir.Rewrite(e, func(e ir.Expr) (ir.Expr, bool) { return e, false }); changed || !ir.Equal(same, e) {
				t.Fatalf("nothing is rewritten, and %s is %s", e, same)
			}
		}
		for _, ev := range events {
			every, any := true, false
			for _, e := range es {
				is := eval.Expr(nil, e, ev)
				every, any = every && is, any || is
			}
			for _, c := range []struct {
				e    ir.Expr
				want bool
			}{{all, every}, {some, any}, {not, !every}, {mixed, !every || any && every}} {
				if eval.Expr(nil, c.e, ev) != c.want {
					t.Fatalf("%s is not %v of %s", c.e, c.want, ev.Raw())
				}
			}
			for _, a := range es {
				for _, b := range es {
					if ir.Equal(a, b) && eval.Expr(nil, a, ev) != eval.Expr(nil, b, ev) {
						t.Fatalf("%s and %s are called equal and differ on %s", a, b, ev.Raw())
					}
					if a.String() == b.String() && !ir.Equal(a, b) {
						t.Fatalf("%s is not equal to itself", a)
					}
				}
			}
		}
		for _, a := range es {
			for _, b := range es {
				if both := ir.Conjunction(a, b); ir.Equal(a, b) && !ir.Equal(both, a) {
					t.Fatalf("%s, twice, is %s", a, both)
				}
			}
		}
		own := slices.Clone(es)
		all = ir.Conjunction(own...)
		said := all.String()
		if own[0], own[len(own)-1] = ir.False, ir.False; all.String() != said {
			t.Fatalf("%s changes with the slice that it was made of", said)
		}
		if ir.And(es).String() != before {
			t.Fatalf("the parts were %s and are %s", before, ir.And(es))
		}
	})
}

// TestRewriteDrops holds that a group goes with its last part, and what stays is shared.
func TestRewriteDrops(t *testing.T) {
	a, b, c := match("a", pat("x")), match("b", pat("y")), match("c", pat("z"))
	in := ir.Or{ir.And{a, ir.Not{X: b}}, ir.Item{X: b}, c}
	for _, x := range []struct {
		drop string
		want string
	}{
		{"a", ir.Or{ir.And{ir.Not{X: b}}, ir.Item{X: b}, c}.String()},
		{"b", ir.Or{ir.And{a}, c}.String()},
		{"c", ir.Or{ir.And{a, ir.Not{X: b}}, ir.Item{X: b}}.String()},
		{"d", in.String()},
	} {
		out, changed := ir.Rewrite(in, func(e ir.Expr) (ir.Expr, bool) {
			m, ok := e.(ir.Match)
			if ok && m.Field.Name == x.drop {
				return nil, true
			}
			return e, false
		})
		if out.String() != x.want || changed != (x.drop != "d") {
			t.Errorf("without %s: %s, want %s", x.drop, out, x.want)
		}
	}
	if out, changed := ir.Rewrite(in, func(e ir.Expr) (ir.Expr, bool) { _, leaf := e.(ir.Match); return nil, leaf }); out != nil || !changed {
		t.Errorf("nothing is left, and is %s", out)
	}
}

func TestEqual(t *testing.T) {
	lit := func(cased bool, s string) ir.Expr {
		return match("f", ir.NewPattern(cased, ir.Part{Text: s}))
	}
	re := func(s string) ir.Expr {
		t.Helper()
		x, err := ir.ParseRegexp(s, ir.Regexp{}.Flags)
		if err != nil {
			t.Fatal(err)
		}
		return match("f", x)
	}
	opaque := ir.Opaque{Lang: "l", Text: "x"}
	for _, c := range []struct {
		a, b ir.Expr
		same bool
	}{
		{lit(false, "É"), lit(false, "é"), true},
		{lit(true, "É"), lit(true, "é"), false},
		{lit(true, "a"), lit(false, "a"), false},
		{re("a[b]"), re("ab"), true},
		{re("(?i)a"), re("a"), false},
		{re("a*?"), re("a*"), false},
		{match("f", ir.Regexp{Source: "%x%", Placeholders: []string{"x"}}), match("f", ir.Regexp{Source: "%y%", Placeholders: []string{"y"}}), false},
		{match("f", ir.Null{}), match("f", ir.Exists{}), false},
		{match("f", ir.Null{}), match("g", ir.Null{}), false},
		{ir.And{opaque}, ir.And{opaque}, true},
		{ir.And{opaque}, ir.Or{opaque}, false},
		{ir.And{}, ir.Or{}, false},
		{ir.And{opaque}, ir.And{opaque, opaque}, false},
		{ir.Not{X: opaque}, opaque, false},
		{ir.Ref{Name: "a"}, ir.Ref{Name: "b"}, false},
	} {
		if ir.Equal(c.a, c.b) != c.same || ir.Equal(c.b, c.a) != c.same {
			t.Errorf("%s and %s: want %v", c.a, c.b, c.same)
		}
	}
}

// TestTwice holds that texts which differ in case alone stand once, wherever their letters are, and
// others twice.
func TestTwice(t *testing.T) {
	texts := []string{"", "s", "S", "ſ", "k", "\u212A", "é", "É", "ß", "1234567s", "1234567S", "1234567ſ", "12345678s", "12345678ſ", "12345678é", "12345678É",
		"@", "`", "1234567@", "1234567`", "a\xff", "A\xff", "a\xfe", `C:\Windows\System32\cmd.exe`, `c:\windows\SYSTEM32\CMD.EXE`, `c:\windows\SYSTEM32\CMD.EXX`}
	for _, a := range texts {
		for _, b := range texts {
			x, y := match("f", pat(a)), match("f", pat(b))
			_, two := ir.Conjunction(x, y).(ir.And)
			if two == (regex.Fold(a) == regex.Fold(b)) {
				t.Errorf("%q and %q are %s", a, b, ir.Conjunction(x, y))
			}
		}
	}
}
