package project

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"sigmac/internal/check"
	"sigmac/internal/config"
	"sigmac/internal/suggest"
	"sigmac/ir"
	"sigmac/parser"
)

// AskedChecks are the checks that a user asks for, over what sigmac.yaml says.
type AskedChecks struct {
	Profile      string
	Ignore, Only []string // ids, or the names that pySigma has for them
	Validation   string   // a file with a configuration of pySigma's validators, or empty
}

// Checks are the options of a check: those of the configuration, and over them those
// that are asked for.
func (p *Project) Checks(asked AskedChecks) (o check.Options, err error) {
	o = check.Options{Profile: config.Profiles[0], Severity: map[string]string{}}
	var faults []error
	known := func(at, id string) string { // the check's own name
		if c, ok := check.Validator(id); ok {
			return c.ID
		}
		if _, ok := check.Lookup(id); !ok {
			faults = append(faults, fmt.Errorf("%sno check is named %q%s", at, id, suggest.For(id, check.IDs())))
		}
		return id
	}
	if cfg := p.Config; cfg != nil {
		at := func(p ir.Pos) string { return fmt.Sprintf("%s:%d:%d: ", cfg.Path, p.Line, p.Column) }
		o.Profile = cfg.Check.Profile
		for _, g := range cfg.Check.Ignore {
			g.ID = known(at(g.Pos), g.ID)
			o.Ignore = append(o.Ignore, g)
		}
		for _, s := range cfg.Check.Severity {
			o.Severity[known(at(s.Pos), s.ID)] = s.Level
		}
	}
	if asked.Profile != "" {
		if o.Profile = asked.Profile; !slices.Contains(config.Profiles, asked.Profile) {
			faults = append(faults, fmt.Errorf("no profile is named %q%s", asked.Profile, suggest.Among(asked.Profile, "profiles", config.Profiles)))
		}
	}
	if asked.Validation != "" {
		if len(asked.Only) > 0 {
			return o, errors.New("--only and --validation-config exclude each other")
		}
		src, err := ReadFile(asked.Validation, p.Stdin)
		if err != nil {
			return o, err
		}
		v, errs := check.ParseValidation(asked.Validation, src)
		for _, e := range errs {
			faults = append(faults, e)
		}
		if v != nil {
			v.Apply(&o)
		}
	}
	for _, id := range asked.Ignore {
		o.Severity[known("--ignore: ", id)] = check.Off
	}
	for i, id := range asked.Only {
		asked.Only[i] = known("--only: ", id)
	}
	for i := 0; i < len(check.Checks) && len(asked.Only) > 0; i++ {
		x := check.Checks[i]
		switch {
		case !slices.Contains(asked.Only, x.ID):
			o.Severity[x.ID] = check.Off
		case o.Severity[x.ID] == "" && x.Severity == check.Off:
			o.Severity[x.ID] = check.Warning
		case o.Severity[x.ID] == "":
			o.Severity[x.ID] = x.Severity // whatever its profile
		}
	}
	return o, errors.Join(faults...)
}

// CheckFiles reads the files of Paths, to be checked, and gives o their context. What of
// that cannot be read, Unread says after the check.
func (p *Project) CheckFiles(o *check.Options) (files []check.File, err error) {
	names, err := p.Files()
	if err != nil {
		return nil, err
	}
	files = make([]check.File, len(names))
	var faults []error
	for i, name := range names {
		src, err := p.Read(name)
		if err != nil {
			faults = append(faults, err)
		}
		p.Holds(name, err != nil || !parser.Blank(src))
		files[i] = check.File{Path: filepath.ToSlash(name), Name: p.Name(name), Data: src}
	}
	if len(p.Context)+len(p.rules) > 0 {
		o.Context = func() (docs []*parser.Document, all bool) {
			docs, all, p.unread = p.ContextOf(names)
			return docs, all
		}
	}
	return files, errors.Join(faults...)
}

// Unread is what could not be read of a context that was asked for.
func (p *Project) Unread() error { return p.unread }

// Name is the path of a file below the folder of the configuration, slash-separated; as it is
// where there is no configuration.
func (p *Project) Name(path string) string {
	if p.Config != nil {
		base, err := filepath.Abs(filepath.Dir(p.Config.Path))
		if abs, e := filepath.Abs(path); e == nil && err == nil {
			if rel, err := filepath.Rel(base, abs); err == nil {
				return filepath.ToSlash(rel)
			}
		}
	}
	return filepath.ToSlash(path)
}
