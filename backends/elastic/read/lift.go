package read

import (
	"slices"
	"strings"
	"unicode/utf8"

	"sigmac/ir"
	"sigmac/regex"
)

// tests are tests of fields that mean the same as a script, or nil. Each holds a
// value alone, as a script does; a missing field is NULL to it.
func (s *script) tests() ir.Expr {
	n := s.node
	switch n.kind {
	case callNode:
		return s.contained(n)
	case compareNode:
		l, r := n.args[0], n.args[1]
		if r.kind != valueNode {
			return nil
		}
		if r.value.kind == nullValue {
			return s.isNull(l)
		}
		switch {
		case l.kind == arithNode, l.kind == callNode && arithmetics[l.op] != "":
			return s.linear(l, n.op, r)
		case l.kind == callNode && l.op == "length":
			return s.length(l, n.op, r)
		case l.kind == callNode && l.op == "indexof" && r.value.kind == integerValue:
			return s.index(l, n.op, r)
		case l.kind == callNode && n.op == "==":
			return s.listed(l, "==", false, []*node{r})
		}
	case testNode:
		if x := n.args[0]; x.kind == callNode {
			return s.listed(x, n.op, n.tilde, n.args[1:])
		}
	}
	return nil
}

// field is n as a field of texts that an index maps.
func (s *script) field(n *node, t ir.Type) (f ir.Field, ok bool) {
	if n.kind != fieldNode || !s.fields[n.field].mapped {
		return f, false
	}
	f = s.fields[n.field].Field
	if f.Type == ir.Unknown {
		f.Type = t
	}
	return f, typesOf(f.Type) == typesOf(t)
}

func literal(n *node, kind valueKind) (string, bool) {
	return n.value.text, n.kind == valueNode && n.value.kind == kind
}

func fieldTests(f ir.Field, n *node, tests ...ir.Test) ir.Expr {
	var out ir.Or
	for _, t := range tests {
		out = append(out, ir.Match{Field: f, Test: t, Pos: n.pos})
	}
	if len(out) == 1 {
		return out[0]
	}
	return out
}

// isNull is where n is NULL: where one of its fields is missing, if nothing in it
// makes NULL of values, or a value of NULL.
func (s *script) isNull(n *node) ir.Expr {
	var out ir.Or
	ok := true
	null := func(n *node) bool { return n.kind == valueNode && n.value.kind == nullValue }
	var visit func(*node)
	visit = func(x *node) {
		switch strict := x.kind == arithNode && !slices.Contains(x.ops, "/") && !slices.Contains(x.ops, "%") ||
			x.kind == compareNode || x.kind == callNode && strictCalls[x.op]; {
		case x.kind == fieldNode && !s.fields[x.field].mapped, null(x):
			out = append(out, ir.True)
		case x.kind == fieldNode:
			out = append(out, ir.Match{Field: s.fields[x.field].Field, Test: ir.Null{}, Pos: x.pos})
		case x.equality() && (s.fields.constant(x.args[0]) && !x.args[0].sure() || s.fields.constant(x.args[1]) && !x.args[1].sure()):
			ok = false // perhaps a test for NULL
		case strict:
			for _, a := range x.args {
				visit(a)
			}
		case x.kind != valueNode:
			ok = false
		}
	}
	visit(n)
	switch {
	case !ok:
		return nil
	case len(out) == 1:
		return out[0]
	}
	return out
}

// sure says whether n is a constant that is not NULL.
func (n *node) sure() bool { return n.kind == valueNode && n.value.kind != nullValue }

// strictCalls are the functions that are NULL exactly where an argument is.
var strictCalls = map[string]bool{"add": true, "cidrmatch": true, "concat": true, "endswith": true, "length": true,
	"multiply": true, "startswith": true, "string": true, "stringcontains": true, "subtract": true}

var shapes = map[string]ir.Shape{"startswith": ir.Prefix, "endswith": ir.Suffix, "stringcontains": ir.Contains}

// maxContained bounds the texts that a constant contains, begins or ends with.
const maxContained = 64

// contained is a function that looks for a field in another, or in a constant.
func (s *script) contained(n *node) ir.Expr {
	shape, ok := shapes[n.op]
	if !ok {
		return nil
	}
	f, ok := s.field(n.args[1], ir.Text)
	if !ok {
		return nil
	}
	if g, ok := s.field(n.args[0], ir.Text); ok && n.op != "stringcontains" {
		return fieldTests(g, n, ir.FieldRef{Other: f, Shape: shape, Cased: !n.tilde})
	}
	text, ok := literal(n.args[0], stringValue)
	if !ok || n.tilde && !plainCase(text) {
		return nil
	}
	var tests []ir.Test
	seen := map[string]bool{}
	add := func(part string) {
		if !seen[part] && len(tests) <= maxContained {
			seen[part] = true
			tests = append(tests, wildcardTest(!n.tilde, ir.Part{Text: part}))
		}
	}
	switch n.op {
	case "startswith":
		for i := range text {
			add(text[:i])
		}
		add(text)
	case "endswith":
		for i := range text {
			add(text[i:])
		}
		add("")
	default: // of the empty text, versions say different things
		return nil
	}
	if len(tests) > maxContained {
		return nil
	}
	return fieldTests(f, n, tests...)
}

// maxCounted bounds the characters that are counted.
const maxCounted = 10_000

// characters are texts of lo to hi characters, hi -1 for no end.
func characters(lo, hi int) *regex.Re { return repeated(&regex.Re{Op: regex.OpAny}, lo, hi) }

// bounds is `x op n` for counts x: from lo to hi, -1 for no end.
func bounds(op string, n int) (lo, hi int, some bool) {
	switch op {
	case "==":
		return n, n, n >= 0
	case "<":
		return 0, n - 1, n > 0
	case "<=":
		return 0, n, n >= 0
	case ">":
		return max(n+1, 0), -1, true
	}
	return max(n, 0), -1, true
}

// length counts characters: elastic/utf16.
func (s *script) length(l *node, op string, r *node) ir.Expr {
	f, ok := s.field(l.args[0], ir.Text)
	n, small := r.value.constant().(int32)
	if !ok || !small || n > maxCounted {
		return nil
	}
	lo, hi, some := bounds(op, int(n))
	if !some {
		return ir.False
	}
	return fieldTests(f, r, whole(characters(lo, hi)))
}

// index is whether a text stands somewhere, or at the beginning.
func (s *script) index(l *node, op string, r *node) ir.Expr {
	f, ok := s.field(l.args[0], ir.Text)
	text, isText := literal(l.args[1], stringValue)
	if !ok || !isText || l.tilde && !plainCase(text) || len(l.args) > 2 && l.args[2].value != (value{integerValue, "0"}) {
		return nil
	}
	any, part := ir.Part{Kind: ir.AnyRun}, ir.Part{Text: text}
	switch op + r.value.text {
	case "==0", "<=0", "<1":
		return fieldTests(f, r, wildcardTest(!l.tilde, part, any))
	case ">=0", ">-1":
		return fieldTests(f, r, wildcardTest(!l.tilde, any, part, any))
	}
	return nil
}

// listed is what a function makes of a field, compared with texts.
func (s *script) listed(x *node, op string, tilde bool, list []*node) ir.Expr {
	plain := op == "==" || op == "in"
	a := &atomPred{op: op, tilde: tilde}
	if op == "==" {
		a.op = "in"
	}
	var out ir.Or
	for _, c := range list {
		text, ok := literal(c, stringValue)
		if !ok {
			return nil
		}
		plain := plain || op == ":" && !strings.ContainsAny(text, "*?") || op == "like" && !strings.ContainsAny(text, "*?")
		switch {
		case x.op == "string" && op != "regex" && (!tilde || plainCase(text)):
			f, ok := s.field(x.args[0], ir.Text)
			if !ok {
				f, ok = s.field(x.args[0], ir.Numeric)
			}
			if !ok || s.fields[x.args[0].field].Type == ir.Unknown {
				return nil
			}
			t := wildcardTest(!tilde, ir.Part{Text: text})
			if !plain {
				t = wildcardTest(!tilde, wildcards(text)...)
			}
			out = append(out, fieldTests(f, c, t))
		case x.op == "substring" && plain && (!tilde || plainCase(text)):
			f, ok := s.field(x.args[0], ir.Text)
			re := part(x, text, tilde)
			if !ok || re == nil {
				return nil
			}
			out = append(out, fieldTests(f, c, re))
		default:
			return nil
		}
	}
	if len(out) == 1 {
		return out[0]
	}
	return out
}

// part is the texts of which substring(f, from, to) is text, or nil.
func part(x *node, text string, fold bool) ir.Test {
	at := func(i int) (n int, given, ok bool) {
		if i >= len(x.args) {
			return 0, false, true
		}
		v, ok := x.args[i].value.constant().(int32)
		return int(v), true, ok && x.args[i].kind == valueNode && v <= maxCounted && v >= -maxCounted
	}
	from, _, ok1 := at(1)
	to, end, ok2 := at(2)
	size := utf8.RuneCountInString(text)
	if !ok1 || !ok2 || size == 0 || end && to < 0 && from < 0 && from >= to {
		return nil
	}
	var letters []*regex.Re
	for _, r := range text {
		letters = append(letters, letter(r, fold))
	}
	body := sequence(letters...)
	// A value that is too short for a negative start begins with the text.
	behind := 0
	if end && to < 0 {
		behind = -to
	}
	tail := characters(behind, behind)
	switch {
	case from < 0 && (!end || to < 0):
		switch length := -from - behind; {
		case size > length:
			return whole(nothing())
		case size == length:
			return whole(anyText(), body, tail)
		}
		return whole(body, tail)
	case from < 0:
		return nil
	case !end || to < 0:
		return whole(characters(from, from), body, tail)
	case size == to-from:
		return whole(characters(from, from), body, anyText())
	case size > to-from:
		return whole(nothing())
	}
	return whole(characters(from, from), body)
}

var arithmetics = map[string]string{"add": "+", "subtract": "-"}

// linear is a field with whole numbers added and taken away, compared with one:
// elastic/whole-numbers.
func (s *script) linear(l *node, op string, r *node) ir.Expr {
	var f *node
	factor, sum := int64(1), int64(0)
	ok := r.value.kind == integerValue
	var visit func(n *node, sign int64)
	visit = func(n *node, sign int64) {
		sign1 := func(op string) int64 {
			if op == "-" {
				return -sign
			}
			return sign
		}
		switch {
		case n.kind == valueNode:
			v, small := n.value.constant().(int32)
			ok = ok && small
			sum += sign * int64(v)
		case n.kind == fieldNode && f == nil:
			f, factor = n, sign
		case n.kind == callNode && arithmetics[n.op] != "":
			visit(n.args[0], sign)
			visit(n.args[1], sign1(arithmetics[n.op]))
		case n.kind == arithNode && len(n.args) == 1:
			visit(n.args[0], sign1(n.ops[0]))
		case n.kind == arithNode && !strings.ContainsAny(strings.Join(n.ops, ""), "*/%"):
			visit(n.args[0], sign)
			for i, op := range n.ops {
				visit(n.args[i+1], sign1(op))
			}
		default:
			ok = false
		}
	}
	visit(l, 1)
	if !ok || f == nil {
		return nil
	}
	field, ok := s.field(f, ir.Numeric)
	n, small := r.value.constant().(int32)
	if !ok || !small {
		return nil
	}
	number := ir.Number("0").Plus(factor * (int64(n) - sum))
	if factor < 0 {
		op = mirrored[op]
	}
	return fieldTests(field, r, ir.Compare{Op: orderings[op], Number: number})
}

// maxOrdered bounds the text of an ordering, in characters.
const maxOrdered = 128

// ordered is the texts that come before or after a text, by their characters,
// which is the order of their bytes in UTF-8; nil where the text is too long.
func ordered(op ir.Op, text string) ir.Test {
	rs := []rune(text)
	if len(rs) > maxOrdered {
		return nil
	}
	after := op == ir.Gt || op == ir.Gte
	re := map[ir.Op]*regex.Re{ir.Lte: {Op: regex.OpEmpty}, ir.Gt: characters(1, -1), ir.Gte: anyText()}[op]
	for _, r := range slices.Backward(rs) {
		var subs []*regex.Re
		if re != nil {
			subs = append(subs, sequence(letter(r, false), re))
		}
		lo, hi := rune(0), r-1
		if after {
			lo, hi = r+1, utf8.MaxRune
		}
		if lo <= hi {
			class := &regex.Re{Op: regex.OpClass, Ranges: canonical([]regex.Range{{Lo: lo, Hi: hi}})}
			subs = append(subs, sequence(class, anyText()))
		}
		if re = alternatives(subs...); !after {
			re = repeated(re, 0, 1)
		}
	}
	if re == nil {
		re = nothing() // before the empty text
	}
	return whole(re)
}
