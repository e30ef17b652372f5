package parser

import (
	"math/big"
	"strings"

	"gopkg.in/yaml.v3"

	"sigmac/internal/lazy"
	"sigmac/ir"
)

// The table by which a plain scalar gets its type is that of YAML 1.1 as
// PyYAML reads it, for the rules are written against tools in Python. A date
// stays a text: what it says is what stands there.
var (
	yamlInt   = lazy.Regexp(`^[-+]?(?:0b[01_]+|0[0-7_]+|0|[1-9][0-9_]*|0x[0-9a-fA-F_]+|[1-9][0-9_]*(?::[0-5]?[0-9])+)$`)
	yamlFloat = lazy.Regexp(`^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*)$`)
	yamlInf   = lazy.Regexp(`^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$`)
)

var kindOfTag = map[string]ir.ScalarKind{"!!int": ir.ScalarNumber, "!!float": ir.ScalarNumber, "!!bool": ir.ScalarBool, "!!null": ir.ScalarNull}

// A scalar is a YAML scalar with its type resolved.
type scalar struct {
	ir.Scalar
	node   *yaml.Node
	number ir.Number // of a ScalarNumber
	truth  bool      // of a ScalarBool
}

// scalarOf resolves a scalar node; why says what is wrong with it.
func scalarOf(n *yaml.Node) (s scalar, why string) {
	s = scalar{Scalar: ir.Scalar{Text: n.Value, Pos: posOf(n)}, node: n}
	tag := ""
	if n.Style&yaml.TaggedStyle != 0 {
		tag = n.ShortTag()
	}
	switch tag {
	case "":
		if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
			return s, ""
		}
	case "!!str", "!":
		return s, ""
	case "!!int", "!!float", "!!bool", "!!null":
	default:
		return s, "the YAML tag " + tag + " has no meaning in a rule"
	}
	v := n.Value
	switch v {
	case "", "~", "null", "Null", "NULL":
		s.Kind = ir.ScalarNull
	case "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON":
		s.Kind, s.truth = ir.ScalarBool, true
	case "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF":
		s.Kind = ir.ScalarBool
	}
	switch {
	case v == "" || strings.IndexByte("+-.0123456789", v[0]) < 0:
	case v[0] != '0' && len(v) < 10 && strings.Trim(v, "0123456789") == "":
		s.Kind = ir.ScalarNumber
		s.number, _ = ir.ParseNumber(v)
	case yamlInt().MatchString(v):
		s.Kind = ir.ScalarNumber
		s.number, why = yamlInteger(strings.ReplaceAll(v, "_", ""))
	case yamlFloat().MatchString(v):
		s.Kind = ir.ScalarNumber
		if strings.Contains(v, ":") {
			return s, "a number in base 60 with a fraction; quote it if it is a text"
		}
		var ok bool
		if s.number, ok = ir.ParseNumber(strings.ReplaceAll(v, "_", "")); !ok {
			why = "a number of more than 400 digits"
		}
	case yamlInf().MatchString(v):
		return s, "not a finite number; quote it if it is a text"
	}
	if tag != "" && why == "" && s.Kind != kindOfTag[tag] {
		why = "not a value of the YAML tag " + tag
	}
	return s, why
}

// yamlInteger reads an integer of YAML 1.1: binary, octal with a leading zero,
// hexadecimal, base 60 with colons, or decimal.
func yamlInteger(v string) (ir.Number, string) {
	const maxText = 400
	if len(v) > maxText {
		return "", "a number of more than 400 digits"
	}
	sign := ""
	if v[0] == '-' || v[0] == '+' {
		sign, v = strings.Trim(v[:1], "+"), v[1:]
	}
	n, ok := new(big.Int), true
	switch {
	case strings.HasPrefix(v, "0b"):
		n, ok = n.SetString(v[2:], 2)
	case strings.HasPrefix(v, "0x"):
		n, ok = n.SetString(v[2:], 16)
	case strings.Contains(v, ":"):
		for _, digit := range strings.Split(v, ":") {
			d, _ := new(big.Int).SetString(digit, 10)
			n.Add(n.Mul(n, big.NewInt(60)), d)
		}
	case len(v) > 1 && v[0] == '0':
		n, ok = n.SetString(v, 8)
	default:
		n, ok = n.SetString(v, 10)
	}
	if !ok {
		return "", "not a number; quote it if it is a text"
	}
	num, ok := ir.ParseNumber(sign + n.String())
	if !ok {
		return "", "a number of more than 400 digits"
	}
	return num, ""
}

// pattern reads Sigma's escapes (specification, "Escape Character"): a
// backslash takes the meaning from `*`, `?` and a backslash, and from `%` under
// expand; before anything else it is a backslash.
func pattern(s string, expand bool) ir.Pattern {
	if strings.IndexByte(s, '*') < 0 && strings.IndexByte(s, '?') < 0 && !strings.Contains(s, `\\`) && !expand {
		return ir.Lit(s)
	}
	var parts []ir.Part
	var lit strings.Builder
	flush := func(p ir.Part) {
		parts = append(parts, ir.Part{Text: lit.String()}, p)
		lit.Reset()
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s) && (strings.IndexByte(`*?\`, s[i+1]) >= 0 || expand && s[i+1] == '%'):
			i++
			lit.WriteByte(s[i])
		case c == '*':
			flush(ir.Part{Kind: ir.AnyRun})
		case c == '?':
			flush(ir.Part{Kind: ir.AnyOne})
		case c == '%' && expand && placeholder().MatchString(s[i:]):
			name := placeholder().FindString(s[i:])
			flush(ir.Part{Kind: ir.Placeholder, Text: name[1 : len(name)-1]})
			i += len(name) - 1
		default:
			lit.WriteByte(c)
		}
	}
	return ir.NewPattern(false, append(parts, ir.Part{Text: lit.String()})...)
}

var placeholder = lazy.Regexp(`^%[^%\s\\*?]+%`)
