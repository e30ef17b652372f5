package ir

import "fmt"

// A Diagnostic is something to say of a place in a file.
type Diagnostic struct {
	Path string
	Pos  Pos // where it begins
	End  Pos // behind the last character of what it is about; zero where that is not known
	Msg  string
	// Code is what machines know the fault by: the id of the check that finds it, or
	// empty for a fault of the form.
	Code    string
	Source  string // what reads the file: sigma, link, pipeline, schema or sigmac.yaml
	Feature string // the construct that is refused, with its article; empty where the file is simply wrong
}

func (d *Diagnostic) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", d.Path, d.Pos.Line, d.Pos.Column, d.Msg)
}
