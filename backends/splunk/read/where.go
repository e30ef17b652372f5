package read

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"sigmac/ir"
	"sigmac/regex"
)

// A truth is what a predicate of eval says. It holds where yes does. Where open
// does, it is null: then it does not hold, and what NOT makes of it is not
// written down (Search Manual: Predicate expressions, which has TRUE and FALSE
// only).
type truth struct{ yes, open ir.Expr }

// settled is a predicate that is never null.
func settled(yes ir.Expr) truth { return truth{yes, ir.False} }

// unlessTrue is a predicate of which it is not known where it is null.
func unlessTrue(yes ir.Expr) truth { return truth{yes, ir.Negation(yes)} }

// of is a predicate that is null where one of fields is, which _raw, the text of an
// event, never is (Knowledge Manager Manual: use default fields).
func (r *reading) of(yes ir.Expr, fields ...*formula) truth {
	var open []ir.Expr
	for _, f := range fields {
		if f.text != "_raw" {
			open = append(open, r.match(f, ir.Null{}))
		}
	}
	return truth{yes, ir.Disjunction(open...)}
}

// negated is NOT, n, of t: true where t is false, and where t is null something
// that the text of n stands for.
func (r *reading) negated(n *formula, t truth) truth {
	if ir.IsFalse(t.open) {
		if not, ok := t.yes.(ir.Not); ok {
			return settled(not.X)
		}
		return settled(ir.Negation(t.yes))
	}
	if _, ok := t.yes.(ir.Opaque); ok || ir.IsTrue(t.open) {
		return r.unknown(n)
	}
	free := guarded(t.open, r.opaque(n.lo, n.hi))
	e := ir.Disjunction(ir.Conjunction(ir.Negation(t.open), ir.Negation(t.yes)), free)
	if !within(e, n.most()) {
		return r.unknown(n)
	}
	return truth{e, t.open}
}

// most bounds what an expression for n grows into.
func (n *formula) most() int { return maxBranch + n.hi - n.lo }

// joint is n, the AND or OR of ts. AND is taken to be null where a part is, OR
// where besides none is true: so it may be false, and is not said to be. Where
// that grows too large, it may be null anywhere.
func joint(n *formula, op string, ts []truth) truth {
	yes, open := make([]ir.Expr, len(ts)), []ir.Expr{}
	same := true
	for i, t := range ts {
		yes[i] = t.yes
		if !ir.IsFalse(t.open) {
			open = append(open, t.open)
		}
		same = same && ir.Equal(t.open, ts[0].open)
	}
	out := truth{open: ir.Disjunction(open...)}
	switch {
	case op == "and":
		out.yes = ir.Conjunction(yes...)
	case same || ir.IsFalse(out.open):
		out.yes = ir.Disjunction(yes...) // each part is null, or none
	default:
		out.yes = ir.Disjunction(yes...)
		for i, t := range ts {
			yes[i] = ir.Conjunction(t.yes, ir.Negation(t.open))
		}
		out.open = ir.Conjunction(out.open, ir.Negation(ir.Disjunction(yes...)))
	}
	if !within(out.open, n.most()) {
		out.open = ir.True
	}
	return out
}

// where keeps an event where the expression between lo and hi is true; false
// and null drop it (Search Reference: where).
func (r *reading) where(lo, hi int) ir.Expr { return r.truth(r.formula(lo, hi)).yes }

func (r *reading) unknown(n *formula) truth { return unlessTrue(r.opaque(n.lo, n.hi)) }

func (r *reading) truth(n *formula) truth {
	switch n.op {
	case "and", "or":
		ts := make([]truth, len(n.args))
		for i, a := range n.args {
			ts[i] = r.truth(a)
		}
		return joint(n, n.op, ts)
	case "not":
		return r.negated(n, r.truth(n.args[0]))
	case "=", "!=", "<", "<=", ">", ">=":
		if t, ok := r.compare(n); ok {
			return t
		}
	case "in":
		return r.oneOf(n)
	case "like":
		return r.like(n)
	case "call":
		return r.call(n)
	}
	return r.unknown(n)
}

// functions is how many arguments each predicate takes.
var functions = map[string]int{
	"true": 0, "false": 0, "isnull": 1, "isnotnull": 1, "isnum": 1, "searchmatch": 1,
	"match": 2, "like": 2, "cidrmatch": 2, "if": 3,
}

func (r *reading) call(n *formula) truth {
	if k, ok := functions[n.text]; ok && k != len(n.args) {
		return r.unknown(n)
	}
	switch n.text {
	case "true":
		return settled(ir.True)
	case "false":
		return settled(ir.False)
	case "isnotnull":
		return settled(r.present(n.args[0]))
	case "isnull":
		if x := n.args[0]; x.op == "field" {
			return settled(r.match(x, ir.Null{}))
		}
		return r.negated(n, settled(r.present(n.args[0])))
	case "isnum":
		if x := n.args[0]; x.op == "field" {
			return r.of(r.numeric(x), x)
		}
	case "match":
		if x := n.args[0]; x.op == "field" {
			if e := r.expression(x, n.args[1]); e != nil {
				r.assumeSingle(x.text)
				return r.of(e, x)
			}
		}
	case "like":
		return r.like(n)
	case "cidrmatch":
		if net, x := n.args[0], n.args[1]; x.op == "field" && net.op == "str" {
			if prefix, err := netip.ParsePrefix(net.text); err == nil {
				r.assume(singleValue)
				within := func(p netip.Prefix) ir.Expr {
					return ir.Match{Field: r.field(x.text), Test: ir.CIDR{Net: p}, Pos: r.pos(net.lo)}
				}
				// Of what is no address it is not written down.
				v4, v6 := netip.PrefixFrom(netip.IPv4Unspecified(), 0), netip.PrefixFrom(netip.IPv6Unspecified(), 0)
				return truth{within(prefix.Masked()), ir.Negation(ir.Or{within(v4), within(v6)})}
			}
		}
	case "in":
		if len(n.args) > 1 {
			return r.oneOf(n)
		}
	case "searchmatch":
		if x := n.args[0]; x.op == "str" && x.other == nil {
			return settled(r.searchmatch(x))
		}
	case "if", "case":
		if cs := r.choices(n); cs != nil {
			var yes, open []ir.Expr
			for _, c := range cs {
				t := truth{ir.False, ir.True}
				if c.value != nil {
					t = r.truth(c.value)
				}
				yes, open = append(yes, guarded(c.guard, t.yes)), append(open, guarded(c.guard, t.open))
			}
			if t := (truth{ir.Disjunction(yes...), ir.Disjunction(open...)}); small(t.yes) && small(t.open) {
				return t
			}
		}
	}
	return r.unknown(n)
}

func (r *reading) match(field *formula, t ir.Test) ir.Expr {
	return ir.Match{Field: r.field(field.text), Test: t, Pos: r.pos(field.lo)}
}

// numeric is true of a field that is a number.
func (r *reading) numeric(field *formula) ir.Expr {
	return ir.Or{
		r.match(field, ir.Compare{Op: ir.Lt, Number: "0"}),
		r.match(field, ir.Compare{Op: ir.Gte, Number: "0"}),
	}
}

// present says that n is not null.
func (r *reading) present(n *formula) ir.Expr {
	switch {
	case n.op == "field":
		return r.match(n, ir.Exists{})
	case n.op == "num" || n.op == "str":
		return ir.True
	case n.op == "call":
		if e := r.found(n); e != nil {
			return e
		}
		if n.text == "tonumber" && len(n.args) == 1 && n.args[0].op == "field" {
			r.assume(singleValue)
			return r.numeric(n.args[0])
		}
	}
	return r.opaque(n.lo, n.hi)
}

// found says that mvfind or mvfilter finds a value: each is null otherwise. It
// is nil for anything else.
func (r *reading) found(n *formula) ir.Expr {
	switch {
	case n.text == "mvfind" && len(n.args) == 2 && n.args[0].op == "field":
		r.assume(mvfindAny)
		return r.expression(n.args[0], n.args[1])
	case n.text == "mvfilter" && len(n.args) == 1:
		// It looks at each value by itself: what is one test of one field is that
		// test; two would be asked of the same value, and no value is null.
		if m, ok := r.truth(n.args[0]).yes.(ir.Match); ok && m.Test != (ir.Null{}) {
			return m
		}
	}
	return nil
}

func (r *reading) oneOf(n *formula) truth {
	var ts []truth
	for _, v := range n.args[1:] {
		t, ok := r.compare(&formula{op: "=", args: []*formula{n.args[0], v}, lo: n.lo, hi: n.hi})
		if !ok {
			return r.unknown(n)
		}
		ts = append(ts, t)
	}
	return joint(n, "or", ts)
}

// expression is a match of the regular expression in a string, somewhere in a
// field, or nil.
func (r *reading) expression(field, s *formula) ir.Expr {
	if s.op != "str" {
		return nil
	}
	return r.regexp(field.text, s.re, s.lo)
}

// like reads `like(f,"a%b_c")`: `%` is any run, `_` one character, nothing
// escapes them (Search Reference: Comparison and conditional functions).
func (r *reading) like(n *formula) truth {
	x, p := n.args[0], n.args[1]
	via := ""
	if x.op == "call" && (x.text == "lower" || x.text == "upper") && len(x.args) == 1 {
		via, x = x.text, x.args[0]
	}
	if x.op != "field" || p.op != "str" {
		return r.unknown(n)
	}
	var es []ir.Expr
	for _, o := range r.operands(p) {
		if strings.Contains(o.text, `\%`) || strings.Contains(o.text, `\_`) {
			return r.unknown(n)
		}
		var parts []ir.Part
		start := 0
		for i := range len(o.text) {
			kind := ir.AnyRun
			switch o.text[i] {
			case '_':
				kind = ir.AnyOne
			case '%':
			default:
				continue
			}
			parts = append(parts, ir.Part{Kind: ir.Literal, Text: o.text[start:i]}, ir.Part{Kind: kind})
			start = i + 1
		}
		parts = append(parts, ir.Part{Kind: ir.Literal, Text: o.text[start:]})
		e := r.pattern(x, via, ir.NewPattern(true, parts...), p.lo)
		if e == nil {
			return r.unknown(n)
		}
		es = append(es, guarded(o.guard, e))
	}
	return r.of(ir.Disjunction(es...), x)
}

// pattern is a test of a field, or of what lower or upper make of it: then the
// pattern ignores case, or can never match. It is nil where the function meets
// some cases of a letter only, as upper does of `ß`.
func (r *reading) pattern(field *formula, via string, p ir.Pattern, at int) ir.Expr {
	if text := p.Literals(); via != "" {
		some := true
		for _, c := range text {
			met, cases := 0, regex.Cases(c)
			for _, k := range cases {
				if changed(via, string(k)) == string(c) {
					met++
				}
			}
			if met == 0 {
				return ir.False
			}
			some = some && met == len(cases)
		}
		if !some {
			return nil
		}
		p.Cased = false
		r.assume(foldLetters)
		r.assumeUnicode(text)
	}
	r.assume(singleValue)
	return ir.Match{Field: r.field(field.text), Test: p, Pos: r.pos(at)}
}

// changed is s under lower or upper, which are taken to map each letter to one
// (The Unicode Standard: UnicodeData).
func changed(via, s string) string {
	if via == "lower" {
		return strings.Map(unicode.ToLower, s)
	}
	return strings.Map(unicode.ToUpper, s)
}

// searchmatch reads a text as `search` does.
func (r *reading) searchmatch(n *formula) ir.Expr {
	sub := *r
	sub.event = true
	sub.text, sub.pieces = n.text, []piece{{0, r.origin(n.lo), true}}
	return ir.Conjunction(sub.search(0, len(n.text), false)...)
}

// A choice is a value that an expression has where guard holds; nil is null.
type choice struct {
	guard ir.Expr
	value *formula
	sure  bool // guard excludes null
}

// maxChoices bounds the branches of an expression, as maxBranch bounds what
// they grow into: a guard is written once a branch.
const maxChoices, maxBranch = 8, 256

// choices takes `if`, `case` and `coalesce` apart, or returns nil.
func (r *reading) choices(n *formula) (out []choice) {
	args := n.args
	if len(args) == 0 || len(args) > 2*maxChoices {
		return nil
	}
	var before []ir.Expr // what did not hold
	add := func(g ir.Expr, v *formula, sure bool) {
		out = append(out, choice{ir.Conjunction(append(before[:len(before):len(before)], g)...), v, sure})
		before = append(before, ir.Negation(g))
	}
	switch {
	case n.text == "coalesce" && len(args) <= maxChoices:
		for i, a := range args {
			if i+1 == len(args) {
				add(ir.True, a, false)
			} else if a.op != "field" {
				return nil
			} else {
				add(r.match(a, ir.Exists{}), a, true)
			}
		}
	case n.text == "if" && len(args) == 3:
		add(r.truth(args[0]).yes, args[1], false)
		add(ir.True, args[2], false)
	case n.text == "case" && len(args)%2 == 0:
		for i := 0; i < len(args); i += 2 {
			add(r.truth(args[i]).yes, args[i+1], false)
		}
		add(ir.True, nil, false)
	}
	return out
}

func guarded(guard, e ir.Expr) ir.Expr {
	if ir.IsFalse(guard) || ir.IsFalse(e) {
		return ir.False
	}
	return ir.Conjunction(guard, e)
}

// small bounds an expression that stands for several branches; one that is the
// branch of a single guard is no larger than its text.
func small(e ir.Expr) bool { return within(e, maxBranch) }

// within says whether e has at most so many parts.
func within(e ir.Expr, most int) bool {
	size := 0
	var count func(e ir.Expr) bool
	count = func(e ir.Expr) bool {
		if size++; size > most {
			return false
		}
		for _, x := range ir.Parts(e) {
			if !count(x) {
				return false
			}
		}
		return true
	}
	return count(e)
}

// An operand is one side of a comparison where guard holds: a constant, or a
// field and what a function makes of it.
type operand struct {
	guard    ir.Expr
	*formula         // "num", "str" or "field"; nil: null
	via      string  // lower, upper, tonumber, len, "%H" of strftime, "#%H" once tonumber has it
	null     ir.Expr // where it is null; nil: that is not known
}

// timeParts are the formats of strftime whose text is the number of a part.
var timeParts = map[string]string{"%M": "minute", "%H": "hour", "%d": "day", "%m": "month", "%V": "week", "%Y": "year"}

// operands takes a value apart, or returns nil.
func (r *reading) operands(n *formula) []operand {
	switch n.op {
	case "num":
		return []operand{{ir.True, n, "", ir.False}}
	case "str":
		if n.other == nil {
			return []operand{{ir.True, n, "", ir.False}}
		}
		one := r.opaque(n.lo, n.hi)
		return []operand{{one, n, "", ir.False}, {ir.Negation(one), n.other, "", ir.False}}
	case "neg":
		if x := n.args[0]; x.op == "num" {
			return []operand{{ir.True, &formula{op: "num", text: "-" + x.text, lo: n.lo, hi: n.hi}, "", ir.False}}
		}
	case "field":
		return []operand{{ir.True, n, "", r.match(n, ir.Null{})}}
	case "call":
		switch {
		case n.text == "null" && len(n.args) == 0:
			return []operand{{guard: ir.True, null: ir.True}}
		case n.text == "if" || n.text == "case" || n.text == "coalesce":
			return r.branches(n)
		case len(n.args) == 0:
			return nil
		}
		via := n.text
		switch {
		case n.text == "strftime" && len(n.args) == 2 && n.args[1].op == "str" && timeParts[n.args[1].text] != "":
			via = n.args[1].text
			r.assume(timeZone)
		case len(n.args) != 1 || via != "lower" && via != "upper" && via != "tonumber" && via != "len":
			return nil
		}
		out := r.operands(n.args[0])
		for i := range out {
			o := &out[i]
			switch {
			case o.formula == nil:
			case o.op == "str" && (via == "lower" || via == "upper"):
				o.formula = &formula{op: "str", text: changed(via, o.text), lo: o.lo, hi: o.hi}
			case o.op == "field" && o.via == "":
				switch o.via = via; {
				case via == "tonumber":
					o.null = ir.Negation(r.numeric(o.formula))
				case via[0] == '%':
					o.null = nil
				}
			case o.op == "field" && o.via[0] == '%' && via == "tonumber":
				o.via = "#" + o.via
			default:
				return nil
			}
		}
		return out
	}
	return nil
}

func (r *reading) branches(n *formula) (out []operand) {
	for _, c := range r.choices(n) {
		if c.value == nil {
			out = append(out, operand{guard: c.guard, null: ir.True})
			continue
		}
		os := r.operands(c.value)
		if os == nil || len(out)+len(os) > maxChoices {
			return nil
		}
		for _, o := range os {
			if ir.IsFalse(o.guard) || ir.IsFalse(c.guard) {
				continue
			}
			if c.sure {
				o.null = ir.False
			}
			o.guard = ir.Conjunction(c.guard, o.guard)
			out = append(out, o)
		}
	}
	return out
}

var flipped = map[string]string{"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

// compare reads a comparison; ok is false where it cannot be represented.
func (r *reading) compare(n *formula) (t truth, ok bool) {
	if e := r.counted(n); e != nil {
		return unlessTrue(e), true
	}
	if e := r.affix(n); e != nil {
		return unlessTrue(e), true
	}
	as, bs := r.operands(n.args[0]), r.operands(n.args[1])
	if as == nil || bs == nil || len(as)*len(bs) > maxChoices {
		return truth{}, false
	}
	var yes, open []ir.Expr
	known := true
	for _, a := range as {
		for _, b := range bs {
			x, y, op := a, b, n.op
			if x.formula != nil && x.op != "field" {
				x, y, op = y, x, flipped[op]
			}
			e := ir.Expr(ir.False) // with null nothing holds
			if x.formula != nil && y.formula != nil {
				if e = r.holds(x, op, y); e == nil {
					return truth{}, false
				}
			}
			guard := ir.Conjunction(a.guard, b.guard)
			yes = append(yes, guarded(guard, e))
			if known = known && a.null != nil && b.null != nil; known {
				open = append(open, guarded(guard, ir.Disjunction(a.null, b.null)))
			}
		}
	}
	yes, open = slices.DeleteFunc(yes, ir.IsFalse), slices.DeleteFunc(open, ir.IsFalse)
	t = truth{ir.Disjunction(yes...), ir.Disjunction(open...)}
	if !known {
		t = unlessTrue(t.yes)
	}
	return t, (len(yes) < 2 || small(t.yes)) && (len(open) < 2 || small(t.open))
}

// holds compares two operands, of which the second is a constant unless both
// are fields. It is nil where that cannot be represented.
func (r *reading) holds(x operand, op string, y operand) ir.Expr {
	switch {
	case x.op != "field":
		return constants(x, op, y)
	case y.op == "field":
		return r.twoFields(x, op, y)
	}
	number, isNumber := ir.ParseNumber(y.text)
	order, ordered := orders[op]
	f := r.field(x.text)
	if op == "!=" {
		e := r.holds(x, "=", y)
		switch {
		case e == nil || ir.IsFalse(e) && x.via == "tonumber":
			return nil
		case x.via == "tonumber" || x.via != "" && x.via[0] == '#':
			return ir.Disjunction(r.holds(x, "<", y), r.holds(x, ">", y))
		}
		return ir.Conjunction(r.match(x.formula, ir.Exists{}), ir.Negation(e))
	}
	switch {
	case strings.HasPrefix(x.via, "#"):
		if y.op != "num" || !isNumber || f.Name != "_time" && f.Name != "_indextime" {
			return nil // strftime takes seconds since 1970, which other fields need not hold
		}
		r.assume(singleValue)
		return ir.Match{Field: f, Test: ir.TimePart{Part: timeParts[x.via[1:]], Op: order, Number: number}, Pos: r.pos(y.lo)}
	case x.via == "tonumber":
		if y.op != "num" || !isNumber {
			return nil
		}
		r.assume(singleValue)
		if !ordered {
			r.assume(numberEquality)
		}
		return ir.Match{Field: f, Test: ir.Compare{Op: order, Number: number}, Pos: r.pos(y.lo)}
	case x.via == "len":
		return r.length(x, op, y)
	case x.via != "" && x.via != "lower" && x.via != "upper":
		return nil
	case ordered && (!isNumber || x.via != ""):
		return nil // in the order of a dictionary
	case ordered || y.op == "num" || isNumber && f.Type == ir.Numeric && x.via == "":
		if x.via != "" || !isNumber {
			return nil
		}
		if ordered {
			r.assume(numberOrder)
		} else {
			r.assume(numberEquality)
		}
		r.assume(singleValue)
		return ir.Match{Field: f, Test: ir.Compare{Op: order, Number: number}, Pos: r.pos(y.lo)}
	}
	if isNumber {
		r.assume(evalText)
	}
	return r.pattern(x.formula, x.via, ir.NewPattern(true, ir.Part{Kind: ir.Literal, Text: y.text}), y.lo)
}

func constants(x operand, op string, y operand) ir.Expr {
	a, isA := ir.ParseNumber(x.text)
	b, isB := ir.ParseNumber(y.text)
	var is bool
	switch {
	case isA && isB && x.op == y.op && x.op == "num":
		switch o, ordered := orders[op]; {
		case ordered:
			is = o.Holds(a, b)
		default:
			is = (a == b) == (op == "=")
		}
	case x.op == "str" && y.op == "str" && !(isA && isB) && (op == "=" || op == "!="):
		is = (x.text == y.text) == (op == "=")
	default:
		return nil
	}
	if is {
		return ir.True
	}
	return ir.False
}

func (r *reading) twoFields(x operand, op string, y operand) ir.Expr {
	if x.via != y.via || x.via != "" && x.via != "lower" && x.via != "upper" || op != "=" && op != "!=" {
		return nil
	}
	r.assume(evalText, singleValue)
	if x.via != "" {
		r.assume(foldUnicode, foldLetters)
	}
	e := r.match(x.formula, ir.FieldRef{Other: r.field(y.text), Shape: ir.Exact, Cased: x.via == ""})
	if op == "!=" {
		return ir.And{r.match(x.formula, ir.Exists{}), r.match(y.formula, ir.Exists{}), ir.Not{X: e}}
	}
	return e
}

// length is a test of the number of characters, as an expression.
func (r *reading) length(x operand, op string, y operand) ir.Expr {
	k, err := strconv.Atoi(y.text)
	if y.op != "num" || err != nil || k < 0 || k > 60000 {
		return nil
	}
	var times string
	switch op {
	case "=":
		times = fmt.Sprintf("{%d}", k)
	case ">":
		times = fmt.Sprintf("{%d,}", k+1)
	case ">=":
		times = fmt.Sprintf("{%d,}", k)
	case "<=":
		times = fmt.Sprintf("{0,%d}", k)
	case "<":
		if k == 0 {
			return ir.False
		}
		times = fmt.Sprintf("{0,%d}", k-1)
	}
	r.assume(singleValue, foldUnicode)
	return r.regexp(x.text, `(?s)\A.`+times+`\z`, y.lo)
}

// counted reads `mvcount(x)>0` and `mvfind(f,"re")>=0`, in all the ways of
// saying that there is a value.
func (r *reading) counted(n *formula) ir.Expr {
	x, y := n.args[0], n.args[1]
	if x.op != "call" || len(x.args) == 0 || y.op != "num" {
		return nil
	}
	switch n.op + y.text {
	case ">0", ">=1", "!=0":
		if x.text != "mvcount" || len(x.args) != 1 {
			return nil
		}
		switch x = x.args[0]; {
		case x.op == "field":
			return r.match(x, ir.Exists{})
		case x.op == "call":
			return r.found(x)
		}
	case ">=0":
		if x.text == "mvfind" {
			return r.found(x)
		}
	}
	return nil
}

// affixes are the ways to say in eval that A starts or ends with B. The x keeps
// the texts from being numbers and the lengths from being 0.
var affixes = sync.OnceValue(func() (out []affix) {
	for _, a := range []struct {
		shape ir.Shape
		text  string
	}{
		{ir.Prefix, `substr("x".lower('A'),1,1+len('B'))="x".lower('B')`},
		{ir.Suffix, `substr(lower('A')."x",-1-len('B'))=lower('B')."x"`},
	} {
		for _, cased := range []bool{false, true} {
			text := a.text
			if cased {
				text = strings.ReplaceAll(text, "lower", "")
			}
			s := expand(text, nil)
			out = append(out, affix{s.formula(0, len(text)), a.shape, cased})
		}
	}
	return out
})

type affix struct {
	form  *formula
	shape ir.Shape
	cased bool
}

func (r *reading) affix(n *formula) ir.Expr {
	if n.op != "=" {
		return nil
	}
	for _, a := range affixes() {
		fields := map[string]*formula{}
		if unify(a.form, n, fields) {
			r.assume(evalText, singleValue, foldUnicode, foldLetters)
			return r.match(fields["A"], ir.FieldRef{Other: r.field(fields["B"].text), Shape: a.shape, Cased: a.cased})
		}
	}
	return nil
}

// unify says whether n is form with fields in the place of its own.
func unify(form, n *formula, fields map[string]*formula) bool {
	if form.op != n.op || len(form.args) != len(n.args) {
		return false
	}
	if form.op == "field" {
		old, ok := fields[form.text]
		if !ok {
			fields[form.text] = n
		}
		return !ok || old.text == n.text
	}
	if form.text != n.text {
		return false
	}
	for i := range form.args {
		if !unify(form.args[i], n.args[i], fields) {
			return false
		}
	}
	return true
}
