// Package read reads queries in KQL back into ir. It does so by what Kusto's documents
// say, and says which states a field can be in there. It knows nothing of the emitter
// that it checks; package backends says why.
//
// A union is a choice of tables. The table that an event is from is a field, $table,
// as the language's own `search` has it: `union (T | where a), U | where b` is
// `And{Or{And{$table T, a}, $table U}, b}`, exact where the sources are tables. A
// column that one source makes is opaque outside of it.
//
// Files of rules hold more than a query, so ReadBatch reads several in one text: a
// blank line ends one only where what stands before it can end a query and what stands
// behind it begins one.
//
// A predicate that is a function of its fields carries a Formula that computes it from
// an event (formula.go). A proof does not look into it, but an event that is found or
// tried does.
package read

import (
	"maps"
	"slices"
	"sort"
	"strings"

	"sigmac/ir"
)

// Read says what a query does. Its Where holds every filter of the events, also
// behind other stages as far as the columns that it tests can be followed.
//
// KQL is three-valued, so a predicate is read twice: where it is true and where
// it is false. A text column has no null; what the empty text passes is read as
// true of a field without a value.
func Read(query string, s ir.Schema) (*ir.Query, error) {
	qs, err := readAll(query, s, false)
	if err != nil {
		return nil, err
	}
	return qs[0], nil
}

func readAll(text string, s ir.Schema, batch bool) (qs []*ir.Query, err error) {
	defer ir.Caught(&err)
	r := newReader(text, s)
	if batch {
		r.tokens = separated(text, r.tokens)
	}
	r.queries(batch)
	return r.read, nil
}

func newReader(text string, s ir.Schema) *reader {
	if len(text) > maxQuery {
		refuse(ir.Pos{Line: 1, Column: 1}, "the query is larger than 1 MB")
	}
	r := &reader{src: text, tokens: lex(text), schema: s, steps: maxReadSteps, bytes: maxReadBytes, work: maxWork}
	r.forget()
	return r
}

const (
	maxQuery     = 1 << 20
	maxReadSteps = 4 << 20  // expressions looked at: names stand for others again and again
	maxReadBytes = 16 << 20 // of text that is kept
	inlineSteps  = 64       // what a query costs that stands where its name is
)

type reader struct {
	src     string
	tokens  []token
	at      int
	depth   int
	schema  ir.Schema
	steps   int
	bytes   int
	lets    map[string][]binding // in their order
	own     map[string]bool      // the lets since the last query
	visible int                  // how many of the lets
	columns map[string][]binding // in the order of their stages
	stage   int
	name    string // the table
	where   []ir.Expr
	times   []ir.Bound
	stages  []ir.Command
	views   []view
	terms   bool // inside the predicate of `search`
	assumed map[string]bool
	lack    string // what was missing to know the predicate that is read
	read    []*ir.Query
	tail    func() // reads a query in the place of main

	row      *rows // whose columns formulas are made of; nil: those of an event
	formulas int   // that predicates were compiled to
	work     int   // that is left for constants
}

// A binding is what a name stands for: an expression, or with nil a table, a
// function or what no expression says.
type binding struct {
	node     *node
	scope    scope
	from, to int // tokens
	order    int // of a let, the number of those before it; of a column, its stage
	hidden   origin
}

// An origin says why a name stands for nothing that the event says.
type origin uint8

const (
	seen     origin = iota
	gone            // a stage dropped the column
	gathered        // it is of several events, or of another table
)

// A view is a stage behind which not every column is there that was before.
type view struct {
	stage int
	keeps func(name string) bool
	other origin // what the rest is
}

// A scope says which names can be seen: the lets before one, and the columns
// of the stages before one.
type scope struct{ lets, stage int }

func (r *reader) scope() scope { return scope{r.visible, r.stage} }

// lookup finds what a name stands for. A column hides a variable.
func (r *reader) lookup(name string, s scope) (b binding, ok bool) {
	b, ok = before(r.columns[name], s.stage)
	for i := len(r.views) - 1; i >= 0; i-- {
		v := r.views[i]
		if v.stage >= s.stage {
			continue
		}
		if r.steps--; ok && b.order >= v.stage {
			break
		}
		if !v.keeps(name) {
			if _, constant := before(r.lets[name], s.lets); constant && !ok {
				break
			}
			return binding{hidden: v.other}, true
		}
	}
	if ok {
		return b, true
	}
	if b, ok = before(r.lets[name], s.lets); !ok {
		return b, false
	}
	if r.schema != nil {
		if t, mapped := r.schema.Type(r.name, name); mapped && t != ir.Unknown {
			return b, false
		}
	}
	return b, true
}

// before is the last binding of a name that is older than order.
func before(bs []binding, order int) (b binding, ok bool) {
	i := sort.Search(len(bs), func(i int) bool { return bs[i].order >= order })
	if i == 0 {
		return b, false
	}
	return bs[i-1], true
}

func (r *reader) spend(n *node) {
	if r.steps--; r.steps < 0 {
		tooMuch(r.pos(n))
	}
}

// queries reads the statements; one of them is the query, or in a batch some
// are.
func (r *reader) queries(batch bool) {
	for {
		for r.is(";") {
			if t := r.peek(); t.from == t.to {
				r.forget()
			}
			r.step()
		}
		t := r.peek()
		switch {
		case t.kind == tokenEnd:
			if len(r.read) == 0 {
				refuse(t.pos, "there is no query")
			}
			return
		case r.is("let"):
			r.let()
		case r.is("set", "declare", "alias", "restrict"):
			r.skip(";")
		case len(r.read) > 0 && !batch:
			refuse(t.pos, "a second query")
		default:
			r.one()
		}
		if !r.is(";") && r.peek().kind != tokenEnd {
			r.unexpected("; or the end")
		}
	}
}

// one reads a query.
func (r *reader) one() {
	r.name, r.where, r.times, r.stages, r.views = "", nil, nil, nil, nil
	r.columns, r.assumed = map[string][]binding{}, map[string]bool{}
	if r.tail != nil {
		r.tail()
	} else {
		r.main()
	}
	q := &ir.Query{Scope: ir.Scope{Table: r.name}, Where: ir.Conjunction(r.where...), Times: r.times, Stages: r.stages}
	q.Assumptions = slices.Sorted(maps.Keys(r.assumed))
	r.read = append(r.read, q)
	r.own = map[string]bool{}
}

// forget drops the lets: they end with the query that they belong to.
func (r *reader) forget() { r.lets, r.own = map[string][]binding{}, map[string]bool{} }

func (r *reader) let() {
	r.step()
	quoted := r.take("[")
	name := r.peek()
	if name.kind != tokenName && !quoted || name.kind != tokenString && quoted {
		r.unexpected("a name")
	}
	if r.step(); quoted {
		r.expect("]")
	}
	if r.own[name.text] {
		refuse(name.pos, "a second let of "+name.text)
	}
	r.own[name.text] = true
	r.expect("=")
	b := binding{from: r.at, order: r.visible, scope: r.scope()}
	b.node = r.try(func() *node {
		n := r.argument()
		if !r.is(";") && r.peek().kind != tokenEnd || n.kind == nodeTable {
			return nil
		}
		return n
	})
	r.at = b.from
	r.skip(";")
	b.to = r.at
	r.lets[name.text] = append(r.lets[name.text], b)
	r.visible++
}

// try reads what may be something else: a function or a query.
func (r *reader) try(read func() *node) (n *node) {
	depth := r.depth
	defer func() {
		if e := recover(); e != nil {
			if _, ok := e.(*ir.Diagnostic); !ok {
				panic(e)
			}
			n, r.depth = nil, depth
		}
	}()
	return read()
}

// booleans are the functions that make a predicate of their own.
var booleans = strings.Fields("not isempty isnotempty isnull isnotnull iff iif case coalesce " +
	"ipv4_is_in_range ipv4_is_in_any_range ipv4_is_private ipv6_is_in_range ipv6_is_in_any_range ipv4_is_match ipv6_is_match " +
	"has_any_index isnan isinf isfinite tobool has_ipv4 has_any_ipv4 has_ipv4_prefix has_any_ipv4_prefix set_has_element")

// main reads a query: a source with stages or, as sigmac writes it where a
// rule has no table, a predicate alone.
func (r *reader) main() {
	if !r.isSource() {
		from := r.at
		n := r.expr()
		alone := r.is(";") || r.peek().kind == tokenEnd
		switch n.kind {
		case nodeAnd, nodeOr, nodeBinary, nodeBool:
			if !alone {
				r.unexpected("the end of the predicate")
			}
			r.filter(n)
			return
		case nodeCall:
			if alone && slices.Contains(booleans, n.text) {
				r.filter(n)
				return
			}
		}
		r.at = from
	}
	r.pipeline(";")
}

func (r *reader) isSource() bool {
	return r.is("union", "find", "search", "print", "externaldata", "datatable", "evaluate") ||
		r.is("range") && r.ahead().text != "("
}

// pipeline reads a source and the stages after it.
func (r *reader) pipeline(end string) {
	if r.depth++; r.depth > maxNesting {
		r.tooDeep()
	}
	r.from(end)
	for r.take("|") {
		r.operator(end)
		if !r.is("|", end) && r.peek().kind != tokenEnd {
			r.unexpected("| or the end")
		}
	}
	r.depth--
}

// from reads where the rows come from.
func (r *reader) from(end string) {
	start := r.at
	switch {
	case r.take("union"):
		r.union(nil, end)
		return
	case r.take("search"):
		r.search(start, end)
		return
	}
	if r.isSource() {
		r.skip("|", end)
		r.keep(r.opaqueTokens(start, r.at, r.scope()))
		return
	}
	n := r.expr()
	switch {
	case r.is("|", end) || r.peek().kind == tokenEnd:
		r.rows(n)
	default: // externaldata(…)[…] with (…), and hints
		r.skip("|", end)
		r.keep(r.opaqueTokens(start, r.at, r.scope()))
	}
}

// rows reads where n, a table or what stands for one, takes its rows from.
func (r *reader) rows(n *node) {
	inline := func(from, visible int, end string) {
		at, seen := r.at, r.visible
		r.steps -= inlineSteps
		r.at, r.visible = from, visible
		r.pipeline(end)
		r.at, r.visible = at, seen
	}
	switch {
	case n.kind == nodeTable:
		inline(n.from, r.visible, ")")
		return
	case n.kind == nodeCall && n.text == "materialize" && len(n.args) == 1:
		r.rows(n.args[0])
		return
	case n.kind == nodeCall && n.text == "table" && len(n.args) == 1 && n.args[0].kind == nodeString:
		r.name = n.args[0].text
		return
	case n.kind == nodeName:
		b, bound := before(r.lets[n.text], r.visible)
		if !bound {
			r.name = n.text
			return
		}
		if r.spend(n); r.isQuery(b) {
			inline(b.from, b.order, ";")
			return
		}
		if r.applied(b, n) {
			return
		}
	case n.kind == nodeCall:
		if b, bound := before(r.lets[n.text], r.visible); bound && r.applied(b, n) {
			return
		}
	}
	r.keep(r.opaqueTokens(n.from, n.to, r.scope()))
}

// isQuery says whether a let is of a query: no function, no constant.
func (r *reader) isQuery(b binding) bool {
	first, second := r.tokens[b.from], r.tokens[b.from+1]
	switch {
	case b.node != nil:
		return b.node.kind == nodeName || b.node.kind == nodeCall && b.node.text == "materialize"
	case first.kind == tokenName:
		return second.text != "(" || first.text == "materialize" || first.text == "union"
	}
	return first.text == "(" && r.tokens[b.to-1].text != "}"
}

// bind reads the columns that a stage makes: each sees those before the stage.
// Those that stand alone are kept; only says whether nothing else stands there
// that has a name which the language makes up.
func (r *reader) bind() (kept map[string]bool, only bool) {
	s := r.scope()
	kept, only = map[string]bool{}, true
	for {
		n := r.expr()
		var names []*node
		if n.kind == nodeName {
			names = []*node{n}
		}
		switch {
		case r.take("="):
			from := r.at
			if names == nil {
				for i := n.from; i < n.to; i++ {
					if t := r.tokens[i]; t.kind == tokenName {
						names = append(names, &node{kind: nodeName, text: t.text})
					}
				}
				r.expr()
				n = nil
			} else {
				n = r.expr()
			}
			for _, name := range names {
				b := binding{node: n, scope: s, from: from, to: r.at, order: r.stage}
				r.columns[name.text] = append(r.columns[name.text], b)
			}
		case names != nil:
			kept[n.text] = true
		default:
			only = false
		}
		if !r.take(",") {
			return kept, only
		}
	}
}

// hide makes the columns that a parse makes stand for what no expression says.
func (r *reader) hide(from int) {
	after := false
	for i := from; i < r.at; i++ {
		t := r.tokens[i]
		if t.text == "with" || t.text == "as" {
			after = true
		} else if after && r.isColumn(i) {
			r.columns[t.text] = append(r.columns[t.text], binding{scope: r.scope(), from: from, to: r.at, order: r.stage})
		}
	}
}

func (r *reader) keep(e ir.Expr) { r.where = append(r.where, e) }

// opaqueTokens is a predicate that the IR cannot hold. Its text names what its
// names stand for.
func (r *reader) opaqueTokens(from, to int, s scope) ir.Opaque {
	seen := map[string]bool{}
	var b strings.Builder
	r.define(&b, seen, from, to, s)
	b.WriteString(r.source(from, to))
	if r.bytes -= b.Len(); r.bytes < 0 || r.steps < 0 {
		tooMuch(r.tokens[from].pos)
	}
	return ir.Opaque{Lang: "kusto", Text: b.String(), Pos: r.tokens[from].pos}
}

func (r *reader) define(b *strings.Builder, seen map[string]bool, from, to int, s scope) {
	for i := from; i < to; i++ {
		r.steps--
		t := r.tokens[i]
		if t.kind != tokenName && t.kind != tokenString || seen[t.text] || b.Len() > r.bytes || r.steps < 0 ||
			i > from && r.tokens[i-1].text == "." {
			continue
		}
		x, ok := r.lookup(t.text, s)
		if !ok || x.to == x.from || t.kind == tokenString && (i == from || r.tokens[i-1].text != "[") {
			continue // no column, a word of the stage, or one that is not of the event alone
		}
		seen[t.text] = true
		r.define(b, seen, x.from, x.to, x.scope)
		b.WriteString("let " + t.text + " = " + r.source(x.from, x.to) + "; ")
	}
}
