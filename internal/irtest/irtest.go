// Package irtest has short forms of tests and rules, used by tests only. There are such
// of what an emitter writes too.
package irtest

import (
	"net/netip"
	"strings"
	"testing"

	"sigmac/backends"
	"sigmac/ir"
	"sigmac/regex"
)

// Pattern reads `*` and `?` as wildcards, and what follows a backslash as it
// stands.
func Pattern(s string, cased bool) ir.Pattern {
	var parts []ir.Part
	rs := []rune(s)
	for i := 0; i < len(rs); i++ {
		switch {
		case rs[i] == '*':
			parts = append(parts, ir.Part{Kind: ir.AnyRun})
		case rs[i] == '?':
			parts = append(parts, ir.Part{Kind: ir.AnyOne})
		default:
			if rs[i] == '\\' {
				i++
			}
			parts = append(parts, ir.Part{Text: string(rs[i])})
		}
	}
	return ir.NewPattern(cased, parts...)
}

// Match is a test of the field f, of the type that the test suggests.
func Match(f string, t ir.Test) ir.Match {
	typ := ir.Text
	switch t.(type) {
	case ir.Compare:
		typ = ir.Numeric
	case ir.Bool:
		typ = ir.Boolean
	case ir.CIDR:
		typ = ir.Address
	}
	return ir.Match{Field: ir.Field{Name: f, Type: typ}, Test: t}
}

// Of is m on a field of another type.
func Of(typ ir.Type, m ir.Match) ir.Match {
	m.Field.Type = typ
	return m
}

// Is is true of texts that Pattern(s, false) takes.
func Is(f, s string) ir.Match { return Match(f, Pattern(s, false)) }

// Cased is Is with regard to case.
func Cased(f, s string) ir.Match { return Match(f, Pattern(s, true)) }

// Num compares a number.
func Num(f string, op ir.Op, n ir.Number) ir.Match {
	return Match(f, ir.Compare{Op: op, Number: n})
}

// Regexp is an expression as rules have them.
func Regexp(t testing.TB, src string) ir.Regexp {
	r, err := ir.ParseRegexp(src, regex.Flags{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Net is a test of a network.
func Net(f, s string) ir.Match { return Match(f, ir.CIDR{Net: netip.MustParsePrefix(s)}) }

// Ref compares f with the text of the field g.
func Ref(f, g string, s ir.Shape, cased bool) ir.Match {
	return Match(f, ir.FieldRef{Other: ir.Field{Name: g, Type: ir.Text}, Shape: s, Cased: cased})
}

// Part compares a part of a time.
func Part(f, part string, op ir.Op, n ir.Number) ir.Match {
	return Match(f, ir.TimePart{Part: part, Op: op, Number: n})
}

// Word is a search of whole events.
func Word(t ir.Test) ir.Expr { return ir.Keyword{Test: t} }

// Not is the negation of e.
func Not(e ir.Expr) ir.Expr { return ir.Not{X: e} }

// Rule is a rule of these conditions.
func Rule(es ...ir.Expr) *ir.Rule {
	r := &ir.Rule{}
	for _, e := range es {
		r.Conditions = append(r.Conditions, ir.Condition{Expr: e})
	}
	return r
}

// An Emit writes the queries of a legal rule: that of a backends.Format.
type Emit func(r *ir.Rule) ([]backends.Doc, error)

// Flat are the queries of r, a line each.
func (emit Emit) Flat(r *ir.Rule) ([]string, error) {
	docs, err := emit(r)
	return texts(docs, backends.Doc.Flat), err
}

// Pretty are the queries of r, laid out over lines.
func (emit Emit) Pretty(r *ir.Rule) ([]string, error) {
	docs, err := emit(r)
	return texts(docs, backends.Doc.Pretty), err
}

func texts(docs []backends.Doc, layout func(backends.Doc) string) (out []string) {
	for _, d := range docs {
		out = append(out, layout(d))
	}
	return out
}

// Case holds that e is written as want, and laid out as the same text but for white
// space.
func (emit Emit) Case(t *testing.T, e ir.Expr, want string) {
	t.Helper()
	r := Rule(e)
	got, err := emit.Flat(r)
	if err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("%s: %v\n got %s\nwant %s", e, err, got, want)
		return
	}
	if pretty, err := emit.Pretty(r); err != nil || squeezed(pretty[0]) != squeezed(want) {
		t.Errorf("%s: pretty: %s", e, pretty)
	}
}

// squeezed is s without white space.
func squeezed(s string) string { return strings.Join(strings.Fields(s), "") }

// Panics holds that e, which is not legal, is not written.
func (emit Emit) Panics(t *testing.T, e ir.Expr) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("%v: no panic", e)
		}
	}()
	emit(Rule(e))
}
