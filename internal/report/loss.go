// Package report puts what was found of rules and queries into words and JSON.
package report

import (
	"sigmac"
	"sigmac/ir"
	"sigmac/verify"
)

// A Loss is what a query does not keep of its rule, or what it adds: by the
// mapping of fields, or because the target cannot tell two states of a field
// apart.
type Loss struct {
	ID        string `json:"id"`
	Line      int    `json:"line"`
	Column    int    `json:"column"`
	Direction string `json:"direction,omitempty"`
	Item      string `json:"item,omitempty"` // of a pipeline
	Message   string `json:"message"`
	Pos       ir.Pos `json:"-"`
	Declared  bool   `json:"-"` // by the pipeline as a whole, not of this rule
}

func (l Loss) String() string {
	s := l.ID + ": " + l.Message
	if l.Direction != "" {
		s += "; the query is " + map[string]string{"wider": "wider than the rule", "narrower": "narrower than the rule",
			"both": "wider in part and narrower in part"}[l.Direction]
	}
	if l.Item != "" {
		s += " (" + l.Item + ")"
	}
	return s
}

// Losses lists the losses of a result: those of its pipeline, then those of
// its target.
func Losses(res sigmac.Result) []Loss {
	out := PipelineLosses(res)
	if res.Want == nil {
		return out
	}
	for _, l := range verify.Losses(res.Target, res.Want) {
		out = append(out, Loss{ID: l.ID, Line: l.Pos.Line, Column: l.Pos.Column, Direction: l.Direction, Message: l.Msg, Pos: l.Pos})
	}
	return out
}

// LeftOut is the loss of a part of a rule that its query does without, where that is
// allowed.
const LeftOut = "rule/left-out"

// PipelineLosses are those of the pipeline of a result, and the parts that are left out.
func PipelineLosses(res sigmac.Result) []Loss {
	out := []Loss{}
	for _, l := range res.LeftOut {
		out = append(out, Loss{ID: LeftOut, Line: l.Pos.Line, Column: l.Pos.Column, Direction: string(res.Allowed), Item: l.Reason.Item,
			Message: "left out: " + l.Reason.Msg, Pos: l.Pos})
	}
	if t := res.Mapped.Trace; t != nil {
		for _, l := range t.Losses {
			out = append(out, Loss{l.ID, l.Pos.Line, l.Pos.Column, l.Direction, l.Item, l.Msg, l.Pos, l.Declared})
		}
	}
	return out
}
