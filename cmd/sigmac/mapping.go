package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"sigmac"
	"sigmac/backends"
	"sigmac/config"
	"sigmac/internal/suggest"
	"sigmac/parser"
	"sigmac/pipeline"
	"sigmac/schema"
	"sigmac/targets"
)

// mappingFlags say how rules get to a target's fields.
func mappingFlags() []cli.Flag {
	return []cli.Flag{
		&cli.GenericFlag{Name: "pipeline", Aliases: []string{"p"}, Value: &pathList{}, Usage: "a processing pipeline: its `NAME`, see sigmac pipeline list, its file, or a directory of files; may stand several times"},
		&cli.BoolFlag{Name: "without-pipeline", Usage: "take field names as they stand in the rule, and do not test its log source"},
		&cli.GenericFlag{Name: "schema", Value: &pathList{}, Usage: "the tables and columns in `FILE`, before those that sigmac knows; may stand several times"},
		&cli.BoolFlag{Name: "allow-external", Usage: "let pipelines run commands and open network connections"},
	}
}

// targetFlags choose targets.
func targetFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "target", Aliases: []string{"t"}, Usage: "the query language, see sigmac list targets; may stand several times"},
		&cli.StringFlag{Name: "format", Aliases: []string{"f"}, Value: defaultFormat, Usage: "the output `FORMAT`, see sigmac list formats"},
	}
}

const defaultFormat = "default"

// A request is a target that somebody asks for.
type request struct {
	*backends.Target        // in the format that is asked for; nil until its names are known
	at               string // the place in the configuration, or empty
	name, format     string

	// As the configuration has them, from the working directory.
	pipelines, schemas []string
	unmapped           bool
}

// requests are the targets of the command line, or else those of sigmac.yaml.
func requests(c *cli.Context) ([]request, error) {
	wanted, err := wantedTargets(c)
	if err != nil {
		return nil, err
	}
	names := namesOf("targets")
	var out []request
	for _, r := range wanted {
		t, ok := targets.Named(r.name)
		if !ok {
			return nil, usage("%sunknown target %q%s", r.at, r.name, suggest.For(r.name, names))
		}
		if r.Target, ok = t.In(r.format); !ok {
			var formats []string
			for _, f := range t.Formats {
				formats = append(formats, f.Name)
			}
			return nil, usage("%s%s has no format %q%s", r.at, r.name, r.format, suggest.For(r.format, formats))
		}
		if !slices.ContainsFunc(out, func(x request) bool { return x.name == r.name }) {
			out = append(out, r)
		}
	}
	if len(out) == 0 {
		return nil, usage("%s needs a target: -t %s", c.Command.Name, strings.Join(names, ", -t "))
	}
	return out, nil
}

// wantedTargets are the names of the command line, each with what sigmac.yaml says
// of it, or else all of that.
func wantedTargets(c *cli.Context) (out []request, err error) {
	cfg, _, err := configured()
	if err != nil {
		return nil, err
	}
	format := cmp.Or(c.String("format"), defaultFormat)
	names := c.StringSlice("target")
	var known []config.Target
	if cfg != nil {
		known = cfg.Targets
	}
	if len(names) == 0 {
		for _, t := range known {
			names = append(names, t.Name)
		}
	}
	for _, name := range names {
		r := request{name: name, format: format}
		if i := slices.IndexFunc(known, func(t config.Target) bool { return t.Name == name }); i >= 0 {
			r.configure(cfg, known[i])
			if c.IsSet("format") {
				r.format = format
			}
		}
		out = append(out, r)
	}
	return out, nil
}

// configure takes over what the configuration says of a target.
func (r *request) configure(cfg *config.Config, t config.Target) {
	below := func(p string) string { return filepath.Join(filepath.Dir(cfg.Path), filepath.FromSlash(p)) }
	r.at = fmt.Sprintf("%s:%d:%d: ", cfg.Path, t.Pos.Line, t.Pos.Column)
	r.format, r.unmapped = cmp.Or(t.Format, defaultFormat), t.Unmapped
	for _, p := range t.Pipelines {
		if _, ok := pipeline.Builtin(cmp.Or(pipelineAliases[p], p)); !ok {
			p = below(p)
		}
		r.pipelines = append(r.pipelines, p)
	}
	for _, p := range t.Schemas {
		r.schemas = append(r.schemas, below(p))
	}
}

// mappings lead to targets by the pipelines and schemas of the command line; a
// target for which none is given has its own, and standard error says so.
func mappings(c *cli.Context, requests []request) (out []sigmac.Mapping, err error) {
	names := *c.Generic("pipeline").(*pathList)
	if c.Bool("without-pipeline") {
		if len(names) > 0 {
			return nil, usage("--pipeline and --without-pipeline exclude each other")
		}
		tellUntested(c)
		return unmapped(requests), nil
	}
	given, err := loadPipelines(names, c.App.Reader)
	if err != nil {
		return nil, err
	}
	for _, p := range given {
		if !slices.ContainsFunc(requests, func(r request) bool { return p.Allows(r.Target) }) {
			return nil, usage("%s is a pipeline for %s, and no such target is asked for", p.Path, strings.Join(p.AllowedBackends, " and "))
		}
	}
	if len(names) == 0 && slices.ContainsFunc(requests, func(r request) bool { return r.unmapped }) {
		tellUntested(c)
	}
	for _, t := range requests {
		if len(names) == 0 && t.unmapped {
			out = append(out, sigmac.Mapping{Target: t.Target})
			continue
		}
		schemas, err := schemasOf(c, t)
		if err != nil {
			return nil, err
		}
		var ps []*pipeline.Pipeline
		for _, p := range given {
			if p.Allows(t.Target) {
				ps = append(ps, p)
			}
		}
		if len(names) == 0 {
			if ps, err = loadPipelines(t.pipelines, c.App.Reader); err != nil {
				return nil, err
			}
			for _, p := range ps {
				if !p.Allows(t.Target) {
					return nil, usage("%s is a pipeline for %s, and not for %s", p.Path, strings.Join(p.AllowedBackends, " and "), t.Name)
				}
			}
		}
		if len(ps) == 0 {
			name := t.Format.Pipeline
			if name == "" {
				out = append(out, sigmac.Mapping{Target: t.Target})
				continue
			}
			p, ok := pipeline.Builtin(name)
			if !ok {
				panic("no pipeline " + name)
			}
			ps = append(ps, p)
			tell(c.App.ErrWriter, "%s: with the pipeline %s; -p takes another, --without-pipeline none", t.Name, name)
		}
		out = append(out, sigmac.Mapping{
			Target:   t.Target,
			Pipeline: pipeline.Join(ps...),
			Options:  pipeline.Options{AllowExternal: c.Bool("allow-external"), Files: folderOf},
			Schemas:  schema.For(t.Target, schemas...),
		})
	}
	return out, nil
}

// unmapped leave the fields of rules as they are.
func unmapped(requests []request) (out []sigmac.Mapping) {
	for _, r := range requests {
		out = append(out, sigmac.Mapping{Target: r.Target})
	}
	return out
}

// tellUntested says once a run what else would be a loss of each rule.
func tellUntested(c *cli.Context) {
	fmt.Fprintf(c.App.ErrWriter, "%s: without a pipeline, no query tests the log source of its rule\n", pipeline.Untested)
}

// folderOf is the folder of a pipeline file. Nothing outside of it is read, not
// by a link either.
func folderOf(path string) fs.FS {
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return noFiles{err}
	}
	return regularFiles{root.FS()}
}

// regularFiles are those of a file system that end: a pipe would be waited for.
type regularFiles struct{ fs.FS }

func (f regularFiles) Open(name string) (fs.File, error) {
	info, err := fs.Stat(f.FS, name)
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: name, Err: errors.New("is no file")}
	}
	if err != nil {
		return nil, err
	}
	return f.FS.Open(name)
}

type noFiles struct{ err error }

func (f noFiles) Open(string) (fs.File, error) { return nil, f.err }

// pipelineAliases are other names by which users know a pipeline.
var pipelineAliases = map[string]string{"microsoft_365_defender": "microsoft_xdr", "windows-audit": "windows_audit",
	"windows-logsources": "windows_logsources"}

// loadPipelines reads pipelines, each by its name or its file, or those of a
// directory, and reports all errors of all of them.
func loadPipelines(names []string, stdin io.Reader) (out []*pipeline.Pipeline, err error) {
	var faults []error
	var files []string
	for _, name := range names {
		if info, err := os.Stat(name); err == nil && info.IsDir() {
			below, err := ruleFiles([]string{name}, []string{"*.yml", "*.yaml"})
			if err != nil {
				return nil, err
			}
			files = append(files, below...)
		} else {
			files = append(files, name)
		}
	}
	for _, name := range files {
		builtin := name
		if alias, ok := pipelineAliases[name]; ok {
			builtin = alias
		}
		if p, ok := pipeline.Builtin(builtin); ok {
			out = append(out, p)
			continue
		}
		if name != stdinPath && !strings.ContainsAny(name, `/\.`) {
			if _, err := os.Stat(name); err != nil {
				faults = append(faults, fmt.Errorf("no pipeline and no file is named %q%s", name, suggest.For(name, pipeline.Builtins())))
				continue
			}
		}
		src, err := readFile(name, stdin)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		p, errs := pipeline.Parse(name, src)
		for _, e := range errs {
			faults = append(faults, e)
		}
		if p != nil {
			out = append(out, p)
		}
	}
	if len(faults) > 0 {
		return nil, usage("%s", errors.Join(faults...))
	}
	return out, nil
}

// schemasOf are those of the command line, or else those that the configuration
// has for a target.
func schemasOf(c *cli.Context, r request) (out []*schema.Schema, err error) {
	paths := []string(*c.Generic("schema").(*pathList))
	if len(paths) == 0 {
		paths = r.schemas
	}
	var faults []error
	for _, path := range paths {
		src, err := readFile(path, c.App.Reader)
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
		return nil, usage("%s", errors.Join(faults...))
	}
	return out, nil
}

// placed is an error of a result as people read it.
func placed(res sigmac.Result, err error) string {
	path := res.Document.Path
	switch e := err.(type) {
	case *parser.Error:
		return e.Error()
	case *backends.Unsupported:
		return fmt.Sprintf("%s:%d:%d: %s", path, e.Pos.Line, e.Pos.Column, e)
	case *pipeline.Error:
		return fmt.Sprintf("%s:%d:%d: %s: %s (%s)", path, e.Pos.Line, e.Pos.Column, res.Target.Name, e.Msg, e.Item)
	}
	return path + ": " + err.Error()
}
