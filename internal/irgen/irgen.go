// Package irgen makes random rules and events for tests.
package irgen

import (
	"fmt"
	"math/rand/v2"
	"net/netip"

	"sigmac/eval"
	"sigmac/ir"
	"sigmac/regex"
)

// A Config says what a rule may hold.
type Config struct {
	Sugar     bool // Windash, Base64Offset, Encode
	Keywords  bool
	FieldRefs bool
}

var (
	fields  = []string{"a", "b", "c.d", "e f"}
	pieces  = []string{"a", "B", "ab", "-", "/", " -x", "*", "?", `\`, `"`, "'", "`", "|", "é", "É", "–y", ".", "$", "1", "\n", "(", "%"}
	sources = []string{`a`, `^a`, `b$`, `(?i)ab`, `a.b`, `[a-c]+\d`, `\bab\b`, `^(a|-x)*$`, `a{2,3}`, `[^a"]`, `x?.*`, `\\|/`, `(?s)a.+b`, `(?m)^b$`,
		`b\z`, `(a$|x)b*`, `b$\n`, `(?m)^b*$`}
	nets    = []string{"10.0.0.0/8", "192.168.1.0/24", "10.1.2.3/32", "fe80::/10", "::1/128"}
	addrs   = []string{"10.1.2.3", "192.168.1.77", "192.168.2.1", "fe80::1", "::1", "11.0.0.1", "a"}
	numbers = []ir.Number{"0", "1", "5", "-3", "2.5", "4688"}
)

// Rule is a random rule that passes ir.Check as parsed.
func Rule(r *rand.Rand, c Config) *ir.Rule {
	g := &generator{r, c}
	rule := &ir.Rule{Meta: ir.Meta{Title: "random"}}
	n := 1 + r.IntN(3)
	for i := range n {
		rule.Detections = append(rule.Detections, ir.Detection{Name: fmt.Sprintf("d%d", i), Expr: g.body()})
	}
	for range 1 + r.IntN(2) {
		rule.Conditions = append(rule.Conditions, ir.Condition{Text: "random", Expr: g.condition(n, 3)})
	}
	return rule
}

type generator struct {
	*rand.Rand
	Config
}

func pick[T any](g *rand.Rand, xs []T) T { return xs[g.IntN(len(xs))] }

func (g *generator) body() ir.Expr {
	var out ir.And
	for range 1 + g.IntN(3) {
		out = append(out, g.item())
	}
	if len(out) == 1 {
		return out[0]
	}
	return out
}

func (g *generator) item() ir.Expr {
	field := ir.Field{Name: pick(g.Rand, fields)}
	test := g.test
	if g.Keywords && g.IntN(8) == 0 {
		field.Name = ""
	}
	// Most fields have tests of one kind, so that they get a type.
	switch g.IntN(6) {
	case 0:
		test = func() ir.Test { return ir.Compare{Op: ir.Op(g.IntN(5)), Number: pick(g.Rand, numbers)} }
	case 1:
		test = func() ir.Test { return ir.CIDR{Net: netip.MustParsePrefix(pick(g.Rand, nets))} }
	}
	var out ir.Or
	for range 1 + g.IntN(3) {
		if field.Name == "" {
			out = append(out, ir.Keyword{Test: g.keyword()})
		} else {
			out = append(out, ir.Match{Field: field, Test: test()})
		}
	}
	it := ir.Item{Field: field, X: out}
	switch {
	case len(out) == 1:
		it.X = out[0]
	case g.IntN(3) == 0:
		it.X = ir.And(out)
	}
	if g.IntN(6) == 0 {
		it.X = ir.Not{X: it.X}
	}
	return it
}

func (g *generator) condition(n, depth int) ir.Expr {
	if depth == 0 || g.IntN(3) == 0 {
		name := fmt.Sprintf("d%d", g.IntN(n))
		if g.IntN(4) == 0 {
			of := ir.Of{All: g.IntN(2) == 0, Pattern: "d*"}
			for i := range n {
				of.Names = append(of.Names, fmt.Sprintf("d%d", i))
			}
			return of
		}
		return ir.Ref{Name: name}
	}
	switch g.IntN(3) {
	case 0:
		return ir.Not{X: g.condition(n, depth-1)}
	case 1:
		return ir.And{g.condition(n, depth-1), g.condition(n, depth-1)}
	}
	return ir.Or{g.condition(n, depth-1), g.condition(n, depth-1)}
}

func (g *generator) keyword() ir.Test {
	star := ir.Part{Kind: ir.AnyRun}
	p := g.pattern()
	return ir.NewPattern(p.Cased, append(append([]ir.Part{star}, p.Parts...), star, ir.Part{Text: "k"}, star)...)
}

func (g *generator) test() ir.Test {
	switch g.IntN(12) {
	case 0:
		t, err := ir.ParseRegexp(pick(g.Rand, sources), regex.Flags{IgnoreCase: g.IntN(4) == 0})
		if err != nil {
			panic(err)
		}
		return t
	case 1:
		return ir.Null{}
	case 2:
		return ir.Exists{}
	case 3:
		return ir.Bool{Value: g.IntN(2) == 0}
	case 4:
		return ir.Compare{Op: ir.Op(g.IntN(5)), Number: pick(g.Rand, numbers)}
	case 5:
		return ir.CIDR{Net: netip.MustParsePrefix(pick(g.Rand, nets))}
	case 6:
		if g.FieldRefs {
			return ir.FieldRef{Other: ir.Field{Name: pick(g.Rand, fields)}, Shape: ir.Shape(g.IntN(4)), Cased: g.IntN(2) == 0}
		}
	case 7, 8:
		if g.Sugar {
			return g.sugar()
		}
	}
	return g.pattern()
}

func (g *generator) pattern() ir.Pattern {
	var parts []ir.Part
	for range g.IntN(5) {
		switch g.IntN(5) {
		case 0:
			parts = append(parts, ir.Part{Kind: ir.AnyRun})
		case 1:
			parts = append(parts, ir.Part{Kind: ir.AnyOne})
		default:
			parts = append(parts, ir.Part{Text: pick(g.Rand, pieces)})
		}
	}
	return ir.NewPattern(g.IntN(4) == 0, parts...)
}

func (g *generator) sugar() ir.Test {
	star := ir.Part{Kind: ir.AnyRun}
	p := ir.NewPattern(g.IntN(4) == 0, star, ir.Part{Text: pick(g.Rand, []string{"-x", "/b c -d", "ab", "é-y", "–q /z"})}, star)
	var t ir.Test = p
	if g.IntN(2) == 0 {
		t = ir.Windash{X: p}
	}
	switch g.IntN(3) {
	case 0:
		t = ir.Base64Offset{X: t}
	case 1:
		if _, plain := t.(ir.Pattern); !plain {
			t = ir.Encode{As: ir.Base64, X: t}
		}
	}
	return t
}

// Event is a random event that has something to do with a rule.
func Event(r *rand.Rand, rule *ir.Rule) eval.Event {
	ev, err := eval.NewEvent(Fields(r, rule))
	if err != nil {
		panic(err)
	}
	return ev
}

// Fields are those of a random event; some are null or have several values.
func Fields(r *rand.Rand, rule *ir.Rule) map[string]any {
	var near []any
	rule.Walk(func(e ir.Expr) {
		switch e := e.(type) {
		case ir.Match:
			near = append(near, values(r, e.Test)...)
		case ir.Keyword:
			near = append(near, values(r, e.Test)...)
		}
	})
	near = append(near, "", pick(r, pieces), pick(r, addrs), true, false, string(pick(r, numbers)), pick(r, numbers))
	m := map[string]any{"_raw": fmt.Sprint(pick(r, near))}
	for _, f := range fields {
		switch r.IntN(5) {
		case 0:
		case 1:
			m[f] = nil
		case 2:
			m[f] = []any{pick(r, near), pick(r, near)}
		default:
			m[f] = pick(r, near)
		}
	}
	return m
}

// values are some that pass a test, or nearly.
func values(r *rand.Rand, t ir.Test) []any {
	switch t := t.(type) {
	case ir.Pattern:
		s := ""
		for _, p := range t.Parts {
			switch p.Kind {
			case ir.Literal:
				s += p.Text
			case ir.AnyRun:
				s += pick(r, []string{"", "z", "a-"})
			case ir.AnyOne:
				s += pick(r, []string{"z", "", "é"})
			}
		}
		return []any{s, s + "x", regex.Fold(s)}
	case ir.Windash:
		return values(r, t.X)
	case ir.Encode:
		out := []any{}
		for _, v := range values(r, t.X) {
			out = append(out, t.As.Bytes(fmt.Sprint(v)))
		}
		return out
	case ir.Base64Offset:
		out := []any{}
		for _, v := range values(r, t.X) {
			for _, s := range ir.Base64Offsets(fmt.Sprint(v)) {
				out = append(out, s)
			}
		}
		return out
	case ir.Compare:
		return []any{t.Number, string(t.Number), pick(r, numbers)}
	case ir.CIDR:
		return []any{t.Net.Addr().String(), pick(r, addrs)}
	case ir.Regexp:
		return []any{"a", "ab", "aab1", "a\nb", "-xa", "x", "AB", "ab\n", "a\nb\n"}
	}
	return []any{"a"}
}
