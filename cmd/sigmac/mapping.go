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

// chosen is a target in the format that was asked for.
type chosen struct {
	sigmac.Target
	format sigmac.Format

	// As the configuration has them, from the working directory.
	pipelines, schemas []string
	unmapped           bool
}

// pipelineName is the built-in pipeline that leads there.
func (t chosen) pipelineName() string {
	if t.format.Pipeline != "" {
		return t.format.Pipeline
	}
	return t.Pipeline
}

// chosenTargets are those of the command line, or else those of sigmac.yaml.
func chosenTargets(c *cli.Context) ([]chosen, error) {
	var names []string
	known := map[string]sigmac.Target{}
	for _, t := range sigmac.Targets() {
		names = append(names, t.Name)
		known[t.Name] = t
	}
	wanted, err := wantedTargets(c)
	if err != nil {
		return nil, err
	}
	var out []chosen
	for _, w := range wanted {
		t, ok := known[w.name]
		if !ok {
			return nil, usage("%sunknown target %q%s", w.at, w.name, suggest.For(w.name, names))
		}
		i := slices.IndexFunc(t.Formats, func(f sigmac.Format) bool { return f.Name == w.format })
		if i < 0 {
			var formats []string
			for _, f := range t.Formats {
				formats = append(formats, f.Name)
			}
			return nil, usage("%s%s has no format %q%s", w.at, w.name, w.format, suggest.For(w.format, formats))
		}
		if !slices.ContainsFunc(out, func(x chosen) bool { return x.Name == w.name }) {
			w.Target, w.chosen.format = t, t.Formats[i]
			out = append(out, w.chosen)
		}
	}
	if len(out) == 0 {
		return nil, usage("%s needs a target: -t %s", c.Command.Name, strings.Join(names, ", -t "))
	}
	return out, nil
}

// A wantedTarget is one by the names that somebody gave.
type wantedTarget struct {
	chosen
	at           string // the place in the configuration, or empty
	name, format string
}

// wantedTargets are the names of the command line, each with what sigmac.yaml says
// of it, or else all of that.
func wantedTargets(c *cli.Context) (out []wantedTarget, err error) {
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
		w := wantedTarget{name: name, format: format}
		if i := slices.IndexFunc(known, func(t config.Target) bool { return t.Name == name }); i >= 0 {
			w.configure(cfg, known[i])
			if c.IsSet("format") {
				w.format = format
			}
		}
		out = append(out, w)
	}
	return out, nil
}

// configure takes over what the configuration says of a target.
func (w *wantedTarget) configure(cfg *config.Config, t config.Target) {
	below := func(p string) string { return filepath.Join(filepath.Dir(cfg.Path), filepath.FromSlash(p)) }
	w.at = fmt.Sprintf("%s:%d:%d: ", cfg.Path, t.Pos.Line, t.Pos.Column)
	w.format, w.unmapped = cmp.Or(t.Format, defaultFormat), t.Unmapped
	for _, p := range t.Pipelines {
		if _, ok := pipeline.Builtin(cmp.Or(pipelineAliases[p], p)); !ok {
			p = below(p)
		}
		w.pipelines = append(w.pipelines, p)
	}
	for _, p := range t.Schemas {
		w.schemas = append(w.schemas, below(p))
	}
}

// backendsOf are the backends of targets.
func backendsOf(c *cli.Context, targets []chosen) (out []backends.Backend) {
	for _, t := range targets {
		out = append(out, t.format.New(c.Bool("pretty")))
	}
	return out
}

// mappings are the pipelines and schemas of the command line, by the name of
// the target; a target for which none is given has its own, and standard error
// says so.
func mappings(c *cli.Context, targets []chosen) (map[string]sigmac.Mapping, error) {
	names := *c.Generic("pipeline").(*pathList)
	if c.Bool("without-pipeline") {
		if len(names) > 0 {
			return nil, usage("--pipeline and --without-pipeline exclude each other")
		}
		tellUntested(c)
		return nil, nil
	}
	given, err := loadPipelines(names, c.App.Reader)
	if err != nil {
		return nil, err
	}
	for _, p := range given {
		if !slices.ContainsFunc(targets, func(t chosen) bool { return p.Allows(t.Name) }) {
			return nil, usage("%s is a pipeline for %s, and no such target is asked for", p.Path, strings.Join(p.AllowedBackends, " and "))
		}
	}
	out := map[string]sigmac.Mapping{}
	if len(names) == 0 && slices.ContainsFunc(targets, func(t chosen) bool { return t.unmapped }) {
		tellUntested(c)
	}
	for _, t := range targets {
		if len(names) == 0 && t.unmapped {
			continue
		}
		schemas, err := schemasOf(c, t)
		if err != nil {
			return nil, err
		}
		var ps []*pipeline.Pipeline
		for _, p := range given {
			if p.Allows(t.Name) {
				ps = append(ps, p)
			}
		}
		if len(names) == 0 {
			if ps, err = loadPipelines(t.pipelines, c.App.Reader); err != nil {
				return nil, err
			}
			for _, p := range ps {
				if !p.Allows(t.Name) {
					return nil, usage("%s is a pipeline for %s, and not for %s", p.Path, strings.Join(p.AllowedBackends, " and "), t.Name)
				}
			}
		}
		if len(ps) == 0 {
			p, ok := pipeline.Builtin(t.pipelineName())
			if !ok {
				panic("no pipeline " + t.pipelineName())
			}
			ps = append(ps, p)
			tell(c.App.ErrWriter, "%s: with the pipeline %s; -p takes another, --without-pipeline none", t.Name, t.pipelineName())
		}
		out[t.Name] = sigmac.Mapping{
			Pipeline: pipeline.Join(ps...),
			Options:  pipeline.Options{AllowExternal: c.Bool("allow-external"), Files: folderOf},
			Schemas:  schema.For(t.Name, schemas...),
		}
	}
	return out, nil
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
func schemasOf(c *cli.Context, t chosen) (out []*schema.Schema, err error) {
	paths := []string(*c.Generic("schema").(*pathList))
	if len(paths) == 0 {
		paths = t.schemas
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
		return fmt.Sprintf("%s:%d:%d: %s: %s (%s)", path, e.Pos.Line, e.Pos.Column, res.Target, e.Msg, e.Item)
	}
	return path + ": " + err.Error()
}

// isUnsupported says whether an error is no fault of the rule: a target, or the
// pipeline that leads there, cannot hold it.
func isUnsupported(err error) bool {
	switch e := err.(type) {
	case *backends.Unsupported:
		return true
	case *parser.Error:
		return e.Feature != ""
	case *pipeline.Error:
		return e.Refusal
	}
	return false
}
