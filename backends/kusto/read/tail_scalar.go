package read

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"sigmac/ir"
	"sigmac/tail"
)

// A cell is what is known of the values of a column.
type cell struct {
	kind  kind
	split bool   // a union has two columns in its place, since sources have it with two types
	when  string // not empty: it is the time at which the events of the row happened; of two columns with the same, the same time
}

// A kind is a type of scalars.
type kind uint8

const (
	kindOpen kind = iota // whatever the value says
	kindText
	kindNumber
	kindTruth
	kindDate
	kindSpan
	kindList
	kindNone // nobody knows the values
)

// kinds are those of the names of types (page "Scalar data types").
var kinds = map[string]kind{"string": kindText, "long": kindNumber, "int": kindNumber, "real": kindNumber, "double": kindNumber,

	"decimal": kindNumber, "bool": kindTruth, "boolean": kindTruth, "datetime": kindDate, "date": kindDate, "timespan": kindSpan,
	"time": kindSpan, "dynamic": kindList, "guid": kindOpen}

// A feed is where an expression has a value from.
type feed struct {
	x    tail.Expr
	kind kind
}

// An expression is a scalar of KQL as a value of a row.
type expression struct {
	text string
	f    *formula
	from map[string]feed
	kind kind
}

// Eval computes the scalar. One that no page tells is noted as a column that is not known.
func (x *expression) Eval(f *tail.Frame) tail.Value {
	if o, alone := x.from[x.f.column]; alone && o.kind == kindOpen { // whatever it is, it stays
		return o.x.Eval(f)
	}
	work := rowWork
	v := compute(x.f, func(name string) (any, bool) {
		o := x.from[name]
		return scalar(o.x.Eval(f), o.kind)
	}, &work)
	out, ok := plainValue(v, x.kind)
	if !ok {
		if f.Unknown == nil {
			f.Unknown = map[string]bool{}
		}
		f.Unknown[x.text] = true
	}
	return out
}

func (x *expression) String() string { return x.text }

// epoch is where the times of package tail begin.
var epoch = momentOf(time.Unix(0, 0))

// scalar is a value of a row as KQL has it.
func scalar(v tail.Value, k kind) (any, bool) {
	switch v := v.(type) {
	case nil:
		if k == kindText {
			return "", true // a text is never null
		}
		return nil, k != kindOpen
	case float64:
		ticks := math.Round(v * float64(second))
		switch {
		case k == kindDate:
			return epoch + moment(ticks), true
		case k == kindSpan:
			return span(ticks), true
		case v == math.Trunc(v) && math.Abs(v) < 1<<53:
			return int64(v), true
		}
		return v, true
	case string:
		if k == kindDate {
			return parseMoment(v)
		}
		return v, k == kindText || k == kindList || k == kindOpen
	case []tail.Value:
		out := make([]any, len(v))
		for i, x := range v {
			y, ok := scalar(x, kindList)
			if !ok {
				return nil, false
			}
			out[i] = plain(y)
			if d, ok := out[i].(dynamic); ok {
				out[i] = d.v
			}
		}
		return dynamic{out}, true
	}
	return v, true
}

// plainValue is a scalar of KQL as a value of a row, where its type is the one that was
// expected.
func plainValue(v any, k kind) (tail.Value, bool) {
	switch v := plain(v).(type) {
	case nil:
		return nil, true
	case string:
		return v, k == kindText || k == kindList || k == kindOpen
	case bool:
		return v, k == kindTruth || k == kindList || k == kindOpen
	case guid:
		return string(v), k == kindOpen
	case moment:
		return float64(v-epoch) / float64(second), k == kindDate
	case span:
		return float64(v) / float64(second), k == kindSpan
	case dynamic:
		list, ok := v.v.([]any)
		out := make([]tail.Value, len(list))
		for i, x := range list {
			of := kindList
			switch x.(type) {
			case moment:
				of = kindDate
			case span:
				of = kindSpan
			case []any:
				x = dynamic{x}
			}
			y, fine := plainValue(x, of)
			out[i], ok = y, ok && fine
		}
		return out, ok && (k == kindList || k == kindOpen)
	default:
		x, ok := number(v)
		if !ok {
			return nil, false
		}
		f, _ := x.Float64()
		return f, k == kindNumber || k == kindList || k == kindOpen
	}
}

// lacks notes what is not done here.
func (t *rows) lacks(what string) *formula {
	if t.missing == "" {
		t.missing = what
	}
	return nil
}

// expression reads n as a value of the rows that reach the stage; nil where that is not done.
func (t *rows) expression(n *node, s scope) *expression {
	row, from := t.row, t.from
	t.row, t.from = t, map[string]feed{}
	x := &expression{text: t.canonical(n, s), kind: t.kindOf(n, s), from: t.from}
	x.f = t.reader.formula(n, s)
	t.row, t.from = row, from
	if x.f == nil {
		t.lacks(t.source(n.from, n.to))
		return nil
	}
	return x
}

// must is n as a value of rows; a stage that rests on another is refused.
func (t *rows) must(n *node, s scope) *expression {
	t.missing = ""
	x := t.expression(n, s)
	if x == nil {
		t.notJudged(n, t.missing)
	}
	return x
}

// cellOf is what a formula has from somewhere else.
func (t *rows) cellOf(c *formulist, name string, x tail.Expr, k kind) *formula {
	t.from[name] = feed{x, k}
	return c.make(formula{column: name, ready: true, open: k == kindNumber || k == kindOpen || k == kindList})
}

// columnAt says what is known of a column of that name, if one is meant: a variable hides none
// of which the type is known.
func (t *rows) columnAt(name string, s scope) (cell, bool) {
	c, ok := t.look(name)
	if _, constant := before(t.lets[name], s.lets); ok && constant && c.kind == kindOpen {
		return c, false
	}
	return c, ok
}

// formula compiles what means something else in rows than it does of an event: columns, and
// functions of several rows. It is false where it means the same.
func (t *rows) formula(c *formulist, n *node, s scope, e env) (*formula, bool) {
	switch n.kind {
	case nodeName:
		if _, parameter := e[n.text]; parameter {
			return nil, false
		}
		known, ok := t.columnAt(n.text, s)
		if !ok {
			if _, constant := before(t.lets[n.text], s.lets); !constant {
				refuse(t.pos(n), "there is no column "+n.text)
			}
			return nil, false
		}
		if known.split {
			return t.lacks("the column " + n.text + ", of which tables have several types,"), true
		}
		if known.kind == kindNone {
			return t.lacks("the column " + n.text), true
		}
		return t.cellOf(c, n.text, tail.Column{Name: n.text}, known.kind), true
	case nodeMember:
		if base := n.args[0]; base.kind == nodeName && t.states[base.text] {
			known, ok := t.look(n.text)
			if !ok || known.kind == kindNone {
				return t.lacks("the column " + n.text + " of a step"), true
			}
			name := base.text + "." + n.text
			return t.cellOf(c, name, tail.Known{Name: name}, known.kind), true
		}
		if name, ok := t.inside(n, s); ok {
			return t.cellOf(c, name, tail.Column{Name: name}, kindList), true
		}
	case nodeCall:
		if aggregates()[n.text].do != nil || unjudged()[n.text] {
			if !t.grouped {
				return t.lacks(n.text), true
			}
			return t.aggregate(c, n, s), true
		}
		if rowFunctions[n.text] {
			return t.window(c, n, s), true
		}
	case nodeTable:
		return t.lacks("a query in an expression"), true
	}
	return nil, false
}

// inside is the name of a place in a column of an event, which rows have as a column.
func (t *rows) inside(n *node, s scope) (string, bool) {
	base := n.args[0]
	for base.kind == nodeCall && (base.text == "parse_json" || base.text == "todynamic") && len(base.args) == 1 {
		base = base.args[0]
	}
	name := ""
	switch base.kind {
	case nodeName:
		if !t.events || !t.derived(base, s) || len(t.columns[base.text]) > 0 {
			return "", false
		}
		name = base.text
	case nodeMember:
		outer, ok := t.inside(base, s)
		if !ok {
			return "", false
		}
		name = outer
	default:
		return "", false
	}
	if strings.HasPrefix(n.text, "[") {
		return name + n.text, true
	}
	return name + "." + n.text, true
}

// window compiles a function of the rows around (page "Window functions").
func (t *rows) window(c *formulist, n *node, s scope) *formula {
	if !t.sorted {
		return t.lacks(n.text + " of rows without an order")
	}
	whole := func(i int, or int64) (int64, bool) {
		if i >= len(n.args) {
			return or, true
		}
		v, ok := t.fold(n.args[i], s)
		x, fine := integer(v)
		return x, ok && fine
	}
	switch n.text {
	case "prev", "next":
		if len(n.args) == 0 || len(n.args) > 3 {
			return nil
		}
		before, ok := whole(1, 1)
		of := t.expression(n.args[0], s)
		if !ok || of == nil || before < 0 || before > math.MaxInt32 {
			return nil
		}
		near := tail.Near{Of: of, Before: int(before)}
		if n.text == "next" {
			near.Before = -near.Before
		}
		if len(n.args) == 3 {
			other := t.expression(n.args[2], s)
			if other == nil {
				return nil
			}
			near.Else = other
		}
		return t.cellOf(c, near.String(), near, of.kind)
	case "row_cumsum", "row_number":
		run := tail.Cumulate{As: t.unnamed(), Name: "sum", Of: tail.Const{V: 1.0}, Do: sumUp}
		restart, first := 1, int64(1)
		if n.text == "row_cumsum" {
			if len(n.args) == 0 {
				return nil
			}
			of := t.expression(n.args[0], s)
			if of == nil || of.kind != kindNumber {
				return nil
			}
			run.Of = of
		} else {
			var ok bool
			if first, ok = whole(0, 1); !ok {
				return nil
			}
		}
		if len(n.args) > restart {
			again := t.expression(n.args[restart], s)
			if again == nil || again.kind != kindTruth {
				return nil
			}
			run.Restart = again
		}
		t.add(run)
		sum := t.cellOf(c, run.As, tail.Column{Name: run.As}, kindNumber)
		if first == 1 {
			return sum
		}
		return c.make(formula{apply: strict(func(a []any) any { return arithmetic('+', a[0], first-1, true) }), args: []*formula{sum}})
	}
	return t.lacks(n.text)
}

func sumUp(so, v tail.Value) tail.Value {
	a, _ := so.(float64)
	b, _ := v.(float64)
	return a + b
}

// derived says whether all names in n stand for what the event of a row says itself.
func (t *rows) derived(n *node, s scope) bool {
	t.spend(n)
	if n.kind == nodeName {
		if c, _ := t.columnAt(n.text, s); c.split {
			return false
		}
		b, bound := t.lookup(n.text, s)
		if !bound || t.same(t.definition(n.text), b) {
			return true
		}
		return b.hidden == seen && b.node != nil && t.derived(b.node, b.scope)
	}
	return n.kind != nodeTable && !slices.ContainsFunc(n.args, func(a *node) bool { return !t.derived(a, s) })
}

// test reads n as a test of the event of a row, if it is one: where it is true, and where it is
// false.
func (t *rows) test(n *node) (truth, bool) {
	s := t.scope()
	if !t.events || t.grouped || t.kindOf(n, s) != kindTruth || t.gathers(n.from, n.to, s, map[string]bool{}) || !t.derived(n, s) || n.hasStar() && !t.untouched() {
		return truth{}, false
	}
	out := t.truth(n, s)
	if _, first := t.ops[len(t.ops)-1].(tail.Source); !first && comparesText(out.yes) {
		return truth{}, false // a row has the number, which no test of the event is needed for
	}
	return out, true
}

// comparesText says whether e compares the number that a text is.
func comparesText(e ir.Expr) (is bool) {
	ir.Walk(e, func(e ir.Expr) {
		if m, ok := e.(ir.Match); ok && m.Field.Type.IsText() {
			_, compares := m.Test.(ir.Compare)
			is = is || compares
		}
	})
	return is
}

// canonical is n as a text in which every name is that of a column.
func (t *rows) canonical(n *node, s scope) string {
	t.spend(n)
	var out string
	switch n.kind {
	case nodeName:
		b, constant := before(t.lets[n.text], s.lets)
		if _, ok := t.columnAt(n.text, s); !ok && constant && b.node != nil {
			return "(" + t.canonical(b.node, b.scope) + ")"
		}
		out = n.text
	case nodeString:
		out = strconv.Quote(n.text)
	case nodeNumber, nodeBool, nodeNull, nodeStar, nodeTable:
		out = t.source(n.from, n.to)
	case nodeMember:
		out = t.canonical(n.args[0], s) + "." + n.text
	default:
		parts := make([]string, len(n.args))
		for i, a := range n.args {
			parts[i] = t.canonical(a, s)
		}
		if out = n.text; n.kind == nodeOther {
			out = t.source(n.from, n.to)
		}
		if len(parts) > 0 || n.kind != nodeOther {
			out += "(" + strings.Join(parts, ", ") + ")"
		}
	}
	if t.bytes -= len(out); t.bytes < 0 {
		tooMuch(t.pos(n))
	}
	return out
}

// results are the types of what functions give.
var results = sync.OnceValue(func() map[string]kind {
	out := map[string]kind{}
	for k, names := range map[kind]string{
		kindText: "strcat strcat_delim strcat_array tostring tolower toupper substring replace_string replace_regex replace trim trim_start trim_end " +
			"extract base64_encode_tostring base64_decode_tostring format_datetime format_timespan reverse strrep translate hash_md5 hash_sha1 hash_sha256 tohex",
		kindNumber: "toint tolong todouble toreal todecimal strlen array_length countof indexof datetime_diff hourofday dayofmonth monthofyear getyear " +
			"datetime_part sign ceiling array_index_of row_number row_cumsum count countif dcount dcountif count_distinct count_distinctif",
		kindTruth: "not isempty isnotempty notempty isnull isnotnull notnull tobool set_has_element bag_has_key isnan isinf isfinite " +
			"ipv4_is_in_range ipv4_is_in_any_range ipv4_is_private ipv6_is_in_range ipv6_is_in_any_range ipv4_is_match ipv6_is_match",
		kindDate: "todatetime startofday startofweek startofmonth startofyear endofday endofweek endofmonth endofyear datetime_add",
		kindSpan: "totimespan",
		kindList: "pack_array split range array_concat array_slice array_reverse parse_json todynamic make_list make_set make_list_if make_set_if extract_all",
	} {
		for _, name := range strings.Fields(names) {
			out[name] = k
		}
	}
	return out
})

// alike are functions that give what their argument of this number is.
var alike = map[string]int{"iff": 1, "iif": 1, "case": 1, "coalesce": 0, "min_of": 0, "max_of": 0, "bin": 0, "floor": 0, "bin_at": 0, "abs": 0, "prev": 0,

	"next": 0, "sum": 0, "sumif": 0, "min": 0, "max": 0, "minif": 0, "maxif": 0, "avg": 0, "avgif": 0}

// kindOf is the type of n, as far as it is known.
func (t *rows) kindOf(n *node, s scope) kind {
	t.spend(n)
	switch n.kind {
	case nodeString:
		return kindText
	case nodeNumber:
		return kindNumber
	case nodeBool, nodeAnd, nodeOr, nodeBinary:
		return kindTruth
	case nodeList:
		return kindList
	case nodeName:
		if c, ok := t.columnAt(n.text, s); ok {
			return c.kind
		}
		if b, ok := before(t.lets[n.text], s.lets); ok && b.node != nil {
			return t.kindOf(b.node, b.scope)
		}
	case nodeMember:
		if base := n.args[0]; base.kind == nodeName && t.states[base.text] {
			c, _ := t.look(n.text)
			return c.kind
		}
		return kindList
	case nodeSum:
		k := t.kindOf(n.args[0], s)
		for i, a := range n.args[1:] {
			k = sumOf(n.text[i], k, t.kindOf(a, s))
		}
		return k
	case nodeOther:
		switch first := t.tokens[n.from]; {
		case len(n.args) == 1:
			return t.kindOf(n.args[0], s)
		case first.kind == tokenTime:
			if name, _, typed := strings.Cut(t.src[first.from:first.to], "("); typed {
				return kinds[strings.TrimSpace(name)]
			}
			return kindSpan
		}
	case nodeCall:
		if i, ok := alike[n.text]; ok {
			for ; i < len(n.args); i++ { // null has no type
				if k := t.kindOf(n.args[i], s); k != kindOpen {
					return k
				}
			}
		}
		return results()[n.text]
	}
	return kindOpen
}

// sumOf is the type of a sum and its like (page "Datetime / timespan arithmetic").
func sumOf(op byte, a, b kind) kind {
	switch {
	case a == kindOpen || b == kindOpen:
		return kindOpen
	case a == kindDate && b == kindDate:
		return kindSpan
	case a == kindDate || b == kindDate:
		return kindDate
	case a == kindSpan && b == kindSpan && op == '/':
		return kindNumber
	case a == kindSpan || b == kindSpan:
		return kindSpan
	}
	return kindNumber
}
