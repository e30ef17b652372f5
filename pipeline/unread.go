package pipeline

import (
	_ "embed"
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
// Of a pipeline it has an entry without its transformations, in which these stand, each an entry,
// and so the items of a nest in that. An entry is a line
//
//	NODE WHEN INNER SOURCES FIELDS
//
// and three texts, of which NODE, WHEN and INNER are the bytes: a node (see body) without rule
// conditions, these (see conditions) where SOURCES do not say all, and the number of the entries in
// it with these. SOURCES are the log sources of which one must be the rule's, as
// product/category/service, or `-`. FIELDS are those of which the rule must have one, where the item
// does nothing else, or `-`.
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
	text  string
	nodes []yaml.Node // room for those of a node
	lists []*yaml.Node
}

// room is for nodes, many at a time: each first allocation of a large size costs a new process
// more than its bytes.
var room struct {
	sync.Mutex
	nodes []yaml.Node
	lists []*yaml.Node
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

func (b *body) take(size int) (s string) {
	s, b.text = b.text[:size], b.text[size:]
	return s
}

// scalar is a text behind its size, and before a blank.
func (b *body) scalar() string {
	s := b.take(b.number())
	b.take(1)
	return s
}

// node is a node behind the number of those in it.
func (b *body) node() *yaml.Node {
	n := b.number()
	room.Lock()
	defer room.Unlock()
	if len(room.nodes) <= n {
		room.nodes, room.lists = make([]yaml.Node, max(n+1, 512)), make([]*yaml.Node, max(n, 512))
	}
	b.nodes, room.nodes = room.nodes[:n+1], room.nodes[n+1:]
	b.lists, room.lists = room.lists[:n:n], room.lists[n:]
	return b.next()
}

func (b *body) next() *yaml.Node {
	n := &b.nodes[0]
	b.nodes = b.nodes[1:]
	switch kind := b.take(1); kind {
	case "{":
		n.Kind, n.Line, n.Column = yaml.MappingNode, b.number(), b.number()
	case "[":
		n.Kind = yaml.SequenceNode
	default:
		n.Kind, n.Value = yaml.ScalarNode, b.scalar()
		if kind == `"` {
			n.Style = yaml.DoubleQuotedStyle
		}
		return n
	}
	size := b.number()
	n.Content, b.lists = b.lists[:size:size], b.lists[size:]
	for i := range n.Content {
		n.Content[i] = b.next()
	}
	return n
}

// conditions reads rule conditions: `!` if they are negated, what links them, `and`, `or` or an
// expression, their number, and of each its name in the expression, and `/` with a log source,
// `=` with a key of the state and the text that it is, or `{` with the node of another condition.
func (b *body) conditions(f *file) (c conditions[nothing]) {
	p := &params{file: f}
	if c.not = b.text[0] == '!'; c.not {
		b.take(1)
	}
	link, names := b.scalar(), make([]string, b.number())
	c.each = make([]condition[nothing], len(names))
	for i := range names {
		names[i] = b.scalar()
		switch b.take(1) {
		case "/":
			c.each[i] = ofSource(sourceOf(b.scalar()), false)
		case "=":
			c.each[i] = ofState[nothing](b.scalar(), b.scalar(), "eq")
		default:
			c.each[i] = conditionOf(p, "rule", b.node(), ruleConditions)
		}
	}
	switch link {
	case "and":
	case "or":
		c.or = true
	default:
		c.expr = p.expression(&yaml.Node{Kind: yaml.ScalarNode, Value: link}, names)
	}
	return c
}

// An entry is an item, or one that is not read yet.
type entry interface {
	// whole is the item, as it is read.
	whole() *item
	// holds says whether its rule conditions hold and it is not only about fields that the
	// rule has not.
	holds(r *run) bool
}

func (it *item) whole() *item { return it }

func (it *item) holds(r *run) bool {
	r.item = it
	return len(it.rule.each) == 0 || it.rule.holds(r, nothing{})
}

// An unread is an item in the index.
type unread struct {
	path              string
	node, when, inner string
	sources, fields   string

	askOnce, readOnce sync.Once
	rule              conditions[nothing]
	read              *item
}

func (u *unread) holds(r *run) bool {
	if u.sources != "-" && !isOfAny(r.rule.Source, u.sources) {
		return false
	}
	if u.when == "" {
		r.about = r.about || u.sources != "-"
	} else {
		u.askOnce.Do(func() { u.open(u.when, func(f *file, b *body) { u.rule = b.conditions(f) }) })
		if r.item = nil; !u.rule.holds(r, nothing{}) {
			return false
		}
	}
	if u.fields == "-" {
		return true
	}
	for name := range strings.SplitSeq(u.fields, ",") {
		if r.names()[name] {
			return true
		}
	}
	r.mappings = append(r.mappings, func() (x rename, ok bool) { // an error tells what it knows
		x, ok = u.whole().do.(rename)
		return x, ok && x.fields != nil
	})
	return false
}

func (u *unread) whole() *item {
	u.readOnce.Do(func() {
		u.open(u.node, func(f *file, b *body) {
			u.read = f.items(&yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{b.node()}}, 0)[0].whole()
		})
		if u.inner != "" {
			u.read.do = nest{unreads(u.path, u.inner)}
		}
	})
	return u.read
}

// open reads one of its texts.
func (u *unread) open(text string, read func(*file, *body)) {
	y := parser.Empty("pipeline", u.path)
	read(&file{File: y, path: u.path}, &body{text: text})
	if errs := y.Errors(); len(errs) > 0 {
		panic("pipeline: builtin.index is not that of " + u.path + ", go test ./pipeline -update: " + errs[0].Error())
	}
}

// unreads are the entries of a text, behind their number.
func unreads(path, text string) []entry {
	b := body{text: text}
	out := make([]entry, b.number())
	room := make([]unread, len(out))
	for i := range room {
		u := &room[i]
		u.path = path
		node, when, inner := b.number(), b.number(), b.number()
		line := b.take(strings.IndexByte(b.text, '\n'))
		b.take(1)
		u.node, u.when, u.inner = b.take(node), b.take(when), b.take(inner)
		u.sources, u.fields, _ = strings.Cut(line, " ")
		out[i] = u
	}
	return out
}

// indexed is a built-in pipeline with unread items, of what the index has of it.
func indexed(name, text string) *Pipeline {
	p := &Pipeline{Path: name + ".yml", ID: name}
	head := unreads(p.Path, text)[0].(*unread)
	head.open(head.node, func(f *file, b *body) { f.pipeline(p, b.node()) })
	p.items = unreads(p.Path, head.inner)
	return p
}

// isOfAny says whether a log source is one of a list as the index has it.
func isOfAny(s ir.LogSource, list string) bool {
	for want := range strings.SplitSeq(list, ",") {
		if isOf(s, sourceOf(want)) {
			return true
		}
	}
	return false
}

// sourceOf reads product/category/service.
func sourceOf(s string) ir.LogSource {
	product, rest, _ := strings.Cut(s, "/")
	category, service, _ := strings.Cut(rest, "/")
	return ir.LogSource{Product: product, Category: category, Service: service}
}
