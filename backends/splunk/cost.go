package splunk

import (
	"slices"
	"strings"

	"sigmac/backends"
	"sigmac/ir"
)

// The rows of Costs.
const (
	costSource = iota
	costWord
	costEqual
	costPrefix
	costSuffix
	costWithin
	costWritten
	costPresent
	costNot
	costWhere
)

// Splunk's pages about what searches cost.
const (
	better    = "Splunk Search Manual: Write better searches"
	tips      = "Splunk Search Manual: Quick tips for optimization"
	wildcards = "Splunk Search Manual: Wildcards"
)

var rows = []backends.Cost{
	costSource:  {Class: "source", How: "every event is indexed with it", Source: better},
	costWord:    {Class: "word", How: "looked up in the index", Source: "Splunk Search Manual: Event segmentation and searching"},
	costEqual:   {Class: "equality", How: "its words are looked up in the index", Source: "Splunk fields.conf.spec: INDEXED_VALUE"},
	costPrefix:  {Class: "beginning", How: "words that begin so are looked up in the index", Source: wildcards},
	costSuffix:  {Class: "end", How: "the index is of little help", Source: tips},
	costWithin:  {Class: "part, number or network", How: "the index is of little help", Source: tips},
	costWritten: {Class: "text of the language", How: "not known"},
	costPresent: {Class: "presence", How: "leaves most events to the rest", Source: better},
	costNot:     {Class: "exclusion", How: "leaves most events to the rest", Source: tips},
	costWhere:   {Class: "where", How: "computed of each event that the search finds", Source: better},
}

// Costs is what the tests of a search cost, cheap and selective first.
func Costs() []backends.Cost { return rows }

var modelRows = []backends.Cost{{Class: "summary", How: "read from the summaries of the data model, and from events that none has yet", Source: "Splunk Search Reference: tstats"}}

// DataModelCosts is what the tests of a search of a data model cost.
func DataModelCosts() []backends.Cost { return modelRows }

var costs = backends.Costs{Rows: rows, Not: costNot, Of: row}

// sourceFields are those that every event is indexed with.
var sourceFields = []string{"host", "index", "source", "sourcetype", "splunk_server"}

// row is that of Costs for a test in `search`.
func row(e ir.Expr) int {
	m, ok := e.(ir.Match)
	switch {
	case !ok:
		return costWritten
	case slices.Contains(sourceFields, m.Field.Name):
		return costSource
	}
	switch t := m.Test.(type) {
	case ir.Null:
		return costNot
	case ir.Exists:
		return costPresent
	case ir.Compare, ir.Bool:
		return costEqual
	case ir.Pattern:
		switch shape, _ := t.Shape(); shape {
		case ir.Exact:
			return costEqual
		case ir.Prefix:
			return costPrefix
		case ir.Suffix:
			return costSuffix
		}
	}
	return costWithin
}

// lexicon is that of the words of events. Only MAJOR of segmenters.conf breaks an event by every
// setting of how it is cut.
var lexicon = backends.Lexicon{Breaks: func(r rune) bool { return strings.ContainsRune("[]<>(){}|!;,'\"\n\r\t &?+", r) }}

// words are a search for words that every event of all of es has; none where es have a look-up
// already. A test of a field needs none: Splunk looks up its words (fields.conf.spec:
// INDEXED_VALUE).
func words(es []ir.Expr) (out []backends.Doc) {
	ts := lexicon.Terms(ir.And(es), ir.Field{Name: keywordField})
	if ts == nil || slices.ContainsFunc(es, func(e ir.Expr) bool { return costs.Row(e) == costEqual }) {
		return nil
	}
	each := make([]backends.Doc, len(ts))
	for i, t := range ts {
		each[i] = text(`"` + t.Text + `"`)
	}
	d := joined("OR", each)
	d.Cost = &rows[costWord]
	return []backends.Doc{d}
}
