package verify

import (
	"slices"

	"sigmac/backends"
	"sigmac/ir"
)

// A PairReading is what two queries say under one choice of unmapped fields.
type PairReading struct {
	Old, New *ir.Query
	Unmapped []string
}

// ReadPair reads two queries under every choice of unmapped fields under which both
// can run, none first; where there are many, under a few. What one of them needs
// mapped is not optional in the other. The error is a *ReadPairError.
func ReadPair(b *backends.Target, schema ir.Schema, old, new string) ([]PairReading, error) {
	if b.ReadOptional == nil {
		was, err := b.Read(old, schema)
		if err != nil {
			return nil, &ReadPairError{false, err}
		}
		is, err := b.Read(new, schema)
		if err != nil {
			return nil, &ReadPairError{true, err}
		}
		return []PairReading{{Old: was, New: is}}, nil
	}
	o, err := b.ReadOptional(old)
	if err != nil {
		return nil, &ReadPairError{false, err}
	}
	n, err := b.ReadOptional(new)
	if err != nil {
		return nil, &ReadPairError{true, err}
	}
	optional := slices.Compact(slices.Sorted(slices.Values(slices.Concat(o.Names, n.Names))))
	optional = slices.DeleteFunc(optional, func(name string) bool {
		return slices.Contains(o.Required, name) || slices.Contains(n.Required, name)
	})
	var out []PairReading
	for _, unmapped := range subsets(optional, len(optional) > maxOptional) {
		s := without{schema, unmapped}
		was, err := o.Under(s)
		if err != nil {
			return nil, &ReadPairError{false, err}
		}
		is, err := n.Under(s)
		if err != nil {
			return nil, &ReadPairError{true, err}
		}
		out = append(out, PairReading{was, is, unmapped})
	}
	return out, nil
}

// without is a schema without some fields.
type without struct {
	ir.Schema
	unmapped []string
}

func (s without) Type(table, name string) (ir.Type, bool) {
	t, ok := s.Schema.Type(table, name)
	return t, ok && !slices.Contains(s.unmapped, name)
}

// A ReadPairError says which of two queries cannot be read.
type ReadPairError struct {
	New bool
	Err error // mostly an *ir.Diagnostic
}

func (e *ReadPairError) Error() string { return e.Err.Error() }

// Unwrap is the reader's error.
func (e *ReadPairError) Unwrap() error { return e.Err }
