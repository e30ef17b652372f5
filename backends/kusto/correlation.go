package kusto

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"sigmac/backends"
	"sigmac/ir"
)

// Correlate writes a correlation as one query, whose rows are its hits: the group, the
// start and the end of the window, where the end is the time of the hit, and the value that
// was compared. The section on correlations in docs/semantics.md says why each form is exact.
func Correlate(c *backends.Correlation) (*backends.Tailed, error) {
	k := &correlated{Correlation: c, w: &writer{}, taken: map[string]bool{}}
	k.known()
	write := map[string]func() backends.Doc{"event_count": k.count, "value_count": k.distinct, "temporal": k.temporal,
		"temporal_ordered": k.ordered, "value_sum": k.numeric, "value_avg": k.numeric, "value_percentile": k.numeric, "value_median": k.numeric}[c.Type.Text]
	if write == nil {
		return nil, c.Refuse(name, c.Type.Pos, "a correlation of the type "+c.Type.Text, "")
	}
	query := write()
	if k.w.err != nil {
		return nil, k.w.err
	}
	out := &backends.Tailed{Queries: []backends.TailedQuery{{Doc: query}}}
	if k.tumbling() {
		out.Losses = append(out.Losses, k.loss())
	}
	return out, nil
}

// A correlated is a correlation that is being written.
type correlated struct {
	*backends.Correlation
	w       *writer         // of what is of no table; it has the error
	taken   map[string]bool // names of columns and tables
	group   []string        // the columns, as they are written
	keep    []string
	at      string // the column of the time
	values  []string
	rules   []string // the columns that say whether a rule selects the event
	sources []origin
	stages  []backends.Doc
}

// An origin is where events of some rules are.
type origin struct {
	table    string
	rules    []int
	computed []ir.Computed
}

// joins says whether a rule reads the same columns of the events; then they are read once.
func (o *origin) joins(table string, first, r *backends.CorrelatedRule) bool {
	clash := func(c ir.Computed) bool {
		return slices.ContainsFunc(o.computed, func(x ir.Computed) bool { return x.Name == c.Name && x.Text != c.Text })
	}
	return o.table == table && first.Time == r.Time && !slices.ContainsFunc(r.Rule.Computed, clash) &&
		slices.EqualFunc(first.Group, r.Group, slices.Equal[[]ir.Field]) && slices.EqualFunc(first.Fields, r.Fields, slices.Equal[[]ir.Field])
}

func (k *correlated) refuse(feature, reason string) { k.w.fail(k.Pos, feature, reason) }

func (k *correlated) tumbling() bool { return k.Method == backends.Tumbling }

func (k *correlated) loss() backends.TailLoss {
	l := backends.TailLoss{ID: "kusto/tumbling", Direction: "narrower", Pos: k.Timespan.Pos,
		Msg: "the time frame has fixed borders: what lies across one is missed, and no row says when"}
	if !k.Rising() {
		l.Direction = "both"
	}
	return l
}

// known gives names to all columns, and finds out where the events are.
func (k *correlated) known() {
	if k.Window() <= 0 {
		k.refuse("a time frame without a length", "")
	}
	for _, g := range k.Group {
		if lit := k.column(g); !slices.Contains(k.group, lit) {
			k.group = append(k.group, lit)
		}
	}
	for i, r := range k.Rules {
		table, err := tableOf(r.Rule)
		switch {
		case err != nil && k.w.err == nil:
			k.w.err = err
		case err == nil && table == "":
			k.w.fail(r.Rule.Source.Pos, "a correlation of rules without a table", "let a pipeline set query_table")
		}
		k.taken[table] = true
		for _, f := range r.Keep {
			if lit := k.column(f.Name); !slices.Contains(k.group, lit) && !slices.Contains(k.keep, lit) {
				k.keep = append(k.keep, lit)
			}
		}
		if r.Time == "" {
			k.w.fail(r.Rule.Source.Pos, "a correlation of events without a column of their time", "")
		}
		at := slices.IndexFunc(k.sources, func(o origin) bool { return o.joins(table, &k.Rules[o.rules[0]], &r) })
		if at < 0 {
			at = len(k.sources)
			k.sources = append(k.sources, origin{table: table})
		}
		o := &k.sources[at]
		o.rules = append(o.rules, i)
		for _, c := range r.Rule.Computed {
			if !slices.ContainsFunc(o.computed, func(x ir.Computed) bool { return x.Name == c.Name }) {
				o.computed = append(o.computed, c)
			}
		}
	}
	k.once()
	k.at = k.name("t")
	for range k.Fields {
		k.values = append(k.values, k.name("v"))
	}
	for i := range k.Rules {
		k.rules = append(k.rules, k.name("r"+strconv.Itoa(i+1)))
	}
}

// once refuses events that would be counted twice, since they come from two places.
func (k *correlated) once() {
	if strings.HasPrefix(k.Type.Text, "temporal") || k.Type.Text == "value_count" {
		return
	}
	for i, p := range k.sources {
		for _, q := range k.sources[:i] {
			for _, a := range p.rules {
				for _, b := range q.rules {
					if p.table == q.table && !k.Disjoint(a, b) {
						k.refuse("rules that may select one event and take its group or its value from different columns",
							"it would count twice; let both use one column, or exclude the events of one from the other")
					}
				}
			}
		}
	}
}

// column is the name of a column that a user asks for.
func (k *correlated) column(name string) string {
	lit, ok := entity(name)
	if !ok {
		k.refuse("a field without a name in plain characters", "")
	}
	k.taken[name] = true
	return lit
}

// name is a name that no column has yet: the word, or with a number behind it.
func (k *correlated) name(word string) string {
	made := word
	for n := 1; k.taken[made]; n++ {
		made = word + strconv.Itoa(n)
	}
	k.taken[made] = true
	return made
}

// then adds a stage.
func (k *correlated) then(format string, args ...any) {
	k.stages = append(k.stages, text(fmt.Sprintf(format, args...)))
}

// behind puts the stages behind a source.
func (k *correlated) behind(source backends.Doc) backends.Doc {
	d := backends.Doc{Sep: "|", Lines: true, Parts: []backends.Doc{source}}
	if source.Sep == "|" {
		d = source
	}
	d.Parts = slices.Concat(d.Parts, k.stages)
	return d
}

// events are those of all rules with their groups, times, values, and what is kept; with flags
// also which rules select them.
func (k *correlated) events(flags bool) backends.Doc {
	var parts []backends.Doc
	for _, p := range k.sources {
		d := k.source(p, flags)
		if len(k.sources) > 1 {
			d.Open, d.Lines = "(", false
		}
		parts = append(parts, d)
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return backends.Doc{Text: "union ", Sep: ",", Inset: 2, Parts: parts}
}

func (k *correlated) source(p origin, flags bool) backends.Doc {
	first := k.Rules[p.rules[0]]
	w := newWriter(p.computed)
	defer func() {
		if k.w.err == nil {
			k.w.err = w.err
		}
	}()
	project := backends.Doc{Text: "project ", Sep: ",", Inset: 2}
	seen := map[string]bool{}
	add := func(name string, d backends.Doc) {
		if seen[name] {
			return
		}
		if seen[name] = true; name != d.Text || d.Parts != nil || d.Items != nil {
			body := d
			d = backends.Doc{Text: name + " = ", Body: &body}
		}
		project.Parts = append(project.Parts, d)
	}
	var guards ir.And
	for i, fields := range first.Group {
		lit, _ := entity(k.Group[i])
		add(lit, text(k.key(w, fields, func(r *backends.CorrelatedRule) []ir.Field { return r.Group[i] })))
		var there ir.Or
		for _, f := range fields {
			there = append(there, ir.Match{Field: f, Test: ir.Exists{}, Pos: k.Pos})
		}
		guards = append(guards, ir.Disjunction(there...))
	}
	add(k.at, text(w.column(ir.Field{Name: first.Time, Type: ir.Date}, k.Pos)))
	for i, fields := range first.Fields {
		of := func(r *backends.CorrelatedRule) []ir.Field { return r.Fields[i] }
		if k.Type.Text == "value_count" {
			add(k.values[i], text(k.key(w, fields, of)))
		} else {
			add(k.values[i], text(k.numberOf(w, fields)))
		}
	}
	var any ir.Or
	for _, r := range p.rules {
		e := k.Rules[r].Rule.Conditions[0].Expr
		any = append(any, e)
		switch {
		case !flags:
		case len(p.rules) == 1:
			add(k.rules[r], text("true"))
		default:
			add(k.rules[r], w.expr(e, false))
		}
	}
	for _, r := range p.rules {
		for _, f := range k.Rules[r].Keep {
			lit, _ := entity(f.Name)
			add(lit, text(w.textOf(f, k.Pos)))
		}
	}
	rows := ir.Conjunction(append(ir.Conjuncts(ir.Disjunction(any...)), guards...)...)
	return backends.Doc{Sep: "|", Lines: true, Parts: slices.Concat([]backends.Doc{text(p.table)}, w.stages(p.computed, rows), []backends.Doc{project})}
}

// first is the one of some expressions that has a value.
func firstOf(of []string) string {
	if len(of) == 1 {
		return of[0]
	}
	return "coalesce(" + strings.Join(of, ", ") + ")"
}

// key writes a value that is compared for equality. The columns of all places become one,
// which needs one type.
func (k *correlated) key(w *writer, fields []ir.Field, of func(*backends.CorrelatedRule) []ir.Field) string {
	kinds, columns := map[ir.Type]bool{}, map[string]bool{}
	for i := range k.Rules {
		for _, f := range of(&k.Rules[i]) {
			kinds[kindOf(f)] = true
			columns[k.Rules[i].Rule.Scope.Table+" "+f.Name] = true
		}
	}
	if len(kinds) > 1 {
		k.refuse("a group or a value of columns of different types", "")
	}
	var out []string
	for _, f := range fields {
		switch {
		case kindOf(f) == ir.Text:
			out = append(out, w.textOf(f, k.Pos))
		case f.Type == ir.Numeric && len(columns) > 1: // one may be an int, another a long
			out = append(out, "todecimal("+w.column(f, k.Pos)+")")
		default:
			out = append(out, w.column(f, k.Pos))
		}
	}
	return firstOf(out)
}

// kindOf is the type of a column as it is compared: rows are sorted by no other types.
func kindOf(f ir.Field) ir.Type {
	if f.Type == ir.Numeric || f.Type == ir.Date {
		return f.Type
	}
	return ir.Text
}

func (k *correlated) numberOf(w *writer, fields []ir.Field) string {
	var out []string
	for _, f := range fields {
		switch {
		case f.Type == ir.Numeric && len(k.sources)+len(fields) == 2:
			out = append(out, w.column(f, k.Pos))
		case f.Type == ir.Numeric:
			out = append(out, "todouble("+w.column(f, k.Pos)+")")
		case isText(f):
			out = append(out, "todouble("+w.textOf(f, k.Pos)+")")
		default:
			k.refuse("numbers of a column of another type", "")
		}
	}
	return firstOf(out)
}

// there says that a value is one.
func (k *correlated) there(i int) string {
	if f := k.Rules[0].Fields[i][0]; k.Type.Text != "value_count" || kindOf(f) != ir.Text {
		return "isnotnull(" + k.values[i] + ")"
	}
	return "isnotempty(" + k.values[i] + ")"
}

func (k *correlated) span() string { return k.Timespan.Short() }

// by are the columns of the group and others, as a list.
func (k *correlated) by(others ...string) string {
	return strings.Join(slices.Concat(k.group, others), ", ")
}

// any are the columns that are kept, of one of the rows that become one.
func (k *correlated) any() (out []string) {
	for _, name := range k.keep {
		out = append(out, name+" = take_any("+name+")")
	}
	return out
}

// summarize adds a stage with these aggregates, and those of what is kept, by the group and others.
func (k *correlated) summarize(aggregates []string, by ...string) {
	s := "summarize " + strings.Join(slices.Concat(aggregates, k.any()), ", ")
	k.then("%s", strings.TrimSuffix(strings.TrimSpace(s)+" by "+k.by(by...), " by "))
}

// sort adds a stage that sorts by the group and others.
func (k *correlated) sort(others ...string) {
	var keys []string
	for _, g := range k.group {
		keys = append(keys, g+" asc")
	}
	k.then("sort by %s", strings.Join(append(keys, others...), ", "))
}

// each joins what a format, which names it twice, says of the columns of the group and of others.
func (k *correlated) each(format, join string, others ...string) string {
	var out []string
	for _, c := range slices.Concat(k.group, others) {
		out = append(out, fmt.Sprintf(format, c))
	}
	return strings.Join(out, join)
}

// begins says that a row of sorted rows is the first of its group and of others; empty: there
// is one group.
func (k *correlated) begins(others ...string) string {
	return k.each("%[1]s != prev(%[1]s)", " or ", others...)
}

// running writes the sum of a column up to each row, in its group and time.
func (k *correlated) running(column string) string {
	return "row_cumsum(" + column + ", " + k.begins(k.at) + ")"
}

// limits writes the condition on a value.
func (k *correlated) limits(value string) string {
	var out []string
	for _, l := range k.Condition {
		op := map[string]string{"gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "eq": "==", "neq": "!="}[l.Op]
		out = append(out, value+" "+op+" "+k.w.number(l.Number, l.Pos))
	}
	return strings.Join(out, " and ")
}

// result adds the stage of the columns of the hits. Each is a name and a text.
func (k *correlated) result(start, end string, more ...[2]string) {
	columns := slices.Clone(k.group)
	for _, c := range append([][2]string{{"start", start}, {"end", end}}, more...) {
		if name := k.name(c[0]); name != c[1] {
			c[1] = name + " = " + c[1]
		}
		columns = append(columns, c[1])
	}
	k.then("project %s", strings.Join(append(columns, k.keep...), ", "))
}

// window is the result for a window that ends at the time of a row.
func (k *correlated) window(more ...[2]string) { k.result(k.at+" - "+k.span(), k.at, more...) }

// bucket is the result for a window of fixed borders that begins at the time of a row.
func (k *correlated) bucket(more ...[2]string) { k.result(k.at, k.at+" + "+k.span(), more...) }

// hits is the result of a value for each time, or each bucket.
func (k *correlated) hits(value string) {
	k.then("where %s", k.limits(value))
	if k.tumbling() {
		k.bucket([2]string{"value", value})
	} else {
		k.window([2]string{"value", value})
	}
}

// bin is the beginning of the piece of time in which the time of a row lies. Where pieces begin is
// said where they do not divide a day.
func (k *correlated) bin() string {
	if 24*time.Hour%k.Window() == 0 {
		return "bin(" + k.at + ", " + k.span() + ")"
	}
	return "bin_at(" + k.at + ", " + k.span() + ", datetime(2001-01-01))"
}

// buckets puts the beginning of its bucket in the place of the time of each row.
func (k *correlated) buckets() {
	if k.tumbling() {
		k.then("extend %s = %s", k.at, k.bin())
	}
}

// least is the smallest count that satisfies the condition, if every greater one does too.
func (k *correlated) least() (n int64, ok bool) {
	for _, l := range k.Condition {
		r, fine := new(big.Rat).SetString(string(l.Number))
		if !fine || l.Op != "gt" && l.Op != "gte" {
			return 0, false
		}
		floor := new(big.Int).Div(r.Num(), r.Denom())
		if l.Op == "gt" || !r.IsInt() {
			floor.Add(floor, big.NewInt(1))
		}
		if floor.Cmp(big.NewInt(math.MaxInt32)) > 0 {
			k.w.fail(l.Pos, "a count of more than 32 bits", "the offset of prev() is an int")
			return 1, true
		}
		n = max(n, floor.Int64())
	}
	return max(n, 1), len(k.Condition) > 0
}

// count writes event_count. Of a least number, the event that is so many before must be of
// the group and the window. Other conditions need the count itself.
func (k *correlated) count() backends.Doc {
	n, ok := k.least()
	if ok && !k.tumbling() {
		if n == 1 {
			k.result(k.at, k.at)
			return k.behind(k.events(false))
		}
		begin, same := k.name("begin"), k.name("same")
		k.sort(k.at + " asc")
		k.then("extend %s = prev(%s, %d)", begin, k.at, n-1)
		also := ""
		if len(k.group) > 0 {
			k.then("extend %s = %s", same, k.each(fmt.Sprintf("%%[1]s == prev(%%[1]s, %d)", n-1), " and "))
			also = same + " and "
		}
		k.then("where %s%s - %s <= %s", also, k.at, begin, k.span())
		k.result(begin, k.at)
		return k.behind(k.events(false))
	}
	k.buckets()
	change := k.name("n")
	k.summarize([]string{change + " = count()"}, k.at)
	if k.tumbling() {
		k.hits(change)
		return k.behind(k.events(false))
	}
	sign := k.moves()
	k.then("extend %[1]s = %[1]s * %[2]s", change, sign)
	k.swept(change, sign)
	return k.behind(k.events(false))
}

// moves makes two of each row: one that comes into windows, and one that leaves them.
func (k *correlated) moves() (sign string) {
	sign = k.name("sign")
	k.then("mv-expand %s = dynamic([1, -1]) to typeof(long)", sign)
	return sign
}

// swept adds up what comes into the windows and what has left them. What comes at a time comes
// before what leaves then, since both ends of a window are in it. Behind the last row of a group
// all has left, so the next one begins with none.
func (k *correlated) swept(change, sign string) {
	moved, value := k.name("moved"), k.name("sum")
	k.then("extend %s = iff(%s > 0, %s, %s + %s)", moved, sign, k.at, k.at, k.span())
	k.sort(moved+" asc", sign+" desc")
	k.then("extend %s = row_cumsum(%s)", value, change)
	k.then("where %s > 0", sign)
	k.hits(value)
}

// distinct writes value_count. A value is in the windows from the time of an event with it until
// the window has left the last one; it comes where it was not there, and goes where none follows.
func (k *correlated) distinct() backends.Doc {
	k.buckets()
	var there []string
	for i := range k.values {
		there = append(there, k.there(i))
	}
	has := strings.Join(there, " and ")
	k.summarize(nil, slices.Concat(k.values, []string{k.at})...)
	change := k.name("n")
	if k.tumbling() {
		k.summarize([]string{change + " = countif(" + has + ")"}, k.at)
		k.hits(change)
		return k.behind(k.events(false))
	}
	before, after := k.name("before"), k.name("after")
	var keys []string
	for _, v := range k.values {
		keys = append(keys, v+" asc")
	}
	k.sort(append(keys, k.at+" asc")...)
	near := func(function string) string {
		return fmt.Sprintf("iff(%s, %s(%s), datetime(null))", k.each("%[1]s == "+function+"(%[1]s)", " and ", k.values...), function, k.at)
	}
	k.then("extend %s = %s, %s = %s", before, near("prev"), after, near("next"))
	sign := k.moves()
	k.then("extend %s = case(not(%s), 0, %s > 0, iff(%s - %s <= %s, 0, 1), iff(%s - %s <= %s, 0, -1))", change, has, sign,
		k.at, before, k.span(), after, k.at, k.span())
	k.summarize([]string{change + " = sum(" + change + ")"}, k.at, sign)
	k.swept(change, sign)
	return k.behind(k.events(false))
}

// selected adds the stage that says of each group and time which rules select an event there.
func (k *correlated) selected() {
	var flags []string
	for _, r := range k.rules {
		flags = append(flags, r+" = countif("+r+") > 0")
	}
	k.buckets()
	k.summarize(flags, k.at)
}

// scanned adds a scan of the rows of each group in the order of time, which keeps times: each
// is new where it says, and else as it was. step is the name of the state.
func (k *correlated) scanned(names []string, of func(i int, old string) string) {
	if len(names) == 0 {
		return
	}
	k.sort(k.at + " asc")
	step, old := k.name("s"), "%s.%s"
	if begins := k.begins(); begins != "" {
		fresh := k.name("fresh")
		k.then("extend %s = %s", fresh, begins)
		old = "iff(" + fresh + ", datetime(null), %s.%s)"
	}
	var declared, set []string
	for i, n := range names {
		declared = append(declared, n+": datetime")
		set = append(set, n+" = "+of(i, fmt.Sprintf(old, step, n)))
	}
	k.then("scan declare (%s) with (step %s: true => %s;)", strings.Join(declared, ", "), step, strings.Join(set, ", "))
}

// temporal writes temporal: the last event of each rule is in the window, or some are.
func (k *correlated) temporal() backends.Doc {
	k.selected()
	in := slices.Clone(k.rules)
	if !k.tumbling() {
		var last []string
		for i := range k.rules {
			last = append(last, k.name("last"+strconv.Itoa(i+1)))
		}
		k.scanned(last, func(i int, old string) string { return fmt.Sprintf("iff(%s, %s, %s)", k.rules[i], k.at, old) })
		for i, l := range last {
			in[i] = k.at + " - " + l + " <= " + k.span()
		}
	}
	var more [][2]string
	switch {
	case k.Formula != nil:
		for i := range in {
			if !k.tumbling() {
				in[i] = "coalesce(" + in[i] + ", false)"
			}
		}
		k.then("where %s", k.Written(in, "and", "or", "not"))
		more = append(more, [2]string{"rules", k.named(in)})
	case len(k.Condition) == 0:
		k.then("where %s", strings.Join(in, " and "))
	default:
		value := k.name("n")
		var each []string
		for _, is := range in {
			each = append(each, "iff("+is+", 1, 0)")
		}
		k.then("extend %s = %s", value, strings.Join(each, " + "))
		k.then("where %s", k.limits(value))
		more = append(more, [2]string{"value", value}, [2]string{"rules", k.named(in)})
	}
	if k.tumbling() {
		k.bucket(more...)
	} else {
		k.window(more...)
	}
	return k.behind(k.events(true))
}

// named writes the names of the rules that are in a window.
func (k *correlated) named(in []string) string {
	var each []string
	for i, r := range k.Rules {
		lit, ok := quote(r.Name + ", ")
		if !ok {
			k.refuse("a rule without a name in UTF-8", "")
		}
		each = append(each, "iff("+in[i]+", "+lit+`, "")`)
	}
	return `trim_end(", ", strcat(` + strings.Join(each, ", ") + "))"
}

// ordered writes temporal_ordered. For each rule but the last, the scan keeps the latest time at
// which a chain began that has come to the rule: where the rule selects an event, that of the rule
// before it. Events of one time stand in the order of the rules.
func (k *correlated) ordered() backends.Doc {
	if k.tumbling() {
		k.refuse("a temporal_ordered correlation with fixed borders", "the order is in the method sliding")
		return backends.Doc{}
	}
	k.selected()
	var begun []string
	for i := range k.rules[1:] {
		begun = append(begun, k.name("begun"+strconv.Itoa(i+1)))
	}
	chain := k.at
	k.scanned(begun, func(i int, old string) string {
		chain = fmt.Sprintf("iff(%s, %s, %s)", k.rules[i], chain, old)
		return chain
	})
	last := k.at
	if len(begun) > 0 {
		last = begun[len(begun)-1]
	}
	k.then("where %s and %s - %s <= %s", k.rules[len(k.rules)-1], k.at, last, k.span())
	k.result(last, k.at)
	return k.behind(k.events(true))
}

// numeric writes the types about numbers: each time is joined with the events of its window, by
// the two pieces of time as long as the window that it can lie in.
func (k *correlated) numeric() backends.Doc {
	source, v, value := k.events(false), k.values[0], k.name("sum")
	has := "where " + k.there(0)
	if k.tumbling() {
		k.then("%s", has)
		k.buckets()
		k.aggregate(v, value)
		return k.behind(source)
	}
	all, piece, other, then := k.name("events"), k.name("piece"), k.name("other"), k.name("then")
	k.summarize(nil, k.at)
	k.then("mv-expand %s = range(%s - %s, %s, %s) to typeof(datetime)", piece, k.bin(), k.span(), k.bin(), k.span())
	columns, on := []string{other + " = " + k.bin(), then + " = " + k.at, v}, []string{"$left." + piece + " == $right." + other}
	for _, g := range k.group {
		of := k.name("g")
		columns, on = append(columns, of+" = "+g), append(on, "$left."+g+" == $right."+of)
	}
	k.then("join kind=inner (%s | %s | project %s) on %s", all, has, strings.Join(columns, ", "), strings.Join(on, ", "))
	k.then("where %s between ((%s - %s) .. %s)", then, k.at, k.span(), k.at)
	k.aggregate(v, value)
	return backends.Doc{Sep: ";", Lines: true, Parts: []backends.Doc{{Text: "let " + all + " = ", Body: &source, Inset: 1}, k.behind(text(all))}}
}

// aggregate adds the stages that make one value of those of each group and time. Of ranks, the
// number of values up to each and from each on is counted: no list has a limit then.
func (k *correlated) aggregate(v, value string) {
	one := func(what string) { k.summarize([]string{value + " = " + what}, k.at) }
	switch k.Type.Text {
	case "value_sum":
		one("sum(" + v + ")")
	case "value_avg":
		one("avg(" + v + ")")
	default:
		n, up, down := k.name("n"), k.name("up"), k.name("down")
		k.summarize([]string{n + " = count()"}, k.at, v)
		k.sort(k.at+" asc", v+" asc")
		k.then("extend %s = %s", up, k.running(n))
		k.sort(k.at+" asc", v+" desc")
		k.then("extend %s = %s", down, k.running(n))
		total := "(" + up + " + " + down + " - " + n + ")"
		if k.Type.Text == "value_median" {
			one(fmt.Sprintf("(minif(%s, 2 * %s >= %s) + minif(%s, 2 * %s > %s)) / 2.0", v, up, total, v, up, total))
			break
		}
		rank, ok := new(big.Rat).SetString(string(k.Percentile))
		if !ok || !rank.Num().IsInt64() || rank.Denom().Cmp(big.NewInt(1e9)) > 0 {
			k.refuse("a percentile of more than nine decimals", "")
			return
		}
		k.then("where %d * %s >= %d * %s", 100*rank.Denom().Int64(), up, rank.Num().Int64(), total)
		one("min(" + v + ")")
	}
	k.hits(value)
}
