package elastic

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sigmac/backends"
	"sigmac/ir"
	"sigmac/regex"
)

// Emit writes one query a condition. Every field is optional, so that a query
// also runs where no index has the field.
func Emit(r *ir.Rule) ([]backends.Doc, error) {
	rest := r.Scope
	rest.Category = ""
	if err := backends.Foreign(name, rest, r.Source.Pos); err != nil {
		return nil, err
	}
	head := "any where "
	if c := r.Scope.Category; c != "" {
		if !identifier(c) {
			lit, ok := quote(c)
			if !ok {
				return nil, backends.Unsupported(name, r.Source.Pos, "an event category that is not UTF-8 text", "")
			}
			c = lit
		}
		head = c + " where "
	}
	var out []backends.Doc
	for _, c := range r.Conditions {
		w := &writer{}
		d := w.expr(c.Expr)
		if w.err != nil {
			return nil, w.err
		}
		if es := ir.Conjuncts(c.Expr); d.Sep == "and" && d.Open == "" {
			for i, e := range es {
				d.Parts[i].Cost = costs.Cost(e)
			}
		} else {
			d.Cost = costs.Cost(c.Expr)
		}
		d.Head = head
		out = append(out, d)
	}
	return out, nil
}

type writer struct {
	err error
	buf []byte // to write in
}

func (w *writer) fail(at ir.Pos, feature, reason string) {
	if w.err == nil {
		w.err = backends.Unsupported(name, at, feature, reason)
	}
}

func text(s string) backends.Doc { return backends.Doc{Text: s} }

// expr writes e so that it can be joined by its own operator.
func (w *writer) expr(e ir.Expr) backends.Doc {
	switch e := e.(type) {
	case ir.And:
		es := ir.Conjuncts(e)
		if len(es) == 0 {
			return text("true")
		}
		parts := make([]backends.Doc, len(es))
		for i, x := range es {
			parts[i] = w.expr(x)
		}
		return joined("and", parts)
	case ir.Or, ir.Match:
		return w.choice(gather(ir.Disjuncts(e)))
	case ir.Not:
		return w.not(e.X)
	case ir.Opaque:
		return text("(" + e.Text + ")")
	}
	panic(fmt.Sprintf("elastic: cannot write %T", e))
}

// not writes the negation of e.
func (w *writer) not(e ir.Expr) backends.Doc {
	switch e := e.(type) {
	case ir.Opaque:
		return text("not (" + e.Text + ")")
	case ir.Or, ir.Match:
		parts, rest := apart(gather(ir.Disjuncts(e)))
		out := make([]backends.Doc, len(parts), len(parts)+1)
		for i, o := range parts {
			out[i] = w.tests(o.tests, true)
		}
		switch {
		case len(rest) == 1 && rest[0].tests != nil:
			out = append(out, w.tests(rest[0].tests, true))
		case len(rest) > 0 || len(out) == 0:
			out = append(out, negated(w.choice(rest)))
		}
		return joined("and", out)
	}
	return negated(w.expr(e))
}

// apart takes out of a choice under a `not` what one `==` or `!=` says without it, where
// the query is the same for all choices of fields that no index maps: a rest that becomes
// NULL would not take the choice along, but takes a conjunction. So each part of the rest
// is guarded, or one is a test of a field whose test for null stands beside it, which is
// TRUE when that becomes NULL.
func apart(os []operand) (parts, rest []operand) {
	for _, o := range os {
		if unequal(o.tests) {
			parts = append(parts, o)
		} else {
			rest = append(rest, o)
		}
	}
	whole := !slices.ContainsFunc(rest, func(o operand) bool { return !guarded(o.e) })
	for _, o := range parts {
		m := o.tests[0].of()
		whole = whole || kindOf(m.Test) == kindNull && slices.ContainsFunc(rest, func(r operand) bool {
			return r.tests != nil && r.tests[0].of().Field == m.Field
		})
	}
	if whole {
		return parts, rest
	}
	return nil, os
}

// guarded says whether e is tests of one field behind the test that it is there.
func guarded(e ir.Expr) bool {
	es, _ := e.(ir.And)
	if len(es) == 0 {
		return false
	}
	first, ok := es[0].(ir.Match)
	ir.Walk(es, func(x ir.Expr) {
		m, is := x.(ir.Match)
		ok = ok && is && m.Field == first.Field
	})
	return ok && first.Test == (ir.Exists{})
}

// unequal says whether the negation of a list of tests is written by one `==` or `!=`.
func unequal(ts []test) bool {
	if len(ts) != 1 {
		return false
	}
	switch kindOf(ts[0].of().Test) {
	case kindNull, kindExists, kindBool, kindEqual:
		return true
	}
	return false
}

// negated writes `not (d)`.
func negated(d backends.Doc) backends.Doc {
	if d.Sep != "" && d.Open == "" {
		d.Open = "not ("
		return d
	}
	return backends.Doc{Open: "not (", Parts: []backends.Doc{d}}
}

// joined puts parts beside each other, with parentheses around other operators. It may change parts.
func joined(op string, parts []backends.Doc) backends.Doc {
	return backends.Joined(op, parts, compound)
}

// compound says whether d has operators outside parentheses.
func compound(d *backends.Doc) bool { return d.Open == "" && (d.Sep == "and" || d.Sep == "or") }

// choice writes a disjunction.
func (w *writer) choice(os []operand) backends.Doc {
	if len(os) == 0 {
		return text("false")
	}
	parts := make([]backends.Doc, len(os))
	for i, o := range os {
		if o.tests == nil {
			parts[i] = w.expr(o.e)
		} else {
			parts[i] = w.tests(o.tests, false)
		}
	}
	return joined("or", parts)
}

// An operand of a choice is an expression, or tests of one field and one kind that
// are written as one.
type operand struct {
	e     ir.Expr
	tests []test
	from  int // where they begin among the tests of the choice
	at    int // which of all it is
}

// A test is a Match, or of one for a regular expression one of several that Lucene has,
// over the whole value.
type test struct {
	e      ir.Expr // the Match
	lucene *regex.Re
	at     int // which of all it is
}

func (t *test) of() ir.Match { return t.e.(ir.Match) }

// maxRegex is the length of a regular expression that Elasticsearch takes by
// default (index.max_regex_length); a list counts as one.
const maxRegex = 1000

// maxListWork bounds what it may take to find out that a list can be longer.
const maxListWork = backends.LuceneWork >> 5

// spread appends e as tests of which one must pass; none of what is no Match.
func spread(out []test, e ir.Expr) []test {
	m, ok := e.(ir.Match)
	if !ok {
		return out
	}
	re, ok := m.Test.(ir.Regexp)
	if !ok {
		return append(out, test{e: e})
	}
	whole, lack := lucene(re.Re)
	if lack != "" {
		panic("elastic: cannot write " + lack)
	}
	for _, w := range whole {
		out = append(out, test{e: e, lucene: w})
	}
	return out
}

// gather puts together what one list can say, where the first of them is.
func gather(es []ir.Expr) []operand {
	type key struct {
		field string
		kind  kind
	}
	out := make([]operand, 0, len(es))
	var lists backends.Firsts[key]
	at, split := 0, false
	all := make([]test, 0, len(es)) // of which lists are parts, if no other test stands between theirs
	for _, e := range es {
		from := len(all)
		if all = spread(all, e); from == len(all) {
			out = append(out, operand{e: e, at: at})
		}
		for i := from; i < len(all); i++ {
			t := &all[i]
			t.at = at
			at++
			m := t.of()
			k := key{m.Field.Name, kindOf(m.Test)}
			list, ok := lists.At(k)
			if !ok {
				list = len(out)
				out = append(out, operand{from: i, at: t.at})
				if k.kind >= kindEqual {
					lists.Set(k, list)
				}
			}
			if o := &out[list]; o.from+len(o.tests) == i {
				o.tests = all[o.from : i+1 : i+1]
			} else {
				o.tests = append(o.tests, *t)
			}
		}
		at++
	}
	for i := 0; i < len(out); i++ { // also what is put behind
		if n := longest(out[i].tests); n < len(out[i].tests) {
			rest := out[i].tests[n:]
			out[i].tests, split = out[i].tests[:n], true
			out = append(out, operand{tests: rest, at: rest[0].at})
		}
	}
	if split {
		slices.SortStableFunc(out, func(a, b operand) int { return a.at - b.at })
	}
	return out
}

// longest is how many tests, from the first on, one list can say.
func longest(ts []test) int {
	if len(ts) < 2 || ts[0].lucene == nil {
		return len(ts)
	}
	subs := []*regex.Re{ts[0].lucene} // Elasticsearch joins them by `|`
	if subs[0].Op == regex.OpAlternate {
		subs = slices.Clone(subs[0].Subs)
	}
	ahead := len(subs) - 1
	for _, t := range ts[1:] {
		subs = append(subs, t.lucene)
	}
	fits := func(n, work int) (left int, ok bool) {
		why := refuses(either(subs[:ahead+n]...), &work)
		return work, why == ""
	}
	if _, ok := fits(len(ts), maxListWork>>4); ok {
		return len(ts)
	}
	// To find that a list is too long takes all the work, and what a list takes may double with each
	// that it has more. So the steps are small where much of it is taken.
	n, over := 1, len(ts)+1
	for step := 1; n < len(ts); {
		next := min(n+step, len(ts))
		left, ok := fits(next, maxListWork)
		if !ok {
			over = next
			break
		}
		if n, step = next, next; left < maxListWork-maxListWork>>4 {
			step = max(1, next/4)
		}
	}
	for over-n > 1 {
		middle := (n + over) / 2
		if _, ok := fits(middle, maxListWork); ok {
			n = middle
		} else {
			over = middle
		}
	}
	return n
}

// A kind is a way to write a test; those from kindEqual on have lists.
type kind int

const (
	kindOrder     kind = iota // ?f < 5
	kindNull                  // ?f == null
	kindExists                // ?f != null
	kindBool                  // ?f == true
	kindEqual                 // ?f == "v", ?f in ("v", "w")
	kindEqualFold             // ?f in~ ("v", "w")
	kindLikeFold              // ?f : "v*", ?f : ("v*", "w")
	kindLike                  // ?f like "v*", ?f like ("v*", "w*")
	kindRegex                 // ?f regex "v", ?f regex ("v", "w")
	kindCIDR                  // cidrMatch(?f, "v", "w")
)

func kindOf(t ir.Test) kind {
	switch t := t.(type) {
	case ir.Pattern:
		shape, s := t.Shape()
		switch {
		case shape == ir.Any:
			return kindExists
		case shape == ir.Exact && (t.Cased || s == ""):
			return kindEqual
		case shape == ir.Exact && strings.ContainsAny(s, "*?"):
			return kindEqualFold
		case t.Cased:
			return kindLike
		}
		return kindLikeFold
	case ir.Regexp:
		return kindRegex
	case ir.CIDR:
		return kindCIDR
	case ir.Compare:
		if t.Op == ir.Eq {
			return kindEqual
		}
		return kindOrder
	case ir.Bool:
		return kindBool
	case ir.Null:
		return kindNull
	case ir.Exists:
		return kindExists
	}
	panic(fmt.Sprintf("elastic: cannot write %T", t))
}

// tests writes tests of one field and one kind, or that none of them passes.
func (w *writer) tests(ts []test, negated bool) backends.Doc {
	first := ts[0].of()
	f, ok := fieldName(first.Field.Name)
	if !ok {
		w.fail(first.Pos, "a field without a name in plain characters", "")
	}
	is, isNot, not := " == ", " != ", ""
	if negated {
		is, isNot, not = isNot, is, "not "
	}
	many := len(ts) > 1
	var op string
	switch kindOf(first.Test) {
	case kindNull:
		return text(f + is + "null")
	case kindExists:
		return text(f + isNot + "null")
	case kindOrder: // the value has its operator
	case kindCIDR:
		return backends.Doc{Text: not + "cidrMatch", Open: "(", Sep: ",", Items: append([]string{f}, w.values(ts)...)}
	case kindBool, kindEqual:
		if op = " in "; !many {
			op, not = is, ""
		}
	case kindEqualFold:
		op, many = " in~ ", true
	case kindLikeFold:
		op = " : "
	case kindLike:
		op = " like "
	case kindRegex:
		op = " regex "
	}
	if !many {
		b := append(append(append(w.buf[:0], not...), f...), op...)
		w.buf = w.appendValue(b, &ts[0])
		return text(string(w.buf))
	}
	return backends.Doc{Text: not + f + op, Open: "(", Sep: ",", Items: w.values(ts)}
}

// values writes the constants of tests.
func (w *writer) values(ts []test) []string {
	ends := make([]int, len(ts))
	w.buf = w.buf[:0]
	for i := range ts {
		w.buf = w.appendValue(w.buf, &ts[i])
		ends[i] = len(w.buf)
	}
	all, from := string(w.buf), 0
	vs := make([]string, len(ts))
	for i, to := range ends {
		vs[i], from = all[from:to], to
	}
	return vs
}

// appendValue appends the constant of a test; of kindOrder, with its operator.
func (w *writer) appendValue(b []byte, v *test) []byte {
	m := v.of()
	str := func(p ir.Pattern) []byte {
		b, ok := appendQuoted(b, p)
		if !ok {
			w.fail(m.Pos, "a value that is not UTF-8 text", "")
		}
		return b
	}
	switch t := m.Test.(type) {
	case ir.Pattern:
		if !hasPattern(t) {
			panic("elastic: cannot write " + t.String())
		}
		return str(t)
	case ir.Regexp:
		return str(ir.Lit(luceneText(v.lucene)))
	case ir.CIDR:
		return str(ir.Lit(t.Net.String()))
	case ir.Compare:
		if t.Op != ir.Eq {
			b = append(append(append(b, ' '), t.Op.String()...), ' ')
		}
		return append(b, w.number(t.Number, m.Pos)...)
	case ir.Bool:
		return strconv.AppendBool(b, t.Value)
	}
	panic(fmt.Sprintf("elastic: cannot write %T", m.Test))
}

// number writes n: a long, or a double that keeps all digits of n.
func (w *writer) number(n ir.Number, at ir.Pos) string {
	whole, frac, _ := strings.Cut(string(n), ".")
	switch {
	case frac == "" && !n.IsLong():
		w.fail(at, "a whole number of more than 64 bits", "")
	case frac != "" && len(strings.TrimLeft(strings.TrimPrefix(whole, "-")+frac, "0")) > 15:
		w.fail(at, "a number of more than 15 digits with a point", "")
	}
	return string(n)
}
