package link

import (
	"path/filepath"
	"slices"
	"strings"

	"sigmac/ir"
	"sigmac/parser"
)

// Correlations are those of some documents, with the documents that they name. The zero
// value has none.
type Correlations struct {
	docs   []*parser.Document // what is named stands before what names it
	named  map[place][]*parser.Document
	lacks  []Lack
	lack   map[place]ir.Name // of those, by document
	silent map[place]bool
}

// A Lack is a correlation that names no document, or several, by a name.
type Lack struct {
	Doc  *parser.Document
	Name ir.Name
}

// NewCorrelations are the correlations among documents, each once, and those that these name.
// Names may lead to any of the documents, which have their filters joined to them, and to
// those of the context. A correlation is left out that names what is not there, or several
// documents by one name, or leads back to itself: Findings tells that. Where a document has a
// name, the context is not asked for it. Others are correlations of which is asked only
// whether documents are there for them.
func NewCorrelations(docs, context []*parser.Document, others ...*parser.Document) *Correlations {
	cs := &Correlations{named: map[place][]*parser.Document{}, lack: map[place]ir.Name{}, silent: map[place]bool{}}
	called := map[string][]*parser.Document{}
	know := func(ds []*parser.Document, of func(*parser.Document) string, known map[string]bool) map[string]bool {
		seen, new := map[place]bool{}, map[string]bool{}
		for _, d := range ds {
			at := place{of(d), d.Pos}
			if seen[at] || d.Rule == nil && d.Correlation == nil {
				continue
			}
			seen[at] = true
			for _, key := range keys(d) {
				if !known[key] {
					new[key] = true
					called[key] = append(called[key], d)
				}
			}
		}
		return new
	}
	file := func(d *parser.Document) string { return filepath.Base(d.Path) } // one may be come upon by two paths
	know(context, file, know(docs, func(d *parser.Document) string { return d.Path }, nil))
	named := func(n ir.Name) []*parser.Document {
		if found := called[n.Text]; found != nil {
			return found
		}
		return called[strings.ToLower(n.Text)]
	}
	generated := map[place]bool{}
	takes := func(x *parser.Document, generate bool) {
		at := place{x.Path, x.Pos}
		cs.silent[at] = true
		generated[at] = generated[at] || generate
	}
	state := map[place]int{} // 1: being looked at; 2: complete; 3: not
	var visit func(d *parser.Document) bool
	visit = func(d *parser.Document) bool {
		at := place{d.Path, d.Pos}
		if d.Correlation == nil || state[at] != 0 {
			return d.Correlation == nil || state[at] == 2
		}
		state[at] = 1
		complete := true
		var all []*parser.Document
		for _, n := range d.Correlation.Rules {
			found := named(n)
			if len(found) != 1 || !visit(found[0]) {
				if complete {
					cs.lacks, cs.lack[at] = append(cs.lacks, Lack{d, n}), n
				}
				complete = false
				continue
			}
			all = append(all, found[0])
		}
		for _, x := range all {
			takes(x, d.Correlation.Generate)
		}
		if state[at] = 3; complete {
			state[at], cs.named[at] = 2, all
			cs.docs = append(cs.docs, d)
		}
		return complete
	}
	for _, d := range docs {
		if d.Correlation != nil {
			visit(d)
		}
	}
	for _, d := range others {
		for _, n := range d.Correlation.Rules {
			if found := named(n); len(found) == 1 {
				takes(found[0], d.Correlation.Generate)
			}
		}
	}
	for at := range cs.silent {
		cs.silent[at] = !generated[at]
	}
	return cs
}

// keys are what a document is called: its id, in lower case, and its name.
func keys(d *parser.Document) (out []string) {
	if d.ID != "" {
		out = append(out, strings.ToLower(d.ID))
	}
	if d.Name != "" && d.Name != d.ID {
		out = append(out, d.Name)
	}
	return out
}

// All are the correlations whose names all lead to documents. One that another names stands
// before that.
func (cs *Correlations) All() []*parser.Document {
	if cs == nil {
		return nil
	}
	return cs.docs
}

// Lacks are the correlations that are not among All, each with the first name that leads to
// no document, to several, or to one that is not among All either.
func (cs *Correlations) Lacks() []Lack {
	if cs == nil {
		return nil
	}
	return cs.lacks
}

// Lack is the name for which a correlation is among Lacks.
func (cs *Correlations) Lack(d *parser.Document) (n ir.Name, ok bool) {
	if cs != nil {
		n, ok = cs.lack[place{d.Path, d.Pos}]
	}
	return n, ok
}

// Named are the documents that a correlation of All names, in the order of its names.
func (cs *Correlations) Named(d *parser.Document) ([]*parser.Document, bool) {
	if cs == nil {
		return nil, false
	}
	named, ok := cs.named[place{d.Path, d.Pos}]
	return named, ok
}

// Only are one correlation and those that it names, as its names lead there among all.
func (cs *Correlations) Only(d *parser.Document) *Correlations {
	out := &Correlations{named: map[place][]*parser.Document{}, silent: map[place]bool{}}
	if cs == nil {
		return out
	}
	out.named, out.lack = cs.named, cs.lack
	for _, l := range cs.lacks {
		if l.Doc == d {
			out.lacks = append(out.lacks, l)
		}
	}
	wanted := map[place]bool{{d.Path, d.Pos}: true}
	for _, x := range slices.Backward(cs.docs) { // what names stands behind what it names
		at := place{x.Path, x.Pos}
		if !wanted[at] {
			continue
		}
		out.docs = append(out.docs, x)
		for _, n := range cs.named[at] {
			wanted[place{n.Path, n.Pos}] = true
		}
	}
	slices.Reverse(out.docs)
	return out
}

// Silent says whether a rule or a correlation is there for the correlations that name it
// alone, as none of them has `generate: true`.
func (cs *Correlations) Silent(d *parser.Document) bool {
	return cs != nil && cs.silent[place{d.Path, d.Pos}]
}

// CorrelationsIn are the correlations of a file. Most files of rules are not read as YAML
// for it.
func CorrelationsIn(path string, src []byte) []*parser.Document {
	if !mayHave(src, "correlation") {
		return nil
	}
	return slices.DeleteFunc(parser.Parse(path, src).Documents, func(d *parser.Document) bool { return d.Correlation == nil })
}

// CalledIn are the documents of a file that are called by one of the names. Most files that
// have none are not read as YAML for it.
func CalledIn(path string, src []byte, names map[string]bool) []*parser.Document {
	if !mayCall(src, names) {
		return nil
	}
	return slices.DeleteFunc(parser.Parse(path, src).Documents, func(d *parser.Document) bool {
		return !slices.ContainsFunc(keys(d), func(k string) bool { return names[k] })
	})
}

// NamesOf are the names by which correlations name others, as CalledIn takes them.
func NamesOf(correlations []*parser.Document) map[string]bool {
	out := map[string]bool{}
	for _, d := range correlations {
		if d.Correlation != nil {
			for _, n := range d.Correlation.Rules {
				out[n.Text], out[strings.ToLower(n.Text)] = true, true
			}
		}
	}
	return out
}
