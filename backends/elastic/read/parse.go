package read

import (
	"slices"
	"strings"

	"sigmac/ir"
)

// A node is an expression as EQL's grammar has it.
type node struct {
	kind       nodeKind
	op         string   // compareNode, testNode: the operator; callNode: the function's name, lower case
	ops        []string // arithNode: the operator before each of args but the first; of one, its sign
	tilde      bool     // testNode, callNode: without regard to case
	value      value    // valueNode
	field      int      // fieldNode: in parser.fields
	optional   bool     // fieldNode: with a `?`
	args       []*node
	start, end int
	pos        ir.Pos
}

type nodeKind uint8

const (
	valueNode nodeKind = iota
	fieldNode
	callNode
	arithNode   // args with operators of one precedence between them, or a sign
	compareNode // args[0] op args[1]
	testNode    // args[0] op a list
	notNode
	andNode
	orNode
)

// A value is a constant.
type value struct {
	kind valueKind
	text string // of a number, in canonical form
}

type valueKind uint8

const (
	nullValue valueKind = iota
	boolValue
	stringValue
	integerValue
	decimalValue
)

func (v value) number() bool { return v.kind >= integerValue }

// A fieldUse is a field that the query names.
type fieldUse struct {
	name     string
	pos      ir.Pos // where it first stands
	optional bool   // somewhere with a `?`
	required ir.Pos // where it first stands without one
}

// maxNesting bounds parentheses, calls and `not`: the reader is recursive.
const maxNesting = 200

type parser struct {
	src    string
	toks   []token
	at     int
	depth  int
	fields []fieldUse
	byName map[string]int

	assumed map[string]bool // ids of docs/semantics.md
	nots    int             // around the condition that is read
	counted int             // characters that tests in the place of scripts count
}

func (p *parser) assume(ids ...string) {
	for _, id := range ids {
		p.assumed[id] = true
	}
}

func (p *parser) peek() token { return p.toks[p.at] }

func (p *parser) next() token {
	t := p.toks[p.at]
	if t.kind != endToken {
		p.at++
	}
	return t
}

// has says whether the next token is the keyword or sign text.
func (p *parser) has(text string) bool {
	t := p.peek()
	return (t.kind == keywordToken || t.kind == signToken) && t.text == text
}

func (p *parser) take(text string) bool {
	ok := p.has(text)
	if ok {
		p.next()
	}
	return ok
}

func (p *parser) need(text string) token {
	if !p.has(text) {
		p.unexpected("`" + text + "`")
	}
	return p.next()
}

func (p *parser) unexpected(want string) {
	t := p.peek()
	if t.kind == endToken {
		refuse(t.pos, "the query ends where %s is missing", want)
	}
	refuse(t.pos, "%s is missing before %q", want, p.src[t.start:t.end])
}

func (p *parser) nest(pos ir.Pos) {
	if p.depth++; p.depth > maxNesting {
		refuse(pos, "nested deeper than %d", maxNesting)
	}
}

// close ends n after the last token read.
func (p *parser) close(n *node) *node {
	n.end = p.toks[p.at-1].end
	return n
}

func (p *parser) open(kind nodeKind, first token) *node {
	return &node{kind: kind, start: first.start, end: first.end, pos: first.pos}
}

// over is a node that starts where its first argument does.
func over(kind nodeKind, op string, args ...*node) *node {
	return &node{kind: kind, op: op, args: args, start: args[0].start, end: args[len(args)-1].end, pos: args[0].pos}
}

func (p *parser) expr() *node { return p.chain(orNode, "or", p.and) }
func (p *parser) and() *node  { return p.chain(andNode, "and", p.not) }

func (p *parser) chain(kind nodeKind, word string, part func() *node) *node {
	first := part()
	if !p.has(word) {
		return first
	}
	n := over(kind, word, first)
	for p.take(word) {
		n.args = append(n.args, part())
	}
	return p.close(n)
}

func (p *parser) not() *node {
	if !p.has("not") {
		return p.comparison()
	}
	n := p.open(notNode, p.next())
	p.nest(n.pos)
	n.args = []*node{p.not()}
	p.depth--
	return p.close(n)
}

func (p *parser) comparison() *node {
	l := p.arithmetic()
	for _, op := range []string{"==", "!=", "<=", ">=", "<", ">"} {
		if p.take(op) {
			return over(compareNode, op, l, p.arithmetic())
		}
	}
	return l
}

func (p *parser) arithmetic() *node {
	return p.operators(func() *node { return p.operators(p.signed, "*", "/", "%") }, "+", "-")
}

// operators reads operands with operators of one precedence between them.
func (p *parser) operators(operand func() *node, signs ...string) *node {
	first := operand()
	n := first
	for {
		i := slices.IndexFunc(signs, p.has)
		if i < 0 {
			return n
		}
		if n == first {
			n = over(arithNode, "", first)
		}
		p.next()
		n.ops, n.args = append(n.ops, signs[i]), append(n.args, operand())
		p.close(n)
	}
}

func (p *parser) signed() *node {
	if !p.has("-") && !p.has("+") {
		return p.tested()
	}
	sign := p.next()
	p.nest(sign.pos)
	x := p.signed()
	p.depth--
	if x.kind == valueNode && x.value.number() {
		n := p.open(valueNode, sign)
		n.value = x.value
		if sign.text == "-" && x.value.text != "0" {
			minus, ok := strings.CutPrefix(x.value.text, "-")
			if !ok {
				minus = "-" + minus
			}
			n.value.text = minus
		}
		return p.close(n)
	}
	n := p.open(arithNode, sign)
	n.ops, n.args = []string{sign.text}, []*node{x}
	return p.close(n)
}

// tested reads a primary expression and the test over it, if one follows.
func (p *parser) tested() *node {
	x := p.primary()
	t := p.peek()
	negated := t.kind == keywordToken && t.text == "not"
	if negated {
		t = p.toks[p.at+1]
	}
	op, tilde := strings.CutSuffix(t.text, "~")
	in := t.kind == keywordToken && op == "in"
	if !in && (negated || !(t.kind == keywordToken && (op == "like" || op == "regex") || t.kind == signToken && op == ":")) {
		return x
	}
	if negated {
		p.next()
	}
	p.next()
	n := over(testNode, op, x)
	n.tilde = tilde || op == ":"
	switch {
	case in:
		p.need("(")
		p.nest(t.pos)
		n.args = append(n.args, p.list(p.expr)...)
		p.depth--
	case p.take("("):
		n.args = append(n.args, p.list(p.constant)...)
	default:
		n.args = append(n.args, p.constant())
	}
	p.close(n)
	if negated {
		not := over(notNode, "", x)
		not.args[0], not.end = n, n.end
		return not
	}
	return n
}

// list reads what follows a `(`, at least one item.
func (p *parser) list(item func() *node) []*node {
	out := []*node{item()}
	for p.take(",") {
		out = append(out, item())
	}
	p.need(")")
	return out
}

func (p *parser) constant() *node {
	if n := p.literal(); n != nil {
		return n
	}
	p.unexpected("a constant")
	return nil
}

// literal reads a constant, if one follows.
func (p *parser) literal() *node {
	t := p.peek()
	v := value{text: t.text}
	switch {
	case p.has("null"):
	case p.has("true"), p.has("false"):
		v.kind = boolValue
	case t.kind == stringToken:
		v.kind = stringValue
	case t.kind == integerToken, t.kind == decimalToken:
		v.kind = decimalValue
		n, ok := ir.ParseNumber(t.text)
		if !ok {
			refuse(t.pos, "the number is too long")
		}
		if v.text = string(n); t.kind == integerToken {
			v.kind = integerValue
		}
	default:
		return nil
	}
	n := p.open(valueNode, p.next())
	n.value = v
	return n
}

func (p *parser) primary() *node {
	if n := p.literal(); n != nil {
		return n
	}
	t := p.peek()
	after := p.toks[min(p.at+1, len(p.toks)-1)]
	call := after.kind == signToken && after.text == "("
	switch {
	case p.take("("):
		p.nest(t.pos)
		n := p.expr()
		p.depth--
		p.need(")")
		n.start, n.pos = t.start, t.pos
		return p.close(n)
	case t.kind == tildeToken, t.kind == wordToken && call:
		return p.call()
	case t.kind == wordToken && after.kind == keywordToken && after.text == "of":
		refuse(t.pos, "process relationships are not supported")
	case t.kind == wordToken, t.kind == quotedToken, p.has("?"):
		return p.fieldName()
	}
	p.unexpected("an expression")
	return nil
}

func (p *parser) call() *node {
	t := p.next()
	n := p.open(callNode, t)
	n.op, n.tilde = strings.CutSuffix(strings.ToLower(t.text), "~")
	f, ok := functions[n.op]
	if why := gone[n.op]; why != "" {
		refuse(t.pos, "%s", why)
	}
	if !ok {
		refuse(t.pos, "unknown function %s", t.text)
	}
	if n.tilde && !f.tilde {
		refuse(t.pos, "the function %s has no `~`", t.text)
	}
	p.need("(")
	p.nest(t.pos)
	if !p.take(")") {
		n.args = p.list(p.expr)
	}
	p.depth--
	if len(n.args) < f.min || f.max >= 0 && len(n.args) > f.max {
		refuse(t.pos, "the function %s cannot have %d arguments", t.text, len(n.args))
	}
	return p.close(n)
}

func (p *parser) fieldName() *node {
	p.assume("elastic/null-value")
	n := p.open(fieldNode, p.peek())
	n.optional = p.take("?")
	parts := []string{p.identifier()}
	for p.take(".") {
		parts = append(parts, p.identifier())
	}
	name := strings.Join(parts, ".")
	if p.has("[") && p.toks[p.at+1].kind == integerToken {
		refuse(p.peek().pos, "array indexes are not supported")
	}
	i, ok := p.byName[name]
	if !ok {
		i = len(p.fields)
		p.fields = append(p.fields, fieldUse{name: name, pos: n.pos})
		p.byName[name] = i
	}
	f := &p.fields[i]
	if n.optional {
		f.optional = true
	} else if f.required == (ir.Pos{}) {
		f.required = n.pos
	}
	n.field = i
	return p.close(n)
}

func (p *parser) identifier() string {
	if t := p.peek(); t.kind != wordToken && t.kind != quotedToken {
		p.unexpected("a field name")
	}
	return p.next().text
}

// uses lists the fields inside n, rising, each once.
func (n *node) uses() []int {
	var out []int
	var walk func(*node)
	walk = func(n *node) {
		if n.kind == fieldNode {
			out = append(out, n.field)
		}
		for _, a := range n.args {
			walk(a)
		}
	}
	walk(n)
	slices.Sort(out)
	return slices.Compact(out)
}
