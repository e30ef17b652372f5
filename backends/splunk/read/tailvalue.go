package read

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"sigmac/ir"
	"sigmac/tail"
)

// expr is a value of a row. What asks only for fields of the row's event is a Test, of what
// that means as a filter.
func (t *tailer) expr(n *formula) tail.Expr {
	if e, ok := t.test(n); ok {
		return tail.Test{X: e}
	}
	args := func() (out []tail.Expr) {
		for _, a := range n.args {
			if n.op != "call" || !passes[n.text] {
				t.single(a)
			}
			out = append(out, t.expr(a))
		}
		return out
	}
	switch n.op {
	case "num":
		v, err := strconv.ParseFloat(n.text, 64)
		if err == nil {
			return tail.Const{V: v}
		}
	case "str":
		if n.other == nil {
			return tail.Const{V: n.text}
		}
	case "field":
		return t.column(n.text)
	case "neg":
		return call("neg", negate, args()...)
	case "+", "-", "*", "/", "%", ".":
		out := args()
		x := out[0]
		for _, y := range out[1:] {
			if x = call(n.op, arithmetic(n.op), x, y); n.op == "." {
				x = tail.Sized{X: x}
			}
		}
		return x
	case "=", "!=", "<", "<=", ">", ">=":
		return call(n.op, comparison(n.op), args()...)
	case "and":
		return call("and", and, args()...)
	case "or":
		return call("or", or, args()...)
	case "not":
		if t.nullable(n.args[0]) {
			t.notJudged(n.lo, "NOT of what may be null", "")
		}
		return call("not", not, args()...)
	case "in":
		all := args()
		var out []tail.Expr
		for _, a := range all[1:] {
			out = append(out, call("=", comparison("="), all[0], a))
		}
		return call("or", or, out...)
	case "call":
		f, known := tailFunctions[n.text]
		if known && f.takes(len(n.args)) {
			x := call(n.text, f.do, args()...)
			if n.text == "mvappend" {
				return tail.Sized{X: x}
			}
			return x
		}
	}
	t.notJudged(n.lo, "`"+trim(t.text[n.lo:n.hi])+"`", "")
	return nil
}

// passes are the functions that hand on a list as it is, or ask whether there is one.
var passes = map[string]bool{"if": true, "case": true, "coalesce": true, "mvappend": true, "mvdedup": true, "mvcount": true, "isnull": true, "isnotnull": true}

// single supposes that what n hands on of an event is no list.
func (t *tailer) single(n *formula) {
	switch {
	case n.op == "field" && n.text != "_time" && t.kind(n.text) == ownColumn:
		t.assume(singleValue)
	case n.op == "call" && passes[n.text]:
		for _, a := range n.args {
			t.single(a)
		}
	}
}

// predicates are the functions that are true or false of an event.
var predicates = map[string]bool{"isnull": true, "isnotnull": true, "isnum": true, "match": true, "like": true, "cidrmatch": true, "searchmatch": true, "in": true}

// test is what n asks of the row's event, if it asks for nothing else.
func (t *tailer) test(n *formula) (ir.Expr, bool) {
	switch n.op {
	case "and", "or", "not", "=", "!=", "<", "<=", ">", ">=", "in", "like":
	case "call":
		if !predicates[n.text] {
			return nil, false
		}
	default:
		return nil, false
	}
	searches := false
	for _, name := range fields(n) {
		if t.kind(name) != ownColumn {
			return nil, false
		}
		searches = true
	}
	var walk func(n *formula)
	walk = func(n *formula) {
		searches = searches || n.op == "call" && n.text == "searchmatch"
		for _, a := range n.args {
			walk(a)
		}
	}
	walk(n)
	if !searches || !t.events {
		return nil, false
	}
	assumed := maps.Clone(t.assumed)
	e := t.truth(n).yes
	known := true
	ir.Walk(e, func(e ir.Expr) {
		_, opaque := e.(ir.Opaque)
		known = known && !opaque
	})
	if !known || !t.own(e) {
		clear(t.assumed)
		maps.Copy(t.assumed, assumed)
		return nil, false
	}
	return e, true
}

// nullable says whether n may be null.
func (t *tailer) nullable(n *formula) bool {
	if _, ok := t.test(n); ok {
		return false
	}
	switch n.op {
	case "num", "str":
		return false
	case "field":
		return !t.is(n.text, present)
	case "/", "%":
		return true
	case "call":
		switch n.text {
		case "isnull", "isnotnull", "true", "false":
			return false
		case "if":
			return len(n.args) != 3 || t.nullable(n.args[1]) || t.nullable(n.args[2])
		case "case":
			k := len(n.args)
			if k < 2 || k%2 != 0 || n.args[k-2].op != "call" || n.args[k-2].text != "true" {
				return true
			}
			for i := 1; i < k; i += 2 {
				if t.nullable(n.args[i]) {
					return true
				}
			}
			return false
		case "split":
			return slices.ContainsFunc(n.args, t.nullable)
		case "coalesce", "mvappend":
			return !slices.ContainsFunc(n.args, func(a *formula) bool { return !t.nullable(a) })
		}
		return true
	}
	return slices.ContainsFunc(n.args, t.nullable)
}

func call(name string, do func([]tail.Value) tail.Value, args ...tail.Expr) tail.Expr {
	return tail.Call{Name: name, Args: args, Do: do}
}

// A tailFunction is a function of eval over the values of a row (Search Reference: Evaluation
// functions).
type tailFunction struct {
	least, most int // arguments; -1: any number
	do          func(args []tail.Value) tail.Value
}

func (f tailFunction) takes(n int) bool { return n >= f.least && (n <= f.most || f.most < 0) }

var tailFunctions = map[string]tailFunction{
	"if":        {3, 3, choose},
	"case":      {2, -1, choose},
	"coalesce":  {1, -1, coalesced},
	"null":      {0, 0, func([]tail.Value) tail.Value { return nil }},
	"true":      {0, 0, func([]tail.Value) tail.Value { return true }},
	"false":     {0, 0, func([]tail.Value) tail.Value { return false }},
	"isnull":    {1, 1, isNull},
	"isnotnull": {1, 1, isNotNull},
	"floor":     {1, 1, numeric(math.Floor)},
	"ceiling":   {1, 1, numeric(math.Ceil)},
	"ceil":      {1, 1, numeric(math.Ceil)},
	"abs":       {1, 1, numeric(math.Abs)},
	"round":     {1, 1, numeric(math.Round)},
	"exact":     {1, 1, numeric(func(x float64) float64 { return x })},
	"tonumber":  {1, 1, numeric(func(x float64) float64 { return x })},
	"mvappend":  {1, -1, func(args []tail.Value) tail.Value { return listOf(flat(args)) }},
	"mvdedup":   {1, 1, distinctValues},
	"split": {2, 2, func(args []tail.Value) tail.Value {
		if args[0] == nil || args[1] == nil || args[1] == "" {
			return nil
		}
		var out []tail.Value
		for _, s := range strings.Split(textOf(args[0]), textOf(args[1])) {
			out = append(out, s)
		}
		return listOf(out)
	}},
	"mvcount": {1, 1, func(args []tail.Value) tail.Value {
		if n := len(flat(args)); n > 0 {
			return float64(n)
		}
		return nil
	}},
	"len": {1, 1, func(args []tail.Value) tail.Value {
		if args[0] == nil {
			return nil
		}
		return float64(len([]rune(textOf(args[0]))))
	}},
}

// choose is `if` and `case`: the value behind the first condition that is true.
func choose(args []tail.Value) tail.Value {
	for i := 0; i+1 < len(args); i += 2 {
		if args[i] == true {
			return args[i+1]
		}
	}
	if len(args)%2 == 1 {
		return args[len(args)-1]
	}
	return nil
}

func coalesced(args []tail.Value) tail.Value {
	for _, a := range args {
		if a != nil {
			return a
		}
	}
	return nil
}

func isNull(args []tail.Value) tail.Value    { return args[0] == nil }
func isNotNull(args []tail.Value) tail.Value { return args[0] != nil }
func isTrue(args []tail.Value) tail.Value    { return args[0] == true }
func not(args []tail.Value) tail.Value       { return args[0] != true }

// and is true where all are; what is null or false besides makes no difference to a filter.
func and(args []tail.Value) tail.Value {
	for _, a := range args {
		if a != true {
			return false
		}
	}
	return true
}

func or(args []tail.Value) tail.Value { return slices.Contains(args, tail.Value(true)) }

// numberOf is a value that is a number, also as a text.
func numberOf(v tail.Value) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case string:
		if n, ok := ir.ParseNumber(v); ok {
			f, err := strconv.ParseFloat(string(n), 64)
			return f, err == nil
		}
	}
	return 0, false
}

func textOf(v tail.Value) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return tail.Key(v)
}

func numeric(f func(float64) float64) func([]tail.Value) tail.Value {
	return func(args []tail.Value) tail.Value {
		if x, ok := numberOf(args[0]); ok {
			return f(x)
		}
		return nil
	}
}

func negate(args []tail.Value) tail.Value {
	return numeric(func(x float64) float64 { return 0 - x })(args)
}

func arithmetic(op string) func([]tail.Value) tail.Value {
	return func(args []tail.Value) tail.Value {
		if op == "." {
			if args[0] == nil || args[1] == nil {
				return nil
			}
			return textOf(args[0]) + textOf(args[1])
		}
		x, isX := numberOf(args[0])
		y, isY := numberOf(args[1])
		switch {
		case !isX || !isY:
			return nil
		case op == "+":
			return x + y
		case op == "-":
			return x - y
		case op == "*":
			return x * y
		case y == 0: // Search Reference: stats, Numeric calculations
			return nil
		case op == "/":
			return x / y
		}
		return math.Mod(x, y)
	}
}

// comparison compares two values as numbers where both can be, and one is; else texts. It
// is null where one is null, and of a list, of which no document says what becomes.
func comparison(op string) func([]tail.Value) tail.Value {
	return func(args []tail.Value) tail.Value {
		a, b := args[0], args[1]
		for _, v := range args {
			switch v.(type) {
			case float64, string:
			default:
				return nil
			}
		}
		x, isX := numberOf(a)
		y, isY := numberOf(b)
		_, textX := a.(string)
		_, textY := b.(string)
		order := 0
		switch {
		case isX && isY && !(textX && textY && (op == "=" || op == "!=")):
			order = cmp.Compare(x, y)
		default:
			order = strings.Compare(textOf(a), textOf(b))
		}
		switch op {
		case "=":
			return order == 0
		case "!=":
			return order != 0
		case "<":
			return order < 0
		case "<=":
			return order <= 0
		case ">":
			return order > 0
		}
		return order >= 0
	}
}

// equalText is `=` of the command `search`, which ignores case and takes the values of a list
// one by one.
func equalText(args []tail.Value) tail.Value {
	return slices.ContainsFunc(flat(args[:1]), func(v tail.Value) bool { return strings.EqualFold(textOf(v), textOf(args[1])) })
}

func bin(args []tail.Value) tail.Value {
	x, ok := numberOf(args[0])
	if !ok {
		return nil
	}
	span := args[1].(float64)
	return math.Floor(x/span) * span
}

func sortAuto(args []tail.Value) tail.Value {
	if x, ok := numberOf(args[0]); ok {
		return x
	}
	return args[0]
}

func sortText(args []tail.Value) tail.Value {
	if args[0] == nil {
		return nil
	}
	return textOf(args[0])
}

// flat are values without nulls, those of a list one by one.
func flat(vs []tail.Value) (out []tail.Value) {
	for _, v := range vs {
		switch v := v.(type) {
		case nil:
		case []tail.Value:
			out = append(out, flat(v)...)
		default:
			out = append(out, v)
		}
	}
	return out
}

// listOf is a field with these values: null where there are none, and one where there is one.
func listOf(vs []tail.Value) tail.Value {
	switch len(vs) {
	case 0:
		return nil
	case 1:
		return vs[0]
	}
	return vs
}

// distinctValues are those of a field, each once.
func distinctValues(args []tail.Value) tail.Value {
	var out []tail.Value
	seen := map[string]bool{}
	for _, v := range flat(args) {
		if s := textOf(v); !seen[s] {
			seen[s] = true
			out = append(out, v)
		}
	}
	return listOf(out)
}

// aggregate reads a function of stats and its like, `f(x)` or `count`. The column is called as
// it is written where it has no other name.
func (t *tailer) aggregate(w tailWord, as string) (agg tail.Agg, of trait) {
	text := t.word(w)
	if as == "" {
		as = strings.Join(strings.Fields(text), "")
	}
	open := strings.IndexByte(text, '(')
	if open < 0 {
		if f := strings.ToLower(text); f == "count" || f == "c" {
			if as == "c" {
				as = "count"
			}
			return tail.Agg{As: as, Name: "count", Of: tail.Const{V: true}, Do: counted}, counts
		}
		t.notJudged(w.lo, "`"+text+"` as a function over a field", "")
	}
	f := strings.ToLower(text[:open])
	do, known := aggregates[f]
	if !known || !strings.HasSuffix(text, ")") {
		t.notJudged(w.lo, "`"+text+"`", map[bool]string{true: "limits.conf knows two methods of percentiles (perc_method), and the documents differ on which holds"}[ranked(f)])
	}
	inner := tailWord{w.lo + open + 1, w.hi - 1}
	for inner.lo < inner.hi && isSpace(t.text[inner.lo]) {
		inner.lo++
	}
	for inner.lo < inner.hi && isSpace(t.text[inner.hi-1]) {
		inner.hi--
	}
	var x tail.Expr
	switch arg := t.word(inner); {
	case arg == "" && (f == "count" || f == "c"):
		return tail.Agg{As: as, Name: "count", Of: tail.Const{V: true}, Do: counted}, counts
	case strings.HasPrefix(strings.ToLower(arg), "eval(") && strings.HasSuffix(arg, ")"):
		n := t.formula(inner.lo+len("eval("), inner.hi-1)
		x, of = t.expr(n), whole.when(t.each(n, whole))|notBlank.when(t.each(n, notBlank))
	default:
		name := t.named(inner)
		x, of = t.column(name), t.traits[name]&(whole|notBlank)
	}
	switch f {
	case "count", "c", "dc", "distinct_count":
		of = counts
	case "sum":
		if of &= whole; of == 0 {
			t.assume(doubleSums)
		}
		of |= notBlank
	case "avg", "mean":
		of = notBlank
		t.assume(doubleSums)
	case "first", "last", "list":
		t.inOrder(w.lo, "`"+text+"`", nil)
	case "earliest", "latest":
		t.assume(tieOrder)
		x = call("at", func(args []tail.Value) tail.Value { return []tail.Value{args[0], args[1]} }, t.column("_time"), x)
	}
	return tail.Agg{As: as, Name: f, Of: x, Do: do}, of
}

// counts are the traits of a number of rows or values.
const counts = present | whole | notBlank

// ranked says whether f is one of the functions for percentiles.
func ranked(f string) bool {
	for _, p := range []string{"perc", "exactperc", "upperperc", "median", "p"} {
		if rest, ok := strings.CutPrefix(f, p); ok && strings.Trim(rest, "0123456789.") == "" {
			return true
		}
	}
	return false
}

// aggregates are the functions over rows (Search Reference: Statistical and charting
// functions). They see each value of a list.
var aggregates = map[string]func(vs []tail.Value) tail.Value{
	"count": counted, "c": counted, "dc": distinct, "distinct_count": distinct,
	"sum": func(vs []tail.Value) tail.Value {
		return folded(vs, func(xs []float64) (s float64) {
			for _, x := range xs {
				s += x
			}
			return s
		})
	},
	"avg": average, "mean": average,
	"min": func(vs []tail.Value) tail.Value { return extreme(vs, -1) },
	"max": func(vs []tail.Value) tail.Value { return extreme(vs, 1) },
	"range": func(vs []tail.Value) tail.Value {
		return folded(vs, func(xs []float64) float64 { return slices.Max(xs) - slices.Min(xs) })
	},
	"values": func(vs []tail.Value) tail.Value {
		out := flat([]tail.Value{distinctValues(vs)})
		slices.SortFunc(out, func(a, b tail.Value) int { return strings.Compare(textOf(a), textOf(b)) })
		return listOf(out)
	},
	"list": func(vs []tail.Value) tail.Value { // limits.conf.spec: list_maxsize
		out := flat(vs)
		return listOf(out[:min(len(out), 100)])
	},
	"first":    func(vs []tail.Value) tail.Value { return coalesced(vs) },
	"last":     func(vs []tail.Value) tail.Value { vs = slices.Clone(vs); slices.Reverse(vs); return coalesced(vs) },
	"earliest": func(vs []tail.Value) tail.Value { return dated(vs, -1) },
	"latest":   func(vs []tail.Value) tail.Value { return dated(vs, 1) },
}

// counted are the values that are there; of a predicate, how often it is true.
func counted(vs []tail.Value) tail.Value {
	n := 0.0
	for _, v := range flat(vs) {
		if v != false {
			n++
		}
	}
	return n
}

func distinct(vs []tail.Value) tail.Value {
	return float64(len(flat([]tail.Value{distinctValues(vs)})))
}

// folded is a number of those that are numbers, and null of none.
func folded(vs []tail.Value, f func([]float64) float64) tail.Value {
	var xs []float64
	for _, v := range flat(vs) {
		if x, ok := numberOf(v); ok {
			xs = append(xs, x)
		}
	}
	if len(xs) == 0 {
		return nil
	}
	return f(xs)
}

func average(vs []tail.Value) tail.Value {
	return folded(vs, func(xs []float64) (s float64) {
		for _, x := range xs {
			s += x
		}
		return s / float64(len(xs))
	})
}

// extreme is the largest or smallest value: numbers stand before texts.
func extreme(vs []tail.Value, sign int) (out tail.Value) {
	for _, v := range flat(vs) {
		if v = sortAuto([]tail.Value{v}); out == nil || tail.Compare(v, out)*sign > 0 {
			out = v
		}
	}
	return out
}

// dated is the value of the earliest or latest of pairs of a time and a value.
func dated(vs []tail.Value, sign int) (out tail.Value) {
	var at tail.Value
	for _, v := range vs {
		pair := v.([]tail.Value)
		if pair[0] == nil || pair[1] == nil {
			continue
		}
		if at == nil || tail.Compare(pair[0], at)*sign > 0 {
			at, out = pair[0], pair[1]
		}
	}
	return out
}
