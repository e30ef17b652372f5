package main

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"sigmac"
	"sigmac/internal/atomic"
	"sigmac/internal/project"
	"sigmac/ir"
	"sigmac/parser"
)

// Tables are the files of the lookups that queries name, beside the file of the queries.
type tables struct {
	path  string // of the queries
	names []string
	texts [][]byte
}

// add takes the lookups of a result.
func (t *tables) add(res sigmac.Result) error {
	for _, l := range res.Lookups {
		if t.path == "" || t.path == project.Stdin {
			return usage("%s: the query for %s names the lookup %s, and there is no place for its file: -o, --output-dir or --json has one",
				res.Document.Path, res.Target.Name, l.Name)
		}
		name, text := filepath.Join(filepath.Dir(t.path), l.FileName()), l.CSV()
		for i, other := range t.names {
			if other == name && !bytes.Equal(t.texts[i], text) {
				return usage("%s: two lists are called %s; rules need ids, or titles of their own", res.Document.Path, l.Name)
			}
		}
		t.names, t.texts = append(t.names, name), append(t.texts, text)
	}
	return nil
}

// write writes the files, each whole or not at all.
func (t *tables) write() error {
	for i, name := range t.names {
		if err := atomic.WriteFile(name, t.texts[i]); err != nil {
			return usage("%s", err)
		}
	}
	return nil
}

// givenTables are the files of --lookup NAME=FILE.
func givenTables(given []string, stdin io.Reader) (out []ir.Lookup, err error) {
	for _, x := range given {
		name, path, ok := strings.Cut(x, "=")
		if !ok || name == "" || path == "" {
			return nil, usage("--lookup is NAME=FILE, and not %q", x)
		}
		src, err := project.ReadFile(path, stdin)
		if err == nil && len(src) > parser.MaxFileSize {
			err = fmt.Errorf("%s: larger than %d bytes", path, parser.MaxFileSize)
		}
		if err != nil {
			return nil, usage("%s", err)
		}
		l, err := sigmac.ParseCSV(strings.TrimSuffix(name, ".csv"), src)
		if err != nil {
			return nil, usage("%s: no table: %s", path, err)
		}
		out = append(out, l)
	}
	return out, nil
}
