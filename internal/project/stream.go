package project

import (
	"iter"
	"strings"

	"sigmac/internal/link"
	"sigmac/internal/ordered"
	"sigmac/ir"
	"sigmac/parser"
)

// A Stream is the rules of Paths, read one file after the other as Load would give them, so
// that what is kept does not grow with their number.
type Stream struct {
	Files        []string
	Correlations *link.Correlations // those among the files, as of LoadCorrelated
	p            *Project
	filters      *link.Filters
	found        []link.Finding
	faults       map[place][]*ir.Diagnostic // of found, by document
	err          error
}

// Stream reads what is to be known before the first of the rules.
func (p *Project) Stream() (*Stream, error) {
	files, err := p.Files()
	if err != nil {
		return nil, err
	}
	s := &Stream{Files: files, p: p, faults: map[place][]*ir.Diagnostic{}}
	filters, err := p.FiltersOf(files, s.read)
	if err != nil {
		return nil, err
	}
	s.filters = link.NewFilters(filters)
	if s.Correlations, err = p.CorrelationsOf(files, s.read, filters); err != nil {
		return nil, err
	}
	if s.found, err = s.names(); err != nil {
		return nil, err
	}
	for _, f := range s.found {
		if at := (place{f.Doc.Path, f.Doc.Pos}); !f.Note {
			s.faults[at] = append(s.faults[at], f.Diagnostic)
		}
	}
	return s, nil
}

func (s *Stream) read(i int) ([]byte, error) { return s.p.Read(s.Files[i]) }

// names finds the names that lead to no rule. Of most files nothing is read as YAML for it.
func (s *Stream) names() ([]link.Finding, error) {
	of := func(some func(path string, src []byte) []*parser.Document) ([]*parser.Document, error) {
		return documentsOf(s.Files, s.p.read, some)
	}
	naming, err := of(link.NamingIn)
	if err != nil || len(naming) == 0 {
		return nil, err
	}
	names := map[string]bool{}
	for _, d := range naming {
		for _, n := range link.Names(d) {
			names[n.Text], names[strings.ToLower(n.Text)] = true, true
		}
	}
	linked := func(some func(path string, src []byte) []*parser.Document) (*link.Linker, error) {
		l := &link.Linker{}
		docs, err := of(some)
		l.Know(docs, false)
		for _, d := range naming {
			l.Add(d)
		}
		return l, err
	}
	l, err := linked(calledBy(names))
	if err == nil && l.Unresolved() && len(s.p.rules)+len(s.p.Context) > 0 {
		l, err = linked(func(path string, src []byte) (docs []*parser.Document) { // what is called nearly so is told
			for _, d := range parser.Parse(path, src).Documents {
				docs = append(docs, link.Called(d))
			}
			return docs
		})
	}
	if err != nil {
		return nil, err
	}
	return s.p.Findings(l, s.Files)
}

// Each yields the documents, in their order, with what f makes of each; it works on several
// at a time. Err says whether all were read.
func Each[R any](s *Stream, f func(*parser.Document) R) iter.Seq2[*parser.Document, R] {
	type file struct {
		docs []*parser.Document
		made []R
		err  error
	}
	return func(yield func(*parser.Document, R) bool) {
		for i, x := range ordered.Map(s.Files, func(path string) (x file) {
			src, err := s.p.Read(path)
			if err != nil {
				return file{err: err}
			}
			x.docs = parser.Parse(path, src).Documents
			for _, d := range x.docs {
				s.filters.Join(d)
				for _, e := range s.faults[place{d.Path, d.Pos}] {
					d.Fail(e)
				}
				x.made = append(x.made, f(d))
			}
			return x
		}) {
			if s.err = x.err; x.err != nil {
				return
			}
			s.p.Holds(s.Files[i], len(x.docs) > 0)
			for j, d := range x.docs {
				s.p.Joined(d)
				if !yield(d, x.made[j]) {
					return
				}
			}
		}
		s.p.TellUnused()
		for _, f := range s.found {
			if f.Note {
				s.p.Note("%s: note: %s", f.Place(), f.Msg)
			}
		}
	}
}

// Err is why Each ended before all documents, or nil.
func (s *Stream) Err() error { return s.err }
