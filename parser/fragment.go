package parser

import (
	"gopkg.in/yaml.v3"

	"sigmac/ir"
)

// A File is a YAML file that holds no rules but parts of them, read within the
// limits that rule files have. It gathers the file's errors.
type File struct{ file }

// An Entry is a key of a mapping with its value, which is no alias.
type Entry struct {
	Key   *yaml.Node
	Name  string
	Value *yaml.Node
}

// Open reads the documents of src; source stands in diagnostics.
func Open(source, path string, src []byte) (*File, []*yaml.Node) {
	f := &File{file{source: source, path: path, src: src}}
	roots, fault := readYAML(src, new(nodeMemory))
	if fault != nil {
		f.errs = append(f.errs, f.unreadable(fault))
	}
	return f, roots
}

// Attribute is the value of an attribute of a document, in a file that takes the errors of what
// is in it; nil where the document has none of that name. The file is read again.
func (d *Document) Attribute(name string) (f *File, value *yaml.Node) {
	if d.file == nil {
		return nil, nil
	}
	f = &File{file{source: d.file.source, path: d.file.path, src: d.file.src}}
	Visit(d.file.path, d.file.src, func(x *Document, root *yaml.Node) {
		if x.Pos != d.Pos || root.Kind != yaml.MappingNode {
			return
		}
		for _, e := range f.Entries(root) {
			if e.Name == name {
				value = e.Value
			}
		}
	})
	return f, value
}

// Empty is a file whose nodes do not come from its text.
func Empty(source, path string) *File { return &File{file{source: source, path: path}} }

// Fail records an error of a node; of the file as a whole without one.
func (f *File) Fail(n *yaml.Node, format string, args ...any) { f.fail(n, format, args...) }

// FailIn records an error of the bytes of a scalar's text from one up to another.
func (f *File) FailIn(n *yaml.Node, from, to int, format string, args ...any) {
	f.failIn(n, from, to, "", format, args...)
}

// Errors lists the errors in the order of the file.
func (f *File) Errors() []*ir.Diagnostic { return finish(f.errs) }

// Entries lists a mapping, its merge keys followed.
func (f *File) Entries(n *yaml.Node) []Entry {
	entries := f.entries(n)
	out := make([]Entry, 0, len(entries))
	for _, e := range entries {
		out = append(out, Entry{e.key, e.name, e.value})
	}
	return out
}

// Item reads one line of a detection; without a key it holds keywords.
func (f *File) Item(key, value *yaml.Node) ir.Expr {
	name := ""
	if key != nil {
		name = deref(key).Value
	}
	return f.item(name, key, value)
}

// Deref follows aliases.
func Deref(n *yaml.Node) *yaml.Node { return deref(n) }

// Resolve gives a scalar its type as rules do: a string, a bool, an ir.Number
// or nil. why says what is wrong with it.
func Resolve(n *yaml.Node) (value any, why string) {
	s, why := scalarOf(n)
	switch s.Kind {
	case ir.ScalarNumber:
		return s.number, why
	case ir.ScalarBool:
		return s.truth, why
	case ir.ScalarNull:
		return nil, why
	}
	return s.Text, why
}

// Text reads a text with Sigma's wildcards and escapes.
func Text(s string) ir.Pattern { return pattern(s, false) }
