// Package parser reads Sigma rule files: YAML in, documents with positions
// out. The source of its facts is the Sigma specification 2.1.0.
//
// A modifier that makes one value of one value is applied here. Those that make
// several stay in the tree until their pass (see package ir); their expansion is tried
// once to report its errors with places, so an error in the pass is a bug.
//
// All YAML is read by Open, which bounds it and knows its places. What a file means is what
// gopkg.in/yaml.v3 makes of it; the part of YAML that most rules keep to has a faster reader
// (block.go), which is held against it. A rule may come from
// a stranger: nesting, sizes, repetitions, variants and aliases have named limits next
// to the code that needs them, and the grammar of conditions is guarded by a count of
// parentheses before it runs, since a stack overflow in Go cannot be caught.
package parser

import (
	"cmp"
	"slices"

	"gopkg.in/yaml.v3"

	"sigmac/ir"
)

// A Collection holds the documents of any number of files, in order.
type Collection struct{ Documents []*Document }

// Add puts the documents of other behind those of c.
func (c *Collection) Add(other *Collection) {
	c.Documents = append(c.Documents, other.Documents...)
}

// A Document is one YAML document of a file. With Errors, its Rule,
// Correlation and Filter are nil, and Broken has what could be read of them. What is
// not even YAML is a document of Unreadable kind with Errors.
type Document struct {
	Path string
	Pos  ir.Pos
	Kind Kind

	Title, ID, Name string

	Rule        *ir.Rule
	Correlation *ir.Correlation
	Filter      *ir.Filter

	// Filters are those that are joined to the Rule. A place with a number of a file is in
	// the one with the Filter of that number.
	Filters []*Document

	Errors   []*ir.Diagnostic
	Warnings []*ir.Diagnostic

	// Broken is what could be read of a document with Errors: to be shown, as by an
	// editor, and never to be compiled.
	Broken *Body

	// Aggregation is what the only error is about, where a correlation can say it.
	Aggregation *Aggregation

	Foreign bool // YAML, but nothing in it says that it is one of Sigma; there are Errors

	file *file // that it stands in
}

// Fail adds an error to a document, which is broken with it.
func (d *Document) Fail(e *ir.Diagnostic) {
	if d.Errors = append(d.Errors, e); d.Broken == nil {
		d.Broken = &Body{d.Rule, d.Correlation, d.Filter}
	}
	d.Rule, d.Correlation, d.Filter = nil, nil, nil
}

// A Body is the part of a document that is its kind's.
type Body struct {
	Rule        *ir.Rule
	Correlation *ir.Correlation
	Filter      *ir.Filter
}

// A Kind says what a document is.
type Kind uint8

// The kinds of a document.
const (
	Unreadable Kind = iota
	Rule
	CorrelationRule
	FilterRule
)

func (k Kind) String() string {
	return [...]string{"document", "rule", "correlation", "filter"}[k]
}

// Parse reads the file src. Path stands in errors only. Errors are those of
// the documents.
func Parse(path string, src []byte) *Collection { return Visit(path, src, nil) }

// Visit is Parse, and shows each document with the node that it was read from,
// after its actions, while that is at hand; not what is no document.
func Visit(path string, src []byte, see func(*Document, *yaml.Node)) *Collection {
	c := &Collection{}
	memory := memories.Get().(*nodeMemory)
	if see == nil {
		defer memory.free()
	}
	roots, fault := readYAML(src, memory)
	f := &file{source: "sigma", path: path, src: src}
	for _, root := range f.actions(roots) {
		d := f.document(root)
		if c.Documents = append(c.Documents, d); see != nil {
			see(d, deref(root))
		}
	}
	c.Documents = append(c.Documents, f.broken...)
	slices.SortStableFunc(c.Documents, func(a, b *Document) int { return cmp.Compare(a.Pos.Line, b.Pos.Line) })
	if fault != nil {
		c.Documents = append(c.Documents, &Document{Path: path, Pos: fault.at.Start, Errors: []*ir.Diagnostic{f.unreadable(fault)}})
	}
	return c
}
