package pipeline

import (
	"bytes"
	_ "embed"
	"slices"
	"strconv"
	"strings"
	"sync"

	"sigmac/ir"
	"sigmac/parser"
)

// builtin.index says of each built-in pipeline where its items stand, those of a nest
// behind it, and for which log sources they are: most of a large pipeline is about others
// than a rule has, and is not read for it. A line has the depth of the nesting, the bytes
// from and to (of a nest up to the key `items`), the number of the line, the log sources
// of which one must be the rule's, as product/category/service, or `-`, the fields of which
// the rule must have one, where the item does nothing else, or `-`, and what stands above
// in the same list with something that it has an alias for: each from, to and line.
// `go test ./pipeline -update` writes it.
//
//go:embed builtin.index
var builtinIndex string

// An entry is an item, or one that is not read yet.
type entry interface {
	// whole is the item, as it is read.
	whole() *item
	// passes says whether it is for other log sources or fields than those of the rule.
	passes(r *run) bool
}

func (it *item) whole() *item     { return it }
func (it *item) passes(*run) bool { return false }

// An unread is an item in the text of a built-in pipeline.
type unread struct {
	path    string
	text    []byte        // of a nest up to the key of its items
	line    int           // its first
	above   []parser.Part // with what it has an alias for
	sources []ir.LogSource
	fields  []string
	nested  []entry

	once sync.Once
	read *item
}

func (u *unread) passes(r *run) bool {
	switch {
	case u.sources != nil && !slices.ContainsFunc(u.sources, func(s ir.LogSource) bool { return s.Covers(r.rule.Source) }):
		return true
	case u.fields == nil || r.all || slices.ContainsFunc(u.fields, func(name string) bool { return r.names()[name] }):
		return false
	}
	r.passed = true
	return true
}

func (u *unread) whole() *item {
	u.once.Do(func() {
		own := parser.Part{Line: u.line, Text: u.text}
		if u.nested != nil {
			own.Text = append(slices.Clip(own.Text), " []\n"...)
		}
		y, roots := parser.OpenParts("pipeline", u.path, append(slices.Clip(u.above), own)...)
		f := &file{File: y, path: u.path}
		var items []entry
		if len(roots) == 1 {
			root := roots[0]
			root.Content = root.Content[len(root.Content)-1:]
			items = f.items(root, 0)
		}
		if errs := y.Errors(); len(errs) > 0 || len(items) != 1 {
			panic("pipeline: the index of " + u.path + " is not that of its text: go test ./pipeline -update")
		}
		u.read = items[0].whole()
		if u.nested != nil {
			u.read.do = nest{u.nested}
		}
	})
	return u.read
}

// indexed is a built-in pipeline with unread items.
func indexed(name string, src []byte) *Pipeline {
	path := name + ".yml"
	head, _, _ := bytes.Cut(src, []byte("\ntransformations:"))
	p, errs := Parse(path, head)
	if len(errs) > 0 {
		panic("pipeline: " + errs[0].Error())
	}
	p.ID, p.text = name, src
	_, lines, _ := strings.Cut(builtinIndex, "\n"+name+"\n")
	lines, _, _ = strings.Cut(lines, "\n\n")
	all := make([]unread, 1+strings.Count(lines, "\n"))
	var open []*unread // the item before and those around it
	for line := range strings.Lines(lines) {
		words := strings.Fields(line)
		depth, _ := strconv.Atoi(words[0])
		own := part(src, words[1:4])
		u := &all[0]
		all = all[1:]
		u.path, u.text, u.line = path, own.Text, own.Line
		for above := words[6:]; len(above) >= 3; above = above[3:] {
			u.above = append(u.above, part(src, above))
		}
		if words[4] != "-" {
			for s := range strings.SplitSeq(words[4], ",") {
				part := strings.Split(s, "/")
				u.sources = append(u.sources, ir.LogSource{Product: part[0], Category: part[1], Service: part[2]})
			}
		}
		if words[5] != "-" {
			u.fields = strings.Split(words[5], ",")
		}
		if open = append(open[:depth], u); depth == 0 {
			p.items = append(p.items, u)
			continue
		}
		open[depth-1].nested = append(open[depth-1].nested, u)
	}
	return p
}

// part is what stands from and to a byte, and at a line.
func part(src []byte, words []string) parser.Part {
	var n [3]int
	for i := range n {
		n[i], _ = strconv.Atoi(words[i])
	}
	return parser.Part{Line: n[2], Text: src[n[0]:n[1]]}
}
