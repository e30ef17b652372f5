package review

import (
	"encoding/json"
	"io"

	"sigmac/internal/deploy"
	"sigmac/internal/drift"
	"sigmac/internal/report"
)

// JSON writes each entry as an object in a line; with plan, what applying does. The error is
// that of w.
func JSON(w io.Writer, entries []drift.Entry, plan bool) error {
	type difference struct {
		Kind      drift.Kind       `json:"kind"`
		Name      string           `json:"name,omitempty"`
		Rule      string           `json:"rule,omitempty"`     // the value of the rule
		Deployed  string           `json:"deployed,omitempty"` // that of the SIEM
		Direction string           `json:"direction,omitempty"`
		Part      string           `json:"part,omitempty"`
		Missed    []map[string]any `json:"missed,omitempty"`
		Gained    []map[string]any `json:"found_too,omitempty"`
		Reason    string           `json:"reason,omitempty"`
		Proof     any              `json:"proof,omitempty"`
	}
	type deployed struct {
		ID    string `json:"id"`
		Rule  string `json:"rule,omitempty"`
		Title string `json:"title"`
		Path  string `json:"path"`
		Line  int    `json:"line,omitempty"`
	}
	type object struct {
		Action      drift.Action `json:"action,omitempty"`
		Rule        string       `json:"rule"`
		Path        string       `json:"path,omitempty"`
		Line        int          `json:"line,omitempty"`
		Title       string       `json:"title"`
		Level       string       `json:"level,omitempty"`
		ID          string       `json:"id,omitempty"` // of the detection in the package
		State       string       `json:"state"`
		Equal       bool         `json:"equal"`
		By          string       `json:"matched_by,omitempty"`
		Deployed    *deployed    `json:"deployed,omitempty"`
		Differences []difference `json:"differences"`
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, e := range entries {
		o := object{Title: e.Title(), State: state(e), Equal: e.Equal(), By: e.By, Differences: []difference{}}
		if plan {
			o.Action = e.Action()
		}
		if r := e.Rule; r != nil {
			o.Rule, o.Path, o.Line, o.Level = r.ID, r.Path, r.Pos.Line, r.Meta.Level
			if r.Detection != nil {
				o.ID = r.Detection.ID
			}
		}
		if d := e.Deployed; d != nil {
			o.Deployed = &deployed{d.ID, d.Rule, d.Title, d.Path, d.Pos.Line}
		}
		proved := false
		for _, d := range e.Differences {
			x := difference{Kind: d.Kind, Name: d.Name, Rule: d.Want, Deployed: d.Got, Direction: d.Direction, Part: d.Part, Missed: d.Missed, Gained: d.Gained, Reason: d.Reason}
			if d.Kind == deploy.Actions {
				x.Rule, x.Deployed = "", ""
			}
			if d.Proof != nil && !proved {
				x.Proof, proved = report.Proof(*d.Proof, nil), true
			}
			o.Differences = append(o.Differences, x)
		}
		if err := enc.Encode(o); err != nil {
			return err
		}
	}
	return nil
}
