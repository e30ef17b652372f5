package config

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"sigmac/internal/deploy"
	"sigmac/internal/suggest"
	"sigmac/ir"
	"sigmac/parser"
)

// A Package says how detections of the rules run, and how they are packed.
type Package struct {
	Attack       string // version of ATT&CK that is told to SIEMs, or empty: what each knows
	Experimental string // one of Experimentals: what becomes of rules with the status experimental
	Settings     Settings
	Levels       map[string]Settings // by level of the rule
	Folders      []Folder
	Options      map[string][]Option // by format
}

// Experimentals are what can become of rules with the status experimental; the first is the
// default.
var Experimentals = []string{"disabled", "enabled", "leave_out"}

// Settings are for all targets, and for some.
type Settings struct {
	deploy.Settings
	Targets map[string]deploy.Settings
}

// For are the settings for a target.
func (s Settings) For(target string) deploy.Settings { return s.Targets[target].Over(s.Settings) }

// A Folder has settings for the rules below it.
type Folder struct {
	Path string // slash-separated, below the folder of the configuration
	Settings
}

// An Option is one of a format.
type Option struct {
	Name, Value string
	Pos         ir.Pos
}

// Of are the settings for a rule whose file is at path, below the folder of the
// configuration: those of the nearest folder first, then those of the level.
func (p *Package) Of(path, level, target string) (s deploy.Settings) {
	for _, f := range p.Folders { // the deepest first
		if path == f.Path || strings.HasPrefix(path, f.Path+"/") {
			s = s.Over(f.For(target))
		}
	}
	return s.Over(p.Levels[level].For(target)).Over(p.Settings.For(target))
}

// All are the settings of a repository, of its folders and of its levels.
func (p *Package) All() []Settings {
	out := []Settings{p.Settings}
	for _, f := range p.Folders {
		out = append(out, f.Settings)
	}
	for _, level := range deploy.Levels {
		out = append(out, p.Levels[level])
	}
	return out
}

func (p *reader) pack(n *yaml.Node, out *Package) {
	p.settings(n, &out.Settings, map[string]func(*yaml.Node){
		"attack_version": func(n *yaml.Node) { out.Attack = p.word(n, "version of ATT&CK", deploy.AttackVersions) },
		"experimental":   func(n *yaml.Node) { out.Experimental = p.word(n, "way for experimental rules", Experimentals) },
		"levels": func(n *yaml.Node) {
			if n.Kind != yaml.MappingNode {
				p.Fail(n, "here belongs a mapping of levels to settings")
				return
			}
			out.Levels = map[string]Settings{}
			for _, e := range p.Entries(n) {
				if !slices.Contains(deploy.Levels, e.Name) {
					p.Fail(e.Key, "unknown level %q%s", e.Name, suggest.For(e.Name, deploy.Levels))
				}
				var s Settings
				p.settings(e.Value, &s, nil)
				out.Levels[e.Name] = s
			}
		},
		"folders": func(n *yaml.Node) {
			p.list(n, func(x *yaml.Node) {
				var f Folder
				given := false
				p.settings(x, &f.Settings, map[string]func(*yaml.Node){"path": func(n *yaml.Node) {
					given = true
					if paths := p.paths(n); len(paths) == 1 {
						f.Path = filepath.ToSlash(filepath.Clean(filepath.FromSlash(paths[0])))
					}
				}})
				if !given {
					p.Fail(x, "a folder has a path")
				}
				out.Folders = append(out.Folders, f)
			})
		},
		"options": func(n *yaml.Node) {
			if n.Kind != yaml.MappingNode {
				p.Fail(n, "here belongs a mapping of formats to options")
				return
			}
			out.Options = map[string][]Option{}
			for _, format := range p.Entries(n) {
				if format.Value.Kind != yaml.MappingNode {
					p.Fail(format.Value, "here belongs a mapping of options to values")
					continue
				}
				for _, o := range p.Entries(format.Value) {
					out.Options[format.Name] = append(out.Options[format.Name], Option{o.Name, p.text(o.Value), place(o.Key)})
				}
			}
		},
	})
	slices.SortStableFunc(out.Folders, func(a, b Folder) int { return strings.Count(b.Path, "/") - strings.Count(a.Path, "/") })
}

// settings reads a mapping of settings, and of other keys.
func (p *reader) settings(n *yaml.Node, s *Settings, others map[string]func(*yaml.Node)) {
	keys := p.settingKeys(&s.Settings)
	keys["targets"] = func(n *yaml.Node) {
		if n.Kind != yaml.MappingNode {
			p.Fail(n, "here belongs a mapping of targets to settings")
			return
		}
		s.Targets = map[string]deploy.Settings{}
		for _, e := range p.Entries(n) {
			var of deploy.Settings
			p.mapping(e.Value, p.settingKeys(&of))
			s.Targets[e.Name] = of
		}
	}
	for key, f := range others {
		keys[key] = f
	}
	p.mapping(n, keys)
}

func (p *reader) settingKeys(s *deploy.Settings) map[string]func(*yaml.Node) {
	return map[string]func(*yaml.Node){
		"enabled":    func(n *yaml.Node) { s.Enabled = p.boolean(n) },
		"leave_out":  func(n *yaml.Node) { s.Leave = p.boolean(n) },
		"level":      func(n *yaml.Node) { s.Level = p.word(n, "level", deploy.Levels) },
		"every":      func(n *yaml.Node) { s.Every = p.duration(n) },
		"lookback":   func(n *yaml.Node) { s.Lookback = p.duration(n) },
		"late":       func(n *yaml.Node) { s.Late = p.duration(n) },
		"cron":       func(n *yaml.Node) { s.Cron = p.text(n) },
		"risk_score": func(n *yaml.Node) { s.Risk = p.number(n, 0, 100) },
		"suppress": func(n *yaml.Node) {
			p.mapping(n, map[string]func(*yaml.Node){
				"for": func(n *yaml.Node) { s.SuppressFor = p.duration(n) },
				"by":  func(n *yaml.Node) { s.SuppressBy = p.texts(n) },
			})
			if n.Kind == yaml.MappingNode && (s.SuppressFor == 0) != (len(s.SuppressBy) == 0) {
				p.Fail(n, "what is suppressed has a length of time (for) and columns by which alerts are alike (by)")
			}
		},
		"entities": func(n *yaml.Node) {
			p.list(n, func(x *yaml.Node) { s.Entities = append(s.Entities, p.entity(x, "fields")) })
		},
		"own": func(n *yaml.Node) {
			if n.Kind != yaml.MappingNode {
				p.Fail(n, "here belongs a mapping of the settings of a SIEM to values")
				return
			}
			for _, e := range p.Entries(n) {
				s.Own = append(s.Own, deploy.Own{Name: e.Name, Value: p.value(e.Value)})
			}
		},
	}
}

// entity is a type with a mapping of identifiers to columns.
func (p *reader) entity(n *yaml.Node, fields string) (out deploy.Entity) {
	p.mapping(n, map[string]func(*yaml.Node){
		"type": func(n *yaml.Node) { out.Type = p.text(n) },
		fields: func(n *yaml.Node) {
			if n.Kind != yaml.MappingNode {
				p.Fail(n, "here belongs a mapping of identifiers to columns")
				return
			}
			for _, e := range p.Entries(n) {
				out.Fields = append(out.Fields, deploy.EntityField{Identifier: e.Name, Column: p.text(e.Value)})
			}
		},
	})
	if n.Kind == yaml.MappingNode && (out.Type == "" || len(out.Fields) == 0) {
		p.Fail(n, "an entity has a type and %s", fields)
	}
	return out
}

func (p *reader) boolean(n *yaml.Node) *bool {
	var b bool
	if n.Kind != yaml.ScalarNode || n.Decode(&b) != nil {
		p.Fail(n, "here belongs true or false")
		return nil
	}
	return &b
}

func (p *reader) number(n *yaml.Node, least, most int) *int {
	x, err := strconv.Atoi(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil || x < least || x > most {
		p.Fail(n, "here belongs a number from %d to %d", least, most)
		return nil
	}
	return &x
}

func (p *reader) duration(n *yaml.Node) time.Duration {
	d, ok := deploy.ParseDuration(n.Value)
	if n.Kind != yaml.ScalarNode || !ok {
		p.Fail(n, "here belongs a length of time such as 90m, 12h or 7d")
	}
	return d
}

// value is a scalar as it stands, and anything else as JSON.
func (p *reader) value(n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode {
		return n.Value
	}
	var v any
	if err := n.Decode(&v); err != nil {
		p.Fail(n, "here belongs a value")
		return ""
	}
	text, err := json.Marshal(v)
	if err != nil {
		p.Fail(n, "here belongs a value that JSON has")
	}
	return string(text)
}

// customName is the attribute of a rule that settings stand in.
const customName = "custom"

// OfRule are the settings that a document gives itself: those under custom.sigmac, and below
// them what droid understands beside it. What is left of droid's keys are settings of a
// SIEM's own, or of other tools: loose. Diagnostics are of the document.
func OfRule(d *parser.Document) (s Settings, loose []deploy.Own, errs []*ir.Diagnostic) {
	var meta *ir.Meta
	switch {
	case d.Rule != nil:
		meta = &d.Rule.Meta
	case d.Correlation != nil:
		meta = &d.Correlation.Meta
	default:
		return
	}
	if !slices.ContainsFunc(meta.Custom, func(a ir.Attribute) bool { return a.Name == customName }) {
		return
	}
	f, n := d.Attribute(customName)
	if n == nil || n.Kind != yaml.MappingNode {
		return
	}
	s, loose = (&reader{f}).custom(n)
	for _, e := range f.Errors() {
		errs = append(errs, d.Place(e))
	}
	return s, loose, errs
}

func (p *reader) custom(root *yaml.Node) (s Settings, loose []deploy.Own) {
	var droid deploy.Settings
	for _, e := range p.Entries(root) {
		n := e.Value
		switch e.Name {
		case "sigmac":
			p.settings(n, &s, nil)
		case "disabled":
			if b := p.boolean(n); b != nil {
				on := !*b
				droid.Enabled = &on
			}
		case "removed":
			droid.Leave = p.boolean(n)
		case "cron_schedule":
			droid.Cron = p.text(n)
		case "earliest_time", "latest_time":
			loose = append(loose, deploy.Own{Name: "dispatch." + e.Name, Value: p.text(n)})
		case "query_frequency":
			droid.Every = p.hours(n)
		case "query_period": // of Sentinel how far it looks back, of Defender, as 12H, how often it runs
			if d := p.hours(n); strings.ContainsAny(n.Value, "hH") {
				droid.Every = d
			} else {
				droid.Lookback = d
			}
		case "entity_mappings":
			p.list(n, func(x *yaml.Node) { droid.Entities = append(droid.Entities, p.droidEntity(x)) })
		default:
			loose = append(loose, deploy.Own{Name: e.Name, Value: p.value(n)})
		}
	}
	s.Settings = s.Settings.Over(droid)
	return s, loose
}

// hours is droid's: a number of hours, also written 12H.
func (p *reader) hours(n *yaml.Node) time.Duration {
	x, err := strconv.ParseFloat(strings.TrimRight(n.Value, "hH"), 64)
	d := time.Duration(x * float64(time.Hour)).Truncate(time.Minute)
	if n.Kind != yaml.ScalarNode || err != nil || x < 0 || x > 24*366 {
		p.Fail(n, "here belongs a number of hours")
		return 0
	}
	return d
}

func (p *reader) droidEntity(n *yaml.Node) (out deploy.Entity) {
	p.mapping(n, map[string]func(*yaml.Node){
		"entity_type": func(n *yaml.Node) { out.Type = p.text(n) },
		"field_mappings": func(n *yaml.Node) {
			p.list(n, func(x *yaml.Node) {
				var f deploy.EntityField
				p.mapping(x, map[string]func(*yaml.Node){
					"identifier":  func(n *yaml.Node) { f.Identifier = p.text(n) },
					"column_name": func(n *yaml.Node) { f.Column = p.text(n) },
				})
				out.Fields = append(out.Fields, f)
			})
		},
	})
	return out
}
