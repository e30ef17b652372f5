package read

import (
	"strings"

	"sigmac/ir"
)

// A node is a scalar expression as it is written.
type node struct {
	kind     nodeKind
	text     string // of a name, a member or a literal; the operator or the function
	args     []*node
	from, to int // tokens
}

type nodeKind uint8

const (
	nodeName   nodeKind = iota
	nodeMember          // a.b, a["b"], a[0]: Text of args[0]
	nodeString
	nodeNumber
	nodeBool
	nodeNull
	nodeList
	nodeStar
	nodeAnd
	nodeOr
	nodeBinary
	nodeSum // operands with an operator, one of + - * / %, before each but the first
	nodeCall
	nodeTable // a query inside an expression
	nodeOther // an expression that has no meaning in the IR, whatever its parts
)

const maxNesting = 200

func (r *reader) peek() token { return r.tokens[r.at] }

// ahead is the token after the next one.
func (r *reader) ahead() token { return r.tokens[min(r.at+1, len(r.tokens)-1)] }

// step goes over the next token, which is not the end of the text.
func (r *reader) step() {
	if r.at == len(r.tokens)-1 {
		r.unexpected("a value")
	}
	r.at++
}

// is says whether the next token is one of these names or marks.
func (r *reader) is(texts ...string) bool {
	t := r.peek()
	if t.kind != tokenName && t.kind != tokenMark {
		return false
	}
	for _, s := range texts {
		if t.text == s {
			return true
		}
	}
	return false
}

func (r *reader) take(texts ...string) bool {
	ok := r.is(texts...)
	if ok {
		r.step()
	}
	return ok
}

func (r *reader) expect(text string) {
	if !r.take(text) {
		r.unexpected(text)
	}
}

func (r *reader) unexpected(want string) {
	t := r.peek()
	if t.kind == tokenEnd {
		refuse(t.pos, "the query ends where "+want+" should stand")
	}
	refuse(t.pos, "expected "+want+", found "+r.src[t.from:t.to])
}

func (r *reader) node(kind nodeKind, from int, text string, args ...*node) *node {
	return &node{kind, text, args, from, r.at}
}

func (r *reader) expr() *node { return r.chain(nodeOr, "or", r.conjunction) }

func (r *reader) conjunction() *node { return r.chain(nodeAnd, "and", r.equality) }

func (r *reader) chain(kind nodeKind, word string, part func() *node) *node {
	from := r.at
	args := []*node{part()}
	for r.take(word) {
		args = append(args, part())
	}
	if len(args) == 1 {
		return args[0]
	}
	return r.node(kind, from, word, args...)
}

func (r *reader) equality() *node {
	from := r.at
	left := r.relational()
	op := r.peek().text
	switch {
	case r.take("==", "!=", "<>"):
		return r.node2(from, op, left, r.relational())
	case r.take("in", "!in", "in~", "!in~", "has_any", "has_all"):
		right := r.at
		if !r.is("(") {
			return r.node2(from, op, left, r.relational())
		}
		list := r.node(nodeList, right, "", r.arguments()...)
		list.to = r.at
		return r.node2(from, op, left, list)
	case r.take("between", "!between"):
		r.expect("(")
		low := r.sum()
		r.expect("..")
		high := r.sum()
		r.expect(")")
		return r.node(nodeBinary, from, op, left, low, high)
	}
	return left
}

// node2 is made after its operands are read.
func (r *reader) node2(from int, op string, left, right *node) *node {
	return r.node(nodeBinary, from, op, left, right)
}

func (r *reader) relational() *node {
	from := r.at
	left := r.sum()
	if op := r.peek().text; r.take("<", "<=", ">", ">=") {
		return r.node2(from, op, left, r.sum())
	}
	return left
}

func (r *reader) sum() *node     { return r.arithmetic([]string{"+", "-"}, r.product) }
func (r *reader) product() *node { return r.arithmetic([]string{"*", "/", "%"}, r.stringTest) }

func (r *reader) arithmetic(ops []string, part func() *node) *node {
	from := r.at
	args := []*node{part()}
	var signs []byte
	for op := r.peek().text; r.take(ops...); op = r.peek().text {
		signs = append(signs, op...)
		args = append(args, part())
	}
	if len(args) == 1 {
		return args[0]
	}
	return r.node(nodeSum, from, string(signs), args...)
}

// stringOperators bind tighter than arithmetic does (Kusto.g4,
// stringBinaryOperatorExpression).
var stringOperators = strings.Fields("=~ !~ contains !contains contains_cs !contains_cs startswith !startswith " +
	"startswith_cs !startswith_cs endswith !endswith endswith_cs !endswith_cs has !has has_cs !has_cs " +
	"hasprefix !hasprefix hasprefix_cs !hasprefix_cs hassuffix !hassuffix hassuffix_cs !hassuffix_cs")

func (r *reader) stringTest() *node {
	from := r.at
	left := r.unary()
	op := r.peek().text
	switch {
	case r.take(stringOperators...), r.terms && r.take(":"):
		return r.node2(from, op, left, r.unary())
	case r.is("matches") && r.ahead().text == "regex":
		r.step()
		r.step()
		return r.node2(from, "matches regex", left, r.unary())
	}
	return left
}

func (r *reader) unary() *node {
	from := r.at
	if !r.is("-", "+") {
		return r.postfix()
	}
	minus := r.peek().text == "-"
	r.step()
	n := r.postfix()
	if n.kind == nodeNumber && (!minus || n.text != "0") {
		if minus {
			n.text = "-" + n.text
		}
		n.from = from
		return n
	}
	return r.node(nodeOther, from, "", n)
}

func (r *reader) postfix() *node {
	from := r.at
	n := r.primary()
	for steps := 0; ; steps++ {
		if steps > maxNesting {
			r.tooDeep()
		}
		switch {
		case r.is(".") && r.ahead().text == "[":
			r.step()
		case r.take("."):
			name := r.peek()
			if name.kind != tokenName && name.kind != tokenBool && name.kind != tokenNull {
				r.unexpected("a name")
			}
			r.step()
			if r.is("(") {
				args := r.arguments()
				n = r.node(nodeOther, from, "", append(args, n)...)
				continue
			}
			n = r.node(nodeMember, from, name.text, n)
		case r.is("["):
			r.step()
			n = r.index(from, n)
		default:
			return n
		}
	}
}

func (r *reader) index(from int, base *node) *node {
	i := r.inside(r.expr)
	r.expect("]")
	switch i.kind {
	case nodeString:
		return r.node(nodeMember, from, i.text, base)
	case nodeNumber:
		return r.node(nodeMember, from, "["+i.text+"]", base)
	}
	return r.node(nodeOther, from, "", base, i)
}

// inside counts the nesting.
func (r *reader) inside(read func() *node) *node {
	if r.depth++; r.depth > maxNesting {
		r.tooDeep()
	}
	n := read()
	r.depth--
	return n
}

func (r *reader) tooDeep() { refuse(r.peek().pos, "the query is nested too deeply") }

func (r *reader) primary() *node {
	from, t := r.at, r.peek()
	if t.kind == tokenEnd {
		r.unexpected("an expression")
	}
	r.step()
	switch t.kind {
	case tokenString:
		var b strings.Builder
		b.WriteString(t.text)
		for ; r.peek().kind == tokenString; r.step() {
			b.WriteString(r.peek().text)
		}
		return r.node(nodeString, from, b.String())
	case tokenNumber:
		return r.node(nodeNumber, from, t.text)
	case tokenBool:
		return r.node(nodeBool, from, t.text)
	case tokenNull:
		return r.node(nodeNull, from, "")
	case tokenTime:
		return r.node(nodeOther, from, "")
	case tokenName:
		if !r.is("(") {
			return r.node(nodeName, from, t.text)
		}
		if t.text == "dynamic" {
			r.step()
			n := r.inside(r.json)
			r.expect(")")
			n.from, n.to = from, r.at
			return n
		}
		if t.text == "datatable" {
			return r.datatable(from)
		}
		args := r.arguments()
		return r.node(nodeCall, from, t.text, args...)
	}
	switch t.text {
	case "*":
		if t.kind == tokenMark {
			return r.node(nodeStar, from, "")
		}
	case "[":
		name := r.peek()
		if name.kind != tokenString {
			r.unexpected("a name in quotes")
		}
		r.step()
		r.expect("]")
		return r.node(nodeName, from, name.text)
	case "(":
		n := r.inside(r.argument)
		if r.is(",") { // a list of columns
			for r.take(",") {
				r.inside(r.argument)
			}
			n = r.node(nodeOther, from, "")
		}
		r.expect(")")
		if n.kind == nodeTable || n.kind == nodeOther {
			return n
		}
		out := *n
		out.from, out.to = from, r.at
		return &out
	}
	r.at--
	r.unexpected("an expression")
	return nil
}

func (r *reader) arguments() []*node {
	r.expect("(")
	var out []*node
	for !r.is(")") {
		out = append(out, r.inside(r.argument))
		if !r.take(",") {
			break
		}
	}
	r.expect(")")
	return out
}

// argument reads an expression, or a whole query in its place.
func (r *reader) argument() *node {
	from := r.at
	if r.is("union", "externaldata", "print", "search", "find", "let") || r.is("range") && r.ahead().text != "(" {
		return r.table(from)
	}
	n := r.expr()
	if n.kind == nodeName && r.take("=") {
		n = r.node(nodeOther, from, "", r.expr())
		n.to = r.at
	}
	if r.is("|") {
		return r.table(from)
	}
	return n
}

func (r *reader) table(from int) *node {
	r.skip(")")
	return r.node(nodeTable, from, "")
}

// skip goes to one of these marks outside all brackets, or to the end.
func (r *reader) skip(marks ...string) {
	var open []token
	for {
		t := r.peek()
		switch {
		case t.kind == tokenEnd:
			if len(open) > 0 {
				refuse(open[len(open)-1].pos, open[len(open)-1].text+" is not closed")
			}
			return
		case len(open) == 0 && r.is(marks...):
			return
		case r.is("(", "[", "{"):
			open = append(open, t)
		case r.is(")", "]", "}"):
			if len(open) == 0 || !closes(open[len(open)-1].text, t.text) {
				r.unexpected("another bracket")
			}
			open = open[:len(open)-1]
		}
		r.step()
	}
}

func closes(open, end string) bool {
	return map[string]string{"(": ")", "[": "]", "{": "}"}[open] == end
}

// json reads the inside of dynamic(…).
func (r *reader) json() *node {
	from := r.at
	switch {
	case r.take("["):
		var out []*node
		for !r.is("]") {
			out = append(out, r.inside(r.json))
			if !r.take(",") {
				break
			}
		}
		r.expect("]")
		return r.node(nodeList, from, "", out...)
	case r.is("{"):
		r.step()
		r.skip("}")
		r.expect("}")
		return r.node(nodeOther, from, "")
	}
	return r.unary()
}

// datatable reads a literal table; one column of it is a list.
func (r *reader) datatable(from int) *node {
	columns := 0
	r.expect("(")
	for !r.take(")") {
		if r.is(":") {
			columns++
		}
		if r.peek().kind == tokenEnd {
			r.unexpected(")")
		}
		r.step()
	}
	r.expect("[")
	var out []*node
	for !r.is("]") {
		out = append(out, r.inside(r.expr))
		if !r.take(",") {
			break
		}
	}
	r.expect("]")
	if columns != 1 {
		return r.node(nodeTable, from, "")
	}
	return r.node(nodeList, from, "", out...)
}

func (r *reader) pos(n *node) ir.Pos { return r.tokens[n.from].pos }

// source is the tokens as written, without comments.
func (r *reader) source(from, to int) string {
	var b strings.Builder
	for i, t := range r.tokens[from:to] {
		if i > 0 && r.tokens[from+i-1].to < t.from {
			b.WriteByte(' ')
		}
		b.WriteString(r.src[t.from:t.to])
	}
	return b.String()
}
