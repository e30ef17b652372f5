package read

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"sigmac/ir"
)

// typedSchema gives a field the type that its name says.
type typedSchema struct{}

func (typedSchema) Type(_, field string) (ir.Type, bool) {
	for t := range ir.Other + 1 {
		if strings.HasPrefix(field, t.String()) {
			return t, true
		}
	}
	return ir.Unknown, false
}

// A sort of expression, and a letter for what a server takes it for: t a text, n a
// whole number, d another number, b a boolean, a an address, m a date; `?` what is
// not known, `0` null, `-` what EQL has no test for. Upper case is a constant.
var sorts = []struct {
	text string
	is   byte
}{
	{"unknown", '?'}, {"text", 't'}, {"number", 'n'}, {"boolean", 'b'}, {"address", 'a'}, {"date", 'm'},
	{"dynamic", 't'}, {"json", 't'}, {"other", '-'}, {"?unmapped", '0'},
	{`"12"`, 'T'}, {"1", 'N'}, {"1.5", 'D'}, {"true", 'B'}, {"null", '0'},
	{"length(text)", 'n'}, {"string(number)", 't'}, {"(number + 1)", 'd'}, {"(text == \"x\")", 'b'},
}

// signatures is what the function reference says of each argument: eql-function-ref.md.
var signatures = map[string][]string{ // fewest arguments first
	"add":            {"nd nd"},
	"between":        {"t t t", "t t t b"},
	"cidrmatch":      {"a T", "a T T"},
	"concat":         {"tndbam", "tndbam tndbam", "tndbam tndbam tndbam"},
	"divide":         {"nd nd"},
	"endswith":       {"t t"},
	"indexof":        {"t t", "t t n"},
	"length":         {"t"},
	"match":          nil,
	"modulo":         {"nd nd"},
	"multiply":       {"nd nd"},
	"number":         {"t", "t n"},
	"startswith":     {"t t"},
	"string":         {"tndbam"},
	"stringcontains": {"t t"},
	"substring":      {"t n", "t n n"},
	"subtract":       {"nd nd"},
	"wildcard":       nil,
}

func accepts(want string, is byte) bool {
	switch {
	case is == '-':
		return false
	case is == '?', is == '0':
		return true
	}
	lower := is | 0x20
	// A field of numbers may be of an integer type.
	return strings.IndexByte(want, lower) >= 0 || is == 'd' && strings.Contains(want, "n")
}

// readable says whether a condition can be read, with any type for its fields.
// Nothing may panic.
func readable(t *testing.T, condition string) error {
	t.Helper()
	q, err := Read("any where "+condition, typedSchema{})
	var e *ir.Diagnostic
	switch {
	case err != nil && (!errors.As(err, &e) || e.Pos.Line != 1):
		t.Fatalf("%s: %v", condition, err)
	case err == nil:
		_ = q.Where.String()
	}
	return err
}

// TestFunctionTypes holds each function, with every number of arguments and every
// type of each, against the reference.
func TestFunctionTypes(t *testing.T) {
	good := map[byte]string{'t': "text", 'T': `"10.0.0.0/8"`, 'n': "16", 'a': "address", 'b': "true"}
	for name := range functions {
		if signatures[name] == nil {
			t.Errorf("no signature of %s", name)
		}
	}
	for name, forms := range signatures {
		condition := func(args []string) string {
			call := name + "(" + strings.Join(args, ", ") + ")"
			if functions[name].result == boolType {
				return call
			}
			return call + " == null"
		}
		for arity := range 7 {
			var form []string
			for _, f := range forms {
				if parts := strings.Fields(f); len(parts) == arity {
					form = parts
				}
			}
			many := (name == "cidrmatch" || name == "concat") && arity > 3
			for range arity {
				if many {
					form = append(form, strings.Fields(forms[0])[min(len(form), len(strings.Fields(forms[0]))-1)])
				}
			}
			args := make([]string, arity)
			for i := range args {
				if args[i] = "text"; form != nil {
					args[i] = good[form[i][0]]
				}
			}
			if err := readable(t, condition(args)); (err == nil) != (form != nil && (arity > 0 || len(forms) == 0)) {
				t.Errorf("%s: %v", condition(args), err)
			}
			for i := range form {
				for _, s := range sorts {
					with := append([]string{}, args...)
					with[i] = s.text
					want := accepts(form[i], s.is)
					if name == "cidrmatch" && i > 0 && s.text != "null" {
						want = false // "12" is no network, and a field no constant
					}
					if err := readable(t, condition(with)); (err == nil) != want {
						t.Errorf("%s: %v", condition(with), err)
					}
				}
			}
		}
	}
}

// TestOperatorTypes holds each operator, for every type on both sides, against the
// syntax reference (eql-syntax.md) and what its queries do with a value of another
// type. Nothing may panic, whether it is read or not.
func TestOperatorTypes(t *testing.T) {
	lists := []struct{ text, is string }{
		{`"x"`, "T"}, {`"10.0.0.1"`, "T"}, {`"2020-01-01"`, "T"}, {`"true"`, "T"}, {`"5"`, "T"}, {"1", "N"}, {"1.5", "D"}, {"true", "B"}, {`("a", "b*")`, "T"}, {`(1, 2)`, "N"}, {`(null)`, "0"},
	}
	for _, s := range sorts {
		if s.is == 'T' || s.is == 'N' || s.is == 'D' || s.is == 'B' {
			continue
		}
		for _, c := range lists {
			for _, op := range []string{":", "like", "like~", "regex", "regex~", "in", "in~"} {
				arg := c.text
				if strings.HasPrefix(op, "in") && arg[0] != '(' {
					arg = "(" + arg + ")"
				}
				want := c.is != "0" && s.is != '-'
				if op == "in" {
					want = want && (accepts(strings.ToLower(c.is), s.is) || s.is == 'n' && c.is == "D")
				} else {
					want = want && c.is == "T" && accepts("t", s.is)
				}
				condition := s.text + " " + op + " " + arg
				if err := readable(t, condition); (err == nil) != want {
					t.Errorf("%s: %v", condition, err)
				}
			}
		}
		for _, c := range sorts {
			for _, op := range []string{"==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%"} {
				condition := fmt.Sprintf("%s %s %s", s.text, op, c.text)
				arithmetic := strings.Contains("+-*/%", op)
				if arithmetic {
					condition += " == 1"
				}
				err := readable(t, condition)
				if arithmetic && (err == nil) != (accepts("nd", s.is) && accepts("nd", c.is)) {
					t.Errorf("%s: %v", condition, err)
				}
				if (s.is == '-' || c.is == '-') && err == nil {
					t.Errorf("%s is read", condition)
				}
			}
		}
		if err := readable(t, s.text); (err == nil) != accepts("b", s.is) {
			t.Errorf("%s: %v", s.text, err)
		}
	}
	for a := range ir.Other + 1 {
		for b := range ir.Other + 1 {
			query := fmt.Sprintf("sequence [any where true] by %s1 [any where true] by %s2", a, b)
			_, err := Read(query, typedSchema{})
			text := func(t ir.Type) bool { return t == ir.Text || t == ir.Dynamic || t == ir.JSON }
			same := a == b || a == ir.Unknown || b == ir.Unknown || text(a) && text(b)
			if want := same && a != ir.Other && b != ir.Other; (err == nil) != want {
				t.Errorf("%s: %v", query, err)
			}
		}
	}
}
