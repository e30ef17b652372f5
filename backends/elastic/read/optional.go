package read

import "sigmac/ir"

// ReadOptional parses query once, to be read under several choices of unmapped
// fields.
func ReadOptional(query string) (optional, required []string, under func(ir.Schema) (*ir.Query, error), err error) {
	p, err := Parse(query)
	if err != nil {
		return nil, nil, nil, err
	}
	optional, required = p.mentioned()
	return optional, required, p.Query, nil
}
