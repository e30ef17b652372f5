// Package irtest has short forms of tests and rules, used by tests only. There are such
// of what an emitter writes too.
package irtest

import (
	"iter"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sigmac/backends"
	"sigmac/eval"
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

// Spanned says what is wrong with the place of a diagnostic of a text, or is empty. The
// part of the text between its beginning and its end stands there, holds no blank at
// its ends, is of one line unless what begins there goes on, and has the word that the
// message quotes where that stands there; what is in quotes is there with both. Without an end it is about the text as a
// whole, or nothing that it could be about begins there.
func Spanned(src string, d *ir.Diagnostic) string {
	lines := strings.SplitAfter(strings.TrimPrefix(src, "\ufeff"), "\n")
	after := func(p ir.Pos) (rest string, ok bool) {
		if p.Line < 1 || p.Line > len(lines) {
			return "", false
		}
		line := []rune(lines[p.Line-1])
		if p.Column < 1 || p.Column > len(line)+1 {
			return "", false
		}
		return string(line[p.Column-1:]) + strings.Join(lines[p.Line:], ""), true
	}
	rest, ok := after(d.Pos)
	if !ok {
		return "begins outside of the text"
	}
	if d.End == (ir.Pos{}) {
		if d.Pos != (ir.Pos{Line: 1, Column: 1}) && !nothing.MatchString(rest) {
			return "has no end"
		}
		return ""
	}
	behind, ok := after(d.End)
	switch {
	case !ok:
		return "ends outside of the text"
	case d.End.Compare(d.Pos) <= 0:
		return "ends before it begins"
	}
	text := rest[:len(rest)-len(behind)]
	if strings.TrimSpace(text) != text {
		return "has blanks at its ends: " + strconv.Quote(text)
	}
	if quote := text[:1]; (quote == "'" || quote == `"`) && len(text) > 1 && !strings.HasPrefix(d.Msg, "not YAML") && strings.Count(strings.ReplaceAll(text, `\"`, ""), quote)%2 != 0 {
		return "ends within quotes: " + text
	}
	if many := strings.ContainsAny(text[:1], "'\"[{|>&!"); !many && strings.Contains(text, "\n") && strings.Contains(firstLine(text), ": ") {
		return "goes over lines: " + strconv.Quote(text)
	}
	for _, word := range regexp.MustCompile("\"[^\"\\\\]+\"|`[^`]+`").FindAllString(d.Msg, -1) {
		word = word[1 : len(word)-1]
		if strings.HasPrefix(rest, word) && !strings.HasPrefix(text, word) {
			return "cuts " + word + ": " + text
		}
	}
	return ""
}

// nothing is what ends a text, or stands where there is none.
var nothing = regexp.MustCompile(`^['"]?(?:[\s|:,#\]}]|$)`)

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

// Broken yields a text with each of its words in turn replaced, left out, quoted, put in
// brackets or made longer; of a long text some.
func Broken(src string) iter.Seq[string] {
	return func(yield func(string) bool) {
		words := regexp.MustCompile(`[^\s:|,\[\]{}'"]+`).FindAllStringIndex(src, -1)
		for i, at := range words {
			before, word, behind := src[:at[0]], src[at[0]:at[1]], src[at[1]:]
			for j, broken := range []string{"nonsense", "", `"` + word + `"`, "[" + word + "]", "{" + word + ": 1}", word + "|nonsense", "(" + word, "ä𝄞 " + word, "*" + word, "~"} {
				if (i+j)%(1+len(words)/50) == 0 && !yield(before+broken+behind) {
					return
				}
			}
		}
	}
}

// OtherEvent says whether r takes an event for another than a language with these Caps
// does, to which a field without a value and a blank one are the same.
func OtherEvent(c backends.Caps, r *ir.Rule, ev eval.Event) (other bool) {
	r.Walk(func(e ir.Expr) {
		m, _ := e.(ir.Match)
		values, present := ev.Field(m.Field.Name)
		blank := present && (len(values) == 0 || slices.Contains(values, any("")))
		p, pattern := m.Test.(ir.Pattern)
		shape, text := p.Shape()
		switch {
		case !c.BlankIsMissing:
		case pattern && shape == ir.Exact && text == "":
			other = other || !present || blank
		case pattern && shape == ir.Any, m.Test == ir.Test(ir.Null{}), m.Test == ir.Test(ir.Exists{}):
			other = other || blank
		}
	})
	return other
}
