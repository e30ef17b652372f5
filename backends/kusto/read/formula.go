package read

import (
	"encoding/json"
	"strconv"
	"strings"

	"sigmac/ir"
)

// A formula is a scalar expression that can be computed from the columns of a
// row: a constant, a column, or a function of other formulas.
type formula struct {
	apply  func(args []any) any // nil: a constant or a column
	args   []*formula
	value  any    // of a constant
	column string // of a column
	typ    ir.Type
	inside bool // the column is a place inside a dynamic one
	ready  bool // the column has a scalar of KQL already
	open   bool // whole numbers may be of the type real: they stand in a column
	price  int  // of applying it, beside that of the texts it is given
}

// A computation is of one row.
type computation struct {
	value func(column string) (any, bool)
	done  map[*formula]any
	work  int // that is left
}

func compute(f *formula, value func(column string) (any, bool), work *int) any {
	if *work < 0 {
		return unknown{}
	}
	c := &computation{value, map[*formula]any{}, *work}
	v := c.of(f)
	if *work = c.work; *work < 0 {
		return unknown{}
	}
	return v
}

// These bound the formulas that one predicate is compiled to and the elements of a
// value, the formulas of all predicates of a text, and the work for a row and for all
// constants of a text.
const (
	maxFormula  = 10_000
	maxFormulas = 1 << 20
	rowWork     = 1 << 14
	maxWork     = 1 << 22
	maxSize     = 1 << 16 // of a value
)

// These are the prices of an expression that is compiled and of a term.
const (
	regexpPrice = 500
	termPrice   = 1000
)

// A formulist compiles the expressions of a predicate. Names that stand for one
// expression are one formula.
type formulist struct {
	*reader
	made  int
	names map[nameUse]*formula
	depth int
}

type nameUse struct {
	node  *node
	scope scope
}

// env is what the parameters of a function stand for.
type env map[string]*formula

// compute gives o, which is n, its meaning as a formula where it has one. want is
// the truth that the predicate is about: whether n is true or whether it is false.
func (r *reader) compute(n *node, s scope, o ir.Opaque, want bool) ir.Expr {
	f := r.formula(n, s)
	if f == nil {
		return o
	}
	holds := func(v any) (is, known bool) {
		if _, open := v.(unknown); open {
			return false, false
		}
		b, ok := v.(bool)
		return b == want && ok, ok || v == nil
	}
	if f.apply == nil && f.column == "" {
		if is, known := holds(f.value); known {
			return constant(is)
		}
		return o
	}
	seen := map[string]bool{}
	of := &ir.Formula{Holds: func(value func(string) (any, bool)) (is, known bool) {
		work := rowWork
		return holds(compute(f, value, &work))
	}}
	for _, field := range columns(nil, f, map[*formula]bool{}) {
		if !seen[field.Name] {
			of.Fields = append(of.Fields, field)
		}
		seen[field.Name] = true
	}
	o.Of = of
	return o
}

// fold is the value of an expression without columns.
func (r *reader) fold(n *node, s scope) (any, bool) {
	f := r.formula(n, s)
	if f == nil || f.apply != nil || f.column != "" {
		return nil, false
	}
	v := f.value
	_, open := v.(unknown)
	return v, !open
}

// formula compiles n, while there is room for more.
func (r *reader) formula(n *node, s scope) *formula {
	if r.formulas > maxFormulas {
		return nil
	}
	c := &formulist{reader: r, names: map[nameUse]*formula{}}
	f := c.formula(n, s, nil)
	r.formulas += c.made
	return f
}

func columns(out []ir.Field, f *formula, seen map[*formula]bool) []ir.Field {
	if seen[f] {
		return out
	}
	seen[f] = true
	if f.column != "" {
		out = append(out, ir.Field{Name: f.column, Type: f.typ})
	}
	for _, a := range f.args {
		out = columns(out, a, seen)
	}
	return out
}

// of computes a formula once.
func (c *computation) of(f *formula) any {
	if v, ok := c.done[f]; ok {
		return v
	}
	v := f.value
	switch {
	case f.column != "":
		cell, known := c.value(f.column)
		switch v = any(unknown{}); {
		case known && f.ready:
			v = cell
		case known:
			v = f.cell(cell)
		}
	case f.apply != nil:
		args := make([]any, len(f.args))
		c.work -= 1 + f.price
		for i, a := range f.args {
			args[i] = c.of(a)
			c.work -= size(args[i])
		}
		if v = any(unknown{}); c.work >= 0 {
			v = f.apply(args)
		}
	}
	if size(v) > maxSize {
		v = unknown{}
	}
	c.done[f] = v
	return v
}

// size of a value, in bytes of a text or elements of a list.
func size(v any) int {
	switch v := v.(type) {
	case string:
		return len(v)
	case dynamic:
		list, _ := v.v.([]any)
		bag, _ := v.v.(map[string]any)
		text, _ := v.v.(string)
		n := len(text)
		for _, x := range list {
			n += 8 + size(dynamic{x})
		}
		for key, x := range bag {
			n += 8 + len(key) + size(dynamic{x})
		}
		return n
	}
	return 0
}

// cell is what a column of a row holds.
func (f *formula) cell(v any) any {
	text, isText := v.(string)
	switch {
	case v == nil && f.typ.IsText() && f.typ != ir.Unknown && !f.inside:
		return "" // a text is never null
	case v == nil && f.typ == ir.Unknown && !f.inside:
		return unknown{}
	case v == nil:
		return nil
	case f.typ == ir.Date && isText:
		if at, ok := parseMoment(text); ok {
			return at
		}
		return unknown{}
	case f.inside || f.typ == ir.Dynamic:
		return dynamicOf(v)
	case isText && (f.typ.IsText() || f.typ == ir.Address):
		return text
	}
	if d := dynamicOf(v); f.typ == ir.Numeric || f.typ == ir.Boolean || f.typ == ir.Unknown {
		switch v := d.v.(type) {
		case int64, float64, bool:
			return v
		}
	}
	return unknown{}
}

// dynamicOf is a value of an event as JSON.
func dynamicOf(v any) dynamic {
	switch v := v.(type) {
	case json.Number:
		return dynamic{jsonNumber(string(v))}
	case ir.Number:
		return dynamic{jsonNumber(string(v))}
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = dynamicOf(x).v
		}
		return dynamic{out}
	case map[string]any:
		out := map[string]any{}
		for k, x := range v {
			out[k] = dynamicOf(x).v
		}
		return dynamic{out}
	}
	return dynamic{v}
}

func jsonNumber(s string) any {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n
	}
	x, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return unknown{}
	}
	return x
}

// make is f, or its value where all arguments are constants; nil without an argument
// that was compiled.
func (c *formulist) make(f formula) *formula {
	if c.made++; c.made > maxFormula {
		return nil
	}
	fixed := f.apply != nil
	for _, a := range f.args {
		if a == nil {
			return nil
		}
		f.open = f.open || a.open
		fixed = fixed && a.apply == nil && a.column == ""
	}
	if fixed {
		return &formula{value: compute(&f, nil, &c.work)}
	}
	return &f
}

func (c *formulist) constant(v any) *formula { return c.make(formula{value: v}) }

// strict is a function that is unknown where one of its arguments is.
func strict(do func(args []any) any) func([]any) any {
	return func(args []any) any {
		for _, a := range args {
			if _, open := a.(unknown); open {
				return a
			}
		}
		return do(args)
	}
}

// formula compiles n, or is nil where it has no meaning here.
func (c *formulist) formula(n *node, s scope, e env) *formula {
	c.depth++
	defer func() { c.depth-- }()
	if c.made++; c.made > maxFormula || c.depth > 4*maxNesting {
		return nil
	}
	if c.row != nil {
		if f, ok := c.row.formula(c, n, s, e); ok {
			return f
		}
	}
	args := func(ns []*node) []*formula {
		out := make([]*formula, len(ns))
		for i, a := range ns {
			out[i] = c.formula(a, s, e)
		}
		return out
	}
	switch n.kind {
	case nodeString:
		return c.constant(n.text)
	case nodeNumber:
		return c.constant(c.numberOf(n))
	case nodeBool:
		return c.constant(n.text == "true")
	case nodeNull:
		return c.constant(nil)
	case nodeList:
		return c.make(formula{apply: strict(packArray), args: args(n.args)})
	case nodeAnd, nodeOr:
		decides := n.kind == nodeOr
		return c.make(formula{apply: func(args []any) any { return connect(args, decides) }, args: args(n.args)})
	case nodeSum:
		out := c.formula(n.args[0], s, e)
		for i, a := range n.args[1:] {
			op, whole := n.text[i], false
			if x := c.formula(a, s, e); x != nil && out != nil {
				whole = !x.open && !out.open
				out = c.make(formula{apply: strict(func(args []any) any { return arithmetic(op, args[0], args[1], whole) }), args: []*formula{out, x}})
			} else {
				return nil
			}
		}
		return out
	case nodeBinary:
		return c.comparison(n, args)
	case nodeName:
		return c.name(n, s, e)
	case nodeMember:
		return c.member(n, s, e)
	case nodeCall:
		return c.call(n, s, e)
	case nodeOther:
		return c.other(n, s, e)
	}
	return nil
}

// numberOf is a literal as its type says: long unless it has a fraction or names
// another.
func (c *formulist) numberOf(n *node) any {
	t := c.tokens[n.to-1]
	for i := n.from; i < n.to; i++ {
		if c.tokens[i].kind == tokenNumber {
			t = c.tokens[i]
		}
	}
	source := c.src[t.from:t.to]
	whole, err := strconv.ParseInt(n.text, 10, 64)
	switch {
	case strings.HasPrefix(source, "decimal"):
		if d, ok := parseDecimal(n.text); ok {
			return d
		}
	case strings.HasPrefix(source, "real"), strings.HasPrefix(source, "double"), !strings.ContainsAny(source, "xX(") && strings.ContainsAny(source, ".eE"):
		if x, err := strconv.ParseFloat(n.text, 64); err == nil {
			return x
		}
	case strings.HasPrefix(source, "int") && err == nil && whole == int64(int32(whole)):
		return int32(whole)
	case err == nil:
		return whole
	}
	return unknown{}
}

func (c *formulist) name(n *node, s scope, e env) *formula {
	if f, ok := e[n.text]; ok {
		return f
	}
	b, bound := c.lookup(n.text, s)
	text := c.definition(n.text)
	switch {
	case bound && c.same(text, b), !bound:
		typ, mapped := ir.Unknown, true
		if c.schema != nil {
			typ, mapped = c.schema.Type(c.reader.name, n.text)
		}
		if !mapped {
			return nil
		}
		return c.make(formula{column: n.text, typ: typ, open: typ == ir.Numeric || typ == ir.Unknown})
	case b.node == nil:
		return nil
	}
	use := nameUse{b.node, b.scope}
	f, ok := c.names[use]
	if !ok {
		f = c.formula(b.node, b.scope, nil)
		c.names[use] = f
	}
	return f
}

// member is a place in a dynamic value.
func (c *formulist) member(n *node, s scope, e env) *formula {
	base := c.formula(n.args[0], s, e)
	if base == nil {
		return nil
	}
	key := n.text
	if base.column != "" && (base.inside || base.typ == ir.Dynamic) {
		if !strings.HasPrefix(key, "[") {
			key = "." + key
		}
		return c.make(formula{column: base.column + key, inside: true, open: true})
	}
	return c.make(formula{apply: strict(func(args []any) any { return memberAt(args[0], key) }), args: []*formula{base}})
}

// other is a literal of a time, a negative, or a place whose key is computed.
func (c *formulist) other(n *node, s scope, e env) *formula {
	first := c.tokens[n.from]
	switch {
	case n.to == n.from+1 && first.kind == tokenTime:
		source := c.src[first.from:first.to]
		name, inside, typed := strings.Cut(source, "(")
		if !typed {
			if d, ok := parseSpan(source); ok {
				return c.constant(d)
			}
			return nil
		}
		inside = strings.Trim(strings.TrimSpace(strings.TrimSuffix(inside, ")")), `'"`)
		switch strings.TrimSpace(name) {
		case "datetime", "date":
			if f, ok := e[inside]; ok {
				return c.make(formula{apply: strict(toMoment), args: []*formula{f}})
			}
			if at, ok := parseMoment(inside); ok {
				return c.constant(at)
			}
			if nameLength(inside) == len(inside) && inside != "" { // a column, as some pages write it
				return c.make(formula{apply: strict(toMoment), args: []*formula{c.name(&node{kind: nodeName, text: inside, from: n.from, to: n.to}, s, e)}})
			}
		case "time", "timespan":
			if d, ok := parseSpan(inside); ok {
				return c.constant(d)
			}
		case "guid":
			return c.constant(guid(strings.ToLower(inside)))
		}
	case len(n.args) == 1 && (first.text == "-" || first.text == "+"):
		x := c.formula(n.args[0], s, e)
		minus := first.text == "-"
		return c.make(formula{apply: strict(func(args []any) any {
			if !minus {
				return args[0]
			}
			return arithmetic('-', zeroOf(args[0]), args[0], true)
		}), args: []*formula{x}})
	case len(n.args) == 2 && c.tokens[n.to-1].text == "]":
		return c.make(formula{apply: strict(func(args []any) any {
			switch key := plain(args[1]).(type) {
			case string:
				return memberAt(args[0], key)
			case int64:
				return memberAt(args[0], "["+strconv.FormatInt(key, 10)+"]")
			}
			return unknown{}
		}), args: []*formula{c.formula(n.args[0], s, e), c.formula(n.args[1], s, e)}})
	}
	return nil
}

// comparison compiles a test with an operator; `!op` is its negation.
func (c *formulist) comparison(n *node, args func([]*node) []*formula) *formula {
	if n.args[0].kind == nodeStar {
		return nil
	}
	op, negated := strings.CutPrefix(n.text, "!")
	switch n.text {
	case "!=", "<>":
		op, negated = "==", true
	case "!~":
		op = "=~"
	}
	test := func(args []any) any { return compare(op, args[0], args[1]) }
	right := n.args[1:]
	switch op {
	case "between":
		test = func(args []any) any {
			high := args[2]
			if at, ok := args[1].(moment); ok { // (datetime .. timespan)
				if d, ok := high.(span); ok {
					high = at + moment(d)
				}
			}
			return connect([]any{compare(">=", args[0], args[1]), compare("<=", args[0], high)}, false)
		}
	case "in", "in~", "has_any", "has_all":
		each := map[string]string{"in": "==", "in~": "=~"}[op]
		if each == "" {
			each = "has"
		}
		if n.args[1].kind == nodeList {
			right = n.args[1].args
		}
		test = func(args []any) any {
			var is []any
			for _, a := range args[1:] {
				list, ok := a.(dynamic)
				if elements, isList := list.v.([]any); ok && isList {
					for _, x := range elements {
						is = append(is, compare(each, args[0], plain(dynamic{x})))
					}
				} else {
					is = append(is, compare(each, args[0], a))
				}
			}
			return connect(is, op != "has_all")
		}
	}
	whole := test
	if negated {
		whole = func(args []any) any { return opposite(test(args)) }
	}
	out := c.make(formula{apply: whole, args: append(args(n.args[:1]), args(right)...)})
	if out != nil && op == "matches regex" {
		out.price = regexpPrice
	}
	if o := textOperators[strings.Replace(op, "has_a", "has", 1)]; out != nil && (o.term || strings.HasPrefix(op, "has_a")) {
		out.price = termPrice * len(right)
	}
	return out
}

// call compiles a function: one of the language, or one that a let makes.
func (c *formulist) call(n *node, s scope, e env) *formula {
	if b, bound := before(c.lets[n.text], s.lets); bound {
		return c.lambda(n, s, e, b)
	}
	f, ok := functions()[n.text]
	if !ok || len(n.args) < f.least || f.most >= 0 && len(n.args) > f.most {
		return nil
	}
	if n.text == "extract" && len(n.args) == 4 || n.text == "extract_json" || n.text == "extractjson" {
		return c.extracted(n, s, e)
	}
	args := make([]*formula, len(n.args))
	for i, a := range n.args {
		args[i] = c.formula(a, s, e)
	}
	do := f.do
	if !f.lazy {
		do = strict(do)
	}
	out := c.make(formula{apply: do, args: args, price: f.price})
	if out != nil && f.typed {
		out.open = false
	}
	return out
}

// extracted is a function with a last argument typeof(…).
func (c *formulist) extracted(n *node, s scope, e env) *formula {
	last := n.args[len(n.args)-1]
	f, name := functions()[n.text], "string"
	args := n.args
	if last.kind == nodeCall && last.text == "typeof" && len(last.args) == 1 {
		name, args = last.args[0].text, args[:len(args)-1]
	}
	convert := map[string]string{"string": "tostring", "int": "toint", "long": "tolong", "real": "todouble", "double": "todouble"}[name]
	if convert == "" || len(args) < f.least {
		return nil
	}
	compiled := make([]*formula, len(args))
	for i, a := range args {
		compiled[i] = c.formula(a, s, e)
	}
	return c.make(formula{apply: strict(functions()[convert].do), args: []*formula{c.make(formula{apply: strict(f.do), args: compiled, price: f.price})}})
}

// lambda is a function that a let makes of one expression, `(x: long) { x + 1 }`.
func (c *formulist) lambda(n *node, s scope, e env, b binding) *formula {
	at, depth := c.at, c.depth
	defer func() { c.at, c.depth = at, depth }()
	if b.node != nil || c.tokens[b.from].text != "(" {
		return nil
	}
	inner := env{}
	var body *node
	ok := c.try(func() *node {
		c.at = b.from + 1
		for i := 0; !c.is(")"); i++ {
			name := c.peek()
			if c.at++; name.kind != tokenName || i >= len(n.args) {
				c.unexpected("a parameter")
			}
			c.expect(":")
			c.at++
			inner[name.text] = c.formula(n.args[i], s, e)
			if !c.take(",") {
				break
			}
		}
		c.expect(")")
		c.expect("{")
		body = c.expr()
		c.take(";")
		c.expect("}")
		if c.at != b.to {
			c.unexpected("the end")
		}
		return body
	})
	if ok == nil || len(inner) != len(n.args) {
		return nil
	}
	for _, f := range inner {
		if f == nil {
			return nil
		}
	}
	return c.formula(body, b.scope, inner)
}
