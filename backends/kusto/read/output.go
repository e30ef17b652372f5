package read

import (
	"maps"
	"slices"
	"strings"

	"sigmac/ir"
)

// An Output is what is known of the columns of the rows that a query gives.
type Output struct {
	find  columnsOf
	steps *int
}

// Lacks says that the rows have no such column. By is the operator that leaves it out
// (`summarize`), or empty with the table that has none of that name.
type Lacks struct{ By, Table string }

// Column says whether the rows have a column: Lacks is not nil where they have none, and known is
// false where nobody knows. Names are told apart by case, as the language does.
func (o *Output) Column(name string) (l *Lacks, known bool) {
	*o.steps = maxColumnSteps
	switch f := o.find(name); f.is {
	case has:
		return nil, true
	case lacks:
		return &f.why, true
	}
	return nil, false
}

// maxColumnSteps bounds the work for one name: sources stand for others again and again.
const maxColumnSteps = 1 << 16

// ReadOutput says which columns the rows of a query have, from its operators and, by s, from the
// tables that it reads. What an operator makes that is not followed here may be of any name. The
// error is one of Read.
func ReadOutput(query string, s ir.Schema) (o *Output, err error) {
	defer func() {
		switch e := recover().(type) {
		case nil:
		case *ir.Diagnostic:
			o, err = nil, e
		default:
			panic(e)
		}
	}()
	r := newReader(query, s)
	r.tail = func() {
		w := &width{reader: r, left: new(int)}
		w.pipeline(";")
		o = &Output{w.find, w.left}
	}
	r.queries(false)
	return o, nil
}

// A columnsOf says whether rows have a column of a name.
type columnsOf func(name string) found

type found struct {
	is  isThere
	why Lacks
}

type isThere uint8

const (
	perhaps isThere = iota
	has
	lacks
)

// anything is that of rows of which nothing is known.
func anything(string) found { return found{} }

// A width follows the columns of rows through the operators of a query.
type width struct {
	*reader
	find columnsOf
	left *int // steps
}

// counted is f as long as there are steps left.
func (w *width) counted(f columnsOf) columnsOf {
	return func(name string) found {
		if *w.left--; *w.left < 0 {
			return found{}
		}
		return f(name)
	}
}

// standard are columns of the tables of a workspace that no page of a table need name
// (Microsoft Learn: Standard columns in Azure Monitor Logs).
var standard = []string{"TimeGenerated", "TenantId", "SourceSystem", "Type", "MG", "ManagementGroupName", "_ItemId", "_ResourceId", "_SubscriptionId",
	"_IsBillable", "_BilledSize", "_TimeReceived"}

// table gives the rows of a table. It is known where a column of it that says when events
// happened is.
func (w *width) table(name string) {
	w.name = name
	w.find = func(column string) found {
		if w.schema == nil {
			return found{}
		}
		t, mapped := w.schema.Type(name, column)
		switch {
		case mapped && t != ir.Unknown:
			return found{is: has}
		case slices.Contains(standard, column) || mapped && !slices.ContainsFunc(timeColumns, func(when string) bool {
			t, mapped := w.schema.Type(name, when)
			return mapped && t != ir.Unknown
		}):
			return found{} // of a table that is not known
		}
		return found{lacks, Lacks{Table: name}}
	}
}

// pipeline reads a source and the stages after it.
func (w *width) pipeline(end string) {
	if w.depth++; w.depth > maxNesting {
		w.tooDeep()
	}
	switch {
	case w.is("union"):
		w.step()
		from := w.at
		w.union(nil, end)
		w.at = from
		w.united(end)
	case w.isSource():
		w.skip("|", end)
		w.find = anything
	default:
		n := w.expr()
		if !w.is("|", end) && !w.atEnd() {
			w.skip("|", end)
			w.find = anything
		} else {
			w.source(n)
		}
	}
	for w.take("|") {
		w.stageOf(end)
	}
	w.depth--
}

// source reads where n, a table or what stands for one, takes its rows from.
func (w *width) source(n *node) {
	inline := func(from, visible int, end string) {
		at, seen := w.at, w.visible
		w.reader.steps -= inlineSteps
		w.at, w.visible = from, visible
		w.pipeline(end)
		w.at, w.visible = at, seen
	}
	w.spend(n)
	switch {
	case n.kind == nodeTable:
		inline(n.from, w.visible, ")")
		return
	case n.kind == nodeCall && n.text == "materialize" && len(n.args) == 1:
		w.source(n.args[0])
		return
	case n.kind == nodeCall && n.text == "table" && len(n.args) == 1 && n.args[0].kind == nodeString:
		w.table(n.args[0].text)
		return
	case n.kind == nodeName:
		b, bound := before(w.lets[n.text], w.visible)
		if !bound {
			w.table(n.text)
			return
		}
		if w.isQuery(b) {
			inline(b.from, b.order, ";")
			return
		}
	}
	w.find = anything
}

// other reads a query that names mean something else to.
func (w *width) other(read func(o *width)) columnsOf {
	o := &width{reader: w.reader, left: w.left}
	w.apart(func() { read(o) })
	return o.find
}

// united reads what follows the word union: rows of any source.
func (w *width) united(end string) {
	var of []columnsOf
	if w.find != nil {
		of = append(of, w.find)
	}
	made, common := map[string]bool{}, true
	for w.peek().kind == tokenName && slices.Contains([]string{"=", "."}, w.ahead().text) && !w.isCall(w.at+1) {
		name := w.peek().text
		for w.step(); w.take("."); w.word() { // hint.concurrency
		}
		w.expect("=")
		switch value := w.word(); {
		case name == "withsource" || name == "with_source":
			made[value] = true
		case name == "kind" && value != "outer":
			common = false
		}
	}
	for {
		from := w.at
		w.apart(func() { w.operand(end) })
		to := w.at
		if w.at = from; w.is("*") || strings.Contains(w.src[w.tokens[from].from:w.tokens[to-1].to], "*") && w.tokens[from].text != "(" {
			of = append(of, anything)
		} else {
			n := w.expr()
			of = append(of, w.other(func(o *width) { o.source(n) }))
		}
		if w.at = to; !w.take(",") {
			break
		}
	}
	w.find = w.counted(func(name string) found {
		if made[name] {
			return found{is: has}
		}
		every, some := true, false
		var why Lacks
		for _, l := range of {
			f := l(name)
			if f.is == lacks {
				why = f.why
			}
			every, some = every && f.is == lacks, some || f.is == has
		}
		switch {
		case every:
			return found{lacks, why}
		case some && common:
			return found{is: has}
		}
		return found{}
	})
}

// stageOf reads one stage. The reader goes over it first, and knows then where it ends.
func (w *width) stageOf(end string) {
	start, first := w.at, w.peek()
	w.operator(end)
	to := w.at
	w.at = start + 1
	name := first.text
	for w.is("-") && w.peek().from == w.tokens[w.at-1].to {
		w.at++
		name += "-" + w.word()
	}
	if w.at < to || name == "count" {
		w.after(name, to, end)
	}
	w.at = to
}

// after says which columns the rows have behind a stage that ends at a token.
func (w *width) after(name string, to int, end string) {
	under := w.find
	switch name {
	case "where", "filter", "sort", "order", "top", "take", "limit", "sample", "as", "render", "project-reorder", "search", "assert-schema", "consume":
	case "extend", "serialize":
		m := w.makes()
		w.find = w.counted(func(name string) found {
			if m.named[name] {
				return found{is: has}
			}
			f := under(name)
			if f.is == lacks && m.maybe(name) {
				return found{}
			}
			return f
		})
	case "project", "distinct":
		if name == "distinct" && w.is("*") {
			return
		}
		m := w.makes()
		w.only(m, name)
	case "project-away", "project-keep":
		pattern := w.patterns(to)
		keep := name == "project-keep"
		w.find = w.counted(func(column string) found {
			f := under(column)
			if f.is != lacks && pattern(column) != keep {
				return found{lacks, Lacks{By: name}}
			}
			return f
		})
	case "project-rename":
		renamed := map[string]bool{}
		from := w.at
		for i := from; i+1 < to; i++ {
			if w.tokens[i].text == "=" && w.tokens[i].kind == tokenMark {
				renamed[w.tokens[i+1].text] = true
			}
		}
		m := w.makes()
		w.find = w.counted(func(column string) found {
			switch {
			case m.named[column]:
				return found{is: has}
			case renamed[column]:
				return found{lacks, Lacks{By: name}}
			}
			return under(column)
		})
	case "count":
		w.only(makes{named: map[string]bool{"Count": true}}, name)
	case "summarize":
		for w.is("hint") {
			for w.step(); w.take("."); w.word() {
			}
			w.expect("=")
			w.word()
		}
		m := makes{named: map[string]bool{}, used: map[string]bool{}}
		if !w.is("by") {
			m = w.makes()
		}
		if w.take("by") {
			keys := w.makes()
			maps.Copy(m.named, keys.named)
			maps.Copy(m.used, keys.used)
			m.auto = m.auto || keys.auto
		}
		w.only(m, name)
	case "parse", "parse-where":
		made := map[string]bool{}
		for i := w.at; i < to; i++ {
			made[w.tokens[i].text] = w.isColumn(i) || made[w.tokens[i].text]
		}
		w.find = w.counted(func(column string) found {
			if f := under(column); f.is != lacks || !made[column] {
				return f
			}
			return found{}
		})
	case "join", "lookup":
		w.joined(under, to)
	case "union":
		w.united(end)
	default:
		w.find = anything
	}
}

// only makes these all the columns, but for those of which nobody knows the names.
func (w *width) only(m makes, by string) {
	under := w.find
	w.find = w.counted(func(name string) found {
		switch {
		case m.named[name]:
			return found{is: has}
		case m.star:
			return under(name)
		case m.maybe(name):
			return found{}
		}
		return found{lacks, Lacks{By: by}}
	})
}

// joined reads a join: the columns of the left are there, those of the right perhaps, unless it
// only tells which of the left stay.
func (w *width) joined(under columnsOf, to int) {
	kind := ""
	for i := w.at; i+2 < to && w.tokens[i].kind == tokenName; {
		switch {
		case w.tokens[i+1].text == "=":
			if w.tokens[i].text == "kind" {
				kind = w.tokens[i+2].text
			}
			i += 3
		case w.tokens[i+1].text == ".":
			i += 2
		default:
			i = to
		}
	}
	switch kind {
	case "leftsemi", "leftanti", "anti", "leftantisemi":
		return
	case "rightsemi", "rightanti", "rightantisemi":
		w.find = anything
		return
	}
	w.find = w.counted(func(name string) found {
		if f := under(name); f.is == has {
			return f
		}
		return found{}
	})
}

// patterns are the names that a stage lists, some with stars.
func (w *width) patterns(to int) func(name string) bool {
	var list []string
	from := w.at
	for i := from; i <= to; i++ {
		if i == to || w.tokens[i].text == "," && w.tokens[i].kind == tokenMark {
			if text := strings.TrimSpace(w.src[w.tokens[from].from:w.tokens[i].from]); from < i {
				if t := w.tokens[from]; t.text == "[" && from+1 < i {
					text = w.tokens[from+1].text
				}
				list = append(list, text)
			}
			from = i + 1
		}
	}
	return func(name string) bool {
		return slices.ContainsFunc(list, func(p string) bool { return matches(p, name) })
	}
}

// matches says whether a name is of a pattern with stars.
func matches(pattern, name string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == name
	}
	if !strings.HasPrefix(name, parts[0]) {
		return false
	}
	name = name[len(parts[0]):]
	for _, p := range parts[1 : len(parts)-1] {
		_, rest, ok := strings.Cut(name, p)
		if !ok {
			return false
		}
		name = rest
	}
	return strings.HasSuffix(name, parts[len(parts)-1])
}

// makes are columns that a stage makes.
type makes struct {
	named map[string]bool
	star  bool // and all that were there before
	auto  bool // and some by names that the language makes up
	// What those are made of: their names are of these, or have a line below.
	used map[string]bool
}

func (m makes) maybe(name string) bool {
	return m.auto && (m.used[strings.TrimRight(name, "0123456789")] || m.used[name] || strings.Contains(name, "_") || strings.HasPrefix(name, "Column"))
}

// severalColumns are aggregates that give a column more for each further argument, also where one
// has a name (Microsoft Learn, the page of each).
var severalColumns = []string{"arg_max", "arg_min", "argmax", "argmin", "take_any", "any", "percentiles", "percentilesw"}

// makes reads expressions with names before them, or without.
func (w *width) makes() makes {
	m := makes{named: map[string]bool{}, used: map[string]bool{}}
	for {
		start := w.at
		n := w.expr()
		switch {
		case w.is("="):
			if n.kind == nodeName {
				m.named[n.text] = true
			} else { // a list of columns
				for i := start; i < w.at; i++ {
					if w.isColumn(i) {
						m.named[w.tokens[i].text] = true
					}
				}
			}
			w.step()
			from := w.at
			value := w.expr()
			m.stars(w, from) // of `(a, *) = arg_max(a, *)`
			if n.kind == nodeName && value.kind == nodeCall && len(value.args) > 1 && slices.Contains(severalColumns, value.text) {
				m.unnamed(w, from)
			}
		case n.kind == nodeName:
			m.named[n.text] = true
		case n.kind == nodeStar:
			m.star = true
		default:
			m.stars(w, start)
			m.unnamed(w, start)
		}
		if !w.take(",") {
			return m
		}
	}
}

// unnamed notes that an expression from a token on makes columns without names of their own.
func (m *makes) unnamed(w *width, from int) {
	m.auto = true
	for i := from; i < w.at; i++ {
		if w.isColumn(i) {
			m.used[w.tokens[i].text] = true
		}
	}
}

// stars notes that an aggregate from a token on is of all columns: arg_max(a, *).
func (m *makes) stars(w *width, from int) {
	for i := from + 1; i < w.at; i++ {
		t := w.tokens[i]
		if t.kind == tokenMark && t.text == "*" && (w.tokens[i-1].text == "," || w.tokens[i-1].text == "(") {
			m.star = true
		}
	}
}
