package backends

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"sigmac/ir"
)

// EventID is the field by which an event of a kit is told from others in answers, and ProbeField
// says of which probe it is.
const (
	EventID    = "sigmac_id"
	ProbeField = "sigmac_probe"
)

// ProbeTable is the table of the events of probes, where a target has tables.
const ProbeTable = "SigmacProbes"

// A Replay is how events and queries are run on the engine of a target, and how its answers
// are read.
type Replay struct {
	// Files are those of a kit by their paths, slash-separated: the data, what loads them, the
	// queries, and a README.
	Files func(k ReplayKit) (map[string]string, error)
	// Answer reads what the engine exports of one query, in a file of that name: the ids of events. The
	// error says what is wrong with the file, an *ir.Diagnostic with its place, or is what the
	// engine says.
	Answer func(name string, text []byte) (ids []string, err error)
	// Probes are those of the language's own assumptions, and Unprobed says of the others why there
	// is none.
	Probes   func() []Probe
	Unprobed func() map[string]string
}

// A ReplayKit is what is loaded, and what is asked.
type ReplayKit struct {
	Tables  []ReplayTable
	Queries []ReplayQuery
}

// A ReplayTable is events of one table, which have the field EventID.
type ReplayTable struct {
	SampleTable
	Events []map[string]any
}

// A ReplayQuery is a query as it is written for a rule.
type ReplayQuery struct{ Name, Text string }

// A Probe is a small rule with events at which an assumption shows, or what else is believed of a
// language.
type Probe struct {
	Name string // of its query
	Of   string // the id of an assumption, or empty
	Says string // what is tried
	// Detection is YAML of a rule's detection s, and Condition the rule's, s where it is empty. Query is
	// a query in the language in their place, over fields of Types.
	Detection, Condition, Query string
	Types                       map[string]ir.Type
	Columns                     map[string]string // types of fields by the names of the target, where others than text are wanted
	Accepted                    bool              // it says that the engine takes the query: a refusal refutes it
	On                          []map[string]any  // events that sit on it
	Beside                      []map[string]any  // events that are answered in any case
}

// ProbesOf are probes of one field: of each value an event.
func ProbesOf(field string, values ...any) (out []map[string]any) {
	for _, v := range values {
		out = append(out, map[string]any{field: v})
	}
	return out
}

// A Refused is what an engine says in the place of an answer.
type Refused struct{ Says string }

func (r *Refused) Error() string { return "the engine says: " + r.Says }

// DecodeAnswer reads one JSON value. The error is an *ir.Diagnostic with its place.
func DecodeAnswer(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	err := d.Decode(into)
	if err == nil {
		if _, more := d.Token(); more != io.EOF {
			return &ir.Diagnostic{Pos: PlaceIn(text, d.InputOffset()), Msg: "more than one JSON value"}
		}
		return nil
	}
	at := d.InputOffset()
	var syntax *json.SyntaxError
	var typed *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		at = syntax.Offset - 1
	case errors.As(err, &typed):
		at = typed.Offset - 1
		err = fmt.Errorf("a JSON %s where there is none", typed.Value)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		at, err = int64(len(text)), errors.New("the JSON ends too early")
	}
	return &ir.Diagnostic{Pos: PlaceIn(text, at), Msg: err.Error()}
}

// PlaceIn is the place of an offset in a text.
func PlaceIn(text []byte, at int64) ir.Pos {
	before := text[:min(max(at, 0), int64(len(text)))]
	line := bytes.LastIndexByte(before, '\n') + 1
	return ir.Pos{Line: bytes.Count(before, []byte("\n")) + 1, Column: len(before) - line + 1}
}
