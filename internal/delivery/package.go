package delivery

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path"
	"reflect"
	"slices"
	"strings"

	"sigmac"
	"sigmac/internal/config"
	"sigmac/internal/deploy"
	"sigmac/internal/outdir"
	"sigmac/internal/suggest"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/tail"
)

// A Packer makes detections of results. It is for one goroutine.
type Packer struct {
	Format  deploy.Format
	Options deploy.Options // without Version, which Known gives
	// Config is what a repository says of packages; its rules are below Folder.
	Config config.Package
	Below  func(path string) string // a file's path below the folder of the configuration
	Schema ir.Schema

	// Files gives the files of rules their names; nil: all rules go into one package.
	Files *Files

	known map[string]*deploy.Detection // of an earlier package, by id, and by id and title
	rules map[string]*deploy.Rule      // by id
	order []*deploy.Rule
	names []string // of the file of each
}

// NewPacker is a Packer for a format with options, which are checked: the error names the
// options that the format has.
func NewPacker(f deploy.Format, c config.Package, options []config.Option) (*Packer, error) {
	p := &Packer{Format: f, Config: c, rules: map[string]*deploy.Rule{}, Options: deploy.Options{Values: map[string]string{}, Attack: cmp.Or(c.Attack, f.Attack)}}
	for _, o := range f.Options {
		p.Options.Values[o.Name] = o.Default
	}
	var formats []string
	for _, t := range sigmac.Targets() {
		for _, x := range t.Packages {
			formats = append(formats, x.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Options)) {
		if name != f.Name && !slices.Contains(formats, name) {
			return nil, fmt.Errorf("options of package: unknown format %q%s", name, suggest.For(name, formats))
		}
	}
	for _, s := range c.All() {
		for _, name := range slices.Sorted(maps.Keys(s.Targets)) {
			if !slices.Contains(targetNames(), name) {
				return nil, fmt.Errorf("settings of package: unknown target %q%s", name, suggest.For(name, targetNames()))
			}
		}
	}
	for _, o := range slices.Concat(c.Options[f.Name], options) {
		i := slices.IndexFunc(f.Options, func(x deploy.Option) bool { return x.Name == o.Name })
		if i < 0 {
			var names []string
			for _, x := range f.Options {
				names = append(names, x.Name)
			}
			return nil, fmt.Errorf("%s has no option %q%s", f.Name, o.Name, suggest.For(o.Name, names))
		}
		if values := f.Options[i].Values; values != nil && !slices.Contains(values, o.Value) {
			return nil, fmt.Errorf("the option %s of %s is %s, and not %q%s", o.Name, f.Name, strings.Join(values, " or "), o.Value, suggest.For(o.Value, values))
		}
		p.Options.Values[o.Name] = o.Value
	}
	return p, nil
}

// A Known is a file of an earlier package. Version is that of its detection where the file itself
// does not say it, or 0.
type Known struct {
	deploy.File
	Version int
}

// Know takes the versions of an earlier package: a detection that is as it was there keeps its
// version, and one that changed has the next. What is no package is passed over.
func (p *Packer) Know(files []Known) {
	if p.known == nil {
		p.known = map[string]*deploy.Detection{}
	}
	for _, f := range files {
		ds, err := p.Format.Read(f.File)
		if err != nil {
			continue
		}
		for _, d := range ds {
			d.Version = max(1, cmp.Or(d.Version, f.Version))
			for _, key := range []string{d.ID, d.Rule, titled(d.Rule, d.Title)} {
				if p.known[key] == nil {
					p.known[key] = d
				}
			}
		}
	}
}

func titled(rule, title string) string { return rule + "\x00" + title }

// left are the states of rules that packages leave out.
var left = []string{"deprecated", "unsupported"}

// What is told of rules for all forms alike.
var (
	trial    = deploy.Check{ID: "package/experimental", Severity: "note", What: "what is not tested yet is switched off", Source: "docs/deploy.md"}
	nameless = deploy.Check{ID: "package/id", Severity: "note", What: "a rule has a UUID as its id", Source: "docs/deploy.md"}
	levelled = deploy.Check{ID: "package/level", Severity: "note", What: "a rule has a level", Source: "docs/deploy.md"}
)

// told is what is told of a rule for all forms alike.
func told(r *deploy.Rule) (out []deploy.Finding) {
	if r.Meta.Status == "experimental" && !r.Plan.Enabled {
		out = append(out, deploy.Finding{Check: trial, Msg: "its status is experimental: it is switched off; experimental: enabled under package: in sigmac.yaml changes that"})
	}
	switch {
	case r.Meta.ID == "":
		out = append(out, deploy.Finding{Check: nameless, Msg: "it has no id: that of the detection is made of its title, and changes with it"})
	case !deploy.IsUUID(r.Meta.ID):
		out = append(out, deploy.Finding{Check: nameless, Msg: "its id is no UUID: that of the detection is made of it"})
	}
	if r.Meta.Level == "" {
		out = append(out, deploy.Finding{Check: levelled, Msg: "it has no level: it is taken for " + r.Plan.Level})
	}
	return out
}

// Add makes the rules of a result. Left says why there is none, where the rule or the
// configuration wants that; faults are of the rule. Where one of its queries breaks a limit of
// the SIEM, the faults say so, and are such as a target's that cannot express a rule.
func (p *Packer) Add(res sigmac.Result) (why string, found []deploy.Finding, faults []*ir.Diagnostic) {
	if p.Files != nil {
		p.Files.count(res.Document)
	}
	if len(res.Errors) > 0 {
		return "", nil, nil
	}
	rules, why, faults := p.rulesOf(res)
	if why != "" || len(faults) > 0 {
		return why, nil, faults
	}
	for _, r := range rules {
		fs, err := p.alone(r)
		if err != nil {
			faults = append(faults, res.Document.Place(&ir.Diagnostic{Pos: r.Pos, Msg: p.Format.Name + ": " + err.Error(), Source: p.Format.Name}))
			continue
		}
		for _, f := range fs {
			if f.Severity == "error" {
				faults = append(faults, res.Document.Place(&ir.Diagnostic{Pos: r.Pos, Msg: p.Format.Name + ": " + f.Msg + " (" + f.ID + ")", Source: p.Format.Name, Feature: f.ID}))
			}
		}
		found = append(found, fs...)
	}
	if len(faults) > 0 {
		return "", found, faults
	}
	found = append(found, told(rules[0])...)
	for i, r := range rules {
		if p.Files != nil {
			name, ok := p.Files.name(res, i)
			if !ok {
				break
			}
			p.names = append(p.names, name)
		}
		p.order = append(p.order, r)
		if p.rules[r.ID] == nil {
			p.rules[r.ID] = r
		}
	}
	return "", found, nil
}

// alone says what is wrong with the package of one rule, as it is read back.
func (p *Packer) alone(r *deploy.Rule) ([]deploy.Finding, error) {
	files, found := p.Format.Write([]*deploy.Rule{r}, p.options())
	_, audited, err := p.audit(files)
	return append(found, audited...), err
}

func (p *Packer) options() deploy.Options {
	o := p.Options
	o.Version = p.version
	return o
}

// audit reads a package, and says what it holds and what is wrong with that. The error is of
// a file that is no such package.
func (p *Packer) audit(files []deploy.File) (all []*deploy.Detection, found []deploy.Finding, err error) {
	var faults []error
	for _, file := range files {
		ds, err := p.Format.Read(file)
		if err != nil {
			faults = append(faults, err)
		}
		all = append(all, ds...)
	}
	if len(faults) > 0 {
		return nil, nil, errors.Join(faults...)
	}
	return all, p.Format.Audit(all, deploy.Context{Schema: p.Schema, Attack: p.Options.Attack, Folder: files}), nil
}

func targetNames() (out []string) {
	for _, t := range sigmac.Targets() {
		out = append(out, t.Name)
	}
	return out
}

// rulesOf are the rules of a result, one a query.
func (p *Packer) rulesOf(res sigmac.Result) (out []*deploy.Rule, why string, faults []*ir.Diagnostic) {
	d := res.Document
	var meta ir.Meta
	switch {
	case d.Rule != nil:
		meta = d.Rule.Meta
	case d.Correlation != nil:
		meta = d.Correlation.Meta
	}
	given, loose, faults := config.OfRule(d)
	for _, name := range slices.Sorted(maps.Keys(given.Targets)) {
		if !slices.Contains(targetNames(), name) {
			faults = append(faults, d.Place(&ir.Diagnostic{Pos: d.Pos, Msg: fmt.Sprintf("unknown target %q%s", name, suggest.For(name, targetNames())), Source: "custom"}))
		}
	}
	own := given.For(res.Target.Name)
	for _, o := range own.Own {
		if !p.Format.Takes(o.Name) {
			faults = append(faults, d.Place(&ir.Diagnostic{Pos: d.Pos, Msg: fmt.Sprintf("%s takes no setting %q of a rule%s", p.Format.Name, o.Name, suggest.For(o.Name, p.Format.Own)), Source: "custom"}))
		}
	}
	for _, o := range loose {
		if p.Format.Takes(o.Name) {
			own.Own = append(own.Own, o)
		}
	}
	s := own.Over(p.Config.Of(p.Below(d.Path), meta.Level, res.Target.Name))
	experimental := cmp.Or(p.Config.Experimental, config.Experimentals[0])
	switch {
	case slices.Contains(left, meta.Status):
		return nil, "its status is " + meta.Status, faults
	case s.Leave != nil && *s.Leave:
		return nil, "it is to be left out", faults
	case meta.Status == "experimental" && experimental == "leave_out":
		return nil, "its status is experimental", faults
	case meta.Status == "experimental" && experimental == "disabled" && s.Enabled == nil:
		off := false
		s.Enabled = &off
	}
	r := deploy.Rule{Path: d.Path, Pos: d.Pos, Meta: meta, Source: sourceOf(d), Lookups: res.Lookups}
	if d.Correlation != nil {
		r.Window = d.Correlation.Timespan.Length
	}
	if res.Correlation != nil {
		r.Group = res.Correlation.Group
	}
	plan, wrong := deploy.MakePlan(s, meta.Level, r.Window)
	for _, w := range wrong {
		faults = append(faults, d.Place(&ir.Diagnostic{Pos: d.Pos, Msg: p.Format.Name + ": " + w, Source: "package"}))
	}
	r.Plan = plan
	for _, part := range res.Pipeline.Parts() {
		r.Pipelines = append(r.Pipelines, part.ID)
	}
	for i, q := range res.Queries {
		one := r
		one.Query = q
		switch {
		case i < len(res.Names) && res.Names[i] != "":
			one.Part = res.Names[i]
		case i > 0:
			one.Part = fmt.Sprintf("c%d", i+1)
		}
		one.ID, one.Title = strings.ToLower(meta.ID), cmp.Or(meta.Title, meta.Name, path.Base(d.Path))
		if one.Part != "" {
			one.Title += " (" + one.Part + ")"
		}
		if !deploy.IsUUID(one.ID) || one.Part != "" {
			one.ID = deploy.UUID(cmp.Or(meta.ID, one.Title), one.Part)
		}
		one.Has = p.columns(res, &one)
		out = append(out, &one)
	}
	return out, "", faults
}

// columns fills in where the query looks and which columns it asks and gives, and says which
// the table has.
func (p *Packer) columns(res sigmac.Result, r *deploy.Rule) func(string) (ir.Type, bool) {
	if res.Want != nil {
		r.Scope = res.Want.Scope
		if r.Scope.Index == "" && res.Mapped.Trace != nil { // which a query need not be able to name
			switch index := res.Mapped.Trace.State["index"].(type) {
			case string:
				r.Scope.Index = index
			case []any:
				var names []string
				for _, name := range index {
					names = append(names, fmt.Sprint(name))
				}
				r.Scope.Index = strings.Join(names, ",")
			}
		}
		add := func(f ir.Field) {
			if f.Name != "" && !slices.Contains(r.Tested, f.Name) {
				r.Tested = append(r.Tested, f.Name)
			}
		}
		for _, c := range res.Want.Conditions {
			for _, f := range ir.Required(c.Expr) {
				add(f)
			}
		}
		for _, c := range res.Want.Conditions {
			ir.Walk(c.Expr, func(e ir.Expr) {
				if m, ok := e.(ir.Match); ok {
					add(m.Field)
				}
			})
		}
	}
	if res.Correlation != nil {
		if len(res.Members) > 0 && res.Members[0].Want != nil {
			r.Scope = res.Members[0].Want.Scope
		}
		r.Tested = slices.Clone(r.Group)
		r.Columns = resultOf(res, r.Query)
	}
	return func(column string) (ir.Type, bool) {
		if p.Schema == nil {
			return ir.Unknown, true
		}
		return p.Schema.Type(r.Scope.Table, column)
	}
}

// resultOf are the columns that the query of a correlation gives, or nil where it gives events.
func resultOf(res sigmac.Result, query string) (out []string) {
	if res.Target.ReadTail == nil {
		return nil
	}
	q, err := res.Target.ReadTail(query, ir.Types(res.Types))
	if err != nil {
		return nil
	}
	for _, op := range q.Ops {
		switch op := op.(type) {
		case tail.Select:
			out = nil
			for _, c := range op.Columns {
				out = append(out, c.Name)
			}
		case tail.Extend:
			for _, c := range op.Columns {
				if out != nil && !slices.Contains(out, c.Name) {
					out = append(out, c.Name)
				}
			}
		}
	}
	return out
}

func sourceOf(d *parser.Document) ir.LogSource {
	if d.Rule != nil {
		return d.Rule.Source
	}
	return ir.LogSource{}
}

// version is that of the detection of a rule: 1, or what it was, or the next.
func (p *Packer) version(id string) int {
	r := p.rules[id]
	if r == nil || p.known == nil {
		return 1
	}
	rule := strings.ToLower(r.Meta.ID)
	was := cmp.Or(p.known[titled(rule, r.Title)], p.known[id])
	if was == nil && r.Part == "" {
		was = p.known[rule]
	}
	if was == nil {
		return 1
	}
	o := p.Options
	o.Version = func(string) int { return was.Version }
	files, _ := p.Format.Write([]*deploy.Rule{r}, o)
	for _, f := range files {
		if ds, err := p.Format.Read(f); err == nil && len(ds) == 1 && same(ds[0], was) {
			return was.Version
		}
	}
	return was.Version + 1
}

// same says whether two detections are the same but for where they stand.
func same(a, b *deploy.Detection) bool {
	return a.ID == b.ID && a.Title == b.Title && a.Query == b.Query && a.Enabled == b.Enabled && reflect.DeepEqual(a.Settings, b.Settings)
}

// A Clash is what is wrong with a rule beside others of its package.
type Clash struct {
	Rule *deploy.Rule // nil: it is of the package
	deploy.Finding
}

// Package is one package of all that was added, with the errors of these together.
func (p *Packer) Package() (files []deploy.File, clashes []Clash, err error) {
	files, _ = p.Format.Write(p.order, p.options())
	ds, found, err := p.audit(files)
	for _, f := range found {
		if f.Severity != "error" {
			continue
		}
		c := Clash{Finding: f}
		for i, d := range ds { // the last that begins before it, of what is found of a detection
			if before := d.Pos.Line < f.Pos.Line || d.Pos.Line == f.Pos.Line && d.Pos.Column <= f.Pos.Column; before && d.Path == f.Path && f.Detection != "" && len(ds) == len(p.order) {
				c.Rule = p.order[i]
			}
		}
		clashes = append(clashes, c)
	}
	return files, clashes, err
}

// Drop takes a rule out of the package.
func (p *Packer) Drop(r *deploy.Rule) {
	i := slices.Index(p.order, r)
	p.order = slices.Delete(p.order, i, i+1)
	if p.Files != nil {
		p.names = slices.Delete(p.names, i, i+1)
	}
	if p.rules[r.ID] == r {
		delete(p.rules, r.ID)
		for _, x := range p.order {
			if x.ID == r.ID {
				p.rules[r.ID] = x
				break
			}
		}
	}
}

// Each is a file a rule, below a directory. Rules that are packed as a folder have none.
func (p *Packer) Each() (out []outdir.File, err error) {
	if _, err := p.Files.All(); err != nil {
		return nil, err
	}
	o := p.options()
	o.Single = true
	for i, r := range p.order {
		files, _ := p.Format.Write([]*deploy.Rule{r}, o)
		out = append(out, outdir.File{Path: p.names[i], Data: files[0].Data,
			Rule: outdir.Rule{Path: p.Files.below(r.Path), ID: r.Meta.ID, Target: p.Format.Name, Version: p.version(r.ID)}})
		for _, l := range r.Lookups {
			name := path.Join(p.Format.Name, "lookups", l.FileName())
			if r.Part == "" || !slices.ContainsFunc(out, func(f outdir.File) bool { return f.Path == name }) {
				out = append(out, outdir.File{Path: name, Data: l.CSV(), Rule: outdir.Rule{Path: p.Files.below(r.Path), ID: r.Meta.ID, Target: p.Format.Name}})
			}
		}
	}
	return out, nil
}

// Rules are those that were added, in order.
func (p *Packer) Rules() []*deploy.Rule { return p.order }

// Detection is what a package of one rule has, read back. The error is one of the Format: it
// reads what it writes.
func (p *Packer) Detection(r *deploy.Rule) (*deploy.Detection, error) {
	files, _ := p.Format.Write([]*deploy.Rule{r}, p.options())
	var all []*deploy.Detection
	for _, f := range files {
		ds, err := p.Format.Read(f)
		if err != nil {
			return nil, err
		}
		all = append(all, ds...)
	}
	if len(all) != 1 {
		return nil, fmt.Errorf("%s: a package of one rule has %d detections", p.Format.Name, len(all))
	}
	return all[0], nil
}
