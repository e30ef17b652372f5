package pipeline

import (
	_ "embed"
	"slices"
	"strings"
	"sync"

	"gopkg.in/yaml.v3"

	"sigmac/ir"
	"sigmac/parser"
)

// builtin.index has the built-in pipelines and the default tables as they are when YAML has
// been read, so that a process that converts one rule reads what is about its log source, and
// no YAML. It begins with a line for each, `NAME FROM TO`: the bytes behind these lines.
//
// Of a pipeline it has a line and a node (see body) without the transformations, and the same
// for each of these, a nest without its items, which stand behind it. The line is
//
//	DEPTH SIZE NODES SOURCES FIELDS
//
// with the bytes of the text of the node, how many nodes are in it, the log sources of which one
// must be the rule's, as product/category/service, or `-`, and the fields of which the rule must
// have one, where the item does nothing else, or `-`.
//
// `go test ./pipeline -update` writes it.
//
//go:embed builtin.index
var builtinIndex string

// indexOf is what the index has of a name.
func indexOf(name string) (text string, ok bool) {
	names, all, _ := strings.Cut(builtinIndex, "\n\n")
	_, line, ok := strings.Cut(names, "\n"+name+" ")
	if !ok {
		return "", false
	}
	b := body{text: line}
	from := b.number()
	return all[from:b.number()], true
}

// A body is nodes of YAML as the index has them, aliases and merges followed, in the order of the
// text, each behind the one that it is in: `{3 5 2 ` is a mapping at line 3 and column 5 with two
// nodes, a key and its value; `[2 ` a list of two; `"4 text ` a text of four bytes; `=2 80 ` a plain scalar.
type body struct {
	text string
	room []yaml.Node
}

func (b *body) number() (n int) {
	for i, c := range []byte(b.text) {
		if c < '0' || c > '9' {
			b.text = b.text[i+1:]
			break
		}
		n = 10*n + int(c-'0')
	}
	return n
}

func (b *body) node() *yaml.Node {
	n := &b.room[0]
	kind := b.text[0]
	b.room, b.text = b.room[1:], b.text[1:]
	switch kind {
	case '{':
		n.Kind, n.Line, n.Column = yaml.MappingNode, b.number(), b.number()
	case '[':
		n.Kind = yaml.SequenceNode
	default:
		size := b.number()
		n.Kind, n.Value, b.text = yaml.ScalarNode, b.text[:size], b.text[size+1:]
		if kind == '"' {
			n.Style = yaml.DoubleQuotedStyle
		}
		return n
	}
	n.Content = make([]*yaml.Node, b.number())
	for i := range n.Content {
		n.Content[i] = b.node()
	}
	return n
}

// An entry is an item, or one that is not read yet.
type entry interface {
	// whole is the item, as it is read.
	whole() *item
	// passes says whether it is for other log sources or fields than those of the rule.
	passes(r *run) bool
}

func (it *item) whole() *item     { return it }
func (it *item) passes(*run) bool { return false }

// An unread is an item in the index.
type unread struct {
	path    string
	text    string // its node
	nodes   int
	sources []ir.LogSource
	fields  string
	nested  []entry

	once sync.Once
	read *item
}

func (u *unread) passes(r *run) bool {
	if u.sources != nil && !slices.ContainsFunc(u.sources, func(s ir.LogSource) bool { return s.Covers(r.rule.Source) }) {
		return true
	}
	if u.fields == "-" {
		return false
	}
	for name := range strings.SplitSeq(u.fields, ",") {
		if r.names()[name] {
			return false
		}
	}
	r.mappings = append(r.mappings, func() (x rename, ok bool) { // an error tells what it knows
		it := u.whole()
		if len(it.rule.each) > 0 && !it.rule.holds(r, nothing{}) {
			return x, false
		}
		x, ok = it.do.(rename)
		return x, ok && x.fields != nil
	})
	return true
}

func (u *unread) whole() *item {
	u.once.Do(func() {
		u.open(func(f *file, n *yaml.Node) {
			u.read = f.items(&yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{n}}, 0)[0].whole()
		})
		if u.nested != nil {
			u.read.do = nest{u.nested}
		}
	})
	return u.read
}

// open reads its node.
func (u *unread) open(read func(*file, *yaml.Node)) {
	y := parser.Empty("pipeline", u.path)
	b := body{u.text, make([]yaml.Node, u.nodes)}
	read(&file{File: y, path: u.path}, b.node())
	if errs := y.Errors(); len(errs) > 0 {
		panic("pipeline: builtin.index is not that of " + u.path + ", go test ./pipeline -update: " + errs[0].Error())
	}
}

// indexed is a built-in pipeline with unread items, of what the index has of it.
func indexed(name, text string) *Pipeline {
	p := &Pipeline{Path: name + ".yml", ID: name}
	sources := map[string][]ir.LogSource{"-": nil} // by what stands in a line
	b := body{text: text}
	next := func() (depth int, u *unread) {
		depth, u = b.number(), &unread{path: p.Path}
		size := b.number()
		u.nodes = b.number()
		line, rest, _ := strings.Cut(b.text, "\n")
		u.text, b.text = rest[:size], rest[size:]
		from, fields, _ := strings.Cut(line, " ")
		if _, known := sources[from]; !known {
			for s := range strings.SplitSeq(from, ",") {
				sources[from] = append(sources[from], sourceOf(s))
			}
		}
		u.sources, u.fields = sources[from], fields
		return depth, u
	}
	_, head := next()
	head.open(func(f *file, n *yaml.Node) { f.pipeline(p, n) })
	var open []*unread // the item before and those around it
	for b.text != "" {
		depth, u := next()
		if open = append(open[:depth], u); depth == 0 {
			p.items = append(p.items, u)
			continue
		}
		open[depth-1].nested = append(open[depth-1].nested, u)
	}
	return p
}

// sourceOf reads product/category/service.
func sourceOf(s string) ir.LogSource {
	product, rest, _ := strings.Cut(s, "/")
	category, service, _ := strings.Cut(rest, "/")
	return ir.LogSource{Product: product, Category: category, Service: service}
}
