package backends

import (
	"slices"

	"sigmac/ir"
)

// A Cost is a row of the table that a format has of what its tests cost.
type Cost struct {
	Class  string `json:"class"`  // what the tests of this row are: "equality"
	How    string `json:"how"`    // how a server answers them: "looked up in the index"
	Source string `json:"source"` // the vendor's page that says so, or nothing
}

// Costs are what the tests of a format cost.
type Costs struct {
	Rows []Cost              // in the order in which conditions stand, cheap and selective first
	Not  int                 // the first row of what is excluded
	Of   func(e ir.Expr) int // the row of what is no And, Or or Not
}

// Row is the row of e: a choice costs what its last part does, and a group what its
// first does, which is all that is asked of most events.
func (c *Costs) Row(e ir.Expr) int {
	switch e := e.(type) {
	case ir.And:
		least := len(c.Rows) - 1
		for _, x := range e {
			least = min(least, c.Row(x))
		}
		return least
	case ir.Or:
		most := 0
		for _, x := range e {
			most = max(most, c.Row(x))
		}
		return most
	case ir.Not:
		if m, ok := e.X.(ir.Match); ok && m.Test == ir.Test(ir.Null{}) {
			m.Test = ir.Exists{}
			return c.Of(m)
		}
		return max(c.Not, c.Row(e.X))
	}
	return c.Of(e)
}

// Cost is the row of e in the table.
func (c *Costs) Cost(e ir.Expr) *Cost { return &c.Rows[c.Row(e)] }

// Sorted are conjuncts by their rows, and these; those of one row keep their order. The slice is es
// where that is sorted.
func (c *Costs) Sorted(es []ir.Expr) ([]ir.Expr, []int) {
	rows := make([]int, len(es))
	for i, e := range es {
		rows[i] = c.Row(e)
	}
	if slices.IsSorted(rows) {
		return es, rows
	}
	out, sorted := make([]ir.Expr, 0, len(es)), make([]int, 0, len(es))
	for row := range c.Rows {
		for i, e := range es {
			if rows[i] == row {
				out, sorted = append(out, e), append(sorted, row)
			}
		}
	}
	return out, sorted
}

// A Condition is a part of a query that an event must meet, and what it costs.
type Condition struct {
	Text string `json:"condition"`
	Cost
	Help bool `json:"index_help"` // the rest implies it, and it is there for an index
}

// Conditions are those of d, in order.
func (d Doc) Conditions() []Condition {
	out := d.conditions(nil)
	bare := d.WithoutHelp().conditions(nil)
	for i, c := range out {
		at := slices.IndexFunc(bare, func(b Condition) bool { return b.Text == c.Text })
		if out[i].Help = at < 0; at >= 0 {
			bare = slices.Delete(bare, at, at+1)
		}
	}
	return out
}

func (d Doc) conditions(out []Condition) []Condition {
	if d.Cost != nil {
		if d.Head = ""; d.Text == "" && d.Open == "(" {
			d.Open = "" // of a part among others
		}
		return append(out, Condition{Text: d.Flat(), Cost: *d.Cost})
	}
	for _, p := range d.Parts {
		out = p.conditions(out)
	}
	if d.Body != nil {
		out = d.Body.conditions(out)
	}
	return out
}
