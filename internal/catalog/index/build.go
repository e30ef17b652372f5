package index

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"sigmac/internal/bounded"
	"sigmac/internal/catalog"
	"sigmac/internal/catalog/findings"
	"sigmac/internal/catalog/native"
	"sigmac/internal/link"
	"sigmac/internal/ordered"
	"sigmac/parser"
)

// A Source is a directory of rules of a catalog.
type Source struct {
	Catalog string // one of catalog.Catalogs
	Prefix  string // of the paths in the index, to tell the directories of a catalog apart; may be empty
	FS      fs.FS
	Dir     string // of FS, as errors name it; may be empty
}

// below is an error about files of the source with their paths behind its directory.
func (s Source) below(err error) error {
	if s.Dir == "" {
		return err
	}
	all := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		all = joined.Unwrap()
	}
	for i, e := range all {
		all[i] = fmt.Errorf("%s/%w", strings.TrimSuffix(s.Dir, "/"), e)
	}
	return errors.Join(all...)
}

// Options say what Build makes.
type Options struct {
	Sources []Source
	// Settings is all that queries depend on besides their rule.
	Settings string
	// Filters are joined to the Sigma rules that they are meant for, beside those in Sources.
	Filters []*parser.Document
	// Convert gives the queries of a rule; it is called from several goroutines.
	Convert func(*parser.Document) []Query
	// Budget bounds the solver steps of a question, for findings about all Sigma rules; 0: there are none.
	Budget int
	// Previous is an index from which the rules of unchanged files are taken; it
	// may be nil.
	Previous *Content
	// Progress is told how many of the files are done; it may be nil.
	Progress func(done, total int)
}

// A file is a file of rules.
type file struct {
	Catalog string `json:"catalog"`
	Path    string `json:"path"`
	Digest  string `json:"digest"` // SHA-256 of the settings and the bytes
	Rules   int    `json:"rules"`  // how many of the rules, in their order, are of this file

	source Source
	name   string // in the source
	reader *native.Reader
}

// version changes when the same file would give other rules.
const version = "2"

// Build reads all rules. What is wrong with a rule stands in it; an error is one
// of reading files.
func Build(o Options) (*Content, error) {
	files, err := list(o.Sources)
	if err != nil {
		return nil, err
	}
	type result struct {
		digest string
		rules  []*Rule // in brief
		lines  [][]byte
		looked looked
		err    error
	}
	filters, err := filtersOf(files, o.Filters)
	if err != nil {
		return nil, err
	}
	o.Settings += filters.Digest()
	previous := o.Previous.byFile()
	c := &Content{files: files}
	subjects := make([]looked, len(files))
	var faults []error
	read := func(f file) result {
		src, err := f.bytes()
		if err != nil {
			return result{err: err}
		}
		r := result{digest: f.digest(o.Settings, src)}
		if old, ok := previous[f.key()]; ok && old.digest == r.digest {
			for n := old.from; n < old.to; n++ {
				r.rules, r.lines = append(r.rules, o.Previous.Rules[n]), append(r.lines, o.Previous.line(n))
			}
			return r
		}
		var rules []*Rule
		if f.Catalog == "sigma" {
			docs := documents(f.Path, src, filters)
			rules, r.looked = sigmaRules(f, src, docs, o.Convert), o.look(docs)
		} else {
			rules = []*Rule{nativeRule(f.reader.Read(f.Path, bytes.ToValidUTF8(src, []byte("\ufffd"))))}
		}
		for _, rule := range rules {
			line, err := json.Marshal(rule)
			if err != nil {
				return result{err: err}
			}
			r.rules, r.lines = append(r.rules, rule.brief()), append(r.lines, append(line, '\n'))
		}
		return r
	}
	lines := func(yield func([]byte) bool) {
		for i, r := range ordered.Map(files, read) {
			if r.err != nil {
				faults = append(faults, r.err)
				continue
			}
			c.files[i].Digest, c.files[i].Rules = r.digest, len(r.rules)
			c.Rules = append(c.Rules, r.rules...)
			subjects[i] = r.looked
			for _, line := range r.lines {
				if !yield(line) {
					return
				}
			}
			if o.Progress != nil {
				o.Progress(i+1, len(files))
			}
		}
	}
	for p := range ordered.Seq(chunked(lines), pack) {
		c.chunks = append(c.chunks, p)
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	c.finish().findingsOf = c.digestOf("sigma")
	if o.Previous != nil && o.Previous.findingsOf == c.findingsOf {
		c.Findings = o.Previous.Findings
	} else if o.Budget > 0 {
		all, err := o.everySubject(files, subjects, filters)
		if err != nil {
			return nil, err
		}
		c.Findings = findings.Among(all, o.Budget)
	}
	return c, nil
}

// looked are the subjects of a Sigma file; nil of one that was not looked at.
type looked []*findings.Subject

func (o Options) look(docs []*parser.Document) looked {
	out := looked{}
	for _, d := range docs {
		if o.Budget > 0 {
			out = append(out, findings.Look(d, o.Budget))
		}
	}
	return out
}

// documents are those of a Sigma file, with the filters that are meant for them.
func documents(path string, src []byte, filters *link.Filters) []*parser.Document {
	docs := parser.Parse(path, src).Documents
	for _, d := range docs {
		filters.Join(d)
	}
	return docs
}

// filtersOf are the filters among Sigma files, behind those from elsewhere.
func filtersOf(files []file, elsewhere []*parser.Document) (*link.Filters, error) {
	type result struct {
		docs []*parser.Document
		err  error
	}
	for _, r := range ordered.Map(files, func(f file) result {
		if f.Catalog != "sigma" {
			return result{}
		}
		src, err := f.bytes()
		return result{link.FiltersIn(f.Path, src), err}
	}) {
		if r.err != nil {
			return nil, r.err
		}
		elsewhere = append(elsewhere, r.docs...)
	}
	return link.NewFilters(elsewhere), nil
}

// everySubject looks at those Sigma files that were not looked at.
func (o Options) everySubject(files []file, subjects []looked, filters *link.Filters) (out []*findings.Subject, err error) {
	indexes := make([]int, len(files))
	for i := range indexes {
		indexes[i] = i
	}
	type result struct {
		looked looked
		err    error
	}
	for _, r := range ordered.Map(indexes, func(i int) result {
		f := files[i]
		if subjects[i] != nil || f.Catalog != "sigma" {
			return result{subjects[i], nil}
		}
		src, err := f.bytes()
		if err != nil {
			return result{nil, err}
		}
		return result{o.look(documents(f.Path, src, filters)), nil}
	}) {
		out, err = append(out, r.looked...), cmp.Or(err, r.err)
	}
	return out, err
}

func (f file) key() string { return f.Catalog + "\x00" + f.Path }

func (f file) digest(settings string, src []byte) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\x00", version)
	if f.reader != nil {
		fmt.Fprintf(h, "%s\x00", f.reader.Context)
	} else {
		fmt.Fprintf(h, "%s\x00", settings)
	}
	h.Write(src)
	return hex.EncodeToString(h.Sum(nil))
}

// digestOf is that of all files of a catalog.
func (c *Content) digestOf(name string) string {
	h := sha256.New()
	for _, f := range c.files {
		if f.Catalog == name {
			fmt.Fprintf(h, "%s\x00%s\n", f.Path, f.Digest)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

type kept struct {
	digest   string
	from, to int // of the rules
}

func (c *Content) byFile() map[string]kept {
	if c == nil {
		return nil
	}
	out := map[string]kept{}
	at := 0
	for _, f := range c.files {
		out[f.key()] = kept{f.Digest, at, at + f.Rules}
		at += f.Rules
	}
	return out
}

// list is the files of all sources, by catalog and path.
func list(sources []Source) (files []file, err error) {
	var faults []error
	for _, s := range sources {
		kinds, before := []string{".yml", ".yaml"}, len(files)
		takes := func(p string) bool { return slices.Contains(kinds, path.Ext(p)) }
		var reader *native.Reader
		if s.Catalog != "sigma" {
			if reader, err = native.NewReader(s.FS, s.Catalog); err != nil {
				faults = append(faults, s.below(err))
				continue
			}
			kinds, takes = reader.Kinds, reader.Takes
		}
		err := fs.WalkDir(s.FS, ".", func(p string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				faults = append(faults, err)
			case p != "." && strings.HasPrefix(d.Name(), "."):
				if d.IsDir() {
					return fs.SkipDir
				}
			case !d.IsDir() && takes(p):
				files = append(files, file{Catalog: s.Catalog, Path: path.Join(s.Prefix, p), source: s, name: p, reader: reader})
			}
			return nil
		})
		switch {
		case err != nil:
			faults = append(faults, err)
		case len(files) == before:
			faults = append(faults, fmt.Errorf("%s: no file in this directory is named *%s", cmp.Or(s.Dir, "."), strings.Join(kinds, " or *")))
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	slices.SortFunc(files, func(a, b file) int {
		return cmp.Or(slices.Index(catalog.Catalogs, a.Catalog)-slices.Index(catalog.Catalogs, b.Catalog), cmp.Compare(a.Path, b.Path))
	})
	return files, nil
}

// bytes reads no more than what a reader refuses for its size.
func (f file) bytes() ([]byte, error) {
	limit := int64(native.MaxFile)
	if f.Catalog == "sigma" {
		limit = parser.MaxFileSize
	}
	r, err := f.source.FS.Open(f.name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	src, err := bounded.Read(r, limit)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Path, err)
	}
	return src, nil
}

func sigmaRules(f file, src []byte, docs []*parser.Document, convert func(*parser.Document) []Query) (out []*Rule) {
	texts := split(src, docs)
	for i, d := range docs {
		if d.Filter != nil {
			continue // the pages of its rules show it
		}
		r := &Rule{Catalog: "sigma", Line: d.Pos.Line, Language: "sigma", Body: valid(texts[i])}
		for _, e := range d.Errors {
			r.Errors = append(r.Errors, valid(fmt.Sprintf("%d:%d: %s", e.Pos.Line, e.Pos.Column, e.Msg)))
		}
		switch {
		case d.Rule != nil:
			r.Entry = *catalog.NewEntry(f.Path, d.Rule, src)
		case d.Correlation != nil:
			r.Entry = *catalog.NewCorrelation(f.Path, d.Correlation)
		default:
			r.Entry = catalog.Entry{Path: f.Path, Rule: catalog.Facts{Title: d.Title, ID: d.ID, Name: d.Name}}
			r.Reason = "a " + d.Kind.String() + " is about rules, not about events"
		}
		switch {
		case len(d.Errors) > 0:
			r.Reason, r.Detail = "a rule with an error", r.Errors[0]
		case d.Rule != nil && convert != nil:
			r.Queries = convert(d)
		}
		out = append(out, r)
	}
	return out
}

func validAll(texts []string) (out []string) {
	for _, t := range texts {
		out = append(out, valid(t))
	}
	return out
}

func nativeRule(n *native.Rule) *Rule {
	return &Rule{
		Catalog: n.Catalog, Language: n.Language, Body: n.Query, Reason: n.Reason, Detail: n.Detail, Errors: validAll(n.Errors), Partial: n.Partial,
		Entry: catalog.Entry{
			Path:   n.Path,
			Rule:   n.Facts,
			Attack: catalog.CoverageOf(n.Tags),
			Page:   *n.Page,
		},
	}
}

func valid(s string) string { return strings.ToValidUTF8(s, "\ufffd") }

// split is the text of each document of a file.
func split(src []byte, docs []*parser.Document) []string {
	lines := strings.SplitAfter(string(src), "\n")
	marker := func(line string) bool { return strings.HasPrefix(line, "---") || strings.HasPrefix(line, "...") }
	starts := make([]int, len(docs)+1)
	for i, d := range docs[min(1, len(docs)):] {
		at := min(max(d.Pos.Line-1, starts[i]), len(lines))
		for at > starts[i] && !marker(lines[at-1]) {
			at--
		}
		starts[i+1] = at
	}
	starts[len(docs)] = len(lines)
	out := make([]string, len(docs))
	for i := range docs {
		part := lines[starts[i]:max(starts[i], starts[i+1])]
		for len(part) > 0 && (marker(part[0]) || strings.TrimSpace(part[0]) == "") {
			part = part[1:]
		}
		for n := len(part); n > 0 && (marker(part[n-1]) || strings.TrimSpace(part[n-1]) == ""); n = len(part) {
			part = part[:n-1]
		}
		out[i] = strings.Join(part, "")
	}
	return out
}
