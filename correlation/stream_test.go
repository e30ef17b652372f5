package correlation

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"sigmac/ir"
)

var kinds = []string{"event_count", "value_count", "value_sum", "value_avg", "value_percentile", "value_median", "temporal", "temporal_ordered"}

// random is a correlation of a kind with a small window and small thresholds.
func random(r *rand.Rand, kind string) *ir.Correlation {
	c := &ir.Correlation{Type: ir.Name{Text: kind}, Timespan: ir.Timespan{Length: time.Duration(1 + r.IntN(5))}}
	for i := range 1 + r.IntN(3) {
		c.Rules = append(c.Rules, ir.Name{Text: strconv.Itoa(i)})
	}
	limit := func(most int) {
		ops := []string{"gt", "gte", "lt", "lte", "eq", "neq"}
		for range 1 + r.IntN(2) {
			c.Condition = append(c.Condition, ir.Limit{Op: ops[r.IntN(len(ops))], Number: ir.Number(strconv.Itoa(r.IntN(most)))})
		}
	}
	switch kind {
	case "temporal":
		switch r.IntN(3) {
		case 0:
			limit(4)
		case 1:
			c.Formula = formula(r, c.Rules, 3)
		}
	case "temporal_ordered":
	case "value_percentile":
		c.Percentile = ir.Number(strconv.Itoa(1 + r.IntN(100)))
		limit(6)
	default:
		limit(6)
	}
	return c
}

func formula(r *rand.Rand, rules []ir.Name, depth int) ir.Expr {
	switch r.IntN(2 + depth) {
	case 0, 1:
		return ir.Ref{Name: rules[r.IntN(len(rules))].Text}
	case 2:
		return ir.Not{X: formula(r, rules, depth-1)}
	case 3:
		return ir.And{formula(r, rules, depth-1), formula(r, rules, depth-1)}
	}
	return ir.Or{formula(r, rules, depth-1), formula(r, rules, depth-1)}
}

// selections are some of two groups in the order of time, many at the same.
func selections(r *rand.Rand, rules int) (out []Selection) {
	values := []string{"1", "2", "2.5", "-3", "x", "007"}
	for range r.IntN(12) {
		x := Selection{Time: int64(r.IntN(14)), Group: string('a' + rune(r.IntN(2)))}
		for i := range rules {
			if r.IntN(2) == 0 {
				x.Rules = append(x.Rules, i)
			}
		}
		if len(x.Rules) == 0 {
			x.Rules = []int{r.IntN(rules)}
		}
		for range r.IntN(3) {
			if v := values[r.IntN(len(values))]; !slices.Contains(x.Values, v) {
				x.Values = append(x.Values, v)
			}
		}
		out = append(out, x)
	}
	slices.SortStableFunc(out, func(a, b Selection) int { return int(a.Time - b.Time) })
	return out
}

// streamed are the hits of a Stream.
func streamed(s *Stream, all []Selection) (out []Hit) {
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].Time == all[0].Time {
			n++
		}
		out = append(out, s.Instant(all[0].Time, all[:n])...)
		all = all[n:]
	}
	return out
}

func TestStream(t *testing.T) {
	n := 100_000
	if testing.Short() {
		n = 2_000
	}
	for i, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(17, uint64(i)))
			hits := 0
			for range n {
				c := random(r, kind)
				all := selections(r, len(c.Rules))
				d := Define(c)
				want, got := d.Hits(all), streamed(d.NewStream(), all)
				if hits += len(want); !reflect.DeepEqual(want, got) {
					t.Fatalf("%+v\nof %+v\nwant %+v\ngot  %+v", c, all, want, got)
				}
			}
			if hits < n/10 {
				t.Errorf("only %d hits", hits)
			}
		})
	}
}

// A stream keeps what windows hold, and nothing of groups that were.
func TestStreamForgets(t *testing.T) {
	for _, kind := range kinds {
		c := random(rand.New(rand.NewPCG(1, 1)), kind)
		s := Define(c).NewStream()
		for i := range int64(10_000) {
			s.Instant(i*10, []Selection{{Time: i * 10, Group: strconv.FormatInt(i, 10), Rules: []int{0}, Values: []string{"1"}}})
			if s.Groups() > 1 || s.idle.len() > 1 {
				t.Fatalf("%s: %d groups, %d visits", kind, s.Groups(), s.idle.len())
			}
		}
	}
}

func TestHits(t *testing.T) {
	at := func(times ...int64) (out []Selection) {
		for _, x := range times {
			out = append(out, Selection{Time: x, Rules: []int{0}, Values: []string{strconv.FormatInt(x, 10)}})
		}
		return out
	}
	c := func(kind, op, number string) *ir.Correlation {
		return &ir.Correlation{Type: ir.Name{Text: kind}, Rules: []ir.Name{{Text: "a"}}, Timespan: ir.Timespan{Length: 10},
			Condition: []ir.Limit{{Op: op, Number: ir.Number(number)}}, Percentile: "50"}
	}
	for _, tc := range []struct {
		c    *ir.Correlation
		of   []Selection
		want []int64
	}{
		{c("event_count", "gte", "3"), at(0, 5, 10), []int64{10}},         // both ends are in
		{c("event_count", "gte", "3"), at(0, 5, 11), nil},                 // one second late
		{c("event_count", "gte", "2"), at(9, 11), []int64{11}},            // over what would be a border
		{c("event_count", "lt", "2"), at(0, 5, 20), []int64{0, 20}},       // never where nothing is
		{c("event_count", "eq", "2"), at(1, 1), []int64{1}},               // an instant is whole
		{c("value_count", "gte", "2"), at(1, 1, 1), nil},                  //
		{c("value_sum", "gt", "14.9"), at(7, 8), []int64{8}},              //
		{c("value_avg", "eq", "7.5"), at(7, 8), []int64{8}},               //
		{c("value_percentile", "eq", "2"), at(1, 2, 3, 4), []int64{3, 4}}, // the nearest rank
		{c("value_median", "eq", "2.5"), at(1, 2, 3, 4), []int64{4}},      //
	} {
		var got []int64
		for _, h := range Define(tc.c).Hits(tc.of) {
			got = append(got, h.Time)
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s %s %s of %v: %v, want %v", tc.c.Type.Text, tc.c.Condition[0].Op, tc.c.Condition[0].Number, tc.of, got, tc.want)
		}
	}
}
