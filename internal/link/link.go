// Package link finds the documents that correlations and filters name. They name these
// by id or by name, in any number of files.
//
// Of a rule it keeps what it is called, so a stream of files stays a stream. Documents
// of the context are known and not converted. What nobody has is an error only where
// nothing else can have it.
package link

import (
	"fmt"
	"slices"
	"strings"

	"sigmac/internal/suggest"
	"sigmac/ir"
	"sigmac/parser"
)

// A Linker learns of documents one after the other, and keeps of a rule only what it
// is called.
type Linker struct {
	entries  []Entry
	named    map[string][]int // entries by id, in lower case, and by name
	seen     map[place]bool
	naming   []*parser.Document
	complete bool
}

type place struct {
	path string
	pos  ir.Pos
}

// An Entry is what is known of a document.
type Entry struct {
	ID, Name, Title string
	Kind            parser.Kind
	Source          ir.LogSource // of a rule: its product, category and service
	Taxonomy        string       // of a rule
	Path            string
	Pos             ir.Pos
	names           []ir.Name // that it names itself
}

// The codes of what is wrong with a name.
const (
	Unknown   = "unknown_reference"   // no document is called so
	Ambiguous = "ambiguous_reference" // several are
	Unfit     = "unfit_reference"     // it cannot be named there
	Cyclic    = "cyclic_reference"    // it leads back to the document that names it
	Apart     = "filter_logsource"    // it is that of a rule that the filter's log source does not take in
)

// A Finding is a name that leads to no document, or to the wrong one. As a Note, the
// document may be among files that were not read, or the filter is not joined to it.
type Finding struct {
	*ir.Diagnostic
	Doc  *parser.Document // that has the name
	Note bool
}

// Called is a document as a Linker knows it: of a rule what it is called, and its log source.
func Called(d *parser.Document) *parser.Document {
	out := *d
	out.Broken = nil
	if d.Rule != nil {
		out.Rule = &ir.Rule{Meta: ir.Meta{Taxonomy: d.Rule.Meta.Taxonomy}, Source: d.Rule.Source}
	}
	return &out
}

// Add learns of a document whose names are to be resolved.
func (l *Linker) Add(d *parser.Document) {
	if l.know(d); d.Correlation != nil || d.Filter != nil {
		l.naming = append(l.naming, d)
	}
}

// Know learns of documents that may be named. Where these are all that there are, what
// is still unknown is an error.
func (l *Linker) Know(ds []*parser.Document, all bool) {
	for _, d := range ds {
		l.know(d)
	}
	l.complete = l.complete || all
}

func (l *Linker) know(d *parser.Document) {
	if d.Kind == parser.Unreadable {
		return
	}
	if l.named == nil {
		l.named, l.seen = map[string][]int{}, map[place]bool{}
	}
	at := place{d.Path, d.Pos}
	if l.seen[at] {
		return // a file that is read twice
	}
	l.seen[at] = true
	own := strings.Clone // for a text of a document keeps the whole file
	e := Entry{ID: own(d.ID), Name: own(d.Name), Title: own(d.Title), Kind: d.Kind, Path: d.Path, Pos: d.Pos, names: Names(d)}
	if d.Rule != nil {
		s := d.Rule.Source
		e.Source = ir.LogSource{Product: own(s.Product), Category: own(s.Category), Service: own(s.Service), Pos: s.Pos}
		e.Taxonomy = own(d.Rule.Meta.Taxonomy)
	}
	l.entries = append(l.entries, e)
	keys := []string{strings.ToLower(e.ID)}
	if e.Name != e.ID {
		keys = append(keys, e.Name)
	}
	for _, key := range keys {
		if key != "" {
			l.named[key] = append(l.named[key], len(l.entries)-1)
		}
	}
}

// Names are those by which a document names others.
func Names(d *parser.Document) []ir.Name {
	switch {
	case d.Correlation != nil:
		return d.Correlation.Rules
	case d.Filter != nil:
		return d.Filter.Rules
	}
	return nil
}

// find are the documents of an id or a name.
func (l *Linker) find(name string) []int {
	if found := l.named[name]; found != nil {
		return found
	}
	return l.named[strings.ToLower(name)]
}

// Unresolved says whether some document names one that is not known so far.
func (l *Linker) Unresolved() bool {
	return slices.ContainsFunc(l.naming, func(d *parser.Document) bool {
		return slices.ContainsFunc(Names(d), func(n ir.Name) bool { return l.find(n.Text) == nil })
	})
}

// Named are the documents that d names, in its order, as far as each name is that of
// one document.
func (l *Linker) Named(d *parser.Document) (out []Entry) {
	for _, n := range Names(d) {
		if found := l.find(n.Text); len(found) == 1 {
			out = append(out, l.entries[found[0]])
		}
	}
	return out
}

// Findings are the names that lead nowhere, in the order of the documents.
func (l *Linker) Findings() (out []Finding) {
	circles := l.circles()
	for _, d := range l.naming {
		for _, n := range Names(d) {
			if f, wrong := l.look(d, n, circles); wrong {
				d.Place(f.Diagnostic)
				out = append(out, f)
			}
		}
	}
	return out
}

func (l *Linker) look(d *parser.Document, n ir.Name, circles map[place]int) (f Finding, wrong bool) {
	f = Finding{Doc: d, Diagnostic: &ir.Diagnostic{Pos: n.Pos, Source: "link"}}
	found := l.find(n.Text)
	switch {
	case len(found) == 0:
		f.Code, f.Note = Unknown, !l.complete
		f.Msg = fmt.Sprintf("no rule is called %q%s", n.Text, suggest.For(n.Text, l.words(n.Text)))
		if f.Note {
			f.Msg = fmt.Sprintf("no rule among these files is called %q; --context or sigmac.yaml's rules say where others are", n.Text)
		}
	case len(found) > 1:
		var places []string
		for _, i := range found[:min(len(found), maxPlaces)] {
			places = append(places, fmt.Sprintf("%s:%d", l.entries[i].Path, l.entries[i].Pos.Line))
		}
		f.Code, f.Msg = Ambiguous, fmt.Sprintf("%q is what several rules are called: %s", n.Text, strings.Join(places, ", "))
	case l.entries[found[0]].Kind == parser.FilterRule:
		f.Code, f.Msg = Unfit, fmt.Sprintf("%q is a filter, and rules are named here", n.Text)
	default:
		e := l.entries[found[0]]
		if d.Filter != nil && e.Kind == parser.Rule && !d.Filter.Source.Covers(e.Source) {
			f.Code, f.Note = Apart, true
			f.Msg = fmt.Sprintf("%q is a rule for %s, and the filter for %s: it is not joined", n.Text, e.Source, d.Filter.Source)
			return f, true
		}
		circle := circles[place{d.Path, d.Pos}]
		if circle == 0 || circle != circles[place{e.Path, e.Pos}] {
			return f, false
		}
		f.Code, f.Msg = Cyclic, fmt.Sprintf("%q leads back to this %s", n.Text, d.Kind)
	}
	return f, true
}

// maxPlaces bounds the places that a message lists.
const maxPlaces = 5

// maxWords bounds the names that are looked through for a suggestion.
const maxWords = 10_000

// words are the names and ids that s may be a misspelling of: of about its length.
func (l *Linker) words(s string) (out []string) {
	for _, e := range l.entries[:min(len(l.entries), maxWords)] {
		for _, w := range []string{e.Name, e.ID} {
			if w != "" && e.Kind != parser.FilterRule && max(len(w)-len(s), len(s)-len(w)) <= len(s)/3+2 {
				out = append(out, w)
			}
		}
	}
	return out
}

// circles numbers, from 1 on, the sets of documents that lead to each other by what
// they name: the strongly connected components of more than one, or of one that names
// itself (Tarjan).
func (l *Linker) circles() map[place]int {
	out := map[place]int{}
	index, low := make([]int, len(l.entries)), make([]int, len(l.entries))
	on := make([]bool, len(l.entries))
	var stack []int
	count, circles := 0, 0
	var visit func(v int)
	visit = func(v int) {
		count++
		index[v], low[v], on[v] = count, count, true
		stack = append(stack, v)
		self := false
		for _, n := range l.entries[v].names {
			for _, w := range l.find(n.Text) {
				self = self || w == v
				if index[w] == 0 {
					visit(w)
					low[v] = min(low[v], low[w])
				} else if on[w] {
					low[v] = min(low[v], index[w])
				}
			}
		}
		if low[v] != index[v] {
			return
		}
		at := len(stack) - 1
		for stack[at] != v {
			at--
		}
		set := stack[at:]
		stack = stack[:at]
		if len(set) > 1 || self {
			circles++
		}
		for _, w := range set {
			if on[w] = false; len(set) > 1 || self {
				out[place{l.entries[w].Path, l.entries[w].Pos}] = circles
			}
		}
	}
	for v, e := range l.entries {
		if index[v] == 0 && len(e.names) > 0 {
			visit(v)
		}
	}
	return out
}
