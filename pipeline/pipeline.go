// Package pipeline reads processing pipelines and applies them to rules. These are
// the YAML files by which Sigma users say what fields and log sources are called at
// their target, in the vocabulary of pySigma.
//
// Where that leaves something open, or would skip in silence:
//
//   - An unknown key, type or linking, and a condition that an item would not
//     look at, is an error.
//   - What one value becomes several stays in its place as an Or of these,
//     under `all` too: a placeholder stands for any one of its values.
//   - A negation (`neq`, `exists: false`) stays outside of what an item is
//     split into.
//   - A null of a field that is mapped to several is a null of all of them.
//   - A detection that loses all its items is an error if a condition names it.
//   - `regex` keeps the meaning of a whole value: it puts ^ and $ where no
//     wildcard stands. A value under `cased` stays so.
//   - A regular expression of a pipeline is Python's, with look-around and
//     back-references.
//   - A log source condition with `only: true` wants the parts that it does not
//     name to be absent; the detection item condition match_regex looks at the
//     text of regular expressions as match_string does at that of others.
//   - The state keys query_table, index, event_category and data_model_set
//     become the rule's Scope, and extend, a mapping of names to expressions or
//     to mappings with type and is, its computed columns. A key loss_… declares
//     what the mapping loses as a whole, and schema names the schema that is asked
//     before others.
//
// A mapping is data. What leads from Sigma's names to a target's stands in YAML files
// that users can print, read and replace, in the vocabulary that they know (builtin/);
// Go code knows no field of any SIEM. What that vocabulary cannot say exactly was
// added to it, in few words. A computed column is a name in the representation: the
// emitter writes its expression, the reader finds it, compared as tokens, and the
// proof is about the name. So the definition is trusted as a renaming is, and what is
// done with it is proved.
//
// An item that knows no field of the rule is not asked, for most items of a large
// pipeline are about fields that a rule has not. This keeps 700 items below the cost
// of the rest of a conversion, and the cases run without it too, with the same result.
//
// Losses have directions. A dropped item makes a rule wider if it was one of several
// that must hold, narrower if it was one of several that may, and the reverse under a
// `not` (loss.go). Whether the log source is tested at all is followed through a run:
// a condition that finds it makes its item about it, and so what is set by that item.
// What a target cannot tell apart is the business of verify.Losses.
//
// A pipeline may be a stranger's. Jinja is read by a library and run here (jinja.go),
// where each step and each value that is made counts, since the library's way cannot
// be stopped; an expression of jq has functions that count put into its pipes (jq.go).
package pipeline

import (
	"cmp"
	"crypto/sha256"
	"path/filepath"
	"slices"
	"strconv"

	"gopkg.in/yaml.v3"

	"sigmac/internal/suggest"
	"sigmac/ir"
	"sigmac/parser"
)

// A Pipeline is a processing pipeline, or several that were joined. It is not
// changed after Parse and may be used by many goroutines.
type Pipeline struct {
	Path            string
	ID              string // the name of a built-in one, else that of its file
	Name            string
	Priority        int
	AllowedBackends []string // none: all

	vars  []variable
	text  []byte // nil: that of a built-in one
	items []entry
	post  []*postItem
	final []*finalItem
	parts []*Pipeline // of a joined one, which has nothing else
}

// A variable is an entry of vars.
type variable struct {
	name   string
	values []string
	list   bool
}

// maxItems bounds the entries of a file's lists, nested ones included. The
// largest public pipeline has 200.
const maxItems = 10_000

// Parse reads a pipeline file. With errors there is no Pipeline.
func Parse(path string, src []byte) (*Pipeline, []*ir.Diagnostic) {
	y, roots := parser.Open("pipeline", path, src)
	f := &file{File: y, path: path}
	p := &Pipeline{Path: path, ID: filepath.Base(path), text: src}
	switch {
	case len(y.Errors()) > 0:
	case len(roots) == 0:
		f.Fail(nil, "the file is empty")
	case len(roots) > 1:
		f.Fail(roots[1], "a pipeline file holds one document")
	default:
		f.pipeline(p, roots[0])
	}
	if errs := y.Errors(); len(errs) > 0 {
		return nil, errs
	}
	return p, nil
}

// SHA256 is that of its text.
func (p *Pipeline) SHA256() [sha256.Size]byte {
	text := p.text
	if text == nil {
		text, _ = BuiltinSource(p.ID)
	}
	return sha256.Sum256(text)
}

// Join is all of ps as one, by ascending priority; among equals, in the order
// given. A variable of a later one stands before that of an earlier one.
func Join(ps ...*Pipeline) *Pipeline {
	out := &Pipeline{}
	for _, p := range ps {
		out.parts = append(out.parts, p.Parts()...)
	}
	slices.SortStableFunc(out.parts, func(a, b *Pipeline) int { return cmp.Compare(a.Priority, b.Priority) })
	return out
}

// Parts are the pipelines that were joined, in their order; none of nil.
func (p *Pipeline) Parts() []*Pipeline {
	switch {
	case p == nil:
		return nil
	case p.parts != nil || p.Path == "":
		return p.parts
	}
	return []*Pipeline{p}
}

// variable finds a variable; the last pipeline that has it decides.
func (p *Pipeline) variable(name string) ([]string, bool) {
	all := p.Parts()
	for i := len(all) - 1; i >= 0; i-- {
		for _, v := range all[i].vars {
			if v.name == name {
				return v.values, true
			}
		}
	}
	return nil, false
}

// data is what templates see as `pipeline`.
func (p *Pipeline) data(state map[string]any) map[string]any {
	vars := map[string]any{}
	name, priority := "", 0
	for _, part := range p.Parts() {
		for _, v := range part.vars {
			if v.list {
				vars[v.name] = list(v.values)
			} else {
				vars[v.name] = v.values[0]
			}
		}
		name, priority = part.Name, part.Priority
	}
	return map[string]any{"name": name, "priority": priority, "vars": vars, "state": state}
}

// A file is a pipeline file while it is read.
type file struct {
	*parser.File
	path  string
	count int // of items
}

func posOf(n *yaml.Node) ir.Pos { return ir.Pos{Line: n.Line, Column: n.Column} }

func (f *file) pipeline(p *Pipeline, root *yaml.Node) {
	ps, ok := f.params("a pipeline", root)
	if !ok {
		return
	}
	p.Name = ps.textOr("name", "")
	p.Priority = ps.whole("priority", 0)
	p.AllowedBackends = ps.texts("allowed_backends", false)
	if n := ps.take("vars"); n != nil {
		p.vars = f.vars(n)
	}
	p.items = f.items(ps.take("transformations"), 0)
	p.post = f.postItems(ps.take("postprocessing"), 0)
	p.final = f.finalItems(ps.take("finalizers"), 0)
	ps.done()
}

func (f *file) vars(n *yaml.Node) (out []variable) {
	if n.Kind != yaml.MappingNode {
		f.Fail(n, "vars must be a mapping of names to values")
		return nil
	}
	for _, e := range f.Entries(n) {
		v := variable{name: e.Name, list: e.Value.Kind == yaml.SequenceNode}
		values := []*yaml.Node{e.Value}
		if v.list {
			values = e.Value.Content
		}
		for _, c := range values {
			switch x := f.scalar(parser.Deref(c)).(type) {
			case string:
				v.values = append(v.values, x)
			case ir.Number:
				v.values = append(v.values, string(x))
			default:
				f.Fail(c, "a variable is a text, a number or a list of these")
				v.values = append(v.values, "")
			}
		}
		out = append(out, v)
	}
	return out
}

// scalar is the typed value of a scalar node: a string, a bool, an ir.Number
// or nil.
func (f *file) scalar(n *yaml.Node) any {
	if n.Kind != yaml.ScalarNode {
		return n
	}
	v, why := parser.Resolve(n)
	if why != "" {
		f.Fail(n, "%s", why)
	}
	return v
}

// value is any YAML value as templates and states have it.
func (f *file) value(n *yaml.Node) any {
	switch n = parser.Deref(n); n.Kind {
	case yaml.SequenceNode:
		out := make([]any, 0, len(n.Content))
		for _, c := range n.Content {
			out = append(out, f.value(c))
		}
		return out
	case yaml.MappingNode:
		out := map[string]any{}
		for _, e := range f.Entries(n) {
			out[e.Name] = f.value(e.Value)
		}
		return out
	}
	return f.scalar(n)
}

// entriesOf lists the entries of a list of items, each with its type.
func (f *file) entriesOf(n *yaml.Node, what string, depth int, read func(p *params, kind string)) {
	const maxDepth = 10
	switch {
	case n == nil:
		return
	case n.Kind != yaml.SequenceNode:
		f.Fail(n, "a list is expected, each entry of it %s", what)
		return
	case depth > maxDepth:
		f.Fail(n, "nested more than %d deep", maxDepth)
		return
	}
	for _, c := range n.Content {
		if f.count++; f.count > maxItems {
			if f.count == maxItems+1 {
				f.Fail(c, "more than %d items", maxItems)
			}
			return
		}
		p, ok := f.params(what, c)
		if !ok {
			continue
		}
		t := p.need("type")
		if t == nil {
			continue
		}
		if t.Kind != yaml.ScalarNode {
			f.Fail(t, "the type of %s must be a text", what)
			continue
		}
		p.typed = t
		read(p, t.Value)
	}
}

// unknown reports a type that there is not.
func (p *params) unknown(kind string, known []string) {
	p.Fail(p.typed, "%q is no type of %s%s", kind, p.what, suggest.For(kind, known))
}

// params are the keys of a mapping, each to be asked for; done reports those
// that were not.
type params struct {
	*file
	what    string // with its article
	body    *yaml.Node
	typed   *yaml.Node // the value of its key type
	entries []parser.Entry
	asked   []string
	depth   int
}

func (f *file) params(what string, n *yaml.Node) (*params, bool) {
	n = parser.Deref(n)
	if n.Kind != yaml.MappingNode {
		f.Fail(n, "%s must be a mapping", what)
		return nil, false
	}
	const most = 20 // keys that an item is asked for
	return &params{file: f, what: what, body: n, entries: f.Entries(n), asked: make([]string, 0, most)}, true
}

// take is the value of a key, or nil if it is absent or null.
func (p *params) take(name string) *yaml.Node {
	n := p.raw(name)
	if n == nil || n.Kind == yaml.ScalarNode && p.scalar(n) == nil {
		return nil
	}
	return n
}

// raw is the value of a key, or nil if it is absent.
func (p *params) raw(name string) *yaml.Node {
	p.asked = append(p.asked, name)
	for _, e := range p.entries {
		if e.Name == name {
			return e.Value
		}
	}
	return nil
}

func (p *params) need(name string) *yaml.Node {
	n := p.take(name)
	if n == nil {
		p.Fail(p.body, "the key %q is missing", name)
	}
	return n
}

func (p *params) done() {
	for _, e := range p.entries {
		if !slices.Contains(p.asked, e.Name) {
			p.Fail(e.Key, "%s has no key %q%s", p.what, e.Name, suggest.For(e.Name, p.asked))
		}
	}
}

func (p *params) textOf(name string, n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode {
		p.Fail(n, "%q must be a text", name)
		return ""
	}
	return n.Value
}

func (p *params) text(name string) string {
	if n := p.need(name); n != nil {
		return p.textOf(name, n)
	}
	return ""
}

// filled is a text that is not empty.
func (p *params) filled(name string) string {
	n := p.need(name)
	if n == nil {
		return ""
	}
	s := p.textOf(name, n)
	if s == "" && n.Kind == yaml.ScalarNode {
		p.Fail(n, "%q is empty", name)
	}
	return s
}

func (p *params) textOr(name, otherwise string) string {
	if n := p.take(name); n != nil {
		return p.textOf(name, n)
	}
	return otherwise
}

func (p *params) flag(name string, otherwise bool) bool {
	n := p.take(name)
	if n == nil {
		return otherwise
	}
	b, ok := p.scalar(n).(bool)
	if !ok {
		p.Fail(n, "%q must be true or false", name)
	}
	return b
}

func (p *params) whole(name string, otherwise int) int {
	n := p.take(name)
	if n == nil {
		return otherwise
	}
	num, ok := p.scalar(n).(ir.Number)
	i, err := strconv.Atoi(string(num))
	if !ok || err != nil || strconv.Itoa(i) != string(num) {
		p.Fail(n, "%q must be a whole number", name)
	}
	return i
}

// positive is a whole number above zero.
func (p *params) positive(name string, otherwise int) int {
	i := p.whole(name, otherwise)
	if n := p.take(name); n != nil && i <= 0 {
		p.Fail(n, "%q must be a whole number above 0", name)
		return otherwise
	}
	return i
}

func (p *params) oneOf(name, otherwise string, words ...string) string {
	n := p.take(name)
	switch {
	case n == nil && otherwise == "":
		p.Fail(p.body, "the key %q is missing", name)
		return words[0]
	case n == nil:
		return otherwise
	}
	if s := p.textOf(name, n); slices.Contains(words, s) {
		return s
	}
	p.Fail(n, "%q is none of %s%s", n.Value, join(words), suggest.For(n.Value, words))
	return words[0]
}

func join(words []string) string {
	s := ""
	for i, w := range words {
		switch {
		case i == 0:
		case i == len(words)-1:
			s += " and "
		default:
			s += ", "
		}
		s += w
	}
	return s
}

func (p *params) texts(name string, required bool) []string {
	n := p.take(name)
	if n == nil {
		if required {
			p.Fail(p.body, "the key %q is missing", name)
		}
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		p.Fail(n, "%q must be a list of texts", name)
		return nil
	}
	return p.textList(name, n)
}

// textOrTexts is one text or a list of them.
func (p *params) textOrTexts(name string) []string {
	n := p.need(name)
	if n == nil {
		return nil
	}
	return p.textList(name, n)
}

func (p *params) textList(name string, n *yaml.Node) []string {
	nodes := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		nodes = n.Content
	}
	out := []string{}
	for _, c := range nodes {
		if c = parser.Deref(c); c.Kind != yaml.ScalarNode || p.scalar(c) == nil {
			p.Fail(c, "%q must be a text or a list of texts", name)
			continue
		}
		out = append(out, c.Value)
	}
	return out
}

// A mapping is a table of texts. Its key nil is YAML's null.
type mapping []struct {
	key    *string
	values []string
}

// table reads a mapping to texts, or with lists to lists of them.
func (p *params) table(name string, required, lists bool) (out mapping) {
	n := p.take(name)
	if n == nil {
		if required {
			p.Fail(p.body, "the key %q is missing", name)
		}
		return nil
	}
	if n.Kind != yaml.MappingNode {
		p.Fail(n, "%q must be a mapping", name)
		return nil
	}
	for _, e := range p.Entries(n) {
		row := struct {
			key    *string
			values []string
		}{key: &e.Name}
		if p.scalar(parser.Deref(e.Key)) == nil {
			row.key = nil
		}
		if e.Value.Kind == yaml.SequenceNode && !lists {
			p.Fail(e.Value, "a value of %q must be a text", name)
			continue
		}
		row.values = p.textList(name, e.Value)
		out = append(out, row)
	}
	return out
}

func (m mapping) get(key string) ([]string, bool) {
	for _, row := range m {
		if row.key != nil && *row.key == key {
			return row.values, true
		}
	}
	return nil, false
}

func (m mapping) null() ([]string, bool) {
	for _, row := range m {
		if row.key == nil {
			return row.values, true
		}
	}
	return nil, false
}

// literal is a text, a number, a boolean or null.
func (p *params) literal(name string) any {
	n := p.raw(name)
	if n == nil {
		p.Fail(p.body, "the key %q is missing", name)
		return nil
	}
	if n.Kind != yaml.ScalarNode {
		p.Fail(n, "%q must be a text, a number or a boolean", name)
		return nil
	}
	return p.scalar(n)
}

// granted refuses a permission that a file gives itself.
func (p *params) granted(name string) {
	n := p.take(name)
	if n == nil || n.Kind == yaml.ScalarNode && p.scalar(n) == false {
		return
	}
	p.Fail(n, "%q cannot be given in a file; the program that loads the pipeline says so", name)
}
