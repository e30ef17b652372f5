package read

import (
	"slices"
	"strings"
	"sync"

	"sigmac/ir"
	"sigmac/tail"
)

// An aggregate makes a value of those of several rows (page "Aggregation functions").
type aggregate struct {
	args int // and one more, a condition, where it ends with "if"
	do   func(values []tail.Value) tail.Value
}

// aggregates are those that are computed.
var aggregates = sync.OnceValue(func() map[string]aggregate {
	count := func(vs []tail.Value) tail.Value { return float64(len(vs)) }
	return map[string]aggregate{
		"count": {0, count}, "countif": {0, count},
		"dcount": {1, different}, "dcountif": {1, different}, "count_distinct": {1, different}, "count_distinctif": {1, different},
		"sum": {1, total}, "sumif": {1, total}, "avg": {1, average}, "avgif": {1, average},
		"min": {1, extremeOf(-1)}, "minif": {1, extremeOf(-1)}, "max": {1, extremeOf(1)}, "maxif": {1, extremeOf(1)},
		"make_list": {1, listed}, "make_list_if": {1, listed}, "make_set": {1, gatheredSet}, "make_set_if": {1, gatheredSet},
	}
})

// unjudged are aggregates whose value the documents leave open, or that are estimates of something
// that is not said.
var unjudged = sync.OnceValue(func() map[string]bool {
	out := map[string]bool{}
	for _, name := range strings.Fields("take_any any take_anyif arg_max arg_min percentile percentiles percentilew percentilesw stdev stdevif stdevp variance " +
		"varianceif variancep make_bag make_bag_if make_list_with_nulls hll hll_merge hll_if tdigest tdigest_merge buildschema binary_all_and binary_all_or binary_all_xor covariance") {
		out[name] = true
	}
	return out
})

func present(vs []tail.Value) []tail.Value {
	return slices.DeleteFunc(slices.Clone(vs), func(v tail.Value) bool { return v == nil })
}

func different(vs []tail.Value) tail.Value { return float64(len(distinct(vs))) }

func distinct(vs []tail.Value) (out []tail.Value) {
	seen := map[string]bool{}
	for _, v := range present(vs) {
		if key := tail.Key(v); !seen[key] {
			seen[key] = true
			out = append(out, v)
		}
	}
	return out
}

func total(vs []tail.Value) tail.Value {
	sum := 0.0
	for _, v := range vs {
		x, _ := v.(float64)
		sum += x
	}
	return sum
}

func average(vs []tail.Value) tail.Value {
	vs = present(vs)
	return total(vs).(float64) / float64(len(vs)) // of none, no number (page "summarize operator")
}

func extremeOf(sign int) func([]tail.Value) tail.Value {
	return func(vs []tail.Value) (out tail.Value) {
		for _, v := range present(vs) {
			if out == nil || sign*tail.Compare(v, out) > 0 {
				out = v
			}
		}
		return out
	}
}

func listed(vs []tail.Value) tail.Value { return present(vs) }

func gatheredSet(vs []tail.Value) tail.Value { return distinct(vs) }

// aggregate compiles one; its value stands in a column that has no name.
func (t *rows) aggregate(c *formulist, n *node, s scope) *formula {
	a, ok := aggregates()[n.text]
	condition := strings.HasSuffix(n.text, "if")
	args := n.args
	if n.text == "count" && len(args) == 1 { // which counts rows, whatever stands there
		args = nil
	}
	if strings.HasPrefix(n.text, "dcount") && len(args) > a.args { // how exact the estimate is
		args = args[:min(len(args), map[bool]int{false: 1, true: 2}[condition])]
	}
	if want := map[bool]int{false: a.args, true: a.args + 1}[condition]; !ok || len(args) != want {
		return t.lacks(n.text)
	}
	t.grouped = false
	defer func() { t.grouped = true }()
	var of, is *expression
	if a.args == 1 {
		if of = t.expression(args[0], s); of == nil {
			return nil
		}
	}
	if condition {
		if is = t.expression(args[len(args)-1], s); is == nil || is.kind != kindTruth {
			return nil
		}
	}
	agg := tail.Agg{As: t.unnamed(), Name: n.text, Of: tail.Const{V: 1.0}, Do: a.do}
	switch {
	case of != nil && is != nil, n.text == "countif":
		parts := []tail.Expr{is}
		if of != nil {
			parts = append(parts, of)
		}
		agg.Of = tail.Call{Name: "if", Args: parts, Do: func(args []tail.Value) tail.Value {
			if args[0] != true {
				return nil
			}
			return args[len(args)-1]
		}}
		if n.text == "countif" {
			agg.Do = func(vs []tail.Value) tail.Value { return float64(len(present(vs))) }
		}
	case of != nil:
		agg.Of = of
	}
	numbers := strings.HasPrefix(n.text, "sum") || strings.HasPrefix(n.text, "avg")
	if numbers && of.kind != kindNumber && of.kind != kindSpan {
		return t.lacks(n.text + " of what may be no numbers")
	}
	if numbers {
		t.assume("kusto/doubles")
	}
	if strings.HasPrefix(n.text, "dcount") {
		t.assume("kusto/dcount")
	}
	t.aggs = append(t.aggs, agg)
	return t.cellOf(c, agg.As, tail.Column{Name: agg.As}, t.kindOf(n, s))
}

// keys are columns by which rows are grouped.
func (t *rows) keys(columns []made, pos ir.Pos) []made {
	for _, m := range columns {
		if m.x == nil || m.kind == kindList {
			notDone(pos, "a group by "+m.name+", of which nobody knows the values,", "")
		}
	}
	return columns
}

// groups adds a stage that makes a row of those with equal keys.
func (t *rows) groups(keys []made, aggs []tail.Agg, columns []made) {
	by, _ := valuesOf(keys)
	t.add(tail.Group{By: by, Aggs: aggs, Nulls: true})
	t.only(slices.Concat(keys, columns))
	t.events, t.sorted, t.unique = false, false, nil
	for _, m := range keys {
		t.unique = append(t.unique, m.name)
	}
}

// summarized reads aggregates and keys (page "summarize operator").
func (t *rows) summarized(end string) {
	pos := t.peek().pos
	for t.is("hint") {
		for t.step(); t.take("."); t.word() {
		}
		t.expect("=")
		t.word()
	}
	t.aggs, t.grouped = nil, true
	var columns []made
	if !t.is("by") {
		columns = t.list(func(n *node) string { return t.autoName(n) })
	}
	t.grouped = false
	aggs := t.aggs
	var keys []made
	if t.take("by") {
		keys = t.keys(t.list(func(n *node) string {
			if n.kind == nodeCall && (n.text == "bin" || n.text == "floor" || n.text == "bin_at") && n.args[0].kind == nodeName {
				return n.args[0].text
			}
			return t.unnamed()
		}), pos)
	}
	t.groups(keys, aggs, nil)
	t.extended(columns)
}

// autoName is the name of an aggregate that has none.
func (t *rows) autoName(n *node) string {
	if n.kind != nodeCall {
		return t.unnamed()
	}
	if len(n.args) > 0 && n.args[0].kind == nodeName {
		switch n.text {
		case "arg_max", "arg_min", "take_any", "any":
			return n.args[0].text
		}
		return n.text + "_" + n.args[0].text
	}
	return n.text + "_"
}
