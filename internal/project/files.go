package project

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"sigmac/internal/bounded"
	"sigmac/parser"
)

// Stdin is the path that stands for standard input.
const Stdin = "-"

// ListFiles lists the files of paths: those of a directory in the order of
// their names, hidden ones left out.
func ListFiles(paths, patterns []string) (files []string, err error) {
	for _, p := range patterns {
		if _, err := filepath.Match(p, ""); err != nil {
			return nil, fmt.Errorf("--file-pattern %q: %w", p, err)
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
		case path == Stdin:
			files = append(files, path)
			continue
		case err != nil:
			faults = append(faults, Fault(err))
			continue
		case !info.IsDir():
			files = append(files, path)
			continue
		}
		before := len(files)
		err = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				faults = append(faults, Fault(err))
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
			faults = append(faults, Fault(err))
		}
		if len(files) == before {
			faults = append(faults, fmt.Errorf("%s: no file in this directory is named %s", path, strings.Join(patterns, " or ")))
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return files, nil
}

// Fault is a file system's error as `path: what`.
func Fault(err error) error {
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		return fmt.Errorf("%s: %w", e.Path, e.Err)
	}
	return err
}

// ReadFile reads no more than what the parser refuses for its size.
func ReadFile(path string, stdin io.Reader) ([]byte, error) {
	r := stdin
	if path != Stdin {
		f, err := os.Open(path)
		if err != nil {
			return nil, Fault(err)
		}
		defer f.Close()
		r = f
	}
	src, err := bounded.Read(r, parser.MaxFileSize)
	if err != nil {
		return nil, Fault(err)
	}
	return src, nil
}
