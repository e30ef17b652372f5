package report

import (
	"encoding/json"
	"fmt"
	"strings"

	"sigmac"
	"sigmac/internal/catalog"
	"sigmac/ir"
	"sigmac/verify"
)

// Weakness says in a line why a query is less than proved, or empty.
func Weakness(ch sigmac.Proof) string {
	v := ch.Evidence
	switch {
	case ch.Verdict == verify.Refuted.String():
		return Refutation(v)
	case ch.Verdict == verify.Agreed.String() && v.Events > 0:
		return fmt.Sprintf("agreed on %d events: %s", v.Events, v.Reason)
	case ch.Verdict == verify.Agreed.String(), ch.Verdict == verify.Partial.String():
		return ch.Verdict + ": " + v.Reason
	}
	return ""
}

// Elsewhere says how the scope of a query differs from that of its rule, or is
// empty.
func Elsewhere(v verify.Result) string {
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

// Added says what the postprocessing of a team's pipelines adds to a query, or is
// empty.
func Added(a sigmac.Addition) string {
	var parts []string
	for _, s := range a.Stages {
		parts = append(parts, fmt.Sprintf("%s (%s)", s.Name, s.Effect))
	}
	if a.Scope.Query != "" {
		parts = append(parts, "the scope "+a.Scope.Query)
	}
	return strings.Join(parts, ", ")
}

// Refutation says in a line how a query differs from its rule.
func Refutation(v verify.Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "refuted: the query is %s", map[string]string{"wider": "wider than the rule", "narrower": "narrower than the rule",
		"both": "another than the rule"}[v.Direction])
	if v.Construct != nil {
		fmt.Fprintf(&b, " (%s)", v.Construct.Name)
	}
	if v.Counterexample == nil {
		return b.String()
	}
	event, err := json.Marshal(v.Counterexample)
	if err != nil {
		event = nil
	}
	does := map[bool]string{true: "matches", false: "does not match"}
	fmt.Fprintf(&b, "; on the event %s the rule %s and the query %s", event, does[v.RuleMatches], does[v.QueryMatches])
	if len(v.Unmapped) > 0 {
		fmt.Fprintf(&b, " where no index maps %s", strings.Join(v.Unmapped, ", "))
	}
	return b.String()
}

// Proof is a proof in JSON, with its losses.
func Proof(ch sigmac.Proof, losses []Loss) any {
	type place struct {
		Name string `json:"name,omitempty"`
		Place
	}
	v := ch.Evidence
	o := struct {
		Path           string            `json:"path"`
		Rule           string            `json:"rule"`
		Condition      int               `json:"condition"`
		Target         string            `json:"target"`
		Verdict        string            `json:"verdict"`
		Filters        []catalog.Filter  `json:"filters,omitempty"`
		Reason         string            `json:"reason,omitempty"`
		Direction      string            `json:"direction,omitempty"`
		Construct      *place            `json:"construct,omitempty"`
		Losses         []Loss            `json:"losses"`
		Assumptions    []string          `json:"assumptions"`
		Types          map[string]string `json:"types"`
		Unmapped       []string          `json:"unmapped"`
		Events         int               `json:"events"`
		Counterexample map[string]any    `json:"counterexample,omitempty"`
		Query          string            `json:"query,omitempty"`
		QueryMatches   *bool             `json:"query_matches,omitempty"`
		RuleMatches    *bool             `json:"rule_matches,omitempty"`
		Stages         []stageObject     `json:"stages"`
		Scope          string            `json:"scope,omitempty"`       // of the query: equal, wider, narrower, both or unknown
		ScopeRule      string            `json:"scope_rule,omitempty"`  // where the rule looks, in words
		ScopeQuery     string            `json:"scope_query,omitempty"` // where the query looks
		Detection      string            `json:"detection,omitempty"`   // the verdict beside the scope
		Added          []stageObject     `json:"added,omitempty"`       // by postprocessing, not part of the verdict
		AddedScope     string            `json:"added_scope,omitempty"`
	}{Path: ch.Document.Path, Rule: ch.Document.ID, Condition: ch.Condition, Target: ch.Target.Name, Verdict: ch.Verdict, Filters: FiltersOf(ch.Document),
		Reason: v.Reason, Direction: v.Direction, Losses: append([]Loss{}, losses...), Assumptions: append([]string{}, v.Assumptions...),
		Types: map[string]string{}, Unmapped: append([]string{}, v.Unmapped...), Events: v.Events,
		Counterexample: v.Counterexample, Query: ch.Query, Stages: stageObjects(v.Stages),
		Scope: v.Scope.Relation, ScopeRule: v.Scope.Rule, ScopeQuery: v.Scope.Query, AddedScope: ch.Added.Scope.Query}
	if v.Detection != nil {
		o.Detection = v.Detection.Verdict.String()
	}
	if len(ch.Added.Stages) > 0 {
		o.Added = stageObjects(ch.Added.Stages)
	}
	for f, t := range ch.Types {
		o.Types[f] = t.String()
	}
	if v.Construct != nil {
		o.Construct = &place{v.Construct.Name, Place{Line: v.Construct.Pos.Line, Column: v.Construct.Pos.Column}}
		if at := v.Construct.Pos; at.File != 0 {
			o.Construct.Path = ch.Document.PathOf(at)
		}
	}
	if ch.Verdict == "refuted" {
		o.QueryMatches, o.RuleMatches = &v.QueryMatches, &v.RuleMatches
	}
	if e := ch.Err; e != nil {
		if o.Reason = e.Msg; ch.Query != "" {
			o.Reason = e.Error()
		} else {
			o.Construct = &place{e.Feature, placeIn(ch.Document, e)}
		}
	}
	return o
}
