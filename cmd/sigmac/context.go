package main

import (
	"os"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"sigmac/internal/ordered"
	"sigmac/link"
	"sigmac/parser"
)

// contextFlag says where the rules are that correlations and filters name.
var contextFlag = &cli.StringSliceFlag{Name: "context", Usage: "read the rules of `PATH` too, where a correlation or a filter names one that is not given; may stand several times"}

// inputFlags say which rules are read.
func inputFlags() []cli.Flag { return []cli.Flag{patternFlag, contextFlag} }

// resolve finds what documents name, among themselves and in the context, and gives
// each its errors. Standard error has what may be found elsewhere.
func resolve(c *cli.Context, files []string, docs []*parser.Document) error {
	l := &link.Linker{}
	for _, d := range docs {
		l.Add(d)
	}
	found, err := foundNames(c, l, files)
	for _, f := range found {
		if f.Note {
			tell(c.App.ErrWriter, "%s:%d:%d: note: %s", f.Doc.Path, f.Pos.Line, f.Pos.Column, f.Msg)
		} else {
			f.Doc.Errors = append(f.Doc.Errors, f.Error())
		}
	}
	return err
}

// foundNames are the findings of a linker that knows the documents of files, after it was told
// of the context where it needs that.
func foundNames(c *cli.Context, l *link.Linker, files []string) ([]link.Finding, error) {
	if l.Unresolved() {
		docs, complete, err := contextOf(c, files)
		if err != nil {
			return nil, err
		}
		if complete {
			l.Know(docs...)
		}
	}
	return l.Findings(), nil
}

// contextOf are the documents of the paths of --context and of the rules of
// sigmac.yaml, without those of files; complete is false where neither is given, or one
// of these rules is not there. Of a rule they say what it is called.
func contextOf(c *cli.Context, files []string) (docs []*parser.Document, complete bool, err error) {
	_, paths, err := configured()
	if err != nil {
		return nil, false, err
	}
	complete = len(paths)+len(c.StringSlice("context")) > 0
	there := c.StringSlice("context")
	for _, p := range paths {
		if _, err := os.Stat(p); err != nil {
			complete = false
			continue
		}
		there = append(there, p)
	}
	if len(there) == 0 {
		return nil, false, nil
	}
	all, err := ruleFiles(there, c.StringSlice("file-pattern"))
	if err != nil {
		return nil, false, err
	}
	given := map[string]bool{}
	for _, f := range files {
		if abs, err := filepath.Abs(f); err == nil {
			given[abs] = true
		}
	}
	all = slices.DeleteFunc(all, func(f string) bool {
		abs, err := filepath.Abs(f)
		return err == nil && given[abs]
	})
	type file struct {
		docs []*parser.Document
		err  error
	}
	for _, f := range ordered.Map(all, func(path string) (out file) {
		src, err := readFile(path, c.App.Reader)
		if err != nil {
			return file{err: err}
		}
		for _, d := range parser.Parse(path, src).Documents {
			d.Rule = nil
			out.docs = append(out.docs, d)
		}
		return out
	}) {
		if f.err != nil {
			return nil, false, usage("%s", f.err)
		}
		docs = append(docs, f.docs...)
	}
	return docs, complete, nil
}
