package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"sigmac"
	"sigmac/internal/delivery"
	"sigmac/internal/outdir"
	"sigmac/internal/project"
	"sigmac/internal/suggest"
)

func directoryOutputFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "output-dir", Aliases: []string{"od"}, Usage: "write a file a rule and target into `DIRECTORY`, and keep it in step with the rules"},
		&cli.StringFlag{Name: "check", Usage: "write nothing; tell what is not as --output-dir `DIRECTORY` would make it"},
		&cli.StringFlag{Name: "layout", Value: delivery.Layouts[0], Usage: "the names of the files, by a `NAME`: target (TARGET/PATH.EXT), rule (PATH.EXT) or id (TARGET/ID.EXT)"},
		&cli.StringFlag{Name: "output-filename-template", Aliases: []string{"ot"}, Usage: "the names of the files in place of --layout, by a `TEMPLATE` with {path}, {stem} and {index}"},
		&cli.BoolFlag{Name: "sidecar", Usage: "write a file .json beside each query, with what it is made of"},
		&cli.BoolFlag{Name: "force", Usage: "replace files in the directory that were edited, or that are not from sigmac"},
	}
}

// A directoryOutput collects the files of queries.
type directoryOutput struct {
	*delivery.Files
	c       *cli.Context
	checked []sigmac.Proof // of --verify, of the result that is added next
}

// newDirectoryOutput is nil without --output-dir and --check.
func newDirectoryOutput(c *cli.Context, p *project.Project, packer *delivery.Packer, finalizes bool) (*directoryOutput, error) {
	given := c.String("output-dir") != "" || c.String("check") != ""
	switch {
	case !given && (c.IsSet("layout") || c.IsSet("output-filename-template") || c.Bool("sidecar") || c.Bool("force")):
		return nil, usage("--layout, --output-filename-template, --sidecar and --force go with --output-dir or --check")
	case !given:
		return nil, nil
	case c.String("output-dir") != "" && c.String("check") != "":
		return nil, usage("--output-dir and --check exclude each other")
	case c.IsSet("output-filename-template") && (c.IsSet("layout") || packer != nil):
		return nil, usage("--output-filename-template names files of queries, and stands in the place of --layout")
	case c.String("output") != "" || c.Bool("json"):
		return nil, usage("--output and --json do not go with a directory of queries")
	case finalizes:
		return nil, usage("the pipeline makes one text of all queries: there is no file a rule")
	case !slices.Contains(delivery.Layouts, c.String("layout")):
		return nil, usage("no layout is named %q%s", c.String("layout"), suggest.Among(c.String("layout"), "layouts", delivery.Layouts))
	}
	if err := delivery.TemplateFault(c.String("output-filename-template")); err != nil {
		return nil, err
	}
	paths, err := p.Paths()
	if err != nil {
		return nil, err
	}
	o := delivery.Options{Paths: paths, Layout: c.String("layout"), Template: c.String("output-filename-template"), Sidecar: c.Bool("sidecar"), Version: version}
	if packer != nil {
		o.Folder, o.Extension = packer.Format.Name, packer.Format.Extension
	}
	files := delivery.New(o)
	if packer != nil {
		packer.Files = files
	}
	return &directoryOutput{c: c, Files: files}, nil
}

func (o *directoryOutput) note(_ sigmac.Result, checks []sigmac.Proof) { o.checked = checks }

// end writes the files, or tells what is not as they are.
func (o *directoryOutput) end(files []outdir.File) error {
	if dir := o.c.String("check"); dir != "" {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			if err == nil {
				err = &fs.PathError{Op: "open", Path: dir, Err: errors.New("is no directory")}
			}
			return usage("%s", project.Fault(err))
		}
		changes, err := outdir.Compare(dir, files)
		if err != nil {
			return usage("%s: %s", dir, project.Fault(err))
		}
		for _, ch := range changes {
			tell(o.c.App.Writer, "%s: %s", filepath.Join(dir, filepath.FromSlash(ch.Path)), ch.Kind)
		}
		if len(changes) > 0 {
			return &failure{status: exitRules}
		}
		return nil
	}
	dir := o.c.String("output-dir")
	if of, err := kindOf(dir); err != nil {
		return err
	} else if of != "" && of != queriesOf && !o.c.Bool("force") {
		return usage("nothing was written to %s: it holds %s, which --force replaces", dir, of)
	}
	changes, err := outdir.Write(dir, files, o.c.Bool("force"))
	var conflict *outdir.ConflictError
	if errors.As(err, &conflict) {
		return usage("nothing was written to %s: --force replaces these files\n%s", dir, conflict)
	}
	if err != nil {
		return usage("%s: %s", dir, project.Fault(err))
	}
	tell(o.c.App.ErrWriter, "%s: %s, %d changed", dir, counted(len(files), "file"), len(changes))
	return nil
}
