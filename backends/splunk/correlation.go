package splunk

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"sigmac/backends"
	"sigmac/ir"
)

// Correlate writes a correlation as one query.
//
// Events are first counted by group and time with `stats`, so that all events of an instant
// stand in one row. Where a window slides, each row comes into it at its time and goes out
// when the timespan is over: it is there twice, with step "in" and "out", and `streamstats`
// adds up what is in and takes away what is out. Temporal correlations need no more than the
// last time of each rule. Why this is exact stands in docs/semantics.md.
func Correlate(c *backends.Correlation) (*backends.Tailed, error) {
	t := &correlator{Correlation: c, seconds: strconv.FormatInt(int64(c.Window()/time.Second), 10), fields: map[string]bool{"_time": true}, made: map[string]bool{}}
	if err := t.check(); err != nil {
		return nil, err
	}
	search := t.source()
	t.group()
	t.keep()
	write := map[string]func(){"event_count": t.sums, "value_sum": t.sums, "value_avg": t.sums, "value_percentile": t.sums,
		"value_count": t.distinct, "temporal": t.temporal, "temporal_ordered": t.ordered}[c.Type.Text]
	if write == nil {
		return nil, c.Refuse(name, c.Type.Pos, "a "+c.Type.Text,
			"it takes the mean of the two values in the middle, and the percentiles of Splunk are of several methods; value_percentile with percentile: 50 is exact")
	}
	write()
	t.result()
	if t.refused != nil {
		return nil, t.refused
	}
	if t.w.err != nil {
		return nil, t.w.err
	}
	d := backends.Doc{Sep: "|", Parts: []backends.Doc{search}}
	for _, s := range t.stages {
		d.Parts = append(d.Parts, text(s))
	}
	out := &backends.Tailed{Queries: []backends.TailedQuery{{Doc: d}}}
	if t.tumbling() {
		direction := "both"
		if t.Rising() {
			direction = "narrower"
		}
		out.Losses = []backends.TailLoss{{ID: "splunk/tumbling", Direction: direction, Pos: c.Timespan.Pos,
			Msg: "windows of " + c.Timespan.Text + " with fixed borders: events on both sides of one are not seen together"}}
	}
	return out, nil
}

// A correlator writes one correlation.
type correlator struct {
	*backends.Correlation
	w       writer
	seconds string // the timespan

	fields map[string]bool // that the query asks events for
	pieces []string        // of query language that pipelines wrote, which may name anything
	made   map[string]bool // the columns of the query's own

	// several says that an event may be in groups of several rules, and expanded that it is one
	// event for each by now.
	several, expanded bool

	evals   []string    // the columns that are made of an event
	filter  string      // what the search lets through beyond the rules, or ""
	flags   []string    // for each rule the column that is 1 where it selects an event; none for one rule
	keys    []string    // the columns of the group
	kept    []string    // the columns that are shown of events
	renamed [][2]string // at the end, to names that need quotes, or of a field that stands for them

	stages  []string
	shown   []string // the columns of the result behind the window
	refused error
}

func (t *correlator) tumbling() bool { return t.Method == backends.Tumbling }

func (t *correlator) refuse(at ir.Pos, feature, reason string) {
	if t.refused == nil {
		t.refused = t.Refuse(name, at, feature, reason)
	}
}

// check refuses what is no search of events, and notes all names that mean something.
func (t *correlator) check() error {
	for _, r := range t.Rules {
		if r.Rule.Scope.DataModel != "" {
			return t.Refuse(name, t.Type.Pos, "a correlation over a data model", "its events are counted before they could be put into a window")
		}
		rest := r.Rule.Scope
		rest.Index = ""
		if err := backends.Foreign(name, rest, r.Rule.Source.Pos); err != nil {
			return err
		}
		if r.Time != "_time" {
			return t.Refuse(name, t.Timespan.Pos, "a window over "+strconv.Quote(r.Time), "the time of an event is in _time")
		}
		ir.Walk(r.Rule.Conditions[0].Expr, func(e ir.Expr) {
			switch e := e.(type) {
			case ir.Match:
				t.fields[e.Field.Name] = true
				if ref, ok := e.Test.(ir.FieldRef); ok {
					t.fields[ref.Other.Name] = true
				}
			case ir.Opaque:
				t.pieces = append(t.pieces, e.Text)
			}
		})
		for _, list := range slices.Concat(r.Group, r.Fields, [][]ir.Field{r.Keep}) {
			for _, f := range list {
				t.fields[f.Name] = true
			}
		}
	}
	for i, g := range t.Group {
		if lack := fieldLack(g); lack != "" {
			return t.Refuse(name, t.GroupBy[i].Pos, lack, "")
		}
		if g == "_time" {
			return t.Refuse(name, t.GroupBy[i].Pos, "a group by _time", "that is the time of the window")
		}
	}
	return nil
}

// new is a name that nothing has, like base.
func (t *correlator) new(base string) string {
	taken := func(s string) bool {
		return t.fields[s] || t.made[s] || slices.Contains(t.Group, s) || slices.ContainsFunc(t.pieces, func(p string) bool { return strings.Contains(p, s) })
	}
	for taken(base) {
		base += "_"
	}
	t.made[base] = true
	return base
}

// source writes the search for the events of all rules. Of several rules, each has a
// column that says whether it selects an event.
func (t *correlator) source() backends.Doc {
	scopes := map[string]bool{}
	for _, r := range t.Rules {
		scopes[r.Rule.Scope.Index] = true
	}
	index := ""
	if len(scopes) == 1 && t.Rules[0].Rule.Scope.Index != "" {
		lit, ok := indexName(t.Rules[0].Rule.Scope.Index)
		if !ok {
			t.refuse(t.Rules[0].Rule.Source.Pos, fmt.Sprintf("the index name %q", t.Rules[0].Rule.Scope.Index), "")
		}
		index = lit
	}
	if len(t.Rules) == 1 {
		d := t.w.query(index, t.Rules[0].Rule.Conditions[0].Expr)
		if len(d.Parts) == 2 && d.Sep == "|" {
			t.stages = append(t.stages, d.Parts[1].Flat())
			d = d.Parts[0]
		}
		return d
	}
	var search, bare []ir.Expr
	for i, r := range t.Rules {
		e := r.Rule.Conditions[0].Expr
		if len(scopes) > 1 && r.Rule.Scope.Index != "" {
			e = ir.Conjunction(indexTest(r.Rule.Scope.Index), e)
		}
		e = tidy(e)
		var all, only []ir.Expr
		for _, x := range ir.Conjuncts(e) {
			if searchable(x) {
				all, only = append(all, x), append(only, x)
			} else {
				all = append(all, implied(x))
			}
		}
		search, bare = append(search, ir.Conjunction(all...)), append(bare, ir.Conjunction(only...))
		if len(all) > len(only) {
			t.filter = "where "
		}
		flag := t.new("r" + strconv.Itoa(i+1))
		t.flags = append(t.flags, flag)
		t.evals = append(t.evals, flag+"=if("+t.w.where(e, false).Flat()+",1,0)")
	}
	if t.filter != "" {
		t.filter += t.anyOf(t.flags)
	}
	d := t.w.conjunction(index, []ir.Expr{ir.Disjunction(search...)})
	if t.filter != "" {
		less := t.w.conjunction(index, []ir.Expr{ir.Disjunction(bare...)})
		d.Bare = &less
	}
	return d
}

// indexTest asks for an index, in whose name a `*` is a wildcard.
func indexTest(index string) ir.Expr {
	var parts []ir.Part
	for i, s := range strings.Split(index, "*") {
		if i > 0 {
			parts = append(parts, ir.Part{Kind: ir.AnyRun})
		}
		parts = append(parts, ir.Part{Text: s})
	}
	return ir.Match{Field: ir.Field{Name: "index", Type: ir.Text}, Test: ir.NewPattern(false, parts...)}
}

// anyOf says that one of these columns is 1.
func (t *correlator) anyOf(flags []string) string {
	out := make([]string, len(flags))
	for i, f := range flags {
		out[i] = f + "=1"
	}
	return strings.Join(out, " OR ")
}

// A columnOf is what stands for something in an event, where one of these flags is 1.
type columnOf struct {
	value string
	flags []string
}

// columns are the fields that stand for something in the events of each rule. apart says
// whether no event has two of them.
func (t *correlator) columns(at ir.Pos, of func(r backends.CorrelatedRule) []ir.Field) (out []columnOf, apart bool) {
	var lists [][]ir.Field
	apart = true
	for i, r := range t.Rules {
		k := slices.IndexFunc(lists, func(l []ir.Field) bool { return slices.Equal(l, of(r)) })
		if k < 0 {
			k = len(lists)
			var names []string
			for _, f := range of(r) {
				names = append(names, t.w.field(f, at))
			}
			value := names[0]
			if len(names) > 1 {
				value = "coalesce(" + strings.Join(names, ",") + ")"
			}
			lists, out = append(lists, of(r)), append(out, columnOf{value: value})
		}
		if len(t.flags) > 0 {
			out[k].flags = append(out[k].flags, t.flags[i])
		}
		for j, other := range t.Rules[:i] {
			apart = apart && (slices.Equal(of(r), of(other)) || t.expanded || t.Disjoint(j, i))
		}
	}
	return out, apart
}

// chosen is the value of the one of some columns that an event has.
func (t *correlator) chosen(of []columnOf) string {
	if len(of) == 1 {
		return of[0].value
	}
	var parts []string
	for _, c := range of {
		parts = append(parts, t.anyOf(c.flags), c.value)
	}
	return "case(" + strings.Join(parts, ",") + ")"
}

// every is all values that some columns have of an event.
func (t *correlator) every(of []columnOf) string {
	var parts []string
	for _, c := range of {
		parts = append(parts, "if("+t.anyOf(c.flags)+","+c.value+",null())")
	}
	return "mvappend(" + strings.Join(parts, ",") + ")"
}

// expand makes an event that rules with other fields of the group select one for each of
// these, with the columns of the others 0.
func (t *correlator) expand() {
	var groups [][][]ir.Field
	var classes []string
	var parts []string
	for i, r := range t.Rules {
		k := slices.IndexFunc(groups, func(g [][]ir.Field) bool { return slices.EqualFunc(g, r.Group, slices.Equal) })
		if k < 0 {
			k = len(groups)
			groups = append(groups, r.Group)
		}
		classes = append(classes, strconv.Itoa(k+1))
		parts = append(parts, "if("+t.flags[i]+`=1,"`+classes[i]+`,","")`)
	}
	class := t.new("class")
	t.evals = append(t.evals, class+"=split("+strings.Join(parts, ".")+`,",")`)
	t.events()
	t.evals, t.filter, t.expanded = nil, "", true
	t.stage("mvexpand " + class)
	for i, f := range t.flags {
		t.evals = append(t.evals, fmt.Sprintf(`%s=if(%s="%s",%s,0)`, f, class, classes[i], f))
	}
}

// group chooses the columns of the group: the field itself where it can be written behind
// BY as it is.
func (t *correlator) group() {
	for j, g := range t.Group {
		if slices.Contains(t.Group[:j], g) {
			continue
		}
		of := func(r backends.CorrelatedRule) []ir.Field { return r.Group[j] }
		columns, apart := t.columns(t.GroupBy[j].Pos, of)
		lit := t.chosen(columns)
		switch {
		case apart:
		case strings.HasPrefix(t.Type.Text, "temporal"):
			t.expand()
		case t.several:
			t.refuse(t.GroupBy[j].Pos, "a second group in other fields by rule",
				fmt.Sprintf("%s and others may select one event, which has a pair of values of each; temporal correlations are written", t.Rules[0].Name))
		default:
			lit, t.several = t.every(columns), true
		}
		own := t.Rules[0].Group[j][0].Name
		key := own
		if lit != "'"+own+"'" || !bareField(own) || own == "_time" || slices.Contains(t.keys, own) || own != g && slices.Contains(t.Group, own) {
			if key = g; !bareField(g) || t.fields[g] {
				key = t.new("group" + strconv.Itoa(j+1))
			}
			t.evals = append(t.evals, key+"="+lit)
		}
		t.keys = append(t.keys, key)
		if key != g {
			t.renamed = append(t.renamed, [2]string{key, g})
		}
	}
}

// keep chooses the columns that are shown of the events of an instant.
func (t *correlator) keep() {
	var seen []string
	for _, r := range t.Rules {
		for _, f := range r.Keep {
			lit, lack := whereField(f.Name)
			if lack != "" || f.Name == "_time" || slices.Contains(seen, f.Name) || slices.Contains(t.keys, f.Name) || slices.Contains(t.Group, f.Name) {
				continue
			}
			seen = append(seen, f.Name)
			column := f.Name
			if !bareField(column) {
				column = t.new("kept" + strconv.Itoa(len(seen)))
				t.evals = append(t.evals, column+"="+lit)
				t.renamed = append(t.renamed, [2]string{column, f.Name})
			}
			t.kept = append(t.kept, column)
		}
	}
}

func (t *correlator) stage(s string) { t.stages = append(t.stages, s) }

// events writes what is made of single events.
func (t *correlator) events() {
	if len(t.evals) > 0 {
		t.stage("eval " + strings.Join(t.evals, ", "))
	}
	if t.filter != "" {
		t.stage(t.filter)
	}
}

// steps makes each event one that comes into the window and one that goes out.
func (t *correlator) steps() (step string) {
	step = t.new("step")
	t.evals = append(t.evals, step+`=mvappend("in","out")`)
	t.events()
	return step
}

// buckets puts events into windows with fixed borders.
func (t *correlator) buckets() {
	t.events()
	t.stage("bin _time span=" + t.Timespan.Short())
}

// stats counts rows by columns. What each of keep has there rides along.
func (t *correlator) stats(aggs []string, by ...string) {
	for _, k := range t.kept {
		aggs = append(aggs, "values("+k+") AS "+k)
	}
	t.stage("stats " + strings.Join(aggs, " ") + " BY " + strings.Join(slices.Concat(t.keys, by), ", "))
}

// streamstats writes an aggregation of all rows so far, of each group or of each of some
// columns more.
func (t *correlator) streamstats(aggs []string, more ...string) {
	s := "streamstats " + strings.Join(aggs, " ")
	if by := slices.Concat(t.keys, more); len(by) > 0 {
		s += " BY " + strings.Join(by, ", ")
	}
	t.stage(s)
}

// flow turns the rows of step "out" to when they go out of the window, and sorts.
func (t *correlator) flow(step string, numbers []string, more ...string) {
	out := []string{fmt.Sprintf(`_time=if(%s="in",_time,_time+%s)`, step, t.seconds)}
	for _, n := range numbers {
		out = append(out, fmt.Sprintf(`%s=if(%s="in",%s,-%s)`, n, step, n, n))
	}
	t.stage("eval " + strings.Join(out, ", "))
	t.stage("sort 0 " + strings.Join(append([]string{"_time", step}, more...), ", "))
}

// A sum is a number that is added up over the window: agg says what is of an instant, in the
// column part, and total is the column of all.
type sum struct{ agg, part, total string }

// sums writes a correlation that follows from numbers of which each event has its share.
func (t *correlator) sums() {
	var all []sum
	add := func(agg, part, total string) string {
		all = append(all, sum{agg, t.new(part), t.new(total)})
		return all[len(all)-1].total
	}
	var where, computed []string
	if t.Type.Text == "event_count" {
		count := add("count", "events", "count")
		where = t.limits(count)
		t.shown = append(t.shown, count)
	} else {
		value := t.new("value")
		t.evals = append(t.evals, value+"=tonumber("+t.field(0)+")")
		count := add("count("+value+")", "values", "count")
		where = []string{count + ">0"} // without a value there is none of all
		t.shown = append(t.shown, count)
		switch t.Type.Text {
		case "value_percentile":
			ranks := t.ranks(value, count, add)
			where = append(where, ranks...)
		default:
			total := add("sum("+value+")", "part", "sum")
			t.shown = append(t.shown, total)
			if t.Type.Text == "value_avg" {
				total += "/" + count
				average := t.new("avg")
				t.shown = append(t.shown, average)
				computed = append(computed, average+"="+total)
			}
			where = append(where, t.limits(total)...)
		}
	}
	var has []string
	for i, flag := range t.told() {
		in := t.new("in" + strconv.Itoa(i+1))
		all = append(all, sum{"sum(" + flag + ")", flag, in})
		has = append(has, in+">0")
	}
	var parts, totals, running, numbers []string
	for _, s := range all {
		parts = append(parts, s.agg+" AS "+s.part)
		totals = append(totals, s.agg+" AS "+s.total)
		running = append(running, "sum("+s.part+") AS "+s.total)
		numbers = append(numbers, s.part)
	}
	if t.tumbling() {
		t.buckets()
		t.stats(totals, "_time")
		t.once()
	} else {
		step := t.steps()
		t.stats(parts, step, "_time")
		t.once()
		t.flow(step, numbers)
		t.streamstats(running)
		where = append([]string{step + `="in"`}, where...)
	}
	t.where(where)
	if len(computed) > 0 {
		t.stage("eval " + strings.Join(computed, ", "))
	}
	t.rules(has)
}

// told are the columns of the rules that are told of: none where it is not known in which of
// its groups a rule selects an event.
func (t *correlator) told() []string {
	if t.several {
		return nil
	}
	return t.flags
}

// once keeps an event with a value of the group twice from being counted twice.
func (t *correlator) once() {
	if len(t.keys) > 0 {
		t.stages[len(t.stages)-1] += " dedup_splitvals=true"
	}
}

// ranks says what the percentile is by how many values are below a limit, and how many are
// not above: it is the least value that enough do not exceed.
func (t *correlator) ranks(value, count string, add func(agg, part, total string) string) (out []string) {
	_, decimals, _ := strings.Cut(string(t.Percentile), ".")
	whole := t.w.number(ir.Number(strings.TrimLeft(strings.Replace(string(t.Percentile), ".", "", 1), "0")), t.Type.Pos)
	hundred := "100" + strings.Repeat("0", len(decimals))
	for i, l := range t.Condition {
		number := t.w.number(l.Number, l.Pos)
		than := func(op, base string) string {
			n := base + strconv.Itoa(i+1)
			total := add("count(eval("+value+op+number+"))", base+"_part"+strconv.Itoa(i+1), n)
			t.shown = append(t.shown, total)
			return total + "*" + hundred
		}
		enough := whole + "*" + count
		switch l.Op {
		case "gte":
			out = append(out, than("<", "below")+"<"+enough)
		case "gt":
			out = append(out, than("<=", "upto")+"<"+enough)
		case "lt":
			out = append(out, than("<", "below")+">="+enough)
		case "lte":
			out = append(out, than("<=", "upto")+">="+enough)
		case "eq":
			out = append(out, than("<", "below")+"<"+enough, than("<=", "upto")+">="+enough)
		default:
			out = append(out, "("+than("<", "below")+">="+enough+" OR "+than("<=", "upto")+"<"+enough+")")
		}
	}
	return out
}

// field is the value of a field of the condition.
func (t *correlator) field(j int) string {
	at := t.Correlation.Correlation.Fields[j].Pos
	columns, apart := t.columns(at, func(r backends.CorrelatedRule) []ir.Field { return r.Fields[j] })
	if !apart {
		t.refuse(at, "values in other fields by rule", "an event that two of the rules select would have two")
	}
	return t.chosen(columns)
}

var operatorOf = map[string]string{"gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "eq": "=", "neq": "!="}

// limits are the comparisons of the condition.
func (t *correlator) limits(value string) (out []string) {
	for _, l := range t.Condition {
		out = append(out, value+operatorOf[l.Op]+t.w.number(l.Number, l.Pos))
	}
	return out
}

func (t *correlator) where(conditions []string) {
	t.stage("where " + strings.Join(conditions, " AND "))
}

// distinct writes a count of values. A value is in the window from when its count rises to 1
// until it falls to 0.
func (t *correlator) distinct() {
	has, n := t.new("has"), t.new("n")
	var values, null []string
	for j := range t.Fields {
		x := t.field(j)
		v := t.new("value" + strconv.Itoa(j+1))
		values, null = append(values, v), append(null, "isnull("+x+")")
		t.evals = append(t.evals, v+"=coalesce("+x+`,"-")`)
	}
	t.evals = append(t.evals, has+"=if("+strings.Join(null, " OR ")+",0,1)")
	count := t.new("count")
	first := []string{"count AS " + n}
	numbers, sums, most := []string{has}, []string{"sum(" + has + ") AS " + count}, []string{"max(" + count + ") AS " + count}
	var present []string
	for i, flag := range t.told() {
		in := t.new("in" + strconv.Itoa(i+1))
		first, numbers = append(first, "sum("+flag+") AS "+flag), append(numbers, flag)
		sums, most = append(sums, "sum("+flag+") AS "+in), append(most, "max("+in+") AS "+in)
		present = append(present, in+">0")
	}
	key := append(slices.Clone(values), has)
	if t.tumbling() {
		t.buckets()
		t.stats(first, append(key, "_time")...)
		t.stats(sums, "_time")
	} else {
		step, held, change := t.steps(), t.new("held"), t.new("change")
		t.stats(first, append(slices.Clone(key), step, "_time")...)
		t.flow(step, numbers, key...)
		t.streamstats([]string{"sum(" + has + ") AS " + held}, values...)
		t.stage(fmt.Sprintf("eval %s=case(%s=1 AND %s=1,1,%s=-1 AND %s=0,-1,true(),0)", change, has, held, has, held))
		t.streamstats(append([]string{"sum(" + change + ") AS " + count}, sums[1:]...))
		t.stage("where " + step + `="in"`)
		t.stats(most, "_time")
	}
	t.where(t.limits(count))
	t.shown = append(t.shown, count)
	t.rules(present)
}

// selected says of each group and time which rules have events there; it makes the only
// rule a column too.
func (t *correlator) selected(events func()) {
	if len(t.flags) == 0 {
		t.flags = []string{t.new("r1")}
		t.evals = append(t.evals, t.flags[0]+"=1")
	}
	events()
	var aggs []string
	for _, f := range t.flags {
		aggs = append(aggs, "max("+f+") AS "+f)
	}
	t.stats(aggs, "_time")
}

// last is the aggregation of the latest value of rows at which a flag is 1.
func last(flag, value, as string) string {
	return "max(eval(if(" + flag + "=1," + value + ",null()))) AS " + as
}

// temporal writes a condition on which rules have an event in the window.
func (t *correlator) temporal() {
	tumbling := t.tumbling()
	if tumbling {
		t.selected(t.buckets)
	} else {
		t.selected(t.events)
	}
	var aggs, flags, present []string
	for i, f := range t.flags {
		in := f
		if !tumbling {
			at := t.new("t" + strconv.Itoa(i+1))
			aggs = append(aggs, last(f, "_time", at))
			in = t.new("in" + strconv.Itoa(i+1))
			flags = append(flags, in+"=if(_time-"+at+"<="+t.seconds+",1,0)")
		}
		present = append(present, in)
	}
	if !tumbling {
		t.stage("sort 0 _time")
		t.streamstats(aggs)
		t.stage("eval " + strings.Join(flags, ", "))
	}
	ones := func(of []string) (out []string) {
		for _, p := range of {
			out = append(out, p+"=1")
		}
		return out
	}
	switch {
	case t.Formula != nil:
		t.stage("where " + t.Written(ones(present), "AND", "OR", "NOT "))
	case len(t.Condition) > 0:
		t.where(t.limits(strings.Join(present, "+")))
	default:
		t.where(ones(present))
	}
	t.rules(ones(present))
}

// ordered writes a chain: the latest beginning of one up to a rule is, at an event of the
// rule, that of a chain up to the rule before.
func (t *correlator) ordered() {
	if t.Formula != nil {
		t.refuse(t.Type.Pos, "an ordered correlation with a condition over rules", "without one, the order is that of its rules")
	}
	for _, l := range t.Condition {
		if n := ir.Number(strconv.Itoa(len(t.Rules))); !l.Holds(n.Cmp(l.Number)) {
			t.refuse(l.Pos, "an ordered correlation that never hits", fmt.Sprintf("it has the events of %d rules, always", len(t.Rules)))
		}
	}
	t.selected(t.events)
	var window []string
	if t.tumbling() {
		window = []string{t.new("window")}
		t.stage("bin _time span=" + t.Timespan.Short() + " AS " + window[0])
	}
	t.stage("sort 0 _time")
	begun := "_time"
	k := len(t.flags) - 1
	for i, f := range t.flags[:k] {
		at := t.new("t" + strconv.Itoa(i+1))
		t.streamstats([]string{last(f, begun, at)}, window...)
		begun = at
	}
	where := []string{t.flags[k] + "=1"}
	switch {
	case t.tumbling() && k > 0:
		where = append(where, "isnotnull("+begun+")")
	case k > 0:
		where = append(where, "_time-"+begun+"<="+t.seconds)
	}
	t.where(where)
	t.rules(make([]string, len(t.flags)))
}

// rules makes a column of the names of those rules whose condition holds; "" always does.
func (t *correlator) rules(conditions []string) {
	if len(conditions) == 0 {
		return
	}
	var parts []string
	for i, c := range conditions {
		name := quoteText(strings.Map(shown, t.Rules[i].Name))
		if c != "" {
			name = "if(" + c + "," + name + ",null())"
		}
		parts = append(parts, name)
	}
	column := t.new("rules")
	t.stage("eval " + column + "=mvappend(" + strings.Join(parts, ",") + ")")
	t.shown = append(t.shown, column)
}

// shown is a character of a text that is only shown: another in the place of one that no
// query should hold.
func shown(r rune) rune {
	if r == '`' || r == utf8.RuneError || backends.Hidden(r) {
		return '?'
	}
	return r
}

// result writes the columns: the group, the window, what was counted, and what is kept.
func (t *correlator) result() {
	start, end := t.new("start"), t.new("end")
	if t.tumbling() && t.Type.Text != "temporal_ordered" {
		t.stage(fmt.Sprintf("eval %s=_time, %s=_time+%s", start, end, t.seconds))
	} else {
		t.stage(fmt.Sprintf("eval %s=_time-%s, %s=_time", start, t.seconds, end))
	}
	t.stage("table " + strings.Join(slices.Concat([]string{"_time"}, t.keys, []string{start, end}, t.shown, t.kept), ", "))
	var names []string
	for _, r := range t.renamed {
		to := r[1]
		if !bareField(to) {
			to = `"` + to + `"`
		}
		names = append(names, r[0]+" AS "+to)
	}
	if len(names) > 0 {
		t.stage("rename " + strings.Join(names, ", "))
	}
}
