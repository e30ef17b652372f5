package ir

import (
	"cmp"
	"fmt"
)

// A Diagnostic is something to say of a place in a file.
type Diagnostic struct {
	Path string // empty where the place is in a text without one, or the file is yet to be named
	Pos  Pos    // where it begins; zero: it is about the file as a whole
	End  Pos    // behind the last character of what it is about; zero where that is not known
	Msg  string
	// Code is what machines know the fault by: the id of the check that finds it, or one of
	// Codes. Where it is empty, Class tells it.
	Code    string
	Source  string // what says so: sigma, link, check, pipeline, schema or sigmac.yaml, or the name of a target
	Feature string // the construct that is refused, with its article; empty where the file is simply wrong
	Item    string // the item of a pipeline that is at fault, pipeline.yml:12:5, or empty
}

// Error is the message behind its place.
func (d *Diagnostic) Error() string {
	if place := d.Place(); place != "" {
		return place + ": " + d.Msg
	}
	return d.Msg
}

// Place is `rule.yml:12:5`, as far as it is known.
func (d *Diagnostic) Place() string {
	at := fmt.Sprintf("%d:%d", d.Pos.Line, d.Pos.Column)
	switch {
	case d.Pos == Pos{}:
		return d.Path
	case d.Path == "":
		return at
	}
	return d.Path + ":" + at
}

// Text is the message without its place, and with the item of a pipeline that is at fault.
func (d *Diagnostic) Text() string {
	if d.Item == "" {
		return d.Msg
	}
	return d.Msg + " (" + d.Item + ")"
}

// Compare orders places as they stand in a file, those of the rule first.
func (p Pos) Compare(q Pos) int {
	return cmp.Or(cmp.Compare(p.File, q.File), cmp.Compare(p.Line, q.Line), cmp.Compare(p.Column, q.Column))
}

// Caught makes the *Diagnostic that a function panicked with its error. It is deferred.
func Caught(err *error) {
	switch e := recover().(type) {
	case nil:
	case *Diagnostic:
		*err = e
	default:
		panic(e)
	}
}
