package pipeline

import (
	embedded "embed"
	"io/fs"
	"path"
	"strings"
	"sync"
)

//go:embed builtin/*.yml
var builtinFiles embedded.FS

// Builtins are the names of the pipelines that sigmac brings along, sorted.
func Builtins() (names []string) {
	entries, err := fs.ReadDir(builtinFiles, "builtin")
	if err != nil {
		panic("pipeline: " + err.Error())
	}
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".yml"))
	}
	return names
}

// BuiltinSource is the YAML text of a pipeline that sigmac brings along.
func BuiltinSource(name string) (src []byte, ok bool) {
	src, err := builtinFiles.ReadFile(builtinFile(name))
	return src, err == nil
}

func builtinFile(name string) string { return path.Join("builtin", name+".yml") }

var openBuiltins sync.Map // of *Pipeline, by name

// Builtin is a pipeline that sigmac brings along. Its items name their place in
// name.yml, and are read when a rule needs them.
func Builtin(name string) (p *Pipeline, ok bool) {
	if p, ok := openBuiltins.Load(name); ok {
		return p.(*Pipeline), true
	}
	text, ok := indexOf(name)
	if !ok {
		return nil, false
	}
	p = indexed(name, text)
	openBuiltins.Store(name, p)
	return p, true
}
