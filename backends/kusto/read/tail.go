package read

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"sigmac/ir"
	"sigmac/tail"
)

// ReadTail says what a query does with several events at a time: its stages as operations on
// rows. Where these only test events one by one, the test is read as Read does; conditions on
// when events happened are no part of it. What a page of Microsoft Learn leaves open, and what
// is not done here, is an *ir.Diagnostic where the query rests on it.
func ReadTail(query string, s ir.Schema) (q *tail.Query, err error) {
	defer ir.Caught(&err)
	r := newReader(query, s)
	r.tail = func() {
		t := &rows{reader: r, made: new(int)}
		t.pipeline(";")
		q = &tail.Query{Ops: t.ops, Time: t.hit()}
	}
	r.queries(false)
	q.Assumptions = r.read[0].Assumptions
	return q, nil
}

// rows are those that reach a stage, and what they have gone through.
type rows struct {
	*reader
	ops    []tail.Op
	look   func(name string) (cell, bool) // what is known of a column
	names  []string                       // of the columns, where these are all
	all    bool
	events bool     // each row is of one event
	sorted bool     // they are in an order that the query says
	unique []string // no two rows have the same values of all of these columns, if there are some

	// While expressions of a stage are read:
	from    map[string]feed // the values that one asks for
	states  map[string]bool // names of the steps of a scan
	grouped bool            // aggregates stand there
	aggs    []tail.Agg      // that were found
	missing string          // what is not done here
	made    *int            // columns that have no name
}

func (t *rows) notJudged(n *node, what string) { notDone(t.pos(n), what, "") }

func notDone(pos ir.Pos, what, why string) { panic(tail.NotJudged(pos, what, why)) }

// add puts a stage behind the others.
func (t *rows) add(op tail.Op) { t.ops = append(t.ops, op) }

// unnamed is a name that no column of a query has.
func (t *rows) unnamed() string {
	*t.made++
	return "$" + strconv.Itoa(*t.made)
}

// A made is a column that a stage makes.
type made struct {
	name string
	x    tail.Expr // nil: nobody knows it
	cell
}

// makes reads what stands behind a name and a sign of equality, or a name alone, as a column of the
// rows that reach the stage.
func (t *rows) makes(name string, n *node) made {
	s := t.scope()
	if tr, ok := t.test(n); ok && n.kind != nodeName && n.kind != nodeBool {
		yes := tail.Test{X: tr.yes}
		if tr.no == nil {
			return made{name, yes, cell{kind: kindTruth}}
		}
		return made{name, tail.Call{Name: "truth", Args: []tail.Expr{yes, tail.Test{X: tr.no}}, Do: func(args []tail.Value) tail.Value {
			if args[0] == args[1] {
				return nil
			}
			return args[0]
		}}, cell{kind: kindTruth}}
	}
	x := t.expression(n, s)
	if x == nil {
		return made{name: name, cell: cell{kind: kindNone}}
	}
	c := cell{kind: x.kind}
	if n.kind == nodeName {
		if known, ok := t.columnAt(n.text, s); ok {
			c = known
		}
	}
	return made{name, x, c}
}

// list reads columns that a stage makes, up to a word or a mark that none goes on with. auto gives
// the name of one that has none, or empty.
func (t *rows) list(auto func(n *node) string) (out []made) {
	for {
		n := t.expr()
		name := ""
		switch {
		case n.kind == nodeName && t.take("="):
			name = n.text
			n = t.expr()
		case t.is("="):
			t.notJudged(n, "a list of columns")
		case n.kind == nodeName:
			name = n.text
		default:
			name = auto(n)
		}
		if b, bound := before(t.columns[name], t.stage+1); !bound || !t.same(t.definition(name), b) || n.kind == nodeName {
			out = append(out, t.makes(name, n))
		}
		if !t.take(",") {
			return out
		}
	}
}

// with makes columns known that a stage adds.
func (t *rows) with(columns []made) {
	look, these := t.look, map[string]cell{}
	for _, m := range columns {
		if these[m.name] = m.cell; t.all && !slices.Contains(t.names, m.name) {
			t.names = append(slices.Clip(t.names), m.name)
		}
		if slices.Contains(t.unique, m.name) {
			t.unique = nil
		}
	}
	t.look = func(name string) (cell, bool) {
		if t.reader.steps--; t.reader.steps < 0 {
			tooMuch(t.peek().pos)
		}
		if c, ok := these[name]; ok {
			return c, true
		}
		return look(name)
	}
}

// only makes these all the columns.
func (t *rows) only(columns []made) {
	t.look = func(string) (cell, bool) { return cell{}, false }
	t.names, t.all = nil, true
	t.with(columns)
}

// values splits columns into those that are known and the names of the others.
func valuesOf(columns []made) (known []tail.Named, other []string) {
	for _, m := range columns {
		if m.x != nil {
			known = append(known, tail.Named{Name: m.name, X: m.x})
		} else {
			other = append(other, m.name)
		}
	}
	return known, other
}

// extended adds columns.
func (t *rows) extended(columns []made) {
	known, other := valuesOf(columns)
	if known != nil {
		t.add(tail.Extend{Columns: known})
	}
	if other != nil {
		t.add(tail.Drop{Names: other})
	}
	t.with(columns)
}

// pipeline reads a source and the stages after it.
func (t *rows) pipeline(end string) {
	if t.depth++; t.depth > maxNesting {
		t.tooDeep()
	}
	switch {
	case t.take("union"):
		from := t.at
		t.union(nil, end)
		t.at = from
		t.united(end)
	case t.isSource():
		notDone(t.peek().pos, t.peek().text, "")
	default:
		n := t.expr()
		if !t.is("|", end) && !t.atEnd() {
			t.unexpected("| or the end")
		}
		t.rows(n)
	}
	for t.take("|") {
		t.staged(end)
		if !t.is("|", end) && !t.atEnd() {
			t.unexpected("| or the end")
		}
	}
	t.depth--
}

// rows reads where n, a table or what stands for one, takes its rows from.
func (t *rows) rows(n *node) {
	inline := func(from, visible int, end string) {
		at, seen := t.at, t.visible
		t.reader.steps -= inlineSteps
		t.at, t.visible = from, visible
		t.pipeline(end)
		t.at, t.visible = at, seen
	}
	t.spend(n)
	switch {
	case n.kind == nodeTable:
		inline(n.from, t.visible, ")")
	case n.kind == nodeCall && n.text == "materialize" && len(n.args) == 1:
		t.rows(n.args[0])
	case n.kind == nodeCall && n.text == "table" && len(n.args) == 1 && n.args[0].kind == nodeString:
		t.table(n.args[0].text)
	case n.kind == nodeName:
		b, bound := before(t.lets[n.text], t.visible)
		switch {
		case !bound:
			t.table(n.text)
		case t.isQuery(b):
			inline(b.from, b.order, ";")
		default:
			t.notJudged(n, "a function of rows")
		}
	default:
		t.notJudged(n, "a source of this kind")
	}
}

// table gives the events of a table.
func (t *rows) table(name string) {
	t.name = name
	t.add(tail.Source{Scope: ir.Scope{Table: name}})
	t.events = true
	ofType := map[ir.Type]kind{ir.Text: kindText, ir.Address: kindText, ir.JSON: kindText, ir.Numeric: kindNumber, ir.Boolean: kindTruth, ir.Date: kindDate, ir.Dynamic: kindList}
	own := t.unnamed()
	t.look = func(column string) (cell, bool) {
		c, mapped := cell{}, true
		if t.schema != nil {
			var typ ir.Type
			typ, mapped = t.schema.Type(name, column)
			c.kind = ofType[typ]
		}
		if slices.Contains(timeColumns, column) && (c.kind == kindDate || c.kind == kindOpen) {
			c = cell{kind: kindDate, when: own + column}
		}
		return c, mapped
	}
}

// query reads another query, which sees no columns that this one has made.
func (t *rows) query(read func(other *rows)) *rows {
	other := &rows{reader: t.reader, made: t.made}
	outside := t.so()
	t.now(&source{columns: map[string][]binding{}})
	read(other)
	t.now(outside)
	return other
}

// united reads what follows the word union.
func (t *rows) united(end string) {
	for t.peek().kind == tokenName && slices.Contains([]string{"=", "."}, t.ahead().text) && !t.isCall(t.at+1) {
		name := t.peek()
		for t.step(); t.take("."); t.word() { // hint.concurrency
		}
		t.expect("=")
		if value := t.word(); name.text != "hint" && name.text != "isfuzzy" && !(name.text == "kind" && value == "outer") {
			notDone(name.pos, "union with "+name.text, "")
		}
	}
	var of []*tail.Query
	var sources []*rows
	if t.ops != nil {
		first := *t
		sources = append(sources, &first)
	}
	for {
		if next := t.ahead(); next.kind == tokenMark && next.text == "*" || t.is("*") {
			notDone(t.peek().pos, "a pattern of names of tables", "")
		}
		n := t.expr()
		if !t.is(",", "|", end) && !t.atEnd() {
			t.unexpected("another table")
		}
		other := t.query(func(o *rows) { o.rows(n) })
		sources, of = append(sources, other), append(of, &tail.Query{Ops: other.ops})
		if !t.take(",") {
			break
		}
	}
	t.add(tail.Union{Of: of})
	t.events, t.sorted, t.unique, t.all, t.names = true, false, nil, true, nil
	for _, o := range sources {
		t.events = t.events && o.events
		t.all = t.all && o.all
		for _, name := range o.names {
			if !slices.Contains(t.names, name) {
				t.names = append(t.names, name)
			}
		}
	}
	if t.all {
		t.add(tail.Filled{Names: t.names})
	}
	looks := make([]func(string) (cell, bool), len(sources))
	for i, o := range sources {
		looks[i] = o.look
	}
	t.look = func(name string) (out cell, found bool) {
		for _, look := range looks {
			c, ok := look(name)
			switch {
			case !ok:
			case !found:
				out, found = c, true
			case c.kind == kindNone || out.kind == kindNone || c.kind != out.kind && c.kind != kindOpen && out.kind != kindOpen:
				out = cell{kind: kindNone, split: out.split || c.split || c.kind != kindNone && out.kind != kindNone}
			default:
				out.kind = max(out.kind, c.kind)
				if out.when != "" && c.when != "" {
					out.when += " " + c.when
				} else {
					out.when = ""
				}
			}
		}
		return out, found
	}
}

// staged reads one stage. The reader goes over it first, and knows then what names stand for.
func (t *rows) staged(end string) {
	start := t.at
	first := t.peek()
	t.operator(end)
	to := t.at
	t.at = start + 1
	name := first.text
	for t.is("-") && t.peek().from == t.tokens[t.at-1].to {
		t.at++
		name += "-" + t.word()
	}
	t.stageOf(name, first.pos, end)
	if t.at != to && name != "as" && name != "render" && name != "project-reorder" {
		t.unexpected("the end of the stage")
	}
	t.at = to
}

func (t *rows) stageOf(name string, pos ir.Pos, end string) {
	switch name {
	case "where", "filter":
		t.filtered(t.expr())
	case "extend":
		t.extended(t.list(func(*node) string { return t.unnamed() }))
	case "serialize":
		if !t.is("|", end) && !t.atEnd() {
			t.extended(t.list(func(*node) string { return t.unnamed() }))
		}
	case "project", "project-keep":
		columns := t.list(func(*node) string { return t.unnamed() })
		known, _ := valuesOf(columns)
		t.add(tail.Select{Columns: known})
		t.only(columns)
		t.unique = nil
	case "project-away":
		t.dropped()
	case "project-rename":
		t.renamedTo()
	case "as", "render", "project-reorder":
	case "sort", "order":
		t.expect("by")
		t.ordered()
	case "top":
		n := t.unary()
		t.expect("by")
		t.ordered()
		t.add(tail.Limit{N: t.wholeOf(n)})
	case "take", "limit":
		n := t.unary()
		if !t.sorted {
			notDone(pos, name+" of rows without an order", "which of them stay is left open")
		}
		t.add(tail.Limit{N: t.wholeOf(n)})
	case "summarize":
		t.summarized(end)
	case "distinct":
		keys := t.keys(t.list(func(*node) string { return t.unnamed() }), pos)
		t.groups(keys, nil, nil)
	case "count":
		t.groups(nil, []tail.Agg{{As: "Count", Name: "count", Of: tail.Const{V: 1.0}, Do: aggregates()["count"].do}}, []made{{name: "Count", cell: cell{kind: kindNumber}}})
	case "mv-expand":
		t.expanded()
	case "join":
		t.joined(end)
	case "union":
		t.united(end)
	case "scan":
		t.scanned(pos)
	case "partition":
		t.partitioned()
	default:
		notDone(pos, name, "")
	}
}

// filtered reads a condition.
func (t *rows) filtered(n *node) {
	parts := []*node{n}
	for i := 0; i < len(parts); {
		if parts[i].kind == nodeAnd {
			parts = slices.Concat(parts[:i], parts[i].args, parts[i+1:])
		} else {
			i++
		}
	}
	var tests []ir.Expr
	var others []tail.Expr
	for _, p := range parts {
		if t.events && t.timed(p) != "" {
			continue
		}
		if tr, ok := t.test(p); ok {
			tests = append(tests, tr.yes)
		} else {
			others = append(others, t.must(p, t.scope()))
		}
	}
	source, first := t.ops[len(t.ops)-1].(tail.Source)
	switch e := ir.Conjunction(tests...); {
	case tests == nil:
	case others == nil && first:
		if source.Where != nil {
			e = ir.Conjunction(source.Where, e)
		}
		source.Where = e
		t.ops[len(t.ops)-1] = source
	default:
		others = slices.Insert(others, 0, tail.Expr(tail.Test{X: e}))
	}
	switch len(others) {
	case 0:
	case 1:
		t.add(tail.Where{X: others[0]})
	default: // together: a part may look at other rows that reach the stage
		t.add(tail.Where{X: tail.Call{Name: "and", Args: others, Do: func(args []tail.Value) tail.Value {
			return !slices.ContainsFunc(args, func(v tail.Value) bool { return v != true })
		}}})
	}
}

// plainNames reads names of columns.
func (t *rows) plainNames() (out []string) {
	for {
		n := t.expr()
		if n.kind != nodeName || t.is("*") {
			t.notJudged(n, "a pattern of names")
		}
		out = append(out, n.text)
		if !t.take(",") {
			return out
		}
	}
}

func (t *rows) dropped() {
	names := t.plainNames()
	look := t.look
	t.add(tail.Drop{Names: names})
	t.names = slices.DeleteFunc(slices.Clone(t.names), func(n string) bool { return slices.Contains(names, n) })
	t.look = func(name string) (cell, bool) {
		if t.reader.steps--; slices.Contains(names, name) {
			return cell{}, false
		}
		return look(name)
	}
	t.unique = nil
}

func (t *rows) renamedTo() {
	var old []string
	at := t.at
	for {
		t.expr()
		t.expect("=")
		old = append(old, t.expr().text)
		if !t.take(",") {
			break
		}
	}
	t.at = at
	columns := t.list(func(*node) string { return t.unnamed() })
	t.extended(columns)
	for _, m := range columns {
		if slices.Contains(old, m.name) {
			notDone(t.peek().pos, "an exchange of names of columns", "")
		}
	}
	look := t.look
	t.add(tail.Drop{Names: old})
	t.names = slices.DeleteFunc(slices.Clone(t.names), func(n string) bool { return slices.Contains(old, n) })
	t.look = func(name string) (cell, bool) {
		if t.reader.steps--; slices.Contains(old, name) {
			return cell{}, false
		}
		return look(name)
	}
	t.unique = nil
}

// wholeOf is a constant that is a number of rows.
func (t *rows) wholeOf(n *node) int {
	v, ok := t.fold(n, t.scope())
	x, fine := integer(v)
	if !ok || !fine || x < 0 || x > math.MaxInt32 {
		t.notJudged(n, "another number of rows than a constant one")
	}
	return int(x)
}

// ordered reads the keys of a sort (page "sort operator"): falling unless they say otherwise, and
// null is the least.
func (t *rows) ordered() {
	var keys []tail.SortKey
	for {
		n := t.expr()
		key := tail.SortKey{X: t.must(n, t.scope()), Desc: !t.take("asc")}
		if key.Desc {
			t.take("desc")
		}
		if t.take("nulls") {
			if t.is("first") == key.Desc {
				t.notJudged(n, "a sort that puts nulls elsewhere")
			}
			if !t.take("first", "last") {
				t.unexpected("first or last")
			}
		}
		if keys = append(keys, key); !t.take(",") {
			break
		}
	}
	t.add(tail.Sort{Keys: keys})
	t.sorted = true
}

// expanded reads a column that becomes one row for each of its elements (page "mv-expand
// operator").
func (t *rows) expanded() {
	n := t.expr()
	if n.kind != nodeName {
		t.notJudged(n, "mv-expand of what has no name")
	}
	name, of := n.text, n
	if t.take("=") {
		of = t.expr()
	}
	list, k := t.must(of, t.scope()), kindList
	if t.take("to") {
		typ := t.expr()
		if typ.kind != nodeCall || typ.text != "typeof" || len(typ.args) != 1 {
			t.notJudged(typ, "another type")
		}
		k = kinds[typ.args[0].text]
	}
	if t.is(",", "limit") {
		t.notJudged(n, "mv-expand of several columns, or of some rows,")
	}
	if element := t.elementOf(of, t.scope()); element != k && (k == kindDate || k == kindSpan || k == kindOpen || element != kindOpen) && k != kindList {
		t.notJudged(n, "mv-expand to a type that the elements may not have")
	}
	t.extended([]made{{name, list, cell{kind: kindList}}})
	t.add(tail.Expand{Name: name})
	if k != kindList {
		t.add(tail.Extend{Columns: []tail.Named{{Name: name, X: tail.Call{Name: "typed", Args: []tail.Expr{tail.Column{Name: name}}, Do: func(args []tail.Value) tail.Value {
			_, isText := args[0].(string)
			_, isTruth := args[0].(bool)
			_, isList := args[0].([]tail.Value)
			if isList || isText != (k == kindText) || isTruth != (k == kindTruth) {
				return nil
			}
			return args[0]
		}}}}})
	}
	t.with([]made{{name: name, cell: cell{kind: k}}})
}

// elementOf is the type of the elements of a list, as far as it is known.
func (t *rows) elementOf(n *node, s scope) kind {
	of := n.args
	switch {
	case n.kind == nodeCall && n.text == "range" && len(of) > 0:
		return t.kindOf(of[0], s)
	case n.kind == nodeList, n.kind == nodeCall && n.text == "pack_array":
		for i, a := range of {
			if t.kindOf(a, s) != t.kindOf(of[0], s) {
				return kindOpen
			}
			if i == len(of)-1 {
				return t.kindOf(a, s)
			}
		}
	}
	return kindOpen
}

// joined reads a join (page "join operator").
func (t *rows) joined(end string) {
	pos, flavour := t.peek().pos, "innerunique"
	for t.peek().kind == tokenName && slices.Contains([]string{"=", "."}, t.ahead().text) {
		name := t.peek().text
		for t.step(); t.take("."); t.word() {
		}
		t.expect("=")
		if value := t.word(); name == "kind" {
			flavour = value
		}
	}
	n := t.primary()
	right := t.query(func(o *rows) { o.rows(n) })
	j := tail.Join{Right: &tail.Query{Ops: right.ops}, Rename: func(name string) string { return name + "1" }}
	t.expect("on")
	left := map[string]bool{}
	pair := func(a, b *node) {
		x, y := t.must(a, t.scope()), right.must(b, t.scope())
		if x.kind != y.kind || x.kind == kindList {
			t.notJudged(a, "a join by columns of different types")
		}
		if x.kind != kindText && x.kind != kindDate {
			t.assume("kusto/join-null")
		}
		left[a.text] = true
		j.On = append(j.On, [2]tail.Expr{x, y})
	}
	for {
		for _, on := range conjuncts(t.expr()) {
			side := func(n *node, name string) bool {
				return n.kind == nodeMember && n.args[0].kind == nodeName && n.args[0].text == name
			}
			plain := func(n *node) *node { return &node{kind: nodeName, text: n.text, from: n.from, to: n.to} }
			switch {
			case on.kind == nodeName:
				pair(on, on)
			case on.kind == nodeBinary && on.text == "==" && side(on.args[0], "$left") && side(on.args[1], "$right"):
				pair(plain(on.args[0]), plain(on.args[1]))
			case on.kind == nodeBinary && on.text == "==" && side(on.args[0], "$right") && side(on.args[1], "$left"):
				pair(plain(on.args[1]), plain(on.args[0]))
			default:
				t.notJudged(on, "another condition of a join")
			}
		}
		if !t.take(",") {
			break
		}
	}
	switch flavour {
	case "leftsemi":
		j.Semi = true
	case "leftanti", "anti", "leftantisemi":
		j.Anti = true
	case "inner":
	case "innerunique":
		if t.unique == nil || slices.ContainsFunc(t.unique, func(name string) bool { return !left[name] }) {
			notDone(pos, "a join of the kind innerunique", "which of the left rows with one key stays is left open")
		}
	default:
		notDone(pos, "a join of the kind "+flavour, "")
	}
	t.add(j)
	t.sorted, t.unique = false, nil
	if j.Semi || j.Anti {
		return
	}
	one, two := t.look, right.look
	clash := func(name string) bool {
		_, ok := one(name)
		_, too := two(name)
		return ok && too
	}
	t.events, t.all = false, t.all && right.all
	t.names = slices.Clone(t.names)
	for _, name := range right.names {
		if clash(name) {
			name += "1"
			if _, taken := one(name); taken && t.all {
				notDone(pos, "a join after which two columns would be called "+name, "")
			}
		}
		t.names = append(t.names, name)
	}
	t.look = func(name string) (cell, bool) {
		if t.reader.steps--; t.reader.steps < 0 {
			tooMuch(pos)
		}
		c, ok := one(name)
		if ok && c.kind != kindOpen {
			return c, true
		}
		if base, is := strings.CutSuffix(name, "1"); is && clash(base) {
			return two(base)
		}
		if d, too := two(name); too && !(ok && c.kind == kindOpen && d.kind == kindOpen) {
			return d, true
		}
		return c, ok
	}
}

func conjuncts(n *node) []*node {
	if n.kind == nodeAnd {
		return n.args
	}
	return []*node{n}
}

// scanned reads a scan (page "scan operator").
func (t *rows) scanned(pos ir.Pos) {
	if !t.sorted {
		notDone(pos, "a scan of rows without an order", "")
	}
	var columns []made
	if t.take("with_match_id") {
		t.expect("=")
		columns = append(columns, made{name: t.word(), cell: cell{kind: kindNone}})
	}
	var o tail.Scan
	if t.take("declare") {
		t.expect("(")
		for !t.is(")") {
			name := t.word()
			t.expect(":")
			m := made{name: name, cell: cell{kind: kinds[t.word()]}}
			var start tail.Expr = tail.Const{}
			if t.take("=") {
				start = t.must(t.expr(), t.scope())
			}
			o.Declared = append(o.Declared, tail.Named{Name: name, X: start})
			if columns = append(columns, m); !t.take(",") {
				break
			}
		}
		t.expect(")")
	}
	t.with(columns)
	t.expect("with")
	t.expect("(")
	t.states = map[string]bool{}
	for !t.is(")") {
		t.expect("step")
		s := tail.ScanStep{Name: t.word()}
		t.states[s.Name] = true
		if t.take("output") {
			t.expect("=")
			switch output := t.word(); output {
			case "none":
				s.Silent = true
			case "all":
			default:
				notDone(t.peek().pos, "a step with output="+output, "")
			}
		}
		t.expect(":")
		s.When = t.must(t.expr(), t.scope())
		if t.take("=>") {
			for {
				name := t.word()
				t.expect("=")
				s.Set = append(s.Set, tail.Named{Name: name, X: t.must(t.expr(), t.scope())})
				if !t.take(",") {
					break
				}
			}
		}
		o.Steps = append(o.Steps, s)
		t.expect(";")
	}
	t.expect(")")
	t.states, t.unique = nil, nil
	t.add(o)
}

// partitioned reads stages that rows go through with those of the same key alone (page "partition
// operator").
func (t *rows) partitioned() {
	for !t.is("by") {
		for t.step(); t.take("."); t.word() {
		}
		t.expect("=")
		t.word()
	}
	t.expect("by")
	pos := t.peek().pos
	n := &node{kind: nodeName, from: t.at, to: t.at + 1}
	n.text = t.word()
	keys, _ := valuesOf(t.keys([]made{t.makes(n.text, n)}, pos))
	t.expect("(")
	ops := t.ops
	t.ops = []tail.Op{tail.Where{X: tail.Const{V: true}}}
	for {
		t.staged(")")
		if !t.take("|") {
			break
		}
	}
	t.expect(")")
	inner := t.ops[1:]
	t.ops = ops
	t.add(tail.Partition{By: keys, Ops: slices.Clone(inner), Nulls: true})
	t.sorted, t.unique = false, nil
}

// hit is the column that says when a hit happened, if one does.
func (t *rows) hit() (name string) {
	names := t.names
	if !t.all {
		names = slices.DeleteFunc(slices.Clone(timeColumns), func(name string) bool {
			if t.schema == nil {
				return false
			}
			typ, _ := t.schema.Type(t.name, name)
			return typ != ir.Date
		})
	}
	when := ""
	for _, n := range names {
		if c, ok := t.look(n); ok && c.when != "" {
			if when != "" && when != c.when {
				return ""
			}
			name, when = n, c.when
		}
	}
	return name
}
