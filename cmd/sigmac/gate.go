package main

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"sigmac"
	"sigmac/config"
	"sigmac/internal/suggest"
	"sigmac/ir"
	"sigmac/verify"
)

// A gate says which verdicts pass.
type gate struct {
	require string // proved, partial or agreed
	allow   []config.Allow
	path    string        // of sigmac.yaml; the allowed paths are below its folder
	used    []atomic.Bool // of allow
}

// newGate is the gate of sigmac.yaml, with what a flag requires in its place.
func newGate(require string) (*gate, error) {
	cfg, _, err := configured()
	if err != nil {
		return nil, err
	}
	g := &gate{require: verify.Proved.String()}
	if cfg != nil {
		g.allow, g.path, g.used = cfg.Verify.Allow, cfg.Path, make([]atomic.Bool, len(cfg.Verify.Allow))
		if cfg.Verify.Require != "" {
			g.require = cfg.Verify.Require
		}
	}
	if require != "" {
		if !slices.Contains(config.Verdicts, require) {
			return nil, usage("--require %q: no verdict is named so%s", require, suggest.For(require, config.Verdicts))
		}
		g.require = require
	}
	return g, nil
}

// passes says whether a verdict is good enough, by itself or because
// sigmac.yaml allows it for the rule.
func (g *gate) passes(ch sigmac.Proof) bool {
	rank := slices.Index(config.Verdicts, ch.Verdict)
	if ch.Verdict == "unsupported" || rank >= 0 && rank <= slices.Index(config.Verdicts, g.require) {
		return true
	}
	path := ch.Document.Path
	if rel, err := filepath.Rel(filepath.Dir(g.path), path); err == nil {
		path = rel
	}
	for i, a := range g.allow {
		if a.Covers(ch.Document.ID, filepath.ToSlash(path), ch.Target.Name) && rank >= 0 && rank <= slices.Index(config.Verdicts, a.Verdict) {
			g.used[i].Store(true)
			return true
		}
	}
	return false
}

// rest tells which entries of sigmac.yaml allow nothing any more, once all rules
// were seen.
func (g *gate) rest(w io.Writer) {
	for i, a := range g.allow {
		if !g.used[i].Load() {
			_ = tell(w, "%s:%d:%d: note: nothing needs this to be allowed: %s", g.path, a.Pos.Line, a.Pos.Column, a.Rule)
		}
	}
}

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
