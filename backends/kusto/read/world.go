package read

import (
	"sigmac/backends"
	"sigmac/ir"
)

// World: a text column has no null, so a missing value is the empty text
// (SEMANTICS C.3); a column has one value.
func World(t ir.Type) backends.World {
	return backends.World{Blank: t.IsText() || t == ir.Address}
}
