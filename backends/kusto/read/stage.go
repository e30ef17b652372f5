package read

import (
	"slices"
	"strings"

	"sigmac/ir"
)

// commands are the stages that are no filters, and what each does to the events
// that reach it (Microsoft Learn, the page of each operator).
var commands = map[string]ir.Effect{}

func init() {
	for effect, names := range map[ir.Effect]string{
		ir.Keeps:    "sort order serialize as render project-reorder assert-schema",
		ir.Computes: "extend project project-rename project-away project-keep parse parse-kv",
		ir.Filters:  "where filter search parse-where",
		ir.Removes:  "take limit sample top",
		ir.Remakes: "summarize distinct mv-expand mvexpand count make-series mv-apply mvapply reduce top-nested top-hitters " +
			"sample-distinct scan partition facet fork getschema graph-match graph-to-table make-graph",
		ir.Adds:      "union",
		ir.AnyEffect: "join lookup evaluate invoke macro-expand find consume",
	} {
		for _, name := range strings.Fields(names) {
			commands[name] = effect
		}
	}
}

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
	effect, known := commands[name]
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
		if len(r.views) > 0 { // in which columns it looks is not followed
			effect = ir.Removes
			r.skip("|", end)
		} else {
			r.search(start, end)
		}
	case "parse-where":
		r.skip("|", end)
		r.keep(r.opaqueTokens(start, r.at, r.scope()))
		r.hide(start)
	case "union":
		r.union(r.so(), end)
		return
	case "extend":
		r.bind()
	case "serialize": // perhaps with columns of numbers of rows
		if !r.is("|", end) && !r.atEnd() {
			r.bind()
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
		refuse(pos, "the query stands for too much")
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
	if len(r.views) > 0 && r.gathers(n.from, n.to, r.scope(), map[string]bool{}) {
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

// gathers says whether these tokens name a column that is not of one event.
func (r *reader) gathers(from, to int, s scope, done map[string]bool) bool {
	for i := from; i < to; i++ {
		if r.steps--; r.steps < 0 {
			refuse(r.tokens[from].pos, "the query stands for too much")
		}
		t := r.tokens[i]
		if t.kind != tokenName || done[t.text] || i > from && r.tokens[i-1].text == "." || r.tokens[i+1].text == "(" {
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
		known = known && (t.kind == tokenName || t.text == ",")
		names[t.text] = t.kind == tokenName
		r.step()
	}
	other := gone
	if !known {
		other = gathered
	}
	r.views = append(r.views, view{r.stage, func(name string) bool { return known && names[name] == keep }, other})
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
	r.skip("|", end)
	names := map[string]bool{}
	for _, t := range r.tokens[start:r.at] {
		names[t.text] = t.kind == tokenName || names[t.text]
	}
	r.blur(func(name string) bool { return !names[name] })
}

// partner reads what a join or a lookup does to the events on its left. A column
// that it makes is not of the event; one of the same name as one on the left
// gets another (Microsoft Learn: join operator).
func (r *reader) partner(name string) ir.Effect {
	kind := map[string]string{"join": "innerunique", "lookup": "leftouter"}[name]
	for r.peek().kind == tokenName && (r.ahead().text == "=" || r.ahead().text == ".") {
		option := r.peek().text
		for r.step(); r.take("."); r.step() { // hint.strategy
		}
		r.expect("=")
		if option == "kind" {
			kind = r.peek().text
		}
		r.step()
	}
	stage := r.stage
	r.blur(func(name string) bool {
		if _, bound := before(r.columns[name], stage); bound || r.schema == nil {
			return bound
		}
		t, mapped := r.schema.Type(r.name, name)
		return mapped && t != ir.Unknown
	})
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
