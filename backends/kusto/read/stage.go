package read

import (
	"slices"
	"strings"
	"sync"

	"sigmac/ir"
)

// commands are the stages that are no filters, and what each does to the events
// that reach it (Microsoft Learn, the page of each operator).
var commands = sync.OnceValue(func() map[string]ir.Effect {
	out := map[string]ir.Effect{}
	for effect, names := range map[ir.Effect]string{
		ir.Keeps:    "sort order serialize as render project-reorder assert-schema",
		ir.Computes: "extend project project-rename project-away project-keep parse parse-kv",
		ir.Filters:  "where filter search parse-where",
		ir.Removes:  "take limit sample top",
		ir.Remakes: "summarize distinct mv-expand mvexpand count make-series mv-apply mvapply reduce top-nested top-hitters " +
			"sample-distinct scan facet fork getschema graph-match graph-to-table make-graph",
		ir.Adds:      "union",
		ir.AnyEffect: "join lookup evaluate invoke macro-expand find consume partition",
	} {
		for _, name := range strings.Fields(names) {
			out[name] = effect
		}
	}
	return out
})

// operator reads one stage.
func (r *reader) operator(end string) {
	start, pos := r.at, r.peek().pos
	if r.peek().kind != tokenName {
		r.unexpected("a command")
	}
	name := r.peek().text
	for r.step(); r.is("-") && r.peek().from == r.tokens[r.at-1].to && r.ahead().kind == tokenName; r.step() {
		r.step()
		name += "-" + r.peek().text
	}
	effect, known := commands()[name]
	if !known {
		refuse(pos, "unknown command "+name)
	}
	r.stage++
	switch name {
	case "where", "filter":
		if !r.filter(r.expr()) {
			effect = ir.Removes
		}
	case "search":
		if !r.untouched() { // in which columns it looks is not followed
			effect = ir.Removes
			r.skip("|", end)
		} else {
			r.search(start, end)
		}
	case "parse-where":
		r.options("kind", "flags")
		from := r.at
		r.skip("with", "|", end)
		known := !r.gathers(from, r.at, r.scope(), map[string]bool{})
		if r.skip("|", end); known {
			r.keep(r.opaqueTokens(start, r.at, r.scope()))
		} else {
			effect = ir.Removes
		}
		r.hide(start)
	case "union":
		r.union(r.so(), end)
		return
	case "extend":
		r.extend()
	case "as": // a name for the rows so far, by which no table is called from here on
		r.skip("|", end)
		at := r.at - 1
		if r.tokens[at].text == "]" {
			at--
		}
		name := r.tokens[at].text
		if bs := r.lets[name]; len(bs) == 0 || bs[0].order >= 0 {
			b := binding{node: &node{kind: nodeOther, from: at, to: at + 1}, from: at, to: at + 1, order: -1}
			r.lets[name] = slices.Insert(bs, 0, b)
		}
	case "serialize": // perhaps with columns of numbers of rows
		if !r.is("|", end) && !r.atEnd() {
			r.extend()
		}
	case "project-rename":
		r.bind()
		r.renamed()
	case "project":
		r.project()
	case "project-away", "project-keep":
		r.selected(name == "project-keep")
	case "parse", "parse-kv":
		r.skip("|", end)
		r.hide(start)
	case "summarize", "distinct":
		r.group(end, name == "distinct")
	case "mv-expand", "mvexpand":
		r.expand(start, end)
	case "join", "lookup":
		effect = r.partner(name)
	default:
		if effect >= ir.Remakes {
			r.blur(func(string) bool { return false })
		}
	}
	if effect != ir.Filters && name != "where" && name != "filter" {
		r.skip("|", end)
	}
	text := r.source(start, r.at)
	if r.bytes -= len(text); r.bytes < 0 {
		tooMuch(pos)
	}
	r.stages = append(r.stages, ir.Command{Name: name, Text: text, Pos: pos, Effect: effect})
}

// blur makes the columns that are not kept ones of which no event alone tells.
func (r *reader) blur(keeps func(name string) bool) {
	r.views = append(r.views, view{r.stage, keeps, gathered})
}

// filter keeps the conjuncts of a predicate, on the rows where they are true. It
// is false where one of them is not about the event alone.
func (r *reader) filter(n *node) bool {
	if n.kind == nodeAnd {
		known := true
		for _, a := range n.args {
			known = r.filter(a) && known
		}
		return known
	}
	if r.gathers(n.from, n.to, r.scope(), map[string]bool{}) || n.hasStar() && !r.untouched() {
		return false
	}
	e := r.truth(n, r.scope()).yes
	if field := r.timed(n); field != "" {
		r.times = append(r.times, ir.Bound{Expr: e, Field: field, Text: r.source(n.from, n.to), Pos: r.pos(n)})
	} else {
		r.keep(e)
	}
	return true
}

// untouched says whether the columns are those of the event still, and those that
// the caller computes.
func (r *reader) untouched() bool {
	for name, bs := range r.columns {
		if slices.ContainsFunc(bs, func(b binding) bool { return !r.same(r.definition(name), b) }) {
			return false
		}
	}
	return len(r.views) == 0
}

// hasStar says whether a predicate looks in every column.
func (n *node) hasStar() bool {
	return n != nil && (n.kind == nodeStar || slices.ContainsFunc(n.args, (*node).hasStar))
}

// rowFunctions give something else each time that they are called, or look at
// other rows (Microsoft Learn: window functions, the page of each).
var rowFunctions = map[string]bool{"rand": true, "random": true, "new_guid": true, "prev": true, "next": true, "row_number": true,
	"row_cumsum": true, "row_rank_dense": true, "row_rank_min": true, "row_window_session": true}

// gathers says whether these tokens name a column that is not of one event, or
// call a function that is not.
func (r *reader) gathers(from, to int, s scope, done map[string]bool) bool {
	for i := from; i < to; i++ {
		if r.steps--; r.steps < 0 {
			tooMuch(r.tokens[from].pos)
		}
		t := r.tokens[i]
		called := r.tokens[i+1].text == "("
		if t.kind == tokenName && called && rowFunctions[t.text] {
			return true
		}
		if !r.isColumn(i) || r.isPlace(i) || done[t.text] || i > from && r.tokens[i-1].text == "." || called {
			continue
		}
		b, bound := r.lookup(t.text, s)
		if bound && b.hidden == gathered {
			return true
		}
		done[t.text] = true
		if bound && b.to > b.from && r.gathers(b.from, b.to, b.scope, done) {
			return true
		}
	}
	return false
}

// timeColumns say when an event happened: in Sentinel and Azure Monitor, and in
// Defender (Microsoft Learn: standard columns; advanced hunting schema).
var timeColumns = []string{"TimeGenerated", "Timestamp", "ingestion_time"}

// timed is the column of time that a predicate compares with what is no column,
// or empty: `Timestamp > ago(1h)`.
func (r *reader) timed(n *node) string {
	if n.kind != nodeBinary || !slices.Contains([]string{"<", "<=", ">", ">=", "between"}, n.text) {
		return ""
	}
	column := func(n *node) string {
		if n.kind == nodeCall && n.text == "ingestion_time" {
			return n.text
		}
		if _, bound := r.lookup(n.text, r.scope()); n.kind == nodeName && !bound && slices.Contains(timeColumns, n.text) {
			return n.text
		}
		return ""
	}
	name, others := column(n.args[0]), n.args[1:]
	if name == "" && len(n.args) == 2 {
		name, others = column(n.args[1]), n.args[:1]
	}
	for _, o := range others {
		if o.kind == nodeTable || r.namesColumn(o.from, o.to) {
			return ""
		}
	}
	return name
}

// namesColumn says whether one of these tokens may be the name of a column.
func (r *reader) namesColumn(from, to int) bool {
	for i := from; i < to; i++ {
		t := r.tokens[i]
		if t.kind != tokenName || r.tokens[i+1].text == "(" {
			continue
		}
		if _, constant := before(r.lets[t.text], r.visible); !constant || len(r.columns[t.text]) > 0 {
			return true
		}
	}
	return false
}

// renamed drops the names that columns had before this stage.
func (r *reader) renamed() {
	old := map[string]bool{}
	for _, bs := range r.columns {
		if b := bs[len(bs)-1]; b.order == r.stage && b.node != nil {
			old[b.node.text] = true
		}
	}
	r.views = append(r.views, view{r.stage, func(name string) bool { return !old[name] }, gone})
}

// project reads the columns that are there behind the stage, and no other.
func (r *reader) project() {
	names, only := r.bind()
	other := gone
	if !only {
		other = gathered // some have a name that the language makes up
	}
	r.views = append(r.views, view{r.stage, func(name string) bool { return names[name] }, other})
}

// selected reads names, or patterns of names, that stay or go.
func (r *reader) selected(keep bool) {
	names, known := map[string]bool{}, true
	for !r.is("|", ";", ")", "}") && !r.atEnd() {
		t := r.peek()
		known = known && (r.isColumn(r.at) || t.kind == tokenMark && (t.text == "," || t.text == "[" || t.text == "]"))
		names[t.text] = r.isColumn(r.at)
		r.step()
	}
	other := gone
	if !known {
		other = gathered
	}
	r.views = append(r.views, view{r.stage, func(name string) bool { return known && names[name] == keep }, other})
}

// extend reads columns that a stage adds. One without a name gets one that the
// language makes up, perhaps of the columns that it names.
func (r *reader) extend() {
	from := r.at
	if _, named := r.bind(); !named {
		r.makesUp(from)
	}
}

// makesUp makes the columns that the tokens from there on name, and those that are not known,
// stand for what no expression says.
func (r *reader) makesUp(from int) {
	there, named := r.there(r.stage-1), map[string]bool{}
	for i := from; i < r.at; i++ {
		named[r.tokens[i].text] = true
	}
	r.blur(func(name string) bool { return there(name) && !named[name] })
}

// there says of which names it is known that a column has them before a stage.
func (r *reader) there(stage int) func(name string) bool {
	return func(name string) bool {
		if _, bound := before(r.columns[name], stage+1); bound || r.schema == nil {
			return bound
		}
		t, mapped := r.schema.Type(r.name, name)
		return mapped && t != ir.Unknown
	}
}

// options reads `name = value` as often as it stands there with one of these names.
func (r *reader) options(names ...string) {
	for r.is(names...) && r.ahead().text == "=" {
		r.at += 2
		r.word()
	}
}

// word is the text of a token that must be there.
func (r *reader) word() string {
	if r.atEnd() {
		r.unexpected("a value")
	}
	r.step()
	return r.tokens[r.at-1].text
}

// isColumn says whether token i may be the name of a column: as it is, or in
// brackets and quotes.
func (r *reader) isColumn(i int) bool {
	t := r.tokens[i]
	return t.kind == tokenName || t.kind == tokenString && i > 0 && r.tokens[i-1].text == "[" && r.tokens[i+1].text == "]"
}

// isPlace says whether token i is the name of a place in what stands before its
// bracket.
func (r *reader) isPlace(i int) bool {
	if r.tokens[i].kind != tokenString || i < 2 {
		return false
	}
	base := r.tokens[i-2]
	return base.to == r.tokens[i-1].from && (base.kind == tokenName && !slices.Contains(between, base.text) || base.text == ")" || base.text == "]")
}

// group reads `summarize … by keys` and `distinct keys`: of the columns of a
// group, the events of it share the keys.
func (r *reader) group(end string, keysOnly bool) {
	if !keysOnly {
		r.skip("by", "|", end)
		keysOnly = r.take("by")
	}
	names := map[string]bool{}
	if keysOnly && !r.is("*") {
		names, _ = r.bind()
	}
	r.blur(func(name string) bool { return names[name] })
}

// expand reads a stage that makes a row of each element of some columns.
func (r *reader) expand(start int, end string) {
	r.options("kind", "bagexpansion", "with_itemindex")
	from := r.at
	r.skip("|", end)
	depth, named, unnamed := 0, false, false
	for i := from; i < r.at; i++ {
		switch t := r.tokens[i]; {
		case t.kind != tokenMark:
		case strings.Contains("([{", t.text):
			unnamed = unnamed || depth == 0 && !named && t.text == "(" && r.tokens[i-1].text != "typeof"
			depth++
		case strings.Contains(")]}", t.text):
			depth--
		case depth == 0 && (t.text == "=" || t.text == ","):
			named = t.text == "="
		}
	}
	names := map[string]bool{}
	for i := start; i < r.at; i++ {
		names[r.tokens[i].text] = r.isColumn(i) || names[r.tokens[i].text]
	}
	r.blur(func(name string) bool { return !names[name] })
	if unnamed {
		r.makesUp(start)
	}
}

// partner reads what a join or a lookup does to the events on its left. A column
// that it makes is not of the event; one of the same name as one on the left
// gets another (Microsoft Learn: join operator).
func (r *reader) partner(name string) ir.Effect {
	kind := map[string]string{"join": "innerunique", "lookup": "leftouter"}[name]
	for r.peek().kind == tokenName && (r.ahead().text == "=" || r.ahead().text == ".") {
		option := r.peek().text
		for r.step(); r.take("."); r.word() { // hint.strategy
		}
		r.expect("=")
		if value := r.word(); option == "kind" {
			kind = value
		}
	}
	r.blur(r.there(r.stage - 1))
	switch kind {
	case "leftouter":
		return ir.Computes
	case "leftsemi", "leftanti", "anti", "leftantisemi":
		return ir.Removes
	case "inner", "innerunique":
		return ir.Remakes
	}
	r.blur(func(string) bool { return false })
	return ir.AnyEffect
}
