package read

import (
	"sigmac/backends"
	"sigmac/ir"
)

// World: null is missing, and any field may be an array (SEMANTICS D.4, D.5).
func World(ir.Type) backends.World { return backends.World{Several: true} }
