package elastic

import (
	"net/netip"
	"strings"
	"unicode/utf16"

	"sigmac/backends"
	"sigmac/ir"
)

// condition is n where a condition must stand.
func (p *parser) condition(n *node) pred {
	switch n.kind {
	case andNode:
		return andPred(p.conditions(n.args))
	case orNode:
		return orPred(p.conditions(n.args))
	case notNode:
		return notPred{p.condition(n.args[0])}
	case compareNode:
		return p.compare(n.op, n.args[0], n.args[1], n)
	case testNode:
		return p.test(n)
	case fieldNode:
		return p.atom(n, "is", n, isNull, &node{value: value{boolValue, "true"}, pos: n.pos, start: n.start, end: n.end})
	case callNode:
		if n.result() == boolType {
			return p.predicate(n)
		}
	case valueNode:
		switch {
		case n.value.kind == nullValue:
			return isNull
		case n.value == value{boolValue, "true"}:
			return isTrue
		case n.value.kind == boolValue:
			return isFalse
		}
	}
	refuse(n.pos, "a condition is missing: %s is neither true nor false", p.text(n))
	return nil
}

func (p *parser) conditions(ns []*node) []pred {
	out := make([]pred, len(ns))
	for i, n := range ns {
		out[i] = p.condition(n)
	}
	return out
}

func (p *parser) text(n *node) string { return p.src[n.start:n.end] }

func (p *parser) opaque(n *node, fields []int, null verdictKind) opaquePred {
	return opaquePred{ir.Opaque{Lang: "elastic", Text: p.text(n), Pos: n.pos}, fields, null}
}

// mirrored is the operator with its sides swapped.
var mirrored = map[string]string{"==": "==", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

// compare is l op r; whole holds its text. `!=` is `not ==` from the parser on
// (ExpressionBuilder), and a comparison with NULL a test for it
// (ReplaceNullChecks).
func (p *parser) compare(op string, l, r, whole *node) pred {
	if op == "!=" {
		if l.kind == fieldNode && r.kind == valueNode && r.value.kind == nullValue {
			return p.null(l, r, true)
		}
		if r.kind == fieldNode && l.kind == valueNode && l.value.kind == nullValue {
			return p.null(r, l, true)
		}
		return notPred{p.compare("==", l, r, whole)}
	}
	if l.kind == valueNode && r.kind != valueNode {
		l, r, op = r, l, mirrored[op]
	}
	null := isNull
	if op == "==" {
		null = isFalse
	}
	switch {
	case r.kind != valueNode:
		lf, rf := l.uses(), r.uses()
		if len(lf) > 0 && len(rf) > 0 {
			return sidesPred{op, l, r, p.opaque(whole, nil, isNull)}
		}
		return p.opaque(whole, append(lf, rf...), null)
	case l.kind == valueNode:
		return p.constants(op, l.value, r.value, whole)
	case r.value.kind == nullValue && op != "==":
		refuse(r.pos, "nothing is less or greater than null")
	case l.kind == fieldNode && r.value.kind == nullValue:
		return p.null(l, r, false)
	case l.kind == fieldNode:
		return p.atom(whole, op, l, null, r)
	case r.value.kind == nullValue:
		return p.opaque(whole, l.uses(), isTrue)
	case l.result() == boolType && r.value.kind == boolValue && op == "==":
		x := p.condition(l)
		if r.value.text == "false" {
			return truthPred{notPred{x}, l.uses()}
		}
		return truthPred{x, l.uses()}
	}
	return p.opaque(whole, l.uses(), null)
}

func (p *parser) null(field, null *node, exists bool) pred {
	p.assume("elastic/ignore-above")
	return nullPred{field.field, exists, null.pos}
}

// constants compares two constants, where that is beyond doubt.
func (p *parser) constants(op string, l, r value, whole *node) pred {
	truth := func(ok bool) pred {
		if ok {
			return isTrue
		}
		return isFalse
	}
	null := l.kind == nullValue || r.kind == nullValue
	switch {
	case null && op == "==":
		return truth(l.kind == r.kind)
	case null:
		return isNull
	case l.number() && r.number():
		return truth(orderings[op].Holds(ir.Number(l.text), ir.Number(r.text)))
	case op == "==" && l.kind == r.kind:
		return truth(l.text == r.text)
	}
	return p.opaque(whole, nil, isNull)
}

var orderings = map[string]ir.Op{"==": ir.Eq, "<": ir.Lt, "<=": ir.Lte, ">": ir.Gt, ">=": ir.Gte}

// test is `x : …`, `x like …`, `x regex …` or `x in …`.
func (p *parser) test(n *node) pred {
	x, list := n.args[0], n.args[1:]
	textual := n.op != "in" || n.tilde
	for _, c := range list {
		switch {
		case c.kind != valueNode && len(c.uses()) > 0:
			refuse(c.pos, "a list holds constants only")
		case c.kind != valueNode:
			return p.opaque(n, x.uses(), isNull)
		case c.value.kind == nullValue:
			refuse(c.pos, "`%s` does not look for null", n.op)
		case textual && c.value.kind != stringValue:
			refuse(c.pos, "`%s` looks for texts only", n.op)
		case c.result() != list[0].result():
			refuse(c.pos, "a list of several types")
		}
	}
	switch want := list[0].result(); {
	case x.kind == fieldNode:
		return p.atom(n, n.op, x, isNull, list...)
	case x.kind == valueNode && x.value.kind == nullValue:
		return isNull
	case x.result() != want:
		refuse(x.pos, "`%s` needs a field of the type that its list has", n.op)
	}
	return p.opaque(n, x.uses(), isNull)
}

// predicate is a function that is true or false.
func (p *parser) predicate(n *node) pred {
	x, rest := n.args[0], n.args[1:]
	simple := x.kind == fieldNode
	for _, c := range n.args {
		if t := c.result(); t != textType && t != anyType {
			refuse(c.pos, "the function needs a text")
		}
	}
	for _, c := range rest {
		simple = simple && c.kind == valueNode && c.value.kind == stringValue
	}
	if !simple {
		return p.opaque(n, n.uses(), isNull)
	}
	return p.atom(n, n.op, x, isNull, rest...)
}

// An atomPred is true where a value of one field passes one of several tests.
type atomPred struct {
	op     string // `is` for a field alone; a function's name
	tilde  bool
	field  int
	values []*node
	null   verdictKind // where no index maps the field
	pos    ir.Pos
	opaque func(v *node) ir.Expr   // what v asks of the field, as text
	built  [ir.Address + 1]ir.Expr // for each type of the field, once asked for
}

func (p *parser) atom(whole *node, op string, x *node, null verdictKind, values ...*node) *atomPred {
	p.assume("elastic/keyword-field")
	if values[0].value.kind == stringValue && op != "cidrmatch" {
		p.assume("elastic/ignore-above")
	}
	if op == "regex" || op == "match" {
		p.expressions(values, whole)
	}
	a := &atomPred{op: op, tilde: whole.tilde, field: x.field, values: values, null: null, pos: whole.pos}
	a.opaque = func(v *node) ir.Expr {
		field, arg, sign := strings.TrimPrefix(p.text(x), "?"), p.text(v), op
		if whole.tilde && op != ":" {
			sign += "~"
		}
		text := field + " " + sign + " " + arg
		if whole.kind == callNode {
			text = sign + "(" + field + ", " + arg + ")"
		}
		return ir.Opaque{Lang: "elastic", Text: text, Pos: v.pos}
	}
	return a
}

// expressions refuses regular expressions that a server with default settings does not
// run. They are one, joined by `|` (Match.makeSubstitute).
func (p *parser) expressions(values []*node, n *node) {
	var subs []*ir.Re
	length := len(values) - 1
	for _, v := range values {
		length += len(utf16.Encode([]rune(v.value.text)))
		if re := luceneTree(v.value.text, n.tilde, v.pos); re != nil {
			subs = append(subs, re)
		}
	}
	if length > maxRegexLength {
		p.assume("elastic/regex-length")
	}
	work := backends.LuceneWork
	if why := backends.LuceneRefuses(alternatives(subs...), &work); why != "" {
		refuse(n.pos, "Elasticsearch refuses the regular expression by default: %s", why)
	}
}

// maxRegexLength is the default of index.max_regex_length.
const maxRegexLength = 1000

func (a *atomPred) fold(m mapping) verdict {
	f := m[a.field]
	if !f.mapped {
		return verdict{kind: a.null}
	}
	if a.built[f.Type] == nil {
		var out ir.Or
		for _, v := range a.values {
			out = append(out, a.asks(f.Field, v)...)
		}
		a.built[f.Type] = out
		if len(out) == 1 {
			a.built[f.Type] = out[0]
		}
	}
	return verdict{isExpr, a.built[f.Type]}
}

// asks is what v asks of the field: one of these.
func (a *atomPred) asks(f ir.Field, v *node) []ir.Expr {
	var tests []ir.Test
	t := ir.Text // where the schema does not know
	switch {
	case a.op == "is", a.op == "==", a.op == "in" && !a.tilde:
		t = [...]ir.Type{boolValue: ir.Boolean, stringValue: ir.Text, integerValue: ir.Numeric, decimalValue: ir.Numeric}[v.value.kind]
		tests = a.equal(f.Type, v)
	case orderings[a.op] != ir.Eq:
		t, tests = ir.Numeric, a.order(f.Type, v)
	case a.op == "cidrmatch":
		if f.Type != ir.Address && f.Type != ir.Unknown {
			a.mistyped(f.Type)
		}
		t, tests = ir.Address, networks(v)
	default:
		if f.Type != ir.Text && f.Type != ir.Unknown {
			a.mistyped(f.Type)
		}
		if test := a.text(v); test != nil {
			tests = []ir.Test{test}
		}
	}
	if tests == nil {
		return []ir.Expr{a.opaque(v)}
	}
	if f.Type == ir.Unknown {
		f.Type = t
	}
	var out []ir.Expr
	for _, test := range tests {
		out = append(out, ir.Match{Field: f, Test: test, Pos: v.pos})
	}
	return out
}

func (a *atomPred) mistyped(t ir.Type) {
	if a.op == "is" {
		refuse(a.pos, "a condition is missing: the field is of type %s", t)
	}
	refuse(a.pos, "`%s` does not take a field of type %s", a.op, t)
}

// equal is a term query, which takes the value as the field's type has it. A
// list is checked before (In.resolveType).
func (a *atomPred) equal(t ir.Type, v *node) []ir.Test {
	text := v.value.text
	kind := v.value.kind
	number, isNumber := ir.ParseNumber(text)
	same := kind == stringValue && t == ir.Text || v.value.number() && t == ir.Numeric || kind == boolValue && t == ir.Boolean
	switch {
	case t != ir.Unknown && !same && (a.op == "in" || a.op == "is"):
	case kind == stringValue && (t == ir.Text || t == ir.Unknown), kind == boolValue && t == ir.Text:
		return []ir.Test{exact(text)}
	case kind == integerValue && t == ir.Text && len(text) < 19:
		return []ir.Test{exact(text)}
	case v.value.number() && t == ir.Text:
		return nil // how Java writes that number
	case kind != boolValue && isNumber && (t == ir.Numeric || t == ir.Unknown):
		return []ir.Test{ir.Compare{Op: ir.Eq, Number: number}}
	case (kind == boolValue || text == "true" || text == "false") && (t == ir.Boolean || t == ir.Unknown):
		return []ir.Test{ir.Bool{Value: text == "true"}}
	case kind == stringValue && t == ir.Address:
		return networks(v)
	}
	a.mistyped(t)
	return nil
}

// order is a range query. Of texts it is the order of their bytes.
func (a *atomPred) order(t ir.Type, v *node) []ir.Test {
	number, ok := ir.ParseNumber(v.value.text)
	switch {
	case ok && (t == ir.Numeric || t == ir.Unknown && v.value.number()):
		return []ir.Test{ir.Compare{Op: orderings[a.op], Number: number}}
	case t == ir.Numeric:
		a.mistyped(t)
	}
	return nil
}

// networks are the networks that an address and its length name. A field of
// type ip holds an IPv4 address as the IPv6 address that it is mapped to.
func networks(v *node) []ir.Test {
	net, err := netip.ParsePrefix(v.value.text)
	if err != nil {
		addr, err := netip.ParseAddr(v.value.text)
		if err != nil || addr.Zone() != "" {
			refuse(v.pos, "not an address or a network: %s", v.value.text)
		}
		net = netip.PrefixFrom(addr, addr.BitLen())
	}
	if net.Addr().Is4In6() && net.Bits() >= 96 {
		net = netip.PrefixFrom(net.Addr().Unmap(), net.Bits()-96)
	}
	net = net.Masked()
	tests := []ir.Test{ir.CIDR{Net: net}}
	if mapped := netip.MustParseAddr("::ffff:0.0.0.0"); net.Addr().Is6() && net.Contains(mapped) {
		tests = append(tests, ir.CIDR{Net: netip.MustParsePrefix("0.0.0.0/0")})
	}
	return tests
}

// text is what v asks of a text; nil where that is not certain.
func (a *atomPred) text(v *node) ir.Test {
	s := v.value.text
	any, literal := ir.Part{Kind: ir.AnyRun}, ir.Part{Kind: ir.Literal, Text: s}
	switch a.op {
	case ":", "like", "wildcard":
		if strings.Contains(s, "\x01") && (a.op != ":" || strings.ContainsAny(s, "*?")) {
			return nil // the server escapes with that character
		}
		return a.runs(v, wildcardTest(!a.tilde, wildcards(s)...))
	case "in":
		return a.runs(v, wildcardTest(!a.tilde, literal))
	case "regex", "match":
		if re := luceneTree(s, a.tilde, v.pos); re != nil {
			return whole(re)
		}
		return nil
	}
	switch {
	case s == "":
	case a.op == "startswith":
		return wildcardTest(!a.tilde, literal, any)
	case strings.ContainsAny(s, `*?\`):
		// QueryTranslator puts it into a wildcard query as it stands.
	case a.op == "endswith":
		return a.runs(v, wildcardTest(!a.tilde, any, literal))
	default:
		return a.runs(v, wildcardTest(!a.tilde, any, literal, any))
	}
	return nil
}

// runs is t, which is refused where a server with default settings does not run it.
func (a *atomPred) runs(v *node, t ir.Test) ir.Test {
	var why string
	switch t := t.(type) {
	case ir.Pattern:
		why = backends.LuceneRefusesPattern(t)
	case ir.Regexp:
		work := backends.LuceneWork
		why = backends.LuceneRefuses(sequence(t.Re.Subs[1:len(t.Re.Subs)-1]...), &work)
	}
	if why != "" {
		refuse(v.pos, "Elasticsearch refuses the text by default: %s", why)
	}
	return t
}

// wildcards splits s: `*` and `?` have no escape (StringUtils.toLikePattern).
func wildcards(s string) []ir.Part {
	var out []ir.Part
	for {
		i := strings.IndexAny(s, "*?")
		if i < 0 {
			return append(out, ir.Part{Kind: ir.Literal, Text: s})
		}
		kind := ir.AnyRun
		if s[i] == '?' {
			kind = ir.AnyOne
		}
		out = append(out, ir.Part{Kind: ir.Literal, Text: s[:i]}, ir.Part{Kind: kind})
		s = s[i+1:]
	}
}

func exact(s string) ir.Test {
	return wildcardTest(true, ir.Part{Kind: ir.Literal, Text: s})
}

// wildcardTest is a Pattern, where folding ASCII letters alone decides it
// (AutomatonQueries.toCaseInsensitiveChar), or else the regular expression.
func wildcardTest(cased bool, parts ...ir.Part) ir.Test {
	p := ir.NewPattern(cased, parts...)
	if cased || ir.ASCIIFolds(p.Literals()) {
		return p
	}
	var subs []*ir.Re
	for _, q := range p.Parts {
		switch q.Kind {
		case ir.AnyRun:
			subs = append(subs, anyText())
		case ir.AnyOne:
			subs = append(subs, &ir.Re{Op: ir.ReAny})
		default:
			for _, r := range q.Text {
				subs = append(subs, letter(r, true))
			}
		}
	}
	return whole(subs...)
}
