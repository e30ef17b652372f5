// Package correlation says what a correlation means: at which times which groups of
// events hit.
//
// A window slides. That of a group at a time t are the selected events of the group with a
// time from t less the timespan up to t, both ends included, and a hit is a group and a
// time at which one of its selected events happened and its window satisfies the condition.
// All events of one instant count together, and in an ordered correlation their order among
// each other is free. A window without events never hits, so an absence of events cannot
// be seen (Sigma specification 2.1.0: the time frame is not bound to borders).
//
// Hits has this as it is said here, and is the reference: Stream gives the same in one pass
// over events in the order of time, and keeps no more than the windows of groups hold.
package correlation

import (
	"math/big"
	"slices"
	"strings"

	"sigmac/ir"
)

// A Selection is an event as a correlation sees it in one group: the rules that select it
// there, rising, and what it says of the fields of the condition. An event is one
// Selection of a group at most.
type Selection struct {
	Time   int64 // nanoseconds since 1970
	Group  string
	Rules  []int    // numbers of the correlation's rules, from 0
	Values []string // each value or tuple of values once
}

// A Hit is a time at which a group hits. Value is what the condition compares: a count, or
// for temporal correlations the number of rules that have an event in the window.
type Hit struct {
	Group  string
	Time   int64
	Start  int64 // of the first event in the window
	Events int   // in the window
	Rules  []int // that have an event there, rising
	Value  ir.Number
}

// A Definition is a correlation, ready to be asked.
type Definition struct {
	kind       string
	rules      int
	span       int64
	limits     []limit
	formula    ir.Expr
	names      map[string][]int // of the rules, as the formula says them
	percentile *big.Rat
}

type limit struct {
	ir.Limit
	number *big.Rat
}

func (l limit) holds(v *big.Rat) bool { return l.Holds(v.Cmp(l.number)) }

// Define makes a correlation ready that was read without errors.
func Define(c *ir.Correlation) *Definition {
	d := &Definition{kind: c.Type.Text, rules: len(c.Rules), span: int64(c.Timespan.Length), formula: c.Formula, names: map[string][]int{}}
	for _, l := range c.Condition {
		d.limits = append(d.limits, limit{l, rat(string(l.Number))})
	}
	if c.Percentile != "" {
		d.percentile = rat(string(c.Percentile))
	}
	for i, r := range c.Rules {
		d.names[r.Text] = append(d.names[r.Text], i)
	}
	return d
}

// Numeric says whether the condition is about numbers: other values count for nothing.
func (d *Definition) Numeric() bool {
	return strings.HasPrefix(d.kind, "value_") && d.kind != "value_count"
}

// rat is the number that a text is, or nil.
func rat(s string) *big.Rat {
	n, ok := ir.ParseNumber(s)
	if !ok {
		return nil
	}
	r, _ := new(big.Rat).SetString(string(n))
	return r
}

// Hits are those of some selections, by time and then by group.
func (d *Definition) Hits(selections []Selection) (out []Hit) {
	type at struct {
		time  int64
		group string
	}
	seen := map[at]bool{}
	for _, s := range selections {
		if here := (at{s.Time, s.Group}); !seen[here] {
			seen[here] = true
			window := slices.DeleteFunc(slices.Clone(selections), func(x Selection) bool {
				return x.Group != s.Group || x.Time > s.Time || x.Time < s.Time-d.span
			})
			if value := d.value(window, s.Time); value != nil && d.holds(window, value) {
				out = append(out, hit(window, s.Group, s.Time, value))
			}
		}
	}
	slices.SortFunc(out, byTime)
	return out
}

func hit(window []Selection, group string, t int64, value *big.Rat) Hit {
	h := Hit{Group: group, Time: t, Start: t, Events: len(window), Value: number(value)}
	for _, x := range window {
		h.Start = min(h.Start, x.Time)
		h.Rules = append(h.Rules, x.Rules...)
	}
	slices.Sort(h.Rules)
	h.Rules = slices.Compact(h.Rules)
	return h
}

func byTime(a, b Hit) int {
	switch {
	case a.Time < b.Time:
		return -1
	case a.Time > b.Time:
		return 1
	}
	return strings.Compare(a.Group, b.Group)
}

// value is what the condition compares of a window that ends at t; nil: nothing.
func (d *Definition) value(window []Selection, t int64) *big.Rat {
	switch d.kind {
	case "event_count":
		return big.NewRat(int64(len(window)), 1)
	case "value_count":
		distinct := map[string]bool{}
		for _, x := range window {
			for _, v := range x.Values {
				distinct[v] = true
			}
		}
		return big.NewRat(int64(len(distinct)), 1)
	case "temporal":
		return big.NewRat(int64(len(hit(window, "", t, new(big.Rat)).Rules)), 1)
	case "temporal_ordered":
		if !d.ordered(window, t) {
			return nil
		}
		return big.NewRat(int64(d.rules), 1)
	}
	var numbers []*big.Rat
	for _, x := range window {
		for _, v := range x.Values {
			if n := rat(v); n != nil {
				numbers = append(numbers, n)
			}
		}
	}
	slices.SortFunc(numbers, (*big.Rat).Cmp)
	return d.numeric(numbers)
}

// ordered says whether the window has an event of each rule, of times that do not fall, the
// last one at t.
func (d *Definition) ordered(window []Selection, t int64) bool {
	var chain func(rule int, upTo int64) bool
	chain = func(rule int, upTo int64) bool {
		if rule < 0 {
			return true
		}
		return slices.ContainsFunc(window, func(x Selection) bool {
			return x.Time <= upTo && (rule < d.rules-1 || x.Time == t) && slices.Contains(x.Rules, rule) && chain(rule-1, x.Time)
		})
	}
	return chain(d.rules-1, t)
}

// numeric is the sum, average, percentile or median of numbers that rise. The percentile is
// that of the nearest rank, the median of two in the middle is halfway between them.
func (d *Definition) numeric(numbers []*big.Rat) *big.Rat {
	n := len(numbers)
	if n == 0 {
		return nil
	}
	switch d.kind {
	case "value_percentile":
		return numbers[rank(d.percentile, n)]
	case "value_median":
		sum := new(big.Rat).Add(numbers[(n-1)/2], numbers[n/2])
		return sum.Quo(sum, big.NewRat(2, 1))
	}
	sum := new(big.Rat)
	for _, x := range numbers {
		sum.Add(sum, x)
	}
	if d.kind == "value_avg" {
		sum.Quo(sum, big.NewRat(int64(n), 1))
	}
	return sum
}

// rank is the index of a percentile among n numbers that rise: the least that so many of a
// hundred do not exceed.
func rank(percentile *big.Rat, n int) int {
	r := new(big.Rat).Mul(percentile, big.NewRat(int64(n), 100))
	up := new(big.Int).Add(r.Num(), new(big.Int).Sub(r.Denom(), big.NewInt(1)))
	return max(int(up.Quo(up, r.Denom()).Int64())-1, 0)
}

// holds says whether the condition is true of a window of that value.
func (d *Definition) holds(window []Selection, value *big.Rat) bool {
	return d.satisfied(value, func(rule int) bool {
		return slices.ContainsFunc(window, func(x Selection) bool { return slices.Contains(x.Rules, rule) })
	})
}

// satisfied says whether the condition is true of a value, with the rules that have an
// event. Without limits all of them are wanted.
func (d *Definition) satisfied(value *big.Rat, has func(rule int) bool) bool {
	if d.formula != nil {
		return d.true(d.formula, has)
	}
	if len(d.limits) == 0 {
		return value.Cmp(big.NewRat(int64(d.rules), 1)) == 0
	}
	for _, l := range d.limits {
		if !l.holds(value) {
			return false
		}
	}
	return true
}

// true says whether a formula over the rules is.
func (d *Definition) true(e ir.Expr, has func(rule int) bool) bool {
	each := func(x ir.Expr) bool { return d.true(x, has) }
	not := func(x ir.Expr) bool { return !d.true(x, has) }
	named := func(name string) bool { return slices.ContainsFunc(d.names[name], has) }
	switch e := e.(type) {
	case ir.And:
		return !slices.ContainsFunc(e, not)
	case ir.Or:
		return slices.ContainsFunc(e, each)
	case ir.Not:
		return not(e.X)
	case ir.Ref:
		return named(e.Name)
	case ir.Of:
		if e.All {
			return !slices.ContainsFunc(e.Names, func(n string) bool { return !named(n) })
		}
		return slices.ContainsFunc(e.Names, named)
	}
	panic("correlation: a formula of something else: " + e.String())
}

// number is a value as it is shown: exact where a decimal can be, else of seventeen digits.
func number(r *big.Rat) ir.Number {
	digits, exact := r.FloatPrec()
	if !exact {
		digits = 17
	}
	n, _ := ir.ParseNumber(r.FloatString(min(digits, 300)))
	return n
}
