package link

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"sigmac/ir"
	"sigmac/parser"
)

// Filters are those that apply by themselves to whatever rules are read. The zero value
// is none.
type Filters struct {
	docs []*parser.Document
	any  []int            // of all rules of their log sources
	of   map[string][]int // by the id, in lower case, or the name that they give
}

// NewFilters are the filters among documents, each once.
func NewFilters(docs []*parser.Document) *Filters {
	fs := &Filters{of: map[string][]int{}}
	seen := map[place]bool{}
	for _, d := range docs {
		at := place{d.Path, d.Pos}
		if d.Filter == nil || seen[at] {
			continue
		}
		seen[at] = true
		i := len(fs.docs)
		own := *d
		own.Filter = d.Filter.In(i + 1)
		fs.docs = append(fs.docs, &own)
		if len(own.Filter.Rules) == 0 {
			fs.any = append(fs.any, i)
		}
		for _, n := range own.Filter.Rules {
			for _, key := range []string{n.Text, strings.ToLower(n.Text)} {
				if of := fs.of[key]; len(of) == 0 || of[len(of)-1] != i {
					fs.of[key] = append(of, i)
				}
			}
		}
	}
	return fs
}

// For are the filters that are meant for the rule of a document: those that name it, or
// any, and whose log source covers its own.
func (fs *Filters) For(d *parser.Document) (out []*parser.Document) {
	if fs == nil || d.Rule == nil {
		return nil
	}
	found := slices.Clone(fs.any)
	if d.Name != "" {
		found = append(found, fs.of[d.Name]...)
	}
	if d.ID != "" {
		found = append(found, fs.of[strings.ToLower(d.ID)]...)
	}
	slices.Sort(found)
	for _, i := range slices.Compact(found) {
		if f := fs.docs[i]; f.Filter.Source.Covers(d.Rule.Source) {
			out = append(out, f)
		}
	}
	return out
}

// Join joins the filters among documents, and those from elsewhere, to the rules among
// them that they are meant for.
func Join(docs, elsewhere []*parser.Document) {
	filters := NewFilters(append(slices.Clip(elsewhere), docs...))
	for _, d := range docs {
		filters.Join(d)
	}
}

// Digest is one of all filters, SHA-256 in hexadecimal; empty where there are none.
func (fs *Filters) Digest() string {
	if len(fs.docs) == 0 {
		return ""
	}
	h := sha256.New()
	for _, d := range fs.docs {
		fmt.Fprintf(h, "%s\x00%d\x00%d\x00", d.Path, d.Pos.Line, len(d.Filter.Text))
		h.Write(d.Filter.Text)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Join joins to the rule of a document the filters that are meant for it, once.
func (fs *Filters) Join(d *parser.Document) {
	if len(d.Filters) > 0 {
		return
	}
	var filters []*ir.Filter
	for _, f := range fs.For(d) {
		d.Filters = append(d.Filters, f)
		filters = append(filters, f.Filter)
	}
	if len(filters) > 0 {
		d.Rule = ir.Apply(d.Rule, filters)
	}
}

// NamingIn are the documents of a file that name others: its correlations and its filters, without those
// that have errors.
func NamingIn(path string, src []byte) []*parser.Document {
	if !mayHave(src, "filter") && !mayHave(src, "correlation") {
		return nil
	}
	return slices.DeleteFunc(parser.Parse(path, src).Documents, func(d *parser.Document) bool { return d.Filter == nil && d.Correlation == nil })
}

// FiltersIn are the filters of a file, also those with errors. Most files of rules are not
// read as YAML for it.
func FiltersIn(path string, src []byte) []*parser.Document {
	if !mayHave(src, "filter") {
		return nil
	}
	return slices.DeleteFunc(parser.Parse(path, src).Documents, func(d *parser.Document) bool { return d.Kind != parser.FilterRule })
}
