package read

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"sigmac/internal/lazy"
	"sigmac/ir"
	"sigmac/tail"
)

// The facts that a reading of stages over several events rests on.
const (
	streamWindow = "splunk/stream-window" // streamstats without a window looks at all rows so far
	timeWindow   = "splunk/time-window"   // time_window slides, and both ends are in
	streamNull   = "splunk/stream-null"   // a row without a field behind BY gets nothing
	tieOrder     = "splunk/tie-order"     // what a sort does not tell apart stays as it came
	emptyGroup   = "splunk/empty-group"   // the empty text behind BY is a value
	chartRange   = "splunk/chart-range"   // what timechart adds before and behind the events is not asked for
	doubleSums   = "splunk/double-sums"   // sums of doubles are what sums of decimals are
)

// maxStreamWindow is limits.conf.spec, max_stream_window.
const maxStreamWindow = 10_000

// ReadTail says what a search does with several events at a time.
func ReadTail(query string, s ir.Schema) (*tail.Query, error) { return Reader{}.ReadTail(query, s) }

// ReadTail says what query does with several events at a time. The error is an
// *ir.Diagnostic.
func (r Reader) ReadTail(query string, s ir.Schema) (q *tail.Query, err error) {
	defer ir.Caught(&err)
	rd := &reading{source: expand(query, r.Macros), schema: s, assumed: map[string]bool{}}
	t := &tailer{pipeline: &pipeline{reading: rd, steps: maxColumns}, events: true,
		cols: map[string]tailColumn{}, traits: map[string]trait{"_time": present | notBlank | moment}}
	stages := rd.split()
	if len(stages) > maxLayers {
		panic(tail.NotJudged(rd.pos(stages[maxLayers].lo), fmt.Sprintf("a query of more than %d stages", maxLayers), ""))
	}
	for i, st := range stages {
		if i == 0 {
			t.source(st)
			continue
		}
		do, known := tailCommands[st.name]
		if !known {
			t.unjudged(st, unjudgedCommands[st.name])
		}
		do(t, st)
	}
	return &tail.Query{Ops: t.ops, Time: t.time(), Assumptions: slices.Sorted(maps.Keys(rd.assumed))}, nil
}

// A tailer reads stages into the algebra.
type tailer struct {
	*pipeline
	ops    []tail.Op
	events bool                  // a row is one event
	closed bool                  // there is no other column than those of cols
	cols   map[string]tailColumn // what is no field of the event, or is known to be there
	traits map[string]trait
	// unique are columns that no two rows share, and nil where none are known; sorted those by
	// which rows are in order. Where shuffled, no document says in which order they are.
	unique, sorted []string
	shuffled       bool
}

// A trait is what is known of the values of a column.
type trait uint8

const (
	present  trait = 1 << iota // none is null
	whole                      // they are whole numbers that come of counting
	notBlank                   // none is the empty text
	moment                     // they say when something happened, and are no border of a bucket
)

func (t *tailer) is(name string, of trait) bool { return t.traits[name]&of == of }

// when is the trait where it holds, and none else.
func (of trait) when(holds bool) trait {
	if holds {
		return of
	}
	return 0
}

type tailColumn uint8

const (
	ownColumn  tailColumn = iota // a field of the row's event
	madeColumn                   // a column of the row
	noColumn                     // null
)

func (t *tailer) kind(name string) tailColumn {
	k, known := t.cols[name]
	switch {
	case known:
		return k
	case t.closed:
		return noColumn
	}
	return ownColumn
}

// unjudgedCommands say why a command is not read.
var unjudgedCommands = map[string]string{
	"transaction": "it closes transactions beyond a number of open ones (limits.conf: maxopentxn, maxopenevents)",
	"chart":       "it makes columns of values",
	"append":      "a subsearch ends at a time and a number of rows (limits.conf: subsearch)",
	"join":        "a subsearch ends at a time and a number of rows (limits.conf: subsearch)",
}

// notJudged refuses what is not judged, with its article, and why, or nothing.
func (t *tailer) notJudged(at int, what, why string) { panic(tail.NotJudged(t.pos(at), what, why)) }

func (t *tailer) unjudged(st stage, why string) { t.notJudged(st.lo, "`"+st.name+"`", why) }

// tailCommands are the stages that are read (Search Reference, the page of each).
var tailCommands map[string]func(t *tailer, st stage)

func init() {
	keeps := func(*tailer, stage) {}
	tailCommands = map[string]func(t *tailer, st stage){
		"search": (*tailer).again, "where": (*tailer).filtered, "regex": (*tailer).matched,
		"eval": (*tailer).computed, "stats": (*tailer).grouped, "streamstats": (*tailer).streamed, "eventstats": (*tailer).beside,
		"sort": (*tailer).ordered, "reverse": (*tailer).reversed, "head": (*tailer).head, "dedup": (*tailer).deduped,
		"fields": (*tailer).projected, "table": (*tailer).projected, "rename": (*tailer).renamed, "bin": (*tailer).binned, "bucket": (*tailer).binned,
		"mvexpand": (*tailer).expanded, "timechart": (*tailer).charted,
		"outputlookup": keeps, "sendemail": keeps, "sendalert": keeps, "noop": keeps, "highlight": keeps,
	}
}

func (t *tailer) add(op tail.Op) { t.ops = append(t.ops, op) }

// time is the column of the time of a row, if one is left.
func (t *tailer) time() string {
	if t.is("_time", moment) {
		return "_time"
	}
	for _, name := range slices.Sorted(maps.Keys(t.traits)) {
		if t.is(name, moment) {
			return name
		}
	}
	return ""
}

// source reads the search that gives the events, the latest first (Search Manual: the order of
// results). When it looks is not part of it.
func (t *tailer) source(st stage) {
	if st.name != "search" {
		t.notJudged(st.lo, "`"+st.name+"` where events should come from", "")
	}
	var es []ir.Expr
	for _, e := range t.scoped(t.search(st.body, st.hi, false)) {
		if _, bound := t.bound(e, true); !bound {
			es = append(es, e)
		}
	}
	where := ir.Conjunction(es...)
	t.settled(where)
	t.asked(es)
	t.add(tail.Source{Scope: t.scope, Where: where, Newest: true, Time: "_time"})
}

// settled refuses what the representation cannot hold.
func (t *tailer) settled(e ir.Expr) {
	ir.Walk(e, func(e ir.Expr) {
		if o, ok := e.(ir.Opaque); ok {
			panic(tail.NotJudged(o.Pos, "`"+o.Text+"`", ""))
		}
	})
}

// asked notes the fields without which a row would not have passed all of es.
func (t *tailer) asked(es []ir.Expr) {
	for _, e := range es {
		if m, ok := e.(ir.Match); ok && m.Test != (ir.Null{}) {
			t.traits[m.Field.Name] |= present
		}
	}
}

// own says whether all fields of e are those of the row's event.
func (t *tailer) own(e ir.Expr) bool {
	own := t.events
	ir.Walk(e, func(e ir.Expr) {
		switch e := e.(type) {
		case ir.Match:
			own = own && t.kind(e.Field.Name) == ownColumn
			if ref, ok := e.Test.(ir.FieldRef); ok {
				own = own && t.kind(ref.Other.Name) == ownColumn
			}
		case ir.Keyword:
			own = own && t.kind("_raw") == ownColumn
		}
	})
	return own
}

// again reads `search` behind other stages.
func (t *tailer) again(st stage) {
	es := t.search(st.body, st.hi, false)
	for _, e := range es {
		t.settled(e)
		t.add(tail.Where{X: t.searched(e, st)})
	}
	t.asked(es)
}

// searched is a condition of `search` over a row. It is true or false, never null.
func (t *tailer) searched(e ir.Expr, st stage) tail.Expr {
	if t.own(e) {
		return tail.Test{X: e}
	}
	list := func(es []ir.Expr) (out []tail.Expr) {
		for _, x := range es {
			out = append(out, t.searched(x, st))
		}
		return out
	}
	switch e := e.(type) {
	case ir.And:
		return call("and", and, list(e)...)
	case ir.Or:
		return call("or", or, list(e)...)
	case ir.Not:
		return call("not", not, t.searched(e.X, st))
	case ir.Match:
		x := t.column(e.Field.Name)
		switch m := e.Test.(type) {
		case ir.Exists:
			return call("isnotnull", isNotNull, x)
		case ir.Null:
			return call("isnull", isNull, x)
		case ir.Compare:
			n, _ := strconv.ParseFloat(string(m.Number), 64)
			op := m.Op.String()
			return call("istrue", isTrue, call(op, comparison(op), x, tail.Const{V: n}))
		case ir.Pattern:
			if shape, text := m.Shape(); shape == ir.Exact && !m.Cased {
				return call("equals", equalText, x, tail.Const{V: text})
			}
		}
	}
	t.notJudged(st.lo, "`search` of a column that is computed", e.String())
	return nil
}

func (t *tailer) filtered(st stage) {
	n := t.formula(st.body, st.hi)
	t.add(tail.Where{X: t.expr(n)})
	t.holds(n)
}

// holds notes what is not null where n is true.
func (t *tailer) holds(n *formula) {
	switch n.op {
	case "and":
		for _, a := range n.args {
			t.holds(a)
		}
	case "=", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/":
		for _, a := range n.args {
			t.holds(a)
		}
	case "field":
		t.traits[n.text] |= present
	case "call":
		if n.text == "isnotnull" && len(n.args) == 1 {
			t.holds(n.args[0])
		}
	}
}

func (t *tailer) matched(st stage) {
	e := t.regex(st)
	t.settled(e)
	if !t.own(e) {
		t.notJudged(st.lo, "`regex` of a column that is computed", "")
	}
	t.add(tail.Where{X: tail.Test{X: e}})
}

// set makes a name a column of the row.
func (t *tailer) set(name string, traits trait) {
	t.cols[name], t.traits[name] = madeColumn, traits
	t.sorted = slices.DeleteFunc(slices.Clone(t.sorted), func(s string) bool { return s == name })
	if slices.Contains(t.unique, name) {
		t.unique = nil
	}
}

// computed reads `eval`, of which each part sees those before it.
func (t *tailer) computed(st stage) {
	lo := st.body
	var columns []tail.Named
	for _, one := range assignments(t.text[st.body:st.hi]) {
		hi := lo + len(one)
		left, right, ok := strings.Cut(one, "=")
		name := strings.Trim(trim(left), `"'`)
		if !ok || name == "" || strings.ContainsAny(name, "{}*") {
			t.notJudged(hi-len(strings.TrimLeft(one, " \t\n\v\f\r")), "this assignment of `eval`", "")
		}
		n := t.formula(hi-len(right), hi)
		x := t.expr(n)
		columns = append(columns, tail.Named{Name: name, X: x})
		unique := t.unique
		if slices.Contains(unique, name) && !t.tells(n, name) {
			unique = nil
		}
		t.set(name, t.traitsOf(n, name))
		t.unique = unique
		lo = hi + 1
	}
	t.add(tail.Extend{Columns: columns, InTurn: true})
}

// traitsOf are those of what becomes a column. A time that is moved is one still; what else is
// put into _time may be the border of a bucket.
func (t *tailer) traitsOf(n *formula, name string) trait {
	of := present.when(!t.nullable(n)) | whole.when(t.each(n, whole)) | notBlank.when(t.each(n, notBlank))
	return of | moment.when(n.op == "field" && t.is(n.text, moment) || t.is(name, moment) && t.tells(n, name))
}

// each says whether all values that n can be have a trait, or are null.
func (t *tailer) each(n *formula, of trait) bool {
	args := n.args
	switch n.op {
	case "num":
		return of != whole || !strings.Contains(n.text, ".") && len(n.text) < 10
	case "str":
		return of == notBlank && n.text != "" && n.other == nil
	case "field":
		return t.is(n.text, of)
	case "neg", "+", "-":
		if of == notBlank {
			return true
		}
	case "*", "/", "%":
		return of == notBlank
	case "call":
		switch n.text {
		case "null":
		case "if", "case":
			args = nil
			for i, a := range n.args {
				if i%2 == 1 || i == len(n.args)-1 {
					args = append(args, a)
				}
			}
		case "coalesce", "mvappend", "mvdedup":
		case "tonumber", "floor", "ceil", "ceiling", "round", "abs", "len", "mvcount":
			return of == notBlank
		default:
			return false
		}
	default:
		return false
	}
	return !slices.ContainsFunc(args, func(a *formula) bool { return !t.each(a, of) })
}

// tells says whether rows that differ in a column do so still when n stands in its place, as
// far as the other columns that no two rows share are equal.
func (t *tailer) tells(n *formula, name string) bool {
	switch {
	case n.op == "field":
		return n.text == name
	case n.op == "neg":
		return t.tells(n.args[0], name)
	case (n.op == "+" || n.op == "-") && len(n.args) == 2 && n.args[1].op == "num":
		return t.tells(n.args[0], name)
	case n.op == "call" && n.text == "if" && len(n.args) == 3:
		for _, f := range fields(n.args[0]) {
			if f == name || !slices.Contains(t.unique, f) {
				return false
			}
		}
		return t.tells(n.args[1], name) && t.tells(n.args[2], name)
	}
	return false
}

func fields(n *formula) (out []string) {
	if n.op == "field" {
		return []string{n.text}
	}
	for _, a := range n.args {
		out = append(out, fields(a)...)
	}
	return out
}

// A tailWord is a word of a stage: what stands in parentheses or quotes is part of it.
type tailWord struct{ lo, hi int }

// tailWords are the words of a stage, between blanks and commas.
func (t *tailer) tailWords(st stage) (out []tailWord) {
	depth, lo := 0, -1
	flush := func(i int) {
		if lo >= 0 {
			out = append(out, tailWord{lo, i})
		}
		lo = -1
	}
	for i := st.body; i < st.hi; {
		c := t.text[i]
		if depth == 0 && (c == ',' || isSpace(c)) {
			flush(i)
			i++
			continue
		}
		if lo < 0 {
			lo = i
		}
		switch c {
		case '(':
			depth++
		case ')':
			depth--
		case '[', '`':
			t.notJudged(i, "a subsearch or a macro in `"+st.name+"`", "")
		case '\'':
			n := strings.IndexByte(t.text[i+1:st.hi], '\'')
			if n < 0 {
				t.fail(i, "a name in quotes without its end")
			}
			i += n + 2
			continue
		}
		i = t.past(i, st.hi)
	}
	flush(st.hi)
	return out
}

func (t *tailer) word(w tailWord) string { return t.text[w.lo:w.hi] }

// named is the name that a word is, without quotes.
func (t *tailer) named(w tailWord) string {
	s, open := t.word(w), "*\"'()=\\"
	if n := len(s); n > 1 && (s[0] == '"' || s[0] == '\'') && s[n-1] == s[0] {
		s, open = s[1:n-1], "*\"'\\"
	}
	if s == "" || strings.ContainsAny(s, open) {
		t.notJudged(w.lo, t.word(w)+" as the name of a column", "")
	}
	return s
}

var tailOption = lazy.Regexp(`^([a-zA-Z_]+)=(.+)$`)

// A clause is what an aggregation says.
type clause struct {
	aggs    []tail.Agg
	traits  map[string]trait // of aggs
	keys    []string
	options map[string]string
	at      map[string]int // where an option stands
}

// clauses reads the words of an aggregation: functions, options anywhere, and BY.
func (t *tailer) clauses(st stage) clause {
	c := clause{traits: map[string]trait{}, options: map[string]string{}, at: map[string]int{}}
	ws := t.tailWords(st)
	by := false
	for i := 0; i < len(ws); i++ {
		w := ws[i]
		if m := tailOption().FindStringSubmatch(t.word(w)); m != nil {
			c.options[strings.ToLower(m[1])], c.at[strings.ToLower(m[1])] = strings.ToLower(m[2]), w.lo
			continue
		}
		switch {
		case strings.EqualFold(t.word(w), "by"):
			by = true
		case by:
			c.keys = append(c.keys, t.named(w))
		default:
			name := ""
			if i+2 < len(ws) && strings.EqualFold(t.word(ws[i+1]), "as") {
				name = t.named(ws[i+2])
				i += 2
			}
			agg, of := t.aggregate(w, name)
			c.aggs = append(c.aggs, agg)
			c.traits[agg.As] = of
		}
	}
	for i, k := range c.keys {
		if slices.Contains(c.keys[:i], k) {
			t.fail(st.lo, "%s twice behind BY in `%s`", k, st.name)
		}
	}
	for i, a := range c.aggs {
		if slices.Contains(c.keys, a.As) || slices.ContainsFunc(c.aggs[:i], func(b tail.Agg) bool { return a.As == b.As }) {
			t.fail(st.lo, "two columns named %s in `%s`", a.As, st.name)
		}
	}
	return c
}

// allow refuses options that are not among these.
func (t *tailer) allow(st stage, c clause, names ...string) {
	for _, name := range slices.Sorted(maps.Keys(c.options)) {
		if !slices.Contains(names, name) {
			t.notJudged(c.at[name], "the option "+name+" of `"+st.name+"`", "")
		}
	}
}

// on says whether an option is switched on; without it, it is as it is else.
func (t *tailer) on(c clause, name string, otherwise bool) bool {
	switch c.options[name] {
	case "":
		return otherwise
	case "true", "t", "1":
		return true
	case "false", "f", "0":
		return false
	}
	t.fail(c.at[name], "%s is true or false", name)
	return false
}

// by are the expressions of keys.
func (t *tailer) by(keys []string, dedup bool) (out []tail.Named) {
	for _, k := range keys {
		x := t.column(k)
		if !t.is(k, notBlank) {
			t.assume(emptyGroup)
		}
		if dedup {
			x = call("mvdedup", distinctValues, x)
		}
		out = append(out, tail.Named{Name: k, X: x})
	}
	return out
}

// grouped reads `stats`: a row for each value of the fields behind BY, of a list for each of
// its values, and of an event without one of them none.
func (t *tailer) grouped(st stage) {
	c := t.clauses(st)
	t.allow(st, c, "dedup_splitvals")
	t.add(tail.Group{By: t.by(c.keys, t.on(c, "dedup_splitvals", false)), Aggs: c.aggs})
	traits := t.traits
	t.events, t.closed, t.cols, t.traits = false, true, map[string]tailColumn{}, map[string]trait{}
	for _, k := range c.keys {
		t.set(k, traits[k]|present)
	}
	for _, a := range c.aggs {
		t.set(a.As, c.traits[a.As])
	}
	t.unique, t.sorted, t.shuffled = append([]string{}, c.keys...), nil, len(c.keys) > 0
}

// inOrder holds that it is known in which order the rows are that are equal in some columns.
func (t *tailer) inOrder(at int, what string, by []string) {
	if t.shuffled {
		t.notJudged(at, what+" behind `stats` without a `sort`", "no document says in which order its rows are")
	}
	for _, u := range t.unique {
		if !slices.Contains(by, u) && !slices.Contains(t.sorted, u) {
			t.assume(tieOrder)
		}
	}
	if t.unique == nil {
		t.assume(tieOrder)
	}
}

// keyed are the keys of streamstats and eventstats, which no document says to take a list
// apart.
func (t *tailer) keyed(c clause) []tail.Named {
	for _, k := range c.keys {
		if t.kind(k) == ownColumn {
			t.assume(singleValue)
		}
		if !t.is(k, present) {
			t.assume(streamNull)
		}
	}
	return t.by(c.keys, false)
}

// gained notes the columns that rows gain.
func (t *tailer) gained(c clause) {
	all := !slices.ContainsFunc(c.keys, func(k string) bool { return !t.is(k, present) })
	for _, a := range c.aggs {
		of := c.traits[a.As]
		if !all {
			of &^= present
		}
		t.set(a.As, of)
	}
}

// streamed reads `streamstats`.
func (t *tailer) streamed(st stage) {
	c := t.clauses(st)
	t.allow(st, c, "window", "time_window", "global", "current")
	if len(c.aggs) == 0 {
		t.notJudged(st.lo, "`streamstats` without a function", "")
	}
	t.inOrder(st.lo, "`streamstats`", c.keys)
	op := tail.Running{Aggs: c.aggs, By: t.keyed(c), Before: !t.on(c, "current", true)}
	if w, given := c.options["window"]; given {
		n, err := strconv.Atoi(w)
		if err != nil || n < 0 {
			t.fail(c.at["window"], "a window is a number of events")
		}
		if n > maxStreamWindow {
			t.notJudged(c.at["window"], fmt.Sprintf("a window of more than %d events", maxStreamWindow), "limits.conf, max_stream_window")
		}
		op.Rows = n
		op.Mixed = n > 0 && len(c.keys) > 0 && t.on(c, "global", true)
	}
	if w, given := c.options["time_window"]; given {
		op.Span = t.span(w, c.at["time_window"])
		op.Time = t.column("_time")
		t.assume(timeWindow)
	}
	if op.Rows == 0 && op.Time == nil {
		t.assume(streamWindow)
	}
	t.add(op)
	t.gained(c)
}

// beside reads `eventstats`.
func (t *tailer) beside(st stage) {
	c := t.clauses(st)
	t.allow(st, c)
	t.add(tail.Beside{Aggs: c.aggs, By: t.keyed(c)})
	t.gained(c)
}

var tailSpan = lazy.Regexp(`^([0-9]{1,9})([a-z]*)$`)

// seconds are those of the units of a span (Search Reference: bin, span-length).
var seconds = map[string]float64{"": 1, "s": 1, "sec": 1, "secs": 1, "second": 1, "seconds": 1, "m": 60, "min": 60, "mins": 60, "minute": 60, "minutes": 60,
	"h": 3600, "hr": 3600, "hrs": 3600, "hour": 3600, "hours": 3600, "d": 86400, "day": 86400, "days": 86400, "w": 604800}

// span is a length of time in seconds.
func (t *tailer) span(s string, at int) float64 {
	m := tailSpan().FindStringSubmatch(s)
	if m == nil || seconds[m[2]] == 0 {
		t.notJudged(at, "the span "+s, "")
	}
	n, _ := strconv.ParseFloat(m[1], 64)
	if n == 0 {
		t.fail(at, "a span of nothing")
	}
	return n * seconds[m[2]]
}

// binned reads `bin`: from days on, a bin begins at the user's midnight, else at a multiple of
// its length since 1970.
func (t *tailer) binned(st stage) {
	field, to, span := "", "", 0.0
	ws := t.tailWords(st)
	for i := 0; i < len(ws); i++ {
		w := ws[i]
		if m := tailOption().FindStringSubmatch(t.word(w)); m != nil {
			if !strings.EqualFold(m[1], "span") {
				t.notJudged(w.lo, "the option "+m[1]+" of `"+st.name+"`", "")
			}
			if span = t.span(strings.ToLower(m[2]), w.lo); span >= 86400 {
				t.assume(timeZone)
			}
			continue
		}
		switch {
		case field == "":
			field = t.named(w)
		case strings.EqualFold(t.word(w), "as") && i+1 < len(ws) && to == "":
			i++
			to = t.named(ws[i])
		default:
			t.notJudged(w.lo, "this use of `"+st.name+"`", "")
		}
	}
	if field == "" || span == 0 {
		t.notJudged(st.lo, "`"+st.name+"` without a field or a span", "")
	}
	if to == "" {
		to = field
	}
	traits := t.traits[field] &^ moment
	t.add(tail.Extend{Columns: []tail.Named{{Name: to, X: call("bin", bin, t.column(field), tail.Const{V: span})}}})
	t.set(to, traits)
}

// charted reads `timechart`: a row for each bin, in order, also for those without events.
func (t *tailer) charted(st stage) {
	c := t.clauses(st)
	t.allow(st, c, "span", "cont")
	span, given := c.options["span"]
	switch {
	case len(c.keys) > 0:
		t.unjudged(st, "it makes columns of the values of "+c.keys[0])
	case !given:
		t.unjudged(st, "without a span, it follows from the time range of the search")
	case t.kind("_time") == noColumn:
		t.unjudged(st, "there is no _time")
	}
	step := t.span(span, c.at["span"])
	if step >= 86400 {
		t.assume(timeZone)
	}
	at := tail.Column{Name: "_time"}
	t.add(tail.Extend{Columns: []tail.Named{{Name: "_time", X: call("bin", bin, at, tail.Const{V: step})}}})
	t.add(tail.Group{By: []tail.Named{{Name: "_time", X: at}}, Aggs: c.aggs})
	t.add(tail.Sort{Keys: []tail.SortKey{{X: at}}})
	t.events, t.closed, t.cols, t.traits = false, true, map[string]tailColumn{}, map[string]trait{}
	t.set("_time", present|notBlank)
	fill := tail.Fill{Name: "_time", Step: step}
	for _, a := range c.aggs {
		empty := tail.Const{}
		if c.traits[a.As]&present != 0 {
			empty.V = 0.0
		}
		fill.Of = append(fill.Of, tail.Named{Name: a.As, X: empty})
		t.set(a.As, c.traits[a.As])
	}
	if t.on(c, "cont", true) {
		t.assume(chartRange)
		t.add(fill)
	}
	t.unique, t.sorted, t.shuffled = []string{"_time"}, []string{"_time"}, false
}

// ordered reads `sort`: without a number it gives 10,000 rows at most. Null is behind all else,
// whichever way round.
func (t *tailer) ordered(st stage) {
	ws := t.tailWords(st)
	limit, limited := 0, false
	var op tail.Sort
	flip, sign := false, ""
	var names []string
	for i, w := range ws {
		s := t.word(w)
		if n, err := strconv.Atoi(strings.TrimPrefix(strings.ToLower(s), "limit=")); err == nil && n >= 0 && len(op.Keys) == 0 && sign == "" && !limited && s[0] != '+' {
			limit, limited = n, true
			continue
		}
		if low := strings.ToLower(s); (low == "d" || low == "desc") && i > 0 && i == len(ws)-1 && len(op.Keys) > 0 {
			flip = true
			continue
		}
		if s[0] == '-' || s[0] == '+' {
			sign, s = s[:1], s[1:]
			w.lo++
		}
		if s == "" {
			continue
		}
		as := "auto"
		if f, rest, ok := strings.Cut(s, "("); ok && strings.HasSuffix(rest, ")") {
			as = strings.ToLower(f)
			w = tailWord{w.lo + len(f) + 1, w.hi - 1}
		}
		name := t.named(w)
		do, known := map[string]func([]tail.Value) tail.Value{"auto": sortAuto, "num": sortAuto, "str": sortText}[as]
		if !known {
			t.notJudged(w.lo, "an order by "+as, "")
		}
		x := t.column(name)
		if !t.is(name, present) {
			op.Keys = append(op.Keys, tail.SortKey{X: call("isnull", isNull, x)})
		}
		op.Keys = append(op.Keys, tail.SortKey{X: call(as, do, x), Desc: sign == "-"})
		names = append(names, name)
		sign = ""
	}
	if len(names) == 0 {
		t.fail(st.lo, "`sort` without a field")
	}
	t.add(op)
	if flip {
		t.add(tail.Reverse{})
	}
	t.sorted, t.shuffled = names, false
	switch {
	case !limited:
		t.assume(sortLimit)
	case limit > 0:
		t.inOrder(st.lo, "a `sort` with a number", nil)
		t.add(tail.Limit{N: limit})
	}
}

// expanded reads `mvexpand`, a row for each value. What becomes of a row without one no
// document says.
func (t *tailer) expanded(st stage) {
	ws := t.tailWords(st)
	if len(ws) != 1 {
		t.notJudged(st.lo, "this use of `mvexpand`", "")
	}
	name := t.named(ws[0])
	if !t.is(name, present) {
		t.notJudged(ws[0].lo, "`mvexpand` of what may be null", "")
	}
	t.add(tail.Expand{Name: name})
	t.set(name, t.traits[name])
	t.unique = nil
}

func (t *tailer) reversed(st stage) {
	if trim(t.text[st.body:st.hi]) != "" {
		t.fail(st.lo, "`reverse` takes nothing")
	}
	t.inOrder(st.lo, "`reverse`", nil)
	t.add(tail.Reverse{})
}

func (t *tailer) head(st stage) {
	n := 10
	switch ws := t.tailWords(st); len(ws) {
	case 0:
	case 1:
		var err error
		if n, err = strconv.Atoi(strings.TrimPrefix(t.word(ws[0]), "limit=")); err == nil && n >= 0 {
			break
		}
		fallthrough
	default:
		t.notJudged(st.lo, "this use of `head`", "")
	}
	t.inOrder(st.lo, "`head`", nil)
	t.add(tail.Limit{N: n})
}

// deduped reads `dedup`, which drops the rows that lack a field.
func (t *tailer) deduped(st stage) {
	n := 1
	var keys []string
	for i, w := range t.tailWords(st) {
		k, err := strconv.Atoi(t.word(w))
		switch {
		case i == 0 && err == nil && k > 0:
			n = k
		case strings.EqualFold(t.word(w), "sortby") || strings.Contains(t.word(w), "="):
			t.notJudged(w.lo, t.word(w)+" of `dedup`", "")
		default:
			keys = append(keys, t.named(w))
		}
	}
	if len(keys) == 0 {
		t.fail(st.lo, "`dedup` without a field")
	}
	t.inOrder(st.lo, "`dedup`", keys)
	op := tail.Limit{N: n}
	for _, k := range keys {
		x := t.column(k)
		t.add(tail.Where{X: call("isnotnull", isNotNull, x)})
		op.By = append(op.By, tail.Named{Name: k, X: x})
		t.traits[k] |= present
	}
	t.add(op)
}

// projected reads `fields` and `table`. `fields` without a minus keeps the internal fields.
func (t *tailer) projected(st stage) {
	ws := t.tailWords(st)
	minus := false
	if len(ws) > 0 {
		if c := t.text[ws[0].lo]; c == '-' || c == '+' {
			if st.name == "table" {
				t.fail(ws[0].lo, "`table` has no signs")
			}
			minus = c == '-'
			if ws[0].lo++; ws[0].lo == ws[0].hi {
				ws = ws[1:]
			}
		}
	}
	if len(ws) == 0 {
		t.fail(st.lo, "`%s` without a field", st.name)
	}
	var names []string
	for _, w := range ws {
		names = append(names, t.named(w))
	}
	if minus {
		t.add(tail.Drop{Names: names})
		for _, name := range names {
			t.lose(name)
		}
		return
	}
	if st.name == "fields" && !slices.Contains(names, "_time") && t.kind("_time") != noColumn {
		names = append(names, "_time")
	}
	var op tail.Select
	for i, name := range names {
		if !slices.Contains(names[:i], name) {
			op.Columns = append(op.Columns, tail.Named{Name: name, X: t.column(name)})
		}
	}
	cols := map[string]tailColumn{}
	for _, name := range names {
		cols[name] = t.kind(name)
	}
	if st.name == "fields" {
		cols["_raw"] = t.kind("_raw")
	}
	maps.DeleteFunc(t.traits, func(name string, _ trait) bool { return !slices.Contains(names, name) })
	t.add(op)
	t.closed, t.cols = true, cols
}

// lose makes a column null.
func (t *tailer) lose(name string) {
	t.set(name, 0)
	t.cols[name] = noColumn
}

func (t *tailer) renamed(st stage) {
	ws := t.tailWords(st)
	var op tail.Extend
	var olds, news []string
	for i := 0; i < len(ws); i += 3 {
		if i+2 >= len(ws) || !strings.EqualFold(t.word(ws[i+1]), "as") {
			t.notJudged(ws[i].lo, "this use of `rename`", "")
		}
		olds, news = append(olds, t.named(ws[i])), append(news, t.named(ws[i+2]))
		op.Columns = append(op.Columns, tail.Named{Name: news[len(news)-1], X: t.column(olds[len(olds)-1])})
	}
	for i, name := range news {
		// In which order they are renamed is not written down.
		if slices.Contains(olds, name) || slices.Contains(news[:i], name) || slices.Contains(olds[:i], olds[i]) {
			t.notJudged(st.lo, "a column that is renamed twice", "")
		}
	}
	t.add(op)
	t.add(tail.Drop{Names: olds})
	for i, old := range olds {
		traits := t.traits[old]
		unique, sorted := slices.Clone(t.unique), slices.Clone(t.sorted)
		if slices.Contains(unique, news[i]) {
			unique = nil
		}
		for _, list := range [][]string{unique, sorted} {
			if at := slices.Index(list, old); at >= 0 {
				list[at] = news[i]
			}
		}
		t.set(news[i], traits)
		t.lose(old)
		t.unique, t.sorted = unique, sorted
	}
}

// column is the value of a column of the row.
func (t *tailer) column(name string) tail.Expr {
	if t.kind(name) == noColumn {
		return tail.Const{}
	}
	return tail.Column{Name: name}
}
