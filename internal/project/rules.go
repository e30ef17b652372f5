package project

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"sigmac"
	"sigmac/internal/link"
	"sigmac/internal/ordered"
	"sigmac/parser"
)

// Paths are those of the rules that are asked for, or else those of sigmac.yaml.
func (p *Project) Paths() ([]string, error) {
	switch {
	case len(p.Rules) > 0:
		return p.Rules, nil
	case p.FromConfig && len(p.rules) > 0:
		return p.rules, nil
	}
	return nil, fmt.Errorf("%s needs a file, a directory or - for standard input; see sigmac %[1]s --help", p.Verb)
}

// Files lists the rule files of Paths.
func (p *Project) Files() ([]string, error) {
	paths, err := p.Paths()
	if err != nil {
		return nil, err
	}
	return ListFiles(paths, p.Patterns)
}

// Read reads a file of a rule.
func (p *Project) Read(path string) ([]byte, error) { return ReadFile(path, p.Stdin) }

// Load reads the rules and resolves what they name.
func (p *Project) Load() (*parser.Collection, error) {
	files, err := p.Files()
	if err != nil {
		return nil, err
	}
	return p.Parse(files, func(i int) ([]byte, error) { return p.Read(files[i]) })
}

// Parse parses the bytes that read gives of files, and resolves what the documents name:
// errors become those of the documents, and a note tells what may be found elsewhere.
func (p *Project) Parse(files []string, read func(i int) ([]byte, error)) (*parser.Collection, error) {
	c, errs := sigmac.ParseFiles(files, read)
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	l := &link.Linker{}
	for _, d := range c.Documents {
		l.Add(d)
	}
	found, err := p.Findings(l, files)
	for _, f := range found {
		if f.Note {
			p.Note("%s: note: %s", f.Place(), f.Msg)
		} else {
			f.Doc.Fail(f.Diagnostic)
		}
	}
	return c, err
}

// Findings are those of a linker that knows the documents of files, after it was told
// of the context where it needs that.
func (p *Project) Findings(l *link.Linker, files []string) ([]link.Finding, error) {
	if l.Unresolved() {
		docs, complete, err := p.ContextOf(files)
		if err != nil {
			return nil, err
		}
		l.Know(docs, complete)
	}
	return l.Findings(), nil
}

// ContextOf are the documents of the paths of Context and of the rules of sigmac.yaml,
// without those of files; complete is false where neither is given, or one of these
// rules is not there. Of a rule they say what it is called.
func (p *Project) ContextOf(files []string) (docs []*parser.Document, complete bool, err error) {
	complete = len(p.rules)+len(p.Context) > 0
	there := slices.Clone(p.Context)
	for _, path := range p.rules {
		if _, err := os.Stat(path); err != nil {
			complete = false
			continue
		}
		there = append(there, path)
	}
	if len(there) == 0 {
		return nil, false, nil
	}
	all, err := ListFiles(there, p.Patterns)
	if err != nil {
		return nil, false, err
	}
	given := map[string]bool{}
	for _, f := range files {
		if abs, err := filepath.Abs(f); err == nil {
			given[abs] = true
		}
	}
	all = slices.DeleteFunc(all, func(f string) bool {
		abs, err := filepath.Abs(f)
		return err == nil && given[abs]
	})
	type file struct {
		docs []*parser.Document
		err  error
	}
	for _, f := range ordered.Map(all, func(path string) (out file) {
		src, err := p.Read(path)
		if err != nil {
			return file{err: err}
		}
		for _, d := range parser.Parse(path, src).Documents {
			d.Rule = nil
			out.docs = append(out.docs, d)
		}
		return out
	}) {
		if f.err != nil {
			return nil, false, f.err
		}
		docs = append(docs, f.docs...)
	}
	return docs, complete, nil
}
