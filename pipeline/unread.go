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
// of which one must be the rule's, as product/category/service, or `-`, and what stands
// above in the same list with something that it has an alias for: each from, to and line.
// `go test ./pipeline -update` writes it.
//
//go:embed builtin.index
var builtinIndex string

// An unread is an item in the text of a built-in pipeline.
type unread struct {
	path    string
	text    []byte        // of a nest up to the key of its items
	line    int           // its first
	above   []parser.Part // with what it has an alias for
	sources []ir.LogSource
	nested  []*item

	once sync.Once
	read *item
}

// passes says whether an item is for other log sources than that of the rule.
func (r *run) passes(it *item) bool {
	return it.unread != nil && it.unread.sources != nil &&
		!slices.ContainsFunc(it.unread.sources, func(s ir.LogSource) bool { return s.Covers(r.rule.Source) })
}

// whole is the item as it is read.
func (it *item) whole() *item {
	u := it.unread
	if u == nil {
		return it
	}
	u.once.Do(func() {
		own := parser.Part{Line: u.line, Text: u.text}
		if u.nested != nil {
			own.Text = append(slices.Clip(own.Text), " []\n"...)
		}
		y, roots := parser.OpenParts("pipeline", u.path, append(slices.Clip(u.above), own)...)
		f := &file{File: y, path: u.path}
		var items []*item
		if len(roots) == 1 {
			root := roots[0]
			root.Content = root.Content[len(root.Content)-1:]
			items = f.items(root, 0)
		}
		if errs := y.Errors(); len(errs) > 0 || len(items) != 1 {
			panic("pipeline: the index of " + u.path + " is not that of its text: go test ./pipeline -update")
		}
		if u.nested != nil {
			items[0].do = nest{u.nested}
		}
		u.read = items[0]
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
	var open []*unread // the item before and those around it
	for line := range strings.Lines(lines) {
		fields := strings.Fields(line)
		if len(fields) < 5 {
			break
		}
		depth, _ := strconv.Atoi(fields[0])
		own := part(src, fields[1:4])
		u := &unread{path: path, text: own.Text, line: own.Line}
		for above := fields[5:]; len(above) >= 3; above = above[3:] {
			u.above = append(u.above, part(src, above))
		}
		if fields[4] != "-" {
			for s := range strings.SplitSeq(fields[4], ",") {
				part := strings.Split(s, "/")
				u.sources = append(u.sources, ir.LogSource{Product: part[0], Category: part[1], Service: part[2]})
			}
		}
		it := &item{unread: u}
		if open = append(open[:depth], u); depth == 0 {
			p.items = append(p.items, it)
			continue
		}
		open[depth-1].nested = append(open[depth-1].nested, it)
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
