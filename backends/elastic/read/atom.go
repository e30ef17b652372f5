package read

import (
	"net/netip"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"sigmac/backends"
	"sigmac/ir"
	"sigmac/regex"
)

// condition is n where a condition must stand.
func (p *parser) condition(n *node) pred {
	switch n.kind {
	case andNode:
		return andPred(p.conditions(n.args))
	case orNode:
		return orPred(p.conditions(n.args))
	case notNode:
		return p.negated(func() pred { return p.condition(n.args[0]) })
	case compareNode:
		return p.compare(n.op, n.args[0], n.args[1], n)
	case testNode:
		return p.test(n)
	case fieldNode:
		return p.atom(n, "is", n, isNull, &node{value: value{boolValue, "true"}, pos: n.pos, start: n.start, end: n.end})
	case callNode:
		if functions[n.op].result == boolType {
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

// negated is a condition under a `not`. There, old versions took a function of a field
// that is missing for null and selected nothing (pull request 61160).
func (p *parser) negated(x func() pred) pred {
	p.nots++
	defer func() { p.nots-- }()
	return notPred{x()}
}

func (p *parser) conditions(ns []*node) []pred {
	out := make([]pred, len(ns))
	for i, n := range ns {
		out[i] = p.condition(n)
	}
	return out
}

func (p *parser) text(n *node) string { return p.src[n.start:n.end] }

// script is n as a predicate that a server computes for each event; null is what
// it folds to where no index maps its fields.
func (p *parser) script(n *node, null verdictKind) scriptPred {
	if p.supposes(n); len(n.uses()) > 0 {
		p.assume("elastic/ignore-above", "elastic/keyword-field")
	}
	p.counted += n.counts()
	return scriptPred{n, ir.Opaque{Lang: "elastic", Text: p.canon(n), Pos: n.pos}, n.uses(), null, p.counted > maxAtoms, map[string]ir.Expr{}}
}

// canon is n as text, the same for all ways to write it: in which form a constant
// stands, whether a field is optional, what stands between.
func (p *parser) canon(n *node) string {
	var b strings.Builder
	var write func(n *node)
	list := func(ns []*node) {
		b.WriteByte('(')
		for i, a := range ns {
			if i > 0 {
				b.WriteString(", ")
			}
			write(a)
		}
		b.WriteByte(')')
	}
	operand := func(n *node) {
		if n.kind <= callNode {
			write(n)
		} else {
			list([]*node{n})
		}
	}
	tilde := func(n *node) string {
		if n.tilde && n.op != ":" {
			return written(n.op) + "~"
		}
		return written(n.op)
	}
	write = func(n *node) {
		switch n.kind {
		case valueNode:
			switch n.value.kind {
			case nullValue:
				b.WriteString("null")
			case stringValue:
				b.WriteString(quoteText.Replace(`"` + quoteMarks.Replace(n.value.text) + `"`))
			default:
				b.WriteString(n.value.text)
				if n.value.kind == decimalValue && !strings.Contains(n.value.text, ".") {
					b.WriteString(".0") // its text tells it from a whole number
				}
			}
		case fieldNode:
			b.WriteString(p.fields[n.field].name)
		case callNode:
			b.WriteString(tilde(n))
			list(n.args)
		case notNode:
			b.WriteString("not ")
			operand(n.args[0])
		case testNode:
			operand(n.args[0])
			b.WriteString(" " + tilde(n) + " ")
			if len(n.args) == 2 && n.op != "in" {
				write(n.args[1])
			} else {
				list(n.args[1:])
			}
		default:
			if len(n.args) == 1 {
				b.WriteString(n.ops[0])
			}
			for i, a := range n.args {
				switch {
				case i == 0:
				case n.kind == arithNode:
					b.WriteString(" " + n.ops[i-1] + " ")
				default:
					b.WriteString(" " + n.op + " ")
				}
				if n.kind == compareNode && a.kind == arithNode {
					write(a)
				} else {
					operand(a)
				}
			}
		}
	}
	write(n)
	return b.String()
}

var (
	quoteMarks = strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	quoteText  = strings.NewReplacer("\n", `\n`, "\r", `\r`, "\t", `\t`)
)

// counts is about how many characters the tests of a script have.
func (n *node) counts() (sum int) {
	text := 0
	var visit func(n *node, counted bool)
	visit = func(n *node, counted bool) {
		counted = counted || n.op == "length" || n.op == "substring"
		if n.kind == valueNode {
			if v, ok := n.value.constant().(int32); ok && counted && max(v, -v) <= maxCounted {
				sum += int(max(v, -v))
			}
			text = max(text, min(len(n.value.text), maxContained))
		}
		for _, a := range n.args {
			visit(a, counted || n.kind == compareNode && n.args[0].op == "length")
		}
	}
	visit(n, false)
	return sum + text*text
}

// supposes names what the reading of a script rests on.
func (p *parser) supposes(n *node) {
	for _, a := range n.args {
		p.supposes(a)
	}
	switch {
	case n.op == "length", n.op == "substring":
		p.assume("elastic/utf16")
	case n.op == "string", n.op == "concat", n.kind == arithNode, n.kind == callNode && functions[n.op].args[0] == numberType:
		p.assume("elastic/whole-numbers")
	case n.op == "startswith" || n.op == "endswith":
		if n.tilde && n.args[1].kind == fieldNode {
			p.assume("elastic/fieldref-fold")
		}
	}
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
		return p.negated(func() pred { return p.compare("==", l, r, whole) })
	}
	if l.kind == valueNode && r.kind != valueNode {
		l, r, op = r, l, mirrored[op]
	}
	null := isNull
	if op == "==" {
		null = isFalse
	}
	whole = &node{kind: compareNode, op: op, args: []*node{l, r}, start: whole.start, end: whole.end, pos: whole.pos}
	script := func(null verdictKind) scriptPred {
		return p.script(whole, null)
	}
	switch {
	case r.kind != valueNode:
		if len(l.uses()) > 0 && len(r.uses()) > 0 {
			return sidesPred{op, l, r, script(isNull)}
		}
		return script(null)
	case l.kind == valueNode && (op == "==" || l.value.kind != nullValue && r.value.kind != nullValue):
		return script(isNull) // of several types
	case l.kind == valueNode:
		return isNull
	case r.value.kind == nullValue && op != "==":
		refuse(r.pos, "nothing is less or greater than null")
	case l.kind == fieldNode && r.value.kind == nullValue:
		return p.null(l, r, false)
	case l.kind == fieldNode:
		return p.atom(whole, op, l, null, r)
	case r.value.kind == nullValue:
		return script(isTrue)
	case mapping(nil).types(l) == boolType && r.value.kind == boolValue && op == "==":
		if r.value.text == "false" {
			return truthPred{p.negated(func() pred { return p.condition(l) }), l.uses()}
		}
		return truthPred{p.condition(l), l.uses()}
	}
	return script(null)
}

func (p *parser) null(field, null *node, exists bool) pred {
	p.assume("elastic/ignore-above")
	return nullPred{field.field, exists, null.pos}
}

var orderings = map[string]ir.Op{"==": ir.Eq, "<": ir.Lt, "<=": ir.Lte, ">": ir.Gt, ">=": ir.Gte}

// test is `x : …`, `x like …`, `x regex …` or `x in …`.
func (p *parser) test(n *node) pred {
	x, list := n.args[0], n.args[1:]
	if slices.ContainsFunc(list, func(c *node) bool { return c.kind != valueNode }) {
		return p.script(n, isNull)
	}
	switch {
	case x.kind == fieldNode:
		return p.atom(n, n.op, x, isNull, list...)
	case x.kind == valueNode && x.value.kind == nullValue:
		return isNull
	}
	return p.script(n, isNull)
}

// predicate is a function that is true or false.
func (p *parser) predicate(n *node) pred {
	if p.nots > 0 {
		p.assume("elastic/version")
	}
	x, rest := n.args[0], n.args[1:]
	simple := x.kind == fieldNode
	for _, c := range rest {
		simple = simple && c.kind == valueNode && c.value.kind == stringValue
	}
	if !simple {
		return p.script(n, isNull)
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
	node   *node                   // the field, as it is written
	opaque func(v *node) ir.Opaque // what v asks of the field, as text
	built  map[ir.Type]ir.Expr     // for each type of the field, once asked for
}

func (p *parser) atom(whole *node, op string, x *node, null verdictKind, values ...*node) *atomPred {
	p.assume("elastic/keyword-field")
	if values[0].value.kind == stringValue && op != "cidrmatch" {
		p.assume("elastic/ignore-above")
	}
	if op == "regex" {
		p.expressions(values, whole)
	}
	a := &atomPred{op: op, tilde: whole.tilde, field: x.field, values: values, null: null, pos: whole.pos, node: x, built: map[ir.Type]ir.Expr{}}
	a.opaque = func(v *node) ir.Opaque {
		n := &node{kind: whole.kind, op: op, tilde: whole.tilde, args: []*node{x, v}}
		return ir.Opaque{Lang: "elastic", Text: p.canon(n), Pos: v.pos}
	}
	return a
}

// expressions refuses regular expressions that a server with default settings does not
// run. They are one, joined by `|` (Match.makeSubstitute).
func (p *parser) expressions(values []*node, n *node) {
	var subs []*regex.Re
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
	p.assume("elastic/version")
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
			out = append(out, a.asks(m, f.Field, v)...)
		}
		a.built[f.Type] = out
		if len(out) == 1 {
			a.built[f.Type] = out[0]
		}
	}
	return verdict{isExpr, a.built[f.Type]}
}

// asks is what v asks of the field: one of these.
func (a *atomPred) asks(m mapping, f ir.Field, v *node) []ir.Expr {
	var tests []ir.Test
	t := ir.Text // where the schema does not know
	switch {
	case a.op == "is", a.op == "==", a.op == "in" && !a.tilde:
		t = [...]ir.Type{boolValue: ir.Boolean, stringValue: ir.Text, integerValue: ir.Numeric, decimalValue: ir.Numeric}[v.value.kind]
		tests = a.equal(f.Type, v)
	case orderings[a.op] != ir.Eq:
		if tests = a.order(f.Type, v); f.Type == ir.Unknown {
			t = ir.Numeric
		}
	case a.op == "cidrmatch":
		if f.Type != ir.Address && f.Type != ir.Unknown {
			a.mistyped(f.Type)
		}
		t, tests = ir.Address, networks(v)
	default:
		if typesOf(f.Type)&textType == 0 {
			a.mistyped(f.Type)
		}
		if test := a.text(v); test != nil {
			tests = []ir.Test{test}
		}
	}
	if tests == nil {
		o := a.opaque(v)
		if f.Type != ir.Date && shapes[a.op] != ir.Exact && v.value.text != "" {
			o.Of = a.twoReadings(f, v.value.text)
		}
		if f.Type == ir.Date {
			s := &script{node: &node{kind: compareNode, op: a.op, args: []*node{a.node, v}}, fields: m}
			o.Of = s.formula()
		}
		return []ir.Expr{o}
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
	if typesOf(t) == textType {
		t = ir.Text
	}
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
	case (kind == stringValue || v.value.number()) && t == ir.Date:
		return nil // a date as text, or in milliseconds
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
	case t == ir.Numeric, v.value.kind == boolValue && t == ir.Date:
		a.mistyped(t)
	case typesOf(t) == textType && (v.value.kind == stringValue || v.value.kind == integerValue && len(v.value.text) < 19):
		if test := ordered(orderings[a.op], v.value.text); test != nil {
			return []ir.Test{test}
		}
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
	case ":", "like":
		if strings.Contains(s, "\x01") && (a.op != ":" || strings.ContainsAny(s, "*?")) {
			return nil // the server escapes with that character
		}
		return a.runs(v, wildcardTest(!a.tilde, wildcards(s)...))
	case "in":
		return a.runs(v, wildcardTest(!a.tilde, literal))
	case "regex":
		return luceneTest(s, a.tilde, v.pos)
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

// twoReadings is a text that is looked for as it stands, or as the pattern of a
// wildcard query, where `\` escapes. What it is of an event is known where both say
// the same.
func (a *atomPred) twoReadings(f ir.Field, s string) *ir.Formula {
	run := ir.Part{Kind: ir.AnyRun}
	end := []ir.Part{run}
	if a.op == "endswith" {
		end = nil
	}
	around := func(parts ...ir.Part) ir.Test {
		return wildcardTest(!a.tilde, slices.Concat([]ir.Part{run}, parts, end)...)
	}
	var parts []ir.Part
	for rest := s; rest != ""; {
		i := strings.IndexByte(rest, '\\')
		if i < 0 || i+1 == len(rest) {
			parts = append(parts, wildcards(rest)...)
			break
		}
		_, size := utf8.DecodeRuneInString(rest[i+1:])
		parts = append(append(parts, wildcards(rest[:i])...), ir.Part{Text: rest[i+1 : i+1+size]})
		rest = rest[i+1+size:]
	}
	plain, pattern := around(ir.Part{Text: s}), around(parts...)
	return &ir.Formula{Fields: []ir.Field{f}, Holds: settled(func(value func(string) any) (holds, known bool) {
		known = true
		for _, v := range elements(nil, value(f.Name)) {
			text, ok := v.(string)
			if !ok {
				return false, false
			}
			if p, q := passes(plain, text), passes(pattern, text); p && q {
				return true, true
			} else if p || q {
				known = false
			}
		}
		return false, known
	})}
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
	if cased || regex.ASCIIFolds(p.Literals()) {
		return p
	}
	return whole(spelled(p)...)
}

// spelled is a pattern as an expression over the whole value.
func spelled(p ir.Pattern) (subs []*regex.Re) {
	for _, q := range p.Parts {
		switch q.Kind {
		case ir.AnyRun:
			subs = append(subs, anyText())
		case ir.AnyOne:
			subs = append(subs, &regex.Re{Op: regex.OpAny})
		default:
			for _, r := range q.Text {
				subs = append(subs, letter(r, !p.Cased))
			}
		}
	}
	return subs
}
