// Package config reads sigmac.yaml, the configuration of a repository of rules.
package config

import (
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"sigmac/internal/suggest"
	"sigmac/ir"
	"sigmac/parser"
)

// Name is that of the file.
const Name = "sigmac.yaml"

// A Config is the configuration of a repository. Its paths are as written,
// slash-separated and below the folder of the file.
type Config struct {
	Path    string   // of the file
	Rules   []string // files and directories of rules
	RulesAt []ir.Pos // where each stands
	Targets []Target
	Sources []Source
	Check   Check
	Verify  Verify
	Leave   []Leave
	Package Package
}

// A Leave lets the query of one rule do without what its target cannot say.
type Leave struct {
	Rule    string   // its id, or the path of its file below the folder of the configuration
	Allow   string   // narrower or wider
	Reason  string   // never empty
	Targets []string // none: all
	Pos     ir.Pos
}

// Covers says whether a Leave is about a rule's query for a target. The path is
// below the folder of the configuration.
func (l Leave) Covers(id, path, target string) bool {
	return (l.Rule == id || l.Rule == path) && (len(l.Targets) == 0 || slices.Contains(l.Targets, target))
}

// Verify says which verdicts pass where queries are compared with their rules.
type Verify struct {
	Require string // the weakest that passes: proved, partial, bounded or agreed; or empty
	Allow   []Allow
}

// An Allow lets a weaker verdict of one rule pass.
type Allow struct {
	Rule    string   // its id, or the path of its file below the folder of the configuration
	Verdict string   // the weakest that passes: partial, bounded or agreed
	Reason  string   // never empty
	Targets []string // none: all
	Pos     ir.Pos
}

// Covers says whether an Allow is about a rule's query for a target. The path is
// below the folder of the configuration.
func (a Allow) Covers(id, path, target string) bool {
	return (a.Rule == id || a.Rule == path) && (len(a.Targets) == 0 || slices.Contains(a.Targets, target))
}

// A Target is a query language that the repository is converted to.
type Target struct {
	Name      string
	Format    string   // or empty for the default
	Pipelines []string // names or files; none: by log source, unless Unmapped
	Unmapped  bool     // fields as they stand in the rules: an empty list of pipelines
	Schemas   []string
	// Of the pipelines by log source, those that are tried first, and log sources that
	// the team's own pipelines know, before sigmac's.
	Prefer     []string
	LogSources []LogSource
	ListsAs    string // one of Lists, or empty
	ListMin    int    // from so many values on a list is long; 0: not said
	Pos        ir.Pos
}

// A Source is where the events of a log source are, by target, for rules whose fields
// keep their names there.
type Source struct {
	Source ir.LogSource
	At     []Home
	Pos    ir.Pos
}

// A Home is where events are at a target: a condition in its language, or words of the
// target (index, table) with their values.
type Home struct {
	Target string
	Text   string
	Words  [][2]string
	Pos    ir.Pos
}

// A LogSource is where rules get by given pipelines.
type LogSource struct {
	Source ir.LogSource
	Ways   [][]string // names or files of pipelines that run together, the first to be tried first
	Pos    ir.Pos
}

// Check says what the linter does.
type Check struct {
	Profile  string // default or sigmahq
	Ignore   []Ignore
	Severity []Severity
}

// An Ignore keeps the findings of a check out.
type Ignore struct {
	ID     string
	Reason string   // never empty
	Paths  []string // patterns as of path.Match, of a file or of a folder above it; none: everywhere
	Pos    ir.Pos
}

// A Severity is that of a check: error, warning, note or off.
type Severity struct {
	ID, Level string
	Pos       ir.Pos
}

// The words that a configuration may use.
var (
	Profiles   = []string{"default", "sigmahq"}
	Severities = []string{"error", "warning", "note", "off"}
	Directions = []string{"narrower", "wider"}
	Lists      = []string{"inline", "lookup"}                       // where long lists of values stand: in the query, or in a table
	Verdicts   = []string{"proved", "partial", "bounded", "agreed"} // from the best on
)

// maxSize bounds the file.
const maxSize = 1 << 20

// Find is the configuration file of a directory: that in it, or in the nearest
// above it, up to the top of a repository. It is empty where there is none.
func Find(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for {
		file := filepath.Join(dir, Name)
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			return file, nil
		}
		_, err := os.Stat(filepath.Join(dir, ".git"))
		if parent := filepath.Dir(dir); err != nil && parent != dir {
			dir = parent
			continue
		}
		return "", nil
	}
}

// Load reads a file. The errors are *ir.Diagnostic, or one of reading the file.
func Load(file string) (*Config, []error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, []error{err}
	}
	defer f.Close()
	src, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, []error{err}
	}
	return Parse(file, src)
}

// Parse reads the bytes of a file; file stands in errors only. The errors are
// *ir.Diagnostic, all of the file's.
func Parse(file string, src []byte) (*Config, []error) {
	c := &Config{Path: file, Check: Check{Profile: Profiles[0]}}
	f, roots := parser.Open(Name, file, src)
	p := &reader{f}
	switch {
	case len(src) > maxSize:
		p.Fail(nil, "the file is larger than 1 MiB")
	case len(roots) > 1:
		p.Fail(roots[1], "a configuration is one document")
	case len(roots) == 1:
		p.config(parser.Deref(roots[0]), c)
	}
	var errs []error
	for _, e := range f.Errors() {
		errs = append(errs, e)
	}
	return c, errs
}

// A reader reads the YAML of a configuration.
type reader struct{ *parser.File }

func (p *reader) config(root *yaml.Node, c *Config) {
	p.mapping(root, map[string]func(*yaml.Node){
		"rules": func(n *yaml.Node) {
			c.Rules = p.paths(n)
			p.list(n, func(x *yaml.Node) { c.RulesAt = append(c.RulesAt, place(x)) })
		},
		"targets":   func(n *yaml.Node) { c.Targets = p.targets(n) },
		"sources":   func(n *yaml.Node) { p.list(n, func(x *yaml.Node) { c.Sources = append(c.Sources, p.source(x)) }) },
		"check":     func(n *yaml.Node) { p.check(n, &c.Check) },
		"verify":    func(n *yaml.Node) { p.verify(n, &c.Verify) },
		"package":   func(n *yaml.Node) { p.pack(n, &c.Package) },
		"leave_out": func(n *yaml.Node) { p.list(n, func(x *yaml.Node) { c.Leave = append(c.Leave, p.leave(x)) }) },
	})
}

func place(n *yaml.Node) ir.Pos { return ir.Pos{Line: max(n.Line, 1), Column: max(n.Column, 1)} }

// mapping gives the value of each key to its function.
func (p *reader) mapping(n *yaml.Node, keys map[string]func(*yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		p.Fail(n, "here belongs a mapping")
		return
	}
	known := slices.Sorted(maps.Keys(keys))
	for _, e := range p.Entries(n) {
		if set, ok := keys[e.Name]; ok {
			set(e.Value)
		} else {
			p.Fail(e.Key, "unknown key %q%s", e.Name, suggest.For(e.Name, known))
		}
	}
}

func (p *reader) text(n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" || n.Value == "" {
		p.Fail(n, "here belongs a text")
		return ""
	}
	return n.Value
}

// word is one of the known ones.
func (p *reader) word(n *yaml.Node, what string, known []string) string {
	s := p.text(n)
	if s != "" && !slices.Contains(known, s) {
		p.Fail(n, "unknown %s %q%s", what, s, suggest.Among(s, "values", known))
	}
	return s
}

// list gives each element to a function; one that stands alone is a list too.
func (p *reader) list(n *yaml.Node, each func(*yaml.Node)) {
	if n.Kind != yaml.SequenceNode {
		each(n)
		return
	}
	for _, x := range n.Content {
		each(parser.Deref(x))
	}
}

func (p *reader) texts(n *yaml.Node) (out []string) {
	p.list(n, func(x *yaml.Node) {
		if s := p.text(x); s != "" {
			out = append(out, s)
		}
	})
	return out
}

// paths are below the folder of the file.
func (p *reader) paths(n *yaml.Node) (out []string) {
	p.list(n, func(x *yaml.Node) {
		s := p.text(x)
		if s == "" {
			return
		}
		if !filepath.IsLocal(filepath.FromSlash(s)) {
			p.Fail(x, "the path %s leads out of the folder of this file", s)
			return
		}
		out = append(out, s)
	})
	return out
}

func (p *reader) targets(n *yaml.Node) (out []Target) {
	p.list(n, func(x *yaml.Node) {
		t := Target{Pos: place(x)}
		if x.Kind == yaml.ScalarNode {
			t.Name = p.text(x)
		} else {
			p.mapping(x, map[string]func(*yaml.Node){
				"name":   func(n *yaml.Node) { t.Name = p.text(n) },
				"format": func(n *yaml.Node) { t.Format = p.text(n) },
				"pipelines": func(n *yaml.Node) {
					t.Pipelines = p.paths(n)
					t.Unmapped = n.Kind == yaml.SequenceNode && len(n.Content) == 0
				},
				"schemas":  func(n *yaml.Node) { t.Schemas = p.paths(n) },
				"prefer":   func(n *yaml.Node) { t.Prefer = p.texts(n) },
				"lists_as": func(n *yaml.Node) { t.ListsAs = p.word(n, "way for lists", Lists) },
				"list_min": func(n *yaml.Node) {
					if t.ListMin, _ = strconv.Atoi(n.Value); t.ListMin < 1 {
						p.Fail(n, "here belongs a number from 1 on")
					}
				},
				"logsources": func(n *yaml.Node) {
					p.list(n, func(x *yaml.Node) { t.LogSources = append(t.LogSources, p.logsource(x)) })
				},
			})
			if t.Name == "" {
				p.Fail(x, "a target has a name")
			}
		}
		if slices.ContainsFunc(out, func(other Target) bool { return other.Name == t.Name }) {
			p.Fail(x, "the target %s stands twice", t.Name)
		}
		out = append(out, t)
	})
	return out
}

// source has a log source, and beside it targets.
func (p *reader) source(n *yaml.Node) Source {
	out := Source{Pos: place(n)}
	if n.Kind != yaml.MappingNode {
		p.Fail(n, "here belongs a mapping with a logsource and targets")
		return out
	}
	for _, e := range p.Entries(n) {
		if e.Name == "logsource" {
			out.Source = p.sourceOf(e.Value)
			continue
		}
		h := Home{Target: e.Name, Pos: place(e.Key)}
		if e.Value.Kind == yaml.MappingNode {
			for _, w := range p.Entries(e.Value) {
				h.Words = append(h.Words, [2]string{w.Name, p.text(w.Value)})
			}
		} else {
			h.Text = p.text(e.Value)
		}
		out.At = append(out.At, h)
	}
	if out.Source.String() == "" || len(out.At) == 0 {
		p.Fail(n, "a source has a logsource with a product, a category or a service, and a place for a target")
	}
	return out
}

func (p *reader) sourceOf(n *yaml.Node) (s ir.LogSource) {
	p.mapping(n, map[string]func(*yaml.Node){
		"product":  func(n *yaml.Node) { s.Product = p.text(n) },
		"category": func(n *yaml.Node) { s.Category = p.text(n) },
		"service":  func(n *yaml.Node) { s.Service = p.text(n) },
	})
	return s
}

func (p *reader) logsource(n *yaml.Node) LogSource {
	out := LogSource{Pos: place(n)}
	p.mapping(n, map[string]func(*yaml.Node){
		"logsource": func(n *yaml.Node) { out.Source = p.sourceOf(n) },
		"pipelines": func(n *yaml.Node) {
			for _, way := range p.paths(n) {
				out.Ways = append(out.Ways, strings.Split(way, " + "))
			}
		},
	})
	if n.Kind == yaml.MappingNode && (out.Source.String() == "" || len(out.Ways) == 0) {
		p.Fail(n, "a log source has a logsource with a product, a category or a service, and pipelines")
	}
	return out
}

func (p *reader) check(n *yaml.Node, c *Check) {
	p.mapping(n, map[string]func(*yaml.Node){
		"profile": func(n *yaml.Node) { c.Profile = p.word(n, "profile", Profiles) },
		"ignore": func(n *yaml.Node) {
			p.list(n, func(x *yaml.Node) { c.Ignore = append(c.Ignore, p.ignore(x)) })
		},
		"severity": func(n *yaml.Node) {
			if n.Kind != yaml.MappingNode {
				p.Fail(n, "here belongs a mapping of checks to %v", Severities)
				return
			}
			for _, e := range p.Entries(n) {
				c.Severity = append(c.Severity, Severity{e.Name, p.word(e.Value, "severity", Severities), place(e.Key)})
			}
		},
	})
}

func (p *reader) verify(n *yaml.Node, v *Verify) {
	p.mapping(n, map[string]func(*yaml.Node){
		"require": func(n *yaml.Node) { v.Require = p.word(n, "verdict", Verdicts) },
		"allow": func(n *yaml.Node) {
			p.list(n, func(x *yaml.Node) { v.Allow = append(v.Allow, p.allow(x)) })
		},
	})
}

func (p *reader) allow(n *yaml.Node) Allow {
	out := Allow{Pos: place(n)}
	p.mapping(n, map[string]func(*yaml.Node){
		"rule":    func(n *yaml.Node) { out.Rule = p.text(n) },
		"verdict": func(n *yaml.Node) { out.Verdict = p.word(n, "verdict", Verdicts[1:]) },
		"reason":  func(n *yaml.Node) { out.Reason = p.text(n) },
		"targets": func(n *yaml.Node) { out.Targets = p.texts(n) },
	})
	if n.Kind == yaml.MappingNode && (out.Rule == "" || out.Verdict == "" || out.Reason == "") {
		p.Fail(n, "what is allowed has a rule, a verdict and a reason")
	}
	return out
}

func (p *reader) leave(n *yaml.Node) Leave {
	out := Leave{Pos: place(n)}
	p.mapping(n, map[string]func(*yaml.Node){
		"rule":    func(n *yaml.Node) { out.Rule = p.text(n) },
		"allow":   func(n *yaml.Node) { out.Allow = p.word(n, "direction", Directions) },
		"reason":  func(n *yaml.Node) { out.Reason = p.text(n) },
		"targets": func(n *yaml.Node) { out.Targets = p.texts(n) },
	})
	if n.Kind == yaml.MappingNode && (out.Rule == "" || out.Allow == "" || out.Reason == "") {
		p.Fail(n, "what may be left out has a rule, allow and a reason")
	}
	return out
}

func (p *reader) ignore(n *yaml.Node) Ignore {
	out := Ignore{Pos: place(n)}
	p.mapping(n, map[string]func(*yaml.Node){
		"id":     func(n *yaml.Node) { out.ID = p.text(n) },
		"reason": func(n *yaml.Node) { out.Reason = p.text(n) },
		"paths": func(n *yaml.Node) {
			for _, s := range p.texts(n) {
				if _, err := path.Match(s, ""); err != nil {
					p.Fail(n, "%q is no pattern of paths", s)
				}
				out.Paths = append(out.Paths, s)
			}
		},
	})
	if n.Kind == yaml.MappingNode && (out.ID == "" || out.Reason == "") {
		p.Fail(n, "what is ignored has an id and a reason")
	}
	return out
}

// Covers says whether an Ignore is about a file, by its path below the folder of
// the configuration.
func (g Ignore) Covers(file string) bool {
	if len(g.Paths) == 0 {
		return true
	}
	for ; file != "." && file != "/"; file = path.Dir(file) {
		for _, p := range g.Paths {
			if ok, _ := path.Match(p, file); ok {
				return true
			}
		}
	}
	return false
}
