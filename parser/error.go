package parser

import (
	"cmp"
	"fmt"
	"slices"

	"sigmac/ir"
)

// An Error is a fault of a rule file, with its place.
type Error struct {
	Path    string
	Pos     ir.Pos
	Msg     string
	Feature string // the construct that is refused, with its article; empty where the file is simply wrong
	Check   string // by which linters know the fault, or empty
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.Path, e.Pos.Line, e.Pos.Column, e.Msg)
}

// sorted puts errors in the order of the file, each once: an alias is read
// wherever it stands.
func sorted(es []*Error) []*Error {
	slices.SortStableFunc(es, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Column, b.Pos.Column))
	})
	return slices.CompactFunc(es, func(a, b *Error) bool { return *a == *b })
}
