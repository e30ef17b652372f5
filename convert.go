package sigmac

import (
	"fmt"

	"sigmac/backends"
	"sigmac/parser"
	"sigmac/pipeline"
	"sigmac/schema"
	"sigmac/targets"
)

// DefaultMapping is the way to a target that the command takes where none is asked
// for: the built-in pipeline and the schemas of its format.
func DefaultMapping(t *backends.Target) Mapping {
	m := Mapping{Target: t}
	if t.Format.Pipeline == "" {
		return m
	}
	p, ok := pipeline.Builtin(t.Format.Pipeline)
	if !ok {
		panic("no pipeline " + t.Format.Pipeline)
	}
	m.Pipeline, m.Schemas = pipeline.Join(p), schema.For(t)
	return m
}

// Convert makes of the documents of a file what `sigmac convert -t TARGET` does: a
// Result each, with queries or with errors. It fails for a target that there is not.
func Convert(src []byte, target string) ([]Result, error) {
	t, ok := targets.Named(target)
	if !ok {
		return nil, fmt.Errorf("no target is named %q", target)
	}
	var out []Result
	for res := range Compile(parser.Parse("rule.yml", src), Options{Mappings: []Mapping{DefaultMapping(t)}}) {
		out = append(out, res)
	}
	return out, nil
}
