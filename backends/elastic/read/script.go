package read

import (
	"encoding/json"
	"maps"
	"math"
	"math/big"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"sigmac/internal/lazy"
	"sigmac/ir"
	"sigmac/regex"
)

// A scriptPred is a condition that a server computes from the values of an event
// (QueryTranslator: ScriptQuery): over what functions make of fields.
type scriptPred struct {
	node   *node
	expr   ir.Opaque // what stands for it where no test of a field means the same
	fields []int
	null   verdictKind        // where all the fields are NULL
	long   bool               // tests would be too long
	built  map[string]ir.Expr // by what the fields are
}

func (p scriptPred) fold(m mapping) verdict {
	if m.null(p.fields) {
		return verdict{kind: p.null}
	}
	key := make([]byte, len(p.fields))
	for i, f := range p.fields {
		if key[i] = byte(m[f].Type); !m[f].mapped {
			key[i] = 0xFF
		}
	}
	if p.built[string(key)] == nil {
		s := &script{node: p.node, fields: m}
		e := s.tests()
		if e == nil || p.long {
			p.expr.Of = s.formula()
			e = p.expr
		}
		p.built[string(key)] = e
	}
	return verdict{isExpr, p.built[string(key)]}
}

// settled makes what needs every value that it asks for unknown where one is.
func settled(holds func(value func(name string) any) (is, known bool)) func(func(string) (any, bool)) (is, known bool) {
	return func(value func(string) (any, bool)) (is, known bool) {
		all := true
		is, known = holds(func(name string) any {
			v, ok := value(name)
			all = all && ok
			return v
		})
		return is, known && all
	}
}

// A script is an expression with the fields that it reads.
type script struct {
	node   *node
	fields mapping
}

func (s *script) formula() *ir.Formula {
	f := &ir.Formula{Holds: settled(s.holds), Try: s.try}
	for _, i := range s.node.uses() {
		if s.fields[i].mapped {
			f.Fields = append(f.Fields, s.fields[i].Field)
		}
	}
	return f
}

// maxSteps bounds the choices of values that a script is run with, times its length.
const maxSteps = 1_000_000

// holds runs the script with each choice of a value for each place where it names
// a field, NULL where the event has none; it selects the event where it is true
// for one of them (MultiValueAwareScriptQuery, multiValueDocValues). A result is
// not known where versions of the server differ, or where the script fails.
func (s *script) holds(value func(field string) any) (holds, known bool) {
	refs := s.node.refs(nil)
	r := &run{fields: s.fields, chosen: make(map[*node]any, len(refs))}
	choices := make([][]any, len(refs))
	for i, ref := range refs {
		if f := s.fields[ref.field]; f.mapped {
			for _, v := range elements(nil, value(f.Name)) {
				choices[i] = append(choices[i], r.stored(f.Type, v))
			}
		}
		if choices[i] == nil {
			choices[i] = []any{nil}
		}
	}
	left := max(1, maxSteps/(1+s.node.end-s.node.start))
	var try func(i int) bool
	try = func(i int) bool {
		if i == len(refs) {
			left--
			return left >= 0 && r.value(s.node) == true && r.trouble == none
		}
		return slices.ContainsFunc(choices[i], func(v any) bool {
			r.chosen[refs[i]] = v
			return left >= 0 && try(i+1)
		})
	}
	holds = try(0)
	return holds, r.trouble == none && left >= 0
}

// elements are the values in v, which may be a list.
func elements(out []any, v any) []any {
	switch v := v.(type) {
	case nil:
		return out
	case []any:
		for _, x := range v {
			out = elements(out, x)
		}
		return out
	}
	return append(out, v)
}

// maxSuggested bounds the values that are tried for a script's fields, and less than
// that are tried for a long one: the script is run with each.
const maxSuggested, maxSuggestedLength = 600, 60_000

// try yields values of the fields, made of the script's constants.
func (s *script) try(yield func(map[string]any) bool) {
	var texts []string
	numbers := map[int64]bool{}
	var visit func(*node)
	visit = func(n *node) {
		switch v := n.value.constant().(type) {
		case string:
			if len(texts) < 4 && len(v) < 200 {
				texts = append(texts, v)
			}
		case int32:
			if len(numbers) < 20 {
				numbers[int64(v)-1], numbers[int64(v)], numbers[int64(v)+1] = true, true, true
			}
		}
		for _, a := range n.args {
			visit(a)
		}
	}
	visit(s.node)
	for n := range int64(17) {
		numbers[n] = true
	}
	sorted := slices.Sorted(maps.Keys(numbers))
	var choices [][]any
	var names []string
	for _, i := range s.node.uses() {
		f := s.fields[i]
		if !f.mapped {
			continue
		}
		var vs []any
		types := typesOf(f.Type)
		if types&numberType != 0 {
			for _, n := range sorted {
				vs = append(vs, ir.Number(strconv.FormatInt(n, 10)))
			}
		}
		switch {
		case types == boolType:
			vs = []any{true, false}
		case types == addressType:
			vs = []any{"10.0.0.1", "192.168.0.1", "203.0.113.7", "2001:db8::7"}
			for _, t := range texts {
				if p, err := netip.ParsePrefix(t); err == nil {
					vs = append(vs, p.Addr().String())
				}
			}
		case types == dateType:
			for _, t := range texts {
				if first, last, ok := dates(t); ok {
					for _, at := range []instant{first, last, first - 1, last + 1} {
						vs = append(vs, time.UnixMilli(int64(at)).UTC().Format("2006-01-02T15:04:05.000Z"))
					}
				}
			}
		case types&textType != 0:
			for _, a := range append(texts, "", "x", "1", "0") {
				for _, b := range append(texts, "", "x") {
					for _, c := range append(texts, "", "x") {
						vs = append(vs, a+b+c, a+strings.ToUpper(b)+c, a+b+c+c)
					}
				}
			}
			for _, n := range sorted {
				if n > 0 && n < 1000 {
					x := strings.Repeat("x", int(n))
					vs = append(vs, x)
					for _, t := range texts {
						vs = append(vs, x+t, t+x)
					}
				}
			}
		}
		if len(vs) == 0 {
			return
		}
		names, choices = append(names, f.Name), append(choices, vs)
	}
	// By turns the same place of each list, and one list after the other.
	for i := range min(maxSuggested, maxSuggestedLength/(1+s.node.end-s.node.start)) {
		try := map[string]any{}
		at := i
		if len(choices) > 1 {
			at = i / 2
		}
		for k, vs := range choices {
			try[names[k]] = vs[at%len(vs)]
			if i%2 == 1 {
				at /= len(vs)
			}
		}
		if !yield(try) {
			return
		}
	}
}

// refs are the places where n names a field.
func (n *node) refs(out []*node) []*node {
	if n.kind == fieldNode {
		return append(out, n)
	}
	for _, a := range n.args {
		out = a.refs(out)
	}
	return out
}

// reduce puts values for the expressions over constants alone, which a server
// computes before it asks for events (ConstantFolding).
func (n *node) reduce() {
	constant := n.kind == callNode || n.kind == arithNode || n.kind == compareNode || n.kind == testNode
	for _, a := range n.args {
		a.reduce()
		constant = constant && a.kind == valueNode
	}
	if !constant {
		return
	}
	r := &run{}
	v := r.value(n)
	switch out, ok := valueOf(v); {
	case r.trouble == failure:
		refuse(n.pos, "a server cannot compute this")
	case r.trouble == none && ok:
		*n = node{kind: valueNode, value: out, start: n.start, end: n.end, pos: n.pos}
	}
}

// A run computes a script once. Values are nil, bool, string, netip.Addr, instant,
// and Java's int32, int64 and float64.
type run struct {
	fields  mapping
	chosen  map[*node]any // by the place of the field
	trouble trouble
}

// trouble is why a run has no result.
type trouble uint8

const (
	none    trouble = iota
	unknown         // it depends on the version of the server, or on more than is known
	failure         // the server answers with an error
)

func (r *run) fail(t trouble) any {
	r.trouble = max(r.trouble, t)
	return nil
}

// stored is a value of an event as a field of a type holds it.
func (r *run) stored(t ir.Type, v any) any {
	number := ""
	switch x := v.(type) {
	case nil:
		return nil
	case json.Number:
		number = string(x)
	case ir.Number:
		number = string(x)
	case bool:
		switch {
		case t == ir.Boolean || t == ir.Unknown:
			return x
		case typesOf(t) == textType:
			return strconv.FormatBool(x)
		}
	case string:
		switch t {
		case ir.Numeric:
			number = x
		case ir.Boolean:
			if b, err := strconv.ParseBool(x); err == nil && (x == "true" || x == "false") {
				return b
			}
		case ir.Address:
			if a, err := netip.ParseAddr(x); err == nil {
				return a.Unmap()
			}
		case ir.Date:
			if first, last, ok := dates(x); ok && (first == last || dateText().MatchString(x)) {
				return first
			}
		default:
			return x
		}
	}
	switch {
	case number == "":
	case typesOf(t) == textType:
		return number
	case t == ir.Date:
		if first, _, ok := dates(number); ok {
			return first
		}
	case t == ir.Numeric || t == ir.Unknown:
		if n, ok := ir.ParseNumber(number); ok {
			return numberOf(string(n))
		}
	}
	return r.fail(unknown)
}

// numberOf is a canonical number as Java has it. A whole one of an event is taken
// to be of an integer type: elastic/whole-numbers.
func numberOf(text string) any {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n
	}
	f, _ := strconv.ParseFloat(text, 64)
	return f
}

// constant is a literal: an integer is an int where it is small enough, else a long.
func (v value) constant() any {
	switch v.kind {
	case boolValue:
		return v.text == "true"
	case stringValue:
		return v.text
	case integerValue:
		if n, err := strconv.ParseInt(v.text, 10, 32); err == nil {
			return int32(n)
		}
		if n, err := strconv.ParseInt(v.text, 10, 64); err == nil {
			return n
		}
	case decimalValue:
		if f, err := strconv.ParseFloat(v.text, 64); err == nil {
			return f
		}
	}
	return nil
}

// valueOf is a result as a literal.
func valueOf(v any) (value, bool) {
	switch v := v.(type) {
	case nil:
		return value{kind: nullValue}, true
	case bool:
		return value{boolValue, strconv.FormatBool(v)}, true
	case string:
		return value{stringValue, v}, true
	case int32, int64:
		return value{integerValue, strconv.FormatInt(wide(v), 10)}, true
	case float64:
		n, ok := ir.ParseNumber(strconv.FormatFloat(v, 'f', -1, 64))
		return value{decimalValue, string(n)}, ok
	}
	return value{}, false
}

func isNumber(v any) bool {
	switch v.(type) {
	case int32, int64, float64:
		return true
	}
	return false
}

func wide(v any) int64 {
	if n, ok := v.(int32); ok {
		return int64(n)
	}
	return v.(int64)
}

func (r *run) value(n *node) any {
	switch n.kind {
	case valueNode:
		v := n.value.constant()
		if v == nil && n.value.kind != nullValue {
			return r.fail(unknown)
		}
		return v
	case fieldNode:
		return r.chosen[n]
	case notNode, andNode, orNode:
		return r.logic(n)
	}
	args := make([]any, len(n.args))
	for i, a := range n.args {
		args[i] = r.value(a)
	}
	if r.trouble != none {
		return nil
	}
	switch n.kind {
	case arithNode:
		if len(args) == 1 {
			if n.ops[0] == "+" {
				return args[0]
			}
			return r.arithmetic("-", int32(0), args[0])
		}
		out := args[0]
		for i, op := range n.ops {
			out = r.arithmetic(op, out, args[i+1])
		}
		return out
	case compareNode:
		return r.compare(n, args[0], args[1])
	case testNode:
		return r.test(n, args[0], args[1:])
	}
	return r.call(n, args)
}

// logic is that of three values (BinaryLogicProcessor). A `not` inside a script is
// taken out of its loop over values by some versions.
func (r *run) logic(n *node) any {
	if n.kind == notNode {
		return r.fail(unknown)
	}
	decides := n.kind == orNode
	var out any = !decides
	for _, a := range n.args {
		switch v := r.value(a); v {
		case nil:
			out = nil
		case decides:
			return decides
		}
	}
	return out
}

// arithmetic follows Arithmetics.java: Java's own, with an error for an overflow.
func (r *run) arithmetic(op string, a, b any) any {
	if a == nil || b == nil || r.trouble != none {
		return nil
	}
	if !isNumber(a) || !isNumber(b) {
		return r.fail(unknown) // a field whose type is not known
	}
	x, xok := a.(float64)
	y, yok := b.(float64)
	if xok || yok {
		if !xok {
			x = float64(wide(a))
		}
		if !yok {
			y = float64(wide(b))
		}
		switch op {
		case "+":
			x += y
		case "-":
			x -= y
		case "*":
			x *= y
		case "/":
			x /= y
		default:
			x = math.Mod(x, y)
		}
		if math.IsInf(x, 0) || math.IsNaN(x) {
			return r.fail(unknown)
		}
		return x
	}
	_, small := a.(int32)
	_, both := b.(int32)
	small = small && both
	m, n := big.NewInt(wide(a)), big.NewInt(wide(b))
	out := new(big.Int)
	switch op {
	case "+":
		out.Add(m, n)
	case "-":
		out.Sub(m, n)
	case "*":
		out.Mul(m, n)
	default:
		if n.Sign() == 0 {
			return r.fail(failure)
		}
		if op == "/" {
			out.Quo(m, n)
		} else {
			out.Rem(m, n)
		}
	}
	switch {
	case !out.IsInt64(), small && int64(int32(out.Int64())) != out.Int64():
		return r.fail(failure)
	case small:
		return int32(out.Int64())
	}
	return out.Int64()
}

func (n *node) equality() bool { return n.kind == compareNode && (n.op == "==" || n.op == "!=") }

// constant says whether n is one for the server: it names no field that is mapped.
func (m mapping) constant(n *node) bool {
	return !slices.ContainsFunc(n.refs(nil), func(f *node) bool { return m[f.field].mapped })
}

// compare is a comparison; with a constant that is NULL, a test for it
// (ReplaceNullChecks).
func (r *run) compare(n *node, a, b any) any {
	if n.equality() && (a == nil && r.fields.constant(n.args[0]) || b == nil && r.fields.constant(n.args[1])) {
		return (a == nil && b == nil) == (n.op == "==")
	}
	if a == nil || b == nil {
		return nil
	}
	if at, date := a.(instant); date {
		return r.compareDate(n.op, at, b)
	}
	c, ok := order(a, b)
	if !ok {
		return r.fail(unknown)
	}
	switch n.op {
	case "==":
		return c == 0
	case "!=":
		return c != 0
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	}
	return c >= 0
}

// order compares two values of one type. Java compares texts by their UTF-16
// units, which is the order of characters below the surrogates.
func order(a, b any) (c int, ok bool) {
	switch a := a.(type) {
	case string:
		b, ok := b.(string)
		low := func(s string) bool { return !strings.ContainsFunc(s, func(r rune) bool { return r >= 0xD800 }) }
		return strings.Compare(a, b), ok && (a == b || low(a) && low(b))
	case bool:
		b, ok := b.(bool)
		if a == b {
			return 0, ok
		}
		return 1, ok
	case int32, int64, float64:
		x, _ := valueOf(a)
		y, ok := valueOf(b)
		if !ok || !y.number() {
			return 0, false
		}
		return ir.Number(x.text).Cmp(ir.Number(y.text)), true
	}
	return 0, false
}

// test is `:`, `like`, `regex` or `in` over a computed value.
func (r *run) test(n *node, x any, list []any) any {
	if x == nil {
		return nil
	}
	for i, want := range list {
		s, text := x.(string)
		if n.op == "in" && !n.tilde {
			c, ok := order(x, want)
			if !ok {
				return r.fail(unknown)
			}
			if c == 0 {
				return true
			}
			continue
		}
		c := n.args[i+1]
		if !text || c.kind != valueNode {
			return r.fail(unknown)
		}
		// Java folds more letters than the automata of Lucene, its dot stands for
		// no line break, and its expressions have other operators.
		if n.tilde && (!plainCase(s) || !plainCase(c.value.text)) ||
			n.op != "in" && lineBreak().MatchString(s) || n.op == "regex" && special().MatchString(c.value.text) {
			return r.fail(unknown)
		}
		t := wildcardTest(!n.tilde, ir.Part{Text: c.value.text})
		switch {
		case n.op == "regex":
			t = luceneTest(c.value.text, n.tilde, c.pos)
		case n.op != "in":
			t = wildcardTest(!n.tilde, wildcards(c.value.text)...)
		}
		if t == nil || n.op != "in" && strings.Contains(c.value.text, "\x01") {
			return r.fail(unknown)
		}
		if passes(t, s) {
			return true
		}
	}
	return false
}

var (
	lineBreak = lazy.Regexp(`[\n\r\x{85}\x{2028}\x{2029}]`)
	special   = lazy.Regexp(`[#@&<>~"^$\\]|\(\?|\[[^\]]*\[`)
)

// passes says whether a text passes a test of texts.
func passes(t ir.Test, s string) bool {
	re := &regex.Re{}
	switch t := t.(type) {
	case ir.Regexp:
		re = t.Re
	case ir.Pattern:
		re = whole(spelled(t)...).(ir.Regexp).Re
	}
	source, err := re.Go()
	if err != nil {
		panic("elastic: not a test of texts: " + t.String())
	}
	return regexp.MustCompile(source).MatchString(s)
}

// plainCase says whether all that ignore case agree about s.
func plainCase(s string) bool {
	return regex.ASCIIFolds(s) && !strings.ContainsFunc(s, func(r rune) bool { return r == 0x17F || r == 0x212A })
}

// call is a function of values of the types that it takes (the *Processor classes
// of eql/expression/function/scalar). All but those that say so give NULL for NULL.
func (r *run) call(n *node, args []any) any {
	arg := func(i int) any {
		if i < len(args) {
			return args[i]
		}
		return nil
	}
	index := func(i, other int) int {
		switch v := arg(i).(type) {
		case int32:
			return int(v)
		case nil:
			return other
		}
		r.fail(unknown)
		return 0
	}
	optional := map[string]int{"substring": 1, "indexof": 2, "number": 1, "between": 3}[n.op]
	for i, a := range args {
		if a == nil && (optional == 0 || i < optional) {
			return nil
		}
	}
	texts := make([]string, len(args))
	for i, a := range args {
		s, ok := a.(string)
		if f := functions[n.op]; !ok && a != nil && f.takes(i) == textType && n.op != "cidrmatch" {
			return r.fail(unknown) // a field whose type is not known
		}
		if texts[i] = s; n.tilde && ok {
			if !plainCase(s) {
				return r.fail(unknown)
			}
			texts[i] = strings.ToLower(s)
		}
	}
	switch n.op {
	case "add":
		return r.arithmetic("+", args[0], args[1])
	case "subtract":
		return r.arithmetic("-", args[0], args[1])
	case "multiply":
		return r.arithmetic("*", args[0], args[1])
	case "divide":
		return r.arithmetic("/", args[0], args[1])
	case "modulo":
		return r.arithmetic("%", args[0], args[1])
	case "string":
		return r.text(args[0])
	case "concat":
		var b strings.Builder
		for _, a := range args {
			s, _ := r.text(a).(string)
			b.WriteString(s)
		}
		return b.String()
	case "startswith":
		return strings.HasPrefix(texts[0], texts[1])
	case "endswith":
		return strings.HasSuffix(texts[0], texts[1])
	case "stringcontains":
		if texts[0] == "" || texts[1] == "" {
			return r.fail(unknown) // false in some versions
		}
		return strings.Contains(texts[0], texts[1])
	case "length":
		return int32(units(texts[0]))
	case "indexof":
		from := r.offset(texts[0], index(2, 0))
		if i := strings.Index(texts[0][from:], texts[1]); i >= 0 {
			return int32(units(texts[0][:from+i]))
		}
		return nil
	case "substring":
		s, n := texts[0], units(texts[0])
		from, to := index(1, 0), index(2, n)
		if from < 0 {
			from = max(from+n, 0)
		}
		if to < 0 {
			to = max(to+n, 0)
		}
		if from >= to {
			return ""
		}
		return s[r.offset(s, from):r.offset(s, to)]
	case "between":
		if len(args) > 3 && args[3] == nil {
			return r.fail(unknown)
		}
		return r.between(args[0].(string), texts[0], texts[1], texts[2], arg(3))
	case "number":
		return r.number(texts[0], arg(1))
	case "cidrmatch":
		return r.inNetwork(n, args)
	}
	return r.fail(unknown)
}

// units counts the UTF-16 units of a text, as Java does.
func units(s string) (n int) {
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}

// offset is where the first n units of s end, in bytes; a character is not cut.
func (r *run) offset(s string, n int) int {
	for i, c := range s {
		if n <= 0 {
			if n < 0 {
				r.fail(unknown)
			}
			return i
		}
		n -= utf16.RuneLen(c)
	}
	return len(s)
}

// between is what stands between the first left and the right after it, or with
// greedy the last right. The texts are lower case under `~`, which changes the
// length of none that plainCase lets pass.
func (r *run) between(s, lower, left, right string, greedy any) any {
	if s == "" || len(s) != len(lower) {
		return r.fail(unknown)
	}
	start := strings.Index(lower, left)
	if start < 0 {
		return nil
	}
	start += len(left)
	end := strings.Index(lower[start:], right)
	if greedy == true {
		if end < 0 && strings.Contains(lower, right) {
			return r.fail(unknown) // the last right stands before the left
		}
		end = strings.LastIndex(lower[start:], right)
	}
	if end < 0 {
		return nil
	}
	return s[start : start+end]
}

var (
	decimalText = lazy.Regexp(`\A[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\z`)
	javaText    = lazy.Regexp(`[ \t\n\r\x00-\x1fxXpPfFdDnN]`) // a number to Java, perhaps
)

// number is ToNumberFunctionProcessor: a text that is no number is an error.
func (r *run) number(s string, base any) any {
	hex := strings.HasPrefix(s, "0x")
	radix, ok := base.(int32)
	switch {
	case base == nil && hex:
		radix = 16
	case base == nil:
		radix = 10
	case !ok:
		return r.fail(unknown)
	}
	if hex && radix == 16 {
		s = s[2:]
	}
	if radix < 2 || radix > 36 {
		return r.fail(failure)
	}
	if n, err := strconv.ParseInt(s, int(radix), 64); err == nil {
		return n
	}
	switch {
	case radix != 10 || !decimalText().MatchString(s) && !javaText().MatchString(s) && s != "":
		return r.fail(failure)
	case !decimalText().MatchString(s):
		return r.fail(unknown)
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return r.fail(unknown)
	}
	return f
}

// text is Java's text of a value; that of a double is only certain where it has no
// exponent.
func (r *run) text(v any) any {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case int32, int64:
		return strconv.FormatInt(wide(v), 10)
	case float64:
		if a := math.Abs(v); a == 0 || a >= 1e-3 && a < 1e7 {
			s := strconv.FormatFloat(v, 'f', -1, 64)
			if !strings.Contains(s, ".") {
				s += ".0"
			}
			return s
		}
	}
	return r.fail(unknown)
}

func (r *run) inNetwork(n *node, args []any) any {
	a, ok := args[0].(netip.Addr)
	if s, text := args[0].(string); text {
		parsed, err := netip.ParseAddr(s)
		a, ok = parsed.Unmap(), err == nil
	}
	if !ok {
		return r.fail(unknown)
	}
	for _, c := range n.args[1:] {
		if c.kind != valueNode || c.value.kind != stringValue {
			return r.fail(unknown)
		}
		for _, t := range networks(c) {
			if t.(ir.CIDR).Net.Contains(a) {
				return true
			}
		}
	}
	return false
}

// An instant is a date, in milliseconds since 1970.
type instant int64

var (
	dateText = lazy.Regexp(`\A([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})(?:T(?:([0-9]{2})(?::([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)?)?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?)?)?\z`)
	millis   = lazy.Regexp(`\A-?[0-9]{1,17}\z`)
)

// dates are the first and the last instant of a date in the default format,
// strict_date_optional_time||epoch_millis: what is left out of it stands for all
// that it may be (documents of the date type and of range queries).
func dates(s string) (first, last instant, ok bool) {
	m := dateText().FindStringSubmatch(s)
	if m == nil {
		n, err := strconv.ParseInt(s, 10, 64)
		return instant(n), instant(n), err == nil && millis().MatchString(s)
	}
	if len(m[7]) > 3 {
		return 0, 0, false // fields of type date cut it off, those of type date_nanos do not
	}
	layout, step := "2006", func(t time.Time) time.Time { return t.AddDate(1, 0, 0) }
	add := func(d time.Duration) func(time.Time) time.Time {
		return func(t time.Time) time.Time { return t.Add(d) }
	}
	text := m[1]
	for i, unit := range []struct {
		layout string
		step   func(time.Time) time.Time
	}{
		{"-01", func(t time.Time) time.Time { return t.AddDate(0, 1, 0) }},
		{"-02", func(t time.Time) time.Time { return t.AddDate(0, 0, 1) }},
		{"T15", add(time.Hour)},
		{":04", add(time.Minute)},
		{":05", add(time.Second)},
	} {
		if m[i+2] == "" {
			break
		}
		layout, step = layout+unit.layout, unit.step
		text += unit.layout[:1] + m[i+2]
	}
	if m[7] != "" {
		layout, step = layout+".000", add(time.Millisecond)
		text += "." + (m[7] + "00")[:3]
	}
	if zone := strings.ReplaceAll(m[8], ":", ""); zone != "" {
		layout, text = layout+"Z0700", text+zone
	}
	t, err := time.Parse(layout, text)
	return instant(t.UnixMilli()), instant(step(t).UnixMilli() - 1), err == nil
}

// compareDate is a term or range query of a date: it includes the whole of what the
// text of the other side names, or excludes it.
func (r *run) compareDate(op string, at instant, other any) any {
	text, ok := other.(string)
	if v, number := valueOf(other); number && !ok {
		text, ok = v.text, v.kind == integerValue
	}
	first, last, known := dates(text)
	if !ok || !known {
		return r.fail(unknown) // date math, or another format
	}
	switch op {
	case "==":
		return first <= at && at <= last
	case "<":
		return at < first
	case "<=":
		return at <= last
	case ">":
		return at > last
	case ">=":
		return at >= first
	}
	return r.fail(unknown)
}
