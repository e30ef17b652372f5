package project

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"sigmac/internal/suggest"
	"sigmac/pipeline"
)

// FolderOf is the folder of a pipeline file. Nothing outside of it is read, not
// by a link either.
func FolderOf(path string) fs.FS {
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

// aliases are other names by which users know a pipeline.
var aliases = map[string]string{"microsoft_365_defender": "microsoft_xdr", "windows-audit": "windows_audit",
	"windows-logsources": "windows_logsources"}

// LoadPipelines reads pipelines, each by its name or its file, or those of a
// directory, and reports all errors of all of them.
func LoadPipelines(names []string, stdin io.Reader) (out []*pipeline.Pipeline, err error) {
	var faults []error
	var files []string
	for _, name := range names {
		if info, err := os.Stat(name); err == nil && info.IsDir() {
			below, err := ListFiles([]string{name}, []string{"*.yml", "*.yaml"})
			if err != nil {
				return nil, err
			}
			files = append(files, below...)
		} else {
			files = append(files, name)
		}
	}
	for _, name := range files {
		if p, ok := Builtin(name); ok {
			out = append(out, p)
			continue
		}
		if name != Stdin && !strings.ContainsAny(name, `/\.`) {
			if _, err := os.Stat(name); err != nil {
				faults = append(faults, fmt.Errorf("no pipeline and no file is named %q%s", name, suggest.For(name, pipeline.Builtins())))
				continue
			}
		}
		src, err := ReadFile(name, stdin)
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
		return nil, errors.Join(faults...)
	}
	return out, nil
}

// Builtin is a pipeline that sigmac brings along, by a name that users know. One of
// pySigma has its name there too, unless a pipeline of sigmac has it.
func Builtin(name string) (p *pipeline.Pipeline, ok bool) {
	if alias, ok := aliases[name]; ok {
		name = alias
	}
	if p, ok = pipeline.Builtin(name); !ok {
		p, ok = pipeline.Builtin("pysigma_" + name)
	}
	return p, ok
}
