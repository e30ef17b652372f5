package eval

import "sigmac/ir"

// A Value is one value of a field that many tests are asked about: the forms that
// they want of it are made once.
type Value struct{ value }

// NewValue is a value of a field, as an event has it.
func NewValue(v any) *Value { return &Value{newValue(v)} }

// Text is a scalar as tests see it, else empty.
func (v *Value) Text() string { return v.text }

// Ready is t made ready for many values. It says what the evaluator says of an
// event that has the value alone; a FieldRef passes none.
func Ready(t ir.Test) func(*Value) bool {
	fast := prepare(t)
	return func(v *Value) bool {
		if fast == nil || !v.valid {
			return v.scalar() && passes(t, v.any(), Event{})
		}
		return fast(&v.value)
	}
}
