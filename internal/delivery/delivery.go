// Package delivery makes files of queries. It has their names below a directory, their
// texts, and sidecars that tell what they are made of.
package delivery

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"sigmac"
	"sigmac/internal/catalog"
	"sigmac/internal/outdir"
	"sigmac/internal/report"
	"sigmac/parser"
)

// Layouts say where the query of a rule goes below the directory: TARGET/PATH.EXT,
// PATH.EXT or TARGET/ID.EXT. The first is the default.
var Layouts = []string{"target", "rule", "id"}

// Options say which files are made.
type Options struct {
	Paths  []string // of rules, as asked for: the PATH of a rule is below one of them
	Layout string   // one of Layouts
	// Template is the whole name of a file, in the place of Layout, or empty: {path} is the folder
	// of the rule, {stem} the name of its file, {index} the number of a query among several.
	Template string
	Sidecar  bool   // a file .json beside each query
	Version  string // of sigmac, for sidecars
	// In the place of the target's name, and of the extension of its queries.
	Folder, Extension string
}

// stdin is the path of what was read from standard input.
const stdin = "-"

// Files are made of results. All but Source is for one goroutine.
type Files struct {
	options Options
	last    *parser.Document
	numbers map[string]int // by file, of the document that was added last, from 1
	files   []outdir.File
	errs    []error

	mu     sync.Mutex
	hashes map[string]string // of the files of rules
}

// New is Files of no result.
func New(o Options) *Files {
	return &Files{options: o, numbers: map[string]int{}, hashes: map[string]string{}}
}

// Source notes what a file of rules holds, whose hash sidecars tell; it is called
// before Add of its results, and may be called from several goroutines.
func (f *Files) Source(file string, text []byte) {
	hash := hexHash(text)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hashes[file] = hash
}

func (f *Files) sourceHash(file string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.hashes[file]
}

// Add adds the queries of a result. Those of a document follow each other, and the
// documents of a file come in their order. The proofs are of the queries, or none
// where they were not asked for; sidecars tell them.
func (f *Files) Add(res sigmac.Result, proofs []sigmac.Proof) {
	f.count(res.Document)
	d := res.Document
	source := f.below(d.Path)
	for i, q := range res.Queries {
		name, ok := f.name(res, i)
		if !ok {
			return
		}
		rule := outdir.Rule{Path: source, ID: d.ID, Target: res.Target.Name}
		for _, r := range append([]sigmac.Result{res}, res.Members...) {
			for _, x := range r.Document.Filters {
				if called := cmp.Or(x.ID, x.Name, x.Title); !slices.Contains(rule.Filters, called) {
					rule.Filters = append(rule.Filters, called)
				}
			}
		}
		f.files = append(f.files, outdir.File{Path: name, Data: []byte(q + "\n"), Rule: rule})
		for _, l := range res.Lookups {
			if i == 0 {
				f.files = append(f.files, outdir.File{Path: path.Join(res.Target.Name, "lookups", l.FileName()), Data: l.CSV(), Rule: rule})
			}
		}
		if f.options.Sidecar {
			f.files = append(f.files, outdir.File{Path: name + ".json", Data: f.sidecar(res, proofs, i, source), Rule: rule})
		}
	}
}

// count numbers the documents of a file, also those without a query.
func (f *Files) count(d *parser.Document) {
	if d != f.last {
		f.last = d
		f.numbers[d.Path]++
	}
}

// name is that of the file of the i-th query of a result; false: the rule gives none.
func (f *Files) name(res sigmac.Result, i int) (name string, ok bool) {
	d := res.Document
	source := f.below(d.Path)
	if f.options.Template != "" {
		return f.byTemplate(source, res, i), true
	}
	name = strings.TrimSuffix(source, path.Ext(source))
	if f.options.Layout == "id" {
		if name = strings.ReplaceAll(d.ID, "/", "_"); name == "" {
			f.errs = append(f.errs, fmt.Errorf("%s:%d:%d: the rule has no id for the name of its file", d.Path, d.Pos.Line, d.Pos.Column))
			return "", false
		}
	} else if n := f.numbers[d.Path]; n > 1 {
		name = fmt.Sprintf("%s.%d", name, n)
	}
	switch {
	case i < len(res.Names) && res.Names[i] != "":
		name += "." + res.Names[i]
	case i > 0:
		name = fmt.Sprintf("%s.c%d", name, i+1)
	}
	folder, extension := cmp.Or(f.options.Folder, res.Target.Name), cmp.Or(f.options.Extension, res.Target.Extension)
	if f.options.Layout != "rule" {
		name = folder + "/" + name
	}
	return outdir.Clean(name) + extension, true
}

// byTemplate is the name of a query by the template.
func (f *Files) byTemplate(source string, res sigmac.Result, i int) string {
	folder, index := path.Dir(source), ""
	if folder == "." {
		folder = ""
	}
	if len(res.Queries) > 1 {
		index = strconv.Itoa(i + 1)
	}
	name := strings.NewReplacer("{path}", folder, "{stem}", strings.TrimSuffix(path.Base(source), path.Ext(source)), "{index}", index).Replace(f.options.Template)
	return outdir.Clean(strings.Trim(path.Clean(name), "/"))
}

// TemplateFault says what is wrong with a Template, or is nil.
func TemplateFault(template string) error {
	rest := strings.NewReplacer("{path}", "", "{stem}", "", "{index}", "").Replace(template)
	if i := strings.IndexAny(rest, "{}"); i >= 0 {
		return fmt.Errorf("a template has {path}, {stem} and {index}, and %q has something else in braces", template)
	}
	return nil
}

// All are the files of all results, in the order in which these were added. It is an
// error, with the place of each, if a rule gives no name.
func (f *Files) All() ([]outdir.File, error) {
	if len(f.errs) > 0 {
		return nil, errors.Join(f.errs...)
	}
	return f.files, nil
}

// below is a rule's file below the path that names it.
func (f *Files) below(file string) string {
	if file == stdin {
		return "stdin"
	}
	for _, p := range f.options.Paths {
		if rel, err := filepath.Rel(p, file); err == nil && rel != "." && filepath.IsLocal(rel) {
			return filepath.ToSlash(rel)
		}
	}
	return filepath.Base(file)
}

// A sidecar tells what a query is made of.
type sidecar struct {
	Rule        string              `json:"rule"`
	Title       string              `json:"title"`
	Path        string              `json:"path"`
	Document    int                 `json:"document"`  // of the file, from 1
	Condition   int                 `json:"condition"` // of the rule, from 1
	Level       string              `json:"level,omitempty"`
	Status      string              `json:"status,omitempty"`
	Target      string              `json:"target"`
	Format      string              `json:"format"`
	Pipelines   []sidecarPipeline   `json:"pipelines"`
	Filters     []sidecarFilter     `json:"filters,omitempty"` // that are joined to the rule
	Correlation *report.Correlation `json:"correlation,omitempty"`
	Sigmac      string              `json:"sigmac"`
	RuleHash    string              `json:"rule_sha256"` // of the file
	QueryHash   string              `json:"query_sha256"`
	Verdict     string              `json:"verdict,omitempty"`
	Reason      string              `json:"reason,omitempty"`
	Losses      []string            `json:"losses"`
	Lookups     []string            `json:"lookups,omitempty"`
}

type sidecarPipeline struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
}

type sidecarFilter struct {
	catalog.Filter
	SHA256 string `json:"sha256"` // of the file
}

func (f *Files) sidecar(res sigmac.Result, proofs []sigmac.Proof, i int, source string) []byte {
	d := res.Document
	out := sidecar{Rule: d.ID, Title: d.Title, Path: source, Document: f.numbers[d.Path], Condition: i + 1, Target: res.Target.Name, Format: res.Target.Format.Name,
		Sigmac: f.options.Version, RuleHash: f.sourceHash(d.Path), QueryHash: hexHash([]byte(res.Queries[i])), Losses: []string{}, Pipelines: []sidecarPipeline{}}
	for _, p := range res.Pipeline.Parts() {
		sum := p.SHA256()
		out.Pipelines = append(out.Pipelines, sidecarPipeline{p.ID, hex.EncodeToString(sum[:])})
	}
	for i, x := range report.FiltersOf(d) {
		x.Path = f.below(x.Path)
		out.Filters = append(out.Filters, sidecarFilter{x, hexHash(d.Filters[i].Filter.Text)})
	}
	if d.Rule != nil {
		out.Level, out.Status = d.Rule.Meta.Level, d.Rule.Meta.Status
	}
	if c := report.CorrelationOf(res); c != nil {
		for i := range c.Rules {
			c.Rules[i].Path = f.below(c.Rules[i].Path)
		}
		out.Correlation, out.Level, out.Status = c, d.Correlation.Meta.Level, d.Correlation.Meta.Status
	}
	for _, l := range report.Losses(res) {
		if !slices.Contains(out.Losses, l.ID) {
			out.Losses = append(out.Losses, l.ID)
		}
	}
	for _, l := range res.Lookups {
		if strings.Contains(res.Queries[i], l.Name) {
			out.Lookups = append(out.Lookups, l.Name)
		}
	}
	if i < len(proofs) {
		out.Verdict, out.Reason = proofs[i].Verdict, proofs[i].Evidence.Reason
	}
	text, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		panic("delivery: " + err.Error())
	}
	return append(text, '\n')
}

func hexHash(data []byte) string {
	h := sha256.Sum256(data)
	return hex.EncodeToString(h[:])
}
