package ir

import (
	"bytes"
	"encoding/csv"
	"slices"
)

// A Lookup is a table that a query names, beside the events: a lookup file, a watchlist.
type Lookup struct {
	Name    string
	Columns []string
	Rows    [][]string // with a cell for each column
}

// Column has the cells of a column from the first row on; false without such a column.
func (l Lookup) Column(name string) (cells []string, ok bool) {
	i := slices.Index(l.Columns, name)
	if i < 0 {
		return nil, false
	}
	for _, row := range l.Rows {
		cells = append(cells, row[i])
	}
	return cells, true
}

// A Context is a Schema of one table of events, with the tables that a query names
// beside it.
type Context struct {
	Types
	Lookups []Lookup
}

// Lookup is the first table of that name.
func (c Context) Lookup(name string) (Lookup, bool) {
	i := slices.IndexFunc(c.Lookups, func(l Lookup) bool { return l.Name == name })
	if i < 0 {
		return Lookup{}, false
	}
	return c.Lookups[i], true
}

// UnknownLookup is the Lack of a test of a table of which a schema knows nothing.
func UnknownLookup(name string) string { return "the lookup " + name + ", whose rows are not given," }

// LookupOf is the table of that name in a schema; false where it has none, or the schema
// knows of no tables.
func LookupOf(s Schema, name string) (Lookup, bool) {
	c, ok := s.(interface{ Lookup(string) (Lookup, bool) })
	if !ok {
		return Lookup{}, false
	}
	return c.Lookup(name)
}

// FileName is that of the file of a table.
func (l Lookup) FileName() string { return l.Name + ".csv" }

// CSV is the file of a table, as RFC 4180 has it.
func (l Lookup) CSV() []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.UseCRLF = true
	if err := w.WriteAll(append([][]string{l.Columns}, l.Rows...)); err != nil {
		panic("ir: " + err.Error()) // to memory
	}
	return b.Bytes()
}
