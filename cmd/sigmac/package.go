package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"sigmac"
	"sigmac/internal/check"
	"sigmac/internal/config"
	"sigmac/internal/delivery"
	"sigmac/internal/deploy"
	"sigmac/internal/drift"
	"sigmac/internal/outdir"
	"sigmac/internal/project"
	"sigmac/internal/suggest"
	"sigmac/ir"
	"sigmac/schema"
)

func packageFlags() []cli.Flag {
	return []cli.Flag{
		list("backend-option", "`KEY=VALUE` for a format of detections, see sigmac list formats; may stand several times", "O"),
		&cli.StringFlag{Name: "attack-version", Usage: "the `VERSION` of ATT&CK that detections name: " + strings.Join(deploy.AttackVersions, " or ") + " (default: what the SIEM knows)"},
	}
}

// options are those of -O.
func options(c *cli.Context) (out []config.Option, err error) {
	for _, o := range c.StringSlice("backend-option") {
		name, value, ok := strings.Cut(o, "=")
		if !ok {
			return nil, usage("-O is KEY=VALUE, and not %q", o)
		}
		out = append(out, config.Option{Name: name, Value: value})
	}
	return out, nil
}

// newPacker packs the detections of a request in its format; it is nil where queries are asked
// for.
func newPacker(c *cli.Context, p *project.Project, wanted []project.Request) (*delivery.Packer, error) {
	given, err := options(c)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(wanted, func(r project.Request) bool { return r.Package != nil })
	if i < 0 {
		switch {
		case len(given) > 0:
			return nil, usage("%s has no options", cmp.Or(c.String("format"), project.DefaultFormat))
		case c.String("attack-version") != "":
			return nil, usage("--attack-version goes with a format of detections, see sigmac list formats")
		}
		return nil, nil
	}
	if len(wanted) > 1 {
		return nil, usage("%s is for %s: ask for one target", wanted[i].Package.Name, wanted[i].Name)
	}
	var of config.Package
	if p.Config != nil {
		of = p.Config.Package
	}
	if v := c.String("attack-version"); v != "" {
		if of.Attack = v; !slices.Contains(deploy.AttackVersions, v) {
			return nil, usage("--attack-version is %s, and not %q", strings.Join(deploy.AttackVersions, " or "), v)
		}
	}
	packer, err := delivery.NewPacker(*wanted[i].Package, of, given)
	if err != nil {
		return nil, usage("%s", err)
	}
	schemas, err := p.SchemasOf(wanted[i])
	if err != nil {
		return nil, err
	}
	packer.Schema, packer.Below = schema.For(wanted[i].Target, schemas...), p.Name
	return packer, nil
}

// A packing turns the results of convert into detections.
type packing struct {
	*delivery.Packer
	c     *cli.Context
	r     *reporter
	left  map[string]int // rules that are left out, by reason
	notes map[string]int // notes, by text
}

// pack adds the results to the package. One that cannot be deployed has no queries any more,
// but errors.
func (k *packing) pack(results iter.Seq[sigmac.Result]) iter.Seq[sigmac.Result] {
	return func(yield func(sigmac.Result) bool) {
		for res := range results {
			why, found, faults := k.Add(res)
			if res.Errors = append(res.Errors, faults...); len(faults) > 0 || why != "" {
				res.Queries, res.Lookups = nil, nil
			}
			if why != "" {
				k.left[why]++
			}
			for _, f := range found {
				switch at := (&ir.Diagnostic{Pos: res.Document.Pos}); f.Severity {
				case check.Warning:
					k.r.progress.clear()
					tell(k.r.errs, "%s: warning: %s: %s (%s)", res.Document.Place(at).Place(), k.Format.Name, f.Msg, f.ID)
				case check.Note:
					k.notes[f.Msg+" ("+f.ID+")"]++
				}
			}
			if !yield(res) {
				return
			}
		}
	}
}

// tell tells how many rules were left out, and what is the same of many.
func (k *packing) tell() {
	for _, why := range slices.Sorted(maps.Keys(k.left)) {
		tell(k.r.errs, "%s: left out, because %s: %s", k.Format.Name, why, counted(k.left[why], "rule"))
	}
	for _, note := range slices.Sorted(maps.Keys(k.notes)) {
		tell(k.r.errs, "%s: note: %s: %s", k.Format.Name, note, counted(k.notes[note], "rule"))
	}
}

// together is the package of all rules. One that does not go with another is an error, or with
// --skip-unsupported it is left out and told.
func (k *packing) together() ([]deploy.File, error) {
	for again := false; ; again = true {
		files, clashes, err := k.Package()
		if err != nil {
			return nil, &failure{exitRules, err.Error()}
		}
		if len(clashes) == 0 {
			return files, nil
		}
		dropped := map[*deploy.Rule]bool{}
		for _, c := range clashes {
			at := k.Format.Name
			if c.Rule != nil {
				at = (&ir.Diagnostic{Path: c.Rule.Path, Pos: c.Rule.Pos}).Place() + ": " + at
				dropped[c.Rule] = true
			}
			tell(k.r.errs, "%s: %s (%s)", at, c.Msg, c.ID)
		}
		if !k.r.skip || len(dropped) == 0 || again {
			k.r.failed += max(1, len(dropped))
			return nil, &failure{status: exitRules}
		}
		for r := range dropped {
			k.Drop(r)
			k.r.skipped++
		}
	}
}

// one writes the package of all rules as one file: to standard output, or to a file of which
// the versions are known.
func (k *packing) one(w io.Writer, path string) error {
	if path != "" && path != project.Stdin {
		if was, err := os.ReadFile(path); err == nil {
			files := []deploy.File{{Path: path, Data: was}}
			if delivery.Packed(was) {
				files, _ = delivery.Unpack(was)
			}
			var known []delivery.Known
			for _, f := range files {
				known = append(known, delivery.Known{File: f})
			}
			k.Know(known)
		}
	}
	files, err := k.together()
	if err != nil {
		return err
	}
	switch {
	case k.Format.Folder && delivery.IsArchive(path):
		_, err = w.Write(delivery.Archive(files))
	case k.Format.Folder:
		return usage("%s is a folder: --output-dir DIRECTORY, or --output NAME.tgz", k.Format.Name)
	case len(files) == 1:
		_, err = w.Write(files[0].Data)
	case len(files) > 1:
		return usage("%s has one rule a file: --output-dir DIRECTORY", k.Format.Name)
	}
	return err
}

// files are those of a directory of packages.
func (k *packing) files(dir string) ([]outdir.File, error) {
	was, err := outdir.Owned(dir)
	if err != nil {
		return nil, usage("%s: %s", dir, project.Fault(err))
	}
	var known []delivery.Known
	for _, f := range was {
		known = append(known, delivery.Known{File: deploy.File{Path: f.Path, Data: f.Data}, Version: f.Rule.Version})
	}
	k.Know(known)
	all, err := k.together()
	if err != nil {
		return nil, err
	}
	if !k.Format.Folder {
		return k.Each()
	}
	var out []outdir.File
	for _, f := range all {
		out = append(out, outdir.File{Path: f.Path, Data: f.Data, Rule: outdir.Rule{Target: k.Format.Name}})
	}
	return out, nil
}

func packageCommand() *cli.Command {
	return &cli.Command{
		Name:      "package",
		Usage:     "find what a SIEM would refuse or lose of detections",
		ArgsUsage: "--check PATH...",
		Description: `Reads files of detections, those of sigmac convert -f and those of anybody, and tells
what is against the limits and rules of their SIEM: see sigmac list formats.

   sigmac package --check savedsearches.conf
   sigmac package --check app/ -f sarif -o package.sarif
   sigmac package --list

Exit status: 0 nothing as severe as --fail-on; 1 something is; 2 wrong usage, or a
file that cannot be read or written.`,
		Flags: []cli.Flag{
			list("check", "a `PATH` to look at: a file, a folder, or an archive of one; may stand several times"),
			&cli.StringFlag{Name: "package-format", Usage: "the `FORMAT` of the detections (default: what reads them)"},
			&cli.StringFlag{Name: "format", Aliases: []string{"f"}, Value: reports[0], Usage: "the form of the findings: " + strings.Join(reports, ", ")},
			&cli.BoolFlag{Name: "json", Usage: "the same as --format json"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write to `FILE`, whole or not at all"},
			&cli.StringFlag{Name: "fail-on", Value: check.Error, Usage: "the mildest severity that is a failure: error, warning, note or none"},
			&cli.StringFlag{Name: "attack-version", Usage: "the `VERSION` of ATT&CK that the SIEM knows: " + strings.Join(deploy.AttackVersions, " or ")},
			&cli.BoolFlag{Name: "list", Usage: "list all checks"},
		},
		Action: checkPackages,
	}
}

func checkPackages(c *cli.Context) error {
	forms := drift.Forms(sigmac.Targets())
	if c.Bool("list") {
		for _, x := range checksOf(forms) {
			tell(c.App.Writer, "%-38s %-8s %s (%s)", x.ID, x.Severity, x.Summary, x.Why)
		}
		return nil
	}
	format := c.String("format")
	if c.Bool("json") {
		format = "json"
	}
	severities := []string{check.Error, check.Warning, check.Note, "none"}
	switch only := c.String("package-format"); {
	case len(c.StringSlice("check")) == 0:
		return usage("package needs --check PATH; sigmac convert -f FORMAT writes packages")
	case !slices.Contains(reports, format):
		return usage("--format knows no %q%s", format, suggest.Among(format, "formats", reports))
	case !slices.Contains(severities, c.String("fail-on")):
		return usage("--fail-on knows no %q%s", c.String("fail-on"), suggest.Among(c.String("fail-on"), "values", severities))
	case c.String("attack-version") != "" && !slices.Contains(deploy.AttackVersions, c.String("attack-version")):
		return usage("--attack-version is %s, and not %q", strings.Join(deploy.AttackVersions, " or "), c.String("attack-version"))
	case only != "":
		if forms = slices.DeleteFunc(forms, func(f drift.Form) bool { return f.Name != only }); len(forms) == 0 {
			names := strings.Split(formNames(drift.Forms(sigmac.Targets())), ", ")
			return usage("unknown format %q%s", only, suggest.Among(only, "formats", names))
		}
	}
	paths := append(c.StringSlice("check"), c.Args().Slice()...)
	out, err := newOutput(c, c.String("output"), paths)
	if err != nil {
		return err
	}
	var files []check.File
	var findings []check.Finding
	for _, path := range paths {
		fs, found, err := checkPackage(path, forms, c.String("attack-version"))
		if err != nil {
			return usage("%s", project.Fault(err))
		}
		files, findings = append(files, fs...), append(findings, found...)
	}
	r := checkReport{suite: "package", checks: checksOf(forms), files: files, findings: findings}
	if err := (reportWriter{format, out}).write(c, r); err != nil {
		return err
	}
	limit := slices.Index(severities, c.String("fail-on"))
	if limit < 3 && slices.ContainsFunc(findings, func(f check.Finding) bool { return slices.Index(severities, f.Severity) <= limit }) {
		return &failure{status: exitRules}
	}
	return nil
}

// checksOf are the checks of forms, each once.
func checksOf(forms []drift.Form) (out []check.Check) {
	for _, f := range forms {
		for _, x := range f.Checks {
			if !slices.ContainsFunc(out, func(c check.Check) bool { return c.ID == x.ID }) {
				out = append(out, check.Check{ID: x.ID, Severity: x.Severity, Summary: x.What, Why: x.Source})
			}
		}
	}
	return out
}

// checkPackage looks at a package. The error is of a path that cannot be read, or of a file of
// detections that is broken; other files of a folder are passed over.
func checkPackage(path string, forms []drift.Form, attack string) (files []check.File, out []check.Finding, err error) {
	all, err := packageFiles(path)
	if err != nil {
		return nil, nil, err
	}
	var faults []error
	by := map[string][]*deploy.Detection{}
	for _, f := range all {
		form, ds, err := drift.Read(f, forms, "--package-format")
		if err != nil && (len(all) == 1 || broken(f, forms)) {
			faults = append(faults, err)
		}
		if len(ds) > 0 {
			by[form.Name] = append(by[form.Name], ds...)
			files = append(files, check.File{Path: f.Path, Name: f.Path, Data: f.Data})
		}
	}
	switch {
	case len(faults) > 0:
		return nil, nil, errors.Join(faults...)
	case len(files) == 0:
		return nil, nil, fmt.Errorf("%s: there are no detections in a form that sigmac reads: %s", path, formNames(forms))
	}
	for _, form := range forms {
		if len(by[form.Name]) == 0 {
			continue
		}
		of := deploy.Context{Schema: schema.For(form.Target), Attack: cmp.Or(attack, form.Attack), Folder: all}
		for _, f := range form.Audit(by[form.Name], of) {
			msg := f.Msg
			if f.Detection != "" {
				msg = f.Detection + ": " + msg
			}
			out = append(out, check.Finding{Diagnostic: ir.Diagnostic{Path: f.Path, Pos: f.Pos, Msg: msg, Code: f.ID}, Severity: f.Severity})
		}
	}
	slices.SortStableFunc(out, func(a, b check.Finding) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Column, b.Pos.Column))
	})
	return files, out, nil
}

// broken says whether a file is called like one of detections, and nobody can read it.
func broken(f deploy.File, forms []drift.Form) bool {
	called := 0
	for _, x := range forms {
		if x.Extension == filepath.Ext(f.Path) {
			called++
			if _, err := x.Read(f); err == nil {
				return false
			}
		}
	}
	return called > 0
}

// packageFiles are the files of a path.
func packageFiles(path string) (out []deploy.File, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		data, err := os.ReadFile(path)
		if err == nil && delivery.Packed(data) {
			return delivery.Unpack(data)
		}
		return []deploy.File{{Path: filepath.ToSlash(path), Data: data}}, err
	}
	err = filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || d.Name() == outdir.ManifestName {
			return err
		}
		data, err := os.ReadFile(name)
		out = append(out, deploy.File{Path: filepath.ToSlash(name), Data: data})
		return err
	})
	return out, err
}
