package samples

import (
	"encoding/json"
	"maps"
	"regexp/syntax"
	"slices"
	"strings"

	"sigmac/ir"
	"sigmac/verify"
)

// A column that a query computes has no value in an event. A sample that has one is of a
// definition of which nobody knows the preimages; values of the columns that it is computed of
// are tried then, until the query selects the event.

// A wrapping makes a value of a column of that which a computed one is to have.
type wrapping struct {
	column string
	text   func(v string) string
	beside beside
}

// A beside says where a value stands beside what its column has already.
type beside uint8

const (
	alone beside = iota
	behind
	before
)

// wraps says which columns are set for a computed one, by its name.
type wraps map[string]wrapping

// maxTries bounds the events that are tried for one sample.
const maxTries = 2000

// invert is a sample without computed columns, in which other columns are such that good is
// true, with the way in which that was had.
func (m *maker) invert(s verify.Sample, good func(verify.Sample) bool) (verify.Sample, wraps, bool) {
	left := maxTries
	var try func(s verify.Sample, names []string, done wraps) (verify.Sample, wraps, bool)
	try = func(s verify.Sample, names []string, done wraps) (verify.Sample, wraps, bool) {
		if len(names) == 0 {
			left--
			return s, done, left >= 0 && good(s)
		}
		v, has := s.Fields[names[0]].(string)
		bare := s
		bare.Fields = maps.Clone(s.Fields)
		delete(bare.Fields, names[0])
		if out, how, ok := try(bare, names[1:], done); ok || left < 0 {
			return out, how, ok
		}
		if !has {
			v = "203.0.113.7" // an address or a text, as any other
		}
		for _, w := range m.ways(names[0]) {
			next := maps.Clone(done)
			next[names[0]] = w
			if out, how, ok := try(w.apply(bare, v), names[1:], next); ok || left < 0 {
				return out, how, ok
			}
		}
		return s, nil, false
	}
	return try(s, m.computed, wraps{})
}

// as is a sample without computed columns in the way in which another was had.
func (m *maker) as(s verify.Sample, how wraps) verify.Sample {
	for _, name := range m.computed {
		v, has := s.Fields[name].(string)
		s.Fields = maps.Clone(s.Fields)
		delete(s.Fields, name)
		if !has {
			v = "203.0.113.7"
		}
		if w, ok := how[name]; ok {
			s = w.apply(s, v)
		}
	}
	return s
}

func (w wrapping) apply(s verify.Sample, v string) verify.Sample {
	s.Fields = maps.Clone(s.Fields)
	text := w.text(v)
	if had, ok := s.Fields[w.column].(string); ok {
		text = [...]string{alone: text, behind: had + text, before: text + had}[w.beside]
	}
	s.Fields[w.column] = text
	return s
}

// ways are the ways in which a computed column may have a value: as one of the columns that it
// is computed of, or as what an expression of its definition takes out of one.
func (m *maker) ways(name string) (out []wrapping) {
	texts := []func(string) string{func(v string) string { return v }}
	for _, c := range m.Want.Computed {
		if c.Name != name {
			continue
		}
		for _, quoted := range quotedTexts(c.Text) {
			if re, err := syntax.Parse(quoted, syntax.Perl); err == nil && re.MaxCap() > 0 {
				texts = append(texts,
					func(v string) string { return filled(re, v) },
					func(v string) string { return filled(re, inJSON(v)) },
					func(string) string { return filled(re, "") })
			}
		}
	}
	for _, column := range m.sources {
		for _, text := range texts {
			out = append(out, wrapping{column, text, alone}, wrapping{column, text, behind}, wrapping{column, text, before})
		}
	}
	return out
}

// quotedTexts are what stands between two quotes of one kind.
func quotedTexts(text string) (out []string) {
	for {
		at := strings.IndexAny(text, `"'`)
		if at < 0 {
			return out
		}
		inner, rest, ok := strings.Cut(text[at+1:], text[at:at+1])
		if !ok {
			return out
		}
		out, text = append(out, inner), rest
	}
}

// inJSON is v as it stands in JSON, without its quotes.
func inJSON(v string) string {
	text, _ := json.Marshal(v)
	return string(text[1 : len(text)-1])
}

// filled is a short text that an expression matches, with v in its first group where it is
// not empty.
func filled(re *syntax.Regexp, v string) string {
	switch re.Op {
	case syntax.OpLiteral:
		return string(re.Rune)
	case syntax.OpCharClass:
		for i := 0; i < len(re.Rune); i += 2 { // a letter if there is one
			if re.Rune[i] <= 'x' && 'x' <= re.Rune[i+1] {
				return "x"
			}
		}
		if len(re.Rune) > 0 {
			return string(re.Rune[0])
		}
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return "x"
	case syntax.OpCapture:
		if re.Cap == 1 && v != "" {
			return v
		}
		return filled(re.Sub[0], v)
	case syntax.OpPlus:
		return filled(re.Sub[0], v)
	case syntax.OpRepeat:
		return strings.Repeat(filled(re.Sub[0], v), re.Min)
	case syntax.OpAlternate:
		return filled(re.Sub[0], v)
	case syntax.OpConcat:
		var b strings.Builder
		for _, s := range re.Sub {
			b.WriteString(filled(s, v))
		}
		return b.String()
	}
	return ""
}

// sourcesOf are the columns that a part of a query computes something of.
func sourcesOf(e ir.Expr) (out []string) {
	ir.Walk(e, func(e ir.Expr) {
		if o, ok := e.(ir.Opaque); ok && o.Of != nil {
			for _, f := range o.Of.Fields {
				if !slices.Contains(out, f.Name) {
					out = append(out, f.Name)
				}
			}
		}
	})
	return out
}
