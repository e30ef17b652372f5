package review

import (
	"encoding/json"
	"io"

	"sigmac/internal/diff"
)

// JSON writes each change as an object in a line. The error is that of w.
func JSON(w io.Writer, changes []Change) error {
	type values struct {
		Old string `json:"old"`
		New string `json:"new"`
	}
	type queries struct {
		Old      []string `json:"old"`
		New      []string `json:"new"`
		OldError string   `json:"old_error,omitempty"`
		NewError string   `json:"new_error,omitempty"`
		OldBy    string   `json:"old_pipelines,omitempty"`
		NewBy    string   `json:"new_pipelines,omitempty"`
	}
	type object struct {
		Rule            string             `json:"rule"`
		Path            string             `json:"path"`
		OldPath         string             `json:"old_path,omitempty"`
		Title           string             `json:"title,omitempty"`
		Line            int                `json:"line,omitempty"`
		Target          string             `json:"target,omitempty"`
		Change          diff.Kind          `json:"change"`
		Reason          string             `json:"reason,omitempty"`
		Code            string             `json:"code,omitempty"` // of the first error of a version that cannot be read
		NewlyMatched    []map[string]any   `json:"newly_matched"`
		NoLongerMatched []map[string]any   `json:"no_longer_matched"`
		Metadata        map[string]values  `json:"metadata"`
		Queries         map[string]queries `json:"queries"`
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, ch := range changes {
		o := object{Path: ch.where(), OldPath: ch.movedFrom(), Target: ch.Target, Change: ch.Kind, Reason: ch.Reason,
			NewlyMatched: append([]map[string]any{}, ch.NewlyMatched...), NoLongerMatched: append([]map[string]any{}, ch.NoLongerMatched...),
			Metadata: map[string]values{}, Queries: map[string]queries{}}
		if d := ch.Doc(); d != nil {
			o.Rule, o.Title, o.Line = d.ID, d.Title, d.Pos.Line
			if len(d.Errors) > 0 {
				o.Code = d.Errors[0].Class()
			}
		}
		for _, a := range ch.Metadata {
			o.Metadata[a.Name] = values{a.Old, a.New}
		}
		for _, q := range ch.Queries {
			o.Queries[q.Target] = queries{append([]string{}, q.Old...), append([]string{}, q.New...), q.OldError, q.NewError, q.OldBy, q.NewBy}
		}
		if err := enc.Encode(o); err != nil {
			return err
		}
	}
	return nil
}
