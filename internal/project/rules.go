package project

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

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
		for i, path := range p.rules {
			if _, err := os.Stat(path); err != nil {
				return nil, fmt.Errorf("%s:%d:%d: %w", p.Config.Path, p.Config.RulesAt[i].Line, p.Config.RulesAt[i].Column, Fault(err))
			}
		}
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

// maxKept bounds the bytes of files that Read keeps. A run asks for a file of rules up to three times: for
// its filters, for its correlations and for its rules. A large run is to stay small instead.
const maxKept = 1 << 20

// Read reads a file of a rule. What it has kept, such as standard input, it does not read again.
func (p *Project) Read(path string) ([]byte, error) {
	if path == Stdin {
		return p.stdin()
	}
	if src, ok := p.kept.Load(path); ok {
		return src.([]byte), nil
	}
	src, err := ReadFile(path, nil)
	if err == nil && p.bytes.Add(int64(len(src))) <= maxKept {
		p.kept.Store(path, src)
	}
	return src, err
}

// Load reads the rules and resolves what they name.
func (p *Project) Load() (*parser.Collection, error) {
	files, err := p.Files()
	if err != nil {
		return nil, err
	}
	return p.Parse(files, func(i int) ([]byte, error) { return p.Read(files[i]) })
}

// LoadCorrelated is Load, with the correlations of what is loaded.
func (p *Project) LoadCorrelated() (*parser.Collection, *link.Correlations, error) {
	c, err := p.Load()
	if err != nil {
		return nil, nil, err
	}
	correlations, err := p.Correlations(c)
	return c, correlations, err
}

// Parse parses the bytes that read gives of files, and resolves what the documents name:
// errors become those of the documents, and a note tells what may be found elsewhere.
func (p *Project) Parse(files []string, read func(i int) ([]byte, error)) (*parser.Collection, error) {
	c, errs := sigmac.ParseFiles(files, read)
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	elsewhere, err := p.FiltersElsewhere(files)
	if err != nil {
		return nil, err
	}
	link.Join(c.Documents, elsewhere)
	held := map[string]bool{}
	for _, d := range c.Documents {
		held[d.Path] = true
	}
	for _, file := range files {
		p.Holds(file, held[file])
	}
	l := &link.Linker{}
	for _, d := range c.Documents {
		p.Joined(d)
		l.Add(d)
	}
	p.TellUnused()
	found, err := p.Findings(l, files)
	if err != nil {
		return nil, err
	}
	for _, f := range found {
		if f.Note {
			p.Note("%s: note: %s", f.Place(), f.Msg)
		} else {
			f.Doc.Fail(f.Diagnostic)
		}
	}
	return c, nil
}

// Correlations are those of loaded documents, with what they name: among these, or in the
// context.
func (p *Project) Correlations(c *parser.Collection) (*link.Correlations, error) {
	var files []string
	for _, d := range c.Documents {
		if len(files) == 0 || files[len(files)-1] != d.Path {
			files = append(files, d.Path)
		}
	}
	named, err := p.namedElsewhere(c.Documents, files)
	if err != nil {
		return nil, err
	}
	others, err := p.correlationsElsewhere(files)
	return link.NewCorrelations(c.Documents, named, others...), err
}

// correlationsElsewhere are those of the context, without files: a rule is there for them too.
func (p *Project) correlationsElsewhere(files []string) ([]*parser.Document, error) {
	context, _, err := p.contextFiles(files)
	if err != nil {
		return nil, err
	}
	return documentsOf(context, p.read, link.CorrelationsIn)
}

// CorrelationsOf are the correlations of files, of which read gives the bytes, with what they
// name among these or in the context. Filters are those of the rules.
func (p *Project) CorrelationsOf(files []string, read func(i int) ([]byte, error), filters []*parser.Document) (*link.Correlations, error) {
	indexes := make([]int, len(files))
	for i := range indexes {
		indexes[i] = i
	}
	given := func(i int) (string, []byte, error) {
		src, err := read(i)
		return files[i], src, err
	}
	own, err := documentsOf(indexes, given, link.CorrelationsIn)
	if err != nil {
		return nil, err
	}
	others, err := p.correlationsElsewhere(files)
	if err != nil || len(own)+len(others) == 0 {
		return nil, err
	}
	mine, theirs, err := p.named(link.NamesOf(append(slices.Clip(own), others...)), files, link.NewFilters(filters), func(wanted map[string]bool) ([]*parser.Document, error) {
		return documentsOf(indexes, given, calledBy(wanted))
	})
	return link.NewCorrelations(append(own, mine...), theirs, others...), err
}

// namedElsewhere are the documents of the context that correlations among docs name, and
// those that these name, with their filters.
func (p *Project) namedElsewhere(docs []*parser.Document, files []string) ([]*parser.Document, error) {
	wanted := link.NamesOf(docs)
	for _, d := range docs {
		delete(wanted, d.Name)
		delete(wanted, strings.ToLower(d.ID))
		delete(wanted, d.ID)
	}
	if len(wanted) == 0 {
		return nil, nil
	}
	elsewhere, err := p.FiltersElsewhere(files)
	if err != nil {
		return nil, err
	}
	_, named, err := p.named(wanted, files, link.NewFilters(append(slices.Clip(elsewhere), docs...)), nil)
	return named, err
}

// NamedBy are the documents that correlations among docs name and that are not among these:
// of those that given finds, and of the context.
func (p *Project) NamedBy(docs []*parser.Document, given func(wanted map[string]bool) []*parser.Document) ([]*parser.Document, error) {
	wanted := link.NamesOf(docs)
	if len(wanted) == 0 {
		return nil, nil
	}
	var files []string
	for _, d := range docs {
		files = append(files, filepath.FromSlash(d.Path))
	}
	elsewhere, err := p.FiltersElsewhere(files)
	if err != nil {
		return nil, err
	}
	mine, theirs, err := p.named(wanted, files, link.NewFilters(append(slices.Clip(elsewhere), docs...)), func(wanted map[string]bool) ([]*parser.Document, error) {
		return given(wanted), nil
	})
	return append(mine, theirs...), err
}

// named are the documents that are called by names, and those that these name in turn: mine
// are those that given finds, if it is not nil, and theirs those of the context without files.
func (p *Project) named(wanted map[string]bool, files []string, filters *link.Filters, given func(wanted map[string]bool) ([]*parser.Document, error)) (mine, theirs []*parser.Document, err error) {
	context, _, err := p.contextFiles(files)
	if err != nil {
		return nil, nil, err
	}
	done := map[string]bool{}
	for len(wanted) > 0 {
		for name := range wanted {
			done[name] = true
		}
		found, err := documentsOf(context, p.read, calledBy(wanted))
		if err != nil {
			return nil, nil, err
		}
		theirs = append(theirs, found...)
		if given != nil {
			more, err := given(wanted)
			if err != nil {
				return nil, nil, err
			}
			mine = append(mine, more...)
			found = append(more, found...)
		}
		for _, d := range found {
			filters.Join(d)
		}
		wanted = link.NamesOf(found)
		for name := range wanted {
			if done[name] {
				delete(wanted, name)
			}
		}
	}
	return mine, theirs, nil
}

func calledBy(names map[string]bool) func(path string, src []byte) []*parser.Document {
	return func(path string, src []byte) []*parser.Document { return link.CalledIn(path, src, names) }
}

// NoteSilent tells of documents that are there for correlations alone.
func (p *Project) NoteSilent(n int, how string) {
	if n > 0 {
		p.Note("documents that are part of correlations and %s: %d; generate: true in a correlation changes that", how, n)
	}
}

// Holds notes of a file that has no document.
func (p *Project) Holds(file string, documents bool) {
	if !documents {
		p.Note("%s: no document in this file", file)
	}
}

// Joined notes which filters are joined to the rule of a document.
func (p *Project) Joined(d *parser.Document) {
	p.rule, p.filter = p.rule || d.Filter == nil, p.filter || d.Filter != nil
	for _, f := range d.Filters {
		p.joined[place{f.Path, f.Pos}] = true
	}
}

// TellUnused tells of filters from elsewhere that were joined to no document, after all
// were given to Joined, and of documents that are filters alone.
func (p *Project) TellUnused() {
	for _, d := range p.given {
		if !p.joined[place{d.Path, d.Pos}] {
			p.Note("%s:%d:%d: note: the filter is meant for none of these rules", d.Path, d.Pos.Line, d.Pos.Column)
		}
	}
	if p.filter && !p.rule {
		p.Note("note: these files have no rule, and a filter has no query of its own")
	}
}

// FiltersOf are the filters that are joined to the rules of files: those among these, of
// which read gives the bytes, and those elsewhere.
func (p *Project) FiltersOf(files []string, read func(i int) ([]byte, error)) ([]*parser.Document, error) {
	indexes := make([]int, len(files))
	for i := range indexes {
		indexes[i] = i
	}
	own, err := documentsOf(indexes, func(i int) (string, []byte, error) {
		src, err := read(i)
		return files[i], src, err
	}, link.FiltersIn)
	if err != nil {
		return nil, err
	}
	elsewhere, err := p.FiltersElsewhere(files)
	return append(elsewhere, own...), err
}

// filtersOrFaults are the filters of a file that was named for them, and what of it is no
// YAML, which may be one.
func filtersOrFaults(path string, src []byte) []*parser.Document {
	return slices.DeleteFunc(parser.Parse(path, src).Documents, func(d *parser.Document) bool {
		return d.Kind != parser.FilterRule && (d.Kind != parser.Unreadable || d.Foreign)
	})
}

// FiltersElsewhere are the filters of the paths of Filters, and of the context without
// files. It fails where one has an error: it may be meant for any rule.
func (p *Project) FiltersElsewhere(files []string) ([]*parser.Document, error) {
	var out []*parser.Document
	for _, path := range p.Filters {
		listed, err := ListFiles([]string{path}, p.Patterns)
		if err != nil {
			return nil, err
		}
		found, err := documentsOf(listed, p.read, filtersOrFaults)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("--filter %s: no filter is there", path)
		}
		out = append(out, found...)
	}
	p.given = out
	context, _, err := p.contextFiles(files)
	if err != nil {
		return nil, err
	}
	found, err := documentsOf(context, p.read, link.FiltersIn)
	if err != nil {
		return nil, err
	}
	for _, d := range append(out, found...) {
		if len(d.Errors) > 0 {
			return nil, d.Errors[0]
		}
	}
	return append(out, found...), nil
}

// read is Read with the path.
func (p *Project) read(path string) (string, []byte, error) {
	src, err := p.Read(path)
	return path, src, err
}

// documentsOf are some documents of files.
func documentsOf[F any](files []F, read func(F) (path string, src []byte, err error), some func(path string, src []byte) []*parser.Document) (out []*parser.Document, err error) {
	type file struct {
		docs []*parser.Document
		err  error
	}
	for _, f := range ordered.Map(files, func(f F) file {
		path, src, err := read(f)
		if err != nil {
			return file{err: err}
		}
		return file{docs: some(path, src)}
	}) {
		if f.err != nil {
			return nil, f.err
		}
		out = append(out, f.docs...)
	}
	return out, nil
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

// contextFiles are the files of the paths of Context and of the rules of sigmac.yaml,
// without given ones; complete is false where neither is given, or one of these rules is
// not there.
func (p *Project) contextFiles(given []string) (all []string, complete bool, err error) {
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
	if all, err = ListFiles(there, p.Patterns); err != nil {
		return nil, false, err
	}
	has := map[string]bool{}
	for _, f := range given {
		if abs, err := filepath.Abs(f); err == nil {
			has[abs] = true
		}
	}
	return slices.DeleteFunc(all, func(f string) bool {
		abs, err := filepath.Abs(f)
		return err == nil && has[abs]
	}), complete, nil
}

// ContextOf are the documents of the context, without those of files; complete says
// whether there is no other. Of a rule they say what it is called.
func (p *Project) ContextOf(files []string) (docs []*parser.Document, complete bool, err error) {
	all, complete, err := p.contextFiles(files)
	if err != nil {
		return nil, false, err
	}
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
			out.docs = append(out.docs, link.Called(d))
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
