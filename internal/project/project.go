// Package project says which targets, mappings, rules and severities are meant. They
// come of sigmac.yaml, and of what a user asks for beside it. It knows no command
// line.
package project

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"sigmac"
	"sigmac/backends"
	"sigmac/internal/config"
	"sigmac/internal/deploy"
	"sigmac/internal/suggest"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/pipeline"
	"sigmac/schema"
	"sigmac/targets"
)

// DefaultFormat is that of a target for which none is asked.
const DefaultFormat = "default"

// Asked is what a user asks for. What is left open, sigmac.yaml says, or a default.
type Asked struct {
	Verb          string   // for messages
	Targets       []string // names, also those of places where a target runs
	Format        string
	Packages      bool     // Format may be one of packages
	Pipelines     []string // names, files, or directories of files
	Unmapped      bool     // no pipeline
	Schemas       []string // files
	NoFallback    bool     // of the pipelines for a log source, the first counts even where it refuses a rule
	Allow         string   // narrower or wider: how queries may differ where a target cannot say a part of a rule
	ListsAs       string   // inline or lookup: where long lists of values stand
	ListMin       int      // from so many values on a list is long; 0: not asked
	AnyPipeline   bool     // a pipeline may be for another target
	AllowExternal bool     // pipelines may run commands and open network connections
	Rules         []string // files and directories, or Stdin
	FromConfig    bool     // without Rules, those of sigmac.yaml are taken
	Patterns      []string // names of rule files in a directory; none: RuleFiles
	Filters       []string // files and directories of filters from elsewhere
	Context       []string // files and directories of rules that are known by their names only
	Stdin         io.Reader
	// Note takes lines for people, such as which pipeline was taken.
	Note func(format string, args ...any)
}

// A Project is what is asked for, in the repository of the working directory.
type Project struct {
	Asked
	Config *config.Config // nil without a sigmac.yaml
	rules  []string       // of the configuration, from the working directory
	unread error          // in the context
	stdin  func() ([]byte, error)
	kept   sync.Map           // of []byte, by path
	bytes  atomic.Int64       // of kept files, and of those that would have been too much
	given  []*parser.Document // those of Filters
	joined map[place]bool     // filters that are joined to a rule
	rule   bool               // a document was no filter
	filter bool               // a document was one
}

// A place is that of a document.
type place struct {
	path string
	pos  ir.Pos
}

// RuleFiles are the names of rule files in a directory, unless others are asked for.
var RuleFiles = []string{"*.yml", "*.yaml"}

// Open reads the sigmac.yaml of the working directory, or of the nearest directory above
// it in the same repository.
func Open(asked Asked) (*Project, error) {
	p := &Project{Asked: asked, joined: map[place]bool{}, stdin: sync.OnceValues(func() ([]byte, error) { return ReadFile(Stdin, asked.Stdin) })}
	if len(p.Patterns) == 0 {
		p.Patterns = RuleFiles
	}
	for _, path := range asked.Context { // also where no name needs it
		if _, err := os.Stat(path); err != nil {
			return nil, Fault(err)
		}
	}
	file, err := config.Find(".")
	if err != nil || file == "" {
		return p, err
	}
	if here, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(here, file); err == nil {
			file = rel
		}
	}
	cfg, errs := config.Load(file)
	if len(errs) > 0 {
		for i := range errs {
			errs[i] = Fault(errs[i])
		}
		return nil, errors.Join(errs...)
	}
	p.Config = cfg
	for _, path := range cfg.Rules {
		p.rules = append(p.rules, p.below(path))
	}
	return p, nil
}

// below is a path of the configuration from the working directory.
func (p *Project) below(path string) string {
	return filepath.Join(filepath.Dir(p.Config.Path), filepath.FromSlash(path))
}

// ConfiguredRules are the paths of the rules of sigmac.yaml, from the working directory.
func (p *Project) ConfiguredRules() []string { return p.rules }

// A Request is a target that is asked for.
type Request struct {
	*backends.Target                // in the format that is asked for; nil until its names are known
	Package          *deploy.Format // in which detections are asked for, or nil
	at               string         // the place in the configuration, or empty
	name, format     string
	site             *backends.Site // the place that is asked for, or nil

	// As the configuration has them, from the working directory.
	pipelines, schemas []string
	unmapped           bool
	prefer             []string
	listsAs            string
	listMin            int
	logsources         []config.LogSource
}

// For is a request for a target as it is.
func For(t *backends.Target) Request { return Request{Target: t, name: t.Name} }

// Requests are the targets that are asked for, or else those of sigmac.yaml.
func (p *Project) Requests() ([]Request, error) {
	var names []string
	for _, t := range targets.All() {
		names = append(names, t.Name)
	}
	wanted, err := p.wanted()
	if err != nil {
		return nil, err
	}
	var out []Request
	for _, r := range wanted {
		t, ok := targets.Named(r.name)
		if !ok {
			return nil, fmt.Errorf("%sunknown target %q%s", r.at, r.name, suggest.Among(r.name, "targets", names))
		}
		if i := slices.IndexFunc(t.Packages, func(f deploy.Format) bool { return f.Name == r.format }); i >= 0 && p.Packages {
			r.Package, r.format = &t.Packages[i], DefaultFormat
		}
		if r.Target, ok = t.In(r.format); !ok {
			var formats []string
			for _, f := range t.Formats {
				formats = append(formats, f.Name)
			}
			for _, f := range t.Packages {
				if formats = append(formats, f.Name); f.Name == r.format {
					return nil, fmt.Errorf("%s%s is a form of detections, which sigmac convert writes", r.at, r.format)
				}
			}
			at := r.at
			if p.Format != "" {
				at = "" // the command line says it
			}
			return nil, fmt.Errorf("%sunknown format %q of %s%s", at, r.format, r.name, suggest.Among(r.format, "formats", formats))
		}
		switch i := slices.IndexFunc(out, func(x Request) bool { return x.name == r.name }); {
		case i < 0:
			out = append(out, r)
		case out[i].site != r.site:
			return nil, fmt.Errorf("%s and %s are both %s: ask for one of them at a time", out[i].asked(), r.asked(), r.name)
		}
	}
	if known := formats(); len(out) == 0 && p.Packages && p.Format != "" && !slices.Contains(known, p.Format) {
		return nil, fmt.Errorf("unknown format %q%s", p.Format, suggest.Among(p.Format, "formats", known))
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s needs a target: -t %s", p.Verb, strings.Join(names, ", -t "))
	}
	return out, nil
}

// wanted are the names that are asked for, each with what sigmac.yaml says of it, or
// else all of that.
func (p *Project) wanted() (out []Request, err error) {
	names := p.Targets
	sites := map[int]*backends.Site{}
	var known []config.Target
	if p.Config != nil {
		known = p.Config.Targets
	}
	for i, name := range names {
		t, site, err := targets.Find(name)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			names = slices.Clone(names)
		}
		names[i], sites[i] = t.Name, site
	}
	if t := packedBy(p.Format); t != "" && p.Packages && len(names) == 0 {
		names = []string{t} // it says the target
	}
	if len(names) == 0 {
		for _, t := range known {
			names = append(names, t.Name)
		}
	}
	for i, name := range names {
		r := Request{name: name, site: sites[i], format: cmp.Or(p.Format, DefaultFormat)}
		if i := slices.IndexFunc(known, func(t config.Target) bool { return t.Name == name }); i >= 0 {
			p.configure(&r, known[i])
			r.format = cmp.Or(p.Format, r.format)
		}
		if r.site != nil { // in the place of what the configuration maps by
			r.pipelines, r.unmapped = nil, false
		}
		out = append(out, r)
	}
	return out, nil
}

// asked is the name that a target is asked for by.
func (r Request) asked() string {
	if r.site != nil {
		return r.site.Name
	}
	return r.name
}

// formats are the names of all forms of queries and of detections.
func formats() (out []string) {
	for _, t := range targets.All() {
		for _, f := range t.Formats {
			if !slices.Contains(out, f.Name) { // default is one of each
				out = append(out, f.Name)
			}
		}
		for _, f := range t.Packages {
			out = append(out, f.Name)
		}
	}
	return out
}

// packedBy is the target that has detections in a format, or empty.
func packedBy(format string) string {
	for _, t := range targets.All() {
		if slices.ContainsFunc(t.Packages, func(f deploy.Format) bool { return f.Name == format }) {
			return t.Name
		}
	}
	return ""
}

// configure takes over what the configuration says of a target.
func (p *Project) configure(r *Request, t config.Target) {
	r.at = fmt.Sprintf("%s:%d:%d: ", p.Config.Path, t.Pos.Line, t.Pos.Column)
	r.format, r.unmapped = cmp.Or(t.Format, DefaultFormat), t.Unmapped
	named := func(names []string) (out []string) {
		for _, name := range names {
			if _, ok := Builtin(name); !ok && name != Default {
				name = p.below(name)
			}
			out = append(out, name)
		}
		return out
	}
	r.pipelines, r.prefer = named(t.Pipelines), t.Prefer
	r.listsAs, r.listMin = t.ListsAs, t.ListMin
	for _, l := range t.LogSources {
		l.Ways = slices.Clone(l.Ways)
		for i, way := range l.Ways {
			l.Ways[i] = named(way)
		}
		r.logsources = append(r.logsources, l)
	}
	for _, path := range t.Schemas {
		r.schemas = append(r.schemas, p.below(path))
	}
}

// Default is the name of the pipelines that are chosen by a rule's log source.
const Default = "default"

// Mappings lead to targets by the pipelines and schemas that are asked for; a target
// for which none is given has those that sigmac chooses by a rule's log source, and a
// note says so.
func (p *Project) Mappings(requests []Request) (out []sigmac.Mapping, err error) {
	lists := make([]int, len(requests))
	for i, r := range requests {
		if lists[i], err = p.longLists(r); err != nil {
			return nil, err
		}
	}
	if out, err = p.ways(requests); err != nil {
		return nil, err
	}
	for i := range out {
		out[i].Lists = lists[i]
	}
	return out, nil
}

// ways are the mappings without what does not concern the way to the target.
func (p *Project) ways(requests []Request) (out []sigmac.Mapping, err error) {
	allow, err := p.allowance()
	if err != nil {
		return nil, err
	}
	if p.Unmapped {
		if len(p.Pipelines) > 0 {
			return nil, errors.New("--pipeline and --without-pipeline exclude each other")
		}
		p.noteUntested()
		for _, r := range requests {
			out = append(out, sigmac.Mapping{Target: r.Target, Allow: allow})
		}
		return out, nil
	}
	given, err := p.load(p.Pipelines)
	if err != nil {
		return nil, err
	}
	if p.AnyPipeline {
		given = pipeline.ForAll(given)
	}
	for _, x := range given {
		if !slices.ContainsFunc(requests, func(r Request) bool { return x.Allows(r.Target) }) {
			return nil, fmt.Errorf("%s is a pipeline for %s, and no such target is asked for; --disable-pipeline-check takes it", x.Path, strings.Join(x.AllowedBackends, " and "))
		}
	}
	if len(p.Pipelines) == 0 && slices.ContainsFunc(requests, func(r Request) bool { return r.unmapped }) {
		p.noteUntested()
	}
	var chosen []string // targets
	for _, t := range requests {
		if len(p.Pipelines) == 0 && t.unmapped {
			out = append(out, sigmac.Mapping{Target: t.Target, Allow: allow})
			continue
		}
		names, ps := p.Pipelines, given
		if len(names) == 0 {
			names = t.pipelines
			if ps, err = p.load(names); err != nil {
				return nil, err
			}
			for _, x := range ps {
				if !x.Allows(t.Target) {
					return nil, fmt.Errorf("%s is a pipeline for %s, and not for %s", x.Path, strings.Join(x.AllowedBackends, " and "), t.Name)
				}
			}
		}
		ps = slices.DeleteFunc(slices.Clone(ps), func(x *pipeline.Pipeline) bool { return !x.Allows(t.Target) })
		m, err := p.mapping(t, slices.Contains(names, Default), ps)
		if err != nil {
			return nil, err
		}
		m.Allow = allow
		if out = append(out, m); m.Table != nil {
			chosen = append(chosen, t.Name)
		}
	}
	switch replaced := len(p.Pipelines) > 0 && !slices.Contains(p.Pipelines, Default); {
	case len(chosen) > 0:
		p.Note("%s: pipelines by log source, see sigmac pipeline list --by-logsource; -p takes others, --without-pipeline none", strings.Join(chosen, ", "))
	case replaced:
		p.Note("-p stands in the place of the pipelines that sigmac chooses by log source; -p default -p %s adds to them", p.Pipelines[0])
	}
	return out, nil
}

// DefaultListMin is from how many values on a list is long, where nobody says.
const DefaultListMin = 100

// longLists says from how many values on the lists of a query go into tables; 0 where
// they stay in it.
func (p *Project) longLists(t Request) (least int, err error) {
	as := cmp.Or(p.ListsAs, t.listsAs, config.Lists[0])
	switch lacks := t.Target.Format.Lookups.Lacks; {
	case !slices.Contains(config.Lists, as):
		return 0, fmt.Errorf("--lists-as is %s, and not %q%s", strings.Join(config.Lists, " or "), as, suggest.For(as, config.Lists))
	case as == config.Lists[0]:
		return 0, nil
	case t.Target.Format.Lookups.In == nil:
		return 0, fmt.Errorf("%slists cannot go into lookups: %s", t.at, cmp.Or(lacks, "sigmac knows none of "+t.name))
	}
	return cmp.Or(p.ListMin, t.listMin, DefaultListMin), nil
}

// load reads pipelines, but not the default ones.
func (p *Project) load(names []string) ([]*pipeline.Pipeline, error) {
	return LoadPipelines(slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == Default }), p.Stdin)
}

// mapping leads to a target by given pipelines, behind those of the target where these
// are asked for, or none is given.
func (p *Project) mapping(t Request, own bool, given []*pipeline.Pipeline) (m sigmac.Mapping, err error) {
	schemas, err := p.SchemasOf(t)
	if err != nil {
		return m, err
	}
	m = sigmac.DefaultMapping(t.Target)
	switch {
	case m.Table == nil && len(given) == 0:
		return m, nil
	case m.Table == nil || !own && len(given) > 0:
		m.Pipeline, m.Table = pipeline.Join(given...), nil
	default:
		if m.Table, err = p.table(t, m.Table); err != nil {
			return m, err
		}
		if t.site != nil {
			m.Table = m.Table.Only(t.site.Pipelines...).Preferring(t.site.Pipelines...)
		}
		if t.Package != nil && t.Package.Pipelines != nil {
			m.Table = m.Table.Only(t.Package.Pipelines...)
		}
		m.Table = m.Table.With(given...)
		m.First = p.NoFallback
	}
	m.Options = pipeline.Options{AllowExternal: p.AllowExternal, Files: FolderOf}
	if p.AnyPipeline {
		m.Options.Foreign = foreign(t.Target)
	}
	m.Schemas = schema.For(t.Target, schemas...)
	return m, nil
}

// foreign are the states by which pipelines say where to look in other languages, and not in that of t.
func foreign(t *backends.Target) (out []string) {
	has := func(key string) bool {
		return slices.ContainsFunc(t.Scope, func(k backends.ScopeKey) bool { return k.Key == key })
	}
	for _, other := range targets.All() {
		for _, k := range other.Scope {
			if !has(k.Key) && !slices.Contains(out, k.Key) {
				out = append(out, k.Key)
			}
		}
		if other.Term != nil && t.Term == nil && !slices.Contains(out, "extend") {
			out = append(out, "extend", "suppose")
		}
	}
	return out
}

// allowance is what the command line allows for all rules, and sigmac.yaml for some.
func (p *Project) allowance() (sigmac.Allowance, error) {
	all := sigmac.Difference(p.Allow)
	if p.Allow != "" && !slices.Contains(config.Directions, p.Allow) {
		return nil, fmt.Errorf("--allow is %s, and not %q%s", strings.Join(config.Directions, " or "), p.Allow, suggest.For(p.Allow, config.Directions))
	}
	var some []config.Leave
	if p.Config != nil {
		some = p.Config.Leave
	}
	if all == sigmac.Exact && len(some) == 0 {
		return nil, nil
	}
	return func(d *parser.Document, t *backends.Target) sigmac.Difference {
		path := d.Path
		if p.Config != nil {
			if rel, err := filepath.Rel(filepath.Dir(p.Config.Path), path); err == nil {
				path = filepath.ToSlash(rel)
			}
		}
		for _, l := range some {
			if l.Covers(d.ID, path, t.Name) {
				return sigmac.Difference(l.Allow)
			}
		}
		return all
	}, nil
}

// table is that of a target with what the configuration says of log sources in front.
func (p *Project) table(t Request, table *pipeline.Table) (*pipeline.Table, error) {
	for _, name := range t.prefer {
		if _, ok := Builtin(name); !ok {
			return nil, fmt.Errorf("%sno pipeline is named %q%s", t.at, name, suggest.For(name, pipeline.Builtins()))
		}
	}
	var rows []pipeline.Row
	for _, l := range t.logsources {
		row := pipeline.Row{Source: l.Source}
		for _, way := range l.Ways {
			ps, err := LoadPipelines(way, p.Stdin)
			if err != nil {
				return nil, err
			}
			for _, x := range ps {
				if !x.Allows(t.Target) {
					return nil, fmt.Errorf("%s is a pipeline for %s, and not for %s", x.Path, strings.Join(x.AllowedBackends, " and "), t.Name)
				}
			}
			row.Ways = append(row.Ways, pipeline.WayOf(ps...))
		}
		rows = append(rows, row)
	}
	homes, err := p.sources(t)
	if err != nil {
		return nil, err
	}
	return table.Preferring(t.prefer...).Before(append(rows, homes...)...), nil
}

// Unmapped leave the fields of rules as they are.
func Unmapped(requests []Request) (out []sigmac.Mapping) {
	for _, r := range requests {
		out = append(out, sigmac.Mapping{Target: r.Target})
	}
	return out
}

// noteUntested says once a run what else would be a loss of each rule.
func (p *Project) noteUntested() {
	p.Note("%s: without a pipeline, no query tests the log source of its rule", pipeline.Untested)
}

// SchemasOf are those that are asked for, or else those that the configuration has for
// a target.
func (p *Project) SchemasOf(r Request) (out []*schema.Schema, err error) {
	paths := p.Schemas
	if len(paths) == 0 {
		paths = r.schemas
	}
	var faults []error
	for _, path := range paths {
		src, err := ReadFile(path, p.Stdin)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		s, errs := schema.Parse(path, src)
		for _, e := range errs {
			faults = append(faults, e)
		}
		out = append(out, s)
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return out, nil
}
