package project

import (
	"fmt"
	"path/filepath"
	"slices"
	"sync/atomic"

	"sigmac"
	"sigmac/internal/config"
	"sigmac/internal/suggest"
	"sigmac/verify"
)

// A Gate says which verdicts pass.
type Gate struct {
	require string // one of config.Verdicts
	allow   []config.Allow
	path    string        // of sigmac.yaml; the allowed paths are below its folder
	used    []atomic.Bool // of allow
}

// Gate is the gate of sigmac.yaml; require takes the place of what it requires, unless
// it is empty.
func (p *Project) Gate(require string) (*Gate, error) {
	g := &Gate{require: verify.Proved.String()}
	if cfg := p.Config; cfg != nil {
		g.allow, g.path, g.used = cfg.Verify.Allow, cfg.Path, make([]atomic.Bool, len(cfg.Verify.Allow))
		if cfg.Verify.Require != "" {
			g.require = cfg.Verify.Require
		}
	}
	if require != "" {
		if !slices.Contains(config.Verdicts, require) {
			return nil, fmt.Errorf("--require %q: no verdict is named so%s", require, suggest.Among(require, "verdicts", config.Verdicts))
		}
		g.require = require
	}
	return g, nil
}

// Passes says whether a verdict is good enough, by itself or because
// sigmac.yaml allows it for the rule. What a target cannot hold has no query that could be
// wrong; a query that cannot be judged does not pass.
func (g *Gate) Passes(ch sigmac.Proof) bool {
	rank := slices.Index(config.Verdicts, ch.Verdict)
	if ch.Verdict == sigmac.VerdictUnsupported && ch.Query == "" || rank >= 0 && rank <= slices.Index(config.Verdicts, g.require) {
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

// Rest notes which entries of sigmac.yaml allow nothing any more, once all rules were
// seen.
func (g *Gate) Rest(note func(format string, args ...any)) {
	for i, a := range g.allow {
		if !g.used[i].Load() {
			note("%s:%d:%d: note: nothing needs this to be allowed: %s", g.path, a.Pos.Line, a.Pos.Column, a.Rule)
		}
	}
}
