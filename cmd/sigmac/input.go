package main

import (
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
	"sigmac/parser"
)

// patternFlag names the rule files of a directory.
var patternFlag = &cli.StringSliceFlag{
	Name: "file-pattern", Aliases: []string{"P"}, Value: cli.NewStringSlice("*.yml", "*.yaml"),
	Usage: "the names of rule files in a directory",
}

// stdinPath stands for standard input.
const stdinPath = "-"

// load reads the rules of the paths on the command line.
func load(c *cli.Context) (*parser.Collection, error) {
	files, err := inputFiles(c)
	if err != nil {
		return nil, err
	}
	return parseFiles(c, files, func(i int) ([]byte, error) { return readFile(files[i], c.App.Reader) })
}

// inputFiles lists the rule files of the paths on the command line.
func inputFiles(c *cli.Context) ([]string, error) {
	paths, err := rulePaths(c)
	if err != nil {
		return nil, err
	}
	return ruleFiles(paths, c.StringSlice("file-pattern"))
}

// ofRepository are the commands that take the rules of sigmac.yaml where no path
// is given.
var ofRepository = []string{"convert", "verify", "check"}

// rulePaths are the paths on the command line, or those of the configuration.
func rulePaths(c *cli.Context) ([]string, error) {
	if c.Args().Present() {
		return c.Args().Slice(), nil
	}
	if slices.Contains(ofRepository, c.Command.Name) {
		_, paths, err := configured()
		if err != nil || len(paths) > 0 {
			return paths, err
		}
	}
	return nil, usage("%s needs a file, a directory or - for standard input; see sigmac %[1]s --help", c.Command.Name)
}

// parseFiles parses what read gives, and resolves what the documents name.
func parseFiles(c *cli.Context, files []string, read func(i int) ([]byte, error)) (*parser.Collection, error) {
	collection, errs := sigmac.ParseFiles(files, read)
	if len(errs) > 0 {
		return nil, usage("%s", errors.Join(errs...))
	}
	return collection, resolve(c, files, collection.Documents)
}

// ruleFiles lists the files of paths: those of a directory in the order of
// their names, hidden ones left out.
func ruleFiles(paths, patterns []string) (files []string, err error) {
	for _, p := range patterns {
		if _, err := filepath.Match(p, ""); err != nil {
			return nil, usage("--file-pattern %q: %s", p, err)
		}
	}
	matches := func(name string) bool {
		for _, p := range patterns {
			if ok, _ := filepath.Match(p, name); ok {
				return true
			}
		}
		return false
	}
	var faults []error
	for _, path := range paths {
		info, err := os.Stat(path)
		switch {
		case path == stdinPath:
			files = append(files, path)
			continue
		case err != nil:
			faults = append(faults, fault(err))
			continue
		case !info.IsDir():
			files = append(files, path)
			continue
		}
		before := len(files)
		err = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				faults = append(faults, fault(err))
			case p != path && strings.HasPrefix(d.Name(), "."):
				if d.IsDir() {
					return fs.SkipDir
				}
			case !d.IsDir() && matches(d.Name()):
				files = append(files, p)
			}
			return nil
		})
		if err != nil {
			faults = append(faults, fault(err))
		}
		if len(files) == before {
			faults = append(faults, fmt.Errorf("%s: no file in this directory is named %s", path, strings.Join(patterns, " or ")))
		}
	}
	if len(faults) > 0 {
		return nil, usage("%s", errors.Join(faults...))
	}
	return files, nil
}

// fault is a file system's error as `path: what`.
func fault(err error) error {
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		return fmt.Errorf("%s: %w", e.Path, e.Err)
	}
	return err
}

// readFile reads no more than what the parser refuses for its size.
func readFile(path string, stdin io.Reader) ([]byte, error) {
	r := stdin
	if path != stdinPath {
		f, err := os.Open(path)
		if err != nil {
			return nil, fault(err)
		}
		defer f.Close()
		r = f
	}
	src, err := io.ReadAll(io.LimitReader(r, parser.MaxFileSize+1))
	if err != nil {
		return nil, fault(err)
	}
	return src, nil
}
