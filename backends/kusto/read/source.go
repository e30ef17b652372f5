package read

import (
	"maps"
	"slices"
	"strings"

	"sigmac/ir"
)

// A source is where rows come from, with what has been read of it.
type source struct {
	name    string
	where   []ir.Expr
	times   []ir.Bound
	columns map[string][]binding
	stages  []ir.Command
	views   []view
}

// so is what has been read so far.
func (r *reader) so() *source { return &source{r.name, r.where, r.times, r.columns, r.stages, r.views} }

// now makes s what has been read so far.
func (r *reader) now(s *source) {
	r.name, r.where, r.times, r.columns, r.stages, r.views = s.name, s.where, s.times, s.columns, s.stages, s.views
}

// events are those of s: from its table, and passing its filters.
func (r *reader) events(s *source) ir.Expr {
	es := s.where
	if s.name != "" {
		es = append([]ir.Expr{fromTable(ir.Part{Text: s.name})}, es...)
	}
	return ir.Conjunction(es...)
}

func fromTable(parts ...ir.Part) ir.Expr {
	return ir.Match{Field: ir.Field{Name: ir.TableField, Type: ir.Text}, Test: ir.NewPattern(true, parts...)}
}

// apart reads a source by itself. Of the columns that it makes no expression
// tells outside of it.
func (r *reader) apart(read func()) *source {
	outside := r.so()
	r.now(&source{columns: maps.Clone(r.columns)})
	read()
	inside := r.so()
	r.now(outside)
	return inside
}

// hideColumns makes the columns that s made stand for what no expression says.
func (r *reader) hideColumns(s *source, from, to int) {
	for name, bs := range s.columns {
		if len(bs) > len(r.columns[name]) {
			r.columns[name] = append(slices.Clip(r.columns[name]), binding{scope: r.scope(), from: from, to: to, order: r.stage})
		}
	}
	if len(s.views) > 0 { // what one source dropped, the others have
		r.views = append(r.views, view{r.stage, func(name string) bool {
			r.steps -= len(s.views)
			return !slices.ContainsFunc(s.views, func(v view) bool { return !v.keeps(name) })
		}, gathered})
	}
}

// union reads what follows the word: the events of one of several sources (page
// "union operator"), or of first.
func (r *reader) union(first *source, end string) {
	from := r.at - 1
	var hidden []string
	for r.peek().kind == tokenName && slices.Contains([]string{"=", "."}, r.ahead().text) && !r.isCall(r.at+1) {
		name := r.peek().text
		for r.step(); r.take("."); r.word() { // hint.concurrency
		}
		r.expect("=")
		if value := r.word(); name == "withsource" || name == "with_source" {
			hidden = append(hidden, value)
		}
	}
	var sources []*source
	if first != nil {
		first.columns, r.columns = r.columns, map[string][]binding{}
		sources = append(sources, first)
	}
	for {
		sources = append(sources, r.apart(func() { r.operand(end) }))
		if !r.take(",") {
			break
		}
	}
	r.name, r.where, r.times, r.stages, r.views = "", nil, nil, nil, nil
	var events []ir.Expr
	for _, s := range sources {
		for _, b := range s.times { // of one source, so no bound of the query
			s.where = append(s.where, b.Expr)
		}
		events = append(events, r.events(s))
		r.stages = append(r.stages, s.stages...)
		r.hideColumns(s, from, r.at)
	}
	for _, name := range hidden {
		r.columns[name] = append(r.columns[name], binding{scope: r.scope(), from: from, to: r.at, order: r.stage})
	}
	r.keep(ir.Disjunction(events...))
}

// isCall says whether a call of a function ends a path that goes on at token i:
// `workspace("x").T` begins otherwise, `a.b(c)` so.
func (r *reader) isCall(i int) bool {
	for r.tokens[i].text == "." && r.tokens[i+1].kind == tokenName {
		i += 2
	}
	return r.tokens[i].text != "="
}

// operand reads a source of a union: a table, some tables by their names'
// pattern, or a query in parentheses.
func (r *reader) operand(end string) {
	from := r.at
	var parts []ir.Part
	wild := false
	for i := r.at; ; i++ {
		t := r.tokens[i]
		star := t.kind == tokenMark && t.text == "*"
		if !star && t.kind != tokenName && t.kind != tokenNumber || i > from && t.from != r.tokens[i-1].to {
			if wild {
				r.at = i
			}
			break
		}
		if wild = wild || star; star {
			parts = append(parts, ir.Part{Kind: ir.AnyRun})
		} else {
			parts = append(parts, ir.Part{Text: r.src[t.from:t.to]})
		}
	}
	switch {
	case wild && r.at == from+1 && len(parts) == 1:
		r.keep(r.opaqueTokens(from, r.at, r.scope())) // `*`: also of tables that hold no events
	case wild:
		r.keep(fromTable(parts...))
	default:
		n := r.expr()
		if !r.is(",", "|", end) && !r.atEnd() {
			r.unexpected("another table")
		}
		r.rows(n)
	}
}

func (r *reader) atEnd() bool { return r.peek().kind == tokenEnd }

// applied reads the rows of a function that a let defines, called by n: its
// body, with the arguments for the parameters (page "User-defined functions").
// It is false where b is no function or takes what is no constant.
func (r *reader) applied(b binding, n *node) bool {
	params, body, ok := r.function(b)
	if !ok || len(n.args) > len(params) || n.kind == nodeName && len(params) > 0 {
		return false
	}
	s := r.scope()
	for i := range params {
		switch {
		case i >= len(n.args) && params[i].node == nil:
			return false
		case i < len(n.args):
			a := n.args[i]
			if params[i].node = literal(r.value(a, s), a); params[i].node == nil {
				return false
			}
			params[i].from, params[i].to = a.from, a.to
		}
	}
	if r.steps -= inlineSteps; r.steps < 0 {
		tooMuch(r.pos(n))
	}
	at, visible, lets, own := r.at, r.visible, r.lets, r.own
	r.lets, r.own = map[string][]binding{}, map[string]bool{}
	for name, bs := range lets {
		if i := slices.IndexFunc(bs, func(x binding) bool { return x.order >= b.order }); i != 0 {
			if i < 0 {
				i = len(bs)
			}
			r.lets[name] = slices.Clip(bs[:i])
		}
	}
	for _, p := range params {
		p.order, p.scope = r.visible, s
		r.lets[p.name] = append(r.lets[p.name], p.binding)
		r.own[p.name] = true
		r.visible++
	}
	inside := r.apart(func() {
		r.at = body
		for r.is("let", ";") {
			if !r.take(";") {
				r.let()
			}
		}
		r.pipeline("}")
		r.take(";")
		r.expect("}")
	})
	r.at, r.visible, r.lets, r.own = at, visible, lets, own
	r.name = inside.name
	r.where, r.times, r.stages = append(r.where, inside.where...), append(r.times, inside.times...), append(r.stages, inside.stages...)
	r.hideColumns(inside, b.from, b.to)
	return true
}

// A parameter of a function; its node is the argument, or what stands for it.
type parameter struct {
	name string
	binding
}

// function reads the head of `[view] (x: type = default, …) { body }`; body is
// the token after the brace.
func (r *reader) function(b binding) (params []parameter, body int, ok bool) {
	at, depth := r.at, r.depth
	defer func() { r.at, r.depth = at, depth }()
	r.at = b.from
	head := r.try(func() *node {
		r.take("view")
		r.expect("(")
		for !r.is(")") {
			name, from := r.peek(), r.at
			r.step()
			r.expect(":")
			if r.peek().kind != tokenName { // a table
				r.unexpected("a type")
			}
			r.step()
			p := parameter{name: name.text}
			p.from = from
			if r.take("=") {
				p.node = r.unary()
			}
			p.to = r.at
			if params = append(params, p); !r.take(",") {
				break
			}
		}
		r.expect(")")
		r.expect("{")
		return &node{}
	})
	return params, r.at, head != nil && r.tokens[b.to-1].text == "}"
}

// literal is a constant as an expression by itself, or nil.
func literal(v value, n *node) *node {
	out := &node{from: n.from, to: n.to}
	switch v.kind {
	case valueText:
		out.kind, out.text = nodeString, v.text
	case valueNumber:
		out.kind, out.text = nodeNumber, string(v.number)
	case valueList:
		out.kind = nodeList
		for _, x := range v.list {
			arg := literal(x, n)
			if arg == nil {
				return nil
			}
			out.args = append(out.args, arg)
		}
	case valueTruth:
		is, ok := v.is.constant()
		if !ok {
			return nil
		}
		if out.kind, out.text = nodeBool, "false"; is {
			out.text = "true"
		}
	case valueOther:
		if n.kind != nodeOther && n.kind != nodeCall { // a time: what it is compared with is opaque
			return nil
		}
		out.kind = nodeOther
	default:
		return nil
	}
	return out
}

// search reads what follows the word (page "search operator"): of all tables,
// or of some, or of what has been read so far the rows that its terms are in.
func (r *reader) search(from int, end string) {
	known := r.try(func() *node {
		cased := false
		if r.take("kind") {
			r.expect("=")
			cased = r.word() == "case_sensitive"
		}
		var tables []ir.Expr
		if r.take("in") {
			r.expect("(")
			for {
				tables = append(tables, r.events(r.apart(func() { r.operand(")") })))
				if !r.take(",") {
					break
				}
			}
			r.expect(")")
			r.take("and")
		}
		r.terms = true
		n := r.expr()
		if !r.is("|", end) && !r.atEnd() {
			return nil
		}
		if tables != nil {
			r.keep(ir.Disjunction(tables...))
		}
		r.keep(r.found(n, cased, r.scope()).yes)
		return n
	})
	if r.terms = false; known == nil {
		r.at = from
		r.skip("|", end)
		r.keep(r.opaqueTokens(from, r.at, r.scope()))
	}
}

// found is a predicate of `search`: a text alone is looked for in every column.
func (r *reader) found(n *node, cased bool, s scope) truth {
	parts := func() (out []truth) {
		for _, a := range n.args {
			out = append(out, r.found(a, cased, s))
		}
		return out
	}
	switch {
	case n.kind == nodeAnd:
		return r.both(parts()...)
	case n.kind == nodeOr:
		return r.some(parts()...)
	case n.kind == nodeCall && n.text == "not" && len(n.args) == 1:
		return parts()[0].not()
	case n.kind == nodeStar:
		return always
	case n.kind == nodeString:
		op, text := searched(n.text, cased)
		if t, ok := r.anyColumn(op, value{kind: valueText, text: text, pos: r.pos(n)}); ok {
			return t
		}
		return r.opaque(n, s)
	case n.kind == nodeBinary && n.text == ":":
		op, text := searched(n.args[1].text, cased)
		if n.args[1].kind == nodeString && op != "" {
			if t, ok := r.relate(op, r.value(n.args[0], s), value{kind: valueText, text: text, pos: r.pos(n)}); ok {
				return t
			}
		}
		return r.opaque(n, s)
	}
	return r.truth(n, s)
}

// searched is the operator that a term of `search` stands for. One with a
// wildcard inside has none.
func searched(term string, cased bool) (op, text string) {
	text, prefix := strings.CutSuffix(term, "*")
	text, suffix := strings.CutPrefix(text, "*")
	switch {
	case text == "" || strings.Contains(text, "*"):
		return "", ""
	case prefix && suffix:
		op = "contains"
	case prefix:
		op = "hasprefix"
	case suffix:
		op = "hassuffix"
	default:
		op = "has"
	}
	if cased {
		op += "_cs"
	}
	return op, text
}

// ReadBatch reads a text with several queries, as files have them: delimited by
// `;`, with lets that all of them see (page "Batches"), or by a blank line, as
// the query editors of Azure Monitor and of Azure Data Explorer part them. The
// error is an *ir.Diagnostic.
func ReadBatch(text string, s ir.Schema) ([]*ir.Query, error) { return readAll(text, s, true) }

// Stages are the statements of such a text, cut at their pipes, without
// comments: `let x`, a table, and the operators. The error is a
// *ir.Diagnostic.
func Stages(text string) (stages []ir.Command, err error) {
	defer ir.Caught(&err)
	if len(text) > maxQuery {
		refuse(ir.Pos{Line: 1, Column: 1}, "the query is larger than 1 MB")
	}
	r := &reader{src: text, tokens: separated(text, lex(text))}
	for r.peek().kind != tokenEnd {
		from := r.at
		r.skip("|", ";")
		if from < r.at {
			first := r.tokens[from]
			name := text[first.from:first.to]
			if second := r.tokens[from+1]; name == "let" && from+1 < r.at {
				name += " " + text[second.from:second.to]
			}
			stages = append(stages, ir.Command{Name: name, Text: r.lines(from, r.at), Pos: first.pos})
		}
		if r.peek().kind != tokenEnd {
			r.step()
		}
	}
	return stages, nil
}

// lines is the source with its line breaks, without its indentation.
func (r *reader) lines(from, to int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		t := r.tokens[i]
		if i > from {
			switch gap := r.src[r.tokens[i-1].to:t.from]; {
			case strings.Contains(gap, "\n"):
				b.WriteByte('\n')
			case gap != "":
				b.WriteByte(' ')
			}
		}
		b.WriteString(r.src[t.from:t.to])
	}
	return b.String()
}

// between are words that an expression or a stage goes on with.
var between = strings.Fields("and or in has contains startswith endswith matches between by on with asc desc nulls first last " +
	"kind to step of from as default let union where")

// separated puts an empty `;` where a query ends at a blank line: where the
// line after it begins a query, and the line before could end one.
func separated(src string, tokens []token) (out []token) {
	depth := 0
	for i, t := range tokens {
		if i > 0 && depth == 0 && begins(tokens, i) && ends(tokens, i-1) && blankLine(src[tokens[i-1].to:t.from]) {
			out = append(out, token{kind: tokenMark, text: ";", from: t.from, to: t.from, pos: t.pos})
		}
		if t.kind == tokenMark {
			switch t.text {
			case "(", "[", "{":
				depth++
			case ")", "]", "}":
				depth--
			}
		}
		out = append(out, t)
	}
	return out
}

// begins says whether a query can begin at token i.
func begins(tokens []token, i int) bool {
	t := tokens[i]
	if t.kind != tokenName {
		return false
	}
	next := tokens[i+1]
	switch t.text {
	case "let":
		return next.kind == tokenName || next.text == "["
	case "union", "search", "find", "print", "externaldata", "set":
		return next.text != "|"
	}
	return !slices.Contains(between, t.text) && (next.kind == tokenEnd || next.kind == tokenMark && (next.text == "|" || next.text == ";"))
}

// ends says whether a query can end with token i.
func ends(tokens []token, i int) bool {
	t := tokens[i]
	if t.kind == tokenMark {
		return t.text == ")" || t.text == "]" || t.text == "}" || t.text == "*"
	}
	command := i > 0 && tokens[i-1].kind == tokenMark && (tokens[i-1].text == "|" ||
		tokens[i-1].text == "-" && i > 2 && tokens[i-3].kind == tokenMark && tokens[i-3].text == "|")
	return t.kind != tokenName || t.text == "asc" || t.text == "desc" ||
		!slices.Contains(between, t.text) && (!command || t.text == "count" || t.text == "getschema" || t.text == "serialize" || t.text == "consume")
}

// blankLine says whether one stands in the gap between two tokens.
func blankLine(gap string) bool {
	lines := strings.Split(gap, "\n")
	return len(lines) > 2 && slices.ContainsFunc(lines[1:len(lines)-1], func(l string) bool { return strings.TrimSpace(l) == "" })
}
