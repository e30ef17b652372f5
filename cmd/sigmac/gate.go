package main

import (
	"fmt"
	"strings"

	"sigmac"
	"sigmac/ir"
	"sigmac/verify"
)

// weakness says in a line why a query is less than proved, or empty.
func weakness(ch sigmac.Proof) string {
	v := ch.Evidence
	switch {
	case ch.Verdict == verify.Refuted.String():
		return refutation(v)
	case ch.Verdict == verify.Agreed.String() && v.Events > 0:
		return fmt.Sprintf("agreed on %d events: %s", v.Events, v.Reason)
	case ch.Verdict == verify.Agreed.String(), ch.Verdict == verify.Partial.String():
		return ch.Verdict + ": " + v.Reason
	}
	return ""
}

// elsewhere says how the scope of a query differs from that of its rule, or is
// empty.
func elsewhere(v verify.Result) string {
	if v.Scope.Relation == "equal" || v.Scope.Relation == "" || v.Detection == nil {
		return ""
	}
	is := map[string]string{"wider": "wider", "narrower": "narrower", "both": "another", "unknown": "perhaps another"}[v.Scope.Relation]
	return fmt.Sprintf("its scope is %s (%s; the rule's: %s), beside which it is %s", is, v.Scope.Query, v.Scope.Rule, v.Detection.Verdict)
}

// A stageObject is a stage of a query in JSON.
type stageObject struct {
	Name   string `json:"name"`
	Text   string `json:"text"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Effect string `json:"effect"` // keeps, filters, computes, removes, remakes, adds or unknown
	Judged bool   `json:"judged"`
}

func stageObjects(stages []ir.Command) []stageObject {
	out := []stageObject{}
	for _, s := range stages {
		out = append(out, stageObject{s.Name, s.Text, s.Pos.Line, s.Pos.Column, s.Effect.String(), s.Effect.Judged()})
	}
	return out
}

// added says what the postprocessing of a team's pipelines adds to a query, or is
// empty.
func added(a sigmac.Addition) string {
	var parts []string
	for _, s := range a.Stages {
		parts = append(parts, fmt.Sprintf("%s (%s)", s.Name, s.Effect))
	}
	if a.Scope.Query != "" {
		parts = append(parts, "the scope "+a.Scope.Query)
	}
	return strings.Join(parts, ", ")
}
