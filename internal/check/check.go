// Package check finds what is wrong with Sigma rules, or likely to be. That is faults
// of the specification and its JSON schema, what the validators of pySigma and the
// conventions of the public rule set find, and what only a prover can. A fix is
// offered where it is proved to keep the meaning.
//
// Each document is shown to its checks while the parser has its nodes at hand
// (parser.Visit), so a file is read once. A check is a row of checks.go, from which
// its page, the rules of SARIF and --explain are made. The JSON schema is asked
// itself, by a library, and its answers are put into words.
//
// A fix is edits of bytes. What it does to the meaning is not argued but asked: the
// file is parsed with it and compared by package diff, all fixes of a file at once,
// since that is mostly enough. That two values of a list imply each other is asked of
// the prover only where the literals of one stand in those of the other.
package check

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"sigmac/internal/config"
	"sigmac/internal/link"
	"sigmac/internal/ordered"
	"sigmac/internal/suggest"
	"sigmac/internal/taxonomy"
	"sigmac/ir"
	"sigmac/parser"
)

// The severities of a finding, the worst first.
const (
	Error   = "error"   // the rule is invalid, or finds nothing
	Warning = "warning" // it likely does not do what its author means
	Note    = "note"    // it could be said better
	Off     = "off"     // not looked for
)

// A Finding is one thing that is wrong with a file; its Code is the id of the check.
type Finding struct {
	ir.Diagnostic
	Severity string
	Rule     string // the rule's id
	Class    string // the code of an error of the form; empty: that of the check
	Fix      *Fix   // what would mend it, or nil
	Known    bool   // an earlier version has it too, see MarkKnown
}

// A File is one to look at.
type File struct {
	Path string // as it stands in findings
	Name string // below the folder of the configuration, for the paths of what is ignored
	Data []byte
}

// Options say what to look for.
type Options struct {
	Profile  string            // default or sigmahq
	Severity map[string]string // by check, in place of its own
	Ignore   []config.Ignore
	Exclude  map[string][]string // checks by the id of a rule, in lower case; of rules without one, by ""
	Settings map[string]int      // by `check.name`, in place of those that hold otherwise
	Prover   bool                // also what needs the prover, and fixes
	Budget   int                 // solver steps of one question
	AsOf     string              // the day for which the age of a rule counts, YYYY-MM-DD; empty: no age
	Progress func(files int)     // is told how many are done, or nil
	// Context gives the documents that may be named beside those of the files, and says
	// whether there are no others. It is asked once, where a name is not found among
	// these. Nil: there may be others.
	Context func() (docs []*parser.Document, all bool)
}

// severity is that of a check under o.
func (o *Options) severity(c *Check) string {
	if s := o.Severity[c.ID]; s != "" {
		return s
	}
	if c.Profile != "" && c.Profile != o.Profile {
		return Off
	}
	return c.Severity
}

// Run looks at files, on all cores. The findings are in the order of the files
// and of the places in them.
func Run(files []File, o Options) []Finding {
	l := &linter{Options: o, severities: map[string]string{}}
	for i := range Checks {
		l.severities[Checks[i].ID] = o.severity(&Checks[i])
	}
	var all []*fileReport
	for i, r := range ordered.Map(files, l.file) {
		all = append(all, r)
		if o.Progress != nil {
			o.Progress(i + 1)
		}
	}
	l.across(all)
	l.references(all)
	var out []Finding
	for _, r := range all {
		out = append(out, l.finish(r)...)
	}
	return out
}

// A linter is one run.
type linter struct {
	Options
	severities map[string]string
}

func (l *linter) on(ids ...string) bool {
	return slices.ContainsFunc(ids, func(id string) bool { return l.severities[id] != Off })
}

// A fileReport is what is known of a file.
type fileReport struct {
	File
	findings []Finding
	docs     []facts
	lines    []int // where the lines of Data start; on demand
}

// facts are what documents are compared by.
type facts struct {
	doc             *parser.Document
	idPos, titlePos ir.Pos
}

// A subject is one document.
type subject struct {
	*linter
	report *fileReport
	doc    *parser.Document
	root   *yaml.Node
}

// file looks at one file.
func (l *linter) file(f File) *fileReport {
	r := &fileReport{File: f}
	c := parser.Visit(f.Path, f.Data, func(d *parser.Document, root *yaml.Node) {
		s := &subject{l, r, d, root}
		if root.Kind != yaml.MappingNode || d.Foreign {
			return
		}
		s.schema()
		s.metadata()
		s.tags()
		s.filename()
		if d.Rule != nil {
			s.logsource(d.Rule)
			s.conditions(d.Rule)
			s.detections(d.Rule)
		}
		if d.Correlation != nil {
			s.correlation(d.Correlation)
		}
		fact := facts{link.Called(d), d.Pos, d.Pos}
		if n := s.value("id"); n != nil {
			fact.idPos = place(n)
		}
		if n := s.value("title"); n != nil {
			fact.titlePos = place(n)
		}
		r.docs = append(r.docs, fact)
	})
	for _, d := range c.Documents {
		for _, e := range d.Errors {
			id := ir.Syntax
			if _, known := l.severities[e.Code]; known {
				id = e.Code
			}
			if f := r.add(l, d, id, ir.Span{Start: e.Pos, End: e.End}, "%s", e.Msg); f != nil {
				f.Fix, f.Class = r.correlate(d), e.Class()
			}
		}
		for _, w := range d.Warnings {
			if w.Code == "control_character" {
				r.add(l, d, w.Code, ir.Span{Start: w.Pos, End: w.End}, "%s", w.Msg)
			}
		}
		_, _, errs := config.OfRule(d)
		for _, e := range errs {
			r.add(l, d, "custom_settings", ir.Span{Start: e.Pos, End: e.End}, "%s", e.Msg)
		}
	}
	if l.Prover {
		for _, d := range c.Documents {
			if d.Rule != nil {
				(&subject{l, r, d, nil}).prove()
			}
		}
		l.proveFixes(r, c)
	} else {
		for i := range r.findings {
			if fix := r.findings[i].Fix; fix != nil && !fix.words {
				r.findings[i].Fix = nil
			}
		}
	}
	return r
}

// add records a finding, unless its check is off, and returns it or nil.
func (r *fileReport) add(l *linter, d *parser.Document, id string, at ir.Span, format string, args ...any) *Finding {
	sev, known := l.severities[id]
	if !known {
		panic("check: no check " + id)
	}
	if sev == Off {
		return nil
	}
	f := Finding{Severity: sev, Diagnostic: ir.Diagnostic{Path: r.Path, Pos: at.Start, End: at.End, Msg: fmt.Sprintf(format, args...), Code: id, Source: "check"}}
	if d != nil {
		f.Rule = d.ID
	}
	r.findings = append(r.findings, f)
	return &r.findings[len(r.findings)-1]
}

func (s *subject) find(id string, at ir.Pos, format string, args ...any) *Finding {
	f := s.findIn(id, ir.Span{Start: at}, format, args...)
	if f != nil {
		s.doc.Place(&f.Diagnostic)
	}
	return f
}

// findIn is find where the end is not that of what begins there, or there is none.
func (s *subject) findIn(id string, at ir.Span, format string, args ...any) *Finding {
	return s.report.add(s.linter, s.doc, id, at, format, args...)
}

// weigh gives the finding another severity than its check has, unless the configuration
// gives one.
func (l *linter) weigh(f *Finding, severity string) {
	if f != nil && l.Severity[f.Code] == "" {
		f.Severity = severity
	}
}

func place(n *yaml.Node) ir.Pos { return ir.Pos{Line: n.Line, Column: n.Column} }

// attribute is a key of the document with its value, or nil.
func (s *subject) attribute(name string) (key, value *yaml.Node) { return attribute(s.root, name) }

func attribute(m *yaml.Node, name string) (key, value *yaml.Node) {
	for i := 0; m != nil && m.Kind == yaml.MappingNode && i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == name {
			return m.Content[i], parser.Deref(m.Content[i+1])
		}
	}
	return nil, nil
}

func (s *subject) value(name string) *yaml.Node { _, v := s.attribute(name); return v }

// text is an attribute that is a text, with its place; ok says whether there is
// one.
func (s *subject) text(name string) (text string, at ir.Pos, ok bool) {
	n := s.value(name)
	if n == nil || n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		return "", s.doc.Pos, false
	}
	return n.Value, place(n), true
}

// list is an attribute that is a list of texts, or one text.
func (s *subject) list(name string) (out []*yaml.Node) {
	n := s.value(name)
	switch {
	case n == nil:
	case n.Kind == yaml.ScalarNode && n.Tag != "!!null":
		out = append(out, n)
	case n.Kind == yaml.SequenceNode:
		for _, x := range n.Content {
			if x = parser.Deref(x); x.Kind == yaml.ScalarNode {
				out = append(out, x)
			}
		}
	}
	return out
}

// finish leaves out what is ignored, tells of what is ignored in vain, and puts
// the rest in order.
func (l *linter) finish(r *fileReport) []Finding {
	out := r.findings
	if bytes.Contains(r.Data, []byte(marker)) {
		out = l.suppress(r)
	}
	out = slices.DeleteFunc(out, func(f Finding) bool {
		return slices.Contains(l.Exclude[strings.ToLower(f.Rule)], f.Code) || slices.ContainsFunc(l.Ignore, func(g config.Ignore) bool { return g.ID == f.Code && g.Covers(r.Name) })
	})
	slices.SortStableFunc(out, func(a, b Finding) int {
		return cmp.Or(a.Pos.Compare(b.Pos), strings.Compare(a.Code, b.Code), strings.Compare(a.Msg, b.Msg))
	})
	return slices.CompactFunc(out, func(a, b Finding) bool { return a.Code == b.Code && a.Pos == b.Pos && a.Msg == b.Msg })
}

// across compares the documents of all files.
func (l *linter) across(all []*fileReport) {
	type at struct {
		r *fileReport
		d facts
	}
	ids, titles, names := map[string]at{}, map[string]at{}, map[string]*fileReport{}
	for _, r := range all {
		base := baseName(r.Path)
		if first, ok := names[base]; !ok {
			names[base] = r
		} else if first.Path != r.Path {
			var d *parser.Document
			if len(r.docs) > 0 {
				d = r.docs[0].doc
			}
			r.add(l, d, "duplicate_filename", ir.Span{Start: ir.Pos{Line: 1, Column: 1}}, "the file %s has the same name", first.Path)
		}
		for _, d := range r.docs {
			s := &subject{linter: l, report: r, doc: d.doc}
			if id := strings.ToLower(d.doc.ID); id != "" {
				if first, ok := ids[id]; ok {
					s.find("identifier_uniqueness", d.idPos, "%s:%d has the same id", first.r.Path, first.d.idPos.Line)
				} else {
					ids[id] = at{r, d}
				}
			}
			if title := d.doc.Title; title != "" {
				if first, ok := titles[title]; ok {
					s.find("duplicate_title", d.titlePos, "%s:%d has the same title", first.r.Path, first.d.titlePos.Line)
				} else {
					titles[title] = at{r, d}
				}
			}
		}
	}
}

// references finds the names that lead to no rule.
func (l *linter) references(all []*fileReport) {
	linker := &link.Linker{}
	reports := map[*parser.Document]*fileReport{}
	for _, r := range all {
		for _, d := range r.docs {
			linker.Add(d.doc)
			reports[d.doc] = r
		}
	}
	if linker.Unresolved() && l.Context != nil {
		linker.Know(l.Context())
	}
	for _, f := range linker.Findings() {
		found := reports[f.Doc].add(l, f.Doc, f.Code, ir.Span{Start: f.Pos, End: f.End}, "%s", f.Msg)
		if f.Note && f.Code == link.Unknown {
			l.weigh(found, Note)
		}
	}
	for _, r := range all {
		for _, d := range r.docs {
			if c := d.doc.Correlation; c != nil {
				l.groups(&subject{linter: l, report: r, doc: d.doc}, c, linker.Named(d.doc))
			}
		}
	}
}

// groups finds the fields of group-by that events of a rule cannot have, and aliases of
// rules that the correlation does not name.
func (l *linter) groups(s *subject, c *ir.Correlation, rules []link.Entry) {
	stands := func(name string, e link.Entry) bool { return name == e.Name || strings.EqualFold(name, e.ID) }
	for _, e := range rules {
		names := taxonomy.Fields(e.Taxonomy, e.Source)
		if e.Kind != parser.Rule || names == nil {
			continue
		}
		for _, g := range c.GroupBy {
			field := g
			for _, a := range c.Aliases {
				for _, f := range a.Fields {
					if a.Name.Text == g.Text && stands(f.Rule.Text, e) {
						field = f.Field
					}
				}
			}
			if !slices.Contains(names, field.Text) {
				s.find("correlation_group_by_field", field.Pos, "events of the rule %s have no field %q%s", cmp.Or(e.Name, e.Title, e.ID), clip(field.Text),
					meaning(suggest.Misspelt(field.Text, names)))
			}
		}
	}
	for _, a := range c.Aliases {
		for _, f := range a.Fields {
			named := slices.ContainsFunc(c.Rules, func(n ir.Name) bool { return n.Text == f.Rule.Text })
			if !named && !slices.ContainsFunc(rules, func(e link.Entry) bool { return stands(f.Rule.Text, e) }) {
				s.find("correlation_alias_rule", f.Rule.Pos, "the correlation is not about a rule %q, so its alias is never used", clip(f.Rule.Text))
			}
		}
	}
}

func baseName(path string) string {
	return path[strings.LastIndexAny(path, `/\`)+1:]
}
