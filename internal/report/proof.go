package report

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"sigmac"
	"sigmac/internal/catalog"
	"sigmac/ir"
	"sigmac/verify"
)

// Weakness says in a line why a query is less than proved, or empty.
func Weakness(ch sigmac.Proof) string {
	v := ch.Evidence
	switch {
	case ch.Verdict == sigmac.VerdictUnsupported && ch.Query != "":
		return ch.Err.Msg
	case ch.Verdict == sigmac.VerdictError && ch.Query != "":
		return "the query cannot be read: " + ch.Err.Msg
	case ch.Verdict == verify.Refuted.String():
		return Refutation(v)
	case ch.Verdict == verify.Agreed.String() && v.Events > 0:
		return fmt.Sprintf("agreed on %d events: %s", v.Events, v.Reason)
	case ch.Verdict == verify.Agreed.String(), ch.Verdict == verify.Partial.String(), ch.Verdict == verify.Bounded.String():
		return strings.Join(append([]string{ch.Verdict + ": " + v.Reason}, v.Limits...), "; ")
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
	if v.Stream != nil {
		b.WriteString("; " + inStream(v.Stream))
		return b.String()
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

// inStream says what a correlation and its queries find in a stream of events.
func inStream(s *verify.Stream) string {
	first := s.Events[0].Time
	for _, e := range s.Events {
		if e.Time.Before(first) {
			first = e.Time
		}
	}
	var events []string
	for i := 0; i < len(s.Events); {
		said := func(e verify.StreamEvent) string {
			fields, err := json.Marshal(e.Fields)
			if err != nil {
				fields = nil
			}
			return fmt.Sprintf("%s at %gs", fields, e.Time.Sub(first).Seconds())
		}
		n := 1
		for i+n < len(s.Events) && said(s.Events[i]) == said(s.Events[i+n]) {
			n++
		}
		if text := said(s.Events[i]); n > 1 {
			events = append(events, fmt.Sprintf("%d times %s", n, text))
		} else {
			events = append(events, text)
		}
		i += n
	}
	hits := func(who string, hs []verify.StreamHit) string {
		if len(hs) == 0 {
			return who + " does not hit"
		}
		var parts []string
		for _, h := range hs {
			var part []string
			if len(h.Group) > 0 {
				if group, err := json.Marshal(h.Group); err == nil {
					part = append(part, "for "+string(group))
				}
			}
			if !h.Time.IsZero() {
				part = append(part, fmt.Sprintf("at %gs", h.Time.Sub(first).Seconds()))
			}
			if part == nil {
				part = []string{"somewhere in them"}
			}
			parts = append(parts, strings.Join(part, " "))
		}
		return who + " hits " + strings.Join(parts, ", ")
	}
	return fmt.Sprintf("in the events %s, %s and %s", strings.Join(events, ", "), hits("the correlation", s.Rule), hits("the query", s.Query))
}

// A streamObject is a stream of events in JSON.
type streamObject struct {
	Events []streamEvent `json:"events"`
	Rule   []streamHit   `json:"rule"`
	Query  []streamHit   `json:"query"`
}

type streamEvent struct {
	Time   time.Time      `json:"time"`
	Fields map[string]any `json:"fields"`
	Rules  []string       `json:"rules"`
}

type streamHit struct {
	Group map[string]any `json:"group,omitempty"`
	Time  *time.Time     `json:"time,omitempty"`
}

func streamOf(s *verify.Stream) *streamObject {
	if s == nil {
		return nil
	}
	out := &streamObject{Events: []streamEvent{}, Rule: []streamHit{}, Query: []streamHit{}}
	for _, e := range s.Events {
		out.Events = append(out.Events, streamEvent{e.Time, e.Fields, append([]string{}, e.Rules...)})
	}
	for _, side := range []struct {
		to   *[]streamHit
		hits []verify.StreamHit
	}{{&out.Rule, s.Rule}, {&out.Query, s.Query}} {
		for _, h := range side.hits {
			hit := streamHit{Group: h.Group}
			if !h.Time.IsZero() {
				hit.Time = &h.Time
			}
			*side.to = append(*side.to, hit)
		}
	}
	return out
}

// codeOf is that of the error of a proof: where there is a query, it is about that.
func codeOf(ch sigmac.Proof) string {
	switch {
	case ch.Query == "" || ch.Err.Code != "":
		return ch.Err.Class()
	case ch.Verdict == sigmac.VerdictUnsupported:
		return ir.CannotJudge
	}
	return ir.QuerySyntax
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
		Code           string            `json:"code,omitempty"` // of the reason: that of an error, or the verdict
		Reason         string            `json:"reason,omitempty"`
		Direction      string            `json:"direction,omitempty"`
		Construct      *place            `json:"construct,omitempty"`
		Losses         []Loss            `json:"losses"`
		Assumptions    []string          `json:"assumptions"`
		Types          map[string]string `json:"types"`
		Unmapped       []string          `json:"unmapped"`
		Events         int               `json:"events"`
		Limits         []string          `json:"limits,omitempty"`
		Counterexample map[string]any    `json:"counterexample,omitempty"`
		Stream         *streamObject     `json:"stream,omitempty"`
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
		Limits: v.Limits, Counterexample: v.Counterexample, Stream: streamOf(v.Stream), Query: ch.Query, Stages: stageObjects(v.Stages),
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
	if ch.Verdict == "refuted" && v.Stream == nil {
		o.QueryMatches, o.RuleMatches = &v.QueryMatches, &v.RuleMatches
	}
	if ch.Verdict != verify.Proved.String() {
		o.Code = ch.Verdict
	}
	if e := ch.Err; e != nil {
		o.Code = codeOf(ch)
		if o.Reason = e.Msg; ch.Query != "" {
			o.Reason = e.Error()
		} else {
			o.Construct = &place{e.Feature, placeIn(ch.Document, e)}
		}
	}
	return o
}
