package sigmac

import (
	"fmt"

	"sigmac/parser"
	"sigmac/targets"
)

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
