package elastic

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sigmac/backends"
	"sigmac/ir"
)

// Limits of sequences.
const (
	maxRuns    = 100 // events of one step (Elastic Docs: EQL syntax reference, with runs)
	maxQueries = 6   // that are written of one correlation: the orders of three events
	maxRules   = 12  // of which all sets are looked at
)

// timestamp is the column by which a sequence orders events, if the request names no other.
const timestamp = "@timestamp"

// Correlate writes sequences: of equal events for a count, and of one event a rule, in each
// order that is wanted, for temporal correlations. What one event decides is no sequence.
func Correlate(c *backends.Correlation) (*backends.Tailed, error) {
	w := &correlator{Correlation: c}
	w.check()
	var queries []backends.TailedQuery
	var exact bool
	switch c.Type.Text {
	case "event_count":
		queries, exact = w.count(), true
	case "temporal":
		queries, exact = w.temporal()
	case "temporal_ordered":
		queries, exact = w.ordered()
	default:
		w.refuse(c.Type.Pos, "a "+c.Type.Text, "a sequence neither counts nor computes values; event_count, temporal and temporal_ordered are what it says")
	}
	if w.err != nil {
		return nil, w.err
	}
	out := &backends.Tailed{Queries: queries}
	if !exact {
		out.Losses = []backends.TailLoss{{ID: "elastic/sequence-consumed", Direction: "narrower", Pos: c.Pos, First: true,
			Msg: "of the hits of a group within one timespan the first is found; events that are part of it are not taken again"}}
	}
	return out, nil
}

type correlator struct {
	*backends.Correlation
	err error
}

func (w *correlator) refuse(at ir.Pos, feature, reason string) {
	if w.err == nil {
		w.err = w.Refuse(name, at, feature, reason)
	}
}

// check refuses what no query of EQL has.
func (w *correlator) check() {
	if w.Method != backends.Sliding {
		w.refuse(w.Timespan.Pos, "a window with fixed borders", "the span of a sequence begins with its first event, which is the method sliding")
	}
	for _, r := range w.Rules {
		rest := r.Rule.Scope
		rest.Category = ""
		if err := backends.Foreign(name, rest, r.Rule.Source.Pos); err != nil && w.err == nil {
			w.err = err
		}
		if r.Time != timestamp {
			w.refuse(ir.Pos{}, "a correlation by the time "+r.Time, "a sequence is ordered by "+timestamp+", or by what the request names")
		}
		for i, g := range r.Group {
			first := w.Rules[0].Group[i]
			switch {
			case len(g) != 1:
				w.refuse(w.GroupBy[i].Pos, "a group by one of several fields", "a join key is one field: "+w.GroupBy[i].Text)
			case len(first) == 1 && first[0].Type != g[0].Type:
				w.refuse(w.GroupBy[i].Pos, "a group by fields of different types", fmt.Sprintf("%s is of type %s and %s of type %s", first[0].Name, first[0].Type, g[0].Name, g[0].Type))
			}
		}
	}
}

// count writes that there are at least so many events.
func (w *correlator) count() []backends.TailedQuery {
	n := 0
	for n <= maxRuns && !w.within(n) || n == 0 {
		n++
	}
	for _, l := range w.Condition {
		switch {
		case l.Op != "gte" && l.Op != "gt":
			w.refuse(l.Pos, "the condition "+l.Op+" of an event_count", "a sequence finds events that are there; gte and gt are what it says")
		case n > maxRuns:
			w.refuse(l.Pos, "a count of more than "+strconv.Itoa(maxRuns)+" events", "that is the most that `with runs` takes (Elastic Docs: EQL syntax reference)")
		}
	}
	all := w.all()
	w.alike(all)
	if w.err != nil {
		return nil
	}
	if n == 1 {
		return []backends.TailedQuery{{Doc: w.single(all)}}
	}
	return []backends.TailedQuery{{Doc: w.sequence([][]int{all}, n)}}
}

// alike refuses rules of one step whose groups are in different fields.
func (w *correlator) alike(rules []int) {
	for i, name := range w.GroupBy {
		for _, r := range rules {
			if w.err == nil && w.Rules[r].Group[i][0].Name != w.Rules[rules[0]].Group[i][0].Name {
				w.refuse(name.Pos, "events of one kind whose group is in different fields", "the events of one step have the same join keys")
			}
		}
	}
}

// all are the rules.
func (w *correlator) all() (out []int) {
	for i := range w.Rules {
		out = append(out, i)
	}
	return out
}

// within says whether a number satisfies the limits of the condition.
func (w *correlator) within(n int) bool {
	number := ir.Number(strconv.Itoa(n))
	return !slices.ContainsFunc(w.Condition, func(l ir.Limit) bool { return !l.Holds(number.Cmp(l.Number)) })
}

// ordered writes one sequence.
func (w *correlator) ordered() (queries []backends.TailedQuery, exact bool) {
	all := w.all()
	if len(w.Condition) > 0 && !w.within(len(all)) || w.Formula != nil {
		w.refuse(ir.Pos{}, "an ordered correlation of some of its rules", "each step of a sequence is wanted")
	}
	for i := range all[1:] {
		w.apart(i, i+1)
	}
	if w.err != nil {
		return nil, false
	}
	if len(all) == 1 {
		return []backends.TailedQuery{{Doc: w.single(all)}}, true
	}
	return []backends.TailedQuery{{Doc: w.sequence(steps(all), 1)}}, false
}

// steps are those of one rule each.
func steps(rules []int) (out [][]int) {
	for _, r := range rules {
		out = append(out, []int{r})
	}
	return out
}

// apart refuses two rules of one sequence that one event can match.
func (w *correlator) apart(i, j int) {
	if !w.Disjoint(i, j) {
		w.refuse(ir.Pos{}, "a correlation of rules that one event may match", fmt.Sprintf(
			"an event is one step of a sequence only, and it is not shown that none matches both %s and %s; rules that exclude each other can be written", w.Rules[i].Name, w.Rules[j].Name))
	}
}

// temporal writes a sequence for each order of the rules of which all must have an event: of
// each smallest set of rules that suffices.
func (w *correlator) temporal() (queries []backends.TailedQuery, exact bool) {
	sets := w.sets()
	var alone []int // rules that suffice alone
	n := 0
	for _, s := range sets {
		if len(s) == 1 {
			alone = append(alone, s...)
			continue
		}
		orders := 1
		for i := range s {
			orders = min(orders*(i+1), maxQueries+1)
		}
		if n += orders; n > maxQueries {
			w.refuse(ir.Pos{}, "events of so many rules in any order", fmt.Sprintf(
				"each order is a sequence of its own, and %d at most are written; temporal_ordered takes one", maxQueries))
			return nil, false
		}
		for i, r := range s {
			for _, other := range s[:i] {
				w.apart(other, r)
			}
		}
	}
	if len(alone) > 0 {
		w.alike(alone)
	}
	if w.err != nil {
		return nil, false
	}
	if len(alone) > 0 {
		queries = append(queries, backends.TailedQuery{Name: called(alone, "or"), Doc: w.single(alone)})
	}
	for _, s := range sets {
		if len(s) > 1 {
			for _, order := range orders(s) {
				queries = append(queries, backends.TailedQuery{Name: called(order, "then"), Doc: w.sequence(steps(order), 1)})
			}
		}
	}
	if len(queries) == 1 {
		queries[0].Name = ""
	}
	return queries, len(alone) == len(w.Rules)
}

// called is a name of rules by their places, from 1.
func called(rules []int, word string) string {
	parts := make([]string, len(rules))
	for i, r := range rules {
		parts[i] = strconv.Itoa(r + 1)
	}
	return strings.Join(parts, "-"+word+"-")
}

// orders are the permutations of s.
func orders(s []int) (out [][]int) {
	if len(s) == 0 {
		return [][]int{nil}
	}
	for i, x := range s {
		for _, rest := range orders(slices.Delete(slices.Clone(s), i, i+1)) {
			out = append(out, append([]int{x}, rest...))
		}
	}
	return out
}

// sets are the smallest sets of rules whose events satisfy the condition; a set that has one
// of them in it does too.
func (w *correlator) sets() (out [][]int) {
	k := len(w.Rules)
	if w.Formula == nil && len(w.Condition) == 0 {
		return [][]int{w.all()}
	}
	if k > maxRules {
		w.refuse(ir.Pos{}, "a condition over so many rules", fmt.Sprintf("%d at most are looked at", maxRules))
		return nil
	}
	for set := 1; set < 1<<k; set++ {
		holds := w.satisfied(set)
		smallest := holds
		for i := range k {
			less := set &^ (1 << i)
			if less == set || less == 0 || !w.satisfied(less) {
				continue
			}
			if smallest = false; !holds {
				w.refuse(ir.Pos{}, "a condition that an event can make false", "a sequence finds events that are there")
				return nil
			}
		}
		if smallest {
			var rules []int
			for i := range k {
				if set>>i&1 == 1 {
					rules = append(rules, i)
				}
			}
			out = append(out, rules)
		}
	}
	if len(out) == 0 {
		w.refuse(ir.Pos{}, "a condition that nothing satisfies", "")
	}
	return out
}

// satisfied says whether the condition holds where the rules of a set have an event.
func (w *correlator) satisfied(set int) bool {
	has, n := map[string]bool{}, 0
	for i := range w.Rules {
		if set>>i&1 == 1 {
			has[w.Correlation.Correlation.Rules[i].Text] = true
			n++
		}
	}
	if w.Formula != nil {
		return holds(w.Formula, has)
	}
	return w.within(n)
}

// holds says whether a formula over names is true of some of them.
func holds(e ir.Expr, has map[string]bool) bool {
	switch e := e.(type) {
	case ir.And:
		return !slices.ContainsFunc(e, func(x ir.Expr) bool { return !holds(x, has) })
	case ir.Or:
		return slices.ContainsFunc(e, func(x ir.Expr) bool { return holds(x, has) })
	case ir.Not:
		return !holds(e.X, has)
	case ir.Ref:
		return has[e.Name]
	case ir.Of:
		of := func(n string) bool { return has[n] }
		if e.All {
			return !slices.ContainsFunc(e.Names, func(n string) bool { return !of(n) })
		}
		return slices.ContainsFunc(e.Names, of)
	}
	panic(fmt.Sprintf("elastic: a formula with %T", e))
}

// single writes the events of some rules that belong to a group.
func (w *correlator) single(rules []int) backends.Doc {
	head, d := w.event(rules, true)
	d.Head = head
	return d
}

// sequence writes one of steps, each of events of some rules, and so many of each.
func (w *correlator) sequence(steps [][]int, runs int) backends.Doc {
	keys := make([]string, len(steps)) // of each step
	for i, rules := range steps {
		keys[i] = w.keys(rules[0])
	}
	shared := !slices.ContainsFunc(keys, func(k string) bool { return k != keys[0] })
	head := "sequence"
	if shared {
		head += keys[0]
	}
	out := backends.Doc{Lines: true, Inset: 1, Parts: []backends.Doc{text(head + " with maxspan=" + w.Timespan.Short())}}
	for i, rules := range steps {
		open, d := w.event(rules, false)
		end := "]"
		if !shared {
			end += keys[i]
		}
		if runs > 1 {
			end += " with runs=" + strconv.Itoa(runs)
		}
		out.Parts = append(out.Parts, backends.Doc{Inset: 1, Parts: []backends.Doc{text("[ " + strings.TrimSuffix(open, " ")), d, text(end)}})
	}
	return out
}

// keys are the join keys of a rule's events, none of which is null.
func (w *correlator) keys(rule int) string {
	var out []string
	for i, g := range w.Rules[rule].Group {
		f, ok := fieldName(g[0].Name)
		if !ok {
			w.refuse(w.GroupBy[i].Pos, "a field without a name in plain characters", "")
		}
		out = append(out, strings.TrimPrefix(f, "?"))
	}
	if len(out) == 0 {
		return ""
	}
	return " by " + strings.Join(out, ", ")
}

// event writes the category and the condition of events of some rules; grouped asks that
// they belong to a group.
func (w *correlator) event(rules []int, grouped bool) (head string, d backends.Doc) {
	category := w.Rules[rules[0]].Rule.Scope.Category
	same := !slices.ContainsFunc(rules, func(r int) bool { return w.Rules[r].Rule.Scope.Category != category })
	var any ir.Or
	for _, r := range rules {
		rule := w.Rules[r].Rule
		e := rule.Conditions[0].Expr
		if own := rule.Scope.Category; !same && own != "" {
			e = ir.And{ir.Match{Field: ir.Field{Name: "event.category", Type: ir.Text}, Test: ir.NewPattern(true, ir.Part{Text: own})}, e}
		}
		any = append(any, e)
	}
	whole := ir.Expr(any)
	if len(any) == 1 {
		whole = any[0]
	}
	if grouped {
		and := ir.And{}
		for _, g := range w.Rules[rules[0]].Group {
			and = append(and, ir.Match{Field: g[0], Test: ir.Exists{}})
		}
		whole = append(and, ir.Conjuncts(whole)...)
	}
	if !same {
		category = ""
	}
	one := *w.Rules[rules[0]].Rule
	one.Scope.Category = category
	one.Conditions = []ir.Condition{{Expr: whole}}
	docs, err := Emit(&one)
	if err != nil {
		if w.err == nil {
			w.err = err
		}
		return "", backends.Doc{}
	}
	d = docs[0]
	head, d.Head = d.Head, ""
	return head, d
}
