package kusto

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"sigmac/backends"
	"sigmac/ir"
	"sigmac/regex"
)

// Emit writes one query a condition: the predicate, after the table and the
// columns that it computes if the rule has them.
func Emit(r *ir.Rule) ([]backends.Doc, error) {
	table, err := tableOf(r)
	if err != nil {
		return nil, err
	}
	var out []backends.Doc
	for _, c := range r.Rewrite(plainer).Conditions {
		w := newWriter(r.Computed)
		switch {
		case table != "":
			stages := w.stages(r.Computed, c.Expr)
			out = append(out, backends.Doc{Sep: "|", Lines: true, Parts: append([]backends.Doc{text(table)}, stages...)})
		case slices.ContainsFunc(ir.Conjuncts(c.Expr), w.needs):
			w.fail(r.Source.Pos, "a computed column without a table", "")
		default:
			out = append(out, w.filter(c.Expr, true))
		}
		if w.err != nil {
			return nil, w.err
		}
	}
	return out, nil
}

// plainer has an operator in the place of a regular expression that is a row of characters.
func plainer(e ir.Expr) (ir.Expr, bool) {
	m, _ := e.(ir.Match)
	if t, ok := m.Test.(ir.Regexp); ok {
		if p, same := t.Wide(); same && p.Literals() != "" && hasPattern(p) {
			m.Test = p
			return m, true
		}
	}
	return e, false
}

// tableOf is the name of a rule's table as it is written, or empty.
func tableOf(r *ir.Rule) (string, error) {
	rest := r.Scope
	rest.Table = ""
	if err := backends.Foreign(name, rest, r.Source.Pos); err != nil || r.Scope.Table == "" {
		return "", err
	}
	lit, ok := entity(r.Scope.Table)
	if !ok {
		return "", backends.Unsupported(name, r.Source.Pos, "a table without a name in plain characters", "")
	}
	return lit, nil
}

func newWriter(columns []ir.Computed) *writer {
	w := &writer{computed: map[string]bool{}}
	w.costs = backends.Costs{Rows: rows, Not: costNot, Of: w.row}
	for _, x := range columns {
		w.computed[x.Name] = false
		if x.Name == x.Text {
			w.inline = append(w.inline, x.Name)
		}
	}
	return w
}

// stages are those behind a table that keep the rows at which e is true, with the computed
// columns that e tests and those that were written before. The conditions on columns of the table
// stand before what is computed of these.
func (w *writer) stages(columns []ir.Computed, e ir.Expr) (out []backends.Doc) {
	where := func(e ir.Expr, first bool) {
		filter := w.filter(e, first) // holds no line break, as no literal does
		out = append(out, backends.Doc{Text: "where ", Body: &filter, Inset: 1})
	}
	var plain, late ir.And
	for _, x := range ir.Conjuncts(e) {
		if w.needs(x) {
			late = append(late, x)
		} else {
			plain = append(plain, x)
		}
	}
	if late == nil && !w.made() {
		where(e, true)
		return out
	}
	if plain != nil {
		where(ir.Conjunction(plain...), true)
	}
	filter := ir.Conjunction(late...)
	w.expr(filter, false) // notes the columns
	out = append(out, w.extend(columns))
	if late != nil {
		where(filter, false)
	}
	return out
}

// made says whether a computed column was written that a stage makes.
func (w *writer) made() bool {
	for name, is := range w.computed {
		if is && !slices.Contains(w.inline, name) {
			return true
		}
	}
	return false
}

type writer struct {
	err      error
	costs    backends.Costs
	computed map[string]bool // whether the query tests it
	inline   []string        // computed columns that stand where they are tested
}

// needs says whether e tests a computed column that a stage makes.
func (w *writer) needs(e ir.Expr) (needs bool) {
	made := func(f ir.Field) bool {
		name, _, _ := strings.Cut(f.Name, ".")
		_, ok := w.computed[name]
		return ok && !slices.Contains(w.inline, name)
	}
	ir.Walk(e, func(e ir.Expr) {
		switch e := e.(type) {
		case ir.Match:
			ref, _ := e.Test.(ir.FieldRef)
			needs = needs || made(e.Field) || made(ref.Other)
		case ir.Opaque:
			needs = needs || len(w.computed) > len(w.inline)
		}
	})
	return needs
}

// extend makes the computed columns that the query tests.
func (w *writer) extend(columns []ir.Computed) backends.Doc {
	d := backends.Doc{Text: "extend ", Sep: ",", Lines: true, Inset: 2}
	for _, c := range columns {
		if w.computed[c.Name] && !slices.Contains(w.inline, c.Name) {
			lit, _ := entity(c.Name)
			d.Items = append(d.Items, lit+" = "+c.Text)
		}
	}
	return d
}

func (w *writer) fail(at ir.Pos, feature, reason string) {
	if w.err == nil {
		w.err = backends.Unsupported(name, at, feature, reason)
	}
}

func text(s string) backends.Doc { return backends.Doc{Text: s} }

func call(function string, args ...string) backends.Doc {
	return backends.Doc{Text: function, Open: "(", Sep: ",", Items: args}
}

// filter writes a whole condition; the first of a query with help for the index.
func (w *writer) filter(e ir.Expr, first bool) backends.Doc {
	es, costs := w.costs.Sorted(ir.Conjuncts(e))
	own := w.conjuncts(es, costs, false)
	if len(own) == 0 {
		return text("true")
	}
	bare := group("and", own)
	if !first {
		return bare
	}
	help, ok := w.help(es, costs)
	if !ok {
		return bare
	}
	at := slices.IndexFunc(own, func(d backends.Doc) bool { return d.Cost != &rows[costKind] })
	d := group("and", slices.Insert(slices.Clone(own), at, help))
	d.Bare = &bare
	return d
}

// conjuncts are the operands of an `and` of es, whose costs are given. Tests before which another
// one is to stand are found before anything is written.
func (w *writer) conjuncts(es []ir.Expr, costs []int, negated bool) []backends.Doc {
	type guarded struct {
		guard ir.Expr
		atom
	}
	var tests []guarded
	for _, e := range es {
		if m, guard, ok := guardOf(e); ok {
			tests = append(tests, guarded{guard, w.match(m)})
		}
	}
	out := make([]backends.Doc, 0, len(es)+len(tests))
	for i, e := range es {
		from := len(out)
		if _, _, ok := guardOf(e); ok {
			out = append(out, w.expr(tests[0].guard, negated), tests[0].doc(negated))
			tests = tests[1:]
		} else {
			out = append(out, w.expr(e, negated))
		}
		for j := from; j < len(out); j++ {
			out[j].Cost = &rows[costs[i]]
		}
	}
	return out
}

// expr writes e so that it can be joined by its own operator; negated says
// whether it stands under a `not`.
func (w *writer) expr(e ir.Expr, negated bool) backends.Doc {
	switch e := e.(type) {
	case ir.And:
		es, costs := w.costs.Sorted(ir.Conjuncts(e))
		if len(es) == 0 {
			return text("true")
		}
		return group("and", w.conjuncts(es, costs, negated))
	case ir.Or:
		es := ir.Disjuncts(e)
		if len(es) == 0 {
			return text("false")
		}
		return group("or", w.choice(es, negated))
	case ir.Not:
		if m, ok := e.X.(ir.Match); ok {
			if is, ok := presence(m); ok {
				a := w.present(m, !is)
				return a.doc(negated)
			}
		}
		d := w.expr(e.X, true)
		if d.Sep != "" && d.Open == "" {
			d.Open = "not("
			return d
		}
		return backends.Doc{Open: "not(", Parts: []backends.Doc{d}}
	case ir.Match:
		a := w.match(e)
		if _, guard, ok := guardOf(e); ok {
			return group("and", []backends.Doc{w.expr(guard, negated), a.doc(negated)})
		}
		return a.doc(negated)
	case ir.Keyword:
		a := w.keyword(e)
		return a.doc(negated)
	case ir.Opaque:
		if e.Of != nil {
			for _, f := range e.Of.Fields { // it may be computed
				w.column(f, e.Pos)
			}
		}
		return text("(" + e.Text + ")")
	}
	panic(fmt.Sprintf("kusto: cannot write %T", e))
}

// group joins parts by an operator.
func group(op string, parts []backends.Doc) backends.Doc {
	if len(parts) == 1 {
		return parts[0]
	}
	for i, p := range parts {
		if p.Open == "" && (p.Sep == "and" || p.Sep == "or") {
			parts[i].Open = "("
		}
	}
	for len(parts) > maxChain {
		parts = chunks(op, parts)
	}
	return backends.Doc{Sep: op, Parts: parts}
}

// maxChain bounds the operands of one operator. To a parser each of them is one
// deeper, and Microsoft's does not analyse what is deeper than 500 (KS245).
const maxChain = 100

// chunks puts parentheses around as many operands as a chain may have.
func chunks(op string, parts []backends.Doc) (out []backends.Doc) {
	for chunk := range slices.Chunk(parts, maxChain) {
		if len(chunk) == 1 {
			out = append(out, chunk[0])
			continue
		}
		out = append(out, backends.Doc{Open: "(", Sep: op, Parts: chunk})
	}
	return out
}

// mapped is where the IPv6 functions see an IPv4 address.
var mapped = netip.MustParsePrefix("::ffff:0:0/96")

// guardOf is the test before e, a Match, that KQL needs to mean the same, if there is one.
func guardOf(e ir.Expr) (m ir.Match, guard ir.Expr, ok bool) {
	if m, ok = e.(ir.Match); !ok {
		return m, nil, false
	}
	switch t := m.Test.(type) {
	case ir.FieldRef:
		// Blank equals blank, and every text starts with it; a blank on the
		// other side matches nothing.
		f := t.Other
		if t.Shape == ir.Exact {
			f = m.Field
		}
		return m, ir.Match{Field: f, Test: ir.Exists{}, Pos: m.Pos}, true
	case ir.CIDR:
		if t.Net.Addr().Is6() && t.Net.Overlaps(mapped) {
			star := ir.Part{Kind: ir.AnyRun}
			colon := ir.NewPattern(false, star, ir.Part{Text: ":"}, star)
			return m, ir.Match{Field: m.Field, Test: colon, Pos: m.Pos}, true
		}
	}
	return m, nil, false
}

// An atom is a test without operators: `left op right`, or `op(left, right)`, or left alone.
type atom struct {
	left, op, right string
	many            string // the operator of several rights, if there is one
	call            bool
	null            bool // may be null
	manyNull        bool // may be null with several rights
}

func (a *atom) doc(negated bool) backends.Doc {
	switch {
	case a.right == "":
		return known(text(a.left), a.null && negated)
	case a.call:
		return known(call(a.op, a.left, a.right), a.null && negated)
	}
	return known(text(a.left+" "+a.op+" "+a.right), a.null && negated)
}

// list is the atom with several rights.
func (a *atom) list(rights []string, negated bool) backends.Doc {
	if a.call {
		return known(call(a.many, append([]string{a.left}, rights...)...), a.manyNull && negated)
	}
	return known(call(a.left+" "+a.many+" ", rights...), a.manyNull && negated)
}

// known is d, with false in the place of null where that matters: in a positive place null selects
// nothing, as false does.
func known(d backends.Doc, null bool) backends.Doc {
	if null {
		return backends.Doc{Text: "coalesce", Open: "(", Sep: ",", Parts: []backends.Doc{d, text("false")}}
	}
	return d
}

// choice are the operands of an `or` of es. What one list can say stands together, where the first
// of it is. Other expressions are written when the tests are.
func (w *writer) choice(es []ir.Expr, negated bool) []backends.Doc {
	type key struct{ left, many string }
	type list struct {
		atom
		at     int
		rights []string
	}
	var lists []list
	var firsts backends.Firsts[key]
	var others []int // of es, where it stands behind
	var out []backends.Doc
	for i, e := range es {
		m, ok := e.(ir.Match)
		var a atom
		if ok {
			a = w.match(m) // finds faults in the order of the tests
		}
		if _, _, guarded := guardOf(e); !ok || guarded {
			others = append(others, i, len(out))
			out = append(out, backends.Doc{})
			continue
		}
		if a.many == "" {
			if out == nil {
				out = make([]backends.Doc, 0, len(es))
			}
			out = append(out, a.doc(negated))
			continue
		}
		k := key{a.left, a.many}
		at, ok := firsts.At(k)
		if !ok {
			at = len(lists)
			firsts.Set(k, at)
			lists = append(lists, list{atom: a, at: len(out)})
			out = append(out, backends.Doc{})
		}
		lists[at].rights = append(lists[at].rights, a.right)
	}
	for i := range lists {
		l := &lists[i]
		if out[l.at] = l.doc(negated); len(l.rights) > 1 {
			out[l.at] = l.list(l.rights, negated)
		}
	}
	for i := 0; i < len(others); i += 2 {
		out[others[i+1]] = w.expr(es[others[i]], negated)
	}
	return out
}

// isText says whether f is a text, which is never null.
func isText(f ir.Field) bool { return f.Type.IsText() || f.Type == ir.Address }

// presence says whether m only asks for a value (is) or for none.
func presence(m ir.Match) (is, ok bool) {
	switch m.Test.(type) {
	case ir.Null:
		return false, true
	case ir.Exists:
		return true, true
	}
	return false, false
}

func (w *writer) present(m ir.Match, is bool) atom {
	function := "is"
	if is {
		function += "not"
	}
	if isText(m.Field) {
		return atom{left: function + "empty(" + w.textOf(m.Field, m.Pos) + ")"}
	}
	return atom{left: function + "null(" + w.column(m.Field, m.Pos) + ")"}
}

// column writes f: a column, or a place inside one.
func (w *writer) column(f ir.Field, at ir.Pos) string {
	name, inside := f.Name, ""
	if f.Type == ir.Dynamic || f.Type == ir.JSON {
		if i := strings.IndexAny(name, ".["); i > 0 {
			name, inside = name[:i], name[i:]
		}
	}
	if slices.Contains(w.inline, f.Name) {
		return f.Name
	}
	if _, ok := w.computed[name]; ok {
		w.computed[name] = true
	}
	lit, ok := entity(name)
	if f.Type == ir.JSON {
		lit = "parse_json(" + lit + ")"
	}
	path, fine := place(inside)
	if !ok || !fine {
		w.fail(at, "a field without a name in plain characters", "")
	}
	return lit + path
}

// place writes a path inside a column, `.a[0].b c`.
func place(path string) (string, bool) {
	var b strings.Builder
	for path != "" {
		if rest, ok := strings.CutPrefix(path, "["); ok {
			index, rest, ok := strings.Cut(rest, "]")
			if !ok || index == "" || strings.Trim(index, "0123456789") != "" {
				return "", false
			}
			b.WriteString("[" + index + "]")
			path = rest
			continue
		}
		rest, ok := strings.CutPrefix(path, ".")
		end := strings.IndexAny(rest, ".[")
		if end < 0 {
			end = len(rest)
		}
		key := rest[:end]
		if path = rest[end:]; !ok || key == "" || !utf8.ValidString(key) || backends.HasHidden(key) {
			return "", false
		}
		if identifier(key) {
			b.WriteString("." + key)
		} else {
			b.WriteString("['" + nameEscaper.Replace(key) + "']")
		}
	}
	return b.String(), true
}

// textOf writes the text of f.
func (w *writer) textOf(f ir.Field, at ir.Pos) string {
	c := w.column(f, at)
	if f.Type == ir.Dynamic || f.Type == ir.JSON || !isText(f) {
		c = "tostring(" + c + ")"
	}
	return c
}

func (w *writer) str(s string, at ir.Pos) string {
	lit, ok := quote(s)
	if !ok {
		w.fail(at, "a value that is not UTF-8 text", "")
	}
	return lit
}

func (w *writer) match(m ir.Match) atom {
	if is, ok := presence(m); ok {
		return w.present(m, is)
	}
	switch t := m.Test.(type) {
	case ir.Pattern:
		return w.pattern(m, t)
	case ir.Regexp:
		return w.regexp(w.textOf(m.Field, m.Pos), t.Re, m.Pos)
	case ir.CIDR:
		a := atom{left: w.textOf(m.Field, m.Pos), right: w.str(t.Net.String(), m.Pos), call: true, null: true}
		if t.Net.Addr().Is4() {
			a.op, a.many, a.manyNull = "ipv4_is_in_range", "ipv4_is_in_any_range", true
		} else {
			a.op = "ipv6_is_in_range"
		}
		return a
	case ir.Compare:
		c := w.column(m.Field, m.Pos)
		switch {
		case !isText(m.Field):
			return w.compare(c, t.Op, t.Number, m.Pos)
		case t.Op == ir.Eq:
			return w.pattern(m, ir.Lit(string(t.Number)))
		}
		if digits(t.Number) > maxDouble {
			w.fail(m.Pos, "a text compared with a number of more than 15 digits", "")
		}
		return w.compare("todouble("+w.textOf(m.Field, m.Pos)+")", t.Op, t.Number, m.Pos)
	case ir.Bool:
		if isText(m.Field) {
			return w.pattern(m, ir.Lit(strconv.FormatBool(t.Value)))
		}
		return atom{left: w.column(m.Field, m.Pos), op: "==", right: strconv.FormatBool(t.Value)}
	case ir.FieldRef:
		return w.fieldRef(m, t)
	case ir.TimePart:
		c := w.column(m.Field, m.Pos)
		switch t.Part {
		case "minute":
			c = `datetime_part("minute", ` + c + ")"
		case "hour":
			c = "hourofday(" + c + ")"
		case "day":
			c = "dayofmonth(" + c + ")"
		case "month":
			c = "monthofyear(" + c + ")"
		case "year":
			c = "getyear(" + c + ")"
		default:
			panic("kusto: cannot write " + t.String())
		}
		return w.compare(c, t.Op, t.Number, m.Pos)
	}
	panic(fmt.Sprintf("kusto: cannot write %T", m.Test))
}

func (w *writer) pattern(m ir.Match, p ir.Pattern) atom {
	shape, s := p.Shape()
	if !hasPattern(p) || s == "" {
		panic("kusto: cannot write " + p.String())
	}
	a := atom{left: w.textOf(m.Field, m.Pos)}
	a.op, a.many = operator(shape, p.Cased)
	if !p.Cased && !regex.ASCIIFolds(s) {
		a.left, s = "tolower("+a.left+")", lower(s)
		a.op, a.many = operator(shape, true)
	}
	a.right = w.str(s, m.Pos)
	return a
}

// operator is the operator of a shape, and that of a list if there is one.
func operator(s ir.Shape, cased bool) (op, many string) {
	if s == ir.Exact {
		if cased {
			return "==", "in"
		}
		return "=~", "in~"
	}
	switch s {
	case ir.Prefix:
		op = "startswith"
	case ir.Suffix:
		op = "endswith"
	case ir.Contains:
		op = "contains"
	}
	if cased && op != "" {
		op += "_cs"
	}
	return op, ""
}

func (w *writer) regexp(left string, re *regex.Re, at ir.Pos) atom {
	if lack := regex.Rust.Lacks(re); lack != "" {
		panic("kusto: cannot write " + lack)
	}
	return atom{left: left, op: "matches regex", right: w.str(regex.Print(re, regex.Rust), at)}
}

// compare writes a relation to a number. `==` is false of null, the others are
// null (SEMANTICS C.3).
func (w *writer) compare(left string, op ir.Op, n ir.Number, at ir.Pos) atom {
	a := atom{left: left, op: op.String(), null: op != ir.Eq, right: w.number(n, at)}
	if op == ir.Eq {
		a.op, a.many, a.manyNull = "==", "in", true
	}
	return a
}

// maxDouble is the number of decimal digits that a double keeps.
const maxDouble = 15

func digits(n ir.Number) int {
	return len(strings.TrimLeft(strings.NewReplacer("-", "", ".", "").Replace(string(n)), "0"))
}

// number writes n: a long, or a double that keeps all digits of n.
func (w *writer) number(n ir.Number, at ir.Pos) string {
	switch fraction := strings.Contains(string(n), "."); {
	case !fraction && !n.IsLong():
		w.fail(at, "a whole number of more than 64 bits", "")
	case fraction && digits(n) > maxDouble:
		w.fail(at, "a number of more than 15 digits with a point", "")
	}
	return string(n)
}

func (w *writer) fieldRef(m ir.Match, t ir.FieldRef) atom {
	if t.Shape == ir.Exact && !isText(m.Field) && m.Field.Type == t.Other.Type {
		return atom{left: w.column(m.Field, m.Pos), op: "==", right: w.column(t.Other, m.Pos)}
	}
	f, g := w.textOf(m.Field, m.Pos), w.textOf(t.Other, m.Pos)
	if !t.Cased {
		f, g = "tolower("+f+")", "tolower("+g+")"
	}
	op, _ := operator(t.Shape, true)
	if op == "" {
		panic("kusto: cannot write " + t.String())
	}
	return atom{left: f, op: op, right: g}
}

// keyword writes a test of every column.
func (w *writer) keyword(k ir.Keyword) atom {
	switch t := k.Test.(type) {
	case ir.Regexp:
		return w.regexp("*", t.Re, k.Pos)
	case ir.Pattern:
		switch shape, s := t.Shape(); {
		case shape == ir.Any:
			return atom{left: "true"}
		case shape != ir.Contains || !hasPattern(t):
		case !t.Cased && !regex.ASCIIFolds(s):
			// No function takes every column.
			return w.regexp("*", ir.PatternRe(t), k.Pos)
		default:
			op, _ := operator(shape, t.Cased)
			return atom{left: "*", op: op, right: w.str(s, k.Pos)}
		}
	}
	panic("kusto: cannot write " + k.String())
}
