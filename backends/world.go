package backends

// A World says which states a field can be in at a target. Missing and null
// are always one state.
type World struct {
	// Blank: a missing field and one that holds the empty text are one state.
	Blank bool
	// Several: a field may hold several values.
	Several bool
	// AnyType: a field of numbers, booleans or addresses may hold other texts.
	AnyType bool
}
