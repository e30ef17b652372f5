package read

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	"sigmac/ir"
)

// A value is what a scalar expression is worth: a constant, a field under a
// conversion, a predicate, or a choice of two.
type value struct {
	kind   valueKind
	text   string
	number ir.Number
	list   []value
	field  ir.Field
	via    string // of a field: lower, upper, string, number, length, or a part of a date
	member bool   // the field stands inside a dynamic column
	is     truth  // valueTruth; of valueChoice, where it is a
	a, b   *value
	pos    ir.Pos
}

type valueKind uint8

const (
	valueOther valueKind = iota
	valueText
	valueNumber
	valueNull
	valueList
	valueField
	valueTruth
	valueChoice
)

func (v value) match(f ir.Field, t ir.Test) ir.Expr { return ir.Match{Field: f, Test: t, Pos: v.pos} }

// as is the field, of type t where the schema does not know it.
func (v value) as(t ir.Type) ir.Field {
	f := v.field
	if f.Type == ir.Unknown {
		f.Type = t
	}
	return f
}

// isText says whether the column can be a text.
func (v value) isText() bool { return v.field.Type.IsText() || v.field.Type == ir.Address }

// conversions are the functions of one field that the IR has a test for.
var conversions = map[string]string{"tolower": "lower", "toupper": "upper", "tostring": "string", "todouble": "number",
	"toreal": "number", "todecimal": "number", "toint": "number", "tolong": "number", "strlen": "length",
	"hourofday": "hour", "dayofmonth": "day", "monthofyear": "month", "getmonth": "month", "getyear": "year",
	"week_of_year": "week"}

var dateParts = map[string]bool{"minute": true, "hour": true, "day": true, "week": true, "month": true, "year": true}

func (r *reader) value(n *node, s scope) value {
	r.spend(n)
	if r.depth++; r.depth > 4*maxNesting {
		refuse(r.pos(n), "the query is nested too deeply")
	}
	defer func() { r.depth-- }()
	v := r.meaning(n, s)
	if v.kind == valueOther {
		v = r.folded(n, s)
	}
	v.pos = r.pos(n)
	return v
}

// folded is the value of an expression without columns.
func (r *reader) folded(n *node, s scope) value {
	v, ok := r.fold(n, s)
	if !ok {
		return value{}
	}
	return valueOf(v)
}

func valueOf(v any) value {
	switch v := v.(type) {
	case nil:
		return value{kind: valueNull}
	case bool:
		return value{kind: valueTruth, is: truth{yes: constant(v)}}
	case string:
		return value{kind: valueText, text: v}
	case int32:
		return valueOf(int64(v))
	case int64:
		if n, ok := ir.ParseNumber(strconv.FormatInt(v, 10)); ok {
			return value{kind: valueNumber, number: n}
		}
	case float64:
		if n, ok := ir.ParseNumber(strconv.FormatFloat(v, 'f', -1, 64)); ok {
			return value{kind: valueNumber, number: n}
		}
	case dynamic:
		list, ok := v.v.([]any)
		if !ok {
			switch v.v.(type) {
			case string, int64, float64, bool:
				return valueOf(v.v)
			}
			return value{}
		}
		out := value{kind: valueList}
		for _, x := range list {
			out.list = append(out.list, valueOf(x))
		}
		return out
	}
	return value{}
}

func (r *reader) meaning(n *node, s scope) value {
	switch n.kind {
	case nodeString:
		return value{kind: valueText, text: n.text}
	case nodeNumber:
		return value{kind: valueNumber, number: ir.Number(n.text)}
	case nodeNull:
		return value{kind: valueNull}
	case nodeBool, nodeAnd, nodeOr:
		return value{kind: valueTruth, is: r.truth(n, s)}
	case nodeBinary:
		return value{kind: valueTruth, is: r.truth(n, s)}
	case nodeTable:
		return r.watchlist(n)
	case nodeList:
		out := value{kind: valueList}
		for _, a := range n.args {
			out.list = append(out.list, r.value(a, s))
		}
		return out
	case nodeName:
		b, bound := r.lookup(n.text, s)
		text := r.definition(n.text)
		switch {
		case b.hidden == gone:
			refuse(r.pos(n), "there is no column "+n.text+" behind the stage that drops it")
		case bound && r.same(text, b):
			return r.column(n, n.text, false)
		case !bound && text != "":
			refuse(r.pos(n), "there is no column "+n.text)
		case !bound:
			return r.column(n, n.text, false)
		case b.node == nil:
			return value{}
		}
		return r.value(b.node, b.scope)
	case nodeMember:
		return r.memberOf(n, s)
	case nodeCall:
		return r.result(n, s)
	}
	return value{}
}

// definition is how the caller computes a column, or empty.
func (r *reader) definition(name string) string {
	s, ok := r.schema.(interface {
		Computed(table, name string) string
	})
	if !ok {
		return ""
	}
	return s.Computed(r.name, name)
}

// same says whether a name is bound to that expression.
func (r *reader) same(text string, b binding) bool {
	if text == "" {
		return false
	}
	want := lex(text)
	return slices.EqualFunc(want[:len(want)-1], r.tokens[b.from:b.to], func(a, b token) bool { return a.kind == b.kind && a.text == b.text })
}

func (r *reader) column(n *node, name string, member bool) value {
	v := value{kind: valueField, field: ir.Field{Name: name}, member: member}
	if r.schema == nil {
		return v
	}
	var mapped bool
	v.field.Type, mapped = r.schema.Type(r.name, name)
	if !mapped {
		base, _, _ := strings.Cut(name, ".")
		if _, mapped = r.schema.Type(r.name, base); !member || !mapped {
			refuse(r.pos(n), "there is no column "+name)
		}
	}
	return v
}

// memberOf is a place inside a dynamic column, or in what parse_json makes of a text: of a
// text itself there is none (Microsoft Learn: the dynamic data type).
func (r *reader) memberOf(n *node, s scope) value {
	base := n.args[0]
	for base.kind == nodeCall && (base.text == "parse_json" || base.text == "todynamic" || base.text == "tostring") && len(base.args) == 1 {
		base = base.args[0]
	}
	v := r.value(base, s)
	if v.kind != valueField || v.via != "" && v.via != "string" {
		return value{}
	}
	dot := "."
	if strings.HasPrefix(n.text, "[") {
		dot = ""
	}
	out := r.column(n, v.field.Name+dot+n.text, true)
	if base == n.args[0] && base.kind == nodeName && !v.member && (v.field.Type == ir.Text || out.field.Type == ir.JSON) {
		refuse(r.pos(n), v.field.Name+" is a text, of which a place is parse_json("+v.field.Name+")"+dot+n.text)
	}
	return out
}

// result is what a function gives.
func (r *reader) result(n *node, s scope) value {
	arg := func(i int) value { return r.value(n.args[i], s) }
	name := n.text
	switch {
	case len(n.args) > maxNesting && (name == "case" || name == "coalesce"):
		return value{}
	case (name == "iff" || name == "iif") && len(n.args) == 3, name == "case" && len(n.args)%2 == 1:
		out := arg(len(n.args) - 1)
		for i := len(n.args) - 3; i >= 0; i -= 2 {
			a, b := arg(i+1), out
			out = value{kind: valueChoice, is: r.truth(n.args[i], s), a: &a, b: &b}
		}
		return out
	case name == "coalesce" && len(n.args) > 1:
		return r.firstOf(n, s)
	case name == "column_ifexists" && len(n.args) == 2 && n.args[0].kind == nodeString:
		if r.schema != nil {
			if _, mapped := r.schema.Type(r.name, n.args[0].text); !mapped {
				return arg(1)
			}
		}
		return r.column(n, n.args[0].text, false)
	case name == "pack_array" || name == "set_union":
		out := value{kind: valueList}
		for i := range n.args {
			out.list = append(out.list, arg(i))
		}
		return out
	case (name == "parse_json" || name == "todynamic") && len(n.args) == 1:
		if v := arg(0); v.kind == valueField && v.via == "" {
			v.member = true
			return v
		}
	case name == "datetime_part" && len(n.args) == 2:
		if part := strings.ToLower(arg(0).text); part == "week_of_year" {
			return convert(arg(1), "week")
		} else if dateParts[part] && part != "week" {
			return convert(arg(1), part)
		}
	case conversions[name] != "" && len(n.args) == 1:
		v := convert(arg(0), conversions[name])
		if (name == "toint" || name == "tolong") && v.kind == valueField {
			r.assume("kusto/whole-numbers")
		}
		return v
	}
	if t, ok := r.call(n, s); ok {
		return value{kind: valueTruth, is: t}
	}
	return value{}
}

func (r *reader) assume(id string) { r.assumed[id] = true }

// firstOf is the first argument that is neither null nor empty.
func (r *reader) firstOf(n *node, s scope) value {
	out := r.value(n.args[len(n.args)-1], s)
	if out.kind == valueTruth {
		return value{kind: valueTruth, is: r.coalesce(n, s)}
	}
	for i := len(n.args) - 2; i >= 0; i-- {
		a, b := r.value(n.args[i], s), out
		if a.kind == valueTruth {
			return value{kind: valueTruth, is: r.coalesce(n, s)}
		}
		gone, ok := r.missing(a, true)
		if !ok {
			return value{}
		}
		out = value{kind: valueChoice, is: gone.not(), a: &a, b: &b}
	}
	return out
}

// convert applies a conversion to a field, or to a constant.
func convert(v value, via string) value {
	texts := via == "lower" || via == "upper" || via == "string"
	switch v.kind {
	case valueChoice:
		a, b := convert(*v.a, via), convert(*v.b, via)
		v.a, v.b = &a, &b
		return v
	case valueText:
		switch via {
		case "lower":
			v.text = strings.Map(unicode.ToLower, v.text)
			return v
		case "upper":
			v.text = strings.Map(unicode.ToUpper, v.text)
			return v
		case "string":
			return v
		}
	case valueNumber:
		if via == "string" {
			return value{kind: valueText, text: string(v.number)}
		}
		if via == "number" {
			return v
		}
	case valueField:
		switch {
		case v.via == "", v.via == "string" && (texts || via == "number" && v.isText() || via == "length"):
			if via == "string" && v.field.Type.IsText() && v.field.Type != ir.Unknown {
				v.member = false
				return v
			}
			v.via = via
			return v
		case via == "string" && (v.via == "lower" || v.via == "upper"), v.via == via:
			return v
		}
	}
	return value{}
}

// orders are the orderings, with what each is from the other side and where it
// does not hold.
var orders = map[string]struct {
	op, not ir.Op
	flipped string
}{
	"<":  {ir.Lt, ir.Gte, ">"},
	"<=": {ir.Lte, ir.Gt, ">="},
	">":  {ir.Gt, ir.Lte, "<"},
	">=": {ir.Gte, ir.Lt, "<="},
}

// relate reads `a op b`, where op is not negated. It fails where the IR cannot
// hold that.
func (r *reader) relate(op string, a, b value) (truth, bool) {
	if r.steps--; r.steps < 0 {
		tooMuch(a.pos)
	}
	switch {
	case a.kind == valueOther || b.kind == valueOther:
		return truth{}, false
	case a.kind == valueChoice:
		x, ok := r.relate(op, *a.a, b)
		y, ok2 := r.relate(op, *a.b, b)
		return r.choose(a.is, x, y), ok && ok2
	case b.kind == valueChoice:
		x, ok := r.relate(op, a, *b.a)
		y, ok2 := r.relate(op, a, *b.b)
		return r.choose(b.is, x, y), ok && ok2
	case b.kind == valueField && a.kind != valueField:
		if op == "==" || op == "=~" {
			return r.relate(op, b, a)
		}
		if o, ok := orders[op]; ok {
			return r.relate(o.flipped, b, a)
		}
		return truth{}, false
	case a.kind == valueField && b.kind == valueField:
		return r.relateFields(op, a, b)
	case a.kind == valueField:
		return r.relateField(op, a, b)
	case a.kind == valueTruth && b.kind == valueTruth && op == "==":
		if want, ok := b.is.constant(); ok && want {
			return truth{yes: a.is.yes}, true
		} else if ok {
			return truth{yes: a.is.isFalse()}, true
		} else if _, ok := a.is.constant(); ok {
			return r.relate(op, b, a)
		}
	case a.kind == valueTruth && b.kind == valueNumber && op == "==": // page "The bool data type": true is 1
		switch b.number {
		case "1":
			return a.is, true
		case "0":
			return a.is.not(), true
		}
	case a.kind == valueNumber && b.kind == valueTruth && op == "==":
		return r.relate(op, b, a)
	case a.kind == valueText && b.kind == valueText:
		return relateTexts(op, a.text, b.text)
	case a.kind == valueNumber && b.kind == valueNumber:
		if op == "==" {
			return truth{yes: constant(a.number == b.number)}, true
		}
		if o, ok := orders[op]; ok {
			return truth{yes: constant(o.op.Holds(a.number, b.number))}, true
		}
	}
	return truth{}, false
}

// relateField reads a test of a field with a constant.
func (r *reader) relateField(op string, f, c value) (truth, bool) {
	switch {
	case op == "matches regex":
		if c.kind != valueText || f.via != "" && f.via != "string" || f.via == "" && !f.isText() {
			return truth{}, false
		}
		re, ok := r.regexp(c)
		if !ok {
			return truth{}, false
		}
		return r.orBlank(f, c, re, re.Re.MatchesEmpty()), true
	case c.kind == valueNumber && f.field.Type == ir.Boolean && f.via == "" && op == "==" && (c.number == "0" || c.number == "1"):
		return truth{yes: c.match(f.field, ir.Bool{Value: c.number == "1"})}, true
	case c.kind == valueNumber:
		return r.relateNumber(op, f, c)
	case c.kind == valueTruth && op == "==" && f.via == "" && (f.field.Type == ir.Boolean || f.field.Type == ir.Unknown):
		if want, ok := c.is.constant(); ok {
			return truth{yes: c.match(f.as(ir.Boolean), ir.Bool{Value: want})}, true
		}
	case c.kind == valueText:
		return r.relateText(op, f, c)
	}
	return truth{}, false
}

func (r *reader) relateNumber(op string, f, c value) (truth, bool) {
	order, ordered := orders[op]
	if !ordered && op != "==" {
		return truth{}, false
	}
	test := func(field ir.Field, make func(ir.Op) ir.Test) (truth, bool) {
		if !ordered {
			return truth{yes: c.match(field, make(ir.Eq))}, true
		}
		return truth{c.match(field, make(order.op)), c.match(field, make(order.not))}, true
	}
	compare := func(op ir.Op) ir.Test { return ir.Compare{Op: op, Number: c.number} }
	texts := f.isText() && f.field.Type != ir.Unknown || f.field.Type == ir.Unknown && f.via == "number"
	switch {
	case dateParts[f.via]:
		if f.field.Type != ir.Date && f.field.Type != ir.Unknown {
			return truth{}, false // the function takes a datetime (Microsoft Learn: hourofday)
		}
		return test(f.as(ir.Date), func(op ir.Op) ir.Test { return ir.TimePart{Part: f.via, Op: op, Number: c.number} })
	case f.via == "length":
		return r.length(op, f, c)
	case f.field.Type == ir.Boolean || f.via != "" && f.via != "number":
		return truth{}, false
	case texts && f.via == "number" && !ordered: // any way of writing the number
		low, high := c.match(f.as(ir.Text), compare(ir.Gte)), c.match(f.as(ir.Text), compare(ir.Lte))
		return truth{yes: ir.Conjunction(low, high)}, true
	case texts && f.via == "":
		if ordered {
			return truth{}, false
		}
		r.assume("kusto/number-as-text")
		c.text = string(c.number)
		return r.relateText("==", f, c)
	case texts:
		return test(f.as(ir.Text), compare)
	}
	return test(f.as(ir.Numeric), compare)
}

// length reads a test of strlen. A field without a value has length 0.
func (r *reader) length(op string, f, c value) (truth, bool) {
	const most = 1000 // a regular expression says it
	n := 0
	for _, d := range c.number {
		if n = 10*n + int(d-'0'); d < '0' || d > '9' || n > most {
			return truth{}, false
		}
	}
	low, high := n, n
	switch op {
	case "<", "<=":
		low = 0
		if op == "<" {
			high--
		}
	case ">", ">=":
		high = -1
		if op == ">" {
			low++
		}
	}
	if low == 0 && high == 0 {
		return truth{yes: c.match(f.as(ir.Text), ir.Null{})}, true
	}
	if high == -1 && op[0] == '<' {
		return never, true
	}
	return r.orBlank(f, c, lengthTest(low, high), low == 0), true
}

type textOperator struct {
	shape          ir.Shape
	cased, term    bool
	prefix, suffix bool
}

// textOperators are the tests of a text with another.
var textOperators = map[string]textOperator{
	"==":            {shape: ir.Exact, cased: true},
	"=~":            {shape: ir.Exact},
	"contains":      {shape: ir.Contains},
	"contains_cs":   {shape: ir.Contains, cased: true},
	"startswith":    {shape: ir.Prefix},
	"startswith_cs": {shape: ir.Prefix, cased: true},
	"endswith":      {shape: ir.Suffix},
	"endswith_cs":   {shape: ir.Suffix, cased: true},
	"has":           {term: true},
	"has_cs":        {term: true, cased: true},
	"hasprefix":     {term: true, prefix: true},
	"hasprefix_cs":  {term: true, prefix: true, cased: true},
	"hassuffix":     {term: true, suffix: true},
	"hassuffix_cs":  {term: true, suffix: true, cased: true},
}

func (r *reader) relateText(op string, f, c value) (truth, bool) {
	o, ok := textOperators[op]
	if !ok {
		return truth{}, false
	}
	switch f.via {
	case "":
		if f.field.Type == ir.Numeric && op == "==" {
			n, number := ir.ParseNumber(c.text)
			if !number {
				return truth{}, false
			}
			r.assume("kusto/text-as-number")
			return truth{yes: c.match(f.field, ir.Compare{Op: ir.Eq, Number: n})}, true
		}
		if !f.isText() {
			return truth{}, false
		}
	case "lower", "upper":
		r.assume("fold") // they make two letters meet that no case joins
	case "string":
	default:
		return truth{}, false
	}
	field := f.as(ir.Text)
	switch {
	case c.text == "" && o.term:
		return truth{}, false
	case c.text == "" && o.shape == ir.Exact:
		return truth{yes: c.match(field, ir.Null{})}, true
	case c.text == "":
		return r.orBlank(f, c, ir.NewPattern(false, ir.Part{Kind: ir.AnyRun}), true), true
	case o.term:
		t := termTest(c.text, o, f.via)
		if t == nil {
			return never, true
		}
		return truth{yes: c.match(field, t)}, true
	}
	t, possible := textTest(c.text, o.shape, o.cased, f.via)
	if !possible {
		return never, true
	}
	return truth{yes: c.match(field, t)}, true
}

// orBlank is a test of a text; blank says that the empty text passes.
func (r *reader) orBlank(f, c value, t ir.Test, blank bool) truth {
	field := f.as(ir.Text)
	m := c.match(field, t)
	if !blank {
		return truth{yes: m}
	}
	return truth{yes: ir.Or{c.match(field, ir.Null{}), m}}
}

// relateFields reads a test of two columns.
func (r *reader) relateFields(op string, f, g value) (truth, bool) {
	o, ok := textOperators[op]
	convertible := func(v value) bool { return v.via == "" || v.via == "string" }
	cased := o.cased
	switch {
	case !ok || o.term:
		return truth{}, false
	case f.via == g.via && (f.via == "lower" || f.via == "upper"):
		r.assume("fold")
		cased = false
	case !convertible(f) || !convertible(g):
		return truth{}, false
	case !cased:
		r.assume("kusto/fieldref-fold")
	}
	texts := func(v value) bool { return v.via != "" || v.isText() }
	if !texts(f) || !texts(g) {
		if op != "==" || f.field.Type != g.field.Type || f.via != "" || g.via != "" {
			return truth{}, false
		}
		// Of two nulls, equality is null.
		yes := f.match(f.field, ir.FieldRef{Other: g.field, Shape: ir.Exact, Cased: true})
		nulls := ir.Conjunction(f.match(f.field, ir.Null{}), f.match(g.field, ir.Null{}))
		return truth{yes, ir.Conjunction(ir.Negation(yes), ir.Negation(nulls))}, true
	}
	left, right := f.as(ir.Text), g.as(ir.Text)
	m := f.match(left, ir.FieldRef{Other: right, Shape: o.shape, Cased: cased})
	blank := f.match(right, ir.Null{})
	if o.shape == ir.Exact {
		blank = ir.Conjunction(f.match(left, ir.Null{}), blank)
	}
	return truth{yes: ir.Or{m, blank}}, true
}

func relateTexts(op, s, t string) (truth, bool) {
	o, ok := textOperators[op]
	if !ok || o.term {
		return truth{}, false
	}
	if !o.cased {
		s, t = strings.Map(lowerASCII, s), strings.Map(lowerASCII, t)
	}
	return truth{yes: constant(relations[o.shape](s, t))}, true
}

var relations = map[ir.Shape]func(s, t string) bool{ir.Contains: strings.Contains, ir.Prefix: strings.HasPrefix,
	ir.Suffix: strings.HasSuffix, ir.Exact: func(s, t string) bool { return s == t }}
