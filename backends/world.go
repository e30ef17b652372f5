package backends

// A State is what a field of an event is to Sigma.
type State uint8

// The states of a field.
const (
	Missing  State = iota
	Null           // there, and null
	NoValues       // a list without values
	Empty          // the empty text
	Value          // a value of the field's type
	Several        // several values
	Alien          // a value of another type
	States         // how many there are
)

func (s State) String() string {
	return [...]string{"a missing field", "null", "an empty list", "the empty text", "a value", "several values", "a value of another type"}[s]
}

// A World says which states a field can be in at a target. Missing and null
// are always one state.
type World struct {
	// Blank: a missing field and one that holds the empty text are one state.
	Blank bool
	// Several: a field may hold several values.
	Several bool
	// AnyType: a field of numbers, booleans or addresses may hold other texts.
	AnyType bool
	// Doubts are what In says and practice may not hold.
	Doubts []Doubt
}

// In is the state at the target of a field that is in s by the event's source;
// occurs is false where the target is supposed to hold no such event.
func (w World) In(s State) (in State, occurs bool) {
	switch s {
	case Null:
		return Missing, true
	case NoValues:
		return Missing, w.Several
	case Empty:
		if w.Blank {
			return Missing, true
		}
	case Several:
		return s, w.Several
	case Alien:
		return s, w.AnyType
	}
	return s, true
}

// A Doubt is an assumption about a state that is false of some events in
// practice, so that it is named where the answer of a test depends on it.
type Doubt struct {
	ID    string
	State State
	// As is the value that a field in State has where the assumption is false;
	// nil: none.
	As any
	// Wider: only an event that is found for it counts, not one that is missed.
	Wider bool
}
