// Package native reads the rules of other catalogs in their own languages. These are
// what Splunk, Elastic, and writers of KQL publish. Each rule gets the page that a
// Sigma rule gets, with Sigma's names for the fields, or the reason why not. A field
// without an equal in Sigma keeps its name, and what is not read is counted by its
// reason (testdata/native.json).
package native

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	splunk "sigmac/backends/splunk/read"
	"sigmac/internal/catalog"
	"sigmac/internal/lazy"
	"sigmac/ir"
)

// Forms says in which forms rules are read, in words that go on a sentence.
const Forms = `of Splunk's security content, of
Elastic's detection rules, and of Sentinel or files .kql`

// A Rule is one rule of a catalog.
type Rule struct {
	Catalog       string // splunk, elastic or kusto
	Path          string
	catalog.Facts        // the tags are attack.tNNNN, sorted
	Language      string // spl, eql, kuery, kql; of what is not read, as the rule says
	Query         string // laid out where that is proved to change nothing but blanks
	// Page has a stage for each command of the query, each event of a sequence,
	// or for the whole of it; the predicates of a stage are those whose values
	// stand in its text. It is empty where Reason is not.
	Page *catalog.Page
	// Reason says in few words why nothing could be read, Detail where.
	Reason, Detail string
	// Errors say what is wrong with the form of the file, each with its line and column.
	Errors []string
	// Partial counts the conditions that no representation holds; what the page
	// shows is then a part of what the rule asks for.
	Partial int

	spelled map[string][]string // fields as the rule names them, by Sigma's names
}

// A Reader reads the files of one catalog.
type Reader struct {
	// Context is what the meaning of a file depends on besides its bytes.
	Context []byte
	Kinds   []string // the extensions of files of rules

	name string
	read func(path string, src []byte) *Rule
}

// NewReader is a reader of the catalog splunk, elastic or kusto below fsys. The
// search macros of Splunk are those in folders named macros; one that cannot be
// read is an error, and the reader does without it.
func NewReader(fsys fs.FS, name string) (*Reader, error) {
	r := &Reader{name: name}
	switch name {
	case "splunk":
		macros, err := Macros(fsys)
		r.Context, _ = json.Marshal(macros)
		r.read = func(path string, src []byte) *Rule { return Splunk(path, src, macros) }
		r.Kinds = []string{".yml", ".yaml"}
		return r, err
	case "elastic":
		r.read, r.Kinds = Elastic, []string{".toml"}
	case "kusto":
		r.read, r.Kinds = Kusto, []string{".kql", ".yml", ".yaml"}
	default:
		return nil, fmt.Errorf("no catalog %q: splunk, elastic or kusto", name)
	}
	return r, nil
}

// Takes says whether a file of the catalog is one of a rule: .yml and .yaml of
// Splunk, .toml of Elastic, and .kql, .yml and .yaml of KQL.
func (r *Reader) Takes(file string) bool {
	return slices.Contains(r.Kinds, path.Ext(file)) && (r.name != "splunk" || !inMacros(file))
}

// Read is the rule in a file. A file without a rule in it is one with its
// Reason.
func (r *Reader) Read(file string, src []byte) *Rule {
	if len(src) > MaxFile {
		return (&Rule{Catalog: r.name, Path: file}).because("a file larger than 4 MB", "")
	}
	return r.read(file, src)
}

// MaxFile is the size in bytes above which a file is not read: rules are far
// smaller.
const MaxFile = 4 << 20

// readFile reads one byte more than what is not too large.
func readFile(fsys fs.FS, path string) ([]byte, error) {
	f, err := fsys.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, MaxFile+1))
}

func inMacros(p string) bool { return path.Base(path.Dir(p)) == "macros" }

// Macros reads the search macros in the folders named macros.
func Macros(fsys fs.FS) (map[string]splunk.Macro, error) {
	macros := map[string]splunk.Macro{}
	var errs []error
	_ = fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			errs = append(errs, err)
			return nil
		}
		if d.IsDir() || !inMacros(p) || path.Ext(p) != ".yml" && path.Ext(p) != ".yaml" {
			return nil
		}
		src, err := readFile(fsys, p)
		if err == nil && len(src) > MaxFile {
			err = errors.New("larger than 4 MB")
		}
		var m struct {
			Name       string
			Arguments  []string
			Definition string
		}
		if err == nil {
			if fault := decodeYAML(src, &m); fault != nil {
				err = fault
			}
		}
		if err != nil {
			if fault := (*ir.Diagnostic)(nil); errors.As(err, &fault) {
				err = fmt.Errorf("%s:%w", p, err)
			} else {
				err = fmt.Errorf("%s: %w", p, err)
			}
			errs = append(errs, err)
			return nil
		}
		macros[m.Name] = splunk.Macro{Args: m.Arguments, Definition: m.Definition}
		return nil
	})
	return macros, errors.Join(errs...)
}

// because is r with the reason why it is not read.
func (r *Rule) because(reason, detail string) *Rule {
	r.Reason, r.Detail, r.Page = reason, detail, &catalog.Page{}
	return r
}

// malformed is r with what is wrong with the form of its file.
func (r *Rule) malformed(reason string, at ir.Pos, msg string) *Rule {
	r.Errors = []string{fmt.Sprintf("%d:%d: %s", at.Line, at.Column, msg)}
	return r.because(reason, r.Errors[0])
}

// refused is r with what a reader says.
func (r *Rule) refused(err error) *Rule {
	msg := err.Error()
	var e *ir.Diagnostic
	if errors.As(err, &e) {
		msg = e.Msg
	}
	return r.because("not read: "+generic(msg), err.Error())
}

var (
	afterFound = lazy.Regexp(`, found .*|unexpected character .*`)
	named      = lazy.Regexp("\"[^\"]*\\w[^\"]*\"|'[^']*\\w[^']*'|`[^`]*\\w[^`]*`|(unknown (?:command|column|function)|a second let of) .*")
)

// generic is a message without what it says of one query only, so that
// messages can be counted.
func generic(msg string) string {
	msg, _, _ = strings.Cut(msg, "\n")
	msg = afterFound().ReplaceAllString(msg, "")
	return strings.TrimSpace(named().ReplaceAllString(msg, "$1 …"))
}

// A part is one event that a query looks for.
type part struct {
	filter ir.Expr
	rest   []ir.Command
}

// filtering are the stages that filter.
var filtering = []string{"search", "where", "regex", "filter"}

// read fills the page of a rule whose query looks for these events, which have
// Sigma's names. In a sequence each of them must say something.
func (r *Rule) read(stages []ir.Command, each bool, parts ...part) *Rule {
	var filters []ir.Expr
	silent := ""
	read := 0
	for _, p := range parts {
		filters = append(filters, p.filter)
		ir.Walk(p.filter, func(e ir.Expr) {
			if _, ok := e.(ir.Opaque); ok {
				r.Partial++
			}
		})
		for _, st := range p.rest { // a filter of what several events are together
			if st.Effect == ir.Removes && slices.Contains(filtering, st.Name) {
				r.Partial++
			}
		}
		if page := catalog.Of(p.filter); len(page.Indicators)+len(page.Exclusions) > 0 {
			read++
		} else if silent == "" {
			silent = whySilent(p)
		}
	}
	if each && read > 0 {
		silent = "an event of a sequence without a test"
	}
	if read == 0 || each && read < len(parts) {
		return r.because(silent, "")
	}
	r.Page = catalog.Of(filters...)
	for i, in := range r.Page.Indicators {
		r.Page.Indicators[i].Spelled = r.spelled[in.Field]
	}
	r.Page.Stages = withPredicates(stages, filters)
	return r
}

// whySilent says why a filter has no predicate.
func whySilent(p part) string {
	var opaque []string
	ir.Walk(p.filter, func(e ir.Expr) {
		if o, ok := e.(ir.Opaque); ok {
			opaque = append(opaque, o.Text)
		}
	})
	all := func(re *regexp.Regexp) bool {
		return !slices.ContainsFunc(opaque, func(s string) bool { return !re.MatchString(s) })
	}
	some := func(re *regexp.Regexp) bool { return slices.ContainsFunc(opaque, re.MatchString) }
	switch {
	case len(opaque) == 0 && len(p.rest) > 0 && isCommand(p.rest[0].Name):
		return "no filter before " + p.rest[0].Name
	case len(opaque) == 0 && len(p.rest) > 0:
		return "no filter before a macro"
	case len(opaque) == 0:
		return "no filter"
	case all(ofTime()):
		return "a test of the time only"
	case some(external()):
		return "a list from outside only"
	case some(otherQuery()):
		return "a list from another query only"
	}
	return "no test that can be represented"
}

var (
	ofTime     = lazy.Regexp(`(?i)\b(ago|now|datetime)\s*\(|^\w*(time|timestamp|timegenerated)\w*\s*[<>]`)
	external   = lazy.Regexp(`(?i)externaldata|lookup`)
	otherQuery = lazy.Regexp(`\|`)
	command    = lazy.Regexp(`^[a-z][a-z_-]*$`)
)

func isCommand(s string) bool { return command().MatchString(s) }

// withPredicates makes stages of the parts of a query: a predicate is of the
// stage in whose text its value stands.
func withPredicates(stages []ir.Command, filters []ir.Expr) []catalog.Stage {
	leaves := make([]ir.And, len(stages))
	add := func(e ir.Expr, pos ir.Pos) {
		i, found := slices.BinarySearchFunc(stages, pos, func(st ir.Command, p ir.Pos) int { return st.Pos.Compare(p) })
		if !found {
			i--
		}
		if i >= 0 {
			leaves[i] = append(leaves[i], e)
		}
	}
	for _, f := range filters {
		ir.Walk(f, func(e ir.Expr) {
			switch e := e.(type) {
			case ir.Match:
				add(e, e.Pos)
			case ir.Keyword:
				add(e, e.Pos)
			}
		})
	}
	var out []catalog.Stage
	for i, st := range stages {
		out = append(out, catalog.Stage{Label: st.Name, Body: st.Text, Predicates: catalog.Predicates(leaves[i])})
	}
	return out
}

// techniques are ATT&CK's ids as Sigma's tags, sorted.
func techniques(ids ...string) (tags []string) {
	for _, id := range ids {
		if technique().MatchString(id) {
			tags = append(tags, "attack."+strings.ToLower(id))
		}
	}
	slices.Sort(tags)
	return slices.Compact(tags)
}

var technique = lazy.Regexp(`^[Tt]\d{4}(\.\d{3})?$`)

// A Count says what came of the rules of a catalog in one language.
type Count struct {
	Rules, Read int
	Whole       int            // read, and with nothing left out
	Reasons     map[string]int // of the others
}

// Add counts r.
func (c *Count) Add(r *Rule) {
	c.Rules++
	switch {
	case r.Reason != "":
		if c.Reasons == nil {
			c.Reasons = map[string]int{}
		}
		c.Reasons[r.Reason]++
		return
	case r.Partial == 0:
		c.Whole++
	}
	c.Read++
}
