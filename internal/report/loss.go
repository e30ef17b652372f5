// Package report puts what was found of rules and queries into words and JSON.
package report

import (
	"cmp"
	"fmt"

	"sigmac"
	"sigmac/ir"
	"sigmac/verify"
)

// A Loss is what a query does not keep of its rule, or what it adds: by the
// mapping of fields, or because the target cannot tell two states of a field
// apart.
type Loss struct {
	ID        string `json:"id"`
	Path      string `json:"path,omitempty"` // where it is not that of the rule: of a filter
	Line      int    `json:"line"`
	Column    int    `json:"column"`
	Direction string `json:"direction,omitempty"`
	Item      string `json:"item,omitempty"` // of a pipeline
	Message   string `json:"message"`
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

// Losses lists the losses of a result: those of its pipeline, then those of its target; of a
// correlation, those of its windows and of its rules.
func Losses(res sigmac.Result) []Loss {
	out := PipelineLosses(res)
	for _, l := range res.TailLosses {
		p := l.Pos
		if p == (ir.Pos{}) {
			p = res.Correlation.Pos
		}
		out = append(out, at(res, p, Loss{ID: l.ID, Direction: l.Direction, Message: l.Msg}))
	}
	for _, x := range append([]sigmac.Result{res}, res.Members...) {
		if x.Want == nil {
			continue
		}
		for _, l := range verify.Losses(x.Target, x.Want) {
			out = append(out, ofMember(res, x, at(x, l.Pos, Loss{ID: l.ID, Direction: l.Direction, Message: l.Msg})))
		}
	}
	return out
}

// ofMember is a loss of a rule of a correlation, or of the result itself.
func ofMember(res, x sigmac.Result, l Loss) Loss {
	if l.Path == "" && x.Document != res.Document {
		l.Path = x.Document.Path
	}
	return l
}

// at is a loss at a place of the rule, or of a filter of it.
func at(res sigmac.Result, p ir.Pos, l Loss) Loss {
	if l.Line, l.Column = p.Line, p.Column; p.File != 0 {
		l.Path = res.Document.PathOf(p)
	}
	return l
}

// Place is where a loss of a result is, rule.yml:12:5.
func (l Loss) Place(res sigmac.Result) string {
	return fmt.Sprintf("%s:%d:%d", cmp.Or(l.Path, res.Document.Path), l.Line, l.Column)
}

// LeftOut is the loss of a part of a rule that its query does without, where that is
// allowed.
const LeftOut = "rule/left-out"

// PipelineLosses are those of the pipeline of a result, and the parts that are left out, also
// of the rules of a correlation.
func PipelineLosses(res sigmac.Result) []Loss {
	out := []Loss{}
	for _, l := range res.LeftOut {
		out = append(out, at(res, l.Pos, Loss{ID: LeftOut, Direction: string(res.Allowed), Item: l.Reason.Item, Message: "left out: " + l.Reason.Msg}))
	}
	if t := res.Mapped.Trace; t != nil {
		for _, l := range t.Losses {
			out = append(out, at(res, l.Pos, Loss{ID: l.ID, Direction: l.Direction, Item: l.Item, Message: l.Msg, Declared: l.Declared}))
		}
	}
	for _, x := range res.Members {
		for _, l := range PipelineLosses(x) {
			out = append(out, ofMember(res, x, l))
		}
	}
	return out
}
