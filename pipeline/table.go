package pipeline

import (
	"slices"
	"strings"
	"sync"

	"sigmac/backends"
	"sigmac/ir"
)

// A Table says by which pipelines a rule gets to a target: for each log source the
// ways that know it, in the order in which they are tried.
type Table struct {
	rows []Row
	with []*Pipeline // that run on every way too
	only []string    // the built-in pipelines that are left; nil: all
}

// A Row is a log source, and the ways for all rules of it.
type Row struct {
	Source ir.LogSource
	Ways   []Way
}

// A Way is pipelines that run together. Its name is theirs: `a + b`.
type Way struct {
	Name  string
	parts []*Pipeline // nil: the built-in ones of that name
}

var tables sync.Map // of *Table, by file

// DefaultTable is what sigmac brings along for a target in its format, or nil.
func DefaultTable(t *backends.Target) *Table {
	name := t.Name
	if t.Format.Name != t.Formats[0].Name {
		name += "." + t.Format.Name
	}
	if table, ok := tables.Load(name); ok {
		return table.(*Table)
	}
	text, ok := indexOf("logsources/" + name)
	if !ok {
		return nil
	}
	table := &Table{}
	for line := range strings.Lines(text) {
		source, ways, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		row := Row{Source: sourceOf(source)}
		for way := range strings.SplitSeq(ways, ", ") {
			row.Ways = append(row.Ways, Way{Name: way})
		}
		table.rows = append(table.rows, row)
	}
	tables.Store(name, table)
	return table
}

// With is t with pipelines that run on every way too.
func (t *Table) With(ps ...*Pipeline) *Table {
	return &Table{rows: t.rows, with: append(slices.Clip(t.with), ps...), only: t.only}
}

// Before is t with rows that are asked first.
func (t *Table) Before(rows ...Row) *Table {
	if len(rows) == 0 {
		return t
	}
	return &Table{rows: append(slices.Clip(rows), t.rows...), with: t.with, only: t.only}
}

// Preferring is t with the ways first that have one of the named pipelines, in the order
// of the names.
func (t *Table) Preferring(names ...string) *Table {
	if len(names) == 0 {
		return t
	}
	rank := func(w Way) int {
		at := len(names)
		for _, name := range strings.Split(w.Name, " + ") {
			if i := slices.Index(names, name); i >= 0 {
				at = min(at, i)
			}
		}
		return at
	}
	out := &Table{with: t.with, only: t.only}
	for _, row := range t.rows {
		row.Ways = slices.Clone(row.Ways)
		slices.SortStableFunc(row.Ways, func(a, b Way) int { return rank(a) - rank(b) })
		out.rows = append(out.rows, row)
	}
	return out
}

// Only is t with the ways alone that have one of the named pipelines.
func (t *Table) Only(names ...string) *Table {
	out := &Table{with: t.with, only: names}
	for _, row := range t.rows {
		row.Ways = slices.DeleteFunc(slices.Clone(row.Ways), func(w Way) bool {
			return w.parts == nil && !slices.ContainsFunc(strings.Split(w.Name, " + "), func(name string) bool { return slices.Contains(names, name) })
		})
		out.rows = append(out.rows, row)
	}
	return out
}

// Left are the built-in pipelines that Only has left, or nil for all.
func (t *Table) Left() []string { return t.only }

// Rows lists the rows, in their order.
func (t *Table) Rows() []Row { return t.rows }

// Ways are those of a log source, the first to be tried first; none where no row knows
// it. Rows that are about it come in their order, and each way once.
func (t *Table) Ways(source ir.LogSource) (out []Way) {
	for _, row := range t.rows {
		if row.Source.Covers(source) {
			return row.Ways
		}
	}
	return nil
}

// Pipeline is what runs on a way, as one.
func (t *Table) Pipeline(w Way) *Pipeline {
	parts := w.parts
	if parts == nil {
		for _, name := range strings.Split(w.Name, " + ") {
			p, ok := Builtin(name)
			if !ok {
				panic("pipeline: no pipeline is named " + name)
			}
			parts = append(parts, p)
		}
	}
	return Join(append(slices.Clip(parts), t.with...)...)
}

// WayOf is a way of given pipelines.
func WayOf(ps ...*Pipeline) Way {
	var names []string
	for _, p := range ps {
		names = append(names, p.ID)
	}
	return Way{Name: strings.Join(names, " + "), parts: ps}
}
