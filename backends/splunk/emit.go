package splunk

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"sigmac/backends"
	"sigmac/ir"
	"sigmac/regex"
)

// Emit writes one query a condition: a search, and after it `where` for the
// conjuncts that `search` cannot say.
func Emit(r *ir.Rule) ([]backends.Doc, error) {
	index, rest := r.Scope.Index, r.Scope
	rest.Index = ""
	if rest.DataModel != "" {
		return nil, backends.Unsupported(name, r.Source.Pos, "a data model in the format default",
			"a pipeline asks for "+rest.DataModel+", which the format data_model searches")
	}
	if err := backends.Foreign(name, rest, r.Source.Pos); err != nil {
		return nil, err
	}
	if index != "" {
		lit, ok := indexName(index)
		if !ok {
			return nil, backends.Unsupported(name, r.Source.Pos, fmt.Sprintf("the index name %q", index), "")
		}
		index = lit
	}
	var out []backends.Doc
	for _, c := range r.Conditions {
		w := &writer{single: r.Single}
		d := w.query(index, c.Expr)
		if w.err != nil {
			return nil, w.err
		}
		out = append(out, d)
	}
	return out, nil
}

type writer struct {
	err    error
	single bool   // no field has several values, and none is missing under a NOT
	and    string // the operator between the terms of a search, or "" where white space is enough
	buf    []byte // to write in
}

func (w *writer) fail(at ir.Pos, feature string) {
	if w.err == nil {
		w.err = backends.Unsupported(name, at, feature, "")
	}
}

func text(s string) backends.Doc { return backends.Doc{Text: s} }

// compound says whether d has operators outside parentheses.
func compound(d *backends.Doc) bool { return len(d.Parts) > 1 && d.Open == "" }

// query writes a search of index, if it is not empty, for the events of e.
func (w *writer) query(index string, e ir.Expr) backends.Doc {
	var search, where, bare []ir.Expr
	all := ir.Conjuncts(tidy(e))
	for _, c := range all {
		if searchable(c) {
			search, bare = append(search, c), append(bare, c)
		} else {
			search = append(search, implied(c))
			where = append(where, c)
		}
	}
	help := words(all)
	d := w.conjunction(index, search, help...)
	if len(where)+len(help) > 0 {
		plain := w.conjunction(index, bare)
		d.Bare = &plain
	}
	if len(where) == 0 {
		return d
	}
	w.single = w.single && !slices.ContainsFunc(where, func(e ir.Expr) bool { return mayBeNull(e, all) })
	filter := w.where(ir.And(where), false)
	if filter.Sep == "AND" && filter.Open == "" {
		for i := range filter.Parts {
			filter.Parts[i].Cost = &rows[costWhere]
		}
	} else {
		filter.Cost = &rows[costWhere]
	}
	filter.Head = "where "
	return backends.Doc{Sep: "|", Parts: []backends.Doc{d, filter}, Why: lacks(where)}
}

// conjunction writes a search of index for the events of all of es, with help behind what says
// which source is meant.
func (w *writer) conjunction(index string, es []ir.Expr, help ...backends.Doc) backends.Doc {
	var parts []backends.Doc
	if index != "" {
		parts = append(parts, backends.Doc{Text: "index=" + index, Cost: &rows[costSource]})
	}
	parts = append(parts, w.all(ir.Conjuncts(ir.Conjunction(es...)))...)
	at := slices.IndexFunc(parts, func(d backends.Doc) bool { return d.Cost != &rows[costSource] })
	if at < 0 {
		at = len(parts)
	}
	parts = slices.Insert(parts, at, help...)
	if len(parts) == 0 {
		parts = append(parts, text("*"))
	}
	return joined("", parts)
}

// joined puts parts beside each other, with parentheses around other operators: in
// `search` OR binds tighter than AND, in `where` AND binds tighter than OR. It may change parts.
func joined(op string, parts []backends.Doc) backends.Doc {
	return backends.Joined(op, parts, compound)
}

func each[T any](es []T, write func(T) backends.Doc) []backends.Doc {
	out := make([]backends.Doc, len(es))
	for i, e := range es {
		out[i] = write(e)
	}
	return out
}

// negated writes `NOT d`; bare says whether a plain d needs no parentheses.
func negated(d backends.Doc, bare bool) backends.Doc {
	switch {
	case compound(&d):
		d.Open = "NOT ("
	case bare && !strings.HasPrefix(d.Text+d.Open, "NOT "):
		d.Text = "NOT " + d.Text
	default:
		return backends.Doc{Open: "NOT (", Parts: []backends.Doc{d}}
	}
	return d
}

// search writes an expression of the command `search`.
func (w *writer) search(e ir.Expr) backends.Doc {
	switch e := e.(type) {
	case ir.And:
		if es := ir.Conjuncts(e); len(es) > 0 {
			return joined(w.and, w.all(es))
		}
		return text("*")
	case ir.Or:
		if es := ir.Disjuncts(e); len(es) > 0 {
			return joined("OR", choice(gather(stars(es, isEmpty), inList), w.search, w.terms))
		}
		return text("NOT *")
	case ir.Not:
		return negated(w.search(e.X), true)
	case ir.Match:
		switch e.Test.(type) {
		case ir.Null:
			return negated(w.search(ir.Match{Field: e.Field, Test: ir.Exists{}, Pos: e.Pos}), true)
		case ir.Exists:
			return joined("OR", []backends.Doc{w.terms([]ir.Expr{star(e)}), w.terms([]ir.Expr{with(e, ir.Lit(""))})})
		}
		return w.terms([]ir.Expr{e})
	case ir.Opaque:
		return text("(" + e.Text + ")")
	}
	panic(fmt.Sprintf("splunk: cannot search %T", e))
}

// all writes conjuncts for the command `search`. Where AND is implied, each part of what
// is left out stands by itself.
func (w *writer) all(es []ir.Expr) (out []backends.Doc) {
	for _, e := range stars(es, leavesEmptyOut) {
		add := func(d backends.Doc) {
			d.Cost = costs.Cost(e)
			out = append(out, d)
		}
		not, ok := e.(ir.Not)
		if !ok || w.and != "" {
			add(w.search(e))
			continue
		}
		for _, d := range choice(gather(ir.Disjuncts(not.X), inList), w.search, w.terms) {
			add(negated(d, true))
		}
	}
	return out
}

// An operand of a choice is an expression, or tests of one field that are written as
// one.
type operand struct {
	e          ir.Expr
	tests      []ir.Expr // each is a Match
	from, size int       // where the tests begin in the choice, and how large they are together
}

func choice(os []operand, one func(ir.Expr) backends.Doc, list func([]ir.Expr) backends.Doc) []backends.Doc {
	return each(os, func(o operand) backends.Doc {
		if o.tests != nil {
			return list(o.tests)
		}
		return one(o.e)
	})
}

// maxSize bounds what one list or regular expression holds.
const maxSize = 1000

// gather puts together the tests of one field, where the first of them is; one
// of size 0 stays alone.
func gather(es []ir.Expr, size func(ir.Test) int) []operand {
	out := make([]operand, 0, len(es))
	var lists backends.Firsts[string] // by their fields
	for i, e := range es {
		m, _ := e.(ir.Match)
		n := 0
		if m.Test != nil {
			n = size(m.Test)
		}
		if n == 0 {
			out = append(out, operand{e: e})
			continue
		}
		at, ok := lists.At(m.Field.Name)
		if !ok || out[at].size+n > maxSize {
			at = len(out)
			lists.Set(m.Field.Name, at)
			out = append(out, operand{from: i})
		}
		o := &out[at]
		o.size += n
		if o.from+len(o.tests) == i { // all of es from there on
			o.tests = es[o.from : i+1 : i+1]
		} else {
			o.tests = append(o.tests, e)
		}
	}
	return out
}

// inList is the size of a test in `f IN (…)`, which has no networks.
func inList(t ir.Test) int {
	switch t := t.(type) {
	case ir.Pattern:
		return min(len(t.Parts), 1)
	case ir.Compare:
		if t.Op == ir.Eq {
			return 1
		}
	case ir.Bool:
		return 1
	}
	return 0
}

// terms writes tests of one field for the command `search`.
func (w *writer) terms(tests []ir.Expr) backends.Doc {
	first := tests[0].(ir.Match)
	f, lack := searchField(first.Field.Name)
	if lack != "" {
		w.fail(first.Pos, lack)
	}
	if len(tests) == 1 {
		w.buf = append(append(w.buf[:0], f...), relation(first)...)
		return text(string(w.appendValue(w.buf, first)))
	}
	w.buf = w.buf[:0]
	ends := make([]int, len(tests))
	for i, e := range tests {
		w.buf = w.appendValue(w.buf, e.(ir.Match))
		ends[i] = len(w.buf)
	}
	all, from := string(w.buf), 0
	vs := make([]string, len(tests))
	for i, to := range ends {
		vs[i], from = all[from:to], to
	}
	return backends.Doc{Text: f + " IN ", Open: "(", Sep: ",", Items: vs}
}

// relation is the operator between a field and the value of a test.
func relation(m ir.Match) string {
	if t, ok := m.Test.(ir.Compare); ok {
		return t.Op.String()
	}
	return "="
}

// appendValue appends the value of a test.
func (w *writer) appendValue(b []byte, m ir.Match) []byte {
	switch t := m.Test.(type) {
	case ir.Pattern:
		if !quotable(t) {
			panic("splunk: cannot search " + t.String())
		}
		if shape, _ := t.Shape(); shape == ir.Any {
			return append(b, '*')
		}
		return appendQuoted(b, t)
	case ir.Compare:
		if t.Op != ir.Eq { // alone, by inList
			return append(b, w.number(t.Number, m.Pos)...)
		}
		return append(b, t.Number...)
	case ir.Bool:
		return append(strconv.AppendBool(append(b, '"'), t.Value), '"')
	case ir.CIDR:
		return append(append(append(b, '"'), t.Net.String()...), '"')
	}
	panic(fmt.Sprintf("splunk: cannot search %T", m.Test))
}

// where writes an expression of the command `where`. Under a NOT no part of it is
// null; elsewhere null does not hold, as false does not.
func (w *writer) where(e ir.Expr, negative bool) backends.Doc {
	if said(e) {
		return w.searchmatch(e)
	}
	one := func(e ir.Expr) backends.Doc { return w.where(e, negative) }
	switch e := e.(type) {
	case ir.And:
		plain, rest := partition(e, said)
		parts := make([]backends.Doc, 0, len(rest)+1)
		if len(plain) > 0 {
			parts = append(parts, w.searchmatch(ir.And(plain)))
		}
		return joined("AND", append(parts, each(rest, one)...))
	case ir.Or:
		plain, rest := partition(e, said)
		parts := choice(gather(rest, inRe), one, w.regex)
		if len(plain) > 0 {
			parts = append([]backends.Doc{w.searchmatch(ir.Or(plain))}, parts...)
		}
		return joined("OR", parts)
	case ir.Not:
		d := w.where(e.X, true)
		return negated(d, strings.HasSuffix(d.Text, ")"))
	case ir.Match:
		return w.atom(e, negative)
	case ir.Opaque:
		w.fail(e.Pos, "a piece of query language in one choice with what only `where` can say")
		return text("1=0")
	}
	panic(fmt.Sprintf("splunk: cannot write %T", e))
}

// searchmatch writes e, which `search` can say beside its index, for `where`. It
// takes the values of a field one by one, as `search` does.
func (w *writer) searchmatch(e ir.Expr) backends.Doc {
	d := w.search(e)
	return text("searchmatch(" + quoteText(d.Flat()) + ")")
}

// inRe is the size of a test in a regular expression with others, roughly.
func inRe(t ir.Test) int {
	if p, ok := t.(ir.Pattern); ok {
		return len(p.Literals()) + 4*len(p.Parts) + 1
	}
	re := reOf(t)
	if re == nil || re.Extended() != "" {
		return 0
	}
	return len(regex.Print(re, regex.PCRE)) + 1
}

// reOf is the regular expression that t is written as, or nil.
func reOf(t ir.Test) *regex.Re {
	switch t := t.(type) {
	case ir.Pattern:
		return ir.PatternRe(t)
	case ir.Regexp:
		return t.Re
	case ir.Compare:
		if t.Op == ir.Eq {
			return ir.PatternRe(ir.Lit(string(t.Number)))
		}
	case ir.Bool:
		return ir.PatternRe(ir.Lit(fmt.Sprint(t.Value)))
	}
	return nil
}

// eitherRe is one of res, with the anchors that all of them have outside.
func eitherRe(res []*regex.Re) *regex.Re {
	if len(res) == 1 {
		return res[0]
	}
	begin, end := &regex.Re{Op: regex.OpBeginText}, &regex.Re{Op: regex.OpEndText}
	pre, post := 1, 1
	for _, re := range res {
		n := len(re.Subs)
		if re.Op != regex.OpConcat || n == 0 || re.Subs[0].Op != begin.Op {
			pre = 0
		}
		if re.Op != regex.OpConcat || n == 0 || re.Subs[n-1].Op != end.Op {
			post = 0
		}
	}
	either := &regex.Re{Op: regex.OpAlternate}
	for _, re := range res {
		switch {
		case pre+post > 0:
			either.Subs = append(either.Subs, &regex.Re{Op: regex.OpConcat, Subs: re.Subs[pre : len(re.Subs)-post]})
		case re.Op == regex.OpAlternate:
			either.Subs = append(either.Subs, re.Subs...)
		default:
			either.Subs = append(either.Subs, re)
		}
	}
	if pre+post == 0 {
		return either
	}
	whole := []*regex.Re{begin, either, end}
	return &regex.Re{Op: regex.OpConcat, Subs: whole[1-pre : 2+post]}
}

// field writes the name of a field for `where`.
func (w *writer) field(f ir.Field, at ir.Pos) string {
	lit, lack := whereField(f.Name)
	if lack != "" {
		w.fail(at, lack)
	}
	return lit
}

// mayBeNull says whether under a NOT in e stands a regular expression that `match` makes
// null of an event of all of es.
func mayBeNull(e ir.Expr, es []ir.Expr) (may bool) {
	ir.Visit(e, func(x ir.Expr, _ bool) bool {
		not, ok := x.(ir.Not)
		ir.Walk(not.X, func(x ir.Expr) {
			m, ok := x.(ir.Match)
			may = may || ok && !said(m) && reOf(m.Test) != nil && m.Field.Name != "_raw" &&
				!slices.ContainsFunc(es, func(e ir.Expr) bool { return requires(e, m.Field.Name) })
		})
		return !ok
	})
	return may
}

// regex writes tests of one field as one regular expression. `match` is documented for
// one value, and is null of a missing field; `mvfind` finds one of several, and whether it
// does is never null. Every event has _raw, its text.
func (w *writer) regex(tests []ir.Expr) backends.Doc {
	first := tests[0].(ir.Match)
	res := make([]*regex.Re, 0, len(tests))
	for _, e := range tests {
		m := e.(ir.Match)
		if p, ok := m.Test.(ir.Pattern); ok {
			for _, q := range p.Parts {
				if !utf8.ValidString(q.Text) {
					w.fail(m.Pos, "a value that is not UTF-8 text")
				}
			}
		}
		res = append(res, reOf(m.Test))
	}
	re := regex.Print(eitherRe(res), regex.PCRE)
	lit, ok := quoteRe(re)
	if !ok {
		panic("splunk: cannot quote " + re)
	}
	args := "(" + w.field(first.Field, first.Pos) + "," + lit + ")"
	if w.single || first.Field.Name == "_raw" {
		return text("match" + args)
	}
	return text("isnotnull(mvfind" + args + ")")
}

// atom writes a test; under a NOT it is true or false, never null (SEMANTICS B.4).
func (w *writer) atom(m ir.Match, negative bool) backends.Doc {
	if reOf(m.Test) != nil {
		return w.regex([]ir.Expr{m})
	}
	f := w.field(m.Field, m.Pos)
	var cond string
	switch t := m.Test.(type) {
	case ir.Null:
		return text("isnull(" + f + ")")
	case ir.Exists:
		return text("isnotnull(" + f + ")")
	case ir.CIDR:
		cond = `cidrmatch("` + t.Net.String() + `",` + f + ")"
	case ir.Compare:
		cond = "tonumber(" + f + ")" + t.Op.String() + w.number(t.Number, m.Pos)
	case ir.TimePart:
		format, ok := timeFormats[t.Part]
		if !ok {
			panic("splunk: cannot write " + t.String())
		}
		cond = "tonumber(strftime(" + f + `,"` + format + `"))` + t.Op.String() + w.number(t.Number, m.Pos)
	case ir.FieldRef:
		cond = w.compared(f, t, m.Pos)
	default:
		panic(fmt.Sprintf("splunk: cannot write %T", m.Test))
	}
	if negative {
		cond = "if(" + cond + ",1,0)=1"
	}
	return text(cond)
}

// number writes n, which eval reads as a double.
func (w *writer) number(n ir.Number, at ir.Pos) string {
	if len(strings.TrimLeft(strings.NewReplacer("-", "", ".", "").Replace(string(n)), "0")) > 15 {
		w.fail(at, "a comparison with a number of more than 15 digits")
	}
	return string(n)
}

// compared writes a relation between two fields.
func (w *writer) compared(f string, t ir.FieldRef, at ir.Pos) string {
	g := w.field(t.Other, at)
	length := "len(" + g + ")"
	if !t.Cased {
		f, g = "lower("+f+")", "lower("+g+")"
	}
	// The "x" keeps a length from being 0, of which substr may make null, and
	// two texts from being compared as numbers.
	switch t.Shape {
	case ir.Exact:
		return f + "=" + g
	case ir.Prefix:
		return `substr("x".` + f + ",1,1+" + length + `)="x".` + g
	case ir.Suffix:
		return "substr(" + f + `."x",-1-` + length + `)=` + g + `."x"`
	case ir.Contains:
		w.fail(at, "a fieldref with contains")
		return ""
	}
	panic("splunk: cannot write " + t.String())
}
